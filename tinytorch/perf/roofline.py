"""Roofline: what a machine could do at best, and the energy that a piece of work takes.

Belongs to chapter 14. Depends on `profiling`, for the clock.

References: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance
model"; Horowitz 2014, "Computing's energy problem".
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from tinytorch.perf.profiling import Clock, check_amounts, check_count, check_positive, measure_latency


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


def measure_peaks(size: int = 512, megabytes: int = 32, repeats: int = 5, clock: Clock = time.perf_counter) -> Peaks:
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


# Horowitz 2014, figure 1.1.9: 45 nm, 0.9 V. A float32 addition needs 0.9 pJ and a multiplication 3.7 pJ,
# so a FLOP of a multiply-add 2.3 pJ; 64 bits from DRAM need 1.3 to 2.6 nJ, so a byte at least 162.5 pJ.
PICOJOULES_PER_FLOP = 2.3
PICOJOULES_PER_BYTE = 162.5


@dataclass(frozen=True)
class EnergyEstimate:
    """Energy of a piece of work under stated assumptions: arithmetic and memory, in joules.

    >>> estimate = energy_estimate(flops=1e9, bytes_moved=1e9)
    >>> print(estimate)
    0.165 J: arithmetic 0.0023 J (2.3 pJ a FLOP), memory 0.163 J (162.5 pJ a byte); idle power not counted
    """

    compute_joules: float
    memory_joules: float
    picojoules_per_flop: float
    picojoules_per_byte: float

    @property
    def joules(self) -> float:
        """Joules of arithmetic and memory together."""
        return self.compute_joules + self.memory_joules

    def __str__(self) -> str:
        """Return one line that says what was assumed."""
        return (
            f"{self.joules:.3g} J: arithmetic {self.compute_joules:.3g} J "
            f"({self.picojoules_per_flop:g} pJ a FLOP), memory {self.memory_joules:.3g} J "
            f"({self.picojoules_per_byte:g} pJ a byte); idle power not counted"
        )


def energy_estimate(
    flops: float,
    bytes_moved: float,
    picojoules_per_flop: float = PICOJOULES_PER_FLOP,
    picojoules_per_byte: float = PICOJOULES_PER_BYTE,
) -> EnergyEstimate:
    """Estimate the energy of a piece of work: so much for a FLOP, so much for a byte from memory.

    An estimate, not a measurement. The defaults are for float32 and DRAM on a 45 nm chip of 2014;
    newer chips need less for both, and the ratio between them (a byte costs as much as some 70
    FLOPs) has grown. What a machine uses while idle is not in it.

    Raises
    ------
    ValueError: a number is negative, NaN or infinite.

    >>> energy_estimate(flops=1e9, bytes_moved=0).joules
    0.0023
    """
    check_amounts(
        "energy_estimate",
        {
            "flops": flops,
            "bytes_moved": bytes_moved,
            "picojoules_per_flop": picojoules_per_flop,
            "picojoules_per_byte": picojoules_per_byte,
        },
    )
    return EnergyEstimate(
        flops * picojoules_per_flop / 1e12,
        bytes_moved * picojoules_per_byte / 1e12,
        picojoules_per_flop,
        picojoules_per_byte,
    )
