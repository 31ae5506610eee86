"""A trace: seconds, FLOPs and bytes of every layer and operation, counted while a model really runs.

Part of `profiling`, chapter 14. Depends on `flops`, `latency` and `traffic`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.core import autograd
from tinytorch.core.activations import Activation
from tinytorch.core.autograd import Function, no_grad
from tinytorch.core.layers import Layer, Parameter, children, walk
from tinytorch.core.losses import Loss
from tinytorch.core.tensor import Tensor, is_whole
from tinytorch.core.training import draws_again, within_reach
from tinytorch.perf.profiling.flops import rule_of
from tinytorch.perf.profiling.latency import Clock
from tinytorch.perf.profiling.traffic import LOOKUPS, bytes_moved


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
    inside : str, the name of the layer that called this one first; "" where none did

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
    inside: str = ""

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
            outer = self.stack[-1].name if len(self.stack) > 1 else ""
            self.rows[id(layer)] = Row(self.names.get(id(layer), kind), kind, parameters=count, inside=outer)
        return self.rows[id(layer)]

    def timed(self, row: Row, call: Callable[[], Any]) -> Any:
        """Return `call()`, a call of the layer that `row` belongs to, timed.

        The row gets the time. While the call runs, it is the last one on
        `self.stack`. The row that was the last one before, of whoever called
        the layer, loses that time, so that each row has only its own. All
        this also where the call raises.

        >>> ticks = iter([0.0, 2.0])
        >>> trace, row = Trace(None, lambda: next(ticks)), Row("fc", "Linear")
        >>> trace.timed(row, lambda: "done"), row.seconds, trace.stack[-1].seconds
        ('done', 2.0, -2.0)
        """
        outer = self.stack[-1]
        row.calls += 1
        self.stack.append(row)
        start = self.clock()
        try:
            return call()
        finally:
            elapsed = self.clock() - start
            self.stack.pop()
            row.seconds += elapsed
            outer.seconds -= elapsed

    def layer_call(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `Layer.__call__` with watching: its time goes to its row, and off the row of its caller."""

        @functools.wraps(call)
        def watched(layer: Any, *inputs: Any, **options: Any) -> Any:
            if self.busy:
                return call(layer, *inputs, **options)
            row = self.row_for(layer)
            work = getattr(layer, "work", None)
            self.busy = callable(work)
            try:
                output = self.timed(row, lambda: call(layer, *inputs, **options))
            finally:
                self.busy = False
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
            node = getattr(output, "_grad_fn", None)
            if node is not None:
                node.made_in = self.stack[-1]  # backward's time will go to the same layer
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
    raise TypeError(
        f"{name}: example is {type(example).__name__}; pass a Tensor, a tuple of Tensors, or a shape such as (32, 784)"
    )


def count_parameters(model: Layer) -> int:
    """Return how many numbers a Layer learns (else TypeError). A parameter used twice counts once.

    >>> from tinytorch.core.layers import Linear
    >>> count_parameters(Linear(784, 128))
    100480
    """
    if not isinstance(model, Layer):
        raise TypeError(f"count_parameters: got {type(model).__name__}; it needs a Layer, which knows its parameters")
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
