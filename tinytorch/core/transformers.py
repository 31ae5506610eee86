"""Transformers: blocks of attention and MLP, stacked into a GPT that continues a text.

Built in chapter 13. Depends on tensor (01), activations (02), layers (03), autograd (06),
tokenization (10), embeddings (11) and attention (12).

The file reads from top to bottom: `LayerNorm`, the `MLP`, the `TransformerBlock` made of both and
of attention, then how one token is drawn from a row of logits (`sample_next`), and last `GPT`.

Letters in the shapes: B sequences, T positions, D features, V tokens in the vocabulary.

References: Vaswani et al. 2017, "Attention is all you need"; Radford et al. 2019, "Language models
are unsupervised multitask learners" (GPT-2: normalization before each part, learned positions).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from tinytorch.core.activations import GELU
from tinytorch.core.attention import MultiHeadAttention, create_causal_mask
from tinytorch.core.autograd import Function, no_grad
from tinytorch.core.embeddings import EmbeddingLayer
from tinytorch.core.layers import Dropout, Layer, Linear, Parameter, also_called, check_size, default_rng
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.tensor import Tensor, read_numbers, wrap
from tinytorch.core.tokenization import check_ids


def mean_of_rows(array):
    """Return the mean along the last axis, which is kept with size 1.

    For many short rows einsum is several times faster than `array.mean(-1)`, which starts anew
    for each row.

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
    return np.einsum("...d->...", array)[..., None] / array.shape[-1]


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
        centred = x.data - mean_of_rows(x.data)
        variance = np.einsum("...d,...d->...", centred, centred)[..., None] / x.shape[-1]  # (…, 1)
        self.scale = 1 / np.sqrt(variance + eps)
        centred *= self.scale
        self.normalized = centred
        result = centred * weight.data
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
        if not eps >= 0:
            raise ValueError(f"LayerNorm: eps is {eps}; it is added to the variance, so it must be 0 or larger")
        self.eps = eps
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
        x = x if isinstance(x, Tensor) else Tensor(x)
        if x.shape[-1:] != (self.normalized_shape,):
            raise ValueError(
                f"LayerNorm: x has shape {x.shape} and the layer normalized_shape="
                f"{self.normalized_shape}; the last axis of x must have that many values"
            )
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
        """Return down(gelu(up(x))).

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
        """Return x after one round of looking around and one of thinking alone.

        Parameters
        ----------
        x : Tensor of shape (B, T, D)
        mask, remember : as for `MultiHeadAttention.forward`

        Returns
        -------
        Tensor of shape (B, T, D)

        Cost: 24 * B * T * D * D + 4 * B * T * T * D FLOPs in matrix products.
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        x = x + self.dropout(self.attention(self.norm1(x), mask, remember))
        return x + self.dropout(self.mlp(self.norm2(x)))


# From logits to the next token.


