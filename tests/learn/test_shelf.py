"""Where a long run is kept: it goes on bit for bit, a strange file is told, a rehearsal neither reads nor writes."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tinytorch import (
    AdamW,
    CosineSchedule,
    CrossEntropyLoss,
    Linear,
    ReLU,
    Sequential,
    Tensor,
    Trainer,
    enable_autograd,
)
from tinytorch.learn.keeping import shelf
from tinytorch.pictures import live

IMAGES = Tensor(np.random.default_rng(3).random((12, 5), np.float32))
DATA = [(IMAGES, np.arange(12) % 3)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    enable_autograd()
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "mine"))
    return tmp_path / "mine"


def trainer(units=4):
    network = Sequential(Linear(5, units, rng=1), ReLU(), Linear(units, 3, rng=2))
    return Trainer(network, AdamW(network.parameters()), CrossEntropyLoss(), scheduler=CosineSchedule(0.1, 0.01, 6))


def weights(trained):
    return [p.data for p in trained.model.parameters()]


def test_a_run_goes_on_as_if_it_had_not_stopped(folder):
    whole, first, second = trainer(), trainer(), trainer()
    for _ in range(6):
        whole.train_epoch(DATA)
    for _ in range(2):
        first.train_epoch(DATA)
        shelf.keep(first, "digits")
    assert (folder / "runs" / "digits.npz").is_file()
    assert shelf.take(second, "digits") and second.epoch == 2
    for _ in range(4):
        second.train_epoch(DATA)
    assert all(np.array_equal(a, b) for a, b in zip(weights(whole), weights(second), strict=True))


def test_where_nothing_is_kept_a_run_begins():
    assert not shelf.take(trainer(), "digits")


def test_what_belongs_to_another_network_is_told_and_stays(folder, capsys):
    shelf.keep(trainer(), "digits")
    kept = (folder / "runs" / "digits.npz").read_bytes()
    assert not shelf.take(trainer(units=7), "digits")
    assert "does not fit this program, so it begins anew" in capsys.readouterr().out
    assert (folder / "runs" / "digits.npz").read_bytes() == kept


def test_a_damaged_file_is_told(folder, capsys):
    shelf.keep(trainer(), "digits")
    place = folder / "runs" / "digits.npz"
    place.write_bytes(place.read_bytes()[:200])
    assert not shelf.take(trainer(), "digits")
    assert "begins anew" in capsys.readouterr().out


def test_a_run_goes_on_where_nothing_can_be_written(folder, capsys):
    folder.write_text("a file in the place of the folder")
    shelf.keep(trainer(), "digits")
    assert "could not be kept" in capsys.readouterr().out


def test_a_rehearsal_finds_nothing_and_leaves_nothing(folder):
    shelf.keep(trainer(), "digits")
    kept = (folder / "runs" / "digits.npz").read_bytes()
    with live.shown_by(live.unseen):
        other = trainer()
        assert not shelf.take(other, "digits")
        other.train_epoch(DATA)
        shelf.keep(other, "digits")
    assert (folder / "runs" / "digits.npz").read_bytes() == kept


def test_a_page_is_handed_the_file(tmp_path, monkeypatch):
    handed = []
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(shelf, "FOLDER", str(tmp_path / "runs"))
    monkeypatch.setitem(sys.modules, "tinytorch_page", SimpleNamespace(keep=lambda *told: handed.append(told)))
    shelf.keep(trainer(), "digits")
    assert handed == [("digits", (tmp_path / "runs" / "digits.npz").read_bytes())]


def test_where_nothing_is_to_be_kept_nothing_is_written_or_found(folder, monkeypatch):
    shelf.keep(trainer(), "digits")
    kept = (folder / "runs" / "digits.npz").read_bytes()
    monkeypatch.setenv("TINYTORCH_RUNS", "none")
    one = trainer()
    one.train_epoch(DATA)
    shelf.keep(one, "digits")
    shelf.keep(one, "other")
    assert [path.name for path in (folder / "runs").iterdir()] == ["digits.npz"]
    assert (folder / "runs" / "digits.npz").read_bytes() == kept and not shelf.take(trainer(), "digits")
    monkeypatch.delenv("TINYTORCH_RUNS")
    assert shelf.take(trainer(), "digits")
