"""Compression: fewer weights, smaller matrices, a smaller model taught by a larger one.

Built in chapter 16. Depends on NumPy, `core.tensor`, `core.activations`, `core.layers`, `core.losses`,
`core.autograd` and `core.spatial`.

Four ways, in reading order. Magnitude pruning sets the smallest weights to zero, and sparse storage
says when zeros save bytes. Structured pruning takes whole neurons out, so that the matrices
are smaller. Low rank writes one matrix as the product of two thin ones, and also learns what is added to
one. Distillation trains a small model on what a large one says. The front tells which of many runs are worth keeping.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinytorch.core.activations import GELU, ReLU, Sigmoid, Tanh
from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Dropout, Layer, Linear, Parameter, Sequential, default_rng
from tinytorch.core.losses import CrossEntropyLoss, log_softmax
from tinytorch.core.spatial import BatchNorm2d, Conv2d, Flatten, Pool2d
from tinytorch.core.tensor import Tensor, is_real, is_whole, read_numbers


def check_share(name: str, argument: str, value: float, everything: str = "") -> None:
    """Raise unless `value` is a number from 0 to 1; 1 itself is refused where `everything` says what it would do.

    Raises
    ------
    TypeError: not a number ("magnitude_prune: sparsity '0.5' is not a number …").
    ValueError: outside ("magnitude_prune: sparsity 80 is not between 0 and 1 …").
    """
    if not is_real(value):
        raise TypeError(f"{name}: {argument} {value!r} is not a number; pass a share such as 0.8")
    if not 0 <= value <= 1:  # also true for NaN
        raise ValueError(f"{name}: {argument} {value} is not between 0 and 1; write 80 % as 0.8")
    if everything and value == 1:
        raise ValueError(f"{name}: {argument} 1 {everything}; take a share below 1")


def plain_array(numbers: Tensor | np.ndarray) -> np.ndarray:
    """Return the numbers as an array in their own dtype; what is done with it has no gradient.

    >>> plain_array(Tensor([1.0])).dtype
    dtype('float32')
    """
    return numbers.data if isinstance(numbers, Tensor) else read_numbers(numbers)


# Magnitude pruning: the smallest weights become zero.


def prunable_weights(model: Layer) -> list[tuple[str, Parameter]]:
    """Return the parameters that pruning may touch, with their names: those of two axes or more.

    Biases and the scales of a normalization have one axis. They are few, and each matters much.

    Raises
    ------
    TypeError: not a Layer. ValueError: there is no such parameter.

    >>> [name for name, weight in prunable_weights(Linear(3, 2))]
    ['weight']
    """
    if not isinstance(model, Layer):
        raise TypeError(f"pruning: got {type(model).__name__}; pass a Layer, such as a Sequential")
    found = [(name, parameter) for name, parameter in model.named_parameters() if parameter.ndim >= 2]
    if not found:
        raise ValueError("pruning: the model has no parameter of two axes or more, so there is nothing to prune")
    return found


def measure_sparsity(model: Layer | Tensor | np.ndarray) -> float:
    """Return the share of zeros, from 0 to 1: in an array, or in all prunable weights of a Layer together.

    Raises
    ------
    ValueError: there are no elements to count.

    Cost: one pass over the numbers.

    >>> measure_sparsity(np.array([[0.0, 1.0], [0.0, 0.0]]))
    0.75
    """
    layer = isinstance(model, Layer)
    arrays = [weight.data for _, weight in prunable_weights(model)] if layer else [plain_array(model)]
    total = sum(array.size for array in arrays)
    if total == 0:
        raise ValueError(f"measure_sparsity: shape {arrays[0].shape} holds no elements, so no share of them is zero")
    return sum(array.size - int(np.count_nonzero(array)) for array in arrays) / total


def smallest(magnitudes: np.ndarray, count: int) -> np.ndarray:
    """Return which `count` of N magnitudes are the smallest, as N booleans; of equal ones the earlier.

    Cost: one stable sort, N * log(N) comparisons.

    >>> smallest(np.array([3.0, 1.0, 1.0, 1.0]), 2).tolist()
    [False, True, True, False]
    """
    chosen = np.zeros(magnitudes.size, dtype=bool)
    chosen[np.argsort(magnitudes, kind="stable")[:count]] = True
    return chosen


class PruningMask:
    """Which weights of a model were kept, and a way to keep the others at zero while it is trained on.

    Parameters
    ----------
    model : Layer
    kept : dict of parameter name to ndarray of bool, of the parameter's shape, True for a weight that stays

    Raises
    ------
    ValueError: no mask, a name is unknown, or a mask has another shape or dtype.

    >>> layer = Linear(2, 1)
    >>> mask = PruningMask(layer, {"weight": np.array([[True], [False]])})
    >>> mask.apply()
    >>> layer.weight.data[1].tolist(), mask.sparsity
    ([0.0], 0.5)
    """

    def __init__(self, model: Layer, kept: dict[str, np.ndarray]) -> None:
        parameters = dict(model.named_parameters())
        if not kept:
            raise ValueError("PruningMask: kept is empty; give the mask of at least one parameter")
        kept = {name: np.asarray(mask) for name, mask in kept.items()}
        for name, mask in kept.items():
            if name not in parameters:
                raise ValueError(f"PruningMask: the model has no parameter {name!r}; it has {', '.join(parameters)}")
            if mask.shape != parameters[name].shape or mask.dtype != bool:
                raise ValueError(
                    f"PruningMask: the mask of {name!r} holds {mask.dtype} of shape "
                    f"{mask.shape}; it needs bool of shape {parameters[name].shape}"
                )
        self.kept = kept
        self.parameters = {name: parameters[name] for name in kept}

    @property
    def sparsity(self) -> float:
        """Share of the masked parameters' weights that are held at zero, a float."""
        kept = sum(int(mask.sum()) for mask in self.kept.values())
        return 1.0 - kept / sum(mask.size for mask in self.kept.values())

    def apply(self) -> None:
        """Set the pruned weights to zero, in place. Cost: one pass over the masked parameters."""
        for name, parameter in self.parameters.items():
            np.copyto(parameter.data, 0, where=~self.kept[name])

    def follow(self, optimizer: Any) -> None:
        """Let every later `optimizer.step()`, which is replaced, end with `apply()`.

        A pruned weight still gets a gradient, and momentum moves it even without one.
        """
        step = optimizer.step

        def step_and_apply() -> None:
            step()
            self.apply()

        optimizer.step = step_and_apply


