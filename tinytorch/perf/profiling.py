"""Profiling: where do the time, the arithmetic and the memory of a model go?

Built in chapter 14. Depends on `tensor`, `activations`, `layers`, `losses`, `autograd` and
`training`; the operations of later core chapters are known by their names.

From top to bottom: timing (`Latency`), counting FLOPs and bytes while a model really runs
(`OPERATION_FLOPS`, `Trace`), the memory of a training step (`measure_memory`), the table of all
that (`Profile`), and `Profiler`, which has it in one place. What the machine could do is in `roofline`.

FLOPs, everywhere in this package: one addition, subtraction, multiplication, division, comparison,
square root, exponential, logarithm, power or hyperbolic tangent of one element is 1. So a
multiply-add is 2, and a product (M, K) @ (K, N) is 2 * M * K * N. Moving data (reshape, lookups,
boolean masks, copies) is 0, and so are running statistics, which do not lead to the result. With
int8 the same operations count.

Bytes: every operation reads its inputs once from memory and writes its result once. A cache does
better between operations, a large matrix product without one worse.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinytorch.core import autograd
from tinytorch.core.activations import Activation
from tinytorch.core.autograd import Function, no_grad, topological_order
from tinytorch.core.layers import Layer, Parameter, children, walk
from tinytorch.core.losses import Loss
from tinytorch.core.tensor import Tensor, is_real, is_whole, read_numbers
from tinytorch.core.training import draws_again, within_reach

Clock = Callable[[], float]  # returns seconds, such as time.perf_counter


def check_count(name: str, argument: str, value: Any, least: int = 1) -> int:
    """Return `value` as an int, or raise when it is no count of at least `least`.

    Raises
    ------
    TypeError: not an integer. ValueError: too small ("measure_latency: repeats is 0; …").

    >>> check_count("measure_latency", "repeats", 3)
    3
    """
    if not is_whole(value):
        raise TypeError(f"{name}: {argument} is {value!r}; it must be an integer of at least {least}")
    if value < least:
        raise ValueError(f"{name}: {argument} is {value}; it must be at least {least}")
    return int(value)


def check_real(name: str, argument: str, value: Any) -> None:
    """Raise TypeError unless `value` is a real number."""
    if not is_real(value):
        raise TypeError(f"{name}: {argument} is {value!r}; it must be a number")


def check_amounts(name: str, amounts: dict[str, float]) -> None:
    """Raise ValueError unless every amount is a finite number of at least 0."""
    for argument, value in amounts.items():
        check_real(name, argument, value)
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: {argument} is {value}; it must be a finite number, 0 or larger")


def check_positive(name: str, amounts: dict[str, float]) -> None:
    """Raise ValueError unless every amount is a finite number above 0."""
    for argument, value in amounts.items():
        check_real(name, argument, value)
        if not 0 < value < math.inf:
            raise ValueError(f"{name}: {argument} is {value}; it must be a finite number above 0")


# Time.


def readable_seconds(seconds: float) -> str:
    """Return a time in the unit that reads best.

    >>> readable_seconds(0.00123), readable_seconds(4.5e-7), readable_seconds(12)
    ('1.23 ms', '0.45 us', '12 s')
    """
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):  # noqa: B007  (the unit is used below)
        if abs(seconds) * factor >= 1:
            break
    return f"{seconds * factor:.3g} {unit}"


def readable_bytes(count: float) -> str:
    """Return a number of bytes in the unit that reads best; 1 kB is 1000 bytes.

    >>> readable_bytes(512), readable_bytes(401408)
    ('512 B', '401 kB')
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(count) >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"


def seconds_per_call(function: Callable[[], Any], calls: int, clock: Clock) -> float:
    """Return how long one call takes: `calls` of them between two looks at the clock, divided.

    >>> ticks = iter([0.0, 6.0])
    >>> seconds_per_call(lambda: None, 3, lambda: next(ticks))
    2.0
    """
    start = clock()
    for _ in range(calls):
        function()
    return (clock() - start) / calls


def calls_for_clock(function: Callable[[], Any], clock: Clock, at_least: float = 0.001) -> int:
    """Return how many calls, a power of 2, one sample needs so that the clock's steps do not matter.

    A browser's clock moves in steps of 5 to 100 microseconds; a sample of `at_least` a millisecond is
    then off by a tenth at most.

    >>> ticks = iter([0.0, 0.0004, 1.0, 1.0008, 2.0, 2.0016])
    >>> calls_for_clock(lambda: None, lambda: next(ticks))
    4
    """
    calls = 1
    while calls < 2 ** 20 and seconds_per_call(function, calls, clock) * calls < at_least:
        calls *= 2
    return calls


@dataclass(frozen=True)
class Latency:
    """How long one call takes, by all samples.

    Times are skewed: something can slow a call down, nothing can make it faster than it is. So
    the middle is the median, and the spread is given by percentiles.

    >>> Latency((0.003, 0.001, 0.002), calls=1).median
    0.002
    """

    samples: tuple[float, ...]  # seconds a call
    calls: int  # calls in each sample

    @property
    def median(self) -> float:
        """Seconds that half of the samples stay below."""
        return self.percentile(50)

    @property
    def spread(self) -> float:
        """Interquartile range: seconds between the 25th and the 75th percentile."""
        return self.percentile(75) - self.percentile(25)

    def percentile(self, percent: float) -> float:
        """Return the seconds that `percent` percent of the samples stay below.

        >>> Latency(tuple(range(11)), calls=1).percentile(90)
        9.0
        """
        return float(np.percentile(self.samples, percent))

    def __str__(self) -> str:
        """Return one line.

        >>> print(Latency((0.003, 0.001, 0.002), calls=4))
        median 2 ms, p10 1.2 ms, p90 2.8 ms, 3 samples of 4 calls
        """
        median, p10, p90 = (readable_seconds(self.percentile(percent)) for percent in (50, 10, 90))
        return f"median {median}, p10 {p10}, p90 {p90}, {len(self.samples)} samples of {self.calls} calls"


