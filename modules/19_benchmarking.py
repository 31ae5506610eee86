"""Chapter 19: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""


import numpy as np

from tinytorch import Benchmark, BenchmarkResult, BenchmarkSuite, MLPerf, manual_seed
from tinytorch.learn.expecting import expect, expect_cost, expect_raises, raising
from tinytorch.perf.benchmarking import HandClock, Recipe, alarms_allowed, bootstrap_ci, compare, false_alarms, percentile, ratio_interval, runs_needed, share_interval

RANGE = "if not 0 <= percent <= 100:\n    raise ValueError(f\"percentile: {percent} is not between 0 and 100\")\n"
SAMPLES = RANGE + "samples = check_samples(\"percentile\", samples)\n"
ORDERED = SAMPLES + "ordered = np.sort(samples)\n"
PLACE = ORDERED + "place = percent / 100 * (len(ordered) - 1)\nbelow = int(place)\n"
WARM = "for _ in range(self.warmup):\n    for function in self.candidates.values():\n        function()\n"
CALLS = "calls = {name: calls_for_clock(function, self.clock) for name, function in self.candidates.items()}\n"
EMPTY = "samples = {name: [] for name in self.candidates}\n"
ROUNDS = "for number in range(self.repeats):\n    for name in self.order(number):\n"
SAMPLE = "        samples[name].append(seconds_per_call(self.candidates[name], calls[name], self.clock))\n"
RESULTS = "return {name: BenchmarkResult(name, times) for name, times in samples.items()}"
ENOUGH = ("if not callable(statistic):\n    raise TypeError(f\"bootstrap_ci: statistic is {statistic!r}; pass a function such as np.median, or name what follows it, confidence=… and seed=…\")\n"
          "samples = check_samples(\"bootstrap_ci\", samples)\nleast = samples_needed(confidence)\nif len(samples) < least:\n"
          "    raise ValueError(f\"bootstrap_ci: {len(samples)} samples cannot carry an interval of {confidence:.0%}; measure at least {least}\")\n"
          "check_count(\"bootstrap_ci\", \"resamples\", resamples)\n")
RNG = ENOUGH + "rng = np.random.default_rng(seed)\n"
ROWS = RNG + "rows = rng.integers(len(samples), size=(resamples, len(samples)))\n"
BOTH = "check_comparable(baseline, candidate, paired)\nbefore, after = np.array(baseline.samples), np.array(candidate.samples)\n"
PAIRED = "if paired:\n    ratio = float(np.median(after / before))\n    low, high = bootstrap_ci(after / before, np.median, confidence, seed)\n"
UNPAIRED = "else:\n    ratio = float(np.median(after) / np.median(before))\n    low, high = ratio_interval(before, after, confidence, seed)\n"
VERDICT = "verdict = \"faster\" if high < 1 else \"slower\" if low > 1 else \"no difference shown\"\n"
COMPARED = "return Comparison(baseline.name, candidate.name, ratio, low, high, confidence, verdict)"
TRIALS = "check_count(\"false_alarms\", \"trials\", trials)\n"
POSITIVE = "check_positive(\"runs_needed\", {\"difference\": difference})\n"
SPREAD = POSITIVE + "spread = (percentile(ratios, 75) - percentile(ratios, 25)) / 1.35 / percentile(ratios, 50)\n"
DEVIATION = "deviation = deviations((1 + confidence) / 2) + deviations(power)\n"
RUNS = "runs = math.ceil((1.25 * spread * deviation / difference) ** 2)\n"
LEAST = "return max(runs, samples_needed(confidence))"
SHARE = ("if not 0 <= right <= count or count < 1:\n"
         "    raise ValueError(f\"share_interval: {right} of {count} is no share; give 0 <= right <= count, count at least 1\")\n"
         "samples_needed(confidence)\n")
Z = SHARE + "z = deviations((1 + confidence) / 2)\nshare, weight = right / count, z * z / count\n"
CENTER = "center = (share + weight / 2) / (1 + weight)\n"
HALF = "half = z * math.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)\n"
ENDS = "return max(0.0, min(center - half, share)), min(1.0, max(center + half, share))"
RIGHT = "right = {name: correctness(model, self.inputs, self.targets) for name, model in self.models.items()}\n"
MADE = "calls = {name: self.call_of(model) for name, model in self.models.items()}\n"
BLIND = "calls = {}\nfor name, model in self.models.items():\n    calls[name] = lambda: model(*self.inputs)\n"
IN_USE = "with all_in_use(self.models.values()):\n"
TIMES = "times = Benchmark(calls, self.warmup, self.repeats, self.clock).run()\n"
METRICS = ("return {name: {\"latency\": times[name], \"accuracy\": BenchmarkResult(name, right[name], \"fraction\", \"mean\"), "
           "\"memory\": BenchmarkResult(name, [bytes_of(model.state_arrays())], \"bytes\")} for name, model in self.models.items()}")
NAMES = "names = {\"seed\": self.seed}\n"
SEEDED = "manual_seed(self.seed)\n"
SETUP = "exec(self.setup, names)\n"
FUNCTIONS = "return {name: self.function(text, names) for name, text in self.candidates.items()}"
STREAM = ("check_positive(\"single_stream\", {\"target\": target})\ncheck_count(\"single_stream\", \"queries\", queries)\n"
          "check_count(\"single_stream\", \"warmup\", warmup, least=0)\n")
ASKED = STREAM + "times = [self.timed(number % len(self.examples), 1) for number in range(warmup + queries)]\n"
STREAMED = "return MLPerfResult(\"single-stream\", \"p90 latency\", value, \"s\", target, value <= target, queries)"
OFFLINE = ("check_positive(\"offline\", {\"target\": target})\ncheck_count(\"offline\", \"batch_size\", batch_size)\n"
           "check_count(\"offline\", \"warmup\", warmup, least=0)\n")
HEATED = OFFLINE + "for _ in range(warmup):\n    self.timed(0, batch_size)\n"
SECONDS = "seconds = sum(self.timed(start, batch_size) for start in range(0, len(self.examples), batch_size))\n"
STILL = "if seconds <= 0:\n    raise ValueError(\"offline: the clock did not move during the run; use more examples\")\n"
RATE = "count = len(self.examples)\nvalue = count / seconds\nreturn MLPerfResult(\"offline\", \"throughput\", value, \"examples/s\", target, value >= target, count)"


class exercise_percentile:

    def between_two_samples():
        """What falls between two samples lies between their values"""
        expect(percentile([30, 10, 20], 75), 25.0, mistakes=[
            (15.0, "You took the samples as they came. First put them in order.",
             PLACE.replace("np.sort(samples)", "samples") + "above = min(below + 1, len(ordered) - 1)\nreturn float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))"),
            (lambda got: got in (20, 30), "That is one of the samples. Three samples are two steps apart, so the place of 75 % is 0.75 · 2 = 1.5: half way between 20 and 30, and so is the value.",
             PLACE + "return float(ordered[below])", PLACE + "return float(ordered[round(place)])",
             ORDERED + "return float(ordered[int(percent / 100 * len(ordered))])",
             ORDERED + "place = percent / 100 * len(ordered)\nbelow = min(int(place), len(ordered) - 1)\nabove = min(below + 1, len(ordered) - 1)\nreturn float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))"),
            (22.5, "The fraction is taken with the wrong ends, or the steps are not equal: with three samples the place of 75 % is 0.75 · 2 = 1.5.",
             ORDERED + "place = percent / 100 * len(ordered) - 1\nbelow = int(place)\nreturn float(ordered[below] + (place - below) * (ordered[below + 1] - ordered[below]))"),
            (raising(ValueError, "Quantiles"), "np.quantile takes a share from 0 to 1; `percent` goes from 0 to 100.",
             SAMPLES + "return float(np.quantile(samples, percent))"),
            (IndexError, "An index lies beyond the last sample. `percent` goes from 0 to 100, and the last of n samples has the index n − 1: the place is percent / 100 · (n − 1).",
             ORDERED + "place = percent * (len(ordered) - 1)\nbelow = int(place)\nreturn float(ordered[below] + (place - below) * (ordered[below + 1] - ordered[below]))",
             ORDERED + "place = percent / 100 * len(ordered)\nbelow = int(place)\nreturn float(ordered[below] + (place - below) * (ordered[below + 1] - ordered[below]))")])
        expect(percentile([10, 30], 90), 28.0, mistakes=[
            (12.0, "The fraction counts from the sample below: 0.9 of the way from 10 to 30.",
             PLACE + "above = min(below + 1, len(ordered) - 1)\nreturn float(ordered[above] + (place - below) * (ordered[below] - ordered[above]))"),
            (20.0, "That is the middle between the two neighbours. 90 % lies nearer to the upper one: 0.9 of the way from 10 to 30.",
             PLACE + "above = math.ceil(place)\nreturn float((ordered[below] + ordered[above]) / 2)")])

    def the_ends_and_a_single_sample():
        """0 % is the smallest, 100 % the largest, and a single sample is every percentile"""
        expect(percentile([30, 10, 20], 0), 10.0)
        expect(percentile([30, 10, 20], 100), 30.0, mistakes=[
            (IndexError, "At 100 % the place is the last sample, and there is no next one to go towards.",
             PLACE + "return float(ordered[below] + (place - below) * (ordered[below + 1] - ordered[below]))")])
        expect(percentile([7], 40), 7.0)
        for percent in (-0.5, 100.5):
            expect_raises(ValueError, lambda: percentile([1, 2], percent), mentions=[f"{percent} is not between 0 and 100"])

    def a_float_as_numpy_s():
        """A Python float, the same as NumPy's for any samples"""
        expect(type(percentile([1, 2, 3], 50)).__name__, "float", mistakes=[
            ("float64", "The value is a NumPy number. `float(…)` makes a Python float, which a file can hold and which prints plainly.",
             PLACE + "above = min(below + 1, len(ordered) - 1)\nreturn ordered[below] + (place - below) * (ordered[above] - ordered[below])",
             SAMPLES + "return np.percentile(samples, percent)")])
        samples = np.random.default_rng(0).exponential(size=37)
        expect([percentile(samples, percent) for percent in (1, 50, 90, 99)], [float(np.percentile(samples, percent)) for percent in (1, 50, 90, 99)])

    def the_samples_keep_their_order():
        """The caller's samples keep their order"""
        samples = np.array([3.0, 1.0, 2.0])
        def median_and_samples_afterwards():
            return percentile(samples, 50), samples.tolist()
        expect(median_and_samples_afterwards(), (2.0, [3.0, 1.0, 2.0]), mistakes=[
            (lambda got: got[1] == [1.0, 2.0, 3.0], "Afterwards the caller's samples are sorted. `samples.sort()` works in place, and of an array of float64 check_samples makes no copy; `np.sort(samples)` gives a new array.",
             SAMPLES + "samples.sort()\nplace = percent / 100 * (len(samples) - 1)\nbelow = int(place)\nabove = min(below + 1, len(samples) - 1)\nreturn float(samples[below] + (place - below) * (samples[above] - samples[below]))")])

    wrong = [
        (PLACE.replace("100 *", "101 *") + "above = min(below + 1, len(ordered) - 1)\nreturn float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))", "expected 25"),
    ]

    right = [
        SAMPLES + "return float(np.percentile(samples, percent))",
        SAMPLES + "ordered = np.sort(samples)\nreturn float(np.interp(percent, np.linspace(0, 100, len(ordered)), ordered)) if len(ordered) > 1 else float(ordered[0])",
        SAMPLES + "ordered = sorted(samples.tolist())\nwhole, part = divmod(percent * (len(ordered) - 1) / 100, 1)\nnext_one = ordered[math.ceil(whole + part)]\nreturn (1 - part) * ordered[int(whole)] + part * next_one",
    ]


