"""Parameters, FLOPs and bytes of every layer equal hand counts; times come from whatever clock is given."""

import dataclasses
import importlib
import subprocess
import sys

import numpy as np
import pytest

import tinytorch
from tinytorch import Tensor
from tinytorch.core import autograd
from tinytorch.core.activations import GELU, ReLU, Sigmoid, Softmax, Tanh
from tinytorch.core.attention import MultiHeadAttention, create_causal_mask
from tinytorch.core.autograd import Function, enable_autograd, is_grad_enabled, no_grad
from tinytorch.core.embeddings import Embedding, EmbeddingLayer
from tinytorch.core.layers import Dropout, Layer, Linear, Parameter, Sequential
from tinytorch.core.losses import (
    BCEWithLogitsLoss,
    BinaryCrossEntropyLoss,
    CrossEntropyLoss,
    LogSoftmax,
    MSELoss,
    log_softmax,
)
from tinytorch.core.optimizers import SGD, Adam
from tinytorch.core.spatial import AvgPool2d, BatchNorm2d, Conv2d, Flatten, MaxPool2d
from tinytorch.core.training import checkpoint
from tinytorch.core.transformers import GPT, MLP, LayerNorm, TransformerBlock
from tinytorch.perf import profiling as module
from tinytorch.perf.acceleration import fused_gelu, vectorized_matmul
from tinytorch.perf.lowbit import FakeQuantize
from tinytorch.perf.profiling import (
    HandClock,
    Latency,
    MemoryReport,
    Profile,
    Profiler,
    Row,
    Trace,
    arrays_in,
    as_inputs,
    bytes_moved,
    bytes_of,
    calls_for_clock,
    check_amounts,
    check_count,
    check_positive,
    count_flops,
    count_parameters,
    graph_bytes,
    in_use,
    measure_latency,
    measure_memory,
    median_interval,
    memory_of,
    merge_rows,
    optimizer_bytes,
    peak_memory,
    profile_forward,
    profile_layer,
    profile_training_step,
    readable_bytes,
    readable_seconds,
    seconds_per_call,
)

enable_autograd()


class Clock:
    """A clock that moves only when it is told to, or by `step` at every look."""

    def __init__(self, step=0.0):
        self.now, self.step, self.looks = 100.0, step, 0

    def __call__(self):
        self.looks += 1
        self.now += self.step
        return self.now

    def work(self, seconds):
        self.now += seconds


def ones(*shape):
    return Tensor(np.ones(shape, np.float32))


def test_results_are_not_changed_afterwards():
    results = [
        value
        for value in vars(module).values()
        if dataclasses.is_dataclass(value) and value.__module__.startswith(module.__name__)
    ]
    assert results and all(value.__dataclass_params__.frozen for value in results if value is not Row)


# Parameters

B, T, D, V, H = 2, 5, 8, 11, 2

PARAMETERS = {
    "Linear": (Linear(7, 3), 7 * 3 + 3),
    "Linear without bias": (Linear(7, 3, bias=False), 21),
    "Conv2d": (Conv2d(3, 4, 5), 4 * 3 * 25 + 4),
    "BatchNorm2d": (BatchNorm2d(6), 12),
    "Embedding": (Embedding(V, D), V * D),
    "LayerNorm": (LayerNorm(D), 2 * D),
    "MultiHeadAttention": (MultiHeadAttention(D, H), 4 * (D * D + D)),
    "MLP": (MLP(D), 2 * 4 * D * D + 4 * D + D),
    "TransformerBlock": (TransformerBlock(D, H), 12 * D * D + 13 * D),
    "GPT": (GPT(V, D, 2, H, 16), 2 * (12 * D * D + 13 * D) + 2 * D + V * D + 16 * D + D * V),
    "GPT with a tied head": (GPT(V, D, 2, H, 16, tie_weights=True), 2 * (12 * D * D + 13 * D) + 2 * D + V * D + 16 * D),
    "nothing to learn": (Sequential(ReLU(), Dropout(0.5)), 0),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name):
    model, expected = PARAMETERS[name]
    assert count_parameters(model) == expected
    assert count_parameters(model) == sum(
        array.size for key, array in model.state_dict().items() if "running" not in key
    )


def test_a_parameter_used_twice_counts_once():
    linear = Linear(3, 3)
    assert count_parameters(Sequential(linear, ReLU(), linear)) == 12
    with pytest.raises(TypeError, match="count_parameters: got ReLU; it needs a Layer"):
        count_parameters(ReLU())


# FLOPs, by hand

