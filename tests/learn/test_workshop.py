"""One session: what runs, what is kept, what is said when it goes wrong."""

import base64
import builtins
import io
import json
import random
import signal
import sys
import time
import types
import warnings
from dataclasses import replace

import numpy as np
import pytest

from tinytorch.learn import Workshop
from tinytorch.learn.checking import CheckResult, merge_equal_errors
from tinytorch.learn.overlay import OverlayError

from .conftest import code

GOOD = "def size(self):\n    return int(self.data.size)\n"
WRONG = "def size(self):\n    return len(self.data)\n"


def text_of(printed, stream="stdout"):
    return "".join(text for name, text in printed if name == stream)


def test_experiments_run_after_the_function_and_see_it(workshop, printed):
    outcome = workshop.run(
        "01.size", "print('above')\n" + WRONG + "t = Tensor([[1, 2, 3]])\nprint(t.size(), size(t))\nt.size() + 1\n"
    )
    assert (outcome.state, outcome.action, outcome.error) == ("idle", "run", None)
    assert text_of(printed) == "above\n1 1\n"
    assert outcome.display == [{"mime": "text/plain", "data": "2"}]
    json.dumps(outcome.to_dict())


def test_an_outcome_names_the_edition_that_was_run_and_checked(workshop, catalog):
    exercise = catalog.exercise("01.size")
    for outcome in (
        workshop.run("01.size", GOOD),
        workshop.check("01.size", GOOD),
        workshop.check_installed("01.size"),
    ):
        assert outcome.to_dict()["edition"] == exercise.edition != ""
    assert workshop.run_cell("1", "lab").edition == ""


def test_the_session_is_shared_and_a_semicolon_is_silent(workshop):
    workshop.run_cell("a = np.arange(3)", "lab-a")
    assert workshop.run_cell("int(a.sum())", "lab-b").display[0]["data"] == "3"
    assert workshop.run_cell("a.sum();  # quiet", "lab-b").display == []
    assert workshop.run_cell("None", "lab-b").display == []


def test_only_code_that_passed_reaches_other_cards(workshop, module):
    t = module.Tensor([[1, 2], [3, 4]])
    assert workshop.run("01.size", WRONG).state == "idle"
    assert t.size() == 2
    seen = workshop.run("01.total", "def total(values):\n    return sum(values)\nTensor([[1, 2], [3, 4]]).size()\n")
    assert seen.display[0]["data"] == "4"
    assert workshop.check("01.size", GOOD).state == "passed"
    assert workshop.check("01.size", WRONG).state == "failed"
    assert workshop.run_cell("Tensor([[1, 2], [3, 4]]).size()", "lab").display[0]["data"] == "4"
    assert workshop.accepted == {"01.size": GOOD}
    assert module.Tensor.size.__code__.co_filename.endswith("(yours)")
    workshop.forget("01.size")
    assert workshop.accepted == {} and not module.Tensor.size.__code__.co_filename.endswith("(yours)")


def test_the_untouched_starter_fails_and_says_so(workshop, catalog):
    exercise = catalog.exercise("01.size")
    outcome = workshop.check(exercise.id, exercise.starter)
    assert (outcome.state, outcome.error.kind) == ("failed", "unchanged")
    assert "still the starter" in outcome.error.sentence
    ran = workshop.run(exercise.id, exercise.starter + "\nTensor([1]).size()\n")
    assert (ran.state, ran.error.kind) == ("error", "unwritten")
    assert "write size" in ran.error.sentence


def test_a_starter_with_a_mistake_in_it_is_called_so(workshop, catalog, monkeypatch):
    broken = replace(catalog.exercise("01.size"), scaffold="return -1")
    monkeypatch.setattr(type(catalog), "exercise", lambda catalog, id: broken)
    outcome = workshop.check(broken.id, broken.starter)
    assert (outcome.state, outcome.error.kind) == ("failed", "unchanged")
    assert "still the function with the mistake" in outcome.error.sentence
    for gap in (
        "count = ...\nreturn count",
        "...    # count them\nreturn count",
        'return """\n;; count them: ...\n"""',
    ):
        assert not replace(broken, scaffold=gap).runs


