"""Outcomes and answers as plain text, for the terminal and the notebook."""

from __future__ import annotations


def report(outcome, exercise) -> str:
    """Return an outcome as lines of text: first what came of it, then each check that failed.

    outcome : None where nothing is written yet
    """
    head = f"{exercise.number} {exercise.title} ({exercise.place})"
    if outcome is None:
        return f"{head}: not begun"
    lines = [f"{head}: {state_words(outcome)}"]
    if outcome.error:
        lines += _indented(outcome.error.sentence, outcome.error.traceback)
    for check in outcome.checks:
        lines.append(f"  {'passed' if check.passed else 'FAILED'}  {check.title}")
        if not check.passed:
            lines += _indented(*(part for part in (check.message, check.mistake, check.traceback) if part), width=10)
    lines += _indented(outcome.behind) if outcome else []
    return "\n".join(lines)


def report_run(outcome, program) -> str:
    """Return a milestone's run as lines of text: the goals, why it fell short, whose functions ran."""
    reached = sum(check.passed for check in outcome.checks)
    state = {"passed": "reached", "failed": "fell short", "error": "stopped by an error", "idle": "stopped"}[
        outcome.state
    ]
    lines = [f"{program.title}: {state}" + (f", {reached} of {len(outcome.checks)} goals" if outcome.checks else "")]
    if outcome.error:
        lines += _indented(outcome.error.sentence, outcome.error.traceback)
    for check in outcome.checks:
        lines.append(f"  {'reached' if check.passed else 'MISSED '}  {check.title}")
        if not check.passed:
            lines += _indented(*(part for part in (check.message, check.mistake) if part), width=11)
    lines += _indented(outcome.advice, outcome.behind)
    if outcome.credits:
        for words, yours in (("Yours", True), ("The library's", False)):
            names = [f"{c.place.rpartition(' · ')[2]} ({c.calls:,})" for c in outcome.credits if c.yours is yours]
            lines.append(f"  {words}, with the number of calls: {', '.join(names) or 'none'}")
    return "\n".join(lines)


def error_sentence(error: Exception) -> str:
    """Return what an error says to a reader in a terminal: what was wrong, and for a file also with which."""
    if not isinstance(error, OSError) or not error.filename:
        return str(error)
    words = f"{error.filename}: {error.strerror}."
    if isinstance(error, PermissionError):
        words += " Your account has no right to it; choose another place, or name a folder in TINYTORCH_HOME."
    return words


def state_words(outcome) -> str:
    """Return what came of a check in a few words, such as "2 of 5 checks failed"."""
    count, passed = len(outcome.checks), sum(check.passed for check in outcome.checks)
    if outcome.state == "passed":
        return f"all {count} checks passed" if count != 1 else "its check passed"
    if count:
        return f"{count - passed} of {count} checks failed"
    return {"failed": "not yet", "error": "could not be checked", "idle": "stopped"}[outcome.state]


def _indented(*parts: str, width: int = 2) -> list[str]:
    return [" " * width + line for part in parts for line in part.split("\n") if line]


def judge(question: dict, answer) -> tuple[bool | None, str]:
    """Return whether an answer is right (None: it has no one right answer) and what to say about it."""
    judges = {"choice": _judge_choice, "number": _judge_number, "open": _judge_open}
    return judges[question["kind"]](question, answer)


def _judge_choice(question: dict, answer) -> tuple[bool | None, str]:
    choices = question["choices"]
    if not isinstance(answer, int) or isinstance(answer, bool) or not 1 <= answer <= len(choices):
        raise ValueError(
            f"answer {answer!r}: this question has the choices 1 to {len(choices)}; give the number of one"
        )
    choice = choices[answer - 1]
    right = bool(choice.get("right"))
    return right, f"{'Right' if right else 'Not this one'}. {choice.get('why', '')}".strip()


def _judge_number(question: dict, answer) -> tuple[bool | None, str]:
    try:
        value = float(answer)
    except (TypeError, ValueError):
        raise ValueError(
            f"answer {answer!r}: this question asks for a number{_unit(question)}; give one such as 12.5"
        ) from None
    if _near(value, question["answer"], question.get("tolerance", 0.01)):
        return True, f"Right. {question.get('explanation', '')}".strip()
    for mistake in question.get("mistakes", ()):
        if _near(value, mistake["value"], question.get("tolerance", 0.01)):
            return False, f"Not yet. {mistake['why']}"
    return False, f"Not yet: {value:g}{_unit(question)} is not it."


def _near(value: float, wanted: float, tolerance: float) -> bool:
    return abs(value - wanted) <= max(abs(wanted) * tolerance, 1e-12)


def _unit(question: dict) -> str:
    return f" {question['unit']}" if question.get("unit") else ""


def _judge_open(question: dict, answer) -> tuple[bool | None, str]:
    if not str(answer or "").strip():
        raise ValueError("answer '': write your own answer first; the model answer to compare with follows")
    return None, f"To compare with: {question['model_answer'].strip()}"