N_ATTENTION = 4 * (2 * B * T * D * D + B * T * D)  # four projections with bias
N_ATTENTION += B * T * D  # scaling the queries
N_ATTENTION += 2 * B * H * T * T * (D // H)  # scores
N_ATTENTION += 5 * B * H * T * T  # softmax
N_ATTENTION += 2 * B * H * T * T * (D // H)  # weighted values
N_NORM = 7 * B * T * D + 5 * B * T
N_MLP = 2 * B * T * D * 4 * D + B * T * 4 * D + 9 * B * T * 4 * D + 2 * B * T * 4 * D * D + B * T * D
N_BLOCK = 2 * N_NORM + N_ATTENTION + N_MLP + 2 * B * T * D
N_GPT = B * T * D + 2 * N_BLOCK + N_NORM + 2 * B * T * D * V  # positions are added to tokens; head without bias

FLOPS = {
    "Linear": (Linear(7, 3), (5, 7), 2 * 5 * 7 * 3 + 5 * 3),
    "Linear without bias": (Linear(7, 3, bias=False), (5, 7), 2 * 5 * 7 * 3),
    "Linear on three axes": (Linear(7, 3), (2, 5, 7), 2 * 10 * 7 * 3 + 10 * 3),
    "ReLU": (ReLU(), (4, 5), 20),
    "Sigmoid": (Sigmoid(), (4, 5), 80),
    "Tanh": (Tanh(), (4, 5), 20),
    "GELU": (GELU(), (4, 5), 180),
    "Softmax": (Softmax(), (4, 5), 100),
    "LogSoftmax": (LogSoftmax(), (4, 5), 6 * 20 + 4),
    "LogSoftmax along the first axis": (LogSoftmax(0), (4, 5), 6 * 20 + 5),
    "Dropout in use": (Dropout(0.5).eval(), (4, 5), 0),
    "Dropout in training": (Dropout(0.5), (4, 5), 20),
    "Conv2d": (Conv2d(3, 4, 3, padding=1), (2, 3, 6, 7), 2 * (2 * 4 * 6 * 7) * 27 + 2 * 4 * 6 * 7),
    "Conv2d without bias, stride 2": (Conv2d(3, 4, 3, stride=2, bias=False), (2, 3, 7, 9), 2 * (2 * 4 * 3 * 4) * 27),
    "MaxPool2d": (MaxPool2d(2), (2, 3, 6, 8), 2 * 3 * 3 * 4 * 4),
    "AvgPool2d": (AvgPool2d(3), (2, 3, 6, 9), 2 * 3 * 2 * 3 * (9 + 1)),
    "MaxPool2d, stride 1": (MaxPool2d(2, stride=1), (2, 3, 6, 8), 2 * 3 * 5 * 7 * 4),
    "AvgPool2d, stride 1": (AvgPool2d(3, stride=1), (2, 3, 6, 9), 2 * 3 * 4 * 7 * (9 + 1)),
    "BatchNorm2d in use": (BatchNorm2d(3).eval(), (2, 3, 4, 5), 3 * 120 + 9),
    "BatchNorm2d in training": (BatchNorm2d(3), (2, 3, 4, 5), 7 * 120 + 15),
    "Flatten": (Flatten(), (2, 3, 4, 5), 0),
    "LayerNorm": (LayerNorm(D), (B, T, D), N_NORM),
    "MultiHeadAttention": (MultiHeadAttention(D, H), (B, T, D), N_ATTENTION),
    "MLP": (MLP(D), (B, T, D), N_MLP),
    "TransformerBlock": (TransformerBlock(D, H), (B, T, D), N_BLOCK),
    "Sequential": (Sequential(Linear(4, 8), ReLU(), Linear(8, 2)), (3, 4), 3 * (2 * 32 + 8 + 8 + 2 * 16 + 2)),
    "nothing": (Sequential(), (3, 4), 0),
    "an empty batch": (Linear(7, 3), (0, 7), 0),
}


@pytest.mark.parametrize("name", FLOPS)
def test_flops(name):
    layer, shape, expected = FLOPS[name]
    assert count_flops(layer, shape) == expected


IDS = np.arange(B * T).reshape(B, T) % V


@pytest.mark.parametrize("tied", [False, True])
def test_flops_of_gpt(tied):
    assert count_flops(GPT(V, D, 2, H, 16, tie_weights=tied), IDS) == N_GPT


def test_flops_of_lookups_are_the_additions_after_them():
    assert count_flops(Embedding(V, D), IDS) == 0
    assert count_flops(EmbeddingLayer(V, D, 16), IDS) == B * T * D


def test_a_mask_costs_no_arithmetic():
    layer = MultiHeadAttention(D, H)
    x = ones(B, T, D)
    assert count_flops(lambda x: layer(x, create_causal_mask(T)), x) == count_flops(layer, x) == N_ATTENTION


def test_flops_of_losses():
    logits, labels = ones(4, 3), Tensor(np.array([0, 1, 2, 0]))
    assert count_flops(CrossEntropyLoss(), (logits, labels)) == 4 * 12 + 4 * 4 + 1
    assert count_flops(MSELoss(), (logits, logits)) == 3 * 12 + 1
    half = Tensor(np.full((4, 3), 0.5))
    assert count_flops(BinaryCrossEntropyLoss(), (half, half)) == 10 * 12 + 1
    assert count_flops(BCEWithLogitsLoss(), (logits, half)) == 9 * 12 + 1


OPERATIONS = {
    "add": (lambda x: x + x, 12),
    "add a row": (lambda x: x + ones(4), 12),
    "subtract": (lambda x: 1 - x, 12),
    "multiply": (lambda x: 2 * x, 12),
    "divide": (lambda x: x / 3, 12),
    "power": (lambda x: x**2, 12),
    "negate": (lambda x: -x, 12),
    "compare": (lambda x: x > 0, 12),
    "outer": (lambda x: ones(5, 1) * ones(1, 7), 35),
    "matrix": (lambda x: x @ ones(4, 5), 2 * 3 * 4 * 5),
    "vector": (lambda x: x @ ones(4), 2 * 3 * 4),
    "stack": (lambda x: ones(6, 2, 3) @ x, 6 * 2 * 2 * 3 * 4),
    "a list on the left": (lambda x: [[1.0, 2.0, 3.0]] @ x, 24),
    "sum": (lambda x: x.sum(), 12),
    "sum of rows": (lambda x: x.sum(axis=1), 12),
    "mean": (lambda x: x.mean(), 13),
    "mean of rows": (lambda x: x.mean(axis=1), 15),
    "max": (lambda x: x.max(axis=0), 12),
    "reshape": (lambda x: x.reshape(4, 3), 0),
    "transpose": (lambda x: x.transpose(), 0),
    "T": (lambda x: x.T, 0),
    "permute": (lambda x: x.permute(1, 0), 0),
    "contiguous": (lambda x: x.T.contiguous(), 0),
    "index": (lambda x: x[1:], 0),
    "fill": (lambda x: x.masked_fill(x.data > 0, 0.0), 0),
    "two": (lambda x: (x + 1) * 2, 24),
    "log_softmax": (lambda x: log_softmax(x), 6 * 12 + 3),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_flops_of_operations(name):
    function, expected = OPERATIONS[name]
    assert count_flops(function, ones(3, 4)) == expected


def test_nothing_is_left_watched_after_a_count_or_an_error():
    places = [
        (Layer, "__call__"),
        (ReLU, "forward"),
        (Tensor, "matmul"),
        (Function, "apply"),
        (autograd.tensor_module, "combine"),
    ]
    before = [vars(owner)[name] for owner, name in places]
    count_flops(Sequential(Linear(3, 3), ReLU()), (2, 3))
    with pytest.raises(ValueError, match="Linear: x has shape"):
        count_flops(Linear(3, 3), (2, 4))
    assert [vars(owner)[name] for owner, name in places] == before
    assert is_grad_enabled()


class Cube(Function):
    def forward(self, x):
        return Tensor(x.data**3)

    def backward(self, grad_output, x):
        return grad_output * 3 * x.data**2


def test_an_operation_without_a_rule_stops_the_count(monkeypatch):
    with pytest.raises(ValueError, match=r"no rule for the operation Cube; add one .*OPERATION_FLOPS\['Cube'\]"):
        count_flops(lambda x: Cube.apply(x), ones(2, 3))
    monkeypatch.setitem(module.OPERATION_FLOPS, "Cube", module.per_output(2))
    assert count_flops(lambda x: Cube.apply(x), ones(2, 3)) == 12


def test_a_rule_of_none_counts_what_runs_inside(monkeypatch):
    class Outer(Function):
        def forward(self, x):
            return Cube.apply(x) + x * 2

    monkeypatch.setitem(module.OPERATION_FLOPS, "Cube", module.per_output(2))
    monkeypatch.setitem(module.OPERATION_FLOPS, "Outer", None)
    assert count_flops(lambda x: Outer.apply(x), ones(2, 3)) == 12 + 6 + 6
    monkeypatch.setitem(module.OPERATION_FLOPS, "Outer", module.per_output(1))
    assert count_flops(lambda x: Outer.apply(x), ones(2, 3)) == 6


def test_a_checkpoint_counts_what_it_holds():
    block = Sequential(Linear(4, 4), ReLU())
    x = Tensor(np.ones((2, 4)), requires_grad=True)
    trace = Trace(block)
    result = trace.run(lambda x: checkpoint(block, x), x)
    assert trace.total("flops") == 2 * (32 + 4 + 4) and graph_bytes(result) < graph_bytes(block(x))


def test_the_kernels_of_chapter_17():
    assert count_flops(lambda a: vectorized_matmul(a, ones(4, 5)), ones(3, 4)) == 2 * 3 * 4 * 5
    assert count_flops(fused_gelu, ones(3, 4)) == 8 * 12


def test_the_rounding_of_chapter_15():
    assert count_flops(lambda x: FakeQuantize.apply(x, np.ones((1, 4), np.float32), 7), ones(3, 4)) == 5 * 12


def test_every_function_of_the_library_has_a_rule():
    for place in tinytorch.PLACES:
        importlib.import_module(f"tinytorch.{place}")
    registered = {function for _, _, function in autograd.GRADIENTS}
    waiting, found = [Function], set()
    while waiting:
        for function in waiting.pop().__subclasses__():
            waiting.append(function)
            if function.__module__.startswith("tinytorch.") and vars(function).get("forward"):
                found.add(function.__name__)
    assert found and found <= set(module.OPERATION_FLOPS)
    names = {
        name if not isinstance(owner, type) else f"{owner.__name__}.{name}" for owner, name, _ in autograd.GRADIENTS
    }
    assert registered and names <= set(module.OPERATION_FLOPS)


def test_examples_may_be_arrays_tuples_and_shapes():
    for example in (
        ones(2, 3),
        np.ones((2, 3), np.float32),
        (2, 3),
        [2, 3],
        (ones(2, 3),),
        [np.ones((2, 3))],
        (np.int64(2), 3),
    ):
        assert count_flops(Linear(3, 1), example) == 14
    given = ones(3)
    first, second = as_inputs("x", (np.ones(2), given))
    assert isinstance(first, Tensor) and first.shape == (2,) and second is given
    assert as_inputs("x", (4,))[0].data.dtype == np.float32
    assert as_inputs("x", (2, 3))[0].data.sum() == 0
    for bad in (None, (), "text", 3, (2.5, 3), (True, 2), (ones(2), 3)):
        with pytest.raises(
            TypeError, match=r"count_flops: example is .*; pass a Tensor, a tuple of Tensors, or a shape"
        ):
            count_flops(Linear(3, 1), bad)


# Bytes


def test_bytes_moved_are_inputs_and_result():
    x, y = ones(3, 4), ones(4)
    assert bytes_moved((np.add, x, y), x + y) == 48 + 16 + 48
    assert bytes_moved((x, ones(4, 5)), x @ ones(4, 5)) == 48 + 80 + 60
    assert bytes_moved((x, 2), x.reshape(4, 3)) == 0
    assert bytes_moved((x,), x) == 0
    assert bytes_moved((x,), x[[0, 1]], reads_all=False) == 2 * 32
    assert bytes_moved((x,), (x + 1, x + 2)) == 48 * 3


def test_bytes_of_a_forward_pass():
    assert profile_layer(Linear(4, 8), (2, 4), repeats=1).bytes == (32 + 128 + 64) + (64 + 32 + 64)
    assert profile_layer(Linear(4, 8, bias=False), (2, 4), repeats=1).bytes == 32 + 128 + 64
    assert profile_layer(ReLU(), (2, 4), repeats=1).bytes == 64
    assert profile_layer(Embedding(1000, 4), np.zeros((3, 2), np.int64), repeats=1).bytes == 2 * 6 * 4 * 4
    assert profile_layer(lambda x: x[[0, 1]], (100, 4), repeats=1).bytes == 2 * 2 * 4 * 4
    assert profile_layer(Flatten(), (2, 3, 4), repeats=1).bytes == 0


def test_arrays_are_found_in_containers_and_memory_counts_once():
    a, b = np.zeros(3, np.float32), Tensor([1, 2])
    assert [array.size for array in arrays_in({"x": (a, [b]), "y": 3, "z": None})] == [3, 2]
    assert memory_of(a[1:].reshape(1, 2)) is a and memory_of(a) is a
    assert bytes_of([a, a[1:], b]) == 12 + 8 and bytes_of([]) == 0


# The memory of a training step


def test_the_graph_holds_each_memory_once_and_no_parameters():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    assert graph_bytes(x) == 0  # a leaf, nothing was recorded
    assert graph_bytes(x + x) == 24 + 24
    assert graph_bytes(x.T.reshape(6)) == 24 + 24  # the transpose is a view, its reshape a copy
    assert graph_bytes(x.reshape(6).reshape(3, 2)) == 24
    weight = Parameter(np.ones((3, 4)))
    assert graph_bytes(x @ weight) == 24 + 32
    assert graph_bytes(x @ weight.transpose(0, 1).transpose(0, 1)) == 24 + 32
    with no_grad():
        assert graph_bytes(x @ weight) == 0


def test_memory_of_a_step_by_hand():
    model = Sequential(Linear(4, 8), ReLU(), Linear(8, 2))
    report = measure_memory(model, (16, 4))
    assert report.parameters == report.gradients == 4 * (4 * 8 + 8 + 8 * 2 + 2)
    # The input; products, sums and ReLU of 8; products and sums of 2.
    assert report.activations == 4 * 16 * (4 + 8 + 8 + 8 + 2 + 2)
    assert report.buffers == report.optimizer == 0
    assert report.total == 2 * report.parameters + report.activations
    assert report.peak > report.activations - 4 * 16 * 4


def test_convolution_keeps_no_columns_and_normalization_two_of_its_kind():
    assert measure_memory(Conv2d(3, 4, 3, padding=1), (2, 3, 8, 8)).activations == 4 * 2 * 64 * (3 + 4)
    norm = measure_memory(BatchNorm2d(3), (2, 3, 4, 4))
    assert norm.buffers == 24 and norm.activations == 4 * 2 * 3 * 16 * 2 + 2 * 12  # and the batch's mean and variance


def test_memory_of_the_optimizer():
    model = Linear(3, 2)
    size = 4 * 8
    assert (
        measure_memory(model, (1, 3), Adam(model.parameters())).optimizer == 2 * size + 4 * 6
    )  # and one scratch array
    assert optimizer_bytes(SGD(model.parameters(), lr=0.1)) == 4 * 6
    assert optimizer_bytes(SGD(model.parameters(), lr=0.1, momentum=0.9)) == size + 4 * 6
    assert optimizer_bytes(None) == 0


def test_measuring_memory_leaves_the_model_as_it_was():
    model = Sequential(Conv2d(1, 2, 3), BatchNorm2d(2))
    before = model.state_dict()
    model[0].weight.grad = np.ones(model[0].weight.shape, np.float32)
    report = measure_memory(model, np.random.default_rng(0).standard_normal((2, 1, 5, 5)).astype(np.float32))
    assert report.gradients == report.parameters
    assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())
    assert model[0].weight.grad.sum() == model[0].weight.size and model[0].bias.grad is None
    waiting = Linear(2, 2)
    waiting.weight.grad = np.ones((2, 2), np.float32)
    measure_memory(waiting, np.ones((3, 2), np.float32))
    assert waiting.weight.grad.tolist() == [[1, 1], [1, 1]]  # the same array, and nothing was added to it
    frozen = Linear(2, 2)
    for parameter in frozen.parameters():
        parameter.requires_grad = False
    report = measure_memory(frozen, (1, 2))
    assert (report.gradients, report.activations, report.parameters) == (0, 0, 24)
    with pytest.raises(TypeError, match="it needs a Layer"):
        measure_memory(ReLU(), (1, 2))


@pytest.mark.processes
def test_memory_of_a_step_needs_gradients():
    code = """
from tinytorch import Linear
from tinytorch.perf.profiling import count_flops, measure_memory
print(count_flops(Linear(3, 2), (1, 3)))
try:
    measure_memory(Linear(3, 2), (1, 3))
except RuntimeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == [
        "14",
        "measure_memory: nothing is recorded for backward; call enable_autograd() first, and leave no_grad()",
    ], done.stderr


def test_the_report_in_words():
    text = str(MemoryReport(1000, 2000, 3000, 4000, 5000, 9))
    assert text == "parameters 1 kB, buffers 2 kB, gradients 3 kB, optimizer 4 kB, activations 5 kB; together 15 kB"


def test_the_peak_is_what_was_there_at_one_moment():
    import tracemalloc

    with peak_memory() as measured:
        for _ in range(3):
            np.ones(200_000, np.uint8)
    assert 200_000 <= measured["peak"] < 390_000 and not tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        np.ones(2_000_000, np.uint8)  # an earlier peak, which is not this block's
        held = np.ones(500_000, np.uint8)
        with peak_memory() as measured:
            np.ones(100_000, np.uint8)
        assert 100_000 <= measured["peak"] < 200_000 and held.size and tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


# Time, on a clock of our own


def test_a_sample_is_divided_by_its_calls():
    clock = Clock()
    assert seconds_per_call(lambda: clock.work(0.5), 4, clock) == 0.5 and clock.looks == 2


def test_calls_are_doubled_until_the_clock_is_fine_enough():
    clock = Clock()
    assert calls_for_clock(lambda: clock.work(0.002), clock) == 1
    assert calls_for_clock(lambda: clock.work(2.0**-10), clock) == 2
    assert calls_for_clock(lambda: clock.work(0.0001), clock) == 16
    assert calls_for_clock(lambda: clock.work(0.25), clock, at_least=0.5) == 2
    assert calls_for_clock(lambda: clock.work(0.25), clock, at_least=0.25) == 1


def test_a_clock_that_stands_still_is_not_waited_for(monkeypatch):
    tried = []
    monkeypatch.setattr(
        "tinytorch.perf.profiling.latency.seconds_per_call", lambda function, calls, clock: tried.append(calls) or 0.0
    )
    with pytest.raises(
        ValueError, match=r"calls_for_clock: 1048576 calls did not last 0\.001 s by this clock; it stands"
    ):
        calls_for_clock(lambda: None, Clock())
    assert tried == [2**power for power in range(21)]


def test_latency_has_warmup_repeats_median_and_spread():
    clock, calls = Clock(), []
    durations = iter([9.0, 9.0, 9.0, 1.0, 2.0, 3.0, 4.0, 50.0])  # two of warm-up, one for the clock, five samples

    def work():
        calls.append(1)
        clock.work(next(durations))

    latency = measure_latency(work, warmup=2, repeats=5, clock=clock)
    assert latency == Latency((1.0, 2.0, 3.0, 4.0, 50.0), 1) and len(calls) == 8
    assert (latency.median, latency.spread) == (3.0, 2.0)
    assert (
        latency.percentile(0) == 1.0
        and latency.percentile(100) == 50.0
        and latency.percentile(10) == pytest.approx(1.4)
    )
    assert str(latency) == "median 3 s, p10 1.4 s, p90 31.6 s, 5 samples of 1 calls"
    clock = Clock()
    assert measure_latency(lambda: clock.work(0.0004), clock=clock).calls == 4
    assert len(measure_latency(lambda: clock.work(1.0), clock=clock).samples) == 20


def test_the_median_lies_between_the_ends_of_its_interval_as_often_as_promised():
    assert median_interval((7, 1, 2, 3, 4, 5, 6, 8, 90)) == (2, 8)
    assert [median_interval(range(n)) for n in (6, 8, 9, 11, 12, 20, 100)] == [
        (0, 5), (0, 7), (1, 7), (1, 9), (2, 9), (5, 14), (39, 60),
    ]  # fmt: skip
    assert median_interval(range(9), 0.5) == (2, 6) and median_interval((4.0, 1.0, 3.0, 2.0), 0.875) == (1.0, 4.0)
    for few in ((), (1,), range(5)):
        with pytest.raises(ValueError, match=f"median_interval: {len(few)} samples are too few"):
            median_interval(few)
    rng = np.random.default_rng(0)
    ends = [median_interval(rng.exponential(size=11).tolist()) for _ in range(2000)]
    inside = np.mean([low <= np.log(2) <= high for low, high in ends])
    assert 0.98 < inside < 0.996  # exactly: 1 - 2 * (1 + 11) / 2**11 = 0.988
    assert Latency(tuple(map(float, range(6))), 1).interval == (0.0, 5.0)


def test_a_clock_moved_by_hand_is_not_waited_for():
    clock = HandClock(2)
    clock.work(1.5)
    assert clock() == clock() == 1.5
    with pytest.raises(RuntimeError, match="HandClock: it was looked at too often"):
        clock()


def test_time_goes_from_the_caller_to_the_called_also_where_an_error_is_raised():
    clock = Clock()
    trace, outer, inner = Trace(None, clock), Row("a", "A"), Row("b", "B")

    def fails():
        clock.work(2.0)
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        trace.timed(outer, lambda: trace.timed(inner, fails))
    assert (outer.seconds, inner.seconds, trace.rows[None].seconds) == (0.0, 2.0, -2.0)
    assert len(trace.stack) == outer.calls == inner.calls == 1


def test_a_row_knows_who_called_it_first():
    profile = profile_forward(Sequential(Wrapped(3, 2), ReLU()), (1, 3))
    assert {row.name: row.inside for row in profile.rows} == {
        "(model)": "", "steps.0": "(model)", "steps.0.out": "steps.0", "steps.1": "(model)",
    }  # fmt: skip


def test_no_warmup_is_allowed_and_no_repeats_are_not():
    clock = Clock(1.0)
    assert len(measure_latency(lambda: None, warmup=0, repeats=1, clock=clock).samples) == 1
    with pytest.raises(ValueError, match="measure_latency: repeats is 0; it must be at least 1"):
        measure_latency(lambda: None, repeats=0, clock=clock)
    with pytest.raises(ValueError, match="measure_latency: warmup is -1; it must be at least 0"):
        measure_latency(lambda: None, warmup=-1, clock=clock)
    with pytest.raises(TypeError, match=r"measure_latency: repeats is 2.0; it must be an integer"):
        measure_latency(lambda: None, repeats=2.0, clock=clock)
    with pytest.raises(TypeError, match="measure_latency: got Tensor where a function"):
        measure_latency(ones(2), clock=clock)
    with pytest.raises(TypeError, match="is True"):
        check_count("x", "n", True)
    assert check_count("x", "n", np.int64(1)) == 1 and type(check_count("x", "n", np.int64(1))) is int


def test_units_that_read_well():
    assert [readable_seconds(t) for t in (0, 1, 59.94, 0.999, 0.001, 0.00099, 1e-6, 2.5e-7)] == [
        "0 us",
        "1 s",
        "59.9 s",
        "999 ms",
        "1 ms",
        "990 us",
        "1 us",
        "0.25 us",
    ]
    assert [readable_bytes(n) for n in (0, 999, 1000, 1_500_000, 2e9, -4000)] == [
        "0 B",
        "999 B",
        "1 kB",
        "1.5 MB",
        "2 GB",
        "-4 kB",
    ]


# Profiles


class Busy(Layer):
    """Works for some seconds of the test's clock, before and after the layers inside."""

    def __init__(self, clock, seconds, *inside):
        self.clock, self.seconds, self.inside = clock, seconds, list(inside)

    def forward(self, x):
        self.clock.work(self.seconds)
        for layer in self.inside:
            x = layer(x)
        return x + 1


def test_a_layer_s_time_is_its_own():
    clock = Clock()
    model = Busy(clock, 1.0, Busy(clock, 2.0, Busy(clock, 4.0)), Busy(clock, 8.0))
    profile = profile_forward(model, (2, 3), clock=clock)
    assert [(row.name, row.seconds, row.calls) for row in profile.rows] == [
        ("(model)", 1.0, 1),
        ("inside.0", 2.0, 1),
        ("inside.0.inside.0", 4.0, 1),
        ("inside.1", 8.0, 1),
    ]
    assert profile.seconds == 15.0 and profile.share(profile.rows[3]) == 8 / 15
    assert profile.slowest().name == "inside.1" and profile.repeats == 5
    assert [row.flops for row in profile.rows] == [6, 6, 6, 6] and profile.flops == 24
    assert (
        [row.bytes for row in profile.rows] == [48] * 4 and profile.bytes == 192 and profile.rows[0].intensity == 6 / 48
    )


def test_what_runs_outside_of_layers_has_a_row_of_its_own():
    clock = Clock()
    layer = Busy(clock, 2.0)

    def model(x):
        clock.work(0.5)
        return layer(x) * 3

    profile = profile_forward(model, (4,), clock=clock)
    assert [(row.name, row.kind, row.seconds, row.flops) for row in profile.rows] == [
        ("(outside)", "", 0.5, 4),
        ("Busy", "Busy", 2.0, 4),
    ]


def test_seconds_are_the_median_of_the_runs_after_warmup():
    clock = Clock()
    durations = iter([100.0, 3.0, 1.0, 7.0])

    def model(x):
        clock.work(next(durations))
        return x + 1

    assert profile_forward(model, (2,), warmup=1, repeats=3, clock=clock).rows[0].seconds == 3.0
    assert next(durations, None) is None
    with pytest.raises(ValueError, match="profile_forward: repeats is 0"):
        profile_forward(model, (2,), repeats=0)
    with pytest.raises(ValueError, match="profile_forward: warmup is -1"):
        profile_forward(model, (2,), warmup=-1)


def test_a_layer_called_twice_has_one_row_with_both():
    linear = Linear(3, 3)
    profile = profile_forward(Sequential(linear, linear), (2, 3))
    assert [(row.name, row.calls, row.flops, row.parameters) for row in profile.rows] == [
        ("(model)", 1, 0, 0),
        ("steps.0", 2, 2 * (36 + 6), 12),
    ]


def test_rows_of_a_transformer_add_up_to_its_flops_and_parameters():
    model = GPT(V, D, 2, H, 16)
    profile = profile_forward(model, IDS, repeats=1)
    assert profile.flops == N_GPT
    by_name = {row.name: row for row in profile.rows}
    assert by_name["blocks.1.mlp.up"].flops == 2 * B * T * D * 4 * D + B * T * 4 * D
    assert by_name["blocks.0"].flops == 2 * B * T * D and by_name["blocks.0"].kind == "TransformerBlock"
    assert by_name["blocks.0.mlp.act"].kind == "GELU"
    assert sum(row.parameters for row in profile.rows) == count_parameters(model)
    assert is_grad_enabled() and all(parameter.grad is None for parameter in model.parameters())


def test_profile_layer_is_one_row_for_everything_inside():
    clock = Clock()
    layer = Busy(clock, 1.0, Busy(clock, 2.0))
    row = profile_layer(layer, (2, 3), warmup=0, repeats=2, clock=clock)
    assert (row.name, row.kind, row.seconds, row.flops, row.bytes, row.calls) == ("(model)", "Busy", 3.0, 12, 96, 1)
    assert profile_layer(Linear(3, 2), (1, 3), repeats=1).parameters == 8
    assert profile_layer(ReLU(), (1, 3), repeats=1).parameters == 0


def test_how_often_a_model_runs_where_nothing_is_said():
    clock, runs = Clock(), []

    def model(x):
        runs.append(clock.work(1.0))
        return x + 1

    def count(measure, *arguments):
        runs.clear()
        measure(*arguments, clock=clock)
        return len(runs)

    assert count(profile_forward, model, (2,)) == 1 + 5  # warm-up, repeats
    assert count(profile_layer, model, (2,)) == 1 + 3 + 1 + 20  # counting, warm-up, the clock, repeats
    assert count(measure_latency, lambda: model(ones(2))) == 3 + 1 + 20
    learning = Linear(2, 2)
    optimizer = SGD(learning.parameters(), lr=0.1)
    assert count(profile_training_step, Sequential(learning, model), MSELoss(), optimizer, (3, 2), ones(3, 2)) == 1 + 5


def test_warmup_may_be_left_out():
    model, clock = Linear(2, 2), Clock(1.0)
    optimizer = SGD(model.parameters(), lr=0.1)
    assert profile_forward(model, (3, 2), warmup=0, repeats=1, clock=clock).seconds > 0
    assert (
        profile_training_step(model, MSELoss(), optimizer, (3, 2), ones(3, 2), warmup=0, repeats=1, clock=clock).seconds
        > 0
    )
    assert Profiler(warmup=0).warmup == 0


def test_layers_that_live_for_one_call_are_told_apart():
    def model(x):
        x = Sigmoid()(x)  # each is gone, and its place in memory free, when the next one is made
        x = ReLU()(x)
        return Tanh()(x)

    profile = profile_forward(model, (2,))
    assert [(row.kind, row.calls, row.flops) for row in profile.rows] == [
        ("Sigmoid", 1, 8),
        ("ReLU", 1, 2),
        ("Tanh", 1, 2),
    ]


def test_a_row_begins_at_zero():
    assert Row("x", "X") == Row("x", "X", "forward", 0, 0.0, 0, 0, 0)


def test_profiling_moves_no_statistics_and_no_draws():
    model = Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), Dropout(0.5, rng=1))
    x, profiler = Tensor(np.random.default_rng(0).normal(5.0, 1.0, (2, 1, 5, 5))), Profiler(repeats=2)
    optimizer = SGD(model.parameters(), lr=0.1)
    before, draws = model.state_dict(), model[2].rng.bit_generator.state
    for measure in (
        profiler.count_flops,
        profiler.measure_latency,
        profiler.profile_layer,
        profiler.profile_forward,
        profiler.measure_memory,
        lambda model, x: count_flops(lambda x: model(x), x),
        lambda model, x: profiler.profile_training_step(model, MSELoss(), optimizer, x, ones(2, 2, 3, 3)),
    ):
        measure(model, x)
        assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())
        assert model[2].rng.bit_generator.state == draws and model.training


