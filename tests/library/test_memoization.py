"""With a key-value cache a GPT says the same as without it, and really computes only what is new."""

import inspect
import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch import Tensor
from tinytorch.core.autograd import enable_autograd, no_grad
from tinytorch.core.layers import Linear
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import SGD
from tinytorch.core.transformers import GPT
from tinytorch.perf import memoization as module
from tinytorch.perf.memoization import CachedForward, KVCache, disable_kv_cache, enable_kv_cache

enable_autograd()


def small(**options):
    sizes = {"vocab_size": 9, "embed_dim": 8, "num_layers": 2, "num_heads": 2, "max_seq_len": 8, "rng": 0}
    return GPT(**{**sizes, **options}).eval()


def lively(seed=0, **options):
    """A model whose predictions differ a good deal from position to position."""
    model, rng = small(**options), np.random.default_rng(seed)
    for parameter in model.parameters():
        parameter.data[:] = rng.normal(0, 0.5, parameter.shape)
    return model


def new(seed, T=1, B=1, H=2, head_dim=4):
    rng = np.random.default_rng(seed)
    return tuple(Tensor(rng.standard_normal((B, H, T, head_dim))) for _ in range(2))


@pytest.fixture
def rows(monkeypatch):
    """How many rows each Linear layer was given, call by call."""
    counted, forward = [], Linear.forward

    def counting(self, x):
        counted.append(int(np.prod(x.shape[:-1])))
        return forward(self, x)

    monkeypatch.setattr(Linear, "forward", counting)
    return counted


def test_every_public_name_has_a_docstring_and_type_hints():
    public = [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]
    public += [
        value for owner in (KVCache, CachedForward) for value in vars(owner).values() if inspect.isfunction(value)
    ]
    assert len(public) > 12
    assert [value for value in public if not value.__doc__ and value.__name__ != "__init__"] == []
    for function in filter(inspect.isfunction, public):
        parameters = [name for name in inspect.signature(function).parameters if name != "self"]
        assert set(function.__annotations__) == {*parameters, "return"}, function


# The cache


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(1, 2), st.integers(1, 2))
def test_the_cache_returns_all_that_was_kept_in_order(steps, B, L):
    cache, kept = KVCache(B, 12, L, 2, 4), [([], []) for _ in range(L)]
    for number, T in enumerate(steps):
        for layer in range(L):
            key, value = new(10 * number + layer, T, B)
            keys, values = cache.update(layer, key, value)
            kept[layer][0].append(key.data)
            kept[layer][1].append(value.data)
            np.testing.assert_array_equal(keys.data, np.concatenate(kept[layer][0], axis=2))
            np.testing.assert_array_equal(values.data, np.concatenate(kept[layer][1], axis=2))
        assert cache.length == sum(steps[:number])
        cache.advance(T)
    assert cache.length == sum(steps)


def test_what_the_cache_returns_is_a_view_and_its_room_is_taken_once():
    cache = KVCache(1, 8, 2, 2, 4)
    room = cache.keys, cache.values
    for _ in range(3):
        keys, values = cache.update(1, *new(0))
        assert np.shares_memory(keys.data, cache.keys) and np.shares_memory(values.data, cache.values)
        assert not np.shares_memory(keys.data, values.data)
        cache.advance(1)
    cache.reset()
    assert cache.keys is room[0] and cache.values is room[1]


def test_a_cache_keeps_its_dtype_and_counts_its_bytes():
    for dtype, size in ((np.float32, 4), ("float64", 8), (np.float16, 2)):
        cache = KVCache(3, 16, 2, 4, 8, dtype=dtype)
        assert cache.keys.dtype == cache.values.dtype == np.dtype(dtype)
        assert cache.memory_footprint() == 2 * 2 * 3 * 4 * 16 * 8 * size
        assert cache.keys.shape == cache.values.shape == (2, 3, 4, 16, 8)
    assert KVCache(3, 16, 2, 4, 8).keys.dtype == np.float32
    assert not cache.keys.any() and not cache.values.any()
    assert KVCache(1, 8, 1, 2, 4, dtype=np.float64).update(0, *new(0))[0].dtype == np.float64
    assert (cache.batch_size, cache.max_seq_len, cache.num_layers, cache.length) == (3, 16, 2, 0)


