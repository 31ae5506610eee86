"""Milestones: programs that run on the reader's own package, and what is said when they fall short."""

import gc
import io
import re
import sys
import zipfile
from urllib.parse import unquote

import pytest

from tinytorch import learn
from tinytorch.learn.catalog import Catalog, Chapter, Check, Program
from tinytorch.learn.doors.reporting import report, report_run
from tinytorch.learn.keeping import standing
from tinytorch.learn.keeping.progress import Progress
from tinytorch.learn.overlay import Overlay
from tinytorch.pictures import live

from .conftest import PACKAGE, code

TEXT = code(f"""
    from {PACKAGE} import Tensor, scale
    from {PACKAGE}.core.tensor import total
    seen = "secret" in globals()
    size = Tensor([[1, 2, 3], [4, 5, 6]]).memory_footprint()
    doubled = total(scale([1, 2]))
    print("doubled", doubled)
""")
GOALS = (Check("Six numbers take 24 bytes", "expect(size, 24)"), Check("Twice 1 and 2 is 6", "expect(doubled, 6)"))
MINE = {"01.scale": "def scale(values, by=2.0):\n    return [by * value for value in values]\n"}
BROKEN = {"01.scale": "def scale(values, by=2.0):\n    return [value + by for value in values]\n"}


@pytest.fixture
def catalog(catalog):
    program = Program("m1.bytes", "bytes", "Count", TEXT, GOALS)
    return Catalog(catalog.chapters, PACKAGE, (Chapter("m1", 1, "first", "First", programs=(program,)),))


def whose(outcome):
    return {credit.id: (credit.yours, credit.calls) for credit in outcome.credits}


def test_a_run_without_any_passed_exercise_is_the_library_alone(workshop, printed):
    outcome = workshop.milestone("m1.bytes")
    assert outcome.error is None and outcome.state == "passed"
    assert whose(outcome) == {"01.memory_footprint": (False, 1), "01.scale": (False, 1), "01.total": (False, 1)}
    assert "".join(text for _, text in printed) == "doubled 6.0\n"


def test_what_the_reader_passed_is_what_runs(workshop):
    assert workshop.restore(MINE) == []
    outcome = workshop.milestone("m1.bytes")
    assert outcome.state == "passed"
    assert whose(outcome)["01.scale"] == (True, 1) and whose(outcome)["01.total"] == (False, 1)


def test_the_session_is_fresh_and_stays_as_it_was(workshop):
    workshop.run_cell("secret = 1")
    before = dict(sys.modules)
    outcome = workshop.milestone("m1.bytes", TEXT + "assert not seen\nleft_behind = 1\n")
    assert outcome.state == "passed"
    assert "left_behind" not in workshop.session and workshop.session["secret"] == 1
    assert {name: module for name, module in sys.modules.items() if name.startswith(PACKAGE)} == {
        name: module for name, module in before.items() if name.startswith(PACKAGE)
    }


def test_what_a_run_leaves_in_memory_is_gone_when_the_next_begins(workshop, monkeypatch):
    """Its functions and its names hold each other; data of 100 MB must not wait until Python happens to look."""
    monkeypatch.setattr(sys, "kept", [], raising=False)
    text = TEXT + "import sys, weakref\nclass Data: pass\ndata = Data()\ndef use(): return data\n"
    text += "living = [ref() is not None for ref in sys.kept]\nsys.kept.append(weakref.ref(data))\nprint(living)\n"
    gc.disable()
    try:
        for expected in ("[]", "[False]", "[False, False]"):
            said = []
            workshop.on_output = lambda stream, text, said=said: said.append(text)
            assert workshop.milestone("m1.bytes", text).state == "passed"
            assert "".join(said).strip().endswith(expected)
    finally:
        gc.enable()


def test_a_broken_function_of_the_reader_is_named(workshop):
    workshop.restore(BROKEN)
    outcome = workshop.milestone("m1.bytes")
    assert outcome.state == "failed"
    assert [check.passed for check in outcome.checks] == [True, False]
    assert "`doubled` gave" in outcome.checks[1].message or "doubled" in outcome.checks[1].message
    assert "your `scale` (chapter 01) all goals are reached" in outcome.advice


