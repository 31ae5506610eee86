"""A page runs again when something that its cells can reach has changed, and only then."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from tinytorch_book.digest import Digests, codes_of
from tinytorch_book.law import modules_of
from tinytorch_book.plan import read_chapters, read_milestones
from tinytorch_book.reach import Library

from .conftest import ROOT

PAGES = [*read_chapters(ROOT), *read_milestones(ROOT)]
EVERY = {page.id for page in PAGES}
OPTIMIZING = {page.id for page in PAGES if page.meta["tier"] == "optimization"}  # they measure with all of it
TRAINED = {
    page.id for page in PAGES if "tinytorch.models" in page.path.read_text(encoding="utf-8")
}  # networks of milestones
RECORDING = {"19"}  # it runs recipes, texts that may import anything


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of what pages are made of."""
    root = tmp_path_factory.mktemp("project")
    for name in ("tinytorch", "modules", "milestones", "book/tinytorch_book"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("book/plan.yml", "requirements-build.txt"):
        shutil.copy(ROOT / name, root / name)
    return root


def digests(root, pages=None):
    """Page -> (what its cells run with, what it shows)."""
    pages = pages or [*read_chapters(root), *read_milestones(root)]
    found = Digests(root, pages)
    return {page.id: (found.ran(page), found.shown(page)) for page in pages}


@pytest.fixture(scope="module")
def before(copy):
    return digests(copy)


def different(before, after):
    """The pages that run again, and those that are read again."""
    return [{page for page in after if before[page][which] != after[page][which]} for which in (0, 1)]


@pytest.fixture
def changed_by(copy, before):
    """changed_by(file, text): the pages that run again, and those that are read again, when text is added to a file."""
    undo = []

    def change(file, text=b"\n# edited\n"):
        place = copy / file
        kept = place.read_bytes() if place.exists() else None
        undo.append((place, kept))
        place.write_bytes((kept or b"") + text)
        in_copy = [replace(page, path=copy / page.name) for page in PAGES]
        return different(before, digests(copy, None if file.startswith("m") else in_copy))

    yield change
    for place, kept in undo:
        place.unlink() if kept is None else place.write_bytes(kept)


@pytest.mark.parametrize(
    "file, pages",
    [
        ("tinytorch/core/tensor.py", EVERY),
        ("tinytorch/__init__.py", EVERY),
        ("tinytorch/core/__init__.py", EVERY),
        ("requirements-build.txt", EVERY),
        ("tinytorch/core/losses.py", EVERY - {"01", "02", "03"}),
        (
            "tinytorch/core/autograd.py",
            {"06", "07", "08", "09", "10", "11", "12", "13", "m2", "m3", "m4", "m5"} | OPTIMIZING,
        ),
        ("tinytorch/core/training.py", {"08", "09", "10", "11", "12", "13", "m3", "m4", "m5"} | OPTIMIZING),
        ("tinytorch/pictures/graph.py", {"06", "12"} | RECORDING),
        ("tinytorch/pictures/memory.py", {"08", "13", "14"} | RECORDING),
        ("tinytorch/pictures/flame.py", {"14"} | RECORDING),
        (
            "tinytorch/pictures/live.py",
            {"06", "07", "08", "09", "10", "11", "12", "13", "m1", "m2", "m3", "m4", "m5"} | TRAINED,
        ),
        ("tinytorch/datasets/tinydigits.npz", {"05", "07", "08", "09", "m3", "m4"} | TRAINED),
        ("tinytorch/learn/kernel.py", {"m3", "15", "17"} | RECORDING),
        ("tinytorch/perf/profiling/latency.py", OPTIMIZING),
        ("tinytorch/core/spatial.py", {"09", "m4"} | TRAINED),
        ("tinytorch/core/embeddings.py", {"11", "12", "13", "m5"} | TRAINED),
        ("tinytorch/pictures/vectors.py", {"11"} | RECORDING),
        ("tinytorch/core/new.py", RECORDING),
    ],
)
def test_an_edit_runs_the_pages_again_that_can_reach_it(changed_by, file, pages):
    assert changed_by(file)[0] == pages


@pytest.mark.parametrize(
    "file, pages",
    [
        ("tinytorch/core/training.py", {"08", "09", "10", "11", "12", "13", "m3", "m4", "m5"} | OPTIMIZING),
        ("modules/05_dataloader.py", {"05"}),
        ("modules/05_dataloader.md", {"05"}),
        ("milestones/02_xor.md", {"m2"}),
        ("tinytorch/learn/source.py", EVERY),
        ("book/tinytorch_book/directives.py", EVERY),
        ("book/plan.yml", EVERY),
    ],
)
def test_an_edit_has_the_pages_read_again_that_show_it(changed_by, file, pages):
    assert changed_by(file)[1] == pages


def test_a_chapter_with_another_title_is_told_to_the_maps_of_all(copy, before):
    place = copy / "modules/03_layers.md"
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace("title: Layers", "title: Layers and more", 1), encoding="utf-8")
    after = digests(copy)
    place.write_text(text, encoding="utf-8")
    assert different(before, after) == [set(), EVERY]


