"""The graph: what is recorded, how it is walked, what is kept and what is let go, and what is refused."""

import copy
import gc
import inspect
import pickle
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

from tinytorch import CrossEntropyLoss, Dropout, Function, Linear, Tensor, enable_autograd, is_grad_enabled, no_grad
from tinytorch.core import autograd
from tinytorch.core import tensor as tensor_module
from tinytorch.core.autograd import (
    RowGradient,
    check_gradient,
    gradient_of,
    numerical_gradient,
    spread,
    topological_order,
    unbroadcast,
)

enable_autograd()


def leaf(data):
    return Tensor(data, requires_grad=True)


class Cube(Function):
    """A Function as a reader writes it, with something kept for the way back."""

    def forward(self, x, scale):
        self.square = x.data * x.data
        return Tensor(self.square * x.data * scale, dtype=x.dtype)

    def backward(self, grad_output, x, scale):
        return grad_output * 3 * scale * self.square


# Finite differences


def test_numerical_gradient_restores_its_input_and_visits_every_element():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    np.testing.assert_allclose(numerical_gradient(lambda a: (a**3).sum(), x), 3 * x * x, rtol=1e-7)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(numerical_gradient(lambda a: a**2 / 1.0, np.array(3.0)), 6.0)


def test_numerical_gradient_uses_the_step_it_was_given():
    # For |x| at 0.5 a step of 1 sees (1.5 - 0.5) / 2.
    assert numerical_gradient(lambda a: abs(a[0]), np.array([0.5]), eps=1.0)[0] == 0.5


@pytest.mark.parametrize("x", [np.ones(2, dtype=np.float32), [1.0], np.array([1])])
def test_numerical_gradient_wants_float64(x):
    with pytest.raises(TypeError, match=r"numerical_gradient: x holds .*needs float64, so pass x.astype"):
        numerical_gradient(sum, x)


def test_check_gradient_accepts_a_right_gradient_and_leaves_its_inputs_alone():
    x = Tensor([1.0, 2.0])
    check_gradient(lambda a: Cube.apply(a, 2.0), x)
    assert x.grad is None and x.dtype == np.float32


def test_check_gradient_names_function_input_place_and_both_values():
    class Wrong(Cube):
        def backward(self, grad_output, x, scale):
            return np.where(np.arange(3) == 1, 0, super().backward(grad_output, x, scale))

    def cubed(a):
        return Wrong.apply(a, 1.0)

    with pytest.raises(AssertionError) as caught:
        check_gradient(cubed, Tensor([1.0, 2.0, 3.0]))
    text = str(caught.value)
    assert text.startswith("cubed: gradient of input 0 of shape (3,) at (1,): received 0, expected ")
    assert "input:\n[1. 2. 3.]" in text and "received:\n" in text


@pytest.mark.parametrize("wrong", [1 + 1e-4, -1.0, np.nan, 2.0])
def test_check_gradient_is_not_satisfied_by_nearly_right(wrong):
    class Nearly(Cube):
        def backward(self, grad_output, x, scale):
            return wrong * super().backward(grad_output, x, scale)

    with pytest.raises(AssertionError):
        check_gradient(lambda a: Nearly.apply(a, 1.0), Tensor([1.0, 2.0]))


def test_check_gradient_notices_a_gradient_that_never_arrives():
    with pytest.raises(AssertionError, match=r"gradient of input 1 .*received 0, expected"):
        check_gradient(lambda a, b: a * b.detach(), Tensor([1.0]), Tensor([2.0]))


def test_check_gradient_weighs_the_elements_differently():
    """The gradient of softmax's plain sum is 0, whatever softmax does; only weights make the check mean anything."""

    class Flat(Function):
        def forward(self, x):
            e = np.exp(x.data)
            return Tensor(e / e.sum(), dtype=x.dtype)

        def backward(self, grad_output, x):
            return np.zeros(x.shape)

    with pytest.raises(AssertionError):
        check_gradient(Flat.apply, Tensor([1.0, 2.0]))


# Recording


