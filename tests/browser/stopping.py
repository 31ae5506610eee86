"""What the tests of Stop share: an exercise that passed, an endless loop in another, and the way on afterwards."""

import time

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
