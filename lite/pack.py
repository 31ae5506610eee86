"""Lay out the folder `lite/static/pyodide/` of the site: the one copy of Python for pages and notebooks.

    python lite/pack.py --python build/python --wheel build/wheel/tinytorch-0.1.0-py3-none-any.whl --out build/pyodide

It is what prepare.py made, and the wheel of tinytorch. The library's wheel keeps its sources, from which exercises are
derived, and gets bytecode beside them, which spares a page half a second of compiling; `tinytorch.learn`, which nobody
reads there, is bytecode only.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from prepare import EPOCH, error_end, entry, lock_entry, replace, slim_record, write_lock
from vendor import VendorError, npm

HERE = Path(__file__).resolve().parent
BYTECODE_ONLY = "tinytorch/learn/"
WITHOUT_BYTECODE = ("tinytorch/perf/", "tinytorch/olympics.py")  # late chapters: half the library, for few readers' visits


def bytecode(python: Path, wheel: Path) -> dict[str, bytes]:
    """Each module of the wheel compiled by the Python in the folder."""
    command = [npm()[0], str(HERE / "compile_wheel.mjs"), str(python.resolve()), str(wheel.resolve())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise VendorError(f"the browser's Python could not compile {wheel.name}:\n{error_end(done.stderr)}")
    return {name: base64.b64decode(code) for name, code in json.loads(done.stdout).items()}


def compiled(wheel: bytes, bytecode: dict[str, bytes]) -> bytes:
    """The wheel with bytecode; the same input gives the same bytes."""
    out, files = io.BytesIO(), {}
    with zipfile.ZipFile(io.BytesIO(wheel)) as old:
        for name in old.namelist():
            code = None if name.startswith(WITHOUT_BYTECODE) else bytecode.get(name)
            if code is None or not name.startswith(BYTECODE_ONLY):
                files[name] = old.read(name)
            if code is not None:
                files[name + "c" if name.startswith(BYTECODE_ONLY) else cached(name)] = code
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for name, data in files.items():
            new.writestr(zipfile.ZipInfo(name, EPOCH), slim_record(data, set(files)) if name.endswith("/RECORD") else data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def cached(name: str) -> str:
    """Where Python 3.14 looks for the bytecode of a source file."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/__pycache__/{file.removesuffix('.py')}.cpython-314.pyc"


def lay_out(out: Path, python: Path, wheel: Path) -> None:
    shutil.copytree(python, out)
    lock = json.loads((out / "pyodide-lock.json").read_text())
    data = compiled(wheel.read_bytes(), bytecode(python, wheel))
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
    try:
        replace(options.out, lambda part: lay_out(part, options.python, options.wheel))
    except VendorError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
