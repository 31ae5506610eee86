"""Where a long run is kept, so that it can go on after a reload, a closed lid or another day.

    if shelf.take(trainer, "cifar-50000"):  go on where an earlier run of this name was
        ...
    shelf.keep(trainer, "cifar-50000")      after each part of the run

What is kept of a network at its end is what later chapters begin with: see `tinytorch.models`.
A name begins with that of the program, so that its card can show what is kept.
It is a checkpoint of chapter 08, one file for each name. In a page the browser keeps it with the reader's other
things; elsewhere it lies in the folder `runs` of the reader's folder, `my-tinytorch`. A run that nobody watches, by
which a milestone finds out which function is to blame, finds nothing here and leaves nothing. Neither does one where
TINYTORCH_RUNS says "none", as the build does: its pages must not depend on which of them was executed first.
"""

from __future__ import annotations

import os
import sys

from tinytorch.pictures import live

FOLDER = "/home/pyodide/runs"  # in a page: the worker puts there what the browser has kept


def place(name: str) -> str:
    """Return the path of the file of a run.

    >>> os.path.basename(place("cifar"))
    'cifar.npz'
    """
    if sys.platform == "emscripten":
        return f"{FOLDER}/{name}.npz"
    from .folder import home

    return os.path.join(home(), "runs", f"{name}.npz")


def is_shut() -> bool:
    """Tell whether nothing is kept here and nothing found."""
    return live.is_rehearsal() or os.environ.get("TINYTORCH_RUNS") == "none"


def keep(trainer, name: str) -> None:
    """Write down where a training is, in the place of what was kept under this name before.

    Where it cannot be written, a sentence says so and the training goes on.
    """
    if is_shut():
        return
    path = place(name)
    try:
        trainer.save_checkpoint(path)
        _hand_over(name, path)
    except OSError as error:
        print(f"This state of the run could not be kept ({error}); the run goes on.")


def take(trainer, name: str) -> bool:
    """Let a training go on where the last one of this name was kept; tell whether there was one that fits.

    What is kept of another network or optimizer is said and left alone.
    """
    path = place(name)
    if is_shut() or not os.path.exists(path):
        return False
    try:
        trainer.load_checkpoint(path)
    except ValueError as error:
        print(f"What an earlier run left does not fit this program, so it begins anew: {error}")
        return False
    return True


def put(name: str, state: bytes) -> None:
    """Put a run that the page has kept where it is looked for: the notebook's side, in a browser."""
    path = place(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(state)


def _hand_over(name: str, path: str) -> None:
    """In a page, give the file to the browser; Python's own files end with Python."""
    if sys.platform != "emscripten":
        return
    try:
        import tinytorch_page
    except ImportError:  # a notebook, whose kernel keeps it as long as it runs
        return
    with open(path, "rb") as file:
        tinytorch_page.keep(name, file.read())
