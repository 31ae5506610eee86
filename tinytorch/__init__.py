"""TinyTorch: a small framework in the manner of PyTorch, written in NumPy to be read.

`from tinytorch import Tensor` gives the main names. Each lives in one file of `tinytorch.core`,
and each file is built by one chapter of the book.
"""

from tinytorch.core.tensor import Tensor

__version__ = "0.1.0"

__all__ = ["Tensor"]
