"""Tensor: a grid of numbers with a shape and a dtype, and the arithmetic on it.

Built in chapter 01. Depends on NumPy and on nothing else of this package.

The file reads from top to bottom: how data becomes an array (`to_array`), how two shapes
meet (`broadcast_shape`), how two operands become a result (`combine`), and then `Tensor`,
whose methods all have the same beats: take the arrays, compute with NumPy, wrap the result.

A Tensor here knows nothing of gradients. Chapter 06 adds `requires_grad` and what belongs to
it from outside, without a line of this file changing; `dtype` is therefore a keyword-only
argument, so that the second place in `Tensor(data, …)` stays free.

Values are changed through `.data`, an ordinary NumPy array; every method makes a new Tensor.
"""

from __future__ import annotations

import math

import numpy as np

NUMBER_KINDS = "biuf"  # NumPy's letters for bool, signed, unsigned and floating-point dtypes
COMPARABLE = (int, float, list, tuple, np.ndarray, np.generic)  # beside Tensor, what == takes for numbers


def read_numbers(data):
    """Return `data` as a NumPy array of numbers, in whatever dtype NumPy finds.

    Parameters
    ----------
    data : Tensor, ndarray, number, or nested lists of numbers

    Returns
    -------
    ndarray, sharing memory with `data` where `data` is a Tensor or an ndarray

    Raises
    ------
    ValueError: the nested lists are not a full grid ("rows of length 2 and 3 …").
    TypeError: something in `data` is not a number ("got text …").

    Cost: nothing for a Tensor or an ndarray; one pass over all elements for lists.

    >>> read_numbers([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if isinstance(data, Tensor):
        return data.data
    try:
        array = np.asarray(data)
    except ValueError:
        raise ValueError(describe_ragged(data)) from None
    if array.dtype.kind not in NUMBER_KINDS:
        raise TypeError(describe_not_numbers(data, array))
    return array


def describe_ragged(data):
    """Say what is wrong with nested lists that are not a full grid.

    >>> describe_ragged([[1, 2, 3], [4, 5]])[:36]
    'Tensor: the rows have lengths 2 and '
    """
    lengths = sorted({len(row) if hasattr(row, "__len__") else 0 for row in data})
    if len(lengths) > 1:
        found = "the rows have lengths " + " and ".join(str(length) for length in lengths[:3])
        found = found.replace("lengths 0 and", "lengths 0 (a bare number) and")
    else:
        found = "the inner lists have different lengths"
    return f"Tensor: {found}; a tensor is a full grid, so make all rows equally long"


def describe_not_numbers(data, array):
    """Say what was found where numbers are needed.

    >>> describe_not_numbers("hi", np.asarray("hi"))[:16]
    'Tensor: got text'
    """
    kind = array.dtype.kind
    if kind in "US":
        return "Tensor: got text; a tensor holds numbers, so convert with float(...) first"
    if kind == "c":
        return "Tensor: got complex numbers; a tensor holds real ones, so pass .real or abs(...)"
    odd = [item for item in array.flat if not isinstance(item, (bool, int, float))]
    if not odd:
        return "Tensor: got an integer of more than 64 bits; pass it as a float"
    return (
        f"Tensor: got {type(odd[0]).__name__} where a number is needed; "
        "pass a number, nested lists of numbers, or a NumPy array of numbers"
    )


def to_array(data, dtype=None):
    """Return `data` as the array a Tensor stores: float32 unless there is a reason.

    Without `dtype`: booleans stay bool, a Tensor or a NumPy array of integers keeps its dtype,
    and everything else (Python numbers, lists, floating-point arrays) becomes float32.

    Parameters
    ----------
    data : Tensor, ndarray, number, or nested lists of numbers
    dtype : NumPy dtype, optional; when given, it wins

    Returns
    -------
    ndarray; `data`'s own memory where no conversion is needed

    Raises
    ------
    ValueError, TypeError: as `read_numbers`, for data that is not a grid of numbers.

    Cost: 0 bytes when the dtype is right already, else a copy of size * itemsize bytes.

    >>> to_array([1, 2, 3]).dtype
    dtype('float32')
    >>> to_array([True, False]).dtype
    dtype('bool')
    """
    array = read_numbers(data)
    if dtype is None:
        from_numpy = isinstance(data, (np.ndarray, np.generic))
        chosen = isinstance(data, Tensor) or (from_numpy and array.dtype.kind in "iu")
        dtype = array.dtype if chosen or array.dtype.kind == "b" else np.float32
    return array.astype(dtype, copy=False)


def check_dtype(dtype):
    """Return `dtype` as a NumPy dtype, or raise when a Tensor cannot store it.

    Raises
    ------
    TypeError: not a dtype of numbers ("dtype …: a tensor stores …").

    >>> check_dtype("float64")
    dtype('float64')
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found.kind not in NUMBER_KINDS:
        raise TypeError(
            f"Tensor: dtype {dtype!r}: a tensor stores booleans, integers or "
            "floating-point numbers; use for example np.float32 or np.int64"
        )
    return found