def masks_of(weights: list[tuple[str, Parameter]], sparsity: float) -> dict[str, np.ndarray]:
    """Return for each parameter a mask, True for what stays, when all of them are compared with each other.

    >>> masks_of([("a", Parameter([[1.0, 4.0]])), ("b", Parameter([[2.0, 3.0]]))], 0.5)
    {'a': array([[False,  True]]), 'b': array([[False,  True]])}
    """
    magnitudes = np.concatenate([np.abs(weight.data).ravel() for _, weight in weights])
    keep = ~smallest(magnitudes, round(sparsity * magnitudes.size))
    ends = np.cumsum([weight.size for _, weight in weights])[:-1]
    parts = zip(weights, np.split(keep, ends), strict=True)
    return {name: part.reshape(weight.shape) for (name, weight), part in parts}


def magnitude_prune(model: Layer, sparsity: float, scope: str = "global") -> PruningMask:
    """Set the weights nearest to zero to zero, in place, until exactly the asked share is zero.

    Exactly means round(sparsity * count), with ties decided by position. What is zero already counts.

    Parameters
    ----------
    model : Layer; see `prunable_weights` for what is touched
    sparsity : float from 0 to below 1
    scope : "global" compares all weights of the model, so that a layer of small weights loses more;
        "layer" takes the same share of each parameter

    Returns
    -------
    PruningMask, to keep the zeros while the model is trained on

    Raises
    ------
    TypeError, ValueError: no Layer, nothing to prune, a sparsity that is no share, another scope, a weight that
        is NaN, or a parameter of which nothing would be left. Nothing has been changed then.

    Cost: one sort of all weights. The zeros still take their bytes and their FLOPs: see `csr_bytes`.

    References: LeCun, Denker and Solla (1990); Han, Pool, Tran and Dally (2015).

    >>> layer = Linear(2, 2)
    >>> layer.weight.data[:] = [[0.1, -3.0], [0.2, 1.0]]
    >>> mask = magnitude_prune(layer, 0.5)
    >>> layer.weight.data.tolist()
    [[0.0, -3.0], [0.0, 1.0]]
    """
    check_share("magnitude_prune", "sparsity", sparsity, "would leave no weight, and one answer to every input")
    if scope not in ("global", "layer"):
        raise ValueError(f'magnitude_prune: scope {scope!r} is unknown; use "global" or "layer"')
    weights = prunable_weights(model)
    for name, weight in weights:
        if np.isnan(weight.data).any():
            raise ValueError(
                f"magnitude_prune: {name} holds NaN, which is neither small nor large; "
                "find out where training went wrong first"
            )
    kept = {}
    for group in [weights] if scope == "global" else [[pair] for pair in weights]:
        kept |= masks_of(group, sparsity)
    for name, keep in kept.items():
        if not keep.any():
            raise ValueError(
                f"magnitude_prune: sparsity {sparsity} would leave nothing of {name}, so that nothing comes through; "
                'ask for less, or take the same share of each layer with scope="layer"'
            )
    mask = PruningMask(model, kept)
    mask.apply()
    return mask


# Sparse storage: zeros that are not stored, and what storing the others costs.


class CSRMatrix(NamedTuple):
    """A matrix in compressed sparse rows: only what is not zero, row after row.

    values : ndarray of shape (nonzeros,)
    columns : ndarray of int32, shape (nonzeros,), the column of each value
    row_starts : ndarray of int32, shape (M + 1,); row i is values[row_starts[i]:row_starts[i + 1]]
    shape : tuple of int, (M, N)
    """

    values: np.ndarray
    columns: np.ndarray
    row_starts: np.ndarray
    shape: tuple[int, int]


