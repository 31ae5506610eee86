"""Writing with a key-value cache in the page: the pieces of `bench.library.generation`, run by the page's own Python.

`python -m bench.generation` measures them alone. The page has Python and the kernels of the built site; the library
is that of this folder, so that a change can be measured before the site is built again.
"""

from __future__ import annotations

import base64
import io
import sys
import zipfile
from pathlib import Path

from .in_page import in_page
from .measure import Table

ROOT = Path(__file__).resolve().parents[1]
FILES = ["tinytorch/*.py", "tinytorch/core/*.py", "tinytorch/perf/*.py", "bench/__init__.py", "bench/library/*.py"]
# What the start has loaded of the library makes room for this folder's.
SOURCE = """
import json, sys
for name in [name for name in sys.modules if name.split('.')[0] == 'tinytorch']:
    del sys.modules[name]
sys.path.insert(0, '/measured')
from bench.library.compare import run_in_turns
from bench.library.generation import PIECES
answer = json.dumps({piece.name: run_in_turns(piece) for piece in PIECES if 'd 256' not in piece.name})
answer
"""


def measure(table: Table) -> None:
    for name, ways in in_page(SOURCE, packed()).items():
        for way, values in ways.items():
            for value in values:
                table.add(f"{name}, {way}", value * 1000, "ms")
        for other in ("uncached", "plain"):
            table.compare(f"{name}, in the page: ours : {other}", f"{name}, ours", f"{name}, {other}")


def packed() -> str:
    """The files that are measured as an archive, in base64."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        for path in sorted(path for pattern in FILES for path in ROOT.glob(pattern)):
            files.write(path, path.relative_to(ROOT))
    return base64.b64encode(archive.getvalue()).decode()


def main() -> int:
    table = Table()
    measure(table)
    print(table.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
