"""The work that the fast kernels are measured with. Runs as it is in a page's Python and in this machine's own.

`times(turns)` returns, for each piece of work, its seconds with the fast kernels and with NumPy's own loops, turn by
turn in the same process; where there are no kernels, only the latter.
"""

from __future__ import annotations

import time

import numpy as np

from tinytorch.learn import kernel

rng = np.random.default_rng(0)


def numbers(*shape):
    return rng.standard_normal(shape, dtype=np.float32)


def matmul(M, K, N, dtype="f4"):
    a, b = numbers(M, K).astype(dtype), numbers(K, N).astype(dtype)
    return lambda: a @ b


def int8(M, K, N):
    from tinytorch.perf.quantization import int8_matmul

    a, b = rng.integers(-128, 128, (M, K), np.int8), rng.integers(-128, 128, (K, N), np.int8)
    return lambda: int8_matmul(a, b)


def elementwise(function, count=1_000_000):
    x = numbers(count)
    out = np.empty_like(x)
    return lambda: function(x, out)


def activation(name, shape=(1000, 1000)):
    import tinytorch

    layer, x = getattr(tinytorch, name)(), tinytorch.Tensor(numbers(*shape))
    return lambda: layer(x)


def mlp_steps(steps=10, batch=64):
    """Training steps of a 784-128-64-10 network with Adam: forward, loss, backward, update."""
    from tinytorch import Adam, CrossEntropyLoss, Linear, ReLU, Sequential, Tensor, enable_autograd

    enable_autograd()
    model = Sequential(Linear(784, 128), ReLU(), Linear(128, 64), ReLU(), Linear(64, 10))
    loss_fn, optimizer = CrossEntropyLoss(), Adam(model.parameters(), lr=0.001)
    x, y = Tensor(numbers(batch, 784)), Tensor(rng.integers(0, 10, batch))

    def work():
        for _ in range(steps):
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return work


def convolution(batch=8, size=16):
    """A 3x3 convolution from 32 to 64 channels, forward and backward."""
    from tinytorch import Conv2d, Tensor, enable_autograd

    enable_autograd()
    layer, images = Conv2d(32, 64, 3, padding=1), Tensor(numbers(batch, 32, size, size), requires_grad=True)
    grad = numbers(batch, 64, size, size)

    def work():
        layer.weight.grad = layer.bias.grad = images.grad = None
        layer(images).backward(grad)

    return work


WORK = {
    "matmul 64×784·784×128": lambda: matmul(64, 784, 128),
    "matmul 256³": lambda: matmul(256, 256, 256),
    "matmul 512³": lambda: matmul(512, 512, 512),
    "float64 matmul 256³": lambda: matmul(256, 256, 256, "f8"),
    "int8 matmul 64×784·784×128": lambda: int8(64, 784, 128),
    "int8 matmul 256³": lambda: int8(256, 256, 256),
    "int8 matmul 512³": lambda: int8(512, 512, 512),
    "MLP, 10 training steps": mlp_steps,
    "convolution 32→64, forward and backward": convolution,
    "exp, a million": lambda: elementwise(lambda x, out: np.exp(x, out=out)),
    "tanh, a million": lambda: elementwise(lambda x, out: np.tanh(x, out=out)),
    "maximum, a million": lambda: elementwise(lambda x, out: np.maximum(x, 0, out=out)),
    "Sigmoid, a million": lambda: activation("Sigmoid"),
    "GELU, a million": lambda: activation("GELU"),
    "Softmax, a thousand rows of a thousand": lambda: activation("Softmax"),
    "where, a million": lambda: elementwise(lambda x, out: np.where(x > 0, x, np.float32(0))),
    "add, a million": lambda: elementwise(lambda x, out: np.add(x, x, out=out)),
}


def seconds(work, samples=5, least=0.003):
    """The median of some samples, each the mean of as many calls as a browser's coarse clock needs.

    Another process that takes the processor away for a moment spoils a sample, not the median.
    """
    work()
    begin, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - begin < least:
        work()
        count += 1
    found = []
    for _ in range(samples):
        begin = time.perf_counter()
        for _ in range(count):
            work()
        found.append((time.perf_counter() - begin) / count)
    return sorted(found)[samples // 2]


def times(turns):
    found = {}
    ways = {"fast": True, "own": False} if kernel.status().available else {"own": False}
    for name, make in WORK.items():
        work, rows = make(), {way: [] for way in ways}
        for _ in range(turns + 1):  # the first turn warms up
            for way, on in ways.items():
                kernel.switch(on)
                rows[way].append(seconds(work))
        found[name] = {way: row[1:] for way, row in rows.items()}
    kernel.switch(True)
    return found