def to_csr(matrix: Tensor | np.ndarray) -> CSRMatrix:
    """Return a matrix of shape (M, N) in compressed sparse rows; for its bytes see `csr_bytes`.

    Raises
    ------
    ValueError: not two axes ("to_csr: shape (3,): …").

    >>> to_csr(np.array([[0.0, 5.0], [0.0, 0.0], [6.0, 7.0]])).row_starts.tolist()
    [0, 1, 1, 3]
    """
    matrix = plain_array(matrix)
    if matrix.ndim != 2:
        raise ValueError(f"to_csr: shape {matrix.shape}: rows and columns need two axes; reshape to (rows, columns)")
    rows, columns = np.nonzero(matrix)
    row_starts = np.zeros(matrix.shape[0] + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=matrix.shape[0]), out=row_starts[1:])
    return CSRMatrix(matrix[rows, columns], columns.astype(np.int32), row_starts, matrix.shape)


def csr_matmul(sparse: CSRMatrix, dense: Tensor | np.ndarray) -> np.ndarray:
    """Return sparse (M, K) @ dense (K, N), touching only what is stored: an ndarray of shape (M, N).

    Raises
    ------
    ValueError: the inner sizes differ ("csr_matmul: (2, 3) @ (4, 5): …").

    Cost: 2 * nonzeros * N FLOPs, as many numbers in between, and a row of dense fetched from anywhere for
    each value: fewer FLOPs than the dense product, and far slower ones.

    >>> csr_matmul(to_csr(np.array([[0.0, 5.0], [6.0, 7.0]])), np.array([[1.0], [2.0]])).tolist()
    [[10.0], [20.0]]
    """
    dense = plain_array(dense)
    if dense.ndim != 2 or sparse.shape[1] != dense.shape[0]:
        raise ValueError(
            f"csr_matmul: {sparse.shape} @ {dense.shape}: the columns of the first must be as "
            "many as the rows of the second"
        )
    out = np.zeros((sparse.shape[0], dense.shape[1]), dtype=np.result_type(sparse.values, dense))
    products = sparse.values[:, np.newaxis] * dense[sparse.columns]  # (nonzeros, 1) * (nonzeros, N)
    filled = np.flatnonzero(np.diff(sparse.row_starts))  # rows with nothing stored stay zero
    out[filled] = np.add.reduceat(products, sparse.row_starts[filled], axis=0)
    return out


def csr_bytes(rows: int, nonzeros: int, itemsize: int = 4) -> int:
    """Return the bytes of a matrix in compressed sparse rows, with 4 bytes an index.

    With float32 a stored value takes 8 bytes instead of 4, so more than half has to be zero to save any.

    >>> csr_bytes(1000, 500_000), 1000 * 1000 * 4
    (4004004, 4000000)
    """
    return nonzeros * (itemsize + 4) + (rows + 1) * 4


def stored_bytes(model: Layer) -> int:
    """Return the bytes of a model's numbers, each array stored whole or by `csr_bytes`, whichever is less.

    A kernel counts as one row of a matrix. Arrays of one axis, such as biases, are stored whole.

    >>> layer = Linear(10, 10, bias=False)
    >>> stored_bytes(layer)
    400
    >>> mask = magnitude_prune(layer, 0.9)
    >>> stored_bytes(layer)
    124
    """
    total = 0
    for array in model.state_arrays().values():
        sizes = [array.nbytes]
        if array.ndim >= 2:
            sizes.append(csr_bytes(len(array), int(np.count_nonzero(array)), array.itemsize))
        total += min(sizes)
    return total


# Structured pruning: whole neurons and channels go, and the matrices with them.

ACTIVATIONS = (ReLU, Sigmoid, Tanh, GELU)
KEEPS_NEURONS_APART = (*ACTIVATIONS, Dropout, Pool2d, BatchNorm2d, Flatten)  # none of them mixes two channels


def structured_prune(model: Sequential, share: float) -> Sequential:
    """Return a smaller model: hidden layers lose the neurons (or channels) with the smallest `neuron_norms`.

    A neuron is a column of one Linear's weight and a row of the next one's; a channel is a kernel of one
    Conv2d and an input of the next. Both sides are cut, and a BatchNorm2d between them. The new model
    computes what the old one would with those weights, biases, scales and shifts at zero; the constant that
    Sigmoid then sends goes into the next bias.

    Parameters
    ----------
    model : Sequential of Linear and Conv2d layers, with ReLU, Sigmoid, Tanh, GELU, Dropout, pooling,
        BatchNorm2d or Flatten between them; it stays as it is
    share : float from 0 to below 1, of each hidden layer's neurons; rounded, but at least one stays

    Returns
    -------
    Sequential of new layers; the last Linear or Conv2d keeps all its outputs

    Raises
    ------
    TypeError, ValueError: a share that is none, NaN weights, or as `places_to_cut`.

    Cost: with the share s gone from both sides, a matrix keeps (1 - s)² of its FLOPs and bytes.

    References: Li, Kadav, Durdanovic, Samet and Graf (2017); Liu, Li, Shen, Huang, Yan and Zhang (2017).

    >>> small = structured_prune(Sequential(Linear(8, 10), ReLU(), Linear(10, 3)), 0.5)
    >>> [step.weight.shape for step in small if isinstance(step, Linear)]
    [(8, 5), (5, 3)]
    """
    check_share("structured_prune", "share", share, "would leave no neuron for anything to come through")
    places = places_to_cut(model)
    small = copy.deepcopy(model)
    for place, following in itertools.pairwise(places):
        norms = neuron_norms(model[place], model[place + 1])
        if np.isnan(norms).any():
            raise ValueError(
                f"structured_prune: step {place}, {model[place]!r}, holds NaN, which is neither "
                "small nor large; find out where training went wrong first"
            )
        keep = ~smallest(norms, min(round(share * norms.size), norms.size - 1))
        between = small.steps[place + 1 : following]
        cut_outputs(small[place], keep)
        for step in between:
            if isinstance(step, BatchNorm2d):
                cut_channels(step, keep)
        cut_inputs(small[following], keep, value_at_zero(between))
    return small