class exercise_rounds:

    def the_order_of_the_calls():
        """Warm-up, the clock, then round after round, every second one backwards"""
        def order(warmup, repeats):
            clock, calls = HandClock(), []
            def candidate(name):
                def run():
                    calls.append(name)
                    clock.move(1.0)
                    if len(calls) > 100:
                        raise RuntimeError("a hundred calls, and no end")
                return run
            Benchmark({"a": candidate("a"), "b": candidate("b")}, warmup=warmup, repeats=repeats, clock=clock).run()
            return "".join(calls)
        expect(order(warmup=0, repeats=4), "ab" + "abbaabba", mistakes=[
            ("abababbaabba", "There was a round of warm-up, and none was asked for. `self.warmup` says how many there are.",
             "for function in self.candidates.values():\n    function()\n" + CALLS + EMPTY + ROUNDS + SAMPLE + RESULTS),
            (lambda got: got.endswith("aaaabbbb"), "Those are blocks: all samples of a, then all of b. The loop over the rounds stands outside, the one over the candidates inside.",
             WARM + CALLS + EMPTY + "for name in self.candidates:\n    for number in range(self.repeats):\n" + SAMPLE + RESULTS),
            (lambda got: got.endswith("abababab"), "Every round goes forwards, so b is the later one in each pair. `self.order(number)` gives the names in the order of the round.",
             WARM + CALLS + EMPTY + "for number in range(self.repeats):\n    for name in self.candidates:\n" + SAMPLE + RESULTS),
            (lambda got: got.endswith("baabbaab"), "The first round went backwards. Rounds are numbered from 0.",
             WARM + CALLS + EMPTY + "for number in range(1, self.repeats + 1):\n    for name in self.order(number):\n" + SAMPLE + RESULTS),
            (lambda got: got.startswith("abbaabba"), "Nobody has asked how many calls a sample needs: `calls_for_clock(function, self.clock)` for each candidate.",
             WARM + EMPTY + ROUNDS + "        samples[name].append(seconds_per_call(self.candidates[name], 1, self.clock))\n" + RESULTS),
            (lambda got: len(got) > 14, "There are more calls than rounds. How many calls a sample needs is asked once for each candidate, before the rounds.",
             WARM + EMPTY + ROUNDS + "        calls = calls_for_clock(self.candidates[name], self.clock)\n        samples[name].append(seconds_per_call(self.candidates[name], calls, self.clock))\n" + RESULTS),
            (lambda got: got == "ababba", "There are as many samples as half the rounds. `repeats` is the number of rounds.",
             WARM + CALLS + EMPTY + ROUNDS.replace("self.repeats", "self.repeats // 2") + SAMPLE + RESULTS)])
        def order_in_rounds(warmup):
            calls = order(warmup, repeats=1)
            warm, rest = calls[:2 * warmup], calls[2 * warmup:]
            return ["".join(sorted(warm[start:start + 2])) for start in range(0, len(warm), 2)] + [rest]
        expect(order_in_rounds(warmup=2), ["ab", "ab", "ab" + "ab"], mistakes=[
            (["ab", "ab", ""], "The rounds of warm-up are missing.", CALLS + EMPTY + ROUNDS + SAMPLE + RESULTS),
            (lambda got: got[0] == "aa", "The warm-up goes in rounds too: each candidate once, then each once more. Only after all of it come the calls for the clock.",
             "for function in self.candidates.values():\n    for _ in range(self.warmup):\n        function()\n" + CALLS + EMPTY + ROUNDS + SAMPLE + RESULTS,
             "calls = {}\nfor name, function in self.candidates.items():\n    for _ in range(self.warmup):\n        function()\n    calls[name] = calls_for_clock(function, self.clock)\n" + EMPTY + ROUNDS + SAMPLE + RESULTS)])

    def a_result_for_each():
        """A result for each candidate, its samples in the order of the rounds"""
        def measured(warmup=1, repeats=4):
            clock, seconds = HandClock(), {"a": 1.0, "b": 10.0}
            def candidate(name):
                def run():
                    clock.move(seconds[name])
                    seconds[name] += 1
                return run
            return Benchmark({"a": candidate("a"), "b": candidate("b")}, warmup=warmup, repeats=repeats, clock=clock).run()
        expect(type(measured()).__name__, "dict")
        expect([type(result).__name__ for result in measured().values()], ["BenchmarkResult", "BenchmarkResult"], mistakes=[
            (lambda got: got == ["list", "list"], "The dict holds lists. Make a `BenchmarkResult(name, samples)` of each.",
             WARM + CALLS + EMPTY + ROUNDS + SAMPLE + "return samples")])
        expect(measured()["a"].samples, (3.0, 4.0, 5.0, 6.0), mistakes=[
            (lambda got: len(got) == 8, "All samples went into one list: `dict.fromkeys(names, [])` gives every name the same one. Make a list for each.",
             WARM + CALLS + "samples = dict.fromkeys(self.candidates, [])\n" + ROUNDS + SAMPLE + RESULTS),
            (lambda got: len(got) == 1, "There is one sample. Each round gives one.",
             WARM + CALLS + EMPTY + ROUNDS + "        samples[name] = [seconds_per_call(self.candidates[name], calls[name], self.clock)]\n" + RESULTS),
            (lambda got: max(got) < 0.5, "The functions move the clock of this benchmark, and something else was looked at. `self.clock` is the clock.",
             WARM + CALLS + EMPTY + ROUNDS + SAMPLE.replace("self.clock", "time.perf_counter") + RESULTS),
            ((1.0, 2.0, 3.0, 4.0), "The samples begin with the first call there was. Warm-up and the calls for the clock come before, and are not kept.",
             EMPTY + "for number in range(self.repeats):\n    for name in self.order(number):\n        samples[name].append(seconds_per_call(self.candidates[name], 1, self.clock))\n" + RESULTS),
            (lambda got: got == (3, 4, 5, 6)[:len(got)] and len(got) < 4, "A round is missing.",
             WARM + CALLS + EMPTY + ROUNDS.replace("range(self.repeats)", "range(self.repeats - 1)") + SAMPLE + RESULTS)])
        expect([result.name for result in measured().values()], ["a", "b"])

    def quick_functions_are_called_often():
        """A quick function is called many times for each sample, as warm as it will be"""
        def counted(first):
            clock, calls = HandClock(), []
            def quick():
                calls.append(1)
                clock.move(first if len(calls) == 1 else 2.0**-12)
            result = Benchmark({"quick": quick}, warmup=1, repeats=2, clock=clock).run()["quick"]
            return len(calls), result.samples
        expect(counted(first=2.0**-12), (1 + (1 + 2 + 4 + 8) + 2 * 8, (2.0**-12, 2.0**-12)), mistakes=[
            (lambda got: got[1] == (2.0**-12,) * 2 and got[0] < 20, "Each sample is one call of a quarter of a millisecond, which a browser's clock cannot tell from nothing. `calls_for_clock` says how many it takes.",
             WARM + "calls = {name: calls_for_clock(function, self.clock) for name, function in self.candidates.items()}\n" + EMPTY + ROUNDS + SAMPLE.replace("calls[name]", "1") + RESULTS),
            (lambda got: max(got[1]) > 2.0**-11, "A sample is the time of one call: `seconds_per_call` has divided already, or divide by the number of calls.",
             WARM + CALLS + EMPTY + ROUNDS + SAMPLE.replace("self.clock))", "self.clock) * calls[name])") + RESULTS)])
        expect(counted(first=1.0)[0], 1 + (1 + 2 + 4 + 8) + 2 * 8, mistakes=[
            (lambda got: got < 10, "The first call takes longer here, as it often does, and it was the one that `calls_for_clock` saw. First warm up, then ask how many calls it takes.",
             CALLS + WARM + EMPTY + ROUNDS + SAMPLE + RESULTS)])

    right = [
        ("for _ in range(self.warmup):\n    for name in self.candidates:\n        self.candidates[name]()\ncalls, samples = {}, {}\n"
         "for name, function in self.candidates.items():\n    calls[name], samples[name] = calls_for_clock(function, self.clock), []\n"
         "for number in range(self.repeats):\n    for name in self.order(number):\n        samples[name] += [seconds_per_call(self.candidates[name], calls[name], self.clock)]\n"
         "return {name: BenchmarkResult(name, samples[name]) for name in self.candidates}"),
        "for number in range(self.warmup):\n    for name in self.order(number):\n        self.candidates[name]()\n" + CALLS + EMPTY + ROUNDS + SAMPLE + RESULTS,
        (WARM + CALLS + "rounds = [{name: seconds_per_call(self.candidates[name], calls[name], self.clock) for name in self.order(number)} for number in range(self.repeats)]\n"
         "return {name: BenchmarkResult(name, [each[name] for each in rounds]) for name in self.candidates}"),
        ("for number in range(self.warmup):\n    [function() for function in self.candidates.values()]\n" + CALLS
         + "samples = {name: np.zeros(self.repeats) for name in self.candidates}\n" + ROUNDS
         + "        samples[name][number] = seconds_per_call(self.candidates[name], calls[name], self.clock)\n" + RESULTS),
    ]


