"""Autograd where frameworks written for teaching go wrong.

Each test states one behaviour. Expected numbers are worked out by hand or follow from a rule that is said; what
PyTorch does in the same place is compared in `test_references.py`.
"""

import gc
import threading
import weakref

import numpy as np
import pytest

from tinytorch import Tensor
from tinytorch.core.activations import ReLU, Softmax
from tinytorch.core.autograd import MODE, Function, enable_autograd, is_grad_enabled, no_grad
from tinytorch.core.layers import Linear, Parameter
from tinytorch.core.losses import CrossEntropyLoss, MSELoss
from tinytorch.core.optimizers import SGD

enable_autograd()


@pytest.fixture(autouse=True)
def recording_is_on_afterwards():
    yield
    left_on, MODE.recording = MODE.recording, True
    assert left_on


def leaf(data, dtype=np.float64):
    return Tensor(np.array(data, dtype=dtype), True, dtype=dtype)


def gradients(f, *data):
    """The gradients of sum(f(...)) with respect to leaves made of the data."""
    leaves = [leaf(one) for one in data]
    f(*leaves).sum().backward()
    return [one.grad for one in leaves]


def gradient(f, data):
    return gradients(f, data)[0].tolist()


# A tensor used more than once


@pytest.mark.parametrize(
    "f, expected",
    [
        (lambda x: x + x, [2.0, 2.0]),
        (lambda x: x * x, [6.0, -4.0]),
        (lambda x: x - x, [0.0, 0.0]),
        (lambda x: x / x, [0.0, 0.0]),
        (lambda x: x * x * x, [27.0, 12.0]),
        (lambda x: x[0] * x[1], [-2.0, 3.0]),
        (lambda x: x @ x, [6.0, -4.0]),
    ],
    ids=["x + x", "x * x", "x - x", "x / x", "x * x * x", "x[0] * x[1]", "x @ x"],
)
def test_a_leaf_used_twice_gets_the_sum_of_both_gradients(f, expected):
    assert gradient(f, [3.0, -2.0]) == pytest.approx(expected)


def test_an_inner_tensor_used_twice_passes_the_sum_on_once():
    def f(x):
        y = x * 3  # y = 6
        return y * y + y  # (2 y + 1) * 3

    assert gradient(f, [2.0]) == [39.0]


def test_two_ways_of_different_length_meet_again():
    def f(x):
        a = x * 2
        b = (a + 1) * a  # 4 x² + 2 x
        return b * b + a  # 2 b (8 x + 2) + 2

    assert gradient(f, [1.0]) == [2 * 6 * 10 + 2]


def test_a_lattice_in_which_paths_double_at_every_step_is_walked_once_a_node():
    x = leaf([1.0])
    y = x
    for _ in range(60):  # 2 to the 60th paths
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad.tolist() == [1.0]


def test_one_parameter_in_two_layers_gets_both_gradients():
    a, b = Linear(2, 2, bias=False), Linear(2, 2, bias=False)
    b.weight = a.weight
    x = Tensor([[1.0, 2.0]])
    b(a(x)).sum().backward()
    both = a.weight.grad.copy()
    a.weight.zero_grad()
    inner = Tensor(a.weight.data @ np.ones(2, dtype=np.float32))  # the gradient that arrives at a's result
    first = x.data.T @ inner.data[None]
    second = (x.data @ a.weight.data).T @ np.ones((1, 2), dtype=np.float32)
    np.testing.assert_allclose(both, first + second, rtol=1e-5)


# Broadcasting


@pytest.mark.parametrize(
    "left, right",
    [
        ((2, 3), (3,)),
        ((3,), (2, 3)),
        ((2, 3), (2, 1)),
        ((2, 1), (2, 3)),
        ((2, 1), (1, 3)),
        ((), (2, 3)),
        ((2, 3), ()),
        ((1,), (2, 3)),
        ((1, 1, 1), (2, 3)),
        ((4, 1, 3), (2, 1)),
        ((0, 3), (3,)),
        ((1, 3), (0, 3)),
        ((), ()),
    ],
)
def test_a_broadcast_operand_gets_a_gradient_of_its_own_shape(left, right):
    a, b = leaf(np.ones(left)), leaf(np.ones(right))
    out = a * b + a - b / 2
    out.backward(np.ones(out.shape))
    assert a.grad.shape == left and b.grad.shape == right
    assert np.all(a.grad == 2.0 * out.size / max(a.size, 1))
    assert np.all(b.grad == 0.5 * out.size / max(b.size, 1))


