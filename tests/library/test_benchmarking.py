"""Intervals hold the truth as often as they say, verdicts are only given where they are shown, and targets are met or missed."""

import dataclasses
import itertools
import json
import math
import sys
import types

import numpy as np
import pytest

from tinytorch import Tensor
from tinytorch.core.autograd import enable_autograd, is_grad_enabled
from tinytorch.core.layers import Dropout, Layer, Linear, Sequential
from tinytorch.perf import benchmarking as module
from tinytorch.perf.benchmarking import (
    Benchmark,
    BenchmarkResult,
    BenchmarkSuite,
    Comparison,
    HandClock,
    MLPerf,
    MLPerfResult,
    Recipe,
    alarms_allowed,
    bootstrap_ci,
    check_samples,
    compare,
    correctness,
    false_alarms,
    load_recording,
    middle,
    percentile,
    ratio_interval,
    record,
    rerun,
    runs_needed,
    samples_needed,
    save_recording,
    share_interval,
    table,
)

enable_autograd()


class Clock:
    """A clock that moves only when work is done."""

    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now

    def work(self, seconds):
        self.now += seconds


def test_results_are_not_changed_afterwards():
    results = [
        value
        for value in vars(module).values()
        if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    ]
    assert results and all(value.__dataclass_params__.frozen for value in results)


# Intervals


@pytest.mark.parametrize("statistic, truth", [(np.median, np.exp(0.0)), (np.mean, np.exp(0.125))])
def test_a_95_percent_interval_holds_the_truth_in_about_95_of_100_cases(statistic, truth):
    rng = np.random.default_rng(11)
    held = 0
    for case in range(300):  # skewed like times are
        low, high = bootstrap_ci(rng.lognormal(0.0, 0.5, 40), statistic, 0.95, seed=case, resamples=400)
        held += low <= truth <= high
    assert 270 <= held <= 297


def test_a_lower_confidence_holds_it_less_often():
    rng = np.random.default_rng(12)
    held = sum(
        low <= 0 <= high
        for low, high in (
            bootstrap_ci(rng.standard_normal(40), np.mean, 0.5, seed=case, resamples=300) for case in range(300)
        )
    )
    assert 120 <= held <= 180


def test_an_interval_is_repeatable_and_shrinks_with_the_root_of_the_samples():
    rng = np.random.default_rng(13)
    few, many = rng.standard_normal(50), rng.standard_normal(5000)
    assert bootstrap_ci(few) == bootstrap_ci(few, seed=0) != bootstrap_ci(few, seed=1)
    widths = [high - low for low, high in (bootstrap_ci(samples, np.mean, resamples=300) for samples in (few, many))]
    assert 7 < widths[0] / widths[1] < 14
    low, high = bootstrap_ci(few, np.mean, 0.95)
    assert low < few.mean() < high and high - low == pytest.approx(2 * 1.96 * few.std() / 50**0.5, rel=0.15)


def test_the_default_is_the_median():
    samples = [1.0] * 8 + [1000.0]
    assert bootstrap_ci(samples) == (1.0, 1.0) and bootstrap_ci(samples, np.mean)[1] > 100


def test_the_middle_leaves_out_the_same_on_both_sides():
    assert middle(np.arange(1001), 0.8) == pytest.approx((100, 900))
    assert middle(np.arange(1001), 0.95) == pytest.approx((25, 975))


@pytest.mark.parametrize("confidence, least", [(0.5, 2), (0.51, 3), (0.75, 3), (0.9, 5), (0.95, 6), (0.99, 8)])
def test_how_many_samples_a_confidence_needs(confidence, least):
    assert samples_needed(confidence) == least
    assert bootstrap_ci(np.ones(least), confidence=confidence, resamples=10) == (1.0, 1.0)
    with pytest.raises(
        ValueError, match=f"bootstrap_ci: {least - 1} samples cannot carry an interval of .*measure at least {least}"
    ):
        bootstrap_ci(np.ones(least - 1), confidence=confidence)


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 95, float("nan")])
def test_confidences_that_are_none(confidence):
    with pytest.raises(ValueError, match=r"confidence must lie between 0 and 1; got .*write 0.95 for 95 %"):
        bootstrap_ci(np.ones(10), confidence=confidence)


