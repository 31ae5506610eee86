"""The directives of a chapter. What they hold was read by chapter.py; here it becomes HTML.

The exercise's markup is the contract with the in-page runtime (book/runtime) and with the tests: `data-exercise`,
`data-state`, `data-role`. Without JavaScript everything can be read: hints, checks, answers are folded, not hidden.
"""

from typing import ClassVar

from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from .chapter import exercise_name
from .connection import connections
from .fences import ChapterError, split_options
from .html import attributes, code, data_script, escape, fragment, inline, without_mistakes
from .library import derive
from .nodes import element, raw
from .plan import by_tier


class ChapterDirective(SphinxDirective):
    """A directive whose content `read_chapter` has already understood; it is found again by name."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    @property
    def chapter(self):
        chapter = self.env.app.tinytorch.chapter_of(self.env.docname)
        if chapter is None:
            raise ExtensionError(
                f"{self.env.docname}: {{{self.name}}} can only stand in a chapter, a file modules/NN_name.md."
            )
        return chapter

    def parsed(self, text, line):
        """The nodes of a piece of Markdown that begins at `line` of the file."""
        box = element("div")
        lines = text.splitlines()
        self.state.nested_parse(
            StringList(lines, items=[(str(self.chapter.path), line - 1 + i) for i in range(len(lines))]),
            self.content_offset,
            box,
        )
        return box.children

    def register(self, node, anchor, label, title):
        """Make `[](#label)` and `[](#anchor)` find the element."""
        self.state.document.note_explicit_target(node, node)
        domain = self.env.get_domain("std")
        domain.labels[label] = (self.env.docname, anchor, title)
        domain.anonlabels[label] = (self.env.docname, anchor)


class ExerciseDirective(ChapterDirective):
    def run(self):
        options, _, _ = split_options("\n".join(self.content) + "\n", self.chapter.path, self.lineno)
        name = exercise_name(self.arguments[0], options)
        exercise = next(e for e in self.chapter.exercises if e.name == name)
        try:
            derived = derive(exercise, f"{self.env.docname}.md")
        except ChapterError as error:
            raise ExtensionError(str(error)) from error
        anchor = f"ex-{name}"
        section = element(
            "section",
            [
                raw(_head(exercise, derived, anchor)),
                element("div", self.parsed(exercise.task, exercise.task_line), class_="tt-task"),
                raw(
                    f'<div class="tt-editor" data-role="editor">{code(derived.starter)}</div>\n'
                    '<div class="tt-buttons" data-role="buttons"></div>\n<div class="tt-output" data-role="output"></div>\n'
                ),
                raw(_hints(exercise) + _checks(exercise) + data_script(derived.page())),
            ],
            class_="tt-exercise",
            id=anchor,
            data_exercise=exercise.id,
            data_state="idle",
            data_tier=self.chapter.meta["tier"],
            aria_labelledby=f"{anchor}-title",
        )
        self.register(section, anchor, exercise.id, exercise.title)
        return [section]


def _head(exercise, derived, anchor):
    return (
        f'<header class="tt-head"><p class="tt-title" id="{anchor}-title" role="heading" aria-level="3">'
        f'<span class="tt-number">{exercise.number}</span> {inline(exercise.title, exercise.id)}</p>'
        f'<p class="tt-place"><code>{escape(derived.place)}</code></p>'
        f'<span class="tt-minutes">{exercise.minutes} min</span><span class="tt-state" data-role="state"></span>'
        f'<a class="tt-link" href="#{anchor}" aria-label="Link to this exercise">#</a></header>\n'
    )


def _hints(exercise):
    folded = "".join(
        f"<details><summary>Hint {i}</summary>{fragment(hint, f'hint {i} of {exercise.id}')}</details>"
        for i, hint in enumerate(exercise.hints, 1)
    )
    return f'<div class="tt-hints" data-role="hints">{folded}</div>\n'


def _checks(exercise):
    rows = "".join(
        f"<li><p>{inline(check.title, exercise.id)}</p>{code(without_mistakes(check.code))}</li>"
        for check in exercise.checks
    )
    count = len(exercise.checks)
    return (
        f'<details class="tt-checks"><summary>{count} check{"s" if count > 1 else ""}</summary>'
        f"<ol>{rows}</ol></details>\n"
    )


ASK = {"choice": "Choose one", "number": "Work it out", "open": "In your own words"}
BUTTON = {"choice": "Check answer", "number": "Check answer", "open": "Compare with a model answer"}


class QuestionDirective(ChapterDirective):
    def run(self):
        name = self.arguments[0]
        question = next(q for q in self.chapter.questions if q.name == name)
        title = f"Question {self.chapter.questions.index(question) + 1}"
        anchor = f"q-{name}"
        fields = element(
            "fieldset",
            [
                raw(f'<legend>{title} <span class="tt-kind">{ASK[question.kind]}</span></legend>'),
                element("div", self.parsed(question.text, question.text_line), class_="tt-text", id=f"{anchor}-text"),
                raw(_fields(question)),
            ],
            aria_describedby=f"{anchor}-text",
        )
        button = f'<button type="submit" class="tt-button tt-button--primary">{BUTTON[question.kind]}</button>'
        form = element("form", [fields, raw(f'<div class="tt-buttons">{button}</div>')], action=f"#{anchor}")
        section = element(
            "section",
            [form, raw('<div class="tt-output" data-role="output"></div>\n' + _answer(question))],
            class_="tt-question",
            id=anchor,
            data_question=question.id,
            data_kind=question.kind,
            data_tier=self.chapter.meta["tier"],
            aria_label=title,
        )
        self.register(section, anchor, question.id, title)
        return [section]


def _fields(question):
    """The inputs of a question's form."""
    if question.kind == "choice":
        return "".join(
            f'<label class="tt-choice"><input type="radio" name="{escape(question.id)}" value="{i}"> '
            f"<span>{inline(choice['text'], question.id)}</span></label>"
            for i, choice in enumerate(question.data["choices"])
        )
    if question.kind == "number":
        unit = f' <span class="tt-unit">{escape(question.data["unit"])}</span>' if question.data["unit"] else ""
        return (
            f'<label class="tt-number-answer">Your answer <input type="text" inputmode="decimal" autocomplete="off" '
            f'name="{escape(question.id)}">{unit}</label>'
        )
    return (
        f'<label class="tt-open-answer">Your answer <textarea rows="5" name="{escape(question.id)}"></textarea></label>'
    )


