"""Benchmarking: is one program really faster than another, or did the machine just breathe?

Built in chapter 19. Depends on `tensor`, `layers` and `profiling`, and for files on `tokenization`, which can
write a text whole or not at all.

The file reads from top to bottom: samples become an interval (`bootstrap_ci`), samples with a
name become a result (`BenchmarkResult`), two results become a verdict (`compare`), and verdicts are
put to the test (`false_alarms`, `runs_needed`); then the measuring itself (`Benchmark`,
`BenchmarkSuite`), runs against a target (`MLPerf`), and a measurement as a file that another person
can run again (`Recipe`).

References: Efron 1979, "Bootstrap methods: another look at the jackknife"; Mytkowicz et al.
2009, "Producing wrong data without doing anything obviously wrong"; Kohavi et al. 2009,
"Controlled experiments on the web" (A/A tests); Reddi et al. 2020, "MLPerf Inference Benchmark".
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tinytorch.core.layers import manual_seed
from tinytorch.core.tensor import Tensor, from_numpy, read_numbers
from tinytorch.core.tokenization import write_text
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


def percentile(samples: Any, percent: float) -> float:
    """Return the value that about `percent` percent of the samples stay below.

    In order, the smallest sample is at 0 % and the largest at 100 %, with equal steps between. What falls
    between two samples lies between their values, in the same proportion.

    Parameters
    ----------
    samples : sequence of numbers, at least one, in any order; it is not changed
    percent : float from 0 to 100, else ValueError

    Cost: one sort, n log n steps.

    >>> percentile([30, 10, 20], 50), percentile([30, 10, 20], 75)
    (20.0, 25.0)
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"percentile: {percent} is not between 0 and 100")
    ordered = np.sort(check_samples("percentile", samples))
    place = percent / 100 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


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
    resamples : int, number of draws, each of n numbers

    Returns
    -------
    low, high : floats

    Raises
    ------
    ValueError: too few samples for the confidence ("bootstrap_ci: 3 samples …"), or not finite.
    TypeError: the statistic is no function.

    Cost: resamples * n numbers drawn and one statistic for each resample.

    Few samples show too little of a long tail. Tried with samples drawn from an exponential distribution,
    most of them small and a few large: of 95 % intervals of the mean of 6 samples 78 % held it, of 20
    samples 88 %; of the median 93 % and 95 %.

    >>> bootstrap_ci([1.0] * 10)
    (1.0, 1.0)
    """
    if not callable(statistic):
        raise TypeError(
            f"bootstrap_ci: statistic is {statistic!r}; pass a function such as np.median, "
            "or name what follows it, confidence=… and seed=…"
        )
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


def deviations(share: float) -> float:
    """Return how many standard deviations above the mean a normal distribution has `share` of its values below it.

    >>> round(deviations(0.975), 2), round(deviations(0.8), 2), deviations(0.5)
    (1.96, 0.84, 0.0)
    """
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def share_interval(right: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson interval of a share, such as an accuracy: `right` of `count` examples.

    Drawing anew from 8 right answers gives 8 right answers, so a bootstrap would promise 100 %.
    This interval holds the shares from which what was seen is not surprising.

    Parameters
    ----------
    right, count : int, 0 <= right <= count and count at least 1, else ValueError
    confidence : float between 0 and 1, else ValueError

    References: Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    >>> [round(end, 3) for end in share_interval(8, 8)]
    [0.676, 1.0]
    """
    if not 0 <= right <= count or count < 1:
        raise ValueError(f"share_interval: {right} of {count} is no share; give 0 <= right <= count, count at least 1")
    samples_needed(confidence)  # refuses what is no confidence
    z = deviations((1 + confidence) / 2)
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
        return percentile(self.samples, percent)

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
    faster: b takes 0.500 of a's time (95 % interval 0.400 to 0.600)
    """

    baseline: str
    candidate: str
    ratio: float
    low: float
    high: float
    confidence: float
    verdict: str

    def __str__(self) -> str:
        """Return one line, which begins with the verdict."""
        return (
            f"{self.verdict}: {self.candidate} takes {self.ratio:.3f} of {self.baseline}'s time "
            f"({100 * self.confidence:g} % interval {self.low:.3f} to {self.high:.3f})"
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
    In both cases it is a Python float.

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


# Verdicts put to the test.


def false_alarms(
    pair: Callable[[int], tuple[BenchmarkResult, BenchmarkResult]], trials: int = 100, paired: bool = False
) -> int:
    """Return in how many of `trials` A/A tests a difference is found between a program and itself.

    Parameters
    ----------
    pair : function of the trial's number, 0, 1, …, that returns two results of the same program
    trials : int, at least 1
    paired : bool, as for `compare`; the trial's number is its seed

    >>> same = BenchmarkResult("a", [1.0, 1.1, 0.9, 1.0, 1.2, 1.0])
    >>> false_alarms(lambda number: (same, same), trials=5)
    0
    """
    check_count("false_alarms", "trials", trials)
    found = 0
    for number in range(trials):
        before, after = pair(number)
        found += compare(before, after, paired, seed=number).verdict != "no difference shown"
    return found


def alarms_allowed(trials: int, rate: float = 0.05, confidence: float = 0.99) -> int:
    """Return how many false alarms chance explains: a sound test has no more than these with this confidence.

    A sound test gives a false alarm with probability `rate`, each time anew. So the number in `trials`
    follows the binomial distribution; its chances are added up until they reach `confidence`.

    >>> alarms_allowed(100), alarms_allowed(10)
    (11, 3)
    """
    check_count("alarms_allowed", "trials", trials)
    chance = total = (1 - rate) ** trials
    count = 0
    while total < confidence and count < trials:
        chance *= (trials - count) / (count + 1) * rate / (1 - rate)
        count += 1
        total += chance
    return count


def runs_needed(ratios: Any, difference: float = 0.05, confidence: float = 0.95, power: float = 0.8) -> int:
    """Return how many pairs a difference needs, so that it is shown in a share `power` of all benchmarks.

    The median of n ratios spreads by 1.25 spread / sqrt(n). A difference is shown where the interval does
    not reach 1; it must be so many of these that this happens with the given power.

    Parameters
    ----------
    ratios : sequence of numbers, from pairs measured before. Their relative spread is what counts:
        (p75 - p25) / 1.35 / p50, by percentiles, since a few slow outliers would blow up a standard deviation
    difference : float above 0, such as 0.05 for 5 %
    confidence, power : floats between 0 and 1

    Returns
    -------
    int, rounded up, and at least `samples_needed(confidence)`

    >>> runs_needed([0.9, 1.0, 1.0, 1.1, 0.9, 1.1]), runs_needed([1.0] * 8)
    (61, 6)
    """
    check_positive("runs_needed", {"difference": difference})
    spread = (percentile(ratios, 75) - percentile(ratios, 25)) / 1.35 / percentile(ratios, 50)
    deviation = deviations((1 + confidence) / 2) + deviations(power)
    runs = math.ceil((1.25 * spread * deviation / difference) ** 2)
    return max(runs, samples_needed(confidence))


# Measuring.


class HandClock:
    """A clock that stands still until it is moved by hand: with it, what measures can be tried without waiting.

    >>> clock = HandClock()
    >>> clock.move(2.5)
    >>> clock()
    2.5
    """

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let so many seconds go by."""
        self.now += seconds


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
        """Measure all rounds and return a BenchmarkResult in seconds for each candidate, by its name.

        First `warmup` rounds, of which nothing is kept. Then `calls_for_clock` says how many calls one sample
        of each candidate needs. Then `repeats` rounds: in each, every candidate gives one sample, in the
        order that `self.order` says for this round.
        """
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


