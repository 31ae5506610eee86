"""What a training shows of itself: curves, confusions, mistakes, and the network that names a drawing."""

import re
import time
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import numpy as np
import pytest

from tinytorch import BPETokenizer, CharTokenizer
from tinytorch.pictures import live, pad, tokens
from tinytorch.pictures.curves import MOST, Curves
from tinytorch.pictures.digits import confusion_svg, confusion_words, ink, show_confusion, show_mistakes, worst_mistakes


def batch(loss, right, size=10):
    """Loss, logits and labels of a step that had so many of its samples right."""
    labels = np.zeros(size, int)
    logits = np.zeros((size, 2))
    logits[right:, 1] = 1
    return SimpleNamespace(data=np.array(loss)), SimpleNamespace(data=logits), SimpleNamespace(data=labels)


def shown(work):
    """The last state of each picture, and what was said, while `work` runs."""
    pictures, said = {}, []
    with live.shown_by(lambda place, text: said.append(text) if place == "say" else pictures.update({place: text})):
        work()
    for svg in pictures.values():
        ElementTree.fromstring(svg)  # it is XML, or no browser shows it
    return list(pictures.values()), said


def test_curves_show_loss_and_accuracy_with_words_for_those_who_do_not_see_them():
    curves = Curves(passes=2, steps=2, goal=0.9)

    def work():
        for loss, right in ((2.0, 3), (1.0, 5), (0.5, 8), (0.25, 9)):
            curves.step(*batch(loss, right))
        curves.mark(0.85)

    (loss, accuracy), said = shown(work)
    assert live.title_of(loss) == "Loss while training: 0.250 after 4 of 4 steps; at the beginning it was 2.00"
    assert (
        live.title_of(accuracy)
        == "Right while training: 90.0%; of the samples kept aside, after each pass: 85.0%. The goal is 90%"
    )
    assert accuracy.count('class="mark"') == 1 and accuracy.count('class="goal"') == 1
    assert said == [], "nothing is read out for each step"


def heights(svg):
    d = re.search(r'class="curve" d="M([^"]+)"', svg)[1]
    return [float(point.split()[1]) for point in d.split("L")]


def test_a_halved_loss_goes_down_by_the_same_height_each_time():
    curves = Curves(passes=1, steps=4)
    for loss in (2.0, 1.0, 0.5, 0.25):
        curves.step(*batch(loss, 5))
    steps = np.diff(heights(curves.loss_svg()))
    assert steps[0] > 10 and np.allclose(steps, steps[0], atol=0.2)


def test_many_steps_become_few_points_that_are_their_means():
    curves = Curves(passes=10, steps=100)
    for i in range(1000):
        curves.step(*batch(1.0 if i % 2 else 4.0, 5))
    line = heights(curves.loss_svg())
    assert len(line) <= MOST and np.ptp(line) < 0.2


