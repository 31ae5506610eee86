"""`tito`, the course in a terminal. It asks and prints; what it does is done by `tinytorch.learn`.

app.py      the commands and their words
show.py     tables for a terminal, plain text for a pipe
project.py  what needs a clone of the book: building and serving the site, a chapter's notebook, JupyterLab
commit.py   which commit this was built from

Typer and Rich come with the wheel's extra `cli`; nothing else of tinytorch needs them, and the browser gets
none of this.
"""

from __future__ import annotations

import sys

MISSING = """tito needs the package {name}, which this Python does not have. Install it with

    {python} -m pip install 'typer>=0.24' 'rich>=13.8'

Without it, the same checks run as: {python} -m tinytorch.learn check 01 --home"""


def main() -> int:
    """Run `tito` on the command line's arguments; return the exit status."""
    try:
        from .app import run
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in ("typer", "rich"):
            raise
        print(MISSING.format(name=name, python=sys.executable), file=sys.stderr)
        return 2
    return run()
