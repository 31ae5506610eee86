"""A picture that is replaced while a program runs.

    picture = Picture()
    for step in range(100):
        picture.show(svg, seconds=0.1)

In the page it goes to the card's output, in a notebook to the cell's; where nobody can see it,
as in a terminal, showing it costs nothing and does not wait. `say` prints a line that the page
reads out as well, to those who have it read to them.
"""

from __future__ import annotations

import html
import re
import sys
import time
from contextlib import contextmanager

LONGEST = 200_000
PATIENCE = 6.0  # seconds that one picture may hold up a program; afterwards it shows what it can without waiting
APART = 0.1
_sinks: list = [None]
_late: dict = {}


def unseen(place: str, svg: str) -> None:
    """A sink for runs that nobody watches."""


class Picture:
    """One place on the screen and what it shows at the moment."""

    count = 0

    def __init__(self):
        Picture.count += 1
        self.id = Picture.count
        self.handle = None
        self.waited, self.shown_at = 0.0, 0.0

    def show(self, svg, seconds: float = 0.0, text: str = "") -> None:
        """Put an SVG into the place of the one shown before, then let people look at it for so many seconds.

        svg : the text, or a function that makes it and is called only when somebody sees it
        text : what is printed instead where no picture can be shown, as in a terminal; "" prints nothing

        Raises ValueError for a text that is no SVG or is longer than a picture may be.
        """
        if text and _sinks[-1] is None and not _in_notebook():
            print(text)
        if callable(svg):
            if not _watched():
                return
            if self.waited >= PATIENCE and time.monotonic() - self.shown_at < APART:
                _late[self.id] = (self, svg)
                return
            svg = svg()
        _late.pop(self.id, None)
        if not svg.lstrip().startswith("<svg"):
            raise ValueError(f"a picture is an SVG, a text that begins with <svg; this one begins with {svg[:20]!r}")
        if len(svg) > LONGEST:
            raise ValueError(f"this picture has {len(svg):,} characters; {LONGEST:,} are the most")
        if self._send(svg) and seconds > 0 and self.waited < PATIENCE:
            self.waited += seconds
            time.sleep(seconds)
        self.shown_at = time.monotonic()

    def _send(self, svg: str) -> bool:
        """Hand the picture to whoever shows it; tell whether somebody does."""
        sink = _sinks[-1]
        if sink is unseen:
            return False
        if sink is not None:
            sink(f"live:{self.id}", svg)
            return True
        if _in_notebook():
            self._show_in_notebook(svg)
            return True
        return False

    def _show_in_notebook(self, svg: str) -> None:
        from IPython.display import display

        bundle = {"text/html": as_image(svg), "text/plain": title_of(svg)}
        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)


def say(words: str) -> None:
    """Print a line; in the page it is also read out, politely, to those who do not see it appear."""
    print(words)
    sink = _sinks[-1]
    if sink is not None and not is_rehearsal():
        sink("say", words)


def title_of(svg: str) -> str:
    """Return what the picture says of itself to those who cannot see it: its first <title>.

    >>> title_of("<svg><title>One line &amp; two points</title></svg>")
    'One line & two points'
    """
    found = re.search(r"<title[^>]*>(.*?)</title>", svg, re.S)
    return html.unescape(found[1]).strip() if found else "A picture drawn by this program"


def as_image(svg: str) -> str:
    """Return the HTML of an image that holds the SVG; as an image it can load nothing and run nothing.

    The text stays text, not base64: a page that is sent compressed is some kilobytes smaller for each picture.

    >>> as_image("<svg><title>A line</title></svg>")
    '<img alt="A line" src="data:image/svg+xml;charset=utf-8,%3Csvg%3E%3Ctitle%3EA line%3C/title%3E%3C/svg%3E">'
    """
    from urllib.parse import quote  # not needed to start with, and slow to load

    address = quote(svg, safe=" /:;,=()!*+?@$")
    return f'<img alt="{html.escape(title_of(svg))}" src="data:image/svg+xml;charset=utf-8,{address}">'


def check_network(network) -> None:
    """Raise TypeError for what a box of the page cannot ask: what cannot be called or has no parameters."""
    if not callable(network) or not getattr(network, "parameters", list)():
        raise TypeError(
            f"offer: got a {type(network).__name__}; needed is a network with parameters, such as "
            "Sequential(network, Softmax())"
        )


def is_rehearsal() -> bool:
    """Tell whether this is a run that nobody watches: what it leaves behind is not the reader's."""
    return _sinks[-1] is unseen


def _watched() -> bool:
    return _in_notebook() if _sinks[-1] is None else _sinks[-1] is not unseen


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


@contextmanager
def shown_by(sink):
    """Send pictures to ``sink(place, svg)`` for the length of a block; None leaves it to the notebook, if there is one."""
    _sinks.append(sink)
    try:
        yield
        for picture, make in list(_late.values()):  # the newest state of those that had no time to show it
            picture.show(make())
    finally:
        _late.clear()
        _sinks.pop()
