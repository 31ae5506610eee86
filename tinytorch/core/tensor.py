"""Tensor: a grid of numbers with a shape and a dtype, and the arithmetic on it.

Built in chapter 01. Depends on NumPy and on nothing else of this package.

The file reads from top to bottom: how data becomes an array (`to_array`), how two shapes
meet (`broadcast_shape`), how two operands become a result (`combine`), and then `Tensor`,
whose methods all have the same beats: take the arrays, compute with NumPy, wrap the result.
Behind it stand the functions that make Tensors (`zeros`, `arange`, …) or join them (`cat`, `stack`).

A Tensor here knows nothing of gradients. Chapter 06 adds `requires_grad` and what belongs to
it from outside, without a line of this file changing; `dtype` is therefore a keyword-only
argument, so that the second place in `Tensor(data, …)` stays free.

A Tensor owns its numbers, which lie in `.data`, an ordinary NumPy array. Every method makes a new Tensor;
only `+= -= *= /=` and `t[index] = value` change one (`change`).
"""

from __future__ import annotations

import functools
import inspect
import math

import numpy as np

new, ndarray, asarray = object.__new__, np.ndarray, np.asarray  # by short ways: `wrap` ends every operation
FLOAT32, ABSENT = np.dtype(np.float32), object()  # ABSENT, not None: to NumPy None is a name of float64
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
    if dtype is None and isinstance(data, Tensor):
        return data.data  # the operand of every operation: nothing to look at
    array = read_numbers(data)
    if dtype is None:
        from_numpy = isinstance(data, (np.ndarray, np.generic))
        chosen = array.dtype.kind == "b" or (from_numpy and array.dtype.kind in "iu")
        dtype = array.dtype if chosen else np.float32
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
    dtype = array.dtype
    if dtype is not FLOAT32:  # what nearly all results are stay float32 whatever they were made of
        for source in sources:
            if getattr(source, "dtype", ABSENT) == dtype:
                break
        else:
            array = to_array(array)
    result = new(Tensor)  # every operation ends here: nothing is checked twice
    # As `result.data = …`, which chapter 06 takes for a change.
    result.__dict__["data"] = array if type(array) is ndarray else asarray(array)
    return result


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
    shape_a, shape_b = getattr(a, "shape", ()), getattr(b, "shape", ())
    if shape_a != shape_b and shape_a[-1:] != shape_b:  # one number for each column always fits
        broadcast_shape(shape_a, shape_b)
    return wrap(operation(a, b), a, b)


def change(operation, target, value):
    """Change a Tensor in place: target = operation(target, value), on the same memory.

    += -= *= and /= go through here.

    Parameters
    ----------
    operation : NumPy function of two arguments, such as np.add
    target : Tensor, which keeps its shape and dtype
    value : Tensor, number, list or ndarray of the target's shape, or one that broadcasts to it

    Returns
    -------
    Tensor: the target itself

    Raises
    ------
    ValueError: the result would be larger than the target.
    TypeError: the target's dtype cannot hold the result.

    Cost: 1 FLOP an element, 0 new bytes.

    >>> t = Tensor([1, 2])
    >>> change(np.add, t, 10) is t, t
    (True, Tensor([11., 12.], shape=(2,)))
    """
    array, value = target.data, operand(value)
    if broadcast_shape(array.shape, np.shape(value)) != array.shape:
        raise ValueError(
            f"{operation.__name__} in place: a result of shape {broadcast_shape(array.shape, np.shape(value))} "
            f"does not fit into the tensor of shape {array.shape}; write t = t + … for a new one"
        )
    found = operation(np.zeros((), array.dtype), value if np.isscalar(value) else np.zeros((), value.dtype)).dtype
    if not np.can_cast(found, array.dtype, "same_kind"):
        raise TypeError(
            f"{operation.__name__} in place: a tensor of {array.dtype} cannot hold a result of {found}; "
            "write t = t + … for a new one, or make the tensor with dtype=np.float32"
        )
    operation(array, value, out=array)
    target.data = array  # the same array, set anew: chapter 06 counts how often a tensor was changed
    return target


