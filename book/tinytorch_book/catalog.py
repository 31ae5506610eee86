"""What `tinytorch.learn` and the progress page know of the chapters, as JSON.

`tinytorch/learn/chapters/01_tensor.json` holds everything of a chapter but starters and solutions:
those `tinytorch.learn` derives from the library's source, where they live.
"""

import json
from pathlib import Path

from tinytorch.learn.catalog import Chapter

from .plan import read_chapters, read_milestones

FORMAT = 1


def chapter_record(chapter):
    """The JSON of one chapter, as `tinytorch.learn` reads it."""
    return {
        "format": FORMAT,
        "id": chapter.id,
        **{
            key: chapter.meta[key]
            for key in (
                "number",
                "name",
                "title",
                "tier",
                "summary",
                "requires",
                "unlocks",
                "minutes",
                "textbook",
                "competencies",
            )
        },
        "exercises": [exercise.to_dict() for exercise in chapter.exercises],
        "questions": [question_record(question) for question in chapter.questions],
        "labs": [{"id": lab.id, "name": lab.name, "code": lab.code} for lab in chapter.labs],
        **({"programs": [program.to_dict() for program in chapter.programs]} if chapter.is_milestone else {}),
    }


def question_record(question):
    return {"id": question.id, "name": question.name, "kind": question.kind, "text": question.text, **question.data}


def site_record(plan, version, milestones=()):
    """`catalog.json` of the site: the written chapters and milestones with pages and anchors, and the names of those to come."""
    return {
        "version": version,
        "chapters": [_site(entry["chapter"]) for entry in plan if entry["chapter"]],
        "planned": [_facts(entry) for entry in plan if not entry["chapter"]],
        "milestones": [_site(milestone) for milestone in milestones],
    }


def _site(chapter):
    return Chapter.from_dict(chapter_record(chapter)).site()


def _facts(entry):
    return {"id": f"{entry['number']:02d}", **{key: entry[key] for key in Chapter.FACTS if key != "id"}}


def write_catalog(root, output):
    """Write one file a chapter, leave files that would not change alone, and remove those without a chapter."""
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    wanted = {f"{chapter.stem}.json": chapter_record(chapter) for chapter in read_chapters(Path(root))}
    wanted |= {f"milestone_{each.stem}.json": chapter_record(each) for each in read_milestones(Path(root))}
    for old in [*output.glob("[0-9][0-9]_*.json"), *output.glob("milestone_*.json")]:
        if old.name not in wanted:
            old.unlink()
    for name, record in wanted.items():
        write_if_changed(output / name, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    return sorted(wanted)


def copy_licences(root):
    """Put the licences of code and chapters into the package: a reader's own framework has a copy of it and of them."""
    names = ["LICENSE", "LICENSE-chapters.txt"]
    for name in names:
        write_if_changed(Path(root, "tinytorch", name), Path(root, name).read_text(encoding="utf-8"))
    return names


def write_if_changed(path, text):
    """Write a text file, but leave it and its date alone when it already says this. True when it was written."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
