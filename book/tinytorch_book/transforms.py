"""Changes to a chapter's doctree: labs and programs get their editor's frame, the title gets the line about the chapter."""

from docutils import nodes

from .html import code, data_script, escape, inline
from .nodes import element, raw
from .notebooks import notebook_name


def labs(app, doctree):
    """Turn each executed cell tagged `lab` into the frame that the page's script brings to life."""
    chapter = app.tinytorch.chapter_of(app.env.docname)
    if chapter is None:
        return
    by_tag = {f"tag_{lab.name}": lab for lab in chapter.labs}
    for cell in list(doctree.findall(nodes.container)):
        found = [by_tag[name] for name in cell["classes"] if name in by_tag]
        if found and cell.get("nb_element") == "cell_code":
            cell.replace_self(_lab(found[0], cell, chapter))


def _lab(lab, cell, chapter):
    number = chapter.labs.index(lab) + 1
    outputs = [child for child in cell.children if child.get("nb_element") == "cell_code_output"]
    return element(
        "section",
        [
            raw(
                f'<header class="tt-head"><p class="tt-title">Measurement {number}</p><span class="tt-state" data-role="state"></span>'
                f'<a class="tt-link" href="#{lab.name}" aria-label="Link to this measurement">#</a></header>\n'
                f'<div class="tt-editor" data-role="editor">{code(lab.code)}</div>\n<div class="tt-buttons" data-role="buttons"></div>\n'
            ),
            element("div", outputs, class_="tt-output", data_role="output"),
            raw(data_script({"id": lab.id, "starter": lab.code})),
        ],
        class_="tt-lab",
        id=lab.name,
        data_lab=lab.id,
        data_state="idle",
        data_tier=chapter.meta["tier"],
        aria_label=f"Measurement {number}",
    )


def programs(app, doctree):
    """Turn each executed cell tagged `milestone` into its card: the program, the goals, the printed output."""
    chapter = app.tinytorch.chapter_of(app.env.docname)
    if chapter is None or not chapter.is_milestone:
        return
    by_tag = {f"tag_milestone-{program.name}": program for program in chapter.programs}
    for cell in list(doctree.findall(nodes.container)):
        found = [by_tag[name] for name in cell["classes"] if name in by_tag]
        if found and cell.get("nb_element") == "cell_code":
            cell.replace_self(_program(found[0], cell, chapter))


def _program(program, cell, chapter):
    number = f"M{chapter.meta['number']}.{chapter.programs.index(program) + 1}"
    outputs = [child for child in cell.children if child.get("nb_element") == "cell_code_output"]
    goals = "".join(f"<li>{inline(goal.title, program.id)}</li>" for goal in program.goals)
    return element(
        "section",
        [
            raw(
                f'<header class="tt-head"><p class="tt-title" id="{program.name}-title" role="heading" aria-level="3"><span class="tt-number">{number}</span> '
                f'{inline(program.title, program.id)}</p><span class="tt-state" data-role="state"></span>'
                f'<a class="tt-link" href="#{program.name}" aria-label="Link to this program">#</a></header>\n'
                f'<div class="tt-goals"><p>Reached when</p><ul>{goals}</ul></div>\n'
                f'<div class="tt-editor" data-role="editor">{code(program.code)}</div>\n<div class="tt-buttons" data-role="buttons"></div>\n'
            ),
            element("div", outputs, class_="tt-output", data_role="output"),
            raw(data_script({"id": program.id, "starter": program.code, "title": program.title})),
        ],
        class_="tt-exercise tt-program",
        id=program.name,
        data_program=program.id,
        data_shorter=program.shorter or None,
        data_state="idle",
        data_tier=chapter.meta["tier"],
        aria_labelledby=f"{program.name}-title",
    )


def chapter_head(app, doctree):
    """After a chapter's title: its length, its exercises, its readings, and the ways to its notebook."""
    chapter = app.tinytorch.chapter_of(app.env.docname)
    section = next(iter(doctree.findall(nodes.section)), None)
    if chapter is None or section is None:
        return
    section.insert(1, raw(_head(chapter, app.tinytorch.root_of(app.env.docname))))


def _head(chapter, root):
    count = len(chapter.exercises)
    facts = [f"{chapter.meta['minutes']} minutes", f"{count} exercise{'' if count == 1 else 's'}"]
    if chapter.is_milestone:
        facts[1] = f"{len(chapter.programs)} programs, run on your own code"
    readings = "".join(f"<li>{escape(reading)}</li>" for reading in chapter.meta["textbook"])
    reading = f'<div class="tt-reading"><p>Goes with</p><ul>{readings}</ul></div>' if readings else ""
    return (
        f'<div class="tt-chapter-head"><p class="tt-lead">{escape(chapter.meta["summary"])}</p>'
        f'<p class="tt-facts">{" · ".join(facts)}</p>{reading}'
        f'<p class="tt-doors"><a href="{root}lite/notebooks/index.html?path={notebook_name(chapter)}">Open as notebook</a>'
        f'<a href="{root}notebooks/{notebook_name(chapter)}" download>Download the notebook</a></p>'
        f'<div class="tt-boot" data-role="boot"></div></div>\n'
    )
