"""The parser of chapter files: what it reads, and what it tells the author of a mistake."""

import ast
import re

import pytest

from tinytorch_book.checks import answers, read_checks


def test_the_sample_is_read_whole(sample):
    (exercise,) = sample.exercises
    assert sample.id == "01" and sample.heading == "Tensor"
    assert (exercise.id, exercise.number, exercise.title, exercise.minutes) == (
        "01.memory_footprint",
        "1.1",
        "Count the bytes",
        5,
    )
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
    assert kinds == [
        "Prose",
        "Map",
        "Prose",
        "Example",
        "Exercise",
        "Prose",
        "Lab",
        "Prose",
        "Question",
        "Question",
        "Question",
    ]


def test_line_numbers_are_those_of_the_file(sample):
    lines = sample.path.read_text(encoding="utf-8").splitlines()
    checks = sample.path.with_suffix(".py").read_text(encoding="utf-8").splitlines()
    for exercise in sample.exercises:
        assert lines[exercise.line - 1].endswith(exercise.symbol)
        for check in exercise.checks:
            assert check.title in checks[check.line]


def test_a_check_carries_its_sentences_and_not_the_answers_that_get_them(sample):
    first, _ = sample.exercises[0].checks
    assert (
        first.code
        == 't = Tensor([[1, 2, 3], [4, 5, 6]])\nexpect(t.memory_footprint(), 24, mistakes=[(6, "You counted the elements.")])\n'
    )


def test_the_answers_kept_are_read_with_the_words_that_each_must_get(sample):
    wrong, right = answers(sample.path.with_suffix(".py"))["memory_footprint"]
    assert [(each.answer, each.words, each.named) for each in wrong] == [
        ("return self.data.size", "You counted the elements.", True),
        ("return 24", "memory_footprint() is 24", False),
        ("return 0", "memory_footprint() is 0", False),
    ]
    assert len(right) == 3 and all(each.startswith("return ") for each in right)


def test_setup_stands_before_every_check(tmp_path):
    path = tmp_path / "01_tensor.py"
    path.write_text(
        'def setup():\n    seen = []\n    text = """a\nb"""\n\n\nclass exercise_f:\n    def one():\n        """One"""\n'
        "        # why\n        expect(f(seen), 1)\n",
        encoding="utf-8",
    )
    (check,) = read_checks(path)["f"].checks
    assert check.code == 'seen = []\ntext = """a\nb"""\n# why\nexpect(f(seen), 1)\n'


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
    ("introduces: [tensor]", "introduces: [no]", "quotation marks"),
    (
        "```{hint}\nThe number",
        "```{check} A title\nexpect(1, 1)\n```\n\n```{hint}\nThe number",
        "checks stand in 01_tensor.py",
    ),
    ("````{exercise}", "```{exercise}", "more backticks"),
    (":tags: [lab, lab-double-n]", ":tags: [lab]", "second tag"),
    ("    right: true\n", "", "exactly one choice"),
    ("answer: 12.0", "answer: twelve", "needs `answer:`"),
    ("value: 3,", "value: 12.1,", "the mistake 12.1 counts as right"),
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


MISTAKES_IN_CHECKS = [
    ('"""Two rows of three float32 numbers take 24 bytes"""', "pass", "needs a docstring"),
    ("t = Tensor([[1, 2, 3], [4, 5, 6]])", "t = Tensor([[1, 2, 3], [4, 5, 6])", "cannot be read"),
    ("expect(Tensor([]).memory_footprint(), 0)", "Tensor([])", "cannot fail"),
    ("class exercise_memory_footprint", "class exercise_memory_footprnt", "belongs to no exercise|has no check"),
    ("class exercise_memory_footprint", "class memory_footprint", "its name must be `exercise_`"),
    ("def an_empty_tensor()", "def an_empty_tensor(self)", "no arguments"),
    ('(6, "You counted the elements.",', "(6, SENTENCE,", "a mistake is a tuple"),
    ('("return 24", "memory_footprint() is 24"),', '"return 24",', "stand pairs"),
    ("    right = [", "    rihgt = [", "this is neither"),
    ("    right = [", "    equivalent = ['+ 1  ->  - 1']\n    right = [", "in `equivalent` stand pairs: the change"),
]


@pytest.mark.parametrize("old,new,says", MISTAKES_IN_CHECKS, ids=[says for _, _, says in MISTAKES_IN_CHECKS])
def test_a_mistake_in_the_checks_is_named_with_file_and_line(broken, old, new, says):
    error, line = broken(old, new, ".py")
    assert re.search(says, str(error))
    where = "01_tensor.md" if "has no check" in str(error) else "01_tensor.py"
    assert str(error).startswith(f"{where}:")
    assert where == "01_tensor.md" or abs(error.line - line) <= 2, (
        f"the mistake is in line {line}, the message says {error.line}"
    )


def test_a_chapter_without_its_file_of_checks_says_what_to_write(tmp_path, sample):
    from tinytorch_book.chapter import ChapterError, read_chapter

    path = tmp_path / "01_tensor.md"
    path.write_text(sample.path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ChapterError, match=r"01_tensor.py:1: .*no file of checks"):
        read_chapter(path, "01_tensor.md")


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


@pytest.mark.parametrize(
    "code,shown",
    [
        ("expect(f(2), 4, mistakes=[(2, 'no, not (two)'), (3, 'é')])\n", "expect(f(2), 4)\n"),
        (
            "expect(f((1, 2)), (4,),\n       mistakes=[\n  (2, 'no')], rtol=0)\nexpect(f(1), 1, mistakes=[])\n",
            "expect(f((1, 2)), (4,), rtol=0)\nexpect(f(1), 1)\n",
        ),
        ("x = g(3)\nexpect(x, 4)\n", "x = g(3)\nexpect(x, 4)\n"),
    ],
)
def test_a_check_is_shown_without_what_it_says_of_mistakes(code, shown):
    from tinytorch_book.html import without_mistakes

    assert without_mistakes(code) == shown
