"""Training: schedules and clipping by their formulas, accumulation as one large batch, runs that resume bit for bit."""

import functools
import json
import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch import (
    SGD,
    Adam,
    AdamW,
    BCEWithLogitsLoss,
    BinaryCrossEntropyLoss,
    CosineSchedule,
    CrossEntropyLoss,
    DataLoader,
    Dropout,
    Layer,
    Linear,
    MSELoss,
    ReLU,
    Sequential,
    Tensor,
    TensorDataset,
    Trainer,
    clip_grad_norm,
    enable_autograd,
    is_grad_enabled,
    manual_seed,
    no_grad,
)
from tinytorch.core.dataloader import PrefetchLoader
from tinytorch.core.layers import Parameter, default_rng
from tinytorch.core.training import (
    checkpoint,
    count_right,
    groups,
    load_checkpoint,
    norm_of,
    recording,
    save_checkpoint,
)

enable_autograd()


def parameter(values, dtype=np.float64):
    return Tensor(np.array(values, dtype=dtype), True, dtype=dtype)


# The schedule


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 50), st.integers(0, 60))
def test_the_schedule_is_half_a_cosine(a, b, total, epoch):
    low, high = min(a, b), max(a, b)
    expected = low + (high - low) * (1 + math.cos(math.pi * min(epoch, total) / total)) / 2
    assert CosineSchedule(high, low, total).get_lr(epoch) == pytest.approx(expected, abs=1e-12)


def test_the_ends_of_the_schedule_are_exact():
    schedule = CosineSchedule(max_lr=0.3, min_lr=0.1, total_epochs=7)
    assert schedule.get_lr(0) == 0.3
    assert [schedule.get_lr(epoch) for epoch in (7, 8, 1000)] == [0.1, 0.1, 0.1]
    assert schedule.get_lr(3.5) == pytest.approx(0.2, abs=1e-15)
    assert schedule.get_lr(7 / 3) == pytest.approx(0.25, abs=1e-15)  # a straight line would be at 0.2333
    assert CosineSchedule(0.2, 0.2, 1).get_lr(0.3) == pytest.approx(0.2)
    assert type(CosineSchedule(1, 0, 2).get_lr(0)) is float


# Clipping


def with_grads(*grads):
    params = [parameter(np.zeros_like(grad)) for grad in map(np.asarray, grads)]
    for param, grad in zip(params, grads, strict=True):
        param.grad = np.array(grad, dtype=np.float64)
    return params


def test_gradients_are_shortened_together():
    params = with_grads([3.0, 0.0], [[4.0]])
    arrays = [param.grad for param in params]
    assert clip_grad_norm(params, 2.5) == 5.0
    np.testing.assert_allclose(params[0].grad, [1.5, 0], rtol=1e-6)
    np.testing.assert_allclose(params[1].grad, [[2.0]], rtol=1e-6)
    assert params[0].grad[0] == 3.0 * (2.5 / (5.0 + 1e-6)) and params[0].grad is arrays[0]


@pytest.mark.parametrize("limit", [5.0 + 1e-5, 6, 1e9, math.inf])
def test_short_gradients_stay_bit_for_bit(limit):
    params = with_grads([3.0, 4.0])
    assert clip_grad_norm(params, limit) == 5.0
    assert params[0].grad.tolist() == [3.0, 4.0]


def test_a_gradient_of_just_the_limit_is_shortened_by_a_millionth_as_in_pytorch():
    params = with_grads([1.0])
    clip_grad_norm(params, 1.0)
    assert params[0].grad.item() == 1 / (1 + 1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4), min_size=1, max_size=3), st.floats(0.01, 100))
def test_after_clipping_the_norm_is_at_most_the_limit_and_the_direction_the_same(grads, limit):
    params = with_grads(*grads)
    before = np.concatenate([param.grad for param in params])
    norm = clip_grad_norm(params, limit)
    after = np.concatenate([param.grad for param in params])
    assert norm == pytest.approx(np.linalg.norm(before), rel=1e-9)
    assert np.linalg.norm(after) <= limit * (1 + 1e-9)
    np.testing.assert_allclose(after, before * min(1, limit / (norm + 1e-6)), rtol=1e-9)


def test_parameters_without_gradients_and_one_alone():
    params = [*with_grads([3.0, 4.0]), parameter([1.0])]
    assert clip_grad_norm(params, 1.0) == 5.0 and params[1].grad is None
    assert clip_grad_norm(with_grads([3.0, 4.0])[0], 1.0) == 5.0
    assert clip_grad_norm(iter(with_grads([3.0], [4.0])), 1.0) == 5.0
    assert clip_grad_norm([parameter([1.0])], 1.0) == 0.0


def test_squares_too_large_for_float32_are_summed_in_float64():
    params = [parameter(np.zeros(2), np.float32)]
    params[0].grad = np.array([3e30, 4e30], dtype=np.float32)
    assert clip_grad_norm(params, 1.0) == pytest.approx(5e30, rel=1e-6)
    np.testing.assert_allclose(params[0].grad, [0.6, 0.8], rtol=1e-5)
    assert norm_of([np.array([3e30], dtype=np.float32), np.array([4e30], dtype=np.float32)]) == pytest.approx(
        5e30, rel=1e-6
    )


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_norm_that_is_not_finite_is_returned(value):
    params = with_grads([1.0, value])
    norm = clip_grad_norm(params, 1.0)
    assert np.isnan(norm) if np.isnan(value) else norm == np.inf
    assert np.isnan(params[0].grad[1]) and (np.isnan(params[0].grad[0]) or params[0].grad[0] == 0)


# The loop


def toy(seed=0, dropout=0.0, own=None):
    return Sequential(Linear(3, 8, rng=seed), ReLU(), Dropout(dropout, rng=own), Linear(8, 4, rng=seed + 1))


def samples(count=22, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 3)).astype(np.float32)
    return TensorDataset(Tensor(x), (x[:, 0] > 0) * 2 + (x[:, 1] > 0))


def weights(model):
    return [param.data.copy() for param in model.parameters()]


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


class Noting(SGD):
    """SGD that stays where it is and notes the gradients."""

    def step(self):
        self.noted = [*getattr(self, "noted", []), [param.grad.copy() for param in self.params]]


