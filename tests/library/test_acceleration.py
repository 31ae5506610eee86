"""The kernels agree with NumPy and with central differences; the pool lends an array to one user at a time."""

import gc
import inspect
import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch import Linear, ReLU, Sequential, Softmax, Tensor, from_numpy
from tinytorch.core.activations import GELU
from tinytorch.core.autograd import check_gradient, enable_autograd, no_grad
from tinytorch.perf import acceleration as module
from tinytorch.perf.acceleration import (
    BufferPool,
    broadcast_matmul,
    composed_gelu,
    fused_gelu,
    lines_touched,
    matmul_traffic,
    naive_matmul,
    pack_columns,
    pooled_forward,
    row_matmul,
    tiled_matmul,
    vectorized_matmul,
)

enable_autograd()

KERNELS = [naive_matmul, row_matmul, broadcast_matmul, tiled_matmul, vectorized_matmul]
SIZES = st.integers(0, 5)


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# The ladder


@pytest.mark.parametrize("kernel", KERNELS)
@given(rows=SIZES, inner=SIZES, columns=SIZES, dtype=st.sampled_from(["float32", "float64", "int64"]))
def test_every_kernel_gives_the_product(kernel, rows, inner, columns, dtype):
    a, b = (3 * numbers(rows, inner)).astype(dtype), (3 * numbers(inner, columns, seed=1)).astype(dtype)
    out = kernel(a, b)
    assert out.dtype == dtype and out.shape == (rows, columns)
    np.testing.assert_allclose(out, a @ b, rtol=1e-5, atol=1e-5)


@given(rows=SIZES, inner=SIZES, columns=SIZES, tile=st.integers(1, 7))
def test_tiles_of_any_size_give_the_product_also_at_the_edges(rows, inner, columns, tile):
    a, b = numbers(rows, inner), numbers(inner, columns, seed=1)
    np.testing.assert_allclose(tiled_matmul(a, b, tile), a @ b, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_takes_any_strides_and_changes_nothing(kernel):
    a, b = numbers(4, 3).T, numbers(8, 5)[::2]
    before = a.copy(), b.copy()
    np.testing.assert_allclose(kernel(a, b), before[0] @ before[1], atol=1e-12)
    assert np.array_equal(a, before[0]) and np.array_equal(b, before[1])


@pytest.mark.parametrize("kernel", KERNELS)
@given(rows=st.integers(1, 3), inner=st.integers(1, 3), columns=st.integers(1, 3))
def test_a_kernel_has_the_gradient_of_the_product(kernel, rows, inner, columns):
    check_gradient(kernel, numbers(rows, inner), numbers(inner, columns, seed=1))


def test_the_tile_reaches_forward_and_backward(monkeypatch):
    shapes = []

    class Watched(np.ndarray):
        def __matmul__(self, other):
            shapes.append((self.shape, other.shape))
            return np.asarray(self) @ np.asarray(other)

    a = numbers(3, 2).view(Watched)
    tiled_matmul(a, numbers(2, 3), tile_size=2)
    assert shapes == [((2, 2), (2, 2)), ((1, 2), (2, 2)), ((2, 2), (2, 1)), ((1, 2), (2, 1))]
    asked = []
    monkeypatch.setattr(module, "tiled_matmul", lambda a, b, tile: asked.append(tile) or a @ b)
    module.MatmulFunction.apply(
        Tensor(numbers(2, 2), True), Tensor(numbers(2, 2), True), module.tiled_matmul, 5
    ).sum().backward()
    assert asked == [5, 5, 5]


def test_only_the_gradient_that_is_needed_is_computed():
    calls = []

    def kernel(a, b):
        calls.append((a.shape, b.shape))
        return a @ b

    weight = Tensor(numbers(3, 4), True)
    module.MatmulFunction.apply(Tensor(numbers(2, 3)), weight, kernel).sum().backward()
    assert calls == [((2, 3), (3, 4)), ((3, 2), (2, 4))]
    calls.clear()
    module.MatmulFunction.apply(weight, Tensor(numbers(4, 5)), kernel).sum().backward()
    assert calls == [((3, 4), (4, 5)), ((3, 5), (5, 4))]


@pytest.mark.parametrize("kernel", KERNELS)
def test_tensors_give_a_tensor_and_arrays_an_array(kernel):
    a, b = numbers(2, 3, dtype=np.float32), numbers(3, 2, seed=1, dtype=np.float32)
    assert type(kernel(a, b)) is np.ndarray
    for left, right in [(Tensor(a), Tensor(b)), (Tensor(a), b), (a, Tensor(b))]:
        out = kernel(left, right)
        assert isinstance(out, Tensor) and out.dtype == np.float32 and not out.requires_grad
        np.testing.assert_allclose(out.data, a @ b, rtol=1e-5)
    assert kernel(Tensor(a, True), b).requires_grad and kernel(a, Tensor(b, True)).requires_grad
    assert kernel(Tensor(a.astype("float64"), dtype="float64"), b).dtype == np.float64
    assert kernel(Tensor(np.array([[1, 2]])), Tensor([[0.5], [1.0]])).dtype == np.float32  # as Tensor.matmul


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    "a, b, error, words",
    [
        ([[1.0]], np.ones((1, 1)), TypeError, "got list"),
        (np.ones((1, 1)), 3.0, TypeError, "got float"),
        (np.ones((2, 3)), np.ones((4, 5)), ValueError, r"\(2, 3\) @ \(4, 5\): inner sizes 3 and 4 differ"),
        (np.ones((2, 2, 2)), np.ones((2, 2)), ValueError, r"shapes \(2, 2, 2\) and \(2, 2\)"),
        (np.ones((2, 2)), np.ones(2), ValueError, r"shapes \(2, 2\) and \(2,\)"),
    ],
)
def test_what_is_no_pair_of_matrices_is_named(kernel, a, b, error, words):
    with pytest.raises(error, match=f"^{kernel.__name__}: {words}"):
        kernel(a, b)


