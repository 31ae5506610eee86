"""Tokenizers lose nothing, learn the same merges as a plain trainer, and refuse broken files whole."""

import itertools
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch.core import tokenization as module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tokenization import (
    UNKNOWN,
    BPETokenizer,
    CharTokenizer,
    PairIndex,
    check_ids,
    count_pairs,
    count_words,
    learn_merges,
    merge_pair,
    split_special,
    split_words,
    token_bytes,
    token_statistics,
)

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)  # anything but lone surrogates
FEW_LETTERS = st.text(alphabet="ab n,\n", max_size=60)  # so that pairs repeat
HARD_TEXTS = [
    "",
    " ",
    "  two  spaces  ",
    "\n\n a\tb\r\n",
    "don't stop_it 42!",
    "naïve Ωμέγα привет",
    "中文字符 混合 text",
    "👩‍👩‍👧 family 🙂🙂",
    "e\u0301 \u200b\u00a0\ufeff",
    "\x00\x7f\x80",
    UNKNOWN,
    "a" * 1000,
    " " * 50 + "x",
]
STORY = "the cat sat on the mat and the rat sat on the hat. the cat, the rat: the mat that the hat sat on.\n" * 3


def plain_merges(text, count):
    """Byte-pair training as one would write it first: count everything anew for each merge."""
    words = [list(word.encode("utf-8")) for word in split_words(text)]
    merges = {}
    while len(merges) < count:
        pairs = [pair for word in words for pair in itertools.pairwise(word)]
        often = {pair: pairs.count(pair) for pair in pairs}
        if not often or max(often.values()) < 2:
            break
        best = min(pair for pair, times in often.items() if times == max(often.values()))
        merges[best] = 256 + len(merges)
        for word in words:
            index = 0
            while index < len(word) - 1:
                if (word[index], word[index + 1]) == best:
                    word[index : index + 2] = [merges[best]]
                index += 1
    return merges


@pytest.fixture(scope="module")
def tokenizer():
    return BPETokenizer().train(STORY, vocab_size=280)


# Characters


@given(TEXTS)
def test_characters_come_back(text):
    tokenizer = CharTokenizer().train(text)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.vocab_size == len(set(text) | {UNKNOWN})
    assert len(ids) == len(text) and all(type(index) is int for index in ids)


def test_characters_are_numbered_in_the_order_of_their_code_points_after_the_unknown_one():
    tokenizer = CharTokenizer().train("cabé a")
    assert tokenizer.characters == [UNKNOWN, " ", "a", "b", "c", "é"]
    assert tokenizer.ids == {UNKNOWN: 0, " ": 1, "a": 2, "b": 3, "c": 4, "é": 5}
    assert tokenizer.encode("bad cab") == [3, 2, 0, 1, 4, 2, 3]
    assert tokenizer.decode([3, 2, 0, 1, 4]) == f"ba{UNKNOWN} c"
    assert CharTokenizer().train("caab éa").characters == tokenizer.characters


def test_the_unknown_mark_in_a_text_is_the_unknown_id():
    tokenizer = CharTokenizer().train(f"a{UNKNOWN}")
    assert tokenizer.vocab_size == 2
    assert tokenizer.encode(f"a{UNKNOWN}b") == [1, 0, 0]


def test_training_again_forgets():
    assert CharTokenizer().train("abc").train("xy").characters == [UNKNOWN, "x", "y"]
    assert BPETokenizer().train("aaa aaa", 300).train("xyxy", 300).merges == {(120, 121): 256}


def test_a_tokenizer_without_characters_says_so():
    for tokenizer in (CharTokenizer(), CharTokenizer().train("")):
        assert tokenizer.vocab_size == 1
        assert tokenizer.encode(UNKNOWN) == [0] and tokenizer.encode("") == []
        with pytest.raises(ValueError, match=re.escape("encode: no characters are known; call train(text) first")):
            tokenizer.encode("a")


