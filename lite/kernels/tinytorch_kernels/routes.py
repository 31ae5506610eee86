"""np.dot and np.inner, led to the fast matmul where the three are the same.

NumPy's dot is not a ufunc: it asks for the product of one row and one column after another, and none of that can be
done faster without knowing the others. But for matrices of one float type it is matmul by another name. What other
modules imported as `dot` is an object of NumPy's that holds a reference to the function that does the work
(`np.dot._implementation`); that reference is exchanged. np.tensordot and np.linalg.multi_dot call np.dot and become
fast with it. The method `a.dot(b)` and np.einsum without `optimize=True` do not come this way, and stay as they were.
"""

from __future__ import annotations

from functools import wraps

import numpy as np

from .memory import Refused, words

FLOATS = (np.dtype("f4"), np.dtype("f8"))
matmul = np.matmul


def alike(a, b) -> bool:
    """Tell whether two operands are plain arrays of one float type, one or two axes each and not both one."""
    return (
        type(a) is type(b) is np.ndarray and a.dtype is b.dtype and a.dtype in FLOATS
        and 3 <= a.ndim + b.ndim <= 4 and 1 <= a.ndim <= 2
    )  # fmt: skip


def make_dot(original):
    @wraps(original)
    def dot(a, b, out=None):
        if out is None and alike(a, b) and a.shape[-1] == b.shape[0]:
            return matmul(a, b)
        return original(a, b, out)

    return dot


def make_inner(original):
    @wraps(original)
    def inner(a, b, /):
        if alike(a, b) and a.shape[-1] == b.shape[-1]:
            return matmul(b, a) if a.ndim == 1 else matmul(a, b.T)
        return original(a, b)

    return inner


class Route:
    """One function of NumPy's, and which implementation it calls."""

    def __init__(self, function, make) -> None:
        original = function._implementation
        fields = words(id(function), type(function).__basicsize__ // 4)
        (places,) = np.nonzero(fields == id(original))
        if len(places) != 1:
            raise Refused(
                f"np.{function.__name__} is laid out otherwise in memory than in the NumPy this was written for"
            )
        self.field = fields[places[0] :][:1]
        self.choices = original, make(original)
        words(id(self.choices[1]), 1)[0] += 1  # the reference that the field will own, as it owns one to the original

    def switch(self, on: bool) -> None:
        self.field[0] = id(self.choices[bool(on)])
