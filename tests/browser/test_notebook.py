"""The second door: the same chapter in JupyterLite, with the same work on both sides."""

import json
import warnings

from playwright.sync_api import TimeoutError, expect

from tinytorch import learn

from .reader import Reader
from .test_offline import ready_for_offline

FIRST = "01.memory_footprint"
KERNEL_WITHIN = 120_000


def second() -> str:
    return next(e.id for e in learn.chapter("01").exercises if e.id != FIRST)


# JupyterLite adds the cells to the page one after the other, for some seconds; until then the last is not the last.
LAID_OUT = """() => document.querySelectorAll(".jp-Notebook .jp-Cell").length
  === window.jupyterapp.shell.currentWidget.content.model.cells.length"""


class Notebook:
    """A chapter's notebook open in JupyterLite."""

    def __init__(self, page):
        self.page = page
        if not self.connects():
            warnings.warn(
                "JupyterLite's kernel did not connect; the page was reloaded, as a reader would", stacklevel=2
            )
            page.reload()
            assert self.connects(), "the kernel did not connect after a reload either"
        page.wait_for_function(LAID_OUT, timeout=120_000)

    def connects(self) -> bool:
        """Whether the cells are there and the kernel answers in two minutes; now and then JupyterLite's does not."""
        expect(self.page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=60_000)
        try:
            self.is_idle()
        except TimeoutError:
            return False
        return True

    def is_idle(self) -> None:
        self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for(
            state="attached", timeout=120_000
        )  # a narrow window has no room to show it

    def cell_with(self, text: str):
        return self.page.locator(".jp-CodeCell").filter(has_text=text).first

    def append_and_run(self, code: str) -> None:
        """Add a cell at the end and run it."""
        self.page.locator(".jp-Notebook .jp-Cell").last.click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        editor = self.page.locator(".jp-Cell.jp-mod-active .cm-content")
        expect(editor).to_have_text("")  # a notebook that is still being laid out may swallow a key
        expect(editor).to_be_focused()
        self.page.keyboard.insert_text(code)
        expect(editor).to_contain_text(code.split("\n")[0])
        cell = self.page.locator(".jp-Cell.jp-mod-active")
        self.until_begun(cell, lambda: self.page.keyboard.press("Shift+Enter"))

    def run_all(self) -> None:
        def choose_it():
            self.page.get_by_role("menuitem", name="Run", exact=True).click()
            self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

        self.until_begun(self.page.locator(".jp-Notebook"), choose_it)

    def until_begun(self, where, ask) -> None:
        """Ask for a run until a cell begins: a notebook that is still being laid out may take no notice."""
        place = where.element_handle()
        begun = (
            "place => [...place.querySelectorAll('.jp-InputPrompt')].some(each => /\\[[*\\d]/.test(each.textContent))"
        )
        for _ in range(3):
            waits = self.page.locator(".jp-Dialog").all_inner_texts()
            assert not waits, f"the notebook asks something and waits: {waits}"
            ask()
            try:
                return self.page.wait_for_function(begun, arg=place, timeout=15_000)
            except TimeoutError:
                continue
        raise AssertionError(f"asked three times, and no cell ran: {self.last_cells()}")

    def shows(self, text: str, timeout: int = KERNEL_WITHIN) -> None:
        """Wait for an output. What else is there is said by us: Playwright would print the whole notebook."""
        try:
            self.page.locator(".jp-OutputArea-output").filter(has_text=text).last.wait_for(timeout=timeout)
        except TimeoutError:
            status = self.page.locator(".jp-Notebook-ExecutionIndicator").first.get_attribute("data-status")
            raise AssertionError(
                f"{text!r} did not come; the kernel is {status}; the last cells: {self.last_cells()}"
            ) from None

    def last_cells(self) -> list[str]:
        return [cell.text_content() for cell in self.page.locator(".jp-Notebook .jp-CodeCell").all()[-5:]]


OPENING = "%load_ext tinytorch.learn\nfrom tinytorch import learn\nawait learn.open()\n"


def open_notebook(reader: Reader) -> Notebook:
    reader.page.get_by_role("link", name="Open as notebook").first.click()
    reader.page.wait_for_url("**/lite/**")
    return Notebook(reader.page)


