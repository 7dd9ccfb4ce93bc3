"""Explanations as lines of text, for the shell."""

from collections.abc import Iterator

from blockalloc.allocation.explanation import Explanation, Obstacle, OneComputer, Remedies
from blockalloc.site_time import site_zone
from blockalloc.store.times import to_local
from scheduling.one_computer import ForImage
from scheduling.reloads.outlook import Outlook


def explained(why: Explanation, *, whole: bool) -> list[str]:
    """Why there are not more machines; with `whole` also the funnel and the remedies."""
    lines = ["", *_funnel(why)] if whole and why.funnel else []  # empty: no computer was considered
    if why.stopped_by:
        lines += ["", f"Why not more: {why.stopped_by}", *map(_obstacle, why.obstacles)]
    if whole and why.remedies:
        lines += ["", *_remedies(why.remedies)]
    return lines


def _funnel(why: Explanation) -> Iterator[str]:
    yield f"{why.computers:>7} computers"
    for stage in why.funnel:
        yield f"{stage.left:>7} {stage.label} (-{stage.lost})"


def _obstacle(obstacle: Obstacle) -> str:
    return f"  {obstacle.computers:>5} {_computers(obstacle.computers)}  {obstacle.reason} ({obstacle.example})"


def _remedies(remedies: Remedies) -> Iterator[str]:
    yield "What would help:"
    yield f"  ask for fewer: {remedies.possible} could be allocated at this time"
    if remedies.earliest_start:
        yield f"  begin later: from {_when(remedies.earliest_start)} all could be allocated, for the same length"
    else:
        until = _when(remedies.searched_until)
        yield f"  beginning later does not help: up to {until}, there is no start at which all could be"
    if remedies.in_the_way:
        yield "  move what is in the way:"
    for each in remedies.in_the_way:
        times = f"{_when(each.start)} to {_when(each.end)}"
        yield f"  {each.computers:>5} {_computers(each.computers)}  {each.kind} {each.id} ({each.name}), {times}"


def one_computer(computer: OneComputer) -> list[str]:
    """The verdict on one computer, what is said of the class, and the reasons image by image."""
    return [
        f"{computer.hostname}: {computer.verdict}",
        *([f"The class: {computer.said[0].lower()}{computer.said[1:]}"] if computer.said else []),
        *(line for each in computer.images for line in _for_image(each)),
    ]


def _for_image(reasons: ForImage) -> Iterator[str]:
    yield ""
    yield f"For image {reasons.image.name}:"
    if reasons.rank:
        yield f"  it is number {reasons.rank} of the {reasons.candidates} computers that may run the image"
    else:
        yield f"  it is not among the {reasons.candidates} computers that may run the image"
    if reasons.members:
        yield f"  {reasons.granted_to} of the {reasons.members} members of the user group may use it"
    if not reasons.against:
        yield "  no rule excludes it"
    for reason in reasons.against:
        yield f"  excluded by rule {reason.rule}: {reason.describe(site_zone())}"


def outlook_as_json(outlook: Outlook | None, said: str) -> dict[str, object] | None:
    """How sure it is that a class is ready at its start: the figures and the sentence; None where nothing is said."""
    return {**outlook.rounded()._asdict(), "words": said} if outlook else None


def _computers(number: int) -> str:
    return "computer " if number == 1 else "computers"


def _when(instant: int) -> str:
    return to_local(instant)[:16]
