"""Blocks: room for the keys and values of many sequences, taken piece by piece as they grow.

Built in chapter 18. Depends on tensor (01), autograd (06), training (08) and transformers (13).

`KVCache` keeps room for the longest text of every sequence, and all its sequences are of one length.
`PagedKVCache` cuts the room into blocks of equal size and hands them out as sequences grow, so that many
of them, of any lengths, share it. `paged_forward` computes the next positions of several of them at once.

Letters in the shapes: L layers, B sequences, H heads, T positions, D features.

References: Kwon et al. 2023, "Efficient memory management for large language model serving with
PagedAttention".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import check_size
from tinytorch.core.tensor import Tensor, cat, check_dtype, wrap
from tinytorch.core.training import evaluation_mode
from tinytorch.core.transformers import GPT


class PagedKVCache:
    """Room for keys and values in blocks, which sequences take as they grow and give back when they end.

    Parameters
    ----------
    num_blocks, block_size : int, at least 1: how many blocks, and the positions of each
    num_layers, num_heads, head_dim : int, at least 1
    dtype : NumPy dtype of the keys and values

    Attributes
    ----------
    keys, values : ndarray of shape (L, num_blocks * block_size + 1, H, head_dim), a row for each position;
        the last row is no position: it stays 0 and stands where a sequence has ended
    free : list of int, the blocks that no sequence has
    tables : dict, name of a sequence -> list of its blocks, in the order of its positions
    lengths : dict, name of a sequence -> how many positions are filled

    Cost: 2 * L * H * head_dim elements a position, whether filled or not.

    >>> cache = PagedKVCache(num_blocks=4, block_size=16, num_layers=2, num_heads=4, head_dim=16)
    >>> cache.reserve("first", 17), cache.free, cache.tables
    (True, [0, 1], {'first': [3, 2]})
    """

    def __init__(
        self,
        num_blocks: int,
        block_size: int,
        num_layers: int,
        num_heads: int,
        head_dim: int,
        dtype: np.dtype | type | str = np.float32,
    ) -> None:
        self.num_blocks = check_size("PagedKVCache", "num_blocks", num_blocks)
        self.block_size = check_size("PagedKVCache", "block_size", block_size)
        sizes = {"num_layers": num_layers, "num_heads": num_heads, "head_dim": head_dim}
        L, H, features = (check_size("PagedKVCache", name, size) for name, size in sizes.items())
        self.keys = np.zeros((L, num_blocks * block_size + 1, H, features), dtype=check_dtype(dtype))
        self.values = np.zeros_like(self.keys)
        self.free = list(range(num_blocks))
        self.tables: dict[int | str, list[int]] = {}
        self.lengths: dict[int | str, int] = {}

    @classmethod
    def for_model(cls, model: GPT, num_blocks: int, block_size: int) -> PagedKVCache:
        """Return a cache of the model's sizes and dtype.

        >>> model = GPT(vocab_size=10, embed_dim=8, num_layers=3, num_heads=2, max_seq_len=16)
        >>> PagedKVCache.for_model(model, num_blocks=4, block_size=4).keys.shape
        (3, 17, 2, 4)
        """
        attention = model.blocks[0].attention
        heads, features = attention.num_heads, attention.head_dim
        return cls(num_blocks, block_size, len(model.blocks), heads, features, attention.k_proj.weight.dtype)

    def reserve(self, name: int | str, length: int) -> bool:
        """Give a sequence blocks for `length` positions, if enough are free.

        Blocks that it has already stay its own, and stay first. Too few free
        blocks: the answer is False, and nothing has changed.

        Parameters
        ----------
        name : of the sequence, which may be a new one
        length : int, how many positions it needs in all, at least 1

        Returns
        -------
        bool, whether there is room now

        Cost: no key or value is moved.

        >>> cache = PagedKVCache(3, 4, num_layers=1, num_heads=1, head_dim=2)
        >>> cache.reserve("a", 5), cache.reserve("b", 8), cache.reserve("b", 4)
        (True, False, True)
        >>> len(cache.free), len(cache.tables["a"]), len(cache.tables["b"])
        (0, 2, 1)
        """
        table = self.tables.get(name, [])
        missing = math.ceil(length / self.block_size) - len(table)
        if missing > len(self.free):
            return False
        taken = [self.free.pop() for _ in range(missing)]
        self.tables[name] = table + taken
        return True

    def rows(self, name: int | str, start: int, stop: int) -> np.ndarray:
        """Return the rows in which positions `start` to before `stop` lie.

        They are rows of `keys` and `values`. Block 0 has the first block_size,
        block 1 those that follow, and so on.

        Parameters
        ----------
        name : of a sequence whose blocks have room for `stop` positions
        start, stop : int

        Returns
        -------
        ndarray of int of shape (stop - start,)

        Cost: the table made an array, and some passes over stop - start numbers.

        >>> cache = PagedKVCache(8, 4, num_layers=1, num_heads=1, head_dim=2)
        >>> cache.tables["a"] = [5, 2]
        >>> cache.rows("a", 2, 6).tolist()
        [22, 23, 8, 9]
        """
        positions = np.arange(start, stop)
        blocks = np.array(self.tables[name])[positions // self.block_size]
        return blocks * self.block_size + positions % self.block_size

    def update(self, names: Sequence[int | str], layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Keep a layer's keys and values of the positions that follow in each sequence; return all of each.

        Parameters
        ----------
        names : of B sequences
        layer : int, from 0 to L - 1
        key, value : Tensor of shape (B, H, T, head_dim), T new positions of each

        Returns
        -------
        keys, values : Tensor of shape (B, H, longest, head_dim): each from its position 0 on, then zeros
            up to the longest of them

        Cost: a copy of all that is returned.
        """
        T = key.shape[2]
        for number, name in enumerate(names):
            length = self.lengths.get(name, 0)
            rows = self.rows(name, length, length + T)
            self.keys[layer, rows] = key.data[number].swapaxes(0, 1)  # (H, T, head_dim) -> (T, H, head_dim)
            self.values[layer, rows] = value.data[number].swapaxes(0, 1)
        return self.gather(names, layer, T)

    def gather(self, names: Sequence[int | str], layer: int, ahead: int = 0) -> tuple[Tensor, Tensor]:
        """Return keys and values (B, H, longest, head_dim) of the filled positions and `ahead` more, then zeros.

        >>> cache = PagedKVCache(num_blocks=2, block_size=4, num_layers=1, num_heads=1, head_dim=2)
        >>> done = cache.reserve("a", 3), cache.reserve("b", 1), cache.advance(["a"], 3), cache.advance(["b"], 1)
        >>> cache.gather(["a", "b"], 0)[0].shape
        (2, 1, 3, 2)
        """
        stops = [self.lengths.get(name, 0) + ahead for name in names]
        rows = np.full((len(names), max(stops)), len(self.keys[layer]) - 1)  # the row of zeros
        for number, (name, stop) in enumerate(zip(names, stops, strict=True)):
            rows[number, :stop] = self.rows(name, 0, stop)
        keys, values = (kept[layer][rows].swapaxes(1, 2) for kept in (self.keys, self.values))
        return wrap(keys, keys), wrap(values, values)  # (B, T, H, head_dim) -> (B, H, T, head_dim)

    def advance(self, names: Sequence[int | str], count: int) -> None:
        """Count `count` more positions of each sequence as filled, once every layer has written them."""
        for name in names:
            self.lengths[name] = self.lengths.get(name, 0) + count

    def release(self, name: int | str) -> None:
        """Forget a sequence and take its blocks back. A name that has none is no mistake.

        >>> cache = PagedKVCache(num_blocks=2, block_size=4, num_layers=1, num_heads=1, head_dim=2)
        >>> done = cache.reserve("a", 8)
        >>> cache.release("a")
        >>> sorted(cache.free), cache.tables
        ([0, 1], {})
        """
        self.free += self.tables.pop(name, [])
        self.lengths.pop(name, None)

    def check_room(self, names: Sequence[int | str], count: int) -> None:
        """Raise where a sequence is named twice or has no blocks for `count` more positions."""
        for name in names:
            if list(names).count(name) > 1:
                raise ValueError(f"PagedKVCache: sequence {name!r} is named twice; each position is computed once")
            room = len(self.tables.get(name, [])) * self.block_size
            end = self.lengths.get(name, 0) + count
            if end > room:
                raise ValueError(
                    f"PagedKVCache: sequence {name!r} has blocks for {room} positions and needs {end}; "
                    f"call reserve({name!r}, {end}) first"
                )

    def memory_footprint(self) -> int:
        """Return the bytes of all keys and values, filled or not.

        >>> PagedKVCache(1, 7, 1, 1, 2, dtype="float16").memory_footprint()
        64
        """
        return self.keys.nbytes + self.values.nbytes