def test_a_function_that_raises_is_named_with_its_line(workshop):
    workshop.restore({"01.scale": "def scale(values, by=2.0):\n    return values.double()\n"})
    outcome = workshop.milestone("m1.bytes")
    assert outcome.state == "error"
    assert "double" in outcome.error.sentence and "core/tensor.py" in outcome.error.sentence
    assert "your `scale` (chapter 01) all goals are reached" in outcome.advice
    assert whose(outcome)["01.scale"] == (True, 1)


def test_two_broken_functions_are_named_together(workshop):
    workshop.restore({**BROKEN, "01.total": "def total(values):\n    return 0\n"})
    outcome = workshop.milestone("m1.bytes")
    assert "functions in the place of your `scale` (chapter 01), `total` (chapter 01) all goals" in outcome.advice


def test_functions_that_are_only_wrong_together_are_listed(workshop):
    """Both pass their checks, which know no negative numbers; either one alone is enough to miss the goal."""
    workshop.restore(
        {
            "01.scale": "def scale(values, by=2.0):\n    return [abs(value) * by for value in values]\n",
            "01.total": "def total(values):\n    return abs(sum(values))\n",
        }
    )
    text = TEXT.replace("[1, 2])", "[-1, -2])")
    goals = (Check("Twice -1 and -2 is -6", "expect(doubled, -6)"),)
    program = Program("m1.bytes", "bytes", "Count", text, goals)
    object.__setattr__(workshop.catalog, "milestones", (Chapter("m1", 1, "first", "First", programs=(program,)),))
    outcome = workshop.milestone("m1.bytes")
    assert outcome.state == "failed"
    assert "more than one of yours" in outcome.advice and "`scale`" in outcome.advice and "`total`" in outcome.advice


def test_before_the_reason_is_looked_for_it_is_said_that_this_is_done(workshop):
    said = []
    workshop.on_output = lambda stream, text: said.append(text)
    workshop.restore(BROKEN)
    workshop.milestone("m1.bytes")
    words = "The goals are not reached. To find the reason, the program now runs again"
    assert "".join(said).count(words) == 1
    said.clear()
    workshop.restore(MINE)
    assert workshop.milestone("m1.bytes").state == "passed"
    assert words not in "".join(said)


LONG = code(f"""
    from {PACKAGE} import scale
    TIMES = 1000
    made = 0
    for turn in range(TIMES):
        made += len(scale([turn]))
    print("made", made)
""")


@pytest.fixture
def long(workshop):
    """A program that takes long, with a shorter form; what it prints is in `said`."""
    goals = (Check("As many are made as wanted", "expect(made, TIMES)"),)
    program = Program("m1.bytes", "bytes", "Count", LONG, goals, "TIMES = 5")
    object.__setattr__(workshop.catalog, "milestones", (Chapter("m1", 1, "first", "First", programs=(program,)),))
    workshop.said = []
    workshop.on_output = lambda stream, text: workshop.said.append(text)
    return workshop


def test_the_shorter_form_is_the_same_program_with_other_numbers(long):
    outcome = long.milestone("m1.bytes", shorter=True)
    assert outcome.state == "passed" and long.said == ["made 5\n"]
    assert whose(outcome)["01.scale"] == (False, 5)
    assert long.milestone("m1.bytes").state == "passed" and long.said[1:] == ["made 1000\n"]


def test_a_long_run_that_falls_short_is_rehearsed_in_its_shorter_form(long):
    long.restore({"01.scale": "def scale(values, by=2.0):\n    print('scaled')\n    return []\n"})
    outcome = long.milestone("m1.bytes")
    assert "your `scale` (chapter 01) all goals are reached" in outcome.advice
    assert whose(outcome)["01.scale"] == (True, 1000)
    words = "".join(long.said)
    assert words.count("now runs again, unseen and much shorter") == 1 and words.count("scaled") == 1000


def test_functions_that_are_sound_in_the_shorter_form_are_not_blamed(long):
    long.restore(MINE)
    outcome = long.milestone("m1.bytes", LONG.replace("made = 0", "made = -1 if TIMES > 100 else 0"))
    assert outcome.state == "failed"
    assert "A shorter run reaches its goals with your functions as with the library's" in outcome.advice


def test_a_changed_program_is_not_blamed_on_the_functions(workshop):
    workshop.restore(MINE)
    outcome = workshop.milestone("m1.bytes", TEXT.replace("[1, 2])", "[1, 3])"))
    assert outcome.state == "failed"
    assert "your functions are not the reason" in outcome.advice


