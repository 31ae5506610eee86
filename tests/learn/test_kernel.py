"""Outside of a browser there is nothing to switch, and that is said; measuring works everywhere."""

from tinytorch.learn import kernel


def test_the_status_says_that_numpy_is_left_alone():
    state = kernel.status()
    assert (state.name, state.on, state.available, state.verified) == (kernel.OWN, False, False, False)
    assert "outside of a browser" in state.why
    assert state.to_dict()["name"] == kernel.OWN


def test_switching_changes_nothing_here():
    assert kernel.switch(True) == kernel.switch(False) == kernel.status()


def test_the_measured_speed_is_a_number_of_gflops():
    assert 0.001 < kernel.measure(size=64, seconds=0.01) < 100_000
