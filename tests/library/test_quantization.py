"""int8 stands for real numbers within half a step, integer products are exact, and a quantized model holds int8."""

import dataclasses
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tinytorch import Tensor
from tinytorch.core.activations import ReLU
from tinytorch.core.autograd import enable_autograd, no_grad
from tinytorch.core.layers import Dropout, Layer, Linear, Sequential
from tinytorch.core.spatial import Conv2d, Flatten
from tinytorch.perf import quantization as module
from tinytorch.perf.profiling import count_flops, profile_forward, profile_layer
from tinytorch.perf.quantization import (
    QuantizationReport,
    QuantizedConv2d,
    QuantizedLinear,
    RangeObserver,
    dequantize_int8,
    int8_matmul,
    quantization_report,
    quantize_int8,
    quantize_model,
    quantize_with,
    replace_layers,
    scale_and_zero_point,
    to_float32,
    value_range,
)

enable_autograd()
SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)
NUMBERS = arrays.arrays(np.float32, SHAPES, elements=st.floats(-1e4, 1e4, width=32))


def test_results_are_not_changed_afterwards():
    results = [
        value
        for value in vars(module).values()
        if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    ]
    assert results and all(value.__dataclass_params__.frozen for value in results)


# Numbers to codes and back


@given(x=NUMBERS, symmetric=st.booleans(), per_channel=st.booleans())
def test_the_error_is_at_most_half_a_step(x, symmetric, per_channel):
    q, scale, zero_point = quantize_int8(x, symmetric, axis=0 if per_channel else None)
    assert q.dtype == np.int8 and q.shape == x.shape
    error = np.abs(dequantize_int8(q, scale, zero_point).astype(np.float64) - x)
    # Half a step, and the rounding of float32: 255 steps of 2 ** -24 each way.
    assert (error <= np.asarray(scale) * (0.5 + 1e-4)).all()


@given(x=NUMBERS, symmetric=st.booleans())
def test_zero_has_an_exact_code(x, symmetric):
    _, scale, zero_point = quantize_int8(x, symmetric)
    assert -128 <= zero_point <= 127
    code = quantize_with(np.float32([0]), scale, zero_point)
    assert code[0] == zero_point and dequantize_int8(code, scale, zero_point)[0] == 0
    assert symmetric is False or zero_point == 0


def test_affine_uses_all_codes_from_lowest_to_highest():
    q, scale, zero_point = quantize_int8([0.0, 1.0, 255.0])
    assert (q.tolist(), scale, zero_point) == ([-128, -127, 127], 1.0, -128)
    q, scale, zero_point = quantize_int8([-100.0, 0.0, 155.0])
    assert (q.tolist(), scale, zero_point) == ([-128, -28, 127], 1.0, -28)
    q, scale, zero_point = quantize_int8([-255.0, -254.0])
    assert (q.tolist(), scale, zero_point) == ([-128, -127], 1.0, 127)


def test_symmetric_gives_opposite_codes_to_opposite_numbers():
    q, scale, zero_point = quantize_int8([-127.0, 3.0, 127.0], symmetric=True)
    assert (q.tolist(), scale, zero_point) == ([-127, 3, 127], 1.0, 0)
    q, scale, _ = quantize_int8([-254.0, 1.0], symmetric=True)
    assert (q.tolist(), scale) == ([-127, 0], 2.0)
    q, scale, _ = quantize_int8([-1.0, 254.0], symmetric=True)
    assert (q.tolist(), scale) == ([0, 127], 2.0)


def test_affine_is_the_default():
    assert quantize_int8([0.0, 255.0])[2] == -128


def test_halves_go_to_the_even_neighbour_before_the_zero_point_is_added():
    x = np.float32([-1.5, -0.5, 0.5, 1.5, 2.5])
    assert quantize_with(x, 1.0, 0).tolist() == [-2, 0, 0, 2, 2]
    assert quantize_with(x, 1.0, 1).tolist() == [-1, 1, 1, 3, 3]
    assert quantize_with(x * 2, 2.0, 0).tolist() == [-2, 0, 0, 2, 2]


def test_what_lies_outside_saturates():
    assert quantize_with(np.float32([-1e9, -129, -128, 127, 128, 1e9]), 1.0, 0).tolist() == [
        -128,
        -128,
        -128,
        127,
        127,
        127,
    ]
    assert quantize_with(np.float32([-100, 100]), 1.0, -100).tolist() == [-128, 0]


