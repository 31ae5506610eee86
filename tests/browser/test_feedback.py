"""What the page makes of an outcome: each form of feedback once, as a reader sees and hears it.

The outcomes are those of real runs, made here in the same `Workshop` that runs in the browser, and handed to the
page in the place of its Python. That every kept answer gets the outcome it should is proven without a browser,
in tests/pyodide/test_answers.py.
"""

import base64
import json
import struct
import zlib

import pytest
from playwright.sync_api import expect

from tests.chapters import reading
from tinytorch import learn
from tinytorch.learn.catalog import catalog

from .reader import Card, Reader

BYTES, MATMUL = "01.memory_footprint", "01.matmul"
SIGN = "def memory_footprint(self):\n"


class Played:
    """One run of a real workshop, and the card on which a page plays it again."""

    def __init__(self, button, id, text, passed=None):
        self.button, self.id, self.text = button, id, text
        self.parts = []
        session = learn.Workshop(on_output=self.take, on_picture=self.take)
        try:
            assert session.restore(passed or {}) == []
            act = {
                "Check": session.check,
                "Run": session.run,
                "Lab": lambda id, text: session.run_cell(text, id),
                "Milestone": session.milestone,
            }
            self.outcome = act[button](id, text).to_dict()
        finally:
            session.close()

    def take(self, stream, text):
        self.parts.append([stream, text])


PLAY = """([outcome, parts]) => {
  const { session } = window.tinytorch;
  session.submit = (action, id, text, listener) => {
    window.submitted = { action, id, text };
    listener.begun?.();
    if (parts.length) listener.output?.(parts);
    return Promise.resolve(outcome);
  };
}"""
SHADE = "element => [...element.querySelectorAll('.cm-line')].findIndex(line => line.classList.contains('tt-error-line')) + 1"


@pytest.fixture
def pages(new_context, server):
    """A new reader for each case. A Python that starts on the page is asked nothing: what a button sends, the case answers."""
    return Reader(new_context(service_workers="block").new_page(), server.url)


@pytest.fixture
def play(pages):
    """Put a text into its card, press the button, and let the page have the outcome of the real run."""

    def on(button, id, text, **options) -> Card:
        played = Played(button, id, text, **options)
        (pages.open_milestone if button == "Milestone" else pages.open)(id.partition(".")[0])
        find = {"Lab": pages.lab, "Milestone": pages.program}.get(button, pages.exercise)
        card = find(id)
        pages.page.evaluate(PLAY, [json.loads(json.dumps(played.outcome, default=str)), played.parts])
        card.write(text)
        state = card.act(button if button == "Check" else "Run")
        expected = {"Check": "check", "Run": "run", "Lab": "cell", "Milestone": "milestone"}[button]
        assert pages.page.evaluate("submitted") == {"action": expected, "id": id, "text": text}
        assert state == played.outcome["state"]
        card.outcome = played.outcome
        return card

    return on


def seen(card) -> str:
    return " ".join(card.output.inner_text().split())


def plain(sentence) -> str:
    return " ".join(sentence.replace("`", "").split())


def heard(card, words) -> None:
    expect(card.page.get_by_role("status")).to_contain_text(plain(words))


def rows(card):
    return card.output.locator(".tt-check-row")


def wrong(id, start) -> str:
    """The kept answer whose sentence begins so."""
    exercise = learn.exercise(id)
    return reading.written(exercise, next(one.answer for one in reading.wrong(exercise) if one.words.startswith(start)))


def test_a_pass_counts_the_checks_and_names_each(play):
    exercise = learn.exercise(BYTES)
    card = play("Check", BYTES, exercise.solution)
    count = len(exercise.checks)
    assert f"Passed: {count} of {count} checks." in seen(card)
    assert rows(card).count() == count and card.output.locator("[data-passed=false]").count() == 0
    for check in exercise.checks:
        expect(card.output.locator("[data-passed=true]").filter(has_text=plain(check.title))).to_contain_text("passed")
    expect(card.element.locator("[data-role=state]")).to_have_text("passed")
    heard(card, f"Check passed: {count} of {count}.")


def test_a_known_mistake_is_named_above_what_was_asked_and_came(play):
    card = play("Check", BYTES, wrong(BYTES, "You counted the elements"))
    row = card.output.locator("[data-passed=false]").first
    expect(row.locator(".tt-mistake")).to_contain_text("You counted the elements. The question is bytes")
    expect(row.locator(".tt-message")).to_contain_text("returned 6; expected 24")
    expect(row.locator(".tt-message code")).to_have_text("Tensor([[1, 2, 3], [4, 5, 6]]).memory_footprint()")
    assert row.locator(".tt-facts").count() == 0  # 6 and 24 stand in the sentence already
    expect(card.element.locator("[data-role=state]")).to_have_text("not passed yet")
    heard(card, "You counted the elements")


