"""Layers for images agree with their definitions in loops, with central differences, and with numbers worked out by hand."""

import itertools
import math
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch import Tensor
from tinytorch.core import spatial
from tinytorch.core.autograd import check_gradient, enable_autograd, no_grad
from tinytorch.core.layers import Linear, Sequential, check_size
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.spatial import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    MaxPool2d,
    batch_statistics,
    blocks,
    check_fraction,
    check_images,
    col2im,
    conv2d_input_gradient,
    conv2d_loops,
    conv2d_matmul,
    conv2d_parameter_gradients,
    conv_output_size,
    im2col,
    kernel_matrix,
    pad_images,
    pair,
    window_views,
)

enable_autograd()

SEEDS = st.integers(0, 2**16)
SMALL = st.integers(1, 3)
PAIRS = st.tuples(SMALL, SMALL)
BORDERS = st.tuples(st.integers(0, 2), st.integers(0, 2))


def normal(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def shuffled(seed, *shape):
    """Different numbers, far enough apart for finite differences to stay on one side of a maximum."""
    return np.random.default_rng(seed).permutation(math.prod(shape)).reshape(shape) / 8 - 1


@st.composite
def problems(draw):
    """Arrays of a convolution in which everything may differ between rows and columns, and at least one window fits."""
    seed, N, C, O, kernel, stride, padding = draw(st.tuples(SEEDS, SMALL, SMALL, SMALL, PAIRS, PAIRS, BORDERS))
    H, W = (max(1, k - 2 * p) + draw(st.integers(0, 4)) for k, p in zip(kernel, padding, strict=True))
    return (
        normal(seed, N, C, H, W),
        normal(seed + 1, O, C, *kernel),
        draw(st.sampled_from([None, normal(seed + 2, O)])),
        stride,
        padding,
    )


def windows(x, kernel, stride):
    """Yield (n, c, h, w, top, left) for each window, as one draws them on paper."""
    H_out = len([top for top in range(0, x.shape[2], stride[0]) if top + kernel[0] <= x.shape[2]])
    W_out = len([left for left in range(0, x.shape[3], stride[1]) if left + kernel[1] <= x.shape[3]])
    for n, c, h, w in itertools.product(range(x.shape[0]), range(x.shape[1]), range(H_out), range(W_out)):
        yield n, c, h, w, h * stride[0], w * stride[1]


def pooled(x, kernel, stride, reduce):
    found = {
        (n, c, h, w): reduce(x[n, c, top : top + kernel[0], left : left + kernel[1]])
        for n, c, h, w, top, left in windows(x, kernel, stride)
    }
    out = np.zeros([last + 1 for last in max(found)])
    for place, value in found.items():
        out[place] = value
    return out


# Sizes


@given(st.integers(0, 12), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3))
def test_the_output_size_is_the_number_of_windows_that_fit(size, kernel_size, stride, padding):
    padded = size + 2 * padding
    starts = [start for start in range(0, padded, stride) if start + kernel_size <= padded]
    if starts:
        assert conv_output_size(size, kernel_size, stride, padding) == len(starts)
    else:
        with pytest.raises(ValueError, match=f"a kernel of {kernel_size} does not fit into {padded}"):
            conv_output_size(size, kernel_size, stride, padding)


def test_the_output_size_without_stride_and_padding():
    assert conv_output_size(5, 2) == 4


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ((-1, 1), ValueError, "size is -1; it must be at least 0"),
        ((4, 0), ValueError, "kernel_size is 0; it must be at least 1"),
        ((4, 2, 0), ValueError, "stride is 0; it must be at least 1"),
        ((4, 2, 1, -1), ValueError, "padding is -1; it must be at least 0"),
        ((4.0, 2), TypeError, "size is 4.0; it must be an integer of at least 0"),
        ((4, True), TypeError, "kernel_size is True; it must be an integer"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(arguments, error, words):
    with pytest.raises(error, match=f"^conv_output_size: {words}"):
        conv_output_size(*arguments)


def test_one_number_stands_for_rows_and_columns():
    assert pair("L", "k", 2) == (2, 2) and pair("L", "k", [1, 4]) == (1, 4) and pair("L", "k", np.int64(3)) == (3, 3)
    assert type(check_size("L", "k", np.int64(3))) is int and check_size("L", "k", 0, least=0) == 0
    assert pair("L", "k", (0, 1), least=0) == (0, 1)
    for value in [(1, 2, 3), (1,), ()]:
        with pytest.raises(ValueError, match=r"L: k is .*; pass one number, or a pair"):
            pair("L", "k", value)
    with pytest.raises(ValueError, match="L: k is 0; it must be at least 1"):
        pair("L", "k", (1, 0))
    with pytest.raises(TypeError, match="L: k is '3'; it must be an integer"):
        pair("L", "k", "3")


def test_a_fraction_lies_between_0_and_1():
    assert check_fraction("L", "m", 0) == 0.0 and check_fraction("L", "m", 1) == 1.0
    assert type(check_fraction("L", "m", np.float32(0.5))) is float
    for value in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=f"^L: m is {value}; it must be from 0 to 1"):
            check_fraction("L", "m", value)
    for value in (None, True, "0.1"):
        with pytest.raises(TypeError, match=f"^L: m is {value!r}; it must be a number from 0 to 1"):
            check_fraction("L", "m", value)


