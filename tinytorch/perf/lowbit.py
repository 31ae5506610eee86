"""Fewer than eight bits: two codes in a byte, and training that knows that weights will be rounded.

Built in chapter 15, by its further exercises. Depends on `tensor`, `layers`, `autograd` and `quantization`.

References: Bengio, Léonard and Courville 2013, "Estimating or propagating gradients through stochastic
neurons for conditional computation", for the gradient of a step; Esser et al. 2020, "Learned step size
quantization", for the first scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.core.autograd import Function
from tinytorch.core.layers import Linear
from tinytorch.core.tensor import Tensor, wrap
from tinytorch.perf.quantization import SMALLEST, to_float32

LOWEST_INT4, HIGHEST_INT4 = -8, 7  # what four bits hold


# Two codes in a byte.


def pack_int4(q: np.ndarray) -> np.ndarray:
    """Return codes of four bits as bytes, two in each: the first in the lower half, the second in the upper.

    A negative code is stored as the 16 different values of four bits always are: -1 as 1111, -8 as 1000.

    Parameters
    ----------
    q : int8 ndarray of any shape, values from -8 to 7, read row by row

    Returns
    -------
    uint8 ndarray of shape ((q.size + 1) // 2,); with an odd number of codes the last upper half is 0

    Raises
    ------
    TypeError: `q` is not int8. ValueError: a code does not fit into four bits.

    Cost: half a byte a code.

    >>> pack_int4(np.int8([1, 2, -1])).tolist()
    [33, 15]
    """
    check_int4(q)
    halves = np.zeros(q.size + q.size % 2, np.uint8)
    halves[: q.size] = q.ravel() & 15
    return halves[::2] | halves[1::2] << 4


def unpack_int4(packed: np.ndarray, count: int) -> np.ndarray:
    """Return the first `count` codes of bytes that `pack_int4` made.

    Parameters
    ----------
    packed : uint8 ndarray of shape (N,)
    count : int, at most 2 * N

    Returns
    -------
    int8 ndarray of shape (count,), values from -8 to 7

    Cost: 1 byte a code, and as much again on the way.

    >>> unpack_int4(np.uint8([33, 15]), 3).tolist()
    [1, 2, -1]
    """
    halves = np.stack([packed & 15, packed >> 4], axis=1).ravel()[:count]
    codes = halves.astype(np.int8)
    codes[codes > HIGHEST_INT4] -= 16
    return codes


def check_int4(q: Any) -> None:
    """Raise unless `q` holds int8 codes of four bits.

    >>> check_int4(np.int8([8]))
    Traceback (most recent call last):
    ValueError: pack_int4: a code is 8; four bits hold -8 to 7
    """
    if getattr(q, "dtype", None) != np.int8:
        raise TypeError(f"pack_int4: q must be an int8 array; got {getattr(q, 'dtype', type(q).__name__)}")
    outside = q[(q < LOWEST_INT4) | (q > HIGHEST_INT4)]
    if outside.size:
        raise ValueError(f"pack_int4: a code is {outside[0]}; four bits hold {LOWEST_INT4} to {HIGHEST_INT4}")


# Training that knows of the rounding.


def highest_code(bits: int) -> int:
    """Return the highest code of a symmetric ruler of so many bits; ValueError below 2 and above 8 bits.

    >>> highest_code(2), highest_code(8)
    (1, 127)
    """
    if isinstance(bits, bool) or bits not in range(2, 9):
        raise ValueError(f"fake_quantize: bits is {bits!r}; it must be a whole number from 2 to 8")
    return 2 ** (bits - 1) - 1


class FakeQuantize(Function):
    """Numbers moved to the nearest mark of a symmetric ruler, still as float32.

    The slope of a step is 0 nearly everywhere and nothing could be learned through it, so the way back
    passes the gradient straight through, as if nothing had been rounded; but not where x saturates.
    """

    def forward(self, x: Tensor, scale: np.ndarray, highest: int) -> Tensor:
        """Return round(x / scale) * scale with codes from -highest to highest, a Tensor."""
        codes = np.clip(np.rint(x.data / scale), -highest, highest)
        return wrap((codes * scale).astype(x.dtype), x)

    def backward(self, grad_output: np.ndarray, x: Tensor, scale: np.ndarray, highest: int) -> tuple:
        """Return the gradient of x: grad_output where the code of x is on the ruler, 0 where it saturates.

        Parameters
        ----------
        grad_output : ndarray of x's shape
        x : Tensor, what forward got
        scale : float32 ndarray that broadcasts to x; highest : int, the highest code

        Returns
        -------
        tuple: the gradient of x, and None for scale and for highest

        Cost: 4 operations an element.

        >>> x, grad = Tensor([0.2, 1.4, 1.6]), np.float32([1, 2, 3])
        >>> FakeQuantize().backward(grad, x, np.float32([1]), 1)[0].tolist()
        [1.0, 2.0, 0.0]
        """
        inside = np.abs(np.rint(x.data / scale)) <= highest
        return grad_output * inside, None, None


def fake_quantize(x: Tensor, bits: int) -> Tensor:
    """Return a matrix whose columns each are rounded to a ruler of so many bits, with a gradient.

    Parameters
    ----------
    x : Tensor of shape (K, N); bits : int from 2 to 8

    The step is twice the mean size of a column, divided by the root of the highest code (Esser et al. 2020):
    with few bits it is better to let the largest saturate than to have one mark for all the others.

    Cost: some 6 operations an element, and one array of x's size for the graph.

    >>> fake_quantize(Tensor([[1.0], [-3.0], [0.0], [0.0]]), 2).data.ravel().tolist()
    [0.0, -2.0, 0.0, 0.0]
    """
    highest = highest_code(bits)
    size = np.abs(to_float32("fake_quantize", x)).mean(axis=0, keepdims=True)
    scale = 2 * size / np.float32(np.sqrt(highest))
    return FakeQuantize.apply(x, np.where(scale < SMALLEST, np.float32(1), scale), highest)


class FakeQuantizedLinear(Linear):
    """A Linear layer that computes with rounded weights and learns the weights behind them.

    Parameters
    ----------
    in_features, out_features, bias, rng : as for Linear
    bits : int from 2 to 8

    >>> FakeQuantizedLinear(3, 2, bits=2, rng=0)(Tensor(np.ones((5, 3)))).shape
    (5, 2)
    """

    def __init__(self, in_features: int, out_features: int, bits: int, bias: bool = True, rng: Any = None) -> None:
        super().__init__(in_features, out_features, bias=bias, rng=rng)
        highest_code(bits)
        self.bits = bits

    def forward(self, x: Tensor) -> Tensor:
        """Return x @ rounded weight + bias; the gradient goes to the weight itself."""
        x = x if isinstance(x, Tensor) else Tensor(x)
        out = x @ fake_quantize(self.weight, self.bits)
        return out if self.bias is None else out + self.bias

    def extra_repr(self) -> str:
        """Return the arguments, as the layer is printed."""
        return f"{super().extra_repr()}, bits={self.bits}"
