"""What holds for the files of `tinytorch.learn` and `tinytorch.pictures` themselves."""

import ast
import doctest
import importlib
import subprocess
import sys
from importlib.util import resolve_name
from pathlib import Path

import pytest

import tinytorch
from tinytorch import learn
from tinytorch.learn.moved import MOVED

ROOT = Path(tinytorch.__file__).parent
# From the ground up: a room imports nothing of a higher one. `tinytorch.learn` and `tinytorch.cli.app` stand for the files
# that lie in a folder itself; a door's own file, which is run, stands with the highest.
ROOMS = [
    "tinytorch",
    "tinytorch.datasets",
    "tinytorch.pictures",
    "tinytorch.learn",
    "tinytorch.learn.keeping",
    "tinytorch.models",
    "tinytorch.learn.doors",
    "tinytorch.learn.__main__",
    "tinytorch.cli",
]


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_library_does_not_load_learn():
    assert (
        run(
            "import sys, tinytorch; print(*[m for m in sys.modules if m.startswith(('tinytorch.learn', 'tinytorch.pictures'))])"
        )
        == []
    )


def test_learn_loads_nothing_slow_for_starting():
    slow = "zipfile tempfile hashlib difflib decimal statistics symtable asyncio argparse IPython matplotlib importlib.resources importlib.metadata"
    loaded = run(
        f"import sys, numpy; before = set(sys.modules)\nfrom tinytorch import learn; learn.Workshop()\nprint(*(set('{slow}'.split()) & (set(sys.modules) - before)))"
    )
    assert loaded == []


def floor(name):
    """How high the room of a module lies: that of the longest name that it begins with."""
    return max(range(len(ROOMS)), key=lambda place: (name + ".").startswith(ROOMS[place] + ".") and len(ROOMS[place]))


def imports(path):
    """The modules of tinytorch that a file imports, wherever in it."""
    folder = ".".join(path.relative_to(ROOT.parent).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), folder)
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_runs_upward(path):
    own = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    assert [name for name in imports(path) if name.startswith("tinytorch.") and floor(name) > floor(own)] == []
    assert [
        name for name in imports(path) if name.split(".")[0] == "tinytorch_book"
    ] == []  # the book stands on the library


@pytest.mark.parametrize("old", MOVED)
def test_a_kept_text_finds_a_module_by_its_old_name(old):
    package, _, last = old.rpartition(".")
    code = f"import sys, {old} as one\nfrom {package} import {last} as two\nimport {MOVED[old]} as new\n"
    assert run(code + "print(one is two is new, new.__name__, new.__spec__.name)") == ["True", MOVED[old], MOVED[old]]


def test_old_names_are_answered_once_however_often_learn_is_imported():
    code = "import sys\nfrom tinytorch import learn\ndel sys.modules['tinytorch.learn'], sys.modules['tinytorch.learn.moved']\n"
    code += "import tinytorch.learn\nprint(sum(getattr(f, '__name__', '') == 'Moved' for f in sys.meta_path))"
    assert run(code) == ["1"]


def test_a_name_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"tinytorch.learn.pictures"):
        importlib.import_module("tinytorch.learn.pictures")


@pytest.mark.parametrize(
    "name",
    [
        *(f"learn.{name}" for name in ("cell", "comparing", "kernel", "showing", "source", "wheel")),
        *(f"pictures.{name}" for name in ("digits", "graph", "live", "maps", "memory", "pad", "palette", "tokens")),
    ],
)
def test_the_examples_in_the_docstrings_are_true(name):
    module = importlib.import_module(f"tinytorch.{name}")
    failed, tried = doctest.testmod(module)
    assert tried and not failed


def test_every_public_name_is_there():
    for name in [*learn.__all__, "open", "load_ipython_extension", "progress"]:
        assert getattr(learn, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        learn.nothing
