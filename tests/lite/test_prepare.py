"""What is laid out for the browser: only what is listed, as it is listed, and importable."""

import hashlib
import io
import json
import re
import subprocess
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

import pack
import prepare
from vendor import VendorError

ROOT = Path(__file__).resolve().parents[2]
PYODIDE = ROOT / "build" / "site" / "lite" / "static" / "pyodide"


def archive(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, data in files.items():
            new.writestr(name, data)
    return out.getvalue()


def test_slimming_leaves_out_what_matches_and_its_record_lines():
    wheel = archive({"a/code.py": "1", "a/types.pyi": "2", "a-1.dist-info/RECORD": "a/code.py,,1\na/types.pyi,,1\n"})
    slim = zipfile.ZipFile(io.BytesIO(prepare.rewrite(wheel, ["*.pyi"])))
    assert slim.namelist() == ["a/code.py", "a-1.dist-info/RECORD"]
    assert slim.read("a-1.dist-info/RECORD") == b"a/code.py,,1\n"


def test_slimming_gives_the_same_bytes_every_time():
    wheel = archive({"a/code.py": "1" * 5000, "b.pyi": ""})
    assert prepare.rewrite(wheel, ["*.pyi"]) == prepare.rewrite(wheel, ["*.pyi"])


def test_bytecode_takes_the_place_of_its_source():
    wheel = archive({"a/code.py": "1", "a/other.py": "2"})
    new = zipfile.ZipFile(io.BytesIO(prepare.rewrite(wheel, [], {"a/code.pyc": b"bytes"})))
    assert new.namelist() == ["a/code.pyc", "a/other.py"] and new.read("a/code.pyc") == b"bytes"


def test_a_pattern_that_matches_nothing_is_reported():
    with pytest.raises(VendorError, match=r"leaves out \*\.pxd, but no such file"):
        prepare.rewrite(archive({"a.py": ""}), ["*.pxd"])


def test_a_dependency_that_is_not_shipped_is_reported():
    with pytest.raises(VendorError, match="not shipped: missing-thing"):
        prepare.check_complete({"a": {"depends": ["missing-thing"]}}, {"kernel": {}})


WHEEL = sorted((ROOT / "build" / "wheel").glob("*.whl"))


@pytest.fixture(scope="module")
def ours(lock):
    """The files of each of our wheels without its dist-info, by its name."""
    names = [name for name in lock["packages"] if name.startswith("tinytorch") and name != "tinytorch-kernels"]
    return {name: [file for file in shipped(lock, name).namelist() if ".dist-info/" not in file] for name in names}


def test_every_file_of_the_library_lies_in_one_wheel(ours):
    (wheel,) = WHEEL
    with zipfile.ZipFile(wheel) as whole:
        wanted = {
            name: whole.read(name)
            for name in whole.namelist()
            if ".dist-info/" not in name and not fnmatch(name, "tinytorch/cli/*")
        }
    found = [
        name for files in ours.values() for name in files if not name.endswith((".pyc", pack.FINDER.name, "index.json"))
    ]
    assert len(found) == len(set(found)) and set(found) == set(wanted)


def test_every_module_has_bytecode_beside_its_source_and_learn_bytecode_alone(ours):
    for name, files in ours.items():
        for file in (file for file in files if file.endswith(".py") and file.startswith("tinytorch/")):
            if name != pack.SOURCES:
                assert pack.cached(file) in files
            else:
                assert file + "c" in ours["tinytorch"] and file not in ours["tinytorch"]
    assert "tinytorch/learn/workshop.pyc" in ours["tinytorch"]


def test_no_pattern_of_a_wheel_is_idle(ours):
    files = [name for names in ours.values() for name in names]
    idle = [
        pattern
        for patterns in pack.WHEELS.values()
        for pattern in patterns
        if not any(fnmatch(name, f"tinytorch/{pattern}") for name in files)
    ]
    assert not idle


def test_the_lock_says_which_wheel_has_which_module(lock):
    assert "tinytorch.core.spatial" in lock["packages"]["tinytorch-chapter-09"]["imports"]
    assert {"tinytorch.perf.profiling", "tinytorch.perf.profiling.latency"} <= set(
        lock["packages"]["tinytorch-profiling"]["imports"]
    )
    assert lock["packages"]["tinytorch-chapter-01"]["imports"] == []
    assert {"tinytorch.learn.doors", "tinytorch.learn.doors.notebook"} <= set(
        lock["packages"]["tinytorch-doors"]["imports"]
    )


RECORD = {
    "format": 1, "id": "07", "number": 7, "name": "seven", "title": "Seven", "tier": "foundation", "summary": "long", "requires": [],
    "unlocks": [], "minutes": 5, "textbook": [], "competencies": [], "questions": [{"id": "07.q"}], "labs": [],
    "exercises": [{"id": "07.a", "name": "a", "number": "7.1", "title": "A", "symbol": "tinytorch.x:a", "minutes": 5, "task": "long",
                   "hints": ["long"], "checks": [{"title": "long", "code": "long"}]}],
}  # fmt: skip


def test_of_other_chapters_only_names_and_symbols_come_with_the_library():
    short = pack.brief(RECORD)
    assert not {"summary", "questions", "labs", "competencies", "programs"} & set(short)
    assert short["exercises"] == [
        {"id": "07.a", "name": "a", "number": "7.1", "title": "A", "minutes": 5, "symbol": "tinytorch.x:a"}
    ]
    programs = [{"id": "m1.p", "name": "p", "title": "P", "code": "long", "goals": []}]
    assert pack.brief({**RECORD, "programs": programs})["programs"] == [{"id": "m1.p", "name": "p", "title": "P"}]


def shipped(lock, name):
    return zipfile.ZipFile(PYODIDE / lock["packages"][name]["file_name"])


def test_each_chapter_has_a_wheel_and_the_library_an_index_of_them(lock):
    from tinytorch.learn import catalog

    all_of_them = (*catalog.catalog().chapters, *catalog.catalog().milestones)
    library = [name for name in shipped(lock, "tinytorch").namelist() if fnmatch(name, pack.CHAPTERS)]
    assert library == [pack.INDEX]
    index = json.loads(shipped(lock, "tinytorch").read(pack.INDEX))
    assert {record["id"] for record in index} == {chapter.id for chapter in all_of_them}
    assert {f"tinytorch-chapter-{one.id}" for one in all_of_them} <= set(lock["packages"])
    for chapter in all_of_them:
        wheel = shipped(lock, f"tinytorch-chapter-{chapter.id}")
        (place,) = [name for name in wheel.namelist() if fnmatch(name, pack.CHAPTERS)]
        assert catalog.Chapter.from_dict(json.loads(wheel.read(place))) == chapter
        assert (ROOT / place).is_file()


@pytest.fixture(scope="module")
def lock():
    return json.loads((PYODIDE / "pyodide-lock.json").read_text())


def test_the_lock_lists_exactly_what_is_shipped_with_its_hashes(lock):
    listed = {package["file_name"]: package["sha256"] for package in lock["packages"].values()}
    shipped = {
        path.relative_to(PYODIDE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in PYODIDE.rglob("*.whl")
    }
    assert listed == shipped


def test_the_lock_is_closed_and_holds_our_library(lock):
    packages = lock["packages"]
    assert {needed for package in packages.values() for needed in package["depends"]} <= set(packages)
    assert packages["tinytorch"]["depends"] == ["numpy", "tinytorch-kernels"]


def test_what_starts_python_is_listed_once_with_the_size_of_each_file(lock):
    start = json.loads((PYODIDE / pack.START).read_text())
    assert start["core"] == [
        "pyodide.mjs",
        "pyodide.asm.mjs",
        "pyodide.asm.wasm",
        "python_stdlib.zip",
        "pyodide-lock.json",
    ]
    assert start["packages"] == ["numpy", "tinytorch", "tinytorch-kernels"]
    ours = [name for name in lock["packages"] if name.startswith("tinytorch")]
    files = [*start["core"], *(lock["packages"][name]["file_name"] for name in ["numpy", *ours])]
    assert start["sizes"] == {Path(file).name: (PYODIDE / file).stat().st_size for file in files}
    assert any(name.startswith("tinytorch_chapter_01-") for name in start["sizes"])


@pytest.mark.parametrize("name", ["pyodide.asm.wasm", "python_stdlib.zip", "tinytorch-kernels"])
def test_nobody_else_lists_what_starts_python(name):
    runners = list((ROOT / "tests/pyodide").glob("*.mjs"))
    assert runners
    pages = [ROOT / "book" / file for file in ("assemble.py", "runtime/src/python.ts", "runtime/src/downloads.ts")]
    for reader in [*pages, *runners]:
        lists = re.findall(r"\[[^\]\n]*\]", reader.read_text())
        assert not [found for found in lists if f'"{name}"' in found], reader


def test_there_is_one_copy_of_python_on_the_site():
    site = ROOT / "build" / "site"
    for pattern in ("pyodide.asm.wasm", "python_stdlib.zip", "numpy-*.whl", "tinytorch-*.whl"):
        assert len(list(site.rglob(pattern))) == 1, pattern


def test_the_terminal_program_stays_out_of_the_browser():
    for wheel in PYODIDE.glob("packages/*/tinytorch*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            record = archive.read(next(name for name in names if name.endswith("/RECORD"))).decode()
        assert not [name for name in names if name.startswith("tinytorch/cli/") or name.endswith("entry_points.txt")]
        assert {line.rsplit(",", 2)[0] for line in record.splitlines()} == set(names)


IMPORTS = """
import importlib, io, zipfile
import numpy as np
for name in dir(np):
    getattr(np, name)
for name in '''tinytorch tinytorch.learn numpy.testing numpy.linalg numpy.fft numpy.random numpy.polynomial numpy.ma IPython jedi
    micropip piplite matplotlib.pyplot PIL.Image unittest doctest pydoc pdb timeit cProfile tracemalloc concurrent.futures xml.etree.ElementTree
    email http.client sqlite3 ssl json csv statistics decimal fractions logging argparse tomllib tarfile inspect ast typing
    dataclasses asyncio urllib.request html gzip hashlib heapq bisect random struct pickle copy collections itertools functools'''.split():
    importlib.import_module(name)
import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.savefig(io.StringIO(), format="svg")
with zipfile.ZipFile(io.BytesIO(), "w") as archive:
    archive.writestr("größe.txt", "x")
[text.encode(code) for code in ("cp1252", "latin-1", "utf-16", "utf-8-sig") for text in ("ä",)]
"imported"
"""
RUN = """
const { loadPyodide } = await import(process.argv[1] + "/pyodide.mjs");
const python = await loadPyodide({ indexURL: process.argv[1] + "/" });
const silent = { messageCallback() {} };
await python.loadPackage(["numpy", "tinytorch", "tinytorch-chapter-01", "micropip", "piplite", "ipykernel", "comm", "jedi", "ipython", "matplotlib"], silent);
console.log(python.runPython(process.argv[2]));
"""


def test_everything_a_reader_may_import_is_there():
    node = ROOT / ".venv" / "bin" / "node"
    command = [str(node), "--input-type=module", "--eval", RUN, str(PYODIDE), IMPORTS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("imported")


SESSION = """
import builtins
compiled, original = [], builtins.compile
def noting(source, filename, *rest, **options):
    if str(filename).startswith("/lib/"):
        compiled.append(filename)
    return original(source, filename, *rest, **options)
builtins.compile = noting
from tinytorch import learn
workshop = learn.Workshop()
exercise = learn.exercise("01.memory_footprint")
workshop.run(exercise.id, exercise.solution)
workshop.check(exercise.id, exercise.solution.replace("return ", "return 1 + "))
workshop.run(exercise.id, exercise.solution + chr(10) + "nothing_of_this_name")
"; ".join(compiled) or "nothing was compiled from source"
"""


def test_nothing_that_a_first_run_imports_is_compiled_by_the_reader():
    node = ROOT / ".venv" / "bin" / "node"
    command = [str(node), "--input-type=module", "--eval", RUN, str(PYODIDE), SESSION]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "nothing was compiled from source"
