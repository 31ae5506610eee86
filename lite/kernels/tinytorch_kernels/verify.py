"""Is what our loops compute what NumPy's own compute? Asked at every start, so it takes some milliseconds only.

`results()` is called twice, with NumPy's loops and with ours. Its matrices hold small whole numbers, whose sums are
exact in any order, so the two must be equal to the last bit, and so must the positions of NaN, the infinities and the
signs of zeros. Only where the numbers are fractions may rounding differ, and within bounds.
"""

from __future__ import annotations

import numpy as np

# Empty ones, single ones, odd ones, tiles that fit and tiles that do not, and sizes beyond each block of the kernels.
SHAPES = [(1, 1, 1), (2, 3, 5), (5, 9, 17), (3, 0, 2), (0, 3, 2), (2, 3, 0), (1, 7, 40), (67, 5, 9), (5, 259, 9), (5, 3, 261)]
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 3e38, -3e38, 0.5, 88.8, -104.5, 2.0, -8.0])
UNARY = [np.sqrt, np.negative, np.absolute]
BINARY = [np.maximum, np.minimum, np.add, np.subtract, np.multiply, np.divide]
ROUNDED = [np.exp, np.tanh]
IN_MATRICES = np.array([1.0, 2.0, -3.0, np.nan, 4.0, 0.0, -1.0, 2.0, np.inf, 5.0, -0.0, 3.0, 1.0, -np.inf, 0.0, 2.0, 1.0])
ULPS = 4  # how many neighbouring float32 numbers exp and tanh may be away from NumPy's


def whole(*shape: int, dtype: str) -> np.ndarray:
    """Return an array of whole numbers from -5 to 5."""
    return (np.arange(np.prod(shape)) * 7 % 11 - 5).reshape(shape).astype(dtype)


