"""What a cell shows beside text: tables, figures, and names to complete; nothing of it from another host."""

import pytest
from playwright.sync_api import expect

from .reader import Card, Reader


@pytest.fixture
def lab(reader) -> Card:
    return reader.lab(reader.page.locator("[data-lab]").first.get_attribute("data-lab"))


def test_matplotlib_is_fetched_when_it_is_imported_and_its_figure_shown(reader, lab):
    assert lab.run("1 + 1") == "idle"
    fetched = "performance.getEntriesByType('resource').filter(entry => entry.name.includes('matplotlib')).length"
    assert reader.page.evaluate(fetched) == 0
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9])\nplt.title('squares')\n"
    assert lab.run(plot) == "idle"
    picture = lab.output.locator("img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 200


def test_a_value_with_html_of_its_own_is_shown_without_its_scripts(reader, lab):
    lab.run(
        "class Table:\n"
        "    def _repr_html_(self):\n"
        "        return '<table><tr><td>cell</td></tr></table><script>window.ran = 1</script>"
        '<img src="https://example.org/x.png" onerror="window.ran = 2">\'\n'
        "Table()\n"
    )
    expect(lab.output.locator("td")).to_have_text("cell")
    assert reader.page.evaluate("window.ran") is None


def test_names_are_completed_from_the_live_session(reader, lab):
    lab.run("my_own_tensor = Tensor([1, 2])")
    lab.write("my_own_tensor.memory_f")
    reader.page.keyboard.press("Control+Space")
    expect(reader.page.locator(".cm-tooltip-autocomplete")).to_contain_text("memory_footprint")


def test_warnings_and_errors_show_the_readers_own_lines_only(lab):
    assert lab.run("def halve(x):\n    return x / 0\n\nhalve(1)\n") == "error"
    shown = lab.output.inner_text()
    assert "ZeroDivisionError" in shown and "line 2" in shown
    assert "workshop.py" not in shown and "pyodide" not in shown


def test_python_stays_ready_long_after_a_package_was_loaded(new_context, server):
    """The clock that watches a start must not run on when a package is fetched later."""
    page = new_context(service_workers="block").new_page()
    page.clock.install()
    reader = Reader(page, server.url).open("01")
    lab = reader.lab(page.locator("[data-lab]").first.get_attribute("data-lab"))
    assert lab.run("import matplotlib; print(matplotlib.__version__)") == "idle"
    page.clock.fast_forward(120_000)
    reader.until_python("ready", timeout=1000)
    assert lab.run("print('still', 'here')") == "idle"
    assert "still here" in lab.output.inner_text()


# The height of each editor's place: as printed, and whenever it changes. The scratch editor is printed nowhere.
HEIGHTS = """document.addEventListener("DOMContentLoaded", () => {
  window.heights = [...document.querySelectorAll("[data-role=editor]")].map((host) => {
    const seen = [host.offsetHeight];
    new ResizeObserver(() => seen.push(host.getBoundingClientRect().height)).observe(host);
    return seen;
  });
})"""


@pytest.mark.parametrize("width", [1366, 390])
def test_nothing_moves_when_the_editors_come_or_are_scrolled_to(new_context, server, width):
    """An editor far below is not measured by CodeMirror, and a page that jumps under a click loses it."""
    context = new_context(viewport={"width": width, "height": 768})
    context.add_init_script(HEIGHTS)
    page = Reader(context.new_page(), server.url).open_milestone("m2").until_isolated().page
    editors = page.locator("[data-role=editor] .cm-editor")
    expect(editors).to_have_count(page.locator("[data-role=editor]").count())
    last = page.locator(".tt-page > *").last
    expect(last).to_have_attribute("id", "scratch")  # it comes later, and nothing stands below it that it could move
    for editor in editors.all():
        editor.scroll_into_view_if_needed()
        editor.evaluate("() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))")
    heights = page.evaluate("heights")
    assert len(heights) == editors.count() - 1 and all(max(seen) - min(seen) < 1 for seen in heights), heights


def test_an_editor_takes_the_room_of_what_is_typed(reader, lab):
    place = lab.element.locator("[data-role=editor]")
    before = place.bounding_box()["height"]
    lab.write("\n".join(f"line_{number} = {number}" for number in range(60)))
    assert place.bounding_box()["height"] > before + 300
    lab.write("1 + 1")
    assert place.bounding_box()["height"] < before