@pytest.mark.parametrize(
    "size, steps, groups", [(4, 3, [12, 10]), (5, 2, [10, 10, 2]), (22, 1, [22]), (3, 100, [22]), (8, 2, [16, 6])]
)
def test_accumulated_gradients_are_those_of_the_large_batch(size, steps, groups):
    model, data = toy(), samples()
    optimizer = Noting(model.parameters(), lr=0.1)
    loss = Trainer(model, optimizer, CrossEntropyLoss()).train_epoch(DataLoader(data, size), accumulation_steps=steps)
    assert len(optimizer.noted) == len(groups)
    start = 0
    for count, noted in zip(groups, optimizer.noted, strict=True):
        x, y = data[start : start + count]
        start += count
        optimizer.zero_grad()
        CrossEntropyLoss()(model(x), y).backward()
        for grad, param in zip(noted, model.parameters(), strict=True):
            np.testing.assert_allclose(grad, param.grad, rtol=2e-5, atol=1e-7)
    assert loss == pytest.approx(CrossEntropyLoss()(model(data[:][0]), data[:][1]).item(), rel=1e-5)


def test_one_batch_a_step_is_the_plain_loop_bit_for_bit():
    one, two = toy(), toy()
    trainer = Trainer(one, SGD(one.parameters(), 0.1, 0.9), CrossEntropyLoss())
    optimizer = SGD(two.parameters(), 0.1, 0.9)
    losses = []
    for x, y in DataLoader(samples(), 5, shuffle=True, seed=1):
        loss = CrossEntropyLoss()(two(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item() * len(x) / 22)
    assert trainer.train_epoch(DataLoader(samples(), 5, shuffle=True, seed=1)) == pytest.approx(sum(losses), rel=1e-12)
    assert equal(weights(one), weights(two))


def test_the_mean_loss_counts_every_target_value_once():
    model = Linear(1, 1, rng=0)
    data = [(Tensor([[1.0]]), Tensor([[2.0]])), (Tensor([[0.0], [3.0], [4.0]]), Tensor([[1.0], [0.0], [5.0]]))]
    trainer = Trainer(model, SGD(model.parameters(), 0.0), MSELoss())
    errors = np.concatenate([(model(x).data - y.data).ravel() for x, y in data])
    assert trainer.train_epoch(data) == pytest.approx(np.mean(errors**2), rel=1e-6)
    assert trainer.train_epoch(data, accumulation_steps=2) == pytest.approx(np.mean(errors**2), rel=1e-6)
    assert trainer.evaluate(data) == (pytest.approx(np.mean(errors**2), rel=1e-6), None)


def test_clipping_happens_before_the_step():
    model = toy()
    optimizer = Noting(model.parameters(), 0.1)
    Trainer(model, optimizer, CrossEntropyLoss(), grad_clip_norm=0.01).train_epoch(DataLoader(samples(), 22))
    assert norm_of(optimizer.noted[0]) == pytest.approx(0.01, rel=1e-3)
    Trainer(model, optimizer, CrossEntropyLoss()).train_epoch(DataLoader(samples(), 22))
    assert norm_of(optimizer.noted[1]) > 0.02


def test_the_schedule_sets_the_rate_of_each_epoch():
    model = toy()
    optimizer = SGD(model.parameters(), lr=9.0)
    trainer = Trainer(model, optimizer, CrossEntropyLoss(), CosineSchedule(0.2, 0.0, 2))
    history = trainer.fit(DataLoader(samples(), 8), epochs=3)
    assert history is trainer.history and history["lr"] == [0.2, pytest.approx(0.1), 0.0] and trainer.epoch == 3
    assert len(history["train_loss"]) == 3 and history["eval_loss"] == history["eval_accuracy"] == []
    assert Trainer(model, SGD(model.parameters(), 0.5), CrossEntropyLoss()).fit(DataLoader(samples(), 8), 1)["lr"] == [
        0.5
    ]


def test_fit_trains_up_to_an_epoch_and_evaluates_after_each():
    model = toy()
    trainer = Trainer(model, Adam(model.parameters(), 0.02), CrossEntropyLoss())
    loader = DataLoader(samples(), 8, shuffle=True, seed=0)
    trainer.fit(loader, 2, eval_loader=loader)
    trainer.fit(loader, 40, eval_loader=DataLoader(samples(), 22), accumulation_steps=2)
    assert trainer.epoch == 40 and {len(values) for values in trainer.history.values()} == {40}
    assert trainer.history["eval_accuracy"][-1] > 0.9 > trainer.history["eval_accuracy"][0]
    assert trainer.history["eval_loss"][-1] == trainer.evaluate(DataLoader(samples(), 22))[0]
    assert trainer.fit(loader, 40) is trainer.history and trainer.epoch == 40
    assert trainer.fit(loader, 3)["train_loss"][39:] == trainer.history["train_loss"][39:]


def test_evaluation_measures_without_changing_anything():
    model = toy(dropout=0.5)
    model.steps[0].eval()
    seen = []

    class Watching(CrossEntropyLoss):
        def forward(self, predictions, targets):
            seen.append(
                (
                    is_grad_enabled(),
                    predictions.requires_grad,
                    [layer.training for layer in [model, *model.sublayers()]],
                )
            )
            return super().forward(predictions, targets)

    trainer = Trainer(model, SGD(model.parameters(), 0.1), Watching())
    before = weights(model)
    first, second = (trainer.evaluate(DataLoader(samples(), 5)) for _ in range(2))
    assert first == second and equal(before, weights(model))
    assert set(map(str, seen)) == {str((False, False, [False] * 4))}
    assert [layer.training for layer in [model, *model.sublayers()]] == [True, False, True, True] and is_grad_enabled()
    model.eval()
    x, y = samples()[:]
    assert first[0] == pytest.approx(CrossEntropyLoss()(model(x), y).item(), rel=1e-6)
    assert first[1] == np.mean(model(x).data.argmax(1) == y.data)


def test_after_an_error_in_evaluation_the_layers_are_as_they_were():
    model = toy()
    trainer = Trainer(model, SGD(model.parameters(), 0.1), CrossEntropyLoss())
    with pytest.raises(ValueError):
        trainer.evaluate([(Tensor(np.ones((2, 9))), np.array([0, 1]))])
    assert model.training and model.steps[2].training and is_grad_enabled()


def test_training_switches_the_model_to_training():
    model = toy().eval()
    Trainer(model, SGD(model.parameters(), 0.1), CrossEntropyLoss()).train_epoch(DataLoader(samples(), 5))
    assert all(layer.training for layer in [model, *model.sublayers()])


@pytest.mark.parametrize(
    "loss, predictions, targets, right",
    [
        (CrossEntropyLoss(), [[0, 2, 1], [5, 1, 1]], np.array([1, 1]), 1),
        (CrossEntropyLoss(), [[[0, 2], [3, 1]], [[1, 0], [0, 1]]], np.array([[1, 0], [1, 1]]), 3),
        (BinaryCrossEntropyLoss(), [[0.6], [0.4], [0.5], [0.9]], np.array([[1.0], [0.0], [1.0], [0.0]]), 2),
        (BCEWithLogitsLoss(), [[0.4], [-0.1], [0.0], [0.1]], np.array([[1.0], [0.0], [1.0], [0.0]]), 2),
        (BCEWithLogitsLoss(), [0.3, -0.3], np.array([1, 0]), 2),
        (MSELoss(), [[1.0], [2.0]], np.array([[1.0], [2.0]]), None),
        (MSELoss(), [[1.0], [2.0]], np.array([1.0, 2.0]), None),
        (CrossEntropyLoss(), [[1.0], [2.0]], np.array([[1], [2]]), None),
    ],
)
def test_what_counts_as_right(loss, predictions, targets, right):
    assert count_right(loss, Tensor(predictions), targets) == right
    assert count_right(loss, Tensor(predictions), Tensor(targets)) == right


def test_accuracy_of_a_loader_is_over_all_its_targets():
    class Same(Layer):
        def __init__(self):
            self.scale = Parameter([1.0])

        def forward(self, x):
            return x * self.scale

    model = Same()
    trainer = Trainer(model, SGD(model.parameters(), 0.1), CrossEntropyLoss())
    good, bad = (Tensor([[5.0, 0.0]]), np.array([0])), (Tensor([[5.0, 0.0]] * 3), np.array([1, 1, 0]))
    assert trainer.evaluate([good, bad])[1] == 0.5
    assert trainer.evaluate([good])[1] == 1.0
    mixed = Trainer(model, SGD(model.parameters(), 0.1), lambda predictions, targets: predictions.mean())
    assert mixed.evaluate([(Tensor([[1.0]]), np.array([1.0])), good])[1] is None
    assert mixed.evaluate([good, (Tensor([[1.0]]), np.array([1.0]))])[1] is None


def test_groups_hold_what_is_left():
    assert [list(groups(range(count), 2)) for count in (0, 1, 4)] == [[], [[0]], [[0, 1], [2, 3]]]
    assert list(groups("ab", 1)) == [["a"], ["b"]]


# Files


STATE = {
    "whole": 3,
    "number": 0.1,
    "none": None,
    "truth": True,
    "text": "ü",
    "large": 2**100,
    "nan": math.nan,
    "arrays": [np.arange(3, dtype=np.int64), {"deep": np.zeros((2, 0)), "x": np.array(1.5, dtype=np.float32)}],
    "pair": (1, 2),
    "header": np.ones(1),
    "file": np.ones(2),
    "empty": {},
    "list": [],
}


def test_a_state_comes_back_as_it_was(tmp_path):
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, STATE)
    assert os.listdir(tmp_path) == ["run.ckpt"]
    found = load_checkpoint(str(path))
    assert list(found) == list(STATE) and found["pair"] == [1, 2] and math.isnan(found["nan"])
    for name in ("whole", "number", "none", "truth", "text", "large", "empty", "list"):
        assert found[name] == STATE[name] and type(found[name]) is type(STATE[name])
    assert found["arrays"][0].dtype == np.int64 and found["arrays"][0].tolist() == [0, 1, 2]
    deep = found["arrays"][1]
    assert deep["deep"].shape == (2, 0) and deep["x"].shape == () and deep["x"].dtype == np.float32 and deep["x"] == 1.5
    assert found["header"].tolist() == [1] and found["file"].tolist() == [1, 1]
    with np.load(path, allow_pickle=False) as stored:  # plain NumPy can read it
        header = json.loads(stored["header"].item())
        assert (header["format"], header["version"]) == ("tinytorch checkpoint", 1)
        assert stored["state/arrays/0"].tolist() == [0, 1, 2]


