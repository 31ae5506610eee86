"""A cache by hand, and an array of cells that gives the product in the cycles it should take."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch.perf.acceleration import lines_touched
from tinytorch.perf.hardware import simulate_cache, systolic_matmul, systolic_step, systolic_utilization

SIZES = st.integers(1, 4)


def test_a_line_is_missed_once_and_found_until_it_has_to_go():
    assert simulate_cache([]) == 0
    assert simulate_cache([0, 60, 63, 64, 127, 0]) == 2
    assert simulate_cache([0, 64, 128, 0], size=128, ways=2) == 4
    assert simulate_cache([0, 64, 0, 128, 0, 64], size=128, ways=2) == 4  # the one used last stays


def test_a_line_has_one_set_only():
    apart = [0, 64, 0, 64]  # neighbours lie in different sets
    assert simulate_cache(apart, size=128, ways=1) == 2
    assert simulate_cache([0, 128, 0, 128], size=128, ways=1) == 4


@given(count=st.integers(0, 300), stride=st.sampled_from([0, 4, 8, 24, 48, 64, 100, 2048, -4, -64]))
def test_a_walk_misses_once_for_each_line_it_touches(count, stride):
    first = (count - 1) * -stride if stride < 0 else 0
    addresses = [first + i * stride for i in range(count)]
    assert simulate_cache(addresses, size=1 << 20, ways=(1 << 20) // 64) == lines_touched(count, stride)


@given(rows=SIZES, inner=SIZES, columns=SIZES)
def test_an_array_of_cells_multiplies(rows, inner, columns):
    rng = np.random.default_rng(0)
    a, weights = rng.standard_normal((rows, inner)), rng.standard_normal((inner, columns))
    out, cycles = systolic_matmul(a, weights)
    np.testing.assert_allclose(out, a @ weights)
    assert cycles == rows + inner + columns - 2


def test_a_step_changes_nothing_it_was_given():
    inputs, sums = np.ones((2, 3)), np.ones((2, 3))
    systolic_step(np.ones((2, 3)), inputs, sums, np.zeros(2))
    assert (inputs == 1).all() and (sums == 1).all()


def test_utilization_is_the_share_of_cells_that_work():
    _, cycles = systolic_matmul(np.ones((5, 4)), np.ones((4, 4)))
    assert systolic_utilization(5, 4, 4, size=4) == pytest.approx(5 * 4 * 4 / (cycles * 16))
    assert systolic_utilization(10**6, 256, 256) > 0.999
    assert systolic_utilization(64, 129, 128) < 0.6 * systolic_utilization(64, 128, 128)
    with pytest.raises(ValueError, match="rows is 0"):
        systolic_utilization(0, 1, 1)