def test_several_failing_checks_are_all_there_and_the_first_is_told(play):
    card = play("Check", BYTES, SIGN + "    return -1\n")
    failed = [check for check in card.outcome["checks"] if not check["passed"]]
    assert len(failed) == rows(card).count() > 1
    for check, row in zip(failed, rows(card).all(), strict=True):
        expect(row).to_contain_text("failed")
        assert plain(check["message"]) in " ".join(row.inner_text().split())
    assert f"0 of {len(failed)} checks passed." in seen(card)
    heard(card, f"Check failed: 0 of {len(failed)}. {failed[0]['mistake'] or failed[0]['message']}")


def test_values_too_long_for_the_sentence_stand_below_it_in_full(play):
    card = play("Check", MATMUL, "def matmul(self, other):\n    return Tensor(np.arange(1000.0).reshape(50, 20) / 7)\n")
    check = next(
        check
        for check in card.outcome["checks"]
        if not check["passed"] and check["got"] and check["got"] not in check["message"]
    )
    row = card.output.locator("[data-passed=false]").filter(has_text=plain(check["title"])).first
    expect(row.locator("dt")).to_have_text(["Input", "Came back", "Expected"])
    shown = [" ".join(value.split()) for value in row.locator("dd").all_inner_texts()]
    assert shown == [" ".join(check[name].split()) for name in ("input", "got", "expected")]


def test_an_error_inside_a_check_comes_with_the_readers_own_lines(play):
    card = play("Check", BYTES, SIGN + "    size = self.data.sizes\n    return size\n")
    trace = card.output.locator(".tt-traceback").first
    expect(trace).to_contain_text("line 2, in memory_footprint\n    size = self.data.sizes")
    assert "AttributeError" in seen(card) and "workshop.py" not in seen(card)
    expect(card.output.locator("[data-passed=false]").first).to_contain_text("sizes")
    expect(card.element.locator(".tt-error-line")).to_have_text("    size = self.data.sizes")


def test_run_runs_what_stands_in_the_editor_and_says_that_the_function_is_missing(play):
    card = play("Run", BYTES, "x = Tensor([1, 2])\nprint('ran')\nx.data.sum() + 4\n")
    assert card.state == "idle"
    assert "ran" in seen(card) and "7" in seen(card)
    expect(card.output.locator("[data-role=advice]")).to_contain_text("There is no function memory_footprint")


