"""Autograd: gradients for every tensor, layer, activation and loss written so far.

Built in chapter 06. Depends on chapters 01–05, none of which knows of it.

The file reads from top to bottom: finite differences, the tool that says what is right; `Function`,
one operation that knows how to go back; the walk from a result to what it was made of
(`topological_order`, `backward`); then the way back through each operation of chapters 01–04; and
last `enable_autograd()`, which puts a recording version in the place of each of those operations.

A graph is made of what is there anyway: a result holds the `Function` that made it (`_grad_fn`), and
a Function holds the arguments it was called with. There is no separate tape. The arguments are held, not
copied, so what backward needs is protected: the array of a result is read-only until its graph was walked or
dropped, and a Tensor counts its changes, so that backward refuses one that was changed since it was used. Only
a write into the array of a leaf (`w.data[i] = …`) stays unseen; `with no_grad(): w[i] = …` is counted.

References
----------
Griewank and Walther (2008), Evaluating Derivatives, 2nd ed.: reverse mode, its cost.
Paszke et al. (2019), PyTorch: An Imperative Style, High-Performance Deep Learning Library.
"""

from __future__ import annotations

import functools
import inspect
import math
import sys
from contextlib import ContextDecorator
from threading import local

import numpy as np

from tinytorch.core import tensor as tensor_module
from tinytorch.core.activations import GELU, GELU_CUBIC, GELU_SCALE, ReLU, Sigmoid, Softmax, Tanh
from tinytorch.core.layers import Layer, Parameter
from tinytorch.core.losses import BCEWithLogitsLoss, BinaryCrossEntropyLoss, CrossEntropyLoss, LogSoftmax, MSELoss
from tinytorch.core.tensor import Tensor, by_dim, check_axes, operand, read_numbers, wrap

# Finite differences: slow, simple, and the judge of everything below.


def numerical_gradient(f, x, eps=1e-6):
    """Return the gradient of `f` at `x` by central differences, one element at a time.

    Parameters
    ----------
    f : function of an ndarray of x's shape that returns a number
    x : ndarray of float64, of any shape; restored afterwards
    eps : float, the step; float32 is too coarse for a small one

    Returns
    -------
    ndarray of x's shape

    Raises
    ------
    TypeError: `x` is not float64 ("numerical_gradient: x holds float32; …").

    Cost: two calls of `f` for each element.

    >>> numerical_gradient(lambda x: (x * x).sum(), np.array([1.0, 3.0])).round(6).tolist()
    [2.0, 6.0]
    """
    if getattr(x, "dtype", None) != np.float64:
        raise TypeError(
            f"numerical_gradient: x holds {getattr(x, 'dtype', type(x).__name__)}; the "
            "difference of two near values needs float64, so pass x.astype(np.float64)"
        )
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + eps
        above = float(f(x))
        x[index] = value - eps
        below = float(f(x))
        x[index] = value
        gradient[index] = (above - below) / (2 * eps)
    return gradient


def gradient_gap(received, expected):
    """Return how far apart two gradients are, relative to 1 + the size of the expected one.

    Large slopes may differ by more than small ones, and the 1 keeps a slope of 0 from dividing by 0.

    Parameters
    ----------
    received, expected : ndarrays of one shape

    Returns
    -------
    ndarray of that shape, of numbers from 0 up; infinite where either gradient is NaN

    Cost: 4 FLOPs an element.

    >>> gradient_gap(np.array([4.0, np.nan]), np.array([1.0, 2.0])).tolist()
    [1.5, inf]
    """
    gap = np.abs(received - expected) / (1 + np.abs(expected))
    return np.where(np.isnan(gap), np.inf, gap)


def check_gradient(f, *tensors, eps=1e-6, tolerance=1e-5):
    """Compare the gradients that `backward` gives with central differences, in float64.

    The result of `f` is weighted with fixed random numbers and summed, so that every element of it counts.

    Parameters
    ----------
    f : function of as many Tensors as are given, that returns a Tensor
    tensors : Tensors or ndarrays of floating-point numbers; copied to float64 first
    eps : float, the step of the differences
    tolerance : float, how far the two may be apart, relative to 1 + the expected size

    Raises
    ------
    AssertionError: they differ; it names the function, the input, the place, and both values.

    Cost: two calls of `f` for each element of each input, and one backward.

    >>> check_gradient(lambda x: x * x, Tensor([1, 2]))
    """
    inputs = [Tensor(np.array(operand(t), dtype=np.float64), True, dtype=np.float64) for t in tensors]
    result = f(*inputs)
    weights = np.random.default_rng(0).standard_normal(result.shape)
    result.backward(weights)
    for place, leaf in enumerate(inputs):
        with no_grad():
            expected = numerical_gradient(lambda _: np.sum(f(*inputs).data * weights), leaf.data, eps)
        received = np.zeros_like(expected) if leaf.grad is None else leaf.grad
        gap = gradient_gap(received, expected)
        if gap.size and gap.max() > tolerance:
            worst = np.unravel_index(np.argmax(gap), gap.shape)
            raise AssertionError(
                f"{getattr(f, '__name__', f)}: gradient of input {place} of shape {leaf.shape} at "
                f"{tuple(map(int, worst))}: received {received[worst]:.9g}, expected {expected[worst]:.9g} "
                "by central differences\n"
                f"input:\n{leaf.data}\nreceived:\n{received}\nexpected:\n{expected}"
            )


# Recording on and off.


class RecordingMode(local):
    """Whether operations are recorded; each thread has its own."""

    recording = True


MODE = RecordingMode()


def is_grad_enabled():
    """Return whether operations are being recorded, a bool.

    >>> with no_grad():
    ...     is_grad_enabled()
    False
    """
    return MODE.recording


