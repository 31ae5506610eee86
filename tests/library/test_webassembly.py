"""WebAssembly text: what is read, what is refused in a sentence, and that a run step by step computes what NumPy does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch.perf.webassembly import ADD_SCALED, INSTRUCTIONS, Program, WasmError, add_scaled_text, available, leb

HEAD = '(module (memory (export "memory") 1) (func (export "f") '


def program(body):
    return Program(f"{HEAD}{body}))")


@pytest.mark.parametrize("text", [ADD_SCALED, add_scaled_text()])
@given(n=st.integers(0, 21), a=st.floats(-8, 8, width=32))
def test_a_loop_computes_what_numpy_does(text, n, a):
    rng = np.random.default_rng(n)
    x, y = rng.standard_normal((2, n), dtype=np.float32)
    expected = y + np.float32(a) * x
    Program(text).interpret("add_scaled", x, y, n, a)
    assert np.array_equal(y, expected)


def test_four_at_a_time_take_a_quarter_of_the_instructions():
    x, y = np.ones(400, np.float32), np.ones(400, np.float32)
    one, four = (Program(text).interpret("add_scaled", x, y, 400, 1.0) for text in (ADD_SCALED, add_scaled_text()))
    assert 3.5 < one / four < 4


def test_nested_and_one_after_another_are_the_same_program():
    nested = program("(param $p i32) (f32.store (local.get $p) (f32.sqrt (f32.load (local.get $p))))")
    flat = program("(param $p i32) local.get $p local.get $p f32.load f32.sqrt f32.store")
    assert nested.to_bytes() == flat.to_bytes()
    loops = program("(block $out (loop $in (br_if $out (i32.const 1)) (br $in)))")
    assert loops.to_bytes() == program("block $out loop $in i32.const 1 br_if $out br $in end end").to_bytes()


VALUES = {"i32": [(7, 3), (-7, 3), (2**31 - 1, 1), (5, 33)], "f32": [(1.5, -2.0), (0.0, 4.0), (9.0, 0.25)]}


def test_a_few_instructions_one_by_one():
    def integer(name, *operands):
        out = np.zeros(1, np.float32)
        words = " ".join(f"(i32.const {operand})" for operand in operands)
        program(f"(param $p i32) (i32.store (local.get $p) (i32.{name} {words}))").interpret("f", out)
        return int(out.view(np.int32)[0])

    assert integer("add", 2**31 - 1, 1) == -(2**31)
    assert integer("shr_u", -1, 28) == 15 and integer("shr_s", -16, 2) == -4 and integer("shl", 1, 33) == 2
    assert integer("lt_s", -1, 1) == 1 and integer("lt_u", -1, 1) == 0 and integer("ge_u", -1, 1) == 1
    assert integer("eqz", 0) == 1 and integer("xor", 6, 3) == 5 and integer("ne", 1, 1) == 0


@pytest.mark.parametrize(
    "body, words",
    [
        ("(f32.sqrt (i32.const 1)) drop", "f32.sqrt takes f32, and finds i32"),
        ("i32.add", "i32.add takes i32 and i32, and finds nothing"),
        ("(f32.nope)", "f32.nope is no instruction here"),
        ("(loop $x (br $y))", r"br goes to \$y"),
        ("(i32.const 1)", "1 value is left over"),
        ("(local.get $q) drop", r"there is no \$q"),
        ("(i32.const x) drop", "i32.const x: x is not what belongs here"),
        ("(i32.const) drop", "i32.const needs something behind it"),
        ("nop_ end", "nop_ is no instruction"),
        ("(param $p i64)", "i64 is no type here"),
        ("(result i32) (i32.const 1)", "gives no result"),
    ],
)
def test_what_does_not_fit_is_said_with_its_line(body, words):
    with pytest.raises(WasmError, match=f"^line 1: .*{words}"):
        program(body)


@pytest.mark.parametrize("text, words", [
    ("(module", "line 1: this .* is never closed$"), ("(module))", "line 1: this .* closes nothing"),
    ("(module\n  (func\n    (nop)\n  (func))", "line 1: .* is missing in lines 2 to 3$"),
    ("(module\n  (func (nop)\n  (func))", "line 1: .* is missing in line 2$"),
    ("(module (func\n  (nop)\n  (nop))", "line 1: this .* is never closed$"),
    ("", "not one"), ("(module (table 1))", "table is not known"),
])  # fmt: skip
def test_a_text_that_cannot_be_read(text, words):
    with pytest.raises(WasmError, match=words):
        Program(text)


def test_blocks_end_as_often_as_they_begin():
    with pytest.raises(WasmError, match="an end too many"):
        program("loop $x end end i32.const 1 drop")
    with pytest.raises(WasmError, match="an end too few"):
        program("loop $x")


def test_what_goes_wrong_while_running():
    with pytest.raises(WasmError, match="after 1,000 instructions"):
        program("(loop $x (br $x))").interpret("f", most=1000)
    with pytest.raises(WasmError, match="memory ends at"):
        program("(drop (f32.load (i32.const 900000)))").interpret("f")
    with pytest.raises(WasmError, match="in the middle of a number"):
        program("(drop (f32.load (i32.const 65)))").interpret("f")
    with pytest.raises(WasmError, match="beside its arrays, which lie at 64 to 72"):
        program("(param $p i32) (f32.store offset=8 (local.get $p) (f32.const 1))").interpret(
            "f", np.ones(2, np.float32)
        )
    with pytest.raises(WasmError, match="takes 4 values, and got 1"):
        Program(ADD_SCALED).interpret("add_scaled", 1)
    with pytest.raises(WasmError, match="exported are: add_scaled"):
        Program(ADD_SCALED).interpret("add", 1)
    with pytest.raises(WasmError, match="float64"):
        Program(ADD_SCALED).interpret("add_scaled", np.ones(2), np.ones(2), 2, 1.0)


@given(st.integers(-(2**31), 2**31 - 1))
def test_integers_are_written_in_seven_bits_a_byte(number):
    data, value = leb(number, signed=True), 0
    for at, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * at
    assert value - (1 << 7 * len(data) if data[-1] & 0x40 else 0) == number
    assert len(data) == 1 or leb(number, signed=True)[:-1] != b""


def sample(name):
    """A program that uses one instruction and stores what it gives."""
    operation = INSTRUCTIONS[name]
    push = {"i": "(i32.const 64)", "f": "(f32.const 2.5)", "v": "(f32x4.splat (f32.const -2.5))", "?": "(f32.const 1)"}
    behind = {"local": "$n", "integer": "3", "number": "0.5", "lane": "2"}.get(operation.kind, "")
    takes = [push[each] for each in operation.takes]
    if name == "local.set" or name == "local.tee":
        takes = ["(i32.const 5)"]
    body = f"({name} {behind} {' '.join(takes)})"
    gives = "i" if name in ("local.get", "local.tee") else operation.gives
    store = {"i": "i32.store", "f": "f32.store", "v": "v128.store"}.get(gives)
    body = f"({store} (local.get $p) {body})" if store else body
    return program(f"(param $p i32) (param $n i32) {body}")


PLAIN = [
    name for name, operation in INSTRUCTIONS.items() if operation.kind not in ("label", "target") and name != "end"
]


@pytest.mark.parametrize("name", PLAIN)
def test_every_instruction_runs(name):
    out = np.array([1.5, 2.0, 0.25, -4.0], np.float32)
    assert sample(name).interpret("f", out, 7) >= 1


@pytest.mark.parametrize("name", PLAIN)
def test_the_browser_computes_what_the_run_step_by_step_does_and_elsewhere_it_says_so(name):
    stepped, run = np.array([[1.5, 2.0, 0.25, -4.0]] * 2, np.float32)
    if not available():
        with pytest.raises(WasmError, match="runs outside of a browser"):
            sample(name).execute("f", run, 7)
        return
    sample(name).interpret("f", stepped, 7)
    assert sample(name).execute("f", run, 7) >= 0
    assert stepped.tobytes() == run.tobytes()
