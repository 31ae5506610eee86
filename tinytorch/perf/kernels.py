"""Places for faster kernels: functions of this package that a machine may have a better version of.

Belongs to no chapter; used by `quantization` (15). In the browser, where NumPy has neither BLAS nor
SIMD, the page puts a kernel of its own here; everywhere else the place stays empty and NumPy does the
work. A replacement must return the same numbers as what it replaces: it is never another algorithm
with another result.
"""

from __future__ import annotations

from collections.abc import Callable

REPLACEMENTS: dict[str, Callable] = {}


def use(name: str, kernel: Callable | None) -> None:
    """Let `kernel` do the work of the function of that name.

    Parameters
    ----------
    name : str, such as "int8_matmul"
    kernel : a function of the same arguments, which are checked before it is called; None takes it out

    >>> use("doubled", lambda x: x << 1)
    >>> fastest("doubled", lambda x: 2 * x)(21)
    42
    >>> use("doubled", None)
    """
    if kernel is None:
        REPLACEMENTS.pop(name, None)
    else:
        REPLACEMENTS[name] = kernel


def fastest(name: str, otherwise: Callable) -> Callable:
    """Return the replacement of that name, or `otherwise` where there is none.

    >>> fastest("tripled", lambda x: 3 * x)(14)
    42
    """
    return REPLACEMENTS.get(name, otherwise)
