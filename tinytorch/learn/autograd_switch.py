"""The one change of the library that a reader makes on purpose and that lasts: `enable_autograd()`.

What a run changes in the library from outside is undone when the run ends. Calling `enable_autograd()` changes
classes too, and from then on everything the reader wrote has gradients: for the rest of the session, which
means until Python starts anew. So around each run it is taken back, the library is looked at as it is without
it, and it is called again, always the version that is in place at that moment: the reader's or the library's.
Checks run without it, as in a fresh session; those that need it call it themselves.
"""

from __future__ import annotations

import sys


class Autograd:
    """The switch, for the length of one run.

    package : its module `core.autograd` is the one that counts; where it is not loaded, there is nothing to switch
    anew : the run begins with the switch off, and afterwards it is where it was before
    due : an earlier run could not switch it on again, so this one is to, unless it is anew
    """

    def __init__(self, package: str, anew: bool = False, due: bool = False):
        self.name, self.package, self.anew = f"{package}.core.autograd", package, anew
        self.on, self.due = self._is_on(), due
        self.before = self.on or due
        self.running = False
        self.known = list(self.module.GRADIENTS) if self.module else []

    @property
    def module(self):
        """The module of autograd, or None as long as nobody asked for it."""
        return sys.modules.get(self.name)

    def _is_on(self) -> bool:
        return bool(self.module and self.module.REPLACED)

    def enter(self) -> None:
        """Begin the run: on where it was on before."""
        if self.before and not self.anew:
            self._on_again()
        self.running = True

    def off(self) -> None:
        """Take it back, and remember whether the run left it on."""
        if self.running and not self.anew:
            self.on = self._is_on()
        self.running = False
        if self.module:
            self.module.disable_autograd()

    def leave(self) -> None:
        """End the run, when all else that it changed is undone."""
        self._forget_gradients_of_the_run()
        if self.on:
            try:
                self._on_again()
            except (Exception, SystemExit):  # this version says what is wrong with it when a run begins with it
                self.module.disable_autograd()
                self.due = self.before

    def _on_again(self) -> None:
        """Call it. Where that fails or is stopped it is due, and this run does not try once more."""
        self.on, self.due = False, True
        if not self.module.REPLACED:
            self.module.enable_autograd()
        self.on, self.due = True, False

    def _forget_gradients_of_the_run(self) -> None:
        """Take out what the run said, with `gradient_of`, of operations that belong to the package."""
        if self.module:
            kept = [entry for entry in self.module.GRADIENTS if entry in self.known or not self._is_of_the_run(*entry)]
            self.module.GRADIENTS[:] = kept

    def _is_of_the_run(self, owner, name, function) -> bool:
        place = owner.__module__ if isinstance(owner, type) else owner.__name__
        return self._ours(place) and not self._ours(function.__module__)

    def _ours(self, name: str) -> bool:
        return f"{name}.".startswith(f"{self.package}.")