class exercise_bootstrap_ci:

    def as_wide_as_it_should_be():
        """The interval of a mean is as wide as calculated"""
        samples = np.random.default_rng(3).normal(10, 2, 100)
        def width(confidence, resamples=4000):
            low, high = bootstrap_ci(samples, np.mean, confidence, seed=1, resamples=resamples)
            return (high - low) / (samples.std() / 10)
        expect(bootstrap_ci([1.0] * 10), (1.0, 1.0), mistakes=[
            (lambda got: not isinstance(got, tuple), "Two floats come back, low and high.",
             ROWS + "return np.quantile(statistic(samples[rows], axis=1), [0.025, 0.975])")])
        expect(width(0.95), 3.92, rtol=0.08, mistakes=[
            (lambda got: got > 15, "That is the middle of the samples themselves: where a single run lies. It does not get narrower with more samples. Take the statistic of each draw, and of those the middle.",
             ENOUGH + "return middle(samples, confidence)", RNG + "return middle(rng.choice(samples, (resamples, len(samples))).ravel(), confidence)"),
            (lambda got: 5.3 < got < 5.8, "The draws are half as large as they should be. Each has as many numbers as there are samples.",
             RNG + "rows = rng.integers(len(samples), size=(resamples, len(samples) // 2))\nreturn middle(statistic(samples[rows], axis=1), confidence)"),
            (lambda got: got < 1e-9, "Every draw has the same mean: it has all samples, each once, in another order. Draw with replacement, so that some come twice and some not at all.",
             RNG + "draws = np.stack([rng.permutation(samples) for _ in range(resamples)])\nreturn middle(statistic(draws, axis=1), confidence)",
             RNG + "draws = np.stack([rng.choice(samples, len(samples), replace=False) for _ in range(resamples)])\nreturn middle(statistic(draws, axis=1), confidence)"),
            (lambda got: 0 < got < 1.2, "The interval is much too narrow: each statistic was taken over all the draws, and not over the n numbers of one. A row is a draw, so axis=1.",
             ROWS + "return middle(statistic(samples[rows], axis=0), confidence)",
             RNG + "rows = rng.integers(len(samples), size=(len(samples), resamples))\nreturn middle(statistic(samples[rows], axis=1), confidence)"),
            (lambda got: 3.1 < got < 3.5, "5 % are left out at each end, so this is an interval of 90 %. `middle(values, confidence)` leaves out half of the rest on each side.",
             ROWS + "low, high = np.quantile(statistic(samples[rows], axis=1), [1 - confidence, confidence])\nreturn float(low), float(high)"),
            (lambda got: got > 4.8, "From the smallest to the largest of the draws is wider than what was asked for. `middle(values, confidence)` gives the middle part.",
             ROWS + "values = statistic(samples[rows], axis=1)\nreturn float(values.min()), float(values.max())")])
        expect(width(0.5), 1.349, rtol=0.1, mistakes=[
            (lambda got: got > 3, "For a confidence of 50 % the interval is as wide as for 95 %. `confidence` must reach it.",
             ROWS + "return middle(statistic(samples[rows], axis=1), 0.95)")])

    def of_any_statistic():
        """The statistic is the one that was given, of as many draws as asked for"""
        samples = [1.0] * 8 + [1000.0]
        expect(bootstrap_ci(samples), (1.0, 1.0), mistakes=[
            (lambda got: got[1] > 1, "Without another wish it is the median, which the one outlier does not move. You took the mean, whatever `statistic` is.",
             ROWS + "return middle(samples[rows].mean(axis=1), confidence)")])
        expect(bootstrap_ci(samples, np.mean)[1] > 100, True, mistakes=[
            (False, "Here np.mean was given, and the outlier should move the interval. Use `statistic`.",
             ROWS + "return middle(np.median(samples[rows], axis=1), confidence)")])
        seen = []
        def counting(draws, axis=-1):
            seen.append(np.size(draws))
            return np.mean(draws, axis=axis)
        bootstrap_ci(np.arange(10.0), counting, resamples=7)
        expect(sum(seen), 7 * 10, mistakes=[
            (lambda got: got == 20000, "2,000 draws were made, and 7 were asked for: `resamples`.",
             ROWS.replace("size=(resamples,", "size=(2000,") + "return middle(statistic(samples[rows], axis=1), confidence)"),
            (lambda got: got > 70, "More was drawn than asked for: 7 draws of 10 numbers each.",
             RNG + "rows = rng.integers(len(samples), size=(resamples + 1, len(samples)))\nreturn middle(statistic(samples[rows], axis=1), confidence)")])

    def the_same_seed_gives_the_same():
        """The same seed gives the same interval, another seed another one"""
        samples = np.random.default_rng(0).normal(10, 2, 50)
        expect(bootstrap_ci(samples, np.mean, seed=5) == bootstrap_ci(samples, np.mean, seed=5), True, mistakes=[
            (False, "Twice the same seed, and two intervals. `np.random.default_rng(seed)` begins the same row of random numbers each time.",
             ROWS.replace("default_rng(seed)", "default_rng()") + "return middle(statistic(samples[rows], axis=1), confidence)",
             ENOUGH + "rows = np.random.randint(len(samples), size=(resamples, len(samples)))\nreturn middle(statistic(samples[rows], axis=1), confidence)")])
        def of_two_seeds():
            return bootstrap_ci(samples, np.mean, seed=1), bootstrap_ci(samples, np.mean, seed=2)
        expect(len(set(of_two_seeds())), 2, mistakes=[
            (lambda got: got == 1 and np.ptp(of_two_seeds()[0]) < 1e-9, "Whatever the seed, the interval has no width: every draw has all samples, each once. Draw with replacement.",
             RNG + "return middle(statistic(np.stack([rng.permutation(samples) for _ in range(resamples)]), axis=1), confidence)"),
            (1, "Another seed gave the same interval. `seed` must reach default_rng.",
             ROWS.replace("default_rng(seed)", "default_rng(0)") + "return middle(statistic(samples[rows], axis=1), confidence)")])
        expect(bootstrap_ci(samples, np.mean) == bootstrap_ci(samples, np.mean, seed=0), True)

    def every_sample_can_be_drawn():
        """Every sample can be drawn, the caller's stay as they are, and too few are refused"""
        samples = np.array([0.0] * 6 + [1.0])
        def ends():
            low, high = bootstrap_ci(samples, np.mean, 0.98, resamples=400)
            return low < 0.1, high > 0.2
        expect(ends(), (True, True), mistakes=[
            ((False, False), "Every draw has the same mean: it has all samples, each once. Draw with replacement.",
             RNG + "return middle(statistic(np.stack([rng.permutation(samples) for _ in range(resamples)]), axis=1), confidence)"),
            ((True, False), "The last sample was never drawn. `rng.integers(n)` gives 0 to n − 1, without n.",
             RNG + "rows = rng.integers(len(samples) - 1, size=(resamples, len(samples)))\nreturn middle(statistic(samples[rows], axis=1), confidence)")])
        samples = np.array([1.0] + [0.0] * 6)
        expect(ends(), (True, True), mistakes=[
            ((True, False), "The first sample was never drawn. Indices begin with 0.",
             RNG + "rows = rng.integers(1, len(samples), size=(resamples, len(samples)))\nreturn middle(statistic(samples[rows], axis=1), confidence)")])
        expect(samples.tolist(), [1.0, 0, 0, 0, 0, 0, 0])
        expect_raises(ValueError, lambda: bootstrap_ci([1.0] * 5), mentions=["5 samples cannot carry an interval of 95%; measure at least 6"])
        expect_raises(ValueError, lambda: bootstrap_ci([1.0] * 8, resamples=0), mentions=["bootstrap_ci: resamples is 0"])
        expect_raises(TypeError, lambda: bootstrap_ci([1.0] * 8, 0.95, 0), mentions=["bootstrap_ci: statistic is 0.95"])

    wrong = [
        (ROWS + "return middle(statistic(samples[rows]), confidence)", "expected"),
        (ROWS + "return middle(statistic(samples[rows], axis=1).tolist, confidence)", "unsupported"),
    ]

    right = [
        RNG + "draws = rng.choice(samples, size=(resamples, len(samples)))\nreturn middle(statistic(draws, axis=1), confidence)",
        RNG + "n = len(samples)\nvalues = [statistic(samples[rng.integers(n, size=n)], axis=0) for _ in range(resamples)]\nreturn middle(np.array(values), confidence)",
        ("rng = np.random.default_rng(seed)\n" + ENOUGH + "draws = samples[rng.integers(0, samples.size, (samples.size, resamples))]\nvalues = statistic(draws, axis=0)\n"
         "rest = 50 * (1 - confidence)\nlow, high = np.percentile(values, [rest, 100 - rest])\nreturn float(low), float(high)"),
    ]