def test_reset_forgets_from_a_position_on():
    cache = KVCache(1, 8, 1, 2, 4)
    first, second = new(1, 3), new(2, 2)
    cache.update(0, *first)
    cache.advance(3)
    cache.reset(1)
    assert cache.length == 1
    keys, values = cache.update(0, *second)
    np.testing.assert_array_equal(keys.data, np.concatenate([first[0].data[:, :, :1], second[0].data], axis=2))
    np.testing.assert_array_equal(values.data, np.concatenate([first[1].data[:, :, :1], second[1].data], axis=2))
    cache.reset()
    assert cache.length == 0


@pytest.mark.parametrize("name", ["batch_size", "max_seq_len", "num_layers", "num_heads", "head_dim"])
def test_a_cache_has_sizes_of_at_least_1(name):
    sizes = {"batch_size": 1, "max_seq_len": 2, "num_layers": 1, "num_heads": 1, "head_dim": 2}
    for value, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match=f"KVCache: {name} is {value}"):
            KVCache(**{**sizes, name: value})
    with pytest.raises(TypeError, match="dtype"):
        KVCache(**sizes, dtype="text")


@pytest.mark.parametrize(
    "layer, key, value, message",
    [
        (2, (1, 2, 1, 4), (1, 2, 1, 4), "KVCache.update: layer 2 does not exist; the layers are 0 to 1"),
        (-1, (1, 2, 1, 4), (1, 2, 1, 4), "layer -1 does not exist"),
        (
            0,
            (2, 2, 1, 4),
            (2, 2, 1, 4),
            r"key \(2, 2, 1, 4\) and value .*; both must be \(B, H, T, head_dim\) = \(1, 2, T, 4\)",
        ),
        (0, (1, 3, 1, 4), (1, 3, 1, 4), "both must be"),
        (0, (1, 2, 1, 5), (1, 2, 1, 5), "both must be"),
        (0, (1, 2, 0, 4), (1, 2, 0, 4), "T of at least 1"),
        (0, (2, 1, 4), (2, 1, 4), "both must be"),
        (0, (1, 2, 1, 4), (1, 2, 2, 4), "both must be"),
        (
            0,
            (1, 2, 6, 4),
            (1, 2, 6, 4),
            r"KVCache.update: 6 more positions after 3, and max_seq_len is 8; call reset\(\)",
        ),
    ],
)
def test_the_cache_refuses_what_has_no_place_and_stays_as_it_was(layer, key, value, message):
    cache = KVCache(1, 8, 2, 2, 4)
    cache.update(0, *new(0, 3))
    cache.advance(3)
    before = cache.keys.copy(), cache.values.copy()
    with pytest.raises(ValueError, match=message):
        cache.update(layer, Tensor(np.ones(key)), Tensor(np.ones(value)))
    assert cache.length == 3
    np.testing.assert_array_equal(cache.keys, before[0])
    np.testing.assert_array_equal(cache.values, before[1])


def test_the_last_free_position_can_be_used():
    cache = KVCache(1, 4, 1, 2, 4)
    assert cache.update(0, *new(0, 4))[0].shape == (1, 2, 4, 4)
    cache.advance(4)
    assert cache.length == 4


@pytest.mark.parametrize(
    "count, error, message",
    [
        (0, ValueError, "KVCache.advance: count is 0"),
        (-1, ValueError, "count is -1"),
        (1.0, TypeError, "count is 1.0"),
        (4, ValueError, "KVCache.advance: 4 more positions after 1, and max_seq_len is 4"),
    ],
)
def test_advance_refuses_counts_that_do_not_fit(count, error, message):
    cache = KVCache(1, 4, 1, 2, 4)
    cache.advance(1)
    with pytest.raises(error, match=message):
        cache.advance(count)
    assert cache.length == 1


