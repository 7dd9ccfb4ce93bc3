"""Why a computer was passed over, in words that staff can read."""

from typing import NamedTuple


class Reason(NamedTuple):
    """The rule that decided, and a sentence with its figures; put into words only when it is read.

    `rule` names the rule (the functions of `rules` have the same names), `text` is a format string
    for `figures`.
    """

    rule: str
    text: str
    figures: tuple[object, ...] = ()

    def __str__(self) -> str:
        return self.text.format(*self.figures)