@pytest.mark.parametrize(
    "samples, sentence",
    [
        ([], "at least one number; got shape \\(0,\\)"),
        ([[1.0]], "got shape \\(1, 1\\)"),
        (3.0, "got shape \\(\\)"),
        ([1.0, np.nan, np.inf], "2 of 3 samples are NaN or infinite"),
    ],
)
def test_samples_that_are_none(samples, sentence):
    with pytest.raises(ValueError, match=sentence):
        bootstrap_ci(samples)
    with pytest.raises(ValueError, match="BenchmarkResult: .*" + sentence):
        BenchmarkResult("x", samples)
    assert check_samples("x", [1]).dtype == np.float64


def test_resamples_are_counted():
    with pytest.raises(ValueError, match="bootstrap_ci: resamples is 0"):
        bootstrap_ci(np.ones(10), resamples=0)
    sizes = []
    bootstrap_ci(np.arange(10.0), lambda draws, axis: sizes.append(draws.shape) or draws.mean(axis=axis), resamples=7)
    bootstrap_ci(np.arange(10.0), lambda draws, axis: sizes.append(draws.shape) or draws.mean(axis=axis))
    assert sizes == [(7, 10), (2000, 10)]


# Results


def test_a_result_says_value_spread_and_percentiles():
    result = BenchmarkResult("x", [5.0, 1.0, 2.0, 3.0, 4.0])
    assert (result.value, result.median, result.spread, result.unit, result.samples) == (
        3.0,
        3.0,
        2.0,
        "s",
        (5.0, 1.0, 2.0, 3.0, 4.0),
    )
    assert result.percentile(0) == 1.0 and result.percentile(90) == 4.6 and result.percentile(100) == 5.0
    mean = BenchmarkResult("x", [0.0, 0.0, 3.0], "fraction", "mean")
    assert mean.value == 1.0 and mean.median == 0.0
    assert mean.samples == BenchmarkResult("x", np.array([0, 0, 3]), "fraction", "mean").samples
    for percent in (-0.1, 100.1, np.nan):
        with pytest.raises(ValueError, match=r"percentile: .* is not between 0 and 100"):
            result.percentile(percent)
    with pytest.raises(ValueError, match="statistic 'mode' is unknown; use 'median' or 'mean'"):
        BenchmarkResult("x", [1.0], "s", "mode")
    with pytest.raises(AttributeError):
        result.name = "y"


def test_a_result_s_interval_is_that_of_its_statistic():
    samples = [1.0] * 8 + [1000.0]
    assert BenchmarkResult("x", samples).confidence_interval() == (1.0, 1.0)
    varied = np.random.default_rng(0).standard_normal(30)
    result = BenchmarkResult("x", varied, "s", "mean")
    assert result.confidence_interval() == bootstrap_ci(varied, np.mean, 0.95, seed=0)
    assert (
        result.confidence_interval(seed=1)
        == bootstrap_ci(varied, np.mean, 0.95, seed=1)
        != result.confidence_interval()
    )
    mean = BenchmarkResult("x", samples, "s", "mean")
    assert mean.confidence_interval() == bootstrap_ci(samples, np.mean, 0.95, 0)
    assert mean.confidence_interval(0.5, seed=3) == bootstrap_ci(samples, np.mean, 0.5, 3)


def test_a_result_in_words():
    assert str(BenchmarkResult("x", [0.5] * 5)) == "x: median 500 ms (5 samples, too few for an interval)"
    assert str(BenchmarkResult("x", [0.5] * 6, "fraction", "mean")) == (
        "x: mean 0.5 fraction (95 % interval 0.5 fraction to 0.5 fraction; 6 samples)"
    )


# Comparisons


def times(center, count=30, seed=0, spread=0.05):
    return center * np.random.default_rng(seed).lognormal(0.0, spread, count)


