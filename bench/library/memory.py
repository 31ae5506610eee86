"""The most memory that training a small CNN on images of CIFAR-10's size takes, data and Python included.

`python -m bench.library.memory` trains in a fresh process, because a process never gives its peak back. The pixels
are random: what is measured does not depend on them.
"""

from __future__ import annotations

import resource
import sys

import numpy as np

IMAGES, BATCH, STEPS = 50_000, 32, 200


def megabytes() -> float:
    """Return the most memory this process has had so far."""
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def network():
    """Return the CNN of milestone 4: two convolutions with pooling, one linear layer."""
    from tinytorch import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential

    return Sequential(
        Conv2d(3, 32, 3, padding=1),
        ReLU(),
        MaxPool2d(2),
        Conv2d(32, 64, 3, padding=1),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(64 * 8 * 8, 10),
    )


def train(images, labels) -> None:
    """Train for some batches, then answer for 1,000 images at once."""
    from tinytorch import Adam, CrossEntropyLoss, Tensor, no_grad

    model, loss_fn = network(), CrossEntropyLoss()
    optimizer = Adam(model.parameters(), lr=1e-3)
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        loss = loss_fn(model(Tensor(images[rows] / np.float32(255))), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with no_grad():
        model(Tensor(images[:1000] / np.float32(255)))


def main() -> None:
    from tinytorch import enable_autograd

    enable_autograd()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, 3, 32, 32), dtype=np.uint8)
    if "float32" in sys.argv:
        images = images.astype(np.float32)
    labels = rng.integers(0, 10, IMAGES)
    before = megabytes()
    train(images, labels)
    print(
        f"CNN training, {IMAGES} images as {images.dtype}: peak {megabytes():.0f} MB (at most 1000), of them {before:.0f} MB before "
        "training"
    )


if __name__ == "__main__":
    main()
