"""What a write from the notebook does to the record that pages and notebook share."""

import asyncio
import json
import sys
import types

import pytest

from tinytorch.learn.keeping import shelf
from tinytorch.learn.keeping.browser_store import BrowserStore
from tinytorch.learn.keeping.progress import Progress

PASS = {"text": "b", "edition": "e", "at": "2026-01-02"}


def record(text="a", rev=1, **changes):
    plain = {
        "id": "01.x", "text": text, "edition": "e", "rev": rev, "updated": "2026-01-01", "attempts": 0, "hints": 0,
        "solution": False, "state": "idle", "passed": None,
    }  # fmt: skip
    return {**plain, **changes}


class Database:
    """The few functions of the JavaScript side, over a dictionary; `refusal` is what a private window answers."""

    def __init__(self, refusal=None):
        self.rows, self.history, self.news, self.refusal, self.count = {}, [], [], refusal, 0
        self.kept = {}

    async def all(self):
        if self.refusal:
            raise OSError(self.refusal)
        return json.dumps(
            {"author": "", "exercises": list(self.rows.values()), "labs": [], "answers": [], "history": self.history}
        )

    async def runs(self):
        return types.SimpleNamespace(to_py=lambda: [[name, memoryview(state)] for name, state in self.kept.items()])

    async def change(self, store, id, decide):
        past = [entry for entry in self.history if entry["id"] == id]
        decision = json.loads(decide(json.dumps([self.rows.get(id), past])))
        if decision["write"]:
            self.rows[id] = decision["write"]
        self.history = [entry for entry in self.history if entry["n"] not in decision["drop"]]
        for entry in decision["add"]:
            self.count += 1
            self.history.append({**entry, "n": self.count})

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


def test_what_a_page_has_kept_of_a_run_is_there_in_the_notebook(store_over, tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "place", lambda name: str(tmp_path / "runs" / f"{name}.npz"))
    database = Database()
    database.kept = {"mnist": b"a state", "talks-1": b"another"}
    asyncio.run(store_over(database).load())
    assert (tmp_path / "runs" / "mnist.npz").read_bytes() == b"a state"
    assert (tmp_path / "runs" / "talks-1.npz").read_bytes() == b"another"


def test_a_conflict_is_said_and_a_second_run_writes_over_it(store_over, capsys):
    database = Database()
    store = store_over(database)
    asyncio.run(store.put("exercises", record("first"), None))
    database.rows["01.x"] = record("page", rev=5)
    asyncio.run(store.put("exercises", record("second"), None))
    assert database.rows["01.x"]["text"] == "page" and "also changed on the page" in capsys.readouterr().err
    asyncio.run(store.put("exercises", record("third"), None))
    assert database.rows["01.x"]["text"] == "third"
    assert {entry["text"] for entry in database.history} == {"second", "page"}


def test_what_passed_counts_at_once_even_where_the_pages_text_stays(store_over, capsys):
    database = Database()
    store = store_over(database)
    database.rows["01.x"] = record("page", rev=5, passed={**PASS, "text": "was", "at": "2026-01-01"})
    asyncio.run(store.put("exercises", record("b", state="passed", passed=PASS), None))
    assert (database.rows["01.x"]["text"], database.rows["01.x"]["passed"], database.news[0]["rev"]) == (
        "page",
        PASS,
        6,
    )
    assert {entry["text"] for entry in database.history} == {"b", "was"}


def test_the_history_holds_each_text_once_and_the_latest_twenty(store_over, capsys):
    database = Database()
    for day in range(1, 31):
        database.rows["01.x"] = record("page", rev=2 * day)
        asyncio.run(
            store_over(database).put("exercises", record(f"text {day % 25}", updated=f"2026-01-{day:02}"), None)
        )
    assert [entry["text"] for entry in database.history] == [f"text {day % 25}" for day in range(11, 31)]


def test_an_answer_that_was_right_stays_until_another_right_one(store_over):
    database = Database()
    for answer, right in (("3", False), ("12", True), ("4", False), ("12.0", True), ("5", False)):
        given = {"id": "01.q", "answer": answer, "right": right, "at": "2026"}
        asyncio.run(store_over(database).put("answers", given, None))
    assert database.rows["01.q"]["answer"] == "12.0" and len(database.news) == 5


def test_a_browser_that_keeps_nothing_is_said_once(store_over, capsys):
    store = store_over(Database(refusal="SecurityError: the operation is insecure"))
    assert asyncio.run(store.load()) is None
    asyncio.run(store.put("exercises", record(), None))
    words = capsys.readouterr().err
    assert words.count("does not let the site keep data") == 1 and "insecure" in words and "download it" in words