@pytest.mark.parametrize(
    "f, expected",
    [
        (lambda x: x + 2, 1.0),
        (lambda x: 2 + x, 1.0),
        (lambda x: x - 2, 1.0),
        (lambda x: 2 - x, -1.0),
        (lambda x: x * 2, 2.0),
        (lambda x: 2 * x, 2.0),
        (lambda x: x / 2, 0.5),
        (lambda x: 2 / x, -0.125),
        (lambda x: x**2, 8.0),
        (lambda x: 2**x, 16 * np.log(2)),
        (lambda x: -x, -1.0),
        (lambda x: np.float64(2) * x, 2.0),
        (lambda x: np.array([2.0]) * x, 2.0),
        (lambda x: [2.0] * x, 2.0),
        (lambda x: np.float32(2) - x, -1.0),
        (lambda x: True * x, 1.0),
        (lambda x: Tensor(2.0) * x, 2.0),
    ],
    ids=[
        "x + 2",
        "2 + x",
        "x - 2",
        "2 - x",
        "x * 2",
        "2 * x",
        "x / 2",
        "2 / x",
        "x ** 2",
        "2 ** x",
        "-x",
        "np.float64(2) * x",
        "array * x",
        "list * x",
        "np.float32(2) - x",
        "True * x",
        "Tensor(2) * x",
    ],
)
def test_numbers_and_arrays_may_stand_on_either_side(f, expected):
    assert gradient(f, [4.0]) == pytest.approx([expected])


def test_a_constant_tensor_gets_no_gradient():
    x, constant = leaf([1.0, 2.0]), Tensor([3.0, 4.0])
    (x * constant).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert constant.grad is None and not constant.requires_grad


# Matrix products


@pytest.mark.parametrize(
    "left, right",
    [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 1, 2, 3), (4, 3, 2)),
        ((1, 2, 3), (5, 3, 4)),
        ((5, 2, 3), (1, 3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 2)),
        ((0, 3), (3, 2)),
        ((2, 0), (0, 3)),
        ((0, 2, 3), (3, 4)),
        ((0,), (0,)),
        ((2, 3), (3, 0)),
    ],
)
def test_a_matrix_product_gives_each_side_what_the_sum_of_products_says(left, right):
    rng = np.random.default_rng(0)
    a, b = leaf(rng.normal(size=left)), leaf(rng.normal(size=right))
    out = a @ b
    seed = rng.normal(size=out.shape)
    out.backward(seed)
    # The same by einsum over matrices: vectors become a row or a column, stacks broadcast.
    A = a.data if a.ndim > 1 else a.data[None]
    B = b.data if b.ndim > 1 else b.data[:, None]
    stack = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    G = seed.reshape(stack + (A.shape[-2], B.shape[-1]))
    grad_a = np.einsum("...mn,...kn->...mk", G, np.broadcast_to(B, stack + B.shape[-2:]))
    grad_b = np.einsum("...mk,...mn->...kn", np.broadcast_to(A, stack + A.shape[-2:]), G)
    np.testing.assert_allclose(a.grad, summed_to(grad_a, A.shape).reshape(left), atol=1e-12)
    np.testing.assert_allclose(b.grad, summed_to(grad_b, B.shape).reshape(right), atol=1e-12)


def summed_to(array, shape):
    """Sum over the axes that broadcasting added or stretched."""
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    return array.sum(axis=tuple(axis for axis, size in enumerate(shape) if size == 1), keepdims=True)


# Choosing elements