@pytest.mark.parametrize(
    "ids",
    [
        [2, 0, 1],
        (2, 0, 1),
        np.array([2, 0, 1]),
        np.array([2, 0, 1], dtype=np.uint64),
        Tensor([2, 0, 1], dtype=np.int8),
        Tensor(np.array([2, 0, 1])),
    ],
)
def test_ids_may_come_as_list_array_or_tensor(ids):
    assert CharTokenizer().train("ab").decode(ids) == f"b{UNKNOWN}a"
    assert BPETokenizer().decode(ids) == "\x02\x00\x01"


# Words


@given(TEXTS)
def test_words_joined_are_the_text(text):
    words = split_words(text)
    assert "".join(words) == text
    assert "" not in words
    assert all(" " not in word[1:] for word in words if not word.isspace())


@pytest.mark.parametrize(
    "text, words",
    [
        ("the cat", ["the", " cat"]),
        ("a  b", ["a", " ", " b"]),
        ("a   b", ["a", "  ", " b"]),
        ("a\nb", ["a", "\n", "b"]),
        ("a\n\n b", ["a", "\n\n", " b"]),
        ("x1_y", ["x1_y"]),
        (" (don't)", [" (", "don", "'", "t", ")"]),
        ("a b ", ["a", " b", " "]),
        ("go  ", ["go", "  "]),
        ("", []),
        ("wait... what?!", ["wait", "...", " what", "?!"]),
        ("\t\tx", ["\t", "\t", "x"]),
    ],
)
def test_a_space_belongs_to_the_word_that_follows(text, words):
    assert split_words(text) == words


def test_words_are_counted_as_bytes_in_the_order_of_the_text():
    words = count_words("é to to é")
    assert words == {(195, 169): 1, (32, 116, 111): 2, (32, 195, 169): 1}
    assert list(words) == [(195, 169), (32, 116, 111), (32, 195, 169)]
    assert count_words("") == {}


# The steps of byte-pair encoding


def test_pairs_are_counted_in_every_word_as_often_as_the_word_occurs():
    assert count_pairs({(1, 2, 3): 2, (2, 3, 2, 3): 5, (1,): 7, (): 1}) == {(1, 2): 2, (2, 3): 12, (3, 2): 5}
    assert count_pairs({(4, 4, 4): 1}) == {(4, 4): 2}
    assert count_pairs({}) == {}


@pytest.mark.parametrize(
    "ids, merged",
    [
        ([], []),
        ([1], [1]),
        ([1, 2], [9]),
        ([2, 1], [2, 1]),
        ([1, 2, 1], [9, 1]),
        ([1, 1, 2], [1, 9]),
        ([1, 2, 1, 2], [9, 9]),
        ([1, 2, 3, 2, 1, 2], [9, 3, 2, 9]),
        ([1, 3, 2], [1, 3, 2]),
        ((3, 1, 2), [3, 9]),
        ([2, 2], [2, 2]),
        ([1, 1], [1, 1]),
    ],
)
def test_merging_replaces_each_pair_from_left_to_right(ids, merged):
    before = list(ids)
    assert merge_pair(ids, (1, 2), 9) == merged
    assert list(ids) == before


@pytest.mark.parametrize("length, merged", [(1, [7]), (2, [8]), (3, [8, 7]), (4, [8, 8]), (5, [8, 8, 7])])
def test_a_pair_of_equals_does_not_overlap_itself(length, merged):
    assert merge_pair([7] * length, (7, 7), 8) == merged


@given(FEW_LETTERS, st.integers(0, 12))
def test_the_counts_stay_right_through_every_merge(text, merges):
    index = PairIndex(count_words(text))
    for new_id in range(256, 256 + merges):
        fresh = count_pairs(dict(zip(index.words, index.times, strict=True)))
        assert index.counts == fresh
        pair, times = index.most_frequent()
        if pair is None:
            assert (fresh, times) == ({}, 0)
            break
        assert times == max(fresh.values()) and pair == min(pair for pair in fresh if fresh[pair] == times)
        index.merge(pair, new_id)
        assert pair not in index.places


