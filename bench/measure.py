"""Figures with a name, a unit and their single measurements; medians and ratios are computed when asked for."""

from __future__ import annotations

import statistics


class Table:
    """All measurements of one run."""

    def __init__(self):
        self.browser = ""
        self._values: dict[str, list[float]] = {}
        self._units: dict[str, str] = {}
        self._ratios: list[tuple[str, str, str]] = []

    def add(self, name: str, value: float, unit: str = "s") -> None:
        self._values.setdefault(name, []).append(value)
        self._units[name] = unit

    def compare(self, label: str, numerator: str, denominator: str) -> None:
        """Ask for a ratio of two medians of this run."""
        self._ratios.append((label, numerator, denominator))

    def median(self, name: str) -> float:
        return statistics.median(self._values[name])

    def figures(self) -> dict:
        return {
            name: {"median": self.median(name), "unit": self._units[name], "values": values}
            for name, values in self._values.items()
        }

    def ratios(self) -> dict:
        return {label: self.median(top) / self.median(bottom) for label, top, bottom in self._ratios}

    def text(self) -> str:
        width = max(len(name) for name in [*self._values, *(label for label, *_ in self._ratios)])
        rows = [
            f"{name:<{width}}  {self.median(name):10.3f} {self._units[name]:<3} of {len(values)}"
            f"  ({min(values):.3f} to {max(values):.3f})"
            for name, values in self._values.items()
        ]
        rows += [""] + [f"{label:<{width}}  {ratio:10.2f} x" for label, ratio in self.ratios().items()]
        return "\n".join(rows)
