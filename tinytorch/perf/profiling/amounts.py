"""Amounts: is it a count, a number, a positive one, and how does it read with its unit?

The ground of `profiling`, chapter 14.
"""

from __future__ import annotations

import math
from typing import Any

from tinytorch.core.tensor import is_real, is_whole


def check_count(name: str, argument: str, value: Any, least: int = 1) -> int:
    """Return `value` as an int, or raise when it is no count of at least `least`.

    Raises
    ------
    TypeError: not an integer. ValueError: too small ("measure_latency: repeats is 0; …").

    >>> check_count("measure_latency", "repeats", 3)
    3
    """
    if not is_whole(value):
        raise TypeError(f"{name}: {argument} is {value!r}; it must be an integer of at least {least}")
    if value < least:
        raise ValueError(f"{name}: {argument} is {value}; it must be at least {least}")
    return int(value)


def check_real(name: str, argument: str, value: Any) -> None:
    """Raise TypeError unless `value` is a real number."""
    if not is_real(value):
        raise TypeError(f"{name}: {argument} is {value!r}; it must be a number")


def check_amounts(name: str, amounts: dict[str, float]) -> None:
    """Raise ValueError unless every amount is a finite number of at least 0."""
    for argument, value in amounts.items():
        check_real(name, argument, value)
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: {argument} is {value}; it must be a finite number, 0 or larger")


def check_positive(name: str, amounts: dict[str, float]) -> None:
    """Raise ValueError unless every amount is a finite number above 0."""
    for argument, value in amounts.items():
        check_real(name, argument, value)
        if not 0 < value < math.inf:
            raise ValueError(f"{name}: {argument} is {value}; it must be a finite number above 0")


def readable_seconds(seconds: float) -> str:
    """Return a time in the unit that reads best.

    >>> readable_seconds(0.00123), readable_seconds(4.5e-7), readable_seconds(12)
    ('1.23 ms', '0.45 us', '12 s')
    """
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):  # noqa: B007  (the unit is used below)
        if abs(seconds) * factor >= 1:
            break
    return f"{seconds * factor:.3g} {unit}"


def readable_bytes(count: float) -> str:
    """Return a number of bytes in the unit that reads best; 1 kB is 1000 bytes.

    >>> readable_bytes(512), readable_bytes(401408)
    ('512 B', '401 kB')
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(count) >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"
