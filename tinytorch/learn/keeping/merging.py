"""The law by which two copies of a reader's work become one.

What a reader earned or wrote stays: a pass, a right answer and a milestone that was reached stay, hints and solutions
that were shown stay shown, and a text that does not become the current one goes to the history, dated with what took
its place. Merging in either order, or once more, gives the same.

The page has the same law in book/runtime/src/merging.ts; tests/learn/merging.json states it, case by case, for both.
"""

from __future__ import annotations

HISTORY = 20  # entries of one id
BLANK = " \t\r\n"


def same(one: str, other: str) -> bool:
    """Tell whether two texts are one; a notebook adds a last line end of its own."""
    return one.rstrip(BLANK) == other.rstrip(BLANK)


def order(text: str) -> bytes:
    """Return what texts are ordered by, here and in the page."""
    return text.encode("utf-16-be", "surrogatepass")


def newer(one: dict, other: dict) -> dict:
    """Return the record that was written later, of an exercise or a lab."""
    fields = ("text", "edition", "state")
    return max(one, other, key=lambda r: (order(r["updated"]), r["rev"], *(order(r.get(key, "")) for key in fields)))


def later_pass(*passes: dict | None) -> dict | None:
    """Return the later of some passes, or None where there is none."""
    known = (one for one in passes if one)
    return max(known, key=lambda p: [order(p[key]) for key in ("at", "text", "edition")], default=None)


def better_answer(one: dict, other: dict) -> dict:
    """Return the answer that counts: the right one, and of two alike the later."""
    return max(one, other, key=lambda a: (a["right"] is True, order(a["at"]), order(a["answer"]), a["right"] is None))


def stays(old: dict | None, answer: dict) -> bool:
    """Tell whether an answer that is kept outlasts a new one: what was right or reached once stays so."""
    return bool(old and old["right"] and not answer["right"])


def gained(one: dict, other: dict) -> dict:
    """Return what counts of an exercise whichever text is the current one."""
    return {
        "passed": later_pass(one["passed"], other["passed"]),
        "hints": max(one["hints"], other["hints"]),
        "solution": one["solution"] or other["solution"],
    }


def merged_exercise(
    mine: dict, theirs: dict, chosen: dict | None = None, why: str = "conflict"
) -> tuple[dict, list[dict]]:
    """Return (the record, entries for the history) of two copies of an exercise.

    chosen : the copy whose text becomes the current one; default: the newer
    """
    chosen = chosen or newer(mine, theirs)
    other = mine if chosen is theirs else theirs
    record, history = merged_text(mine, theirs, chosen, why)
    record |= gained(mine, theirs)
    if not record["passed"]:
        record["attempts"] = max(mine["attempts"], theirs["attempts"])
    if same(chosen["text"], other["text"]) and (chosen["state"], other["state"]) == ("idle", "passed"):
        record["state"] = "passed"
    return record, history + _outdone(mine, theirs, record, record["updated"], why)


def merged_text(mine: dict, theirs: dict, chosen: dict | None = None, why: str = "conflict") -> tuple[dict, list[dict]]:
    """Return (the record, entries for the history) of two copies of a lab."""
    chosen = chosen or newer(mine, theirs)
    other = mine if chosen is theirs else theirs
    record = {**chosen, "rev": max(mine["rev"], theirs["rev"])}
    lost = not same(other["text"], chosen["text"])
    return record, [past(record["id"], other["text"], record["updated"], why)] if lost else []


def merged_answer(mine: dict, theirs: dict, why: str = "conflict") -> tuple[dict, list[dict]]:
    """Return (the record, entries for the history) of two copies of an answer."""
    answer = better_answer(mine, theirs)
    other = mine if answer is theirs else theirs
    at = max(mine["at"], theirs["at"], key=order)
    lost = not same(other["answer"], answer["answer"])
    return answer, [past(answer["id"], other["answer"], at, why)] if lost else []


def written(old: dict | None, record: dict, known: int) -> tuple[dict | None, list[dict], bool]:
    """Return what a write of an exercise does: (the record to store or None, entries for the history, a conflict).

    known : the revision that the writer saw last
    Where somebody wrote since and the texts differ, the stored text stays; what the writer gained counts at once.
    """
    if old is None:
        return {**record, "rev": 1}, [], False
    gains = {**gained(old, record), "rev": old["rev"] + 1}
    if old["rev"] == known:
        return {**record, **gains}, [], False
    conflict = not same(old["text"], record["text"])
    stored, _ = merged_exercise(old, record, old if conflict else record)
    history = _outdone(old, record, stored, record["updated"], "conflict")
    stored["rev"] = old["rev"]
    nothing_new = conflict and stored == old
    return None if nothing_new else {**stored, **gains}, history, conflict


def history(entries: list[dict]) -> list[dict]:
    """Return a history, the oldest first: each text of an id once, none blank, the latest of each id."""
    latest: dict[tuple[str, str], dict] = {}
    for entry in sorted(entries, key=_rank):
        if entry["text"].strip(BLANK):
            latest[place(entry)] = entry
    kept, counts = [], {}
    for entry in sorted(latest.values(), key=_rank, reverse=True):
        counts[entry["id"]] = counts.get(entry["id"], 0) + 1
        if counts[entry["id"]] <= HISTORY:
            kept.append(entry)
    return kept[::-1]


def place(entry: dict) -> tuple[str, str]:
    """Return what an entry of the history is: the id, and the text without the blanks at its end."""
    return entry["id"], entry["text"].rstrip(BLANK)


def past(id: str, text: str, at: str, why: str) -> dict:
    """Return an entry of the history: a text, when something took its place, and why."""
    return {"id": id, "text": text, "at": at, "why": why}


def _outdone(mine: dict, theirs: dict, record: dict, at: str, why: str) -> list[dict]:
    """Return entries for the texts that passed and are neither the current text nor the pass that counts."""
    passes = [one["passed"] for one in (mine, theirs) if one["passed"]]
    stay = (record["text"], record["passed"]["text"]) if passes else ()
    lost = (one["text"] for one in passes if not any(same(one["text"], text) for text in stay))
    return [past(record["id"], text, at, why) for text in lost]


def _rank(entry: dict) -> tuple:
    return tuple(order(entry[key]) for key in ("at", "id", "why", "text"))