def _answer(question):
    """The folded answer, and the same for the page's script."""
    summary, shown, data = {"choice": _choice_answer, "number": _number_answer, "open": _open_answer}[question.kind](
        question
    )
    return (
        f'<details class="tt-explanation" data-role="explanation"><summary>{summary}</summary>{shown}</details>\n'
        + data_script({"id": question.id, "kind": question.kind, **data})
    )


def _choice_answer(question):
    choices = question.data["choices"]
    whys = [fragment(choice["why"], question.id) for choice in choices]
    right = next(i for i, choice in enumerate(choices) if choice["right"])
    explanation = fragment(question.data["explanation"], question.id)
    rows = "".join(
        f"<li{attributes(class_='tt-right' if i == right else None)}><p>{inline(choice['text'], question.id)}</p>{why}</li>"
        for i, (choice, why) in enumerate(zip(choices, whys, strict=True))
    )
    shown = f'<p>The right one: {right + 1}.</p><ol class="tt-whys">{rows}</ol>{explanation}'
    return "Answer and reasons", shown, {"answer": right, "whys": whys, "explanation": explanation}


def _number_answer(question):
    explanation = fragment(question.data["explanation"], question.id)
    mistakes = [{"value": m["value"], "why": fragment(str(m["why"]), question.id)} for m in question.data["mistakes"]]
    data = {key: question.data[key] for key in ("answer", "unit", "tolerance")}
    shown = f"<p><strong>{data['answer']:g} {escape(data['unit'])}</strong></p>{explanation}"
    return "Answer and calculation", shown, {**data, "mistakes": mistakes, "explanation": explanation}


def _open_answer(question):
    shown = fragment(question.data["model_answer"], question.id)
    return "Model answer", shown, {"explanation": shown}


