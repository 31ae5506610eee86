"""Points of two kinds in a plane and what divides them, as an SVG that light and dark pages can show.

plane = Plane(points, targets)
plane.show(weights=(1, 1), bias=-1.5, words="pass 3: 4 of 4 right")
plane.show_units(hidden.weight, hidden.bias, answer, words="step 40: loss 0.31")
"""

from __future__ import annotations

import html

import numpy as np

from .live import Picture
from .palette import style

SIZE, EDGE, FINE = 230, 22, 46
STYLE = style(
    "text{font:15px system-ui,sans-serif;fill:$words}.frame{fill:none;stroke:$edge}.side{fill:$blue;opacity:.14}"
    ".line{stroke:$blue;stroke-width:2.5}.unit{stroke:$green;stroke-width:2;stroke-dasharray:7 4}.one{fill:$blue;stroke:$page}"
    ".zero{fill:$page;stroke:$orange;stroke-width:2.5}.wrong{fill:none;stroke:$red;stroke-width:2}"
)


def numbers(values) -> np.ndarray:
    """Return the numbers of a tensor, an array or lists as an array of float64."""
    data = getattr(values, "data", values)
    return np.asarray(data if isinstance(data, np.ndarray) else values, dtype=np.float64)


class Plane:
    """A square of the plane with points in it.

    points : (N, 2); targets : N times 0 or 1
    """

    def __init__(self, points, targets):
        self.points, self.targets = numbers(points), numbers(targets).reshape(-1)
        if self.points.ndim != 2 or self.points.shape[1] != 2 or len(self.targets) != len(self.points):
            raise ValueError(
                f"Plane: points have shape {self.points.shape} and targets {self.targets.shape}; "
                "needed are (N, 2) and N targets"
            )
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        self.reach = float((high - low).max()) / 2 * 1.5 or 1.0
        self.centre = (low + high) / 2
        self.picture = Picture()

    def show(self, weights, bias, words: str = "", seconds: float = 0.1) -> None:
        """Draw the line ``weights · x + bias = 0`` and show it for so many seconds."""
        weights, bias = numbers(weights).copy(), numbers(bias).copy()
        self.picture.show(lambda: self.svg(weights, bias, words), seconds)

    def svg(self, weights, bias, words: str = "") -> str:
        """Return the picture: filled points are to be on the shaded side, open ones off it; a ring marks one that is not."""
        weights, bias = numbers(weights).reshape(-1), float(numbers(bias).reshape(-1)[0])
        side, line = self._side_and_line(weights, bias)
        shapes = (f'<path class="side" d="{side}"/>' if side else "") + (
            f'<path class="line" d="{line}"/>' if line else ""
        )
        return self._drawn(shapes, self.points @ weights + bias > 0, "a line", words)

    def show_units(self, weights, biases, answer, words: str = "", seconds: float = 0.1) -> None:
        """Draw where ``answer`` is above 0.5, and the line of each hidden unit; show it for so many seconds.

        weights : (2, H) and biases : (H,) of the hidden units, whose lines are where weights · x + bias = 0
        answer : function that gives for points (N, 2) N numbers from 0 to 1; it is called when the picture is drawn
        """
        self.picture.show(lambda: self.units_svg(weights, biases, answer, words), seconds)

    def units_svg(self, weights, biases, answer, words: str = "") -> str:
        """Return the picture of ``show_units``: filled points are to be where it is shaded, a ring marks one that is not."""
        weights, biases = numbers(weights).reshape(2, -1), numbers(biases).reshape(-1)
        lines = (self._side_and_line(*unit)[1] for unit in zip(weights.T, biases, strict=True))
        shapes = self._shade(answer) + "".join(f'<path class="unit" d="{line}"/>' for line in lines if line)
        fires = numbers(answer(self.points)).reshape(-1) > 0.5
        return self._drawn(shapes, fires, f"the lines of {len(biases)} hidden units", words)

    def _shade(self, answer) -> str:
        """Return the shaded part: in each row of a fine grid, the stretches in which the answer is above 0.5."""
        places = (np.arange(FINE) + 0.5) / FINE
        x, y = np.meshgrid(places, 1 - places)
        points = self.centre + (np.dstack([x, y]).reshape(-1, 2) - 0.5) * 2 * self.reach
        fires = numbers(answer(points)).reshape(FINE, FINE) > 0.5
        cell, path = SIZE / FINE, []
        for row, inside in enumerate(np.pad(fires, ((0, 0), (1, 1)))):
            edges = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2)
            path += [
                f"M{EDGE + a * cell:g} {EDGE + row * cell:g}h{(b - a) * cell:g}v{cell:g}h{(a - b) * cell:g}z"
                for a, b in edges
            ]
        return f'<path class="side" d="{"".join(path)}"/>' if path else ""

    def _drawn(self, shapes: str, fires: np.ndarray, what: str, words: str) -> str:
        """Return the SVG: the shapes below, the points above, the words over the frame."""
        wrong = fires != (self.targets > 0.5)
        title = (
            f"{words + '. ' if words else ''}{len(self.points)} points and {what}; {int(wrong.sum())} on the wrong side"
        )
        parts = [shapes, f'<rect class="frame" x="{EDGE}" y="{EDGE}" width="{SIZE}" height="{SIZE}"/>']
        parts += [self._point(*row) for row in zip(self._placed(self.points), self.targets > 0.5, wrong, strict=True)]
        if words:
            parts.append(f'<text x="{EDGE}" y="15">{html.escape(words)}</text>')
        whole = SIZE + 2 * EDGE
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{SIZE + EDGE + 8}" '
            f'viewBox="0 0 {whole} {SIZE + EDGE + 8}"><title>{html.escape(title)}</title><style>{STYLE}</style>{"".join(parts)}</svg>'
        )

    def _placed(self, points: np.ndarray) -> np.ndarray:
        """Return points in the picture's own units; y grows downward there."""
        share = (points - self.centre) / (2 * self.reach) * [1, -1] + 0.5
        return EDGE + share * SIZE

    def _point(self, place, filled: bool, wrong: bool) -> str:
        x, y = place.round(1)
        radius = 7 if len(self.points) <= 20 else 3
        ring = f'<circle class="wrong" cx="{x}" cy="{y}" r="{radius + 5}"/>' if wrong else ""
        return f'<circle class="{"one" if filled else "zero"}" cx="{x}" cy="{y}" r="{radius}"/>{ring}'

    def _side_and_line(self, weights: np.ndarray, bias: float) -> tuple[str, str]:
        """Return the paths of the side that fires and of the line, cut off at the frame; empty while there is none."""
        r = self.reach
        corners = self.centre + np.array([[-r, -r], [r, -r], [r, r], [-r, r]])
        heights = corners @ weights + bias
        if not np.isfinite(heights).all():
            return "", ""
        inside, crossings = [], []
        for i in range(4):
            a, b, ha, hb = corners[i], corners[(i + 1) % 4], heights[i], heights[(i + 1) % 4]
            if ha > 0:
                inside.append(a)
            if (ha > 0) != (hb > 0):
                cut = a + (b - a) * (ha / (ha - hb))
                inside.append(cut)
                crossings.append(cut)
        return self._path(inside) + "Z" if inside else "", self._path(crossings) if crossings else ""

    def _path(self, points) -> str:
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in self._placed(np.array(points)))
