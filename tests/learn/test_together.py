"""A trainer whose steps a team makes: the same training, also when a worker is lost."""

import os
import signal
import sys

import numpy as np
import pytest

from tinytorch import AdamW, CosineSchedule, CrossEntropyLoss, DataLoader, Linear, Sequential, Tanh, Tensor, Trainer
from tinytorch.core.autograd import enable_autograd
from tinytorch.core.dataloader import TensorDataset
from tinytorch.learn.together import team_up
from tinytorch.perf.processes import ProcessTeam

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the losses of these tests are handed on by fork")
HERE = os.getpid()
enable_autograd()
rng = np.random.default_rng(0)
DATA = TensorDataset(Tensor(rng.standard_normal((22, 6))), Tensor(rng.integers(0, 3, 22)))


def made(**settings):
    network = Sequential(Linear(6, 8, rng=0), Tanh(), Linear(8, 3, rng=1))
    schedule = CosineSchedule(0.05, 0.001, 3)
    return Trainer(network, AdamW(network.parameters()), CrossEntropyLoss(), scheduler=schedule, **settings)


def trained(workers, loss_fn=None, batch=7, before=lambda trainer: None, **settings):
    trainer, loss_fn = made(**settings), loss_fn or CrossEntropyLoss()
    before(trainer)
    with team_up(trainer, loss_fn, workers):
        while trainer.epoch < 3:
            trainer.train_epoch(DataLoader(DATA, batch, shuffle=True, seed=trainer.epoch))
    assert "train_step" not in vars(trainer)
    return trainer


def same(one, other):
    for ours, theirs in zip(one.model.parameters(), other.model.parameters(), strict=True):
        np.testing.assert_allclose(ours.data, theirs.data, atol=1e-5)
    np.testing.assert_allclose(one.history["train_loss"], other.history["train_loss"], atol=1e-5)


def test_two_workers_train_as_one_does_and_the_last_batch_of_one_sample_ends_the_team(capsys):
    same(trained(2, batch=11), trained(1, batch=11))
    assert capsys.readouterr().out == ""
    same(trained(2), trained(1))  # 22 samples in batches of 7: the last has one
    assert "1 samples for 2 workers" in capsys.readouterr().out


def test_it_goes_on_from_what_the_trainer_has_done_before():
    def before(trainer):
        trainer.train_epoch(DataLoader(DATA, 11))

    same(trained(2, batch=11, before=before), trained(1, batch=11, before=before))


class Deadly(CrossEntropyLoss):
    calls = 0

    def __call__(self, predictions, targets):
        Deadly.calls += 1
        if Deadly.calls == 2 and os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(predictions, targets)


def test_a_worker_that_is_lost_is_told_and_the_training_is_the_same(capsys):
    same(trained(2, Deadly(), batch=11), trained(1, batch=11))
    assert "worker 1 was lost" in (told := capsys.readouterr().out) and "goes on with one worker" in told


def test_where_no_worker_can_be_started_it_trains_alone(capsys, monkeypatch):
    def refuse(*settings):
        raise RuntimeError("ProcessTeam: no memory")

    monkeypatch.setattr(ProcessTeam, "__init__", refuse)
    same(trained(2, batch=11), trained(1, batch=11))
    assert capsys.readouterr().out == "ProcessTeam: no memory. This training goes on with one worker.\n"


def test_with_clipping_it_trains_alone(capsys):
    same(trained(2, batch=11, grad_clip_norm=0.1), trained(1, batch=11, grad_clip_norm=0.1))
    assert "without clipping" in capsys.readouterr().out
