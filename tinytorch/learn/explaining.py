"""From an exception to a sentence: what happened, in which of the reader's lines, what to do.

A traceback here has only lines that a reader wrote. ``files`` is everywhere the same
mapping: the file name that compiled code carries -> the text it was compiled from.
The words do not depend on the version of Python.
"""

from __future__ import annotations

import linecache
import re
import sys
from dataclasses import asdict, dataclass
from types import ModuleType

WITH_GRADIENTS = ("backward", "detach", "grad", "requires_grad", "zero_grad")
ARRAYS_WORDS = {
    "clone": "copy()",
    "permute": "transpose",
    "numel": "size",
    "dim": "ndim",
    "unsqueeze": "np.expand_dims",
}
OTHER_FRAMEWORKS = ("torch", "tensorflow", "jax", "keras", "torchvision", "torchaudio", "flax", "mxnet", "paddle")
TOO_BIG = re.compile(
    r"array is too big|Maximum allowed dimension exceeded|Maximum allowed size exceeded|cannot fit 'int' into an index"
)
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u200e\u200f\u202a-\u202e]")
INSTALL = re.compile(r"[%!]?\s*((python3?|py)\s+-m\s+)?(pip3?|conda|mamba|uv)\s+\w")
HELP = re.compile(r"\?{1,2}[\w.]+$|[\w.]+\s*\?{1,2}$")
INDENTED = re.compile(r"\s+(%{1,2}[A-Za-z_]\w*(\s|$)|!\s*\w)")
MANY_FRAMES = 8


@dataclass
class Problem:
    """What went wrong: a kind for programs, a sentence for people, the reader's line."""

    kind: str
    sentence: str
    line: int | None = None
    traceback: str = ""

    def to_dict(self) -> dict:
        return asdict(self)


class Refused(Exception):
    """The reader's text cannot be taken as it is; ``problem`` says why."""

    def __init__(self, kind: str, sentence: str, line: int | None = None, traceback: str = ""):
        super().__init__(sentence)
        self.problem = Problem(kind, sentence, line, traceback)


class InputRefused(RuntimeError):
    """input() was called where nobody can answer."""


class Texts(dict):
    """The reader's texts by the file names that their code carries; Python finds them too, so `inspect.getsource` does."""

    def __setitem__(self, name: str, text: str) -> None:
        super().__setitem__(name, text)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)


@dataclass
class Frame:
    file: str
    line: int
    function: str
    text: str


def frames(error: BaseException, files: dict[str, str]) -> list[Frame]:
    """Return the frames of an exception that lie in the reader's own lines, outermost first."""
    found = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename in files:
            lines = files[code.co_filename].split("\n")
            text = lines[step.tb_lineno - 1].strip() if 0 < step.tb_lineno <= len(lines) else ""
            found.append(Frame(code.co_filename, step.tb_lineno, code.co_name, text))
        step = step.tb_next
    return found


def traceback_text(error: BaseException, files: dict[str, str]) -> str:
    """Return the traceback trimmed to the reader's lines, or '' when none is theirs."""
    mine = frames(error, files)
    if not mine:
        return ""
    shown = [_frame_text(frame) for frame in mine]
    if len(shown) > MANY_FRAMES:
        shown[4:-2] = [f"  … {len(shown) - 6} more calls like these …"]
    return "\n".join(["Traceback (your lines only):", *shown, error_line(error)])


def _frame_text(frame: Frame) -> str:
    where = "" if frame.function == "<module>" else f", in {frame.function}"
    return f"  {frame.file}, line {frame.line}{where}\n    {frame.text}"


def message_of(error: BaseException) -> str:
    """Return an exception's own message; a reader's class may have a ``__str__`` that fails."""
    try:
        return repr(error.args[0]) if isinstance(error, KeyError) and len(error.args) == 1 else str(error)
    except (Exception, SystemExit) as broken:
        return f"(no message, because making it raised {type(broken).__name__})"


def error_line(error: BaseException) -> str:
    """Return ``ValueError: message`` as Python would end its traceback, shortened."""
    text = message_of(error)
    text = text if len(text) <= 600 else text[:600] + " …"
    name = type(error).__name__
    name = "MemoryError" if name == "_ArrayMemoryError" else name
    return f"{name}: {text}" if text else name


def explain(error: BaseException, files: dict[str, str], cell: str | None = None) -> Problem:
    """Return the problem behind an exception.

    cell : the file name of the text that was run; a line of another text is named with it
    """
    if isinstance(error, Refused):
        return error.problem
    mine = frames(error, files)
    own = [frame for frame in mine if cell in (None, frame.file)]
    last = mine[-1] if mine else None
    kind, sentence = _words(error, last)
    if last is not None and cell is not None and last.file != cell:
        sentence += f" That line is in {last.file}."
    trace = "" if kind == "interrupted" else traceback_text(error, files)
    return Problem(kind, sentence, own[-1].line if own else None, trace)


