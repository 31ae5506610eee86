"""Every differentiable operation and layer of the library agrees with central differences in float64.

A case below says how to call one of them and with what numbers. Hypothesis chooses the sizes and the seed, so a
failure shrinks to small shapes. The last tests walk through the library and fail where something that can be
differentiated has no case, so nothing new can be forgotten.
"""

import importlib
import inspect
import math
import pkgutil
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch
from tinytorch import Tensor
from tinytorch.core import attention, embeddings, losses, spatial, training, transformers
from tinytorch.core import tensor as tensor_module
from tinytorch.core.activations import GELU, Activation, ReLU, Sigmoid, Softmax, Tanh
from tinytorch.core.autograd import Elementwise, Function, check_gradient, enable_autograd
from tinytorch.core.layers import Dropout, Layer, Linear, Parameter, Sequential
from tinytorch.perf import acceleration, compression, lowbit, memoization, quantization

enable_autograd()

CASES = {}


def case(*names, examples=25):
    """Add a function of a Draw that returns (f, inputs) to the table, once for each name.

    With several names the function gets the name too.
    """

    def add(make):
        for name in names:
            CASES[name] = (lambda draw, name=name: make(draw, name)) if len(names) > 1 else make, examples
        return make

    return add


class Draw:
    """What a case draws its sizes and numbers from.

    `pick(low, high)` chooses an integer. Numbers come from a seeded generator: which ones hardly matters, as long as
    they stay away from where a derivative does not exist.
    """

    def __init__(self, pick):
        self.pick = pick
        self.rng = np.random.default_rng(pick(0, 999))

    def size(self, low=1, high=3):
        return self.pick(low, high)

    def flag(self):
        return self.pick(0, 1) == 1

    def one_of(self, options):
        return options[self.pick(0, len(options) - 1)]

    def shape(self, low=0, high=3, smallest=1):
        return tuple(self.size(smallest) for _ in range(self.pick(low, high)))

    def smaller(self, shape):
        """A shape that broadcasts to `shape`."""
        return tuple(1 if self.pick(0, 3) == 0 else size for size in shape[self.pick(0, len(shape)) :])

    def pair(self):
        """Two shapes that broadcast, in any direction, also with no elements at all."""
        shape = self.shape(smallest=0)
        return self.one_of(
            [(shape, self.smaller(shape)), (self.smaller(shape), shape), (self.smaller(shape), self.smaller(shape))]
        )

    def axis(self, shape):
        """None, one axis or several, counted from either end."""
        count = self.pick(0, len(shape))
        axes = tuple(int(axis) for axis in self.rng.permutation(len(shape))[:count])
        if count == 1:
            return axes[0] - (len(shape) if self.flag() else 0)
        return axes if count else None

    def numbers(self, *shape):
        """Normal numbers, whatever they are."""
        return self.rng.normal(size=shape)

    def positive(self, *shape):
        """Numbers from 0.5 to 2.5."""
        return self.rng.uniform(0.5, 2.5, size=shape)

    def nonzero(self, *shape):
        """Numbers with a size from 0.5 to 2.5 and either sign."""
        return self.positive(*shape) * self.rng.choice([-1.0, 1.0], size=shape)

    def distinct(self, *shape):
        """Numbers that are all different, and none near 0."""
        count = math.prod(shape)
        return 0.3 * (self.rng.permutation(count) - count // 2 + 0.5).reshape(shape)


def check(name, draw):
    f, inputs = CASES[name][0](draw)
    check_gradient(f, *inputs)


# Chapter 01: operators


@case("add", "sub", "mul", "div", "pow")
def binary(draw, name):
    left, right = draw.pair()
    operations = {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "pow": lambda x, y: x**y,
    }
    first = draw.positive(*left) if name == "pow" else draw.numbers(*left)
    return operations[name], [first, draw.nonzero(*right)]


@case("number + x", "number - x", "number * x", "number / x", "number ** x")
def number_left(draw, name):
    number = draw.one_of([2, 0.5, 3.0, np.float32(1.5)])
    operations = {
        "+": lambda x: number + x,
        "-": lambda x: number - x,
        "*": lambda x: number * x,
        "/": lambda x: number / x,
        "**": lambda x: number**x,
    }
    return operations[name.split()[1]], [draw.nonzero(*draw.shape(smallest=0))]


@case("x + number", "x - number", "x * number", "x / number", "x ** number")
def number_right(draw, name):
    number = draw.one_of([2, 0, -1, 0.5]) if "**" in name else draw.one_of([2, 0.5, -3])
    operations = {
        "+": lambda x: x + number,
        "-": lambda x: x - number,
        "*": lambda x: x * number,
        "/": lambda x: x / number,
        "**": lambda x: x**number,
    }
    return operations[name.split()[1]], [draw.positive(*draw.shape(smallest=0))]


@case("array + x", "array - x", "array * x", "array / x", "array ** x")
def array_left(draw, name):
    left, right = draw.pair()
    array = draw.positive(*left)
    operations = {
        "+": lambda x: array + x,
        "-": lambda x: array - x,
        "*": lambda x: array * x,
        "/": lambda x: array / x,
        "**": lambda x: array**x,
    }
    return operations[name.split()[1]], [draw.nonzero(*right)]


@case("negative")
def negative(draw):
    return lambda x: -x, [draw.numbers(*draw.shape(smallest=0))]


@case("a tensor used again and again")
def reuse(draw):
    def f(x, y):
        both = x * y
        return both * both + x - both / (y * y)

    shape = draw.shape()
    return f, [draw.numbers(*shape), draw.nonzero(*shape)]


@case("matmul", "@")
def matmul(draw, name):
    M, K, N = draw.size(0), draw.size(0), draw.size(0)
    batch = draw.shape(0, 2, smallest=0)
    left, right = draw.one_of(
        [
            ((K,), (K,)),
            ((K,), (K, N)),
            ((M, K), (K,)),
            ((M, K), (K, N)),
            (draw.smaller(batch) + (M, K), batch + (K, N)),
            (batch + (M, K), draw.smaller(batch) + (K, N)),
            ((K,), batch + (K, N)),
            (batch + (M, K), (K,)),
        ]
    )
    operation = (lambda x, y: x.matmul(y)) if name == "matmul" else (lambda x, y: x @ y)
    return operation, [draw.numbers(*left), draw.numbers(*right)]


@case("array @ x")
def array_matmul(draw):
    K = draw.size()
    array = draw.numbers(*draw.one_of([(K,), (2, K), (3, 2, K)]))
    return lambda x: array @ x, [draw.numbers(*draw.one_of([(K,), (K, 2), (3, K, 2)]))]


# Chapter 01: shapes


def other_shape(draw, shape):
    """Sizes with the same product, one of them perhaps -1."""
    count = math.prod(shape)
    factor = draw.one_of([f for f in range(1, count + 1) if count % f == 0])
    return draw.one_of([(factor, count // factor), (1, -1, factor), (count,), (factor, -1)])


@case("reshape", "view")
def reshape(draw, name):
    shape = draw.shape()
    new = other_shape(draw, shape)
    as_tuple = draw.flag()
    return lambda x: getattr(x, name)(new) if as_tuple else getattr(x, name)(*new), [draw.numbers(*shape)]


@case("transpose")
def transpose(draw):
    shape = draw.shape(2, 4, smallest=0)
    dims = draw.one_of([(), (0, 1), (0, -1), (-1, -2), (-2, 0), (1, 1)])
    return lambda x: x.transpose(*dims), [draw.numbers(*shape)]


@case("permute")
def permute(draw):
    shape = draw.shape(0, 4, smallest=0)
    dims = [int(dim) - draw.one_of([0, len(shape)]) for dim in draw.rng.permutation(len(shape))]
    as_tuple = draw.flag()
    return lambda x: x.permute(dims) if as_tuple else x.permute(*dims), [draw.numbers(*shape)]


@case("T")
def reverse_axes(draw):
    return lambda x: x.T, [draw.numbers(*draw.shape(smallest=0))]


@case("contiguous")
def contiguous(draw):
    return lambda x: x.T.contiguous() + x.T, [draw.numbers(*draw.shape(smallest=0))]


@case("reshape of a transpose")
def reshape_of_a_transpose(draw):
    return lambda x: x.T.reshape(-1).reshape(x.shape) * x, [draw.numbers(*draw.shape(1, 3))]


# Chapter 01: reductions and choosing


@case("sum", "mean", "max")
def reduction(draw, name):
    shape = draw.shape(smallest=0 if name == "sum" else 1)
    axis, keepdims = draw.axis(shape), draw.flag()
    return lambda x: getattr(x, name)(axis=axis, keepdims=keepdims), [draw.distinct(*shape)]


@case("exp", "log", "sqrt", "abs", "__abs__")
def function_of_one_number(draw, name):
    x = draw.positive(*draw.shape(smallest=0)) if name in ("log", "sqrt") else draw.nonzero(*draw.shape(smallest=0))
    return lambda x: getattr(x, name)(), [x]


@case("clone", "flatten", "squeeze")
def copy_and_fewer_axes(draw, name):
    return lambda x: getattr(x, name)() * x.sum(), [draw.numbers(*draw.shape(smallest=0))]


@case("flatten between", "squeeze one", "unsqueeze")
def axes_of_size_one(draw, name):
    shape = draw.shape(1, 3)
    axis = draw.pick(-len(shape), len(shape) - 1)
    operations = {
        "flatten between": lambda x: x.flatten(axis),
        "squeeze one": lambda x: x.squeeze(axis),
        "unsqueeze": lambda x: x.unsqueeze(axis),
    }
    return operations[name], [draw.numbers(*shape)]


@case("cat", "stack", "join")
def joined(draw, name):
    shape, other = draw.shape(1, 3), draw.size(0)
    axis = draw.pick(0, len(shape) - 1)
    second = shape if name == "stack" else shape[:axis] + (other,) + shape[axis + 1 :]
    operations = {
        "cat": lambda x, y: tensor_module.cat([x, y, x], axis),
        "stack": lambda x, y: tensor_module.stack((x, y), dim=axis - len(shape)),
        "join": lambda x, y: tensor_module.join(axis, x, y),
    }
    return operations[name], [draw.numbers(*shape), draw.numbers(*second)]


@case("masked_fill")
def masked_fill(draw):
    shape = draw.shape(smallest=0)
    mask = draw.rng.random(draw.smaller(shape)) < 0.5
    mask = draw.one_of([mask, Tensor(mask)])
    return lambda x: x.masked_fill(mask, 2.5), [draw.numbers(*shape)]


@case("index by numbers and slices")
def basic_index(draw):
    shape = draw.shape(1, 3)
    parts = [
        draw.one_of(
            [
                int(draw.rng.integers(-size, size)),
                slice(None),
                slice(draw.size(0), None),
                slice(None, None, 2),
                slice(None, None, -1),
            ]
        )
        for size in shape
    ]
    parts = parts[: draw.size(1, len(parts))]
    if draw.flag():
        parts.insert(draw.size(0, len(parts)), None)
    if draw.flag():
        parts.append(...)
    index = parts[0] if len(parts) == 1 else tuple(parts)
    return lambda x: x[index], [draw.numbers(*shape)]


@case("index by positions")
def fancy_index(draw):
    shape = draw.shape(1, 3)
    picked = draw.shape(1, 2, smallest=0)
    positions = [draw.rng.integers(-size, size, size=picked) for size in shape[: draw.size(1, len(shape))]]
    kind = draw.one_of([np.asarray, Tensor, np.ndarray.tolist])
    parts = [kind(one) if one.size else one for one in positions]
    if len(parts) > 1 and draw.flag():
        parts[draw.size(0, len(parts) - 1)] = slice(None)
    index = parts[0] if len(parts) == 1 else tuple(parts)
    return lambda x: x[index], [draw.numbers(*shape)]


@case("index by booleans")
def boolean_index(draw):
    shape = draw.shape(1, 3, smallest=0)
    mask = draw.rng.random(shape[: draw.size(1, len(shape))]) < 0.5
    index = draw.one_of([mask, Tensor(mask), (..., mask) if mask.ndim == len(shape) else mask])
    return lambda x: x[index], [draw.numbers(*shape)]


@case("rows one by one")
def iteration(draw):
    def f(x):
        return sum((row * (place + 1) for place, row in enumerate(x)), Tensor(0.0))

    return f, [draw.numbers(*draw.shape(1))]


# Chapters 02 to 04: activations, layers, losses


def parameter_places(layer):
    """(parameter, the layers and attributes that hold it) for every parameter of a layer, a tied one once."""
    places = {}
    for holder in [layer, *layer.sublayers()]:
        for name, value in vars(holder).items():
            if isinstance(value, Parameter):
                places.setdefault(id(value), (value, []))[1].append((holder, name))
    assert {id(one) for one in layer.parameters()} == places.keys()
    return list(places.values())


def with_parameters(draw, layer, *inputs, call=None):
    """A case that differentiates a layer with respect to its inputs and all its parameters, which it gets as inputs."""
    places = parameter_places(layer)

    def f(*tensors):
        for (_, holders), tensor in zip(places, tensors[len(inputs) :], strict=True):
            for holder, name in holders:
                setattr(holder, name, tensor)
        return (call or layer)(*tensors[: len(inputs)])

    f.__name__ = type(layer).__name__
    return f, [*inputs, *(draw.numbers(*parameter.shape) for parameter, _ in places)]


@case("ReLU", "Sigmoid", "Tanh", "GELU")
def activation(draw, name):
    function = {"ReLU": ReLU, "Sigmoid": Sigmoid, "Tanh": Tanh, "GELU": GELU}[name]()
    return function, [draw.distinct(*draw.shape(smallest=0))]


@case("Softmax")
def softmax(draw):
    shape = draw.shape(1, 3)
    return Softmax(draw.size(-len(shape), len(shape) - 1)), [draw.numbers(*shape)]


@case("Linear")
def linear(draw):
    M, N = draw.size(), draw.size()
    x = draw.numbers(*draw.shape(0, 2, smallest=0), M)
    return with_parameters(draw, Linear(M, N, bias=draw.flag()), x)


@case("Dropout")
def dropout(draw):
    layer, seed = Dropout(0.4).train(draw.flag()), draw.size(0, 9)

    def f(x):
        layer.rng = np.random.default_rng(seed)  # the same numbers are dropped each time
        return layer(x * 1)

    return f, [draw.numbers(*draw.shape(smallest=0))]


@case("Sequential", examples=10)
def sequential(draw):
    return with_parameters(draw, Sequential(Linear(2, 3), Tanh(), Linear(3, 2)), draw.numbers(draw.size(), 2))


@case("LogSoftmax", "log_softmax")
def log_softmax(draw, name):
    shape = draw.shape(1, 3)
    axis = draw.size(-len(shape), len(shape) - 1)
    f = losses.LogSoftmax(axis) if name == "LogSoftmax" else lambda x: losses.log_softmax(x, axis)
    return f, [draw.numbers(*shape)]


@case("MSELoss")
def mse(draw):
    shape = draw.shape()
    targets = draw.numbers(*shape)
    if draw.flag():
        return losses.MSELoss(), [draw.numbers(*shape), targets]  # with respect to the targets too
    return lambda x: losses.MSELoss()(x, Tensor(targets)), [draw.numbers(*shape)]


@case("BinaryCrossEntropyLoss", "BCEWithLogitsLoss")
def binary_cross_entropy(draw, name):
    shape = draw.shape()
    targets = draw.one_of([draw.rng.random(shape), draw.rng.random(shape).round()])
    x = draw.rng.uniform(0.1, 0.9, size=shape) if name == "BinaryCrossEntropyLoss" else draw.numbers(*shape) * 3
    loss = getattr(losses, name)()
    return lambda x: loss(x, Tensor(targets)), [x]


@case("CrossEntropyLoss")
def cross_entropy(draw):
    shape, C = draw.shape(1, 2), draw.size()
    labels = draw.rng.integers(0, C, size=shape)
    labels = draw.one_of([labels, Tensor(labels)])
    return lambda x: losses.CrossEntropyLoss()(x, labels), [draw.numbers(*shape, C) * 3]


# Chapter 08: recomputing instead of keeping


@case("checkpoint", examples=10)
def checkpoint(draw):
    layer = Sequential(Linear(2, 3), Tanh(), Linear(3, 2))
    return with_parameters(draw, layer, draw.numbers(draw.size(), 2), call=lambda x: training.checkpoint(layer, x))


# Chapter 09: images


@case("Conv2d")
def conv2d(draw):
    kernel, padding = draw.size(), draw.size(0, 2)
    layer = spatial.Conv2d(draw.size(1, 2), draw.size(1, 2), kernel, draw.size(), padding, bias=draw.flag())
    smallest = max(1, kernel - 2 * padding)
    x = draw.numbers(draw.size(0, 2), layer.in_channels, draw.size(smallest, smallest + 2), draw.size(smallest, 4))
    return with_parameters(draw, layer, x)


@case("MaxPool2d", "AvgPool2d")
def pool(draw, name):
    kernel = draw.one_of([1, 2, 3, (1, 2)])
    layer = getattr(spatial, name)(kernel, draw.one_of([None, 1, 2, 3]))
    return layer, [draw.distinct(draw.size(0, 2), draw.size(1, 2), draw.size(3, 5), draw.size(3, 5))]


@case("BatchNorm2d")
def batch_norm(draw):
    layer = spatial.BatchNorm2d(draw.size(1, 2), eps=0.1).train(draw.flag())
    layer.running_mean[:], layer.running_var[:] = 0.3, 0.7
    before = layer.running_mean.copy(), layer.running_var.copy()

    def call(x):
        layer.running_mean, layer.running_var = before[0].copy(), before[1].copy()
        return layer(x)

    return with_parameters(draw, layer, draw.numbers(draw.size(1, 2), layer.num_features, 2, draw.size()), call=call)


@case("Flatten")
def flatten(draw):
    return spatial.Flatten(), [draw.numbers(*draw.shape(2, 4))]


# Chapter 11: embeddings


@case("Embedding")
def embedding(draw):
    V, D = draw.size(), draw.size()
    ids = draw.rng.integers(0, V, size=draw.shape(0, 2, smallest=0))
    layer = embeddings.Embedding(V, D)
    return with_parameters(draw, layer, call=lambda: layer(ids))


@case("Embedding used twice")
def embedding_twice(draw):
    layer = embeddings.Embedding(3, 2)
    first, second = draw.rng.integers(0, 3, size=(2, 4))
    return with_parameters(draw, layer, call=lambda: layer(first) * layer(second) @ layer.weight.T)


@case("PositionalEncoding", "LearnedPositionalEncoding")
def positions(draw, name):
    T, D, start = draw.size(), draw.size(), draw.size(0, 2)
    layer = getattr(embeddings, name)(5, D)
    x = draw.numbers(*draw.shape(0, 1), T, D)
    return with_parameters(draw, layer, x, call=lambda x: layer(x, start))


@case("EmbeddingLayer")
def embedding_layer(draw):
    layer = embeddings.EmbeddingLayer(3, 2, 4, positions=draw.one_of(["learned", "sinusoidal"]))
    ids = draw.rng.integers(0, 3, size=(draw.size(), draw.size()))
    return with_parameters(draw, layer, call=lambda: layer(ids))


# Chapters 12 and 13: attention and transformers


def random_mask(draw, *shape):
    """None, or a mask in which every query may look at one key at least."""
    mask = draw.rng.random(shape) < 0.5
    mask[..., 0] |= ~mask.any(axis=-1)
    return draw.one_of([None, mask, mask.astype(int), Tensor(mask)])


@case("scaled_dot_product_attention", "attention weights")
def attend(draw, name):
    batch, Tq, Tk, D, Dv = draw.shape(0, 2, smallest=0), draw.size(), draw.size(), draw.size(), draw.size()
    mask = random_mask(draw, Tq, Tk)
    inputs = [
        draw.numbers(*draw.smaller(batch), Tq, D),
        draw.numbers(*draw.smaller(batch), Tk, D),
        draw.numbers(*batch, Tk, Dv),
    ]
    if name == "attention weights":
        return lambda Q, K: attention.scaled_dot_product_attention(Q, K, K, mask)[1], inputs[:2]
    return lambda Q, K, V: attention.scaled_dot_product_attention(Q, K, V, mask)[0], inputs


@case("MultiHeadAttention", examples=10)
def multi_head_attention(draw):
    heads, T = draw.size(1, 2), draw.size()
    layer = attention.MultiHeadAttention(2, heads)
    mask = random_mask(draw, T, T)
    return with_parameters(draw, layer, draw.numbers(draw.size(1, 2), T, 2), call=lambda x: layer(x, mask))


@case("LayerNorm")
def layer_norm(draw):
    D = draw.size(1, 4)
    return with_parameters(draw, transformers.LayerNorm(D, eps=0.1), draw.numbers(*draw.shape(0, 2, smallest=0), D))


@case("MLP", examples=10)
def mlp(draw):
    return with_parameters(draw, transformers.MLP(2, draw.one_of([None, 3])), draw.numbers(*draw.shape(0, 2), 2))


@case("TransformerBlock", examples=5)
def transformer_block(draw):
    T = draw.size()
    layer, mask = transformers.TransformerBlock(2, draw.size(1, 2)), random_mask(draw, T, T)
    return with_parameters(draw, layer, draw.numbers(1, T, 2), call=lambda x: layer(x, mask))


@case("RMSNorm")
def rms_norm(draw):
    D = draw.size(1, 4)
    return with_parameters(draw, transformers.RMSNorm(D, eps=0.1), draw.numbers(*draw.shape(0, 2, smallest=0), D))


@case("rotate_by_position", "repeat_heads")
def parts_of_later_models(draw, name):
    if name == "repeat_heads":
        times = draw.size()
        return lambda x: transformers.repeat_heads(x, times), [draw.numbers(draw.size(), draw.size(), draw.size(), 2)]
    return lambda x: transformers.rotate_by_position(x, start=2), [draw.numbers(draw.size(), 2 * draw.size(1, 2))]


@case("GroupedQueryAttention", examples=10)
def grouped_query_attention(draw):
    layer, T = transformers.GroupedQueryAttention(4, 2, draw.size(1, 2)), draw.size()
    mask = random_mask(draw, T, T)
    return with_parameters(draw, layer, draw.numbers(draw.size(1, 2), T, 4), call=lambda x: layer(x, mask))


@case("GPT", examples=5)
def gpt(draw):
    layer = transformers.GPT(3, 2, 1, draw.size(1, 2), 3, tie_weights=draw.flag())
    ids = draw.rng.integers(0, 3, size=(draw.size(1, 2), draw.size()))
    return with_parameters(draw, layer, call=lambda: layer(ids))


# Chapters 14 to 19: the same operations, made faster or smaller


@case("naive_matmul", "row_matmul", "broadcast_matmul", "tiled_matmul", "vectorized_matmul", examples=10)
def kernel_matmul(draw, name):
    M, K, N = draw.size(), draw.size(), draw.size()
    return lambda x, y: getattr(acceleration, name)(x, y), [draw.numbers(M, K), draw.numbers(K, N)]


@case("composed_gelu", "fused_gelu")
def fast_gelu(draw, name):
    return lambda x: getattr(acceleration, name)(x), [draw.numbers(*draw.shape(smallest=0))]


@case("LowRankLinear")
def low_rank_linear(draw):
    M, N, rank = draw.size(), draw.size(), draw.size()
    bias = draw.numbers(N) if draw.flag() else None
    layer = compression.LowRankLinear(draw.numbers(M, rank), draw.numbers(rank, N), bias)
    return with_parameters(draw, layer, draw.numbers(draw.size(), M))


@case("LoRALinear")
def lora_linear(draw):
    M, N = draw.size(), draw.size()
    layer = compression.LoRALinear(Linear(M, N, bias=draw.flag()), draw.one_of([1, min(M, N)]), alpha=2.0)
    return with_parameters(draw, layer, draw.numbers(draw.size(), M))


@case("soft_loss")
def soft_loss(draw):
    shape = draw.size(), draw.size()
    teacher, temperature = draw.numbers(*shape), draw.one_of([1.0, 4.0])
    return lambda x: compression.soft_loss(x, Tensor(teacher, dtype=np.float64), temperature), [draw.numbers(*shape)]


# The checks


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_agrees_with_central_differences(name):
    @settings(max_examples=min(CASES[name][1], settings().max_examples), derandomize=True, database=None)
    @given(st.data())
    def run(data):
        check(name, Draw(lambda low, high: data.draw(st.integers(low, high))))

    run()


def test_a_wrong_gradient_is_found():
    class Wrong(Function):
        def forward(self, x):
            return Tensor(x.data * x.data)

        def backward(self, grad_output, x):
            return grad_output * x.data

    with pytest.raises(AssertionError, match="expected"):
        check_gradient(lambda x: Wrong.apply(x), np.array([1.0, 2.0]))


# What else holds for each of them


def drawn(name, count=6):
    """(f, inputs) of a case, for a few draws that are the same each time."""
    rng = np.random.default_rng(list(name.encode()))
    return [CASES[name][0](Draw(lambda low, high: int(rng.integers(low, high + 1)))) for _ in range(count)]


def leaves_of(inputs, dtype=np.float64):
    return [Tensor(array.astype(dtype), True, dtype=dtype) for array in inputs]


def walked(f, leaves, **options):
    """The result of f, and the gradients of the leaves for a fixed seed."""
    result = f(*leaves)
    seed = np.random.default_rng(0).normal(size=result.shape)
    result.backward(seed, **options)
    return result, [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("name", CASES)
def test_nothing_that_was_given_is_changed_or_shared(name):
    """Inputs, result and seed stay as they are, and every gradient has memory of its own."""
    for f, inputs in drawn(name):
        leaves = leaves_of(inputs)
        result = f(*leaves)
        seed = np.random.default_rng(0).normal(size=result.shape)
        before = [leaf.data.copy() for leaf in leaves], result.data.copy(), seed.copy()
        result.backward(seed)
        assert all(np.array_equal(leaf.data, old) for leaf, old in zip(leaves, before[0], strict=True))
        assert np.array_equal(result.data, before[1]) and np.array_equal(seed, before[2])
        gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
        for place, grad in enumerate(gradients):
            others = [leaf.data for leaf in leaves] + [result.data, seed] + gradients[:place]
            assert grad.flags.writeable and not any(np.shares_memory(grad, other) for other in others)


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"view"}))  # view refuses what needs a copy
def test_the_layout_in_memory_does_not_matter(name):
    """Columns first, backwards or with gaps: the same result and the same gradients."""
    for f, inputs in drawn(name):
        expected, gradients = walked(f, leaves_of(inputs))
        for relaid in (
            np.asfortranarray,
            lambda array: array[..., ::-1].copy()[..., ::-1],
            lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
        ):
            leaves = leaves_of(inputs)
            for leaf in leaves:
                leaf.data = relaid(leaf.data) if leaf.ndim else leaf.data
            result, others = walked(f, leaves)
            np.testing.assert_allclose(result.data, expected.data, rtol=1e-12, atol=1e-12)
            for grad, other in zip(gradients, others, strict=True):
                np.testing.assert_allclose(grad, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32_and_float64_stays_float64(name):
    for f, inputs in drawn(name):
        double, precise = walked(f, leaves_of(inputs, np.float64))
        single, coarse = walked(f, leaves_of(inputs, np.float32))
        assert double.dtype == np.float64 and all(grad.dtype == np.float64 for grad in precise)
        assert all(grad.dtype == np.float32 for grad in coarse)
        if not name.startswith("array"):  # there a float64 constant takes part
            assert single.dtype == np.float32
        np.testing.assert_allclose(single.data, double.data, rtol=1e-3, atol=1e-3)
        for grad, other in zip(precise, coarse, strict=True):
            np.testing.assert_allclose(grad, other, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", CASES)
def test_a_kept_graph_gives_the_same_gradients_again(name):
    for f, inputs in drawn(name, count=2):
        leaves = leaves_of(inputs)
        result, gradients = walked(f, leaves, retain_graph=True)
        once = [grad.copy() for grad in gradients]
        result.backward(np.random.default_rng(0).normal(size=result.shape))
        for grad, leaf in zip(once, leaves, strict=True):
            np.testing.assert_array_equal(2 * grad, leaf.grad)


# Nothing is forgotten

WITHOUT_GRADIENTS = {
    # of Tensor: what returns no floating-point numbers that depend on the elements, or says that it cuts the way
    "shape",
    "ndim",
    "size",
    "dtype",
    "numel",
    "memory_footprint",
    "numpy",
    "item",
    "detach",
    "backward",
    "zero_grad",
    "data",
    "requires_grad",
    "grad",
    "_grad_fn",
    "__init__",
    "__repr__",
    "__len__",
    "__bool__",
    "__array__",
    "__array_ufunc__",
    "__hash__",
    "__setitem__",
    # in place: of a result it is the operator itself, `x = x + y`, and of anything else an error
    "__iadd__",
    "__isub__",
    "__imul__",
    "__itruediv__",
    "__float__",
    "__int__",
    "__index__",
    "__format__",
    "__getattr__",
    "__setattr__",
    "argmax",
    "__getstate__",
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__module__",
    "__qualname__",
    "__doc__",
    "__dict__",
    "__weakref__",
    "__firstlineno__",
    "__static_attributes__",
    "__annotations__",
    "__annotate_func__",
    "__annotations_cache__",
}


def library_modules():
    """Every module of the library but the parts that are about learning and the command line."""
    names = [info.name for info in pkgutil.walk_packages(tinytorch.__path__, "tinytorch.")]
    return [importlib.import_module(name) for name in names if name.split(".")[1] not in ("learn", "cli")]


def subclasses(parent):
    """Every class of the library below `parent`, at any depth."""
    library_modules()
    found = [child for direct in parent.__subclasses__() for child in [direct, *subclasses(direct)]]
    return {child for child in found if child.__module__.startswith("tinytorch.")}


def classes_with_forward():
    """Every class of the library that has a forward of its own or by inheritance, without Functions."""
    found = {
        value
        for module in library_modules()
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__ and hasattr(value, "forward")
    }
    return {one for one in found if not issubclass(one, Function)}


def functions_that_return_tensors():
    """{name: module} of every function of the library whose docstring says that it returns a Tensor."""
    return {
        name: module
        for module in library_modules()
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and re.search(r"Returns\n-+\n(\w+ : )?Tensor\b", inspect.getdoc(value) or "")
    }


class Seen:
    """What was differentiated while the cases ran: Functions, methods of Tensor, classes with a forward, functions."""

    def __init__(self, monkeypatch):
        self.names, self.monkeypatch = set(), monkeypatch

    def watch(self, owner, name, note):
        """Put a method in place that says `note(args)` where its result requires a gradient."""
        original = vars(owner)[name]
        call = original.fget if isinstance(original, property) else original

        def watched(*args, **options):
            result = call(*args, **options)
            first = result[0] if isinstance(result, tuple) else result
            if getattr(first, "requires_grad", False) or inspect.isgenerator(first):
                self.names.add(note(args))
            return result

        self.monkeypatch.setattr(owner, name, property(watched) if isinstance(original, property) else watched)

    def watch_backward(self, function):
        original = function.backward

        def watched(node, *args, **options):
            self.names.add(type(node))
            return original(node, *args, **options)

        self.monkeypatch.setattr(function, "backward", watched)


@pytest.fixture
def seen(monkeypatch):
    """The names and classes that were differentiated in a run of all cases."""
    watching = Seen(monkeypatch)
    for function in subclasses(Function):
        if "backward" in vars(function):
            watching.watch_backward(function)
    for name in set(vars(Tensor)) - WITHOUT_GRADIENTS:
        watching.watch(Tensor, name, lambda args, name=name: name)
    for cls in classes_with_forward():
        if "forward" in vars(cls):
            watching.watch(cls, "forward", lambda args: type(args[0]))
    for name, module in functions_that_return_tensors().items():
        watching.watch(module, name, lambda args, name=name: name)
    for name in CASES:
        for f, inputs in drawn(name, count=12):
            walked(f, leaves_of(inputs))
    return watching.names


# Classes that have no gradients and say so; the last test makes them.
WITHOUT_GRADIENTS_BY_PURPOSE = {
    quantization.QuantizedLinear,
    quantization.QuantizedConv2d,
    memoization.CachedForward,
    memoization.Part,
}
# Their gradient is not that of what they compute, on purpose; test_lowbit.py says what it is.
STRAIGHT_THROUGH = {lowbit.FakeQuantize, lowbit.FakeQuantizedLinear}
ABSTRACT = {Elementwise, Layer, Activation, losses.Loss, spatial.Pool2d, quantization.QuantizedLayer}
# Functions that make tensors out of something else than tensors, and parts of the operators.
FUNCTIONS_WITHOUT_GRADIENTS = {
    "create_causal_mask",
    "default_collate",
    "one_hot",
    "sinusoidal_positions",
    "wrap",
    "combine",
}


def test_everything_that_can_be_differentiated_has_a_case(seen):
    assert subclasses(Function) - ABSTRACT - STRAIGHT_THROUGH - seen == set(), "Functions whose backward no case calls"
    assert set(vars(Tensor)) - WITHOUT_GRADIENTS - seen == set(), "methods of Tensor that no case differentiates"
    functions = set(functions_that_return_tensors()) - FUNCTIONS_WITHOUT_GRADIENTS
    assert functions - seen == set(), "functions that no case differentiates"
    classes = classes_with_forward() - ABSTRACT - WITHOUT_GRADIENTS_BY_PURPOSE - STRAIGHT_THROUGH
    assert classes - seen == set(), "classes whose forward no case differentiates"
    assert {cls.__name__ for cls in classes} - CASES.keys() == set(), "classes without a case of their own"


ARGUMENTS = [(), (1,), (0, 1), (2.0,), (np.ones((2, 2)),), ((4,),), (2, 2), (np.array([[True, False]] * 2), 0.5)]


@pytest.mark.parametrize("name", sorted(set(vars(Tensor)) - {"detach", "data", "__dict__", "__doc__", "__getattr__"}))
def test_what_a_tensor_returns_is_recorded_or_an_error(name):
    """No method or property of a tensor that requires a gradient hands out numbers without a way back."""
    for arguments in ARGUMENTS:
        x = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), True)
        try:
            result = getattr(x, name)
            result = result(*arguments) if callable(result) else result
        except (TypeError, ValueError, IndexError, RuntimeError):
            continue
        if isinstance(result, Tensor) and result.dtype.kind == "f":
            assert result.requires_grad and (result is x or result._grad_fn is not None), arguments
        assert not isinstance(result, np.ndarray), f"{name}{arguments} hands out an array"


def test_what_has_no_gradient_by_purpose_refuses_to_lose_one():
    observer = quantization.RangeObserver()
    observer.observe(np.ones((1, 2)))
    quantized = quantization.QuantizedLinear.from_linear(Linear(2, 2), observer)
    with pytest.raises(RuntimeError, match="gradient"):
        quantized(Tensor([[1.0, 2.0]], True))
    with pytest.raises(RuntimeError, match="gradient"):
        memoization.SideBySide([Linear(2, 2)]).parts[0](Tensor([[1.0, 2.0]], True))
    model = transformers.GPT(3, 2, 1, 1, 4)
    memoization.enable_kv_cache(model.eval())
    with pytest.raises(RuntimeError, match="gradient"):
        model([[1, 2]])