def test_the_notebook_holds_what_was_written_and_both_sides_count(reader):
    mine = "# written on the page\n" + learn.exercise(FIRST).solution
    assert reader.exercise(FIRST).check(mine) == "passed"
    reader.until_saved()
    notebook = open_notebook(reader)
    expect(notebook.cell_with("%%exercise " + FIRST)).to_contain_text("written on the page")

    other = learn.exercise(second())
    notebook.append_and_run(
        OPENING
        + "print('in place:', Tensor.memory_footprint.__code__.co_filename)".replace(
            "Tensor.", "__import__('tinytorch').Tensor."
        )
    )
    notebook.shows("yours")
    notebook.append_and_run(f"%%exercise {other.id}\n# written in the notebook\n{other.solution}")
    notebook.append_and_run(f"learn.check({other.id!r})\nprint('checked', 6 * 7)")
    notebook.shows("checked 42")
    reader.page.wait_for_timeout(1500)

    reader.open("01")
    assert reader.page.evaluate("navigator.serviceWorker.getRegistrations().then(all => all.length)") >= 1
    assert reader.page.evaluate("crossOriginIsolated")
    assert reader.exercise(FIRST).text() == mine
    assert reader.exercise(FIRST).state == "passed"
    assert reader.exercise(other.id).state == "passed"
    assert "written in the notebook" in reader.exercise(other.id).text()
    assert reader.exercise(FIRST).check() == "passed"


def test_wrong_code_is_explained_in_the_notebook(reader):
    notebook = open_notebook(reader)
    wrong = learn.exercise(FIRST).solution.replace("return ", "return 1 + ")
    notebook.append_and_run(OPENING)
    notebook.append_and_run(f"%%exercise {FIRST}\n{wrong}")
    notebook.append_and_run(f"learn.check({FIRST!r})")
    notebook.shows("expected")


# A main thread that is interrupted between posting a message to the kernel and waiting for the answer.
SLOW_TO_WAIT = """(() => {
  const waitAsync = Atomics.waitAsync;
  window.answeredBefore = 0;
  Atomics.waitAsync = (...where) => {
    for (const since = performance.now(); performance.now() - since < 50; );
    const answer = waitAsync(...where);
    window.answeredBefore += answer.async ? 0 : 1;
    return answer;
  };
})()"""


def test_an_answer_that_comes_before_it_is_waited_for_is_not_lost(new_context, server):
    context = new_context()
    context.add_init_script(SLOW_TO_WAIT)
    notebook = open_notebook(Reader(context.new_page(), server.url).open("01").until_isolated())
    for number in range(3):
        notebook.append_and_run(f"print('answer', {number} + 100)")
        notebook.shows(f"answer {number + 100}")
        notebook.is_idle()
    assert notebook.page.evaluate("answeredBefore") >= 3


# A notebook whose Python is gone and is not started again unasked, so that a cell asks which one to start.
WITHOUT_PYTHON = """async () => {
  const session = window.jupyterapp.shell.currentWidget.sessionContext;
  session.kernelPreference = { ...session.kernelPreference, shouldStart: false, autoStartDefault: false };
  await session.shutdown();
}"""


def test_a_notebook_that_lost_its_python_starts_it_without_asking_which(reader):
    notebook = open_notebook(reader)
    notebook.append_and_run("print('before', 20 + 1)")
    notebook.shows("before 21")
    reader.page.evaluate(WITHOUT_PYTHON)
    notebook.append_and_run("print('after', 40 + 2)")
    notebook.shows("after 42")
    assert reader.page.locator(".jp-Dialog").count() == 0


def test_the_kernel_reads_and_writes_files(reader):
    notebook = open_notebook(reader)
    notebook.append_and_run(
        "from pathlib import Path; Path('note.txt').write_text('kept'); print(Path('note.txt').read_text() + ' for good')"
    )
    notebook.shows("kept for good")


def test_the_notebook_opens_offline(new_context, own_server):
    reader = Reader(new_context().new_page(), own_server.url).open("01")
    ready_for_offline(reader)
    notebook = open_notebook(reader)
    notebook.append_and_run(OPENING + "print('online', 6 * 7)")
    notebook.shows("online 42")
    own_server.stop()
    reader.page.reload()
    notebook = Notebook(reader.page)
    notebook.append_and_run(
        OPENING + "print('offline', all(e.checks for chapter in learn.chapters() for e in chapter.exercises))"
    )
    notebook.shows("offline True")