def test_restore_puts_in_place_and_reports_what_cannot_be(workshop, module):
    problems = workshop.restore({"01.size": GOOD, "01.total": "def totl(x): pass", "09.gone": "x"})
    assert [p["id"] for p in problems] == ["09.gone", "01.total"]
    assert "totl" in problems[1]["sentence"] and problems[1]["line"] == 1
    assert workshop.accepted == {"01.size": GOOD}
    assert module.Tensor.size.__code__.co_filename.endswith("(yours)")


def test_a_traceback_has_the_readers_lines_only(workshop):
    outcome = workshop.run(
        "01.size",
        code("""
        def inner(x):
            return np.zeros(3).reshape(x)
        def size(self):
            return inner(7)
        Tensor([1]).size()
    """),
    )
    error = outcome.error
    assert (error.kind, error.line) == ("exception", 2)
    assert error.sentence.startswith("Line 2, `return np.zeros(3).reshape(x)`, raised ValueError")
    assert [line for line in error.traceback.split("\n") if line.startswith("  tensor.py")] == [
        "  tensor.py · Tensor.size (yours), line 5",
        "  tensor.py · Tensor.size (yours), line 4, in size",
        "  tensor.py · Tensor.size (yours), line 2, in inner",
    ]
    assert "/learn/" not in error.traceback and "workshop" not in error.traceback


@pytest.mark.parametrize(
    "text, words",
    [
        ("t = Tensor([[1, 2, 3]])\nprint(t.size())\nt.size() + 1\n", "There is no function `size`"),
        ("def sise(self):\n    return 7\nprint(Tensor([[1, 2, 3]]).size())\n4\n", "`sise`"),
    ],
)
def test_run_runs_what_is_there_without_the_function_on_what_was_accepted_and_says_that_it_is_missing(
    workshop, printed, text, words
):
    assert workshop.check("01.size", GOOD).state == "passed"
    workshop.run("01.size", WRONG)
    outcome = workshop.run("01.size", text)
    assert (outcome.state, outcome.action, outcome.error) == ("idle", "run", None)
    assert (text_of(printed), outcome.display[0]["data"]) == ("3\n", "4")
    assert words in outcome.advice and outcome.edition
    assert workshop.accepted == {"01.size": GOOD}
    checked = workshop.check("01.size", text)
    assert (checked.state, checked.error.kind) == ("error", "missing")


def test_an_error_in_a_cell_without_the_function_has_the_cells_own_line(workshop):
    accepted = "# a line more\n" + GOOD
    assert workshop.check("01.size", accepted).state == "passed"
    outcome = workshop.run("01.size", "x = 1\nx.y\n")
    assert (outcome.state, outcome.error.line) == ("error", 2)
    assert "`x.y`" in outcome.error.sentence
    assert "Begin" not in workshop.run("01.size", accepted).advice


def test_a_check_that_stopped_in_the_readers_text_says_at_which_line(workshop):
    first, *_ = workshop.check("01.size", "def size(self):\n    x = self.data\n    return x.sise\n").checks
    assert not first.passed and first.stopped == 3 and first.to_dict()["stopped"] == 3
    assert all(check.stopped is None for check in workshop.check("01.size", WRONG).checks)


def test_the_line_is_of_the_text_that_was_checked_and_not_of_another_exercise(workshop):
    broken = "def size(self):\n    if self.data.size == 2:\n        raise ValueError('two')\n    return int(self.data.size)\n"
    assert workshop.check("01.size", broken).state == "passed"
    text = "\n\n\n\ndef total(values):\n    Tensor([1, 2]).size()\n    return 0\n"
    stopped = [check.stopped for check in workshop.check("01.total", text).checks if not check.passed]
    assert stopped and set(stopped) == {6}


def test_a_line_of_another_exercise_is_named(workshop):
    broken = "def size(self):\n    if self.data.size == 5:\n        raise ValueError('five')\n    return int(self.data.size)\n"
    assert workshop.check("01.size", broken).state == "passed"
    outcome = workshop.run_cell("\nTensor([1, 2, 3, 4, 5]).size()", "lab-x")
    assert outcome.error.line == 2 and "Tensor.size (yours)" in outcome.error.sentence


