"""Pages: the workers of `perf.processes` as more Pythons of one browser tab.

Belongs to chapter 17. Depends on NumPy, `perf.parallel` and `perf.crew`; on `tinytorch_page`, which a chapter's page
gives its Python, for having the others started.

Where the page is isolated, bytes travel through memory that all see, and whoever waits sleeps at a number in it until
somebody changes that. Elsewhere they travel as messages, for which this Python waits only in a browser that can put
WebAssembly to sleep in the middle of a call.
"""

from __future__ import annotations

import asyncio
import pickle
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from tinytorch.perf.crew import ENDED, Crew, Seat, Work
from tinytorch.perf.parallel import DataParallel

MOST = 4
GIGABYTES_EACH = 1  # of the device's memory for each worker beside the first, which takes about a tenth of that
PATIENCE = 100  # milliseconds after which whoever waits looks around: for the reader's Stop, for who has ended
ROOM = {"orders": 1 << 20, "answers": 1 << 16}  # bytes; what is longer goes in parts


class SharedBell:
    """What one worker sleeps at: a number in shared memory that grows whenever there is something new for it."""

    def __init__(self, control: Any, rank: int) -> None:
        import js

        self.atomics, self.control, self.rank = js.Atomics, control, rank
        self.seen = self.atomics.load(control, rank)

    def ring(self) -> None:
        """Wake the worker that sleeps here."""
        self.atomics.add(self.control, self.rank, 1)
        self.atomics.notify(self.control, self.rank)

    def wait(self) -> None:
        """Sleep until something new has come since the last call, or for a moment. Look around after each call."""
        now = self.atomics.load(self.control, self.rank)
        if now == self.seen:
            self.atomics.wait(self.control, self.rank, now, PATIENCE)
            now = self.atomics.load(self.control, self.rank)
        self.seen = now


class SharedBox:
    """Bytes from one worker to one other, in a ring of shared memory that both know.

    The first two numbers count the bytes that were written and read. Each is changed by one side alone.

    mine, theirs : SharedBell; the sleeper at this end and the one at the other
    """

    def __init__(self, memory: Any, mine: SharedBell, theirs: SharedBell) -> None:
        import js

        self.atomics, self.mine, self.theirs = js.Atomics, mine, theirs
        self.counts, self.bytes = js.Int32Array.new(memory, 0, 2), js.Uint8Array.new(memory, 8)
        self.size = self.bytes.length  # a power of 2, so that the counts may wrap
        self.written, self.read = (self.atomics.load(self.counts, place) for place in (0, 1))

    def send(self, data: bytes | np.ndarray, alive: Callable[[], None]) -> None:
        """Write a message. Where there is no room, wait for it, and call `alive`, which may raise."""
        self.put(np.array([len(data)], np.uint32).view(np.uint8), alive)
        self.put(np.frombuffer(data, np.uint8), alive)

    def put(self, data: np.ndarray, alive: Callable[[], None]) -> None:
        """Write some bytes, as many at a time as there is room for."""
        while data.size:
            used = (self.written - self.atomics.load(self.counts, 1)) % 2**31
            start = self.written % self.size
            part = data[: min(self.size - used, self.size - start)]
            if not part.size:
                self.mine.wait()
                alive()
                continue
            self.bytes.subarray(start, start + part.size).assign(part)
            self.written = (self.written + part.size) % 2**31
            self.atomics.store(self.counts, 0, self.written)
            self.theirs.ring()
            data = data[part.size :]

    def take(self, alive: Callable[[], None]) -> np.ndarray | None:
        """Return the next message, an array of uint8, or None if none is there; one that has begun is waited for."""
        if self.atomics.load(self.counts, 0) == self.read:
            return None
        (size,) = self.get(4, alive).view(np.uint32)
        return self.get(int(size), alive)

    def get(self, size: int, alive: Callable[[], None]) -> np.ndarray:
        """Read so many bytes, as many at a time as are there."""
        data, done = np.empty(size, np.uint8), 0
        while done < size:
            there = (self.atomics.load(self.counts, 0) - self.read) % 2**31
            start = self.read % self.size
            stop = start + min(there, size - done, self.size - start)
            if stop == start:
                self.mine.wait()
                alive()
                continue
            self.bytes.subarray(start, stop).assign_to(data[done : done + stop - start])
            done += stop - start
            self.read = (self.read + stop - start) % 2**31
            self.atomics.store(self.counts, 1, self.read)
            self.theirs.ring()
        return data


