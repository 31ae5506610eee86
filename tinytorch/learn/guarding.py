"""Keeping the package as it was while the reader's code runs in it.

A reader's text may write into the library's modules and classes: on purpose, by mistake, or because building a function
runs the text around it. When the run ends, or is stopped, all of that is undone, but for the reader's own helpers and
for `enable_autograd()`.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType

from .autograd_switch import Autograd

MISSING = object()
FREE = object()
OWN = ("learn", "pictures")  # what the running session works and draws with: it is no part of what the reader builds


class Guard:
    """Undoes what a run changed in a package.

    helper_names : a function from a module's name to the names in it that are the reader's at this moment
    """

    def __init__(self, helper_names):
        self.gradients_due = False
        self._helper_names = helper_names
        self._lent: tuple[dict, dict] | None = None
        self._before: list[tuple[object, dict]] = []
        self._autograd: Autograd | None = None

    @contextmanager
    def around(self, package: str, anew: bool = False, lent: tuple[dict, tuple] | None = None):
        """Keep what a block writes into the package's modules and classes from outlasting the block.

        The reader's own helpers are left alone: a counter among them may go on counting. Calling
        `enable_autograd()` is the one change that lasts; see `autograd_switch`.

        anew : the block begins without it, as a fresh session does, and what it calls does not last
        lent : a module's namespace and names in it that are given back as well, even where they are the reader's
        """
        if lent:
            space, names = lent
            self._lent = (space, {name: space.get(name, MISSING) for name in names})
        self._autograd = Autograd(package, anew, self.gradients_due)
        self._autograd.off()
        self._before = self._state_of(package)
        try:
            self._autograd.enter()
            yield
        finally:
            self.settle()

    def settle(self) -> None:
        """Give modules back what was changed in them for a moment.

        A Stop may interrupt this; doing it again does the rest.
        """
        if self._lent:
            put_back(*self._lent)
            self._lent = None
        if self._autograd:
            self._autograd.off()
        for owner, before in self._before:
            undo(owner, before)
        self._before = []
        if self._autograd:
            self._autograd.leave()
            self.gradients_due = self._autograd.due
            self._autograd = None

    def _state_of(self, package: str) -> list[tuple[object, dict]]:
        """Return the modules and classes of a package with their attributes."""
        own = tuple(f"{package}.{part}." for part in OWN)
        found = []
        for name, module in list(sys.modules.items()):
            if f"{name}.".startswith(f"{package}.") and not f"{name}.".startswith(own):
                kept = {**vars(module), **dict.fromkeys(self._helper_names(name), FREE)}
                classes = [v for v in kept.values() if isinstance(v, type) and v.__module__ == name]
                found += [(module, kept), *((each, dict(vars(each))) for each in classes)]
        return found


def put_back(space: dict, saved: dict) -> None:
    """Give names of a namespace the values that they had."""
    for name, value in saved.items():
        if value is MISSING:
            space.pop(name, None)
        else:
            space[name] = value


def undo(owner, before: dict) -> None:
    """Give a module or a class the attributes that it had; a module that was imported meanwhile stays."""
    now = dict(vars(owner))
    for name in now.keys() - before.keys():
        if not isinstance(now[name], ModuleType):
            delattr(owner, name)
    for name, value in before.items():
        if value is not FREE and now.get(name, MISSING) is not value:
            setattr(owner, name, value)
