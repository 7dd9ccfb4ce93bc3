"""Between the site's wall clock and instants.

VCL's DATETIME columns hold what the clock on the site's wall shows, without a zone; `settings.TIME_ZONE` names it.
Two wall times need a rule. One that the change to winter time repeats is its first occurrence. One that the
change to summer time skips (02:30) is the instant that the clock shows as an hour later (03:30): what a clock
shows that was not put forward. Both are what `zoneinfo` does with `fold=0`.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings


def site_zone() -> ZoneInfo:
    """The zone of the site's wall clock."""
    return ZoneInfo(settings.TIME_ZONE)


def local_to_instant(wall: datetime) -> datetime:
    """The instant at which the site's clock shows `wall` (naive), as an aware datetime in the site's zone.

    A skipped wall time keeps its face, so that it is written back as it was read; its instant (`.timestamp()`,
    `.astimezone(UTC)`) is the right one. Python subtracts and compares two datetimes of one zone as wall clocks:
    take `.timestamp()` to measure how much time really passes between them.
    """
    if wall.tzinfo is not None:
        raise ValueError(f"{wall!r} already has a zone")
    return wall.replace(tzinfo=site_zone(), fold=0)


def instant_to_local(instant: datetime) -> datetime:
    """What the site's clock shows at `instant` (aware): naive, in whole seconds, as VCL's columns hold it."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no zone")
    return instant.astimezone(site_zone()).replace(tzinfo=None, microsecond=0, fold=0)


def instant_to_utc(instant: datetime) -> datetime:
    """The same instant in UTC, in whole seconds, as VCL's TIMESTAMP columns hold it."""
    return instant.astimezone(UTC).replace(microsecond=0)