class MessageBell:
    """What one worker waits at where memory is not shared: any message that comes rings it."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()

    def ring(self) -> None:
        """Let the wait end."""
        self.rung.set()

    def wait(self) -> None:
        """Wait until something has come since the last call, or for a moment. Look around after each call."""
        from pyodide.ffi import run_sync

        if not self.rung.is_set():
            run_sync(self.until_rung())
        self.rung.clear()

    async def until_rung(self) -> None:
        """Be done as soon as something has come, or after a moment."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.rung.wait(), PATIENCE / 1000)


class MessageBox:
    """Bytes from one worker to one other, as messages through a port of the browser."""

    def __init__(self, port: Any, bell: MessageBell) -> None:
        from pyodide.ffi import create_proxy

        self.port, self.bell, self.come = port, bell, deque()
        port.onmessage = create_proxy(self.hear)

    def hear(self, event: Any) -> None:
        """Keep a message that the browser brings."""
        self.come.append(event.data)
        self.bell.ring()

    def send(self, data: bytes | np.ndarray, alive: Callable[[], None]) -> None:
        """Send a message; there is room for any."""
        import js
        from pyodide.ffi import to_js

        copy = js.Uint8Array.new(len(data))
        copy.assign(data)
        self.port.postMessage(copy, to_js([copy.buffer]))

    def take(self, alive: Callable[[], None]) -> np.ndarray | None:
        """Return the next message, an array of uint8, or None if none is there."""
        if not self.come:
            return None
        message = self.come.popleft()
        data = np.empty(message.length, np.uint8)
        message.assign_to(data)
        return data


