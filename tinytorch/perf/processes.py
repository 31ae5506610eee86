"""Processes: the ring of `perf.parallel` between real processes of this machine.

Belongs to chapter 17. Depends on NumPy, `perf.parallel`, `core.autograd`, `core.layers` and `core.tensor`.

This process is worker 0 and starts the others. The numbers travel through memory that two neighbours share; a pipe
between them says that they are there. Nothing is modelled: every time in a report was measured. A browser has no
processes, and `ProcessTeam` says so there.
"""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
import sys
import time
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, NamedTuple

import numpy as np

from tinytorch.core.autograd import enable_autograd
from tinytorch.core.layers import Layer
from tinytorch.core.tensor import Tensor
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


class Place(NamedTuple):
    """One worker's place in the ring: what it needs to talk to its neighbours.

    left, right : memory of the link from the left neighbour and of the one to the right, one row for each message
    bell, ring_bell : ends of pipes; something can be read from `bell` as soon as a message from the left is there
    """

    rank: int
    workers: int
    left: Any
    right: Any
    bell: connection.Connection
    ring_bell: connection.Connection

    def all_reduce(self, flat: np.ndarray, watch: Callable[[], None]) -> int:
        """Replace this worker's array by the sum of all of them. Return the bytes sent.

        `watch` is called until something from the left is there; it waits a moment, or raises.
        """
        rows = [
            np.frombuffer(memory, flat.dtype).reshape(max(1, 2 * (self.workers - 1)), -1)
            for memory in (self.left, self.right)
        ]
        number = itertools.count()

        def exchange(message: np.ndarray) -> np.ndarray:
            place = next(number)
            rows[1][place, : message.size] = message
            self.ring_bell.send(message.size)
            while not self.bell.poll():
                watch()
            return rows[0][place, : self.bell.recv()]

        steps = (scatter_steps, gather_steps)
        return sum(drive(each(flat, self.rank, self.workers), exchange) for each in steps)


class Orders(NamedTuple):
    """What a worker gets for one step: its part of the batch, and what share of the batch that is."""

    x: np.ndarray
    targets: np.ndarray
    share: float


def work(place: Place, team: DataParallel, orders: connection.Connection) -> None:
    """Be a worker: for each order compute, reduce and step, and answer with the figures, as long as worker 0 lives."""
    enable_autograd()
    lost = multiprocessing.parent_process().sentinel

    def watch() -> None:
        if lost in connection.wait([place.bell, lost]):
            raise SystemExit

    while lost not in connection.wait([orders, lost]):
        task = orders.recv()
        try:
            answer = answer_to(place, team, task, watch)
        except Exception as error:
            answer = error_text(error)
        orders.send(answer)


def error_text(error: Exception) -> str:
    """Return what went wrong, in one line.

    >>> error_text(ValueError("the batch is empty"))
    'ValueError: the batch is empty'
    """
    return f"{type(error).__name__}: {error}"


def own_part(
    place: Place, team: DataParallel, task: Orders, watch: Callable[[], None]
) -> tuple[np.ndarray, tuple[float, int, float, float]]:
    """Return the summed gradients, and of this worker: loss, bytes sent, seconds of computing and of the ring."""
    replica, start = team.replicas[0], time.perf_counter()
    loss = team.gradients(replica, Tensor(task.x), Tensor(task.targets), task.share)
    flat = flatten_gradients(replica)
    computed = time.perf_counter()
    sent = place.all_reduce(flat, watch)
    return flat, (loss, sent, computed - start, time.perf_counter() - computed)


def make_step(team: DataParallel, flat: np.ndarray) -> None:
    """Let the optimizer make its step with the summed gradients."""
    write_gradients(team.replicas[0], flat)
    team.optimizers[0].step()


def answer_to(place: Place, team: DataParallel, task: Orders | str, watch: Callable[[], None]) -> Any:
    """Do what a worker was asked for. Return its answer."""
    if not isinstance(task, Orders):
        return weights_of(team.replicas[0])
    flat, figures = own_part(place, team, task, watch)
    make_step(team, flat)
    return figures


def weights_of(model: Layer) -> list[np.ndarray]:
    """Return copies of a model's weights, in the order of its parameters."""
    return [parameter.data.copy() for parameter in model.parameters()]


