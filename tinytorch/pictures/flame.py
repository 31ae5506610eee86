"""Where the time goes: a profile as bars upon bars, each as wide as its share, its parts below it.

    from tinytorch.pictures.flame import Flame
    Flame(profile_forward(model, example))              # as the last line of a cell
    print(Flame(profile_training_step(...)))            # the same as text

A bar holds the bars of the layers that were called inside it; what is left of its width is its own time. Such a
picture is called a flame graph; here it hangs from the top. A page lets the reader walk through it with the arrow
keys; in a notebook it is a list.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field

from tinytorch.perf.profiling import Profile, Row, readable_seconds

WHOLE = {"forward": "forward pass", "backward": "backward pass", "update": "update"}
LONGEST = 34  # signs of a bar in text


@dataclass
class Bar:
    """One bar: its own seconds, and the bars inside it.

    >>> Bar("model", own=1.0, inside=[Bar("layer", own=2.0)]).seconds
    3.0
    """

    name: str
    kind: str = ""
    own: float = 0.0
    inside: list[Bar] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Seconds of the bar with everything inside it."""
        return self.own + sum(bar.seconds for bar in self.inside)


class Flame:
    """A profile as bars, as it was when it was given.

    profile : Profile of a forward pass or of a training step

    Raises ValueError for a profile in which no time passed.
    """

    def __init__(self, profile: Profile):
        phases = list(dict.fromkeys(row.phase for row in profile.rows))
        parts = [phase_bar(phase, profile.rows) for phase in phases]
        self.whole = parts[0] if len(parts) == 1 else Bar("training step", inside=parts)
        if not parts or not self.whole.seconds > 0:
            raise ValueError("Flame: in this profile no time passed; profile a larger batch, or more repeats")

    def _repr_html_(self) -> str:
        bars = self._item(self.whole, self.whole)
        return f'<figure class="tt-flame"><ul>{bars}</ul><figcaption>{LEGEND}</figcaption></figure>'

    def _item(self, bar: Bar, outer: Bar) -> str:
        """Return a bar and what is inside it as an item of a list, as wide as its share of the bar above."""
        share = bar.seconds / outer.seconds if outer.seconds else 0
        inside = "".join(self._item(part, bar) for part in bar.inside)
        below = f"<ul>{inside}</ul>" if inside else ""
        short = bar.name.removeprefix(f"{outer.name}.")  # where it is drawn says the rest
        name = f'<span class="tt-flame-name">{html.escape(short)}</span>'
        label = f'{name}<span class="tt-flame-words">{html.escape(self.sentence(bar))}</span>'
        return f'<li style="width:{share:.2%}">{label}{below}</li>'

    def sentence(self, bar: Bar) -> str:
        """Return what a bar shows, in words."""
        kind = f", {bar.kind}" if bar.kind and bar.kind != bar.name else ""
        own = f", of it {readable_seconds(bar.own)} itself" if bar.inside else ""
        return f"{bar.name}{kind}: {readable_seconds(bar.seconds)}, {bar.seconds / self.whole.seconds:.1%} of all{own}"

    def __repr__(self) -> str:
        found = list(walk(self.whole))
        wide = max(len("  " * depth + bar.name) for depth, bar in found)
        lines = []
        for depth, bar in found:
            share = bar.seconds / self.whole.seconds
            lines.append(
                f"{'  ' * depth + bar.name:<{wide}} {readable_seconds(bar.seconds):>8} {share:>5.0%} "
                + "#" * round(share * LONGEST)
            )
        return "\n".join(line.rstrip() for line in lines)


LEGEND = "Each bar is as wide as its share of the time; below it are the layers it called, and what is left is its own."


def phase_bar(phase: str, rows: tuple[Row, ...]) -> Bar:
    """Return the bar of a phase: each row inside the one that called it, and containers without a row of their own too.

    >>> rows = Row("(model)", "Sequential", seconds=1.0), Row("steps.0", "Linear", seconds=2.0, inside="(model)")
    >>> bar = phase_bar("forward", rows)
    >>> [(depth, found.name, found.seconds) for depth, found in walk(bar)]
    [(0, 'forward pass', 3.0), (1, '(model)', 3.0), (2, 'steps.0', 2.0)]
    """
    whole = Bar(WHOLE.get(phase, phase))
    callers = {row.name: row for row in reversed(rows) if row.phase == "forward"}
    bars: dict[str, Bar] = {"": whole}

    def named(name: str) -> Bar:
        if name not in bars:
            row = callers[name]
            bars[name] = Bar(name, row.kind)
            named(row.inside).inside.append(bars[name])
        return bars[name]

    for row in rows:
        if row.phase != phase:
            continue
        if row.name == "(outside)":
            whole.own += max(row.seconds, 0.0)
        elif row.name in callers and callers[row.name].kind == row.kind:
            named(row.name).own += max(row.seconds, 0.0)
        else:
            whole.inside.append(Bar(row.name, row.kind, max(row.seconds, 0.0)))
    return whole


def walk(bar: Bar, depth: int = 0) -> Iterator[tuple[int, Bar]]:
    """Yield each bar with its depth, a bar before those inside it."""
    yield depth, bar
    for part in bar.inside:
        yield from walk(part, depth + 1)
