"""Records: read with clear errors, merged without losing a text, written as the page writes them."""

import json
from types import SimpleNamespace

import pytest

from tinytorch.learn.keeping.progress import BACKUP, HANDIN, Progress, ProgressError


def backup(**more):
    return {
        "format": BACKUP,
        "version": 1,
        "saved": "2026-11-21T10:00:00.000Z",
        "author": "Ada",
        "exercises": [],
        "labs": [],
        "answers": [],
        "history": [],
        **more,
    }


def record(text, updated="2026-11-21T10:00:00.000Z", rev=1, **more):
    return {
        "id": "01.size",
        "text": text,
        "edition": "abc",
        "rev": rev,
        "updated": updated,
        "attempts": 0,
        "hints": 0,
        "solution": False,
        "state": "idle",
        "passed": None,
        **more,
    }


def progress(*exercises, **more):
    return Progress.from_dict(backup(exercises=list(exercises), **more))


def test_writing_and_reading_again_keeps_everything():
    one = progress(
        record("x", hints=2),
        labs=[{"id": "01.lab", "text": "y", "rev": 3, "updated": "t"}],
        history=[{"id": "01.size", "text": "old", "at": "2026", "why": "reset"}],
    )
    one.answer("01.q", 2, True)
    again = Progress.from_json(one.to_json())
    for name in ("author", "exercises", "labs", "answers", "history"):
        assert getattr(again, name) == getattr(one, name)


def test_a_run_a_failure_and_a_pass_are_recorded():
    one = Progress()
    assert one.write("01.size", "a", "e1", "idle")["rev"] == 1
    assert [one.write("01.size", "b", "e1", "failed")["attempts"] for _ in range(3)] == [1, 2, 3]
    passed = one.write("01.size", "c", "e1", "passed")
    assert (passed["attempts"], passed["rev"], passed["passed"]["text"], passed["passed"]["at"]) == (
        0,
        5,
        "c",
        passed["updated"],
    )
    later = one.write("01.size", "d", "e2", "failed")
    assert later["passed"]["text"] == "c" and one.passed == {"01.size": "c"}


def test_a_hand_in_holds_what_passed_and_reads_back():
    one = Progress()
    one.write("01.size", "good", "e1", "passed")
    one.write("01.total", "bad", "e1", "failed")
    one.answer("01.q", 12.0, True)
    record = one.hand_in("Ada")
    assert record["format"] == HANDIN and [e["id"] for e in record["exercises"]] == ["01.size"]
    assert Progress.from_json(json.dumps(record)).passed == {"01.size": "good"}


def test_an_answer_that_was_right_and_a_program_that_was_reached_stay_so():
    one = Progress()
    assert [one.answer("01.q", given, right)["answer"] for given, right in ((3, False), (12, True), (3, False))] == [
        "3",
        "12",
        "12",
    ]
    reached, short, stopped = (SimpleNamespace(state=state, credits=[]) for state in ("passed", "failed", "idle"))
    assert one.run("m1.p", short)["right"] is False
    assert one.run("m1.p", stopped) is None
    assert one.run("m1.p", reached)["right"] is True
    assert one.run("m1.p", short) is None and one.answers["m1.p"]["right"] is True


def test_a_restored_backup_says_how_many_texts_that_were_here_it_replaced():
    here = progress(record("mine"), history=[{"id": "01.size", "text": "older", "at": "2026", "why": "reset"}])
    backup = progress(record("theirs"), history=[{"id": "01.size", "text": "old", "at": "2025", "why": "reset"}])
    assert here.restore(backup) == 1
    assert here.restore(backup) == 0
    assert here.restore(progress(record("older"))) == 1


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "not JSON"),
        ("[]", "needed is an object"),
        ('{"format": "other"}', "format 'other'"),
        (json.dumps(backup(version=9)), "version 9"),
        (json.dumps(backup(exercises={})), "exercises is {}; needed is a list"),
        (json.dumps(backup(author=7)), "author is 7"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text, words):
    with pytest.raises(ProgressError, match=words):
        Progress.from_json(text)
