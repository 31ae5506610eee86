"""Quantization: float32 numbers stored as 8-bit integers, and a model that computes with them.

Built in chapter 15. Depends on `tensor`, `layers`, `autograd`, `spatial` and `profiling`.

The file reads from top to bottom: a range of numbers becomes a scale and a zero point, numbers
become int8 and come back (`quantize_int8`, `dequantize_int8`), two int8 matrices are multiplied
exactly (`int8_matmul`) and their sums become numbers again (`rescale`), and then Linear, Conv2d and
a whole model are rebuilt on these pieces.

    real number  ~  (q - zero_point) * scale          q an integer from -128 to 127

References: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference"; Krishnamoorthi 2018, "Quantizing deep convolutional networks
for efficient inference".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.core.autograd import is_grad_enabled, no_grad
from tinytorch.core.layers import Layer, Linear
from tinytorch.core.spatial import Conv2d, blocks, check_images, conv_output_size, im2col, pad_images
from tinytorch.core.tensor import Tensor, check_axis, from_numpy, read_numbers
from tinytorch.perf import kernels
from tinytorch.perf.profiling import bytes_of, readable_bytes

LOWEST, HIGHEST = -128, 127  # what an int8 holds
LARGEST, SMALLEST = np.finfo(np.float32).max, np.finfo(np.float32).tiny
STEPS = HIGHEST - LOWEST  # 255 steps lie between the lowest and the highest

# A float32 holds every whole number up to 2 ** 24, and two int8 multiply to at most 2 ** 14:
# sums of 2 ** 10 such products are exact, in whatever order they are added.
EXACT_TERMS = 2**24 // 2**14

# The largest sum an int32 holds, counted in products of two int8.
INT32_TERMS = (2**31 - 1) // 2**14
LONGEST_ROW = (2**31 - 1) // (STEPS * 2**7)  # with a zero point, an input is up to 255 steps from 0


# From numbers to a scale and a zero point.


def to_float32(name: str, x: Any) -> np.ndarray:
    """Return `x` as a float32 array; ValueError where a number is NaN, infinite or beyond float32.

    >>> to_float32("quantize_int8", [1, 2]).dtype
    dtype('float32')
    """
    with np.errstate(over="ignore"):
        array = read_numbers(x).astype(np.float32, copy=False)
    odd = kernels.fastest("count_odd", count_odd)(array)
    if odd:
        raise ValueError(
            f"{name}: {odd} of {array.size} values are NaN, infinite or beyond float32; int8 "
            "has no code for them, so find where they come from first"
        )
    return array


def count_odd(array: np.ndarray) -> int:
    """Return how many numbers of an array are NaN or infinite.

    >>> count_odd(np.float32([1, np.nan, -np.inf]))
    2
    """
    return array.size - int(np.count_nonzero(np.isfinite(array)))


def value_range(x: np.ndarray, axis: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest value of `x`, widened so that 0 lies between them.

    Zero must have an exact code: padding, masks and ReLU produce it all the time. With an axis, each
    position along it has a range of its own; both results have x's axes, all of size 1 but that one.

    >>> low, high = value_range(np.array([[1.0, 3.0], [-2.0, -1.0]]), axis=0)
    >>> low.ravel().tolist(), high.ravel().tolist()
    ([0.0, -2.0], [3.0, 0.0])
    """
    others = tuple(k for k in range(x.ndim) if k != axis)
    low = np.min(x, axis=others, keepdims=True, initial=0)
    high = np.max(x, axis=others, keepdims=True, initial=0)
    return low, high


