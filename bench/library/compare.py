"""Run contenders in turns and compare their times."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Piece:
    """One piece of work: who does it, how often, and what the ratio should be at most.

    targets: contender -> the largest ratio ours / contender that was asked for.
    """

    name: str
    contenders: dict[str, Callable[[], Callable[[], object]]]
    targets: dict[str, float] = field(default_factory=dict)
    turns: int = 15


def has_torch() -> bool:
    """Whether PyTorch can be compared with; it is no dependency."""
    return importlib.util.find_spec("torch") is not None


def run_in_turns(piece: Piece) -> dict[str, list[float]]:
    """Return the seconds of each contender in each turn, after one turn that does not count."""
    works = {name: prepare() for name, prepare in piece.contenders.items() if name != "pytorch" or has_torch()}
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(piece.turns):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratios(seconds: dict[str, list[float]], top: str = "ours") -> dict[str, float]:
    """Return, for each other contender, the median over the turns of ours divided by theirs."""
    return {
        name: statistics.median(mine / theirs for mine, theirs in zip(seconds[top], values, strict=True))
        for name, values in seconds.items()
        if name != top
    }


def report(piece: Piece) -> dict:
    """Run a piece and return its figures, ready for JSON."""
    seconds = run_in_turns(piece)
    found = ratios(seconds)
    return {
        "name": piece.name,
        "milliseconds": {name: round(1000 * statistics.median(values), 4) for name, values in seconds.items()},
        "ratios": {f"ours / {name}": round(value, 3) for name, value in found.items()},
        "targets": {f"ours / {name}": bound for name, bound in piece.targets.items()},
        "missed": [f"ours / {name}" for name, bound in piece.targets.items() if name in found and found[name] > bound],
    }


def line(figures: dict) -> str:
    """Return one piece's figures as a line of text."""
    times = "  ".join(f"{name} {value:.3f} ms" for name, value in figures["milliseconds"].items())
    parts = []
    for name, value in figures["ratios"].items():
        bound = figures["targets"].get(name)
        asked = "" if bound is None else f" (at most {bound}{', missed' if name in figures['missed'] else ''})"
        parts.append(f"{name} = {value:.2f}{asked}")
    return f"{figures['name']}\n    {times}\n    {'; '.join(parts)}"
