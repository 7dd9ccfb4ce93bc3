"""Which time zones have an offset at a moment, the well-known ones first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from scheduling.windows import HOUR, MINUTE

QUARTER = 15 * MINUTE
_LEAST, _MOST = -12 * HOUR, 14 * HOUR
_MOST_ZONES = 3
# Where most sites are, from west to east; those of one offset in the order in which they are named.
_WELL_KNOWN = (
    "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver", "America/Phoenix",
    "America/Chicago", "America/Mexico_City", "America/New_York", "America/Toronto", "America/Bogota",
    "America/Halifax", "America/Puerto_Rico", "America/Santiago", "America/St_Johns", "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires", "Atlantic/Azores", "UTC", "Europe/London", "Europe/Lisbon", "Europe/Berlin",
    "Europe/Paris", "Europe/Rome", "Europe/Athens", "Europe/Helsinki", "Africa/Johannesburg", "Africa/Cairo",
    "Europe/Moscow", "Europe/Istanbul", "Africa/Nairobi", "Asia/Tehran", "Asia/Dubai", "Asia/Kabul", "Asia/Karachi",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Yangon", "Asia/Bangkok", "Asia/Jakarta", "Asia/Shanghai",
    "Asia/Singapore", "Asia/Hong_Kong", "Australia/Perth", "Asia/Tokyo", "Asia/Seoul", "Australia/Adelaide",
    "Australia/Darwin", "Australia/Sydney", "Australia/Melbourne", "Australia/Brisbane", "Pacific/Auckland",
)  # fmt: skip
_AREAS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def offset_of(zone: ZoneInfo, instant: int) -> int:
    """How far the clock of a zone is ahead of UTC at an instant, seconds."""
    ahead = datetime.fromtimestamp(instant, zone).utcoffset()
    assert ahead is not None
    return round(ahead.total_seconds())


def rounded_down(seconds: int) -> int:
    """The next whole quarter of an hour below, in seconds."""
    return seconds // QUARTER * QUARTER


def rounded_up(seconds: int) -> int:
    """The next whole quarter of an hour above, in seconds."""
    return -rounded_down(-seconds)


def nearest_quarter(seconds: int) -> int:
    """The nearest whole quarter of an hour, in seconds."""
    return round(seconds / QUARTER) * QUARTER


def in_range(offset: int) -> bool:
    """Whether zones can have such an offset: UTC-12 to UTC+14."""
    return _LEAST <= offset <= _MOST


def zones_at(offset: int, instant: int) -> Sequence[str]:
    """At most three zones with this offset from UTC at an instant; none where no clock on Earth shows that.

    Others than the well-known ones only where none of those fits: many names are old ones of the same zone.
    """
    return _by_offset(rounded_down(instant)).get(offset, ())[:_MOST_ZONES]


@lru_cache(maxsize=4)
def _by_offset(instant: int) -> Mapping[int, Sequence[str]]:
    """The zones of each offset. All change their clocks on a quarter of an hour."""
    known, others = _zones()
    return _grouped(others, instant) | _grouped(known, instant)


def _grouped(zones: Sequence[ZoneInfo], instant: int) -> dict[int, list[str]]:
    by_offset: dict[int, list[str]] = defaultdict(list)
    for zone in zones:
        by_offset[offset_of(zone, instant)].append(zone.key)
    return dict(by_offset)


@lru_cache(maxsize=1)
def _zones() -> tuple[Sequence[ZoneInfo], Sequence[ZoneInfo]]:
    """Those that are well known, and all others of the world's areas.

    They are kept: reading hundreds of files takes longer than all else that is done with them.
    """
    there = available_timezones()
    known = [name for name in _WELL_KNOWN if name in there]
    others = sorted(name for name in there - set(known) if name.split("/")[0] in _AREAS)
    return [*map(ZoneInfo, known)], [*map(ZoneInfo, others)]