def test_out_of_date_entries_of_the_heap_are_thrown_away():
    index = PairIndex({(1, 2): 5, (3, 4): 2})
    index.add((1, 2), -4)
    assert index.most_frequent() == ((3, 4), 2)
    index.add((1, 2), 2)
    assert index.most_frequent() == ((1, 2), 3)
    assert (-5, (1, 2)) not in index.heap


def test_who_asks_for_the_same_pair_without_end_is_told_so():
    index = PairIndex({(1, 2): 5, (3, 4): 2})
    assert {index.most_frequent() for time in range(1000)} == {((1, 2), 5)}
    with pytest.raises(RuntimeError, match=r"most_frequent: asked 1001 times in a row .*index\.merge\(pair, new_id\)"):
        index.most_frequent()
    index.merge((1, 2), 9)
    assert index.most_frequent() == ((3, 4), 2)


def test_only_words_that_hold_the_pair_are_visited(monkeypatch):
    visited = []
    monkeypatch.setattr(
        module, "merge_pair", lambda ids, pair, new_id: visited.append(ids) or merge_pair(ids, pair, new_id)
    )
    learn_merges({(1, 2): 9, (3, 4): 3, (5, 6): 4, (7, 8): 1}, 3)
    assert visited == [(1, 2), (5, 6), (3, 4)]


@given(FEW_LETTERS, st.integers(0, 20))
def test_training_learns_the_merges_of_the_plain_trainer(text, count):
    merges = learn_merges(count_words(text), count)
    expected = plain_merges(text, count)
    assert list(merges.items()) == list(expected.items())


@given(TEXTS)
def test_training_learns_the_merges_of_the_plain_trainer_on_any_text(text):
    assert BPETokenizer().train(text * 2, 270).merges == plain_merges(text * 2, 14)


def test_an_example_worked_by_hand():
    # low:1, " low":2, " lower":1. Pairs: l-o and o-w 4 times each, space-l 3, w-e and e-r once.
    # l-o comes first (108 < 111); then lo-w, 4 times; then space-low, 3; nothing else occurs twice.
    tokenizer = BPETokenizer().train("low low lower low", vocab_size=400)
    assert list(tokenizer.merges.items()) == [((108, 111), 256), ((256, 119), 257), ((32, 257), 258)]
    assert tokenizer.vocab_size == 259
    assert tokenizer.vocab == [bytes([value]) for value in range(256)] + [b"lo", b"low", b" low"]
    assert tokenizer.encode("slow lowlow") == [115, 257, 258, 257]


def test_the_asked_size_is_reached_exactly_and_not_passed():
    assert [BPETokenizer().train(STORY, size).vocab_size for size in (256, 257, 265)] == [256, 257, 265]
    assert BPETokenizer().train("abcabd", 300).merges == {(97, 98): 256}  # everything else occurs once
    assert BPETokenizer().train("", 300).vocab_size == BPETokenizer().train("abcdef", 300).vocab_size == 256
    assert BPETokenizer().train("abab", np.int64(300)).vocab_size == 257


def test_merges_do_not_cross_words(tokenizer):
    for token in tokenizer.vocab:
        assert b" " not in token[1:]
    assert BPETokenizer().train("ab.ab.ab.", 300).vocab[256:] == [b"ab"]


def test_the_same_text_gives_the_same_merges():
    first, second = (BPETokenizer().train(STORY, 290) for _ in range(2))
    assert list(first.merges.items()) == list(second.merges.items())


def test_bytes_of_tokens_are_joined_in_order():
    assert token_bytes([]) == [bytes([value]) for value in range(256)]
    assert token_bytes([(97, 98), (99, 256), (257, 257)])[256:] == [b"ab", b"cab", b"cabcab"]


# Encoding and decoding


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_hard_texts_come_back(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert len(ids) <= len(text.encode("utf-8")) and all(type(index) is int for index in ids)
    assert BPETokenizer().encode(text) == list(text.encode("utf-8"))


@given(TEXTS)
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.text(alphabet="theacsro n.,", max_size=50))
def test_encoding_applies_the_merges_in_the_order_of_learning(tokenizer, text):
    words = [list(word.encode("utf-8")) for word in split_words(text)]
    for pair, new_id in tokenizer.merges.items():
        words = [merge_pair(word, pair, new_id) for word in words]
    assert tokenizer.encode(text) == [index for word in words for index in word]


