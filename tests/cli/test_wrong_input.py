"""What is wrong is said in a sentence on stderr, with exit status 2, and nothing on the disk changes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinytorch
from tinytorch.cli import project
from tinytorch.learn.keeping.folder_store import FolderStore
from tinytorch.learn.keeping.progress import Progress

from .conftest import FIRST, kept, wrote

HANDIN = json.dumps(Progress().hand_in("Ada"))


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["check", "99"], r"there is no chapter '99'; there are: 01 tensor, 02 activations"),
        (["check", "tensr"], r"there is no chapter 'tensr'"),
        (["check", "9" * 5000], r"there is no chapter '999"),
        (["check", "01", "memory_footprnt"], r"did you mean '01.memory_footprint'"),
        (["check", "02", "forward"], r"'forward' names 5 exercises of chapter 02; say which: 2\.1 relu, 2\.2 sigmoid"),
        (["status", "x"], r"there is no chapter 'x'"),
        (["start", "m9"], r"there is no milestone 'm9'; there are: 1 perceptron"),
        (["milestone", "run", "9"], r"there is no milestone '9'; there are: 1 perceptron"),
        (["milestone", "run", "1", "and"], r"milestone 1 has no program 'and'; it has: perceptron"),
        (["restore", "none.json"], r"none.json: No such file or directory"),
        (["restore", "."], r"\.: Is a directory"),
        (["verify", "none.json"], r"none.json: No such file or directory"),
        (["backup"], r"There is nothing to back up; .*progress.json has nothing of yours"),
        (["export", "nowhere/at/all"], r"nowhere/at/all/tinytorch-.*whl: No such file or directory"),
    ],
)
def test_a_request_that_cannot_be_followed(tito, here, arguments, words):
    result = tito(*arguments)
    assert result.exit_code == 2
    assert re.search(words, result.stderr) and result.stderr.startswith("tito: ") and not result.stdout
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["chek"], "Did you mean 'check'"),
        (["serve", "--port", "99999"], "1<=x<=65535"),
        (["check"], "Missing argument 'CHAPTER'"),
    ],
)
def test_a_command_line_that_is_not_understood(tito, arguments, words):
    result = tito(*arguments)
    assert result.exit_code == 2 and words in result.stderr


BAD_FILES = {
    "": "not JSON",
    "{": "not JSON",
    "[" * 100_000: "not JSON",
    "[]": "needed is an object",
    '{"format": "other"}': "format 'other'",
    '{"format": "tinytorch-backup", "version": 99}': "version 99; this TinyTorch reads version 1. Use a newer",
    '{"format": "tinytorch-backup", "version": 1, "exercises": [{}]}': "exercises[0].id",
    '{"format": "tinytorch-backup", "version": 1, "answers": [{"id": "01.q", "at": 5}]}': "answers[0].at is 5; needed is text",
    '{"format": "tinytorch-backup", "version": 1, "answers": [{"id": "01.q", "right": "no"}]}': "answers[0].right",
    HANDIN: "This is a hand-in file",
    b"\xff\xfe\x00PK": "not text",
}


@pytest.mark.parametrize("content", BAD_FILES)
def test_a_file_that_is_no_backup_is_refused_and_changes_nothing(tito, here, content):
    wrote({FIRST: "mine"})
    before = (here / "my-tinytorch" / "progress.json").read_bytes()
    (here / "file.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    result = tito("restore", "file.json")
    assert result.exit_code == 2 and BAD_FILES[content] in result.stderr
    assert (here / "my-tinytorch" / "progress.json").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["check", "01"], ["backup"], ["restore", "good.json"], ["export"], ["milestone", "list"]],
)
def test_damaged_records_are_named_and_left_alone(tito, here, arguments):
    (here / "good.json").write_text(Progress().to_json())
    (here / "my-tinytorch").mkdir()
    file = here / "my-tinytorch" / "progress.json"
    file.write_text('{"format": "tinytorch-backup", ')
    result = tito(*arguments)
    assert result.exit_code == 2
    assert (
        f"{file}: This file is not JSON" in result.stderr
        and "Nothing was changed; move that file away" in result.stderr
    )
    assert file.read_text() == '{"format": "tinytorch-backup", '


def test_a_backup_does_not_write_over_a_file(tito, here):
    wrote({FIRST: "mine"})
    (here / "notes.json").write_text("dear diary")
    result = tito("backup", "notes.json")
    assert result.exit_code == 2 and "is there already" in result.stderr and "--force" in result.stderr
    assert (here / "notes.json").read_text() == "dear diary"
    assert tito("backup", "notes.json", "--force").exit_code == 0
    assert Progress.from_file("notes.json").exercises[FIRST]["text"] == "mine"


def test_two_backups_of_one_day_are_two_files(tito, here):
    wrote({FIRST: "mine"})
    assert tito("backup").exit_code == tito("backup").exit_code == 0
    assert len(list(here.glob("tinytorch-backup-*.json"))) == 2


def test_where_nothing_may_be_written_it_is_said(tito, here, monkeypatch):
    """A superuser may write everywhere, so the disk's answer is given here."""
    wrote({FIRST: "mine"})

    def refuse(*_):
        raise PermissionError(13, "Permission denied", "partial")

    monkeypatch.setattr(os, "replace", refuse)
    result = tito("backup", "file.json")
    assert result.exit_code == 2
    assert "tito: file.json: Permission denied. Your account has no right to it; choose another place" in result.stderr
    assert sorted(path.name for path in here.iterdir()) == ["my-tinytorch"], "no half file stays"


