"""The trained networks that chapters 14 to 20 begin with: the reader's own where it is good enough, else ours."""

import ast
import copy
import json
import os
from types import SimpleNamespace

import numpy as np
import pytest

import tinytorch
from tests.chapters.reading import ROOT
from tinytorch import Adam, CrossEntropyLoss, Tensor, Trainer, enable_autograd, models
from tinytorch.learn.catalog import catalog
from tinytorch.learn.keeping import shelf
from tinytorch.models import basis, gpt, mlp

BUILT = ROOT / "build" / "datasets"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A reader who has kept nothing yet, and a folder of data with what the build made."""
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "mine"))
    monkeypatch.setenv("TINYTORCH_DATA", str(BUILT))


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A library that is installed and no part of a clone, with an empty folder for data."""
    monkeypatch.setattr(tinytorch.datasets, "HERE", str(tmp_path / "installed" / "tinytorch" / "datasets"))
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "data"


def parts_of(program, *names):
    """The statements of a milestone's program that define these names, as one piece of Python."""
    tree = ast.parse(catalog().program(program).code)
    wanted = [
        node
        for node in tree.body
        if getattr(node, "name", None) in names
        or (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in names)
    ]
    return ast.unparse(ast.Module(body=wanted, type_ignores=[]))


@pytest.mark.parametrize(
    "name, program, model, names",
    [
        ("mlp", "m3.mnist", "network", ["network"]),
        ("cnn", "m4.cifar", "network", ["block", "network"]),
        ("gpt", "m5.talks", "model", ["model"]),
    ],
)
def test_ours_has_the_shape_of_the_milestone(name, program, model, names):
    space = {each: getattr(tinytorch, each) for each in tinytorch.__all__}
    space |= {"tokenizer": SimpleNamespace(vocab_size=gpt.WORDS + len(gpt.MARKS)), "WINDOW": gpt.WINDOW}
    exec(parts_of(program, *names), space)
    shapes = {key: array.shape for key, array in space[model].state_dict().items()}
    ours = models.untrained(name)
    assert {key: array.shape for key, array in ours.model.state_dict().items()} == shapes
    assert str(ours.milestone) == program[1] and ours.program == program[3:]
    assert all(run.startswith(ours.program) for run in ours.runs)


@pytest.mark.parametrize("name, count", [("mlp", 10_000), ("cnn", 2_500), ("gpt", 510)])
def test_what_the_build_trained_answers_as_it_says(name, count, capsys):
    found = models.trained(name)
    said = json.loads((BUILT / f"trained-{name}.json").read_text())
    assert not found.yours and not found.model.training
    assert f"{found.title}: ours. When it was trained, {said['accuracy']:.1%} of" in capsys.readouterr().out
    assert said["accuracy"] >= found.floor
    assert found.accuracy(count=count) == pytest.approx(
        said["accuracy"], abs=0.002 if count == said["tested"] else 0.03
    )
    assert found.tested == count


def test_the_transformer_writes_what_it_was_judged_by():
    talks = models.trained("gpt")
    right = talks.right(count=40)
    pairs = talks.some(False)[:40]
    assert [talks.answer(question) == answer for question, answer in pairs] == right.tolist()
    assert talks.tokenizer.vocab_size == 1702 and talks.end == 1701


def test_a_name_that_is_none_lists_those_there_are():
    with pytest.raises(ValueError, match="no trained network 'resnet'; there are mlp, cnn, gpt"):
        models.trained("resnet")


def test_where_there_is_none_the_ways_to_get_one_are_said(elsewhere):
    with pytest.raises(
        models.TrainedError,
        match=r"not here.*`tito milestone run 3 mnist`.*`make build`.*`python -m tinytorch.models mlp`",
    ):
        models.trained("mlp")


def made(folder, monkeypatch, floor=0.0):
    """Ours, as it is before training, written into a folder."""
    monkeypatch.setattr(mlp.Digits, "fit", lambda self: None)
    monkeypatch.setattr(mlp.Digits, "floor", floor)
    monkeypatch.setattr(mlp.Digits, "read", lambda self, train: digits(40))
    return models.make("mlp", str(folder), tell=lambda words: None)


