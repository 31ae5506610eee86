"""WebAssembly as text: a small part of it, checked, run step by step or turned into bytes for the browser.

Belongs to chapter 17. Depends on NumPy alone. A program has one memory and functions with i32, f32
and v128 values, written nested or one instruction after another; `INSTRUCTIONS` lists what it may use.

References: Haas et al. (2017), "Bringing the web up to speed with WebAssembly".
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

GAP = 64  # bytes between two arrays in a program's memory; whoever writes there is found out
BETWEEN = 12345.0  # the number that stands there
PAGE = 65_536  # bytes of a page, in which WebAssembly counts memory
MOST = 1_000_000  # instructions after which a run step by step is taken for an endless loop


class WasmError(ValueError):
    """A program that cannot be read, does not fit together, or goes wrong; the message says what and where."""


class Instruction(NamedTuple):
    """One instruction: its name, what is written behind it, and the line of the text it stands in."""

    name: str
    argument: Any
    line: int


class Operation(NamedTuple):
    """What an instruction is: its code, what is written behind it, the types it takes and gives, what it computes."""

    code: bytes
    kind: str
    takes: str
    gives: str
    compute: Callable[..., Any] | None = None


def leb(number: int, signed: bool = False) -> bytes:
    """Return an integer in WebAssembly's encoding: seven bits a byte, the lowest first.

    >>> leb(300).hex(), leb(-1, signed=True).hex()
    ('ac02', '7f')
    """
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        if number == (-1 if signed and low & 0x40 else 0) and (not signed or bool(low & 0x40) == (number < 0)):
            return bytes([*out, low])
        out.append(low | 0x80)


def wrapped(number: int) -> int:
    """Return an integer as 32 bits hold it, from -2**31 on.

    >>> wrapped(2**31)
    -2147483648
    """
    return (number + 2**31) % 2**32 - 2**31


def four(value: Any) -> np.ndarray:
    """Return one number four times, as a register of four float32.

    >>> four(2).tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    return np.full(4, value, np.float32)


def unsigned(compare: Callable[[int, int], bool]) -> Callable[[int, int], int]:
    """Return a comparison of two i32 that takes their bits for numbers without a sign.

    >>> unsigned(lambda a, b: a < b)(-1, 1)
    0
    """
    return lambda a, b: int(compare(a % 2**32, b % 2**32))


# Types: i for i32, f for f32, v for v128.
INSTRUCTIONS = {
    "block": Operation(b"\x02", "label", "", ""),
    "loop": Operation(b"\x03", "label", "", ""),
    "end": Operation(b"\x0b", "", "", ""),
    "br": Operation(b"\x0c", "target", "", ""),
    "br_if": Operation(b"\x0d", "target", "i", ""),
    "drop": Operation(b"\x1a", "", "?", ""),
    "local.get": Operation(b"\x20", "local", "", "?"),
    "local.set": Operation(b"\x21", "local", "?", ""),
    "local.tee": Operation(b"\x22", "local", "?", "?"),
    "i32.const": Operation(b"\x41", "integer", "", "i"),
    "f32.const": Operation(b"\x43", "number", "", "f"),
    "i32.load": Operation(b"\x28", "memory 2", "i", "i"),
    "f32.load": Operation(b"\x2a", "memory 2", "i", "f"),
    "i32.store": Operation(b"\x36", "memory 2", "ii", ""),
    "f32.store": Operation(b"\x38", "memory 2", "if", ""),
    "v128.load": Operation(b"\xfd\x00", "memory 4", "i", "v"),
    "v128.load32_splat": Operation(b"\xfd\x09", "memory 2", "i", "v"),
    "v128.store": Operation(b"\xfd\x0b", "memory 4", "iv", ""),
    "f32.convert_i32_s": Operation(b"\xb2", "", "i", "f", np.float32),
    "f32x4.splat": Operation(b"\xfd\x13", "", "f", "v", four),
    "f32x4.extract_lane": Operation(b"\xfd\x1f", "lane", "v", "f"),
    "i32.eqz": Operation(b"\x45", "", "i", "i", lambda a: int(a == 0)),
}
COMPARISONS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "ge": lambda a, b: a >= b,
}
ARITHMETIC = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "min": np.minimum,
    "max": np.maximum,
}
LOGIC = {
    "and": (0x71, lambda a, b: a & b),
    "or": (0x72, lambda a, b: a | b),
    "xor": (0x73, lambda a, b: a ^ b),
    "shl": (0x74, lambda a, b: a << b % 32),
    "shr_s": (0x75, lambda a, b: a >> b % 32),
    "shr_u": (0x76, lambda a, b: a % 2**32 >> b % 32),
}
ONE = {"abs": (0x8B, 224, np.abs), "neg": (0x8C, 225, np.negative), "sqrt": (0x91, 227, np.sqrt)}


