"""How far a reader is: chapters, exercises, milestones and competencies, from the catalog and the records.

The page draws the same from the same records, before it has Python; see book/runtime/src/progress.ts.
"""

from __future__ import annotations

from ..catalog import Catalog, Chapter
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


def showing(chapter: Chapter, competency: dict) -> list[str]:
    """Return the ids of what shows a competency; labs do not, because that a measurement was made is kept nowhere."""
    labs = {lab["name"] for lab in chapter.labs}
    return [f"{chapter.id}.{name}" for name in competency["shown_by"] if name not in labs]


def shown_by(chapter: Chapter, competency: dict, progress: Progress) -> int:
    """Return how many of the things that show a competency are passed, right or reached; an open question, answered."""
    passed, answers = progress.passed, progress.answers
    return sum(
        id in passed or (id in answers and answers[id].get("right") is not False) for id in showing(chapter, competency)
    )


def competencies(catalog: Catalog, progress: Progress) -> list[tuple[Chapter, dict, bool]]:
    """Return (chapter or milestone, competency, whether all that shows it is there), in the order of the course."""
    return [
        (chapter, one, shown_by(chapter, one, progress) == len(showing(chapter, one)))
        for chapter in (*catalog.chapters, *catalog.milestones)
        for one in chapter.competencies
    ]
