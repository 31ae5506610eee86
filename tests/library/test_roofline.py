"""The least time under the roof, the machine's peaks by whatever clock is given, and energy under stated assumptions."""

import dataclasses
import math

import numpy as np
import pytest

from tinytorch.perf import energy
from tinytorch.perf import roofline as module
from tinytorch.perf.energy import TECHNOLOGIES, energy_estimate
from tinytorch.perf.roofline import MACHINES, amdahl_speedup, measure_peaks, roofline


class Clock:
    """A clock that moves by `step` at every look."""

    def __init__(self, step=0.0):
        self.now, self.step, self.looks = 100.0, step, 0

    def __call__(self):
        self.looks += 1
        self.now += self.step
        return self.now


def test_results_are_not_changed_afterwards():
    results = [value for place in (module, energy) for value in vars(place).values() if isinstance(value, type)]
    results = [value for value in results if dataclasses.is_dataclass(value)]
    assert results and all(value.__dataclass_params__.frozen for value in results)


def test_roofline_on_both_sides_of_the_ridge():
    low = roofline(1e9, 1e9, peak_flops=1e11, peak_bandwidth=1e10)
    assert (low.intensity, low.ridge, low.bound, low.attainable, low.seconds) == (1.0, 10.0, "memory", 1e10, 0.1)
    high = roofline(1e12, 1e10, peak_flops=1e11, peak_bandwidth=1e10)
    assert (high.intensity, high.bound, high.attainable, high.seconds) == (100.0, "compute", 1e11, 10.0)
    ridge = roofline(1e11, 1e10, peak_flops=1e11, peak_bandwidth=1e10)
    assert (ridge.bound, ridge.attainable, ridge.seconds) == ("compute", 1e11, 1.0)
    assert roofline(100, 0, 10, 5).intensity == math.inf and roofline(100, 0, 10, 5).bound == "compute"
    assert roofline(0, 100, 10, 5).attainable == 0 and roofline(0, 100, 10, 5).seconds == 20


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ((-1, 1, 1, 1), "roofline: flops is -1"),
        ((1, np.nan, 1, 1), "roofline: bytes_moved is nan"),
        ((1, np.inf, 1, 1), "bytes_moved is inf; it must be a finite number, 0 or larger"),
        ((1, 1, 0, 1), "roofline: peak_flops is 0; it must be a finite number above 0"),
        ((1, 1, 1, -2), "peak_bandwidth is -2"),
        ((1, 1, np.inf, 1), "peak_flops is inf"),
        ((0, 0, 1, 1), "0 FLOPs and 0 bytes are no work"),
    ],
)
def test_work_that_has_no_roof(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        roofline(*arguments)


def test_peaks_are_the_best_of_all_samples():
    durations = iter([9.0, 9.0, 4.0, 2.0, 5.0, 9.0, 9.0, 0.5, 0.25, 1.0])  # warm-up, clock, three samples; twice
    looks = {"now": 0.0, "open": False}

    def clock():
        if looks["open"]:
            looks["now"] += next(durations_seen)
        looks["open"] = not looks["open"]
        return looks["now"]

    durations_seen = (value for place, value in enumerate(durations) if place not in (0, 5))  # warm-up is not timed
    peaks = measure_peaks(size=10, megabytes=1, repeats=3, clock=clock)
    assert peaks.flops == 2 * 10**3 / 2.0 and peaks.bandwidth == 2 * 1_000_000 / 0.25


def test_peaks_are_of_a_large_product_and_a_large_copy():
    clock = Clock(1.0)
    peaks = measure_peaks(clock=clock)
    assert (peaks.flops, peaks.bandwidth) == (2 * 512**3, 2 * 32_000_000) and clock.looks == 2 * (2 + 2 * 10)


def test_peaks_that_cannot_be_measured():
    for arguments in ({"size": 0}, {"megabytes": 0}, {"repeats": 0}):
        with pytest.raises(ValueError, match=f"measure_peaks: {next(iter(arguments))} is 0"):
            measure_peaks(**arguments)
    ticks = iter([0.0, 1.0, 1.0, 1.0] * 2)  # it moves while the number of calls is found, and then stands still
    with pytest.raises(ValueError, match="measure_peaks: the clock did not move"):
        measure_peaks(size=2, megabytes=1, repeats=1, clock=lambda: next(ticks))


def test_energy_says_what_it_assumes():
    estimate = energy_estimate(2e12, 1e12)
    assert estimate.compute_joules == pytest.approx(4.6) and estimate.memory_joules == pytest.approx(162.5)
    assert estimate.joules == pytest.approx(167.1)
    assert (
        "2.3 pJ a FLOP" in str(estimate)
        and "162.5 pJ a byte" in str(estimate)
        and str(estimate).startswith("167 J: arithmetic 4.6 J")
    )
    other = energy_estimate(1e12, 2e12, picojoules_per_flop=0.5, picojoules_per_byte=10)
    assert (other.compute_joules, other.memory_joules, other.joules) == (0.5, 20.0, 20.5)
    assert (other.picojoules_per_flop, other.picojoules_per_byte) == (0.5, 10)
    for arguments in ((-1, 0), (0, -1), (0, 0, -1), (0, 0, 0, -1), (np.nan, 0)):
        with pytest.raises(ValueError, match=r"energy_estimate: .* must be a finite number, 0 or larger"):
            energy_estimate(*arguments)


def test_peaks_are_measured_on_memory_that_is_there(monkeypatch):
    seen, copyto, matmul = [], np.copyto, np.matmul
    monkeypatch.setattr(np, "copyto", lambda target, source: seen.append(source.all()) or copyto(target, source))
    monkeypatch.setattr(np, "matmul", lambda a, b, out: seen.append(a.all()) or matmul(a, b, out=out))
    measure_peaks(size=4, megabytes=1, repeats=1, clock=Clock(1.0))
    assert all(seen) and len(seen) == 2 * (1 + 1 + 1)  # warm-up, the clock, one sample


def test_a_faster_part_makes_the_whole_faster_by_its_share():
    assert amdahl_speedup(0.7, 2) == pytest.approx(1 / 0.65) and amdahl_speedup(0.25, 0.5) == pytest.approx(0.8)
    assert (amdahl_speedup(0, 9), amdahl_speedup(1, 9), amdahl_speedup(0.5, math.inf)) == (1, 9, 2)
    assert amdahl_speedup(1.0, math.inf) == math.inf
    for share, factor in ((1.5, 2), (0.5, 0), (0.5, -1), (0.5, np.nan)):
        with pytest.raises(ValueError, match=r"amdahl_speedup: share is .* and factor .*a share lies between 0 and 1"):
            amdahl_speedup(share, factor)
    with pytest.raises(ValueError, match=r"amdahl_speedup: share is -0\.1"):
        amdahl_speedup(-0.1, 2)


def test_what_is_recorded_says_where_it_is_from():
    assert [machine.name for machine in MACHINES] == ["laptop CPU", "phone", "T4 GPU", "A100 GPU"]
    assert [machine.ridge for machine in MACHINES] == [6.0, 14.3, 25.3, 12.5]
    assert all(any(year in each.source for year in map(str, range(2010, 2030))) for each in (*MACHINES, *TECHNOLOGIES))
    for each, addition, multiplication, word in zip(
        TECHNOLOGIES, (0.9, 0.38, 0.38), (3.7, 1.31, 1.31), (1300, 1300, 250), strict=True
    ):
        assert each.picojoules_per_flop == pytest.approx((addition + multiplication) / 2)
        assert each.picojoules_per_byte == word / 8