@contextmanager
def all_in_use(models: Iterable[Any]) -> Iterator[None]:
    """Let several Layers run as they do in use: in eval mode, nothing recorded. Each gets its mode back.

    TypeError where one cannot be called.

    >>> from tinytorch.core.layers import Dropout
    >>> layers = [Dropout(0.5), Dropout(0.1)]
    >>> with all_in_use(layers):
    ...     [layer.training for layer in layers]
    [False, False]
    >>> layers[0].training
    True
    """
    with ExitStack() as stack:
        for model in models:
            if not callable(model):
                raise TypeError(f"all_in_use: {model!r} is no model; pass the models: of a dict, its .values()")
            stack.enter_context(in_use(model))
        yield


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
        self.warmup, self.repeats, self.clock = warmup, repeats, clock
        Benchmark(self.models, warmup, repeats, clock)  # refuses what cannot be measured, before anything runs

    def run(self) -> dict[str, dict[str, BenchmarkResult]]:
        """Return for each model its results by metric: "latency", "accuracy" and "memory".

        All models are measured in the same rounds, each on all inputs at once, in eval mode and with
        nothing recorded; afterwards each has its own mode again.
        """
        right = {name: correctness(model, self.inputs, self.targets) for name, model in self.models.items()}
        calls = {name: self.call_of(model) for name, model in self.models.items()}
        with all_in_use(self.models.values()):
            times = Benchmark(calls, self.warmup, self.repeats, self.clock).run()
        return {
            name: {
                "latency": times[name],
                "accuracy": BenchmarkResult(name, right[name], "fraction", "mean"),
                "memory": BenchmarkResult(name, [bytes_of(model.state_arrays())], "bytes"),
            }
            for name, model in self.models.items()
        }

    def call_of(self, model: Any) -> Callable[[], Any]:
        """Return a function without arguments that runs a model on the inputs."""
        return lambda: model(*self.inputs)


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
        show = (
            readable_seconds
            if self.unit == "s"
            else lambda value: f"{value:{',.0f' if value >= 1000 else '.4g'}} {self.unit}"
        )
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
        queries : int; query k sends example k, and after the last example comes the first again
        warmup : int, queries that are not counted; those that count go on where they ended
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
        warmup : int, batches that are not counted, each from the front

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