def scale_and_zero_point(low: np.ndarray, high: np.ndarray, symmetric: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the scale (> 0, float32) and the zero point (int32) that map ranges onto the codes of int8.

    Affine: low becomes -128 and high becomes 127. Symmetric: zero stays 0, and the larger of
    -low and high becomes 127 (-128 is not used, so that -x has the code -q).
    A range too narrow for float32 to divide, such as that of all zeros, gets scale 1.

    Parameters
    ----------
    low, high : float32 ndarrays of one shape, low <= 0 <= high

    >>> scale, zero_point = scale_and_zero_point(np.float32([0]), np.float32([255]))
    >>> scale.tolist(), zero_point.tolist()
    ([1.0], [-128])
    """
    if symmetric:
        scale = np.maximum(-low, high) / HIGHEST
    else:
        scale = high / STEPS - low / STEPS  # high - low could overflow
    scale = np.where(scale < SMALLEST, 1, scale).astype(np.float32)
    zero_point = np.zeros_like(scale) if symmetric else LOWEST - np.rint(low / scale)
    return scale, zero_point.astype(np.int32)


def quantize_with(x: np.ndarray, scale: Any, zero_point: Any) -> np.ndarray:
    """Return round(x / scale) + zero_point as int8; what lies outside saturates at -128 or 127.

    Halves go to the even neighbour (0.5 to 0, 1.5 to 2), so that rounding has no direction on average.

    Parameters
    ----------
    x : float32 ndarray of any shape
    scale, zero_point : numbers, or arrays that broadcast to `x`

    Cost: 4 FLOPs an element (divide, round, add, clip), and arrays of x's size on the way.

    >>> quantize_with(np.float32([0.5, 1.5, 2.5, 1000]), 1.0, 0).tolist()
    [0, 2, 2, 127]
    """
    codes = np.rint(x / scale) + zero_point
    return np.clip(codes, LOWEST, HIGHEST).astype(np.int8)


def quantize_int8(x: Any, symmetric: bool = False, axis: int | None = None) -> tuple[np.ndarray, Any, Any]:
    """Return int8 codes for `x`, with the scale and the zero point that turn them back.

    Parameters
    ----------
    x : Tensor, ndarray or list of finite numbers, of any shape
    symmetric : bool; True puts the code of zero at 0 (for weights), False uses all 256 codes
        (for activations, which are often all positive)
    axis : int, or None for one scale; with an axis, each position along it has its own scale

    Returns
    -------
    q : int8 ndarray of x's shape
    scale : float, or float32 ndarray with x's number of axes, of size 1 except along `axis`
    zero_point : int, or int32 ndarray of scale's shape

    Raises
    ------
    ValueError: NaN or infinity, or no such axis. TypeError: no numbers, or an axis that is no integer.

    Cost: 1 byte an element instead of 4; about 6 operations an element.
    The error of an element is at most scale / 2 (and float32's own rounding).

    >>> q, scale, zero_point = quantize_int8([-1.0, 0.0, 1.0], symmetric=True)
    >>> q.tolist(), round(scale, 5), zero_point
    ([-127, 0, 127], 0.00787, 0)
    """
    x = to_float32("quantize_int8", x)
    if axis is not None:
        axis = check_axis("quantize_int8", axis, x.shape)
    scale, zero_point = scale_and_zero_point(*value_range(x, axis), symmetric)
    q = quantize_with(x, scale, zero_point)
    if axis is None:
        return q, scale.item(), zero_point.item()
    return q, scale, zero_point


def dequantize_int8(q: np.ndarray, scale: Any, zero_point: Any) -> np.ndarray:
    """Return the float32 numbers that int8 codes stand for: (q - zero_point) * scale.

    Parameters
    ----------
    q : int8 ndarray of any shape
    scale, zero_point : as `quantize_int8` returned them

    Raises
    ------
    TypeError: `q` is not int8.
    ValueError: a scale is not a positive number, or does not broadcast to q's shape.

    Cost: 2 FLOPs and 4 bytes an element.

    >>> dequantize_int8(np.int8([-128, 127]), 1.0, -128).tolist()
    [0.0, 255.0]
    """
    check_codes(q, scale, zero_point)
    steps = np.subtract(q, zero_point, dtype=np.float32)
    with np.errstate(over="ignore"):
        numbers = np.multiply(steps, scale, dtype=np.float32)
    return np.clip(numbers, -LARGEST, LARGEST)  # half a step beyond float32 is not infinite


def check_codes(q: Any, scale: Any, zero_point: Any) -> None:
    """Raise unless `q` is int8, every scale is a positive number, and both broadcast to q's shape."""
    if getattr(q, "dtype", None) != np.int8:
        found = getattr(q, "dtype", type(q).__name__)
        raise TypeError(f"dequantize_int8: q must be an int8 array; got {found}")
    scale = np.asarray(scale, np.float32)
    if not (np.isfinite(scale) & (scale > 0)).all():
        raise ValueError(f"dequantize_int8: every scale must be a positive number; got {scale.ravel()[:3]}")
    shapes = np.shape(scale), np.shape(zero_point)
    if any(
        len(shape) > q.ndim or any(size not in (1, have) for size, have in zip(shape[::-1], q.shape[::-1]))
        for shape in shapes
    ):
        raise ValueError(
            f"dequantize_int8: scale of shape {shapes[0]} and zero point of shape {shapes[1]} "
            f"do not broadcast to q of shape {q.shape}; pass them as quantize_int8 gave them"
        )


# Integer arithmetic.


def int8_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the exact product (M, K) @ (K, N) of two int8 matrices, summed in int32.

    The work is done by `exact_float32_matmul`, or by a machine's own integer kernel where
    `tinytorch.perf.kernels` was given one.

    Raises
    ------
    TypeError: a matrix is not int8.
    ValueError: not two matrices, inner sizes that differ, or K > 131071 (int32 could overflow).

    Cost: 2 * M * K * N integer operations.

    >>> product = int8_matmul(np.int8([[1, 2]]), np.int8([[3], [-4]]))
    >>> product.tolist(), product.dtype.name
    ([[-5]], 'int32')
    """
    check_int8_matrices(a, b)
    return kernels.fastest("int8_matmul", exact_float32_matmul)(a, b)


def exact_float32_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the exact product (M, K) @ (K, N) of two int8 matrices, computed in float32, as int32.

    NumPy multiplies integer matrices with a plain loop, 20 to 50 times slower than float32. A
    float32 that holds a whole number up to 2 ** 24 is exact, though, so blocks of 1024 columns
    of `a` and rows of `b` are multiplied in float32 without rounding anything, and the blocks'
    sums are added as int32.

    Cost: 2 * M * K * N FLOPs; 4 bytes for each element of one block of `a` and `b`.

    >>> exact_float32_matmul(np.int8([[1, 2]]), np.int8([[3], [-4]])).tolist()
    [[-5]]
    """
    total = np.zeros((a.shape[0], b.shape[1]), np.int32)
    for start in range(0, a.shape[1], EXACT_TERMS):
        stop = start + EXACT_TERMS
        block = a[:, start:stop].astype(np.float32) @ b[start:stop].astype(np.float32)
        total += block.astype(np.int32)
    return total


def check_int8_matrices(a: np.ndarray, b: np.ndarray) -> None:
    """Raise unless `a` and `b` are int8 matrices that can be multiplied in int32."""
    kinds = [getattr(side, "dtype", type(side).__name__) for side in (a, b)]
    if kinds != [np.int8, np.int8]:
        raise TypeError(f"int8_matmul: both matrices must be int8 arrays; got {kinds[0]} and {kinds[1]}")
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"int8_matmul: {a.shape} @ {b.shape}: needs shapes (M, K) and (K, N) with equal K")
    if a.shape[1] > INT32_TERMS:
        raise ValueError(
            f"int8_matmul: {a.shape} @ {b.shape}: sums of more than {INT32_TERMS} products can "
            "exceed int32; split the inner axis"
        )


def rescale(
    sums: np.ndarray, zero_point: Any, weight_sums: np.ndarray, scale: np.ndarray, bias: Any = None
) -> np.ndarray:
    """Return the numbers that sums of products of codes stand for: (sums - zero_point * weight_sums) * scale + bias.

    A sum over k of (q_x - z) * q_w is the sum of q_x * q_w, less z times the sum of q_w, which never
    changes and is known beforehand.

    Parameters
    ----------
    sums : int32 ndarray of shape (M, N), as `int8_matmul` gives it
    zero_point : int, that of the inputs
    weight_sums : int32 ndarray that broadcasts to sums: the weights' codes, summed over the inner axis
    scale : float32 ndarray that broadcasts to sums: the scale of the inputs times those of the weights
    bias : float32 ndarray that broadcasts to sums, or None

    Returns
    -------
    float32 ndarray of shape (M, N)

    Cost: 4 operations a sum. All sums stay integers until the one multiplication with the scale.

    >>> rescale(np.int32([[100]]), 2, np.int32([10]), np.float32([0.5]), np.float32([1.0])).tolist()
    [[41.0]]
    """
    sums = sums - zero_point * weight_sums
    numbers = np.multiply(sums, scale, dtype=np.float32)
    if bias is not None:
        numbers += bias
    return numbers


# Calibration.


class RangeObserver:
    """Watches the values that reach a place in a model, and says which range they need.

    Parameters
    ----------
    percentile : float above 50 and up to 100; below 100, each batch gives away the few values
        beyond it at both ends, so that one outlier does not stretch the steps for all the others

    Attributes
    ----------
    low, high : float, the range so far, with 0 inside; None before anything was observed

    >>> observer = RangeObserver()
    >>> observer.observe(np.float32([1.0, 4.0]))
    >>> observer.observe(np.float32([-2.0]))
    >>> observer.low, observer.high
    (-2.0, 4.0)
    """

    def __init__(self, percentile: float = 100.0) -> None:
        if not 50 < percentile <= 100:
            raise ValueError(f"RangeObserver: percentile is {percentile}; it must be above 50 and at most 100")
        self.percentile = percentile
        self.low: float | None = None
        self.high: float | None = None

    def observe(self, x: Any) -> None:
        """Widen the range so that it holds the values of `x`; ValueError for NaN or infinity."""
        x = to_float32("RangeObserver", x)
        if x.size == 0:
            return
        low, high = np.percentile(x, [100 - self.percentile, self.percentile])
        self.low = min(0.0 if self.low is None else self.low, float(low))
        self.high = max(0.0 if self.high is None else self.high, float(high))

    def scale_and_zero_point(self) -> tuple[float, int]:
        """Return the affine scale and zero point of the range; ValueError before anything was observed.

        >>> observer = RangeObserver()
        >>> observer.observe([0.0, 255.0])
        >>> observer.scale_and_zero_point()
        (1.0, -128)
        """
        if self.low is None:
            raise ValueError(
                "RangeObserver: nothing has been observed; run the calibration data through the model first"
            )
        scale, zero_point = scale_and_zero_point(np.float32(self.low), np.float32(self.high))
        return scale.item(), zero_point.item()


# Layers.


class QuantizedLayer(Layer):
    """What the quantized layers share: int8 weights with a scale for each output, inputs with one scale.

    The weights are symmetric, the inputs affine, with a scale and a zero point that were fixed by
    calibration. With x = (q_x - z) * s_x and w = q_w * s_w a sum of products becomes

        sum of x * w = (sum of q_x * q_w - z * sum of q_w) * s_x * s_w

    where everything inside the brackets is an integer.

    Parameters
    ----------
    weight : int8 ndarray; `outputs`, which each subclass names, is its axis of outputs
    weight_scale : float32 ndarray, one number for each output
    bias : float32 ndarray, one number for each output, or None
    input_scale, input_zero_point : float and int, as `RangeObserver.scale_and_zero_point` gives them

    Attributes
    ----------
    weight_sums : int32 ndarray, for each output the sum of its codes

    Raises
    ------
    ValueError: an output sums more than 65,793 products, which int32 might not hold.

    References: Jacob et al. 2018, section 2.
    """

    outputs = 0
    buffers = ("weight", "weight_scale", "weight_sums", "input_scale", "input_zero_point")

    def __init__(
        self,
        weight: np.ndarray,
        weight_scale: np.ndarray,
        bias: np.ndarray | None,
        input_scale: float,
        input_zero_point: int,
    ) -> None:
        count = weight.shape[self.outputs]
        self.products = weight.size // count
        if self.products > LONGEST_ROW:
            raise ValueError(
                f"{type(self).__name__}: in_features is {self.products}; sums of more than "
                f"{LONGEST_ROW} products can exceed int32 with a zero point, so split the layer"
            )
        others = tuple(axis for axis in range(weight.ndim) if axis != self.outputs)
        self.weight = weight
        self.weight_scale = weight_scale.reshape(count)
        self.weight_sums = weight.sum(axis=others, dtype=np.int32)
        self.input_scale = np.array(input_scale, np.float32)
        self.input_zero_point = np.array(input_zero_point, np.int32)
        self.bias = bias
        if bias is not None:
            self.buffers = (*self.buffers, "bias")

    @classmethod
    def settings(cls, layer: Layer, calibration: RangeObserver) -> tuple:
        """Return the arguments that make the quantized twin of a layer, for inputs as they were observed."""
        q, scale, _ = quantize_int8(layer.weight.data, symmetric=True, axis=cls.outputs)
        bias = None if layer.bias is None else layer.bias.data.astype(np.float32)
        return q, scale, bias, *calibration.scale_and_zero_point()

    def codes(self, x: Tensor) -> np.ndarray:
        """Return x as int8 codes, of the scale and zero point that calibration has fixed; values outside saturate.

        Raises
        ------
        ValueError: x holds NaN or infinity. RuntimeError: x requires a gradient; rounding has none.
        """
        name = type(self).__name__
        if is_grad_enabled() and getattr(x, "requires_grad", False):
            raise RuntimeError(
                f"{name}: x requires a gradient, and rounding to integers has none; "
                "use the quantized model inside no_grad()"
            )
        numbers = to_float32(name, x)
        return kernels.fastest("quantize_with", quantize_with)(
            numbers, self.input_scale.item(), self.input_zero_point.item()
        )

    def numbers(self, sums: np.ndarray, down: bool = False) -> np.ndarray:
        """Return sums of products of codes as float32, outputs along the columns or, with `down`, the rows."""
        each = [self.weight_sums, self.input_scale * self.weight_scale, self.bias]
        if down:
            each = [one if one is None else one[:, None] for one in each]
        return kernels.fastest("rescale", rescale)(sums, self.input_zero_point.item(), *each)

    def work(self, output: Tensor, x: Tensor) -> tuple[int, int]:
        """Return the operations and the bytes of one call, which a profiler cannot see: it is all NumPy.

        An input is divided, rounded, added to and clipped; an output corrected, scaled and gets its bias.

        >>> layer = quantize_model(Linear(4, 3), np.ones((1, 4)))
        >>> x = Tensor(np.ones((3, 4)))
        >>> layer.work(layer(x), x)
        (153, 132)
        """
        once = 2 * len(self.weight_sums)  # zero point times sums, scale times scales
        flops = 2 * self.products * output.size + 4 * x.size + 2 * output.size + once
        held = [self.weight, self.weight_scale, self.weight_sums]
        if self.bias is not None:
            flops += output.size
            held.append(self.bias)
        return flops, sum(array.nbytes for array in (read_numbers(x), *held, output.data))


class QuantizedLinear(QuantizedLayer):
    """A Linear layer that holds int8 weights and computes its products in integers.

    Parameters
    ----------
    weight : int8 ndarray of shape (in_features, out_features)
    weight_scale, bias, input_scale, input_zero_point : as for `QuantizedLayer`

    >>> observer = RangeObserver()
    >>> observer.observe([-1.0, 1.0])
    >>> linear = Linear(4, 3, rng=0)
    >>> layer = QuantizedLinear.from_linear(linear, observer)
    >>> layer, layer.weight.dtype
    (QuantizedLinear(in_features=4, out_features=3, bias=True), dtype('int8'))
    """

    outputs = 1

    @classmethod
    def from_linear(cls, linear: Linear, calibration: RangeObserver) -> QuantizedLinear:
        """Return the quantized twin of a Linear layer, which stays as it is, for inputs as observed.

        Raises
        ------
        TypeError: no Linear. ValueError: weights that are not finite, or nothing was observed.

        Cost: 1 byte for each weight, 8 for each output, and the bias.
        """
        if not isinstance(linear, Linear):
            raise TypeError(f"QuantizedLinear.from_linear: got {type(linear).__name__}; it needs a Linear layer")
        return cls(*cls.settings(linear, calibration))

    def forward(self, x: Tensor) -> Tensor:
        """Return x @ weight + bias, the product in integers.

        Parameters
        ----------
        x : Tensor of shape (…, in_features); values outside the calibrated range saturate

        Returns
        -------
        Tensor of float32, of shape (…, out_features)

        Raises
        ------
        ValueError: the last axis is not in_features long, or x holds NaN or infinity.
        RuntimeError: x requires a gradient; rounding has none.

        Cost: see `work`; most are 2 * in_features * out_features integer operations a row.
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        inputs, outputs = self.weight.shape
        if x.shape[-1:] != (inputs,):
            raise ValueError(
                f"QuantizedLinear: x has shape {x.shape} and the layer in_features={inputs}; "
                f"the last axis of x must have {inputs} values"
            )
        q = self.codes(x).reshape(-1, inputs)  # (…, K) -> (M, K)
        out = self.numbers(int8_matmul(q, self.weight))
        return from_numpy(out.reshape(x.shape[:-1] + (outputs,)))  # (M, N) -> (…, N)

    def extra_repr(self) -> str:
        """Return the arguments, as the layer is printed."""
        inputs, outputs = self.weight.shape
        return f"in_features={inputs}, out_features={outputs}, bias={self.bias is not None}"


class QuantizedConv2d(QuantizedLayer):
    """A Conv2d layer that holds int8 kernels and computes its products in integers.

    Parameters
    ----------
    weight : int8 ndarray of shape (out_channels, in_channels, rows, columns)
    weight_scale, bias, input_scale, input_zero_point : as for `QuantizedLayer`
    stride, padding : pairs of int

    >>> layer = quantize_model(Conv2d(1, 2, 3, padding=1, rng=0), np.ones((1, 1, 4, 4)))
    >>> layer
    QuantizedConv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=True)
    """

    outputs = 0

    def __init__(
        self,
        weight: np.ndarray,
        weight_scale: np.ndarray,
        bias: np.ndarray | None,
        input_scale: float,
        input_zero_point: int,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__(weight, weight_scale, bias, input_scale, input_zero_point)
        self.stride, self.padding = stride, padding

    @classmethod
    def from_conv2d(cls, conv: Conv2d, calibration: RangeObserver) -> QuantizedConv2d:
        """Return the quantized twin of a Conv2d layer, which stays as it is, for inputs as observed.

        Raises
        ------
        TypeError: no Conv2d. ValueError: weights that are not finite, or nothing was observed.

        Cost: 1 byte for each weight, 8 for each kernel, and the bias.
        """
        if not isinstance(conv, Conv2d):
            raise TypeError(f"QuantizedConv2d.from_conv2d: got {type(conv).__name__}; it needs a Conv2d layer")
        return cls(*cls.settings(conv, calibration), conv.stride, conv.padding)

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of a batch of images with all kernels, its sums in integers.

        The border of the images is what 0 is in codes: the zero point. The images' axis and that of
        the channels change places before `columns_of`, so that one product does many images.

        Parameters
        ----------
        x : Tensor of shape (N, in_channels, H, W); values outside the calibrated range saturate

        Returns
        -------
        Tensor of float32, of shape (N, out_channels, H_out, W_out)

        Raises
        ------
        ValueError: shapes as for `Conv2d`, or x holds NaN or infinity.
        RuntimeError: x requires a gradient; rounding has none.

        Cost: the products of `Conv2d` in integers, and columns of a quarter of its bytes.
        """
        x, N, H_out, W_out = self.images(x)
        q = pad_images(self.codes(x), self.padding, self.input_zero_point.item())
        O, kernel_size = len(self.weight), self.weight.shape[2:]
        weight = self.weight.reshape(O, -1)  # (O, C * rows * columns)
        out = np.empty((N, O, H_out * W_out), np.float32)
        for block in blocks(q, kernel_size, H_out * W_out):
            columns = kernels.fastest("columns", columns_of)(q[block].swapaxes(0, 1), kernel_size, self.stride)
            numbers = self.numbers(int8_matmul(weight, columns), down=True)  # (O, n * windows)
            out[block] = numbers.reshape(O, -1, H_out * W_out).swapaxes(0, 1)
        return from_numpy(out.reshape(N, O, H_out, W_out))

    def images(self, x: Any) -> tuple[Tensor, int, int, int]:
        """Return x as a Tensor, the number of images, and the sizes of the result; raise where x does not fit."""
        x = x if isinstance(x, Tensor) else Tensor(x)
        kernel_size = self.weight.shape[2:]
        check_images("QuantizedConv2d", x.shape, self.weight.shape[1], kernel_size, self.padding)
        sizes = [conv_output_size(x.shape[2 + k], kernel_size[k], self.stride[k], self.padding[k]) for k in (0, 1)]
        return x, len(x.data), *sizes

    def extra_repr(self) -> str:
        """Return the arguments, as the layer is printed."""
        outputs, inputs, *kernel_size = self.weight.shape
        return (
            f"{inputs}, {outputs}, kernel_size={tuple(kernel_size)}, stride={self.stride}, "
            f"padding={self.padding}, bias={self.bias is not None}"
        )


