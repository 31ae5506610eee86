"""A function that passed and was broken since is noticed by every check and every program that depends on it."""

import os
import sys
from functools import cache

import pytest

from tinytorch import learn
from tinytorch.core import autograd
from tinytorch.learn.catalog import catalog
from tinytorch.learn.keeping import standing
from tinytorch.learn.placing import file_name
from tinytorch.learn.workshop import Outcome

from . import reading
from .course import broken_since

os.environ.setdefault("TINYTORCH_DATA", str(reading.ROOT / "build" / "datasets"))  # where the build has put MNIST
CHAPTERS = [pytest.param(chapter, id=chapter.id) for chapter in catalog().chapters]


@cache
def session():
    """A workshop in which every solution has passed."""
    workshop = learn.Workshop(on_output=lambda stream, text: None)
    assert workshop.restore({e.id: e.solution for e in catalog().exercises}) == []
    return workshop


@pytest.fixture(autouse=True, scope="module")
def closed():
    yield
    session().close()


@pytest.fixture(autouse=True)
def without_gradients():
    """A check that begins where gradients are on calls `enable_autograd` when it ends, to have them on again."""
    were_on = bool(autograd.REPLACED)
    autograd.disable_autograd()
    yield
    if were_on:
        autograd.enable_autograd()


def called(work) -> set[str]:
    """Return the exercises whose functions some work calls."""
    names, found = {file_name(e): e.id for e in catalog().exercises}, set()

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_filename in names:
            found.add(names[frame.f_code.co_filename])

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_check_that_depends_on_it_says_so(chapter):
    workshop = session()
    for exercise in chapter.exercises:
        used = called(lambda e=exercise: [workshop._run_one(e, check) for check in e.checks])
        assert exercise.id in used
        for id in used - {exercise.id}:
            outcome = Outcome(exercise.id, "check")
            standing.say_behind(outcome, broken_since(id), catalog())
            assert f"Your {catalog().named([id])} has been changed since it passed" in outcome.behind, (
                f"a check of {exercise.id} calls {id}; the front matter's `requires` must lead there"
            )


def test_nothing_is_said_of_what_passes_as_it_stands():
    progress = broken_since("01.matmul")
    progress.write("01.matmul", catalog().exercise("01.matmul").solution, "", "passed")
    outcome = Outcome("08.clip_grad_norm", "check")
    standing.say_behind(outcome, progress, catalog())
    assert outcome.behind == ""
