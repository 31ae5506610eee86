"""A figure drawn on the page is an image of its own in a notebook, with its text and readable colours."""

import base64
import re
import xml.etree.ElementTree as xml

from tinytorch_book.plain import to_plain

FIGURE = """Before.

<figure class="tt-figure">
<svg role="img" aria-labelledby="fig-a" viewBox="0 0 40 20" width="100%">
<title id="fig-a">Two boxes.</title>
<path d="M0 0h9v9z" style="fill:var(--tt-accent-soft,rgba(70,130,180,.25));stroke:currentColor"/>
</svg><figcaption>Boxes.</figcaption></figure>

After.
"""


def test_a_drawing_becomes_an_image_that_holds_itself(tmp_path):
    text, attachments = to_plain(FIGURE, tmp_path / "01_x.md", 1)
    before, address, after = re.split(r"\(data:image/svg\+xml;base64,(.*?)\)", text)
    assert " ".join((before + after).split()) == "Before. ![Two boxes.] *Boxes.* After." and attachments == {}
    image = base64.b64decode(address).decode()
    assert "var(" not in image and "currentColor" not in image and "rgba(70,130,180,.25)" in image
    root = xml.fromstring(image)
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and (root.get("width"), root.get("height")) == ("40", "20")