class exercise_compare:

    def slower_and_faster():
        """Twice the time is slower, half of it faster, and their names stand in the result"""
        base = BenchmarkResult("old", [1.0, 1.1, 0.9, 1.0, 1.2, 1.0])
        double = BenchmarkResult("new", [2.0, 2.2, 1.8, 2.0, 2.4, 2.0])
        for paired in (False, True):
            expect(compare(base, double, paired).ratio, 2.0, mistakes=[
                (0.5, "That is the baseline's time divided by the candidate's. The ratio is the candidate's divided by the baseline's: 0.5 needs half the time.",
                 BOTH + PAIRED.replace("after / before", "before / after") + UNPAIRED.replace("np.median(after) / np.median(before)", "np.median(before) / np.median(after)") + VERDICT + COMPARED)])
            expect(compare(base, double, paired).verdict, "slower", mistakes=[
                ("faster", "The candidate takes twice the time, and that is slower: the whole interval lies above 1.",
                 BOTH + PAIRED + UNPAIRED + VERDICT.replace("faster", "x").replace("slower", "faster").replace("\"x\"", "\"slower\"") + COMPARED),
                ("no difference shown", "The whole interval lies above 1, and there is no verdict. Which end decides for \"slower\"?",
                 BOTH + PAIRED + UNPAIRED + VERDICT.replace("low > 1", "low > high") + COMPARED)])
            expect(compare(double, base, paired).verdict, "faster")
        expect((compare(base, double).baseline, compare(base, double).candidate), ("old", "new"))
        expect(type(compare(base, double, True).ratio).__name__, "float", mistakes=[
            ("float64", "The ratio is a NumPy number; `float(…)` makes a Python float of it.",
             BOTH + PAIRED.replace("float(np.median(after / before))", "np.median(after / before)") + UNPAIRED + VERDICT + COMPARED)])
        expect(type(compare(base, double).ratio).__name__, "float", mistakes=[
            ("float64", "Without pairs the ratio is a NumPy number; `float(…)` makes a Python float of it.",
             BOTH + PAIRED + UNPAIRED.replace("float(np.median(after) / np.median(before))", "np.median(after) / np.median(before)") + VERDICT + COMPARED)])

    def only_where_the_whole_interval_says_so():
        """A verdict only where the whole interval lies on one side of 1"""
        rng = np.random.default_rng(4)
        a, b = (BenchmarkResult(name, rng.normal(center, 0.2, 20)) for name, center in (("a", 1.0), ("b", 1.02)))
        for pair in ((a, b), (b, a)):
            for paired in (False, True):
                expect(compare(*pair, paired).verdict, "no difference shown", mistakes=[
                    (lambda got: got in ("faster", "slower"), "The interval holds 1, and a verdict was given. It takes the whole interval on one side: its upper end below 1 for \"faster\", its lower end above 1 for \"slower\".",
                     BOTH + PAIRED + UNPAIRED + "verdict = \"faster\" if ratio < 1 else \"slower\" if ratio > 1 else \"no difference shown\"\n" + COMPARED,
                     BOTH + PAIRED + UNPAIRED + "verdict = \"faster\" if low < 1 else \"slower\" if high > 1 else \"no difference shown\"\n" + COMPARED)])
        same = BenchmarkResult("a", [2.0] * 8)
        for paired in (False, True):
            expect(compare(same, same, paired).verdict, "no difference shown", mistakes=[
                (lambda got: got in ("faster", "slower"), "The interval is 1 to 1, and so it holds 1. Below is less than 1, and above is more than 1.",
                 BOTH + PAIRED + UNPAIRED + VERDICT.replace("high < 1", "high <= 1") + COMPARED, BOTH + PAIRED + UNPAIRED + VERDICT.replace("low > 1", "low >= 1") + COMPARED)])
            for times in (0.9, 1.1):
                touching = BenchmarkResult("b", [2 * times] * 5 + [2.0] * 3)
                expect(compare(same, touching, paired).verdict, "no difference shown", mistakes=[
                    (lambda got: got in ("faster", "slower"), "The interval reaches from 1 to one side, and ends at 1 exactly: so it holds 1. Below is less than 1, and above is more than 1.",
                     BOTH + PAIRED + UNPAIRED + "verdict = \"no difference shown\"\nif ratio < 1 and high <= 1:\n    verdict = \"faster\"\nif ratio > 1 and low >= 1:\n    verdict = \"slower\"\n" + COMPARED)])
            for times in (1.99, 2.01):
                expect(compare(same, BenchmarkResult("b", [times] * 8), paired).verdict, "faster" if times < 2 else "slower")

    def pairs_cancel_what_slowed_both():
        """In pairs, what slowed both at the same moment cancels out"""
        rng = np.random.default_rng(7)
        weather = rng.uniform(1, 5, 30)
        base, quick = BenchmarkResult("a", weather), BenchmarkResult("b", 0.95 * weather * rng.normal(1, 0.01, 30))
        expect(compare(base, quick, paired=True).verdict, "faster", mistakes=[
            ("no difference shown", "The two were drawn apart, so a slow round of the one met a quick one of the other. In pairs, first take the ratio of each round, then the interval of the ratios.",
             BOTH + "ratio = float(np.median(after) / np.median(before))\nlow, high = ratio_interval(before, after, confidence, seed)\n" + VERDICT + COMPARED,
             BOTH + PAIRED.replace("bootstrap_ci(after / before, np.median, confidence, seed)", "ratio_interval(before, after, confidence, seed)") + UNPAIRED + VERDICT + COMPARED)])
        expect(compare(base, quick).verdict, "no difference shown", mistakes=[
            ("faster", "Without pairs, sample i of the one has nothing to do with sample i of the other. `ratio_interval(before, after, confidence, seed)` draws each for itself.",
             BOTH + PAIRED.replace("if paired:", "if True:") + "else:\n    pass\n" + VERDICT + COMPARED,
             BOTH + PAIRED + UNPAIRED.replace("ratio_interval(before, after, confidence, seed)", "bootstrap_ci(after / before, np.median, confidence, seed)") + VERDICT + COMPARED)])

    def the_median_of_the_ratios():
        """The ratio is a median: of the rounds' ratios, or the ratio of two medians"""
        a = BenchmarkResult("a", [1.0, 1.0, 1.0, 4.0, 4.0, 4.0, 4.0])
        b = BenchmarkResult("b", [2.0, 2.0, 2.0, 4.0, 4.0, 12.0, 2.0])
        expect(compare(a, b, paired=True).ratio, 2.0, mistakes=[
            (lambda got: np.isclose(got, np.mean([2, 2, 2, 1, 1, 3, 0.5])), "That is the mean of the ratios. One round that was held up moves it; take the median.",
             BOTH + PAIRED.replace("float(np.median(after / before))", "float(np.mean(after / before))") + UNPAIRED + VERDICT + COMPARED),
            (0.5, "That is the ratio of the two medians. In pairs it is the median of the rounds' ratios.",
             BOTH + PAIRED.replace("float(np.median(after / before))", "float(np.median(after) / np.median(before))") + UNPAIRED + VERDICT + COMPARED)])
        expect(compare(a, b).ratio, 0.5, mistakes=[
            (2.0, "That is the median of the rounds' ratios. Without pairs it is the ratio of the two medians.",
             BOTH + PAIRED + UNPAIRED.replace("float(np.median(after) / np.median(before))", "float(np.median(after / before))") + VERDICT + COMPARED),
            (lambda got: np.isclose(got, 28 / 19), "That is the ratio of the two means. Take the medians.",
             BOTH + PAIRED + UNPAIRED.replace("median", "mean") + VERDICT + COMPARED)])

    def confidence_and_seed_reach_the_interval():
        """Confidence and seed reach the interval"""
        rng = np.random.default_rng(9)
        a, b = (BenchmarkResult(name, rng.normal(center, 0.1, 16)) for name, center in (("a", 1.0), ("b", 1.3)))
        before, after = np.array(a.samples), np.array(b.samples)
        def ends(paired):
            found = [compare(a, b, paired, 0.8, seed) for seed in range(1, 9)]
            return [(each.low, each.high) for each in found]
        def wanted(interval, *arguments):
            return [interval(*arguments, 0.8, seed) for seed in range(1, 9)]
        expect(ends(True), wanted(bootstrap_ci, after / before, np.median), mistakes=[
            (lambda got: np.allclose(got, [bootstrap_ci(after / before, np.median, 0.95, seed) for seed in range(1, 9)]) or np.allclose(got, bootstrap_ci(after / before)), "In pairs, the interval is that of 95 %, and 80 % was asked for. Hand `confidence` and `seed` on.",
             BOTH + PAIRED.replace(", confidence, seed)", ", seed=seed)") + UNPAIRED + VERDICT + COMPARED, BOTH + PAIRED.replace(", np.median, confidence, seed)", ")") + UNPAIRED + VERDICT + COMPARED),
            (lambda got: len(set(got)) == 1, "In pairs, every seed gives the same interval. Hand `seed` on.",
             BOTH + PAIRED.replace(", confidence, seed)", ", confidence)") + UNPAIRED + VERDICT + COMPARED),
            (lambda got: np.allclose(got, wanted(bootstrap_ci, after / before, np.mean)), "That is the interval of the mean ratio, and the ratio is a median.",
             BOTH + PAIRED.replace("bootstrap_ci(after / before, np.median", "bootstrap_ci(after / before, np.mean") + UNPAIRED + VERDICT + COMPARED)])
        expect(ends(False), wanted(ratio_interval, before, after), mistakes=[
            (lambda got: np.allclose(got, wanted(ratio_interval, after, before)), "The two stand the wrong way round in `ratio_interval(before, after, …)`.",
             BOTH + PAIRED + UNPAIRED.replace("ratio_interval(before, after,", "ratio_interval(after, before,") + VERDICT + COMPARED)])
        expect(compare(a, b, True, 0.8).confidence, 0.8)
        expect((compare(a, b).low, compare(a, b).high), ratio_interval(before, after, 0.95, 0))
        expect_raises(ValueError, lambda: compare(a, BenchmarkResult("c", [1.0] * 16, "bytes")), mentions=["a is in s and c in bytes"])

    wrong = [
        (BOTH + PAIRED.replace("np.median, confidence", "confidence") + UNPAIRED + VERDICT + COMPARED, "bootstrap_ci: statistic is 0.95"),
        (BOTH + PAIRED + UNPAIRED.replace(", confidence, seed)", ", 0.95, seed)") + VERDICT + COMPARED, "expected"),
        (BOTH + PAIRED + UNPAIRED.replace(", confidence, seed)", ", confidence, 0)") + VERDICT + COMPARED, "expected"),
        (BOTH + PAIRED + UNPAIRED + VERDICT + COMPARED.replace("baseline.name, candidate.name", "candidate.name, baseline.name"), "('old', 'new')"),
    ]

    right = [
        (BOTH + "if paired:\n    ratios = after / before\n    ratio, (low, high) = float(np.median(ratios)), bootstrap_ci(ratios, confidence=confidence, seed=seed)\n"
         "else:\n    ratio, (low, high) = candidate.median / baseline.median, ratio_interval(before, after, confidence, seed)\n"
         "if high < 1:\n    verdict = \"faster\"\nelif low > 1:\n    verdict = \"slower\"\nelse:\n    verdict = \"no difference shown\"\n" + COMPARED),
        (BOTH + "if not paired:\n    ratio = float(np.median(after) / np.median(before))\n    interval = ratio_interval(before, after, confidence, seed)\n"
         "else:\n    result = BenchmarkResult(\"ratio\", after / before)\n    ratio, interval = result.value, result.confidence_interval(confidence, seed)\nlow, high = interval\n"
         "verdict = \"no difference shown\"\nif low > 1:\n    verdict = \"slower\"\nif high < 1:\n    verdict = \"faster\"\n" + COMPARED),
        (BOTH + PAIRED + UNPAIRED + "verdict = \"no difference shown\" if low <= 1 <= high else (\"faster\" if ratio < 1 else \"slower\")\n"
         "return Comparison(baseline=baseline.name, candidate=candidate.name, ratio=ratio, low=low, high=high, confidence=confidence, verdict=verdict)"),
    ]


class exercise_false_alarms:

    def no_difference_no_alarm():
        """A result against itself gives no alarm, and every other verdict is one"""
        same, slow = BenchmarkResult("a", [1.0, 1.1, 0.9, 1.0, 1.2, 1.0]), BenchmarkResult("b", [2.0, 2.1, 1.9, 2.0, 2.2, 2.0])
        expect(false_alarms(lambda number: (same, same), trials=5), 0, mistakes=[
            (raising(ValueError, "confidence must lie"), "The trial's number reached `compare` as its confidence, which stands before the seed. Name it: `seed=number`.",
             TRIALS + "return sum(compare(*pair(number), paired, number).verdict != \"no difference shown\" for number in range(trials))"),
            (lambda got: isinstance(got, bool), "True or False came back, and the number of alarms is asked for: go on to the last trial, and count.",
             TRIALS + "return any(compare(*pair(number), paired, seed=number).verdict != \"no difference shown\" for number in range(trials))"),
            (5, "Those are the cases without an alarm. Count the verdicts that are not \"no difference shown\".",
             TRIALS + "return sum(compare(*pair(number), paired, seed=number).verdict == \"no difference shown\" for number in range(trials))")])
        expect(false_alarms(lambda number: (same, slow) if number < 2 else (slow, same), trials=5), 5, mistakes=[
            (2, "Only \"slower\" was counted. \"Faster\" is as false where there is no difference.",
             TRIALS + "return sum(compare(*pair(number), paired, seed=number).verdict == \"slower\" for number in range(trials))"),
            (3, "Only \"faster\" was counted. \"Slower\" is as false where there is no difference.",
             TRIALS + "return sum(compare(*pair(number), paired, seed=number).verdict == \"faster\" for number in range(trials))"),
            (1.0, "That is a share. The number of alarms is asked for.",
             TRIALS + "return sum(compare(*pair(number), paired, seed=number).verdict != \"no difference shown\" for number in range(trials)) / trials")])

    def each_trial_measures_once():
        """Each trial asks for one pair, by its number"""
        same, numbers = BenchmarkResult("a", [1.0] * 8), []
        def pair(number):
            numbers.append(number)
            if len(numbers) > 50:
                raise RuntimeError("fifty pairs, and no end")
            return same, same
        false_alarms(pair, trials=4)
        expect(numbers, [0, 1, 2, 3], mistakes=[
            ([1, 2, 3, 4], "The numbers go from 0 on.", TRIALS + "return sum(compare(*pair(number), paired, seed=number).verdict != \"no difference shown\" for number in range(1, trials + 1))"),
            ([0, 0, 1, 1, 2, 2, 3, 3], "Each trial measured twice, and compared results of two different measurements. Call `pair(number)` once, and take both results from it.",
             TRIALS + "return sum(compare(pair(number)[0], pair(number)[1], paired, seed=number).verdict != \"no difference shown\" for number in range(trials))"),
            ([0, 0, 0, 0], "Every trial got the number 0.", TRIALS + "return sum(compare(*pair(0), paired, seed=number).verdict != \"no difference shown\" for number in range(trials))")])

    def a_hundred_trials_without_a_number():
        """Without a number there are 100 trials, and none are refused"""
        same, numbers = BenchmarkResult("a", [1.0] * 8), []
        def pair(number):
            numbers.append(number)
            if len(numbers) > 200:
                raise RuntimeError("two hundred pairs, and no end")
            return same, same
        expect((false_alarms(pair), len(numbers)), (0, 100))
        expect_raises(ValueError, lambda: false_alarms(pair, 0), mentions=["false_alarms: trials is 0"])

    def paired_and_the_seed_are_handed_on():
        """`paired` is handed on, and the number as the seed"""
        rng = np.random.default_rng(7)
        weather = rng.uniform(1, 5, 30)
        base, quick = BenchmarkResult("a", weather), BenchmarkResult("b", 0.95 * weather)
        def pair(number):
            return (quick, base) if number % 2 else (base, quick)
        expect((false_alarms(pair, 4), false_alarms(pair, 4, paired=True)), (0, 4), mistakes=[
            ((0, 0), "`paired=True` made no difference. Hand it on to `compare`.",
             TRIALS + "return sum(compare(*pair(number), seed=number).verdict != \"no difference shown\" for number in range(trials))"),
            ((0, 2), "Of four pairs two are faster and two are slower. Count both.",
             TRIALS + "return sum(compare(*pair(number), paired, seed=number).verdict == \"slower\" for number in range(trials))",
             TRIALS + "return sum(compare(*pair(number), paired, seed=number).verdict == \"faster\" for number in range(trials))"),
            ((4, 4), "Without `paired` the comparison was made in pairs all the same. Hand it on as it came.",
             TRIALS + "return sum(compare(*pair(number), True, seed=number).verdict != \"no difference shown\" for number in range(trials))"),
            ((4, 0), "`paired` is turned round.",
             TRIALS + "return sum(compare(*pair(number), not paired, seed=number).verdict != \"no difference shown\" for number in range(trials))")])
        one, other = BenchmarkResult("a", [1.0] * 15), BenchmarkResult("b", [1.1] * 4 + [0.9] * 11)
        def near(number):
            return (other, one) if number % 2 else (one, other)
        wanted = sum(compare(*near(number), True, seed=number).verdict != "no difference shown" for number in range(20))
        expect(false_alarms(near, 20, paired=True), wanted, mistakes=[
            (lambda got: got in (0, 20), "Here the interval's end lies near 1, so it depends on the seed. Every trial had the same one; hand the trial's number on as `seed`.",
             TRIALS + "return sum(compare(*pair(number), paired).verdict != \"no difference shown\" for number in range(trials))",
             TRIALS + "return sum(compare(*pair(number), paired, seed=7).verdict != \"no difference shown\" for number in range(trials))")])

    def a_sound_test_gives_few():
        """Your own `compare` gives no more false alarms than it may"""
        def pair(number):
            rng = np.random.default_rng(number)
            return tuple(BenchmarkResult(name, rng.lognormal(0, 0.1, 12)) for name in ("a", "b"))
        for paired in (False, True):
            found = false_alarms(pair, 40, paired)
            expect(found <= alarms_allowed(40), True, message=f"{found} of 40 A/A tests on drawn numbers gave an alarm, paired={paired}; chance explains up to {alarms_allowed(40)}. Look at `compare` and `bootstrap_ci`.")

    wrong = [
        (TRIALS + "return sum(compare(*pair(number)[::-1], paired, seed=number).verdict == \"slower\" for number in range(trials))", "expected"),
        (TRIALS + "found = 0\nfor number in range(trials):\n    before, after = pair(number)\n    found += compare(before, before, paired, seed=number).verdict != \"no difference shown\"\nreturn found", "expected 5"),
    ]

    right = [
        TRIALS + "return sum(compare(*pair(number), paired, seed=number).verdict != \"no difference shown\" for number in range(trials))",
        TRIALS + "verdicts = [compare(*pair(number), paired=paired, seed=number).verdict for number in range(trials)]\nreturn trials - verdicts.count(\"no difference shown\")",
        TRIALS + "found = 0\nfor number in range(trials):\n    comparison = compare(*pair(number), paired, 0.95, number)\n    if not comparison.low <= 1 <= comparison.high:\n        found += 1\nreturn found",
    ]

    equivalent = [
        (
            "found += compare(before, after, paired, seed=number).verdict != 'no difference shown'  ->  found += compare(after, before, paired, seed=number).verdict != 'no difference shown'",
            "faster and slower change places, and both are alarms",
        ),
    ]


