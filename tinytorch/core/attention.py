"""Attention: every position of a sequence takes what it needs from the others.

Built in chapter 12. Depends on tensor (01), layers (03) and autograd (06).

The file reads from the inside out: scores (`attention_scores`), how they become weights
(`masked_softmax`) and how a gradient goes back through that (`softmax_backward`), both as one
operation (`AttentionWeights`), attention itself (`scaled_dot_product_attention`), which keys a query
may look at (`create_causal_mask`, `check_mask`) and who looks all the same (`find_leaks`), the layer
that does it several times side by side (`MultiHeadAttention`), and the same without ever holding all
weights at once (`attention_in_blocks`).

Letters in the shapes: B sequences, T positions, D features, H heads; Tq queries, Tk keys.

References: Vaswani et al. 2017, "Attention is all you need"; Milakov and Gimelshein 2018, "Online
normalizer calculation for softmax"; Dao et al. 2022, "FlashAttention".
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.core.autograd import Function, unbroadcast
from tinytorch.core.layers import Layer, Linear, check_size, default_rng
from tinytorch.core.tensor import Tensor, broadcast_shape, from_numpy, is_whole, read_numbers, wrap

# Said of a refused mask of two axes: many have one line a sequence, True where there is no padding.
PADDING = "; a mask (B, T) that says which keys are no padding is written mask[:, None]"


def attention_scores(Q, K):
    """Return how well each query fits each key: dot products, divided by sqrt(D).

    Parameters
    ----------
    Q : ndarray of shape (…, Tq, D)
    K : ndarray of shape (…, Tk, D)

    Returns
    -------
    ndarray of shape (…, Tq, Tk), a row for each query and a column for each key

    Cost: 2 * Tq * Tk * D FLOPs, and one new array of Tq * Tk numbers.

    >>> K = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 4.0, 0.0, 0.0]])
    >>> attention_scores(np.array([[1.0, 0.0, 2.0, 0.0]]), K).tolist()
    [[1.5, 0.0]]
    """
    scaled = Q * (1 / math.sqrt(Q.shape[-1]))  # smaller than the scores
    return scaled @ K.swapaxes(-2, -1)  # (…, Tq, D) @ (…, D, Tk)


def masked_softmax(scores, allowed=None):
    """Turn each row of scores into weights that sum to 1, in the scores' memory.

    A key that is not allowed gets the score -inf, hence the weight exp(-inf),
    exactly 0. The row's largest score is subtracted first, so that no exponential
    overflows. A row without an allowed key, such as that of a padded position,
    has only weights of 0.

    Parameters
    ----------
    scores : ndarray of shape (…, Tq, Tk), overwritten
    allowed : ndarray of bool that broadcasts to it, or None for all

    Returns
    -------
    ndarray: `scores` itself, now holding the weights

    Cost: 5 passes over the scores, 1 exponential an element, no second array.

    >>> masked_softmax(np.zeros((2, 2)), np.array([[True, False], [True, True]]))
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    if allowed is not None:
        np.copyto(scores, -np.inf, where=~allowed)
    largest = scores.max(axis=-1, keepdims=True)
    largest[largest == -np.inf] = 0  # a row of -inf: -inf - -inf would be NaN
    scores -= largest
    np.exp(scores, out=scores)
    total = scores.sum(axis=-1, keepdims=True)
    total[total == 0] = 1
    scores /= total
    return scores


def softmax_backward(grad_output, weights):
    """Return the gradient of the scores, given that of the weights made of them.

    grad_scores = weights * (grad_output - sum(grad_output * weights)), the sum over
    each row alone: a row of weights adds up to 1 whatever happens, so what one
    gains the others lose.

    Parameters
    ----------
    grad_output : ndarray of shape (…, Tq, Tk); it must not be changed
    weights : ndarray of the same shape, softmax's result; it must not be changed

    Returns
    -------
    ndarray of the same shape, a new one; exactly 0 where the weight is

    Cost: 4 FLOPs an element, at most one array of this size beside the result.

    >>> softmax_backward(np.array([[1.0, 0.0]]), np.array([[0.75, 0.25]])).tolist()
    [[0.1875, -0.1875]]
    """
    inner = (grad_output * weights).sum(axis=-1, keepdims=True)  # (…, Tq, 1)
    grad_scores = grad_output - inner
    grad_scores *= weights
    return grad_scores


