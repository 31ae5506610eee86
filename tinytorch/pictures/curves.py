"""Loss and accuracy of a training as two pictures that are redrawn while it goes on.

    curves = Curves(passes=6, steps=len(loader), goal=0.95)
    curves.step(loss, logits, labels)      after each step
    curves.mark(0.958)                     what was measured after a pass, on samples kept aside

A run that goes on where an earlier one was kept says first what that came to: `curves.before(losses, shares)`. A long
run says how many minutes remain.

They are drawn at most four times a second, and so seldom that drawing takes no more than a
sixtieth of the time. `curves.seconds` says what it took.
"""

from __future__ import annotations

import math
import time

import numpy as np

from .drawing import STYLE, numbers
from .live import Picture
from .palette import style

WIDTH, HEIGHT = 310, 262
LEFT, RIGHT, TOP, BOTTOM = 44, 302, 30, 234
APART, SHARE = 0.25, 60
LOWEST, HIGHEST = 1e-3, 16  # losses beyond, and NaN, are drawn at the edge
MOST = 100  # points of a line: more would not be seen
LONG = 90  # seconds: what takes longer says how much remains
LOOK = style(
    ".grid{stroke:$edge;stroke-opacity:.35}.curve{fill:none;stroke:$blue;stroke-width:2}"
    ".mark{fill:$page;stroke:$orange;stroke-width:2.5}.goal{stroke:$green;stroke-width:1.5;stroke-dasharray:5 4}"
    ".small{font-size:13px}.end{text-anchor:end}.mid{text-anchor:middle}"
)


