"""A surface is drawn with the paths on it; the picture says in words what it shows, and survives a walk that explodes."""

import re
import xml.etree.ElementTree as tree

import numpy as np
import pytest

from tinytorch.pictures.live import LONGEST, shown_by
from tinytorch.pictures.surface import Surface


def bowl(x, y):
    return x * x + 4 * y * y


def paths_of(svg):
    found = tree.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")
    return {
        path.get("class"): np.array(re.findall(r"-?[\d.]+", path.get("d")), dtype=float)
        for path in found
        if "h" not in path.get("d")
    }


def test_it_says_what_it_shows():
    svg = Surface(bowl, (-2, 2), (-1, 1)).svg({"A & B": [(1, 1), (0, 0.5)], "other": [(0, 0)]}, "step <1>")
    assert tree.fromstring(svg)[0].text == (
        "Contour lines of a surface and 2 paths on it. step <1>. A & B: 1 steps, height 1. other: 0 steps, height 0"
    )
    assert "prefers-color-scheme:dark" in svg and len(svg) < LONGEST / 4


def test_a_path_goes_where_its_points_are():
    surface = Surface(bowl, (-2, 2), (-1, 1))
    assert paths_of(surface.svg({"one": [(-2, 1), (2, -1), (0, 0)]}))["path p0"].tolist() == [0, 0, 440, 220, 220, 110]


def test_the_contour_lines_lie_where_the_height_is_that_of_the_line():
    surface = Surface(bowl, (-2, 2), (-1, 1))
    x, y = paths_of(surface.svg({}))["level"].reshape(-1, 2).T
    heights = bowl(x / 110 - 2, 1 - y / 110)
    lines = 8 * (np.arange(1, 10) / 10) ** 2
    assert np.abs(heights[:, None] - lines).min(axis=1).max() < 0.05
    assert len(np.unique(np.abs(heights[:, None] - lines).argmin(axis=1))) == 9


def test_a_walk_that_explodes_is_drawn_as_far_as_it_goes():
    surface = Surface(bowl, (-2, 2), (-1, 1))
    svg = surface.svg({"lost": [(1, 1), (np.inf, 0), (np.nan, 0)]})
    assert paths_of(svg)["path p0"].tolist() == [330, 0] and "lost: 2 steps, height nan" in svg
    assert "path p0" not in paths_of(surface.svg({"lost": [(np.nan, 0)]}))


def test_a_flat_surface_has_no_contour_lines():
    assert paths_of(Surface(lambda x, y: 0 * x + 3, (-2, 2), (-1, 1)).svg({}))["level"].size == 0


def test_it_shows_a_copy_of_the_paths():
    shown, points = [], [(1.0, 1.0)]
    with shown_by(lambda place, svg: shown.append(svg)):
        Surface(bowl, (-2, 2), (-1, 1)).show({"one": points}, seconds=0)
    points.append((0.0, 0.0))
    assert len(shown) == 1 and "one: 0 steps" in shown[0]


def test_the_edges_must_be_in_order():
    with pytest.raises(ValueError, match=r"Surface: x is \(2, -2\)"):
        Surface(bowl, (2, -2), (-1, 1))
