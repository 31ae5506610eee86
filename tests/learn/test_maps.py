"""Feature maps are drawn from the numbers of a tensor: sizes, signs and ranges, in a picture and in words."""

import re
import xml.etree.ElementTree as tree

import numpy as np
import pytest

from tinytorch import Tensor
from tinytorch.pictures.live import title_of
from tinytorch.pictures.maps import LEVELS, MOST, SIDES, WIDTH, Maps, colours


def test_each_row_has_its_name_and_its_range_and_every_map_is_drawn():
    image = np.array([[0.0, 1.0], [0.5, 0.0]])
    svg = Maps(image=image, edges=Tensor([[[-2, 0], [0, 0]], [[0, 0], [0, 4]]])).svg()
    tree.fromstring(svg)
    assert svg.count('class="paper"') == 3
    assert "image: 1 map of 2 × 2, from 0 to 1" in svg and "edges: 2 maps of 2 × 2, from -2 to 4" in svg
    assert title_of(svg) == (
        "image: 1 map of 2 × 2, from 0 to 1; map 0 largest in row 0, column 1: 1. "
        "edges: 2 maps of 2 × 2, from -2 to 4; map 0 largest in row 0, column 1: 0; map 1 largest in row 1, column 1: 4"
    )


def test_the_strongest_colour_of_a_row_is_its_largest_number_without_the_sign():
    svg = Maps(x=np.array([[[-8.0, 4.0]]])).svg()
    assert re.findall(r'class="(plus|minus)" opacity="([\d.]+)"', svg) == [("minus", "1.00"), ("plus", "0.50")]


def test_a_picture_shows_what_the_numbers_were_when_it_was_made():
    values = np.ones((1, 2, 2))
    maps = Maps(x=values)
    values[...] = 7
    assert repr(maps) == "x: 1 map of 2 × 2, from 1 to 1\n  0: everywhere 1"


def test_of_many_maps_the_words_tell_the_strongest():
    values = np.zeros((5, 2, 2))
    values[3, 1, 0] = 2
    values[4, 0, 1] = 1
    words = Maps(x=values).words()
    assert words == "x: 5 maps of 2 × 2, from 0 to 2; map 3 largest in row 1, column 0: 2"


def test_what_is_not_0_has_some_colour_and_rounding_has_none():
    assert re.findall(r'opacity="([\d.]+)"', Maps(x=np.array([[1.0, 0.01], [1e-9, 0.0]])).svg()) == ["0.17", "1.00"]


def test_a_map_longer_than_high_keeps_its_proportion():
    frame = re.search(r'width="([\d.]+)" height="([\d.]+)"/>', Maps(x=np.ones((2, 4))).svg())
    assert float(frame[1]) == SIDES[0] and float(frame[2]) == SIDES[0] / 2


@pytest.mark.parametrize("count", [1, 4, 5, 6, 7, 9, MOST])
def test_maps_of_a_row_lie_beside_each_other_inside_the_picture_and_none_on_another(count):
    svg = Maps(x=np.ones((count, 3, 3))).svg()
    places = [tuple(map(float, found)) for found in re.findall(r'<rect class="paper" x="([\d.]+)" y="([\d.]+)"', svg)]
    side = float(re.search(r'class="paper".*?width="([\d.]+)"', svg)[1])
    height = float(re.search(r'height="(\d+)"', svg)[1])
    assert len(places) == len(set(places)) == count
    assert all(x + side <= WIDTH + 4 and y + side <= height for x, y in places)
    for i, (x, y) in enumerate(places):
        assert all(abs(x - a) >= side or abs(y - b) >= side for a, b in places[:i])


def test_numbers_that_are_none_are_shown_as_such_and_spoil_no_others():
    maps = Maps(x=np.array([[np.nan, 1.0], [np.inf, -1.0]]))
    svg = maps.svg()
    tree.fromstring(svg)
    assert svg.count('class="bad"') == 1 and 'class="plus" opacity="1.00"' in svg
    assert "holds 2 that are no finite numbers" in repr(maps)


def test_nothing_but_zeros_is_paper_and_equal_neighbours_are_one_stroke():
    assert "<path" not in Maps(x=np.zeros((3, 3))).svg()
    assert colours(np.ones((2, 5))).count("M") == 2
    assert len(re.findall("<path", colours(np.linspace(-1, 1, 201)[None]))) == 2 * LEVELS


@pytest.mark.parametrize(
    "rows, words",
    [
        ({}, "there is nothing to draw"),
        ({"x": np.ones((1, 2, 3, 3))}, r"x has shape \(1, 2, 3, 3\); a row is .*; take one image of the batch: x\[0\]"),
        ({"x": np.ones(3)}, r"x has shape \(3,\); a row is \(maps, rows, columns\)$"),
        ({"x": np.ones((0, 2, 2))}, r"x has shape \(0, 2, 2\)"),
        ({"x": np.ones((MOST + 1, 2, 2))}, "x has 33 maps; a row can be read with at most 32"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(rows, words):
    with pytest.raises(ValueError, match="^Maps: " + words):
        Maps(**rows)