@pytest.mark.parametrize(
    "shape, words",
    [
        (
            (3, 8, 8),
            r"x has shape \(3, 8, 8\); it must be a batch of images \(N, C, H, W\), so add a batch axis: "
            r"x.reshape\(1, 3, 8, 8\)",
        ),
        ((8, 8), r"x has shape \(8, 8\); it must be a batch of images \(N, C, H, W\), so reshape it"),
        ((1, 1, 3, 8, 8), ".* must be a batch of images .*, so reshape it"),
        ((2, 4, 8, 8), r"x has shape \(2, 4, 8, 8\), which is 4 channels, .* second axis holds the channels$"),
        (
            (2, 8, 8, 3),
            r"x has shape \(2, 8, 8, 3\), which is 8 channels, .*they seem to be last: x.permute\(0, 3, 1, 2\)",
        ),
        ((2, 3, 1, 8), r"x has shape \(2, 3, 1, 8\), with padding 3 x 8 pixels; the kernel needs 4 x 2"),
        ((2, 3, 8, 1), r"x has shape \(2, 3, 8, 1\), with padding 10 x 1 pixels; the kernel needs 4 x 2"),
    ],
)
def test_images_that_do_not_fit_are_refused_in_words(shape, words):
    with pytest.raises(ValueError, match="^Conv2d: " + words):
        check_images("Conv2d", shape, 3, (4, 2), (1, 0))


def test_images_that_just_fit_are_accepted():
    check_images("Conv2d", (2, 3, 2, 2), 3, (4, 2), (1, 0))
    check_images("MaxPool2d", (0, 7, 1, 1))
    with pytest.raises(ValueError, match="with padding 0 x 1 pixels; the kernel needs 1 x 1"):
        check_images("MaxPool2d", (1, 1, 0, 1))


# Convolution


def test_a_convolution_worked_out_by_hand():
    x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    weight = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    for convolve in (conv2d_loops, conv2d_matmul):
        assert convolve(x, weight)[0, 0].tolist() == [[37, 47], [67, 77]]
        assert convolve(x, weight, np.array([0.5]))[0, 0].tolist() == [[37.5, 47.5], [67.5, 77.5]]
        assert convolve(x, weight, None, 2, 1)[0, 0].tolist() == [[4, 18], [36, 77]]
        assert convolve(x, weight, None, (1, 2), (1, 0))[0, 0].tolist() == [[11], [37], [67], [23]]


def test_channels_are_added_up_and_every_kernel_makes_one():
    x = np.array([[[[1.0, 2.0]], [[10.0, 20.0]]]])  # one image, two channels of 1 x 2
    weight = np.array([[[[1.0]], [[1.0]]], [[[2.0]], [[-1.0]]], [[[0.0]], [[3.0]]]])  # three kernels of 1 x 1
    for convolve in (conv2d_loops, conv2d_matmul):
        assert convolve(x, weight)[0, :, 0].tolist() == [[11, 22], [-8, -16], [30, 60]]


