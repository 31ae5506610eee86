"""Requests are batched by size and by waiting time, answered whatever their neighbours do, and timed on a given clock."""

import dataclasses

import numpy as np
import pytest

from tinytorch import Tensor
from tinytorch.core.autograd import enable_autograd, is_grad_enabled
from tinytorch.core.layers import Dropout, Linear, Sequential
from tinytorch.perf import serving as module
from tinytorch.perf.serving import DynamicBatcher, Response, ServingResult, compare_batch_sizes, poisson_arrivals

enable_autograd()


def one(size):
    """A service time of a second, whatever the size."""
    return 1.0


def run(arrivals, max_batch_size, max_wait, service_time=one, model=lambda x: x * 10):
    requests = [[float(number)] for number in range(len(arrivals))]
    return DynamicBatcher(model, max_batch_size, max_wait).run(requests, arrivals, service_time)


def finished(result):
    return [response.finished for response in result.responses]


# When a batch starts


def test_without_batching_requests_queue():
    result = run([0.0, 0.1, 0.2, 5.0], 1, 0.0)
    assert finished(result) == [1.0, 2.0, 3.0, 6.0] and result.batches == (1, 1, 1, 1)
    assert [response.started for response in result.responses] == [0.0, 1.0, 2.0, 5.0]
    assert result.busy == 4.0 and result.service == "given"


def test_a_full_batch_starts_at_once():
    result = run([0.0, 0.25, 0.5, 9.0], 3, 100.0)
    assert [response.started for response in result.responses] == [0.5, 0.5, 0.5, 109.0] and result.batches == (3, 1)


def test_the_oldest_request_waits_no_longer_than_allowed():
    result = run([1.0, 1.25, 1.75], 8, 0.5)
    assert [response.started for response in result.responses] == [1.5, 1.5, 2.5]
    assert [response.batch for response in result.responses] == [2, 2, 1]


def test_one_that_arrives_in_the_very_moment_comes_along():
    assert run([1.0, 1.5], 8, 0.5).batches == (2,)
    assert run([1.0, 1.5000001], 8, 0.5).batches == (1, 1)
    assert run([0.0, 0.0, 0.0], 2, 0.0).batches == (2, 1)


def test_what_gathered_while_the_worker_was_busy_goes_together():
    result = run([0.0, 0.25, 0.5, 0.75], 8, 0.0)
    assert result.batches == (1, 3) and finished(result) == [1.0, 2.0, 2.0, 2.0]
    result = run([0.0, 0.25, 0.5, 0.75], 2, 0.0)
    assert result.batches == (1, 2, 1) and finished(result) == [1.0, 2.0, 2.0, 3.0]


def test_a_service_time_may_depend_on_the_size():
    result = run([0.0, 0.0, 0.0], 2, 0.0, service_time=lambda size: 0.5 + size)
    assert finished(result) == [2.5, 2.5, 4.0] and result.busy == 4.0


def test_every_request_gets_its_own_row_and_every_order_is_kept():
    rng = np.random.default_rng(0)
    for seed in range(20):
        arrivals = poisson_arrivals(rate=rng.uniform(0.5, 20), count=30, seed=seed)
        size, wait = int(rng.integers(1, 6)), float(rng.uniform(0, 0.5))
        result = run(arrivals, size, wait)
        assert [response.result.item() for response in result.responses] == [10.0 * number for number in range(30)]
        assert sum(result.batches) == 30 and max(result.batches) <= size
        free = 0.0
        place = 0
        for batch in result.batches:
            members = result.responses[place : place + batch]
            start = members[0].started
            assert {(m.started, m.finished, m.batch) for m in members} == {(start, start + 1.0, batch)}
            assert start >= free and all(member.arrived <= start for member in members)
            # It waited for nothing: the worker was busy, the batch became full, or the time was up.
            assert start in (free, members[-1].arrived) or start == members[0].arrived + wait
            free, place = start + 1.0, place + batch


def test_no_requests_at_all():
    result = run([], 4, 0.1)
    assert result.responses == () and result.batches == () and result.seconds == 0.0 and result.throughput == 0.0
    assert result.mean_batch == 0.0 and "no answers" in str(result)
    with pytest.raises(ValueError, match="percentile: no request was answered"):
        result.percentile(50)


