"""Pruning takes exactly what was asked, cut neurons change nothing else, no factors are nearer, a student learns."""

import copy
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch import Tensor
from tinytorch.core.activations import GELU, ReLU, Sigmoid, Softmax, Tanh
from tinytorch.core.autograd import check_gradient, enable_autograd, no_grad
from tinytorch.core.layers import Dropout, Layer, Linear, Parameter, Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import SGD, Adam
from tinytorch.core.spatial import AvgPool2d, BatchNorm2d, Conv2d, Flatten, MaxPool2d
from tinytorch.perf.compression import (
    KnowledgeDistillation,
    LoRALinear,
    LowRankLinear,
    PruningMask,
    break_even_rank,
    csr_bytes,
    csr_matmul,
    low_rank_approximate,
    magnitude_prune,
    measure_sparsity,
    on_front,
    rank_for_energy,
    soft_loss,
    stored_bytes,
    structured_prune,
    to_csr,
    two_linears,
)
from tinytorch.perf.profiling import count_flops
from tinytorch.perf.quantization import quantize_model

enable_autograd()


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def two_layers(sizes=(4, 6, 3), seed=0, act=ReLU, bias=True, dtype=np.float64):
    model = Sequential(Linear(sizes[0], sizes[1], bias=bias), act(), Linear(sizes[1], sizes[2], bias=bias))
    rng = np.random.default_rng(seed)
    for parameter in model.parameters():
        parameter.data = rng.standard_normal(parameter.shape).astype(dtype)
    return model


# Sparsity


def test_sparsity_is_the_share_of_zeros_and_biases_do_not_count():
    model = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    model[0].weight.data[:] = [[0, 1, 2], [3, 0, 0]]
    model[2].weight.data[:] = 1
    assert measure_sparsity(model) == pytest.approx(3 / 9)
    assert measure_sparsity(model[0].weight) == 0.5
    assert measure_sparsity(np.zeros((2, 2))) == 1.0 and measure_sparsity(Tensor([[1.0, -0.0]])) == 0.5
    assert type(measure_sparsity(model)) is float


def test_the_sparsity_of_nothing_is_an_error():
    with pytest.raises(ValueError, match=r"measure_sparsity: shape \(0, 3\) holds no elements"):
        measure_sparsity(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="no parameter of two axes"):
        measure_sparsity(Sequential(ReLU()))


# Magnitude pruning


def weights_of(model):
    return np.concatenate([p.data.ravel() for p in model.parameters() if p.ndim > 1])


@given(
    sparsity=st.floats(0, 0.7), seed=st.integers(0, 50), scope=st.sampled_from(["global", "layer"]), ties=st.booleans()
)
def test_exactly_the_asked_share_is_pruned_and_no_larger_weight(sparsity, seed, scope, ties):
    model = two_layers(seed=seed)
    if ties:
        for parameter in model.parameters():
            parameter.data = np.round(parameter.data) + 0.5
    before = model.state_dict()
    mask = magnitude_prune(model, sparsity, scope)
    groups = [["steps.0.weight", "steps.2.weight"]] if scope == "global" else [["steps.0.weight"], ["steps.2.weight"]]
    after = model.state_dict()
    for group in groups:
        old = np.abs(np.concatenate([before[name].ravel() for name in group]))
        new = np.concatenate([after[name].ravel() for name in group])
        kept = np.concatenate([mask.kept[name].ravel() for name in group])
        count = round(sparsity * old.size)
        assert (~kept).sum() == count and np.array_equal(new != 0, kept)
        if 0 < count < old.size:
            assert old[~kept].max() <= old[kept].min()
    for name in ("steps.0.weight", "steps.2.weight"):
        assert np.array_equal(after[name][mask.kept[name]], before[name][mask.kept[name]])
    for name in ("steps.0.bias", "steps.2.bias"):
        assert np.array_equal(after[name], before[name])
    assert mask.sparsity == pytest.approx(measure_sparsity(model))


def test_of_equal_weights_the_earlier_ones_go_first():
    layer = Linear(2, 3)
    layer.weight.data[:] = [[1, -1, 1], [1, 5, -1]]
    mask = magnitude_prune(layer, 0.5)
    assert layer.weight.data.tolist() == [[0, 0, 0], [1, 5, -1]]
    assert mask.kept["weight"].tolist() == [[False] * 3, [True] * 3]


def test_global_takes_small_layers_first_and_layer_takes_from_each():
    for scope, expected in [("global", [0.75, 0.0]), ("layer", [0.375, 0.375])]:
        model = Sequential(Linear(2, 4), Linear(4, 2))
        model[0].weight.data[:] = 0.1 * numbers(2, 4) / 10
        model[1].weight.data[:] = 10 + np.abs(numbers(4, 2))
        magnitude_prune(model, 0.375, scope)
        assert [measure_sparsity(layer.weight) for layer in model] == expected
    assert magnitude_prune(Linear(2, 2), 0).sparsity == 0.0


def test_a_layer_of_which_nothing_would_be_left_is_named_and_nothing_is_changed():
    model = Sequential(Linear(2, 4), Linear(4, 2))
    model[0].weight.data[:], model[1].weight.data[:] = 0.01, 5
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"magnitude_prune: sparsity 0.5 would leave nothing of steps.0.weight"):
        magnitude_prune(model, 0.5)
    with pytest.raises(ValueError, match=r"magnitude_prune: sparsity 0.9 would leave nothing of weight"):
        magnitude_prune(Linear(2, 2), 0.9, "layer")
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())
    assert magnitude_prune(model, 0.5, "layer").sparsity == 0.5


