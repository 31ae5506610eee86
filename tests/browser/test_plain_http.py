"""A site on a school's own host over plain http: browsers give it no service worker, no `crypto.subtle`, no isolation."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tinytorch import learn

from .conftest import ARGUMENTS, Server, observe
from .reader import Reader
from .test_datasets import CODE
from .test_notebook import FIRST, Notebook

HOST = "school.example"


@pytest.fixture
def pupil(playwright, chromium, request):
    """A reader for whom the site has the name of a host, as it has on a school's network."""
    server = Server().start()
    names = f"--host-resolver-rules=MAP {HOST} localhost"
    browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, names])
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.add_init_script("window.noServiceWorker = true")
    hosts = set()
    context.on("request", lambda sent: hosts.add(urlsplit(sent.url).hostname or HOST))
    observe(request.node, context)
    yield Reader(context.new_page(), server.url.replace("localhost", HOST))
    browser.close()
    server.stop()
    assert hosts == {HOST}


def test_a_chapter_runs_data_come_and_the_notebook_has_what_was_written(pupil):
    pupil.open("05")
    missing = "() => [isSecureContext, typeof crypto.subtle, 'serviceWorker' in navigator, crossOriginIsolated]"
    assert pupil.page.evaluate(missing) == [False, "undefined", False, False]
    lab = pupil.lab(pupil.page.locator("[data-lab]").first.get_attribute("data-lab"))
    assert lab.run(CODE) == "idle", lab.output.inner_text()
    assert "20000 10000" in lab.output.inner_text()

    pupil.open("01")
    mine = "# written on the page\n" + learn.exercise(FIRST).solution
    assert pupil.exercise(FIRST).check(mine) == "passed"
    pupil.until_saved()
    pupil.page.get_by_role("link", name="Open as notebook").first.click()
    pupil.page.wait_for_url("**/lite/**")
    expect(Notebook(pupil.page).cell_with("%%exercise " + FIRST)).to_contain_text("written on the page")
