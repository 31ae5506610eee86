"""Pages: more Pythons of one browser tab, which work for this one.

Belongs to chapter 05, whose `PrefetchLoader` has its batches prepared by one; chapter 17 trains with several. Depends
on NumPy, and on `tinytorch_page`, which a chapter's page gives its Python, for having the others started.

Where the page is isolated, bytes travel through memory that all see, and whoever waits sleeps at a number in it until
somebody changes that. Elsewhere they travel as messages, for which this Python waits only in a browser that can put
WebAssembly to sleep in the middle of a call.
"""

import asyncio
import itertools
import pickle
import sys
from collections import deque
from concurrent.futures import Executor
from contextlib import suppress

import numpy as np

MOST = 4
GIGABYTES_EACH = 1  # of the device's memory for each worker beside the first, which takes about a tenth of that
PATIENCE = 100  # milliseconds after which whoever waits looks around: for the reader's Stop, for who has ended
ROOM = {"orders": 1 << 20, "answers": 1 << 20}  # bytes; what is longer goes in parts
ENDED = "it has ended"  # what stands in the place of an answer that will not come


class SharedBell:
    """What one worker sleeps at: a number in shared memory that grows whenever there is something new for it."""

    def __init__(self, control, rank):
        import js

        self.atomics, self.control, self.rank = js.Atomics, control, rank
        self.seen = self.atomics.load(control, rank)

    def ring(self):
        """Wake the worker that sleeps here."""
        self.atomics.add(self.control, self.rank, 1)
        self.atomics.notify(self.control, self.rank)

    def wait(self):
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

    def __init__(self, memory, mine, theirs):
        import js

        self.atomics, self.mine, self.theirs = js.Atomics, mine, theirs
        self.counts, self.bytes = js.Int32Array.new(memory, 0, 2), js.Uint8Array.new(memory, 8)
        self.size = self.bytes.length  # a power of 2, so that the counts may wrap
        self.written, self.read = (self.atomics.load(self.counts, place) for place in (0, 1))

    def send(self, data, alive):
        """Write a message. Where there is no room, wait for it, and call `alive`, which may raise."""
        self.put(np.array([len(data)], np.uint32).view(np.uint8), alive)
        self.put(np.frombuffer(data, np.uint8), alive)

    def put(self, data, alive):
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

    def take(self, alive):
        """Return the next message, an array of uint8, or None if none is there; one that has begun is waited for."""
        if self.atomics.load(self.counts, 0) == self.read:
            return None
        (size,) = self.get(4, alive).view(np.uint32)
        return self.get(int(size), alive)

    def get(self, size, alive):
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

    def __init__(self):
        self.rung = asyncio.Event()

    def ring(self):
        """Let the wait end."""
        self.rung.set()

    def wait(self):
        """Wait until something has come since the last call, or for a moment. Look around after each call."""
        from pyodide.ffi import run_sync

        if not self.rung.is_set():
            run_sync(self.until_rung())
        self.rung.clear()

    async def until_rung(self):
        """Be done as soon as something has come, or after a moment."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.rung.wait(), PATIENCE / 1000)


class MessageBox:
    """Bytes from one worker to one other, as messages through a port of the browser."""

    def __init__(self, port, bell):
        from pyodide.ffi import create_proxy

        self.port, self.bell, self.come = port, bell, deque()
        port.onmessage = create_proxy(self.hear)

    def hear(self, event):
        """Keep a message that the browser brings."""
        self.come.append(event.data)
        self.bell.ring()

    def send(self, data, alive):
        """Send a message; there is room for any."""
        import js
        from pyodide.ffi import to_js

        copy = js.Uint8Array.new(len(data))
        copy.assign(data)
        self.port.postMessage(copy, to_js([copy.buffer]))

    def take(self, alive):
        """Return the next message, an array of uint8, or None if none is there."""
        if not self.come:
            return None
        message = self.come.popleft()
        data = np.empty(message.length, np.uint8)
        message.assign_to(data)
        return data


class SharedOffice:
    """Makes links of shared memory, and worker 0's boxes of them."""

    def __init__(self, workers):
        import js

        self.control = js.Int32Array.new(js.SharedArrayBuffer.new(8 * workers))  # bells, then who has ended
        self.bells = [SharedBell(self.control, rank) for rank in range(workers)]

    def link(self, size):
        """Return both ends of a new link with room for so many bytes: the same memory."""
        import js

        memory = js.SharedArrayBuffer.new(8 + (1 << (size - 1).bit_length()))
        return memory, memory

    def box(self, end, other):
        """Return worker 0's box at its end of a link with another worker."""
        return SharedBox(end, self.bells[0], self.bells[other])

    def gone(self):
        """Return the ranks of the workers that the page has marked as ended."""
        workers = len(self.bells)
        return [rank for rank in range(1, workers) if self.bells[0].atomics.load(self.control, workers + rank)]


