"""How Python starts: before the click where the reader's hand announces it, quicker on later visits, each package once."""

from playwright.sync_api import expect

from tinytorch import learn

from .reader import Reader

FIRST = "01.memory_footprint"


def python_is(reader: Reader, *states: str) -> bool:
    return reader.page.locator("html").get_attribute("data-python") in states


def test_a_pointer_that_rests_on_an_exercise_starts_python(reader):
    expect(reader.page.locator("html")).to_have_attribute("data-settled", "true")
    card = reader.exercise(FIRST)
    card.element.scroll_into_view_if_needed()
    assert python_is(reader, "off")
    card.element.hover()
    reader.until_python("ready")


# In the page, so that a busy machine does not make the reader stay.
PASS_BY = """async () => {
  for (let step = 0; step < 8; step++) {
    scrollBy(0, 300);
    await new Promise((next) => setTimeout(next, 100));
  }
  scrollTo(0, 0);
}"""


def test_a_reader_who_stays_at_an_exercise_starts_python_and_one_who_scrolls_by_does_not(reader):
    expect(reader.page.locator("html")).to_have_attribute("data-settled", "true")
    reader.page.evaluate(PASS_BY)
    reader.page.wait_for_timeout(2500)
    assert python_is(reader, "off")
    reader.exercise(FIRST).element.evaluate("element => element.scrollIntoView({ block: 'center' })")
    reader.until_python("ready")


def test_scrolling_starts_nothing_for_a_reader_who_saves_data(new_context, server):
    context = new_context()
    context.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    reader = Reader(context.new_page(), server.url).open("01").until_isolated()
    reader.exercise(FIRST).element.evaluate("element => element.scrollIntoView({ block: 'center' })")
    reader.page.wait_for_timeout(4000)
    assert python_is(reader, "off")


def test_a_start_tells_what_its_parts_took(reader):
    reader.exercise(FIRST).run(learn.exercise(FIRST).solution)
    phases = reader.page.evaluate("window.tinytorch.session.phases")
    assert {"scripts", "WebAssembly", "interpreter", "packages", "NumPy", "tinytorch"} <= set(phases)
    assert all(spent >= 0 for spent in phases.values())


def test_matplotlib_does_not_load_numpy_again(new_context, server):
    context = new_context(service_workers="block")
    asked = []
    context.on("request", lambda request: asked.append(request.url.split("/")[-1].split("-")[0]))
    reader = Reader(context.new_page(), server.url).open("01")
    card = reader.exercise(FIRST)
    assert card.run(learn.exercise(FIRST).solution + "\nimport matplotlib\nprint(matplotlib.__version__)\n") == "idle"
    assert asked.count("matplotlib") == 1 and asked.count("numpy") == 1


def test_a_page_fetches_the_exercises_of_its_own_chapter_and_no_others(new_context, server):
    context = new_context(service_workers="block")
    asked = []
    context.on("request", lambda request: asked.append(request.url.split("/")[-1].split("-")[0]))
    reader = Reader(context.new_page(), server.url).open("01")
    assert reader.exercise(FIRST).check(learn.exercise(FIRST).solution) == "passed"
    assert [name for name in asked if "_chapter_" in name] == ["tinytorch_chapter_01"]
