"""Transformers: blocks of attention and MLP, stacked into a GPT that continues a text.

Built in chapter 13. Depends on tensor (01), activations (02), layers (03), losses (04), autograd (06),
training (08), tokenization (10), embeddings (11) and attention (12).

The file reads from top to bottom: `LayerNorm`, the `MLP`, the `TransformerBlock` made of both and
of attention, then how one token is drawn from a row of logits (`sample_next`), and `GPT`. At the end
stand three parts of later models, which GPT does without: `RMSNorm`, positions as rotations, and
queries that share keys.

Letters in the shapes: B sequences, T positions, D features, V tokens in the vocabulary.

References: Vaswani et al. 2017, "Attention is all you need"; Radford et al. 2019, "Language models
are unsupervised multitask learners" (GPT-2: normalization before each part, learned positions).
"""

from __future__ import annotations

import math
from functools import lru_cache, partial

import numpy as np

from tinytorch.core.activations import GELU
from tinytorch.core.attention import (
    MultiHeadAttention,
    create_causal_mask,
    mask_for_heads,
    merge_heads,
    scaled_dot_product_attention,
    split_heads,
)
from tinytorch.core.autograd import Function, no_grad
from tinytorch.core.embeddings import EmbeddingLayer
from tinytorch.core.layers import Dropout, Layer, Linear, Parameter, also_called, check_size, default_rng
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.tensor import Tensor, cat, read_numbers, wrap
from tinytorch.core.tokenization import check_ids, refuse_text
from tinytorch.core.training import evaluation_mode


@lru_cache
def column_of_ones(size, dtype):
    """Return an array of ones of shape (size, 1), the same for each call: do not write to it.

    >>> column_of_ones(2, np.dtype("float32")).tolist()
    [[1.0], [1.0]]
    """
    return np.ones((size, 1), dtype=dtype)


def mean_of_rows(array):
    """Return the mean along the last axis, which is kept with size 1.

    A product with a column of ones adds up each row, and is several times faster than `array.mean(-1)`: for
    many short rows, where that starts anew for each, and for a single one.

    Parameters
    ----------
    array : ndarray of shape (…, D)

    Returns
    -------
    ndarray of shape (…, 1)

    Cost: 1 FLOP an element, and 1 a row.

    >>> mean_of_rows(np.array([[1.0, 3.0], [5.0, 5.0]])).tolist()
    [[2.0], [5.0]]
    """
    D = array.shape[-1]
    return array @ column_of_ones(D, array.dtype) / D


def normalize_rows(x, eps):
    """Return each row with mean 0 and variance 1, and its factor.

    From each row its mean is taken away. The variance is the mean of the
    squares of what remains; the factor is 1 / sqrt(variance + eps).

    Parameters
    ----------
    x : ndarray of shape (…, D), rows of D numbers; it is not written to
    eps : float

    Returns
    -------
    (ndarray of shape (…, D), the rows; ndarray of shape (…, 1), the factors)

    Cost: 5 FLOPs an element, three arrays of x's size.

    >>> rows, factor = normalize_rows(np.array([[1.0, 5.0]]), eps=0.0)
    >>> rows.tolist(), factor.tolist()
    ([[-1.0, 1.0]], [[0.5]])
    """
    centred = x - mean_of_rows(x)
    variance = mean_of_rows(centred * centred)
    scale = 1 / np.sqrt(variance + eps)
    return centred * scale, scale