class AttentionWeights(Function):
    """weights = softmax(Q K^T / sqrt(D)) over the allowed keys, as one operation.

    One operation rather than four (product, scale, mask, softmax) because each would keep a
    (…, Tq, Tk) array for the way back; softmax needs only its own result.
    """

    def forward(self, Q, K, allowed=None):
        """Return the weights.

        Parameters
        ----------
        Q : Tensor of shape (…, Tq, D)
        K : Tensor of shape (…, Tk, D)
        allowed : ndarray of bool that broadcasts to (…, Tq, Tk), or None

        Returns
        -------
        Tensor of shape (…, Tq, Tk)

        Cost: 2 * Tq * Tk * D FLOPs for the product, 5 an element for the softmax.

        >>> AttentionWeights.apply(Tensor([[1.0]]), Tensor([[0.0], [np.log(3.0)]])).data.round(5).tolist()
        [[0.25, 0.75]]
        """
        return wrap(masked_softmax(attention_scores(Q.data, K.data), allowed), Q, K)

    def backward(self, grad_output, Q, K, allowed=None):
        """Return the gradients of Q and K: back through softmax, then grad_Q = grad_scores K / sqrt(D).

        Cost: 4 * Tq * Tk * D FLOPs, one new array of the scores' size.
        """
        grad_scores = softmax_backward(grad_output, self.output)
        grad_scores *= 1 / math.sqrt(Q.shape[-1])
        grad_Q = grad_K = None
        if self.needs[0]:
            grad_Q = unbroadcast(grad_scores @ K.data, Q.shape)
        if self.needs[1]:
            grad_K = unbroadcast(grad_scores.swapaxes(-2, -1) @ Q.data, K.shape)
        return grad_Q, grad_K, None


def check_attention_shapes(Q, K, V):
    """Return the scores' shape (…, Tq, Tk), or raise when Q, K and V do not belong together.

    Raises
    ------
    ValueError: an input with fewer than two axes, no features, no keys, or sizes that differ.

    >>> check_attention_shapes(Tensor(np.zeros((5, 4))), Tensor(np.zeros((3, 4))),
    ...                        Tensor(np.zeros((3, 2))))
    (5, 3)
    """
    q, k, v = Q.data.shape, K.data.shape, V.data.shape
    if len(q) < 2 or len(k) < 2 or len(v) < 2:
        raise ValueError(f"attention: Q {q}, K {k}, V {v}: each needs at least two axes, (…, positions, features)")
    if q[-1] != k[-1] or q[-1] == 0:
        raise ValueError(
            f"attention: Q {q}, K {k}, V {v}: queries have {q[-1]} features and keys {k[-1]}; "
            "a score is their dot product, so give both the same number, at least 1"
        )
    if k[-2] != v[-2] or k[-2] == 0:
        raise ValueError(
            f"attention: Q {q}, K {k}, V {v}: there are {k[-2]} keys and {v[-2]} values; "
            "each key needs its value, and at least one key is needed"
        )
    front = q[:-2] if q[:-2] == k[:-2] else broadcast_shape(q[:-2], k[:-2])
    return front + (q[-2], k[-2])


