"""Points under a roof: where they stand, what they are called, and what is said to those who do not see the picture."""

import doctest
import re
import xml.etree.ElementTree as ElementTree

import pytest

from tinytorch.perf.profiling import Row
from tinytorch.perf.roofline import MACHINES, Peaks
from tinytorch.pictures import live, roofs
from tinytorch.pictures.roofs import MOST, Roofs

PEAKS = Peaks(1e11, 1e10)
LOW = Row(
    "one row", "Linear", seconds=1e-3, flops=10_000_000, bytes=10_000_000
)  # 1 FLOP a byte, 10 GFLOP/s: at the roof
HIGH = Row(
    "large", "Conv2d", seconds=1e-2, flops=500_000_000, bytes=5_000_000
)  # 100 FLOP a byte, 50 GFLOP/s: half of it


def points(svg):
    return [(float(x), float(y)) for x, y in re.findall(r'class="dot" cx="(\d+)" cy="(\d+)"', svg)]


def path(svg, kind):
    found = re.search(rf'class="{kind}" d="M([^"]+)"', svg)[1]
    return [tuple(map(float, point.split())) for point in found.split("L")]


def test_a_point_at_the_roof_lies_on_its_line_and_the_words_say_how_far_below_others_are():
    drawn = Roofs(PEAKS, [LOW, HIGH])
    assert drawn.lines() == [
        "1: Linear, one row: 1.0 FLOP/byte, 10 GFLOP/s, 100% of what memory allows",
        "2: Conv2d, large: 100.0 FLOP/byte, 50 GFLOP/s, 50% of what compute allows",
    ]
    assert drawn.names() == [
        "1: Linear, one row, 100% of what memory allows",
        "2: Conv2d, large, 50% of what compute allows",
    ]
    svg = drawn.svg()
    (x0, y0), (x1, y1), (_, y2) = path(svg, "roof")
    (x, y), (right, below) = points(svg)
    assert y == pytest.approx(y0 + (y1 - y0) * (x - x0) / (x1 - x0), abs=1.5) and x < x1
    assert y1 == y2 < below and right > x1
    assert repr(drawn).splitlines()[0] == "peak 100 GFLOP/s, 10 GB/s, ridge at 10.0 FLOP a byte"


def test_other_machines_are_broken_lines_with_their_names():
    svg = Roofs(PEAKS, [LOW], MACHINES).svg()
    ElementTree.fromstring(svg)
    assert svg.count('class="other"') == len(MACHINES) and all(f">{each.name}</text>" in svg for each in MACHINES)
    title = live.title_of(svg)
    assert "T4 GPU: 8.1 TFLOP/s, 320 GB/s" in title and title.startswith("Roofline. This machine: peak 100 GFLOP/s")
    heights = [path(each, "other")[-1][1] for each in re.findall(r"<path class=\"other\"[^>]*/>", svg)]
    assert heights == sorted(heights, reverse=True)  # as they are listed, each with a higher peak


def test_all_lies_inside_the_picture_also_for_slow_and_fast_machines():
    for peaks in (Peaks(1e9, 1e9), Peaks(5e14, 1e13), Peaks(3e9, 2e11)):
        svg = Roofs(peaks, [LOW, HIGH], MACHINES).svg()
        width, height = (float(part) for part in re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
        assert all(0 < x < width and 0 < y < height for x, y in [*points(svg), *path(svg, "roof")])


def test_rows_without_work_have_no_place_and_too_many_are_refused():
    assert Roofs(PEAKS, [Row("view", "Flatten", seconds=1.0), LOW]).rows == [LOW]
    with pytest.raises(ValueError, match=f"Roofs: {MOST + 1} points; at most {MOST}"):
        Roofs(PEAKS, [LOW] * (MOST + 1))


def test_the_examples_in_the_docstrings_are_true():
    assert doctest.testmod(roofs).failed == 0
