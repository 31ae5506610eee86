"""What holds for the files of the library themselves: order of chapters, length, docstrings, type hints."""

import ast
import doctest
import importlib
import inspect
import tomllib
from pathlib import Path

import pytest

import tinytorch

ROOT = Path(tinytorch.__file__).parent
PLACES = list(tinytorch.PLACES)
BESIDE = {  # files of no chapter of their own, and the file after which each may be used
    "core.pages": "core.layers",
    "perf.roofline": "perf.profiling",
    "perf.energy": "perf.profiling",
    "perf.lowbit": "perf.quantization",
    "perf.paging": "perf.memoization",
    "perf.server": "perf.paging",
    "perf.serving": "perf.memoization",
    "perf.parallel": "perf.acceleration",
    "perf.crew": "perf.parallel",
    "perf.pipes": "perf.crew",
    "perf.pages": "perf.crew",
    "perf.processes": "perf.pages",
    "perf.webassembly": "perf.acceleration",
    "perf.hardware": "perf.acceleration",
    "perf.kernels": "perf.profiling",
}
# Chapters whose room has several files, in the order in which they use each other; the last is `__init__`, the room itself.
FILES = {"perf.profiling": ["amounts", "latency", "flops", "traffic", "trace", "memory", "table"]}
PARTS = {f"{place}.{name}": place for place, names in FILES.items() for name in names}
MODULES = PLACES + list(BESIDE) + list(PARTS)
# What can be imported where the tests run: the browser's Python has no processes.
IMPORTED = [pytest.param(name, marks=pytest.mark.processes) if name == "perf.pipes" else name for name in MODULES]
LONGEST = 25  # lines of a function's body without its docstring: each may become an exercise
# The formatter's width, which it cannot bring docstrings and comments to.
WIDEST = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["line-length"]


def rank(place):
    """The chapter's position, by which imports are ordered."""
    if place in PARTS:
        return rank(PARTS[place]) - 0.4 + 0.01 * list(PARTS).index(place)
    return rank(BESIDE[place]) + 0.1 if place in BESIDE else PLACES.index(place)


def text(place):
    path = ROOT / place.replace(".", "/")
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")


def tree(place):
    return ast.parse(text(place))


def functions(place):
    for node in ast.walk(tree(place)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def test_every_file_of_the_library_is_known_here():
    files = [*ROOT.glob("core/**/*.py"), *ROOT.glob("perf/**/*.py"), *ROOT.glob("*.py")]
    found = {str(file.relative_to(ROOT).with_suffix("")).replace("/", ".") for file in files}
    rooms = {"__init__", "core.__init__", "perf.__init__"}
    assert {name.removesuffix(".__init__") for name in found - rooms} == set(MODULES)


@pytest.mark.parametrize("name", tinytorch.__all__)
def test_every_main_name_is_there(name):
    assert getattr(tinytorch, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Tensr'"):
        tinytorch.Tensr
    assert {"Tensor", "GPT"} <= set(dir(tinytorch))


@pytest.mark.parametrize("place", MODULES)
def test_a_file_uses_only_what_earlier_chapters_built(place):
    later = []
    for node in ast.walk(tree(place)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tinytorch":
            names = (
                [node.module]
                if node.module not in ("tinytorch", "tinytorch.core", "tinytorch.perf")
                else [f"{node.module}.{alias.name}" for alias in node.names]
            )
            for name in names:
                used = name.removeprefix("tinytorch.")
                if used not in MODULES or rank(used) >= rank(place):
                    later.append(name)
        elif isinstance(node, ast.Import):
            later += [alias.name for alias in node.names if alias.name.partition(".")[0] == "tinytorch"]
    assert later == []


@pytest.mark.parametrize("place", MODULES)
def test_functions_are_short_enough_to_be_exercises(place):
    long = {}
    for node in functions(place):
        body = node.body[1:] if ast.get_docstring(node) else node.body
        length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        if length > LONGEST:
            long[node.name] = length
    assert long == {}


@pytest.mark.parametrize("place", MODULES)
def test_type_hints_begin_with_chapter_14(place):
    if not place.startswith("core."):
        bare = [
            f"{node.name}({arg.arg})"
            for node in functions(place)
            for arg in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if arg.annotation is None and arg.arg not in ("self", "cls")
        ]
        assert bare + [node.name for node in functions(place) if node.returns is None] == []
    else:
        assert [node.name for node in functions(place) if node.returns] == []


@pytest.mark.parametrize("place", IMPORTED)
def test_a_file_has_a_door_sign_and_public_names_have_docstrings(place):
    module = importlib.import_module(f"tinytorch.{place}")
    assert "chapter" in module.__doc__.lower()
    bare = []
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value) or inspect.isclass(value):
            bare += [] if inspect.getdoc(value) else [name]
        if inspect.isclass(value):
            members = [(key, member) for key, member in vars(value).items() if not key.startswith("_")]
            bare += [
                f"{name}.{key}"
                for key, member in members
                if (inspect.isfunction(member) or isinstance(member, property))
                and not inspect.getdoc(getattr(value, key))
                and not inspect.getdoc(member)
            ]
    assert bare == []


@pytest.mark.parametrize("place", IMPORTED)
def test_the_examples_in_the_docstrings_are_true(place):
    if rank(place) >= rank("core.autograd"):
        tinytorch.enable_autograd()
    result = doctest.testmod(importlib.import_module(f"tinytorch.{place}"))
    assert result.failed == 0 and result.attempted > 0


@pytest.mark.parametrize("place", MODULES)
def test_lines_are_short_enough_to_read_beside_each_other(place):
    lines = text(place).splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > WIDEST] == []
