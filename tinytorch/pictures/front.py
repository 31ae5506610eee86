"""Runs as points of size and accuracy, with the front of those that no other beats.

    front = runs("mlp", times=10, points=2)       the same one in every cell of a session
    front.add("as it was", 407_080, 0.965)        the first is what the others are compared with
    front.add("half the neurons", 203_560, 0.957)

As the last line of a cell it is drawn; in a terminal it is told in words. Which runs are on the front the reader's
own `on_front` of chapter 16 says. Shaded is the goal: so many times smaller than the first, at no more than so many
points of accuracy less.
"""

from __future__ import annotations

import html
import math

from .live import as_image
from .palette import style

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, LINE = 420, 280, 58, 14, 16, 44, 19
MOST, DEEPEST = 30, 0.25  # runs that are kept; how far below the best the scale goes
STYLE = style(
    "text{font:14px system-ui,sans-serif;fill:$words}.small{font-size:12px;fill:$soft}.frame{fill:none;stroke:$edge}"
    ".grid{stroke:$edge;stroke-width:.5;stroke-dasharray:2 4}.goal{fill:$green;opacity:.16}.front{fill:none;stroke:$blue;stroke-width:2}"
    ".on{fill:$blue;stroke:$page}.off{fill:$page;stroke:$soft;stroke-width:1.5}.onword{fill:$page;font-size:12px}"
    ".offword{fill:$words;font-size:12px}.middle{text-anchor:middle}.end{text-anchor:end}"
)
_kept: dict[str, Front] = {}


def runs(name: str, times: float = 10, points: float = 2) -> Front:
    """Return the front of this name, the same one as before in this session, with its goal."""
    return _kept.setdefault(name, Front(times, points))


class Front:
    """Runs, each with its size in bytes and its accuracy from 0 to 1; the first one is the start."""

    def __init__(self, times: float = 10, points: float = 2):
        self.times, self.points = times, points
        self.runs: dict[str, tuple[float, float]] = {}

    def add(self, name: str, size: float, accuracy: float) -> Front:
        """Add a run, in the place of an earlier one of this name, and return the front."""
        size, accuracy = float(size), float(accuracy)
        if not 0 < size < math.inf:
            raise ValueError(f"Front: the size of {name!r} is {size:g}; it must be a number of bytes above 0")
        if not 0 <= accuracy <= 1:
            raise ValueError(f"Front: the accuracy of {name!r} is {accuracy:g}; it must be from 0 to 1")
        self.runs[str(name)] = size, accuracy
        if len(self.runs) > MOST:
            del self.runs[list(self.runs)[1]]
        return self

    def on(self) -> list[str]:
        """Return the names of the runs that are on the front, the smallest first."""
        from tinytorch.perf import compression  # the reader's function, as it is now

        sizes, accuracies = zip(*self.runs.values(), strict=True)
        chosen = compression.on_front(sizes, accuracies)
        return sorted((name for name, on in zip(self.runs, chosen, strict=True) if on), key=self.runs.get)

    def goal(self) -> tuple[float, float]:
        """Return the most bytes and the least accuracy that the goal asks for."""
        size, accuracy = next(iter(self.runs.values()))
        return size / self.times, accuracy - self.points / 100

    def reached(self) -> list[str]:
        """Return the names of the runs that reach the goal, the smallest first."""
        most, least = self.goal()
        found = [name for name, (size, accuracy) in self.runs.items() if size <= most and accuracy >= least - 1e-12]
        return sorted(found, key=self.runs.get)

    def __repr__(self):
        return self.words()

    def _repr_html_(self) -> str:
        return as_image(self.svg())

    def words(self) -> str:
        """Return what the picture shows, in words."""
        if not self.runs:
            return "Front without runs"
        told = "; ".join(f"{name}: {kilobytes(self.runs[name][0])} {self.runs[name][1]:.1%}" for name in self.on())
        most, least = self.goal()
        reached = "; ".join(self.reached()) or "no run"
        return (
            f"Front of {len(self.runs)} runs, size and accuracy: {told}. "
            f"At most {kilobytes(most)} and at least {least:.1%}: {reached}"
        )

    def svg(self) -> str:
        """Return the picture, and below it each run with its number, size and accuracy."""
        height = HEIGHT + LINE * len(self.runs) + 8
        inside = self._inside() if self.runs else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
            f"<title>{html.escape(self.words())}</title><style>{STYLE}</style>{inside}</svg>"
        )

    def _inside(self) -> str:
        front, (most, least) = self.on(), self.goal()
        sizes, accuracies = zip(*self.runs.values(), strict=True)
        scale = Scale([*sizes, most], [*accuracies, least])
        x, y = scale.across(most), scale.down(least)
        parts = [f'<rect class="goal" x="{LEFT}" y="{TOP}" width="{x - LEFT:.1f}" height="{y - TOP:.1f}"/>']
        parts += [scale.frame()]
        steps = [(scale.across(size), scale.down(accuracy)) for size, accuracy in map(self.runs.get, front)]
        path = "".join(f"H{x:.1f}V{y:.1f}" for x, y in steps[1:])
        parts.append(f'<path class="front" d="M{steps[0][0]:.1f} {steps[0][1]:.1f}{path}"/>')
        for number, (name, (size, accuracy)) in enumerate(self.runs.items(), 1):
            mark, x, y = "on" if name in front else "off", scale.across(size), scale.down(accuracy)
            line = HEIGHT + LINE * number
            for at, down in ((x, y), (LEFT - 22, line - 5)):
                parts.append(f'<circle class="{mark}" cx="{at:.1f}" cy="{down:.1f}" r="9"/>')
                parts.append(f'<text class="{mark}word middle" x="{at:.1f}" y="{down + 4:.1f}">{number}</text>')
            below = "↓ " if accuracy < scale.low else ""  # drawn on the lower edge, and lies further down
            parts.append(f'<text x="{LEFT - 4}" y="{line}">{html.escape(name)}</text>')
            parts.append(f'<text class="end" x="{WIDTH - 74}" y="{line}">{kilobytes(size)}</text>')
            parts.append(f'<text class="end" x="{WIDTH - RIGHT}" y="{line}">{below}{accuracy:.1%}</text>')
        return "".join(parts)


