"""Memory: what a training step holds, by what it is for, and the most at one moment.

Part of `profiling`, chapter 14. Depends on `trace` and `traffic`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tinytorch.core import autograd
from tinytorch.core.autograd import topological_order
from tinytorch.core.layers import Layer, Parameter
from tinytorch.core.tensor import Tensor
from tinytorch.perf.profiling.amounts import readable_bytes
from tinytorch.perf.profiling.trace import as_inputs, count_parameters, unchanged
from tinytorch.perf.profiling.traffic import arrays_in, bytes_of, memory_of


def graph_bytes(result: Tensor) -> int:
    """Return the bytes of the arrays that the graph behind `result` holds: its activations.

    That is what cannot be freed before backward: the inputs, what each operation returned, and what
    it keeps for itself. Each memory counts once, however many views it has; parameters do not count.
    0 where nothing was recorded. Cost: a walk over the graph; no element is touched.

    >>> import numpy as np
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

    >>> import numpy as np
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
        raise RuntimeError(
            "measure_memory: nothing is recorded for backward; call enable_autograd() first, and leave no_grad()"
        )
    inputs = as_inputs("measure_memory", example)
    with kept(model), peak_memory() as measured:
        result = model(*inputs)
        if not isinstance(result, Tensor):
            raise TypeError(
                f"measure_memory: the model returned {type(result).__name__}; backward starts "
                "from one Tensor, so return one"
            )
        activations = graph_bytes(result)
        if result.requires_grad:
            result.sum().backward()
        gradients = bytes_of([parameter.grad for parameter in model.parameters()])
    learned = bytes_of(model.parameters())
    buffers = bytes_of(model.state_arrays()) - learned
    return MemoryReport(learned, buffers, gradients, optimizer_bytes(optimizer), activations, measured["peak"])
