"""How much memory a program holds while it runs, followed through the calls of the library and drawn.

    with Memory() as memory:
        memory.stage("forward")
        loss = loss_fn(model(inputs), targets)
        memory.stage("backward")
        loss.backward()
    print(memory)
    together(plain=memory, saved=other)

What is counted is what Python's own ``tracemalloc`` sees: every array and object made since the block
began. A reading is taken whenever a function of ``tinytorch.core`` returns, together with the highest
value since the reading before.
"""

from __future__ import annotations

import html
import sys
import tracemalloc
from array import array

from .live import as_image
from .palette import style

LEFT, TOP, WIDTH, HEIGHT, BELOW = 52, 34, 420, 180, 30
COLUMNS = 80  # points drawn for a stage at most; what lies between is represented by its highest value
STYLE = style(
    "text{font:14px system-ui,sans-serif;fill:$words}.axis{fill:none;stroke:$edge}.edge{stroke:$edge;stroke-dasharray:2 4}"
    ".curve0{fill:none;stroke:$blue;stroke-width:2}.curve1{fill:none;stroke:$orange;stroke-width:2;stroke-dasharray:7 3}"
    ".curve2{fill:none;stroke:$green;stroke-width:2;stroke-dasharray:2 3}"
)


class Memory:
    """The readings of one run; as the last line of a cell it is drawn.

    stages : list of str, in their order
    points : for each stage an array of int64: held and highest bytes in turns, from reading to reading
    """

    def __init__(self):
        self.stages: list[str] = []
        self.points: list[array] = []
        self.before = None

    def __enter__(self):
        if tracemalloc.is_tracing():
            raise RuntimeError(
                "Memory: memory is being traced already; leave the other block, or call tracemalloc.stop()"
            )
        tracemalloc.start()
        self.before = sys.getprofile()
        sys.setprofile(self._notice)
        return self

    def __exit__(self, *exception):
        sys.setprofile(self.before)
        if self.points:
            self._read()
        tracemalloc.stop()

    def stage(self, name: str) -> None:
        """Let a new stage of the program begin here."""
        if not tracemalloc.is_tracing():
            raise RuntimeError("Memory: a stage begins inside of `with Memory() as memory:`")
        if self.points:
            self._read()
        self.stages.append(name)
        self.points.append(array("q"))
        self._read()

    def _notice(self, frame, event, argument) -> None:
        if event == "return" and self.points and frame.f_globals.get("__name__", "").startswith("tinytorch.core"):
            self._read()

    def _read(self) -> None:
        now, highest = tracemalloc.get_traced_memory()
        own = sum(points.itemsize * len(points) for points in self.points)
        self.points[-1].extend((now - own, highest - own))
        tracemalloc.reset_peak()

    def highest(self, stage: str | None = None) -> int:
        """Return the most bytes that were held at any moment of a stage, or of the whole run."""
        return max(max(points[1::2]) for points in self._of(stage))

    def held(self, stage: str) -> int:
        """Return the bytes that were held at the end of a stage."""
        return self._of(stage)[-1][-2]

    def _of(self, stage: str | None) -> list[array]:
        found = [points for name, points in zip(self.stages, self.points, strict=True) if stage in (None, name)]
        if not found:
            raise ValueError(f"Memory: there is no stage {stage!r}; there are {', '.join(self.stages) or 'none'}")
        return found

    def __repr__(self):
        width = max(map(len, [*self.stages, "stage"]))
        lines = [f"{'stage':{width}}   at most    at its end"]
        for name, points in zip(self.stages, self.points, strict=True):
            lines.append(f"{name:{width}} {max(points[1::2]) / 1e6:7.2f} MB {points[-2] / 1e6:10.2f} MB")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return together(memory=self)._repr_html_()


