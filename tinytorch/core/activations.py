"""Activations: the bent curves between layers, without which many layers are no more than one.

Built in chapter 02. Depends on `tinytorch.core.tensor` and NumPy.

All of them have the same beats: take the array (`float_array`), compute in one pass with few
temporaries, wrap the result. They work element by element, except `Softmax`, which looks along
one axis. They hold nothing that is learned and remember nothing of what they have seen.
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.core.tensor import Tensor, by_dim, check_axis, to_array, wrap

GELU_SCALE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715


def float_array(x):
    """Return the numbers of `x` as a floating-point array: its own where it is one already.

    Parameters
    ----------
    x : Tensor, ndarray, number or nested lists of numbers

    Returns
    -------
    ndarray of x's floating-point dtype; of float32 for integers and booleans

    Cost: 0 bytes for a floating-point Tensor, else one copy.

    >>> float_array([True, False]).dtype
    dtype('float32')
    """
    array = to_array(x)
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def check_filled_axis(name, axis, shape):
    """Return `axis` counted from the front, or raise when it does not exist or is empty.

    Parameters
    ----------
    name : str, the operation's name for the message
    axis : int
    shape : tuple of int

    Raises
    ------
    ValueError: no such axis, or its size is 0 ("Softmax: shape (3, 0) has no elements …").
    TypeError: `axis` is not an integer.

    >>> check_filled_axis("Softmax", -1, (2, 3))
    1
    """
    axis = check_axis(name, axis, shape)
    if shape[axis] == 0:
        raise ValueError(f"{name}: shape {shape} has no elements along axis {axis}; it needs at least one")
    return axis


class Activation:
    """What all activations are: something to call, that has a `forward`."""

    def forward(self, x):
        """Compute the activation of `x`. Each activation writes its own.

        Raises
        ------
        NotImplementedError: the subclass has no `forward`.
        """
        name = type(self).__name__
        raise NotImplementedError(f"{name}: there is no forward; write def forward(self, x) in class {name}")

    def __call__(self, x):
        """Return `forward(x)`: `relu(x)` is how an activation is used."""
        return self.forward(x)

    def __repr__(self):
        """Return the name and the arguments, as in ReLU() or Softmax(axis=-1)."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"


class ReLU(Activation):
    """Keep what is positive and make the rest 0: max(0, x).

    References: Nair and Hinton 2010, Rectified linear units improve restricted Boltzmann machines.

    >>> ReLU()(Tensor([-2, 0, 3]))
    Tensor([0., 0., 3.], shape=(3,))
    """

    def forward(self, x):
        """Return max(0, x), element by element.

        Parameters
        ----------
        x : Tensor of any shape

        Returns
        -------
        Tensor of the same shape

        Cost: 1 comparison an element.

        >>> ReLU().forward(Tensor([-0.5, 0.5]))
        Tensor([0. , 0.5], shape=(2,))
        """
        array = float_array(x)
        return wrap(np.maximum(array, 0), array)


class Sigmoid(Activation):
    """Press every number into the range from 0 to 1: 1 / (1 + exp(-x)).

    The result can be read as a probability; 0 becomes 0.5.

    >>> Sigmoid()(Tensor([-1000, 0, 1000]))
    Tensor([0. , 0.5, 1. ], shape=(3,))
    """

    def forward(self, x):
        """Return 1 / (1 + exp(-x)), element by element.

        Far left, exp(-x) is too large for the dtype and becomes inf. The result 1 / inf = 0 is
        right all the same, so NumPy's warning about it is switched off.

        Parameters
        ----------
        x : Tensor of any shape

        Returns
        -------
        Tensor of the same shape, from 0 to 1

        Cost: 1 exp and 3 more FLOPs an element; one array is made and used for every step.

        >>> Sigmoid().forward(Tensor([0, 2])).numpy().round(3)
        array([0.5  , 0.881], dtype=float32)
        """
        array = float_array(x)
        out = np.negative(array, out=np.empty_like(array))
        with np.errstate(over="ignore"):
            np.exp(out, out=out)
        out += 1
        return wrap(np.divide(1, out, out=out), array)