@pytest.mark.parametrize("value", [3.5, -3.5, 1e-30, -1e30, 7.0])
@pytest.mark.parametrize("symmetric", [False, True])
def test_a_constant_comes_back_as_it_was(value, symmetric):
    for shape in ((), (1,), (4, 3)):
        x = np.full(shape, value, np.float32)
        back = dequantize_int8(*quantize_int8(x, symmetric))
        assert back.shape == shape
        np.testing.assert_allclose(back, x, rtol=1e-6)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("x", [np.zeros(5), np.zeros((2, 3)), np.full(3, 1e-44)])
def test_zeros_and_what_is_too_small_to_divide_get_scale_1(x, symmetric):
    q, scale, zero_point = quantize_int8(x, symmetric)
    assert scale == 1.0
    assert (dequantize_int8(q, scale, zero_point) == 0).all()


def test_the_smallest_normal_scale_still_divides():
    tiny = float(np.finfo(np.float32).tiny)
    scale, _ = scale_and_zero_point(np.float32([0.0]), np.float32([tiny * 127]), symmetric=True)
    assert scale[0] == np.float32(tiny)
    scale, _ = scale_and_zero_point(np.float32([0.0]), np.float32([tiny * 126]), symmetric=True)
    assert scale[0] == 1


@pytest.mark.parametrize("symmetric", [False, True])
def test_empty_tensors_stay_empty(symmetric):
    q, scale, zero_point = quantize_int8(np.zeros((0, 3)), symmetric)
    assert q.shape == (0, 3) and q.dtype == np.int8 and scale == 1.0 and isinstance(zero_point, int)
    q, scale, zero_point = quantize_int8(np.zeros((2, 0)), symmetric, axis=0)
    assert (
        scale.tolist() == [[1.0], [1.0]]
        and zero_point.shape == (2, 1)
        and dequantize_int8(q, scale, zero_point).shape == (2, 0)
    )
    q, scale, _ = quantize_int8(np.zeros((2, 0)), symmetric, axis=1)
    assert scale.shape == (1, 0)


def test_per_tensor_gives_numbers_and_per_channel_gives_arrays():
    x = np.float32([[1, 2], [-100, 50]])
    _, scale, zero_point = quantize_int8(x)
    assert type(scale) is float and type(zero_point) is int
    q, scale, zero_point = quantize_int8(x, axis=0)
    assert scale.shape == zero_point.shape == (2, 1) and scale.dtype == np.float32 and zero_point.dtype == np.int32
    for row in range(2):
        alone = quantize_int8(x[row])
        assert (q[row].tolist(), scale[row, 0], zero_point[row, 0]) == (alone[0].tolist(), alone[1], alone[2])
    _, scale, _ = quantize_int8(x, axis=-1)
    assert scale.shape == (1, 2)
    _, scale, _ = quantize_int8(np.ones((2, 3, 4)), axis=1)
    assert scale.shape == (1, 3, 1)


def test_per_channel_is_closer_where_channels_differ_in_size():
    x = np.float32([[0.01, -0.02, 0.015], [100, -50, 70]])
    errors = [np.abs(dequantize_int8(*quantize_int8(x, True, axis)) - x)[0].max() for axis in (None, 0)]
    assert errors[0] > 0.009 and errors[1] < 0.0001


def test_the_range_holds_zero():
    low, high = value_range(np.float32([[1, 3], [-2, -1]]))
    assert (low.tolist(), high.tolist()) == ([[-2]], [[3]])
    low, high = value_range(np.float32([[1, 3], [-2, -1]]), axis=1)
    assert (low.tolist(), high.tolist()) == ([[-2, -1]], [[1, 3]])
    low, high = value_range(np.float32([5.0]))
    assert (low.tolist(), high.tolist()) == ([0.0], [5.0])


