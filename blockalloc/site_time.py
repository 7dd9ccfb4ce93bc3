"""Conversions between site time and instants.

VCL's DATETIME columns have site time (the site's local time) without a zone; `settings.TIME_ZONE` names the zone.
Two local times need a rule. One that occurs twice, when summer time ends, is its first occurrence. One that is
skipped, when summer time begins (02:30), is the instant that the site's clock shows as an hour later (03:30), as on
a clock that was not put forward. Both are what `zoneinfo` does with `fold=0`.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings


def site_zone() -> ZoneInfo:
    """The zone of site time."""
    return ZoneInfo(settings.TIME_ZONE)


def local_to_instant(wall: datetime) -> datetime:
    """The instant at which the site's clock shows `wall` (naive), as an aware datetime in the site's zone.

    A skipped time keeps its digits, so that it is written back as it was read; its instant (`.timestamp()`,
    `.astimezone(UTC)`) is the right one. Python subtracts and compares two datetimes of one zone as wall clocks:
    take `.timestamp()` to measure how much time really passes between them.
    """
    if wall.tzinfo is not None:
        raise ValueError(f"{wall!r} already has a zone")
    return wall.replace(tzinfo=site_zone(), fold=0)


def instant_to_local(instant: datetime) -> datetime:
    """Site time at `instant` (aware): naive, in whole seconds, as in VCL's DATETIME columns."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no zone")
    return instant.astimezone(site_zone()).replace(tzinfo=None, microsecond=0, fold=0)


def instant_to_utc(instant: datetime) -> datetime:
    """The same instant in UTC, in whole seconds, as in VCL's TIMESTAMP columns."""
    return instant.astimezone(UTC).replace(microsecond=0)