@pytest.mark.parametrize("length", [-1, 3])
def test_reset_keeps_no_more_than_there_is(length):
    cache = KVCache(1, 4, 1, 2, 4)
    cache.advance(2)
    with pytest.raises(
        ValueError, match=f"KVCache.reset: length is {length} and 2 positions are filled; keep from 0 to 2"
    ):
        cache.reset(length)
    assert cache.length == 2


@pytest.mark.parametrize("place", [0, 1])
def test_a_gradient_is_refused_not_lost(place):
    cache, pair = KVCache(1, 4, 1, 2, 4), list(new(0))
    pair[place].requires_grad = True
    with pytest.raises(
        RuntimeError, match=r"KVCache.update: key or value requires a gradient, .* run the model under no_grad\(\)"
    ):
        cache.update(0, *pair)
    assert not cache.keys.any()


@pytest.mark.processes
def test_the_cache_needs_no_gradients_to_be_known():
    program = (
        "from tinytorch.core.transformers import GPT; from tinytorch.perf.memoization import enable_kv_cache; "
        "model = GPT(9, 8, 1, 2, 8, rng=0).eval(); text = model.generate([[1, 2]], 5, temperature=0).data; "
        "enable_kv_cache(model); print((text == model.generate([[1, 2]], 5, temperature=0).data).all(), "
        "model([[3]]).shape)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[0] == "True (1, 1, 9)", done.stderr


# The same logits


@given(st.lists(st.integers(0, 8), min_size=1, max_size=8), st.data(), st.booleans(), st.integers(0, 100))
@settings(max_examples=25)
def test_logits_in_any_steps_equal_those_without_cache(tokens, data, tied, seed):
    model, ids = lively(seed, tie_weights=tied), np.array([tokens])
    cuts = data.draw(st.sets(st.integers(1, len(tokens) - 1))) if len(tokens) > 1 else set()
    edges = [0, *sorted(cuts), len(tokens)]
    with no_grad():
        expected = model(ids).data
        enable_kv_cache(model)
        for start, stop in itertools.pairwise(edges):
            logits = model(ids[:, start:stop]).data
            np.testing.assert_allclose(logits, expected[:, start:stop], rtol=1e-5, atol=1e-5)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=10), st.integers(0, 12), st.integers(1, 3), st.integers(0, 100))
@settings(max_examples=25)
def test_generate_gives_the_uncached_text_also_beyond_max_seq_len(prompt, count, B, seed):
    model = lively(seed)
    ids = (np.array([prompt]) + np.arange(B)[:, None]) % 9
    greedy, drawn = model.generate(ids, count, temperature=0).data, model.generate(ids, count, seed=seed).data
    enable_kv_cache(model, batch_size=B)
    np.testing.assert_array_equal(model.generate(ids, count, temperature=0).data, greedy)
    np.testing.assert_array_equal(model.generate(ids, count, seed=seed).data, drawn)


class AsksItself(GPT):
    """A GPT whose `generate` calls the model with the whole window, as many do, and never `next_logits`."""

    def generate(self, ids, max_new_tokens):
        for _ in range(max_new_tokens):
            with no_grad():
                best = self(ids[:, -self.max_seq_len :]).data[:, -1].argmax(axis=-1)
            ids = np.concatenate([ids, best[:, None]], axis=1)
        return ids


def test_a_generate_that_asks_the_model_itself_gives_the_uncached_text_and_what_follows_too():
    model = AsksItself(vocab_size=9, embed_dim=8, num_layers=2, num_heads=2, max_seq_len=6, rng=0).eval()
    ids = np.array([[1, 2, 3]])
    expected = model.generate(ids, 8)
    with no_grad():
        following = model.next_logits(np.array([[1, 2, 4]]))
    enable_kv_cache(model)
    for _ in range(2):
        np.testing.assert_array_equal(model.generate(ids, 8), expected)
        with no_grad():
            np.testing.assert_allclose(model.next_logits(np.array([[1, 2, 4]])), following, rtol=1e-5, atol=1e-6)


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=10), min_size=1, max_size=5), st.integers(0, 9))
@settings(max_examples=25)
def test_next_logits_are_right_whatever_was_asked_before(asked, seed):
    model = lively(seed)
    with no_grad():
        expected = [model.next_logits(np.array([ids])) for ids in asked]
        enable_kv_cache(model)
        for ids, logits in zip(asked, expected, strict=True):
            np.testing.assert_allclose(model.next_logits(np.array([ids])), logits, rtol=1e-5, atol=1e-5)


