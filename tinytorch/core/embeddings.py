"""Embeddings: a learned vector for each token id, and one for each position in the sequence.

Built in chapter 11. Depends on Tensor (01), layers (03), autograd (06) and `check_ids` of
tokenization (10).

The file reads from top to bottom: `one_hot`, the matrix that a lookup avoids; `Embedding`, the
table whose rows are looked up, and `EmbeddingFunction`, which brings gradients back to the rows
that were used and to no others; positions, computed (`PositionalEncoding`) or learned
(`LearnedPositionalEncoding`); `EmbeddingLayer`, tokens plus positions, where a language model
begins; and `nearest_rows`, which tells what a trained table holds.
"""

from __future__ import annotations

import numpy as np

from tinytorch.core.autograd import Function, RowGradient
from tinytorch.core.layers import Layer, Parameter, also_called, check_size, default_rng
from tinytorch.core.tensor import Tensor, from_numpy, is_whole, read_numbers, wrap
from tinytorch.core.tokenization import check_ids

SMALL = 0.02  # GPT-2's standard deviation for the first tokens and positions


def one_hot(ids, num_classes):
    """Return each id as a row of zeros with a single one, at the id.

    `one_hot(ids, V) @ weight` picks rows of a table by multiplying; a lookup picks
    them by copying and needs neither the zeros nor the multiplications.

    Parameters
    ----------
    ids : list, ndarray or Tensor of integers, of any shape (…)
    num_classes : int, C

    Returns
    -------
    Tensor of float32, shape (…, C)

    Raises
    ------
    TypeError, ValueError: ids that are no integers from 0 to C - 1, or C below 1.

    Cost: 4 * C bytes an id: 200 kB for one token of a vocabulary of 50,000.

    >>> one_hot([2, 0], 3)
    Tensor([[0., 0., 1.],
            [1., 0., 0.]], shape=(2, 3))
    """
    num_classes = check_size("one_hot", "num_classes", num_classes)
    ids = check_ids("one_hot", ids, num_classes)
    return from_numpy((ids[..., None] == np.arange(num_classes)).astype(np.float32))  # (…, 1) == (C,)


def sum_by_id(ids, values):
    """Return each different id once, and the sum of the rows that belong to it.

    Parameters
    ----------
    ids : ndarray of int, shape (N,), none negative
    values : ndarray of shape (N, D)

    Returns
    -------
    (ndarray of int, shape (K,), sorted; ndarray of shape (K, D))

    Cost: a sort of N ids, a copy of `values`, and N * D additions.

    >>> values = np.array([[1.0], [10.0], [100.0]])
    >>> ids, sums = sum_by_id(np.array([5, 2, 5]), values)
    >>> ids.tolist(), sums.tolist()
    ([2, 5], [[10.0], [101.0]])
    """
    order = np.argsort(ids, kind="stable")
    ids, values = ids[order], values[order]
    starts = np.flatnonzero(np.diff(ids, prepend=-1))  # where a stretch of equal ids begins
    return ids[starts], np.add.reduceat(values, starts, axis=0)


