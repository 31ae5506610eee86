"""A graph of Tensor operations, drawn from the objects that are there: what came from what, and what each one holds.

    from tinytorch.pictures.graph import Graph
    Graph(loss, model, x=x)            # a picture, with the same as text below it
    print(Graph(loss, model, x=x))     # the text alone

Each operation is a box with the shape of its result and the bytes that are in memory because of it: the arrays it
keeps for the way back that no operation before it holds already. Tensors that no operation made stand for themselves.
A drawing is made of the moment; it keeps no tensor alive.
"""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from .live import as_image
from .palette import style

MOST = 40  # boxes in a picture; a larger graph is drawn from its result down to so many
WIDE, HIGH, GAP, DOWN, THREAD = 152, 46, 14, 30, 16
STYLE = style(
    "text{font:15px system-ui,sans-serif;fill:$ink;text-anchor:middle}.b{font-size:13px;fill:$soft}.f{fill:$red}"
    "path{fill:none;stroke:$edge;stroke-width:1.5}.h{fill:$edge;stroke:none}.m{fill:$tint;stroke:$blue;stroke-width:1.5}"
    ".g{fill:$page;stroke:$edge;stroke-width:1.5}.c{fill:$page;stroke:$edge;stroke-width:1.5;stroke-dasharray:4 3}"
)


@dataclass
class Box:
    """An operation or a tensor, as it was when it was looked at."""

    name: str
    shape: tuple[int, ...] | None
    kind: str  # "made" by an operation, a leaf that is "given", a constant "c"
    bytes: int = 0
    freed: bool = False
    parents: list[int] = field(default_factory=list)  # places of boxes, one for each argument

    @property
    def words(self) -> str:
        """The shape and the bytes, for the box's second line."""
        if self.freed:
            return "freed"
        return f"{self.shape} · {size_in_words(self.bytes)}" if self.shape is not None else size_in_words(self.bytes)


class Graph:
    """The graph behind a Tensor.

    tensor : Tensor, the result; model : Layer whose parameters give their names; names : further tensors by name
    """

    def __init__(self, tensor, model=None, **names):
        known = {id(parameter): name for name, parameter in model.named_parameters()} if model is not None else {}
        known.update({id(value): name for name, value in names.items()})
        root = getattr(tensor, "_grad_fn", None)
        things = _found_from(tensor if root is None else root)
        places = {id(thing): i for i, thing in enumerate(things)}
        self.boxes = [_box(thing, places, known, tensor if thing is root else None) for thing in things]
        self._weigh(things)

    def _weigh(self, things) -> None:
        """Give each array to the first box that holds it: tensors first, then operations as they were computed."""
        counted: set[int] = set()
        order = sorted(range(len(things)), key=lambda i: (self.boxes[i].kind == "made", -i))
        for i in order:
            for array in _arrays_of(things[i]):
                owner = _owner(array)
                if id(owner) not in counted:
                    counted.add(id(owner))
                    self.boxes[i].bytes += owner.nbytes

    @property
    def held(self) -> int:
        """The bytes that are there for the way back alone: those of operations, not of the tensors given."""
        return sum(box.bytes for box in self.boxes if box.kind == "made")

    def __repr__(self) -> str:
        """Return the graph as text: one line a box, what comes first in the computation first."""
        lines, labels = [self.summary], labels_of([box.name for box in self.boxes])
        for i in reversed(range(len(self.boxes))):
            box = self.boxes[i]
            made_of = ", ".join(labels[parent] for parent in box.parents)
            lines.append(f"  {labels[i]:22} {box.words:24}{'  from ' + made_of if made_of else ''}".rstrip())
        return "\n".join(lines)

    @property
    def summary(self) -> str:
        """One sentence: how many operations, and the bytes they hold."""
        count = sum(box.kind == "made" for box in self.boxes)
        given = sum(box.bytes for box in self.boxes if box.kind != "made")
        return (
            f"{count} operation{'' if count == 1 else 's'} hold{'s' if count == 1 else ''} {size_in_words(self.held)} for the way back; "
            f"the tensors they began with take {size_in_words(given)}"
        )

    def _repr_html_(self) -> str:
        return (
            f"<figure>{as_image(self._repr_svg_())}<details><summary>The same as text</summary>"
            f"<pre>{html.escape(repr(self))}</pre></details></figure>"
        )

    def _repr_svg_(self) -> str:
        """Return the picture: what was given above, the result at the bottom."""
        shown = min(len(self.boxes), MOST)
        places, width, height = _Layout(self.boxes[:shown]).places()
        cut = f"; the {shown} boxes nearest to the result are drawn" if shown < len(self.boxes) else ""
        parts = [_edges(self.boxes[:shown], places)]
        parts += [_drawn(self.boxes[i], *places[i][0]) for i in range(shown)]
        title = html.escape(f"A graph, from what was given above to the result below: {self.summary}{cut}.")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            f"<title>{title}</title><style>{STYLE}</style>{''.join(parts)}</svg>"
        )


