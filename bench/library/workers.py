"""A training step of milestone 4's network for photographs on 64 of them: two processes, and one."""

from __future__ import annotations

import numpy as np

from .compare import Piece


def network():
    """Return the network of three blocks, 34,058 parameters."""
    from tinytorch import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, manual_seed

    manual_seed(1998)
    sizes = [(3, 16), (16, 32), (32, 64)]
    blocks = [
        (Conv2d(inputs, outputs, 3, padding=1), BatchNorm2d(outputs), ReLU(), MaxPool2d(2)) for inputs, outputs in sizes
    ]
    return Sequential(*(layer for block in blocks for layer in block), Flatten(), Linear(64 * 4 * 4, 10))


def step(workers: int):
    """Return a function that makes one step with so many workers."""
    from tinytorch import AdamW, CrossEntropyLoss, enable_autograd
    from tinytorch.perf.processes import ProcessTeam

    enable_autograd()
    rng = np.random.default_rng(0)
    images, labels = rng.standard_normal((64, 3, 32, 32), dtype=np.float32), rng.integers(0, 10, 64)
    team = ProcessTeam(network(), CrossEntropyLoss(), AdamW, workers)
    return lambda: team.train_step(images, labels)


PIECES = [Piece("milestone 4, a step of 64", {"ours": lambda: step(2), "alone": lambda: step(1)}, {"alone": 1 / 1.6})]
