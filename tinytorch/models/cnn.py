"""The network of milestone 4: photographs of CIFAR-10, three blocks of convolution, batch norm, ReLU and pooling.

Used by `tinytorch.models`; no chapter builds this file. Depends on chapters 01 to 09 and on the data sets.

The milestone takes minutes for 75 % right. This one is trained in less than one, for those who come without.
"""

from __future__ import annotations

import numpy as np

from tinytorch.core.activations import ReLU
from tinytorch.core.autograd import enable_autograd
from tinytorch.core.dataloader import DataLoader
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import AdamW
from tinytorch.core.spatial import BatchNorm2d, Conv2d, Flatten, MaxPool2d
from tinytorch.core.training import CosineSchedule, Trainer
from tinytorch.datasets import CIFAR10

from .basis import Trained

IMAGES, PARTS, BATCH = 50_000, 20, 64  # each picture is seen once; the rate sinks from part to part


class Pixels:
    """The pictures of a part, of which a slice is unpacked when it is asked for."""

    def __init__(self, pictures):
        self.pictures = pictures

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Return float32 of shape (n, 3, 32, 32), from 0 to 1."""
        some = self.pictures[rows]
        return np.stack([some[index][0] for index in range(len(some))])


class Photos(Trained):
    """Three blocks of 16, 32 and 64 maps, and 10 answers: 34,058 parameters."""

    name, title, things = "cnn", "The network of milestone 4", "test pictures"
    milestone, program, takes = 4, "cifar", "a minute"
    runs, least, floor = ("cifar-50000", "cifar-10000"), 0.5, 0.58

    def network(self) -> Sequential:
        rng = np.random.default_rng(1998)
        layers = []
        for inputs, outputs in ((3, 16), (16, 32), (32, 64)):
            layers += [Conv2d(inputs, outputs, 3, padding=1, rng=rng), BatchNorm2d(outputs), ReLU(), MaxPool2d(2)]
        return Sequential(*layers, Flatten(), Linear(64 * 4 * 4, 10, rng=rng))

    def read(self, train: bool) -> tuple[Pixels, np.ndarray]:
        pictures = CIFAR10(train)
        return Pixels(pictures), pictures.labels

    def fit(self) -> None:
        enable_autograd()
        pictures, each = CIFAR10(train=True)[:IMAGES], IMAGES // PARTS
        trainer = Trainer(
            self.model.train(),
            AdamW(self.model.parameters()),
            CrossEntropyLoss(),
            scheduler=CosineSchedule(3e-3, 1e-4, PARTS),
        )
        for part in range(PARTS):
            some = pictures[part * each : (part + 1) * each]
            trainer.train_epoch(DataLoader(some, BATCH, shuffle=True, seed=part))
