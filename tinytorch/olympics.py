"""The olympics: a model is measured, written down so that others can check it, and compared.

Built in chapter 20. Depends on `tensor`, `layers`, `profiling` and `benchmarking`, and for the file
on `tokenization`, which can write a text whole or not at all.

The file reads from top to bottom: what a submission has to look like (`SUBMISSION_SCHEMA`) and
the small validator for it, on which machine it was measured (`system_metadata`), the measuring
(`BenchmarkReport`), the submission itself (`generate_submission`), its file, and the comparison
of two.

A submission is a dict of plain values, so that it can be a JSON file. It says what was measured,
on which data (by a fingerprint of the numbers), how (samples, interval) and where (versions and
kind of machine, never a name or a path of its user).

References: JSON Schema, draft 2020-12 (the part of it that is used here); Reddi et al. 2020,
"MLPerf Inference Benchmark" (what a result has to say about itself).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tinytorch.core.layers import Layer
from tinytorch.core.tensor import Tensor, read_numbers
from tinytorch.core.tokenization import write_text
from tinytorch.perf.benchmarking import (
    BenchmarkResult,
    BenchmarkSuite,
    read_json,
    samples_needed,
    system_metadata,
)
from tinytorch.perf.profiling import (
    Clock,
    bytes_of,
    count_flops,
    count_parameters,
    in_use,
    readable_bytes,
    readable_seconds,
)

FORMAT = "tinytorch-submission"
VERSION = 1

METRIC_SCHEMA = {
    "type": "object",
    "required": ["value", "unit", "better"],
    "additionalProperties": False,
    "properties": {
        "value": {"type": "number"},
        "unit": {"type": "string", "minLength": 1},
        "better": {"enum": ["lower", "higher"]},
        "low": {"type": "number"},
        "high": {"type": "number"},
        "samples": {"type": "integer", "minimum": 1},
    },
}

SYSTEM_SCHEMA = {
    "type": "object",
    "required": ["python", "implementation", "numpy", "platform", "machine", "cores", "threads", "environment"],
    "additionalProperties": False,
    "properties": {
        "python": {"type": "string", "minLength": 1},
        "implementation": {"type": "string", "minLength": 1},
        "numpy": {"type": "string", "minLength": 1},
        "platform": {"type": "string", "minLength": 1},
        "machine": {"type": "string"},
        "cores": {"type": "integer", "minimum": 1},
        "threads": {"type": ["integer", "null"], "minimum": 1},
        "environment": {"enum": ["browser", "native"]},
    },
}

SUBMISSION_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A measured model of the TinyTorch olympics",
    "type": "object",
    "required": ["format", "version", "task", "dataset", "model", "techniques", "metrics", "system", "created"],
    "additionalProperties": False,
    "properties": {
        "format": {"const": FORMAT},
        "version": {"const": VERSION},
        "task": {"type": "string", "minLength": 1},
        "dataset": {
            "type": "object",
            "required": ["name", "examples", "fingerprint"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "examples": {"type": "integer", "minimum": 1},
                "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            },
        },
        "model": {"type": "string", "minLength": 1},
        "techniques": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "metrics": {"type": "object", "minProperties": 1, "additionalProperties": METRIC_SCHEMA},
        "system": SYSTEM_SCHEMA,
        "created": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"},
    },
}


# A validator for the keywords used above. Each check yields sentences that say what is wrong and where.


def is_number(value: Any) -> bool:
    """Return whether `value` is a number as JSON has them: no boolean, not NaN, not infinite.

    >>> is_number(0.5), is_number(True), is_number(math.nan)
    (True, False, False)
    """
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": is_number,
    "null": lambda value: value is None,
}


def check_type(value: Any, wanted: Any, schema: dict, where: str) -> Iterator[str]:
    """Yield a sentence where `value` has none of the wanted types. NaN and infinity are no numbers.

    >>> list(check_type(True, "integer", {}, "cores"))
    ['cores: expected integer, got True']
    """
    names = wanted if isinstance(wanted, list) else [wanted]
    if not any(TYPES[name](value) for name in names):
        yield f"{where}: expected {' or '.join(names)}, got {value!r:.60}"


def check_enum(value: Any, allowed: list, schema: dict, where: str) -> Iterator[str]:
    """Yield a sentence where `value` is not one of those allowed.

    >>> list(check_enum("up", ["lower", "higher"], {}, "better"))
    ["better: expected one of 'lower', 'higher', got 'up'"]
    """
    if not any(value == one and type(value) is type(one) for one in allowed):
        yield f"{where}: expected one of {', '.join(map(repr, allowed))}, got {value!r:.60}"


def check_const(value: Any, only: Any, schema: dict, where: str) -> Iterator[str]:
    """Yield a sentence where `value` is not the only one allowed.

    >>> list(check_const(2, 1, {}, "version"))
    ['version: expected one of 1, got 2']
    """
    yield from check_enum(value, [only], schema, where)


def check_required(value: Any, names: list, schema: dict, where: str) -> Iterator[str]:
    """Yield a sentence for each name that an object lacks.

    >>> list(check_required({"a": 1}, ["a", "b"], {}, "system"))
    ['system: b is missing']
    """
    if isinstance(value, dict):
        yield from (f"{where}: {name} is missing" for name in names if name not in value)


def check_properties(value: Any, properties: dict, schema: dict, where: str) -> Iterator[str]:
    """Yield what is wrong with those values of an object that have a schema of their own.

    >>> list(check_properties({"a": 1}, {"a": {"type": "string"}}, {}, "x"))
    ['x.a: expected string, got 1']
    """
    if isinstance(value, dict):
        for name, inner in properties.items():
            if name in value:
                yield from problems(value[name], inner, f"{where}.{name}")


def check_additional(value: Any, rule: Any, schema: dict, where: str) -> Iterator[str]:
    """Yield what is wrong with the values of an object that `properties` does not name.

    >>> list(check_additional({"user": "me"}, False, {}, "system"))
    ['system: user is unknown']
    """
    known = schema.get("properties", {})
    for name in [name for name in value if name not in known] if isinstance(value, dict) else []:
        if rule is False:
            yield f"{where}: {name} is unknown"
        else:
            yield from problems(value[name], rule, f"{where}.{name}")


def check_items(value: Any, inner: dict, schema: dict, where: str) -> Iterator[str]:
    """Yield what is wrong with the items of a list.

    >>> list(check_items(["a", 1], {"type": "string"}, {}, "techniques"))
    ['techniques[1]: expected string, got 1']
    """
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from problems(item, inner, f"{where}[{place}]")


def check_minimum(value: Any, least: float, schema: dict, where: str) -> Iterator[str]:
    """Yield a sentence where a number is too small.

    >>> list(check_minimum(0, 1, {}, "cores"))
    ['cores: expected at least 1, got 0']
    """
    if is_number(value) and value < least:
        yield f"{where}: expected at least {least}, got {value}"


def check_length(value: Any, least: int, schema: dict, where: str) -> Iterator[str]:
    """Yield a sentence where a text is too short.

    >>> list(check_length("", 1, {}, "task"))
    ['task: expected at least 1 characters, got 0']
    """
    if isinstance(value, str) and len(value) < least:
        yield f"{where}: expected at least {least} characters, got {len(value)}"


def check_size(value: Any, least: int, schema: dict, where: str) -> Iterator[str]:
    """Yield a sentence where an object has too few entries.

    >>> list(check_size({}, 1, {}, "metrics"))
    ['metrics: expected at least 1 entries, got 0']
    """
    if isinstance(value, dict) and len(value) < least:
        yield f"{where}: expected at least {least} entries, got {len(value)}"


def check_pattern(value: Any, pattern: str, schema: dict, where: str) -> Iterator[str]:
    """Yield a sentence where a text does not look as it should.

    >>> list(check_pattern("xyz", "^[0-9a-f]+$", {}, "fingerprint"))
    ["fingerprint: expected text like ^[0-9a-f]+$, got 'xyz'"]
    """
    import re

    if isinstance(value, str) and not re.search(pattern, value):
        yield f"{where}: expected text like {pattern}, got {value!r:.60}"


CHECKS: dict[str, Callable[..., Iterator[str]]] = {
    "type": check_type,
    "enum": check_enum,
    "const": check_const,
    "required": check_required,
    "properties": check_properties,
    "additionalProperties": check_additional,
    "items": check_items,
    "minimum": check_minimum,
    "minLength": check_length,
    "minProperties": check_size,
    "pattern": check_pattern,
}
NOTES = ("$schema", "title")  # keywords that check nothing


def problems(value: Any, schema: dict, where: str = "submission") -> Iterator[str]:
    """Yield a sentence for everything in `value`, as json.load returns it, that does not fit a schema.

    Parameters
    ----------
    schema : dict, JSON Schema with the keywords of CHECKS
    where : str, the path so far, for the sentences

    Raises
    ------
    ValueError: the schema has a keyword that is not checked here, and ignoring it would be a lie.

    >>> list(problems({"cores": 0}, SYSTEM_SCHEMA))[-1]
    'submission.cores: expected at least 1, got 0'
    """
    for keyword, rule in schema.items():
        if keyword in NOTES:
            continue
        if keyword not in CHECKS:
            raise ValueError(f"problems: the schema's keyword {keyword!r} is not checked here; use {', '.join(CHECKS)}")
        yield from CHECKS[keyword](value, rule, schema, where)


def interval_problems(submission: dict) -> Iterator[str]:
    """Yield a sentence for each metric whose interval has one end only, or does not hold its value.

    A schema cannot say this: it looks at one value at a time.

    >>> list(interval_problems({"metrics": {"latency": {"value": 3, "low": 1, "high": 2}}}))
    ['submission.metrics.latency: the interval 1 to 2 does not hold the value 3']
    """
    for name, entry in submission["metrics"].items():
        where = f"submission.metrics.{name}"
        if ("low" in entry) != ("high" in entry):
            yield f"{where}: an interval needs both low and high"
        elif "low" in entry and not entry["low"] <= entry["value"] <= entry["high"]:
            interval = f"{entry['low']} to {entry['high']}"
            yield f"{where}: the interval {interval} does not hold the value {entry['value']}"


def validate_submission(submission: Any) -> None:
    """Raise where a submission is not as SUBMISSION_SCHEMA wants it.

    Raises
    ------
    ValueError: names everything that is wrong, a line each ("validate_submission: 2 problems …").

    >>> validate_submission({})
    Traceback (most recent call last):
        ...
    ValueError: validate_submission: 9 problems
      submission: format is missing
      submission: version is missing
      submission: task is missing
      submission: dataset is missing
      submission: model is missing
      submission: techniques is missing
      submission: metrics is missing
      submission: system is missing
      submission: created is missing
    """
    found = list(problems(submission, SUBMISSION_SCHEMA))
    if not found:
        found = list(interval_problems(submission))
    if found:
        count = f"{len(found)} problem{'s' if len(found) > 1 else ''}"
        raise ValueError("\n  ".join([f"validate_submission: {count}", *found]))


# Where and on what it was measured.


def fingerprint(*arrays: Any) -> str:
    """Return 16 hexadecimal digits that depend on every number, shape and kind of number of some arrays.

    All machines give the same: integers count as 64 bits, which is not everyone's default, low byte first.

    Parameters
    ----------
    arrays : Tensors, ndarrays or lists

    >>> import numpy as np
    >>> fingerprint([1, 2]) == fingerprint(np.array([1, 2])), fingerprint([1, 2]) == fingerprint([2, 1])
    (True, False)
    """
    import hashlib

    digest = hashlib.sha256()
    for array in map(read_numbers, arrays):
        array = array.astype("<i8" if array.dtype.kind in "iub" else array.dtype.newbyteorder("<"))
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


# Measuring.


def metric(result: BenchmarkResult | float, unit: str, better: str) -> dict[str, Any]:
    """Return the entry of a submission for one metric.

    Parameters
    ----------
    result : BenchmarkResult, which gives value, interval (where there are samples enough) and
        number of samples; or a number that is exact
    better : "lower" or "higher"

    >>> metric(40, "bytes", "lower")
    {'value': 40, 'unit': 'bytes', 'better': 'lower'}
    """
    if not isinstance(result, BenchmarkResult):
        return {"value": result, "unit": unit, "better": better}
    entry = {"value": result.value, "unit": unit, "better": better, "samples": len(result.samples)}
    if len(result.samples) >= samples_needed(0.95):
        low, high = result.confidence_interval()
        entry.update(low=min(low, result.value), high=max(high, result.value))
    return entry


class BenchmarkReport:
    """Everything that is measured of one model on one task.

    Parameters
    ----------
    task, dataset, model_name : str, names that are not empty (else ValueError), such as "digits"

    Attributes
    ----------
    metrics : dict of str to metric, empty at first
    examples : int; data_fingerprint : str; both of the data that was measured on

    >>> import numpy as np
    >>> from tinytorch.core.layers import Linear
    >>> report = BenchmarkReport("parity", "bits", "one layer")
    >>> report.measure(Linear(4, 2, rng=0), np.ones((8, 4), np.float32), np.zeros(8, int), repeats=6)
    >>> sorted(report.metrics)
    ['accuracy', 'bytes', 'flops', 'latency', 'parameters', 'throughput']
    """

    def __init__(self, task: str, dataset: str, model_name: str) -> None:
        for argument, value in {"task": task, "dataset": dataset, "model_name": model_name}.items():
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"BenchmarkReport: {argument} is {value!r}; give it a name")
        self.task = task
        self.dataset = dataset
        self.model_name = model_name
        self.metrics: dict[str, dict[str, Any]] = {}
        self.examples = 0
        self.data_fingerprint = ""

    def measure(
        self,
        model: Layer,
        inputs: Any,
        targets: Any,
        warmup: int = 3,
        repeats: int = 20,
        clock: Clock = time.perf_counter,
    ) -> None:
        """Measure accuracy, latency, throughput, FLOPs, parameters and bytes on all examples at once.

        The model runs in eval mode, and has its own mode again afterwards.

        Parameters
        ----------
        model : Layer that returns logits (N, C)
        inputs : Tensor or ndarray of shape (N, …)
        targets : Tensor, ndarray or list of N integers
        warmup, repeats, clock : as for `Benchmark`

        Raises
        ------
        ValueError, TypeError: as `BenchmarkSuite`; nothing is changed then.
        """
        inputs = inputs if isinstance(inputs, Tensor) else Tensor(inputs)
        suite = BenchmarkSuite({self.model_name: model}, inputs, targets, warmup, repeats, clock)
        results = suite.run()[self.model_name]
        rates = [len(inputs) / seconds for seconds in results["latency"].samples]
        with in_use(model):
            flops = count_flops(model, inputs)
        self.metrics = {
            "accuracy": metric(results["accuracy"], "fraction", "higher"),
            "latency": metric(results["latency"], "s", "lower"),
            "throughput": metric(BenchmarkResult("throughput", rates), "examples/s", "higher"),
            "flops": metric(flops, "FLOPs", "lower"),
            "parameters": metric(count_parameters(model), "parameters", "lower"),
            "bytes": metric(bytes_of(model.state_arrays()), "bytes", "lower"),
        }
        self.examples = len(inputs)
        self.data_fingerprint = fingerprint(inputs, targets)

    def __str__(self) -> str:
        """Return a line for the model and one for each metric."""
        lines = [f"{self.model_name} on {self.dataset} ({self.task}), {self.examples} examples"]
        lines += [f"  {name:<11} {show_metric(entry)}" for name, entry in self.metrics.items()]
        return "\n".join(lines)


def show_metric(entry: dict[str, Any]) -> str:
    """Return a metric as text, with its interval where it has one.

    >>> show_metric({"value": 0.002, "unit": "s", "low": 0.001, "high": 0.003, "better": "lower"})
    '2 ms (1 ms to 3 ms)'
    """

    def show(value: float) -> str:
        known = {"s": readable_seconds, "bytes": readable_bytes}.get(entry["unit"])
        digits = "," if isinstance(value, int) else ",.6g"
        return known(value) if known else f"{value:{digits}} {entry['unit']}"

    interval = f" ({show(entry['low'])} to {show(entry['high'])})" if "low" in entry else ""
    return show(entry["value"]) + interval


# The submission, and its file.


def generate_submission(report: BenchmarkReport, techniques: Any = (), created: str | None = None) -> dict[str, Any]:
    """Return the submission of a report: a dict that fits SUBMISSION_SCHEMA.

    Parameters
    ----------
    report : BenchmarkReport that has measured
    techniques : sequence of str, what was done to the model, such as "int8" or "pruned 50 %"
    created : str, the time in UTC such as "2026-01-31T12:00:00Z"; None for now

    Raises
    ------
    ValueError: nothing was measured, or an argument does not fit the schema.

    >>> generate_submission(BenchmarkReport("parity", "bits", "empty"))
    Traceback (most recent call last):
        ...
    ValueError: generate_submission: the report of empty holds no metrics; call its measure() first
    """
    if not report.metrics:
        raise ValueError(
            f"generate_submission: the report of {report.model_name} holds no metrics; call its measure() first"
        )
    submission = {
        "format": FORMAT,
        "version": VERSION,
        "task": report.task,
        "dataset": {"name": report.dataset, "examples": report.examples, "fingerprint": report.data_fingerprint},
        "model": report.model_name,
        "techniques": [techniques] if isinstance(techniques, str) else list(techniques),
        "metrics": {name: dict(entry) for name, entry in report.metrics.items()},
        "system": system_metadata(),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) if created is None else created,
    }
    validate_submission(submission)
    return submission


def save_submission(submission: dict[str, Any], path: str | os.PathLike) -> None:
    """Write a submission, as `generate_submission` returns it, to a JSON file: all of it, or nothing.

    It is written beside the file first and then takes its place.

    Raises
    ------
    ValueError: it does not fit the schema; nothing is written.
    OSError: the folder does not exist or cannot be written to.
    """
    import json

    validate_submission(submission)
    write_text(path, json.dumps(submission, indent=2) + "\n")


def load_submission(path: str | os.PathLike) -> dict[str, Any]:
    """Return the submission in a file.

    Raises
    ------
    FileNotFoundError: there is no such file.
    ValueError: it holds no JSON, or no submission ("load_submission: …", "validate_submission: …").
    """
    submission = read_json("load_submission", path, "save_submission")
    validate_submission(submission)
    return submission


# Comparing two.


@dataclass(frozen=True)
class MetricChange:
    """How one metric changed from a baseline to a candidate.

    Attributes
    ----------
    improvement : float, above 1 is better: 2 is half the time, or twice the accuracy; None where it
        cannot be said
    verdict : "better", "worse", "same", "no difference shown" (the intervals overlap, or a
        result has too few samples for one), or "not comparable" (a time, measured on another kind of machine)

    >>> print(MetricChange("latency", 0.004, 0.002, 2.0, "better"))
    latency: 0.004 -> 0.002, 2.00x: better
    """

    name: str
    before: float
    after: float
    improvement: float | None
    verdict: str

    def __str__(self) -> str:
        """Return one line."""
        ratio = "" if self.improvement is None else f", {self.improvement:.2f}x"
        return f"{self.name}: {self.before:.6g} -> {self.after:.6g}{ratio}: {self.verdict}"


@dataclass(frozen=True)
class SubmissionComparison:
    """Two submissions side by side.

    Attributes
    ----------
    baseline, candidate : str, the models' names
    changes : dict of str to MetricChange, for each metric that both have
    missing : tuple of str, metrics that only one of them has
    same_system : bool; False leaves times uncompared
    """

    baseline: str
    candidate: str
    changes: dict[str, MetricChange]
    missing: tuple[str, ...]
    same_system: bool

    def __str__(self) -> str:
        """Return a line for the pair, and one for each metric."""
        lines = [f"{self.candidate} against {self.baseline}"]
        lines += [f"  {change}" for change in self.changes.values()]
        lines += [f"  {name}: only one of the two has it" for name in self.missing]
        return "\n".join(lines)


def compare_submissions(baseline: dict[str, Any], candidate: dict[str, Any]) -> SubmissionComparison:
    """Return which metrics a candidate improved over a baseline, and by how much.

    Both are dicts, as `generate_submission` or `load_submission` return them.

    Raises
    ------
    ValueError: one of them is invalid, or task, dataset or the data itself differ: then no
        number of one says anything about the other ("compare_submissions: …").
    """
    validate_submission(baseline)
    validate_submission(candidate)
    check_same_contest(baseline, candidate)
    same_system = baseline["system"] == candidate["system"]
    ours, theirs = baseline["metrics"], candidate["metrics"]
    changes = {name: metric_change(name, ours[name], theirs[name], same_system) for name in ours if name in theirs}
    missing = tuple(name for name in {**ours, **theirs} if name not in changes)
    return SubmissionComparison(baseline["model"], candidate["model"], changes, missing, same_system)


def check_same_contest(baseline: dict[str, Any], candidate: dict[str, Any]) -> None:
    """Raise ValueError where two submissions are about different things."""
    pairs = {"task": (baseline["task"], candidate["task"])}
    for part in ("name", "examples", "fingerprint"):
        pairs[f"dataset.{part}"] = baseline["dataset"][part], candidate["dataset"][part]
    for part, (ours, theirs) in pairs.items():
        if ours != theirs:
            raise ValueError(
                f"compare_submissions: {part} is {ours!r} in one and {theirs!r} in the other; "
                "measure both on the same data"
            )


def metric_change(name: str, before: dict[str, Any], after: dict[str, Any], same_system: bool) -> MetricChange:
    """Return how one metric changed.

    Raises
    ------
    ValueError: the two are in different units, or want different directions.

    >>> metric_change("bytes", metric(400, "bytes", "lower"), metric(100, "bytes", "lower"), True).improvement
    4.0
    """
    for part in ("unit", "better"):
        if before[part] != after[part]:
            raise ValueError(
                f"compare_submissions: {name} has {part} {before[part]!r} in one and "
                f"{after[part]!r} in the other; a ratio needs the same"
            )
    timed = before["unit"] == "s" or before["unit"].endswith("/s")
    if timed and not same_system:
        return MetricChange(name, before["value"], after["value"], None, "not comparable")
    small, large = (after, before) if before["better"] == "lower" else (before, after)
    improvement = large["value"] / small["value"] if small["value"] else None
    return MetricChange(name, before["value"], after["value"], improvement, verdict_of(small, large))


def verdict_of(small: dict[str, Any], large: dict[str, Any]) -> str:
    """Return the verdict on a pair of which the second should be the larger one if something improved.

    >>> verdict_of({"value": 1, "low": 0.9, "high": 1.1}, {"value": 2, "low": 1.8, "high": 2.2})
    'better'
    """
    if small["value"] == large["value"]:
        return "same"
    if any("samples" in entry and "low" not in entry for entry in (small, large)):
        return "no difference shown"  # measured, but too seldom to say how sure it is
    if large.get("low", large["value"]) > small.get("high", small["value"]):
        return "better"
    if large.get("high", large["value"]) < small.get("low", small["value"]):
        return "worse"
    return "no difference shown"
