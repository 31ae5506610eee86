"""Pages: the workers of `perf.processes` as more Pythons of one browser tab.

Belongs to chapter 17. Depends on NumPy, `core.pages`, `perf.parallel` and `perf.crew`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.core import pages
from tinytorch.perf.crew import Crew, Seat, Work
from tinytorch.perf.parallel import DataParallel


class PageSeat(Seat):
    """A worker's seat between two boxes.

    desk : pages.Desk of another worker, or pages.Others, whose bell worker 0 waits at
    alive : called while there is no room for a message, and raises if there will never be

    >>> PageSeat(0, 2, None, {}, max).workers
    2
    """

    def __init__(self, rank: int, workers: int, desk: Any, boxes: dict[str, Any], alive: Callable[[], None]) -> None:
        super().__init__(rank, workers)
        self.desk, self.boxes, self.alive = desk, boxes, alive

    def send(self, message: np.ndarray) -> None:
        self.boxes["right"].send(message.view(np.uint8), self.alive)

    def arrived(self, dtype: np.dtype) -> np.ndarray | None:
        data = self.boxes["left"].take(self.alive)
        return None if data is None else data.view(dtype)

    def wait(self) -> None:
        self.desk.bell.wait()

    def task(self) -> Any:
        return self.desk.task()

    def answer(self, answer: Any) -> None:
        self.desk.answer(answer)


def sit(desk: pages.Desk, first: tuple[Work, DataParallel]) -> None:
    """Be another worker of a team: do its work in a seat at this desk."""
    work, team = first
    work(PageSeat(desk.rank, desk.workers, desk, desk.boxes, desk.alive), team)


class PageCrew(Crew):
    """The other workers as more Pythons of the page, which starts them and ends them."""

    def __init__(self, work: Work, team: DataParallel, workers: int, longest: int) -> None:
        room = 2 * workers * (longest + 4)
        self.others = others = pages.Others("ProcessTeam", workers, sit, (work, team), room)
        boxes = {
            "left": others.office.box(others.own["left"], workers - 1),
            "right": others.office.box(others.own["right"], 1),
        }
        super().__init__(PageSeat(0, workers, others, boxes, others.look))

    def send(self, rank: int, task: Any) -> None:
        self.others.send(rank, task)

    def wait(self, due: list[int], ring: bool) -> dict[int, Any]:
        return self.others.wait(due)

    def lost(self) -> list[int]:
        return self.others.gone()

    def close(self) -> None:
        self.others.close()


def start(work: Work, team: DataParallel, workers: int, longest: int) -> PageCrew:
    """Start the other workers of a team, as Pythons of this page; see `perf.processes`."""
    return PageCrew(work, team, workers, longest)