@pytest.mark.parametrize(
    "text, kind, words",
    [
        ("np.zeros((10**7, 10**7))", "memory", ["not enough memory", "line 1", "session goes on"]),
        ("raise MemoryError", "memory", ["not enough memory"]),
        (
            "raise ValueError('array is too big; `arr.size * arr.dtype.itemsize` is larger')",
            "memory",
            ["not enough memory"],
        ),
        ("x = 1\nname = input('Name? ')", "input", ["keyboard", "line 2"]),
        ("import torchvision.models", "import", ["torchvision", "your own framework"]),
        ("import no_such_package", "import", ["no_such_package", "NumPy"]),
        ("import sys\nsys.exit(3)", "exit", ["quit", "line 2"]),
        ("quit()", "exit", ["quit"]),
        ("exit()", "exit", ["quit"]),
        ("def f(n):\n    return f(n + 1)\nf(0)", "recursion", ["again and again", "line 2"]),
        ("data = 1\nprint(dta)", "exception", ["Line 2", "NameError", "Did you mean `data`?"]),
        ("print(linspace(0, 1, 5))", "exception", ["NameError", "Did you mean `np.linspace`?"]),
        ("Tensor([1]).nbytes", "exception", ["AttributeError", "The array inside the tensor has it: `.data.nbytes`."]),
        ("Tensor([1]).dta", "exception", ["AttributeError", "Did you mean `data`?"]),
        ("np.ones(3).sum(dim=0)", "exception", ["TypeError", "Here the word is NumPy's, `axis`."]),
        ("np.ones(3).sum(keepdim=True)", "exception", ["TypeError", "Here the word is NumPy's, `keepdims`."]),
        ("np.ones(3).clone()", "exception", ["AttributeError", "This is an array; its word is `copy()`."]),
        ("np.ones(3).unsqueeze(0)", "exception", ["AttributeError", "This is an array; its word is `np.expand_dims`."]),
        ("x = 1\nprint(x", "syntax", ["Line 2"]),
        ("%time x = 1", "syntax", ["notebook command"]),
        ("class A:\n    def __repr__(self):\n        return 1 / 0\nA()", "exception", ["Line 3", "ZeroDivisionError"]),
        ("raise KeyError('k')", "exception", ["KeyError: 'k'"]),
        ("raise BaseException('odd')", "exception", ["odd"]),
    ],
)
def test_what_goes_wrong_gets_a_sentence_and_the_session_goes_on(workshop, text, kind, words):
    outcome = workshop.run_cell(text, "lab")
    assert (outcome.state, outcome.error.kind) == ("error", kind)
    for word in words:
        assert word in outcome.error.sentence
    assert workshop.run_cell("1 + 1", "lab").display[0]["data"] == "2"
    assert not sys.stdin.closed


def test_recursion_tracebacks_are_short(workshop):
    outcome = workshop.run_cell("def f(n):\n    return f(n + 1)\nf(0)", "lab")
    assert outcome.error.traceback.count("\n") < 20 and "more calls like these" in outcome.error.traceback


class Stop:
    """An output function that interrupts at the first text, as the page's Stop does."""

    def __init__(self):
        self.on = True

    def __call__(self, stream, text):
        if self.on:
            raise KeyboardInterrupt


