"""A submission fits its schema, keeps its file whole, names no user, and is compared only with its like."""

import copy
import dataclasses
import json
import os
import platform

import numpy as np
import pytest

from tinytorch import Tensor
from tinytorch import olympics as module
from tinytorch.core.layers import Dropout, Layer, Linear, Sequential
from tinytorch.olympics import (
    SUBMISSION_SCHEMA,
    BenchmarkReport,
    MetricChange,
    compare_submissions,
    fingerprint,
    generate_submission,
    load_submission,
    metric,
    metric_change,
    problems,
    save_submission,
    show_metric,
    system_metadata,
    validate_submission,
    verdict_of,
)
from tinytorch.perf.benchmarking import BenchmarkResult
from tinytorch.perf.profiling import count_flops, count_parameters

WHEN = "2026-01-31T12:00:00Z"
X = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)


class Slow(Layer):
    """A Linear layer that takes a given time on the test's clock."""

    def __init__(self, seconds):
        self.fc, self.seconds, self.now = Linear(3, 2, rng=0), seconds, 0.0

    def forward(self, x):
        self.now += self.seconds
        return self.fc(x)


def labels():
    return Linear(3, 2, rng=0)(Tensor(X)).data.argmax(axis=1)


def measured(seconds=0.5, name="model", targets=None):
    model = Slow(seconds)
    report = BenchmarkReport("digits", "TinyDigits", name)
    report.measure(model, X, labels() if targets is None else targets, repeats=8, clock=lambda: model.now)
    return report


@pytest.fixture
def submission():
    return generate_submission(measured(), ["int8"], WHEN)


def changed(submission, path, value):
    """Return a copy in which the entry at a path is another; `None` in place of a value takes it away."""
    submission = copy.deepcopy(submission)
    *way, last = path
    inner = submission
    for step in way:
        inner = inner[step]
    if value is DELETE:
        del inner[last]
    else:
        inner[last] = value
    return submission


DELETE = object()


def test_results_are_not_changed_afterwards():
    results = [
        value
        for value in vars(module).values()
        if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    ]
    assert results and all(value.__dataclass_params__.frozen for value in results)


# Measuring


def test_a_report_measures_everything():
    report = measured()
    values = {name: entry["value"] for name, entry in report.metrics.items()}
    model = Slow(1.0)
    assert values == {
        "accuracy": 1.0,
        "latency": 0.5,
        "throughput": 16.0,
        "flops": count_flops(model, X),
        "parameters": count_parameters(model),
        "bytes": 32,
    }
    assert values["flops"] == 8 * (12 + 2) and values["parameters"] == 8
    assert {name: (entry["unit"], entry["better"]) for name, entry in report.metrics.items()} == {
        "accuracy": ("fraction", "higher"),
        "latency": ("s", "lower"),
        "throughput": ("examples/s", "higher"),
        "flops": ("FLOPs", "lower"),
        "parameters": ("parameters", "lower"),
        "bytes": ("bytes", "lower"),
    }
    assert report.examples == 8 and report.data_fingerprint == fingerprint(X, labels())
    assert report.metrics["latency"] == {
        "value": 0.5,
        "unit": "s",
        "better": "lower",
        "samples": 8,
        "low": 0.5,
        "high": 0.5,
    }
    assert measured(targets=1 - labels()).metrics["accuracy"]["value"] == 0.0
    lines = str(report).split("\n")
    assert lines[0] == "model on TinyDigits (digits), 8 examples" and lines[2].split() == [
        "latency",
        "500",
        "ms",
        "(500",
        "ms",
        "to",
        "500",
        "ms)",
    ]


def test_a_report_takes_tensors_and_counts_its_rounds():
    report, model, looks = BenchmarkReport("t", "d", "m"), Linear(3, 2), []

    def clock():
        looks.append(len(looks))
        return float(len(looks))

    report.measure(model, Tensor(X), Tensor(np.zeros(8, np.int64)), warmup=0, repeats=3, clock=clock)
    assert (
        report.metrics["latency"]["samples"] == 3 and len(looks) == 2 + 2 * 3 and "low" not in report.metrics["latency"]
    )


