"""The transformer agrees with formulas written out in loops, differentiates, and draws tokens as often as it should."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch import Adam, DataLoader, Linear, ReLU, Sequential, Tensor, TensorDataset, zeros_like
from tinytorch.core.attention import MultiHeadAttention, create_causal_mask
from tinytorch.core.autograd import check_gradient, enable_autograd, is_grad_enabled, no_grad
from tinytorch.core.layers import Parameter, manual_seed
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.transformers import (
    GPT,
    MLP,
    GroupedQueryAttention,
    LayerNorm,
    Normalize,
    RMSNorm,
    TransformerBlock,
    check_sampling,
    gpt_parameters,
    keep_top_k,
    mean_of_rows,
    next_chances,
    normalize_rows,
    position_angles,
    repeat_heads,
    rotate_by_position,
    sample_next,
)

enable_autograd()


def normal(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def double(array):
    return Tensor(array, dtype=np.float64)


def in_double(layer, seed=0):
    """The layer with float64 parameters, none of them 0 or 1, so that each of them shows in the result."""
    rng = np.random.default_rng(seed)
    for parameter in layer.parameters():
        parameter.data = rng.normal(0, 0.5, parameter.shape)
    return layer


def small(**options):
    return GPT(
        **{"vocab_size": 7, "embed_dim": 4, "num_layers": 2, "num_heads": 2, "max_seq_len": 5, "rng": 0, **options}
    )


@pytest.mark.parametrize("layer", [LayerNorm(2), MLP(2), TransformerBlock(2, 1), MultiHeadAttention(2, 1)])
def test_lists_and_arrays_are_taken_for_tensors(layer):
    x = [[[1.0, 2.0], [3.0, 5.0]]]
    for given_as in (x, np.array(x)):  # an array of float64 becomes float32, as in Tensor
        result = layer(given_as)
        assert result.dtype == np.float32 and result.data.tolist() == layer(Tensor(x)).data.tolist()


# Layer normalization


def norm_in_loops(x, weight, bias, eps):
    """One row of plain numbers."""
    mean = sum(x) / len(x)
    variance = sum((value - mean) ** 2 for value in x) / len(x)
    return [(value - mean) / math.sqrt(variance + eps) * w + b for value, w, b in zip(x, weight, bias, strict=True)]


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.integers(0, 1000))
def test_layer_norm_is_the_formula_written_out(B, T, D, seed):
    layer, x = in_double(LayerNorm(D), seed), normal(seed, B, T, D) * 3 + 1
    result = layer(double(x))
    assert result.dtype == np.float64
    for b in range(B):
        for t in range(T):
            expected = norm_in_loops(x[b, t], layer.weight.data, layer.bias.data, 1e-5)
            np.testing.assert_allclose(result.data[b, t], expected, rtol=1e-10, atol=1e-12)


def test_a_normalized_row_has_mean_0_and_variance_1():
    result = LayerNorm(64)(Tensor(normal(0, 5, 64) * 7 + 3))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.data.mean(axis=-1), 0, atol=1e-6)
    np.testing.assert_allclose(result.data.var(axis=-1), 1, rtol=1e-4)


def test_eps_stands_beside_the_variance_and_is_a_hundred_thousandth():
    row = double([1e-3, -1e-3])  # variance 1e-6, a tenth of eps
    assert LayerNorm(2)(row).data[0] == pytest.approx(1e-3 / math.sqrt(1e-6 + 1e-5))
    assert LayerNorm(2, eps=0.5)(row).data[0] == pytest.approx(1e-3 / math.sqrt(1e-6 + 0.5))
    assert LayerNorm(3)(Tensor([5.0, 5.0, 5.0])).data.tolist() == [0, 0, 0]


@given(st.integers(1, 3), st.integers(2, 5), st.integers(0, 1000))
@settings(max_examples=15)
def test_gradients_of_layer_norm(N, D, seed):
    check_gradient(
        lambda x, weight, bias: Normalize.apply(x, weight, bias, 1e-5),
        normal(seed, 2, N, D),
        normal(seed + 1, D),
        normal(seed + 2, D),
    )


def test_layer_norm_computes_only_the_gradients_that_are_needed():
    x, layer = Tensor(normal(0, 2, 3)), LayerNorm(3)
    layer.bias.requires_grad = False
    layer(x).sum().backward()
    assert x.grad is None and layer.bias.grad is None and layer.weight.grad.shape == (3,)
    x.requires_grad, layer.weight.requires_grad, layer.weight.grad = True, False, None
    layer(x).backward(np.ones((2, 3)))
    assert x.grad.shape == (2, 3) and layer.weight.grad is None and layer.bias.grad is None
    node, grad_output = Normalize(), normal(1, 2, 3)
    node.needs = (False, False, False, False)
    node.forward(double(x.data), layer.weight, layer.bias, 1e-5)
    assert node.backward(grad_output, x, layer.weight, layer.bias, 1e-5) == (None, None, None)


def test_the_gradient_handed_to_layer_norm_and_its_input_are_not_written_to():
    x, layer, grad_output = double(normal(0, 2, 3)), LayerNorm(3), normal(1, 2, 3)
    copies = x.data.copy(), grad_output.copy()
    node = Normalize()
    node.needs = (True, True, True, False)
    node.forward(x, layer.weight, layer.bias, 1e-5)
    node.backward(grad_output, x, layer.weight, layer.bias, 1e-5)
    np.testing.assert_array_equal(x.data, copies[0])
    np.testing.assert_array_equal(grad_output, copies[1])


def test_layer_norm_starts_as_the_identity_and_shows_its_arguments():
    layer = LayerNorm(3)
    assert layer.weight.data.tolist() == [1, 1, 1] and layer.bias.data.tolist() == [0, 0, 0]
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    assert repr(layer) == "LayerNorm(3, eps=1e-05)"


@pytest.mark.parametrize(
    "size, eps, error, message",
    [
        (0, 1e-5, ValueError, "LayerNorm: normalized_shape is 0"),
        (2.0, 1e-5, TypeError, "normalized_shape is 2.0"),
        (3, -1e-5, ValueError, "LayerNorm: eps is -1e-05; .* 0 or larger"),
        (3, math.nan, ValueError, "eps is nan"),
    ],
)
def test_layer_norm_refuses_sizes_that_are_none(size, eps, error, message):
    with pytest.raises(error, match=message):
        LayerNorm(size, eps)


@pytest.mark.parametrize("shape", [(2, 4), (3, 1), ()])
def test_layer_norm_refuses_rows_of_another_length(shape):
    with pytest.raises(ValueError, match=r"LayerNorm: x has shape .* normalized_shape=3; the last axis of x must have"):
        LayerNorm(3)(Tensor(np.ones(shape)))


def test_means_of_rows():
    x = normal(0, 2, 3, 5)
    np.testing.assert_allclose(mean_of_rows(x), x.mean(axis=-1, keepdims=True), rtol=1e-12)
    assert mean_of_rows(x.astype(np.float32)).dtype == np.float32


def test_normalized_rows_come_with_their_factors_and_leave_the_input_alone():
    x = normal(0, 2, 3, 4)
    copy = x.copy()
    rows, factor = normalize_rows(x, 0.1)
    np.testing.assert_allclose(factor, 1 / np.sqrt(x.var(axis=-1, keepdims=True) + 0.1), rtol=1e-12)
    np.testing.assert_allclose(rows, (x - x.mean(axis=-1, keepdims=True)) * factor, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(x, copy)
    assert normalize_rows(x.astype(np.float32), 0.1)[0].dtype == np.float32


# MLP and block


def gelu(u):
    return 0.5 * u * (1 + np.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3)))


def mlp_written_out(mlp, x):
    hidden = gelu(x @ mlp.up.weight.data + mlp.up.bias.data)
    return hidden @ mlp.down.weight.data + mlp.down.bias.data


def norm_written_out(layer, x):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(x.var(axis=-1, keepdims=True) + layer.eps) * layer.weight.data + layer.bias.data


def attention_written_out(attention, x, mask):
    """Attention over (T, D), head by head."""

    def project(layer):
        return x @ layer.weight.data + layer.bias.data

    Q, K, V = project(attention.q_proj), project(attention.k_proj), project(attention.v_proj)
    size, parts = attention.head_dim, []
    for head in range(attention.num_heads):
        mine = slice(head * size, (head + 1) * size)
        chances = np.exp(Q[:, mine] @ K[:, mine].T / math.sqrt(size)) * mask
        parts.append(chances / chances.sum(axis=1, keepdims=True) @ V[:, mine])
    return np.concatenate(parts, axis=1) @ attention.out_proj.weight.data + attention.out_proj.bias.data


def block_written_out(block, x, mask):
    x = x + attention_written_out(block.attention, norm_written_out(block.norm1, x), mask)
    return x + mlp_written_out(block.mlp, norm_written_out(block.norm2, x))


def gpt_written_out(model, ids):
    """Logits (T, V) of one sequence."""
    x = model.embedding.token.weight.data[ids] + model.embedding.position.weight.data[: len(ids)]
    for block in model.blocks:
        x = block_written_out(block, x, np.tri(len(ids)))
    head = model.embedding.token.weight.data.T if model.head is None else model.head.weight.data
    return norm_written_out(model.norm, x) @ head


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 100))
def test_the_mlp_widens_bends_and_narrows(N, D, seed):
    mlp, x = in_double(MLP(D, hidden_dim=3), seed), normal(seed, N, D)
    np.testing.assert_allclose(mlp(double(x)).data, mlp_written_out(mlp, x), rtol=1e-9, atol=1e-12)


def test_the_mlp_is_four_times_as_wide_where_nothing_is_said():
    assert MLP(3).up.weight.shape == (3, 12) and MLP(3).down.weight.shape == (12, 3)
    assert MLP(3, 5).up.weight.shape == (3, 5)
    with pytest.raises(ValueError, match="MLP: embed_dim is 0"):
        MLP(0)


@given(st.integers(1, 4), st.sampled_from([(2, 1), (4, 2), (6, 3)]), st.integers(0, 100))
@settings(max_examples=25)
def test_a_block_adds_attention_then_mlp_each_to_a_normalized_input(T, sizes, seed):
    block, x = in_double(TransformerBlock(*sizes), seed), normal(seed, 2, T, sizes[0])
    result = block(double(x), create_causal_mask(T)).data
    unmasked = block(double(x)).data
    for b in range(2):
        np.testing.assert_allclose(result[b], block_written_out(block, x[b], np.tri(T)), rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(unmasked[b], block_written_out(block, x[b], np.ones((T, T))), rtol=1e-8, atol=1e-10)


def test_gradients_of_a_block():
    block = in_double(TransformerBlock(4, 2))
    names = [name for name, _ in block.named_parameters()]
    assert len(names) == 16

    def run(x, *parameters):
        for name, value in zip(names, parameters, strict=True):
            *path, last = name.split(".")
            owner = block
            for part in path:
                owner = getattr(owner, part)
            setattr(owner, last, value)
        return block(x, create_causal_mask(3))

    check_gradient(run, normal(0, 2, 3, 4), *[p.data.copy() for p in block.parameters()])


def test_dropout_works_in_training_only_and_on_both_additions():
    block, x = TransformerBlock(4, 2, dropout=0.5, rng=0), Tensor(normal(0, 1, 3, 4))
    assert not np.array_equal(block(x).data, block(x).data)
    block.eval()
    np.testing.assert_array_equal(block(x).data, block(x).data)
    block.train()
    for silent in (block.attention.out_proj, block.mlp.down):
        kept = silent.weight.data.copy(), silent.bias.data.copy()
        silent.weight.data[:], silent.bias.data[:] = 0, 0  # only the other addition is left to be dropped
        assert not np.array_equal(block(x).data, block(x).data)
        silent.weight.data[:], silent.bias.data[:] = kept


# Drawing a token


def test_temperature_0_takes_the_largest_logit_and_of_equals_the_first():
    assert sample_next(np.array([[1.0, 3.0, 3.0], [9.0, 1.0, 2.0]]), temperature=0).tolist() == [1, 0]
    assert sample_next(Tensor([[1.0, 5.0]]), temperature=0, top_k=1).tolist() == [1]


@pytest.mark.parametrize("temperature, top_k", [(1.0, None), (0.5, None), (2.0, None), (1.0, 2), (0.7, 3), (1.0, 9)])
def test_tokens_are_drawn_as_often_as_their_chances_say(temperature, top_k):
    logits, draws = np.array([1.0, 0.0, 2.0, -1.0]), 20_000
    chances = np.exp(logits / temperature)
    chances[np.argsort(-logits)[top_k or 4 :]] = 0
    tokens = sample_next(np.tile(logits, (draws, 1)), temperature, top_k, rng=0)
    counted = np.bincount(tokens, minlength=4) / draws
    np.testing.assert_allclose(counted, chances / chances.sum(), atol=0.012)
    assert (counted[chances == 0] == 0).all()


def test_each_sequence_draws_from_its_own_row():
    rows = np.where(np.eye(3) == 1, 50.0, 0.0)
    assert sample_next(rows, rng=0).tolist() == [0, 1, 2]
    assert sample_next(np.zeros((0, 3)), rng=0).shape == (0,)


def test_sampling_repeats_with_a_seed_and_draws_one_number_a_sequence():
    logits = normal(0, 50, 9)
    assert sample_next(logits, rng=3).tolist() == sample_next(logits, rng=3).tolist()
    assert sample_next(logits, rng=3).tolist() != sample_next(logits, rng=4).tolist()
    rng, same = np.random.default_rng(5), np.random.default_rng(5)
    sample_next(logits, rng=rng)
    same.random(50)
    assert rng.random() == same.random()
    manual_seed(8)
    first = sample_next(logits).tolist()
    manual_seed(8)
    assert sample_next(logits).tolist() == first


def test_extreme_logits_and_temperatures_do_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        assert sample_next(np.array([[1e30, -1e30]], dtype=np.float32)).tolist() == [0]
        assert sample_next(np.array([[0.0, -np.inf]])).tolist() == [0]
    assert sample_next(np.array([[1.0, 2.0]]), temperature=1e-300).tolist() == [1]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=6), st.integers(1, 8))
def test_exactly_k_logits_stay_and_none_of_the_rest_is_larger(values, k):
    logits = np.array([values], dtype=np.float64)
    copy = logits.copy()
    kept = keep_top_k(logits, k)
    stays = np.isfinite(kept[0])
    assert stays.sum() == min(k, len(values))
    np.testing.assert_array_equal(kept[0][stays], logits[0][stays])
    assert all(logits[0][stays].min() >= value for value in logits[0][~stays])
    np.testing.assert_array_equal(logits, copy)


def test_of_equal_logits_the_earlier_tokens_stay():
    assert np.isfinite(keep_top_k(np.zeros((2, 4)), 2)).tolist() == [[True, True, False, False]] * 2


@pytest.mark.parametrize(
    "temperature, top_k, error, message",
    [
        (-0.1, None, ValueError, "temperature is -0.1; it divides the logits"),
        (math.nan, None, ValueError, "temperature is nan"),
        (math.inf, None, ValueError, "temperature is inf"),
        (1.0, 0, ValueError, "top_k is 0; it must be at least 1"),
        (1.0, -2, ValueError, "top_k is -2"),
        (1.0, 1.5, TypeError, "top_k is 1.5"),
        (1.0, True, TypeError, "top_k is True"),
    ],
)
def test_sampling_refuses_settings_that_make_no_sense(temperature, top_k, error, message):
    with pytest.raises(error, match=message):
        check_sampling(temperature, top_k)
    with pytest.raises(error, match=message):
        sample_next(np.zeros((1, 3)), temperature, top_k)
    with pytest.raises(error, match=message):
        small().generate([[1]], 0, temperature, top_k)  # before anything is computed, here nothing at all


@pytest.mark.parametrize(
    "logits, message",
    [
        (np.zeros(3), r"sample_next: logits of shape \(3,\); they must be \(B, V\)"),
        (np.zeros((2, 0)), r"logits of shape \(2, 0\)"),
        (np.array([[0.0, 1.0], [np.nan, 1.0]]), "sample_next: row 1 of the logits has nan"),
        (np.array([[0.0, np.inf]]), "row 0 of the logits has inf"),
        (np.full((1, 2), -np.inf), "row 0 of the logits has -inf"),
    ],
)
@pytest.mark.parametrize("temperature", [0, 1])
def test_sampling_refuses_logits_without_chances(logits, message, temperature):
    with pytest.raises(ValueError, match=message):
        sample_next(logits, temperature)


def test_chances_are_a_softmax_at_a_temperature():
    logits = normal(0, 3, 6) * 4
    for temperature in (0.3, 1.0, 2.0):
        expected = np.exp(logits / temperature)
        expected /= expected.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(next_chances(logits, temperature), expected, rtol=1e-10)
    assert next_chances(Tensor([[1000.0, 0.0]])).tolist() == [[1, 0]]
    assert next_chances([[1.0, 3.0, 3.0]], temperature=0, top_k=3).tolist() == [[0, 1, 0]]
    two = next_chances(logits, top_k=2)
    assert ((two > 0).sum(axis=-1) == 2).all() and np.allclose(two.sum(axis=-1), 1)


# GPT


@given(st.integers(1, 5), st.booleans(), st.integers(0, 100))
@settings(max_examples=15)
def test_gpt_is_the_formula_written_out(T, tied, seed):
    model = in_double(small(tie_weights=tied), seed)
    ids = np.random.default_rng(seed).integers(0, 7, (2, T))
    logits = model(ids)
    assert logits.shape == (2, T, 7) and logits.dtype == np.float64
    for b in range(2):
        np.testing.assert_allclose(logits.data[b], gpt_written_out(model, ids[b]), rtol=1e-7, atol=1e-9)


def test_ids_may_be_a_tensor_an_array_or_lists():
    model = small()
    expected = model([[1, 2, 3]]).data
    for ids in (np.array([[1, 2, 3]], dtype=np.uint8), Tensor(np.array([[1, 2, 3]]))):
        np.testing.assert_array_equal(model(ids).data, expected)


def test_a_position_never_sees_what_comes_later():
    model = small()
    one, other = model([[1, 2, 3, 4, 5]]).data, model([[1, 2, 3, 6, 0]]).data
    np.testing.assert_array_equal(one[:, :3], other[:, :3])
    assert not np.allclose(one[:, 3:], other[:, 3:])


@pytest.mark.parametrize("tied", [False, True])
def test_the_gradient_of_every_parameter_agrees_with_differences(tied):
    model = in_double(small(tie_weights=tied, num_layers=1, vocab_size=4, max_seq_len=3))
    ids, targets = np.array([[1, 1, 2]]), np.array([[1, 2, 0]])
    loss = CrossEntropyLoss()
    loss(model(ids), targets).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        for index in np.ndindex(parameter.shape):
            value, sides = parameter.data[index], []
            for step in (1e-5, -1e-5):
                parameter.data[index] = value + step
                with no_grad():
                    sides.append(loss(model(ids), targets).item())
            parameter.data[index] = value
            assert parameter.grad[index] == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-7), (name, index)


def test_tied_weights_are_one_parameter_whose_gradient_has_both_parts():
    tied, untied = in_double(small(tie_weights=True)), in_double(small())
    assert len(untied.parameters()) == len(tied.parameters()) + 1
    assert sum(p.numel() for p in untied.parameters()) == sum(p.numel() for p in tied.parameters()) + 7 * 4
    assert tied.head is None and [name for name, _ in tied.named_parameters()].count("embedding.token.weight") == 1
    state = tied.state_dict()
    state["head.weight"] = state["embedding.token.weight"].T.copy()
    for name, parameter in untied.named_parameters():
        parameter.data = state[name]
    ids, targets = [[1, 2, 1]], np.array([[2, 1, 5]])
    for model in (tied, untied):
        CrossEntropyLoss()(model(ids), targets).backward()
    both = untied.embedding.token.weight.grad + untied.head.weight.grad.T
    np.testing.assert_allclose(tied.embedding.token.weight.grad, both, rtol=1e-9, atol=1e-12)


def test_the_number_of_parameters_is_the_hand_count():
    V, D, L, T = 7, 4, 2, 5
    block = 4 * (D * D + D) + (D * 4 * D + 4 * D) + (4 * D * D + D) + 4 * D
    assert sum(p.numel() for p in small().parameters()) == V * D + T * D + L * block + 2 * D + D * V
    assert all(isinstance(p, Parameter) and p.dtype == np.float32 for p in small().parameters())


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(1, 6), st.booleans())
@settings(max_examples=15)
def test_parameters_by_formula_are_those_that_are_there(V, D, L, T, tied):
    model = GPT(V, D, L, 1, T, tie_weights=tied)
    assert gpt_parameters(V, D, L, T, tied) == sum(p.numel() for p in model.parameters())


def test_the_formula_gives_the_published_sizes_of_gpt_2():
    assert gpt_parameters(50257, 768, 12, 1024, tie_weights=True) == 124_439_808
    assert gpt_parameters(50257, 1600, 48, 1024, tie_weights=True) == 1_557_611_200


def test_a_seed_repeats_the_model_and_layers_differ():
    for one, two in zip(small(rng=1).parameters(), small(rng=1).parameters(), strict=True):
        np.testing.assert_array_equal(one.data, two.data)
    model = small(rng=1)
    assert not np.array_equal(model.blocks[0].mlp.up.weight.data, model.blocks[1].mlp.up.weight.data)
    assert not np.array_equal(model.head.weight.data, small(rng=2).head.weight.data)
    assert not np.array_equal(
        model.blocks[0].mlp.up.weight.data.reshape(-1), model.blocks[0].mlp.down.weight.data.reshape(-1)
    )


@pytest.mark.parametrize("build", [lambda: MLP(3, 3, rng=4), lambda: TransformerBlock(4, 2, rng=4).attention])
def test_an_int_as_rng_does_not_repeat_itself_inside(build):
    first, second = [layer for layer in build().sublayers() if hasattr(layer, "weight")][:2]
    assert not np.array_equal(first.weight.data, second.weight.data)


def test_a_step_of_training_lowers_the_loss():
    model, ids = small(dropout=0.0), np.array([[1, 2, 3, 4]])
    before = CrossEntropyLoss()(model(ids), ids)
    before.backward()
    for parameter in model.parameters():
        parameter.data -= 0.001 * parameter.grad
    assert CrossEntropyLoss()(model(ids), ids).item() < before.item()


def test_dropout_after_the_embedding_and_in_the_blocks():
    model, ids = small(dropout=0.3), [[1, 2, 3]]
    assert model.dropout.p == 0.3 and [block.dropout.p for block in model.blocks] == [0.3, 0.3]
    assert not np.array_equal(model(ids).data, model(ids).data)
    model.eval()
    np.testing.assert_array_equal(model(ids).data, model(ids).data)
    assert [layer.p for layer in small().sublayers() if hasattr(layer, "p")] == [0.0] * 3
    model.train()
    for block in model.blocks:
        block.dropout.training = False
    assert not np.array_equal(model(ids).data, model(ids).data)


@pytest.mark.parametrize(
    "ids, error, message",
    [
        (
            [1, 2],
            ValueError,
            r"GPT: ids of shape \(2,\); they must be \(B, T\) .* write one sequence as \[\[1, 2, 3\]\]",
        ),
        ([[[1]]], ValueError, r"GPT: ids of shape \(1, 1, 1\)"),
        ([[]], ValueError, r"ids of shape \(1, 0\)"),
        (
            [[1, 2, 3, 4, 5, 6]],
            ValueError,
            r"GPT: 6 tokens from position 0 on, and max_seq_len is 5; pass only the last ones: ids\[:, -5:\]",
        ),
        ([[1, 7]], ValueError, "id 7 .* outside the vocabulary; ids run from 0 to 6"),
        ([[-1]], ValueError, "id -1 .* outside"),
        ([[0.5]], TypeError, "id 0.5"),
        ("hello", TypeError, r"GPT: got text; .* tokenizer.encode\(text\)"),
        (["a", "b"], TypeError, "GPT: got text"),
        (Tensor([[1.0]]), TypeError, "ids hold float32"),
    ],
)
def test_gpt_refuses_ids_it_cannot_read(ids, error, message):
    with pytest.raises(error, match=message):
        small()(ids)


def test_a_start_counts_against_max_seq_len():
    model = small()
    assert model([[1]], start=4).shape == (1, 1, 7)
    with pytest.raises(ValueError, match="GPT: 2 tokens from position 4 on, and max_seq_len is 5"):
        model([[1, 2]], start=4)


@pytest.mark.parametrize("name", ["vocab_size", "embed_dim", "num_layers", "num_heads", "max_seq_len"])
def test_gpt_refuses_sizes_that_are_none(name):
    for value, error in ((0, ValueError), (-1, ValueError), (2.0, TypeError)):
        with pytest.raises(error, match=f"{name} (is )?{value}"):
            small(**{name: value})


def test_no_sequences_give_no_logits():
    assert small()(np.zeros((0, 3), dtype=int)).shape == (0, 3, 7)


# Generating


def test_generate_greedy_is_the_likeliest_token_again_and_again():
    model = in_double(small())
    ids = [3, 1]
    for _ in range(6):  # beyond max_seq_len only the last five tokens are looked at
        ids.append(int(gpt_written_out(model, np.array(ids[-5:]))[-1].argmax()))
    result = model.generate([[3, 1]], 6, temperature=0)
    assert result.dtype == np.int64 and result.data.tolist() == [ids]


def test_generate_draws_from_the_last_position_with_temperature_and_top_k():
    model = in_double(small())
    logits = np.tile(gpt_written_out(model, np.array([3, 1]))[-1], (4000, 1))
    for temperature, top_k in ((1.0, None), (0.5, None), (1.0, 2)):
        result = model.generate([[3, 1]] * 4000, 1, temperature, top_k, seed=0)
        assert result.data[:, 2].tolist() == sample_next(logits, temperature, top_k, rng=0).tolist()
    assert len(set(result.data[:, 2].tolist())) == 2


def test_generate_repeats_with_a_seed():
    model = small()
    first, same, other = (model.generate([[1, 2]], 30, seed=seed).data.tolist() for seed in (1, 1, 2))
    assert first == same != other
    manual_seed(3)
    shared = model.generate([[1, 2]], 10).data.tolist()
    manual_seed(3)
    assert model.generate([[1, 2]], 10).data.tolist() == shared
    assert model.generate([[1, 2]], 10, seed=np.random.default_rng(1)).data.tolist() == [first[0][:12]]


def test_temperature_is_1_where_nothing_is_said():
    model, logits = in_double(small()), normal(0, 500, 9)
    assert model.generate([[1]], 200, seed=1).data.tolist() == model.generate([[1]], 200, 1.0, seed=1).data.tolist()
    assert model.generate([[1]], 200, seed=1).data.tolist() != model.generate([[1]], 200, 2.0, seed=1).data.tolist()
    assert sample_next(logits, rng=0).tolist() == sample_next(logits, 1.0, rng=0).tolist()


def test_sequences_side_by_side_do_not_mix():
    model = small()
    together = model.generate([[1, 2], [3, 4]], 8, temperature=0).data
    for row, prompt in zip(together, ([1, 2], [3, 4]), strict=True):
        assert row.tolist() == model.generate([prompt], 8, temperature=0).data[0].tolist()


def test_generate_starts_with_the_prompt_also_a_long_one_and_may_add_nothing():
    model, prompt = small(), [[1, 2, 3, 4, 5, 6, 0, 1]]
    result = model.generate(prompt, 3, seed=0)
    assert result.shape == (1, 11) and result.data[:, :8].tolist() == prompt
    assert model.generate(Tensor(np.array(prompt)), 0).data.tolist() == prompt
    cut = model.generate([prompt[0][-5:]], 3, temperature=0).data[0, -3:]
    assert model.generate(prompt, 3, temperature=0).data[0, -3:].tolist() == cut.tolist()


def test_generate_runs_without_dropout_or_gradients_and_leaves_the_mode_as_it_was():
    model = small(dropout=0.5)
    model.blocks[0].eval()
    modes = [layer.training for layer in model.sublayers()]
    seen = []
    real = model.next_logits
    model.next_logits = lambda ids: (
        seen.append((is_grad_enabled(), {layer.training for layer in [model, *model.sublayers()]})),
        real(ids),
    )[1]
    model.generate([[1]], 2, seed=0)
    assert seen == [(False, {False})] * 2
    assert (
        model.training and [layer.training for layer in model.sublayers()] == modes and True in modes and False in modes
    )
    assert is_grad_enabled()


def test_generate_restores_the_mode_after_an_error():
    model = small()

    def fail(ids):
        raise KeyboardInterrupt

    model.next_logits = fail
    with pytest.raises(KeyboardInterrupt):
        model.generate([[1]], 2)
    assert model.training and all(layer.training for layer in model.sublayers()) and is_grad_enabled()


def test_generate_keeps_an_evaluating_model_evaluating():
    model = small().eval()
    model.generate([[1]], 1, seed=0)
    assert not model.training


@pytest.mark.parametrize(
    "ids, count, error, message",
    [
        ([[]], 1, ValueError, "at least one token"),
        ([1, 2], 1, ValueError, r"must be \(B, T\)"),
        (3, 1, ValueError, r"ids of shape \(\)"),
        ([[9]], 0, ValueError, "id 9 .* outside the vocabulary"),
        ([[9, 1, 1, 1, 1, 1]], 1, ValueError, "id 9"),
        ([[1.5]], 1, TypeError, "id 1.5"),
        ("once", 1, TypeError, "GPT: got text"),
        ([[1]], -1, ValueError, "max_new_tokens is -1; it must be at least 0"),
        ([[1]], 1.5, TypeError, "max_new_tokens is 1.5"),
    ],
)
def test_generate_refuses_what_it_cannot_continue_before_it_draws(ids, count, error, message):
    model, rng = small(), np.random.default_rng(0)
    with pytest.raises(error, match=message):
        model.generate(ids, count, seed=rng)
    assert rng.random() == np.random.default_rng(0).random() and model.training


# Names of other texts, and the course's own listings


def test_second_names_are_the_same_things():
    block = TransformerBlock(4, 2, mlp_ratio=2)
    assert block.ln1 is block.norm1 and block.ln2 is block.norm2
    assert block.ln1.gamma is block.ln1.weight and block.ln1.beta is block.ln1.bias
    assert block.mlp.linear1 is block.mlp.up and block.mlp.linear2 is block.mlp.down
    assert block.mlp.up.out_features == 8
    names = [name for name, _ in block.named_parameters()]
    assert len(names) == 16 and not any("ln1" in name or "gamma" in name or "linear1" in name for name in names)
    block.ln1.gamma = block.ln2.weight
    assert block.norm1.weight is block.norm2.weight


def test_a_gpt_that_gets_targets_returns_its_loss():
    model = GPT(vocab_size=5, embed_dim=4, num_layers=1, num_heads=2, rng=0)
    assert model.max_seq_len == 1024
    ids, targets = np.array([[1, 2, 3], [0, 4, 1]]), np.array([[2, 3, 4], [4, 1, 1]])
    loss = model(ids, targets)
    assert loss.shape == () and loss.item() == CrossEntropyLoss()(model(ids), targets).item()
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_listing_that_trains_a_gpt_from_batches_runs_as_written():
    ids = np.arange(40).reshape(8, 5) % 7
    dataloader = DataLoader(TensorDataset(Tensor(ids[:, :-1], dtype=np.int64), Tensor(ids[:, 1:], dtype=np.int64)), 4)
    model = GPT(vocab_size=7, embed_dim=8, num_layers=1, num_heads=2, max_seq_len=8, rng=0)
    optimizer = Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        for batch in dataloader:
            loss = model(batch.x, batch.y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_the_listing_that_trains_layers_from_batches_runs_as_written():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4))
    dataloader = DataLoader(TensorDataset(Tensor(x), Tensor((x[:, 0] > 0) * 1)), 16)  # labels in floating point
    model = Sequential([Linear(4, 16, rng=0), ReLU(), Linear(16, 2, rng=1)])
    optimizer, loss_fn = Adam(model.parameters(), lr=0.01), CrossEntropyLoss()
    losses = []
    for _ in range(20):
        for batch in dataloader:
            loss = loss_fn(model(batch.x), batch.y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_the_listing_of_an_adam_of_ones_own_runs_with_tensors_for_its_averages():
    class Own:
        def __init__(self, params, lr=0.01):
            self.params, self.lr = params, lr
            self.m, self.v = [zeros_like(p) for p in params], [zeros_like(p) for p in params]

        def step(self):
            for i, p in enumerate(self.params):
                self.m[i] = 0.9 * self.m[i] + 0.1 * p.grad
                self.v[i] = 0.999 * self.v[i] + 0.001 * p.grad**2
                p.data -= (self.lr * self.m[i] / (self.v[i].sqrt() + 1e-8)).data

    model = Linear(2, 1, rng=0)
    before = model.weight.data.copy()
    model(Tensor([[1.0, 2.0]])).sum().backward()
    Own(model.parameters()).step()
    # Without the correction of the first steps each moves lr * 0.1 / sqrt(0.001).
    np.testing.assert_allclose(before - model.weight.data, 0.01 * 0.1 / 0.001**0.5, rtol=1e-3)


# What later models do otherwise


@given(st.integers(1, 3), st.integers(1, 5), st.integers(0, 1000))
@settings(max_examples=15)
def test_rms_norm_is_the_formula_and_differentiates(N, D, seed):
    layer, x = in_double(RMSNorm(D, eps=0.1), seed), normal(seed, 2, N, D)
    expected = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 0.1) * layer.weight.data
    np.testing.assert_allclose(layer(double(x)).data, expected, rtol=1e-10, atol=1e-12)

    def with_weight(x, weight):
        layer.weight = weight
        return layer.forward(x)

    check_gradient(with_weight, x, normal(seed + 1, D))


def test_rms_norm_keeps_the_mean_and_takes_lists():
    assert RMSNorm(2, eps=0)([[3.0, 3.0]]).data.tolist() == [[1, 1]]
    assert RMSNorm(2)(Tensor([0.0, 0.0])).data.tolist() == [0, 0]
    assert repr(RMSNorm(3)) == "RMSNorm(3, eps=1e-05)" and RMSNorm(3).weight.data.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match=r"RMSNorm: x has shape \(2, 4\) and the layer normalized_shape=3"):
        RMSNorm(3)(Tensor(np.ones((2, 4))))
    with pytest.raises(ValueError, match="RMSNorm: eps is -1"):
        RMSNorm(3, eps=-1)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 30), st.integers(1, 4), st.integers(0, 100))
def test_rotated_products_depend_on_the_distance_alone(m, n, shift, half, seed):
    q, k = normal(seed, 2, 1, 2 * half)

    def product(m, n):
        one, other = rotate_by_position(double(q), m), rotate_by_position(double(k), n)
        return (one.data * other.data).sum()

    assert product(m + shift, n + shift) == pytest.approx(product(m, n), abs=1e-9)
    assert np.linalg.norm(rotate_by_position(double(q), m).data) == pytest.approx(np.linalg.norm(q))


def test_rotation_turns_pairs_by_their_own_angles_and_continues():
    x = normal(0, 2, 5, 6)
    angles = position_angles(np.arange(5), 3)
    np.testing.assert_allclose(angles[4], [4.0, 4 * 10000 ** (-1 / 3), 4 * 10000 ** (-2 / 3)])
    point = (x[..., :3] + 1j * x[..., 3:]) * np.exp(1j * angles)  # a complex number turns by the angle of another
    result = rotate_by_position(double(x))
    np.testing.assert_allclose(result.data, np.concatenate([point.real, point.imag], axis=-1), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(rotate_by_position(double(x[:, 3:]), start=3).data, result.data[:, 3:], rtol=1e-10)
    assert rotate_by_position(Tensor(x)).dtype == np.float32
    check_gradient(rotate_by_position, normal(1, 2, 3, 4))


@pytest.mark.parametrize("shape", [(2, 3), (4,), (2, 0)])
def test_rotation_refuses_features_that_make_no_pairs(shape):
    with pytest.raises(ValueError, match=r"rotate_by_position: x has shape .* even D"):
        rotate_by_position(Tensor(np.ones(shape)))


def test_repeated_heads_stand_side_by_side_and_their_gradients_add_up():
    x = normal(0, 2, 3, 4, 2)
    np.testing.assert_array_equal(repeat_heads(double(x), 2).data, np.repeat(x, 2, axis=1))
    check_gradient(lambda x: repeat_heads(x, 3), normal(1, 1, 2, 2, 2))


def test_grouped_queries_are_attention_with_keys_and_values_shared():
    shared = in_double(GroupedQueryAttention(8, num_heads=4, num_kv_heads=2))
    plain = MultiHeadAttention(8, 4)
    columns = np.arange(4).reshape(2, 1, 2).repeat(2, axis=1).reshape(-1)  # 0 1 0 1 2 3 2 3
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        own, other = getattr(shared, name), getattr(plain, name)
        pick = columns if name in ("k_proj", "v_proj") else slice(None)
        other.weight.data, other.bias.data = own.weight.data[:, pick], own.bias.data[pick]
    x, mask = double(normal(0, 2, 5, 8)), create_causal_mask(5)
    np.testing.assert_allclose(shared(x, mask).data, plain(x, mask).data, rtol=1e-9, atol=1e-12)
    kept = []
    shared(x, mask, remember=lambda K, V: kept.append((K.shape, V.shape)) or (K, V))
    assert kept == [((2, 2, 5, 2), (2, 2, 5, 2))]
    shared(x, mask).sum().backward()
    assert all(parameter.grad is not None for parameter in shared.parameters())
    assert not np.array_equal(
        GroupedQueryAttention(4, 2, 1, rng=0).k_proj.weight.data,
        GroupedQueryAttention(4, 2, 1, rng=0).v_proj.weight.data,
    )


def test_grouped_queries_refuse_groups_that_do_not_divide():
    with pytest.raises(ValueError, match="num_heads 4 does not divide into 3 equal groups"):
        GroupedQueryAttention(8, 4, 3)
    with pytest.raises(ValueError, match="num_kv_heads is 0"):
        GroupedQueryAttention(8, 4, 0)
    with pytest.raises(ValueError, match=r"GroupedQueryAttention: x has shape \(1, 2, 3\)"):
        GroupedQueryAttention(8, 4, 2)(Tensor(np.ones((1, 2, 3))))
