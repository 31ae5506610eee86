"""A GPT training step: d 64, 2 layers, 4 heads, 64 tokens, batch 16; forward, backward, Adam."""

from __future__ import annotations

import numpy as np

from . import plain_gpt
from .compare import Piece
from .plain_gpt import HEADS, LAYERS, B, D, T, V


def numbers():
    """Return token ids and targets, the same for all contenders."""
    rng = np.random.default_rng(0)
    return rng.integers(0, V, (B, T)), rng.integers(0, V, (B, T))


def plain():
    """NumPy, with the way back written by hand."""
    plain_gpt.check()
    ids, targets = numbers()
    params = plain_gpt.make_parameters(np.random.default_rng(0))
    adam = plain_gpt.make_adam(params)
    return lambda: plain_gpt.step(params, adam, ids, targets)


def ours():
    """The library."""
    from tinytorch import GPT, Adam, CrossEntropyLoss, enable_autograd

    enable_autograd()
    ids, targets = numbers()
    model = GPT(V, D, LAYERS, HEADS, T)
    loss_fn, optimizer = CrossEntropyLoss(), Adam(model.parameters(), lr=1e-3)

    def step():
        loss = loss_fn(model(ids), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def pytorch():
    """The same model in PyTorch."""
    import torch

    from .torch_gpt import GPT, train_step

    ids, targets = (torch.from_numpy(array) for array in numbers())
    model = GPT(V, D, LAYERS, HEADS, T)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    return lambda: train_step(model, optimizer, ids, targets)


PIECES = [
    Piece(
        "GPT step, d 64, 2 layers, 4 heads, 64 tokens, batch 16",
        {"ours": ours, "plain": plain, "pytorch": pytorch},
        {"plain": 1.25, "pytorch": 2.0},
        turns=25,
    )
]