class Normalize(Function):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias along the last axis, as one operation.

    Attributes
    ----------
    normalized : ndarray of x's shape, (x - mean) / sqrt(variance + eps)
    scale : ndarray of shape (…, 1), 1 / sqrt(variance + eps)
    """

    def forward(self, x, weight, bias, eps):
        """Return y.

        Parameters
        ----------
        x : Tensor of shape (…, D)
        weight, bias : Tensor of shape (D,)
        eps : float

        Returns
        -------
        Tensor of shape (…, D)

        Cost: 8 FLOPs an element; the normalized x is kept for the way back.

        >>> Normalize.apply(Tensor([1.0, 3.0]), Tensor([1.0, 1.0]), Tensor([0.0, 0.0]), 0.0)
        Tensor([-1.,  1.], shape=(2,))
        """
        self.normalized, self.scale = normalize_rows(x.data, eps)
        result = self.normalized * weight.data
        result += bias.data
        return wrap(result, x)

    def backward(self, grad_output, x, weight, bias, eps):
        """Return the gradients of x, weight and bias.

        Mean and variance depend on every element of the row. What they take away is the part
        of the gradient that is constant along the row, and the part along the normalized row:
        grad_x = scale * (g - mean(g) - normalized * mean(g * normalized)), g = grad_output * weight.

        Cost: 9 FLOPs an element, two new arrays of x's size.
        """
        D = x.shape[-1]
        rows, normalized = grad_output.reshape(-1, D), self.normalized.reshape(-1, D)  # (…, D) -> (N, D)
        grad_weight = np.einsum("nd,nd->d", rows, normalized) if self.needs[1] else None
        grad_bias = rows.sum(axis=0) if self.needs[2] else None
        if not self.needs[0]:
            return None, grad_weight, grad_bias
        grad = grad_output * weight.data
        along = np.einsum("...d,...d->...", grad, self.normalized)[..., None] / D  # (…, 1)
        grad -= mean_of_rows(grad)
        grad -= self.normalized * along
        grad *= self.scale
        return grad, grad_weight, grad_bias


def check_eps(name, eps):
    """Return eps, or raise when it cannot keep a division from 0.

    >>> check_eps("LayerNorm", 1e-5)
    1e-05
    """
    if not eps >= 0:
        raise ValueError(f"{name}: eps is {eps}; it is added before the root is taken, so it must be 0 or larger")
    return eps


def check_last_axis(name, x, size):
    """Return x as a Tensor, or raise when its last axis is not `size` long.

    >>> check_last_axis("LayerNorm", [[1, 2, 3]], 3).shape
    (1, 3)
    """
    x = x if isinstance(x, Tensor) else Tensor(x)
    if x.data.shape[-1:] != (size,):
        raise ValueError(
            f"{name}: x has shape {x.shape} and the layer normalized_shape="
            f"{size}; the last axis of x must have that many values"
        )
    return x


class LayerNorm(Layer):
    """Give every position mean 0 and variance 1 over its features, then a learned scale and shift.

    Each position is treated by itself, so neither the batch nor the other positions matter, and
    training and use do the same.

    Parameters
    ----------
    normalized_shape : int, D, the size of the last axis
    eps : float, added to the variance so that a constant row does not divide by 0

    Attributes
    ----------
    weight : Parameter of shape (D,), 1 at first; also called gamma
    bias : Parameter of shape (D,), 0 at first; also called beta

    Raises
    ------
    ValueError, TypeError: a size that is not an integer of at least 1, or eps below 0.

    References: Ba, Kiros and Hinton 2016, "Layer normalization".

    >>> LayerNorm(2, eps=0)(Tensor([[1, 3], [10, 30]]))
    Tensor([[-1.,  1.],
            [-1.,  1.]], shape=(2, 2))
    """

    gamma, beta = also_called("weight"), also_called("bias")

    def __init__(self, normalized_shape, eps=1e-5):
        self.normalized_shape = check_size("LayerNorm", "normalized_shape", normalized_shape)
        self.eps = check_eps("LayerNorm", eps)
        self.weight = Parameter(np.ones(self.normalized_shape, dtype=np.float32))
        self.bias = Parameter(np.zeros(self.normalized_shape, dtype=np.float32))

    def forward(self, x):
        """Return x normalized along its last axis.

        Parameters
        ----------
        x : Tensor of shape (…, D)

        Returns
        -------
        Tensor of shape (…, D)

        Raises
        ------
        ValueError: the last axis is not D long ("LayerNorm: x has shape …").

        Cost: 8 FLOPs an element. The variance divides by D, not by D - 1.
        """
        x = check_last_axis("LayerNorm", x, self.normalized_shape)
        return Normalize.apply(x, self.weight, self.bias, self.eps)

    def extra_repr(self):
        """Return the arguments, as the layer is printed."""
        return f"{self.normalized_shape}, eps={self.eps}"


class MLP(Layer):
    """What each position does by itself: widen, bend, narrow.

    Parameters
    ----------
    embed_dim : int, D
    hidden_dim : int, the width in between; 4 * D where nothing is said
    rng : None, int or numpy.random.Generator; see `default_rng`

    Attributes
    ----------
    up, down : Linear(D, hidden_dim) and Linear(hidden_dim, D); also called linear1 and linear2

    Cost: 2 * D * hidden_dim + hidden_dim + D parameters: two thirds of a block's.

    References: Hendrycks and Gimpel 2016, "Gaussian error linear units".

    >>> MLP(4)
    MLP(
      (up): Linear(in_features=4, out_features=16, bias=True)
      (act): GELU()
      (down): Linear(in_features=16, out_features=4, bias=True)
    )
    """

    linear1, linear2 = also_called("up"), also_called("down")

    def __init__(self, embed_dim, hidden_dim=None, rng=None):
        hidden_dim = 4 * check_size("MLP", "embed_dim", embed_dim) if hidden_dim is None else hidden_dim
        rng = default_rng(rng)
        self.up = Linear(embed_dim, hidden_dim, rng=rng)
        self.act = GELU()
        self.down = Linear(hidden_dim, embed_dim, rng=rng)

    def forward(self, x):
        """Return x widened, bent and narrowed again, each position by itself.

        Parameters
        ----------
        x : Tensor of shape (…, D)

        Returns
        -------
        Tensor of shape (…, D)

        Cost: 4 * D * hidden_dim FLOPs a position.
        """
        return self.down(self.act(self.up(x)))


class TransformerBlock(Layer):
    """Attention, then MLP, each as an addition to what is there already.

    x = x + attention(norm1(x)), then x = x + mlp(norm2(x)). The sum lets a gradient reach the
    first block unchanged, however many blocks follow.

    Parameters
    ----------
    embed_dim : int, D
    num_heads : int, a divisor of D
    dropout : float, the part of each addition that is dropped in training
    rng : None, int or numpy.random.Generator; see `default_rng`
    mlp_ratio : number, how many times wider than D the middle of the MLP is

    Attributes
    ----------
    norm1, norm2 : LayerNorm, also called ln1 and ln2; attention : MultiHeadAttention; mlp : MLP; dropout : Dropout

    References: Xiong et al. 2020, "On layer normalization in the transformer architecture" (why
    the normalization stands before each part).

    >>> TransformerBlock(8, num_heads=2)(Tensor(np.zeros((1, 5, 8)))).shape
    (1, 5, 8)
    """

    ln1, ln2 = also_called("norm1"), also_called("norm2")

    def __init__(self, embed_dim, num_heads, dropout=0.0, rng=None, mlp_ratio=4):
        rng = default_rng(rng)
        self.norm1 = LayerNorm(embed_dim)
        self.attention = MultiHeadAttention(embed_dim, num_heads, rng=rng)
        self.norm2 = LayerNorm(embed_dim)
        self.mlp = MLP(embed_dim, int(embed_dim * mlp_ratio), rng=rng)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, x, mask=None, remember=None):
        """Return x plus what attention adds, and plus what the MLP adds to that.

        Parameters
        ----------
        x : Tensor of shape (B, T, D)
        mask, remember : as for `MultiHeadAttention.forward`

        Returns
        -------
        Tensor of shape (B, T, D)

        Cost: 24 * B * T * D * D + 4 * B * T * T * D FLOPs in matrix products.
        """
        x = x + self.dropout(self.attention(self.norm1(x), mask, remember))
        return x + self.dropout(self.mlp(self.norm2(x)))


# From logits to the next token.


def keep_top_k(logits, k):
    """Return logits in which all but the k largest of each row are -inf.

    Of equal logits the one with the lower token id counts as larger.

    Parameters
    ----------
    logits : ndarray of shape (B, V)
    k : int; all of V stay where it is larger than V

    Returns
    -------
    ndarray of shape (B, V)

    Cost: a sort of V numbers a row.

    >>> keep_top_k(np.array([[1.0, 3.0, 2.0]]), 2).tolist()
    [[-inf, 3.0, 2.0]]
    """
    largest = np.argsort(-logits, axis=-1, kind="stable")[:, :k]  # (B, k)
    kept = np.full_like(logits, -np.inf)
    np.put_along_axis(kept, largest, np.take_along_axis(logits, largest, axis=-1), axis=-1)
    return kept


def check_sampling(temperature, top_k):
    """Raise when no token can be drawn with these settings.

    >>> check_sampling(temperature=0.8, top_k=None)
    """
    if not 0 <= temperature < np.inf:
        raise ValueError(
            f"temperature is {temperature}; it divides the logits, so it must be 0 (always the "
            "likeliest token) or larger: below 1 safer, above 1 wilder"
        )
    if top_k is not None:
        check_size("sample_next", "top_k", top_k)


def check_logits(logits):
    """Return logits as an array of float64, or raise when no chances follow from them.

    Raises
    ------
    ValueError: not (B, V), or a row without a largest finite number ("sample_next: row 0 of …").

    >>> check_logits([[0, 2, 1]])
    array([[0., 2., 1.]])
    """
    logits = read_numbers(logits).astype(np.float64)
    if logits.ndim != 2 or logits.shape[-1] == 0:
        raise ValueError(f"sample_next: logits of shape {logits.shape}; they must be (B, V), a row for each sequence")
    largest = logits.max(axis=-1).tolist()
    if not all(map(math.isfinite, largest)):
        row = int(np.argmin(np.isfinite(largest)))
        raise ValueError(
            f"sample_next: row {row} of the logits has {largest[row]} as its largest value; "
            "no chances follow from it, so look for the layer that made it"
        )
    return logits


def next_chances(logits, temperature=1.0, top_k=None):
    """Return how likely each token comes next.

    Temperature 0 gives the whole chance to the largest logit; of equal ones
    to the lower id. With top_k only the k largest logits have a chance.

    Parameters
    ----------
    logits : Tensor or ndarray of shape (B, V)
    temperature : float
    top_k : int, or None for all tokens

    Returns
    -------
    ndarray of float64 of shape (B, V), each row sums to 1

    Raises
    ------
    ValueError, TypeError: as `check_sampling` and `check_logits`.

    Cost: some passes over B * V numbers, and with top_k a sort.

    >>> logits = np.log([[1.0, 3.0, 4.0]])
    >>> next_chances(logits, temperature=0.5, top_k=2).round(2).tolist()
    [[0.0, 0.36, 0.64]]
    """
    check_sampling(temperature, top_k)
    logits = check_logits(logits)
    if temperature == 0:
        temperature, top_k = 1.0, 1
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    largest = logits.max(axis=-1, keepdims=True)
    chances = np.exp((logits - largest) / temperature)
    return chances / chances.sum(axis=-1, keepdims=True)


def sample_next(logits, temperature=1.0, top_k=None, rng=None):
    """Draw the next token of each sequence, each token as often as `next_chances` says.

    Parameters
    ----------
    logits : Tensor or ndarray of shape (B, V)
    temperature : float; 0 takes the largest logit, without chance
    top_k : int, optional; only the k largest logits can be drawn
    rng : None, int or numpy.random.Generator; see `default_rng`. One number a sequence is drawn.

    Returns
    -------
    ndarray of int64 of shape (B,), token ids

    Raises
    ------
    ValueError: a temperature below 0, a top_k below 1, logits that are not (B, V), or a row
        without a largest finite number ("sample_next: row 0 of the logits …").
    TypeError: a top_k that is not an integer.

    Cost: that of `next_chances`, and a pass over B * V numbers.

    >>> sample_next(np.array([[0.0, 2.0, 1.0]]), temperature=0)
    array([1])
    """
    chances = next_chances(logits, temperature, top_k)
    edges = chances.cumsum(axis=-1)  # (B, V): token v owns the stretch from edge v - 1 to edge v
    point = default_rng(rng).random((len(chances), 1)) * edges[:, -1:]
    return (edges <= point).sum(axis=-1)


def gpt_parameters(vocab_size, embed_dim, num_layers, max_seq_len, tie_weights=False):
    """Return how many parameters a `GPT` of these sizes has.

    The number of heads does not matter: they share the features.

    Parameters
    ----------
    vocab_size, embed_dim, num_layers, max_seq_len, tie_weights : as for `GPT`

    Returns
    -------
    int

    Cost: a few multiplications, for a model of any size.

    >>> gpt_parameters(vocab_size=11, embed_dim=6, num_layers=2, max_seq_len=16)
    1260
    """
    D = embed_dim
    attention = 4 * (D * D + D)
    mlp = D * 4 * D + 4 * D + 4 * D * D + D
    norm = 2 * D
    tables = vocab_size * D + max_seq_len * D
    head = 0 if tie_weights else D * vocab_size
    return tables + num_layers * (attention + mlp + 2 * norm) + norm + head


def causal_rows(start, count):
    """Return which positions `count` tokens from `start` on may look at: the causal mask's last rows.

    A single token may look at everything before it, which needs no mask: None.

    >>> causal_rows(1, 2).data.tolist()
    [[True, True, False], [True, True, True]]
    """
    return None if count == 1 else create_causal_mask(start + count)[start:]  # (count, start + count)


def memory_of(remember, number):
    """Return what block `number` hands its keys and values to: `remember`, told the number; or None.

    >>> memory_of(lambda number, keys, values: (number, keys, values), 3)("keys", "values")
    (3, 'keys', 'values')
    """
    return None if remember is None else partial(remember, number)


class GPT(Layer):
    """A stack of transformer blocks that says, at every position, which token comes next.

    Parameters
    ----------
    vocab_size : int, V, the number of tokens
    embed_dim : int, D
    num_layers : int, the number of blocks
    num_heads : int, a divisor of D
    max_seq_len : int, the most positions it can look at
    tie_weights : bool; True uses the token embedding also as the head, V * D parameters fewer
    dropout : float, the part dropped in training after the embedding and in each block
    rng : None, int or numpy.random.Generator; see `default_rng`

    Attributes
    ----------
    embedding : EmbeddingLayer; blocks : list of TransformerBlock; norm : LayerNorm
    head : Linear(D, V, bias=False), or None with tied weights

    Raises
    ------
    ValueError, TypeError: a size that is not an integer of at least 1, or D is not a multiple of num_heads.

    Cost: about 12 * num_layers * D * D + 2 * V * D parameters, V * D fewer with tied weights.

    References: Press and Wolf 2017, "Using the output embedding to improve language models" (tied weights).

    >>> model = GPT(vocab_size=10, embed_dim=8, num_layers=2, num_heads=2, max_seq_len=16)
    >>> model(Tensor([[1, 2, 3]], dtype=np.int64)).shape
    (1, 3, 10)
    >>> model.generate([[1, 2, 3]], max_new_tokens=4, seed=0).shape
    (1, 7)
    """

    def __init__(
        self, vocab_size, embed_dim, num_layers, num_heads, max_seq_len=1024, tie_weights=False, dropout=0.0, rng=None
    ):
        self.vocab_size = check_size("GPT", "vocab_size", vocab_size)
        self.max_seq_len = check_size("GPT", "max_seq_len", max_seq_len)
        num_layers = check_size("GPT", "num_layers", num_layers)
        rng = default_rng(rng)
        self.embedding = EmbeddingLayer(vocab_size, embed_dim, max_seq_len, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)
        self.blocks = [TransformerBlock(embed_dim, num_heads, dropout, rng=rng) for _ in range(num_layers)]
        self.norm = LayerNorm(embed_dim)
        self.head = None if tie_weights else Linear(embed_dim, vocab_size, bias=False, rng=rng)

    def forward(self, ids, targets=None, start=0, remember=None):
        """Return the logits after each position, or with targets the mean loss.

        Parameters
        ----------
        ids : Tensor, ndarray or lists of int of shape (B, T), token ids
        targets : the same, the tokens that should follow; or None
        start : int, the position of the first id, where earlier ones are kept
        remember : function, optional: gets a block's number, keys and values,
            returns those from position 0 on (see `MultiHeadAttention.forward`)

        Returns
        -------
        Tensor of shape (B, T, V); with targets the cross-entropy, of shape ()

        Raises
        ------
        ValueError, TypeError: ids that are not (B, T) integers from 0 to V - 1,
            or too many of them ("GPT: 9 tokens from position 0 on, …").

        Cost: 24 * num_layers * D * D + 2 * V * D FLOPs a position, and what
        attention adds.
        """
        ids = self.check_window(ids, start)
        mask = causal_rows(start, ids.shape[1])  # (T, start + T)
        x = self.dropout(self.embedding(ids, start))  # (B, T) -> (B, T, D)
        for number, block in enumerate(self.blocks):
            x = block(x, mask, memory_of(remember, number))
        logits = self.logits(self.norm(x))
        return logits if targets is None else CrossEntropyLoss()(logits, targets)

    def logits(self, x):
        """Return the scores of all tokens, by the head or by the token table.

        Parameters
        ----------
        x : Tensor of shape (…, D)

        Returns
        -------
        Tensor of shape (…, V)

        Cost: 2 * V * D FLOPs a position.
        """
        if self.head is None:
            return x @ self.embedding.token.weight.transpose(0, 1)  # (…, D) @ (D, V) -> (…, V)
        return self.head(x)

    def check_shape(self, ids):
        """Return ids as an array of shape (B, T), or raise when they are no sequences.

        What the ids are is checked where they are looked up, in `Embedding`.

        Raises
        ------
        ValueError: not two axes, or no token ("GPT: ids of shape …").
        TypeError: a text ("GPT: got text …").

        >>> GPT(4, 2, 1, 1, 8).check_shape([[1, 3]])
        array([[1, 3]])
        """
        refuse_text("GPT", ids)
        ids = read_numbers(ids)
        if ids.ndim != 2 or ids.shape[1] == 0:
            raise ValueError(
                f"GPT: ids of shape {ids.shape}; they must be (B, T) with at least one token, "
                "so write one sequence as [[1, 2, 3]]"
            )
        return ids

    def check_window(self, ids, start):
        """Return ids as an array of shape (B, T), or raise when they are no sequences or leave the window.

        Raises
        ------
        ValueError: as `check_shape`, or more positions than max_seq_len ("GPT: 9 tokens from position …").

        >>> GPT(4, 2, 1, 1, 8).check_window([[1, 3]], start=6)
        array([[1, 3]])
        """
        ids = self.check_shape(ids)
        T = ids.shape[1]
        if start + T > self.max_seq_len:
            raise ValueError(
                f"GPT: {T} tokens from position {start} on, and max_seq_len is "
                f"{self.max_seq_len}; pass only the last ones: ids[:, -{self.max_seq_len}:]"
            )
        return ids

    def next_logits(self, ids):
        """Return the logits of the token that follows ids, of which the last max_seq_len are looked at.

        Parameters
        ----------
        ids : ndarray of int64 of shape (B, T), T of any length

        Returns
        -------
        ndarray of shape (B, V)

        Cost: a whole forward, whose logits at all other positions are thrown away.
        """
        return self.forward(ids[:, -self.max_seq_len :]).data[:, -1]  # (B, T, V) -> (B, V)

    def generate(self, ids, max_new_tokens, temperature=1.0, top_k=None, seed=None):
        """Continue each sequence token by token.

        Every token is drawn from the model's prediction and becomes part of
        the input of the next. Dropout is off and no gradients are recorded
        meanwhile; afterwards all is as before.

        Parameters
        ----------
        ids : Tensor, ndarray or lists of int of shape (B, T), the beginning;
            only the last max_seq_len count
        max_new_tokens : int, 0 or more
        temperature, top_k : as for `sample_next`
        seed : None, int or Generator; an int gives the same text each time

        Returns
        -------
        Tensor of int64 of shape (B, T + max_new_tokens)

        Raises
        ------
        ValueError, TypeError: as `forward` and `sample_next`, at once.

        Cost: a forward a token, of up to max_seq_len positions.
        """
        check_sampling(temperature, top_k)
        check_size("GPT.generate", "max_new_tokens", max_new_tokens, least=0)
        ids = check_ids("GPT.generate", self.check_shape(ids), self.vocab_size)
        rng = default_rng(seed)
        with no_grad(), evaluation_mode(self):
            for _ in range(max_new_tokens):
                token = sample_next(self.next_logits(ids), temperature, top_k, rng)
                ids = np.concatenate([ids, token[:, None]], axis=1)  # (B, T) -> (B, T + 1)
        return Tensor(ids, dtype=np.int64)


# What later models do otherwise.


class RMSNorm(Layer):
    """Scale every position to a mean square of 1 over its features, then by a learned weight.

    The mean stays where it is, and there is no shift.

    Parameters
    ----------
    normalized_shape : int, D, the size of the last axis
    eps : float, added to the mean square so that a row of zeros does not divide by 0

    Attributes
    ----------
    weight : Parameter of shape (D,), 1 at first

    Raises
    ------
    ValueError, TypeError: a size that is not an integer of at least 1, or eps below 0.

    References: Zhang and Sennrich 2019, "Root mean square layer normalization".

    >>> RMSNorm(2, eps=0)(Tensor([[1, 7]]))
    Tensor([[0.2, 1.4]], shape=(1, 2))
    """

    def __init__(self, normalized_shape, eps=1e-5):
        self.normalized_shape = check_size("RMSNorm", "normalized_shape", normalized_shape)
        self.eps = check_eps("RMSNorm", eps)
        self.weight = Parameter(np.ones(self.normalized_shape, dtype=np.float32))

    def forward(self, x):
        """Return x / sqrt(mean of its squares + eps), times the weight.

        Parameters
        ----------
        x : Tensor of shape (…, D)

        Returns
        -------
        Tensor of shape (…, D)

        Raises
        ------
        ValueError: the last axis is not D long ("RMSNorm: x has shape …").

        Cost: 4 FLOPs an element.
        """
        x = check_last_axis("RMSNorm", x, self.normalized_shape)
        mean_square = (x * x).mean(axis=-1, keepdims=True)  # (…, 1)
        return x / (mean_square + self.eps).sqrt() * self.weight

    def extra_repr(self):
        """Return the arguments, as the layer is printed."""
        return f"{self.normalized_shape}, eps={self.eps}"


def position_angles(positions, half, base=10000.0):
    """Return the angle by which each pair of features turns at each position.

    Pair i turns by base ** (-i / half) a position: the first pair by 1, the others ever more slowly.

    Parameters
    ----------
    positions : ndarray of int of shape (T,)
    half : int, the number of pairs

    Returns
    -------
    ndarray of float64 of shape (T, half), in radians

    >>> position_angles(np.array([0, 3]), 2).tolist()
    [[0.0, 0.0], [3.0, 0.03]]
    """
    return positions[:, None] * base ** (-np.arange(half) / half)  # (T, 1) * (half,)


def rotate_by_position(x, start=0):
    """Turn the features of each position by angles that grow with it.

    Features i and i + D / 2 are a pair, the coordinates of a point, which is
    turned around the origin. The dot product of a query at position m and a
    key at position n then depends on m - n alone.

    Parameters
    ----------
    x : Tensor of shape (…, T, D), queries or keys; D is even
    start : int, the position of the first of them

    Returns
    -------
    Tensor of x's shape

    Raises
    ------
    ValueError: fewer than two axes, or an odd D.

    Cost: 3 FLOPs an element. No parameters.

    References: Su et al. 2021, "RoFormer: enhanced transformer with rotary
    position embedding".

    >>> rotate_by_position(Tensor([[1, 0], [1, 0]])).data.round(2)
    array([[1.  , 0.  ],
           [0.54, 0.84]], dtype=float32)
    """
    half = check_pairs(x)
    angles = position_angles(np.arange(start, start + x.shape[-2]), half)  # (T, D / 2)
    cos, sin = wrap(np.cos(angles), x), wrap(np.sin(angles), x)
    first, second = x[..., :half], x[..., half:]
    return cat([first * cos - second * sin, first * sin + second * cos], axis=-1)


def check_pairs(x):
    """Return how many pairs the features of x make, or raise when they make none.

    >>> check_pairs(Tensor([[1, 2, 3, 4]]))
    2
    """
    if x.ndim < 2 or x.shape[-1] == 0 or x.shape[-1] % 2:
        raise ValueError(
            f"rotate_by_position: x has shape {x.shape} and needs (…, T, D) with an even D; features turn in pairs"
        )
    return x.shape[-1] // 2


def repeat_heads(x, times):
    """Return each head several times, side by side: 0, 0, 1, 1, … for 2.

    Parameters
    ----------
    x : Tensor of shape (B, H, T, D), keys or values
    times : int

    Returns
    -------
    Tensor of shape (B, H * times, T, D)

    Cost: times the bytes of x. Backward adds up the gradients of the copies.

    >>> repeat_heads(Tensor([[[[1]], [[2]]]]), 2).data.ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    heads = np.arange(x.shape[1]).repeat(times)  # 0, 0, 1, 1, …
    return x[:, heads]  # (B, H, T, D) -> (B, H * times, T, D)


