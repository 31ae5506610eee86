"""What the reader's code prints, on its way out: limited, and cheap once the limit is reached.

A loop that prints ten million lines must neither fill the page nor take minutes. Two
streams share one budget; when it is spent a note is written and further writes do
nothing but return the length of their text.
"""

from __future__ import annotations

import builtins
import io
import sys
import warnings
from contextlib import contextmanager

import numpy as np

from .explaining import InputRefused

MOST_LINES = 2_000
MOST_CHARACTERS = 200_000
MOST_SENDS = 5_000
CHUNK = 1_000
BROWSER_DEPTH = 160
NOT_OURS = ("_", "__debug__", "get_ipython", "display", "__IPYTHON__")


class Budget:
    """How much two streams together may still write."""

    def __init__(self):
        self.lines = MOST_LINES
        self.characters = MOST_CHARACTERS
        self.sends = MOST_SENDS
        self.cut = False
        self.streams: list[LimitedStream] = []

    def take(self, text: str) -> str:
        """Return the part of a text that may still be written."""
        lines = text.count("\n")
        if lines <= self.lines and len(text) <= self.characters:
            self.lines -= lines
            self.characters -= len(text)
            return text
        self.cut = True
        kept = "\n".join(text[: self.characters].split("\n")[: self.lines])
        self.lines = self.characters = 0
        return kept

    def close(self) -> None:
        """Make every further write cheap: print calls ``write(text)``, and ``len`` is a write that answers
        with the number of characters, as a stream must, without entering Python code."""
        for stream in self.streams:
            stream.write = len


class LimitedStream(io.TextIOBase):
    """A text stream that hands whole lines to ``send(name, text)`` until the budget is spent."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name: str, send, budget: Budget):
        self.name, self.send, self.budget = name, send, budget
        self.waiting: list[str] = []
        self.size = 0
        budget.streams.append(self)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() takes text, not {type(text).__name__}")
        kept = self.budget.take(text)
        self.waiting.append(kept)
        self.size += len(kept)
        if self.budget.cut:
            self.budget.close()
            for stream in self.budget.streams:
                stream.deliver()
            self.send(
                self.name,
                f"\n[Output cut here: a run shows at most {MOST_LINES:,} lines or {MOST_CHARACTERS:,} characters. "
                "The code runs on.]\n",
            )
        elif "\n" in kept or self.size >= CHUNK:
            self.deliver()
        return len(text)

    def flush(self) -> None:
        """Send what waits; a program that flushes for ever does so only so often."""
        if self.waiting and self.budget.sends > 0:
            self.budget.sends -= 1
            self.deliver()

    def deliver(self) -> None:
        """Send what waits."""
        text, self.waiting, self.size = "".join(self.waiting), [], 0
        if text:
            self.send(self.name, text)


def _refuse_input(prompt: object = "", /):
    raise InputRefused("input() has no keyboard here")


class _Quit:
    """Stands in for quit() and exit(): the real ones close the standard input."""

    def __call__(self, code=None):
        raise SystemExit(code)

    def __repr__(self):
        return "There is nothing to quit here."


def _warn_to(stream, files):
    """Return what shows a warning with the reader's line that led to it; a line of the library helps no reader."""

    def show(message, category, filename, lineno, file=None, line=None):
        frame = sys._getframe(1)
        while filename not in files and frame is not None:
            filename, lineno, frame = frame.f_code.co_filename, frame.f_lineno, frame.f_back
        where = f"{filename}, line {lineno}: " if filename in files else ""
        stream.write(f"{where}{category.__name__}: {message}\n")

    return show


def _recursion_limit(usual: int) -> int:
    """Return how deep calls may go: in the browser only so far as its own stack is sure to hold.

    A call that passes through C, as every ``a + b`` does, takes some 4 kB of a stack that the
    browser fixes at 1 MB. Running over it ends the interpreter; a RecursionError does not.
    """
    if sys.platform != "emscripten":
        return usual
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return min(usual, depth + BROWSER_DEPTH)


class Surroundings:
    """What the reader's code may change in Python itself, kept so that it can be put back."""

    def __init__(self):
        self.streams = sys.stdout, sys.stderr
        self.names = {name: value for name, value in vars(builtins).items() if name not in NOT_OURS}
        self.recursion = sys.getrecursionlimit()
        self.warnings = warnings.filters, warnings.showwarning
        self.numpy_errors = np.geterr()
        self.numpy_printing = np.get_printoptions()

    def restore(self) -> None:
        """Put everything back; doing so twice does no harm."""
        sys.stdout, sys.stderr = self.streams
        space = vars(builtins)
        space.update(self.names)
        for name in [name for name in space if name not in self.names and name not in NOT_OURS]:
            del space[name]
        sys.setrecursionlimit(self.recursion)
        warnings.filters, warnings.showwarning = self.warnings
        np.seterr(**self.numpy_errors)
        np.set_printoptions(**self.numpy_printing)


@contextmanager
def captured(send, around: Surroundings, files=()):
    """Run a block with its output sent to ``send(stream, text)``; yields the budget.

    files : the names that the reader's code carries; a warning names a line of these
    None of it outlasts the block: streams, input(), quit() and the warning filters
    are put back, whatever the reader's code did to them.
    """
    budget = Budget()
    outside = _outside(send, around.streams)
    out, err = LimitedStream("stdout", outside, budget), LimitedStream("stderr", outside, budget)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.showwarning = _warn_to(err, files)
        sys.stdout, sys.stderr = out, err
        builtins.input, builtins.quit, builtins.exit = _refuse_input, _Quit(), _Quit()
        sys.setrecursionlimit(_recursion_limit(around.recursion))
        try:
            yield budget
        finally:
            around.restore()
            out.deliver()
            err.deliver()


def _outside(send, streams):
    """Return ``send`` such that what it prints itself goes to the real streams and not round in a circle."""

    def outside(name: str, text: str) -> None:
        inner = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = streams
        try:
            send(name, text)
        finally:
            sys.stdout, sys.stderr = inner

    return outside


def straight_through():
    """Return a ``send`` that writes to the streams of this moment."""
    streams = {"stdout": sys.stdout, "stderr": sys.stderr}

    def send(name: str, text: str) -> None:
        streams[name].write(text)
        streams[name].flush()

    return send
