"""Parallel: training on several machines at once, played through in one process; in several: `perf.processes`.

Belongs to chapter 17. Depends on NumPy, `core.tensor`, `core.layers` and `core.autograd`.

What is real here: every replica computes real gradients of its share of the batch, and the ring really
moves them chunk by chunk, so the weights afterwards are those of training on the whole batch.
What is a model: the time of the network (latency and bandwidth) and the slow workers. Each field
and function that holds such a number says `modelled` in its name; what was timed says `measured`.

The parts, in reading order: the ring all-reduce, what it costs, slow workers, and training.
"""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import numpy as np

from tinytorch.core.layers import Layer, default_rng
from tinytorch.core.tensor import Tensor, is_whole

# The ring: each worker talks to its right neighbour only, and all links are busy all the time.

Steps = Generator[np.ndarray, np.ndarray, None]  # yields what a worker sends, is given what has arrived


def chunk_slices(size: int, workers: int) -> list[slice]:
    """Return `workers` slices that cut `size` elements into pieces as equal as possible, longer ones first.

    >>> chunk_slices(7, 3)
    [slice(0, 3, None), slice(3, 5, None), slice(5, 7, None)]
    """
    short, longer = divmod(size, workers)
    bounds = [rank * short + min(rank, longer) for rank in range(workers + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds)]


def scatter_steps(buffer: np.ndarray, rank: int, workers: int) -> Steps:
    """Sum up around the ring, as worker `rank` of several, so that it ends with the whole sum of chunk rank + 1.

    A generator: `arrived = yield message` sends a message to the right neighbour, and gives what has arrived from
    the left one. All workers do the same at once. `chunk_slices` says where the chunks lie; they go around in a
    ring, so after the last one comes chunk 0. In step 0, 1, …, workers - 2 send chunk rank - step, and add what
    arrives to the chunk before it, in place.

    Parameters
    ----------
    buffer : ndarray of shape (size,), this worker's numbers; overwritten. Whoever drives the steps copies what
        is sent before anything is written
    rank, workers : int, which worker this is, counted from 0, and how many there are

    Cost: (workers - 1) / workers * size additions, and as many elements sent.

    >>> mine = np.array([1.0, 2.0])
    >>> steps = scatter_steps(mine, 0, 2)
    >>> next(steps).tolist()
    [1.0]
    >>> next_message(steps, np.array([20.0])) is None, mine.tolist()
    (True, [1.0, 22.0])
    """
    chunks = chunk_slices(buffer.size, workers)
    for step in range(workers - 1):
        arrived = yield buffer[chunks[(rank - step) % workers]]
        buffer[chunks[(rank - step - 1) % workers]] += arrived


def gather_steps(buffer: np.ndarray, rank: int, workers: int) -> Steps:
    """Hand the finished chunks around the ring, as worker `rank` of several, so that it ends with all of them.

    It begins where `scatter_steps` has ended: chunk rank + 1 is finished. In step 0, 1, …, workers - 2 send the
    chunk that was finished last, which is chunk rank + 1 - step, and write what arrives over the chunk before it.
    Nothing is added. Parameters and the meaning of `yield` are those of `scatter_steps`.

    Cost: (workers - 1) / workers * size elements sent, no arithmetic.

    >>> mine = np.array([1.0, 22.0])
    >>> steps = gather_steps(mine, 0, 2)
    >>> next(steps).tolist()
    [22.0]
    >>> next_message(steps, np.array([11.0])) is None, mine.tolist()
    (True, [11.0, 22.0])
    """
    chunks = chunk_slices(buffer.size, workers)
    for step in range(workers - 1):
        arrived = yield buffer[chunks[(rank + 1 - step) % workers]]
        buffer[chunks[(rank - step) % workers]] = arrived


def next_message(steps: Steps, arrived: np.ndarray | None) -> np.ndarray | None:
    """Give a worker what has arrived, None at first. Return a copy of what it sends next, or None at its end.

    Raises
    ------
    TypeError: there is no `yield` in the function, or it yields no array.
    """
    if not hasattr(steps, "send"):
        raise TypeError(f"ring: the steps of a worker are a {type(steps).__name__}; a function with `yield` gives them")
    try:
        message = steps.send(arrived)
    except StopIteration:
        return None
    if not isinstance(message, np.ndarray):
        raise TypeError(f"ring: a worker sends a {type(message).__name__}; yield the chunk, an array")
    return message.copy()