@pytest.mark.parametrize(
    "index, expected",
    [
        ([0, 0, 2, 0], [3.0, 0.0, 1.0]),
        (np.array([[1, 1], [1, -2]]), [0.0, 4.0, 0.0]),
        (Tensor(np.array([2, 2])), [0.0, 0.0, 2.0]),
        (np.array([], dtype=int), [0.0, 0.0, 0.0]),
        ([True, False, True], [1.0, 0.0, 1.0]),
        (np.array([False] * 3), [0.0, 0.0, 0.0]),
        (slice(None, None, 2), [1.0, 0.0, 1.0]),
        (slice(None, None, -1), [1.0, 1.0, 1.0]),
        (slice(2, 2), [0.0, 0.0, 0.0]),
        (-1, [0.0, 0.0, 1.0]),
        (np.int64(1), [0.0, 1.0, 0.0]),
        (..., [1.0, 1.0, 1.0]),
        ((), [1.0, 1.0, 1.0]),
        ((None, slice(1)), [1.0, 0.0, 0.0]),
    ],
    ids=str,
)
def test_every_chosen_element_gets_its_gradient_as_often_as_it_was_chosen(index, expected):
    assert gradient(lambda x: x[index], [5.0, 6.0, 7.0]) == expected


def test_iterating_over_rows_keeps_the_way_back():
    assert gradient(lambda x: sum(row * row for row in x), [[1.0, 2.0], [3.0, 4.0]]) == [[2.0, 4.0], [6.0, 8.0]]


def test_masked_elements_get_nothing_and_may_hold_anything():
    x = leaf([1.0, np.inf, np.nan])
    y = x.masked_fill(np.array([False, True, True]), 0.0)
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 0.0]


# Where a derivative is a matter of choice


def test_equal_largest_elements_share_the_gradient():
    assert gradient(lambda x: x.max(), [2.0, 5.0, 5.0, 5.0, 5.0]) == [0.0, 0.25, 0.25, 0.25, 0.25]
    assert gradient(lambda x: x.max(axis=1), [[3.0, 3.0], [1.0, 2.0]]) == [[0.5, 0.5], [0.0, 1.0]]
    assert gradient(lambda x: x.max(axis=(0, 1), keepdims=True), [[3.0, 3.0], [1.0, 3.0]]) == pytest.approx(
        np.array([[1, 1], [0, 1]]) / 3
    )


@pytest.mark.filterwarnings("error")
def test_powers_at_zero():
    assert gradient(lambda x: x**0, [0.0, -2.0]) == [0.0, 0.0]
    assert gradient(lambda x: x**1, [0.0, -2.0]) == [1.0, 1.0]
    assert gradient(lambda x: x**2, [0.0, -2.0]) == [0.0, -4.0]
    assert gradient(lambda x: x**3, [0.0, -2.0]) == [0.0, 12.0]
    assert gradient(lambda x: x ** Tensor([0.0, 2.0]), [0.0, -2.0]) == [0.0, -4.0]
    assert gradient(lambda x: 0.0**x, [1.0, 2.0]) == [0.0, 0.0]
    assert gradient(lambda x: x**-1, [2.0, -2.0]) == [-0.25, -0.25]


def test_relu_is_flat_at_zero():
    assert gradient(ReLU(), [-0.0, 0.0, 1e-30]) == [0.0, 0.0, 1.0]


def test_division_gives_both_sides_their_gradient():
    top, bottom = gradients(lambda x, y: x / y, [1.0, 6.0], [2.0, -3.0])
    assert top.tolist() == pytest.approx([0.5, -1 / 3])
    assert bottom.tolist() == pytest.approx([-0.25, -6 / 9])


# Nothing, and numbers without axes


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (2, 0, 3)])
def test_tensors_without_elements_get_gradients_without_elements(shape):
    x, weight = leaf(np.zeros(shape)), leaf(2.0)
    y = (x * weight).reshape(-1).sum() + weight
    y.backward()
    assert x.grad.shape == shape
    assert weight.grad == 1.0


def test_an_empty_batch_goes_through_a_layer_and_gives_zeros():
    layer = Linear(3, 2)
    out = ReLU()(layer(Tensor(np.zeros((0, 3)))))
    out.sum().backward()
    assert out.shape == (0, 2)
    assert layer.weight.grad.tolist() == [[0.0, 0.0]] * 3 and layer.bias.grad.tolist() == [0.0, 0.0]