def test_a_file_where_a_folder_is_wanted_is_said(tito, here):
    wrote({FIRST: "mine"})
    (here / "notes").write_text("dear diary")
    result = tito("backup", "notes/file.json")
    assert (result.exit_code, result.stderr) == (2, "tito: notes/file.json: Not a directory.\n")


def test_a_file_in_the_place_of_the_folder_is_said(tito, here):
    (here / "good.json").write_text(Progress().to_json())
    (here / "my-tinytorch").write_text("a file")
    result = tito("restore", "good.json")
    assert result.exit_code == 2 and "my-tinytorch: File exists" in result.stderr


@pytest.fixture
def installed(tmp_path):
    """Run `tito` from a copy of the package alone, as where it was installed and the book is not."""
    shutil.copytree(Path(tinytorch.__file__).parent, tmp_path / "lib" / "tinytorch")
    (tmp_path / "work").mkdir()

    def run(*arguments, code=None, **variables):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "lib"), **variables}
        command = [sys.executable, *(["-c", code] if code else ["-m", "tinytorch.cli"]), *arguments]
        return subprocess.run(command, cwd=tmp_path / "work", env=environment, capture_output=True, text=True)

    return run


@pytest.mark.parametrize("arguments", [["build"], ["serve"], ["start", "01"]])
def test_what_needs_the_book_says_so_without_it(installed, arguments):
    done = installed(*arguments)
    assert done.returncode == 2 and "This needs a clone of the book" in done.stderr and not done.stdout


@pytest.mark.parametrize(
    "book, says",
    [
        (
            "import sys; sys.exit('modules/01_tensor.md:3: no title')",
            "cannot make this notebook: modules/01_tensor.md:3: no title",
        ),
        (
            "import nbformat_of_nobody",
            "needs the package nbformat_of_nobody, which this Python does not have. Run `make build`",
        ),
    ],
)
def test_a_clone_whose_book_makes_no_notebook_says_why(tito, here, book, says):
    (here / "modules").mkdir()
    for name, text in {
        "Makefile": "",
        "book/serve.py": "",
        "book/tinytorch_book/__init__.py": "",
        "book/tinytorch_book/__main__.py": book,
    }.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
    result = tito("start", "01", "--no-open")
    assert result.exit_code == 2 and says in result.output
    assert not list(here.glob("my-tinytorch/notebooks/*"))


def test_what_needs_no_book_works_without_it(installed, tmp_path):
    assert "Chapters: 0 of" in installed("status").stdout
    done = installed("milestone", "run", "1", "xor")
    assert done.returncode == 0 and "1 of 1 programs reached" in done.stdout, done.stderr


def test_a_package_whose_chapters_were_never_built_says_so(installed, tmp_path):
    for file in (tmp_path / "lib" / "tinytorch" / "learn" / "chapters").glob("*.json"):
        file.unlink()
    done = installed("status")
    assert done.returncode == 2 and "Run `make build`" in done.stderr


@pytest.mark.parametrize("name", ["typer", "rich"])
def test_without_typer_or_rich_it_says_what_to_install_and_what_works_meanwhile(installed, name):
    code = f"import sys; sys.modules['{name}'] = None; from tinytorch.cli import main; sys.exit(main())"
    done = installed("status", code=code)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"tito needs the package {name}" in done.stderr and "-m pip install" in done.stderr
    assert "-m tinytorch.learn check 01 --home" in done.stderr


def test_without_make_it_says_what_to_install(tito, monkeypatch):
    monkeypatch.setattr(project.shutil, "which", lambda name: None)
    result = tito("build")
    assert result.exit_code == 2 and "`make` is not installed" in result.stderr


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["build"], "build"),
        (["serve", "--port", "8123"], "serve PORT=8123"),
    ],
)
def test_build_and_serve_are_the_makefiles(program, here, arguments, expected):
    make = here / "bin" / "make"
    make.parent.mkdir()
    make.write_text('#!/bin/sh\necho "$@"\nexit 3\n')
    make.chmod(0o755)
    done = program(*arguments, env={"PATH": f"{make.parent}:{os.environ['PATH']}"})
    assert done.returncode == 3
    assert done.stdout.strip() == f"-C {Path(tinytorch.__file__).resolve().parents[1]} --no-print-directory {expected}"


def test_two_programs_that_write_at_once_lose_nothing(here):
    """A notebook that was open all the time writes after a restore."""
    store = FolderStore()
    notebook = wrote({FIRST: "first"}, state="idle")
    other = kept()
    other.write("01.mean", "restored", "", "passed")
    other.write(FIRST, "second", "", "failed")
    FolderStore().keep(other)
    notebook.write("01.matmul", "from the notebook", "", "idle")
    store.put("exercises", notebook.exercises["01.matmul"], notebook)
    now = kept()
    assert {id: r["text"] for id, r in now.exercises.items()} == {
        FIRST: "second",
        "01.mean": "restored",
        "01.matmul": "from the notebook",
    }
    assert [h["text"] for h in now.history] == ["first"]
