"""Losses give the mean of their formula, whatever the size of the numbers, and refuse what does not fit together."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tinytorch import BCEWithLogitsLoss, BinaryCrossEntropyLoss, CrossEntropyLoss, MSELoss, Softmax, Tensor, log_softmax
from tinytorch.core.losses import LogSoftmax, Loss, log_sum_exp, log_sum_exp_parts

LOSSES = [MSELoss, CrossEntropyLoss, BinaryCrossEntropyLoss, BCEWithLogitsLoss]
FULL = arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


def grids(low, high, shape=FULL):
    return arrays.arrays(np.float64, shape, elements=st.floats(low, high))


def wide(x):
    return Tensor(x, dtype=np.float64)


def value(loss, predictions, targets):
    found = loss(wide(predictions), targets)
    assert isinstance(found, Tensor) and found.shape == () and found.dtype == np.float64
    return found.item()


# Logarithm of a sum of exponentials


def slow_log_sum_exp(row):
    top = max(row)
    return top + math.log(math.fsum(math.exp(x - top) for x in row))


@given(grids(-1000, 1000), st.data())
def test_log_sum_exp_is_what_the_formula_says(array, data):
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    found = log_sum_exp(array, axis)
    rows = np.moveaxis(array, axis, -1)
    assert found.shape == rows.shape[:-1] and found.dtype == np.float64
    for index in np.ndindex(rows.shape[:-1]):
        assert math.isclose(found[index], slow_log_sum_exp(rows[index].tolist()), rel_tol=1e-12, abs_tol=1e-12)


def test_log_sum_exp_of_infinite_numbers():
    inf = math.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = log_sum_exp(np.array([[-inf, -inf], [inf, 1], [-inf, 2], [inf, -inf]]))
    assert found.tolist() == [-inf, inf, 2, inf]
    assert np.isnan(log_sum_exp(np.array([math.nan, 1])))


def test_log_sum_exp_takes_the_last_axis_and_any_numbers():
    np.testing.assert_allclose(log_sum_exp([[0, 0, 0], [1, 1, 1]]), [math.log(3), 1 + math.log(3)])
    assert log_sum_exp(np.zeros((2, 3), dtype=np.float32)).dtype == np.float32
    assert log_sum_exp([True, False]).dtype == np.float64
    assert log_sum_exp([0.0, 0.0]).shape == ()


@given(grids(-100, 100), st.data())
def test_the_parts_add_up_and_the_first_is_the_largest(array, data):
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    largest, rest = log_sum_exp_parts(array, axis)
    np.testing.assert_array_equal(largest, array.max(axis=axis, keepdims=True))
    np.testing.assert_allclose(np.squeeze(largest + rest, axis), log_sum_exp(array, axis), rtol=1e-12, atol=1e-12)
    default = log_sum_exp_parts(array)
    np.testing.assert_array_equal(default[1], log_sum_exp_parts(array, -1)[1])


@given(grids(-300, 300), st.data())
def test_log_softmax_is_what_the_formula_says(array, data):
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    found = np.moveaxis(log_softmax(wide(array), axis).data, axis, -1)
    rows = np.moveaxis(array, axis, -1)
    for index in np.ndindex(rows.shape):
        row = rows[index[:-1]].tolist()
        assert math.isclose(found[index], row[index[-1]] - slow_log_sum_exp(row), rel_tol=1e-11, abs_tol=1e-11)


def test_log_softmax_takes_the_last_axis_unless_told():
    x = wide([[0.0, 1.0, 3.0], [2.0, 2.0, -1.0]])
    assert LogSoftmax().axis == -1
    assert repr(LogSoftmax(0)) == "LogSoftmax(axis=0)"
    np.testing.assert_allclose(np.exp(log_softmax(x).data), Softmax()(x).data, rtol=1e-12)
    np.testing.assert_allclose(np.exp(log_softmax(x, axis=0).data), Softmax(0)(x).data, rtol=1e-12)
    np.testing.assert_array_equal(LogSoftmax()(x).data, log_softmax(x).data)


def test_log_softmax_keeps_its_digits_when_the_numbers_are_large():
    found = log_softmax(Tensor([1000.0, 1000.0, -1000.0])).data
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [-math.log(2), -math.log(2), -2000 - math.log(2)], rtol=1e-6)


# Values of the losses


@given(grids(-100, 100), st.data())
def test_mean_squared_error(array, data):
    targets = data.draw(grids(-100, 100, array.shape))
    expected = (
        math.fsum((p - t) ** 2 for p, t in zip(array.ravel().tolist(), targets.ravel().tolist(), strict=True))
        / array.size
    )
    assert math.isclose(value(MSELoss(), array, wide(targets)), expected, rel_tol=1e-10, abs_tol=1e-300)


@given(grids(-200, 200), st.data())
def test_cross_entropy(array, data):
    labels = data.draw(arrays.arrays(np.int64, array.shape[:-1], elements=st.integers(0, array.shape[-1] - 1)))
    rows = array.reshape(-1, array.shape[-1]).tolist()
    each = [slow_log_sum_exp(row) - row[label] for row, label in zip(rows, labels.ravel().tolist(), strict=True)]
    assert math.isclose(
        value(CrossEntropyLoss(), array, Tensor(labels)), math.fsum(each) / len(each), rel_tol=1e-10, abs_tol=1e-12
    )


@given(grids(0.001, 0.999), st.data())
def test_binary_cross_entropy(array, data):
    targets = data.draw(grids(0, 1, array.shape))
    pairs = list(zip(array.ravel().tolist(), targets.ravel().tolist(), strict=True))
    expected = -math.fsum(t * math.log(p) + (1 - t) * math.log(1 - p) for p, t in pairs) / len(pairs)
    assert math.isclose(value(BinaryCrossEntropyLoss(), array, wide(targets)), expected, rel_tol=1e-10)


@given(grids(-30, 30), st.data())
def test_binary_cross_entropy_with_logits(array, data):
    targets = data.draw(grids(0, 1, array.shape))
    pairs = list(zip(array.ravel().tolist(), targets.ravel().tolist(), strict=True))
    expected = math.fsum(t * math.log1p(math.exp(-x)) + (1 - t) * math.log1p(math.exp(x)) for x, t in pairs) / len(
        pairs
    )
    assert math.isclose(value(BCEWithLogitsLoss(), array, wide(targets)), expected, rel_tol=1e-9, abs_tol=1e-13)


@given(grids(-15, 15))
def test_a_loss_of_logits_is_that_of_their_probabilities(array):
    targets = wide((array > 3).astype(float))
    probabilities = 1 / (1 + np.exp(-array))
    assert math.isclose(
        value(BCEWithLogitsLoss(), array, targets),
        value(BinaryCrossEntropyLoss(), probabilities, targets),
        rel_tol=1e-7,
    )


@pytest.mark.parametrize(
    "loss, predictions, targets, expected",
    [
        (MSELoss, [1, 2, 4], [1, 0, 0], 20 / 3),
        (MSELoss, [[1], [2]], [[0], [0]], 2.5),
        (MSELoss, 3, 1, 4),
        (CrossEntropyLoss, [[0, 0, 0, 0]], [1], math.log(4)),
        (CrossEntropyLoss, [[1, 2, 3], [3, 2, 1]], [2, 2], (0.4076059644 + 2.4076059644) / 2),
        (CrossEntropyLoss, [0, math.log(3)], 1, math.log(4 / 3)),
        (CrossEntropyLoss, [[[0, 0]], [[0, 0]]], [[0], [1]], math.log(2)),
        (CrossEntropyLoss, [[5]], [0], 0),
        (BinaryCrossEntropyLoss, [0.25, 0.5], [0, 1], (math.log(4 / 3) + math.log(2)) / 2),
        (BinaryCrossEntropyLoss, [0.2], [0.3], -(0.3 * math.log(0.2) + 0.7 * math.log(0.8))),
        (BCEWithLogitsLoss, [0, 0], [0, 1], math.log(2)),
        (BCEWithLogitsLoss, [2, -1], [1, 1], (math.log1p(math.exp(-2)) + math.log1p(math.exp(1))) / 2),
    ],
)
def test_known_values(loss, predictions, targets, expected):
    targets = np.array(targets) if loss is CrossEntropyLoss else wide(targets)
    assert math.isclose(value(loss(), predictions, targets), expected, rel_tol=1e-9, abs_tol=1e-15)


# Extremes


def test_cross_entropy_of_large_logits_is_exact_and_warns_of_nothing():
    loss = CrossEntropyLoss()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loss(Tensor([[1000, 0]]), [1]).item() == 1000
        assert loss(Tensor([[1000, 0]]), [0]).item() == 0
        assert math.isclose(loss(Tensor([[1000, 1000]]), [0]).item(), math.log(2), rel_tol=1e-6)
        assert math.isclose(loss(Tensor([[-1000, -1000]]), [0]).item(), math.log(2), rel_tol=1e-6)
        assert loss(Tensor([[0, -math.inf]]), [0]).item() == 0
        assert loss(Tensor([[0, -math.inf]]), [1]).item() == math.inf


def test_a_small_loss_next_to_large_logits_keeps_its_digits():
    found = CrossEntropyLoss()(Tensor([[1000.0, 990.0]]), [0]).item()
    assert math.isclose(found, math.log1p(math.exp(-10)), rel_tol=1e-3)


def test_a_sure_and_wrong_probability_costs_one_hundred():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for predictions, targets, expected in [
            ([0], [1], 100),
            ([1], [0], 100),
            ([0], [0], 0),
            ([1], [1], 0),
            ([0, 1], [1, 1], 50),
            ([0], [0.25], 25),
            ([1], [0.25], 75),
        ]:
            assert value(BinaryCrossEntropyLoss(), predictions, wide(targets)) == expected
        assert math.isclose(value(BinaryCrossEntropyLoss(), [1e-40], wide([1])), 40 * math.log(10))
        assert value(BinaryCrossEntropyLoss(), [1e-50], wide([1])) == 100


def test_large_logits_of_a_yes_or_no_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for logits, targets, expected in [
            ([1000], [1], 0),
            ([-1000], [0], 0),
            ([1000], [0], 1000),
            ([-1000], [1], 1000),
        ]:
            assert BCEWithLogitsLoss()(Tensor(logits), Tensor(targets)).item() == expected


@pytest.mark.parametrize("loss, targets", [(MSELoss, [0, 0]), (CrossEntropyLoss, 1), (BCEWithLogitsLoss, [0, 1])])
def test_nan_passes_through(loss, targets):
    assert math.isnan(loss()(Tensor([math.nan, 1]), targets).item())


# Shapes, dtypes, memory


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_dtype_of_the_predictions_is_kept(loss, dtype):
    targets = [1] if loss is CrossEntropyLoss else Tensor([[1.0, 0.0]], dtype=dtype)
    assert loss()(Tensor([[0.25, 0.5]], dtype=dtype), targets).dtype == dtype


@pytest.mark.parametrize("loss", [MSELoss, BinaryCrossEntropyLoss, BCEWithLogitsLoss])
@pytest.mark.parametrize("targets", [np.array([1, 0]), np.array([True, False]), np.array([1.0, 0.0]), [1, 0]])
def test_targets_of_whole_numbers_and_truths_are_taken_as_float32(loss, targets):
    found = loss()(Tensor([0.25, 0.75]), targets)
    assert found.dtype == np.float32
    assert found.item() == loss()(Tensor([0.25, 0.75]), Tensor([1.0, 0.0])).item()


@pytest.mark.parametrize(
    "targets", [[1, 0], (1, 0), np.array([1, 0]), np.array([1, 0], dtype=np.uint8), Tensor([1, 0], dtype=np.int32)]
)
def test_labels_may_be_any_integers(targets):
    found = CrossEntropyLoss()(Tensor([[1.0, 2.0], [5.0, 3.0]]), targets).item()
    assert math.isclose(found, (math.log1p(math.exp(-1)) + math.log1p(math.exp(-2))) / 2, rel_tol=1e-6)


def test_labels_at_both_ends_are_allowed():
    assert CrossEntropyLoss()(Tensor([[0.0, 0.0, 0.0]] * 2), [0, 2]).shape == ()


def test_logits_of_whole_numbers_are_taken_as_float32():
    assert CrossEntropyLoss()(Tensor(np.array([[1, 2]])), [0]).dtype == np.float32


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_is_changed_and_nothing_remembered(loss):
    predictions = Tensor([[0.25, 0.75], [0.5, 0.125]])
    targets = Tensor(np.array([1, 0])) if loss is CrossEntropyLoss else Tensor([[0.0, 1.0], [1.0, 1.0]])
    before = predictions.data.copy(), targets.data.copy()
    function = loss()
    first = function(predictions, targets).item()
    assert function.forward(predictions, targets).item() == first
    assert vars(function) == vars(loss())
    np.testing.assert_array_equal(predictions.data, before[0])
    np.testing.assert_array_equal(targets.data, before[1])
    assert repr(function) == f"{loss.__name__}()"


@given(grids(-5, 5, (3, 4)), st.permutations(range(3)))
def test_the_order_of_the_examples_does_not_matter(array, order):
    labels = np.array([0, 3, 1])
    assert math.isclose(
        value(CrossEntropyLoss(), array, labels), value(CrossEntropyLoss(), array[order], labels[order]), rel_tol=1e-12
    )


# Mistakes

SIX = Tensor(np.zeros((2, 3)))

MISTAKES = {
    "a column and a row": (
        lambda: MSELoss()(Tensor([[1], [2], [3]]), Tensor([1, 2, 3])),
        ValueError,
        "MSELoss: predictions (3, 1) and targets (3,): the shapes must be equal; reshape one of them",
    ),
    "other lengths": (
        lambda: BCEWithLogitsLoss()(Tensor([1, 2, 3]), Tensor([1, 0])),
        ValueError,
        "BCEWithLogitsLoss: predictions (3,) and targets (2,): the shapes must be equal",
    ),
    "a single target": (
        lambda: BinaryCrossEntropyLoss()(Tensor([0.5]), 1),
        ValueError,
        "BinaryCrossEntropyLoss: predictions (1,) and targets (): the shapes must be equal",
    ),
    "no example": (
        lambda: MSELoss()(Tensor([]), Tensor([])),
        ValueError,
        "MSELoss: predictions of shape (0,) hold nothing; the mean needs at least one example",
    ),
    "no yes or no": (
        lambda: BinaryCrossEntropyLoss()(Tensor(np.ones((0, 2))), Tensor(np.ones((0, 2)))),
        ValueError,
        "BinaryCrossEntropyLoss: predictions of shape (0, 2) hold nothing",
    ),
    "no logit": (
        lambda: BCEWithLogitsLoss()(Tensor([]), Tensor([])),
        ValueError,
        "BCEWithLogitsLoss: predictions of shape (0,) hold nothing",
    ),
    "no row": (
        lambda: CrossEntropyLoss()(Tensor(np.ones((0, 3))), np.array([], dtype=int)),
        ValueError,
        "CrossEntropyLoss: logits of shape (0, 3) hold nothing; the mean needs at least one example and one class",
    ),
    "no class": (
        lambda: CrossEntropyLoss()(Tensor(np.ones((3, 0))), [0, 0, 0]),
        ValueError,
        "CrossEntropyLoss: logits of shape (3, 0) hold nothing",
    ),
    "too few labels": (
        lambda: CrossEntropyLoss()(SIX, [1]),
        ValueError,
        "CrossEntropyLoss: logits (2, 3) and targets (1,): targets must have the shape of logits without the last axis, the classes",
    ),
    "a single logit": (
        lambda: CrossEntropyLoss()(Tensor(1.0), 0),
        ValueError,
        "CrossEntropyLoss: logits () and targets (): targets must have the shape of logits without",
    ),
    "one-hot targets": (
        lambda: CrossEntropyLoss()(SIX, Tensor(np.eye(3)[:2])),
        ValueError,
        "CrossEntropyLoss: logits (2, 3) and targets (2, 3): targets must have",
    ),
    "labels with a point": (
        lambda: CrossEntropyLoss()(SIX, Tensor([1, 1.5])),
        TypeError,
        "CrossEntropyLoss: targets hold float32; a label is the number of a class, so use integers: Tensor(labels, dtype=np.int64)",
    ),
    "labels of truths": (
        lambda: CrossEntropyLoss()(SIX, [True, False]),
        TypeError,
        "CrossEntropyLoss: targets hold bool; a label is",
    ),
    "a label too large": (
        lambda: CrossEntropyLoss()(SIX, [0, 3]),
        ValueError,
        "CrossEntropyLoss: targets[1] is 3; with 3 classes a label is from 0 to 2",
    ),
    "a label below zero": (
        lambda: CrossEntropyLoss()(SIX, [-1, 2]),
        ValueError,
        "CrossEntropyLoss: targets[0] is -1; with 3 classes a label is from 0 to 2",
    ),
    "the first of several": (
        lambda: CrossEntropyLoss()(SIX, [5, -7]),
        ValueError,
        "CrossEntropyLoss: targets[0] is 5; with 3 classes",
    ),
    "a label in a grid": (
        lambda: CrossEntropyLoss()(Tensor(np.zeros((2, 2, 4))), [[0, 3], [4, 1]]),
        ValueError,
        "CrossEntropyLoss: targets[1, 0] is 4; with 4 classes a label is from 0 to 3",
    ),
    "a label of one row": (
        lambda: CrossEntropyLoss()(Tensor([1.0, 2.0]), 2),
        ValueError,
        "CrossEntropyLoss: targets is 2; with 2 classes a label is from 0 to 1",
    ),
    "a label as text": (lambda: CrossEntropyLoss()(SIX, ["a", "b"]), TypeError, "Tensor: got text"),
    "a logit as a probability": (
        lambda: BinaryCrossEntropyLoss()(Tensor([0.5, 1.5]), Tensor([1, 0])),
        ValueError,
        "BinaryCrossEntropyLoss: predictions[1] is 1.5; it must be from 0 to 1; apply Sigmoid first, or use BCEWithLogitsLoss",
    ),
    "the bounds are not outside": (
        lambda: BinaryCrossEntropyLoss()(Tensor([0, 1, 2]), Tensor([1, 0, 0])),
        ValueError,
        "BinaryCrossEntropyLoss: predictions[2] is 2; it must be from 0 to 1",
    ),
    "a probability below zero": (
        lambda: BinaryCrossEntropyLoss()(Tensor([[0.5], [-0.25]]), Tensor([[1], [0]])),
        ValueError,
        "BinaryCrossEntropyLoss: predictions[1, 0] is -0.25; it must be from 0 to 1",
    ),
    "a probability that is NaN": (
        lambda: BinaryCrossEntropyLoss()(Tensor([0.5, math.nan]), Tensor([1, 0])),
        ValueError,
        "BinaryCrossEntropyLoss: predictions[1] is nan; it must be from 0 to 1",
    ),
    "a target above one": (
        lambda: BinaryCrossEntropyLoss()(Tensor([0.5, 0.5]), Tensor([2, 0])),
        ValueError,
        "BinaryCrossEntropyLoss: targets[0] is 2; it must be from 0 to 1; 0 is no and 1 is yes",
    ),
    "a target below zero": (
        lambda: BCEWithLogitsLoss()(Tensor([5, 5]), Tensor([0, -1])),
        ValueError,
        "BCEWithLogitsLoss: targets[1] is -1; it must be from 0 to 1; 0 is no and 1 is yes",
    ),
    "a target that is NaN": (
        lambda: BCEWithLogitsLoss()(Tensor([5]), Tensor([math.nan])),
        ValueError,
        "BCEWithLogitsLoss: targets[0] is nan; it must be from 0 to 1",
    ),
    "predictions as text": (lambda: MSELoss()("abc", Tensor([1])), TypeError, "Tensor: got text"),
    "log_softmax along no axis": (
        lambda: log_softmax(SIX, axis=2),
        ValueError,
        "LogSoftmax: axis 2 does not exist in shape (2, 3); axes run from -2 to 1",
    ),
    "log_softmax of nothing": (
        lambda: log_softmax(Tensor(np.ones((3, 0)))),
        ValueError,
        "LogSoftmax: shape (3, 0) has no elements along axis 1; it needs at least one",
    ),
    "log_sum_exp along no axis": (
        lambda: log_sum_exp(np.ones(3), axis=1),
        ValueError,
        "log_sum_exp: axis 1 does not exist in shape (3,); axes run from -1 to 0",
    ),
    "log_sum_exp of nothing": (
        lambda: log_sum_exp(np.ones(0)),
        ValueError,
        "log_sum_exp: shape (0,) has no elements along axis 0",
    ),
    "log_sum_exp of text": (lambda: log_sum_exp(["a"]), TypeError, "Tensor: got text"),
    "no forward": (
        lambda: type("Mine", (Loss,), {})()(SIX, SIX),
        NotImplementedError,
        "Mine: there is no forward; write def forward(self, predictions, targets) in class Mine",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_a_sentence(mistake):
    action, kind, sentence = MISTAKES[mistake]
    with pytest.raises(kind) as caught:
        action()
    assert str(caught.value).startswith(sentence)


def test_labels_that_are_whole_in_floating_point_are_taken():
    for labels in (Tensor([2, 0]), np.array([2.0, 0.0]), [2.0, 0.0]):
        assert CrossEntropyLoss()(SIX, labels).item() == CrossEntropyLoss()(SIX, [2, 0]).item()


def test_a_loss_over_ignored_labels_alone_is_refused():
    with pytest.raises(ValueError, match="CrossEntropyLoss: every target is -100, the label that is ignored"):
        CrossEntropyLoss()(SIX, [-100, -100])
    with pytest.raises(ValueError, match="targets must have"):
        CrossEntropyLoss()(SIX, [-100])
