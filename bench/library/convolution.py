"""A 3×3 convolution, forward and backward, on a batch of 32: the first and the second layer of a small CNN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compare import Piece


@dataclass
class Case:
    """One layer: channels in and out, image size, and whether its input needs a gradient."""

    channels: int
    filters: int
    size: int
    needs_input: bool

    def numbers(self):
        """Return images, weights, bias and the gradient of the output."""
        rng = np.random.default_rng(0)
        shapes = [
            (32, self.channels, self.size, self.size),
            (self.filters, self.channels, 3, 3),
            (self.filters,),
            (32, self.filters, self.size, self.size),
        ]
        return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]


def padded(x):
    """Return images with a border of one zero."""
    return np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))


def plain(case: Case):
    """im2col as nine copied slices, and one stacked product."""
    x, w, b, grad = case.numbers()
    (N, C, H, W), O = x.shape, len(w)

    def work():
        around = padded(x)
        columns = np.stack([around[:, :, i : i + H, j : j + W] for i in range(3) for j in range(3)], axis=2)
        columns = columns.reshape(N, C * 9, H * W)  # (N, C, 9, H, W)
        out = (w.reshape(O, -1) @ columns + b[:, None]).reshape(N, O, H, W)
        flat = grad.reshape(N, O, H * W)
        grad_w = (flat @ columns.transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
        grad_b = flat.sum(axis=(0, 2))
        if not case.needs_input:
            return out, grad_w, grad_b
        back = (w.reshape(O, -1).T @ flat).reshape(N, C, 3, 3, H, W)
        grad_x = np.zeros_like(around)
        for i in range(3):
            for j in range(3):
                grad_x[:, :, i : i + H, j : j + W] += back[:, :, i, j]
        return out, grad_w, grad_b, grad_x[:, :, 1:-1, 1:-1]

    return work


def textbook(case: Case):
    """im2col as textbooks have it: one matrix with a row for every window."""
    x, w, b, grad = case.numbers()
    (N, C, H, W), O = x.shape, len(w)

    def work():
        around = padded(x)
        windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(2, 3))  # (N, C, H, W, 3, 3)
        columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * H * W, C * 9)
        out = (columns @ w.reshape(O, -1).T + b).reshape(N, H, W, O).transpose(0, 3, 1, 2)
        flat = grad.transpose(0, 2, 3, 1).reshape(-1, O)  # (N * H * W, O)
        grad_w, grad_b = (flat.T @ columns).reshape(w.shape), flat.sum(axis=0)
        if not case.needs_input:
            return out, grad_w, grad_b
        back = (flat @ w.reshape(O, -1)).reshape(N, H, W, C, 3, 3)
        grad_x = np.zeros_like(around)
        for i in range(3):
            for j in range(3):
                grad_x[:, :, i : i + H, j : j + W] += back[:, :, :, :, i, j].transpose(0, 3, 1, 2)
        return out, grad_w, grad_b, grad_x[:, :, 1:-1, 1:-1]

    return work


def ours(case: Case):
    """The library's layer."""
    from tinytorch import Conv2d, Tensor, enable_autograd

    enable_autograd()
    x, w, b, grad = case.numbers()
    layer = Conv2d(case.channels, case.filters, 3, padding=1)
    layer.weight.data[...], layer.bias.data[...] = w, b
    images = Tensor(x, requires_grad=case.needs_input)

    def work():
        layer.weight.grad = layer.bias.grad = images.grad = None
        layer(images).backward(grad)

    return work


def pytorch(case: Case):
    """PyTorch's layer."""
    import torch

    x, w, b, grad = (torch.from_numpy(array) for array in case.numbers())
    w.requires_grad_(), b.requires_grad_(), x.requires_grad_(case.needs_input)

    def work():
        w.grad = b.grad = x.grad = None
        torch.nn.functional.conv2d(x, w, b, padding=1).backward(grad)

    return work


def piece(channels: int, filters: int, size: int, needs_input: bool, times_pytorch: float | None) -> Piece:
    """Return the comparison of one layer."""
    case = Case(channels, filters, size, needs_input)
    contenders = {make.__name__: lambda make=make: make(case) for make in (ours, plain, textbook, pytorch)}
    targets = {"plain": 1.25, "textbook": 1.25} | ({} if times_pytorch is None else {"pytorch": times_pytorch})
    return Piece(
        f"convolution {channels} to {filters} at {size}×{size}, forward and backward", contenders, targets, turns=15
    )


# The first layer's input are the images, which need no gradient.
PIECES = [
    piece(3, 32, 32, False, 1.2),
    piece(32, 64, 16, True, 2.4),
    piece(3, 32, 16, False, None),
    piece(32, 64, 32, True, None),
]
