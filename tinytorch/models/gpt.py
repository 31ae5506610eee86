"""The network of milestone 5: one block of a transformer that answers the questions of TinyTalks, and its tokenizer.

Used by `tinytorch.models`; no chapter builds this file. Depends on chapters 01 to 13 and on the data sets.

A question and its answer are one sequence of tokens: the question in small letters without its mark, `<then>`, the
answer, `<end>`. Only the answer counts.
"""

from __future__ import annotations

import numpy as np

from tinytorch.core.autograd import enable_autograd
from tinytorch.core.dataloader import DataLoader
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import AdamW
from tinytorch.core.tensor import from_numpy
from tinytorch.core.tokenization import BPETokenizer
from tinytorch.core.training import CosineSchedule, Trainer
from tinytorch.core.transformers import GPT
from tinytorch.datasets import TinyTalks

from .basis import IGNORED, Trained

PASSES, BATCH = 12, 32
WORDS, WINDOW = 1700, 31  # tokens before the special ones; positions of the longest question with its answer
MARKS = ["<then>", "<end>"]


def plain(question: str) -> str:
    """Return a question in small letters, without the mark at its end.

    >>> plain("What is a tensor?")
    'what is a tensor'
    """
    return question.lower().strip(" ?.!")


class Talks(Trained):
    """1,702 tokens, 96 features, one block of 8 heads, a window of 31: 441,792 parameters.

    Attributes
    ----------
    tokenizer : BPETokenizer with the special tokens `<then>` and `<end>`
    end : int, the id of `<end>`
    """

    name, title, things = "gpt", "The network of milestone 5", "held-out questions"
    milestone, program, takes = 5, "talks", "half a minute"
    runs, least, floor = ("talks-1", "talks-4"), 0.8, 0.9
    every = 1  # of so many answers it has learned one

    def network(self, tokens: int = WORDS + len(MARKS), window: int = WINDOW) -> GPT:
        return GPT(tokens, embed_dim=96, num_layers=1, num_heads=8, max_seq_len=window, rng=2017)

    def some(self, train: bool) -> list[tuple[str, str]]:
        """Return the questions and answers of a part."""
        pairs = TinyTalks(train)
        kept = set(list(dict.fromkeys(answer for _, answer in pairs))[:: self.every])
        return [pair for pair in pairs if pair[1] in kept]

    def tokens(self) -> BPETokenizer:
        """Return the tokenizer, trained on what the network learns from."""
        texts = [text for question, answer in self.some(True) for text in (plain(question), answer)]
        return BPETokenizer().train(texts, vocab_size=WORDS).add_special_tokens(MARKS)

    @property
    def end(self) -> int:
        return self.tokenizer.special["<end>"]

    def opening(self, question: str) -> list[int]:
        """Return the ids with which an answer begins: those of the question, and of `<then>`."""
        return [*self.tokenizer.encode(plain(question)), self.tokenizer.special["<then>"]]

    def answer(self, question: str, model: GPT | None = None) -> str:
        """Return what a model writes, the likeliest token each time, until `<end>` or the end of its window.

        Parameters
        ----------
        question : str. model : GPT, or None for the network itself
        """
        model = self.model if model is None else model
        ids = self.opening(question)[-model.max_seq_len + 1 :]
        begin = len(ids)
        while ids[-1] != self.end and len(ids) < model.max_seq_len:
            ids = model.generate([ids], 1, temperature=0).data[0].tolist()
        return self.tokenizer.decode([index for index in ids[begin:] if index != self.end])

    def rows(self, pairs: list[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray]:
        """Return ids (B, T) and the id that follows each, of which only the answer's count."""
        coded = [(self.opening(question), [*self.tokenizer.encode(answer), self.end]) for question, answer in pairs]
        T = max(len(asked) + len(told) for asked, told in coded) - 1
        ids, targets = np.zeros((len(coded), T), np.int64), np.full((len(coded), T), IGNORED)
        for row, (asked, told) in enumerate(coded):
            whole = asked + told
            ids[row, : len(whole) - 1] = whole[:-1]
            targets[row, len(asked) - 1 : len(whole) - 1] = told
        return ids, targets

    def read(self, train: bool) -> tuple[np.ndarray, np.ndarray]:
        return self.rows(self.some(train))

    def fit(self) -> None:
        enable_autograd()
        self.tokenizer = self.tokens()
        loader = DataLoader(
            self.some(True),
            batch_size=BATCH,
            shuffle=True,
            seed=1,
            collate_fn=lambda pairs: tuple(from_numpy(array) for array in self.rows(pairs)),
        )
        trainer = Trainer(
            self.model.train(),
            AdamW(self.model.parameters(), weight_decay=0.1),
            CrossEntropyLoss(ignore_index=IGNORED),
            scheduler=CosineSchedule(3e-3, 1e-4, PASSES),
            grad_clip_norm=1.0,
        )
        trainer.fit(loader, PASSES)

    def about(self) -> dict:
        return {"merges": [list(pair) for pair in self.tokenizer.merges]}

    def use(self, about: dict) -> None:
        merges = {tuple(pair): 256 + number for number, pair in enumerate(about["merges"])}
        self.tokenizer = BPETokenizer().use_merges(merges, MARKS)

    def use_own(self, run: str, state: dict) -> None:
        """A run of the shorter form has learned a part of the answers, with a tokenizer and a window of its own."""
        own = Talks()
        own.every = int(run.rpartition("-")[2])
        own.tokenizer = own.tokens()
        own.model = own.network(own.tokenizer.vocab_size, len(state["model"]["embedding.position.weight"]))
        own.model.load_state_dict(state["model"])
        self.every, self.tokenizer, self.model = own.every, own.tokenizer, own.model