def broadcast_shape(shape_a, shape_b):
    """Return the shape that an elementwise operation on two shapes produces.

    The shapes are lined up at their right ends; a missing size counts as 1.
    Two sizes fit when they are equal or one of them is 1; the result takes
    the size that is not 1.

    Parameters
    ----------
    shape_a, shape_b : tuple of int, of any lengths

    Returns
    -------
    tuple of int, as long as the longer of the two

    Raises
    ------
    ValueError: two sizes differ and neither is 1
        ("broadcast: (2, 3) and (4,): sizes 3 and 4 do not fit; …").

    Cost: one step an axis, no elements touched.

    >>> broadcast_shape((2, 3), (3,))
    (2, 3)
    >>> broadcast_shape((4, 1), (1, 5))
    (4, 5)
    """
    ndim = max(len(shape_a), len(shape_b))
    padded_a = (1,) * (ndim - len(shape_a)) + tuple(shape_a)
    padded_b = (1,) * (ndim - len(shape_b)) + tuple(shape_b)
    result = []
    for a, b in zip(padded_a, padded_b):
        if a != b and a != 1 and b != 1:
            raise ValueError(
                f"broadcast: {shape_a} and {shape_b}: sizes {a} and {b} do not fit; "
                "lined up from the right, they must be equal or 1"
            )
        result.append(b if a == 1 else a)
    return tuple(result)


def operand(value):
    """Return what NumPy should compute with: an array, or a plain Python number.

    Python numbers stay as they are, because NumPy lets them take the array's dtype:
    float32 times 2.0 stays float32.

    Parameters
    ----------
    value : Tensor, number, list or ndarray

    Raises
    ------
    TypeError: not a number or a grid of numbers.

    >>> operand(np.float64(2.0)), operand(Tensor([1, 2])).dtype
    (2.0, dtype('float32'))
    """
    if isinstance(value, Tensor):
        return value.data
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (bool, int, float)):
        return value
    return to_array(value)


def wrap(array, *sources):
    """Make a Tensor of a result, keeping its dtype when one of the sources has it.

    NumPy sometimes answers in float64 although nobody asked (int64 with float32, a division
    of integers). Such a result is stored as float32; float64 stays where a source has it.

    Parameters
    ----------
    array : ndarray or NumPy number, the result
    sources : Tensors or arrays it was computed from; Python numbers are ignored

    Returns
    -------
    Tensor, sharing the memory of `array` unless the dtype changes

    >>> wrap(np.array([0.5]), np.array([1], dtype=np.int64)).dtype
    dtype('float32')
    """
    for source in sources:
        if hasattr(source, "dtype") and source.dtype == array.dtype:
            result = Tensor.__new__(Tensor)  # every operation ends here: nothing is checked twice
            result.data = np.asarray(array)
            return result
    return Tensor(array)


def combine(operation, left, right):
    """Return a Tensor: an elementwise operation applied to two operands.

    All of + - * / ** and the comparisons go through here.

    Parameters
    ----------
    operation : NumPy function of two arguments, such as np.add
    left, right : Tensor of any shape, number, list or ndarray

    Returns
    -------
    Tensor of the broadcast shape

    Raises
    ------
    ValueError: the shapes do not fit (the sentence of `broadcast_shape`).
    TypeError: an operand is not made of numbers.

    Cost: one operation and one new element for each element of the result.

    >>> combine(np.add, Tensor([1, 2]), 10)
    Tensor([11., 12.], shape=(2,))
    """
    a, b = operand(left), operand(right)
    if np.shape(a) != np.shape(b):
        broadcast_shape(np.shape(a), np.shape(b))
    return wrap(operation(a, b), a, b)