def test_a_report_makes_20_samples_after_3_runs_of_warmup():
    report, model = BenchmarkReport("t", "d", "m"), Slow(0.5)
    report.measure(model, X, labels(), clock=lambda: model.now)
    assert report.metrics["latency"]["samples"] == 20
    assert model.now == 0.5 * (1 + 3 + 1 + 20 + 1)  # accuracy, warm-up, the clock, samples, FLOPs


def test_a_measurement_that_fails_changes_nothing():
    report = measured()
    before = dict(report.metrics)
    with pytest.raises(ValueError, match="Linear: x has shape"):
        report.measure(Linear(4, 2), X, labels())
    with pytest.raises(ValueError, match="correctness: logits of shape"):
        report.measure(Linear(3, 2), X, [0, 1])
    assert report.metrics == before and report.examples == 8


@pytest.mark.parametrize("argument", ["task", "dataset", "model_name"])
@pytest.mark.parametrize("value", ["", "  ", None, 3])
def test_a_report_needs_names(argument, value):
    names = {"task": "t", "dataset": "d", "model_name": "m", argument: value}
    with pytest.raises(ValueError, match=f"BenchmarkReport: {argument} is .*; give it a name"):
        BenchmarkReport(**names)


def test_a_metric_has_an_interval_where_there_are_samples_enough():
    assert metric(3, "bytes", "lower") == {"value": 3, "unit": "bytes", "better": "lower"}
    five = metric(BenchmarkResult("x", [1.0] * 5), "s", "lower")
    assert five == {"value": 1.0, "unit": "s", "better": "lower", "samples": 5}
    six = metric(BenchmarkResult("x", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), "s", "lower")
    assert six["low"] <= 2.0 < six["value"] == 3.5 < 5.0 <= six["high"] and six["samples"] == 6


def test_the_fingerprint_depends_on_everything_and_on_nothing_else():
    a = np.arange(6, dtype=np.float32)
    prints = [
        fingerprint(a),
        fingerprint(a.reshape(2, 3)),
        fingerprint(a.astype(np.float64)),
        fingerprint(a[::-1]),
        fingerprint(a, a),
        fingerprint(a + 1),
    ]
    assert len(set(prints)) == 6 and all(len(text) == 16 and int(text, 16) >= 0 for text in prints)
    assert fingerprint(Tensor(a)) == prints[0] == fingerprint(np.repeat(a, 2)[::2])


def test_the_system_names_versions_and_no_user():
    system = system_metadata()
    assert system["numpy"] == np.__version__ and system["environment"] in ("native", "browser") and system["cores"] >= 1
    values = set(map(str, system.values()))
    private = {os.environ.get(name) for name in ("USER", "LOGNAME", "HOME", "HOSTNAME")} | {
        platform.node(),
        os.getcwd(),
    }
    assert not values & (private - {None, ""})


@pytest.mark.parametrize(
    "setting, threads", [("1", 1), ("4", 4), ("", None), ("0", None), ("many", None), ("-1", None)]
)
def test_the_number_of_threads_is_that_of_the_setting(monkeypatch, setting, threads):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", setting)
    assert system_metadata()["threads"] == threads
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    assert system_metadata()["threads"] is None


def test_the_browser_is_known_by_its_platform(monkeypatch):
    import sys

    monkeypatch.setattr(sys, "platform", "emscripten")
    assert system_metadata()["environment"] == "browser"
    monkeypatch.setattr(sys, "platform", "linux")
    assert system_metadata()["environment"] == "native"
    for system, shown in (("Plan9", "Plan9"), ("", "linux")):
        monkeypatch.setattr(platform, "system", lambda system=system: system)
        assert system_metadata()["platform"] == shown
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert system_metadata()["cores"] == 1


# The submission


def test_a_submission_says_all_there_is(submission):
    assert list(submission) == SUBMISSION_SCHEMA["required"]
    assert submission["format"] == "tinytorch-submission" and submission["version"] == 1
    assert submission["dataset"] == {"name": "TinyDigits", "examples": 8, "fingerprint": fingerprint(X, labels())}
    assert (submission["task"], submission["model"], submission["techniques"]) == ("digits", "model", ["int8"])
    assert submission["created"] == WHEN and submission["system"] == system_metadata()
    assert json.loads(json.dumps(submission)) == submission
    assert generate_submission(measured(), "int8")["techniques"] == ["int8"]
    assert generate_submission(measured())["techniques"] == []
    assert generate_submission(measured(), ("a", "b"))["techniques"] == ["a", "b"]