class Curves:
    """What a training has come to so far.

    passes, steps : how many passes there will be, and how many steps each has
    goal : the accuracy to reach, from 0 to 1, drawn as a line; None for none
    name : what is trained, where there are several
    """

    def __init__(self, passes: int, steps: int, goal: float | None = None, name: str = ""):
        if passes < 1 or steps < 1:
            raise ValueError(f"Curves: {passes} passes of {steps} steps; both must be at least 1")
        self.passes, self.steps, self.goal, self.name = passes, steps, goal, name
        self.begun, self.taken_over = 0.0, 0
        self.losses: list[float] = []
        self.shares: list[float] = []
        self.marks: list[tuple[int, float]] = []
        self.pictures = Picture(), Picture()
        self.seconds, self.next = 0.0, 0.0

    def before(self, losses, steps: int, shares=()) -> None:
        """Note what an earlier run of this training came to.

        losses : the mean loss of each stretch of so many steps; shares : what was marked after each pass
        """
        self.losses = np.repeat(numbers(losses), steps).tolist()
        self.shares = [math.nan] * len(self.losses)
        self.marks = [(self.steps * number, float(share)) for number, share in enumerate(shares, 1)]
        self.taken_over = len(self.losses)

    def step(self, loss, logits, labels) -> None:
        """Note one step: its loss, and from the logits (…, C) and labels (…) how many it had right.

        Labels below 0 stand for what does not count.
        """
        begin = time.perf_counter()
        self.begun = self.begun or begin
        right = logits.data.argmax(axis=-1) == labels.data
        self.losses.append(float(loss.data))
        self.shares.append(np.count_nonzero(right) / np.count_nonzero(labels.data >= 0))
        if begin >= self.next:
            self.draw()
        self.seconds += time.perf_counter() - begin

    def mark(self, share: float) -> None:
        """Note the accuracy measured now on samples that are not learned from; the last one is drawn at once."""
        begin = time.perf_counter()
        self.marks.append((len(self.losses), float(share)))
        if begin >= self.next or len(self.losses) >= self.passes * self.steps:
            self.draw()
        self.seconds += time.perf_counter() - begin

    def draw(self) -> None:
        """Show both pictures; the next ones are due when drawing these is a small part of the time."""
        begin = time.perf_counter()
        for picture, make in zip(self.pictures, (self.loss_svg, self.accuracy_svg), strict=True):
            picture.show(make)
        now = time.perf_counter()
        self.next = now + max(APART, SHARE * (now - begin))

    def minutes_left(self) -> str:
        """Return how many minutes remain at the speed so far, in words; "" for a run that is short or has just begun.

        >>> Curves(passes=2, steps=5).minutes_left()
        ''
        """
        done, seconds = len(self.losses) - self.taken_over, time.perf_counter() - self.begun
        whole = self.passes * self.steps - self.taken_over
        if done < 10 or seconds * whole / done < LONG or done >= whole:
            return ""
        minutes = seconds * (whole - done) / done / 60
        return f"{minutes:.0f} minutes left" if minutes >= 1.5 else "a minute left"

    def loss_svg(self) -> str:
        """Return the picture of the loss. Each line down stands for half of the one above."""
        x, means = self._line(self.losses)
        y = np.log2(np.clip(np.nan_to_num(means, nan=HIGHEST), LOWEST, HIGHEST))
        low, high = min(-2, math.floor(y.min(initial=0))), max(1, math.ceil(y.max(initial=0)))
        place = _scale(low, high)
        ticks = [(place(k), f"{2.0**k:.2g}") for k in range(low, high + 1)]
        now = f"{means[-1]:.3f}" if len(y) else "none yet"
        title = f"{self._named()}Loss while training: {now} after {len(self.losses):,} of {self.passes * self.steps:,} steps"
        if len(y):
            title += f"; at the beginning it was {means[0]:.2f}"
        left = self.minutes_left()
        title += f"; {left}" if left else ""
        return self._svg(title, f"{self._named()}loss {now}{f', {left}' if left else ''}", ticks, _path(x, place(y)))

    def _named(self) -> str:
        return f"{self.name}: " if self.name else ""

    def accuracy_svg(self) -> str:
        """Return the picture of the accuracy: a line in training, dots on samples kept aside."""
        x, y = self._line(self.shares)
        x, y = x[~np.isnan(y)], y[~np.isnan(y)]  # what an earlier run had right was not kept
        low = 0.5 if len(y) and y[-1] > 0.5 and not self.name else 0.0  # what is named is compared, on one scale
        place = _scale(low, 1.0)
        ticks = [(place(share), f"{share:.0%}") for share in np.linspace(low, 1, 6)]
        parts = [_path(x, place(np.maximum(y, low)))]
        if self.goal is not None:
            at = place(self.goal)
            parts.append(f'<path class="goal" d="M{LEFT} {at:.1f}H{RIGHT}"/>')
        parts += [self._mark(*mark, place, low) for mark in self.marks]
        now = f"{y[-1]:.1%}" if len(y) else "none yet"
        return self._svg(self._accuracy_words(now), f"{self._named()}right {now}{self._aside()}", ticks, "".join(parts))

    def _aside(self) -> str:
        return f", kept aside {self.marks[-1][1]:.1%}" if self.marks else ""

    def _accuracy_words(self, now: str) -> str:
        words = f"{self._named()}Right while training: {now}"
        if self.marks:
            shares = ", ".join(f"{share:.1%}" for _, share in self.marks)
            words += f"; of the samples kept aside, after each pass: {shares}"
        return words + (f". The goal is {self.goal:.0%}" if self.goal is not None else "")

    def _line(self, values: list[float]) -> tuple[np.ndarray, np.ndarray]:
        """Return places and heights of a line: the means of equal groups, so that noise does not hide it."""
        size = max(1, math.ceil(self._total() / MOST))
        whole = numbers(values)
        groups = [whole[i : i + size] for i in range(0, len(whole), size)]
        ends = [min((i + 1) * size, len(whole)) for i in range(len(groups))]
        return self._across(np.array(ends)), np.array([group.mean() for group in groups])

    def _total(self) -> int:
        return max(self.passes * self.steps, len(self.losses))

    def _across(self, step):
        return LEFT + (RIGHT - LEFT) * step / self._total()

    def _mark(self, step: int, share: float, place, low: float) -> str:
        x, y = self._across(step), place(max(share, low))
        return f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'

    def _svg(self, title: str, words: str, ticks, inside: str) -> str:
        rows = "".join(
            f'<path class="grid" d="M{LEFT} {at:.1f}H{RIGHT}"/>'
            f'<text class="small end" x="{LEFT - 6}" y="{at + 4:.1f}">{label}</text>'
            for at, label in ticks
        )
        every = math.ceil(self.passes / 8)
        columns = "".join(
            f'<text class="small mid" x="{self._across(number * self.steps):.1f}" y="{BOTTOM + 18}">{number}</text>'
            for number in range(every, self.passes + 1, every)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}"><title>{title}</title><style>{STYLE}{LOOK}</style>{rows}{columns}'
            f'<text class="small" x="2" y="{BOTTOM + 18}">pass</text><text x="2" y="15">{words}</text>{inside}</svg>'
        )


def _scale(low: float, high: float):
    """Return a function from values between low and high to heights in the picture, which grow downward."""
    return lambda value: BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)


def _path(x: np.ndarray, y: np.ndarray) -> str:
    if not len(x):
        return ""
    return (
        '<path class="curve" d="M'
        + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
        + '"/>'
    )