def visible(positions: np.ndarray, count: int) -> np.ndarray:
    """Return which of `count` keys each query may look at.

    Parameters
    ----------
    positions : ndarray of int of shape (B, T), where each query stands
    count : int, as many keys as the longest sequence has; every position is below it

    Returns
    -------
    ndarray of bool of shape (B, T, count)

    Cost: B * T * count comparisons and as many bytes.

    >>> visible(np.array([[2], [0]]), 3).tolist()
    [[[True, True, True]], [[True, False, False]]]
    """
    return np.arange(count) <= positions[..., None]  # (count,) and (B, T, 1)


def paged_forward(model: GPT, cache: PagedKVCache, names: Sequence[int | str], ids: Sequence) -> Tensor:
    """Return the logits of the next tokens of several sequences, each of which follows what the cache has of it.

    Dropout is off and nothing is recorded meanwhile.

    Parameters
    ----------
    names : of B sequences, for which blocks are reserved
    ids : Tensor, ndarray or lists of int of shape (B, T), the new tokens of each

    Returns
    -------
    Tensor of shape (B, T, V), for each sequence what an uncached forward of all its tokens says

    Raises
    ------
    ValueError, TypeError: ids that the model cannot read, too many positions, or no blocks reserved.

    Cost: as a forward of (B, T) tokens, attention to the longest of the sequences, and a copy of its keys
    and values.

    >>> model = GPT(vocab_size=10, embed_dim=8, num_layers=1, num_heads=2, max_seq_len=8)
    >>> cache = PagedKVCache.for_model(model, num_blocks=4, block_size=4)
    >>> cache.reserve("a", 4), cache.reserve("b", 2)
    (True, True)
    >>> paged_forward(model, cache, ["a"], [[1, 2, 3]]).shape, paged_forward(model, cache, ["b"], [[4]]).shape
    ((1, 3, 10), (1, 1, 10))
    >>> paged_forward(model, cache, ["a", "b"], [[5], [6]]).shape, cache.lengths
    ((2, 1, 10), {'a': 4, 'b': 2})
    """
    ids = model.check_shape(ids)
    if len(ids) != len(names):
        raise ValueError(f"paged_forward: {len(names)} names and {len(ids)} rows of ids; each sequence needs one row")
    B, T = ids.shape
    cache.check_room(names, T)
    starts = [cache.lengths.get(name, 0) for name in names]
    positions = np.array(starts)[:, None] + np.arange(T)  # (B, T)
    allowed = visible(positions, int(positions.max()) + 1)
    with no_grad(), evaluation_mode(model):
        x = cat([model.embedding(ids[b : b + 1], starts[b]) for b in range(B)], axis=0)  # (B, T, D)
        for layer, block in enumerate(model.blocks):
            x = block(x, allowed, partial(cache.update, names, layer))
        cache.advance(names, T)
        return model.logits(model.norm(x))
