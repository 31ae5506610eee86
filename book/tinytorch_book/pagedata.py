"""What a page hands to its script of each card, where the model of `tinytorch.learn.catalog` has no shape for it.

The formatted texts are HTML. `typescript.py` makes the script's types of these.
"""

from typing import Literal, NotRequired, TypedDict


class LabData(TypedDict):
    """A lab's card, or that of a milestone's program."""

    id: str
    starter: str
    title: NotRequired[str]


class MistakeData(TypedDict):
    value: float
    why: str


class QuestionData(TypedDict):
    """A question's card; `answer` is the number, or which choice is right, from 0."""

    id: str
    kind: Literal["choice", "number", "open"]
    answer: NotRequired[float]
    unit: NotRequired[str]
    tolerance: NotRequired[float]
    whys: NotRequired[list[str]]
    mistakes: NotRequired[list[MistakeData]]
    explanation: str
