"""The build trains a network when the code that it depends on has changed, and only then."""

import importlib.util
import json
import os
import shutil

import pytest

from tests.chapters.reading import ROOT

spec = importlib.util.spec_from_file_location("train", ROOT / "datasets" / "train.py")
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "datasets"
    folder.mkdir()
    for name in train.DATA.values():
        (folder / name).write_text(f'{{"sha256": "{name}"}}')
    return folder


@pytest.fixture
def clone(tmp_path):
    """A copy of the library that can be edited."""
    shutil.copytree(
        ROOT / "tinytorch", tmp_path / "tinytorch", ignore=shutil.ignore_patterns("__pycache__", "chapters")
    )
    return tmp_path


def edit(clone, file, old, new):
    path = clone / "tinytorch" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


EDITS = [
    ("core/layers.py", "import numpy as np\n", "import numpy as np\n\nONE = 1\n", {"mlp", "cnn", "gpt"}),
    ("core/spatial.py", "import numpy as np\n", "import numpy as np\n\nONE = 1\n", {"cnn"}),
    ("core/transformers.py", "import numpy as np\n", "import numpy as np\n\nONE = 1\n", {"gpt"}),
    ("models/mlp.py", "PASSES = 6", "PASSES = 7", {"mlp"}),
    ("datasets/tinytalks.json", "meow", "purr", {"gpt"}),
    ("core/layers.py", "import numpy as np\n", "# Said otherwise.\nimport numpy as np\n", set()),
    ("perf/quantization.py", "import numpy as np\n", "import numpy as np\n\nONE = 1\n", set()),
    ("learn/workshop.py", "import numpy as np\n", "import numpy as np\n\nONE = 1\n", set()),
]


@pytest.mark.parametrize("file, old, new, trained", EDITS)
def test_only_what_an_edit_can_reach_is_trained_anew(clone, data, file, old, new, trained):
    before = {name: train.depends_on(name, data, clone) for name in train.NAMES}
    edit(clone, file, old, new)
    assert {name for name in train.NAMES if train.depends_on(name, data, clone) != before[name]} == trained


def test_other_data_train_anew(data):
    before = {name: train.depends_on(name, data) for name in train.NAMES}
    (data / "mnist.json").write_text('{"sha256": "other"}')
    assert [name for name in train.NAMES if train.depends_on(name, data) != before[name]] == ["mlp"]


@pytest.fixture
def trainings(monkeypatch):
    """What was trained; instead of training a file is written."""
    made = []

    def make(name, folder):
        made.append(name)
        content = f"weights of {name}".encode()
        entry = {"title": name, "bytes": len(content), "sha256": train.hashlib.sha256(content).hexdigest()}
        for suffix, text in ((".npz", content), (".json", json.dumps(entry).encode())):
            with open(os.path.join(folder, f"trained-{name}{suffix}"), "wb") as file:
                file.write(text)

    monkeypatch.setattr(train, "make", make)
    return made


def test_what_is_there_stays_and_a_second_clone_takes_it_from_the_cache(data, tmp_path, trainings, monkeypatch):
    cache, other = tmp_path / "cache", tmp_path / "other"
    shutil.copytree(data, other)
    assert [train.have("mlp", cache, data) for _ in range(2)] == ["trained", "as it was"]
    assert train.have("mlp", cache, other) == "from the cache"
    assert (other / "trained-mlp.npz").read_bytes() == b"weights of mlp"
    (other / "trained-mlp.npz").write_bytes(b"spoilt")
    assert train.have("mlp", cache, other) == "from the cache"
    assert (other / "trained-mlp.npz").read_bytes() == b"weights of mlp" and trainings == ["mlp"]
    for path in cache.glob("*.npz"):
        path.write_bytes(b"spoilt")
    monkeypatch.setattr(train, "depends_on", lambda name, data: "another")
    assert train.have("mlp", cache, other) == "trained"


def test_the_cache_keeps_the_last_few(data, tmp_path, trainings, monkeypatch):
    for number in range(train.KEPT + 3):
        monkeypatch.setattr(train, "depends_on", lambda name, data, number=number: f"{number:012}")
        train.have("mlp", tmp_path / "cache", data)
        os.utime(tmp_path / "cache" / f"trained-mlp-{number:012}.npz", (number, number))
    kept = sorted(path.name for path in (tmp_path / "cache").iterdir() if path.suffix)
    assert len(kept) == 2 * train.KEPT
    assert kept[-1] == f"trained-mlp-{train.KEPT + 2:012}.npz"
