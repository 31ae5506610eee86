"""Under the roof: what a machine can reach at most, and what pieces of work did reach.

    from tinytorch.pictures.roofs import Roofs
    Roofs(peaks, profile.rows)               # this machine's roof, a numbered point for each row that moved bytes
    Roofs(peaks, rows, MACHINES)             # with the roofs of other machines beside it
    print(Roofs(peaks, rows))                # the same as text

To the right: FLOPs for each byte. Upward: FLOPs a second. Both grow by factors, so a line on which bandwidth is the
limit rises by one factor with the other. The roof is that line up to the ridge, and level from there on.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

from tinytorch.perf.profiling import Row
from tinytorch.perf.roofline import Machine, Peaks, roofline

from .live import as_image
from .palette import style

LEFT, RIGHT, TOP, WIDTH, HEIGHT, LINE = 64, 22, 14, 400, 250, 19
MOST = 12  # points that can be told apart
STYLE = style(
    "text{font:14px system-ui,sans-serif;fill:$words}.axis{fill:none;stroke:$edge}.grid{stroke:$edge;stroke-width:.4}"
    ".roof{fill:none;stroke:$blue;stroke-width:2.5}.other{fill:none;stroke:$edge;stroke-width:1.2;stroke-dasharray:5 4}"
    ".dot{fill:$orange;stroke:$page}.mark{text-anchor:middle;paint-order:stroke;stroke:$page;stroke-width:3px}.end{text-anchor:end}.name{font-size:12px;fill:$soft;text-anchor:end;paint-order:stroke;stroke:$page;stroke-width:3px}"
)


class Roofs:
    """A machine's roof with points under it.

    peaks : Peaks of this machine
    rows : rows of a profile; those without bytes or time have no place
    machines : recorded Machines, drawn as broken lines

    Raises ValueError for more than 12 points.
    """

    def __init__(self, peaks: Peaks, rows: Iterable[Row] = (), machines: Sequence[Machine] = ()):
        self.peaks, self.machines = peaks, tuple(machines)
        self.rows = [row for row in rows if row.bytes > 0 and row.flops > 0 and row.seconds > 0]
        if len(self.rows) > MOST:
            raise ValueError(
                f"Roofs: {len(self.rows)} points; at most {MOST} can be told apart, so give the slowest rows"
            )

    def lines(self) -> list[str]:
        """Return a line of words for each point: what it reached, and what the roof allows."""
        said = []
        for number, row in enumerate(self.rows, 1):
            place = roofline(row.flops, row.bytes, self.peaks.flops, self.peaks.bandwidth)
            reached = row.flops / row.seconds
            said.append(
                f"{number}: {row.kind}, {row.name}: {row.intensity:.1f} FLOP/byte, {si(reached)}FLOP/s, "
                f"{reached / place.attainable:.0%} of what {place.bound} allows"
            )
        return said

    def names(self) -> list[str]:
        """Return what each number stands for, short enough for the picture."""
        said = [line.split(":") for line in self.lines()]
        return [f"{number}:{name},{last.rpartition(',')[2]}" for number, name, last in said]

    def __repr__(self) -> str:
        return "\n".join([self.roof(), *self.lines()])

    def roof(self) -> str:
        """Return the roof in words."""
        ridge = self.peaks.flops / self.peaks.bandwidth
        return f"peak {si(self.peaks.flops)}FLOP/s, {si(self.peaks.bandwidth)}B/s, ridge at {ridge:.1f} FLOP a byte"

    def words(self) -> str:
        """Return what the picture shows, in words."""
        others = [f"{each.name}: {si(each.flops)}FLOP/s, {si(each.bandwidth)}B/s" for each in self.machines]
        return "Roofline. " + ". ".join([f"This machine: {self.roof()}", *self.lines(), *others])

    def _repr_html_(self) -> str:
        return as_image(self.svg())

    def svg(self) -> str:
        """Return the picture."""
        reached = [row.flops / row.seconds for row in self.rows]
        intensities = [row.intensity for row in self.rows] + [self.peaks.flops / self.peaks.bandwidth]
        self.x = span(min([0.1, *intensities]), max([300, *intensities]))
        highest = [self.peaks.flops, *(each.flops for each in self.machines), *reached]
        lowest = [self.peaks.bandwidth * 10 ** self.x[0], *reached]
        self.y = span(max(min(lowest), max(highest) / 1e8), max(highest))
        parts = [*self._axes(), *(self._other(each) for each in self.machines)]
        parts.append(f'<path class="roof" d="{self._line(self.peaks.flops, self.peaks.bandwidth)}"/>')
        for number, row in enumerate(self.rows, 1):
            x, y = self._place(row.intensity, row.flops / row.seconds)
            parts.append(f'<circle class="dot" cx="{x:.0f}" cy="{y:.0f}" r="5"/>')
            parts.append(f'<text class="mark" x="{x:.0f}" y="{y - 9:.0f}">{number}</text>')
        below = TOP + HEIGHT + 58
        parts += [
            f'<text x="4" y="{below + i * LINE}">{html.escape(line)}</text>' for i, line in enumerate(self.names())
        ]
        width, height = LEFT + WIDTH + RIGHT, below + len(self.rows) * LINE
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            f"<title>{html.escape(self.words())}</title><style>{STYLE}</style>{''.join(parts)}</svg>"
        )

    def _place(self, intensity: float, flops: float) -> tuple[float, float]:
        """Return the point of the picture for so many FLOPs a byte and a second."""
        (left, right), (low, high) = self.x, self.y
        x = (math.log10(intensity) - left) / (right - left)
        y = (math.log10(flops) - low) / (high - low)
        return LEFT + x * WIDTH, TOP + (1 - y) * HEIGHT

    def _line(self, flops: float, bandwidth: float) -> str:
        """Return the path of a roof: up to the ridge, then level; what lies below the picture is cut off."""
        start = max(self.x[0], self.y[0] - math.log10(bandwidth))
        ridge, end = math.log10(flops / bandwidth), self.x[1]
        points = [(start, bandwidth * 10**start), (ridge, flops), (end, flops)] if start < ridge < end else []
        return "M" + "L".join("{:.0f} {:.0f}".format(*self._place(10**x, y)) for x, y in points)

    def _other(self, machine: Machine) -> str:
        x, y = self._place(10 ** self.x[1], machine.flops)
        crowded = any(1 < each.flops / machine.flops < 3 for each in self.machines)  # its name goes below the line
        y += 17 if crowded else 0
        path = f'<path class="other" d="{self._line(machine.flops, machine.bandwidth)}"/>'
        return path + f'<text class="name" x="{x - 4:.0f}" y="{y - 4:.0f}">{html.escape(machine.name)}</text>'

    def _axes(self) -> Iterable[str]:
        (left, right), (low, high) = self.x, self.y
        for power in range(left, right + 1):
            x = LEFT + (power - left) / (right - left) * WIDTH
            yield f'<path class="grid" d="M{x:.0f} {TOP}v{HEIGHT}"/><text class="mark" x="{x:.0f}" y="{TOP + HEIGHT + 18}">{10.0**power:g}</text>'
        for power in range(low, high + 1):
            y = TOP + HEIGHT - (power - low) / (high - low) * HEIGHT
            yield f'<path class="grid" d="M{LEFT} {y:.0f}h{WIDTH}"/><text class="end" x="{LEFT - 6}" y="{y + 5:.0f}">{si(10.0**power)}</text>'
        yield f'<path class="axis" d="M{LEFT} {TOP}v{HEIGHT}h{WIDTH}"/>'
        yield f'<text x="{LEFT}" y="{TOP + HEIGHT + 36}">FLOPs a byte, to the right; FLOPs a second, upward</text>'


def span(low: float, high: float) -> tuple[int, int]:
    """Return the powers of ten that enclose two numbers.

    >>> span(0.1, 300)
    (-1, 3)
    """
    return math.floor(math.log10(low)), max(math.ceil(math.log10(high)), math.floor(math.log10(low)) + 1)


def si(amount: float) -> str:
    """Return a large number with the letter of its thousands.

    >>> si(19.5e12), si(34.1e9), si(512)
    ('19.5 T', '34.1 G', '512 ')
    """
    for factor, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= factor:
            return f"{amount / factor:.3g} {letter}"
    return f"{amount:.3g} "
