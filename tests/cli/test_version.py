"""`tito --version`: the version, and the commit that it was built from where that is known."""

import re
import subprocess

import pytest

import tinytorch
from tinytorch.cli import commit as commits


@pytest.fixture
def clone(here):
    """A clone of another project with one commit."""
    subprocess.run(["git", "init", "-q"], check=True)
    (here / "a.py").write_text("a = 1\n")
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "Begin"], check=True)
    return here


def test_in_a_clone_it_names_the_commit(program):
    out = program("--version").stdout
    version, known = re.fullmatch(r"tito of tinytorch (\S+)(?: \((.+)\))?\n", out).groups()
    assert version == tinytorch.__version__ and known == (commits.commit() or None)


def test_a_commit_is_modified_when_a_file_differs_or_is_new(clone):
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout[:12]
    assert commits.of_clone(clone) == head
    (clone / "b.py").write_text("b = 2\n")
    assert commits.of_clone(clone) == f"{head}, modified"
    (clone / "b.py").unlink()
    (clone / "a.py").write_text("a = 3\n")
    assert commits.of_clone(clone) == f"{head}, modified"


def test_a_package_in_another_projects_clone_does_not_take_its_commit(clone):
    (clone / "packages").mkdir()
    assert commits.of_clone(clone / "packages") == ""


def test_what_was_written_at_the_build_comes_first(tito, here, monkeypatch):
    monkeypatch.setattr(commits, "WRITTEN", here / "commit.txt")
    commits.WRITTEN.write_text("0123456789ab, modified\n")
    assert tito("--version").output == f"tito of tinytorch {tinytorch.__version__} (0123456789ab, modified)\n"


@pytest.mark.parametrize("path", ["", None])
def test_without_git_or_a_clone_the_version_stands_alone(tito, here, monkeypatch, path):
    monkeypatch.setattr(commits, "ROOT", here)
    if path is not None:
        monkeypatch.setenv("PATH", path)
    assert tito("--version").output == f"tito of tinytorch {tinytorch.__version__}\n"
