"""Records: read with clear errors, merged without losing a text, written as the page writes them."""

import json

import pytest

from tinytorch.learn.keeping.progress import BACKUP, HANDIN, HISTORY, Progress, ProgressError


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


def test_merging_takes_the_newer_and_keeps_the_older_in_the_history():
    passed = {"text": "p", "edition": "abc", "at": "2026-11-20T00:00:00.000Z"}
    mine = progress(record("mine", "2026-11-21T10:00:00.000Z", rev=4, passed=passed, hints=1))
    mine.merge(progress(record("theirs", "2026-11-21T11:00:00.000Z", rev=2, solution=True)))
    kept = mine.exercises["01.size"]
    assert (kept["text"], kept["passed"], kept["hints"], kept["solution"], kept["rev"]) == (
        "theirs",
        passed,
        1,
        True,
        5,
    )
    assert [(h["text"], h["why"]) for h in mine.history] == [("mine", "conflict")]


def test_of_two_passes_the_later_counts_and_the_other_text_stays_in_the_history():
    passes = [{"text": t, "edition": "abc", "at": f"2026-11-2{i}T00:00:00.000Z"} for i, t in enumerate(("p", "q"))]
    mine = progress(record("same", passed=passes[1]))
    mine.merge(progress(record("same\n", passed=passes[0])))
    assert mine.exercises["01.size"]["passed"] == passes[1]
    assert [h["text"] for h in mine.history] == ["p"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_merging_in_either_order_keeps_the_same_texts(order):
    copies = [record("a", "2026-11-21T10:00:00.000Z"), record("b", "2026-11-21T11:00:00.000Z")]
    first, second = (progress(copies[i]) for i in order)
    first.merge(second)
    assert first.exercises["01.size"]["text"] == "b" and [h["text"] for h in first.history] == ["a"]
    first.merge(second)
    assert len(first.history) == 1


def test_the_history_keeps_the_newest_of_each():
    one = progress(history=[{"id": "01.size", "text": str(i), "at": f"2026-{i:03}", "why": "reset"} for i in range(30)])
    one.merge(Progress())
    assert [h["text"] for h in one.history] == [str(i) for i in range(30 - HISTORY, 30)]


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "not JSON"),
        ("[]", "needed is an object"),
        ('{"format": "other"}', "format 'other'"),
        (json.dumps(backup(version=9)), "version 9"),
        (json.dumps(backup(exercises={})), "exercises is {}; needed is a list"),
        (json.dumps(backup(exercises=[3])), r"exercises\[0\] is 3"),
        (json.dumps(backup(exercises=[{"id": "01.size"}])), r"exercises\[0\].text is None; needed is text"),
        (json.dumps(backup(exercises=[record("x", rev=-1)])), r"exercises\[0\].rev is -1"),
        (json.dumps(backup(exercises=[record("x", state="odd")])), "state is 'odd'"),
        (json.dumps(backup(exercises=[record("x", passed={"at": "t"})])), r"passed.text"),
        (json.dumps(backup(labs=[{"id": "", "text": ""}])), r"labs\[0\].id is empty"),
        (json.dumps(backup(history="x")), "history is 'x'"),
        (json.dumps(backup(author=7)), "author is 7"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text, words):
    with pytest.raises(ProgressError, match=words):
        Progress.from_json(text)
