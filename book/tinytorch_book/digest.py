"""A short hash of what files say, by which a build knows what has changed.

`Digests` holds the two of a page: what its cells run with, and what it shows beside their outputs.
"""

import hashlib
import json
import os
import platform
from pathlib import Path

from .checks import checks_file
from .law import modules_of
from .reach import Library

SHOWN = (
    "tinytorch/learn/*.py",
    "book/tinytorch_book/*.py",
    "book/plan.yml",
)  # what every chapter's exercises and maps are made with
INSTALLED = "requirements-build.txt"


def digest(root, *patterns):
    """Twelve hex digits over names and contents of all files that match."""
    return digest_of(root, {path for pattern in patterns for path in root.glob(pattern) if path.is_file()})


def digest_of(root, paths, *facts):
    """Twelve hex digits over names and contents of files, and over facts that are no files."""
    total = hashlib.sha256("\0".join(facts).encode())
    for path in sorted(paths):
        name = path.relative_to(root) if path.is_relative_to(root) else path.name
        total.update(f"{name}\0".encode() + contents(path) + b"\0")
    return total.hexdigest()[:12]


def contents(path):
    return path.read_bytes() if path.is_file() else b""


class Digests:
    """What the pages of a course depend on, each for itself: an edit of a late module leaves the early pages alone."""

    def __init__(self, root, chapters):
        self.root, self.library = Path(root), Library(root)
        self.course = json.dumps(
            [chapter.meta for chapter in chapters], default=str
        )  # maps and heads name other chapters

    def ran(self, chapter):
        """Of all that the cells of a page can reach: the library, the data sets, Python and its packages. None is a page without a chapter."""
        reached = self.library.reached(codes_of(chapter), modules_of(chapter)) if chapter else self.library.files
        paths = {self.root / name for name in reached} | {self.root / INSTALLED}
        if "tinytorch/datasets/__init__.py" in reached:
            paths |= data_sets()
        return digest_of(self.root, paths, platform.python_version())

    def shown(self, chapter):
        """Of that, and of what else its page is made of: while it stays, the page need not be read again."""
        return digest_of(self.root, {chapter.path, checks_file(chapter.path)}, self.ran(chapter), self.listed())

    def listed(self):
        """Of what a page is made of that lists all chapters."""
        return digest_of(self.root, {path for pattern in SHOWN for path in self.root.glob(pattern)}, self.course)


def codes_of(chapter):
    """The Python that runs when the chapter's page is built."""
    run = (block for block in chapter.blocks if hasattr(block, "code") and "skip-execution" not in block.tags)
    return [block.code for block in run]


def data_sets():
    """The files of data that the build made, where the cells look for them."""
    folder = os.environ.get("TINYTORCH_DATA")
    return set(Path(folder).glob("*.npz")) if folder else set()
