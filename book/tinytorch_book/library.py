"""Starter, solution, place and edition of an exercise, from the one symbol of the library it names.

The derivation itself is `tinytorch.learn`'s; this is the only place where the book asks for it.
"""

from functools import cache


@cache
def _exercises():
    from tinytorch import learn
    return {exercise.id: exercise for chapter in learn.chapters() for exercise in chapter.exercises}


def derive(exercise):
    """The `tinytorch.learn` exercise with this id: `.starter .solution .place .edition`."""
    found = _exercises().get(exercise.id)
    if found is None:
        raise LookupError(f"tinytorch.learn knows no exercise {exercise.id}; run `python -m tinytorch_book catalog` first.")
    return found
