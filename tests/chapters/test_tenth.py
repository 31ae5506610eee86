"""What chapter 16 promises: its last measurement, as it stands, makes the network of milestone 3 ten times smaller."""

import pytest

from tests.chapters.reading import ROOT
from tinytorch_book.plan import read_chapters

CELL = next(lab.code for chapter in read_chapters(ROOT) for lab in chapter.labs if lab.name == "lab-front")


@pytest.fixture
def front(tmp_path, monkeypatch):
    """The front that the measurement draws, for a reader who has kept nothing."""
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path))
    monkeypatch.setenv("TINYTORCH_DATA", str(ROOT / "build" / "datasets"))
    space = {}
    exec(CELL, space)
    return space["front"]


def test_a_tenth_of_the_bytes_costs_at_most_two_points(front, capsys):
    size, accuracy = front.runs["as it was"]
    assert accuracy > 0.95 and front.reached()
    for name in front.reached():
        small, right = front.runs[name]
        assert small <= size / 10 and right >= accuracy - 0.02
    assert all("int8" in name for name in front.reached()), "no way reaches it alone: they are combined"
    assert front.reached()[0] in front.on()
