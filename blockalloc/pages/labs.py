"""The lab of which a page shows the classes: `?lab=3` in its address. Whoever may see a page may choose any lab.

The names of labs are no secret: the timeline and the page of a computer show them too. A choice of a lab that is not
there counts as none. A process reads the labs once a minute: they seldom change, and each page of classes has them.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

from django.http import HttpRequest

from blockalloc.models.labs import labs

PARAMETER = "lab"
_SECONDS = 60  # for so long a process remembers the labs
_OF_A_PAGE = {"p", "page"}  # parameters that mean another page of rows once the lab is another


class LabOption(NamedTuple):
    """An option of the select element."""

    value: int
    label: str
    chosen: bool


class LabChoice(NamedTuple):
    """The context of `blockalloc/lab_choice.html`: `others` are the parameters that the form keeps."""

    options: list[LabOption]
    others: list[tuple[str, str]]

    @property
    def name(self) -> str:
        """The name of the lab that is chosen, or ""."""
        return next((each.label for each in self.options if each.chosen), "")


def chosen(request: HttpRequest) -> int | None:
    """The id of the lab in the page's address; None for none, or one that is not there."""
    text = request.GET.get(PARAMETER, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return int(text) if int(text) in known() else None


def options(request: HttpRequest) -> list[LabOption]:
    """The labs to choose from, by name; none if there are fewer than two: then there is nothing to choose."""
    lab, found = chosen(request), known()
    if len(found) < 2 and lab is None:
        return []
    return [LabOption(key, name, key == lab) for key, name in found.items()]


def choice(request: HttpRequest) -> LabChoice:
    """The choice of a page, for its template: `{% include "blockalloc/lab_choice.html" with labs=... %}`."""
    others = [
        (name, value)
        for name, values in request.GET.lists()
        for value in values
        if name != PARAMETER and name not in _OF_A_PAGE
    ]
    return LabChoice(options(request), others)


def query(request: HttpRequest) -> dict[str, int]:
    """What links to other pages have in their query, to keep the lab: `{"lab": 3}` or nothing."""
    lab = chosen(request)
    return {} if lab is None else {PARAMETER: lab}


_known: tuple[float, Mapping[int, str]] | None = None  # with the time of time.monotonic() at which they were read


def known() -> Mapping[int, str]:
    """Id -> name of the site's labs, by name. One statement, and none for a minute after it."""
    global _known
    if _known is None or time.monotonic() - _known[0] > _SECONDS:
        _known = (time.monotonic(), dict(labs().values_list("pk", "name")))
    return _known[1]


def forget() -> None:
    """Read the labs anew the next time."""
    global _known
    _known = None
