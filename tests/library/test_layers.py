"""Layers find their parameters wherever they are kept, save and load them all or none, and compute what they say."""

import copy
import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch import Dropout, Layer, Linear, Parameter, ReLU, Sequential, Tensor, manual_seed, no_grad
from tinytorch.core.layers import (
    check_seed,
    check_size,
    check_state,
    children,
    default_rng,
    kaiming_normal,
    linear_loops,
    walk,
    xavier_uniform,
)


class Norm(Layer):
    """A layer with one parameter and one buffer, as later chapters have them."""

    buffers = ("running_mean",)

    def __init__(self, size):
        self.gamma = Parameter(np.ones(size))
        self.running_mean = np.zeros(size, dtype=np.float32)

    def forward(self, x):
        return x * self.gamma


class Model(Layer):
    """Parameters on its own, in a list, a dict, a tuple and a layer; one of them in two places."""

    def __init__(self):
        self.scale = Parameter([2.0])
        self.blocks = [Linear(2, 2), Sequential(Norm(2), ReLU(), Dropout(0.5))]
        self.heads = {"a": Linear(2, 1, bias=False), "b": (Linear(2, 3),)}
        self.act = ReLU()
        self.tied = self.blocks[0]
        self.constant = Tensor([1.0])
        self.sizes = [1, 2, "three", None]


NAMES = [
    "scale",
    "blocks.0.weight",
    "blocks.0.bias",
    "blocks.1.steps.0.gamma",
    "heads.a.weight",
    "heads.b.0.weight",
    "heads.b.0.bias",
]
LAYERS = ["blocks.0", "blocks.1", "blocks.1.steps.0", "blocks.1.steps.2", "heads.a", "heads.b.0"]


# Random numbers


def test_one_seed_repeats_everything_that_is_drawn():
    manual_seed(3)
    first = [Linear(3, 2).weight.data, Dropout(0.5)(Tensor(np.ones(9))).data]
    manual_seed(3)
    again = [Linear(3, 2).weight.data, Dropout(0.5)(Tensor(np.ones(9))).data]
    other = [Linear(3, 2).weight.data, Dropout(0.5)(Tensor(np.ones(9))).data]
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_the_shared_generator_is_one_object_for_ever():
    shared = default_rng()
    manual_seed(np.int64(11))
    assert default_rng() is shared
    assert shared.random() == np.random.default_rng(11).random()


def test_a_generator_of_ones_own_leaves_the_shared_one_alone():
    manual_seed(0)
    own = np.random.default_rng(5)
    assert default_rng(own) is own
    assert default_rng(0).random() == np.random.default_rng(0).random()
    np.testing.assert_array_equal(
        Linear(3, 2, rng=4).weight.data, Linear(3, 2, rng=np.random.default_rng(4)).weight.data
    )
    np.testing.assert_array_equal(Linear(3, 2, init="kaiming", rng=4).weight.data, kaiming_normal((3, 2), 3, rng=4))
    Dropout(0.5, rng=1)(Tensor(np.ones(4)))
    assert default_rng().random() == np.random.default_rng(0).random()


def test_a_dropout_with_a_seed_draws_anew_each_time_and_the_same_in_each_program():
    x = Tensor(np.ones(30))
    one, two = Dropout(0.5, rng=8), Dropout(0.5, rng=8)
    first, second = one(x).data, one(x).data
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, two(x).data)
    np.testing.assert_array_equal(second, two(x).data)


# What a layer holds


def test_parameters_are_found_in_the_order_of_the_attributes_and_each_once():
    model = Model()
    assert [name for name, p in model.named_parameters()] == NAMES
    assert [p.shape for p in model.parameters()] == [(1,), (2, 2), (2,), (2,), (2, 1), (2, 3), (3,)]
    assert all(isinstance(p, Parameter) for p in model.parameters())
    assert model.parameters()[1] is model.tied.weight


def test_layers_are_found_at_any_depth_and_each_once():
    model = Model()
    assert [name for name, layer in model.named_layers()] == LAYERS
    assert model.sublayers() == [layer for name, layer in model.named_layers()]
    assert model.sublayers()[3] is model.blocks[1][2]


