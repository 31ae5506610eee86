"""How long milestone 3 takes, and how much of that the pictures take."""

import re

from ..reader import RUN


def test_mnist_is_learned_in_a_minute_and_drawing_takes_little_of_it(reader):
    card = reader.open_milestone("m3").program("m3.mnist")
    assert card.act("Run", timeout=RUN) == "passed"
    text = card.output.inner_text()
    seconds, drawing = re.search(r"digits in ([\d.]+) s.*?Drawing took ([\d.]+)%", text, flags=re.S).groups()
    assert float(seconds) < 60 and float(drawing) < 5, text
