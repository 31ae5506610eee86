"""The fast kernels pass their tests in the browser's Python, under Node."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# By its place: lite/build.py has the same name.
spec = importlib.util.spec_from_file_location("kernels_build", ROOT / "lite" / "kernels" / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


def test_the_kernels_pass_their_tests():
    command = [
        ROOT / ".venv/bin/node",
        ROOT / "tests/pyodide/run.mjs",
        ROOT / "build/pyodide",
        ROOT / "build/pyodide-tests",
        ROOT,
    ]
    run = subprocess.run([*command, "tests/kernels"], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, (run.stdout + run.stderr)[-6000:]
    assert int(re.search(r"(\d+) passed", run.stdout)[1]) > 100


@pytest.mark.parametrize(
    "source, sentence",
    [
        ("static float kept; EXPORT(f)(float x) { kept += x; }", "needs a stack|it has"),
        (
            "EXPORT(f)(int i, float *out) { float table[] = {1, 2, 3, 5, 7, 11, 13, 17}; *out = table[i & 7]; }",
            "needs a stack|it has data",
        ),
        ("EXPORT(f)(float *out) { float many[99]; g(many); *out = many[0]; }", "do not compile"),
    ],
)
def test_a_module_with_memory_of_its_own_is_not_built(tmp_path, source, sentence):
    path = tmp_path / "wrong.c"
    path.write_text(f'#include "{ROOT}/lite/kernels/loop.h"\n{source}\n')
    with pytest.raises(build.KernelError, match=sentence):
        build.compile_module("wrong.wasm", ["-msimd128"], [path], tmp_path)