class ProcessTeam:
    """N processes that train one model together, each on its part of every batch.

    The model given stays that of worker 0, this process; the others have copies and never send a weight. Every
    worker gets the same summed gradients, so that all make the same step. Leave by `with`, or call `close`.
    Layers that look at the whole batch (batch normalization) see only their part, as in `DataParallel`.

    Parameters
    ----------
    model : Layer
    loss_fn : called with predictions and targets, returns the mean loss over the samples
    make_optimizer : called with the list of parameters that are not frozen; returns an optimizer
    workers : int, as many as the machine has cores, or fewer

    Raises
    ------
    TypeError, ValueError: no Layer, workers below 1, or something that cannot be handed to another process.
    RuntimeError: Python runs where there are no processes, as in a browser.

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
        if workers > 1 and sys.platform in ("emscripten", "wasi"):
            raise RuntimeError(
                "ProcessTeam: a browser has no processes; use workers=1, or DataParallel, which plays them"
            )
        self.own = DataParallel(model, loss_fn, make_optimizer, 1)
        self.workers, self.closed = workers, False
        parameters = [parameter for parameter in model.parameters() if getattr(parameter, "requires_grad", True)]
        self.processes, self.pipes = [], []
        self.place = self.start(sum(parameter.data.nbytes for parameter in parameters), parameters)

    def start(self, nbytes: int, parameters: list[Tensor]) -> Place:
        """Start the other workers. Return this one's place in the ring."""
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        widest = max((parameter.data.itemsize for parameter in parameters), default=8)
        row = -(-nbytes // widest // self.workers) + 1  # elements of the longest chunk
        links = [context.RawArray("b", max(1, 2 * (self.workers - 1)) * row * widest) for _ in range(self.workers)]
        bells = [context.Pipe(duplex=False) for _ in range(self.workers)]  # number r: from worker r to the right
        places = [
            Place(rank, self.workers, links[rank - 1], links[rank], bells[rank - 1][0], bells[rank][1])
            for rank in range(self.workers)
        ]
        for place in places[1:]:
            here, there = context.Pipe()
            process = context.Process(target=work, args=(place, self.own, there), daemon=True)
            try:
                process.start()
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                self.close()
                raise TypeError(
                    f"ProcessTeam: {error}; on this system the loss must be a function or class of a module"
                ) from error
            self.processes.append(process)
            self.pipes.append(here)
        return places[0]

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
            for pipe, order in zip(self.pipes, orders[1:]):
                pipe.send(order)
            flat, answers[0] = own_part(self.place, self.own, orders[0], lambda: self.watch(answers))
            while len(answers) < self.workers:
                self.watch(answers)
            make_step(self.own, flat)  # last: if a worker was lost, the weights are those from before
        except BaseException as error:
            self.close()
            if isinstance(error, ConnectionError):
                raise WorkerLost(self.lost()) from error
            raise
        losses, sent, computed, reduced = (list(each) for each in zip(*(answers[rank] for rank in sorted(answers))))
        return TeamReport(sum(losses), sent, computed, reduced, time.perf_counter() - start)

    def orders(self, x: Tensor | np.ndarray, targets: Tensor | np.ndarray) -> list[Orders]:
        """Return each worker's part of a batch, or raise."""
        parts = self.own.shards(x, targets, self.workers)
        return [Orders(part.data, wanted.data, len(part) / len(x)) for part, wanted in parts]

    def watch(self, answers: dict[int, Any]) -> None:
        """Wait for a message from the left or an answer, which is put down. Raise if a worker is lost."""
        due = {pipe: rank for rank, pipe in enumerate(self.pipes, 1) if rank not in answers}
        ended = {process.sentinel: rank for rank, process in enumerate(self.processes, 1)}
        ready = connection.wait([self.place.bell] * (0 not in answers) + list(due) + list(ended))
        for pipe in ready:
            if pipe in due and not isinstance(answer := self.received(pipe), tuple):
                raise WorkerLost(self.lost(due[pipe], answer))
            if pipe in due:
                answers[due[pipe]] = answer
        if any(rank not in answers for each, rank in ended.items() if each in ready):
            raise WorkerLost(self.lost())

    @staticmethod
    def received(pipe: connection.Connection) -> Any:
        """Return a worker's answer, or a text if it ended before it could give one."""
        try:
            return pipe.recv()
        except (EOFError, OSError):
            return "it has ended"

    def lost(self, rank: int = 0, reason: str = "it has ended") -> str:
        """Return the sentence about a worker that is lost."""
        gone = [number for number, process in enumerate(self.processes, 1) if not process.is_alive()]
        rank = rank or (gone[0] if gone else 1)
        return (
            f"ProcessTeam: worker {rank} was lost in the middle of a step ({reason}). The step was not made: the "
            "weights are those from before it. Make a new team with it, or train on with one worker"
        )

    def weights(self) -> list[list[np.ndarray]]:
        """Return the weights that each worker has, to see that they are the same."""
        for pipe in self.pipes:
            pipe.send("weights")
        return [weights_of(self.own.replicas[0]), *(pipe.recv() for pipe in self.pipes)]

    def close(self) -> None:
        """End the other workers. The model stays as it is; a second call does nothing."""
        self.closed = True
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.terminate()
            process.join()

    def __enter__(self) -> ProcessTeam:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