def test_the_mean_of_nothing_is_no_silent_number():
    x = leaf(np.zeros((0, 2)))
    with np.errstate(all="ignore"):
        assert np.isnan(x.mean().item())


def test_a_single_number_gets_an_array_as_its_gradient():
    x = leaf(3.0)
    (x * x).backward()
    assert isinstance(x.grad, np.ndarray) and x.grad.shape == () and x.grad == 6.0


# Backward: where it starts, and how often


def test_backward_from_several_numbers_needs_a_gradient_of_the_same_shape():
    x = leaf([1.0, 2.0])
    with pytest.raises(ValueError, match=r"\(2,\)"):
        (x * 2).backward()
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        (x * 2).backward(np.ones(3))
    with pytest.raises(ValueError, match=r"\(1, 2\)"):
        (x * 2).backward(np.ones((1, 2)))
    assert x.grad is None
    (x * 2).backward([1.0, 10.0])
    assert x.grad.tolist() == [2.0, 20.0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("seed", [np.float64, np.float32, np.int64])
def test_a_gradient_has_the_dtype_of_its_tensor(dtype, seed):
    x = leaf([1.0, 2.0], dtype)
    y = (x * 2 + 1) / 4 @ Tensor(np.ones((2, 1), dtype=dtype), dtype=dtype)
    y.backward(np.ones(1, dtype=seed))
    assert y.dtype == dtype and x.grad.dtype == dtype


def test_operands_of_two_dtypes_get_gradients_of_their_own():
    single, double = leaf([1.0], np.float32), leaf([2.0], np.float64)
    (single * double).backward()
    assert single.grad.dtype == np.float32 and double.grad.dtype == np.float64


def test_a_second_walk_through_a_freed_graph_is_an_error():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_graph_can_be_kept_for_a_second_walk():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [6.0, 12.0]
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()


def test_a_graph_of_which_a_part_was_freed_is_an_error_that_changes_nothing():
    x, w = leaf([2.0]), leaf([3.0])
    inner = x * x
    (inner * 2).backward()
    before = x.grad.copy()
    with pytest.raises(RuntimeError, match="retain_graph"):
        (inner * w).backward()
    assert x.grad == before and w.grad is None


def test_two_results_of_one_leaf_are_walked_one_after_the_other():
    x = leaf([2.0])
    first, second = x * 3, x * x
    first.backward()
    second.backward()
    assert x.grad.tolist() == [7.0]


def test_gradients_add_up_until_they_are_reset():
    layer, x = Linear(2, 1), Tensor([[1.0, 2.0]])
    for _ in range(3):
        layer(x).sum().backward()
    assert layer.weight.grad.tolist() == [[3.0], [6.0]]
    layer.weight.zero_grad()
    assert layer.weight.grad is None
    layer(x).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0], [2.0]]


def test_backward_on_a_leaf_gives_it_the_seed():
    x = leaf([1.0, 2.0])
    x.backward([3.0, 4.0])
    x.backward([3.0, 4.0])
    assert x.grad.tolist() == [6.0, 8.0]


def test_backward_where_nothing_requires_a_gradient_is_an_error():
    with pytest.raises(RuntimeError, match="requires"):
        (Tensor([1.0]) * 2).backward()


# Whose memory


def spoil(array):
    """Overwrite an array."""
    array[...] = 99.0


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x + y,
        lambda x, y: (x + y).reshape(2, 1).reshape(2),
        lambda x, y: x.T + y.T,
        lambda x, y: (x + y)[:],
        lambda x, y: x.contiguous() + y,
        lambda x, y: x - -y,
    ],
    ids=["x + y", "reshape", "T", "slice", "contiguous", "x - -y"],
)
def test_the_gradients_of_two_leaves_do_not_share_memory(f):
    x, y, seed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), np.array([5.0, 6.0])
    f(x, y).backward(seed)
    assert x.grad.tolist() == y.grad.tolist() == [5.0, 6.0]
    spoil(x.grad)
    assert y.grad.tolist() == [5.0, 6.0] and seed.tolist() == [5.0, 6.0]
    spoil(seed)
    assert y.grad.tolist() == [5.0, 6.0]


