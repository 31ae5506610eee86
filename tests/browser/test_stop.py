"""Stop ends what does not want to end, and nothing that passed is lost. How long it takes: alone/test_stop.py."""

import pytest

from tinytorch import learn

from .stopping import other_exercise, pass_one, usable_again


def test_stop_during_a_check(reader):
    id = other_exercise()
    head = learn.exercise(id).starter.split("    raise NotImplementedError")[0]
    card = reader.exercise(id)
    card.write(head + "    while True:\n        pass\n")
    card.press("Check").settle("running")
    reader.page.wait_for_timeout(1000)
    card.press("Stop").settle(timeout=10_000)
    assert card.state == "idle"
    assert card.check(learn.exercise(id).solution) == "passed"


@pytest.mark.parametrize("swallow", ["except BaseException", "except KeyboardInterrupt"])
def test_a_loop_that_swallows_the_interrupt_is_stopped_all_the_same(reader, swallow):
    pass_one(reader)
    stubborn = f"while True:\n    try:\n        while True:\n            pass\n    {swallow}:\n        continue\n"
    id = other_exercise()
    card = reader.exercise(id)
    card.write(learn.exercise(id).solution + "\n" + stubborn)
    card.press("Run").settle("running")
    reader.page.wait_for_timeout(1000)
    card.press("Stop")
    card.settle(timeout=20_000)
    usable_again(reader, id)