def test_an_operation_is_recorded_where_an_argument_requires_a_gradient():
    x, plain = leaf([1.0, 2.0]), Tensor([3.0, 4.0])
    assert (x * plain).requires_grad and (x * plain)._grad_fn.name == "Multiply"
    assert not (plain * plain).requires_grad and (plain * plain)._grad_fn is None
    assert not (x > 0).requires_grad
    assert (x * plain)._grad_fn.needs == (False, True, False)


def test_the_argument_given_by_name_is_recorded_too():
    a, b = leaf([[1.0, 2.0]]), leaf([[3.0], [4.0]])
    a.matmul(other=b).backward()
    assert a.grad.tolist() == [[3.0, 4.0]] and b.grad.tolist() == [[1.0], [2.0]]
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    x.sum(keepdims=True, axis=0).backward([[1.0, 10.0]])
    assert x.grad.tolist() == [[1.0, 10.0], [1.0, 10.0]]


def test_a_result_that_is_the_argument_itself_stays_a_leaf():
    x = leaf([1.0, 2.0])
    assert x.contiguous() is x and x._grad_fn is None


def test_no_grad_records_nothing_and_is_undone_on_errors():
    x = leaf([1.0])
    with pytest.raises(ZeroDivisionError), no_grad():
        assert not is_grad_enabled() and not (x * 2).requires_grad
        with no_grad():
            pass
        assert not is_grad_enabled()
        1 / 0
    assert is_grad_enabled() and (x * 2).requires_grad


def test_no_grad_decorates_functions_also_ones_that_call_themselves():
    @no_grad()
    def steps(n):
        return [is_grad_enabled()] + (steps(n - 1) if n else [])

    assert steps(3) == [False] * 4 and is_grad_enabled()


def test_no_grad_refuses_a_generator_function():
    with pytest.raises(TypeError, match=r"no_grad: batches is a generator.*with no_grad"):

        @no_grad()
        def batches():
            yield 1


@pytest.mark.threads
def test_recording_is_a_matter_of_each_thread():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_failing_operation_leaves_recording_on():
    with pytest.raises(ValueError, match="matmul"):
        leaf([[1.0]]).matmul(Tensor([[1.0], [2.0]]))
    assert is_grad_enabled()


def test_a_function_without_forward_or_backward_says_so():
    class Half(Function):
        pass

    with pytest.raises(NotImplementedError, match=r"Half.forward is not written; it takes"):
        Half.apply(leaf([1.0]))

    class Forward(Function):
        def forward(self, x):
            return Tensor(x.data)

    with pytest.raises(NotImplementedError, match=r"Forward.backward is not written, so no gradient"):
        Forward.apply(leaf([1.0])).backward()
    assert not Forward.apply(Tensor([1.0])).requires_grad


def test_what_forward_kept_is_there_in_backward():
    x = leaf([1.0, 2.0])
    Cube.apply(x, 2.0).sum().backward()
    assert x.grad.tolist() == [6.0, 24.0]


def test_gradient_of_records_an_operation_of_a_class_of_ones_own_at_once():
    class Doubler:
        def forward(self, x):
            return Tensor(x.data * 2)

        @property
        def rate(self):
            return 2

    @gradient_of(Doubler, "forward")
    class DoublerGradient(Function):
        def backward(self, grad_output, doubler, x):
            return doubler.rate * grad_output

    x = leaf([3.0])
    try:
        Doubler().forward(x).backward()
    finally:
        autograd.GRADIENTS.remove((Doubler, "forward", DoublerGradient))
    assert x.grad.tolist() == [2.0]


def test_the_gradient_of_an_unknown_elementwise_operation_raises():
    result = tensor_module.combine(np.maximum, leaf([1.0]), Tensor([2.0]))
    with pytest.raises(NotImplementedError, match="combine: no gradient is known for maximum"):
        result.backward()


# Ways out of the graph are marked


@pytest.mark.parametrize(
    "way",
    [
        np.asarray,
        lambda x: tensor_module.operand(x),
        lambda x: inspect.unwrap(tensor_module.combine)(np.add, x, 1),
        lambda x: x.numpy(),
        lambda x: Tensor([x]),
        lambda x: Tensor([1.0]) + [x],
    ],
)
def test_numpy_on_a_tensor_that_requires_a_gradient_is_refused(way):
    with pytest.raises((RuntimeError, TypeError), match=r"gradient would be lost|lose the way back"):
        way(leaf([1.0]))


