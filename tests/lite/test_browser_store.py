"""What a write from the notebook does to the record that pages and notebook share."""

from tinytorch.learn.browser_store import latest, merged

PASS = {"text": "b", "edition": "e", "at": "2026-01-02"}


def record(text="a", rev=1, **changes):
    plain = {
        "id": "01.x", "text": text, "edition": "e", "rev": rev, "updated": "2026-01-01", "attempts": 0, "hints": 0,
        "solution": False, "state": "idle", "passed": None,
    }  # fmt: skip
    return {**plain, **changes}


def test_the_first_write_begins_the_record():
    assert merged(None, record(rev=7), 0) == (record(rev=1), None)


def test_a_write_that_follows_what_was_seen_takes_the_texts_place():
    write, history = merged(record("a", 3), record("b"), 3)
    assert (write["text"], write["rev"], history) == ("b", 4, None)


def test_a_text_written_meanwhile_is_not_overwritten():
    write, history = merged(record("page", 5), record("notebook"), 3)
    assert write is None
    assert (history["text"], history["why"]) == ("notebook", "conflict")


def test_a_pass_counts_even_when_the_text_does_not_win():
    write, history = merged(record("page", 5), record("b", state="passed", passed=PASS), 3)
    assert (write["text"], write["passed"], write["state"], write["rev"]) == ("page", PASS, "idle", 6)
    assert history["text"] == "b"


def test_the_same_text_is_no_conflict():
    write, history = merged(record("b", 5), record("b", state="passed", passed=PASS), 3)
    assert (write["passed"], write["rev"], history) == (PASS, 6, None)


def test_running_again_after_a_conflict_keeps_the_pages_text_in_the_history():
    write, history = merged(record("page", 5), record("notebook"), 5, replaces=True)
    assert (write["text"], history["text"]) == ("notebook", "page")


def test_a_pass_hints_and_the_revealed_solution_are_never_taken_away():
    write, _ = merged(record("a", 3, passed=PASS, hints=2, solution=True), record("c"), 3)
    assert (write["passed"], write["hints"], write["solution"]) == (PASS, 2, True)


def test_the_later_pass_counts():
    later = {**PASS, "at": "2026-02-01"}
    assert latest(later, PASS) == latest(PASS, None, later) == later
    assert latest(None, None) is None