def scaled_dot_product_attention(Q, K, V, mask=None):
    """Return attention's output and its weights: softmax(Q K^T / sqrt(D)) V.

    Each query is compared with every key by a dot product. The softmax of these
    scores says how much of each value goes into the query's output. A dot product
    of D independent terms spreads like sqrt(D); dividing by it keeps the softmax
    from settling on one key before anything is learned.

    Parameters
    ----------
    Q : Tensor of shape (…, Tq, D), the queries
    K : Tensor of shape (…, Tk, D), the keys
    V : Tensor of shape (…, Tk, Dv), the values
    mask : Tensor, ndarray or lists of bool or 0 and 1, optional, that broadcasts to
        (…, Tq, Tk); 1 = may look. Without it every query may look at every key.

    Returns
    -------
    output : Tensor of shape (…, Tq, Dv)
    weights : Tensor of shape (…, Tq, Tk); each row sums to 1, exactly 0 where
        masked. A query that may look at no key has weights and output of 0

    Raises
    ------
    ValueError: shapes that do not belong together ("attention: Q (5, 4), K …"),
        or a mask with other numbers or another shape ("mask: …").

    Cost: 2 * Tq * Tk * (D + Dv) FLOPs, and Tq * Tk elements for the weights: double
    the sequence, and both are four times as much.

    References: Vaswani et al. 2017, section 3.2.1.

    >>> Q, K, V = Tensor([[1.0]]), Tensor([[0.0], [0.0]]), Tensor([[2.0], [4.0]])
    >>> scaled_dot_product_attention(Q, K, V)
    (Tensor([[3.]], shape=(1, 1)), Tensor([[0.5, 0.5]], shape=(1, 2)))
    >>> scaled_dot_product_attention(Q, K, V, mask=[[1, 0]])[0]
    Tensor([[2.]], shape=(1, 1))
    """
    Q, K, V = [x if isinstance(x, Tensor) else Tensor(x) for x in (Q, K, V)]
    shape = check_attention_shapes(Q, K, V)
    allowed = None if mask is None else check_mask(mask, shape)
    weights = AttentionWeights.apply(Q, K, allowed)  # (…, Tq, Tk)
    return weights @ V, weights  # (…, Tq, Tk) @ (…, Tk, Dv) -> (…, Tq, Dv)


def create_causal_mask(seq_len):
    """Return the mask by which each position sees itself and what came before.

    Row t is the query at position t, column s the key at position s; True means
    may look.

    Parameters
    ----------
    seq_len : int, the number of positions T

    Returns
    -------
    Tensor of bool of shape (T, T): True on and below the diagonal

    Raises
    ------
    ValueError: fewer than one position ("create_causal_mask: seq_len 0 …").

    Cost: T * T bytes.

    >>> create_causal_mask(3)
    Tensor([[ True, False, False],
            [ True,  True, False],
            [ True,  True,  True]], shape=(3, 3), dtype=bool)
    """
    if not is_whole(seq_len) or seq_len < 1:
        raise ValueError(f"create_causal_mask: seq_len {seq_len!r} is not a length; give an integer of at least 1")
    return from_numpy(np.tri(seq_len, dtype=bool))


def check_mask(mask, shape):
    """Return a mask as an array of booleans, or raise when attention cannot use it.

    Parameters
    ----------
    mask : Tensor, ndarray or lists of bool, or of the numbers 0 and 1 (1 = may look)
    shape : tuple of int, (…, Tq, Tk): the shape of the scores, to which the mask must broadcast

    Returns
    -------
    ndarray of bool, of the mask's own shape

    Raises
    ------
    ValueError: a number other than 0 and 1, or a shape that does not broadcast to `shape`.

    Cost: one look at each element of the mask.

    >>> check_mask([[1, 0], [1, 1]], (2, 2))
    array([[ True, False],
           [ True,  True]])
    """
    mask = read_numbers(mask)
    if mask.dtype.kind != "b":
        odd = mask[(mask != 0) & (mask != 1)]
        if odd.size:
            raise ValueError(
                f"mask: holds {odd.flat[0]}; use booleans, or 1 for may look and 0 "
                "for may not (a mask of -inf and 0, to be added to scores, is written mask == 0)"
            )
        mask = mask != 0
    padded = (1,) * (len(shape) - mask.ndim) + mask.shape
    if len(padded) != len(shape) or any(m not in (1, s) for m, s in zip(padded, shape)):
        is_line = mask.ndim == 2 and mask.shape[1] == shape[-1]
        raise ValueError(
            f"mask: shape {mask.shape} does not broadcast to the scores' shape "
            f"{tuple(shape)}, which is (…, queries, keys)" + PADDING * is_line
        )
    return mask


