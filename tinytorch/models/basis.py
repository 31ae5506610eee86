"""What the trained networks have in common: taking weights from a file, the data, and counting right answers.

Used by `tinytorch.models`; no chapter builds this file. Depends on chapters 01 to 08, on the data sets and on `tinytorch.learn.keeping`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Layer
from tinytorch.core.tensor import Tensor, from_numpy
from tinytorch.core.training import load_checkpoint

IGNORED = -100  # a target that does not count
BATCH = 250  # examples that go through a network at a time while its answers are counted
Pair = tuple[Tensor, Tensor]


class TrainedError(RuntimeError):
    """A trained network that is not there or must not be used; the message says which, and what to do."""


class Trained:
    """A trained network and the data that it was trained for.

    Attributes
    ----------
    model : Layer
    yours : bool, whether it is the one that the reader's milestone has kept
    says : str, a line that says whose it is and how it came to be
    tokenizer : BPETokenizer of a network that reads text, else None
    tested : int, how many examples `accuracy` last counted
    """

    name = title = things = program = takes = ""
    milestone = 0
    runs: tuple[str, ...] = ()  # names under which the milestone keeps it, the best first
    least = floor = 0.0  # right answers that a reader's run must have had at its end; that ours must have
    tokenizer = None

    def __init__(self):
        self.model: Layer = self.network()
        self.model.eval()
        self.yours, self.says, self.tested = False, "", 0
        self._kept: dict = {}

    def network(self) -> Layer:
        """Return the network before training."""
        raise NotImplementedError(f"{type(self).__name__} says in network() how its network is made")

    def train(self) -> float:
        """Train the network as the build does; return the seconds that it took."""
        begin = time.perf_counter()
        self.fit()
        self.model.eval()
        for parameter in self.model.parameters():
            parameter.grad = None
        return time.perf_counter() - begin

    def fit(self) -> None:
        """Train the network."""
        raise NotImplementedError(f"{type(self).__name__} says in fit() how its network is trained")

    # The data.

    def read(self, train: bool) -> tuple:
        """Return the part to learn from or to test with: inputs and targets, two things of one length to slice."""
        raise NotImplementedError(f"{type(self).__name__} says in read() what its data are")

    def part(self, train: bool) -> tuple:
        """Return what `read` gives, read once."""
        if train not in self._kept:
            self._kept[train] = self.read(train)
        return self._kept[train]

    def batches(self, train: bool, count: int | None) -> Iterator[Pair]:
        """Yield the first `count` examples of a part, or all of them, in batches of at most 250."""
        inputs, targets = self.part(train)
        count = checked(count, len(targets), self.things)
        for start in range(0, count, BATCH):
            rows = slice(start, min(start + BATCH, count))
            yield from_numpy(np.asarray(inputs[rows])), from_numpy(targets[rows])

    def test_part(self, count: int | None = None) -> Pair:
        """Return (inputs, targets), two Tensors, of the first examples to test with, or of all of them."""
        return together(list(self.batches(False, count)))

    def train_part(self, count: int | None = None) -> Pair:
        """Return (inputs, targets), two Tensors, of the first examples to learn from, or of all of them."""
        return together(list(self.batches(True, count)))

    # How good it is.

    def right(self, model: Callable | None = None, count: int | None = None) -> np.ndarray:
        """Return which of the first `count` test examples a model answers right.

        Parameters
        ----------
        model : anything to call with inputs that gives logits, such as a changed copy; None for the network itself
        count : int, or None for all

        Returns
        -------
        ndarray of bool, shape (count,)

        Raises
        ------
        ValueError: count is below 1 or more than there are.
        """
        model = self.model if model is None else model
        was = getattr(model, "training", False)
        if was:
            model.eval()
        try:
            with no_grad():
                found = [fits(model(inputs), targets.data) for inputs, targets in self.batches(False, count)]
        finally:
            if was:
                model.train()
        return np.concatenate(found)

    def accuracy(self, model: Callable | None = None, count: int | None = None) -> float:
        """Return the share of the first `count` test examples that a model answers right; see `right`."""
        found = self.right(model, count)
        self.tested = len(found)
        return float(found.mean())

    @property
    def count(self) -> int:
        """The number of the network's parameters."""
        return sum(parameter.data.size for parameter in self.model.parameters())

    # Its file.

    @property
    def stem(self) -> str:
        """The name of our file, without its end."""
        return f"trained-{self.name}"

    def about(self) -> dict:
        """Return what the file says beside the weights, as JSON holds it."""
        return {}

    def use(self, about: dict) -> None:
        """Take over what `about` returned, before the weights come."""

    def write(self, folder: str, share: float) -> None:
        """Write `trained-….npz`, and before it a file of JSON that says what it must be."""
        about = {"accuracy": round(share, 4), "tested": self.tested, **self.about()}
        arrays = {f"model/{name}": array for name, array in self.model.state_dict().items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, about=np.array(json.dumps(about)), **arrays)
        data = buffer.getvalue()
        entry = {
            "title": f"our network of milestone {self.milestone}",
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "accuracy": about["accuracy"],
            "tested": self.tested,
        }
        place = os.path.join(folder, self.stem)
        for path, content in ((f"{place}.json", json.dumps(entry, indent=1).encode() + b"\n"), (f"{place}.npz", data)):
            with open(f"{path}.part", "wb") as file:
                file.write(content)
            os.replace(f"{path}.part", path)

    def take(self, path: str) -> None:
        """Take the weights from a file that `write` wrote; TrainedError when it is not one."""
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(file["about"].item())
                arrays = {key.removeprefix("model/"): file[key] for key in file.files if key.startswith("model/")}
            self.use(about)
            self.model.load_state_dict(arrays)
            share, count = about["accuracy"], about["tested"]
        except Exception as error:  # zipfile, zlib, json, NumPy and the layers each have their own
            raise TrainedError(
                f"{self.title}: {path} cannot be used ({type(error).__name__}: {error}); remove it and get it again"
            ) from error
        self.model.eval()
        self.says = f"{self.title}: ours. When it was trained, {share:.1%} of {count:,} {self.things} were right."

    def take_own(self) -> str:
        """Take what the reader's milestone has kept, when it is good enough; return what to say of what is not."""
        from tinytorch.learn.keeping import shelf

        said = ""
        for run in self.runs:
            path = shelf.place(run)
            if not self.yours and os.path.exists(path):
                said += self.take_run(run, path)
        return "" if self.yours else said

    def take_run(self, run: str, path: str) -> str:
        """Take a run that is kept, or return in a sentence why not."""
        try:
            state = load_checkpoint(path)
            shares = state["history"]["eval_accuracy"]
            if not shares:
                return f" Your run {run} has not finished a pass yet."
            if shares[-1] < self.least:
                return f" Your run {run} has {shares[-1]:.1%} right so far; from {self.least:.0%} on yours is taken."
            self.use_own(run, state)
        except Exception as error:  # a strange file, another shape, or a function of the reader's that raises
            self.__init__()
            return f" Your run {run} cannot be used here ({type(error).__name__}: {error})."
        self.model.eval()
        self.yours = True
        self.says = f"{self.title}: yours, as the run {run} left it, with {shares[-1]:.1%} right of what it kept aside."
        return ""

    def use_own(self, run: str, state: dict) -> None:
        """Take the weights from the checkpoint of a reader's run."""
        self.model.load_state_dict(state["model"])


