"""A function that passed and was broken since: what runs, and that everything that depends on it says so."""

import json
from pathlib import Path

import pytest

from tinytorch.learn.catalog import Catalog, Chapter, Exercise
from tinytorch.learn.keeping import standing
from tinytorch.learn.keeping.progress import Progress

TABLE = json.loads((Path(__file__).parent / "behind.json").read_text(encoding="utf-8"))


def record(id, text, state, passed):
    passed = passed and {"text": passed, "edition": "e", "at": "2026"}
    return {"id": id, "text": text, "state": state, "passed": passed}


def progress(*behind):
    rows = [record(id, "bad", "failed", "good") for id in behind]
    return Progress.from_dict({"format": "tinytorch-backup", "version": 1, "exercises": rows})


@pytest.fixture
def course():
    return Catalog(
        tuple(
            Chapter(
                each["id"],
                int(each["id"]),
                each["id"],
                "",
                requires=tuple(each["requires"]),
                exercises=tuple(
                    Exercise(id=e["id"], name=e["id"][3:], number="", title="", symbol=e["symbol"])
                    for e in each["exercises"]
                ),
            )
            for each in TABLE["chapters"]
        )
    )


@pytest.mark.parametrize("case", TABLE["records"], ids=lambda case: case["name"])
def test_which_exercise_is_behind(case):
    row = record("01.size", **case["record"])
    assert standing.is_behind(row) is case["behind"]
    words = standing.exercise_words({**row, "attempts": 0, "solution": False})
    assert (words == "passed, but not as it stands there now") is case["behind"]


@pytest.mark.parametrize("case", TABLE["words"], ids=lambda case: len(case["behind"]))
def test_what_is_said_of_them(case, course):
    ids = [e.id for e in course.exercises]
    assert standing.behind_words(ids, progress(*case["behind"]), course) == case["words"]


@pytest.mark.parametrize("case", TABLE["needed"], ids=lambda case: case["id"])
def test_what_a_check_depends_on(case, course):
    assert standing.needed_by(case["id"], course) == case["by"]
