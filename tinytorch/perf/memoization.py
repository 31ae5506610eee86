"""Memoization: keep what was computed once. The keys and values of a GPT that generates.

Built in chapter 18. Depends on tensor (01) and transformers (13).

A GPT that writes token 100 computes the keys and values of tokens 0 to 98 again, and gets the
same numbers as before, since no position looks at a later one. `KVCache` keeps them; while
`enable_kv_cache` is in force the model computes only what is new, and `disable_kv_cache` leaves the
model as it was. What was kept serves the weights that made it: when they change, by `load_state_dict`, a
step of an optimizer or a write to an array, it is computed again.

Letters in the shapes: L layers, B sequences, H heads, T positions, D features.

References: Pope et al. 2022, "Efficiently scaling transformer inference".
"""

from __future__ import annotations

from copy import copy
from itertools import pairwise

import numpy as np

from tinytorch.core.autograd import is_grad_enabled
from tinytorch.core.layers import Linear, check_size
from tinytorch.core.tensor import Tensor, check_dtype, from_numpy, is_whole, wrap
from tinytorch.core.transformers import GPT


def count_positions(prompt: int, count: int, window: int, cached: bool = False) -> int:
    """Return how many positions a GPT computes to write `count` more tokens.

    For each token it reads the text so far, of which the last `window` tokens
    count. Without a cache it computes all of these. With one it computes them
    for the first token, then one position for each; but when the text is longer
    than the window, every token in it stands at another position than before,
    and all of the window is computed again.

    Parameters
    ----------
    prompt : int, how many tokens are given, at least 1
    count : int, 0 or more
    window : int, the model's max_seq_len
    cached : bool

    Returns
    -------
    int

    >>> count_positions(3, 4, window=8)
    18
    >>> count_positions(3, 4, window=8, cached=True)
    6
    """
    total = 0
    for length in range(prompt, prompt + count):  # of the text that is read for each token
        known = cached and prompt < length <= window
        total += 1 if known else min(length, window)
    return total