def test_zeros_count_as_pruned_already():
    layer = Linear(2, 2)
    layer.weight.data[:] = [[1, 0], [0, 3]]
    magnitude_prune(layer, 0.75)
    assert layer.weight.data.tolist() == [[0, 0], [0, 3]]


@pytest.mark.parametrize(
    "model, sparsity, scope, error, words",
    [
        (Linear(2, 2), 1.5, "global", ValueError, "sparsity 1.5 is not between 0 and 1"),
        (Linear(2, 2), 1, "layer", ValueError, "sparsity 1 would leave no weight, .*; take a share below 1"),
        (Linear(2, 2), -0.1, "global", ValueError, "sparsity -0.1 is not"),
        (Linear(2, 2), math.nan, "global", ValueError, "sparsity nan is not"),
        (Linear(2, 2), "half", "global", TypeError, "sparsity 'half' is not a number"),
        (Linear(2, 2), True, "global", TypeError, "sparsity True is not a number"),
        (Linear(2, 2), 0.5, "both", ValueError, "scope 'both' is unknown"),
        ([Linear(2, 2)], 0.5, "global", TypeError, "got list; pass a Layer"),
        (Sequential(), 0.5, "global", ValueError, "nothing to prune"),
    ],
)
def test_what_cannot_be_pruned_is_named(model, sparsity, scope, error, words):
    with pytest.raises(error, match=words):
        magnitude_prune(model, sparsity, scope)


def test_weights_with_nan_are_refused_and_nothing_is_changed():
    model = two_layers()
    model[2].weight.data[0, 0] = np.nan
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"magnitude_prune: steps.2.weight holds NaN"):
        magnitude_prune(model, 0.5)
    assert all(np.array_equal(before[name], array, equal_nan=True) for name, array in model.state_dict().items())


@pytest.mark.parametrize("make", [lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Adam(p, lr=0.1)])
def test_pruned_weights_stay_zero_while_the_others_are_trained(make):
    model = two_layers()
    optimizer = make(model.parameters())
    x, y = Tensor(numbers(8, 4), dtype="float64"), np.arange(8) % 3

    def step():
        optimizer.zero_grad()
        loss = CrossEntropyLoss()(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    step()
    mask = magnitude_prune(model, 0.5)
    kept_before = model[0].weight.data[mask.kept["steps.0.weight"]].copy()
    optimizer.step()
    assert measure_sparsity(model) < 0.5  # without following, the optimizer brings them back
    mask.follow(optimizer)
    losses = [step() for _ in range(20)]
    assert measure_sparsity(model) == 0.5 and mask.sparsity == 0.5
    assert not np.array_equal(model[0].weight.data[mask.kept["steps.0.weight"]], kept_before) and losses[-1] < losses[0]


def test_apply_clears_even_nan_and_writes_in_place():
    layer = Linear(2, 2)
    mask = PruningMask(layer, {"weight": np.array([[True, False], [False, True]])})
    array = layer.weight.data
    array[:] = [[1, np.nan], [np.inf, 2]]
    mask.apply()
    assert layer.weight.data is array and array.tolist() == [[1, 0], [0, 2]]


@pytest.mark.parametrize(
    "kept, words",
    [
        ({"wait": np.ones((2, 2), dtype=bool)}, "no parameter 'wait'; it has weight, bias"),
        (
            {"weight": np.ones((2, 3), dtype=bool)},
            r"the mask of 'weight' holds bool of shape \(2, 3\); it needs bool of shape \(2, 2\)",
        ),
        ({"weight": np.ones((2, 2))}, "holds float64"),
    ],
)
def test_a_mask_must_fit_its_model(kept, words):
    with pytest.raises(ValueError, match=words):
        PruningMask(Linear(2, 2), kept)


# Sparse storage


@given(rows=st.integers(0, 5), columns=st.integers(0, 5), width=st.integers(0, 3), seed=st.integers(0, 99))
def test_a_sparse_product_is_the_dense_one(rows, columns, width, seed):
    matrix = numbers(rows, columns, seed=seed) * (numbers(rows, columns, seed=seed + 1) > 0.5)
    sparse, dense = to_csr(matrix), numbers(columns, width, seed=seed + 2)
    np.testing.assert_allclose(csr_matmul(sparse, dense), matrix @ dense, atol=1e-12)
    assert sparse.values.size == np.count_nonzero(matrix) and sparse.shape == matrix.shape
    stored = sparse.values.nbytes + sparse.columns.nbytes + sparse.row_starts.nbytes
    assert stored == csr_bytes(rows, sparse.values.size, itemsize=8)


def test_the_three_arrays_of_a_sparse_matrix_are_known_by_hand():
    values, columns, starts, shape = to_csr(np.array([[0, 2.5, 0, 1], [0, 0, 0, 0], [7, 0, 0, 0]], dtype=np.float32))
    assert values.tolist() == [2.5, 1, 7] and columns.tolist() == [1, 3, 0] and starts.tolist() == [0, 2, 2, 3]
    assert values.dtype == np.float32 and columns.dtype == starts.dtype == np.int32 and shape == (3, 4)
    assert csr_matmul(to_csr(np.eye(2, dtype="f")), np.eye(2, dtype="f")).dtype == np.float32


def test_zeros_save_bytes_only_when_they_are_more_than_half():
    assert csr_bytes(10, 0) == 44 and csr_bytes(10, 50) == 444 and csr_bytes(0, 3, itemsize=1) == 19
    assert csr_bytes(100, 4900) < 100 * 100 * 4 < csr_bytes(100, 5000)


def test_a_model_is_stored_in_the_cheaper_way_array_by_array():
    model = Sequential(Linear(10, 8), Conv2d(2, 4, 3, bias=False), BatchNorm2d(4))
    whole = sum(array.nbytes for array in model.state_dict().values())
    assert stored_bytes(model) == whole == 4 * (80 + 8 + 72 + 4 * 4)
    model[0].weight.data[:, 1:] = 0
    model[1].weight.data.reshape(-1)[:38] = 0  # more than half, and still no byte saved
    assert stored_bytes(model) == whole - 320 + csr_bytes(10, 10)
    model[1].weight.data[0] = 0
    model[1].weight.data[1:, 0] = 0
    assert stored_bytes(model) == whole - 320 + csr_bytes(10, 10) - 288 + csr_bytes(4, 18)


def test_a_quantized_matrix_is_stored_by_its_own_item_size():
    quantized = quantize_model(Sequential(Linear(20, 10)), numbers(4, 20))
    whole = sum(array.nbytes for array in quantized.state_dict().values())
    assert stored_bytes(quantized) == whole
    quantized[0].weight[:] = np.eye(20, 10, dtype=np.int8)
    assert stored_bytes(quantized) == whole - 200 + csr_bytes(20, 10, itemsize=1)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"to_csr: shape \(3,\)"):
        to_csr(np.ones(3))
    with pytest.raises(ValueError, match=r"csr_matmul: \(2, 3\) @ \(4, 5\)"):
        csr_matmul(to_csr(np.ones((2, 3))), np.ones((4, 5)))
    with pytest.raises(ValueError, match=r"csr_matmul: \(2, 3\) @ \(3,\)"):
        csr_matmul(to_csr(np.ones((2, 3))), np.ones(3))


