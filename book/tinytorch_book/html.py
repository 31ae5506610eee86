"""Small pieces of HTML: escaping, highlighted code, Markdown fragments, formulas.

Questions, hints and explanations are fragments: short Markdown without MyST, rendered here, because the page's
script needs them as text. What stands in the page's flow is parsed by Sphinx instead.
"""

import ast
import html
import json
import re
from functools import cache

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_MYST = re.compile(r"\{[\w:-]+\}`|^```\{", re.M)


def escape(text):
    return html.escape(str(text), quote=True)


def attributes(**pairs):
    """' key="value"' for each pair; `_` becomes `-`, True gives the bare name, None and False nothing."""
    text = ""
    for key, value in pairs.items():
        name = key.rstrip("_").replace("_", "-")
        if value is True:
            text += f" {name}"
        elif value not in (None, False):
            text += f' {name}="{escape(value)}"'
    return text


def code(source, language="python"):
    """Highlighted code as `<div class="highlight"><pre>…`; the colours are in book/styles/code.css."""
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False)
    text = highlight(source.rstrip("\n") + "\n", lexer, HtmlFormatter(nowrap=True))
    return f'<div class="highlight"><pre tabindex="0"><code>{text.rstrip()}</code></pre></div>'


def without_mistakes(source):
    """A check's code without its `mistakes=` arguments: what is asked, not what is said when it goes wrong."""
    lines = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:i])) for i in range(len(lines) + 1)]
    text = source.encode()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    found = [keyword for call in calls for keyword in call.keywords if keyword.arg == "mistakes"]
    for keyword in sorted(found, key=lambda k: (k.lineno, k.col_offset), reverse=True):
        begin = text.rindex(b",", 0, starts[keyword.lineno - 1] + keyword.col_offset)
        text = text[:begin] + text[starts[keyword.value.end_lineno - 1] + keyword.value.end_col_offset :]
    return text.decode()


# What latex2mathml leaves to wish for: arrows that are no operators, names such as log without room around them,
# bars with too much of it. A single letter is set in the italic of the text, not in a font that may not be there.
_MATH = [
    (re.compile(r"<mi>(&#x0(?:2[1]9|27F).;)</mi>"), r"<mo>\1</mo>"),
    (re.compile(r"<mo>([a-z]{3,}|&#x0221E;)</mo>"), r"<mi>\1</mi>"),
    (re.compile(r"(?<!<msub>)(?<!<msup>)(?<!<munder>)(<mi>[a-z]{2,}</mi>)(?!</|<mo)"), r'\1<mspace width="0.167em" />'),
    (re.compile(r"(</(?:mi|mn|msub|msup)>|&#x00029;</mo>)(<mi>[a-z]{2,}</mi>)"), r'\1<mspace width="0.167em" />\2'),
    (re.compile(r"<mo([^>]*)>(&#x0007C;)"), r'<mo\1 lspace="0" rspace="0">\2'),
    (re.compile(r"<mi>([A-Za-z])</mi>"), r'<mi mathvariant="normal" class="tt-letter">\1</mi>'),
]


def mathml(source, block=False):
    """A formula in TeX as MathML, with its source as text for those who copy it."""
    text = convert(source.strip(), display="block" if block else "inline")
    for pattern, better in _MATH:
        text = pattern.sub(better, text)
    return text.replace("<math ", f"<math{attributes(alttext=source.strip())} ", 1)


@cache
def _markdown():
    parser = MarkdownIt("commonmark", {"highlight": lambda text, language, _: code(text, language)}).enable("table")
    return parser.use(
        dollarmath_plugin, double_inline=True, renderer=lambda source, options: mathml(source, options["display_mode"])
    )


def fragment(text, where):
    """HTML of a Markdown fragment. `where` names it in the error for MyST, which cannot stand here."""
    if _MYST.search(text):
        raise ValueError(f"{where} is plain Markdown: roles and directives of MyST cannot stand in it.")
    rendered = _markdown().render(text)
    return re.sub(r'<pre><code[^>]*>(<div class="highlight">.*?</div>)\s*</code></pre>', r"\1", rendered, flags=re.S)


def inline(text, where):
    """HTML of a fragment that is one paragraph, without the paragraph."""
    rendered = fragment(text.strip(), where).strip()
    match = re.fullmatch(r"<p>(.*)</p>", rendered, flags=re.S)
    return match[1] if match and "<p>" not in match[1] else rendered


def data_script(record):
    """The JSON that a page's script reads, safe inside HTML."""
    text = json.dumps(record, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" data-role="data">{text}</script>'
