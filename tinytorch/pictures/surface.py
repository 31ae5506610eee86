"""The heights of a surface as contour lines, and paths that lead down it, as an SVG for light and dark pages.

surface = Surface(lambda x, y: x * x + 5 * y * y, x=(-4, 4), y=(-2, 2))
surface.show({"SGD": [(3, 1), (2, -0.5)]}, words="step 1")
"""

from __future__ import annotations

import html

import numpy as np

from .drawing import numbers
from .live import Picture
from .palette import style

WIDTH, EDGE, ROW = 440, 10, 22
GRID, LEVELS = 60, 10
DASHES = ("", "7 4", "2 4")
STYLE = style(
    "text{font:15px system-ui,sans-serif;fill:$words}.frame{fill:none;stroke:$edge}.level{fill:none;stroke:$edge;opacity:.6}"
    "path,circle{stroke-linejoin:round}.path{fill:none;stroke-width:2}.p0{stroke:$blue}.p1{stroke:$orange}.p2{stroke:$green}"
    "circle.p0{fill:$blue}circle.p1{fill:$orange}circle.p2{fill:$green}"
)


class Surface:
    """A piece of a surface seen from above.

    height : function of two arrays (x, y) that gives the heights; x, y : the smallest and largest value of each that is shown
    """

    def __init__(self, height, x, y):
        self.height, self.low, self.high = height, numbers((x[0], y[0])), numbers((x[1], y[1]))
        if not (self.high > self.low).all():
            raise ValueError(f"Surface: x is {x} and y is {y}; each must be a pair, the smaller value first")
        across, up = self.high - self.low
        self.tall = round(WIDTH * min(1.0, up / across))
        self.rings = self._rings()
        self.picture = Picture()

    def show(self, paths, words: str = "", seconds: float = 0.06) -> None:
        """Draw the paths, each a list of points (x, y) under its name, and show them for so many seconds."""
        kept = {name: numbers(points).reshape(-1, 2).copy() for name, points in paths.items()}
        self.picture.show(lambda: self.svg(kept, words), seconds)

    def svg(self, paths, words: str = "") -> str:
        """Return the picture: contour lines, the paths with a dot where each is, and a row of text for each."""
        rows, lines, dots = [], [], []
        for number, (name, points) in enumerate(paths.items()):
            points = numbers(points).reshape(-1, 2)
            rows.append(f"{name}: {len(points) - 1} steps, height {float(self.height(*points[-1])):.3g}")
            lines.append(self._path(number % len(DASHES), points))
            dots.append(self._row(number, rows[-1]))
        title = f"Contour lines of a surface and {len(paths)} paths on it. {'. '.join([words] * bool(words) + rows)}"
        wide, tall = WIDTH + 2 * EDGE, ROW + self.tall + ROW * len(paths) + EDGE
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}" viewBox="{-EDGE} {-ROW} {wide} {tall}">'
            f'<title>{html.escape(title)}</title><style>{STYLE}</style><text x="0" y="-7">{html.escape(words)}</text>'
            f'<clipPath id="inside"><rect width="{WIDTH}" height="{self.tall}"/></clipPath><g clip-path="url(#inside)">'
            f'<path class="level" d="{self.rings}"/>{"".join(lines)}</g>'
            f'<rect class="frame" width="{WIDTH}" height="{self.tall}"/>{"".join(dots)}</svg>'
        )

    def _path(self, number: int, points: np.ndarray) -> str:
        """Return one path and the dot at its end; what is not finite or far outside ends it."""
        places = self._placed(points)
        fine = (np.abs(places) < 1e5).all(axis=1)
        places = places[: len(places) if fine.all() else int(fine.argmin())]
        if not len(places):
            return ""
        line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        x, y = places[-1].round(1)
        dash = f' stroke-dasharray="{DASHES[number]}"' if DASHES[number] else ""
        return f'<path class="path p{number}"{dash} d="{line}"/><circle class="p{number}" cx="{x}" cy="{y}" r="4.5"/>'

    def _row(self, number: int, words: str) -> str:
        """Return the row of text that says which path it is and where it has come."""
        kind, y = number % len(DASHES), self.tall + ROW * (number + 1)
        dash = f' stroke-dasharray="{DASHES[kind]}"' if DASHES[kind] else ""
        return f'<path class="path p{kind}"{dash} d="M0 {y - 5}h34"/><text x="44" y="{y}">{html.escape(words)}</text>'

    def _placed(self, points: np.ndarray) -> np.ndarray:
        """Return points in the picture's own units; y grows downward there."""
        share = (points - self.low) / (self.high - self.low) * [1, -1] + [0, 1]
        return share * [WIDTH, self.tall]

    def _rings(self) -> str:
        """Return the contour lines: in each cell of a grid, the straight piece along which a height is met.

        The heights grow as squares, so that the lines of a bowl lie at equal distances.
        """
        x, y = np.meshgrid(*(np.linspace(self.low[i], self.high[i], GRID) for i in range(2)))
        z = np.broadcast_to(numbers(self.height(x, y)), x.shape)
        corners = np.dstack([*np.moveaxis(self._placed(np.dstack([x, y])), -1, 0), z])
        cells = np.stack([corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], axis=2).reshape(
            -1, 4, 3
        )
        low, high = z.min(), z.max()
        levels = [low + (high - low) * (k / LEVELS) ** 2 for k in range(1, LEVELS)]
        return "".join(_pieces(cells, level) for level in levels)


def _pieces(cells: np.ndarray, level: float) -> str:
    """Return the pieces of one contour line. cells : (C, 4, 3), four corners x, y, z in a round."""
    above = cells[:, :, 2] > level
    pieces = []
    for corners, over in zip(cells[above.any(1) & ~above.all(1)], above[above.any(1) & ~above.all(1)], strict=True):
        cuts = []
        for i in range(4):
            a, b = corners[i], corners[(i + 1) % 4]
            if over[i] != over[(i + 1) % 4]:
                cuts.append(a + (b - a) * ((level - a[2]) / (b[2] - a[2])))
        pieces += [(cuts[i], cuts[i + 1]) for i in range(0, len(cuts), 2)]
    return "".join(f"M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}" for a, b in pieces)
