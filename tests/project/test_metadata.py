"""What a project needs to be taken up is there, and says the same thing everywhere."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import yaml

import tinytorch
from tinytorch.cli.commit import commit

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "tinytorch/cli/commit.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built as `make build` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        yield archive


def test_the_wheel_says_what_it_is_and_carries_its_licences(wheel):
    info = f"tinytorch-{tinytorch.__version__}.dist-info"
    metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert metadata["License-Expression"] == PROJECT["license"] == "MIT AND CC-BY-SA-4.0 AND CC-BY-4.0"
    assert metadata["Author"] == PROJECT["authors"][0]["name"] and metadata["Summary"] == PROJECT["description"]
    assert metadata.get_payload().startswith("# TinyTorch in the browser")
    for name in PROJECT["license-files"]:
        assert wheel.read(f"{info}/licenses/{name}") == (ROOT / name).read_bytes()


def test_the_wheel_knows_its_commit(wheel):
    written = wheel.read(COMMIT).decode() if COMMIT in wheel.namelist() else ""
    assert written.strip() == commit()


def test_a_wheel_built_from_a_source_archive_knows_the_commit_of_the_archive(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-d", tmp_path / "built", "-t"]
    subprocess.run([*build, "sdist"], cwd=ROOT, check=True, capture_output=True)
    shutil.unpack_archive(next((tmp_path / "built").glob("*.tar.gz")), tmp_path)
    (source,) = tmp_path.glob("tinytorch-*")
    written = (source / COMMIT).read_text() if (source / COMMIT).exists() else ""
    assert written.strip() == commit()
    (source / COMMIT).write_text("0123456789ab\n")
    subprocess.run([*build, "wheel"], cwd=source, check=True, capture_output=True)
    with zipfile.ZipFile(next((tmp_path / "built").glob("*.whl"))) as wheel:
        assert wheel.namelist().count(COMMIT) == 1 and wheel.read(COMMIT) == b"0123456789ab\n"


def test_the_citation_file_has_what_its_format_asks_for_and_the_librarys_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["version"] == tinytorch.__version__ and citation["license"] == "MIT"


def test_the_changelog_names_the_version_and_what_is_not_released_yet():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.M)
    assert headings[0] == "Unreleased" and headings[1] == tinytorch.__version__


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_to_files(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (ROOT / target).exists(), f"{name} links to {target}"


def test_each_licence_is_the_one_that_the_readme_names():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "[MIT](LICENSE)" in readme and (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert "[CC BY-SA 4.0](LICENSE-chapters.txt)" in readme
    assert (
        (ROOT / "LICENSE-chapters.txt")
        .read_text(encoding="utf-8")
        .startswith("Creative Commons Attribution-ShareAlike 4.0 International")
    )
