"""Benchmarking: is one program really faster than another, or did the machine just breathe?

Built in chapter 19. Depends on `tensor` and `profiling`.

The file reads from top to bottom: samples become an interval (`bootstrap_ci`), samples with a
name become a result (`BenchmarkResult`), two results become a verdict (`compare`); then the
measuring itself (`Benchmark`, `BenchmarkSuite`) and runs against a target (`MLPerf`).

References: Efron 1979, "Bootstrap methods: another look at the jackknife"; Mytkowicz et al.
2009, "Producing wrong data without doing anything obviously wrong"; Reddi et al. 2020, "MLPerf
Inference Benchmark".
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor, from_numpy, read_numbers
from tinytorch.perf.profiling import (
    Clock,
    as_inputs,
    bytes_of,
    calls_for_clock,
    check_count,
    check_positive,
    in_use,
    readable_bytes,
    readable_seconds,
    seconds_per_call,
)

RESAMPLES = 2000  # enough that the interval's ends move by a few percent of its width between seeds

STATISTICS = {"median": np.median, "mean": np.mean}

TIMES = ("s", "ms", "us", "ns")  # units of which less is faster


# From samples to an interval.


def check_samples(name: str, samples: Any) -> np.ndarray:
    """Return `samples` as a float64 array; ValueError unless they are a list of finite numbers, at least one.

    >>> check_samples("bootstrap_ci", [1, 2]).tolist()
    [1.0, 2.0]
    """
    array = np.asarray(samples, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name}: samples must be a list of at least one number; got shape {array.shape}")
    if not np.isfinite(array).all():
        odd = np.count_nonzero(~np.isfinite(array))
        raise ValueError(
            f"{name}: {odd} of {array.size} samples are NaN or infinite; measure again, or leave them out and say so"
        )
    return array


def samples_needed(confidence: float) -> int:
    """Return how many samples an interval of this confidence, between 0 and 1, needs at least.

    Even the interval from the smallest to the largest of n samples misses the true median
    with probability 2 / 2 ** n: when all samples fall on one side of it.

    >>> samples_needed(0.95), samples_needed(0.99)
    (6, 8)
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1; got {confidence}; write 0.95 for 95 %")
    n = 2
    while 2 / 2**n > 1 - confidence:
        n += 1
    return n


def bootstrap_ci(
    samples: Any,
    statistic: Callable[..., Any] = np.median,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """Return an interval that holds the true statistic with the given confidence.

    Drawing n of the samples with replacement is like measuring anew. The statistic of many such draws
    spreads as it would over many measurements; the interval is the middle of that spread.

    Parameters
    ----------
    samples : sequence of n numbers
    statistic : function of an array and `axis`, such as np.median or np.mean
    confidence : float between 0 and 1
    seed : int, for the draws; the same seed gives the same interval
    resamples : int, number of draws

    Returns
    -------
    low, high : floats

    Raises
    ------
    ValueError: too few samples for the confidence ("bootstrap_ci: 3 samples …"), or not finite.

    Cost: resamples * n numbers drawn and one statistic for each resample.

    Few samples show too little of a long tail: of 95 % intervals of the mean of 6 exponential samples
    78 % held it, of 20 samples 88 %; of the median 93 % and 95 %.

    >>> bootstrap_ci([1.0] * 10)
    (1.0, 1.0)
    """
    samples = check_samples("bootstrap_ci", samples)
    least = samples_needed(confidence)
    if len(samples) < least:
        raise ValueError(
            f"bootstrap_ci: {len(samples)} samples cannot carry an interval of "
            f"{confidence:.0%}; measure at least {least}"
        )
    check_count("bootstrap_ci", "resamples", resamples)
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(samples), size=(resamples, len(samples)))
    return middle(statistic(samples[rows], axis=1), confidence)