def test_the_largest_float32_do_not_overflow():
    top = float(np.finfo(np.float32).max)
    q, scale, zero_point = quantize_int8([-top, top])
    assert np.isfinite(scale) and q[0] == -128 and q[1] == 127
    assert abs(scale / (2 * top / 255) - 1) < 1e-6 and zero_point in (0, -1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_what_has_no_code_is_refused(bad):
    with pytest.raises(ValueError, match="quantize_int8: 1 of 3 values are NaN, infinite or beyond float32"):
        quantize_int8(np.array([1.0, bad, 2.0]))


def test_kinds_that_are_taken():
    for x in (Tensor([1, 2]), [1, 2], np.array([1, 2]), np.array([1, 2], np.float64), np.array([1, 2], np.uint8)):
        q, scale, _ = quantize_int8(x)
        assert q.tolist() == [-1, 127] or q.tolist() == [0, 127]
        assert scale == pytest.approx(2 / 255)
    assert to_float32("x", np.float64([1.5])).dtype == np.float32
    x = np.float32([1.5])
    assert to_float32("x", x) is x
    with pytest.raises(TypeError, match="text"):
        quantize_int8(["a"])


def test_the_input_is_left_alone():
    x = np.float32([1.0, 2.0, -3.0])
    before = x.copy()
    q, scale, zero_point = quantize_int8(x)
    codes = q.copy()
    dequantize_int8(q, scale, zero_point)
    assert np.array_equal(x, before) and np.array_equal(q, codes)


def test_an_axis_that_is_none():
    with pytest.raises(ValueError, match=r"quantize_int8: axis 2 does not exist in shape \(2, 3\)"):
        quantize_int8(np.zeros((2, 3)), axis=2)
    with pytest.raises(TypeError, match=r"quantize_int8: axis 1.0 is not an integer"):
        quantize_int8(np.zeros((2, 3)), axis=1.0)


def test_dequantize_checks_what_it_gets():
    q = np.zeros((2, 3), np.int8)
    with pytest.raises(TypeError, match="q must be an int8 array; got float32"):
        dequantize_int8(q.astype(np.float32), 1.0, 0)
    with pytest.raises(TypeError, match="q must be an int8 array; got list"):
        dequantize_int8([1], 1.0, 0)
    for scale in (0.0, -1.0, np.nan, np.inf, np.float32([[1.0], [0.0]])):
        with pytest.raises(ValueError, match="every scale must be a positive number"):
            dequantize_int8(q, scale, 0)
    for scale, zero_point in (
        (np.ones(2), 0),
        (np.ones((3, 1)), 0),
        (np.ones((3, 3)), 0),
        (np.ones((2, 3, 1)), 0),
        (1.0, np.zeros((2, 2), int)),
    ):
        with pytest.raises(ValueError, match="do not broadcast to q"):
            dequantize_int8(q, scale, zero_point)
    assert dequantize_int8(q, np.ones((1, 3)), np.zeros((2, 1), int)).shape == (2, 3)
    assert dequantize_int8(np.int8([5]), 0.5, 3).tolist() == [1.0]
    assert dequantize_int8(np.int8([-128]), 1.0, 127).tolist() == [-255.0]
    assert dequantize_int8(q, 1.0, 0).dtype == np.float32


# Integer products


@given(M=st.integers(0, 4), K=st.integers(0, 5), N=st.integers(0, 4), seed=st.integers(0, 99))
def test_the_product_is_that_of_integers(M, K, N, seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(-128, 128, shape).astype(np.int8) for shape in ((M, K), (K, N)))
    product = int8_matmul(a, b)
    assert product.dtype == np.int32 and product.shape == (M, N)
    assert np.array_equal(product, a.astype(np.int64) @ b.astype(np.int64))


@pytest.mark.parametrize("K", [1023, 1024, 1025, 2048, 2049, 5000])
@pytest.mark.parametrize("fill", [-128, 127])
def test_long_sums_are_exact_at_the_ends_of_the_range(K, fill):
    a, b = np.full((2, K), fill, np.int8), np.full((K, 2), -128, np.int8)
    a[:, 0], b[0] = 1, 1  # an odd sum: the first to be lost where float32 gets too coarse
    assert (int8_matmul(a, b) == (K - 1) * fill * -128 + 1).all()


def test_a_block_is_as_long_as_float32_is_exact():
    assert module.EXACT_TERMS == 1024 and module.EXACT_TERMS * 128 * 128 == 2**24
    assert module.INT32_TERMS * 128 * 128 < 2**31 <= (module.INT32_TERMS + 1) * 128 * 128


def test_the_longest_sum_that_int32_holds():
    K = module.INT32_TERMS
    full = np.full((1, K), -128, np.int8)
    assert int8_matmul(full, full.T) == K * 128 * 128
    longer = np.zeros((1, K + 1), np.int8)
    with pytest.raises(ValueError, match=r"sums of more than 131071 products can exceed int32"):
        int8_matmul(longer, longer.T)


def test_views_and_strides_do_not_matter():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (6, 8)).astype(np.int8), rng.integers(-128, 128, (5, 8)).astype(np.int8)
    assert np.array_equal(int8_matmul(a[::2, ::-1], b.T[::-1]), a[::2].astype(int) @ b.T.astype(int))


def test_products_that_are_refused():
    a = np.zeros((2, 3), np.int8)
    with pytest.raises(TypeError, match="both matrices must be int8 arrays; got int8 and int32"):
        int8_matmul(a, a.T.astype(np.int32))
    with pytest.raises(TypeError, match="got uint8 and int8"):
        int8_matmul(a.astype(np.uint8), a.T)
    for b in (a, a.T[:2], a[0], np.zeros((1, 3, 2), np.int8)):
        with pytest.raises(ValueError, match=r"int8_matmul: \(2, 3\) @ .*needs shapes \(M, K\) and \(K, N\)"):
            int8_matmul(a, b)
    with pytest.raises(ValueError, match="needs shapes"):
        int8_matmul(a[0], a.T)