def test_a_crash_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "run"
    save_checkpoint(path, {"step": 1})
    seen = []

    def crash(*args):
        seen.append(sorted(os.listdir(tmp_path)))
        raise OSError("the disk is full")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, crash)
            with pytest.raises(OSError, match="the disk is full"):
                save_checkpoint(path, {"step": 2, "array": np.ones(10)})
        assert os.listdir(tmp_path) == ["run"] and load_checkpoint(path) == {"step": 1}
    assert all(len(files) == 2 for files in seen) and len(seen) == 2  # written beside it first
    with pytest.raises(TypeError):
        save_checkpoint(path, {"odd": object()})
    assert os.listdir(tmp_path) == ["run"] and load_checkpoint(path) == {"step": 1}


def test_the_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    calls, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: calls.append(("fsync", os.fstat(number).st_size)) or fsync(number))
    monkeypatch.setattr(
        os, "replace", lambda old, new: calls.append(("replace", os.path.getsize(old))) or replace(old, new)
    )
    save_checkpoint(tmp_path / "run", {"array": np.ones(100)})
    assert [name for name, size in calls] == ["fsync", "replace"] and calls[0][1] == calls[1][1] > 800


def foreign(path, **content):
    np.savez(path.open("wb"), **content)


def header(**change):
    return np.array(json.dumps({"format": "tinytorch checkpoint", "version": 1, "state": {}} | change))


