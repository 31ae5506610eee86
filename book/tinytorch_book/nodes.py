"""A doctree node that is an HTML element, so that Sphinx parses what is inside it.

    element("section", [child, …], class_="tt-exercise", id="ex-sum")

Builders other than HTML show the children and leave the element out.
"""

from docutils import nodes

from .html import attributes


class tt_element(nodes.General, nodes.Element):
    pass


def element(tag, children=(), **pairs):
    node = tt_element(tag=tag, pairs=pairs)
    if pairs.get("id"):
        node["ids"] = [pairs["id"]]
    node += list(children)
    return node


def raw(text):
    """HTML that is already complete."""
    return nodes.raw("", text, format="html")


def _visit(self, node):
    self.body.append(f"<{node['tag']}{attributes(**node['pairs'])}>")


def _depart(self, node):
    self.body.append(f"</{node['tag']}>\n")


def _pass(self, node):
    """Builders without HTML: the children speak for themselves."""


def setup(app):
    app.add_node(
        tt_element, html=(_visit, _depart), **dict.fromkeys(("latex", "text", "man", "texinfo"), (_pass, _pass))
    )
