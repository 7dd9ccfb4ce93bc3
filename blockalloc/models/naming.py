"""Names of rows for people, without a query for each row of a list."""

from datetime import datetime

from django.db import models

from blockalloc.site_time import instant_to_local


def cached_name(row: models.Model, field: str) -> str:
    """The name of the row that `field` refers to, if it is fetched already (`select_related`), else ""."""
    related = row._state.fields_cache.get(field)
    return str(related) if related is not None else ""


def with_affiliation(row: models.Model, name: str) -> str:
    """`name@affiliation`; just the name if the affiliation is not fetched."""
    affiliation = cached_name(row, "affiliation")
    return f"{name}@{affiliation}" if affiliation else name


def span(start: datetime | None, end: datetime | None) -> str:
    """A stretch of site time: `2026-11-30 09:00–11:00`."""
    if start is None or end is None:
        return f"{_minute(start)}–{_minute(end)}"
    first, last = instant_to_local(start), instant_to_local(end)
    return f"{first:%Y-%m-%d %H:%M}–{last:%H:%M}" if first.date() == last.date() else f"{_minute(start)}–{_minute(end)}"


def minute_of_week(minute: int) -> str:
    """`Mon 08:00`, for minutes since Sunday 00:00; the end of the week is `Sat 24:00`."""
    day = min(minute // 1440, 6)
    hour, rest = divmod(minute - day * 1440, 60)
    return f"{('Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat')[day]} {hour:02}:{rest:02}"


def _minute(moment: datetime | None) -> str:
    return "…" if moment is None else f"{instant_to_local(moment):%Y-%m-%d %H:%M}"
