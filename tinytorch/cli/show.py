"""What `tito` shows: tables that fit a narrow terminal, and plain lines without colours for a pipe or a file."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinytorch.learn.catalog import Catalog, Chapter
from tinytorch.learn.keeping import standing
from tinytorch.learn.keeping.progress import Progress

TIERS = {"foundation": "blue", "architecture": "magenta", "optimization": "green", "capstone": "yellow"}
WIDE = 200  # columns where there is no terminal: nothing is folded


def say(*parts) -> None:
    """Print texts and tables; colours and folding only in a terminal, and colours not where NO_COLOR is set."""
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, markup=False, emoji=False, width=None if terminal else WIDE)
    for part in parts:
        if terminal:
            console.print(part)
            continue
        with console.capture() as caught:
            console.print(part, soft_wrap=isinstance(part, str))
        for line in caught.get().rstrip("\n").split("\n"):
            print(line.rstrip())


def rows(heading: str, entries) -> list:
    """Return a heading and a table of (number, title, state, colour) rows, or nothing where there are none."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", min_width=8)
    for number, title, state, colour in entries:
        table.add_row(Text(number, style=colour), title, Text(state, style="" if _is_whole(state) else "dim"))
    return ["", Text(heading, style="bold"), table] if table.row_count else []


def _is_whole(state: str) -> bool:
    """Tell whether a state such as "7 of 7" or "passed" leaves nothing to do."""
    first, of, rest = state.partition(" of ")
    return (
        first == rest.split()[0]
        if of and first.isdecimal()
        else state.startswith(("passed", "right", "reached", "shown", "answered"))
    )


def course(catalog: Catalog, progress: Progress) -> list:
    """Return the parts of the whole course's standing: chapters, milestones, competencies."""
    exercises = sum(len(chapter.exercises) for chapter in catalog.chapters)
    passed = sum(standing.passed(chapter, progress) for chapter in catalog.chapters)
    found = standing.competencies(catalog, progress)
    shown = sum(whole for *_, whole in found)
    return [
        *rows(f"Chapters: {passed} of {exercises} exercises passed", _chapters(catalog, progress)),
        *milestones(catalog, progress),
        *rows(f"Competencies: {shown} of {len(found)} shown", _areas(found)),
    ]


def _chapters(catalog: Catalog, progress: Progress):
    for chapter in catalog.chapters:
        state = f"{standing.passed(chapter, progress)} of {len(chapter.exercises)}"
        yield chapter.id, chapter.title, state, TIERS[chapter.tier]


def _areas(found):
    areas: dict[str, list[bool]] = {}
    for _, competency, whole in found:
        areas.setdefault(competency["area"], []).append(whole)
    for area, each in areas.items():
        yield "", area, f"{sum(each)} of {len(each)}", ""


def milestones(catalog: Catalog, progress: Progress) -> list:
    """Return the list of milestones: how many of each one's programs have reached their goals."""
    whole = [standing.reached(each, progress) == len(each.programs) for each in catalog.milestones]
    entries = (
        (
            f"M{m.number}",
            m.title,
            f"{standing.reached(m, progress)} of {len(m.programs)} programs",
            TIERS[m.tier],
        )
        for m in catalog.milestones
    )
    return rows(f"Milestones: {sum(whole)} of {len(whole)} reached", entries)


def programs(catalog: Catalog, progress: Progress) -> list:
    """Return each milestone with its programs, what it builds on, and how far it is."""
    parts = []
    for milestone in catalog.milestones:
        heading = f"M{milestone.number} {milestone.title}, on chapters {_listed(milestone.requires)}"
        entries = (
            (program.name, program.title, standing.program_words(progress.answers.get(program.id)), "")
            for program in milestone.programs
        )
        parts += rows(heading, entries)
    return parts


def _listed(numbers) -> str:
    return ", ".join(f"{number:02d}" for number in numbers)


def chapter(chosen: Chapter, progress: Progress) -> list:
    """Return one chapter's exercises, questions and competencies with their states."""
    passed = standing.passed(chosen, progress)
    heading = f"{chosen.id} {chosen.title}: {passed} of {len(chosen.exercises)} exercises passed"
    colour = TIERS[chosen.tier]
    exercises = (
        (e.number, e.title, standing.exercise_words(progress.exercises.get(e.id)), colour) for e in chosen.exercises
    )
    questions = (
        ("", q["name"], standing.question_words(q, progress.answers.get(q["id"])), "") for q in chosen.questions
    )
    return [
        *rows(heading, exercises),
        *rows("Questions", questions),
        *rows("Competencies", _competencies(chosen, progress)),
    ]


def _competencies(chosen: Chapter, progress: Progress):
    for one in chosen.competencies:
        count, needed = standing.shown_by(chosen, one, progress), len(standing.showing(chosen, one))
        yield "", one["text"], "shown" if count == needed else f"{count} of {needed}", ""
