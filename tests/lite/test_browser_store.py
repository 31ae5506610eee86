"""What a write from the notebook does to the record that pages and notebook share."""

import asyncio
import json
import sys
import types

import pytest

from tinytorch.learn.keeping.browser_store import BrowserStore, latest, merged
from tinytorch.learn.keeping.progress import Progress

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


class Database:
    """The few functions of the JavaScript side, over a dictionary; `refusal` is what a private window answers."""

    def __init__(self, refusal=None):
        self.rows, self.history, self.news, self.refusal = {}, [], [], refusal

    async def all(self):
        if self.refusal:
            raise OSError(self.refusal)
        return json.dumps({"author": "", "exercises": list(self.rows.values()), "labs": [], "answers": [], "history": self.history})

    async def change(self, store, id, decide, kept):
        decision = json.loads(decide(json.dumps(self.rows.get(id))))
        if decision["write"]:
            self.rows[id] = decision["write"]
        if decision["history"]:
            self.history.append(decision["history"])

    def tell(self, news):
        self.news.append(json.loads(news))


@pytest.fixture
def store_over(monkeypatch):
    """Make a BrowserStore as in the browser, with a stand-in for the two names it takes from Pyodide."""

    class Proxy:
        destroy = staticmethod(lambda: None)

        def __init__(self, function):
            self.function = function

        def __call__(self, *arguments):
            return self.function(*arguments)

    def make(database):
        monkeypatch.setitem(sys.modules, "pyodide", types.ModuleType("pyodide"))
        monkeypatch.setitem(sys.modules, "pyodide.code", types.SimpleNamespace(run_js=lambda source: database))
        monkeypatch.setitem(sys.modules, "pyodide.ffi", types.SimpleNamespace(create_proxy=Proxy))
        return BrowserStore()

    return make


def test_what_is_written_is_told_and_read_back(store_over):
    database = Database()
    store = store_over(database)
    asyncio.run(store.put("exercises", record("b", state="passed", passed=PASS), None))
    assert database.news[0]["store"] == "exercises" and database.news[0]["rev"] == 1
    loaded = Progress.from_dict(asyncio.run(store_over(database).load()))
    assert loaded.passed == {"01.x": "b"}


def test_a_conflict_is_said_and_a_second_run_writes_over_it(store_over, capsys):
    database = Database()
    store = store_over(database)
    asyncio.run(store.put("exercises", record("first"), None))
    database.rows["01.x"] = record("page", rev=5)
    asyncio.run(store.put("exercises", record("second"), None))
    assert database.rows["01.x"]["text"] == "page" and "also changed on the page" in capsys.readouterr().err
    asyncio.run(store.put("exercises", record("third"), None))
    assert database.rows["01.x"]["text"] == "third"
    assert [entry["text"] for entry in database.history] == ["second", "page"]


def test_an_answer_is_kept_as_the_pages_form_shows_it(store_over):
    database = Database()
    asyncio.run(store_over(database).put("answers", {"id": "01.q", "answer": 2, "right": True, "at": "2026"}, None))
    assert database.rows["01.q"]["answer"] == "2"


def test_a_browser_that_keeps_nothing_is_said_once(store_over, capsys):
    store = store_over(Database(refusal="SecurityError: the operation is insecure"))
    assert asyncio.run(store.load()) is None
    asyncio.run(store.put("exercises", record(), None))
    words = capsys.readouterr().err
    assert words.count("does not let the site keep data") == 1 and "insecure" in words and "download it" in words