def test_the_data_sets_that_the_build_made_belong_to_those_who_load_some(copy, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))
    without = digests(copy)
    (tmp_path / "mnist.npz").write_bytes(b"digits")
    assert different(without, digests(copy))[0] == {"05", "07", "08", "09", "m3", "m4"} | TRAINED


# What runs on its own in a fresh Python: the cells of one page, and then the files of the library that were opened.
RUN = """
import json, os, sys
root, cells = sys.argv[1], json.load(sys.stdin)
opened = set()
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(root + "/tinytorch/"):
        opened.add(os.path.relpath(arguments[0], root))
sys.addaudithook(note)
output, sys.stdout = sys.stdout, open(os.devnull, "w")
names = {"__name__": "__main__"}
for cell in cells:
    exec(compile(cell, "cell", "exec"), names)
print(json.dumps(sorted(opened)), file=output)
"""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
def test_a_page_opens_no_file_of_the_library_that_it_was_not_said_to_reach(page, tmp_path):
    done = subprocess.run(
        [sys.executable, "-B", "-c", RUN, str(ROOT)],
        input=json.dumps(codes_of(page)),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(tmp_path)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    opened = set(json.loads(done.stdout))
    assert "tinytorch/core/tensor.py" in opened
    assert opened <= Library(ROOT).reached(codes_of(page), modules_of(page))


# --- what an import reaches, on a small library ---

SMALL = {
    "__init__": """
        from tinytorch.one import first
        PLACES = {"two": "second third"}
        def __getattr__(name):
            import importlib
            return getattr(importlib.import_module("tinytorch." + name), name)
        """,
    "one": "first = 1",
    "two": """
        def second():
            from .sub import leaf
            return leaf.value
        third = 3
        """,
    "sub/__init__": "",
    "sub/leaf": "from ..four import value",
    "four": "value = 4",
    "lazy/__init__": """
        from . import helper
        def __getattr__(name):
            import importlib
            return importlib.import_module("tinytorch.lazy." + name)
        """,
    "lazy/helper": """
        import importlib
        def found(name):
            return importlib.import_module(name)
        """,
    "lazy/plain": "number = 5",
    "eager/__init__": "import importlib\nmodule = importlib.import_module('tinytorch.' + 'four')",
    "eager/plain": "number = 6",
    "beside/__init__": "table = 7",
}


@pytest.fixture
def small(tmp_path):
    for name, text in SMALL.items():
        place = tmp_path / "tinytorch" / f"{name}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(text), encoding="utf-8")
    (tmp_path / "tinytorch/beside/table.npz").write_bytes(b"7")
    return Library(tmp_path)


@pytest.mark.parametrize(
    "code, files",
    [
        ("import numpy", ""),
        ("from tinytorch import first", "__init__ one"),
        ("from tinytorch.one import first", "__init__ one"),
        ("import tinytorch.one as one", "__init__ one"),
        ("from tinytorch import one", "__init__ one"),
        ("from tinytorch import third", "__init__ one two sub/__init__ sub/leaf four"),
        ("def later():\n    from tinytorch import third", "__init__ one two sub/__init__ sub/leaf four"),
        ("from tinytorch.sub import leaf", "__init__ one sub/__init__ sub/leaf four"),
        ("from tinytorch.lazy import plain", "__init__ one lazy/__init__ lazy/helper lazy/plain"),
        ("from tinytorch.beside import table", "__init__ one beside/__init__ beside/table.npz"),
    ],
)
def test_what_is_imported_is_followed(small, code, files):
    expected = {f"tinytorch/{name}" + ("" if "." in name else ".py") for name in files.split()}
    assert small.reached([code]) == expected


@pytest.mark.parametrize(
    "code",
    [
        "import tinytorch",
        "import tinytorch.one",
        "from tinytorch import *",
        "from tinytorch import lazy",
        "from tinytorch.lazy import anything",
        "from tinytorch.lazy.helper import found",
        "from tinytorch.eager import plain",
        "from tinytorch.unknown import name",
        "import importlib\nimportlib.import_module('tinytorch.' + 'one')",
        "from importlib import import_module as load\nload('tinytorch.one')",
        "__import__('tinytorch.one')",
        "exec('import tinytorch.one')",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import tinytorch.one'])",
        "%run one.py",
    ],
)
def test_what_the_text_does_not_tell_counts_as_everything(small, code):
    assert small.reached([code]) == small.files
