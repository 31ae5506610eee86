"""The reader's own package: real source, installable, the same bytes every time."""

import base64
import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinytorch import learn
from tinytorch.learn import Catalog, Overlay, Workshop
from tinytorch.learn.overlay import OverlayError, import_apart
from tinytorch.learn.wheel import slug

from .conftest import PACKAGE, code

TENSOR = f"{PACKAGE}/core/tensor.py"
ACCEPTED = {
    "01.memory_footprint": code("""
        import math
        import numpy as np

        # bytes of one element
        EACH = 4
        TABLE = {}
        TABLE["one"] = 1

        def count(shape):
            return math.prod(shape)


        # mine
        def memory_footprint(self):
            return count(self.data.shape) * EACH * TABLE["one"]

        print("an experiment")
    """),
    "01.add": ">>> def __add__(self, other):\r\n...     return Tensor(self.data + operand(other) + 0)\r\n",
    "01.shape": "@property\ndef shape(self):\n    return tuple(self.data.shape)\n",
    "01.text": 'def text(self):\n    return """\n  kept\n\n    lines"""\n',
    "01.describe": "def describe(self):\n    return 'my ' + super().describe()\n",
    "01.total": "START = 0; STOP = 1\ndef total(values): return sum(values, START)\n",
}


def run_apart(files):
    return import_apart(PACKAGE, files, [f"{PACKAGE}.core.tensor", f"{PACKAGE}.other"])


def test_every_function_is_in_the_source(catalog):
    files = Overlay(ACCEPTED, catalog).files()
    text = files[TENSOR]
    assert "an experiment" not in text and "STOP" not in text
    assert text.count("import numpy as np") == 1 and "\nimport math\n" in text
    assert text.index("# bytes of one element\nEACH = 4\n") < text.index("class Tensor(Base):")
    assert "\n    # mine\n    def memory_footprint(self):\n        return count(" in text
    assert '        return """\n  kept\n\n    lines"""\n' in text
    assert "START = 0\n" in text
    module = run_apart(files)[f"{PACKAGE}.core.tensor"]
    t = module.Tensor([[1, 2, 3]])
    assert (t.memory_footprint(), t.shape, t.describe(), t.text()) == (12, (1, 3), "my base", "\n  kept\n\n    lines")
    assert (1 + t).data.tolist() == [[2, 3, 4]] and module.total([1, 2]) == 3
    t.shape = (3, 1)
    assert t.data.shape == (3, 1)


def test_files_that_nothing_changes_are_copied_as_they_are(catalog, package):
    files = Overlay({"01.size": "def size(self):\n    return 0\n"}, catalog).files()
    for path, text in files.items():
        if path != TENSOR:
            assert text == (package / path).read_text()
    before = (package / TENSOR).read_text()
    assert files[TENSOR] == before.replace('"""Count the elements."""\n        return int(self.data.size)', "return 0")


def test_the_overlay_starts_from_the_files_and_not_from_what_is_swapped(workshop, catalog, package):
    for id, text in ACCEPTED.items():
        assert workshop.run(id, text).error is None
        workshop._accept(workshop.placer.live[id])
    names = set(sys.modules)
    assert Overlay({}, catalog).files()[TENSOR] == (package / TENSOR).read_text()
    assert Overlay(workshop.accepted, catalog).files() == Overlay(ACCEPTED, catalog).files()
    assert set(sys.modules) == names
    assert sys.modules[PACKAGE].Tensor([1]).describe() == "my base"


def test_an_overlay_of_an_overlay(catalog, package, tmp_path):
    first = Overlay(ACCEPTED, catalog).files()
    for path, text in first.items():
        (package / path).write_text(text)
    catalog = Catalog(catalog.chapters, PACKAGE)
    workshop = Workshop(lambda *a: None, catalog)
    assert workshop.check("01.memory_footprint", ACCEPTED["01.memory_footprint"]).error is None
    again = {**ACCEPTED, "01.size": "def size(self):\n    return count(self.data.shape)\n"}
    second = Overlay(again, catalog).files()
    assert second[TENSOR].count("EACH = 4") == 1 and second[TENSOR].count("def count") == 1
    assert run_apart(second)[f"{PACKAGE}.core.tensor"].Tensor([1, 2]).size() == 2
    workshop.close()


def test_a_package_that_cannot_be_imported_is_refused(catalog, workshop):
    bad = "from tinysample import Missing\ndef size(self):\n    return Missing\n"
    with pytest.raises(OverlayError, match=r"1\.8 size.*cannot be imported"):
        Overlay({"01.size": bad}, catalog).files()
    assert sys.modules[PACKAGE].Tensor([1, 2]).size() == 2


def test_the_wheel_is_well_formed_and_deterministic(catalog):
    name, content = Overlay(ACCEPTED, catalog).wheel("Ada  Lovelace")
    assert name == "tinysample-0.3.0+ada.lovelace-py3-none-any.whl"
    assert Overlay(dict(reversed(ACCEPTED.items())), catalog).wheel("Ada  Lovelace") == (name, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        info = "tinysample-0.3.0+ada.lovelace.dist-info"
        assert archive.namelist()[-1] == f"{info}/RECORD"
        rows = list(csv.reader(io.StringIO(archive.read(f"{info}/RECORD").decode())))
        assert [row[0] for row in rows] == archive.namelist()
        for path, digest, size in rows[:-1]:
            data = archive.read(path)
            assert digest == "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(
                b"="
            ).decode() and int(size) == len(data)
        assert rows[-1][1:] == ["", ""]
        metadata = archive.read(f"{info}/METADATA").decode()
        assert (
            "Version: 0.3.0+ada.lovelace\n" in metadata
            and "Author: Ada Lovelace\n" in metadata
            and "Requires-Dist: numpy" in metadata
        )
        yours = json.loads(archive.read(f"{PACKAGE}/learn/yours.json"))
        assert yours == {"author": "Ada  Lovelace", "exercises": [id for id in catalog.by_id if id in ACCEPTED]}


@pytest.mark.parametrize(
    "author, version",
    [
        ("Ada Lovelace", "ada.lovelace"),
        ("Żółć Ünal-3", "zoc.unal.3"),
        ("李", "reader"),
        ("", "reader"),
        ("a" * 99, "a" * 60),
        ("../x", "x"),
    ],
)
def test_author_names_become_versions(author, version):
    assert slug(author) == version


@pytest.mark.skipif(
    not learn.chapters(), reason="the catalog is not built: PYTHONPATH=book python -m tinytorch_book catalog"
)
def test_the_shipped_package_installs_and_passes_its_own_checks(tmp_path):
    """In an environment of its own, with the NumPy of this one lent to it."""
    chapter = learn.chapters()[0]
    name, content = Overlay({e.id: e.solution for e in chapter.exercises}).wheel("Ada Lovelace")
    (tmp_path / name).write_bytes(content)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        python,
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        tmp_path / name,
    ]
    subprocess.run(install, check=True, capture_output=True)
    lent = tmp_path / "lent"
    lent.mkdir()
    for part in ("numpy", "numpy.libs"):
        source = Path(np.__file__).parents[1] / part
        if source.exists():
            (lent / part).symlink_to(source)
    done = subprocess.run(
        [python, "-m", "tinytorch.learn", "check", chapter.id],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(lent)},
    )
    count = len(chapter.exercises)
    assert (done.returncode, f"{count} of {count} exercises passed." in done.stdout) == (0, True), (
        done.stdout + done.stderr
    )
