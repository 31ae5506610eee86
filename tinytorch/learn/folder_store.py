"""Where a notebook outside the browser keeps what was written: one file in a folder."""

from __future__ import annotations

import os

from .progress import Progress

FILE = "progress.json"


class FolderStore:
    """Keeps the records in one file of a folder: a backup file that the page can read, too."""

    def __init__(self, folder: str):
        self.path = os.path.join(folder, FILE)
        os.makedirs(folder, exist_ok=True)

    async def load(self) -> dict | None:
        """Return the record of the backup file, or None where there is none yet."""
        if not os.path.exists(self.path):
            return None
        with open(self.path, encoding="utf-8") as file:
            return Progress.from_json(file.read()).to_dict()

    def put(self, kind: str, record: dict, progress: Progress) -> None:
        """Write the file anew, by way of a second one, so that it is never half written."""
        partial = self.path + ".part"
        with open(partial, "w", encoding="utf-8") as file:
            file.write(progress.to_json())
        os.replace(partial, self.path)
