"""Lay out the folder `lite/static/pyodide/` of the site: the one copy of Python for pages and notebooks.

    python lite/pack.py --python build/python --wheel build/wheel/*.whl --kernels build/kernels/*.whl --out build/pyodide

It is what prepare.py made; the wheel of tinytorch, without `tito`, which has no terminal there; a wheel for each chapter
and milestone with its exercises, of which a page fetches its own; the wheel of the kernels for NumPy; and the module through which notebooks start Python. The wheels keep their sources,
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

from tinytorch.learn.catalog import Exercise, Program

HERE = Path(__file__).resolve().parent
TITO = ["tinytorch/cli/*", "*.dist-info/entry_points.txt"]
CHAPTERS = "tinytorch/learn/chapters/*.json"
INDEX = "tinytorch/learn/chapters/index.json"
# What pages need to know of other chapters: which function an exercise asks for, and how it is called.
BRIEF = ("format", "id", "number", "name", "title", "tier", "requires", "unlocks", "minutes")
NOTEBOOK = HERE / "notebook.mjs"
# What no page imports at its start, or only in the last chapters, goes without: bytecode would be 0.25 MB more.
WITHOUT_BYTECODE = [
    "tinytorch/perf/*", "tinytorch/olympics.py", "tinytorch/learn/__main__.py",
    *(f"tinytorch/core/{name}.py" for name in ("tokenization", "embeddings", "attention", "transformers")),
    "tinytorch/learn/keeping/*", "tinytorch/learn/doors/*", "tinytorch/learn/overlay.py", "tinytorch/learn/wheel.py",
]  # fmt: skip


def bytecode(python: Path, wheel: Path) -> dict[str, bytes]:
    """Each module of the wheel compiled by the Python in the folder."""
    command = [npm()[0], str(HERE / "compile_wheel.mjs"), str(python.resolve()), str(wheel.resolve())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise VendorError(f"the browser's Python could not compile {wheel.name}:\n{error_end(done.stderr)}")
    return {name: base64.b64decode(code) for name, code in json.loads(done.stdout).items()}


def chapter_records(wheel: bytes) -> dict[str, dict]:
    """What the wheel says of each chapter and milestone, by the path of its file."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as old:
        return {name: json.loads(old.read(name)) for name in sorted(old.namelist()) if fnmatch(name, CHAPTERS)}


def brief(record: dict) -> dict:
    """A chapter's record without what only its own page shows."""
    short = {key: record[key] for key in BRIEF}
    short["exercises"] = [Exercise.from_dict(exercise).brief() for exercise in record["exercises"]]
    if "programs" in record:
        short["programs"] = [Program.from_dict(program).brief() for program in record["programs"]]
    return short


def packed_json(content: dict | list) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def library_wheel(wheel: bytes, records: dict[str, dict]) -> bytes:
    """The wheel without `tito`, and with an index in the place of the chapters' files."""
    with zipfile.ZipFile(io.BytesIO(slimmed(wheel, [*TITO, CHAPTERS]))) as old:
        files = {name: old.read(name) for name in old.namelist()}
    (listing,) = (name for name in files if name.endswith(".dist-info/RECORD"))
    files[listing] += f"{INDEX},,\n".encode()
    files[INDEX] = packed_json([brief(record) for record in records.values()])
    return zipped(((zipfile.ZipInfo(name, EPOCH), data) for name, data in files.items()), packed=False)


def chapter_wheel(package: dict, place: str, record: dict) -> bytes:
    """A wheel that puts a chapter's file into the installed tinytorch."""
    name, version = Path(package["file_name"]).name.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    files = {
        place: packed_json(record),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package['name']}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"{place},,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n".encode(),
    }
    return zipped((zipfile.ZipInfo(name, EPOCH), data) for name, data in files.items())


def add_chapters(out: Path, records: dict[str, dict], version: str) -> dict[str, dict]:
    """Put each chapter's wheel where its lock entry says; return those entries by name."""
    entries = {}
    for place, record in records.items():
        name = f"tinytorch-chapter-{record['id']}"
        package = entry(name, f"{name.replace('-', '_')}-{version}-py3-none-any.whl", ["tinytorch"])
        entries[name] = add(out, chapter_wheel(package, place, record), package)
    return entries


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
    whole = wheel.read_bytes()
    records = chapter_records(whole)
    library = entry("tinytorch", wheel.name, ["numpy", "tinytorch-kernels"])
    ours = {
        "tinytorch": add(out, compiled(library_wheel(whole, records), bytecode(python, wheel)), library),
        "tinytorch-kernels": add(
            out, compiled(kernels.read_bytes(), bytecode(python, kernels)), entry("tinytorch-kernels", kernels.name, ["numpy"])
        ),
    }
    ours |= add_chapters(out, records, library["version"])
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
