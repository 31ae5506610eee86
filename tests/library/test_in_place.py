"""Changes in place: what changes, what refuses, and that no gradient is ever computed with numbers that were changed."""

import copy
import gc
import pickle

import numpy as np
import pytest

from tinytorch import SGD, Function, Linear, Parameter, Sigmoid, Tensor, enable_autograd, no_grad
from tinytorch.core.autograd import disable_autograd
from tinytorch.core.tensor import from_numpy

enable_autograd()

STEPS = {
    "+=": lambda t, x: t.__iadd__(x),
    "-=": lambda t, x: t.__isub__(x),
    "*=": lambda t, x: t.__imul__(x),
    "/=": lambda t, x: t.__itruediv__(x),
}
CHANGED = r"backward: a \w+ of shape \(2,\), argument '\w+' of \w+, was changed after the operation had used it"


def leaf():
    return Tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize("make", [leaf, lambda: Parameter([1.0, 2.0])], ids=["tensor", "parameter"])
def test_a_step_under_no_grad_changes_the_leaf_and_leaves_it_a_leaf(make):
    w = make()
    before, array = w, w.data
    (w * w).sum().backward()
    with no_grad():
        w -= 0.1 * w.grad
    assert w is before and w.data is array and w.requires_grad and w._grad_fn is None
    np.testing.assert_allclose(w.data, [0.8, 1.6], rtol=1e-6)
    w.zero_grad()
    (w * w).sum().backward()
    np.testing.assert_allclose(w.grad, [1.6, 3.2], rtol=1e-6)


def test_a_layer_keeps_the_parameter_that_a_step_changes():
    layer = Linear(2, 1)
    weight = layer.weight
    with no_grad():
        layer.weight -= 1
        layer.weight[0] = 5.0
    assert layer.weight is weight and weight.data[0, 0] == 5 and dict(layer.named_parameters())["weight"] is weight


@pytest.mark.parametrize("symbol", STEPS)
def test_outside_no_grad_a_leaf_refuses_at_that_line(symbol):
    w = leaf()
    with pytest.raises(RuntimeError, match=r"on a Tensor of shape \(2,\): it requires a gradient.*`with no_grad\(\):`"):
        STEPS[symbol](w, 2.0)
    assert w.data.tolist() == [1, 2]


def test_an_assignment_to_what_takes_part_in_a_graph_refuses_at_that_line():
    w = leaf()
    y = Sigmoid()(w)
    plain = Tensor([0.0, 0.0])
    with pytest.raises(RuntimeError, match="put the line into `with no_grad"):
        w[1] = 2.0
    with pytest.raises(RuntimeError, match=r"its numbers belong to a graph.*masked_fill"):
        y[1] = 2.0
    with pytest.raises(RuntimeError, match="its numbers belong to a graph"):
        plain[0] = w[0]
    with no_grad(), pytest.raises(RuntimeError, match="its numbers belong to a graph"):
        y[1] = 2.0
    with no_grad(), pytest.raises(RuntimeError, match="its numbers belong to a graph"):
        y *= 2
    detached = y.detach()
    with pytest.raises(RuntimeError, match="its numbers belong to a graph"):
        detached += 1
    assert w.data.tolist() == [1, 2] and plain.data.tolist() == [0, 0]


def test_adding_to_a_result_makes_a_new_tensor_with_its_gradient():
    w = leaf()
    total = 0
    for factor in (1.0, 2.0, 3.0):
        total += (w * factor).sum()
    kept = total
    total *= 2
    count = Tensor(0.0)
    count += w.sum()
    assert kept.item() == 18 and total.item() == 36 and count.requires_grad
    total.backward()
    assert w.grad.tolist() == [12, 12]


def test_the_numbers_of_a_result_cannot_be_written_before_its_backward():
    """The error of `b[1] = 2.0` used to advise `b.data[1] = 2.0`, which gave -2 on a sigmoid where 0 is right."""
    w = leaf()
    y = Sigmoid()(w)
    with pytest.raises(ValueError, match="read-only"):
        y.data[1] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        y.data += 1
    right = y.data * (1 - y.data)
    y.sum().backward()
    assert np.array_equal(w.grad, right)
    y.data[1] = 2.0  # nobody needs it any more
    assert y.data[1] == 2


def test_a_result_that_is_dropped_lends_its_numbers_no_longer():
    y = Sigmoid()(leaf())
    d = y.detach()
    assert d.data is y.data and not d.data.flags.writeable
    del y
    gc.collect()
    d += 1
    assert d.data.min() > 1


