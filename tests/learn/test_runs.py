"""Runs are drawn one dot each, on a scale that begins at 0, and told in words."""

import xml.etree.ElementTree as tree

import numpy as np
import pytest

from tinytorch.perf.benchmarking import BenchmarkResult
from tinytorch.pictures.runs import LEFT, RIGHT, Runs, nice, reach, unit_for

SVG = "{http://www.w3.org/2000/svg}"


def dots(drawn, which):
    found = [each for each in drawn.iter(SVG + "circle") if each.get("class") == f"dot{which}" and each.get("r") != "4"]
    return np.array([[float(each.get("cx")), float(each.get("cy"))] for each in found])


def test_each_run_is_a_dot_whose_height_is_its_time():
    times = [0.001, 0.002, 0.0015, 0.002]
    picture = Runs({"a": times})
    places = dots(tree.fromstring(picture.svg()), 0)
    assert (np.diff(places[:, 0]) > 0).all() and places[:, 0].min() >= LEFT and places[:, 0].max() <= RIGHT
    heights = picture.lower - places[:, 1]
    np.testing.assert_allclose(heights / heights[0], np.array(times) / times[0], atol=0.02)
    assert places[:, 1].min() == pytest.approx(picture.upper)


def test_a_few_slow_runs_stand_at_the_edge_and_are_said():
    times = [0.001] * 60 + [0.5]
    picture = Runs({"a": times})
    places = dots(tree.fromstring(picture.svg()), 0)
    assert places[-1, 1] == pytest.approx(picture.upper)
    assert picture.lower - places[0, 1] > (picture.lower - picture.upper) / 4
    assert "the slowest 500 ms, 1 of them beyond the edge" in picture.words()
    assert "a, median 1 ms, 1 beyond the edge" in picture.svg()
    assert "beyond" not in Runs({"a": times[:-1]}).svg()


def test_several_programs_have_their_own_dots_median_and_words():
    picture = Runs({"old <1>": BenchmarkResult("old", [2.0, 2.0, 3.0]), "new": [1.0, 1.0, 1.0, 4.0]})
    drawn = tree.fromstring(picture.svg())
    assert [len(dots(drawn, which)) for which in (0, 1)] == [3, 4]
    medians = [path for path in drawn.iter(SVG + "path") if "median" in path.get("class")]
    assert [path.get("class") for path in medians] == ["median line0", "median line1"]
    texts = [text.text for text in drawn.iter(SVG + "text")]
    assert "old <1>, median 2 s" in texts and "new, median 1 s" in texts and "run 4" in texts
    assert repr(picture) == picture.words() == drawn.find(SVG + "title").text
    assert picture.words().startswith(
        "old <1>: 3 runs, the fastest 2 s, half of them below 2 s, the slowest 3 s. new: 4"
    )
    assert picture._repr_html_().startswith("<img alt=")


def test_the_picture_keeps_what_it_was_given():
    times = np.array([1.0, 2.0])
    picture = Runs({"a": times})
    before = picture.svg()
    times[:] = 9
    assert picture.svg() == before


@pytest.mark.parametrize(
    "runs, sentence",
    [
        ({}, "0 programs; needed are 1 to 3"),
        ({name: [1.0] for name in "abcd"}, "4 programs"),
        ({"a": []}, "a has 0 runs; needed are 1 to 1000"),
        ({"a": [1.0] * 1001}, "a has 1001 runs"),
        ({"a": [1.0, -1.0]}, "a has times that are negative, NaN or infinite"),
        ({"a": [np.nan]}, "negative, NaN or infinite"),
    ],
)
def test_runs_that_cannot_be_drawn(runs, sentence):
    with pytest.raises(ValueError, match=sentence):
        Runs(runs)


def test_a_clock_that_did_not_move_can_be_drawn():
    assert "nan" not in Runs({"a": [0.0, 0.0]}).svg()


def test_scales():
    assert reach(np.array([0.0] * 30 + [3.0])) == 3.0
    assert unit_for(5e-7) == (1e9, "ns") and unit_for(1e-10) == (1e9, "ns") and unit_for(0.001) == (1e3, "ms")
    assert [nice(step) for step in (0.07, 1.0, 2.1, 50)] == [0.1, 1.0, 5.0, 50.0]
