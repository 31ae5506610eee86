"""The fast kernels of NumPy: pages and notebooks run on them, and the page tells so and lets them be switched."""

import re

from playwright.sync_api import expect

from .reader import Reader
from .test_notebook import KERNEL_WITHIN, Notebook

ASK = "from tinytorch.learn import kernel\nstate = kernel.status()\nprint('kernels:', state.on, state.verified, state.why or 'no complaint')\n"
RATIO = """import time
import numpy as np
from tinytorch.learn import kernel
fast = kernel.measure()
kernel.switch(False)
own = kernel.measure()
kernel.switch(True)
print('times faster:', fast / own > 4, kernel.status().on)
"""


def first_lab(reader: Reader):
    return reader.lab(reader.page.locator("[data-lab]").first.get_attribute("data-lab"))


def panel(reader: Reader):
    return reader.page.get_by_role("group", name="Python", exact=True)


def test_a_page_runs_on_the_verified_kernels(reader):
    lab = first_lab(reader)
    lab.run(ASK)
    expect(lab.output).to_contain_text("kernels: True True no complaint")
    lab.run(RATIO)
    expect(lab.output).to_contain_text("times faster: True True")


def test_the_panel_tells_measures_and_switches(reader):
    reader.exercise("01.memory_footprint").focus()
    reader.until_python("ready")
    about = panel(reader)
    about.get_by_text("About this Python").click()
    expect(about.locator("[data-role=kernel]")).to_contain_text(
        re.compile("runs on this book's SIMD kernels.* compared with NumPy's own")
    )
    about.get_by_role("button", name="Measure").click()
    expect(about.locator("[data-role=speed]")).to_contain_text(
        re.compile(r"at \d[\d.]* GFLOP/s on this device"), timeout=20_000
    )
    box = about.get_by_label("Fast kernels")
    expect(box).to_be_checked()
    box.uncheck()
    expect(about.locator("[data-role=kernel]")).to_contain_text("its own loops; the fast kernels are switched off")
    lab = first_lab(reader)
    lab.run(ASK)
    expect(lab.output).to_contain_text("kernels: False")
    box.check()
    expect(about.locator("[data-role=kernel]")).to_contain_text("runs on this book's SIMD kernels")


def test_without_simd_the_page_works_and_says_why(new_context, server):
    context = new_context(service_workers="block")
    # A browser without SIMD finds such a module invalid; the worker is told so before its own first line.
    context.route("**/worker.js*", lambda route: without_simd(route))
    reader = Reader(context.new_page(), server.url).open("01")
    lab = first_lab(reader)
    lab.run("import numpy as np\nprint('sum', (np.ones((3, 4), 'f') @ np.ones((4, 2), 'f')).sum())\n" + ASK)
    expect(lab.output).to_contain_text("sum 24.0")
    expect(lab.output).to_contain_text("kernels: False False this browser's WebAssembly has no SIMD")


def without_simd(route):
    answer = route.fetch()
    route.fulfill(response=answer, body="WebAssembly.validate = () => false;\n" + answer.text())


def test_a_notebook_runs_on_them_before_tinytorch_is_imported(new_context, server):
    page = new_context().new_page()
    page.goto(f"{server.url}lite/notebooks/index.html?path=01_tensor.ipynb")
    notebook = Notebook(page)
    notebook.append_and_run("import sys\n'tinytorch' in globals(), sys.modules['tinytorch_kernels'].grafted.on")
    notebook.shows("(False, True)", KERNEL_WITHIN)
    notebook.append_and_run(ASK)
    notebook.shows("kernels: True True no complaint")
