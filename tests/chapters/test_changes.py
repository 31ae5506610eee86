"""The checks of every chapter notice a solution that is changed in one place; and the tool that changes them is true."""

import subprocess
import sys

import pytest

from tests.mutation import answers
from tinytorch import learn

from . import reading


@pytest.mark.parametrize("chapter", [pytest.param(chapter.id, id=chapter.id) for chapter in learn.chapters()])
def test_the_checks_notice_the_changes_of_its_solutions(chapter):
    """At least answers.LIMIT of those that are not equivalent, and no entry of `equivalent` is mistaken."""
    command = [sys.executable, "-m", "tests.mutation", "answers", chapter]
    run = subprocess.run(command, cwd=reading.ROOT, capture_output=True, text=True)
    if run.returncode:
        pytest.fail(run.stdout + run.stderr, pytrace=False)


@pytest.mark.parametrize(
    "change, why",
    [
        (
            "return self.data.size * self.data.itemsize  ->  return self.data.size / self.data.itemsize",
            "the checks notice",
        ),
        ("return self.data.nbytes  ->  return 0", "no change of the solution reads like that"),
    ],
)
def test_an_entry_of_equivalent_that_is_wrong_is_said(monkeypatch, change, why):
    exercise = learn.chapter("01").exercises[0]
    monkeypatch.setattr(reading, "equivalent", lambda exercise: [(change, "a reason", "modules/01_tensor.py:1")])
    result = answers.of_exercise(exercise)
    assert not result.holds and result.share == 1
    assert all(words in result.mistaken[0] for words in ("modules/01_tensor.py:1", exercise.id, change, why))


def test_two_changes_that_read_alike_are_told_apart():
    for _, exercise in reading.exercises():
        found = list(answers.answers(exercise))
        assert len(dict(found)) == len({text for _, text in found}) == len(found) > 0