class no_grad(ContextDecorator):
    """Switch recording off: for a `with` block, or as a decorator for a whole function.

    Inside it nothing is remembered for a backward, so intermediate results are freed at once.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    # What marks functions whose bodies run after the call.
    LATER = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

    def __call__(self, function):
        if hasattr(function, "__code__") and function.__code__.co_flags & self.LATER:
            raise TypeError(
                f"no_grad: {function.__name__} is a generator or a coroutine, whose body runs "
                "later; write `with no_grad():` inside it"
            )
        return super().__call__(function)

    def __init__(self):
        self.before = []  # a list, because one object may be entered again while it is in use

    def _recreate_cm(self):
        return type(self)()  # a decorated function may run in several threads

    def __enter__(self):
        self.before.append(MODE.recording)
        MODE.recording = False
        return self

    def __exit__(self, *exception):
        MODE.recording = self.before.pop()


# One operation in the graph.


def references_of_a_local():
    """Return what sys.getrefcount says of an object that one local variable holds."""
    thing = object()
    return sys.getrefcount(thing)


ALONE = references_of_a_local()


class Function:
    """One operation, called once: what it was given, and how a gradient goes back through it.

    A subclass has `forward`, which takes Tensors and other arguments and returns a Tensor, and `backward`,
    which takes the gradient of that result and then the same arguments. `Function.apply` calls forward and
    records it. The operations of chapters 01–04 have a forward already; their subclasses below have only
    `backward`, and `gradient_of` says what they belong to.

    Attributes
    ----------
    args, options : what forward was called with; Tensors among args are the parents in the graph
    needs : tuple of bool, for each of args: is it a Tensor that requires a gradient?
    output : ndarray, the result; read-only for as long as the node holds it
    versions : list of int, how often each Tensor among args had been changed when it was used
    values : places among args of what backward reads the numbers of; None for all
    """

    args = ()
    options = {}
    needs = ()
    output = None
    versions = ()
    values = None
    locked = False
    released = False

    def forward(self, *args, **options):
        """Compute the result, a Tensor. It may keep things for backward as attributes of self."""
        raise NotImplementedError(
            f"{self.name}.forward is not written; it takes the operation's arguments and returns a Tensor"
        )

    def backward(self, grad_output, *args, **options):
        """Return the gradient of each positional argument, given that of the result.

        Parameters
        ----------
        grad_output : ndarray of the result's shape; it must not be changed
        args, options : what forward got

        Returns
        -------
        tuple with one ndarray, RowGradient or None for each of args; a single array stands for that of
        the first Tensor
        """
        raise NotImplementedError(f"{self.name}.backward is not written, so no gradient can go back through it")

    @classmethod
    def apply(cls, *args, **options):
        """Run the operation and, where an argument requires a gradient, record it. Return a Tensor."""
        node = cls()
        if not MODE.recording:
            return node.forward(*args, **options)
        return run(node, node.forward, args, options)

    @classmethod
    def of(cls, args):
        """Return a new node for a call with these arguments."""
        return cls()

    @property
    def name(self):
        """The operation's name, for messages and drawings."""
        return type(self).__name__

    def parents(self):
        """Return the Functions that made the arguments, a list; leaves have none."""
        return [arg._grad_fn for arg, need in zip(self.args, self.needs) if need and arg._grad_fn is not None]

    def release(self):
        """Let go of the arguments and of everything kept for backward."""
        self.unlock()
        self.__dict__.clear()
        self.released = True

    def unlock(self):
        """Make the result's array writeable again, if it was this node that made it read-only."""
        if self.locked:
            self.output.setflags(write=True)
            self.locked = False

    def __del__(self, references=sys.getrefcount, alone=ALONE):
        """Take a long chain apart one by one.

        Freeing the last Tensor of a chain would free its Function, that one's arguments, their Functions,
        and so on: as many nested calls as the chain has links, which kills an interpreter with a small stack.
        The defaults are looked up once: when Python shuts down, modules lose their names before objects go.
        """
        if self.locked:
            self.output.setflags(write=True)
        if not self.args:  # nothing was recorded
            return
        waiting = list(self.args)
        self.args = ()
        while waiting:
            tensor = waiting.pop()
            if references(tensor) > alone:
                continue
            node = getattr(tensor, "__dict__", {}).get("_grad_fn")
            if node is not None and references(node) <= alone + 1:  # held by this tensor and by `node`
                waiting.extend(node.args)
                node.args = ()


def run(node, forward, args, options):
    """Call `forward` unrecorded, and make the result remember `node` where an argument requires a gradient.

    Parameters
    ----------
    node : Function
    forward : function that computes the result
    args, options : its arguments

    Returns
    -------
    what forward returns

    Raises
    ------
    TypeError: a list or tuple among the arguments holds a Tensor that requires a gradient, which would
        be lost; or forward returned something else than a Tensor.

    Cost: some microseconds beside the operation itself; the arguments stay in memory until backward.
    """
    if not MODE.recording:
        return forward(*args, **options)
    if options and any(isinstance(value, Tensor) for value in options.values()):
        args, options = positional(forward, args, options)
    needs = tuple([requires_gradient(arg, node) for arg in args])
    MODE.recording = False
    try:
        result = forward(*args, **options)
    finally:
        MODE.recording = True
    if True not in needs:
        return result
    if not isinstance(result, Tensor):
        raise TypeError(f"{node.name}.forward returned {type(result).__name__}; it must return one Tensor")
    if result.data.dtype.kind != "f" or any([result is arg for arg in args]):
        return result
    node.args, node.options, node.needs = args, options, needs
    protect(node, result)
    held = result.__dict__  # not by assignment, which `count_change` looks at
    held["requires_grad"], held["_grad_fn"] = True, node
    return result


def protect(node, result):
    """Let a node keep the result's array, read-only, and how often each of its arguments has been changed."""
    output = result.data
    node.versions = versions = []
    for arg in node.args:
        if isinstance(arg, Tensor):
            versions.append(arg.__dict__.get("_version", 0))
            if arg.data is output:  # the argument stays writeable
                output = vars(result)["data"] = output.view()
    if output.base is not None and not isinstance(output.base, np.ndarray):
        # made by as_strided: once read-only it stays so, and a view of it does not
        output = vars(result)["data"] = output.view()
    node.output = output
    flags = output.flags
    if flags.writeable:
        node.locked = True
        flags.writeable = False


def requires_gradient(arg, node):
    """Return whether an argument is a Tensor that requires a gradient."""
    if isinstance(arg, Tensor):
        return getattr(arg, "requires_grad", False)  # absent before enable_autograd()
    if type(arg) in (list, tuple) and any([requires_gradient(item, node) for item in arg]):
        raise TypeError(
            f"{node.name}: a {type(arg).__name__} holds a Tensor that requires a gradient, and "
            "the gradient would be lost; pass the Tensors themselves"
        )
    return False


