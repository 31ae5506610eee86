"""`enable_autograd()` lasts for the session, works with the reader's functions in any order, and stays out of checks."""

import sys

import pytest

from tinytorch import learn
from tinytorch.core import autograd, layers, tensor
from tinytorch.learn import Catalog, Chapter, Check, Exercise, programs

from .conftest import code

SYMBOLS = {
    "combine": "tensor:combine",
    "reshape": "tensor:Tensor.reshape",
    "relu": "activations:ReLU.forward",
    "linear": "layers:Linear.forward",
    "enable_autograd": "autograd:enable_autograd",
}
CHECKS = {
    "linear": """
        layer = Linear(2, 1)
        expect(hasattr(layer.weight, "requires_grad"), False)
        expect(np.asarray(layer.weight).shape, (2, 1))
        expect(layer(Tensor([[1, 2]])).shape, (1, 1))
    """,
    "enable_autograd": """
        expect(hasattr(Tensor, "backward"), False)
        enable_autograd()
        x = Tensor([3.0], requires_grad=True)
        (x * x).backward()
        expect(x.grad, np.array([6.0], dtype=np.float32))
    """,
    "relu": """
        from tinytorch import enable_autograd
        enable_autograd()
        x = Tensor([-1.0, 2.0], requires_grad=True)
        ReLU()(x).sum().backward()
        expect(x.grad.tolist(), [0.0, 1.0])
    """,
}
LINEAR = code("""
    def forward(self, x):
        y = x.matmul(self.weight)
        return y if self.bias is None else y + self.bias
""")
NUMPY_LINEAR = "def forward(self, x):\n    return Tensor(x.data @ self.weight.data + self.bias.data)\n"
RELU = "def forward(self, x):\n    return Tensor(x.data * (x.data > 0))\n"
MINE = code("""
    def enable_autograd():
        if REPLACED:
            return
        put(Tensor, requires_grad=False, grad=None, _grad_fn=None, marked="mine")
        put(Parameter, requires_grad=True)
        put(Tensor, backward=backward, zero_grad=zero_grad, detach=detach)
        for owner, name, function in GRADIENTS:
            install(owner, name, function)
        guard_ways_out()
""")
ON = "from tinytorch import enable_autograd, Linear, ReLU, no_grad\nenable_autograd()\n"


@pytest.fixture
def catalog():
    checks = {name: (Check("It holds", code(CHECKS.get(name, "expect(1, 1)"))),) for name in SYMBOLS}
    exercises = tuple(
        Exercise(
            id=f"01.{name}",
            name=name,
            number=f"1.{i}",
            title=name,
            symbol=f"tinytorch.core.{symbol}",
            checks=checks[name],
        )
        for i, (name, symbol) in enumerate(SYMBOLS.items())
    )
    return Catalog((Chapter("01", 1, "all", "All", exercises=exercises),), package="tinytorch")


@pytest.fixture
def workshop(catalog):
    was_on = bool(autograd.REPLACED)
    autograd.disable_autograd()
    made = learn.Workshop(lambda stream, text: None, catalog)
    yield made
    made.close()
    if was_on:
        autograd.enable_autograd()


def value(workshop, text):
    outcome = workshop.run_cell(text, "lab")
    assert outcome.error is None, outcome.error
    return outcome.display[0]["data"] if outcome.display else None


def wrapped():
    """Everything that recording put into the package, as (owner, name)."""
    return {(getattr(owner, "__name__", owner), name) for owner, name, _ in autograd.REPLACED}


def test_it_lasts_from_cell_to_cell_and_nothing_else_does(workshop):
    value(workshop, ON + "Tensor.junk = 3\nTensor.sum = None\nx = Tensor([2.0], requires_grad=True)\n")
    assert value(workshop, "y = x * x\ny.backward()\n(x.grad.tolist(), hasattr(Tensor, 'junk'))") == "([4.0], False)"
    assert value(workshop, "(x * 3).sum().backward()\nx.grad.tolist()") == "[7.0]"


def test_it_lasts_when_a_later_line_of_the_cell_fails_and_when_the_cell_is_stopped(workshop):
    for last in ("1 / 0", "raise KeyboardInterrupt"):
        assert workshop.run_cell(ON + last).error is not None
        assert value(workshop, "Tensor([1.0], requires_grad=True).requires_grad") == "True"
        autograd.disable_autograd()


def test_a_cell_may_take_it_back(workshop):
    value(workshop, ON)
    value(workshop, "from tinytorch.core.autograd import disable_autograd\ndisable_autograd()")
    assert value(workshop, "hasattr(Tensor, 'backward')") == "False"
    assert value(workshop, ON + "hasattr(Tensor, 'backward')") == "True"


