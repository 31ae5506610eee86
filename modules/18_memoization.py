"""Chapter 18: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import math

import numpy as np

from tinytorch import GPT, Tensor
from tinytorch.learn.expecting import expect, expect_cost, expect_raises, expect_shares_memory, expect_unchanged, peak, raising
from tinytorch.perf.memoization import CachedForward, KVCache, count_positions, same_arrays
from tinytorch.perf.paging import PagedKVCache, visible
from tinytorch.perf.server import GenerationServer
from tinytorch.perf.serving import DynamicBatcher

CHECKED = "self.check_update(layer_idx, key, value)\n"
END = "end = self.length + key.shape[2]\n"
KEYS = "self.keys[layer_idx, :, :, self.length:end] = key.data\n"
VALUES = "self.values[layer_idx, :, :, self.length:end] = value.data\n"
VIEWS = "return self.views(layer_idx, end)\n"
SHARED = "shared = min(self.cache.length, ids.shape[1] - 1)\n"
DIFFERS = "differs = (self.tokens[:, :shared] != ids[:, :shared]).any(axis=0)\n"
FIRST = "return int(differs.argmax()) if differs.any() else shared\n"
TABLE = "table = self.tables.get(name, [])\n"
MISSING = "missing = math.ceil(length / self.block_size) - len(table)\n"
REFUSE = "if missing > len(self.free):\n    return False\n"
TAKE = "for _ in range(missing):\n    table.append(self.free.pop())\n"
GIVEN = "self.tables[name] = table\nreturn True\n"
POSITIONS = "positions = np.arange(start, stop)\n"
BLOCKS = "blocks = np.array(self.tables[name])[positions // self.block_size]\n"
PLACES = "return blocks * self.block_size + positions % self.block_size\n"
FILLS = "last = first + self.max_batch_size - 1\n"
FULL = "full = arrivals[last] if last < len(arrivals) else math.inf\n"
LATE = "now = self.clock()\nlate = [request for request in self.waiting + self.running if now > request.deadline]\n"
FINISH = "for request in late:\n    self.finish(request, TimeoutError('no answer in time'))\n"


class exercise_count_positions:

    def a_short_text():
        """Without a cache every text is read whole, with one each position once"""
        expect(count_positions(3, 4, 8), 18, mistakes=[
            (22, "The texts that are read have 3, 4, 5 and 6 tokens. The first is the prompt as it is given; the token that is written last is not read any more.",
             "return sum(min(length, window) for length in range(prompt + 1, prompt + count + 1))"),
            (25, "The texts that are read have 3, 4, 5 and 6 tokens: one for each token that is written, so `count` of them.",
             "return sum(min(length, window) for length in range(prompt, prompt + count + 1))"),
            (6, "This is without a cache: every text is read whole, and all of it is computed.",
             "return prompt + count - 1"),
            (12, "The text grows: 3, 4, 5, 6. Each new token reads those written before it too.",
             "return count * min(prompt, window)"),
            (7, "Each of the four tokens costs a reading of the whole text so far. You counted the tokens of the result.",
             "return prompt + count"),
            (None, "Nothing came back. Return the sum.", "total = 0\nfor length in range(prompt, prompt + count):\n    total += min(length, window)")])
        expect(count_positions(3, 4, 8, cached=True), 6, mistakes=[
            (18, "`cached` makes no difference. With a cache every token but the first costs one position.",
             "return sum(min(length, window) for length in range(prompt, prompt + count))"),
            (7, "The first token costs the three positions of the prompt, the other three one each. The last token that is written is not computed.",
             "if cached:\n    return prompt + count\nreturn sum(min(length, window) for length in range(prompt, prompt + count))"),
            (4, "The prompt has to be computed once too: three positions for the first token, then one for each.",
             "return count if cached else sum(min(length, window) for length in range(prompt, prompt + count))")])
        expect(count_positions(1, 100, 256), 5050)
        expect(count_positions(1, 100, 256, cached=True), 100)

    def a_window_that_is_full():
        """A window that is full is computed whole, with a cache too"""
        expect(count_positions(7, 4, 8), 7 + 8 + 8 + 8, mistakes=[
            (7 + 8 + 9 + 10, "The model reads at most `window` tokens of the text, here 8.",
             "if not cached:\n    return sum(range(prompt, prompt + count))\nreturn sum(1 if prompt < length <= window else min(length, window) for length in range(prompt, prompt + count))")])
        expect(count_positions(7, 4, 8, cached=True), 7 + 1 + 8 + 8, mistakes=[
            (10, "Before they are cut, the texts have 7, 8, 9 and 10 tokens, and the window has 8. When the text is longer than the window, all its tokens have moved, and nothing that was kept is of use. What has been cut is never longer than the window, so ask before.",
             "if cached:\n    return prompt + count - 1 if count else 0\nreturn sum(min(length, window) for length in range(prompt, prompt + count))",
             "total = 0\nfor i in range(count):\n    read = min(prompt + i, window)\n    total += 1 if cached and i > 0 and read <= window else read\nreturn total"),
            (31, "The text of 8 tokens fits into a window of 8. Only longer ones slide.",
             "return sum(1 if cached and prompt < length < window else min(length, window) for length in range(prompt, prompt + count))"),
            (7 + 1 + 9 + 10, "What does not fit into the window costs the window, not the text.",
             "return sum(1 if cached and prompt < length <= window else (length if cached else min(length, window)) for length in range(prompt, prompt + count))")])
        expect(count_positions(12, 2, 8, cached=True), 16, mistakes=[
            (20, "Of a prompt that is longer than the window only the last `window` tokens are read.",
             "total = 0\nfor length in range(prompt, prompt + count):\n    if cached and length == prompt:\n        total += prompt\n    else:\n        total += 1 if cached and length <= window else min(length, window)\nreturn total")])
        expect(count_positions(8, 2, 8, cached=True), 16)
        expect(count_positions(5, 1, 8, cached=True), 5)

    def no_token_at_all():
        """Nothing to write costs nothing"""
        expect(count_positions(5, 0, 8), 0)
        expect(count_positions(5, 0, 8, cached=True), 0, mistakes=[
            (5, "No token is written, so the prompt is not read either.",
             "if not cached:\n    return sum(min(length, window) for length in range(prompt, prompt + count))\n"
             "return min(prompt, window) + sum(1 if length <= window else window for length in range(prompt + 1, prompt + count))"),
            (4, "For `count=0` nothing is computed, and the formula for many tokens gives something else.",
             "if not cached:\n    return sum(min(length, window) for length in range(prompt, prompt + count))\n"
             "fitting = max(0, min(count - 1, window - prompt))\nreturn min(prompt, window) + fitting + (count - 1 - fitting) * (1 if prompt + count - 1 <= window else window)")])

    wrong = [
        ("return count * (prompt + count)", "returned 28"),
        ("total = 0\nfor length in range(count):\n    total += 1 if cached else min(length, window)\nreturn total", "returned 6; expected 18"),
    ]

    right = [
        ("total = 0\nfor length in range(prompt, prompt + count):\n    if cached and length > prompt and length <= window:\n        total += 1\n"
         "    else:\n        total += min(length, window)\nreturn total"),
        "return sum(1 if cached and prompt < length <= window else min(length, window) for length in range(prompt, prompt + count))",
        ("lengths = np.arange(prompt, prompt + count)\ncosts = np.minimum(lengths, window)\nif cached:\n    costs[(lengths > prompt) & (lengths <= window)] = 1\n"
         "return int(costs.sum())"),
    ]


class exercise_update:

    def behind_what_is_filled():
        """The new ones stand behind the filled ones, and all are returned"""
        rng = np.random.default_rng(0)
        cache = KVCache(2, max_seq_len=8, num_layers=2, num_heads=2, head_dim=4)
        before, key, value = rng.standard_normal((2, 2, 2, 3, 4)), *(Tensor(rng.standard_normal((2, 2, 1, 4))) for _ in "kv")
        cache.keys[0, :, :, :3], cache.values[0, :, :, :3] = before
        cache.length = 3
        expect(cache.update(0, key, value)[0].shape, (2, 2, 4, 4), mistakes=[
            ((2, 2, 1, 4), "Only the new position came back. Attention needs all of them, from position 0 on.",
             CHECKED + END + KEYS + VALUES + "return key, value",
             CHECKED + END + KEYS + VALUES + "return tuple(Tensor(kept[layer_idx, :, :, self.length:end]) for kept in (self.keys, self.values))"),
            ((2, 2, 3, 4), "Three positions were filled and one is new. All four are asked for.",
             CHECKED + END + KEYS + VALUES + "return self.views(layer_idx, self.length)"),
            ((2, 2, 8, 4), "That is all the room, with places that nobody has written to. The filled ones are asked for, and the new one.",
             CHECKED + END + KEYS + VALUES + "return self.views(layer_idx, self.max_seq_len)"),
            ((2, 2, 5, 4), "One new position came, and five came back. The positions are axis 2 of the key; axis 0 are the texts, axis 1 the heads.",
             CHECKED + "end = self.length + len(key.data)\n" + KEYS + VALUES + VIEWS, CHECKED + "end = self.length + key.shape[1]\n" + KEYS + VALUES + VIEWS),
            (raising(TypeError, "NoneType"), "Nothing came back. Return the views.",
             CHECKED + END + KEYS + VALUES + "self.views(layer_idx, end)"),
            (raising(AttributeError, "append"), "An array cannot grow, and need not: the room is there. Write to the places behind `self.length`.",
             CHECKED + "self.keys[layer_idx].append(key.data)\nself.values[layer_idx].append(value.data)\nreturn self.views(layer_idx, self.length + key.shape[2])"),
            (raising(AttributeError, "length"), "Key and value are Tensors with four axes: B, H, T, head_dim. The number of new positions is `key.shape[2]`.",
             CHECKED + "end = self.length + key.length\n" + KEYS + VALUES + VIEWS),
            (ValueError, "The new keys do not fit where they are to be written. The axes of `self.keys` are layers, texts, heads, positions and head_dim: the layer is one index, and your slice of positions belongs on the fourth axis.",
             CHECKED + END + "self.keys[layer_idx, self.length:end] = key.data\nself.values[layer_idx, self.length:end] = value.data\n" + VIEWS,
             CHECKED + "end = self.length + len(key.data)\n" + "self.keys[layer_idx, :, self.length:end] = key.data\n" + VALUES + VIEWS,
             CHECKED + "end = self.length + key.shape[1]\nself.keys[layer_idx, :, self.length:end] = key.data\nself.values[layer_idx, :, self.length:end] = value.data\n" + VIEWS)])
        expect(cache.update(0, key, value)[0], Tensor(np.concatenate([before[0], key.data], axis=2)), mistakes=[
            (lambda got: got.shape == (2, 2, 5, 4), "Called once more, it writes one place further on: the length has changed. Other layers of the same step come after this one; `advance` counts when all are done.",
             CHECKED + "start = self.length\nself.length += key.shape[2]\nself.keys[layer_idx, :, :, start:self.length] = key.data\nself.values[layer_idx, :, :, start:self.length] = value.data\nreturn self.views(layer_idx, self.length)"),
            (lambda got: np.allclose(got.data[:, :, :1], key.data), "The new key was written over the first one. It belongs behind the `self.length` filled positions.",
             CHECKED + END + "self.keys[layer_idx, :, :, :key.shape[2]] = key.data\nself.values[layer_idx, :, :, :key.shape[2]] = value.data\n" + VIEWS),
            (lambda got: not got.data[:, :, 3].any() and got.data[:, :, 0].any(), "The new key was not written: its place holds zeros.",
             CHECKED + END + VALUES + VIEWS, CHECKED + END + VIEWS),
            (lambda got: np.allclose(got.data[:, :, 3:], value.data), "The value stands where the key should. Two arrays: keys to `self.keys`, values to `self.values`.",
             CHECKED + END + KEYS.replace("key.data", "value.data") + VALUES + VIEWS)])
        expect(cache.update(0, key, value)[1], Tensor(np.concatenate([before[1], value.data], axis=2)), mistakes=[
            (lambda got: not got.data[:, :, 3].any(), "The value was not written. Keys and values are both needed.",
             CHECKED + END + KEYS + VIEWS),
            (lambda got: np.allclose(got.data[:, :, 3:], key.data), "The key stands where the value should.",
             CHECKED + END + KEYS + VALUES.replace("value.data", "key.data") + VIEWS)])

    def several_positions_and_layers():
        """Several positions at once, and each layer for itself"""
        rng = np.random.default_rng(1)
        cache = KVCache(2, max_seq_len=8, num_layers=2, num_heads=1, head_dim=3)
        pairs = [tuple(Tensor(rng.standard_normal((2, 1, 4, 3))) for _ in "kv") for _ in range(2)]
        for layer in (0, 1):
            expect(cache.update(layer, *pairs[layer])[0], pairs[layer][0], mistakes=[
                (lambda got: got.shape == (2, 1, 1, 3), "Four new positions came, and one was counted. `key.shape[2]` says how many there are.",
                 CHECKED + "end = self.length + 1\n" + "self.keys[layer_idx, :, :, self.length:end] = key.data[:, :, :1]\nself.values[layer_idx, :, :, self.length:end] = value.data[:, :, :1]\n" + VIEWS),
                (raising(ValueError, "broadcast"), "The new keys do not fit where they are to be written. There can be several new positions at once, `key.shape[2]` of them, and positions are the fourth axis of the cache.",
                 CHECKED + "end = self.length + 1\n" + KEYS + VALUES + VIEWS),
                (lambda got: got.shape == (2, 1, 8, 3), "The length was changed by layer 0, so layer 1 wrote four places further on. All layers of a step write to the same positions; `advance` counts them when all are done.",
                 CHECKED + END + KEYS + VALUES + "self.length = end\n" + VIEWS)])
        expect(cache.get(0)[0].shape, (2, 1, 0, 3), mistakes=[
            (lambda got: got[2] == 4, "The length has changed. Other layers of the same step come after this one; `advance` counts when all are done.",
             CHECKED + END + KEYS + VALUES + "views = self.views(layer_idx, end)\nif layer_idx == len(self.keys) - 1:\n    self.length = end\nreturn views")])
        expect(cache.keys[0, :, :, :4], pairs[0][0].data, mistakes=[
            (lambda got: not got.any(), "Nothing of layer 0 stands in the cache, so the next token will not find it. Write into `self.keys` and `self.values`, then return views of them.",
             CHECKED + "return tuple(Tensor(np.concatenate([kept[layer_idx, :, :, :self.length], new.data], axis=2)) for kept, new in ((self.keys, key), (self.values, value)))"),
            (lambda got: np.allclose(got, pairs[1][0].data), "Layer 1 wrote over what layer 0 had kept. `layer_idx` is the first index.",
             CHECKED + END + "self.keys[0, :, :, self.length:end] = key.data\nself.values[0, :, :, self.length:end] = value.data\nreturn self.views(0, end)",
             CHECKED + END + "self.keys[:, :, :, self.length:end] = key.data\nself.values[:, :, :, self.length:end] = value.data\n" + VIEWS)])

    def views_and_no_new_room():
        """What comes back is a view, and the room stays the same array"""
        cache = KVCache(1, max_seq_len=4, num_layers=1, num_heads=1, head_dim=2)
        room = cache.keys
        new = Tensor(np.ones((1, 1, 1, 2)))
        expect_shares_memory(cache.update(0, new, new)[0], cache.keys, mistakes=[
            (lambda got: True, "What came back is a copy, and it would be one of everything for every token. `self.views(layer_idx, end)` gives views.",
             CHECKED + END + KEYS + VALUES + "return tuple(Tensor(kept[layer_idx, :, :, :end].copy()) for kept in (self.keys, self.values))")])
        expect(cache.keys is room, True, mistakes=[
            (False, "The keys are in a new array now. The room was taken once; write into it.",
             CHECKED + END + "self.keys, self.values = self.keys.copy(), self.values.copy()\n" + KEYS + VALUES + VIEWS)])
        cache = KVCache(1, max_seq_len=2, num_layers=1, num_heads=1, head_dim=2)
        cache.length = 2
        expect_raises(ValueError, lambda: cache.update(0, new, new), mentions=["1 more positions after 2"], mistakes=[
            ((Tensor(np.zeros((1, 1, 2, 2))), Tensor(np.zeros((1, 1, 2, 2)))), "A cache that is full is refused by `self.check_update`, in a sentence. Keep that line at the top.",
             END + KEYS + VALUES + VIEWS)])
        expect_raises(ValueError, lambda: KVCache(1, 2, 1, 1, 2).update(0, new, Tensor(np.ones((1, 1, 2, 2)))), mentions=["key (1, 1, 1, 2) and value (1, 1, 2, 2)"])

    wrong = [
        (CHECKED + "return self.views(layer_idx, self.length + key.shape[2])", "its place holds zeros"),
        (CHECKED + END + KEYS + VALUES + "return self.views(layer_idx, end)[0]", "returned (2, 4, 4)"),
    ]

    right = [
        CHECKED + END + KEYS + VALUES + VIEWS,
        CHECKED + END + KEYS.replace("key.data", "key") + VALUES.replace("value.data", "value") + VIEWS,
        (CHECKED + "T = key.shape[2]\nplace = slice(self.length, self.length + T)\nfor kept, new in ((self.keys, key), (self.values, value)):\n"
         "    kept[layer_idx][:, :, place] = new.data\nreturn self.views(layer_idx, self.length + T)"),
        (CHECKED + "for t in range(key.shape[2]):\n    self.keys[layer_idx, :, :, self.length + t] = key.data[:, :, t]\n"
         "    self.values[layer_idx, :, :, self.length + t] = value.data[:, :, t]\nreturn self.views(layer_idx, self.length + t + 1)"),
    ]


class exercise_count_known:

    def one_text():
        """Kept is 1 2 3: what is before the first difference counts"""
        cached = CachedForward(None, KVCache(1, 8, 1, 1, 1))
        cached.tokens[:, :3], cached.cache.length = [[1, 2, 3]], 3
        expect(cached.count_known(np.array([[1, 2, 7, 8]])), 2, mistakes=[
            (3, "Position 2 holds another token than the cache does. What is before the first difference counts.",
             "return min(self.cache.length, ids.shape[1] - 1)"),
            (0, "The first two tokens are the same. Where is the first difference, and how many stand before it?",
             SHARED + DIFFERS + "return int(differs.argmin()) if differs.any() else shared",
             "return 0"),
            (1, "How many tokens agree is not the question, nor is how many do not: what stands before the first difference counts.",
             SHARED + DIFFERS + "return int(differs.sum())"),
            (raising(ValueError, "truth value"), "An array of several booleans is neither true nor false: `.any()` asks whether one of them is.",
             SHARED + DIFFERS + "return int(differs.argmax()) if differs else shared")])
        expect(cached.count_known(np.array([[1, 2]])), 1, mistakes=[
            (0, "Nothing differs, and where all values are equal, `argmax` and `argmin` both say 0. Then all that could be compared is known.",
             SHARED + DIFFERS + "return int(differs.argmax())",
             SHARED + "return int(np.argmin((self.tokens[:, :shared] == ids[:, :shared]).all(axis=0)))"),
            (raising(ValueError, "broadcast"), "The cache holds three tokens and this text has two. Compare as many columns as both have.",
             "length = self.cache.length\nreturn int((self.tokens[:, :length] == ids[:, :length]).all(axis=0).sum())"),
            (2, "Both tokens are known, and the last one never counts: its logits are not kept, so it must go through the model once more.",
             "shared = min(self.cache.length, ids.shape[1])\n" + DIFFERS + FIRST)])
        expect(cached.count_known(np.array([[1, 2, 3]])), 2)
        expect(cached.count_known(np.array([[1, 2, 3, 4, 5]])), 3, mistakes=[
            (4, "The cache holds three tokens. What stands behind these was never computed for this text.",
             "shared = ids.shape[1] - 1\nsame = (self.tokens[:, :shared] == ids[:, :shared]).all(axis=0)\nreturn shared if same[:3].all() else int(same.argmin())"),
            (2, "All three tokens of the cache are known. The one that never counts is the last of `ids`, not the last of the cache.",
             "shared = min(self.cache.length, ids.shape[1]) - 1\n" + DIFFERS + FIRST)])
        expect(cached.count_known(np.array([[4, 2, 3]])), 0, mistakes=[
            (lambda got: got is not None and got > 0, "The first token differs, so every key behind it was made with another beginning. Equal tokens further on do not count.",
             SHARED + "return int((self.tokens[:, :shared] == ids[:, :shared]).all(axis=0).sum())")])

    def after_a_difference_nothing_counts():
        """Kept is 1 2 3 4: what agrees behind a difference does not count"""
        cached = CachedForward(None, KVCache(1, 8, 1, 1, 1))
        cached.tokens[:, :4], cached.cache.length = [[1, 2, 3, 4]], 4
        expect(cached.count_known(np.array([[1, 9, 3, 4, 5]])), 1, mistakes=[
            (3, "Tokens 3 and 4 stand where they stood, and they were computed behind another beginning. Only what is before the first difference counts.",
             SHARED + "return int((self.tokens[:, :shared] == ids[:, :shared]).all(axis=0).sum())")])

    def what_is_left_over_does_not_count():
        """Kept is 1 2, and 3 4 5 is left over: that does not count"""
        cached = CachedForward(None, KVCache(1, 8, 1, 1, 1))
        cached.tokens[:, :5], cached.cache.length = [[1, 2, 3, 4, 5]], 2
        expect(cached.count_known(np.array([[1, 2, 3, 4]])), 2, mistakes=[
            (3, "Two positions count, and behind them stand tokens of an earlier text. `self.cache.length` says how many are valid.",
             "shared = ids.shape[1] - 1\n" + DIFFERS + FIRST),
            (0, "The two positions that count agree, so nothing differs there, and `argmax` or `argmin` of equal values is 0. Ask first whether anything differs.",
             SHARED + DIFFERS + "return int(differs.argmax())",
             SHARED + "return int(np.argmin((self.tokens[:, :shared] == ids[:, :shared]).all(axis=0)))")])
        cached.cache.length = 0
        cached.tokens[:] = 0
        expect(cached.count_known(np.array([[0, 0, 5]])), 0, mistakes=[
            (2, "The cache is empty, and the zeros in it are no tokens.",
             "shared = min(self.cache.length or self.tokens.shape[1], ids.shape[1] - 1)\n" + DIFFERS + FIRST),
            (raising(ValueError, "argm"), "An empty cache leaves nothing to compare, and there is no place of the first True in nothing. Ask `any()` first; of nothing it is False.",
             SHARED + DIFFERS + "return int(differs.argmax()) if differs[differs.argmax()] else shared"),
            (IndexError, "With an empty cache there is nothing to compare, so no entry to look at.",
             SHARED + DIFFERS + "return 0 if differs[0] else int(differs.argmax()) if differs.any() else shared")])

    def several_texts():
        """Kept is 1 2 3 4 twice: a position counts where both texts agree"""
        cached = CachedForward(None, KVCache(2, 8, 1, 1, 1))
        cached.tokens[:, :4], cached.cache.length = [[1, 2, 3, 4], [1, 2, 3, 4]], 4
        expect(cached.count_known(np.array([[1, 2, 3, 9, 5], [1, 7, 3, 4, 5]])), 1, mistakes=[
            (3, "The first text agrees for three positions, the second for one. A position counts where all agree, since all go through the model together.",
             SHARED + "differs = self.tokens[0, :shared] != ids[0, :shared]\n" + FIRST,
             SHARED + "firsts = [int(row.argmax()) if row.any() else shared for row in self.tokens[:, :shared] != ids[:, :shared]]\nreturn max(firsts)"),
            (2, "Position 2 agrees in both texts, and position 1 in front of it does not. A position counts where all before it agree too.",
             SHARED + "return int((self.tokens[:, :shared] == ids[:, :shared]).all(axis=0).sum())"),
            (4, "Two texts differ, at position 3 and at position 1. The axis of the texts is 0: `any(axis=0)` says for each position whether any of them differs.",
             SHARED + DIFFERS.replace("any", "all") + FIRST),
            (0, "`any(axis=1)` says for each text whether it differs anywhere. For each position it is axis 0.",
             SHARED + DIFFERS.replace("axis=0", "axis=1") + FIRST)])
        expect(type(cached.count_known(np.array([[1, 2], [1, 2]]))).__name__, "int", mistakes=[
            (lambda got: got.startswith("int") and got != "int", "That is an array's number. `int(…)` makes a Python int of it.",
             SHARED + "same = (self.tokens[:, :shared] == ids[:, :shared]).all(axis=0)\nreturn np.logical_and.accumulate(same).sum()")])
        ids = np.array([[1, 2, 3, 9], [1, 2, 3, 4]])
        with expect_unchanged(cached.tokens, ids):
            cached.count_known(ids)

    wrong = [
        (SHARED + "for t in range(shared):\n    if (self.tokens[:, t] != ids[:, t]).any():\n        break\nreturn t", "returned 0; expected 1"),
        ("return int((self.tokens[:, : ids.shape[1]] == ids).sum())", "expected 2"),
    ]

    right = [
        SHARED + DIFFERS + FIRST,
        SHARED + "known = 0\nwhile known < shared and (self.tokens[:, known] == ids[:, known]).all():\n    known += 1\nreturn known",
        SHARED + "same = (self.tokens[:, :shared] == ids[:, :shared]).all(axis=0)\nreturn int(np.logical_and.accumulate(same).sum())",
        SHARED + "places = np.flatnonzero((self.tokens[:, :shared] != ids[:, :shared]).any(axis=0))\nreturn int(places[0]) if len(places) else shared",
    ]


class exercise_mended_same_arrays:

    def a_small_step():
        """A small step is a change, in any of the arrays, and so is another order of numbers"""
        expect(same_arrays({"weight": np.zeros(2)}, {"weight": np.array([0.0, 1e-9])}), False, mistakes=[
            (True, "Two arrays that differ by 1e-9 are called the same. A late step of training is no larger; compare exactly.",
             "return list(one) == list(other) and all(np.allclose(one[name], other[name]) for name in one)",
             "return list(one) == list(other) and all(one[name].sum().round(6) == other[name].sum().round(6) for name in one)"),
            (raising(ValueError, "truth value"), "`==` of two arrays is an array of booleans. `np.array_equal` gives one.",
             "return one == other",
             "return list(one) == list(other) and all(one[name] == other[name] for name in one)")])
        expect(same_arrays({"weight": np.zeros(2)}, {"weight": np.array([0.0, 1e-300])}), False, mistakes=[
            (True, "A tolerance is left: these two differ by 1e-300. Any other number is a change, so let nothing be near enough.",
             "return list(one) == list(other) and all(one[name].dtype == other[name].dtype and one[name].shape == other[name].shape and np.allclose(one[name], other[name], rtol=0, atol=1e-12) for name in one)",
             "return list(one) == list(other) and all(one[name].dtype == other[name].dtype and one[name].shape == other[name].shape and (abs(one[name] - other[name]) < 1e-30).all() for name in one)")])
        weight = np.ones((2, 3), dtype=np.float32)
        expect(same_arrays({"weight": weight, "bias": np.zeros(3)}, {"weight": weight.copy(), "bias": np.zeros(3)}), True, mistakes=[
            (False, "Two copies of the same numbers are called different, so nothing that was kept would ever be used. `is` asks for the same object; the numbers count.",
             "return list(one) == list(other) and all(one[name] is other[name] for name in one)"),
            (None, "Nothing came back. Return True where all are the same.",
             "if list(one) != list(other):\n    return False\nfor name in one:\n    if one[name].dtype != other[name].dtype or not np.array_equal(one[name], other[name]):\n        return False")])
        one = {"a": np.zeros(2), "b": np.array([1.0, 2.0]), "c": np.zeros(1)}
        expect(same_arrays(one, {**one, "b": np.array([2.0, 1.0])}), False, mistakes=[
            (True, "Two numbers have changed places. Their sum is the same, and so is what the first or the last array holds; each array is to be compared, number by number.",
             "return list(one) == list(other) and all(one[name].dtype == other[name].dtype and one[name].sum() == other[name].sum() for name in one)",
             "return list(one) == list(other) and any(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)",
             "if list(one) != list(other):\n    return False\nfor name in one:\n    return one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name])",
             "return list(one) == list(other) and all(np.array_equal(np.sort(one[name], axis=None), np.sort(other[name], axis=None)) for name in one)")])
        expect(same_arrays(one, {**one, "c": np.array([1.0])}), False)
        middle = np.where(np.arange(2000) == 1000, 1.0, 0.0)
        expect(same_arrays({"a": np.zeros(2000)}, {"a": middle}), False, mistakes=[
            (True, "One of 2,000 numbers differs, in the middle. Of a large array only the ends are printed, so two texts are no comparison.",
             "return str(one) == str(other)")])

    def an_array_more_or_less():
        """An array more or less, on either side"""
        one = {"a": np.zeros(2), "b": np.zeros(2)}
        expect(same_arrays({}, one), False, mistakes=[
            (True, "A cache that has no copy of any weights yet hears that they are the same as its own, and never makes one. `zip`, or a loop over the names of the empty dict, has nothing to compare.",
             "return all(mine.dtype == theirs.dtype and np.array_equal(mine, theirs) for mine, theirs in zip(one.values(), other.values()))",
             "return all(name in other and one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)"),
            (KeyError, "A name of one dict need not be in the other. Compare the names first.",
             "return all(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in other)"),
            (raising(ValueError, "zip"), "`strict=True` makes an error of an array more or less. The answer is False.",
             "return all(mine.dtype == theirs.dtype and np.array_equal(mine, theirs) for mine, theirs in zip(one.values(), other.values(), strict=True))")])
        expect(same_arrays(one, {}), False, mistakes=[
            (True, "All names of the second are in the first. The first has others, which are gone.",
             "return all(name in one and one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in other)"),
            (KeyError, "A name of one dict need not be in the other. Compare the names first.",
             "return bool(one) and all(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)")])
        expect(same_arrays({}, {}), True, mistakes=[
            (False, "Two dicts with nothing in them are the same.",
             "return bool(one) and list(one) == list(other) and all(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)")])

    def names_and_their_order():
        """Another name, or the same names in another order, is a change"""
        expect(same_arrays({"a": np.zeros(2)}, {"b": np.zeros(2)}), False, mistakes=[
            (True, "The names differ. Two layers have changed places, perhaps; what was kept under one name says nothing of another.",
             "return len(one) == len(other) and all(mine.dtype == theirs.dtype and np.array_equal(mine, theirs) for mine, theirs in zip(one.values(), other.values()))"),
            (KeyError, "As many names are not the same names. Compare the names first.",
             "return len(one) == len(other) and all(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)")])
        small, large = np.zeros(2), np.ones(2)
        expect(same_arrays({"a": small, "b": large}, {"b": small, "a": large}), False, mistakes=[
            (True, "The weights a and b have changed places, and the answer is that nothing has changed. `keys() == keys()` and sets do not look at the order, and `zip` goes by nothing else: compare `list(one)` with `list(other)`.",
             "return one.keys() == other.keys() and all(mine.dtype == theirs.dtype and np.array_equal(mine, theirs) for mine, theirs in zip(one.values(), other.values()))",
             "return set(one) == set(other) and all(mine.dtype == theirs.dtype and np.array_equal(mine, theirs) for mine, theirs in zip(one.values(), other.values()))",
             "return sorted(one) == sorted(other) and all(mine.dtype == theirs.dtype and np.array_equal(mine, theirs) for mine, theirs in zip(one.values(), other.values()))")])
        expect(same_arrays({"a": small, "b": large}, {"b": large, "a": small}), False, mistakes=[
            (True, "The names come in another order, which is a difference too: `list(one) == list(other)` compares names and order.",
             "return set(one) == set(other) and all(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)",
             "return one.keys() == other.keys() and all(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)")])
        expect(same_arrays({"a": small, "b": small}, {"b": small, "a": small}), False)

    def shape_and_dtype():
        """Another shape or dtype is a change"""
        expect(same_arrays({"a": np.zeros(2)}, {"a": np.zeros(3)}), False, mistakes=[
            (ValueError, "Arrays of different shapes cannot always be compared number by number. `np.array_equal` says False of them.",
             "return list(one) == list(other) and all(one[name].dtype == other[name].dtype and (one[name] == other[name]).all() for name in one)")])
        expect(same_arrays({"a": np.zeros((2, 1))}, {"a": np.zeros(2)}), False, mistakes=[
            (True, "Shapes (2, 1) and (2,) can be broadcast, and then all numbers agree. `np.array_equal` compares the shapes too.",
             "return list(one) == list(other) and all(one[name].dtype == other[name].dtype and one[name].size == other[name].size and (one[name] == other[name]).all() for name in one)",
             "return list(one) == list(other) and all(one[name].dtype == other[name].dtype and np.array_equal(one[name].ravel(), other[name].ravel()) for name in one)")])
        expect(same_arrays({"a": np.zeros(2, dtype=np.float32)}, {"a": np.zeros(2)}), False, mistakes=[
            (True, "One array is float32 and the other float64. A model in another dtype gives other keys; compare `.dtype`.",
             "return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)")])

    def no_copy():
        """No copy of the arrays is made on the way"""
        big, same = np.zeros(200_000), np.zeros(200_000)
        expect(same_arrays({"a": big, "b": np.zeros(1)}, {"a": same, "b": np.ones(1)}), False)
        expect(peak(lambda: same_arrays({"a": big}, {"a": same})) < big.nbytes, True, mistakes=[
            (False, "On the way a copy as large as the arrays was made, for every text that is written. `np.array_equal` compares them where they are.",
             ("def key(array):\n    return array.shape, array.dtype, array.tobytes()\n"
         "return [(name, key(array)) for name, array in one.items()] == [(name, key(array)) for name, array in other.items()]"),
             "return [(name, array.dtype, array.tolist()) for name, array in one.items()] == [(name, array.dtype, array.tolist()) for name, array in other.items()]")])

    wrong = [
        ("return False", "expected True"),
        ("return one is other", "expected True"),
    ]

    right = [
        "return list(one) == list(other) and all(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)",
        ("if list(one) != list(other):\n    return False\nfor name, array in one.items():\n    theirs = other[name]\n"
         "    if array.shape != theirs.shape or array.dtype != theirs.dtype or (array != theirs).any():\n        return False\nreturn True"),
        ("if len(one) != len(other):\n    return False\nfor (name, mine), (its_name, theirs) in zip(one.items(), other.items()):\n"
         "    if name != its_name or mine.dtype != theirs.dtype or not np.array_equal(mine, theirs):\n        return False\nreturn True"),
    ]

    equivalent = [
        ("return list(one) == list(other) and all((array.dtype == other[name].dtype and np.array_equal(array, other[name]) for name, array in one.items()))  ->  return list(one) == list(other) and all((array.dtype == other[name].dtype and np.array_equal(other[name], array) for name, array in one.items()))",
         "two arrays are equal in either order"),
    ]


class exercise_reserve:

    def a_new_text():
        """A new text gets as many blocks as it needs"""
        cache = PagedKVCache(8, 4, 1, 1, 1)
        cache.free, cache.tables = [0, 1, 2], {}
        expect(cache.reserve("a", 5), True, mistakes=[
            (None, "Nothing came back. Say True where there is room now.",
             TABLE + MISSING + REFUSE + TAKE + "self.tables[name] = table"),
            (KeyError, "A name that has no table yet is a new text. `self.tables.get(name, [])` gives an empty table then.",
             "table = self.tables[name]\n" + MISSING + REFUSE + TAKE + GIVEN),
            (False, "Three blocks are free, and five positions need two.",
             TABLE + "missing = length - len(table)\n" + REFUSE + TAKE + GIVEN,
             TABLE + MISSING + "if missing < len(self.free):\n    return False\n" + TAKE + GIVEN),
            (raising(TypeError, "float"), "`length / self.block_size` is a float, and blocks are counted in whole numbers: math.ceil rounds up to one.",
             TABLE + "missing = length / self.block_size - len(table)\n" + REFUSE + TAKE + GIVEN)])
        expect((len(cache.tables.get('a', [])), len(cache.free)), (2, 1), mistakes=[
            ((1, 2), "Five positions in blocks of four need two: one that is full, and one for the fifth. `//` rounds down.",
             TABLE + "missing = length // self.block_size - len(table)\n" + REFUSE + TAKE + GIVEN),
            ((0, 1), "Blocks were taken, and no table says whose they are. Put the table under its name.",
             TABLE + MISSING + REFUSE + TAKE + "return True"),
            ((2, 3), "The text has two blocks, and all three are still free. What is handed out must leave `self.free`, or another text gets it too.",
             TABLE + MISSING + REFUSE + "table = table + self.free[:missing]\n" + GIVEN),
            ((3, 0), "All that was free has been taken. Five positions need two blocks.",
             TABLE + MISSING + REFUSE + "table = table + self.free\nself.free = []\n" + GIVEN)])
        cache = PagedKVCache(8, 4, 1, 1, 1)
        cache.free, cache.tables = [0, 1, 2], {}
        cache.reserve("a", 8)
        expect((len(cache.tables.get('a', [])), len(cache.free)), (2, 1), mistakes=[
            ((3, 0), "Eight positions fill two blocks of four exactly. A third is not needed; round up, do not add one.",
             TABLE + "missing = length // self.block_size + 1 - len(table)\n" + REFUSE + TAKE + GIVEN)])

    def what_it_has_counts():
        """Blocks that a text has count, and stay in front"""
        cache = PagedKVCache(8, 4, 1, 1, 1)
        cache.free, cache.tables = [7, 3], {"a": [5, 2]}
        expect(cache.reserve("a", 8), True, mistakes=[
            (False, "The text has two blocks, and eight positions fit into them. What it has counts.",
             TABLE + "missing = math.ceil(length / self.block_size)\nif missing >= len(self.free):\n    return False\n" + TAKE + GIVEN),
            (None, "No block is missing, and the answer is True.",
             TABLE + MISSING + REFUSE + "if missing > 0:\n" + "".join("    " + line + "\n" for line in (TAKE + GIVEN).splitlines()))])
        expect(cache.tables["a"], [5, 2], mistakes=[
            (lambda got: isinstance(got, tuple), "The table has become a tuple. Tables are lists; others put blocks to their ends.",
             "table = tuple(self.tables.get(name, ()))\n" + MISSING + REFUSE + "self.tables[name] = (*table, *(self.free.pop() for _ in range(missing)))\nreturn True"),
            (lambda got: len(got) == 4, "The text had two blocks, and was given two more for positions that it has room for. Subtract those it has.",
             TABLE + "missing = math.ceil(length / self.block_size)\n" + REFUSE + TAKE + GIVEN),
            (lambda got: len(got) == 3, "Eight positions fill two blocks of four exactly, and the text has two. Round up; adding one is too many where they fit exactly.",
             TABLE + "missing = length // self.block_size + 1 - len(table)\n" + REFUSE + TAKE + GIVEN),
            (lambda got: len(got) == 2 and got != [5, 2], "The table was made anew. Its blocks hold keys and values: they must stay, in their order.",
             "missing = math.ceil(length / self.block_size)\n" + REFUSE + "table = [self.free.pop() for _ in range(missing)]\n" + GIVEN)])
        cache.reserve("a", 12)
        expect(cache.tables["a"][:2], [5, 2], mistakes=[
            (lambda got: True, "The old blocks must stay at the front, in their order: their place in the table says which positions they hold. New ones go to the end.",
             TABLE + MISSING + REFUSE + "table = [self.free.pop() for _ in range(missing)] + table\n" + GIVEN,
             TABLE + MISSING + REFUSE + "for _ in range(missing):\n    table.insert(0, self.free.pop())\n" + GIVEN)])
        expect(sorted(cache.tables["a"] + cache.free), [2, 3, 5, 7], mistakes=[
            (lambda got: True, "Every block must be in exactly one place: in a table, or free.",
             TABLE + MISSING + REFUSE + "table = table + self.free[:missing]\nself.free.pop()\n" + GIVEN)])
        cache = PagedKVCache(8, 4, 1, 1, 1)
        cache.free, cache.tables = [7, 3], {"a": [5, 2]}
        cache.reserve("a", 1)
        expect((cache.tables, cache.free), ({"a": [5, 2]}, [7, 3]), mistakes=[
            (lambda got: len(got[0]["a"]) < 2, "One position was asked for and two blocks are there. What a text has it keeps, even where it is more than is needed.",
             TABLE + MISSING + REFUSE + "while len(table) > math.ceil(length / self.block_size):\n    self.free.append(table.pop())\n" + TAKE + GIVEN),
            (lambda got: len(got[0]["a"]) > 2, "Nothing is missing, the number of missing blocks is even negative here. `self.free[:-1]` is not empty, `range(-1)` is.",
             TABLE + MISSING + REFUSE + "taken, self.free = self.free[:missing], self.free[missing:]\nself.tables[name] = table + taken\nreturn True")])

    def too_few():
        """Too few blocks: False, and nothing has changed"""
        cache = PagedKVCache(8, 4, 1, 1, 1)
        cache.free, cache.tables = [0, 1], {"a": [2]}
        expect(cache.reserve("a", 17), False, mistakes=[
            (IndexError, "More blocks are missing than are free, and the list ran out. Ask before you take.",
             TABLE + MISSING + TAKE + GIVEN),
            (True, "Seventeen positions need five blocks. One is there and two are free, so there is no room.",
             TABLE + MISSING + "for _ in range(min(missing, len(self.free))):\n    table.append(self.free.pop())\n" + GIVEN)])
        expect((cache.tables, cache.free), ({"a": [2]}, [0, 1]), mistakes=[
            (lambda got: len(got[1]) < 2, "The answer was False, and blocks were taken all the same. Decide before you take any.",
             TABLE + "while len(table) < math.ceil(length / self.block_size):\n    if not self.free:\n        return False\n    table.append(self.free.pop())\n" + GIVEN)])
        expect(cache.reserve("b", 9), False)
        expect(cache.tables, {"a": [2]}, mistakes=[
            (lambda got: "b" in got, "The text b was refused, and it has a table now. Nothing may change where the answer is False.",
             "table = self.tables.setdefault(name, [])\n" + MISSING + REFUSE + TAKE + "return True")])
        expect(cache.reserve("b", 8), True, mistakes=[
            (False, "Two blocks are missing and two are free: that is enough.",
             TABLE + MISSING + "if missing >= len(self.free):\n    return False\n" + TAKE + GIVEN)])
        expect(cache.tables["a"], [2], mistakes=[
            (KeyError, "The table of another text is gone. Put the new one beside it: `self.tables[name] = …`.",
             TABLE + MISSING + REFUSE + TAKE + "self.tables = {name: table}\nreturn True")])
        expect(cache.reserve("a", 3), True, mistakes=[
            (False, "The text has a block of four, and three positions fit into it. It needs none, so it does not matter that none is free.",
             TABLE + "missing = math.ceil(length / self.block_size)\n" + REFUSE + TAKE + GIVEN)])

    wrong = [
        ("return math.ceil(length / self.block_size) <= len(self.free)", "returned (0, 3)"),
        (TABLE + "missing = round(length / self.block_size) - len(table)\n" + REFUSE + TAKE + GIVEN, "returned (1, 2)"),
        ("self.tables[name] = [self.free.pop() for _ in range(0, length, self.block_size)]\nreturn True", "expected"),
    ]

    right = [
        TABLE + MISSING + REFUSE + "taken = [self.free.pop() for _ in range(missing)]\nself.tables[name] = table + taken\nreturn True",
        TABLE + "missing = max(0, -(-length // self.block_size) - len(table))\n" + REFUSE + "self.tables[name] = table + self.free[:missing]\ndel self.free[:missing]\nreturn True",
        ("table = list(self.tables.get(name, []))\nneeded = (length + self.block_size - 1) // self.block_size\nif needed - len(table) > len(self.free):\n    return False\n"
         "while len(table) < needed:\n    table.append(self.free.pop(0))\nself.tables[name] = table\nreturn True"),
    ]


class exercise_rows:

    def across_two_blocks():
        """From one block into the next"""
        cache = PagedKVCache(16, 4, 1, 1, 1)
        cache.tables = {"a": [5, 2]}
        expect(cache.rows("a", 2, 6), np.array([22, 23, 8, 9]), mistakes=[
            (np.array([2, 3, 4, 5]), "Those are the positions. The table says in which block each lies.",
             "return np.arange(start, stop)"),
            (np.array([5, 5, 2, 2]), "Those are the blocks. Each has block_size rows, so a block begins at its number times that.",
             POSITIONS + "return np.array(self.tables[name])[positions // self.block_size]"),
            (np.array([20, 20, 8, 8]), "Each block begins there. The place of the position in its block comes on top: `%`.",
             POSITIONS + BLOCKS + "return blocks * self.block_size"),
            (np.array([22, 23, 12, 13]), "The place in the block is what is left of the position after whole blocks: `positions % self.block_size`.",
             POSITIONS + BLOCKS + "return blocks * self.block_size + positions"),
            (np.array([7, 8, 2, 3]), "A block begins at its number times the size of a block.",
             POSITIONS + BLOCKS + "return blocks + positions % self.block_size"),
            (np.array([22, 23, 24, 25]), "All positions were put into the first block. From position 4 on they lie in the second of the table, block 2.",
             "first = self.tables[name][0] * self.block_size\nreturn np.arange(first + start, first + stop)"),
            (np.array([20, 21, 22, 23]), "The positions count from 0 of the text. From `start` to before `stop` are asked for, not as many from the front.",
             "positions = np.arange(stop - start)\n" + BLOCKS + PLACES),
            (lambda got: len(got) == 5, "`stop` itself is not one of them: from start to before stop.",
             "positions = np.arange(start, stop + 1)\n" + BLOCKS + PLACES),
            (raising(TypeError, "scalar"), "A list takes one index at a time. `np.array(…)` of it takes an array of them.",
             POSITIONS + "blocks = self.tables[name][positions // self.block_size]\n" + PLACES),
            (lambda got: isinstance(got, list), "The rows came as a list. An array is asked for.",
             "return [self.tables[name][p // self.block_size] * self.block_size + p % self.block_size for p in range(start, stop)]"),
            (lambda got: len(got) == 8, "Those are the rows of all positions that have room. From start to before stop are asked for.",
             "first = np.array(self.tables[name])[:, None] * self.block_size\nreturn (first + np.arange(self.block_size)).ravel()"),
            (raising(TypeError, "unhashable"), "`self.tables` is a dict with the tables of all texts. That of this one is `self.tables[name]`.",
             POSITIONS + "blocks = self.tables[positions // self.block_size]\n" + PLACES),
            (raising(IndexError, "out of bounds"), "The table has an entry for each block, not for each position: which block is position p in?",
             POSITIONS + "blocks = np.array(self.tables[name])[positions]\n" + PLACES,
             POSITIONS + "blocks = np.array(self.tables[name])[positions % self.block_size]\nreturn blocks * self.block_size + positions // self.block_size"),
            (raising(IndexError, "integer"), "`/` gives floats, and an index must be whole: `//`.",
             POSITIONS + "blocks = np.array(self.tables[name])[positions / self.block_size]\n" + PLACES)])

    def other_texts_and_sizes():
        """Another text, another size of block, a single position, none"""
        cache = PagedKVCache(16, 3, 1, 1, 1)
        cache.tables = {"a": [5, 2], "b": [1, 0, 3]}
        expect(cache.rows("b", 0, 9), np.array([3, 4, 5, 0, 1, 2, 9, 10, 11]))
        expect(cache.rows("b", 8, 9), np.array([11]))
        expect(cache.rows("a", 3, 3).shape, (0,))
        expect(cache.rows("a", 3, 3).dtype.kind, "i", mistakes=[
            ("f", "Of an empty list NumPy makes an array of floats, and floats cannot pick rows out of an array. Say `dtype=int`, or begin with `np.arange`.",
             "return np.array([self.tables[name][p // self.block_size] * self.block_size + p % self.block_size for p in range(start, stop)])")])
        cache = PagedKVCache(16, 1, 1, 1, 1)
        cache.tables = {"a": [5, 2]}
        expect(cache.rows("a", 0, 2), np.array([5, 2]))

    def whole_numbers():
        """Whole numbers, for as many positions as are asked for"""
        cache = PagedKVCache(16, 4, 1, 1, 1)
        cache.tables = {"a": list(range(16))}
        expect(cache.rows("a", 60, 64).dtype.kind, "i", mistakes=[
            ("f", "The rows are floats, and an index must be whole.",
             POSITIONS + BLOCKS + "return blocks * float(self.block_size) + positions % self.block_size",
             "rows = []\nfor p in range(start, stop):\n    rows = np.append(rows, self.tables[name][p // self.block_size] * self.block_size + p % self.block_size)\nreturn np.array(rows)")])
        expect(cache.rows("a", 60, 64), np.array([60, 61, 62, 63]))

    def no_more_than_is_asked_for():
        """Four positions of a long text cost four positions"""
        cache = PagedKVCache(1000, 64, 1, 1, 1)
        cache.tables = {"a": list(range(1000))}
        expect(cache.rows("a", 130, 134), np.array([130, 131, 132, 133]))
        expect(peak(lambda: cache.rows("a", 130, 134)) < 64_000, True, mistakes=[
            (False, "The rows of all 64,000 positions were made, and four were asked for. Begin with the positions from start to stop.",
             "first = np.array(self.tables[name])[:, None] * self.block_size\nevery = (first + np.arange(self.block_size)).ravel()\nreturn every[start:stop]")])

    wrong = [
        (POSITIONS + BLOCKS + "return (blocks + positions) % self.block_size", "expected"),
        (POSITIONS + "return np.array(self.tables[name]) * self.block_size + positions % self.block_size", "raised ValueError"),
        (POSITIONS + "blocks = np.array(list(self.tables.values())[0])[positions // self.block_size]\n" + PLACES, "raised IndexError"),
    ]

    right = [
        POSITIONS + BLOCKS + PLACES,
        "whole, place = np.divmod(np.arange(start, stop), self.block_size)\nreturn np.array(self.tables[name])[whole] * self.block_size + place",
        ("return np.array([self.tables[name][p // self.block_size] * self.block_size + p % self.block_size\n"
         "                 for p in range(start, stop)], dtype=int)"),
    ]


class exercise_visible:

    def two_texts():
        """Each query looks up to its own position"""
        expect(visible(np.array([[2], [0]]), 3), np.array([[[True, True, True]], [[True, False, False]]]), mistakes=[
            (np.array([[[True, True, False]], [[False, False, False]]]), "A query may look at itself too: up to and with its own position. The comparison must hold for equal numbers too.",
             "return np.arange(count) < positions[..., None]"),
            (np.array([[[False, False, True]], [[True, True, True]]]), "It is the other way round: a key may be looked at when it does not stand behind the query.",
             "return np.arange(count) >= positions[..., None]"),
            (np.array([[[False, False, False]], [[False, True, True]]]), "It is turned round: True means that the key may be looked at.",
             "return np.arange(count) > positions[..., None]"),
            (np.array([[True, True, True], [True, False, False]]), "Three axes are asked for, (B, T, count). Give the positions, (B, T), one more axis at the end, (B, T, 1); then each of them is compared with all `count` keys.",
             "return np.arange(count) <= positions"),
            (np.array([[[False, False, True]], [[True, False, False]]]), "Each query looks at itself alone. It may look at all before it, too.",
             "return np.arange(count) == positions[..., None]"),
            (lambda got: got.shape == (1, 2, 3), "The new axis stands in front. It is for the keys, so it must be the last: (B, T, 1).",
             "return np.arange(count) <= positions[None].swapaxes(1, 2).swapaxes(0, 2).swapaxes(0, 1).reshape(1, 2, 1)"),
            (lambda got: isinstance(got, list), "An array is asked for, with a loop over nothing.",
             "return [[[key <= p for key in range(count)] for p in row] for row in positions]"),
            (lambda got: got.dtype.kind != "b", "Booleans are asked for; these are numbers.",
             "return (np.arange(count) <= positions[..., None]).astype(float)"),
            (raising(AttributeError, "unsqueeze"), "`unsqueeze` is a Tensor's, and the positions are an array: `positions[..., None]` or `np.expand_dims(positions, -1)`.",
             "return np.arange(count) <= positions.unsqueeze(-1)")])

    def several_queries():
        """Several queries of a text: the causal mask is one case"""
        expect(visible(np.array([[0, 1]]), 2), np.array([[[True, False], [True, True]]]), mistakes=[
            (lambda got: got.shape == (1, 1, 2), "The new axis stands in the middle. It is for the keys, so the positions get it at the end: (B, T, 1).",
             "return np.arange(count) <= positions[:, None, :]"),
            (lambda got: got.shape == (1, 2), "Three axes are needed: (B, T, count). Here the positions were compared with the keys one to one.",
             "return np.arange(count) <= positions"),
            (np.array([[[False, False], [True, False]]]), "A query may look at itself too: here at key 0 from position 0, and at key 1 from position 1.",
             "return np.arange(count) < positions[..., None]"),
            (np.array([[[True, True], [False, True]]]), "Rows and columns have changed places: queries are the second axis, keys the last.",
             "return np.arange(count)[:, None] <= positions[:, None]")])
        rng = np.random.default_rng(0)
        positions = rng.integers(0, 9, (3, 4))
        expect(visible(positions, 9).sum(axis=2, dtype=np.int64), positions + 1)
        expect(visible(np.minimum(positions, 4), 5).shape, (3, 4, 5))
        expect(visible(np.array([[7, 8]]), 9)[0, 1].all(), True)

    def no_loop():
        """One comparison of arrays, without a loop"""
        positions = np.arange(64).reshape(64, 1) + np.zeros((1, 16), dtype=int)
        expect(visible(positions, 64).sum(axis=2), positions + 1, mistakes=[
            (lambda got: (got == positions).all(), "Each query sees one key too few: its own.",
             "return np.arange(count) < positions[..., None]")])
        expect_cost(lambda: visible(positions, 64), lambda: np.arange(64) <= positions[..., None], at_most=12, message="Here are 1,024 queries, and a loop over them takes more than 12 times as long as one comparison of arrays. Let NumPy compare all at once.")

    wrong = [
        ("return np.tri(count, dtype=bool)", "(2, 1, 3)"),
        ("return np.array([[[key <= p for key in range(count)] for p in row] for row in positions])", "12 times as long"),
        ("return np.array([[np.arange(count) <= p for p in row] for row in positions])", "12 times as long"),
        ("return np.arange(count)[None, None] <= positions.max()", "(1, 1, 3)"),
        ("return np.ones((*positions.shape, count), dtype=bool)", "expected"),
    ]

    right = [
        "return np.arange(count) <= positions[..., None]",
        "keys = np.arange(count).reshape(1, 1, count)\nreturn keys <= positions.reshape(*positions.shape, 1)",
        "return np.arange(count) <= np.expand_dims(positions, -1)",
        "return np.tri(count, dtype=bool)[positions]",
    ]


class exercise_start_of:

    def three_cases():
        """A batch that is full, a worker that is busy, a waiting that is over"""
        batcher, arrivals = DynamicBatcher(abs, max_batch_size=2, max_wait=1.0), np.array([5.0, 5.5, 9.0])
        expect(batcher.start_of(arrivals, 0, 0.0), 5.5, mistakes=[
            (6.0, "Two fit, and the second arrives at 5.5. The batch is full then, and waits no longer: of full and waited enough, the earlier counts.",
             "return float(max(free, arrivals[first] + self.max_wait))",
             FILLS + FULL + "return float(max(free, full, arrivals[first] + self.max_wait))"),
            (9.0, "Two fit. The batch that begins with request `first` is full with request `first + 1`: `first + self.max_batch_size` is the one after it.",
             "last = first + self.max_batch_size\n" + FULL + "return float(max(free, full))"),
            (5.0, "Only one request was there at 5.0, and two fit. The first waits for another, up to a second.",
             "return float(max(free, arrivals[first]))"),
            (0.0, "The worker is free at 0, and nobody is there yet. Both must hold: a worker, and a batch that is full or has waited.",
             FILLS + FULL + "return float(min(free, full, arrivals[first] + self.max_wait))")])
        expect(batcher.start_of(arrivals, 0, 7.0), 7.0, mistakes=[
            (5.5, "The worker is busy until 7. A batch cannot start before.",
             FILLS + FULL + "return float(min(full, arrivals[first] + self.max_wait))")])
        expect(batcher.start_of(arrivals, 2, 0.0), 10.0, mistakes=[
            (IndexError, "There is no fourth request that could fill this batch. Ask whether it exists; if not, the batch is never full: `math.inf`.",
             FILLS + "return float(max(free, min(arrivals[last], arrivals[first] + self.max_wait)))"),
            (9.0, "Nobody knows that no one else will come. The last batch waits for its second, as the others do.",
             FILLS + "full = arrivals[min(last, len(arrivals) - 1)]\nreturn float(max(free, min(full, arrivals[first] + self.max_wait)))"),
            (math.inf, "Nobody fills this batch, and it starts all the same when its first request has waited long enough.",
             FILLS + FULL + "return float(max(free, full))")])

    def the_oldest_waits_no_longer():
        """The first request waits no longer than it may, and a batch of one not at all"""
        arrivals = np.array([1.0, 1.25, 1.75, 4.0])
        expect(DynamicBatcher(abs, 3, 5.0).start_of(arrivals, 0, 0.0), 1.75, mistakes=[
            (1.25, "Three fit. You looked at the next request; it is the third that fills the batch.",
             "last = first + 1\n" + FULL + "return float(max(free, min(full, arrivals[first] + self.max_wait)))"),
            (4.0, "Three fit, and the third fills the batch: counting from `first`, it has the number first + 2.",
             "last = first + self.max_batch_size\n" + FULL + "return float(max(free, min(full, arrivals[first] + self.max_wait)))")])
        expect(DynamicBatcher(abs, 8, 0.5).start_of(arrivals, 0, 0.0), 1.5, mistakes=[
            (2.25, "The waiting is counted from the first request of the batch, not from the last that came.",
             FILLS + FULL + "there = arrivals[arrivals <= arrivals[first] + 1]\nreturn float(max(free, min(full, there[-1] + self.max_wait)))")])
        expect(DynamicBatcher(abs, 3, 5.0).start_of(arrivals, 1, 0.0), 4.0, mistakes=[
            (1.75, "This batch begins with request 1, so it is full with request 3. Count from `first`.",
             "last = self.max_batch_size - 1\n" + FULL + "return float(max(free, min(full, arrivals[first] + self.max_wait)))")])
        expect(DynamicBatcher(abs, 1, 5.0).start_of(arrivals, 1, 0.0), 1.25)
        expect(DynamicBatcher(abs, 4, 0.0).start_of(arrivals, 1, 0.0), 1.25)
        expect(DynamicBatcher(abs, 2, 0.5).start_of(arrivals, 3, 6.0), 6.0, mistakes=[
            (6.5, "The waiting is counted from the arrival of the first request, and goes on while the worker is busy: at 6 it is over.",
             "start = max(free, arrivals[first])\n" + FILLS + FULL + "return float(max(start, min(full, start + self.max_wait)))")])
        expect(DynamicBatcher(abs, 3, 0.5).start_of(arrivals, 0, 0.0), 1.5, mistakes=[
            (1.75, "The third request comes at 1.75, and the first may wait until 1.5. Whichever comes earlier counts, also where somebody will come later.",
             "if first + self.max_batch_size <= len(arrivals):\n    return float(max(free, arrivals[first + self.max_batch_size - 1]))\nreturn float(max(free, arrivals[first] + self.max_wait))")])
        expect(DynamicBatcher(abs, 2, 9.0).start_of(arrivals, 2, 0.0), 4.0)

    def a_python_number():
        """A Python float comes back"""
        batcher = DynamicBatcher(abs, 2, 1.0)
        expect(type(batcher.start_of(np.array([5.0, 5.5]), 0, 0.0)).__name__, "float", mistakes=[
            ("float64", "That is an array's number. `float(…)` makes a Python one of it.",
             FILLS + FULL + "return max(free, min(full, arrivals[first] + self.max_wait))")])

    wrong = [
        ("return float(free)", "returned 0.0"),
        ("return float(arrivals[first] + self.max_wait)", "returned 6.0"),
    ]

    right = [
        FILLS + FULL + "return float(max(free, min(full, arrivals[first] + self.max_wait)))",
        ("start = arrivals[first] + self.max_wait\nif first + self.max_batch_size <= len(arrivals):\n"
         "    start = min(start, arrivals[first + self.max_batch_size - 1])\nreturn float(max(start, free))"),
        ("moments = [arrivals[first] + self.max_wait, *arrivals[first + self.max_batch_size - 1:][:1]]\nreturn float(max(min(moments), free))"),
    ]


class exercise_mended_expire:

    def blocks_are_free_again():
        """Late ones are given up, and their blocks are free again"""
        now = [-1000.0]  # any real clock is past the deadline
        model = GPT(vocab_size=9, embed_dim=4, num_layers=1, num_heads=1, max_seq_len=32, rng=0)
        cache = PagedKVCache.for_model(model, num_blocks=6, block_size=4)
        server = GenerationServer(model, cache, max_running=2, timeout=8.0, clock=lambda: now[0])
        asked = [server.submit([1, 2, 3], count) for count in [9, 9]]
        server.step()
        now[0] += 9
        expect(server.expire(), None, mistakes=[
            (TimeoutError, "The error is for the one who asked, and here the server fell over it. Hand it to `self.finish`, which makes it the request's `error`.",
             LATE + "for request in late:\n    raise TimeoutError('late')\n"),
            (raising(ValueError, "not in list"), "The request was taken out of its line twice. `finish` takes it out already.",
             LATE + "for request in late:\n    self.running.remove(request)\n    self.finish(request, TimeoutError('late'))\n")])
        expect(str(server), "0 running, 0 waiting, 6 of 6 blocks free, 2 done (2 late)", mistakes=[
            (lambda got: got.startswith("0 running") and "2 done" in got and "6 of 6" not in got, "Nothing runs, and blocks are missing: those of the requests that were given up. Nobody will ever give them back. `self.finish` does what a request's end needs.",
             LATE + ("for request in late:\n    line = self.running if request in self.running else self.waiting\n    line.remove(request)\n"
                     "    request.error, request.finished = TimeoutError('late'), now\n    self.done.append(request)\n")),
            (lambda got: got.endswith(" 0 done") and got.startswith("0 running"), "They are gone from their line, and nothing else has happened: no error, no end, and their blocks are lost. `self.finish` does all that a request's end needs.",
             "now = self.clock()\nself.running = [request for request in self.running if now <= request.deadline]\nself.waiting = [request for request in self.waiting if now <= request.deadline]\n"),
            (lambda got: got.startswith("1 running"), "Two requests stood side by side and were late, and one of them is still there. An element that is removed while a `for` goes through the list makes it pass over the next one: collect first.",
             ("for line in (self.waiting, self.running):\n    for request in line:\n        if self.clock() > request.deadline:\n"
              "            self.finish(request, TimeoutError('late'))\n")),
            (lambda got: got.startswith("2 running"), "Both are past their deadline, and they run on. Those in `self.running` can be late too, and `self.finish` takes them out.",
             "now = self.clock()\nfor request in list(self.waiting):\n    if now > request.deadline:\n        self.finish(request, TimeoutError('late'))\n",
             "return None"),
            (lambda got: "4 done" in got, "Every request stands in `done` twice. `finish` puts it there already.",
             LATE + FINISH + "    self.done.append(request)\n"),
            (lambda got: got.endswith("2 done"), "They are done, and their `error` is no TimeoutError, so whoever asked takes half a text for a whole one. The second argument of `finish` is an exception: `TimeoutError(\"…\")`.",
             LATE + "for request in late:\n    self.finish(request, TimeoutError)\n",
             LATE + "for request in late:\n    self.finish(request)\n",
             LATE + "for request in late:\n    self.finish(request, ValueError('late'))\n")])
        expect(sorted(server.cache.free), [0, 1, 2, 3, 4, 5])
        expect([request.finished for request in asked], [-991.0, -991.0], mistakes=[
            ([-1000.0, -1000.0], "They were given up in the second in which they came. A request is late when `self.clock()`, the server's clock, is past its deadline.",
             "now = time.perf_counter()\nlate = [request for request in self.waiting + self.running if now > request.deadline]\n" + FINISH,
             "for request in self.waiting + self.running:\n    self.finish(request, TimeoutError('late'))\n",
             LATE.replace("now > request.deadline", "now < request.deadline") + FINISH)])

    def those_that_wait():
        """Those that wait can be late too, and whoever is in time stays"""
        now = [0.0]
        model = GPT(vocab_size=9, embed_dim=4, num_layers=1, num_heads=1, max_seq_len=32, rng=0)
        cache = PagedKVCache.for_model(model, num_blocks=6, block_size=4)
        server = GenerationServer(model, cache, max_running=2, timeout=8.0, clock=lambda: now[0])
        asked = [server.submit([1, 2, 3], count) for count in [20, 20, 5, 5]]
        server.step()
        now[0] = 4.0
        late = server.submit([7], 2)
        server.expire()
        expect(str(server), "2 running, 3 waiting, 4 of 6 blocks free, 0 done", mistakes=[
            (lambda got: got.startswith("0 running"), "After 4 of 8 seconds nobody is late. Each request has a deadline of its own, which the clock must have passed.",
             LATE.replace("now > request.deadline", "now > request.arrived") + FINISH)])
        now[0] = 8.0
        server.expire()
        expect(str(server), "2 running, 3 waiting, 4 of 6 blocks free, 0 done", mistakes=[
            (lambda got: "4 done" in got, "It is second 8, and the deadline is second 8: that is not late yet.",
             LATE.replace("now > request.deadline", "now >= request.deadline") + FINISH)])
        now[0] = 9.0
        server.expire()
        expect([request.finished for request in (*asked, late)], [9.0, 9.0, 9.0, 9.0, None], mistakes=[
            (lambda got: got[:2] == [9.0, 9.0] and got[2:4] == [None, None], "Those that wait can be late too, in `self.waiting`.",
             LATE.replace("self.waiting + self.running", "self.running") + FINISH),
            (lambda got: got[2:4] == [9.0, 9.0] and got[:2] == [None, None], "Those that run can be late too, in `self.running`.",
             LATE.replace("self.waiting + self.running", "self.waiting") + FINISH),
            (lambda got: [9.0, None] in (got[:2], got[2:4]), "Two late ones stood side by side in the line, and the second was passed over: `finish` takes the first out of the line while your `for` goes through it. Go through a copy of the line.",
             "now = self.clock()\nfor request in self.running[:]:\n    if now > request.deadline:\n        self.finish(request, TimeoutError('late'))\nfor request in self.waiting:\n    if now > request.deadline:\n        self.finish(request, TimeoutError('late'))\n",
             "now = self.clock()\nfor line in (self.waiting, self.running):\n    for request in line:\n        if now > request.deadline:\n            self.finish(request, TimeoutError('late'))\n"),
            (lambda got: got[4] is not None, "The last request came at second 4, and has time until second 12. Each has a deadline of its own.",
             LATE.replace("now > request.deadline", "now > self.timeout") + FINISH)])
        expect(server.waiting == [late] and late.error is None, True)
        server.step()
        expect(len(late.tokens), 1)

    def one_look_at_the_clock():
        """One look at the clock, and nobody late changes nothing"""
        now = [0.0]
        model = GPT(vocab_size=9, embed_dim=4, num_layers=1, num_heads=1, max_seq_len=32, rng=0)
        cache = PagedKVCache.for_model(model, num_blocks=6, block_size=4)
        server = GenerationServer(model, cache, max_running=2, timeout=8.0, clock=lambda: now[0])
        for count in (4, 4, 4):
            server.submit([1, 2, 3], count)
        looks, clock = [], server.clock
        def counting():
            looks.append(1)
            return clock()
        server.clock = counting
        server.expire()
        expect(len(looks), 1, mistakes=[
            (lambda got: got > 1, "The clock was looked at for every request. Between two looks time passes, and it is slow; look once.",
             ("late = [request for request in self.waiting + self.running if self.clock() > request.deadline]\n" + FINISH))])
        expect(str(server), "0 running, 3 waiting, 6 of 6 blocks free, 0 done")
        expect(server.expire(), None)

    wrong = [
        (LATE + "for request in late:\n    self.cache.release(request.number)\n", "2 running"),
        ("now = self.clock()\nif self.running and now > self.running[0].deadline:\n    self.finish(self.running[0], TimeoutError('late'))\n", "1 running"),
    ]

    right = [
        LATE + FINISH,
        ("now = self.clock()\nfor line in (self.waiting, self.running):\n    for request in list(line):\n        if now > request.deadline:\n"
         "            self.finish(request, TimeoutError('too late'))\n"),
        ("now, error = self.clock(), TimeoutError('too late')\nfor request in [*self.running, *self.waiting]:\n    if request.deadline < now:\n"
         "        self.finish(request, error)\n"),
        ("now = self.clock()\nfor number in range(len(self.running) - 1, -1, -1):\n    if now > self.running[number].deadline:\n        self.finish(self.running[number], TimeoutError('late'))\n"
         "for number in range(len(self.waiting) - 1, -1, -1):\n    if now > self.waiting[number].deadline:\n        self.finish(self.waiting[number], TimeoutError('late'))\n"),
    ]
