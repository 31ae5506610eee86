"""What checks are written with: ``expect`` and its relatives.

Each compares what the reader's code gave with what it should give, and raises Unmet
with everything a reader needs: the call, what came back, what was expected, and, where
the mistake is a known one, its name. ``checking`` hands over the compared expression
unevaluated, so that an exception in it is feedback as well.
"""

from __future__ import annotations

import time
from contextlib import contextmanager

import numpy as np

from .comparing import difference, same, value_difference
from .explaining import error_line, explain, message_of, suggestion
from .showing import described, is_tensor, shown


class Unmet(AssertionError):
    """An expectation that was not met."""

    def __init__(
        self,
        message: str,
        source: str = "",
        got: str = "",
        expected: str = "",
        mistake: str | None = None,
        line: int | None = None,
        error: BaseException | None = None,
    ):
        super().__init__(message)
        self.message, self.input, self.got, self.expected = message, source, got, expected
        self.mistake, self.line, self.error = mistake, line, error


class Given:
    """An expression of a check, not evaluated yet: how to evaluate it, and how it is written."""

    def __init__(self, evaluate, text: str = "", setting: str = "", line: int | None = None):
        self.evaluate, self.text, self.setting, self.line = evaluate, text, setting, line

    @property
    def call(self) -> str:
        """The expression for a message, with the assignments it stands on."""
        return f"With {self.setting}: {self.text}" if self.setting else self.text


def _given(value) -> Given:
    return value if isinstance(value, Given) else Given(lambda: value, "the result")


class Raising:
    """A mistake's pattern: an exception of this kind whose message has these words."""

    def __init__(self, kind, words: str):
        self.kind, self.words = kind, words

    def fits(self, error) -> bool:
        return isinstance(error, self.kind) and self.words in message_of(error)


class Expecting:
    """The functions that a check's namespace holds; ``files`` tells the reader's lines from others."""

    def __init__(self, files: dict[str, str]):
        self.files = files

    def names(self) -> dict:
        """Return the names for a check's namespace."""
        names = ("expect", "expect_raises", "expect_shares_memory", "expect_copies", "expect_unchanged", "expect_cost")
        return {"raising": Raising, "peak": peak, **{name: getattr(self, name) for name in names}}

    def expect(self, actual, expected, mistakes=(), rtol=1e-5, atol=1e-6, message=None):
        """Require that an expression has a value.

        actual : the expression; its source text is part of the feedback
        expected : number, string, tuple, list, dict, ndarray or Tensor
        mistakes : list of (pattern, sentence); a pattern is a wrong value, a predicate of the value,
            an exception type, or ``raising(TypeError, "not callable")`` for one with these words
        message : a sentence in place of the one made from the difference
        """
        given = _given(actual)
        try:
            got = given.evaluate()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self._raised(given, error, shown(expected), mistakes) from error
        compare = difference if given.text.endswith(")") else value_difference
        reason = compare(got, expected, rtol, atol)
        if reason:
            words = message or f"{given.call} {reason}."
            raise Unmet(words, given.text, shown(got), shown(expected), known_mistake(got, mistakes), given.line)

    def _raised(self, given: Given, error: BaseException, expected: str, mistakes) -> Unmet:
        problem = explain(error, self.files)
        if problem.kind == "exception":
            at = f" in line {problem.line} of your code" if problem.line else ""
            words = f"{given.call} raised {error_line(error)}{at}.{suggestion(error)}"
        else:
            words = f"{given.call} did not return. {problem.sentence}"
        return Unmet(
            words,
            given.text,
            error_line(error),
            expected,
            known_mistake(error, mistakes, raised=True),
            given.line,
            error,
        )

    def expect_raises(self, kind, call, mentions=(), mistakes=()):
        """Require that a call raises an exception of this kind whose message mentions some texts.

        mistakes : as for expect; a predicate gets the exception that was raised
        """
        given = call if isinstance(call, Given) else Given(lambda: call, "the call")
        names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        try:
            got = given.evaluate()()
        except KeyboardInterrupt:
            raise
        except kind as error:
            self._require_mentions(given, error, names, mentions, mistakes)
            return
        except BaseException as error:
            words = f"{given.call} raised {error_line(error)}; expected {names}."
            mistake = known_mistake(error, mistakes, raised=True, ask=True)
            raise Unmet(words, given.text, error_line(error), names, mistake, given.line, error) from error
        words = f"{given.call} returned {shown(got, 200)}; expected it to raise {names}."
        values = [(pattern, sentence) for pattern, sentence in mistakes if not callable(pattern)]
        raise Unmet(words, given.text, shown(got), names, known_mistake(got, values), given.line)

    def _require_mentions(self, given, error, names, mentions, mistakes):
        missing = [text for text in mentions if text not in message_of(error)]
        if missing:
            wanted = f"{names} whose message has {' and '.join(mentions)}"
            words = (
                f"{given.call} raised {names} as it should, but its message does not mention {' and '.join(missing)}."
            )
            raise Unmet(
                words,
                given.text,
                error_line(error),
                wanted,
                known_mistake(error, mistakes, raised=True, ask=True),
                given.line,
            )

    def expect_shares_memory(self, a, b, mistakes=()):
        """Require that two arrays or tensors are views of the same memory."""
        self._memory(a, b, True, mistakes)

    def expect_copies(self, a, b, mistakes=()):
        """Require that two arrays or tensors have no memory in common."""
        self._memory(a, b, False, mistakes)

    def _memory(self, a, b, wanted: bool, mistakes):
        given, other = _given(a), _given(b)
        values = []
        for one in (given, other):
            try:
                values.append(one.evaluate())
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                raise self._raised(one, error, "an array or tensor", mistakes) from error
        arrays = [v.data if is_tensor(v) else v for v in values]
        for one, value, array in zip((given, other), values, arrays, strict=True):
            if not isinstance(array, np.ndarray):
                words = f"{one.call} returned {described(value)}; expected an array or a tensor."
                raise Unmet(
                    words, one.text, shown(value), "an array or tensor", known_mistake(value, mistakes), one.line
                )
        if bool(np.shares_memory(*arrays)) != wanted:
            words = (
                f"{given.call} is a copy; expected the same memory as {other.text}, without moving a number."
                if wanted
                else f"{given.call} shares its memory with {other.text}; expected a copy that leaves it alone."
            )
            states = ("a copy", "shared memory") if wanted else ("shared memory", "a copy")
            raise Unmet(words, given.text, *states, known_mistake(values[0], mistakes), given.line)

    @contextmanager
    def expect_unchanged(self, *values):
        """Require that the block leaves arrays or tensors as they were: ``with expect_unchanged(a): a + a``."""
        before = [np.array(v.data if is_tensor(v) else v, copy=True) for v in values]
        yield
        for value, old in zip(values, before, strict=True):
            new = np.asarray(value.data if is_tensor(value) else value)
            reason = difference(new, old, 0, 0)
            if reason:
                raise Unmet(
                    f"The call changed its input, which afterwards {reason}.",
                    "",
                    shown(new),
                    shown(old),
                    "Make a new array for the result instead of writing into the one you were given.",
                )

    def expect_cost(self, ours, reference, at_most=5.0, message=None):
        """Require that one call takes at most so many times as long as another, both timed now, in turns."""
        given, other = (v if isinstance(v, Given) else Given(lambda v=v: v, "the call") for v in (ours, reference))
        try:
            ratio, mine, theirs = _ratio(given.evaluate(), other.evaluate())
            if ratio > at_most:  # once more, before anybody is told that their code is slow
                ratio, mine, theirs = min((ratio, mine, theirs), _ratio(given.evaluate(), other.evaluate()))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self._raised(given, error, f"at most {at_most:g} times the reference", ()) from error
        if ratio > at_most:
            words = message or (
                f"{given.call} took {_duration(mine)}, and {other.text} took {_duration(theirs)}: "
                f"{ratio:.1f} times as long; at most {at_most:g} times is asked for."
            )
            raise Unmet(words, given.text, f"{ratio:.1f} times", f"at most {at_most:g} times", None, given.line)


