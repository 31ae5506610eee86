"""Which loops NumPy computes with: in the browser those of `tinytorch_kernels`, elsewhere its own.

    from tinytorch.learn import kernel
    kernel.status()         what runs, and why
    kernel.measure()        GFLOP/s of a float32 matmul on this device, now
    kernel.switch(False)    NumPy's own loops, to see the difference

Chapter 17 builds such a kernel and uses the switch; the page shows all three beside the state of Python. Outside of a
browser there is nothing to switch: NumPy brings a compiled BLAS there.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import numpy as np

OWN = "NumPy's own loops"
PLAIN = "SIMD kernels"
RELAXED = "SIMD kernels with fused multiply-add"


@dataclass(frozen=True)
class Status:
    """What NumPy computes with now.

    name : the loops in words; on : they are the fast ones; available : they could be;
    relaxed : with fused multiply-add; verified : they were compared with NumPy's at the start;
    why : if they are not available, the reason, a sentence without its full stop.
    """

    name: str
    on: bool
    available: bool
    relaxed: bool
    verified: bool
    why: str

    def to_dict(self) -> dict:
        return asdict(self)


def status() -> Status:
    """Return what NumPy computes with now.

    >>> status().name in (OWN, PLAIN, RELAXED)
    True
    """
    try:
        import tinytorch_kernels
    except ImportError:
        return Status(OWN, False, False, False, False, "outside of a browser NumPy brings fast loops of its own")
    grafted = tinytorch_kernels.grafted
    if grafted is None:
        return Status(OWN, False, False, False, False, tinytorch_kernels.why)
    name = RELAXED if grafted.relaxed else PLAIN
    return Status(name if grafted.on else OWN, grafted.on, True, grafted.relaxed, True, "")


def switch(on: bool) -> Status:
    """Let NumPy use the fast kernels, or its own loops; return what runs afterwards.

    Where there are none, nothing changes, and the status says why.
    """
    if status().available:
        import tinytorch_kernels

        tinytorch_kernels.switch(bool(on))
    return status()


def measure(size: int = 256, seconds: float = 0.3) -> float:
    """Return the GFLOP/s of a float32 product of two `size` x `size` matrices: the median over `seconds`.

    Cost: 2 * size ** 3 FLOPs a product, at least five products and one to warm up.

    >>> measure(size=16, seconds=0.0) > 0
    True
    """
    a = np.ones((size, size), np.float32)
    times, begin = [], time.perf_counter()
    a @ a
    while len(times) < 5 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    middle = max(sorted(times)[len(times) // 2], 1e-9)
    return 2 * size**3 / middle / 1e9