# Structured pruning


def masked(model, share):
    """A copy of the model in which what is to be cut is zero instead of gone."""
    twin = copy.deepcopy(model)
    layers = [step for step in twin if isinstance(step, (Linear, Conv2d))]
    gone = None
    for step, after in zip(twin, [*twin][1:] + [None], strict=True):
        if step in layers[:-1]:
            axes = 0 if isinstance(step, Linear) else (1, 2, 3)
            norms = np.sqrt((step.weight.data**2).sum(axis=axes))
            if isinstance(after, BatchNorm2d):
                norms = abs(after.weight.data)
            gone = np.argsort(norms, kind="stable")[: min(round(share * norms.size), norms.size - 1)]
            step.weight.data[(slice(None), gone) if isinstance(step, Linear) else gone] = 0
            if step.bias is not None:
                step.bias.data[gone] = 0
        elif isinstance(step, BatchNorm2d):
            step.weight.data[gone] = step.bias.data[gone] = 0
    return twin


@given(
    share=st.floats(0, 1, exclude_max=True),
    seed=st.integers(0, 99),
    hidden=st.integers(1, 6),
    second=st.integers(1, 6),
    act=st.sampled_from([ReLU, Tanh, GELU, Sigmoid]),
    bias=st.booleans(),
)
def test_the_smaller_model_computes_what_the_masked_one_does(share, seed, hidden, second, act, bias):
    first = two_layers((3, hidden, second), seed, act, bias)
    model = Sequential(*first, Dropout(0.5), act(), two_layers((second, 2, 2), seed + 1, act, bias)[0])
    model.eval()
    small = structured_prune(model, share)
    x = Tensor(numbers(5, 3, seed=seed), dtype="float64")
    np.testing.assert_allclose(small(x).data, masked(model, share)(x).data, atol=1e-10)
    widths = [n - min(round(share * n), n - 1) for n in (hidden, second)]
    shapes = [step.weight.shape for step in small if isinstance(step, Linear)]
    assert shapes == [(3, widths[0]), (widths[0], widths[1]), (widths[1], 2)]


def images_model(act=ReLU, seed=0, padding=1, bias=True):
    """Conv, norm, pooling, conv, pooling, Linear, Linear: every kind of step that may stand between."""
    model = Sequential(
        Conv2d(2, 4, 3, padding=1, bias=bias),
        BatchNorm2d(4),
        act(),
        MaxPool2d(2),
        Conv2d(4, 3, 3, padding=padding, bias=bias),
        act(),
        AvgPool2d(2),
        Flatten(),
        Dropout(0.3),
        Linear(3 * (4 if padding else 1), 5, bias=bias),
        act(),
        Linear(5, 2, bias=bias),
    )
    rng = np.random.default_rng(seed)
    for parameter in model.parameters():
        parameter.data = rng.standard_normal(parameter.shape)
    model[1].running_mean, model[1].running_var = rng.standard_normal(4), rng.uniform(0.5, 2, 4)
    return model.eval()


@given(
    share=st.floats(0, 1, exclude_max=True),
    seed=st.integers(0, 99),
    act=st.sampled_from([ReLU, Tanh, GELU]),
    bias=st.booleans(),
)
def test_a_smaller_model_of_images_computes_what_the_masked_one_does(share, seed, act, bias):
    model = images_model(act, seed, bias=bias)
    small = structured_prune(model, share)
    x = Tensor(numbers(2, 2, 8, 8, seed=seed), dtype="float64")
    np.testing.assert_allclose(small(x).data, masked(model, share)(x).data, atol=1e-10)
    a, b, c = (n - min(round(share * n), n - 1) for n in (4, 3, 5))
    shapes = [step.weight.shape for step in small if hasattr(step, "weight")]
    assert shapes == [(a, 2, 3, 3), (a,), (b, a, 3, 3), (4 * b, c), (c, 2)]


