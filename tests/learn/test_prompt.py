"""The box in which a reader types to a network: what it says of each prompt and of each token."""

import doctest

import numpy as np
import pytest

from tinytorch import BPETokenizer, CharTokenizer
from tinytorch.core.transformers import next_chances
from tinytorch.pictures import live, prompt


@pytest.fixture(autouse=True)
def nothing_offered():
    prompt._offered.clear()
    yield
    prompt._offered.clear()


LETTERS = CharTokenizer().train("abc.")
END = LETTERS.ids["."]


def after(ids):
    """Logits of a network that knows the alphabet: the next letter is likely, and after c it ends."""
    logits = np.zeros(LETTERS.vocab_size)
    logits[END if ids[-1] == LETTERS.ids["c"] else ids[-1] + 1] = 5
    return logits


def offer(**options):
    prompt.offer("abc", after, next_chances, LETTERS, **{"end": END, "window": 8, "words": "all right", **options})


def written(temperature=0.0, top_k=None):
    steps = [prompt.step("abc", temperature, top_k)]
    while steps[-1]["state"] == "token":
        steps.append(prompt.step("abc", temperature, top_k))
    return steps


def test_without_a_network_it_says_so():
    assert prompt.begin("abc", "a") == {"state": "none"} and prompt.step("abc", 0, None) == {"state": "none"}
    offer()
    assert prompt.begin("other", "a") == {"state": "none"}


def test_a_prompt_is_continued_token_by_token_until_the_end():
    offer()
    assert prompt.begin("abc", "a") == {"state": "begun", "pieces": ["a"], "words": "all right"}
    steps = written()
    assert [step["token"] for step in steps] == ["b", "c", "end"] and steps[-1]["state"] == "end"
    assert [step["text"] for step in steps] == ["b", "bc", "bc"]
    assert all(step["seconds"] >= 0 for step in steps)


def test_at_temperature_0_the_chances_are_those_at_temperature_1():
    offer()
    prompt.begin("abc", "a")
    step = prompt.step("abc", 0, None)
    assert step["chance"] == pytest.approx(next_chances(after([LETTERS.ids["a"]])[None])[0].max(), abs=1e-6)


def test_candidates_without_a_chance_are_left_out():
    prompt.offer("abc", lambda ids: np.array([0, 0, 0, 30.0, 0]), next_chances, LETTERS)
    prompt.begin("abc", "a")
    assert prompt.step("abc", 1.0, None)["candidates"] == [["b", 1.0]]


def test_the_candidates_have_the_chances_of_the_readers_own_function():
    offer()
    prompt.begin("abc", "a")
    step = prompt.step("abc", 1.0, 2)
    wanted = next_chances(after([LETTERS.ids["a"]])[None], 1.0, 2)[0]
    assert [share for _, share in step["candidates"]] == pytest.approx(np.sort(wanted)[::-1][:2], abs=1e-6)
    assert step["candidates"][0][0] == "b" and len(step["candidates"]) == 2


def test_a_higher_temperature_draws_other_tokens_too():
    offer()
    seen = set()
    for _ in range(60):
        prompt.begin("abc", "a")
        seen.add(prompt.step("abc", 2.0, None)["token"])
    assert len(seen) > 2


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_prompt_is_said_and_changes_nothing(text):
    offer()
    prompt.begin("abc", "a")
    assert prompt.begin("abc", text) == {"state": "empty", "words": "all right"}
    assert prompt.step("abc", 0, None)["token"] == "b"


def test_a_prompt_without_room_for_an_answer_says_how_long_it_is():
    offer()
    assert prompt.begin("abc", "aaaaaaaa") == {"state": "long", "given": 8, "most": 7, "words": "all right"}
    offer(window=None)
    assert prompt.begin("abc", "a" * 100)["state"] == "begun"


def test_an_answer_ends_where_the_window_does():
    offer(end=None, window=4)
    prompt.begin("abc", "a")
    steps = written()
    assert len(steps) == 4 and steps[-1] == {"state": "end", "text": "bc.", "full": True}


def test_the_network_begins_with_what_the_program_makes_of_the_text():
    offer(opening=lambda text: LETTERS.encode(text.lower().strip("?")))
    assert prompt.begin("abc", "A?")["pieces"] == ["a"]


def test_a_byte_of_a_longer_character_is_shown_as_unknown():
    prompt.offer("bytes", lambda ids: np.eye(256)[0xC3] * 9, next_chances, BPETokenizer())
    prompt.begin("bytes", "x")
    assert prompt.step("bytes", 0, None)["token"] == "\ufffd"


def test_a_trial_with_the_librarys_functions_does_not_take_the_readers_network_away():
    offer(words="mine")
    with live.shown_by(live.unseen):
        offer(words="a trial")
    assert prompt.begin("abc", "a")["words"] == "mine"


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="next_chances is a int; needed is a function"):
        prompt.offer("abc", after, 3, LETTERS)


@pytest.mark.parametrize("shares", [[0.5, 0.6], [-0.5, 1.5], [np.nan, 1.0]])
def test_what_is_no_probability_is_refused(shares):
    prompt.offer("abc", after, lambda logits, temperature, top_k: np.array(shares), LETTERS)
    prompt.begin("abc", "a")
    with pytest.raises(ValueError, match="next_chances gave 2 numbers"):
        prompt.step("abc", 1.0, None)


def test_the_examples_are_true():
    failed, tried = doctest.testmod(prompt)
    assert tried and not failed