@pytest.mark.parametrize(
    "write, words",
    [
        (lambda path: path.write_bytes(b""), "this is no checkpoint, or it was cut off or damaged"),
        (lambda path: path.write_text("hello"), "this is no checkpoint, or it was cut off or damaged"),
        (lambda path: np.save(path.open("wb"), np.ones(3)), "this is no checkpoint, or it was cut off or damaged"),
        (
            lambda path: foreign(path, weight=np.ones(3)),
            "this is no checkpoint, or it was cut off or damaged (KeyError: 'header')",
        ),
        (lambda path: foreign(path, header=np.array("{")), "this is no checkpoint, or it was cut off or damaged"),
        (lambda path: foreign(path, header=np.array("[]")), "this is no checkpoint, or it was cut off or damaged"),
        (lambda path: foreign(path, header=np.array([{}])), "this is no checkpoint, or it was cut off or damaged"),
        (
            lambda path: foreign(path, header=header(), odd=np.array([object()])),
            "this is no checkpoint, or it was cut off or damaged",
        ),
        (
            lambda path: foreign(path, header=header(version=2)),
            "the file is a tinytorch checkpoint, version 2; this library reads a tinytorch checkpoint, version 1",
        ),
        (
            lambda path: foreign(path, header=header(format="other")),
            "the file is a other, version 1; this library reads a tinytorch checkpoint, version 1",
        ),
        (
            lambda path: foreign(path, header=header(state={"w": {"array": "state/w"}})),
            "the file is damaged: 'state/w' is missing",
        ),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, write, words):
    path = tmp_path / "run"
    write(path)
    with pytest.raises(ValueError) as caught:
        load_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: {words}")


@pytest.mark.parametrize(
    "state, words",
    [
        ({"a": {1: 2.0}}, "save_checkpoint: state/a is of type dict"),
        ({"a": [np.array([None])]}, "save_checkpoint: state/a/0 is of type ndarray"),
        ({"a": Tensor([1.0])}, "save_checkpoint: state/a is of type Tensor; a file holds dicts with text as keys"),
    ],
)
def test_what_a_file_cannot_give_back_is_not_written(tmp_path, state, words):
    with pytest.raises(TypeError) as caught:
        save_checkpoint(tmp_path / "run", state)
    assert str(caught.value).startswith(words) and os.listdir(tmp_path) == []


def test_arrays_under_any_names_come_back(tmp_path):
    state = {
        "a/b": np.ones(1),
        "a": {"b": np.zeros(1), "b'": np.ones(2)},
        "": {"array": np.ones(3)},
        "file": np.ones(4),
    }
    save_checkpoint(tmp_path / "run", state)
    assert str(load_checkpoint(tmp_path / "run")) == str(state)


def test_no_file_is_no_damaged_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none")


def test_a_file_that_was_cut_off_anywhere_or_changed_anywhere_is_refused_or_unharmed(tmp_path):
    path = tmp_path / "run"
    save_checkpoint(path, {"w": np.arange(5.0), "lr": 0.5})
    whole = path.read_bytes()
    for length in range(0, len(whole), 29):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError):
            load_checkpoint(path)
    for place in range(0, len(whole), 11):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            found = load_checkpoint(path)
        except ValueError:
            continue
        assert found["w"].tolist() == [0, 1, 2, 3, 4] and found["lr"] == 0.5  # the byte was a date or an attribute


# Taking up a run


def run(seed=0, kind=AdamW, own=None, make=DataLoader, total=6):
    model = toy(seed, dropout=0.3, own=own)
    options = {"momentum": 0.9} if kind is SGD else {}
    trainer = Trainer(
        model, kind(model.parameters(), lr=0.05, **options), CrossEntropyLoss(), CosineSchedule(0.05, 0.001, total), 1.0
    )
    return trainer, make(samples(), 5, shuffle=True, seed=seed + 3)


def ahead(*args, **options):
    return PrefetchLoader(DataLoader(*args, **options), mode="none")


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
@pytest.mark.parametrize("own, make", [(None, DataLoader), (8, DataLoader), (None, ahead)])
def test_a_run_goes_on_bit_for_bit(tmp_path, kind, own, make):
    path = tmp_path / "run.npz"
    manual_seed(1)
    whole, loader = run(kind=kind, own=own, make=make)
    whole.fit(loader, 6, loader)
    drawn = default_rng().random()
    manual_seed(1)
    first, loader = run(kind=kind, own=own, make=make)
    first.fit(loader, 2, loader)
    first.save_checkpoint(path, loader)
    manual_seed(77)
    second, loader = run(seed=50, kind=kind, own=own and own + 1, make=make, total=99)
    second.load_checkpoint(path, loader)
    assert second.epoch == 2 and equal(weights(first.model), weights(second.model))
    second.fit(loader, 6, loader)
    assert default_rng().random() == drawn
    assert second.history == whole.history and len(whole.history["lr"]) == 6
    assert equal(weights(whole.model), weights(second.model))
    a, b = whole.optimizer.state_dict(), second.optimizer.state_dict()
    assert (
        all(equal(a[name], b[name]) for name in whole.optimizer.buffer_names) and a["steps"] == b["steps"] == [30] * 4
    )


def test_the_checkpoint_of_a_trainer_is_a_snapshot(tmp_path):
    trainer, loader = run()
    state = trainer.state_dict(loader)
    trainer.fit(loader, 1)
    assert state["epoch"] == 0 and state["history"]["lr"] == [] and state["loader"]["epoch"] == 0
    assert list(state) == ["epoch", "history", "model", "optimizer", "scheduler", "loader", "generators"]
    assert list(state["generators"]) == ["shared"] and list(run(own=3)[0].state_dict()["generators"]) == [
        "shared",
        "steps.2.rng",
    ]


def test_a_trainer_without_schedule_and_loader_resumes_too(tmp_path):
    def plain(seed):
        model = toy(seed)
        return Trainer(model, SGD(model.parameters(), 0.1), CrossEntropyLoss())

    class Halving:
        def get_lr(self, epoch):
            return 0.5**epoch

    one, two = plain(0), plain(9)
    one.fit(DataLoader(samples(), 5), 1)
    one.save_checkpoint(tmp_path / "run", DataLoader(samples(), 5))
    two.load_checkpoint(tmp_path / "run")
    assert equal(weights(one.model), weights(two.model)) and two.epoch == 1
    one.scheduler = two.scheduler = Halving()
    one.save_checkpoint(tmp_path / "run")
    two.load_checkpoint(tmp_path / "run")
    two.train_epoch(DataLoader(samples(), 5))
    assert two.optimizer.lr == 0.5


def test_a_run_can_be_saved_before_its_first_epoch(tmp_path):
    one, two = run()[0], run(seed=9)[0]
    one.save_checkpoint(tmp_path / "run")
    two.load_checkpoint(tmp_path / "run")
    assert two.epoch == 0 and equal(weights(one.model), weights(two.model))


def other_model(trainer, loader):
    model = Sequential(Linear(3, 7), ReLU(), Dropout(0.3), Linear(7, 4))
    return Trainer(model, AdamW(model.parameters(), 0.05), CrossEntropyLoss(), trainer.scheduler), loader


def fewer_layers(trainer, loader):
    model = Sequential(Linear(3, 4))
    return Trainer(model, AdamW(model.parameters(), 0.05), CrossEntropyLoss(), trainer.scheduler), loader