def positional(forward, args, options):
    """Return the arguments with those that were given by name in their places."""
    bound = inspect.signature(forward).bind(*args, **options)
    bound.apply_defaults()
    for name, value in bound.kwargs.items():
        if isinstance(value, Tensor) and getattr(value, "requires_grad", False):
            raise TypeError(
                f"{forward.__qualname__}: {name} is a Tensor that requires a gradient, and it "
                "can only be given by name; make it a positional argument, because backward "
                "gives gradients by position"
            )
    return bound.args, bound.kwargs


class RowGradient:
    """A gradient that is zero but in some rows: what looking up rows of a table gives back.

    Parameters
    ----------
    rows : ndarray of int, shape (K,), each row once
    values : ndarray of shape (K, …), the gradient of those rows
    shape : tuple of int, the table's shape

    Cost: K rows instead of a whole table; it becomes a whole array in the table's `.grad`.

    >>> RowGradient(np.array([2]), np.array([[1.0, 5.0]]), (3, 2)).to_dense().tolist()
    [[0.0, 0.0], [0.0, 0.0], [1.0, 5.0]]
    """

    def __init__(self, rows, values, shape):
        if values.shape != rows.shape + tuple(shape[1:]):
            raise ValueError(
                f"RowGradient: {rows.shape[0]} rows of a table of shape {shape} need values "
                f"of shape {rows.shape + tuple(shape[1:])}; got {values.shape}"
            )
        self.rows, self.values, self.shape = rows, values, tuple(shape)

    @property
    def dtype(self):
        """NumPy dtype of the values."""
        return self.values.dtype

    def add_to(self, array):
        """Add the rows to a whole array, in place. Return it."""
        array[self.rows] += self.values
        return array

    def to_dense(self):
        """Return the whole gradient, an ndarray of `shape`."""
        return self.add_to(np.zeros(self.shape, dtype=self.dtype))

    __array_ufunc__ = None  # so that array + rows asks the rows

    def __add__(self, other):
        return self.add_to(other.to_dense() if isinstance(other, RowGradient) else other.copy())

    __radd__ = __add__


# The walk back.


def topological_order(root):
    """Return every Function behind `root`, each one after all those that use its result.

    Parameters
    ----------
    root : Function

    Returns
    -------
    list of Function, `root` first

    Cost: one step a Function and one an edge, on a list instead of the call stack: depth costs nothing.

    >>> x = Tensor([2.0], requires_grad=True)
    >>> y = x * x
    >>> [node.name for node in topological_order((y + y)._grad_fn)]
    ['Add', 'Multiply']
    """
    order, seen, waiting = [], set(), [(root, False)]
    while waiting:
        node, parents_done = waiting.pop()
        if parents_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            waiting.append((node, True))
            waiting.extend((parent, False) for parent in node.parents())
    return order[::-1]


def seed_gradient(tensor, gradient):
    """Return the gradient that backward starts with, of the tensor's shape: 1 for a single number.

    Raises
    ------
    ValueError: none given for more than one element, or one of another shape.
    """
    if gradient is None:
        if tensor.size != 1:
            raise ValueError(
                f"backward: a tensor of shape {tensor.shape} holds {tensor.size} numbers, and "
                "only a single one has a gradient of its own; take .sum() or .mean() first, "
                "or pass gradient="
            )
        return np.ones(tensor.shape, dtype=tensor.dtype)
    # A view has a base, so that `accumulate` copies what is not ours.
    gradient = np.asarray(read_numbers(gradient), dtype=tensor.dtype).view()
    if gradient.shape != tensor.shape:
        raise ValueError(
            f"backward: a gradient of shape {gradient.shape} was passed for a tensor of shape "
            f"{tensor.shape}; they must be equal"
        )
    return gradient


def backward(self, gradient=None, retain_graph=False):
    """Compute this tensor's gradient with respect to every leaf behind it, and add it to their `.grad`.

    Parameters
    ----------
    gradient : Tensor, ndarray or list of this tensor's shape: where to start; 1 for a single number
    retain_graph : bool; False frees what was recorded on the way, so that it can be walked once

    Raises
    ------
    ValueError: no gradient given for several numbers, or one of another shape.
    RuntimeError: nothing here requires a gradient, or the graph was freed by an earlier backward.

    Cost: about twice the FLOPs of the forward pass; each gradient lives until it was used.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0]
    """
    if not self.requires_grad:
        raise RuntimeError(
            "backward: this tensor depends on nothing that requires a gradient. Either no "
            "input has requires_grad=True, or the way was cut: by no_grad(), by NumPy on "
            ".data, or by a new Tensor(…)"
        )
    seed = seed_gradient(self, gradient)
    order = [] if self._grad_fn is None else topological_order(self._grad_fn)
    if any(node.released for node in order):
        raise RuntimeError(
            "backward: this graph was walked before and then freed; call "
            "backward(retain_graph=True) the first time, or compute the result again"
        )
    arriving = propagate(order, {origin(self): seed}, retain_graph)
    for leaf in arriving:
        check_leaf(leaf)
    for leaf, grad in arriving.items():
        accumulate(leaf, grad)


def origin(tensor):
    """Return where a tensor's gradient arrives: at the Function that made it, or at the tensor, a leaf."""
    return tensor if tensor._grad_fn is None else tensor._grad_fn


def propagate(order, arriving, retain_graph=False):
    """Send gradients back through a graph, one Function after the other.

    Parameters
    ----------
    order : list of Function, each after all those that use its result
    arriving : dict from an origin to the gradient that arrived there; it begins with that of the result,
        and each entry is taken out when it is used
    retain_graph : bool; False lets go of what each Function kept, once it has been gone through

    Returns
    -------
    arriving, in which the leaves are left, each with the sum of all that arrived

    Cost: one backward a Function; a gradient in between lives until it was used.
    """
    for node in order:
        for tensor, grad in input_gradients(node, arriving.pop(node)):
            key = origin(tensor)
            arriving[key] = add_gradients(arriving.get(key), grad)
        if not retain_graph:
            node.release()
    return arriving


