"""Pictures about digits that a network has named: which it takes for which, and its worst mistakes.

    show_confusion(answers, labels)                    10 × 10 counts
    show_mistakes(images, probabilities, labels)       the nine worst, as pictures

In a terminal both are printed.
"""

from __future__ import annotations

import itertools

import numpy as np

from .drawing import STYLE, numbers
from .live import Picture
from .palette import style

SIDE, LEVELS = 310, 4
LOOK = style(
    ".ink{fill:$ink}.paper{fill:$paper}.cell{fill:$blue}.fault{fill:$red}.on{fill:$page}"
    ".small{font-size:13px}.name{font-size:12px}.count{font-size:11px}.mid{text-anchor:middle}.end{text-anchor:end}"
)


def confusion(answers, labels, classes: int = 10) -> np.ndarray:
    """Return how often each class (row) was taken for each class (column).

    >>> confusion([1, 1, 0], [1, 0, 0], classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    table = np.zeros((classes, classes), int)
    np.add.at(table, (numbers(labels).astype(int), numbers(answers).astype(int)), 1)
    return table


def show_confusion(answers, labels) -> None:
    """Show the table of confusions: a row for each digit, a column for each answer."""
    table = confusion(answers, labels)
    Picture().show(confusion_svg(table), text=confusion_text(table))


def confusion_text(table: np.ndarray) -> str:
    """Return the table in letters."""
    head = "is \\ said " + "".join(f"{k:>6}" for k in range(len(table)))
    rows = [f"{k:>10}" + "".join(f"{count or '.':>6}" for count in row) for k, row in enumerate(table)]
    return "\n".join([head, *rows])


def confusion_words(table: np.ndarray) -> str:
    """Return the table in a few sentences, for those who do not see it."""
    wrong = table - np.diag(np.diag(table))
    words = [f"Table of confusions: {np.trace(table):,} of {table.sum():,} right"]
    for digit, row in enumerate(table):
        part = f"{digit}: {row[digit]:,} of {row.sum():,}"
        other = int(wrong[digit].argmax())
        often = f", most often taken for {other}, {wrong[digit][other]:,} times"
        words.append(part + often * bool(wrong[digit].any()))
    return ". ".join(words)


def confusion_svg(table: np.ndarray) -> str:
    """Return the picture of the table. The colour of a mistake is its share of the most frequent one."""
    step, left, top = 27.5, 30, 44
    most = max(int((table - np.diag(np.diag(table))).max()), 1)
    parts = []
    for i in range(len(table)):
        parts.append(f'<text class="small mid" x="{left + (i + 0.5) * step}" y="{top - 6}">{i}</text>')
        parts.append(f'<text class="small end" x="{left - 7}" y="{top + (i + 0.66) * step:.1f}">{i}</text>')
        parts += [_cell(table, i, j, left + j * step, top + i * step, step, most) for j in range(len(table))]
    right = np.trace(table) / max(table.sum(), 1)
    words = f'<text x="2" y="15">{right:.1%} right. Row: is, column: said</text>'
    return _svg(confusion_words(table), int(top + len(table) * step + 6), words + "".join(parts))


def _cell(table, i: int, j: int, x: float, y: float, step: float, most: int) -> str:
    count, size = int(table[i, j]), f'x="{x:.1f}" y="{y:.1f}" width="{step - 1.5}" height="{step - 1.5}" rx="2"'
    if not count:
        return f'<rect class="paper" {size}/>'
    kind = "cell" if i == j else "fault"
    strength = 1.0 if i == j else 0.05 + 0.45 * count / most
    on = " on" if i == j else ""
    text = f'<text class="count mid{on}" x="{x + step / 2 - 0.75:.1f}" y="{y + step / 2 + 3.5:.1f}">{count}</text>'
    return f'<rect class="{kind}" {size} opacity="{strength:.2f}"/>{text}'


def show_mistakes(images, probabilities, labels, most: int = 9) -> None:
    """Show the answers that are wrong and give the right digit the least probability, the worst first.

    images : (N, …) with square pictures of 0 to 1; probabilities : (N, C); labels : (N,)
    """
    chances, truth = numbers(probabilities), numbers(labels).astype(int)
    shown = []
    for i in worst_mistakes(chances, truth)[:most].tolist():
        pixels = numbers(images[i]).ravel()
        square = pixels.reshape(round(pixels.size**0.5), -1)
        shown.append((square, int(truth[i]), int(chances[i].argmax()), float(chances[i].max())))
    Picture().show(lambda: mistakes_svg(shown), text=mistakes_words(shown, "\n  "))


def worst_mistakes(chances: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the positions of the wrong answers, that with the least probability for the right class first.

    >>> worst_mistakes(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([1, 1, 1])).tolist()
    [0, 1]
    """
    wrong = np.flatnonzero(chances.argmax(axis=1) != truth)
    return wrong[np.argsort(chances[wrong, truth[wrong]], kind="stable")]


def mistakes_words(shown, between: str = " ") -> str:
    """Return the mistakes in words, with something between one and the next, such as a new line."""
    if not shown:
        return "No mistakes"
    each = (f"a {digit} taken for {said} with probability {p:.3f}" for _, digit, said, p in shown)
    return f"The worst mistakes:{between}" + f";{between}".join(each)


def mistakes_svg(shown) -> str:
    """Return the mistakes as a sheet of pictures, three in a row."""
    wide, tall, top = 103, 98, 28
    parts = [f'<text x="2" y="15">{"Its worst mistakes" if shown else "No mistakes"}</text>']
    for k, (image, digit, said, p) in enumerate(shown):
        x, y, size = (k % 3) * wide + 12, top + (k // 3) * tall, 72
        parts.append(f'<rect class="paper" x="{x}" y="{y}" width="{size}" height="{size}"/>')
        place = f"translate({x} {y}) scale({size / len(image):.4f})"
        parts.append(f'<g class="ink" transform="{place}">{ink(image)}</g>')
        words = f"{digit}, said {said}: {p:.0%}"
        parts.append(f'<text class="name mid" x="{x + size / 2}" y="{y + size + 15}">{words}</text>')
    rows = max(1, -(-len(shown) // 3))
    return _svg(mistakes_words(shown), top + rows * tall, "".join(parts))


def ink(image: np.ndarray) -> str:
    """Return a grey picture as SVG: for each of a few strengths one path of horizontal strokes.

    >>> ink(np.array([[1.0, 1.0], [0.0, 0.0]]))
    '<path opacity="1.00" d="M0 0h2v1h-2z"/>'
    """
    strength = np.rint(np.clip(image, 0, 1) * LEVELS).astype(int)
    paths: dict[int, list[str]] = {}
    for y, row in enumerate(strength):
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
        for start, end in itertools.pairwise(edges):
            if row[start]:
                run = f"M{start} {y}h{end - start}v1h-{end - start}z"
                paths.setdefault(int(row[start]), []).append(run)
    each = ((level / LEVELS, "".join(runs)) for level, runs in sorted(paths.items()))
    return "".join(f'<path opacity="{strength:.2f}" d="{runs}"/>' for strength, runs in each)


def _svg(title: str, height: int, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{height}" viewBox="0 0 {SIDE} {height}">'
        f"<title>{title}</title><style>{STYLE}{LOOK}</style>{inside}</svg>"
    )
