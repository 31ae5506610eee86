"""Attention agrees with a formula written out in loops, refuses masks that make no sense, and differentiates."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch import Tensor
from tinytorch.core.attention import (
    AttentionWeights,
    MultiHeadAttention,
    attention_in_blocks,
    attention_scores,
    check_attention_shapes,
    check_mask,
    create_causal_mask,
    find_leaks,
    mask_for_heads,
    masked_softmax,
    merge_heads,
    scaled_dot_product_attention,
    softmax_backward,
    split_heads,
)
from tinytorch.core.autograd import check_gradient, enable_autograd, gradient_gap, no_grad, numerical_gradient
from tinytorch.core.layers import Linear

enable_autograd()


def normal(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def double(array):
    return Tensor(array, dtype=np.float64)


def attention_in_loops(Q, K, V, allowed):
    """One query, one key, one feature at a time, in Python's own float64."""
    output, weights = np.zeros((len(Q), V.shape[1])), np.zeros((len(Q), len(K)))
    for t in range(len(Q)):
        chances = {}
        for s in range(len(K)):
            if allowed[t][s]:
                chances[s] = math.exp(sum(Q[t, d] * K[s, d] for d in range(Q.shape[1])) / math.sqrt(Q.shape[1]))
        for s, chance in chances.items():
            weights[t, s] = chance / sum(chances.values())
            for d in range(V.shape[1]):
                output[t, d] += weights[t, s] * V[s, d]
    return output, weights


@st.composite
def problems(draw):
    """Queries, keys, values and a mask in which every row has an allowed key."""
    Tq, Tk, D, Dv = (draw(st.integers(1, 4)) for _ in range(4))
    seed = draw(st.integers(0, 1000))
    rows = st.lists(st.booleans(), min_size=Tk, max_size=Tk).filter(any)
    allowed = np.array(draw(st.lists(rows, min_size=Tq, max_size=Tq)))
    return normal(seed, Tq, D), normal(seed + 1, Tk, D), normal(seed + 2, Tk, Dv), allowed


def test_attention_takes_lists_for_tensors():
    output, weights = scaled_dot_product_attention([[1.0]], [[0.0], [0.0]], [[2.0], [4.0]])
    assert output.data.tolist() == [[3.0]] and weights.data.tolist() == [[0.5, 0.5]]


# The operation