class EmbeddingFunction(Function):
    """Rows of a table: forward copies them, backward adds their gradients where they came from."""

    def forward(self, weight, ids, padding_idx=None):
        """Return the row of each id: a table (V, D) and ids (…) give (…, D).

        Parameters
        ----------
        weight : Tensor of shape (V, D), the table
        ids : ndarray of int, of any shape (…), from 0 to V - 1
        padding_idx : as `Embedding`; it plays no part on the way forward

        Returns
        -------
        Tensor of shape (…, D), of weight's dtype, a copy of the rows

        Cost: D * itemsize bytes an id, no FLOPs.

        >>> weight = Tensor([[0, 0], [1, 10], [2, 20]])
        >>> EmbeddingFunction().forward(weight, np.array([2, 1]))
        Tensor([[ 2., 20.],
                [ 1., 10.]], shape=(2, 2))
        """
        return wrap(weight.data.take(ids, axis=0), weight)

    def backward(self, grad_output, weight, ids, padding_idx=None):
        """Return the gradient of the rows that were used, each row once.

        A row that was used twice gets the sum of both, and the padding's row none.

        Parameters
        ----------
        grad_output : ndarray of shape (…, D), the gradient of forward's result
        weight : Tensor of shape (V, D)
        ids : ndarray of int, shape (…)
        padding_idx : int, the id whose row gets no gradient, or None

        Returns
        -------
        (RowGradient of weight's shape; None, since ids have no gradient)

        Cost: `sum_by_id` of N ids. The rows that were not used cost nothing.

        >>> weight, ids = Tensor(np.zeros((9, 2))), np.array([5, 1, 5])
        >>> grad, _ = EmbeddingFunction().backward(np.ones((3, 2)), weight, ids)
        >>> grad.rows.tolist(), grad.values.tolist()
        ([1, 5], [[1.0, 1.0], [2.0, 2.0]])
        """
        ids, grad_rows = ids.reshape(-1), grad_output.reshape(ids.size, weight.shape[1])  # (N,), (N, D)
        if padding_idx is not None:
            used = ids != padding_idx
            ids, grad_rows = ids[used], grad_rows[used]
        rows, values = sum_by_id(ids, grad_rows)
        return RowGradient(rows, values, weight.shape), None


