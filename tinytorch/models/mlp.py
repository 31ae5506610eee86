"""The network of milestone 3: digits of MNIST, one layer of units in the middle.

Used by `tinytorch.models`; no chapter builds this file. Depends on chapters 01 to 08 and on the data sets.
"""

from __future__ import annotations

import numpy as np

from tinytorch.core.activations import ReLU
from tinytorch.core.autograd import enable_autograd
from tinytorch.core.dataloader import DataLoader, TensorDataset
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import Adam
from tinytorch.core.tensor import from_numpy
from tinytorch.core.training import CosineSchedule, Trainer
from tinytorch.datasets import MNIST

from .basis import Trained

PASSES = 6


class Digits(Trained):
    """784 pixels of a digit, 128 units, 10 answers: 101,770 parameters."""

    name, title, things = "mlp", "The network of milestone 3", "test digits"
    milestone, program, takes = 3, "mnist", "ten seconds"
    runs, least, floor = ("mnist",), 0.95, 0.96

    def network(self) -> Sequential:
        rng = np.random.default_rng(1986)
        return Sequential(Linear(784, 128, rng=rng), ReLU(), Linear(128, 10, rng=rng))

    def read(self, train: bool) -> tuple[np.ndarray, np.ndarray]:
        images, labels = MNIST(train).tensors  # (N, 1, 28, 28) and (N,)
        return images.data.reshape(len(images), 784), labels.data

    def fit(self) -> None:
        enable_autograd()
        images, labels = self.part(True)
        loader = DataLoader(TensorDataset(from_numpy(images), from_numpy(labels)), 100, shuffle=True, seed=1986)
        trainer = Trainer(
            self.model.train(),
            Adam(self.model.parameters()),
            CrossEntropyLoss(),
            scheduler=CosineSchedule(4e-3, 2e-4, PASSES),
        )
        trainer.fit(loader, PASSES)
