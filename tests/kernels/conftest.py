"""These tests run in the browser's Python, under Node (tests/pyodide/test_kernels.py starts them there)."""

from contextlib import contextmanager

import numpy as np
import pytest
import tinytorch_kernels
from hypothesis import settings
from hypothesis import strategies as st

settings.register_profile("kernels", deadline=None, database=None, derandomize=True, max_examples=60, print_blob=True)
settings.load_profile("kernels")

SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 64, 65, 130, 257]
sizes = st.sampled_from(SIZES)


@pytest.fixture(autouse=True)
def kernels():
    """Every test begins with the kernels on and ends so."""
    tinytorch_kernels.switch(True)
    yield tinytorch_kernels.grafted
    tinytorch_kernels.switch(True)


@contextmanager
def own_loops():
    """NumPy computes with its own loops inside."""
    tinytorch_kernels.switch(False)
    try:
        yield
    finally:
        tinytorch_kernels.switch(True)


# Ways to lie in memory: each makes, for a shape and a dtype, an array whose strides are of that kind.
LAYOUTS = {
    "rows": lambda shape, dtype: np.empty(shape, dtype),
    "columns": lambda shape, dtype: np.empty(shape, dtype, order="F"),
    "rows backwards": lambda shape, dtype: np.empty(shape, dtype)[..., ::-1, :],
    "columns backwards": lambda shape, dtype: np.empty(shape, dtype)[..., ::-1],
    "all backwards": lambda shape, dtype: np.empty(shape[:-2] + shape[:-3:-1], dtype).swapaxes(-1, -2)[..., ::-1, ::-1],
    "every second": lambda shape, dtype: np.empty((*shape[:-2], 2 * shape[-2], 3 * shape[-1]), dtype)[..., ::2, 1::3],
    "part of a larger one": lambda shape, dtype: np.empty((*shape[:-2], shape[-2] + 3, shape[-1] + 5), dtype)[
        ..., 2:-1, 1:-4
    ],
    "unaligned": lambda shape, dtype: unaligned(shape, dtype),
}


def unaligned(shape, dtype):
    count = int(np.prod(shape))
    size = np.dtype(dtype).itemsize
    return np.empty(count * size + 1, np.uint8)[1:].view(np.uint8)[: count * size].view(dtype).reshape(shape)


def laid_out(values, layout):
    """A copy of an array in a layout."""
    out = LAYOUTS[layout](values.shape, values.dtype)
    out[...] = values
    return out


layouts = st.sampled_from(sorted(LAYOUTS))