@given(problems())
def test_the_loops_are_the_sum_of_products_over_each_window(problem):
    x, weight, bias, stride, padding = problem
    padded = np.pad(x, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    seen = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    expected = np.einsum("nchwij,ocij->nohw", seen[:, :, :: stride[0], :: stride[1]], weight)
    expected += 0 if bias is None else bias[:, None, None]
    np.testing.assert_allclose(conv2d_loops(*problem), expected, atol=1e-12)


@given(problems(), st.sampled_from([1, 400, 2**20]))
def test_the_matrix_product_computes_what_the_loops_do(problem, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spatial, "CACHE_BYTES", cache)
        np.testing.assert_allclose(conv2d_matmul(*problem), conv2d_loops(*problem), atol=1e-12)


@given(problems(), st.sampled_from([1, 400, 2**20]))
def test_the_gradients_of_a_convolution_are_those_of_its_loops(problem, cache):
    """A convolution is linear in x and in weight, so its gradient is known: <g, conv(dx)> = <gradient, dx> for every dx."""
    x, weight, _, stride, padding = problem
    grad_output = normal(7, *conv2d_loops(x, weight, None, stride, padding).shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spatial, "CACHE_BYTES", cache)
        grad_x = conv2d_input_gradient(grad_output, x, weight, stride, padding)
        grad_weight, grad_bias = conv2d_parameter_gradients(grad_output, x, weight.shape[2:], stride, padding)
    assert grad_x.shape == x.shape and grad_weight.shape == weight.shape
    np.testing.assert_allclose(grad_bias, grad_output.sum(axis=(0, 2, 3)), atol=1e-12)
    for seed in range(3):
        dx, dweight = normal(seed, *x.shape), normal(seed, *weight.shape)
        by_x = np.sum(grad_output * conv2d_loops(dx, weight, None, stride, padding))
        by_weight = np.sum(grad_output * conv2d_loops(x, dweight, None, stride, padding))
        np.testing.assert_allclose([np.sum(grad_x * dx), np.sum(grad_weight * dweight)], [by_x, by_weight], atol=1e-9)


@given(problems())
def test_conv2d_agrees_with_central_differences(problem):
    x, weight, bias, stride, padding = problem

    def convolve(x, weight, *bias):
        return spatial.Conv2dFunction.apply(x, weight, bias[0] if bias else None, stride, padding)

    check_gradient(convolve, x[:2], weight, *([] if bias is None else [bias]))


def test_a_border_of_zeros():
    image = np.ones((1, 1, 1, 2), dtype=np.float32)
    assert pad_images(image, (0, 0)) is image
    assert pad_images(image, (0, 1))[0, 0].tolist() == [[0, 1, 1, 0]]
    assert pad_images(image, (1, 0))[0, 0].tolist() == [[0, 0], [1, 1], [0, 0]]
    assert pad_images(image, (1, 2)).dtype == np.float32


def test_views_show_the_same_place_of_every_window_and_can_be_written_to():
    image = np.arange(20).reshape(1, 1, 4, 5)
    views = window_views(image, (2, 1), (1, 3))
    assert [view[0, 0].tolist() for view in views] == [[[0, 3], [5, 8], [10, 13]], [[5, 8], [10, 13], [15, 18]]]
    views[1][...] = -1
    assert image[0, 0, :, 0].tolist() == [0, -1, -1, -1]


def test_columns_hold_what_each_window_covers_place_by_place_then_channel_by_channel():
    image = np.arange(12).reshape(1, 2, 2, 3)
    assert im2col(image, 2)[0].tolist() == [[0, 1], [6, 7], [1, 2], [7, 8], [3, 4], [9, 10], [4, 5], [10, 11]]
    assert im2col(image, (1, 2), stride=(1, 2), padding=(0, 1))[0, :2].tolist() == [[0, 1, 0, 4], [0, 7, 0, 10]]
    assert im2col(np.ones((1, 1, 1, 1), dtype=np.float32), 1).dtype == np.float32


def test_a_row_of_ones_makes_the_bias_one_more_weight():
    x, weight, bias = normal(0, 2, 2, 3, 3), normal(1, 3, 2, 2, 2), normal(2, 3)
    columns = im2col(x, 2, ones=True)
    assert columns.shape == (2, 9, 4) and columns[:, 8].tolist() == [[1] * 4] * 2
    assert np.array_equal(columns[:, :8], im2col(x, 2))
    product = kernel_matrix(weight, bias) @ columns
    np.testing.assert_allclose(product, kernel_matrix(weight) @ im2col(x, 2) + bias[:, None])


@given(problems())
def test_col2im_is_the_way_back_of_im2col(problem):
    x, weight, _, stride, padding = problem
    columns = im2col(x, weight.shape[2:], stride, padding)
    other = normal(3, *columns.shape)
    images = col2im(other, x.shape, weight.shape[2:], stride, padding)
    assert images.shape == x.shape
    np.testing.assert_allclose(np.sum(columns * other), np.sum(x * images), atol=1e-9)


def test_col2im_adds_where_windows_overlap():
    assert col2im(np.ones((1, 2, 2)), (1, 1, 1, 3), (1, 2))[0, 0].tolist() == [[1, 2, 1]]
    assert col2im(np.ones((1, 1, 9)), (1, 1, 1, 1), 1, padding=1).tolist() == [[[[1]]]]
    assert col2im(np.ones((1, 1, 4)), (1, 1, 3, 3), 1, stride=2)[0, 0].tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: im2col(np.ones((1, 1, 2, 2)), 3), "im2col: x has shape .*the kernel needs 3 x 3"),
        (lambda: im2col(np.ones((1, 1, 2, 2)), 0), "im2col: kernel_size is 0"),
        (lambda: im2col(np.ones((1, 1, 2, 2)), 1, 0), "im2col: stride is 0"),
        (lambda: im2col(np.ones((1, 1, 2, 2)), 1, 1, -1), "im2col: padding is -1; it must be at least 0"),
        (lambda: im2col(np.ones((1, 2, 2)), 1), "im2col: x has shape .*add a batch axis"),
        (lambda: col2im(np.ones((1, 9, 1)), (1, 1, 2, 2), 3), "col2im: x has shape .*the kernel needs 3 x 3"),
        (lambda: col2im(np.ones((1, 1, 4)), (1, 1, 2, 2), 0), "col2im: kernel_size is 0"),
        (lambda: col2im(np.ones((1, 1, 4)), (1, 1, 2, 2), 1, 0), "col2im: stride is 0"),
        (lambda: col2im(np.ones((1, 1, 4)), (1, 1, 2, 2), 1, 1, -1), "col2im: padding is -1; it must be at least 0"),
        (
            lambda: conv2d_loops(np.ones((1, 2, 2, 2)), np.ones((1, 1, 1, 1))),
            "conv2d: x has shape .*2 channels.* needs 1",
        ),
        (lambda: conv2d_loops(np.ones((2, 2)), np.ones((1, 1, 1, 1))), "conv2d: x has shape .*batch of images"),
        (
            lambda: conv2d_loops(np.ones((1, 1, 2, 2)), np.ones((1, 1, 3, 1))),
            "conv2d: x has shape .*the kernel needs 3 x 1",
        ),
        (lambda: conv2d_loops(np.ones((1, 1, 2, 2)), np.ones((1, 1, 1))), r"conv2d: weight has shape \(1, 1, 1\)"),
        (
            lambda: conv2d_loops(np.ones((1, 1, 2, 2)), np.ones((2, 1, 1, 1)), np.ones(1)),
            r"conv2d: bias has shape \(1,\); for 2 kernels it must be \(2,\)",
        ),
        (
            lambda: conv2d_matmul(np.ones((1, 1, 2, 2)), np.ones((2, 1, 1, 1)), np.ones((2, 1))),
            "conv2d: bias has shape",
        ),
        (lambda: conv2d_matmul(np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), None, 0), "conv2d: stride is 0"),
        (lambda: conv2d_matmul(np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), None, 1, -1), "conv2d: padding is -1"),
    ],
)
def test_arrays_that_cannot_be_convolved_are_refused_in_words(call, words):
    with pytest.raises(ValueError, match="^" + words):
        call()