def test_in_use_each_layer_gets_its_own_mode_back():
    model = Sequential(Dropout(0.5), Sequential(Dropout(0.5)).eval())
    with pytest.raises(ZeroDivisionError), in_use(model):
        assert not any(layer.training for layer in (model, *model.sublayers())) and not is_grad_enabled()
        1 / 0
    assert [layer.training for layer in (model, *model.sublayers())] == [True, True, False, False] and is_grad_enabled()
    with in_use(lambda x: model(x)):
        assert model.training


def test_memory_is_not_measured_where_nothing_is_recorded():
    with no_grad(), pytest.raises(RuntimeError, match="measure_memory: nothing is recorded for backward"):
        measure_memory(Linear(3, 2), (1, 3))


def test_rows_of_one_name_keep_their_own_times():
    clock = Clock()

    def model(x):
        return Busy(clock, 3.0)(Busy(clock, 1.0)(x))

    assert [row.seconds for row in profile_forward(model, (2,), repeats=3, clock=clock).rows] == [1.0, 3.0]


@pytest.mark.parametrize("value", ["fast", None, True, 1j])
def test_an_amount_is_a_number(value):
    for check in (check_amounts, check_positive):
        with pytest.raises(TypeError, match=f"roofline: flops is {value!r}; it must be a number"):
            check("roofline", {"flops": value})


