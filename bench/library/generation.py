"""Writing tokens one by one, with and without a key-value cache; here the other contender is the library without it."""

from __future__ import annotations

from .compare import Piece
from .plain_gpt import HEADS, LAYERS, D, V


def generate(tokens: int, cached: bool):
    """Return what prepares a model that writes up to `tokens` tokens from one, greedily."""

    def prepare():
        from tinytorch import GPT, enable_kv_cache, manual_seed

        manual_seed(0)
        model = GPT(V, D, LAYERS, HEADS, tokens).eval()
        if cached:
            enable_kv_cache(model)
        return lambda: model.generate([[1]], tokens - 1, temperature=0)

    return prepare


PIECES = [
    Piece(
        f"generation up to {tokens} tokens",
        {"ours": generate(tokens, True), "uncached": generate(tokens, False)},
        {"uncached": round(1 / at_least, 3)},
        turns=5,
    )
    for tokens, at_least in ((64, 3), (100, 3), (256, 10))
]