def test_a_constant_crosses_a_convolution_without_padding_and_no_other():
    model = Sequential(Conv2d(2, 4, 3, padding=1), Sigmoid(), Conv2d(4, 3, 3), Sigmoid(), Flatten(), Linear(3, 2))
    for parameter in model.parameters():
        parameter.data = numbers(*parameter.shape)
    x = Tensor(numbers(2, 2, 3, 3), dtype="float64")
    np.testing.assert_allclose(structured_prune(model, 0.5)(x).data, masked(model, 0.5)(x).data, atol=1e-10)
    model[2].padding = (1, 0)
    with pytest.raises(ValueError, match=r"structured_prune: step 2, .*pads with zeros"):
        structured_prune(model, 0.5)
    model = Sequential(Conv2d(2, 4, 3), Sigmoid(), BatchNorm2d(4), Conv2d(4, 1, 1, padding=1)).eval()
    x = Tensor(numbers(2, 2, 3, 3, dtype=np.float32))
    np.testing.assert_allclose(structured_prune(model, 0.5)(x).data, masked(model, 0.5)(x).data, atol=1e-5)


def test_the_printed_sizes_are_the_new_ones_and_the_statistics_are_kept():
    model = images_model()
    model[1].weight.data[2] = -10
    small = structured_prune(model, 0.99)
    assert (small[0].in_channels, small[0].out_channels, small[1].num_features, small[4].in_channels) == (2, 1, 1, 1)
    assert (small[4].out_channels, small[9].in_features, small[9].out_features, small[11].in_features) == (1, 4, 1, 1)
    assert small[1].running_mean == model[1].running_mean[2] and small[1].running_var == model[1].running_var[2]
    assert small[1].weight.data == model[1].weight.data[2] and small[1].bias.data == model[1].bias.data[2]


def test_the_weakest_neurons_go_and_the_original_stays():
    model = two_layers((2, 3, 2))
    model[0].weight.data[:] = [[3, 0, 1], [4, 0.5, 1]]
    model[0].bias.data[:] = [1, 100, 3]
    before = model.state_dict()
    small = structured_prune(model, 1 / 3)
    assert small[0].weight.data.tolist() == [[3, 1], [4, 1]] and small[0].bias.data.tolist() == [1, 3]
    assert np.array_equal(small[2].weight.data, before["steps.2.weight"][[0, 2]])
    assert np.array_equal(small[2].bias.data, before["steps.2.bias"])
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())
    for parameter in small.parameters():
        parameter.data[:] = 0
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())
    assert [p.dtype for p in small.parameters()] == [np.float64] * 4


def test_a_constant_of_sigmoid_goes_into_the_next_bias_even_when_there_was_none():
    model = two_layers((2, 3, 2), act=Sigmoid, bias=False)
    model[0].weight.data[:] = [[3, 0, 1], [4, 0, 1]]
    small = structured_prune(model, 1 / 3)
    assert small[0].bias is None
    np.testing.assert_allclose(small[2].bias.data, 0.5 * model[2].weight.data[1])
    assert structured_prune(two_layers(act=ReLU, bias=False), 0.5)[2].bias is None


def test_steps_before_and_after_the_linear_layers_may_be_anything():
    model = Sequential(Softmax(), *two_layers(), Softmax())
    small = structured_prune(model, 0.5)
    assert [type(step).__name__ for step in small] == ["Softmax", "Linear", "ReLU", "Linear", "Softmax"]


def test_one_neuron_stays_and_the_model_keeps_its_mode():
    model = two_layers()
    assert structured_prune(model, 0.99)[0].weight.shape == (4, 1) and structured_prune(model, 0.99).training
    drop = Sequential(model[0], Dropout(0.5), model[2]).eval()
    small = structured_prune(drop, 0.5)
    assert not small.training and not small[1].training and small[1] is not drop[1]


def test_what_a_cut_model_multiplies_shrinks_on_both_sides():
    model = Sequential(Conv2d(3, 8, 3, padding=1), ReLU(), Conv2d(8, 16, 3, padding=1), ReLU(), Conv2d(16, 4, 1))
    small, x = structured_prune(model, 0.5), Tensor(numbers(1, 3, 6, 6, dtype=np.float32))
    whole, cut = (
        [count_flops(step, Tensor(np.zeros((1, step.in_channels, 6, 6)))) for step in steps if isinstance(step, Conv2d)]
        for steps in (model, small)
    )
    assert [before / after for before, after in zip(whole, cut, strict=True)] == pytest.approx([2, 4, 2], rel=0.03)
    assert count_flops(small, x) < count_flops(model, x) / 3


def test_a_small_model_can_be_trained_on():
    small = structured_prune(two_layers(), 0.5)
    small(Tensor(numbers(2, 4), dtype="float64")).sum().backward()
    assert all(parameter.grad is not None for parameter in small.parameters())


@pytest.mark.parametrize(
    "model, share, error, words",
    [
        (Linear(2, 2), 0.5, TypeError, "got Linear; pass a Sequential"),
        (Sequential(Linear(2, 2), ReLU()), 0.5, ValueError, "the model has 1 Linear or Conv2d layers"),
        (
            Sequential(Linear(2, 2), Softmax(), Linear(2, 2)),
            0.5,
            ValueError,
            r"step 1, Softmax\(axis=-1\), is none of those",
        ),
        (Sequential(Linear(2, 2), Linear(2, 2), Softmax(), Linear(2, 2)), 0.5, ValueError, "step 2, Softmax"),
        (Sequential(Linear(2, 4), Linear(6, 2)), 0.5, ValueError, "follows a layer of 4 outputs"),
        (two_layers(), 2, ValueError, "share 2 is not between 0 and 1"),
        (two_layers(), 1, ValueError, "share 1 would leave no neuron .*; take a share below 1"),
    ],
)
def test_what_cannot_lose_neurons_is_named(model, share, error, words):
    with pytest.raises(error, match=f"structured_prune: .*{words}"):
        structured_prune(model, share)


