"""The notebook's side of what the site keeps in the reader's browser (IndexedDB "tinytorch", version 1).

The pages of the book and the notebook in JupyterLite share these records, so what passed on one side counts on the
other. `merging.written` decides what a write does; everything that needs a browser is the few lines of JavaScript below.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys

from . import merging, shelf
from .progress import BACKUP, VERSION, now

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
  return {
    async all() {
      const db = await open();
      const names = ["exercises", "labs", "answers", "history"];
      const rows = await Promise.all(names.map((name) => answer(db.transaction(name).objectStore(name).getAll())));
      const author = await answer(db.transaction("meta").objectStore("meta").get("author"));
      db.close();
      return JSON.stringify({ author: author?.value ?? "", ...Object.fromEntries(names.map((name, i) => [name, rows[i]])) });
    },
    async runs() {
      const db = await open();
      const kept = await answer(db.transaction("meta").objectStore("meta").get("runs"));
      db.close();
      return Object.entries(kept?.value ?? {});
    },
    async change(store, id, decide) {
      const db = await open();
      try {
        const transaction = db.transaction([store, "history"], "readwrite");
        const finished = new Promise((resolve, reject) => {
          transaction.oncomplete = resolve;
          transaction.onerror = transaction.onabort = () => reject(transaction.error);
        });
        const old = await answer(transaction.objectStore(store).get(id));
        const history = transaction.objectStore("history");
        const past = await answer(history.index("id").getAll(id));
        const { write, add, drop } = JSON.parse(decide(JSON.stringify([old ?? null, past])));
        if (write) transaction.objectStore(store).put(write);
        for (const n of drop) history.delete(n);
        for (const entry of add) history.add(entry);
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


def decision(write: dict | None, past: list[dict], lost: list[dict]) -> str:
    """Return what the transaction does: the record to write, and what comes to the history of its id or leaves it."""
    kept = merging.history([*past, *lost])
    return json.dumps(
        {
            "write": write,
            "add": [entry for entry in kept if "n" not in entry],
            "drop": [entry["n"] for entry in past if entry not in kept],
        }
    )


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
        for name, state in (await self.database.runs()).to_py():
            shelf.put(name, bytes(state))
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

        def decide(found: str) -> str:
            old, past = json.loads(found)
            write, lost, conflict = merging.written(old, record, self.known.get(id, 0))
            if conflict:
                lost.append(merging.past(id, record["text"], record["updated"], "conflict"))
            elif old and id in self.conflicts and not merging.same(old["text"], record["text"]):
                lost.append(merging.past(id, old["text"], record["updated"], "conflict"))
            outcome.update(kept=write or old, mine=not conflict)
            return decision(write, past, lost)

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
        def decide(found: str) -> str:
            old, past = json.loads(found)
            return decision(None if merging.stays(old, record) else record, past, [])

        await self._change("answers", record["id"], decide)
        self._tell("answers", record["id"], 0)

    async def _change(self, store: str, id: str, decide) -> None:
        from pyodide.ffi import create_proxy

        proxy = create_proxy(decide)
        try:
            await self.database.change(store, id, proxy)
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