def test_the_loops_take_tensors_and_lists_too():
    assert conv2d_loops(Tensor([[[[1, 2]]]]), [[[[3]]]], [1]).tolist() == [[[[4, 7]]]]


def test_a_block_is_as_many_images_as_fit_into_the_cache_and_at_least_one(monkeypatch):
    images = np.zeros((7, 2, 3, 3), dtype=np.float32)
    one = 2 * (2 * 3) * 4 * 4  # channels, kernel, windows, bytes
    monkeypatch.setattr(spatial, "CACHE_BYTES", 3 * one)
    assert blocks(images, (2, 3), 4) == [slice(0, 3), slice(3, 6), slice(6, 9)]
    monkeypatch.setattr(spatial, "CACHE_BYTES", 3 * one - 1)
    assert blocks(images, (2, 3), 4)[0] == slice(0, 2)
    monkeypatch.setattr(spatial, "CACHE_BYTES", one - 1)
    assert len(blocks(images, (2, 3), 4)) == 7
    assert blocks(images[:0], (2, 3), 4) == [] and len(blocks(images[:, :0], (2, 3), 4)) == 1


def test_the_columns_of_a_large_batch_never_exist_at_once():
    layer, x = Conv2d(8, 4, 3, padding=1), Tensor(normal(0, 64, 8, 32, 32, dtype=np.float32), requires_grad=True)
    layer(Tensor(x.data[:1])).sum().backward()
    tracemalloc.start()
    out = layer(x)
    kept, peak = tracemalloc.get_traced_memory()
    out.sum().backward()
    _, peak_backward = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    megabyte, result, image = 2**20, out.data.nbytes, x.data.nbytes  # 1 MB and 2 MB; all columns are 18 MB
    assert kept < result + 0.1 * megabyte
    assert peak < result + 3 * megabyte
    assert peak_backward < 2 * result + image + 4 * megabyte


def test_kernels_become_rows_in_the_order_of_the_columns():
    x, weight = normal(0, 1, 2, 3, 4), normal(1, 5, 2, 3, 4)
    product = kernel_matrix(weight) @ im2col(x, (3, 4))[0]
    np.testing.assert_allclose(product[:, 0], np.einsum("cij,ocij->o", x[0], weight))


# Conv2d


@given(problems())
def test_the_layer_computes_the_loops(problem):
    x, weight, bias, stride, padding = problem
    layer = Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], stride, padding, bias=bias is not None)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = bias
    out = layer(Tensor(x, dtype=np.float64))
    assert out.dtype == np.float64
    np.testing.assert_allclose(out.data, conv2d_loops(*problem), atol=1e-12)


def test_the_first_weights_are_those_for_relu_and_repeat_with_a_seed():
    layer = Conv2d(16, 40, (3, 5), rng=0)
    assert layer.weight.shape == (40, 16, 3, 5) and layer.weight.dtype == np.float32
    assert abs(layer.weight.data.std() / math.sqrt(2 / (16 * 3 * 5)) - 1) < 0.02
    assert np.array_equal(layer.weight.data, Conv2d(16, 40, (3, 5), rng=0).weight.data)
    assert layer.bias.data.tolist() == [0.0] * 40 and layer.bias.dtype == np.float32
    assert [name for name, parameter in layer.named_parameters()] == ["weight", "bias"]
    assert [name for name, parameter in Conv2d(1, 1, 1, bias=False).named_parameters()] == ["weight"]


def test_the_layer_names_its_sizes():
    layer = Conv2d(2, 3, 4)
    assert (layer.in_channels, layer.out_channels) == (2, 3)
    assert (layer.kernel_size, layer.stride, layer.padding) == ((4, 4), (1, 1), (0, 0))
    assert repr(Conv2d(2, 3, (1, 4), 2, (0, 1), bias=False)) == (
        "Conv2d(2, 3, kernel_size=(1, 4), stride=(2, 2), padding=(0, 1), bias=False)"
    )


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ((0, 1, 1), ValueError, "in_channels is 0"),
        ((1, 2.5, 1), TypeError, "out_channels is 2.5"),
        ((1, 1, 0), ValueError, "kernel_size is 0; it must be at least 1"),
        ((1, 1, (3, -1)), ValueError, "kernel_size is -1"),
        ((1, 1, 3, 0), ValueError, "stride is 0; it must be at least 1"),
        ((1, 1, 3, 1, -1), ValueError, "padding is -1"),
        ((1, 1, 3, 1, "same"), TypeError, "padding is 'same'"),
        ((1, 1, (3, 3, 3)), ValueError, r"kernel_size is \(3, 3, 3\)"),
    ],
)
def test_a_convolution_with_impossible_sizes_is_refused(arguments, error, words):
    with pytest.raises(error, match="^Conv2d: " + words):
        Conv2d(*arguments)


