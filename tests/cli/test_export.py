"""`tito export`: the reader's framework as a package, which stands on its own where it is installed."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinytorch import learn

from .conftest import ROOT, kept, solutions, wrote

# Of each milestone one: the others run on the same functions in tests/chapters, and those of 4 and 5 take minutes in all.
PROGRAMS = [milestone.programs[0].id for milestone in learn.catalog.catalog().milestones]
MARK = "# this line is mine"


def marked(text):
    """Return a solution with a comment of the reader's above its last line."""
    *lines, last = text.rstrip("\n").split("\n")
    return "\n".join([*lines, last[: len(last) - len(last.lstrip())] + MARK, last]) + "\n"


def test_the_package_has_the_readers_functions_and_name(tito, here):
    wrote({id: marked(text) for id, text in solutions({1}).items()})
    (here / "out").mkdir()
    result = tito("export", "out", "--name", "Ada Lovelace")
    (wheel,) = (here / "out").glob("*.whl")
    assert result.exit_code == 0 and wheel.name == "tinytorch-0.1.0+ada.lovelace-py3-none-any.whl"
    assert f"{wheel.relative_to(here)}: {wheel.stat().st_size:,} bytes, 7 functions yours." in result.output
    assert kept().author == "Ada Lovelace"
    names = zipfile.ZipFile(wheel).namelist()
    assert zipfile.ZipFile(wheel).read("tinytorch/core/tensor.py").decode().count(MARK) == 7
    assert not [name for name in names if name.startswith("tinytorch/cli/")]
    assert b"Requires-Dist: numpy>=2.0\n" in zipfile.ZipFile(wheel).read(
        next(n for n in names if n.endswith("METADATA"))
    )
    info = "tinytorch-0.1.0+ada.lovelace.dist-info/licenses"
    for name in (
        "LICENSE",
        "LICENSE-chapters.txt",
        "datasets/LICENSE-tinydigits.txt",
        "datasets/LICENSE-tinytalks.txt",
    ):
        source = ROOT / ("tinytorch" if "/" in name else "") / name
        assert zipfile.ZipFile(wheel).read(f"{info}/{name}").decode() == source.read_text(encoding="utf-8")
    before = wheel.read_bytes()
    assert tito("export", "out").exit_code == 0 and wheel.read_bytes() == before


def test_without_any_function_it_is_the_library_and_says_so(tito):
    result = tito("export")
    assert result.exit_code == 0 and " 0 functions yours." in result.output


def test_a_function_that_fits_no_longer_is_named(tito, here):
    wrote(
        {
            "01.transpose": "def transposed(self):\n    return self\n",
            "01.memory_footprint": solutions()["01.memory_footprint"],
        }
    )
    result = tito("export")
    assert result.exit_code == 1 and " 1 function yours." in result.output
    assert "01.transpose: the version that passed could not be put in place." in result.output


@pytest.fixture(scope="module")
def framework(tmp_path_factory):
    """Export a framework in which every exercise is the reader's, and install it into a clean environment."""
    folder = tmp_path_factory.mktemp("framework")
    environment = {**os.environ, "TINYTORCH_HOME": str(folder / "work")}
    before = os.environ.get("TINYTORCH_HOME")
    os.environ["TINYTORCH_HOME"] = environment["TINYTORCH_HOME"]
    try:
        wrote(solutions())
    finally:
        os.environ.pop("TINYTORCH_HOME") if before is None else os.environ.update(TINYTORCH_HOME=before)
    tito = Path(sys.executable).with_name("tito")
    subprocess.run([tito, "export", folder, "--name", "Ada"], check=True, env=environment, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    install = ["--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *install],
        check=True,
        capture_output=True,
    )
    site = next((folder / "env" / "lib").glob("python*/site-packages"))
    for part in ("numpy", "numpy.libs", "PIL", "pillow.libs"):  # this environment's are lent to it
        if (source := Path(np.__file__).parents[1] / part).exists():
            (site / part).symlink_to(source)
    return python


def alone(python, *arguments):
    """Run the exported framework's own door, away from this project."""
    data = {"TINYTORCH_DATA": str(ROOT / "build" / "datasets"), **os.environ, "TINYTORCH_HOME": str(python.parents[2])}
    command = [python, "-I", "-m", "tinytorch.learn", *arguments]
    return subprocess.run(command, cwd=python.parents[2], env=data, capture_output=True, text=True, timeout=900)


@pytest.mark.parametrize("chapter", [chapter.id for chapter in learn.chapters()])
def test_installed_it_passes_the_checks_of_each_chapter(framework, chapter):
    done = alone(framework, "check", chapter)
    count = len(learn.chapter(chapter).exercises)
    assert done.returncode == 0 and f"{count} of {count} exercises passed." in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("id", PROGRAMS)
def test_installed_it_reaches_each_milestone_on_the_readers_functions_alone(framework, id):
    program = learn.catalog.catalog().program(id)
    done = alone(framework, "milestone", id.partition(".")[0], program.name, "--shorter")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{program.title}: reached, {len(program.goals)} of {len(program.goals)} goals" in done.stdout
    assert "The library's, with the number of calls: none" in done.stdout


def test_tito_is_not_in_it_and_the_checks_run_without(framework):
    done = alone(framework, "check", "01", "memory_footprint")
    assert done.returncode == 0 and "1 of 1 exercises passed." in done.stdout
    done = subprocess.run([framework, "-I", "-c", "import tinytorch.cli"], capture_output=True, text=True)
    assert "No module named 'tinytorch.cli'" in done.stderr
