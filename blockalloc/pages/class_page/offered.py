"""What staff may do about a class: what to do first, what is often done, and the rest."""

from collections.abc import Sequence
from typing import NamedTuple

from blockalloc.pages.actions import Action
from blockalloc.pages.block_days import can_be_helped, can_be_put_right
from blockalloc.reports.readiness import BlockTimeReadiness
from scheduling.readiness import ASKED_AHEAD, Readiness

_ABOUT = {
    "allocate": "Chooses computers until the class has all its machines.",
    "put-right": "Does at once what keep_ready does every minute.",
    "stop-holding": "Lets users take its computers while they load.",
    "hold-again": "Keeps users from its computers while they load.",
    "release-some": "Takes the computers that you choose from the class.",
    "release": "Takes all its computers from the class.",
    "skip": "Marks the class as skipped: it does not take place, and loses all its computers.",
}
_DANGEROUS = ("release-some", "release", "skip")
_IN_ROW = ("dry-run", "unskip")
_NEEDS_COMPUTERS = ("put-right", "stop-holding", "release", "release-some")


class Offered(NamedTuple):
    """A button that leads to an action. `style` is "primary", "danger" or ""; `about` says what it does."""

    title: str
    address: str
    style: str
    about: str


class Offers(NamedTuple):
    """The buttons in the row, what to do first before the others; and those in the fold, the dangerous ones last."""

    row: Sequence[Offered]
    more: Sequence[Offered]


def offers(
    actions: Sequence[tuple[Action, str]], class_: BlockTimeReadiness, now: int, *, is_looked_after: bool
) -> Offers:
    """The actions that the person may take, each with its address, as buttons (`now` in Unix seconds).

    `is_looked_after`: keep_ready is at work, so "Put right now" is not what to do first: it would hardly change
    anything. What would help has the primary button then.
    """
    has_computers = bool(class_.readiness.computers)
    found = {
        action.name: Offered(action.title, address, _style(action.name), _ABOUT.get(action.name, ""))
        for action, address in actions
        if has_computers or action.name not in _NEEDS_COMPUTERS
    }
    name = _first(class_, now)
    first = found.pop(name, None)
    style = "" if name == "put-right" and is_looked_after else "primary"
    row = [first._replace(style=style)] if first else []
    row += [found.pop(name) for name in _IN_ROW if name in found]
    return Offers(row, [found[name] for name in _ABOUT if name in found])


def _first(class_: BlockTimeReadiness, now: int) -> str:
    """The action that should be taken first; "" for none."""
    ready = class_.readiness
    if ready.computers:
        return "put-right" if can_be_put_right(class_, now) and not _is_all_on_purpose(ready) else ""
    # Whoever released its computers on purpose does not want others.
    is_due = ready.left <= ASKED_AHEAD and not ready.released
    return "allocate" if is_due and can_be_helped(class_, now) else ""


def _is_all_on_purpose(ready: Readiness) -> bool:
    """Whether nothing is missing but what somebody has released: that is nothing to put right."""
    return 0 < ready.numbers.missing <= ready.released and not ready.numbers.late


def _style(name: str) -> str:
    return "danger" if name in _DANGEROUS else ""