def test_numpy_is_fine_where_no_gradient_is_lost():
    x = leaf([1.0, 2.0])
    assert x.detach().numpy() is x.data and np.asarray(Tensor([1.0])).tolist() == [1.0]
    with no_grad():
        assert x.numpy() is x.data and np.asarray(x).tolist() == [1.0, 2.0]
    assert x.item if x.size == 1 else x.data.sum() == 3.0


def test_a_tensor_of_a_tensor_that_requires_a_gradient_is_refused():
    with pytest.raises(TypeError, match=r"would lose its history; use it as it is, or its .detach\(\)"):
        Tensor(leaf([1.0]))
    assert Tensor(leaf([1.0]).detach()).data.tolist() == [1.0]


def test_detach_shares_memory_keeps_the_dtype_and_stops_the_gradient():
    x = Tensor(np.array([2.0]), True, dtype=np.float64)
    d = x.detach()
    assert d.data is x.data and d.dtype == np.float64 and not d.requires_grad
    (x * d).backward()
    assert x.grad.tolist() == [2.0]


@pytest.mark.parametrize("data", [[True], np.array([1, 2])])
def test_only_floating_point_numbers_can_require_a_gradient(data):
    with pytest.raises(TypeError, match=r"requires_grad=True with (bool|int32|int64); only floating-point"):
        Tensor(data, requires_grad=True)
    with pytest.raises(TypeError):
        Tensor(data, True)


def test_a_gradient_that_arrives_at_integers_is_refused_and_changes_nothing():
    x, y = Tensor(np.array([1, 2])), leaf([1.0, 1.0])
    x.requires_grad = True
    with pytest.raises(TypeError, match=r"backward: a tensor of int(32|64) has requires_grad=True"):
        (x * y).sum().backward()
    assert y.grad is None


# The walk


def test_topological_order_puts_each_function_after_all_that_use_it():
    x = leaf([1.0])
    a = x * 2
    b = a + 1
    c = b * a
    d = c + b
    order = topological_order(d._grad_fn)
    assert order[0] is d._grad_fn and len(order) == 4
    for node in order:
        assert all(order.index(parent) > order.index(node) for parent in node.parents())


def test_backward_adds_what_arrives_on_several_ways():
    x = leaf([3.0])
    a = x * 2
    ((a + 1) * a + a).backward()  # 4x² + 4x
    assert x.grad.tolist() == [28.0]


def test_backward_of_a_leaf_gives_it_the_seed():
    x = leaf([5.0])
    x.backward()
    x.backward([2.0])
    assert x.grad.tolist() == [3.0]


def test_a_second_backward_says_what_to_do():
    x = leaf([2.0])
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match=r"walked before and then freed; call backward\(retain_graph=True\)"):
        y.backward()
    with pytest.raises(RuntimeError, match="walked before"):
        (y * 3).backward()
    assert x.grad.tolist() == [4.0]


def test_retain_graph_allows_it_and_gradients_accumulate():
    x = leaf([2.0])
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]
    x.zero_grad()
    assert x.grad is None


def test_the_seed_must_fit():
    y = leaf([[1.0, 2.0]]) * 2
    with pytest.raises(ValueError, match=r"shape \(1, 2\) holds 2 numbers.*\.sum\(\) or \.mean\(\)"):
        y.backward()
    with pytest.raises(ValueError, match=r"gradient of shape \(2,\) was passed for a tensor of shape \(1, 2\)"):
        y.backward([1.0, 1.0])
    with pytest.raises(TypeError):
        y.backward("one")


def test_the_seed_and_the_gradients_are_nobody_elses_memory():
    seed = np.ones(2, dtype=np.float32)
    a, b, c = leaf([1.0, 2.0]), leaf([3.0, 4.0]), leaf([5.0, 6.0])
    (a + b + c.reshape(2, 1).reshape(2)).backward(seed)
    for one in (a, b, c):
        one.grad *= 10
    assert seed.tolist() == [1.0, 1.0]
    assert a.grad.tolist() == b.grad.tolist() == c.grad.tolist() == [10.0, 10.0]


