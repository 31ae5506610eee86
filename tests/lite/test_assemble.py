"""The site put together: its list of files, its sizes, and what must not be in it."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

import assemble
from assemble import AssemblyError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["numpy", "tinytorch"]
START = {"core": ["pyodide.mjs", "pyodide-lock.json"], "packages": PACKAGES}
PYTHON = {"lite/static/pyodide/pyodide.mjs": b"p", "lite/static/pyodide/start.json": json.dumps(START).encode()}
CHAPTERS = ["tinytorch-chapter-01", "tinytorch-chapter-02", "tinytorch-chapter-m1"]
LOCK = {"packages": {name: {"file_name": f"packages/{name}.whl"} for name in [*PACKAGES, *CHAPTERS]}}
WHEELS = {f"lite/static/pyodide/packages/{name}.whl": b"w" for name in PACKAGES}
CHAPTER_WHEELS = {f"lite/static/pyodide/packages/{name}.whl": b"exercises" for name in CHAPTERS}
PAGE = b'<meta name="tinytorch" data-root="../" data-chapter="01"><link rel="stylesheet" href="../_static/a.css"><script type="module" src="../_static/tinytorch/page.js?v=1"></script>'


@pytest.fixture
def site():
    return {
        "modules/01_tensor.html": PAGE, "_static/a.css": b"body{}", "_static/tinytorch/page.js": b"1", "_static/other.css": b"x",
        "sw.js": b"const files = self.__TT_MANIFEST;", "lite/index.html": b"<p>", "lite/build/big.js": b"x" * 1000,
        "lite/static/pyodide/pyodide-lock.json": json.dumps(LOCK).encode(), "_headers": b"", ".nojekyll": b"", **PYTHON, **WHEELS, **CHAPTER_WHEELS,
    }  # fmt: skip


def test_the_manifest_lists_every_published_file_with_size_and_hash(site):
    listing = assemble.manifest(site)
    assert {entry["url"] for entry in listing["all"]} == set(site) - {"sw.js", "_headers", ".nojekyll"}
    assert all(entry["hash"] == assemble.digest(site[entry["url"]]) for entry in listing["all"])


def test_the_core_holds_pages_and_python_but_not_jupyterlite(site):
    core = {entry["url"] for entry in assemble.manifest(site)["core"]}
    assert {"modules/01_tensor.html", "_static/tinytorch/page.js", *PYTHON, *WHEELS, *CHAPTER_WHEELS} <= core
    assert not core & {"lite/build/big.js", "lite/index.html"}


def test_the_version_changes_with_any_file(site):
    before = assemble.manifest(site)["version"]
    assert assemble.manifest({**site, "_static/a.css": b"body{color:red}"})["version"] != before
    assert assemble.manifest(dict(site))["version"] == before


def test_the_manifest_takes_the_place_of_its_name_in_the_service_worker(site):
    assert assemble.written_in(site, "sw.js", assemble.MANIFEST, {"version": "1"}) == b'const files = {"version":"1"};'
    with pytest.raises(AssemblyError, match=r"sw.js must name self.__TT_MANIFEST exactly once, and it does 0 times"):
        assemble.written_in({"sw.js": b"nothing here"}, "sw.js", assemble.MANIFEST, {})


def test_the_commit_takes_the_place_of_its_name_in_a_script_that_every_page_has():
    script = assemble.files_below(ROOT / "book/templates/static")["tinytorch/theme.js"]
    text = assemble.written_in(
        {assemble.THEME: script}, assemble.THEME, assemble.COMMIT, "1a2bafb3c4d5, modified"
    ).decode()
    assert 'const commit = "1a2bafb3c4d5, modified";' in text
    text = assemble.written_in({assemble.THEME: script}, assemble.THEME, assemble.COMMIT, "").decode()
    assert 'const commit = "";' in text


def test_only_what_changed_is_written_and_what_is_gone_is_removed(tmp_path, site):
    assemble.write_changed(tmp_path, site)
    stamp = (tmp_path / "_static/a.css").stat().st_mtime_ns
    site["sw.js"] = b"new"
    del site["_static/other.css"], site["lite/build/big.js"]
    assert assemble.write_changed(tmp_path, site) == (1, 2)
    assert (tmp_path / "_static/a.css").stat().st_mtime_ns == stamp
    assert not (tmp_path / "lite/build").exists()


def test_the_first_visit_counts_page_runtime_and_python(site):
    names = set(assemble.first_visit(site, "modules/01_tensor.html"))
    assert {"_static/a.css", "_static/tinytorch/page.js", "sw.js", *PYTHON, *WHEELS} <= names
    assert "_static/other.css" not in names
    assert names & set(CHAPTER_WHEELS) == {"lite/static/pyodide/packages/tinytorch-chapter-01.whl"}


def test_a_part_of_the_runtime_counts_where_it_is_loaded(site):
    page, part = "modules/01_tensor.html", "_static/tinytorch/photo-ABCDEFGH.js"
    assert part not in assemble.first_visit(site | {part: b"x"}, page)
    assert part in assemble.first_visit(
        site | {part: b"x", page: site[page] + b'<section data-photo="m4.cifar">'}, page
    )


def test_a_data_set_of_sheets_is_served_sheet_by_sheet(tmp_path):
    arrays = {"sheets": np.array([1, 1]), "train_labels": np.zeros(9, np.uint8), "test_labels": np.ones(9, np.uint8)}
    arrays |= {f"sheet_{number:02}": np.frombuffer(b"packed %d" % number, np.uint8) for number in range(2)}
    np.savez(tmp_path / "cifar10.npz", **arrays)
    whole = (tmp_path / "cifar10.npz").read_bytes()
    facts = {
        "title": "CIFAR-10",
        "bytes": len(whole),
        "sha256": hashlib.sha256(whole).hexdigest(),
        "train": 9,
        "test": 9,
    }
    (tmp_path / "cifar10.json").write_text(json.dumps(facts))
    files = assemble.data_files(tmp_path)
    index = json.loads(files.pop("datasets/index.json"))["cifar10"]
    parts = [index, *index["sheets"]]
    assert sorted(files) == sorted(f"datasets/{part['file']}" for part in parts)
    for part in parts:
        data = files[f"datasets/{part['file']}"]
        assert (part["bytes"], part["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert index["total"] == sum(map(len, files.values()))
    assert [files[f"datasets/{part['file']}"] for part in index["sheets"]] == [b"packed 0", b"packed 1"]
    with np.load(io.BytesIO(files[f"datasets/{index['file']}"])) as labels:
        assert sorted(labels.files) == ["sheets", "test_labels", "train_labels"]
        assert labels["test_labels"].tolist() == [1] * 9


def test_a_page_whose_exercises_are_not_there_is_refused(site):
    site["modules/01_tensor.html"] = PAGE.replace(b'"01"', b'"03"')
    with pytest.raises(AssemblyError, match=r"page of chapter 03.*tinytorch-chapter-03"):
        assemble.report(site)


@pytest.mark.parametrize(
    "page",
    [
        b'<script src="https://cdn.example/x.js"></script>',
        b'<link href="//fonts.example/a.css" rel="stylesheet">',
        b"<style>@import 'https://a.example/b.css'</style>",
        b"<p style=\"background:url('http://a.example/b.png')\">",
    ],
)
def test_a_page_that_loads_from_a_foreign_host_is_refused(site, page):
    site["index.html"] = page
    with pytest.raises(AssemblyError, match=r"foreign hosts.*\n.*index.html: (https?:)?//"):
        assemble.check(site, 1)


def test_a_link_to_a_foreign_host_is_fine(site):
    site["index.html"] = b'<a href="https://example.org/">a source</a>'
    assemble.check(site, 1)


def test_a_first_visit_over_the_budget_is_refused(site):
    with pytest.raises(AssemblyError, match="is the budget"):
        assemble.check(site, assemble.BUDGET + 1)


@pytest.mark.parametrize(
    "name, budget", [("tinytorch", assemble.BASE_BUDGET), ("tinytorch-chapter-02", assemble.CHAPTER_BUDGET)]
)
def test_a_wheel_over_its_budget_is_refused(site, name, budget):
    path = f"lite/static/pyodide/packages/{name}.whl"
    assemble.check({**site, path: b"x" * budget}, 1)
    with pytest.raises(AssemblyError, match=f"the wheel {name} has .* is its budget; WHEELS in lite/pack.py"):
        assemble.check({**site, path: b"x" * (budget + 1)}, 1)


def test_the_notebooks_are_listed_for_jupyterlite():
    listing = json.loads(assemble.contents_listing({"01_tensor.ipynb": b"{}"}))
    assert [(entry["path"], entry["type"]) for entry in listing["content"]] == [("01_tensor.ipynb", "notebook")]


def test_a_missing_part_is_named(tmp_path):
    with pytest.raises(AssemblyError, match="runtime is missing; `make build`"):
        assemble.files_below(tmp_path / "runtime")
