"""A table of vectors is drawn as a map of its rows or as a sheet of its numbers, and told in words."""

import re
import xml.etree.ElementTree as tree

import numpy as np
import pytest

from tinytorch import Tensor
from tinytorch.pictures.vectors import EDGE, LETTER, LINE, MOST, SIDE, Map, Sheet, flattened

SVG = "{http://www.w3.org/2000/svg}"


def places(drawn, tag):
    names = ("cx", "cy") if tag == "circle" else ("x", "y")
    return np.array([[float(each.get(name)) for name in names] for each in drawn.iter(SVG + tag)])


def test_a_plane_in_space_keeps_its_distances():
    rng = np.random.default_rng(0)
    plane, turn = rng.standard_normal((9, 2)) * [5, 1], np.linalg.qr(rng.standard_normal((7, 7)))[0]
    points = flattened(plane @ turn[:2] + 3)

    def apart(x):
        return np.linalg.norm(x[:, None] - x, axis=2)

    np.testing.assert_allclose(apart(points), apart(plane), atol=1e-9)
    assert points[:, 0].std() > points[:, 1].std()


def test_a_map_holds_every_row_once_within_the_frame():
    rng = np.random.default_rng(1)
    names = [f"word {i}" for i in range(24)]
    drawn = tree.fromstring(Map(Tensor(rng.standard_normal((24, 8))), names, [(0, 1), (5, 3)]).svg())
    dots, texts = places(drawn, "circle"), places(drawn, "text")
    assert [text.text for text in drawn.iter(SVG + "text")] == names and len(dots) == 24
    assert dots.min() >= EDGE - 1 and dots.max() <= SIDE - EDGE + 1
    assert (texts[:, 0] + 7 * LETTER).max() <= SIDE
    assert sum(path.get("class") == "link" for path in drawn.iter(SVG + "path")) == 2


def test_names_of_points_that_lie_together_are_written_below_each_other():
    table = np.array([[0.0, 0], [0.01, 0], [0, 0.01], [10, 10], [20, -10]])
    drawn = tree.fromstring(Map(table, ["one", "two", "three", "far", "farther"]).svg())
    lines = np.sort(places(drawn, "text")[:3, 1])
    assert np.diff(lines).min() >= LINE - 1
    assert sum(path.get("class") == "lead" for path in drawn.iter(SVG + "path")) == 2


def test_points_on_one_line_and_a_single_row_can_be_drawn():
    for table, names in ((np.ones((1, 3)), ["alone"]), (np.outer([1, 2, 3], [1, 1]), list("abc"))):
        assert "nan" not in Map(table, names).svg()


def test_a_sheet_shows_sign_and_strength():
    drawn = tree.fromstring(Sheet([[1.0, 1.0, -0.5], [0.0, -1.0, 1.0]], "wave", "position").svg())
    paths = {(path.get("class"), path.get("opacity")): path.get("d") for path in drawn.iter(SVG + "path")}
    assert paths == {
        ("over", "1.0"): "M0 0h2v1h-2zM2 1h1v1h-1z",
        ("under", "0.4"): "M2 0h1v1h-1z",
        ("under", "1.0"): "M1 1h1v1h-1z",
    }
    assert [text.text for text in drawn.iter(SVG + "text")] == ["wave 0 to 2", "position 1 to 0"]
    assert "<path" not in Sheet(np.zeros((2, 2))).svg()


def test_both_say_what_they_show_and_escape_it():
    shown = Map(np.eye(3), ["a<b", "c", "d"], [(0, 2)])
    assert repr(shown) == "Map of 3 rows. Joined by a line: a<b and d" == tree.fromstring(shown.svg())[0].text
    assert repr(Map(np.eye(2), ["x", "y"])) == "Map of 2 rows. x, y"
    sheet = Sheet([[0.5, -0.25]], "wave", "position")
    assert repr(sheet) == "Sheet of numbers from -0.25 to 0.50: 1 times position downward, 2 times wave across"
    for each in (shown, sheet):
        assert re.match(r'<img alt="[^"]{20,}" src="data:image/svg', each._repr_html_())


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Map(np.ones(3), list("abc")), r"Map: the table has shape \(3,\) and there are 3 names; needed are"),
        (lambda: Map(np.ones((3, 1)), list("abc")), r"shape \(3, 1\)"),
        (lambda: Map(np.ones((3, 2)), list("ab")), "there are 2 names"),
        (lambda: Map(np.full((1, 2), np.nan), ["a"]), "NaN or infinity"),
        (lambda: Map(np.eye(2), list("ab"), [(0, 2)]), "a link names a row that is not there; rows go from 0 to 1"),
        (lambda: Sheet(np.ones(3)), r"Sheet: the table has shape \(3,\); needed is \(N, D\) with 1 to 4096 numbers"),
        (lambda: Sheet(np.ones((2, MOST))), r"shape \(2, 4096\)"),
        (lambda: Sheet([[np.inf]]), "Sheet: the table holds NaN or infinity"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_reason(make, words):
    with pytest.raises(ValueError, match=words):
        make()