def test_verdicts():
    base = BenchmarkResult("base", times(1.0))
    faster, slower = BenchmarkResult("fast", times(0.8, seed=1)), BenchmarkResult("slow", times(1.3, seed=2))
    same = BenchmarkResult("same", times(1.0, seed=3))
    for paired in (False, True):
        assert compare(base, faster, paired).verdict == "faster"
        assert compare(base, slower, paired).verdict == "slower"
        assert compare(base, same, paired).verdict == "no difference shown"
    found = compare(base, faster)
    assert found.low < found.ratio < found.high < 1 and found.ratio == pytest.approx(faster.median / base.median)
    assert (found.baseline, found.candidate, found.confidence) == ("base", "fast", 0.95)
    assert compare(slower, base).ratio == pytest.approx(1 / compare(base, slower).ratio)


def test_a_verdict_needs_the_whole_interval_on_one_side():
    def result(name, value):
        return BenchmarkResult(name, [value] * 8)

    assert compare(result("a", 2.0), result("b", 2.0), paired=True).verdict == "no difference shown"
    assert compare(result("a", 2.0), result("b", 2.0)).verdict == "no difference shown"
    assert compare(result("a", 2.0), result("b", 2.001)).verdict == "slower"
    assert compare(result("a", 2.0), result("b", 1.999)).verdict == "faster"


def test_equal_programs_are_called_different_in_about_5_of_100_cases(monkeypatch):
    monkeypatch.setattr(module, "RESAMPLES", 300)
    rng = np.random.default_rng(5)
    for paired in (False, True):
        wrong = sum(
            compare(
                BenchmarkResult("a", rng.lognormal(0, 0.1, 25)),
                BenchmarkResult("b", rng.lognormal(0, 0.1, 25)),
                paired,
                seed=case,
            ).verdict
            != "no difference shown"
            for case in range(100)
        )
        assert wrong <= 12


def test_pairs_cancel_what_slowed_a_whole_round():
    weather = np.random.default_rng(7).uniform(1, 5, 30)
    base = BenchmarkResult("base", weather)
    candidate = BenchmarkResult("candidate", weather * times(0.95, seed=8, spread=0.01))
    assert compare(base, candidate).verdict == "no difference shown"
    assert compare(base, candidate, paired=True).verdict == "faster"
    assert compare(base, candidate, paired=True).ratio == pytest.approx(0.95, rel=0.01)
    assert compare(base, candidate) == compare(base, candidate, paired=False)


def test_the_interval_of_a_ratio_draws_both_sides_and_covers(monkeypatch):
    monkeypatch.setattr(module, "RESAMPLES", 300)
    rng = np.random.default_rng(21)
    held = 0
    for case in range(200):
        before, after = rng.lognormal(0.0, 0.3, 30), rng.lognormal(np.log(2.0), 0.3, 30)
        low, high = ratio_interval(before, after, 0.95, seed=case)
        held += low <= 2.0 <= high
    assert 180 <= held <= 198
    only_before, only_after = (ratio_interval(a, b, 0.95, 0) for a, b in ((before, np.ones(30)), (np.ones(30), after)))
    assert only_before[0] < only_before[1] and only_after[0] < only_after[1]
    assert ratio_interval(before, after, 0.95, 0) != ratio_interval(before, after, 0.95, 1)
    assert (
        compare(BenchmarkResult("a", before), BenchmarkResult("b", after), seed=4).low
        == ratio_interval(before, after, 0.95, 4)[0]
    )
    narrow, wide = (
        compare(BenchmarkResult("a", before), BenchmarkResult("b", after), paired, 0.5).high for paired in (False, True)
    )
    assert narrow < ratio_interval(before, after, 0.95, 0)[1] and wide < bootstrap_ci(after / before)[1]


def test_comparisons_that_are_refused():
    good = BenchmarkResult("good", [1.0] * 6)
    with pytest.raises(ValueError, match="compare: good is in s and other in bytes; a ratio needs the same unit"):
        compare(good, BenchmarkResult("other", [1.0] * 6, "bytes"))
    for bad in (0.0, -1.0):
        other = BenchmarkResult("other", [1.0] * 6 + [bad])
        for pair in ((good, other), (other, good)):
            with pytest.raises(
                ValueError, match=f"compare: other has a sample of {bad}; a ratio needs positive numbers"
            ):
                compare(*pair)
    with pytest.raises(ValueError, match="compare: 6 and 7 samples make no pairs; measure both in the same rounds"):
        compare(good, BenchmarkResult("longer", [1.0] * 7), paired=True)
    assert compare(good, BenchmarkResult("longer", [1.0] * 7)).ratio == 1.0
    for pair in ((good, BenchmarkResult("few", [1.0] * 5)), (BenchmarkResult("few", [1.0] * 5), good)):
        with pytest.raises(ValueError, match="compare: 5 samples cannot carry an interval of 95%; measure at least 6"):
            compare(*pair)
    assert "99 % interval" in str(Comparison("a", "b", 1.0, 0.9, 1.1, 0.99, "no difference shown"))