def calculations() -> Iterator[tuple[str, Operation]]:
    """Yield the instructions that compute with numbers, by their names.

    >>> len(dict(calculations()))
    43
    """
    for at, (name, compare) in enumerate(COMPARISONS.items()):
        yield f"f32.{name}", Operation(bytes([0x5B + at]), "", "ff", "i", truth(compare))
    for at, name in enumerate(("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")):
        compare = COMPARISONS[name[:2]]
        compute = unsigned(compare) if name.endswith("u") else truth(compare)
        yield f"i32.{name}", Operation(bytes([0x46 + at]), "", "ii", "i", compute)
    for at, (name, compute) in enumerate(ARITHMETIC.items()):
        yield f"f32.{name}", Operation(bytes([0x92 + at]), "", "ff", "f", compute)
        yield f"f32x4.{name}", Operation(b"\xfd" + leb(228 + at), "", "vv", "v", compute)
        if name in ("add", "sub", "mul"):
            yield f"i32.{name}", Operation(bytes([0x6A + at]), "", "ii", "i", in_32_bits(compute))
    for name, (code, compute) in LOGIC.items():
        yield f"i32.{name}", Operation(bytes([code]), "", "ii", "i", in_32_bits(compute))
    for name, (code, code_of_four, compute) in ONE.items():
        yield f"f32.{name}", Operation(bytes([code]), "", "f", "f", compute)
        yield f"f32x4.{name}", Operation(b"\xfd" + leb(code_of_four), "", "v", "v", compute)


def truth(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], int]:
    """Return a comparison that gives 1 or 0, as WebAssembly's do.

    >>> truth(lambda a, b: a < b)(-1, 1)
    1
    """
    return lambda a, b: int(compare(a, b))


def in_32_bits(compute: Callable[[int, int], int]) -> Callable[[int, int], int]:
    """Return a computation of integers whose result has 32 bits, whatever is too much left out.

    >>> in_32_bits(lambda a, b: a + b)(2**31 - 1, 1)
    -2147483648
    """
    return lambda a, b: wrapped(compute(a, b))


INSTRUCTIONS |= dict(calculations())

TYPES = {"i32": (0x7F, "i"), "f32": (0x7D, "f"), "v128": (0x7B, "v")}
SPELLED = {letter: name for name, (_, letter) in TYPES.items()}
TOKEN = re.compile(r';;[^\n]*|\(;.*?;\)|"[^"\n]*"|[()]|[^\s()";]+|\S', re.S)


class Word(str):
    """A word of the text that knows its line."""

    line = 0


def read(text: str) -> list:
    """Return the text as lists in lists, one for each pair of parentheses; the words know their lines.

    Raises
    ------
    WasmError: a parenthesis without its partner.

    >>> read("(a (b 1)) ;; a remark")
    [['a', ['b', '1']]]
    """
    stack: list[list] = [[]]
    opened: list[tuple[int, int]] = []
    suspect = ""
    for found in TOKEN.finditer(text):
        line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
        if found[0] == "(":
            suspect = suspect or open_too_long(text, opened, line, column)
            opened.append((line, column))
            stack.append([])
        elif found[0] == ")":
            if not opened:
                raise WasmError(f"line {line}: this ) closes nothing; there is one too many, here or before")
            opened.pop()
            stack[-2].append(stack.pop())
        elif not found[0].startswith((";;", "(;")):
            word = Word(found[0])
            word.line = line
            stack[-1].append(word)
    if opened:
        raise WasmError(f"line {opened[-1][0]}: this ( is never closed{suspect}")
    return stack[0]


def open_too_long(text: str, opened: list[tuple[int, int]], line: int, column: int) -> str:
    """Return what to say of a ( whose line is no less indented than this one, and which is open all the same.

    opened : the line and column of each ( that is open; only one with which its line begins counts

    >>> open_too_long("(a\\n  (b\\n  (c)))", [(1, 1), (2, 3)], 3, 3)
    '; by the indentation, a ) is missing in line 2'
    """
    lines = text.split("\n")
    if lines[line - 1][: column - 1].strip():
        return ""
    for start, at in opened:
        if at >= column and not lines[start - 1][: at - 1].strip():
            where = f"line {start}" if start == line - 1 else f"lines {start} to {line - 1}"
            return f"; by the indentation, a ) is missing in {where}"
    return ""