def test_encoding_the_training_text_gives_the_words_as_training_left_them():
    index, words = PairIndex(count_words(STORY)), count_words(STORY)
    tokenizer = BPETokenizer().train(STORY, 300)
    for pair, new_id in tokenizer.merges.items():
        index.merge(pair, new_id)
    for word, ids in zip(words, index.words, strict=True):
        assert tokenizer.encode_word(bytes(word).decode("utf-8")) == list(ids)


def test_the_earliest_merge_goes_first_even_where_a_later_one_stands_further_left():
    tokenizer = BPETokenizer()
    tokenizer.use_merges({(98, 99): 256, (97, 98): 257})
    assert tokenizer.encode("abc") == [97, 256]
    tokenizer.use_merges({(97, 98): 256, (98, 99): 257})
    assert tokenizer.encode("abc") == [256, 99]


def test_a_list_of_ids_belongs_to_the_caller():
    tokenizer = BPETokenizer().train("low low", 258)
    for text in ("low", "low low", " low"):
        first = tokenizer.encode(text)
        expected = list(first)
        first += [7, 7]
        assert tokenizer.encode(text) == expected and tokenizer.encode_ordinary(text) == expected


def test_a_word_is_encoded_once_and_remembered(monkeypatch):
    tokenizer = BPETokenizer().train(STORY, 270)
    asked = []
    encode_word = tokenizer.encode_word
    monkeypatch.setattr(tokenizer, "encode_word", lambda word: asked.append(word) or encode_word(word))
    ids = tokenizer.encode("the the the")
    assert asked == ["the", " the"]
    assert tokenizer.encode("the the the") == ids and asked == ["the", " the"]
    assert ids[:-1] + tokenizer.encode(" the") == tokenizer.encode("the the the")


def test_the_memory_for_words_is_bounded_and_emptied_by_training(monkeypatch):
    monkeypatch.setattr(module, "CACHE_WORDS", 3)
    tokenizer = BPETokenizer()
    sizes = []
    for text in ("a", "b", "c", "d", "e"):
        assert tokenizer.encode(text) == [ord(text)]
        sizes.append(len(tokenizer.cache))
    assert sizes == [1, 2, 3, 1, 2]
    tokenizer.train("abab", 257)
    assert tokenizer.cache == {} and tokenizer.encode("ab") == [256]


def test_half_a_character_decodes_to_the_mark():
    smile = BPETokenizer().encode("a🙂")
    assert BPETokenizer().decode(smile[:-1]) == f"a{UNKNOWN}"
    assert BPETokenizer().decode([]) == ""


# Special tokens


@pytest.mark.parametrize(
    "text, names, pieces",
    [
        ("", [], []),
        ("", ["<end>"], []),
        ("hi", [], ["hi"]),
        ("<end>", ["<end>"], ["<end>"]),
        ("a<end><end>b", ["<end>"], ["a", "<end>", "<end>", "b"]),
        ("a<|end|>b|", ["<|end|>"], ["a", "<|end|>", "b|"]),
        ("<end>", ["<end", "<end>"], ["<end>"]),
        ("<end<end>", {"<end>": 5, "<end": 6}, ["<end", "<end>"]),
        ("the end", ["<end>"], ["the end"]),
    ],
)
def test_text_is_cut_at_special_tokens(text, names, pieces):
    assert split_special(text, names) == pieces


@given(st.text(alphabet="<>end|. ", max_size=40))
def test_the_pieces_joined_are_the_text(text):
    pieces = split_special(text, ["<end>", "<|end|>", "."])
    assert "".join(pieces) == text and "" not in pieces