def test_merging_leaves_out_rows_in_which_nothing_happened():
    runs = [[Row("a", "A"), Row("b", "B", flops=1), Row("c", "C", bytes=1), Row("d", "D", calls=1, seconds=-1.0)]]
    assert [(row.name, row.seconds) for row in merge_rows(runs)] == [("b", 0.0), ("c", 0.0), ("d", 0.0)]


def test_a_profile_as_a_table():
    rows = (
        Row("blocks.0.attention", "Linear", "forward", 1, 0.003, 2000, 500),
        Row("b", "ReLU", "backward", 1, 0.001, 0, 0),
    )
    lines = str(Profile(rows, 1)).split("\n")
    assert lines[0].split() == ["phase", "layer", "kind", "time", "share", "FLOPs", "bytes", "FLOP/byte"]
    assert lines[1].split() == ["forward", "blocks.0.attention", "Linear", "3", "ms", "75%", "2,000", "500", "B", "4.0"]
    assert lines[2].split() == ["backward", "b", "ReLU", "1", "ms", "25%", "0", "0", "B", "0.0"]
    assert lines[3].split() == ["together", "4", "ms", "100%", "2,000", "500", "B", "4.0"]
    assert len({len(line) for line in lines}) == 1
    assert Profile((), 1).share(rows[0]) == 0.0 and Row("x", "X", flops=3).intensity == 0.0