@pytest.mark.parametrize(
    "shape, words",
    [
        ((3, 8, 8), "add a batch axis"),
        ((1, 2, 8, 8), "2 channels, and the layer needs 3"),
        ((1, 3, 2, 8), "with padding 4 x 10 pixels; the kernel needs 5 x 5"),
        ((1, 3, 8, 2), "the kernel needs 5 x 5"),
    ],
)
def test_images_that_do_not_fit_the_layer_are_refused(shape, words):
    with pytest.raises(ValueError, match=f"^Conv2d: x has shape .*{words}"):
        Conv2d(3, 4, 5, padding=1)(np.zeros(shape))
    assert Conv2d(3, 4, 5, padding=1)(np.zeros((1, 3, 3, 3))).shape == (1, 4, 1, 1)


def test_what_needs_no_gradient_is_not_computed(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("computed although nobody asked")

    layer, x = Conv2d(1, 2, 2), Tensor(normal(0, 2, 1, 3, 3, dtype=np.float32))
    with monkeypatch.context() as patch:
        patch.setattr(spatial, "conv2d_input_gradient", refuse)
        layer(x).sum().backward()  # the first layer of a network: the images are data
    assert layer.weight.grad.shape == layer.weight.shape and layer.bias.grad.tolist() == [8.0, 8.0]
    layer.weight.requires_grad, layer.bias.requires_grad, x.requires_grad = False, False, True
    layer.weight.zero_grad()
    monkeypatch.setattr(spatial, "conv2d_parameter_gradients", refuse)
    layer(x).sum().backward()
    assert x.grad.shape == x.shape and layer.weight.grad is None


def test_a_bias_learns_beside_frozen_weights():
    layer = Conv2d(1, 2, 2)
    layer.weight.requires_grad = False
    layer(Tensor(np.ones((3, 1, 3, 3)))).sum().backward()
    assert layer.weight.grad is None and layer.bias.grad.tolist() == [12.0, 12.0]


def test_gradients_of_a_layer_with_several_blocks_and_a_gradient_that_is_no_plain_array(monkeypatch):
    x, weight = normal(0, 5, 2, 4, 4), normal(1, 3, 2, 3, 3)
    gradients = []
    for cache in (1, 2**20):
        monkeypatch.setattr(spatial, "CACHE_BYTES", cache)
        layer, images = Conv2d(2, 3, 3, padding=1), Tensor(x, True, dtype=np.float64)
        layer.weight.data = weight
        layer(images).transpose(0, 3).sum(axis=1).mean().backward()
        gradients.append((images.grad, layer.weight.grad, layer.bias.grad))
    for few, many in zip(*gradients, strict=True):
        np.testing.assert_allclose(few, many, rtol=1e-6)


@pytest.mark.parametrize(
    "dtype, expected", [("float32", "float32"), ("float64", "float64"), ("uint8", "float32"), ("int64", "float32")]
)
def test_the_dtype_of_images_is_kept_where_it_is_a_real_number(dtype, expected):
    images = np.arange(32).reshape(1, 2, 4, 4).astype(dtype)
    layers = [Conv2d(2, 3, 3, padding=1), AvgPool2d(2), BatchNorm2d(2), BatchNorm2d(2).eval()]
    for layer in layers:
        out = layer(Tensor(images, dtype=dtype))
        assert out.dtype == expected
        reference = layer(Tensor(images, dtype=np.float64)).data
        np.testing.assert_allclose(out.data, reference, rtol=1e-5, atol=1e-5)
    pooled = MaxPool2d(2)(Tensor(images, dtype=dtype))
    assert pooled.dtype == dtype and pooled.data[0, 0].tolist() == [[5, 7], [13, 15]]


# Pooling


@given(SEEDS, st.tuples(SMALL, SMALL, st.integers(1, 6), st.integers(1, 6)), PAIRS, PAIRS)
def test_pooling_reduces_each_window(seed, shape, kernel, stride):
    kernel = tuple(min(k, size) for k, size in zip(kernel, shape[2:], strict=True))
    x = shuffled(seed, *shape)
    images = Tensor(x, dtype=np.float64)
    np.testing.assert_array_equal(MaxPool2d(kernel, stride)(images).data, pooled(x, kernel, stride, np.max))
    np.testing.assert_allclose(AvgPool2d(kernel, stride)(images).data, pooled(x, kernel, stride, np.mean), atol=1e-12)


@given(SEEDS, st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 4), st.integers(1, 4)), PAIRS, PAIRS)
def test_pooling_agrees_with_central_differences(seed, shape, kernel, stride):
    kernel = tuple(min(k, size) for k, size in zip(kernel, shape[2:], strict=True))
    x = shuffled(seed, *shape)
    check_gradient(MaxPool2d(kernel, stride), x)
    check_gradient(AvgPool2d(kernel, stride), x)


