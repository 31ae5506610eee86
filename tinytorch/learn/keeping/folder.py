"""Which folder is the reader's, outside of a browser.

It is called ``my-tinytorch``. Notebooks, `tito` and ``python -m tinytorch.learn`` all ask `home` for it:

1. the folder that the environment variable TINYTORCH_HOME names;
2. else the nearest ``my-tinytorch`` in the current folder or in one above it;
3. else ``my-tinytorch`` in the current folder, which is made when there is something to keep.
"""

from __future__ import annotations

import os

FOLDER = "my-tinytorch"
VARIABLE = "TINYTORCH_HOME"


def home(start: str | None = None) -> str:
    """Return the absolute path of the reader's folder, as seen from a folder (default: the current one)."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    here = first = os.path.abspath(start or os.getcwd())
    while not os.path.isdir(os.path.join(here, FOLDER)):
        above = os.path.dirname(here)
        if above == here:
            return os.path.join(first, FOLDER)
        here = above
    return os.path.join(here, FOLDER)