def find_leaks(function, x):
    """Return which results know something of a later input: try it out.

    The features at one position s are replaced by random ones, and the function
    runs again. A result at an earlier position t that is not the same to the last
    bit has looked at s.

    Parameters
    ----------
    function : takes a Tensor like x and returns one of shape (B, T, …)
    x : Tensor of shape (B, T, D), of real numbers

    Returns
    -------
    list of pairs (t, s), t < s: the result at t changes with the input at s

    Raises
    ------
    ValueError: x holds integers ("find_leaks: x of int64 …").

    Cost: about T calls of the function.

    >>> x = Tensor(np.ones((1, 3, 2)))
    >>> find_leaks(lambda x: x * x, x)
    []
    >>> find_leaks(lambda x: x + x.mean(axis=1, keepdims=True), x)
    [(0, 1), (0, 2), (1, 2)]
    """
    if x.dtype.kind != "f":
        raise ValueError(f"find_leaks: x of {x.dtype} cannot hold random features; give a Tensor of real numbers")
    rng = np.random.default_rng(0)
    expected, leaks = function(x).data, []
    for s in range(1, x.shape[1]):
        changed = x.data.copy()
        changed[:, s] = rng.standard_normal(changed[:, s].shape)
        result = function(from_numpy(changed)).data
        leaks += [(t, s) for t in range(s) if not np.array_equal(result[:, t], expected[:, t])]
    return leaks


