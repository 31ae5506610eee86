"""Profiling: where do the time, the arithmetic and the memory of a model go?

Built in chapter 14. Depends on `tensor`, `activations`, `layers`, `losses`, `autograd` and
`training`; the operations of later core chapters are known by their names.

One idea a file, in this order: `amounts`, `latency`, `flops` (`OPERATION_FLOPS`), `traffic` (bytes), `trace`
(what a model really runs), `memory` (of a training step), `table` (`Profile`). Every name of theirs is found
here too, and so is `Profiler`, which has it all in one place. What the machine could do is in `roofline`.

FLOPs, everywhere in this package: one addition, subtraction, multiplication, division, comparison,
square root, exponential, logarithm, power or hyperbolic tangent of one element is 1. So a
multiply-add is 2, and a product (M, K) @ (K, N) is 2 * M * K * N. Moving data (reshape, lookups,
boolean masks, copies) is 0, and so are running statistics, which do not lead to the result. With
int8 the same operations count.

Bytes: every operation reads its inputs once from memory and writes its result once. A cache does
better between operations, a large matrix product without one worse.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Layer
from tinytorch.perf.profiling.amounts import (
    check_amounts,
    check_count,
    check_positive,
    check_real,
    readable_bytes,
    readable_seconds,
)
from tinytorch.perf.profiling.flops import (
    OPERATION_FLOPS,
    Rule,
    attention_weights_flops,
    average_pool_flops,
    batch_norm_flops,
    conv2d_flops,
    cross_entropy_flops,
    first_tensor,
    free,
    log_softmax_flops,
    loss_flops,
    matmul_flops,
    max_pool_flops,
    mean_flops,
    normalize_flops,
    per_input,
    per_output,
    rule_of,
    softmax_flops,
)
from tinytorch.perf.profiling.latency import (
    Clock,
    HandClock,
    Latency,
    calls_for_clock,
    measure_latency,
    median_interval,
    seconds_per_call,
)
from tinytorch.perf.profiling.memory import (
    MemoryReport,
    graph_bytes,
    kept,
    measure_memory,
    optimizer_bytes,
    peak_memory,
)
from tinytorch.perf.profiling.table import (
    Profile,
    keyed,
    merge_rows,
    profile_forward,
    profile_layer,
    profile_training_step,
    timed_backward,
    trace_training_step,
)
from tinytorch.perf.profiling.trace import (
    Row,
    Trace,
    as_inputs,
    count_flops,
    count_parameters,
    in_use,
    replaced,
    unchanged,
)
from tinytorch.perf.profiling.traffic import LOOKUPS, arrays_in, bytes_moved, bytes_of, memory_of


class Profiler:
    """All measurements of this package with one clock and one number of repeats.

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

    def measure_latency(
        self, model: Callable[..., Any], example: Any, warmup: int | None = None, iterations: int | None = None
    ) -> Latency:
        """Return how long a forward pass without gradients takes; see `measure_latency`.

        `warmup` and `iterations` stand for the profiler's own warmup and repeats in this measurement.
        """
        warmup = self.warmup if warmup is None else warmup
        repeats = self.repeats if iterations is None else iterations
        inputs = as_inputs("measure_latency", example)
        with no_grad(), unchanged(model):
            return measure_latency(lambda: model(*inputs), warmup, repeats, self.clock)

    def profile_layer(self, layer: Callable[..., Any], example: Any) -> Row:
        """Return what one layer costs with everything inside it; see `profile_layer`."""
        return profile_layer(layer, example, self.warmup, self.repeats, self.clock)

    def profile_forward(self, model: Callable[..., Any], example: Any) -> Profile:
        """Return what each layer of a forward pass costs; see `profile_forward`."""
        return profile_forward(model, example, self.warmup, self.repeats, self.clock)

    def profile_training_step(self, model: Layer, loss_fn: Any, optimizer: Any, inputs: Any, targets: Any) -> Profile:
        """Return what each part of a training step costs; see `profile_training_step`."""
        return profile_training_step(model, loss_fn, optimizer, inputs, targets, self.warmup, self.repeats, self.clock)
