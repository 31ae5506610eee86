"""A box in which the reader types a prompt, and a network that continues it token by token.

    offer("talks", next_logits, next_chances, tokenizer, words="92% of the questions right")
                                        in the program that trained it
    begin("talks", "What is a tensor?") in the page, for each prompt,
    step("talks", 0.8, 5)               and for each token that follows it

The network stays in Python's memory until another takes its place under that name, or Python ends.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from . import live

SHOWN = 5  # candidates that are shown for a token
MOST = 200  # tokens of one answer
_offered: dict = {}


@dataclass
class Offered:
    """A network that continues text, and how far it has come with the prompt that it was given."""

    next_logits: object
    next_chances: object
    tokenizer: object
    opening: object
    end: int | None
    window: int | None
    words: str
    ids: list = field(default_factory=list)
    made: list = field(default_factory=list)
    rng: np.random.Generator = field(default_factory=np.random.default_rng)


def offer(name: str, next_logits, next_chances, tokenizer, opening=None, end=None, window=None, words="") -> None:
    """Let the page's box of this name ask this network from now on.

    name : the program's name, which the box has too
    next_logits : function of a list of T ids that returns the V logits of the id that follows
    next_chances : function of logits (1, V), temperature and top_k that returns how likely each id is, (1, V)
    tokenizer : has `encode` and `decode`
    opening : function of the reader's text that returns the ids the network begins with; `tokenizer.encode` if None
    end : the id that ends an answer; None for a text that goes on
    window : the most ids that a prompt and its answer may have; None where `next_logits` takes any number
    words : what to say of the network, such as how good it is

    Raises TypeError for what cannot be called.
    """
    opening = tokenizer.encode if opening is None else opening
    for what, given in (("next_logits", next_logits), ("next_chances", next_chances), ("opening", opening)):
        if not callable(given):
            raise TypeError(f"offer: {what} is a {type(given).__name__}; needed is a function")
    if not live.is_rehearsal():
        _offered[name] = Offered(next_logits, next_chances, tokenizer, opening, end, window, words)


def begin(name: str, text: str) -> dict:
    """Give the offered network a prompt.

    Returns a dict with `state`: "none" where no network of this name was offered since Python started, "empty" where
    the prompt has no token, "long" where it leaves no room for an answer, else "begun" with the prompt's `pieces`.
    """
    if name not in _offered:
        return {"state": "none"}
    talk = _offered[name]
    known = {"words": talk.words}
    ids = [int(number) for number in talk.opening(text)] if text.strip() else []
    if not ids:
        return {"state": "empty", **known}
    if talk.window is not None and len(ids) >= talk.window:
        return {"state": "long", "given": len(ids), "most": talk.window - 1, **known}
    talk.ids, talk.made = ids, []
    return {"state": "begun", "pieces": [piece(talk, number) for number in ids], **known}


def step(name: str, temperature: float, top_k: int | None) -> dict:
    """Continue by one token.

    Returns a dict with `state`: "none" as for `begin`, "end" where the answer is over, else "token". With a token, and
    with an end that the network chose, come the `token`'s text, its `chance`, the likeliest `candidates` as pairs of
    text and chance, and the `seconds` it took; `text` is the answer so far. At temperature 0, where nothing is left to
    chance, the chances are those at temperature 1.
    """
    if name not in _offered or not _offered[name].ids:
        return {"state": "none"}
    talk = _offered[name]
    if len(talk.made) >= MOST or (talk.window is not None and len(talk.ids) >= talk.window):
        return {"state": "end", "text": talk.tokenizer.decode(talk.made), "full": True}
    start = time.perf_counter()
    logits = np.asarray(talk.next_logits(list(talk.ids)), np.float64).reshape(1, -1)
    shares = np.asarray(talk.next_chances(logits, temperature, top_k), np.float64).reshape(-1)
    token = drawn(shares, talk.rng)
    seconds = time.perf_counter() - start
    if temperature == 0:
        shares = np.asarray(talk.next_chances(logits, 1.0, top_k), np.float64).reshape(-1)
    best = [number for number in np.argsort(-shares, kind="stable")[:SHOWN] if shares[number] >= 5e-5]
    over = token == talk.end
    talk.ids.append(token)
    if not over:
        talk.made.append(token)
    return {
        "state": "end" if over else "token",
        "token": piece(talk, token),
        "chance": round(float(shares[token]), 6),
        "candidates": [[piece(talk, int(number)), round(float(shares[number]), 6)] for number in best],
        "seconds": seconds,
        "text": talk.tokenizer.decode(talk.made),
    }


def piece(talk: Offered, number: int) -> str:
    """Return the text of one id; of the id that ends an answer "end", because its own text says nothing."""
    return "end" if number == talk.end else talk.tokenizer.decode([number])


def drawn(shares: np.ndarray, rng: np.random.Generator) -> int:
    """Return an id, drawn with these probabilities.

    Raises ValueError for numbers that are no probabilities.

    >>> drawn(np.array([0.0, 1.0, 0.0]), np.random.default_rng(0))
    1
    """
    if not (shares >= 0).all() or not abs(shares.sum() - 1) < 1e-6:  # NaN is neither
        raise ValueError(
            f"next_chances gave {len(shares)} numbers with the sum {shares.sum():g}; probabilities are 0 or larger and sum to 1"
        )
    return int(rng.choice(len(shares), p=shares / shares.sum()))
