"""A sample chapter for the tests of the book, and ways to break it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).parent / "sample"
sys.path.insert(0, str(ROOT / "book"))


@pytest.fixture
def sample():
    """The sample chapter, parsed."""
    from tinytorch_book.chapter import read_chapter

    return read_chapter(SAMPLE / "modules/01_tensor.md")


@pytest.fixture
def broken(tmp_path):
    """broken(old, new, file): the error that the sample gives when `old` is replaced by `new` in its text or its file of
    checks (".py"), with the number of old's line."""
    from tinytorch_book.chapter import ChapterError, read_chapter

    def attempt(old, new, file=".md"):
        for suffix in (".md", ".py"):
            source = (SAMPLE / "modules/01_tensor").with_suffix(suffix).read_text(encoding="utf-8")
            if suffix == file:
                text = source
                assert old in text, f"the sample does not hold {old!r}"
            (tmp_path / "01_tensor").with_suffix(suffix).write_text(
                source.replace(old, new, 1) if suffix == file else source, encoding="utf-8"
            )
        with pytest.raises(ChapterError) as caught:
            read_chapter(tmp_path / "01_tensor.md", "01_tensor.md")
        return caught.value, text[: text.index(old)].count("\n") + 1

    return attempt


@pytest.fixture(scope="session")
def sample_book(tmp_path_factory):
    """The folder of pages that Jupyter Book makes of the sample, warnings being errors."""
    root = tmp_path_factory.mktemp("book")
    for name in ("tinytorch", "_config.yml", "_toc.yml"):
        (root / name).symlink_to(ROOT / name)
    (root / "book").mkdir()
    for path in (ROOT / "book").iterdir():
        if path.suffix != ".md":
            (root / "book" / path.name).symlink_to(SAMPLE / "book/plan.yml" if path.name == "plan.yml" else path)
    for path in (ROOT / "index.md", *(ROOT / "book").glob("*.md")):  # links to any chapter lead to the one there is
        text = re.sub(r"\(([./]*)modules/\d\d_\w+\.md", r"(\1modules/01_tensor.md", path.read_text(encoding="utf-8"))
        (root / path.relative_to(ROOT)).write_text(text, encoding="utf-8")
    for name in ("modules", "milestones"):
        (root / name).symlink_to(SAMPLE / name)
    command = [
        str(Path(sys.executable).parent / "jupyter-book"),
        "build",
        str(root),
        "--path-output",
        str(root / "out"),
        "-W",
        "-n",
        "--keep-going",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return root / "out" / "_build" / "html"
