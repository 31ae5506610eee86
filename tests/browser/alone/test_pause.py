"""A page that has much to show still answers."""

from tinytorch import learn

FIRST = "01.memory_footprint"
TICK = """() => { window.longest = 0; let last = performance.now();
  window.ticker = setInterval(() => { const now = performance.now(); window.longest = Math.max(window.longest, now - last); last = now; }, 20); }"""


def test_ten_million_lines_are_cut_and_the_page_stays_responsive(reader):
    page, card = reader.page, reader.exercise(FIRST)
    page.evaluate(TICK)
    assert card.run(learn.exercise(FIRST).solution + "\nfor i in range(10_000_000):\n    print(i)\n") == "idle"
    assert "cut" in card.output.inner_text()
    assert page.evaluate("window.longest") < 1000  # milliseconds without a reaction
    assert page.evaluate("document.documentElement.outerHTML.length") < 3_000_000