def peak(call) -> int:
    """Return how many bytes a call holds at most at one time, beside what was there before it."""
    import tracemalloc

    running = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not running:
            tracemalloc.stop()


def known_mistake(got, mistakes, raised: bool = False, ask: bool = False) -> str | None:
    """Return the sentence of the first mistake that fits; one that cannot be evaluated does not fit.

    ``raised``: ``got`` is an exception. ``ask``: predicates are asked about it as well, as
    ``expect_raises`` does, where the exception is what is looked at.
    """
    for pattern, sentence in mistakes:
        if _fits(got, pattern, raised, ask):
            return sentence
    return None


def _fits(got, pattern, raised: bool, ask: bool) -> bool:
    if isinstance(pattern, Raising):
        return raised and pattern.fits(got)
    kinds = pattern if isinstance(pattern, tuple) and pattern else (pattern,)
    if all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        return raised and isinstance(got, kinds)
    try:
        if callable(pattern) and not is_tensor(pattern):
            return (ask or not raised) and bool(pattern(got))
        return not raised and same(got, pattern)
    except Exception:  # a predicate meets whatever the reader returned; where it fails, it does not fit
        return False


def _ratio(ours, reference, rounds: int = 7) -> tuple[float, float, float]:
    """Return (ratio, ours, reference) of the fewest seconds; each sample lasts long enough for a coarse clock.

    The fewest and not the median: whatever else the machine does can only add to a sample.
    """
    counts = [_repeats(call) for call in (ours, reference)]
    samples = ([], [])
    for _ in range(rounds):
        for call, count, times in zip((ours, reference), counts, samples, strict=True):
            times.append(_seconds(call, count) / count)
    mine, theirs = map(min, samples)
    return mine / max(theirs, 1e-9), mine, theirs


def _repeats(call) -> int:
    count = 1
    while (seconds := _seconds(call, count)) < 2e-3 and count < 10_000:
        count = count * 10 if seconds < 2e-4 else count * 2
    return count


def _seconds(call, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - start


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


# What a chapter's file of checks imports by name. While a check runs, its namespace holds the same functions, which then
# tell the reader's lines from others.
_PLAIN = Expecting({})
raising = Raising
expect = _PLAIN.expect
expect_raises = _PLAIN.expect_raises
expect_shares_memory = _PLAIN.expect_shares_memory
expect_copies = _PLAIN.expect_copies
expect_unchanged = _PLAIN.expect_unchanged
expect_cost = _PLAIN.expect_cost