def is_whole(value):
    """Return whether `value` is a whole number, Python's or NumPy's; True and False are none.

    >>> is_whole(3), is_whole(np.int64(3)), is_whole(3.0), is_whole(True)
    (True, True, False, False)
    """
    return type(value) is int or (isinstance(value, (int, np.integer)) and not isinstance(value, bool))


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
    if type(axis) is not int and not is_whole(axis):
        raise TypeError(f"{name}: axis {axis!r} is not an integer")
    ndim = len(shape)
    if not -ndim <= axis < ndim:
        have = f"axes run from {-ndim} to {ndim - 1}" if shape else "a single number has no axes"
        raise ValueError(f"{name}: axis {axis} does not exist in shape {shape}; {have}")
    return int(axis) % ndim


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
    plain = True
    for value in arguments:
        if type(value) is not int:
            plain = False
            if not is_whole(value):
                raise TypeError(f"{name}: expected integers, got {value!r}; write for example {name}(2, 3)")
    return tuple(arguments) if plain else tuple(map(int, arguments))


def by_dim(function):
    """Return a function of `axis` and `keepdims` that also knows them as `dim` and `keepdim`, PyTorch's names.

    Raises
    ------
    TypeError: both names are given ("sum: axis and dim are two names for the same; …").

    >>> Tensor([[1, 2, 3], [4, 5, 6]]).sum(dim=1, keepdim=True).shape
    (2, 1)
    """
    places = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def either(*args, **options):
        for short, name in (("dim", "axis"), ("keepdim", "keepdims")):
            if short in options and name in places:
                if name in options or len(args) > places.index(name):
                    called = function.__qualname__.removesuffix(".__init__").removeprefix("Tensor.")
                    raise TypeError(f"{called}: {name} and {short} are two names for the same; give one")
                options[name] = options.pop(short)
        return function(*args, **options)

    return either


# What PyTorch's Tensor has and this one does not, and what to write instead.
INSTEAD = {
    "to cuda cpu": "everything runs on one processor, so leave it out; for another dtype: Tensor(t, dtype=np.float64)",
    "device": "everything runs on one processor, and no tensor has to be moved",
    "float double half long int bool type astype": "make a Tensor of another dtype: Tensor(t, dtype=np.int64)",
    "backward grad requires_grad zero_grad detach": "tinytorch.enable_autograd() brings it, which chapter 06 builds",
    "requires_grad_ retain_grad is_leaf grad_fn": "write Tensor(data, requires_grad=True), and after backward() .grad",
    "register_hook backward_hook register_backward_hook": "there are no hooks; a subclass of tinytorch.Function "
    "with its own backward sees each gradient",
    "tolist": "write t.numpy().tolist()",
    "stride strides": "write t.data.strides, which are in bytes",
    "element_size itemsize": "write t.data.itemsize",
    "nbytes": "write t.memory_footprint()",
    "add sub mul div pow neg": "write the operator: + - * / **",
    "mm bmm dot": "write a @ b",
    "relu sigmoid tanh gelu softmax": "activations are objects: ReLU()(t), Softmax(dim=-1)(t)",
    "log_softmax": "write log_softmax(t, dim=-1), from tinytorch",
    "min": "write -(-t).max()",
    "argmin": "write (-t).argmax()",
    "var std": "write ((t - t.mean()) ** 2).mean(), and .sqrt() of it",
    "norm": "write (t * t).sum().sqrt()",
    "expand expand_as": "shapes are broadcast where they meet; t * np.ones((2, 3)) writes the elements out",
    "repeat repeat_interleave tile": "an index may name a place several times: t[:, [0, 0, 1, 1]]",
    "all any": "write t.numpy().all() or t.numpy().any()",
    "copy": "write t.clone()",
    "concat concatenate": "write cat([a, b], dim=0), from tinytorch",
}
INSTEAD = {name: advice for names, advice in INSTEAD.items() for name in names.split()}


