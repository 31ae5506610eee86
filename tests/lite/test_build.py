"""What lite/build.py mends in JupyterLite: the page and the kernel's worker wait for a whole answer."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import build

ROOT = Path(__file__).resolve().parents[2]
RACE = ROOT / "tests" / "lite" / "coincident_race.mjs"


def page_file(folder: Path) -> Path:
    [found] = [path for path in folder.glob("[0-9]*.js") if build.COINCIDENT in path.read_text()]
    return found


def published() -> Path:
    return page_file(Path(sys.prefix) / "share" / "jupyter" / f"lab{build.KERNEL}")


def wrong_answers(file: Path, times: int) -> int:
    command = [str(ROOT / ".venv" / "bin" / "node"), str(RACE), str(file), str(times)]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=120)
    return int(done.stdout)


def test_no_answer_is_lost_or_cut_short_when_one_side_is_late():
    assert wrong_answers(page_file(ROOT / "build" / "lite" / build.KERNEL), 300) == 0


def test_the_published_code_loses_and_cuts_answers(tmp_path):
    """Else the test above could not fail."""
    code = published().read_text()
    with pytest.raises(subprocess.CalledProcessError) as lost:
        wrong_answers(published(), 300)
    assert ".then is not a function" in lost.value.stderr  # "not-equal" is no promise
    [late] = [mend for mend in build.MENDS if "Promise" in mend[1]]
    half = tmp_path / "half.js"
    half.write_text(re.sub(*late, code))
    assert any(wrong_answers(half, 300) for attempt in range(40)), "on a busy machine a race may be run in vain"


def test_another_coincident_stops_the_build():
    with pytest.raises(SystemExit, match=r"other.js has 0 places like .* not the one that lite/build.py knows"):
        build.mended("", "other.js")
    with pytest.raises(SystemExit, match="0 places"):
        build.mended(build.mended(published().read_text(), "88.js"), "88.js")


def test_the_face_is_the_books_and_follows_jupyterlites_theme():
    face = build.face()
    tokens = (ROOT / "book" / "styles" / "tokens.css").read_text()
    assert set(re.findall(r"--tt-[\w-]+: [^;]+;", tokens)) == set(re.findall(r"(?<!-)--tt-[\w-]+: [^;]+;", face))
    assert "html[data-theme" not in face and 'body[data-jp-theme-light="false"] {' in face
    used, known = set(re.findall(r"var\((--tt-[\w-]+)\)", face)), set(re.findall(r"(--tt-[\w-]+):", tokens))
    assert used <= known


def test_the_face_takes_its_letters_from_our_own_folder():
    addresses = re.findall(r'url\("([^"]+)"\)', build.face())
    names = [address.removeprefix("../_static/tinytorch/") for address in addresses]
    sheet = (ROOT / "book" / "styles" / "fonts.css").read_text()
    assert len(names) == 5 and all(f'url("{name}")' in sheet for name in names)
