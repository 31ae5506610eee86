"""How hypothesis looks for counterexamples in the library's tests; this is the only place that says it."""

import os

from hypothesis import Phase, settings

settings.register_profile("library", deadline=None, print_blob=True, max_examples=40)
# A mutant needs one failure, not the smallest one, and the same verdict in every run.
settings.register_profile("mutation", deadline=None, database=None, derandomize=True, max_examples=15,
                          phases=(Phase.explicit, Phase.generate))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "library"))