@pytest.mark.parametrize("before", [True, False])
def test_the_readers_functions_are_differentiated_placed_before_or_after(workshop, before):
    def place():
        for name, text in {"linear": LINEAR, "relu": RELU}.items():
            assert workshop.check(f"01.{name}", text).state == "passed"

    if before:
        place()
    value(workshop, ON + "layer = Linear(2, 1)")
    if not before:
        place()
    value(workshop, "y = ReLU()(layer(Tensor([[1.0, 2.0]])) * 0 + 1)\ny.backward()")
    assert value(workshop, "layer.weight.grad.shape, layer.bias.grad.tolist()") == "((2, 1), [0.0])"
    assert layers.Linear.forward.__code__.co_filename.endswith("(yours)")
    assert not hasattr(tensor.Tensor([1.0]), "marked")


def test_an_exercise_runs_with_gradients_once_they_are_on(workshop):
    value(workshop, ON)
    text = "def combine(operation, left, right):\n    a, b = operand(left), operand(right)\n    return wrap(operation(a, b), a, b)\n"
    outcome = workshop.run(
        "01.combine",
        text + "x = Tensor([3.0], requires_grad=True)\ncombine(np.multiply, x, x).backward()\nx.grad.tolist()\n",
    )
    assert (outcome.error, outcome.display[0]["data"]) == (None, "[6.0]")


def test_checks_begin_without_it_and_leave_it_as_it_was(workshop):
    assert workshop.check("01.linear", LINEAR).state == "passed"
    assert workshop.check("01.relu", RELU).state == "passed"
    assert not autograd.REPLACED
    value(workshop, ON + "layer = Linear(2, 1)")
    before = wrapped()
    assert workshop.check("01.linear", NUMPY_LINEAR).state == "passed"
    assert workshop.check("01.relu", RELU).state == "passed"
    assert wrapped() == before
    assert value(workshop, "hasattr(Tensor, 'backward')") == "True"


def test_a_layer_written_with_numpy_passes_its_chapter_and_is_told_so_here(workshop):
    assert workshop.check("01.linear", NUMPY_LINEAR).state == "passed"
    outcome = workshop.run_cell(ON + "Linear(2, 1)(Tensor([[1.0, 2.0]]))")
    assert "weight requires a gradient, and no way leads back to it" in outcome.error.sentence
    assert "NumPy on .data" in outcome.error.sentence


def test_the_readers_own_version_switches_it_on_and_a_trial_gives_way(workshop):
    assert (
        workshop.run("01.enable_autograd", MINE + "enable_autograd()\nTensor.marked\n").display[0]["data"] == "'mine'"
    )
    assert value(workshop, "hasattr(Tensor, 'marked'), hasattr(Tensor, 'backward')") == "(False, True)"
    assert workshop.check("01.enable_autograd", MINE).state == "passed"
    assert value(workshop, "Tensor.marked") == "'mine'"
    workshop.forget("01.enable_autograd")
    assert value(workshop, "hasattr(Tensor, 'marked'), hasattr(Tensor, 'backward')") == "(False, True)"


def test_a_version_that_fails_is_told_and_the_session_goes_on(workshop):
    value(workshop, ON)
    outcome = workshop.run("01.enable_autograd", "def enable_autograd():\n    put(Tensor, grad=None)\n    nothing\n")
    assert outcome.state == "error" and "nothing" in outcome.error.sentence and outcome.error.line == 3
    assert value(workshop, "hasattr(Tensor, 'backward'), hasattr(Tensor, 'grad')") == "(True, True)"
    assert workshop.check("01.enable_autograd", "def enable_autograd():\n    nothing\n").state == "failed"
    assert value(workshop, "hasattr(Tensor, 'backward')") == "True"


@pytest.mark.parametrize(
    "last", ["raise NotImplementedError", "raise SystemExit", "put(Tensor, grad=None)\n    nothing"]
)
def test_a_trial_that_fails_does_not_take_gradients_from_the_session(workshop, last):
    value(workshop, ON + "x = Tensor([3.0], requires_grad=True)")
    broken = f"def enable_autograd():\n    {last}\n"
    for attempt in (workshop.run, workshop.check):
        assert attempt("01.enable_autograd", broken).state in ("error", "failed")
    assert value(workshop, "(x * x).backward()\nx.grad.tolist()") == "[6.0]"
    assert workshop.run("01.enable_autograd", broken).error is not None
    assert workshop.run("01.enable_autograd", MINE + "Tensor.marked\n").display[0]["data"] == "'mine'"


def test_one_stop_ends_a_trial_that_never_ends(workshop, monkeypatch):
    monkeypatch.setattr(sys, "stops", [], raising=False)
    value(workshop, ON)
    endless = "def enable_autograd():\n    import sys\n    sys.stops.append(1)\n    raise KeyboardInterrupt\n"
    for count in (1, 2):
        assert workshop.run("01.enable_autograd", endless).state == "idle"
        assert len(sys.stops) == count
    assert workshop.check("01.enable_autograd", MINE).state == "passed"
    assert value(workshop, "Tensor.marked") == "'mine'"


def test_a_no_grad_that_is_never_left_ends_with_the_run(workshop):
    value(workshop, ON + "no_grad().__enter__()")
    assert value(workshop, "from tinytorch import is_grad_enabled\nis_grad_enabled()") == "True"


