"""The trained networks of milestones 3 to 5 in the page and in the notebook: ours for who comes without, else the reader's."""

import re

import pytest
from playwright.sync_api import expect

from .reader import Reader
from .test_notebook import OPENING, open_notebook
from .test_offline import ready_for_offline

LAB = "05.lab-last-batch"
RUN = 240_000
CODE = 'from tinytorch.models import trained\nmlp = trained("mlp")\nprint(mlp.count, f"{mlp.accuracy():.4f}")\n'
OURS = "The network of milestone 3: ours. When it was trained, "
YOURS = "The network of milestone 3: yours, as the run mnist left it, with "


def test_who_comes_without_one_gets_ours_and_has_it_offline_too(new_context, own_server):
    reader = Reader(new_context().new_page(), own_server.url).open("01")
    ready_for_offline(reader)
    card = reader.open("05").lab(LAB).write(CODE)
    line = card.element.locator(".tt-fetches")
    expect(line).to_have_text(
        "The first run downloads our network of milestone 3 (0.4 MB) and MNIST (4.9 MB). The browser keeps it, for offline use too."
    )
    assert card.act("Run") == "idle"
    expect(card.output).to_contain_text(OURS)
    was, now = re.search(r"trained, ([\d.]+)% of .*?101770 0\.(\d+)", card.output.inner_text(), re.S).groups()
    assert abs(float(was) - int(now) / 100) < 0.1, "the same weights and digits, so the same answers but for rounding"
    expect(line).to_have_text(
        "Our network of milestone 3 (0.4 MB) and MNIST (4.9 MB) are kept in this browser.", timeout=15_000
    )
    own_server.stop()
    assert reader.reload().lab(LAB).act("Run") == "idle"
    expect(reader.lab(LAB).output).to_contain_text(OURS)


@pytest.mark.parametrize(
    "name, words",
    [
        ("cnn", r"milestone 4: ours\. .*?34058 1\d\d of 250"),
        ("gpt", r"milestone 5: ours\. .*?441792 (2[34]\d|250) of 250"),
    ],
)
def test_the_others_answer_in_the_page_as_they_do_elsewhere(reader, name, words):
    code = f'from tinytorch.models import trained\nnet = trained("{name}")\nprint(net.count, net.right(count=250).sum(), "of 250")\n'
    card = reader.open("05").until_isolated().lab(LAB)
    assert card.run(code) == "idle"
    assert re.search(words, card.output.inner_text(), re.S), card.output.inner_text()


def test_the_network_that_milestone_3_trained_is_taken_on_other_pages_after_a_reload_and_in_the_notebook(reader):
    card = reader.open_milestone("m3").until_isolated().program("m3.mnist")
    kept = card.element.locator(".tt-runs")
    expect(kept).to_contain_text("Nothing of a run is kept yet. At its end the network is kept.")
    assert card.act("Run", timeout=RUN) == "passed"
    expect(kept).to_contain_text(
        "Kept in this browser: mnist (1.2 MB). Later chapters begin with it; a new run takes its place."
    )

    lab = reader.open("05").lab(LAB)
    assert lab.run(CODE) == "idle"
    expect(lab.output).to_contain_text(YOURS)
    assert ": ours" not in lab.output.inner_text()
    assert float(re.search(r"101770 ([\d.]+)", lab.output.inner_text())[1]) > 0.95

    notebook = open_notebook(reader)
    notebook.append_and_run(OPENING + CODE)
    notebook.shows(YOURS)