def test_an_attribute_called_layers_takes_nothing_away():
    class Stack(Layer):
        def __init__(self):
            self.layers = [Linear(2, 2), Dropout(0.5)]

    stack = Stack().eval()
    assert [name for name, p in stack.named_parameters()] == ["layers.0.weight", "layers.0.bias"]
    assert not stack.layers[1].training
    assert list(stack.state_dict()) == ["layers.0.weight", "layers.0.bias"]


def test_a_layer_that_knows_its_parent_is_no_endless_walk():
    outer, inner = Layer(), Linear(1, 1)
    outer.inner, inner.outer = inner, outer
    assert [name for name, thing in walk(outer)] == ["inner", "inner.weight", "inner.bias"]
    assert [name for name, thing in walk(inner)] == ["weight", "bias", "outer"]


def test_a_parameter_in_a_list_is_found_and_one_in_a_plain_object_is_not():
    layer = Layer()
    layer.scales = [Parameter([1.0]), Parameter([2.0])]
    layer.other = type("Holder", (), {})()
    layer.other.weight = Parameter([3.0])
    assert [name for name, p in layer.named_parameters()] == ["scales.0", "scales.1"]


def test_children_opens_containers_and_not_layers():
    assert [name for name, thing in children(Model())] == [
        "scale",
        "blocks.0",
        "blocks.1",
        "heads.a",
        "heads.b.0",
        "act",
        "tied",
    ]
    assert [name for name, thing in children([ReLU(), 3, Linear(1, 1)])] == ["0", "2"]
    assert [name for name, thing in children({5: ReLU()})] == ["5"]


def test_a_layer_without_anything_has_no_parameters():
    assert Layer().parameters() == [] and Layer().sublayers() == [] and Layer().state_dict() == {}


def test_train_and_eval_reach_every_layer_and_return_the_model():
    model = Model()
    everything = [model, *model.sublayers()]
    assert all(layer.training is True for layer in everything)
    assert model.eval() is model
    assert all(layer.training is False for layer in everything)
    assert Layer().training is True
    assert model.train() is model
    assert all(layer.training is True for layer in everything)
    model.train(False)
    assert all(layer.training is False for layer in everything)


def test_a_layer_of_ones_own_is_called_by_its_forward_with_every_argument():
    class Sum(Layer):
        def forward(self, a, b, minus=0):
            return a + b - minus

    assert Sum()(1, 2, minus=4) == -1


def test_a_copy_of_a_model_shares_nothing_with_it():
    model = Model()
    twin = copy.deepcopy(model)
    twin.blocks[0].weight.data[...] = 7
    assert not np.any(model.blocks[0].weight.data == 7)
    assert twin.tied is twin.blocks[0]


def test_a_copy_of_a_layer_draws_from_the_shared_generator_as_before():
    """A model hands the shared generator on to its layers; a copy of it would not follow manual_seed."""
    twin = copy.deepcopy(Dropout(0.5, rng=default_rng()))
    x = Tensor(np.ones(100))
    manual_seed(3)
    first = twin(x).data
    manual_seed(3)
    np.testing.assert_array_equal(twin(x).data, first)


@pytest.mark.parametrize("change", [operator.iadd, operator.isub, operator.imul, operator.itruediv])
def test_a_layer_keeps_the_parameter_that_an_assignment_changes(change):
    layer = Linear(1, 1)
    parameter, array = layer.weight, layer.weight.data
    parameter.data[:] = 3
    with no_grad():
        layer.weight = change(layer.weight, 2)
    assert layer.weight is parameter and parameter.data is array and layer.parameters()[0] is parameter
    assert array.item() == change(3.0, 2)


# Saving and loading


@pytest.mark.parametrize(
    "layers", [{"a.b": Linear(1, 1), "a": {"b": Linear(1, 1)}}, {1: Linear(1, 1), "1": Linear(1, 1)}]
)
def test_two_parameters_of_one_name_are_not_saved_as_one(layers):
    model = Layer()
    model.held = layers
    assert len(model.parameters()) == 4
    with pytest.raises(ValueError, match=r"Layer: two parameters have the name held\.(a\.b|1)\.weight"):
        model.state_dict()


def test_state_dict_copies_parameters_and_buffers_under_their_names():
    model = Model()
    state = model.state_dict()
    assert list(state) == [*NAMES, "blocks.1.steps.0.running_mean"]
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(state[name], parameter.data)
        assert not np.shares_memory(state[name], parameter.data)
    assert list(Norm(2).state_dict()) == ["gamma", "running_mean"]


