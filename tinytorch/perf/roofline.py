"""Roofline: what a machine could do at best, and what a faster part can do for the whole.

Belongs to chapter 14. Depends on `profiling`, for the clock.

References: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance
model"; Amdahl 1967, "Validity of the single processor approach to achieving large scale computing
capabilities".
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from tinytorch.perf.profiling import Clock, check_amounts, check_count, check_positive, measure_latency


def amdahl_speedup(share: float, factor: float) -> float:
    """Return how many times as fast the whole becomes by a faster part; `math.inf` if no time is left.

    Parameters
    ----------
    share : float from 0 to 1, the part's share of the time before
    factor : float above 0; infinite for a part that vanishes

    Raises
    ------
    ValueError: no share, or no factor ("amdahl_speedup: …").

    >>> amdahl_speedup(0.5, 2), amdahl_speedup(0.5, math.inf)
    (1.3333333333333333, 2.0)
    """
    check_amounts("amdahl_speedup", {"share": share})
    if share > 1 or not factor > 0:
        raise ValueError(
            f"amdahl_speedup: share is {share} and factor {factor}; a share lies between 0 and 1, a factor above 0"
        )
    after = (1 - share) + share / factor
    return 1 / after if after else math.inf


@dataclass(frozen=True)
class Roofline:
    """Where a piece of work stands under the machine's roof.

    Attributes
    ----------
    intensity : float, FLOPs for each byte
    ridge : float, the intensity from which on arithmetic is the limit
    bound : "memory" or "compute", whichever takes longer
    attainable : float, FLOPs a second that cannot be exceeded at this intensity
    seconds : float, the least time the work can take
    """

    intensity: float
    ridge: float
    bound: str
    attainable: float
    seconds: float


def roofline(flops: float, bytes_moved: float, peak_flops: float, peak_bandwidth: float) -> Roofline:
    """Return what limits a piece of work: the machine's arithmetic or its memory.

    The arithmetic takes at least flops / peak_flops seconds and moving the data at least
    bytes_moved / peak_bandwidth. They overlap, so the larger one is the least time.
    Exactly at the ridge the bound is "compute". With 0 bytes the intensity is `math.inf`.

    Parameters
    ----------
    flops, bytes_moved : numbers, 0 or larger, not both 0
    peak_flops, peak_bandwidth : positive numbers, FLOPs and bytes a second; see `measure_peaks`

    Raises
    ------
    ValueError: a negative amount, a peak that is not positive, or no work at all.

    >>> roofline(flops=2e9, bytes_moved=1e9, peak_flops=1e11, peak_bandwidth=1e10)
    Roofline(intensity=2.0, ridge=10.0, bound='memory', attainable=20000000000.0, seconds=0.1)
    """
    check_amounts("roofline", {"flops": flops, "bytes_moved": bytes_moved})
    check_positive("roofline", {"peak_flops": peak_flops, "peak_bandwidth": peak_bandwidth})
    if flops == 0 and bytes_moved == 0:
        raise ValueError("roofline: 0 FLOPs and 0 bytes are no work; nothing can be placed under the roof")
    intensity = flops / bytes_moved if bytes_moved else math.inf
    ridge = peak_flops / peak_bandwidth
    seconds = max(flops / peak_flops, bytes_moved / peak_bandwidth)
    bound = "memory" if intensity < ridge else "compute"
    return Roofline(intensity, ridge, bound, min(peak_flops, intensity * peak_bandwidth), seconds)


@dataclass(frozen=True)
class Peaks:
    """What this machine reached: FLOPs a second in a matrix product, bytes a second in a copy.

    >>> Peaks(flops=1e11, bandwidth=1e10).flops / 1e9
    100.0
    """

    flops: float
    bandwidth: float


@dataclass(frozen=True)
class Machine:
    """Peaks that somebody else measured or published.

    >>> MACHINES[0].ridge
    6.0
    """

    name: str
    flops: float  # float32, a second
    bandwidth: float  # bytes a second
    source: str

    @property
    def ridge(self) -> float:
        """FLOPs for each byte from which on arithmetic is the limit, to one digit."""
        return round(self.flops / self.bandwidth, 1)


# Recorded, not measured here: what others measured, what a maker's data sheet says, or what follows from its clocks and
# widths, which is an upper bound (a processor that does nothing else may also run faster than its base clock for a
# while). float32 throughout; a GPU's units for matrices of half precision give more. The phone: "Gables: a roofline
# model for mobile SoCs", figure 7.
MACHINES = (
    Machine(
        "laptop CPU",
        4 * 32 * 1.6e9,  # cores, FLOPs a cycle in each, cycles a second
        2 * 8 * 2.133e9,  # channels, bytes, times a second
        "calculated: i5-8250U, 2017, 4 x 32 x 1.6 GHz, 2 x 8 x 2.133 GHz",
    ),
    Machine("phone", 349.6e9, 24.4e9, "measured: Snapdragon 835's GPU, Hill and Reddi 2019"),
    Machine("T4 GPU", 8.1e12, 320e9, "data sheet: NVIDIA T4, 2018"),
    Machine("A100 GPU", 19.5e12, 1555e9, "data sheet: NVIDIA A100 40 GB, 2020"),
)


def measure_peaks(size: int = 512, megabytes: int = 32, repeats: int = 10, clock: Clock = time.perf_counter) -> Peaks:
    """Measure this machine's peaks: the best of `repeats` matrix products and copies.

    Here the best counts, not the median: a peak says what is possible when nothing disturbs.

    Parameters
    ----------
    size : int, M = K = N of the float32 product; large enough that arithmetic is the limit
    megabytes : int, size of the array that is copied; larger than the caches

    Raises
    ------
    TypeError, ValueError: a size is no integer of at least 1, or the clock stood still.

    Cost: 2 * size ** 3 FLOPs and twice `megabytes` moved, `repeats` + 1 times.

    >>> measure_peaks(size=64, megabytes=1).flops > 0
    True
    """
    for argument, value in {"size": size, "megabytes": megabytes, "repeats": repeats}.items():
        check_count("measure_peaks", argument, value)
    a = np.ones((size, size), np.float32)
    product = np.empty_like(a)
    source = np.ones(megabytes * 1_000_000, np.uint8)  # zeros would be one page, mapped many times
    target = np.empty_like(source)
    fastest = [
        min(measure_latency(work, 1, repeats, clock).samples)
        for work in (lambda: np.matmul(a, a, out=product), lambda: np.copyto(target, source))
    ]
    if min(fastest) <= 0:
        raise ValueError("measure_peaks: the clock did not move during a sample; use a larger size")
    return Peaks(2 * size**3 / fastest[0], 2 * source.nbytes / fastest[1])