def test_a_special_token_is_one_id_only_where_it_is_asked_for():
    chat = BPETokenizer().train(STORY, vocab_size=270)
    plain = chat.encode("the cat<end>")
    assert chat.add_special_tokens(["<end>", "<user>"]) is chat
    assert chat.special == {"<end>": 270, "<user>": 271} and chat.vocab_size == 272
    assert chat.encode("the cat<end>") == plain and 270 not in plain
    assert chat.encode("<user>the cat<end>", special=True) == [271, *chat.encode("the cat"), 270]
    assert chat.decode(chat.encode("<user>the cat<end>", special=True)) == "<user>the cat<end>"


def test_special_tokens_are_among_the_ids_that_training_makes_and_outlast_it():
    tokenizer = BPETokenizer().add_special_tokens("<end>").train(STORY, 270)
    assert tokenizer.vocab_size == 270 and tokenizer.special == {"<end>": 269} and len(tokenizer.merges) == 13
    with pytest.raises(
        ValueError, match="each of the 256 bytes and each of the 1 special tokens has an id, so ask for 257 or more"
    ):
        tokenizer.train(STORY, 256)


def test_special_tokens_are_saved_and_loaded(tmp_path):
    path = tmp_path / "words.json"
    BPETokenizer().add_special_tokens(["<end>", "é"]).train("abab", 260).save(path)
    other = BPETokenizer().load(path)
    assert other.special == {"<end>": 257, "é": 258} and other.encode("ab<end>", special=True) == [256, 257]
    BPETokenizer().save(path)
    assert other.load(path).special == {}


@pytest.mark.parametrize(
    "names, error, sentence",
    [
        (5, TypeError, "add_special_tokens: expected text, got int"),
        ([""], ValueError, "add_special_tokens: '' is empty"),
        (["<end>"], ValueError, "add_special_tokens: '<end>' stands there twice; each special token needs a name"),
        (["<a>", "<a>"], ValueError, "add_special_tokens: '<a>' stands there twice"),
    ],
)
def test_a_name_that_no_special_token_can_have_is_refused(names, error, sentence):
    tokenizer = BPETokenizer().add_special_tokens("<end>")
    with pytest.raises(error, match=re.escape(sentence)):
        tokenizer.add_special_tokens(names)
    assert tokenizer.special == {"<end>": 256} and tokenizer.vocab_size == 257


# Files


def test_saving_and_loading_gives_the_same_tokenizer(tokenizer, tmp_path):
    path = tmp_path / "words.json"
    tokenizer.save(path)
    other = BPETokenizer().load(path)
    assert other.merges == tokenizer.merges and list(other.merges) == list(tokenizer.merges)
    assert other.vocab == tokenizer.vocab and other.encode(STORY) == tokenizer.encode(STORY)
    assert os.listdir(tmp_path) == ["words.json"]


def test_the_file_is_plain_json(tmp_path):
    path = str(tmp_path / "words.json")
    BPETokenizer().train("abab abab", 258).save(path)
    with open(path, encoding="ascii") as file:
        assert json.load(file) == {"format": "tinytorch-bpe", "version": 1, "merges": [[97, 98], [256, 256]]}


def test_loading_forgets_the_words_remembered(tmp_path):
    BPETokenizer().train("abab", 257).save(tmp_path / "words.json")
    tokenizer = BPETokenizer()
    assert tokenizer.encode("ab") == [97, 98]
    assert tokenizer.load(tmp_path / "words.json") is tokenizer
    assert tokenizer.encode("ab") == [256]


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(tokenizer, tmp_path, monkeypatch):
    path = tmp_path / "words.json"
    path.write_text("old", encoding="utf-8")

    def no_disk(handle):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", no_disk)
    with pytest.raises(OSError, match="no space left"):
        tokenizer.save(path)
    assert path.read_text(encoding="utf-8") == "old" and os.listdir(tmp_path) == ["words.json"]


