"""A lookup equals the one-hot product, its gradient reaches the used rows only, and positions are where they should be."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch.core.autograd import RowGradient, check_gradient, enable_autograd, no_grad
from tinytorch.core.embeddings import (
    Embedding,
    EmbeddingFunction,
    EmbeddingLayer,
    LearnedPositionalEncoding,
    PositionalEncoding,
    check_positions,
    nearest_rows,
    one_hot,
    sinusoidal_positions,
    sum_by_id,
)
from tinytorch.core.layers import Parameter, manual_seed
from tinytorch.core.tensor import Tensor

enable_autograd()

VOCAB = 5
IDS = st.lists(st.integers(0, VOCAB - 1), max_size=12)


def table(rows, columns, dtype=np.float32):
    """A weight whose every element is different: row r holds 10 r, 10 r + 1, …"""
    return (10 * np.arange(rows)[:, None] + np.arange(columns)).astype(dtype)


def filled(rows=VOCAB, columns=3, dtype=np.float32):
    embedding = Embedding(rows, columns)
    embedding.weight.data = table(rows, columns, dtype)
    return embedding


# Lookups


@pytest.mark.parametrize(
    "ids",
    [
        [1, 4],
        np.array([1, 4]),
        np.array([1, 4], dtype=np.uint64),
        Tensor(np.array([1, 4])),
        Tensor([1, 4], dtype=np.int8),
        (1, 4),
    ],
)
def test_a_lookup_takes_lists_arrays_and_tensors(ids):
    assert filled()(ids).data.tolist() == [[10, 11, 12], [40, 41, 42]]


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0), (2, 1, 2)])
def test_a_lookup_adds_one_axis_to_any_shape(shape):
    ids = np.arange(math.prod(shape)).reshape(shape) % VOCAB
    found = filled()(ids)
    assert found.shape == shape + (3,) and found.dtype == np.float32
    assert np.array_equal(found.data, table(VOCAB, 3)[ids])


def test_a_lookup_is_a_copy_and_keeps_float64():
    embedding = filled(dtype=np.float64)
    with no_grad():
        found = embedding([0])
        found.data[:] = -1
    assert found.dtype == np.float64
    assert embedding.weight.data[0, 0] == 0


@given(IDS)
def test_a_lookup_is_the_product_with_the_one_hot_matrix(ids):
    embedding = filled()
    product = one_hot(ids, VOCAB) @ embedding.weight
    assert np.array_equal(product.data, embedding(ids).data)


def test_one_hot_rows_hold_a_single_one():
    assert one_hot([[2, 0], [1, 1]], 3).data.tolist() == [[[0, 0, 1], [1, 0, 0]], [[0, 1, 0], [0, 1, 0]]]
    assert one_hot(1, 2).data.tolist() == [0, 1]
    assert one_hot([], 4).shape == (0, 4)
    assert (
        one_hot([2], 3).dtype == np.float32 and one_hot(np.zeros(10, dtype=int), 50).memory_footprint() == 4 * 10 * 50
    )


def test_first_values_have_the_asked_spread_and_come_from_the_seed():
    wide, narrow = Embedding(400, 50, rng=3).weight, Embedding(400, 50, std=0.25, rng=3).weight
    assert isinstance(wide, Parameter) and wide.dtype == np.float32 and wide.shape == (400, 50)
    assert abs(wide.data.mean()) < 0.02 and abs(wide.data.std() - 1) < 0.02
    np.testing.assert_allclose(narrow.data, wide.data / 4, rtol=1e-6)
    assert np.array_equal(Embedding(400, 50, rng=3).weight.data, wide.data)
    assert np.all(Embedding(3, 2, std=0).weight.data == 0)
    manual_seed(1)
    first = Embedding(3, 2).weight.data
    assert not np.array_equal(first, Embedding(3, 2).weight.data)
    manual_seed(1)
    assert np.array_equal(first, Embedding(3, 2).weight.data)


# Gradients


@pytest.mark.parametrize("ids", [[0], [1, 3], [2, 2, 2], [4, 0, 4, 1, 0], [[0, 1, 1], [1, 3, 0]], 2, []])
def test_the_gradient_of_a_lookup_is_right(ids):
    check_gradient(
        lambda weight: EmbeddingFunction.apply(weight, np.array(ids, dtype=np.intp)), table(VOCAB, 3, np.float64) / 7
    )


def test_repeated_ids_add_up_and_unused_rows_stay_zero():
    embedding = filled()
    embedding([[1, 3], [3, 3]]).backward(np.arange(12.0).reshape(2, 2, 3))
    expected = np.zeros((VOCAB, 3))
    expected[1] = [0, 1, 2]
    expected[3] = [3 + 6 + 9, 4 + 7 + 10, 5 + 8 + 11]
    assert np.array_equal(embedding.weight.grad, expected)


def test_backward_returns_only_the_rows_that_were_used():
    grad, none = EmbeddingFunction().backward(
        np.ones((2, 2, 3), dtype=np.float32), filled(1000).weight, np.array([[7, 999], [7, 0]])
    )
    assert isinstance(grad, RowGradient) and none is None
    assert grad.rows.tolist() == [0, 7, 999] and grad.values.tolist() == [[1, 1, 1], [2, 2, 2], [1, 1, 1]]
    assert grad.shape == (1000, 3) and grad.dtype == np.float32


def test_a_table_used_twice_gets_both_gradients():
    embedding = filled()
    (embedding([1, 2]).sum() + 2 * embedding([2]).sum()).backward()
    assert embedding.weight.grad[:, 0].tolist() == [0, 1, 3, 0, 0]
    embedding([2]).sum().backward()
    assert embedding.weight.grad[:, 0].tolist() == [0, 1, 4, 0, 0]


def test_the_gradient_agrees_with_the_one_hot_product():
    ids, scale = [[4, 1, 4], [0, 4, 2]], np.arange(18.0).reshape(2, 3, 3)
    lookup, product = filled(), filled()
    (lookup(ids) * Tensor(scale)).sum().backward()
    (one_hot(ids, VOCAB) @ product.weight * Tensor(scale)).sum().backward()
    np.testing.assert_allclose(lookup.weight.grad, product.weight.grad, rtol=1e-6)


def test_a_frozen_table_gets_no_gradient():
    embedding = filled()
    embedding.weight.requires_grad = False
    assert not embedding([1]).requires_grad
    with no_grad():
        assert not filled()([1]).requires_grad


@given(IDS)
def test_sums_by_id_are_those_of_add_at(ids):
    ids = np.array(ids, dtype=np.intp)
    values = np.arange(2.0 * ids.size).reshape(ids.size, 2) + 1
    found, sums = sum_by_id(ids, values)
    expected = np.zeros((VOCAB, 2))
    np.add.at(expected, ids, values)
    assert found.tolist() == sorted(set(ids.tolist()))
    assert np.array_equal(sums, expected[found])
    assert sums.shape == (found.size, 2)


def test_sums_keep_float32_and_leave_their_input_alone():
    ids, values = np.array([3, 1, 3]), np.ones((3, 2), dtype=np.float32)
    assert sum_by_id(ids, values)[1].dtype == np.float32
    assert ids.tolist() == [3, 1, 3] and np.all(values == 1)


# Positions


def test_waves_are_those_of_the_paper():
    found = sinusoidal_positions(50, 6)
    assert found.shape == (50, 6) and found.dtype == np.float32
    for position in (0, 1, 2, 17, 49):
        for pair in range(3):
            angle = position / 10000 ** (2 * pair / 6)
            assert found.data[position, 2 * pair] == pytest.approx(math.sin(angle), abs=1e-6)
            assert found.data[position, 2 * pair + 1] == pytest.approx(math.cos(angle), abs=1e-6)


def test_an_odd_width_ends_with_a_sine():
    found = sinusoidal_positions(4, 5).data
    assert found.shape == (4, 5)
    np.testing.assert_allclose(found[:, 4], np.sin(np.arange(4) / 10000 ** (4 / 5)), atol=1e-7)
    np.testing.assert_allclose(found[:, 3], np.cos(np.arange(4) / 10000 ** (2 / 5)), atol=1e-7)
    np.testing.assert_allclose(sinusoidal_positions(3, 1).data[:, 0], np.sin([0, 1, 2]), atol=1e-7)


@pytest.mark.parametrize("kind", [PositionalEncoding, LearnedPositionalEncoding])
def test_positions_are_added_from_the_start(kind):
    layer = kind(8, 4)
    rows = layer.table.data if kind is PositionalEncoding else layer.weight.data
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    assert np.array_equal(layer(Tensor(x)).data, x + rows[:3])
    assert np.array_equal(layer(Tensor(x), start=5).data, x + rows[5:8])
    assert np.array_equal(layer(Tensor(x[0]), 1).data, x[0] + rows[1:4])
    assert np.array_equal(layer(Tensor(x[:, :0]), 8).data, x[:, :0])
    assert np.array_equal(layer(x).data, x + rows[:3])
    assert np.array_equal(layer(x[0].tolist()).data, x[0] + rows[:3])
    assert layer(Tensor(x), start=np.int64(2)).shape == x.shape
    assert layer(Tensor(x)).dtype == np.float32
    assert layer(Tensor(x.astype(np.float64), dtype=np.float64)).dtype == np.float64


def test_waves_are_constants_and_learned_positions_are_parameters():
    assert PositionalEncoding(8, 4).parameters() == [] and not PositionalEncoding(8, 4).table.requires_grad
    learned = LearnedPositionalEncoding(8, 4)
    assert [(name, p.shape) for name, p in learned.named_parameters()] == [("weight", (8, 4))]
    assert 0.01 < LearnedPositionalEncoding(100, 40, rng=0).weight.data.std() < 0.03
    assert np.array_equal(
        LearnedPositionalEncoding(8, 4, rng=2).weight.data, LearnedPositionalEncoding(8, 4, rng=2).weight.data
    )


def test_gradients_go_to_the_positions_used_and_through_to_the_input():
    learned = LearnedPositionalEncoding(6, 2)
    x = Tensor(np.zeros((3, 2, 2)), requires_grad=True)
    learned(x, start=1).sum().backward()
    assert learned.weight.grad[:, 0].tolist() == [0, 3, 3, 0, 0, 0]
    assert np.array_equal(x.grad, np.ones((3, 2, 2)))
    check_gradient(lambda x: PositionalEncoding(4, 2)(x, start=1), np.ones((2, 3, 2)))


# Tokens and positions


@pytest.mark.parametrize(
    "positions, kind, names",
    [
        ("learned", LearnedPositionalEncoding, ["token.weight", "position.weight"]),
        ("sinusoidal", PositionalEncoding, ["token.weight"]),
    ],
)
def test_an_embedding_layer_adds_tokens_and_positions(positions, kind, names):
    layer = EmbeddingLayer(10, 4, max_seq_len=8, positions=positions, rng=0)
    assert type(layer.position) is kind and [name for name, p in layer.named_parameters()] == names
    ids = [[1, 2, 3], [9, 9, 0]]
    rows = (layer.position.table.data if positions == "sinusoidal" else layer.position.weight.data)[5:8]
    assert np.array_equal(layer(ids, start=5).data, layer.token.weight.data[ids] + rows)
    assert np.array_equal(layer([1, 2]).data, layer(np.array([[1, 2]])).data[0])
    again = EmbeddingLayer(10, 4, max_seq_len=8, positions=positions, rng=0)
    assert np.array_equal(again(ids).data, layer(ids).data)


def test_learned_positions_are_the_default_and_start_small_beside_small_tokens():
    learned, waves = EmbeddingLayer(200, 30, 50, rng=0), EmbeddingLayer(200, 30, 50, "sinusoidal", rng=0)
    assert isinstance(learned.position, LearnedPositionalEncoding)
    assert 0.018 < learned.token.weight.data.std() < 0.022 and 0.018 < learned.position.weight.data.std() < 0.022
    assert 0.95 < waves.token.weight.data.std() < 1.05
    assert not np.array_equal(learned.token.weight.data[:50], learned.position.weight.data)


def test_an_embedding_layer_learns_where_and_what():
    layer = EmbeddingLayer(4, 2, max_seq_len=3)
    layer([[1, 1], [1, 2]]).sum().backward()
    assert layer.token.weight.grad[:, 0].tolist() == [0, 3, 1, 0]
    assert layer.position.weight.grad[:, 1].tolist() == [2, 2, 0]


def test_layers_print_their_sizes():
    assert repr(EmbeddingLayer(10, 4, 8)) == (
        "EmbeddingLayer(\n  (token): Embedding(vocab_size=10, embed_dim=4)\n  (position): "
        "LearnedPositionalEncoding(max_seq_len=8, embed_dim=4)\n)"
    )
    assert repr(PositionalEncoding(8, 4)) == "PositionalEncoding(max_seq_len=8, embed_dim=4)"


# What a table holds


def test_the_nearest_rows_are_those_of_the_smallest_angle():
    found = np.array([[2.0, 0], [0, 1], [1, 1], [-3, 0], [10, 1]])
    rows, cosines = nearest_rows(found, 0, 4)
    assert rows.tolist() == [4, 2, 1, 3]
    np.testing.assert_allclose(cosines, [10 / math.sqrt(101), 1 / math.sqrt(2), 0, -1], atol=1e-12)
    assert nearest_rows(Tensor(found), 3, 1)[0].tolist() == [1] and len(nearest_rows(found, 0)[0]) == 3
    assert nearest_rows(found[:1], 0)[0].tolist() == []


def test_rows_of_zeros_have_no_direction_and_equals_keep_their_order():
    rows, cosines = nearest_rows(np.array([[0.0, 0], [1, 1], [-1, -1], [1, 1], [2, 2]]), 1, 9)
    assert rows.tolist() == [3, 4, 0, 2] and cosines.round(6).tolist() == [1, 1, 0, -1]
    assert nearest_rows(np.array([[0.0, 0], [1, 1]]), 0)[1].tolist() == [0]


@given(st.integers(0, 7), st.integers(1, 9))
def test_nearest_rows_agree_with_angles_one_by_one(row, count):
    found = np.random.default_rng(0).standard_normal((8, 3))
    angles = [math.acos(np.clip(a @ found[row] / math.hypot(*a) / math.hypot(*found[row]), -1, 1)) for a in found]
    expected = sorted((index for index in range(8) if index != row), key=angles.__getitem__)[:count]
    assert nearest_rows(found, row, count)[0].tolist() == expected


# Mistakes


SMALL = Embedding(5, 3)
WAVES, LEARNED = PositionalEncoding(8, 4), LearnedPositionalEncoding(8, 4)
X = Tensor(np.zeros((2, 3, 4)))
MISTAKES = {
    "an id too high": (
        lambda: SMALL([[0, 1], [5, 2]]),
        ValueError,
        "Embedding: id 5 at position (1, 0) is outside the vocabulary; ids run from 0 to 4",
    ),
    "an id below zero": (
        lambda: SMALL([0, -1]),
        ValueError,
        "Embedding: id -1 at position 1 is outside the vocabulary",
    ),
    "a single id too high": (lambda: SMALL(5), ValueError, "Embedding: id 5 is outside"),
    "half an id": (
        lambda: SMALL(Tensor([[1, 0.5]])),
        TypeError,
        "Embedding: id 0.5 at position (0, 1) is not an integer",
    ),
    "ids in floats": (
        lambda: SMALL(Tensor([1, 2])),
        TypeError,
        "Embedding: ids hold float32; ids are integers, so pass a list of int, or Tensor(ids, dtype=np.int64)",
    ),
    "no id": (lambda: SMALL([1, float("nan")]), TypeError, "Embedding: id nan at position 1 is not an integer"),
    "booleans": (lambda: SMALL(np.array([True])), TypeError, "Embedding: ids hold bool"),
    "text": (
        lambda: SMALL("abc"),
        TypeError,
        "Embedding: got text; ids are integers, and tokenizer.encode(text) makes them",
    ),
    "words": (lambda: SMALL(["the", "cat"]), TypeError, "Embedding: got text"),
    "sentences of different lengths": (lambda: SMALL([[1, 2], [3]]), ValueError, "the rows have lengths 1 and 2"),
    "no rows": (lambda: Embedding(0, 3), ValueError, "Embedding: vocab_size is 0; it must be at least 1"),
    "rows with a point": (lambda: Embedding(5.0, 3), TypeError, "Embedding: vocab_size is 5.0"),
    "rows of nothing": (lambda: Embedding(5, 0), ValueError, "Embedding: embed_dim is 0; it must be at least 1"),
    "neighbours of no row": (
        lambda: nearest_rows(np.eye(3), 3),
        ValueError,
        "nearest_rows: id 3 is outside the vocabulary; ids run from 0 to 2",
    ),
    "half a neighbour": (lambda: nearest_rows(np.eye(3), 0.5), TypeError, "nearest_rows: id 0.5 is not an integer"),
    "no neighbours": (
        lambda: nearest_rows(np.eye(3), 0, 0),
        ValueError,
        "nearest_rows: count is 0; it must be at least 1",
    ),
    "a negative spread": (
        lambda: Embedding(5, 3, std=-1),
        ValueError,
        "Embedding: std is -1; a standard deviation is 0 or larger",
    ),
    "no spread": (lambda: Embedding(5, 3, std=float("nan")), ValueError, "Embedding: std is nan"),
    "one-hot of an id too high": (
        lambda: one_hot([1, 2], 2),
        ValueError,
        "one_hot: id 2 at position 1 is outside the vocabulary; ids run from 0 to 1",
    ),
    "one-hot of no classes": (lambda: one_hot([], 0), ValueError, "one_hot: num_classes is 0; it must be at least 1"),
    "a sequence too long": (
        lambda: WAVES(Tensor(np.zeros((1, 9, 4)))),
        ValueError,
        "PositionalEncoding: 9 positions from 0 on, and max_seq_len is 8; shorten the sequence, or make the layer for 9",
    ),
    "a sequence too late": (
        lambda: LEARNED(X, start=6),
        ValueError,
        "LearnedPositionalEncoding: 3 positions from 6 on, and max_seq_len is 8; shorten the sequence, or make the layer for 9",
    ),
    "a start below zero": (
        lambda: WAVES(X, start=-1),
        ValueError,
        "PositionalEncoding: start is -1; positions count from 0",
    ),
    "a learned start below zero": (lambda: LEARNED(X, start=-1), ValueError, "LearnedPositionalEncoding: start is -1"),
    "a start with a point": (
        lambda: WAVES(X, start=1.0),
        TypeError,
        "PositionalEncoding: start is 1.0; it must be an integer, the first position",
    ),
    "a start of True": (lambda: WAVES(X, start=True), TypeError, "PositionalEncoding: start is True"),
    "another width": (
        lambda: WAVES(Tensor(np.zeros((2, 3, 5)))),
        ValueError,
        "PositionalEncoding: x has shape (2, 3, 5) and needs (…, T, 4): a sequence of vectors of embed_dim=4 values",
    ),
    "a single vector": (
        lambda: LEARNED(Tensor(np.zeros(4))),
        ValueError,
        "LearnedPositionalEncoding: x has shape (4,) and needs (…, T, 4)",
    ),
    "waves of no width": (lambda: PositionalEncoding(8, 0), ValueError, "PositionalEncoding: embed_dim is 0"),
    "waves of no length": (lambda: PositionalEncoding(-1, 4), ValueError, "PositionalEncoding: max_seq_len is -1"),
    "learned of no length": (
        lambda: LearnedPositionalEncoding(0, 4),
        ValueError,
        "LearnedPositionalEncoding: max_seq_len is 0",
    ),
    "learned of no width": (
        lambda: LearnedPositionalEncoding(4, 0),
        ValueError,
        "LearnedPositionalEncoding: embed_dim is 0",
    ),
    "a table of no length": (lambda: sinusoidal_positions(0, 4), ValueError, "sinusoidal_positions: max_seq_len is 0"),
    "a table of no width": (lambda: sinusoidal_positions(4, 0), ValueError, "sinusoidal_positions: embed_dim is 0"),
    "no such positions": (
        lambda: EmbeddingLayer(5, 4, 8, positions="rotary"),
        ValueError,
        'EmbeddingLayer: positions is \'rotary\'; it must be "learned" or "sinusoidal"',
    ),
    "a model of no length": (lambda: EmbeddingLayer(5, 4, 0), ValueError, "EmbeddingLayer: max_seq_len is 0"),
    "a text too long": (
        lambda: EmbeddingLayer(5, 4, 2)([[1, 1, 1]]),
        ValueError,
        "LearnedPositionalEncoding: 3 positions from 0 on, and max_seq_len is 2",
    ),
    "a token too high": (lambda: EmbeddingLayer(5, 4, 2)([[1, 5]]), ValueError, "Embedding: id 5 at position (0, 1)"),
    "a bare token": (lambda: EmbeddingLayer(5, 4, 2)(1), ValueError, "LearnedPositionalEncoding: x has shape (4,)"),
}


@pytest.mark.parametrize("call, error, sentence", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(call, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        call()


def test_a_sequence_may_fill_the_table_exactly():
    assert check_positions("layer", X, 5, 8, 4) == slice(5, 8)
    assert check_positions("layer", X, 0, 3, 4) == slice(0, 3)


def test_the_first_draws_of_a_mistaken_layer_are_not_made():
    manual_seed(5)
    with pytest.raises(ValueError):
        EmbeddingLayer(5, 4, 0)
    first = Embedding(2, 2).weight.data
    manual_seed(5)
    assert np.array_equal(first, Embedding(2, 2).weight.data)


def test_the_row_that_stands_for_padding_begins_at_0_and_stays():
    layer = Embedding(4, 3, rng=0, padding_idx=-2)
    assert layer.padding_idx == 2 and not layer.weight.data[2].any() and layer.weight.data[1].any()
    assert repr(layer) == "Embedding(vocab_size=4, embed_dim=3, padding_idx=2)"
    layer([2, 1, 2]).sum().backward()
    assert layer.weight.grad.tolist() == [[0.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3]
    for wrong, error, message in (
        (4, ValueError, "padding_idx is 4; with 4 ids it is from -4 to 3"),
        (1.0, TypeError, "padding_idx is 1.0; it must be an integer, or None"),
    ):
        with pytest.raises(error, match=message):
            Embedding(4, 3, padding_idx=wrong)


def test_positions_have_a_second_name():
    waves, learned = PositionalEncoding(4, 2), LearnedPositionalEncoding(4, 2)
    assert waves.position_embeddings is waves.table and learned.position_embeddings is learned.weight
    assert len(learned.parameters()) == 1
