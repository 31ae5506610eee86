"""What differs between two values, in words.

The order is the order in which a reader can do something about it: the type, then
the shape, then the dtype, then the values with the first place where they differ.
"""

from __future__ import annotations

import types

import numpy as np

from .showing import described, is_tensor, shown

NUMBER = (int, float, complex, np.number)
TRUTH = (bool, np.bool_)


def difference(got, expected, rtol: float = 1e-5, atol: float = 1e-6) -> str | None:
    """Return how ``got`` differs from ``expected`` as the end of a sentence, or None.

    >>> difference(6, 24)
    'returned 6; expected 24'
    """
    return _type_difference(got, expected) or _content_difference(got, expected, rtol, atol)


def same(got, expected, rtol: float = 1e-5, atol: float = 1e-6) -> bool:
    """Tell whether two values agree; arrays, tensors and lists of equal numbers agree with one another."""
    try:
        if isinstance(got, (str, bytes, dict, type(None))) or isinstance(expected, (str, bytes, dict, type(None))):
            return difference(got, expected, rtol, atol) is None
        if isinstance(got, TRUTH) != isinstance(expected, TRUTH) or {type(got), type(expected)} == {list, tuple}:
            return False
        left, right = (np.asarray(v.data if is_tensor(v) else v) for v in (got, expected))
        return left.shape == right.shape and bool(np.all(_close(left, right, rtol, atol)))
    except (TypeError, ValueError):
        return False


def _family(value):
    """Return what a value counts as: numbers of all sizes are one family."""
    if isinstance(value, TRUTH):
        return bool
    if isinstance(value, NUMBER):
        return "number"
    return type(value)


def _type_difference(got, expected) -> str | None:
    if got is None and expected is not None:
        return f"returned None; expected {_kind(expected)}. A function without `return` returns None"
    if isinstance(got, (types.GeneratorType, types.CoroutineType)):
        return _unfinished(got, expected)
    if isinstance(got, (types.MethodType, types.BuiltinMethodType, types.FunctionType)) and not callable(expected):
        return f"returned the function `{got.__name__}` itself; expected {_kind(expected)}. Call it with ()"
    if _family(got) == _family(expected) or (
        isinstance(got, type(expected)) and _family(expected) not in (bool, "number")
    ):
        return None
    if type(got).__name__ == type(expected).__name__ and is_tensor(got) and is_tensor(expected):
        return None
    left, right = f"{_kind(got)}, {_inline(got)}", f"{_kind(expected)}, {_inline(expected)}"
    return f"returned {left}; expected {right}{_way(got, expected)}"


def _unfinished(got, expected) -> str:
    """Say why a generator or a coroutine came back, of which nothing is computed yet."""
    if isinstance(got, types.CoroutineType):
        got.close()
        return f"returned a coroutine, because the function is written with `async def`; expected {_kind(expected)}"
    if got.__name__ != "<genexpr>":
        return f"returned a generator, because the function has `yield` in it; expected {_kind(expected)}"
    return (
        f"returned a generator, of which nothing is computed yet; expected {_kind(expected)}. "
        "Put `tuple(...)` around the `... for ... in ...`"
    )


def _inline(value) -> str:
    """Return a value for the middle of a sentence: short, and the rows of an array on one line."""
    text = shown(value, 300)
    return " ".join(text.split()) if is_tensor(value) or isinstance(value, np.ndarray) else text


def _kind(value) -> str:
    if isinstance(value, TRUTH):
        return "True or False"
    if isinstance(value, NUMBER):
        return "a plain number"
    return described(value)


def _way(got, expected) -> str:
    if isinstance(got, (np.ndarray, *NUMBER)) and is_tensor(expected):
        what = "array" if isinstance(got, np.ndarray) else "number"
        return f". Wrap the {what}: `{type(expected).__name__}(…)`"
    if is_tensor(got) and isinstance(expected, np.ndarray):
        return ". The array inside a tensor is its `.data`"
    if (
        isinstance(expected, NUMBER)
        and (is_tensor(got) or isinstance(got, np.ndarray))
        and np.size(getattr(got, "data", got)) == 1
    ):
        return ". `.item()` takes the number out of an array with one element"
    return ""


def _content_difference(got, expected, rtol, atol) -> str | None:
    if is_tensor(expected):
        return _array_difference(got.data, expected.data, rtol, atol)
    if isinstance(expected, np.ndarray):
        return _array_difference(got, expected, rtol, atol)
    if isinstance(expected, NUMBER) and not isinstance(expected, TRUTH):
        return (
            None
            if bool(_close(np.asarray(got), np.asarray(expected), rtol, atol))
            else _said(got, expected) + _nan_note(got, expected)
        )
    if isinstance(expected, str):
        return _text_difference(got, expected)
    if isinstance(expected, (list, tuple)):
        return _sequence_difference(got, expected, rtol, atol)
    if isinstance(expected, dict):
        return _dict_difference(got, expected, rtol, atol)
    return None if got is expected or bool(got == expected) else _said(got, expected)


