"""Crew: what the workers of a team have in common, however they are connected.

Belongs to chapter 17. Depends on NumPy, `core.pages` and `perf.parallel`. `perf.pipes` connects processes of a machine,
`perf.pages` the Pythons of a browser tab, and `perf.processes` trains with either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.core.pages import ENDED
from tinytorch.perf.parallel import DataParallel

__all__ = ["ENDED", "Crew", "Seat", "Work"]


class Seat:
    """One worker's seat in the ring, through which it talks to its neighbours and to worker 0.

    rank, workers : int, which worker this is, counted from 0, and how many there are
    """

    def __init__(self, rank: int, workers: int) -> None:
        self.rank, self.workers = rank, workers

    def send(self, message: np.ndarray) -> None:
        """Send an array to the right neighbour."""
        raise NotImplementedError

    def arrived(self, dtype: np.dtype) -> np.ndarray | None:
        """Return the next array from the left neighbour, or None if none is there."""
        raise NotImplementedError

    def wait(self) -> None:
        """Wait until something may have arrived from the left; end this worker if worker 0 is gone."""
        raise NotImplementedError

    def task(self) -> Any:
        """Wait for what worker 0 wants next, and return it; end this worker if worker 0 is gone."""
        raise NotImplementedError

    def answer(self, answer: Any) -> None:
        """Answer worker 0."""
        raise NotImplementedError


class Crew:
    """The other workers, as worker 0 sees them; as it stands here, nobody.

    seat : Seat, that of worker 0

    >>> crew = Crew(Seat(0, 1))
    >>> crew.wait([], ring=False), crew.lost()
    ({}, [])
    """

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def send(self, rank: int, task: Any) -> None:
        """Give a worker something to do, or raise a ConnectionError if it has ended."""
        raise ConnectionError(ENDED)

    def wait(self, due: list[int], ring: bool) -> dict[int, Any]:
        """Wait for an answer of those workers or, if `ring`, for an array from the left. Return the answers.

        For a worker that has ended it is the text ENDED.
        """
        return {}

    def lost(self) -> list[int]:
        """Return the ranks of the workers that have ended."""
        return []

    def close(self) -> None:
        """End the workers; a second call does nothing."""


Work = Callable[[Seat, DataParallel], None]  # what each of the others does, with its copy of worker 0's team