def input_gradients(node, grad_output):
    """Return pairs (argument, its gradient) for each argument of a Function that needs one.

    Raises
    ------
    RuntimeError: the Function's backward gave none, or one of the wrong shape.
    """
    if node.versions != [arg.__dict__.get("_version", 0) for arg in node.args if isinstance(arg, Tensor)]:
        check_unchanged(node)
    grads = node.backward(grad_output, *node.args, **node.options)
    if isinstance(grads, (np.ndarray, np.generic, RowGradient)):
        first = next(place for place, arg in enumerate(node.args) if isinstance(arg, Tensor))
        grads = (None,) * first + (grads,)
    if not isinstance(grads, tuple):
        raise RuntimeError(
            f"{node.name}.backward returned {type(grads).__name__}; it must return a tuple "
            "with one array for each argument, or one array for the first Tensor (x.data "
            "is the array of a Tensor x)"
        )
    pairs = []
    for place, (arg, need) in enumerate(zip(node.args, node.needs)):
        if need:
            grad = grads[place] if place < len(grads) else None
            shared = grad is grad_output or any([grad is other for other in grads[:place]])
            pairs.append((arg, checked(node, place, arg, grad, shared)))
    return pairs


def check_unchanged(node):
    """Raise when an argument whose numbers backward reads was changed since the operation used it."""
    places = [place for place, arg in enumerate(node.args) if isinstance(arg, Tensor)]
    for place, version in zip(places, node.versions):
        arg = node.args[place]
        if vars(arg).get("_version", 0) != version and (node.values is None or place in node.values):
            names = [*inspect.signature(node.backward).parameters][1:]
            name = f"argument {names[place]!r}" if place < len(names) else f"argument {place}"
            raise RuntimeError(
                f"backward: a {type(arg).__name__} of shape {arg.shape}, {name} of {node.name}, was changed after "
                "the operation had used it, and the gradient would be wrong; call backward() before the change "
                "(a step on the weights, +=, t[index] = …, t.data = …), or compute the result again after it"
            )


def checked(node, place, arg, grad, shared):
    """Return a gradient that has the argument's shape and dtype, and that shows when its memory is another's.

    What it returns is a view where somebody else has the same array: a view has a base, and `accumulate`
    copies it.
    """
    if grad is None:
        raise RuntimeError(
            f"{node.name}.backward: gave no gradient for argument {place}, which requires "
            "one; use .detach() if it is meant to be a constant"
        )
    if not isinstance(grad, (np.ndarray, np.generic, RowGradient)):
        raise RuntimeError(
            f"{node.name}.backward: gave {type(grad).__name__} for argument {place}; a "
            "gradient is an array, so compute with x.data, the array of a Tensor x"
        )
    if grad.shape != arg.shape:
        raise RuntimeError(
            f"{node.name}.backward: gave a gradient of shape {grad.shape} for argument "
            f"{place} of shape {arg.shape}; undo the broadcasting with unbroadcast(grad, "
            "shape)"
        )
    if isinstance(grad, RowGradient):
        return grad
    if grad.dtype != arg.dtype or not isinstance(grad, np.ndarray):
        return np.array(grad, dtype=arg.dtype)  # NumPy gives a number where an array of shape () is meant
    return grad.view() if shared or grad is arg.data or grad is node.output else grad


def add_gradients(first, second):
    """Return the sum of two gradients on their way to the same tensor; neither is changed."""
    if first is None:
        return second
    return np.asarray(first + second)  # of two arrays of shape () NumPy makes a number


def check_leaf(leaf):
    """Raise when a leaf cannot take a gradient, or when what its `.grad` holds is none of its own."""
    if leaf.dtype.kind != "f":
        raise TypeError(
            f"backward: a tensor of {leaf.dtype} has requires_grad=True; only floating-point ones have gradients"
        )
    held = leaf.grad
    fits = isinstance(held, np.ndarray) and held.shape == leaf.shape and held.dtype == leaf.dtype
    if held is not None and not fits:
        raise TypeError(
            f"backward: .grad of a tensor of shape {leaf.shape} and {leaf.dtype} was set to a "
            f"{type(held).__name__} of shape {np.shape(held)}; it must be None or an array of "
            "the tensor's shape and dtype, so call zero_grad() first"
        )


def accumulate(leaf, grad):
    """Add a gradient to a leaf's `.grad`, which owns its memory."""
    if leaf.grad is None:
        if isinstance(grad, RowGradient):
            leaf.grad = grad.to_dense()
        else:
            leaf.grad = grad if grad.base is None else np.array(grad)
    elif isinstance(grad, RowGradient):
        grad.add_to(leaf.grad)
    else:
        leaf.grad += grad


# The way back through the operations of chapter 01.

GRADIENTS = []  # (class or module, name of the operation there, Function)
REPLACED = []  # (class or module, attribute, what stood there): all that `enable_autograd` did, in order
ABSENT = object()  # in the third place: nothing stood there


def gradient_of(owner, name):
    """Say, above a Function, which operation it is the way back of.

    Parameters
    ----------
    owner : class or module that has the operation
    name : str, its name there

    The operation is recorded from `enable_autograd()` on, or at once when that was called before.
    """

    def register(function):
        GRADIENTS.append((owner, name, function))
        if REPLACED:
            install(owner, name, function)
        return function

    return register


def unbroadcast(grad, shape):
    """Return a gradient summed down to `shape`: broadcasting copied the elements, so their gradients add up.

    Parameters
    ----------
    grad : ndarray of a shape that `shape` broadcasts to
    shape : tuple of int

    Returns
    -------
    ndarray of `shape`; `grad` itself where nothing was broadcast

    Cost: 1 FLOP an element of `grad`.

    >>> unbroadcast(np.ones((2, 3)), (3,)).tolist()
    [2.0, 2.0, 2.0]
    >>> unbroadcast(np.ones((2, 3)), (2, 1)).tolist()
    [[3.0], [3.0]]
    """
    if grad.shape == shape:
        return grad
    added = grad.ndim - len(shape)
    if added:
        grad = grad.sum(axis=tuple(range(added)))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and grad.shape[axis] != 1)
    if stretched:
        grad = grad.sum(axis=stretched, keepdims=True)
    return grad


