"""Starter, solution, place and edition of an exercise, from the one symbol of the library it names.

The derivation itself is `tinytorch.learn`'s; this is the only place where the book asks for it.
"""

from .fences import ChapterError


def derive(exercise, path):
    """The exercise, with `.starter .solution .place .edition` known to be there; `path` names the chapter in an error."""
    try:
        _ = exercise.solution, exercise.starter  # worked out when first asked for
    except (LookupError, ImportError) as error:
        raise ChapterError(
            path,
            exercise.line,
            f"exercise {exercise.id} names {exercise.symbol}, which the library does not have: {error}.",
        ) from error
    return exercise
