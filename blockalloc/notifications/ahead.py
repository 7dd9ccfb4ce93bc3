"""What the forecast says of classes to come, in words for mails: what is in their way, without names not to be seen."""

from collections.abc import Collection, Iterator, Sequence

from blockalloc.models import BlockTime
from blockalloc.models.scope import Scope
from blockalloc.notifications import wording
from blockalloc.store.forecasts import InTheWayKept, Kept
from scheduling.wording import plural

_NAMED = 3  # classes in the way
_BLOCK_TIME = "block time"
_NO_COMPUTER = "no_computer"


def visible_in_the_way(kept: Sequence[Kept], scope: Scope) -> set[int]:
    """The block times in the way of these classes that somebody with this scope may see. One statement at most."""
    ids = {each.id for of in kept for each in of.in_the_way if each.kind == _BLOCK_TIME}
    if not ids:
        return set()
    return set(BlockTime.objects.within(scope).filter(pk__in=ids).values_list("pk", flat=True))


def why(kept: Kept, visible: Collection[int], at: int) -> str:
    """Why the class will lack machines: what stops it, and the bookings in its way, of which `visible` are named.

    Users are not named. `at`: now, for the times (Unix seconds).
    """
    # When bookings are the reason, the row names only the one that has most.
    is_about_bookings = kept.in_the_way and kept.rule in ("", _NO_COMPUTER) and kept.fit >= kept.wanted
    return "; ".join(filter(None, ["" if is_about_bookings else kept.why, *_bookings(kept.in_the_way, visible, at)]))


def _bookings(in_the_way: Sequence[InTheWayKept], visible: Collection[int], at: int) -> Iterator[str]:
    classes = [each for each in in_the_way if each.kind == _BLOCK_TIME]
    requests = [each for each in in_the_way if each.kind != _BLOCK_TIME]
    for each in classes[:_NAMED]:
        has = f"has {plural(each.computers, 'computer')} that it could have"
        yield f"{_named(each, visible)}, {wording.from_to(each.start, each.end, at)}, {has}"
    if classes[_NAMED:]:
        yield f"other classes in its way: {len(classes) - _NAMED}"
    if requests:
        has, computers = "has" if len(requests) == 1 else "have", sum(each.computers for each in requests)
        yield f"{plural(len(requests), 'reservation')} of users {has} {plural(computers, 'computer')}"


def _named(each: InTheWayKept, visible: Collection[int]) -> str:
    return (wording.one_line(each.name) or "another class") if each.id in visible else "a class of another affiliation"
