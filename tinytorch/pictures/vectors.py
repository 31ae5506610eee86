"""Pictures of tables of vectors: the rows as points of a plane, or every number as a square of a sheet.

    Map(table, names, links)       rows that are near each other are near in the plane, as far as a plane allows
    Sheet(table)                   blue where a number is positive, orange where it is negative

As the last line of a cell they are drawn; in a terminal they are told in words.
"""

from __future__ import annotations

import html
import itertools

import numpy as np

from .drawing import numbers
from .live import as_image
from .palette import style

SIDE, EDGE, LINE, LETTER = 400, 26, 15, 7.2  # of a map; the height of a label's line, the width of a letter
CELL, LEFT, TOP, MOST = 8, 34, 26, 4096  # of a sheet; MOST numbers can still be told apart
LEVELS = 5
STYLE = style(
    "text{font:13px system-ui,sans-serif;fill:$words}.dot{fill:$blue;stroke:$page}.link{stroke:$edge;stroke-width:1.2}"
    ".lead{stroke:$edge;stroke-width:.7;stroke-dasharray:1 2}.frame{fill:none;stroke:$edge}"
    ".over{fill:$blue}.under{fill:$orange}.end{text-anchor:end}"
)


class Map:
    """The rows of a table as points in a plane, each with its name.

    The plane is that of the two directions in which the rows are spread most.

    table : (N, D) with D at least 2; names : N texts; links : pairs of rows to be joined by a line
    """

    def __init__(self, table, names, links=()):
        rows, self.names, self.links = numbers(table), [str(name) for name in names], [tuple(pair) for pair in links]
        if rows.ndim != 2 or rows.shape[1] < 2 or len(rows) != len(self.names) or not len(rows):
            raise ValueError(
                f"Map: the table has shape {rows.shape} and there are {len(self.names)} names; "
                "needed are (N, D) with D at least 2, and N names"
            )
        if not np.isfinite(rows).all():
            raise ValueError("Map: the table holds NaN or infinity, which have no place in a plane")
        if any(not 0 <= row < len(rows) for pair in self.links for row in pair):
            raise ValueError(f"Map: a link names a row that is not there; rows go from 0 to {len(rows) - 1}")
        self.points = flattened(rows)

    def __repr__(self):
        return self.words()

    def _repr_html_(self) -> str:
        return as_image(self.svg())

    def words(self) -> str:
        """Return what the picture shows, in words."""
        joined = "; ".join(f"{self.names[a]} and {self.names[b]}" for a, b in self.links)
        return f"Map of {len(self.names)} rows. " + (f"Joined by a line: {joined}" if joined else ", ".join(self.names))

    def svg(self) -> str:
        """Return the picture."""
        places, labels = self._places(), self._labels()
        parts = [
            '<path class="link" d="M{:.0f} {:.0f}L{:.0f} {:.0f}"/>'.format(*places[a], *places[b])
            for a, b in self.links
        ]
        for (x, y), (at, line) in zip(places.tolist(), labels, strict=True):
            if abs(line - y) > LINE / 2:
                parts.append(f'<path class="lead" d="M{x:.0f} {y:.0f}L{at:.0f} {line:.0f}"/>')
        for name, (x, y), (at, line) in zip(self.names, places.tolist(), labels, strict=True):
            parts.append(f'<circle class="dot" cx="{x:.0f}" cy="{y:.0f}" r="4"/>')
            parts.append(f'<text x="{at:.0f}" y="{line + 4:.0f}">{html.escape(name)}</text>')
        frame = f'<rect class="frame" x="1" y="1" width="{SIDE - 2}" height="{SIDE - 2}"/>'
        return picture(SIDE, SIDE, self.words(), frame + "".join(parts))

    def _places(self) -> np.ndarray:
        """Return the points in the picture's own units; y grows downward there."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        share = (self.points - low) / np.where(high > low, high - low, 1) * [1, -1] + [0, 1]
        room = max(map(len, self.names)) * LETTER
        return EDGE + share * [SIDE - 2 * EDGE - room, SIDE - 2 * EDGE]

    def _labels(self) -> list[tuple[float, float]]:
        """Return the place of each name: beside its point, or as near above or below as others leave room."""
        places = self._places()
        taken, dots = [(x - 5, x + 5, y) for x, y in places.tolist()], len(places)
        for name, (x, y) in zip(self.names, places.tolist(), strict=True):
            x, end = x + 8, x + 8 + len(name) * LETTER
            steps = sorted(np.arange(-len(places), len(places) + 1).tolist(), key=abs)
            lines = [y + step * LINE / 2 for step in steps if LINE <= y + step * LINE / 2 <= SIDE - LINE / 2]
            y = next((line for line in lines if not covers(taken, x, end, line)), y)
            taken.append((x, end, y))
        return [(x, y) for x, _, y in taken[dots:]]


def covers(taken, start: float, end: float, line: float) -> bool:
    """Tell whether a name written there would touch one of those that have their place.

    >>> covers([(0, 30, 100)], 20, 50, 108), covers([(0, 30, 100)], 20, 50, 116)
    (True, False)
    """
    return any(start < right and left < end and abs(line - at) < LINE for left, right, at in taken)


def flattened(rows: np.ndarray) -> np.ndarray:
    """Return rows (N, D) as points (N, 2), seen along the two directions in which they are spread most.

    >>> flattened(np.array([[0.0, 0, 5], [3, 0, 5], [0, 1, 5], [3, 1, 5]])).round(3).tolist()
    [[-1.5, -0.5], [1.5, -0.5], [-1.5, 0.5], [1.5, 0.5]]
    """
    centred = rows - rows.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2]
    if len(directions) < 2:  # a single row
        return np.zeros((len(rows), 2))
    largest = np.abs(directions).argmax(axis=1)[:, None]
    turned = directions * np.sign(np.take_along_axis(directions, largest, axis=1))  # else a picture may come mirrored
    return centred @ turned[:2].T


class Sheet:
    """Every number of a table as a square, a row of it below the other; the stronger the larger.

    table : (N, D); across, down : what columns and rows are called
    """

    def __init__(self, table, across: str = "column", down: str = "row"):
        self.table, self.across, self.down = numbers(table), across, down
        if self.table.ndim != 2 or not 0 < self.table.size <= MOST:
            raise ValueError(
                f"Sheet: the table has shape {self.table.shape}; needed is (N, D) with 1 to {MOST} numbers"
            )
        if not np.isfinite(self.table).all():
            raise ValueError("Sheet: the table holds NaN or infinity")

    def __repr__(self):
        return self.words()

    def _repr_html_(self) -> str:
        return as_image(self.svg())

    def words(self) -> str:
        """Return what the picture shows, in words."""
        N, D = self.table.shape
        low, high = self.table.min(), self.table.max()
        return f"Sheet of numbers from {low:.2f} to {high:.2f}: {N} times {self.down} downward, {D} times {self.across} across"

    def svg(self) -> str:
        """Return the picture: of each sign and strength one path of horizontal strokes."""
        N, D = self.table.shape
        most = np.abs(self.table).max() or 1.0
        strength = np.rint(self.table / most * LEVELS).astype(int)
        paths: dict[int, list[str]] = {}
        for y, row in enumerate(strength):
            edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), D]
            for start, end in itertools.pairwise(edges):
                if row[start]:
                    paths.setdefault(int(row[start]), []).append(f"M{start} {y}h{end - start}v1h-{end - start}z")
        squares = "".join(
            f'<path class="{"over" if level > 0 else "under"}" opacity="{abs(level) / LEVELS:.1f}" d="{"".join(runs)}"/>'
            for level, runs in sorted(paths.items())
        )
        width, height = LEFT + D * CELL + 6, TOP + N * CELL + 6
        inside = (
            f'<text x="{LEFT}" y="{TOP - 10}">{html.escape(self.across)} 0 to {D - 1}</text>'
            f'<text transform="translate({LEFT - 10} {TOP + N * CELL}) rotate(-90)">{html.escape(self.down)} {N - 1} to 0</text>'
            f'<g transform="translate({LEFT} {TOP}) scale({CELL})">{squares}</g>'
            f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{D * CELL}" height="{N * CELL}"/>'
        )
        return picture(max(width, 160), max(height, 120), self.words(), inside)


def picture(width: int, height: int, title: str, inside: str) -> str:
    """Return an SVG of this size, with its title and the style of this module."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>{inside}</svg>"
    )
