"""The parser of chapter files: what it reads, and what it tells the author of a mistake."""

import ast

import pytest


def test_the_sample_is_read_whole(sample):
    exercise, = sample.exercises
    assert sample.id == "01" and sample.heading == "Tensor"
    assert (exercise.id, exercise.number, exercise.title, exercise.minutes) == ("01.memory_footprint", "1.1", "Count the bytes", 5)
    assert exercise.symbol == "tinytorch.core.tensor:Tensor.memory_footprint"
    assert [q.id for q in sample.questions] == ["01.copy-or-view", "01.activations", "01.why-float32"]
    assert [lab.id for lab in sample.labs] == ["01.lab-double-n"]


def test_the_task_keeps_ordinary_fences_and_loses_hints_and_checks(sample):
    task = sample.exercises[0].task
    assert "```python" in task and "one multiplication" in task
    assert "{hint}" not in task and "{check}" not in task


def test_checks_are_python_with_a_title(sample):
    first, second = sample.exercises[0].checks
    assert first.title == "Two rows of three float32 numbers take 24 bytes"
    assert second.title == "An empty tensor takes none"
    assert ast.parse(first.code)


def test_blocks_come_in_reading_order(sample):
    kinds = [type(block).__name__ for block in sample.blocks]
    assert kinds == ["Prose", "Map", "Prose", "Cell", "Exercise", "Prose", "Lab", "Prose", "Question", "Question", "Question"]


def test_line_numbers_are_those_of_the_file(sample):
    lines = sample.path.read_text(encoding="utf-8").splitlines()
    for exercise in sample.exercises:
        assert lines[exercise.line - 1].endswith(exercise.symbol)
        for check in exercise.checks:
            assert check.title in lines[check.line - 1]


MISTAKES = [
    ("number: 1\n", "number: two\n", "whole number"),
    ("  tier: foundation", "  tier: basement", "foundation, architecture"),
    ("  tier: foundation", "  teir: foundation", "`teir` that nothing reads"),
    ("requires: []", "requires: [3]", "only need earlier ones"),
    ("unlocks: [2, 3]", "unlocks: [1]", "only open later ones"),
    ("verb: measures", "verb: masters", "'masters'"),
    ("shown_by: [memory_footprint, copy-or-view]", "shown_by: [memory_footprnt]", "'memory_footprnt'"),
    ("shown_by: [memory_footprint, copy-or-view]", "shown_by: [lab-double-n]", "labs alone"),
    ("{exercise} tinytorch.core.tensor:Tensor.memory_footprint", "{exercise} Tensor", "module:name"),
    (":title: Count the bytes", ":titel: Count the bytes", "no setting `titel`"),
    ("{check} Two rows of three float32 numbers take 24 bytes", "{check}", "needs a title"),
    ("t = Tensor([[1, 2, 3], [4, 5, 6]])", "t = Tensor([[1, 2, 3], [4, 5, 6])", "cannot be read"),
    ("expect(Tensor([]).memory_footprint(), 0)", "Tensor([])", "cannot fail"),
    ("````{exercise}", "```{exercise}", "more backticks"),
    (":tags: [lab, lab-double-n]", ":tags: [lab]", "second tag"),
    ("    right: true\n", "", "exactly one choice"),
    ("answer: 12.0", "answer: twelve", "needs `answer:`"),
    ("```{choice} copy-or-view", "```{choice} activations", "already taken"),
    ("```{open} why-float32", "```{open}", "needs a name"),
    ("mistakes:\n", "mistakes: [\n", "YAML cannot be read"),
]


@pytest.mark.parametrize("old,new,says", MISTAKES, ids=[says for _, _, says in MISTAKES])
def test_a_mistake_is_named_with_file_and_line(broken, old, new, says):
    error, line = broken(old, new)
    assert says in str(error)
    assert str(error).startswith("01_tensor.md:")
    assert abs(error.line - line) <= 16, f"the mistake is in line {line}, the message says {error.line}"


def test_a_syntax_error_in_a_check_points_at_its_own_line(broken):
    error, line = broken("expect(Tensor([]).memory_footprint(), 0)", "expect(Tensor([]).memory_footprint(), 0")
    assert error.line == line


def test_an_unclosed_fence_is_found_where_it_opens(broken):
    error, line = broken("Why float32?\n```", "Why float32?")
    assert "never closed" in str(error)
    assert error.line < line and error.line > line - 8


def test_front_matter_must_be_there(tmp_path):
    from tinytorch_book.chapter import ChapterError, read_chapter
    path = tmp_path / "01_tensor.md"
    path.write_text("# Tensor\n", encoding="utf-8")
    with pytest.raises(ChapterError, match="begins with front matter"):
        read_chapter(path)


@pytest.mark.parametrize("code,shown", [
    ("expect(f(2), 4, mistakes=[(2, 'no, not (two)'), (3, 'é')])\n", "expect(f(2), 4)\n"),
    ("expect(f((1, 2)), (4,),\n       mistakes=[\n  (2, 'no')], rtol=0)\nexpect(f(1), 1, mistakes=[])\n",
     "expect(f((1, 2)), (4,), rtol=0)\nexpect(f(1), 1)\n"),
    ("x = g(3)\nexpect(x, 4)\n", "x = g(3)\nexpect(x, 4)\n"),
])
def test_a_check_is_shown_without_what_it_says_of_mistakes(code, shown):
    from tinytorch_book.html import without_mistakes
    assert without_mistakes(code) == shown