def test_stop_during_run_and_check_leaves_what_was_there(catalog):
    stop = Stop()
    workshop = Workshop(stop, catalog)
    stop.on = False
    assert workshop.check("01.size", GOOD).state == "passed"
    stop.on = True
    endless = "HELP = 1\ndef size(self):\n    while True:\n        print(HELP)\n"
    for outcome in (workshop.run("01.size", endless + "Tensor([1]).size()\n"), workshop.check("01.size", endless)):
        assert (outcome.state, outcome.error.kind) == ("idle", "interrupted")
        assert "Stopped in line 4" in outcome.error.sentence
    stop.on = False
    assert workshop.accepted == {"01.size": GOOD}
    assert workshop.run_cell("Tensor([1, 2]).size()", "lab").display[0]["data"] == "2"
    workshop.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_at_any_moment_leaves_the_session_whole(catalog, printed):
    """The interrupt comes after a random time, from before the cell is parsed until after everything is tidied."""
    workshop = Workshop(lambda *a: printed.append(a), catalog)
    assert workshop.check("01.size", "K = 1\n" + GOOD.replace("int(", "K * int(")).state == "passed"
    outside, filters, input_before = sys.stdout, warnings.filters, builtins.input
    module = sys.modules["tinysample.core.tensor"]
    names = set(vars(module))
    chance = random.Random(1)
    stopped = 0
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for i in range(400):
            action = (
                lambda: workshop.check("01.size", "M = 2\ndef size(self):\n    return M\n"),
                lambda: workshop.run("01.total", "def total(values):\n    return 5\ntotal([1])"),
                lambda: workshop.run_cell("for i in range(20): print(i)", "lab"),
            )[i % 3]
            try:
                signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-5, 2e-3))
                outcome = action()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                pass  # it came after the action had returned
            stopped += bool(outcome.error and outcome.error.kind == "interrupted")
            assert (sys.stdout, warnings.filters, builtins.input) == (outside, filters, input_before)
            assert workshop.run_cell("Tensor([1, 2]).size()", "lab").display[0]["data"] == "2", i
            assert set(vars(module)) == names and module.total([1]) == 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        workshop.close()
    assert stopped > 20


def test_ten_million_lines_are_cut_and_cheap(workshop, printed):
    def seconds(call):
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    lines = 300_000
    outcomes = []
    ours = seconds(lambda: outcomes.append(workshop.run_cell(f"for i in range({lines}):\n    print(i)", "lab")))
    plain = seconds(lambda: [print(i, file=sink) for sink in [io.StringIO()] for i in range(lines)])
    assert outcomes[0].cut and outcomes[0].state == "idle"
    assert text_of(printed).count("\n") < 2_010 and len(text_of(printed)) < 210_000
    assert "Output cut here" in text_of(printed)
    assert ours < 4 * plain
    assert not workshop.run_cell("print('next')", "lab").cut
    assert text_of(printed).endswith("next\n")


def test_one_endless_line_is_cut_too(workshop, printed):
    assert workshop.run_cell(
        "print('x' * 5_000_000)\nfor i in range(100_000): print(i, end=' ', flush=True)", "lab"
    ).cut
    assert len(text_of(printed)) < 210_000 and len(printed) < 6_000


def test_output_comes_in_the_order_and_stream_of_writing(workshop, printed):
    workshop.run_cell("import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')", "lab")
    assert printed == [("stdout", "a\n"), ("stderr", "b\n"), ("stdout", "c\n")]


def test_warnings_are_shown_every_time_with_the_readers_line(workshop, printed):
    for _ in range(2):
        printed.clear()
        workshop.run_cell("import warnings\nwarnings.warn('too small', RuntimeWarning)", "lab-w")
        assert text_of(printed, "stderr") == "lab-w, line 2: RuntimeWarning: too small\n"


def test_a_warning_from_within_the_library_names_the_readers_line_and_no_path(workshop, printed):
    workshop.run_cell("from tinytorch import Tensor\nx = Tensor([0.0])\n\ny = 1 / x", "lab-w")
    assert text_of(printed, "stderr") == "lab-w, line 4: RuntimeWarning: divide by zero encountered in divide\n"


def test_what_the_code_does_to_python_ends_with_the_run(workshop):
    outside = sys.stdout, sys.getrecursionlimit(), builtins.input
    errors = np.geterr()
    workshop.run_cell(
        "np.seterr(all='raise')\nimport sys, builtins\nsys.stdout = None\nsys.setrecursionlimit(5000)\nbuiltins.print = None\nbuiltins.input = 3",
        "lab",
    )
    assert (sys.stdout, sys.getrecursionlimit(), builtins.input) == outside and callable(print)
    assert np.geterr() == errors