@gradient_of(tensor_module, "combine")
class Elementwise(Function):
    """Any elementwise operation of two operands; `of` finds the one that is meant."""

    @classmethod
    def of(cls, args):
        """Return a node of the class that knows how to go back through `args[0]`, a NumPy function."""
        return ELEMENTWISE.get(args[0], cls)()

    def backward(self, grad_output, operation, left, right):
        raise NotImplementedError(f"combine: no gradient is known for {operation.__name__}")

    def both(self, grad_left, grad_right, left, right):
        """Return both operands' gradients, from two functions that compute them as if nothing broadcast."""
        _, need_left, need_right = self.needs
        return (
            None,
            unbroadcast(grad_left(), left.shape) if need_left else None,
            unbroadcast(grad_right(), right.shape) if need_right else None,
        )


class Add(Elementwise):
    """left + right: both get the gradient as it is."""

    values = ()

    def backward(self, grad_output, operation, left, right):
        return self.both(lambda: grad_output, lambda: grad_output, left, right)


class Subtract(Elementwise):
    """left - right: the right one gets the gradient with its sign changed."""

    values = ()

    def backward(self, grad_output, operation, left, right):
        return self.both(lambda: grad_output, lambda: -grad_output, left, right)


class Multiply(Elementwise):
    """left * right: each gets the gradient times the other."""

    @property
    def values(self):
        """The places of what is read: each side where the other one needs a gradient."""
        return [place for place, other in ((1, 2), (2, 1)) if self.needs[other]]

    def backward(self, grad_output, operation, left, right):
        """Return (None, gradient of left, gradient of right); the operation itself has no gradient."""
        return self.both(lambda: grad_output * operand(right), lambda: grad_output * operand(left), left, right)


class Divide(Elementwise):
    """left / right: 1 / right, and -left / right² = -result / right."""

    values = (2,)

    def backward(self, grad_output, operation, left, right):
        return self.both(
            lambda: grad_output / operand(right), lambda: -grad_output * self.output / operand(right), left, right
        )


class Power(Elementwise):
    """left ** right: right * left ** (right - 1), and result * log(left)."""

    def backward(self, grad_output, operation, left, right):
        base, exponent = operand(left), operand(right)

        def grad_base():
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = exponent * base ** (exponent - 1)
            flat = np.equal(exponent, 0)  # x ** 0 is 1 everywhere, at 0 too
            return grad_output * np.where(flat, 0, slope).astype(grad_output.dtype)

        def grad_exponent():
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = self.output * np.log(base)
            flat = np.equal(base, 0) & np.greater_equal(exponent, 0)  # 0 ** y stays 0
            return grad_output * np.where(flat, 0, slope)

        return self.both(grad_base, grad_exponent, left, right)


ELEMENTWISE = {
    np.add: Add,
    np.subtract: Subtract,
    np.multiply: Multiply,
    np.true_divide: Divide,
    np.power: Power,
}


def as_rows(array):
    """Return a stack of matrices as one matrix with all their rows, (…, M, N) to (… * M, N).

    >>> as_rows(np.zeros((2, 3, 4))).shape
    (6, 4)
    """
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


@gradient_of(Tensor, "matmul")
class MatMul(Function):
    """left @ right: grad @ rightᵀ and leftᵀ @ grad, with vectors seen as matrices of one row or column.

    Cost: as many FLOPs as the product itself, for each side that needs a gradient.
    """

    @property
    def values(self):
        """The places of what is read: each side where the other one needs a gradient."""
        return [place for place, other in ((0, 1), (1, 0)) if self.needs[other]]

    def backward(self, grad_output, left, right):
        a, b = operand(left), operand(right)
        grad = grad_output[..., None] if b.ndim == 1 else grad_output  # (…, M) to (…, M, 1)
        grad = grad[..., None, :] if a.ndim == 1 else grad  # (…, N) to (…, 1, N)
        rows = a[None, :] if a.ndim == 1 else a  # (…, M, K)
        columns = b[:, None] if b.ndim == 1 else b  # (…, K, N)
        grad_a = self.left_gradient(grad, rows, columns) if self.needs[0] else None
        grad_b = self.right_gradient(grad, rows, columns) if self.needs[1] else None
        grad_a = grad_a.reshape(a.shape) if a.ndim == 1 and self.needs[0] else grad_a
        grad_b = grad_b.reshape(b.shape) if b.ndim == 1 and self.needs[1] else grad_b
        return grad_a, grad_b

    def left_gradient(self, grad, rows, columns):
        """Return the gradient of the left side, grad @ columnsᵀ, an ndarray of the shape of rows."""
        if columns.ndim == 2 and grad.ndim > 2:  # one matrix for all: one long product
            result = (as_rows(grad) @ columns.T).reshape(grad.shape[:-1] + rows.shape[-1:])
        else:
            result = np.matmul(grad, np.swapaxes(columns, -1, -2))
        return unbroadcast(result, rows.shape)

    def right_gradient(self, grad, rows, columns):
        """Return the gradient of the right side.

        Parameters
        ----------
        grad : ndarray (…, M, N), the gradient of rows @ columns
        rows : ndarray (…, M, K), the left side
        columns : ndarray (…, K, N), the right side

        Returns
        -------
        ndarray of the shape of columns

        Cost: 2 M K N FLOPs for each matrix of the stack, as many as the product itself.
        """
        if columns.ndim == 2 and grad.ndim > 2:  # one matrix for all: the sum over the stack is one product
            rows = np.broadcast_to(rows, grad.shape[:-1] + rows.shape[-1:])
            return as_rows(rows).T @ as_rows(grad)  # (K, …M) @ (…M, N)
        return unbroadcast(np.matmul(np.swapaxes(rows, -1, -2), grad), columns.shape)


@gradient_of(Tensor, "reshape")
class Reshape(Function):
    """Another shape of the same elements: the gradient takes the old shape."""

    values = ()

    def backward(self, grad_output, x, *shape):
        return grad_output.reshape(x.shape)


@gradient_of(Tensor, "transpose")
class Transpose(Function):
    """Two axes changed places: they change back."""

    values = ()

    def backward(self, grad_output, x, dim0=-2, dim1=-1):
        return np.swapaxes(grad_output, dim0, dim1)


