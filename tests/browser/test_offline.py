"""After the first visit the network may go: page, exercise, progress page and notebook still work."""

from playwright.sync_api import expect

from tinytorch import learn

from .reader import Reader

FIRST = "01.memory_footprint"
LAB = "01.lab-view-copy"


def ready_for_offline(reader: Reader) -> None:
    """A first visit as a reader makes one: the page is open, Python was used once, the browser got some idle time."""
    reader.until_isolated()
    assert reader.exercise(FIRST).check(learn.exercise(FIRST).solution) == "passed"
    reader.until_saved()
    reader.page.wait_for_function("document.documentElement.dataset.offline === 'ready'", timeout=150_000)


def test_page_and_exercise_without_a_network(new_context, own_server):
    reader = Reader(new_context().new_page(), own_server.url).open("01")
    ready_for_offline(reader)
    own_server.stop()
    reader.reload()
    card = reader.exercise(FIRST)
    assert card.state == "passed"
    assert card.check(learn.exercise(FIRST).solution + "# offline\n") == "passed"
    reader.page.goto(f"{own_server.url}book/progress.html")
    expect(reader.page.locator("main")).to_contain_text("Tensor", timeout=20_000)
    reader.page.goto(own_server.url)
    assert reader.page.locator("h1").first.is_visible()


def test_offline_after_one_look_without_touching_python(new_context, own_server):
    reader = Reader(new_context().new_page(), own_server.url).open("01")
    reader.until_isolated()
    reader.page.wait_for_function("document.documentElement.dataset.offline === 'ready'", timeout=150_000)
    own_server.stop()
    reader.reload()
    assert reader.exercise(FIRST).check(learn.exercise(FIRST).solution) == "passed"
    unseen = learn.chapter("02").exercises[0]
    assert reader.open("02").exercise(unseen.id).check(unseen.solution) == "passed"


LATER = """
import inspect
from tinytorch import Conv2d, GPT
from tinytorch.learn.graph import Graph
from tinytorch import learn
print(Conv2d.__module__, GPT.__module__, Graph.__module__, inspect.getsource(learn.Workshop)[:15])
"""
MODULES = "tinytorch.core.spatial tinytorch.core.transformers tinytorch.pictures.graph class Workshop:"


def test_what_later_chapters_build_comes_when_it_is_imported_with_and_without_a_network(new_context, own_server):
    reader = Reader(new_context().new_page(), own_server.url).open("01")
    ready_for_offline(reader)
    card = reader.lab(LAB)
    card.run(LATER)
    expect(card.output).to_contain_text(MODULES)
    own_server.stop()
    reader.reload()
    card = reader.lab(LAB)
    card.run(LATER)
    expect(card.output).to_contain_text(MODULES)


def test_an_updated_lesson_is_not_hidden_by_the_local_copy(new_context, own_server):
    context = new_context()
    reader = Reader(context.new_page(), own_server.url).open("01")
    ready_for_offline(reader)
    old = reader.page.title()
    page = own_server.site / "modules" / "01_tensor.html"
    text = page.read_text()
    try:
        page.write_text(text.replace("<title>", "<title>Second edition: ", 1))
        reader.reload()
        assert reader.page.title() != old
    finally:
        page.write_text(text)