def line_of(item: Any) -> int:
    """Return the line in which a piece of the text begins.

    >>> line_of(read("(a)")[0])
    1
    """
    while isinstance(item, list):
        item = item[0] if item else Word()
    return item.line


class Function:
    """A function of a program: its name, its parameters and locals by name, its types and instructions."""

    def __init__(self, items: list) -> None:
        self.name, self.places, self.types, self.count = "", {}, "", 0
        body, named = [], items and isinstance(items[0], str) and items[0].startswith("$")
        for item in items[bool(named) :]:
            head = item[0] if isinstance(item, list) and item else item
            if head == "export":
                self.name = item[1].strip('"')
            elif head in ("param", "local"):
                self.declare(head, item[1:])
            elif head == "result":
                raise WasmError(
                    f"line {line_of(item)}: a function here gives no result; write what it computes to memory"
                )
            else:
                body.append(item)
        self.instructions = [*flatten(body), Instruction("end", None, 0)]
        self.check()

    def declare(self, head: str, words: list) -> None:
        """Take over a (param …) or (local …)."""
        name = words.pop(0) if words and words[0].startswith("$") else None
        for word in words:
            if word not in TYPES:
                raise WasmError(f"line {word.line}: {word} is no type here; there are {', '.join(TYPES)}")
            if name is not None:
                self.places[name] = len(self.types)
            self.types += TYPES[word][1]
            self.count += head == "param"

    def place(self, word: str, line: int) -> int:
        """Return the number of a parameter or local."""
        number = self.places.get(word, int(word) if word.isdigit() else -1)
        if not 0 <= number < len(self.types):
            raise WasmError(f"line {line}: there is no {word}; the parameters and locals are {', '.join(self.places)}")
        return number

    def check(self) -> None:
        """Give names their numbers, and require that each instruction finds the types it takes."""
        stack: list[str] = []
        blocks: list[tuple[str, int]] = [("", 0)]
        for at, (name, argument, line) in enumerate(self.instructions):
            if not blocks:
                raise WasmError(
                    f"line {line}: before this {name} everything had ended already; there is an end too many"
                )
            operation = INSTRUCTIONS[name]
            takes, gives = operation.takes, operation.gives
            if operation.kind == "local":
                argument = self.place(argument, line)
                takes, gives = (each.replace("?", self.types[argument]) for each in (takes, gives))
            elif operation.kind == "target":
                argument = depth_of(argument, blocks, line)
            self.instructions[at] = Instruction(name, argument, line)
            take(stack, takes, name, line, blocks[-1][1])
            stack.extend(gives)
            if operation.kind == "label":
                blocks.append((argument or "", len(stack)))
            elif name == "end":
                end_block(stack, blocks, line or self.instructions[at - 1].line)
        if blocks:
            raise WasmError("a block or loop is never ended; there is an end too few")


def end_block(stack: list[str], blocks: list[tuple[str, int]], line: int) -> None:
    """End the innermost block; raise where values are left in it.

    >>> blocks = [("", 0)]
    >>> end_block([], blocks, 1)
    >>> blocks
    []
    """
    left = len(stack) - blocks.pop()[1]
    if left:
        raise WasmError(
            f"line {line}: at the end of this block {left} value{'s are' if left > 1 else ' is'} left over; "
            "store or drop what nobody takes"
        )


def depth_of(label: str, blocks: list[tuple[str, int]], line: int) -> int:
    """Return how many blocks out a label is.

    >>> depth_of("$a", [("", 0), ("$a", 0), ("$b", 0)], 1)
    1
    """
    if label.isdigit() and int(label) < len(blocks) - 1:
        return int(label)
    names = [name for name, _ in reversed(blocks)]
    if label not in names or not label:
        raise WasmError(f"line {line}: br goes to {label}, and no block or loop around it has that name")
    return names.index(label)


