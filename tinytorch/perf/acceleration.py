"""Acceleration: the same result in less time, one measured step after another.

Built in chapter 17. Depends on `tensor`, `activations`, `layers`, `autograd` and `profiling`.

In reading order: what a walk through memory touches; a matrix product in five ways, from loops to
NumPy's kernel; GELU fused into one operation; a pool that lends arrays again, and a model that runs on it.

A kernel takes arrays and returns an array. Given Tensors it returns a Tensor, with a gradient that
is computed by the same kernel.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

import numpy as np

from tinytorch.core.activations import ReLU, Tanh, float_array
from tinytorch.core.autograd import Function, is_grad_enabled
from tinytorch.core.layers import Layer, Linear
from tinytorch.core.tensor import Tensor, from_numpy, wrap
from tinytorch.perf.profiling import check_count

Matrix = Tensor | np.ndarray

# Memory comes in lines.

LINE = 64  # bytes that come from memory together, on nearly every processor of today


def lines_touched(count: int, stride: int, line: int = LINE) -> int:
    """Return how many cache lines a walk over `count` elements touches.

    The element with the lowest address lies at the beginning of a line, and no element reaches
    over the end of its line.

    Parameters
    ----------
    count : int, at least 0
    stride : int, bytes from one element to the next, as in an array's `strides`; 0 and negative ones too
    line : int, bytes that come from memory together

    Cost: nothing; it says what a walk costs.

    >>> lines_touched(32, 4), lines_touched(32, 64), lines_touched(32, 400)
    (2, 32, 32)
    """
    if count == 0:
        return 0
    return (count - 1) * min(abs(stride), line) // line + 1


# The ladder: one product, five ways.


def check_matrices(name: str, a: Matrix, b: Matrix) -> None:
    """Raise unless `a` and `b` are two matrices that can be multiplied; `name` is the kernel's.

    Raises
    ------
    TypeError: neither a Tensor nor an ndarray ("naive_matmul: got list …").
    ValueError: not two axes each, or inner sizes that differ ("naive_matmul: (2, 3) @ (4, 5): …").
    """
    for matrix in (a, b):
        if not isinstance(matrix, (Tensor, np.ndarray)):
            raise TypeError(f"{name}: got {type(matrix).__name__}; pass a Tensor or a NumPy array")
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError(
            f"{name}: shapes {a.shape} and {b.shape}: this kernel multiplies two matrices of "
            "two axes; reshape first, or use Tensor.matmul for batches"
        )
    if a.shape[1] != b.shape[0]:
        raise ValueError(
            f"{name}: {a.shape} @ {b.shape}: inner sizes {a.shape[1]} and {b.shape[0]} differ; "
            "transpose one side or check which axis holds the features"
        )


def array_of(matrix: Matrix) -> np.ndarray:
    """Return the array of a Tensor, and an array as it is. 0 bytes.

    >>> array_of(Tensor([1.0])).dtype
    dtype('float32')
    """
    return matrix.data if isinstance(matrix, Tensor) else matrix


class MatmulFunction(Function):
    """A matrix product by any kernel, with a gradient by the same kernel: two products more."""

    def forward(self, a: Matrix, b: Matrix, kernel: Callable[..., np.ndarray], *options: int) -> Tensor:
        """Return the product, a Tensor of shape (M, N)."""
        return wrap(kernel(array_of(a), array_of(b), *options), a, b)

    def backward(
        self, grad_output: np.ndarray, a: Matrix, b: Matrix, kernel: Callable[..., np.ndarray], *options: int
    ) -> tuple[np.ndarray | None, ...]:
        """Return one gradient for a, one for b, and None for each thing that is no matrix."""
        grad_a = kernel(grad_output, array_of(b).T, *options) if self.needs[0] else None
        grad_b = kernel(array_of(a).T, grad_output, *options) if self.needs[1] else None
        return grad_a, grad_b, None, *(None for _ in options)


def naive_matmul(a: Matrix, b: Matrix) -> Matrix:
    """Return a @ b by three loops over single numbers: the definition, and the slowest way.

    Parameters
    ----------
    a : Tensor or ndarray of shape (M, K)
    b : Tensor or ndarray of shape (K, N)

    Returns
    -------
    Tensor where a or b is one, else ndarray, of shape (M, N)

    Raises
    ------
    TypeError, ValueError: as `check_matrices`.

    Cost: 2 * M * K * N FLOPs, and as many trips through the interpreter as multiplications.

    >>> naive_matmul(np.array([[1, 2], [3, 4]]), np.array([[1, 0], [1, 1]])).tolist()
    [[3, 2], [7, 4]]
    """
    check_matrices("naive_matmul", a, b)
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return MatmulFunction.apply(a, b, naive_matmul)
    rows, inner, columns = a.shape[0], a.shape[1], b.shape[1]
    out = np.zeros((rows, columns), dtype=np.result_type(a, b))
    for row in range(rows):
        for column in range(columns):
            for k in range(inner):
                out[row, column] += a[row, k] * b[k, column]
    return out


def row_matmul(a: Matrix, b: Matrix) -> Matrix:
    """Return a @ b with one loop: each row of a, stood upright, times all of b, summed downwards.

    a (M, K) times b (K, N) gives (M, N); Parameters, Returns and Raises as for `naive_matmul`.

    Cost: 2 * M * K * N FLOPs; each row writes K * N products to memory and reads them back.

    >>> row_matmul(np.array([[1, 2], [3, 4]]), np.array([[1, 0], [1, 1]])).tolist()
    [[3, 2], [7, 4]]
    """
    check_matrices("row_matmul", a, b)
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return MatmulFunction.apply(a, b, row_matmul)
    out = np.empty((a.shape[0], b.shape[1]), dtype=np.result_type(a, b))
    for row in range(a.shape[0]):
        products = a[row, :, np.newaxis] * b  # (K, 1) * (K, N)
        np.sum(products, axis=0, out=out[row])
    return out


def broadcast_matmul(a: Matrix, b: Matrix) -> Matrix:
    """Return a @ b without a loop: all products at once, as a block of M * K * N numbers, and one sum.

    a (M, K) times b (K, N) gives (M, N); Parameters, Returns and Raises as for `naive_matmul`.

    Cost: 2 * M * K * N FLOPs; M * K * N products are written to memory and read back.

    >>> broadcast_matmul(np.array([[1, 2], [3, 4]]), np.array([[1, 0], [1, 1]])).tolist()
    [[3, 2], [7, 4]]
    """
    check_matrices("broadcast_matmul", a, b)
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return MatmulFunction.apply(a, b, broadcast_matmul)
    products = a[:, :, np.newaxis] * b  # (M, K, 1) * (K, N) -> (M, K, N)
    return products.sum(axis=1, dtype=products.dtype)


def tiled_matmul(a: Matrix, b: Matrix, tile_size: int = 64) -> Matrix:
    """Return a @ b tile by tile, so that what is in use stays in the cache.

    For each band of `tile_size` columns, b's part is copied once, so that its rows lie one behind
    the other. Then each tile of the result is a sum of products of two tiles. At the edges tiles
    are smaller.

    Parameters
    ----------
    a, b : as for `naive_matmul`, which also says what is returned and raised
    tile_size : int, at least 1, rows and columns of a tile; three of them should fit into the cache

    Cost: 2 * M * K * N FLOPs, and a copy of b; bytes moved: see `matmul_traffic`.

    References: Lam, Rothberg and Wolf (1991); Goto and van de Geijn (2008).

    >>> tiled_matmul(np.array([[1, 2], [3, 4]]), np.array([[1, 0], [1, 1]]), tile_size=1).tolist()
    [[3, 2], [7, 4]]
    """
    check_matrices("tiled_matmul", a, b)
    check_count("tiled_matmul", "tile_size", tile_size, least=1)
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return MatmulFunction.apply(a, b, tiled_matmul, tile_size)
    rows, inner, columns = a.shape[0], a.shape[1], b.shape[1]
    out = np.zeros((rows, columns), dtype=np.result_type(a, b))
    for j in range(0, columns, tile_size):
        band = b[:, j : j + tile_size].copy()  # (K, tile)
        for i in range(0, rows, tile_size):
            tile = out[i : i + tile_size, j : j + tile_size]
            for k in range(0, inner, tile_size):
                tile += a[i : i + tile_size, k : k + tile_size] @ band[k : k + tile_size]
    return out


def vectorized_matmul(a: Matrix, b: Matrix) -> Matrix:
    """Return a @ b in one call: NumPy's own kernel, tiled, packed and vectorized in machine code.

    a (M, K) times b (K, N) gives (M, N); Parameters, Returns and Raises as for `naive_matmul`.

    Cost: 2 * M * K * N FLOPs, near the machine's peak for float32 and float64.

    >>> vectorized_matmul(np.array([[1, 2], [3, 4]]), np.array([[1, 0], [1, 1]])).tolist()
    [[3, 2], [7, 4]]
    """
    check_matrices("vectorized_matmul", a, b)
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return MatmulFunction.apply(a, b, vectorized_matmul)
    return np.matmul(a, b)


def matmul_traffic(rows: int, inner: int, columns: int, tile: int, itemsize: int = 4) -> int:
    """Return the bytes that a tiled product moves between memory and cache: a model, no measurement.

    The cache holds three tiles and nothing else. Then all of a is read once for each tile of
    columns, all of b once for each tile of rows, and the result is written once.

    Parameters
    ----------
    rows, inner, columns : int, the sizes M, K and N of (M, K) @ (K, N)
    tile : int, rows and columns of a block; 1 describes the naive loops
    itemsize : int, bytes of a number

    Raises
    ------
    TypeError, ValueError: no integer, a size below 0, a tile or itemsize below 1.

    >>> matmul_traffic(512, 512, 512, tile=1) // matmul_traffic(512, 512, 512, tile=64)
    60
    """
    for name, size in (("rows", rows), ("inner", inner), ("columns", columns)):
        check_count("matmul_traffic", name, size, least=0)
    check_count("matmul_traffic", "tile", tile, least=1)
    check_count("matmul_traffic", "itemsize", itemsize, least=1)
    read_a = rows * inner * math.ceil(columns / tile)
    read_b = inner * columns * math.ceil(rows / tile)
    return (read_a + read_b + rows * columns) * itemsize


def pack_columns(b: np.ndarray, width: int = 8) -> np.ndarray:
    """Return the columns of b in panels, each laid out in the order in which a kernel reads it.

    panels[p, k] holds the numbers of row k in columns p * width to (p + 1) * width, side by side;
    where b has no more columns, 0. Packed like this, every layout of b looks the same.

    Parameters
    ----------
    b : ndarray of shape (K, N), with any strides
    width : int, at least 1, the columns that a kernel works on at a time

    Returns
    -------
    ndarray of shape (number of panels, K, width), contiguous, of b's dtype

    Cost: each number of b is read and written once.

    References: Goto and van de Geijn (2008).

    >>> pack_columns(np.array([[1, 2, 3], [4, 5, 6]]), width=2).tolist()
    [[[1, 2], [4, 5]], [[3, 0], [6, 0]]]
    """
    inner, columns = b.shape
    panels = np.zeros((math.ceil(columns / width), inner, width), dtype=b.dtype)
    for number, panel in enumerate(panels):
        part = b[:, number * width : (number + 1) * width]
        panel[:, : part.shape[1]] = part
    return panels


# Fusion: GELU as many operations and as one.

GELU_SCALE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715
GELU_FLAT = 10.0  # beyond it the slope is 0 or 1 in float64; stopping here keeps x * x from overflowing
FUSED_BLOCK = 1 << 15  # 32,768 float32 numbers are 128 kB: a block of each array fits into a 512 kB cache


def composed_gelu(x: Tensor) -> Tensor:
    """Return GELU(x), of x's shape, written as Tensor operations, each of which makes an array.

    0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))

    Cost: 9 operations: 9 arrays written and most of them kept for backward.

    References: Hendrycks and Gimpel (2016).

    >>> composed_gelu(Tensor([-1.0, 0.0, 1.0])).data.round(4).tolist()
    [-0.15880000591278076, 0.0, 0.8411999940872192]
    """
    cubic = x * x * x * GELU_CUBIC
    gate = Tanh()((x + cubic) * GELU_SCALE)
    return x * 0.5 * (gate + 1.0)


def gelu_into(values: np.ndarray, gate: np.ndarray, out: np.ndarray) -> None:
    """Write GELU(values) into `out` and the tanh in it into `gate`; make no array on the way.

    With s = GELU_SCALE and c = GELU_CUBIC: gate = tanh(s * (values + c * values**3)),
    out = 0.5 * values * (1 + gate).

    Parameters
    ----------
    values, gate, out : ndarrays of one shape and floating-point dtype, in different memory

    Cost: eight passes over arrays that were there before; where these fit into the cache, main
    memory is read once and written twice.

    >>> values, gate, out = np.array([0.0, 1.0]), np.empty(2), np.empty(2)
    >>> gelu_into(values, gate, out)
    >>> gate.round(3).tolist(), out.round(3).tolist()
    ([0.0, 0.682], [0.0, 0.841])
    """
    with np.errstate(over="ignore"):  # where values**2 is infinite, tanh is 1 or -1 as it should be
        np.multiply(values, values, out=gate)
        gate *= GELU_SCALE * GELU_CUBIC
        gate += GELU_SCALE
        gate *= values
    np.tanh(gate, out=gate)
    np.add(gate, 1.0, out=out)
    out *= 0.5
    out *= values


class FusedGELU(Function):
    """GELU as one operation: one pass over memory each way, in blocks that stay in the cache.

    One array is kept for backward, the tanh; without a backward to come, its blocks share their memory.
    """

    def forward(self, x: Tensor, keep: bool) -> Tensor:
        """Return GELU(x), a Tensor of x's shape."""
        flat = float_array(x).ravel()
        out, self.gate = np.empty_like(flat), np.empty_like(flat if keep else flat[:FUSED_BLOCK])
        for start in range(0, flat.size, FUSED_BLOCK):
            block = slice(start, start + FUSED_BLOCK)
            values, result = flat[block], out[block]
            gate = self.gate[block] if keep else self.gate[: values.size]
            gelu_into(values, gate, result)
        return wrap(out.reshape(x.shape), out)  # (size,) -> x's shape

    def backward(self, grad_output: np.ndarray, x: Tensor, keep: bool) -> np.ndarray:
        """Return grad_output * (1 + t) * (0.5 + 0.5 * x * (1 - t) * inner'(x)), with t the tanh."""
        flat, grad = x.data.ravel(), np.ascontiguousarray(grad_output).ravel()
        out, scratch = np.empty_like(flat), np.empty_like(flat[:FUSED_BLOCK])
        for start in range(0, flat.size, FUSED_BLOCK):
            block = slice(start, start + FUSED_BLOCK)
            gate, slope = self.gate[block], out[block]
            other = np.clip(flat[block], -GELU_FLAT, GELU_FLAT, out=scratch[: slope.size])
            np.multiply(other, other, out=slope)
            slope *= 1.5 * GELU_SCALE * GELU_CUBIC
            slope += 0.5 * GELU_SCALE
            slope *= other
            slope *= np.subtract(1.0, gate, out=other)
            slope += 0.5
            slope *= np.add(1.0, gate, out=other)
            slope *= grad[block]
        return out.reshape(x.shape)  # (size,) -> x's shape