class KVCache:
    """Room for the keys and values of every layer, taken once, filled from the front.

    Growing the arrays token by token would copy all of them for every token.

    Parameters
    ----------
    batch_size, max_seq_len, num_layers, num_heads, head_dim : int, at least 1
    dtype : NumPy dtype of the keys and values

    Attributes
    ----------
    keys, values : ndarray of shape (L, B, H, max_seq_len, head_dim)
    length : int, how many positions are filled

    Cost: 2 * L * B * H * max_seq_len * head_dim elements, whether filled or not.

    References: Pope et al. 2022, section 3.3.

    >>> cache = KVCache(batch_size=1, max_seq_len=64, num_layers=2, num_heads=4, head_dim=16)
    >>> cache.memory_footprint()
    65536
    """

    def __init__(
        self,
        batch_size: int,
        max_seq_len: int,
        num_layers: int,
        num_heads: int,
        head_dim: int,
        dtype: np.dtype | type | str = np.float32,
    ) -> None:
        sizes = {
            "num_layers": num_layers,
            "batch_size": batch_size,
            "num_heads": num_heads,
            "max_seq_len": max_seq_len,
            "head_dim": head_dim,
        }
        shape = tuple(check_size("KVCache", name, size) for name, size in sizes.items())
        self.batch_size, self.max_seq_len, self.num_layers = batch_size, max_seq_len, num_layers
        self.keys = np.zeros(shape, dtype=check_dtype(dtype))  # (L, B, H, max_seq_len, head_dim)
        self.values = np.zeros_like(self.keys)
        self.length = 0

    def update(self, layer_idx: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Keep a layer's new keys and values; return all from position 0 on.

        Nothing counts as filled until `advance`, since each layer of a step
        writes to the same positions.

        Parameters
        ----------
        layer_idx : int, from 0 to L - 1
        key, value : Tensor of shape (B, H, T, head_dim), T new positions

        Returns
        -------
        keys, values : Tensor of shape (B, H, length + T, head_dim), views

        Raises
        ------
        ValueError: no such layer, another shape, or too many positions.
        RuntimeError: key or value requires a gradient, which would be lost.

        Cost: 2 * B * H * T * head_dim elements copied. The views cost 0 bytes.

        >>> cache = KVCache(1, max_seq_len=8, num_layers=1, num_heads=1, head_dim=2)
        >>> new = Tensor([[[[1.0, 2.0]]]])
        >>> keys, values = cache.update(0, new, new)
        >>> cache.advance(1)
        >>> cache.update(0, new, new)[0].shape
        (1, 1, 2, 2)
        """
        self.check_update(layer_idx, key, value)
        end = self.length + key.shape[2]
        self.keys[layer_idx, :, :, self.length : end] = key.data
        self.values[layer_idx, :, :, self.length : end] = value.data
        return self.views(layer_idx, end)

    def views(self, layer_idx: int, end: int) -> tuple[Tensor, Tensor]:
        """Return a layer's keys and values of the positions before `end`, views of the cache."""
        keys, values = self.keys[layer_idx, :, :, :end], self.values[layer_idx, :, :, :end]
        return wrap(keys, keys), wrap(values, values)

    def get(self, layer_idx: int) -> tuple[Tensor, Tensor]:
        """Return a layer's keys and values of all filled positions, of shape (B, H, length, head_dim).

        Raises
        ------
        ValueError: no such layer.

        >>> KVCache(1, 8, 1, 1, 2).get(0)[0].shape
        (1, 1, 0, 2)
        """
        self.check_layer("get", layer_idx)
        return self.views(layer_idx, self.length)

    @property
    def seq_pos(self) -> int:
        """How many positions are filled: `length`, by another name."""
        return self.length

    def check_layer(self, name: str, layer: int) -> None:
        """Raise when there is no such layer."""
        if not 0 <= layer < len(self.keys):
            raise ValueError(f"KVCache.{name}: layer {layer} does not exist; the layers are 0 to {len(self.keys) - 1}")

    def check_update(self, layer: int, key: Tensor, value: Tensor) -> None:
        """Raise when the cache has no place for these keys and values."""
        _, B, H, _, head_dim = self.keys.shape
        self.check_layer("update", layer)
        given = key.data.shape
        T = given[2] if len(given) == 4 else 0
        if T < 1 or given != (B, H, T, head_dim) or value.data.shape != given:
            raise ValueError(
                f"KVCache.update: key {key.shape} and value {value.shape}; both must be "
                f"(B, H, T, head_dim) = ({B}, {H}, T, {head_dim}) with T of at least 1"
            )
        self.check_room("update", T)
        if is_grad_enabled() and (getattr(key, "requires_grad", False) or getattr(value, "requires_grad", False)):
            raise RuntimeError(
                "KVCache.update: key or value requires a gradient, and a cache keeps "
                "numbers, not how they were made; run the model under no_grad(), or call "
                "disable_kv_cache(model) to train it"
            )

    def check_room(self, name: str, count: int) -> None:
        """Raise when fewer than `count` positions are free."""
        if self.length + count > self.max_seq_len:
            raise ValueError(
                f"KVCache.{name}: {count} more positions after {self.length}, and max_seq_len "
                f"is {self.max_seq_len}; call reset() for a new sequence, or enlarge the cache"
            )

    def advance(self, count: int = 1) -> None:
        """Count `count` more positions as filled, once every layer has written them.

        Raises
        ------
        ValueError: fewer than 1, or more than there is room for.

        >>> cache = KVCache(1, 8, 1, 1, 2)
        >>> cache.advance(3)
        >>> cache.length
        3
        """
        count = check_size("KVCache.advance", "count", count)
        self.check_room("advance", count)
        self.length += count

    def reset(self, length: int = 0) -> None:
        """Forget all positions from `length` on. Nothing is erased; they will be written over.

        Raises
        ------
        ValueError: more positions than are filled. TypeError: length is not an integer.

        Cost: none.

        >>> cache = KVCache(1, 8, 1, 1, 2)
        >>> cache.advance(3)
        >>> cache.reset()
        >>> cache.length
        0
        """
        if not is_whole(length):
            raise TypeError(f"KVCache.reset: length is {length!r}; it must be an integer")
        if not 0 <= length <= self.length:
            raise ValueError(
                f"KVCache.reset: length is {length} and {self.length} positions are filled; "
                f"keep from 0 to {self.length} of them"
            )
        self.length = length

    def memory_footprint(self) -> int:
        """Return the bytes of all keys and values, filled or not.

        >>> KVCache(1, 8, 1, 1, 2, dtype="float16").memory_footprint()
        64
        """
        return self.keys.nbytes + self.values.nbytes

    get_memory_usage = memory_footprint  # its name in other texts


def same_arrays(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Return whether two states hold the same numbers under the same names.

    Cost: one reading of both, up to the first array that differs.

    >>> same_arrays({"weight": np.zeros(2)}, {"weight": np.ones(2)})
    False
    """
    return list(one) == list(other) and all(
        array.dtype == other[name].dtype and np.array_equal(array, other[name]) for name, array in one.items()
    )


class SideBySide:
    """Linear layers that are given the same x, computed in one product: their weights stand beside one another.

    Every product has a price of its own, however small it is. A token's queries, keys and values are three small ones.
    It is for no_grad() alone: no gradient finds its way back to the layers.

    Parameters
    ----------
    layers : list of Linear of the same in_features, with biases

    Attributes
    ----------
    parts : list of Linear that stand in for the layers; each has the weight and the bias of its own

    Cost: a copy of the weights. They are not looked at again: it serves for as long as they stay what they are.

    >>> layers = [Linear(2, 3), Linear(2, 1)]
    >>> x, parts = Tensor([[1.0, 2.0]]), SideBySide(layers).parts
    >>> from tinytorch import no_grad
    >>> with no_grad():
    ...     [part(x).shape for part in parts], np.allclose(parts[1](x).data, layers[1](x).data)
    ([(1, 3), (1, 1)], True)
    """

    def __init__(self, layers: list[Linear]) -> None:
        ends = np.cumsum([0, *(layer.out_features for layer in layers)]).tolist()
        self.layer = copy(layers[0])
        self.layer.out_features = ends[-1]
        self.layer.weight = from_numpy(np.concatenate([layer.weight.data for layer in layers], axis=1))
        self.layer.bias = from_numpy(np.concatenate([layer.bias.data for layer in layers]))
        self.parts = [Part(self, layer, slice(*pair)) for layer, pair in zip(layers, pairwise(ends))]
        self.x: Tensor | None = None

    def multiply(self, x: Tensor) -> None:
        """Compute the product with x, of shape (…, all out_features), and keep both."""
        if is_grad_enabled() and x.requires_grad:
            raise RuntimeError("kv cache: while a text is written no gradient is recorded; write it within no_grad()")
        self.x, self.product = x, self.layer(x).data


class Part(Linear):
    """What stands in for one of the layers of a `SideBySide`.

    >>> layer = Linear(2, 3)
    >>> SideBySide([layer]).parts[0].weight is layer.weight
    True
    """

    def __init__(self, together: SideBySide, layer: Linear, which: slice) -> None:
        vars(self).update(vars(layer))
        self.together, self.which = together, which

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer itself would: its columns of the product, which the first to be asked computes."""
        together = self.together
        if x is not together.x:
            together.multiply(x)
        return wrap(together.product[..., self.which], together.product)


PROJECTIONS = ("q_proj", "k_proj", "v_proj")


class CachedForward:
    """What `forward`, `next_logits` and `generate` of a GPT are while its cache, of the model's sizes, is on.

    Attributes
    ----------
    tokens : ndarray of int64 of shape (B, max_seq_len), the tokens whose keys and values are kept
    weights : dict of str to ndarray, a copy of the weights that made them: an array that is written to tells
        nobody, so they are compared. Empty where what is kept is of no use
    writing : bool, whether `generate` runs; until it returns, the weights are compared once, and whoever calls the
        model itself gives it whole texts
    compared : bool, whether they were

    >>> model = GPT(vocab_size=10, embed_dim=8, num_layers=1, num_heads=2, max_seq_len=8).eval()
    >>> cached = CachedForward(model, KVCache(1, 8, 1, 2, 4))
    >>> from tinytorch import no_grad
    >>> with no_grad():
    ...     cached.next_logits(np.array([[1, 2, 3]])).shape, cached.cache.length
    ((1, 10), 3)
    """

    def __init__(self, model: GPT, cache: KVCache) -> None:
        self.model = model
        self.cache = cache
        self.tokens = np.zeros((cache.batch_size, cache.max_seq_len), dtype=np.int64)
        self.weights: dict[str, np.ndarray] = {}
        self.writing = self.compared = False

    def generate(self, *args: object, **options: object) -> Tensor:
        """Return `GPT.generate` of the same arguments.

        Nothing else runs until it returns, so the weights stay what they are: one comparison serves all of its
        tokens, and a block's queries, keys and values are computed in one product.

        Cost: that of `forward` for each token, without the reading of the weights but for the first.
        """
        self.writing = True
        before = [dict(vars(block.attention)) for block in self.model.blocks]
        try:
            return type(self.model).generate(self.model, *args, **options)
        finally:
            self.writing = self.compared = False
            for block, attributes in zip(self.model.blocks, before):
                vars(block.attention).update(attributes)

    def trust(self) -> None:
        """While `generate` runs: compare no more, and let one product stand for three where they are plain layers."""
        self.compared = self.writing
        for block in self.model.blocks if self.writing else ():
            layers = [vars(block.attention).get(name) for name in PROJECTIONS]
            if all(
                type(layer) is Linear and layer.bias is not None and "forward" not in vars(layer) for layer in layers
            ):
                vars(block.attention).update(zip(PROJECTIONS, SideBySide(layers).parts))

    def forward(self, ids: Tensor | np.ndarray | list, targets: Tensor | np.ndarray | list | None = None) -> Tensor:
        """Return the logits after each of the new tokens, which follow those in the cache.

        With targets it is the loss of ids as a whole sequence, computed without the cache. So is what a `generate`
        asks for that calls the model itself, with its whole text, where another asks `next_logits`.

        Parameters
        ----------
        ids : Tensor, ndarray or lists of int of shape (B, T), new tokens only

        Returns
        -------
        Tensor of shape (B, T, V), equal to the last T rows of an uncached forward of the whole sequence

        Raises
        ------
        ValueError, TypeError: ids the model cannot read, another number of sequences, or no room left.
        RuntimeError: the model is in training, or gradients are being recorded.

        Cost: as an uncached forward of T tokens, attention to all length + T of them, and one reading of
        the weights. After a change of the weights the tokens in the cache are computed again too.
        """
        if targets is not None or self.writing:
            return type(self.model).forward(self.model, ids, targets)
        return self.extend(self.model.check_shape(ids))

    def extend(self, ids: np.ndarray) -> Tensor:
        """Return the logits of new tokens (B, T), after a look at whether what is cached is still of use."""
        start = self.cache.length
        self.check_batch(ids)
        if self.model.training:
            raise RuntimeError(
                "kv cache: the model is in training, and a cache serves generating only; "
                "call model.eval(), or disable_kv_cache(model) to train it"
            )
        if self.compared:
            return self.append(ids)
        if same_arrays(self.weights, self.model.state_arrays()):
            self.trust()
            return self.append(ids)
        self.weights = {}  # until all is computed: an error on the way leaves keys of two kinds behind
        self.cache.reset()
        try:
            logits = self.append(np.concatenate([self.tokens[:, :start], ids], axis=1))  # (B, start + T)
        finally:
            self.cache.length = max(self.cache.length, start)
        self.weights = self.model.state_dict()
        self.trust()
        return logits[:, start:]

    def append(self, ids: np.ndarray) -> Tensor:
        """Return the logits of tokens (B, T) that follow those in the cache, and keep what they leave there."""
        start = self.cache.length
        logits = type(self.model).forward(self.model, ids, start=start, remember=self.cache.update)
        self.cache.advance(ids.shape[1])
        self.tokens[:, start : self.cache.length] = ids
        return logits

    def check_batch(self, ids: np.ndarray) -> None:
        """Raise when the cache is for another number of sequences."""
        if len(ids) != self.cache.batch_size:
            raise ValueError(
                f"kv cache: {len(ids)} sequences, and the cache is for {self.cache.batch_size}; "
                "call disable_kv_cache(model), then "
                f"enable_kv_cache(model, batch_size={len(ids)})"
            )

    def next_logits(self, ids: np.ndarray) -> np.ndarray:
        """Return the logits (B, V) after ids (B, T), the whole sequence so far, computing what is new.

        What the cache holds of these very tokens stays; the rest of it is forgotten. Beyond
        max_seq_len the window slides: every token then stands at another position, all keys and
        values are different ones, and there is nothing to reuse. Such a step is computed without
        the cache.

        Raises
        ------
        ValueError: another number of sequences than the cache is for.
        """
        self.check_batch(ids)
        if ids.shape[1] > self.cache.max_seq_len:
            window = ids[:, -self.cache.max_seq_len :]
            return type(self.model).forward(self.model, window).data[:, -1]  # (B, T, V) -> (B, V)
        self.cache.reset(self.count_known(ids))
        return self.extend(self.model.check_shape(ids[:, self.cache.length :])).data[:, -1]  # (B, new, V) -> (B, V)

    def count_known(self, ids: np.ndarray) -> int:
        """Return how many tokens at the front of ids are cached.

        The last one never counts: its keys are kept, its logits are not.

        Parameters
        ----------
        ids : ndarray of int of shape (B, T), whole texts

        Returns
        -------
        int

        >>> cached = CachedForward(None, KVCache(1, 8, 1, 2, 4))
        >>> cached.tokens[0, :3], cached.cache.length = [1, 2, 3], 3
        >>> cached.count_known(np.array([[1, 2, 7, 8]]))
        2
        >>> cached.count_known(np.array([[1, 2]]))
        1
        """
        shared = min(self.cache.length, ids.shape[1] - 1)
        differs = (self.tokens[:, :shared] != ids[:, :shared]).any(axis=0)  # (shared,)
        return int(differs.argmax()) if differs.any() else shared


def enable_kv_cache(model: GPT, batch_size: int = 1) -> KVCache:
    """Let a GPT remember keys and values, so that each token is computed once.

    From here on `model.generate` computes one position a token, and `model(ids)` takes new tokens
    only, which follow those it has seen; `cache.reset()` begins a new sequence. When weights have changed,
    by `load_state_dict`, by training or in place, the next call computes what was kept again.

    Parameters
    ----------
    model : GPT
    batch_size : int, how many sequences are generated side by side

    Returns
    -------
    KVCache, empty, of the dtype of the model's parameters

    Raises
    ------
    TypeError: `model` is no GPT.
    ValueError: it has a cache already, or batch_size is less than 1.

    Cost: 2 * L * B * max_seq_len * D elements, and a copy of the weights, which is compared with them once a
    text. Token T then costs one position's products and T * D for attention, instead of T times as much.

    >>> model = GPT(vocab_size=10, embed_dim=8, num_layers=1, num_heads=2, max_seq_len=16)
    >>> cache = enable_kv_cache(model)
    >>> text = model.generate([[1, 2, 3]], max_new_tokens=5, temperature=0)
    >>> cache.length
    7
    >>> disable_kv_cache(model)
    >>> np.array_equal(text.data, model.generate([[1, 2, 3]], 5, temperature=0).data)
    True
    """
    if not isinstance(model, GPT):
        raise TypeError(f"enable_kv_cache: got {type(model).__name__}; only a GPT has keys and values to keep")
    if "forward" in vars(model):
        raise ValueError("enable_kv_cache: the model has a cache already; call disable_kv_cache(model) first")
    attention = model.blocks[0].attention
    cache = KVCache(
        batch_size,
        model.max_seq_len,
        len(model.blocks),
        attention.num_heads,
        attention.head_dim,
        dtype=attention.k_proj.weight.dtype,
    )
    cached = CachedForward(model, cache)
    model.forward, model.next_logits, model.generate = cached.forward, cached.next_logits, cached.generate
    return cache


def disable_kv_cache(model: GPT) -> None:
    """Take the cache away; the model is then exactly as it was before `enable_kv_cache`.

    Raises
    ------
    ValueError: the model has no cache ("disable_kv_cache: …").

    >>> model = GPT(vocab_size=10, embed_dim=8, num_layers=1, num_heads=2, max_seq_len=16)
    >>> cache = enable_kv_cache(model)
    >>> disable_kv_cache(model)
    >>> model([[1, 2, 3]]).shape
    (1, 3, 10)
    """
    if "forward" not in vars(model):
        raise ValueError("disable_kv_cache: the model has no cache; there is nothing to take away")
    del model.forward, model.next_logits, model.generate
