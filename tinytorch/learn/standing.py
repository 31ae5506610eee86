"""How far a reader is: chapters, exercises, milestones and competencies, from the catalog and the records.

The page draws the same from the same records, before it has Python; see book/runtime/src/progress.ts.
"""

from __future__ import annotations

from .catalog import Catalog, Chapter
from .progress import Progress


def passed(chapter: Chapter, progress: Progress) -> int:
    """Return how many of a chapter's exercises have passed."""
    return sum(exercise.id in progress.passed for exercise in chapter.exercises)


def reached(milestone: Chapter, progress: Progress) -> int:
    """Return how many of a milestone's programs have reached their goals in some run."""
    return sum(progress.answers.get(program.id, {}).get("right") is True for program in milestone.programs)


def exercise_words(record: dict | None) -> str:
    """Return the state of an exercise in words."""
    if not record:
        return "not begun"
    if record["passed"]:
        return "passed, solution seen" if record["solution"] else "passed"
    failed = record["attempts"]
    return f"in progress, {failed} failed {'check' if failed == 1 else 'checks'}" if failed else "in progress"


def program_words(answer: dict | None) -> str:
    """Return the state of a milestone's program in words."""
    if not answer:
        return "not run"
    return f"reached, {answer.get('answer')}" if answer.get("right") else "fell short"


def question_words(question: dict, answer: dict | None) -> str:
    """Return the state of a question in words."""
    if not answer:
        return "not answered"
    if question["kind"] == "open":
        return "answered"
    return "right" if answer.get("right") else "not right yet"


def shown_by(chapter: Chapter, competency: dict, progress: Progress) -> int:
    """Return how many of the things that show a competency are passed, right or reached."""
    ids = [f"{chapter.id}.{name}" for name in competency["shown_by"]]
    return sum(id in progress.passed or progress.answers.get(id, {}).get("right") is True for id in ids)


def competencies(catalog: Catalog, progress: Progress) -> list[tuple[Chapter, dict, bool]]:
    """Return (chapter or milestone, competency, whether all that shows it is there), in the order of the course."""
    found = []
    for chapter in (*catalog.chapters, *catalog.milestones):
        for one in chapter.competencies:
            names = one["shown_by"]
            found.append((chapter, one, bool(names) and shown_by(chapter, one, progress) == len(names)))
    return found
