"""Pipes: the workers of `perf.processes` as processes of this machine.

Belongs to chapter 17. Depends on NumPy, `perf.parallel` and `perf.crew`.

An array travels through memory that two neighbours share; a pipe between them says that it is there. Orders and answers
travel through pipes.
"""

from __future__ import annotations

import multiprocessing
import pickle
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.perf.crew import ENDED, Crew, Seat, Work
from tinytorch.perf.parallel import DataParallel

if TYPE_CHECKING:
    from multiprocessing import connection

START = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


class Link:
    """From one worker to its right neighbour: memory with a row for each message of a step, and a pipe as the bell.

    rows, row : int, how many rows, and the bytes of each

    >>> link = Link(rows=2, row=16)
    >>> link.send(np.array([1.0, 2.0]))
    >>> link.arrived(np.dtype(float)).tolist(), link.arrived(np.dtype(float))
    ([1.0, 2.0], None)
    """

    def __init__(self, rows: int, row: int) -> None:
        self.memory, self.rows, self.row = START.RawArray("b", rows * row), rows, row
        self.bell, self.ringing = START.Pipe(duplex=False)
        self.sent = self.received = 0

    def place(self, number: int, nbytes: int) -> np.ndarray:
        """Return the bytes of a message, a view of its row."""
        return np.frombuffer(self.memory, np.uint8, nbytes, number % self.rows * self.row)

    def send(self, message: np.ndarray) -> None:
        """Put an array into the next row and ring."""
        self.place(self.sent, message.nbytes)[:] = message.view(np.uint8)
        self.ringing.send(message.nbytes)
        self.sent += 1

    def arrived(self, dtype: np.dtype) -> np.ndarray | None:
        """Return the next array, or None if none is there."""
        if not self.bell.poll():
            return None
        self.received += 1
        return self.place(self.received - 1, self.bell.recv()).view(dtype)


class PipeSeat(Seat):
    """A worker's seat between two links. `orders` is its pipe to worker 0, which itself has none."""

    def __init__(self, rank: int, links: list[Link], orders: connection.Connection | None = None) -> None:
        super().__init__(rank, len(links))
        self.orders = orders
        self.left, self.right = links[rank - 1], links[rank]

    def send(self, message: np.ndarray) -> None:
        self.right.send(message)

    def arrived(self, dtype: np.dtype) -> np.ndarray | None:
        return self.left.arrived(dtype)

    def wait(self, source: connection.Connection | None = None) -> None:
        """Wait for something from the left, or from another source; end this worker if worker 0 is gone."""
        from multiprocessing import connection  # a browser's Python, which can read this file, has none

        lost = multiprocessing.parent_process().sentinel
        if lost in connection.wait([source or self.left.bell, lost]):
            raise SystemExit

    def task(self) -> Any:
        self.wait(self.orders)
        return self.orders.recv()

    def answer(self, answer: Any) -> None:
        self.orders.send(answer)


class PipeCrew(Crew):
    """The other workers as processes, which end with this one."""

    def __init__(self, work: Work, team: DataParallel, links: list[Link]) -> None:
        super().__init__(PipeSeat(0, links))
        self.processes: list[Any] = []
        self.pipes: list[connection.Connection] = []
        for rank in range(1, len(links)):
            here, there = START.Pipe()
            process = START.Process(target=work, args=(PipeSeat(rank, links, there), team), daemon=True)
            try:
                process.start()
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                self.close()
                raise TypeError(
                    f"ProcessTeam: {error}; on this system the loss must be a function or class of a module"
                ) from error
            self.processes.append(process)
            self.pipes.append(here)

    def send(self, rank: int, task: Any) -> None:
        self.pipes[rank - 1].send(task)

    def wait(self, due: list[int], ring: bool) -> dict[int, Any]:
        from multiprocessing import connection

        pipes = {self.pipes[rank - 1]: rank for rank in due}
        ended = {self.processes[rank - 1].sentinel: rank for rank in due}
        ready = connection.wait([self.seat.left.bell] * ring + list(pipes) + list(ended))
        gone = {rank: ENDED for each, rank in ended.items() if each in ready}
        return gone | {rank: received(pipe) for pipe, rank in pipes.items() if pipe in ready}

    def lost(self) -> list[int]:
        return [rank for rank, process in enumerate(self.processes, 1) if not process.is_alive()]

    def close(self) -> None:
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.terminate()
            process.join()


def received(pipe: connection.Connection) -> Any:
    """Return a worker's answer, or a text if it ended before it could give one."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return ENDED


def start(work: Work, team: DataParallel, workers: int, longest: int) -> PipeCrew:
    """Start the other workers of a team, as processes; see `perf.processes.start_crew`."""
    rows = 2 * (workers - 1)
    return PipeCrew(work, team, [Link(rows, -(-longest // 8) * 8) for _ in range(workers)])