def test_a_gradient_that_is_the_argument_itself_is_copied():
    class Half(Function):
        def forward(self, x):
            return Tensor((x.data * x.data / 2).sum(), dtype=x.dtype)

        def backward(self, grad_output, x):
            return x.data

    x = leaf([1.0, 2.0])
    Half.apply(x).backward()
    x.grad += 1
    assert x.data.tolist() == [1.0, 2.0]


def test_a_missing_or_misshapen_gradient_is_an_error_that_names_the_function():
    class Lost(Cube):
        def backward(self, grad_output, x, scale):
            return None, None

    class Short(Cube):
        def backward(self, grad_output, x, scale):
            return ()

    class Wide(Cube):
        def backward(self, grad_output, x, scale):
            return np.ones((3, 2), dtype=np.float32)

    x, other = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    for function, words in [
        (Lost, "Lost.backward: gave no gradient for argument 0"),
        (Short, "Short.backward: gave no"),
        (Wide, r"Wide.backward: gave a gradient of shape \(3, 2\) for argument 0 of shape \(2,\).*unbroadcast"),
    ]:
        with pytest.raises(RuntimeError, match=words):
            (function.apply(x, 1.0) + other).sum().backward()
    assert x.grad is None and other.grad is None


def test_a_gradient_takes_the_dtype_of_its_tensor():
    x = leaf([1.0, 2.0])
    wide = Tensor(np.array([3.0, 4.0]), True, dtype=np.float64)
    (x * wide).sum().backward()
    assert x.grad.dtype == np.float32 and wide.grad.dtype == np.float64


# What is kept and what is let go


def test_backward_lets_go_of_intermediate_results():
    x = leaf(np.ones(10))
    y = x * 2
    watch = weakref.ref(y)
    z = (y * y).sum()
    del y
    gc.collect()
    assert watch() is not None
    z.backward()
    gc.collect()
    assert watch() is None and z._grad_fn.args == ()


@pytest.mark.parametrize("walk", [True, False])
def test_fifty_thousand_links_are_walked_and_freed(walk):
    x = leaf([1.0])
    y = x
    for _ in range(50_000):
        y = y + x
    middle = weakref.ref(y._grad_fn.args[1]._grad_fn.args[1])
    if walk:
        y.backward()
        assert x.grad.tolist() == [50_001.0]
    del y
    assert middle() is None


