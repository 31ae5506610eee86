"""Milestone 4 in the page: sheets that the browser unpacks, a run that survives stop and reload, a picture of one's own."""

import ast
import hashlib
import io
import json
import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tinytorch import (
    AdamW,
    BatchNorm2d,
    Conv2d,
    CosineSchedule,
    CrossEntropyLoss,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    Softmax,
    Trainer,
    datasets,
    enable_autograd,
    no_grad,
)
from tinytorch.learn.catalog import catalog
from tinytorch.learn.keeping import shelf
from tinytorch.learn.programs import shortened
from tinytorch.pictures import photos

from .conftest import ROOT, SITE, Server
from .reader import RUN, Reader
from .test_access import violations

SMALL = "IMAGES = 10_000; PASSES = 2"
LAB = "05.lab-last-batch"
SUMS = """
import hashlib
from tinytorch.datasets import CIFAR10
train, test = CIFAR10(), CIFAR10(train=False)
for data, place in ((train, 0), (train, 2500), (train, 49_999), (test, 9_999)):
    number = int(data.places[place]) // 2500
    print(number, hashlib.sha256(data.sheets[number].tobytes()).hexdigest(), int(data[place][1]))
"""


@pytest.fixture(autouse=True)
def data_of_the_build(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYTORCH_DATA", str(ROOT / "build" / "datasets"))
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "mine"))


def code(settings):
    """The program of the real run with other settings, as a reader edits them."""
    return ast.unparse(shortened(ast.parse(catalog().program("m4.cifar").code), settings))


def native_sums():
    arrays = datasets.load("cifar10")
    images = np.concatenate([arrays["train_images"], arrays["test_images"]])
    labels = np.concatenate([arrays["train_labels"], arrays["test_labels"]])
    return [
        f"{place // 2500} {hashlib.sha256(images[place // 2500 * 2500 :][:2500].tobytes()).hexdigest()} {labels[place]}"
        for place in (0, 2500, 49_999, 59_999)
    ]


def test_the_browser_unpacks_the_pixels_that_pillow_unpacks(reader):
    card = reader.open("05").until_isolated().lab(LAB)
    card.write(SUMS)
    line = card.element.locator(".tt-fetches")
    expect(line).to_contain_text(re.compile(r"The first run downloads CIFAR-10 \(2\d\.\d MB\)"))
    assert card.act("Run", timeout=RUN) == "idle"
    assert card.output.locator(".tt-stdout").inner_text().split("\n")[:4] == native_sums()
    fetched = reader.page.evaluate(
        "caches.keys().then(async names => (await (await caches.open(names[0])).keys()).filter(r => r.url.endsWith('.webp')).length)"
    )
    assert fetched < 12, "only the sheets that were needed, and the one after each, have been fetched"


def test_without_a_service_worker_the_page_unpacks_them_before_the_run(new_context, server):
    reader = Reader(new_context(service_workers="block").new_page(), server.url).open("05")
    card = reader.lab(LAB)
    card.write(SUMS)
    assert card.act("Run", timeout=RUN) == "idle"
    assert card.output.locator(".tt-stdout").inner_text().split("\n")[:4] == native_sums()


def test_a_damaged_sheet_is_told_and_another_try_gets_it(new_context, tmp_path):
    shutil.copytree(SITE, tmp_path / "site", copy_function=os.link)
    index = json.loads((tmp_path / "site" / "datasets" / "index.json").read_text())["cifar10"]
    place = tmp_path / "site" / "datasets" / index["sheets"][1]["file"]
    good = place.read_bytes()
    place.unlink()  # a link to the site's own file, which stays as it is
    place.write_bytes(good[:1000] + bytes([good[1000] ^ 1]) + good[1001:])
    server = Server(tmp_path / "site").start()
    try:
        card = Reader(new_context().new_page(), server.url).open("05").until_isolated().lab(LAB)
        assert card.run("kept = 7\nfrom tinytorch.datasets import CIFAR10\nprint(CIFAR10()[2500][1])\n") == "error"
        expect(card.output).to_contain_text("CIFAR-10: sheet 1 of")
        expect(card.output).to_contain_text("run it again")
        place.write_bytes(good)
        label = int(datasets.load("cifar10")["train_labels"][2500])
        assert card.run("print(kept, CIFAR10()[2500][1])\n") == "idle"  # the session lives
        expect(card.output).to_contain_text(f"7 {label}")
    finally:
        server.stop()


def picture():
    """A picture of 32 × 32, which the page need not shrink."""
    return np.rint(datasets.CIFAR10(train=False)[3][0].transpose(1, 2, 0) * 255).astype(np.uint8)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def shares(page):
    """What the box shows: each class with its probability, in per cent."""
    rows = page.locator("[data-photo] tbody tr")
    found = dict(row.split("\t", 1) for row in rows.evaluate_all("rows => rows.map(row => row.innerText)"))
    return {name.strip(): float(share.strip().rstrip("%")) for name, share in found.items()}


def greedy(text):
    """The program with a mistake: after its first part it asks for more memory than a page has."""
    return text.replace("shelf.keep(trainer, run)", "shelf.keep(trainer, run); hog = np.ones(2 ** 28)")


