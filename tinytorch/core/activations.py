"""Activations: the bent curves between layers, without which many layers are no more than one.

Built in chapter 02. Depends on `tinytorch.core.tensor` and NumPy.

All of them have the same beats: take the array (`float_array`), compute in one pass with few
temporaries, wrap the result. They work element by element, except `Softmax`, which looks along
one axis. They hold nothing that is learned and remember nothing of what they have seen.
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.core.tensor import check_axis, to_array, wrap


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
    """Keep what is positive, make the rest 0: max(0, x).

    References: Nair and Hinton 2010, Rectified linear units improve restricted Boltzmann machines.

    >>> ReLU()(Tensor([-2, 0, 3]))
    Tensor([0., 0., 3.], shape=(3,))
    """

    def forward(self, x):
        """Return max(0, x), element by element."""
        array = float_array(x)
        return wrap(np.maximum(array, 0), array)