def test_the_old_file_stays_until_the_new_one_is_whole(tokenizer, tmp_path, monkeypatch):
    path = tmp_path / "words.json"
    path.write_text("old", encoding="utf-8")
    replaced, on_disk = [], []
    replace = os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: on_disk.append(os.fstat(handle).st_size))

    def watch(source, target):
        replaced.append(
            (path.read_text(encoding="utf-8"), json.loads(Path(source).read_text(encoding="utf-8"))["version"])
        )
        replace(source, target)

    monkeypatch.setattr(os, "replace", watch)
    tokenizer.save(path)
    assert replaced == [("old", 1)]
    assert on_disk == [path.stat().st_size]  # all of it was handed over before the disk was asked to keep it


def document(**changes):
    return {"format": "tinytorch-bpe", "version": 1, "merges": [[97, 98]], **changes}


BROKEN = {
    "no JSON": ("{", "not a JSON file (Expecting property name"),
    "empty": ("", "not a JSON file (Expecting value"),
    "nested too deeply": ("[" * 1_100, "not a JSON file ("),
    "a list": ([1, 2], 'not a tokenizer file; "format" must be "tinytorch-bpe"'),
    "another format": (document(format="words"), 'not a tokenizer file; "format" must be "tinytorch-bpe"'),
    "no format": ({"version": 1, "merges": []}, "not a tokenizer file"),
    "a later version": (document(version=2), "version 2, but only version 1 can be read here"),
    "no version": ({"format": "tinytorch-bpe", "merges": []}, "version None, but only version 1"),
    "no merges": ({"format": "tinytorch-bpe", "version": 1}, '"merges" must be a list of pairs of ids'),
    "merges in a dict": (document(merges={"97": 98}), '"merges" must be a list of pairs of ids'),
    "three ids": (document(merges=[[97, 98, 99]]), "merge 0 is [97, 98, 99]; it must be two ids from 0 to 255"),
    "one id": (document(merges=[[97]]), "merge 0 is [97]; it must be two ids"),
    "no ids": (document(merges=[[]]), "merge 0 is []; it must be two ids"),
    "text": (document(merges=["ab"]), "merge 0 is 'ab'; it must be two ids"),
    "a number": (document(merges=[5]), "merge 0 is 5; it must be two ids"),
    "half an id": (document(merges=[[97, 98.5]]), "merge 0 is [97, 98.5]; it must be two ids"),
    "a boolean": (document(merges=[[True, 98]]), "merge 0 is [True, 98]; it must be two ids"),
    "below zero": (document(merges=[[-1, 98]]), "merge 0 is [-1, 98]; it must be two ids from 0 to 255"),
    "itself": (document(merges=[[256, 97]]), "merge 0 is [256, 97]; it must be two ids from 0 to 255"),
    "special tokens in a text": (document(special="<end>"), '"special" must be a list of different names'),
    "a special token twice": (document(special=["a", "a"]), '"special" must be a list of different names'),
    "a special token without a name": (document(special=[""]), '"special" must be a list of different names'),
    "not there yet": (document(merges=[[97, 98], [97, 257]]), "merge 1 is [97, 257]; it must be two ids from 0 to 256"),
    "twice": (document(merges=[[97, 98], [97, 98]]), "merge 1 repeats [97, 98]; each pair stands once"),
}


