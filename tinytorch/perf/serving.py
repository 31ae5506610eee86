"""Serving: requests that arrive one by one, answered in batches.

Built in chapter 18. Depends on `tensor` and `profiling`.

A matrix product for 32 requests takes hardly longer than for 1, so a server that waits a moment
and answers several together serves more of them, at the price of the waiting. `DynamicBatcher`
shows what that trade does to the latency that nearly everybody gets (p50) and that the unlucky
get (p99).

What is real and what is not: the arrival times are given, and time passes on a simulated clock,
so that a minute of traffic takes no minute. Every batch really runs through the model, and how
long that takes is measured, unless a function is given that says how long it shall take.

References: Crankshaw et al. 2017, "Clipper: a low-latency online prediction serving system".
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor, from_numpy, to_array
from tinytorch.perf.profiling import (
    Clock,
    check_amounts,
    check_count,
    check_positive,
    in_use,
    readable_seconds,
)


def poisson_arrivals(rate: float, count: int, seed: int = 0) -> np.ndarray:
    """Return when `count` requests arrive that know nothing of each other, `rate` a second on average.

    The gaps are from the exponential distribution; the result is a float64 ndarray of seconds, growing.

    Raises
    ------
    TypeError, ValueError: the rate is not positive, or count is no number of requests.

    >>> arrivals = poisson_arrivals(rate=100, count=10_000)
    >>> bool(95 < 10_000 / arrivals[-1] < 105)
    True
    """
    check_positive("poisson_arrivals", {"rate": rate})
    check_count("poisson_arrivals", "count", count, least=0)
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate, count))


@dataclass(frozen=True)
class Response:
    """What became of one request.

    Attributes
    ----------
    arrived, started, finished : float, seconds on the simulated clock
    batch : int, how many requests were answered together with it
    result : ndarray, one row of the model's result; None where it failed
    error : Exception, or None
    """

    arrived: float
    started: float
    finished: float
    batch: int
    result: np.ndarray | None = None
    error: Exception | None = None

    @property
    def latency(self) -> float:
        """Seconds from arrival to answer: waiting and computing.

        >>> Response(arrived=1.0, started=1.5, finished=3.0, batch=1).latency
        2.0
        """
        return self.finished - self.arrived


@dataclass(frozen=True)
class ServingResult:
    """A run of a batcher: every response, and what they say together.

    Attributes
    ----------
    responses : tuple of Response, in the order of the requests
    batches : tuple of int, the size of each batch in the order in which they ran
    busy : float, seconds in which the model computed
    service : "measured" or "given": where the service times come from

    >>> answers = (Response(0.0, 0.0, 1.0, 1, np.zeros(1)), Response(1.0, 1.0, 4.0, 1, np.zeros(1)))
    >>> run = ServingResult(answers, (1, 1), 4.0, "given", 1, 0.0)
    >>> run.percentile(50), run.throughput, run.mean_batch
    (2.0, 0.5, 1.0)
    """

    responses: tuple[Response, ...]
    batches: tuple[int, ...]
    busy: float
    service: str
    max_batch_size: int
    max_wait: float

    def percentile(self, percent: float) -> float:
        """Return the seconds in which `percent` percent of the answered requests were; else ValueError."""
        latencies = [response.latency for response in self.responses if response.error is None]
        if not latencies:
            raise ValueError("percentile: no request was answered, so there is no latency")
        return float(np.percentile(latencies, percent))

    @property
    def p50(self) -> float:
        """Seconds that half of the answered requests waited at most."""
        return self.percentile(50)

    @property
    def p99(self) -> float:
        """Seconds that 99 of 100 answered requests waited at most."""
        return self.percentile(99)

    @property
    def failed(self) -> int:
        """Number of requests that got an error instead of a result."""
        return sum(response.error is not None for response in self.responses)

    @property
    def seconds(self) -> float:
        """Seconds from the first arrival to the last answer; 0 without requests."""
        if not self.responses:
            return 0.0
        return max(response.finished for response in self.responses) - self.responses[0].arrived

    @property
    def throughput(self) -> float:
        """Answered requests a second."""
        answered = len(self.responses) - self.failed
        return answered / self.seconds if self.seconds else 0.0

    @property
    def mean_batch(self) -> float:
        """Requests a batch on average."""
        return len(self.responses) / len(self.batches) if self.batches else 0.0

    def __str__(self) -> str:
        """Return one line."""
        times = (
            "no answers"
            if self.failed == len(self.responses)
            else (f"p50 {readable_seconds(self.p50)}, p99 {readable_seconds(self.p99)}")
        )
        return (
            f"batches of up to {self.max_batch_size} (mean {self.mean_batch:.1f}), wait up to "
            f"{readable_seconds(self.max_wait)}: {times}, {self.throughput:.4g} requests/s, "
            f"{self.failed} failed; service times {self.service}"
        )


class DynamicBatcher:
    """Collects requests into batches: as many as are there, up to a size, waiting up to a time.

    One worker runs the model. When it is free, it waits until `max_batch_size` requests are there
    or until the oldest one has waited `max_wait` seconds, and then takes what is there.

    Parameters
    ----------
    model_fn : function of a Tensor (B, …) that returns a Tensor or array (B, …); a Layer runs in eval mode
    max_batch_size : int, at least 1
    max_wait : float, seconds; 0 takes what is there at once
    clock : function that returns seconds, for measuring the service times

    Raises
    ------
    TypeError, ValueError: `model_fn` cannot be called, or a size or a time is none.

    >>> batcher = DynamicBatcher(lambda x: x * 2, max_batch_size=2, max_wait=0.5)
    >>> run = batcher.run([[1.0], [2.0], [3.0]], [0.0, 0.1, 9.0], service_time=lambda size: 1.0)
    >>> [response.finished for response in run.responses], run.batches
    ([1.1, 1.1, 10.5], (2, 1))
    """

    def __init__(
        self, model_fn: Callable[[Tensor], Any], max_batch_size: int, max_wait: float, clock: Clock = time.perf_counter
    ) -> None:
        if not callable(model_fn):
            raise TypeError(f"DynamicBatcher: model_fn is {type(model_fn).__name__}; it must be a model or a function")
        self.max_batch_size = check_count("DynamicBatcher", "max_batch_size", max_batch_size)
        check_amounts("DynamicBatcher", {"max_wait": max_wait})
        self.model_fn = model_fn
        self.max_wait = max_wait
        self.clock = clock

    def run(
        self, requests: Sequence[Any], arrivals: Sequence[float], service_time: Callable[[int], float] | None = None
    ) -> ServingResult:
        """Answer all requests, and return when and with what.

        A request that makes the model raise gets its exception as its answer; the others of its
        batch are answered all the same.

        Parameters
        ----------
        requests : sequence of N examples, each a Tensor, array or list of one shape
        arrivals : sequence of N seconds, not falling
        service_time : function of a batch's size that returns seconds, or None to measure

        Raises
        ------
        ValueError: not as many arrivals as requests, or they fall, or a time is none.

        Cost: one run of the model for each batch, and one for each request of a batch that failed.
        """
        arrivals = check_arrivals(requests, arrivals)
        responses: list[Response] = []
        batches: list[int] = []
        free = busy = 0.0
        while len(responses) < len(requests):
            first = len(responses)
            start = self.start_of(arrivals, first, free)
            size = self.size_at(arrivals, first, start)
            answers, seconds = self.answer(requests[first : first + size], service_time)
            free = start + seconds
            busy += seconds
            batches.append(size)
            responses += [
                Response(float(arrived), start, free, size, *answer)
                for arrived, answer in zip(arrivals[first : first + size], answers)
            ]
        service = "measured" if service_time is None else "given"
        return ServingResult(tuple(responses), tuple(batches), busy, service, self.max_batch_size, self.max_wait)

    def start_of(self, arrivals: np.ndarray, first: int, free: float) -> float:
        """Return when the batch that begins with request `first` starts.

        Parameters
        ----------
        arrivals : ndarray of float, seconds, sorted
        first : int, the number of a request
        free : float, when the worker is free

        Returns
        -------
        float, seconds

        >>> batcher = DynamicBatcher(abs, max_batch_size=2, max_wait=1.0)
        >>> arrivals = np.array([5.0, 5.5, 9.0])
        >>> batcher.start_of(arrivals, 0, free=0.0)
        5.5
        >>> batcher.start_of(arrivals, 2, free=0.0)
        10.0
        """
        last = first + self.max_batch_size - 1
        full = arrivals[last] if last < len(arrivals) else math.inf
        return float(max(free, min(full, arrivals[first] + self.max_wait)))

    def size_at(self, arrivals: np.ndarray, first: int, start: float) -> int:
        """Return how many requests from `first` on are there at `start`, up to the batch size.

        >>> batcher = DynamicBatcher(abs, max_batch_size=2, max_wait=1.0)
        >>> batcher.size_at(np.array([0.0, 1.0, 2.0]), 0, 1.0), batcher.size_at(np.array([0.0, 1.0]), 0, 0.5)
        (2, 1)
        """
        there = int(np.searchsorted(arrivals, start, side="right")) - first
        return max(1, min(self.max_batch_size, there))

    def answer(self, requests: Sequence[Any], service_time: Callable[[int], float] | None) -> tuple[list[tuple], float]:
        """Return (result, error) for each request of a batch, and the seconds it took.

        Where the whole batch raises, each request runs alone, and keeps its own exception.
        """
        start = self.clock()
        try:
            answers = [(row, None) for row in self.call(requests)]
        except Exception:  # whatever the model raises belongs to a request, not to the server
            answers = [self.answer_alone(request) for request in requests]
        seconds = self.clock() - start
        if service_time is not None:
            seconds = service_time(len(requests))
            check_amounts("DynamicBatcher.run", {"service_time": seconds})
        return answers, seconds

    def answer_alone(self, request: Any) -> tuple[np.ndarray | None, Exception | None]:
        """Return (result, None) for one request, or (None, the exception it raises)."""
        try:
            return self.call([request])[0], None
        except Exception as error:
            return None, error

    def call(self, requests: Sequence[Any]) -> np.ndarray:
        """Return the model's result for a stack of requests, an array with one row for each.

        Raises
        ------
        ValueError: the requests have different shapes, or the model returns another number of rows.
        """
        batch = from_numpy(np.stack([to_array(request) for request in requests]))  # B of (…) -> (B, …)
        with in_use(self.model_fn):
            result = self.model_fn(batch)
        rows = result.data if isinstance(result, Tensor) else np.asarray(result)
        if rows.shape[:1] != (len(requests),):
            raise ValueError(
                f"DynamicBatcher: the model returned shape {rows.shape} for {len(requests)} "
                "requests; it must return one row for each"
            )
        return rows


def check_arrivals(requests: Sequence[Any], arrivals: Sequence[float]) -> np.ndarray:
    """Return the arrival times as an array, or raise where they do not belong to the requests.

    >>> check_arrivals(["a", "b"], [0, 1]).tolist()
    [0.0, 1.0]
    """
    times = np.asarray(arrivals, dtype=np.float64)
    if times.shape != (len(requests),):
        raise ValueError(
            f"DynamicBatcher: {len(requests)} requests and arrivals of shape {times.shape}; "
            "each request needs one arrival time"
        )
    if not np.isfinite(times).all() or (times < 0).any() or (np.diff(times) < 0).any():
        raise ValueError("DynamicBatcher: arrivals must be finite seconds of at least 0 that do not fall; sort them")
    return times


def compare_batch_sizes(
    model_fn: Callable[[Tensor], Any],
    requests: Sequence[Any],
    arrivals: Sequence[float],
    sizes: Sequence[int],
    max_wait: float,
    service_time: Callable[[int], float] | None = None,
    clock: Clock = time.perf_counter,
) -> dict[int, ServingResult]:
    """Return a run of the same traffic for each batch size in `sizes`; the rest as for `DynamicBatcher`.

    >>> runs = compare_batch_sizes(lambda x: x, [[0.0]] * 4, [0.0] * 4, [1, 4], 0.0, lambda size: 1.0)
    >>> runs[1].p50, runs[4].p50
    (2.5, 1.0)
    """
    return {
        size: DynamicBatcher(model_fn, size, max_wait, clock).run(requests, arrivals, service_time) for size in sizes
    }
