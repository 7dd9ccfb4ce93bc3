"""What the address of the semester report asks for, and addresses of other such reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self
from urllib.parse import urlencode

from blockalloc.reports.semester import BY, MONTH, SERIES, Asked, last_months

_EARLIEST, _LATEST = date(1971, 1, 1), date(9998, 12, 31)  # of which all moments can be stored
_LONGEST = 5 * 366  # days
# What the table can be sorted by, in the order of its columns.
SORTS = (
    *("name", "classes", "short", "wanted", "had", "ready", "share", "used", "hours", "machine_hours", "used_hours"),
    "utilisation",
)


@dataclass(frozen=True, slots=True)
class SemesterQuery:
    """The report that is asked for, and how it is sorted: a name of SORTS, with a minus before it the largest first.

    `unseen`: whether classes without a closing row are to be counted. `given` are the parameters that differ from the
    default. `problems` says what was wrong with others: they are as if they had not been given.
    """

    asked: Asked
    sort: str
    unseen: bool
    given: Mapping[str, str]
    problems: tuple[str, ...]

    @classmethod
    def of(cls, parameters: Mapping[str, str], today: date) -> Self:
        """Read from the parameters of an address. Without any, the last six months by series."""
        reader = _Reader(parameters)
        first, last = _period(reader, today)
        if first > last:
            reader.refuse("from", "to", why=f"from and to: {first} to {last} ends before it begins: both left out.")
        elif (last - first).days > _LONGEST:
            reader.refuse("from", "to", why=f"from and to: {first} to {last} is longer than five years: both left out.")
        first, last = _period(reader, today)
        series, image, owner = reader.id("series"), reader.id("image"), reader.text("owner")
        usual = MONTH if series is not None or image is not None else SERIES
        asked = Asked(first, last, reader.choice("by", BY) or usual, series, image, owner)
        sort = reader.choice("sort", tuple(sign + name for name in SORTS for sign in ("", "-"))) or "name"
        unseen = reader.choice("unseen", ("1",)) is not None
        return cls(asked, sort, unseen, reader.given, tuple(reader.problems))

    @property
    def problems_of_fields(self) -> dict[str, str]:
        """Those of the period, by the field of the page at which they belong: "from" or "to"."""
        named = (problem.partition(": ") for problem in self.problems)
        fields = {"from": "from", "to": "to", "from and to": "to"}
        return {fields[name]: why for name, _, why in named if name in fields}

    @property
    def other_problems(self) -> list[str]:
        """Those that belong to no field."""
        return [problem for problem in self.problems if not problem.startswith(("from: ", "to: ", "from and to: "))]

    def link(self, **changes: object) -> str:
        """The query of the same report but for these parameters; None leaves one out. (`from_` is "from".)"""
        changed = {name.rstrip("_"): value for name, value in changes.items()}
        merged = {**self.given, **changed}
        return f"?{urlencode({name: value for name, value in merged.items() if value is not None})}"


def _period(reader: "_Reader", today: date) -> tuple[date, date]:
    last = reader.day("to") or today
    return reader.day("from") or last_months(last)[0], last


class _Reader:
    """Reads parameters, and notes what is wrong."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        names = ("from", "to", "by", "series", "image", "owner", "sort", "unseen")
        self.given = {name: parameters[name].strip() for name in names if parameters.get(name, "").strip()}
        self.problems: list[str] = []

    def refuse(self, *names: str, why: str) -> None:
        """Leave parameters out, for a reason."""
        self.problems.append(why)
        for name in names:
            self.given.pop(name, None)

    def day(self, name: str) -> date | None:
        text = self.given.get(name)
        if text is None:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or not _EARLIEST <= day <= _LATEST:
            self.refuse(name, why=f"{name}: “{text[:40]}” is not a date between 1971 and 9998, such as 2026-08-17.")
            return None
        return day

    def id(self, name: str) -> int | None:
        text = self.given.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            self.refuse(name, why=f"{name}: “{text[:40]}” is no id, which is a number such as 101.")
            return None
        return int(text)

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        text = self.given.get(name)
        if text is not None and text not in choices:
            self.refuse(name, why=f"{name}: “{text[:40]}” is none of {', '.join(choices)}.")
            return None
        return text

    def text(self, name: str) -> str | None:
        return self.given.get(name)