def drive(steps: Steps, exchange: Callable[[np.ndarray], np.ndarray]) -> int:
    """Run one worker's steps. `exchange` sends an array to the right, and returns what came from the left.

    Returns
    -------
    int, the bytes that this worker sent

    >>> drive(scatter_steps(np.ones(4), 0, 2), exchange=lambda message: message)
    16
    """
    sent, message = 0, next_message(steps, None)
    while message is not None:
        sent += message.nbytes
        message = next_message(steps, exchange(message))
    return sent


def play_ring(steps: list[Steps]) -> list[int]:
    """Run the steps of all workers in turn, in this process. Return the bytes that each one sent.

    Raises
    ------
    ValueError: a worker stops while others still send.
    RuntimeError: the steps do not end.

    >>> buffers = [np.array([1.0, 2.0]), np.array([10.0, 20.0])]
    >>> play_ring([scatter_steps(buffer, rank, 2) for rank, buffer in enumerate(buffers)])
    [8, 8]
    """
    sent, arriving = [0] * len(steps), [None] * len(steps)
    for _ in range(2 * len(steps)):
        messages = [next_message(each, arrived) for each, arrived in zip(steps, arriving)]
        over = [message is None for message in messages]
        if all(over):
            return sent
        if any(over):
            raise ValueError(f"ring: worker {over.index(True)} has stopped while others send; all take as many steps")
        sent = [total + message.nbytes for total, message in zip(sent, messages)]
        arriving = messages[-1:] + messages[:-1]  # worker r gets what worker r - 1 sent
    raise RuntimeError(f"ring: {len(steps)} workers still send after {2 * len(steps)} steps; workers - 1 are enough")


def reduce_scatter(buffers: list[np.ndarray]) -> list[int]:
    """Sum up around the ring, in place, so that worker r ends with the whole sum of chunk r + 1.

    Parameters
    ----------
    buffers : list of N ndarrays of shape (size,), one a worker; overwritten

    Returns
    -------
    list of int, the bytes that each worker sent

    Cost: (N - 1) / N * size additions and as many elements sent, for each worker.

    >>> buffers = [np.array([1.0, 2.0]), np.array([10.0, 20.0])]
    >>> reduce_scatter(buffers)
    [8, 8]
    >>> buffers[0].tolist(), buffers[1].tolist()
    ([1.0, 22.0], [11.0, 20.0])
    """
    return play_ring([scatter_steps(buffer, rank, len(buffers)) for rank, buffer in enumerate(buffers)])


def all_gather(buffers: list[np.ndarray]) -> list[int]:
    """Hand the finished chunks around the ring, in place, so that every worker ends with all of them.

    Worker r starts with the right values in chunk r + 1, as `reduce_scatter` leaves them. Returned are the
    bytes that each worker sent: (N - 1) / N * size elements, without arithmetic.

    >>> buffers = [np.array([1.0, 22.0]), np.array([11.0, 20.0])]
    >>> all_gather(buffers)
    [8, 8]
    >>> buffers[0].tolist(), buffers[1].tolist()
    ([11.0, 22.0], [11.0, 22.0])
    """
    return play_ring([gather_steps(buffer, rank, len(buffers)) for rank, buffer in enumerate(buffers)])