@pytest.mark.parametrize("content, sentence", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_and_changes_nothing(content, sentence, tmp_path):
    path = tmp_path / "words.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    tokenizer = BPETokenizer().train("xyxy", 257)
    with pytest.raises(ValueError, match=re.escape(f"load: {path}: {sentence}")):
        tokenizer.load(path)
    assert tokenizer.merges == {(120, 121): 256} and tokenizer.vocab_size == 257 and tokenizer.encode("xy") == [256]


def test_the_limits_of_a_merge_are_allowed(tmp_path):
    path = tmp_path / "words.json"
    path.write_text(json.dumps(document(merges=[[0, 255], [256, 0]])), encoding="utf-8")
    assert BPETokenizer().load(path).vocab[256:] == [b"\x00\xff", b"\x00\xff\x00"]


def test_a_file_that_is_no_text_and_one_that_is_missing(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")
    with pytest.raises(ValueError, match=r"picture.png: not a JSON file"):
        BPETokenizer().load(tmp_path / "picture.png")
    with pytest.raises(FileNotFoundError):
        BPETokenizer().load(tmp_path / "missing.json")


# Statistics


def test_statistics_count_characters_bytes_and_tokens():
    text = "naïve 🙂"
    assert token_statistics(BPETokenizer(), text) == {
        "characters": 7,
        "bytes": 11,
        "tokens": 11,
        "bytes_per_token": 1.0,
        "characters_per_token": 7 / 11,
    }
    assert token_statistics(CharTokenizer().train(text), text) == {
        "characters": 7,
        "bytes": 11,
        "tokens": 7,
        "bytes_per_token": 11 / 7,
        "characters_per_token": 1.0,
    }


def test_training_makes_a_text_shorter():
    sizes = [token_statistics(BPETokenizer().train(STORY, size), STORY)["tokens"] for size in (256, 258, 262, 270)]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 4 and sizes[-1] < sizes[0] / 2


# Mistakes


CHARACTERS = CharTokenizer().train("ab")
MISTAKES = {
    "training characters on bytes": (
        lambda: CharTokenizer().train(b"ab"),
        TypeError,
        "train: expected text, got bytes; pass a str (bytes become one with .decode('utf-8'))",
    ),
    "training on a list": (lambda: BPETokenizer().train([["a"]], 300), TypeError, "train: expected text, got list"),
    "encoding nothing": (lambda: BPETokenizer().encode(None), TypeError, "encode: expected text, got NoneType"),
    "encoding a number": (lambda: CHARACTERS.encode(5), TypeError, "encode: expected text, got int"),
    "half a character": (
        lambda: BPETokenizer().encode("ab\ud83d!"),
        ValueError,
        "encode: character '\\ud83d' at position 2 is a lone surrogate, half of a character, and UTF-8 cannot hold it; replace it first with text.encode('utf-8', 'replace').decode('utf-8')",
    ),
    "training on half a character": (
        lambda: BPETokenizer().train("\udc00", 300),
        ValueError,
        "train: character '\\udc00' at position 0 is a lone surrogate",
    ),
    "training characters on half a one": (
        lambda: CharTokenizer().train("\udc00"),
        ValueError,
        "train: character '\\udc00' at position 0 is a lone surrogate",
    ),
    "encoding half a character by characters": (
        lambda: CHARACTERS.encode("a\udc00"),
        ValueError,
        "encode: character '\\udc00' at position 1",
    ),
    "fewer ids than bytes": (
        lambda: BPETokenizer().train("a", 255),
        ValueError,
        "train: vocab_size 255 is too small; each of the 256 bytes has an id, so ask for 256 or more",
    ),
    "a negative size": (lambda: BPETokenizer().train("a", -1), ValueError, "train: vocab_size -1 is too small"),
    "a size with a point": (
        lambda: BPETokenizer().train("a", 300.0),
        TypeError,
        "train: vocab_size 300.0 is not an integer",
    ),
    "a size of True": (lambda: BPETokenizer().train("a", True), TypeError, "train: vocab_size True is not an integer"),
    "an id too high": (
        lambda: CHARACTERS.decode([1, 3]),
        ValueError,
        "decode: id 3 at position 1 is outside the vocabulary; ids run from 0 to 2",
    ),
    "a byte too high": (
        lambda: BPETokenizer().decode([256]),
        ValueError,
        "decode: id 256 at position 0 is outside the vocabulary; ids run from 0 to 255",
    ),
    "an id below zero": (
        lambda: BPETokenizer().decode([5, 5, -1]),
        ValueError,
        "decode: id -1 at position 2 is outside the vocabulary",
    ),
    "half an id": (
        lambda: BPETokenizer().decode([1, 1.5]),
        TypeError,
        "decode: id 1.5 at position 1 is not an integer",
    ),
    "no number": (
        lambda: BPETokenizer().decode([1, float("nan")]),
        TypeError,
        "decode: id nan at position 1 is not an integer",
    ),
    "infinity": (
        lambda: BPETokenizer().decode([float("inf")]),
        TypeError,
        "decode: ids hold float64; ids are integers",
    ),
    "booleans": (
        lambda: BPETokenizer().decode([True, False]),
        TypeError,
        "decode: ids hold bool; ids are integers, so pass a list of int, or Tensor(ids, dtype=np.int64)",
    ),
    "whole numbers in floats": (
        lambda: BPETokenizer().decode(Tensor([1, 2])),
        TypeError,
        "decode: ids hold float32; ids are integers",
    ),
    "text for ids": (lambda: BPETokenizer().decode("abc"), TypeError, "got text"),
    "two rows": (
        lambda: BPETokenizer().decode([[1, 2, 3], [4, 5, 6]]),
        ValueError,
        "decode: ids of shape (2, 3) are not one sequence; pass one row at a time, such as ids[0]",
    ),
    "a bare id": (lambda: CHARACTERS.decode(1), ValueError, "decode: ids of shape () are not one sequence"),
    "a position with two parts": (
        lambda: CHARACTERS.decode([[0, 0], [0, 9]]),
        ValueError,
        "decode: id 9 at position (1, 1) is outside",
    ),
    "statistics of nothing": (
        lambda: token_statistics(BPETokenizer(), ""),
        ValueError,
        "token_statistics: the text is empty; there is nothing to count",
    ),
    "statistics of a list": (
        lambda: token_statistics(BPETokenizer(), []),
        TypeError,
        "token_statistics: expected text, got list",
    ),
}


@pytest.mark.parametrize("call, error, sentence", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(call, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        call()


def test_training_that_fails_changes_nothing():
    characters, pairs = CharTokenizer().train("ab"), BPETokenizer().train("abab", 257)
    for call in (
        lambda: characters.train(5),
        lambda: characters.train("x\ud800"),
        lambda: pairs.train(5, 300),
        lambda: pairs.train("xyxy", 5),
    ):
        with pytest.raises((TypeError, ValueError)):
            call()
    assert characters.characters == [UNKNOWN, "a", "b"]
    assert pairs.merges == {(97, 98): 256} and pairs.encode("ab") == [256]


@pytest.mark.parametrize(
    "ids, shape",
    [
        ([], (0,)),
        (np.zeros((0, 3), dtype=np.int64), (0, 3)),
        (2, ()),
        (np.uint8(2), ()),
        ([[0, 2]], (1, 2)),
        (Tensor([0, 2], dtype=np.int32), (2,)),
    ],
)
def test_ids_keep_their_shape_and_become_integers(ids, shape):
    checked = check_ids("lookup", ids, 3)
    assert checked.shape == shape and checked.dtype == np.intp


def test_a_cache_that_another_thread_clears_loses_no_word():
    class Cleared(dict):
        """A cache in which a word is gone after every look, as if another thread had cleared it."""

        def __contains__(self, word):
            found = super().__contains__(word)
            self.clear()
            return found

        def get(self, word, default=None):
            found = super().get(word, default)
            self.clear()
            return found

    tokenizer = BPETokenizer().train("low low lower lowest", vocab_size=259)
    tokenizer.cache = Cleared()
    assert tokenizer.encode("low low low") == [257, 258, 258]


def test_tokenizers_take_a_list_of_texts_and_a_size_beforehand():
    assert CharTokenizer().build_vocab(["ab", "bc"]).characters == CharTokenizer().train("abc").characters
    assert CharTokenizer().build_vocab("ab").characters == CharTokenizer().train("ab").characters
    texts = ["low low", "lower low", "lower"]
    tokenizer = BPETokenizer(vocab_size=260).train(texts)
    assert tokenizer.vocab_size == 260 and tokenizer.decode(tokenizer.encode("lower")) == "lower"
    assert BPETokenizer().train(["aa", "aa"], 257).merges == {(97, 97): 256}
    with pytest.raises(TypeError, match="vocab_size None is not an integer"):
        BPETokenizer().train("aa")
    with pytest.raises(TypeError):
        BPETokenizer(vocab_size=260).train(["aa", 1])