def other_optimizer(trainer, loader):
    return Trainer(trainer.model, SGD(trainer.model.parameters(), 0.1), CrossEntropyLoss(), trainer.scheduler), loader


def fewer_parameters(trainer, loader):
    return Trainer(trainer.model, AdamW(trainer.model.parameters()[:2]), CrossEntropyLoss(), trainer.scheduler), loader


def no_scheduler(trainer, loader):
    return Trainer(trainer.model, trainer.optimizer, CrossEntropyLoss()), loader


def other_loader(trainer, loader):
    return trainer, DataLoader(samples(), 6, shuffle=True, seed=1)


def own_generator(trainer, loader):
    trainer.model.steps[2].rng = np.random.default_rng(0)
    return trainer, loader


def float64(trainer, loader):
    trainer.model.steps[0].bias.data = trainer.model.steps[0].bias.data.astype(np.float64)
    return trainer, loader


@pytest.mark.parametrize(
    "change, words",
    [
        (other_model, "load_state_dict: steps.0.weight has shape (3, 8) and the model needs (3, 7)"),
        (fewer_layers, "load_state_dict: missing: none; unknown: steps.3.weight, steps.3.bias"),
        (float64, "load_state_dict: steps.0.bias holds float32 and the model float64"),
        (other_optimizer, "load_state_dict: the state is of AdamW, and this is SGD"),
        (fewer_parameters, "load_state_dict: the state is for 4 parameters; this AdamW has 2"),
        (no_scheduler, "the file has a scheduler and this trainer has none; make the trainer as it was"),
        (other_loader, "load_state_dict: batch_size is 5 in the state and 6 in this loader"),
        (own_generator, "the file has generators shared and the model shared, steps.2.rng"),
    ],
)
def test_a_checkpoint_of_something_else_changes_nothing(tmp_path, change, words):
    trainer, loader = run()
    trainer.fit(loader, 1)
    trainer.save_checkpoint(tmp_path / "run", loader)
    other, loader = change(*run(seed=7))
    before = json.dumps(other.state_dict(loader), default=lambda array: array.tolist())
    with pytest.raises(ValueError) as caught:
        other.load_checkpoint(tmp_path / "run", loader)
    assert f"{tmp_path / 'run'}: {words}" in str(caught.value)
    assert json.dumps(other.state_dict(loader), default=lambda array: array.tolist()) == before


