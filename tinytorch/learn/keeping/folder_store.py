"""Where everything outside the browser keeps what was written: one file in the reader's folder, see `folder`.

The file is ``progress.json``, a backup file as the page makes it.
"""

from __future__ import annotations

import contextlib
import os

from .folder import home
from .progress import Progress, ProgressError

FILE = "progress.json"


def write_whole(path: str | os.PathLike, content: str | bytes) -> None:
    """Write a file by way of a second one beside it, so that it is never half written."""
    partial = f"{os.fspath(path)}.{os.getpid()}.part"
    try:
        with open(partial, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        os.replace(partial, path)
    except OSError as error:
        error.filename, error.filename2 = os.fspath(path), None  # the name that was asked for
        raise
    finally:
        if os.path.exists(partial):  # it is gone when the replacing went well
            os.remove(partial)


class FolderStore:
    """Keeps the records in one file of a folder: a backup file that the page can read, too."""

    def __init__(self, folder: str | None = None):
        self.folder = os.path.abspath(folder) if folder else home()
        self.path = os.path.join(self.folder, FILE)

    def read(self) -> Progress | None:
        """Return what is kept, or None where nothing is yet; ProgressError for a file that cannot be used."""
        if not os.path.exists(self.path):
            return None
        try:
            return Progress.from_file(self.path)
        except ProgressError as error:
            raise ProgressError(
                f"{self.path}: {error} Nothing was changed; move that file away to begin anew."
            ) from None

    async def load(self) -> dict | None:
        """Return the record of the backup file, or None where there is none yet."""
        kept = self.read()
        return kept and kept.to_dict()

    def put(self, kind: str, record: dict, progress: Progress) -> None:
        """Keep a record, and with it everything that another program has written here in the meantime."""
        self.keep(progress)

    def keep(self, progress: Progress) -> None:
        """Write the file anew, after taking over what it holds by now, so that no program undoes another's work."""
        os.makedirs(self.folder, exist_ok=True)
        with self._alone():
            kept = self.read()
            if kept:
                progress.merge(kept)
            write_whole(self.path, progress.to_json())

    @contextlib.contextmanager
    def _alone(self):
        """Keep other programs from reading and writing at the same moment, where the system offers a lock."""
        try:
            import fcntl
        except ImportError:  # Windows; there the moment between reading and replacing stays open
            yield
            return
        with open(os.path.join(self.folder, ".lock"), "w") as lock:
            with contextlib.suppress(OSError):  # some network disks have no locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