@pytest.mark.processes
def test_a_graph_that_outlives_its_module_is_freed_in_silence():
    code = """
from tinytorch import Tensor, enable_autograd
from tinytorch.core import autograd
enable_autograd()
y = Tensor([1.0], requires_grad=True)
for _ in range(100): y = y * 2.0
autograd.sys = autograd.ALONE = None  # as Python does with what is in modules
del y
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_freeing_a_chain_spares_what_somebody_still_holds():
    x = leaf([2.0])
    kept = x * 3
    y = kept
    for _ in range(100):
        y = y * 1.0
    node = kept._grad_fn
    del y
    assert node.args[1] is x
    other = kept + 1
    branch = other._grad_fn
    del other
    assert branch.args[1] is kept
    kept.backward()
    assert x.grad.tolist() == [3.0]


def test_freeing_a_chain_spares_a_function_that_somebody_still_holds():
    x = leaf([2.0])
    middle = x * 3
    node = middle._grad_fn
    y = middle * 1.0
    del middle, y
    assert node.args[1] is x


def test_backward_computes_no_gradient_that_nobody_needs():
    class Watching(Cube):
        seen = []

        def backward(self, grad_output, x, scale):
            self.seen.append(self.needs)
            return super().backward(grad_output, x, scale)

    inputs, weight = Tensor(np.ones((3, 2))), leaf(np.ones((2, 4)))
    node = (inputs @ weight)._grad_fn
    assert node.needs == (False, True)
    assert node.backward(np.ones((3, 4)), inputs, weight)[0] is None
    Watching.apply(weight, 1.0).sum().backward()
    assert Watching.seen == [(True, False)]


# Pieces


@pytest.mark.parametrize(
    "grad, shape, total",
    [
        ((2, 3), (2, 3), 1),
        ((2, 3), (3,), 2),
        ((2, 3), (1, 3), 2),
        ((2, 3), (2, 1), 3),
        ((2, 3), (), 6),
        ((4, 2, 3), (2, 1), 12),
        ((1,), (), 1),
        ((0, 3), (3,), 0),
    ],
)
def test_unbroadcast_sums_what_broadcasting_copied(grad, shape, total):
    result = unbroadcast(np.ones(grad), shape)
    assert result.shape == shape and np.all(result == total)


def test_spread_gives_every_reduced_element_the_gradient_as_a_view():
    grad = np.array([1.0, 2.0])
    out = spread(grad, (0, 2), (3, 2, 4))
    assert out.shape == (3, 2, 4) and np.shares_memory(out, grad)
    assert out[:, 0].min() == out[:, 0].max() == 1.0


def test_row_gradients_add_up_with_each_other_and_with_whole_ones():
    class Pick(Function):
        def forward(self, table, row):
            return Tensor(table.data[row], dtype=table.dtype)

        def backward(self, grad_output, table, row):
            return RowGradient(np.array([row]), grad_output[None], table.shape)

    table = leaf(np.arange(6.0).reshape(3, 2))
    (Pick.apply(table, 2) + Pick.apply(table, 2) + Pick.apply(table, 0)).sum().backward()
    assert table.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]
    (Pick.apply(table, 1) + table.sum(axis=0)).sum().backward()
    assert table.grad.tolist() == [[2.0, 2.0], [2.0, 2.0], [3.0, 3.0]]
    (table.sum(axis=0) + Pick.apply(table, 1)).sum().backward()
    Pick.apply(table, 0).sum().backward()
    assert table.grad.tolist() == [[4.0, 4.0], [4.0, 4.0], [4.0, 4.0]]


def test_rows_and_arrays_add_up_with_a_plus_in_any_order():
    """As a reader's own `propagate` adds them."""
    rows = RowGradient(np.array([2]), np.array([[1.0, 5.0]]), (3, 2))
    whole = np.arange(6.0).reshape(3, 2)
    for total in (rows + whole, whole + rows):
        np.testing.assert_array_equal(total, whole + rows.to_dense())
    np.testing.assert_array_equal(rows + rows, 2 * rows.to_dense())
    np.testing.assert_array_equal(whole, np.arange(6.0).reshape(3, 2))


def test_row_gradient_refuses_values_that_do_not_fit():
    with pytest.raises(
        ValueError, match=r"2 rows of a table of shape \(5, 3\) need values of shape \(2, 3\); got \(3, 3\)"
    ):
        RowGradient(np.array([0, 1]), np.ones((3, 3)), (5, 3))


def test_a_layer_learns_and_a_frozen_parameter_does_not():
    layer = Linear(2, 1)
    layer.bias.requires_grad = False
    layer(Tensor([[1.0, 2.0]])).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0], [2.0]] and layer.bias.grad is None


def test_a_dtype_in_the_place_of_requires_grad_is_refused():
    with pytest.raises(
        TypeError, match=r"requires_grad is <class 'numpy.float64'>; it must be True or False; a dtype is"
    ):
        Tensor([1.0], np.float64)
    assert Tensor([1.0], np.True_).requires_grad and not Tensor([1.0], False).requires_grad


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda tensor: pickle.loads(pickle.dumps(tensor))])
def test_a_leaf_can_be_copied_and_a_result_cannot_take_its_graph_along(copied):
    x = leaf([1.0, 2.0])
    assert copied(x).requires_grad and copied(x).data.tolist() == [1.0, 2.0]
    with pytest.raises(
        RuntimeError, match=r"this tensor of shape \(2,\) was computed from others.*copy its \.detach\(\)"
    ):
        copied(x * 2)
    assert copied((x * 2).detach()).data.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("labels", [[1, 0], (1, 0), np.array([1, 0]), Tensor(np.array([1, 0]))])