# Measuring


def test_rounds_are_interleaved_and_every_second_one_goes_backwards():
    clock, calls = Clock(), []

    def candidate(name, seconds):
        return lambda: (calls.append(name), clock.work(seconds))

    results = Benchmark(
        {"a": candidate("a", 1.0), "b": candidate("b", 2.0), "c": candidate("c", 4.0)}, warmup=2, repeats=3, clock=clock
    ).run()
    assert "".join(calls) == "abc" * 2 + "abc" + "abc" + "cba" + "abc"  # warm-up, the clock, three rounds
    assert [results[name].samples for name in "abc"] == [(1.0,) * 3, (2.0,) * 3, (4.0,) * 3]
    assert results["b"].name == "b" and results["b"].unit == "s"


def test_a_machine_that_gets_slower_steadily_slows_all_alike():
    clock, slowness = Clock(), [1.0]

    def work():
        clock.work(slowness[0])
        slowness[0] += 0.01

    results = Benchmark({"a": work, "b": work}, warmup=1, repeats=20, clock=clock).run()
    assert np.mean(results["a"].samples) == pytest.approx(np.mean(results["b"].samples), rel=1e-9)
    assert compare(results["a"], results["b"], paired=True).verdict == "no difference shown"


def test_quick_functions_are_called_many_times_a_sample():
    clock, calls = Clock(), {"quick": 0, "slow": 0}

    def candidate(name, seconds):
        def work():
            calls[name] += 1
            clock.work(seconds)

        return work

    results = Benchmark(
        {"quick": candidate("quick", 2.0**-12), "slow": candidate("slow", 1.0)}, warmup=0, repeats=2, clock=clock
    ).run()
    assert results["quick"].samples == (2.0**-12,) * 2 and calls == {"quick": 1 + 2 + 4 + 8 + 2 * 8, "slow": 3}


def test_what_a_benchmark_refuses():
    with pytest.raises(ValueError, match="Benchmark: there are no candidates"):
        Benchmark({})
    with pytest.raises(TypeError, match="Benchmark: a is int; pass functions without arguments"):
        Benchmark({"a": 3})
    with pytest.raises(ValueError, match="Benchmark: repeats is 0"):
        Benchmark({"a": list}, repeats=0)
    with pytest.raises(ValueError, match="Benchmark: warmup is -1"):
        Benchmark({"a": list}, warmup=-1)
    assert (Benchmark({"a": list}).warmup, Benchmark({"a": list}).repeats) == (3, 20)


def test_correctness_counts_the_largest_logit():
    logits = np.float32([[0, 1, 2], [5, 1, 2], [0, 3, 2], [0, 0, 9]])
    for targets in ([2, 0, 2, 2], np.array([2, 0, 2, 2]), Tensor(np.array([2, 0, 2, 2]))):
        assert correctness(lambda x: x, logits, targets).tolist() == [1.0, 1.0, 0.0, 1.0]
    for model, targets in (
        (lambda x: x, [0, 1]),
        (lambda x: x[0], [0, 1, 2]),
        (lambda x: x, [[0]] * 4),
        (lambda x: x[:0], []),
    ):
        with pytest.raises(ValueError, match=r"correctness: logits of shape .* they must be \(N, C\) and \(N,\)"):
            correctness(model, logits, targets)


class Slow(Layer):
    """Adds the time of the test's clock to a Linear layer."""

    def __init__(self, clock, seconds, *size):
        self.clock, self.seconds, self.fc, self.recording = clock, seconds, Linear(*size, rng=0), []

    def forward(self, x):
        self.recording.append(is_grad_enabled())
        self.clock.work(self.seconds)
        return self.fc(x)