def share_interval(right: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson interval of a share, such as an accuracy: `right` of `count` examples.

    Drawing anew from 8 right answers gives 8 right answers, so a bootstrap would promise 100 %.
    This interval holds the shares from which what was seen is not surprising.

    References: Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    >>> [round(end, 3) for end in share_interval(8, 8)]
    [0.676, 1.0]
    """
    from statistics import NormalDist

    samples_needed(confidence)  # refuses what is no confidence
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = right / count, z * z / count
    center = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    return max(0.0, min(center - half, share)), min(1.0, max(center + half, share))


def middle(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the ends of the middle part of `values` that holds `confidence` of them.

    >>> middle(np.arange(101), 0.5)
    (25.0, 75.0)
    """
    outside = (1 - confidence) / 2
    low, high = np.quantile(values, [outside, 1 - outside])
    return float(low), float(high)


@dataclass(frozen=True)
class BenchmarkResult:
    """What was measured of one candidate: all samples, and what they say.

    Parameters
    ----------
    samples : sequence of finite numbers, at least one
    unit : str, such as "s" or "fraction"
    statistic : "median" (for times: a slow outlier does not move it) or "mean" (for accuracy)

    Raises
    ------
    ValueError: no samples, not finite, or an unknown statistic.

    >>> result = BenchmarkResult("relu", [0.003, 0.001, 0.002])
    >>> result.value, result.percentile(50), result.spread
    (0.002, 0.002, 0.001)
    """

    name: str
    samples: Sequence[float]
    unit: str = "s"
    statistic: str = "median"

    def __post_init__(self) -> None:
        """Check the samples and keep them as a tuple of floats, which nobody changes later."""
        if self.statistic not in STATISTICS:
            raise ValueError(f"BenchmarkResult: statistic {self.statistic!r} is unknown; use 'median' or 'mean'")
        object.__setattr__(self, "samples", tuple(check_samples("BenchmarkResult", self.samples).tolist()))

    @property
    def value(self) -> float:
        """The one number that stands for the samples: their median or mean."""
        return float(STATISTICS[self.statistic](self.samples))

    @property
    def median(self) -> float:
        """Half of the samples are below, half above."""
        return self.percentile(50)

    @property
    def spread(self) -> float:
        """Interquartile range: how wide the middle half of the samples is, in the result's unit."""
        return self.percentile(75) - self.percentile(25)

    def percentile(self, percent: float) -> float:
        """Return the value below which `percent` percent, from 0 to 100, of the samples lie.

        >>> BenchmarkResult("x", range(101)).percentile(99)
        99.0
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"percentile: {percent} is not between 0 and 100")
        return float(np.percentile(self.samples, percent))

    def confidence_interval(self, confidence: float = 0.95, seed: int = 0) -> tuple[float, float]:
        """Return an interval of `value`: of a mean of zeros and ones `share_interval`, else `bootstrap_ci`.

        >>> BenchmarkResult("x", [2.0] * 8).confidence_interval()
        (2.0, 2.0)
        """
        if self.statistic == "mean" and set(self.samples) <= {0.0, 1.0}:
            return share_interval(int(sum(self.samples)), len(self.samples), confidence)
        return bootstrap_ci(self.samples, STATISTICS[self.statistic], confidence, seed)

    def __str__(self) -> str:
        """Return one line: value, interval where there are samples enough, and their number.

        >>> print(BenchmarkResult("relu", [0.002] * 8))
        relu: median 2 ms (95 % interval 2 ms to 2 ms; 8 samples)
        """
        start, count = f"{self.name}: {self.statistic} {self.show(self.value)}", len(self.samples)
        if count < samples_needed(0.95):
            return f"{start} ({count} samples, too few for an interval)"
        low, high = self.confidence_interval()
        return f"{start} (95 % interval {self.show(low)} to {self.show(high)}; {count} samples)"

    def show(self, value: float) -> str:
        """Return `value` with the result's unit, times in a unit that reads well."""
        return readable_seconds(value) if self.unit == "s" else f"{value:.4g} {self.unit}"


# From two results to a verdict.


@dataclass(frozen=True)
class Comparison:
    """How a candidate's times stand to a baseline's.

    Attributes
    ----------
    ratio : float, candidate / baseline: 0.5 needs half the time
    low, high : float, the interval of the ratio
    verdict : "faster", "slower", or "no difference shown" where the interval holds 1

    >>> print(Comparison("a", "b", 0.5, 0.4, 0.6, 0.95, "faster"))
    b takes 0.500 of a's time (95 % interval 0.400 to 0.600): faster
    """

    baseline: str
    candidate: str
    ratio: float
    low: float
    high: float
    confidence: float
    verdict: str

    def __str__(self) -> str:
        """Return one line."""
        return (
            f"{self.candidate} takes {self.ratio:.3f} of {self.baseline}'s time "
            f"({100 * self.confidence:g} % interval {self.low:.3f} to {self.high:.3f}): {self.verdict}"
        )


def compare(
    baseline: BenchmarkResult, candidate: BenchmarkResult, paired: bool = False, confidence: float = 0.95, seed: int = 0
) -> Comparison:
    """Return whether a candidate is faster than a baseline, slower, or whether that is not shown.

    The ratio candidate / baseline gets a bootstrap interval. Only where all of it lies on one
    side of 1 is there a verdict. "No difference shown" does not say that there is none: more
    samples, or a quieter machine, may show one.

    Paired, sample i of both was measured in the same round; the ratio is the median of the rounds'
    ratios, and what slowed a whole round cancels out. Unpaired, it is the ratio of the two medians.

    Parameters
    ----------
    baseline, candidate : BenchmarkResult of times, in the same unit
    confidence : float between 0 and 1
    seed : int, for the bootstrap

    Raises
    ------
    ValueError: units differ or are none of time, a sample is not positive, there are too few, or
        not as many as pairs need ("compare: …").

    References: Kalibera and Jones 2013, "Rigorous benchmarking in reasonable time".

    >>> a = BenchmarkResult("a", [1.0, 1.1, 0.9, 1.0, 1.2, 1.0])
    >>> b = BenchmarkResult("b", [2.0, 2.1, 1.9, 2.0, 2.2, 2.0])
    >>> compare(a, b).verdict, compare(a, a).verdict
    ('slower', 'no difference shown')
    """
    check_comparable(baseline, candidate, paired)
    before, after = np.array(baseline.samples), np.array(candidate.samples)
    if paired:
        ratios = after / before
        ratio = float(np.median(ratios))
        low, high = bootstrap_ci(ratios, np.median, confidence, seed)
    else:
        ratio = float(np.median(after) / np.median(before))
        low, high = ratio_interval(before, after, confidence, seed)
    verdict = "faster" if high < 1 else "slower" if low > 1 else "no difference shown"
    return Comparison(baseline.name, candidate.name, ratio, low, high, confidence, verdict)


def check_comparable(baseline: BenchmarkResult, candidate: BenchmarkResult, paired: bool) -> None:
    """Raise ValueError where two results cannot be compared."""
    if baseline.unit != candidate.unit:
        raise ValueError(
            f"compare: {baseline.name} is in {baseline.unit} and {candidate.name} in "
            f"{candidate.unit}; a ratio needs the same unit on both sides"
        )
    if baseline.unit not in TIMES:
        raise ValueError(
            f"compare: {baseline.name} is in {baseline.unit}; only times ({', '.join(TIMES)}) "
            "are faster or slower, so look at the intervals instead"
        )
    for result in (baseline, candidate):
        if min(result.samples) <= 0:
            raise ValueError(
                f"compare: {result.name} has a sample of {min(result.samples)}; a ratio needs "
                "positive numbers, so time more calls in each sample"
            )
    if paired and len(baseline.samples) != len(candidate.samples):
        raise ValueError(
            f"compare: {len(baseline.samples)} and {len(candidate.samples)} samples make no "
            "pairs; measure both in the same rounds, or pass paired=False"
        )


def ratio_interval(before: np.ndarray, after: np.ndarray, confidence: float, seed: int) -> tuple[float, float]:
    """Return the bootstrap interval of median(after) / median(before), both drawn anew independently.

    >>> ratio_interval(np.full(6, 2.0), np.full(6, 3.0), 0.95, seed=0)
    (1.5, 1.5)
    """
    least = samples_needed(confidence)
    fewest = min(len(before), len(after))
    if fewest < least:
        raise ValueError(
            f"compare: {fewest} samples cannot carry an interval of {confidence:.0%}; measure at least {least}"
        )
    rng = np.random.default_rng(seed)
    medians = [np.median(rng.choice(samples, size=(RESAMPLES, len(samples))), axis=1) for samples in (before, after)]
    return middle(medians[1] / medians[0], confidence)


# Measuring.


class Benchmark:
    """Measures several candidates in the same rounds, so that a drift of the machine meets all of them alike.

    Every round measures each candidate once, and every second round goes backwards, so that what
    grows steadily adds the same to all.

    Parameters
    ----------
    candidates : dict of str to function without arguments
    warmup : int, rounds that are not counted
    repeats : int, rounds, each of which gives every candidate one sample

    Raises
    ------
    ValueError: no candidates, or a count that is too small. TypeError: one cannot be called.

    >>> results = Benchmark({"a": lambda: sum(range(10)), "b": lambda: sum(range(1000))}, repeats=8).run()
    >>> len(results["a"].samples), results["b"].unit
    (8, 's')
    """

    def __init__(
        self,
        candidates: Mapping[str, Callable[[], Any]],
        warmup: int = 3,
        repeats: int = 20,
        clock: Clock = time.perf_counter,
    ) -> None:
        if not candidates:
            raise ValueError("Benchmark: there are no candidates; pass a dict of name to function")
        for name, function in candidates.items():
            if not callable(function):
                raise TypeError(
                    f"Benchmark: {name} is {type(function).__name__}; pass functions without "
                    "arguments, such as lambda: model(x)"
                )
        self.candidates = dict(candidates)
        self.warmup = check_count("Benchmark", "warmup", warmup, least=0)
        self.repeats = check_count("Benchmark", "repeats", repeats)
        self.clock = clock

    def run(self) -> dict[str, BenchmarkResult]:
        """Measure all rounds and return a BenchmarkResult in seconds for each candidate."""
        for _ in range(self.warmup):
            for function in self.candidates.values():
                function()
        calls = {name: calls_for_clock(function, self.clock) for name, function in self.candidates.items()}
        samples: dict[str, list[float]] = {name: [] for name in self.candidates}
        for number in range(self.repeats):
            for name in self.order(number):
                samples[name].append(seconds_per_call(self.candidates[name], calls[name], self.clock))
        return {name: BenchmarkResult(name, times) for name, times in samples.items()}

    def order(self, number: int) -> list[str]:
        """Return the order of the candidates in a round: forwards, then backwards, in turn.

        >>> benchmark = Benchmark({"a": list, "b": list})
        >>> benchmark.order(0), benchmark.order(1)
        (['a', 'b'], ['b', 'a'])
        """
        names = list(self.candidates)
        return names[::-1] if number % 2 else names


def correctness(model: Callable[..., Any], inputs: Any, targets: Any) -> np.ndarray:
    """Return 1.0 for each example that a classifier gets right, else 0.0. Their mean is the accuracy.

    Parameters
    ----------
    model : function of a Tensor of N examples that returns logits (N, C); NaN among them is wrong
    inputs : Tensor or ndarray of N examples
    targets : Tensor, ndarray or list of N integers

    Raises
    ------
    ValueError: the number of results and of targets differ, or there are none.

    >>> correctness(lambda x: x, np.float32([[0, 1], [1, 0]]), [1, 1]).tolist()
    [1.0, 0.0]
    """
    with in_use(model):
        logits = read_numbers(model(*as_inputs("correctness", inputs)))
    labels = np.asarray(targets.data if isinstance(targets, Tensor) else targets)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or labels.size == 0:
        raise ValueError(
            f"correctness: logits of shape {logits.shape} and targets of shape {labels.shape}; "
            "they must be (N, C) and (N,), with at least one example"
        )
    answered = ~np.isnan(logits).any(axis=1)  # argmax would take the first NaN for the largest
    return (answered & (logits.argmax(axis=1) == labels)).astype(np.float64)


class BenchmarkSuite:
    """Several models on the same data: latency, accuracy and memory of each, in eval mode.

    Parameters
    ----------
    models : dict of str to Layer
    inputs : Tensor or ndarray of shape (N, …)
    targets : N integers, the right classes
    warmup, repeats, clock : as for Benchmark, as are the errors

    >>> from tinytorch.core.layers import Linear
    >>> models = {"small": Linear(4, 2), "other": Linear(4, 2)}
    >>> suite = BenchmarkSuite(models, np.ones((8, 4), np.float32), [0] * 8, repeats=6)
    >>> results = suite.run()
    >>> results["small"]["memory"].value, sorted(results["small"])
    (40.0, ['accuracy', 'latency', 'memory'])
    """

    def __init__(
        self,
        models: Mapping[str, Any],
        inputs: Any,
        targets: Any,
        warmup: int = 3,
        repeats: int = 20,
        clock: Clock = time.perf_counter,
    ) -> None:
        self.models = dict(models)
        self.inputs = as_inputs("BenchmarkSuite", inputs)
        self.targets = targets
        calls = {name: self.call_of(model) for name, model in self.models.items()}
        self.latency = Benchmark(calls, warmup, repeats, clock)

    def call_of(self, model: Any) -> Callable[[], Any]:
        """Return a function without arguments that runs a model on the inputs."""
        return lambda: model(*self.inputs)

    def run(self) -> dict[str, dict[str, BenchmarkResult]]:
        """Return for each model its results by metric: "latency", "accuracy" and "memory"."""
        right = {name: correctness(model, self.inputs, self.targets) for name, model in self.models.items()}
        with ExitStack() as stack:
            for model in self.models.values():
                stack.enter_context(in_use(model))
            times = self.latency.run()
        return {
            name: {
                "latency": times[name],
                "accuracy": BenchmarkResult(name, right[name], "fraction", "mean"),
                "memory": BenchmarkResult(name, [bytes_of(model.state_arrays())], "bytes"),
            }
            for name, model in self.models.items()
        }


def table(results: Mapping[str, Mapping[str, BenchmarkResult]]) -> str:
    """Return a suite's results as a table, a line for each model.

    >>> one = {"latency": BenchmarkResult("a", [0.001]),
    ...        "accuracy": BenchmarkResult("a", [1.0, 0.0], "fraction", "mean"),
    ...        "memory": BenchmarkResult("a", [4000], "bytes")}
    >>> print(table({"a": one}))
    model               latency     spread  accuracy    memory
    a                      1 ms       0 us    50.0 %      4 kB
    """
    lines = [f"{'model':<16} {'latency':>10} {'spread':>10} {'accuracy':>9} {'memory':>9}"]
    for name, metrics in results.items():
        latency, spread = metrics["latency"].value, metrics["latency"].spread
        accuracy, memory = 100 * metrics["accuracy"].value, readable_bytes(metrics["memory"].value)
        lines.append(
            f"{name:<16} {readable_seconds(latency):>10} {readable_seconds(spread):>10} {accuracy:>7.1f} % {memory:>9}"
        )
    return "\n".join(lines)


# Against a target.


@dataclass(frozen=True)
class MLPerfResult:
    """One run of a scenario, and whether it reached its target.

    Attributes
    ----------
    scenario : "single-stream" or "offline"
    target : float, the most (latency) or the least (throughput) that passes
    queries : int, examples that were answered

    >>> print(MLPerfResult("single-stream", "p90 latency", 0.0052, "s", 0.004, False, 100))
    single-stream: p90 latency 5.2 ms, target 4 ms, 100 queries: MISSED
    """

    scenario: str
    metric: str
    value: float
    unit: str
    target: float
    met: bool
    queries: int

    def __str__(self) -> str:
        """Return one line that says "met" or "MISSED"."""
        show = readable_seconds if self.unit == "s" else lambda value: f"{value:.4g} {self.unit}"
        return (
            f"{self.scenario}: {self.metric} {show(self.value)}, target {show(self.target)}, "
            f"{self.queries} queries: {'met' if self.met else 'MISSED'}"
        )


class MLPerf:
    """Runs a model, in eval mode, in the manner of MLPerf Inference: a scenario, a metric, a target.

    Parameters
    ----------
    model : function of a Tensor of examples (N, …)
    examples : Tensor or ndarray (else TypeError) of shape (N, …), N at least 1 (else ValueError)

    References: Reddi et al. 2020.

    >>> from tinytorch.core.layers import Linear
    >>> run = MLPerf(Linear(4, 2), np.ones((16, 4), np.float32)).offline(target=1.0, batch_size=8)
    >>> run.scenario, run.queries
    ('offline', 16)
    """

    def __init__(self, model: Callable[[Tensor], Any], examples: Any, clock: Clock = time.perf_counter) -> None:
        self.model = model
        self.examples = as_inputs("MLPerf", examples)[0].data
        if self.examples.ndim == 0 or len(self.examples) == 0:
            raise ValueError(f"MLPerf: examples have shape {self.examples.shape}; there must be at least one")
        self.clock = clock

    def timed(self, start: int, count: int) -> float:
        """Return the seconds that the model needs for `count` examples from `start` on, at once."""
        batch = from_numpy(self.examples[start : start + count])
        with in_use(self.model):
            return seconds_per_call(lambda: self.model(batch), 1, self.clock)

    def single_stream(self, target: float, queries: int = 100, warmup: int = 3) -> MLPerfResult:
        """Send one example after the other; 90 % of them must be answered within `target` seconds.

        Parameters
        ----------
        queries : int; the examples are used again from the front where there are fewer
        warmup : int, queries that are not counted
        """
        check_positive("single_stream", {"target": target})
        check_count("single_stream", "queries", queries)
        check_count("single_stream", "warmup", warmup, least=0)
        times = [self.timed(number % len(self.examples), 1) for number in range(warmup + queries)]
        value = BenchmarkResult("single-stream", times[warmup:]).percentile(90)
        return MLPerfResult("single-stream", "p90 latency", value, "s", target, value <= target, queries)

    def offline(self, target: float, batch_size: int = 32, warmup: int = 1) -> MLPerfResult:
        """Answer all examples in batches, as fast as possible: at least `target` a second.

        Parameters
        ----------
        batch_size : int; the last batch may be smaller
        warmup : int, batches that are not counted

        Raises
        ------
        ValueError: the clock did not move; use more examples.
        """
        check_positive("offline", {"target": target})
        check_count("offline", "batch_size", batch_size)
        check_count("offline", "warmup", warmup, least=0)
        for _ in range(warmup):
            self.timed(0, batch_size)
        seconds = sum(self.timed(start, batch_size) for start in range(0, len(self.examples), batch_size))
        if seconds <= 0:
            raise ValueError("offline: the clock did not move during the run; use more examples")
        count = len(self.examples)
        value = count / seconds
        return MLPerfResult("offline", "throughput", value, "examples/s", target, value >= target, count)
