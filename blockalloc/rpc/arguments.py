"""Parameters as numbers, flags, times and text. Each reader gives None for a value of another kind.

Callers send a number as an int or as text, Perl also as a double when it is written like one. A value
that is not clearly a number is never taken for one (2.5 machines, a flag of 0.5).
"""

import re
from datetime import datetime

from blockalloc.site_time import local_to_instant

_WHITE_SPACE = " \t\r\n\v\f"
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_LOCAL_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
_MOST_DIGITS = 19
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1  # what <i8> holds, and every column of the database compares with


def whole_number(value: object) -> int | None:
    """An int, digits in a string, or a double with a whole value. Booleans are flags, not numbers."""
    number: int | None = None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        number = value
    elif isinstance(value, str):
        number = _number_in(value.strip(_WHITE_SPACE))
    elif isinstance(value, float) and value.is_integer():  # infinity and NaN are not
        number = int(value)
    return number if number is not None and _LOWEST <= number <= _HIGHEST else None


def _number_in(text: str) -> int | None:
    # Python refuses to convert thousands of digits, zeros in front included.
    digits = text.lstrip("0") or text[:1]
    return int(digits) if _DIGITS.fullmatch(digits) and len(digits) <= _MOST_DIGITS else None


def whole_numbers(value: object) -> list[int] | None:
    """An array of whole numbers, in their order; None when one of them is none."""
    numbers = [whole_number(each) for each in value] if isinstance(value, list) else [None]
    return [number for number in numbers if number is not None] if None not in numbers else None


def flag(value: object) -> bool | None:
    """A boolean, or 0 or 1 in any form that a number may have."""
    if isinstance(value, bool):
        return value
    return {0: False, 1: True}.get(whole_number(value))  # type: ignore[arg-type]


def local_seconds(value: object) -> int | None:
    """Unix seconds of a site time: `YYYY-MM-DD HH:MM:SS` to the letter, or a dateTime."""
    local = _local_time_in(value) if isinstance(value, str) else value
    if not isinstance(local, datetime):
        return None
    try:
        return int(local_to_instant(local).timestamp())
    except (ValueError, OverflowError):  # at the ends of the calendar
        return None


def _local_time_in(text: str) -> datetime | None:
    match = _LOCAL_TIME.fullmatch(text)
    if not match:
        return None
    try:
        return datetime(*(int(part) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:  # month 13, hour 25, second 60
        return None


def text(value: object) -> str | None:
    """Text as the caller wrote it, numbers included; None for arrays, structs and the like."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return str(value).removesuffix(".0")
    return value if isinstance(value, str) else None
