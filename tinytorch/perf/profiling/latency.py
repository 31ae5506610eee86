"""Latency: how long does one call take, by a clock that moves in steps?

Part of `profiling`, chapter 14. Depends on `amounts`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.perf.profiling.amounts import check_count, readable_seconds

Clock = Callable[[], float]  # returns seconds, such as time.perf_counter


class HandClock:
    """A clock that moves only when it is told to: for trying out what measures time.

    most : int, looks after which it raises RuntimeError, so that nothing waits for it for ever

    >>> clock = HandClock()
    >>> start = clock()
    >>> clock.work(2.5)
    >>> clock() - start
    2.5
    """

    def __init__(self, most: int = 10_000) -> None:
        self.now, self.left = 0.0, most

    def __call__(self) -> float:
        """Return the seconds that it shows."""
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("HandClock: it was looked at too often, and it moves only when it is told to")
        return self.now

    def work(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds


def seconds_per_call(function: Callable[[], Any], calls: int, clock: Clock) -> float:
    """Return how long one call takes: `calls` of them between two looks at the clock, divided.

    >>> ticks = iter([0.0, 6.0])
    >>> seconds_per_call(lambda: None, 3, lambda: next(ticks))
    2.0
    """
    start = clock()
    for _ in range(calls):
        function()
    return (clock() - start) / calls


def calls_for_clock(function: Callable[[], Any], clock: Clock, at_least: float = 0.001) -> int:
    """Return how many calls, a power of 2, make a sample of `at_least` seconds.

    A browser's clock moves in steps of 5 to 100 microseconds; a sample of a
    millisecond is then off by a tenth at most.

    Raises
    ------
    ValueError: 2**20 calls did not last as long; the clock stands still, or
        `at_least` is too much.

    >>> ticks = iter([0.0, 0.0004, 1.0, 1.0008, 2.0, 2.0016])
    >>> calls_for_clock(lambda: None, lambda: next(ticks))
    4
    """
    calls = 1
    while seconds_per_call(function, calls, clock) * calls < at_least:
        if calls == 2**20:
            raise ValueError(
                f"calls_for_clock: {calls} calls did not last {at_least} s by this clock; it stands still, or "
                "at_least is too much"
            )
        calls *= 2
    return calls


def median_interval(samples: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return two samples, low and high, between which the true median lies.

    Each sample lies below the true median with chance 1/2, like a coin. The
    k-th smallest of n is above it when fewer than k of n coins fell on that
    side; the k-th largest is below it equally often. The largest k for which
    both together happen in at most 1 - confidence gives the interval.

    Raises
    ------
    ValueError: too few samples ("median_interval: 5 samples …"): even all of
        them lie on one side too often.

    >>> median_interval([7, 1, 2, 3, 4, 5, 6, 8, 90])
    (2, 8)
    """
    ordered, n = sorted(samples), len(samples)
    place, outside = -1, 0.0
    for below in range(n):
        outside += 2 * math.comb(n, below) / 2**n
        if outside > 1 - confidence:
            break
        place = below
    if place < 0:
        raise ValueError(
            f"median_interval: {n} samples are too few for an interval of {confidence:.0%}; take more, for 95% at "
            "least 6"
        )
    return ordered[place], ordered[-1 - place]


@dataclass(frozen=True)
class Latency:
    """How long one call takes, by all samples.

    Times are skewed: something can slow a call down, nothing can make it faster than it is. So
    the middle is the median, and the spread is given by percentiles.

    >>> Latency((0.003, 0.001, 0.002), calls=1).median
    0.002
    """

    samples: tuple[float, ...]  # seconds a call
    calls: int  # calls in each sample

    @property
    def median(self) -> float:
        """Seconds that half of the samples stay below."""
        return self.percentile(50)

    @property
    def interval(self) -> tuple[float, float]:
        """Seconds between which the true median lies, with 95 % confidence; it takes at least 6 samples.

        >>> Latency((5.0, 1.0, 2.0, 3.0, 4.0, 6.0), calls=1).interval
        (1.0, 6.0)
        """
        return median_interval(self.samples)

    @property
    def spread(self) -> float:
        """Interquartile range: seconds between the 25th and the 75th percentile."""
        return self.percentile(75) - self.percentile(25)

    def percentile(self, percent: float) -> float:
        """Return the seconds that `percent` percent of the samples stay below.

        >>> Latency(tuple(range(11)), calls=1).percentile(90)
        9.0
        """
        return float(np.percentile(self.samples, percent))

    def __str__(self) -> str:
        """Return one line.

        >>> print(Latency((0.003, 0.001, 0.002), calls=4))
        median 2 ms, p10 1.2 ms, p90 2.8 ms, 3 samples of 4 calls
        """
        median, p10, p90 = (readable_seconds(self.percentile(percent)) for percent in (50, 10, 90))
        return f"median {median}, p10 {p10}, p90 {p90}, {len(self.samples)} samples of {self.calls} calls"


def measure_latency(
    function: Callable[[], Any], warmup: int = 3, repeats: int = 20, clock: Clock = time.perf_counter
) -> Latency:
    """Return how long `function`, without arguments, takes, measured `repeats` times.

    `warmup` calls are not counted: the first ones fill caches and make what is made once.

    Raises
    ------
    TypeError: `function` cannot be called, or a count is no integer.
    ValueError: a negative warmup, no repeats, or a clock that stands still.

    >>> len(measure_latency(lambda: None, repeats=5).samples)
    5
    """
    if not callable(function):
        raise TypeError(
            f"measure_latency: got {type(function).__name__} where a function without "
            "arguments is needed; wrap the call: lambda: model(x)"
        )
    check_count("measure_latency", "warmup", warmup, least=0)
    check_count("measure_latency", "repeats", repeats)
    for _ in range(warmup):
        function()
    calls = calls_for_clock(function, clock)
    return Latency(tuple(seconds_per_call(function, calls, clock) for _ in range(repeats)), calls)
