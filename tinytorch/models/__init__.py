"""Trained networks to measure and to make smaller and faster: those of milestones 3, 4 and 5, the reader's own if there are.

Used by chapters 14 to 20; no chapter builds this file. Depends on chapters 01 to 13, on the data sets and on `tinytorch.learn.keeping`.

    trained("mlp")    milestone 3: 784 pixels of a digit, 128 units, 10 answers
    trained("cnn")    milestone 4: three blocks of convolution, batch norm, ReLU and pooling, 10 answers
    trained("gpt")    milestone 5: one block of a transformer that answers questions, with its tokenizer

What a milestone's program has kept is taken when it is good enough to work with, else a checkpoint of ours, of the same
shape. `python -m tinytorch.models mlp` trains that one; the build of the book does it and serves the file,
`trained-mlp.npz`. It is looked for where data sets are: see `tinytorch.datasets`.
"""

from __future__ import annotations

import os
import textwrap

from tinytorch import datasets

from .basis import Trained, TrainedError

NAMES = ("mlp", "cnn", "gpt")
WIDE = 76  # signs that fit into a line of the page

__all__ = ["NAMES", "Trained", "TrainedError", "trained"]


def trained(name: str) -> Trained:
    """Return a trained network with its data, and print whose it is.

    Parameters
    ----------
    name : str, one of "mlp", "cnn", "gpt"

    Returns
    -------
    Trained: `.model` is the network, `.accuracy()` the share of its test that is right, measured now

    Raises
    ------
    ValueError: there is no network of this name.
    TrainedError: neither the reader's nor ours is there; the message says how to get one.

    Cost: a file of 0.1 to 1.8 MB, in the browser fetched when it is first asked for and kept for offline use.
    """
    found = untrained(name)
    reason = found.take_own()
    if not found.yours:
        found.take(find(found))
    print(textwrap.fill(found.says, WIDE) + reason)
    return found


def untrained(name: str) -> Trained:
    """Return the network of a name with weights as they are before training; for `make` and `trained`.

    >>> untrained("cnn").count
    34058
    >>> untrained("lstm")
    Traceback (most recent call last):
    ValueError: there is no trained network 'lstm'; there are mlp, cnn, gpt
    """
    if name == "mlp":
        from .mlp import Digits as kind
    elif name == "cnn":
        from .cnn import Photos as kind
    elif name == "gpt":
        from .gpt import Talks as kind
    else:
        raise ValueError(f"there is no trained network {name!r}; there are {', '.join(NAMES)}")
    return kind()


def find(wanted: Trained) -> str:
    """Return the path of our checkpoint, in the browser after fetching it; TrainedError where there is none."""
    try:
        path, places = datasets.search(wanted.stem, wanted.title)
    except datasets.DatasetError as error:
        raise TrainedError(str(error)) from error
    if path is None:
        raise TrainedError(
            f"{wanted.title} is not here: you have not trained it, and ours is in none of {', '.join(places)}. "
            f"`tito milestone run {wanted.milestone} {wanted.program}` trains yours. Ours comes with `make build` in a clone "
            f"of the book; elsewhere `python -m tinytorch.models {wanted.name}` trains it in about {wanted.takes}, and the "
            f"book's progress page has {wanted.stem}.npz to download"
        )
    return path


def make(name: str, folder: str, tell=print) -> Trained:
    """Train our checkpoint and write it into a folder, with a file of JSON beside it that says what it is.

    Raises
    ------
    TrainedError: it answers fewer of its test right than it must; nothing is written.
    """
    made = untrained(name)
    seconds = made.train()
    share, count = made.accuracy(), made.tested
    tell(f"{made.title}: {share:.2%} of {count:,} {made.things} right after {seconds:.0f} s")
    if not share >= made.floor:
        raise TrainedError(
            f"{made.title}: {share:.2%} of {count:,} {made.things} are right, and at least {made.floor:.0%} are needed"
        )
    os.makedirs(folder, exist_ok=True)
    made.write(folder, share)
    return made