def digits(count):
    rng = np.random.default_rng(3)
    return rng.random((count, 784), np.float32), rng.integers(0, 10, count)


def test_what_answers_too_little_right_is_not_written(elsewhere, monkeypatch):
    with pytest.raises(models.TrainedError, match=r"of 40 test digits are right, and at least 96% are needed"):
        made(elsewhere, monkeypatch, floor=0.96)
    assert not elsewhere.exists()


def test_a_file_gives_the_weights_that_went_in(elsewhere, monkeypatch):
    before = made(elsewhere, monkeypatch)
    after = models.trained("mlp")
    assert all(np.array_equal(a, b) for a, b in zip(weights(before.model), weights(after.model), strict=True))
    assert (
        json.loads((elsewhere / "trained-mlp.json").read_text())["bytes"]
        == (elsewhere / "trained-mlp.npz").stat().st_size
    )


def weights(model):
    return list(model.state_dict().values())


@pytest.mark.parametrize("damage", [lambda data: data[:2000], lambda data: b"", lambda data: b"<html>log in</html>"])
def test_a_damaged_file_is_told(elsewhere, monkeypatch, damage):
    made(elsewhere, monkeypatch)
    path = elsewhere / "trained-mlp.npz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(models.TrainedError, match=r"trained-mlp.npz cannot be used .*remove it and get it again"):
        models.trained("mlp")


def keep(network, run, shares):
    """What a milestone's program keeps of a network after so many passes."""
    enable_autograd()
    trainer = Trainer(network, Adam(network.parameters()), CrossEntropyLoss())
    trainer.history["eval_accuracy"] += shares
    shelf.keep(trainer, run)
    return network


def test_the_readers_own_is_taken(capsys):
    own = keep(mlp.Digits().network(), "mnist", [0.5, 0.97])
    own[0].weight.data[:] = 7  # after it was kept
    found = models.trained("mlp")
    assert found.yours and np.array_equal(found.model[0].weight.data, mlp.Digits().network()[0].weight.data)
    assert (
        capsys.readouterr().out
        == "The network of milestone 3: yours, as the run mnist left it, with 97.0%\nright of what it kept aside.\n"
    )


@pytest.mark.parametrize("shares", [[0.4], [0.96, 0.949]])
def test_the_readers_own_is_not_taken_before_it_is_good_enough(shares, capsys):
    keep(mlp.Digits().network(), "mnist", shares)
    found = models.trained("mlp")
    assert not found.yours
    assert f"Your run mnist has {shares[-1]:.1%} right so far; from 95% on yours is taken." in capsys.readouterr().out


def test_a_run_that_has_just_begun_is_not_taken(capsys):
    keep(mlp.Digits().network(), "mnist", [])
    assert not models.trained("mlp").yours
    assert "Your run mnist has not finished a pass yet." in capsys.readouterr().out


def test_a_network_of_another_shape_is_told_and_ours_taken(capsys):
    keep(tinytorch.Sequential(tinytorch.Linear(784, 16), tinytorch.ReLU(), tinytorch.Linear(16, 10)), "mnist", [0.97])
    found = models.trained("mlp")
    assert not found.yours and found.count == 101_770
    assert (
        "Your run mnist cannot be used here (ValueError: load_state_dict: steps.0.weight has shape (784, 16)"
        in capsys.readouterr().out
    )


def test_a_run_that_is_no_checkpoint_is_told_and_ours_taken(capsys):
    os.makedirs(os.path.dirname(shelf.place("mnist")))
    with open(shelf.place("mnist"), "wb") as file:
        file.write(b"not a checkpoint")
    assert not models.trained("mlp").yours
    assert "Your run mnist cannot be used here" in capsys.readouterr().out


