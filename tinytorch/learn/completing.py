"""Completion from the live session: names in sight, and attributes of the objects behind them."""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

TAIL = re.compile(r"((?:[^\W\d]\w*\.)*)([^\W\d]\w*|)$")
WORD = re.compile(r"\b[^\W\d]\w*")
MOST = 200


def complete(text: str, position: int, session: dict, owners: dict[str, type | None]) -> list[dict]:
    """Return what can stand at a position, as records of label, type and detail.

    owners : function name -> class that the exercise's function belongs to, for ``self.``
    """
    before = text[:position]
    if _in_comment(before):
        return []
    path, prefix = TAIL.search(before).groups()
    if not path and (not prefix or before[: len(before) - len(prefix)].endswith((".", ")", "]"))):
        return []
    found = _attributes(path.rstrip("."), before, session, owners) if path else _names(text, prefix, session)
    wanted = {name: value for name, value in found.items() if name.startswith(prefix) and name != prefix}
    if not prefix.startswith("_"):
        wanted = {name: value for name, value in wanted.items() if not name.startswith("_")}
    return [_record(name, wanted[name]) for name in sorted(wanted)[:MOST]]


def _in_comment(before: str) -> bool:
    line = before.rpartition("\n")[2]
    return line.lstrip().startswith("#")


def _names(text: str, prefix: str, session: dict) -> dict:
    found: dict = dict.fromkeys(WORD.findall(text), _Word)
    found.update((name, _Keyword) for name in keyword.kwlist)
    found.update(vars(builtins))
    found.update(session)
    return found


def _attributes(path: str, before: str, session: dict, owners: dict) -> dict:
    first, *rest = path.split(".")
    if first in ("self", "cls"):
        value = _owner(before, owners)
    else:
        value = session.get(first, getattr(builtins, first, None))
    for name in rest:
        value = _attribute(value, name)
    if value is None:
        return {}
    return {name: _attribute(value, name) for name in dir(value)}


def _owner(before: str, owners: dict):
    names = re.findall(r"^def (\w+)\(", before, re.MULTILINE)
    return owners.get(names[-1]) if names else None


def _attribute(value, name: str):
    """Return an attribute without running a property of the reader's, where it can be avoided."""
    found = inspect.getattr_static(value, name, None)
    if isinstance(found, property):
        return found
    try:
        return getattr(value, name, None)
    except Exception:  # an attribute that raises completes to nothing
        return None


class _Word:
    """A word of the text whose value is not known."""


class _Keyword:
    """A keyword of Python."""


def _record(name: str, value) -> dict:
    return {"label": name, "type": _type(value), "detail": _detail(value)}


def _type(value) -> str:
    if value is _Word:
        return "text"
    if value is _Keyword:
        return "keyword"
    for kind, types in (
        ("class", type),
        ("namespace", ModuleType),
        ("property", property),
        ("method", MethodType),
        ("function", (FunctionType, BuiltinFunctionType)),
    ):
        if isinstance(value, types):
            return kind
    return "function" if callable(value) else "variable"


def _detail(value) -> str:
    if value is _Word or value is _Keyword:
        return ""
    if isinstance(value, (FunctionType, MethodType)):
        try:
            return str(inspect.signature(value))
        except (TypeError, ValueError, NameError):
            return ""
    if callable(value) or isinstance(value, (ModuleType, property)):
        return ((inspect.getdoc(value) or "").split("\n") or [""])[0][:80]
    return type(value).__name__
