"""Chapter 14: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import math

import numpy as np

from tinytorch import Tensor
from tinytorch.learn.expecting import expect, expect_raises, raising
from tinytorch.perf.energy import energy_estimate
from tinytorch.perf.profiling.flops import matmul_flops
from tinytorch.perf.profiling.latency import HandClock, calls_for_clock, measure_latency, median_interval
from tinytorch.perf.profiling.trace import Row, Trace
from tinytorch.perf.profiling.traffic import bytes_moved
from tinytorch.perf.roofline import amdahl_speedup, roofline

FOUND = "inputs = list(arrays_in(args))\nresults = list(arrays_in(output))\n"
VIEW = "if any(memory_of(result) is memory_of(array) for result in results for array in inputs):\n    return 0\n"
WRITTEN = "written = sum(result.nbytes for result in results)\n"
LOOKUP = "if not reads_all:\n    return 2 * written\n"
READ = "return written + sum(array.nbytes for array in inputs)\n"
TOO_SHORT = "while seconds_per_call(function, calls, clock) * calls < at_least:\n"
LIMIT = "    if calls == 2**20:\n        raise ValueError(f'{calls} calls were not enough')\n"
DOUBLE = TOO_SHORT + LIMIT + "    calls *= 2\nreturn calls\n"
REFUSED = ("if not callable(function):\n    raise TypeError(f'measure_latency: got {type(function).__name__}; wrap the call: lambda: model(x)')\n"
           "check_count('measure_latency', 'warmup', warmup, least=0)\ncheck_count('measure_latency', 'repeats', repeats)\n")
WARM = "for _ in range(warmup):\n    function()\n"
CALLS = "calls = calls_for_clock(function, clock)\n"
SAMPLES = "return Latency(tuple(seconds_per_call(function, calls, clock) for _ in range(repeats)), calls)\n"
ORDERED = "ordered, n = sorted(samples), len(samples)\nplace, outside = -1, 0.0\n"
COINS = "for below in range(n):\n    outside += 2 * math.comb(n, below) / 2**n\n    if outside > 1 - confidence:\n        break\n    place = below\n"
FEW = "if place < 0:\n    raise ValueError(f'median_interval: {n} samples are too few; take more')\n"
ENDS = "return ordered[place], ordered[-1 - place]\n"
SHARE = ("check_amounts('amdahl_speedup', {'share': share})\nif share > 1 or not factor > 0:\n"
         "    raise ValueError(f'amdahl_speedup: share is {share} and factor {factor}')\n")
WORK = ("check_amounts('roofline', {'flops': flops, 'bytes_moved': bytes_moved})\n"
        "check_positive('roofline', {'peak_flops': peak_flops, 'peak_bandwidth': peak_bandwidth})\n"
        "if flops == 0 and bytes_moved == 0:\n    raise ValueError('roofline: 0 FLOPs and 0 bytes are no work')\n")
INTENSITY = "intensity = flops / bytes_moved if bytes_moved else math.inf\n"
RIDGE = "ridge = peak_flops / peak_bandwidth\n"
SECONDS = "seconds = max(flops / peak_flops, bytes_moved / peak_bandwidth)\n"
BOUND = "bound = 'memory' if intensity < ridge else 'compute'\n"
ROOF = "return Roofline(intensity, ridge, bound, min(peak_flops, intensity * peak_bandwidth), seconds)\n"
FIGURES = ("check_amounts('energy_estimate', {'flops': flops, 'bytes_moved': bytes_moved, 'picojoules_per_flop': picojoules_per_flop, "
           "'picojoules_per_byte': picojoules_per_byte})\n")
CALLER = "outer = self.stack[-1]\n"
BEGIN = "row.calls += 1\nself.stack.append(row)\nstart = self.clock()\n"
TRY = "try:\n    return call()\nfinally:\n"
BOOK = "    elapsed = self.clock() - start\n    self.stack.pop()\n    row.seconds += elapsed\n    outer.seconds -= elapsed\n"


class exercise_matmul_flops:

    def two_for_each_term():
        """(2, 3) @ (3, 4) takes 48 FLOPs"""
        a, b = Tensor(np.ones((2, 3))), Tensor(np.ones((3, 4)))
        expect(matmul_flops((a, b), a @ b), 48, mistakes=[
            (24, "You counted a multiplication and its addition as one. They are 2 FLOPs.", "return output.size * args[0].shape[-1]"),
            (40, "To the letter a sum of 3 terms has 2 additions. The convention counts as many as there are terms: 2 FLOPs for each.",
             "return output.size * (2 * args[0].shape[-1] - 1)"),
            (64, "Each sum has as many terms as the size that both operands share, here 3. You took the 4, which only one of them has.",
             "return 2 * output.size * args[1].shape[-1]"),
            (32, "Each sum has as many terms as the size that both operands share, here 3. You took the 2, which only one of them has.",
             "return 2 * output.size * len(args[0].data)"),
            (144, "That is every element of the one with every element of the other. A row meets a column in pairs: 3 products for each of 8 results.",
             "return 2 * args[0].size * args[1].size"),
            (16, "Those are 2 for each element of the result. Each of them is a sum of several products.", "return 2 * output.size"),
            (raising(AttributeError, "tuple"), "`args` is a tuple of both operands. Take the first out of it: `args[0]`.", "return 2 * output.size * args.shape[-1]")])
        a, b = Tensor(np.ones((20, 30))), Tensor(np.ones((30, 4)))
        expect(matmul_flops((a, b), a @ b), 4800)
        expect(type(matmul_flops((a, b), a @ b)) is int, True, mistakes=[
            (False, "The signature promises an int, and something else came back: `/` gives a float and `np.prod` an np.int64. `output.size` and `shape` hold integers, and `math.prod` gives one.",
             "return output.size * args[0].shape[-1] / 0.5", "return np.prod(output.shape) * args[0].shape[-1] * 2")])

    def axes_in_front():
        """A batch of matrices counts each of them"""
        a, b = Tensor(np.ones((5, 2, 3))), Tensor(np.ones((3, 4)))
        expect(matmul_flops((a, b), a @ b), 240, mistakes=[
            (48, "That is one of the five matrices. The result has an axis in front, and its `size` counts it.",
             "M, K = args[0].shape[-2:]\nreturn 2 * M * K * args[1].shape[-1]"),
            (lambda got: got in (80, 160, 400), "There is an axis in front here, so count the axes from the end: the size that both share is the last of the first operand.",
             "return 2 * output.size * args[0].shape[1]", "return 2 * output.size * args[0].shape[0]"),
            (raising(ValueError, "unpack"), "There is an axis in front here, and the shape has three entries. Count from the end: `shape[-1]`.",
             "M, K = args[0].shape\nreturn 2 * M * K * args[1].shape[-1]")])
        a, b = Tensor(np.ones((2, 3))), Tensor(np.ones((5, 3, 4)))
        expect(matmul_flops((a, b), a @ b), 240, mistakes=[
            (400, "In the second operand the shared size is the last but one. Its first axis counts matrices here.", "return 2 * output.size * args[1].shape[0]"),
            (48, "Here the second operand is a batch, and there are five results. The `size` of the result counts them.",
             "return 2 * args[0].size * args[1].shape[-1]")])

    def a_vector():
        """A vector has one axis only"""
        a, b = Tensor(np.ones(3)), Tensor(np.ones((3, 4)))
        expect(matmul_flops((a, b), a @ b), 24, mistakes=[
            (raising(ValueError, "unpack"), "The first operand is a vector here, and its shape has one entry. Of that operand its last size is all that is needed: `shape[-1]`.",
             "*batch, M, K = args[0].shape\nreturn 2 * output.size * K"),
            (IndexError, "The first operand has a single axis here. Its last is all that is needed.",
             "return 2 * math.prod(output.shape[:-1]) * args[0].shape[-1] * args[1].shape[-1] if args[0].shape[-2] else 0")])
        expect(matmul_flops((a, a), a @ a), 6, mistakes=[
            (IndexError, "Both operands are vectors here, and there is no last axis but one.", "return 2 * output.size * args[1].shape[-2]")])

    wrong = [
        ("return 2 * len(output) * args[0].shape[-1]", "expected 48"),
        ("return output.size + args[0].shape[-1]", "expected 48"),
    ]

    right = [
        "return 2 * output.size * args[0].shape[-1]",
        "left, right = args\nreturn 2 * left.shape[-1] * math.prod(output.shape)",
        "terms = args[0].shape[-1]\nmultiplications = additions = output.size * terms\nreturn multiplications + additions",
    ]


class exercise_bytes_moved:

    def inputs_and_result():
        """Inputs once, the result once"""
        x = Tensor([[1, 2], [3, 4]])
        expect(bytes_moved((np.add, x, 1), x + 1), 32, mistakes=[
            (16, "That is one side only. The input is read, 16 bytes, and the result is written, 16 more.",
             FOUND + VIEW + WRITTEN + LOOKUP + "return written", FOUND + VIEW + "return sum(array.nbytes for array in inputs)"),
            (8, "You counted elements. Each takes 4 bytes in float32: `nbytes` of an array.",
             FOUND + VIEW + "return sum(array.size for array in inputs + results)"),
            (0, "Nothing was moved, you say. But the result has memory of its own: does one of the owners belong to both an input and a result?",
             FOUND + "if memory_of(results[0]) is not memory_of(inputs[0]):\n    return 0\n" + WRITTEN + LOOKUP + READ),
            (raising(AttributeError, "'Tensor' object has no attribute 'base'"), "`memory_of` takes an array, and a Tensor is not one. The arrays of `args` are in `inputs`, those of `output` in `results`: ask for each.",
             FOUND + VIEW.replace("memory_of(result)", "memory_of(output)") + WRITTEN + LOOKUP + READ),
            (raising(AttributeError, "base"), "`memory_of` takes one array, and `inputs` and `results` are lists of arrays. Ask it for each.",
             FOUND + "if memory_of(results) is memory_of(inputs):\n    return 0\n" + WRITTEN + LOOKUP + READ),
            (raising(ValueError, "truth value"), "`==` compares two arrays element by element. Whether they are one and the same array, `is` tells.",
             FOUND + VIEW.replace(" is ", " == ") + WRITTEN + LOOKUP + READ),
            (raising(AttributeError, "nbytes"), "`args` holds other things than arrays too, here a function and the number 1. `inputs` are the arrays among them.",
             FOUND + VIEW + WRITTEN + LOOKUP + "return written + sum(arg.nbytes for arg in args)")])
        a, b = Tensor(np.ones((2, 3))), Tensor(np.ones((3, 4)))
        expect(bytes_moved((a, b), a @ b), 104, mistakes=[
            (56, "There are two inputs here, and only the first was counted.", FOUND + VIEW + WRITTEN + LOOKUP + "return written + inputs[0].nbytes")])
        expect(bytes_moved((x, x), x * x), 48, mistakes=[
            (32, "The same array is given twice here, and counts twice: the operation reads it for each of its operands.",
             FOUND + VIEW + WRITTEN + LOOKUP + "return written + sum({id(array): array.nbytes for array in inputs}.values())")])
        expect(bytes_moved(([a, b], 0), [a + 1, b + 1]), 144, mistakes=[
            (raising(AttributeError, "'list' object has no attribute"), "The result is a list of two Tensors here. Whatever it is, its arrays are in `results`.",
             FOUND + VIEW.replace("memory_of(result)", "memory_of(output.data)") + WRITTEN + LOOKUP + READ),
            (lambda got: got in (96, 120), "Two results came back here, in a list. All of them are written.", FOUND + VIEW + LOOKUP.replace("2 * written", "2 * results[0].nbytes") + "return results[0].nbytes + sum(array.nbytes for array in inputs)")])

    def a_view_moves_nothing():
        """A result in the memory of an input moves nothing"""
        x = Tensor(np.arange(6.0).reshape(2, 3))
        expect(bytes_moved((x,), x.T), 0, mistakes=[
            (48, "`x.T` lies in the memory of x, and no number was moved. `memory_of` tells the owner of each.",
             FOUND + WRITTEN + LOOKUP + READ, FOUND + "if any(result is array for result in results for array in inputs):\n    return 0\n" + WRITTEN + LOOKUP + READ),
            (24, "A view is no copy: neither is anything read nor written.", FOUND + VIEW.replace("return 0", "return sum(array.nbytes for array in inputs)") + WRITTEN + LOOKUP + READ)])
        whole = np.ones((4, 2), np.float32)
        part = whole[1:]
        expect(bytes_moved((part,), part.T), 0, mistakes=[
            (raising(AttributeError, "memoryview"), "The result is a bare array here, and `.data` of an array is something else than `.data` of a Tensor. Its arrays are in `results`, whatever it is.",
             FOUND + VIEW.replace("memory_of(result)", "memory_of(output.data)") + WRITTEN + LOOKUP + READ),
            (48, "Input and result are both views here, and what they look at belongs to a third array. Ask for the owners of both.",
             FOUND + "if any(memory_of(result) is array for result in results for array in inputs):\n    return 0\n" + WRITTEN + LOOKUP + READ,
             FOUND + "if any(result.base is array for result in results for array in inputs):\n    return 0\n" + WRITTEN + LOOKUP + READ)])
        expect(bytes_moved((1, x, part), part.T), 0, mistakes=[
            (lambda got: got > 0, "The result is a view of the second input. Any input can be the one.",
             FOUND + "if memory_of(results[0]) is memory_of(inputs[0]):\n    return 0\n" + WRITTEN + LOOKUP + READ)])
        expect(bytes_moved((x, [0, 1]), x[1:], False), 0, mistakes=[
            (24, "This lookup returned a view of the table. That moves nothing either, so ask for views first.", FOUND + WRITTEN + LOOKUP + VIEW + READ)])

    def a_lookup():
        """A lookup reads as many bytes as it writes"""
        table, ids = Tensor(np.ones((1000, 8))), np.array([3, 7], np.int64)
        rows = Tensor(table.data[ids])
        expect(bytes_moved((table, ids), rows, reads_all=False), 128, mistakes=[
            (64, "The two rows are written, 64 bytes. They are read too.", FOUND + VIEW + WRITTEN + LOOKUP.replace("2 * written", "written") + READ),
            (lambda got: got > 32000, "That is the whole table. Of a thousand rows two were looked up; `reads_all` is False.",
             FOUND + VIEW + WRITTEN + READ, FOUND + VIEW + WRITTEN + LOOKUP.replace("not reads_all", "reads_all") + READ),
            (144, "The ids are not counted in a lookup: as many bytes are read as are written.", FOUND + VIEW + WRITTEN + LOOKUP.replace("2 * written", "2 * written + inputs[-1].nbytes") + READ)])

    wrong = [
        (FOUND + "return 0", "expected 32"),
        (FOUND + VIEW + WRITTEN + LOOKUP + "return 2 * written", "expected 104"),
    ]

    right = [
        FOUND + VIEW + WRITTEN + LOOKUP + READ,
        FOUND + "owners = [id(memory_of(array)) for array in inputs]\nfor result in results:\n    if id(memory_of(result)) in owners:\n        return 0\n"
        "read = results if not reads_all else inputs\nreturn sum(array.nbytes for array in [*read, *results])",
        "inputs, results = list(arrays_in(args)), list(arrays_in(output))\nshared = any(np.may_share_memory(memory_of(a), memory_of(b)) for a in inputs for b in results)\n"
        "size = lambda arrays: sum(array.nbytes for array in arrays)\nreturn 0 if shared else size(results) + (size(inputs) if reads_all else size(results))",
    ]


class exercise_calls_for_clock:

    def four_calls_of_0_4_ms():
        """A sample of 0.4 ms calls needs 4 of them"""
        clock = HandClock()
        expect(calls_for_clock(lambda: clock.work(0.0004), clock), 4, mistakes=[
            (3, "You added one call at a time. With a call of a microsecond that takes a thousand samples; double them.",
             "calls = 1\n" + DOUBLE.replace("calls *= 2", "calls += 1")),
            (2, "Two calls last 0.8 ms, which is not enough. Return the number of the sample that was long enough, not of the one before.",
             "calls = 1\n" + DOUBLE.replace("return calls", "return calls // 2")),
            (8, "Four calls last 1.6 ms, which is enough. The number was doubled once more after that.",
             "calls, sample = 1, 0.0\nwhile sample < at_least:\n" + LIMIT + "    sample = seconds_per_call(function, calls, clock) * calls\n    calls *= 2\nreturn calls"),
            (raising(RuntimeError, "too often"), "It never ended: more calls must make the sample longer. Time as many calls as `calls` says, and compare the whole sample.",
             "calls = 1\nwhile seconds_per_call(function, 1, clock) < at_least:\n    calls *= 2\nreturn calls"),
            (2**20, "It went on to the limit, and four calls are enough. What must last long enough is the whole sample, the seconds of one call times the calls; and the limit only ends what is not long enough by then.",
             "calls = 1\nwhile calls < 2**20 or seconds_per_call(function, calls, clock) * calls < at_least:\n    calls *= 2\nreturn calls",
             "calls = 1\nwhile calls < 2**20 and seconds_per_call(function, calls, clock) < at_least:\n    calls *= 2\nreturn calls"),
            (ValueError, "It went on to the limit, and four calls are enough. `seconds_per_call` gives the time of one call, however many were made: what must last long enough is that times the calls.",
             "calls = 1\n" + DOUBLE.replace(" * calls <", " <"), "calls = 1\n" + DOUBLE.replace(" * calls <", " / calls <")),
            (1, "One call lasts 0.4 ms, less than a millisecond, so one is not enough.",
             "calls = 1\n" + DOUBLE.replace("< at_least", "> at_least")),
            (lambda got: 512 <= got < 2**20, "These calls were not timed with the clock that was given. In this check it is one that is moved by hand.",
             "import time\ncalls = 1\n" + DOUBLE.replace("calls, clock)", "calls, time.perf_counter)"))])

    def one_is_enough_for_a_slow_function():
        """A slow function needs one call, and the limit itself is long enough"""
        clock = HandClock()
        expect(calls_for_clock(lambda: clock.work(0.002), clock), 1, mistakes=[
            (2, "One call lasts 2 ms already. Begin with a sample of one call.", "calls = 2\n" + DOUBLE)])
        expect(calls_for_clock(lambda: clock.work(0.25), clock, at_least=0.5), 2, mistakes=[
            (4, "Two calls last exactly as long as is asked for. At least means that this is enough.", "calls = 1\n" + DOUBLE.replace("< at_least", "<= at_least")),
            (1, "Here a sample must last half a second, and one call lasts a quarter. It is `at_least` that says how long.",
             "calls = 1\n" + DOUBLE.replace("at_least", "0.001"))])
        ticks = iter(range(2**23))
        expect(calls_for_clock(ticks.__next__, lambda: next(ticks) * 2.0**-30, 2.0**-10), 2**20, mistakes=[
            (ValueError, "Here 2²⁰ calls are just enough. They may be tried; what needs more is refused.",
             "calls = 1\n" + DOUBLE.replace("2**20", "2**19"), "calls = 1\n" + TOO_SHORT + "    calls *= 2\n" + LIMIT + "return calls")])

    def a_clock_that_stands_still():
        """A clock that stands still is refused after 2²⁰ calls"""
        function = iter(range(2**22)).__next__
        expect_raises(ValueError, lambda: calls_for_clock(function, HandClock(46)), mentions=["1048576"], mistakes=[
            ((RuntimeError, StopIteration), "The clock stands still, and without a limit this goes on for ever. After 2²⁰ calls raise ValueError.",
             "calls = 1\n" + DOUBLE.replace(LIMIT, ""), "calls = 1\n" + DOUBLE.replace("calls == 2**20", "calls == 2**30")),
            (2**20, "The clock stands still, so this number is no answer. Raise ValueError.",
             "calls = 1\nwhile calls < 2**20 and seconds_per_call(function, calls, clock) * calls < at_least:\n    calls *= 2\nreturn calls"),
            (None, "After the last try nothing is returned. Raise ValueError there.",
             "for power in range(21):\n    if 2**power * seconds_per_call(function, 2**power, clock) >= at_least:\n        return 2**power"),
            (lambda error: isinstance(error, ValueError) and "2097152" in str(error), "A sample of 2097152 calls was never tried. The message names the calls of the last sample, 2²⁰ = 1048576.",
             "calls = 1\nwhile seconds_per_call(function, calls, clock) * calls < at_least:\n    calls *= 2\n    if calls > 2**20:\n        raise ValueError(f'{calls} calls were not enough')\nreturn calls"),
            (lambda error: isinstance(error, ValueError), "Say in the message how many calls the last sample had: 1048576, without a comma.",
             "calls = 1\n" + DOUBLE.replace("f'{calls} calls were not enough'", "'the clock stands still'"))])

    wrong = [
        ("return 4", "expected 1"),
        ("return math.ceil(at_least / seconds_per_call(function, 1, clock))", "expected 4"),
        ("calls = 1\nwhile calls < 2**20:\n    calls *= 2\nreturn calls", "expected 4"),
    ]

    right = [
        "calls = 1\n" + DOUBLE,
        "for power in range(21):\n    if 2**power * seconds_per_call(function, 2**power, clock) >= at_least:\n        return 2**power\nraise ValueError('2**20 = 1048576 calls are too short')",
        "def sample(calls):\n    return calls * seconds_per_call(function, calls, clock)\n\ncalls = 1\nwhile True:\n    if sample(calls) >= at_least:\n        return calls\n    calls = 2 * calls\n    if calls > 2**20:\n        raise ValueError(f'{calls // 2} calls did not last {at_least} s')",
    ]


class exercise_measure_latency:

    def warm_up_is_not_timed():
        """Two calls to warm up, one to find the calls, then the samples"""
        clock, durations = HandClock(), iter([9.0, 9.0, 7.0, 1.0, 2.0, 3.0, 4.0, 50.0] + [8.0] * 50)
        work = lambda: clock.work(next(durations))
        expect(measure_latency(work, warmup=2, repeats=5, clock=clock).samples, (1.0, 2.0, 3.0, 4.0, 50.0), mistakes=[
            (raising(TypeError, "calls_for_clock() missing"), "`calls_for_clock` wants a clock too, the one that you were given.",
             REFUSED + WARM + "calls = calls_for_clock(function)\n" + SAMPLES),
            (lambda got: isinstance(got, list), "The samples are a list. A `Latency` is not to change once it is made, and a list can: make a tuple of them.",
             REFUSED + WARM + CALLS + SAMPLES.replace("tuple(seconds_per_call(function, calls, clock) for _ in range(repeats))", "[seconds_per_call(function, calls, clock) for _ in range(repeats)]")),
            (lambda got: not isinstance(got, tuple), "`Latency` wants a tuple of samples. `tuple(…)` around the expression makes one.",
             REFUSED + WARM + CALLS + SAMPLES.replace("tuple(seconds_per_call(function, calls, clock) for _ in range(repeats))", "seconds_per_call(function, calls * repeats, clock)")),
            (lambda got: got[:1] == (9.0,) or got[:1] == (7.0,), "Calls of the warm-up are among the samples, or it was too short. `warmup` calls come first, and their time is nobody's business.",
             REFUSED + CALLS + SAMPLES, REFUSED + WARM.replace("warmup", "warmup - 1") + CALLS + SAMPLES, REFUSED + CALLS + WARM.replace("warmup", "warmup - 1") + SAMPLES),
            (lambda got: len(got) != 5 and len(got) > 0 and got[0] == 1.0, "`repeats` says how many samples there are, here 5.",
             REFUSED + WARM + CALLS + SAMPLES.replace("range(repeats)", "range(repeats + 1)"), REFUSED + WARM + CALLS + SAMPLES.replace("range(repeats)", "range(1, repeats)")),
            (lambda got: got and max(got) < 0.5, "These times come from another clock than the one that was given. In this check it is moved by hand.",
             "import time\n" + REFUSED + WARM + CALLS + SAMPLES.replace("calls, clock)", "calls, time.perf_counter)"),
             "import time\n" + REFUSED + WARM + "calls = calls_for_clock(function, time.perf_counter, 1e-9)\n" + SAMPLES.replace("calls, clock)", "calls, time.perf_counter)")),
            (lambda got: len(got) == 5 and len(set(got)) == 1, "One sample was taken, and repeated. Each is measured anew.",
             REFUSED + WARM + CALLS + "sample = seconds_per_call(function, calls, clock)\nreturn Latency((sample,) * repeats, calls)"),
            (lambda got: (got[0] > 1.5 and got[0] != 8.0) or got[:2] == (1.0, 3.0), "More calls were made before the samples than should be: `warmup` of them, and those that find the number of calls, once.",
             REFUSED + WARM + CALLS + "function()\n" + SAMPLES, REFUSED + WARM.replace("warmup", "warmup + 1") + CALLS + SAMPLES,
             REFUSED + WARM + "calls = 1\n" + SAMPLES.replace("function, calls, clock", "function, calls_for_clock(function, clock), clock")),
            (StopIteration, "The function was called far too often. Either `calls_for_clock` looks at another clock than the one you were given, or a sample holds more calls than it says.",
             "import time\n" + REFUSED + WARM + "calls = calls_for_clock(function, time.perf_counter)\n" + SAMPLES),
            (raising(RuntimeError, "StopIteration"), "The function was called far too often. One sample holds as many calls as `calls_for_clock` says.",
             REFUSED + WARM + CALLS + SAMPLES.replace("calls, clock)", "2**10, clock)"))])

    def fast_calls_go_several_into_a_sample():
        """Calls of 0.4 ms go into samples of 4, and a sample is the time of one"""
        clock = HandClock()
        latency = measure_latency(lambda: clock.work(0.0004), clock=clock)
        expect((latency.calls, len(latency.samples)), (4, 20), mistakes=[
            (lambda got: got[0] >= 64, "So many calls were found with another clock than the one you were given, which is moved by hand here. Hand that one to `calls_for_clock`.",
             "import time\n" + REFUSED + WARM + "calls = calls_for_clock(function, time.perf_counter)\n" + SAMPLES),
            ((1, 20), "Each sample was one call. `calls_for_clock` says how many it takes, and `Latency` is told.", REFUSED + WARM + "calls = 1\n" + SAMPLES,
             REFUSED + WARM + CALLS + SAMPLES.replace(", calls)\n", ", 1)\n"))])
        expect(latency.samples[0], 0.0004, rtol=1e-3, mistakes=[
            (lambda got: abs(got - 0.0016) < 1e-9, "That is the sample. Its time is divided by its calls already in `seconds_per_call`.",
             REFUSED + WARM + CALLS + SAMPLES.replace("seconds_per_call(function, calls, clock)", "seconds_per_call(function, calls, clock) * calls")),
            (lambda got: abs(got - 0.0001) < 1e-9, "`seconds_per_call` has divided by the calls already.",
             REFUSED + WARM + CALLS + SAMPLES.replace("seconds_per_call(function, calls, clock)", "seconds_per_call(function, calls, clock) / calls"))])

    def it_is_found_after_the_warm_up():
        """The number of calls is found after the warm-up"""
        clock, durations = HandClock(), iter([1.0, 1.0, 1.0] + [0.0004] * 500)
        expect(measure_latency(lambda: clock.work(next(durations)), repeats=2, clock=clock).calls, 4, mistakes=[
            (1, "The first calls are slow here, as they often are, and they decided how many make a sample. Warm up first.",
             REFUSED + CALLS + WARM + SAMPLES)])
        clock = HandClock()
        measure_latency(lambda: clock.work(1.0), repeats=2, clock=clock)
        expect(clock(), 6.0)

    def no_warm_up():
        """Without warm-up calls, and a warm-up that looks at no clock"""
        clock = HandClock()
        expect(len(measure_latency(lambda: clock.work(1.0), warmup=0, repeats=3, clock=clock).samples), 3, mistakes=[
            (ZeroDivisionError, "Without warm-up calls nothing is to be timed before the samples, and a sample of 0 calls has no time for one. The warm-up calls `function()` in a loop, and looks at no clock.",
             REFUSED + "seconds_per_call(function, warmup, clock)\n" + CALLS + SAMPLES)])
        looks = iter(range(100))
        measure_latency(int, warmup=2, repeats=3, clock=lambda: next(looks))
        expect(next(looks), 8, mistakes=[
            (10, "The warm-up looked at the clock, twice more than is needed. Its calls are plain ones: `function()` in a loop.",
             REFUSED + "if warmup:\n    seconds_per_call(function, warmup, clock)\n" + CALLS + SAMPLES)])

    def what_cannot_be_measured_is_refused():
        """No repeats, and what cannot be called, are refused"""
        expect(len(measure_latency(int, 0, 3).samples), 3)
        expect_raises(ValueError, lambda: measure_latency(int, repeats=0), mentions=["repeats is 0"])
        expect_raises(ValueError, lambda: measure_latency(int, warmup=-1), mentions=["measure_latency: warmup is -1"])
        expect_raises(TypeError, lambda: measure_latency(Tensor([1.0])), mentions=["lambda"])

    wrong = [
        (WARM + CALLS + SAMPLES, "expected it to raise"),
        (REFUSED + WARM + "return Latency((seconds_per_call(function, repeats, clock),), repeats)", "expected"),
        (REFUSED + WARM + CALLS + "return tuple(seconds_per_call(function, calls, clock) for _ in range(repeats))", "samples"),
    ]

    right = [
        REFUSED + WARM + CALLS + SAMPLES,
        REFUSED + WARM + CALLS + "samples = []\nfor _ in range(repeats):\n    samples.append(seconds_per_call(function, calls, clock))\nreturn Latency(tuple(samples), calls)",
        REFUSED + "left = warmup\nwhile left:\n    function()\n    left -= 1\n" + CALLS + "return Latency(samples=(*[seconds_per_call(function, calls, clock) for number in range(repeats)],), calls=calls)",
        REFUSED + WARM + CALLS + "samples = ()\nfor _ in range(repeats):\n    start = clock()\n    for call in range(calls):\n        function()\n    samples += ((clock() - start) / calls,)\nreturn Latency(samples, calls)",
    ]


class exercise_median_interval:

    def nine_samples():
        """Of nine samples the second smallest and the second largest"""
        samples = (7, 1, 2, 3, 4, 5, 6, 8, 90)
        expect(median_interval(samples), (2, 8), mistakes=[
            ((1, 90), "The smallest and the largest hold the median in 99.6 % of cases. The second ones do in 96.1 %, which is enough, and the interval is narrower.",
             "return min(samples), max(samples)", ORDERED + FEW.replace("place < 0", "n < 6") + "return ordered[0], ordered[-1]",
             ORDERED + COINS.replace("    place = below\n", "    place = below - 1 if below else 0\n") + FEW + ENDS),
            ((3, 7), "That is one place too far: it misses the median in 18 % of cases. Go back to the last place that is within the 5 %.",
             ORDERED + "for below in range(n):\n    place = below\n    outside += 2 * math.comb(n, below) / 2**n\n    if outside > 1 - confidence:\n        break\n" + FEW + ENDS),
            ((4, 1), "The samples must be sorted before a place in them means anything.", ORDERED.replace("sorted(samples)", "list(samples)") + COINS + FEW + "return ordered[4], ordered[1]"),
            ((1, 8), "These are samples as they came, at places 1 and -2. Sort them first.", ORDERED.replace("sorted(samples)", "list(samples)") + COINS + FEW + ENDS),
            ((2, 90), "Below and above must be alike: place 1 from the left is the second smallest, and the second largest is at −1 − 1.",
             ORDERED + COINS + FEW + "return ordered[place], ordered[-place]"),
            (lambda got: isinstance(got, list), "That is a list of two. Return a tuple.", ORDERED + COINS + FEW + "return [ordered[place], ordered[-1 - place]]"),
            (lambda got: isinstance(got, tuple) and len(got) == 2 and any(value not in (1, 2, 3, 4, 5, 6, 7, 8, 90) for value in got), "The ends of the interval are two of the samples. Percentiles lie between them, and say nothing about how sure one is of the median.",
             "return tuple(np.percentile(samples, [2.5, 97.5]))", "return tuple(np.percentile(samples, [23, 77]))"),
            (raising(AttributeError, "sort"), "A tuple cannot be sorted in its place. `sorted(samples)` makes a new list.", "samples.sort()\nn = len(samples)\nplace, outside = -1, 0.0\n" + COINS + FEW + "return samples[place], samples[-1 - place]"),
            (raising(IndexError, ""), "A place was asked for that is not there. Among n samples places go from 0 to n − 1.", ORDERED + COINS + FEW + "return ordered[place], ordered[n - place]".replace("n - place", "n + place"))])

    def other_numbers_of_samples():
        """Six, eleven and twenty samples"""
        expect(median_interval([3, 1, 2, 6, 5, 4]), (1, 6), mistakes=[
            (ValueError, "Here place 0 is good, the smallest and the largest. `not place` takes that 0 for none at all; ask for a number below 0, or for None.",
             ORDERED + COINS + "if not place:\n    raise ValueError(f'{n} samples')\n" + ENDS, ORDERED + COINS + FEW.replace("< 0", "<= 0") + ENDS)])
        expect(median_interval(list(range(11))), (1, 9), mistakes=[
            ((2, 8), "One place too far for eleven coins: (2, 8) misses the median in 6.5 % of cases. It can be missed on both sides, so each number of ways counts twice; and the ways are counted, for a formula with a root is an approximation.",
             ORDERED + COINS.replace("2 * math.comb", "math.comb") + FEW + ENDS,
             "ordered, n = sorted(samples), len(samples)\nif n < 6:\n    raise ValueError(f'{n} samples are too few')\nplace = int(n / 2 - 1.96 * math.sqrt(n) / 2)\nreturn ordered[place], ordered[-1 - place]")])
        expect(median_interval(list(range(20))), (5, 14))

    def another_confidence():
        """With less confidence the interval is narrower"""
        expect(median_interval(list(range(9)), 0.5), (2, 6), mistakes=[
            ((1, 7), "Here half of the cases may miss it. It is `confidence` that says how many.", ORDERED + COINS.replace("1 - confidence", "0.05") + FEW + ENDS),
            ((8, 0), "The chances must be added up: that exactly four lie below is one case, and that three or two do are others.",
             ORDERED + COINS.replace("outside += 2", "outside = 2") + FEW + ENDS),
            ((0, 8), "Here half of the cases may miss it, 1 − confidence.", ORDERED + COINS.replace("1 - confidence", "(1 - confidence) / 50") + FEW + ENDS)])
        expect(median_interval([4.0, 1.0, 3.0, 2.0], 0.875), (1.0, 4.0), mistakes=[
            (ValueError, "Four coins fall alike in exactly 1/8 of cases, and 1/8 is allowed here: at most means that it is enough. How many samples are too few depends on `confidence`.", ORDERED + COINS.replace("> 1", ">= 1") + FEW + ENDS,
             ORDERED + COINS + FEW.replace("place < 0", "n < 6") + ENDS)])

    def too_few():
        """Five samples are too few for 95 %"""
        expect_raises(ValueError, lambda: median_interval([1, 2, 3, 4, 5]), mentions=["5"], mistakes=[
            (lambda got: True, "Say in the message how many samples there are.", ORDERED + COINS + FEW.replace("{n} samples are too few", "too few samples") + ENDS),
            ((5, 1), "No place was good, and −1 as an index is the last one. Ask for it before.", ORDERED + COINS + ENDS),
            ((1, 5), "Five coins fall alike in 6.25 % of cases. That is more than 5 %, so even the whole range is not sure enough.",
             ORDERED.replace("-1, 0.0", "0, 0.0") + COINS + ENDS)])
        expect_raises(ValueError, lambda: median_interval(()), mentions=["0"], mistakes=[
            (UnboundLocalError, "Without samples a loop over them runs not once, and a name that only the loop sets is not there. No sample at all is too few as well: raise ValueError.",
             ORDERED.replace("place, outside = -1, 0.0", "outside = 0.0") + COINS.replace("    place = below\n", "") + "if below == 0:\n    raise ValueError(f'{n} are too few')\nreturn ordered[below - 1], ordered[-below]"),
            (raising(IndexError, ""), "No sample at all is too few as well: raise ValueError.", ORDERED + COINS + "if n and place < 0:\n    raise ValueError(f'{n} are too few')\n" + ENDS)])

    def the_samples_stay():
        """The samples stay as they are"""
        samples = [3.0, 1.0, 2.0, 6.0, 5.0, 4.0]
        expect(median_interval(samples), (1.0, 6.0))
        expect(samples, [3.0, 1.0, 2.0, 6.0, 5.0, 4.0], mistakes=[
            (lambda got: True, "The samples have been sorted in their place. Whoever gave them wants them as they were: `sorted` makes a new list.",
             "if type(samples) is list:\n    samples.sort()\nordered, n = sorted(samples), len(samples)\nplace, outside = -1, 0.0\n" + COINS + FEW + ENDS)])

    wrong = [
        (ORDERED + "return ordered[n // 4], ordered[-1 - n // 4]", "expected (2, 8)"),
        ("return np.median(samples)", "expected a tuple of 2"),
    ]

    right = [
        ORDERED + COINS + FEW + ENDS,
        ("ordered, n = sorted(samples), len(samples)\nways, k = 0, 0\nwhile k < n and 2 * (ways + math.comb(n, k)) <= (1 - confidence) * 2**n:\n    ways += math.comb(n, k)\n    k += 1\n"
         "if k == 0:\n    raise ValueError(f'only {n} samples')\nreturn ordered[k - 1], ordered[n - k]"),
        ("n = len(samples)\nmissed = np.cumsum([2 * math.comb(n, k) / 2**n for k in range(n)])\ngood = np.flatnonzero(missed <= 1 - confidence)\n"
         "if not len(good):\n    raise ValueError(f'{n} samples are too few')\nordered = sorted(samples)\nreturn ordered[good[-1]], ordered[n - 1 - good[-1]]"),
    ]

    equivalent = [
        ("place, outside = (-1, 0.0)  ->  place, outside = (-2, 0.0)", "any number below 0 says that no place is good"),
    ]


class exercise_amdahl_speedup:

    def seventy_percent_twice_as_fast():
        """70 % made twice as fast is 1.54 times in all"""
        expect(amdahl_speedup(0.7, 2), 1 / 0.65, mistakes=[
            (lambda got: abs(got - 0.65) < 1e-9, "That is the time that remains, in units of the old. The speed-up is the old time divided by it.", SHARE + "return 1 - share + share / factor"),
            (lambda got: abs(got - 1.7) < 1e-9, "You weighted the speeds. Times can be added, speeds cannot: 0.3 stays, 0.7 becomes 0.35.", SHARE + "return 1 - share + share * factor"),
            (lambda got: abs(got - 1.4) < 1e-9, "Share times factor is not it: the other 30 % take as long as before.", SHARE + "return share * factor"),
            (lambda got: abs(got - 1 / 0.35) < 1e-6, "The 30 % that stay are missing from the time.", SHARE + "return factor / share"),
            (lambda got: abs(got - 1 / 0.85) < 1e-6, "You made the other part faster: 0.7 stays and 0.15 is left of the rest. `share` is the part that becomes faster.",
             SHARE + "return 1 / (share + (1 - share) / factor)"),
            (lambda got: abs(got - 1.35) < 1e-9, "The time that was saved is 0.35, so 0.65 are left. One divided by that is the speed-up, not one plus what was saved.", SHARE + "return 1 + share - share / factor"),
            (2, "The whole becomes twice as fast only if all of it does.", SHARE + "return factor"),
            (lambda got: abs(got - 1.54) < 1e-9, "It is rounded. Return all digits; whoever prints it rounds it.", SHARE + "return round(1 / (1 - share + share / factor), 2)")])
        expect(amdahl_speedup(0.25, 0.5), 0.8)

    def nothing_all_and_infinite():
        """A share of nothing, of all, and a part that vanishes"""
        expect((amdahl_speedup(0, 5), amdahl_speedup(1, 5)), (1.0, 5.0))
        expect(amdahl_speedup(0.5, math.inf), 2.0)
        expect(amdahl_speedup(1.0, math.inf), math.inf, mistakes=[
            (ZeroDivisionError, "All of the time becomes nothing, and 1 / 0 is an error in Python. Return `math.inf` there.", SHARE + "return 1 / (1 - share + share / factor)"),
            (1.0, "`x or 1` takes a time of 0 for no time. Nothing is left, so it is infinitely fast.", SHARE + "return 1 / ((1 - share + share / factor) or 1)")])
        expect_raises(ValueError, lambda: amdahl_speedup(1.5, 2), mentions=["1.5"])
        expect_raises(ValueError, lambda: amdahl_speedup(-0.1, 2), mentions=["-0.1"])
        expect_raises(ValueError, lambda: amdahl_speedup(0.5, 0), mentions=["factor 0"])

    wrong = [
        ("after = 1 - share + share / factor\nreturn 1 / after if after else math.inf", "expected it to raise"),
        (SHARE + "return 1 / (1 - share)", "expected 1.538"),
        (SHARE + "return share / factor", "expected 1.538"),
    ]

    right = [
        SHARE + "after = (1 - share) + share / factor\nreturn 1 / after if after else math.inf",
        SHARE + "saved = share * (1 - 1 / factor)\nif saved == 1:\n    return math.inf\nreturn 1 / (1 - saved)",
        SHARE + "stays, becomes = 1 - share, share / factor\nif stays + becomes == 0:\n    return math.inf\nreturn (stays + share) / (stays + becomes)",
        SHARE + "try:\n    return (1 - share + share / factor) ** -1\nexcept ZeroDivisionError:\n    return math.inf",
    ]


class exercise_roofline:

    def memory_is_the_limit():
        """2 FLOPs a byte under a ridge of 10: memory is the limit"""
        place = roofline(2e9, 1e9, 1e11, 1e10)
        expect(place.intensity, 2.0, mistakes=[
            (0.5, "That is bytes for each FLOP. Intensity is FLOPs for each byte.", WORK + "intensity = bytes_moved / flops\n" + RIDGE + SECONDS + BOUND + ROOF),
            (10.0, "The first of the five is the intensity, the second the ridge.", WORK + INTENSITY + RIDGE + SECONDS + BOUND + ROOF.replace("intensity, ridge, bound", "ridge, intensity, bound")),
            (raising(AttributeError, "intensity"), "A `Roofline` should come back, with five values.", WORK + INTENSITY + RIDGE + SECONDS + BOUND + ROOF.replace("Roofline", ""))])
        expect(place.ridge, 10.0, mistakes=[
            (lambda got: abs(got - 0.1) < 1e-9, "The ridge is where I · bandwidth = peak, so peak divided by bandwidth.", WORK + INTENSITY + "ridge = peak_bandwidth / peak_flops\n" + SECONDS + BOUND + ROOF)])
        expect(place.bound, "memory", mistakes=[
            (lambda got: got.startswith("memory") and got != "memory", "The limit is given as one word, `\"memory\"` or `\"compute\"`.", WORK + INTENSITY + RIDGE + SECONDS + BOUND.replace("'memory'", "'memory-bound'").replace("'compute'", "'compute-bound'") + ROOF),
            ("compute", "Below the ridge the bytes take longer than the FLOPs: memory is the limit.", WORK + INTENSITY + RIDGE + SECONDS + BOUND.replace("<", ">") + ROOF)])
        expect(place.attainable, 2e10, mistakes=[
            (1e11, "The peak cannot be reached here. 2 FLOPs for each byte, 10¹⁰ bytes a second: that is less.", WORK + INTENSITY + RIDGE + SECONDS + BOUND + ROOF.replace("min(peak_flops, intensity * peak_bandwidth)", "peak_flops"),
             WORK + INTENSITY + RIDGE + SECONDS + BOUND + ROOF.replace("min(", "max(")),
            (1e10, "Those are bytes a second. With each byte come 2 FLOPs.", WORK + INTENSITY + RIDGE + SECONDS + BOUND + ROOF.replace("intensity * peak_bandwidth", "peak_bandwidth")),
            (0.1, "The fourth value is a speed, FLOPs a second, the fifth the seconds.", WORK + INTENSITY + RIDGE + SECONDS + BOUND + "return Roofline(intensity, ridge, bound, seconds, min(peak_flops, intensity * peak_bandwidth))")])
        expect(place.seconds, 0.1, mistakes=[
            (0.02, "That is the arithmetic. Moving the bytes takes longer, and the longer one is the least time.", WORK + INTENSITY + RIDGE + "seconds = flops / peak_flops\n" + BOUND + ROOF, WORK + INTENSITY + RIDGE + SECONDS.replace("max", "min") + BOUND + ROOF),
            (lambda got: abs(got - 0.12) < 1e-9, "You added both. A good program moves and computes at the same time, so the longer of the two holds.",
             WORK + INTENSITY + RIDGE + "seconds = flops / peak_flops + bytes_moved / peak_bandwidth\n" + BOUND + ROOF)])

    def arithmetic_is_the_limit():
        """100 FLOPs a byte: the arithmetic is the limit"""
        place = roofline(1e12, 1e10, 1e11, 1e10)
        expect((place.bound, place.attainable, place.seconds), ("compute", 1e11, 10.0), mistakes=[
            (lambda got: got[0] == "compute" and got[1] > 1e11, "No work is faster than the peak, however much is done with each byte.", WORK + INTENSITY + RIDGE + SECONDS + BOUND + ROOF.replace("min(peak_flops, intensity * peak_bandwidth)", "intensity * peak_bandwidth")),
            (lambda got: got[2] == 1.0, "That is the time for the bytes. The arithmetic takes longer here.", WORK + INTENSITY + RIDGE + "seconds = bytes_moved / peak_bandwidth\n" + BOUND + ROOF)])
        expect(roofline(1e11, 1e10, 1e11, 1e10).bound, "compute", mistakes=[
            ("memory", "Exactly at the ridge say \"compute\".", WORK + INTENSITY + RIDGE + SECONDS + BOUND.replace("<", "<=") + ROOF)])

    def no_bytes_and_no_flops():
        """Work with 0 bytes, and work with 0 FLOPs"""
        expect(roofline(100, 0, 10, 5).intensity, math.inf, mistakes=[
            (ZeroDivisionError, "With 0 bytes there is nothing to divide by. The intensity is `math.inf` then.", WORK + "intensity = flops / bytes_moved\n" + RIDGE + SECONDS + BOUND + ROOF),
            (100.0, "A byte was put in the place of none. With 0 bytes the intensity is `math.inf`.",
             WORK + "intensity = flops / max(bytes_moved, 1)\n" + RIDGE + SECONDS + BOUND + ROOF),
            (0.0, "With 0 bytes the intensity is infinite, not 0: no byte keeps the arithmetic waiting.", WORK + INTENSITY.replace("math.inf", "0.0") + RIDGE + SECONDS + BOUND + ROOF)])
        place = roofline(100, 0, 10, 5)
        expect((place.bound, place.attainable, place.seconds), ("compute", 10, 10.0))
        expect(roofline(0, 100, 10, 5).seconds, 20.0, mistakes=[
            (ZeroDivisionError, "With 0 FLOPs the intensity is 0, and so are the FLOPs a second that can be reached: nothing can be divided by them. The least time is the longer of the two times.",
             WORK + INTENSITY + RIDGE + "seconds = flops / min(peak_flops, intensity * peak_bandwidth)\n" + BOUND + ROOF)])
        place = roofline(0, 100, 10, 5)
        expect((place.intensity, place.bound, place.attainable, place.seconds), (0.0, "memory", 0.0, 20.0), mistakes=[
            (lambda got: got[0] == math.inf, "A copy does no FLOPs and moves bytes: its intensity is 0.", WORK + "intensity = flops / bytes_moved if flops and bytes_moved else math.inf\n" + RIDGE + SECONDS + BOUND + ROOF)])
        expect_raises(ValueError, lambda: roofline(0, 0, 1, 1), mentions=["no work"])
        expect_raises(ValueError, lambda: roofline(-1, 1, 1, 1), mentions=["flops is -1"])
        expect_raises(ValueError, lambda: roofline(1, 1, 0, 1), mentions=["peak_flops is 0"])

    wrong = [
        (INTENSITY + RIDGE + SECONDS + BOUND + ROOF, "expected it to raise"),
        (WORK + "return flops / bytes_moved", "intensity"),
        (WORK + INTENSITY + RIDGE + SECONDS + "return Roofline(intensity, ridge, 'memory', intensity * peak_bandwidth, seconds)", "expected"),
    ]

    right = [
        WORK + INTENSITY + RIDGE + SECONDS + BOUND + ROOF,
        (WORK + "moving, computing = bytes_moved / peak_bandwidth, flops / peak_flops\nseconds = max(moving, computing)\nintensity = math.inf if bytes_moved == 0 else flops / bytes_moved\n"
         "return Roofline(intensity, peak_flops / peak_bandwidth, 'memory' if moving > computing else 'compute', flops / seconds, seconds)"),
        (WORK + INTENSITY + "if intensity >= peak_flops / peak_bandwidth:\n    bound, attainable, seconds = 'compute', peak_flops, flops / peak_flops\nelse:\n"
         "    bound, attainable, seconds = 'memory', intensity * peak_bandwidth, bytes_moved / peak_bandwidth\n"
         "return Roofline(intensity=intensity, ridge=peak_flops / peak_bandwidth, bound=bound, attainable=attainable, seconds=seconds)"),
    ]


class exercise_energy_estimate:

    def joules_from_picojoules():
        """10⁹ FLOPs and 10⁹ bytes at the figures of 2014"""
        estimate = energy_estimate(1e9, 1e9)
        expect((estimate.compute_joules, estimate.memory_joules), (0.0023, 0.1625), rtol=1e-9, atol=0, mistakes=[
            (lambda got: abs(got[0] - 2.3) < 1e-9, "That is nanojoules counted as picojoules: a joule has 10¹² of them.", FIGURES + "return EnergyEstimate(flops * picojoules_per_flop / 1e9, bytes_moved * picojoules_per_byte / 1e9, picojoules_per_flop, picojoules_per_byte)"),
            (lambda got: 1e8 < got[0] < 1e12, "Those are picojoules. A joule has 10¹² of them.", FIGURES + "return EnergyEstimate(flops * picojoules_per_flop, bytes_moved * picojoules_per_byte, picojoules_per_flop, picojoules_per_byte)"),
            (lambda got: abs(got[0] - 0.023) < 1e-9, "That is ten times too much: `10e-12` is 10⁻¹¹. Write `1e-12`, or divide by `1e12`.", FIGURES + "return EnergyEstimate(flops * picojoules_per_flop * 10e-12, bytes_moved * picojoules_per_byte * 10e-12, picojoules_per_flop, picojoules_per_byte)"),
            (lambda got: abs(got[0] - 0.1625) < 1e-9, "Arithmetic and memory have changed places: arithmetic comes first.", FIGURES + "return EnergyEstimate(bytes_moved * picojoules_per_byte / 1e12, flops * picojoules_per_flop / 1e12, picojoules_per_flop, picojoules_per_byte)"),
            (lambda got: got[0] > 1e18, "A picojoule is a small part of a joule: divide by 10¹², or multiply by 10⁻¹².", FIGURES + "return EnergyEstimate(flops * picojoules_per_flop * 1e12, bytes_moved * picojoules_per_byte * 1e12, picojoules_per_flop, picojoules_per_byte)"),
            (raising(AttributeError, "compute_joules"), "An `EnergyEstimate` should come back, with four values.", FIGURES + "return flops * picojoules_per_flop / 1e12 + bytes_moved * picojoules_per_byte / 1e12")])
        expect(estimate.joules, 0.1648)

    def the_figures_that_are_given():
        """With other figures, and they are kept"""
        estimate = energy_estimate(1e12, 4e12, picojoules_per_flop=0.5, picojoules_per_byte=10)
        expect((estimate.compute_joules, estimate.memory_joules), (0.5, 40.0), mistakes=[
            (lambda got: abs(got[0] - 2.3) < 1e-6, "Other figures were given here, and those of 2014 were used. Take the arguments.", FIGURES + "return EnergyEstimate(flops * PICOJOULES_PER_FLOP / 1e12, bytes_moved * PICOJOULES_PER_BYTE / 1e12, picojoules_per_flop, picojoules_per_byte)"),
            (lambda got: got[0] == 2.0, "FLOPs have met the bytes: each amount goes with its own figure.", FIGURES + "return EnergyEstimate(bytes_moved * picojoules_per_flop / 1e12, flops * picojoules_per_byte / 1e12, picojoules_per_flop, picojoules_per_byte)"),
            (lambda got: got[0] == 10.0, "The figures have changed places: the one for a FLOP goes with the FLOPs.", FIGURES + "return EnergyEstimate(flops * picojoules_per_byte / 1e12, bytes_moved * picojoules_per_flop / 1e12, picojoules_per_flop, picojoules_per_byte)")])
        expect((estimate.picojoules_per_flop, estimate.picojoules_per_byte), (0.5, 10), mistakes=[
            ((2.3, 162.5), "An estimate says what it stands on: keep the figures that were used.", FIGURES + "return EnergyEstimate(flops * picojoules_per_flop / 1e12, bytes_moved * picojoules_per_byte / 1e12, PICOJOULES_PER_FLOP, PICOJOULES_PER_BYTE)"),
            ((10, 0.5), "The figure for a FLOP comes first, then that for a byte.", FIGURES + "return EnergyEstimate(flops * picojoules_per_flop / 1e12, bytes_moved * picojoules_per_byte / 1e12, picojoules_per_byte, picojoules_per_flop)"),
            (lambda got: got[0] < 1e-9, "The figures stay in picojoules, as they were given.", FIGURES + "return EnergyEstimate(flops * picojoules_per_flop / 1e12, bytes_moved * picojoules_per_byte / 1e12, picojoules_per_flop / 1e12, picojoules_per_byte / 1e12)")])
        expect_raises(ValueError, lambda: energy_estimate(-1, 0), mentions=["flops is -1"])

    wrong = [
        ("return EnergyEstimate(flops * picojoules_per_flop / 1e12, bytes_moved * picojoules_per_byte / 1e12, picojoules_per_flop, picojoules_per_byte)", "expected it to raise"),
        (FIGURES + "return EnergyEstimate(flops, bytes_moved, picojoules_per_flop, picojoules_per_byte)", "expected"),
        (FIGURES + "return EnergyEstimate(2.3e-12, 162.5e-12, picojoules_per_flop, picojoules_per_byte)", "expected"),
    ]

    right = [
        FIGURES + "return EnergyEstimate(flops * picojoules_per_flop / 1e12, bytes_moved * picojoules_per_byte / 1e12, picojoules_per_flop, picojoules_per_byte)",
        FIGURES + "pico = 1e-12\narithmetic = flops * (picojoules_per_flop * pico)\nmemory = bytes_moved * (picojoules_per_byte * pico)\nreturn EnergyEstimate(arithmetic, memory, picojoules_per_flop, picojoules_per_byte)",
        FIGURES + "figures = picojoules_per_flop, picojoules_per_byte\njoules = [amount * figure / 10**12 for amount, figure in zip((flops, bytes_moved), figures)]\nreturn EnergyEstimate(*joules, *figures)",
    ]


class exercise_mended_timed:

    def a_layer_s_time_is_its_own():
        """A layer of 5 s, of which one inside takes 2: their rows have 3 and 2"""
        from tinytorch.perf.profiling import HandClock as ByHand
        clock = ByHand()
        trace, outer, inner = Trace(None, clock), Row("(model)", "Sequential"), Row("steps.0", "Linear")
        def model():
            clock.work(1.0)
            trace.timed(inner, lambda: clock.work(2.0))
            clock.work(2.0)
            return "result"
        expect(trace.timed(outer, model), "result", mistakes=[
            (None, "What the layer returned is lost. Return it.", CALLER + BEGIN + "try:\n    call()\nfinally:\n" + BOOK),
            (raising(AttributeError, "seconds"), "The stack has no row of a caller where you looked for it. Its bottom is a row for everything outside of all layers, so before you add to it there always is one.",
             BEGIN + "outer = self.stack[-2] if len(self.stack) > 2 else None\n" + TRY + BOOK)])
        expect((outer.seconds, inner.seconds), (3.0, 2.0), mistakes=[
            (lambda got: got == (5.0, 2.0) and trace.rows[None].seconds == -5.0, "The 2 s of the layer inside went off its caller's row, and were lost again when that row was set to 5 s. A row adds up: `+=`.", CALLER + BEGIN + TRY + BOOK.replace("row.seconds += elapsed", "row.seconds = elapsed")),
            ((5.0, 2.0), "The 2 s of the layer inside are in both rows. When it ends, they go off the row of whoever called it.", BEGIN + "result = call()\nrow.seconds += self.clock() - start\nself.stack.pop()\nreturn result",
             BEGIN + "try:\n    return call()\nfinally:\n    row.seconds += self.clock() - start\n    self.stack.pop()"),
            ((0.0, 0.0), "Each row lost its own time again. Whose row stands last on the stack after you have added yours? Look for the caller before that.",
             "row.calls += 1\nself.stack.append(row)\nouter = self.stack[-1]\nstart = self.clock()\n" + TRY + BOOK),
            ((-5.0, 2.0), "The time inside was taken off, and the layer's own was never added.", CALLER + BEGIN + TRY + BOOK.replace("row.seconds += elapsed", "row.seconds += 0 if row.kind == 'Sequential' else elapsed").replace("outer.seconds -= elapsed", "outer.seconds -= elapsed if outer.kind != 'Sequential' else 5")),
            ((7.0, 2.0), "The time inside was added to the caller's row once more. It must be taken off.", CALLER + BEGIN + TRY + BOOK.replace("-=", "+=")),
            ((-3.0, -2.0), "The signs are turned round: a layer's row gains its time, its caller's loses it.", CALLER + BEGIN + TRY + BOOK.replace("row.seconds += elapsed", "row.seconds -= elapsed").replace("outer.seconds -= elapsed", "outer.seconds += elapsed")),
            (lambda got: got[0] == 5.0 and got[1] == 0.0, "The layer inside lost its time, and its caller kept it. It is the other way round.", BEGIN + TRY + BOOK.replace("outer.seconds -= elapsed", "row.seconds -= elapsed if len(self.stack) > 1 else 0")),
            (lambda got: 0 <= got[0] < 0.5 and 0 <= got[1] < 0.5, "These times come from another clock. The trace has its own: `self.clock()`.", "import time\n" + CALLER + BEGIN.replace("self.clock()", "time.perf_counter()") + TRY + BOOK.replace("self.clock()", "time.perf_counter()"))])
        expect(trace.rows[None].seconds, -5.0, mistakes=[
            (0.0, "The outermost layer has a caller too: the row at the bottom of the stack, for everything outside. It loses the 5 s.", CALLER + BEGIN + TRY + BOOK.replace("outer.seconds -= elapsed", "outer.seconds -= elapsed if len(self.stack) > 1 else 0")),
            (-3.0, "The caller lost what is left in the row. It loses the whole time of this call, also what was already passed on to layers inside.",
             BEGIN + TRY + "    row.seconds += self.clock() - start\n    self.stack.pop()\n    self.stack[-1].seconds -= row.seconds"),
            (lambda got: got == -7.0, "Every layer's time was taken off the outside. The one inside belongs to its caller.", CALLER + BEGIN + TRY + BOOK + "    self.stack[0].seconds -= elapsed if len(self.stack) > 1 else 0")])
        expect((outer.calls, inner.calls, len(trace.stack)), (1, 1, 1), mistakes=[
            ((0, 0, 1), "Each call is counted in its row: `row.calls += 1` was right.", CALLER + BEGIN.replace("row.calls += 1\n", "") + TRY + BOOK),
            (lambda got: got[2] > 1, "A row was left on the stack. What is added must be taken off again.", CALLER + BEGIN + TRY + BOOK.replace("    self.stack.pop()\n", ""))])

    def two_inside_one_after_the_other():
        """Two layers inside, and one inside the second"""
        from tinytorch.perf.profiling import HandClock as ByHand
        clock = ByHand()
        trace, rows = Trace(None, clock), [Row(name, "Layer") for name in "abcd"]
        def second():
            clock.work(1.0)
            trace.timed(rows[3], lambda: clock.work(4.0))
        def model():
            trace.timed(rows[1], lambda: clock.work(2.0))
            trace.timed(rows[2], second)
            clock.work(3.0)
        trace.timed(rows[0], model)
        expect([row.seconds for row in rows], [3.0, 2.0, 1.0, 4.0], mistakes=[
            (lambda got: got[0] == -1.0, "Each layer's time was taken off the outermost one. It goes off the row of the layer that called it.", "outer = self.stack[min(1, len(self.stack) - 1)]\n" + BEGIN + TRY + BOOK),
            (lambda got: got[0] == 10.0 and trace.rows[None].seconds == -10.0, "The outermost row was set to its time, and what had gone off it before is lost. Add to it: `+=`.",
             CALLER + BEGIN + TRY + BOOK.replace("row.seconds += elapsed", "row.seconds = elapsed")),
            (lambda got: got[0] == 10.0 and trace.rows[None].seconds == 0.0, "The times of layers inside are in the rows of their callers too. Take them off.", BEGIN + TRY + "    row.seconds += self.clock() - start\n    self.stack.pop()"),
            (lambda got: got[2] == 5.0, "The time of a layer went off the wrong row: that of the outside, not that of its caller.", "outer = self.stack[0]\n" + BEGIN + TRY + BOOK)])
        expect([row.seconds for row in rows] and round(sum(row.seconds for row in rows), 9), 10.0)

    def a_layer_that_raises():
        """A layer that raises leaves the stack as it was, and its time is booked"""
        from tinytorch.perf.profiling import HandClock as ByHand
        clock = ByHand()
        trace, outer, inner = Trace(None, clock), Row("(model)", "Sequential"), Row("steps.0", "Linear")
        def fails():
            clock.work(2.0)
            raise ValueError("the layer's own error")
        def model():
            clock.work(1.0)
            trace.timed(inner, fails)
        expect_raises(ValueError, lambda: trace.timed(outer, model), mentions=["the layer's own error"], mistakes=[
            (lambda got: True, "The error must reach whoever called. Someone who profiles a model wants to hear of it.",
             CALLER + BEGIN + "try:\n    return call()\nexcept Exception as error:\n    raise RuntimeError(f'in {row.name}') from error\nfinally:\n" + BOOK),
            (None, "The error must reach whoever called, and nobody heard of it. An `except` that goes on ends it, and so does a `return` inside `finally`.",
             CALLER + BEGIN + "result = None\ntry:\n    result = call()\nexcept ValueError:\n    pass\n" + BOOK.replace("    ", "") + "return result", CALLER + BEGIN + "result = None\ntry:\n    result = call()\nfinally:\n" + BOOK + "    return result")])
        expect(len(trace.stack), 1, mistakes=[
            (lambda got: got > 1, "After the error there are still rows on the stack, and whatever is measured next goes to the wrong layer. `finally` runs in any case.",
             CALLER + BEGIN + "result = call()\n" + BOOK.replace("    ", "") + "return result",
             CALLER + BEGIN + "result = call()\nelapsed = self.clock() - start\nself.stack.pop()\nrow.seconds += elapsed\nouter.seconds -= elapsed\nreturn result")])
        calm = Row("head", "Linear")
        Trace(None, clock).timed(calm, lambda: clock.work(4.0))
        expect((outer.seconds, inner.seconds, calm.seconds), (1.0, 2.0, 4.0), mistakes=[
            (lambda got: got[2] != 4.0, "Here the row of a layer that raises nothing has not got its own time either. That comes first; the checks above say more.",
             "row.calls += 1\nself.stack.append(row)\nstart = self.clock()\n" + TRY + "    elapsed = self.clock() - start\n    row.seconds += elapsed\n    self.stack[-1].seconds -= elapsed\n    self.stack.pop()"),
            ((0.0, 0.0, 4.0), "No row has got the time until the error, and without an error it has: the booking stands outside of `finally`.", CALLER + BEGIN + "try:\n    result = call()\n    elapsed = self.clock() - start\n    row.seconds += elapsed\n    outer.seconds -= elapsed\n    return result\nfinally:\n    self.stack.pop()")])

    def an_interrupt():
        """An interrupt leaves the stack as it was, too"""
        from contextlib import suppress

        from tinytorch.perf.profiling import HandClock as ByHand
        clock = ByHand()
        trace, row = Trace(None, clock), Row("(model)", "Sequential")
        def interrupted():
            clock.work(2.0)
            raise KeyboardInterrupt
        with suppress(KeyboardInterrupt):
            trace.timed(row, interrupted)
        expect((len(trace.stack), row.seconds), (1, 2.0), mistakes=[
            (lambda got: got[0] > 1, "After an interrupt there is still a row on the stack. What stops a cell is a KeyboardInterrupt, and `except Exception` does not catch that. `finally` runs in any case.",
             CALLER + BEGIN + "try:\n    result = call()\nexcept Exception:\n" + BOOK + "    raise\n" + BOOK.replace("    ", "") + "return result")])

    def two_looks():
        """Two looks at the clock for each layer"""
        ticks = iter(range(100))
        trace, outer, inner = Trace(None, lambda: next(ticks)), Row("(model)", "Sequential"), Row("steps.0", "Linear")
        trace.timed(outer, lambda: trace.timed(inner, lambda: None))
        expect((outer.seconds, inner.seconds, next(ticks)), (2, 1, 4), mistakes=[
            (lambda got: got[2] > 4, "Two layers need four looks at the clock, and more were made. Time passes between two looks, so a row would gain one time and its caller lose another. Look once at the end, and keep the difference.",
             CALLER + BEGIN + TRY + BOOK.replace("outer.seconds -= elapsed", "outer.seconds -= self.clock() - start")),
            (lambda got: got[2] < 4, "Two layers need four looks at the clock, one before and one after each.", "return call()")])

    wrong = [
        ("return call()", "expected (3.0, 2.0)"),
        (CALLER + BEGIN + "elapsed = self.clock() - start\nself.stack.pop()\nrow.seconds += elapsed\nouter.seconds -= elapsed\nreturn call()", "expected (3.0, 2.0)"),
    ]

    right = [
        CALLER + BEGIN + TRY + BOOK,
        "row.calls += 1\nself.stack.append(row)\nstart = self.clock()\ntry:\n    result = call()\nfinally:\n    elapsed = self.clock() - start\n    self.stack.pop()\n    self.stack[-1].seconds -= elapsed\n    row.seconds += elapsed\nreturn result",
        "self.stack.append(row)\nrow.calls += 1\nbefore = self.clock()\nfor each, sign in ((row, -1), (self.stack[-2], 1)):\n    each.seconds += sign * before\ntry:\n    return call()\nfinally:\n    after = self.clock()\n    row.seconds += after\n    self.stack[-2].seconds -= after\n    del self.stack[-1]",
        "caller, began = self.stack[-1], self.clock()\nself.stack += [row]\ntry:\n    value = call()\nexcept BaseException:\n    raise\nelse:\n    return value\nfinally:\n    took = self.clock() - began\n    self.stack.remove(row)\n    row.seconds, caller.seconds, row.calls = row.seconds + took, caller.seconds - took, row.calls + 1",
    ]