class Embedding(Layer):
    """A table with one learned row for each id.

    Parameters
    ----------
    vocab_size : int, V, the number of ids
    embed_dim : int, D, the length of a row
    std : float, the standard deviation of the first values, which have mean 0
    rng : None, int or numpy.random.Generator; see `default_rng`
    padding_idx : int, the id that stands for nothing: its row begins at 0 and gets no gradient; or None. A
        negative one counts from the end

    Attributes
    ----------
    weight : Parameter of shape (V, D)

    Raises
    ------
    TypeError, ValueError: a size is not an integer of at least 1, or std is negative.

    Cost: 4 * V * D bytes; a lookup has no FLOPs.

    >>> embedding = Embedding(10, 4)
    >>> embedding
    Embedding(vocab_size=10, embed_dim=4)
    >>> embedding([[1, 2, 3], [3, 0, 9]]).shape
    (2, 3, 4)
    """

    def __init__(self, vocab_size, embed_dim, std=1.0, rng=None, padding_idx=None):
        self.vocab_size = check_size("Embedding", "vocab_size", vocab_size)
        self.embed_dim = check_size("Embedding", "embed_dim", embed_dim)
        if not std >= 0:
            raise ValueError(f"Embedding: std is {std}; a standard deviation is 0 or larger")
        first = default_rng(rng).normal(0.0, std, (self.vocab_size, self.embed_dim))
        self.padding_idx = None if padding_idx is None else check_padding(padding_idx, self.vocab_size)
        if self.padding_idx is not None:
            first[self.padding_idx] = 0
        self.weight = Parameter(first)

    def forward(self, ids):
        """Return the row of each id.

        Parameters
        ----------
        ids : Tensor, ndarray or list of integers, of any shape (…)

        Returns
        -------
        Tensor of shape (…, D), a copy of the rows

        Raises
        ------
        ValueError: an id outside the table ("Embedding: id 12 at position (0, 3) is outside …").
        TypeError: ids that are not integers.

        Cost: D * itemsize bytes an id.

        >>> embedding = Embedding(3, 2)
        >>> embedding.weight.data[:] = [[0, 0], [1, 10], [2, 20]]
        >>> embedding([2, 1])
        Tensor([[ 2., 20.],
                [ 1., 10.]], shape=(2, 2))
        """
        return EmbeddingFunction.apply(self.weight, check_ids("Embedding", ids, self.vocab_size), self.padding_idx)

    def extra_repr(self):
        """Return the arguments, as the layer is printed."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"vocab_size={self.vocab_size}, embed_dim={self.embed_dim}{padding}"


def check_padding(padding_idx, vocab_size):
    """Return the id that stands for nothing, counted from 0, or raise when there is no such id.

    Raises
    ------
    TypeError: not an integer. ValueError: no row of the table ("Embedding: padding_idx is 9; …").

    >>> check_padding(-1, 10)
    9
    """
    if not is_whole(padding_idx):
        raise TypeError(f"Embedding: padding_idx is {padding_idx!r}; it must be an integer, or None")
    if not -vocab_size <= padding_idx < vocab_size:
        raise ValueError(
            f"Embedding: padding_idx is {padding_idx}; with {vocab_size} ids it is from {-vocab_size} "
            f"to {vocab_size - 1}"
        )
    return int(padding_idx) % vocab_size


# Positions. A lookup gives a token the same vector wherever it stands; these say where.


def sinusoidal_positions(max_seq_len, embed_dim):
    """Return a table of positions made of waves, short ones in front.

    Column 2i is sin(position / 10000 ** (2i / D)), and column 2i + 1 the cosine of
    the same angle.

    Parameters
    ----------
    max_seq_len : int, the number of positions
    embed_dim : int, D

    Returns
    -------
    Tensor of shape (max_seq_len, D), values from -1 to 1

    Raises
    ------
    TypeError, ValueError: a size is not an integer of at least 1.

    Cost: one sine or cosine a value, once.

    References: Vaswani et al. 2017, Attention is all you need, section 3.5.

    >>> sinusoidal_positions(2, 4).data.round(2).tolist()[0]
    [0.0, 1.0, 0.0, 1.0]
    """
    max_seq_len = check_size("sinusoidal_positions", "max_seq_len", max_seq_len)
    embed_dim = check_size("sinusoidal_positions", "embed_dim", embed_dim)
    positions = np.arange(max_seq_len)[:, None]  # (T, 1)
    even = np.arange(0, embed_dim, 2)  # (D / 2,), rounded up
    angles = positions / 10000 ** (even / embed_dim)  # (T, D / 2)
    table = np.zeros((max_seq_len, embed_dim))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles)[:, : embed_dim // 2]  # one cosine fewer where D is odd
    return Tensor(table)


def check_positions(name, x, start, max_seq_len, embed_dim):
    """Return the positions of the vectors in x as a slice, or raise when the table has none for them.

    Parameters
    ----------
    name : str, the layer's name for the message
    x : Tensor of shape (…, T, D)
    start : int, the position of the first vector
    max_seq_len, embed_dim : int, the table's sizes

    Returns
    -------
    slice from start to start + T

    Raises
    ------
    TypeError: start is not an integer.
    ValueError: x is not (…, T, D), start is negative, or the sequence is too long
        ("PositionalEncoding: 9 positions from 0 on, and max_seq_len is 8; …").

    >>> check_positions("PositionalEncoding", Tensor(np.ones((2, 3, 4))), 5, 8, 4)
    slice(5, 8, None)
    """
    shape = x.data.shape
    if len(shape) < 2 or shape[-1] != embed_dim:
        raise ValueError(
            f"{name}: x has shape {shape} and needs (…, T, {embed_dim}): "
            f"a sequence of vectors of embed_dim={embed_dim} values"
        )
    if not is_whole(start):
        raise TypeError(f"{name}: start is {start!r}; it must be an integer, the first position")
    end = int(start) + shape[-2]
    if start < 0:
        raise ValueError(f"{name}: start is {start}; positions count from 0")
    if end > max_seq_len:
        raise ValueError(
            f"{name}: {shape[-2]} positions from {start} on, and max_seq_len is "
            f"{max_seq_len}; shorten the sequence, or make the layer for {end}"
        )
    return slice(int(start), end)


class PositionalEncoding(Layer):
    """Add the waves of `sinusoidal_positions` to a sequence. Nothing is learned.

    Parameters
    ----------
    max_seq_len : int, the longest sequence
    embed_dim : int, D

    Attributes
    ----------
    table : Tensor of shape (max_seq_len, D), a constant; also called position_embeddings

    Raises
    ------
    TypeError, ValueError: a size is not an integer of at least 1.

    Cost: 4 * max_seq_len * D bytes.

    >>> PositionalEncoding(8, 4)(Tensor(np.zeros((2, 3, 4)))).shape
    (2, 3, 4)
    """

    position_embeddings = also_called("table")

    def __init__(self, max_seq_len, embed_dim):
        self.max_seq_len = check_size("PositionalEncoding", "max_seq_len", max_seq_len)
        self.embed_dim = check_size("PositionalEncoding", "embed_dim", embed_dim)
        self.table = sinusoidal_positions(max_seq_len, embed_dim)

    def forward(self, x, start=0):
        """Return x plus the positions start, start + 1, ….

        Parameters
        ----------
        x : Tensor of shape (…, T, D)
        start : int, the position of x's first vector

        Returns
        -------
        Tensor of x's shape

        Raises
        ------
        TypeError, ValueError: as `check_positions`.

        Cost: 1 FLOP an element.

        >>> PositionalEncoding(8, 2)(Tensor([[1, 1]]))
        Tensor([[1., 2.]], shape=(1, 2))
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        where = check_positions("PositionalEncoding", x, start, self.max_seq_len, self.embed_dim)
        return x + self.table[where]  # (…, T, D) + (T, D)

    def extra_repr(self):
        """Return the sizes, as the layer is printed."""
        return f"max_seq_len={self.max_seq_len}, embed_dim={self.embed_dim}"