# Low rank


@given(rows=st.integers(1, 6), columns=st.integers(1, 6), rank=st.integers(1, 6), seed=st.integers(0, 99))
def test_the_error_is_what_was_left_out_and_no_other_factors_are_nearer(rows, columns, rank, seed):
    matrix, rank = numbers(rows, columns, seed=seed), min(rank, rows, columns)
    left, right, error = low_rank_approximate(matrix, rank)
    assert left.shape == (rows, rank) and right.shape == (rank, columns)
    assert np.linalg.norm(matrix - left @ right) == pytest.approx(error, abs=1e-10)
    rng = np.random.default_rng(seed)
    for size in (1e-3, 0.1, 1.0):
        other = (left + size * rng.standard_normal(left.shape)) @ (right + size * rng.standard_normal(right.shape))
        assert np.linalg.norm(matrix - other) >= error - 1e-9
    values = np.linalg.svd(matrix, compute_uv=False)
    assert error == pytest.approx(math.sqrt((values[rank:] ** 2).sum()), abs=1e-10)
    np.testing.assert_allclose(np.linalg.norm(left, axis=0), np.linalg.norm(right, axis=1))
    np.testing.assert_allclose(np.linalg.norm(left, axis=0) ** 2, values[:rank])


@given(energy=st.floats(0, 1), seed=st.integers(0, 99))
def test_energy_takes_the_smallest_rank_that_holds_it(energy, seed):
    matrix = numbers(5, 4, seed=seed)
    rank = low_rank_approximate(matrix, energy=energy).left.shape[1]
    squares = np.linalg.svd(matrix, compute_uv=False) ** 2
    assert squares[:rank].sum() >= (energy - 1e-9) * squares.sum()
    assert rank == 1 or squares[: rank - 1].sum() < (energy + 1e-9) * squares.sum()


def test_ranks_for_energies_are_known_by_hand():
    values = np.array([2.0, 1.0, 1.0, 0.0])  # squares 4 1 1 0, of 6
    assert [rank_for_energy(values, energy) for energy in (0, 0.5, 4 / 6, 0.7, 5 / 6, 0.9, 1)] == [1, 1, 1, 2, 2, 3, 3]
    assert rank_for_energy(np.zeros(2), 1.0) == 1
    assert rank_for_energy(np.array([1e-30], dtype=np.float32), 1.0) == 1


def test_factors_keep_the_dtype_and_the_matrix_stays():
    matrix = numbers(4, 3, dtype=np.float32)
    before = matrix.copy()
    for given_matrix in (matrix, Tensor(matrix), Parameter(matrix)):
        low = low_rank_approximate(given_matrix, 2)
        assert low.left.dtype == low.right.dtype == np.float32 and type(low.error) is float
    assert np.array_equal(matrix, before)
    assert low_rank_approximate(matrix.astype(np.float64), 1).left.dtype == np.float64
    assert low_rank_approximate(matrix.astype(np.float16), 1).left.dtype == np.float32
    assert low_rank_approximate(np.array([[1, 2], [2, 4]]), 1).error < 1e-6


@pytest.mark.parametrize(
    "matrix, options, error, words",
    [
        (np.ones((2, 3)), {}, ValueError, "give either rank or energy"),
        (np.ones((2, 3)), {"rank": 1, "energy": 0.5}, ValueError, "give either rank or energy"),
        (np.ones((2, 3)), {"rank": 0}, ValueError, r"rank 0 does not exist for shape \(2, 3\); it runs from 1 to 2"),
        (np.ones((2, 3)), {"rank": 3}, ValueError, "rank 3 does not exist"),
        (np.ones((2, 3)), {"rank": 1.0}, TypeError, "rank 1.0 is not an integer"),
        (np.ones((2, 3)), {"rank": True}, TypeError, "rank True is not an integer"),
        (np.ones((2, 3)), {"energy": 90}, ValueError, "energy 90 is not between 0 and 1"),
        (np.ones(3), {"rank": 1}, ValueError, r"shape \(3,\) is no matrix"),
        (np.ones((0, 3)), {"rank": 1}, ValueError, r"shape \(0, 3\) is no matrix"),
        (np.array([[np.nan]]), {"rank": 1}, ValueError, "holds NaN or infinity"),
        (np.array([[1, np.inf]]), {"rank": 1}, ValueError, "holds NaN or infinity"),
    ],
)
def test_what_has_no_low_rank_is_named(matrix, options, error, words):
    with pytest.raises(error, match=f"low_rank_approximate: .*{words}"):
        low_rank_approximate(matrix, **options)


def test_two_thin_matrices_pay_below_the_break_even_rank():
    assert break_even_rank(1024, 1024) == 512 and break_even_rank(30, 60) == 20
    layer = Linear(30, 60)
    for rank, pays in [(19, True), (20, False)]:
        low = LowRankLinear.from_linear(layer, rank)
        assert (low.left.size + low.right.size < layer.weight.size) == pays


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_of_full_rank_computes_the_same_and_differentiates(bias):
    layer = Linear(4, 3, bias=bias, rng=0)
    layer.weight.data = layer.weight.data.astype(np.float64)
    if bias:
        layer.bias.data = numbers(3, seed=1)
    low = LowRankLinear.from_linear(layer, rank=3)
    x = numbers(2, 5, 4)
    np.testing.assert_allclose(low(Tensor(x, dtype="float64")).data, layer(Tensor(x, dtype="float64")).data, atol=1e-10)
    names = ["left", "right", "bias"] if bias else ["left", "right"]
    assert [name for name, _ in low.named_parameters()] == names
    assert repr(low) == f"LowRankLinear(in_features=4, rank=3, out_features=3, bias={bias})"

    def f(x, left, right):
        low.left, low.right = left, right
        return low(x)

    check_gradient(f, x, low.left.data, low.right.data)


