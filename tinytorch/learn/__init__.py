"""tinytorch.learn: exercises, checks and feedback, and the reader's own package.

The same few lines work in the page, in a notebook, in a terminal and in a grader:

    from tinytorch import learn
    workshop = learn.Workshop()
    outcome = workshop.check("01.memory_footprint", text)
    filename, content = workshop.wheel("Ada Lovelace")

Reading order: ``catalog`` (what is asked), ``source`` and ``cell`` (text), ``placing``
(the swap), ``expecting`` and ``checking`` (feedback), ``workshop`` (the session),
``overlay`` (the package), ``programs`` (milestones, run on it), ``progress`` and ``records`` (what is kept),
``folder_store`` (where), ``standing`` (how far), ``notebook``, ``local`` (the notebook as a file),
``desk`` (what a terminal works at).
"""

from __future__ import annotations

from .catalog import Catalog, Chapter, Check, Exercise, chapter, chapters, exercise

LATER = {
    "Outcome": "workshop",
    "Overlay": "overlay",
    "Problem": "explaining",
    "Workshop": "workshop",
    "check": "notebook",
    "answer": "notebook",
    "milestone": "notebook",
    "open": "notebook",
    "load_ipython_extension": "notebook",
    "unload_ipython_extension": "notebook",
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

        return importlib.import_module(f"{__name__}.progress")
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{LATER[name]}"), name)