@gradient_of(Tensor, "permute")
class Permute(Function):
    """A new order of the axes: back to the old one."""

    values = ()

    def backward(self, grad_output, x, *dims):
        dims = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
        return grad_output.transpose(np.argsort([axis % x.ndim for axis in dims]))


@gradient_of(Tensor, "T")
class ReverseAxes(Function):
    """All axes in reverse order: reversed once more."""

    values = ()

    def backward(self, grad_output, x):
        return grad_output.T


@gradient_of(Tensor, "contiguous")
@gradient_of(Tensor, "clone")
class Contiguous(Function):
    """The same elements laid out anew: the same gradient."""

    values = ()

    def backward(self, grad_output, x):
        return grad_output


def spread(grad_output, axes, shape):
    """Return a reduction's gradient, given to every element that was reduced. A view, 0 bytes.

    >>> spread(np.array([1.0, 2.0]), (1,), (2, 3)).tolist()
    [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return np.broadcast_to(grad_output.reshape(kept), shape)


@gradient_of(Tensor, "sum")
class Sum(Function):
    """A sum: each element that went in gets the gradient of the sum."""

    values = ()

    @by_dim
    def backward(self, grad_output, x, axis=None, keepdims=False):
        return spread(grad_output, check_axes("sum", axis, x.shape), x.shape)


@gradient_of(Tensor, "mean")
class Mean(Function):
    """A mean: the gradient of the sum, divided by the number of elements."""

    values = ()

    @by_dim
    def backward(self, grad_output, x, axis=None, keepdims=False):
        count = x.size // max(grad_output.size, 1)
        return spread(grad_output / count, check_axes("mean", axis, x.shape), x.shape)


@gradient_of(Tensor, "max")
class Max(Function):
    """A largest element: it alone gets the gradient; where several are equal they share it evenly."""

    @by_dim
    def backward(self, grad_output, x, axis=None, keepdims=False):
        axes = check_axes("max", axis, x.shape)
        largest = x.data == spread(self.output, axes, x.shape)
        ties = largest.sum(axis=axes, keepdims=True).reshape(grad_output.shape)
        return spread(grad_output / ties.astype(grad_output.dtype), axes, x.shape) * largest


@gradient_of(Tensor, "exp")
class Exp(Function):
    """e to the power of x is its own slope."""

    values = ()

    def backward(self, grad_output, x):
        return grad_output * self.output


@gradient_of(Tensor, "log")
class Log(Function):
    """1 / x; infinite at 0."""

    def backward(self, grad_output, x):
        with np.errstate(divide="ignore", invalid="ignore"):
            return grad_output / x.data


@gradient_of(Tensor, "sqrt")
class SquareRoot(Function):
    """1 / (2 * root); infinite at 0."""

    values = ()

    def backward(self, grad_output, x):
        with np.errstate(divide="ignore", invalid="ignore"):
            return grad_output / (2 * self.output)


@gradient_of(Tensor, "abs")
class Absolute(Function):
    """1 or -1, the sign of x; 0 at 0."""

    def backward(self, grad_output, x):
        return grad_output * np.sign(x.data)


@gradient_of(tensor_module, "join")
class Join(Function):
    """Tensors one behind the other: each gets its own part of the gradient, a view of 0 bytes."""

    values = ()

    def backward(self, grad_output, axis, *tensors):
        ends = np.cumsum([tensor.shape[axis] for tensor in tensors])[:-1]
        return None, *np.split(grad_output, ends, axis=axis)


@gradient_of(Tensor, "masked_fill")
class MaskedFill(Function):
    """What was filled in does not depend on the tensor: its gradient is 0 there."""

    values = (1,)

    def backward(self, grad_output, x, mask, value):
        return np.where(operand(mask), np.zeros((), dtype=grad_output.dtype), grad_output)


@gradient_of(Tensor, "__getitem__")
class Index(Function):
    """Chosen elements: their gradients go to where they came from; a position chosen twice gets both."""

    values = (1,)

    def backward(self, grad_output, x, index):
        parts = index if isinstance(index, tuple) else (index,)
        key = tuple(part.data if isinstance(part, Tensor) else part for part in parts)
        grad = np.zeros(x.shape, dtype=grad_output.dtype)
        plain = (int, np.integer, slice, type(None), type(Ellipsis))
        if all(isinstance(part, plain) and not isinstance(part, bool) for part in key):
            grad[key] = grad_output
        else:
            np.add.at(grad, key, grad_output)
        return grad


# The way back through the activations of chapter 02.


@gradient_of(ReLU, "forward")
class ReLUGradient(Function):
    """1 where the result is positive, else 0."""

    values = ()

    def backward(self, grad_output, activation, x):
        return grad_output * (self.output > 0)


@gradient_of(Sigmoid, "forward")
class SigmoidGradient(Function):
    """s * (1 - s), from the result alone."""

    values = ()

    def backward(self, grad_output, activation, x):
        return grad_output * self.output * (1 - self.output)


@gradient_of(Tanh, "forward")
class TanhGradient(Function):
    """1 - tanh², from the result alone."""

    values = ()

    def backward(self, grad_output, activation, x):
        return grad_output * (1 - self.output * self.output)


@gradient_of(GELU, "forward")
class GELUGradient(Function):
    """The derivative of x * p with p = (1 + tanh(u)) / 2, u = c * (x + 0.044715 * x³), c = sqrt(2 / pi).

    It is p + 2 * p * (1 - p) * x * du/dx. Three arrays serve all steps: fresh ones cost more than the
    arithmetic.
    """

    def backward(self, grad_output, activation, x):
        x = operand(x)
        x = np.clip(x, -10, 10, out=np.empty_like(x))  # beyond, p is 0 or 1 exactly; a square could overflow
        share = np.multiply(x, x, out=np.empty_like(x))
        result = np.multiply(share, 3 * GELU_CUBIC * GELU_SCALE, out=np.empty_like(x))
        result += GELU_SCALE  # du/dx
        result *= x
        share *= GELU_CUBIC * GELU_SCALE
        share += GELU_SCALE
        share *= x  # u
        np.tanh(share, out=share)
        share += 1
        share *= 0.5  # p
        result *= np.subtract(1, share, out=x)
        result *= 2
        result += 1
        result *= share
        result *= grad_output
        return result


@gradient_of(Softmax, "forward")
class SoftmaxGradient(Function):
    """s * (grad - sum of grad * s along the axis): one probability up, the others down."""

    values = ()

    def backward(self, grad_output, activation, x):
        weighted = grad_output * self.output
        weighted -= self.output * weighted.sum(axis=activation.axis, keepdims=True)
        return weighted


# The way back through the losses of chapter 04.


@gradient_of(LogSoftmax, "forward")
class LogSoftmaxGradient(Function):
    """grad - softmax * sum of grad along the axis."""

    values = ()

    def backward(self, grad_output, operation, x):
        return grad_output - np.exp(self.output) * grad_output.sum(axis=operation.axis, keepdims=True)


@gradient_of(MSELoss, "forward")
class MSEGradient(Function):
    """2 * (predictions - targets) / count; the targets' has the other sign."""

    def backward(self, grad_output, loss, predictions, targets):
        difference = (operand(predictions) - operand(targets)) * (grad_output * (2 / predictions.size))
        return None, difference if self.needs[1] else None, -difference if self.needs[2] else None