@given(problems())
def test_attention_is_the_formula_written_out(problem):
    Q, K, V, allowed = problem
    output, weights = scaled_dot_product_attention(double(Q), double(K), double(V), allowed)
    expected_output, expected_weights = attention_in_loops(Q, K, V, allowed)
    assert output.dtype == weights.dtype == np.float64
    np.testing.assert_allclose(weights.data, expected_weights, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(output.data, expected_output, rtol=1e-12, atol=1e-14)


@given(problems())
def test_without_a_mask_every_key_counts(problem):
    Q, K, V, allowed = problem
    output, weights = scaled_dot_product_attention(double(Q), double(K), double(V))
    expected_output, expected_weights = attention_in_loops(Q, K, V, np.ones_like(allowed))
    np.testing.assert_allclose(weights.data, expected_weights, rtol=1e-12)
    np.testing.assert_allclose(output.data, expected_output, rtol=1e-12, atol=1e-14)


@given(problems())
def test_masked_weights_are_exactly_0_and_rows_sum_to_1(problem):
    Q, K, V, allowed = problem
    Q, K, V = (Tensor(array.astype(np.float32)) for array in (Q, K, V))
    output, weights = scaled_dot_product_attention(Q, K, V, allowed)
    assert output.dtype == weights.dtype == np.float32
    assert (weights.data[~allowed] == 0).all() and (weights.data[allowed] > 0).all()
    np.testing.assert_allclose(weights.data.sum(axis=-1), 1, rtol=1e-6)


@given(problems())
def test_masks_of_booleans_and_of_numbers_say_the_same(problem):
    Q, K, V, allowed = problem
    Q, K, V = double(Q), double(K), double(V)
    expected = scaled_dot_product_attention(Q, K, V, allowed)[1].data
    for mask in (
        allowed.astype(np.float32),
        allowed.astype(np.int64),
        allowed.tolist(),
        Tensor(allowed),
        Tensor(allowed.astype(np.float32)),
    ):
        np.testing.assert_array_equal(scaled_dot_product_attention(Q, K, V, mask)[1].data, expected)


def test_scores_are_divided_by_the_square_root_of_the_features():
    Q, K = double([[1.0] * 16]), double([[1.0] * 16, [0.0] * 16])
    weights = scaled_dot_product_attention(Q, K, K)[1].data[0]
    assert math.log(weights[0] / weights[1]) == pytest.approx(4.0)  # 16 / sqrt(16); without the root 16 or 1


def test_leading_axes_are_independent_and_broadcast():
    Q, K, V = normal(0, 2, 3, 4, 5), normal(1, 3, 6, 5), normal(2, 2, 1, 6, 2)
    output, weights = scaled_dot_product_attention(double(Q), double(K), double(V))
    assert output.shape == (2, 3, 4, 2) and weights.shape == (2, 3, 4, 6)
    for b in range(2):
        for h in range(3):
            expected = attention_in_loops(Q[b, h], K[h], V[b, 0], np.ones((4, 6)))
            np.testing.assert_allclose(output.data[b, h], expected[0], rtol=1e-12)


def test_a_mask_broadcasts_to_the_scores():
    Q = double(normal(0, 2, 3, 4, 5))
    for shape in ((4, 4), (3, 4, 4), (2, 1, 4, 4), (2, 3, 4, 4), (1, 4), (4, 1), (4,)):
        mask = np.ones(shape, dtype=bool)
        mask[..., 0] = shape[-1] == 1
        weights = scaled_dot_product_attention(Q, Q, Q, mask)[1].data
        np.testing.assert_array_equal(weights == 0, ~np.broadcast_to(mask, weights.shape))


def test_huge_scores_neither_overflow_nor_warn():
    with np.errstate(all="raise", under="ignore"):
        weights = scaled_dot_product_attention(Tensor([[1e4]]), Tensor([[1e4], [-1e4]]), Tensor([[1.0], [2.0]]))[1]
        assert weights.data.tolist() == [[1.0, 0.0]]
        masked = scaled_dot_product_attention(
            Tensor([[1e4]]), Tensor([[1e4], [-1e4]]), Tensor([[1.0], [2.0]]), [[0, 1]]
        )
        assert masked[1].data.tolist() == [[0.0, 1.0]] and masked[0].item() == 2.0


def test_no_sequences_give_no_output():
    nothing = Tensor(np.zeros((0, 3, 4)))
    output, weights = scaled_dot_product_attention(nothing, nothing, nothing, create_causal_mask(3))
    assert output.shape == (0, 3, 4) and weights.shape == (0, 3, 3)


def test_inputs_are_left_as_they_were():
    Q, K, V = (double(normal(seed, 3, 4)) for seed in range(3))
    mask = create_causal_mask(3)
    before = [array.data.copy() for array in (Q, K, V, mask)]
    scaled_dot_product_attention(Q, K, V, mask)
    for array, copy in zip((Q, K, V, mask), before, strict=True):
        np.testing.assert_array_equal(array.data, copy)


def test_softmax_works_in_the_memory_it_is_given():
    scores = normal(0, 2, 3)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert masked_softmax(scores) is scores
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


# Masks


@pytest.mark.parametrize("seq_len", [1, 2, 5])
def test_a_causal_mask_looks_at_itself_and_back_never_ahead(seq_len):
    mask = create_causal_mask(seq_len)
    assert mask.dtype == bool and mask.shape == (seq_len, seq_len)
    for t in range(seq_len):
        for s in range(seq_len):
            assert mask.data[t, s] == (s <= t)


@pytest.mark.parametrize("seq_len", [0, -1, 2.0, "3", True, None])
def test_a_causal_mask_needs_a_length(seq_len):
    with pytest.raises(
        ValueError, match=r"create_causal_mask: seq_len .* is not a length; give an integer of at least 1"
    ):
        create_causal_mask(seq_len)


def test_what_comes_later_does_not_change_what_came_before():
    x = normal(0, 1, 5, 8)
    attention = MultiHeadAttention(8, 2, rng=0)
    before = attention(double(x), create_causal_mask(5)).data
    x[0, 3:] += 100
    after = attention(double(x), create_causal_mask(5)).data
    np.testing.assert_allclose(after[0, :3], before[0, :3], rtol=1e-9)
    assert not np.allclose(after[0, 3:], before[0, 3:])


@pytest.mark.parametrize(
    "mask, message",
    [
        ([[2, 1], [1, 1]], r"mask: holds 2; use booleans, or 1"),
        (
            [[0.0, -np.inf], [0.0, 0.0]],
            r"mask: holds -inf; .*a mask of -inf and 0, to be added to scores, is written mask == 0",
        ),
        ([[np.nan, 1], [1, 1]], r"mask: holds nan"),
        (np.ones((3, 3)), r"mask: shape \(3, 3\) does not broadcast to the scores' shape \(2, 2\)"),
        (np.ones((2, 3)), r"mask: shape \(2, 3\) does not broadcast"),
        (np.ones((1, 2, 2)), r"mask: shape \(1, 2, 2\) does not broadcast"),
    ],
)
def test_a_mask_that_makes_no_sense_is_refused(mask, message):
    Q = double(normal(0, 2, 3))
    with pytest.raises(ValueError, match=message):
        scaled_dot_product_attention(Q, Q, Q, mask)


@pytest.mark.parametrize("kind", [bool, np.int64, np.float32])
def test_a_query_that_may_look_at_nothing_gives_zeros_and_gets_none(kind):
    Q, K, V = (Tensor(normal(seed, 3, 2), requires_grad=True) for seed in (0, 1, 2))
    mask = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1]], dtype=kind)
    output, weights = scaled_dot_product_attention(Q, K, V, mask)
    assert output.data[1].tolist() == [0, 0] and weights.data[1].tolist() == [0, 0, 0]
    rest, _ = scaled_dot_product_attention(Q[[0, 2]], K, V, mask[[0, 2]])
    np.testing.assert_allclose(output.data[[0, 2]], rest.data)
    output.sum().backward()
    assert Q.grad[1].tolist() == [0, 0]
    assert all(np.isfinite(x.grad).all() and x.grad.any() for x in (Q, K, V))