def gradient_of_pooling(layer, image, gradient):
    x = Tensor(np.array(image, dtype=np.float32)[None, None], requires_grad=True)
    layer(x).backward(np.array(gradient, dtype=np.float32)[None, None])
    return x.grad[0, 0].tolist()


def test_of_several_equal_largest_pixels_the_first_gets_the_gradient():
    image = [[7, 7, 1, 2], [7, 7, 3, 3]]
    assert gradient_of_pooling(MaxPool2d(2), image, [[5, 6]]) == [[5, 0, 0, 0], [0, 0, 6, 0]]
    assert gradient_of_pooling(MaxPool2d((1, 2), 1), [[4, 4, 4]], [[5, 6]]) == [[5, 6, 0]]
    assert gradient_of_pooling(MaxPool2d(2), np.full((2, 2), -np.inf), [[3]]) == [[3, 0], [0, 0]]


def test_a_pixel_in_several_windows_gets_all_their_gradients():
    assert gradient_of_pooling(MaxPool2d((1, 2), 1), [[1, 9, 2]], [[5, 6]]) == [[0, 11, 0]]
    assert gradient_of_pooling(AvgPool2d((1, 2), 1), [[1, 9, 2]], [[5, 6]]) == [[2.5, 5.5, 3]]


def test_what_fills_no_window_is_left_out():
    image = np.arange(15).reshape(3, 5)
    assert gradient_of_pooling(MaxPool2d(2), image, [[1, 2]]) == [[0] * 5, [0, 1, 0, 2, 0], [0] * 5]
    assert gradient_of_pooling(AvgPool2d(2), image, [[4, 8]]) == [[1, 1, 2, 2, 0], [1, 1, 2, 2, 0], [0] * 5]


def test_a_nan_comes_through_pooling_and_keeps_its_gradient():
    image = [[1, math.nan], [3, 2]]
    assert math.isnan(MaxPool2d(2)(Tensor([[image]])).item()) and math.isnan(AvgPool2d(2)(Tensor([[image]])).item())
    assert np.sum(gradient_of_pooling(MaxPool2d(2), image, [[5]])) == 5


def test_the_mean_of_bytes_does_not_overflow():
    assert AvgPool2d(2)(Tensor(np.full((1, 1, 2, 2), 255, dtype=np.uint8))).item() == 255.0


def test_pooling_leaves_the_images_as_they_were():
    x = Tensor(shuffled(0, 1, 1, 4, 4))
    before = x.data.copy()
    MaxPool2d(2)(x)
    AvgPool2d(2)(x)
    assert np.array_equal(x.data, before)


@pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])
def test_pooling_names_its_sizes_and_refuses_impossible_ones(kind):
    assert (kind(3).kernel_size, kind(3).stride, kind((2, 3), 1).stride) == ((3, 3), (3, 3), (1, 1))
    assert repr(kind(2, (1, 2))) == f"{kind.__name__}(kernel_size=(2, 2), stride=(1, 2))"
    for arguments, words in [
        ((0,), "kernel_size is 0; it must be at least 1"),
        ((2, 0), "stride is 0; it must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=f"^{kind.__name__}: {words}"):
            kind(*arguments)
    for shape, words in [((1, 1, 1, 2), "the kernel needs 2 x 2"), ((1, 2, 2), "add a batch axis")]:
        with pytest.raises(ValueError, match=f"^{kind.__name__}: x has shape .*{words}"):
            kind(2)(np.zeros(shape))
    assert kind(2)([[[[1, 1], [1, 1]]]]).data.tolist() == [[[[1.0]]]]


# Batch normalization


def test_statistics_are_those_of_each_channel():
    x = normal(0, 3, 2, 4, 5) * 3 + 1
    mean, variance = batch_statistics(x)
    for channel in range(2):
        values = x[:, channel].ravel()
        expected = sum(values) / 60
        assert mean[channel] == pytest.approx(expected)
        assert variance[channel] == pytest.approx(sum((values - expected) ** 2) / 60)


def test_statistics_far_from_zero_keep_their_digits():
    x = 10000 + np.tile(np.array([-1, 1], dtype=np.float32), 50).reshape(1, 1, 10, 10)
    assert batch_statistics(x)[1].tolist() == [1.0]


def test_batch_normalization_worked_out_by_hand():
    layer = BatchNorm2d(2, eps=0.0, momentum=0.25)
    layer.weight.data, layer.bias.data = np.array([2.0, 1.0]), np.array([0.0, 10.0])
    x = Tensor(np.array([[[[1.0, 3.0]], [[0.0, 0.0]]], [[[1.0, 3.0]], [[8.0, 8.0]]]]), dtype=np.float64)
    assert layer(x).data.tolist() == [[[[-2, 2]], [[9, 9]]], [[[-2, 2]], [[11, 11]]]]
    # means 2 and 4, sums of squares 4 and 64 divided by 4 - 1, each with a weight of a quarter
    np.testing.assert_allclose(layer.running_mean, [0.5, 1.0])
    np.testing.assert_allclose(layer.running_var, [0.75 + 0.25 * 4 / 3, 0.75 + 0.25 * 64 / 3], rtol=1e-6)
    layer(x)
    np.testing.assert_allclose(layer.running_mean, [0.75 * 0.5 + 0.5, 0.75 * 1 + 1])
    assert layer.running_mean.dtype == layer.running_var.dtype == np.float32


def test_eps_is_added_to_the_variance():
    layer = BatchNorm2d(1, eps=0.75)
    assert layer(Tensor([[[[0.0, 1.0]]]])).data.tolist() == [[[[-0.5, 0.5]]]]
    assert BatchNorm2d(1).eps == 1e-5 and BatchNorm2d(1).momentum == 0.1


def test_after_eval_an_image_is_normalized_by_the_running_values_alone():
    layer = BatchNorm2d(1, eps=0.0).eval()
    layer.running_mean[:], layer.running_var[:] = 3.0, 4.0
    assert layer(Tensor([[[[5.0]]]])).data.tolist() == [[[[1.0]]]]
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([3.0], [4.0])
    layer.train()
    layer(Tensor([[[[5.0, 7.0]]]]))
    assert layer.running_mean.tolist() != [3.0]


@pytest.mark.parametrize("training", [True, False])
@given(SEEDS, st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(2, 3)))
def test_batch_normalization_agrees_with_central_differences(training, seed, shape):
    layer = BatchNorm2d(shape[1], eps=0.1).train(training)
    layer.running_mean += 0.5
    layer.running_var += 0.5

    def normalize(x, weight, bias):
        mean, variance = batch_statistics(x.data) if training else (layer.running_mean, layer.running_var)
        return spatial.BatchNorm2dFunction.apply(x, weight, bias, mean, variance, 0.1, training)

    x, weight, bias = normal(seed, *shape), normal(seed + 1, shape[1]), normal(seed + 2, shape[1])
    check_gradient(normalize, x, weight, bias)
    layer.weight.data, layer.bias.data = weight, bias
    check_gradient(layer, x)


def test_a_graph_keeps_the_running_values_it_was_made_with():
    layer, x = BatchNorm2d(1, eps=0.0).eval(), Tensor([[[[1.0, 3.0]]]], requires_grad=True)
    out = layer(x)
    layer.train()(Tensor([[[[50.0, 90.0]]]]))
    out.backward(np.array([[[[2.0, 5.0]]]]))
    assert x.grad.tolist() == [[[[2.0, 5.0]]]] and layer.weight.grad.tolist() == [17.0]


def test_a_single_number_in_the_whole_batch_is_refused_too():
    with pytest.raises(ValueError, match="one value a channel"):
        BatchNorm2d(1)(np.ones((1, 1, 1, 1)))


def test_images_without_pixels_are_passed_on():
    layer = BatchNorm2d(2)
    assert layer(np.ones((3, 2, 0, 4))).shape == (3, 2, 0, 4) and layer.running_var.tolist() == [1.0, 1.0]
    assert layer(np.ones((3, 2, 4, 0))).shape == (3, 2, 4, 0)


def test_parameters_get_gradients_where_the_images_need_none():
    layer = BatchNorm2d(1, eps=0.0)
    layer(Tensor([[[[1.0, 3.0]]]])).backward(np.array([[[[2.0, 5.0]]]]))
    assert layer.weight.grad.tolist() == [3.0] and layer.bias.grad.tolist() == [7.0]


def test_images_get_a_gradient_beside_frozen_parameters():
    layer, x = BatchNorm2d(1, eps=0.0).eval(), Tensor([[[[1.0, 3.0]]]], requires_grad=True)
    layer.weight.requires_grad = layer.bias.requires_grad = False
    layer(x).sum().backward()
    assert x.grad.tolist() == [[[[1.0, 1.0]]]] and layer.weight.grad is None


def test_one_value_a_channel_is_refused_and_nothing_has_changed():
    layer = BatchNorm2d(2)
    with pytest.raises(
        ValueError, match=r"^BatchNorm2d: x has shape \(1, 2, 1, 1\): one value a channel has no spread"
    ):
        layer(np.ones((1, 2, 1, 1)))
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([0.0, 0.0], [1.0, 1.0])
    assert layer.eval()(np.ones((1, 2, 1, 1))).shape == (1, 2, 1, 1)
    assert layer.train()(np.ones((2, 2, 1, 1))).shape == (2, 2, 1, 1)


@pytest.mark.parametrize(
    "shape, words", [((2, 3, 4, 4), "3 channels, and the layer needs 2"), ((2, 4, 4), "add a batch axis")]
)
def test_images_that_do_not_fit_are_refused_and_the_running_values_stay(shape, words):
    layer = BatchNorm2d(2)
    with pytest.raises(ValueError, match=f"^BatchNorm2d: x has shape .*{words}"):
        layer(np.ones(shape))
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([0.0, 0.0], [1.0, 1.0])


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ((0,), ValueError, "num_features is 0"),
        ((2.0,), TypeError, "num_features is 2.0"),
        ((1, -1e-5), ValueError, "eps is -1e-05"),
        ((1, 1e-5, 1.5), ValueError, "momentum is 1.5"),
        ((1, 1e-5, None), TypeError, "momentum is None"),
    ],
)
def test_batch_normalization_with_impossible_arguments_is_refused(arguments, error, words):
    with pytest.raises(error, match="^BatchNorm2d: " + words):
        BatchNorm2d(*arguments)


