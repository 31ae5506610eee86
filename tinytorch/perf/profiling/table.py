"""The table: what each layer of a model costs, in a forward pass and in a training step.

Part of `profiling`, chapter 14. Depends on `latency`, `trace` and `memory`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinytorch.core import autograd
from tinytorch.core.autograd import Function, no_grad
from tinytorch.core.layers import Layer
from tinytorch.perf.profiling.amounts import check_count, readable_bytes, readable_seconds
from tinytorch.perf.profiling.latency import Clock, measure_latency
from tinytorch.perf.profiling.memory import kept
from tinytorch.perf.profiling.trace import (
    Row,
    Trace,
    as_inputs,
    count_parameters,
    replaced,
    unchanged,
)


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
            lines.append(
                f"{row.phase:<9} {row.name:<{wide}} {row.kind:<{kind}} {time:>8} "
                f"{self.share(row):>6.0%} {row.flops:>12,} {moved:>8} {row.intensity:>9.1f}"
            )
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
    return tuple(
        replace(row, seconds=max(float(np.median(seconds[key])), 0.0))
        for key, row in keyed(runs[-1])
        if row.calls or row.flops or row.bytes
    )


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


def profile_forward(
    model: Callable[..., Any], example: Any, warmup: int = 1, repeats: int = 5, clock: Clock = time.perf_counter
) -> Profile:
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


def profile_layer(
    layer: Callable[..., Any], example: Any, warmup: int = 3, repeats: int = 20, clock: Clock = time.perf_counter
) -> Row:
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
    return Row(
        "(model)",
        type(layer).__name__,
        calls=1,
        seconds=latency.median,
        flops=trace.total("flops"),
        bytes=trace.total("bytes"),
        parameters=parameters,
    )


def timed_backward(rows: dict[int, Row], clock: Clock) -> Callable[..., Any]:
    """Return `autograd.input_gradients` with a clock: the time goes to a row of the layer that ran the operation."""
    gradients = autograd.input_gradients

    def timed(node: Function, grad_output: np.ndarray) -> Any:
        layer = vars(node).get("made_in", NOBODY)
        row = rows.setdefault(id(layer), Row(layer.name, layer.kind, "backward", inside=layer.inside))
        start = clock()
        pairs = gradients(node, grad_output)
        row.seconds += clock() - start
        row.calls += 1
        return pairs

    return timed


NOBODY = Row("(outside)", "")  # where no layer ran the operation


def trace_training_step(
    model: Layer, loss_fn: Any, optimizer: Any, inputs: tuple, targets: Any, clock: Clock
) -> list[Row]:
    """Return the rows of one training step: forward and backward by layer, then the update."""
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


def profile_training_step(
    model: Layer,
    loss_fn: Any,
    optimizer: Any,
    inputs: Any,
    targets: Any,
    warmup: int = 1,
    repeats: int = 5,
    clock: Clock = time.perf_counter,
) -> Profile:
    """Return what each part of a training step costs: forward and backward by layer, then the update.

    The time of backward that belongs to no operation, finding the way through the graph and adding up
    gradients, is the row "(walk)". Real steps are made, on the model's own parameters. Afterwards
    parameters, buffers, gradients and the optimizer's state are as before. FLOPs and bytes are counted for forward.

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
            runs = [
                trace_training_step(model, loss_fn, optimizer, inputs, targets, clock) for _ in range(warmup + repeats)
            ]
    finally:
        optimizer.load_state_dict(state)
    return Profile(merge_rows(runs[warmup:]), repeats)
