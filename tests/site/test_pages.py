"""The built pages: the contract with the page's script, reading without it, and nothing from elsewhere.

The sample book is built here; where the whole site is built (`make build`), its pages are looked at too.
"""

import gzip
import itertools
import json
import os
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

import tinytorch
from tinytorch_book.html import mathml

from .conftest import ROOT

SITE = ROOT / "build" / "site"


@cache
def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def pages(folder):
    return [
        path for path in folder.rglob("*.html") if not {"lite", "jupyter_execute"} & set(path.relative_to(folder).parts)
    ]


@pytest.fixture(params=["sample", "site"])
def folder(request):
    """The sample book's pages, and the site's."""
    if request.param == "sample":
        return request.getfixturevalue("sample_book")
    if not (SITE / "index.html").exists():
        pytest.skip("the site is not built; `make build` builds it")
    return SITE


@pytest.fixture
def chapter(sample_book):
    return soup(sample_book / "modules/01_tensor.html")


def test_an_exercise_has_the_parts_that_the_script_looks_for(folder):
    page = soup(folder / "modules/01_tensor.html")
    exercises = page.select("section.tt-exercise")
    assert exercises
    for exercise in exercises:
        name = exercise["data-exercise"].partition(".")[2]
        assert exercise["id"] == f"ex-{name}" and exercise["data-state"] == "idle"
        assert page.find(id=exercise["aria-labelledby"])["role"] == "heading"
        for role in ("state", "editor", "buttons", "output", "hints", "data"):
            assert len(exercise.select(f'[data-role="{role}"]')) == 1, f"{name}: one {role}"
        data = json.loads(exercise.select_one('[data-role="data"]').string)
        assert set(data) == {"id", "number", "title", "place", "edition", "starter", "solution"}
        assert data["id"] == exercise["data-exercise"]


def test_the_starter_on_the_page_is_the_starter_in_the_data(folder):
    for exercise in soup(folder / "modules/01_tensor.html").select("section.tt-exercise"):
        data = json.loads(exercise.select_one('[data-role="data"]').string)
        shown = exercise.select_one('[data-role="editor"] pre').get_text()
        assert shown.strip() == data["starter"].strip()
        assert data["solution"].strip() not in shown, "the solution must not stand on the page"


def test_questions_are_forms_with_their_answers_folded(folder):
    for question in soup(folder / "modules/01_tensor.html").select("section.tt-question"):
        assert question.form.fieldset.legend
        buttons = question.select('button[type="submit"]')
        assert [button.get_text() for button in buttons] in (["Check answer"], ["Compare with a model answer"])
        assert question.select_one('details[data-role="explanation"] summary')
        data = json.loads(question.select_one('[data-role="data"]').string)
        assert data["kind"] == question["data-kind"] and data["id"] == question["data-question"]
        if data["kind"] == "choice":
            assert len(question.select('input[type="radio"]')) == len(data["whys"])


def test_a_lab_shows_its_output_from_the_build(chapter):
    lab = chapter.select_one("section.tt-lab")
    assert lab["data-lab"] == "01.lab-double-n" and lab["id"] == "lab-double-n"
    assert "2000 8000" in lab.select_one('[data-role="output"]').get_text()
    assert "np.zeros" in json.loads(lab.select_one('[data-role="data"]').string)["starter"]


def test_without_scripts_everything_can_be_read(chapter):
    text = chapter.select_one("main").get_text()
    for words in (
        "How many bytes the numbers",
        "def memory_footprint",
        "Look at what the array knows",
        "An empty tensor takes none",
        "expect(Tensor([]).memory_footprint(), 0)",
        "The numbers stay where they are",
        "Half the bytes, half the traffic",
        "48",
    ):
        assert words in text, f"{words!r} cannot be read without scripts"


def test_formulas_are_mathml_and_need_no_script(chapter):
    assert chapter.find("math")["alttext"] == "N"


