"""Processes: the ring of `perf.parallel` between real workers that compute at the same time.

Belongs to chapter 17. Depends on NumPy, `perf.parallel`, `perf.crew`, `perf.pipes` or `perf.pages`, `core.autograd`,
`core.layers` and `core.tensor`.

This Python is worker 0 and starts the others: processes of this machine (`perf.pipes`) or, in a browser, more Pythons
of the same page (`perf.pages`). The numbers of the ring travel through memory that two neighbours share, where there is
such memory. Nothing is modelled: every time in a report was measured.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinytorch.core.autograd import enable_autograd
from tinytorch.core.layers import Layer
from tinytorch.core.tensor import Tensor
from tinytorch.perf.crew import Crew, Seat
from tinytorch.perf.parallel import (
    DataParallel,
    check_workers,
    drive,
    flatten_gradients,
    gather_steps,
    scatter_steps,
    write_gradients,
)


class WorkerLost(RuntimeError):
    """A worker has ended or failed in the middle of a step. The step was not made."""


class TeamReport(NamedTuple):
    """What one step of a team of processes did and took; each list has one number for a worker.

    loss : float, the mean over the whole batch
    bytes_sent : list of int, around the ring
    measured_compute_seconds : list of float, of forward and backward
    measured_ring_seconds : list of float, of the all-reduce, with waiting for the slowest neighbour
    measured_step_seconds : float, of the whole step, as worker 0 saw it
    """

    loss: float
    bytes_sent: list[int]
    measured_compute_seconds: list[float]
    measured_ring_seconds: list[float]
    measured_step_seconds: float


def start_crew(team: DataParallel, workers: int, longest: int) -> Crew:
    """Start the other workers of a team. `longest` is how many bytes a message of the ring has at most."""
    if workers == 1:
        return Crew(Seat(0, 1))
    if sys.platform == "emscripten":
        from tinytorch.perf import pages as place
    else:
        from tinytorch.perf import pipes as place
    return place.start(work, team, workers, longest)


def all_reduce(seat: Seat, flat: np.ndarray, watch: Callable[[], None]) -> int:
    """Replace this worker's array by the sum of all of them. Return the bytes sent.

    `watch` is called until something from the left is there; it waits a moment, or raises.
    """

    def exchange(message: np.ndarray) -> np.ndarray:
        seat.send(message)
        while (arrived := seat.arrived(flat.dtype)) is None:
            watch()
        return arrived

    return sum(drive(each(flat, seat.rank, seat.workers), exchange) for each in (scatter_steps, gather_steps))


class Orders(NamedTuple):
    """What a worker gets for one step.

    x, targets : ndarrays, its part of the batch
    share : float, what share of the batch that is
    lr : float, the learning rate of worker 0's optimizer, which a schedule may have changed; None if it has none
    """

    x: np.ndarray
    targets: np.ndarray
    share: float
    lr: float | None


def work(seat: Seat, team: DataParallel) -> None:
    """Be a worker: for each order compute, reduce and step, and answer with the figures, as long as worker 0 lives."""
    enable_autograd()
    while True:
        task = seat.task()
        try:
            answer = answer_to(seat, team, task)
        except Exception as error:
            answer = error_text(error)
        seat.answer(answer)


def error_text(error: Exception) -> str:
    """Return what went wrong, in one line.

    >>> error_text(ValueError("the batch is empty"))
    'ValueError: the batch is empty'
    """
    return f"{type(error).__name__}: {error}"


def own_part(
    seat: Seat, team: DataParallel, task: Orders, watch: Callable[[], None]
) -> tuple[np.ndarray, tuple[float, int, float, float]]:
    """Return the summed gradients, and of this worker: loss, bytes sent, seconds of computing and of the ring."""
    replica, start = team.replicas[0], time.perf_counter()
    loss = team.gradients(replica, Tensor(task.x), Tensor(task.targets), task.share)
    flat = flatten_gradients(replica)
    computed = time.perf_counter()
    sent = all_reduce(seat, flat, watch)
    return flat, (loss, sent, computed - start, time.perf_counter() - computed)


def make_step(team: DataParallel, flat: np.ndarray) -> None:
    """Let the optimizer make its step with the summed gradients."""
    write_gradients(team.replicas[0], flat)
    team.optimizers[0].step()


def answer_to(seat: Seat, team: DataParallel, task: Orders | str) -> Any:
    """Do what a worker was asked for. Return its answer."""
    if not isinstance(task, Orders):
        return weights_of(team.replicas[0])
    flat, figures = own_part(seat, team, task, seat.wait)
    if task.lr is not None:
        team.optimizers[0].lr = task.lr
    make_step(team, flat)
    return figures


def weights_of(model: Layer) -> list[np.ndarray]:
    """Return copies of a model's weights, in the order of its parameters."""
    return [parameter.data.copy() for parameter in model.parameters()]


