"""Runs of one or a few programs, one dot each, in the order in which they were measured.

    Runs({"relu": seconds})                  as the last line of a cell it is drawn; in a terminal it is told in words
    Runs({"a": first, "b": second})          several, each with its own kind of dot and its median as a line

The height of a dot is the time of that run. The scale begins at 0, so that a height that is twice another is twice
the time. Runs that took more than three times as long as usual stand at the upper edge, and it is said how many.
"""

from __future__ import annotations

import html
import math

import numpy as np

from .drawing import numbers
from .live import as_image
from .palette import style

WIDTH, TALL, LINE = 480, 250, 20  # TALL: what lies below the names, which take a line each
LEFT, RIGHT, FOOT = 56, 472, 34
MOST, SERIES = 1000, 3  # runs of one program and programs: more cannot be told apart
UNITS = ((1.0, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns"))
LOOK = style(
    "text{font:15px system-ui,sans-serif;fill:$words}.end{text-anchor:end}.mid{text-anchor:middle}"
    ".grid{stroke:$edge;stroke-opacity:.35}.dot0{fill:$blue}.dot1{fill:$page;stroke:$orange;stroke-width:1.8}"
    ".dot2{fill:$green}.line0{stroke:$blue}.line1{stroke:$orange;stroke-dasharray:7 4}.line2{stroke:$green;stroke-dasharray:2 3}"
    ".median{stroke-width:1.6;fill:none}"
)


class Runs:
    """The times of runs, as they were when they were given.

    runs : dict of a name and seconds in the order of measuring; what has `samples`, such as a BenchmarkResult, gives those

    Raises ValueError for no runs, more than can be told apart, or times that are negative or not finite.
    """

    def __init__(self, runs):
        self.runs = {str(name): numbers(getattr(times, "samples", times)).flatten() for name, times in runs.items()}
        if not 0 < len(self.runs) <= SERIES:
            raise ValueError(f"Runs: {len(self.runs)} programs; needed are 1 to {SERIES}")
        for name, times in self.runs.items():
            if not 0 < len(times) <= MOST:
                raise ValueError(f"Runs: {name} has {len(times)} runs; needed are 1 to {MOST}")
            if not (np.isfinite(times) & (times >= 0)).all():
                raise ValueError(f"Runs: {name} has times that are negative, NaN or infinite")
        every = np.concatenate(list(self.runs.values()))
        self.top = reach(every)
        self.upper = LINE * len(self.runs) + 14  # where the scale ends in the picture, and where it begins
        self.lower = self.upper + TALL - FOOT
        self.factor, self.unit = unit_for(self.top)

    def __repr__(self) -> str:
        return self.words()

    def _repr_html_(self) -> str:
        return as_image(self.svg())

    def words(self) -> str:
        """Return what the picture shows, in words."""
        return ". ".join(
            f"{name}: {len(times)} runs, the fastest {self.say(times.min())}, half of them below "
            f"{self.say(np.median(times))}, the slowest {self.say(times.max())}{self.beyond(times)}"
            for name, times in self.runs.items()
        )

    def beyond(self, times: np.ndarray) -> str:
        """Return how many runs stand at the upper edge, in words."""
        count = np.count_nonzero(times > self.top)
        return f", {count} of them beyond the edge of the picture" if count else ""

    def say(self, seconds: float) -> str:
        """Return a time in the picture's unit."""
        return f"{seconds * self.factor:.3g} {self.unit}"

    def svg(self) -> str:
        """Return the picture."""
        height = self.lower + FOOT
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
            f"<title>{html.escape(self.words())}</title><style>{LOOK}</style>{self._scale()}{self._names()}"
            f"{''.join(self._dots(number) for number in range(len(self.runs)))}</svg>"
        )

    def _scale(self) -> str:
        step = nice(self.top * self.factor / 4)
        parts = []
        for line in range(math.floor(self.top * self.factor / step + 1e-9) + 1):
            y = self._height(line * step / self.factor)
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>')
            parts.append(f'<text class="end" x="{LEFT - 8}" y="{y + 5:.1f}">{line * step:.4g}</text>')
        longest = max(map(len, self.runs.values()))
        parts.append(
            f'<text x="2" y="{LINE - 4}">{self.unit}</text><text x="{LEFT}" y="{self.lower + 24}">run 1</text>'
        )
        parts.append(f'<text class="end" x="{RIGHT}" y="{self.lower + 24}">run {longest}</text>')
        return "".join(parts)

    def _names(self) -> str:
        parts = []
        for number, (name, times) in enumerate(self.runs.items()):
            y = LINE * (number + 1) - 4
            parts.append(f'<circle class="dot{number}" cx="{LEFT + 6}" cy="{y - 5}" r="4"/>')
            count = np.count_nonzero(times > self.top)
            words = f"{name}, median {self.say(np.median(times))}" + (f", {count} beyond the edge" if count else "")
            parts.append(f'<text x="{LEFT + 16}" y="{y}">{html.escape(words)}</text>')
        return "".join(parts)

    def _dots(self, number: int) -> str:
        times = list(self.runs.values())[number]
        longest = max(map(len, self.runs.values()))
        size = 3 if longest <= 150 else 2
        y = self._height(np.median(times))
        parts = [f'<path class="median line{number}" d="M{LEFT} {y:.1f}H{RIGHT}"/>']
        for run, seconds in enumerate(times.tolist()):
            x = LEFT + 6 + (RIGHT - LEFT - 12) * run / max(1, longest - 1)
            parts.append(f'<circle class="dot{number}" cx="{x:.1f}" cy="{self._height(seconds):.1f}" r="{size}"/>')
        return "".join(parts)

    def _height(self, seconds: float) -> float:
        return self.lower - (self.lower - self.upper) * min(float(seconds), self.top) / self.top


def reach(times: np.ndarray) -> float:
    """Return up to where the picture goes: the largest time, but at most three times the median.

    >>> reach(np.array([1.0, 2.0])), reach(np.array([1.0] * 39 + [50.0]))
    (2.0, 3.0)
    """
    most = float(times.max())
    usual = 3 * float(np.median(times))
    return min(most, usual) if usual > 0 else most or 1e-9


def unit_for(seconds: float) -> tuple[float, str]:
    """Return the unit in which a time is at least 1, as (how many of it a second has, name).

    >>> unit_for(0.02), unit_for(3.0)
    ((1000.0, 'ms'), (1.0, 's'))
    """
    return next((pair for pair in UNITS if seconds * pair[0] >= 1), UNITS[-1])


def nice(step: float) -> float:
    """Return the nearest of 1, 2, 5, 10, 20, … that is not below `step`.

    >>> [nice(step) for step in (0.3, 1.5, 20, 60)]
    [0.5, 2.0, 20.0, 100.0]
    """
    size = 10.0 ** math.floor(math.log10(step))
    return next(round(many * size, 12) for many in (1.0, 2.0, 5.0, 10.0) if many * size >= step * (1 - 1e-9))