def refuse_name(owner, name, instead):
    """Raise AttributeError for what an object does not have, with what this library has instead.

    Parameters
    ----------
    owner : the object that was asked
    name : str, what it was asked for
    instead : dict of such names and what to write
    """
    advice = f"; {instead[name]}" if name in instead else ""
    raise AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}{advice}", name=name, obj=owner)


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

    Cost: size * itemsize bytes: the numbers are always copied. `from_numpy` shares an array's memory.

    >>> Tensor([[1, 2, 3], [4, 5, 6]])
    Tensor([[1., 2., 3.],
            [4., 5., 6.]], shape=(2, 3))
    """

    # NumPy leaves `array + tensor` and `np.float32(2) * tensor` to the Tensor's own methods.
    __array_ufunc__ = None

    def __init__(self, data, *, dtype=None):
        array = to_array(data, None if dtype is None else check_dtype(dtype))
        given = data.data if isinstance(data, Tensor) else data
        # An array with a base lies in somebody else's memory; conversion and lists have made one of our own.
        self.data = array if array.base is None and array is not given else array.copy(order="K")

    def __getattr__(self, name):
        """Raise AttributeError, with what this library has instead. Python calls this for what is not there."""
        in_place = name.endswith("_") and not name.startswith("_") and name not in INSTEAD
        refuse_name(self, name, {name: "in place there are += -= *= /= and t[index] = value"} if in_place else INSTEAD)

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

    def __float__(self):
        """Return the only element as a Python float; several raise the sentence of `item`.

        >>> float(Tensor([2]))
        2.0
        """
        return float(self.item())

    def __int__(self):
        """Return the only element as a Python int, cut towards 0; several raise the sentence of `item`.

        >>> int(Tensor(2.9))
        2
        """
        return int(self.item())

    def __index__(self):
        """Return the only element, an integer, so that it can stand as a position of a list.

        Raises
        ------
        TypeError: several elements, or not of an integer dtype.

        >>> ["a", "b"][Tensor([[0, 1]]).argmax()]
        'b'
        """
        if self.size != 1 or self.dtype.kind not in "iu":
            raise TypeError(
                f"index: a tensor of shape {self.shape} and {self.dtype} is no position; a position is one "
                "element of an integer dtype, so index first, or write int(t)"
            )
        return self.data.item()

    def __format__(self, form):
        """Return the only element in a format such as ".4f"; without a format, what `print` shows.

        Raises
        ------
        TypeError: a format for several elements.

        >>> f"{Tensor(0.5):.2f}", f"{Tensor([0.5])}"
        ('0.50', 'Tensor([0.5], shape=(1,))')
        """
        if not form and self.ndim > 0:
            return str(self)
        if self.size != 1:
            raise TypeError(
                f"format: {form!r} is for one number, and shape {self.shape} holds {self.size}; "
                "index first, or write it without a format"
            )
        return format(self.item(), form)

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

    # The same, in place: the Tensor keeps its memory, its shape and its dtype.

    def __iadd__(self, other):
        """Add to self, in place.

        >>> t = Tensor([1, 2])
        >>> t += 10
        >>> t
        Tensor([11., 12.], shape=(2,))
        """
        return change(np.add, self, other)

    def __isub__(self, other):
        """Subtract from self, in place."""
        return change(np.subtract, self, other)

    def __imul__(self, other):
        """Multiply self, in place."""
        return change(np.multiply, self, other)

    def __itruediv__(self, other):
        """Divide self, in place."""
        return change(np.true_divide, self, other)

    # Functions of one number, applied to each element. Integers become float32 first, but for abs.

    def exp(self):
        """Return e to the power of each element; inf where that is too large. 1 exp an element.

        >>> Tensor([0, 1]).exp().numpy().round(3)
        array([1.   , 2.718], dtype=float32)
        """
        return each(np.exp, self)

    def log(self):
        """Return the natural logarithm of each element; -inf at 0 and nan below. 1 log an element.

        >>> Tensor([1, 10]).log().numpy().round(3)
        array([0.   , 2.303], dtype=float32)
        """
        return each(np.log, self)

    def sqrt(self):
        """Return the square root of each element; nan below 0. 1 root an element.

        >>> Tensor([9, 16]).sqrt()
        Tensor([3., 4.], shape=(2,))
        """
        return each(np.sqrt, self)

    def abs(self):
        """Return each element without its sign, in the same dtype. 1 FLOP an element.

        >>> Tensor([-1, 2]).abs()
        Tensor([1., 2.], shape=(2,))
        """
        return wrap(np.abs(self.data), self)

    def __abs__(self):
        """Return abs(self); see `abs`."""
        return self.abs()

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
        if shape.count(-1) == 1 and 0 not in shape:
            missing = self.size // -math.prod(shape)  # the product of the others is that of all, times -1
            shape = tuple(missing if size == -1 else size for size in shape)
        if math.prod(shape) != self.data.size or min((0, *shape)) < 0:
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
        array = self.data
        first = check_axis("transpose", dim0, array.shape)
        second = check_axis("transpose", dim1, array.shape)
        return wrap(array.swapaxes(first, second), self)

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

    def clone(self):
        """Return a copy that shares nothing with self. size * itemsize bytes.

        >>> t = Tensor([1, 2])
        >>> np.shares_memory(t.clone().data, t.data)
        False
        """
        return wrap(self.data.copy(), self)

    def flatten(self, start_dim=0, end_dim=-1):
        """Return the same elements with the axes from `start_dim` to `end_dim` made one.

        Parameters
        ----------
        start_dim, end_dim : int, the first and the last of these axes

        Returns
        -------
        Tensor with one axis in their place; a single number gets shape (1,)

        Raises
        ------
        ValueError: an axis does not exist, or the last comes before the first.

        Cost: as `reshape`: 0 bytes for a view.

        >>> Tensor([[[1, 2], [3, 4]]]).flatten(1).shape
        (1, 4)
        """
        sizes = self.shape or (1,)
        first = check_axis("flatten", start_dim, sizes)
        last = check_axis("flatten", end_dim, sizes)
        if first > last:
            raise ValueError(f"flatten: axis {end_dim} comes before axis {start_dim} in shape {self.shape}")
        return self.reshape(*sizes[:first], math.prod(sizes[first : last + 1]), *sizes[last + 1 :])

    def squeeze(self, dim=None):
        """Return a view without the axes of size 1.

        Parameters
        ----------
        dim : int or tuple of int, the axes to take away where their size is 1; None for all

        Raises
        ------
        ValueError: an axis does not exist.

        Cost: 0 bytes.

        >>> Tensor([[[1], [2]]]).squeeze().shape, Tensor([[[1], [2]]]).squeeze(0).shape
        ((2,), (2, 1))
        """
        axes = check_axes("squeeze", dim, self.shape)
        return self.reshape(tuple(size for axis, size in enumerate(self.shape) if size != 1 or axis not in axes))

    def unsqueeze(self, dim):
        """Return a view with one more axis, of size 1.

        Parameters
        ----------
        dim : int, where the axis stands in the result; -1 for the end

        Raises
        ------
        ValueError: the result has no such axis.

        Cost: 0 bytes.

        >>> Tensor([1, 2]).unsqueeze(0).shape, Tensor([1, 2]).unsqueeze(-1).shape
        ((1, 2), (2, 1))
        """
        axis = check_axis("unsqueeze", dim, self.shape + (1,))
        return self.reshape(self.shape[:axis] + (1,) + self.shape[axis:])

    # Reductions: many numbers in, fewer out. Each also knows `axis` as `dim` and `keepdims` as `keepdim`.

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

    def argmax(self, axis=None, keepdims=False):
        """Return the position of the largest element, of the first one where several are equal.

        Parameters
        ----------
        axis : int, or None for the position among all elements, read row by row
        keepdims : bool; True keeps a reduced axis with size 1

        Returns
        -------
        Tensor of int64, of the shape without the axis; () for all

        Raises
        ------
        ValueError: the axis does not exist, or there is nothing to take the largest of.
        TypeError: `axis` is not one integer.

        Cost: 1 comparison an element.

        >>> Tensor([[1, 5], [4, 2]]).argmax(axis=1)
        Tensor([1, 0], shape=(2,), dtype=int64)
        """
        if axis is not None:
            axis = check_axis("argmax", axis, self.shape)
        if self.size == 0 and (axis is None or self.shape[axis] == 0):
            raise ValueError(f"argmax: shape {self.shape} has no elements there; nothing has no largest one")
        found = np.argmax(self.data, axis=axis, keepdims=keepdims)
        return wrap(np.asarray(found, dtype=np.int64), np.empty(0, np.int64))

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
        """Write into the elements at an index, in place.

        Parameters
        ----------
        index : as for reading
        value : Tensor, number, list or ndarray of the chosen elements' shape, or one that broadcasts to it

        Raises
        ------
        IndexError: as for reading. ValueError: the value's shape does not fit.
        TypeError: the dtype cannot hold the value.

        Cost: one write for each chosen element.

        >>> t = Tensor([1, 2, 3])
        >>> t[1:] = 0
        >>> t
        Tensor([1., 0., 0.], shape=(3,))
        """
        chosen, array = self[index], operand(value)
        if broadcast_shape(chosen.shape, np.shape(array)) != chosen.shape:
            raise ValueError(f"index: values of shape {np.shape(array)} do not fit into {chosen.shape} elements")
        if self.dtype.kind != "f" and np.any(np.mod(array, 1) != 0):
            raise TypeError(f"index: a tensor of {self.dtype} cannot hold fractions; make it with dtype=np.float32")
        parts = index if isinstance(index, tuple) else (index,)
        self.data[tuple(part.data if isinstance(part, Tensor) else part for part in parts)] = array
        self.data = self.data  # see `change`


for name in ("sum", "mean", "max", "argmax"):
    setattr(Tensor, name, by_dim(vars(Tensor)[name]))


def each(function, x):
    """Return a Tensor: a NumPy function of one number, applied to every element.

    Results that are infinite or not a number come without NumPy's warnings.

    >>> each(np.sqrt, Tensor([4, -1]))
    Tensor([ 2., nan], shape=(2,))
    """
    array = x.data if x.dtype.kind == "f" else x.data.astype(np.float32)
    with np.errstate(all="ignore"):
        return wrap(function(array), array)


# Making Tensors. `dtype` is float32 unless said otherwise; what else is given by name goes to Tensor.


def from_numpy(array):
    """Return a Tensor on an array's own memory: a change of one is a change of the other.

    Parameters
    ----------
    array : ndarray of numbers, of any shape; the Tensor has its dtype, float64 too

    Raises
    ------
    TypeError: not an ndarray, or one that does not hold numbers.

    Cost: 0 bytes.

    >>> array = np.zeros(2)
    >>> t = from_numpy(array)
    >>> array[0] = 7
    >>> t
    Tensor([7., 0.], shape=(2,), dtype=float64)
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"from_numpy: got {type(array).__name__}; it shares a NumPy array, so write Tensor(...) to copy"
        )
    return wrap(read_numbers(array), array)


