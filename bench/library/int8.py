"""Inference of a 784-512-512-10 network on 256 samples with int8 weights."""

from __future__ import annotations

import numpy as np

from .compare import Piece

SIZES, SAMPLES = (784, 512, 512, 10), 256


def model():
    """Return a network of the library and inputs for it."""
    from tinytorch import Linear, ReLU, Sequential, Tensor, manual_seed

    manual_seed(0)
    a, b, c, d = SIZES
    inputs = np.random.default_rng(0).standard_normal((SAMPLES, a), dtype=np.float32)
    return Sequential(Linear(a, b), ReLU(), Linear(b, c), ReLU(), Linear(c, d)).eval(), Tensor(inputs)


def ours():
    """The library's quantized model."""
    from tinytorch import quantize_model

    network, inputs = model()
    quantized = quantize_model(network, inputs)
    return lambda: quantized(inputs)


def float32():
    """The library's model as it was trained."""
    network, inputs = model()
    return lambda: network(inputs)


def plain():
    """NumPy's own integer product, which has no fast kernel: per tensor, symmetric."""
    network, inputs = model()
    layers = []
    for layer in (network[0], network[2], network[4]):
        scale = np.abs(layer.weight.data).max() / 127
        layers.append((np.round(layer.weight.data / scale).astype(np.int8).astype(np.int32), scale, layer.bias.data))
    x0 = inputs.data

    def work():
        x = x0
        for number, (weight, scale, bias) in enumerate(layers):
            x_scale = np.abs(x).max() / 127
            codes = np.round(x / x_scale).astype(np.int8).astype(np.int32)
            x = (codes @ weight) * (x_scale * scale) + bias
            x = np.maximum(x, 0) if number < 2 else x
        return x

    return work


PIECES = [
    Piece(
        "INT8 inference 784-512-512-10, 256 samples",
        {"ours": ours, "plain": plain, "float32": float32},
        {"plain": 1.25},
        turns=9,
    )
]
