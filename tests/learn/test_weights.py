"""The matrix of who looks at whom: the same numbers as table, text and picture, within what can be read."""

import doctest
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tinytorch import Tensor
from tinytorch.learn import showing
from tinytorch.pictures import weights
from tinytorch.pictures.weights import HEADS, MOST, Weights

CAUSAL = np.array([[1, 0, 0], [0.25, 0.75, 0], [0.003, 0.5, 0.497]])


def table(html):
    """The rows of each table in the HTML, as texts."""
    return [
        [[cell.text for cell in row if cell.text] for row in found.iter("tr")]
        for found in ElementTree.fromstring(html).iter("table")
    ]


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_row_for_each_query_with_its_weights_in_percent():
    assert table(Weights(CAUSAL, "a b")._repr_html_()) == [
        [["a", "␣", "b"], ["a", "100", "·", "·"], ["␣", "25", "75", "·"], ["b", "0", "50", "50"]]
    ]
    assert repr(Weights(CAUSAL)).splitlines()[2].split() == ["1", "25", "75", "·"]


def test_a_cell_shows_it_as_a_table():
    assert showing.display(Weights(CAUSAL))[0]["mime"] == "text/html"


def test_tensors_heads_and_keys_of_other_names():
    drawn = Weights(Tensor(np.full((1, 2, 1, 4), 0.25)), ["q"], "wxyz")
    assert [rows[0] for rows in table(drawn._repr_html_())] == [list("wxyz")] * 2
    assert re.findall(r"<caption>(.*?)</caption>", drawn._repr_html_()) == ["Head 0", "Head 1"]
    assert "<caption>" not in Weights(CAUSAL)._repr_html_()
    assert Weights(np.ones((2, 2)), "ab").keys == ["a", "b"] and Weights(np.ones((1, 2)), "a").keys == ["0", "1"]


def test_it_is_of_the_moment():
    array = CAUSAL.copy()
    drawn = Weights(array)
    array[:] = 0
    assert drawn.matrices[0][1, 1] == 0.75


def test_the_picture_has_a_field_for_each_weight_and_words_for_those_who_do_not_see_it():
    drawn = Weights(np.stack([CAUSAL, np.zeros((3, 3))]), "<&>")
    svg = ElementTree.fromstring(drawn.svg())
    fields = [node for node in svg.iter("{http://www.w3.org/2000/svg}rect") if node.get("class") == "w"]
    assert [field.get("opacity") for field in fields] == ["1.00", "0.25", "0.75", "0.50", "0.50"]
    assert {(field.get("x"), field.get("y")) for field in fields[1:3]} == {("18", "72"), ("44", "72")}
    title = svg.find("{http://www.w3.org/2000/svg}title").text
    assert title == (
        "Where each query looks most. Head 0: < at < (100%), & at & (75%), > at & (50%). "
        "Head 1: < at nothing, & at nothing, > at nothing"
    )


@pytest.mark.parametrize("page", [(253, 252, 248), (25, 24, 22), (31, 29, 26)])
@pytest.mark.parametrize("weight", [0.1, 0.3, 0.5, 0.501, 0.7, 1.0])
def test_every_number_can_be_read_on_its_field(page, weight):
    letters = (35, 33, 28) if page[0] > 128 else (229, 224, 213)
    style = weights.tint(weight)
    *colour, alpha = (float(part) for part in re.search(r"rgba\((.*?)\)", style)[1].split(","))
    field = luminance([alpha * c + (1 - alpha) * p for c, p in zip(colour, page, strict=True)])
    light, dark = sorted([field, luminance((0, 0, 0) if "color:#000" in style else letters)], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize(
    "given, names, message",
    [
        (np.zeros(3), None, r"shape \(3,\) is no matrix; needed is \(queries, keys\)"),
        (np.zeros((2, 2, 3, 3)), None, r"shape \(2, 2, 3, 3\) is no matrix; .*weights\[0\]"),
        (np.zeros((0, 3)), None, "is no matrix"),
        (np.zeros((MOST + 1, 2)), None, "at most 8 matrices of 32 × 32 can be read"),
        (np.zeros((HEADS + 1, 2, 2)), None, "9 × 2 × 2; at most 8 matrices"),
        (np.array([[-1.5, 2]]), None, "numbers from -1.5 to 2; weights lie between 0 and 1"),
        (np.array([[np.nan, 1]]), None, "numbers from nan"),
        (np.eye(2), "abc", "3 names for 2 queries; give one for each"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(given, names, message):
    with pytest.raises(ValueError, match=f"Weights: .*{message}"):
        Weights(given, names)


def test_the_largest_matrices_make_a_picture_that_may_be_shown():
    from tinytorch.pictures.live import LONGEST

    drawn = Weights(np.full((4, MOST, MOST), 1 / MOST))
    assert len(drawn.svg()) < 2 * LONGEST and len(Weights(np.full((1, MOST, MOST), 1 / MOST)).svg()) < LONGEST


def test_the_examples_in_the_docstrings_are_true():
    assert doctest.testmod(weights).failed == 0
