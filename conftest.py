"""In what order the tests run, and how workers share them (`make test`).

A file's tests share a server, a profile, a Python: they stay together, and in order. Only the walk through wrong
answers, by chapters, the journey, by legs, and two files with a long test of each chapter are parted. What browsers do
comes last, for a browser's event loop must not meet tests of asynchronous code in the same process; of that the longest
comes first, so that no worker waits long at the end. Behind everything else come, on one worker and with no other test
beside them, the tests with a limit of time.
"""

import re

import pytest

BROWSER = "tests/browser/"
ALONE = BROWSER + "alone/"
LONG = r"tests/chapters/test_(changes|alone)\.py"
LONGEST = ["journey", "test_notebook", "test_walk", "test_mlp", "test_feedback", "test_keeping", "test_access"]


def place(nodeid: str) -> tuple:
    """Where in the run a test belongs; the rest of the order is that of `testpaths`."""
    name = re.match(rf"{BROWSER}([^/.]*)", nodeid)
    if not name:
        return (0,)
    return (2,) if nodeid.startswith(ALONE) else (1, LONGEST.index(name[1]) if name[1] in LONGEST else len(LONGEST))


def scope(nodeid: str) -> str:
    """What a worker gets whole."""
    if nodeid.startswith(ALONE):
        return ALONE
    if leg := re.match(rf"({BROWSER}journey/test_legs.py)::\w+\[(\w+-\w+)", nodeid):
        return f"{leg[1]}[{leg[2]}]"  # all tests of a leg, so that one worker walks it, once
    parted = rf"{BROWSER}(test_walk.py::.*\[\d\d\.|journey/test_straight.py::.*\[\d\d)|{LONG}::.*\[\w+\]"
    return re.match(rf"{parted}|[^:]*", nodeid)[0]


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: place(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):
        """Whole scopes; the last one, `ALONE`, for a worker that has no other beside it any more."""

        def _split_scope(self, nodeid):
            return scope(nodeid)

        def _assign_work_unit(self, node):
            others = [other for other in self.nodes if other is not node]
            if next(iter(self.workqueue)) != ALONE or not others:
                super()._assign_work_unit(node)
            elif not all(other.shutting_down for other in others):
                node.shutdown()

        def remove_node(self, node):
            crashed = super().remove_node(node)
            for other in self.nodes:
                self._reschedule(other)
            return crashed

    return Sharing(config, log)