# A measurement as a file.

FORMAT = "tinytorch-benchmark"
VERSION = 1
MOST_BRACKETS = 200  # lists in lists without end kill the interpreter of a browser


def system_metadata() -> dict[str, Any]:
    """Return what a timing depends on: versions and kind of machine. No names, no paths.

    "threads" is the limit set by OPENBLAS_NUM_THREADS, None without one.

    >>> sorted(system_metadata())
    ['cores', 'environment', 'implementation', 'machine', 'numpy', 'platform', 'python', 'threads']
    """
    import platform
    import sys

    threads = os.environ.get("OPENBLAS_NUM_THREADS", "")
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "numpy": np.__version__,
        "platform": platform.system() or sys.platform,
        "machine": platform.machine(),
        "cores": os.cpu_count() or 1,
        "threads": int(threads) if threads.isdecimal() and int(threads) > 0 else None,
        "environment": "browser" if sys.platform == "emscripten" else "native",
    }


@dataclass(frozen=True)
class Recipe:
    """What is measured and how, as text and numbers, so that a file can hold it and others can run it again.

    Attributes
    ----------
    setup : str, Python that makes what the candidates need; it sees the name `seed`
    candidates : dict of str to str, a name and the Python that is measured
    warmup, repeats : int, as for `Benchmark`
    seed : int, for everything random in the setup

    >>> recipe = Recipe("x = list(range(seed))", {"sum": "sum(x)", "sort": "sorted(x)"}, repeats=6, seed=100)
    >>> sorted(recipe.run())
    ['sort', 'sum']
    """

    setup: str
    candidates: Mapping[str, str]
    warmup: int = 3
    repeats: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise TypeError where a part is of another kind: a file of somebody else's may hold anything."""
        for name, kind in {"setup": str, "warmup": int, "repeats": int, "seed": int}.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"Recipe: {name} is {type(value).__name__}; it must be {kind.__name__}")
        texts = self.candidates.items() if isinstance(self.candidates, Mapping) else [(None, self.candidates)]
        if not all(isinstance(name, str) and isinstance(text, str) for name, text in texts):
            raise TypeError(f"Recipe: candidates {self.candidates!r:.60} must be a dict of names and texts")

    def functions(self) -> dict[str, Callable[[], Any]]:
        """Run the setup once and return a function without arguments for each candidate, by its name.

        The setup runs in a namespace of its own, a dict that holds `seed`, after `manual_seed(self.seed)`.
        The candidates' text runs in the same namespace. It is compiled once, not at each call.

        Raises
        ------
        SyntaxError: a text is no Python. Whatever the setup raises.
        """
        names: dict[str, Any] = {"seed": self.seed}
        manual_seed(self.seed)
        exec(self.setup, names)
        return {name: self.function(text, names) for name, text in self.candidates.items()}

    def function(self, text: str, names: dict[str, Any]) -> Callable[[], None]:
        """Return a function that runs a text in a namespace.

        >>> names = {"n": 1}
        >>> Recipe("", {}).function("n += 1", names)()
        >>> names["n"]
        2
        """
        code = compile(text, "<candidate>", "exec")
        return lambda: exec(code, names)

    def run(self, clock: Clock = time.perf_counter) -> dict[str, BenchmarkResult]:
        """Measure the candidates in the same rounds; return a BenchmarkResult for each."""
        return Benchmark(self.functions(), self.warmup, self.repeats, clock).run()


