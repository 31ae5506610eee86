"""Milestones in the book: what the parser accepts, what the catalog, the page and the notebook hold."""

import json

import pytest

from tinytorch_book.catalog import chapter_record, site_record, write_catalog
from tinytorch_book.chapter import ChapterError, read_chapter
from tinytorch_book.connection import connection_text
from tinytorch_book.notebooks import chapter_notebook, notebook_name, write_notebooks

FRONT = """---
tinytorch:
  number: 1
  name: first
  title: The first
  tier: foundation
  summary: One sentence.
  requires: [1, 2]
  unlocks: [6]
  introduces: []
  minutes: 10
  textbook: []
  competencies:
    - {area: Learning, verb: builds, text: "Runs it", shown_by: [count]}
---

# The first

Words.

"""
PROGRAM = """```{code-cell} ipython3
:tags: [milestone, milestone-count]
:title: Count to three
total = 3
```

"""
GOAL = """```{goal} Three are counted
expect(total, 3)
```
"""
SHORTER = PROGRAM.replace(":title: Count to three\n", ":title: Count to three\n:shorter: total = 2\n")
BROKEN = """
```{broken} 01.sum
def sum(self):
    return 0
```
"""


def read(tmp_path, text, folder="milestones"):
    path = tmp_path / folder / "01_first.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_chapter(path, f"{folder}/01_first.md")


def test_a_milestone_has_programs_with_goals(tmp_path):
    milestone = read(tmp_path, FRONT + PROGRAM + GOAL + BROKEN)
    assert milestone.is_milestone and milestone.id == "m1" and milestone.page == "milestones/01_first"
    (program,) = milestone.programs
    assert (program.id, program.title, program.code) == ("m1.count", "Count to three", "total = 3\n")
    assert [goal.title for goal in program.goals] == ["Three are counted"]
    assert (program.broken.exercise, program.broken.code) == ("01.sum", "def sum(self):\n    return 0\n")


