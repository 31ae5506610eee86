"""Make tinytorch/datasets/tinytalks.json: questions, each in several phrasings, and one answer to all of them.

    python datasets/tinytalks.py

It reads the files in datasets/tinytalks. Each block there is an answer and, with a dash, ways to ask for it. In these
`(a/b)` stands for one or the other, and every way of choosing becomes a phrasing. Rows that begin with = make a block
several: `{0}`, `{1}`, … stand for what a row holds, between commas. Of the phrasings of an answer one in five, at least
one, is held out for the test; which one depends on the answer's text alone. The same files give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = Path(__file__).with_name("tinytalks")
OUT = ROOT / "tinytorch" / "datasets" / "tinytalks.json"
LEAST, FEWEST, LARGEST = 350, 4, 300_000  # answers; phrasings of each; bytes of the file
CHOICE = re.compile(r"\(([^()]*/[^()]*)\)")


class Refused(ValueError):
    """Something in the sources is not as it must be; the message says where."""


def blocks(text: str) -> list[tuple[int, list[str]]]:
    """The blocks of a file, each with the number of its first line; a line that begins with # is a note."""
    found, open_block = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            continue
        if line.strip():
            if not open_block:
                found.append((number, []))
            found[-1][1].append(line.strip())
        open_block = bool(line.strip())
    return found


def expanded(phrase: str) -> list[str]:
    """Every way of choosing in a phrase.

    >>> expanded("What (sound/noise) does it make?")
    ['What sound does it make?', 'What noise does it make?']
    >>> expanded("What is it (called/)?")
    ['What is it called?', 'What is it?']
    """
    parts = CHOICE.split(phrase)
    choices = [part.split("/") if index % 2 else [part] for index, part in enumerate(parts)]
    return [re.sub(r" +(?=[?.!]|$)", "", "".join(each)) for each in itertools.product(*choices)]


def filled(line: str, row: list[str], where: str) -> str:
    """A line with what stands in a row in the places of {0}, {1}, …"""
    try:
        return line.format(*row)
    except (IndexError, KeyError, ValueError) as problem:
        raise Refused(f"{where}: {line!r} asks for more than the row {', '.join(row)!r} has") from problem


def capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def talks_of(block: list[str], where: str) -> list[tuple[str, list[str]]]:
    """The answers of a block, each with its phrasings."""
    answer, phrases = block[0], [line[2:] for line in block if line.startswith("- ")]
    rows = [line[2:] for line in block if line.startswith("= ")]
    if len(block) != 1 + len(phrases) + len(rows):
        raise Refused(f"{where}: a block is an answer, phrasings with '- ' and rows with '= '")
    found = []
    for row in rows or [""]:
        values = [value.strip() for value in row.split(",")]
        asked = [each for phrase in phrases for each in expanded(filled(phrase, values, where))]
        found.append((capital(filled(answer, values, where)), [capital(each) for each in asked]))
    return found


def read(folder: Path) -> list[tuple[str, list[str]]]:
    """All answers with their phrasings, in the order of the files' names, or Refused."""
    talks, seen = [], {}
    for path in sorted(folder.glob("*.txt")):
        for number, block in blocks(path.read_text(encoding="utf-8")):
            where = f"{path.name}:{number}"
            for answer, phrasings in talks_of(block, where):
                check(answer, phrasings, where)
                for phrasing in phrasings:
                    key = phrasing.lower().strip("?.! ")
                    if key in seen:
                        raise Refused(f"{where}: {phrasing!r} is asked twice, here and in {seen[key]}")
                    seen[key] = where
                talks.append((answer, phrasings))
    if len(talks) < LEAST:
        raise Refused(f"there are {len(talks)} answers; {LEAST} are needed")
    return talks


def check(answer: str, phrasings: list[str], where: str) -> None:
    """Raise Refused unless an answer is one whole sentence and has phrasings enough."""
    if len(phrasings) < FEWEST:
        raise Refused(f"{where}: {answer!r} has {len(phrasings)} phrasings; {FEWEST} are needed")
    if not re.fullmatch(r"[A-Z0-9][^.!?]*\.", answer):
        raise Refused(f"{where}: {answer!r} is not one sentence that begins with a capital and ends with a full stop")
    for line in (answer, *phrasings):
        if not line.isascii() or "{" in line or "(" in line or "  " in line:
            raise Refused(f"{where}: {line!r} holds a sign that is not plain text")


def held_out(answer: str, phrasings: list[str]) -> set[str]:
    """The phrasings for the test: one in five, at least one, by the order of their hashes."""
    order = sorted(phrasings, key=lambda each: hashlib.sha256(f"{answer}|{each}".encode()).hexdigest())
    return set(order[: max(1, len(phrasings) // 5)])


def packed(talks: list[tuple[str, list[str]]]) -> bytes:
    """The file: a list of answers, each with the phrasings to learn from and those for the test; one answer a line."""
    lines = []
    for answer, phrasings in talks:
        test = held_out(answer, phrasings)
        parts = {"train": [p for p in phrasings if p not in test], "test": [p for p in phrasings if p in test]}
        lines.append(json.dumps({"answer": answer, **parts}))
    data = ("[\n" + ",\n".join(lines) + "\n]\n").encode()
    if len(data) >= LARGEST:
        raise Refused(f"the file would have {len(data):,} bytes; it must stay under {LARGEST:,}")
    return data


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    try:
        talks = read(SOURCES)
        data = packed(talks)
    except Refused as problem:
        print(problem, file=sys.stderr)
        return 1
    options.out.write_bytes(data)
    asked = sum(len(phrasings) for _, phrasings in talks)
    test = sum(len(held_out(*talk)) for talk in talks)
    print(f"{options.out}: {len(talks)} answers, {asked:,} phrasings, {test} of them held out, {len(data):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