def take(stack: list[str], takes: str, name: str, line: int, base: int) -> None:
    """Take the types that an instruction needs from the stack of types.

    >>> take(["i"], "f", "f32.sqrt", 3, 0)
    Traceback (most recent call last):
    ...
    tinytorch.perf.webassembly.WasmError: line 3: f32.sqrt takes f32, and finds i32
    """
    found = stack[base:][-len(takes) :] if takes else []
    if len(found) < len(takes) or any(
        each not in (want, "?") and want != "?" for want, each in zip(takes, found, strict=True)
    ):
        wanted, there = (" and ".join(SPELLED.get(each, "a value") for each in types) for types in (takes, found))
        raise WasmError(f"line {line}: {name} takes {wanted}, and finds {there or 'nothing'}")
    del stack[len(stack) - len(takes) :]


def flatten(items: list) -> Iterator[Instruction]:
    """Yield the instructions of a body in the order in which they run: of nested ones, the operands first.

    >>> [each.name for each in flatten(read("(f32.sqrt (local.get $x)) drop"))]
    ['local.get', 'f32.sqrt', 'drop']
    """
    items = list(items)
    while items:
        item = items.pop(0)
        nested = isinstance(item, list)
        rest = list(item) if nested else items
        if nested and (not rest or isinstance(rest[0], list)):
            raise WasmError(f"line {line_of(item)}: a name of an instruction is missing behind this (")
        word = rest.pop(0) if nested else item
        if word not in INSTRUCTIONS or (nested and word == "end"):
            raise WasmError(
                f"line {word.line}: {word} is no instruction here; the list INSTRUCTIONS has those there are"
            )
        kind = INSTRUCTIONS[word].kind
        instruction = Instruction(str(word), argument_of(word, kind, rest), word.line)
        if nested and kind == "label":
            yield instruction
            yield from flatten(rest)
            yield Instruction("end", None, word.line)
        else:
            if nested:
                yield from flatten(rest)
            yield instruction


def argument_of(word: Word, kind: str, rest: list) -> Any:
    """Take what is written behind an instruction from the front of `rest`, and return it.

    >>> argument_of(Word("v128.load"), "memory 4", read("offset=16"))
    16
    """
    if kind == "label":
        return rest.pop(0) if rest and isinstance(rest[0], str) and rest[0].startswith("$") else None
    if kind.startswith("memory"):
        offset = 0
        while rest and isinstance(rest[0], str) and rest[0].startswith(("offset=", "align=")):
            name, _, number = rest.pop(0).partition("=")
            offset = int(number, 0) if name == "offset" else offset
        return offset
    if not kind:
        return None
    if not rest or isinstance(rest[0], list):
        raise WasmError(f"line {word.line}: {word} needs something behind it, as in {EXAMPLES[kind].format(word)}")
    argument = rest.pop(0)
    try:
        return READ[kind](argument)
    except ValueError:
        raise WasmError(f"line {word.line}: {word} {argument}: {argument} is not what belongs here") from None


READ: dict[str, Callable[[str], Any]] = {
    "local": str,
    "target": str,
    "integer": lambda word: int(word, 0),
    "number": float,
    "lane": lambda word: range(4)[int(word)],
}
EXAMPLES = {"local": "{} $x", "target": "{} $next", "integer": "{} 4", "number": "{} 0.5", "lane": "{} 0"}