def test_a_training_step_has_three_phases_and_leaves_everything_as_it_was():
    model, clock = Sequential(Linear(4, 8), ReLU(), Wrapped(8, 2)), Clock(1.0)
    optimizer = Adam(model.parameters(), lr=0.1)
    x, labels = np.ones((6, 4), np.float32), Tensor(np.array([0, 1] * 3))
    model(Tensor(x)).sum().backward()
    grads = [parameter.grad for parameter in model.parameters()]
    before = model.state_dict()
    optimizer.step()
    model.load_state_dict(before)
    state = optimizer.state_dict()
    profile = profile_training_step(model, CrossEntropyLoss(), optimizer, x, labels, warmup=1, repeats=2, clock=clock)
    assert [row.phase for row in profile.rows if row.phase != "backward"] == ["forward"] * 6 + ["update"]
    names = {row.name: row for row in profile.rows if row.phase != "backward"}
    assert names["CrossEntropyLoss"].flops == 4 * 12 + 4 * 6 + 1 and names["(step)"].kind == "Adam"
    back = {row.name: row for row in profile.rows if row.phase == "backward"}
    assert {name: row.kind for name, row in back.items()} == {
        "CrossEntropyLoss": "CrossEntropyLoss", "steps.0": "Linear", "steps.1": "ReLU", "steps.2.out": "Linear", "(walk)": "",
    }  # fmt: skip
    assert back["steps.2.out"].inside == "steps.2" and back["CrossEntropyLoss"].inside == ""
    # Each look at the clock is a second: an operation backward takes 1 from look to look; a Linear has two of them.
    assert back["steps.0"].seconds == back["steps.0"].calls == 2 and back["steps.1"].seconds == 1
    assert back["(walk)"].seconds == 13 - 6 and names["(step)"].seconds == 1
    assert back["(walk)"].calls == names["(step)"].calls == 1
    assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())
    assert [parameter.grad for parameter in model.parameters()] == grads
    after = optimizer.state_dict()
    assert after["steps"] == state["steps"] and all(
        np.array_equal(a, b) for a, b in zip(after["m"], state["m"], strict=True)
    )