class Drawing:
    """Runs with the same stages in one picture."""

    def __init__(self, runs: dict[str, Memory]):
        stages = {tuple(run.stages) for run in runs.values()}
        if len(stages) != 1 or () in stages:
            raise ValueError(
                f"together: the runs have the stages {sorted(stages)}; they need the same ones, at least one"
            )
        if len(runs) > 3:
            raise ValueError(f"together: {len(runs)} runs; a picture can be read with at most 3")
        self.runs, self.stages = runs, stages.pop()

    def _repr_html_(self) -> str:
        return as_image(self.svg())

    def __repr__(self):
        return "\n".join(f"{name}\n{run!r}" for name, run in self.runs.items())

    def svg(self) -> str:
        """Return the picture: bytes held upwards, the calls of the library from left to right, stage by stage."""
        top = axis_top(max(run.highest() for run in self.runs.values()))
        parts = [self._axes(top), *self._stages()]
        for number, (name, run) in enumerate(self.runs.items()):
            parts.append(f'<path class="curve{number}" d="{self._path(run, top)}"/>')
            if len(self.runs) > 1:
                y = TOP + HEIGHT + 22
                x = LEFT + number * 140
                parts.append(
                    f'<path class="curve{number}" d="M{x} {y - 5}h28"/><text x="{x + 34}" y="{y}">{html.escape(name)}</text>'
                )
        width, height = LEFT + WIDTH + 10, TOP + HEIGHT + BELOW
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            f"<title>{html.escape(self.words())}</title><style>{STYLE}</style>{''.join(parts)}</svg>"
        )

    def words(self) -> str:
        """Return what the picture shows, in words."""
        said = []
        for name, run in self.runs.items():
            each = [
                f"{stage} {max(p[1::2]) / 1e6:.2f} MB, at its end {p[-2] / 1e6:.2f} MB"
                for stage, p in zip(run.stages, run.points, strict=True)
            ]
            said.append(f"{name + ': ' if len(self.runs) > 1 else ''}at most in " + "; ".join(each))
        return "Memory held from call to call. " + ". ".join(said)

    def _axes(self, top: int) -> str:
        unit, name = (1e6, "MB") if top >= 1e6 else (1e3, "kB")
        marks = []
        for part in (0, 0.5, 1):
            y = TOP + HEIGHT * (1 - part)
            marks.append(
                f'<path class="axis" d="M{LEFT - 4} {y:.0f}h4"/><text x="{LEFT - 8}" y="{y + 5:.0f}" text-anchor="end">{top * part / unit:g}</text>'
            )
        frame = f'<path class="axis" d="M{LEFT} {TOP}v{HEIGHT}h{WIDTH}"/>'
        return frame + "".join(marks) + f'<text x="2" y="{TOP - 18}">{name}</text>'

    def _shares(self) -> list[float]:
        """Return how wide each stage is drawn: after its number of readings, but none too narrow for its name."""
        counts = [max(len(run.points[i]) for run in self.runs.values()) for i in range(len(self.stages))]
        least = [(8 * len(name) + 12) / WIDTH for name in self.stages]
        left = max(1 - sum(least), 0)
        return [small + left * count / sum(counts) for small, count in zip(least, counts, strict=True)]

    def _stages(self) -> list[str]:
        parts, x = [], float(LEFT)
        for name, share in zip(self.stages, self._shares(), strict=True):
            if x > LEFT:
                parts.append(f'<path class="edge" d="M{x:.0f} {TOP}v{HEIGHT}"/>')
            parts.append(f'<text x="{x + 5:.0f}" y="{TOP - 6}">{html.escape(name)}</text>')
            x += share * WIDTH
        return parts

    def _path(self, run: Memory, top: int) -> str:
        path, x = [], float(LEFT)
        for points, share in zip(run.points, self._shares(), strict=True):
            columns = thinned(points)
            for i, (held, highest) in enumerate(columns):
                at = round(x + share * WIDTH * (i + 1) / len(columns))
                path += [(at, round(TOP + HEIGHT * (1 - max(value, 0) / top))) for value in (highest, held)]
            x += share * WIDTH
        return "M" + "L".join(f"{at} {y}" for at, y in bends(path))


def thinned(points: array) -> list[tuple[int, int]]:
    """Return (held, highest) pairs, at most COLUMNS of them: of several readings the last and the highest.

    >>> thinned(array("q", [5, 9, 4, 6]))
    [(5, 9), (4, 6)]
    """
    held, highest = points[0::2], points[1::2]
    size = -(-len(held) // COLUMNS)
    return [(held[min(i + size, len(held)) - 1], max(highest[i : i + size])) for i in range(0, len(held), size)]


def bends(path: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the points of a path without those between two others on one level line.

    >>> bends([(0, 5), (1, 5), (2, 5), (2, 7)])
    [(0, 5), (2, 5), (2, 7)]
    """
    return [
        point
        for i, point in enumerate(path)
        if i in (0, len(path) - 1) or not path[i - 1][1] == point[1] == path[i + 1][1]
    ]


def axis_top(highest: int) -> int:
    """Return a round number of bytes that is not below the highest one.

    >>> axis_top(11_846_663), axis_top(900)
    (12000000, 1000)
    """
    size = 10 ** max(len(str(int(highest))) - 1, 3)
    return next(int(size * part) for part in (1, 1.2, 1.5, 2, 3, 4, 5, 6, 8, 10) if size * part >= highest)


def together(**runs: Memory) -> Drawing:
    """Return up to three runs in one picture, each under the name it is given by."""
    return Drawing(runs)