def test_sequences_side_by_side_share_only_what_all_of_them_share():
    model = lively()
    first, second = np.array([[1, 2, 3], [1, 2, 3]]), np.array([[1, 2, 3, 4], [1, 5, 3, 4]])
    with no_grad():
        expected = model.next_logits(second)
        cache = enable_kv_cache(model, batch_size=2)
        model.next_logits(first)
        cached = model.next_logits.__self__
        assert cached.count_known(second) == 1 and cached.count_known(first) == 2
        np.testing.assert_allclose(model.next_logits(second), expected, rtol=1e-5, atol=1e-5)
    assert cache.length == 4


def test_a_model_in_float64_has_a_cache_in_float64():
    model = lively()
    for parameter in model.parameters():
        parameter.data = parameter.data.astype(np.float64)
    with no_grad():
        expected = model([[1, 2, 3]]).data
        cache = enable_kv_cache(model)
        model([[1, 2]])
        np.testing.assert_allclose(model([[3]]).data[0, 0], expected[0, 2], rtol=1e-12)
    assert cache.keys.dtype == np.float64


def test_the_cache_has_the_sizes_of_the_model():
    cache = enable_kv_cache(small(num_layers=3, max_seq_len=6), batch_size=2)
    assert cache.keys.shape == (3, 2, 2, 6, 4) and cache.length == 0
    assert enable_kv_cache(small()).batch_size == 1


# The skipped work


def test_a_new_token_costs_one_row_in_every_layer(rows):
    model = small()
    with no_grad():
        model([[1, 2, 3, 4]])
        assert rows == [4] * 13  # 6 in each of 2 blocks, and the head
        enable_kv_cache(model)
        for ids, count in (([[1, 2, 3]], 3), ([[4]], 1), ([[5, 6]], 2)):
            rows.clear()
            model(ids)
            assert rows == [count] * 13


def test_generate_computes_each_position_once(rows):
    model = small()
    model.generate([[1, 2, 3]], 5, temperature=0)
    assert rows == [count for count in (3, 4, 5, 6, 7) for _ in range(13)]
    enable_kv_cache(model)
    rows.clear()
    model.generate([[1, 2, 3]], 5, temperature=0)
    assert rows == [3] * 13 + [1] * 9 * 4  # once the weights are known: queries, keys and values in one product


def test_queries_keys_and_values_are_one_product_only_while_a_text_is_written(monkeypatch):
    model, seen, head = lively(), [], GPT.logits
    enable_kv_cache(model)
    at = model.blocks[0].attention
    before, names = dict(vars(at)), list(model.state_arrays())
    monkeypatch.setattr(
        GPT, "logits", lambda self, x: seen.append((at.k_proj, list(self.state_arrays()))) or head(self, x)
    )
    model.generate([[1, 2, 3]], 3, temperature=0)
    assert [type(layer).__name__ for layer, _ in seen] == ["Linear", "Part", "Part"]
    assert all(now == names for _, now in seen) and vars(at) == before
    assert all(layer.weight is at.k_proj.weight and not layer.training for layer, _ in seen)


def test_a_layer_with_a_forward_of_its_own_is_asked_for_every_token():
    model, asked, ids = lively(), [], [[1, 2, 3]]
    expected = model.generate(ids, 4, temperature=0).data
    layer = model.blocks[1].attention.v_proj
    layer.forward = lambda x: asked.append(x.shape[1]) or Linear.forward(layer, x)
    enable_kv_cache(model)
    assert np.array_equal(model.generate(ids, 4, temperature=0).data, expected)
    assert asked == [3, 1, 1, 1]


