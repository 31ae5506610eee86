"""CIFAR-10 as sheets: unpacked when they are needed, and refused with a sentence when they are not what they should be."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from tinytorch import DataLoader, datasets
from tinytorch.datasets import browser, sheets


def file_of(pixels, form="PNG"):
    """A picture file; PNG, so that every pixel comes back."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return np.frombuffer(file.getvalue(), np.uint8)


@pytest.fixture(scope="module")
def images():
    """Two sheets to learn from and one to test with."""
    return np.random.default_rng(4).integers(0, 256, (3 * sheets.EACH, 3, 32, 32), dtype=np.uint8)


@pytest.fixture(scope="module")
def packed(images):
    each = [
        file_of(sheets.sheet_of(images[start : start + sheets.EACH])) for start in range(0, len(images), sheets.EACH)
    ]
    labels = (np.arange(3 * sheets.EACH) * 7 % 10).astype(np.uint8)
    arrays = {
        "sheets": np.array([2, 1]),
        "train_labels": labels[: 2 * sheets.EACH],
        "test_labels": labels[2 * sheets.EACH :],
    }
    return arrays | {f"sheet_{number:02}": sheet for number, sheet in enumerate(each)}


@pytest.fixture
def folder(tmp_path, monkeypatch, packed):
    """The chosen folder, for a library that is no part of a clone; `keep` writes a file of sheets into it."""
    monkeypatch.setattr(datasets, "HERE", str(tmp_path / "installed" / "tinytorch" / "datasets"))
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def keep(**changes):
        np.savez(
            tmp_path / "cifar10.npz", **{name: array for name, array in (packed | changes).items() if array is not None}
        )
        return tmp_path

    return keep


def test_every_picture_has_its_pixels_and_its_label(folder, images, packed):
    folder()
    train, test = datasets.CIFAR10(), datasets.CIFAR10(train=False)
    assert (len(train), len(test)) == (5000, 2500)
    for data, first, label in ((train, 0, packed["train_labels"]), (test, 5000, packed["test_labels"])):
        for index in (0, 1, 49, 50, 2499, -1):
            picture, truth = data[index]
            place = first + index % len(data)
            assert picture.dtype == np.float32 and np.allclose(picture * 255, images[place], atol=1e-4)
            assert truth == label[index] and truth.dtype == np.int64


def test_a_sheet_is_unpacked_when_the_first_of_its_pictures_is_asked_for(folder):
    folder(sheet_01=None)
    train = datasets.CIFAR10()
    for picture, _ in (train[0], train[2499]):
        assert picture.shape == (3, 32, 32)
    with pytest.raises(datasets.DatasetError, match=r"cifar10.npz lacks sheet 1; remove it and fetch it again"):
        train[2500]


def test_a_slice_is_a_dataset_and_unpacks_nothing(folder):
    folder(sheet_00=None)
    some = datasets.CIFAR10()[2400:2600][100:]
    assert len(some) == 100 and some[0][0].shape == (3, 32, 32)


def test_a_loader_makes_batches_of_them(folder, images):
    folder()
    batch, labels = next(iter(DataLoader(datasets.CIFAR10()[:100], batch_size=64)))
    assert batch.shape == (64, 3, 32, 32) and batch.dtype == np.float32 and labels.dtype.kind == "i"
    assert np.allclose(batch.data * 255, images[:64], atol=1e-4)


def test_load_gives_all_of_them_as_bytes(folder, images):
    folder()
    arrays = datasets.load("cifar10")
    assert np.array_equal(arrays["train_images"], images[:5000]) and np.array_equal(
        arrays["test_images"], images[5000:]
    )


def test_a_file_of_exact_pixels_is_read_too(folder, images, packed, tmp_path):
    labels = {name: packed[name] for name in ("train_labels", "test_labels")}
    np.savez(tmp_path / "cifar10.npz", train_images=images[:5000], test_images=images[5000:], **labels)
    assert np.allclose(datasets.CIFAR10()[2777][0] * 255, images[2777], atol=1e-4)
    assert len(datasets.CIFAR10(train=False)) == 2500


def test_whether_to_learn_or_to_test_is_asked_for_in_words(folder):
    folder()
    with pytest.raises(TypeError, match="CIFAR-10: train is 'test'; it must be True or False"):
        datasets.CIFAR10("test")


def cut_short(packed):
    return {"sheet_00": packed["sheet_00"][:5000]}


SPOILT = {
    "cut short": (cut_short, "sheet 0 of .*: a sheet cannot be read as a picture"),
    "another size": (
        lambda packed: {"sheet_00": file_of(np.zeros((64, 32, 3), np.uint8))},
        "has 32 x 64 pixels; needed are 1600 x 1600",
    ),
    "no picture": (lambda packed: {"sheet_00": np.frombuffer(b"<html>", np.uint8)}, "cannot be read as a picture"),
    "labels missing": (
        lambda packed: {"train_labels": packed["train_labels"][:9]},
        r"\[9, 2500\] labels and \[2, 1\] sheets",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_is_no_such_sheet_is_refused(folder, packed, case):
    change, words = SPOILT[case]
    folder(**change(packed))
    with pytest.raises(datasets.DatasetError, match=f"CIFAR-10: .*{words}"):
        datasets.CIFAR10()[0]


def test_without_pillow_it_says_what_to_install(monkeypatch, packed):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(sheets.SheetError, match="pip install pillow"):
        sheets.unpack(packed["sheet_00"].tobytes())


# In the browser.


def answering(pixels):
    """A site whose service worker unpacks sheets."""
    index = {"cifar10": {"title": "CIFAR-10", "sheets": [{"file": "cifar10-00-x.webp"}]}}
    answers = {
        "s/datasets/index.json": json.dumps(index).encode(),
        "s/datasets/cifar10-00-x.webp?pixels": pixels.tobytes(),
    }
    return lambda address: answers[address]


def test_a_page_asks_the_service_worker_for_the_pixels(monkeypatch):
    monkeypatch.setattr(browser, "sheets", {})
    pixels = np.arange(np.prod(sheets.SHEET)).astype(np.uint8).reshape(sheets.SHEET)
    assert np.array_equal(browser.sheet("cifar10", 0, "nowhere", "s/", answering(pixels)), pixels)


def test_a_sheet_that_comes_packed_is_no_sheet(monkeypatch):
    monkeypatch.setattr(browser, "sheets", {})
    with pytest.raises(OSError, match=r"nothing here unpacks it.*Reload the page"):
        browser.sheet("cifar10", 0, "nowhere", "s/", answering(np.zeros(5000, np.uint8)))


def test_where_nobody_can_be_asked_the_page_has_left_the_pixels(tmp_path):
    pixels = np.arange(np.prod(sheets.SHEET)).astype(np.uint8).reshape(sheets.SHEET)
    pixels.tofile(tmp_path / "cifar10_00.rgb")
    assert np.array_equal(browser.sheet("cifar10", 0, str(tmp_path / "cifar10_00.rgb")), pixels)
