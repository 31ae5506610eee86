"""The workshop: one running session in which a reader's functions become the library.

At every moment each exercise is at one of three versions: the library's, the accepted
one (it passed its checks), or, for the one exercise just run, a trial. A trial never
outlasts work on another exercise, so code that has not passed stays in its own card.
"""

from __future__ import annotations

import ast
import os
import sys
import time
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Literal

import numpy as np

from tinytorch.pictures import live

from . import cell as cells
from . import checking, output, showing
from .autograd_switch import Autograd
from .catalog import Catalog, Exercise, State
from .catalog import catalog as shipped_catalog
from .explaining import Problem, Refused, Texts, error_line, explain
from .placing import PROGRAM, Placement, Placer, file_name

if TYPE_CHECKING:
    from .programs import Credit

os.environ.setdefault("MPLBACKEND", "agg")


@dataclass
class Outcome:
    """What came of one run or check; everything in it can be sent as JSON.

    edition : of the exercise as it was run and checked here, which a page or a notebook that is older or newer need
        not have
    advice : what to try after a milestone fell short; that a run's text lacks the exercise's function
    behind : which of the functions that this depends on are not what stands in their exercises; see `standing`
    """

    id: str
    action: Literal["run", "check", "cell", "milestone"]
    edition: str = ""
    state: State = "idle"
    seconds: float = 0.0
    cut: bool = False
    display: list[showing.Display] = field(default_factory=list)
    error: Problem | None = None
    checks: list[checking.CheckResult] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    advice: str = ""
    behind: str = ""

    def to_dict(self) -> dict:
        return {
            "id": self.id,
            "action": self.action,
            "edition": self.edition,
            "state": self.state,
            "seconds": self.seconds,
            "cut": self.cut,
            "display": self.display,
            "error": self.error and self.error.to_dict(),
            "checks": [check.to_dict() for check in self.checks],
            "credits": [credit.to_dict() for credit in self.credits],
            "advice": self.advice,
            "behind": self.behind,
        }


