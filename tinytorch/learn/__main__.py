"""The terminal's door: ``python -m tinytorch.learn check 01`` and ``… verify FILE``.

Exit status: 0 all passed, 1 something failed, 2 the request itself cannot be followed.
"""

from __future__ import annotations

import argparse
import sys

from .catalog import catalog
from .progress import Progress, ProgressError
from .reporting import report
from .workshop import Workshop


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return options.do(options)
    except (KeyError, ProgressError, OSError) as error:
        text = error.args[0] if isinstance(error, KeyError) else str(error)
        print(f"tinytorch.learn: {text}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tinytorch.learn", description="Run the checks of the book's exercises."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="check the installed tinytorch against a chapter's exercises")
    check.add_argument("chapter", help="number, id or name of a chapter, such as 01")
    check.add_argument("exercise", nargs="?", help="name of one exercise, such as memory_footprint")
    check.set_defaults(do=_check)
    verify = commands.add_parser("verify", help="run the texts in a hand-in or backup file again")
    verify.add_argument("file", help="a hand-in or backup file")
    verify.set_defaults(do=_verify)
    return parser


def _check(options) -> int:
    chapter = catalog().chapter(options.chapter)
    exercises = list(chapter.exercises)
    if options.exercise:
        name = options.exercise.rpartition(".")[2]
        exercises = [catalog().exercise(f"{chapter.id}.{name}")]
    workshop = Workshop()
    outcomes = [(workshop.check_installed(exercise.id), exercise) for exercise in exercises]
    return _print(outcomes)


def _verify(options) -> int:
    with open(options.file, encoding="utf-8") as file:
        progress = Progress.from_json(file.read())
    texts = progress.passed
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
    for outcome, exercise in outcomes:
        print(report(outcome, exercise))
    passed = sum(outcome.state == "passed" for outcome, _ in outcomes)
    print(f"\n{passed} of {len(outcomes)} exercises passed.")
    return 0 if passed == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
