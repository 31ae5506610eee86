"""Milestone 5 in the page: a transformer learns on what the reader typed, and answers what the reader types."""

import re
import shutil

from playwright.sync_api import expect

from tinytorch import learn

from .reader import RUN
from .test_access import violations


def box(page, program="m5.talks"):
    return page.locator(f"[data-prompt='{program}']")


def ask(page, text):
    """Type a prompt and press Enter; return the answer when it is over."""
    field = box(page).get_by_label("Your question")
    field.fill(text)
    field.press("Enter")
    expect(box(page).get_by_role("button", name="Send")).to_be_visible(timeout=30_000)
    return "".join(piece.text_content() for piece in box(page).locator(".tt-prompt-token").all()).replace("␣", " ")


def set_slider(page, name, keys):
    slider = box(page).get_by_label(name)
    slider.focus()
    for key in keys:
        page.keyboard.press(key)


def test_attention_is_what_it_takes_to_write_backwards(reader):
    reader.solve("12.masked_softmax", "12.split_heads")
    reader.open_milestone("m5").until_isolated()
    card = reader.program("m5.reverse")
    assert card.act("Run", timeout=RUN) == "passed", card.output.inner_text()
    text = card.output.inner_text()
    assert re.search(r"without attention +copied 100.0% +reversed +\d\.\d%", text), text
    found = {id: whose for id, (whose, _) in card.credits().items()}
    assert found["12.masked_softmax"] == found["12.split_heads"] == "yours"
    (words,) = card.output.locator("img[data-place]").evaluate_all("images => images.map(image => image.alt)")
    assert "1 at 8" in words and "8 at 1" in words, "the anti-diagonal is said in words too"


def judged(text):
    """How a run did: its share, what it got wrong, and what it said to questions about what it was never told."""
    return re.search(r"Held out: [\d.]+% of \d+ word for word.*?six plus one\?[^\n]*", text, re.S)[0].split("\n")


def in_a_terminal(file, home, monkeypatch):
    """What the run in a file comes to, where nothing is learned any more."""
    (home / "runs").mkdir()
    shutil.copy(file, home / "runs" / "talks-4.npz")
    monkeypatch.setenv("TINYTORCH_HOME", str(home))
    said = []
    session = learn.Workshop(on_output=lambda stream, text: said.append(text))
    outcome = session.milestone("m5.talks", shorter=True)
    session.close()
    text = "".join(said)
    assert outcome.state == "passed" and "Going on after 12 passes" in text, text
    return text


def test_it_answers_what_the_reader_types_here_and_in_a_terminal(reader, tmp_path, monkeypatch):
    page = reader.open_milestone("m5").until_isolated().page
    expect(box(page)).to_contain_text("There is no network yet")
    card = reader.program("m5.talks")
    assert card.act("Run the shorter form", timeout=RUN) == "passed", card.output.inner_text()
    share = re.search(r"Held out: ([\d.]+)% of \d+ word for word", card.output.inner_text())[1]
    expect(box(page)).to_contain_text(f"The network was trained on this page: {share}% of the held-out questions right")

    with page.expect_download() as waiting:
        card.element.get_by_role("button", name="Save as a file").click()
    there = in_a_terminal(waiting.value.path(), tmp_path, monkeypatch)
    assert judged(there) == judged(card.output.inner_text())

    assert ask(page, "what does a CAT say") == "A cat says meow.end"
    expect(reader.status).to_contain_text("A cat says meow.")
    expect(box(page)).to_contain_text(re.compile(r"\d+ tokens in [\d.]+ s: [\d.]+ ms a token"))
    table = box(page).locator("table")
    expect(table.locator("tbody tr")).to_have_count(5)
    last = box(page).locator(".tt-prompt-token").last
    last.focus()
    page.keyboard.press("ArrowLeft")
    expect(box(page).locator(".tt-prompt-token[aria-pressed=true]")).to_be_focused()
    assert violations(page) == []

    again = {ask(page, "How much is a house?") for _ in range(3)}
    assert len(again) == 1, "at temperature 0 nothing is left to chance"
    set_slider(page, "Temperature", ["End"])
    assert len({ask(page, "How much is a house?") for _ in range(6)}) > 1
    set_slider(page, "Top-k", ["Home"])
    assert {ask(page, "How much is a house?") for _ in range(2)} == again

    ask(page, "  ")
    expect(box(page)).to_contain_text("The prompt is empty")
    ask(page, "why " * 60)
    expect(box(page)).to_contain_text(re.compile(r"The prompt has \d+ tokens\. The network can look at \d+"))
    assert ask(page, "What does a cat say?") == "A cat says meow.end"

    page.evaluate("window.tinytorch.session.replace(null)")
    expect(box(page)).to_contain_text("Python was started anew", timeout=60_000)
    reader.reload()
    expect(box(page)).to_contain_text("You have trained one on an earlier visit")


def test_on_a_phone_the_page_fits_in_light_and_dark_and_axe_finds_nothing(phone):
    page = phone.open_milestone("m5").until_isolated().page
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page) == []
        page.locator(".tt-theme:visible").first.click()