def test_a_training_step_is_a_real_one():
    model, seen = Linear(2, 2), []

    class Watched(SGD):
        def step(self):
            seen.append(self.params[0].grad.tolist())
            super().step()

    profile_training_step(
        model, MSELoss(), Watched(model.parameters(), lr=0.0), ones(3, 2), ones(3, 2), warmup=1, repeats=2
    )
    MSELoss()(model(ones(3, 2)), ones(3, 2)).backward()
    assert seen == [model.weight.grad.tolist()] * 3  # each step with its own gradient, not the sum of all so far


class Wrapped(Layer):
    """A layer with one inside, so that names have two parts."""

    def __init__(self, size, out):
        self.out = Linear(size, out)

    def forward(self, x):
        return self.out(x)


def test_a_training_step_that_fails_restores_too():
    model = Linear(4, 2)
    optimizer, before = SGD(model.parameters(), lr=0.1), model.state_dict()
    gradients = autograd.input_gradients
    with pytest.raises(ValueError, match="targets"):
        profile_training_step(model, CrossEntropyLoss(), optimizer, (3, 4), Tensor(np.array([0, 1, 9])))
    assert autograd.input_gradients is gradients
    assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())
    for counts in ({"repeats": 0}, {"warmup": -1}):
        with pytest.raises(ValueError, match=r"profile_training_step: (repeats is 0|warmup is -1)"):
            profile_training_step(model, CrossEntropyLoss(), optimizer, (3, 4), Tensor(np.array([0, 1, 0])), **counts)