def test_layers_side_by_side_give_what_each_gives_alone():
    layers = [Linear(4, size, rng=size) for size in (3, 1, 5)]
    for layer in layers:
        layer.bias.data += np.float32(layer.out_features)
    parts = module.SideBySide(layers).parts
    for seed in (0, 1):
        x = Tensor(np.random.default_rng(seed).standard_normal((2, 3, 4)))
        with pytest.raises(RuntimeError, match="Part: weight requires a gradient"):
            parts[0](x)
        for part, layer in zip(parts, layers, strict=True):
            with no_grad():
                outcomes = part(x).data, layer(x).data
            np.testing.assert_allclose(*outcomes, rtol=1e-6, atol=1e-6)
            assert part.weight is layer.weight and part.bias is layer.bias


def test_generate_again_starts_from_what_both_prompts_share(rows):
    model = small()
    cache = enable_kv_cache(model)
    model.generate([[1, 2, 3, 4]], 1, temperature=0)
    for prompt, count in (
        ([[1, 2, 3, 4, 5]], 1),
        ([[1, 2, 3, 4, 5]], 1),
        ([[1, 2, 7]], 1),
        ([[8, 2, 7]], 3),
        ([[8]], 1),
    ):
        rows.clear()
        model.generate(prompt, 1, temperature=0)
        assert rows == [count] * 9 and cache.length == len(prompt[0])


def test_a_window_that_slides_is_computed_whole(rows):
    model = small()
    enable_kv_cache(model)
    model.generate([[1, 2, 3, 4, 5, 6, 7]], 4, temperature=0)
    assert rows == [7] * 13 + [count for count in (1, 8, 8) for _ in range(9)]


# Other weights


def change_by_loading(model):
    model.load_state_dict(lively(seed=1).state_dict())


def change_by_a_step(model):
    for parameter in model.parameters():
        parameter.grad = np.ones_like(parameter.data)
    SGD(model.parameters(), lr=0.5).step()


def change_by_writing(model):
    model.blocks[1].mlp.up.weight.data[0] += 1.0


def change_by_swapping_two(model):
    weight = model.blocks[0].attention.q_proj.weight.data
    weight[[0, 1]] = weight[[1, 0]]


def change_by_another_array(model):
    model.blocks[0].attention.v_proj.weight.data = lively(seed=2).blocks[0].attention.v_proj.weight.data


def change_by_another_layer(model):
    model.blocks[0].mlp = lively(seed=3).blocks[0].mlp


CHANGES = [value for name, value in sorted(globals().items()) if name.startswith("change_by")]