def test_state_arrays_are_the_arrays_themselves():
    norm = Norm(2)
    assert norm.state_arrays()["gamma"] is norm.gamma.data
    assert norm.state_arrays()["running_mean"] is norm.running_mean


@pytest.mark.parametrize("convert", [lambda array: array, Tensor])
def test_loading_writes_into_the_same_memory(convert):
    model, other = Model(), Model()
    other.blocks[1][0].running_mean += 3
    before = model.state_arrays()
    model.load_state_dict({name: convert(array) for name, array in other.state_dict().items()})
    for name, array in model.state_arrays().items():
        assert array is before[name]
        np.testing.assert_array_equal(array, other.state_arrays()[name])
    assert model.blocks[1][0].running_mean.tolist() == [3, 3]


def without(state, name):
    return {key: array for key, array in state.items() if key != name}


STATES = {
    "a name is missing": (
        lambda state: without(state, "scale"),
        ValueError,
        "load_state_dict: missing: scale; unknown: none; load it into a model built like the one that was saved",
    ),
    "two are missing": (
        lambda state: without(without(state, "scale"), "heads.a.weight"),
        ValueError,
        "load_state_dict: missing: scale, heads.a.weight; unknown: none",
    ),
    "a name is unknown": (
        lambda state: {**state, "scales": state["scale"]},
        ValueError,
        "load_state_dict: missing: none; unknown: scales; load",
    ),
    "a buffer is missing": (
        lambda state: without(state, "blocks.1.steps.0.running_mean"),
        ValueError,
        "load_state_dict: missing: blocks.1.steps.0.running_mean; unknown: none",
    ),
    "another shape": (
        lambda state: {**state, "heads.b.0.bias": np.zeros((1, 3), np.float32)},
        ValueError,
        "load_state_dict: heads.b.0.bias has shape (1, 3) and the model needs (3,)",
    ),
    "another dtype": (
        lambda state: {**state, "heads.b.0.bias": np.zeros(3)},
        TypeError,
        "load_state_dict: heads.b.0.bias holds float64 and the model float32; convert it with .astype('float32')",
    ),
    "no dict": (
        lambda state: list(state.values()),
        TypeError,
        "load_state_dict: got list; it needs a dict of name to array",
    ),
    "nothing at all": (lambda state: None, TypeError, "load_state_dict: got NoneType"),
}


@pytest.mark.parametrize("mistake", STATES)
def test_a_state_that_does_not_fit_is_refused_whole(mistake):
    change, kind, sentence = STATES[mistake]
    model = Model()
    before = model.state_dict()
    with pytest.raises(kind) as caught:
        model.load_state_dict(change({name: array + 1 for name, array in before.items()}))
    assert str(caught.value).startswith(sentence)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_check_state_accepts_what_fits():
    check_state({"a": np.zeros((2, 1))}, {"a": np.ones((2, 1))})
    check_state({}, {})


# The first weights


@pytest.mark.parametrize("fan_in, fan_out", [(200, 300), (400, 50), (64, 64)])
def test_xavier_weights_are_even_up_to_the_limit(fan_in, fan_out):
    print("seed 1")
    weight = xavier_uniform((fan_in, fan_out), fan_in, fan_out, rng=1)
    limit = math.sqrt(6 / (fan_in + fan_out))
    assert weight.shape == (fan_in, fan_out) and weight.dtype == np.float32
    assert 0.99 * limit < weight.max() <= limit and -limit <= weight.min() < -0.99 * limit
    assert math.isclose(weight.var(), 2 / (fan_in + fan_out), rel_tol=0.04)
    assert abs(weight.mean()) < 0.02 * limit
    quarters = np.histogram(weight, bins=4, range=(-limit, limit))[0] / weight.size
    np.testing.assert_allclose(quarters, 0.25, atol=0.02)


@pytest.mark.parametrize("fan_in", [50, 200])
def test_kaiming_weights_are_normal_with_two_over_fan_in(fan_in):
    print("seed 2")
    weight = kaiming_normal((fan_in, 300), fan_in, rng=2)
    std = math.sqrt(2 / fan_in)
    assert weight.shape == (fan_in, 300) and weight.dtype == np.float32
    assert math.isclose(weight.std(), std, rel_tol=0.03)
    assert abs(weight.mean()) < 0.03 * std
    assert math.isclose(np.mean(abs(weight) < std), 0.6827, abs_tol=0.02)


