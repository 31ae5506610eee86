"""How hypothesis looks for counterexamples in the library's tests, and what the browser's Python cannot run."""

import os
import sys

import pytest
from hypothesis import Phase, settings

settings.register_profile("library", deadline=None, print_blob=True, max_examples=40)
# A mutant needs one failure, not the smallest one, and the same verdict in every run.
settings.register_profile(
    "mutation", deadline=None, database=None, derandomize=True, max_examples=15, phases=(Phase.explicit, Phase.generate)
)
# In the browser's Python everything takes some three times as long.
settings.register_profile(
    "browser", deadline=None, database=None, derandomize=True, max_examples=10, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "library"))

MISSING = {
    "processes": "the browser's Python cannot start processes",
    "threads": "the browser's Python cannot start threads",
    "jsonschema": "the browser's Python has no jsonschema package",
}


def pytest_configure(config):
    for name, reason in MISSING.items():
        config.addinivalue_line("markers", f"{name}: skipped where {reason}")


def pytest_collection_modifyitems(items):
    if sys.platform == "emscripten":
        for item in items:
            for name, reason in MISSING.items():
                if item.get_closest_marker(name):
                    item.add_marker(pytest.mark.skip(reason=reason))
