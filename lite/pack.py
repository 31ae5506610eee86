"""Lay out the folder `lite/static/pyodide/` of the site: the one copy of Python for pages and notebooks.

    python lite/pack.py --python build/python --wheel build/wheel/tinytorch-0.1.0-py3-none-any.whl --out build/pyodide

It is what prepare.py made, and the wheel of tinytorch, which stays source: exercises are derived from it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from prepare import entry, lock_entry, replace, write_lock


def lay_out(out: Path, python: Path, wheel: Path) -> None:
    shutil.copytree(python, out)
    lock = json.loads((out / "pyodide-lock.json").read_text())
    data = wheel.read_bytes()
    ours = lock_entry("tinytorch", entry("tinytorch", wheel.name, ["numpy"]), data, [])
    place = out / ours["file_name"]
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    write_lock(out, lock["info"], lock["packages"] | {"tinytorch": ours})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, required=True, help="what prepare.py made")
    parser.add_argument("--wheel", type=Path, required=True, help="the wheel of tinytorch")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    replace(options.out, lambda part: lay_out(part, options.python, options.wheel))
    return 0


if __name__ == "__main__":
    sys.exit(main())