def test_a_suite_measures_every_model_by_every_metric():
    clock = Clock()
    models = {"small": Slow(clock, 1.0, 3, 2), "large": Slow(clock, 3.0, 3, 2)}
    models["large"].fc.weight.data[:] = 0
    models["large"].fc.bias.data[:] = [0, 1]
    x = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    labels = models["small"].fc(Tensor(x)).data.argmax(axis=1)
    results = BenchmarkSuite(models, x, labels, warmup=1, repeats=6, clock=clock).run()
    assert results["small"]["latency"].samples == (1.0,) * 6 and results["large"]["latency"].value == 3.0
    assert results["small"]["accuracy"].value == 1.0 and results["small"]["accuracy"].unit == "fraction"
    assert results["large"]["accuracy"].value == labels.mean() and len(results["large"]["accuracy"].samples) == 8
    assert results["small"]["memory"].value == 32.0 and results["small"]["memory"].unit == "bytes"
    assert not any(models["small"].recording) and len(models["small"].recording) == 1 + 1 + 1 + 6
    assert compare(results["small"]["latency"], results["large"]["latency"], paired=True).ratio == 3.0
    lines = table(results).split("\n")
    assert len(lines) == 3 and len({len(line) for line in lines}) == 1
    assert lines[1].split() == ["small", "1", "s", "0", "us", "100.0", "%", "32", "B"]
    default = BenchmarkSuite(models, x, labels)
    assert (default.warmup, default.repeats) == (3, 20)
    with pytest.raises(ValueError, match="there are no candidates"):
        BenchmarkSuite({}, x, labels)
    with pytest.raises(TypeError, match="BenchmarkSuite: example is NoneType"):
        BenchmarkSuite(models, None, labels)


# Targets


def scripted(clock, durations, sizes=None):
    durations = iter(durations)

    def model(x):
        assert not is_grad_enabled()
        if sizes is not None:
            sizes.append(x.data[:, 0].tolist())
        clock.work(next(durations))
        return x

    return model


def test_single_stream_is_the_90th_percentile_against_a_target():
    clock, seen = Clock(), []
    examples = np.arange(6, dtype=np.float32).reshape(3, 2)
    durations = [9.0, 9.0] + [float(second) for second in range(1, 12)]
    perf = MLPerf(scripted(clock, durations, seen), examples, clock)
    run = perf.single_stream(target=10.0, queries=11, warmup=2)
    assert run == MLPerfResult("single-stream", "p90 latency", 10.0, "s", 10.0, True, 11)
    assert seen[:5] == [[0.0], [2.0], [4.0], [0.0], [2.0]]
    missed = MLPerf(scripted(clock, durations), examples, clock).single_stream(target=9.99, queries=11, warmup=2)
    assert missed.met is False and str(missed) == "single-stream: p90 latency 10 s, target 9.99 s, 11 queries: MISSED"
    assert MLPerf(scripted(clock, [1.0] * 103), examples, clock).single_stream(target=2.0).queries == 100


def test_offline_is_throughput_against_a_target():
    clock, seen = Clock(), []
    examples = np.arange(10, dtype=np.float32).reshape(10, 1)
    perf = MLPerf(scripted(clock, [100.0, 1.0, 1.0, 0.5], seen), examples, clock)
    run = perf.offline(target=4.0, batch_size=4)
    assert run == MLPerfResult("offline", "throughput", 4.0, "examples/s", 4.0, True, 10)
    assert seen == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    missed = MLPerf(scripted(clock, [100.0, 1.0, 1.0, 0.5]), examples, clock).offline(target=4.1, batch_size=4)
    assert (
        missed.met is False
        and str(missed) == "offline: throughput 4 examples/s, target 4.1 examples/s, 10 queries: MISSED"
    )
    many = np.zeros((70, 1), np.float32)
    seen.clear()
    assert str(MLPerf(scripted(clock, [1.0] * 4, seen), many, clock).offline(target=1.0)).endswith("met")
    assert [len(batch) for batch in seen] == [32, 32, 32, 6]
    assert MLPerf(scripted(clock, [1.0] * 3), many, clock).offline(target=1.0, warmup=0).met


