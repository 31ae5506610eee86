"""The notebook's side of what the site keeps in the reader's browser (IndexedDB "tinytorch", version 1).

The pages of the book and the notebook in JupyterLite share these records, so what passed on one side counts on the
other. `merged` decides what a write does; everything that needs a browser is the few lines of JavaScript below.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys

from .progress import BACKUP, VERSION, now

HISTORY_KEPT = 20
# One transaction reads the old record, asks `decide` and writes: no other tab can come in between.
JAVASCRIPT = """(() => {
  const answer = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  function create(db) {
    for (const store of ["exercises", "labs", "answers"]) db.createObjectStore(store, { keyPath: "id" });
    db.createObjectStore("history", { keyPath: "n", autoIncrement: true }).createIndex("id", "id");
    db.createObjectStore("meta", { keyPath: "key" });
  }
  function open() {
    const request = indexedDB.open("tinytorch", 1);
    request.onupgradeneeded = () => create(request.result);
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error("it did not answer")), 4000));
    return Promise.race([answer(request), late]);
  }
  async function addHistory(history, entry, kept) {
    await answer(history.add(entry));
    const keys = await answer(history.index("id").getAllKeys(entry.id));
    for (const key of keys.slice(0, Math.max(0, keys.length - kept))) history.delete(key);
  }
  return {
    async all() {
      const db = await open();
      const names = ["exercises", "labs", "answers", "history"];
      const rows = await Promise.all(names.map((name) => answer(db.transaction(name).objectStore(name).getAll())));
      const author = await answer(db.transaction("meta").objectStore("meta").get("author"));
      db.close();
      return JSON.stringify({ author: author?.value ?? "", ...Object.fromEntries(names.map((name, i) => [name, rows[i]])) });
    },
    async change(store, id, decide, kept) {
      const db = await open();
      try {
        const transaction = db.transaction([store, "history"], "readwrite");
        const finished = new Promise((resolve, reject) => {
          transaction.oncomplete = resolve;
          transaction.onerror = transaction.onabort = () => reject(transaction.error);
        });
        const old = await answer(transaction.objectStore(store).get(id));
        const { write, history } = JSON.parse(decide(JSON.stringify(old ?? null)));
        if (write) transaction.objectStore(store).put(write);
        if (history) await addHistory(transaction.objectStore("history"), history, kept);
        await finished;
      } finally {
        db.close();
      }
    },
    tell(news) {
      const channel = new BroadcastChannel("tinytorch");
      channel.postMessage(JSON.parse(news));
      channel.close();
    },
  };
})()"""


def merged(old: dict | None, record: dict, known: int, replaces: bool = False) -> tuple[dict | None, dict | None]:
    """What a write of an exercise does: (the record to write, the entry for the history).

    Parameters: `old`, the stored record; `record`, the notebook's; `known`, the revision the notebook last saw;
    `replaces`, whether the reader was told of a conflict and ran the cell again.
    If someone wrote since and the texts differ, the stored text stays and the notebook's goes to the history; but a
    pass in the notebook counts all the same.
    """
    if old is None:
        return {**record, "rev": 1}, None
    passed = latest(old.get("passed"), record["passed"])
    gained = {"passed": passed, "rev": old["rev"] + 1, "updated": now()}
    if old["rev"] != known and old["text"] != record["text"]:
        return ({**old, **gained} if passed != old.get("passed") else None), lost(record)
    kept = {"hints": max(old["hints"], record["hints"]), "solution": old["solution"] or record["solution"]}
    return {**record, **kept, **gained}, lost(old) if replaces and old["text"] != record["text"] else None


def lost(record: dict) -> dict:
    """The history's entry for a text that does not become the record's text."""
    return {"id": record["id"], "text": record["text"], "at": record["updated"], "why": "conflict"}


def latest(*passes: dict | None) -> dict | None:
    return max((one for one in passes if one), key=lambda one: one["at"], default=None)


class BrowserStore:
    """Reads and writes the site's records; where the browser refuses, says so once and keeps nothing."""

    def __init__(self):
        from pyodide.code import run_js

        self.database = run_js(JAVASCRIPT)
        self.known: dict[str, int] = {}
        self.conflicts: set[str] = set()
        self.refused = False
        self.name = secrets.token_hex(4)
        self.turn = asyncio.Lock()

    async def load(self) -> dict | None:
        """All records in the form of a backup file, or None where the browser keeps nothing."""
        try:
            rows = json.loads(await self.database.all())
        except Exception as problem:
            self._refuse(problem)
            return None
        self.known = {row["id"]: row["rev"] for row in rows["exercises"]}
        return {"format": BACKUP, "version": VERSION, "saved": now(), **rows}

    async def put(self, kind: str, record: dict, progress) -> None:
        """Write a record after a run, a check or an answer, in the order of the calls."""
        if self.refused:
            return
        async with self.turn:
            try:
                await (self._exercise(record) if kind == "exercises" else self._answer(record))
            except Exception as problem:
                self._refuse(problem)

    async def _exercise(self, record: dict) -> None:
        id, outcome = record["id"], {}

        def decide(old: str) -> str:
            old = json.loads(old)
            write, history = merged(old, record, self.known.get(id, 0), id in self.conflicts)
            outcome.update(kept=write or old, mine=bool(write and write["text"] == record["text"]))
            return json.dumps({"write": write, "history": history})

        await self._change("exercises", id, decide)
        self.known[id] = outcome["kept"]["rev"]
        self._tell("exercises", id, outcome["kept"]["rev"])
        if outcome["mine"]:
            self.conflicts.discard(id)
            return
        self.conflicts.add(id)
        print(
            f"{id} was also changed on the page in the meantime. That text stays there; what you wrote here is in its "
            "history. Run the cell again to write over it.",
            file=sys.stderr,
        )

    async def _answer(self, record: dict) -> None:
        # The page keeps what stands in its form, which is text.
        written = {**record, "answer": str(record["answer"])}
        await self._change("answers", record["id"], lambda old: json.dumps({"write": written, "history": None}))
        self._tell("answers", record["id"], 0)

    async def _change(self, store: str, id: str, decide) -> None:
        from pyodide.ffi import create_proxy

        proxy = create_proxy(decide)
        try:
            await self.database.change(store, id, proxy, HISTORY_KEPT)
        finally:
            proxy.destroy()

    def _tell(self, store: str, id: str, rev: int) -> None:
        self.database.tell(json.dumps({"store": store, "id": id, "rev": rev, "from": self.name}))

    def _refuse(self, problem: Exception) -> None:
        self.refused = True
        print(
            f"This browser does not let the site keep data here ({problem}); a private window or a setting may be the "
            "reason. Everything works, but what you write is only in this notebook: download it before you close it.",
            file=sys.stderr,
        )