def test_a_kept_graph_stays_protected():
    w = leaf()
    y = Sigmoid()(w)
    loss = y.sum()
    loss.backward(retain_graph=True)
    with pytest.raises(ValueError, match="read-only"):
        y.data[1] = 2.0
    loss.backward()
    y.data[1] = 2.0


def test_the_input_of_a_function_that_returns_its_array_stays_writeable():
    class Straight(Function):
        def forward(self, x):
            return from_numpy(x.data)

        def backward(self, grad_output, x):
            return grad_output

    w = leaf()
    y = Straight.apply(w)
    assert w.data.flags.writeable and not y.data.flags.writeable and np.shares_memory(y.data, w.data)


def test_a_result_over_foreign_strides_is_protected_and_given_back():
    class Turned(Function):
        def forward(self, x):
            return from_numpy(np.lib.stride_tricks.as_strided(x.data, (2, 1), x.data.strides * 2))

        def backward(self, grad_output, x):
            return grad_output.reshape(2)

    w = leaf()
    y = Turned.apply(w)
    with pytest.raises(ValueError, match="read-only"):
        y.data += 1
    y.sum().backward()
    assert np.array_equal(w.grad, [1, 1]) and np.shares_memory(y.data, w.data)
    y.data[1] = 7.0
    assert w.data[1] == 7


def optimizer_step(w):
    w.grad = np.ones(2, np.float32)
    SGD([w], lr=0.1).step()


def in_place(w):
    with no_grad():
        w -= 0.1


def assignment(w):
    with no_grad():
        w[0] = 5.0


def through_detach(w):
    d = w.detach()
    d += 1


def new_array(w):
    w.data = np.zeros(2, np.float32)


def array_in_place(w):
    w.data -= 0.1


CHANGES = [optimizer_step, in_place, assignment, through_detach, new_array, array_in_place]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_backward_refuses_numbers_that_were_changed_since(change):
    w = leaf()
    loss = (w * w).sum()
    change(w)
    w.grad = None
    with pytest.raises(RuntimeError, match=CHANGED):
        loss.backward()
    assert w.grad is None
    (w * w).sum().backward()
    np.testing.assert_allclose(w.grad, 2 * w.data)


@pytest.mark.parametrize("change", CHANGES[1:], ids=lambda change: change.__name__)
def test_backward_refuses_a_constant_that_was_changed_since(change):
    w, c = leaf(), Tensor([3.0, 4.0])
    loss = (w * c).sum()
    change(c)
    with pytest.raises(RuntimeError, match=CHANGED):
        loss.backward()


def test_loading_weights_counts_as_a_change():
    layer = Linear(2, 1)
    loss = layer(Tensor([[1.0, 2.0]], requires_grad=True)).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match=r"backward: a Parameter of shape \(2, 1\), argument 'right' of MatMul, was"):
        loss.backward()


def test_what_backward_does_not_read_may_change():
    w, b = leaf(), leaf()
    loss = (w * 2 + b).sum() + b.reshape(1, 2).mean() + (w / Tensor([2.0, 2.0])).sum()
    with no_grad():
        w -= 1
        b -= 1
    loss.backward()
    assert w.grad.tolist() == [2.5, 2.5] and b.grad.tolist() == [1.5, 1.5]


def test_training_while_an_older_graph_lives_goes_on():
    """A validation loss that was computed with recording on is kept, and nobody walks back through it."""
    layer, kept = Linear(2, 1), []
    optimizer = SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        kept.append(layer(Tensor([[1.0, 2.0]])).sum())
        optimizer.zero_grad()
        layer(Tensor([[3.0, 4.0]])).sum().backward()
        optimizer.step()
    assert len({loss.item() for loss in kept}) == 3


def test_copies_take_no_count_and_no_origin_along():
    w = leaf()
    d = w.detach()
    w.data = w.data
    for one in (copy.deepcopy(d), pickle.loads(pickle.dumps(d)), copy.deepcopy(w)):
        assert set(vars(one)) <= {"data", "requires_grad", "grad"} and not np.shares_memory(one.data, w.data)


def test_without_gradients_a_tensor_changes_in_place_too():
    disable_autograd()
    try:
        t = Tensor([1.0, 2.0])
        same = t
        t += 1
        t[0] = 7
        assert t is same and t.data.tolist() == [7, 3]
    finally:
        enable_autograd()