class Scale:
    """Where a size and an accuracy lie in the picture: sizes by their logarithm, accuracies evenly."""

    def __init__(self, sizes, accuracies):
        best, worst = max(accuracies), min(accuracies)
        self.low, self.high = max(worst, best - DEEPEST) - 0.01, best + 0.01
        self.small, self.large = math.log(min(sizes) / 1.25), math.log(max(sizes) * 1.25)

    def across(self, size: float) -> float:
        """Return the place of a size, from left to right."""
        share = (math.log(size) - self.small) / (self.large - self.small)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def down(self, accuracy: float) -> float:
        """Return the place of an accuracy, from the top; what lies below the scale is put on its lower edge."""
        share = (self.high - max(accuracy, self.low)) / (self.high - self.low)
        return TOP + share * (HEIGHT - BOTTOM - TOP)

    def frame(self) -> str:
        """Return the frame, with a line and a word at round sizes and accuracies."""
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        parts = [f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}"/>']
        for size in round_sizes(math.exp(self.small), math.exp(self.large)):
            x = self.across(size)
            parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
            if LEFT + 18 < x < right - 12:  # the word must fit into the picture
                parts.append(f'<text class="small middle" x="{x:.1f}" y="{bottom + 17}">{kilobytes(size)}</text>')
        step = 0.01 if self.high - self.low < 0.07 else 0.02 if self.high - self.low < 0.15 else 0.05
        for number in range(math.ceil(self.low / step), math.floor(min(self.high, 1.0) / step + 1e-9) + 1):
            y = self.down(number * step)
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>')
            parts.append(f'<text class="small end" x="{LEFT - 6}" y="{y + 4:.1f}">{number * step:.0%}</text>')
        parts.append(f'<text class="small middle" x="{(LEFT + right) / 2:.0f}" y="{bottom + 35}">size</text>')
        return "".join(parts)


def round_sizes(low: float, high: float) -> list[float]:
    """Return the sizes 1, 2 and 5 times a power of ten from low to high.

    >>> round_sizes(900, 6_000)
    [1000.0, 2000.0, 5000.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [first * 10.0**power for power in powers for first in (1, 2, 5)]
    return [size for size in found if low <= size <= high]


def kilobytes(size: float) -> str:
    """Return a number of bytes as people read it.

    >>> kilobytes(407_080), kilobytes(5_120), kilobytes(512)
    ('407 kB', '5.1 kB', '512 B')
    """
    if size < 1000:
        return f"{size:.0f} B"
    return f"{size / 1e3:.1f} kB" if size < 10_000 else f"{size / 1e3:,.0f} kB"
