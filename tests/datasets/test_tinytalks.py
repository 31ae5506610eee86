"""TinyTalks: what the script reads and refuses, and what the library gives of it."""

import json
import sys
from pathlib import Path

import pytest

from tinytorch import datasets
from tinytorch.datasets import TinyTalks

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "datasets"))

import tinytalks  # noqa: E402

FILE = Path(datasets.__file__).with_name("tinytalks.json")


def plain(question):
    return question.lower().strip("?.! ")


def test_the_file_in_the_library_is_what_the_script_makes_of_the_sources():
    made = tinytalks.packed(tinytalks.read(tinytalks.SOURCES))
    assert FILE.read_bytes() == made, "run: python datasets/tinytalks.py"
    assert len(made) < 300_000


def test_there_are_answers_enough_each_with_phrasings_to_learn_from_and_one_held_out():
    talks = json.loads(FILE.read_text(encoding="utf-8"))
    assert len(talks) >= 350 and len({talk["answer"] for talk in talks}) == len(talks)
    for talk in talks:
        assert len(talk["test"]) >= 1 and len(talk["train"]) >= 3, talk
        assert len(talk["train"]) + len(talk["test"]) >= 4, talk


def test_no_held_out_phrasing_is_among_those_to_learn_from_even_in_small_letters():
    seen = {plain(question) for question, _ in TinyTalks(train=True)}
    held = [plain(question) for question, _ in TinyTalks(train=False)]
    assert not seen.intersection(held) and len(set(held)) == len(held)


def test_the_answers_of_both_parts_are_the_same():
    assert {answer for _, answer in TinyTalks(True)} == {answer for _, answer in TinyTalks(False)}


def test_train_must_be_true_or_false():
    with pytest.raises(TypeError, match="TinyTalks: train is 'test'; it must be True or False"):
        TinyTalks("test")


@pytest.mark.parametrize("content", ["", "[", "[1]", '[{"answer": "A."}]'])
def test_a_damaged_file_is_refused(tmp_path, monkeypatch, content):
    monkeypatch.setattr(datasets, "HERE", str(tmp_path))
    (tmp_path / "tinytalks.json").write_text(content)
    with pytest.raises(datasets.DatasetError, match=r"TinyTalks: .*tinytalks.json cannot be read.*install the library"):
        TinyTalks()


def test_a_missing_file_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "HERE", str(tmp_path))
    with pytest.raises(datasets.DatasetError, match="FileNotFoundError"):
        TinyTalks()


def test_a_block_with_choices_and_rows_becomes_answers_with_phrasings():
    block = ["A {0} says {1}.", "- What (sound/noise) does a {0} make?", "= cat, meow", "= dog, woof"]
    assert tinytalks.talks_of(block, "x.txt:1") == [
        ("A cat says meow.", ["What sound does a cat make?", "What noise does a cat make?"]),
        ("A dog says woof.", ["What sound does a dog make?", "What noise does a dog make?"]),
    ]


GOOD = "Snow is white.\n- What is white?\n- Which thing is white?\n- What is snow like?\n- How is snow?\n"


@pytest.mark.parametrize(
    "text, words",
    [
        (GOOD.replace("- How is snow?\n", ""), "has 3 phrasings; 4 are needed"),
        (GOOD.replace("Snow is white.", "snow is white"), "a capital|full stop"),
        (GOOD.replace("- How", "How"), "a block is an answer"),
        (GOOD.replace("How is snow?", "What is white"), "is asked twice, here and in"),
        (GOOD.replace("How is snow?", "How is {3}?") + "= a, b\n", "asks for more than the row"),
        (GOOD.replace("How is snow?", "How is “snow”?"), "no plain|not plain text"),
        (GOOD.replace("How is snow?", "How (is snow?"), "not plain text"),
        (GOOD, "there are 1 answers; 350 are needed"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(tmp_path, text, words):
    (tmp_path / "words.txt").write_text("# a note\n\n" + text, encoding="utf-8")
    with pytest.raises(tinytalks.Refused, match=words) as refusal:
        tinytalks.read(tmp_path)
    assert "words.txt:3" in str(refusal.value) or "350" in words


def test_a_refusal_leaves_no_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "words.txt").write_text(GOOD, encoding="utf-8")
    monkeypatch.setattr(tinytalks, "SOURCES", tmp_path)
    monkeypatch.setattr(sys, "argv", ["tinytalks.py", "--out", str(tmp_path / "out.json")])
    assert tinytalks.main() == 1 and not (tmp_path / "out.json").exists()
    assert "350 are needed" in capsys.readouterr().err


def test_the_examples_of_the_script_are_true():
    import doctest

    failed, tried = doctest.testmod(tinytalks)
    assert tried and not failed
