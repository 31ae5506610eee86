"""Two machines, small enough to look into: a cache, and an array of cells that multiplies matrices.

Belongs to chapter 17, for those who want more. Depends on NumPy and `profiling`.

References: Hill and Smith (1989), "Evaluating associativity in CPU caches"; Kung (1982), "Why
systolic architectures?"; Jouppi et al. (2017), "In-datacenter performance analysis of a tensor
processing unit".
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tinytorch.perf.profiling import check_count


def simulate_cache(addresses: Iterable[int], size: int = 32_768, line: int = 64, ways: int = 8) -> int:
    """Return how many of the addresses miss in a cache that was empty before.

    The cache holds `size` bytes in lines of `line` bytes. Line number n of memory may lie in one set
    only, the one of number n modulo the sets there are. A set has room for `ways` lines; where it is
    full, the one goes that was not used for longest.

    Parameters
    ----------
    addresses : ints, in the order in which a program reads them
    size : int, bytes; a multiple of line * ways
    line : int, bytes that come from memory together
    ways : int, lines in a set

    Returns
    -------
    int, the addresses whose line was not there

    Cost: about a microsecond for each address.

    >>> simulate_cache([0, 4, 64, 0, 128, 0], size=128, line=64, ways=2)
    3
    """
    sets: list[list[int]] = [[] for _ in range(size // (line * ways))]
    misses = 0
    for address in addresses:
        number = address // line
        lines = sets[number % len(sets)]
        if number in lines:
            lines.remove(number)
        else:
            misses += 1
            if len(lines) == ways:
                lines.pop(0)
        lines.append(number)
    return misses


def systolic_step(
    weights: np.ndarray, inputs: np.ndarray, sums: np.ndarray, arriving: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the cells of a systolic array hold after one more cycle: their inputs and their sums.

    Each cell has a weight that stays. In a cycle it gets an input from its left neighbour and a sum
    from the one above, multiplies the input by its weight, and adds that to the sum. In the next
    cycle the input goes on to the right and the sum down.

    Parameters
    ----------
    weights : ndarray of shape (K, N)
    inputs, sums : ndarrays of shape (K, N), what the cells held after the last cycle; they stay as they are
    arriving : ndarray of shape (K,), what arrives at the left edge; at the upper edge sums begin with 0
        All four arrays have one dtype, and the new ones have it too.

    Returns
    -------
    (inputs, sums) : new arrays of shape (K, N)

    Cost: K * N multiply-adds, in one cycle of the machine that is played.

    >>> weights, nothing = np.array([[2.0], [3.0]]), np.zeros((2, 1))
    >>> inputs, sums = systolic_step(weights, nothing, nothing, np.array([10.0, 0.0]))
    >>> inputs, sums = systolic_step(weights, inputs, sums, np.array([0.0, 1.0]))
    >>> sums.tolist()
    [[0.0], [23.0]]
    """
    inputs = np.column_stack([arriving, inputs[:, :-1]])
    above = np.vstack([np.zeros_like(sums[:1]), sums[:-1]])
    return inputs, above + inputs * weights


def systolic_matmul(a: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, int]:
    """Return a @ weights as a systolic array computes it, and in how many cycles.

    Number k of row m of a arrives at row k of the array in cycle m + k, so that it meets its sum on
    the way down. Element (m, n) of the result leaves the lowest row in cycle m + K - 1 + n.

    Parameters
    ----------
    a : ndarray of shape (M, K)
    weights : ndarray of shape (K, N), one for each cell

    Cost: M + K + N - 2 cycles of K * N cells.

    >>> out, cycles = systolic_matmul(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]))
    >>> out.tolist(), cycles
    ([[13.0, 16.0]], 3)
    """
    (M, K), N = a.shape, weights.shape[1]
    out, inputs, sums = np.zeros((M, N)), np.zeros((K, N)), np.zeros((K, N))
    cycles = M + K + N - 2
    for cycle in range(cycles):
        arriving = np.array([a[cycle - k, k] if 0 <= cycle - k < M else 0.0 for k in range(K)])
        inputs, sums = systolic_step(weights, inputs, sums, arriving)
        for n in range(N):
            m = cycle - (K - 1) - n
            if 0 <= m < M:
                out[m, n] = sums[-1, n]
    return out, cycles


def systolic_utilization(rows: int, inner: int, columns: int, size: int = 128) -> float:
    """Return the share of multiply-adds that are of use when an array of size x size cells multiplies.

    (rows, inner) @ (inner, columns) is cut into tiles of weights; each stays while all rows go
    through, which takes rows + 2 * size - 2 cycles. A model; loading the weights is not counted.

    Raises
    ------
    TypeError, ValueError: no integers of at least 1.

    >>> round(systolic_utilization(1024, 128, 128), 2), round(systolic_utilization(1, 128, 128), 4)
    (0.8, 0.0039)
    """
    for name, value in {"rows": rows, "inner": inner, "columns": columns, "size": size}.items():
        check_count("systolic_utilization", name, value, least=1)
    tiles = -(-inner // size) * -(-columns // size)
    return rows * inner * columns / (tiles * (rows + 2 * size - 2) * size * size)
