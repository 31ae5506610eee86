"""More Pythons of one page, isolated or not: a team that trains together, and who prepares batches."""

import time

import pytest
from playwright.sync_api import expect

from .reader import Reader
from .test_notebook import open_notebook

BEGIN = """
import numpy as np
from tinytorch import Adam, CrossEntropyLoss, Linear, Sequential, Tanh, enable_autograd
from tinytorch.perf.processes import ProcessTeam, WorkerLost
enable_autograd()
rng = np.random.default_rng(0)
x, y = rng.standard_normal((21, 6)).astype(np.float32), rng.integers(0, 3, 21)
network = lambda: Sequential(Linear(6, 8, rng=0), Tanh(), Linear(8, 3, rng=1))
adam = lambda parameters: Adam(parameters, lr=0.01)

class Told:
    '''A loss that does something else in the other workers, in their second step.'''
    def __init__(self, other):
        self.other, self.loss = other, CrossEntropyLoss()
    def __call__(self, predictions, targets):
        return self.loss(predictions, targets)
    def __reduce__(self):
        return eval, (f"lambda p, t, loss=__import__('tinytorch').CrossEntropyLoss(), calls=[]: "
                      f"calls.append(1) or ({self.other} if len(calls) == 2 else loss(p, t))",)
"""
EQUAL = """
def trained(workers):
    with ProcessTeam(network(), CrossEntropyLoss(), adam, workers) as team:
        reports = [team.train_step(x, y) for _ in range(5)]
        return team.weights(), reports[-1]
alone, last = trained(1)
for workers in (2, 3):
    everybody, report = trained(workers)
    same = all(np.array_equal(a, b) for one in everybody for a, b in zip(one, everybody[0]))
    near = all(np.allclose(a, b, atol=1e-5) for a, b in zip(everybody[0], alone[0]))
    sent = sum(report.bytes_sent) == 2 * (workers - 1) * sum(a.nbytes for a in alone[0])
    print(workers, len(everybody), same, near, abs(report.loss - last.loss) < 1e-5, sent)
"""
LOST = """
for other in ("1 / 0", "__import__('ctypes').string_at(2**32 - 1, 9)"):
    model = network()
    team = ProcessTeam(model, Told(other), adam, 2)
    team.train_step(x, y)
    before = [p.data.copy() for p in model.parameters()]
    try:
        team.train_step(x, y)
    except WorkerLost as error:
        print(error)
    print(all(np.array_equal(a, p.data) for a, p in zip(before, model.parameters())), team.closed)
"""
REFUSED = """
class Mine(CrossEntropyLoss):
    pass
for loss, workers, rows in ((Mine(), 2, 21), (CrossEntropyLoss(), 5, 21), (CrossEntropyLoss(), 2, 1)):
    try:
        with ProcessTeam(network(), loss, adam, workers) as team:
            team.train_step(x[:rows], y[:rows])
    except Exception as error:
        print(error)
"""
ENDLESS = """
team = ProcessTeam(network(), CrossEntropyLoss(), adam, 2)
while True:
    team.train_step(x, y)
    print("a step")
"""
GONE = "ProcessTeam: worker 1 was lost in the middle of a step ({}). The step was not made: the weights are those from before it. "


@pytest.fixture(params=["isolated", "not isolated"])
def student(request, new_context, server):
    """A reader of a page whose Pythons share memory, and one of a page where they send messages."""
    isolated = request.param == "isolated"
    context = new_context(**({} if isolated else {"service_workers": "block"}))
    # a second Python that waits for a Stop is none of a team; a device with little memory has none
    context.add_init_script("Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => 2 })")
    student = Reader(context.new_page(), server.url).open("17")
    if isolated:
        student.until_isolated()
    assert student.page.evaluate("crossOriginIsolated") == isolated
    return student


def run(student, code):
    """Run a cell and return what it has printed."""
    lab = student.lab(student.page.locator("[data-lab]").first.get_attribute("data-lab"))
    assert lab.run(BEGIN + code) == "idle", lab.output.inner_text()
    return lab.output.inner_text()