def test_a_run_that_broke_off_was_stopped_and_reloaded_goes_on_and_its_network_names_a_picture_here_and_in_a_terminal(
    reader, tmp_path
):
    page = reader.open_milestone("m4").until_isolated().page
    card, box = reader.program("m4.cifar"), page.locator("[data-photo]")
    kept = card.element.locator("[data-role=runs]")
    expect(box).to_contain_text("There is no network yet")
    expect(kept).to_contain_text("Nothing of a run is kept yet")
    card.write(greedy(code(SMALL)))
    assert "hog" in card.text() and card.act("Run", timeout=RUN) == "error"
    expect(card.output).to_contain_text("memory")
    expect(kept).to_contain_text("cifar-10000")
    card.write(code(SMALL)).press("Run").settle("running")
    expect(card.output).to_contain_text("Going on after 0.1 passes", timeout=RUN)
    expect(card.output).to_contain_text("A pass takes", timeout=RUN)
    card.press("Stop").settle("idle")
    reader.until_saved().reload()
    card = reader.program("m4.cifar")
    assert card.act("Run", timeout=RUN) in ("passed", "failed")
    text = card.output.inner_text()
    assert re.search(r"Going on after 0\.\d passes", text), text
    right = float(re.search(r"Of 10,000 test pictures ([\d.]+)% are right", text)[1])
    assert right > 40, text
    words = card.output.locator("img[data-place]").evaluate_all("images => images.map(image => image.alt)")
    assert [word.split()[0] for word in words] == ["Loss", "Right", "Table", "The", "16"], words

    choose(page, "cat.png", png(picture()))
    expect(box).to_contain_text("cat.png is named", timeout=30_000)
    here = shares(page)
    assert abs(sum(here.values()) - 100) < 1 and box.locator(".tt-photo-maps img").count() == 3
    for name, content, sentence in (
        ("notes.txt", b"no picture", "notes.txt (text/plain, 0.0 MB) is no picture that this browser can read"),
        ("huge.png", b"\x89PNG" + bytes(41_000_000), "huge.png has 41.0 MB; at most 40.0 MB can be opened here"),
    ):
        choose(page, name, content)
        expect(box).to_contain_text(sentence)
    assert violations(page) == []

    with page.expect_download() as waiting:
        card.element.get_by_role("button", name="Save as a file").click()
    there = in_a_terminal(waiting.value.path(), tmp_path)
    assert all(abs(here[name] - there[name]) < 0.11 for name in here), (here, there)


def choose(page, name, content):
    page.locator("[data-photo] input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/plain" if name.endswith("txt") else "image/png", "buffer": content}
    )


def trainer():
    """The network of the real run, as the program makes it."""

    def block(inputs, outputs):
        return Conv2d(inputs, outputs, 3, padding=1), BatchNorm2d(outputs), ReLU(), MaxPool2d(2)

    enable_autograd()
    network = Sequential(*block(3, 16), *block(16, 32), *block(32, 64), Flatten(), Linear(1024, 10))
    schedule = CosineSchedule(3e-3, 1e-4, 60)
    return Trainer(network, AdamW(network.parameters()), CrossEntropyLoss(), scheduler=schedule)


def in_a_terminal(file, folder):
    """What the network in a file says of the picture, in per cent."""
    shutil.copy(file, folder / "state.npz")
    loaded = trainer()
    loaded.load_checkpoint(folder / "state.npz")
    photos.offer(Sequential(loaded.model, Softmax()), datasets.KNOWN["cifar10"].classes)
    try:
        with no_grad():
            answer = photos.ask(picture() / 255)
    finally:
        photos._offered.clear()
    return dict(zip(answer["names"], (100 * share for share in answer["probabilities"]), strict=True))


def test_a_network_from_a_terminal_is_tested_in_the_page_with_the_same_answers(reader, tmp_path):
    """It is of no use yet, and so its answers are as good as any to be compared."""
    made = trainer()
    made.epoch = 20  # as after two passes
    made.history["train_loss"] = [2.0] * 20
    made.history["lr"] = [1e-3] * 20
    made.history["eval_accuracy"] = [0.1, 0.1]
    shelf.keep(made, "cifar-10000")
    page = reader.open_milestone("m4").until_isolated().page
    card = reader.program("m4.cifar")
    card.element.locator("input[type=file]").set_input_files(shelf.place("cifar-10000"))
    expect(card.element.locator("[data-role=runs]")).to_contain_text("cifar-10000")
    card.write(code(SMALL))
    assert card.act("Run", timeout=RUN) == "failed"
    assert re.search(r"Going on after 2 passes\..*are right, after 2 passes", card.output.inner_text(), re.S)
    choose(page, "cat.png", png(picture()))
    expect(page.locator("[data-photo]")).to_contain_text("cat.png is named", timeout=30_000)
    here, there = shares(page), in_a_terminal(shelf.place("cifar-10000"), tmp_path)
    assert all(abs(here[name] - there[name]) < 0.11 for name in here), (here, there)


def test_on_a_phone_the_page_fits_in_light_and_dark_and_axe_finds_nothing(phone):
    page = phone.open_milestone("m4").until_isolated().page
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page) == []
        page.locator(".tt-theme:visible").first.click()
