"""Every milestone runs on the library, on the reference solutions, and says what is wrong with a broken function."""

import json
import os
import re
from functools import cache
from pathlib import Path

import pytest

from tinytorch import learn
from tinytorch.learn.catalog import catalog
from tinytorch.learn.keeping import standing
from tinytorch_book.catalog import chapter_record
from tinytorch_book.plan import read_milestones

from . import reading
from .course import broken_since

os.environ.setdefault("TINYTORCH_DATA", str(reading.ROOT / "build" / "datasets"))  # where the build has put MNIST
MILESTONES = read_milestones(reading.ROOT)
PROGRAMS = [pytest.param(program.id, id=program.id) for milestone in MILESTONES for program in milestone.programs]
NEEDED = {program.id: set(milestone.meta["requires"]) for milestone in MILESTONES for program in milestone.programs}
OF_SECONDS = [id for id in PROGRAMS if not catalog().program(id.values[0]).shorter]
EACH = [pytest.param(milestone, id=milestone.id) for milestone in MILESTONES]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Where a long run is kept: each test begins without one."""
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path))


def ran(session, id):
    """What comes of a program; of one that takes minutes, in its shorter form."""
    return session.milestone(id, shorter=True)


@cache
def on_the_solutions(id):
    """What comes of a program when every exercise of the chapters it requires is passed with the book's solution."""
    session = learn.Workshop(on_output=lambda stream, text: None)
    assert session.restore(solutions(NEEDED[id])) == []
    outcome = ran(session, id)
    session.close()
    return outcome


@pytest.fixture
def workshop():
    session = learn.Workshop(on_output=lambda stream, text: None)
    yield session
    session.close()


def solutions(chapters):
    return {e.id: e.solution for chapter, e in reading.exercises() if chapter.number in chapters}


def test_the_catalog_holds_the_milestones_as_they_are_now():
    for milestone in MILESTONES:
        file = Path(learn.__file__).parent / "chapters" / f"milestone_{milestone.stem}.json"
        assert json.loads(file.read_text(encoding="utf-8")) == json.loads(json.dumps(chapter_record(milestone))), (
            "the catalog is older than the milestone; run `make build`"
        )


@pytest.mark.parametrize("id", OF_SECONDS)
def test_it_reaches_its_goals_on_the_library_alone(workshop, id):
    """One that takes minutes does so when a broken function is looked for, below."""
    outcome = ran(workshop, id)
    assert outcome.state == "passed", reading.feedback(outcome)
    assert outcome.credits and not any(credit.yours for credit in outcome.credits)


@pytest.mark.parametrize("id", PROGRAMS)
def test_it_reaches_its_goals_on_the_reference_solutions(id):
    outcome = on_the_solutions(id)
    assert outcome.state == "passed", reading.feedback(outcome)
    assert outcome.credits and all(credit.yours for credit in outcome.credits)
    called = {int(credit.chapter) for credit in outcome.credits}
    assert called <= NEEDED[id], "the front matter's `requires` must name every chapter whose functions run"


@pytest.mark.parametrize("id", PROGRAMS)
def test_a_function_that_was_broken_after_it_passed_is_named_beside_the_run(id):
    outcome = on_the_solutions(id)
    for credit in outcome.credits:
        standing.say_behind(outcome, broken_since(credit.id), catalog())
        assert f"Your {catalog().named([credit.id])} has been changed since it passed" in outcome.behind


@pytest.mark.parametrize("milestone", EACH)
def test_its_programs_together_use_every_chapter_it_requires(milestone):
    used = {int(credit.chapter) for program in milestone.programs for credit in on_the_solutions(program.id).credits}
    assert used == set(milestone.meta["requires"])


def test_with_two_chapters_skipped_the_library_fills_in_and_is_named(workshop):
    workshop.restore(solutions({1, 4}))
    outcome = workshop.milestone("m1.sigmoid-unit")
    assert outcome.state == "passed"
    assert {(credit.chapter, credit.yours) for credit in outcome.credits} == {
        ("01", True),
        ("02", False),
        ("03", False),
        ("04", True),
    }


@pytest.mark.parametrize("id", PROGRAMS)
def test_a_broken_function_of_the_reader_makes_it_fall_short_and_is_named(workshop, id):
    program = next(program for milestone in MILESTONES for program in milestone.programs if program.id == id)
    broken, text = program.broken.exercise, program.broken.code
    assert workshop.restore({**solutions(NEEDED[id]), broken: text}) == []
    outcome = ran(workshop, id)
    assert outcome.state in ("failed", "error")
    exercise = catalog().exercise(broken)
    assert f"`{exercise.qualname}` (chapter {broken[:2]})" in outcome.advice, (
        outcome.advice,
        reading.feedback(outcome),
    )


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("passes=50", "passes=2", "your functions are not the reason"),
        ("passes + 1):", "passes + 1:", ""),
    ],
)
def test_a_changed_program_is_told_from_a_broken_function(workshop, old, new, words):
    workshop.restore(solutions({1, 3}))
    program = catalog().program("m1.perceptron")
    outcome = workshop.milestone(program.id, program.code.replace(old, new))
    assert outcome.state in ("failed", "error") and words in outcome.advice


@pytest.mark.parametrize("layers", ["Linear(64, 10)", "Linear(64, 32), Linear(32, 10)"])
def test_without_units_in_the_middle_small_digits_are_read_and_yet_it_falls_short(workshop, layers):
    program = catalog().program("m3.tinydigits")
    outcome = workshop.milestone(program.id, program.code.replace("Linear(64, 32), ReLU(), Linear(32, 10)", layers))
    assert [goal.passed for goal in outcome.checks] == [True, False, True]
    assert "A single layer does that" in outcome.checks[1].message


def test_without_units_in_the_middle_mnist_falls_short_and_says_so(workshop):
    program = catalog().program("m3.mnist")
    single = program.code.replace("Linear(784, 128), ReLU(), Linear(128, 10)", "Linear(784, 10)")
    assert single != program.code
    outcome = workshop.milestone(program.id, single)
    assert outcome.state == "failed" and [goal.passed for goal in outcome.checks] == [False, True]
    assert "of 10,000 are right; 9,500 are needed" in reading.feedback(outcome)


def test_starts_of_xor_that_are_cut_short_fall_short_and_say_so(workshop):
    program = catalog().program("m2.twenty-starts")
    short = program.code.replace("steps=300", "steps=30")
    assert short != program.code
    outcome = workshop.milestone(program.id, short)
    assert outcome.state == "failed" and not outcome.checks[0].passed
    assert re.search(r"right from 1?\d of 20 starts; 19 are needed", reading.feedback(outcome))
