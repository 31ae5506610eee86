"""Stop works always: by the interrupt buffer where the page is isolated, by a new worker where it is not.

The limits are for a machine that does something else besides; how long Stop takes, `make bench` measures.
"""

import time

import pytest

from tinytorch import learn

from .reader import Reader

ENDLESS = "while True:\n    pass\n"
PASSES = "01.memory_footprint"


def other_exercise() -> str:
    return next(e.id for e in learn.chapter("01").exercises if e.id != PASSES)


def pass_one(reader: Reader) -> None:
    assert reader.exercise(PASSES).check(learn.exercise(PASSES).solution) == "passed"


def stop_after_a_while(reader: Reader, id: str) -> float:
    """Run an endless loop below the exercise, press Stop, and measure until the card is at rest."""
    card = reader.exercise(id)
    card.write(learn.exercise(id).solution + "\n" + ENDLESS)
    card.press("Run").settle("running")
    reader.page.wait_for_timeout(1500)
    start = time.monotonic()
    card.press("Stop").settle(timeout=20_000)
    return time.monotonic() - start


def usable_again(reader: Reader, id: str) -> None:
    """The session answers, and the exercise passed before is still in place."""
    reader.until_python("ready")
    lab = reader.lab(reader.page.locator("[data-lab]").first.get_attribute("data-lab"))
    lab.run("print('here again', Tensor([1.0, 2.0]).memory_footprint())")
    assert "here again 8" in lab.output.inner_text()
    assert reader.exercise(PASSES).state == "passed"
    assert reader.exercise(id).check(learn.exercise(id).solution) == "passed"


def test_stop_takes_a_moment_where_isolated(reader):
    pass_one(reader)
    assert stop_after_a_while(reader, other_exercise()) < 3.0
    usable_again(reader, other_exercise())


def test_stop_takes_a_new_start_where_not_isolated(new_context, server):
    reader = Reader(new_context(service_workers="block").new_page(), server.url).open("01")
    pass_one(reader)
    assert not reader.page.evaluate("crossOriginIsolated")
    seconds = stop_after_a_while(reader, other_exercise())
    reader.until_python("ready")
    assert seconds < 10.0
    usable_again(reader, other_exercise())


def test_a_spare_makes_stop_quick_where_not_isolated(new_context, server):
    reader = Reader(new_context(service_workers="block").new_page(), server.url).open("01")
    if reader.page.evaluate("navigator.deviceMemory") < 4:
        pytest.skip("this browser says that it has too little memory for a spare Python")
    pass_one(reader)
    for _ in range(2):  # each spare that is used is replaced
        reader.until_spare()
        seconds = stop_after_a_while(reader, other_exercise())
        rest = time.monotonic()
        reader.until_python("ready")
        assert seconds + time.monotonic() - rest < 4.0
        usable_again(reader, other_exercise())


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
