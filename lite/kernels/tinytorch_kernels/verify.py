"""Is what our loops compute what NumPy's own compute? Asked at every start, so it may take some milliseconds only.

`cases()` prepares calls, `results()` makes them, once with NumPy's loops and once with ours, and `difference()` says
what is not the same. The matrices hold small whole numbers, whose sums are exact in any order, so the two must be equal
to the last bit, and so must the places of NaN, the infinities and the signs of zeros. Only where numbers are fractions
may rounding differ, and within bounds.
"""

from __future__ import annotations

from functools import partial

import numpy as np

# Empty ones, single ones, odd ones, tiles that fit and tiles that do not, and sizes beyond each block of the kernels.
SHAPES = [(1, 1, 1), (5, 9, 17), (3, 0, 2), (0, 3, 2), (2, 3, 0), (1, 7, 40), (67, 5, 9), (5, 259, 9), (5, 3, 261)]
SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 3e38, -3e38, 0.5, 88.8, -104.5, 2.0, -8.0]
)
IN_MATRICES = np.array(
    [1.0, 2.0, -3.0, np.nan, 4.0, 0.0, -1.0, 2.0, np.inf, 5.0, -0.0, 3.0, 1.0, -np.inf, 0.0, 2.0, 1.0]
)
UNARY = [np.sqrt, np.negative, np.absolute]
BINARY = [np.maximum, np.minimum, np.add, np.subtract, np.multiply, np.divide]
ROUNDED = [np.exp, np.tanh]
ULPS = 4  # how many neighbouring float32 numbers exp and tanh may be away from NumPy's
matmul = np.matmul


def whole(*shape: int, dtype: str) -> np.ndarray:
    """Return an array of whole numbers from -5 to 5."""
    return (np.arange(np.prod(shape)) * 7 % 11 - 5).reshape(shape).astype(dtype)


def products(dtype: str):
    """Yield calls of matmul: rows, columns, reversed, every second, stacked, broadcast, over an operand."""
    for M, K, N in SHAPES:
        a, b = whole(M, K, dtype=dtype), whole(K, N, dtype=dtype)
        yield partial(matmul, a, b)
        yield partial(matmul, np.asfortranarray(a)[:, ::-1], np.asfortranarray(b)[::-1])
    out = np.empty((20, 40), dtype).T[3:31:3, ::-2]
    yield partial(matmul, whole(20, 9, dtype=dtype)[::-2], whole(9, 30, dtype=dtype)[:, ::3], out=out.T)
    stack = whole(2, 3, 5, 7, dtype=dtype)
    yield partial(matmul, stack, stack.swapaxes(2, 3))
    yield partial(matmul, np.broadcast_to(stack[0, 0, 0], (9, 7)), stack[:, :1].swapaxes(2, 3))
    odd = np.resize(IN_MATRICES, (9, 39)).astype(dtype)
    yield from (
        partial(matmul, odd, odd.T),
        partial(matmul, odd[0, :9], odd),
        partial(matmul, odd[:, 1:14], odd[3, :13]),
    )
    for x, y in ((stack[0, 0], stack[0, 1].T), (stack[0, 0], stack[0, 0, 0]), (stack[0, 0, 0], stack[1, 1].T)):
        yield from (partial(np.dot, x, y), partial(np.inner, x, y.T))
    yield partial(onto, whole(6, 6, dtype=dtype))


def onto(a: np.ndarray) -> np.ndarray:
    """Write products where their operands lie."""
    a = a.copy()
    matmul(a[:4, :4], a[1:5, 1:5], out=a[2:, 2:])
    return matmul(a, a.T, out=a)


def elementwise():
    """Yield sums, products, maxima: equal to the last bit, too, for any numbers."""
    x, y = np.resize(SPECIAL, (17, 16)).astype("f"), np.repeat(SPECIAL, 17).reshape(17, 16).astype("f")
    for function in UNARY:
        yield from (partial(function, x), partial(function, x[:, ::-3]), partial(function, x[0, :0]))
    for function in BINARY:
        yield from (partial(function, x, y), partial(function, x, y[3]), partial(function, y[5, 3:4], x))
        yield from (partial(function, x[:, 1:6], y[:, ::-1][:, :5]), partial(function, x[1, :0], y[1, :0]))
        yield from (partial(function.accumulate, x[:, 3]), partial(function.reduce, y[:, :5]))


def rounded():
    """Yield exp and tanh over their whole range, and for shapes that end within a register."""
    x = np.concatenate([np.linspace(-110, 95, 601), np.linspace(-1, 1, 202), SPECIAL]).astype("f")
    return (partial(function, part) for function in ROUNDED for part in (x, x[::-7], x[:3]))


def fractions(dtype: str):
    """Yield a product of fractions, whose last bits depend on the order of the sum."""
    a, b = (np.arange(n) * 0.618 % 2 - 1 for n in (21 * 301, 301 * 19))
    yield partial(matmul, a.reshape(21, 301).astype(dtype), b.reshape(301, 19).astype(dtype))


def cases() -> dict[str, list[partial]]:
    """Return all calls, by what is asked of their results."""
    return {
        "float32 products": [*products("f")],
        "float64 products": [*products("d")],
        "elementwise results": [*elementwise()],
        "exp and tanh": [*rounded()],
        "float32 fractions": [*fractions("f")],
        "float64 fractions": [*fractions("d")],
    }