def test_a_low_rank_layer_does_not_share_the_bias():
    layer = Linear(4, 3)
    low = LowRankLinear.from_linear(layer, energy=0.9)
    low.bias.data[:] = 7
    assert layer.bias.data.tolist() == [0, 0, 0]


@pytest.mark.parametrize("bias", [True, False])
def test_two_linears_compute_what_the_low_rank_layer_does(bias):
    layer = Linear(6, 4, bias=bias, rng=0)
    x, low = Tensor(numbers(3, 6, dtype=np.float32)), LowRankLinear.from_linear(layer, 2)
    two = Sequential(*two_linears(layer, 2))
    np.testing.assert_allclose(two(x).data, low(x).data, rtol=1e-5, atol=1e-6)
    assert [p.shape for p in two.parameters()] == [(6, 2), (2, 4)] + [(4,)] * bias
    two[1].weight.data[:] = 0
    assert layer.weight.data.any() and (not bias or two[1].bias is not layer.bias)
    with pytest.raises(ValueError, match="rank 0 does not exist"):
        two_linears(layer, 0)


# Low rank that is learned


def test_an_added_part_begins_as_nothing_and_alone_is_learned():
    linear = Linear(5, 4, rng=0)
    layer = LoRALinear(linear, rank=2, alpha=3.0, rng=1)
    x, before = Tensor(numbers(6, 5, dtype=np.float32)), linear.state_dict()
    np.testing.assert_array_equal(layer(x).data, linear(x).data)
    optimizer = Adam([layer.down, layer.up], lr=0.1)
    for _ in range(2):  # the first step moves `up` alone, since it was zero
        optimizer.zero_grad()
        (layer(x) * layer(x)).sum().backward()
        optimizer.step()
    assert layer.base.weight.grad is None and not np.array_equal(layer(x).data, linear(x).data)
    for state in (linear.state_dict(), layer.base.state_dict()):
        assert all(np.array_equal(before[name], array) for name, array in state.items())
    expected = x.data @ (linear.weight.data + layer.down.data @ layer.up.data * 1.5) + linear.bias.data
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-5, atol=1e-6)


def test_a_merged_layer_computes_the_same_and_is_its_own():
    layer = LoRALinear(Linear(5, 4, rng=0), rank=3, rng=1)
    layer.up.data[:] = numbers(3, 4)
    merged, x = layer.merged(), Tensor(numbers(2, 5, dtype=np.float32))
    np.testing.assert_allclose(merged(x).data, layer(x).data, rtol=1e-5, atol=1e-6)
    assert type(merged) is Linear and all(parameter.requires_grad for parameter in merged.parameters())
    merged.weight.data[:] = merged.bias.data[:] = 0
    assert layer.base.weight.data.any() and layer.merged().weight.data.any()


def test_an_added_part_differentiates():
    layer = LoRALinear(Linear(4, 3, rng=0), rank=2, alpha=4.0)
    layer.base.weight.data = layer.base.weight.data.astype(np.float64)

    def f(x, down, up):
        layer.down, layer.up = down, up
        return layer(x)

    check_gradient(f, numbers(2, 5, 4), numbers(4, 2), numbers(2, 3))


@pytest.mark.parametrize(
    "layer, rank, error, words",
    [
        (Linear(3, 2), 0, ValueError, r"rank 0 does not exist for shape \(3, 2\); it runs from 1 to 2"),
        (Linear(3, 2), 3, ValueError, "rank 3 does not exist"),
        (Linear(3, 2), 1.0, TypeError, "rank 1.0 is not an integer"),
        (ReLU(), 1, TypeError, "got ReLU; pass a Linear"),
    ],
)
def test_what_nothing_thin_can_be_added_to_is_named(layer, rank, error, words):
    with pytest.raises(error, match=f"LoRALinear: .*{words}"):
        LoRALinear(layer, rank)


@pytest.mark.parametrize(
    "shapes, words",
    [
        (((4, 2), (3, 5), None), r"left \(4, 2\), right \(3, 5\)"),
        (((4,), (4, 5), None), r"left \(4,\)"),
        (((2, 4), (4,), None), r"left \(2, 4\), right \(4,\)"),
        (((4, 2), (2, 5), (4,)), r"bias \(4,\): it must be \(5,\)"),
    ],
)
def test_factors_that_do_not_fit_are_named(shapes, words):
    with pytest.raises(ValueError, match=f"LowRankLinear: {words}"):
        LowRankLinear(*[None if shape is None else np.ones(shape) for shape in shapes])


def test_inputs_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"LowRankLinear: x has shape \(2, 3\) and the layer in_features=4"):
        LowRankLinear.from_linear(Linear(4, 3), 1)(Tensor(np.ones((2, 3))))
    with pytest.raises(TypeError, match="LowRankLinear: got ReLU"):
        LowRankLinear.from_linear(ReLU(), 1)


# Distillation


def softened(logits, temperature):
    powers = np.exp((logits - logits.max(-1, keepdims=True)) / temperature)
    return powers / powers.sum(-1, keepdims=True)


