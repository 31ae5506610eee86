"""The colours of all pictures. An image takes none from the page; it follows the reader's light and dark by itself."""

from __future__ import annotations

import re

COLOURS = {  # in light, in dark
    "ink": ("#23211c", "#e5e0d5"),
    "words": ("#3a362f", "#e5e0d5"),
    "soft": ("#635d52", "#aaa294"),
    "edge": ("#8f8778", "#8f8778"),
    "page": ("#fdfcf8", "#191816"),
    "paper": ("#f6f3ea", "#24221e"),
    "tint": ("#e9eff7", "#1e2a38"),
    "blue": ("#2c5a8f", "#8db8e8"),
    "orange": ("#944812", "#e6a46c"),
    "green": ("#2f6b4f", "#8ecfa4"),
    "red": ("#a02a2a", "#f0958c"),
}


def style(rules: str) -> str:
    """Return rules of CSS whose colours are named, once for light and, as far as that differs, once for dark.

    >>> style("path{fill:none;stroke:$blue}.edge{stroke:$edge}")
    'path{fill:none;stroke:#2c5a8f}.edge{stroke:#8f8778}@media(prefers-color-scheme:dark){path{stroke:#8db8e8}}'

    Raises KeyError for a name that is no colour's.
    """
    dark = ""
    for selector, declarations in re.findall(r"([^{}]+)\{([^}]*)\}", rules):
        changed = [each for each in declarations.split(";") if _coloured(each, 0) != _coloured(each, 1)]
        if changed:
            dark += f"{selector}{{{';'.join(_coloured(each, 1) for each in changed)}}}"
    return f"{_coloured(rules, 0)}@media(prefers-color-scheme:dark){{{dark}}}"


def _coloured(text: str, scheme: int) -> str:
    return re.sub(r"\$(\w+)", lambda found: COLOURS[found[1]][scheme], text)
