"""What readers paste and what they are told."""

import pytest

from tinytorch.learn import cell
from tinytorch.learn.explaining import Refused

from .conftest import code

GOOD = "def size(self):\n    return int(self.data.size)\n"


def refused(text, exercise):
    with pytest.raises(Refused) as caught:
        cell.read(text, exercise)
    return caught.value.problem


@pytest.fixture
def size(catalog):
    return catalog.exercise("01.size")


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        "\ufeff" + GOOD,
        GOOD.replace("    ", "\t"),
        GOOD.replace("    ", "\u00a0\u00a0\u00a0\u00a0"),
        ">>> def size(self):\n...     return int(self.data.size)\n",
        ">>> def size(self):\n...     return int(self.data.size)\n...\n>>> Tensor([1]).size()\n1\n",
        "In [3]: def size(self):\n   ...:     return int(self.data.size)\n".replace("   ...: ", ""),
        "    def size(self):\n        return int(self.data.size)\n",
        "\tdef size(self):\n\t\treturn int(self.data.size)\n",
    ],
)
def test_the_marks_of_pasting_are_removed(text, size):
    read = cell.read(text, size)
    assert read.target.name == "size"
    assert "\t" not in read.text and "\r" not in read.text and "\u00a0" not in read.text


def test_prompts_in_the_middle_of_a_cell(size):
    read = cell.read(GOOD + ">>> Tensor([1]).size()\n", size)
    assert [s.lineno for s in read.experiments] == [3]


def test_cleaning_keeps_line_numbers_and_strings():
    text = ">>> x = 1\n1\n>>> y = 2\n"
    assert cell.clean(text) == "x = 1\n\ny = 2\n"
    assert cell.clean('t = """\n\tkept\n\u00a0kept"""\n') == 't = """\n\tkept\n\u00a0kept"""\n'


def test_non_ascii_names_are_python(size):
    read = cell.read("größe = 3\ndef size(self):\n    π = größe\n    return π\n", size)
    assert read.helpers == ["größe"]


@pytest.mark.parametrize(
    "text, line, words",
    [
        ("def size(self)\n    return 1\n", 1, ["Line 1"]),
        ("def size(self):\n    return (1\n", 2, ["Line 2"]),
        ("def size(self):\nreturn 1\n", 2, ["Line 2", "indented"]),
        ("def size(self):\n    return “text”\n", 2, ["Line 2", "curly quote “"]),
        ("import numpy as np\n\n%timeit f()\n" + GOOD, 3, ["Line 3", "%timeit f()", "notebook command"]),
        ("!pip install torch\n" + GOOD, 1, ["!pip install torch", "Nothing needs installing"]),
        ("def size(self):\n    %time n = 1\n    return n\n", 2, ["Line 2", "`%time n = 1`", "notebook command"]),
        (GOOD + "    !ls\n", 3, ["Line 3", "`!ls`", "notebook command"]),
        ("pip install torch\n" + GOOD, 1, ["`pip install torch`", "Nothing needs installing"]),
        ("def size(self):\n    !pip install torch\n", 2, ["`!pip install torch`", "Nothing needs installing"]),
        ("python -m pip install torch\n" + GOOD, 1, ["Nothing needs installing"]),
        (GOOD + "Tensor?\n", 3, ["Line 3", "`Tensor?`", "`help(Tensor)`"]),
        (GOOD + "    Tensor.size??\n", 3, ["Line 3", "`help(Tensor.size)`"]),
        ("?Tensor\n" + GOOD, 1, ["`help(Tensor)`"]),
        (GOOD + "await size()\n", 3, ["Line 3", "`await size()`", "a notebook allows", "leave out `await`"]),
        ("def size(self):\n    await size()\n", 2, ["Line 2", "a notebook allows"]),
        ("async with size() as n:\n    n\n", 1, ["Line 1", "a notebook allows"]),
        ("x = (7\n    % 3\ny = 1\n", 1, ["never closed"]),
        ("x = 7 !\n", 1, ["Line 1 is not Python yet"]),
        ("is this right?\n", 1, ["Line 1 is not Python yet"]),
        (GOOD + "return 3\n", 3, ["Line 3", "outside function"]),
        ("def size(self):\n    if 1:\n\treturn 1\n    else:\n  return 2\n", None, ["Line"]),
        ("def size(self):\n    return 1 +\0 2\n", 2, ["Line 2", "invisible"]),
    ],
)
def test_syntax_errors_name_the_readers_line(text, line, words, size):
    problem = refused(text, size)
    assert problem.kind == "syntax"
    assert line is None or problem.line == line
    for word in words:
        assert word in problem.sentence
    assert "cell" not in problem.traceback and "learn" not in problem.traceback


