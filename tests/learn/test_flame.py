"""Where the time goes, as bars: each row inside the one that called it, the same numbers as list and as text."""

import doctest
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tinytorch import Adam, CrossEntropyLoss, Linear, ReLU, Sequential, Tensor, enable_autograd
from tinytorch.learn import showing
from tinytorch.perf.profiling import Profile, Row, profile_training_step
from tinytorch.pictures import flame
from tinytorch.pictures.flame import Flame, walk

FORWARD = (
    Row("(outside)", "", seconds=1.0),
    Row("(model)", "Sequential", seconds=1.0),
    Row("a<b", "Linear", seconds=2.0, inside="(model)"),
    Row("c", "MLP", seconds=1.0, inside="(model)"),
    Row("c.up", "Linear", seconds=4.0, inside="c"),
    Row("Loss", "Loss", seconds=1.0),
)
BACKWARD = (
    Row("c.up", "Linear", "backward", seconds=6.0, inside="c"),
    Row("(walk)", "", "backward", seconds=3.0),
    Row("(step)", "Adam", "update", seconds=1.0),
)


def bars(drawn):
    return [(depth, bar.name, bar.seconds, bar.own) for depth, bar in walk(drawn.whole)]


def test_each_bar_lies_in_that_of_its_caller_and_what_is_left_is_its_own():
    assert bars(Flame(Profile(FORWARD, 1))) == [
        (0, "forward pass", 10.0, 1.0),
        (1, "(model)", 8.0, 1.0),
        (2, "a<b", 2.0, 2.0),
        (2, "c", 5.0, 1.0),
        (3, "c.up", 4.0, 4.0),
        (1, "Loss", 1.0, 1.0),
    ]


def test_backward_has_the_containers_of_forward_although_they_have_no_row_there():
    drawn = Flame(Profile(FORWARD + BACKWARD, 1))
    assert bars(drawn)[0] == (0, "training step", 20.0, 0.0)
    assert bars(drawn)[7:] == [
        (1, "backward pass", 9.0, 0.0),
        (2, "(model)", 6.0, 0.0),
        (3, "c", 6.0, 0.0),
        (4, "c.up", 6.0, 6.0),
        (2, "(walk)", 3.0, 3.0),
        (1, "update", 1.0, 0.0),
        (2, "(step)", 1.0, 1.0),
    ]


def test_the_list_has_the_widths_and_the_words():
    html = Flame(Profile(FORWARD, 1))._repr_html_()
    items = list(ElementTree.fromstring(html).iter("li"))
    assert [item.get("style") for item in items] == [
        f"width:{share}%" for share in ("100.00", "80.00", "25.00", "62.50", "80.00", "10.00")
    ]
    words = [item.findall("span")[1].text for item in items]
    assert words[2] == "a<b, Linear: 2 s, 20.0% of all" and words[3] == "c, MLP: 5 s, 50.0% of all, of it 1 s itself"
    assert (
        words[5] == "Loss: 1 s, 10.0% of all" and showing.display(Flame(Profile(FORWARD, 1)))[0]["mime"] == "text/html"
    )
    assert [item.find("span").text for item in items] == ["forward pass", "(model)", "a<b", "c", "up", "Loss"]
    for item in items:  # what lies inside is never wider than the bar
        inside = [float(part.get("style")[6:-1]) for part in item.findall("ul/li")]
        assert sum(inside) <= 100.01


def test_the_text_says_the_same():
    lines = repr(Flame(Profile(FORWARD, 1))).splitlines()
    assert lines[0].split() == ["forward", "pass", "10", "s", "100%", "#" * flame.LONGEST]
    assert lines[4].split()[:4] == ["c.up", "4", "s", "40%"] and re.match(r" {6}c\.up", lines[4])


def test_a_real_step_adds_up():
    enable_autograd()
    model = Sequential(Linear(6, 8), ReLU(), Linear(8, 3))
    step = profile_training_step(
        model, CrossEntropyLoss(), Adam(model.parameters()), Tensor(np.ones((4, 6))), np.zeros(4, int)
    )
    drawn = Flame(step)
    assert drawn.whole.seconds == pytest.approx(sum(max(row.seconds, 0) for row in step.rows))
    names = [name for depth, name, *_ in bars(drawn) if depth == 3]
    assert names == ["steps.0", "steps.1", "steps.2", "steps.2", "steps.1", "steps.0"]


@pytest.mark.parametrize("rows", [(), (Row("a", "A"),)])
def test_a_profile_without_time_is_refused(rows):
    with pytest.raises(ValueError, match="Flame: in this profile no time passed; profile a larger batch"):
        Flame(Profile(rows, 1))


def test_the_examples_in_the_docstrings_are_true():
    assert doctest.testmod(flame).failed == 0
