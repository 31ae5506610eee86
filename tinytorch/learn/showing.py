"""Values for people: short text for feedback, rich display for results.

shown(np.arange(5000))  ->  'array([   0,    1,    2, ..., 4997, 4998, 4999])'
"""

from __future__ import annotations

import base64
import sys
from typing import TypedDict

import numpy as np

SHORT = 600
LONG = 20_000


class Display(TypedDict):
    """One thing to show: text, or the bytes of a picture in base64."""

    mime: str
    data: str


def is_tensor(value: object) -> bool:
    """Tell whether a value is a tensor: an object whose ``data`` is an array, and no array itself."""
    return not isinstance(value, (np.ndarray, np.generic, type)) and isinstance(_data(value), np.ndarray)


def _data(value: object):
    try:
        return getattr(value, "data", None)
    except Exception:  # a reader's own property may be broken; then it is no tensor that can be compared
        return None


def shown(value: object, limit: int = SHORT) -> str:
    """Return ``repr(value)``, with long arrays and containers shortened and a broken repr named."""
    try:
        with np.printoptions(threshold=60, edgeitems=3, linewidth=88):
            text = _repr(value)
    except RecursionError:
        text = f"<{type(value).__name__} whose repr calls itself without end>"
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= limit else text[: limit * 2 // 3] + " … " + text[-limit // 6 :]


def _repr(value: object) -> str:
    if isinstance(value, np.generic):
        return repr(value.item())
    if (type(value) in (list, tuple, set, dict) and len(value) > 40) or (
        isinstance(value, (str, bytes)) and len(value) > LONG
    ):
        import reprlib

        short = reprlib.Repr()
        short.maxlist = short.maxtuple = short.maxset = short.maxdict = 12
        short.maxother = short.maxstring = 300
        return short.repr(value)
    if type(value) in (list, tuple):
        items = [_repr(item) for item in value]
        return (
            f"[{', '.join(items)}]" if type(value) is list else f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        )
    return repr(value)


def described(value: object) -> str:
    """Return what kind of thing a value is: ``a Tensor of shape (2, 3)``.

    >>> described(np.zeros((2, 3)))
    'an ndarray of shape (2, 3)'
    """
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    article = "an" if name[0].lower() in "aeiou" or name.startswith("ndarray") else "a"
    if is_tensor(value):
        return f"{article} {name} of shape {value.data.shape}"
    if isinstance(value, np.ndarray):
        return f"an ndarray of shape {value.shape}"
    if isinstance(value, (list, tuple, dict, set)):
        return f"{article} {name} of {len(value)}"
    return f"{article} {name}"


def display(value: object) -> list[Display]:
    """Return the value of a cell's last line as display records, the richest first."""
    records = []
    if value is not None and not _is_plot_part(value):
        for mime, method in (
            ("text/html", "_repr_html_"),
            ("image/svg+xml", "_repr_svg_"),
            ("image/png", "_repr_png_"),
        ):
            data = _rich(value, method)
            if data is not None:
                records.append(
                    {"mime": mime, "data": base64.b64encode(data).decode() if isinstance(data, bytes) else str(data)}
                )
                break
        else:
            records.append({"mime": "text/plain", "data": _long_repr(value)})
    return records + figures()


def _rich(value: object, method: str):
    if isinstance(value, type):
        return None
    make = getattr(value, method, None)
    return make() if callable(make) else None


def _long_repr(value: object) -> str:
    big = type(value) in (list, tuple, set, dict, str, bytes) and len(value) > 2_000
    text = shown(value, LONG) if big else repr(value)
    return text if len(text) <= LONG else text[:LONG] + " …"


def _is_plot_part(value: object) -> bool:
    first = value[0] if isinstance(value, (list, tuple)) and value else value
    return type(first).__module__.partition(".")[0] == "matplotlib" and bool(_open_figures())


def _open_figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return list(pyplot.get_fignums()) if pyplot else []


def figures() -> list[Display]:
    """Return the open matplotlib figures as PNG and close them; matplotlib is never imported for it."""
    import io

    records = []
    for number in _open_figures():
        pyplot = sys.modules["matplotlib.pyplot"]
        file = io.BytesIO()
        pyplot.figure(number).savefig(file, format="png", dpi=110, bbox_inches="tight")
        records.append({"mime": "image/png", "data": base64.b64encode(file.getvalue()).decode()})
        pyplot.close(number)
    return records
