"""A chapter's notebook as a file on the reader's disk: the reader's texts go in, and what was typed there comes out.

A notebook is the dictionary of its JSON. Only the cells of exercises, labs, programs and questions are touched; they
carry `tinytorch: {exercise | lab | program | question: id}`, and `filled` says which text was put in last.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ..catalog import Catalog
from ..keeping.folder_store import write_whole
from ..keeping.progress import Progress, ProgressError, now

MAGIC = re.compile(r"%%(exercise|milestone)[^\n]*\n?")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
BLANK = re.compile(r'None|"""\s*"""')


@dataclass(frozen=True)
class Started:
    """What became of a notebook: where it is, whether it is new, how many cells got the reader's text or answer,
    whether the book has a newer one by now, and where the old one went."""

    path: str
    made: bool
    filled: int
    outdated: bool
    moved: str


def load(path: str) -> dict:
    """Read a notebook file, or raise ProgressError."""
    with open(path, encoding="utf-8") as file:
        try:
            return parse(file.read())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            words = f"{type(error).__name__}: {error}"
            raise ProgressError(f"{path} is not a notebook ({words}). Move it away to get a new one.") from None


def parse(text: str) -> dict:
    """Return a notebook in which each cell has its source as one text and a place for the marks."""
    notebook = json.loads(text)
    notebook["metadata"].setdefault("tinytorch", {})
    for cell in notebook["cells"]:
        cell["source"] = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        cell["metadata"]["tinytorch"] = dict(cell["metadata"].get("tinytorch", {}))
    return notebook


def save(path: str, notebook: dict) -> None:
    """Write a notebook file."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write_whole(path, json.dumps(_without_empty_marks(notebook), ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def saved_at(path: str) -> str:
    """Return when a file was written, as the records carry times."""
    written = datetime.fromtimestamp(os.path.getmtime(path), UTC)
    return written.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def digest(notebook: dict) -> str:
    """Return a short hash of a chapter's notebook as the book publishes it."""
    parts = [f"{cell['id']}\0{cell['source']}" for cell in notebook["cells"]]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def start(path: str, published: str, progress: Progress, catalog: Catalog, fresh: bool = False) -> Started:
    """Write a notebook with the reader's texts in it, or bring the one that is there up to date.

    path : where it is, or will be
    published : the notebook's text as the book has it
    fresh : take the book's notebook even if there is one; the old one stays under another name
    """
    notebook, moved, made = parse(published), "", True
    mark, names = digest(notebook), {cell["id"] for cell in notebook["cells"]}
    notebook["metadata"]["tinytorch"]["published"] = mark
    if os.path.exists(path) and fresh:
        moved = free_name(path)
        os.replace(path, moved)
    elif os.path.exists(path):
        notebook, made = load(path), False
    changed = fill(notebook, progress, catalog)
    if made or changed:
        save(path, notebook)
    noted = notebook["metadata"]["tinytorch"].get("published")
    current = noted == mark if noted else names <= {cell.get("id") for cell in notebook["cells"]}
    return Started(path, made, changed, not current, moved)


def free_name(path: str) -> str:
    """Return a name beside a file that no file has yet: `a.json`, then `a-2.json`, `a-3.json`, …"""
    stem, ending = os.path.splitext(path)
    names = (f"{stem}-{number}{ending}" for number in itertools.count(2))
    return next(name for name in names if not os.path.exists(name))


def take_in(notebook: dict, saved: str, progress: Progress, catalog: Catalog) -> list[str]:
    """Record what was typed into a notebook's cells and never run; return the ids.

    saved : when the notebook was written; a text that is older than the record goes to the history
    """
    taken = []
    for cell, id, printed in _text_cells(notebook, catalog):
        record = progress.exercises.get(id) or progress.labs.get(id)
        text = MAGIC.sub("", cell["source"])
        if text.rstrip() in _known(cell, id, printed, record, progress):
            continue
        if record and record["updated"] > saved:
            progress.keep(id, text, "conflict", saved)
            continue
        if record and record["text"].rstrip() != cell["metadata"]["tinytorch"].get("filled"):
            progress.keep(id, record["text"], "conflict", record["updated"])
        _write(progress, catalog, id, text)
        taken.append(id)
    return taken


