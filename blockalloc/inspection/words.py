"""How findings name what they are about."""

from collections.abc import Sequence

from blockalloc.inspection.facts import BlockComputer, BlockTime, Reload
from blockalloc.store.times import to_local

_MOST = 5  # hostnames in a line


def span(start: int, end: int) -> str:
    """From when to when on the site's clock: `2026-11-30 09:00:00–11:00:00`."""
    first, last = to_local(start), to_local(end)
    return f"{first}–{last[11:]}" if first[:10] == last[:10] else f"{first}–{last}"


def computer(row: BlockComputer) -> str:
    """A computer by its name; by its id when the row is gone."""
    return row.hostname or f"computer {row.computer_id}"


def block(row: BlockComputer) -> str:
    """A block time: `block time 10 (CS101, 2026-11-30 09:00:00–11:00:00)`."""
    if row.request_id is None:
        return f"block time {row.block_time_id} (gone)"
    return _block(row.block_time_id, row.block, row.start, row.end)


def block_time(time: BlockTime) -> str:
    """The same of a block time that need not hold anything."""
    return _block(time.id, time.name, time.start, time.end)


def _block(id_: int, name: str, start: int, end: int) -> str:
    return f"block time {id_} ({plain(name)}, {span(start, end)})"


def plain(name: str) -> str:
    """A name that somebody has typed, on one line and without what moves a terminal's cursor."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name)


def reload(request: Reload) -> str:
    """A reload request with its time and computers."""
    names = [name or f"computer {id_}" for id_, _, name in request.computers]
    of = f" of {some(names)}" if names else ""
    return f"reload request {request.id}{of} ({span(request.start, request.end)})"


def some(names: Sequence[str]) -> str:
    """The first few of many names."""
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")


def duration(seconds: int) -> str:
    """A length of time in its two largest units: `5 hours 30 minutes`, `45 seconds`."""
    parts, rest = [], seconds
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        number, rest = divmod(rest, length)
        if number:
            parts.append(f"{number} {unit}{'' if number == 1 else 's'}")
    return " ".join(parts[:2]) or "0 seconds"


def choice(names: Sequence[str]) -> str:
    """One of several: `a, b or c`."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
