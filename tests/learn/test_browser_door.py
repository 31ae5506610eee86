"""The commands of Jupyter's that the notebook's kernel in the browser answers, on an IPython of this machine."""

import builtins

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tinytorch.learn.doors import browser

HERE = {"numpy", "matplotlib", "python-dateutil"}


@pytest.fixture
def shell(monkeypatch):
    monkeypatch.setattr(builtins, "input", builtins.input)
    shell = InteractiveShell()
    shell.kernel = None
    browser.load_ipython_extension(shell, lambda: HERE)
    return shell


@pytest.mark.parametrize(
    "line, words",
    [
        ("%pip install numpy  # needed", "numpy: here already. Nothing needs installing."),
        ("!pip install --quiet numpy matplotlib", "numpy, matplotlib: here already."),
        ("!python3 -m pip install 'numpy>=2' python_dateutil", "numpy, python_dateutil: here already."),
        ("%pip install numpy seaborn[stats]", "seaborn: not here, and this notebook installs nothing"),
        ("!uv pip install seaborn", "seaborn: not here"),
        ("%pip list", "Nothing needs installing here"),
        ("%pip", "Nothing needs installing here"),
    ],
)
def test_what_would_install_says_what_is_here_and_the_run_goes_on(shell, capsys, line, words):
    assert shell.run_cell(line).success
    said = capsys.readouterr()
    assert words in said.out + said.err


@pytest.mark.parametrize(
    "cell", ["%%bash\nls", "%%python\n1", "%%script perl\n1", "%%!\nls", "!ls", "names = !ls", "!!ls"]
)
def test_what_would_start_a_program_is_refused_in_a_sentence(shell, capsys, cell):
    capsys.readouterr()
    assert isinstance(shell.run_cell(cell).error_in_exec, browser.NoProgram)
    said = capsys.readouterr()
    assert "starts another program, and a browser has none." in said.out + said.err
    assert (said.out + said.err).count("\n") == 1


def test_input_that_nobody_answers_says_so(shell, capsys, monkeypatch):
    monkeypatch.setattr(builtins, "input", lambda *prompt: None)
    assert isinstance(shell.run_cell("name = input('Name? ')").error_in_exec, browser.NoKeyboard)
    assert "input() cannot ask here" in capsys.readouterr().out


def test_input_that_is_answered_is_the_answer(shell, monkeypatch):
    monkeypatch.setattr(builtins, "input", lambda *prompt: "Ada")
    assert shell.run_cell("input('Name? ')").result == "Ada"