@pytest.mark.parametrize(
    "tile, error, words",
    [
        (0, ValueError, "tile_size is 0; it must be at least"),
        (-4, ValueError, "tile_size is -4"),
        (2.0, TypeError, "tile_size is 2.0; it must be an integer"),
        (True, TypeError, "tile_size is True"),
    ],
)
def test_a_tile_is_a_number_of_rows(tile, error, words):
    with pytest.raises(error, match=words):
        tiled_matmul(np.ones((2, 2)), np.ones((2, 2)), tile)
    assert tiled_matmul(np.ones((1, 1)), np.ones((1, 1)), np.int64(1)).tolist() == [[1.0]]


def test_the_default_tile_is_whole_cache_lines_and_three_blocks_of_float32_fit_into_64_kilobytes():
    tile = inspect.signature(tiled_matmul).parameters["tile_size"].default
    assert tile * 4 % 64 == 0
    assert 3 * tile * tile * 4 <= 64 * 1024 < 3 * (tile + 16) ** 2 * 4


def test_the_traffic_of_tiles_is_counted_by_hand():
    assert matmul_traffic(2, 3, 5, tile=1, itemsize=1) == 2 * 3 * 5 + 3 * 5 * 2 + 2 * 5
    assert matmul_traffic(4, 6, 8, tile=4) == (4 * 6 * 2 + 6 * 8 * 1 + 4 * 8) * 4
    assert matmul_traffic(5, 6, 9, tile=4, itemsize=8) == (5 * 6 * 3 + 6 * 9 * 2 + 5 * 9) * 8
    assert matmul_traffic(0, 0, 0, tile=1) == 0 and matmul_traffic(1, 1, 1, tile=9) == 12


@pytest.mark.parametrize(
    "sizes, words",
    [
        ((-1, 1, 1, 1), "rows is -1"),
        ((1, -1, 1, 1), "inner is -1"),
        ((1, 1, -1, 1), "columns is -1"),
        ((1, 1, 1, 0), "tile is 0; it must be at least"),
        ((1, 1, 1, 1, 0), "itemsize is 0; it must be at least"),
    ],
)
def test_traffic_of_impossible_sizes_is_refused(sizes, words):
    with pytest.raises(ValueError, match=f"matmul_traffic: {words}"):
        matmul_traffic(*sizes)


