"""What pages do not start with comes when it is imported, in the browser's own Python."""

import json
import subprocess

import pytest

from tests.lite.test_prepare import PYODIDE, ROOT

RUN = """
import { readFileSync } from "node:fs";
const [folder, code] = process.argv.slice(1);
const { loadPyodide } = await import(folder + "/pyodide.mjs");
const python = await loadPyodide({ indexURL: folder + "/" });
await python.loadPackage(["numpy", "tinytorch", "tinytorch-chapter-01"], { messageCallback() {} });
python.globals.set("lock", readFileSync(folder + "/pyodide-lock.json", "utf8"));
python.globals.set("file", (name) => new Uint8Array(readFileSync(folder + "/" + name)));
console.log(python.runPython(code));
"""
START = """
import inspect, io, json, sys, traceback, zipfile
import tinytorch_kernels
tinytorch_kernels.start()  # as a page does, before anything can be fetched
import tinytorch_wheels
told, answer = [], lambda name: file(name).to_bytes()
def news():
    words = sorted(word.removeprefix("Downloading tinytorch-") for word in told)
    told.clear()
    return words
tinytorch_wheels.start(lock, read=lambda name: answer(name), told=told.append)
from tinytorch import learn
workshop = learn.Workshop()
exercise = learn.exercise("01.memory_footprint")
seen = {"kernels": tinytorch_kernels.why if tinytorch_kernels.grafted is None else "grafted", "check": (workshop.check(exercise.id, exercise.solution).state, news())}
"""
SESSION = """
try:
    learn.chapter("no such chapter")
except KeyError:
    lines = traceback.format_exc()
seen["traceback"] = ("raise Unknown" in lines, news())
seen["inspect"] = (inspect.getsource(learn.Workshop).startswith("class Workshop:"), news())
from tinytorch import Conv2d
seen["conv"] = (Conv2d.__module__, news())
from tinytorch import MLPerf
from tinytorch.core import transformers
seen["later"] = (inspect.getsource(transformers.GPT).startswith("class GPT"), news())
from tinytorch.learn.graph import Graph
seen["old name"] = (Graph.__module__, news())
seen["unknown"] = []
for name in ("tinytorch.core.nothing", "tinytorch.pictures.nothing"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        seen["unknown"].append(str(error))
name, data = workshop.wheel("Ada")
names = zipfile.ZipFile(io.BytesIO(data)).namelist()
seen["wheel"] = sorted(name for name in names if name.endswith((".py", ".pyc", ".npz")))
seen["licences"] = sorted(name.partition("licenses/")[2] for name in names if ".dist-info/licenses/" in name)
json.dumps(seen)
"""
BROKEN = """
seen = []
def offline(name):
    raise OSError("there is no answer from the site")
for answer in (offline, lambda name: b"other bytes"):
    try:
        from tinytorch import Conv2d
    except ImportError as error:
        seen.append(str(error))
answer = lambda name: file(name).to_bytes()
from tinytorch import Conv2d
seen.append(Conv2d.__name__)
json.dumps(seen)
"""


def ran(code):
    node = ROOT / ".venv" / "bin" / "node"
    done = subprocess.run(
        [str(node), "--input-type=module", "--eval", RUN, str(PYODIDE), START + code],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def seen():
    return ran(SESSION)


def test_the_fast_kernels_start_with_what_a_page_starts_with(seen):
    assert seen["kernels"] == "grafted"


def test_a_first_check_fetches_nothing(seen):
    assert seen["check"] == ["passed", []]


def test_a_traceback_and_inspect_have_the_sources(seen):
    assert seen["traceback"] == [True, ["sources"]]
    assert seen["inspect"] == [True, []]


def test_a_main_name_of_a_later_chapter_comes_with_its_wheel_alone(seen):
    assert seen["conv"] == ["tinytorch.core.spatial", ["chapter-09"]]
    assert seen["later"] == [True, [*(f"chapter-{number}" for number in (10, 11, 12, 13, 19)), "profiling"]]


def test_an_old_name_of_a_picture_comes_too(seen):
    assert seen["old name"] == ["tinytorch.pictures.graph", ["pictures"]]


def test_what_is_nowhere_is_said_as_python_says_it(seen):
    assert seen["unknown"] == [f"No module named 'tinytorch.{name}.nothing'" for name in ("core", "pictures")]


def test_the_readers_own_package_has_all_sources(seen):
    files = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "tinytorch").rglob("*") if path.suffix in {".py", ".npz"}
    }
    assert set(seen["wheel"]) == {name for name in files if not name.startswith("tinytorch/cli/")}


def test_the_readers_own_package_has_the_licences(seen):
    assert seen["licences"] == [
        "LICENSE",
        "LICENSE-chapters.txt",
        "datasets/LICENSE-tinydigits.txt",
        "datasets/LICENSE-tinytalks.txt",
    ]


def test_without_a_network_the_import_says_so_and_works_later():
    offline, damaged, later = ran(BROKEN)
    assert offline == "tinytorch.core.spatial could not be downloaded: there is no answer from the site"
    assert (
        "tinytorch.core.spatial could not be downloaded: packages/" in damaged
        and "arrived damaged, 11 bytes" in damaged
    )
    assert later == "Conv2d"
