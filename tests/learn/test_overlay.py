"""The reader's own package: real source, installable, the same bytes every time."""

import base64
import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy as np
import pytest

from tinytorch import learn
from tinytorch.learn import Catalog, Overlay, Workshop
from tinytorch.learn.overlay import OverlayError, import_apart
from tinytorch.learn.wheel import slug

from .conftest import PACKAGE, code

TENSOR = f"{PACKAGE}/core/tensor.py"
FUTURE = "from __future__ import annotations"
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
    before = (package / TENSOR).read_text().replace('module."""\n', f'module."""\n\n{FUTURE}\n', 1)
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


def test_the_wheel_carries_the_licences_of_the_package_and_claims_none_for_the_whole(package, catalog):
    texts = {"LICENSE": "MIT License\n", "core/LICENSE-data.txt": "Some data ©\n"}
    for name, text in texts.items():
        (package / PACKAGE / name).write_text(text, encoding="utf-8")
    _, content = Overlay(ACCEPTED, catalog).wheel("Ada")
    info = "tinysample-0.3.0+ada.dist-info"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        assert sorted(metadata.get_all("License-File")) == list(texts) and metadata["Metadata-Version"] == "2.4"
        for name, text in texts.items():
            assert archive.read(f"{info}/licenses/{name}").decode() == text
            assert archive.read(f"{PACKAGE}/{name}").decode() == text  # for the wheel that is made from this one
    assert "License" not in metadata and "License-Expression" not in metadata
    assert "What Ada wrote is Ada's own to license." in metadata.get_payload()


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


def test_annotations_may_name_the_class_that_the_function_goes_into(workshop, catalog):
    texts = {
        "01.add": "def __add__(self: Tensor, other: Tensor | float) -> Tensor:\n    return Tensor(self.data + operand(other))\n",
        "01.scale": f"{FUTURE}\ndef double(t: Tensor) -> Sequence:\n    return t * 2\n"
        "def scale(values: list[Tensor], by: float = 2.0) -> list[Tensor]:\n    return [double(v) * by / 2 for v in values]\n",
    }
    for id, text in texts.items():
        assert workshop.run(id, text).error is None
    files = Overlay(texts, catalog).files()
    assert files[TENSOR].count(FUTURE) == 1 and files[TENSOR].startswith(f'"""A sample module."""\n\n{FUTURE}\n\n')
    made = run_apart(files)[f"{PACKAGE}.core.tensor"]
    assert (1 + made.Tensor([1])).data.tolist() == [2] and made.scale([1], 3.0) == [3.0]


def test_what_two_exercises_share_stands_above_the_first_in_the_file(workshop, catalog):
    """`scale` stands below `Tensor` in the file; here it comes first in the course."""
    shared = "import math\nLOG = []\nLOG.append(3)\nTHREE = LOG[0]\n"
    texts = {
        "01.scale": shared
        + "def scale(values, by=THREE):\n    return [math.floor(v * by) for v in values], len(LOG)\n",
        "01.size": shared + "def size(self, n=THREE):\n    return math.floor(n) + len(LOG)\n",
    }
    exercises = sorted(catalog.exercises, key=lambda e: e.name != "scale")
    chapter = catalog.chapters[0]
    turned = Catalog((type(chapter)("01", 1, "tensor", "Tensor", exercises=tuple(exercises)),), PACKAGE)
    assert all(workshop.check(id, text).error is None for id, text in texts.items())
    for each in (catalog, turned):
        files = Overlay(texts, each).files()
        assert files[TENSOR].count("LOG.append") == 1 and files[TENSOR].count("import math") == 1
        made = run_apart(files)[f"{PACKAGE}.core.tensor"]
        assert made.scale([1]) == ([3], 1) and made.Tensor([1]).size() == 4


def test_tables_that_are_filled_differently_are_two_things(workshop):
    assert (
        workshop.check("01.total", "T = []\nT.append(0)\ndef total(values):\n    return sum(values, T[0])\n").error
        is None
    )
    other = "T = []\nT.append(1)\ndef scale(values, by=2.0):\n    return [v * by * T[0] for v in values]\n"
    assert workshop.check("01.scale", other).error.kind == "collision"


def test_a_helper_that_needs_what_comes_later_in_the_file_stands_at_its_end(workshop, catalog):
    alias = "T = Tensor\nKINDS = {}\nKINDS['t'] = T\nFIRST = KINDS['t']\n"
    texts = {
        "01.size": alias + "class Sub(T):\n    pass\n\ndef plain():\n    return 6\n\n"
        "def size(self):\n    return plain() if KINDS and isinstance(Sub([1]), FIRST) else 0\n",
        "01.scale": alias + "def scale(values, by=2.0):\n    return [v * by for v in values] if KINDS else T\n",
    }
    for id, text in texts.items():
        assert workshop.check(id, text).state == "passed"
    text = Overlay(texts, catalog).files()[TENSOR]
    assert text.endswith("\n\n\nT = Tensor\nKINDS['t'] = T\nFIRST = KINDS['t']\n\n\nclass Sub(T):\n    pass\n")
    assert text.count("T = Tensor") == text.count("KINDS['t'] =") == 1
    assert text.index("KINDS = {}") < text.index("def plain") < text.index("class Tensor(Base)")
    made = run_apart({**Overlay(texts, catalog).files()})[f"{PACKAGE}.core.tensor"]
    assert made.Tensor([1]).size() == 6 and made.KINDS == {"t": made.Tensor}