class MessageOffice:
    """Makes links that are channels of the browser, and worker 0's boxes. Through one the page tells who has ended."""

    def __init__(self, workers):
        self.bells = [MessageBell()]
        end, self.control = self.link(0)
        self.news = MessageBox(end, self.bells[0])

    def link(self, size):
        """Return both ends of a new link; it takes messages of any size."""
        import js

        channel = js.MessageChannel.new()
        return channel.port1, channel.port2

    def box(self, end, other):
        """Return worker 0's box at its end of a link with another worker."""
        return MessageBox(end, self.bells[0])

    def gone(self):
        """Return the ranks of the workers that the page has told of."""
        return list(self.news.come)


def places(office, workers, ring):
    """Return what each worker is told, a dict: its ends of the links. This Python has lists of those with each other.

    ring : int, the bytes that there must be room for between two neighbours; 0 where nobody talks to neighbours
    """
    made = [{"rank": rank, "workers": workers} for rank in range(workers)]
    for rank, place in enumerate(made):
        if ring:
            place["right"], made[(rank + 1) % workers]["left"] = office.link(ring)
    for name, room in ROOM.items():
        ends = [office.link(room) for _ in made[1:]]
        made[0][name] = [here for here, _ in ends]
        for place, (_, there) in zip(made[1:], ends):
            place[name] = there
    return made


class Others:
    """More Pythons of the page, numbered from 1; this one gives them orders and gets answers.

    Parameters
    ----------
    who : str, the name that sentences begin with
    workers : int, how many there are with this one
    entry : function of a module, such as `prepare`; each of them calls it with its Desk and `first`
    first : what they are handed; it must be possible to pickle it
    ring : int, as for `places`

    Raises
    ------
    RuntimeError, ValueError, TypeError: there can be no others here, not so many, or `first` cannot be handed on.
    """

    def __init__(self, who, workers, entry, first, ring=0):
        check_device(who, workers)
        office = SharedOffice if shares_memory(who) else MessageOffice
        data = packed(who, (entry, first))
        import tinytorch_page

        self.who, self.page, self.office, self.closed = who, tinytorch_page, office(workers), False
        self.own, *others = places(self.office, workers, ring)
        self.bell = self.office.bells[0]
        self.orders, self.answers = (
            {rank: self.office.box(end, rank) for rank, end in enumerate(self.own[name], 1)} for name in ROOM
        )
        self.arrived = {rank: deque() for rank in self.answers}
        self.page.team(as_js(others), self.office.control)
        try:
            self.begin(data)
        except BaseException:
            self.close()
            raise

    def begin(self, data):
        """Hand all of them what they begin with, and wait until they have it."""
        due = set(self.orders)
        for rank in due:
            self.orders[rank].send(data, self.stir)
        while due:
            for rank, answer in self.wait(list(due)).items():
                if answer == ENDED:
                    raise RuntimeError(f"{self.who}: worker {rank} could not be started; try again, or with fewer")
                if answer:
                    raise TypeError(f"{self.who}: worker {rank} cannot read what it was handed ({answer})")
                due.remove(rank)

    def look(self):
        """Raise if one of them has ended."""
        if self.gone():
            raise ConnectionError(ENDED)

    def gone(self):
        """Return the numbers of those that have ended."""
        return list(self.orders) if self.closed else self.office.gone()

    def send(self, rank, task):
        """Give one of them something to do, or raise a ConnectionError if it has ended."""
        self.look()
        self.orders[rank].send(packed(self.who, task), self.stir)

    def wait(self, due):
        """Wait a moment for answers of those that are due. Return what is there, by number; ENDED for who has ended."""
        if not (answers := self.come(due)):
            self.bell.wait()
            answers = self.come(due)
        return answers or {rank: ENDED for rank in self.gone() if rank in due}

    def come(self, due):
        """Return the answers that are there, one for each of those that are due."""
        self.take_in()
        return {rank: pickle.loads(self.arrived[rank].popleft()) for rank in due if self.arrived[rank]}

    def take_in(self):
        """Put aside the answers that are there."""
        for rank, box in self.answers.items():
            while (data := box.take(self.look)) is not None:
                self.arrived[rank].append(data)

    def stir(self):
        """Make room while there is none for an order: who has to read it may be waiting to answer."""
        self.look()
        self.take_in()

    def close(self):
        """End them; a second call does nothing."""
        if not self.closed:
            self.closed = True
            self.page.disband(self.office.control)


class Desk:
    """Where another Python of the page gets its orders, and puts its answers.

    boxes : dict of its boxes: "orders", "answers" and, where it has neighbours, "left" and "right"
    """

    def __init__(self, place, control):
        rank, workers = place.rank, place.workers
        across = {"left": (rank - 1) % workers, "right": (rank + 1) % workers, "orders": 0, "answers": 0}
        across = {name: other for name, other in across.items() if hasattr(place, name)}
        self.rank, self.workers = rank, workers
        if hasattr(place.orders, "postMessage"):
            self.bell = MessageBell()
            self.boxes = {name: MessageBox(getattr(place, name), self.bell) for name in across}
        else:
            self.bell = SharedBell(control, rank)
            self.boxes = {
                name: SharedBox(getattr(place, name), self.bell, SharedBell(control, other))
                for name, other in across.items()
            }

    def alive(self):
        """Do nothing: the page ends this Python together with the one that it works for."""

    def task(self):
        """Wait for the next order, and return it."""
        while (data := self.boxes["orders"].take(self.alive)) is None:
            self.bell.wait()
        return pickle.loads(data)

    def answer(self, answer):
        """Answer."""
        self.boxes["answers"].send(pickle.dumps(answer, 5), self.alive)