class Program:
    """A program in WebAssembly text, read and checked.

    Raises
    ------
    WasmError: the text cannot be read, or its types do not fit together; the message names the line.

    >>> program = Program(ADD_SCALED)
    >>> x, y = np.ones(2, np.float32), np.ones(2, np.float32)
    >>> program.interpret("add_scaled", x, y, 2, 0.5), y.tolist()
    (58, [1.5, 1.5])
    """

    def __init__(self, text: str) -> None:
        module = read(text)
        if len(module) != 1 or not isinstance(module[0], list) or module[0][:1] != ["module"]:
            raise WasmError("the text is not one (module …)")
        fields = [field for field in module[0][1:] if isinstance(field, list) and field]
        known = {"func", "memory"}
        for field in fields:
            if field[0] not in known:
                raise WasmError(f"line {line_of(field)}: {field[0]} is not known here; a module has memory and func")
        self.functions = [Function(field[1:]) for field in fields if field[0] == "func"]
        self.instance: Any = None

    def function(self, name: str) -> Function:
        """Return an exported function.

        Raises
        ------
        WasmError: there is none of this name.
        """
        for function in self.functions:
            if function.name == name:
                return function
        names = ", ".join(function.name for function in self.functions if function.name) or "none"
        raise WasmError(f"no function exports the name {name!r}; exported are: {names}")

    def interpret(self, name: str, *arguments: Any, most: int = MOST) -> int:
        """Run a function instruction by instruction in Python, and return how many instructions that were.

        Arrays of float32 are laid into the program's memory, handed over as addresses, and filled from
        there afterwards.

        Raises
        ------
        WasmError: more than `most` instructions, an address outside of memory, numbers written beside an array.

        Cost: about a microsecond for each instruction; it is for looking, not for computing.
        """
        memory, values = laid_out(arguments)
        count = Run(self.function(name), memory, self.checked(name, values)).run(most)
        take_back(name, memory, arguments, values)
        return count

    def execute(self, name: str, *arguments: Any) -> float:
        """Run a function on the browser's WebAssembly, and return the seconds it took, without the copying.

        Raises
        ------
        WasmError: this Python has no WebAssembly beside it (`available()`), or the program went wrong.
        """
        if not available():
            raise WasmError(
                "this Python runs outside of a browser and has no WebAssembly beside it; interpret() runs anywhere"
            )
        memory, values = laid_out(arguments)
        values = self.checked(name, values)
        if self.instance is None:
            self.instance = instantiate(self.to_bytes())
        try:
            seconds = execute_in(self.instance, name, memory, values)
        except Exception as problem:
            raise WasmError(f"{name}: {problem}") from None
        take_back(name, memory, arguments, values)
        return seconds

    def checked(self, name: str, values: list) -> list:
        """Return the values that a function is called with; raise unless there are as many as it takes."""
        wanted = self.function(name).count
        if len(values) != wanted:
            raise WasmError(f"{name} takes {wanted} values, and got {len(values)}")
        return values

    def to_bytes(self) -> bytes:
        """Return the program as the bytes that a browser takes: a header, and sections of code and of what it needs.

        >>> Program(ADD_SCALED).to_bytes()[:8]
        b'\\x00asm\\x01\\x00\\x00\\x00'
        """
        letters = {letter: bytes([code]) for code, letter in TYPES.values()}
        types = [b"\x60" + vector(letters[each] for each in f.types[: f.count]) + b"\x00" for f in self.functions]
        exports = [text_of("memory") + b"\x02\x00"]
        exports += [text_of(f.name) + b"\x00" + leb(at) for at, f in enumerate(self.functions) if f.name]
        codes = []
        for f in self.functions:
            extra = vector(b"\x01" + letters[each] for each in f.types[f.count :])
            code = extra + b"".join(encoded(each) for each in f.instructions)
            codes.append(leb(len(code)) + code)
        numbers = (leb(at) for at in range(len(self.functions)))
        sections = {1: vector(types), 3: vector(numbers), 5: b"\x01\x00\x01", 7: vector(exports), 10: vector(codes)}
        parts = (bytes([number]) + leb(len(data)) + data for number, data in sections.items())
        return b"\x00asm\x01\x00\x00\x00" + b"".join(parts)


def vector(parts: Any) -> bytes:
    """Return pieces with their number in front.

    >>> vector([b"a", b"b"])
    b'\\x02ab'
    """
    parts = list(parts)
    return leb(len(parts)) + b"".join(parts)


def text_of(name: str) -> bytes:
    """Return a name with its length in front.

    >>> text_of("add")
    b'\\x03add'
    """
    return leb(len(name.encode())) + name.encode()


def encoded(instruction: Instruction) -> bytes:
    """Return the bytes of an instruction.

    >>> encoded(Instruction("i32.const", 4, 1)).hex()
    '4104'
    """
    code, kind = INSTRUCTIONS[instruction.name][:2]
    argument = instruction.argument
    if kind == "label":
        return code + b"\x40"
    if kind.startswith("memory"):
        return code + leb(int(kind[-1])) + leb(argument)
    if kind == "number":
        return code + struct.pack("<f", argument)
    if kind:
        return code + leb(argument, signed=kind == "integer")
    return code