def matmuls(dtype: str):
    """Yield products that must be equal to the last bit."""
    for M, K, N in SHAPES:
        a, b = whole(M, K, dtype=dtype), whole(K, N, dtype=dtype)
        yield a @ b
        yield np.asfortranarray(a)[:, ::-1] @ np.asfortranarray(b)[::-1]
        yield np.matmul(a[::-2], b[:, ::3], out=np.empty((N, M), dtype).T[: (M + 1) // 2, : (N + 2) // 3])
    stack = whole(2, 3, 5, 7, dtype=dtype)
    yield stack @ stack.swapaxes(2, 3)
    yield np.broadcast_to(stack[0, 0, 0], (9, 7)) @ stack[:, :1].swapaxes(2, 3)
    odd = np.resize(IN_MATRICES, (9, 39)).astype(dtype)
    with np.errstate(all="ignore"):
        yield from (odd @ odd.T, odd[:, :13] @ np.identity(13, dtype), odd[0, :9] @ odd, odd[:, 1:14] @ odd[3, :13])
    for x, y in ((stack[0, 0], stack[0, 1].T), (stack[0, 0], stack[0, 0, 0]), (stack[0, 0, 0], stack[1, 1].T)):
        yield from (np.dot(x, y), np.inner(x, y.T), np.tensordot(x, y, 1))
    yield from overlapping(whole(6, 6, dtype=dtype))


def overlapping(a: np.ndarray):
    """Yield products that are written where an operand lies."""
    copy = a.copy()
    yield np.matmul(copy, copy.T, out=copy)
    copy = a.copy()
    yield np.matmul(copy[:4, :4], copy[1:5, 1:5], out=copy[2:, 2:])


def elementwise():
    """Yield sums, products, maxima: equal to the last bit, too, for any numbers."""
    x, y = np.resize(SPECIAL, (37, 16)).astype("f"), np.repeat(SPECIAL, 37).reshape(37, 16).astype("f")
    with np.errstate(all="ignore"):
        for function in UNARY:
            yield from (function(x), function(x[:, ::-3]), function(x[0, :0]), function(x[1], out=x[1].copy()))
        for function in BINARY:
            yield from (function(x, y), function(x, y[3]), function(x, np.float32(0)), function(y[5, 3:4], x))
            yield from (function(x[:, 1:6], y[:, ::-1][:, :5]), function.accumulate(x[:, 3]), function.reduce(y[:, :5]))
            yield from (function(y[0, 1:], y[0, :-1], out=y[0].copy()[1:]), function(x[1, :0], y[1, :0]))


def rounded() -> list[np.ndarray]:
    """Return exp and tanh over their whole range, and for shapes that end within a register."""
    x = np.concatenate([np.linspace(-110, 95, 1001), np.linspace(-1, 1, 402), SPECIAL]).astype("f")
    with np.errstate(all="ignore"):
        return [function(part) for function in ROUNDED for part in (x, x[::-7], x[:3])]


def fractions() -> list[np.ndarray]:
    """Return products of fractions, whose last bits depend on the order of the sum, beside their bounds."""
    found = []
    for dtype in ("f", "d"):
        a, b = np.sin(np.arange(21 * 301, dtype="d")).reshape(21, 301), np.cos(np.arange(301 * 19, dtype="d")).reshape(301, 19)
        found += [a.astype(dtype) @ b.astype(dtype), 2 * 301 * np.finfo(dtype).eps * (np.abs(a) @ np.abs(b))]
    return found


def results() -> dict[str, list[np.ndarray]]:
    """Return what the loops that are in place now compute, as copies."""
    return {
        "float32 products": [x.copy() for x in matmuls("f")],
        "float64 products": [x.copy() for x in matmuls("d")],
        "elementwise results": [x.copy() for x in elementwise()],
        "exp and tanh": rounded(),
        "fractions": fractions(),
    }


def equal(x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether two arrays are the same numbers, signs of zeros included; one NaN is like another."""
    number = x == x
    return bool(np.array_equal(x, y, equal_nan=True) and np.array_equal(np.signbit(x)[number], np.signbit(y)[number]))


def close(x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether two float32 arrays are at most ULPS neighbours apart, and equal where not finite or 0."""
    exact = ~np.isfinite(y) | (y == 0)
    apart = np.abs(x[~exact].view(np.int32).astype(np.int64) - y[~exact].view(np.int32))
    return bool(equal(x[exact], y[exact]) and (apart <= ULPS).all())


def int8_difference(grafted) -> str:
    """Compare the int8 product with NumPy's in int32; return a sentence, or "" where all is equal."""
    for M, K, N in ((1, 1, 1), (5, 9, 17), (0, 3, 2), (2, 0, 9), (67, 5, 9), (5, 259, 9)):
        a, b = whole(M, K, dtype="b") * 25, whole(K, N, dtype="b") * -25
        a[:, ::3], b[::3] = -128, -128
        for left, right in ((a, b), (np.asfortranarray(a)[:, ::-1], np.asfortranarray(b)[::-1])):
            product = grafted.int8_matmul(left, right)
            if not np.array_equal(product, left.astype(np.int32) @ right.astype(np.int32)):
                return f"the int8 product of shapes {left.shape} and {right.shape} is not NumPy's"
    return ""


def difference(grafted, expected: dict[str, list[np.ndarray]]) -> str:
    """Compare what our loops compute with what NumPy's did; return a sentence, or "" where all is as it must be."""
    found = results()
    for kind in ("float32 products", "float64 products", "elementwise results"):
        for position, (x, y) in enumerate(zip(found[kind], expected[kind], strict=True)):
            if x.dtype != y.dtype or not equal(x, y):
                return f"{kind}, case {position}: of shape {y.shape}, they are not NumPy's"
    if not all(map(close, found["exp and tanh"], expected["exp and tanh"])):
        return f"exp or tanh is more than {ULPS} units in the last place from NumPy's"
    ours, theirs = found["fractions"], expected["fractions"]
    if not all((np.abs(ours[i] - theirs[i]) <= theirs[i + 1]).all() for i in (0, 2)):
        return "a product of fractions is outside of its error bound"
    idle = [loop.name for loop in grafted.loops if not loop.calls]
    return f"NumPy did not call the new loop of {idle[0]}" if idle else int8_difference(grafted)
