"""The notebook's door: ``%%exercise``, ``%%milestone``, ``learn.check``, ``learn.answer``, ``learn.open``.

The notebook's own variables are the session, so a plain cell sees what an exercise
cell defined and put in place. What is written is kept: natively in a folder, in the
browser in the site's database, so that the page and the notebook share it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager

from ..catalog import Unknown, catalog
from ..cell import is_untouched, is_unwritten
from ..keeping import standing
from ..keeping.folder_store import FolderStore
from ..keeping.progress import Progress, ProgressError
from ..workshop import Outcome, Workshop
from .reporting import error_sentence, judge, report, report_run, state_words


class NotYet(AssertionError):
    """A check that did not pass. A grader sees an error, the reader the words."""


@contextmanager
def sentences():
    """Let a notebook show what is refused in here as its sentence, without the lines of ours that it came through."""
    try:
        yield
    except (NotYet, Unknown, ProgressError, ValueError, OSError) as problem:
        sentence = error_sentence(problem)
        problem._render_traceback_ = lambda: [sentence]  # IPython asks an error for it before it makes a traceback
        raise


class Notebook:
    """What one notebook keeps: the workshop, the texts last run, the records and where they go."""

    def __init__(self, session: dict | None = None):
        self.workshop = Workshop(session=session)
        self.texts: dict[str, str] = {}
        self.progress = Progress()
        self.store: FolderStore | object | None = None
        self.pending: set = set()

    def run(self, id: str, text: str) -> None:
        """Run an exercise cell and show what came of it."""
        exercise = catalog().exercise(id)
        if not text.strip() or is_untouched(text, exercise):
            return self._leave_alone(id, text)
        outcome = self.workshop.run(id, text)
        self.texts[id] = text
        self._record(outcome, text, self._state_after_run(id, text, outcome))
        _show(outcome.display)
        if outcome.error:
            _say_problem(outcome.error)
        elif outcome.advice:
            print(outcome.advice)

    def _leave_alone(self, id: str, text: str) -> None:
        """A starter takes nobody's place, so that a notebook runs from top to bottom before it is written."""
        leaf = catalog().exercise(id).leaf
        if id in self.progress.passed:
            self.texts.pop(id, None)
            print(f"This cell holds the starter. Your version of {leaf} that passed stays in place.")
        else:
            self.texts[id] = text
            print(f"{leaf} is not written yet. The library's version stands in.")

    def check(self, id: str) -> None:
        """Check the text last run, print the feedback, raise NotYet where it fails.

        What is not written or run yet raises nothing, so that Run All goes on to the end. It is said on stderr, and a cell
        that writes there scores nothing with nbgrader.
        """
        exercise = catalog().exercise(id)
        text = self.texts.get(id, self.progress.passed.get(id))
        if text is None or is_unwritten(text, exercise):
            state = "written" if text else "run"  # IPython runs no cell that has nothing below its %%exercise
            print(f"{exercise.leaf} is not {state} yet, so there is nothing to check.", file=sys.stderr)
            return
        outcome = self.workshop.check(id, text)
        self._record(outcome, text, outcome.state)
        standing.say_behind(outcome, self.progress, catalog())
        print(report(outcome, exercise))
        if outcome.state != "passed":
            raise NotYet(f"{exercise.leaf}: {state_words(outcome)}.")

    def milestone(self, id: str, text: str | None = None) -> None:
        """Run a milestone's program on the reader's own package and print what it reached."""
        outcome = self.workshop.milestone(id, text)
        _show(outcome.display)
        standing.say_behind(outcome, self.progress, catalog())
        print(report_run(outcome, catalog().program(id)))
        record = self.progress.run(id, outcome)
        if record:
            self._send("answers", record)

    def answer(self, id: str, answer) -> None:
        """Judge the answer to a question, print what there is to say, keep it."""
        if answer is None or (isinstance(answer, str) and not answer.strip()):
            where = "in place of None" if answer is None else "between the quotation marks"
            print(f"No answer yet: put yours {where}.")
            return
        right, words = judge(catalog().question(id), answer)
        self._send("answers", self.progress.answer(id, answer, right))
        print(words)

    def _state_after_run(self, id: str, text: str, outcome) -> str:
        before = self.progress.exercises.get(id, {})
        same = before.get("state") == "passed" and before.get("text") == text
        return "passed" if same else outcome.state

    def _record(self, outcome: Outcome, text: str, state: str) -> None:
        self._send("exercises", self.progress.write(outcome.id, text, outcome.edition, state))

    def _send(self, kind: str, record: dict) -> None:
        """Hand a record to the store; in the browser that takes a moment, which nobody has to wait for."""
        if self.store is None:
            return
        try:
            waiting = self.store.put(kind, record, self.progress)
        except (OSError, ProgressError) as problem:
            print(f"Not saved: {problem} Your text is still in this notebook.", file=sys.stderr)
            return
        if waiting is not None:
            import asyncio

            task = asyncio.ensure_future(waiting)
            self.pending.add(task)
            task.add_done_callback(self._stored)

    def _stored(self, task) -> None:
        self.pending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            print(f"Not saved: {task.exception()}. Your text is still in this notebook.", file=sys.stderr)