def filled(name, value, sizes, dtype, options):
    """Return a Tensor of the sizes in which every element is `value`; `name` is for messages.

    >>> filled("ones", 1, (2,), np.float32, {})
    Tensor([1., 1.], shape=(2,))
    """
    sizes = sizes_from(name, sizes)
    if any(size < 0 for size in sizes):
        raise ValueError(f"{name}: a size is 0 or larger; got {sizes}")
    array = np.full(sizes, value, dtype=check_dtype(dtype))
    return Tensor(array, dtype=array.dtype, **options) if options else wrap(array, array)


def zeros(*sizes, dtype=np.float32, **options):
    """Return a Tensor of zeros.

    Parameters
    ----------
    sizes : int, or one tuple of int
    dtype : NumPy dtype

    Raises
    ------
    TypeError: a size is not an integer. ValueError: a size is negative.

    Cost: size * itemsize bytes.

    >>> zeros(2)
    Tensor([0., 0.], shape=(2,))
    """
    return filled("zeros", 0, sizes, dtype, options)


def ones(*sizes, dtype=np.float32, **options):
    """Return a Tensor of ones; as `zeros`.

    >>> ones((1, 2))
    Tensor([[1., 1.]], shape=(1, 2))
    """
    return filled("ones", 1, sizes, dtype, options)