@pytest.mark.parametrize(
    "tex, part",
    [
        (r"t \log p", '</mi><mspace width="0.167em" /><mi>log</mi><mspace width="0.167em" /><mi '),
        (r"\log(x)", '<mi>log</mi><mo stretchy="false">'),
        (r"\log_2 N", "<msub><mi>log</mi><mn>2</mn></msub>"),
        (r"\max(x, 0)", "<mi>max</mi><mo "),
        (r"a \iff b", "<mo>&#x027FA;</mo>"),
        (
            r"|x|",
            '<mo stretchy="false" lspace="0" rspace="0">&#x0007C;</mo><mi mathvariant="normal" class="tt-letter">x</mi>',
        ),
        (r"\sqrt{\pi}", "<msqrt><mrow><mi>&#x003C0;</mi></mrow></msqrt>"),
    ],
)
def test_a_formula_has_room_where_room_belongs(tex, part):
    assert part in mathml(tex)


def test_the_signs_of_formulas_have_a_font_of_our_own(folder):
    """Without one that knows how a root grows, a browser leaves the root out."""
    style = (folder / "_static" / "tinytorch" / "book.css").read_text()
    name = re.search(r"fonts/math-signs[^\"]*", style)[0]
    assert re.search(r'math \{ font-family: "TinyTorch Math Signs"', style)
    assert (folder / "_static" / "tinytorch" / name).stat().st_size < 10_000


def test_the_page_says_where_it_is(folder):
    for path in pages(folder):
        meta = soup(path).find("meta", attrs={"name": "tinytorch"})
        assert meta["data-root"] == "../" * (len(path.relative_to(folder).parts) - 1)
        assert meta["data-version"] and meta["data-tier"]


def test_every_page_names_the_version_in_its_foot_and_has_the_script_that_adds_the_commit(folder):
    for path in pages(folder):
        page = soup(path)
        assert page.select_one("footer .tt-version").get_text() == f"Version {tinytorch.__version__}"
        assert page.select_one('script[src$="_static/tinytorch/theme.js"]')


def test_the_built_site_has_its_commit_in_that_script():
    script = SITE / "_static/tinytorch/theme.js"
    if not script.exists():
        pytest.skip("the site is not built; `make build` builds it")
    commit = re.search(r'const commit = "(.*?)";', script.read_text())[1]
    assert re.fullmatch(r"[0-9a-f]{12}(, modified)?", commit) or not (ROOT / ".git").exists()


def test_the_head_of_a_chapter_leads_to_its_notebook(chapter):
    links = {a.get_text(): a["href"] for a in chapter.select(".tt-doors a")}
    assert links == {
        "Open as notebook": "../lite/notebooks/index.html?path=01_tensor.ipynb",
        "Download the notebook": "../notebooks/01_tensor.ipynb",
    }


def test_the_connection_map_is_lists(chapter):
    columns = chapter.select(".tt-map > div")
    assert [column.p.get_text() for column in columns] == ["Requires", "This chapter", "Unlocks"]
    assert [item.get_text(" ", strip=True) for item in columns[2].select("li")] == ["02 Activations", "03 Layers"]


LOADING = (
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("source", "src"),
    ("iframe", "src"),
    ("video", "src"),
    ("form", "action"),
)


def test_nothing_is_loaded_from_elsewhere(folder):
    for path in pages(folder):
        page = soup(path)
        for tag, key in LOADING:
            for element in page.find_all(tag):
                address = urlsplit(element.get(key) or "")
                assert not address.netloc and address.scheme in ("", "data"), f"{path.name} loads {element[key]}"
        for text in [style.get_text() for style in page.find_all("style")] + [
            str(element["style"]) for element in page.select("[style]")
        ]:
            assert "//" not in text
    for sheet in (folder / "_static/tinytorch").glob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import", sheet.read_text(encoding="utf-8"))


def test_pages_load_no_style_or_script_of_another_theme(folder):
    for path in pages(folder):
        sheets = [link["href"].rpartition("/")[2] for link in soup(path).select('link[rel="stylesheet"]')]
        assert sheets == ["book.css"]