def test_a_batch_padded_on_the_left_gives_what_its_sequences_give_alone():
    layer = MultiHeadAttention(4, 2, rng=0)
    short, long = normal(1, 1, 2, 4), normal(2, 1, 3, 4)
    batch = np.concatenate([np.concatenate([np.zeros((1, 1, 4)), short], axis=1), long])  # (2, 3, 4)
    mask = np.tri(3, dtype=bool) & np.array([[0, 1, 1], [1, 1, 1]], dtype=bool)[:, None]  # (2, 3, 3)
    together = layer(Tensor(batch), mask).data
    for row, alone, start in ((0, short, 1), (1, long, 0)):
        expected = layer(Tensor(alone), create_causal_mask(alone.shape[1])).data[0]
        np.testing.assert_allclose(together[row, start:], expected, rtol=1e-5, atol=1e-6)


def test_a_mask_may_leave_out_leading_axes_and_have_axes_of_size_1():
    for shape in ((4, 4), (1, 4), (4, 1), (3, 1, 4), (2, 1, 4, 4)):
        assert check_mask(np.ones(shape), (2, 3, 4, 4)).shape == shape
    assert not check_mask(np.zeros((4, 1)), (4, 4)).any()


def test_a_line_of_padding_for_each_sequence_is_told_how_it_is_written():
    x = double(normal(0, 2, 3, 4))
    padding = np.array([[0, 1, 1], [1, 1, 1]], dtype=bool)
    with pytest.raises(ValueError, match=r"mask: shape \(2, 3\) .*padding is written mask\[:, None\]$"):
        scaled_dot_product_attention(x, x, x, padding)
    weights = scaled_dot_product_attention(x, x, x, padding[:, None])[1].data
    assert (weights[0, :, 0] == 0).all() and (weights[1] > 0).all()
    with pytest.raises(ValueError, match=r"which is \(…, queries, keys\)$"):
        scaled_dot_product_attention(x, x, x, np.ones((2, 2)))


