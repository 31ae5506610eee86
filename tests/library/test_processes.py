"""Real processes around the ring: the weights are those of one worker, and a worker that dies takes nothing along."""

import os
import signal
import sys

import numpy as np
import pytest

from tinytorch import CrossEntropyLoss, Linear, Sequential, Tanh, Tensor
from tinytorch.core.autograd import enable_autograd
from tinytorch.core.optimizers import Adam
from tinytorch.perf.processes import ProcessTeam, WorkerLost

enable_autograd()
HERE = os.getpid()
pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        sys.platform not in ("linux", "emscripten"), reason="the losses of these tests are handed on by fork"
    ),
]

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((21, 6)).astype(np.float32), rng.integers(0, 3, 21)


def network():
    return Sequential(Linear(6, 8, rng=0), Tanh(), Linear(8, 3, rng=1))


def adam(parameters):
    return Adam(parameters, lr=0.01)


def weights(model):
    return [parameter.data.copy() for parameter in model.parameters()]


def trained_alone(steps):
    model, loss_fn, losses = network(), CrossEntropyLoss(), []
    optimizer = adam(list(model.parameters()))
    for _ in range(steps):
        loss = loss_fn(model(Tensor(X)), Tensor(Y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return weights(model), losses


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_all_processes_end_with_the_weights_of_training_alone(workers):
    alone, losses = trained_alone(4)
    with ProcessTeam(network(), CrossEntropyLoss(), adam, workers) as team:
        reports = [team.train_step(X, Y) for _ in losses]
        everybody = team.weights()
    for one in everybody:
        assert all(np.array_equal(a, b) for a, b in zip(one, everybody[0], strict=True))
        for ours, theirs in zip(one, alone, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose([report.loss for report in reports], losses, atol=1e-5)
    assert len(everybody) == workers
    assert sum(reports[0].bytes_sent) == 2 * (workers - 1) * sum(each.nbytes for each in alone)
    for report in reports:
        assert len(report.measured_compute_seconds) == len(report.measured_ring_seconds) == workers
        assert 0 < report.measured_compute_seconds[0] + report.measured_ring_seconds[0] <= report.measured_step_seconds


def test_a_learning_rate_that_changes_reaches_all_workers():
    rates, everybody = (0.01, 0.1, 0.001), []
    for workers in (1, 3):
        with ProcessTeam(network(), CrossEntropyLoss(), adam, workers) as team:
            for rate in rates:
                team.own.optimizers[0].lr = rate
                team.train_step(X, Y)
            everybody += team.weights()
    for one in everybody:
        for ours, theirs in zip(one, everybody[0], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


class Deadly(CrossEntropyLoss):
    """Fails in the other processes, in its second step, as it was told."""

    def __init__(self, fail):
        super().__init__()
        self.fail, self.calls = fail, 0

    def __call__(self, predictions, targets):
        self.calls += 1
        if self.calls == 2 and os.getpid() != HERE:
            self.fail()
        return super().__call__(predictions, targets)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def failed():
    raise ValueError("the disk is full")


@pytest.mark.parametrize("workers", [2, 3, 4])
@pytest.mark.parametrize("fail, words", [(killed, "it has ended"), (failed, "ValueError: the disk is full")])
def test_a_worker_lost_in_the_middle_of_a_step_is_named_and_nothing_is_lost(workers, fail, words):
    model = network()
    team = ProcessTeam(model, Deadly(fail), adam, workers)
    team.train_step(X, Y)
    before = weights(model)
    with pytest.raises(WorkerLost, match=rf"worker \d was lost in the middle of a step \({words}\)"):
        team.train_step(X, Y)
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(model), strict=True))
    assert not any(process.is_alive() for process in team.crew.processes)
    with pytest.raises(RuntimeError, match="the team is closed"):
        team.train_step(X, Y)
    with ProcessTeam(model, CrossEntropyLoss(), adam, workers) as again:
        again.train_step(X, Y)
    assert not np.array_equal(before[0], weights(model)[0])


def test_a_batch_that_is_too_small_is_refused_and_the_team_goes_on():
    with ProcessTeam(network(), CrossEntropyLoss(), adam, 3) as team:
        with pytest.raises(ValueError, match="2 samples for 3 workers"):
            team.train_step(X[:2], Y[:2])
        assert team.train_step(X[:3], Y[:3]).loss > 0


def test_one_who_fails_here_ends_the_team():
    model = network()
    team = ProcessTeam(model, CrossEntropyLoss(), adam, 2)
    with pytest.raises(ValueError):
        team.train_step(X[:, :5], Y)  # five features for a layer of six
    assert team.closed and not any(process.is_alive() for process in team.crew.processes)


@pytest.mark.parametrize("workers, error", [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_the_number_of_workers_is_checked(workers, error):
    with pytest.raises(error, match="ProcessTeam: workers"):
        ProcessTeam(network(), CrossEntropyLoss(), adam, workers)