# What the model does


def test_the_service_time_is_measured_around_the_model():
    ticks = {"now": 7.0}

    def model(x):
        assert not is_grad_enabled()
        ticks["now"] += 0.25 * len(x)
        return x

    batcher = DynamicBatcher(model, 2, 0.0, clock=lambda: ticks["now"])
    result = batcher.run([[1.0]] * 3, [0.0, 0.0, 0.0])
    assert result.service == "measured" and finished(result) == [0.5, 0.5, 0.75] and result.busy == 0.75


def test_a_real_model_answers_as_it_would_alone():
    layer = Linear(4, 2, rng=0)
    requests = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    result = DynamicBatcher(layer, 3, 1.0).run(list(requests), [0.0] * 5)
    for request, response in zip(requests, result.responses, strict=True):
        np.testing.assert_allclose(response.result, layer(Tensor(request)).data, rtol=1e-5)
    assert result.failed == 0 and result.service == "measured"
    tensors = DynamicBatcher(lambda x: x.data * 2, 3, 1.0).run(
        [Tensor([1.0]), [2.0], np.float32([3.0])], [0.0] * 3, one
    )
    assert [response.result.tolist() for response in tensors.responses] == [[2.0], [4.0], [6.0]]


def no_sevens(x):
    if (x.data == 7).any():
        raise RuntimeError("seven")
    return x + 1


def test_the_error_of_one_request_is_its_own():
    calls = []

    def model(x):
        calls.append(len(x))
        return no_sevens(x)

    result = DynamicBatcher(model, 4, 0.0).run([[1.0], [7.0], [3.0], [4.0], [5.0]], [0.0] * 5, one)
    assert [None if response.result is None else response.result.item() for response in result.responses] == [
        2.0,
        None,
        4.0,
        5.0,
        6.0,
    ]
    assert [str(response.error) for response in result.responses] == ["None", "seven", "None", "None", "None"]
    assert calls == [4, 1, 1, 1, 1, 1] and result.failed == 1 and result.batches == (4, 1)
    assert result.throughput == 4 / 2.0 and result.percentile(100) == 2.0


def test_a_request_of_another_shape_fails_alone():
    result = DynamicBatcher(Linear(2, 1), 3, 0.0).run([[1.0, 2.0], [1.0, 2.0, 3.0], [3.0, 4.0]], [0.0] * 3, one)
    assert [response.error is None for response in result.responses] == [True, False, True]
    assert "Linear: x has shape (1, 3)" in str(result.responses[1].error)


def test_a_model_that_returns_the_wrong_number_of_rows():
    result = DynamicBatcher(lambda x: x.sum(), 2, 0.0).run([[1.0], [2.0]], [0.0, 0.0], one)
    assert result.failed == 2 and "returned shape () for 1 requests; it must return one row" in str(
        result.responses[0].error
    )
    longer = DynamicBatcher(lambda x: np.zeros((3, 1)), 2, 0.0).run([[1.0]], [0.0], one)
    assert longer.failed == 1