def test_the_run_of_the_longer_form_goes_before_that_of_the_shorter():
    short, long = tinytorch.models.untrained("cnn"), tinytorch.models.untrained("cnn")
    short.model[0].weight.data[:] = 1
    keep(short.model, "cifar-10000", [0.6])
    assert models.trained("cnn").model[0].weight.data[0, 0, 0, 0] == 1
    keep(long.model, "cifar-50000", [0.6])
    assert models.trained("cnn").model[0].weight.data[0, 0, 0, 0] != 1


def test_a_transformer_of_the_shorter_form_comes_with_its_own_tokenizer():
    talks = gpt.Talks()
    talks.every = 4
    talks.tokenizer = talks.tokens()
    ids, _ = talks.read(True)
    keep(talks.network(talks.tokenizer.vocab_size, ids.shape[1] + 1), "talks-4", [0.85])
    found = models.trained("gpt")
    assert found.yours and found.every == 4 and found.model.max_seq_len == ids.shape[1] + 1
    assert found.tokenizer.merges == talks.tokenizer.merges
    assert len(found.some(False)) < len(gpt.Talks().some(False)) / 3


def test_a_transformer_that_does_not_fit_leaves_ours_whole(capsys):
    keep(gpt.Talks().network(1234), "talks-4", [0.85])
    found = models.trained("gpt")
    assert (
        not found.yours and found.every == 1 and found.tokenizer.vocab_size == 1702 and found.model.vocab_size == 1702
    )
    assert "Your run talks-4 cannot be used here" in capsys.readouterr().out


@pytest.mark.parametrize("name", models.NAMES)
def test_a_network_can_be_copied_before_it_is_changed(name):
    found = models.trained(name)
    other = copy.deepcopy(found.model)
    before = found.right(count=50)
    for parameter in other.parameters():
        parameter.data[:] = 0
    assert np.array_equal(found.right(count=50), before)
    assert not np.array_equal(found.right(other, 50), before)


# The data, and what is counted.


def test_a_part_of_the_data_is_what_it_says():
    found = models.untrained("cnn")
    images, labels = found.test_part(300)
    assert images.shape == (300, 3, 32, 32) and labels.shape == (300,) and images.data.dtype == np.float32
    first = tinytorch.datasets.CIFAR10(train=False)[:300]
    assert np.array_equal(images.data[299], first[299][0]) and np.array_equal(labels.data, first.labels)
    assert found.train_part(2)[0].shape == (2, 3, 32, 32)
    digits, _ = models.untrained("mlp").train_part(3)
    assert digits.shape == (3, 784)


@pytest.mark.parametrize(
    "count, words",
    [(0, "count is 0; there are 40 test digits"), (41, "count is 41"), (2.0, "count is 2.0; it must be an int")],
)
def test_a_count_that_is_none_is_told(monkeypatch, count, words):
    monkeypatch.setattr(mlp.Digits, "read", lambda self, train: digits(40))
    with pytest.raises((ValueError, TypeError), match=words):
        models.untrained("mlp").accuracy(count=count)


def test_a_changed_copy_is_judged_and_left_as_it_was(monkeypatch):
    monkeypatch.setattr(mlp.Digits, "read", lambda self, train: digits(600))
    found = models.untrained("mlp")
    changed = mlp.Digits().network()
    changed[0].weight.data[:] = 0  # it says the same to every digit
    changed.train()
    right = found.right(changed, 300)
    assert right.shape == (300,) and changed.training and not found.model.training
    assert set(changed(Tensor(digits(600)[0][:5])).data.argmax(axis=1).tolist()) == {
        int(digits(600)[1][:300][right][0])
    }
    assert np.array_equal(found.right(lambda x: changed(x).data, 300), right)  # anything to call


def test_places_that_do_not_count_make_no_answer_wrong():
    logits = Tensor(np.eye(4)[None, [1, 2, 3]])  # at three places: 1, 2, 3
    for targets, right in (
        ([1, 2, 3], True),
        ([1, 2, 0], False),
        ([basis.IGNORED, 2, 3], True),
        ([basis.IGNORED, 0, 3], False),
    ):
        assert basis.fits(logits, np.array([targets])).tolist() == [right]