def zeros_like(tensor, *, dtype=None, **options):
    """Return a Tensor of zeros with the shape and dtype of another, or of an array.

    >>> zeros_like(Tensor([3, 4]))
    Tensor([0., 0.], shape=(2,))
    """
    array = read_numbers(tensor)
    return filled("zeros_like", 0, array.shape, dtype or array.dtype, options)


def ones_like(tensor, *, dtype=None, **options):
    """Return a Tensor of ones with the shape and dtype of another, or of an array.

    >>> ones_like(Tensor([3, 4]))
    Tensor([1., 1.], shape=(2,))
    """
    array = read_numbers(tensor)
    return filled("ones_like", 1, array.shape, dtype or array.dtype, options)


def arange(start, stop=None, step=1, *, dtype=None, **options):
    """Return the numbers from `start` to below `stop`, one step apart; from 0 where one number is given.

    Parameters
    ----------
    start, stop, step : numbers
    dtype : NumPy dtype, optional: int64 where all three are whole numbers, else float32

    Raises
    ------
    ValueError: the step is 0. TypeError: not a number.

    Cost: size * itemsize bytes.

    >>> arange(3)
    Tensor([0, 1, 2], shape=(3,), dtype=int64)
    >>> arange(1, 2, 0.5)
    Tensor([1. , 1.5], shape=(2,))
    """
    if stop is None:
        start, stop = 0, start
    for value in (start, stop, step):
        if not is_real(value):
            raise TypeError(f"arange: {value!r} is not a number; write for example arange(0, 10, 2)")
    if step == 0:
        raise ValueError("arange: the step is 0, so no end is reached; give another one")
    whole = all(is_whole(value) for value in (start, stop, step))
    array = np.arange(start, stop, step).astype(check_dtype(dtype or (np.int64 if whole else np.float32)))
    return Tensor(array, dtype=array.dtype, **options) if options else wrap(array, array)