def test_a_mask_is_made_of_numbers():
    with pytest.raises(TypeError, match="got text"):
        check_mask([["a", "b"]], (1, 2))


# Shapes that do not belong together


@pytest.mark.parametrize(
    "Q, K, V, message",
    [
        ((3,), (2, 3), (2, 3), r"attention: Q \(3,\), K \(2, 3\), V \(2, 3\): each needs at least two axes"),
        ((2, 3), (3,), (2, 3), "each needs at least two axes"),
        ((2, 3), (2, 3), (3,), "each needs at least two axes"),
        ((2, 3), (2, 4), (2, 3), r"queries have 3 features and keys 4; a score is their dot product"),
        ((2, 0), (2, 0), (2, 3), r"queries have 0 features and keys 0"),
        ((2, 3), (4, 3), (2, 3), r"there are 4 keys and 2 values; each key needs its value"),
        ((2, 3), (0, 3), (0, 3), r"there are 0 keys and 0 values; .* at least one key is needed"),
        ((2, 2, 3), (3, 2, 3), (3, 2, 3), r"broadcast: \(2,\) and \(3,\)"),
        ((2, 2, 3), (2, 2, 3), (3, 2, 3), r"broadcast: \(2,\) and \(3,\)"),
    ],
)
def test_shapes_that_do_not_belong_together_are_refused(Q, K, V, message):
    with pytest.raises(ValueError, match=message):
        scaled_dot_product_attention(*(Tensor(np.ones(shape)) for shape in (Q, K, V)))


@given(problems())
def test_scores_keep_their_dtype_and_leave_their_inputs_alone(problem):
    Q, K, _, _ = (array.astype(np.float32) for array in problem)
    before = Q.copy(), K.copy()
    scores = attention_scores(Q, K)
    assert scores.dtype == np.float32 and scores.shape == (len(Q), len(K))
    np.testing.assert_array_equal(Q, before[0])
    np.testing.assert_array_equal(K, before[1])


def test_the_scores_have_a_row_a_query_and_a_column_a_key():
    Q, K, V = (Tensor(np.ones(shape)) for shape in ((7, 1, 2, 3), (5, 4, 3), (4, 6)))
    assert check_attention_shapes(Q, K, V) == (7, 5, 2, 4)


# Gradients


@given(problems())
@settings(max_examples=15)
def test_gradients_of_output_and_weights_agree_with_differences(problem):
    Q, K, V, allowed = problem
    check_gradient(lambda Q, K, V: scaled_dot_product_attention(Q, K, V, allowed)[0], Q, K, V)
    check_gradient(lambda Q, K: scaled_dot_product_attention(Q, K, K, allowed)[1], Q, K)


def test_gradients_of_what_was_broadcast_are_summed():
    Q, K, V = normal(0, 2, 1, 3, 4), normal(1, 3, 2, 4), normal(2, 2, 2)
    check_gradient(lambda Q, K, V: scaled_dot_product_attention(Q, K, V)[0], Q, K, V)
    check_gradient(lambda Q, K, V: scaled_dot_product_attention(K, Q, V)[0], normal(3, 2, 4), K, normal(4, 2, 2))