class Run:
    """A call of a function, instruction by instruction: its memory, its locals, its stack of values."""

    def __init__(self, function: Function, memory: np.ndarray, values: list) -> None:
        self.memory = memory
        empty = {"i": 0, "f": np.float32(0), "v": four(0)}
        convert = {"i": lambda value: wrapped(int(value)), "f": np.float32, "v": lambda value: value}
        self.locals = [convert[each](value) for each, value in zip(function.types, values, strict=False)]
        self.locals += [empty[each] for each in function.types[len(values) :]]
        self.stack: list = []
        self.code = function.instructions
        self.ends = ends_of(self.code)

    def run(self, most: int) -> int:
        """Run to the end, and return how many instructions that took; an `end` counts for none."""
        at, count, blocks = 0, 0, []
        with np.errstate(all="ignore"):
            while at < len(self.code):
                instruction = self.code[at]
                name = instruction.name
                count += name != "end"
                if count > most:
                    raise WasmError(f"after {most:,} instructions the program had not ended; does its loop ever stop?")
                if name in ("block", "loop"):
                    blocks.append(at)
                elif name == "end" and blocks:
                    blocks.pop()
                elif name == "br" or (name == "br_if" and self.stack.pop()):
                    at = self.branch(blocks, instruction.argument)
                elif name not in ("br_if", "end"):
                    self.step(instruction)
                at += 1
        return count

    def branch(self, blocks: list[int], depth: int) -> int:
        """Leave blocks, and return where to go on: at the start of a loop, behind the end of a block."""
        if depth >= len(blocks):
            return len(self.code)
        begin = blocks[-1 - depth]
        if self.code[begin].name == "loop":
            del blocks[len(blocks) - depth :]
            return begin
        del blocks[-1 - depth :]
        return self.ends[begin]

    def step(self, instruction: Instruction) -> None:
        """Do one instruction that is no branch."""
        name, argument, line = instruction
        operation, stack = INSTRUCTIONS[name], self.stack
        if operation.kind == "local":
            if name == "local.get":
                stack.append(self.locals[argument])
            else:
                self.locals[argument] = stack[-1] if name == "local.tee" else stack.pop()
        elif operation.kind.startswith("memory"):
            self.touch(name, argument, line)
        elif name == "f32x4.extract_lane":
            stack.append(stack.pop()[argument])
        elif operation.kind == "integer":
            stack.append(wrapped(argument))
        elif operation.kind == "number":
            stack.append(np.float32(argument))
        else:
            operands = [stack.pop() for _ in operation.takes][::-1]
            if operation.compute is not None:
                stack.append(operation.compute(*operands))

    def touch(self, name: str, offset: int, line: int) -> None:
        """Read from memory or write to it."""
        value = self.stack.pop() if "store" in name else None
        size = 16 if name in ("v128.load", "v128.store") else 4
        address = self.stack.pop() % 2**32 + offset
        if address + size > len(self.memory):
            raise WasmError(f"line {line}: {name} at address {address}, and memory ends at {len(self.memory)}")
        kind = np.int32 if name.startswith("i32") else np.float32
        cells = self.memory[address : address + size].view(kind) if address % 4 == 0 else None
        if cells is None:
            raise WasmError(
                f"line {line}: {name} at address {address}, in the middle of a number; numbers have four bytes"
            )
        if value is not None:
            cells[...] = value
        elif name == "v128.load":
            self.stack.append(cells.copy())
        elif name == "v128.load32_splat":
            self.stack.append(four(cells[0]))
        else:
            self.stack.append(int(cells[0]) if kind is np.int32 else cells[0])


def ends_of(code: list[Instruction]) -> dict[int, int]:
    """Return for each block and loop where it ends.

    >>> ends_of([Instruction("block", None, 1), Instruction("end", None, 1)])
    {0: 1}
    """
    opened, ends = [], {}
    for at, instruction in enumerate(code):
        if INSTRUCTIONS[instruction.name].kind == "label":
            opened.append(at)
        elif instruction.name == "end" and opened:
            ends[opened.pop()] = at
    return ends