# Calibration


def test_an_observer_keeps_the_widest_range_with_zero_inside():
    observer = RangeObserver()
    assert (observer.low, observer.high) == (None, None)
    observer.observe(np.float32([2.0, 5.0]))
    assert (observer.low, observer.high) == (0.0, 5.0)
    observer.observe(Tensor([-3.0, 1.0]))
    observer.observe([-1.0, 7.0])
    observer.observe(np.zeros((0, 4)))
    assert (observer.low, observer.high) == (-3.0, 7.0)
    scale, zero_point = observer.scale_and_zero_point()
    assert scale == pytest.approx(10 / 255) and zero_point == -128 + round(3 / 10 * 255)
    only_negative = RangeObserver()
    only_negative.observe([-4.0, -2.0])
    assert (only_negative.low, only_negative.high) == (-4.0, 0.0)


def test_a_percentile_leaves_outliers_to_saturate():
    x = np.arange(101, dtype=np.float32) - 50
    observer = RangeObserver(percentile=90)
    observer.observe(x)
    assert (observer.low, observer.high) == (pytest.approx(-40), pytest.approx(40))
    whole = RangeObserver()
    whole.observe(x)
    assert (whole.low, whole.high) == (-50, 50)


@pytest.mark.parametrize("percentile", [50, 0, -1, 100.1, np.nan])
def test_percentiles_that_are_none(percentile):
    with pytest.raises(ValueError, match=r"RangeObserver: percentile is .* above 50 and at most 100"):
        RangeObserver(percentile)
    assert RangeObserver(50.5).percentile == 50.5


def test_an_observer_that_saw_nothing_says_so():
    observer = RangeObserver()
    observer.observe([])
    with pytest.raises(ValueError, match="nothing has been observed"):
        observer.scale_and_zero_point()
    with pytest.raises(ValueError, match="RangeObserver: 1 of 1 values are NaN"):
        observer.observe([np.nan])


# A layer


def observed(*values):
    observer = RangeObserver()
    observer.observe(np.float32(values))
    return observer


def by_hand(layer, x):
    """What the layer must give, in integers of 64 bits and floats of 64 bits."""
    q = np.clip(np.rint(x / layer.input_scale) + layer.input_zero_point, -128, 127).astype(np.int64)
    sums = (q - int(layer.input_zero_point)) @ layer.weight.astype(np.int64)
    return sums * (float(layer.input_scale) * layer.weight_scale.astype(np.float64)) + (
        0 if layer.bias is None else layer.bias
    )


@given(B=st.integers(0, 4), K=st.integers(1, 6), N=st.integers(1, 4), bias=st.booleans(), seed=st.integers(0, 99))
def test_a_quantized_layer_computes_what_its_integers_say(B, K, N, bias, seed):
    rng = np.random.default_rng(seed)
    linear = Linear(K, N, bias=bias, rng=seed)
    if bias:
        linear.bias.data[:] = rng.standard_normal(N)
    layer = QuantizedLinear.from_linear(linear, observed(-1.0, 2.0))
    x = rng.uniform(-1.5, 2.5, (B, K)).astype(np.float32)
    result = layer(Tensor(x))
    assert result.dtype == np.float32 and result.shape == (B, N)
    np.testing.assert_allclose(result.data, by_hand(layer, x), rtol=1e-5, atol=1e-5)


def test_it_is_near_the_layer_it_came_from():
    rng = np.random.default_rng(3)
    linear = Linear(200, 30, rng=4)
    linear.bias.data[:] = rng.standard_normal(30)
    x = rng.uniform(-1, 3, (50, 200)).astype(np.float32)
    layer = QuantizedLinear.from_linear(linear, observed(-1.0, 3.0))
    exact = linear(Tensor(x)).data
    error = np.abs(layer(Tensor(x)).data - exact)
    # Half a step of the inputs through all weights, half a step of the weights through all inputs.
    steps = (
        0.5 * float(layer.input_scale) * np.abs(linear.weight.data).sum(0)
        + 0.5 * layer.weight_scale[0] * np.abs(x).sum(1)[:, None]
    )
    assert (error <= steps * 1.01).all() and error.max() > 0
    assert np.sqrt((error**2).mean() / exact.var()) < 0.02