@pytest.mark.parametrize(
    "edit, words",
    [
        (lambda state: state.pop("epoch"), "'epoch' is missing"),
        (lambda state: state.pop("generators"), "'generators' is missing"),
        (lambda state: state.update(epoch=-1), "the file: epoch is -1; it must be at least 0"),
        (lambda state: state.update(epoch=1.5), "the file: epoch is 1.5; it must be an integer"),
        (lambda state: state["history"].update(lr=None), "history holds something else than lists of numbers"),
        (lambda state: state["optimizer"].update(lr=None), "load_state_dict: lr is None in the state"),
        (lambda state: state["loader"].update(batch=1.5), "load_state_dict: batch is 1.5; it must be an integer"),
        (
            lambda state: state["history"].pop("lr"),
            "history has train_loss, eval_loss, eval_accuracy; needed are train_loss, lr, eval_loss, eval_accuracy",
        ),
        (lambda state: state["scheduler"].update(total_epochs=0), "CosineSchedule: total_epochs is 0"),
        (lambda state: state["scheduler"].update(period=0), "period"),
        (
            lambda state: state["generators"]["shared"].update(bit_generator="Philox"),
            "the state of generator shared does not fit",
        ),
        (
            lambda state: state["generators"]["shared"].update(state=np.ones(2)),
            "the state of generator shared does not fit",
        ),
        (
            lambda state: state["generators"]["shared"].pop("state"),
            "the state of generator shared does not fit: 'state'",
        ),
        (
            lambda state: state.update(loader=None),
            "this trainer has a loader and the file has none; make the trainer as it was",
        ),
        (lambda state: state.update(scheduler=None), "this trainer has a scheduler and the file has none"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(tmp_path, edit, words):
    trainer, loader = run()
    trainer.fit(loader, 1)
    state = trainer.state_dict(loader)
    edit(state)
    save_checkpoint(tmp_path / "run", state)
    other, loader = run(seed=7)
    before = json.dumps(other.state_dict(loader), default=lambda array: array.tolist())
    with pytest.raises(ValueError) as caught:
        other.load_checkpoint(tmp_path / "run", loader)
    assert words in str(caught.value) and str(tmp_path / "run") in str(caught.value)
    assert json.dumps(other.state_dict(loader), default=lambda array: array.tolist()) == before


def test_the_schedule_comes_from_the_file(tmp_path):
    schedule = CosineSchedule(0.5, 0.1, 9)
    other = CosineSchedule(1, 0, 1)
    other.load_state_dict(schedule.state_dict())
    assert other.state_dict() == {"max_lr": 0.5, "min_lr": 0.1, "total_epochs": 9} == schedule.state_dict()


# Checkpoints inside a step


class Block(Layer):
    """x plus something of it, with a large inside."""

    def __init__(self, seed, dropout=0.0, own=None):
        self.up, self.down = Linear(4, 32, rng=seed), Linear(32, 4, rng=seed + 1)
        self.drop = Dropout(dropout, rng=own)

    def forward(self, x):
        return x + self.down(self.drop((self.up(x) * 0.5) * self.up(x)))


def graph_bytes(*results):
    """Bytes of all arrays that the graph behind the results keeps alive, the results and parameters not counted."""
    held, nodes, waiting = {}, set(), [result._grad_fn for result in results]
    while waiting:
        node = waiting.pop()
        if node is None or node in nodes:
            continue
        nodes.add(node)
        for value in [*node.args, *vars(node).values()]:
            array = value.data if isinstance(value, Tensor) else value
            if isinstance(array, np.ndarray) and not isinstance(value, Parameter):
                base = array if array.base is None else array.base
                held[id(base)] = base.nbytes
            if isinstance(value, Tensor):
                waiting.append(value._grad_fn)
    return sum(held.values())


def gradients(blocks, x, wrap):
    for param in [param for block in blocks for param in block.parameters()]:
        param.zero_grad()
    x = Tensor(x, True, dtype=x.dtype)
    manual_seed(5)
    out = x
    for block in blocks:
        out = wrap(block, out)
    held = graph_bytes(out)
    (out * out).sum().backward()
    draw = default_rng().random()
    return out.data, [x.grad, *[param.grad for block in blocks for param in block.parameters()]], held, draw


@pytest.mark.parametrize("own", [None, 3])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_checkpoint_gives_the_same_result_gradients_and_draws(own, dropout):
    x = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    plain = gradients([Block(seed, dropout, own) for seed in range(3)], x, lambda block, out: block(out))
    saved = gradients([Block(seed, dropout, own) for seed in range(3)], x, checkpoint)
    assert np.array_equal(plain[0], saved[0]) and plain[3] == saved[3]
    for a, b in zip(plain[1], saved[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_between_forward_and_backward_a_checkpoint_keeps_the_inputs_and_nothing_from_inside():
    x = np.ones((50, 4), dtype=np.float32)
    blocks = [Block(seed) for seed in range(6)]
    plain, saved = (gradients(blocks, x, wrap)[2] for wrap in (lambda block, out: block(out), checkpoint))
    inputs, anchors = 7 * x.nbytes, 6 * 4
    assert saved == inputs + anchors
    assert plain > 6 * 4 * 50 * 32 * 4 and plain > 20 * saved


def test_backward_holds_the_inside_of_one_block_at_a_time():
    x, blocks, held = Tensor(np.ones((50, 4), dtype=np.float32), True), [Block(seed) for seed in range(6)], []

    def watched(block):
        def forward(inputs):
            out = block(inputs)
            held.append(graph_bytes(out) if out._grad_fn is not None else 0)
            return out

        return forward

    out = x
    for block in blocks:
        out = checkpoint(watched(block), out)
    assert held == [0] * 6  # forward records nothing inside
    out.sum().backward()
    one = graph_bytes(blocks[0](x))
    assert held[6:] == [one] * 6


def test_parameters_learn_though_the_input_requires_no_gradient():
    layer, x = Linear(3, 2, rng=0), Tensor(np.ones((4, 3)))
    checkpoint(layer, x).sum().backward()
    assert layer.weight.grad.tolist() == [[4.0, 4.0]] * 3 and layer.bias.grad.tolist() == [4.0, 4.0] and x.grad is None


def test_inputs_of_every_kind():
    a, b, c = parameter([1.0, 2.0]), parameter([3.0, 4.0]), parameter([5.0])
    labels = Tensor(np.array([1, 0]))
    out = checkpoint(lambda a, labels, power, b, c: (a**power)[labels] * b, a, labels, 3, b, c)
    assert out.data.tolist() == [24.0, 4.0] and out.requires_grad
    out.sum().backward()
    assert a.grad.tolist() == [12.0, 36.0] and b.grad.tolist() == [8.0, 1.0] and c.grad.tolist() == [0.0]
    d = parameter([2.0])
    checkpoint(lambda x, y: x * y, d, d).sum().backward()
    assert d.grad.tolist() == [4.0]
    checkpoint(lambda x: x, d).sum().backward()
    assert d.grad.tolist() == [5.0]


def test_a_tensor_from_outside_that_is_only_reached_is_handled_too():
    a = parameter([2.0])
    outside = a * 3
    inside = checkpoint(lambda x: x * outside, a)
    inside.sum().backward()
    assert a.grad.tolist() == [12.0]  # x * 3 a at x = a: 6 a


def test_a_function_that_returns_a_parameter_leaves_it_a_parameter():
    w = parameter([2.0])
    out = checkpoint(lambda: w)
    out.sum().backward()
    assert w._grad_fn is None and w.grad.tolist() == [1.0] and out is not w


def test_checkpoints_inside_checkpoints_and_a_graph_walked_twice():
    blocks, x = [Block(0), Block(2)], Tensor(np.ones((2, 4)), True)
    out = checkpoint(lambda y: checkpoint(blocks[1], checkpoint(blocks[0], y)), x).sum()
    out.backward(retain_graph=True)
    once = x.grad.copy()
    out.backward()
    np.testing.assert_allclose(x.grad, 2 * once, rtol=1e-6)
    plain = Tensor(np.ones((2, 4)), True)
    blocks[1](blocks[0](plain)).sum().backward()
    np.testing.assert_allclose(once, plain.grad, rtol=1e-5)


def test_without_recording_it_is_the_function_itself():
    calls, x = [], parameter([1.0])
    with no_grad():
        out = checkpoint(lambda x: calls.append(1) or x * 2, x)
    assert not out.requires_grad and calls == [1]
    with recording(), no_grad(), recording():
        assert is_grad_enabled()
        assert checkpoint(lambda x: x * 2, x).requires_grad
    assert is_grad_enabled()
    y = checkpoint(lambda x: x * 2, x)
    with no_grad():
        y.sum()
        y.backward(np.ones(1))
        assert not is_grad_enabled()
    assert x.grad.tolist() == [2.0]


def test_before_gradients_are_switched_on_it_is_the_function_itself(monkeypatch):
    monkeypatch.delattr(Tensor, "requires_grad")
    assert checkpoint(lambda x: x + 1, 3) == 4


def test_nothing_inside_that_learns_gives_nothing():
    out = checkpoint(lambda x: x * 2, Tensor([1.0]))
    out.sum().backward()
    assert out.data.tolist() == [2.0]


class Counting(Layer):
    """A layer with buffers that every run in training changes, in place or by a new array."""

    buffers = ("seen", "total")

    def __init__(self):
        self.scale, self.seen, self.total = Parameter([2.0]), np.zeros(1), np.zeros(1)

    def forward(self, x):
        self.seen += 1
        self.total = self.total + 1
        return x * self.scale


COUNTING = Counting()


class Holder:
    """No layer, but it has one."""

    def __init__(self, layer):
        self.layer = layer

    def use(self, x):
        return self.layer(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda layer: layer,
        lambda layer: layer.forward,
        lambda layer: Sequential(layer),
        lambda layer: lambda x: layer(x),
        lambda layer: (lambda layers: lambda x: layers[0](x))([layer]),
        lambda layer: lambda x: COUNTING(x),
        lambda layer: functools.partial(lambda layer, x: layer(x), layer),
        lambda layer: functools.partial(layer),
        lambda layer: functools.partial(lambda x, layer: layer(x), layer=layer),
        lambda layer: (lambda inner: lambda x: inner(x))(lambda x: layer(x)),
        lambda layer: Sequential(lambda x: layer(x)),
        lambda layer: (lambda layers: lambda x: layers["a"][0](x))({"a": [layer]}),
        lambda layer: lambda x, own=layer: own(x),
        lambda layer: Holder(layer).use,
    ],
)
def test_buffers_are_updated_once(make):
    COUNTING.seen[...] = COUNTING.total[...] = 0
    COUNTING.scale.zero_grad()
    checkpoint(make(COUNTING), Tensor([3.0])).sum().backward()
    assert COUNTING.seen.tolist() == COUNTING.total.tolist() == [1.0] and COUNTING.scale.grad.tolist() == [3.0]


def test_a_generator_that_a_function_was_closed_over_draws_again():
    rng, x, drawn = np.random.default_rng(0), parameter([1.0]), []
    out = checkpoint(lambda x: x * (drawn.append(rng.random()) or drawn[-1]), x)
    out.sum().backward()
    assert drawn[0] == drawn[1] == x.grad.item()
    assert rng.random() == np.random.default_rng(0).random(2)[1]  # it goes on after the first draw, not the second


def test_a_second_result_that_differs_is_told():
    x, counter = parameter([1.0]), iter(range(10))
    out = checkpoint(lambda x: x * float(next(counter)), x)
    with pytest.raises(RuntimeError, match="checkpoint: the function gave another result when it was run again"):
        out.sum().backward()
    assert x.grad is None
    nan = checkpoint(lambda x: x * math.nan, x)
    nan.sum().backward()  # NaN twice is no difference
    assert np.isnan(x.grad).all()


@pytest.mark.parametrize("wrong", [lambda x: 3, lambda x: (x, x), lambda x: None])
def test_a_function_must_return_one_tensor(wrong):
    with pytest.raises(
        TypeError, match=r"checkpoint: the function returned a (int|tuple|NoneType); it must return one Tensor"
    ):
        checkpoint(wrong, parameter([1.0]))


# Mistakes


def trainer(**change):
    model = Linear(3, 2)
    return Trainer(**{"model": model, "optimizer": SGD(model.parameters(), 0.1), "loss_fn": MSELoss(), **change})


PAIR = (Tensor(np.ones((2, 3))), Tensor(np.ones((2, 2))))
MISTAKES = {
    "rates exchanged": (
        lambda: CosineSchedule(0.1, 0.2, 5),
        ValueError,
        "CosineSchedule: min_lr is 0.2 and max_lr 0.1; the rate falls from max_lr to min_lr, so exchange them",
    ),
    "a negative rate": (
        lambda: CosineSchedule(0.1, -0.1, 5),
        ValueError,
        "CosineSchedule: min_lr is -0.1; it must be 0 or larger",
    ),
    "an infinite rate": (
        lambda: CosineSchedule(math.inf, 0.1, 5),
        ValueError,
        "CosineSchedule: max_lr is inf; it must be 0 or larger, and finite",
    ),
    "no epochs": (
        lambda: CosineSchedule(0.1, 0.0, 0),
        ValueError,
        "CosineSchedule: total_epochs is 0; it must be at least 1",
    ),
    "half an epoch": (
        lambda: CosineSchedule(0.1, 0.0, 1.5),
        TypeError,
        "CosineSchedule: total_epochs is 1.5; it must be an integer",
    ),
    "a negative epoch": (
        lambda: CosineSchedule(0.1, 0.0, 5).get_lr(-1),
        ValueError,
        "CosineSchedule: epoch is -1; it must be 0 or larger",
    ),
    "an epoch of text": (
        lambda: CosineSchedule(0.1, 0.0, 5).get_lr("1"),
        TypeError,
        "CosineSchedule: epoch is '1'; it must be a number",
    ),
    "a norm of 0": (lambda: clip_grad_norm([], 0), ValueError, "clip_grad_norm: max_norm is 0; it must be above 0"),
    "a negative norm": (
        lambda: clip_grad_norm([], -1.0),
        ValueError,
        "clip_grad_norm: max_norm is -1.0; it must be above 0",
    ),
    "a norm that is none": (
        lambda: clip_grad_norm([], math.nan),
        ValueError,
        "clip_grad_norm: max_norm is nan; it must be above 0",
    ),
    "a norm of text": (
        lambda: clip_grad_norm([], "1"),
        TypeError,
        "clip_grad_norm: max_norm is '1'; it must be a number above 0",
    ),
    "a norm of truth": (
        lambda: clip_grad_norm([], True),
        TypeError,
        "clip_grad_norm: max_norm is True; it must be a number above 0",
    ),
    "a function as a model": (
        lambda: trainer(model=abs),
        TypeError,
        "Trainer: model is of type builtin_function_or_method; it must be of class Layer",
    ),
    "a rate as an optimizer": (
        lambda: trainer(optimizer=0.1),
        TypeError,
        "Trainer: optimizer is of type float; it must be of class Optimizer",
    ),
    "a number as a loss": (
        lambda: trainer(loss_fn=0.1),
        TypeError,
        "Trainer: loss_fn is of type float, which cannot be called",
    ),
    "a function as a schedule": (
        lambda: trainer(scheduler=abs),
        TypeError,
        "Trainer: scheduler is of type builtin_function_or_method; it needs get_lr(epoch)",
    ),
    "clipping to 0": (
        lambda: trainer(grad_clip_norm=0),
        ValueError,
        "Trainer: grad_clip_norm is 0; it must be above 0, or None for no clipping",
    ),
    "clipping to less": (
        lambda: trainer(grad_clip_norm=-1),
        ValueError,
        "Trainer: grad_clip_norm is -1; it must be 0 or larger",
    ),
    "clipping to text": (
        lambda: trainer(grad_clip_norm="1"),
        TypeError,
        "Trainer: grad_clip_norm is '1'; it must be a number",
    ),
    "steps of nothing": (
        lambda: trainer().train_epoch([PAIR], 0),
        ValueError,
        "train_epoch: accumulation_steps is 0; it must be at least 1",
    ),
    "no batches": (
        lambda: trainer().train_epoch([]),
        ValueError,
        "train_epoch: the loader gave no batch; a generator is used up after one pass, so pass a DataLoader or a list",
    ),
    "no batches to evaluate": (lambda: trainer().evaluate(iter([])), ValueError, "evaluate: the loader gave no batch"),
    "batches of one field": (
        lambda: trainer().train_epoch([PAIR[:1]]),
        ValueError,
        "train_epoch: the loader gave 1 fields as a batch; it must give pairs (inputs, targets)",
    ),
    "batches of three fields": (
        lambda: trainer().evaluate([PAIR + PAIR[:1]]),
        ValueError,
        "evaluate: the loader gave 3 fields as a batch; it must give pairs (inputs, targets)",
    ),
    "batches that are tensors": (
        lambda: trainer().train_epoch([PAIR[0]]),
        ValueError,
        "train_epoch: the loader gave a Tensor as a batch; it must give pairs",
    ),
    "empty batches": (
        lambda: trainer().train_epoch([(PAIR[0], Tensor(np.ones((0, 2))))]),
        ValueError,
        "train_epoch: the loader gave a batch without targets, of shape (0, 2); leave empty batches out",
    ),
    "no epochs to fit": (lambda: trainer().fit([PAIR], 0), ValueError, "fit: epochs is 0; it must be at least 1"),
    "half an epoch to fit": (
        lambda: trainer().fit([PAIR], 0.5),
        TypeError,
        "fit: epochs is 0.5; it must be an integer",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_a_sentence(mistake):
    action, kind, sentence = MISTAKES[mistake]
    with pytest.raises(kind) as caught:
        action()
    assert sentence in str(caught.value)


def test_an_epoch_that_fails_is_not_counted():
    one = trainer()
    with pytest.raises(ValueError):
        one.train_epoch([PAIR, PAIR[:1]])
    assert one.epoch == 0 and one.history["train_loss"] == []


# A sample that would ruin the weights


class Normal(Sequential):
    """A model with buffers that every batch in training moves."""

    buffers = ("seen",)

    def __init__(self, *layers):
        super().__init__(*layers)
        self.seen = np.zeros(2)

    def forward(self, x):
        if self.training:
            self.seen += x.data.mean(axis=0)
        return super().forward(x)


def batches_with(bad, number=2, where="inputs"):
    rng = np.random.default_rng(0)
    made = [[rng.normal(size=(3, 2)), rng.normal(size=(3, 1))] for _ in range(4)]
    made[number][where == "targets"][1, 0] = bad
    return [(Tensor(x), Tensor(y)) for x, y in made]


def at_risk(**options):
    model = Normal(Linear(2, 4, rng=0), ReLU(), Linear(4, 1, rng=1))
    return Trainer(model, Adam(model.parameters(), lr=0.1), MSELoss(), **options)


@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["inputs", "targets"])
def test_a_sample_that_is_not_finite_stops_at_its_batch_and_the_model_is_as_before(where, bad, steps, clip):
    trainer, twin = at_risk(grad_clip_norm=clip), at_risk(grad_clip_norm=clip)
    data = batches_with(bad, where=where)
    message = rf"batch 2 of epoch 0 \(both counted from 0\): {where}\[1, 0\] is {bad}; the model is as it was"
    with pytest.raises(FloatingPointError, match=message):
        trainer.train_epoch(data, steps)
    if steps == 1:
        twin.train_epoch(data[:2])
    for name, array in trainer.model.state_dict().items():
        np.testing.assert_array_equal(array, twin.model.state_dict()[name])
    assert trainer.optimizer.steps == twin.optimizer.steps
    assert trainer.epoch == 0 and trainer.history["train_loss"] == []
    assert isinstance(trainer.loss_fn, MSELoss) and "gradients" not in vars(trainer.optimizer)
    twin.epoch, twin.history = 0, {name: [] for name in twin.history}
    good = batches_with(0.5)
    trainer.optimizer.load_state_dict(twin.optimizer.state_dict())
    assert trainer.train_epoch(good) == twin.train_epoch(good)


def test_a_gradient_that_is_not_finite_is_named_where_the_loss_is_finite():
    class Root(Layer):
        def __init__(self):
            self.weight = Parameter([[0.0]])

        def forward(self, x):
            return (x @ self.weight) ** 0.5

    model = Root()
    trainer = Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss())
    data = [(Tensor([[1.0]]), Tensor([[1.0]]))]
    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match=r"batch 0 of epoch 0 .*: the gradient of weight\[0, 0\] is -inf"),
    ):
        trainer.train_epoch(data)
    assert model.weight.data.tolist() == [[0.0]] and trainer.optimizer.steps == [0]


def test_weights_that_are_ruined_already_are_named():
    trainer = at_risk()
    trainer.model[0].weight.data[1, 2] = np.nan
    with pytest.raises(FloatingPointError, match=r"batch 0 .*: the weight steps.0.weight\[1, 2\] is nan"):
        trainer.train_epoch(batches_with(0.5))


def test_a_trainer_that_was_told_so_goes_on():
    trainer = at_risk(check_finite=False)
    assert np.isnan(trainer.train_epoch(batches_with(np.nan)))
    assert np.isnan(trainer.model[0].weight.data).all() and trainer.epoch == 1


def test_small_batches_add_up_to_the_large_one_where_labels_are_ignored():
    rng = np.random.default_rng(0)
    x, y = Tensor(rng.normal(size=(6, 2))), np.array([0, -100, -100, 1, 2, -100])
    losses, weights = [], []
    for size, steps in ((6, 1), (2, 3), (4, 2)):
        model = Linear(2, 3, rng=0)
        trainer = Trainer(model, SGD(model.parameters(), lr=0.5), CrossEntropyLoss())
        losses.append(trainer.train_epoch([(x[i : i + size], y[i : i + size]) for i in range(0, 6, size)], steps))
        weights.append(model.weight.data)
    np.testing.assert_allclose(losses, losses[0], rtol=1e-6)
    np.testing.assert_allclose(weights[1], weights[0], rtol=1e-5)
    np.testing.assert_allclose(weights[2], weights[0], rtol=1e-5)


def test_labels_in_floating_point_are_counted_as_classes():
    assert count_right(CrossEntropyLoss(), Tensor([[0.1, 0.9], [0.8, 0.2]]), np.array([1.0, 1.0])) == 1


def test_rates_have_a_second_name_also_after_a_checkpoint_in_a_new_folder(tmp_path):
    def made():
        model = Linear(2, 1, rng=0)
        return Trainer(model, SGD(model.parameters(), lr=0.25), MSELoss())

    trainer, other = made(), made()
    assert trainer.fit([(Tensor([[1, 2]]), Tensor([[1]]))], 2)["learning_rates"] == [0.25, 0.25]
    trainer.save_checkpoint(tmp_path / "new" / "folder" / "run")
    other.load_checkpoint(tmp_path / "new" / "folder" / "run")
    assert other.history["learning_rates"] == [0.25, 0.25] and list(other.history) == list(trainer.history)
    with pytest.raises(KeyError, match="loss"):
        trainer.history["loss"]