class Html:
    def _repr_html_(self):
        return "<b>bold</b>"


class Svg:
    def _repr_svg_(self):
        return "<svg/>"


class Png:
    def _repr_png_(self):
        return b"\x89PNG"


@pytest.mark.parametrize(
    "value, mime, data",
    [
        (Html(), "text/html", "<b>bold</b>"),
        (Svg(), "image/svg+xml", "<svg/>"),
        (Png(), "image/png", "iVBORw=="),
        ("a\nb", "text/plain", "'a\\nb'"),
        (Html, "text/plain", repr(Html)),
    ],
)
def test_display_of_the_last_value(workshop, value, mime, data):
    workshop.session["value"] = value
    assert workshop.run_cell("value", "lab").display == [{"mime": mime, "data": data}]


def test_a_huge_value_is_shown_short(workshop):
    data = workshop.run_cell("list(range(3_000_000))", "lab").display[0]["data"]
    assert data.startswith("[0, 1, 2") and len(data) < 1_000
    assert "matplotlib" not in sys.modules


def test_figures_are_shown_as_images_and_closed(workshop, monkeypatch):
    """With a stand-in for matplotlib, which the tests of this package do not need."""
    figures = {1: b"first", 2: b"second"}
    pyplot = types.ModuleType("matplotlib.pyplot")
    pyplot.get_fignums = lambda: list(figures)
    pyplot.figure = lambda n: types.SimpleNamespace(savefig=lambda file, **options: file.write(figures[n]))
    pyplot.close = figures.pop
    Line = type("Line2D", (), {"__module__": "matplotlib.lines"})
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", pyplot)
    workshop.session["lines"] = [Line()]
    shown = workshop.run_cell("lines", "lab").display
    assert [(d["mime"], base64.b64decode(d["data"])) for d in shown] == [
        ("image/png", b"first"),
        ("image/png", b"second"),
    ]
    assert figures == {} and workshop.run_cell("x = 1", "lab").display == []


def test_a_restored_text_that_quits_is_a_problem_and_no_end(workshop):
    problems = workshop.restore({"01.size": "import sys\nK = sys.exit()\ndef size(self):\n    return K\n"})
    assert "quit" in problems[0]["sentence"] and workshop.accepted == {}


def test_completion_from_the_live_session(workshop):
    workshop.run_cell("measured = np.arange(3)", "lab")

    def labels(text):
        return {c["label"]: c for c in workshop.complete(text, len(text))}

    assert labels("mea")["measured"]["type"] == "variable"
    assert labels("Tensor.mem")["memory_footprint"]["type"] == "function"
    assert "itemsize" in labels("measured.item")
    assert "memory_footprint" in labels("def size(self):\n    return self.m")
    assert labels("np.resh")["reshape"]["label"] == "reshape"
    assert labels("whi")["while"]["type"] == "keyword"
    assert labels("# a comment mea") == {} and labels("unknown.x") == {} and labels("3.") == {}


def test_lookups_of_unknown_exercises_say_what_there_is(catalog):
    with pytest.raises(KeyError, match=r"did you mean '01.size'"):
        catalog.exercise("01.sise")
    with pytest.raises(KeyError, match="there are: 01"):
        catalog.chapter("7")


@pytest.mark.parametrize("broken", ["__str__", "__repr__"])
def test_an_exception_that_cannot_be_shown_still_puts_back_what_was_there(workshop, module, broken):
    base = {"__str__": "Exception", "__repr__": "KeyError"}[broken]
    bad = f"class Bad({base}):\n    def {broken}(self): raise ValueError\ndef size(self):\n    raise Bad(Bad())\n"
    outcome = workshop.run("01.size", bad + "Tensor([1]).size()\n")
    assert outcome.state == "error" and outcome.error.line == 4
    assert "raised Bad: (no message, because making it raised ValueError)" in outcome.error.sentence
    assert module.Tensor([1, 2]).size() == 2
    assert workshop.check("01.size", bad).state == "failed"


