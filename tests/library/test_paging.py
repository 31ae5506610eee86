"""Texts that share blocks say what each says alone, and every block is in exactly one place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch import Tensor
from tinytorch.core.autograd import enable_autograd, no_grad
from tinytorch.core.transformers import GPT
from tinytorch.perf.paging import PagedKVCache, paged_forward, visible

enable_autograd()


def lively(seed=0, **options):
    """A model whose predictions differ a good deal from position to position."""
    sizes = {"vocab_size": 9, "embed_dim": 8, "num_layers": 2, "num_heads": 2, "max_seq_len": 12, "rng": 0}
    model, rng = GPT(**{**sizes, **options}).eval(), np.random.default_rng(seed)
    for parameter in model.parameters():
        parameter.data[:] = rng.normal(0, 0.5, parameter.shape)
    return model


def kept(cache):
    return sorted([*cache.free, *(block for table in cache.tables.values() for block in table)])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 20), st.booleans()), max_size=20), st.integers(1, 5))
def test_every_block_is_in_one_place_whatever_is_asked_for(asked, size):
    cache = PagedKVCache(6, size, 1, 1, 1)
    for name, length, release in asked:
        before = list(cache.tables.get(name, [])), sorted(cache.free)
        needed = max(0, -(-length // size) - len(before[0]))
        assert cache.reserve(name, length) == (needed <= len(before[1]))
        after = cache.tables.get(name, [])
        assert after[: len(before[0])] == before[0] and kept(cache) == list(range(6))
        assert len(after) == len(before[0]) + (needed if needed <= len(before[1]) else 0)
        if release:
            cache.release(name)
            assert name not in cache.tables and name not in cache.lengths and kept(cache) == list(range(6))


def test_rows_of_a_table():
    cache = PagedKVCache(8, 4, 1, 1, 2)
    cache.tables["a"] = [5, 2, 7]
    np.testing.assert_array_equal(cache.rows("a", 0, 12), [20, 21, 22, 23, 8, 9, 10, 11, 28, 29, 30, 31])
    np.testing.assert_array_equal(cache.rows("a", 7, 9), [11, 28])
    assert cache.rows("a", 3, 3).shape == (0,)


def test_visible_is_the_causal_mask_for_a_text_from_its_beginning():
    np.testing.assert_array_equal(visible(np.arange(4)[None], 4)[0], np.tri(4, dtype=bool))
    assert visible(np.array([[1], [3]]), 5).tolist() == [
        [[True, True, False, False, False]],
        [[True, True, True, True, False]],
    ]


@given(
    st.lists(st.lists(st.integers(0, 8), min_size=2, max_size=12), min_size=1, max_size=4),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 50),
)
def test_texts_of_unequal_length_together_give_what_each_gives_alone(texts, size, tied, seed):
    model = lively(seed, tie_weights=tied)
    cache = PagedKVCache.for_model(model, 4 * 12, size)
    names = list(range(len(texts)))
    with no_grad():
        expected = [model([text]).data[0] for text in texts]
    for name, text in enumerate(texts):
        assert cache.reserve(name, len(text))
        first = paged_forward(model, cache, [name], [text[:-1]]).data[0]
        np.testing.assert_allclose(first, expected[name][:-1], rtol=1e-4, atol=1e-5)
    last = paged_forward(model, cache, names, [text[-1:] for text in texts]).data[:, 0]
    np.testing.assert_allclose(last, [logits[-1] for logits in expected], rtol=1e-4, atol=1e-5)
    assert cache.lengths == {name: len(text) for name, text in enumerate(texts)}


def test_several_new_tokens_at_different_places():
    model = lively()
    cache = PagedKVCache.for_model(model, 12, 2)
    texts = {"a": [1, 2, 3, 4, 5], "b": [6, 7]}
    for name, text in texts.items():
        cache.reserve(name, len(text) + 3)
        paged_forward(model, cache, [name], [text])
    both = paged_forward(model, cache, ["b", "a"], [[1, 1, 2], [3, 3, 4]]).data
    with no_grad():
        for logits, ids in zip(both, ([6, 7, 1, 1, 2], [1, 2, 3, 4, 5, 3, 3, 4]), strict=True):
            np.testing.assert_allclose(logits, model([ids]).data[0, -3:], rtol=1e-4, atol=1e-5)


def test_a_text_that_is_no_number_does_no_harm_to_its_neighbours():
    model = lively()
    cache = PagedKVCache.for_model(model, 8, 2)
    for name, text in {"ill": [1, 2, 3, 4, 5], "well": [6]}.items():
        cache.reserve(name, len(text) + 1)
        paged_forward(model, cache, [name], [text])
    alone = cache.gather(["well"], 0)[0].data
    cache.keys[:, cache.rows("ill", 0, 5)] = np.nan
    cache.values[:, cache.rows("ill", 0, 5)] = np.nan
    with np.errstate(all="ignore"):
        logits = paged_forward(model, cache, ["ill", "well"], [[1], [7]]).data
    assert np.isnan(logits[0]).any() and np.isfinite(logits[1]).all() and np.isfinite(alone).all()
    with no_grad():
        np.testing.assert_allclose(logits[1, 0], model([[6, 7]]).data[0, -1], rtol=1e-4, atol=1e-5)


def test_a_released_block_serves_the_next_text():
    model = lively()
    cache = PagedKVCache.for_model(model, 2, 4)
    for text in ([1, 2, 3, 4, 5], [5, 4, 3], [8, 8, 8, 8, 8, 8]):
        assert cache.reserve("text", len(text))
        with no_grad():
            expected = model([text]).data
        np.testing.assert_allclose(paged_forward(model, cache, ["text"], [text]).data, expected, rtol=1e-4, atol=1e-5)
        cache.release("text")
    assert sorted(cache.free) == [0, 1] and not cache.keys[:, -1].any()


def test_the_model_is_left_as_it_was_and_nothing_is_recorded():
    model = lively().train()
    cache = PagedKVCache.for_model(model, 2, 4)
    cache.reserve(0, 2)
    assert not paged_forward(model, cache, [0], [[1, 2]]).requires_grad and model.training


def test_sizes_dtype_and_bytes():
    cache = PagedKVCache(3, 4, 2, 5, 6, dtype="float16")
    assert cache.keys.shape == cache.values.shape == (2, 13, 5, 6) and cache.keys.dtype == np.float16
    assert cache.memory_footprint() == 2 * 2 * 13 * 5 * 6 * 2 and cache.free == [0, 1, 2]
    assert PagedKVCache.for_model(lively(num_layers=3), 2, 4).keys.shape == (3, 9, 2, 4)
    for name in ("num_blocks", "block_size", "num_layers", "num_heads", "head_dim"):
        sizes = {"num_blocks": 1, "block_size": 1, "num_layers": 1, "num_heads": 1, "head_dim": 1}
        with pytest.raises(ValueError, match=f"PagedKVCache: {name} is 0"):
            PagedKVCache(**{**sizes, name: 0})


@pytest.mark.parametrize(
    "names, ids, message",
    [
        (["a"], [[1, 2]], r"sequence 'a' has blocks for 4 positions and needs 5; call reserve\('a', 5\) first"),
        (["b"], [[1]], "sequence 'b' has blocks for 0 positions and needs 1"),
        (["a", "a"], [[1], [1]], "sequence 'a' is named twice"),
        (["a"], [[1], [2]], "1 names and 2 rows of ids; each sequence needs one row"),
        (["a"], [[99]], "outside the vocabulary"),
        (["a"], [1], r"must be \(B, T\)"),
    ],
)
def test_what_has_no_place_is_refused_and_nothing_has_changed(names, ids, message):
    model = lively()
    cache = PagedKVCache.for_model(model, 2, 4)
    cache.reserve("a", 3)
    paged_forward(model, cache, ["a"], [[1, 2, 3]])
    before = cache.keys.copy()
    with pytest.raises(ValueError, match=message):
        paged_forward(model, cache, names, ids)
    assert cache.lengths == {"a": 3} and np.array_equal(cache.keys, before)


def test_a_text_longer_than_the_model_s_window_is_refused():
    model = lively(max_seq_len=4)
    cache = PagedKVCache.for_model(model, 4, 4)
    cache.reserve("a", 5)
    with pytest.raises(ValueError, match="max_seq_len"):
        paged_forward(model, cache, ["a"], [[1, 2, 3, 4, 5]])
    assert cache.lengths.get("a", 0) == 0


def test_update_returns_zeros_behind_the_end_of_a_shorter_text():
    cache = PagedKVCache(4, 2, 1, 1, 2)
    cache.reserve("a", 3), cache.reserve("b", 1)
    rng = np.random.default_rng(0)
    new = [Tensor(rng.standard_normal((1, 1, T, 2)) + 9) for T in (3, 1)]
    for name, key in zip("ab", new, strict=True):
        cache.update([name], 0, key, key)
        cache.advance([name], key.shape[2])
    keys, values = cache.gather(["a", "b"], 0)
    np.testing.assert_array_equal(keys.data[0], new[0].data[0])
    np.testing.assert_array_equal(values.data[1, :, :1], new[1].data[0])
    assert not keys.data[1, :, 1:].any() and not values.data[1, :, 1:].any()