@pytest.mark.parametrize(
    "text, kind, words",
    [
        ("def sise(self):\n    return 1\n", "missing", ["Line 1", "`sise`", "`size`"]),
        ("def a(): pass\ndef b(): pass\n", "missing", ["no function `size`"]),
        ("# nothing\n", "missing", ["no code here yet"]),
        ("class Tensor:\n    def size(self):\n        return 1\n", "class", ["`class Tensor:`", "line 1", "alone"]),
        ("async def size(self):\n    return 1\n", "signature", ["async"]),
        ("size = lambda self: 1\n", "missing", ["Line 1", "def size(self):"]),
        ("def size():\n    return 1\n", "signature", ["`self`", "missing"]),
        ("def size(self, axis):\n    return 1\n", "signature", ["`axis` is not a parameter"]),
        ("def size(self, axis, dim):\n    return 1\n", "signature", ["`axis`, `dim` are not parameters"]),
        ("@property\ndef size(self):\n    return 1\n", "decorator", ["@property", "not in the starter"]),
        ("@no_grad()\ndef size(self):\n    return 1\n", "decorator", ["Remove it", "`with no_grad():`"]),
        ("import torch\ndef size(self):\n    return torch.numel(self)\n", "import", ["torch", "line 1"]),
        ("def size(self):\n    from tensorflow import size\n    return 1\n", "import", ["tensorflow", "line 2"]),
    ],
)
def test_what_is_wrong_with_the_function_is_said(text, kind, words, size):
    problem = refused(text, size)
    assert problem.kind == kind
    for word in words:
        assert word in problem.sentence


@pytest.mark.parametrize(
    "text, words",
    [
        ("def scaled(self, by=4):\n    return self\n", ["`offset` is missing"]),
        ("def scaled(self, *, offset=0):\n    return self\n", ["`by` is missing"]),
        ("def scaled(self, by, *, offset=0):\n    return self\n", ["default value of `by`"]),
        ("def scaled(self, *, by=4, offset=0):\n    return self\n", ["`by`", "by position"]),
        ("def scaled(by, self, *, offset=0):\n    return self\n", ["another order"]),
    ],
)
def test_wrong_parameters_are_named(text, words, catalog):
    problem = refused(text, catalog.exercise("01.scaled"))
    assert problem.kind == "signature"
    for word in [*words, "def scaled(self, by=FACTOR, *, offset=0):"]:
        assert word in problem.sentence


@pytest.mark.parametrize(
    "text",
    [
        "def scaled(this, by=4, *, offset=0):\n    return this\n",
        "def scaled(self, by: float = 4, *, offset: int = 0, extra=None) -> 'Tensor':\n    return self\n",
    ],
)
def test_harmless_differences_of_the_signature_pass(text, catalog):
    assert cell.read(text, catalog.exercise("01.scaled")).target.name == "scaled"


def test_a_missing_decorator_is_said(catalog):
    problem = refused("def shape(self):\n    return ()\n", catalog.exercise("01.shape"))
    assert problem.kind == "decorator" and "@property" in problem.sentence and "missing" in problem.sentence


def test_a_cell_is_sorted_into_three_parts(size):
    read = cell.read(
        code("""
        import math
        import os
        LIMIT = 3
        LIMIT += 1
        table = {}
        table["a"] = 1
        for i in range(3):
            table[i] = i
        unused = 5
        def helper(x):
            return math.floor(x) + LIMIT + deeper()
        def deeper():
            return 0
        def size(self):
            unused = len(table)
            return helper(unused)
        t = Tensor([1, 2])
        LIMIT = 7
        t.size()
    """),
        size,
    )
    lines = [s.lineno for s in read.prelude]
    assert lines == [1, 3, 4, 5, 6, 7, 10, 12]
    assert [s.lineno for s in read.experiments] == [2, 9, 17, 18, 19]


def test_the_last_of_two_definitions_counts(size):
    read = cell.read("def size(self):\n    return 1\ndef size(self):\n    return 2\n", size)
    assert read.target.lineno == 3 and not read.experiments


def test_the_starter_is_recognised_whatever_its_comments(size):
    assert cell.is_starter(cell.read("# my notes\n" + size.starter + "\n\nTensor([1])\n", size), size)
    assert not cell.is_starter(cell.read(GOOD, size), size)


def test_starter_solution_and_edition_come_from_the_library(catalog):
    exercise = catalog.exercise("01.memory_footprint")
    assert exercise.place == "tensor.py · Tensor.memory_footprint"
    assert exercise.solution.endswith("return self.data.nbytes") and exercise.solution.startswith(
        "def memory_footprint(self):"
    )
    assert exercise.starter.splitlines()[-1] == '    raise NotImplementedError("write memory_footprint")'
    assert '    """Count the bytes.\n\n    >>> Tensor' in exercise.starter
    assert catalog.exercise("01.shape").starter.startswith("@property\ndef shape(self):")
    assert len(exercise.edition) == 8 and exercise.edition != catalog.exercise("01.size").edition
