"""How far a reader is: chapters, exercises, milestones and competencies, from the catalog and the records.

The page draws the same from the same records, before it has Python; see book/runtime/src/progress.ts.

One rule holds for a text that passed and was broken since, on the page, in the notebook and in the terminal: the
version that passed goes on running, and every check and program that depends on it says so, until the text in the
exercise passes again or is the one that passed. See `is_behind`; tests/learn/behind.json states it, case by case.
"""

from __future__ import annotations

from ..catalog import Catalog, Chapter
from .merging import same
from .progress import Progress


def passed(chapter: Chapter, progress: Progress) -> int:
    """Return how many of a chapter's exercises have passed."""
    return sum(exercise.id in progress.passed for exercise in chapter.exercises)


def reached(milestone: Chapter, progress: Progress) -> int:
    """Return how many of a milestone's programs have reached their goals in some run."""
    return sum(progress.answers.get(program.id, {}).get("right") is True for program in milestone.programs)


def is_behind(record: dict) -> bool:
    """Tell whether an exercise passed once, was changed since, and the change did not pass when it was tried."""
    tried = record["state"] in ("failed", "error")
    return bool(tried and record["passed"] and not same(record["text"], record["passed"]["text"]))


def needed_by(id: str, catalog: Catalog) -> list[str]:
    """Return the exercises that a check depends on: the others of its chapter and those of all chapters below it."""
    chapters = [catalog.chapter_of(id)]
    for chapter in chapters:
        chapters += [each for each in catalog.chapters if each.number in chapter.requires and each not in chapters]
    return [e.id for chapter in catalog.chapters if chapter in chapters for e in chapter.exercises if e.id != id]


def behind_words(ids, progress: Progress, catalog: Catalog) -> str:
    """Return the sentence about those of some exercises that are behind, or '' where none is."""
    behind = [id for id in ids if id in progress.exercises and is_behind(progress.exercises[id])]
    if not behind:
        return ""
    if len(behind) == 1:
        changed = "has been changed since it passed and does not pass as it stands there now. The version that passed runs here."
    else:
        changed = "have been changed since they passed and do not pass as they stand there now. The versions that passed run here."
    return f"Your {catalog.named(behind)} {changed}"


def say_behind(outcome, progress: Progress, catalog: Catalog) -> None:
    """Put the sentence into the outcome of a check or of a milestone's program, which knows what it called."""
    if outcome.action == "milestone":
        ids = [credit.id for credit in outcome.credits]
    else:
        ids = needed_by(outcome.id, catalog)
    outcome.behind = behind_words(ids, progress, catalog)


def exercise_words(record: dict | None) -> str:
    """Return the state of an exercise in words."""
    if not record:
        return "not begun"
    if is_behind(record):
        return "passed, but not as it stands there now"
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
