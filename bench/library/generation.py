"""Writing tokens one by one with a key-value cache: against the library without it, and against plain NumPy with one.

The model is the smallest first, that of the GPT step: two layers of 64 features. There a step is short, and what
Python costs for each operation weighs most. The second is the one of chapter 18's measurement in the page. The third
is large enough for the products to weigh more than the calls; it is measured natively alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import plain_generation
from .compare import Piece

SEED = 1


@dataclass
class Case:
    """A GPT's sizes, and how many tokens there are at the end."""

    features: int
    layers: int
    tokens: int
    heads: int = 4
    vocab: int = 96

    def model(self):
        """Return the model, the same each time."""
        from tinytorch import GPT

        return GPT(self.vocab, self.features, self.layers, self.heads, self.tokens, rng=0).eval()

    def ours(self):
        """The library with a cache."""
        from tinytorch import enable_kv_cache

        model = self.model()
        enable_kv_cache(model)
        return lambda: model.generate([[1]], self.tokens - 1, seed=SEED)

    def uncached(self):
        """The library without one."""
        model = self.model()
        return lambda: model.generate([[1]], self.tokens - 1, seed=SEED)

    def plain(self):
        """NumPy, with keys and values kept."""
        model, ids = self.model(), np.array([[1]])
        plain_generation.check(model, ids, self.tokens - 1, SEED)
        p = plain_generation.parameters(model)
        return lambda: plain_generation.generate(p, ids, self.tokens - 1, self.layers, self.heads, SEED)


def piece(case: Case, at_least: float) -> Piece:
    """Return the comparison of one model and one length."""
    return Piece(
        f"generation up to {case.tokens} tokens, d {case.features}, {case.layers} layers",
        {"ours": case.ours, "uncached": case.uncached, "plain": case.plain},
        {"uncached": round(1 / at_least, 3), "plain": 1.5},
        turns=9 if case.tokens < 256 else 3,
    )


PIECES = [
    piece(Case(features, layers, tokens), at_least)
    for features, layers in ((64, 2), (96, 2), (256, 4))
    for tokens, at_least in ((64, 3), (256, 10))
]