def ring_all_reduce(buffers: list[np.ndarray], average: bool = False) -> list[int]:
    """Replace every worker's array by the sum (or mean) of all of them, by sending chunks around a ring.

    All workers end with the same bits, because each chunk is summed in one place and then copied.

    Parameters
    ----------
    buffers : list of N ndarrays of one shape and floating-point dtype, one a worker; overwritten
    average : bool, divide the sum by N

    Returns
    -------
    list of int, the bytes that each worker sent: near 2 * (N - 1) / N * nbytes, whatever N is

    Raises
    ------
    ValueError, TypeError: no buffers, shapes or dtypes that differ, integers, or two workers with one memory.

    Cost: 2 * (N - 1) steps; see `modelled_all_reduce_seconds`.

    References: Patarasuk and Yuan (2009), Bandwidth optimal all-reduce algorithms.

    >>> buffers = [np.full((2, 2), 1.0), np.full((2, 2), 3.0)]
    >>> ring_all_reduce(buffers, average=True)
    [32, 32]
    >>> buffers[0].tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    check_buffers(buffers)
    flat = [buffer.ravel() for buffer in buffers]  # (…) -> (size,), a view
    sent = [scattered + gathered for scattered, gathered in zip(reduce_scatter(flat), all_gather(flat))]
    if average:
        for buffer in buffers:
            buffer /= len(buffers)
    return sent


def check_buffers(buffers: list[np.ndarray]) -> None:
    """Raise unless the buffers can be reduced together, in place."""
    if not buffers:
        raise ValueError("ring_all_reduce: no buffers; pass one array for each worker")
    first = buffers[0]
    for rank, buffer in enumerate(buffers):
        if not isinstance(buffer, np.ndarray) or buffer.dtype.kind != "f" or not buffer.flags.writeable:
            raise TypeError(
                f"ring_all_reduce: worker {rank} has a "
                f"{getattr(buffer, 'dtype', type(buffer).__name__)}; it needs a writeable array "
                "of floating-point numbers"
            )
        if buffer.shape != first.shape or buffer.dtype != first.dtype:
            raise ValueError(
                f"ring_all_reduce: worker {rank} has shape {buffer.shape} of {buffer.dtype} and "
                f"worker 0 {first.shape} of {first.dtype}; all workers reduce the same "
                "parameters"
            )
        if not buffer.flags.c_contiguous:
            raise ValueError(
                f"ring_all_reduce: worker {rank}'s array does not lie row by row; pass np.ascontiguousarray(…)"
            )
        if any(np.shares_memory(buffer, other) for other in buffers[:rank]):
            raise ValueError(
                f"ring_all_reduce: worker {rank} shares its memory with another; each worker has its own array"
            )


# What communication costs: a model with two numbers.


class Link(NamedTuple):
    """A connection between two neighbours, as a model: a message of n bytes takes latency + n / bandwidth.

    latency : float, seconds until the first byte arrives
    bandwidth : float, bytes a second

    References: Hockney (1994), The communication challenge for MPP. The two are also called alpha and beta.
    """

    latency: float
    bandwidth: float

    def modelled_seconds(self, nbytes: float) -> float:
        """Return the modelled time of one message, in seconds.

        >>> Link(latency=1e-5, bandwidth=1e9).modelled_seconds(1_000_000)
        0.00101
        """
        return self.latency + nbytes / self.bandwidth


def check_link(link: Link) -> None:
    """Raise unless a link has a latency of at least 0 and a bandwidth above 0."""
    if not 0 <= link.latency < math.inf:
        raise ValueError(f"Link: latency {link.latency} s; it must be finite, 0 or more")
    if not link.bandwidth > 0:
        raise ValueError(f"Link: bandwidth {link.bandwidth} bytes/s; it must be above 0")


def modelled_all_reduce_seconds(nbytes: int, workers: int, link: Link) -> float:
    """Return the modelled seconds of a ring all-reduce: 2 * (N - 1) messages of nbytes / N, in turn.

    The bandwidth part is 2 * (N - 1) / N * nbytes / bandwidth and hardly grows with N. The latency part grows
    with N, so small gradients on many workers cost waiting, not bytes.

    Parameters
    ----------
    nbytes : int, the size of the array that each worker has
    link : Link, the same between all neighbours

    Raises
    ------
    ValueError: nbytes below 0, workers below 1, or a link with impossible numbers.

    >>> round(modelled_all_reduce_seconds(4_000_000, 4, Link(latency=0.0, bandwidth=1e9)), 6)
    0.006
    """
    check_workers("modelled_all_reduce_seconds", workers)
    check_message(nbytes, link)
    return 2 * (workers - 1) * link.modelled_seconds(nbytes / workers)


def check_message(nbytes: float, link: Link) -> None:
    """Raise unless a number of bytes is finite and at least 0, and the link a possible one."""
    check_link(link)
    if not 0 <= nbytes < math.inf:
        raise ValueError(f"modelled_all_reduce_seconds: nbytes is {nbytes}; it must be finite, 0 or more")


def check_workers(name: str, workers: int) -> None:
    """Raise unless `workers` is an integer of at least 1."""
    if not is_whole(workers):
        raise TypeError(f"{name}: workers {workers!r} is not an integer")
    if workers < 1:
        raise ValueError(f"{name}: workers is {workers}; it must be at least 1")


# Slow workers: all wait for the last.


class Stragglers(NamedTuple):
    """How workers are slowed, as a model: each one at each step by chance, whatever happened before.

    probability : float from 0 to 1, that a worker is slow in a step
    slowdown : float, at least 1, how many times longer it then takes
    """

    probability: float = 0.0
    slowdown: float = 1.0

    def modelled_factors(self, shape: tuple[int, ...], rng: int | np.random.Generator | None = None) -> np.ndarray:
        """Return a factor on the compute time for each place in a shape such as (steps, workers).

        Raises
        ------
        ValueError: a probability that is none, or a slowdown below 1.

        >>> Stragglers(probability=0.5, slowdown=3.0).modelled_factors((6,), rng=0).tolist()
        [1.0, 3.0, 3.0, 3.0, 1.0, 1.0]
        """
        check_stragglers(self)
        return np.where(default_rng(rng).random(shape) < self.probability, self.slowdown, 1.0)

    def modelled_step_factor(self, workers: int) -> float:
        """Return the expected factor on a whole step, which lasts as long as its slowest worker.

        One slow worker is enough: 1 + (slowdown - 1) * (1 - (1 - probability)^N).

        >>> [round(Stragglers(0.01, 3.0).modelled_step_factor(workers), 2) for workers in (1, 8, 64)]
        [1.02, 1.15, 1.95]
        """
        check_stragglers(self)
        check_workers("modelled_step_factor", workers)
        return 1.0 + (self.slowdown - 1.0) * (1.0 - (1.0 - self.probability) ** workers)


def check_stragglers(stragglers: Stragglers) -> None:
    """Raise unless the probability is one and the slowdown is at least 1."""
    if not 0 <= stragglers.probability <= 1:
        raise ValueError(f"Stragglers: probability {stragglers.probability}; it must be from 0 to 1")
    if not 1 <= stragglers.slowdown < math.inf:
        raise ValueError(
            f"Stragglers: slowdown {stragglers.slowdown}; it must be finite and at least 1, which is no slowdown"
        )


class ScalingPoint(NamedTuple):
    """What the model says of one number of workers on a batch that stays the same (strong scaling).

    modelled_compute_seconds : float, of the slowest worker
    modelled_communication_seconds : float, of the all-reduce
    modelled_step_seconds : float, the sum of the two
    modelled_speedup : float, the step of one worker alone divided by this step
    modelled_efficiency : float, the speedup divided by the workers; 1 is perfect
    """

    workers: int
    modelled_compute_seconds: float
    modelled_communication_seconds: float
    modelled_step_seconds: float
    modelled_speedup: float
    modelled_efficiency: float


def modelled_scaling(
    compute_seconds: float, nbytes: int, workers: int, link: Link, stragglers: Stragglers = Stragglers()
) -> ScalingPoint:
    """Return what N workers make of a step that takes one worker `compute_seconds`.

    Compute is divided by N and lengthened by the expected slowest worker; communication is added to
    it, as if nothing overlapped. One worker alone communicates nothing, but is slow at times as well.

    Parameters
    ----------
    compute_seconds : float above 0, one worker's time for the whole batch: measure it
    nbytes : int, the size of all gradients

    Raises
    ------
    ValueError: compute_seconds not above 0, or as `modelled_all_reduce_seconds` and `Stragglers`.

    >>> point = modelled_scaling(0.1, 4_000_000, 4, Link(latency=0.0, bandwidth=1e9))
    >>> [round(value, 3) for value in point[3:]]
    [0.031, 3.226, 0.806]
    """
    if not 0 < compute_seconds < math.inf:
        raise ValueError(
            f"modelled_scaling: compute_seconds is {compute_seconds}; it must be finite and above 0, so measure a step"
        )
    communication = modelled_all_reduce_seconds(nbytes, workers, link)
    compute = compute_seconds / workers * stragglers.modelled_step_factor(workers)
    step = compute + communication
    speedup = compute_seconds * stragglers.modelled_step_factor(1) / step
    return ScalingPoint(workers, compute, communication, step, speedup, speedup / workers)


# Training: the same model on every worker, a part of the batch for each.


def flatten_gradients(model: Layer) -> np.ndarray:
    """Return all gradients in one array: one long message is cheaper than many short ones.

    Raises
    ------
    ValueError: a parameter that is not frozen has no gradient ("flatten_gradients: weight has …").

    >>> from tinytorch.core.layers import Linear
    >>> layer = Linear(1, 2)
    >>> layer(Tensor([[3.0]])).sum().backward()
    >>> flatten_gradients(layer).tolist()
    [3.0, 3.0, 1.0, 1.0]
    """
    learned = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    for name, parameter in learned:
        if parameter.grad is None:
            raise ValueError(
                f"flatten_gradients: {name} has no gradient; every parameter must be used in "
                "the loss, or be frozen with requires_grad = False"
            )
    return np.concatenate([parameter.grad.ravel() for _, parameter in learned])  # each (…) -> (size,)


def write_gradients(model: Layer, flat: np.ndarray) -> None:
    """Give a model's parameters the gradients that `flatten_gradients` put one after the other.

    >>> from tinytorch.core.layers import Linear
    >>> layer = Linear(1, 2)
    >>> write_gradients(layer, np.array([1.0, 2.0, 3.0, 4.0]))
    >>> layer.weight.grad.tolist(), layer.bias.grad.tolist()
    ([[1.0, 2.0]], [3.0, 4.0])
    """
    start = 0
    for parameter in model.parameters():
        if parameter.requires_grad:
            part = flat[start : start + parameter.size]
            parameter.grad = part.reshape(parameter.shape).astype(parameter.dtype)  # (size,) -> its shape
            start += parameter.size


class StepReport(NamedTuple):
    """What one parallel step did.

    loss : float, the mean over the whole batch
    bytes_sent : list of int, what each worker really sent around the ring
    measured_compute_seconds : list of float, forward and backward of each worker, timed one after the other
    modelled_compute_seconds : list of float, the same times with the model's slow workers
    modelled_communication_seconds : float, of the all-reduce
    modelled_step_seconds : float, the slowest worker plus communication
    """

    loss: float
    bytes_sent: list[int]
    measured_compute_seconds: list[float]
    modelled_compute_seconds: list[float]
    modelled_communication_seconds: float
    modelled_step_seconds: float


class DataParallel:
    """N replicas of a model that train on one batch together: real gradients, real exchange, modelled time.

    Each replica gets its part of the batch, the gradients are summed around the ring, and every replica makes
    the same step with its own optimizer. So all keep the same weights without ever sending one. Layers that
    look at the whole batch (batch normalization) or draw random numbers (dropout) see only their part.

    Parameters
    ----------
    model : Layer; it becomes replica 0, the others are copies of it
    loss_fn : called with predictions and targets, returns the mean loss over the samples
    make_optimizer : called with a list of parameters, those that are not frozen; returns an optimizer
    link, stragglers : for the modelled times of communication and compute
    rng : None, int or numpy.random.Generator, for the stragglers

    Raises
    ------
    TypeError, ValueError: no Layer, or workers below 1.

    References: Li et al. (2020), PyTorch Distributed: Experiences on Accelerating Data Parallel Training.

    >>> from tinytorch.core.layers import Linear
    >>> from tinytorch.core.losses import MSELoss
    >>> from tinytorch.core.optimizers import SGD
    >>> team = DataParallel(Linear(3, 1), MSELoss(), lambda parameters: SGD(parameters, lr=0.1), workers=2)
    >>> report = team.train_step(np.ones((5, 3), dtype=np.float32), np.zeros((5, 1), dtype=np.float32))
    >>> report.bytes_sent, np.array_equal(team.replicas[0].weight.data, team.replicas[1].weight.data)
    ([16, 16], True)
    """

    def __init__(
        self,
        model: Layer,
        loss_fn: Callable[[Tensor, Tensor], Tensor],
        make_optimizer: Callable[[list[Tensor]], Any],
        workers: int,
        link: Link = Link(latency=5e-5, bandwidth=1.25e9),
        stragglers: Stragglers = Stragglers(),
        rng: int | np.random.Generator | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not isinstance(model, Layer):
            raise TypeError(f"DataParallel: got {type(model).__name__}; pass a Layer")
        check_workers("DataParallel", workers)
        check_link(link)
        check_stragglers(stragglers)
        self.loss_fn, self.link, self.stragglers, self.clock = loss_fn, link, stragglers, clock
        self.rng = default_rng(rng)
        self.replicas = [model] + [copy.deepcopy(model) for _ in range(workers - 1)]
        self.optimizers = [
            make_optimizer(
                [parameter for parameter in replica.parameters() if getattr(parameter, "requires_grad", True)]
            )
            for replica in self.replicas
        ]

    def train_step(self, x: Tensor | np.ndarray, targets: Tensor | np.ndarray) -> StepReport:
        """Make one step with all replicas on a batch of x (N, …) and targets (N, …), Tensors or ndarrays.

        Raises
        ------
        ValueError: not as many targets as samples, or fewer samples than workers.

        Cost: forward and backward of the whole batch; for each replica an all-reduce and an optimizer step.
        """
        shards = self.shards(x, targets)
        losses, flat, seconds = [], [], []
        for replica, (part, wanted) in zip(self.replicas, shards):
            start = self.clock()
            losses.append(self.gradients(replica, part, wanted, part.shape[0] / len(x)))
            seconds.append(self.clock() - start)
            flat.append(flatten_gradients(replica))
        sent = ring_all_reduce(flat)
        for replica, optimizer, summed in zip(self.replicas, self.optimizers, flat):
            write_gradients(replica, summed)
            optimizer.step()
        factors = self.stragglers.modelled_factors((len(seconds),), self.rng)
        slowed = [factor * measured for factor, measured in zip(factors.tolist(), seconds)]
        communication = modelled_all_reduce_seconds(flat[0].nbytes, len(flat), self.link)
        return StepReport(sum(losses), sent, seconds, slowed, communication, max(slowed) + communication)

    def shards(
        self, x: Tensor | np.ndarray, targets: Tensor | np.ndarray, workers: int | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        """Return a part of the batch for each worker, as equal as possible, or raise.

        `workers` is how many, if not one for each replica.
        """
        workers = len(self.replicas) if workers is None else workers
        x, targets = (value if isinstance(value, Tensor) else Tensor(value) for value in (x, targets))
        if x.ndim == 0 or targets.shape[:1] != x.shape[:1]:
            raise ValueError(
                f"train_step: x of shape {x.shape} and targets of shape {targets.shape} need "
                "the same number of samples in their first axis"
            )
        if len(x) < workers:
            raise ValueError(
                f"train_step: {len(x)} samples for {workers} workers; each needs at "
                "least one, so make the batch larger or use fewer workers"
            )
        return [(x[part], targets[part]) for part in chunk_slices(len(x), workers)]

    def gradients(self, replica: Layer, x: Tensor, targets: Tensor, share: float) -> float:
        """Compute one replica's gradients on its part of a batch, in the parameters. Return its part of the loss.

        Loss and gradients are those of the part's mean times `share`, its share of the samples of the whole batch:
        so the parts of all replicas sum up to the mean over the batch. Old gradients are dropped first.

        Parameters
        ----------
        x, targets : Tensors with the samples of this part
        share : float above 0, at most 1; 0.25 for a quarter of the batch

        Returns
        -------
        float
        """
        for parameter in replica.parameters():
            parameter.grad = None
        loss = self.loss_fn(replica(x), targets) * share
        loss.backward()
        return loss.item()