@given(count=st.integers(0, 90), stride=st.integers(-200, 200), line=st.sampled_from([32, 64, 128]))
def test_lines_are_counted_as_one_would_by_walking(count, stride, line):
    lowest = min(0, (count - 1) * stride)
    assert lines_touched(count, stride, line) == len({(at * stride - lowest) // line for at in range(count)})


@given(inner=SIZES, columns=st.integers(0, 20), width=st.integers(1, 9))
def test_a_packed_matrix_multiplies_panel_by_panel(inner, columns, width):
    a, b = numbers(3, inner), numbers(columns, inner, seed=1).T
    panels = pack_columns(b, width)
    assert panels.flags.c_contiguous and panels.shape[1:] == (inner, width)
    out = np.concatenate([np.zeros((3, 0)), *(a @ panel for panel in panels)], axis=1)
    np.testing.assert_allclose(out[:, :columns], a @ b, atol=1e-12)
    assert not out[:, columns:].any()


def test_tiles_are_taken_from_one_copy_of_each_band():
    class Watched(np.ndarray):
        def copy(self, order="C"):
            copies.append(self.shape)
            return super().copy(order)

    copies = []
    tiled_matmul(np.ones((6, 5)), np.ones((5, 4)).view(Watched), tile_size=2)
    assert copies == [(5, 2), (5, 2)]


# Fusion


@pytest.mark.parametrize("gelu", [composed_gelu, fused_gelu])
@given(size=st.integers(0, 9), seed=st.integers(0, 99))
def test_every_gelu_agrees_with_the_layer_and_with_differences(gelu, size, seed):
    x = 3 * numbers(size, seed=seed)
    tensor = Tensor(x, dtype="float64")
    np.testing.assert_allclose(gelu(tensor).data, GELU()(tensor).data, atol=1e-12)
    check_gradient(gelu, x)


def test_blocks_meet_without_a_seam(monkeypatch):
    monkeypatch.setattr(module, "FUSED_BLOCK", 3)
    for shape in [(7,), (2, 3), (1, 4, 2), (), (0,), (2, 0)]:
        x = 2 * numbers(*shape)
        np.testing.assert_allclose(
            fused_gelu(Tensor(x, dtype="float64")).data, GELU()(Tensor(x, dtype="float64")).data, atol=1e-12
        )
        with no_grad():
            np.testing.assert_allclose(
                fused_gelu(Tensor(x, dtype="float64")).data, GELU()(Tensor(x, dtype="float64")).data, atol=1e-12
            )
        check_gradient(fused_gelu, x)


def test_more_than_one_block_of_the_real_size_agrees():
    assert module.FUSED_BLOCK * 4 == 128 * 1024
    x = numbers(module.FUSED_BLOCK + 5, dtype=np.float32)
    fused, composed = Tensor(x, True), Tensor(x, True)
    grad = numbers(x.size, seed=1, dtype=np.float32)
    fused_gelu(fused).backward(grad)
    composed_gelu(composed).backward(grad)
    np.testing.assert_allclose(fused.grad, composed.grad, rtol=1e-4, atol=1e-6)
    assert fused.grad.dtype == np.float32


def test_gelu_of_transposed_numbers_and_gradients_keeps_their_places():
    x = numbers(3, 4)
    check_gradient(lambda t: fused_gelu(t.T).transpose(0, 1), x)
    check_gradient(lambda t: fused_gelu(t).sum(axis=1), x)  # the gradient arrives with strides of 0


def test_very_large_numbers_neither_warn_nor_become_nan():
    for dtype, large in [("float16", 6e4), ("float32", 1e30), ("float64", 1e300)]:
        x = Tensor(np.array([-large, -11.0, 11.0, large]), True, dtype=dtype)
        with np.errstate(all="raise", under="ignore"):
            out = fused_gelu(x)
            out.sum().backward()
        assert out.dtype == dtype and x.grad.dtype == dtype
        assert out.data.tolist() == [0.0, 0.0, 11.0, x.data[3]]
        assert x.grad.tolist() == [0.0, 0.0, 1.0, 1.0]


def test_gelu_is_exact_just_below_the_place_where_it_is_cut():
    x = np.array([-9.0, -6.0, -4.0, 4.0, 6.0, 9.0])
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    expected = 0.5 * x * (1 + np.tanh(inner))
    np.testing.assert_allclose(fused_gelu(Tensor(x, dtype="float64")).data, expected, rtol=1e-9)


def test_gelu_leaves_its_input_alone_and_makes_floats_of_integers():
    x = Tensor(numbers(4), True, dtype="float64")
    before = x.data.copy()
    out = fused_gelu(x)
    grad = np.ones(4)
    out.backward(grad)
    assert np.array_equal(x.data, before) and np.array_equal(grad, np.ones(4)) and out.data is not x.data
    assert fused_gelu(Tensor(np.array([0, 1]))).dtype == np.float32
    assert fused_gelu([0.0, 11.0]).data.tolist() == [0.0, 11.0]


def test_without_a_backward_to_come_the_tanh_is_not_kept(monkeypatch):
    kept = []
    forward = module.FusedGELU.forward

    def watched(self, *args):
        out = forward(self, *args)
        kept.append(self.gate.size)
        return out

    monkeypatch.setattr(module, "FUSED_BLOCK", 3)
    monkeypatch.setattr(module.FusedGELU, "forward", watched)
    x = Tensor(numbers(8), True)
    fused_gelu(x)
    with no_grad():
        fused_gelu(x)
    assert kept == [8, 3]


def bytes_alive_after(f, x):
    tracemalloc.start()
    out = f(x)
    alive, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert out.shape == x.shape
    return alive, peak


def test_fusion_keeps_two_arrays_where_the_operations_keep_nine():
    x = Tensor(numbers(1 << 16, dtype=np.float32), True)
    one = x.data.nbytes
    assert bytes_alive_after(composed_gelu, x)[0] == pytest.approx(9 * one, rel=0.05)
    alive, peak = bytes_alive_after(fused_gelu, x)
    assert alive == pytest.approx(2 * one, rel=0.05) and peak == pytest.approx(2 * one, rel=0.05)
    with no_grad():
        alive, peak = bytes_alive_after(fused_gelu, x)
    assert alive == pytest.approx(one, rel=0.05) and peak == pytest.approx(1.5 * one, rel=0.05)


# The pool


def test_a_returned_buffer_is_lent_again_to_who_asks_for_its_shape_and_dtype():
    pool = BufferPool()
    first = pool.take((2, 3))
    assert (first.shape, first.dtype, pool.hits, pool.misses) == ((2, 3), np.float32, 0, 1)
    pool.give_back(first)
    for shape, dtype in [((3, 2), "float32"), ((6,), "float32"), ((2, 3), "float64")]:
        assert pool.take(shape, dtype) is not first
    assert (pool.hits, pool.misses, pool.bytes_held, pool.bytes_lent) == (0, 4, 24, 0)
    assert pool.take((2, 3)) is first
    assert (pool.hits, pool.misses, pool.bytes_held, pool.bytes_lent) == (1, 4, 0, 24)


def test_the_last_one_returned_is_lent_first():
    pool = BufferPool()
    first, second = pool.take(4), pool.take(4)
    pool.give_back(first)
    pool.give_back(second)
    assert pool.take(4) is second and pool.take((4,)) is first and pool.hits == 2


def test_two_users_never_share_memory():
    pool = BufferPool()
    buffers = [pool.take(3) for _ in range(3)]
    assert not any(np.shares_memory(a, b) for a in buffers for b in buffers if a is not b)
    assert pool.bytes_lent == 36


def test_the_limit_drops_what_waited_longest():
    pool = BufferPool(limit_bytes=16)
    one, two, three = pool.take(2), pool.take(2), pool.take(1)
    for buffer in (one, two):
        pool.give_back(buffer)
    assert (pool.bytes_held, pool.evictions) == (16, 0)
    pool.give_back(three)
    assert (pool.bytes_held, pool.evictions) == (12, 1)
    assert pool.take(2) is two and pool.take(2) is not one
    large = pool.take(5)
    pool.give_back(large)
    assert pool.bytes_held == 0 and pool.evictions == 3


def test_clear_drops_what_waits_and_not_what_is_lent():
    pool = BufferPool()
    lent, waiting = pool.take(2), pool.take(3)
    pool.give_back(waiting)
    pool.clear()
    assert pool.bytes_held == 0 and pool.bytes_lent == 8 and pool.evictions == 0
    pool.give_back(lent)
    assert pool.take(2) is lent


def state(pool):
    return pool.hits, pool.misses, pool.evictions, pool.bytes_held, pool.bytes_lent


@pytest.mark.parametrize(
    "wrong, words",
    [
        (lambda pool, lent: lent[:1], r"this ndarray of shape \(1,\) was not lent"),
        (lambda pool, lent: lent[:], "was not lent by this pool"),
        (lambda pool, lent: lent.copy(), "was not lent by this pool"),
        (lambda pool, lent: BufferPool().take(2), "was not lent by this pool"),
        (lambda pool, lent: "text", "this str was not lent"),
    ],
)
def test_a_foreign_array_is_refused(wrong, words):
    pool = BufferPool()
    lent = pool.take(2)
    before = state(pool)
    with pytest.raises(ValueError, match=f"^give_back: .*{words}"):
        pool.give_back(wrong(pool, lent))
    assert state(pool) == before
    pool.give_back(lent)
    assert pool.bytes_held == 8


def test_a_buffer_is_returned_once():
    pool = BufferPool()
    buffer = pool.take((2, 2))
    pool.give_back(buffer)
    with pytest.raises(ValueError, match=r"^give_back: this buffer of shape \(2, 2\) is back already"):
        pool.give_back(buffer)
    assert state(pool) == (0, 1, 0, 16, 0)


@pytest.mark.parametrize(
    "view",
    [lambda b: b[1:], lambda b: b.reshape(2, 2), lambda b: b[1:][:2], lambda b: b.T[:], lambda b: from_numpy(b)[:2]],
)
def test_a_buffer_with_a_living_view_is_not_taken_back(view):
    pool = BufferPool()
    buffer = pool.take(4)
    buffer[:] = 1.0
    seen = view(buffer)
    with pytest.raises(ValueError, match=r"^give_back: a view of this buffer of shape \(4,\) is still in use"):
        pool.give_back(buffer)
    assert state(pool) == (0, 1, 0, 0, 16)
    del seen
    pool.give_back(buffer)
    assert state(pool) == (0, 1, 0, 16, 0)


def test_a_forgotten_buffer_is_freed():
    pool = BufferPool()
    pool.take(4)
    gc.collect()
    assert pool.bytes_lent == 0 and pool.bytes_held == 0


def test_a_block_borrows_and_returns():
    pool = BufferPool()
    with pool.borrow((2, 2), np.float64) as buffer:
        assert buffer.shape == (2, 2) and buffer.dtype == np.float64 and pool.bytes_lent == 32
    assert (pool.bytes_held, pool.bytes_lent) == (32, 0)
    with pool.borrow((2, 2), np.float64) as again:
        assert again is buffer
    with pytest.raises(ValueError, match="a view of this buffer"), pool.borrow(4) as buffer:
        view = buffer[1:]
    assert view.size == 3


def test_a_failing_block_keeps_its_own_error_and_its_buffer():
    pool = BufferPool()
    with pytest.raises(ZeroDivisionError), pool.borrow(4) as buffer:
        view = buffer[1:]
        view[0] = 1 / 0
    assert (pool.bytes_held, pool.bytes_lent) == (0, 0)
    with pytest.raises(ValueError, match="was not lent"):
        pool.give_back(buffer)


def test_a_block_that_returns_its_buffer_itself_and_fails_keeps_its_own_error():
    pool = BufferPool()
    with pytest.raises(ZeroDivisionError), pool.borrow(4) as buffer:
        pool.give_back(buffer)
        buffer[0] = 1 / 0
    assert pool.bytes_held == 16


@pytest.mark.parametrize(
    "shape, error, words",
    [
        (-1, ValueError, "size is -1; it must be at least"),
        ((2, -3), ValueError, "size is -3"),
        ((2, 1.5), TypeError, "size is 1.5; it must be an integer"),
        ([2, 3], TypeError, "it must be an integer"),
    ],
)
def test_a_shape_is_made_of_sizes(shape, error, words):
    pool = BufferPool()
    with pytest.raises(error, match=f"^take: .*{words}"):
        pool.take(shape)
    assert state(pool) == (0, 0, 0, 0, 0)


def test_a_limit_is_a_number_of_bytes():
    with pytest.raises(ValueError, match="limit_bytes is -1; it must be at least 0"):
        BufferPool(limit_bytes=-1)
    with pytest.raises(TypeError, match=r"limit_bytes is 1.5"):
        BufferPool(limit_bytes=1.5)
    pool = BufferPool(limit_bytes=0)
    pool.give_back(pool.take(0))
    assert pool.evictions == 0 and pool.take((0, 4)).shape == (0, 4)


@given(
    st.lists(st.tuples(st.sampled_from(["take", "back"]), st.integers(0, 3)), max_size=30),
    st.sampled_from([None, 0, 12]),
)
def test_whatever_is_asked_in_whatever_order_counts_stay_right(calls, limit):
    pool, out, taken, returned = BufferPool(limit), [], 0, 0
    for action, size in calls:
        if action == "take":
            out.append(pool.take(size))
            taken += 1
        elif out:
            pool.give_back(out.pop(size % len(out)))
            returned += 1
        assert len({id(buffer) for buffer in out}) == len(out)
        assert pool.bytes_lent == sum(buffer.nbytes for buffer in out)
        assert pool.hits + pool.misses == taken
        assert len(pool.waiting) == returned - pool.hits - pool.evictions
        assert limit is None or pool.bytes_held <= limit


def test_nothing_is_given_back_by_giving_none():
    with pytest.raises(ValueError, match="give_back: this NoneType was not lent by this pool"):
        BufferPool().give_back(None)


# A model on a pool


@given(widths=st.lists(st.integers(1, 4), min_size=1, max_size=5), rows=st.integers(0, 3), seed=st.integers(0, 9))
def test_a_model_on_a_pool_gives_what_the_layers_give(widths, rows, seed):
    rng = np.random.default_rng(seed)
    layers = [ReLU()] if seed % 2 else []
    for before, after in itertools.pairwise(widths):
        layers += [Linear(before, after, bias=bool(seed % 3), rng=rng), ReLU()]
    pool, x = BufferPool(), Tensor(rng.standard_normal((rows, widths[0])))
    kept = x.data.copy()
    results = [pooled_forward(layers, x * scale, pool) for scale in (1, 2, 3)]
    made = pool.misses
    for scale, result in zip((1, 2, 3), results, strict=True):
        np.testing.assert_allclose(
            result.data, Sequential(*layers)(x * scale).data if layers else kept * scale, atol=1e-6
        )
    pooled_forward(layers, x, pool)
    assert pool.misses == made and pool.bytes_lent == 0 and np.array_equal(x.data, kept)


def test_a_layer_that_cannot_write_into_lent_memory_is_named():
    pool = BufferPool()
    with pytest.raises(TypeError, match=r"^pooled_forward: Softmax has no form"):
        pooled_forward([Linear(2, 2), Softmax()], Tensor(np.ones((1, 2))), pool)
    gc.collect()
    assert pool.bytes_lent == 0
