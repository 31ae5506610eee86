"""What readers paste and try, and the sentence that each of it gets."""

import pytest

from tinytorch import learn

from .reader import Reader

FIRST = "01.memory_footprint"


@pytest.fixture(scope="module")
def bench(browser, server):
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    context.set_default_timeout(30_000)
    yield Reader(context.new_page(), server.url).open("01").until_isolated()
    context.close()


def shown(reader, code: str, state: str) -> str:
    card = reader.exercise(FIRST)
    assert card.run(learn.exercise(FIRST).solution + "\n" + code) == state
    return " ".join(card.output.inner_text().split())


def still_alive(reader):
    assert "alive 4" in shown(reader, "print('alive', 2 + 2)\n", "idle")


def test_a_huge_array_is_explained(bench):
    assert "memory" in shown(bench, "np.zeros((100_000, 100_000))\n", "error").lower()
    still_alive(bench)


def test_many_large_arrays_are_explained(bench):
    assert "memory" in shown(bench, "kept = [np.ones(25_000_000) for _ in range(100)]\n", "error").lower()
    still_alive(bench)


@pytest.mark.parametrize(
    "code, words",
    {
        "input": ("name = input('Who? ')\n", "input"),
        "torch": ("import torch\n", "tinytorch"),
        "recursion": ("def f(n): return f(n + 1)\nf(0)\n", "itself"),
        "exit": ("exit()\n", "exit"),
        "pip": ("!pip install torch\n", "pip"),
        "syntax": ("for i in range(3)\n    print(i)\n", "expected ':'"),
        "name": ("print(undefined_name)\n", "undefined_name"),
    }.values(),
    ids=["input", "torch", "recursion", "exit", "pip", "syntax", "name"],
)
def test_it_is_explained_and_the_session_lives(bench, code, words):
    assert words in shown(bench, code, "error")
    still_alive(bench)


def prompts(text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    return "\n".join((">>> " if i == 0 else "... ") + line for i, line in enumerate(lines)) + "\n"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("    ", "\t"), id="tabs"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="windows line ends"),
        pytest.param(lambda text: "# Größe, 大きさ\n" + text, id="non-ascii"),
        pytest.param(prompts, id="prompts"),
        pytest.param(lambda text: text.replace("    ", "\u00a0   "), id="no-break spaces"),
    ],
)
def test_pasted_text_is_understood(bench, change):
    assert bench.exercise(FIRST).check(change(learn.exercise(FIRST).solution)) == "passed"


def test_redefining_what_the_checks_use_changes_nothing(bench):
    wrong = learn.exercise(FIRST).solution.replace("return ", "return 1 + ")
    cheat = "def expect(*a, **k): return None\ndef expect_raises(*a, **k): return None\nprint = repr\n"
    assert bench.exercise(FIRST).check(wrong + "\n" + cheat) == "failed"
