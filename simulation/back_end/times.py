"""VCL's times as Unix seconds and back: DATETIME columns are local times of the site, TIMESTAMP columns are UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_FORMAT = "%Y-%m-%d %H:%M:%S"
_KEPT = 10_000  # times whose instant is remembered


class SiteTimes:
    """The times of a site in `zone`."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._instants: dict[datetime | str, int] = {}

    def local(self, at: int) -> str:
        """Site time at the instant (Unix seconds), as a DATETIME column takes it."""
        return datetime.fromtimestamp(at, self._zone).strftime(_FORMAT)

    def instant(self, local: datetime | str) -> int:
        """The instant of a DATETIME column's value; the first one of a time that occurs twice."""
        instant = self._instants.get(local)
        if instant is None:
            naive = datetime.fromisoformat(local) if isinstance(local, str) else local
            instant = int(naive.replace(tzinfo=self._zone).timestamp())
            if len(self._instants) >= _KEPT:
                self._instants.clear()
            self._instants[local] = instant
        return instant


def utc(at: int) -> str:
    """The instant as a TIMESTAMP column takes it in a session at UTC."""
    return datetime.fromtimestamp(at, UTC).strftime(_FORMAT)


def minutes(seconds: int) -> int:
    """Seconds as minutes, rounded, halves away from zero: the back end's way for requests."""
    return (seconds + 30) // 60 if seconds >= 0 else -((30 - seconds) // 60)


def whole_minutes(seconds: int) -> int:
    """Seconds as minutes, cut off: the back end's way for block requests."""
    return seconds // 60 if seconds >= 0 else -(-seconds // 60)
