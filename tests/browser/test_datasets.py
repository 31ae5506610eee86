"""A data set in the page: its size is said, it comes once with a bar, stays offline, and a bad download can be tried again."""

import json
import os
import shutil
import signal

import pytest
from playwright.sync_api import expect

from .conftest import SITE, Server
from .reader import Reader
from .test_notebook import open_notebook
from .test_offline import ready_for_offline

LAB = "05.lab-last-batch"
CODE = "from tinytorch.datasets import MNIST\nprint(len(MNIST()), len(MNIST(train=False)))\n"
SILENCE = 40_000
# A bar may be there for a few milliseconds only.
WATCH = """output => {
  window.bars = [];
  const note = () => { for (const bar of output.querySelectorAll("progress")) window.bars.push([bar.value, bar.getAttribute("aria-label")]); };
  new MutationObserver(note).observe(output, { childList: true, subtree: true });
}"""


@pytest.fixture
def own_site(tmp_path):
    """A server for a copy of the site, of which files can be spoilt."""
    shutil.copytree(SITE, tmp_path / "site", copy_function=os.link)
    running = Server(tmp_path / "site").start()
    yield running
    running.stop()


@pytest.fixture
def own_reader(new_context, own_site):
    return Reader(new_context().new_page(), own_site.url).open("05").until_isolated()


def served(server):
    """The file of MNIST as the site has it."""
    index = json.loads((server.site / "datasets" / "index.json").read_text())
    return server.site / "datasets" / index["mnist"]["file"]


def test_its_size_is_said_it_comes_once_and_is_there_offline(new_context, own_server):
    reader = Reader(new_context().new_page(), own_server.url).open("01")
    ready_for_offline(reader)
    card = reader.open("05").lab(LAB)
    line = card.element.locator(".tt-fetches")
    expect(line).to_be_hidden()
    card.write(CODE)
    expect(line).to_have_text("The first run downloads MNIST (4.9 MB). The browser keeps it, for offline use too.")
    card.output.evaluate(WATCH)
    assert card.act("Run") == "idle"
    expect(card.output).to_contain_text("20000 10000")
    seen = reader.page.evaluate("window.bars")
    assert [0, "Downloading MNIST: 0.0 of 4.9 MB"] in seen and [1, "Downloading MNIST: 4.9 of 4.9 MB"] in seen
    expect(line).to_have_text("MNIST (4.9 MB) is kept in this browser.", timeout=15_000)
    own_server.stop()
    reader.until_saved().reload()
    card = reader.lab(LAB)
    expect(card.element.locator(".tt-fetches")).to_have_text("MNIST (4.9 MB) is kept in this browser.", timeout=15_000)
    assert card.run() == "idle"
    expect(card.output).to_contain_text("20000 10000")


def flipped(data):
    return data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]


SPOILT = {
    "damaged": (flipped, "arrived damaged"),
    "cut short": (lambda data: data[: len(data) // 2], "cut short"),
    "another page": (lambda data: b"<html>Log in to use this network</html>", "cut short"),
    "missing": (None, "the server answered 404"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_bad_download_is_told_and_another_try_gets_the_file(own_reader, own_site, case):
    spoil, words = SPOILT[case]
    place = served(own_site)
    good = place.read_bytes()
    place.unlink()  # a link to the site's own file, which stays as it is
    if spoil:
        place.write_bytes(spoil(good))
    card = own_reader.lab(LAB)
    assert card.run(CODE) == "error"
    expect(card.output).to_contain_text("MNIST could not be downloaded: ")
    expect(card.output).to_contain_text(words)
    expect(card.output).to_contain_text("Your code was not run. Press Run to try again.")
    place.write_bytes(good)
    assert card.run() == "idle"
    expect(card.output).to_contain_text("20000 10000")


def test_a_download_that_goes_silent_is_given_up_or_stopped(own_reader, own_site):
    card = own_reader.lab(LAB)
    assert card.run("import tinytorch.datasets\nkept = 7\n") == "idle"
    card.write(CODE + "print(kept)\n")
    expect(card.element.locator(".tt-fetches")).to_be_visible()
    own_site.process.send_signal(signal.SIGSTOP)
    try:
        assert card.act("Run", timeout=SILENCE) == "error"
        expect(card.output).to_contain_text("nothing arrived for 12 seconds")
        card.press("Run")
        expect(card.output).to_contain_text("Downloading MNIST", timeout=20_000)
        card.press("Stop")
        card.settle("idle", timeout=5_000)
        expect(card.output).to_contain_text("The download was stopped.")
    finally:
        own_site.process.send_signal(signal.SIGCONT)
    assert card.run() == "idle"
    expect(card.output).to_contain_text("20000 10000\n7")  # Python was not restarted


def test_what_the_page_could_not_see_in_the_code_is_fetched_while_it_runs(reader):
    card = reader.open("05").lab(LAB)
    card.run("from tinytorch import datasets\nname = 'mni' + 'st'\nprint(datasets.load(name)['test_images'].shape)\n")
    expect(card.output).to_contain_text("Downloading MNIST, 4.9 MB. It is kept for offline use.")
    expect(card.output).to_contain_text("(10000, 1, 28, 28)")


def test_a_set_that_this_site_lacks_is_told(own_reader, own_site):
    place = own_site.site / "datasets" / "index.json"
    index = json.loads(place.read_text())
    place.unlink()  # a link to the site's own file, which stays as it is
    place.write_text(json.dumps({"mnist": index["mnist"]}))
    card = own_reader.lab(LAB)
    assert card.run("from tinytorch.datasets import CIFAR10\nCIFAR10()\n") == "error"
    expect(card.output).to_contain_text("CIFAR-10 could not be downloaded: this site was built without it")


def test_a_notebook_fetches_it_too(reader):
    notebook = open_notebook(reader)
    notebook.append_and_run(CODE)
    notebook.shows("Downloading MNIST, 4.9 MB.")
    notebook.shows("20000 10000")


def test_the_progress_page_hands_out_the_file_for_a_terminal(reader):
    reader.visit("book/progress.html")
    with reader.page.expect_download() as waiting:
        reader.page.get_by_role("link", name="mnist.npz").click()
    assert waiting.value.suggested_filename == "mnist.npz"
    assert (
        os.path.getsize(waiting.value.path())
        == json.loads((SITE / "datasets" / "index.json").read_text())["mnist"]["bytes"]
    )


def test_the_progress_page_does_not_wait_for_the_list_of_data_sets(new_context, server):
    page = new_context(service_workers="block").new_page()
    page.route("**/datasets/index.json", lambda route: None)  # a network that never answers
    page.goto(f"{server.url}book/progress.html")
    expect(page.get_by_role("region", name="Chapters")).to_contain_text("01 Tensor")
    expect(page.get_by_role("button", name="Download my framework")).to_be_visible()
    expect(page.get_by_role("link", name="mnist.npz")).to_have_count(0)