class LearnedPositionalEncoding(Layer):
    """Add a learned vector for each position to a sequence.

    Parameters
    ----------
    max_seq_len : int, the longest sequence
    embed_dim : int, D
    rng : None, int or numpy.random.Generator; see `default_rng`

    Attributes
    ----------
    weight : Parameter of shape (max_seq_len, D); also called position_embeddings

    Raises
    ------
    TypeError, ValueError: a size is not an integer of at least 1.

    Cost: 4 * max_seq_len * D bytes, all of them parameters. Positions that no training
    sequence reached keep their random first values.

    References: Gehring et al. 2017, Convolutional sequence to sequence learning; Radford et al.
    2018, GPT.

    >>> LearnedPositionalEncoding(8, 4)(Tensor(np.zeros((2, 3, 4)))).shape
    (2, 3, 4)
    """

    position_embeddings = also_called("weight")

    def __init__(self, max_seq_len, embed_dim, rng=None):
        self.max_seq_len = check_size("LearnedPositionalEncoding", "max_seq_len", max_seq_len)
        self.embed_dim = check_size("LearnedPositionalEncoding", "embed_dim", embed_dim)
        self.weight = Parameter(default_rng(rng).normal(0.0, SMALL, (self.max_seq_len, self.embed_dim)))

    def forward(self, x, start=0):
        """Return x plus the rows start, start + 1, … of the weight.

        Parameters
        ----------
        x : Tensor of shape (…, T, D)
        start : int, the position of x's first vector

        Returns
        -------
        Tensor of x's shape

        Raises
        ------
        TypeError, ValueError: as `check_positions`.

        Cost: 1 FLOP an element.

        >>> layer = LearnedPositionalEncoding(8, 2)
        >>> layer.weight.data[5] = [1, 2]
        >>> layer(Tensor([[10, 10]]), start=5)
        Tensor([[11., 12.]], shape=(1, 2))
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        where = check_positions("LearnedPositionalEncoding", x, start, self.max_seq_len, self.embed_dim)
        return x + self.weight[where]  # (…, T, D) + (T, D)

    def extra_repr(self):
        """Return the sizes, as the layer is printed."""
        return f"max_seq_len={self.max_seq_len}, embed_dim={self.embed_dim}"


class EmbeddingLayer(Layer):
    """What a language model does with token ids first: look up each token, add its position.

    Learned tables both start small, as in GPT-2. Waves are as large as 1, so next to them the
    tokens start with a standard deviation of 1.

    Parameters
    ----------
    vocab_size : int, V, the number of token ids
    embed_dim : int, D
    max_seq_len : int, the longest sequence
    positions : "learned" or "sinusoidal"
    rng : None, int or numpy.random.Generator; see `default_rng`

    Attributes
    ----------
    token : Embedding of V tokens
    position : LearnedPositionalEncoding or PositionalEncoding

    Raises
    ------
    TypeError, ValueError: a size is not an integer of at least 1, or there are no such positions.

    Cost: V * D parameters, and max_seq_len * D more where positions are learned.

    >>> layer = EmbeddingLayer(vocab_size=10, embed_dim=4, max_seq_len=8)
    >>> layer([[1, 2, 3]]).shape, sum(p.numel() for p in layer.parameters())
    ((1, 3, 4), 72)
    """

    def __init__(self, vocab_size, embed_dim, max_seq_len, positions="learned", rng=None):
        if positions not in ("learned", "sinusoidal"):
            raise ValueError(f'EmbeddingLayer: positions is {positions!r}; it must be "learned" or "sinusoidal"')
        check_size("EmbeddingLayer", "max_seq_len", max_seq_len)
        rng = default_rng(rng)
        if positions == "learned":
            self.token = Embedding(vocab_size, embed_dim, std=SMALL, rng=rng)
            self.position = LearnedPositionalEncoding(max_seq_len, embed_dim, rng)
        else:
            self.token = Embedding(vocab_size, embed_dim, rng=rng)
            self.position = PositionalEncoding(max_seq_len, embed_dim)

    def forward(self, ids, start=0):
        """Return the vectors of the tokens with their positions added.

        Parameters
        ----------
        ids : Tensor, ndarray or list of integers, shape (B, T) or (T,)
        start : int, the position of the first token; not 0 where earlier ones came before

        Returns
        -------
        Tensor of shape (B, T, D) or (T, D)

        Raises
        ------
        TypeError, ValueError: ids outside the vocabulary, or more positions than max_seq_len.

        Cost: B * T * D FLOPs for the additions.

        >>> EmbeddingLayer(10, 4, max_seq_len=8)([1, 2], start=6).shape
        (2, 4)
        """
        return self.position(self.token(ids), start)  # (B, T) to (B, T, D)


def nearest_rows(table, row, count=3):
    """Return the rows whose direction is nearest to that of one row, nearest first.

    Two vectors a and b are compared by the cosine of the angle between them,
    a · b / (|a| |b|): 1 in the same direction, 0 at a right angle, -1 in the
    opposite one. The row itself is left out. A row of zeros has no direction and
    counts as 0.

    Parameters
    ----------
    table : Tensor or ndarray of shape (V, D)
    row : int, from 0 to V - 1
    count : int, how many at most

    Returns
    -------
    (ndarray of int, shape (K,); ndarray of float, shape (K,), their cosines)
        K is count, and V - 1 where there are no more

    Raises
    ------
    TypeError, ValueError: no such row, or count below 1.

    Cost: 4 * V * D FLOPs and a sort of V numbers.

    >>> table = np.array([[1.0, 0.0], [0.0, 2.0], [5.0, 5.0]])
    >>> rows, cosines = nearest_rows(table, 0)
    >>> rows.tolist(), cosines.round(3).tolist()
    ([2, 1], [0.707, 0.0])
    """
    table = read_numbers(table)
    row = int(check_ids("nearest_rows", row, len(table)))
    count = check_size("nearest_rows", "count", count)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)  # (V, 1)
    directions = table / np.where(lengths == 0, 1, lengths)
    cosines = directions @ directions[row]  # (V, D) @ (D,)
    order = np.argsort(-cosines, kind="stable")
    order = order[order != row][:count]
    return order, cosines[order]
