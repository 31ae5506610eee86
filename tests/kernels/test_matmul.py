"""float32 and float64 products: every shape, every way to lie in memory, and the numbers that are no numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .conftest import laid_out, layouts, own_loops, sizes

dtypes = st.sampled_from(["f4", "f8"])
seeds = st.integers(0, 2**32 - 1)


def whole(rng, *shape):
    return rng.integers(-8, 9, shape)


@given(sizes, sizes, sizes, layouts, layouts, layouts, dtypes, seeds)
def test_whole_numbers_are_exact_in_every_layout(M, K, N, left, right, into, dtype, seed):
    rng = np.random.default_rng(seed)
    a, b = whole(rng, M, K), whole(rng, K, N)
    x, y = laid_out(a.astype(dtype), left), laid_out(b.astype(dtype), right)
    assert np.array_equal(x @ y, a @ b)
    out = laid_out(np.full((M, N), 7, dtype), into)
    assert np.matmul(x, y, out=out) is out
    assert np.array_equal(out, a @ b)
    assert np.array_equal(x, a) and np.array_equal(y, b)


@given(sizes, sizes, sizes, layouts, layouts, dtypes, seeds)
def test_fractions_err_no_more_than_a_sum_may(M, K, N, left, right, dtype, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((M, K)).astype(dtype), rng.standard_normal((K, N)).astype(dtype)
    wide = np.longdouble if dtype == "f8" else np.float64
    with own_loops():
        exact = a.astype(wide) @ b.astype(wide)
        bound = (K + 1) * np.finfo(dtype).eps * (np.abs(a).astype(wide) @ np.abs(b).astype(wide))
    found = laid_out(a, left) @ laid_out(b, right)
    assert (np.abs(found - exact) <= bound).all()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shape", [(64, 784, 128), (256, 256, 256), (700, 130, 300), (1, 2000, 10), (33, 1027, 515)])
def test_the_error_is_about_that_of_numpys_own_loop(shape, dtype):
    M, K, N = shape
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((M, K)).astype(dtype), rng.standard_normal((K, N)).astype(dtype)
    wide = np.longdouble if dtype == "f8" else np.float64
    with own_loops():
        exact, own = a.astype(wide) @ b.astype(wide), a @ b
    ours, theirs = np.abs(a @ b - exact).max(), np.abs(own - exact).max()
    print(f"largest error: {ours:.3g}, of NumPy's own loop {theirs:.3g}")
    assert ours <= 1.5 * theirs


@given(st.lists(sizes.filter(lambda n: n < 9), max_size=3), sizes, sizes, sizes, layouts, layouts, dtypes, st.data())
def test_stacks_are_multiplied_and_broadcast(stack, M, K, N, left, right, dtype, data):
    M, K, N = M % 20, K % 20, N % 20
    rng = np.random.default_rng(0)

    def some(shape):
        """The stack with some axes of size 1, or missing."""
        kept = [size if data.draw(st.booleans()) else 1 for size in stack]
        return kept[data.draw(st.integers(0, len(kept))) :] + shape

    a, b = whole(rng, *some([M, K])), whole(rng, *some([K, N]))
    found = laid_out(a.astype(dtype), left) @ laid_out(b.astype(dtype), right)
    assert found.dtype == dtype and np.array_equal(found, a @ b)


@given(sizes, sizes, dtypes)
def test_zero_strides_are_read_again_and_again(M, N, dtype):
    row = np.arange(7, dtype=dtype)
    a, b = np.broadcast_to(row, (M, 7)), np.broadcast_to(row[:, None], (7, N))
    assert np.array_equal(a @ b, np.full((M, N), 91))
    one = np.broadcast_to(np.ones((), dtype), (M, N))
    assert np.array_equal(one @ one.T, np.full((M, M), N))
    stack = np.broadcast_to(np.arange(12, dtype=dtype).reshape(3, 4), (5, 3, 4))
    assert np.array_equal(stack @ stack.swapaxes(1, 2), np.broadcast_to(stack[0] @ stack[0].T, (5, 3, 3)))


@given(sizes, sizes, dtypes, seeds)
def test_vectors_are_rows_and_columns(M, K, dtype, seed):
    rng = np.random.default_rng(seed)
    a, v, w = whole(rng, M, K), whole(rng, K), whole(rng, M)
    assert np.array_equal(a.astype(dtype) @ v.astype(dtype), a @ v)
    assert np.array_equal(w.astype(dtype) @ a.astype(dtype), w @ a)
    assert v.astype(dtype) @ v[::-1].astype(dtype) == v @ v[::-1]


@given(st.integers(2, 40), dtypes, seeds)
def test_results_may_lie_over_operands(n, dtype, seed):
    rng = np.random.default_rng(seed)
    a = whole(rng, n, n).astype(dtype)
    for first, second, target in [((0, 0), (0, 0), (0, 0)), ((0, 1), (1, 0), (1, 1)), ((1, 1), (0, 0), (0, 1))]:
        memory = a.copy()
        x, y, out = (memory[i : i + n - 1, j : j + n - 1] for i, j in (first, second, target))
        expected = x.copy().astype(int) @ y.copy().astype(int)
        np.matmul(x, y, out=out)
        assert np.array_equal(out, expected)
        turned = a.copy()
        np.matmul(turned, turned.T, out=turned.T)
        assert np.array_equal(turned.T, a.astype(int) @ a.T.astype(int))


@given(sizes, sizes, sizes, dtypes, seeds)
def test_what_is_no_number_is_where_numpy_has_it(M, K, N, dtype, seed):
    rng = np.random.default_rng(seed)
    special = np.array([1, 2, -1, 3, 0, -0.0, 1, 5, np.nan, np.inf, -np.inf, 2, 1, 1, -3, 4], dtype)
    a, b = (rng.choice(special, shape, p=[0.07] * 8 + [0.01] * 3 + [0.082] * 5) for shape in ((M, K), (K, N)))
    with np.errstate(all="ignore"), own_loops():
        expected = a @ b
    found = a @ b
    assert np.array_equal(found, expected, equal_nan=True)
    number = ~np.isnan(expected)
    assert np.array_equal(np.signbit(found)[number], np.signbit(expected)[number])


def test_huge_numbers_overflow_and_tiny_ones_stay():
    a = np.full((5, 9), 1e30, "f4")
    assert np.isposinf(a @ a.T).all() and np.isneginf(a @ -a.T).all()
    tiny = np.full((5, 9), 1e-45, "f4")
    assert np.array_equal(tiny @ np.ones((9, 3), "f4"), np.full((5, 3), np.float32(9 * 1.4e-45)))


@pytest.mark.parametrize(
    "left, right, dtype",
    [
        ("f4", "f8", "f8"),
        ("i8", "f4", "f8"),
        ("f2", "f4", "f4"),
        (">f4", "f4", "f4"),
        ("i1", "f4", "f4"),
        ("?", "f8", "f8"),
    ],
)
def test_numpy_casts_as_ever(left, right, dtype):
    rng = np.random.default_rng(0)
    a, b = whole(rng, 13, 21) > 0, whole(rng, 21, 18)
    found = a.astype(left) @ b.astype(right)
    assert found.dtype == dtype and np.array_equal(found, a.astype(int) @ b)


def test_out_of_another_type_is_cast():
    a, out = np.ones((5, 6), "f4"), np.empty((5, 5), "f8")
    np.matmul(a, a.T, out=out)
    assert (out == 6).all()
    with pytest.raises(TypeError, match="Cannot cast"):
        np.matmul(a, a.T, out=np.empty((5, 5), "i4"))


def test_errors_are_numpys():
    with pytest.raises(ValueError, match="mismatch in its core dimension"):
        np.ones((2, 3), "f4") @ np.ones((4, 5), "f4")


@given(sizes, sizes, sizes, layouts, layouts, dtypes, seeds)
def test_dot_inner_and_tensordot_are_matmul_for_matrices(M, K, N, left, right, dtype, seed):
    rng = np.random.default_rng(seed)
    a, b = whole(rng, M, K), whole(rng, K, N)
    x, y = laid_out(a.astype(dtype), left), laid_out(b.astype(dtype), right)
    assert np.array_equal(np.dot(x, y), a @ b) and np.array_equal(np.inner(x, y.T), a @ b)
    assert np.array_equal(np.tensordot(x, y, 1), a @ b)
    v = whole(rng, K)
    assert np.array_equal(np.dot(x, v.astype(dtype)), a @ v) and np.array_equal(np.dot(v.astype(dtype), y), v @ b)
    assert np.array_equal(np.inner(v.astype(dtype), x), a @ v) and np.array_equal(np.inner(x, v.astype(dtype)), a @ v)


DOTS = {
    "vectors": lambda f: f(np.arange(5.0), np.arange(5.0)), "numbers": lambda f: f(2.0, 3.0), "lists": lambda f: f([[1.0, 2], [3, 4]], [1.0, 2]),
    "stacks": lambda f: f(np.ones((2, 3, 4)), np.ones((5, 4, 4))), "whole numbers": lambda f: f(np.ones((4, 4), int), np.ones((4, 4), int)),
    "two types": lambda f: f(np.ones((4, 4), "f4"), np.ones((4, 4))), "complex": lambda f: f(np.ones((4, 4), "c8"), np.ones((4, 4), "c8")),
    "matrix": lambda f: f(np.asmatrix(np.ones((4, 4), "f4")), np.ones((4, 4), "f4")), "empty": lambda f: f(np.ones((4, 0), "f4"), np.ones((4, 0), "f4").T),
    "by name": lambda f: f(a=np.ones((4, 4), "f4"), b=np.ones((4, 4), "f4")), "mismatch": lambda f: f(np.ones((4, 3), "f4"), np.ones((5, 2), "f4")),
    "one argument": lambda f: f(np.ones(3)), "other byte order": lambda f: f(np.ones((4, 4), ">f4"), np.ones((4, 4), ">f4")),
    "masked": lambda f: f(np.ma.masked_equal(np.eye(4, dtype="f4"), 0), np.ones((4, 4), "f4")),
    "out": lambda f: f(np.ones((4, 4), "f4"), np.ones((4, 4), "f4"), np.empty((4, 4), "f4")),
}  # fmt: skip


def outcome(call, function):
    """What a call returns, or which error it raises."""
    try:
        found = call(function)
    except Exception as error:
        return type(error), str(error)
    return type(found), np.shape(found), getattr(found, "dtype", None), np.asarray(found).tolist()


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # np.matrix
@pytest.mark.parametrize("kind", DOTS)
@pytest.mark.parametrize("function", [np.dot, np.inner])
def test_everything_else_is_as_numpy_has_it(function, kind):
    found = outcome(DOTS[kind], function)
    with own_loops():
        assert found == outcome(DOTS[kind], function)


def test_the_kernel_is_what_computes_them(kernels):
    a = np.ones((4, 4), "f4")
    ways = [lambda: a @ a, lambda: np.dot(a, a), lambda: np.inner(a, a), lambda: np.tensordot(a, a, 1),
            lambda: np.einsum("ij,jk", a, a, optimize=True), lambda: np.linalg.multi_dot([a, a])]  # fmt: skip
    for way in ways:
        before = kernels.loops[0].calls
        way()
        assert kernels.loops[0].calls == before + 1


@given(sizes, sizes, sizes, layouts, layouts, seeds)
def test_int8_products_are_exact(M, K, N, left, right, seed):
    from tinytorch.perf.quantization import int8_matmul

    rng = np.random.default_rng(seed)
    a, b = rng.integers(-128, 128, (M, K), np.int8), rng.integers(-128, 128, (K, N), np.int8)
    found = int8_matmul(laid_out(a, left), laid_out(b, right))
    assert found.dtype == np.int32 and np.array_equal(found, a.astype(np.int32) @ b.astype(np.int32))


def test_the_largest_int8_products_do_not_overflow():
    from tinytorch.perf.quantization import int8_matmul

    low = np.full((9, 131071), -128, np.int8)
    assert (int8_matmul(low, low.T) == 131071 * 16384).all()


def test_the_library_uses_the_kernel_where_it_is_on(kernels):
    from tinytorch.perf import kernels as places
    from tinytorch.perf.quantization import exact_float32_matmul

    assert places.fastest("int8_matmul", exact_float32_matmul) == kernels.int8_matmul
    with own_loops():
        assert places.fastest("int8_matmul", exact_float32_matmul) is exact_float32_matmul
