"""`python -m tests.mutation [place …] [--share 0.2 | --all] [--seed 0] [--workers 2]`, and `… answers [chapter …]`."""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter

from .explained import reason
from .mutants import ROOT, mutants
from .named import named_mutants
from .running import check_unchanged, verdicts, warm_up


def arguments():
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description="Do the tests notice a wrong library?"
    )
    parser.add_argument("places", nargs="*", help="files such as core.losses; all of core and perf by default")
    parser.add_argument("--share", type=float, default=0.2, help="share of each file's mutants, drawn with the seed")
    parser.add_argument(
        "--named", action="store_true", help="only the classic mistakes of named.py, all of which must be noticed"
    )
    parser.add_argument("--all", action="store_true", help="every mutant")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def places() -> list[str]:
    """Return every file of core and perf and the capstone's, without loading the library."""
    library = ROOT / "tinytorch"
    files = [*library.glob("core/**/*.py"), *library.glob("perf/**/*.py"), library / "olympics.py"]
    names = [
        ".".join(file.relative_to(library).with_suffix("").parts).removesuffix(".__init__") for file in sorted(files)
    ]
    return [name for name in names if name not in ("core", "perf")]


def run_named(workers: int) -> int:
    """Run the mistakes with a name; return 1 when one survives. That the tests pass otherwise, pytest says."""
    found = named_mutants()
    warm_up()
    survived = 0
    for mutant, result in verdicts(found, workers):
        print(f"{result}: {mutant}", flush=True)
        survived += result == "survived"
    print(f"{len(found) - survived} of {len(found)} noticed")
    return int(survived > 0)


def run_answers(chapters: list[str]) -> int:
    """Put changes of the solutions through the exercises' checks; this, unlike the rest, loads the library here."""
    warm_up()
    from . import answers

    return answers.main(chapters)


def main() -> int:
    if sys.argv[1:2] == ["answers"]:
        return run_answers(sys.argv[2:])
    asked = arguments()
    if asked.named:
        return run_named(asked.workers)
    total = Counter()
    warm_up()
    for place in asked.places or places():
        check_unchanged(place)
        found = mutants(place)
        if not asked.all:
            found = random.Random(asked.seed).sample(found, max(1, round(len(found) * asked.share)))
        count = Counter()
        for mutant, result in verdicts(found, asked.workers):
            equivalent = reason(mutant)
            if result == "survived":
                print(
                    f"  survived{' (changes nothing: ' + equivalent + ')' if equivalent else ''}: {mutant}", flush=True
                )
            count[result] += 1
        noticed = count["noticed"] + count["stuck"]
        print(f"{place}: {noticed} of {len(found)} noticed, {100 * noticed / len(found):.0f} %", flush=True)
        total += count
    noticed = total["noticed"] + total["stuck"]
    print(f"all: {noticed} of {total.total()} noticed, {100 * noticed / max(1, total.total()):.1f} %")
    return 0 if noticed >= 0.9 * total.total() else 1


if __name__ == "__main__":
    sys.exit(main())
