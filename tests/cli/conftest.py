"""What the tests of `tito` share: an empty folder to be in, a reader's records, and two ways to run a command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tinytorch import learn
from tinytorch.cli.app import app
from tinytorch.learn.keeping.folder_store import FolderStore
from tinytorch.learn.keeping.progress import Progress

ROOT = Path(learn.__file__).resolve().parents[2]
TITO = Path(sys.executable).with_name("tito")
FIRST = "01.memory_footprint"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Be in an empty folder that no work is in or above."""
    monkeypatch.delenv("TINYTORCH_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tito():
    """Run a command in this process; stdout and stderr come together, the exit status is `exit_code`."""

    def run(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="tito")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def program():
    """Run the program `tito` that the environment has, as a shell does."""

    def run(*arguments, **settings):
        environment = {**os.environ, **settings.pop("env", {})}
        command = [str(TITO), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, **settings)

    return run


def kept(folder=None) -> Progress:
    """Return the records that are on the disk."""
    return FolderStore(folder).read() or Progress()


def wrote(texts: dict, state="passed", author="") -> Progress:
    """Put texts into the records of the current folder."""
    progress = kept()
    progress.author = author
    for id, text in texts.items():
        progress.write(id, text, learn.exercise(id).edition, state)
    FolderStore().keep(progress)
    return progress


def solutions(chapters=None) -> dict:
    """Return the reference solutions of some chapters (numbers), or of all."""
    return {e.id: e.solution for c in learn.chapters() if chapters is None or c.number in chapters for e in c.exercises}