class exercise_runs_needed:

    def as_in_the_formula():
        """The formula, rounded up"""
        ratios = [0.9, 1.0, 1.0, 1.1, 0.9, 1.1]
        expect(runs_needed(ratios, 0.05), 61, mistakes=[
            (60, "Rounded down it is one pair too few. `math.ceil` rounds up.", SPREAD + DEVIATION + "runs = int((1.25 * spread * deviation / difference) ** 2)\n" + LEAST),
            (8, "Either the square is missing (a difference that is half as large needs four times the pairs), or the sum of the 1.96 and the 0.84.",
             SPREAD + DEVIATION + RUNS.replace(" ** 2", "") + LEAST, SPREAD + RUNS.replace(" * deviation", "") + LEAST),
            (6, "What is squared came out as next to nothing. `percentile` takes percent, 75 and not 0.75; and the square reaches over all of the formula, the difference too.",
             SPREAD.replace("ratios, 75", "ratios, 0.75").replace("ratios, 25", "ratios, 0.25") + DEVIATION + RUNS + LEAST,
             SPREAD + DEVIATION + "runs = math.ceil((1.25 * spread) ** 2 * deviation / difference)\n" + LEAST),
            (30, "The power is missing: the ratio itself falls to one side or the other, and with this many it is shown in half of the benchmarks only.",
             SPREAD + "deviation = deviations((1 + confidence) / 2)\n" + RUNS + LEAST),
            (48, "`deviations(confidence)` leaves out 5 % at one end. The interval has two, so it is `deviations((1 + confidence) / 2)`.",
             SPREAD + "deviation = deviations(confidence) + deviations(power)\n" + RUNS + LEAST),
            (39, "The 1.25 is missing; a median spreads more than a mean.", SPREAD + DEVIATION + RUNS.replace("1.25 * ", "") + LEAST),
            (111, "The middle half is wider than a standard deviation. Divide by 1.35.", SPREAD.replace(" / 1.35", "") + DEVIATION + RUNS + LEAST),
            (49, "The 1.25 stands outside of the square, or was not squared with the rest.", SPREAD + DEVIATION + "runs = math.ceil(1.25 * (spread * deviation / difference) ** 2)\n" + LEAST),
            (lambda got: got in (33, 39, 40), "That is the standard deviation of the ratios. Take the spread from the middle half, by `percentile`.",
             POSITIVE + "spread = np.std(ratios) / np.median(ratios)\n" + DEVIATION + RUNS + LEAST)])
        expect(runs_needed(ratios, 0.1), 16, mistakes=[
            (15, "Rounded to the nearest number, it is one pair too few here. Round up, with `math.ceil`.",
             SPREAD + DEVIATION + RUNS.replace("math.ceil", "round") + LEAST)])
        expect(runs_needed(ratios), 61)
        expect(runs_needed([0.8, 0.9, 1.0, 1.3, 1.5, 1.6], 0.1), 141)
        expect(type(runs_needed(ratios, 0.05)).__name__, "int", mistakes=[
            (lambda got: got.startswith("float"), "The number of pairs is an int; `math.ceil` gives one, np.ceil a float.",
             SPREAD + DEVIATION + RUNS.replace("math.ceil", "np.ceil") + LEAST)])

    def a_slow_outlier_does_not_count():
        """One round that was held up hardly changes it"""
        ratios = [0.9, 1.0, 1.0, 1.1, 0.9, 1.1] * 5
        expect(runs_needed(ratios + [9.0]) < 2 * runs_needed(ratios), True, mistakes=[
            (False, "One slow round in 31 more than doubled the number. A standard deviation, or from the smallest to the largest, is moved by it; the middle half is not.",
             POSITIVE + "spread = np.ptp(ratios) / 2 / 0.897\n" + DEVIATION + RUNS + LEAST)])

    def relative_to_the_median():
        """The spread is relative: the same for ratios that are all half as large"""
        ratios = np.array([0.9, 1.0, 1.0, 1.1, 0.9, 1.1])
        expect(runs_needed(ratios / 2, 0.05) / runs_needed(ratios, 0.05), 1.0, mistakes=[
            (lambda got: got < 0.5, "A spread of 0.05 around 0.5 is a tenth of it. Divide the spread by the median of the ratios.",
             SPREAD.replace(" / percentile(ratios, 50)", "") + DEVIATION + RUNS + LEAST)])

    def difference_confidence_and_power_count():
        """A smaller difference, more confidence and more power need more"""
        ratios = np.random.default_rng(0).normal(1, 0.1, 200)
        def times_as_many(difference=0.002, confidence=0.95, power=0.8):
            return runs_needed(ratios, difference, confidence, power) / runs_needed(ratios, 0.002)
        expect(times_as_many(difference=0.0004), 25.0, rtol=1e-3, mistakes=[
            (1.0, "A difference of 0.0004 takes as many as one of 0.002. `difference` stands below the fraction.",
             SPREAD + DEVIATION + RUNS.replace("/ difference", "/ 0.05") + LEAST),
            (lambda got: np.isclose(got, 5.0, rtol=0.1), "A fifth of the difference takes five times as many, and it should be 25 times. The square reaches over the difference, too.",
             SPREAD + DEVIATION + "runs = math.ceil((1.25 * spread * deviation) ** 2 / difference)\n" + LEAST)])
        expect(times_as_many(confidence=0.99), (3.417451 / 2.801585) ** 2, rtol=1e-3, mistakes=[
            (1.0, "With 99 % it takes as many as with 95 %. The 1.96 is `deviations((1 + confidence) / 2)`.",
             SPREAD + "deviation = 1.959964 + deviations(power)\n" + RUNS + LEAST)])
        expect(times_as_many(power=0.9), (3.241515 / 2.801585) ** 2, rtol=1e-3, mistakes=[
            (1.0, "With a power of 0.9 it takes as many as with 0.8. The 0.84 is `deviations(power)`.",
             SPREAD + "deviation = deviations((1 + confidence) / 2) + 0.841621\n" + RUNS + LEAST)])

    def never_fewer_than_an_interval_needs():
        """Never fewer than an interval needs"""
        expect_raises(ValueError, lambda: runs_needed([1.0] * 8, 0.0), mentions=["difference is 0"])
        expect((runs_needed([1.0] * 8), runs_needed([1.0] * 8, confidence=0.99)), (6, 8), mistakes=[
            ((0, 0), "Ratios that are all equal give 0 pairs, and 0 pairs have no interval. `samples_needed(confidence)` are the least.",
             SPREAD + DEVIATION + RUNS + "return runs"),
            ((6, 6), "With 99 % an interval needs more than six: `samples_needed(confidence)`.", SPREAD + DEVIATION + RUNS + "return max(runs, 6)"),
            ((1, 1), "One pair has no interval. `samples_needed(confidence)` are the least.", SPREAD + DEVIATION + RUNS + "return max(runs, 1)")])

    wrong = [
        (SPREAD.replace("/ percentile(ratios, 50)", "* percentile(ratios, 50)") + DEVIATION + RUNS + LEAST, "expected"),
    ]

    right = [
        POSITIVE + "low, middle, high = (percentile(ratios, percent) for percent in (25, 50, 75))\nspread = (high - low) / (1.35 * middle)\nz = deviations((1 + confidence) / 2) + deviations(power)\nn = (1.25 * spread * z) ** 2 / difference**2\nreturn max(math.ceil(n), samples_needed(confidence))",
        POSITIVE + "low, middle, high = np.percentile(ratios, [25, 50, 75])\nroot = 1.25 * (high - low) / 1.35 / middle * (deviations(0.5 + confidence / 2) + deviations(power)) / difference\nreturn max(samples_needed(confidence), int(math.ceil(root * root)))",
        POSITIVE + "result = BenchmarkResult(\"ratio\", ratios)\nspread = result.spread / 1.35 / result.median\n" + DEVIATION + "runs = samples_needed(confidence)\nexact = (1.25 * spread * deviation / difference) ** 2\nif exact > runs:\n    runs = math.ceil(exact)\nreturn runs",
    ]

    equivalent = [
        (
            "spread = (percentile(ratios, 75) - percentile(ratios, 25)) / 1.35 / percentile(ratios, 50)  ->  spread = (percentile(ratios, 25) - percentile(ratios, 75)) / 1.35 / percentile(ratios, 50)",
            "the spread is squared, so its sign does not count",
        ),
    ]