def test_the_shape_of_weights_is_free():
    assert xavier_uniform((4, 3, 3, 3), 27, 36).shape == (4, 3, 3, 3)
    assert kaiming_normal((4, 3, 3, 3), 27).shape == (4, 3, 3, 3)
    assert not np.array_equal(xavier_uniform((9,), 3, 3), xavier_uniform((9,), 3, 3))


@given(st.integers(1, 40), st.integers(1, 40))
def test_linear_begins_with_xavier_weights_and_zeros(inputs, outputs):
    layer = Linear(inputs, outputs)
    assert layer.weight.shape == (inputs, outputs) and layer.weight.dtype == np.float32
    assert layer.bias.data.tolist() == [0] * outputs and layer.bias.dtype == np.float32
    assert np.abs(layer.weight.data).max() <= math.sqrt(6 / (inputs + outputs)) * 1.000001
    assert (layer.in_features, layer.out_features) == (inputs, outputs)
    assert isinstance(layer.weight, Parameter) and isinstance(layer.bias, Parameter)


def test_xavier_is_what_linear_takes_unless_told():
    np.testing.assert_array_equal(Linear(5, 4, rng=3).weight.data, xavier_uniform((5, 4), 5, 4, rng=3))
    np.testing.assert_array_equal(Linear(5, 4, init="xavier", rng=3).weight.data, xavier_uniform((5, 4), 5, 4, rng=3))
    np.testing.assert_array_equal(Linear(5, 4, True, "kaiming", 3).weight.data, kaiming_normal((5, 4), 5, rng=3))


# Linear


def in_float64(layer):
    for parameter in layer.parameters():
        parameter.data = parameter.data.astype(np.float64)
    return layer


@given(st.integers(0, 3), st.integers(1, 4), st.integers(1, 3), st.booleans(), st.integers(0, 1000))
def test_linear_computes_what_the_loops_compute(rows, inputs, outputs, bias, seed):
    rng = np.random.default_rng(seed)
    layer = in_float64(Linear(inputs, outputs, bias=bias, rng=rng))
    if bias:
        layer.bias.data[...] = rng.normal(size=outputs)
    x = rng.normal(size=(rows, inputs))
    expected = linear_loops(x, layer.weight.data, layer.bias.data if bias else None)
    found = layer(Tensor(x, dtype=np.float64))
    assert found.shape == expected.shape == (rows, outputs) and found.dtype == np.float64
    np.testing.assert_allclose(found.data, expected, rtol=1e-12, atol=1e-14)


def test_the_loops_give_known_values():
    x, weight = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 10.0, 0.0], [2.0, 20.0, -1.0]])
    assert linear_loops(x, weight).tolist() == [[5, 50, -2], [11, 110, -4]]
    assert linear_loops(x, weight, np.array([0.5, 1, 2])).tolist() == [[5.5, 51, 0], [11.5, 111, -2]]
    assert linear_loops(x.astype(np.float32), weight.astype(np.float32)).dtype == np.float32
    assert linear_loops(np.ones((2, 0)), np.ones((0, 3)), np.arange(3.0)).tolist() == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize("shape", [(3,), (1, 3), (0, 3), (5, 3), (2, 5, 3), (2, 1, 4, 3)])
def test_linear_takes_any_axes_in_front(shape):
    layer = Linear(3, 2, rng=0)
    layer.bias.data[...] = [1, -1]
    x = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    found = layer(Tensor(x))
    assert found.shape == (*shape[:-1], 2) and found.dtype == np.float32
    np.testing.assert_allclose(found.data, x @ layer.weight.data + np.array([1, -1]), rtol=1e-5, atol=1e-5)


def test_linear_without_bias():
    layer = Linear(3, 2, bias=False)
    assert layer.bias is None
    assert [name for name, p in layer.named_parameters()] == ["weight"]
    assert layer(Tensor(np.zeros((1, 3)))).data.tolist() == [[0, 0]]


def test_linear_takes_a_list_and_whole_numbers():
    layer = Linear(2, 2, rng=0)
    expected = layer(Tensor([[1.0, 2.0]])).data
    np.testing.assert_array_equal(layer([[1, 2]]).data, expected)
    np.testing.assert_allclose(layer(Tensor(np.array([[1, 2]]))).data, expected, rtol=1e-6)


# Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.75])
def test_dropout_drops_a_part_of_p_and_keeps_the_mean(p):
    print("seed 4")
    found = Dropout(p, rng=4)(Tensor(np.ones((200, 200)))).data
    kept = found[found != 0]
    np.testing.assert_allclose(kept, 1 / (1 - p), rtol=1e-6)
    assert math.isclose(1 - kept.size / found.size, p, abs_tol=0.01)
    assert math.isclose(found.mean(), 1, abs_tol=0.02)


def test_a_draw_of_exactly_p_is_kept():
    draw = float(np.random.default_rng(0).random(1, dtype=np.float32)[0])
    assert Dropout(draw, rng=0)(Tensor([1.0])).item() > 1


def test_dropout_takes_half_unless_told():
    assert Dropout().p == 0.5 and Dropout().rng is None
    assert set(np.unique(Dropout(rng=0)(Tensor(np.ones(100))).data)) == {0, 2}


def test_what_is_not_dropped_is_enlarged_and_nothing_else():
    print("seed 0")
    x = np.arange(1.0, 51.0)
    found = Dropout(0.2, rng=0)(Tensor(x, dtype=np.float64)).data
    assert found.dtype == np.float64
    assert np.all((found == 0) | np.isclose(found, x * 1.25, rtol=1e-14))


def test_dropout_returns_the_tensor_itself_when_it_drops_nothing():
    x = Tensor([1.0, 2.0])
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0)(x) is x
    assert Dropout(0.5).train()(x) is not x


def test_dropout_that_drops_nothing_draws_nothing():
    manual_seed(0)
    Dropout(0.5).eval()(Tensor(np.ones(5)))
    Dropout(0.0)(Tensor(np.ones(5)))
    assert default_rng().random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_dropout_keeps_shape_and_floating_point_dtype(shape, dtype):
    found = Dropout(0.5)(Tensor(np.ones(shape), dtype=dtype))
    assert found.shape == shape
    assert found.dtype == (dtype if dtype.startswith("float") else "float32")


def test_dropout_takes_a_list_and_leaves_its_input_as_it_is():
    assert Dropout(0.5)([1.0, 1.0]).shape == (2,)
    x = Tensor(np.ones(50))
    Dropout(0.9)(x)
    assert x.data.tolist() == [1] * 50


# Sequential


