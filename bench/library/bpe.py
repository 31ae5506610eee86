"""Training a byte-pair vocabulary of 1,000 tokens on 1 MB of text."""

from __future__ import annotations

from . import plain_bpe
from .compare import Piece
from .corpus import docstrings

TOKENS = 1000


def plain():
    """Python without a framework, with counts that are kept right."""
    text = docstrings()
    return lambda: plain_bpe.train_incremental(text, TOKENS)


def ours():
    """The library's tokenizer."""
    from tinytorch import BPETokenizer

    text = docstrings()

    def work():
        tokenizer = BPETokenizer()
        tokenizer.train(text, TOKENS)
        return tokenizer

    return work


PIECES = [Piece("BPE, 1,000 tokens from 1 MB of text", {"ours": ours, "plain": plain}, {"plain": 1.25}, turns=3)]
