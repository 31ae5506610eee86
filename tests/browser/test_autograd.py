"""Gradients, once switched on in a cell, stay for the page's session; checks and a new session begin without them."""

import pytest

from tests.chapters.reading import written
from tinytorch import learn

ON = "from tinytorch import Linear, enable_autograd\nenable_autograd()\n"
ASK = "print(hasattr(Tensor, 'backward'))"


@pytest.fixture
def page(reader):
    return reader.open("06").until_isolated()


def said(card, text):
    assert card.run(text) == "idle", card.output.inner_text()
    return card.output.inner_text().strip()


def test_it_lasts_from_card_to_card_and_the_readers_own_function_is_differentiated(page):
    lab = page.lab("06.lab-depth")
    assert said(lab, ASK) == "False"
    assert said(lab, ON + ASK) == "True"
    exercise = learn.exercise("06.multiply")
    double = (
        "return self.both(lambda: 2 * grad_output * operand(right), lambda: grad_output * operand(left), left, right)"
    )
    card = page.exercise(exercise.id)
    tried = "\nx, y = Tensor([3.0], requires_grad=True), Tensor([5.0])\n(x * y).backward()\nprint(x.grad)"
    assert said(card, written(exercise, double) + tried) == "[10.]"
    assert card.check(exercise.solution) == "passed"
    assert said(lab, "x = Tensor([3.0], requires_grad=True)\n(x * 5).backward()\nprint(x.grad)") == "[5.]"


def test_a_new_page_begins_without_it_and_says_what_to_call(page):
    lab = page.lab("06.lab-depth")
    assert said(lab, ON + ASK) == "True"
    page.until_saved().reload()
    assert lab.run("Tensor([1.0]).backward()") == "error"
    assert "from tinytorch import enable_autograd" in lab.output.inner_text()


def test_the_graph_is_a_picture_with_a_text_beside_it(page):
    lab = page.lab("06.lab-learns")
    assert lab.run() == "idle"
    picture = lab.output.get_by_role("img")
    assert "6 operations hold 420 B" in picture.get_attribute("alt")
    lab.output.get_by_text("The same as text").click()
    assert "MatMul 1" in lab.output.locator("pre").last.inner_text()