@pytest.mark.parametrize("change", CHANGES)
def test_after_any_change_of_weights_the_cached_text_is_the_uncached_one(change):
    cached, plain = lively(), lively()
    enable_kv_cache(cached)
    ids = [[1, 2, 3, 4]]
    np.testing.assert_array_equal(
        cached.generate(ids, 3, temperature=0).data, plain.generate(ids, 3, temperature=0).data
    )
    change(cached)
    change(plain)
    with no_grad():
        expected = plain.next_logits(np.array([[1, 2, 3, 4, 5]]))
        np.testing.assert_allclose(cached.next_logits(np.array([[1, 2, 3, 4, 5]])), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(
        cached.generate(ids, 3, temperature=0).data, plain.generate(ids, 3, temperature=0).data
    )


@pytest.mark.parametrize("change", CHANGES)
def test_a_sequence_that_goes_on_with_other_weights_is_computed_again(change, rows):
    model, plain = lively(), lively()
    cache = enable_kv_cache(model)
    change(plain)
    with no_grad():
        model([[1, 2, 3]])
        change(model)
        expected = plain([[1, 2, 3, 4, 5]]).data
        rows.clear()
        np.testing.assert_allclose(model([[4, 5]]).data, expected[:, 3:], rtol=1e-4, atol=1e-5)
        assert set(rows) == {5} and cache.length == 5
        rows.clear()
        model([[6]])
        assert set(rows) == {1}


def test_a_text_compares_the_weights_once_and_a_step_by_hand_each_time(monkeypatch):
    model, compared, same = lively(), [], module.same_arrays
    monkeypatch.setattr(module, "same_arrays", lambda one, other: compared.append(1) or same(one, other))
    enable_kv_cache(model)
    for expected in (1, 2):
        model.generate([[1, 2, 3]], 4, temperature=0)
        assert len(compared) == expected
    with no_grad():
        for expected in (3, 4):
            model.next_logits(np.array([[1, 2, 3]]))
            assert len(compared) == expected


def test_a_text_that_breaks_off_leaves_no_trust_in_the_weights_behind(monkeypatch):
    model, plain, ids = lively(), lively(), np.array([[1, 2, 3]])
    enable_kv_cache(model)
    head, calls, forward = model.head, [], Linear.forward

    def breaking(x):
        calls.append(1)
        if len(calls) == 3:
            raise OSError("no more")
        return forward(head, x)

    monkeypatch.setattr(Linear, "forward", lambda self, x: breaking(x) if self is head else forward(self, x))
    with pytest.raises(OSError, match="no more"):
        model.generate(ids, 4, temperature=0)
    model.blocks[0].mlp.up.weight.data += 1
    plain.blocks[0].mlp.up.weight.data += 1
    with no_grad():
        np.testing.assert_allclose(model.next_logits(ids), plain.next_logits(ids), rtol=1e-5, atol=1e-5)


def test_an_error_while_computing_again_leaves_nothing_of_two_kinds_behind():
    model, plain = lively(), lively()
    cache = enable_kv_cache(model)
    first = model.state_dict()
    with no_grad():
        model([[1, 2, 3]])
        change_by_loading(model)
        head, model.head = model.head, Linear(3, 9)  # breaks after every block has written its keys
        with pytest.raises(ValueError):
            model([[4]])
        model.head = head
        assert cache.length == 3
        model.load_state_dict(first)
        np.testing.assert_allclose(model([[4]]).data, plain([[1, 2, 3, 4]]).data[:, 3:], rtol=1e-5, atol=1e-5)


# What is refused


def test_training_with_the_cache_on_is_refused_and_works_after_it():
    model, ids = small().train(), np.array([[1, 2, 3]])
    cache = enable_kv_cache(model)
    with pytest.raises(
        RuntimeError, match=r"kv cache: the model is in training, .* or disable_kv_cache\(model\) to train it"
    ):
        model(ids)
    model.eval()
    with pytest.raises(RuntimeError, match="requires a gradient"):
        model(ids)
    assert cache.length == 0 and not cache.keys.any()
    model.train()
    assert model.generate(ids, 2, seed=0).shape == (1, 5) and model.training
    disable_kv_cache(model)
    CrossEntropyLoss()(model(ids), ids).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(
    "ids, error, message",
    [
        (
            [[1, 2], [3, 4]],
            ValueError,
            r"kv cache: 2 sequences, and the cache is for 1; .* enable_kv_cache\(model, batch_size=2\)",
        ),
        ([1, 2], ValueError, r"must be \(B, T\)"),
        ([[9]], ValueError, "outside the vocabulary"),
        ([[0.5]], TypeError, "0.5"),
        ([[1, 2, 3, 4, 5, 6]], ValueError, "GPT: 6 tokens from position 3 on, and max_seq_len is 8"),
    ],
)
def test_the_cached_model_refuses_ids_it_cannot_read_and_the_cache_stays(ids, error, message):
    model = small()
    cache = enable_kv_cache(model)
    with no_grad():
        model([[1, 2, 3]])
        before = cache.keys.copy()
        with pytest.raises(error, match=message):
            model(ids)
    assert cache.length == 3
    np.testing.assert_array_equal(cache.keys, before)


@pytest.mark.parametrize("length", [2, 12])
def test_generate_refuses_another_number_of_sequences_and_the_cache_stays(length):
    model = small()
    cache = enable_kv_cache(model)
    model.generate([[1, 2, 3]], 1, seed=0)
    with pytest.raises(ValueError, match="kv cache: 2 sequences, and the cache is for 1"):
        model.generate(np.ones((2, length), dtype=int), 1)
    assert cache.length == 3


def test_enabling_twice_or_disabling_without_a_cache_is_refused():
    model = small()
    with pytest.raises(ValueError, match="disable_kv_cache: the model has no cache"):
        disable_kv_cache(model)
    enable_kv_cache(model)
    with pytest.raises(
        ValueError, match=r"enable_kv_cache: the model has a cache already; call disable_kv_cache\(model\) first"
    ):
        enable_kv_cache(model)
    disable_kv_cache(model)
    enable_kv_cache(model)


def test_only_a_gpt_has_a_cache_and_its_batch_is_a_size():
    with pytest.raises(TypeError, match="enable_kv_cache: got Linear; only a GPT has keys"):
        enable_kv_cache(Linear(2, 2))
    model = small()
    with pytest.raises(ValueError, match="batch_size is 0"):
        enable_kv_cache(model, batch_size=0)
    assert "forward" not in vars(model)


def test_disabling_leaves_the_model_as_it_was():
    model = small()
    before, names = dict(vars(model)), [name for name, _ in model.named_parameters()]
    state = model.state_dict()
    enable_kv_cache(model)
    assert [name for name, _ in model.named_parameters()] == names
    model.generate([[1, 2]], 3, seed=0)
    disable_kv_cache(model)
    assert vars(model) == before
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    assert model.forward.__func__ is GPT.forward and model.next_logits.__func__ is GPT.next_logits


def test_reset_begins_a_new_sequence():
    model = lively()
    with no_grad():
        expected = model([[4, 5]]).data
        cache = enable_kv_cache(model)
        model([[1, 2, 3]])
        assert not np.allclose(model([[4, 5]]).data, expected)
        cache.reset()
        np.testing.assert_allclose(model([[4, 5]]).data, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("length", [1.5, True, "1", None])
def test_a_length_to_keep_is_an_integer(length):
    cache = KVCache(1, 8, 1, 1, 2)
    cache.advance(3)
    with pytest.raises(TypeError, match=f"KVCache.reset: length is {length!r}; it must be an integer"):
        cache.reset(length)
    assert cache.length == 3


def test_after_new_weights_a_reset_forgets_what_the_old_ones_computed():
    model, other = (
        GPT(vocab_size=10, embed_dim=8, num_layers=2, num_heads=2, max_seq_len=32, rng=seed).eval() for seed in (0, 1)
    )
    cache = enable_kv_cache(model)
    model.generate([[1, 2, 3]], 8, temperature=0)
    model.load_state_dict(other.state_dict())
    cache.reset()
    assert np.array_equal(
        model.generate([[1, 2, 3]], 8, temperature=0).data, other.generate([[1, 2, 3]], 8, temperature=0).data
    )


def test_with_targets_the_cached_model_returns_the_loss_of_the_whole_sequence():
    model = lively()
    with no_grad():
        expected = model([[1, 2, 3]], [[2, 3, 4]]).item()
        cache = enable_kv_cache(model)
        model([[5, 6]])
        assert model([[1, 2, 3]], [[2, 3, 4]]).item() == expected and cache.length == 2


def test_a_cache_answers_to_the_names_of_other_texts():
    cache, (key, value) = KVCache(1, 8, 2, 2, 4), new(0)
    cache.update(layer_idx=1, key=key, value=value)
    cache.advance()
    assert cache.seq_pos == 1
    keys, values = cache.get(1)
    np.testing.assert_array_equal(keys.data, key.data)
    np.testing.assert_array_equal(values.data, value.data)
    with pytest.raises(ValueError, match=r"KVCache.get: layer 2 does not exist; the layers are 0 to 1"):
        cache.get(2)


# The positions that are computed


@given(st.integers(1, 12), st.integers(0, 12))
@settings(max_examples=20)
def test_the_counted_positions_are_those_that_are_computed(prompt, count):
    for cached in (False, True):
        model, computed = small(num_layers=1), []
        up = model.blocks[0].mlp.up
        model.blocks[0].mlp.up = lambda x, up=up, computed=computed: computed.append(x.shape[1]) or up(x)
        if cached:
            enable_kv_cache(model)
        model.generate([[1] * prompt], count, temperature=0)
        assert sum(computed) == module.count_positions(prompt, count, model.max_seq_len, cached)