CHANGES = [
    "Tensor.size = lambda self: 6",
    "Tensor.nb = 1; del Tensor.shape",
    "import tinysample.core.tensor as m; m.operand = m.total = None; m.new = 3; del m.EPSILON",
    "import tinysample; tinysample.Tensor = tinysample.core = None",
    "import tinysample.core.tensor as m; m.Base.size = None; m.Tensor.__doc__ = 'x'; raise KeyboardInterrupt",
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("where", ["cell", "run", "function"])
def test_what_running_code_writes_into_the_library_does_not_outlast_it(workshop, module, change, where):
    package = sys.modules["tinysample"]
    owners = [package, sys.modules["tinysample.other"], module, module.Tensor, module.Base]
    before = [dict(vars(owner)) for owner in owners]
    inside = f"def size(self):\n    def change():\n        {change}\n    change()\n    return 5\n"
    if where == "cell":
        workshop.run_cell(change)
    elif where == "run":
        workshop.run("01.size", WRONG + change)
    else:
        outcome = workshop.check("01.size", inside)
        assert outcome.state in ("failed", "idle")
    workshop.close()
    assert [dict(vars(owner)) for owner in owners] == before
    assert workshop.check("01.size", WRONG).state == "failed"


def test_a_counter_among_the_helpers_goes_on_counting(workshop, module):
    text = "N = 0\ndef size(self):\n    global N\n    N += 1\n    return int(self.data.size)\n"
    assert workshop.check("01.size", text).state == "passed"
    workshop.run_cell("Tensor([1]).size()")
    assert module.N == 2
    workshop.forget("01.size")
    assert not hasattr(module, "N")


def test_a_global_that_the_function_takes_away_is_back_for_the_next_check(workshop, module):
    text = "def total(values):\n    global operand, Tensor\n    operand = Tensor = None\n    return sum(values)\n"
    assert workshop.check("01.total", text).state == "passed"
    assert workshop.check("01.size", GOOD).state == "passed"


def test_a_method_given_to_the_class_above_the_function_is_not_left_there(workshop, module):
    text = "from tinysample import Tensor\nTensor.nb = 6\ndef size(self):\n    return Tensor.nb\n"
    assert workshop.check("01.size", text).state == "failed"
    assert not hasattr(module.Tensor, "nb")


def test_the_given_names_are_back_for_the_next_cell(workshop, catalog):
    workshop.run_cell("np = 3; del Tensor; kept = 1")
    assert workshop.run_cell("np.sum(Tensor([1, 2]).data) + kept").display[0]["data"].endswith("4.0)")
    space = {"np": 3}
    workshop = Workshop(lambda *a: None, catalog, session=space)
    workshop.run_cell("del Tensor")
    workshop.run_cell("1")
    assert space["np"] == 3 and "Tensor" not in space


def test_a_star_import_is_refused_with_the_names_to_write(workshop):
    text = "import numpy as np\nfrom math import *\ndef size(self):\n    return prod(np.shape(self.data)) + floor(0)\n"
    error = workshop.check("01.size", text).error
    assert (error.kind, error.line) == ("import", 2)
    assert "`from math import *` does not say which names" in error.sentence
    assert error.sentence.endswith("with your function. Name them: `from math import floor, prod`.")
    assert workshop.check("01.size", "from tinysample import *\n" + GOOD).state == "passed"
    unneeded = workshop.run("01.size", GOOD + "from math import *\n").error.sentence
    assert unneeded.endswith("Name them: `from math import …`.")


UNFIT = {
    "import": (
        "from tinysample import Tensor as T\n",
        "T([1]) and int(self.data.size)",
        "it imports from `tinysample`, which is not there yet",
    ),
    "call": ("def make():\n    return Tensor([1])\nONE = make()\n", "int(self.data.size * ONE.data[0])", "'Tensor'"),
}


@pytest.mark.parametrize("above, value, words", UNFIT.values(), ids=list(UNFIT))
def test_what_passes_and_cannot_be_read_from_the_file_is_refused(workshop, module, above, value, words):
    assert workshop.check("01.total", "K = 0\ndef total(values):\n    return sum(values, K)\n").state == "passed"
    outcome = workshop.check("01.size", f"{above}def size(self):\n    return {value}\n")
    assert (outcome.state, outcome.error.kind) == ("failed", "overlay") and all(c.passed for c in outcome.checks)
    assert outcome.error.sentence.startswith("The checks pass, but the function cannot stand in tensor.py: ")
    assert words in outcome.error.sentence and "outside the function stand above `Tensor`" in outcome.error.sentence
    assert list(workshop.accepted) == ["01.total"] and module.Tensor([1, 2]).size() == 2
    assert workshop.wheel("Ada")


def test_a_text_that_spoils_the_package_is_named_and_blocks_no_other(workshop):
    spoiling = "from tinysample import Tensor as T\ndef size(self):\n    return T and int(self.data.size)\n"
    assert workshop.restore({"01.size": spoiling}) == []
    assert workshop.check("01.total", "K = 0\ndef total(values):\n    return sum(values, K)\n").state == "passed"
    with pytest.raises(OverlayError, match=r"functions \(1\.8 size\) cannot"):
        workshop.wheel("Ada")


def test_builtins_and_the_way_numpy_prints_are_put_back(workshop):
    before, printing = dict(vars(builtins)), np.get_printoptions()
    change = "import builtins; builtins.len = builtins.isinstance = None; builtins.mine = 3; del builtins.sum\n"
    workshop.run_cell("np.set_printoptions(precision=1, threshold=3)\n" + change)
    assert workshop.run("01.size", WRONG + change + "1 / 0").state == "error"
    assert vars(builtins) == before and np.get_printoptions() == printing
    workshop.run_cell("import builtins; builtins._ = 5")
    assert vars(builtins).pop("_") == 5


def test_python_finds_the_text_of_what_the_reader_wrote(workshop):
    text = "STEP = 1\n\n\ndef size(self):\n    # mine\n    return int(self.data.size)\n"
    assert workshop.check("01.size", text).state == "passed"
    ask = "import inspect\nprint(inspect.getsource(Tensor.size))\ndef other():\n    return 2\nprint(inspect.getsource(other))"
    for _ in range(2):
        said = []
        workshop.on_output = lambda stream, text, said=said: said.append(text)
        assert workshop.run_cell(ask).error is None
        assert "".join(said) == (
            "def size(self):\n    # mine\n    return int(self.data.size)\n\ndef other():\n    return 2\n\n"
        )
    workshop.forget("01.size")
    said.clear()
    assert workshop.run_cell(ask).error is None
    assert "# mine" not in "".join(said) and "def size(self):" in "".join(said)


def test_an_error_that_stops_several_checks_is_told_once(workshop, catalog):
    outcome = workshop.check("01.memory_footprint", "def memory_footprint(self):\n    return self.data.bytes\n")
    first, *others = outcome.checks
    assert outcome.state == "failed" and others and first.traceback.startswith("Traceback")
    assert first.message.endswith(f"The same in {len(others)} more check{'s' * (len(others) > 1)}.")
    assert "Did you mean `nbytes`?" in first.message
    assert {(check.passed, check.traceback, check.mistake) for check in others} == {(False, "", None)}
    assert {check.message for check in others} == {f"The same error as in “{first.title}”."}


def test_an_error_in_what_the_function_gave_is_told_once_too():
    errors = ("ValueError: line 2", "ValueError: line 2", "ValueError: line 3")
    results = [
        CheckResult(title, "", False, f"f() raised {got}.", got=got, doubtful=True)
        for title, got in zip("abc", errors, strict=True)
    ]
    merge_equal_errors(results)
    assert [result.message for result in results] == [
        "f() raised ValueError: line 2. The same in 1 more check.",
        "The same error as in “a”.",
        "f() raised ValueError: line 3.",
    ]


def test_a_traceback_shows_the_lines_that_ran_and_not_those_of_the_version_put_back(workshop):
    good = "def size(self):\n    return int(self.data.size)\n"
    assert workshop.check("01.size", good + "print('earlier')\n").state == "passed"
    problem = workshop.run("01.size", good + "1 / 0\n").error
    assert "1 / 0" in problem.traceback
    assert "earlier" not in problem.traceback