def test_a_tensor_may_be_query_key_and_value_at_once():
    check_gradient(lambda x: scaled_dot_product_attention(x, x, x, create_causal_mask(3))[0], normal(0, 3, 4))


def test_only_what_needs_a_gradient_gets_one():
    K, Q = Tensor(normal(0, 2, 3), requires_grad=True), Tensor(normal(1, 2, 3))
    scaled_dot_product_attention(Q, K, Tensor(np.ones((2, 1))))[1].backward(np.eye(2))
    assert K.grad.shape == (2, 3) and Q.grad is None
    node = AttentionWeights()
    node.needs, node.output = (True, False, False), np.full((2, 2), 0.5)
    grad_Q, grad_K, rest = node.backward(np.eye(2), Q, K)
    assert grad_Q.shape == (2, 3) and grad_K is None and rest is None


def test_the_gradient_handed_in_is_not_written_to():
    node, grad_output = AttentionWeights(), normal(0, 2, 2)
    node.needs, node.output = (True, True, False), np.full((2, 2), 0.5)
    copy = grad_output.copy()
    node.backward(grad_output, double(normal(1, 2, 3)), double(normal(2, 2, 3)))
    np.testing.assert_array_equal(grad_output, copy)


@given(problems())
@settings(max_examples=15)
def test_the_way_back_through_softmax_agrees_with_differences(problem):
    Q, K, _, allowed = problem
    scores, grad_output = attention_scores(Q, K), normal(7, len(Q), len(K))
    expected = numerical_gradient(lambda x: (masked_softmax(x.copy(), allowed) * grad_output).sum(), scores)
    weights = masked_softmax(scores.copy(), allowed)
    received = softmax_backward(grad_output, weights)
    assert gradient_gap(received, expected).max() < 1e-6
    assert not received[~allowed].any()


# Who looks ahead


@given(st.integers(1, 4), st.integers(0, 100), st.data())
@settings(max_examples=25)
def test_exactly_the_leaks_that_a_mask_lets_through_are_found(T, seed, data):
    allowed = np.array(data.draw(st.lists(st.lists(st.booleans(), min_size=T, max_size=T), min_size=T, max_size=T)))
    x = Tensor(normal(seed, 2, T, 4), dtype=np.float32)
    V = Tensor(normal(seed + 1, 2, T, 4))

    def attend(x):
        return scaled_dot_product_attention(V, V, x, allowed)[0]

    leaks = {(t, s) for t in range(T) for s in range(t + 1, T) if allowed[t, s]}
    assert set(find_leaks(attend, x)) == leaks and len(find_leaks(attend, x)) == len(leaks)


def test_a_layer_with_a_causal_mask_has_no_leak_and_one_without_has_all():
    layer, x = MultiHeadAttention(4, 2, rng=0), Tensor(normal(0, 2, 3, 4))
    before = x.data.copy()
    assert find_leaks(lambda x: layer(x, create_causal_mask(3)), x) == []
    assert sorted(find_leaks(layer, x)) == [(0, 1), (0, 2), (1, 2)]
    np.testing.assert_array_equal(x.data, before)


def test_integers_are_refused_since_random_features_would_be_cut_to_whole_numbers():
    x = Tensor(np.zeros((1, 3, 1), dtype=int))
    with pytest.raises(ValueError, match=r"find_leaks: x of int.* give a Tensor of real numbers"):
        find_leaks(lambda x: x + x.mean(axis=1, keepdims=True), x)


# In blocks


