"""Chapter 10 in the page: the reader's own tokenizer colours what is typed."""

from playwright.sync_api import expect

from .test_access import violations
from .test_mlp import LISTEN

LAB = "10.lab-playground"


def tokens(box):
    """(text, id) of each token that the box shows."""
    cells = box.locator("li").evaluate_all(
        "all => all.map(li => [li.querySelector('.tt-token').textContent, +li.querySelector('.tt-token-id').textContent])"
    )
    return [tuple(cell) for cell in cells]


def test_the_tokenizer_that_was_trained_colours_what_is_typed(reader):
    page = reader.page
    reader.open("10")
    box, text = page.locator("[data-token-box]"), page.get_by_label("Your text")
    expect(box).to_contain_text("There is no tokenizer yet. Run the cell above")
    reader.lab(LAB).act("Run")
    expect(box).to_contain_text("Your tokenizer is at work: 1,024 ids.")
    page.evaluate(LISTEN)
    text.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("é the tensor\n")
    expect(box).to_contain_text("13 characters, 14 bytes")
    found = tokens(box)
    assert found[:2] == [("<C3>", 195), ("<A9>", 169)] and found[-1] == ("↵", 10)
    assert "".join(text for text, _ in found[2:]) == "·the·tensor↵" and len(found) < 14
    assert all(id >= 256 for text, id in found if len(text) > 1 and "<" not in text)
    assert box.get_by_role("img", name="line end").count() == 1, "a space and a line end are named for who hears them"
    page.wait_for_function("() => window.said.some(words => words.includes('14 bytes'))")
    assert not violations(page)

    text.fill("")
    expect(box.locator("li")).to_have_count(0)
    expect(box).to_contain_text("0 characters, 0 bytes, 0 tokens.")
    text.focus()
    page.keyboard.insert_text("x" * 3_000)
    expect(box).to_contain_text("2,000 characters")


def test_a_function_of_the_readers_is_asked_and_what_it_does_wrong_is_told(reader):
    page = reader.page
    reader.open("10")
    box = page.locator("[data-token-box]")
    card = reader.lab(LAB)
    own = "from tinytorch.pictures.tokens import offer\nclass Halves:\n    def encode(self, text):\n        return HERE\n    def decode(self, ids):\n        return '?'\noffer(Halves(), 'my own')\n"
    card.run(own.replace("HERE", "[1, 2]"))
    expect(box).to_contain_text("Your tokenizer is at work: my own.")
    expect(box).to_contain_text("Decoded, they give another text.")
    card.run(own.replace("HERE", "[1, 2.5]"))
    expect(box).to_contain_text("could not encode this text")
    expect(box).to_contain_text("encode returned [1, 2.5]; needed is a list of integers")
    expect(box.locator("li")).to_have_count(0)
