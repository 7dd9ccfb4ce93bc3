"""The bars of the timeline and their texts, within the scope of the person who reads them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.urls import reverse

from blockalloc import clock
from blockalloc.models.scope import Scope
from blockalloc.pages.timeline.drawing import BLOCK, FOREIGN, LEAD, RELOAD, USER, Band, Bar
from blockalloc.site_time import site_zone
from blockalloc.store.timeline import BlockComputer, ClassComputer, Closed, Reserved
from blockalloc.store.timeline_classes import Class, Overlap, Side
from scheduling.vcl_names import ACCEPTED, RELOAD_USER

FOREIGN_NAME = "another affiliation's class"


@dataclass(frozen=True, slots=True)
class Reader:
    """The person who looks at the page: their scope, and the pages that they may see."""

    scope: Scope
    sees_computers: bool
    sees_reloads: bool

    def owns(self, booking: BlockComputer | Class | ClassComputer) -> bool:
        """Whether the block time is in their scope."""
        return self.scope.affiliation_id in (None, booking.affiliation_id)

    @property
    def reads_names(self) -> bool:
        """Whether users may be named: the person may see the pages of computers, with no limit to one affiliation."""
        return self.sees_computers and self.scope.affiliation_id is None

    def computer(self, key: int) -> str | None:
        """The address of a computer's page; None without permission."""
        return page_of("computer", key) if self.sees_computers else None

    def reload(self, key: int) -> str | None:
        """The address of a reload's page; None without permission."""
        return page_of("request", key) if self.sees_reloads else None


def span(start: int, end: int) -> str:
    """`Mon 30 Nov 09:00–11:00`; with the year if it is another one."""
    return _span(start, end, site_zone(), datetime.fromtimestamp(clock.now(), site_zone()).year)


@lru_cache(maxsize=4096)
def _span(start: int, end: int, zone: ZoneInfo, this_year: int) -> str:
    """Cached: the computers of a block time have the same one."""
    first, last = (datetime.fromtimestamp(instant, zone) for instant in (start, end))
    day = "%a %-d %b" if first.year == last.year == this_year else "%a %-d %b %Y"
    if first.date() == last.date():
        return f"{first:{day}} {first:%H:%M}–{last:%H:%M}"
    return f"{first:{day}} {first:%H:%M} – {last:{day}} {last:%H:%M}"


def bars_of_class(
    held: BlockComputer | Class, reader: Reader, where: str, *, begins: int | None = None, overlaps: bool = False
) -> list[Bar]:
    """The bars of the lead time of a class and of itself; `begins`: when the first of several computers is taken."""
    begins = held.begins if begins is None else begins
    if not reader.owns(held):
        title = joined(FOREIGN_NAME, span(held.start, held.end), where)
        block = Bar(FOREIGN, held.start, held.end, "", title, None, overlaps)
        return [*_lead(held, begins, FOREIGN_NAME, None, where), block]
    address = page_of("blocktime", held.block_time_id)
    unusual = "skipped" if held.skip else f"request {held.status}" if held.status != ACCEPTED else ""
    group = f"for {held.group}" if held.group else ""
    title = joined(held.name, unusual, span(held.start, held.end), group, held.image, where)
    reload = reader.reload(held.reload_id) if held.reload_id is not None else None
    return [
        *_lead(held, begins, held.name, reload or address, where),
        Bar(BLOCK, held.start, held.end, held.name, title, address, overlaps),
    ]


def _lead(held: BlockComputer | Class, begins: int, name: str, address: str | None, where: str) -> list[Bar]:
    if begins >= held.start:
        return []
    title = joined(f"Lead time of {name}", span(begins, held.start), where)
    return [Bar(LEAD, begins, held.start, "", title, address)]