def _words(error: BaseException, last: Frame | None) -> tuple[str, str]:
    at = f" in line {last.line}" if last else ""
    for matches, kind, words in SPECIAL:
        if matches(error):
            return kind, words(error, at)
    if last is None:
        return "exception", f"{error_line(error)}."
    return "exception", f"Line {last.line}, `{last.text}`, raised {_ended(error_line(error))}{suggestion(error)}"


def _ended(text: str) -> str:
    return text if text.endswith((".", "?")) else text + "."


def suggestion(error: BaseException) -> str:
    """Return ``' Did you mean `data`?'`` for a misspelt name, NumPy's word for one of PyTorch's, or ''."""
    wanted = getattr(error, "name", None)
    if _wants_gradients(error, wanted):
        return _gradient_words(error, wanted)
    if isinstance(error, TypeError):
        return _numpys_word(message_of(error))
    if not isinstance(wanted, str):
        return ""
    import difflib

    if isinstance(error, AttributeError) and "; " in message_of(error):
        return ""  # a Tensor says itself what to write instead
    if isinstance(error, AttributeError) and _array_has(getattr(error, "obj", None), wanted):
        return f" The array inside the tensor has it: `.data.{wanted}`."
    if isinstance(error, AttributeError) and wanted in ARRAYS_WORDS and type(error.obj).__name__ == "ndarray":
        return f" This is an array; its word is `{ARRAYS_WORDS[wanted]}`."
    if isinstance(error, AttributeError):
        known = _attributes(getattr(error, "obj", None))
    elif isinstance(error, NameError):
        known = _names_in_sight(error)
    else:
        return ""
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.7)
    near = near or (_in_a_module(error, wanted) if isinstance(error, NameError) else [])
    return f" Did you mean `{near[0]}`?" if near else ""


def _numpys_word(message: str) -> str:
    """Translate PyTorch's word for an argument, where a function that has NumPy's does not know it.

    >>> _numpys_word("sum() got an unexpected keyword argument 'keepdim'")
    ' Here the word is NumPy\'s, `keepdims`.'
    """
    for word, numpys in (("dim", "axis"), ("keepdim", "keepdims")):
        if message.endswith(f"unexpected keyword argument '{word}'"):
            return f" Here the word is NumPy's, `{numpys}`."
    return ""


def _wants_gradients(error: BaseException, wanted) -> bool:
    """Tell whether a tensor was asked for what it has only in a session that switched gradients on."""
    from .showing import is_tensor

    if isinstance(error, TypeError):
        return "unexpected keyword argument 'requires_grad'" in message_of(error)
    return isinstance(error, AttributeError) and wanted in WITH_GRADIENTS and is_tensor(getattr(error, "obj", None))


def _gradient_words(error: BaseException, wanted) -> str:
    """Say where a tensor's gradients come from, or, where they are switched on, what the switch left out."""
    from .autograd_switch import Autograd

    name = wanted if isinstance(error, AttributeError) else "requires_grad"
    package = sys.modules.get(type(getattr(error, "obj", None)).__module__.partition(".")[0])
    if Autograd(package.__name__ if package else "tinytorch").on:
        return (
            f" `enable_autograd()` was called, and it gave tensors no `{name}`. Does it put all that chapter 06 names?"
        )
    return (
        f" `{name}` comes with chapter 06, which builds gradients: tensors have it after `enable_autograd()`, and each "
        "check begins without it. What is written before chapter 06 does without; later, write "
        "`from tinytorch import enable_autograd` and call it."
    )


def _array_has(value, name: str) -> bool:
    from .showing import is_tensor

    return is_tensor(value) and hasattr(value.data, name)


def _attributes(value) -> list[str]:
    if value is None:
        return []
    try:
        return [name for name in dir(value) if isinstance(name, str)]
    except Exception:  # a reader's own __dir__ may be broken; a suggestion is not worth a second error
        return []


def _names_in_sight(error: BaseException) -> list[str]:
    frame = _last_frame(error)
    return [*frame.f_locals, *frame.f_globals, *frame.f_builtins] if frame else []


def _last_frame(error: BaseException):
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step and step.tb_frame


def _in_a_module(error: BaseException, wanted: str) -> list[str]:
    """Return ``["itertools.pairwise"]`` for `pairwise` where the module is in sight, and the name alone is not."""
    frame = _last_frame(error)
    names = frame.f_globals if frame else {}
    modules = [(name, value) for name, value in names.items() if isinstance(value, ModuleType)]
    return [f"{name}.{wanted}" for name, value in modules if callable(vars(value).get(wanted))][:1]


def _import_words(error: ImportError, at: str) -> str:
    name = (error.name or "that package").partition(".")[0]
    if name in OTHER_FRAMEWORKS:
        return framework_words(name, at)
    if name == "tinytorch":
        return f"{_ended(error_line(error))} The names that exist are those of the chapters so far{at}."
    return (
        f"The package `{name}` is not part of this session{at}. NumPy (`np`), tinytorch and Python's own "
        "library are here; write what you need with them."
    )