@given(
    shape=st.sampled_from([(1, 2), (3, 4), (2, 3, 2), (3,)]), temperature=st.floats(0.5, 20), seed=st.integers(0, 99)
)
def test_the_soft_loss_is_the_divergence_and_its_gradient_is_the_difference(shape, temperature, seed):
    student, teacher = Tensor(numbers(*shape, seed=seed), True, dtype="float64"), 3 * numbers(*shape, seed=seed + 1)
    loss = soft_loss(student, teacher, temperature)
    p, q = softened(teacher, temperature), softened(student.data, temperature)
    samples = math.prod(shape[:-1])
    assert loss.item() == pytest.approx(temperature**2 * (p * np.log(p / q)).sum() / samples)
    loss.backward()
    np.testing.assert_allclose(student.grad, temperature * (q - p) / samples, atol=1e-12)
    check_gradient(lambda s: soft_loss(s, teacher, temperature), student.data)


def test_the_loss_weighs_teacher_and_targets():
    logits, targets = Tensor(numbers(3, 4), dtype="float64"), np.array([0, 3, 1])
    teacher = Tensor(numbers(3, 4, seed=1), True, dtype="float64")
    soft, hard = soft_loss(logits, teacher, 3.0).item(), CrossEntropyLoss()(logits, targets).item()
    for alpha in (0, 0.25, 1):
        teaching = KnowledgeDistillation(Linear(1, 1), Linear(1, 1), temperature=3.0, alpha=alpha)
        found = teaching.distillation_loss(logits, teacher, targets).item()
        assert found == pytest.approx(alpha * soft + (1 - alpha) * hard)
    defaults = KnowledgeDistillation(Linear(1, 1), Linear(1, 1))
    assert (defaults.temperature, defaults.alpha) == (4.0, 0.5)
    check_gradient(lambda s: defaults.distillation_loss(s, teacher.data, targets), logits.data)


def test_extreme_logits_give_a_finite_loss():
    loss = soft_loss(Tensor([[1e4, 0.0]]), Tensor([[0.0, 1e4]]), 1.0)
    assert loss.item() == pytest.approx(1e4) and soft_loss(Tensor([[1e4, 0.0]]), Tensor([[1e4, 0.0]]), 1.0).item() == 0


def test_gradients_reach_the_student_alone_and_the_teacher_answers_in_eval_mode():
    class Watched(Layer):
        def __init__(self):
            self.inner = Linear(4, 3, rng=0)
            self.modes = []

        def forward(self, x):
            self.modes.append(self.training)
            return self.inner(x)

    student, teacher = Watched().eval(), Watched()
    teaching = KnowledgeDistillation(student, teacher, alpha=1.0)
    x = Tensor(numbers(6, 4, dtype=np.float32), True)
    logits = teaching.teacher_logits(x)
    assert not logits.requires_grad
    teacher.inner.weight.data[:, 0] += 1.0  # added to all columns it would not change a softmax
    before = teacher.state_dict()
    optimizer = SGD(student.parameters(), lr=0.1)
    first = teaching.train_step(x, np.zeros(6, dtype=np.int64), optimizer)
    assert type(first) is float and student.modes == [True] and teacher.modes == [False, False]
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(np.array_equal(before[name], array) for name, array in teacher.state_dict().items())
    assert not np.array_equal(student.inner.weight.data, Linear(4, 3, rng=0).weight.data)


def test_one_step_is_one_step_of_the_loss_without_leftovers():
    student, teacher = two_layers(), two_layers((4, 8, 3), seed=5)
    x, targets = Tensor(numbers(6, 4), dtype="float64"), np.arange(6) % 3
    teaching = KnowledgeDistillation(student, teacher)
    expected = teaching.distillation_loss(student(x), teacher(x), targets).item()
    for parameter in student.parameters():
        parameter.grad = np.full(parameter.shape, 1e6)
    before = student.state_dict()
    assert teaching.train_step(x, targets, SGD(student.parameters(), lr=1.0)) == pytest.approx(expected)
    for name, parameter in student.named_parameters():
        np.testing.assert_allclose(parameter.data, before[name] - parameter.grad)
        assert np.abs(parameter.grad).max() < 1e3


def test_a_student_really_learns_from_its_teacher():
    rng = np.random.default_rng(3)
    x = Tensor(rng.standard_normal((200, 4)).astype(np.float32))
    teacher = two_layers((4, 32, 3), seed=9, dtype=np.float32)
    with no_grad():
        answers = teacher(x).data.argmax(axis=1)
    wrong = rng.integers(0, 3, size=200)  # targets that say nothing: all that can be learned is the teacher's
    student = Sequential(Linear(4, 16, rng=1), Tanh(), Linear(16, 3, rng=2))
    teaching = KnowledgeDistillation(student, teacher, temperature=2.0, alpha=0.9)

    def agreement():
        with no_grad():
            return (student(x).data.argmax(axis=1) == answers).mean()

    start = agreement()
    optimizer = Adam(student.parameters(), lr=0.02)
    losses = [teaching.train_step(x, wrong, optimizer) for _ in range(100)]
    assert agreement() > 0.9 > 0.75 > start and losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    "student, teacher, options, error, words",
    [
        ("no", Linear(1, 1), {}, TypeError, "student is a str"),
        (Linear(1, 1), "no", {}, TypeError, "teacher is a str"),
        (Linear(1, 1), Linear(1, 1), {"temperature": 0}, ValueError, "temperature 0: it must be above 0"),
        (Linear(1, 1), Linear(1, 1), {"temperature": math.inf}, ValueError, "temperature inf"),
        (Linear(1, 1), Linear(1, 1), {"temperature": "4"}, TypeError, "temperature '4' is not a number"),
        (Linear(1, 1), Linear(1, 1), {"temperature": True}, TypeError, "temperature True is not a number"),
        (Linear(1, 1), Linear(1, 1), {"alpha": 1.1}, ValueError, "alpha 1.1 is not between 0 and 1"),
    ],
)
def test_what_cannot_teach_is_named(student, teacher, options, error, words):
    with pytest.raises(error, match=words):
        KnowledgeDistillation(student, teacher, **options)


