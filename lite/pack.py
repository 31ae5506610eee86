"""Lay out the folder `lite/static/pyodide/` of the site: the one copy of Python for pages and notebooks.

    python lite/pack.py --python build/python --wheel build/wheel/*.whl --kernels build/kernels/*.whl --out build/pyodide

It is what prepare.py made; tinytorch, without `tito`, which has no terminal there, in several wheels; the wheel of the
kernels for NumPy; and the module through which notebooks start Python. The wheel `tinytorch` has what every page starts
with. A chapter's wheel has its exercises and, from chapter 09 on, the modules that it builds; the other wheels have what
comes on first use. tinytorch_wheels.py fetches them. Every module has bytecode, which spares a reader's machine the
compiling; the modules of `tinytorch.learn` that pages start with leave their sources to a wheel of their own.

`start.json` says what every page fetches to start Python; whoever needs to know reads it there.
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
from tinytorch.learn.catalog import Exercise, Program
from vendor import VendorError, manifest, npm

HERE = Path(__file__).resolve().parent
TITO = ["tinytorch/cli/*", "*.dist-info/entry_points.txt"]
CHAPTERS = "tinytorch/learn/chapters/*.json"
INDEX = "tinytorch/learn/chapters/index.json"
# What pages need to know of other chapters: which function an exercise asks for, and how it is called.
BRIEF = ("format", "id", "number", "name", "title", "tier", "requires", "unlocks", "minutes")
NOTEBOOK = HERE / "notebook.mjs"
START = "start.json"
FINDER = HERE / "tinytorch_wheels.py"
# Which wheel has what of tinytorch: the first pattern that fits decides. What fits none every page starts with;
# perf/kernels.py is such a one: the fast kernels of NumPy report to it.
WHEELS = {
    "chapter-09": ["core/spatial.py"],
    "chapter-10": ["core/tokenization.py"],
    "chapter-11": ["core/embeddings.py"],
    "chapter-12": ["core/attention.py"],
    "chapter-13": ["core/transformers.py"],
    "chapter-15": ["perf/quantization.py", "perf/lowbit.py"],
    "chapter-16": ["perf/compression.py"],
    "chapter-17": ["perf/acceleration.py"],
    "chapter-18": ["perf/memoization.py", "perf/paging.py"],
    "chapter-19": ["perf/benchmarking.py"],
    "chapter-20": ["olympics.py"],
    "pictures": [f"pictures/{name}.py" for name in ("curves", "digits", "drawing", "graph", "maps", "memory", "pad", "palette", "photos", "prompt", "surface", "tokens", "vectors", "weights")],
    "results": ["pictures/front.py", "pictures/runs.py"],  # chapters 16 and 19 draw them when a cell asks
    "machines": ["perf/webassembly.py", "perf/hardware.py"],  # chapter 17 builds these too, and they come when a cell asks
    "pages": ["core/pages.py", "learn/together.py"],  # more Pythons of a page, for chapters 05 and 17 and milestone 4
    "parallel": [f"perf/{name}.py" for name in ("parallel", "crew", "pipes", "pages", "processes")],
    "datasets": ["datasets/*"],
    "models": ["models/*"],  # chapters 14 to 20 begin with them
    "serving": ["perf/server.py", "perf/serving.py"],  # the second half of chapter 18
    "profiling": ["perf/profiling/*", "perf/roofline.py", "perf/energy.py", "pictures/flame.py", "pictures/roofs.py"],  # chapter 14 builds it, chapters 14 to 20 measure with it
    "doors": ["learn/__main__.py", "learn/doors/*", "learn/keeping/*"],
    "package": ["learn/programs.py", "learn/wheel.py"],  # run a program on the reader's own package, or write it down
    "sources": ["LICENSE*"],
}  # fmt: skip
SOURCES = "tinytorch-sources"  # of what comes as bytecode alone
LEAN = "tinytorch/learn/*.py"


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


def parts(wheel: bytes, records: dict[str, dict], bytecode: dict[str, bytes]) -> dict[str, dict[str, bytes]]:
    """The files of each of our wheels but for their dist-info, by its name: every module, data file and chapter once."""
    with zipfile.ZipFile(io.BytesIO(slimmed(wheel, [*TITO, CHAPTERS]))) as old:
        files = {name: old.read(name) for name in old.namelist() if ".dist-info/" not in name}
    found: dict[str, dict[str, bytes]] = {"tinytorch": {FINDER.name: FINDER.read_bytes()}, SOURCES: {}}
    for name, data in files.items():
        wheel = home(name)
        lean = wheel == "tinytorch" and fnmatch(name, LEAN)
        found.setdefault(SOURCES if lean else wheel, {})[name] = data
        if name in bytecode:
            found.setdefault(wheel, {})[name + "c" if lean else cached(name)] = bytecode[name]
    found["tinytorch"][INDEX] = packed_json([brief(record) for record in records.values()])
    for place, record in records.items():
        found.setdefault(f"tinytorch-chapter-{record['id']}", {})[place] = packed_json(record)
    return found


def home(name: str) -> str:
    """The name of the wheel that a file of tinytorch lies in."""
    for wheel, patterns in WHEELS.items():
        if any(fnmatch(name, f"tinytorch/{pattern}") for pattern in patterns):
            return f"tinytorch-{wheel}"
    return "tinytorch"


def modules(files: dict[str, bytes]) -> list[str]:
    """The names by which the modules among files are imported."""
    names = {
        name.removesuffix("c").removesuffix(".py")
        for name in files
        if name.endswith((".py", ".pyc")) and "__pycache__" not in name
    }
    return sorted(name.removesuffix("/__init__").replace("/", ".") for name in names)


def packed(package: dict, files: dict[str, bytes]) -> bytes:
    """The wheel of a package; the same input gives the same bytes."""
    name, version = Path(package["file_name"]).name.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    about = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package['name']}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    listing = {f"{info}/RECORD": "".join(f"{name},,\n" for name in [*files, *about, f"{info}/RECORD"]).encode()}
    return zipped((zipfile.ZipInfo(name, EPOCH), data) for name, data in (files | about | listing).items())


def add_wheels(out: Path, wheel: Path, bytecode: dict[str, bytes]) -> dict[str, dict]:
    """Put each of our wheels where its lock entry says; return those entries by name."""
    whole, version = wheel.read_bytes(), wheel.name.split("-")[1]
    entries = {}
    for name, files in parts(whole, chapter_records(whole), bytecode).items():
        package = entry(name, f"{name.replace('-', '_')}-{version}-py3-none-any.whl", ["tinytorch"])
        if name == "tinytorch":
            package["depends"] = ["numpy", "tinytorch-kernels"]
        else:
            package["imports"] = modules(files)
        entries[name] = add(out, packed(package, files), package)
    return entries


def compiled(wheel: bytes, bytecode: dict[str, bytes]) -> bytes:
    """The wheel with bytecode; the same input gives the same bytes."""
    files = {}
    with zipfile.ZipFile(io.BytesIO(wheel)) as old:
        for name in old.namelist():
            files[name] = old.read(name)
            if name in bytecode:
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
    package = entry("tinytorch-kernels", kernels.name, ["numpy"])
    ours = {"tinytorch-kernels": add(out, compiled(kernels.read_bytes(), bytecode(python, kernels)), package)}
    ours |= add_wheels(out, wheel, bytecode(python, wheel))
    write_lock(out, lock["info"], lock["packages"] | ours)
    (out / START).write_bytes(packed_json(start(out, manifest()["pyodide"]["core"], lock["packages"] | ours)))


def start(out: Path, core: list[str], packages: dict[str, dict]) -> dict:
    """What every page starts Python with: the files of the interpreter, the packages, and for the progress bar the size of
    each and of our other wheels, which a compressed answer does not tell."""
    core, needed = [*core, "pyodide-lock.json"], ["tinytorch"]
    for name in needed:
        needed += [other for other in packages[name]["depends"] if other not in needed]
    ours = [name for name in packages if name.startswith("tinytorch")]
    files = [*core, *(packages[name]["file_name"] for name in sorted({*needed, *ours}))]
    return {
        "core": core,
        "packages": sorted(needed),
        "sizes": {Path(file).name: (out / file).stat().st_size for file in files},
    }


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
