"""The memory of the running Python, seen by the running Python."""

from __future__ import annotations

import numpy as np
import pyodide_js


class Refused(RuntimeError):
    """The kernels were not installed, and NumPy is as it was; the message says why."""


class Memory:
    """A stretch of the memory of the running Python, to be looked at by NumPy; it copies nothing."""

    def __init__(self, address: int, count: int, kind: str) -> None:
        self.__array_interface__ = {"version": 3, "data": (address, False), "shape": (count,), "typestr": kind}


def words(address: int, count: int) -> np.ndarray:
    """Return `count` words of 32 bits at an address, to be read and written."""
    return np.asarray(Memory(address, count, "<u4"))


def allocate(count: int) -> int:
    """Return the address of `count` bytes on a boundary of 64. They are never given back: NumPy may call at any time."""
    address = pyodide_js._module._malloc(count + 63)
    if not address:
        raise Refused(f"there was no memory left for {count} bytes")
    return (address + 63) & ~63