def fill(notebook: dict, progress: Progress, catalog: Catalog) -> int:
    """Put the reader's texts and answers into a notebook's cells; return how many cells changed."""
    changed = 0
    for cell, id, _ in _text_cells(notebook, catalog):
        record = progress.exercises.get(id) or progress.labs.get(id)
        if record:
            text = record["text"].rstrip()
            magic = MAGIC.match(cell["source"])
            changed += _set(cell, (magic.group() if magic else "") + text)
            cell["metadata"]["tinytorch"]["filled"] = text
    for cell in notebook["cells"]:
        answer = progress.answers.get(cell["metadata"]["tinytorch"].get("question"), {}).get("answer")
        if answer not in (None, ""):
            changed += _answered(cell, answer)
    return changed


def _printed(catalog: Catalog) -> dict:
    """Return id -> what the book prints there, of this edition: exercises, whose starters are made when asked for,
    and the code of labs and programs."""
    found: dict = dict(catalog.by_id)
    for chapter in (*catalog.chapters, *catalog.milestones):
        found |= {lab["id"]: lab["code"] for lab in chapter.labs} | {p.id: p.code for p in chapter.programs}
    return found


def _text_cells(notebook: dict, catalog: Catalog):
    """Yield (cell, id, what the book prints) for the cells with a text of the reader's."""
    printed = _printed(catalog)
    for cell in notebook["cells"]:
        mark = cell["metadata"]["tinytorch"]
        id = mark.get("exercise") or mark.get("lab") or mark.get("program")
        if cell["cell_type"] == "code" and id in printed:
            yield cell, id, printed[id]


def _known(cell: dict, id: str, printed, record: dict | None, progress: Progress) -> set[str]:
    """Return the texts of a cell that are no news: empty, the book's, put in before, or in the records."""
    starter = printed if isinstance(printed, str) else printed.starter
    known = {"", cell["metadata"]["tinytorch"].get("filled", ""), starter.rstrip()}
    known |= {h["text"].rstrip() for h in progress.history if h["id"] == id}
    if record:
        known.add(record["text"].rstrip())
        if record.get("passed"):
            known.add(record["passed"]["text"].rstrip())
    return known


def _write(progress: Progress, catalog: Catalog, id: str, text: str) -> None:
    if id in catalog.by_id:
        progress.write(id, text, catalog.exercise(id).edition, "idle")
    else:
        rev = progress.labs.get(id, {"rev": 0})["rev"] + 1
        progress.labs[id] = {"id": id, "text": text, "rev": rev, "updated": now()}


def _answered(cell: dict, answer) -> int:
    """Put an answer where `learn.answer(id, None)` waits for one; an answer that stands there stays."""
    head, comma, rest = cell["source"].partition('", ')
    blank = BLANK.match(rest)
    if not comma or not blank or rest[blank.end() :].strip() != ")":
        return 0
    text = str(answer)
    if blank.group() == "None":
        return _set(cell, f"{head}{comma}{text})") if NUMBER.fullmatch(text) else 0
    plain = '"' not in text and "\\" not in text
    return _set(cell, f'{head}{comma}"""\n{text}\n""")' if plain else f"{head}{comma}{text!r})")


def _set(cell: dict, text: str) -> int:
    """Give a cell a new text, and take away the output of the old one; return 1 if that changed something."""
    if cell["source"].rstrip() == text.rstrip():
        return 0
    cell["source"] = text
    cell["outputs"], cell["execution_count"] = [], None
    return 1


def _without_empty_marks(notebook: dict) -> dict:
    cells = []
    for cell in notebook["cells"]:
        metadata = {key: value for key, value in cell["metadata"].items() if key != "tinytorch" or value}
        cells.append({**cell, "metadata": metadata})
    return {**notebook, "cells": cells}