class ConnectionMapDirective(ChapterDirective):
    required_arguments = 0

    def run(self):
        requires, unlocks = connections(self.chapter, self.env.app.tinytorch.plan)
        kind = "milestone" if self.chapter.is_milestone else "chapter"
        this = {
            "number": self.chapter.meta["number"],
            "title": self.chapter.meta["title"],
            "label": number_of(self.chapter),
            "tier": self.chapter.meta["tier"],
            "chapter": None,
            "this": True,
        }
        groups = [("Requires", requires), (f"This {kind}", [this]), ("Unlocks", unlocks)]
        columns = "".join(
            _column(label, entries, self.env.app.tinytorch.root_of(self.env.docname)) for label, entries in groups
        )
        return [
            raw(f'<div class="tt-map" role="group" aria-label="How this {kind} connects to others">{columns}</div>\n')
        ]


def _column(label, entries, root):
    rows = "".join(f"<li{attributes(data_tier=entry['tier'])}>{chapter_link(entry, root)}</li>" for entry in entries)
    if not entries:
        rows = '<li class="tt-map-none">nothing</li>'
    kind = "this" if label.startswith("This ") else label.lower()
    return f'<div class="tt-map-{kind}"><p class="tt-map-label">{label}</p><ul>{rows}</ul></div>'


def chapter_link(entry, root):
    """A chapter's number and title; a link when it is written."""
    text = f'<span class="tt-number">{entry.get("label") or format(entry["number"], "02d")} </span>{escape(entry["title"])}'
    if entry["chapter"] is None:
        return f"<span{attributes(class_=None if entry.get('this') else 'tt-coming')}>{text}</span>"
    return f'<a href="{root}modules/{entry["chapter"].stem}.html">{text}</a>'


def number_of(chapter):
    """A chapter's number as readers see it: 01, and M1 for a milestone."""
    return f"M{chapter.meta['number']}" if chapter.is_milestone else f"{chapter.meta['number']:02d}"


class ChapterListDirective(SphinxDirective):
    """`{chapter-list}`: every chapter by tier, for the home page."""

    def run(self):
        book = self.env.app.tinytorch
        root = book.root_of(self.env.docname)
        tiers = "".join(_tier(tier, title, entries, root) for tier, title, entries in by_tier(book.plan))
        return [raw(f'<div class="tt-course">{tiers}</div>\n')]


def _tier(tier, title, entries, root):
    first, last = entries[0]["number"], entries[-1]["number"]
    span = f"{first:02d}" if first == last else f"{first:02d}–{last:02d}"
    rows = "".join(
        f'<li>{chapter_link(entry, root)} <span class="tt-summary">{escape(entry["summary"])}</span></li>'
        for entry in entries
    )
    return (
        f'<section class="tt-tier" data-tier="{tier}" aria-labelledby="tier-{tier}">'
        f'<h3 id="tier-{tier}">{title} <span class="tt-span">{span}</span></h3><ol>{rows}</ol></section>'
    )


class ProgressDirective(SphinxDirective):
    """`{progress}`: the place that the page's script fills."""

    def run(self):
        return [
            raw(
                '<div id="tt-progress"><noscript><p>This page shows what this browser has kept. That needs JavaScript, '
                "which is off here; the chapters can be read without it.</p></noscript></div>\n"
            )
        ]


class BoxDirective(ChapterDirective):
    """A box on a milestone's page in which the reader shows something of their own to the network of a program."""

    kind, title, words = "", "", ""

    @property
    def program(self):
        found = next((p for p in self.chapter.programs if p.name == self.arguments[0]), None)
        if found is None:
            names = ", ".join(p.name for p in self.chapter.programs)
            raise ExtensionError(
                f"{self.env.docname}: {{{self.name}}} names the program {self.arguments[0]!r}; this page has {names}."
            )
        return found

    def run(self):
        looks = " ".join(dict.fromkeys(["tt-exercise", "tt-pad", f"tt-{self.kind}"]))
        box = {f"data_{self.kind}": self.program.id, "data_tier": self.chapter.meta["tier"]}
        return [
            raw(
                f'<section class="{looks}" id="{self.name}" aria-labelledby="{self.name}-title"'
                f"{attributes(**box)}>"
                f'<header class="tt-head"><p class="tt-title" id="{self.name}-title" role="heading" aria-level="3">{self.title}</p></header>\n'
                f'<div class="tt-pad-room" data-role="{self.kind}"><p class="tt-note">{self.words} needs JavaScript, which is off here.</p></div>'
                "</section>\n"
            )
        ]


