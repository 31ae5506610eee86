"""Lay out the folder `lite/static/pyodide/` of the site: the one copy of Python for pages and notebooks.

    python lite/pack.py --python build/python --wheel build/wheel/*.whl --kernels build/kernels/*.whl --out build/pyodide

It is what prepare.py made; the wheel of tinytorch, which stays source, because exercises are derived from it, and goes
without `tito`, which has no terminal there; the wheel of the kernels for NumPy, which comes along with it; and the module
through which notebooks start Python.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from prepare import entry, lock_entry, replace, rewrite, write_lock

TITO = ["tinytorch/cli/*", "*.dist-info/entry_points.txt"]
NOTEBOOK = Path(__file__).with_name("notebook.mjs")


def lay_out(out: Path, python: Path, wheel: Path, kernels: Path) -> None:
    shutil.copytree(python, out)
    shutil.copy(NOTEBOOK, out)
    lock = json.loads((out / "pyodide-lock.json").read_text())
    ours = {
        "tinytorch": add(out, rewrite(wheel.read_bytes(), TITO), entry("tinytorch", wheel.name, ["numpy", "tinytorch-kernels"])),
        "tinytorch-kernels": add(out, kernels.read_bytes(), entry("tinytorch-kernels", kernels.name, ["numpy"])),
    }
    write_lock(out, lock["info"], lock["packages"] | ours)


def add(out: Path, data: bytes, package: dict) -> dict:
    """Put a wheel where its lock entry says; return that entry."""
    ours = lock_entry(package["name"], package, data, [])
    place = out / ours["file_name"]
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    return ours


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, required=True, help="what prepare.py made")
    parser.add_argument("--wheel", type=Path, required=True, help="the wheel of tinytorch")
    parser.add_argument("--kernels", type=Path, required=True, help="the wheel of the kernels")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    replace(options.out, lambda part: lay_out(part, options.python, options.wheel, options.kernels))
    return 0


if __name__ == "__main__":
    sys.exit(main())