class exercise_share_interval:

    def most_of_two_hundred():
        """190 of 200, and 15 of 20"""
        expect(share_interval(190, 200), (0.910421, 0.972626), rtol=1e-4, mistakes=[
            (lambda got: np.allclose(got, (0.919795, 0.980205), atol=1e-4), "That is the plain formula, p ± z · √(p (1 − p) / n). The terms with w are missing.",
             Z + "center, half = share, z * math.sqrt(share * (1 - share) / count)\n" + ENDS),
            (lambda got: np.isclose(got[0], 0.928506, atol=1e-4), "The center is too high: it is divided by 1 + w.",
             Z + CENTER.replace(" / (1 + weight)", "") + HALF + ENDS),
            (lambda got: np.allclose(got, (0.909823, 0.973224), atol=1e-4), "The half is too large: it is divided by 1 + w, too.",
             Z + CENTER + HALF.replace(" / (1 + weight)", "") + ENDS),
            (lambda got: np.allclose(got, (0.911884, 0.971155), atol=1e-4), "The interval is a little too narrow: below the root w / (4 n) is missing.",
             Z + CENTER + HALF.replace(" + weight / (4 * count)", "") + ENDS),
            (lambda got: np.allclose(got, (0.917764, 0.969275), atol=1e-3), "`deviations(confidence)` leaves out 5 % at one end. The interval has two ends: `deviations((1 + confidence) / 2)`.",
             SHARE + "z = deviations(confidence)\nshare, weight = right / count, z * z / count\n" + CENTER + HALF + ENDS),
            (lambda got: got[1] - got[0] > 0.3, "The interval is far too wide for 200 examples. Below the root stand p (1 − p) / n and w / (4 n), where 4 n needs brackets: `weight / 4 * count` is something else. And w is z² / n.",
             Z + CENTER + HALF.replace(" / count +", " +") + ENDS, Z.replace("z * z / count", "z * z") + CENTER + HALF + ENDS,
             Z + CENTER + HALF.replace("weight / (4 * count)", "weight / 4 * count") + ENDS)])
        expect(share_interval(15, 20), (0.531299, 0.888138), rtol=1e-4)
        expect([type(end).__name__ for end in share_interval(15, 20)], ["float", "float"], mistakes=[
            (lambda got: "float64" in got, "The ends are NumPy numbers. `math.sqrt` gives a Python float.",
             Z + CENTER + HALF + "low, high = np.clip([min(center - half, share), max(center + half, share)], 0, 1)\nreturn low, high",
             Z + CENTER + HALF.replace("math.sqrt", "np.sqrt") + ENDS)])

    def eight_of_eight():
        """Eight of eight promises no certainty"""
        expect(share_interval(8, 8), (0.675592, 1.0), rtol=1e-4)

    def another_confidence_and_none_right():
        """Another confidence, and none of them right"""
        expect(share_interval(15, 20, 0.5), (0.679624, 0.809256), rtol=1e-4, mistakes=[
            (lambda got: np.allclose(got, (0.531299, 0.888138), atol=1e-3), "For 50 % the interval is as wide as for 95 %. z is `deviations((1 + confidence) / 2)`.", Z.replace("deviations((1 + confidence) / 2)", "1.96") + CENTER + HALF + ENDS)])
        expect(share_interval(0, 8), (0.0, 0.324408), rtol=1e-4)
        expect(share_interval(9, 9)[1] <= 1, True, mistakes=[
            (False, "By rounding the upper end is a hair above 1, and no share is. The last line that was given sees to that.",
             Z + CENTER + HALF + "return center - half, center + half")])
        for right, count in ((3, 2), (-1, 2), (0, 0)):
            expect_raises(ValueError, lambda: share_interval(right, count), mentions=[f"{right} of {count} is no share"])
        expect_raises(ValueError, lambda: share_interval(1, 2, 95), mentions=["confidence must lie between 0 and 1"])
        expect(share_interval(1, 1), (0.206543, 1.0), rtol=1e-4)

    wrong = [
        (Z + CENTER + HALF.replace("z * math", "math") + ENDS, "expected"),
        (Z + CENTER.replace("weight / 2", "weight") + HALF + ENDS, "expected"),
        (Z + CENTER + HALF.replace("4 * count", "4") + ENDS, "expected"),
    ]

    right = [
        Z + "below = 1 + weight\ncenter = (share + 0.5 * weight) / below\nhalf = z / below * math.sqrt((share * (1 - share) + weight / 4) / count)\n" + ENDS,
        SHARE + "z = deviations(0.5 + confidence / 2)\nshare = right / count\ncenter = (right + z**2 / 2) / (count + z**2)\nhalf = z / (count + z**2) * math.sqrt(right * (count - right) / count + z**2 / 4)\n" + ENDS,
        SHARE + "z, n, p = deviations((1 + confidence) / 2), count, right / count\nw = z**2 / n\ncenter = (p + w / 2) / (1 + w)\nhalf = z / (1 + w) * (p * (1 - p) / n + w / (4 * n)) ** 0.5\nlow, high = min(center - half, p), max(center + half, p)\nreturn max(0.0, low), min(1.0, high)",
    ]


class exercise_mended_suite:

    def each_model_its_own_time():
        """Each model has its own time, accuracy and bytes under its name"""
        from tinytorch import Layer, Linear
        clock, x = HandClock(), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
        class Slow(Layer):
            def __init__(self, seconds, turned):
                self.seconds, self.layer = seconds, Linear(2, 2, bias=turned)
                self.layer.weight.data[:] = np.eye(2)[::-1] if turned else np.eye(2)
            def forward(self, x):
                clock.move(self.seconds)
                return self.layer(x)
        models = {"small": Slow(1.0, False), "middle": Slow(3.0, True), "large": Slow(9.0, False)}
        def measured(metric):
            results = BenchmarkSuite(models, x, [0, 1, 0, 0], warmup=1, repeats=6, clock=clock).run()
            return {name: result[metric].value for name, result in results.items()}
        expect(measured("latency"), {"small": 1.0, "middle": 3.0, "large": 9.0}, mistakes=[
            (lambda got: list(got.values()) == [9.0] * 3, "All three times are those of the last model. A function made in a loop looks up `model` when it is called, and by then the loop has ended; `self.call_of(model)` keeps the model that it was given.",
             RIGHT + BLIND + TIMES + METRICS, RIGHT + BLIND + IN_USE + "    " + TIMES + METRICS),
            (lambda got: list(got.values()) == [1.0] * 3, "All three times are those of the first model.",
             RIGHT + "first = next(iter(self.models.values()))\ncalls = {name: self.call_of(first) for name in self.models}\n" + IN_USE + "    " + TIMES + METRICS),
            (lambda got: list(got.values()) == [9.0, 3.0, 1.0], "The times stand under each other's names.",
             RIGHT + "calls = {name: self.call_of(model) for name, model in zip(self.models, list(self.models.values())[::-1])}\n" + IN_USE + "    " + TIMES + METRICS),
            (raising(TypeError, "functions without"), "`self.call_of(model)()` has run the model already, and what is measured must be the function itself.",
             RIGHT + MADE.replace("self.call_of(model)", "self.call_of(model)()") + IN_USE + "    " + TIMES + METRICS),
            (raising(TypeError, "missing 1 required"), "A function without arguments is needed, and the model wants its inputs: `self.call_of(model)`.",
             RIGHT + IN_USE + "    times = Benchmark(self.models, self.warmup, self.repeats, self.clock).run()\n" + METRICS),
            (raising(NameError, "no_grad"), "`no_grad` is not known in this file, and eval mode is not all that must come back afterwards. `with all_in_use(self.models.values()):` does both, and gives each model its own mode back.",
             RIGHT + MADE + "for model in self.models.values():\n    model.eval()\nwith no_grad():\n    " + TIMES + METRICS)])
        expect(measured("accuracy"), {"small": 0.75, "middle": 0.25, "large": 0.75}, mistakes=[
            (lambda got: len(set(got.values())) == 1, "All have the same accuracy, and one is another model. `right` holds the answers of each by its name.",
             RIGHT.replace("name: correctness(model", "name: correctness(list(self.models.values())[-1]") + MADE + IN_USE + "    " + TIMES + METRICS)])
        expect(measured("memory"), {"small": 16.0, "middle": 24.0, "large": 16.0})

    def measured_as_they_are_used():
        """While they are timed, all are in eval mode and nothing is recorded"""
        from tinytorch import Layer, Linear, enable_autograd, is_grad_enabled
        enable_autograd()
        clock, seen, switches = HandClock(), [], []
        class Watched(Layer):
            def __init__(self):
                self.layer = Linear(3, 2, rng=0)
            def __setattr__(self, name, value):
                if name == "training":
                    switches.append(value)
                super().__setattr__(name, value)
            def forward(self, x):
                clock.move(1.0)
                seen.append((self.training, is_grad_enabled()))
                return self.layer(x)
        models = {"small": Watched(), "large": Watched()}
        models["large"].eval()
        def modes():
            seen.clear()
            BenchmarkSuite(models, np.ones((4, 3), dtype=np.float32), [0, 1, 0, 1], warmup=1, repeats=6, clock=clock).run()
            return sorted(set(seen))
        expect(modes(), [(False, False)], mistakes=[
            (lambda got: (True, True) in got, "A model was timed in training mode, with everything recorded for a backward that never comes. `with all_in_use(self.models.values()):` around the timing.",
             RIGHT + MADE + TIMES + METRICS),
            (lambda got: (False, True) in got and (True, True) not in got, "The models are in eval mode, and what they compute is still recorded. `all_in_use` does both.",
             RIGHT + MADE + "for model in self.models.values():\n    model.eval()\n" + TIMES + METRICS),
            (lambda got: (True, False) in got, "Nothing is recorded, and a model is still in training mode, so Dropout would draw. `all_in_use` does both, for all models.",
             "from tinytorch import no_grad\n" + RIGHT + MADE + "with no_grad():\n    " + TIMES + METRICS,
             RIGHT + MADE + "with all_in_use([self.models[\"large\"]]):\n    " + TIMES + METRICS),
            (raising((TypeError, AttributeError), "context manager"), "`all_in_use` wants the models: `with all_in_use(self.models.values()):`", RIGHT + MADE + "with all_in_use:\n    " + TIMES + METRICS)])
        def switched():
            switches.clear()
            modes()
            return len(switches)
        expect(switched() < 16, True, mistakes=[
            (False, "The modes are switched at each call, and the time of that is measured. `with all_in_use(self.models.values()):` stands around the measuring.",
             RIGHT + "calls = {}\nfor name, model in self.models.items():\n    def call(model=model):\n        with all_in_use([model]):\n            return model(*self.inputs)\n    calls[name] = call\n" + TIMES + METRICS)])
        expect([model.training for model in models.values()], [True, False], mistakes=[
            (lambda got: got == [False, False], "Afterwards a model that was in training mode is not any more. Its owner wants it back as it was; `all_in_use` sees to that.",
             "from tinytorch import no_grad\n" + RIGHT + MADE + "for model in self.models.values():\n    model.eval()\nwith no_grad():\n    " + TIMES + METRICS)])

    def in_the_same_rounds():
        """All models are measured in the same rounds, with the counts and the clock that were given"""
        from tinytorch import Layer, Linear
        clock, order = HandClock(), []
        class Named(Layer):
            def __init__(self, name):
                self.name, self.layer = name, Linear(3, 2, rng=0)
            def forward(self, x):
                clock.move(1.0)
                order.append(self.name)
                return self.layer(x)
        def calls():
            order.clear()
            BenchmarkSuite({"small": Named("a"), "large": Named("b")}, np.ones((4, 3), dtype=np.float32), [0, 1, 0, 1], warmup=1, repeats=4, clock=clock).run()
            return "".join(order)
        expect(calls(), "ab" + "ab" + "ab" + "abbaabba", mistakes=[
            (lambda got: got.endswith("b" * 12), "From the second call on the last model runs in place of each: the fault with the loop's variable, as above.",
             RIGHT + BLIND + IN_USE + "    " + TIMES + METRICS),
            (lambda got: "aaaa" in got, "Each model had a benchmark of its own, and these are blocks. One `Benchmark` with all candidates measures them in the same rounds.",
             RIGHT + MADE + IN_USE + "    times = {name: Benchmark({name: call}, self.warmup, self.repeats, self.clock).run()[name] for name, call in calls.items()}\n" + METRICS),
            (lambda got: len(got) > 20, "There are more calls than rounds: `self.warmup`, `self.repeats` and `self.clock` go to the Benchmark.",
             RIGHT + MADE + IN_USE + "    times = Benchmark(calls, clock=self.clock).run()\n" + METRICS)])

    wrong = [
        (RIGHT + MADE + "with all_in_use(self.models):\n    " + TIMES + METRICS, "of a dict, its .values()"),
    ]

    right = [
        RIGHT + MADE + IN_USE + "    " + TIMES + METRICS,
        RIGHT + "calls = {}\nfor name, model in self.models.items():\n    calls[name] = lambda model=model: model(*self.inputs)\nwith all_in_use(self.models.values()):\n    " + TIMES + METRICS,
        IN_USE + "    " + RIGHT.rstrip("\n") + "\n    calls = {}\n    for name in self.models:\n        calls[name] = self.call_of(self.models[name])\n    " + TIMES + METRICS,
        RIGHT + "from functools import partial\ncalls = {name: partial(model, *self.inputs) for name, model in self.models.items()}\nwith ExitStack() as stack:\n    for model in self.models.values():\n        stack.enter_context(in_use(model))\n    " + TIMES + METRICS,
    ]


