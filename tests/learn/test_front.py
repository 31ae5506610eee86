"""Runs are drawn by size and accuracy with their front and their goal, and told in words."""

import re
import xml.etree.ElementTree as tree

import pytest

from tinytorch.perf import compression
from tinytorch.pictures.front import BOTTOM, HEIGHT, LEFT, MOST, RIGHT, TOP, WIDTH, Front, kilobytes, round_sizes, runs

SVG = "{http://www.w3.org/2000/svg}"


def front():
    front = Front(times=10, points=2).add("as it was", 400_000, 0.96)
    return front.add("half", 200_000, 0.955).add("worse", 210_000, 0.9).add("small", 39_000, 0.945)


def test_the_goal_is_measured_from_the_first_run():
    assert front().goal() == (40_000, pytest.approx(0.94)) and front().reached() == ["small"]
    assert front().add("edge", 40_000, 0.94).reached() == ["small", "edge"]
    assert front().add("small", 41_000, 0.96).reached() == []
    assert front().add("low", 30_000, 0.9399).reached() == ["small"]


def test_the_front_is_what_the_readers_function_says(monkeypatch):
    assert front().on() == ["small", "half", "as it was"]
    monkeypatch.setattr(compression, "on_front", lambda sizes, accuracies: [size == 210_000 for size in sizes])
    assert front().on() == ["worse"]


def test_every_run_is_a_point_in_the_frame_and_a_line_below_it():
    drawn = tree.fromstring(front().add("lost", 100_000, 0.11).svg())
    dots = [(each.get("class"), float(each.get("cx")), float(each.get("cy"))) for each in drawn.iter(SVG + "circle")]
    points = [dot for dot in dots if dot[2] < HEIGHT]
    assert [kind for kind, _, _ in points] == ["on", "on", "off", "on", "off"] and len(dots) == 10
    assert all(LEFT < x < WIDTH - RIGHT and TOP < y <= HEIGHT - BOTTOM for _, x, y in points)
    by_size = sorted(points, key=lambda point: point[1])
    assert [points.index(point) for point in by_size] == [3, 4, 1, 2, 0]
    texts = [text.text for text in drawn.iter(SVG + "text")]
    assert texts[texts.index("half") :][:3] == ["half", "200 kB", "95.5%"]
    assert "↓ 11.0%" in texts and "95%" in texts


def test_the_words_below_the_frame_stay_inside_the_picture():
    for largest in (400_000, 401_000, 450_000, 500_000, 510_000, 600_000):
        drawn = tree.fromstring(Front().add("as it was", largest, 0.96).add("small", 1_000, 0.9).svg())
        below = [
            each
            for each in drawn.iter(SVG + "text")
            if (each.text or "").endswith("kB") and float(each.get("y")) < HEIGHT
        ]
        assert len(below) > 3
        assert all(4 * len(each.text) < float(each.get("x")) < WIDTH - 3.4 * len(each.text) for each in below)


def test_the_shaded_goal_ends_where_a_run_would_reach_it():
    drawn = tree.fromstring(front().add("edge", 40_000, 0.94).svg())
    goal = next(each for each in drawn.iter(SVG + "rect") if each.get("class") == "goal")
    edge = list(drawn.iter(SVG + "circle"))[8]
    assert float(goal.get("x")) + float(goal.get("width")) == pytest.approx(float(edge.get("cx")), abs=0.2)
    assert float(goal.get("y")) + float(goal.get("height")) == pytest.approx(float(edge.get("cy")), abs=0.2)


def test_it_says_what_it_shows_and_escapes_it():
    shown = front().add("a<b", 10_000, 0.5)
    assert repr(shown) == (
        "Front of 5 runs, size and accuracy: a<b: 10 kB 50.0%; small: 39 kB 94.5%; half: 200 kB 95.5%; as it was: 400 kB 96.0%. "
        "At most 40 kB and at least 94.0%: small"
    )
    assert tree.fromstring(shown.svg())[0].text == repr(shown)
    assert re.match(r'<img alt="[^"]{20,}" src="data:image/svg', shown._repr_html_())
    assert repr(Front()) == "Front without runs" and "<circle" not in Front().svg()
    assert repr(Front().add("one", 100, 0.5)).endswith("At most 10 B and at least 48.0%: no run")


def test_a_session_has_one_front_of_a_name_and_it_stays_short():
    assert runs("test") is runs("test") and runs("test") is not runs("other")
    long = Front().add("first", 100, 0.5)
    for number in range(2 * MOST):
        long.add(number, 100 + number, 0.5)
    assert len(long.runs) == MOST and next(iter(long.runs)) == "first" and "59" in long.runs


@pytest.mark.parametrize(
    "size, accuracy, words",
    [
        (0, 0.5, "the size of 'it' is 0; it must be a number of bytes above 0"),
        (float("nan"), 0.5, "is nan; it must be a number of bytes"),
        (100, 96.5, "the accuracy of 'it' is 96.5; it must be from 0 to 1"),
        (100, float("nan"), "is nan; it must be from 0 to 1"),
    ],
)
def test_a_run_that_cannot_be_is_named(size, accuracy, words):
    with pytest.raises(ValueError, match=words):
        Front().add("it", size, accuracy)


def test_sizes_are_written_as_people_read_them():
    assert [kilobytes(size) for size in (12, 1_000, 9_999, 10_000, 2_500_000)] == [
        "12 B",
        "1.0 kB",
        "10.0 kB",
        "10 kB",
        "2,500 kB",
    ]
    assert round_sizes(15_000, 15_001) == [] and round_sizes(100, 100) == [100.0]