def test_a_seed_given_to_a_leaf_is_copied():
    x, seed = leaf([1.0]), np.array([5.0])
    x.backward(seed)
    spoil(seed)
    assert x.grad.tolist() == [5.0]


def test_a_gradient_is_not_a_view_of_a_constant_or_of_a_result():
    x, constant = leaf([1.0, 2.0]), Tensor(np.array([3.0, 4.0]), dtype=np.float64)
    y = x * constant
    y.sum().backward()
    spoil(x.grad)
    assert constant.data.tolist() == [3.0, 4.0] and y.data.tolist() == [3.0, 8.0]


def test_every_gradient_can_be_written_to():
    x = leaf(np.ones((2, 3)))
    x.sum().backward()
    x.grad *= 2
    assert x.grad.tolist() == [[2.0] * 3] * 2


def test_a_function_that_returns_one_array_twice_does_not_tie_two_leaves():
    class Sum(Function):
        def forward(self, x, y):
            return Tensor(x.data + y.data, dtype=x.dtype)

        def backward(self, grad_output, x, y):
            grad = grad_output * 1
            return grad, grad

    x, y = leaf([1.0]), leaf([2.0])
    Sum.apply(x, y).backward()
    spoil(x.grad)
    assert y.grad.tolist() == [1.0]


def test_accumulating_into_one_leaf_leaves_another_alone():
    x, y = leaf([1.0]), leaf([1.0])
    (x + y).backward()
    (x * 5).backward()
    assert x.grad.tolist() == [6.0] and y.grad.tolist() == [1.0]


# Deep and long graphs