def columns_of(images: np.ndarray, kernel_size: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    """Return one matrix in which every window of many images is a column.

    Images and channels have changed places, so what `im2col` takes for the channels of a picture are
    the images: its rows, one for each place and each image, become rows of places and columns of images.

    Parameters
    ----------
    images : int8 ndarray of shape (C, n, H, W)

    Returns
    -------
    int8 ndarray of shape (C * rows * columns, n * windows)

    >>> columns_of(np.arange(8, dtype=np.int8).reshape(1, 2, 2, 2), (1, 2), (1, 1)).tolist()
    [[0, 2, 4, 6], [1, 3, 5, 7]]
    """
    columns = im2col(images, kernel_size, stride)  # (C, rows * columns * n, windows)
    return columns.reshape(len(images) * math.prod(kernel_size), -1)


def quantized_layer(layer: Layer, calibration: RangeObserver) -> QuantizedLayer:
    """Return the quantized twin of a Linear or a Conv2d.

    >>> observer = RangeObserver()
    >>> observer.observe([1.0])
    >>> quantized_layer(Linear(4, 3), observer)
    QuantizedLinear(in_features=4, out_features=3, bias=True)
    """
    if isinstance(layer, Conv2d):
        return QuantizedConv2d.from_conv2d(layer, calibration)
    return QuantizedLinear.from_linear(layer, calibration)


# A model.


def replace_layers(holder: Any, swap: Callable[[Layer], Layer], seen: list | None = None) -> None:
    """Put `swap(layer)` in the place of every Layer inside a Layer, list or dict, in place.

    Where `swap` returns the layer itself, the layers inside it are searched too; what is in `seen` was
    searched already.

    >>> from tinytorch.core.layers import Dropout, Sequential
    >>> model = Sequential(Linear(2, 2), Sequential(Dropout(0.5)))
    >>> replace_layers(model, lambda layer: Dropout(0.1) if isinstance(layer, Dropout) else layer)
    >>> model[1][0]
    Dropout(p=0.1)
    """
    seen = [] if seen is None else seen
    if any(holder is other for other in seen):  # a layer may hold its owner, or itself
        return
    seen.append(holder)
    members = vars(holder) if isinstance(holder, Layer) else holder
    for key, value in list(members.items() if isinstance(members, dict) else enumerate(members)):
        members[key] = swapped(value, swap, seen)


def swapped(value: Any, swap: Callable[[Layer], Layer], seen: list) -> Any:
    """Return what stands in the place of `value` after `replace_layers`.

    >>> swapped((1, "a"), lambda layer: layer, [])
    (1, 'a')
    """
    if isinstance(value, tuple):
        items = [swapped(item, swap, seen) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    found = swap(value) if isinstance(value, Layer) else value
    if found is value and isinstance(value, (Layer, list, dict)):
        replace_layers(value, swap, seen)
    return found


def inference_copy(model: Layer) -> Layer:
    """Return a copy of a model for use, not for training: in eval mode, its parameters frozen.

    >>> original = Linear(2, 2)
    >>> copy = inference_copy(original)
    >>> copy.weight is original.weight, copy.training, original.training
    (False, False, True)
    """
    import copy

    twin = copy.deepcopy(model).eval()
    for parameter in twin.parameters():
        parameter.requires_grad = False
        parameter.grad = None
    return twin


def observe_inputs(model: Layer, batches: Iterable[Any], percentile: float) -> dict[Layer, RangeObserver]:
    """Run batches through a model; return, for each Linear and Conv2d that was called, the range of its inputs.

    >>> layer = Linear(2, 2)
    >>> observe_inputs(layer, [np.float32([[1.0, -3.0]])], 100.0)[layer].low
    -3.0
    """
    observers = {layer: RangeObserver(percentile) for layer in (model, *model.sublayers()) if can_be_quantized(layer)}
    for layer, observer in observers.items():
        layer.forward = observing(layer.forward, observer)
    try:
        with no_grad():
            for batch in batches:
                first = batch[0] if isinstance(batch, (tuple, list)) else batch
                model(first if isinstance(first, Tensor) else Tensor(first))
    finally:
        for layer in observers:
            del layer.forward
    return {layer: observer for layer, observer in observers.items() if observer.low is not None}


def can_be_quantized(layer: Layer) -> bool:
    """Tell whether a layer is a Linear or a Conv2d, and computes what these compute.

    >>> can_be_quantized(Linear(2, 2)), can_be_quantized(Layer())
    (True, False)
    """
    return any(isinstance(layer, kind) and type(layer).forward is kind.forward for kind in (Linear, Conv2d))


def observing(forward: Callable[[Tensor], Tensor], observer: RangeObserver) -> Callable[[Tensor], Tensor]:
    """Return `forward` so that its input is also shown to an observer.

    >>> observer = RangeObserver()
    >>> observing(lambda x: x * 2, observer)(Tensor([5.0]))
    Tensor([10.], shape=(1,))
    >>> observer.high
    5.0
    """

    def watched(x: Tensor) -> Tensor:
        observer.observe(x)
        return forward(x)

    return watched


def quantize_model(model: Layer, calibration_data: Any, percentile: float = 100.0) -> Layer:
    """Return a copy of a model in which every Linear and Conv2d holds int8 and computes in integers.

    The calibration data goes through the copy once, and each layer's inputs fix its input scale.
    Layers of other kinds stay as they are, and so does one that the data never reached. The
    copy is in eval mode and its other parameters are frozen; `model` itself is unchanged.

    Parameters
    ----------
    model : Layer, with Linear and Conv2d layers at any depth
    calibration_data : Tensor or array, one batch; or an iterable of batches, such as a
        DataLoader, whose batches may be tuples with the input first
    percentile : float, as for RangeObserver

    Raises
    ------
    TypeError: `model` is no Layer.
    ValueError: there is no such layer in it, or no data reached one ("quantize_model: …").

    Cost: one copy of the model and one forward pass over the data.

    >>> from tinytorch.core.activations import ReLU
    >>> from tinytorch.core.layers import Sequential
    >>> model = Sequential(Linear(4, 8, rng=0), ReLU(), Linear(8, 2, rng=1))
    >>> x = Tensor(np.linspace(-1, 1, 12).reshape(3, 4))
    >>> quantized = quantize_model(model, x)
    >>> quantized[0], bool(np.abs(quantized(x).data - model(x).data).max() < 0.02)
    (QuantizedLinear(in_features=4, out_features=8, bias=True), True)
    """
    batches = check_calibration(model, calibration_data)
    small = inference_copy(model)
    observers = observe_inputs(small, batches, percentile)
    if not observers:
        raise ValueError(NOT_REACHED)
    quantized = {layer: quantized_layer(layer, observer) for layer, observer in observers.items()}
    holder = [small]  # the model itself may be a layer to replace
    replace_layers(holder, lambda layer: quantized.get(layer, layer))
    return holder[0]


NOT_REACHED = (
    "quantize_model: the calibration data reached no Linear and no Conv2d; check that the model "
    "has one and that there is at least one batch that is not empty"
)


def check_calibration(model: Any, calibration_data: Any) -> Iterable[Any]:
    """Return the calibration data as batches; raise where there is no model, or nothing to go through it.

    >>> len(check_calibration(Linear(2, 2), np.ones((5, 2))))
    1
    """
    if not isinstance(model, Layer):
        raise TypeError(f"quantize_model: got {type(model).__name__}; it needs a Layer")
    if not hasattr(calibration_data, "__iter__"):
        raise TypeError(
            f"quantize_model: calibration_data is {type(calibration_data).__name__}; pass an "
            "array of inputs or a list of batches"
        )
    return [calibration_data] if isinstance(calibration_data, (Tensor, np.ndarray)) else calibration_data


@dataclass(frozen=True)
class QuantizationReport:
    """What quantization changed: bytes before and after, and the names of the layers.

    Attributes
    ----------
    bytes_before, bytes_after : int, parameters and buffers
    quantized, kept : tuples of str, the names of layers that hold int8 now, and of Linear and Conv2d layers that do not

    >>> print(QuantizationReport(4000, 1000, ("fc1", "fc2"), ()))
    4 kB -> 1 kB (4.00x smaller); 2 layers quantized, 0 kept
    """

    bytes_before: int
    bytes_after: int
    quantized: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """How many times smaller the model became."""
        return self.bytes_before / self.bytes_after

    def __str__(self) -> str:
        """Return one line."""
        return (
            f"{readable_bytes(self.bytes_before)} -> {readable_bytes(self.bytes_after)} "
            f"({self.ratio:.2f}x smaller); {len(self.quantized)} layers quantized, "
            f"{len(self.kept)} kept"
        )


def quantization_report(model: Layer, quantized: Layer) -> QuantizationReport:
    """Return what `quantize_model` made of a model.

    >>> model = Linear(100, 10)
    >>> report = quantization_report(model, quantize_model(model, np.ones((1, 100))))
    >>> report.bytes_before, report.bytes_after
    (4040, 1128)
    """
    named = [("(model)", quantized), *quantized.named_layers()]
    return QuantizationReport(
        bytes_of(model.state_arrays()),
        bytes_of(quantized.state_arrays()),
        tuple(name for name, layer in named if isinstance(layer, QuantizedLayer)),
        tuple(name for name, layer in named if isinstance(layer, (Linear, Conv2d))),
    )
