"""The ring sums to the last bit alike on all workers; a team's weights are those of one worker with the whole batch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch import Tensor
from tinytorch.core.activations import Tanh
from tinytorch.core.autograd import enable_autograd
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss, MSELoss
from tinytorch.core.optimizers import SGD, Adam
from tinytorch.perf.parallel import (
    DataParallel,
    Link,
    ScalingPoint,
    StepReport,
    Stragglers,
    all_gather,
    chunk_slices,
    flatten_gradients,
    modelled_all_reduce_seconds,
    modelled_scaling,
    play_ring,
    reduce_scatter,
    ring_all_reduce,
    write_gradients,
)

enable_autograd()


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# The ring


@given(size=st.integers(0, 30), workers=st.integers(1, 8))
def test_chunks_cover_everything_once_and_differ_by_one_at_most(size, workers):
    slices = chunk_slices(size, workers)
    lengths = [part.stop - part.start for part in slices]
    assert len(slices) == workers and max(lengths) - min(lengths) <= 1
    assert lengths == sorted(lengths, reverse=True)
    assert [place for part in slices for place in range(size)[part]] == list(range(size))


@given(
    workers=st.integers(1, 7),
    size=st.integers(0, 20),
    average=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_every_worker_ends_with_the_sum_and_with_the_same_bits(workers, size, average, dtype):
    buffers = [numbers(size, seed=rank, dtype=dtype) for rank in range(workers)]
    expected = np.sum(buffers, axis=0, dtype=np.float64) / (workers if average else 1)
    sent = ring_all_reduce(buffers, average)
    for buffer in buffers:
        np.testing.assert_allclose(buffer, expected, rtol=1e-5, atol=1e-5)
        assert np.array_equal(buffer, buffers[0]) and buffer.dtype == dtype
    assert len(sent) == workers
    ideal = 2 * (workers - 1) * size * buffers[0].itemsize  # all workers together, divisible or not
    assert sum(sent) == ideal
    if size % workers == 0:
        assert sent == [ideal // workers] * workers


@given(workers=st.integers(1, 6), size=st.integers(0, 13))
def test_after_the_first_half_each_worker_has_one_finished_chunk(workers, size):
    buffers = [numbers(size, seed=rank) for rank in range(workers)]
    expected, chunks = np.sum(buffers, axis=0), chunk_slices(size, workers)
    sent = reduce_scatter(buffers)
    for rank, buffer in enumerate(buffers):
        own = chunks[(rank + 1) % workers]
        np.testing.assert_allclose(buffer[own], expected[own])
    assert sum(sent) == (workers - 1) * size * 8
    assert sum(all_gather(buffers)) == (workers - 1) * size * 8
    for buffer in buffers:
        np.testing.assert_allclose(buffer, expected)


def test_what_each_worker_sends_is_known_by_hand():
    buffers = [np.array([1.0, 2, 3, 4]), np.array([10.0, 20, 30, 40]), np.array([100.0, 200, 300, 400])]
    assert reduce_scatter(buffers) == [3 * 8, 3 * 8, 2 * 8]  # chunks of 2, 1 and 1
    assert [buffer.tolist() for buffer in buffers] == [[1, 2, 333, 404], [11, 22, 30, 444], [111, 222, 330, 400]]
    assert all_gather(buffers) == [3 * 8, 2 * 8, 3 * 8]
    assert all(buffer.tolist() == [111, 222, 333, 444] for buffer in buffers)


def stops_early(buffer, rank):
    if rank:
        yield buffer


def goes_on_forever(buffer, rank):
    while True:
        yield buffer


@pytest.mark.parametrize(
    "steps, error, words",
    [
        (lambda buffer, rank: None, TypeError, "are a NoneType; a function with `yield`"),
        (lambda buffer, rank: (yield slice(0, 1)), TypeError, "a worker sends a slice"),
        (stops_early, ValueError, "worker 0 has stopped while others send"),
        (goes_on_forever, RuntimeError, "3 workers still send after 6 steps"),
    ],
)
def test_steps_that_are_no_ring_are_refused(steps, error, words):
    with pytest.raises(error, match=words):
        play_ring([steps(np.ones(3), rank) for rank in range(3)])


def test_arrays_of_several_axes_are_reduced_in_place():
    buffers = [np.full((2, 3), 1.0), np.full((2, 3), 3.0)]
    before = list(buffers)
    assert ring_all_reduce(buffers) == [48, 48]
    assert all(new is old for new, old in zip(buffers, before, strict=True)) and buffers[1].tolist() == [[4.0] * 3] * 2
    alone = [np.array([5.0])]
    assert ring_all_reduce(alone, average=True) == [0] and alone[0].tolist() == [5.0]


def frozen():
    array = np.ones(3)
    array.flags.writeable = False
    return array


SHARED = np.ones(4)


@pytest.mark.parametrize(
    "buffers, error, words",
    [
        ([], ValueError, "no buffers"),
        ([np.ones(3), [1.0, 2.0, 3.0]], TypeError, "worker 1 has a list"),
        ([np.ones(3), np.ones(3, dtype=np.int64)], TypeError, "worker 1 has a int64"),
        ([frozen(), np.ones(3)], TypeError, "worker 0 has a float64; it needs a writeable"),
        ([np.ones(3), np.ones(4)], ValueError, r"worker 1 has shape \(4,\) of float64 and worker 0 \(3,\)"),
        ([np.ones(3), np.ones(3, dtype=np.float32)], ValueError, r"worker 1 has shape \(3,\) of float32"),
        ([np.ones((2, 3)), np.ones((3, 2)).T], ValueError, "worker 1's array does not lie row by row"),
        ([SHARED[:3], np.ones(3), SHARED[1:]], ValueError, "worker 2 shares its memory"),
    ],
)
def test_buffers_that_do_not_fit_together_are_named_and_stay(buffers, error, words):
    before = [np.array(buffer) for buffer in buffers]
    with pytest.raises(error, match=f"ring_all_reduce: {words}"):
        ring_all_reduce(buffers)
    assert all(np.array_equal(now, then) for now, then in zip(buffers, before, strict=True))


# The model of time


def test_a_message_takes_latency_and_bytes_over_bandwidth():
    assert Link(latency=0.5, bandwidth=100.0).modelled_seconds(200) == 2.5


@given(workers=st.integers(1, 64), nbytes=st.integers(0, 10**9))
def test_the_ring_takes_two_rounds_of_messages(workers, nbytes):
    link = Link(latency=1e-3, bandwidth=1e6)
    expected = 2 * (workers - 1) * 1e-3 + 2 * (workers - 1) / workers * nbytes / 1e6
    assert modelled_all_reduce_seconds(nbytes, workers, link) == pytest.approx(expected)


def test_modelled_bytes_are_the_bytes_that_were_sent():
    buffers = [np.zeros(12) for _ in range(4)]
    assert modelled_all_reduce_seconds(12 * 8, 4, Link(0.0, 1.0)) == ring_all_reduce(buffers)[0]


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda: modelled_all_reduce_seconds(-1, 2, Link(0, 1)),
            ValueError,
            "nbytes is -1; it must be finite, 0 or more",
        ),
        (lambda: modelled_all_reduce_seconds(1, 0, Link(0, 1)), ValueError, "workers is 0"),
        (lambda: modelled_all_reduce_seconds(1, 1.5, Link(0, 1)), TypeError, "workers 1.5 is not an integer"),
        (lambda: modelled_all_reduce_seconds(1, True, Link(0, 1)), TypeError, "workers True is not"),
        (lambda: modelled_all_reduce_seconds(1, 1, Link(-1, 1)), ValueError, "latency -1"),
        (lambda: modelled_all_reduce_seconds(1, 1, Link(math.nan, 1)), ValueError, "latency nan"),
        (lambda: modelled_all_reduce_seconds(1, 1, Link(0, 0)), ValueError, "bandwidth 0"),
        (lambda: Stragglers(-0.1, 2).modelled_factors((1,)), ValueError, "probability -0.1"),
        (lambda: Stragglers(1.1, 2).modelled_factors((1,)), ValueError, "probability 1.1"),
        (lambda: Stragglers(0.1, 0.9).modelled_factors((1,)), ValueError, "slowdown 0.9"),
        (lambda: Stragglers(0.1, math.nan).modelled_step_factor(2), ValueError, "slowdown nan"),
        (lambda: Stragglers(0.1, 2).modelled_step_factor(0), ValueError, "modelled_step_factor: workers is 0"),
        (lambda: modelled_scaling(0.0, 1, 1, Link(0, 1)), ValueError, "compute_seconds is 0.0"),
        (lambda: modelled_scaling(1.0, 1, 0, Link(0, 1)), ValueError, "workers is 0"),
        (lambda: modelled_scaling(1.0, 1, 1, Link(0, 1), Stragglers(2, 1)), ValueError, "probability 2"),
    ],
)
def test_impossible_numbers_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_the_edges_of_what_is_possible_are_allowed():
    assert modelled_all_reduce_seconds(0, 1, Link(0, 1e-9)) == 0
    assert Stragglers(0, 1).modelled_factors((2,)).tolist() == [1, 1]
    assert Stragglers(1, 2).modelled_factors((2,)).tolist() == [2, 2]
    assert Stragglers().modelled_step_factor(100) == 1


def test_slow_workers_come_by_seed_and_as_often_as_said():
    model = Stragglers(probability=0.2, slowdown=5.0)
    factors = model.modelled_factors((4000, 4), rng=3)
    assert np.array_equal(factors, model.modelled_factors((4000, 4), rng=3))
    assert set(factors.ravel().tolist()) == {1.0, 5.0} and factors.shape == (4000, 4)
    assert (factors == 5.0).mean() == pytest.approx(0.2, abs=0.01)
    assert factors.max(axis=1).mean() == pytest.approx(model.modelled_step_factor(4), rel=0.02)
    assert model.modelled_step_factor(4) == pytest.approx(1 + 4 * (1 - 0.8**4))


def test_scaling_is_known_by_hand():
    point = modelled_scaling(8.0, 400, 4, Link(latency=0.1, bandwidth=100.0), Stragglers(0.5, 3.0))
    compute, communication = 8 / 4 * (1 + 2 * (1 - 0.5**4)), 6 * (0.1 + 100 / 100)
    step = compute + communication
    expected = ScalingPoint(4, compute, communication, step, 8 * 2 / step, 8 * 2 / step / 4)
    assert point == pytest.approx(expected)


@given(st.floats(1e-6, 1e3), st.integers(0, 10**9), st.integers(1, 100))
def test_efficiency_is_at_most_one_and_one_for_a_single_worker(seconds, nbytes, workers):
    link = Link(1e-5, 1e9)
    assert modelled_scaling(seconds, nbytes, workers, link).modelled_efficiency <= 1 + 1e-12
    assert modelled_scaling(seconds, nbytes, 1, link, Stragglers(0.3, 4.0)).modelled_efficiency == pytest.approx(1)


def test_every_modelled_number_says_so():
    assert all(name.startswith("modelled_") for name in ScalingPoint._fields[1:])
    times = [name for name in StepReport._fields if "seconds" in name]
    assert times and all(name.startswith(("modelled_", "measured_")) for name in times)


# Training


def network(dtype=np.float64, seed=0):
    model = Sequential(Linear(3, 5, rng=seed), Tanh(), Linear(5, 2, rng=seed + 1))
    for parameter in model.parameters():
        parameter.data = parameter.data.astype(dtype)
    return model


def test_gradients_travel_as_one_array_and_come_back():
    model = Sequential(Linear(1, 2), Linear(2, 1, bias=False))
    model[0].bias.requires_grad = False
    model[0].weight.grad, model[1].weight.grad = np.array([[1.0, 2.0]], dtype="f"), np.array([[3.0], [4.0]], dtype="f")
    flat = flatten_gradients(model)
    assert flat.tolist() == [1, 2, 3, 4] and flat.dtype == np.float32
    flat[:] = 0
    assert model[0].weight.grad.tolist() == [[1, 2]]
    write_gradients(model, np.array([5.0, 6, 7, 8]))
    assert model[0].weight.grad.tolist() == [[5, 6]] and model[1].weight.grad.tolist() == [[7], [8]]
    assert model[0].bias.grad is None and model[0].weight.grad.dtype == np.float32


def test_the_gradients_of_two_replicas_are_two_arrays():
    first, second, flat = Linear(1, 1, bias=False), Linear(1, 1, bias=False), np.array([1.0], dtype="f")
    write_gradients(first, flat)
    write_gradients(second, flat)
    first.weight.grad[:] = 9
    assert second.weight.grad.item() == 1 and flat[0] == 1


@pytest.mark.parametrize("make", [lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Adam(p, lr=0.01)])
@given(workers=st.integers(1, 4), extra=st.integers(0, 5), steps=st.integers(1, 3), seed=st.integers(0, 99))
def test_a_team_ends_with_the_weights_of_one_worker_with_the_whole_batch(make, workers, extra, steps, seed):
    alone = network(seed=seed)
    optimizer = make(alone.parameters())
    team = DataParallel(network(seed=seed), CrossEntropyLoss(), make, workers)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        x = Tensor(rng.standard_normal((workers + extra, 3)), dtype="float64")
        targets = rng.integers(0, 2, workers + extra)
        optimizer.zero_grad()
        loss = CrossEntropyLoss()(alone(x), targets)
        loss.backward()
        optimizer.step()
        report = team.train_step(x, targets)
        assert report.loss == pytest.approx(loss.item())
    for replica in team.replicas:
        for name, array in replica.state_dict().items():
            np.testing.assert_allclose(array, alone.state_dict()[name], atol=1e-9)
            assert np.array_equal(array, team.replicas[0].state_dict()[name])
    assert len(team.replicas) == workers == len({id(replica) for replica in team.replicas})


def test_the_first_replica_is_the_model_itself_and_the_others_share_nothing():
    model = network()
    team = DataParallel(model, MSELoss(), lambda p: SGD(p, lr=0.1), workers=3)
    assert team.replicas[0] is model
    for one in range(3):
        for other in range(one):
            pairs = zip(team.replicas[one].parameters(), team.replicas[other].parameters(), strict=True)
            assert not any(np.shares_memory(a.data, b.data) for a, b in pairs)


def ticks(*times):
    waiting = list(times)
    return lambda: waiting.pop(0)


def test_a_step_lasts_as_long_as_its_slowest_worker_and_the_exchange():
    model = Linear(3, 1)
    team = DataParallel(
        model,
        MSELoss(),
        lambda p: SGD(p, lr=0.1),
        workers=2,
        link=Link(latency=1.0, bandwidth=16.0),
        stragglers=Stragglers(1.0, 3.0),
        clock=ticks(0.0, 2.0, 10.0, 15.0),
    )
    report = team.train_step(np.ones((4, 3), dtype="f"), np.zeros((4, 1), dtype="f"))
    assert report.measured_compute_seconds == [2.0, 5.0] and report.modelled_compute_seconds == [6.0, 15.0]
    assert report.bytes_sent == [16, 16] and report.modelled_communication_seconds == 2 * (1 + 8 / 16)
    assert report.modelled_step_seconds == 18.0
    assert model.weight.grad is not None and type(report.loss) is float


def test_the_stragglers_of_a_team_come_by_seed():
    def run(seed):
        team = DataParallel(
            Linear(3, 1),
            MSELoss(),
            lambda p: SGD(p, lr=0.1),
            workers=4,
            rng=seed,
            stragglers=Stragglers(0.5, 2.0),
            clock=ticks(*[place % 2 for place in range(64)]),
        )
        return [
            team.train_step(np.ones((4, 3), dtype="f"), np.zeros((4, 1), dtype="f")).modelled_compute_seconds
            for _ in range(8)
        ]

    assert run(1) == run(1) != run(2)
    assert len({tuple(step) for step in run(1)}) > 1


def test_real_time_is_measured_where_no_clock_is_given():
    team = DataParallel(Linear(3, 1), MSELoss(), lambda p: SGD(p, lr=0.1), workers=2)
    report = team.train_step(np.ones((4, 3), dtype="f"), np.zeros((4, 1), dtype="f"))
    assert all(seconds > 0 for seconds in report.measured_compute_seconds)
    assert report.modelled_compute_seconds == report.measured_compute_seconds
    assert report.modelled_communication_seconds == pytest.approx(2 * (5e-5 + 8 / 1.25e9))


def test_every_step_begins_without_the_gradients_of_the_last():
    team = DataParallel(Linear(3, 1), MSELoss(), lambda p: SGD(p, lr=0.0), workers=2)
    x, y = numbers(4, 3, dtype="f"), numbers(4, 1, dtype="f")
    team.train_step(x, y)
    first = flatten_gradients(team.replicas[1])
    team.train_step(x, y)
    assert np.array_equal(flatten_gradients(team.replicas[1]), first)


@pytest.mark.parametrize(
    "x, targets, words",
    [
        (np.ones((3, 3)), np.ones((4, 1)), r"x of shape \(3, 3\) and targets of shape \(4, 1\)"),
        (np.ones((1, 3)), np.ones((1, 1)), "1 samples for 2 workers"),
        (np.ones((0, 3)), np.ones((0, 1)), "0 samples for 2 workers"),
        (np.float32(1), np.float32(1), r"x of shape \(\)"),
    ],
)
def test_a_batch_that_cannot_be_shared_is_named_and_changes_nothing(x, targets, words):
    team = DataParallel(Linear(3, 1), MSELoss(), lambda p: SGD(p, lr=0.1), workers=2)
    before = team.replicas[0].state_dict()
    with pytest.raises(ValueError, match=f"train_step: {words}"):
        team.train_step(x, targets)
    assert all(np.array_equal(before[name], array) for name, array in team.replicas[0].state_dict().items())


def test_as_many_samples_as_workers_are_enough():
    team = DataParallel(Linear(3, 1), MSELoss(), lambda p: SGD(p, lr=0.1), workers=2)
    assert team.train_step(np.ones((2, 3)), np.ones((2, 1))).loss > 0


def test_a_parameter_outside_the_loss_is_named():
    model = Linear(3, 1)
    model.unused = Linear(2, 2, bias=False)
    team = DataParallel(model, MSELoss(), lambda p: SGD(p, lr=0.1), workers=2)
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"flatten_gradients: unused.weight has no gradient"):
        team.train_step(np.ones((2, 3)), np.ones((2, 1)))
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


def test_a_frozen_parameter_stays_as_it_is_on_all_workers():
    model = network()
    model[0].weight.requires_grad = False
    learned = lambda parameters: SGD([p for p in parameters if p.requires_grad], lr=0.1)  # noqa: E731
    team = DataParallel(model, CrossEntropyLoss(), learned, workers=2)
    before = model.state_dict()
    team.train_step(Tensor(numbers(4, 3), dtype="float64"), np.array([0, 1, 1, 0]))
    for replica in team.replicas:
        after = replica.state_dict()
        assert np.array_equal(after["steps.0.weight"], before["steps.0.weight"])
        assert not np.array_equal(after["steps.2.weight"], before["steps.2.weight"])


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"model": "text"}, TypeError, "DataParallel: got str"),
        ({"workers": 0}, ValueError, "DataParallel: workers is 0"),
        ({"workers": 2.0}, TypeError, "workers 2.0"),
        ({"link": Link(0, -1)}, ValueError, "bandwidth -1"),
        ({"stragglers": Stragglers(0, 0.5)}, ValueError, "slowdown 0.5"),
        ({"rng": "a"}, TypeError, "rng is 'a'"),
    ],
)
def test_what_is_no_team_is_named(options, error, words):
    with pytest.raises(error, match=words):
        DataParallel(
            **{
                "model": Linear(1, 1),
                "loss_fn": MSELoss(),
                "make_optimizer": lambda p: SGD(p, lr=0.1),
                "workers": 2,
                **options,
            }
        )


def test_frozen_parameters_are_not_sent_and_not_moved():
    model = Linear(3, 1, rng=0)
    model.bias.requires_grad = False
    team = DataParallel(model, MSELoss(), lambda parameters: SGD(parameters, lr=0.1), workers=2)
    report = team.train_step(np.ones((4, 3), np.float32), np.zeros((4, 1), np.float32))
    assert sum(report.bytes_sent) == 2 * 3 * 4 and team.replicas[1].bias.data.tolist() == [0.0]


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: modelled_all_reduce_seconds(np.nan, 2, Link(0.0, 1.0)), "nbytes is nan"),
        (lambda: modelled_all_reduce_seconds(1, 2, Link(np.inf, 1.0)), "Link: latency inf"),
        (lambda: Stragglers(0.0, np.inf).modelled_step_factor(2), "slowdown inf"),
        (lambda: modelled_scaling(np.inf, 1, 2, Link(0.0, 1.0)), "compute_seconds is inf"),
    ],
)
def test_what_never_ends_is_no_model(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
