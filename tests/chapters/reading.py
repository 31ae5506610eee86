"""What the tests need to know of a chapter: its source, its code, the answers kept for it."""

import ast
import re
import textwrap
from functools import cache
from pathlib import Path

from tinytorch import learn
from tinytorch_book.chapter import read_chapter
from tinytorch_book.checks import answers, checks_file, read_checks

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "modules").glob("[0-9][0-9]_*.md"))
CHAPTERS = [read_chapter(path, path.relative_to(ROOT)) for path in FILES]


def exercises():
    """Every exercise of the catalog, with the chapter it is in."""
    return [(chapter, exercise) for chapter in learn.chapters() for exercise in chapter.exercises]


@cache
def _answers(chapter_id):
    path = next(chapter.path for chapter in CHAPTERS if chapter.id == chapter_id)
    return answers(checks_file(path))


def wrong(exercise):
    """The wrong answers kept for an exercise: each with the words that it must get."""
    return _answers(exercise.id[:2])[exercise.name.replace("-", "_")][0]


def right(exercise):
    """The right answers kept for an exercise."""
    return _answers(exercise.id[:2])[exercise.name.replace("-", "_")][1]


def equivalent(exercise):
    """The one-place changes of its solution that no check can notice: (change, reason, "file:line") of each."""
    chapter = next(chapter for chapter in CHAPTERS if chapter.id == exercise.id[:2])
    pairs = read_checks(checks_file(chapter.path))[exercise.name.replace("-", "_")].equivalent
    return [(pair.elts[0].value, pair.elts[1].value, f"{chapter.checks_name}:{pair.lineno}") for pair in pairs]


def written(exercise, answer):
    """The cell of a reader who wrote `answer`: a whole cell, or a body for the starter's `def` line."""
    answer = answer.strip("\n")
    if re.search(rf"^\s*def {exercise.leaf}\(", answer, flags=re.M) and not answer.startswith(" "):
        return answer
    function = next(node for node in ast.parse(exercise.starter).body if isinstance(node, ast.FunctionDef))
    head = exercise.starter.split("\n")[: function.body[0].lineno - 1]
    return "\n".join(head) + "\n" + textwrap.indent(answer, "    ") + "\n"


def surprise(exercise, text, needed, outcome):
    """What an author needs to know of an answer that is not judged as it should be: where, which, needed, said."""
    chapter = next(chapter for chapter in CHAPTERS if chapter.id == exercise.id[:2])
    place = f"{chapter.checks_name}:{chapter.checks[exercise.name.replace('-', '_')].line}"
    said = feedback(outcome) or "that all checks passed"
    answer, needed, said = (textwrap.indent(part.strip("\n"), "    ") for part in (text, needed, said))
    return f"{place}: exercise {exercise.id}: a kept answer is not judged as it should be. The answer:\n{answer}\nNeeded:\n{needed}\nSaid:\n{said}\n"


def feedback(outcome):
    """Every sentence a reader gets to see about a failed check."""
    sentences = [outcome.error.sentence] if outcome.error else []
    for check in outcome.checks:
        if not check.passed:
            sentences += [check.message, check.mistake or ""]
    return "\n".join(sentences)