class exercise_recipe:

    def a_candidate_sees_what_the_setup_made():
        """A candidate runs when it is called, and sees what the setup made"""
        def told(*calls):
            functions = Recipe("made = [seed]", {"one": "made.append(1)", "two": "made.append(2)", "ask": "raise UserWarning(made)"}, seed=3).functions()
            try:
                for name in calls:
                    functions[name]()
            except UserWarning as answer:
                return answer.args[0]
        expect(told("ask"), [3], mistakes=[
            (raising(NameError, "'seed'"), "The setup does not find `seed`. Its namespace is a dict that holds it: `{\"seed\": …}`.",
             "names = {}\n" + SEEDED + SETUP + FUNCTIONS),
            (raising(NameError, "'made'"), "The candidate does not find what the setup made. The setup must run, and in the very namespace that the candidates get.",
             NAMES + SEEDED + FUNCTIONS, NAMES + SEEDED + SETUP + FUNCTIONS.replace("text, names", "text, {}"), "names = {}\n" + SEEDED + "exec(self.setup, {\"seed\": self.seed})\n" + FUNCTIONS),
            (UserWarning, "A candidate ran while the functions were made, and its time would be nobody's. `self.function(text, names)` is the function; nobody calls it here.",
             NAMES + SEEDED + SETUP + FUNCTIONS.replace("self.function(text, names)", "self.function(text, names)()"), NAMES + SEEDED + SETUP + FUNCTIONS.replace("self.function(text, names)", "exec(text, names)")),
            (raising(TypeError, "not callable"), "A text is no function yet: `self.function(text, names)` makes one.",
             NAMES + SEEDED + SETUP + "return dict(self.candidates)"),
            (raising(TypeError, "indices must be"), "The functions are asked for by name, so a dict comes back.",
             NAMES + SEEDED + SETUP + "return [self.function(text, names) for text in self.candidates.values()]")])
        expect(told("one", "two", "one", "ask"), [3, 1, 2, 1], mistakes=[
            ([3], "The last candidate ran in place of the first one. A function that is made in a loop looks up its variables when it is called; `self.function(text, names)` keeps what it was given.",
             NAMES + SEEDED + SETUP + "functions = {}\nfor name, text in self.candidates.items():\n    functions[name] = lambda: exec(text, names)\nreturn functions")])

    def a_namespace_of_its_own():
        """The setup sees nothing but the seed"""
        def seen():
            recipe = Recipe("found = sorted(name for name in globals() if not name.startswith('__'))", {"ask": "raise UserWarning(found)"}, seed=3)
            try:
                recipe.functions()["ask"]()
            except UserWarning as answer:
                return answer.args[0]
        expect(seen(), ["seed"], mistakes=[
            (lambda got: len(got) > 1, "The setup sees names that are none of its business, such as those of this file. Then it works here, and nowhere else. Give it a dict of its own, with the seed in it.",
             "names = {**globals(), \"seed\": self.seed}\n" + SEEDED + SETUP + FUNCTIONS, "names = {\"seed\": self.seed, \"np\": np}\n" + SEEDED + SETUP + FUNCTIONS)])

    def the_same_random_numbers():
        """A layer that the setup makes is that of the recipe's seed, each time"""
        from tinytorch import Linear
        def weights(seed):
            recipe = Recipe("from tinytorch import Linear\nlayer = Linear(2, 1)", {"ask": "raise UserWarning(layer.weight.data.ravel().tolist())"}, seed=seed)
            try:
                recipe.functions()["ask"]()
            except UserWarning as answer:
                return answer.args[0]
        manual_seed(4)
        wanted = Linear(2, 1).weight.data.ravel().tolist()
        expect(weights(4), wanted, mistakes=[
            (lambda got: len(got) == 2, "The layer is another one than the seed gives. `manual_seed(self.seed)` comes before the setup.",
             NAMES + SETUP + FUNCTIONS, NAMES + SETUP + SEEDED + FUNCTIONS, NAMES + "manual_seed(0)\n" + SETUP + FUNCTIONS)])
        expect(weights(4), wanted)

    def the_setup_runs_once_and_texts_are_compiled_once():
        """The setup runs once, and each text is compiled once"""
        def runs():
            recipe = Recipe("runs = globals().get('runs', 0) + 1", {"one": "pass", "ask": "raise UserWarning(runs)"})
            try:
                recipe.functions()["ask"]()
            except UserWarning as answer:
                return answer.args[0]
        expect(runs(), 1, mistakes=[
            (lambda got: got > 1, "The setup ran for each candidate. It stands before the loop: what it made belongs to all of them.",
             NAMES + SEEDED + "functions = {}\nfor name, text in self.candidates.items():\n    exec(self.setup, names)\n    functions[name] = self.function(text, names)\nreturn functions")])
        text = "x = 1\n" * 3000
        function = Recipe("", {"long": text}).functions()["long"]
        code, space = compile(text, "<reference>", "exec"), {}
        expect_cost(function, lambda: exec(code, space), at_most=20, message="A call of a long candidate took more than 20 times as long as its compiled text. `exec` of a text compiles it at each call, and that would be measured; `self.function(text, names)` compiles once.")

    wrong = [
        (NAMES + SEEDED + SETUP + "return {name: (lambda text=text: exec(text, names)) for name, text in self.candidates.items()}", "compiles once"),
        (NAMES + SEEDED + SETUP + "return {name: self.function(name, names) for name, text in self.candidates.items()}", "NameError"),
    ]

    right = [
        "space = dict(seed=self.seed)\nmanual_seed(self.seed)\nexec(self.setup, space)\nfunctions = {}\nfor name in self.candidates:\n    functions[name] = self.function(self.candidates[name], space)\nreturn functions",
        NAMES + SEEDED + "exec(compile(self.setup, \"<setup>\", \"exec\"), names)\nfrom functools import partial\nreturn {name: partial(exec, compile(text, name, \"exec\"), names) for name, text in self.candidates.items()}",
        SEEDED + NAMES + SETUP + "codes = {name: compile(text, name, \"exec\") for name, text in self.candidates.items()}\nreturn {name: (lambda code=code: exec(code, names)) for name, code in codes.items()}",
    ]