def places_to_cut(model: Sequential) -> list[int]:
    """Return where the Linear and Conv2d layers of a model are, after checking what stands between them.

    Raises
    ------
    TypeError: no Sequential. ValueError: fewer than two such layers, one in two places, a step between them
        that mixes neurons, or a constant that would have to cross a padding ("structured_prune: …").

    >>> places_to_cut(Sequential(Linear(2, 3), ReLU(), Linear(3, 1)))
    [0, 2]
    """
    if not isinstance(model, Sequential):
        raise TypeError(
            f"structured_prune: got {type(model).__name__}; pass a Sequential, whose steps say what follows what"
        )
    places = [place for place, step in enumerate(model) if isinstance(step, (Linear, Conv2d))]
    if len(places) < 2:
        raise ValueError(
            f"structured_prune: the model has {len(places)} Linear or Conv2d layers; a neuron is cut between two"
        )
    if len({id(model[place]) for place in places}) < len(places):
        raise ValueError(
            "structured_prune: one layer stands in two places, so cutting it in one would "
            "cut it in the other; give each place a layer of its own"
        )
    for place in range(places[0], places[-1]):
        if not isinstance(model[place], (Linear, Conv2d, *KEEPS_NEURONS_APART)):
            raise ValueError(
                f"structured_prune: step {place}, {model[place]!r}, is none of those that treat "
                "every neuron by itself (activations but Softmax, Dropout, pooling, "
                "BatchNorm2d, Flatten), so cutting one would change the others"
            )
    for place, following in itertools.pairwise(places):
        check_padding(model, place, following)
    return places


def check_padding(model: Sequential, place: int, following: int) -> None:
    """Refuse a padding with zeros after steps that make another constant of 0: a channel that is cut sends that one."""
    padded = isinstance(model[following], Conv2d) and model[following].padding != (0, 0)
    if padded and value_at_zero(model.steps[place + 1 : following]) != 0:
        raise ValueError(
            f"structured_prune: step {following}, {model[following]!r}, pads with zeros, "
            "and a channel that is cut would send another constant; use ReLU, Tanh or GELU "
            "before it"
        )


def outputs_first(layer: Linear | Conv2d) -> np.ndarray:
    """Return a view of a layer's weight, outputs along the first axis and inputs along the second.

    >>> outputs_first(Linear(3, 2)).shape, outputs_first(Conv2d(3, 2, kernel_size=5)).shape
    ((2, 3), (2, 3, 5, 5))
    """
    return layer.weight.data.T if isinstance(layer, Linear) else layer.weight.data


def neuron_norms(layer: Linear | Conv2d, following: Any = None) -> np.ndarray:
    """Return how much each neuron or channel can say, an ndarray of shape (outputs,): the length of its weights.

    Where a BatchNorm2d follows, it is that layer's scale. It gives the channel's numbers their spread, however long
    the kernel is.

    >>> layer = Linear(2, 2)
    >>> layer.weight.data[:] = [[3, 0], [4, 1]]
    >>> neuron_norms(layer).tolist()
    [5.0, 1.0]
    """
    if isinstance(following, BatchNorm2d):
        return np.abs(following.weight.data)
    squares = outputs_first(layer) ** 2
    return np.sqrt(squares.sum(axis=tuple(range(1, squares.ndim))))


def value_at_zero(steps: list[Any]) -> float:
    """Return what a channel that is always zero becomes after these steps; BatchNorm2d makes it zero again.

    >>> value_at_zero([Sigmoid(), Dropout(0.5)]), value_at_zero([Sigmoid(), BatchNorm2d(3)])
    (0.5, 0.0)
    """
    value = Tensor([0.0])
    for step in steps:
        if isinstance(step, BatchNorm2d):
            value = Tensor([0.0])
        elif isinstance(step, ACTIVATIONS):
            value = step(value)
    return value.item()


def cut_outputs(layer: Linear | Conv2d, keep: np.ndarray) -> None:
    """Take out of a layer, in place, the outputs where `keep`, bool of shape (outputs,), is False.

    Weight and bias become new Parameters, and what the layer says of its size is right again.

    >>> layer = Linear(3, 2)
    >>> cut_outputs(layer, np.array([True, False]))
    >>> layer, layer.weight.shape, layer.bias.shape
    (Linear(in_features=3, out_features=1, bias=True), (3, 1), (1,))
    """
    if isinstance(layer, Linear):
        layer.weight = like(layer.weight, layer.weight.data[:, keep])
        layer.out_features = int(keep.sum())
    else:
        layer.weight = like(layer.weight, layer.weight.data[keep])
        layer.out_channels = int(keep.sum())
    if layer.bias is not None:
        layer.bias = like(layer.bias, layer.bias.data[keep])


