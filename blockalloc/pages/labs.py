"""The lab of which a page shows the classes: `?lab=3` in its address. Whoever may see a page may choose any lab.

The names of labs are no secret: the timeline and the page of a computer show them too. A choice of a lab that is not
there counts as none.
"""

from typing import NamedTuple

from django.http import HttpRequest

from blockalloc.models.labs import labs

PARAMETER = "lab"
_CACHE = "_blockalloc_labs"  # where a request keeps the labs that were read for it
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
    """The id of the lab in the page's address; None for none, or one that is not there. One statement at most."""
    text = request.GET.get(PARAMETER, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return int(text) if int(text) in _labs(request) else None


def options(request: HttpRequest) -> list[LabOption]:
    """The labs to choose from, by name; none if there are fewer than two: then there is nothing to choose."""
    lab, found = chosen(request), _labs(request)
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


def _labs(request: HttpRequest) -> dict[int, str]:
    """Id -> name of the labs, read once for a request."""
    if not hasattr(request, _CACHE):
        setattr(request, _CACHE, dict(labs().values_list("pk", "name")))
    found: dict[int, str] = getattr(request, _CACHE)
    return found