def labels_of(names: list[str]) -> list[str]:
    """Return the names, with a number where several are the same; what comes first in the computation, the last one here, is 1.

    >>> labels_of(["Add", "x", "Add"])
    ['Add 2', 'x', 'Add 1']
    """
    several, seen, labels = Counter(names), Counter(), []
    for name in reversed(names):
        seen[name] += 1
        labels.append(f"{name} {seen[name]}" if several[name] > 1 else name)
    return labels[::-1]


def size_in_words(count: int) -> str:
    """Return a number of bytes for people.

    >>> size_in_words(96), size_in_words(40_960), size_in_words(31_360_000)
    ('96 B', '41.0 kB', '31.4 MB')
    """
    for unit, size, least in (("GB", 1e9, 1e9), ("MB", 1e6, 1e6), ("kB", 1e3, 1e4)):
        if count >= least:
            return f"{count / size:.1f} {unit}"
    return f"{count:,} B"


def _found_from(start) -> list:
    """Return the Functions and the tensors that nothing made behind a start, nearest first, each once."""
    found, seen, at = [start], {id(start)}, 0
    while at < len(found):
        for parent in _parents(found[at]):
            if id(parent) not in seen:
                seen.add(id(parent))
                found.append(parent)
        at += 1
    return found


def _parents(thing) -> list:
    """Return what each argument that is a tensor came from: a Function, or the tensor itself."""
    tensors = [
        arg
        for arg in getattr(thing, "args", ())
        if isinstance(getattr(arg, "data", None), np.ndarray) and not isinstance(arg, np.ndarray)
    ]
    return [tensor if getattr(tensor, "_grad_fn", None) is None else tensor._grad_fn for tensor in tensors]


def _box(thing, places: dict, known: dict, result) -> Box:
    if isinstance(getattr(thing, "data", None), np.ndarray):
        wanted = getattr(thing, "requires_grad", False)
        return Box(known.get(id(thing), "leaf" if wanted else "constant"), thing.data.shape, "g" if wanted else "c")
    output = thing.output if thing.output is not None else getattr(result, "data", None)
    name = thing.name.removesuffix("Gradient")
    parents = [places[id(parent)] for parent in _parents(thing)]
    return Box(name, None if output is None else output.shape, "made", 0, thing.released, parents)


def _arrays_of(thing) -> list[np.ndarray]:
    """Return the arrays that an operation or a tensor keeps in memory."""
    if isinstance(getattr(thing, "data", None), np.ndarray):
        return [thing.data]
    waiting, found = [thing.args, *vars(thing).values()], []
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, np.ndarray):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            waiting += value
        elif isinstance(getattr(value, "data", None), np.ndarray) and getattr(value, "_grad_fn", None) is None:
            found.append(value.data)
    return found