def test_runs_that_are_refused():
    perf = MLPerf(lambda x: x, np.ones((2, 1), np.float32), Clock())
    for target in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"single_stream: target is .* finite number above 0"):
            perf.single_stream(target)
        with pytest.raises(ValueError, match="offline: target is"):
            perf.offline(target)
    with pytest.raises(ValueError, match="single_stream: queries is 0"):
        perf.single_stream(1.0, queries=0)
    with pytest.raises(ValueError, match="single_stream: warmup is -1"):
        perf.single_stream(1.0, warmup=-1)
    with pytest.raises(ValueError, match="offline: batch_size is 0"):
        perf.offline(1.0, batch_size=0)
    with pytest.raises(ValueError, match="offline: warmup is -1"):
        perf.offline(1.0, warmup=-1)
    with pytest.raises(ValueError, match="offline: the clock did not move"):
        perf.offline(1.0)
    for examples in (np.zeros((0, 3), np.float32), Tensor(3.0)):
        with pytest.raises(ValueError, match=r"MLPerf: examples have shape .* at least one"):
            MLPerf(lambda x: x, examples)
    with pytest.raises(TypeError, match="MLPerf: example is NoneType"):
        MLPerf(lambda x: x, None)


def test_models_are_measured_in_eval_mode_and_get_their_own_back():
    model = Sequential(Dropout(1 - 1e-6), Linear(2, 2)).train()
    model[1].weight.data[:] = np.eye(2)
    suite = BenchmarkSuite({"drops": model}, np.float32([[1, 0], [0, 1]] * 4), [0, 1] * 4, repeats=1)
    assert suite.run()["drops"]["accuracy"].value == 1.0 and model.training and model[0].training
    seen = []

    class Watched(Layer):
        def forward(self, x):
            seen.append(self.training)
            return x

    watched = Watched()
    MLPerf(watched, np.ones((2, 2))).single_stream(1.0, queries=2)
    BenchmarkSuite({"watched": watched}, np.ones((2, 2)), [0, 0], repeats=1).run()
    assert len(seen) > 4 and not any(seen) and watched.training


def test_nan_is_no_right_answer():
    logits = np.float32([[np.nan, 1.0], [np.nan, np.nan], [1.0, 0.0], [1.0, -np.inf]])
    assert correctness(lambda x: x, logits, [0, -1, 0, 0]).tolist() == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "right, count, low, high", [(8, 8, 0.675592, 1.0), (0, 8, 0.0, 0.324408), (15, 20, 0.531299, 0.888138)]
)
def test_the_interval_of_a_share_is_wilsons(right, count, low, high):
    samples = [1.0] * right + [0.0] * (count - right)
    assert BenchmarkResult("a", samples, "fraction", "mean").confidence_interval() == pytest.approx(
        (low, high), abs=1e-5
    )
    assert share_interval(right, count, 0.5)[0] >= low
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        share_interval(right, count, 95)


def test_the_interval_of_a_share_holds_it_as_often_as_it_says():
    for count, share in ((10, 0.9), (20, 0.7), (50, 0.5)):
        chances = [
            math.comb(count, right) * share**right * (1 - share) ** (count - right) for right in range(count + 1)
        ]
        held = sum(
            chance
            for right, chance in enumerate(chances)
            if share_interval(right, count)[0] <= share <= share_interval(right, count)[1]
        )
        assert held > 0.925


def test_only_times_are_faster_or_slower():
    worse, better = (BenchmarkResult(name, [share] * 8, "fraction", "mean") for name, share in (("a", 0.5), ("b", 0.9)))
    with pytest.raises(ValueError, match="compare: a is in fraction; only times"):
        compare(worse, better)
    assert compare(BenchmarkResult("a", [1.0] * 8, "ms"), BenchmarkResult("b", [2.0] * 8, "ms")).verdict == "slower"


def test_a_classifier_may_return_arrays():
    assert correctness(lambda x: x.data, np.float32([[0, 1], [1, 0]]), [1, 1]).tolist() == [1.0, 0.0]