def test_the_time_is_now_in_utc_where_none_is_given():
    import datetime

    created = datetime.datetime.strptime(generate_submission(measured())["created"], "%Y-%m-%dT%H:%M:%SZ")
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    assert abs((now - created).total_seconds()) < 600


def test_a_submission_is_no_longer_the_report(submission):
    report = measured()
    submission = generate_submission(report)
    submission["metrics"]["latency"]["value"] = 7.0
    assert report.metrics["latency"]["value"] == 0.5


def test_submissions_that_cannot_be_made():
    with pytest.raises(ValueError, match="the report of m holds no metrics; call its measure"):
        generate_submission(BenchmarkReport("t", "d", "m"))
    with pytest.raises(ValueError, match=r"submission.techniques\[0\]: expected string, got 3"):
        generate_submission(measured(), [3])
    with pytest.raises(ValueError, match=r"submission.created: expected text like"):
        generate_submission(measured(), created="yesterday")


# The schema

WRONG = [
    (["format"], "other", "submission.format: expected one of 'tinytorch-submission', got 'other'"),
    (["version"], 2, "submission.version: expected one of 1, got 2"),
    (["version"], True, "submission.version: expected one of 1, got True"),
    (["version"], 1.0, "submission.version: expected one of 1, got 1.0"),
    (["task"], "", "submission.task: expected at least 1 characters, got 0"),
    (["task"], 3, "submission.task: expected string, got 3"),
    (["model"], DELETE, "submission: model is missing"),
    (["extra"], 1, "submission: extra is unknown"),
    (["dataset"], [], "submission.dataset: expected object, got []"),
    (["dataset", "examples"], 0, "submission.dataset.examples: expected at least 1, got 0"),
    (["dataset", "examples"], 1.5, "submission.dataset.examples: expected integer, got 1.5"),
    (["dataset", "fingerprint"], "0" * 15, "submission.dataset.fingerprint: expected text like"),
    (["dataset", "fingerprint"], "0" * 17, "submission.dataset.fingerprint: expected text like"),
    (["dataset", "path"], "x", "submission.dataset: path is unknown"),
    (["techniques"], "int8", "submission.techniques: expected array, got 'int8'"),
    (["techniques"], ["ok", ""], "submission.techniques[1]: expected at least 1 characters, got 0"),
    (["metrics"], {}, "submission.metrics: expected at least 1 entries, got 0"),
    (["metrics", "latency", "value"], "fast", "submission.metrics.latency.value: expected number, got 'fast'"),
    (["metrics", "latency", "value"], float("nan"), "submission.metrics.latency.value: expected number, got nan"),
    (["metrics", "latency", "value"], float("inf"), "submission.metrics.latency.value: expected number, got inf"),
    (["metrics", "latency", "value"], True, "submission.metrics.latency.value: expected number, got True"),
    (
        ["metrics", "latency", "better"],
        "up",
        "submission.metrics.latency.better: expected one of 'lower', 'higher', got 'up'",
    ),
    (["metrics", "latency", "unit"], DELETE, "submission.metrics.latency: unit is missing"),
    (["metrics", "latency", "samples"], 0, "submission.metrics.latency.samples: expected at least 1, got 0"),
    (["metrics", "latency", "note"], "x", "submission.metrics.latency: note is unknown"),
    (["metrics", "latency", "low"], DELETE, "submission.metrics.latency: an interval needs both low and high"),
    (["metrics", "latency", "high"], DELETE, "submission.metrics.latency: an interval needs both low and high"),
    (
        ["metrics", "latency", "low"],
        0.6,
        "submission.metrics.latency: the interval 0.6 to 0.5 does not hold the value 0.5",
    ),
    (
        ["metrics", "latency", "high"],
        0.4,
        "submission.metrics.latency: the interval 0.5 to 0.4 does not hold the value 0.5",
    ),
    (["system", "user"], "me", "submission.system: user is unknown"),
    (["system", "cores"], 0, "submission.system.cores: expected at least 1, got 0"),
    (["system", "threads"], "1", "submission.system.threads: expected integer or null, got '1'"),
    (["system", "environment"], "cloud", "submission.system.environment: expected one of 'browser', 'native'"),
    (["created"], "2026-01-31", "submission.created: expected text like"),
    (["created"], WHEN + " ", "submission.created: expected text like"),
]