def test_it_holds_int8_and_no_float_weights():
    linear = Linear(64, 16)
    layer = QuantizedLinear.from_linear(linear, observed(-1.0, 1.0))
    assert layer.weight.dtype == np.int8 and layer.weight.shape == (64, 16)
    assert layer.weight_sums.dtype == np.int32 and np.array_equal(layer.weight_sums, layer.weight.sum(0))
    assert layer.weight_scale.shape == (16,) and layer.input_scale.dtype == np.float32
    sizes = {name: array.nbytes for name, array in layer.state_dict().items()}
    assert sizes == {
        "weight": 1024,
        "weight_scale": 64,
        "weight_sums": 64,
        "input_scale": 4,
        "input_zero_point": 4,
        "bias": 64,
    }
    assert layer.parameters() == []
    assert np.abs(layer.weight).max(axis=0).tolist() == [127] * 16
    assert not any(
        isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size >= 1024
        for value in vars(layer).values()
    )
    bare = QuantizedLinear.from_linear(Linear(4, 2, bias=False), observed(1.0))
    assert bare.bias is None and "bias" not in bare.state_dict()
    assert "bias=False" in repr(bare) and "bias=True" in repr(layer)


def test_every_product_goes_through_int8_matmul(monkeypatch):
    seen = []

    def watched(a, b):
        seen.append((a.dtype, b.dtype, a.shape, b.shape))
        return int8_matmul(a, b)

    monkeypatch.setattr(module, "int8_matmul", watched)
    layer = QuantizedLinear.from_linear(Linear(4, 2), observed(-1.0, 1.0))
    assert layer(Tensor(np.ones((5, 3, 4)))).shape == (5, 3, 2)
    assert seen == [(np.int8, np.int8, (15, 4), (4, 2))]


def test_the_longest_row_whose_sums_int32_holds():
    longest = module.LONGEST_ROW
    assert longest * 255 * 128 < 2**31 <= (longest + 1) * 255 * 128
    layer = QuantizedLinear(np.full((longest, 1), -128, np.int8), np.ones((1, 1), np.float32), None, 1.0, -128)
    assert layer(Tensor(np.full((1, longest), 255.0))).item() == pytest.approx(-128 * 255 * longest, rel=1e-6)
    with pytest.raises(
        ValueError, match="QuantizedLinear: in_features is 65794; sums of more than 65793 products can exceed int32"
    ):
        QuantizedLinear(np.zeros((longest + 1, 1), np.int8), np.ones((1, 1), np.float32), None, 1.0, 0)


def test_a_single_vector_and_a_list_go_through():
    layer = QuantizedLinear.from_linear(Linear(3, 2, rng=0), observed(-1.0, 1.0))
    whole = layer(Tensor([[1.0, -1.0, 0.5]]))
    assert np.array_equal(layer(Tensor([1.0, -1.0, 0.5])).data, whole.data[0])
    assert np.array_equal(layer([[1.0, -1.0, 0.5]]).data, whole.data)