class exercise_single_stream:

    def the_ninetieth_percentile():
        """The 90th percentile of the times against the target"""
        def run(target=10.0, warmup=0, queries=11, count=3):
            clock, sent = HandClock(), []
            def model(x):
                sent.append(x.data[:, 0].tolist())
                clock.move(float(len(sent)))
                if len(sent) > 200:
                    raise RuntimeError("two hundred queries, and no end")
                return x
            result = MLPerf(model, np.arange(count, dtype=np.float32).reshape(count, 1), clock).single_stream(target, queries, warmup)
            return result, sent
        expect(run()[0].value, 10.0, mistakes=[
            (raising(RuntimeError, "no end"), "More than two hundred queries were sent, and 11 were asked for.", STREAM + "times = []\nwhile len(times) < warmup + queries:\n    self.timed(0, 1)\nvalue = percentile(times, 90)\n" + STREAMED),
            (6.0, "That is the median. Who waits feels the slow ones; the scenario asks for the 90th percentile.", ASKED + "value = percentile(times[warmup:], 50)\n" + STREAMED),
            (11.0, "That is the slowest, the 100th percentile.", ASKED + "value = max(times[warmup:])\n" + STREAMED),
            (9.9, "That is 0.9 of the slowest. The 90th percentile is the value that 90 % of the times stay below.", ASKED + "value = 0.9 * max(times)\n" + STREAMED),
            (lambda got: got < 2, "`percentile` takes percent: 90, not 0.9.", ASKED + "value = percentile(times[warmup:], 0.9)\n" + STREAMED),
            (66.0, "That is the sum of all times.", ASKED + "value = sum(times[warmup:])\n" + STREAMED)])
        expect((run(10.0)[0].met, run(9.99)[0].met), (True, False), mistakes=[
            ((False, False), "A value that is the target exactly has met it: at most.", ASKED + "value = percentile(times[warmup:], 90)\n" + STREAMED.replace("value <= target", "value < target")),
            ((True, True), "9.99 was missed by 10.0.", ASKED + "value = percentile(times[warmup:], 90)\n" + STREAMED.replace("value <= target", "True")),
            ((False, True), "A latency must be at most the target.", ASKED + "value = percentile(times[warmup:], 90)\n" + STREAMED.replace("value <= target", "value > target"))])
        expect(str(run()[0]), "single-stream: p90 latency 10 s, target 10 s, 11 queries: met")

    def the_warm_up_does_not_count():
        """Warm-up goes before, from the same row, and does not count"""
        def run(warmup, queries, count):
            clock, sent = HandClock(), []
            def model(x):
                sent.append(x.data[:, 0].tolist())
                clock.move(100.0 if len(sent) <= warmup else 1.0)
                if len(sent) > 200:
                    raise RuntimeError("two hundred queries, and no end")
                return x
            result = MLPerf(model, np.arange(count, dtype=np.float32).reshape(count, 1), clock).single_stream(5.0, queries, warmup)
            return result.value, result.queries, len(sent), sent
        expect(run(2, 5, 9)[:3], (1.0, 5, 7), mistakes=[
            (lambda got: got[1:] == (3, 5), "The warm-up was taken from the queries. It comes on top.", STREAM + "times = [self.timed(number % len(self.examples), 1) for number in range(queries)][warmup:]\nvalue = percentile(times, 90)\n" + STREAMED.replace("target, queries)", "target, len(times))")),
            (lambda got: got[2] < 7, "Five were sent, and no warm-up before them: `warmup + queries` in all.", STREAM + "times = [self.timed(number % len(self.examples), 1) for number in range(queries)]\nvalue = percentile(times, 90)\n" + STREAMED),
            (lambda got: got[0] > 1, "The slow warm-up was counted. Leave out the first `warmup` times.", ASKED + "value = percentile(times, 90)\n" + STREAMED),
            ((1.0, 7, 7), "`queries` in the result are those that counted.", ASKED + "value = percentile(times[warmup:], 90)\n" + STREAMED.replace("target, queries)", "target, len(times))"))])
        def examples_sent(warmup, queries, count):
            return run(warmup, queries, count)[3]
        expect(examples_sent(warmup=2, queries=5, count=3), [[0.0], [1.0], [2.0], [0.0], [1.0], [2.0], [0.0]], mistakes=[
            (lambda got: [] in got, "An empty query was sent: the examples are fewer than the queries, and after the last comes the first again.", STREAM + "times = [self.timed(number, 1) for number in range(warmup + queries)]\nvalue = percentile(times[warmup:], 90)\n" + STREAMED),
            (lambda got: any(len(each) > 1 for each in got), "More than one example was sent at once. In a single stream one follows the other.", STREAM + "times = [self.timed(0, 3) for number in range(warmup + queries)]\nvalue = percentile(times[warmup:], 90)\n" + STREAMED),
            (lambda got: got == [[0.0], [0.0], [0.0], [1.0], [2.0], [0.0], [1.0]], "The two queries of warm-up sent example 0, and then the row began with it once more. The warm-up is the beginning of the row, and the others go on where it ended.",
             STREAM + "for number in range(warmup):\n    self.timed(0, 1)\ntimes = [self.timed(number % len(self.examples), 1) for number in range(queries)]\nvalue = percentile(times, 90)\n" + STREAMED),
            (lambda got: got == [[0.0]] * 7, "Every query was the same example. A cache would answer it; go through the row.", STREAM + "times = [self.timed(0, 1) for number in range(warmup + queries)]\nvalue = percentile(times[warmup:], 90)\n" + STREAMED),
            (lambda got: got == [[0.0], [1.0], [0.0], [1.0], [2.0], [0.0], [1.0]], "After the warm-up the row began anew. It goes on.", STREAM + "for number in range(warmup):\n    self.timed(number % len(self.examples), 1)\ntimes = [self.timed(number % len(self.examples), 1) for number in range(queries)]\nvalue = percentile(times, 90)\n" + STREAMED)])

    def counts_that_are_none():
        """Counts that are none are refused, and without any it is 100 queries after 3"""
        sent = []
        def model(x):
            sent.append(1)
            if len(sent) > 200:
                raise RuntimeError("two hundred queries, and no end")
            return x
        perf = MLPerf(model, np.ones((2, 1), dtype=np.float32), HandClock())
        expect_raises(ValueError, lambda: perf.single_stream(0.0), mentions=["single_stream: target is 0"])
        expect_raises(ValueError, lambda: perf.single_stream(1.0, queries=0), mentions=["single_stream: queries is 0"])
        expect_raises(ValueError, lambda: perf.single_stream(1.0, warmup=-1), mentions=["single_stream: warmup is -1"])
        sent.clear()
        expect((perf.single_stream(1.0).queries, len(sent)), (100, 103))

    right = [
        ASKED + "value = BenchmarkResult(\"single-stream\", times[warmup:]).percentile(90)\n" + STREAMED,
        STREAM + "times = []\nfor number in range(warmup + queries):\n    seconds = self.timed(number % len(self.examples), 1)\n    if number >= warmup:\n        times.append(seconds)\nvalue = percentile(times, 90)\n" + STREAMED,
        STREAM + "from itertools import cycle, islice\nplaces = islice(cycle(range(len(self.examples))), warmup + queries)\ntimes = [self.timed(place, 1) for place in places]\nvalue = float(np.percentile(times[-queries:], 90))\n" + STREAMED,
    ]


class exercise_offline:

    def examples_by_seconds():
        """Examples by the seconds of all batches"""
        def run(target=4.0, batch_size=4, warmup=0, count=10):
            clock, sent, durations = HandClock(), [], iter([100.0] * warmup + [0.5, 1.5, 0.5] + [1.0] * 50)
            def model(x):
                sent.append(x.data[:, 0].astype(int).tolist())
                clock.move(next(durations))
                return x
            result = MLPerf(model, np.arange(count, dtype=np.float32).reshape(count, 1), clock).offline(target, batch_size, warmup)
            return result, sent
        expect(run()[1], [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]], mistakes=[
            ([[0, 1, 2, 3], [4, 5, 6, 7]], "The last, smaller batch was not sent.", HEATED + "seconds = sum(self.timed(start, batch_size) for start in range(0, len(self.examples) - batch_size + 1, batch_size))\n" + STILL + RATE),
            (lambda got: len(got) == 10 and max(map(len, got)) > 1, "The batches overlap: each begins one further. `range` takes a step.", HEATED + "seconds = sum(self.timed(start, batch_size) for start in range(len(self.examples)))\n" + STILL + RATE),
            (lambda got: len(got) == 10, "One example was sent at a time; `batch_size` go together.", HEATED + "seconds = sum(self.timed(start, 1) for start in range(len(self.examples)))\n" + STILL + RATE),
            ([list(range(10))], "All examples were sent as one batch. `batch_size` are the most.", HEATED + "seconds = self.timed(0, len(self.examples))\n" + STILL + RATE),
            (lambda got: all(each == [0, 1, 2, 3] for each in got), "Each batch began at the front. The next one begins where the last one ended.", HEATED + "seconds = sum(self.timed(0, batch_size) for start in range(0, len(self.examples), batch_size))\n" + STILL + RATE)])
        expect(run()[0].value, 4.0, mistakes=[
            (0.25, "Those are seconds for one example. The throughput is the examples divided by the seconds.", HEATED + SECONDS + STILL + RATE.replace("count / seconds", "seconds / count")),
            (1.2, "Those are batches a second. Count the examples.", HEATED + SECONDS + STILL + RATE.replace("value = count / seconds", "value = len(range(0, count, batch_size)) / seconds")),
            (4.8, "The last batch has two examples, and was counted as a full one.", HEATED + SECONDS + STILL + RATE.replace("value = count / seconds", "value = batch_size * len(range(0, count, batch_size)) / seconds")),
            (lambda got: np.isclose(got, (8 + 8 / 3 + 4) / 3), "That is the mean of the batches' rates, in which the small batch counts as much as a large one. Divide all examples by all seconds.",
             HEATED + "rates, seconds = [], 0.0\nfor start in range(0, len(self.examples), batch_size):\n    one = self.timed(start, batch_size)\n    seconds += one\n    rates.append(len(self.examples[start : start + batch_size]) / one)\n" + STILL + RATE.replace("count / seconds", "sum(rates) / len(rates)"))])
        expect((run(4.0)[0].met, run(4.1)[0].met), (True, False), mistakes=[
            ((False, False), "A throughput that is the target exactly has met it: at least.", HEATED + SECONDS + STILL + RATE.replace("value >= target", "value > target")),
            ((True, True), "4.0 a second do not meet a target of 4.1.", HEATED + SECONDS + STILL + RATE.replace("value >= target", "True")),
            ((False, True), "A throughput must be at least the target; a latency is at most.", HEATED + SECONDS + STILL + RATE.replace("value >= target", "value < target"))])
        expect(str(run()[0]), "offline: throughput 4 examples/s, target 4 examples/s, 10 queries: met")

    def warm_up_from_the_front():
        """Batches of warm-up go before, from the front, and are not counted"""
        def run(warmup):
            clock, sent, durations = HandClock(), [], iter([100.0] * warmup + [0.5, 1.5, 0.5] + [1.0] * 50)
            def model(x):
                sent.append(x.data[:, 0].astype(int).tolist())
                clock.move(next(durations))
                return x
            result = MLPerf(model, np.arange(10, dtype=np.float32).reshape(10, 1), clock).offline(1.0, 4, warmup)
            return result.value, sent
        first, second, last = [0, 1, 2, 3], [4, 5, 6, 7], [8, 9]
        def sent_and_as_quick_as_without(warmup):
            return run(warmup)[1], run(warmup)[0] == run(0)[0]
        expect(sent_and_as_quick_as_without(warmup=2), ([first, first, first, second, last], True), mistakes=[
            (lambda got: got[0] == [first, second, first, second, last], "The warm-up went on through the examples. Each of its batches begins at the front.",
             OFFLINE + "for number in range(warmup):\n    self.timed(number * batch_size, batch_size)\n" + SECONDS + STILL + RATE),
            (lambda got: got[0] == [first, first, second, last], "There was one batch of warm-up; `warmup` says how many.", OFFLINE + "if warmup:\n    self.timed(0, batch_size)\n" + SECONDS + STILL + RATE),
            (lambda got: not got[1], "The warm-up was counted.", OFFLINE + "seconds = sum(self.timed(0, batch_size) for _ in range(warmup))\nseconds += sum(self.timed(start, batch_size) for start in range(0, len(self.examples), batch_size))\n" + STILL + RATE,
             OFFLINE + SECONDS + "for _ in range(warmup):\n    self.timed(0, batch_size)\n" + STILL + RATE),
            (lambda got: got[0][0] == [0], "The warm-up was of single examples. It goes in batches, as what follows does.", OFFLINE + "for _ in range(warmup):\n    self.timed(0, 1)\n" + SECONDS + STILL + RATE)])
        expect(run(0)[1], [first, second, last])

    def counts_that_are_none():
        """Counts that are none are refused, and without any it is batches of 32 after one"""
        clock, sent = HandClock(), []
        def model(x):
            sent.append(len(x.data))
            clock.move(0.125)
            if len(sent) > 50:
                raise RuntimeError("fifty batches, and no end")
            return x
        perf = MLPerf(model, np.ones((70, 1), dtype=np.float32), clock)
        expect_raises(ValueError, lambda: perf.offline(0.0), mentions=["offline: target is 0"])
        expect_raises(ValueError, lambda: perf.offline(1.0, batch_size=0), mentions=["offline: batch_size is 0"])
        expect_raises(ValueError, lambda: perf.offline(1.0, warmup=-1), mentions=["offline: warmup is -1"])
        sent.clear()
        expect((perf.offline(1.0).queries, sent), (70, [32, 32, 32, 6]))

    def a_clock_that_does_not_move():
        """A clock that does not move is refused"""
        sent = []
        def model(x):
            sent.append(1)
            if len(sent) > 50:
                raise RuntimeError("fifty batches, and no end")
            return x
        expect_raises(ValueError, lambda: MLPerf(model, np.ones((2, 1), dtype=np.float32), HandClock()).offline(1.0), mentions=["the clock did not move"], mistakes=[
            (ZeroDivisionError, "The division came before the message that is given. Divide after it.", HEATED + SECONDS + "count = len(self.examples)\nvalue = count / seconds\n" + STILL + RATE)])

    right = [
        HEATED + "seconds = 0.0\nfor start in range(0, len(self.examples), batch_size):\n    seconds += self.timed(start, batch_size)\n" + STILL + RATE,
        OFFLINE + "[self.timed(0, batch_size) for _ in range(warmup)]\nseconds, start = 0, 0\nwhile start < len(self.examples):\n    seconds += self.timed(start, batch_size)\n    start += batch_size\n" + STILL + RATE,
        OFFLINE + "size, count = batch_size, len(self.examples)\nplaces = [0] * warmup + list(range(0, count, size))\ntimes = [self.timed(place, size) for place in places][warmup:]\nseconds = float(np.sum(times))\n" + STILL + RATE,
    ]