@pytest.mark.parametrize(
    "path, value, sentence", WRONG, ids=lambda part: None if not isinstance(part, list) else ".".join(part)
)
def test_what_does_not_fit_is_named_with_its_place(submission, path, value, sentence):
    with pytest.raises(ValueError) as caught:
        validate_submission(changed(submission, path, value))
    lines = str(caught.value).split("\n")
    assert lines[0] == "validate_submission: 1 problem" and len(lines) == 2
    assert lines[1].startswith("  " + sentence)


RIGHT = [
    (["techniques"], []),
    (["system", "threads"], None),
    (["system", "threads"], 1),
    (["system", "machine"], ""),
    (["metrics", "latency", "samples"], 1),
    (["metrics", "latency", "low"], 0.5),
    (["metrics", "latency", "value"], 0.5),
    (["metrics", "latency", "low"], 0),
    (["metrics", "mine"], {"value": -1, "unit": "points", "better": "higher"}),
    (["metrics", "latency"], {"value": 3, "unit": "s", "better": "lower"}),
    (["metrics"], {"only": {"value": 3, "unit": "x", "better": "lower"}}),
    (["dataset", "examples"], 1),
    (["system", "cores"], 1),
]


@pytest.mark.parametrize("path, value", RIGHT, ids=lambda part: None if not isinstance(part, list) else ".".join(part))
def test_what_fits_passes(submission, path, value):
    validate_submission(changed(submission, path, value))


@pytest.mark.jsonschema
def test_the_validator_agrees_with_a_full_one(submission):
    jsonschema = pytest.importorskip("jsonschema")
    full = jsonschema.Draft202012Validator(SUBMISSION_SCHEMA)
    full.check_schema(SUBMISSION_SCHEMA)
    assert full.is_valid(submission)
    for path, value, sentence in WRONG:
        other = changed(submission, path, value)
        # Beyond JSON Schema: intervals, NaN and infinity, which no JSON file holds, and 1.0 as a version.
        if "interval" not in sentence and "nan" not in sentence and "inf" not in sentence and "1.0" not in sentence:
            assert not full.is_valid(other), sentence
    for path, value in RIGHT:
        assert full.is_valid(changed(submission, path, value))


def test_several_problems_are_named_at_once(submission):
    broken = changed(changed(submission, ["task"], 3), ["version"], 5)
    with pytest.raises(ValueError, match=r"validate_submission: 2 problems\n.*version.*\n.*task"):
        validate_submission(broken)
    for nothing in (None, [], "x"):
        with pytest.raises(ValueError, match="1 problem\n  submission: expected object, got"):
            validate_submission(nothing)


def test_a_keyword_that_is_not_checked_is_no_schema():
    with pytest.raises(ValueError, match="keyword 'maxLength' is not checked here"):
        list(problems("x", {"maxLength": 3}))
    assert list(problems(3, {"title": "x", "$schema": "y"})) == []


def test_checks_of_another_kind_of_value_are_silent():
    rules = {"required": ["a"], "properties": {"a": {}}, "additionalProperties": False, "minProperties": 1}
    for value in (3, "x", [1], None):
        assert list(problems(value, rules)) == []
    assert list(problems({}, {"items": {"type": "string"}, "minLength": 1, "pattern": "a", "minimum": 3})) == []
    assert list(problems(True, {"minimum": 3})) == []
    assert list(problems({"b": 1}, {"additionalProperties": {"type": "string"}}, "x")) == [
        "x.b: expected string, got 1"
    ]


# The file


def test_a_submission_survives_its_file(submission, tmp_path):
    path = tmp_path / "run.json"
    save_submission(submission, path)
    assert load_submission(path) == load_submission(str(path)) == submission
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n") and text.startswith('{\n  "format": "tinytorch-submission"')
    assert os.listdir(tmp_path) == ["run.json"]


