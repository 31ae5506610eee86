"""The terminal's door that needs nothing but NumPy: ``python -m tinytorch.learn check 01``.

    check CHAPTER [EXERCISE]      run a chapter's checks
    milestone NUMBER [PROGRAM]    run a milestone's programs; with --shorter those that take minutes in a shorter form
    verify FILE                   run the texts in a hand-in or backup file again

`check` and `milestone` take the installed package as it is, such as a framework that somebody handed in. With
``--home`` they take what is written in the reader's folder (`folder.home`), and keep the result there, as
`tito` does.
Exit status: 0 all passed, 1 something failed, 2 the request cannot be followed, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys

from .catalog import Chapter, Exercise, Program, Unknown, catalog
from .doors.reporting import error_sentence, report, report_run
from .keeping.folder import home
from .keeping.progress import Progress, ProgressError
from .workshop import Outcome, Workshop

STOPPED = 130


def main(arguments: list[str] | None = None) -> int:
    try:
        options = _parser().parse_args(arguments)
        return options.do(options)
    except (Unknown, ProgressError, OSError) as error:
        print(f"tinytorch.learn: {error_sentence(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tinytorch.learn", description="Run the checks of the book's exercises and its milestones."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="check the installed tinytorch against a chapter's exercises")
    check.add_argument("chapter", help="number, id or name of a chapter, such as 01")
    check.add_argument("exercise", nargs="?", help="name of one exercise, such as memory_footprint")
    check.set_defaults(do=_check)
    milestone = commands.add_parser("milestone", help="run a milestone on the installed tinytorch")
    milestone.add_argument("milestone", help="number, id or name of a milestone, such as 1")
    milestone.add_argument("program", nargs="?", help="name of one of its programs")
    words = "run the shorter form of a program that takes minutes; its goals ask for less"
    milestone.add_argument("--shorter", action="store_true", help=words)
    milestone.set_defaults(do=_milestone)
    for command in (check, milestone):
        words = "take what is written in this folder (default: my-tinytorch, here or above) instead"
        command.add_argument("--home", nargs="?", const=home(), metavar="FOLDER", help=words)
    verify = commands.add_parser("verify", help="run the texts in a hand-in or backup file again")
    verify.add_argument("file", help="a hand-in or backup file")
    verify.set_defaults(do=_verify)
    return parser


def _check(options) -> int:
    chapter = catalog().chapter(options.chapter)
    return check(chapter, chosen_exercises(chapter, options.exercise), options.home)


def chosen_exercises(chapter: Chapter, name: str | None) -> list[Exercise]:
    """Return all exercises of a chapter, or the one of a name, number or id."""
    if not name:
        return list(chapter.exercises)
    found = [e for e in chapter.exercises if name in (e.name, e.id, e.number, e.leaf, e.qualname)]
    if len(found) > 1:
        named = ", ".join(f"{e.number} {e.name}" for e in found)
        raise Unknown(f"{name!r} names {len(found)} exercises of chapter {chapter.id}; say which: {named}")
    return found or [catalog().exercise(f"{chapter.id}.{name.rpartition('.')[2]}")]


def check(chapter: Chapter, exercises: list[Exercise], folder: str | None) -> int:
    """Check what is written in a folder, or (None) the installed package; return the exit status."""
    if folder is None:
        workshop = Workshop()
        return _print((workshop.check_installed(exercise.id), exercise) for exercise in exercises)
    from .doors.desk import Desk

    desk = Desk(folder)
    taken = desk.take_in(chapter)
    if taken:
        print(f"From the notebook, typed and not run there: {', '.join(taken)}.\n")
    status = _print(desk.check(exercises))
    return max(status, tell(desk.problems))


def tell(problems: list[dict]) -> int:
    """Print which earlier functions could not be put in place; return 1 if there are such, else 0."""
    for problem in problems:
        print(f"{problem['id']}: the version that passed could not be put in place. {problem['sentence']}")
    return 1 if problems else 0


def _milestone(options) -> int:
    milestone = catalog().milestone(options.milestone)
    programs = chosen_programs(milestone, options.program)
    print(f"M{milestone.number} {milestone.title}\n{_whose(options.home)}")
    if options.home is None:
        return _print_runs(_installed(programs, options.shorter), len(programs))
    from .doors.desk import Desk

    desk = Desk(options.home)
    status = _print_runs(desk.run(programs, _goals, options.shorter), len(programs))
    return max(status, tell(desk.problems))


def _whose(folder: str | None) -> str:
    if folder is None:
        return "On the installed package."
    return "On your package: what you passed, and the library's functions in the other places."


def chosen_programs(milestone: Chapter, name: str | None) -> list[Program]:
    """Return all programs of a milestone, or the one of a name."""
    names = [program.name for program in milestone.programs]
    if name and name.rpartition(".")[2] not in names:
        raise Unknown(f"milestone {milestone.number} has no program {name!r}; it has: {', '.join(names)}")
    return [p for p in milestone.programs if not name or p.name == name.rpartition(".")[2]]


def _installed(programs: list[Program], shorter: bool):
    for program in programs:
        _goals(program)
        yield Workshop().milestone(program.id, shorter=shorter), program


def _goals(program: Program) -> None:
    """Print what a run must reach, before it begins."""
    goals = "".join(f"\n  - {goal.title}" for goal in program.goals)
    print(f"\n{program.title}. It must reach:{goals}\n", flush=True)


def _print_runs(runs, count: int) -> int:
    reached, outcome = 0, None
    for outcome, program in runs:
        reached += outcome.state == "passed"
        print(f"\n{report_run(outcome, program)}", flush=True)
    print(f"\n{reached} of {count} programs reached their goals.")
    return _status(reached == count, outcome)


def _verify(options) -> int:
    return verify(options.file)


def verify(file: str) -> int:
    """Run the texts in a hand-in or backup file again; print what came of it, return the exit status."""
    texts = Progress.from_file(file).passed
    unknown = [id for id in texts if id not in catalog().by_id]
    for id in unknown:
        print(f"{id}: there is no such exercise in this edition")
    if not texts:
        print("The file holds no exercise that passed.")
        return 1
    workshop = Workshop()
    workshop.restore(texts)
    outcomes = [(workshop.check(e.id, texts[e.id]), e) for e in catalog().exercises if e.id in texts]
    workshop.close()
    return max(_print(outcomes), 1 if unknown else 0)


def _print(outcomes) -> int:
    """Print each outcome as it comes, then the count; an outcome of None is an exercise that is not begun."""
    passed, count, outcome = 0, 0, None
    for outcome, exercise in outcomes:
        print(report(outcome, exercise), flush=True)
        passed += outcome is not None and outcome.state == "passed"
        count += 1
    print(f"\n{passed} of {count} exercises passed.")
    return _status(passed == count, outcome)


def _status(good: bool, last: Outcome | None) -> int:
    return STOPPED if last is not None and last.state == "idle" else 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
