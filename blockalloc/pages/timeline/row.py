"""A row of the timeline: classes to come, a class, a computer or several that are alike."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What the template shows of a row. `key` is its id on the page.

    `name` has a link to `address`, if there is one that the person may see; `full` is the whole of what `name` is short
    for. `signals` are texts with their levels, `notes` sentences about overlaps. `toggle` and `fold` are a link that
    shows the row's computers, or hides them again, and its text; `is_open`: they are in `rows`.
    """

    key: str
    name: str
    address: str | None
    drawing: str
    full: str = ""
    about: str = ""
    signals: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    fold: str = ""
    toggle: str = ""
    is_open: bool = False
    rows: Sequence["Row"] = ()
