"""tinytorch.learn: exercises, checks and feedback, and the reader's own package.

The same few lines work in the page, in a notebook, in a terminal and in a grader:

    from tinytorch import learn
    workshop = learn.Workshop()
    outcome = workshop.check("01.memory_footprint", text)
    filename, content = workshop.wheel("Ada Lovelace")

Reading order: ``catalog`` (what is asked), ``source`` and ``cell`` (text), ``placing``
(the swap), ``guarding`` (undoing the rest), ``expecting`` and ``checking`` (feedback), ``workshop``
(the session), ``overlay`` (the package), ``programs`` (milestones, run on it); ``keeping`` holds what
is kept of a reader's work, and ``doors`` how a notebook and a terminal come in.
"""

from __future__ import annotations

from . import moved
from .catalog import Catalog, Chapter, Check, Exercise, chapter, chapters, exercise

moved.install()

LATER = {
    "Outcome": "workshop",
    "Overlay": "overlay",
    "Problem": "explaining",
    "Workshop": "workshop",
    "check": "doors.notebook",
    "answer": "doors.notebook",
    "milestone": "doors.notebook",
    "open": "doors.notebook",
    "load_ipython_extension": "doors.notebook",
    "unload_ipython_extension": "doors.notebook",
}

__all__ = [
    "Catalog",
    "Chapter",
    "Check",
    "Exercise",
    "Outcome",
    "Overlay",
    "Problem",
    "Workshop",
    "answer",
    "chapter",
    "chapters",
    "check",
    "exercise",
]


def __getattr__(name: str):
    """Load the other parts when they are first asked for: a list of chapters needs no workshop."""
    if name == "progress":
        import importlib

        return importlib.import_module(f"{__name__}.keeping.progress")
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{LATER[name]}"), name)
