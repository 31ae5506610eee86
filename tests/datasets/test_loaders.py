"""The data sets as the library gives them, and what it says of a file that is not right."""

import doctest
import hashlib
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from tinytorch import DataLoader, datasets
from tinytorch.datasets import browser

FILE = Path(datasets.__file__).with_name("tinydigits.npz")


def test_tinydigits_is_the_file_that_was_made():
    """The pixels and labels, not the zip around them: libraries differ in how they compress."""
    total = hashlib.sha256()
    arrays = datasets.load("tinydigits")
    for name in datasets.ARRAYS:
        total.update(arrays[name].tobytes())
    assert total.hexdigest() == "a0b723d4e4cc39ad1ddea99addc0cf5b02acc1ba4bf7a0e18862b5664bc5bd7f"
    assert FILE.stat().st_size < 100_000


@pytest.mark.parametrize("part, count", [("train", 800), ("test", 200)])
def test_tinydigits_is_balanced(part, count):
    arrays = datasets.load("tinydigits")
    assert arrays[f"{part}_images"].shape == (count, 1, 8, 8)
    assert np.bincount(arrays[f"{part}_labels"]).tolist() == [count // 10] * 10
    assert 4.5 < arrays[f"{part}_images"].mean() < 5.2


def test_no_test_image_is_among_those_to_learn_from():
    arrays = datasets.load("tinydigits")
    train = {image.tobytes() for image in arrays["train_images"]}
    assert not [image for image in arrays["test_images"] if image.tobytes() in train]


def test_a_dataset_gives_images_from_0_to_1_and_whole_labels():
    images, labels = datasets.TinyDigits(train=False).tensors
    assert images.shape == (200, 1, 8, 8) and images.data.dtype == np.float32
    assert images.data.min() == 0 and images.data.max() == 1
    assert labels.data.dtype.kind == "i"
    batch, _ = next(iter(DataLoader(datasets.TinyDigits(), batch_size=32)))
    assert batch.shape == (32, 1, 8, 8)


def test_a_name_that_is_no_data_set_lists_those_there_are():
    with pytest.raises(ValueError, match="no data set 'minst'; there are tinydigits, mnist, cifar10"):
        datasets.load("minst")


def test_train_must_be_true_or_false():
    with pytest.raises(TypeError, match="train is 'test'; it must be True or False"):
        datasets.TinyDigits(train="test")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The chosen folder, for a library that is installed and no part of a clone."""
    monkeypatch.setattr(datasets, "HERE", str(tmp_path / "installed" / "tinytorch" / "datasets"))
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


SETS = [
    (datasets.MNIST, "MNIST is not here.*`make build` fetches it.*progress page.*TINYTORCH_DATA"),
    (
        datasets.CIFAR10,
        "CIFAR-10 is not here.*`make build` fetches it into build/datasets. Elsewhere, set TINYTORCH_DATA",
    ),
]


@pytest.mark.parametrize("maker, words", SETS)
def test_a_set_that_is_not_there_says_how_to_get_it(folder, maker, words):
    with pytest.raises(datasets.DatasetError, match=words):
        maker()


def test_a_clone_of_the_book_has_what_its_build_fetched(folder, monkeypatch):
    """Without a setting; and a folder named in TINYTORCH_DATA goes before it."""
    monkeypatch.setattr(datasets, "HERE", str(folder / "clone" / "tinytorch" / "datasets"))
    made = folder / "clone" / "build" / "datasets"
    for place in (made, folder / "clone" / "datasets"):
        place.mkdir(parents=True)
    (made / "mnist.npz").touch()
    with pytest.raises(datasets.DatasetError, match="not here"):
        datasets.find("mnist")
    (folder / "clone" / "datasets" / "convert.py").touch()
    assert datasets.find("mnist") == str(made / "mnist.npz")
    (folder / "mnist.npz").touch()
    assert datasets.find("mnist") == str(folder / "mnist.npz")


class Site:
    """What a site answers, as `browser.fetch` asks for it."""

    def __init__(self, content=b"the file", sent=b"the file"):
        entry = {
            "title": "MNIST",
            "file": "mnist-1.npz",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        self.answers = {"s/datasets/index.json": json.dumps({"mnist": entry}).encode(), "s/datasets/mnist-1.npz": sent}

    def __call__(self, address):
        return self.answers[address]


def test_the_browser_says_the_size_and_puts_the_file_in_place(tmp_path, capsys):
    place = tmp_path / "kept" / "mnist.npz"
    browser.fetch("mnist", str(place), "s/", Site())
    assert place.read_bytes() == b"the file"
    assert "Downloading MNIST, 0.0 MB." in capsys.readouterr().out


def test_the_browser_refuses_other_bytes(tmp_path):
    with pytest.raises(OSError, match=r"mnist-1.npz arrived damaged, 3 of 8 bytes"):
        browser.fetch("mnist", str(tmp_path / "mnist.npz"), "s/", Site(sent=b"the"))
    with pytest.raises(OSError, match="this site was built without it"):
        browser.fetch("cifar10", str(tmp_path / "cifar10.npz"), "s/", Site())
    assert not list(tmp_path.iterdir())


def small(shape, count=20, most=255):
    rng = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "test"):
        arrays[f"{part}_images"] = rng.integers(0, most + 1, (count, *shape), dtype=np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count) % 10).astype(np.uint8)
    return arrays


def test_a_file_in_the_chosen_folder_is_found(folder):
    arrays = small((1, 28, 28))
    np.savez_compressed(folder / "mnist.npz", **arrays)
    images, labels = datasets.MNIST(train=False).tensors
    assert np.array_equal((images.data * 255).round().astype(np.uint8), arrays["test_images"])
    assert np.array_equal(labels.data, arrays["test_labels"])


def test_a_file_that_is_cut_short_is_refused(folder):
    np.savez_compressed(folder / "mnist.npz", **small((1, 28, 28)))
    whole = (folder / "mnist.npz").read_bytes()
    (folder / "mnist.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(datasets.DatasetError, match=r"mnist.npz is damaged and cannot be read.*fetch it again"):
        datasets.MNIST()


def test_a_flipped_bit_is_noticed(folder):
    np.savez(folder / "mnist.npz", **small((1, 28, 28)))
    data = bytearray((folder / "mnist.npz").read_bytes())
    data[5000] ^= 1
    (folder / "mnist.npz").write_bytes(data)
    with pytest.raises(datasets.DatasetError, match="damaged"):
        datasets.MNIST()


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda a: a.update(train_images=a["train_images"].astype(np.float32)), "must be uint8"),
        (lambda a: a.update(test_images=a["test_images"][:, :, :8]), "have shapes"),
        (lambda a: a.update(train_labels=a["train_labels"][1:]), "have shapes"),
        (lambda a: a.update(train_labels=np.zeros(20, np.uint8)), "labels are not 0 to 9"),
        (lambda a: a.update(test_labels=a["test_labels"] + 1), "labels are not 0 to 9"),
        (lambda a: a.pop("train_labels"), "damaged"),
    ],
)
def test_a_file_with_other_arrays_is_refused(folder, change, words):
    arrays = small((1, 28, 28))
    change(arrays)
    np.savez(folder / "mnist.npz", **arrays)
    with pytest.raises(datasets.DatasetError, match=words):
        datasets.MNIST()


def test_a_pixel_that_is_too_large_is_refused():
    arrays = small((1, 8, 8))
    assert "largest value is 16" in datasets.fault(arrays, datasets.KNOWN["tinydigits"])


def test_the_examples_in_the_docstrings_are_true():
    for name in ("tinytorch.datasets", "tinytorch.datasets.sheets"):
        failed, tried = doctest.testmod(importlib.import_module(name))
        assert tried and not failed