# Percentiles


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_percentiles_are_numpys(count):
    samples = np.random.default_rng(count).exponential(size=count)
    before = samples.copy()
    for percent in (0, 0.1, 25, 50, 75, 90, 99, 100):
        assert percentile(samples, percent) == pytest.approx(np.percentile(samples, percent), rel=1e-12)
    assert (samples == before).all() and type(percentile([1, 2], 50)) is float
    with pytest.raises(ValueError, match="percentile: samples must be a list of at least one number"):
        percentile([], 50)


# Verdicts put to the test


def test_the_alarms_that_chance_explains_are_those_of_the_binomial_distribution():
    for trials, rate, confidence in ((40, 0.05, 0.99), (100, 0.05, 0.95), (7, 0.5, 0.99), (3, 0.2, 0.9999)):
        allowed = alarms_allowed(trials, rate, confidence)
        chances = [math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(trials + 1)]
        assert sum(chances[: allowed + 1]) >= confidence - 1e-12 and sum(chances[:allowed]) < confidence
    assert alarms_allowed(3, 0.5, 1 - 1e-18) == 3
    with pytest.raises(ValueError, match="alarms_allowed: trials is 0"):
        alarms_allowed(0)


@pytest.mark.parametrize("paired", [False, True])
def test_a_comparison_passes_the_test_of_twice_the_same(paired):
    """A/A with seeds: no difference is found more often than it may be, and that it can be found is shown as well."""

    def pair(number, ratio=1.0):
        rng = np.random.default_rng([3, number])
        return tuple(
            BenchmarkResult(name, center * rng.lognormal(0, 0.1, 25)) for name, center in (("a", 1.0), ("b", ratio))
        )

    found = false_alarms(pair, 200, paired)
    assert 0 < found <= alarms_allowed(200)
    assert false_alarms(lambda number: pair(number, 1.3), 20, paired) == 20


def test_samples_that_drift_fail_the_test_of_twice_the_same():
    def blocks(number):
        times = np.random.default_rng(number).lognormal(0, 0.02, 40) * np.linspace(1, 1.1, 40)
        return BenchmarkResult("a", times[:20]), BenchmarkResult("b", times[20:])

    def rounds(number):
        before, after = blocks(number)
        times = np.array([*before.samples, *after.samples])
        return BenchmarkResult("a", times[0::2]), BenchmarkResult("b", times[1::2])

    assert false_alarms(blocks, 40) > 2 * alarms_allowed(40)
    assert false_alarms(rounds, 40, paired=True) <= alarms_allowed(40)
    with pytest.raises(ValueError, match="false_alarms: trials is 0"):
        false_alarms(blocks, 0)


@pytest.mark.parametrize("spread", [0.03, 0.1])
def test_so_many_runs_show_a_difference_with_the_power_that_was_asked_for(spread, monkeypatch):
    monkeypatch.setattr(module, "RESAMPLES", 300)
    rng = np.random.default_rng(5)
    runs = runs_needed(rng.normal(1, spread, 4000), 0.05, power=0.8)
    base = BenchmarkResult("a", [1.0] * runs)
    shown = sum(
        compare(base, BenchmarkResult("b", rng.normal(1.05, spread, runs)), paired=True, seed=case).verdict == "slower"
        for case in range(100)
    )
    assert 65 <= shown <= 95
    with pytest.raises(ValueError, match="runs_needed: difference is 0"):
        runs_needed([1.0] * 8, 0)


def test_shares_that_are_none():
    for right, count in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match=f"share_interval: {right} of {count} is no share"):
            share_interval(right, count)


# A measurement as a file


COUNTED = Recipe(
    "from bench_clock import work\nstep = seed / 500",
    {"short": "work(step)", "long": "for _ in range(30): work(step)"},
    1,
    8,
    500,
)


@pytest.fixture
def bench_clock(monkeypatch):
    """A clock that the texts of a recipe can move, so that what they take is counted and no machine can be too busy."""
    clock = Clock()
    monkeypatch.setitem(sys.modules, "bench_clock", types.SimpleNamespace(work=clock.work))
    return clock