def _said(got, expected) -> str:
    left, right = _inline(got), _inline(expected)
    return (
        f"returned {left}; expected {right}"
        if left != right
        else f"returned {left}, which is not equal to the expected {right}"
    )


def _nan_note(got, expected) -> str:
    if isinstance(got, (float, np.floating)) and np.isnan(got) and not np.isnan(expected):
        return ". nan means that a step had no answer, such as 0/0"
    return ""


def _close(left: np.ndarray, right: np.ndarray, rtol: float, atol: float):
    if left.dtype.kind in "biufc" and right.dtype.kind in "biufc":
        with np.errstate(all="ignore"):
            return np.isclose(left, right, rtol=rtol, atol=atol, equal_nan=True)
    return left == right


def _array_difference(got: np.ndarray, expected: np.ndarray, rtol, atol) -> str | None:
    if got.shape != expected.shape:
        return f"has shape {got.shape}; expected shape {expected.shape}"
    if got.dtype != expected.dtype:
        return f"has dtype {got.dtype}; expected dtype {expected.dtype}{_dtype_note(got.dtype, expected.dtype)}"
    wrong = ~np.atleast_1d(_close(got, expected, rtol, atol))
    count = int(wrong.sum())
    if not count:
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    left, right = (np.atleast_1d(a)[place] for a in (got, expected))
    where = f" at {list(place)}" if got.ndim else ""
    many = f"; {count} of {got.size} values differ" if got.size > 1 else ""
    return f"has {_exact(left)}{where}; expected {_exact(right)}{many}{_nan_note(left, right)}"


def _dtype_note(got: np.dtype, expected: np.dtype) -> str:
    """Say why a dtype counts, and how it may have come about."""
    if expected.kind == "f" and got.kind == "f":
        if got.itemsize > expected.itemsize:
            return (
                f". Each number takes {got.itemsize} bytes instead of {expected.itemsize}: NumPy makes {got} of plain "
                "numbers and lists, and of anything computed with it"
            )
        return f". What goes in as {expected} must come out as precise: on the way it was turned into {got}"
    if expected.kind in "iu" and got.kind == "f":
        return ". Whole numbers, such as labels and positions, stay whole: only those can be an index"
    if expected.kind == "f" and got.kind == "b":
        return f". True and False become 1 and 0 with .astype(np.{expected})"
    if expected.kind == "f" and got.kind in "iu":
        return ". Whole numbers cannot hold what comes after the point"
    return ""


def _exact(value) -> str:
    return repr(value.item()) if not isinstance(value, np.floating) else repr(float(str(value)))


def _text_difference(got: str, expected: str) -> str | None:
    if got == expected:
        return None
    place = next(
        (i for i, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b), min(len(got), len(expected))
    )
    if max(len(got), len(expected)) < 20:
        return _said(got, expected)
    return f"{_said(got, expected)}. The first difference is at character {place}"


def _sequence_difference(got, expected, rtol, atol) -> str | None:
    if len(got) != len(expected):
        items = f"{len(got)} item" if len(got) == 1 else f"{len(got)} items"
        return f"{_said(got, expected)}: {items} instead of {len(expected)}"
    for i, (left, right) in enumerate(zip(got, expected, strict=True)):
        inner = value_difference(left, right, rtol, atol)
        if inner:
            simple = isinstance(right, (*NUMBER, str, bool)) and isinstance(left, (*NUMBER, str, bool))
            return _said(got, expected) if simple else _placed(f"at position {i}", inner)
    return None


def value_difference(got, expected, rtol: float = 1e-5, atol: float = 1e-6) -> str | None:
    """Return the difference of what no call gave, as a part of a value: a None there is not what was returned."""
    if got is None and expected is not None:
        return f"is None; expected {_kind(expected)}"
    return difference(got, expected, rtol, atol)


def _dict_difference(got: dict, expected: dict, rtol, atol) -> str | None:
    missing = [key for key in expected if key not in got]
    extra = [key for key in got if key not in expected]
    if missing:
        return f"has no key {missing[0]!r}; expected the keys {shown(list(expected), 200)}"
    if extra:
        return f"has the key {extra[0]!r}, which is not expected"
    for key, value in expected.items():
        inner = value_difference(got[key], value, rtol, atol)
        if inner:
            return _placed(f"at key {key!r}", inner)
    return None


def _placed(place: str, inner: str) -> str:
    """Say where a difference is; of a place within a place, the outer one comes first: ``at position 1, in it at key 'a'``."""
    return f"{place}, in it {inner}" if inner.startswith(("at position ", "at key ")) else f"{place} {inner}"
