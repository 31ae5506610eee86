"""Optimizers follow the published formulas step by step, in place, and refuse what they cannot change."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch import SGD, Adam, AdamW, Linear, ReLU, Sequential, Tensor, enable_autograd, from_numpy
from tinytorch.core.optimizers import Optimizer, mix_in, move, with_decay

enable_autograd()


def parameter(values, dtype=np.float64):
    return Tensor(np.array(values, dtype=dtype), True, dtype=dtype)


# The formulas, one number at a time, in plain Python.


def sgd_by_hand(w, grads, lr, momentum=0.0, weight_decay=0.0):
    path, buffer = [], None
    for g in grads:
        g = g + weight_decay * w
        if momentum:
            buffer = g if buffer is None else momentum * buffer + g
            g = buffer
        w = w - lr * g
        path.append(w)
    return path


def adam_by_hand(w, grads, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    path, m, v = [], 0.0, 0.0
    for t, g in enumerate(grads, 1):
        if decoupled:
            w = w - lr * weight_decay * w
        else:
            g = g + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        w = w - lr * m_hat / (math.sqrt(v_hat) + eps)
        path.append(w)
    return path


def adamw_by_hand(w, grads, weight_decay=0.01, **options):
    return adam_by_hand(w, grads, weight_decay=weight_decay, decoupled=True, **options)


def follow(kind, values, grads, **options):
    """The path of a whole array of parameters, one row a step."""
    w = parameter(values)
    optimizer, path = kind([w], **options), []
    for g in grads:
        w.grad = np.array(g, dtype=np.float64)
        optimizer.step()
        path.append(w.data.copy())
    return np.array(path)


RULES = {
    "sgd": (SGD, sgd_by_hand, {"lr": 0.1}),
    "sgd with momentum": (SGD, sgd_by_hand, {"lr": 0.1, "momentum": 0.9}),
    "sgd with decay": (SGD, sgd_by_hand, {"lr": 0.1, "weight_decay": 0.3}),
    "sgd with both": (SGD, sgd_by_hand, {"lr": 0.05, "momentum": 0.7, "weight_decay": 0.2}),
    "adam as it comes": (Adam, adam_by_hand, {}),
    "adam": (Adam, adam_by_hand, {"lr": 0.1, "betas": (0.8, 0.95), "eps": 0.01}),
    "adam with decay": (Adam, adam_by_hand, {"lr": 0.1, "weight_decay": 0.3}),
    "adam without averages": (Adam, adam_by_hand, {"lr": 0.1, "betas": (0.0, 0.0)}),
    "adamw as it comes": (AdamW, adamw_by_hand, {}),
    "adamw": (AdamW, adamw_by_hand, {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.1, "weight_decay": 0.5}),
    "adamw without decay": (AdamW, adamw_by_hand, {"lr": 0.1, "weight_decay": 0.0}),
}
NUMBERS = st.floats(-100, 100).map(lambda x: round(x, 3))


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=25, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=4), st.data())
def test_each_rule_follows_its_formula(rule, values, data):
    kind, by_hand, options = RULES[rule]
    grads = [data.draw(st.lists(NUMBERS, min_size=len(values), max_size=len(values))) for _ in range(5)]
    expected = np.transpose(
        [by_hand(w, list(g), **options) for w, g in zip(values, zip(*grads, strict=True), strict=True)]
    )
    np.testing.assert_allclose(follow(kind, values, grads, **options), expected, rtol=1e-10, atol=1e-12)


def test_the_first_steps_of_sgd_with_momentum():
    path = follow(SGD, [1.0], [[1.0], [1.0], [1.0]], lr=0.1, momentum=0.5)
    np.testing.assert_allclose(path[:, 0], [0.9, 0.75, 0.575], rtol=1e-14)


def test_the_first_step_of_adam_is_lr_whatever_the_gradient():
    for size in (1e6, 1.0, 1e-4):
        np.testing.assert_allclose(follow(Adam, [0.0], [[size]], lr=0.5), [[-0.5]], rtol=1e-3)
    # with a gradient that stays, every step is lr: this is what the bias correction is for
    np.testing.assert_allclose(np.diff(follow(Adam, [0.0], [[2.0]] * 50, lr=0.5)[:, 0]), -0.5, rtol=1e-7)


def test_eps_is_added_after_the_root():
    np.testing.assert_allclose(follow(Adam, [0.0], [[3.0]], lr=1.0, eps=1.0), [[-3.0 / 4.0]], rtol=1e-14)


def test_decay_in_the_gradient_and_decay_beside_it():
    assert follow(AdamW, [2.0], [[0.0]], lr=0.5, weight_decay=0.1).item() == pytest.approx(2 * (1 - 0.05), abs=1e-15)
    assert follow(Adam, [2.0], [[0.0]], lr=0.5, weight_decay=0.1).item() == pytest.approx(1.5, abs=1e-6)
    assert follow(SGD, [2.0], [[0.0]], lr=0.5, weight_decay=0.1).item() == pytest.approx(1.9, abs=1e-15)


def test_defaults():
    w = [parameter([1.0])]
    assert {name: getattr(SGD(w, lr=0.1), name) for name in SGD.settings} == {
        "lr": 0.1,
        "momentum": 0.0,
        "weight_decay": 0.0,
    }
    assert {name: getattr(Adam(w), name) for name in Adam.settings} == {
        "lr": 0.001,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0.0,
    }
    assert {name: getattr(AdamW(w), name) for name in AdamW.settings} == {
        "lr": 0.001,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0.01,
    }


def test_the_learning_rate_may_change_between_steps():
    w = parameter([0.0])
    optimizer, path = SGD([w], lr=1), []
    for lr in (1.0, 0.5, 0.0):
        optimizer.lr = lr
        w.grad = np.array([1.0])
        optimizer.step()
        path.append(w.data.item())
    assert path == [-1.0, -1.5, -1.5]


# In place


MAKE = {
    "sgd": lambda params: SGD(params, 0.1),
    "momentum": lambda params: SGD(params, 0.1, 0.9, 0.1),
    "adam": lambda params: Adam(params, weight_decay=0.1),
    "adamw": lambda params: AdamW(params),
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_changes_the_parameters_array_and_nothing_else(make, dtype):
    params = [parameter(np.ones((3, 4)), dtype), parameter(np.ones(5), dtype), parameter(2.0, dtype)]
    arrays = [param.data for param in params]
    optimizer = make(params)
    kept = {name: list(map(id, buffers)) for name, buffers in optimizer.buffers.items()}
    for param in params:
        param.grad = np.full(param.shape, 0.5, dtype=dtype)
    for _ in range(3):
        optimizer.step()
    assert all(
        param.data is array and array.dtype == dtype and np.all(array < 2)
        for param, array in zip(params, arrays, strict=True)
    )
    assert all(np.all(param.grad == 0.5) for param in params)
    assert {name: list(map(id, buffers)) for name, buffers in optimizer.buffers.items()} == kept
    assert all(buffer.dtype == dtype for buffers in optimizer.buffers.values() for buffer in buffers)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_arrays_in_any_memory_order_get_the_same_step(make):
    values, grad = np.arange(6.0).reshape(2, 3), np.arange(6.0, 12.0).reshape(2, 3)
    plain, turned = parameter(values), parameter(values)
    turned.data = np.asfortranarray(turned.data)
    for w in (plain, turned):
        optimizer = make([w])
        for _ in range(2):
            w.grad = np.asfortranarray(grad) if w is plain else grad
            optimizer.step()
    assert np.array_equal(plain.data, turned.data)


def test_a_step_allocates_nothing_of_a_parameters_size():
    import tracemalloc

    w = parameter(np.ones(100_000), np.float32)
    w.grad = np.ones(100_000, dtype=np.float32)
    for make in MAKE.values():
        optimizer = make([w])
        optimizer.step()
        tracemalloc.start()
        optimizer.step()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 40_000  # a tenth of one array


def test_the_scratch_is_as_large_as_the_largest_parameter():
    optimizer = Adam([parameter(np.ones(3), np.float32), parameter(np.ones((5, 2)), np.float64)])
    assert optimizer.scratch.nbytes == 80
    view = optimizer.scratch_like(np.ones((2, 2), dtype=np.float32))
    assert view.shape == (2, 2) and view.dtype == np.float32 and np.shares_memory(view, optimizer.scratch)


def test_what_each_rule_remembers_in_bytes():
    params = [parameter(np.ones((10, 10)), np.float32), parameter(np.ones(10), np.float32)]
    assert [make(params).state_bytes() for make in MAKE.values()] == [0, 440, 880, 880]
    assert all(
        np.all(buffer == 0) for make in MAKE.values() for buffers in make(params).buffers.values() for buffer in buffers
    )


def test_decay_leaves_the_gradient_as_it_is():
    grad, data, scratch = np.array([1.0]), np.array([10.0]), np.zeros(1)
    assert with_decay(grad, data, 0.5, scratch) is scratch and scratch.tolist() == [6.0]
    assert grad.tolist() == [1.0] and data.tolist() == [10.0]
    assert with_decay(grad, data, 0.0, scratch) is grad


def test_a_move_and_an_average_change_their_first_array_only():
    data, direction, scratch = np.array([1.0, 2.0]), np.array([4.0, -4.0]), np.zeros(2)
    move(data, direction, 0.25, scratch)
    assert data.tolist() == [0.0, 3.0] and direction.tolist() == [4.0, -4.0]
    mix_in(data, direction, 0.75, scratch)
    assert data.tolist() == [1.0, 1.25] and direction.tolist() == [4.0, -4.0]


def test_what_is_moved_along_or_taken_in_may_be_the_scratch():
    data, scratch = np.array([1.0, 2.0]), np.array([4.0, -4.0])
    move(data, scratch, 0.25, scratch)
    assert data.tolist() == [0.0, 3.0]
    scratch[...] = [4.0, -4.0]
    mix_in(data, scratch, 0.75, scratch)
    assert data.tolist() == [1.0, 1.25]


# With gradients from backward


@pytest.mark.parametrize(
    "make", [lambda p: SGD(p, 0.2), lambda p: SGD(p, 0.05, 0.9), lambda p: Adam(p, 0.05), lambda p: AdamW(p, 0.05)]
)
def test_a_model_learns(make):
    rng = np.random.default_rng(0)
    model = Sequential(Linear(2, 8, rng=1), ReLU(), Linear(8, 1, rng=2))
    optimizer = make(model.parameters())
    x = rng.standard_normal((64, 2)).astype(np.float32)
    y = Tensor(x[:, :1] * x[:, 1:])
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        difference = model(Tensor(x)) - y
        loss = (difference * difference).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_zero_grad_forgets():
    w = parameter([1.0])
    (w * w).sum().backward()
    SGD([w], 0.1).zero_grad()
    assert w.grad is None


def test_a_parameter_frozen_later_stays_where_it_is_and_counts_its_own_steps():
    a, b = parameter([1.0]), parameter([1.0])
    optimizer = Adam([a, b], lr=0.1)
    for freeze in (False, True, False):
        b.requires_grad = not freeze
        a.grad, b.grad = np.array([1.0]), (None if freeze else np.array([1.0]))
        before = b.data.item()
        optimizer.step()
        assert (b.data.item() == before) is freeze
    assert optimizer.steps == [3, 2]
    assert b.data.item() == pytest.approx(adam_by_hand(1.0, [1.0, 1.0], lr=0.1)[-1], abs=1e-12)


def test_a_frozen_parameter_with_an_old_gradient_stays_where_it_is():
    w, other = parameter([1.0]), parameter([1.0])
    optimizer = SGD([w, other], 0.1)
    w.grad = other.grad = np.array([1.0])
    w.requires_grad = False
    optimizer.step()
    assert w.data.item() == 1.0 and other.data.item() == 0.9


def test_values_that_are_not_finite_go_through_as_in_pytorch():
    assert np.isnan(follow(SGD, [1.0], [[np.nan]], lr=0.1)).all()
    assert follow(SGD, [1.0], [[np.inf]], lr=0.1).item() == -np.inf


# State


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_another_optimizer_goes_on_from_the_state_bit_for_bit(make):
    rng = np.random.default_rng(0)
    start = [rng.standard_normal((3, 2)), rng.standard_normal(4)]
    grads = [[rng.standard_normal(array.shape) for array in start] for _ in range(6)]

    def run(params, optimizer, some):
        for step in some:
            for param, grad in zip(params, step, strict=True):
                param.grad = grad.astype(np.float32)
            optimizer.step()

    whole = [parameter(array, np.float32) for array in start]
    run(whole, make(whole), grads)
    first = [parameter(array, np.float32) for array in start]
    one = make(first)
    run(first, one, grads[:3])
    state = one.state_dict()
    second = [parameter(param.data, np.float32) for param in first]
    two = make(second)
    two.load_state_dict(state)
    run(second, two, grads[3:])
    assert all(np.array_equal(a.data, b.data) for a, b in zip(whole, second, strict=True))
    assert two.steps == [6, 6] and state["steps"] == [3, 3]


def test_the_state_is_a_copy_and_brings_the_settings():
    w = parameter([1.0])
    w.grad = np.array([1.0])
    one = Adam([w], lr=0.5, betas=(0.5, 0.6), eps=0.1, weight_decay=0.2)
    one.step()
    state = one.state_dict()
    assert state == {
        "type": "Adam",
        "lr": 0.5,
        "betas": (0.5, 0.6),
        "eps": 0.1,
        "weight_decay": 0.2,
        "steps": [1],
        "m": [pytest.approx([0.6])],
        "v": [pytest.approx([0.576])],
    }
    one.step()
    assert state["steps"] == [1] and state["m"][0].item() == pytest.approx(0.6)
    two = Adam([w])
    two.load_state_dict({**state, "betas": [0.5, 0.6]})  # as a file brings it
    assert (two.lr, two.betas, two.eps, two.weight_decay, two.steps) == (0.5, (0.5, 0.6), 0.1, 0.2, [1])
    two.step()
    assert state["steps"] == [1] and state["m"][0].item() == pytest.approx(0.6) and two.steps == [2]


def good_state():
    return {
        "type": "Adam",
        "lr": 0.1,
        "betas": (0.5, 0.5),
        "eps": 1.0,
        "weight_decay": 0.0,
        "steps": [7],
        "m": [np.ones(2)],
        "v": [np.ones(2)],
    }


@pytest.mark.parametrize(
    "change, kind, words",
    [
        (lambda state: [], TypeError, "got list; it needs what state_dict() gave"),
        (lambda state: {**state, "type": "AdamW"}, ValueError, "the state is of AdamW, and this is Adam"),
        (lambda state: {"lr": 0.1}, ValueError, "the state is of None, and this is Adam"),
        (
            lambda state: {name: state[name] for name in state if name != "v"},
            ValueError,
            "load_state_dict: v: in the state or in this Adam, but not in both",
        ),
        (
            lambda state: {**state, "lr": None},
            ValueError,
            "load_state_dict: lr is None in the state; it must be like 0.",
        ),
        (
            lambda state: {**state, "lr": "fast"},
            ValueError,
            "load_state_dict: lr is 'fast' in the state; it must be like 0.",
        ),
        (
            lambda state: {**state, "betas": [0.9]},
            ValueError,
            "load_state_dict: betas is [0.9] in the state; it must be like (0.",
        ),
        (lambda state: {**state, "steps": [None] * len(state["steps"])}, ValueError, "load_state_dict: steps is [None"),
        (
            lambda state: {**state, "momentum": 0.9},
            ValueError,
            "load_state_dict: momentum: in the state or in this Adam",
        ),
        (lambda state: {**state, "steps": [1, 2]}, ValueError, "the state is for 2 parameters; this Adam has 1"),
        (
            lambda state: {**state, "v": [np.ones(2), np.ones(2)]},
            ValueError,
            "the state is for 2 parameters; this Adam has 1",
        ),
        (lambda state: {**state, "v": []}, ValueError, "the state is for 0 parameters; this Adam has 1"),
        (
            lambda state: {**state, "v": [np.ones(3)]},
            ValueError,
            "v of parameter 0 is float64 of shape (3,) in the state, and float64 of shape (2,) here",
        ),
        (
            lambda state: {**state, "m": [np.ones(2, dtype=np.float32)]},
            ValueError,
            "m of parameter 0 is float32 of shape (2,) in the state, and float64 of shape (2,) here",
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, kind, words):
    optimizer = Adam([parameter([1.0, 2.0])])
    with pytest.raises(kind) as caught:
        optimizer.load_state_dict(change(good_state()))
    assert f"load_state_dict: {words}".replace("load_state_dict: load_state_dict", "load_state_dict") in str(
        caught.value
    )
    assert (optimizer.lr, optimizer.betas, optimizer.eps, optimizer.steps) == (0.001, (0.9, 0.999), 1e-8, [0])
    assert optimizer.state_bytes() == 32 and not optimizer.buffers["m"][0].any() and not optimizer.buffers["v"][0].any()
    optimizer.load_state_dict(good_state())
    assert optimizer.steps == [7] and optimizer.buffers["v"][0].tolist() == [1, 1]


def test_a_state_with_momentum_needs_momentum():
    w = parameter([1.0])
    with pytest.raises(
        ValueError,
        match="load_state_dict: velocity: in the state or in this SGD, but not in both; make the optimizer as it was",
    ):
        SGD([w], 0.1).load_state_dict(SGD([w], 0.1, momentum=0.9).state_dict())


# Mistakes


def frozen():
    w = parameter([1.0])
    w.requires_grad = False
    return w


TWICE = parameter(np.ones((2, 3)))
RESULT = parameter([1.0]) * 2

MISTAKES = {
    "no parameters": (lambda: SGD([], 0.1), ValueError, "SGD: params is empty; there is nothing to learn"),
    "parameters used up": (lambda: Adam(iter([])), ValueError, "Adam: params is empty"),
    "one tensor": (
        lambda: SGD(parameter([1.0]), 0.1),
        TypeError,
        "SGD: params is of type Tensor; pass a list of Tensors, such as model.parameters()",
    ),
    "a model": (lambda: SGD(Linear(2, 2), 0.1), TypeError, "SGD: params is of type Linear; pass a list of Tensors"),
    "a dict": (lambda: Adam({"w": TWICE}), TypeError, "Adam: params is of type dict; pass a list of Tensors"),
    "text": (lambda: Adam("ab"), TypeError, "Adam: params is of type str; pass a list of Tensors"),
    "an array": (
        lambda: AdamW([TWICE, np.ones(2)]),
        TypeError,
        "AdamW: parameter 1 is of type ndarray; it must be a Tensor",
    ),
    "a frozen parameter": (
        lambda: SGD([frozen()], 0.1),
        ValueError,
        "SGD: parameter 0 of shape (1,) requires no gradient; leave frozen ones out: [p for p in model.parameters() if p.requires_grad]",
    ),
    "a result": (
        lambda: SGD([RESULT], 0.1),
        ValueError,
        "SGD: parameter 0 of shape (1,) is the result of a computation, which the next one computes anew; pass what it was computed from",
    ),
    "a parameter twice": (
        lambda: SGD([parameter([1.0]), TWICE, TWICE], 0.1),
        ValueError,
        "SGD: parameter 2 of shape (2, 3) is there twice; it would be moved twice a step, so pass each once",
    ),
    "a negative lr": (lambda: SGD([TWICE], -0.1), ValueError, "SGD: lr is -0.1; it must be 0 or larger, and finite"),
    "an infinite lr": (
        lambda: Adam([TWICE], lr=math.inf),
        ValueError,
        "Adam: lr is inf; it must be 0 or larger, and finite",
    ),
    "an lr that is no number": (
        lambda: AdamW([TWICE], lr=math.nan),
        ValueError,
        "AdamW: lr is nan; it must be 0 or larger, and finite",
    ),
    "an lr of text": (lambda: SGD([TWICE], "0.1"), TypeError, "SGD: lr is '0.1'; it must be a number"),
    "an lr of truth": (lambda: SGD([TWICE], True), TypeError, "SGD: lr is True; it must be a number"),
    "no lr": (lambda: SGD([TWICE], None), TypeError, "SGD: lr is None; it must be a number"),
    "momentum of 1": (
        lambda: SGD([TWICE], 0.1, momentum=1),
        ValueError,
        "SGD: momentum is 1; it must be 0 or larger, and below 1",
    ),
    "negative momentum": (
        lambda: SGD([TWICE], 0.1, momentum=-0.1),
        ValueError,
        "SGD: momentum is -0.1; it must be 0 or larger, and below 1",
    ),
    "negative decay": (
        lambda: SGD([TWICE], 0.1, weight_decay=-1),
        ValueError,
        "SGD: weight_decay is -1; it must be 0 or larger, and finite",
    ),
    "negative decay of adam": (
        lambda: Adam([TWICE], weight_decay=-1),
        ValueError,
        "Adam: weight_decay is -1; it must be 0 or larger",
    ),
    "the first beta of 1": (
        lambda: Adam([TWICE], betas=(1.0, 0.9)),
        ValueError,
        "Adam: betas[0] is 1.0; it must be 0 or larger, and below 1",
    ),
    "the second beta of 1": (
        lambda: AdamW([TWICE], betas=(0.9, 1.0)),
        ValueError,
        "AdamW: betas[1] is 1.0; it must be 0 or larger, and below 1",
    ),
    "a negative beta": (
        lambda: Adam([TWICE], betas=(0.9, -0.1)),
        ValueError,
        "Adam: betas[1] is -0.1; it must be 0 or larger",
    ),
    "one beta": (
        lambda: Adam([TWICE], betas=0.9),
        TypeError,
        "Adam: betas is 0.9; it must be two numbers, such as (0.9, 0.999)",
    ),
    "three betas": (
        lambda: Adam([TWICE], betas=(0.9, 0.9, 0.9)),
        TypeError,
        "Adam: betas is (0.9, 0.9, 0.9); it must be two numbers",
    ),
    "a beta of text": (
        lambda: Adam([TWICE], betas=("a", 0.9)),
        TypeError,
        "Adam: betas[0] is 'a'; it must be a number",
    ),
    "eps of 0": (
        lambda: Adam([TWICE], eps=0),
        ValueError,
        "Adam: eps is 0; it must be above 0, since a gradient of 0 would give 0 / 0",
    ),
    "a negative eps": (lambda: Adam([TWICE], eps=-1e-8), ValueError, "Adam: eps is -1e-08; it must be 0 or larger"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_a_sentence(mistake):
    action, kind, sentence = MISTAKES[mistake]
    with pytest.raises(kind) as caught:
        action()
    assert sentence in str(caught.value)


def test_limits_are_allowed():
    w = parameter([1.0])
    w.grad = np.array([1.0])
    for optimizer in (
        SGD([w], 0),
        SGD([w], 0, 0.999),
        Adam([w], lr=0, betas=[0, 0]),
        SGD((p for p in [w]), np.float32(0)),
    ):
        optimizer.step()
    assert w.data.item() == 1.0
    assert type(SGD([w], np.float32(0.5)).lr) is float and Adam([w], betas=[0, 0]).betas == (0.0, 0.0)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_step_without_any_gradient_is_told_before_anything_changes(make):
    params = [parameter([1.0, 2.0]), parameter([3.0])]
    optimizer = make(params)
    with pytest.raises(
        RuntimeError,
        match=r"step: no parameter has a gradient. Either backward\(\) was not "
        r"called since zero_grad\(\), or the loss depends on none of them",
    ):
        optimizer.step()
    assert params[0].data.tolist() == [1.0, 2.0] and optimizer.steps == [0, 0]
    assert not any(buffer.any() for buffers in optimizer.buffers.values() for buffer in buffers)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_parameter_without_a_gradient_is_passed_over_and_its_buffers_rest(make):
    params, alone = [parameter([3.0]), parameter([1.0, 2.0])], [parameter([1.0, 2.0])]
    optimizer, expected = make(params), make(alone)
    for _ in range(3):
        params[1].grad, alone[0].grad = np.array([1.0, -1.0]), np.array([1.0, -1.0])
        optimizer.step()
        expected.step()
    assert params[0].data.tolist() == [3.0] and optimizer.steps == [0, 3]
    assert params[1].data.tolist() == alone[0].data.tolist()
    assert not any(buffers[0].any() for buffers in optimizer.buffers.values())


def test_where_all_parameters_were_frozen_a_step_does_nothing():
    w = parameter([1.0])
    optimizer = SGD([w], 0.1)
    w.requires_grad = False
    optimizer.step()
    assert w.data.tolist() == [1.0] and optimizer.steps == [0]


def test_data_of_another_shape_is_told():
    w = parameter([1.0, 2.0])
    optimizer = SGD([w], 0.1)
    w.data, w.grad = np.ones(3), np.ones(3)
    with pytest.raises(
        RuntimeError,
        match=r"SGD.step: parameter 0 had shape \(2,\) and float64; now it has \(3,\) and float64, and its gradient \(3,\)",
    ):
        optimizer.step()
    w.data, w.grad = np.ones(2), np.ones(1)
    with pytest.raises(
        RuntimeError, match=r"now it has \(2,\) and float64, and its gradient \(1,\); make a new optimizer"
    ):
        optimizer.step()


@pytest.mark.parametrize(
    "data, grad, error, words",
    [
        (np.ones(2, dtype=np.float32), np.ones(2), RuntimeError, r"now it has \(2,\) and float32, and its gradient"),
        (
            np.ones(2),
            [1.0, 1.0],
            TypeError,
            r"parameter 1 of shape \(2,\) has a .grad of type list; it must be an array",
        ),
    ],
)
def test_data_or_a_gradient_of_another_kind_is_told_before_anything_changes(data, grad, error, words):
    params = [parameter([1.0]), parameter([1.0, 2.0])]
    optimizer = SGD(params, 0.1)
    params[0].grad, params[1].data, params[1].grad = np.ones(1), data, grad
    with pytest.raises(error, match=words):
        optimizer.step()
    assert params[0].data.tolist() == [1.0] and optimizer.steps == [0, 0]


def test_a_parameter_that_cannot_be_written_to_is_refused():
    fixed = from_numpy(np.frombuffer(np.ones(2).tobytes()))
    fixed.requires_grad = True
    with pytest.raises(
        ValueError, match=r"SGD: parameter 1 of shape \(2,\) is read-only, and a step changes it in place"
    ):
        SGD([parameter([1.0]), fixed], 0.1)


def test_an_optimizer_of_ones_own_needs_a_rule():
    w = parameter([1.0])
    w.grad = np.array([1.0])

    class Signs(Optimizer):
        def update(self, data, grad, scratch, step):
            data -= self.lr * np.sign(grad) * step

    optimizer = Signs([w], 0.5)
    optimizer.step()
    optimizer.step()
    assert w.data.item() == -0.5
    with pytest.raises(NotImplementedError, match="Optimizer: there is no update; it changes one parameter in place"):
        Optimizer([w], 0.5).step()


@pytest.mark.skipif(sys.platform == "emscripten", reason="the browser's Python cannot start processes")
def test_without_gradients_it_says_what_is_missing():
    code = "from tinytorch import Linear, SGD; SGD(Linear(1, 1).parameters(), 0.1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "RuntimeError: SGD: tensors have no gradients yet; call enable_autograd() first" in done.stderr


def test_it_looks_for_gradients_before_it_looks_at_the_parameters(monkeypatch):
    layer = Linear(1, 1)
    monkeypatch.delattr(Tensor, "requires_grad")
    with pytest.raises(RuntimeError, match=r"Adam: tensors have no gradients yet; call enable_autograd\(\) first"):
        Adam(layer.parameters())