def is_whole(value):
    """Return whether `value` is a whole number, Python's or NumPy's; True and False are none.

    >>> is_whole(3), is_whole(np.int64(3)), is_whole(3.0), is_whole(True)
    (True, True, False, False)
    """
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_real(value):
    """Return whether `value` is a number with or without a fraction, Python's or NumPy's; no bool is one.

    >>> is_real(3), is_real(np.float32(0.5)), is_real("0.5"), is_real(True)
    (True, True, False, False)
    """
    return is_whole(value) or isinstance(value, (float, np.floating))


def check_axis(name, axis, shape):
    """Return `axis` counted from the front, or raise when `shape` has no such axis.

    Parameters
    ----------
    name : str, the operation's name for the message
    axis : int, from -len(shape) to len(shape) - 1
    shape : tuple of int

    Raises
    ------
    ValueError: no such axis ("sum: axis 2 does not exist in shape (2, 3); …").
    TypeError: `axis` is not an integer.

    >>> check_axis("sum", -1, (2, 3))
    1
    """
    if not is_whole(axis):
        raise TypeError(f"{name}: axis {axis!r} is not an integer")
    if not -len(shape) <= axis < len(shape):
        have = f"axes run from {-len(shape)} to {len(shape) - 1}" if shape else "a single number has no axes"
        raise ValueError(f"{name}: axis {axis} does not exist in shape {shape}; {have}")
    return int(axis) % len(shape)


def check_axes(name, axis, shape):
    """Return `axis` (None, an int or a tuple of ints) with every axis counted from the front.

    Raises
    ------
    ValueError: an axis does not exist, or is named twice.

    >>> check_axes("mean", (0, -1), (2, 3, 4))
    (0, 2)
    """
    if axis is None:
        return tuple(range(len(shape)))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = tuple(check_axis(name, one, shape) for one in axes)
    if len(set(found)) != len(found):
        raise ValueError(f"{name}: axis {axis} names the same axis twice; name each once")
    return found


def sizes_from(name, arguments):
    """Return sizes or axes given as `f(2, 3)`, `f((2, 3))` or `f([2, 3])` as one tuple of int.

    Raises
    ------
    TypeError: something is not an integer ("reshape: sizes must be integers; got 2.0").

    >>> sizes_from("reshape", ((2, 3),))
    (2, 3)
    """
    if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        arguments = arguments[0]
    for value in arguments:
        if not is_whole(value):
            raise TypeError(f"{name}: expected integers, got {value!r}; write for example {name}(2, 3)")
    return tuple(int(value) for value in arguments)