def test_a_failed_write_leaves_the_earlier_file(submission, tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    save_submission(submission, path)
    later = changed(submission, ["task"], "later")

    def fails(*arguments):
        raise OSError("disk full")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fails)
            with pytest.raises(OSError, match="disk full"):
                save_submission(later, path)
        assert load_submission(path) == submission and os.listdir(tmp_path) == ["run.json"]
    with pytest.raises(ValueError, match="task: expected string"):
        save_submission(changed(submission, ["task"], 3), path)
    assert load_submission(path) == submission
    save_submission(later, path)
    assert load_submission(path)["task"] == "later"
    with pytest.raises(FileNotFoundError):
        save_submission(submission, tmp_path / "nowhere" / "run.json")


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", "load_submission: run.json holds no JSON"),
        (b"{", "holds no JSON"),
        (b"\xff\xfe", "holds no JSON"),
        (b"[]", "validate_submission: 1 problem"),
        (b'{"format": "x"}', "validate_submission: 9 problems"),
    ],
)
def test_files_that_hold_no_submission(content, sentence, tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=sentence) as caught:
        load_submission(path)
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        load_submission(tmp_path / "missing.json")


# Two submissions


def entry(value, low=None, high=None, better="lower", unit="bytes"):
    found = {"value": value, "unit": unit, "better": better}
    return found if low is None else {**found, "low": low, "high": high}


CHANGES = [
    (entry(400), entry(100), 4.0, "better"),
    (entry(100), entry(400), 0.25, "worse"),
    (entry(100), entry(100), 1.0, "same"),
    (entry(0.5, better="higher"), entry(0.75, better="higher"), 1.5, "better"),
    (entry(0.8, better="higher"), entry(0.4, better="higher"), 0.5, "worse"),
    (entry(4, 3, 5), entry(2, 1, 2.5), 2.0, "better"),
    (entry(4, 3, 5), entry(2, 1, 3), 2.0, "no difference shown"),
    (entry(4, 3, 5), entry(8, 5, 9), 0.5, "no difference shown"),
    (entry(4, 3, 5), entry(8, 6, 9), 0.5, "worse"),
    (entry(4, 3, 5, "higher"), entry(8, 6, 9, "higher"), 2.0, "better"),
    (entry(4, 3, 5, "higher"), entry(2, 1, 2.5, "higher"), 0.5, "worse"),
    (entry(4, 3, 5), entry(2), 2.0, "better"),
    (entry(4), entry(3, 2, 4), 4 / 3, "no difference shown"),
    (entry(4, 3, 5), entry(4, 1, 9), 1.0, "same"),
    (entry(5), entry(0), None, "better"),
    (entry(0), entry(5), 0.0, "worse"),
    (entry(0), entry(0), None, "same"),
]


@pytest.mark.parametrize("before, after, improvement, verdict", CHANGES)
def test_how_a_metric_changed(before, after, improvement, verdict):
    change = metric_change("m", before, after, same_system=True)
    assert change == MetricChange("m", before["value"], after["value"], improvement, verdict)


def test_times_of_different_systems_are_not_compared():
    for unit in ("s", "examples/s"):
        change = metric_change("latency", entry(4, unit=unit), entry(2, unit=unit), same_system=False)
        assert (change.improvement, change.verdict) == (None, "not comparable")
        assert metric_change("latency", entry(4, unit=unit), entry(2, unit=unit), same_system=True).improvement == 2.0
    assert metric_change("bytes", entry(4), entry(2), same_system=False).improvement == 2.0
    assert str(MetricChange("latency", 4.0, 2.0, None, "not comparable")) == "latency: 4 -> 2: not comparable"


def test_metrics_of_different_kinds_are_refused():
    with pytest.raises(ValueError, match="bytes has unit 'bytes' in one and 's' in the other"):
        metric_change("bytes", entry(1), entry(1, unit="s"), True)
    with pytest.raises(ValueError, match="x has better 'lower' in one and 'higher' in the other"):
        metric_change("x", entry(1), entry(1, better="higher"), True)


def test_verdicts_at_the_edge():
    assert verdict_of(entry(1, 0, 2), entry(3, 2, 4)) == "no difference shown"
    assert verdict_of(entry(1, 0, 2), entry(3, 2.001, 4)) == "better"
    assert verdict_of(entry(3, 2, 4), entry(1, 0, 2)) == "no difference shown"
    assert verdict_of(entry(3, 2, 4), entry(1, 0, 1.999)) == "worse"


