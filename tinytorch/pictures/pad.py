"""A digit that the reader draws, and the network that names it.

    offer(Sequential(network, Softmax()), "96.5% of the test digits right")
                                        in the program that trained it
    ask(ink)                            in the page, for each drawing

The network stays in Python's memory until another takes its place or Python ends. Before it
sees a drawing, the drawing is made like a digit of MNIST: `like_mnist`.
"""

from __future__ import annotations

import numpy as np

from . import live

SIDE, BOX = 28, 20
_offered: dict = {}


def offer(network, words: str = "") -> None:
    """Let the page's drawing box ask this network from now on.

    network : a Layer that takes (1, 784) and returns (1, 10) probabilities
    words : what to say of it, such as how good it is

    Raises TypeError for what cannot be called or has no parameters.
    """
    live.check_network(network)
    if live.is_rehearsal():
        return
    _offered.update(network=network, words=words)


def ask(ink: np.ndarray) -> dict:
    """Return what the offered network says of a drawing.

    ink : (H, W) from 0, paper, to 1, ink

    Returns a dict with `state`: "none" where no network was offered since Python started, "empty" where nothing
    is drawn, else "answered" with `probabilities` and the 28 × 28 `image` that the network saw. `words` are
    those that came with the network.
    """
    if not _offered:
        return {"state": "none"}
    image = like_mnist(ink)
    if not image.any():
        return {"state": "empty", "words": _offered["words"]}
    probabilities = _answer(_offered["network"], image)
    return {
        "state": "answered",
        "words": _offered["words"],
        "image": np.rint(image * 255).astype(int).ravel().tolist(),
        "probabilities": [round(float(p), 6) for p in probabilities],
    }


def _answer(network, image: np.ndarray) -> np.ndarray:
    """Return the network's ten numbers for one image."""
    tensor = type(network.parameters()[0])  # of the package that the network was made in, which is no longer imported
    network.eval()
    answer = network(tensor(image.reshape(1, -1).astype(np.float32))).data.ravel()
    if answer.shape != (10,) or not np.isfinite(answer).all():
        raise ValueError(f"the network gave numbers of shape {answer.shape}; needed are ten probabilities")
    return answer


def like_mnist(ink: np.ndarray) -> np.ndarray:
    """Return a drawing as MNIST has its digits: fitted into 20 × 20, its centre of mass in the middle of 28 × 28.

    ink : (H, W) from 0 to 1

    >>> image = like_mnist(np.eye(200))
    >>> image.shape, float(image.max()) <= 1
    ((28, 28), True)
    """
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return np.zeros((SIDE, SIDE))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float64)
    scale = BOX / max(digit.shape)
    height, width = (max(1, round(size * scale)) for size in digit.shape)
    small = _shrunk(_shrunk(digit, height).T, width).T
    middle = (SIDE - 1) / 2
    y = int(np.clip(round(middle - _mean_place(small.sum(axis=1))), 0, SIDE - height))
    x = int(np.clip(round(middle - _mean_place(small.sum(axis=0))), 0, SIDE - width))
    image = np.zeros((SIDE, SIDE))
    image[y : y + height, x : x + width] = np.clip(small, 0, 1)
    return image


def _mean_place(mass: np.ndarray) -> float:
    return float((mass * np.arange(len(mass))).sum() / mass.sum())


def _shrunk(picture: np.ndarray, rows: int) -> np.ndarray:
    """Return a picture with so many rows, each the mean of those it stands for, parts of rows included."""
    total = np.concatenate([np.zeros((1, picture.shape[1])), np.cumsum(picture, axis=0)])
    edges = np.linspace(0, len(picture), rows + 1)
    whole = np.minimum(edges.astype(int), len(picture) - 1)
    at = total[whole] + (edges - whole)[:, None] * picture[whole]
    return np.diff(at, axis=0) * rows / len(picture)