@given(problems(), st.integers(1, 6))
def test_in_blocks_of_any_size_it_is_the_same(problem, size):
    Q, K, V, _ = problem
    expected = attention_in_blocks(Q, K, V, len(K))
    np.testing.assert_allclose(expected, masked_softmax(attention_scores(Q, K)) @ V, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(attention_in_blocks(Q, K, V, size), expected, rtol=1e-12, atol=1e-14)
    assert attention_in_blocks(*(array.astype(np.float32) for array in (Q, K, V)), size).dtype == np.float32


def test_blocks_bear_scores_of_any_size():
    Q, K, V = np.array([[1.0], [-1.0]]), np.array([[-2000.0], [1000.0], [999.0]]), np.array([[1.0], [3.0], [3.0]])
    for size in (1, 2, 3):
        np.testing.assert_allclose(attention_in_blocks(Q, K, V, size), [[3.0], [1.0]])


def test_the_memory_of_blocks_grows_with_the_length_and_not_with_its_square():
    def peak(T):
        Q, K, V = normal(0, 3, T, 16, dtype=np.float32)
        tracemalloc.start()
        attention_in_blocks(Q, K, V, 32)
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    assert peak(2048) < 2.5 * peak(1024) < 1024 * 1024 * 4


# Several heads


@given(st.integers(1, 2), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_heads_are_stretches_of_features(B, T, H, head_dim):
    x = normal(0, B, T, H * head_dim)
    heads = split_heads(double(x), H)
    assert heads.shape == (B, H, T, head_dim)
    for b in range(B):
        for t in range(T):
            for h in range(H):
                np.testing.assert_array_equal(heads.data[b, h, t], x[b, t, h * head_dim : (h + 1) * head_dim])
    np.testing.assert_array_equal(merge_heads(heads).data, x)


def heads_in_loops(attention, x, allowed):
    """Each head by itself, its features cut out by hand, for one sequence."""

    def project(layer, row):
        return row @ layer.weight.data.astype(np.float64) + layer.bias.data

    Q, K, V = (project(layer, x) for layer in (attention.q_proj, attention.k_proj, attention.v_proj))
    size = attention.embed_dim // attention.num_heads
    parts = [
        attention_in_loops(Q[:, start : start + size], K[:, start : start + size], V[:, start : start + size], allowed)[
            0
        ]
        for start in range(0, attention.embed_dim, size)
    ]
    return project(attention.out_proj, np.concatenate(parts, axis=1))


@given(st.integers(1, 2), st.integers(1, 4), st.sampled_from([(1, 3), (2, 4), (3, 6), (4, 4)]), st.integers(0, 100))
@settings(max_examples=25)
def test_each_head_attends_by_itself(B, T, heads_and_features, seed):
    num_heads, embed_dim = heads_and_features
    attention = MultiHeadAttention(embed_dim, num_heads, rng=seed)
    for layer in attention.sublayers():
        layer.bias.data[:] = normal(seed, embed_dim)
    x = normal(seed, B, T, embed_dim)
    output = attention(double(x), create_causal_mask(T))
    assert output.dtype == np.float64
    for b in range(B):
        np.testing.assert_allclose(output.data[b], heads_in_loops(attention, x[b], np.tri(T)), rtol=1e-9, atol=1e-12)


def test_without_a_mask_a_head_looks_everywhere():
    attention, x = MultiHeadAttention(4, 2, rng=0), normal(0, 1, 3, 4)
    np.testing.assert_allclose(
        attention(double(x)).data[0], heads_in_loops(attention, x[0], np.ones((3, 3))), rtol=1e-9
    )


def test_masks_of_two_three_and_four_axes():
    attention, x = MultiHeadAttention(4, 2, rng=0), normal(0, 2, 3, 4)
    one, two = np.tri(3, dtype=bool), np.eye(3, dtype=bool)
    output = attention(double(x), np.stack([one, two])).data  # a mask a sequence, although B equals H
    for b, mask in enumerate((one, two)):
        np.testing.assert_allclose(output[b], heads_in_loops(attention, x[b], mask), rtol=1e-9)
    np.testing.assert_allclose(attention(double(x), one).data[1], heads_in_loops(attention, x[1], one), rtol=1e-9)
    a_mask_a_head = np.stack([one, two])[None]
    assert not np.allclose(attention(double(x), a_mask_a_head).data, output)
    assert mask_for_heads(None) is None


def test_the_gradients_of_all_eight_parameters_and_of_x():
    attention = MultiHeadAttention(4, 2, rng=0)
    names = ["q_proj", "k_proj", "v_proj", "out_proj"]

    def run(x, *parameters):
        for name, weight, bias in zip(names, parameters[::2], parameters[1::2], strict=True):
            getattr(attention, name).weight, getattr(attention, name).bias = weight, bias
        return attention(x, create_causal_mask(3))

    check_gradient(run, normal(0, 2, 3, 4), *[normal(seed, *shape) for seed, shape in enumerate([(4, 4), (4,)] * 4)])


def test_the_parameters_are_four_linear_layers():
    attention = MultiHeadAttention(6, 3, rng=0)
    assert [name for name, _ in attention.named_parameters()] == [
        f"{layer}.{part}" for layer in ("q_proj", "k_proj", "v_proj", "out_proj") for part in ("weight", "bias")
    ]
    assert sum(p.numel() for p in attention.parameters()) == 4 * (6 * 6 + 6)
    assert attention.head_dim == 2 and attention.embed_dim == 6 and attention.num_heads == 3
    assert not np.array_equal(attention.q_proj.weight.data, attention.k_proj.weight.data)


def test_a_seed_repeats_the_weights():
    first, second, third = (MultiHeadAttention(4, 2, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    for one, two, other in zip(first.sublayers(), second.sublayers(), third.sublayers(), strict=True):
        np.testing.assert_array_equal(one.weight.data, two.weight.data)
        assert not np.array_equal(one.weight.data, other.weight.data)


def test_an_int_as_rng_does_not_make_all_projections_equal():
    layers = MultiHeadAttention(4, 2, rng=5).sublayers()
    assert all(isinstance(layer, Linear) for layer in layers)
    assert not np.array_equal(layers[0].weight.data, layers[1].weight.data)


@pytest.mark.parametrize("embed_dim, num_heads", [(4, 3), (0, 1), (4, 0), (-4, 2), (4, -2), (2, 4)])
def test_heads_must_divide_the_features(embed_dim, num_heads):
    with pytest.raises(
        ValueError, match=rf"MultiHeadAttention: (embed_dim|num_heads) .*{embed_dim if embed_dim < 1 else num_heads}"
    ):
        MultiHeadAttention(embed_dim, num_heads)


@pytest.mark.parametrize("embed_dim, num_heads", [(4.0, 2), (4, 2.0), ("4", 2)])
def test_sizes_must_be_integers(embed_dim, num_heads):
    with pytest.raises(TypeError, match="must be an integer"):
        MultiHeadAttention(embed_dim, num_heads)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 5), (1, 2, 3, 4), (4,)])
def test_inputs_must_be_sequences_of_features(shape):
    with pytest.raises(ValueError, match=r"MultiHeadAttention: x of shape .* is not \(B, T, D\) with D = 4"):
        MultiHeadAttention(4, 2)(Tensor(np.ones(shape)))


def test_remember_gets_the_new_keys_and_values_and_says_which_to_use():
    attention, x = MultiHeadAttention(4, 2, rng=0), normal(0, 1, 3, 4)
    kept = []

    def remember(K, V):
        kept.append((K, V))
        return tuple(Tensor(np.concatenate([pair[i].data for pair in kept], axis=2), dtype=np.float64) for i in (0, 1))

    with no_grad():
        whole = attention(double(x), create_causal_mask(3)).data
        first = attention(double(x[:, :2]), create_causal_mask(2), remember).data
        last = attention(double(x[:, 2:]), None, remember).data
    assert kept[1][0].shape == kept[1][1].shape == (1, 2, 1, 2)
    np.testing.assert_allclose(np.concatenate([first, last], axis=1), whole, rtol=1e-9)
