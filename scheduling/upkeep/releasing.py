"""Which computers a class misses least when some of them are to be released."""

from collections.abc import Iterable

from scheduling.upkeep.condition import Condition, Kind


def is_free(each: Condition) -> bool:
    """Whether nobody of the class uses the computer or has reserved it, and nobody is just reserving it."""
    return not (is_in_use(each) or is_reserved(each) or each.computer.live_semaphore)


def is_in_use(each: Condition) -> bool:
    """Whether somebody of the class uses it at this moment."""
    return each.readiness.state == "in use"


def is_reserved(each: Condition) -> bool:
    """Whether a member has it, now or later in the class."""
    return any(booking.is_occupying and booking.is_member for booking in each.computer.bookings)


def least_missed(conditions: Iterable[Condition]) -> list[Condition]:
    """The computers in the order in which they are to go: free ones first, and of these the ones to be loaded yet.

    Of equal ones that goes first whose reload begins last: the most is left to be saved. What has failed is of use to
    nobody and goes after the loaded ones.
    """
    return sorted(conditions, key=_use)


def _use(each: Condition) -> tuple[bool, bool, int, int, str]:
    facts = each.computer.facts
    begins = facts.reload_start or 0
    if each.kind is Kind.LOST:
        place = 3
    elif each.readiness.is_ready:
        place = 2
    else:
        place = 0 if each.readiness.state in ("waiting", "overdue") else 1  # a load that has begun goes on
    has_member = is_in_use(each) or is_reserved(each)
    return has_member, not is_free(each), place, -begins, each.hostname