def measure_latency(function: Callable[[], Any], warmup: int = 3, repeats: int = 20,
                    clock: Clock = time.perf_counter) -> Latency:
    """Return how long `function`, without arguments, takes, measured `repeats` times.

    `warmup` calls are not counted: the first ones fill caches and make what is made once.

    Raises
    ------
    TypeError: `function` cannot be called, or a count is no integer.
    ValueError: a negative warmup, or no repeats.

    >>> len(measure_latency(lambda: None, repeats=5).samples)
    5
    """
    if not callable(function):
        raise TypeError(f"measure_latency: got {type(function).__name__} where a function without "
                        "arguments is needed; wrap the call: lambda: model(x)")
    check_count("measure_latency", "warmup", warmup, least=0)
    check_count("measure_latency", "repeats", repeats)
    for _ in range(warmup):
        function()
    calls = calls_for_clock(function, clock)
    return Latency(tuple(seconds_per_call(function, calls, clock) for _ in range(repeats)), calls)


# FLOPs: a rule for each operation, from what went in (`args`) and what came out.

Rule = Callable[[tuple, Any], int]


def per_input(flops: int) -> Rule:
    """Return the rule "so many FLOPs for each element of the first Tensor".

    >>> per_input(4)((Tensor([1, 2, 3]),), None)
    12
    """
    return lambda args, output: flops * first_tensor(args).size


def per_output(flops: int) -> Rule:
    """Return the rule "so many FLOPs for each element of the result".

    >>> per_output(1)((), Tensor([1, 2, 3]))
    3
    """
    return lambda args, output: flops * output.size


def first_tensor(args: tuple) -> Tensor:
    """Return the first Tensor (or array) among an operation's arguments.

    >>> first_tensor((np.add, Tensor([1.0]), 2))
    Tensor([1.], shape=(1,))
    """
    return next(arg for arg in args if isinstance(arg, (Tensor, np.ndarray)))


def matmul_flops(args: tuple, output: Tensor) -> int:
    """2 for each term of each sum: every element of the result is a sum of K products.

    >>> a, b = Tensor(np.ones((2, 3))), Tensor(np.ones((3, 4)))
    >>> matmul_flops((a, b), a @ b)
    48
    """
    return 2 * output.size * args[0].shape[-1]


def mean_flops(args: tuple, output: Tensor) -> int:
    """1 addition for each element, 1 division for each result.

    >>> mean_flops((Tensor([[1, 2, 3], [4, 5, 6]]),), Tensor([2, 5]))
    8
    """
    return args[0].size + output.size


def softmax_flops(args: tuple, output: Tensor) -> int:
    """5 an element: largest, subtract, exponential, sum, divide.

    >>> softmax_flops((None, Tensor([1, 2, 3])), Tensor([1, 2, 3]))
    15
    """
    return 5 * output.size


def log_softmax_flops(args: tuple, output: Tensor) -> int:
    """6 an element (largest, subtract, exponential, sum, subtract twice) and 1 logarithm a row.

    >>> from tinytorch.core.losses import LogSoftmax
    >>> log_softmax_flops((LogSoftmax(-1), Tensor([[1, 2, 3]])), Tensor([[1, 2, 3]]))
    19
    """
    return 6 * output.size + output.size // output.shape[args[0].axis]