class GroupedQueryAttention(MultiHeadAttention):
    """Attention in which groups of query heads share the keys and values of one head.

    Parameters
    ----------
    embed_dim, num_heads, rng : as for `MultiHeadAttention`
    num_kv_heads : int, a divisor of num_heads, the number of heads with keys and values of their own

    Attributes
    ----------
    q_proj, out_proj : Linear(D, D); k_proj, v_proj : Linear(D, num_kv_heads * D / num_heads)

    Raises
    ------
    ValueError, TypeError: as `MultiHeadAttention`, or num_heads is not a multiple of num_kv_heads.

    Cost: keys and values, and a cache of them, take num_kv_heads / num_heads of the bytes.

    References: Ainslie et al. 2023, "GQA: training generalized multi-query transformer models".

    >>> GroupedQueryAttention(8, num_heads=4, num_kv_heads=2)(Tensor(np.zeros((1, 5, 8)))).shape
    (1, 5, 8)
    """

    def __init__(self, embed_dim, num_heads, num_kv_heads, rng=None):
        rng = default_rng(rng)
        super().__init__(embed_dim, num_heads, rng=rng)
        self.num_kv_heads = check_size("GroupedQueryAttention", "num_kv_heads", num_kv_heads)
        if num_heads % num_kv_heads != 0:
            raise ValueError(
                f"GroupedQueryAttention: num_heads {num_heads} does not divide into {num_kv_heads} equal "
                "groups; choose a num_kv_heads that divides it"
            )
        self.k_proj = Linear(embed_dim, num_kv_heads * self.head_dim, rng=rng)
        self.v_proj = Linear(embed_dim, num_kv_heads * self.head_dim, rng=rng)

    def forward(self, x, mask=None, remember=None):
        """Return each position's features after looking at the others.

        Parameters, Returns, Raises : as for `MultiHeadAttention.forward`. What `remember` gets and returns
        has num_kv_heads heads.
        """
        x = check_last_axis("GroupedQueryAttention", x, self.embed_dim)
        Q = split_heads(self.q_proj(x), self.num_heads)  # (B, T, D) -> (B, H, T, D / H)
        K = split_heads(self.k_proj(x), self.num_kv_heads)  # (B, T, …) -> (B, num_kv_heads, T, D / H)
        V = split_heads(self.v_proj(x), self.num_kv_heads)
        if remember is not None:
            K, V = remember(K, V)
        times = self.num_heads // self.num_kv_heads
        output, _ = scaled_dot_product_attention(
            Q, repeat_heads(K, times), repeat_heads(V, times), mask_for_heads(mask)
        )
        return self.out_proj(merge_heads(output))  # (B, H, T, D / H) -> (B, T, D)
