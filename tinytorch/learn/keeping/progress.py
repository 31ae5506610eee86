"""What is kept of a reader's work: writing it down, merging two copies of it, the files of it.

The same records live in the page's database, in the backup file and in the notebook's
folder. How two copies become one is the law of `merging`.
"""

from __future__ import annotations

import json

from . import merging, records
from .records import ProgressError

BACKUP = "tinytorch-backup"
HANDIN = "tinytorch-handin"
VERSION = 1


def now() -> str:
    """Return the time as the records carry it."""
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Progress:
    """A reader's records: exercises, labs and answers by id, and a history of replaced texts."""

    def __init__(self, author: str = ""):
        self.author = author
        self.kind, self.saved = BACKUP, ""  # of the file that it was read from
        self.exercises: dict[str, dict] = {}
        self.labs: dict[str, dict] = {}
        self.answers: dict[str, dict] = {}
        self.history: list[dict] = []

    @classmethod
    def from_file(cls, path: str) -> Progress:
        """Read a backup or a hand-in file from the disk, or raise ProgressError; OSError where it cannot be opened."""
        with open(path, encoding="utf-8-sig") as file:
            try:
                text = file.read()
            except UnicodeDecodeError:
                raise ProgressError("This file is not text; choose a backup that TinyTorch saved.") from None
        return cls.from_json(text)

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """Read a backup or a hand-in file, or raise ProgressError."""
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ProgressError(f"This file is not JSON ({error}); choose a backup that TinyTorch saved.") from None
        return cls.from_dict(record)

    @classmethod
    def from_dict(cls, record: dict) -> Progress:
        """Read the record of a backup or hand-in file, or raise ProgressError."""
        kind = records.require(record, dict, "The file").get("format")
        if kind not in (BACKUP, HANDIN):
            raise ProgressError(f"The file says format {kind!r}; needed is {BACKUP!r} or {HANDIN!r}.")
        if record.get("version") != VERSION:
            raise ProgressError(
                f"The file has version {record.get('version')!r}; this TinyTorch reads version {VERSION}. "
                "Use a newer TinyTorch."
            )
        progress = cls(records.field(record, "author", "The file", ""))
        progress.kind, progress.saved = kind, str(record.get("saved") or "")
        rows = [
            (i, records.require(row, dict, f"exercises[{i}]"))
            for i, row in enumerate(records.rows(record, "exercises"))
        ]
        for i, row in rows:
            read = records.exercise if kind == BACKUP else records.handed_in
            progress.exercises[records.id_of(row, f"exercises[{i}]")] = read(row, f"exercises[{i}]")
        for i, row in enumerate(records.rows(record, "labs")):
            progress.labs[records.id_of(row, f"labs[{i}]")] = records.lab(row, f"labs[{i}]")
        for i, row in enumerate(records.rows(record, "answers")):
            progress.answers[records.id_of(row, f"answers[{i}]")] = records.answer(row, f"answers[{i}]")
        progress.history = [records.past(row, f"history[{i}]") for i, row in enumerate(records.rows(record, "history"))]
        return progress

    @property
    def passed(self) -> dict[str, str]:
        """The texts that passed, by exercise id."""
        return {id: record["passed"]["text"] for id, record in self.exercises.items() if record["passed"]}

    def to_dict(self) -> dict:
        """Return the record of a backup file."""
        return {
            "format": BACKUP,
            "version": VERSION,
            "saved": now(),
            "author": self.author,
            "exercises": list(self.exercises.values()),
            "labs": list(self.labs.values()),
            "answers": list(self.answers.values()),
            "history": self.history,
        }

    def to_json(self) -> str:
        """Return the text of a backup file."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n"

    def hand_in(self, author: str) -> dict:
        """Return the record of a hand-in file: what passed, and the answers."""
        exercises = [
            {"id": id, "edition": r["passed"]["edition"], "text": r["passed"]["text"], "at": r["passed"]["at"]}
            for id, r in self.exercises.items()
            if r["passed"]
        ]
        return {
            "format": HANDIN,
            "version": VERSION,
            "saved": now(),
            "author": author,
            "exercises": exercises,
            "answers": list(self.answers.values()),
        }

    def write(self, id: str, text: str, edition: str, state: str) -> dict:
        """Record a text after a run or check; return the exercise's record."""
        record = self.exercises.get(id) or records.exercise({"id": id, "text": text, "edition": edition}, id)
        record = {
            **record,
            "text": text,
            "edition": edition,
            "state": state,
            "rev": record["rev"] + 1,
            "updated": now(),
        }
        if state == "passed":
            record |= {"attempts": 0, "passed": {"text": text, "edition": edition, "at": record["updated"]}}
        elif state == "failed":
            record["attempts"] += 1
        self.exercises[id] = record
        return record

    def answer(self, id: str, answer, right: bool | None) -> dict:
        """Record the answer to a question, unless the one that is kept is right and this one is not; return the record."""
        given = {"id": id, "answer": str(answer), "right": right, "at": now()}
        if not merging.stays(self.answers.get(id), given):
            self.answers[id] = given
        return self.answers[id]

    def run(self, id: str, outcome) -> dict | None:
        """Record what came of a milestone's program; return the record, or None where the earlier one stays.

        A program that was reached once stays reached; a run that was stopped says nothing.
        """
        if outcome.state == "idle":
            return None
        before, mine = self.answers.get(id), sum(credit.yours for credit in outcome.credits)
        record = self.answer(id, f"{mine} of {len(outcome.credits)} functions mine", outcome.state == "passed")
        return None if record is before else record

    def merge(self, other: Progress) -> None:
        """Take over another copy; of each text the newer becomes the current one."""
        lost = []
        for mine, theirs, join in self._kinds(other):
            for id, record in theirs.items():
                mine[id], history = join(mine[id], record) if id in mine else (record, [])
                lost += history
        self.history = merging.history([*self.history, *other.history, *lost])
        self.author = self.author or other.author

    def restore(self, backup: Progress) -> int:
        """Take over a backup as the page does; return how many texts that were here went to the history.

        The backup's texts become the current ones, whatever their dates. For the rest it is a merge.
        """
        lost, at = [], now()
        for mine, theirs, join in self._kinds(backup):
            for id, record in theirs.items():
                if mine is self.answers:
                    mine[id], history = join(mine[id], record, "restore") if id in mine else (record, [])
                else:
                    chosen = {**record, "updated": at}
                    mine[id], history = join(mine[id], chosen, chosen, "restore") if id in mine else (chosen, [])
                lost += history
        known = {merging.place(entry) for entry in self.history}
        self.history = merging.history([*self.history, *backup.history, *lost])
        self.author = self.author or backup.author
        return len({merging.place(entry) for entry in merging.history(lost)} - known)

    def _kinds(self, other: Progress):
        """Yield the records here, those of another copy, and how two of them become one."""
        yield self.exercises, other.exercises, merging.merged_exercise
        yield self.labs, other.labs, merging.merged_text
        yield self.answers, other.answers, merging.merged_answer

    def keep(self, id: str, text: str, why: str, at: str = "") -> None:
        """Put a text into the history, unless it is blank."""
        self.history = merging.history([*self.history, merging.past(id, text, at or now(), why)])
