"""The drawing of a graph: what is in it, the bytes it counts, the text beside it."""

import doctest
import re
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tinytorch import CrossEntropyLoss, Linear, ReLU, Sequential, Tensor
from tinytorch.core import autograd
from tinytorch.learn import showing
from tinytorch.pictures import graph
from tinytorch.pictures.graph import Graph, labels_of


@pytest.fixture(autouse=True)
def gradients():
    was_on = bool(autograd.REPLACED)
    autograd.enable_autograd()
    yield
    if not was_on:
        autograd.disable_autograd()


def leaf(data):
    return Tensor(data, requires_grad=True)


def texts(svg):
    return [node.text for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def boxes(drawing):
    return dict(zip(labels_of([box.name for box in drawing.boxes]), drawing.boxes, strict=True))


def test_a_model_with_names_shapes_and_bytes():
    model = Sequential(Linear(4, 8), ReLU(), Linear(8, 3))
    x = Tensor(np.ones((16, 4)))
    loss = CrossEntropyLoss()(model(x), np.arange(16) % 3)
    found = boxes(Graph(loss, model, x=x))
    assert {name: box.bytes for name, box in found.items()} == {
        "x": 256,
        "steps.0.weight": 128,
        "steps.0.bias": 32,
        "MatMul 1": 512,
        "Add 1": 512,
        "ReLU": 512,
        "steps.2.weight": 96,
        "steps.2.bias": 12,
        "MatMul 2": 192,
        "Add 2": 192,
        "CrossEntropy": 4 + 16 * 8,
    }
    assert found["MatMul 1"].shape == (16, 8) and found["x"].kind == "c" and found["steps.0.bias"].kind == "g"
    assert Graph(loss).held == 512 * 3 + 192 * 2 + 132


def test_a_view_holds_nothing_of_its_own_and_a_kept_array_counts():
    class Keeping(autograd.Function):
        def forward(self, x):
            self.kept = np.zeros(100)
            return Tensor(x.data * 2)

    x = leaf(np.ones((4, 2)))
    found = boxes(Graph(Keeping.apply(x).reshape(8), x=x))
    assert (found["Reshape"].bytes, found["Keeping"].bytes) == (0, 32 + 800)


def test_the_picture_says_itself_what_it_shows_and_stands_in_light_and_dark():
    a = leaf([3.0])
    b = a * 2
    drawing = Graph((b + 1) * b + b * b, a=a)
    svg = drawing._repr_svg_()
    assert "5 operations hold 20 B" in re.search("<title>(.*?)</title>", svg)[1] and "prefers-color-scheme:dark" in svg
    assert texts(svg).count("Multiply") == 3 and "a" in texts(svg) and "2 times" in texts(svg)
    assert "(1,) · 4 B" in texts(svg)
    record = showing.display(drawing)[0]
    assert (
        record["mime"] == "text/html"
        and "<img alt=" in record["data"]
        and "from Multiply 1, Multiply 1" in record["data"]
    )
    assert repr(drawing).splitlines()[1].split() == ["a", "(1,)", "·", "4", "B"]


def test_boxes_of_a_row_do_not_touch_and_arguments_stand_above():
    x, w = leaf(np.ones((2, 2))), leaf(np.ones((2, 2)))
    y = x
    for _ in range(5):
        y = (y @ w + x) * y
    drawing = Graph(y.sum())
    places, width, height = graph._Layout(drawing.boxes).places()
    centres = [centre for centre, _ in places.values()]
    for i, (a, b) in enumerate(centres):
        assert graph.WIDE / 2 <= a <= width - graph.WIDE / 2 and graph.HIGH / 2 <= b <= height - graph.HIGH / 2
        assert all(abs(a - c) >= graph.WIDE + graph.GAP - 0.2 for c, d in centres[:i] if b == d)
    for i, box in enumerate(drawing.boxes):
        assert all(centres[parent][1] < centres[i][1] for parent in box.parents)


def test_a_freed_graph_says_so_and_a_drawing_stays_as_it_was():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    before = Graph(y)
    y.backward()
    assert Graph(y).boxes[0].freed and "freed" in texts(Graph(y)._repr_svg_()) and len(Graph(y).boxes) == 1
    assert len(before.boxes) == 3 and "freed" not in repr(before)


def test_a_graph_of_ten_thousand_links_is_counted_and_drawn_in_part():
    y = leaf([1.0])
    for _ in range(10_000):
        y = y + 1
    drawing = Graph(y)
    assert drawing.summary.startswith("10000 operations hold 40.0 kB")
    svg = drawing._repr_svg_()
    assert f"the {graph.MOST} boxes nearest to the result are drawn" in svg and len(svg) < 50_000


def test_a_tensor_without_a_graph_is_one_box():
    assert [box.name for box in Graph(Tensor([1.0])).boxes] == ["constant"]
    assert texts(Graph(leaf([1.0]))._repr_svg_()) == ["leaf", "(1,) · 4 B"]


def test_names_are_escaped():
    class Odd(autograd.Function):
        name = "<b>&"

        def forward(self, x):
            return Tensor(x.data)

    assert "<b>&" in texts(Graph(Odd.apply(leaf([1.0])))._repr_svg_())


def test_the_text_of_a_deep_graph_takes_a_time_that_grows_as_the_graph():
    def seconds(depth):
        result = leaf([1.0])
        for _ in range(depth):
            result = result * 1.0
        drawing, begin = Graph(result), time.process_time()
        assert f"Multiply {depth}" in repr(drawing)
        return time.process_time() - begin

    short, long = (min(seconds(depth) for _ in range(3)) for depth in (500, 5000))
    assert long < 40 * short, (
        "ten times the boxes; counting each name anew for each box would take a hundred times as long"
    )


def test_the_examples_in_the_docstrings_are_true():
    failed, tried = doctest.testmod(graph)
    assert tried and not failed
