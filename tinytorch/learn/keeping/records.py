"""The records in a file of progress, read row by row: each field is there and of its kind, or the place is named."""

from __future__ import annotations

from typing import NotRequired, TypedDict, get_args

from ..catalog import State

STATES = get_args(State)


class Passed(TypedDict):
    text: str
    edition: str
    at: str


class ExerciseRecord(TypedDict):
    id: str
    text: str
    edition: str
    rev: int
    updated: str
    attempts: int
    hints: int
    solution: bool
    state: State
    passed: Passed | None


class LabRecord(TypedDict):
    id: str
    text: str
    rev: int
    updated: str


class AnswerRecord(TypedDict):
    id: str
    answer: str
    right: bool | None
    at: str


class HistoryRecord(TypedDict):
    """`n` is the browser's number of it."""

    id: str
    text: str
    at: str
    why: str
    n: NotRequired[int]


class ProgressError(ValueError):
    """A file of progress cannot be read; the message says where and why."""


def require(value, kind, where: str):
    """Return a value of a kind, or raise ProgressError with the place that it stands at."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        names = {dict: "an object", list: "a list", str: "text", int: "a whole number", bool: "true or false"}
        raise ProgressError(f"{where} is {value!r:.60}; needed is {names[kind]}.")
    return value


def rows(record: dict, key: str) -> list:
    """Return a list of the file; one that is not there is empty."""
    return require(record.get(key, []), list, key)


def field(row: dict, key: str, where: str, default: str | None = None) -> str:
    """Return a text of a row; without a default it must be there."""
    value = row.get(key, default)
    return require("" if value is None and default is not None else value, str, f"{where}.{key}")


def count(row: dict, key: str, where: str) -> int:
    """Return a whole number of a row, 0 where there is none."""
    value = row.get(key)
    value = require(0 if value is None else value, int, f"{where}.{key}")
    if value < 0:
        raise ProgressError(f"{where}.{key} is {value}; it cannot be below 0.")
    return value


def id_of(row, where: str) -> str:
    """Return the id of a row."""
    id = field(require(row, dict, where), "id", where)
    if not id:
        raise ProgressError(f'{where}.id is empty; needed is an id such as "01.memory_footprint".')
    return id


def exercise(row: dict, where: str) -> ExerciseRecord:
    """Return an exercise's record: every field there, and of its kind."""
    state = field(row, "state", where, "") or "idle"
    if state == "running":  # that run ended with the page or the notebook that it ran in
        state = "idle"
    if state not in STATES:
        raise ProgressError(f"{where}.state is {state!r}; needed is one of {', '.join(STATES)}.")
    passed = row.get("passed")
    if passed is not None:
        require(passed, dict, f"{where}.passed")
        passed = {
            key: field(passed, key, f"{where}.passed", None if key == "text" else "")
            for key in ("text", "edition", "at")
        }
    return {
        "id": id_of(row, where),
        "text": field(row, "text", where),
        "edition": field(row, "edition", where, ""),
        "rev": count(row, "rev", where),
        "updated": field(row, "updated", where, ""),
        "attempts": count(row, "attempts", where),
        "hints": count(row, "hints", where),
        "solution": require(row.get("solution") or False, bool, f"{where}.solution"),
        "state": state,
        "passed": passed,
    }


def handed_in(row: dict, where: str) -> ExerciseRecord:
    """Return an exercise's record from a hand-in file, which holds only what passed."""
    text, edition, at = (field(row, key, where, None if key == "text" else "") for key in ("text", "edition", "at"))
    return exercise(
        {
            "id": row.get("id"),
            "text": text,
            "edition": edition,
            "updated": at,
            "state": "passed",
            "passed": {"text": text, "edition": edition, "at": at},
        },
        where,
    )


def lab(row: dict, where: str) -> LabRecord:
    """Return a lab's or a program's record."""
    return {
        "id": id_of(row, where),
        "text": field(row, "text", where),
        "rev": count(row, "rev", where),
        "updated": field(row, "updated", where, ""),
    }


def answer(row: dict, where: str) -> AnswerRecord:
    """Return an answer's record; `right` is None for an open question, and a number is kept as text."""
    right, answer = row.get("right"), row.get("answer")
    if right is not None:
        require(right, bool, f"{where}.right")
    if isinstance(answer, (int, float)) and not isinstance(answer, bool):
        answer = str(answer)
    return {
        "id": id_of(row, where),
        "answer": field({"answer": answer}, "answer", where, ""),
        "right": right,
        "at": field(row, "at", where, ""),
    }


def past(row: dict, where: str) -> HistoryRecord:
    """Return an entry of the history."""
    return {
        "id": id_of(row, where),
        "text": field(row, "text", where),
        "at": field(row, "at", where, ""),
        "why": field(row, "why", where, ""),
    }
