"""Printed output as it was printed, however many messages the kernel sent it in.

myst-nb ends each message with a line break before it joins them. On a busy machine `print` may be cut
between its text and its line break, and the page would get an empty line there, at another place in each build.
"""

from copy import copy

from myst_nb.core import render

coalesce = render.coalesce_streams


def joined(outputs):
    """Join the messages of each stream that follow one another; myst-nb does the rest."""
    whole = []
    for output in outputs:
        last = whole[-1] if whole else {}
        if output["output_type"] == "stream" == last.get("output_type") and output["name"] == last["name"]:
            last["text"] += output["text"]
        else:
            whole.append(copy(output))  # the notebook's own output stays as it is
    return coalesce(whole)


def setup(app):
    render.coalesce_streams = joined