@pytest.mark.parametrize(
    "body, words",
    [
        (PROGRAM, "the program count has no {goal}"),
        ("nothing\n", "a competency is shown by 'count'|has at least one program"),
        (GOAL + PROGRAM + GOAL, "{goal} stands directly below the program"),
        (PROGRAM.replace(":title: Count to three\n", "") + GOAL, "the program count has no `:title:`"),
        (PROGRAM.replace(", milestone-count", "") + GOAL, "carries its name as a second tag"),
        (PROGRAM + GOAL.replace("expect(total, 3)", "total"), "never calls expect"),
        (PROGRAM + GOAL, "has no {broken}: a wrong version of a function"),
        (BROKEN + PROGRAM + GOAL, "{broken} stands once, below the program"),
        (PROGRAM + GOAL + BROKEN + BROKEN, "{broken} stands once, below the program"),
        (PROGRAM + GOAL + BROKEN.replace(" 01.sum", ""), "{broken} names an exercise"),
        (PROGRAM + GOAL + BROKEN.replace("(self):", "(self:"), "this Python cannot be read"),
        (SHORTER.replace("total = 2", "totals = 2"), "`:shorter:` sets totals, which the program does not set"),
        (SHORTER.replace("total = 2", "print(2)"), "`:shorter:` sets no name; write assignments"),
        (SHORTER.replace("total = 2", "total ="), "`:shorter:` is no Python"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, body, words):
    with pytest.raises(ChapterError, match=words):
        read(tmp_path, FRONT + body)


def test_a_program_that_takes_minutes_has_a_shorter_form(tmp_path):
    (program,) = read(tmp_path, FRONT + SHORTER + GOAL + BROKEN).programs
    assert program.shorter == program.to_dict()["shorter"] == "total = 2"


def test_a_chapter_holds_no_programs(tmp_path):
    text = FRONT.replace("requires: [1, 2]", "requires: []") + PROGRAM + GOAL
    with pytest.raises(ChapterError, match="can only stand in a milestone"):
        read(tmp_path, text, "modules")


def test_the_catalog_keeps_milestones_apart(tmp_path):
    milestone = read(tmp_path, FRONT + PROGRAM + GOAL + BROKEN)
    record = chapter_record(milestone)
    assert record["id"] == "m1" and record["exercises"] == []
    assert record["programs"][0]["goals"] == [{"title": "Three are counted", "code": "expect(total, 3)\n"}]
    (entry,) = site_record([], "v", [milestone])["milestones"]
    assert entry["page"] == "milestones/01_first.html" and entry["programs"] == [
        {"id": "m1.count", "title": "Count to three", "anchor": "count"}
    ]


def test_files_of_milestones_that_are_gone_are_removed(tmp_path):
    read(tmp_path, FRONT + PROGRAM + GOAL + BROKEN)
    out = tmp_path / "out"
    out.mkdir()
    (out / "milestone_02_old.json").write_text("{}")
    assert write_catalog(tmp_path, out) == ["milestone_01_first.json"]
    assert [path.name for path in out.iterdir()] == ["milestone_01_first.json"]


def test_the_notebook_runs_the_program_by_its_magic(tmp_path):
    milestone = read(tmp_path, FRONT + PROGRAM + GOAL + BROKEN)
    cells = chapter_notebook(milestone, [], None)["cells"]
    program = next(cell for cell in cells if cell["id"] == "count")
    assert not any("def sum" in cell["source"] for cell in cells), "a broken function is for the tests alone"
    assert program["source"] == "%%milestone m1.count\ntotal = 3"
    assert "- Three are counted" in next(cell for cell in cells if cell["id"] == "count-goals")["source"]
    assert "This is milestone 1" in cells[1]["source"]
    assert notebook_name(milestone) == "milestone_01_first.ipynb"
    assert write_notebooks(tmp_path, tmp_path / "out") == ["milestone_01_first.ipynb"]
    json.loads((tmp_path / "out" / "milestone_01_first.ipynb").read_text())


@pytest.mark.parametrize(
    "kind, words",
    [
        ("digit-pad", "a box to draw a digit in stands here"),
        ("picture-box", "a box for a picture from your disk stands here"),
    ],
)
def test_a_box_of_the_page_becomes_a_sentence_in_the_notebook(tmp_path, kind, words):
    milestone = read(tmp_path, FRONT + PROGRAM + GOAL + BROKEN + f"\n```{{{kind}}} count\n```\n")
    texts = [cell["source"] for cell in chapter_notebook(milestone, [], None)["cells"]]
    assert any(words in text for text in texts)


def test_a_box_to_type_in_becomes_a_sentence_in_the_notebook(tmp_path):
    milestone = read(tmp_path, FRONT + PROGRAM + GOAL + BROKEN + "\n```{prompt-box} count\n:title: Ask\n```\n")
    texts = [cell["source"] for cell in chapter_notebook(milestone, [], None)["cells"]]
    assert any("in which you type to the network" in text for text in texts)


def test_the_map_in_text_tells_a_milestone_from_a_chapter(tmp_path):
    text = connection_text(read(tmp_path, FRONT + PROGRAM + GOAL + BROKEN), [])
    assert "this        M1 The first" in text and "requires    01 chapter 1" in text


def test_the_page_holds_the_card_with_program_goals_and_printed_output(sample_book):
    page = (sample_book / "milestones" / "01_first.html").read_text(encoding="utf-8")
    assert 'data-program="m1.count"' in page and "M1.1" in page and "Milestone 1" in page
    card = page[page.index('data-program="m1.count"') :]
    card = card[: card.index("</section>")]
    assert "<li>Three are counted</li>" in card and "counted 3" in card
    assert 'alt="total 3"' in card and 'alt="total 0"' not in card, (
        "the last state of the picture is the one that stays"
    )
    assert '"id": "m1.count"' in card and "expect(total, 3)" not in card
    assert "def memory_footprint" not in page
    assert "M1 </span>The first machine" in page and "This milestone" in page
    assert "This milestone" in page and 'aria-label="How this milestone connects to others"' in page


def test_home_contents_and_catalog_list_the_milestone(sample_book):
    home = (sample_book / "index.html").read_text(encoding="utf-8")
    assert home.count('href="milestones/01_first.html"') >= 2
    catalog = json.loads((sample_book / "_static" / "tinytorch" / "catalog.json").read_text())
    assert [milestone["id"] for milestone in catalog["milestones"]] == ["m1"]
