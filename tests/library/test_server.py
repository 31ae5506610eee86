"""What a server writes is what the model would write for each request alone; no block and no request is ever lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch.core.autograd import enable_autograd
from tinytorch.core.layers import Linear
from tinytorch.core.transformers import GPT
from tinytorch.perf.paging import PagedKVCache
from tinytorch.perf.server import GenerationServer

from .test_paging import kept, lively

enable_autograd()


def server_of(model, num_blocks=12, block_size=4, **options):
    return GenerationServer(model, PagedKVCache.for_model(model, num_blocks, block_size), **options)


def alone(model, prompt, count, temperature=0.0, seed=None):
    return model.generate([prompt], count, temperature, seed=seed).data[0].tolist()


REQUESTS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 8), min_size=1, max_size=6),
        st.integers(1, 6),
        st.sampled_from([0.0, 1.0]),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=6,
)


@given(REQUESTS, st.integers(6, 12), st.integers(1, 4), st.integers(0, 20))
@settings(max_examples=25)
def test_each_request_gets_what_it_would_get_alone(asked, blocks, most, seed):
    """With so few blocks that requests are put back and computed again."""
    model = lively(seed)
    server = server_of(model, blocks, 2, max_running=most)
    requests = [server.submit(*request) for request in asked]
    server.run()
    assert [request.text for request in requests] == [alone(model, *request) for request in asked]
    assert sorted(server.cache.free) == list(range(blocks)) and server.cache.tables == {} == server.cache.lengths
    assert set(server.done) == set(requests) and not server.waiting and not server.running
    assert all(request.error is None for request in requests)


def test_requests_join_and_leave_between_steps():
    model = lively()
    server = server_of(model, max_running=2)
    long, short, last = server.submit([1], 6), server.submit([2], 2), server.submit([3], 2)
    assert server.step() == 2 and server.running == [long, short] and server.waiting == [last]
    assert server.step() == 3 and server.done == [short] and server.running == [long, last]
    assert server.step() == 2 and server.done == [short, last]
    server.run()
    assert server.done == [short, last, long] and server.step() == 0


def test_the_youngest_gives_way_where_blocks_run_out_and_comes_back_first():
    model = lively()
    server = server_of(model, num_blocks=3, block_size=2, max_running=3)
    old, young, third = server.submit([1, 2], 4), server.submit([3], 4), server.submit([4], 1)
    server.step()  # the old one has a full block; one block is left for each of the others
    assert server.running == [old, young] and third in server.done
    while young in server.running:
        server.step()
    assert server.waiting[0] is young and young.tokens and server.running == [old]
    assert kept(server.cache) == [0, 1, 2]
    server.run()
    assert old.text == alone(model, [1, 2], 4) and young.text == alone(model, [3], 4)


def test_a_text_ends_with_the_token_that_ends_it():
    model = lively()
    written = alone(model, [1, 2], 6)[2:]
    for end in range(9):
        server = server_of(model)
        request = server.submit([1, 2], 6, end=end)
        server.run()
        stop = written.index(end) + 1 if end in written else 6
        assert request.tokens == written[:stop] and sorted(server.cache.free) == list(range(12))


def test_a_window_that_is_just_long_enough():
    model = lively(max_seq_len=6)
    server = server_of(model, 6, 1)
    request = server.submit([1, 2, 3], 4)  # the last of the four is not read again
    server.run()
    assert request.text == alone(model, [1, 2, 3], 4)
    with pytest.raises(ValueError, match="submit: 3 tokens and 5 more need 7 positions, and there are 6"):
        server.submit([1, 2, 3], 5)


@pytest.mark.parametrize("change", ["in place", "another array", "loaded"])
def test_after_a_change_of_weights_nothing_old_is_used(change):
    model, other = lively(0), lively(1)
    server = server_of(model, max_running=2)
    requests = [server.submit([1, 2, 3], 6), server.submit([4], 6), server.submit([5, 6], 3)]
    server.step(), server.step()
    begun = [list(request.text) for request in requests]
    if change == "in place":
        for parameter, new in zip(model.parameters(), other.parameters(), strict=True):
            parameter.data[:] = new.data
    elif change == "loaded":
        model.load_state_dict(other.state_dict())
    else:
        for parameter, new in zip(model.parameters(), other.parameters(), strict=True):
            parameter.data = new.data.copy()
    server.run()
    for request, text in zip(requests, begun, strict=True):
        assert request.text == alone(other, text, request.count - (len(text) - len(request.prompt)))


def test_late_requests_are_given_up_and_their_blocks_are_free():
    now = [0.0]
    server = server_of(lively(), max_running=2, timeout=5.0, clock=lambda: now[0])
    early = [server.submit([1, 2, 3], 8) for _ in range(4)]
    server.step()
    now[0] = 3.0
    late = server.submit([4], 2)
    now[0] = 5.0
    server.step()
    assert not server.done and len(server.running) == 2
    now[0] = 5.5
    assert server.step() == 1 and server.done == [early[2], early[3], early[0], early[1]] and server.running == [late]
    assert [str(request.error) for request in early] == ["no answer within 5.0 s"] * 4
    assert [request.finished for request in early] == [5.5] * 4 and early[0].latency == 5.5 and early[0].tokens
    server.run()
    assert late.error is None and sorted(server.cache.free) == list(range(12))
    assert str(server) == "0 running, 0 waiting, 12 of 12 blocks free, 5 done (4 late)"


def test_a_server_that_cannot_go_on_says_so():
    server = server_of(lively())
    server.submit([1], 2)
    server.cache.free.clear()
    with pytest.raises(RuntimeError, match="no token was written and none will be: 0 running, 1 waiting, 0 of 12"):
        server.run()


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (([], 2), ValueError, "at least one token"),
        (([1, 9], 2), ValueError, "submit: .*9"),
        (([-1], 2), ValueError, "submit: .*-1"),
        (([1], 0), ValueError, "submit: count is 0"),
        (([1], 1.5), TypeError, "count is 1.5"),
        (([1], 2, -1.0), ValueError, "temperature is -1.0"),
        (([1], 13), ValueError, "need 13 positions, and there are 12"),
        (("text", 2), TypeError, "text"),
        (([0.5], 2), TypeError, "0.5"),
    ],
)
def test_what_can_never_be_answered_is_refused_at_the_door(arguments, error, message):
    server = server_of(lively())
    with pytest.raises(error, match=message):
        server.submit(*arguments)
    assert not server.waiting and server.submitted == 0


def test_servers_that_are_refused():
    model = lively()
    cache = PagedKVCache.for_model(model, 2, 4)
    with pytest.raises(TypeError, match="GenerationServer: got Linear; only a GPT writes"):
        GenerationServer(Linear(2, 2), cache)
    with pytest.raises(ValueError, match="timeout is 0; it must be seconds, more than 0"):
        GenerationServer(model, cache, timeout=0)
    with pytest.raises(ValueError, match="max_running is 0"):
        GenerationServer(model, cache, max_running=0)


def test_a_latency_is_known_when_the_request_is_finished():
    server = server_of(GPT(9, 8, 1, 2, 12, rng=0), clock=iter(np.arange(100.0)).__next__)
    request = server.submit([1], 3)
    with pytest.raises(ValueError, match="request 0 is not finished"):
        _ = request.latency
    server.run()
    assert request.latency == request.finished - request.arrived > 0
