"""What the `tinytorch:` block of a chapter's front matter must hold."""

from .fences import ChapterError

TIERS = ("foundation", "architecture", "optimization", "capstone")
VERBS = ("builds", "measures", "explains", "optimizes", "debugs")

_TYPES = {
    "number": (int, "a whole number"),
    "name": (str, "the file's name without number, such as tensor"),
    "title": (str, "a title"),
    "tier": (str, "one of " + ", ".join(TIERS)),
    "summary": (str, "one sentence"),
    "requires": (list, "a list of chapter numbers, [] for none"),
    "unlocks": (list, "a list of chapter numbers, [] for none"),
    "introduces": (list, "the words that no earlier chapter's hint, check or message may use, [] for none"),
    "minutes": (int, "a whole number of minutes"),
    "textbook": (list, "a list of readings, [] for none"),
    "competencies": (list, "a list of area, verb, text, shown_by"),
}


def check_meta(meta, path, text, name):
    """Raise a ChapterError unless every key is there, of its type, and agrees with the file's name."""

    def fail(key, sentence):
        raise ChapterError(name, line_of(text, key), sentence)

    for key in meta:
        if key not in _TYPES:
            fail(key, f"the front matter has a key `{key}` that nothing reads; it knows {', '.join(_TYPES)}.")
    for key, (kind, meaning) in _TYPES.items():
        if key not in meta:
            fail("tinytorch", f"the front matter has no `{key}`: {meaning}.")
        if not isinstance(meta[key], kind) or isinstance(meta[key], bool):
            fail(key, f"`{key}` is {meta[key]!r}; it must be {meaning}.")
    if meta["tier"] not in TIERS:
        fail("tier", f"the tier is {meta['tier']!r}; it must be one of {', '.join(TIERS)}.")
    if path.stem != f"{meta['number']:02d}_{meta['name']}":
        fail(
            "number",
            f"number {meta['number']} and name {meta['name']!r} need the file name "
            f"{meta['number']:02d}_{meta['name']}.md; the file is {path.name}.",
        )
    for word in meta["introduces"]:
        if not isinstance(word, str):
            fail(
                "introduces",
                f"`introduces` holds {word!r}; it is a list of words. Put quotation marks around one that YAML reads otherwise.",
            )
    _check_links(meta, fail, path.parent.name == "milestones")
    for competency in meta["competencies"]:
        _check_competency(competency, fail)


def _check_links(meta, fail, milestone):
    """Both kinds name chapters; a milestone is numbered by itself, so only a chapter's own number can be compared."""
    for key in ("requires", "unlocks"):
        for number in meta[key]:
            if not isinstance(number, int):
                fail(key, f"`{key}` holds {number!r}; chapters are given by number.")
    if milestone:
        return
    if any(number >= meta["number"] for number in meta["requires"]):
        fail("requires", f"chapter {meta['number']} requires {meta['requires']}; a chapter can only need earlier ones.")
    if any(number <= meta["number"] for number in meta["unlocks"]):
        fail("unlocks", f"chapter {meta['number']} unlocks {meta['unlocks']}; a chapter can only open later ones.")


def _check_competency(competency, fail):
    needed = {"area", "verb", "text", "shown_by"}
    if not isinstance(competency, dict) or set(competency) != needed:
        fail("competencies", f"a competency has exactly area, verb, text and shown_by; this one is {competency!r}.")
    if competency["verb"] not in VERBS:
        fail("competencies", f"the verb {competency['verb']!r} of a competency must be one of {', '.join(VERBS)}.")
    if not isinstance(competency["shown_by"], list) or not competency["shown_by"]:
        fail(
            "competencies", f"the competency {competency['text']!r} needs `shown_by`, a list of exercises or questions."
        )


def line_of(text, key):
    """The number of the line that sets this key, 1 when there is none."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith(f"{key}:"):
            return number
    return 1