def test_a_trace_adds_up():
    trace = Trace(None, Clock(1.0))
    trace.run(lambda x: x + x, ones(3))
    assert (
        trace.total("flops") == 3
        and trace.total("bytes") == 36
        and trace.total("seconds") == 1.0
        and trace.total("calls") == 0
    )


# Everything in one place


def test_the_profiler_uses_its_clock_and_its_counts():
    clock = Clock()
    profiler = Profiler(warmup=2, repeats=4, clock=clock)
    runs = []

    class Slow(Layer):
        def forward(self, x):
            runs.append(is_grad_enabled())
            clock.work(0.5)
            return x + 1

    latency = profiler.measure_latency(Slow(), (2, 3))
    assert latency.samples == (0.5,) * 4 and len(runs) == 2 + 1 + 4 and not any(runs)
    assert (
        profiler.profile_forward(Slow(), (2, 3)).seconds == 0.5
        and profiler.profile_forward(Slow(), (2, 3)).repeats == 4
    )
    assert profiler.profile_layer(Slow(), (2, 3)).seconds == 0.5
    model = Linear(3, 2)
    assert profiler.count_parameters(model) == 8 and profiler.count_flops(model, (1, 3)) == 14
    assert profiler.measure_memory(model, (1, 3), SGD(model.parameters(), lr=0.1)).optimizer == 24
    step = profiler.profile_training_step(model, MSELoss(), SGD(model.parameters(), lr=0.1), (2, 3), ones(2, 2))
    assert step.repeats == 4 and {row.phase for row in step.rows} == {"forward", "backward", "update"}
    default = Profiler()
    assert (default.warmup, default.repeats) == (3, 20)
    with pytest.raises(ValueError, match="Profiler: repeats is 0"):
        Profiler(repeats=0)
    with pytest.raises(ValueError, match="Profiler: warmup is -1"):
        Profiler(warmup=-1)


def test_memory_needs_one_tensor_to_go_back_from():
    class Two(Layer):
        def __init__(self):
            self.inner = Linear(3, 3)

        def forward(self, x):
            return self.inner(x), x

    model = Two()
    with pytest.raises(TypeError, match="measure_memory: the model returned tuple; backward starts from one Tensor"):
        measure_memory(model, (2, 3))


def test_a_layer_that_says_its_work_is_not_counted_twice():
    class Plain(Layer):
        def forward(self, x):
            if x.shape == (1,):
                raise ValueError("too short")
            return x * 2

        def work(self, output, x):
            return 7, 11

    trace = Trace(Plain())
    trace.run(Sequential(Plain(), ReLU()), ones(3))
    assert (trace.total("flops"), trace.total("bytes")) == (7 + 3, 11 + 24)
    with pytest.raises(ValueError, match="too short"):
        trace.run(Plain(), ones(1))
    assert not trace.busy and trace.total("flops") == 10


def test_a_measurement_can_have_its_own_counts():
    latency = Profiler().measure_latency(Linear(2, 2), np.ones((1, 2)), warmup=1, iterations=4)
    assert len(latency.samples) == 4 and len(Profiler(repeats=2).measure_latency(Linear(2, 2), (1, 2)).samples) == 2