def test_two_submissions_side_by_side(submission):
    faster = generate_submission(measured(0.25, "small"), ["int8", "pruned"], WHEN)
    found = compare_submissions(submission, faster)
    assert (found.baseline, found.candidate, found.same_system, found.missing) == ("model", "small", True, ())
    assert found.changes["latency"] == MetricChange("latency", 0.5, 0.25, 2.0, "better")
    assert found.changes["throughput"] == MetricChange("throughput", 16.0, 32.0, 2.0, "better")
    assert found.changes["bytes"].verdict == found.changes["accuracy"].verdict == "same"
    assert list(found.changes) == list(submission["metrics"])
    lines = str(found).split("\n")
    assert lines[0] == "small against model" and "  latency: 0.5 -> 0.25, 2.00x: better" in lines


def test_another_system_leaves_times_out_and_a_metric_of_one_is_named(submission):
    other = changed(changed(submission, ["system", "cores"], 64), ["metrics", "mine"], entry(1))
    other = changed(other, ["metrics", "flops"], DELETE)
    found = compare_submissions(submission, other)
    assert not found.same_system and found.changes["latency"].verdict == "not comparable"
    assert found.changes["accuracy"].verdict == "same" and set(found.missing) == {"mine", "flops"}
    assert "  mine: only one of the two has it" in str(found)


@pytest.mark.parametrize(
    "path, value, name",
    [
        (["task"], "words", "task is 'digits' in one and 'words'"),
        (["dataset", "name"], "Other", "dataset.name is"),
        (["dataset", "examples"], 9, "dataset.examples is 8"),
        (["dataset", "fingerprint"], "f" * 16, "dataset.fingerprint is"),
    ],
)
def test_different_contests_are_refused(submission, path, value, name):
    with pytest.raises(ValueError, match=f"compare_submissions: {name}.*measure both on the same data"):
        compare_submissions(submission, changed(submission, path, value))


def test_invalid_submissions_are_refused(submission):
    broken = changed(submission, ["task"], 3)
    for pair in ((broken, submission), (submission, broken)):
        with pytest.raises(ValueError, match="validate_submission: 1 problem"):
            compare_submissions(*pair)


def test_metrics_in_words():
    assert show_metric(entry(1500)) == "1.5 kB" and show_metric(entry(0.25, unit="s")) == "250 ms"
    assert show_metric(entry(1234567, unit="FLOPs")) == "1,234,567 FLOPs"
    assert show_metric(entry(2, 1, 3, unit="points")) == "2 points (1 points to 3 points)"
    assert show_metric(entry(2 / 3, unit="fraction")) == "0.666667 fraction"


def test_a_submission_is_measured_in_eval_mode():
    model = Sequential(Dropout(1 - 1e-6), Linear(2, 2)).train()
    model[1].weight.data[:] = np.eye(2)
    report = BenchmarkReport("parity", "bits", "drops")
    report.measure(model, np.float32([[1, 0], [0, 1]] * 4), [0, 1] * 4, repeats=1)
    assert report.metrics["accuracy"]["value"] == 1.0 and report.metrics["flops"]["value"] == 8 * (2 * 4 + 2)
    assert model.training and model[0].training


def test_too_few_samples_show_no_difference():
    slow, fast = (
        module.metric(BenchmarkResult(name, [seconds] * 3), "s", "lower") for name, seconds in (("a", 1.0), ("b", 0.9))
    )
    assert "low" not in slow
    assert module.metric_change("latency", slow, fast, True).verdict == "no difference shown"
    assert (
        module.metric_change(
            "bytes", module.metric(9, "bytes", "lower"), module.metric(8, "bytes", "lower"), True
        ).verdict
        == "better"
    )


def test_a_file_of_endless_lists_is_no_submission(tmp_path):
    (tmp_path / "deep.json").write_text("[" * 200_000)
    with pytest.raises(ValueError, match=r"load_submission: deep.json holds no JSON"):
        module.load_submission(tmp_path / "deep.json")


def test_the_same_numbers_have_the_same_fingerprint_on_every_machine():
    whole = [np.array([1, 0, 3], dtype) for dtype in ("<i4", "<i8", ">i8", "u1")]
    assert len({module.fingerprint(array) for array in [*whole, [1, 0, 3]]}) == 1
    real = [np.array([1, 0, 3], dtype) for dtype in ("<f4", ">f4")]
    assert len({module.fingerprint(array) for array in real}) == 1
    assert module.fingerprint(real[0]) not in (module.fingerprint(whole[0]), module.fingerprint(real[0].astype("f8")))
