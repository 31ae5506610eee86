"""The reader's work between browser and terminal: a backup goes from the one to the other, and back."""

import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import expect

from tinytorch import learn
from tinytorch.learn.keeping.folder_store import FolderStore

from .reader import Reader
from .test_framework import choose_backup, download, marked  # noqa: F401  (a fixture)

TITO = Path(sys.executable).with_name("tito")


def test_a_backup_goes_to_tito_and_what_is_done_there_comes_back(reader, download, new_context, tmp_path):  # noqa: F811
    first, second = learn.chapter("01").exercises[:2]
    assert reader.exercise(first.id).check(marked(first)) == "passed"
    reader.until_saved()
    backup = download("Download a backup", name="Ada Lovelace")

    def tito(*arguments):
        environment = {**os.environ, "TINYTORCH_HOME": str(tmp_path / "my-tinytorch")}
        return subprocess.run([TITO, *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True)

    assert tito("restore", backup).returncode == 0
    shown = tito("status").stdout
    assert "Ada Lovelace" in shown and f"1 of {len(learn.chapter('01').exercises)}" in shown
    assert tito("check", "01", first.name).returncode == 0

    store = FolderStore(str(tmp_path / "my-tinytorch"))
    progress = store.read()
    progress.write(second.id, marked(second), second.edition, "idle")
    store.keep(progress)
    assert tito("check", "01", second.name).returncode == 0
    assert tito("milestone", "run", "1", "xor").returncode == 0
    assert tito("backup", "back.json").returncode == 0

    other = Reader(new_context().new_page(), reader.url).visit("book/progress.html")
    choose_backup(other, tmp_path / "back.json")
    other.page.get_by_text("Restored 2 exercises").first.wait_for()
    other.page.reload()
    expect(other.page.get_by_label("Your name")).to_have_value("Ada Lovelace")
    expect(other.page.get_by_role("region", name="Milestones")).to_contain_text("reached, 1 of ")
    other.open("01")
    for exercise in (first, second):
        assert other.exercise(exercise.id).text().rstrip() == marked(exercise).rstrip()
        assert other.exercise(exercise.id).state == "passed"