def test_a_model_does_not_teach_itself():
    model = Linear(1, 1)
    with pytest.raises(ValueError, match="student and teacher share parameters"):
        KnowledgeDistillation(model, model)


@pytest.mark.parametrize(
    "student, teacher, words",
    [
        ((2, 3), (2, 4), r"student logits \(2, 3\) and teacher logits \(2, 4\)"),
        ((), (), r"student logits \(\)"),
        ((0, 3), (0, 3), "holds no samples"),
    ],
)
def test_logits_that_do_not_fit_are_named(student, teacher, words):
    with pytest.raises(ValueError, match=f"soft_loss: .*{words}"):
        soft_loss(Tensor(np.ones(student)), Tensor(np.ones(teacher)), 2.0)
    with pytest.raises(ValueError, match="temperature -1"):
        soft_loss(Tensor(np.ones((2, 3))), Tensor(np.ones((2, 3))), -1)


def test_an_optimizer_of_other_parameters_is_refused_before_anything_happens():
    student, teacher = two_layers(), two_layers(seed=4)
    before = student.state_dict()
    with pytest.raises(ValueError, match="train_step: the optimizer holds parameters that are not the student's"):
        KnowledgeDistillation(student, teacher).train_step(
            Tensor(numbers(3, 4), dtype="float64"),
            np.zeros(3, dtype=np.int64),
            SGD(student.parameters() + teacher.parameters(), lr=0.1),
        )
    assert all(np.array_equal(before[name], array) for name, array in student.state_dict().items())
    assert all(parameter.grad is None for parameter in student.parameters())


def test_a_layer_in_two_places_is_not_cut():
    layer = Linear(4, 4)
    for model in (Sequential(layer, ReLU(), layer), Sequential(Linear(4, 4), ReLU(), layer, ReLU(), layer)):
        with pytest.raises(ValueError, match="structured_prune: one layer stands in two places"):
            structured_prune(model, 0.5)
    assert layer.weight.shape == (4, 4)


def test_what_was_frozen_is_frozen_after_cutting():
    model = Sequential(Linear(4, 4), ReLU(), Linear(4, 2))
    model[0].weight.requires_grad = False
    small = structured_prune(model, 0.5)
    assert [parameter.requires_grad for parameter in small.parameters()] == [False, True, True, True]


def test_neurons_that_are_nan_are_not_compared():
    model = Sequential(Linear(4, 4), ReLU(), Linear(4, 2))
    model[0].weight.data[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"structured_prune: step 0, Linear.* holds NaN"):
        structured_prune(model, 0.5)


def test_a_teacher_does_not_learn_through_a_part_it_shares():
    shared = Linear(4, 3)
    with pytest.raises(ValueError, match="student and teacher share parameters"):
        KnowledgeDistillation(Sequential(shared), Sequential(shared))
    shared.weight.requires_grad = shared.bias.requires_grad = False
    KnowledgeDistillation(Sequential(shared, Linear(3, 3)), Sequential(shared))


def test_lists_and_tensors_are_matrices_too():
    assert csr_matmul(to_csr([[0.0, 2.0]]), Tensor([[1.0], [3.0]])).tolist() == [[6.0]]
    assert isinstance(to_csr(Tensor([[1.0]])).values, np.ndarray)
    assert soft_loss(Tensor([[1.0, 2.0]]), [[1.0, 2.0]], 1.0).item() == 0.0
    mask = PruningMask(Linear(2, 1), {"weight": [[True], [False]]})
    assert mask.sparsity == 0.5
    with pytest.raises(ValueError, match="PruningMask: kept is empty"):
        PruningMask(Linear(2, 1), {})


@pytest.mark.processes
def test_cutting_needs_no_gradients():
    code = """
from tinytorch import Linear, ReLU, Sequential
from tinytorch.perf.compression import structured_prune
print(structured_prune(Sequential(Linear(4, 4), ReLU(), Linear(4, 2)), 0.5)[0].out_features)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "2\n", done.stderr


# The front


def test_a_run_that_another_beats_is_off_the_front():
    assert on_front([10, 20, 30], [0.7, 0.8, 0.9]).tolist() == [True, True, True]
    assert on_front([10, 20, 30], [0.9, 0.8, 0.7]).tolist() == [True, False, False]
    assert on_front([10, 10, 20], [0.7, 0.8, 0.8]).tolist() == [False, True, False]
    assert on_front([10, 10, 5], [0.7, 0.7, 0.1]).tolist() == [True, True, True]  # twins do not beat each other
    assert on_front([], []).tolist() == [] and on_front([3], [0.5]).tolist() == [True]


@given(runs=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=12))
def test_every_run_is_on_the_front_or_beaten_by_one_that_is(runs):
    sizes, accuracies = zip(*runs, strict=True)
    front = on_front(sizes, accuracies)
    assert front.any() and front.dtype == bool
    for i, (size, accuracy) in enumerate(runs):
        beaten = any(s <= size and a >= accuracy and (s, a) != (size, accuracy) for s, a in runs)
        assert front[i] == (not beaten)
        assert any(front[j] and s <= size and a >= accuracy for j, (s, a) in enumerate(runs))