def keep_top_k(logits, k):
    """Return logits in which all but the k largest of each row are -inf.

    Of equal logits the one with the lower token id counts as larger, so exactly k stay.

    Parameters
    ----------
    logits : ndarray of shape (B, V)
    k : int; all of V stay where it is larger than V

    Returns
    -------
    ndarray of shape (B, V)

    Cost: sorting V numbers a row.

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


def sample_next(logits, temperature=1.0, top_k=None, rng=None):
    """Draw the next token of each sequence from softmax(logits / temperature).

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

    Cost: some passes over B * V numbers, in float64.

    >>> sample_next(np.array([[0.0, 2.0, 1.0]]), temperature=0)
    array([1])
    """
    check_sampling(temperature, top_k)
    logits = read_numbers(logits).astype(np.float64)
    if logits.ndim != 2 or logits.shape[-1] == 0:
        raise ValueError(f"sample_next: logits of shape {logits.shape}; they must be (B, V), a row for each sequence")
    largest = logits.max(axis=-1, keepdims=True)
    if not np.isfinite(largest).all():
        row = int(np.argmin(np.isfinite(largest)))
        raise ValueError(
            f"sample_next: row {row} of the logits has {largest[row, 0]} as its largest value; "
            "no chances follow from it, so look for the layer that made it"
        )
    if temperature == 0:
        return logits.argmax(axis=-1)
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    chances = np.exp((logits - largest) / temperature)
    edges = chances.cumsum(axis=-1)  # (B, V): token v owns the stretch from edge v - 1 to edge v
    point = default_rng(rng).random((len(logits), 1)) * edges[:, -1:]
    return (edges <= point).sum(axis=-1)


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
        """Return the logits of the next token after each position, or with targets the mean loss.

        Parameters
        ----------
        ids : Tensor, ndarray or lists of int of shape (B, T), token ids
        targets : Tensor, ndarray or lists of int of shape (B, T), the tokens that should follow; or None
        start : int, the position of the first of them, where earlier ones are remembered
        remember : function, optional: gets the number of a block and its keys and values, and
            returns the keys and values from position 0 on (see `MultiHeadAttention.forward`)

        Returns
        -------
        Tensor of shape (B, T, V); with targets the cross-entropy, of shape ()

        Raises
        ------
        ValueError, TypeError: ids that are not (B, T) integers from 0 to V - 1, or too many of them
            ("GPT: 9 tokens from position 0 on, and max_seq_len is 8 …").

        Cost: 24 * num_layers * D * D + 2 * V * D FLOPs a position, and what attention adds.
        """
        ids = self.check_shape(ids)
        T = ids.shape[1]
        if start + T > self.max_seq_len:
            raise ValueError(
                f"GPT: {T} tokens from position {start} on, and max_seq_len is "
                f"{self.max_seq_len}; pass only the last ones: ids[:, -{self.max_seq_len}:]"
            )
        # A single last position may look at everything: no mask needed.
        mask = None if T == 1 else create_causal_mask(start + T)[start:]  # (T, start + T)
        x = self.dropout(self.embedding(ids, start))  # (B, T) -> (B, T, D)
        for number, block in enumerate(self.blocks):
            x = block(x, mask, None if remember is None else partial(remember, number))
        logits = self.logits(self.norm(x))
        return logits if targets is None else CrossEntropyLoss()(logits, targets)

    def logits(self, x):
        """Return the scores of all tokens for features x: (B, T, D) -> (B, T, V)."""
        if self.head is None:
            return x @ self.embedding.token.weight.transpose(0, 1)  # (B, T, D) @ (D, V) -> (B, T, V)
        return self.head(x)

    def check_shape(self, ids):
        """Return ids as an array of shape (B, T), or raise when they are no sequences.

        What the ids are is checked where they are looked up, in `Embedding`.

        Raises
        ------
        ValueError: not two axes, or no token ("GPT: ids of shape …").

        >>> GPT(4, 2, 1, 1, 8).check_shape([[1, 3]])
        array([[1, 3]])
        """
        ids = read_numbers(ids)
        if ids.ndim != 2 or ids.shape[1] == 0:
            raise ValueError(
                f"GPT: ids of shape {ids.shape}; they must be (B, T) with at least one token, "
                "so write one sequence as [[1, 2, 3]]"
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

        Every token is drawn from the model's prediction and becomes part of the input of the next.
        Dropout is off and no gradients are recorded meanwhile; afterwards all is as before.

        Parameters
        ----------
        ids : Tensor, ndarray or lists of int of shape (B, T), the beginning; only the last max_seq_len count
        max_new_tokens : int, 0 or more
        temperature, top_k : as for `sample_next`; temperature 0 always takes the likeliest token
        seed : None, int or numpy.random.Generator; an int gives the same text each time

        Returns
        -------
        Tensor of int64 of shape (B, T + max_new_tokens)

        Raises
        ------
        ValueError, TypeError: as `forward` and `sample_next`, before anything is computed.

        Cost: a forward a token: n tokens cost n times up to max_seq_len positions.
        """
        check_sampling(temperature, top_k)
        check_size("GPT.generate", "max_new_tokens", max_new_tokens, least=0)
        rng = default_rng(seed)
        ids = check_ids("GPT.generate", self.check_shape(ids), self.vocab_size)
        modes = [(layer, layer.training) for layer in (self, *self.sublayers())]
        self.eval()
        try:
            with no_grad():
                for _ in range(max_new_tokens):
                    token = sample_next(self.next_logits(ids), temperature, top_k, rng)
                    ids = np.concatenate([ids, token[:, None]], axis=1)  # (B, T) -> (B, T + 1)
        finally:
            for layer, mode in modes:
                layer.training = mode
        return Tensor(ids, dtype=np.int64)