def laid_out(arguments: tuple) -> tuple[np.ndarray, list]:
    """Return a memory with the arrays in it, GAP bytes apart, and the values to call a function with.

    >>> memory, values = laid_out((np.ones(4, np.float32), 2))
    >>> values
    [64, 2]
    """
    values, place = [], GAP
    for argument in arguments:
        if not isinstance(argument, np.ndarray):
            values.append(argument)
            continue
        if argument.dtype != np.float32 or not argument.flags.c_contiguous:
            raise WasmError(f"an array of {argument.dtype} was given; give float32, its numbers side by side")
        values.append(place)
        place += (argument.nbytes + 15) // 16 * 16 + GAP
    memory = np.full((place + PAGE - 1) // PAGE * PAGE // 4, BETWEEN, np.float32).view(np.uint8)
    for argument, address in zip(arguments, values, strict=True):
        if isinstance(argument, np.ndarray):
            memory[address : address + argument.nbytes] = argument.reshape(-1).view(np.uint8)
    return memory, values


def take_back(name: str, memory: np.ndarray, arguments: tuple, values: list) -> None:
    """Fill the arrays from memory; raise where something was written beside them."""
    untouched = np.ones(len(memory), bool)
    for argument, address in zip(arguments, values, strict=True):
        if isinstance(argument, np.ndarray):
            argument.reshape(-1).view(np.uint8)[:] = memory[address : address + argument.nbytes]
            untouched[address : address + argument.nbytes] = False
    blank = np.full(len(memory) // 4, BETWEEN, np.float32).view(np.uint8)
    beside = np.flatnonzero(untouched & (memory != blank))
    if len(beside):
        ends = [
            f"{address} to {address + a.nbytes}"
            for a, address in zip(arguments, values, strict=True)
            if isinstance(a, np.ndarray)
        ]
        raise WasmError(f"{name} wrote at address {beside[0]}, beside its arrays, which lie at {' and '.join(ends)}")


def available() -> bool:
    """Tell whether this Python runs in a browser, with its WebAssembly beside it.

    >>> available() in (True, False)
    True
    """
    try:
        import js
    except ImportError:
        return False
    return hasattr(js, "WebAssembly")


def instantiate(code: bytes) -> Any:
    """Return a program that the browser has compiled, with a memory of its own: no address in it is one of Python's."""
    import js
    from pyodide.ffi import to_js

    return js.WebAssembly.Instance.new(js.WebAssembly.Module.new(to_js(code)), js.Object.new())


def execute_in(instance: Any, name: str, memory: np.ndarray, values: list) -> float:
    """Copy a memory into the program's, run a function, copy it back; return the seconds of the function alone."""
    import js

    place = instance.exports.memory
    missing = len(memory) - place.buffer.byteLength
    if missing > 0:
        place.grow((missing + PAGE - 1) // PAGE)
    view = js.Uint8Array.new(place.buffer, 0, len(memory))
    view.assign(memory)
    function = getattr(instance.exports, name)
    start = time.perf_counter()
    function(*values)
    seconds = time.perf_counter() - start
    view.assign_to(memory)
    return seconds


# A loop of chapter 17: y += a * x, one number at a time. Addresses are in bytes; a float32 has four.
ADD_SCALED = """
(module
  (memory (export "memory") 1)
  (func (export "add_scaled") (param $x i32) (param $y i32) (param $n i32) (param $a f32)
    (block $done
      (loop $next
        (br_if $done (i32.lt_s (local.get $n) (i32.const 1)))
        (f32.store (local.get $y)
          (f32.add (f32.load (local.get $y))
                   (f32.mul (local.get $a) (f32.load (local.get $x)))))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (local.set $y (i32.add (local.get $y) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))))
"""


def add_scaled_text() -> str:
    """Return WebAssembly text whose function `add_scaled` computes y += a * x, four numbers at a time.

    Its parameters are those of `ADD_SCALED`: the addresses of x and y, how many numbers there are,
    and the factor. What is left at the end, three numbers at most, is done one by one.

    Cost: 27 instructions for four numbers, where `ADD_SCALED` needs 26 for one.

    >>> x, y = np.ones(9, np.float32), np.ones(9, np.float32)
    >>> Program(add_scaled_text()).interpret("add_scaled", x, y, 9, 0.5) < 100, y.sum()
    (True, np.float32(13.5))
    """
    return """
(module
  (memory (export "memory") 1)
  (func (export "add_scaled") (param $x i32) (param $y i32) (param $n i32) (param $a f32)
    (block $few
      (loop $four
        (br_if $few (i32.lt_s (local.get $n) (i32.const 4)))
        (v128.store (local.get $y)
          (f32x4.add (v128.load (local.get $y))
                     (f32x4.mul (f32x4.splat (local.get $a)) (v128.load (local.get $x)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $y (i32.add (local.get $y) (i32.const 16)))
        (local.set $n (i32.sub (local.get $n) (i32.const 4)))
        (br $four)))
    (block $done
      (loop $next
        (br_if $done (i32.lt_s (local.get $n) (i32.const 1)))
        (f32.store (local.get $y)
          (f32.add (f32.load (local.get $y))
                   (f32.mul (local.get $a) (f32.load (local.get $x)))))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (local.set $y (i32.add (local.get $y) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))))
"""
