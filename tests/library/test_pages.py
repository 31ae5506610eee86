"""More Pythons of a page: what is said where there can be none. How they work: tests/browser/test_team.py."""

import inspect
import sys
from concurrent.futures import Executor
from types import SimpleNamespace

import numpy as np
import pytest

from tinytorch import CrossEntropyLoss, DataLoader, Linear, Tensor, TensorDataset
from tinytorch.core import pages
from tinytorch.core.autograd import enable_autograd
from tinytorch.core.dataloader import PrefetchLoader
from tinytorch.core.optimizers import SGD
from tinytorch.perf.processes import ProcessTeam

enable_autograd()


@pytest.fixture
def page(monkeypatch):
    """Let this Python look like one of a page; returns a function that says what device, browser and page are like."""

    def like(memory=8, isolated=True, waits=True, starts=True):
        told = []
        names = SimpleNamespace(team=lambda *start: told.append(start)) if starts else SimpleNamespace(keep=None)
        monkeypatch.setattr(sys, "platform", "emscripten")
        monkeypatch.setitem(sys.modules, "tinytorch_page", names)
        navigator = SimpleNamespace(deviceMemory=memory) if memory else SimpleNamespace()
        monkeypatch.setitem(sys.modules, "js", SimpleNamespace(navigator=navigator, crossOriginIsolated=isolated))
        monkeypatch.setitem(sys.modules, "pyodide", SimpleNamespace())
        monkeypatch.setitem(sys.modules, "pyodide.ffi", SimpleNamespace(can_run_sync=lambda: waits))
        return told

    return like


def team(workers):
    return ProcessTeam(Linear(2, 2), CrossEntropyLoss(), lambda parameters: SGD(parameters, lr=0.1), workers)


@pytest.mark.parametrize(
    "device, workers, words",
    [
        ({"starts": False}, 2, "nobody starts more Pythons for this one; a chapter's page and its notebook do"),
        ({}, 5, "workers is 5; a page has at most 4"),
        ({"memory": 0.5}, 2, "says that it has 0.5 GB of memory, and 2 workers want 1 GB"),
        ({"memory": 2}, 4, "says that it has 2 GB of memory, and 4 workers want 3 GB"),
        ({"isolated": False, "waits": False}, 2, "cannot wait for their messages here"),
    ],
)
def test_where_there_can_be_no_team_a_sentence_says_why_and_nothing_is_started(page, device, workers, words):
    told = page(**device)
    with pytest.raises((RuntimeError, ValueError), match=f"ProcessTeam: .*{words}"):
        team(workers)
    assert told == []


def test_one_worker_needs_nobody(page):
    told = page(starts=False)
    with team(1) as alone:
        report = alone.train_step(np.ones((3, 2), np.float32), np.array([0, 1, 0]))
    assert report.loss > 0 and report.bytes_sent == [0] and told == []


@pytest.mark.parametrize(
    "device, mode", [({}, "processes"), ({"isolated": False}, "processes"), ({"starts": False}, "none")]
)
def test_a_loader_has_its_batches_prepared_where_another_python_can_be_started(page, device, mode):
    page(**device)
    loader = DataLoader(TensorDataset(Tensor([1, 2, 3])), 2)
    assert PrefetchLoader(loader, mode="processes").mode == mode
    assert PrefetchLoader(loader, mode="threads").mode == "none"


def test_a_browser_that_does_not_tell_its_memory_is_trusted(page):
    page(memory=None)
    assert pages.has_workers()
    pages.check_device("ProcessTeam", 4)


def test_what_cannot_be_handed_on_is_said():
    class Mine:
        pass

    with pytest.raises(TypeError, match=r"PrefetchLoader: .*none that a cell defines"):
        pages.packed("PrefetchLoader", Mine())


def test_the_executor_of_a_page_is_asked_as_those_of_the_standard_library_are():
    assert issubclass(pages.PageExecutor, Executor)
    assert inspect.signature(pages.PageExecutor.shutdown) == inspect.signature(Executor.shutdown)
