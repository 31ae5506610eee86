"""The connection map: what a chapter needs, and what it opens, as a diagram in text and as lists."""


def connections(chapter, plan):
    """(entries it requires, entries it unlocks), each with number, title and where its chapter is."""
    by_number = {entry["number"]: entry for entry in plan}

    def entries(key):
        return [
            by_number.get(
                number, {"number": number, "title": f"chapter {number}", "tier": chapter.meta["tier"], "chapter": None}
            )
            for number in chapter.meta[key]
        ]

    return entries("requires"), entries("unlocks")


def connection_text(chapter, plan):
    """The map in plain text:

    requires    nothing
    this        01 Tensor
    unlocks     02 Activations
                03 Layers
    """
    requires, unlocks = connections(chapter, plan)
    this = [{"number": chapter.meta["number"], "title": chapter.meta["title"], "milestone": chapter.is_milestone}]
    lines = []
    for label, entries in (("requires", requires), ("this", this), ("unlocks", unlocks)):
        names = [
            f"M{e['number']} {e['title']}" if e.get("milestone") else f"{e['number']:02d} {e['title']}" for e in entries
        ]
        names = names or ["nothing"]
        lines += [f"{label if i == 0 else '':<12}{name}" for i, name in enumerate(names)]
    return "\n".join(lines)
