"""How two workers share the tests (`make test`): one does all that needs a browser, other files go whole to either."""

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class WholeFiles(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "tests/browser" if nodeid.startswith("tests/browser/") else nodeid.partition("::")[0]

    return WholeFiles(config, log)