def results(calls: dict[str, list[partial]]) -> dict[str, np.ndarray]:
    """Make the calls, with the loops that are in place now; return each group's numbers in one row."""
    with np.errstate(all="ignore"):
        return {kind: np.concatenate([np.ravel(call()) for call in group]) for kind, group in calls.items()}


def equal(x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether two arrays are the same numbers, signs of zeros included; one NaN is like another."""
    number = x == x
    return bool(np.array_equal(x, y, equal_nan=True) and np.array_equal(np.signbit(x)[number], np.signbit(y)[number]))


def close(x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether two float32 arrays are at most ULPS neighbours apart, and equal where not finite or 0."""
    exact = ~np.isfinite(y) | (y == 0)
    apart = np.abs(x[~exact].view(np.int32).astype(np.int64) - y[~exact].view(np.int32))
    return bool(equal(x[exact], y[exact]) and (apart <= ULPS).all())


def bounded(x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether sums of 301 products, none above 1, differ by no more than two such sums may."""
    return bool((np.abs(x - y) <= 2 * 301 * np.finfo(y.dtype).eps * 301).all())


RULES = [
    ("float32 products", equal), ("float64 products", equal), ("elementwise results", equal), ("exp and tanh", close),
    ("float32 fractions", bounded), ("float64 fractions", bounded),
]  # fmt: skip


def int8_difference(grafted) -> str:
    """Compare the int8 product with NumPy's in int32; return a sentence, or "" where all is equal."""
    for M, K, N in ((1, 1, 1), (0, 3, 2), (2, 0, 9), (67, 5, 9), (5, 259, 9)):
        a, b = whole(M, K, dtype="b") * 25, whole(K, N, dtype="b") * -25
        a[:, ::3], b[::3] = -128, -128
        if K > 100:
            a, b = np.asfortranarray(a)[:, ::-1], np.asfortranarray(b)[::-1]
        if not np.array_equal(grafted.int8_matmul(a, b), a.astype(np.int32) @ b.astype(np.int32)):
            return f"the int8 product of shapes {a.shape} and {b.shape} is not NumPy's"
    return int8_ends(grafted)


def int8_ends(grafted) -> str:
    """Compare the ways to codes and back with the same steps in NumPy; return a sentence, or "" where all is equal."""
    x = np.concatenate([np.arange(-300, 300) / 4, [3e38, -3e38, 1e-45]]).astype("f")
    for part, scale, zero_point in ((x, 0.5, -3), (x[::-7], 1.0, 127), (x[:0], 1.0, 0)):
        codes = np.clip(np.rint(part / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)
        if not np.array_equal(grafted.quantize_with(part, scale, zero_point), codes):
            return "the int8 codes of numbers are not NumPy's"
    sums = whole(5, 7, dtype="i") * 3_000_000
    for axes in ((7,), (5, 1)):
        offsets, scale = whole(*axes, dtype="i"), whole(*axes, dtype="f") * np.float32(0.3)
        for bias in (None, scale * 7):
            numbers = np.multiply(sums + 128 * offsets, scale, dtype="f") + (0 if bias is None else bias)
            if not np.array_equal(grafted.rescale(sums, -128, offsets, scale, bias), numbers):
                return "the numbers of int8 sums are not NumPy's"
    return int8_windows(grafted, x)


def int8_windows(grafted, x: np.ndarray) -> str:
    """Compare the columns of small images with slices of them, and count what is no number; a sentence, or ""."""
    images = whole(2, 3, 6, 23, dtype="b").swapaxes(0, 1)
    for kernel_size, stride in (((3, 2), (1, 1)), ((1, 4), (2, 3)), ((6, 9), (1, 1))):
        high, wide = (
            (size - kernel) // step + 1 for size, kernel, step in zip((6, 23), kernel_size, stride, strict=True)
        )
        slices = [
            image[:, i : i + high * stride[0] : stride[0], j : j + wide * stride[1] : stride[1]]
            for image in images
            for i in range(kernel_size[0])
            for j in range(kernel_size[1])
        ]
        if not np.array_equal(grafted.columns(images, kernel_size, stride), np.array(slices).reshape(len(slices), -1)):
            return "the columns of int8 images are not NumPy's"
    odd = np.resize([np.nan, 1, np.inf, -np.inf, 3e38, -0.0, 1e-45], 23).astype("f")
    right = all(
        grafted.count_odd(part) == np.count_nonzero(~np.isfinite(part)) for part in (x, odd, odd[::-3], odd[:0])
    )
    return "" if right else "what is no number is not counted as NumPy counts it"


def difference(grafted, calls: dict[str, list[partial]], expected: dict[str, np.ndarray]) -> str:
    """Compare what our loops compute with what NumPy's did; return a sentence, or "" where all is as it must be."""
    found = results(calls)
    for kind, rule in RULES:
        if found[kind].dtype != expected[kind].dtype or not rule(found[kind], expected[kind]):
            return f"{kind} are not NumPy's"
    idle = [loop.name for loop in grafted.loops if not loop.calls]
    return f"NumPy did not call the new loop of {idle[0]}" if idle else int8_difference(grafted)
