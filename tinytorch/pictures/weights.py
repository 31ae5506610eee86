"""Who looks at whom: attention weights drawn as a matrix, a row for each query and a column for each key.

    from tinytorch.pictures.weights import Weights
    Weights(weights)                          # as the last line of a cell: a table of percents, tinted by size
    Weights(weights, "the cat sat".split())   # rows and columns named; keys=… where they have other names
    print(Weights(weights))                   # the same as text

    picture = Picture()                       # of tinytorch.pictures.live: a picture that is replaced while a program runs
    picture.show(Weights(weights, "abcd").svg)

`weights` is a Tensor or an array of shape (Tq, Tk), or (H, Tq, Tk) with a matrix for each head; axes of size 1 before
these are left out. A mask, or any matrix of numbers from 0 to 1, is drawn in the same way. A page lets the reader walk
through the table with the arrow keys; in a notebook it is a plain table.
"""

from __future__ import annotations

import html

import numpy as np

from .palette import style

MOST, HEADS = 32, 8  # positions along a side and matrices: more cannot be read
CELL, GAP, LETTER = 26, 22, 8
TINT = "90,185,170"  # dark letters can be read on it where it is strong, the page's own where it is weak
STYLE = style(
    "text{font:13px system-ui,sans-serif;fill:$ink;text-anchor:middle}.q{text-anchor:end}.h{fill:$soft}"
    f"rect{{stroke:$edge;stroke-width:.5;fill:none}}.w{{fill:rgb({TINT});stroke:none}}"
)