REFUSED = {
    "the starter": (
        BYTES,
        learn.exercise(BYTES).starter,
        "unchanged",
        "memory_footprint is still the starter. Write its body, then check again. (line 1)",
    ),
    "no function": (BYTES, "x = 1\n", "missing", "memory_footprint"),
    "a syntax error": (BYTES, SIGN + "    return self.data.size *\n", "syntax", "Line 2"),
    "another signature": (BYTES, "def memory_footprint(self, unit):\n    return 1\n", "signature", "unit"),
    "what cannot stand in the file": (
        BYTES,
        "from tinytorch import Tensor as T\n" + SIGN + "    return T([1]) is not None and int(self.data.nbytes)\n",
        "overlay",
        "cannot stand in tensor.py",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_text_that_cannot_be_taken_is_refused_with_a_sentence_and_its_line(play, case):
    id, text, kind, words = REFUSED[case]
    card = play("Check", id, text)
    error = card.outcome["error"]
    box = card.output.locator("[data-kind]")
    expect(box).to_have_attribute("data-kind", error["kind"])
    assert kind in (None, error["kind"])
    assert plain(error["sentence"]) in seen(card) and words in seen(card)
    heard(card, error["sentence"])
    marked = card.element.evaluate(SHADE)
    assert marked == (error["line"] or 0)


def test_a_run_shows_what_is_printed_what_is_warned_of_and_the_last_value(play):
    text = (
        learn.exercise(BYTES).solution.rstrip()
        + "\nimport sys\nprint('two', 'words')\nprint('a warning', file=sys.stderr)\nTensor([1.0, 2.0]).memory_footprint()\n"
    )
    card = play("Run", BYTES, text)
    expect(card.output.locator(".tt-stdout")).to_contain_text("two words")
    expect(card.output.locator(".tt-stdout .tt-stderr")).to_have_text("a warning\n")
    expect(card.output.locator(".tt-value")).to_have_text("8")
    heard(card, "Run finished.")


def test_an_error_of_a_run_marks_the_line_and_ends_with_pythons_own_words(play):
    card = play(
        "Run", BYTES, learn.exercise(BYTES).solution.rstrip() + "\ndef halve(x):\n    return x / 0\n\nhalve(1)\n"
    )
    assert card.outcome["state"] == "error"
    expect(card.output.locator(".tt-traceback")).to_contain_text("ZeroDivisionError: division by zero")
    assert plain(card.outcome["error"]["sentence"]) in seen(card)
    assert card.element.evaluate(SHADE) == card.outcome["error"]["line"] > 0
    heard(card, "Run ended with an error:")


def test_a_stopped_run_says_so_and_is_no_failure(play):
    card = play("Run", BYTES, learn.exercise(BYTES).solution.rstrip() + "\nraise KeyboardInterrupt\n")
    assert card.outcome["error"]["kind"] == "interrupted"
    heard(card, card.outcome["error"]["sentence"])
    assert card.output.locator(".tt-traceback").count() == 0


def test_output_without_end_is_cut_and_says_where(play):
    card = play("Lab", "01.lab-nearest", "for number in range(3000):\n    print('line', number)\n")
    assert card.outcome["cut"]
    lines = card.output.locator(".tt-stdout").inner_text()
    assert "line 1999\n" in lines and "line 2001" not in lines
    assert "[Output cut here: a run shows at most 2,000 lines or 200,000 characters. The code runs on.]" in lines


def test_input_is_refused(play):
    card = play("Lab", "01.lab-nearest", "input('name? ')\n")
    assert card.state == "error" and plain(card.outcome["error"]["sentence"]) in seen(card)


def png() -> bytes:
    """A picture of three by two grey points."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\x00\x40\x80\xc0" * 2))
        + chunk(b"IEND", b"")
    )


SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30"/></svg>'
RICH = "class Shown:\n    def _repr_{kind}_(self):\n        return {value!r}\nShown()\n"


@pytest.mark.parametrize("kind, value, size", [("png", png(), (3, 2)), ("svg", SVG, (40, 30))], ids=["png", "svg"])
def test_a_picture_is_shown_as_a_picture(play, kind, value, size):
    card = play("Lab", "01.lab-nearest", RICH.format(kind=kind, value=value))
    image = card.output.locator(".tt-figure img")
    image.evaluate("image => image.decode()")
    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == list(size)
    if kind == "png":
        assert base64.b64decode(image.get_attribute("src").partition("base64,")[2]) == value


def test_html_is_shown_and_what_could_run_or_ask_another_host_is_not(play):
    html = '<table><tr><th>n</th><td style="color: red">7</td></tr></table><script>window.ran = 1</script><img src="https://example.org/x.png" onerror="window.ran = 2"><a href="https://example.org">out</a>'
    card = play("Lab", "01.lab-nearest", RICH.format(kind="html", value=html))
    expect(card.output.locator(".tt-html td")).to_have_text("7")
    assert card.output.locator("script, [src^=http], [href^=http], [onerror]").count() == 0
    assert card.page.evaluate("window.ran") is None


def test_the_value_of_a_cell_is_its_repr_and_none_is_nothing(play):
    card = play("Lab", "01.lab-nearest", "'<b>' + 'x' * 5\n")
    expect(card.output.locator(".tt-value")).to_have_text("'<b>xxxxx'")
    assert play("Lab", "01.lab-nearest", "None\n").output.locator(".tt-display").count() == 0


def test_a_milestone_that_is_reached_says_whose_functions_ran(play):
    passed = {exercise.id: exercise.solution for exercise in learn.chapter("01").exercises}
    program = catalog().program("m1.perceptron")
    card = play("Milestone", program.id, program.code.rstrip(), passed=passed)
    count = len(program.goals)
    assert f"Reached: {count} of {count} goals." in seen(card)
    credits = {
        credit["id"]: ("yours" if credit["yours"] else "the library's", credit["calls"])
        for credit in card.outcome["credits"]
    }
    assert card.credits() == credits and {whose for whose, _ in credits.values()} == {"yours", "the library's"}
    mine = sum(whose == "yours" for whose, _ in credits.values())
    expect(card.output.locator("[data-role=credits]")).to_contain_text(
        f"This run called {len(credits)} functions of the book's exercises. {mine} of them"
    )
    assert (
        card.output.locator("img[data-place]")
        .first.get_attribute("alt")
        .endswith("4 points and a line; 0 on the wrong side")
    )
    heard(card, f"Milestone program reached: {count} of {count} goals.")


def test_a_milestone_that_falls_short_names_the_goal_and_the_function(play):
    broken = {"01.transpose": "def transpose(self, dim0=-2, dim1=-1):\n    return wrap(self.data.T * 0 + 1, self)\n"}
    program = catalog().program("m1.perceptron")
    card = play("Milestone", program.id, program.code.rstrip(), passed=broken)
    missed = [check for check in card.outcome["checks"] if not check["passed"]]
    assert missed and "Fell short:" in seen(card)
    for check in missed:
        expect(card.output.locator("[data-passed=false]").filter(has_text=plain(check["title"]))).to_contain_text(
            "missed"
        )
    advice = card.output.locator("[data-role=advice]")
    expect(advice.locator("code").first).to_have_text("Tensor.transpose")
    assert plain(card.outcome["advice"]) == " ".join(advice.inner_text().split())
    heard(card, card.outcome["advice"])