def bar_of_reservation(reserved: Reserved, reader: Reader, hostname: str, *, overlaps: bool = False) -> Bar:
    """The bar of a user's reservation, or of a reload for a block time that is not on the page, or for none."""
    time = span(reserved.start, reserved.end)
    if reserved.reload:
        # People with a limited scope may see only the pages of reloads for block times in it.
        has_page = reserved.user == str(RELOAD_USER) and reader.scope.affiliation_id is None
        address = reader.reload(reserved.request_id) if has_page else reader.computer(reserved.computer_id)
        what = "Reload for a later class" if reserved.for_block else "Reload"
        note = "no class has the computer for it any more" if reserved.left_behind else ""
        title = joined(what, note, time, reserved.image, hostname)
        return Bar(LEAD if reserved.for_block else RELOAD, reserved.start, reserved.end, "", title, address)
    user = reserved.user if reader.reads_names else ""
    title = joined(f"Reservation of {user or 'a user'}", time, reserved.image, f"state {reserved.state}", hostname)
    address = reader.computer(reserved.computer_id)
    return Bar(USER, reserved.start, reserved.end, user, title, address, overlaps)


def overlap(
    each: Overlap, reader: Reader, hostname: str = "it", *, of_row: Collection[int] = (), with_day: bool = False
) -> str:
    """`cs-04 is reserved by gvasquez@Local 10:00–12:00 during CS101`; a class of the row (`of_row`) is not named."""
    name, hours = _name_of(each.of, reader), times_of(each.start, each.end, with_day=with_day)
    if each.other is not None:
        other, own_hours = _name_of(each.other, reader), times_of(each.of.start, each.of.end, with_day=with_day)
        if each.of.block_time_id in of_row:
            return f"{hostname} is in {other} {hours} too"
        if each.other.block_time_id in of_row:
            return f"{hostname} is in {name} {own_hours} too"
        return f"{hostname} is in {name} {own_hours} and in {other} {hours}"
    user = f" by {each.user}" if reader.reads_names else " by a user" if each.is_member else ""
    member = ", who is in the class," if each.is_member else ""
    return f"{hostname} is reserved{user}{member} {hours}{'' if each.of.block_time_id in of_row else f' during {name}'}"


def _name_of(side: Side, reader: Reader) -> str:
    return side.name if reader.scope.affiliation_id in (None, side.affiliation_id) else FOREIGN_NAME


def times_of(start: int, end: int, *, with_day: bool = False) -> str:
    """`09:00–11:00`; `Mon 09:00–11:00` with the day; with both weekdays where they differ."""
    first, last = (datetime.fromtimestamp(instant, site_zone()) for instant in (start, end))
    if first.date() == last.date():
        return f"{first:{'%a ' if with_day else ''}%H:%M}–{last:%H:%M}"
    return f"{first:%a %H:%M}–{last:%a %H:%M}"


def band(closed: Closed) -> Band:
    """The band of a site maintenance."""
    return Band(closed.start, closed.end, f"Site maintenance, {maintenance(closed)}")


def maintenance(closed: Closed) -> str:
    """`Mon 30 Nov 01:00–03:00: firmware; nothing can be reserved`."""
    what = "users may reserve" if closed.open else "nothing can be reserved"
    reason = f": {closed.reason}" if closed.reason else ""
    return f"{span(closed.start, closed.end)}{reason}; {what}"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 reload`, `2 reloads`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def listed(parts: list[str], otherwise: str) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or otherwise


def joined(*parts: str) -> str:
    """The parts of a title that there are."""
    return ", ".join(filter(None, parts))


def page_of(model: str, key: int) -> str:
    """The address of a row's page."""
    return _address(model)(key)


def _address(model: str) -> Callable[[int], str]:
    """Addresses of a table's pages. Made once a table: a page of the timeline has thousands."""
    if model not in _ADDRESSES:
        before, after = reverse(f"admin:blockalloc_{model}_change", args=[0]).rsplit("/0/", 1)
        _ADDRESSES[model] = lambda key: f"{before}/{key}/{after}"
    return _ADDRESSES[model]


_ADDRESSES: dict[str, Callable[[int], str]] = {}
