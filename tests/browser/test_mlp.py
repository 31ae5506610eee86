"""Milestone 3 in the page: MNIST learned on what the reader typed, its pictures, and digits drawn by mouse, finger and keys."""

import itertools
import re

from playwright.sync_api import expect

from .reader import RUN
from .test_access import violations

SEVEN = [[(0.25, 0.22), (0.72, 0.2), (0.62, 0.45), (0.45, 0.85)]]
LISTEN = """() => { window.said = []; new MutationObserver(() => window.said.push(document.querySelector('[role=status]').textContent))
    .observe(document.querySelector('[role=status]'), {childList: true, characterData: true, subtree: true}); }"""


def pad(page):
    return page.locator("[data-pad]")


def named(page):
    """The digit that the box shows as the most probable, and its share in per cent."""
    cells = pad(page).locator("[data-best=true]").inner_text().split()
    return int(cells[0]), float(cells[1])


def draw(page, strokes):
    """Draw with the mouse; places are parts of the box's width and height."""
    canvas = page.locator(".tt-pad-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()


def by_finger(page, strokes):
    """Draw with a finger, which must not scroll the page."""
    page.locator(".tt-pad-canvas").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, Math.round(scrollY))")  # Chromium goes to a whole pixel at the first touch
    box = page.locator(".tt-pad-canvas").bounding_box()
    touch = page.context.new_cdp_session(page)
    for stroke in strokes:
        for kind, (x, y) in [("touchStart", stroke[0]), *(("touchMove", place) for place in between(stroke))]:
            point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    return box["y"]


def between(stroke, steps=6):
    for (x, y), (u, v) in itertools.pairwise(stroke):
        yield from ((x + (u - x) * i / steps, y + (v - y) * i / steps) for i in range(1, steps + 1))


def test_it_learns_mnist_on_typed_functions_and_names_what_is_drawn(reader):
    page = reader.page
    reader.solve("02.relu", "02.softmax")
    reader.solve("05.take")
    reader.open_milestone("m3")
    expect(pad(page)).to_contain_text("There is no network yet")
    expect(page.locator("[data-program='m3.mnist'] .tt-fetches:not(.tt-runs)")).to_contain_text("MNIST")
    page.evaluate(LISTEN)
    card = reader.program("m3.mnist")
    assert card.act("Run", timeout=RUN) == "passed"
    text = card.output.inner_text()
    right = float(re.search(r"Of 10,000 test digits ([\d.]+)% are right", text)[1])
    assert right >= 95, text
    found = {id: whose for id, (whose, _) in card.credits().items()}
    assert found["02.relu"] == found["02.softmax"] == found["05.take"] == "yours"
    assert found["03.linear"] == "the library's"
    check_pictures(card)
    told = [words for words in page.evaluate("window.said") if words.startswith("Pass ")]
    assert 1 <= len(told) <= 6, "the state of the training is told after each pass, not after each step"

    expect(pad(page)).to_contain_text(f"The network was trained on this page: {right:.1f}% of the test digits right")
    draw(page, SEVEN)
    expect(reader.status).to_contain_text("Named 7")
    digit, share = named(page)
    assert digit == 7 and share > 50
    pad(page).get_by_role("button", name="Clear").click()
    expect(pad(page).locator("[data-best=true]")).to_have_count(0)
    by_keys(reader)
    restart(reader)


def check_pictures(card):
    words = card.output.locator("img[data-place]").evaluate_all("images => images.map(image => image.alt)")
    assert [word.split()[0] for word in words] == ["Loss", "Right", "Table", "The"], words
    assert "after 1,140 of 1,140 steps" in words[0] and "The goal is 95%" in words[1]
    assert "of 10,000 right" in words[2] and "taken for" in words[3]
    widths = card.output.locator("img[data-place]").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert min(widths) > 100


def by_keys(reader):
    """A one: the pen goes to the middle, down goes the pen, and it walks from top to bottom."""
    page = reader.page
    page.locator(".tt-pad-canvas").focus()
    for key, times in (("ArrowRight", 6), (" ", 1), ("ArrowDown", 19), (" ", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    expect(reader.status).to_contain_text("Named 1")
    assert named(page)[0] == 1
    page.keyboard.press("Backspace")
    expect(pad(page).locator("[data-best=true]")).to_have_count(0)


def restart(reader):
    """Python is replaced, as after a program that does not react to Stop: the box knows that its network is gone."""
    page = reader.page
    page.evaluate("window.tinytorch.session.replace(null)")
    expect(pad(page)).to_contain_text(
        "Python was started anew, and the network that was trained here is gone", timeout=60_000
    )
    draw(page, SEVEN)
    expect(pad(page).locator("[data-best=true]")).to_have_count(0)
    reader.reload()
    expect(pad(page)).to_contain_text("You have trained one on an earlier visit")


def colour_of_ink(page):
    """Red, green and blue of what the canvas holds, where there is ink."""
    return page.locator(".tt-pad-canvas").evaluate("""canvas => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) return [...data.slice(i, i + 3)];
    }""")


def test_on_a_phone_all_is_there_in_light_and_dark_and_axe_finds_nothing(phone):
    reader = phone.open_milestone("m3").until_isolated()
    page = reader.page
    assert reader.program("m3.mnist").act("Run", timeout=RUN) == "passed"
    top = by_finger(page, SEVEN)
    expect(reader.status).to_contain_text("Named 7")
    assert named(page)[0] == 7
    assert page.locator(".tt-pad-canvas").bounding_box()["y"] == top, "the finger draws and does not scroll"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == [] and max(colour_of_ink(page)) < 100
    page.locator(".tt-theme:visible").first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert violations(page) == [] and min(colour_of_ink(page)) > 150
