"""The colours of pictures: named once, for light and dark."""

import re

import pytest

from tinytorch.pictures import curves, digits, drawing, graph, memory, surface
from tinytorch.pictures.palette import COLOURS, style


def test_only_what_differs_is_said_again_for_dark():
    said = style(".a{fill:$page;stroke:$blue;opacity:.5}.b{font-size:13px}.c{stroke:$edge}")
    light, dark = said.split("@media(prefers-color-scheme:dark)")
    assert light == ".a{fill:#fdfcf8;stroke:#2c5a8f;opacity:.5}.b{font-size:13px}.c{stroke:#8f8778}"
    assert dark == "{.a{fill:#191816;stroke:#8db8e8}}"


def test_a_name_that_is_no_colour_is_named():
    with pytest.raises(KeyError, match="purple"):
        style("path{stroke:$purple}")


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_and_lines_stand_out_from_the_page(scheme):
    """WCAG 2.2: 4.5 for text, 3 for the lines of a drawing."""
    page = COLOURS["page"][scheme]
    for name, least in {
        "ink": 4.5,
        "words": 4.5,
        "soft": 4.5,
        "blue": 4.5,
        "red": 4.5,
        "orange": 3,
        "green": 3,
        "edge": 3,
    }.items():
        assert contrast(COLOURS[name][scheme], page) >= least, name


@pytest.mark.parametrize("look", [curves.LOOK, digits.LOOK, drawing.STYLE, graph.STYLE, memory.STYLE, surface.STYLE])
def test_every_picture_has_its_colours_from_here(look):
    named = {colour for pair in COLOURS.values() for colour in pair}
    assert set(re.findall(r"#\w+", look)) <= named and "$" not in look
