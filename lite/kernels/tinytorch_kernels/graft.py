"""Put WebAssembly functions in the place of NumPy's inner loops, and take them out again.

A ufunc such as `np.matmul` is a C structure with two arrays: one function for each combination of types ("loops"), and
one pointer for each of these that the function gets as its last argument. In WebAssembly a function pointer is a
position in a table. So: append our function to the table, and write its position and the address of its `context` (see
loop.h) into the two arrays. Python, NumPy and everything above them stay as they are.
"""

from __future__ import annotations

import os

import js
import numpy as np
import pyodide_js

from .memory import Memory, Refused, allocate, words
from .routes import Route, make_dot, make_inner

# The versions of NumPy whose structure was looked at; another one may have moved a field.
KNOWN = ("2.4.3",)

# Fields of PyUFuncObject, in words of 32 bits from its start.
NIN, NOUT, NARGS, FUNCTIONS, DATA, NTYPES, NAME = 2, 3, 4, 6, 7, 8, 10

# ufunc, types, and the module's function for them.
PLACES = [
    ("matmul", "ff->f", "float32_matmul"),
    ("matmul", "dd->d", "float64_matmul"),
    *((name, "f->f", f"float32_{name}") for name in ("exp", "tanh", "sqrt", "negative", "absolute")),
    *((name, "ff->f", f"float32_{name}") for name in ("maximum", "minimum", "add", "subtract", "multiply", "divide")),
]

# The same kernels, compiled twice: relaxed SIMD has a fused multiply-add, and not every browser has relaxed SIMD.
MODULES = [("kernels_relaxed.wasm", True), ("kernels.wasm", False)]


def best_module() -> tuple[object, bool]:
    """Return the bytes of the best module this browser understands, and whether it is the relaxed one."""
    for name, relaxed in MODULES:
        with open(os.path.join(os.path.dirname(__file__), name), "rb") as file:
            code = js.Uint8Array.new(file.read())
        if js.WebAssembly.validate(code):
            return code, relaxed
    raise Refused("this browser's WebAssembly has no SIMD, or the kernels' file is damaged")


def instantiate(code) -> object:
    """Return the functions of a module that works in the memory of the running Python."""
    module = pyodide_js._module
    shared = js.Object.new()
    shared.memory = module.memory
    setattr(shared, "__indirect_function_table", module.wasmTable)
    imports = js.Object.new()
    imports.env = shared
    return js.WebAssembly.Instance.new(js.WebAssembly.Module.new(code), imports).exports


def structure(ufunc: np.ufunc) -> list[int]:
    """Return the fields of a ufunc; raise unless they say what the ufunc itself says."""
    fields = words(id(ufunc), NAME + 1).tolist()
    found = [fields[place] for place in (NIN, NOUT, NARGS, NTYPES)]
    expected = [ufunc.nin, ufunc.nout, ufunc.nargs, len(ufunc.types)]
    name = ufunc.__name__.encode()
    if found != expected or np.asarray(Memory(fields[NAME], len(name), "|u1")).tobytes() != name or not fields[DATA]:
        raise Refused(f"np.{ufunc.__name__} is laid out otherwise in memory than in the NumPy this was written for")
    return fields


class Loop:
    """One loop of one ufunc: NumPy's and ours, and which of the two NumPy calls.

    `position` is that of our function in the table of functions, `context` the address of what it is given.
    """

    def __init__(self, ufunc: np.ufunc, types: str, position: int, context: int, scratch: int) -> None:
        fields, offset = structure(ufunc), 4 * ufunc.types.index(types)
        self.name = f"np.{ufunc.__name__} {types}"
        self.function = words(fields[FUNCTIONS] + offset, 1)
        self.own = words(fields[DATA] + offset, 1)
        self.original = self.function.item(), self.own.item()
        self.ours = position, context
        if not 0 < self.original[0] < position:
            raise Refused(f"{self.name} does not point to a function")
        self.context = words(context, 4)
        self.context[:] = *self.original, scratch, 0

    def switch(self, on: bool) -> None:
        self.function[0], self.own[0] = self.ours if on else self.original

    @property
    def calls(self) -> int:
        """How often our function was called."""
        return self.context.item(3)


