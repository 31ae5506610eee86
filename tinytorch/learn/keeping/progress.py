"""What is kept of a reader's work: writing it down, merging two copies of it, the files of it.

The same records live in the page's database, in the backup file and in the notebook's
folder. No text is dropped at once: where two copies differ, the newer one counts and the
other goes to the history, which keeps the last of each exercise (`HISTORY`).
"""

from __future__ import annotations

import json

from . import records
from .records import ProgressError

BACKUP = "tinytorch-backup"
HANDIN = "tinytorch-handin"
VERSION = 1
HISTORY = 20


def now() -> str:
    """Return the time as the records carry it."""
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
        rows = [(i, records.require(row, dict, f"exercises[{i}]")) for i, row in enumerate(records.rows(record, "exercises"))]
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
        """Record the answer to a question; return its record."""
        self.answers[id] = {"id": id, "answer": answer, "right": right, "at": now()}
        return self.answers[id]

    def run(self, id: str, outcome) -> dict | None:
        """Record what came of a milestone's program; return the record, or None where the earlier one stays.

        A program that was reached once stays reached; a run that was stopped says nothing.
        """
        reached = outcome.state == "passed"
        if outcome.state == "idle" or not reached and self.answers.get(id, {}).get("right"):
            return None
        mine = sum(credit.yours for credit in outcome.credits)
        return self.answer(id, f"{mine} of {len(outcome.credits)} functions mine", reached)

    def merge(self, other: Progress) -> None:
        """Take over another copy: of each record the newer; a text that loses goes to the history."""
        for id, theirs in other.exercises.items():
            mine = self.exercises.get(id)
            self.exercises[id] = theirs if mine is None else self._newer_exercise(mine, theirs)
        for id, theirs in other.labs.items():
            mine = self.labs.get(id)
            self.labs[id] = theirs if mine is None else self._newer_text(mine, theirs)
        for id, theirs in other.answers.items():
            mine = self.answers.get(id)
            if mine is None or theirs.get("at", "") > mine.get("at", ""):
                self.answers[id] = theirs
        known = {(h["id"], h["text"], h["at"]) for h in self.history}
        self.history += [h for h in other.history if (h["id"], h["text"], h["at"]) not in known]
        self.author = self.author or other.author
        self._trim()

    def restore(self, backup: Progress) -> int:
        """Take over a backup as the page does; return how many texts that were here went to the history.

        The backup's texts become the current ones, whatever their dates; of two passes and of two answers the
        later one counts.
        """
        before = len(self.history)
        for id, theirs in backup.exercises.items():
            mine = self.exercises.get(id)
            self.exercises[id] = self._restored_exercise(mine, theirs) if mine else {**theirs, "updated": now()}
        for id, theirs in backup.labs.items():
            self.labs[id] = self._restored_text(self.labs.get(id), theirs)
        for id, theirs in backup.answers.items():
            mine = self.answers.get(id)
            if mine and mine.get("at", "") > theirs.get("at", ""):
                continue
            if mine and str(mine.get("answer")) != str(theirs.get("answer")):
                self.keep(id, str(mine.get("answer")), "restore")
            self.answers[id] = theirs
        replaced = len(self.history) - before
        for entry in backup.history:
            self.keep(entry["id"], entry["text"], entry["why"], entry["at"])
        self.author = self.author or backup.author
        self._trim()
        return replaced

    def keep(self, id: str, text: str, why: str, at: str = "") -> None:
        """Put a text into the history, unless it is blank or there already."""
        if text.strip() and not any(h["id"] == id and _same(h["text"], text) for h in self.history):
            self.history.append({"id": id, "text": text, "at": at or now(), "why": why})

    def _restored_exercise(self, mine: dict, theirs: dict) -> dict:
        restored = self._restored_text(mine, theirs)
        restored["passed"] = self._later_pass(mine, theirs, restored["text"], "restore")
        restored["hints"] = max(mine["hints"], theirs["hints"])
        restored["solution"] = mine["solution"] or theirs["solution"]
        return restored

    def _restored_text(self, mine: dict | None, theirs: dict) -> dict:
        if mine and not _same(mine["text"], theirs["text"]):
            self.keep(mine["id"], mine["text"], "restore")
        rev = max(mine["rev"], theirs["rev"]) + 1 if mine else theirs["rev"]
        return {**theirs, "rev": rev, "updated": now()}

    def _later_pass(self, mine: dict, theirs: dict, text: str, why: str) -> dict | None:
        """Return the later of two passes; the other's text goes to the history, unless it is the current text."""
        passes = sorted((r["passed"] for r in (mine, theirs) if r["passed"]), key=lambda p: p["at"])
        for other in passes[:-1]:
            if not _same(other["text"], passes[-1]["text"]) and not _same(other["text"], text):
                self.keep(mine["id"], other["text"], why, other["at"])
        return passes[-1] if passes else None

    def _newer_exercise(self, mine: dict, theirs: dict) -> dict:
        newer = dict(self._newer_text(mine, theirs))
        newer["passed"] = self._later_pass(mine, theirs, newer["text"], "conflict")
        newer["hints"] = max(mine["hints"], theirs["hints"])
        newer["solution"] = mine["solution"] or theirs["solution"]
        newer["rev"] = max(mine["rev"], theirs["rev"]) + (mine["text"] != theirs["text"])
        return newer

    def _newer_text(self, mine: dict, theirs: dict) -> dict:
        ours = (mine, theirs) if (theirs["updated"], theirs["rev"]) > (mine["updated"], mine["rev"]) else (theirs, mine)
        older, newer = ours
        if not _same(older["text"], newer["text"]):
            self.keep(older["id"], older["text"], "conflict", older["updated"])
        return newer

    def _trim(self) -> None:
        """Keep the newest entries of the history for each id."""
        kept, counts = [], {}
        for entry in sorted(self.history, key=lambda h: h["at"], reverse=True):
            counts[entry["id"]] = counts.get(entry["id"], 0) + 1
            if counts[entry["id"]] <= HISTORY:
                kept.append(entry)
        self.history = kept[::-1]


def _same(one: str, other: str) -> bool:
    """Tell whether two texts are one; a notebook adds a last line end of its own."""
    return one.rstrip() == other.rstrip()
