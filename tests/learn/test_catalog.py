"""The catalog of a browser's page: brief records of all chapters, whole ones where their files have come."""

import io
import json
from zipfile import ZipFile

import pytest

from tinytorch import learn
from tinytorch.learn import Chapter, Workshop
from tinytorch.learn import catalog as catalogs
from tinytorch.learn.overlay import package_files

from .conftest import PACKAGE

KEYS = ("id", "name", "number", "title", "symbol")
GOOD = "def size(self):\n    return int(self.data.size)\n"


def record(id, exercises, **more):
    return {
        "format": 1,
        "id": id,
        "number": int(id.strip("m")),
        "name": f"name_{id}",
        "title": id,
        "exercises": exercises,
        **more,
    }


def brief(exercise):
    return {key: getattr(exercise, key) for key in KEYS}


def whole(exercise):
    return {**brief(exercise), "checks": [{"title": check.title, "code": check.code} for check in exercise.checks]}


@pytest.fixture
def folder(tmp_path, monkeypatch, catalog):
    """The folder of a page's Python: an index of a chapter of the sample package and of a milestone, nothing else."""
    program = {"id": "m1.first", "name": "first", "title": "First"}
    exercises = [brief(catalog.exercise("01.size")), brief(catalog.exercise("01.scale"))]
    index = [record("01", exercises), record("m1", [], programs=[program])]
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "index.json").write_text(json.dumps(index))
    monkeypatch.setattr(catalogs, "FOLDER", str(tmp_path / "chapters"))
    catalogs.catalog.cache_clear()
    yield tmp_path / "chapters"
    catalogs.catalog.cache_clear()


@pytest.fixture
def sample(folder, monkeypatch):
    monkeypatch.setattr(catalogs.Catalog.__init__, "__defaults__", (PACKAGE, ()))
    workshop = Workshop(lambda *_: None)
    yield workshop
    workshop.close()


def test_an_index_alone_names_exercises_and_programs(folder):
    shipped = catalogs.catalog()
    assert [e.id for e in shipped.exercises] == ["01.size", "01.scale"]
    assert shipped.exercise("01.size").checks == () and shipped.program("m1.first").goals == ()
    assert shipped.chapter("01").page == "modules/01_name_01.html"
    assert shipped.milestone("m1").page == "milestones/01_name_m1.html"


def test_a_chapters_file_goes_before_its_brief_record(folder, catalog):
    (folder / "01_first.json").write_text(json.dumps(record("01", [whole(catalog.exercise("01.size"))])))
    shipped = catalogs.catalog()
    assert [chapter.id for chapter in (*shipped.chapters, *shipped.milestones)] == ["01", "m1"]
    assert shipped.exercise("01.size").checks == catalog.exercise("01.size").checks


def test_what_passed_is_restored_from_brief_records_and_goes_into_the_package(sample):
    assert sample.restore({"01.size": GOOD}) == [] and list(sample.accepted) == ["01.size"]
    _, content = sample.wheel("Ada")
    assert GOOD.splitlines()[1] in ZipFile(io.BytesIO(content)).read("tinysample/core/tensor.py").decode()


def test_nothing_passes_without_its_checks_until_they_have_come(sample, folder, catalog):
    outcome = sample.check("01.size", GOOD)
    assert outcome.state == "error" and "checks of 01.size are not here" in outcome.error.sentence
    assert sample.accepted == {}
    (folder / "01_first.json").write_text(json.dumps(record("01", [whole(catalog.exercise("01.size"))])))
    sample.reread()
    assert sample.check("01.size", GOOD).state == "passed"
    assert list(sample.accepted) == ["01.size"]


def test_a_readers_package_has_the_chapters_and_not_the_index(package):
    chapters = package / PACKAGE / "learn" / "chapters"
    chapters.mkdir()
    for name in ("01_first.json", "index.json"):
        (chapters / name).write_text("{}")
    (package / PACKAGE / "core" / "index.json").write_text("{}")
    files = package_files(PACKAGE)
    assert f"{PACKAGE}/learn/chapters/01_first.json" in files and f"{PACKAGE}/core/index.json" in files
    assert f"{PACKAGE}/learn/chapters/index.json" not in files


def test_the_source_tree_has_no_index_and_every_exercise_its_checks():
    assert all(exercise.checks for chapter in learn.chapters() for exercise in chapter.exercises)
    assert all(isinstance(chapter, Chapter) and chapter.summary for chapter in learn.chapters())


def test_a_record_and_an_exercise_say_the_same():
    for chapter in catalogs.catalog().chapters:
        for exercise in chapter.exercises:
            assert catalogs.Exercise.from_dict(json.loads(json.dumps(exercise.to_dict()))) == exercise
            assert set(exercise.brief()) < set(exercise.site()) and not set(exercise.brief()) & {
                "task",
                "hints",
                "checks",
                "scaffold",
            }
    for milestone in catalogs.catalog().milestones:
        assert [catalogs.Program.from_dict(program.to_dict()) for program in milestone.programs] == list(
            milestone.programs
        )