class Grafted:
    """All loops, the routes to them, and the integer product and its two ends, which NumPy has no loop for."""

    def __init__(self, code, relaxed: bool) -> None:
        self.relaxed, self.on = relaxed, False
        functions, table = instantiate(code), pyodide_js._module.wasmTable
        self.int8 = functions
        contexts = allocate(16 * len(PLACES) + functions.scratch_bytes())
        self.scratch = contexts + 16 * len(PLACES)
        first = table.grow(len(PLACES))
        self.routes = [Route(np.dot, make_dot), Route(np.inner, make_inner)]
        self.loops = []
        for number, (name, types, function) in enumerate(PLACES):
            table.set(first + number, getattr(functions, function))
            self.loops.append(Loop(getattr(np, name), types, first + number, contexts + 16 * number, self.scratch))

    def switch(self, on: bool) -> None:
        """Let NumPy call our loops, or its own."""
        for place in (*self.loops, *self.routes):
            place.switch(on)
        self.on = on

    def int8_matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the exact product of two int8 matrices as int32; shapes and types were checked by the caller."""
        product = np.empty((a.shape[0], b.shape[1]), np.int32)
        self.int8.int8_matmul(address(a), *a.strides, address(b), *b.strides, address(product),
                              a.shape[0], a.shape[1], b.shape[1], self.scratch)  # fmt: skip
        return product

    def quantize_with(self, x: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
        """Return float32 numbers as int8 codes, all of one scale and zero point, in one pass."""
        x, codes = np.ascontiguousarray(x), np.empty(x.shape, np.int8)
        self.int8.int8_codes(address(x), address(codes), x.size, scale, zero_point)
        return codes

    def rescale(
        self, sums: np.ndarray, zero_point: int, weight_sums: np.ndarray, scale: np.ndarray, bias
    ) -> np.ndarray:
        """Return int32 sums as float32 numbers in one pass; what each output has is a row or a column."""
        shape = (len(sums), 1) if scale.ndim == 2 else (sums.shape[1],)
        for each in (weight_sums, scale, *(() if bias is None else (bias,))):
            if each.shape != shape:
                raise ValueError(
                    f"rescale: {each.shape} cannot be broadcast to sums of {sums.shape} like a scale of {scale.shape}"
                )
        offsets, numbers = zero_point * weight_sums, np.empty(sums.shape, np.float32)
        bias = np.zeros(scale.shape, np.float32) if bias is None else bias
        self.int8.int8_rescale(address(sums), address(offsets), address(scale), address(bias), address(numbers),
                               *sums.shape, scale.ndim == 2)  # fmt: skip
        return numbers

    def columns(self, images: np.ndarray, kernel_size: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
        """Return every window of int8 images (C, n, H, W) as a column, (C * rows * columns, n * windows)."""
        C, n, *sizes = images.shape
        high, wide = (
            (size - kernel) // step + 1 for size, kernel, step in zip(sizes, kernel_size, stride, strict=True)
        )
        images = images if images.strides[3] == 1 else np.ascontiguousarray(images)
        columns = np.empty((C * kernel_size[0] * kernel_size[1], n * high * wide), np.int8)
        self.int8.int8_columns(
            address(images), *images.strides[:3], address(columns), C, n, *kernel_size, high, wide, *stride
        )
        return columns

    def count_odd(self, x: np.ndarray) -> int:
        """Return how many of some float32 numbers are NaN or infinite."""
        x, odd = np.ascontiguousarray(x), np.zeros(1, np.int32)
        self.int8.int8_count_odd(address(x), x.size, address(odd))
        return odd.item()

    def for_the_library(self) -> dict:
        """The functions that take the place of `tinytorch.perf.quantization`'s own, by name."""
        names = ("int8_matmul", "quantize_with", "rescale", "columns", "count_odd")
        return {name: getattr(self, name) for name in names}


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def install() -> Grafted:
    """Put the kernels into NumPy, compare with NumPy's own loops, and return them switched on.

    Raises
    ------
    Refused: an unknown NumPy, no SIMD, or a result that differs; NumPy is as it was.
    """
    from . import verify

    if np.__version__ not in KNOWN:
        raise Refused(f"NumPy is version {np.__version__}; the kernels were written for {' and '.join(KNOWN)}")
    calls = verify.cases()
    expected = verify.results(calls)
    grafted = Grafted(*best_module())
    try:
        grafted.switch(True)
        difference = verify.difference(grafted, calls, expected)
    except BaseException:
        grafted.switch(False)
        raise
    if difference:
        grafted.switch(False)
        raise Refused(f"the kernels were taken out again: {difference}")
    return grafted