@pytest.mark.processes
def test_it_works_where_gradients_were_never_switched_on():
    code = """
import numpy as np
from tinytorch import Linear, Tensor, quantize_model
model = Linear(3, 2, rng=0)
x = Tensor(np.float32([[1, -1, 0.5]]))
print(np.abs(quantize_model(model, x)(x).data - model(x).data).max() < 0.05, hasattr(Tensor, "backward"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_the_state_goes_into_another_layer():
    one = QuantizedLinear.from_linear(Linear(3, 2, rng=0), observed(-1.0, 1.0))
    two = QuantizedLinear.from_linear(Linear(3, 2, rng=1), observed(-9.0, 1.0))
    two.load_state_dict(one.state_dict())
    x = Tensor([[0.3, -0.2, 1.0]])
    assert np.array_equal(one(x).data, two(x).data)


def test_what_a_quantized_layer_refuses():
    layer = QuantizedLinear.from_linear(Linear(3, 2), observed(-1.0, 1.0))
    with pytest.raises(ValueError, match=r"QuantizedLinear: x has shape \(2, 4\) and the layer in_features=3"):
        layer(Tensor(np.ones((2, 4))))
    with pytest.raises(ValueError, match="QuantizedLinear: 1 of 3 values are NaN"):
        layer(Tensor([1.0, np.nan, 2.0]))
    learning = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="rounding to integers has none; use the quantized model inside no_grad"):
        layer(learning)
    with no_grad():
        assert layer(learning).requires_grad is False
    with pytest.raises(TypeError, match="from_linear: got ReLU; it needs a Linear"):
        QuantizedLinear.from_linear(ReLU(), observed(1.0))
    with pytest.raises(ValueError, match="nothing has been observed"):
        QuantizedLinear.from_linear(Linear(3, 2), RangeObserver())
    broken = Linear(3, 2)
    broken.weight.data[0, 0] = np.inf
    with pytest.raises(ValueError, match="quantize_int8: 1 of 6 values"):
        QuantizedLinear.from_linear(broken, observed(1.0))


# A model


class Branches(Layer):
    """Linear layers in an attribute, a list, a tuple, a dict, a Sequential, one twice, and one never called."""

    def __init__(self):
        self.shared = Linear(4, 4, rng=0)
        self.rows = [Linear(4, 4, rng=1), {"deep": Linear(4, 4, rng=2)}]
        self.pair = (Sequential(Linear(4, 4, rng=3), ReLU()), 7)
        self.again = self.shared
        self.never = Linear(4, 4, rng=4)
        self.drop = Dropout(0.5)

    def forward(self, x):
        x = self.again(self.shared(x)) + self.rows[0](x)
        return self.drop(self.pair[0](self.rows[1]["deep"](x)))


def images(count=20, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32)


def test_linear_layers_are_found_wherever_they_are():
    model = Branches()
    quantized = quantize_model(model, images())
    assert type(quantized) is Branches
    places = [quantized.shared, quantized.rows[0], quantized.rows[1]["deep"], quantized.pair[0][0]]
    assert all(isinstance(layer, QuantizedLinear) for layer in places)
    assert quantized.again is quantized.shared and quantized.pair[1] == 7 and isinstance(quantized.pair, tuple)
    assert type(quantized.never) is Linear and type(quantized.drop) is Dropout
    report = quantization_report(model, quantized)
    assert report.kept == ("never",) and report.quantized == ("shared", "rows.0", "rows.1.deep", "pair.0.steps.0")
    assert report.bytes_before == 5 * 80 and report.bytes_after == 80 + 4 * (16 + 16 + 16 + 16 + 8)
    assert report.ratio == report.bytes_before / report.bytes_after
    assert str(report).endswith("4 layers quantized, 1 kept")


def test_the_quantized_model_is_near_and_the_original_unchanged():
    model = Branches()
    before = model.state_dict()
    model.shared.weight.grad = np.ones((4, 4), np.float32)
    model.never.weight.grad = np.ones((4, 4), np.float32)
    x = Tensor(images(50, seed=1))
    quantized = quantize_model(model, x)
    with no_grad():
        got = quantized(x).data
    assert model.training and not quantized.training and not quantized.drop.training
    model.eval()
    wanted = model(x)
    assert wanted.requires_grad  # the original still learns
    assert np.sqrt(((got - wanted.data) ** 2).mean()) < 0.05 * wanted.data.std()
    assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())
    assert model.shared.weight.grad.sum() == 16 and all(
        "forward" not in vars(layer) for layer in (model, *model.sublayers())
    )
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert quantized.never.weight is not model.never.weight and quantized.never.weight.grad is None
    assert not any(parameter.requires_grad for parameter in quantized.parameters())
    assert "forward" not in vars(quantized.never)


def test_the_observed_range_is_that_of_the_layer_s_own_inputs():
    model = Sequential(Linear(2, 2, bias=False), ReLU(), Linear(2, 1, bias=False))
    model[0].weight.data[:] = [[1, 0], [0, 1]]
    quantized = quantize_model(model, [np.float32([[-5.0, 3.0]]), np.float32([[1.0, 10.0]])])
    assert float(quantized[0].input_scale) == pytest.approx(15 / 255) and int(quantized[0].input_zero_point) == -43
    assert float(quantized[2].input_scale) == pytest.approx(10 / 255) and int(quantized[2].input_zero_point) == -128


def test_what_calibration_data_may_be():
    model = Sequential(Linear(4, 2, rng=0))
    x = images()
    scales = {
        float(quantize_model(model, data)[0].input_scale)
        for data in (
            x,
            Tensor(x),
            [x],
            [Tensor(x)],
            [(x, np.zeros(20))],
            (batch for batch in (x[:10], x[10:])),
            [[x[:5]], [x[5:]]],
        )
    }
    assert len(scales) == 1
    clipped = quantize_model(model, x, percentile=90)
    assert float(clipped[0].input_scale) < scales.pop()


def test_a_lone_linear_and_a_subclass_of_another_mind():
    assert isinstance(quantize_model(Linear(4, 2), images()), QuantizedLinear)

    class Doubled(Linear):
        def forward(self, x):
            return super().forward(x) * 2

    model = Sequential(Linear(4, 4), Doubled(4, 2))
    quantized = quantize_model(model, images())
    assert isinstance(quantized[0], QuantizedLinear) and type(quantized[1]) is Doubled


def test_what_quantize_model_refuses():
    with pytest.raises(TypeError, match="quantize_model: got ReLU; it needs a Layer"):
        quantize_model(ReLU(), images())
    with pytest.raises(TypeError, match="calibration_data is NoneType; pass an array"):
        quantize_model(Linear(4, 2), None)
    for model, data in (
        (Sequential(ReLU()), images()),
        (Linear(4, 2), []),
        (Linear(4, 2), np.zeros((0, 4), np.float32)),
    ):
        with pytest.raises(ValueError, match="the calibration data reached no Linear and no Conv2d"):
            quantize_model(model, data)
    with pytest.raises(ValueError, match="Linear: x has shape"):
        quantize_model(Linear(4, 2), np.ones((2, 5), np.float32))


def test_replacing_looks_below_a_layer_only_while_it_stays():
    seen = []
    model = Sequential(Sequential(Linear(2, 2)), Dropout(0.5))

    def swap(layer):
        seen.append(type(layer).__name__)
        return ReLU() if isinstance(layer, Sequential) else layer

    replace_layers(model, swap)
    assert seen == ["Sequential", "Dropout"] and isinstance(model[0], ReLU)


def test_the_report_counts_buffers_too():
    assert QuantizationReport(100, 50, (), ()).ratio == 2.0
    model = Sequential(Linear(10, 10, bias=False))
    report = quantization_report(model, quantize_model(model, np.ones((1, 10))))
    assert (report.bytes_before, report.bytes_after, report.kept) == (400, 100 + 40 + 40 + 8, ())


class Pair(NamedTuple):
    first: Layer
    second: Layer


class Odd(Layer):
    """Holds itself, a layer by two names, and layers in a named tuple."""

    def __init__(self):
        self.me, self.pair = self, Pair(Linear(3, 3, rng=0), Linear(3, 3, rng=1))
        self.again = self.pair.first

    def forward(self, x):
        return self.again(self.pair.second(self.pair.first(x)))


def test_layers_are_found_where_parameters_are():
    model, x = Odd(), np.ones((2, 3), np.float32)
    quantized = quantize_model(model, x)
    assert quantized.me is quantized and quantized.again is quantized.pair.first and isinstance(quantized.pair, Pair)
    assert isinstance(quantized.pair.first, QuantizedLinear) and isinstance(quantized.pair.second, QuantizedLinear)
    assert np.allclose(quantized(Tensor(x)).data, model(Tensor(x)).data, atol=0.05)


@pytest.mark.parametrize("bias", [True, False])
def test_what_a_quantized_layer_computes_is_counted(bias):
    model = Sequential(Linear(6, 4, bias=bias), ReLU(), Linear(4, 3, bias=bias))
    x = np.ones((5, 6), np.float32)
    quantized = quantize_model(model, x)
    by_hand = [2 * 5 * n * k + 4 * 5 * n + (2 + bias) * 5 * k + 2 * k for n, k in ((6, 4), (4, 3))]
    assert count_flops(quantized, x) == sum(by_hand) + 5 * 4 > count_flops(model, x)
    profile = profile_forward(quantized, x, repeats=1)
    assert [row.flops for row in profile.rows] == [0, by_hand[0], 20, by_hand[1]]
    assert profile.rows[1].bytes == 5 * 6 * 4 + 6 * 4 + (2 + bias) * 4 * 4 + 5 * 4 * 4
    assert profile_layer(quantized[0], x, repeats=1).bytes == profile.rows[1].bytes


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_largest_numbers_come_back_finite(symmetric):
    largest = np.finfo(np.float32).max
    for x in ([-largest, largest], [-0.9 * largest, largest], [-largest, 0.3 * largest]):
        q, scale, zero_point = quantize_int8(np.float32(x), symmetric)
        assert np.abs(dequantize_int8(q, scale, zero_point).astype(np.float64) - np.float32(x)).max() <= scale / 2 * (
            1 + 1e-6
        )


# Convolution


def conv_by_hand(layer, x):
    """What a quantized convolution must give, in integers of 64 bits: the float32 convolution of the codes less zero."""
    from tinytorch.core.spatial import conv2d_matmul

    q = np.clip(np.rint(x / layer.input_scale) + layer.input_zero_point, -128, 127).astype(np.float64)
    steps = q - int(layer.input_zero_point)
    sums = conv2d_matmul(steps, layer.weight.astype(np.float64), None, layer.stride, layer.padding)
    out = sums * (float(layer.input_scale) * layer.weight_scale.astype(np.float64))[:, None, None]
    return out + (0 if layer.bias is None else layer.bias[:, None, None])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kernel_size, stride, padding", [(3, 1, 1), ((2, 3), (2, 1), (0, 2)), (1, 3, 0), (5, 2, 4)])
def test_a_quantized_convolution_computes_what_its_integers_say(kernel_size, stride, padding, bias):
    rng = np.random.default_rng(0)
    conv = Conv2d(3, 5, kernel_size, stride, padding, bias, rng=1)
    if bias:
        conv.bias.data[:] = rng.standard_normal(5)
    x = rng.uniform(-1.5, 3, (4, 3, 9, 8)).astype(np.float32)
    layer = QuantizedConv2d.from_conv2d(conv, observed(-1.0, 2.0))
    result = layer(Tensor(x))
    assert result.dtype == np.float32 and result.shape == conv(Tensor(x)).shape
    np.testing.assert_allclose(result.data, conv_by_hand(layer, x), rtol=1e-5, atol=1e-5)


def test_many_images_go_through_in_blocks():
    rng = np.random.default_rng(0)
    conv = Conv2d(8, 4, 3, padding=1, rng=1)
    x = rng.uniform(-1, 2, (40, 8, 32, 32)).astype(np.float32)
    layer = QuantizedConv2d.from_conv2d(conv, observed(-1.0, 2.0))
    whole = layer(Tensor(x)).data
    assert len(module.blocks(np.zeros((40, 8, 34, 34), np.int8), (3, 3), 32 * 32)) > 2
    assert np.array_equal(whole[17:18], layer(Tensor(x[17:18])).data)
    assert np.abs(whole - conv(Tensor(x)).data).max() < 0.1


def test_a_quantized_convolution_holds_int8():
    conv = Conv2d(3, 5, 3, stride=2, padding=1, rng=1)
    layer = QuantizedConv2d.from_conv2d(conv, observed(-1.0, 2.0))
    sizes = {name: array.nbytes for name, array in layer.state_dict().items()}
    assert sizes == {
        "weight": 135,
        "weight_scale": 20,
        "weight_sums": 20,
        "input_scale": 4,
        "input_zero_point": 4,
        "bias": 20,
    }
    assert layer.weight.dtype == np.int8 and np.array_equal(layer.weight_sums, layer.weight.sum(axis=(1, 2, 3)))
    assert repr(layer) == "QuantizedConv2d(3, 5, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=True)"


def test_what_a_quantized_convolution_refuses():
    layer = QuantizedConv2d.from_conv2d(Conv2d(3, 5, 3), observed(-1.0, 1.0))
    with pytest.raises(ValueError, match=r"QuantizedConv2d: x has shape \(2, 4, 8, 8\), which is 4 channels"):
        layer(Tensor(np.ones((2, 4, 8, 8))))
    with pytest.raises(ValueError, match=r"QuantizedConv2d: x has shape \(3, 8, 8\); it must be a batch"):
        layer(Tensor(np.ones((3, 8, 8))))
    with pytest.raises(ValueError, match="QuantizedConv2d: 192 of 192 values are NaN"):
        layer(Tensor(np.full((1, 3, 8, 8), np.nan)))
    with pytest.raises(RuntimeError, match="QuantizedConv2d: x requires a gradient"):
        layer(Tensor(np.ones((1, 3, 8, 8)), requires_grad=True))
    with pytest.raises(TypeError, match="from_conv2d: got Linear; it needs a Conv2d"):
        QuantizedConv2d.from_conv2d(Linear(2, 2), observed(1.0))
    assert layer(Tensor(np.zeros((0, 3, 8, 8), np.float32))).shape == (0, 5, 6, 6)


def test_a_channel_of_zeros_and_a_constant_picture():
    conv = Conv2d(2, 3, 3, rng=0)
    conv.weight.data[1] = 0
    x = np.full((1, 2, 5, 5), 0.7, np.float32)
    small = quantize_model(conv, x)
    assert np.isfinite(small.weight_scale).all() and not small.weight[1].any()
    np.testing.assert_allclose(small(Tensor(x)).data, conv(Tensor(x)).data, atol=0.02)


def test_a_network_with_convolutions_is_quantized_and_counted():
    model = Sequential(Conv2d(1, 4, 3, padding=1, rng=0), ReLU(), Flatten(), Linear(4 * 36, 2, rng=1))
    x = np.random.default_rng(0).random((5, 1, 6, 6)).astype(np.float32)
    small = quantize_model(model, x)
    assert [type(layer).__name__ for layer in small] == ["QuantizedConv2d", "ReLU", "Flatten", "QuantizedLinear"]
    np.testing.assert_allclose(small(Tensor(x)).data, model.eval()(Tensor(x)).data, atol=0.05)
    report = quantization_report(model, small)
    assert report.kept == () and len(report.quantized) == 2
    conv = profile_layer(small[0], x, repeats=1)
    outputs = 5 * 4 * 36
    assert conv.flops == 2 * 9 * outputs + 4 * x.size + 3 * outputs + 2 * 4
    assert conv.bytes == x.nbytes + 36 + 3 * 16 + 4 * outputs
