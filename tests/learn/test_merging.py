"""The law by which two copies of a reader's work become one, and files are read: the cases of merging.json."""

import copy
import json
from pathlib import Path

import pytest

from tinytorch.learn.keeping import merging
from tinytorch.learn.keeping.progress import BACKUP, VERSION, Progress, ProgressError

TABLE = json.loads(Path(__file__).with_name("merging.json").read_text(encoding="utf-8"))
LISTS = tuple(TABLE["defaults"])


def whole(list: str, row: dict) -> dict:
    return {**TABLE["defaults"][list], **row}


def lists(records: dict) -> dict:
    return {list: [whole(list, row) for row in records.get(list, [])] for list in LISTS}


def progress(records: dict) -> Progress:
    return Progress.from_dict({"format": BACKUP, "version": VERSION, **lists(records)})


def kept(one: Progress) -> dict:
    """Return the lists of a copy; the order of records says nothing, that of the history does."""
    record = one.to_dict()
    ordered = {list: sorted(record[list], key=lambda row: row["id"]) for list in LISTS if list != "history"}
    return {**ordered, "history": record["history"]}


def cases(kind: str):
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in TABLE[kind]])


def ways(case: dict):
    return (case["mine"], case["theirs"]), (case["theirs"], case["mine"])


def words(history: list[dict]) -> set:
    """Return what a history holds, whatever it was put there for, when, and with which line ends."""
    return {(entry["id"], entry["text"].rstrip()) for entry in history}


@cases("merging")
def test_two_copies_become_one_in_either_order_and_merging_again_changes_nothing(case):
    for mine, theirs in ways(case):
        one = progress(mine)
        one.merge(progress(theirs))
        assert kept(one) == lists(case["merged"])
        for again in (mine, theirs, case["merged"]):
            one.merge(progress(again))
            assert kept(one) == lists(case["merged"])


@cases("merging")
def test_a_restored_backup_is_a_merge_with_its_own_texts(case):
    merged = lists(case["merged"])
    for here, file in ways(case):
        one, backup = progress(here), progress(file)
        for _ in range(2):
            one.restore(copy.deepcopy(backup))
            now = kept(one)
            assert now["answers"] == merged["answers"]
            places = words(merged["history"])
            for list in ("exercises", "labs"):
                texts = {row["id"]: row["text"] for row in lists(file)[list]}
                places |= words(merged[list])
                for row, expected in zip(now[list], merged[list], strict=True):
                    gained = ("id", "passed", "hints", "solution")
                    assert row["text"] == texts.get(row["id"], expected["text"])
                    assert [row.get(key) for key in gained] == [expected.get(key) for key in gained]
            assert places <= words(now["history"] + now["exercises"] + now["labs"])


@cases("writing")
def test_a_write(case):
    old, record = case["old"] and whole("exercises", case["old"]), whole("exercises", case["record"])
    write, history, conflict = merging.written(old, record, case["known"])
    assert (write or old) == whole("exercises", case["stored"])
    assert [entry["text"] for entry in history] == case.get("history", [])
    assert conflict == case.get("conflict", False)
    if conflict and write:  # the writer is told, and what it gained is there already: nothing more is written
        assert merging.written(write, record, case["known"]) == (None, [], True)


@cases("reading")
def test_a_file_is_read_or_refused(case):
    file = {"format": BACKUP, "version": VERSION, case["list"]: case["rows"]}
    if "refused" in case:
        with pytest.raises(ProgressError) as refusal:
            Progress.from_dict(file)
        assert case["refused"] in str(refusal.value)
    else:
        read = Progress.from_dict(file).to_dict()[case["list"]]
        assert read == [whole(case["list"], row) for row in case["read"]]