def fused_gelu(x: Tensor) -> Tensor:
    """Return GELU(x), of x's shape and floating-point dtype, computed as one operation.

    The values are those of `composed_gelu` and of the layer GELU.

    Cost: x is read once and the result written once; under recording also the tanh, for backward.

    >>> fused_gelu(Tensor([-1.0, 0.0, 1.0])).data.round(4).tolist()
    [-0.15880000591278076, 0.0, 0.8411999940872192]
    """
    return FusedGELU.apply(x if isinstance(x, Tensor) else Tensor(x), is_grad_enabled())


# Reuse: arrays that are lent, returned and lent again.


def sharers(buffer: np.ndarray) -> int:
    """Return how many references the memory under `buffer` has: one for each view of it, and some more."""
    return sys.getrefcount(buffer.base)


def new_buffer(shape: int | tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an uninitialized array that is itself a view, so that its memory can count its views.

    Every view of a view has the same base, the array that owns the memory. Nobody else knows that
    array, so each reference to it is one living view.

    >>> new_buffer((2, 3), np.dtype("float32")).base.shape
    (2, 3)
    """
    return np.empty(shape, dtype)[...]


ALONE = sharers(new_buffer(1, np.dtype("float32")))  # references to the memory when only the buffer views it


def checked_shape(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape as a tuple; raise as `BufferPool.take` says where a size is none.

    >>> checked_shape(3), checked_shape((2, 3))
    ((3,), (2, 3))
    """
    shape = shape if isinstance(shape, tuple) else (shape,)
    for size in shape:
        check_count("take", "size", size, least=0)
    return shape


class BufferPool:
    """Arrays that are used again: returned ones are lent to the next who asks for their shape and dtype.

    A large new array costs more than it seems: the system hands out its pages one by one and fills
    each with zeros at the first touch. A returned one has its pages already.

    Parameters
    ----------
    limit_bytes : int, optional; what waited longest is dropped where more bytes than this wait

    Attributes
    ----------
    hits, misses : int, how often `take` found a waiting array, and how often it made one
    evictions : int, arrays dropped for the limit

    Raises
    ------
    TypeError, ValueError: limit_bytes is no integer, or below 0.

    Cost: take and give_back look through the waiting arrays; no element is touched. A pool pays for
    arrays of megabytes: measure before you use one.

    A buffer that is forgotten instead of returned is freed. Not for several threads at once.

    >>> pool = BufferPool()
    >>> first = pool.take((2, 3))
    >>> pool.give_back(first)
    >>> pool.take((2, 3)) is first, pool.hits, pool.misses
    (True, 1, 1)
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        if limit_bytes is not None:
            check_count("BufferPool", "limit_bytes", limit_bytes, least=0)
        self.limit_bytes = limit_bytes
        self.hits = self.misses = self.evictions = 0
        self.waiting: list[np.ndarray] = []  # the one that waits longest first
        self.lent: WeakValueDictionary[int, np.ndarray] = WeakValueDictionary()  # by id

    @property
    def bytes_held(self) -> int:
        """Bytes of the arrays that wait to be lent, an int.

        >>> pool = BufferPool()
        >>> pool.give_back(pool.take((2, 3)))
        >>> pool.bytes_held
        24
        """
        return sum(buffer.nbytes for buffer in self.waiting)

    @property
    def bytes_lent(self) -> int:
        """Bytes of the arrays that are out and still in use somewhere, an int.

        >>> pool = BufferPool()
        >>> buffer = pool.take((2, 3))
        >>> pool.bytes_lent
        24
        """
        return sum(buffer.nbytes for buffer in self.lent.values())

    def take(self, shape: int | tuple[int, ...], dtype: type | str | np.dtype = np.float32) -> np.ndarray:
        """Lend an array of this shape, the last returned first, or a new one; its values are left-overs.

        Raises
        ------
        TypeError, ValueError: a size is no integer, or below 0 ("take: size -1 is below 0 …").

        >>> BufferPool().take((2, 3), np.float64).nbytes
        48
        """
        shape, dtype = checked_shape(shape), np.dtype(dtype)
        for position in reversed(range(len(self.waiting))):
            buffer = self.waiting[position]
            if buffer.shape == shape and buffer.dtype == dtype:
                self.hits += 1
                return self.lend(self.waiting.pop(position))
        self.misses += 1
        return self.lend(new_buffer(shape, dtype))

    def lend(self, buffer: np.ndarray) -> np.ndarray:
        """Write down that a buffer is lent, and return it.

        >>> pool = BufferPool()
        >>> buffer = pool.lend(new_buffer(2, np.dtype("float32")))
        >>> pool.bytes_lent
        8
        """
        self.lent[id(buffer)] = buffer
        return buffer

    def give_back(self, buffer: np.ndarray) -> None:
        """Take back the array that `take` returned; its user must not touch it any more.

        Raises
        ------
        ValueError: the array is back already, is not this pool's, or a view of it is still alive
            ("give_back: a view of this buffer of shape (2, 3) is still in use; …").

        >>> pool = BufferPool(limit_bytes=0)
        >>> pool.give_back(pool.take(8))
        >>> pool.bytes_held, pool.evictions
        (0, 1)
        """
        self.check_returned(buffer)
        del self.lent[id(buffer)]
        self.waiting.append(buffer)
        while self.limit_bytes is not None and self.bytes_held > self.limit_bytes:
            self.waiting.pop(0)
            self.evictions += 1

    def check_returned(self, buffer: np.ndarray) -> None:
        """Raise as `give_back` says, unless the buffer is lent and nobody else looks into it.

        >>> pool = BufferPool()
        >>> pool.check_returned(pool.take(2))
        """
        if any(buffer is waiting for waiting in self.waiting):
            raise ValueError(
                f"give_back: this buffer of shape {buffer.shape} is back already; "
                "give each buffer back once, and take a new one to go on"
            )
        if buffer is None or self.lent.get(id(buffer)) is not buffer:
            raise ValueError(
                f"give_back: this {describe(buffer)} was not lent by this pool; "
                "give back the very array that take returned, not a view or a copy"
            )
        if sharers(buffer) > ALONE:
            raise ValueError(
                f"give_back: a view of this buffer of shape {buffer.shape} is still in use; "
                "drop the view (del view) or copy it first, else two users write to one memory"
            )

    @contextmanager
    def borrow(self, shape: int | tuple[int, ...], dtype: type | str | np.dtype = np.float32) -> Iterator[np.ndarray]:
        """Lend an array as `take` for a `with` block, and `give_back` at its end.

        When the block fails, its own error is the one that arrives.

        >>> pool = BufferPool()
        >>> with pool.borrow((2, 3)) as buffer:
        ...     buffer[:] = 1.0
        >>> pool.bytes_held, pool.bytes_lent
        (24, 0)
        """
        buffer = self.take(shape, dtype)
        try:
            yield buffer
        except BaseException:
            self.lent.pop(id(buffer), None)  # the error may hold views of it, so it is not lent again
            raise
        self.give_back(buffer)

    def clear(self) -> None:
        """Drop every waiting array, so that its memory can be used for something else.

        >>> pool = BufferPool()
        >>> pool.give_back(pool.take(8))
        >>> pool.clear()
        >>> pool.bytes_held
        0
        """
        self.waiting.clear()


def describe(value: object) -> str:
    """Name a value by its type and, where it has one, its shape.

    >>> describe(np.zeros((2, 3)))
    'ndarray of shape (2, 3)'
    """
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"{type(value).__name__} of shape {shape}"


def pooled_forward(layers: Iterable[Layer], x: Tensor, pool: BufferPool) -> Tensor:
    """Run x through Linear and ReLU layers in memory that a pool lends, and record nothing.

    Parameters
    ----------
    layers : Linear and ReLU layers, in their order; a Sequential can be walked through like a list
    x : Tensor of shape (N, features) and floating-point dtype; it stays as it is
    pool : BufferPool; at the end nothing of it is lent any more

    Returns
    -------
    Tensor of shape (N, features of the last layer), in memory of its own

    Raises
    ------
    TypeError: another kind of layer.

    Cost: the FLOPs of the layers; from the second call on the only new array is the result.

    >>> layers, x = [Linear(3, 4), ReLU(), Linear(4, 2)], Tensor(np.ones((5, 3)))
    >>> pooled_forward(layers, x, BufferPool()).shape
    (5, 2)
    """
    values, lent = x.data, None
    for layer in layers:
        if isinstance(layer, Linear):
            out = pool.take((len(values), layer.out_features), values.dtype)
            multiply_into(values, layer, out)
        elif isinstance(layer, ReLU):
            out = pool.take(values.shape, values.dtype) if lent is None else lent
            np.maximum(values, 0, out=out)
        else:
            raise TypeError(f"pooled_forward: {type(layer).__name__} has no form that writes into lent memory")
        if lent is not None and lent is not out:
            pool.give_back(lent)
        values = lent = out
    result = from_numpy(values.copy())
    if lent is not None:
        pool.give_back(lent)
    return result


def multiply_into(values: np.ndarray, layer: Linear, out: np.ndarray) -> None:
    """Write what a Linear layer makes of values (N, in) into out (N, out).

    >>> layer, out = Linear(3, 2, bias=False), np.empty((1, 2), np.float32)
    >>> multiply_into(np.zeros((1, 3), np.float32), layer, out)
    >>> out.tolist()
    [[0.0, 0.0]]
    """
    np.matmul(values, layer.weight.data, out=out)
    if layer.bias is not None:
        out += layer.bias.data