def chain(x, operations):
    for _ in range(operations // 2):
        x = x * 1.0 + 0.0
    return x


@pytest.mark.filterwarnings("error")
def test_backward_has_no_limit_of_depth():
    x = leaf([1.0, 2.0])
    chain(x, 50_000).backward([1.0, 10.0])
    assert x.grad.tolist() == [1.0, 10.0]


@pytest.mark.filterwarnings("error")
def test_a_chain_of_50_000_that_is_never_walked_can_be_dropped():
    x = leaf([1.0])
    first = x * 1.0
    probe = weakref.ref(first)
    y = chain(first, 50_000)
    del first
    assert probe() is not None
    del y
    assert probe() is None


ENDS = {
    "dropped": "",
    "dropped after backward": "y.backward()",
    "dropped after backward with retain_graph": "y.backward(retain_graph=True)",
    "in a cycle": "cycle = [y]; cycle.append(cycle); del cycle",
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize(
    "step, steps",
    [
        ("y * 1.0", 3500),
        ("y + x", 3500),
        ("y * 0.5 + y * 0.5", 1200),
        ("y[0:1]", 3500),
        ("relu(y)", 3500),
        ("y @ w", 3500),
        ("layer(y)", 1800),
    ],
)
def test_a_long_chain_is_freed_at_once(step, steps, end):
    """In a browser an interpreter ends for good when it frees some 3,000 objects inside each other."""
    layer = Linear(1, 1)
    layer.weight.data[:] = 1.0
    names = {"x": leaf([0.5]), "w": leaf([[1.0]]), "relu": ReLU(), "layer": layer}
    code, y = compile(step, step, "eval"), names["x"] * 1
    probe = weakref.ref(y)
    for _ in range(steps):
        y = eval(code, names, {"y": y})
    exec(end, {"y": y})
    del y
    gc.collect()
    assert probe() is None, "the graph is still in memory"


@pytest.mark.filterwarnings("error")
def test_a_chain_is_taken_apart_before_its_parts_are_freed():
    """Each link but the last holds nothing any more when its turn comes, so nothing is freed inside something else."""

    class Link(Function):
        def forward(self, x):
            return Tensor(x.data, dtype=x.dtype)

        def __del__(self):
            still_held.append(len(self.args))
            super().__del__()

    still_held, y = [], leaf([1.0])
    for _ in range(5):
        y = Link.apply(y)
    del y
    assert still_held == [1, 0, 0, 0, 0]


def test_taking_a_chain_apart_stops_at_what_is_still_in_use():
    x = leaf([3.0])
    kept = x * x
    dropped = (kept * 2) * kept
    del dropped
    kept.backward()
    assert x.grad.tolist() == [6.0]


def test_a_result_may_outlive_the_tensors_on_the_way():
    x = leaf([3.0])
    function = (x * x)._grad_fn
    y = function.args[1] * 2  # only the Function holds what was multiplied
    del function
    y.backward()
    assert x.grad.tolist() == [2.0]


def test_a_graph_is_freed_when_backward_has_walked_it():
    x = leaf([1.0])
    inner = x * 2
    probe = weakref.ref(inner)
    y = inner * 3
    del inner
    y.backward()
    assert probe() is None


def test_no_graph_is_kept_where_nothing_requires_a_gradient():
    y = Tensor([1.0])
    for _ in range(3):
        y = y * 2
    assert y._grad_fn is None and not y.requires_grad


# Recording on and off


def test_no_grad_is_a_context_and_a_decorator():
    @no_grad()
    def double(x):
        return x * 2

    x = leaf([1.0])
    with no_grad():
        assert not is_grad_enabled()
        inside = x * 2
    assert is_grad_enabled()
    assert not inside.requires_grad and not double(x).requires_grad and (x * 2).requires_grad
    assert double.__name__ == "double"


def test_no_grad_ends_with_an_exception_and_nests():
    with pytest.raises(KeyError), no_grad():
        with no_grad():
            pass
        assert not is_grad_enabled()
        raise KeyError
    assert is_grad_enabled()

    @no_grad()
    def recursive(depth):
        assert not is_grad_enabled()
        if depth:
            recursive(depth - 1)
            assert not is_grad_enabled()
        else:
            raise KeyError

    with pytest.raises(KeyError):
        recursive(3)
    assert is_grad_enabled()


def test_one_no_grad_object_can_be_entered_twice():
    quiet = no_grad()
    with quiet:
        with quiet:
            pass
        assert not is_grad_enabled()
    assert is_grad_enabled()


@pytest.mark.threads
def test_no_grad_in_one_thread_does_not_reach_another():
    x, inside, done = leaf([1.0]), threading.Event(), threading.Event()

    def quiet():
        with no_grad():
            inside.set()
            done.wait(5)

    thread = threading.Thread(target=quiet)
    thread.start()
    assert inside.wait(5)
    recorded = (x * 2).requires_grad
    done.set()
    thread.join()
    assert recorded


@pytest.mark.threads
def test_threads_record_graphs_of_their_own():
    def work(number):
        x = leaf([float(number)])
        for _ in range(200):
            y = x * x
            y.backward()
        results[number] = x.grad.tolist()

    results = {}
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [400.0 * number] for number in range(4)}


def test_a_generator_cannot_be_decorated_by_mistake():
    def rows():
        yield 1

    with pytest.raises(TypeError, match="generator"):
        no_grad()(rows)


def test_a_coroutine_cannot_be_decorated_by_mistake():
    async def later():
        return 1

    async def rows():
        yield 1

    for function in (later, rows):
        with pytest.raises(TypeError, match=function.__name__):
            no_grad()(function)


def test_no_grad_inside_a_generator_is_over_when_the_generator_is():
    def rows(x):
        with no_grad():
            yield x * 2

    values = list(rows(leaf([1.0])))
    assert not values[0].requires_grad and is_grad_enabled()


def test_a_failing_operation_leaves_recording_on():
    x = leaf([[1.0, 2.0]])
    with pytest.raises(ValueError):
        x @ x
    assert is_grad_enabled() and (x * 2).requires_grad


# No gradient is lost without a word


@pytest.mark.parametrize(
    "use",
    [
        np.asarray,
        np.exp,
        np.sum,
        lambda x: x.numpy(),
        lambda x: np.array(x),
        lambda x: np.stack([x, x]),
        lambda x: Tensor(x),
        lambda x: Tensor([x[0], x[1]]),
        lambda x: np.ones(2) @ x.numpy(),
        lambda x: np.concatenate([x, x]),
        lambda x: np.mean(x),
    ],
    ids=[
        "np.asarray",
        "np.exp",
        "np.sum",
        "numpy()",
        "np.array",
        "np.stack",
        "Tensor(x)",
        "Tensor([x0, x1])",
        "array @ numpy()",
        "np.concatenate",
        "np.mean",
    ],
)
def test_numpy_in_the_middle_of_a_graph_is_an_error(use):
    with pytest.raises((RuntimeError, TypeError)):
        use(leaf([1.0, 2.0]))


@pytest.mark.parametrize(
    "use",
    [
        lambda x: [x, x] * Tensor([1.0, 2.0]),
        lambda x: Tensor([1.0, 2.0]) * (x, x),
        lambda x: Tensor([1.0, 2.0]) + [[x], [x]],
        lambda x: Tensor([[1.0, 2.0]]) @ (x, x),
        lambda x: Taken.apply((x, x)),
        lambda x: Taken.apply([1, (x, 2)]),
    ],
    ids=[
        "list * constant",
        "constant * tuple",
        "constant + nested lists",
        "constant @ tuple",
        "Function of a tuple",
        "Function of nested lists",
    ],
)
def test_tensors_in_lists_and_tuples_are_refused(use):
    with pytest.raises((RuntimeError, TypeError), match="gradient"):
        use(leaf([1.0, 2.0]))


class Taken(Function):
    """Takes what it likes, as a reader's own might."""

    def forward(self, first, *, second=None):
        return Tensor([1.0])

    def backward(self, grad_output, first, *, second=None):
        return None


def test_a_tensor_as_a_keyword_only_argument_is_refused():
    with pytest.raises(TypeError, match="second"):
        Taken.apply(Tensor([1.0]), second=leaf([1.0]))


@pytest.mark.parametrize(
    "forward, backward, message",
    [
        (lambda self, x: x.data * 2, None, "forward"),
        (lambda self, x: (x, x), None, "forward"),
        (lambda self, x: Tensor(x.data * 2), lambda self, grad_output, x: grad_output * x, "backward"),
        (lambda self, x: Tensor(x.data * 2), lambda self, grad_output, x: 2.0, "backward"),
        (lambda self, x: Tensor(x.data * 2), lambda self, grad_output, x: [grad_output], "backward"),
    ],
    ids=[
        "forward gives an array",
        "forward gives two",
        "backward gives a Tensor",
        "backward gives a number",
        "backward gives a list",
    ],
)
def test_a_function_of_ones_own_is_told_what_it_should_return(forward, backward, message):
    Own = type("Own", (Function,), {"forward": forward, "backward": backward})
    x = leaf([1.0, 2.0])
    with pytest.raises((RuntimeError, TypeError), match=f"Own.{message}"):
        Own.apply(x).backward(np.ones(2))
    assert x.grad is None and is_grad_enabled()


def test_numpy_may_be_used_where_it_is_said():
    x = leaf([1.0, 2.0])
    assert x.detach().numpy().tolist() == np.exp(np.log(x.data)).tolist() == [1.0, 2.0]
    with no_grad():
        assert np.asarray(x).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_only_floating_point_numbers_can_require_a_gradient(dtype):
    with pytest.raises(TypeError, match="floating-point"):
        Tensor(np.array([0, 1], dtype=dtype), True)
    with pytest.raises(TypeError, match="floating-point"):
        Tensor([1, 2], requires_grad=True, dtype=dtype)


def test_an_integer_tensor_made_to_require_a_gradient_is_an_error_before_anything_changes():
    numbers, x = Tensor(np.array([1, 2])), leaf([1.0, 2.0])
    with pytest.raises(TypeError, match="floating-point"):
        numbers.requires_grad = True
        (numbers * x).sum().backward()
    assert x.grad is None


def test_a_comparison_has_no_gradient_and_says_so():
    x = leaf([1.0, -1.0])
    mask = x > 0
    assert mask.dtype == bool and not mask.requires_grad
    with pytest.raises(RuntimeError):
        mask.backward(np.ones(2))


def test_an_optimizer_passes_over_a_parameter_without_a_gradient_and_complains_where_none_has_one():
    used, unused = Parameter([1.0]), Parameter([2.0])
    optimizer = SGD([used, unused], lr=0.5)
    with pytest.raises(RuntimeError, match="no parameter has a gradient"):
        optimizer.step()
    (used * 3).backward()
    optimizer.step()
    assert used.data.tolist() == [-0.5] and unused.data.tolist() == [2.0]


def test_a_backward_that_fails_leaves_every_gradient_as_it_was():
    class Broken(Function):
        def forward(self, x):
            return Tensor(x.data * 2, dtype=x.dtype)

        def backward(self, grad_output, x):
            return self.answer

    for answer in (None, (), np.ones(3), np.ones((1, 2))):
        Broken.answer = answer
        x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        (y * 5).sum().backward()
        with pytest.raises(RuntimeError, match="Broken"):
            (y * Broken.apply(x) + y).sum().backward()
        assert x.grad is None and y.grad.tolist() == [5.0, 5.0]


@pytest.mark.parametrize(
    "grad", [np.zeros(3), np.zeros((2, 1)), np.zeros(2, dtype=np.int64)], ids=["(3,)", "(2, 1)", "int"]
)
def test_a_grad_that_does_not_fit_is_an_error_before_anything_changes(grad):
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y.grad = grad
    with pytest.raises((ValueError, TypeError, RuntimeError), match="grad"):
        (x * y + x).sum().backward()
    assert x.grad is None and y.grad is grad and not grad.any()


def test_an_operation_without_a_way_back_says_its_name():
    class OneWay(Function):
        def forward(self, x):
            return Tensor(x.data, dtype=x.dtype)

    x = leaf([1.0])
    with pytest.raises(NotImplementedError, match="OneWay"):
        OneWay.apply(x).backward()
    assert x.grad is None


def test_arguments_given_by_name_get_their_gradients():
    x, y = leaf([[1.0, 2.0]]), leaf([[3.0], [4.0]])
    x.matmul(other=y).sum().backward()
    assert x.grad.tolist() == [[3.0, 4.0]] and y.grad.tolist() == [[1.0], [2.0]]
    logits = leaf([[0.0, 0.0]])
    CrossEntropyLoss()(logits, targets=Tensor(np.array([1]))).backward()
    assert logits.grad.tolist() == [[0.5, -0.5]]


def test_targets_that_require_a_gradient_get_one_or_the_loss_complains():
    predictions, targets = leaf([1.0, 2.0]), leaf([3.0, 5.0])
    MSELoss()(predictions, targets).backward()
    assert predictions.grad.tolist() == [-2.0, -3.0] and targets.grad.tolist() == [2.0, 3.0]


def test_detach_cuts_the_way_on_the_same_memory():
    x = leaf([1.0, 2.0])
    y = x * x.detach()
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 2.0]
    assert x.detach().data is x.data and x.detach().requires_grad is False


def test_a_frozen_parameter_gets_none_and_passes_the_gradient_on():
    first, second = Linear(2, 2), Linear(2, 1)
    for parameter in second.parameters():
        parameter.requires_grad = False
    second(first(Tensor([[1.0, 2.0]]))).sum().backward()
    assert all(parameter.grad is None for parameter in second.parameters())
    assert all(parameter.grad is not None for parameter in first.parameters())


def test_softmax_of_equal_logits_has_no_gradient_towards_their_sum():
    assert gradient(Softmax(), [[1.0, 1.0, 1.0]]) == [[0.0, 0.0, 0.0]]


def test_recording_costs_no_change_of_a_value():
    x = np.random.default_rng(0).normal(size=(3, 4))
    plain, recorded = Tensor(x), leaf(x, np.float32)
    weight = np.random.default_rng(1).normal(size=(4, 2))
    for f in (lambda t: t @ Tensor(weight), lambda t: t.mean(0) / t.max(), lambda t: ReLU()(t)[::2] ** 2):
        assert np.array_equal(f(plain).data, f(recorded).data)