def test_the_chapter_downloads_as_a_notebook(reader):
    with reader.page.expect_download() as download:
        reader.page.get_by_role("link", name="Download the notebook").first.click()
    notebook = json.loads(download.value.path().read_text())
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    for exercise in learn.chapter("01").exercises:
        assert any(source.startswith(f"%%exercise {exercise.id}") for source in sources)


def test_opening_the_notebook_begins_no_exercise(reader):
    open_notebook(reader)
    reader.visit("book/progress.html")
    expect(reader.page.get_by_text("not begun").first).to_be_visible()
    assert reader.page.get_by_text("in progress").count() == 0


def test_what_was_written_in_the_notebook_and_not_run_survives_the_way_back_and_again(reader):
    notebook = open_notebook(reader)
    cell = notebook.cell_with("%%exercise " + FIRST)
    cell.locator(".cm-content").click()
    reader.page.keyboard.press("Control+End")
    reader.page.keyboard.insert_text("# only in the notebook\n")
    reader.page.keyboard.press("Control+s")
    reader.page.wait_for_timeout(1500)
    notebook = open_notebook(reader.open("01"))
    expect(notebook.cell_with("%%exercise " + FIRST)).to_contain_text("only in the notebook")


DARK = {"color_scheme": "dark", "viewport": {"width": 390, "height": 780}}
# What became of Python for good: Pyodide says it to whoever asked to be told.
DEATH = "import js, pyodide_js\npyodide_js._api.fatal_error(js.Error.new('the stack is full'))"


def test_it_is_a_room_of_the_book_and_python_in_it_can_be_stopped_and_replaced(new_context, server):
    reader = Reader(new_context(color_scheme="light").new_page(), server.url).open("01").until_isolated()
    notebook = open_notebook(reader)
    page = notebook.page
    back = page.get_by_role("link", name="Back to chapter 01 Tensor")
    expect(back).to_be_visible()
    expect(page).to_have_title("01 Tensor · notebook · TinyTorch")
    assert back.get_attribute("href").endswith("/modules/01_tensor.html")
    for stock in ("Not Trusted", "Trusted", "Last Checkpoint"):
        expect(page.get_by_text(stock)).to_have_count(0)
    expect(page.locator(".jp-RenderedHTMLCommon h1").first).to_contain_text("01 Tensor")
    fonts = page.evaluate(
        "document.fonts.ready.then(all => [...all].filter(f => f.status === 'loaded').map(f => f.family))"
    )
    assert {"Source Serif 4", "Source Code Pro"} <= set(fonts)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "true")

    notebook.append_and_run("print('endless', 6 * 7)\nwhile True:\n    pass")
    notebook.shows("endless 42")
    page.locator('[data-command="notebook:interrupt-kernel"]').first.click()
    notebook.shows("KeyboardInterrupt", timeout=20_000)
    notebook.append_and_run("print('goes on', 6 * 7)")
    notebook.shows("goes on 42")

    notebook.append_and_run(DEATH)
    expect(page.get_by_role("alert")).to_contain_text(
        "Python broke down in this cell and was started again.", timeout=60_000
    )
    notebook.append_and_run("print('anew', 6 * 7)")
    notebook.shows("anew 42")


def test_without_isolation_what_cannot_work_is_said(new_context, server):
    page = new_context(service_workers="block", **DARK).new_page()
    page.goto(f"{server.url}lite/notebooks/index.html?path=01_tensor.ipynb")
    notebook = Notebook(page)
    back = page.get_by_role("link", name="Back to chapter 01 Tensor")
    expect(back).to_have_text("Back to 01 Tensor")
    expect(back).to_be_in_viewport()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    notebook.append_and_run("input('Name? ')")
    notebook.shows("input() cannot ask here")
    notebook.append_and_run("import time\nprint('slow', 6 * 7)\ntime.sleep(8)")
    notebook.shows("slow 42")
    page.evaluate("jupyterapp.commands.execute('notebook:interrupt-kernel')")
    expect(page.get_by_role("alert")).to_contain_text("cannot be interrupted here")