# Joining Tensors.


def join(axis, *tensors):
    """Return the tensors one behind the other along an axis; `cat` has checked them.

    >>> join(0, Tensor([1]), Tensor([2, 3]))
    Tensor([1., 2., 3.], shape=(3,))
    """
    array = np.concatenate([tensor.data for tensor in tensors], axis=axis)
    return wrap(array, *tensors)


def check_joined(name, tensors):
    """Return what is to be joined as a list of Tensors, one at least, or raise.

    >>> [t.shape for t in check_joined("cat", (Tensor([1]), [2.0, 3.0]))]
    [(1,), (2,)]
    """
    if isinstance(tensors, Tensor) or not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{name}: got {type(tensors).__name__}; pass a list of tensors, as in {name}([a, b])")
    if not tensors:
        raise ValueError(f"{name}: the list is empty; pass one tensor at least")
    return [one if isinstance(one, Tensor) else Tensor(one) for one in tensors]


@by_dim
def cat(tensors, axis=0):
    """Return tensors one behind the other along an axis that they have.

    Parameters
    ----------
    tensors : list of Tensor, equal in every other size
    axis : int, also called dim

    Raises
    ------
    ValueError: none given, no such axis, or shapes that do not fit ("cat: (2, 3) and (2, 4): …").
    TypeError: not a list.

    Cost: the bytes of the result.

    >>> cat([Tensor([[1, 2]]), Tensor([[3, 4]])])
    Tensor([[1., 2.],
            [3., 4.]], shape=(2, 2))
    """
    tensors = check_joined("cat", tensors)
    first = tensors[0].shape
    axis = check_axis("cat", axis, first)
    for one in tensors:
        rest = one.shape[:axis] + first[axis : axis + 1] + one.shape[axis + 1 :]
        if one.ndim != len(first) or rest != first:
            raise ValueError(f"cat: {first} and {one.shape}: the sizes must be equal along all axes but axis {axis}")
    return join(axis, *tensors)


@by_dim
def stack(tensors, axis=0):
    """Return tensors of one shape along a new axis.

    Parameters
    ----------
    tensors : list of Tensor, all of one shape
    axis : int, where the new axis stands in the result; also called dim

    Raises
    ------
    ValueError: none given, no such axis, or shapes that differ. TypeError: not a list.

    Cost: the bytes of the result.

    >>> stack([Tensor([1, 2]), Tensor([3, 4])], axis=1)
    Tensor([[1., 3.],
            [2., 4.]], shape=(2, 2))
    """
    tensors = check_joined("stack", tensors)
    for one in tensors:
        if one.shape != tensors[0].shape:
            raise ValueError(f"stack: {tensors[0].shape} and {one.shape}: all shapes must be equal; cat joins others")
    axis = check_axis("stack", axis, tensors[0].shape + (1,))
    return join(axis, *[one.unsqueeze(axis) for one in tensors])