@gradient_of(CrossEntropyLoss, "forward")
class CrossEntropyGradient(Function):
    """(softmax - 1 at the right class) / number of samples: what was said minus what should have been."""

    def backward(self, grad_output, loss, logits, targets):
        """Return (None, gradient of the logits); grad_output is an array of shape ()."""
        rows = operand(logits).reshape(-1, logits.shape[-1])  # (N, C)
        labels = read_numbers(targets).reshape(-1)  # (N,); `operand` would make a list float32
        grad = np.exp(rows - rows.max(axis=1, keepdims=True))
        grad *= grad_output / len(rows) / grad.sum(axis=1, keepdims=True)
        grad[np.arange(len(rows)), labels] -= grad_output / len(rows)
        return None, grad.reshape(logits.shape)


@gradient_of(BinaryCrossEntropyLoss, "forward")
class BinaryCrossEntropyGradient(Function):
    """(p - target) / (p * (1 - p)) / count, with the denominator kept from 0."""

    def backward(self, grad_output, loss, predictions, targets):
        p, y = operand(predictions), operand(targets)
        return None, (p - y) / np.maximum(p * (1 - p), 1e-12) * (grad_output / p.size)


@gradient_of(BCEWithLogitsLoss, "forward")
class BCEWithLogitsGradient(Function):
    """(sigmoid(logits) - targets) / count: no division, so nothing can blow up."""

    def backward(self, grad_output, loss, logits, targets):
        x, y = operand(logits), operand(targets)
        return None, (0.5 * (1 + np.tanh(0.5 * x)) - y) * (grad_output / x.size)  # sigmoid without overflow


# Switching it on.


def recorded(forward, function):
    """Return `forward` with recording: the same call and the same result, which remembers how it was made."""

    @functools.wraps(forward)
    def operation(*args, **options):
        if not MODE.recording:
            return forward(*args, **options)
        return run(function.of(args), forward, args, options)

    return operation


def put(owner, **attributes):
    """Give a class or a module new attributes, and remember in REPLACED what stood there before."""
    for name, value in attributes.items():
        REPLACED.append((owner, name, vars(owner).get(name, ABSENT)))
        setattr(owner, name, value)


def install(owner, name, function):
    """Put the recording version of an operation in its place in a class or a module."""
    forward = vars(owner)[name]
    if isinstance(forward, property):
        put(owner, **{name: property(recorded(forward.fget, function))})
    else:
        put(owner, **{name: recorded(forward, function)})


def zero_grad(self):
    """Forget the gradient: `.grad` becomes None, and the next backward starts from nothing."""
    self.grad = None


def zero_layer(self):
    """Forget the gradient of each parameter of a layer and of the layers in it, as an optimizer does for its own.

    >>> layer = Layer()
    >>> layer.weight = Parameter([2.0])
    >>> (layer.weight * 3).sum().backward()
    >>> layer.zero_grad()
    >>> layer.weight.grad is None
    True
    """
    for parameter in self.parameters():
        parameter.zero_grad()


def detach(self):
    """Return a Tensor on the same memory that no gradient goes back through. 0 bytes.

    >>> x = Tensor([1.0], requires_grad=True)
    >>> x.detach().requires_grad
    False
    """
    result = wrap(self.data, self)
    if self._grad_fn is None:  # the array of any other is read-only
        result.__dict__["_origin"] = self
    return result


def count_change(self, name, value):
    """Set an attribute of a Tensor; where it is `.data`, count one change more, of a leaf behind detach() too."""
    object.__setattr__(self, name, value)
    if name == "data":
        while self is not None:
            self.__dict__["_version"] = self.__dict__.get("_version", 0) + 1
            self = self.__dict__.get("_origin")


def state_of_leaf(self):
    """Return what pickle and copy.deepcopy take of a Tensor: its attributes.

    Raises
    ------
    RuntimeError: the tensor was computed from others; a copy would take the whole graph along.
    """
    if self._grad_fn is not None:
        raise RuntimeError(
            f"copy: this tensor of shape {self.shape} was computed from others, and a copy "
            "would take all of them along; copy its .detach()"
        )
    return {name: value for name, value in vars(self).items() if name not in ("_version", "_origin")}


def recording_init(init):
    """Return Tensor.__init__ with `requires_grad` in the second place."""

    @functools.wraps(init)
    def __init__(self, data, requires_grad=False, *, dtype=None):
        if isinstance(data, Tensor) and data.requires_grad and MODE.recording:
            raise TypeError(
                "Tensor: a Tensor that requires a gradient was passed, and a new one would "
                "lose its history; use it as it is, or its .detach()"
            )
        init(self, data, dtype=dtype)
        if requires_grad:
            if not isinstance(requires_grad, (bool, np.bool_)):
                raise TypeError(
                    f"Tensor: requires_grad is {requires_grad!r}; it must be True or False; a "
                    "dtype is given by name: dtype=np.float64"
                )
            if self.data.dtype.kind != "f":
                raise TypeError(
                    f"Tensor: requires_grad=True with {self.data.dtype}; only floating-point "
                    "numbers have gradients, so pass dtype=np.float32"
                )
            self.requires_grad = True

    return __init__


