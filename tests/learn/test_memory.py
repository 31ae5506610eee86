"""Memory is followed through a step: what is held, the peaks between two readings, and one picture of several runs."""

import subprocess
import sys
import textwrap
import tracemalloc
import xml.etree.ElementTree as tree
from array import array

import numpy as np
import pytest

from tinytorch import Linear, ReLU, Sequential, Tensor, enable_autograd
from tinytorch.core.autograd import REPLACED, disable_autograd
from tinytorch.pictures.live import as_image
from tinytorch.pictures.memory import COLUMNS, Memory, axis_top, bends, thinned, together


@pytest.fixture
def gradients():
    before = bool(REPLACED)
    enable_autograd()
    yield
    if not before:
        disable_autograd()


def step(samples=256, depth=4):
    model = Sequential(*[layer for _ in range(depth) for layer in (Linear(64, 64), ReLU())])
    inputs = Tensor(np.ones((samples, 64)))
    with Memory() as memory:
        memory.stage("forward")
        result = model(inputs).sum()
        memory.stage("backward")
        result.backward()
        memory.stage("zero_grad")
        for parameter in model.parameters():
            parameter.zero_grad()
    return memory, sum(parameter.data.nbytes for parameter in model.parameters())


def test_it_counts_what_is_held_and_the_peak_between_two_readings():
    with Memory() as memory:
        memory.stage("keep")
        kept = np.ones(250_000)
        memory.stage("pass")
        np.ones(500_000)
        memory.stage("drop")
        del kept
    assert memory.held("keep") == pytest.approx(2e6, abs=2e4) and memory.highest("keep") == pytest.approx(2e6, abs=2e4)
    assert memory.held("pass") == pytest.approx(2e6, abs=2e4) and memory.highest("pass") == pytest.approx(6e6, abs=2e4)
    assert memory.held("drop") == pytest.approx(0, abs=2e4) and memory.highest() == memory.highest("pass")


def test_forward_grows_backward_shrinks_and_gradients_remain(gradients):
    step()  # what Python itself keeps of a first call is none of the step's
    memory, weights = step()
    hill = 3 * 4 * 256 * 64 * 4  # four times a product, a sum with the bias, and what ReLU makes of it
    assert memory.held("forward") == pytest.approx(hill, rel=0.1)
    assert memory.held("backward") == pytest.approx(weights, abs=3e4)
    assert memory.held("zero_grad") == pytest.approx(0, abs=2e4)
    assert np.all(np.diff(np.array(memory.points[0][0::2])[::20]) > -4e4)
    assert step(512)[0].held("forward") == pytest.approx(2 * hill, rel=0.1)


def test_its_own_notes_are_not_counted(gradients):
    with Memory() as memory:
        memory.stage("many calls")
        for _ in range(5000):
            Tensor([1.0])
    assert len(memory.points[0]) > 20_000 and memory.held("many calls") < 6e4


def test_afterwards_nothing_is_followed_any_more():
    profile = sys.getprofile()
    with pytest.raises(KeyError), Memory() as memory:
        memory.stage("one")
        raise KeyError
    assert not tracemalloc.is_tracing() and sys.getprofile() is profile
    with pytest.raises(RuntimeError, match="a stage begins inside"):
        memory.stage("two")
    with Memory(), pytest.raises(RuntimeError, match="traced already"), Memory():
        pass
    assert not tracemalloc.is_tracing()


def test_a_stage_that_is_not_there_is_named():
    memory = Memory()
    with pytest.raises(ValueError, match="there is no stage 'forward'; there are none"):
        memory.held("forward")


def test_the_table_and_the_picture_say_the_same(gradients):
    memory, _ = step()
    table = repr(memory).split("\n")
    assert table[0].split() == ["stage", "at", "most", "at", "its", "end"] and len(table) == 4
    most, end = table[1].split()[1], table[1].split()[3]
    root = tree.fromstring(together(memory=memory).svg())
    assert f"forward {most} MB, at its end {end} MB" in root[0].text
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")][-3:] == memory.stages
    assert as_image(together(memory=memory).svg()) == memory._repr_html_()


def test_a_curve_is_as_high_as_what_it_shows(gradients):
    memory, _ = step()
    drawing = together(small=step(64)[0], large=memory)
    paths = [
        path
        for path in tree.fromstring(drawing.svg()).iter("{http://www.w3.org/2000/svg}path")
        if path.get("class", "").startswith("curve") and "h" not in path.get("d")
    ]
    assert [path.get("class") for path in paths] == ["curve0", "curve1"]
    points = [tuple(map(float, pair.split())) for pair in paths[1].get("d")[1:].split("L")]
    assert len(points) <= 3 * 2 * COLUMNS and [x for x, y in points] == sorted(x for x, y in points)
    assert min(y for x, y in points) == pytest.approx(
        34 + 180 * (1 - memory.highest() / axis_top(memory.highest())), abs=0.5
    )
    assert "prefers-color-scheme:dark" in drawing.svg() and "small: at most in forward" in drawing.words()
    assert "small\nstage" in repr(drawing)


def test_runs_in_one_picture_have_the_same_stages():
    def run(*stages):
        with Memory() as memory:
            for stage in stages:
                memory.stage(stage)
        return memory

    for runs in ({"a": run("x"), "b": run("y")}, {"a": run()}):
        with pytest.raises(ValueError, match="they need the same ones"):
            together(**runs)
    with pytest.raises(ValueError, match="at most 3"):
        together(**{name: run("x") for name in "abcd"})


def test_many_readings_become_few_points_and_no_peak_is_lost():
    points = array("q", [value for i in range(1000) for value in (i, 5000 if i == 17 else i)])
    few = thinned(points)
    assert len(few) <= COLUMNS and few[-1][0] == 999 and max(highest for held, highest in few) == 5000
    assert thinned(array("q", [5, 9, 4, 6])) == [(5, 9), (4, 6)]
    assert bends([(0, 5), (1, 5), (2, 5), (2, 7), (3, 7), (4, 7)]) == [(0, 5), (2, 5), (2, 7), (4, 7)]
    assert [axis_top(size) for size in (900, 1000, 1001, 11_846_663)] == [1000, 1000, 1200, 12_000_000]


def test_a_reader_sees_the_picture_after_a_run():
    from tinytorch.learn import Workshop

    code = textwrap.dedent("""
        from tinytorch.pictures.memory import Memory
        with Memory() as memory:
            memory.stage("one")
            Tensor([1.0])
        memory""")
    outcome = Workshop(on_output=lambda stream, text: None).run_cell(code)
    assert outcome.error is None and [record["mime"] for record in outcome.display] == ["text/html"]
    assert outcome.display[0]["data"].startswith('<img alt="Memory held from call to call')


def test_nobody_pays_for_it_who_does_not_use_it():
    code = "import sys\nfrom tinytorch import learn; learn.Workshop()\nprint('tinytorch.pictures.memory' in sys.modules, 'tracemalloc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == [
        "False",
        "False",
    ]