class ProcessTeam:
    """N workers that train one model together, each on its part of every batch.

    The model given stays that of worker 0, this Python; the others have copies and never send a weight. Every
    worker gets the same summed gradients, so that all make the same step. Leave by `with`, or call `close`.
    Layers that look at the whole batch (batch normalization) see only their part, as in `DataParallel`. What is changed
    of the model between steps stays here; of the optimizer, the learning rate goes to all.

    Parameters
    ----------
    model : Layer
    loss_fn : called with predictions and targets, returns the mean loss over the samples
    make_optimizer : called with the list of parameters that are not frozen; returns an optimizer
    workers : int, as many as the machine has cores, or fewer; in a browser at most 4

    Raises
    ------
    TypeError, ValueError: no Layer, workers below 1, or something that cannot be handed to another Python.
    RuntimeError: there can be no other workers here; the sentence says why.

    References: Li et al. (2020), PyTorch Distributed: Experiences on Accelerating Data Parallel Training.
    """

    def __init__(
        self,
        model: Layer,
        loss_fn: Callable[[Tensor, Tensor], Tensor],
        make_optimizer: Callable[[list[Tensor]], Any],
        workers: int = 2,
    ) -> None:
        check_workers("ProcessTeam", workers)
        self.own = DataParallel(model, loss_fn, make_optimizer, 1)
        self.workers, self.closed = workers, False
        learned = [parameter.data for parameter in model.parameters() if getattr(parameter, "requires_grad", True)]
        widest = max((data.itemsize for data in learned), default=8)
        size = sum(data.size for data in learned)
        self.crew = start_crew(self.own, workers, (size // workers + 1) * widest)

    def train_step(self, x: Tensor | np.ndarray, targets: Tensor | np.ndarray) -> TeamReport:
        """Make one step with all workers on a batch of x (N, …) and targets (N, …).

        Raises
        ------
        ValueError: not as many targets as samples, or fewer samples than workers; nothing has been done then.
        WorkerLost: a worker has ended or failed. The weights are those from before the step, and the team is closed.
        """
        if self.closed:
            raise RuntimeError("ProcessTeam: the team is closed; make a new one with the model as it is")
        start, orders = time.perf_counter(), self.orders(x, targets)
        answers: dict[int, Any] = {}
        try:
            for rank in range(1, self.workers):
                self.crew.send(rank, orders[rank])
            flat, answers[0] = own_part(self.crew.seat, self.own, orders[0], lambda: self.watch(answers))
            while len(answers) < self.workers:
                self.watch(answers)
            make_step(self.own, flat)  # last: if a worker was lost, the weights are those from before
        except BaseException as error:
            sentence = self.lost()
            self.close()
            if isinstance(error, ConnectionError):
                raise WorkerLost(sentence) from error
            raise
        losses, sent, computed, reduced = (list(each) for each in zip(*(answers[rank] for rank in sorted(answers))))
        return TeamReport(sum(losses), sent, computed, reduced, time.perf_counter() - start)

    def orders(self, x: Tensor | np.ndarray, targets: Tensor | np.ndarray) -> list[Orders]:
        """Return each worker's part of a batch, or raise."""
        parts, lr = self.own.shards(x, targets, self.workers), getattr(self.own.optimizers[0], "lr", None)
        return [Orders(part.data, wanted.data, len(part) / len(x), lr) for part, wanted in parts]

    def watch(self, answers: dict[int, Any]) -> None:
        """Wait for a message from the left or an answer, which is put down. Raise if a worker is lost."""
        due = [rank for rank in range(1, self.workers) if rank not in answers]
        for rank, answer in self.crew.wait(due, 0 not in answers).items():
            if not isinstance(answer, tuple):
                raise WorkerLost(self.lost(rank, answer))
            answers[rank] = answer

    def lost(self, rank: int = 0, reason: str = "it has ended") -> str:
        """Return the sentence about a worker that is lost."""
        rank = rank or min(self.crew.lost(), default=1)
        return (
            f"ProcessTeam: worker {rank} was lost in the middle of a step ({reason}). The step was not made: the "
            "weights are those from before it. Make a new team with it, or train on with one worker"
        )

    def weights(self) -> list[list[np.ndarray]]:
        """Return the weights that each worker has, to see that they are the same."""
        due, answers = list(range(1, self.workers)), {0: weights_of(self.own.replicas[0])}
        for rank in due:
            self.crew.send(rank, "weights")
        while len(answers) < self.workers:
            answers |= self.crew.wait([rank for rank in due if rank not in answers], False)
        return [answers[rank] for rank in sorted(answers)]

    def close(self) -> None:
        """End the other workers. The model stays as it is; a second call does nothing."""
        self.closed = True
        self.crew.close()

    def __enter__(self) -> ProcessTeam:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