def test_internal_links_lead_somewhere(folder):
    for path in pages(folder):
        for link in soup(path).select("a[href]"):
            address = urlsplit(link["href"])
            if address.scheme or address.path.startswith(("../lite/", "../notebooks/")):
                continue
            target = Path(os.path.normpath(path.parent / unquote(address.path))) if address.path else path
            assert target.exists(), f"{path.name} links to {link['href']}"
            if address.fragment and target.suffix == ".html":
                assert soup(target).find(id=unquote(address.fragment)), f"{path.name} links to {link['href']}"


def test_styles_name_only_files_that_are_there(folder):
    sheet = folder / "_static/tinytorch/book.css"
    for name in re.findall(r"url\(\"?([^\")]+)", sheet.read_text(encoding="utf-8")):
        assert (sheet.parent / name).exists(), name


def test_headings_are_in_order_and_ids_are_unique(folder):
    for path in pages(folder):
        page = soup(path)
        levels = [int(h.get("aria-level") or h.name[1]) for h in page.select("h1, h2, h3, h4, h5, h6, [role=heading]")]
        assert levels.count(1) == 1 and levels[0] == 1, f"{path.name}: {levels}"
        for before, after in itertools.pairwise(levels):
            assert after <= before + 1, f"{path.name}: a heading of level {after} follows one of level {before}"
        ids = [element["id"] for element in page.select("[id]")]
        assert len(ids) == len(set(ids)), f"{path.name}: {sorted(i for i in set(ids) if ids.count(i) > 1)}"


def test_the_catalog_points_at_what_is_there(folder):
    catalog = json.loads((folder / "_static/tinytorch/catalog.json").read_text(encoding="utf-8"))
    assert catalog["version"] and len(catalog["chapters"]) + len(catalog["planned"]) == 20
    for chapter in catalog["chapters"]:
        page = soup(folder / chapter["page"])
        for entry in chapter["exercises"] + chapter["questions"] + chapter["labs"]:
            assert page.find(id=entry["anchor"]), entry


def test_a_chapter_page_is_small(folder):
    """What a page loads beside the editor and Python: HTML, styles, fonts."""
    page = folder / "modules/01_tensor.html"
    files = [page, folder / "_static/tinytorch/book.css", folder / "_static/tinytorch/theme.js"]
    size = sum(len(gzip.compress(file.read_bytes())) for file in files)
    size += sum(file.stat().st_size for file in (folder / "_static/tinytorch/fonts").glob("*.woff2"))
    assert size < 250_000


def colours(theme):
    """The custom properties of one theme, as written in tokens.css."""
    text = (ROOT / "book/styles/tokens.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"(--tt-[\w-]+): (#[0-9a-f]{6})", part)) for part in text.split('html[data-theme="dark"]')
    )
    return light if theme == "light" else {**light, **dark}


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


TIERS = ("foundation", "architecture", "optimization", "capstone")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_colour_stands_out_from_every_ground(theme):
    table = colours(theme)
    texts = [
        "fg",
        "muted",
        "good",
        "bad",
        "warn",
        *TIERS,
        *(f"syn-{part}" for part in ("keyword", "string", "number", "comment", "name", "def")),
    ]
    for text in texts:
        for ground in ("bg", "card", "code-bg"):
            ratio = contrast(table[f"--tt-{text}"], table[f"--tt-{ground}"])
            assert ratio >= 4.5, f"{theme}: {text} on {ground} has {ratio:.2f}"
    for tier in TIERS:
        assert contrast(table["--tt-on-accent"], table[f"--tt-{tier}"]) >= 4.5
        assert contrast(table["--tt-fg"], table[f"--tt-{tier}-soft"]) >= 4.5
    for kind in ("good", "bad", "warn"):
        assert contrast(table["--tt-fg"], table[f"--tt-{kind}-soft"]) >= 4.5
    assert contrast(table["--tt-edge"], table["--tt-card"]) >= 3, "the edges of inputs and buttons"
