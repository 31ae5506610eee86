"""A chapter needs no file of the library that a later chapter builds: its checks, notebook and milestones run without."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import pack
from tests.chapters import reading
from tests.chapters.course import shorten
from tinytorch_book.law import Course
from tinytorch_book.library import derive
from tinytorch_book.notebooks import SETUP, chapter_notebook

COURSE = Course(reading.ROOT)
PACKAGE = reading.ROOT / "tinytorch"
STOPS = [pytest.param(stop, id=stop.id) for stop in [*COURSE.chapters, *COURSE.milestones]]
SECONDS = 300


def last(stop) -> int:
    """The number of the last chapter that a reader has behind them at a chapter's end, or at a milestone."""
    return max(stop.meta["requires"]) if stop.is_milestone else stop.meta["number"]


def chapter_of(file: str) -> int:
    """The number of the chapter that a file of the library belongs to; 0 when it is there from the first one on."""
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for name in (module, module.rpartition(".")[0]):  # the second: a chapter's room of several files
        if name in COURSE.homes:
            return COURSE.homes[name]
    wheel = pack.home(file).removeprefix("tinytorch-")  # what lies beside a chapter's own file comes in its wheel
    number = re.fullmatch(r"chapter-(\d\d)", wheel)
    return int(number[1]) if number else COURSE.homes.get(f"tinytorch.perf.{wheel}", 0)


def package(folder: Path, number: int) -> set[str]:
    """Copy the library with the files of the chapters up to one; return the files that were left out."""
    left_out = set()
    for path in PACKAGE.rglob("*"):
        file = path.relative_to(reading.ROOT).as_posix()
        if path.is_dir() or "__pycache__" in path.parts or "cli" in path.parts:
            continue
        later = re.fullmatch(r".*/learn/chapters/(\d\d)_.*", file)
        if (int(later[1]) if later else chapter_of(file)) > number:
            left_out.add(file)
            continue
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / file)
    return left_out


def run_alone(notebook, folder: Path) -> list[str]:
    """Run a notebook on the package in a folder; return what went wrong."""
    file = folder / "notebook.ipynb"
    file.write_text(nbformat.writes(notebook), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("alone.py"), file, folder],
        env={**os.environ, "PYTHONPATH": str(folder), "TINYTORCH_HOME": str(folder), "IPYTHONDIR": str(folder)},
        capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert run.returncode == 0, (run.stdout + run.stderr)[-4000:]
    return json.loads(run.stdout)


@pytest.mark.parametrize("stop", STOPS)
def test_it_runs_in_a_package_that_ends_with_it(stop, tmp_path):
    """Its notebook from top to bottom: examples, exercises solved and checked, labs, a milestone's programs."""
    package(tmp_path, last(stop))
    assert run_alone(shorten(chapter_notebook(stop, COURSE.plan, derive)), tmp_path) == []


def test_such_a_package_lacks_what_later_chapters_build(tmp_path):
    left_out = package(tmp_path, 1)
    assert {"tinytorch/core/activations.py", "tinytorch/core/autograd.py", "tinytorch/olympics.py"} <= left_out
    assert {
        "tinytorch/perf/profiling/__init__.py",
        "tinytorch/perf/roofline.py",
        "tinytorch/perf/serving.py",
    } <= left_out
    assert (tmp_path / "tinytorch/core/tensor.py").exists() and (tmp_path / "tinytorch/perf/kernels.py").exists()
    assert not any(file.startswith("tinytorch/core/") for file in package(tmp_path / "all", 20))


@pytest.mark.parametrize(
    "cell, words",
    [
        ("from tinytorch import Linear", "ModuleNotFoundError"),
        ("%%exercise 01.mean\n", "01.mean: its checks do not pass"),
    ],
)
def test_what_goes_wrong_there_is_said(tmp_path, cell, words):
    package(tmp_path, 1)
    cells = [nbformat.v4.new_code_cell(text) for text in (SETUP, cell)]
    assert words in " ".join(run_alone(nbformat.v4.new_notebook(cells=cells), tmp_path))