def test_sequential_gives_each_step_what_the_one_before_returned():
    first, last = Linear(3, 4, rng=0), Linear(4, 2, rng=1)
    model = Sequential(first, ReLU(), lambda x: x * 2, last)
    x = Tensor(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(model(x).data, last(ReLU()(first(x)) * 2).data)
    assert [name for name, p in model.named_parameters()] == [
        "steps.0.weight",
        "steps.0.bias",
        "steps.3.weight",
        "steps.3.bias",
    ]


def test_sequential_is_indexed_counted_and_gone_through():
    steps = [Linear(1, 2), ReLU(), Linear(2, 3)]
    model = Sequential(*steps)
    assert len(model) == 3 and list(model) == steps and model.steps == steps
    assert model[0] is steps[0] and model[-1] is steps[2]
    assert isinstance(model[1:], Sequential) and list(model[1:]) == steps[1:]
    with pytest.raises(IndexError):
        model[3]


def test_an_empty_sequential_returns_what_it_gets():
    x = Tensor([1.0])
    assert Sequential()(x) is x
    assert len(Sequential()) == 0
    assert Sequential().parameters() == []


def test_changing_the_list_of_steps_of_one_leaves_the_other():
    steps = [ReLU()]
    model = Sequential(*steps)
    steps.append(ReLU())
    assert len(model) == 1


# How they print


def test_layers_print_their_arguments():
    assert repr(Linear(3, 2)) == "Linear(in_features=3, out_features=2, bias=True)"
    assert repr(Linear(1, 1, bias=False)) == "Linear(in_features=1, out_features=1, bias=False)"
    assert repr(Dropout(0.25)) == "Dropout(p=0.25)"
    assert repr(Layer()) == "Layer()" and repr(Sequential()) == "Sequential()"


def test_a_model_prints_the_layers_inside_indented():
    assert (
        repr(Model())
        == """\
Model(
  (blocks.0): Linear(in_features=2, out_features=2, bias=True)
  (blocks.1): Sequential(
    (0): Norm()
    (1): ReLU()
    (2): Dropout(p=0.5)
  )
  (heads.a): Linear(in_features=2, out_features=1, bias=False)
  (heads.b.0): Linear(in_features=2, out_features=3, bias=True)
  (act): ReLU()
  (tied): Linear(in_features=2, out_features=2, bias=True)
)"""
    )


# Mistakes

MISTAKES = {
    "no forward": (
        lambda: type("Mine", (Layer,), {})()(Tensor([1])),
        NotImplementedError,
        "Mine: there is no forward; write def forward(self, x) in class Mine",
    ),
    "another last axis": (
        lambda: Linear(3, 2)(Tensor(np.ones((4, 5)))),
        ValueError,
        "Linear: x has shape (4, 5) and the layer in_features=3; the last axis of x must have 3 values",
    ),
    "the features in front": (
        lambda: Linear(3, 2)(Tensor(np.ones((3, 4)))),
        ValueError,
        "Linear: x has shape (3, 4) and the layer in_features=3",
    ),
    "a single number": (
        lambda: Linear(1, 2)(Tensor(1.0)),
        ValueError,
        "Linear: x has shape () and the layer in_features=1; the last axis of x must have 1 values",
    ),
    "no input": (lambda: Linear(0, 2), ValueError, "Linear: in_features is 0; it must be at least 1"),
    "a negative output": (lambda: Linear(3, -2), ValueError, "Linear: out_features is -2; it must be at least 1"),
    "half an input": (
        lambda: Linear(2.5, 2),
        TypeError,
        "Linear: in_features is 2.5; it must be an integer of at least 1",
    ),
    "a size as text": (
        lambda: Linear(2, "2"),
        TypeError,
        "Linear: out_features is '2'; it must be an integer of at least 1",
    ),
    "a size that is a truth": (
        lambda: Linear(True, 2),
        TypeError,
        "Linear: in_features is True; it must be an integer of at least 1",
    ),
    "no such init": (
        lambda: Linear(2, 2, init="zeros"),
        ValueError,
        'Linear: init is \'zeros\'; it must be "xavier" or "kaiming"',
    ),
    "xavier of no input": (
        lambda: xavier_uniform((0, 2), 0, 2),
        ValueError,
        "xavier_uniform: fan_in is 0; it must be at least 1",
    ),
    "xavier of no output": (
        lambda: xavier_uniform((2, 0), 2, 0),
        ValueError,
        "xavier_uniform: fan_out is 0; it must be at least 1",
    ),
    "kaiming of no input": (
        lambda: kaiming_normal((0, 2), 0),
        ValueError,
        "kaiming_normal: fan_in is 0; it must be at least 1",
    ),
    "loops of a row": (
        lambda: linear_loops(np.ones(3), np.ones((3, 2))),
        ValueError,
        "linear_loops: x (3,), weight (3, 2): they must be (N, in_features) and (in_features, out_features)",
    ),
    "loops with a row of weights": (
        lambda: linear_loops(np.ones((2, 3)), np.ones(3)),
        ValueError,
        "linear_loops: x (2, 3), weight (3,): they must be",
    ),
    "loops that do not fit": (
        lambda: linear_loops(np.ones((2, 3)), np.ones((2, 3))),
        ValueError,
        "linear_loops: x (2, 3), weight (2, 3): they must be",
    ),
    "dropping more": (lambda: Dropout(1.5), ValueError, "Dropout: p is 1.5; it is the part that is dropped"),
    "dropping less than nothing": (
        lambda: Dropout(-0.1),
        ValueError,
        "Dropout: p is -0.1; it is the part that is dropped",
    ),
    "dropping NaN": (lambda: Dropout(math.nan), ValueError, "Dropout: p is nan; it is the part that is dropped"),
    "dropping a truth": (lambda: Dropout(True), TypeError, "Dropout: p is True; it must be a number from 0 to 1"),
    "dropping text": (lambda: Dropout("0.5"), TypeError, "Dropout: p is '0.5'; it must be a number from 0 to 1"),
    "a seed as text": (
        lambda: Dropout(0.5, rng="a"),
        TypeError,
        "rng is 'a'; pass None, an int or a numpy.random.Generator",
    ),
    "a seed with a point": (
        lambda: Linear(2, 2, rng=1.0),
        TypeError,
        "rng is 1.0; pass None, an int or a numpy.random.Generator",
    ),
    "a truth as a seed": (lambda: default_rng(True), TypeError, "rng is True; pass None, an int"),
    "a seed below zero": (lambda: default_rng(-1), ValueError, "rng is -1; a seed is 0 or larger"),
    "no manual seed": (lambda: manual_seed(None), TypeError, "seed is None; pass an int"),
    "a manual seed below zero": (lambda: manual_seed(-3), ValueError, "seed is -3; a seed is 0 or larger"),
    "a mode that is no truth": (
        lambda: Linear(2, 2).train("yes"),
        TypeError,
        "train: mode is 'yes'; it must be True or False",
    ),
    "a mode that is a number": (lambda: Linear(2, 2).train(1), TypeError, "train: mode is 1; it must be True or False"),
    "two lists of layers": (
        lambda: Sequential([Linear(2, 2)], [Linear(2, 2)]),
        TypeError,
        "Sequential: step 0 is of type list, which cannot be called; pass layers one by one, or one list of them",
    ),
    "a class of layers": (
        lambda: Sequential(Linear(2, 2), ReLU),
        TypeError,
        "Sequential: step 1 is the class ReLU; make a layer of it: ReLU(...)",
    ),
    "nothing as a step": (
        lambda: Sequential(None),
        TypeError,
        "Sequential: step 0 is of type NoneType, which cannot be called",
    ),
    "a step that does not fit": (
        lambda: Sequential(Linear(2, 3), Linear(2, 1))(Tensor([[1, 2]])),
        ValueError,
        "Linear: x has shape (1, 3) and the layer in_features=2",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_a_sentence(mistake):
    action, kind, sentence = MISTAKES[mistake]
    with pytest.raises(kind) as caught:
        action()
    assert str(caught.value).startswith(sentence)


def test_a_refused_mode_or_seed_changes_nothing():
    model = Model().eval()
    with pytest.raises(TypeError):
        model.train("no")
    assert not any(layer.training for layer in [model, *model.sublayers()])
    manual_seed(0)
    with pytest.raises(ValueError):
        manual_seed(-1)
    assert default_rng().random() == np.random.default_rng(0).random()


def test_the_smallest_sizes_and_seeds_are_allowed():
    assert check_size("Linear", "in_features", np.int64(1)) == 1 and type(check_size("L", "n", np.int64(1))) is int
    assert check_seed("seed", 0) is None
    assert Linear(1, 1).weight.shape == (1, 1)
    assert Dropout(np.float32(0.25)).p == 0.25


def test_loops_take_lists_and_check_the_bias():
    assert linear_loops([[1.0, 2.0]], [[10.0], [1.0]], [0.5]).tolist() == [[12.5]]
    for size in (1, 3):
        with pytest.raises(ValueError, match=rf"linear_loops: bias \({size},\), weight \(2, 2\): bias must be \(2,\)"):
            linear_loops(np.ones((1, 2)), np.ones((2, 2)), np.ones(size))


# What hands that know PyTorch type


def test_a_sequential_takes_one_list_as_it_takes_the_layers():
    layers = [Linear(2, 3, rng=0), ReLU(), Linear(3, 1, rng=1)]
    for model in (Sequential(layers), Sequential(tuple(layers)), Sequential(*layers)):
        assert list(model) == layers
    model = Sequential(layers)
    layers.append(ReLU())
    assert len(model) == 3 and len(Sequential([])) == 0 and len(Sequential([[].append])) == 1


def test_a_dropout_of_1_leaves_nothing_in_training_and_all_in_use():
    x = Tensor(np.ones((2, 3)), dtype=np.float64)
    layer = Dropout(1.0)
    assert layer(x).data.tolist() == [[0.0] * 3] * 2 and layer(x).dtype == np.float64
    assert layer.eval()(x) is x and repr(layer) == "Dropout(p=1.0)"


def test_a_call_of_dropout_can_say_which_mode_it_is_in():
    x, layer = Tensor(np.ones(100)), Dropout(0.5, rng=0)
    assert layer(x, training=False) is x and layer.training
    layer.eval()
    assert 0 in layer(x, training=True).data and not layer.training and layer(x) is x
