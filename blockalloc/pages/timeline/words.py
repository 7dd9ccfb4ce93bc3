"""What the timeline says of bookings: the bars of a computer, in words that somebody with this scope may read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.urls import reverse

from blockalloc.models.scope import Scope
from blockalloc.pages.columns import until, when
from blockalloc.pages.timeline.drawing import BLOCK, FOREIGN, LEAD, RELOAD, USER, Band, Bar
from blockalloc.site_time import site_zone
from blockalloc.store.timeline import Closed, Held, Reserved
from scheduling.vcl_names import ACCEPTED, RELOAD_USER

FOREIGN_NAME = "another affiliation's block"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: what is theirs, and which pages they may see."""

    scope: Scope
    sees_computers: bool
    sees_reloads: bool

    def owns(self, held: Held) -> bool:
        """Whether a block may be told."""
        return self.scope.affiliation_id in (None, held.affiliation_id)

    @property
    def reads_names(self) -> bool:
        """Whether users may be named: where the page of their computer would, to those whom nothing is kept from."""
        return self.sees_computers and self.scope.affiliation_id is None

    def computer(self, key: int) -> str | None:
        """The address of a computer's page."""
        return _page("computer", key) if self.sees_computers else None

    def reload(self, key: int) -> str | None:
        """The address of a reload's page."""
        return _page("request", key) if self.sees_reloads else None


def span(start: int, end: int) -> str:
    """`Mon 30 Nov 2026 09:00–11:00`."""
    return _span(start, end, site_zone())


@lru_cache(maxsize=4096)
def _span(start: int, end: int, zone: ZoneInfo) -> str:
    """Remembered: the computers of a block have the same."""
    first, last = (datetime.fromtimestamp(instant, zone) for instant in (start, end))
    return f"{when(first)}–{until(first, last)}"


def bars_of_block(held: Held, reader: Reader, hostname: str) -> list[Bar]:
    """The block and its lead time."""
    if not reader.owns(held):
        bars = [
            Bar(FOREIGN, held.start, held.end, "", _joined(FOREIGN_NAME, span(held.start, held.end), hostname), None)
        ]
        return [*_lead(held, FOREIGN_NAME, None, hostname), *bars]
    address = _page("blocktime", held.block_time_id)
    unusual = "skipped" if held.skip else f"request {held.status}" if held.status != ACCEPTED else ""
    group = f"for {held.group}" if held.group else ""
    title = _joined(held.name, unusual, span(held.start, held.end), group, held.image, hostname)
    way = reader.reload(held.reload_id) if held.reload_id is not None else None
    return [
        *_lead(held, held.name, way or address, hostname),
        Bar(BLOCK, held.start, held.end, held.name, title, address),
    ]


def _lead(held: Held, name: str, address: str | None, hostname: str) -> list[Bar]:
    if held.begins == held.start:
        return []
    title = _joined(f"Lead time of {name}", span(held.begins, held.start), hostname)
    return [Bar(LEAD, held.begins, held.start, "", title, address)]


def bar_of_reservation(found: Reserved, reader: Reader, hostname: str) -> Bar:
    """A user's reservation, or a reload that belongs to no block in sight."""
    time = span(found.start, found.end)
    if found.reload:
        # Whoever sees one affiliation's blocks only sees the pages of their reloads only.
        has_page = found.user == str(RELOAD_USER) and reader.scope.affiliation_id is None
        way = reader.reload(found.request_id) if has_page else reader.computer(found.computer_id)
        what = "Reload for a later block" if found.for_block else "Reload"
        note = "no class has the computer for it any more" if found.left_behind else ""
        title = _joined(what, note, time, found.image, hostname)
        return Bar(LEAD if found.for_block else RELOAD, found.start, found.end, "", title, way)
    who = found.user if reader.reads_names else ""
    title = _joined(f"Reservation of {who or 'a user'}", time, found.image, f"state {found.state}", hostname)
    return Bar(USER, found.start, found.end, who, title, reader.computer(found.computer_id))


def band(closed: Closed) -> Band:
    """A site maintenance."""
    what = "users may reserve" if closed.open else "nothing can be reserved"
    return Band(
        closed.start, closed.end, _joined("Site maintenance", span(closed.start, closed.end), what, closed.reason)
    )


def counted(number: int, one: str, many: str = "") -> str:
    """`1 block`, `2 blocks`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def listed(parts: list[str], otherwise: str) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or otherwise


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _page(model: str, key: int) -> str:
    return _address(model)(key)


def _address(model: str) -> Callable[[int], str]:
    """Addresses of a table's pages. Reckoned once a table: a page of the timeline has thousands."""
    if model not in _ADDRESSES:
        before, after = reverse(f"admin:blockalloc_{model}_change", args=[0]).rsplit("/0/", 1)
        _ADDRESSES[model] = lambda key: f"{before}/{key}/{after}"
    return _ADDRESSES[model]


_ADDRESSES: dict[str, Callable[[int], str]] = {}
