"""Explanations as lines of text, for the shell."""

from collections.abc import Iterator

from blockalloc.allocation.explanation import Explanation, Obstacle, OneComputer, Remedies
from blockalloc.site_time import site_zone
from blockalloc.store.times import to_local
from scheduling.one_computer import ForImage


def explained(why: Explanation, *, whole: bool) -> list[str]:
    """Why there are not more machines; with `whole` also the funnel and the remedies."""
    lines = ["", *_funnel(why)] if whole and why.funnel else []  # empty: no computer was looked at
    if why.stopped_by:
        lines += ["", f"Why not more: {why.stopped_by}", *map(_obstacle, why.obstacles)]
    if whole and why.remedies:
        lines += ["", *_remedies(why.remedies)]
    return lines


def _funnel(why: Explanation) -> Iterator[str]:
    yield f"{why.computers:>7} computers"
    for stage in why.funnel:
        yield f"{stage.left:>7} {stage.label} (-{stage.lost})"


def _obstacle(found: Obstacle) -> str:
    return f"  {found.computers:>5} {_computers(found.computers)}  {found.reason} ({found.example})"


def _remedies(found: Remedies) -> Iterator[str]:
    yield "What would help:"
    yield f"  ask for fewer: {found.possible} can be had at this time"
    if found.earliest_start:
        yield f"  begin later: from {_when(found.earliest_start)} all can be had, for as long"
    else:
        until = _when(found.searched_until)
        yield f"  beginning later does not: no start was found until {until} at which all can be had"
    if found.in_the_way:
        yield "  move what is in the way:"
    for each in found.in_the_way:
        times = f"{_when(each.start)} to {_when(each.end)}"
        yield f"  {each.computers:>5} {_computers(each.computers)}  {each.kind} {each.id} ({each.name}), {times}"


def one_computer(found: OneComputer) -> list[str]:
    """What is to be said of one computer."""
    return [f"{found.hostname}: {found.verdict}", *(line for each in found.images for line in _for_image(each))]


def _for_image(found: ForImage) -> Iterator[str]:
    yield ""
    yield f"For image {found.image.name}:"
    if found.rank:
        yield f"  it comes as number {found.rank} of {found.candidates} computers that may run the image"
    else:
        yield f"  it is not among the {found.candidates} computers that may run the image"
    if found.members:
        yield f"  {found.granted_to} of the {found.members} members of the user group may use it"
    if not found.against:
        yield "  no rule speaks against it"
    for reason in found.against:
        yield f"  against it: {reason.describe(site_zone())} (rule {reason.rule})"


def _computers(number: int) -> str:
    return "computer " if number == 1 else "computers"


def _when(instant: int) -> str:
    return to_local(instant)[:16]