class Weights:
    """Matrices of weights, as they were when they were given.

    weights : Tensor or array of numbers from 0 to 1, (Tq, Tk) or (H, Tq, Tk)
    queries, keys : names of the rows and columns, a text or a list; keys are named like queries where there are as many

    Raises ValueError for numbers that are no weights, other shapes, more than 32 positions, a wrong count of names.
    """

    def __init__(self, weights, queries=None, keys=None):
        matrices = np.array(getattr(weights, "data", weights), dtype=float)
        while matrices.ndim > 3 and len(matrices) == 1:
            matrices = matrices[0]
        if matrices.ndim not in (2, 3) or not matrices.size:
            raise ValueError(
                f"Weights: shape {matrices.shape} is no matrix; needed is (queries, keys) or (heads, queries, keys), "
                "so choose one sequence: weights[0]"
            )
        self.matrices = matrices.reshape(-1, *matrices.shape[-2:])
        H, Tq, Tk = self.matrices.shape
        if max(Tq, Tk) > MOST or H > HEADS:
            raise ValueError(
                f"Weights: {H} × {Tq} × {Tk}; at most {HEADS} matrices of {MOST} × {MOST} can be read, so give a part"
            )
        if not (matrices.min() >= 0 and matrices.max() <= 1 + 1e-5):  # NaN is neither
            raise ValueError(
                f"Weights: numbers from {matrices.min():g} to {matrices.max():g}; weights lie between 0 and 1, as "
                "softmax gives them"
            )
        self.queries = names("queries", queries, Tq)
        self.keys = self.queries if keys is None and Tq == Tk else names("keys", keys, Tk)

    def _repr_html_(self) -> str:
        several = len(self.matrices) > 1
        tables = [self._table(matrix, f"Head {h}" if several else "") for h, matrix in enumerate(self.matrices)]
        return f'<figure class="tt-weights">{"".join(tables)}<figcaption>{self.legend}</figcaption></figure>'

    legend = "A row for each query, a column for each key, weights in percent; · is exactly 0."

    def _table(self, matrix: np.ndarray, caption: str) -> str:
        head = "".join(f'<th scope="col">{html.escape(key)}</th>' for key in self.keys)
        rows = []
        for query, row in zip(self.queries, matrix, strict=True):
            cells = "".join(f"<td{tint(weight)}>{percent(weight)}</td>" for weight in row)
            rows.append(f'<tr><th scope="row">{html.escape(query)}</th>{cells}</tr>')
        title = f"<caption>{caption}</caption>" if caption else ""
        return f"<table>{title}<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    def __repr__(self) -> str:
        wide = max(4, *(len(name) + 1 for name in self.keys))
        left = max(map(len, self.queries))
        blocks = []
        for h, matrix in enumerate(self.matrices):
            lines = [f"head {h}"] if len(self.matrices) > 1 else []
            lines.append(" " * left + "".join(f"{key:>{wide}}" for key in self.keys))
            for query, row in zip(self.queries, matrix, strict=True):
                lines.append(f"{query:>{left}}" + "".join(f"{percent(weight):>{wide}}" for weight in row))
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    def words(self) -> str:
        """Return what the matrices show, in words: at which key each query looks most."""
        said = []
        for h, matrix in enumerate(self.matrices):
            each = [
                f"{query} at {self.keys[row.argmax()]} ({row.max():.0%})" if row.any() else f"{query} at nothing"
                for query, row in zip(self.queries, matrix, strict=True)
            ]
            said.append((f"Head {h}: " if len(self.matrices) > 1 else "") + ", ".join(each))
        return "Where each query looks most. " + ". ".join(said)

    def svg(self) -> str:
        """Return the matrices side by side as a picture, for `Picture.show`."""
        H, Tq, Tk = self.matrices.shape
        left = 10 + LETTER * max(map(len, self.queries))
        step = max(CELL, 6 + LETTER * max(map(len, self.keys)))  # wide enough for the longest name
        top = 46 if H > 1 else 26
        parts, each = [], left + step * Tk + GAP
        for h, matrix in enumerate(self.matrices):
            x, right = h * each + left, step * Tk
            if H > 1:
                parts.append(f'<text class="h" x="{x + right / 2:g}" y="16">head {h}</text>')
            parts += [
                f'<text x="{x + (s + 0.5) * step:g}" y="{top - 7}">{html.escape(key)}</text>'
                for s, key in enumerate(self.keys)
            ]
            for t, (query, row) in enumerate(zip(self.queries, matrix, strict=True)):
                y = top + t * CELL
                parts.append(f'<text class="q" x="{x - 6}" y="{y + 18}">{html.escape(query)}</text>')
                parts += [
                    f'<rect class="w" x="{x + s * step}" y="{y}" width="{step}" height="{CELL}" opacity="{weight:.2f}"/>'
                    for s, weight in enumerate(row)
                    if weight >= 0.005
                ]
            parts.append(f'<rect x="{x}" y="{top}" width="{right}" height="{CELL * Tq}"/>')
        width, height = H * each - GAP + 2, top + CELL * Tq + 2
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            f"<title>{html.escape(self.words())}</title><style>{STYLE}</style>{''.join(parts)}</svg>"
        )


def names(which: str, given, count: int) -> list[str]:
    """Return the names of so many rows or columns: what was given, or their numbers from 0 on.

    >>> names("keys", "a b", 3), names("keys", None, 2)
    (['a', '␣', 'b'], ['0', '1'])
    """
    found = [str(name) for name in (range(count) if given is None else given)]
    if len(found) != count:
        raise ValueError(f"Weights: {len(found)} names for {count} {which}; give one for each")
    return [name.replace(" ", "␣").replace("\n", "⏎") or "∅" for name in found]


def percent(weight: float) -> str:
    """Return a weight as a cell says it.

    >>> [percent(weight) for weight in (0.0, 0.001, 0.834, 1.0)]
    ['·', '0', '83', '100']
    """
    return f"{weight * 100:.0f}" if weight else "·"


def tint(weight: float) -> str:
    """Return the style of a cell: between half and more than half there is a jump, where letters change their colour."""
    if weight < 0.005:
        return ""
    if weight <= 0.5:
        return f' style="background:rgba({TINT},{weight:.2f})"'
    return f' style="background:rgba({TINT},{0.3 + 0.7 * weight:.2f});color:#000"'
