"""The ways to int8 codes and back are, in WebAssembly, what the library's own functions compute, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch import Conv2d, Linear, ReLU, Sequential, Tensor, quantize_model
from tinytorch.perf import kernels as places
from tinytorch.perf import quantization as own

from .conftest import LAYOUTS, laid_out, own_loops

NAMES = ["int8_matmul", "quantize_with", "rescale", "columns", "count_odd"]
seeds, layouts = st.integers(0, 99), st.sampled_from(sorted(LAYOUTS))
counts = st.sampled_from([0, 1, 3, 4, 15, 16, 17, 33, 100])


def test_the_library_is_offered_all_of_them(kernels):
    assert sorted(kernels.for_the_library()) == sorted(NAMES)
    for name in NAMES:
        assert places.fastest(name, None) == getattr(kernels, name)
    with own_loops():
        assert not any(places.fastest(name, None) for name in NAMES)


@given(rows=counts, columns=counts, layout=layouts, seed=seeds)
def test_codes(rows, columns, layout, seed):
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-3, 6)).astype(np.float32)
    x.ravel()[::5] = rng.integers(-300, 300, x.ravel()[::5].shape) / 2  # halves
    scale, zero_point = float(np.float32(rng.choice([0.5, 1.0, 0.0173, 3e-7]))), int(rng.integers(-128, 128))
    found = places.fastest("quantize_with", None)(laid_out(x, layout), scale, zero_point)
    with np.errstate(over="ignore"):
        expected = own.quantize_with(x, scale, zero_point)
    assert found.dtype == np.int8 and np.array_equal(found, expected)


@given(rows=counts, columns=counts, down=st.booleans(), bias=st.booleans(), seed=seeds)
def test_numbers(rows, columns, down, bias, seed):
    rng = np.random.default_rng(seed)
    sums = rng.integers(-(2**30), 2**30, (rows, columns)).astype(np.int32)
    shape = (rows, 1) if down else (columns,)
    weight_sums = rng.integers(-(2**20), 2**20, shape).astype(np.int32)
    scale = rng.random(shape, dtype=np.float32)
    added = rng.standard_normal(shape, dtype=np.float32) if bias else None
    before = sums.copy()
    found = places.fastest("rescale", None)(sums, -77, weight_sums, scale, added)
    assert found.dtype == np.float32 and np.array_equal(found, own.rescale(sums, -77, weight_sums, scale, added))
    assert np.array_equal(sums, before)


def test_numbers_of_another_count_are_refused():
    sums, two = np.zeros((2, 3), np.int32), np.zeros(2, np.int32)
    with pytest.raises(ValueError, match=r"rescale: .* cannot be broadcast"):
        places.fastest("rescale", None)(sums, 1, two, two.astype(np.float32), None)


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(3, 9), st.sampled_from([3, 5, 8, 9, 16, 19, 40])),
    kernel_size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    layout=layouts,
    seed=seeds,
)
def test_columns(shape, kernel_size, stride, layout, seed):
    images = np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)
    found = places.fastest("columns", None)(laid_out(images, layout).swapaxes(0, 1), kernel_size, stride)
    assert np.array_equal(found, own.columns_of(images.swapaxes(0, 1), kernel_size, stride))


@given(count=counts, layout=layouts, seed=seeds)
def test_what_is_no_number_is_counted(count, layout, seed):
    rng = np.random.default_rng(seed)
    x = rng.choice(np.float32([np.nan, np.inf, -np.inf, 1, 0, -0.0, 3.4e38, 1e-45]), (2, count))
    assert places.fastest("count_odd", None)(laid_out(x, layout)) == own.count_odd(x)


@pytest.mark.parametrize("bias", [True, False])
def test_a_quantized_network_gives_the_same_with_and_without(bias):
    rng = np.random.default_rng(0)
    model = Sequential(Conv2d(3, 5, 3, stride=2, padding=1, bias=bias), ReLU(), Conv2d(5, 4, (1, 2), bias=bias))
    x = Tensor(rng.standard_normal((7, 3, 19, 21), dtype=np.float32))
    line = Linear(21, 6, bias=bias)
    small, short = quantize_model(model, x), quantize_model(line, x)
    found = small(x).data, short(x).data
    with own_loops():
        assert all(np.array_equal(one, other) for one, other in zip(found, (small(x).data, short(x).data), strict=True))
