"""Feedback: what a failing check tells the reader."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from tinytorch.learn import Catalog, Check
from tinytorch.learn.comparing import difference, same

from .conftest import code

GOOD = "def size(self):\n    return int(self.data.size)\n"


@pytest.fixture
def try_check(workshop, catalog):
    """Run one check of its own against an answer to exercise 01.size (or another); return its result."""

    def run(check, answer=GOOD, id="01.size"):
        exercise = dataclasses.replace(catalog.exercise(id), checks=(Check("A title", code(check)),))
        chapter = dataclasses.replace(catalog.chapters[0], exercises=(exercise,))
        workshop.catalog = Catalog((chapter,), package=catalog.package)
        outcome = workshop.check(id, answer)
        assert outcome.error is None, outcome.error
        return outcome.checks[0]

    return run


class Tensor:
    def __init__(self, data):
        self.data = np.asarray(data, dtype=np.float32)

    def __repr__(self):
        return f"Tensor({self.data.tolist()})"


A = np.array


def yielding():
    yield 1


async def waiting():
    return 1


@pytest.mark.parametrize(
    "got, expected, words",
    [
        (6, 24, "returned 6; expected 24"),
        (None, 24, "returned None; expected a plain number"),
        ("24", 24, "returned a str, '24'; expected a plain number, 24"),
        (1, True, "returned a plain number, 1; expected True or False"),
        (True, 1, "returned True or False, True; expected a plain number"),
        (float("nan"), 0.0, "nan means that a step had no answer"),
        (Tensor(3), 3.0, "returned a Tensor of shape (), Tensor(3.0); expected a plain number, 3.0. `.item()`"),
        (
            A([1, 2]),
            Tensor([1, 2]),
            "returned an ndarray of shape (2,), array([1, 2]); expected a Tensor of shape (2,), Tensor([1.0, 2.0]). Wrap the array",
        ),
        (Tensor([1]), A([1], dtype=np.float32), "The array inside a tensor is its `.data`"),
        (Tensor([[1, 2]]), Tensor([1, 2]), "has shape (1, 2); expected shape (2,)"),
        (A([1.0]), A([1.0], dtype=np.float32), "has dtype float64; expected dtype float32"),
        (Tensor([[1, 2], [3, 4]]), Tensor([[1, 2], [5, 6]]), "has 3.0 at [1, 0]; expected 5.0; 2 of 4 values differ"),
        (Tensor([1, np.nan]), Tensor([1, 2]), "has nan at [1]; expected 2.0; 1 of 2 values differ. nan means"),
        (A(3.0), A(4.0), "has 3.0; expected 4.0"),
        ([2, 3], (2, 3), "returned a list of 2, [2, 3]; expected a tuple of 2, (2, 3)"),
        ((2, 3), (2, 3, 4), "returned (2, 3); expected (2, 3, 4): 2 items instead of 3"),
        ((2, 3), (3, 2), "returned (2, 3); expected (3, 2)"),
        ((2,), (2, 3), "1 item instead of 2"),
        ([None, 1], [2, 1], "at position 0 is None; expected a plain number"),
        (((Tensor([1]),),), ((Tensor([5]),),), "at position 0, in it at position 0 has 1.0 at [0]"),
        ({"a": [Tensor([1])]}, {"a": [Tensor([5])]}, "at key 'a', in it at position 0 has 1.0 at [0]"),
        ("twenty letters and no end", "twenty letters and no", "The first difference is at character 21"),
        (A([1.0]), A([1.0], dtype=np.float32), "takes 8 bytes instead of 4: NumPy makes float64 of plain numbers"),
        (
            A([1.0], dtype=np.float32),
            A([1.0]),
            "expected dtype float64. What goes in as float64 must come out as precise",
        ),
        (A([1.0]), A([1]), "expected dtype int64. Whole numbers, such as labels and positions, stay whole"),
        (A([True]), A([1.0]), "expected dtype float64. True and False become 1 and 0 with .astype(np.float64)"),
        (A([1]), A([1.0]), "expected dtype float64. Whole numbers cannot hold what comes after the point"),
        ((Tensor([1]), 2), (Tensor([5]), 2), "at position 0 has 1.0 at [0]; expected 5.0"),
        ("abcd", "abxd", "returned 'abcd'; expected 'abxd'"),
        ("a long sentence of abcd", "a long sentence of abxd", "The first difference is at character 21"),
        ("01.abcdefghijklmnop", "01.abcdefghijklmnopqrst", "The first difference is at character 19"),
        ({"a": 1}, {"a": 1, "b": 2}, "has no key 'b'"),
        ({"a": 1, "c": 0}, {"a": 1}, "has the key 'c'"),
        ({"a": 1}, {"a": 2}, "at key 'a' returned 1; expected 2"),
        (yielding(), 3, "returned a generator, because the function has `yield` in it; expected a plain number"),
        ((i for i in ()), (), "Put `tuple(...)` around the `... for ... in ...`"),
        (waiting(), 3, "returned a coroutine, because the function is written with `async def`"),
        ("x".upper, "X", "the function `upper` itself"),
        (A([0.1 + 1e-3], dtype=np.float32), A([0.1], dtype=np.float32), "has 0.101 at [0]; expected 0.1"),
    ],
)
def test_differences_have_their_own_words(got, expected, words):
    assert words in difference(got, expected)


@pytest.mark.parametrize(
    "got, expected",
    [
        (24, 24.0),
        (np.int64(24), 24),
        (np.float32(0.1), 0.1),
        (0.1 + 0.2, 0.3),
        (float("nan"), float("nan")),
        (np.True_, True),
        (Tensor([1, np.nan]), Tensor([1, np.nan])),
        ((2, np.int64(3)), (2, 3)),
        ([1.0, 2], [1, 2]),
        (None, None),
        ("a", "a"),
        (A([]), A([])),
        ({"a": A([1])}, {"a": A([1])}),
        (float("inf"), float("inf")),
        (1 + 2j, 1 + 2j),
    ],
)
def test_what_counts_as_equal(got, expected):
    assert difference(got, expected) is None and same(got, expected)


def test_long_arrays_are_shortened(try_check):
    result = try_check("expect(np.arange(100000), np.zeros(100000, dtype=np.arange(1).dtype))")
    assert len(result.got) < 120 and "..." in result.got
    assert "has 1 at [1]; expected 0; 99999 of 100000 values differ" in result.message


def test_the_message_has_the_call_and_what_it_stands_on(try_check):
    result = try_check(
        """
        data = [[1, 2, 3],
                [4, 5, 6]]
        t = Tensor(data)
        expect(t.size(), 6, mistakes=[(2, "You counted the rows.")])
    """,
        "def size(self):\n    return len(self.data)\n",
    )
    assert result.message == "With data = [[1, 2, 3], [4, 5, 6]], t = Tensor(data): t.size() returned 2; expected 6."
    assert (result.input, result.got, result.expected, result.mistake, result.line) == (
        "t.size()",
        "2",
        "6",
        "You counted the rows.",
        4,
    )


@pytest.mark.parametrize(
    "mistakes, found",
    [
        ('[(lambda got: got < 5, "small")]', "small"),
        ('[(lambda got: got.no_such, "never"), (2.0, "two")]', "two"),
        ('[(np.array(2), "array")]', "array"),
        ('[(ValueError, "raised"), ("2", "text")]', None),
        ('[(3, "three"), (lambda got: 1 / 0, "never")]', None),
    ],
)
def test_mistakes_are_values_or_predicates_and_may_not_fit(try_check, mistakes, found):
    assert (
        try_check(
            f"expect(Tensor([[1, 2], [3, 4]]).size(), 4, mistakes={mistakes})", "def size(self):\n    return 2\n"
        ).mistake
        == found
    )


def test_an_exception_in_the_readers_code_is_feedback(try_check):
    result = try_check(
        'expect(Tensor([1]).size(), 1, mistakes=[((TypeError, ZeroDivisionError), "You divided by zero.")])',
        "def size(self):\n    zero = 0\n    return 1 / zero\n",
    )
    assert result.message == "Tensor([1]).size() raised ZeroDivisionError: division by zero in line 3 of your code."
    assert result.mistake == "You divided by zero."
    assert "return 1 / zero" in result.traceback and "expecting" not in result.traceback


def test_an_exception_outside_expect_names_the_readers_line(try_check):
    result = try_check("n = Tensor([1]).size()\nexpect(n, 1)", "def size(self):\n    return self.data.sise\n")
    assert result.message.startswith(
        "The check's line `n = Tensor([1]).size()` ran into this in your code. Line 2, `return self.data.sise`, raised AttributeError"
    )
    assert "Did you mean `size`?" in result.message and result.line == 1


def test_a_wrong_value_that_breaks_the_check_is_the_readers(try_check):
    result = try_check("expect(Tensor([1]).size() + 1, 2)\n", "def size(self):\n    pass\n")
    assert "the book" not in result.message and "raised TypeError" in result.message
    result = try_check("n = Tensor([1]).size() + 1\n", "def size(self):\n    pass\n")
    assert "Your function ran without an error" in result.message and result.line == 1


@pytest.mark.parametrize(
    "check",
    [
        "expect(Tensor([1]).size(, 1)",
        "t = Tenzor([1])\nexpect(t.size(), 1)",
        "expect(undefined, 1)",
        "expect(Tensor([1]).size(), 1, mistake=[])",
        "1 / 0",
    ],
)
def test_a_mistake_of_the_author_is_visible_as_one(try_check, check):
    result = try_check(check, "def size(self):\n    return 10\n")
    assert (
        not result.passed and "This check itself is broken" in result.message and "not in your code" in result.message
    )


def test_a_plain_assert_works(try_check):
    assert try_check("assert Tensor([1]).size() == 1").passed
    assert try_check("assert Tensor([1]).size() == 2, 'two it is'").message == "two it is"
    assert try_check("assert Tensor([1]).size() == 2").message == "`assert Tensor([1]).size() == 2` is not true."


RAISING = "def size(self):\n    raise {}\n"


@pytest.mark.parametrize(
    "answer, words, mistake",
    [
        (RAISING.format("ValueError('(2,) and (3,)')"), None, None),
        (RAISING.format("ValueError('no')"), "does not mention (2,) and (3,)", "NumPy's sentence"),
        (RAISING.format("TypeError('no')"), "raised TypeError: no; expected ValueError", "type"),
        ("def size(self):\n    return 7\n", "returned 7; expected it to raise ValueError", "seven"),
    ],
)
def test_expect_raises(try_check, answer, words, mistake):
    result = try_check(
        """
        t = Tensor([1])
        expect_raises(ValueError, lambda: t.size(), mentions=["(2,)", "(3,)"], mistakes=[
            (TypeError, "type"), (7, "seven"), (lambda error: "no" in str(error), "NumPy's sentence")])
    """,
        answer,
    )
    assert result.passed == (words is None) and result.mistake == mistake
    if words:
        assert result.message.startswith("With t = Tensor([1]): t.size()") and words in result.message


def test_a_helper_of_the_check_is_told_by_what_it_does(try_check):
    result = try_check(
        """
        t = Tensor([1, 2])
        def after():
            t.data += 1
            return t.data.tolist()
        expect(after(), [2.0, 4.0])
        """
    )
    words = "With t = Tensor([1, 2]), t.data += 1: t.data.tolist() returned [2.0, 3.0]; expected [2.0, 4.0]."
    assert result.message == words
    assert result.input == "t.data.tolist()"


def test_what_is_no_call_is_none_and_has_no_return_to_be_missing(try_check):
    result = try_check(
        """
        t = Tensor([1])
        t.grad = None
        def arrived():
            t.size()
            return t.grad
        expect(arrived(), np.ones(1))
        """
    )
    assert result.message == "With t = Tensor([1]), t.size(): t.grad is None; expected an ndarray of shape (1,)."


def test_memory_is_shared_or_copied(try_check):
    assert try_check("a = np.zeros(3)\nexpect_shares_memory(a[1:], a)\nexpect_copies(a + 0, a)").passed
    assert (
        "is a copy; expected the same memory as a"
        in try_check("a = np.zeros(3)\nexpect_shares_memory(a + 0, a)").message
    )
    assert "shares its memory with a; expected a copy" in try_check("a = np.zeros(3)\nexpect_copies(a[:], a)").message
    assert "returned None; expected an array" in try_check("a = np.zeros(3)\nexpect_copies(None, a)").message


def test_an_input_that_was_changed_is_said(try_check):
    result = try_check(
        "t = Tensor([1, 2])\nwith expect_unchanged(t):\n    t.size()\n",
        "def size(self):\n    self.data += 1\n    return 2\n",
    )
    assert "changed its input, which afterwards has 2.0 at [0]; expected 1.0" in result.message
    assert "Make a new array" in result.mistake and result.line


def test_cost_is_a_ratio(try_check):
    fast = try_check("a = np.ones(1000)\nexpect_cost(lambda: a.sum(), lambda: np.sum(a), at_most=5)")
    assert fast.passed, fast.message
    slow = try_check("a = np.ones(1000)\nexpect_cost(lambda: sum(a), lambda: np.sum(a), at_most=3)")
    assert "times as long; at most 3 times is asked for" in slow.message and slow.message.startswith(
        "With a = np.ones(1000): sum(a) took"
    )


def test_peak_is_what_a_call_holds_at_most_beside_what_was_there(try_check):
    held = "a = np.ones(100_000)\nexpect(abs(peak(lambda: {}) / a.nbytes - {}) < 0.1, True)"
    for call, arrays in (("a + 1", 1), ("(a + 1, a + 2)", 2), ("np.add(a, 1, out=a)", 0)):
        result = try_check(held.format(call, arrays))
        assert result.passed, result.message
    assert not tracemalloc.is_tracing()


def test_nothing_the_reader_names_changes_the_checks(workshop, printed):
    session = workshop.run_cell("expect = print = lambda *a, **k: None\nTensor = np = None", "lab")
    assert session.error is None
    cheat = code("""
        def expect(*a, **k): return None
        def print(*a): raise ValueError
        def size(self):
            expect(self)
            return 0
        Tensor = list
        np = None
    """)
    assert workshop.run("01.size", cheat).error is None
    outcome = workshop.check("01.size", cheat)
    assert outcome.state == "failed" and outcome.checks[0].got == "0"
    assert workshop.check("01.size", GOOD).state == "passed"


def test_what_a_check_prints_is_output(workshop, printed):
    assert (
        workshop.check("01.size", "def size(self):\n    print('seen')\n    return int(self.data.size)\n").state
        == "passed"
    )
    assert printed == [("stdout", "seen\n")]


def test_endless_recursion_in_a_check(workshop):
    outcome = workshop.check("01.size", "def size(self):\n    return self.size()\n")
    assert outcome.state == "failed"
    assert "again and again" in outcome.checks[0].message and outcome.checks[0].traceback.count("\n") < 20


@pytest.mark.parametrize(
    "call, words", [("sys.exit()", "quit"), ("input()", "keyboard"), ("np.zeros((10**7, 10**7))", "not enough memory")]
)
def test_special_ends_in_a_check_are_explained(workshop, call, words):
    outcome = workshop.check("01.size", f"import sys\ndef size(self):\n    return {call}\n")
    assert outcome.state == "failed" and words in outcome.checks[0].message


def test_all_checks_run_and_the_first_expectation_that_fails_ends_its_check(workshop):
    outcome = workshop.check("01.memory_footprint", "def memory_footprint(self):\n    return self.data.size\n")
    assert [c.passed for c in outcome.checks] == [False, False]
    assert outcome.checks[0].mistake == "You counted the elements."
