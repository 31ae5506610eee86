"""An epoch of a 784-128-64-10 network on 10,000 samples: batches of 64, cross-entropy, Adam."""

from __future__ import annotations

import itertools

import numpy as np

from .compare import Piece

SIZES = (784, 128, 64, 10)
SAMPLES, BATCH = 10_000, 64


def numbers():
    """Return inputs, labels and the first weights, the same for all contenders."""
    rng = np.random.default_rng(0)
    inputs = rng.random((SAMPLES, SIZES[0]), dtype=np.float32)
    labels = rng.integers(0, SIZES[-1], SAMPLES)
    weights = [(rng.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32) for a, b in itertools.pairwise(SIZES)]
    return inputs, labels, weights


def plain():
    """The formulas, line by line, as one would write them without a framework."""
    inputs, labels, weights = numbers()
    W1, W2, W3 = weights
    b1, b2, b3 = (np.zeros(W.shape[1], dtype=np.float32) for W in weights)
    params = [W1, b1, W2, b2, W3, b3]
    m = [np.zeros_like(p) for p in params]
    v = [np.zeros_like(p) for p in params]
    step = 0

    def epoch():
        nonlocal step
        for start in range(0, SAMPLES, BATCH):
            x, y = inputs[start : start + BATCH], labels[start : start + BATCH]
            z1 = x @ W1 + b1
            a1 = np.maximum(z1, 0)
            z2 = a1 @ W2 + b2
            a2 = np.maximum(z2, 0)
            logits = a2 @ W3 + b3
            e = np.exp(logits - logits.max(axis=1, keepdims=True))
            p = e / e.sum(axis=1, keepdims=True)
            loss = -np.log(p[np.arange(len(y)), y]).mean()
            d3 = p
            d3[np.arange(len(y)), y] -= 1
            d3 /= len(y)
            d2 = (d3 @ W3.T) * (z2 > 0)
            d1 = (d2 @ W2.T) * (z1 > 0)
            grads = [x.T @ d1, d1.sum(axis=0), a1.T @ d2, d2.sum(axis=0), a2.T @ d3, d3.sum(axis=0)]
            step += 1
            for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
                m[i] = 0.9 * m[i] + 0.1 * grad
                v[i] = 0.999 * v[i] + 0.001 * grad * grad
                param -= 0.001 * (m[i] / (1 - 0.9**step)) / (np.sqrt(v[i] / (1 - 0.999**step)) + 1e-8)
        return loss

    return epoch


def ours():
    """The same with the library."""
    from tinytorch import (
        Adam,
        CrossEntropyLoss,
        DataLoader,
        Linear,
        ReLU,
        Sequential,
        Tensor,
        TensorDataset,
        enable_autograd,
    )

    enable_autograd()
    inputs, labels, weights = numbers()
    layers = [Linear(a, b) for a, b in itertools.pairwise(SIZES)]
    for layer, weight in zip(layers, weights, strict=True):
        layer.weight.data[...] = weight
    model = Sequential(layers[0], ReLU(), layers[1], ReLU(), layers[2])
    loss_fn, optimizer = CrossEntropyLoss(), Adam(model.parameters(), lr=0.001)
    loader = DataLoader(TensorDataset(Tensor(inputs), Tensor(labels)), batch_size=BATCH)

    def epoch():
        for x, y in loader:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    return epoch


def pytorch():
    """The same with PyTorch."""
    import torch

    inputs, labels, weights = numbers()
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(SIZES)]
    with torch.no_grad():
        for layer, weight in zip(layers, weights, strict=True):
            layer.weight.copy_(torch.from_numpy(weight.T))
            layer.bias.zero_()
    model = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    loss_fn, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=0.001)
    inputs, labels = torch.from_numpy(inputs), torch.from_numpy(labels)

    def epoch():
        for start in range(0, SAMPLES, BATCH):
            loss = loss_fn(model(inputs[start : start + BATCH]), labels[start : start + BATCH])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    return epoch


PIECES = [
    Piece(
        "MLP 784-128-64-10, an epoch of 10,000 samples",
        {"ours": ours, "plain": plain, "pytorch": pytorch},
        {"plain": 1.25, "pytorch": 1.0},
        turns=7,
    )
]