def guarded(convert, name):
    """Return a function that hands out a Tensor's bare array, refusing where a gradient would be lost unseen.

    It refuses only where recording is on: the operations themselves run unrecorded and are free to use it.
    """

    def refuse(value):
        if isinstance(value, Tensor) and value.requires_grad:
            raise RuntimeError(
                f"{name}: this tensor requires a gradient, and NumPy would lose the way "
                "back; use Tensor operations, or say that you mean it with .detach() or "
                "with .data"
            )

    @functools.wraps(convert)
    def unwrap(value, *args, **options):
        if MODE.recording:
            refuse(value)
        return convert(value, *args, **options)

    @functools.wraps(convert)
    def unwrap_one(value):  # every operand of every operation goes through here
        if MODE.recording:
            refuse(value)
        return convert(value)

    return unwrap_one if convert.__code__.co_argcount == 1 else unwrap


def counting(change, parameters):
    """Return a method that writes into the arrays of parameters, and then counts a change of each of them.

    Parameters
    ----------
    change : the method, such as `Layer.load_state_dict` or an optimizer's `step`
    parameters : function of the same object that returns the parameters that are written
    """

    @functools.wraps(change)
    def counted(self, *args, **options):
        result = change(self, *args, **options)
        for parameter in parameters(self):
            parameter.data = parameter.data
        return result

    return counted


IN_PLACE = {"__iadd__": "+=", "__isub__": "-=", "__imul__": "*=", "__itruediv__": "/=", "__setitem__": "[…] ="}


def protected(change, symbol):
    """Return an operation that changes a Tensor in place, refusing where a graph needs what was there before.

    `y += x` of a result makes a new Tensor y, as y = y + x does; what was recorded before keeps the old one.
    """

    @functools.wraps(change)
    def changing(self, *args):
        given = any([isinstance(arg, Tensor) and arg.requires_grad for arg in args])
        leaf = self._grad_fn is None
        if MODE.recording and symbol != "[…] =" and (not leaf or (given and not self.requires_grad)):
            return NotImplemented
        if not leaf or (MODE.recording and (self.requires_grad or given)) or not self.data.flags.writeable:
            refuse_change(self, symbol, leaf and self.requires_grad)
        return change(self, *args)

    return changing


def refuse_change(tensor, symbol, parameter):
    """Raise RuntimeError: the numbers that would be overwritten belong to a graph."""
    what = f"{symbol} on a {type(tensor).__name__} of shape {tensor.shape}"
    if parameter:
        raise RuntimeError(
            f"{what}: it requires a gradient, and no way leads back through a change in place; to take a step, "
            "put the line into `with no_grad():`; to compute with the result, make a new tensor, as in y = x + …"
        )
    raise RuntimeError(
        f"{what}: its numbers belong to a graph, and backward may need them; for a new tensor with a gradient "
        "write t.masked_fill(mask, value), or cat; for a copy without one, t.detach().clone()"
    )


def watched(call):
    """Return Layer.__call__ that refuses a result through which nothing reaches the parameters."""

    @functools.wraps(call)
    def __call__(self, *inputs, **options):
        result = self.forward(*inputs, **options)  # as `call` does, without a call more
        if MODE.recording and isinstance(result, Tensor) and not result.requires_grad:
            check_way_back(self, result)
        return result

    return __call__


def check_way_back(layer, result):
    """Raise where a layer's parameters want gradients and its result would bring them none."""
    names = [name for name, parameter in layer.named_parameters() if parameter.requires_grad]
    if names and result.data.dtype.kind == "f":
        raise RuntimeError(
            f"{type(layer).__name__}: {names[0]} requires a gradient, and no way leads back "
            "to it from the result: forward left the graph, by NumPy on .data or by a new "
            "Tensor(…). Use Tensor operations there: @, +, *, sum(), reshape(); or call the "
            "layer inside no_grad() if no gradient is wanted"
        )


def enable_autograd():
    """Give every Tensor gradients, and with it every layer, activation and loss of chapters 01–05.

    From here on `Tensor(data, requires_grad=True)`, `.grad`, `.backward()`, `.zero_grad()` and `.detach()`
    exist, a layer's parameters require gradients, also those of layers made before, and every operation
    is recorded.
    No source is changed: classes get new attributes. Calling it again does nothing.

    >>> layer_weight = Parameter([[1.0], [2.0]])
    >>> Tensor([[3.0, 4.0]]).matmul(layer_weight).sum().backward()
    >>> layer_weight.grad.tolist()
    [[3.0], [4.0]]
    """
    if REPLACED:
        return
    put(Tensor, requires_grad=False, grad=None, _grad_fn=None)
    put(Parameter, requires_grad=True)
    put(Tensor, backward=backward, zero_grad=zero_grad, detach=detach)
    for owner, name, function in GRADIENTS:
        install(owner, name, function)
    guard_ways_out()


def guard_ways_out():
    """Let the places where a gradient could be lost unseen say so: NumPy, copies, and a layer's result.

    With them a layer learns to forget its gradients, `zero_grad()`.
    """
    put(Tensor, __init__=recording_init(Tensor.__init__), __getstate__=state_of_leaf)
    put(Tensor, __setattr__=count_change)
    put(Tensor, **{name: protected(vars(Tensor)[name], symbol) for name, symbol in IN_PLACE.items()})
    put(Tensor, numpy=guarded(Tensor.numpy, "numpy()"), __array__=guarded(Tensor.__array__, "NumPy function"))
    # A `combine` that was imported before this is not recorded, but it asks here for its operands.
    put(tensor_module, operand=guarded(operand, "combine"))
    put(Layer, zero_grad=zero_layer)
    put(Layer, __call__=watched(Layer.__call__), load_state_dict=counting(Layer.load_state_dict, Layer.parameters))


def disable_autograd():
    """Take `enable_autograd()` back: each class is again as chapters 01–05 wrote it, and nothing is recorded.

    Recording is then on for the next `enable_autograd()`, whatever a `no_grad` may have left behind.

    >>> disable_autograd()
    >>> hasattr(Tensor, "backward")
    False
    >>> enable_autograd()
    """
    while REPLACED:
        owner, name, before = REPLACED[-1]
        if before is not ABSENT:
            setattr(owner, name, before)
        elif name in vars(owner):
            delattr(owner, name)
        REPLACED.pop()
    MODE.recording = RecordingMode.recording
