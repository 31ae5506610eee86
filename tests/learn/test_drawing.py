"""A plane is drawn with its points and with what divides them; the picture says in words how many lie wrong."""

import re
import xml.etree.ElementTree as tree

import numpy as np
import pytest

from tinytorch.pictures.drawing import EDGE, FINE, SIZE, Plane
from tinytorch.pictures.live import LONGEST, shown_by

CORNERS, XOR = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]


def parts(svg, kind):
    return [part for part in tree.fromstring(svg).iter() if part.get("class") == kind]


def title(svg):
    return tree.fromstring(svg)[0].text


def shaded(svg):
    """The share of the frame that is shaded, and the places of the stretches."""
    stretches = np.array(
        re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z", parts(svg, "side")[0].get("d")), dtype=float
    )
    return (stretches[:, 2] * stretches[:, 3]).sum() / SIZE**2, stretches


def test_a_line_has_a_side_and_points_on_the_wrong_one():
    svg = Plane(CORNERS, [0, 1, 1, 1]).svg((1, 1), -1.5, "OR")
    assert title(svg) == "OR. 4 points and a line; 2 on the wrong side"
    assert [len(parts(svg, kind)) for kind in ("side", "line", "one", "zero", "wrong")] == [1, 1, 3, 1, 2]


def test_without_weights_there_is_no_line():
    svg = Plane(CORNERS, XOR).svg((0, 0), 0)
    assert parts(svg, "line") == [] and parts(svg, "side") == []


def test_units_are_lines_and_the_answer_is_the_shade():
    def answer(points):
        return points[:, 0] > 0.5

    svg = Plane(CORNERS, XOR).units_svg([[1, 0, 1], [0, 1, 1]], [-0.5, -0.5, -9], answer, "step 3")
    assert title(svg) == "step 3. 4 points and the lines of 3 hidden units; 2 on the wrong side"
    assert len(parts(svg, "unit")) == 2  # the third is outside
    share, stretches = shaded(svg)
    assert share == pytest.approx(0.5) and len(stretches) == FINE and set(stretches[:, 0]) == {EDGE + SIZE / 2}


def test_the_shade_is_the_right_way_up():
    svg = Plane(CORNERS, XOR).units_svg([[0], [1]], [-0.5], lambda points: points[:, 1] > 0.5)
    share, stretches = shaded(svg)
    assert share == pytest.approx(0.5) and stretches[:, 1].max() < EDGE + SIZE / 2


def test_an_answer_in_two_stretches_is_drawn_in_two():
    svg = Plane(CORNERS, XOR).units_svg([[1], [1]], [-0.5], lambda points: abs(points[:, 0] - 0.5) > 0.5)
    assert len(shaded(svg)[1]) == 2 * FINE


def test_nothing_is_shaded_where_nothing_fires():
    assert parts(Plane(CORNERS, XOR).units_svg([[1], [1]], [-0.5], lambda points: 0 * points[:, 0]), "side") == []


def test_showing_asks_for_the_answer_only_when_somebody_sees_it():
    asked, shown = [], []

    def answer(points):
        asked.append(len(points))
        return points[:, 0]

    plane = Plane(CORNERS, XOR)
    plane.show_units([[1], [1]], [-0.5], answer, "unseen", seconds=0)
    assert asked == []
    with shown_by(lambda place, svg: shown.append(svg)):
        plane.show_units([[1], [1]], [-0.5], answer, "seen", seconds=0)
    assert sorted(asked) == [4, FINE * FINE] and len(shown) == 1 and len(shown[0]) < LONGEST / 4


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"points have shape \(4, 2\) and targets \(3,\)"):
        Plane(CORNERS, [0, 1, 1])