@dataclass(frozen=True)
class Recording:
    """What a result file holds: the recipe, all samples, and the machine they come from.

    Attributes
    ----------
    created : str, the time in UTC
    """

    recipe: Recipe
    results: dict[str, BenchmarkResult]
    system: dict[str, Any]
    created: str

    def comparisons(self) -> list[Comparison]:
        """Return how each further candidate stands to the first one, in pairs."""
        first, *others = self.results.values()
        return [compare(first, other, paired=True) for other in others]


def record(recipe: Recipe, clock: Clock = time.perf_counter) -> Recording:
    """Run a recipe and return everything that another person needs to run it again.

    >>> sorted(record(Recipe("", {"nothing": "pass"}, repeats=6)).results)
    ['nothing']
    """
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Recording(recipe, recipe.run(clock), system_metadata(), created)


def save_recording(recording: Recording, path: str | os.PathLike) -> None:
    """Write a recording to a JSON file: all of it, or nothing.

    Raises
    ------
    OSError: the folder does not exist or cannot be written to.
    """
    import json

    content = {
        "format": FORMAT,
        "version": VERSION,
        "recipe": {**asdict(recording.recipe), "candidates": dict(recording.recipe.candidates)},
        "seconds": {name: list(result.samples) for name, result in recording.results.items()},
        "system": recording.system,
        "created": recording.created,
    }
    write_text(path, json.dumps(content, indent=1) + "\n")


def read_json(name: str, path: str | os.PathLike, writer: str) -> Any:
    """Return what a JSON file holds; `name` reads it, and `writer` is the function that writes such files.

    Raises
    ------
    FileNotFoundError: there is no such file. ValueError: it holds no JSON.
    """
    import json

    with open(path, encoding="utf-8") as file:
        try:
            text = file.read()
            if text.count("[") + text.count("{") > MOST_BRACKETS:
                raise ValueError(f"more lists and objects than {writer} writes")
            return json.loads(text)
        except ValueError as error:  # not JSON, or not even text
            shown = os.path.basename(os.fspath(path))
            raise ValueError(f"{name}: {shown} holds no JSON ({error}); it needs a file that {writer} wrote") from None


def load_recording(path: str | os.PathLike) -> Recording:
    """Return the recording in a file. Nothing of it is run.

    Raises
    ------
    FileNotFoundError: there is no such file.
    ValueError: it holds no JSON, or no recording, or one of another version ("load_recording: …").
    """
    content = read_json("load_recording", path, "save_recording")
    found = (content.get("format"), content.get("version")) if isinstance(content, dict) else None
    if found != (FORMAT, VERSION):
        raise ValueError(f"load_recording: format and version are {found}; needed are {FORMAT!r} and {VERSION}")
    try:
        recipe = Recipe(**content["recipe"])
        results = {name: BenchmarkResult(name, content["seconds"][name]) for name in recipe.candidates}
        return Recording(recipe, results, {**content["system"]}, str(content["created"]))
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"load_recording: a part is missing or of the wrong kind ({type(error).__name__}: {error}); "
            "it needs a file as save_recording wrote it"
        ) from None


@dataclass(frozen=True)
class Replication:
    """What was measured before and what was measured again, for one pair of candidates.

    Attributes
    ----------
    outcome : "confirmed" (the same verdict), "contradicted" (faster there, slower here) or
        "open" (one of the two shows no difference)
    """

    recorded: Comparison
    measured: Comparison
    outcome: str

    def __str__(self) -> str:
        """Return three lines: what the file says, what was measured now, and the outcome."""
        return f"recorded: {self.recorded}\nmeasured: {self.measured}\n{self.outcome}"


def outcome_of(recorded: str, measured: str) -> str:
    """Return what a second verdict says of the first: "confirmed", "contradicted" or "open".

    >>> outcome_of("faster", "faster"), outcome_of("faster", "slower"), outcome_of("faster", "no difference shown")
    ('confirmed', 'contradicted', 'open')
    """
    if recorded == measured:
        return "confirmed"
    return "contradicted" if {recorded, measured} == {"faster", "slower"} else "open"


def rerun(path: str | os.PathLike, clock: Clock = time.perf_counter) -> list[Replication]:
    """Measure the recipe in a file again, here, and hold the ratios against those in the file.

    Seconds are those of a machine; only ratios can be expected to come again on another one. The text
    in the file is run as Python: read a stranger's file first.

    Raises
    ------
    As `load_recording`, and whatever the recipe raises.
    """
    there = load_recording(path)
    here = record(there.recipe, clock)
    return [
        Replication(before, after, outcome_of(before.verdict, after.verdict))
        for before, after in zip(there.comparisons(), here.comparisons())
    ]