def framework_words(name: str, at: str) -> str:
    """Return the sentence about importing another framework."""
    return (
        f"`{name}` cannot be used here{at}: this book builds what it offers. Take the name from your own framework "
        "instead, such as `from tinytorch import Tensor`, or compute with NumPy as `np`."
    )


def _memory_words(error: BaseException, at: str) -> str:
    detail = message_of(error)
    detail = f" NumPy says: {_ended(detail)}" if detail else ""
    return (
        f"There is not enough memory for what was asked for{at}.{detail} Count the elements, times the bytes of "
        "one, before making the array. The session goes on."
    )


def _exit_words(error: BaseException, at: str) -> str:
    return f"The code asked Python to quit{at}. The session goes on; leave a function with `return`."


def _recursion_words(error: BaseException, at: str) -> str:
    return (
        f"A function called itself again and again without coming to an end{at}. A call to itself must reach a case "
        "that returns at once; a method that uses `self + other` inside `__add__` calls itself, too."
    )


def _input_words(error: BaseException, at: str) -> str:
    return f'input() waits for a keyboard that is not connected{at}. Write the value into the code: `name = "Ada"`.'


def _unwritten_words(error: BaseException, at: str) -> str:
    return f"A function that was called is not written yet: {error_line(error)}{at}."


SPECIAL = [
    (
        lambda e: isinstance(e, KeyboardInterrupt),
        "interrupted",
        lambda e, at: f"Stopped{at}. What was in place before is in place again.",
    ),
    (lambda e: isinstance(e, MemoryError), "memory", _memory_words),
    (
        lambda e: isinstance(e, (ValueError, OverflowError)) and bool(TOO_BIG.search(message_of(e))),
        "memory",
        _memory_words,
    ),
    (lambda e: isinstance(e, RecursionError), "recursion", _recursion_words),
    (lambda e: isinstance(e, InputRefused), "input", _input_words),
    (lambda e: isinstance(e, SystemExit), "exit", _exit_words),
    (lambda e: isinstance(e, ImportError), "import", _import_words),
    (lambda e: isinstance(e, NotImplementedError), "unwritten", _unwritten_words),
]


def explain_syntax(error: SyntaxError, text: str) -> Refused:
    """Return the sentence for text that is not Python, in the reader's own line numbers."""
    lines = text.split("\n")
    number = min(max(error.lineno or 1, 1), len(lines))
    line = lines[number - 1]
    found = _known_slip(lines, number, error) or (number, f"Line {number} is not Python yet: {_reason(error)}.")
    number, sentence = found
    shown = lines[number - 1]
    caret = ""
    if number == error.lineno and error.offset and line.strip():
        caret = "\n" + " " * (4 + max(error.offset - 1, 0)) + "^"
    return Refused("syntax", sentence, number, f"    {shown}{caret}" if shown.strip() else "")


def _reason(error: SyntaxError) -> str:
    reason = (error.msg or "it cannot be read").rstrip(".")
    if isinstance(error, TabError):
        return "tabs and spaces are mixed at the start of lines; use spaces only"
    return re.sub(r"\s*\(<unknown>, line \d+\)|\s*\(detected at line \d+\)", "", reason)


def _known_slip(lines: list[str], number: int, error: SyntaxError) -> tuple[int, str] | None:
    """Return (line, sentence) for slips whose real cause Python's message does not name."""
    for n, line in enumerate(lines[:number], 1):
        if line.startswith(("%", "!")):
            return n, _command_words(n, line.strip())
    stopped = lines[number - 1]
    if INDENTED.match(stopped) or INSTALL.match(stopped.strip()) or HELP.match(stopped.strip()):
        return number, _command_words(number, stopped.strip())
    if re.match(r"'(await|async with|async for)' outside|asynchronous comprehension outside", error.msg or ""):
        return number, _await_words(number, stopped.strip())
    for n, line in enumerate(lines, 1):
        if CONTROL.search(line):
            return (
                n,
                f"Line {n} has an invisible character ({CONTROL.search(line).group()!r}). Type the line again.",
            )
    for n in (number, *range(1, number)):
        curly = re.search("[‘’“”„‚«»]", lines[n - 1].partition("#")[0])
        if curly:
            return n, (
                f"Line {n} has the curly quote {curly.group()} that word processors and web pages make. "
                "Python wants straight ones: ' or \"."
            )
    return None


def _await_words(n: int, bare: str) -> str:
    return (
        f"Line {n}, `{bare}`, waits for something, which a notebook allows and Python only inside `async def`. "
        "Nothing has to be waited for here: leave out `await` or `async`."
    )


def _command_words(n: int, bare: str) -> str:
    if INSTALL.match(bare):
        return (
            f"Line {n}, `{bare}`, installs a package in a notebook. Nothing needs installing here: remove the line; "
            "NumPy is `np`, and tinytorch is there."
        )
    if HELP.match(bare):
        return (
            f"Line {n}, `{bare}`, asks a notebook for help and is not Python. Write `help({bare.strip('?').strip()})`, "
            "or remove the line."
        )
    return (
        f"Line {n}, `{bare}`, is a notebook command and not Python. "
        "Remove it; only Python can become part of the library."
    )