def test_an_interrupt_is_no_request_s_error():
    def model(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        DynamicBatcher(model, 2, 0.0).run([[1.0]], [0.0], one)


# What a run says


def test_latency_percentiles_leave_out_what_failed():
    answers = [
        Response(float(n), float(n), float(n) + latency, 1, np.zeros(1))
        for n, latency in enumerate([1.0, 2.0, 3.0, 4.0, 100.0])
    ]
    answers.append(Response(5.0, 5.0, 1000.0, 1, None, ValueError("no")))
    result = ServingResult(tuple(answers), (1,) * 6, 10.0, "given", 1, 0.0)
    assert (result.p50, result.percentile(0), result.percentile(100)) == (3.0, 1.0, 100.0)
    assert result.p99 == pytest.approx(4 + 0.96 * 96) and result.failed == 1
    assert result.seconds == 1000.0 and result.throughput == 5 / 1000.0


def test_results_are_not_changed_afterwards():
    results = [
        value
        for value in vars(module).values()
        if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    ]
    assert results and all(value.__dataclass_params__.frozen for value in results)


def test_seconds_run_from_the_first_arrival():
    result = run([10.0, 10.5], 1, 0.0)
    assert result.seconds == 2.0 and result.throughput == 1.0


def test_a_run_in_words():
    text = str(run([0.0, 0.0, 1.0], 2, 0.25))
    assert text == (
        "batches of up to 2 (mean 1.5), wait up to 250 ms: p50 1 s, p99 1.25 s, 1.333 requests/s, 0 failed; "
        "service times given"
    )


def test_larger_batches_serve_more_where_a_batch_costs_no_more():
    arrivals = poisson_arrivals(rate=5.0, count=200, seed=3)
    requests = [[0.0]] * 200
    runs = compare_batch_sizes(lambda x: x, requests, arrivals, [1, 4, 16], 0.1, service_time=one)
    assert list(runs) == [1, 4, 16] and [result.max_batch_size for result in runs.values()] == [1, 4, 16]
    assert runs[1].throughput < 1.01 and runs[16].throughput > 4 * runs[1].throughput
    assert runs[1].p99 > runs[4].p99 > runs[16].p99
    ticks = iter(range(1000))
    measured = compare_batch_sizes(lambda x: x, requests[:2], [0.0, 0.0], [1, 2], 0.0, clock=lambda: float(next(ticks)))
    assert [finished(result) for result in measured.values()] == [[1.0, 2.0], [1.0, 1.0]]


def test_poisson_arrivals_have_exponential_gaps():
    arrivals = poisson_arrivals(rate=4.0, count=5000, seed=1)
    gaps = np.diff(arrivals, prepend=0.0)
    assert (
        (gaps > 0).all()
        and gaps.mean() == pytest.approx(0.25, rel=0.05)
        and gaps.std() == pytest.approx(0.25, rel=0.05)
    )
    assert np.array_equal(arrivals, poisson_arrivals(4.0, 5000, 1)) and arrivals[0] != poisson_arrivals(4.0, 5000, 2)[0]
    assert np.array_equal(poisson_arrivals(4.0, 3), poisson_arrivals(4.0, 3, 0)) and poisson_arrivals(1.0, 0).shape == (
        0,
    )
    with pytest.raises(ValueError, match="poisson_arrivals: rate is 0"):
        poisson_arrivals(0, 3)
    with pytest.raises(ValueError, match="poisson_arrivals: count is -1; it must be at least 0"):
        poisson_arrivals(1.0, -1)


@pytest.mark.parametrize(
    "arrivals, sentence",
    [
        ([0.0], "2 requests and arrivals of shape \\(1,\\)"),
        ([[0.0, 1.0]], "arrivals of shape \\(1, 2\\)"),
        ([1.0, 0.5], "that do not fall"),
        ([-1.0, 0.0], "of at least 0"),
        ([0.0, np.nan], "finite seconds"),
        ([0.0, np.inf], "finite"),
    ],
)
def test_arrivals_that_are_refused(arrivals, sentence):
    with pytest.raises(ValueError, match=sentence):
        DynamicBatcher(abs, 2, 0.0).run(["a", "b"], arrivals)


def test_batchers_that_are_refused():
    with pytest.raises(TypeError, match="DynamicBatcher: model_fn is int; it must be a model or a function"):
        DynamicBatcher(3, 2, 0.0)
    with pytest.raises(ValueError, match="DynamicBatcher: max_batch_size is 0"):
        DynamicBatcher(abs, 0, 0.0)
    with pytest.raises(ValueError, match="DynamicBatcher: max_wait is -1; it must be a finite number, 0 or larger"):
        DynamicBatcher(abs, 1, -1)


def test_a_layer_answers_in_eval_mode_and_gets_its_own_back():
    model = Sequential(Dropout(0.5)).train()
    run = DynamicBatcher(model, 4, 0.0).run(np.ones((8, 50)), [0.0] * 8)
    assert all((response.result == 1).all() for response in run.responses) and model.training


@pytest.mark.parametrize("seconds", [-1.0, np.nan, np.inf])
def test_time_does_not_go_backwards(seconds):
    with pytest.raises(
        ValueError, match=r"DynamicBatcher.run: service_time is .*; it must be a finite number, 0 or larger"
    ):
        DynamicBatcher(lambda x: x, 4, 0.0).run([[1.0]], [0.0], lambda size: seconds)