def test_a_run_that_goes_on_shows_what_came_before_and_says_how_long_the_rest_takes(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    curves = Curves(passes=4, steps=100, name="windows")
    curves.before([2.0, 1.5, 1.0], 50, [0.4])  # a pass and a half
    assert len(curves.losses) == 150 and curves.marks == [(100, 0.4)]
    assert "after 150 of 400 steps" in live.title_of(curves.loss_svg())
    for _ in range(20):
        curves.step(*batch(0.9, 6))
        now[0] += 2.0
    title = live.title_of(curves.loss_svg())
    assert title.startswith("windows: ") and title.endswith("8 minutes left"), title  # 230 steps of 2 seconds
    assert "right 60.0%" in curves.accuracy_svg() and "nan" not in curves.accuracy_svg()
    monkeypatch.undo()
    for svg in (curves.loss_svg(), curves.accuracy_svg()):
        ElementTree.fromstring(svg)


def test_a_short_run_does_not_say_what_remains():
    curves = Curves(passes=1, steps=40)
    for _ in range(20):
        curves.step(*batch(0.9, 6))
    assert "left" not in curves.loss_svg()


@pytest.mark.parametrize("losses", [[], [float("nan")], [float("inf"), 1e-9]])
def test_curves_bear_what_a_training_can_come_to(losses):
    curves = Curves(passes=1, steps=3, goal=0.95)
    for loss in losses:
        curves.step(*batch(loss, 0))
    for svg in (curves.loss_svg(), curves.accuracy_svg()):
        ElementTree.fromstring(svg)
        assert "nan" not in re.sub(r"<title>.*?</title>|<text.*?</text>", "", svg)


def test_drawing_is_seldom_enough_to_cost_little(monkeypatch):
    curves = Curves(passes=1, steps=10_000)
    drawn = []
    monkeypatch.setattr(curves, "loss_svg", lambda: drawn.append(1) or time.sleep(0.02) or "<svg></svg>")

    def work():
        end = time.perf_counter() + 1.5
        while time.perf_counter() < end:
            curves.step(*batch(1.0, 5))
            time.sleep(0.001)

    shown(work)
    assert 1 <= len(drawn) <= 4
    assert curves.seconds < 0.15


def test_curves_refuse_a_training_without_steps():
    with pytest.raises(ValueError, match="0 passes of 5 steps"):
        Curves(0, 5)


def test_what_is_said_is_printed_and_read_out_but_not_in_a_trial(capsys):
    _, said = shown(lambda: live.say("pass 1"))
    assert said == ["pass 1"] and capsys.readouterr().out == "pass 1\n"
    with live.shown_by(live.unseen):
        live.say("a trial")
    assert capsys.readouterr().out == "a trial\n"


def test_confusions_are_counted_by_row_and_drawn(capsys):
    (svg,), _ = shown(lambda: show_confusion([1, 1, 7, 9], [1, 7, 7, 9]))
    assert "7: 1 of 2, most often taken for 1, 1 times" in live.title_of(svg)
    assert "3 of 4 right" in live.title_of(svg)
    show_confusion([1, 1], [1, 7])
    assert re.search(r"^ +7 +\. +1 ", capsys.readouterr().out, flags=re.M), "a terminal gets the table in letters"


def test_a_table_without_mistakes_says_none():
    assert "taken for" not in confusion_words(np.eye(10, dtype=int))
    ElementTree.fromstring(confusion_svg(np.zeros((10, 10), int)))


def test_the_worst_mistake_is_the_one_that_gave_the_right_answer_least(capsys):
    chances = np.array([[0.6, 0.4, 0.0], [0.9, 0.1, 0.0], [0.0, 1.0, 0.0]])
    assert worst_mistakes(chances, np.array([1, 1, 1])).tolist() == [1, 0]
    images = np.random.default_rng(0).random((3, 16))
    (svg,), _ = shown(lambda: show_mistakes(images, chances, np.array([1, 1, 1])))
    assert svg.index("1, said 0: 90%") < svg.index("1, said 0: 60%")
    (svg,), _ = shown(lambda: show_mistakes(images, chances, np.array([0, 0, 1])))
    assert live.title_of(svg) == "No mistakes"


def test_ink_covers_what_the_pixels_do():
    image = np.random.default_rng(1).integers(0, 5, (8, 8)) / 4
    area = np.zeros((8, 8))
    for opacity, d in re.findall(r'opacity="([\d.]+)" d="([^"]+)"', ink(image)):
        for x, y, wide in re.findall(r"M(\d+) (\d+)h(\d+)v1", d):
            area[int(y), int(x) : int(x) + int(wide)] += float(opacity)
    assert np.allclose(area, image)


# The drawing box.


class Network:
    """Takes (1, 784) and answers with what `answers` says; its parameter is of a class of its own."""

    def __init__(self, answers):
        self.answers = answers

    def parameters(self):
        return [Numbers(0.0)]

    def eval(self):
        self.training = False

    def __call__(self, images):
        assert isinstance(images, Numbers) and images.data.shape == (1, 784) and not self.training
        return Numbers(self.answers)


class Numbers:
    def __init__(self, data):
        self.data = np.asarray(data, dtype=np.float32)


@pytest.fixture(autouse=True)
def nothing_offered():
    pad._offered.clear()
    yield
    pad._offered.clear()


STROKE = np.zeros((280, 280))
STROKE[20:100, 30:50] = 1


def test_the_box_says_that_there_is_no_network():
    assert pad.ask(STROKE) == {"state": "none"}


def test_the_network_of_the_last_program_answers():
    chances = np.eye(10)[7]
    pad.offer(Network(chances), "97% right")
    assert pad.ask(np.zeros((280, 280))) == {"state": "empty", "words": "97% right"}
    answer = pad.ask(STROKE)
    assert answer["state"] == "answered" and answer["probabilities"] == chances.tolist()
    assert len(answer["image"]) == 784 and max(answer["image"]) == 255


def test_a_trial_with_the_librarys_functions_does_not_take_the_readers_network_away():
    mine = Network(np.ones(10) / 10)
    pad.offer(mine, "mine")
    with live.shown_by(live.unseen):
        pad.offer(Network(np.eye(10)[0]), "a trial")
    assert pad.ask(STROKE)["words"] == "mine"


def test_what_is_no_network_is_refused_and_so_are_strange_answers():
    with pytest.raises(TypeError, match="needed is a network with parameters"):
        pad.offer(np.argmax)
    pad.offer(Network([0.5, 0.5]))
    with pytest.raises(ValueError, match=r"shape \(2,\); needed are ten"):
        pad.ask(STROKE)


@pytest.mark.parametrize("place", [(0, 0), (150, 200), (200, 60)])
@pytest.mark.parametrize("size", [(80, 20), (30, 60), (1, 1), (80, 79)])
def test_a_drawing_is_scaled_to_20_and_its_mass_put_in_the_middle(place, size):
    drawing = np.zeros((280, 280))
    drawing[place[0] : place[0] + size[0], place[1] : place[1] + size[1]] = 1
    image = pad.like_mnist(drawing)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    for axis in (0, 1):
        mass = image.sum(axis=1 - axis)
        assert abs((mass * np.arange(28)).sum() / mass.sum() - 13.5) <= 0.5
    assert image.max() <= 1


def test_the_ink_of_a_shrunk_drawing_is_its_mean():
    drawing = np.zeros((40, 40))
    drawing[:, ::2] = 1
    drawing[:, -1] = 1
    image = pad.like_mnist(drawing)[4:24, 4:23]
    assert np.allclose(image, 0.5)


# The box for text


class Words:
    """A tokenizer of words, which has no bytes to show."""

    def encode(self, text):
        return [len(word) for word in text.split()]

    def decode(self, ids):
        return " ".join("x" * index for index in ids)


@pytest.fixture
def no_tokenizer():
    tokens._offered.clear()
    yield
    tokens._offered.clear()


def test_the_box_for_text_says_that_there_is_no_tokenizer(no_tokenizer):
    assert tokens.ask("text") == {"state": "none"}


def test_the_tokens_of_what_is_typed_come_with_their_ids_and_counts(no_tokenizer):
    tokens.offer(BPETokenizer().train("low low", 258), "258 ids")
    assert tokens.ask("low é") == {
        "state": "answered",
        "words": "258 ids",
        "tokens": [[257, "low"], [32, " "], [195, "<C3>"], [169, "<A9>"]],
        "characters": 5,
        "bytes": 6,
        "same": True,
    }
    assert tokens.ask("")["tokens"] == []
    assert tokens.ask("\ufffd")["tokens"] == [[239, "<EF>"], [191, "<BF>"], [189, "<BD>"]]


def test_any_tokenizer_may_be_offered_and_one_that_loses_text_is_told_of(no_tokenizer):
    tokens.offer(Words())
    answer = tokens.ask("a  bc")
    assert answer["tokens"] == [[1, "x"], [2, "xx"]] and answer["same"] is False
    tokens.offer(CharTokenizer().train("ab"))
    assert tokens.ask("ac")["tokens"] == [[1, "a"], [0, "\ufffd"]]
    with live.shown_by(live.unseen):
        tokens.offer(BPETokenizer())
    assert tokens.ask("ab")["tokens"] == [[1, "a"], [2, "b"]], "a trial takes the reader's tokenizer away from nobody"


@pytest.mark.parametrize("given", ["[1, 2.5]", "(1, 2)", "None", "[True]"])
def test_ids_that_are_no_list_of_integers_are_refused(no_tokenizer, given):
    broken = Words()
    broken.encode = lambda text: eval(given)
    tokens.offer(broken)
    with pytest.raises(ValueError, match=r"encode returned .*; needed is a list of integers"):
        tokens.ask("a")


def test_what_is_no_tokenizer_is_refused(no_tokenizer):
    with pytest.raises(TypeError, match="offer: str has no decode; needed is a tokenizer"):
        tokens.offer("abc")