def test_gradients_of_the_readers_own_operations_stay_and_of_the_librarys_go(workshop):
    text = ON + code("""
        from tinytorch.core.autograd import Function, gradient_of
        class Doubler:
            def forward(self, x):
                return Tensor(x.data * 2)
        @gradient_of(Doubler, "forward")
        class DoublerGradient(Function):
            def backward(self, grad_output, doubler, x):
                return 2 * grad_output
        @gradient_of(ReLU, "forward")
        class Wrong(Function):
            def backward(self, grad_output, relu, x):
                return 100 * grad_output
    """)
    entries = list(autograd.GRADIENTS)
    value(workshop, text)
    assert (
        value(
            workshop, "x = Tensor([1.0], requires_grad=True)\nReLU()(Doubler().forward(x)).backward()\nx.grad.tolist()"
        )
        == "[2.0]"
    )
    assert [entry[2].__name__ for entry in autograd.GRADIENTS if entry not in entries] == ["DoublerGradient"]
    autograd.GRADIENTS[:] = entries


def test_turning_it_on_and_off_leaves_every_class_as_it_was(workshop):
    owners = (tensor.Tensor, layers.Parameter, layers.Linear, tensor, layers.Layer)
    before = [dict(vars(owner)) for owner in owners]
    value(workshop, ON)
    assert [dict(vars(owner)) for owner in owners] != before
    workshop.close()
    assert [dict(vars(owner)) for owner in owners] == before


def test_a_plain_notebook_cell_switches_it_on_and_off_for_exercises_too(workshop):
    """A notebook runs plain cells itself; the workshop sees only what they left behind."""
    autograd.enable_autograd()
    layer = layers.Linear(2, 1)
    assert workshop.check("01.linear", NUMPY_LINEAR).state == "passed"
    assert layer.weight.requires_grad
    assert (
        workshop.run("01.relu", RELU + "Tensor([1.0], requires_grad=True).requires_grad\n").display[0]["data"] == "True"
    )
    autograd.disable_autograd()
    outcome = workshop.run("01.relu", RELU + "hasattr(Tensor, 'backward')\n")
    assert outcome.display[0]["data"] == "False" and not autograd.REPLACED


class StopAt:
    """A trace that interrupts at the n-th line of the workshop or of autograd, as a Stop may."""

    FILES = {
        autograd.__file__,
        *(
            sys.modules[f"tinytorch.learn.{name}"].__file__
            for name in ("autograd_switch", "guarding", "placing", "workshop")
        ),
    }

    def __init__(self, n):
        self.left = n

    def __call__(self, frame, event, arg):
        if frame.f_code.co_filename not in self.FILES:
            return None
        self.left -= event == "line"
        if self.left == 0:
            sys.settrace(None)
            raise KeyboardInterrupt
        return self


@pytest.mark.parametrize("on", [True, False])
def test_a_stop_at_any_line_leaves_a_session_that_goes_on(workshop, on):
    owners = (tensor.Tensor, layers.Parameter, layers.Layer, tensor)
    off = [dict(vars(owner)) for owner in owners]
    for n in range(1, 100_000, 37):
        stop, tracing = StopAt(n), sys.gettrace()
        if on:
            autograd.enable_autograd()
        sys.settrace(stop)
        try:
            workshop.run_cell(ON)
        except KeyboardInterrupt:
            pass  # it came before the work began, or after it was done
        finally:
            sys.settrace(tracing)
        ask = "x = Tensor([2.0], requires_grad=True)\n(x * x).backward()\nx.grad.tolist()"
        assert value(workshop, ask if on else ON + ask) == "[4.0]", n
        autograd.disable_autograd()
        assert [dict(vars(owner)) for owner in owners] == off, n
        if stop.left > 0:
            break


def test_a_new_session_begins_without_it_and_says_what_to_call(workshop, catalog):
    value(workshop, ON)
    texts = {"01.linear": LINEAR}
    workshop.close()
    again = learn.Workshop(lambda stream, text: None, catalog)
    assert again.restore(texts) == []
    for asked in ("Tensor([1.0]).backward()", "Tensor([1.0], requires_grad=True)"):
        outcome = again.run_cell(asked)
        assert "from tinytorch import enable_autograd" in outcome.error.sentence
    assert value(again, ON + "Tensor([1.0], requires_grad=True).requires_grad") == "True"
    again.close()


def test_a_program_calls_it_in_a_session_of_its_own(workshop, catalog):
    text = (
        "from tinytorch import Tensor\n"
        + ON
        + "layer = Linear(2, 1)\nlayer(Tensor([[1.0, 2.0]])).sum().backward()\nfound = layer.weight.grad.tolist()\n"
    )
    program = learn.catalog.Program(
        "m1.learn", "learn", "It learns", text, (Check("It has", "expect(found, [[1.0], [2.0]])"),)
    )
    value(workshop, ON)
    run = programs.Run(program, {"01.linear": LINEAR}, catalog, {})
    run.start(lambda space: exec(text, space) or [])
    assert run.reached and run.calls["01.linear"] == 1 and run.calls["01.enable_autograd"] == 1
    assert sys.modules["tinytorch.core.autograd"] is autograd
    assert value(workshop, "hasattr(Tensor, 'backward')") == "True"