class TokenBoxDirective(ChapterDirective):
    """`{token-box} lab-playground`: a box to type text in, whose tokens the tokenizer of that measurement names."""

    def run(self):
        lab = next((lab for lab in self.chapter.labs if lab.name == self.arguments[0]), None)
        if lab is None:
            names = ", ".join(lab.name for lab in self.chapter.labs)
            raise ExtensionError(
                f"{self.env.docname}: {{token-box}} names the measurement {self.arguments[0]!r}; this page has {names}."
            )
        return [
            raw(
                '<section class="tt-exercise tt-tokens" id="token-box" aria-labelledby="token-box-title"'
                f"{attributes(data_token_box=lab.id, data_tier=self.chapter.meta['tier'])}>"
                '<header class="tt-head"><p class="tt-title" id="token-box-title" role="heading" aria-level="3">See your tokens</p></header>\n'
                '<div class="tt-tokens-room" data-role="tokens"><p class="tt-note">The box to type in needs JavaScript, which is off here.</p></div>'
                "</section>\n"
            )
        ]


class DigitPadDirective(BoxDirective):
    """`{digit-pad} mnist`: a box to draw a digit in, which the network of that program names."""

    kind, title, words = "pad", "Draw a digit", "The box to draw in"


class PictureBoxDirective(BoxDirective):
    """`{picture-box} cifar`: a box for a picture from the reader's disk, which the network of that program names."""

    kind, title, words = "photo", "Show it a picture", "The box for a picture"


class GoalDirective(ChapterDirective):
    """A goal is shown in the card of its program, which transforms.py makes; a broken function is for the tests alone."""

    def run(self):
        return []


class MilestoneListDirective(SphinxDirective):
    """`{milestone-list}`: the written milestones, for the home page."""

    def run(self):
        book = self.env.app.tinytorch
        root = book.root_of(self.env.docname)
        rows = "".join(
            f'<li><a href="{root}{m.page}.html"><span class="tt-number">M{m.meta["number"]} </span>{escape(m.meta["title"])}</a> '
            f'<span class="tt-summary">{escape(m.meta["summary"])}</span></li>'
            for m in book.milestones
        )
        return [
            raw(
                f'<div class="tt-course"><section class="tt-tier" data-tier="foundation"><ol>{rows}</ol></section></div>\n'
            )
        ]


class PromptBoxDirective(BoxDirective):
    """`{prompt-box} talks`: a box to type in, which the network of that program continues.

    `:title:` heads it, `:label:` stands before the field, `:example:` is in the field at first.
    """

    option_spec: ClassVar = {
        "title": directives.unchanged_required,
        "label": directives.unchanged_required,
        "example": directives.unchanged_required,
    }

    def run(self):
        program, title = self.program, self.options.get("title", "Type to your network")
        id = f"prompt-box-{program.name}"
        said = attributes(
            data_prompt=program.id,
            data_tier=self.chapter.meta["tier"],
            data_label=self.options.get("label", "Your prompt"),
            data_example=self.options.get("example", ""),
        )
        return [
            raw(
                f'<section class="tt-exercise tt-pad" id="{id}" aria-labelledby="{id}-title"{said}>'
                f'<header class="tt-head"><p class="tt-title" id="{id}-title" role="heading" aria-level="3">{escape(title)}</p></header>\n'
                '<div class="tt-pad-room tt-prompt-room" data-role="prompt"><p class="tt-note">The box to type in needs JavaScript, which is off here.</p></div>'
                "</section>\n"
            )
        ]


DIRECTIVES = {
    "exercise": ExerciseDirective,
    "goal": GoalDirective,
    "broken": GoalDirective,
    "digit-pad": DigitPadDirective,
    "token-box": TokenBoxDirective,
    "picture-box": PictureBoxDirective,
    "milestone-list": MilestoneListDirective,
    "prompt-box": PromptBoxDirective,
    "choice": QuestionDirective,
    "number": QuestionDirective,
    "open": QuestionDirective,
    "connection-map": ConnectionMapDirective,
    "chapter-list": ChapterListDirective,
    "progress": ProgressDirective,
}


def setup(app):
    for name, directive in DIRECTIVES.items():
        app.add_directive(name, directive)