def split_heads(x, num_heads):
    """Cut each position's features into heads, and put those in front of positions.

    Parameters
    ----------
    x : Tensor of shape (B, T, D); D is a multiple of num_heads
    num_heads : int, H

    Returns
    -------
    Tensor of shape (B, H, T, D / H), a view

    Cost: 0 bytes.

    >>> split_heads(Tensor(np.zeros((2, 5, 12))), 3).shape
    (2, 3, 5, 4)
    """
    B, T, D = x.shape
    x = x.reshape(B, T, num_heads, D // num_heads)  # (B, T, D) -> (B, T, H, D / H)
    return x.transpose(1, 2)  # (B, T, H, D / H) -> (B, H, T, D / H)


def merge_heads(x):
    """Put the heads of each position side by side again: the inverse of `split_heads`.

    Parameters
    ----------
    x : Tensor of shape (B, H, T, D / H)

    Returns
    -------
    Tensor of shape (B, T, D)

    Cost: one copy of x, because the elements change their order in memory.

    >>> x = Tensor(np.arange(24).reshape(1, 2, 12))
    >>> np.array_equal(merge_heads(split_heads(x, 3)).data, x.data)
    True
    """
    B, H, T, head_dim = x.shape
    x = x.transpose(1, 2)  # (B, H, T, D / H) -> (B, T, H, D / H)
    return x.reshape(B, T, H * head_dim)  # (B, T, H, D / H) -> (B, T, D)


class MultiHeadAttention(Layer):
    """Self-attention with several heads: H small attentions side by side, then mixed.

    Each head sees D / H features of its own and may look somewhere else than the others.
    All heads together cost as much as one head with D features.

    Parameters
    ----------
    embed_dim : int, D, the features of a position
    num_heads : int, H, a divisor of D
    rng : None, int or numpy.random.Generator; see `default_rng`

    Attributes
    ----------
    q_proj, k_proj, v_proj, out_proj : Linear(D, D)

    Raises
    ------
    ValueError, TypeError: a size is not an integer of at least 1, or D is not a multiple of H
        ("MultiHeadAttention: embed_dim 10 does not divide …").

    Cost: 4 * (D * D + D) parameters.

    References: Vaswani et al. 2017, section 3.2.2.

    >>> MultiHeadAttention(8, num_heads=2)(Tensor(np.zeros((1, 5, 8)))).shape
    (1, 5, 8)
    """

    def __init__(self, embed_dim, num_heads, rng=None):
        self.embed_dim = check_size("MultiHeadAttention", "embed_dim", embed_dim)
        self.num_heads = check_size("MultiHeadAttention", "num_heads", num_heads)
        if embed_dim % num_heads != 0:
            raise ValueError(
                f"MultiHeadAttention: embed_dim {embed_dim} does not divide into "
                f"num_heads {num_heads} equal parts; choose a multiple of it"
            )
        self.head_dim = embed_dim // num_heads
        rng = default_rng(rng)  # one generator for all four: a seed given to each would repeat the weights
        self.q_proj = Linear(embed_dim, embed_dim, rng=rng)
        self.k_proj = Linear(embed_dim, embed_dim, rng=rng)
        self.v_proj = Linear(embed_dim, embed_dim, rng=rng)
        self.out_proj = Linear(embed_dim, embed_dim, rng=rng)

    def sequences(self, x):
        """Return x as a Tensor of shape (B, T, D), or raise ValueError when it has another shape."""
        x = x if isinstance(x, Tensor) else Tensor(x)
        shape = x.data.shape
        if len(shape) != 3 or shape[-1] != self.embed_dim:
            raise ValueError(
                f"MultiHeadAttention: x of shape {x.shape} is not (B, T, D) with "
                f"D = {self.embed_dim}; reshape it, or change embed_dim"
            )
        return x

    def forward(self, x, mask=None, remember=None):
        """Return each position's features after looking at the others.

        Parameters
        ----------
        x : Tensor of shape (B, T, D)
        mask : Tensor, ndarray or lists of bool or 0 and 1, optional, of shape
            (T, T), (B, T, T) or (B, H, T, T); 1 = may look
        remember : function, optional: gets the keys and values (B, H, T, D / H) of
            this call and returns those to look at, so that a caller can keep the
            ones of earlier calls

        Returns
        -------
        Tensor of shape (B, T, D)

        Raises
        ------
        ValueError: x is not (B, T, D) ("MultiHeadAttention: x of shape …"), or the
            mask is not usable ("mask: …").

        Cost: 8 * B * T * D * D FLOPs for the four projections, 4 * B * T * T * D
        for scores and weighted sums.
        """
        x = self.sequences(x)
        Q = split_heads(self.q_proj(x), self.num_heads)  # (B, H, T, D / H)
        K = split_heads(self.k_proj(x), self.num_heads)
        V = split_heads(self.v_proj(x), self.num_heads)
        if remember is not None:
            K, V = remember(K, V)
        output, _ = scaled_dot_product_attention(Q, K, V, mask_for_heads(mask))
        return self.out_proj(merge_heads(output))  # (B, H, T, D / H) -> (B, T, D)


def mask_for_heads(mask):
    """Return a mask in the shape that the heads need: (B, T, T) becomes (B, 1, T, T).

    Without it a (B, T, T) mask would be lined up with the heads wherever B equals H.

    >>> mask_for_heads(np.ones((2, 5, 5))).shape, mask_for_heads(np.ones((5, 5))).shape
    ((2, 1, 5, 5), (5, 5))
    """
    if mask is None:
        return None
    mask = read_numbers(mask)
    return mask[:, None] if mask.ndim == 3 else mask


def attention_in_blocks(Q, K, V, size):
    """Return attention's output without a mask, looking at `size` keys at a time.

    Softmax needs the largest score of a row and the sum of its exponentials, which
    are known only at the end. So both are kept for the keys seen so far, together
    with the sum of values. When a larger score turns up, the sums are scaled down
    by exp(old largest - new largest).

    Parameters
    ----------
    Q : ndarray of shape (…, Tq, D)
    K : ndarray of shape (…, Tk, D)
    V : ndarray of shape (…, Tk, Dv)
    size : int, keys in a block

    Returns
    -------
    ndarray of shape (…, Tq, Dv)

    Cost: 2 * Tq * Tk * (D + Dv) FLOPs as without blocks, but only Tq * size scores.

    References: Milakov and Gimelshein 2018; Dao et al. 2022.

    >>> Q, K = np.array([[1.0]]), np.array([[0.0], [0.0]])
    >>> attention_in_blocks(Q, K, np.array([[2.0], [4.0]]), 1).tolist()
    [[3.0]]
    """
    largest, total, output = -np.inf, 0.0, 0.0
    for first in range(0, K.shape[-2], size):
        scores = attention_scores(Q, K[..., first : first + size, :])  # (…, Tq, size)
        new = np.maximum(largest, scores.max(axis=-1, keepdims=True))  # (…, Tq, 1)
        shrink = np.exp(largest - new)
        weights = np.exp(scores - new)
        total = total * shrink + weights.sum(axis=-1, keepdims=True)
        output = output * shrink + weights @ V[..., first : first + size, :]
        largest = new
    return output / total
