"""The foot of a page says which version this is and which commit it was built from."""

import re

from playwright.sync_api import expect

from tinytorch import __version__

from .conftest import ROOT
from .reader import Reader

PLACE = "footer .tt-version"


def test_the_foot_names_version_and_commit(new_context, server):
    script = (ROOT / "build/site/_static/tinytorch/theme.js").read_text()
    commit = re.search(r'const commit = "(.*?)";', script)[1]
    reader = Reader(new_context().new_page(), server.url)
    for name in ("", "modules/01_tensor.html", "search.html"):
        reader.visit(name)
        expect(reader.page.locator(PLACE)).to_have_text(f"Version {__version__}" + (f" ({commit})" if commit else ""))


def test_without_scripts_the_version_is_there(new_context, server):
    page = new_context(java_script_enabled=False).new_page()
    page.goto(server.url)
    expect(page.locator(PLACE)).to_have_text(f"Version {__version__}")