def test_running_values_are_saved_and_loaded_but_not_learned():
    layer, other = BatchNorm2d(2), BatchNorm2d(2)
    layer(Tensor(normal(0, 2, 2, 3, 3)))
    assert sorted(layer.state_dict()) == ["bias", "running_mean", "running_var", "weight"]
    assert [name for name, parameter in layer.named_parameters()] == ["weight", "bias"]
    other.load_state_dict(layer.state_dict())
    assert np.array_equal(other.running_mean, layer.running_mean) and np.array_equal(
        other.running_var, layer.running_var
    )
    assert repr(layer) == "BatchNorm2d(2, eps=1e-05, momentum=0.1)"
    assert layer.weight.data.tolist() == [1.0, 1.0] and layer.bias.data.tolist() == [0.0, 0.0]
    assert {array.dtype for array in layer.state_dict().values()} == {np.dtype(np.float32)}


# Flatten, empty batches, and all of it together


def test_flatten_makes_one_vector_of_each_image():
    x = Tensor(normal(0, 2, 3, 4, 5))
    flat = Flatten()(x)
    assert flat.shape == (2, 60) and np.shares_memory(flat.data, x.data)
    assert flat.data[1].tolist() == x.data[1].ravel().tolist()
    assert Flatten()([1, 2, 3]).shape == (3, 1)
    assert Flatten()(np.zeros((0, 3, 4))).shape == (0, 12)
    check_gradient(Flatten(), normal(0, 2, 3, 2))
    with pytest.raises(ValueError, match=r"^Flatten: x has shape \(\)"):
        Flatten()(3.0)


@pytest.mark.parametrize(
    "layer, shape",
    [
        (Conv2d(3, 4, 3, padding=1), (0, 4, 6, 6)),
        (MaxPool2d(2), (0, 3, 3, 3)),
        (AvgPool2d(2), (0, 3, 3, 3)),
        (BatchNorm2d(3), (0, 3, 6, 6)),
        (BatchNorm2d(3).eval(), (0, 3, 6, 6)),
        (Flatten(), (0, 108)),
    ],
)
def test_an_empty_batch_gives_an_empty_result_and_gradients_of_zero(layer, shape):
    x = Tensor(np.zeros((0, 3, 6, 6)), requires_grad=True)
    buffers = {name: getattr(layer, name).copy() for name in layer.buffers}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = layer(x)
        out.sum().backward()
    assert out.shape == shape and x.grad.shape == (0, 3, 6, 6)
    assert all(not parameter.grad.any() for parameter in layer.parameters())
    assert all(np.array_equal(getattr(layer, name), before) for name, before in buffers.items())


def test_an_empty_batch_of_images_that_are_too_small_is_still_refused():
    with pytest.raises(ValueError, match=r"MaxPool2d: x has shape .*the kernel needs 7 x 7"):
        MaxPool2d(7)(np.zeros((0, 3, 6, 6)))


def test_nothing_is_remembered_without_recording():
    x = Tensor(normal(0, 2, 3, 4, 4), requires_grad=True)
    with no_grad():
        for layer in (Conv2d(3, 2, 3), MaxPool2d(2), AvgPool2d(2), BatchNorm2d(3), Flatten()):
            assert not layer(x).requires_grad


def test_a_small_network_learns_to_tell_horizontal_from_vertical_lines():
    rng = np.random.default_rng(0)
    images, targets = rng.normal(0, 0.3, (40, 1, 8, 8)).astype(np.float32), np.arange(40) % 2
    for image, target in zip(images, targets, strict=True):
        where = rng.integers(0, 8)
        image[0, where] += 1 - target
        image[0, :, where] += target
    model = Sequential(
        Conv2d(1, 4, 3, padding=1, rng=1),
        BatchNorm2d(4),
        MaxPool2d(2),
        Conv2d(4, 4, 3, rng=2),
        AvgPool2d(2),
        Flatten(),
        Linear(4, 2, rng=3),
    )
    losses = []
    for _ in range(40):
        loss = CrossEntropyLoss()(model(Tensor(images)), Tensor(targets))
        losses.append(loss.item())
        loss.backward()
        for parameter in model.parameters():
            parameter.data -= 0.3 * parameter.grad
            parameter.zero_grad()
    assert losses[-1] < losses[0] / 3


@pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])
def test_the_border_of_a_pool_is_at_most_half_a_window(kind):
    assert kind(3, padding=1)(Tensor(np.ones((1, 1, 4, 4)))).shape == (1, 1, 2, 2)
    assert "padding=(1, 0)" in repr(kind((2, 3), padding=(1, 0))) and "padding" not in repr(kind(2))
    with pytest.raises(ValueError, match=rf"{kind.__name__}: padding is 2 and kernel_size 3; the padding may be at"):
        kind(3, padding=2)


def test_the_border_of_a_maximum_is_below_every_number():
    for dtype in (np.float32, np.int64, bool):
        image = Tensor(np.full((1, 1, 2, 2), 0 if dtype is bool else -5), dtype=dtype)
        assert (MaxPool2d(2, padding=1)(image).data == image.data[0, 0, 0, 0]).all()
