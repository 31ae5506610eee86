"""Traffic: the arrays in a value, the memory that they own, and the bytes that an operation moves.

Part of `profiling`, chapter 14.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor


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
    """Return the bytes an operation moves: inputs once, the result once.

    A result that is a view of an input moves nothing. A lookup (`reads_all`
    False) reads as many bytes of the table as it writes.

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


def bytes_of(values: Any) -> int:
    """Return the bytes of all arrays in `values`, each memory once.

    >>> a = np.zeros(4, np.float32)
    >>> bytes_of({"m": [a, a], "v": np.zeros(2)})
    32
    """
    return sum({id(owner): owner.nbytes for owner in map(memory_of, arrays_in(values))}.values())