def cut_inputs(layer: Linear | Conv2d, keep: np.ndarray, constant: float) -> None:
    """Take inputs out of a layer, in place; what they would have sent as a constant goes into the bias.

    Parameters
    ----------
    keep : ndarray of bool, shape (channels,); for a Linear after Flatten each stands for H * W inputs

    Raises
    ------
    ValueError: the inputs are no multiple of the channels.

    >>> layer = Linear(6, 2)
    >>> cut_inputs(layer, np.array([True, False, True]), 0.0)
    >>> layer
    Linear(in_features=4, out_features=2, bias=True)
    """
    weight = outputs_first(layer)
    if weight.shape[1] % keep.size != 0:
        raise ValueError(
            f"structured_prune: {layer!r} follows a layer of {keep.size} outputs, which its "
            "inputs are no multiple of; the model cannot run as it is"
        )
    keep = np.repeat(keep, weight.shape[1] // keep.size)  # (channels,) -> (inputs,)
    gone = weight[:, ~keep]
    if constant != 0:
        moved = constant * gone.sum(axis=tuple(range(1, gone.ndim)))  # (outputs,)
        layer.bias = like(layer.weight, moved if layer.bias is None else layer.bias.data + moved)
    if isinstance(layer, Linear):
        layer.weight = like(layer.weight, layer.weight.data[keep])
        layer.in_features = int(keep.sum())
    else:
        layer.weight = like(layer.weight, layer.weight.data[:, keep])
        layer.in_channels = int(keep.sum())


def cut_channels(norm: BatchNorm2d, keep: np.ndarray) -> None:
    """Take channels out of a BatchNorm2d, in place.

    >>> norm = BatchNorm2d(3)
    >>> cut_channels(norm, np.array([True, False, True]))
    >>> norm.num_features, norm.weight.shape, norm.running_var.shape
    (2, (2,), (2,))
    """
    norm.weight, norm.bias = like(norm.weight, norm.weight.data[keep]), like(norm.bias, norm.bias.data[keep])
    norm.running_mean, norm.running_var = norm.running_mean[keep], norm.running_var[keep]
    norm.num_features = int(keep.sum())


def like(parameter: Parameter, array: np.ndarray) -> Parameter:
    """Return a new Parameter with these numbers, of the dtype of another one, and frozen where that one is.

    >>> like(Parameter([1.0]), np.zeros(2)).dtype
    dtype('float32')
    """
    made = Parameter(array, dtype=parameter.dtype)
    if not getattr(parameter, "requires_grad", True):
        made.requires_grad = False
    return made


# Low rank: one matrix as the product of two thin ones.


class LowRank(NamedTuple):
    """Two factors whose product is near a matrix, and how near.

    left : ndarray of shape (M, R)
    right : ndarray of shape (R, N)
    error : float, the Frobenius norm of matrix - left @ right, from the singular values that were left out
    """

    left: np.ndarray
    right: np.ndarray
    error: float


def low_rank_approximate(matrix: Tensor | np.ndarray, rank: int | None = None, energy: float | None = None) -> LowRank:
    """Return the two factors of a given rank nearest to a matrix, by its largest singular values.

    The error is the root of the sum of the squared singular values left out; no other product comes nearer.

    Parameters
    ----------
    matrix : Tensor or ndarray of shape (M, N)
    rank : int from 1 to min(M, N), or None
    energy : float from 0 to 1, or None: the smallest rank whose squared singular values sum up to this
        share of all of them. Exactly one of the two is given.

    Returns
    -------
    LowRank: left (M, R), right (R, N), error

    Raises
    ------
    TypeError, ValueError: not a matrix, both or none of rank and energy, or one out of range.

    Cost: a singular value decomposition, some 10 * M * N * min(M, N) FLOPs, once.

    References: Eckart and Young (1936); Mirsky (1960).

    >>> left, right, error = low_rank_approximate(np.array([[2.0, 4.0], [1.0, 2.0]]), rank=1)
    >>> (left @ right).round(6).tolist(), round(error, 6)
    ([[2.0, 4.0], [1.0, 2.0]], 0.0)
    """
    array = check_matrix(matrix)
    check_rank_or_energy(rank, energy, array.shape)
    u, s, vt = np.linalg.svd(array, full_matrices=False)  # (M, S), (S,), (S, N) with S = min(M, N)
    if rank is None:
        rank = rank_for_energy(s, energy)
    root = np.sqrt(s[:rank])  # half of each value to either side, so that both factors are of one size
    left, right = u[:, :rank] * root, root[:, np.newaxis] * vt[:rank]
    return LowRank(left, right, float(np.linalg.norm(s[rank:])))


def check_matrix(matrix: Tensor | np.ndarray) -> np.ndarray:
    """Return a matrix as a floating-point array; ValueError without two axes, elements, or finite numbers.

    >>> check_matrix(np.ones((2, 3), dtype=np.int64)).dtype
    dtype('float32')
    """
    array = plain_array(matrix)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(
            f"low_rank_approximate: shape {array.shape} is no matrix with elements; reshape to (rows, columns)"
        )
    array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError("low_rank_approximate: the matrix holds NaN or infinity, so it has no singular values")
    return array


def check_rank_or_energy(rank: int | None, energy: float | None, shape: tuple[int, int]) -> None:
    """Raise unless exactly one of the two is given, and can be."""
    if (rank is None) == (energy is None):
        raise ValueError("low_rank_approximate: give either rank or energy, and not both")
    if rank is None:
        check_share("low_rank_approximate", "energy", energy)
    else:
        check_rank(rank, shape)


def check_rank(rank: int, shape: tuple[int, int], name: str = "low_rank_approximate") -> None:
    """Raise unless `rank` is an integer from 1 to the smaller side of `shape`."""
    if not is_whole(rank):
        raise TypeError(f"{name}: rank {rank!r} is not an integer")
    if not 1 <= rank <= min(shape):
        raise ValueError(f"{name}: rank {rank} does not exist for shape {shape}; it runs from 1 to {min(shape)}")


def rank_for_energy(singular_values: np.ndarray, energy: float) -> int:
    """Return the smallest rank, at least 1, that holds the asked share of the squared singular values.

    >>> rank_for_energy(np.array([3.0, 1.0, 0.0]), 0.9), rank_for_energy(np.array([3.0, 1.0, 0.0]), 0.91)
    (1, 2)
    """
    squares = singular_values.astype(np.float64) ** 2
    sums = np.cumsum(squares)
    return 1 + int(np.searchsorted(sums, energy * sums[-1]))


def break_even_rank(in_features: int, out_features: int) -> float:
    """Return the rank at which two thin matrices have as many numbers as the (M, N) one: M * N / (M + N).

    >>> break_even_rank(1024, 1024)
    512.0
    """
    return in_features * out_features / (in_features + out_features)


class LowRankLinear(Layer):
    """A Linear whose matrix is a product of two thin ones: x @ left @ right + bias.

    Parameters
    ----------
    left : ndarray of shape (in_features, R)
    right : ndarray of shape (R, out_features)
    bias : ndarray of shape (out_features,), or None

    Raises
    ------
    ValueError: the shapes do not fit ("LowRankLinear: left (4, 2), right (3, 5): …").

    Cost: for each row 2 * R * (in_features + out_features) FLOPs; R * (in_features + out_features) numbers.

    >>> layer = LowRankLinear.from_linear(Linear(6, 4), rank=2)
    >>> layer.left.shape, layer.right.shape, layer(Tensor(np.ones((5, 6)))).shape
    ((6, 2), (2, 4), (5, 4))
    """

    def __init__(self, left: np.ndarray, right: np.ndarray, bias: np.ndarray | None = None) -> None:
        if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
            raise ValueError(
                f"LowRankLinear: left {left.shape}, right {right.shape}: they must be "
                "(in_features, R) and (R, out_features)"
            )
        if bias is not None and bias.shape != right.shape[1:]:
            raise ValueError(f"LowRankLinear: bias {bias.shape}: it must be {right.shape[1:]}, one number an output")
        self.left = Parameter(left, dtype=left.dtype)
        self.right = Parameter(right, dtype=right.dtype)
        self.bias = None if bias is None else Parameter(bias, dtype=bias.dtype)

    @classmethod
    def from_linear(cls, linear: Linear, rank: int | None = None, energy: float | None = None) -> LowRankLinear:
        """Return the nearest layer to a Linear, which stays as it is, of a rank or an energy.

        Raises
        ------
        TypeError: not a Linear. ValueError: as `low_rank_approximate`.

        >>> LowRankLinear.from_linear(Linear(6, 4, bias=False), energy=1.0).right.shape
        (4, 4)
        """
        if not isinstance(linear, Linear):
            raise TypeError(f"LowRankLinear: got {type(linear).__name__}; pass a Linear")
        left, right, _ = low_rank_approximate(linear.weight, rank, energy)
        return cls(left, right, None if linear.bias is None else linear.bias.data.copy())

    def forward(self, x: Tensor) -> Tensor:
        """Return x @ left @ right + bias, the thin product first: (…, in_features) -> (…, out_features).

        Raises
        ------
        ValueError: the last axis is not in_features long ("LowRankLinear: x has shape …").
        """
        if x.shape[-1:] != self.left.shape[:1]:
            raise ValueError(
                f"LowRankLinear: x has shape {x.shape} and the layer "
                f"in_features={self.left.shape[0]}; the last axis of x must have "
                f"{self.left.shape[0]} values"
            )
        out = x @ self.left @ self.right  # (…, in) @ (in, R) @ (R, out)
        return out if self.bias is None else out + self.bias

    def extra_repr(self) -> str:
        """Return the arguments, as the layer is printed."""
        (in_features, rank), out_features = self.left.shape, self.right.shape[1]
        return f"in_features={in_features}, rank={rank}, out_features={out_features}, bias={self.bias is not None}"


def two_linears(linear: Linear, rank: int) -> list[Linear]:
    """Return the two thin matrices nearest to a Linear, which stays as it is, as Linear layers of their own.

    They compute what a LowRankLinear does, and are what `quantize_model` and `structured_prune` know.

    Raises
    ------
    TypeError, ValueError: as `LowRankLinear.from_linear`.

    >>> two_linears(Linear(6, 4), rank=2)
    [Linear(in_features=6, out_features=2, bias=False), Linear(in_features=2, out_features=4, bias=True)]
    """
    low = LowRankLinear.from_linear(linear, rank)
    first = Linear(*low.left.shape, bias=False)
    second = Linear(*low.right.shape, bias=low.bias is not None)
    first.weight, second.weight, second.bias = low.left, low.right, low.bias
    return [first, second]


class LoRALinear(Layer):
    """A Linear that is frozen, and two thin matrices beside it that are learned: base(x) + x @ down @ up * scale.

    Parameters
    ----------
    linear : Linear; it stays as it is, a copy is frozen
    rank : int from 1 to the smaller side of the weight
    alpha : float, how much the added part counts; scale is alpha / rank
    rng : None, int or Generator, for the first numbers of `down`; `up` begins as zeros, so that nothing changes

    Raises
    ------
    TypeError: no Linear, a rank that is no integer. ValueError: a rank that does not exist.

    References: Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang and Chen (2021), LoRA.

    >>> layer = LoRALinear(Linear(6, 4), rank=2)
    >>> [(name, parameter.shape) for name, parameter in layer.named_parameters()]
    [('down', (6, 2)), ('up', (2, 4)), ('base.weight', (6, 4)), ('base.bias', (4,))]
    """

    def __init__(self, linear: Linear, rank: int, alpha: float = 1.0, rng: Any = None) -> None:
        if not isinstance(linear, Linear):
            raise TypeError(f"LoRALinear: got {type(linear).__name__}; pass a Linear")
        check_rank(rank, linear.weight.shape, "LoRALinear")
        inputs, outputs = linear.weight.shape
        first = default_rng(rng).standard_normal((inputs, rank)) / math.sqrt(inputs)
        self.down = Parameter(first, dtype=linear.weight.dtype)
        self.up = Parameter(np.zeros((rank, outputs)), dtype=linear.weight.dtype)
        self.scale = alpha / rank
        self.base = copy.deepcopy(linear)
        for parameter in self.base.parameters():
            parameter.requires_grad = False

    def forward(self, x: Tensor) -> Tensor:
        """Return what the frozen layer gives and what the thin matrices add: (…, in_features) -> (…, out_features).

        Cost: beside those of the layer, 2 * rank * (in_features + out_features) FLOPs for each row of x.

        >>> LoRALinear(Linear(6, 4), rank=2)(Tensor(np.ones((5, 6)))).shape
        (5, 4)
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        return self.base(x) + x @ self.down @ self.up * self.scale

    def merged(self) -> Linear:
        """Return one Linear that computes the same, for use; this layer stays as it is.

        Cost: one product of the thin matrices, once. Afterwards a call costs what it did before.

        >>> LoRALinear(Linear(6, 4), rank=2).merged()
        Linear(in_features=6, out_features=4, bias=True)
        """
        layer = copy.deepcopy(self.base)
        layer.weight.data += self.down.data @ self.up.data * self.scale
        for parameter in layer.parameters():
            parameter.requires_grad = True
        return layer

    def extra_repr(self) -> str:
        """Return the arguments, as the layer is printed."""
        return f"rank={self.down.shape[1]}, scale={self.scale:g}"


# Distillation: a small model learns what a large one says, not only which class is right.


def soft_loss(student_logits: Tensor, teacher_logits: Tensor | np.ndarray, temperature: float) -> Tensor:
    """Return how far the student's softened distribution is from the teacher's, times temperature².

    KL(p, q) = sum of p * (log p - log q), the mean over the samples, with p the teacher's and q the student's
    softmax(logits / temperature). Its gradient shrinks with temperature²; the factor puts it back.

    Parameters
    ----------
    student_logits : Tensor of shape (…, C)
    teacher_logits : Tensor or ndarray of the same shape; a constant
    temperature : float above 0; larger is softer

    Raises
    ------
    ValueError: the shapes differ, there are no samples, or the temperature is not above 0.

    References: Hinton, Vinyals and Dean (2015).

    >>> soft_loss(Tensor([[1.0, 2.0]]), Tensor([[1.0, 2.0]]), 4.0).item()
    0.0
    """
    teacher = check_logits(student_logits, teacher_logits)
    check_temperature(temperature)
    log_p = log_softmax(Tensor(teacher / temperature, dtype=student_logits.dtype))
    log_q = log_softmax(student_logits * (1.0 / temperature))
    samples = student_logits.size // student_logits.shape[-1]
    return (log_p.exp() * (log_p - log_q)).sum() * (temperature * temperature / samples)


def check_logits(student_logits: Tensor, teacher_logits: Tensor | np.ndarray) -> np.ndarray:
    """Return the teacher's logits as an array; ValueError where the two shapes differ or hold no samples.

    >>> check_logits(Tensor([[1.0, 2.0]]), np.array([[3.0, 4.0]])).tolist()
    [[3.0, 4.0]]
    """
    teacher = plain_array(teacher_logits)
    if student_logits.shape != teacher.shape or student_logits.ndim == 0:
        raise ValueError(
            f"soft_loss: student logits {student_logits.shape} and teacher logits "
            f"{teacher.shape}: both models must give one logit for each sample and class"
        )
    if student_logits.size == 0:
        raise ValueError(
            f"soft_loss: shape {student_logits.shape} holds no samples; the mean of nothing is not defined"
        )
    return teacher


def check_temperature(temperature: float) -> None:
    """Raise unless the temperature is a finite number above 0."""
    if not is_real(temperature):
        raise TypeError(f"temperature {temperature!r} is not a number; pass one above 0, such as 4.0")
    if not 0 < temperature < math.inf:
        raise ValueError(
            f"temperature {temperature}: it must be above 0; 1 leaves the logits as they are, larger softens"
        )


class KnowledgeDistillation:
    """Training of a student on a teacher's outputs and on the targets at once.

    loss = alpha * soft_loss + (1 - alpha) * cross-entropy with the targets. The teacher only answers, in eval
    mode and without gradients.

    Parameters
    ----------
    student, teacher : Layer; both map the same input to logits of the same shape
    temperature : float above 0
    alpha : float from 0 (targets alone) to 1 (teacher alone)

    Raises
    ------
    TypeError, ValueError: no Layer, parameters that both would learn, or a number out of range.

    References: Hinton, Vinyals and Dean (2015), Distilling the Knowledge in a Neural Network.

    >>> teaching = KnowledgeDistillation(Linear(4, 3), Linear(4, 3), temperature=4.0, alpha=0.5)
    >>> x = Tensor(np.ones((2, 4)))
    >>> teaching.distillation_loss(teaching.student(x), teaching.teacher_logits(x), np.array([0, 2])).shape
    ()
    """

    def __init__(self, student: Layer, teacher: Layer, temperature: float = 4.0, alpha: float = 0.5) -> None:
        for name, model in (("student", student), ("teacher", teacher)):
            if not isinstance(model, Layer):
                raise TypeError(f"KnowledgeDistillation: {name} is a {type(model).__name__}; pass a Layer")
        taught = {id(parameter) for parameter in teacher.parameters()}
        if student is teacher or any(
            id(parameter) in taught for parameter in student.parameters() if getattr(parameter, "requires_grad", True)
        ):
            raise ValueError(
                "KnowledgeDistillation: student and teacher share parameters; a teacher must "
                "not change while it teaches, so copy them (copy.deepcopy) or freeze what "
                "is shared"
            )
        check_temperature(temperature)
        check_share("KnowledgeDistillation", "alpha", alpha)
        self.student, self.teacher = student, teacher
        self.temperature, self.alpha = temperature, alpha
        self.hard_loss = CrossEntropyLoss()

    def teacher_logits(self, x: Tensor) -> Tensor:
        """Return what the teacher says of a batch, a Tensor without a way back."""
        self.teacher.eval()
        with no_grad():
            return self.teacher(x)

    def distillation_loss(
        self, student_logits: Tensor, teacher_logits: Tensor | np.ndarray, targets: Tensor | np.ndarray
    ) -> Tensor:
        """Return alpha * soft + (1 - alpha) * hard of logits (…, C) and integer targets (…): a single number.

        Raises
        ------
        ValueError, TypeError: as `soft_loss` and CrossEntropyLoss.
        """
        soft = soft_loss(student_logits, teacher_logits, self.temperature)
        return soft * self.alpha + self.hard_loss(student_logits, targets) * (1.0 - self.alpha)

    def train_step(self, x: Tensor, targets: Tensor | np.ndarray, optimizer: Any) -> float:
        """Make one step of the student on a batch and return the loss before it.

        Raises
        ------
        ValueError: the optimizer holds a parameter that is not the student's ("train_step: …").

        Cost: forward and backward of the student, forward of the teacher.
        """
        own = {id(parameter) for parameter in self.student.parameters()}
        if any(id(parameter) not in own for parameter in optimizer.params):
            raise ValueError(
                "train_step: the optimizer holds parameters that are not the student's; make it "
                "with student.parameters()"
            )
        self.student.train()
        loss = self.distillation_loss(self.student(x), self.teacher_logits(x), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()


# The front: of many runs, those that no other beats.


def on_front(sizes: Sequence[float], accuracies: Sequence[float]) -> np.ndarray:
    """Return which of N runs are on the front, as N booleans.

    A run is off the front when another one is no larger and no less accurate, and better in one of the two. Of runs
    that are equal in both none beats the other.

    Cost: N² comparisons.

    >>> on_front([100, 50, 60], [0.9, 0.8, 0.7]).tolist()
    [True, True, False]
    """
    sizes, accuracies = np.asarray(sizes), np.asarray(accuracies)
    as_small, smaller = sizes <= sizes[:, np.newaxis], sizes < sizes[:, np.newaxis]  # [i, j]: run j against run i
    as_good, better = accuracies >= accuracies[:, np.newaxis], accuracies > accuracies[:, np.newaxis]
    beaten = as_small & as_good & (smaller | better)
    return ~beaten.any(axis=1)