def test_the_library_alone_falls_short_without_advice_on_functions(workshop):
    outcome = workshop.milestone("m1.bytes", TEXT.replace("[1, 2])", "[1, 3])"))
    assert outcome.state == "failed"
    assert outcome.advice.startswith("None of the exercises' functions that ran is yours")
    assert "Reset brings it back" in outcome.advice


def test_a_goal_whose_name_is_gone_says_so(workshop):
    outcome = workshop.milestone(
        "m1.bytes", TEXT.replace("doubled =", "other =").replace('"doubled", doubled', "other")
    )
    assert outcome.state == "failed"
    assert not outcome.checks[1].passed and "doubled" in outcome.checks[1].message


def test_a_text_that_is_no_python_is_refused_in_a_sentence(workshop):
    outcome = workshop.milestone("m1.bytes", "for i in range(3)\n    print(i)")
    assert outcome.state == "error" and outcome.error.line == 1


def test_a_stop_ends_the_run_and_puts_everything_back(workshop):
    before = sys.modules[PACKAGE]
    outcome = workshop.milestone("m1.bytes", TEXT + "raise KeyboardInterrupt\n")
    assert outcome.state == "idle" and outcome.advice == ""
    assert sys.modules[PACKAGE] is before


def test_a_second_stop_while_everything_is_put_back_changes_nothing(workshop):
    """The page presses Stop again and again until the run is over."""
    before, path, lines = sys.modules[PACKAGE], list(sys.meta_path), []

    def press(frame, event, arg):
        if frame.f_code.co_name != "put_back":
            return None
        return press_in_the_middle

    def press_in_the_middle(frame, event, arg):
        lines.append(frame.f_lineno)
        if len(set(lines)) == 4:
            raise KeyboardInterrupt  # Python drops a trace that raises, so this happens once
        return press_in_the_middle

    sys.settrace(press)
    try:
        outcome = workshop.milestone("m1.bytes")
    finally:
        sys.settrace(None)
    assert len(set(lines)) == 4 and outcome.state == "idle"
    assert sys.modules[PACKAGE] is before and sys.meta_path == path
    assert workshop.milestone("m1.bytes").state == "passed"


def test_an_unknown_program_lists_those_there_are(workshop):
    with pytest.raises(KeyError, match=r"there are: m1.bytes"):
        workshop.milestone("m1.byte")


@pytest.mark.parametrize("place", ["tinytorch.pictures.live", "tinytorch.learn.live"], ids=["new name", "old name"])
def test_pictures_go_where_they_are_shown_and_trials_are_unseen(catalog, place):
    seen = []
    workshop = learn.Workshop(
        lambda stream, text: None, catalog, on_picture=lambda place, svg: seen.append((place, svg))
    )
    draw = f"from {place} import Picture\nPicture().show('<svg><title>a</title></svg>')\n"
    workshop.restore(BROKEN)
    outcome = workshop.milestone("m1.bytes", draw + TEXT)
    workshop.close()
    assert outcome.advice and [place.partition(":")[0] for place, _ in seen] == ["live", "say"]
    assert seen[0][1].startswith("<svg>")


def test_a_picture_of_a_later_run_has_a_place_of_its_own():
    seen = []
    workshop = learn.Workshop(lambda stream, text: None, on_picture=lambda place, svg: seen.append(place))
    for _ in range(2):
        outcome = workshop.run_cell("from tinytorch.pictures.live import Picture\nPicture().show('<svg></svg>')")
        assert outcome.error is None
    workshop.close()
    assert len(set(seen)) == 2


def test_a_picture_that_nobody_sees_does_not_wait(monkeypatch):
    monkeypatch.setattr(live.time, "sleep", lambda seconds: pytest.fail("it waits"))
    live.Picture().show("<svg></svg>", seconds=5)
    with live.shown_by(live.unseen):
        live.Picture().show("<svg></svg>", seconds=5)


def test_a_picture_holds_a_program_up_only_so_long_and_ends_with_its_last_state(monkeypatch):
    waits, seen = [], []
    monkeypatch.setattr(live.time, "sleep", waits.append)
    with live.shown_by(lambda place, svg: seen.append(svg)):
        picture = live.Picture()
        for i in range(1000):
            picture.show(lambda i=i: f"<svg>{i}</svg>", seconds=0.5)
    assert sum(waits) == live.PATIENCE
    assert len(seen) < 50 and seen[-1] == "<svg>999</svg>"


def test_what_nobody_sees_is_not_drawn():
    with live.shown_by(live.unseen):
        live.Picture().show(lambda: pytest.fail("it is drawn"))