def checked(count: int | None, most: int, things: str) -> int:
    """Return how many examples are asked for.

    >>> checked(None, 10, "test digits"), checked(3, 10, "test digits")
    (10, 3)
    >>> checked(11, 10, "test digits")
    Traceback (most recent call last):
    ValueError: count is 11; there are 10 test digits, so it must be from 1 to 10
    """
    if count is None:
        return most
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
        raise TypeError(f"count is {count!r}; it must be an int, or None for all {most:,} {things}")
    if not 1 <= count <= most:
        raise ValueError(f"count is {count:,}; there are {most:,} {things}, so it must be from 1 to {most:,}")
    return int(count)


def together(pairs: list[Pair]) -> Pair:
    """Return the batches of a part as one.

    >>> a = (from_numpy(np.zeros((2, 3))), from_numpy(np.zeros(2)))
    >>> [part.shape for part in together([a, a])]
    [(4, 3), (4,)]
    """
    return tuple(from_numpy(np.concatenate([pair[side].data for pair in pairs])) for side in (0, 1))


def fits(logits: Tensor, targets: np.ndarray) -> np.ndarray:
    """Return which rows have the target as their likeliest answer, at every place whose target counts.

    Parameters
    ----------
    logits : Tensor of shape (N, C) or (N, T, V). targets : ndarray of int, shape (N,) or (N, T)

    Returns
    -------
    ndarray of bool, shape (N,)

    >>> fits(Tensor([[1, 2], [4, 3]]), np.array([1, 1])).tolist()
    [True, False]
    >>> fits(Tensor([[[1, 2], [4, 3]]]), np.array([[1, IGNORED]])).tolist()
    [True]
    """
    best = np.asarray(getattr(logits, "data", logits)).argmax(axis=-1)
    return ((best == targets) | (targets == IGNORED)).reshape(len(targets), -1).all(axis=1)
