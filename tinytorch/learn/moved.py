"""Old names of modules: texts that readers keep go on using them."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec

# The old name, and the one that it stands for.
MOVED = {
    f"tinytorch.learn.{name}": f"tinytorch.pictures.{name}"
    for name in ("curves", "digits", "drawing", "graph", "live", "memory", "pad", "palette", "surface")
}


class Moved:
    """Answers an import of an old name with the module itself, which is there once under both names."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return ModuleSpec(name, cls) if name in MOVED else None

    @staticmethod
    def create_module(spec):
        return None  # Python makes an empty one, which exec_module replaces

    @staticmethod
    def exec_module(module):
        sys.modules[module.__name__] = importlib.import_module(MOVED[module.__name__])


def install() -> None:
    """Let Python ask here last, for names that nobody else knows; a second time changes nothing."""
    if not any(getattr(finder, "__module__", None) == __name__ for finder in sys.meta_path):
        sys.meta_path.append(Moved)
