"""What a network for images sees, drawn from its tensors: images, kernels and feature maps, as small grey squares.

    edges = conv(images)
    Maps(image=images[0], edges=edges[0], kept=pool(edges)[0])

Each argument is a row of the picture under its own name: an array or tensor of shape (K, H, W), of which
each of the K maps is drawn, or (H, W) for a single one. In a row the strongest colour is its largest number
without the sign. Numbers above 0 are drawn in one colour, those below 0 in another; 0 is paper. As the last
line of a cell it is shown; `print` says it in words.
"""

from __future__ import annotations

import html
import itertools

import numpy as np

from .drawing import numbers
from .live import as_image
from .palette import style

WIDTH, MOST, LEVELS = 480, 32, 6
FAINT = 1e-6  # of the largest number; what is above has some colour, however little
TOLD = 4  # maps of a row that are described one by one
SIDES = (104, 70, 51)  # of a map, in units of the picture: for up to 4, up to 6, or more of them in a row
GAP, HEAD = 10, 24
STYLE = style(
    "text{font:14px system-ui,sans-serif;fill:$words}.paper{fill:$paper;stroke:$edge;stroke-width:.6}"
    "path{fill:none;stroke-width:1}.plus{stroke:$blue}.minus{stroke:$orange}.bad{stroke:$red}"
)


class Maps:
    """Rows of maps; the arrays are copied, so that the picture stays what it was."""

    def __init__(self, **rows):
        if not rows:
            raise ValueError("Maps: there is nothing to draw; pass at least one row: Maps(image=image)")
        self.rows = {name: stack(name, values) for name, values in rows.items()}

    def __repr__(self):
        lines = []
        for name, maps in self.rows.items():
            lines.append(f"{name}: {said(maps)}")
            lines += [f"  {number}: {where(one)}" for number, one in enumerate(maps)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return as_image(self.svg())

    def words(self) -> str:
        """Return what the picture shows, in words."""
        rows = []
        for name, maps in self.rows.items():
            each = [f"map {number} {where(one)}" for number, one in enumerate(maps)]
            told = each if len(maps) <= TOLD else [each[int(np.nan_to_num(maps).max(axis=(1, 2)).argmax())]]
            rows.append("; ".join([f"{name}: {said(maps)}", *told]))
        return ". ".join(rows)

    def svg(self) -> str:
        """Return the picture: one row of maps below the other, each with its name, its shape and its range."""
        parts, top = [], 0
        for name, maps in self.rows.items():
            parts.append(f'<text x="2" y="{top + 16}">{html.escape(name)}: {said(maps)}</text>')
            top += HEAD
            side = next((side for side, most in zip(SIDES, (4, 6), strict=False) if len(maps) <= most), SIDES[-1])
            columns = (WIDTH + GAP) // (side + GAP)
            scale = np.abs(maps[np.isfinite(maps)]).max(initial=0) or 1.0
            for number, one in enumerate(maps):
                x, y = number % columns * (side + GAP) + 2, top + number // columns * (side + GAP)
                parts.append(drawn(one / scale, x, y, side))
            top += -(-len(maps) // columns) * (side + GAP) + 4
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 4}" height="{top}" viewBox="0 0 {WIDTH + 4} {top}">'
            f"<title>{html.escape(self.words())}</title><style>{STYLE}</style>{''.join(parts)}</svg>"
        )


def stack(name: str, values) -> np.ndarray:
    """Return the maps of a row as an array (K, H, W), or raise ValueError where it can be no row."""
    maps = numbers(values).copy()
    maps = maps[None] if maps.ndim == 2 else maps
    if maps.ndim != 3 or maps.size == 0:
        advice = "; take one image of the batch: x[0]" if maps.ndim == 4 else ""
        raise ValueError(f"Maps: {name} has shape {numbers(values).shape}; a row is (maps, rows, columns){advice}")
    if len(maps) > MOST:
        raise ValueError(f"Maps: {name} has {len(maps)} maps; a row can be read with at most {MOST}: x[:{MOST}]")
    return maps


def said(maps: np.ndarray) -> str:
    """Return number, size and range of the maps in a row.

    >>> said(np.array([[[-1.0, 2.5]]]))
    '1 map of 1 × 2, from -1 to 2.5'
    """
    K, H, W = maps.shape
    return f"{K} map{'s' * (K != 1)} of {H} × {W}, from {maps.min():.3g} to {maps.max():.3g}"


def where(one: np.ndarray) -> str:
    """Return where the largest number of a map stands, or that all are equal.

    >>> where(np.array([[0.0, 3.0], [1.0, 0.0]]))
    'largest in row 0, column 1: 3'
    """
    if not np.isfinite(one).all():
        return f"holds {np.size(one) - np.isfinite(one).sum()} that are no finite numbers"
    if one.min() == one.max():
        return f"everywhere {one.flat[0]:.3g}"
    row, column = np.unravel_index(one.argmax(), one.shape)
    return f"largest in row {row}, column {column}: {one.max():.3g}"


def drawn(one: np.ndarray, x: float, y: float, side: int) -> str:
    """Return a map with numbers from -1 to 1 as SVG, the longer of its sides as long as asked for."""
    H, W = one.shape
    step = side / max(H, W)
    frame = f'<rect class="paper" x="{x}" y="{y}" width="{W * step:.4g}" height="{H * step:.4g}"/>'
    place = f'transform="translate({x} {y + step / 2:.4g}) scale({step:.5g})" shape-rendering="crispEdges"'
    return f"{frame}<g {place}>{colours(one)}</g>"


def colours(one: np.ndarray) -> str:
    """Return a map as SVG: for each strength of each sign one path of horizontal strokes, each as high as a number.

    >>> colours(np.array([[1.0, 1.0], [0.0, -0.5]]))
    '<path class="minus" opacity="0.50" d="M1 1h1"/><path class="plus" opacity="1.00" d="M0 0h2"/>'
    """
    bad = ~np.isfinite(one)
    one = np.where(bad, 0, one)
    strength = (np.sign(one) * np.maximum(np.rint(np.abs(one) * LEVELS), np.abs(one) > FAINT)).astype(int)
    strength[bad] = LEVELS + 1  # above all others
    paths: dict[int, list[str]] = {}
    for y, row in enumerate(strength):
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
        for start, end in itertools.pairwise(edges):
            if row[start]:
                paths.setdefault(int(row[start]), []).append(f"M{start} {y}h{end - start}")
    return "".join(
        f'<path class="{sign(level)}" opacity="{min(abs(level), LEVELS) / LEVELS:.2f}" d="{"".join(runs)}"/>'
        for level, runs in sorted(paths.items())
    )


def sign(level: int) -> str:
    """Return the class of a strength."""
    return "bad" if level > LEVELS else "plus" if level > 0 else "minus"
