"""What the reader built leaves the browser: as an installable framework, as a backup, as a hand-in."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tinytorch import learn

from .reader import Reader

MARK = "# this line is mine\n"


def solve_all(reader: Reader) -> None:
    for exercise in learn.chapter("01").exercises:
        assert reader.exercise(exercise.id).check(marked(exercise)) == "passed"
    reader.until_saved()


def marked(exercise) -> str:
    """The reference solution with a comment of the reader's inside its body."""
    lines = exercise.solution.rstrip("\n").split("\n")
    return "\n".join([*lines[:-1], indentation(lines[-1]) + MARK.rstrip(), lines[-1]]) + "\n"


def indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


@pytest.fixture
def download(reader, tmp_path):
    """Open the progress page, press one of its buttons, and keep the file that comes."""

    def get(button: str, name: str = ""):
        return reader.visit("book/progress.html").download(button, tmp_path, name)

    return get


def test_my_framework_installs_into_a_clean_environment_and_passes_there(reader, download, tmp_path):
    solve_all(reader)
    wheel = download("Download my framework", name="Ada Lovelace")
    assert wheel.name.startswith("tinytorch-") and "ada" in wheel.name and wheel.suffix == ".whl"
    with zipfile.ZipFile(wheel) as archive:
        tensor = archive.read("tinytorch/core/tensor.py").decode()
        chapters = {name.split("/")[-1] for name in archive.namelist() if name.startswith("tinytorch/learn/chapters/")}
    assert chapters == {file.name for file in Path(learn.catalog.FOLDER).glob("*.json")}
    assert tensor.count(MARK) == len(learn.chapter("01").exercises)

    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    subprocess.run([python, "-I", "-m", "pip", "install", "-q", str(wheel)], check=True)
    check = subprocess.run(
        [python, "-I", "-m", "tinytorch.learn", "check", "01"], cwd=tmp_path, capture_output=True, text=True
    )
    assert check.returncode == 0, check.stdout + check.stderr
    shown = subprocess.run(
        [python, "-I", "-c", "import inspect, tinytorch; print(inspect.getsource(tinytorch.Tensor.memory_footprint))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert MARK in shown.stdout


def test_a_chapter_that_cannot_be_fetched_is_named_and_the_next_try_goes_on(new_context, server):
    context = new_context(service_workers="block")
    context.route("**/tinytorch_chapter_02*", lambda route: route.fulfill(status=404, body="not here"))
    page = Reader(context.new_page(), server.url).open_progress().page
    button = page.get_by_role("button", name="Download my framework")
    button.click()
    words = page.locator(".tt-progress-framework .tt-note").filter(has_text="could not be built")
    expect(words).to_contain_text("could not be fetched: tinytorch_chapter_02", timeout=90_000)
    context.unroute("**/tinytorch_chapter_02*")
    with page.expect_download(timeout=90_000):
        button.click()


def test_a_backup_restores_into_an_empty_browser(reader, download, new_context):
    first = learn.chapter("01").exercises[0]
    assert reader.exercise(first.id).check(marked(first)) == "passed"
    reader.until_saved()
    backup = download("Download a backup")
    assert json.loads(backup.read_text())["format"] == "tinytorch-backup"

    other = Reader(new_context().new_page(), reader.url).visit("book/progress.html")
    choose_backup(other, backup)
    other.page.get_by_text("Restored").first.wait_for()
    other.open("01")
    assert other.exercise(first.id).text() == marked(first)
    assert other.exercise(first.id).state == "passed"


def choose_backup(reader: Reader, file) -> None:
    with reader.page.expect_file_chooser() as chooser:
        reader.page.get_by_text("Restore from a backup").first.click()
    chooser.value.set_files(file)


NO_BACKUPS = {
    "": "not JSON",
    "some words": "not JSON",
    '{"format": "something else"}': "not a TinyTorch backup",
    '{"format": "tinytorch-handin"}': "This is a hand-in file",
    '{"format": "tinytorch-backup", "version": 99}': "version 99",
    '{"format": "tinytorch-backup", "version": 1, "exercises": [{}]}': "damaged",
}


@pytest.mark.parametrize("content, sentence", NO_BACKUPS.items())
def test_a_file_that_is_no_backup_is_refused_and_changes_nothing(reader, tmp_path, content, sentence):
    first = learn.chapter("01").exercises[0]
    reader.exercise(first.id).write("# keep this\n")
    reader.until_saved()
    file = tmp_path / "backup.json"
    file.write_text(content)
    reader.visit("book/progress.html")
    choose_backup(reader, file)
    reader.page.get_by_text(sentence).first.wait_for()
    reader.open("01")
    assert reader.exercise(first.id).text() == "# keep this\n"


def test_the_hand_in_is_verified_natively(reader, download):
    first = learn.chapter("01").exercises[0]
    assert reader.exercise(first.id).check(marked(first)) == "passed"
    reader.until_saved()
    file = download("Download the hand-in file")
    verify = [sys.executable, "-m", "tinytorch.learn", "verify", str(file)]
    assert subprocess.run(verify).returncode == 0
    handed = json.loads(file.read_text())
    handed["exercises"][0]["text"] = first.starter
    file.write_text(json.dumps(handed))
    assert subprocess.run(verify).returncode != 0
