"""The dates of a block request that awaits its decision, as VCL makes block times of them when it is accepted.

VCL keeps what was entered into its form: `blockWebDate` has days, `blockWebTime` hours on a 12-hour clock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, time

from blockalloc.contract import refusals
from blockalloc.models import BlockRequest, BlockWebDate, BlockWebTime
from blockalloc.series.dates import Date, Hours, between, on
from scheduling.vcl_names import REQUESTED

_DAYS_AHEAD = 3660  # a series that goes on for longer is a mistake, and would be counted day by day


@dataclass(frozen=True, slots=True)
class _Entered:
    """A row of blockWebDate: days from `start` to `end`. `days` and `weeknum` mean what the kind of request says."""

    start: date
    end: date
    days: int
    weeknum: int


def awaiting(block_request_id: int) -> BlockRequest:
    """The block request, if it awaits its decision. Raises LookupError."""
    request = BlockRequest.objects.select_related("image", "group__affiliation").filter(pk=block_request_id).first()
    if request is None:
        raise LookupError(f"there is no block request {block_request_id}: give the id of one that awaits its decision")
    if request.status != REQUESTED:
        text = f"block request {block_request_id}: it is {request.status}: give the id of one that awaits its decision"
        raise LookupError(text)
    return request


def dates_of(request: BlockRequest) -> list[Date]:
    """The dates that it will have. Two statements. Raises Refusal when its hours are none."""
    entered = [
        _Entered(start, end, days or 0, weeknum or 0)
        for start, end, days, weeknum in BlockWebDate.objects.filter(blockRequest=request).values_list(
            "start", "end", "days", "weeknum"
        )
        if start and end  # a zero date is none
    ]
    columns = ("order", "starthour", "startminute", "startmeridian", "endhour", "endminute", "endmeridian")
    rows = list(BlockWebTime.objects.filter(blockRequest=request).values_list(*columns))
    try:
        hours = {order: _hours(*clock) for order, *clock in rows}
    except ValueError:
        name = f"block request {request.pk}"
        raise refusals.bad_time(refusals.START, name, "its hours", "times of a day, on VCL's page") from None
    return sorted(set(_dates(request.repeating, entered, hours)))


def _dates(repeating: str, entered: Iterable[_Entered], hours: dict[int, Hours]) -> list[Date]:
    found: list[Date] = []
    each_day = list(hours.values())
    for row in entered:
        last = min(row.end, date.fromordinal(row.start.toordinal() + _DAYS_AHEAD))
        if repeating == "list":  # the day with a number has the hours with this number
            found += [on(row.start, hours[row.days])] if row.days in hours else []
        elif repeating == "monthly":
            found += between(row.start, last, _nth_weekday(row.days, row.weeknum), each_day)
        else:
            found += between(row.start, last, _weekdays(row.days), each_day)
    return found


def _weekdays(mask: int) -> Callable[[date], bool]:
    """Days of the weekdays in a bit mask, whose bit 0 is Sunday."""
    return lambda day: bool(mask >> _sunday_first(day) & 1)


def _nth_weekday(weekday: int, number: int) -> Callable[[date], bool]:
    """Days of one weekday (Sunday is 1) in one week of their months: days 1 to 7 are in the first."""
    return lambda day: _sunday_first(day) + 1 == weekday and (day.day - 1) // 7 + 1 == number


def _sunday_first(day: date) -> int:
    return (day.weekday() + 1) % 7


def _hours(start: int, start_minute: int, start_half: str, end: int, end_minute: int, end_half: str) -> Hours:
    return Hours(_clock_time(start, start_minute, start_half), _clock_time(end, end_minute, end_half))


def _clock_time(hour: int, minute: int, half: str) -> time:
    """A time of a 12-hour clock; 0 to 23 as well, which VCL takes as they are."""
    return time((hour % 12 if hour <= 12 else hour) + (12 if half == "pm" and hour <= 12 else 0), minute)