class Tensor:
    """A grid of numbers: an array, its shape, and the operations on it.

    Parameters
    ----------
    data : number, nested lists of numbers, ndarray or Tensor, of any shape
    dtype : NumPy dtype, optional (float32 by default; see `to_array`)

    Attributes
    ----------
    data : ndarray, the numbers themselves

    Raises
    ------
    ValueError: nested lists of unequal lengths.
    TypeError: something that is not a number, or a dtype that holds no numbers.

    Cost: size * itemsize bytes, or 0 when `data` is an array that already has the dtype:
    then Tensor and array share one memory.

    >>> Tensor([[1, 2, 3], [4, 5, 6]])
    Tensor([[1., 2., 3.],
            [4., 5., 6.]], shape=(2, 3))
    """

    # NumPy leaves `array + tensor` and `np.float32(2) * tensor` to the Tensor's own methods.
    __array_ufunc__ = None

    def __init__(self, data, *, dtype=None):
        self.data = to_array(data, None if dtype is None else check_dtype(dtype))

    # What a tensor says about itself. None of these touches an element.

    @property
    def shape(self):
        """Sizes along each axis, a tuple of int; () for a single number.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).shape
        (2, 3)
        """
        return self.data.shape

    @property
    def ndim(self):
        """Number of axes, an int.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).ndim
        2
        """
        return self.data.ndim

    @property
    def size(self):
        """Number of elements, an int: the product of the shape.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).size
        6
        """
        return self.data.size

    @property
    def dtype(self):
        """NumPy dtype of the elements.

        >>> Tensor([0.5]).dtype
        dtype('float32')
        """
        return self.data.dtype

    def numel(self):
        """Return the number of elements, an int. PyTorch's name for `size`.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).numel()
        6
        """
        return self.data.size

    def memory_footprint(self):
        """Return the number of bytes that the elements take.

        Returns
        -------
        int: number of elements times bytes of one element

        Cost: one multiplication, no elements touched.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).memory_footprint()
        24
        """
        return self.data.size * self.data.itemsize

    def numpy(self):
        """Return the NumPy array itself; it shares memory with the Tensor. 0 bytes.

        >>> t = Tensor([1, 2])
        >>> t.numpy() is t.data
        True
        """
        return self.data

    def item(self):
        """Return the only element as a Python number.

        Raises
        ------
        ValueError: there is not exactly one element ("item: shape (2, 3) holds 6 …").

        >>> Tensor([[7.5]]).item()
        7.5
        """
        if self.size != 1:
            raise ValueError(
                f"item: shape {self.shape} holds {self.size} elements and item() "
                "needs exactly one; index first, or use numpy()"
            )
        return self.data.item()

    def __repr__(self):
        """Return the elements, the shape, and the dtype where it is not float32."""
        values = np.array2string(self.data, separator=", ", prefix="Tensor(")
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        return f"Tensor({values}, shape={self.shape}{dtype})"

    def __len__(self):
        """Return the size of the first axis; a single number raises TypeError."""
        if self.ndim == 0:
            raise TypeError("len: a single number has no length; shape is ()")
        return self.shape[0]

    def __iter__(self):
        """Go through the first axis, one Tensor at a time."""
        return (self[index] for index in range(len(self)))

    def __bool__(self):
        """Return the truth of the only element; more than one raises ValueError."""
        if self.size != 1:
            raise ValueError(
                f"bool: shape {self.shape} holds {self.size} elements, so it is "
                "neither true nor false; use .numpy().all() or .numpy().any()"
            )
        return bool(self.data.item())

    def __array__(self, dtype=None, copy=None):
        """Let NumPy functions such as np.asarray read the Tensor."""
        return np.array(self.data, dtype=dtype, copy=copy)

    # Elementwise arithmetic. Each method names its NumPy operation; `combine` does the rest.

    def __add__(self, other):
        """Return self + other, elementwise with broadcasting. 1 FLOP an element.

        >>> Tensor([[1, 2], [3, 4]]) + Tensor([10, 20])
        Tensor([[11., 22.],
                [13., 24.]], shape=(2, 2))
        """
        return combine(np.add, self, other)

    def __radd__(self, other):
        """Return other + self."""
        return combine(np.add, other, self)

    def __sub__(self, other):
        """Return self - other, elementwise with broadcasting. 1 FLOP an element.

        >>> Tensor([1, 2]) - 1
        Tensor([0., 1.], shape=(2,))
        """
        return combine(np.subtract, self, other)

    def __rsub__(self, other):
        """Return other - self."""
        return combine(np.subtract, other, self)

    def __mul__(self, other):
        """Return self * other, elementwise with broadcasting. 1 FLOP an element.

        >>> 2 * Tensor([1, 2])
        Tensor([2., 4.], shape=(2,))
        """
        return combine(np.multiply, self, other)

    def __rmul__(self, other):
        """Return other * self."""
        return combine(np.multiply, other, self)

    def __truediv__(self, other):
        """Return self / other, elementwise with broadcasting. 1 FLOP an element.

        >>> Tensor([1, 2]) / 4
        Tensor([0.25, 0.5 ], shape=(2,))
        """
        return combine(np.true_divide, self, other)

    def __rtruediv__(self, other):
        """Return other / self."""
        return combine(np.true_divide, other, self)

    def __pow__(self, other):
        """Return self ** other, elementwise. A product is cheaper: x * x * x beats x ** 3.

        >>> Tensor([1, 2, 3]) ** 2
        Tensor([1., 4., 9.], shape=(3,))
        """
        return combine(np.power, self, other)

    def __rpow__(self, other):
        """Return other ** self."""
        return combine(np.power, other, self)

    def __neg__(self):
        """Return -self. 1 FLOP an element.

        >>> -Tensor([1, -2])
        Tensor([-1.,  2.], shape=(2,))
        """
        return combine(np.multiply, self, -1)

    # Comparisons. The result is a Tensor of booleans, one byte each.

    def __eq__(self, other):
        """Return self == other, elementwise; False for something that is not numbers."""
        if not isinstance(other, (Tensor, *COMPARABLE)):
            return NotImplemented
        return combine(np.equal, self, other)

    def __ne__(self, other):
        """Return self != other, elementwise; True for something that is not numbers."""
        if not isinstance(other, (Tensor, *COMPARABLE)):
            return NotImplemented
        return combine(np.not_equal, self, other)

    def __lt__(self, other):
        """Return self < other, elementwise.

        >>> Tensor([1, 5]) < 3
        Tensor([ True, False], shape=(2,), dtype=bool)
        """
        return combine(np.less, self, other)

    def __le__(self, other):
        """Return self <= other, elementwise."""
        return combine(np.less_equal, self, other)

    def __gt__(self, other):
        """Return self > other, elementwise."""
        return combine(np.greater, self, other)

    def __ge__(self, other):
        """Return self >= other, elementwise."""
        return combine(np.greater_equal, self, other)

    # `==` compares elements, so a Tensor is told apart by identity in sets and as a dict key.
    __hash__ = object.__hash__

    # Matrix multiplication.

    def matmul(self, other):
        """Return the matrix product self @ other.

        Each element of the result is a sum of products: a row of `self` times a
        column of `other`. Axes in front of the last two count matrices, and
        broadcast.

        Parameters
        ----------
        other : Tensor of shape (K,), (K, N) or (…, K, N);
            self has shape (K,), (M, K) or (…, M, K)

        Returns
        -------
        Tensor of shape (…, M, N), without M or N where that side has one axis

        Raises
        ------
        ValueError: one side is a single number, or the inner sizes differ
            ("matmul: (2, 3) @ (4, 5): inner sizes 3 and 4 differ; …"), or the axes in
            front do not broadcast (the sentence of `broadcast_shape`).

        Cost: 2 * M * K * N FLOPs and M * N new elements for each matrix.

        >>> Tensor([[1, 2], [3, 4]]).matmul(Tensor([[10], [1]]))
        Tensor([[12.],
                [34.]], shape=(2, 1))
        """
        a, b = self.data, to_array(other)
        if a.ndim == 0 or b.ndim == 0:
            raise ValueError(f"matmul: {a.shape} @ {b.shape}: a single number has no rows or columns; use * to scale")
        rows = b.shape[0] if b.ndim == 1 else b.shape[-2]
        if a.shape[-1] != rows:
            raise ValueError(
                f"matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {rows} differ; "
                "they must be equal, so transpose one side or check the order"
            )
        if a.ndim > 2 and b.ndim > 2:
            broadcast_shape(a.shape[:-2], b.shape[:-2])
        return wrap(np.matmul(a, b), a, b)

    def __matmul__(self, other):
        """Return self @ other; see `matmul`."""
        return self.matmul(other)

    def __rmatmul__(self, other):
        """Return other @ self, where other is a list or an ndarray."""
        return Tensor(other).matmul(self)

    # Other shapes of the same numbers.

    def reshape(self, *shape):
        """Return the same elements, in the same order, in another shape.

        Parameters
        ----------
        shape : int, or one tuple of int; one size may be -1: worked out here

        Returns
        -------
        Tensor of that shape; a view where the memory order allows it, else a copy

        Raises
        ------
        ValueError: the sizes do not multiply to the number of elements
            ("reshape: (2, 3) has 6 elements and cannot become (4, 2); …").
        TypeError: a size is not an integer.

        Cost: 0 bytes for a view; size * itemsize bytes for a copy.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).reshape(3, -1).shape
        (3, 2)
        """
        shape = sizes_from("reshape", shape)
        asked = shape
        known = math.prod(size for size in shape if size != -1)
        if shape.count(-1) == 1 and known > 0:
            missing = self.size // known
            shape = tuple(missing if size == -1 else size for size in shape)
        if math.prod(shape) != self.size or any(size < 0 for size in shape):
            raise ValueError(
                f"reshape: {self.shape} has {self.size} elements and cannot become {asked}; "
                f"the sizes must multiply to {self.size}, and one of them may be -1"
            )
        return wrap(self.data.reshape(shape), self)

    def view(self, *shape):
        """Return the same memory in another shape; never a copy.

        Parameters
        ----------
        shape : as in `reshape`

        Raises
        ------
        ValueError: the elements do not lie in that order in memory, or as in `reshape`.

        Cost: 0 bytes.

        >>> t = Tensor([1, 2, 3, 4])
        >>> np.shares_memory(t.view(2, 2).data, t.data)
        True
        """
        result = self.reshape(*shape)
        if self.size and not np.may_share_memory(result.data, self.data):
            raise ValueError(
                f"view: {self.shape} to {result.shape} needs a copy, because the "
                "elements do not lie in that order in memory; use reshape(...), "
                "or contiguous() first"
            )
        return result

    def transpose(self, dim0=-2, dim1=-1):
        """Return a view in which two axes have changed places.

        Parameters
        ----------
        dim0, dim1 : int, the two axes; negative ones count from the end

        Returns
        -------
        Tensor of the shape with the two sizes swapped, on the same memory

        Raises
        ------
        ValueError: an axis does not exist ("transpose: axis 2 does not exist …").

        Cost: 0 bytes. Only shape and strides change.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).transpose(0, 1)
        Tensor([[1., 4.],
                [2., 5.],
                [3., 6.]], shape=(3, 2))
        """
        first = check_axis("transpose", dim0, self.shape)
        second = check_axis("transpose", dim1, self.shape)
        return wrap(np.swapaxes(self.data, first, second), self)

    def permute(self, *dims):
        """Return a view with the axes in a new order.

        Parameters
        ----------
        dims : int, or one tuple of int: for each new axis, the old one that goes there

        Raises
        ------
        ValueError: `dims` does not name every axis once.

        Cost: 0 bytes.

        >>> Tensor(np.zeros((2, 3, 4))).permute(2, 0, 1).shape
        (4, 2, 3)
        """
        dims = sizes_from("permute", dims)
        order = tuple(check_axis("permute", axis, self.shape) for axis in dims)
        if sorted(order) != list(range(self.ndim)):
            raise ValueError(f"permute: {dims} does not name each of the {self.ndim} axes of shape {self.shape} once")
        return wrap(self.data.transpose(order), self)

    @property
    def T(self):
        """The axes in reverse order, a view: (M, N) becomes (N, M). 0 bytes.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).T.shape
        (3, 2)
        """
        return wrap(self.data.T, self)

    def contiguous(self):
        """Return the same elements lying row by row in memory.

        Returns
        -------
        Tensor: self where the elements lie so already, else a copy

        Cost: 0 bytes, or size * itemsize bytes for the copy.

        >>> t = Tensor([[1, 2, 3], [4, 5, 6]])
        >>> t.contiguous() is t, t.T.contiguous().data.strides
        (True, (8, 4))
        """
        if self.data.flags.c_contiguous:
            return self
        return wrap(self.data.copy(order="C"), self)

    # Reductions: many numbers in, fewer out.

    def sum(self, axis=None, keepdims=False):
        """Return the sum over all elements, or along one axis or several.

        Parameters
        ----------
        axis : int, tuple of int, or None for all
        keepdims : bool; True keeps a summed axis with size 1

        Returns
        -------
        Tensor of the shape without the summed axes; () for all

        Raises
        ------
        ValueError: an axis does not exist ("sum: axis 2 does not exist …").

        Cost: 1 FLOP an element.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).sum(axis=0)
        Tensor([5., 7., 9.], shape=(3,))
        """
        axes = check_axes("sum", axis, self.shape)
        return wrap(np.sum(self.data, axis=axes, keepdims=keepdims), self)

    def mean(self, axis=None, keepdims=False):
        """Return the mean over all elements, or along one axis or several.

        Parameters
        ----------
        axis : int, tuple of int, or None for all
        keepdims : bool; True keeps a reduced axis with size 1

        Returns
        -------
        Tensor of the shape without the reduced axes; () for all

        Raises
        ------
        ValueError: an axis does not exist ("mean: axis 2 does not exist …").

        Cost: 1 FLOP an element, and 1 for each result.

        >>> Tensor([[1, 2, 3], [4, 5, 6]]).mean(axis=1)
        Tensor([2., 5.], shape=(2,))
        """
        axes = check_axes("mean", axis, self.shape)
        count = math.prod(self.shape[axis] for axis in axes)
        return self.sum(axes, keepdims) / count

    def max(self, axis=None, keepdims=False):
        """Return the largest element of all, or along one axis or several.

        Parameters
        ----------
        axis : int, tuple of int, or None for all
        keepdims : bool; True keeps a reduced axis with size 1

        Returns
        -------
        Tensor of the shape without the reduced axes; () for all

        Raises
        ------
        ValueError: an axis does not exist, or there is nothing to take the largest of.

        Cost: 1 comparison an element.

        >>> Tensor([[1, 5], [4, 2]]).max(axis=0)
        Tensor([4., 5.], shape=(2,))
        """
        axes = check_axes("max", axis, self.shape)
        if any(self.shape[axis] == 0 for axis in axes):
            raise ValueError(
                f"max: shape {self.shape} has no elements along axis {axes}; the largest of nothing is not defined"
            )
        return wrap(np.max(self.data, axis=axes, keepdims=keepdims), self)

    # Choosing elements.

    def masked_fill(self, mask, value):
        """Return a copy in which the elements under a True of the mask are `value`.

        Parameters
        ----------
        mask : Tensor or ndarray of bool, of self's shape or one that broadcasts to it
        value : number

        Returns
        -------
        Tensor of self's shape and dtype

        Raises
        ------
        TypeError: the mask is not boolean, or self's dtype cannot hold the value.
        ValueError: the mask's shape does not broadcast to self's.

        Cost: size * itemsize bytes for the copy.

        >>> t = Tensor([1, -2, 3])
        >>> t.masked_fill(t < 0, 0)
        Tensor([1., 0., 3.], shape=(3,))
        """
        mask = to_array(mask)
        if mask.dtype.kind != "b":
            raise TypeError(
                f"masked_fill: the mask holds {mask.dtype}; it must hold booleans, "
                "so write a comparison such as mask == 0"
            )
        if broadcast_shape(self.shape, mask.shape) != self.shape:
            raise ValueError(
                f"masked_fill: a mask of shape {mask.shape} is larger than the tensor of shape {self.shape}"
            )
        if self.dtype.kind != "f" and float(value) % 1 != 0:
            raise TypeError(f"masked_fill: {self.dtype} cannot hold {value}; make a floating-point tensor first")
        return wrap(np.where(mask, np.asarray(value, dtype=self.dtype), self.data), self)

    def __getitem__(self, index):
        """Return the elements at an index: a number, slice, tuple, or Tensor of either kind.

        A Tensor of booleans picks elements, a Tensor of integers picks positions. Numbers and
        slices give a view; booleans and integers in a Tensor, list or array give a copy.

        Raises
        ------
        IndexError: outside the shape, or not usable as a position.

        >>> t = Tensor([[1, 2, 3], [4, 5, 6]])
        >>> t[1, :2]
        Tensor([4., 5.], shape=(2,))
        """
        parts = index if isinstance(index, tuple) else (index,)
        key = tuple(part.data if isinstance(part, Tensor) else part for part in parts)
        try:
            return wrap(self.data[key], self)
        except IndexError as error:
            raise IndexError(f"index: {index!r} does not fit shape {self.shape}: {error}") from None

    def __setitem__(self, index, value):
        """Raise TypeError: a Tensor's elements are written through `.data`."""
        raise TypeError("a Tensor's elements are not assigned directly; write to the array: t.data[index] = value")
