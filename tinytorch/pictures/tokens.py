"""Text that the reader types, and the tokens that a tokenizer makes of it.

    offer(tokenizer, "1,024 ids")       in the cell that trained it
    ask("the loss")                     in the page, as it is typed

The tokenizer stays in Python's memory until another takes its place or Python ends.
"""

from __future__ import annotations

from . import live

LOST = "\ufffd"
_offered: dict = {}


def offer(tokenizer, words: str = "") -> None:
    """Let the page's box for text ask this tokenizer from now on.

    tokenizer : anything with encode(text), which returns a list of ids, and decode(ids)
    words : what to say of it, such as how many ids it has

    Raises TypeError for what has no such methods.
    """
    for method in ("encode", "decode"):
        if not callable(getattr(tokenizer, method, None)):
            raise TypeError(
                f"offer: {type(tokenizer).__name__} has no {method}; needed is a tokenizer, such as BPETokenizer()"
            )
    if live.is_rehearsal():
        return
    _offered.update(tokenizer=tokenizer, words=words)


def ask(text: str) -> dict:
    """Return what the offered tokenizer makes of a text.

    Returns a dict with `state`: "none" where no tokenizer was offered since Python started, else "answered" with
    `tokens`, a list of [id, text], the counts `characters` and `bytes`, and `same`: whether decoding gives the text
    back. `words` are those that came with the tokenizer.

    Raises ValueError where it returns no list of integers.
    """
    if not _offered:
        return {"state": "none"}
    tokenizer = _offered["tokenizer"]
    ids = tokenizer.encode(text)
    if not isinstance(ids, list) or not all(type(index) is int for index in ids):
        raise ValueError(f"encode returned {str(ids)[:60]}; needed is a list of integers")
    return {
        "state": "answered",
        "words": _offered["words"],
        "tokens": [[index, shown(tokenizer, index)] for index in ids],
        "characters": len(text),
        "bytes": len(text.encode("utf-8")),
        "same": tokenizer.decode(ids) == text,
    }


def shown(tokenizer, index: int) -> str:
    """Return the text of one token; where it is a part of a character, its bytes in hexadecimal.

    >>> from tinytorch import BPETokenizer
    >>> shown(BPETokenizer(), 97), shown(BPETokenizer(), 195)
    ('a', '<C3>')
    """
    text = tokenizer.decode([index])
    data = tokenizer.vocab[index] if LOST in text and hasattr(tokenizer, "vocab") else None
    return f"<{data.hex(' ').upper()}>" if isinstance(data, bytes) and data != LOST.encode() else text