def _owner(array: np.ndarray) -> np.ndarray:
    """Return the array whose memory a view looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class _Layout:
    """Where the boxes go: the result in the lowest row, each box above all that use it.

    An argument from further up than the row above gets a thread through the rows between.
    """

    def __init__(self, boxes: list[Box]):
        self.boxes = boxes
        self.rows: list[list] = []
        self.below: dict = {}  # item of a row -> items of the row below that use it
        self.chains: dict[tuple[int, int], list] = {}  # (box, parent) -> the items between them
        self._fill(self._levels())

    def _levels(self) -> list[int]:
        """Return each box's distance from the result, along the longest way."""
        levels, waiting = [0] * len(self.boxes), [0]
        while waiting:
            i = waiting.pop(0)
            for parent in self._parents(i):
                if levels[parent] < levels[i] + 1:
                    levels[parent] = levels[i] + 1
                    waiting.append(parent)
        return levels

    def _parents(self, i: int) -> list[int]:
        return [parent for parent in dict.fromkeys(self.boxes[i].parents) if parent < len(self.boxes)]

    def _fill(self, levels: list[int]) -> None:
        self.rows = [[] for _ in range(max(levels) + 1)]
        for i, level in enumerate(levels):
            self.rows[level].append(i)
        for i, level in enumerate(levels):
            for parent in self._parents(i):
                chain = [(i, parent, row) for row in range(level + 1, levels[parent])]
                for item in chain:
                    self.rows[item[2]].append(item)
                for lower, upper in zip([i, *chain], [*chain, parent], strict=True):
                    self.below.setdefault(upper, []).append(lower)
                self.chains[i, parent] = chain

    def _is_given(self, item) -> bool:
        return isinstance(item, int) and self.boxes[item].kind != "made"

    def _row(self, items: list, centres: dict) -> None:
        """Place one row: each item as near as can be above those that use it."""

        def wish(item):
            users = [centres[user] for user in self.below.get(item, ())]
            return sum(users) / len(users) if users else 0.0

        left, wishes = None, sorted(items, key=lambda item: (wish(item), self._is_given(item), str(item)))
        for item in wishes:
            half = (WIDE if isinstance(item, int) else THREAD) / 2
            centres[item] = wish(item) if left is None else max(wish(item), left + GAP + half)
            left = centres[item] + half
        steady = [
            item for item in wishes if not self._is_given(item)
        ] or wishes  # what was given stands beside the rest
        drift = sum(centres[item] - wish(item) for item in steady) / len(steady)
        for item in wishes:
            centres[item] -= drift

    def places(self) -> tuple[dict, int, int]:
        """Return box -> its centre and the ways to its parents, and the picture's width and height."""
        centres: dict = {}
        for row in self.rows:
            self._row(row, centres)
        shift = WIDE / 2 + 6 - min(centres.values())
        width = round(max(centres.values()) + shift + WIDE / 2 + 6)
        top = len(self.rows) - 1

        def point(item, row):
            return round(centres[item] + shift, 1), (top - row) * (HIGH + DOWN) + HIGH / 2 + 4

        rows = {item: row for row, items in enumerate(self.rows) for item in items}
        ways = {i: (point(i, rows[i]), {}) for i in range(len(self.boxes))}
        for (i, parent), chain in self.chains.items():
            ways[i][1][parent] = [point(item, rows[item]) for item in (parent, *reversed(chain), i)]
        return ways, width, round(top * (HIGH + DOWN) + HIGH + 8)


def _edges(boxes: list[Box], places: dict) -> str:
    """Return the ways from each argument down to the operation that used it, with their number where there are several."""
    parts = []
    for i, (_, ways) in places.items():
        for parent, points in ways.items():
            (x, y), *rest = points
            path = f"M{x} {y + HIGH / 2}"
            y += HIGH / 2
            for nx, ny in rest:
                top = ny - HIGH / 2 - (6 if (nx, ny) == rest[-1] else 0)
                path += f"C{x} {y + 18} {nx} {top - 18} {nx} {top}" + (
                    "" if (nx, ny) == rest[-1] else f"V{ny + HIGH / 2}"
                )
                x, y = nx, ny + HIGH / 2
            end = rest[-1][1] - HIGH / 2
            parts.append(f'<path d="{path}"/><path class="h" d="M{x - 5} {end - 8}h10l-5 8z"/>')
            times = boxes[i].parents.count(parent)
            if times > 1:
                parts.append(f'<text class="b" x="{x + 36}" y="{end - 4}">{times} times</text>')
    return "".join(parts)


def _drawn(box: Box, x: float, y: float) -> str:
    kind = "m" if box.kind == "made" else box.kind
    corner = 8 if box.kind == "made" else 0
    return (
        f'<rect class="{kind}" x="{x - WIDE / 2}" y="{y - HIGH / 2}" width="{WIDE}" height="{HIGH}" rx="{corner}"/>'
        f'<text x="{x}" y="{y - 4}">{html.escape(box.name[:20])}</text>'
        f'<text class="b{" f" if box.freed else ""}" x="{x}" y="{y + 15}">{html.escape(box.words)}</text>'
    )
