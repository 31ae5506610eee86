"""What needs more than the installed package: a clone of the book, `make`, a Jupyter.

Each function raises ProjectError with a sentence that says what is missing and what to do.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import tinytorch
from tinytorch.learn.catalog import Chapter

MARKS = ("Makefile", "book/serve.py", "modules")
JUPYTERS = ("jupyterlab", "notebook")


class ProjectError(RuntimeError):
    """Something that a command needs is not here; the message says what to do."""


def root() -> Path:
    """Return the clone of the book: the one around the current folder, or the one that tinytorch is used from."""
    here = Path.cwd()
    for folder in (here, *here.parents, Path(tinytorch.__file__).resolve().parents[1]):
        if all((folder / mark).exists() for mark in MARKS):
            return folder
    raise ProjectError(
        "This needs a clone of the book, and there is none here: tinytorch is installed without it. "
        "Go to the folder with the book's Makefile and try again."
    )


def make(target: str, *settings: str) -> int:
    """Run a target of the book's Makefile; return its exit status."""
    folder = root()
    if shutil.which("make") is None:
        raise ProjectError("The program `make` is not installed; it builds the site. On Debian: apt-get install make")
    return follow(["make", "-C", str(folder), "--no-print-directory", target, *settings])


def follow(command: list[str], **settings) -> int:
    """Run a program in this terminal until it ends; Ctrl-C is its own affair. Return the exit status."""
    process = subprocess.Popen(command, **settings)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def published_notebook(chapter: Chapter) -> str:
    """Return the text of a chapter's notebook, as the book in the clone makes it in a Python of its own."""
    folder = root()
    command = [sys.executable, "-P", "-X", "utf8", "-m", "tinytorch_book", "notebook", chapter.id]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(folder / "book")])}
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment)
    if done.returncode == 0:
        return done.stdout
    if missing := re.search(r"^ModuleNotFoundError: No module named '([^']+)'", done.stderr, re.M):
        raise ProjectError(
            f"Making a notebook needs the package {missing[1]}, which this Python does not have. Run `make build` in "
            f"{folder} once and use {folder / '.venv' / 'bin' / 'tito'}."
        )
    raise ProjectError(f"The book in {folder} cannot make this notebook: {done.stderr.strip()}")


def jupyter() -> str | None:
    """Return the name of the notebook program that this Python has, if it has one."""
    return next((name for name in JUPYTERS if importlib.util.find_spec(name)), None)


def open_notebook(path: str) -> int:
    """Open a notebook in the Jupyter of this Python; return its exit status."""
    if module := jupyter():
        return follow([sys.executable, "-m", module, path])
    python = shlex.quote(sys.executable)
    raise ProjectError(
        "JupyterLab is not installed for this Python, so the notebook is not opened. Install it with\n\n"
        f"    {python} -m pip install jupyterlab\n\n"
        f"and say tito start again; or open the file in an editor such as VS Code, with the kernel {python}."
    )


def surroundings() -> dict[str, str]:
    """Return the environment of a milestone's program: one thread, as in the page and when the book was built, and the
    data sets that the clone's build has fetched. What is set already stays."""
    found = {"OPENBLAS_NUM_THREADS": "1"}
    with contextlib.suppress(ProjectError):  # an installed package has no such folder
        folder = root() / "build" / "datasets"
        found |= {"TINYTORCH_DATA": str(folder)} if folder.is_dir() else {}
    return found | os.environ


def fresh_python(arguments: list[str]) -> int:
    """Run a command of `python -m tinytorch.learn` in an interpreter of its own; return its exit status.

    Files of the current folder, such as a random.py, are kept from taking the place of Python's own modules.
    """
    here = Path.cwd() == Path(tinytorch.__file__).resolve().parents[1]
    command = [sys.executable, *([] if here else ["-P"]), "-m", "tinytorch.learn", *arguments]
    status = follow(command, env=surroundings())
    if status < 0 and -status != signal.SIGINT:
        raise ProjectError(
            f"Python itself was ended by signal {-status} while a program ran; that run is not recorded."
        )
    return 130 if status < 0 else status
