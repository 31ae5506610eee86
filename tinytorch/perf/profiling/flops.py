"""FLOPs: a rule for each operation, from what went in (`args`) and what came out.

Part of `profiling`, chapter 14, whose door sign says what counts as one. The operations of later core
chapters are known by their names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor, read_numbers

Rule = Callable[[tuple, Any], int]


def per_input(flops: int) -> Rule:
    """Return the rule "so many FLOPs for each element of the first Tensor".

    >>> per_input(4)((Tensor([1, 2, 3]),), None)
    12
    """
    return lambda args, output: flops * first_tensor(args).size


def per_output(flops: int) -> Rule:
    """Return the rule "so many FLOPs for each element of the result".

    >>> per_output(1)((), Tensor([1, 2, 3]))
    3
    """
    return lambda args, output: flops * output.size


def first_tensor(args: tuple) -> Tensor:
    """Return the first Tensor (or array) among an operation's arguments.

    >>> first_tensor((np.add, Tensor([1.0]), 2))
    Tensor([1.], shape=(1,))
    """
    return next(arg for arg in args if isinstance(arg, (Tensor, np.ndarray)))


def matmul_flops(args: tuple, output: Tensor) -> int:
    """Return the FLOPs of the matrix product of the two operands in `args`.

    `output` is its result. A multiply-add is 2. Only shapes are looked at.

    >>> a, b = Tensor(np.ones((2, 3))), Tensor(np.ones((3, 4)))
    >>> matmul_flops((a, b), a @ b)
    48
    """
    return 2 * output.size * args[0].shape[-1]


def mean_flops(args: tuple, output: Tensor) -> int:
    """1 addition for each element, 1 division for each result.

    >>> mean_flops((Tensor([[1, 2, 3], [4, 5, 6]]),), Tensor([2, 5]))
    8
    """
    return args[0].size + output.size


def softmax_flops(args: tuple, output: Tensor) -> int:
    """5 an element: largest, subtract, exponential, sum, divide.

    >>> softmax_flops((None, Tensor([1, 2, 3])), Tensor([1, 2, 3]))
    15
    """
    return 5 * output.size


def log_softmax_flops(args: tuple, output: Tensor) -> int:
    """6 an element (largest, subtract, exponential, sum, subtract twice) and 1 logarithm a row.

    >>> from tinytorch.core.losses import LogSoftmax
    >>> log_softmax_flops((LogSoftmax(-1), Tensor([[1, 2, 3]])), Tensor([[1, 2, 3]]))
    19
    """
    return 6 * output.size + output.size // output.shape[args[0].axis]


def cross_entropy_flops(args: tuple, output: Tensor) -> int:
    """The loss of N rows of C logits.

    4 a logit: largest, subtract, exponential, sum. 4 a row: logarithm, two subtractions and the
    sum of the mean. 1 division.

    >>> cross_entropy_flops((None, Tensor([[1, 2, 3]]), [0]), Tensor(0.4))
    17
    """
    logits = read_numbers(args[1])
    return 4 * logits.size + 4 * (logits.size // logits.shape[-1]) + 1


def loss_flops(each: int) -> Rule:
    """Return the rule of a loss that does `each` FLOPs an element, sums them and divides once.

    >>> loss_flops(2)((None, Tensor([1, 2, 3]), Tensor([0, 0, 0])), Tensor(1.0))
    10
    """
    return lambda args, output: (each + 1) * first_tensor(args).size + 1


def conv2d_flops(args: tuple, output: Tensor) -> int:
    """2 for each weight of a kernel (C * rows * columns of them) at each output pixel, 1 for the bias.

    >>> x, weight = Tensor(np.ones((1, 3, 4, 4))), Tensor(np.ones((8, 3, 3, 3)))
    >>> conv2d_flops((x, weight, None, 1, 0), Tensor(np.ones((1, 8, 2, 2))))
    1728
    """
    weight, bias = args[1], args[2]
    return output.size * (2 * math.prod(weight.shape[1:]) + (bias is not None))


def max_pool_flops(args: tuple, output: Tensor) -> int:
    """1 comparison for each pixel of each window.

    >>> max_pool_flops((None, (2, 2), (2, 2)), Tensor(np.ones((1, 1, 3, 3))))
    36
    """
    return output.size * math.prod(args[1])


def average_pool_flops(args: tuple, output: Tensor) -> int:
    """1 addition for each pixel of each window, and 1 division for the window.

    >>> average_pool_flops((None, (2, 2), (2, 2)), Tensor(np.ones((1, 1, 3, 3))))
    45
    """
    return output.size * (math.prod(args[1]) + 1)


def batch_norm_flops(args: tuple, output: Tensor) -> int:
    """Batch normalization of C channels: 3 an element and 3 a channel, in training 4 and 2 more.

    An element: subtract the mean, scale, shift; in training also the sum for the mean, subtract,
    square, and the sum for the variance. A channel: plus eps, square root, weight / deviation; in
    training also the divisions of mean and variance.

    >>> x = Tensor(np.ones((2, 3, 4, 4)))
    >>> [batch_norm_flops((x, None, None, None, None, 1e-5, training), x) for training in (False, True)]
    [297, 687]
    """
    channels, from_batch = args[0].shape[1], args[6]
    return (7 * output.size + 5 * channels) if from_batch else (3 * output.size + 3 * channels)


def attention_weights_flops(args: tuple, output: Tensor) -> int:
    """Queries (…, Tq, D) and keys (…, Tk, D): scale the queries, multiply, softmax.

    1 for each element of the queries, 2 * D for each of the (…, Tq, Tk) scores, and 5 for its softmax.

    >>> Q, K = Tensor(np.ones((2, 4))), Tensor(np.ones((3, 4)))
    >>> attention_weights_flops((Q, K), Tensor(np.ones((2, 3))))
    86
    """
    queries = args[0]
    return queries.size + 2 * output.size * queries.shape[-1] + 5 * output.size


def normalize_flops(args: tuple, output: Tensor) -> int:
    """Layer normalization of rows of D: 7 an element and 5 a row.

    An element: sum for the mean, subtract, square, sum for the variance, times 1 / deviation,
    times weight, plus bias. A row: two divisions by D, plus eps, square root, 1 / deviation.

    >>> normalize_flops((Tensor(np.ones((2, 4))),), Tensor(np.ones((2, 4))))
    66
    """
    return 7 * output.size + 5 * (output.size // max(output.shape[-1], 1))


def free(args: tuple, output: Any) -> int:
    """Moving data computes nothing."""
    return 0


# An operation is named like its Function, or, in chapters 01–04, like the class and method. None says: count
# what runs inside it instead. An operation that is not here stops the count, rather than being counted as 0.
OPERATION_FLOPS: dict[str, Rule | None] = {
    "combine": per_output(1),
    "Tensor.matmul": matmul_flops,
    "Tensor.sum": per_input(1),
    "Tensor.mean": mean_flops,
    "Tensor.max": per_input(1),
    "Tensor.reshape": free,
    "Tensor.transpose": free,
    "Tensor.permute": free,
    "Tensor.T": free,
    "Tensor.contiguous": free,
    "Tensor.clone": free,
    "join": free,
    "Tensor.exp": per_output(1),
    "Tensor.log": per_output(1),
    "Tensor.sqrt": per_output(1),
    "Tensor.abs": per_output(1),
    "Tensor.masked_fill": free,
    "Tensor.__getitem__": free,
    "ReLU.forward": per_output(1),
    "Sigmoid.forward": per_output(4),  # negate, exponential, add 1, divide
    "Tanh.forward": per_output(1),
    "GELU.forward": per_output(9),  # 5 products, 2 additions, tanh, half
    "Softmax.forward": softmax_flops,
    "LogSoftmax.forward": log_softmax_flops,
    "MSELoss.forward": loss_flops(2),  # subtract, square
    "CrossEntropyLoss.forward": cross_entropy_flops,
    "BinaryCrossEntropyLoss.forward": loss_flops(9),  # 2 logarithms, 2 limits, -p, t - 1, 2 products, -
    "BCEWithLogitsLoss.forward": loss_flops(8),  # |x|, negate, exp, logarithm, max, add, product, subtract
    "Conv2dFunction": conv2d_flops,
    "MaxPool2dFunction": max_pool_flops,
    "AvgPool2dFunction": average_pool_flops,
    "BatchNorm2dFunction": batch_norm_flops,
    "EmbeddingFunction": free,
    "AttentionWeights": attention_weights_flops,
    "Normalize": normalize_flops,
    "Checkpoint": None,
    "MatmulFunction": matmul_flops,
    "FusedGELU": per_output(8),  # its constants are multiplied beforehand
    "FakeQuantize": per_output(5),  # divide, round, 2 limits, multiply
}


def rule_of(name: str) -> Rule | None:
    """Return the FLOP rule of an operation.

    Raises
    ------
    ValueError: there is none ("count_flops: no rule for the operation …").

    >>> rule_of("Tensor.matmul") is matmul_flops
    True
    """
    if name not in OPERATION_FLOPS:
        raise ValueError(
            f"count_flops: no rule for the operation {name}; add one that takes its "
            f"arguments and its result: OPERATION_FLOPS[{name!r}] = lambda args, output: …"
        )
    return OPERATION_FLOPS[name]