class Tanh(Activation):
    """Press every number into the range from -1 to 1, with 0 in the middle.

    >>> Tanh()(Tensor([-1000, 0, 1000]))
    Tensor([-1.,  0.,  1.], shape=(3,))
    """

    def forward(self, x):
        """Return (exp(x) - exp(-x)) / (exp(x) + exp(-x)), element by element.

        NumPy's tanh computes this without an exp that grows too large.

        Parameters
        ----------
        x : Tensor of any shape

        Returns
        -------
        Tensor of the same shape, from -1 to 1

        Cost: 1 tanh an element.

        >>> Tanh().forward(Tensor([0.5])).numpy().round(3)
        array([0.462], dtype=float32)
        """
        array = float_array(x)
        return wrap(np.tanh(array), array)


class GELU(Activation):
    """A ReLU without the corner: x times the share of a normal distribution that lies below x.

    That share has no formula in elementary functions. Here it is approximated with tanh, as
    GPT-2 does; PyTorch calls it GELU(approximate="tanh"). It differs from the exact GELU by
    less than 0.0005.

    References: Hendrycks and Gimpel 2016, Gaussian error linear units.

    >>> GELU()(Tensor([-2, 0, 2])).numpy().round(3)
    array([-0.045,  0.   ,  1.955], dtype=float32)
    """

    def forward(self, x):
        """Return 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x x x))), element by element.

        The product x * x * x is cheaper than x ** 3. For a huge x it becomes inf, of which tanh
        is 1, as it should be; NumPy's warning about it is switched off.

        Parameters
        ----------
        x : Tensor of any shape

        Returns
        -------
        Tensor of the same shape

        Cost: 1 tanh and 8 more FLOPs an element; one array is made and used for every step.

        >>> GELU().forward(Tensor([1, 3])).numpy().round(3)
        array([0.841, 2.996], dtype=float32)
        """
        array = float_array(x)
        with np.errstate(over="ignore"):
            out = np.multiply(array, array, out=np.empty_like(array))
            out *= GELU_CUBIC
            out += 1
            out *= array
            out *= GELU_SCALE
        np.tanh(out, out=out)
        out += 1
        out *= 0.5
        out *= array
        return wrap(out, array)


class Softmax(Activation):
    """Turn numbers into parts of a whole: exp(x) divided by the sum of exp(x) along an axis.

    Parameters
    ----------
    axis : int, the axis along which the results sum to 1; also called dim

    >>> Softmax()(Tensor([[0, 0], [1000, 1000]]))
    Tensor([[0.5, 0.5],
            [0.5, 0.5]], shape=(2, 2))
    """

    @by_dim
    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        """Return exp(x) / sum of exp(x) along the axis.

        The largest value is subtracted first. That changes nothing in the result, because it
        divides numerator and denominator by the same number, and no exp can grow too large.

        Parameters
        ----------
        x : Tensor with at least one axis

        Returns
        -------
        Tensor of the same shape; all values along the axis sum to 1

        Raises
        ------
        ValueError: the axis does not exist ("Softmax: axis 2 does not exist in …"), or has no
            elements ("Softmax: shape (3, 0) has no elements along axis 1; …").

        Cost: 1 exp and 4 more FLOPs an element; one array is made and used for every step.

        >>> Softmax().forward(Tensor([1, 2, 3])).numpy().round(3)
        array([0.09 , 0.245, 0.665], dtype=float32)
        """
        array = float_array(x)
        axis = check_filled_axis("Softmax", self.axis, array.shape)
        out = array - array.max(axis=axis, keepdims=True)
        np.exp(out, out=out)
        out /= out.sum(axis=axis, keepdims=True)
        return wrap(out, array)