def until_alone(student):
    """Wait until no Python is left but the page's own; a browser takes a moment to end one that sleeps."""
    until(student, 1)


def until(student, workers):
    deadline = time.monotonic() + 20
    while len(student.page.workers) != workers:
        assert time.monotonic() < deadline, student.page.workers
        student.page.wait_for_timeout(100)


def test_it_trains_as_one_would_alone_and_says_what_it_cannot_do(student):
    lines = run(student, EQUAL).splitlines()
    assert "2 2 True True True True" in lines
    assert "3 3 True True True True" in lines
    until_alone(student)

    lines = run(student, LOST).splitlines()
    for words in ("ZeroDivisionError: division by zero", "it has ended"):
        assert any(line.startswith(GONE.format(words)) for line in lines), lines
    assert lines.count("True True") == 2
    until_alone(student)

    shown = run(student, REFUSED)
    assert "none that a cell defines" in shown
    assert "workers is 5; a page has at most 4" in shown
    assert "1 samples for 2 workers" in shown
    until_alone(student)


def test_a_notebook_has_a_team_too(student):
    notebook = open_notebook(student)
    notebook.append_and_run(BEGIN + EQUAL)
    notebook.shows("3 3 True True True True")


def test_stop_ends_a_step_and_the_team(student):
    lab = student.lab(student.page.locator("[data-lab]").first.get_attribute("data-lab"))
    lab.write(BEGIN + ENDLESS).press("Run")
    expect(lab.output).to_contain_text("a step", timeout=60_000)
    until(student, 2)
    lab.press("Stop").settle("idle", timeout=20_000)
    student.until_python("ready")
    until_alone(student)
    assert "2 2 True True True True" in run(student, EQUAL)
    until_alone(student)


PREFETCHED = """
import time
from tinytorch import Compose, DataLoader, RandomCrop, RandomHorizontalFlip, Tensor, TensorDataset
from tinytorch.core.dataloader import PrefetchLoader
pictures = [(np.float32(rng.random((1, 8, 8))), place % 10) for place in range(50)]
change = Compose([RandomCrop(8, padding=2), RandomHorizontalFlip()])
plain, again = (DataLoader(pictures, 8, shuffle=True, seed=0, transform=change) for _ in range(2))
ahead = PrefetchLoader(again, ahead=2, workers=2, mode="processes")
print(ahead.mode)
for number in range(3):
    both = list(zip(plain, ahead, strict=True))
    print(len(both), all(np.array_equal(a.data, b.data) for one in both for a, b in zip(*one)))
for number, batch in enumerate(ahead):
    if number == 2:
        break
list(zip(range(3), plain))
print("in the middle", np.array_equal(next(iter(ahead))[0].data, next(iter(plain))[0].data))

large = TensorDataset(Tensor(rng.random((400, 1, 64, 64))))  # batches and data have no room in shared memory
large = PrefetchLoader(DataLoader(large, 100), mode="processes")
next(iter(large))
print("large", sum(len(numbers) for (numbers,) in large))

class Mine:
    def __len__(self):
        return 3
    def __getitem__(self, index):
        return index
def fails(loader):
    try:
        list(PrefetchLoader(loader, mode="processes"))
    except Exception as error:
        print(type(error).__name__, error)
fails(DataLoader(Mine(), 1))
fails(DataLoader([1.0, "two"], 1))
"""


def test_batches_prepared_by_another_python_are_those_of_the_loader(student):
    lines = run(student, PREFETCHED).splitlines()
    assert "processes" in lines
    assert lines.count("7 True") == 3
    assert "in the middle True" in lines
    assert "large 400" in lines
    assert any("PrefetchLoader" in line and "none that a cell defines" in line for line in lines), lines
    until(student, 2)  # who prepares stays for the next pass
    assert "2 2 True True True True" in run(student, EQUAL)  # a team ends it
    until_alone(student)
    assert "in the middle True" in run(student, PREFETCHED)
