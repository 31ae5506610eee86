"""The desk at which a terminal works: the reader's folder, the records in it, and a workshop when code must run.

`tito` and ``python -m tinytorch.learn`` are two doors to it; neither knows more than how to ask and how to print.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from ..catalog import Catalog, Chapter, Exercise, Program
from ..catalog import catalog as shipped_catalog
from ..cell import is_untouched
from ..keeping import standing
from ..keeping.folder_store import FolderStore
from ..keeping.progress import HANDIN, Progress, ProgressError
from . import local
from .reporting import error_sentence


class Desk:
    """One reader's work on this disk.

    folder : where it is; default: what `folder.home` finds
    """

    def __init__(self, folder: str | None = None, catalog: Catalog | None = None):
        self.catalog = catalog or shipped_catalog()
        self.store = FolderStore(folder)
        self.progress = self.store.read() or Progress()
        self.problems: list[dict] = []  # texts that passed once and cannot be put in place now

    def notebook_path(self, chapter: Chapter) -> str:
        """Return where the notebook of a chapter or milestone is, or would be."""
        stem = f"{chapter.number:02d}_{chapter.name}"
        name = f"milestone_{stem}.ipynb" if chapter.programs else f"{stem}.ipynb"
        return os.path.join(self.store.folder, "notebooks", name)

    def take_in(self, chapter: Chapter) -> list[str]:
        """Record what was typed in a chapter's notebook and never run; return the ids."""
        path = self.notebook_path(chapter)
        if not os.path.exists(path):
            return []
        before = len(self.progress.history)
        taken = local.take_in(local.load(path), local.saved_at(path), self.progress, self.catalog)
        if taken or len(self.progress.history) != before:
            self.store.keep(self.progress)
        return taken

    def take_in_all(self) -> list[str]:
        """Do so for every notebook; return what there is to say about those that cannot be read."""
        problems = []
        for chapter in (*self.catalog.chapters, *self.catalog.milestones):
            try:
                self.take_in(chapter)
            except (ProgressError, OSError) as error:
                problems.append(error_sentence(error))
        return problems

    def start(self, chapter: Chapter, published: str, fresh: bool = False) -> local.Started:
        """Write a chapter's notebook as `local.start` does, after keeping what was typed in the one that is there."""
        self.take_in(chapter)
        return local.start(self.notebook_path(chapter), published, self.progress, self.catalog, fresh)

    def text(self, exercise: Exercise) -> str | None:
        """Return what the reader wrote for an exercise, or None where nothing is begun."""
        record = self.progress.exercises.get(exercise.id)
        return None if record is None or is_untouched(record["text"], exercise) else record["text"]

    @contextmanager
    def _workshop(self):
        """A session in which everything that passed is in place."""
        from ..workshop import Workshop

        workshop = Workshop(catalog=self.catalog)
        try:
            self.problems = workshop.restore(self.progress.passed)
            yield workshop
        finally:
            workshop.close()

    def check(self, exercises: list[Exercise]):
        """Check the reader's texts one after the other, keep what came of it, and yield (outcome, exercise).

        The outcome is None where nothing is begun. A check that the reader stopped is the last.
        """
        with self._workshop() as workshop:
            for exercise in exercises:
                text = self.text(exercise)
                outcome = None if text is None else workshop.check(exercise.id, text)
                stopped = outcome is not None and outcome.state == "idle"
                if outcome and not stopped:
                    self._record(outcome, text)
                if outcome:
                    standing.say_behind(outcome, self.progress, self.catalog)
                yield outcome, exercise
                if stopped:
                    return

    def _record(self, outcome, text: str) -> None:
        """Keep what a check found; a text that is known to have passed is not recorded once more."""
        record = self.progress.exercises[outcome.id]
        passed = record["passed"] or {}
        known = record["state"], passed.get("text"), passed.get("edition")
        if outcome.state != "passed" or known != ("passed", text, outcome.edition):
            self.progress.write(outcome.id, text, outcome.edition, outcome.state)
            self.store.keep(self.progress)

    def run(self, programs: list[Program], before, shorter: bool = False):
        """Run a milestone's programs on the reader's package, keep what was reached, and yield (outcome, program).

        before : function of a program, called before it runs
        shorter : whether programs that take minutes run in their shorter form
        """
        with self._workshop() as workshop:
            for program in programs:
                before(program)
                outcome = workshop.milestone(program.id, shorter=shorter)
                if self.progress.run(program.id, outcome):
                    self.store.keep(self.progress)
                standing.say_behind(outcome, self.progress, self.catalog)
                yield outcome, program
                if outcome.state == "idle":
                    return

    def export(self, author: str) -> tuple[str, bytes]:
        """Return file name and content of the reader's package; `problems` says which functions are not in it."""
        with self._workshop() as workshop:
            return workshop.wheel(author)

    def restore(self, path: str) -> tuple[Progress, int]:
        """Take over a backup file; return it, and how many texts that were here went to the history."""
        backup = Progress.from_file(path)
        if backup.kind == HANDIN:
            raise ProgressError("This is a hand-in file. It holds only what passed; to restore, choose a backup file.")
        replaced = self.progress.restore(backup)
        self.store.keep(self.progress)
        return backup, replaced
