"""How two workers share the tests (`make test`): whole files, for a file's tests share a server, a profile, a Python.

Only the walk through all wrong answers, a tenth of the time, is parted by chapters.
"""

import re

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class WholeFiles(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return re.match(r"tests/browser/test_walk.py(::.*\[\d\d\.)?|[^:]*", nodeid)[0]

    return WholeFiles(config, log)