def test_a_picture_must_be_an_svg_of_bearable_size():
    with pytest.raises(ValueError, match="begins with <svg"):
        live.Picture().show("<p>")
    with pytest.raises(ValueError, match="200,000 are the most"):
        live.Picture().show("<svg>" + " " * 200_000)


def test_as_an_image_the_svg_keeps_its_text():
    svg = '<svg><title>3 &lt; 4, 50 % of #8 "é"</title></svg>'
    image = live.as_image(svg)
    assert 'alt="3 &lt; 4, 50 % of #8 &quot;é&quot;"' in image
    kind, address = re.search(r'src="data:([^,]*),([^"]*)">$', image).groups()
    assert kind == "image/svg+xml;charset=utf-8" and not set(address) & set("<>#&'")
    assert unquote(address) == svg


def test_the_report_tells_goals_and_whose_functions_ran(workshop, catalog):
    workshop.restore(BROKEN)
    text = report_run(workshop.milestone("m1.bytes"), catalog.program("m1.bytes"))
    assert "Count: fell short, 1 of 2 goals" in text
    assert "MISSED   Twice 1 and 2 is 6" in text
    assert "Yours, with the number of calls: scale (1)" in text
    assert "The library's, with the number of calls: Tensor.memory_footprint (1), total (1)" in text


def test_an_outcome_can_be_sent_as_json(workshop):
    import json

    record = json.loads(json.dumps(workshop.milestone("m1.bytes").to_dict()))
    assert record["credits"][0]["page"].endswith("#ex-memory_footprint")


def test_data_beside_the_code_goes_into_the_overlay_and_the_wheel(package, catalog):
    (package / PACKAGE / "core" / "some.npz").write_bytes(b"PK\x03\x04\xff\xfe")
    overlay = Overlay(MINE, catalog)
    assert overlay.files()[f"{PACKAGE}/core/some.npz"] == b"PK\x03\x04\xff\xfe"
    with zipfile.ZipFile(io.BytesIO(overlay.wheel("Ada")[1])) as wheel:
        assert wheel.read(f"{PACKAGE}/core/some.npz") == b"PK\x03\x04\xff\xfe"


def test_the_notebook_runs_a_program_and_keeps_the_best_result(catalog, monkeypatch, capsys):
    from tinytorch.learn.doors import notebook as door

    class Store:
        kept = []

        def put(self, kind, record, progress):
            self.kept.append((kind, record["id"], record["answer"], record["right"]))

    monkeypatch.setattr(door, "catalog", lambda: catalog)
    book = door.Notebook()
    book.workshop = learn.Workshop(catalog=catalog)
    book.store = Store()
    book.milestone("m1.bytes")
    assert "Count: reached, 2 of 2 goals" in capsys.readouterr().out
    book.workshop.restore(BROKEN)
    book.milestone("m1.bytes")
    assert "fell short" in capsys.readouterr().out
    book.workshop.restore(MINE)
    book.milestone("m1.bytes")
    book.workshop.close()
    assert Store.kept == [
        ("answers", "m1.bytes", "0 of 3 functions mine", True),
        ("answers", "m1.bytes", "1 of 3 functions mine", True),
    ]


GOOD = "def scale(values, by=2.0):\n    return [value * by for value in values]\n"
BAD = "def scale(values, by=2.0):\n    return values\n"
SAID = "Your `scale` (chapter 01) has been changed since it passed and does not pass as it stands there now."


def test_of_a_function_that_was_broken_since_a_check_and_a_milestone_say_so_with_the_version_that_passed(workshop):
    known = Progress()
    for text in (GOOD, BAD):
        outcome = workshop.check("01.scale", text)
        known.write("01.scale", text, outcome.edition, outcome.state)
    assert outcome.state == "failed" and workshop.accepted == {"01.scale": GOOD}
    other = workshop.check("01.size", "def size(self):\n    return int(self.data.size)\n")
    standing.say_behind(outcome, known, workshop.catalog)
    assert outcome.behind == ""  # its own feedback says it
    standing.say_behind(other, known, workshop.catalog)
    assert SAID in other.behind and SAID in report(other, workshop.catalog.exercise("01.size"))
    run = workshop.milestone("m1.bytes")
    standing.say_behind(run, known, workshop.catalog)
    assert run.state == "passed" and SAID in report_run(run, workshop.catalog.program("m1.bytes"))