@pytest.fixture
def recording(tmp_path, bench_clock):
    path = tmp_path / "run.json"
    save_recording(record(COUNTED, bench_clock), path)
    return path


def test_a_recording_comes_back_whole(recording):
    found = load_recording(recording)
    assert found.recipe == COUNTED
    assert [len(result.samples) for result in found.results.values()] == [8, 8]
    here = "browser" if sys.platform == "emscripten" else "native"
    assert found.system["environment"] == here and found.created.endswith("Z")
    save_recording(found, recording.with_name("again.json"))
    assert recording.with_name("again.json").read_text() == recording.read_text()


def test_another_person_runs_it_again(recording, bench_clock):
    before = bench_clock.now
    (again,) = rerun(recording, bench_clock)
    assert bench_clock.now > before and again.measured.ratio == 30
    assert again.recorded.verdict == again.measured.verdict == "slower" and again.outcome == "confirmed"
    assert str(again).splitlines()[2] == "confirmed" and "recorded: slower: long takes" in str(again)


def test_what_was_recorded_is_not_believed(recording, bench_clock):
    content = json.loads(recording.read_text())
    content["seconds"] = {"short": content["seconds"]["long"], "long": content["seconds"]["short"]}
    recording.write_text(json.dumps(content))
    (again,) = rerun(recording, bench_clock)
    assert (again.recorded.verdict, again.measured.verdict, again.outcome) == ("faster", "slower", "contradicted")


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda content: [], "format and version are None; needed are 'tinytorch-benchmark' and 1"),
        (lambda content: content | {"version": 2}, r"format and version are \('tinytorch-benchmark', 2\)"),
        (lambda content: content | {"recipe": {"setup": ""}}, "a part is missing or of the wrong kind"),
        (lambda content: content | {"recipe": 3}, "a part is missing or of the wrong kind"),
        (lambda content: content | {"seconds": {"short": [1.0]}}, r"a part is missing .*KeyError: 'long'"),
        (lambda content: content | {"seconds": {"short": [], "long": [1.0]}}, "at least one number"),
        (lambda content: {key: content[key] for key in content if key != "system"}, "KeyError: 'system'"),
        (lambda content: content | {"system": "mine"}, "a part is missing or of the wrong kind"),
        (lambda content: content | {"recipe": content["recipe"] | {"setup": 3}}, "setup is int; it must be str"),
        (lambda content: content | {"recipe": content["recipe"] | {"candidates": {"a": 1}}}, "candidates .* must be"),
        (lambda content: content | {"recipe": content["recipe"] | {"seed": "a"}}, "seed is str; it must be int"),
    ],
)
def test_files_that_hold_no_recording(recording, change, sentence):
    recording.write_text(json.dumps(change(json.loads(recording.read_text()))))
    with pytest.raises(ValueError, match=sentence):
        load_recording(recording)


def test_files_that_hold_no_json(recording):
    for text in ("{", "[" * 1000):
        recording.write_text(text)
        with pytest.raises(
            ValueError, match=r"load_recording: run.json holds no JSON .* needs a file that save_recording"
        ):
            load_recording(recording)
    with pytest.raises(FileNotFoundError):
        load_recording(recording.with_name("none.json"))


def test_a_recipe_says_what_is_wrong_with_it():
    with pytest.raises(SyntaxError):
        Recipe("x =", {"a": "pass"}).functions()
    with pytest.raises(SyntaxError):
        Recipe("", {"a": "x ="}).functions()
    with pytest.raises(ValueError, match="Benchmark: there are no candidates"):
        Recipe("", {}).run()


def test_a_recipe_is_measured_by_the_clock_it_is_given():
    clock = HandClock()
    recipe = Recipe("", {"a": "move(2.0)", "b": "move(4.0)"}, 0, 6)
    names = {"move": clock.move}
    functions = {name: recipe.function(text, names) for name, text in recipe.candidates.items()}
    results = Benchmark(functions, 0, 6, clock).run()
    assert [results[name].value for name in "ab"] == [2.0, 4.0]
    ticks = itertools.count()
    measured = record(Recipe("", {"a": "pass"}, 0, 6), clock=lambda: float(next(ticks)))
    assert measured.results["a"].samples == (1.0,) * 6