def cross_entropy_flops(args: tuple, output: Tensor) -> int:
    """The loss of N rows of C logits.

    4 a logit: largest, subtract, exponential, sum. 4 a row: logarithm, two subtractions and the
    sum of the mean. 1 division.

    >>> cross_entropy_flops((None, Tensor([[1, 2, 3]]), [0]), Tensor(0.4))
    17
    """
    logits = read_numbers(args[1])
    return 4 * logits.size + 4 * (logits.size // logits.shape[-1]) + 1


def loss_flops(each: int) -> Rule:
    """Return the rule of a loss that does `each` FLOPs an element, sums them and divides once.

    >>> loss_flops(2)((None, Tensor([1, 2, 3]), Tensor([0, 0, 0])), Tensor(1.0))
    10
    """
    return lambda args, output: (each + 1) * first_tensor(args).size + 1


def conv2d_flops(args: tuple, output: Tensor) -> int:
    """2 for each weight of a kernel (C * rows * columns of them) at each output pixel, 1 for the bias.

    >>> x, weight = Tensor(np.ones((1, 3, 4, 4))), Tensor(np.ones((8, 3, 3, 3)))
    >>> conv2d_flops((x, weight, None, 1, 0), Tensor(np.ones((1, 8, 2, 2))))
    1728
    """
    weight, bias = args[1], args[2]
    return output.size * (2 * math.prod(weight.shape[1:]) + (bias is not None))


def max_pool_flops(args: tuple, output: Tensor) -> int:
    """1 comparison for each pixel of each window.

    >>> max_pool_flops((None, (2, 2), (2, 2)), Tensor(np.ones((1, 1, 3, 3))))
    36
    """
    return output.size * math.prod(args[1])


def average_pool_flops(args: tuple, output: Tensor) -> int:
    """1 addition for each pixel of each window, and 1 division for the window.

    >>> average_pool_flops((None, (2, 2), (2, 2)), Tensor(np.ones((1, 1, 3, 3))))
    45
    """
    return output.size * (math.prod(args[1]) + 1)


def batch_norm_flops(args: tuple, output: Tensor) -> int:
    """Batch normalization of C channels: 3 an element and 3 a channel, in training 4 and 2 more.

    An element: subtract the mean, scale, shift; in training also the sum for the mean, subtract,
    square, and the sum for the variance. A channel: plus eps, square root, weight / deviation; in
    training also the divisions of mean and variance.

    >>> x = Tensor(np.ones((2, 3, 4, 4)))
    >>> [batch_norm_flops((x, None, None, None, None, 1e-5, training), x) for training in (False, True)]
    [297, 687]
    """
    channels, from_batch = args[0].shape[1], args[6]
    return (7 * output.size + 5 * channels) if from_batch else (3 * output.size + 3 * channels)


def attention_weights_flops(args: tuple, output: Tensor) -> int:
    """Queries (…, Tq, D) and keys (…, Tk, D): scale the queries, multiply, softmax.

    1 for each element of the queries, 2 * D for each of the (…, Tq, Tk) scores, and 5 for its softmax.

    >>> Q, K = Tensor(np.ones((2, 4))), Tensor(np.ones((3, 4)))
    >>> attention_weights_flops((Q, K), Tensor(np.ones((2, 3))))
    86
    """
    queries = args[0]
    return queries.size + 2 * output.size * queries.shape[-1] + 5 * output.size


def normalize_flops(args: tuple, output: Tensor) -> int:
    """Layer normalization of rows of D: 7 an element and 5 a row.

    An element: sum for the mean, subtract, square, sum for the variance, times 1 / deviation,
    times weight, plus bias. A row: two divisions by D, plus eps, square root, 1 / deviation.

    >>> normalize_flops((Tensor(np.ones((2, 4))),), Tensor(np.ones((2, 4))))
    66
    """
    return 7 * output.size + 5 * (output.size // max(output.shape[-1], 1))


def free(args: tuple, output: Any) -> int:
    """Moving data computes nothing."""
    return 0


# An operation is named like its Function, or, in chapters 01–04, like the class and method. None says: count
# what runs inside it instead. An operation that is not here stops the count, rather than being counted as 0.
OPERATION_FLOPS: dict[str, Rule | None] = {
    "combine": per_output(1),
    "Tensor.matmul": matmul_flops,
    "Tensor.sum": per_input(1),
    "Tensor.mean": mean_flops,
    "Tensor.max": per_input(1),
    "Tensor.reshape": free,
    "Tensor.transpose": free,
    "Tensor.permute": free,
    "Tensor.T": free,
    "Tensor.contiguous": free,
    "Tensor.masked_fill": free,
    "Tensor.__getitem__": free,
    "ReLU.forward": per_output(1),
    "Sigmoid.forward": per_output(4),  # negate, exponential, add 1, divide
    "Tanh.forward": per_output(1),
    "GELU.forward": per_output(9),  # 5 products, 2 additions, tanh, half
    "Softmax.forward": softmax_flops,
    "LogSoftmax.forward": log_softmax_flops,
    "MSELoss.forward": loss_flops(2),  # subtract, square
    "CrossEntropyLoss.forward": cross_entropy_flops,
    "BinaryCrossEntropyLoss.forward": loss_flops(9),  # 2 logarithms, 2 limits, -p, t - 1, 2 products, -
    "BCEWithLogitsLoss.forward": loss_flops(8),  # |x|, negate, exp, logarithm, max, add, product, subtract
    "Conv2dFunction": conv2d_flops,
    "MaxPool2dFunction": max_pool_flops,
    "AvgPool2dFunction": average_pool_flops,
    "BatchNorm2dFunction": batch_norm_flops,
    "EmbeddingFunction": free,
    "AttentionWeights": attention_weights_flops,
    "Normalize": normalize_flops,
    "Checkpoint": None,
    "MatmulFunction": matmul_flops,
    "FusedGELU": per_output(8),  # its constants are multiplied beforehand
}


def rule_of(name: str) -> Rule | None:
    """Return the FLOP rule of an operation.

    Raises
    ------
    ValueError: there is none ("count_flops: no rule for the operation …").

    >>> rule_of("Tensor.matmul") is matmul_flops
    True
    """
    if name not in OPERATION_FLOPS:
        raise ValueError(f"count_flops: no rule for the operation {name}; add one that takes its "
                         f"arguments and its result: OPERATION_FLOPS[{name!r}] = lambda args, output: …")
    return OPERATION_FLOPS[name]


# Bytes.


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """Yield every array in `value`: an array, a Tensor, or lists, tuples and dicts of them.

    >>> [array.size for array in arrays_in([Tensor([1, 2]), {"mask": np.ones(3)}, "text"])]
    [2, 3]
    """
    if isinstance(value, Tensor):
        yield value.data
    elif isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        yield from arrays_in(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays_in(item)


def memory_of(array: np.ndarray) -> np.ndarray:
    """Return the array that owns the memory `array` looks at.

    >>> whole = np.zeros((2, 3))
    >>> memory_of(whole.T[1:]) is whole
    True
    """
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def bytes_moved(args: tuple, output: Any, reads_all: bool = True) -> int:
    """Return the bytes that an operation reads and writes: inputs once, the result once.

    A result that is a view of an input moves nothing. A lookup (`reads_all` False) reads as many
    bytes of the table as it writes.

    >>> x = Tensor([[1, 2], [3, 4]])
    >>> bytes_moved((np.add, x, 1), x + 1), bytes_moved((x,), x.T)
    (32, 0)
    """
    inputs = list(arrays_in(args))
    results = list(arrays_in(output))
    if any(memory_of(result) is memory_of(array) for result in results for array in inputs):
        return 0
    written = sum(result.nbytes for result in results)
    if not reads_all:
        return 2 * written
    return written + sum(array.nbytes for array in inputs)


LOOKUPS = ("Tensor.__getitem__", "EmbeddingFunction")  # they read what they return, not all of the table


# Watching a model run.


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Put `value` in the place of an attribute for a while."""
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@dataclass
class Row:
    """One line of a profile: a layer (or a phase), and what it alone cost, without the layers inside it.

    Attributes
    ----------
    name : str, the path to the layer in the model; kind : str, its class
    phase : "forward", "backward" or "update"
    calls, flops, bytes, parameters : int
    seconds : float

    >>> Row("steps.0", "Linear", flops=200, bytes=50).intensity
    4.0
    """

    name: str
    kind: str
    phase: str = "forward"
    calls: int = 0
    seconds: float = 0.0
    flops: int = 0
    bytes: int = 0
    parameters: int = 0

    @property
    def intensity(self) -> float:
        """Arithmetic intensity: FLOPs for each byte moved; 0 where nothing is moved."""
        return self.flops / self.bytes if self.bytes else 0.0


class Trace:
    """Watches layers and operations while a model runs, and adds up what each layer costs.

    Layers are seen through their `__call__`, operations through the places autograd knows them by.
    What a layer does in plain NumPy is seen by nobody; such a layer has a method `work(output, *inputs)`
    that returns its FLOPs and bytes. What an operation does inside belongs to it. The whole process is
    watched, so only one thread may run models.

    Parameters
    ----------
    model : Layer, Activation or any function of Tensors

    Attributes
    ----------
    rows : dict from the id of a layer to its Row; the first one is for what runs outside of all layers
    """

    def __init__(self, model: Any, clock: Clock = time.perf_counter) -> None:
        inside = walk(model) if isinstance(model, Layer) else ()
        self.names = {id(found): name for name, found in inside}
        self.names[id(model)] = "(model)"
        self.clock = clock
        self.rows = {None: Row("(outside)", "")}
        self.stack = [self.rows[None]]
        self.busy = False  # inside an operation
        self.seen = [model]  # keeps the layers alive, so that no id is used twice

    def row_for(self, layer: Any) -> Row:
        """Return the layer's row, a new one where it is seen for the first time.

        >>> Trace(None).row_for(Layer()).kind
        'Layer'
        """
        if id(layer) not in self.rows:
            self.seen.append(layer)
            kind = type(layer).__name__
            own = children(layer) if isinstance(layer, Layer) else ()
            count = sum(found.size for name, found in own if isinstance(found, Parameter))
            self.rows[id(layer)] = Row(self.names.get(id(layer), kind), kind, parameters=count)
        return self.rows[id(layer)]

    def layer_call(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `Layer.__call__` with watching: its time goes to its row, and off the row of its caller."""
        @functools.wraps(call)
        def watched(layer: Any, *inputs: Any, **options: Any) -> Any:
            if self.busy:
                return call(layer, *inputs, **options)
            row, outer = self.row_for(layer), self.stack[-1]
            row.calls += 1
            self.stack.append(row)
            work = getattr(layer, "work", None)
            self.busy = callable(work)
            start = self.clock()
            try:
                output = call(layer, *inputs, **options)
            finally:
                elapsed = self.clock() - start
                self.busy = False
                self.stack.pop()
                row.seconds += elapsed
                outer.seconds -= elapsed
            if callable(work):
                flops, moved = work(output, *inputs)
                row.flops, row.bytes = row.flops + flops, row.bytes + moved
            return output
        return watched

    def operation(self, name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        """Return an operation with counting: its FLOPs and bytes go to the layer that runs it."""
        @functools.wraps(forward)
        def counted(*args: Any, **options: Any) -> Any:
            if self.busy:
                return forward(*args, **options)
            rule = rule_of(name)
            self.busy = rule is not None
            try:
                output = forward(*args, **options)
            finally:
                self.busy = False
            if rule is not None:
                self.stack[-1].flops += rule(args, output)
                self.stack[-1].bytes += bytes_moved(args, output, reads_all=name not in LOOKUPS)
            return output
        return counted

    def apply_watched(self) -> classmethod:
        """Return `Function.apply` with counting, under the name of each Function."""
        apply = Function.apply.__func__

        def watched(cls: type, *args: Any, **options: Any) -> Any:
            return self.operation(cls.__name__, functools.partial(apply, cls))(*args, **options)
        return classmethod(watched)

    def run(self, function: Callable[..., Any], *inputs: Any) -> Any:
        """Return `function(*inputs)`, watched.

        >>> trace = Trace(None)
        >>> result = trace.run(lambda x: x @ x, Tensor([[1, 2], [3, 4]]))
        >>> trace.total("flops")
        16
        """
        with ExitStack() as stack:
            for owner in (Layer, Activation, Loss):
                stack.enter_context(replaced(owner, "__call__", self.layer_call(owner.__call__)))
            for owner, name, _ in autograd.GRADIENTS:
                forward = vars(owner)[name]
                if not isinstance(forward, property):  # a property, such as T, is a view
                    key = f"{owner.__name__}.{name}" if isinstance(owner, type) else name
                    stack.enter_context(replaced(owner, name, self.operation(key, forward)))
            stack.enter_context(replaced(Function, "apply", self.apply_watched()))
            start = self.clock()
            result = function(*inputs)
            self.rows[None].seconds += self.clock() - start
        return result

    def total(self, what: str) -> Any:
        """Return the sum over all rows of "flops", "bytes", "seconds", "calls" or "parameters"."""
        return sum(getattr(row, what) for row in self.rows.values())


@contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Give a model its running statistics and the place in its random draws back after a `with` block.

    >>> from tinytorch.core.spatial import BatchNorm2d
    >>> norm = BatchNorm2d(1)
    >>> with unchanged(norm):
    ...     y = norm(Tensor([[[[2.0, 4.0]]]]))
    >>> norm.running_mean.tolist()
    [0.0]
    """
    with draws_again(model, [generator.bit_generator.state for generator in within_reach(model)[1]]):
        yield


@contextmanager
def in_use(model: Any) -> Iterator[None]:
    """Let a Layer run as it does in use: in eval mode, nothing recorded. Its layers get their modes back.

    Any other function runs as it is.

    >>> from tinytorch.core.layers import Dropout
    >>> layer = Dropout(0.5)
    >>> with in_use(layer):
    ...     layer.training
    False
    >>> layer.training
    True
    """
    layers = [model, *model.sublayers()] if isinstance(model, Layer) else []
    modes = [layer.training for layer in layers]
    for layer in layers:
        layer.training = False
    try:
        with no_grad():
            yield
    finally:
        for layer, mode in zip(layers, modes):
            layer.training = mode


def as_inputs(name: str, example: Any) -> tuple:
    """Return what a model is called with, as a tuple.

    `example` is a Tensor or ndarray; a tuple or list of them for several inputs; or a shape, a tuple
    of integers, for zeros. Else TypeError.

    >>> as_inputs("count_flops", (2, 3))[0].shape
    (2, 3)
    """
    if isinstance(example, (Tensor, np.ndarray)):
        example = (example,)
    if isinstance(example, (tuple, list)) and example:
        if all(is_whole(size) for size in example):
            return (Tensor(np.zeros(example, np.float32)),)
        if all(isinstance(part, (Tensor, np.ndarray)) for part in example):
            return tuple(part if isinstance(part, Tensor) else Tensor(part) for part in example)
    raise TypeError(f"{name}: example is {type(example).__name__}; pass a Tensor, a tuple of Tensors, or a "
                    "shape such as (32, 784)")


def count_parameters(model: Layer) -> int:
    """Return how many numbers a Layer learns (else TypeError). A parameter used twice counts once.

    >>> from tinytorch.core.layers import Linear
    >>> count_parameters(Linear(784, 128))
    100480
    """
    if not isinstance(model, Layer):
        raise TypeError(f"count_parameters: got {type(model).__name__}; it needs a Layer, which knows its "
                        "parameters")
    return sum(parameter.size for parameter in model.parameters())


def count_flops(model: Callable[..., Any], example: Any) -> int:
    """Return the FLOPs of one forward pass, counted while it runs.

    Parameters
    ----------
    model : Layer, activation, loss, or any function of Tensors
    example : what it is called with, or its shape; see `as_inputs`. A batch of 32 counts 32 times

    Raises
    ------
    TypeError: the example is none. ValueError: an operation has no rule in OPERATION_FLOPS.

    Cost: one forward pass, in the mode that the model is in; buffers and random draws are as before.

    >>> from tinytorch.core.layers import Linear
    >>> count_flops(Linear(784, 128), (1, 784))
    200832
    """
    trace = Trace(model)
    with no_grad(), unchanged(model):
        trace.run(model, *as_inputs("count_flops", example))
    return trace.total("flops")


# Memory.


def graph_bytes(result: Tensor) -> int:
    """Return the bytes of the arrays that the graph behind `result` holds: its activations.

    That is what cannot be freed before backward: the inputs, what each operation returned, and what
    it keeps for itself. Each memory counts once, however many views it has; parameters do not count.
    0 where nothing was recorded. Cost: a walk over the graph; no element is touched.

    >>> autograd.enable_autograd()
    >>> x = Tensor(np.ones((2, 3)), requires_grad=True)
    >>> graph_bytes((x * x).sum())
    52
    """
    start = getattr(result, "_grad_fn", None)
    held: dict[int, int] = {}
    learned = set()
    for node in [] if start is None else topological_order(start):
        learned |= {id(memory_of(arg.data)) for arg in node.args if isinstance(arg, Parameter)}
        for array in arrays_in(vars(node)):
            owner = memory_of(array)
            held[id(owner)] = owner.nbytes
    return sum(size for key, size in held.items() if key not in learned)


@dataclass(frozen=True)
class MemoryReport:
    """The bytes of one training step, by what they are for.

    Attributes
    ----------
    parameters, buffers, gradients, optimizer, activations : int, exact
    peak : int, the most that was allocated at one moment of forward and backward, beyond what was there
        before, such as parameters and optimizer

    >>> print(MemoryReport(400, 0, 400, 800, 1000, 1500))
    parameters 400 B, buffers 0 B, gradients 400 B, optimizer 800 B, activations 1 kB; together 2.6 kB
    """

    parameters: int
    buffers: int
    gradients: int
    optimizer: int
    activations: int
    peak: int

    @property
    def total(self) -> int:
        """Bytes of all five together: what a training step needs at least."""
        return self.parameters + self.buffers + self.gradients + self.optimizer + self.activations

    def __str__(self) -> str:
        """Return one line."""
        names = ("parameters", "buffers", "gradients", "optimizer", "activations")
        parts = ", ".join(f"{name} {readable_bytes(getattr(self, name))}" for name in names)
        return f"{parts}; together {readable_bytes(self.total)}"


@contextmanager
def kept(model: Layer) -> Iterator[None]:
    """Give a model its gradients, parameters, buffers and draws back at the end of a `with` block.

    >>> from tinytorch.core.layers import Linear
    >>> layer = Linear(1, 1)
    >>> with kept(layer):
    ...     layer.bias.data += 1
    >>> layer.bias.data.tolist()
    [0.0]
    """
    state = model.state_dict()
    gradients = [getattr(parameter, "grad", None) for parameter in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = None
    try:
        with unchanged(model):
            yield
    finally:
        for parameter, gradient in zip(model.parameters(), gradients):
            parameter.grad = gradient
        model.load_state_dict(state)


def bytes_of(values: Any) -> int:
    """Return the bytes of all arrays in `values`, each memory once.

    >>> a = np.zeros(4, np.float32)
    >>> bytes_of({"m": [a, a], "v": np.zeros(2)})
    32
    """
    return sum({id(owner): owner.nbytes for owner in map(memory_of, arrays_in(values))}.values())


def optimizer_bytes(optimizer: Any) -> int:
    """Return the bytes that an optimizer holds beside the parameters and their gradients.

    >>> optimizer_bytes(None)
    0
    """
    if optimizer is None:
        return 0
    learned = {id(memory_of(parameter.data)) for parameter in optimizer.params}
    arrays = {id(memory_of(array)): memory_of(array) for array in arrays_in(vars(optimizer))}
    return sum(array.nbytes for key, array in arrays.items() if key not in learned)


@contextmanager
def peak_memory() -> Iterator[dict[str, int]]:
    """Measure the most bytes allocated at one moment of a `with` block, beyond those at its start.

    >>> with peak_memory() as measured:
    ...     array = np.zeros(1_000_000, np.uint8)
    >>> measured["peak"] >= 1_000_000
    True
    """
    import tracemalloc

    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    measured = {"peak": 0}
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        yield measured
        measured["peak"] = tracemalloc.get_traced_memory()[1] - before
    finally:
        if not running:
            tracemalloc.stop()


def measure_memory(model: Layer, example: Any, optimizer: Any = None) -> MemoryReport:
    """Return the memory of a training step, by running its forward and backward once.

    The result's sum stands in for the loss. The model is afterwards as it was.

    Parameters
    ----------
    model, example : Layer, and what it is called with or its shape; see `as_inputs`
    optimizer : optional; what it holds now is counted, so let it make a step before

    Raises
    ------
    RuntimeError: gradients are not switched on, or off under no_grad ("measure_memory: …").
    TypeError: the model is no Layer, the example is none, or no Tensor comes back.

    >>> from tinytorch.core.layers import Linear
    >>> autograd.enable_autograd()
    >>> report = measure_memory(Linear(3, 2), (4, 3))
    >>> report.parameters, report.gradients, report.activations  # 4 * 3 in, 4 * 2 before the bias, 4 * 2 out
    (32, 32, 112)
    """
    count_parameters(model)  # refuses what is no Layer
    if not hasattr(Tensor, "backward") or not autograd.is_grad_enabled():
        raise RuntimeError("measure_memory: nothing is recorded for backward; call enable_autograd() first, "
                           "and leave no_grad()")
    inputs = as_inputs("measure_memory", example)
    with kept(model), peak_memory() as measured:
        result = model(*inputs)
        if not isinstance(result, Tensor):
            raise TypeError(f"measure_memory: the model returned {type(result).__name__}; backward starts "
                            "from one Tensor, so return one")
        activations = graph_bytes(result)
        if result.requires_grad:
            result.sum().backward()
        gradients = bytes_of([parameter.grad for parameter in model.parameters()])
    learned = bytes_of(model.parameters())
    buffers = bytes_of(model.state_arrays()) - learned
    return MemoryReport(learned, buffers, gradients, optimizer_bytes(optimizer), activations,
                        measured["peak"])


# The table.


@dataclass(frozen=True)
class Profile:
    """What each layer of a model costs: rows, their sum, and a table to print.

    Attributes
    ----------
    rows : tuple of Row, in the order in which the layers were first called
    repeats : int, runs of which the seconds are the median

    >>> rows = Row("a", "Linear", seconds=0.003, flops=2000, bytes=500), Row("b", "ReLU", seconds=0.001)
    >>> profile = Profile(rows, repeats=1)
    >>> profile.share(profile.rows[0]), profile.flops
    (0.75, 2000)
    """

    rows: tuple[Row, ...]
    repeats: int

    @property
    def seconds(self) -> float:
        """Seconds of all rows together."""
        return sum(row.seconds for row in self.rows)

    @property
    def flops(self) -> int:
        """FLOPs of all rows together."""
        return sum(row.flops for row in self.rows)

    @property
    def bytes(self) -> int:
        """Bytes moved by all rows together."""
        return sum(row.bytes for row in self.rows)

    def share(self, row: Row) -> float:
        """Return the part of the time that a row took, from 0 to 1."""
        return row.seconds / self.seconds if self.seconds else 0.0

    def slowest(self) -> Row:
        """Return the row that took the most time: where an improvement can gain most.

        >>> Profile((Row("a", "Linear", seconds=1.0), Row("b", "ReLU", seconds=2.0)), 1).slowest().name
        'b'
        """
        return max(self.rows, key=lambda row: row.seconds)

    def __str__(self) -> str:
        """Return a table with a line for each row.

        >>> print(Profile((Row("fc", "Linear", seconds=0.002, flops=2000, bytes=500, calls=1),), 1))
        phase     layer    kind       time  share        FLOPs    bytes FLOP/byte
        forward   fc       Linear     2 ms   100%        2,000    500 B       4.0
                  together            2 ms   100%        2,000    500 B       4.0
        """
        wide = max([len(row.name) for row in self.rows] + [len("together")])
        kind = max([len(row.kind) for row in self.rows] + [len("kind")])
        head = f"{'phase':<9} {'layer':<{wide}} {'kind':<{kind}} {'time':>8} {'share':>6}"
        lines = [f"{head} {'FLOPs':>12} {'bytes':>8} FLOP/byte"]
        together = Row("together", "", "", seconds=self.seconds, flops=self.flops, bytes=self.bytes)
        for row in (*self.rows, together):
            time, moved = readable_seconds(row.seconds), readable_bytes(row.bytes)
            lines.append(f"{row.phase:<9} {row.name:<{wide}} {row.kind:<{kind}} {time:>8} "
                         f"{self.share(row):>6.0%} {row.flops:>12,} {moved:>8} {row.intensity:>9.1f}")
        return "\n".join(lines)


def merge_rows(runs: list[list[Row]]) -> tuple[Row, ...]:
    """Return one row for each layer from several runs: the median of its seconds, the last run's counts.

    Rows in which nothing happened are left out.

    >>> runs = [[Row("fc", "Linear", calls=1, seconds=s)] for s in (0.003, 0.001, 0.002)]
    >>> merge_rows(runs)[0].seconds
    0.002
    """
    seconds: dict[tuple, list[float]] = {}
    for run in runs:
        for key, row in keyed(run):
            seconds.setdefault(key, []).append(row.seconds)
    return tuple(replace(row, seconds=max(float(np.median(seconds[key])), 0.0))
                 for key, row in keyed(runs[-1]) if row.calls or row.flops or row.bytes)


def keyed(rows: list[Row]) -> Iterator[tuple[tuple, Row]]:
    """Yield each row with what it is called in every run: of rows with one name, the first, the second, ….

    >>> [key[-1] for key, row in keyed([Row("ReLU", "ReLU"), Row("Tanh", "Tanh"), Row("ReLU", "ReLU")])]
    [0, 0, 1]
    """
    found: dict[tuple, int] = {}
    for row in rows:
        same = row.phase, row.name, row.kind
        yield (*same, found.setdefault(same, 0)), row
        found[same] += 1


def profile_forward(model: Callable[..., Any], example: Any, warmup: int = 1, repeats: int = 5,
                    clock: Clock = time.perf_counter) -> Profile:
    """Return what each layer costs in a forward pass without gradients.

    A row counts what a layer does itself, without the layers inside it; the rows add up to the
    whole. Watching costs some microseconds an operation, which are part of the times.

    Parameters
    ----------
    model, example : as for `count_flops`
    warmup, repeats : int, runs that are not counted, and runs that are

    Raises
    ------
    TypeError, ValueError: an example or a count that is none, or an operation without a rule.

    >>> from tinytorch.core.layers import Linear, Sequential
    >>> from tinytorch.core.activations import ReLU
    >>> profile = profile_forward(Sequential(Linear(4, 8), ReLU(), Linear(8, 2)), (1, 4))
    >>> [(row.name, row.flops) for row in profile.rows]
    [('(model)', 0), ('steps.0', 72), ('steps.1', 8), ('steps.2', 34)]
    """
    check_count("profile_forward", "warmup", warmup, least=0)
    check_count("profile_forward", "repeats", repeats)
    inputs = as_inputs("profile_forward", example)
    runs = []
    with no_grad(), unchanged(model):
        for _ in range(warmup + repeats):
            trace = Trace(model, clock)
            trace.run(model, *inputs)
            runs.append(list(trace.rows.values()))
    return Profile(merge_rows(runs[warmup:]), repeats)


def profile_layer(layer: Callable[..., Any], example: Any, warmup: int = 3, repeats: int = 20,
                  clock: Clock = time.perf_counter) -> Row:
    """Return what one layer costs with everything inside it; arguments as for `profile_forward`.

    Its seconds are the median of unwatched calls, its FLOPs and bytes the sum over all operations.

    >>> from tinytorch.core.layers import Linear
    >>> row = profile_layer(Linear(4, 8), (2, 4), repeats=3)
    >>> row.flops, row.bytes, row.parameters
    (144, 384, 40)
    """
    inputs = as_inputs("profile_layer", example)
    trace = Trace(layer, clock)
    with no_grad(), unchanged(layer):
        trace.run(layer, *inputs)
        latency = measure_latency(lambda: layer(*inputs), warmup, repeats, clock)
    parameters = count_parameters(layer) if isinstance(layer, Layer) else 0
    return Row("(model)", type(layer).__name__, calls=1, seconds=latency.median, flops=trace.total("flops"),
               bytes=trace.total("bytes"), parameters=parameters)


def timed_backward(rows: dict[str, Row], clock: Clock) -> Callable[..., Any]:
    """Return `autograd.input_gradients` with a clock: each operation's time goes to a row of its name."""
    gradients = autograd.input_gradients

    def timed(node: Function, grad_output: np.ndarray) -> Any:
        row = rows.setdefault(node.name, Row(node.name, "", "backward"))
        start = clock()
        pairs = gradients(node, grad_output)
        row.seconds += clock() - start
        row.calls += 1
        return pairs
    return timed


def trace_training_step(model: Layer, loss_fn: Any, optimizer: Any, inputs: tuple, targets: Any,
                        clock: Clock) -> list[Row]:
    """Return the rows of one training step: forward by layer, backward by operation, then the update."""
    trace, back = Trace(model, clock), {}
    optimizer.zero_grad()
    loss = trace.run(lambda: loss_fn(model(*inputs), targets))
    with replaced(autograd, "input_gradients", timed_backward(back, clock)):
        start = clock()
        loss.backward()
        walk_row = Row("(walk)", "", "backward", calls=1, seconds=clock() - start)
    walk_row.seconds -= sum(row.seconds for row in back.values())
    start = clock()
    optimizer.step()
    update = Row("(step)", type(optimizer).__name__, "update", calls=1, seconds=clock() - start)
    return [*trace.rows.values(), *back.values(), walk_row, update]


def profile_training_step(model: Layer, loss_fn: Any, optimizer: Any, inputs: Any, targets: Any,
                          warmup: int = 1, repeats: int = 5, clock: Clock = time.perf_counter) -> Profile:
    """Return what each part of a training step costs: forward, backward, update.

    Real steps are made, on the model's own parameters. Afterwards parameters, buffers, gradients
    and the optimizer's state are as before. FLOPs and bytes are counted for forward.

    Parameters
    ----------
    loss_fn : function of the model's result and the targets
    optimizer : Optimizer of the model's parameters
    inputs : what the model is called with; see `as_inputs`

    """
    check_count("profile_training_step", "warmup", warmup, least=0)
    check_count("profile_training_step", "repeats", repeats)
    inputs = as_inputs("profile_training_step", inputs)
    state = optimizer.state_dict()
    try:
        with kept(model):
            runs = [trace_training_step(model, loss_fn, optimizer, inputs, targets, clock)
                    for _ in range(warmup + repeats)]
    finally:
        optimizer.load_state_dict(state)
    return Profile(merge_rows(runs[warmup:]), repeats)


class Profiler:
    """All measurements of this file with one clock and one number of repeats.

    >>> from tinytorch.core.layers import Linear
    >>> profiler = Profiler()
    >>> model = Linear(784, 10)
    >>> profiler.count_parameters(model), profiler.count_flops(model, (1, 784))
    (7850, 15690)
    """

    def __init__(self, warmup: int = 3, repeats: int = 20, clock: Clock = time.perf_counter) -> None:
        self.warmup = check_count("Profiler", "warmup", warmup, least=0)
        self.repeats = check_count("Profiler", "repeats", repeats)
        self.clock = clock

    def count_parameters(self, model: Layer) -> int:
        """Return how many numbers the model learns; see `count_parameters`."""
        return count_parameters(model)

    def count_flops(self, model: Callable[..., Any], example: Any) -> int:
        """Return the FLOPs of one forward pass; see `count_flops`."""
        return count_flops(model, example)

    def measure_memory(self, model: Layer, example: Any, optimizer: Any = None) -> MemoryReport:
        """Return the bytes of one training step; see `measure_memory`."""
        return measure_memory(model, example, optimizer)

    def measure_latency(self, model: Callable[..., Any], example: Any) -> Latency:
        """Return how long a forward pass without gradients takes; see `measure_latency`."""
        inputs = as_inputs("measure_latency", example)
        with no_grad(), unchanged(model):
            return measure_latency(lambda: model(*inputs), self.warmup, self.repeats, self.clock)

    def profile_layer(self, layer: Callable[..., Any], example: Any) -> Row:
        """Return what one layer costs with everything inside it; see `profile_layer`."""
        return profile_layer(layer, example, self.warmup, self.repeats, self.clock)

    def profile_forward(self, model: Callable[..., Any], example: Any) -> Profile:
        """Return what each layer of a forward pass costs; see `profile_forward`."""
        return profile_forward(model, example, self.warmup, self.repeats, self.clock)

    def profile_training_step(self, model: Layer, loss_fn: Any, optimizer: Any, inputs: Any,
                              targets: Any) -> Profile:
        """Return what each part of a training step costs; see `profile_training_step`."""
        return profile_training_step(model, loss_fn, optimizer, inputs, targets, self.warmup, self.repeats,
                                     self.clock)
