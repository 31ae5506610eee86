"""Lay out the folder `lite/static/pyodide/` of the site: the one copy of Python for pages and notebooks.

    python lite/pack.py --python build/python --wheel build/wheel/*.whl --kernels build/kernels/*.whl --out build/pyodide

It is what prepare.py made; the wheel of tinytorch, without `tito`, which has no terminal there; the wheel of the kernels
for NumPy, which comes along with it; and the module through which notebooks start Python. The wheels keep their sources,
from which exercises and the reader's own package are made, and get bytecode beside them, which spares a page a third of a
second of compiling at each start.
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
from fnmatch import fnmatch
from pathlib import Path

from prepare import EPOCH, entry, error_end, lock_entry, replace, slimmed, write_lock, zipped
from vendor import VendorError, npm

HERE = Path(__file__).resolve().parent
TITO = ["tinytorch/cli/*", "*.dist-info/entry_points.txt"]
NOTEBOOK = HERE / "notebook.mjs"
# What no page imports at its start, or only in the last chapters, goes without: bytecode would be 0.25 MB more.
WITHOUT_BYTECODE = [
    "tinytorch/perf/*", "tinytorch/olympics.py", "tinytorch/learn/__main__.py", "tinytorch/learn/*_store.py",
    *(f"tinytorch/core/{name}.py" for name in ("tokenization", "embeddings", "attention", "transformers")),
    *(f"tinytorch/learn/{name}.py" for name in ("notebook", "overlay", "progress", "records", "reporting", "wheel")),
    *(f"tinytorch/learn/{name}.py" for name in ("desk", "local", "standing")),
]  # fmt: skip


def bytecode(python: Path, wheel: Path) -> dict[str, bytes]:
    """Each module of the wheel compiled by the Python in the folder."""
    command = [npm()[0], str(HERE / "compile_wheel.mjs"), str(python.resolve()), str(wheel.resolve())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise VendorError(f"the browser's Python could not compile {wheel.name}:\n{error_end(done.stderr)}")
    return {name: base64.b64decode(code) for name, code in json.loads(done.stdout).items()}


def compiled(wheel: bytes, bytecode: dict[str, bytes]) -> bytes:
    """The wheel with bytecode; the same input gives the same bytes."""
    files = {}
    with zipfile.ZipFile(io.BytesIO(wheel)) as old:
        for name in old.namelist():
            files[name] = old.read(name)
            if name in bytecode and not any(fnmatch(name, pattern) for pattern in WITHOUT_BYTECODE):
                files[cached(name)] = bytecode[name]
    (record,) = (name for name in files if name.endswith(".dist-info/RECORD"))
    files[record] += "".join(f"{name},,\n" for name in files if name.endswith(".pyc")).encode()
    return zipped((zipfile.ZipInfo(name, EPOCH), data) for name, data in files.items())


def cached(name: str) -> str:
    """Where Python 3.14 looks for the bytecode of a source file."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/__pycache__/{file.removesuffix('.py')}.cpython-314.pyc"


def lay_out(out: Path, python: Path, wheel: Path, kernels: Path) -> None:
    shutil.copytree(python, out)
    shutil.copy(NOTEBOOK, out)
    lock = json.loads((out / "pyodide-lock.json").read_text())
    ours = {
        "tinytorch": add(
            out,
            compiled(slimmed(wheel.read_bytes(), TITO), bytecode(python, wheel)),
            entry("tinytorch", wheel.name, ["numpy", "tinytorch-kernels"]),
        ),
        "tinytorch-kernels": add(
            out, compiled(kernels.read_bytes(), bytecode(python, kernels)), entry("tinytorch-kernels", kernels.name, ["numpy"])
        ),
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
    try:
        replace(options.out, lambda part: lay_out(part, options.python, options.wheel, options.kernels))
    except VendorError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