class Workshop:
    """One session.

    on_output : function of (stream, text) that gets what the reader's code prints; default: the streams of the moment
    on_picture : function of (place, svg) that shows pictures while code runs; default: the notebook, where there is one
    catalog : the chapters to work on; default: those that ship with tinytorch
    session : the namespace that experiments share; default: a new one, in which the given names are put back
        before each action, so that `np = 3` breaks one cell and not the next
    """

    def __init__(self, on_output=None, catalog: Catalog | None = None, session: dict | None = None, on_picture=None):
        self.catalog = catalog or shipped_catalog()
        self.on_output = on_output
        self.on_picture = on_picture
        self.session = {"__name__": "__main__"} if session is None else session
        given = {**checking.public_names(self.catalog.package), "np": np}
        for name, value in given.items():
            self.session.setdefault(name, value)
        self._given = given if session is None else {}
        self.files: dict[str, str] = Texts()
        self.placer = Placer(self.files)
        self._accepted: dict[str, Placement] = {}
        self._had_gradients = Autograd(self.catalog.package).on

    def reread(self) -> None:
        """Take in the files of chapters that have come since the session began."""
        shipped_catalog.cache_clear()
        self.catalog = shipped_catalog()

    @property
    def accepted(self) -> dict[str, str]:
        """The texts that passed, by exercise id, in the order of the course."""
        return {id: self._accepted[id].text for id in self.catalog.by_id if id in self._accepted}

    @property
    def placed(self) -> dict[str, str]:
        """The texts that are in place at this moment, a trial too, by exercise id: what a second session needs."""
        return {id: placement.text for id, placement in self.placer.live.items()}

    def restore(self, texts: dict[str, str]) -> list[dict]:
        """Put texts that passed earlier in place; return a problem for each that cannot be."""
        problems = []
        unknown = [id for id in texts if id not in self.catalog.by_id]
        for id in unknown:
            problems.append(
                {"id": id, "sentence": f"There is no exercise {id} in this edition; its text is kept.", "line": None}
            )
        with output.captured(self.on_output or output.straight_through(), output.Surroundings(), self.files):
            for exercise in self.catalog.exercises:
                if exercise.id in texts:
                    problems += self._restore_one(exercise, texts[exercise.id])
        return problems

    def _restore_one(self, exercise: Exercise, text: str) -> list[dict]:
        try:
            self._accept(self._place(exercise, text))
        except (Exception, SystemExit) as error:
            problem = explain(error, self.files, file_name(exercise))
            self._put_back(exercise.id, self._accepted.get(exercise.id))
            return [{"id": exercise.id, "sentence": problem.sentence, "line": problem.line}]
        return []

    def forget(self, id: str) -> None:
        """Go back to the library's function."""
        self._accepted.pop(id, None)
        self.placer.remove(id)

    def close(self) -> None:
        """Take all of the reader's functions out again, and gradients too where the session switched them on."""
        for id in list(self.placer.live):
            self.placer.remove(id)
        if not self._had_gradients:
            Autograd(self.catalog.package).off()

    def run(self, id: str, text: str) -> Outcome:
        """Put the reader's function in place, then run the rest of the cell.

        A cell without the function runs as a lab's cell does, and ``advice`` says that it is missing.
        """
        exercise = self.catalog.exercise(id)
        missing = _says_missing(exercise, text)

        def work(outcome: Outcome) -> None:
            if missing:
                return self._run_text(text, id, outcome)
            placement = self._place(exercise, text)
            self._share(placement)
            with self.placer.guard.around(self.catalog.package):
                outcome.display = self._execute(placement.cell.text, placement.cell.experiments, file_name(exercise))

        return self._act(Outcome(id, "run", exercise.edition, advice=missing), work, None if missing else exercise)

    def check(self, id: str, text: str) -> Outcome:
        """Put the reader's function in place and run the checks; passing them accepts it."""
        exercise = self.catalog.exercise(id)

        def work(outcome: Outcome) -> None:
            placement = self._place(exercise, text)
            if cells.is_starter(placement.cell, exercise):
                outcome.state = "failed"
                raise Refused(
                    "unchanged",
                    cells.unchanged(exercise),
                    placement.cell.target.lineno,
                )
            self._run_checks(exercise, outcome, placement)
            if outcome.state == "passed":
                self._refuse_unfit(placement, outcome)
                self._accept(placement)

        return self._act(Outcome(id, "check", exercise.edition), work, exercise)

    def run_cell(self, text: str, name: str = "cell") -> Outcome:
        """Run a lab or scratch cell in the session, on accepted code only."""
        return self._act(Outcome(name, "cell"), lambda outcome: self._run_text(text, name, outcome), None)

    def _run_text(self, text: str, name: str, outcome: Outcome) -> None:
        cleaned, tree = cells.parse(text)
        self.files[name] = cleaned
        with self.placer.guard.around(self.catalog.package):
            outcome.display = self._execute(cleaned, tree.body, name)

    def milestone(self, id: str, text: str | None = None, shorter: bool = False) -> Outcome:
        """Run a milestone's program on the reader's own package in a session of its own; the goals are its checks.

        A run that falls short is rehearsed with the library's functions. That is done, and with `shorter` the run
        itself too, in the shorter form that `Program.shorter` makes of it.
        """
        from . import programs

        program = self.catalog.program(id)
        cleaned, tree = "", None

        def execute(space: dict) -> list[dict]:
            return self._execute(cleaned, tree.body, PROGRAM, space)

        def rehearse(space: dict) -> list[dict]:
            return self._execute(cleaned, programs.shortened(tree, program.shorter).body, PROGRAM, space)

        def work(outcome: Outcome) -> None:
            nonlocal cleaned, tree
            cleaned, tree = cells.parse(program.code if text is None else text)
            if shorter:
                tree = programs.shortened(tree, program.shorter)
            accepted = self.accepted
            run = programs.Run(program, accepted, self.catalog, self.files)
            self.files[PROGRAM] = cleaned
            try:
                outcome.display = run.start(execute)
                outcome.checks = run.goals
                outcome.state = "passed" if run.reached else "failed"
            finally:
                outcome.credits = run.credits()
                if not run.reached and not isinstance(sys.exc_info()[1], KeyboardInterrupt):
                    outcome.advice = programs.advice(program, accepted, self.catalog, rehearse, run.calls, self._fails)

        return self._act(Outcome(id, "milestone"), work, None, PROGRAM)

    def _fails(self, id: str) -> bool:
        """Tell whether the function in place fails its own checks."""
        exercise = self.catalog.exercise(id)
        return not all(self._run_one(exercise, check).passed for check in exercise.checks)

    def check_installed(self, id: str) -> Outcome:
        """Run an exercise's checks against the package as it is installed."""
        exercise = self.catalog.exercise(id)
        outcome = Outcome(id, "check", exercise.edition)
        return self._act(outcome, lambda outcome: self._run_checks(exercise, outcome, None), exercise)

    def complete(self, text: str, position: int) -> list[dict]:
        """Return completions for the name that ends at a position of a text."""
        from .completing import complete

        owners = {e.leaf: self.placer.site(e).owner for e in self.catalog.exercises if f"def {e.leaf}(" in text}
        return complete(text, position, self.session, owners)

    def wheel(self, author: str) -> tuple[str, bytes]:
        """Return file name and content of the reader's own package."""
        from .overlay import Overlay

        return Overlay(self.accepted, self.catalog).wheel(author)

    def _act(self, outcome: Outcome, work, exercise: Exercise | None, file: str | None = None) -> Outcome:
        """Do some work with output captured; whatever is raised becomes the outcome's error.

        A Stop may come at any moment, in the last lines of the work's own tidying too;
        the second ``except`` is there for those.
        """
        before = dict(self._accepted), exercise and self.placer.live.get(exercise.id), file or outcome.id
        around = output.Surroundings()
        start = time.perf_counter()
        try:
            self._attempt(outcome, work, exercise, before, around)
        except KeyboardInterrupt as error:
            around.restore()
            self._fail(outcome, error, exercise, before)
        outcome.seconds = round(time.perf_counter() - start, 6)
        return outcome

    def _attempt(self, outcome: Outcome, work, exercise, before, around) -> None:
        try:
            send = self.on_output or output.straight_through()
            with output.captured(send, around, self.files) as budget, live.shown_by(self.on_picture):
                try:
                    self._only_accepted(exercise)
                    self.session.update(self._given)
                    work(outcome)
                finally:
                    outcome.cut = budget.cut
        except BaseException as error:
            around.restore()
            self._fail(outcome, error, exercise, before)

    def _fail(self, outcome: Outcome, error: BaseException, exercise: Exercise | None, before: tuple) -> None:
        """Put back what was accepted and in place before, then describe what was raised."""
        if isinstance(error, KeyboardInterrupt):
            outcome.state = "idle"
        elif outcome.state != "failed":
            outcome.state = "error"
        files = dict(self.files)  # the lines that ran; putting back brings the earlier ones
        self.placer.guard.settle()
        self._accepted, placed, file = before
        wanted = {**self._accepted, **({exercise.id: placed} if exercise else {})}
        for id in {**self.placer.live, **wanted}:
            self._put_back(id, wanted.get(id))
        outcome.error = explain(error, files, file_name(exercise) if exercise else file)

    def _only_accepted(self, exercise: Exercise | None) -> None:
        """Put every other exercise to its accepted version, or the library's."""
        for id, placement in list(self.placer.live.items()):
            if placement is not self._accepted.get(id) and (exercise is None or id != exercise.id):
                self._put_back(id, self._accepted.get(id))

    def _put_back(self, id: str, placement: Placement | None) -> None:
        """Put one exercise at a version, anew even where it seems to be there: a Stop may have come halfway."""
        if placement is None:
            self.placer.remove(id)
        else:
            self.placer.apply(placement)

    def _place(self, exercise: Exercise, text: str) -> Placement:
        placement = self.placer.build(exercise, text)
        self.placer.apply(placement)
        return placement

    def _accept(self, placement: Placement) -> None:
        self._accepted[placement.exercise.id] = placement

    def _refuse_unfit(self, placement: Placement, outcome: Outcome) -> None:
        """Refuse what passed in a running session and yet cannot be read from the top of the file.

        Only what Python evaluates when it reads the file can fail there: helpers and default values.
        """
        if cells.is_plain(placement.cell):
            return
        from .overlay import Overlay, OverlayError

        exercise = placement.exercise
        alone = {exercise.id: placement.text}
        try:
            try:
                Overlay({**self.accepted, **alone}, self.catalog).files(whole=False)
            except OverlayError:
                Overlay(alone, self.catalog).files(whole=False)
        except OverlayError as error:
            outcome.state = "failed"
            raise Refused("overlay", _unfit_words(exercise, error), placement.cell.target.lineno) from error

    def _share(self, placement: Placement) -> None:
        """Give the session the names that the cell defines, as running it in a notebook would."""
        self.session.update(placement.helpers)
        leaf, site = placement.exercise.leaf, placement.site
        if not cells.is_builtin(leaf):
            live = vars(site.owner or site.module)[leaf]
            self.session[leaf] = live if isinstance(live, FunctionType) else site.function

    def _execute(self, text: str, statements, file: str, space: dict | None = None) -> list[dict]:
        """Run statements in the session, or in another namespace; return the display of the last expression."""
        statements = list(statements)
        last = statements.pop() if statements and isinstance(statements[-1], ast.Expr) else None
        self._exec(ast.Module(body=statements, type_ignores=[]), file, "exec", space)
        if last is None:
            return showing.figures()
        value = self._exec(ast.Expression(last.value), file, "eval", space)
        return showing.display(None if _is_silenced(text, last) else value)

    def _exec(self, tree, file: str, mode: str, space: dict | None = None):
        code = compile(tree, file, mode, dont_inherit=True)
        return eval(code, self.session if space is None else space)

    def _run_checks(self, exercise: Exercise, outcome: Outcome, placement: Placement | None) -> None:
        if not exercise.checks:
            sentence = (
                f"The checks of {exercise.id} are not here, so nothing was checked. The page of its chapter has them."
            )
            raise Refused("unknown", sentence, None)
        for check in exercise.checks:
            result = self._run_one(exercise, check)
            if result.doubtful and placement and self._fails_with_library(exercise, check, placement):
                checking.blame_author(result)
            outcome.checks.append(result)
        checking.merge_equal_errors(outcome.checks)
        outcome.state = "passed" if all(check.passed for check in outcome.checks) else "failed"

    def _run_one(self, exercise: Exercise, check) -> checking.CheckResult:
        package = self.catalog.package
        with self.placer.guard.around(package, anew=True):
            space = checking.namespace(exercise, package, self.placer.helper_names(exercise.module), self.files)
            return checking.run_check(file_name(exercise), check, space, self.files)

    def _fails_with_library(self, exercise: Exercise, check, placement: Placement) -> bool:
        """Tell whether a check stops in its own lines with the library's function, too."""
        self.placer.remove(exercise.id)
        try:
            return self._run_one(exercise, check).doubtful
        finally:
            self.placer.apply(placement)


def _says_missing(exercise: Exercise, text: str) -> str:
    """Return the sentence about a cell in which the exercise's function is missing, '' where it is there."""
    try:
        cells.read(text, exercise)
    except Refused as refused:
        return refused.problem.sentence if refused.problem.kind == "missing" else ""
    return ""


def _unfit_words(exercise: Exercise, error: Exception) -> str:
    """Return the sentence about a function that passed and does not fit into its file."""
    top, package = exercise.qualname.partition(".")[0], exercise.module.partition(".")[0]
    reason = f"{error_line(error.__cause__)}."
    if isinstance(error.__cause__, ImportError) and error.__cause__.name == package:
        reason = f"it imports from `{package}`, which is not there yet while {exercise.file} itself is being read."
    return (
        f"The checks pass, but the function cannot stand in {exercise.file}: {reason} "
        f"Python reads that file from top to bottom, and your lines outside the function stand above `{top}`. "
        "Move into the function what needs a name from further down."
    )


def _is_silenced(text: str, last: ast.Expr) -> bool:
    """Tell whether the last line ends with a semicolon, which asks for no display."""
    line = text.split("\n")[last.end_lineno - 1].encode()[last.end_col_offset :]
    return line.decode(errors="replace").lstrip().startswith(";")