def test_labels_of_every_kind_have_the_same_gradient(labels):
    logits = leaf([[0.0, 0.0], [0.0, 0.0]])
    CrossEntropyLoss()(logits, labels).backward()
    assert logits.grad.tolist() == [[0.25, -0.25], [-0.25, 0.25]]


# Layers that leave the graph, and the way back to chapters 01–05


def numpy_layer(forward):
    layer = Linear(2, 1)
    layer.forward = forward
    return layer


def test_a_layer_whose_forward_leaves_the_graph_says_so():
    layer = numpy_layer(lambda x: Tensor(x.data @ layer.weight.data))
    with pytest.raises(
        RuntimeError, match=r"Linear: weight requires a gradient, and no way leads back .*by NumPy on \.data"
    ):
        layer(Tensor([[1.0, 2.0]]))
    with no_grad():
        assert layer(Tensor([[1.0, 2.0]])).shape == (1, 1)
    for parameter in layer.parameters():
        parameter.requires_grad = False
    assert not layer(Tensor([[1.0, 2.0]])).requires_grad


def test_a_layer_may_return_integers_or_something_else_than_a_tensor():
    assert numpy_layer(lambda x: Tensor(np.argmax(x.data, axis=-1)))(Tensor([[1.0, 2.0]])).data.tolist() == [1]
    assert numpy_layer(lambda x: "words")(Tensor([[1.0, 2.0]])) == "words"


def test_disable_autograd_gives_every_class_back_and_can_be_repeated():
    owners = {owner for owner, _, _ in autograd.REPLACED}
    on = {owner: dict(vars(owner)) for owner in owners}
    layer, x = Linear(2, 1), leaf([1.0])
    with no_grad():
        autograd.disable_autograd()
        assert is_grad_enabled()
    try:
        autograd.disable_autograd()
        assert not hasattr(Tensor, "backward") and "__getstate__" not in vars(Tensor)
        assert not hasattr(layer(Tensor([[1.0, 2.0]])), "requires_grad") and (x * x).data.tolist() == [1.0]
        with pytest.raises(TypeError, match="requires_grad"):
            Tensor([1.0], requires_grad=True)
        assert all(dict(vars(owner)).keys() <= on[owner].keys() for owner in owners)
    finally:
        enable_autograd()
    assert {owner: vars(owner).keys() for owner in owners} == {owner: on[owner].keys() for owner in owners}
    assert layer(Tensor([[1.0, 2.0]])).requires_grad


def test_gradient_gap_is_relative_and_never_passes_what_is_no_number():
    received, expected = np.array([1.0, 1e6 + 1, np.nan, 0.0, -3.0]), np.array([0.0, 1e6, 0.0, np.nan, 3.0])
    np.testing.assert_allclose(autograd.gradient_gap(received, expected), [1.0, 1e-6, np.inf, np.inf, 1.5], rtol=1e-5)


def test_propagate_leaves_the_leaves_and_frees_what_it_went_through():
    a, b = leaf([2.0]), leaf([3.0])
    for keep in (True, False):
        y = a * b + a
        order = topological_order(y._grad_fn)
        arriving = autograd.propagate(order, {autograd.origin(y): np.ones(1)}, keep)
        assert {key: grad.tolist() for key, grad in arriving.items()} == {a: [4.0], b: [2.0]}
        assert [node.released for node in order] == [not keep] * 2
    assert a.grad is None and autograd.origin(a) is a
    y = a * b
    autograd.propagate([y._grad_fn], {autograd.origin(y): np.ones(1)})
    assert y._grad_fn.released


def test_dropout_of_1_sends_zeros_back():
    x = Tensor([1.0, 2.0], requires_grad=True)
    Dropout(1.0)(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_a_graph_goes_in_silence_also_where_tensors_have_no_gradients_any_more(monkeypatch):
    """When Python shuts down, what a Tensor says of a name that it has not cannot be said any more."""

    def gone(tensor, name):
        raise TypeError("'NoneType' object is not callable")

    y = Tensor([1.0], requires_grad=True) * 2 * 3
    complaints = []
    autograd.disable_autograd()
    monkeypatch.setattr(Tensor, "__getattr__", gone)
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    try:
        del y
        assert complaints == []
    finally:
        autograd.enable_autograd()