_current: list[Notebook] = []


def current() -> Notebook:
    """Return the notebook's state, made at first use."""
    if not _current:
        _current.append(Notebook(_user_namespace()))
    return _current[0]


def _user_namespace() -> dict | None:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell.user_ns if shell else None


@sentences()
def check(id: str) -> None:
    """Check an exercise: the text of its ``%%exercise`` cell as it was last run."""
    current().check(id)


@sentences()
def answer(id: str, answer) -> None:
    """Answer a question: the number of a choice (from 1), a number, or a text."""
    current().answer(id, answer)


@sentences()
def milestone(id: str) -> None:
    """Run a milestone's program as the book prints it, on your own functions."""
    current().milestone(id)


async def open(folder: str | None = None) -> None:
    """Bring back what was written before, and keep what is written from now on.

    folder : where it is kept outside the browser; default: what `folder.home` finds
    """
    notebook = current()
    with sentences():
        notebook.store = _store(folder)
        try:
            record = await notebook.store.load()
        except ProgressError:
            notebook.store = None
            raise
    if record:
        notebook.progress.merge(Progress.from_dict(record))
    problems = notebook.workshop.restore(notebook.progress.passed)
    for problem in problems:
        print(f"{problem['id']}: the version that passed could not be put in place. {problem['sentence']}")
    count = len(notebook.workshop.accepted)
    print(f"{count} of your functions are in place." if count != 1 else "1 of your functions is in place.")


def _store(folder: str | None):
    if sys.platform == "emscripten":
        from ..keeping.browser_store import BrowserStore

        return BrowserStore()
    return FolderStore(folder)


@sentences()
def _exercise_magic(line: str, cell: str) -> None:
    id = line.split("#")[0].strip()
    current().run(id, cell)


@sentences()
def _milestone_magic(line: str, cell: str) -> None:
    current().milestone(line.split("#")[0].strip(), cell)


def load_ipython_extension(ipython) -> None:
    """Register ``%%exercise`` and ``%%milestone``; called by ``%load_ext tinytorch.learn``."""
    _current[:] = [Notebook(ipython.user_ns)]
    ipython.register_magic_function(_exercise_magic, "cell", "exercise")
    ipython.register_magic_function(_milestone_magic, "cell", "milestone")


def unload_ipython_extension(ipython) -> None:
    """Put the library's functions back."""
    for notebook in _current:
        notebook.workshop.close()
    _current.clear()
    ipython.magics_manager.magics["cell"].pop("exercise", None)
    ipython.magics_manager.magics["cell"].pop("milestone", None)


def _say_problem(problem) -> None:
    print(problem.sentence, file=sys.stderr)
    if problem.traceback:
        print(problem.traceback, file=sys.stderr)


def _show(records: list[dict]) -> None:
    if not records:
        return
    from IPython.display import display

    for record in records:
        plain = {} if record["mime"] == "text/plain" else {"text/plain": "a figure or table"}
        display({record["mime"]: record["data"], **plain}, raw=True)
