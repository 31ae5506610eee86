"""Inline SVG figures as images of their own, for notebooks.

On the page a figure is part of the HTML and takes the page's colours. A notebook viewer takes
SVG out of Markdown for safety and leaves its letters behind, so there the figure is an image with
its bytes in its address (JupyterLab shows no attached SVG): variables become their fallbacks, and
the text colour a grey that can be read on both white and black.
"""

import base64
import re

GREY = "#767676"
_FIGURE = re.compile(r"<figure\b[^>]*>\s*(<svg\b.*?</svg>)\s*(?:<figcaption>(.*?)</figcaption>)?\s*</figure>", re.S)
_VARIABLE = re.compile(r"var\(--[\w-]+\s*,\s*((?:[^()]|\([^()]*\))*)\)")
_TITLE = re.compile(r"<title(?:\s+id=\"([\w-]+)\")?[^>]*>(.*?)</title>", re.S)


def take_out_drawings(text):
    """Replace each `<figure>` that holds an SVG by an image."""

    def replace(match):
        title = _TITLE.search(match[1])
        caption = f"\n\n*{match[2].strip()}*" if match[2] else ""
        return f"![{title[2].strip() if title else ''}]({svg_address(standalone(match[1]).encode())}){caption}"

    return _FIGURE.sub(replace, text)


def svg_address(svg):
    """An address that holds the image itself."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def standalone(svg):
    """The SVG as a file: with its namespace, a size, and colours that need no page."""
    svg = _VARIABLE.sub(lambda match: match[1], svg).replace("currentColor", GREY)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()
    svg = re.sub(r'\s+width="100%"', f' width="{width}" height="{height}"', svg, count=1)
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