class PageSeat(Seat):
    """A worker's seat between its boxes.

    boxes : dict of the boxes "left" and "right" and, but for worker 0, "orders" and "answers"
    alive : called while there is no room for a message, and raises if there will never be; nothing for workers other
        than 0, which the page ends together with worker 0
    """

    def __init__(
        self,
        rank: int,
        workers: int,
        bell: SharedBell | MessageBell,
        boxes: dict[str, Any],
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(rank, workers)
        self.bell, self.boxes, self.alive = bell, boxes, alive

    def send(self, message: np.ndarray) -> None:
        self.boxes["right"].send(message.view(np.uint8), self.alive)

    def arrived(self, dtype: np.dtype) -> np.ndarray | None:
        data = self.boxes["left"].take(self.alive)
        return None if data is None else data.view(dtype)

    def wait(self) -> None:
        self.bell.wait()

    def task(self) -> Any:
        while (data := self.boxes["orders"].take(self.alive)) is None:
            self.wait()
        return pickle.loads(data)

    def answer(self, answer: Any) -> None:
        self.boxes["answers"].send(pickle.dumps(answer, 5), self.alive)


class SharedOffice:
    """Makes links of shared memory, and worker 0's boxes of them."""

    def __init__(self, workers: int) -> None:
        import js

        self.control = js.Int32Array.new(js.SharedArrayBuffer.new(8 * workers))  # bells, then who has ended
        self.bells = [SharedBell(self.control, rank) for rank in range(workers)]

    def link(self, size: int) -> tuple[Any, Any]:
        """Return both ends of a new link with room for so many bytes: the same memory."""
        import js

        memory = js.SharedArrayBuffer.new(8 + (1 << (size - 1).bit_length()))
        return memory, memory

    def box(self, end: Any, other: int) -> SharedBox:
        """Return worker 0's box at its end of a link with another worker."""
        return SharedBox(end, self.bells[0], self.bells[other])

    def gone(self) -> list[int]:
        """Return the ranks of the workers that the page has marked as ended."""
        workers = len(self.bells)
        return [rank for rank in range(1, workers) if self.bells[0].atomics.load(self.control, workers + rank)]


class MessageOffice:
    """Makes links that are channels of the browser, and worker 0's boxes. Through one the page tells who has ended."""

    def __init__(self, workers: int) -> None:
        self.bells = [MessageBell()]
        end, self.control = self.link(0)
        self.news = MessageBox(end, self.bells[0])

    def link(self, size: int) -> tuple[Any, Any]:
        """Return both ends of a new link; it takes messages of any size."""
        import js

        channel = js.MessageChannel.new()
        return channel.port1, channel.port2

    def box(self, end: Any, other: int) -> MessageBox:
        """Return worker 0's box at its end of a link with another worker."""
        return MessageBox(end, self.bells[0])

    def gone(self) -> list[int]:
        """Return the ranks of the workers that the page has told of."""
        return list(self.news.come)


def places(office: SharedOffice | MessageOffice, workers: int, longest: int) -> list[dict[str, Any]]:
    """Return what each worker is told: its ends of the links; worker 0 has lists of those with each other worker."""
    made: list[dict[str, Any]] = [{"rank": rank, "workers": workers} for rank in range(workers)]
    for rank, place in enumerate(made):
        place["right"], made[(rank + 1) % workers]["left"] = office.link(2 * workers * (longest + 4))
    for name, room in ROOM.items():
        ends = [office.link(room) for _ in made[1:]]
        made[0][name] = [here for here, _ in ends]
        for place, (_, there) in zip(made[1:], ends):
            place[name] = there
    return made


class PageCrew(Crew):
    """The other workers as more Pythons of the page, which starts them and ends them."""

    def __init__(self, office: SharedOffice | MessageOffice, team: DataParallel, workers: int, longest: int) -> None:
        import tinytorch_page

        self.office, self.page, self.closed = office, tinytorch_page, False
        model = packed(team)
        own, *others = places(office, workers, longest)
        boxes = {"left": office.box(own["left"], workers - 1), "right": office.box(own["right"], 1)}
        super().__init__(PageSeat(0, workers, office.bells[0], boxes, self.look))
        self.orders, self.answers = (
            {rank: office.box(end, rank) for rank, end in enumerate(own[name], 1)} for name in ROOM
        )
        self.page.team(as_js(others), office.control)
        try:
            self.begin(model)
        except BaseException:
            self.close()
            raise

    def begin(self, model: bytes) -> None:
        """Hand the model to all, and wait until they have it."""
        due = set(self.orders)
        for rank in due:
            self.orders[rank].send(model, self.look)
        while due:
            for rank, answer in self.wait(list(due), False).items():
                if answer == ENDED:
                    raise RuntimeError(
                        f"ProcessTeam: worker {rank} could not be started; try again, or with fewer workers"
                    )
                if answer:
                    raise TypeError(f"ProcessTeam: worker {rank} cannot take model, loss and optimizer ({answer})")
                due.remove(rank)

    def look(self) -> None:
        """Raise if a worker has ended."""
        if self.office.gone():
            raise ConnectionError(ENDED)

    def send(self, rank: int, task: Any) -> None:
        self.look()
        self.orders[rank].send(pickle.dumps(task, 5), self.look)

    def wait(self, due: list[int], ring: bool) -> dict[int, Any]:
        if not (answers := self.come(due)):
            self.seat.wait()
            answers = self.come(due)
        return answers or {rank: ENDED for rank in self.office.gone() if rank in due}

    def come(self, due: list[int]) -> dict[int, Any]:
        """Return the answers that are there."""
        taken = {rank: self.answers[rank].take(self.look) for rank in due}
        return {rank: pickle.loads(data) for rank, data in taken.items() if data is not None}

    def lost(self) -> list[int]:
        return self.office.gone()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.page.disband(self.office.control)


def start(work: Work, team: DataParallel, workers: int, longest: int) -> PageCrew:
    """Start the other workers of a team, as Pythons of this page; see `perf.processes.start_crew`."""
    check_device(workers)
    office = SharedOffice if shares_memory() else MessageOffice
    return PageCrew(office(workers), team, workers, longest)


def check_device(workers: int) -> None:
    """Raise unless this page can start so many workers and this device can hold them."""
    import js

    if not can_start():
        raise RuntimeError(
            "ProcessTeam: nobody starts more workers for this Python; a chapter's page does. DataParallel plays them"
        )
    if workers > MOST:
        raise ValueError(f"ProcessTeam: workers is {workers}; a page starts at most {MOST}. DataParallel plays more")
    memory, needed = getattr(js.navigator, "deviceMemory", None), GIGABYTES_EACH * (workers - 1)
    if memory is not None and memory < needed:
        raise RuntimeError(
            f"ProcessTeam: this device says that it has {memory:g} GB of memory, and {workers} workers want "
            f"{needed} GB; use fewer, or DataParallel, which plays them"
        )


def can_start() -> bool:
    """Tell whether a page is there that starts other Pythons; a notebook has none."""
    try:
        import tinytorch_page
    except ImportError:
        return False
    return hasattr(tinytorch_page, "team")


def shares_memory() -> bool:
    """Tell whether the workers can share memory, or raise where Python cannot wait for messages either."""
    import js
    from pyodide.ffi import can_run_sync

    if not js.crossOriginIsolated and not can_run_sync():
        raise RuntimeError(
            "ProcessTeam: this page is not isolated, so its workers have no memory in common, and Python cannot wait "
            "for their messages here. It needs a newer browser, and the word ProcessTeam in this cell; DataParallel "
            "plays the workers"
        )
    return js.crossOriginIsolated


def packed(team: DataParallel) -> bytes:
    """Return a team as bytes that another Python can read, or raise.

    >>> from tinytorch.core.layers import Linear
    >>> team = DataParallel(Linear(3, 1, rng=0), max, lambda parameters: None, workers=1)
    >>> np.array_equal(pickle.loads(packed(team)).replicas[0].weight.data, team.replicas[0].weight.data)
    True
    """
    try:
        return pickle.dumps(team, 5)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"ProcessTeam: {error}; in a browser model, loss and optimizer are handed to other Pythons, so take "
            "classes and functions of tinytorch, none that a cell defines"
        ) from error


def as_js(value: list[dict[str, Any]]) -> Any:
    """Return a list of dicts as the browser's own objects."""
    import js
    from pyodide.ffi import to_js

    return to_js(value, dict_converter=js.Object.fromEntries)


def join(work: Work, place: Any, control: Any) -> None:
    """Be another worker of a team: `place` and `control` are what worker 0 had the page hand on."""
    seat = seat_at(place, control)
    try:
        team = seat.task()
    except Exception as error:  # such as a class that a cell has defined
        return seat.answer(f"{type(error).__name__}: {error}")
    seat.answer("")
    work(seat, team)


def seat_at(place: Any, control: Any) -> PageSeat:
    """Return the seat of another worker."""
    rank, workers = place.rank, place.workers
    across = {"left": (rank - 1) % workers, "right": (rank + 1) % workers, "orders": 0, "answers": 0}
    if hasattr(place.left, "postMessage"):
        bell = MessageBell()
        boxes = {name: MessageBox(getattr(place, name), bell) for name in across}
    else:
        bell = SharedBell(control, rank)
        boxes = {
            name: SharedBox(getattr(place, name), bell, SharedBell(control, other)) for name, other in across.items()
        }
    return PageSeat(rank, workers, bell, boxes)