def join(place, control):
    """Be another Python of the page: `place` and `control` are what the first one had the page hand on."""
    desk = Desk(place, control)
    try:
        entry, first = desk.task()  # a function arrives as its module's name and its own
    except Exception as error:  # such as a class that is not here
        return desk.answer(f"{type(error).__name__}: {error}")
    desk.answer("")
    entry(desk, first)


def check_device(who, workers):
    """Raise unless this page can start so many workers and this device can hold them."""
    import js

    if not can_start():
        raise RuntimeError(f"{who}: nobody starts more Pythons for this one; a chapter's page and its notebook do")
    if workers > MOST:
        raise ValueError(f"{who}: workers is {workers}; a page has at most {MOST}")
    memory, needed = getattr(js.navigator, "deviceMemory", None), GIGABYTES_EACH * (workers - 1)
    if memory is not None and memory < needed:
        raise RuntimeError(
            f"{who}: this device says that it has {memory:g} GB of memory, and {workers} workers want {needed} GB; "
            "use fewer"
        )


def can_start():
    """Tell whether a page is there that starts other Pythons.

    >>> can_start()
    False
    """
    try:
        import tinytorch_page
    except ImportError:
        return False
    return hasattr(tinytorch_page, "team")


def shares_memory(who):
    """Tell whether the workers can share memory, or raise where Python cannot wait for messages either."""
    import js
    from pyodide.ffi import can_run_sync

    if not js.crossOriginIsolated and not can_run_sync():
        raise RuntimeError(
            f"{who}: this page is not isolated, so its workers have no memory in common, and Python cannot wait for "
            f"their messages here. It needs a newer browser, and the word {who} in this cell"
        )
    return js.crossOriginIsolated


def has_workers():
    """Tell whether this is a page's Python which can have others work for it."""
    if sys.platform != "emscripten" or not can_start():
        return False
    with suppress(RuntimeError):
        return shares_memory("") is not None
    return False


def packed(who, value):
    """Return a value as bytes that another Python can read, or raise.

    >>> pickle.loads(packed("PrefetchLoader", [1, 2]))
    [1, 2]
    """
    try:
        return pickle.dumps(value, 5)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"{who}: {error}; what is handed to another Python may use classes and functions of tinytorch, none that a "
            "cell defines"
        ) from error


def as_js(value):
    """Return a list of dicts as the browser's own objects."""
    import js
    from pyodide.ffi import to_js

    return to_js(value, dict_converter=js.Object.fromEntries)


# What prepares batches: an executor as those of `concurrent.futures`, as far as `PrefetchLoader` needs one.

KEPT = []  # the Pythons of the last pass, for the next one: starting them takes seconds
PASSES = itertools.count()  # a later pass may meet answers of one that was left early


def prepare(desk, load):
    """Be a worker: answer each task with its number, the error that `load` raised or None, and what it returned."""
    while True:
        number, task = desk.task()
        if number is None:
            load = task
            continue
        try:
            answer = number, None, load(*task)
        except Exception as error:
            answer = number, error, None
        desk.answer(answer)


class PageExecutor(Executor):
    """Has a function called by other Pythons of the page, each call by the next of them.

    workers : int, how many; load : what they call
    """

    def __init__(self, workers, load):
        if not KEPT or KEPT[0].gone() or len(KEPT[0].orders) != workers:
            KEPT[:] = [Others("PrefetchLoader", workers + 1, prepare, load)]
        else:
            for rank in KEPT[0].orders:
                KEPT[0].send(rank, (None, load))
        self.others, self.number, self.begun, self.done = KEPT[0], next(PASSES), 0, {}

    def submit(self, function, /, *task):
        """Have a task done; `function` stands for what the workers have. Return its future."""
        rank, number = 1 + self.begun % len(self.others.orders), (self.number, self.begun)
        self.others.send(rank, (number, task))
        self.begun += 1
        return PageFuture(self, rank, number)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Forget what was begun, if it is cancelled. The workers stay for the next pass, without the data of this."""
        for rank in self.others.orders if cancel_futures and not self.others.gone() else ():
            self.others.send(rank, (None, None))


class PageFuture:
    """A task that a worker of a PageExecutor does."""

    def __init__(self, executor, rank, number):
        self.executor, self.rank, self.number = executor, rank, number

    def result(self):
        """Return what the call returned, or raise what it raised; wait for it.

        Raises
        ------
        RuntimeError: the worker has ended.
        """
        done = self.executor.done
        while self.number not in done:
            answer = self.executor.others.wait([self.rank]).get(self.rank)
            if answer == ENDED:
                raise RuntimeError("PrefetchLoader: the Python that prepares batches has ended; begin the pass again")
            if answer is not None:
                done[answer[0]] = answer[1:]
        error, value = done.pop(self.number)
        if error is not None:
            raise error
        return value
