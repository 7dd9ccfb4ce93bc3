"""XMLRPCplanBlockSeries: which machines could be allocated on each date of a series that nobody has booked yet."""

from collections.abc import Sequence
from dataclasses import asdict

from blockalloc.contract import refusals
from blockalloc.rpc.arguments import flag, whole_number, whole_numbers
from blockalloc.rpc.dispatch import Arguments, CallContext, Form, Method
from blockalloc.series import service
from blockalloc.series.answer import Collision, PlannedDate
from blockalloc.series.dates import MOST_DATES, Date, too_many
from blockalloc.series.question import Question

_LAST_SECOND = 2**31 - 1  # the largest <int>


def _plan(arguments: Arguments, context: CallContext) -> object:
    image, group, machines, ignore_privileges, starts, ends = arguments
    asked = Question(
        image_id=whole_number(image),
        machines=whole_number(machines),
        user_group_id=whole_number(group),
        ignore_privileges=flag(ignore_privileges),
        dates=_dates(starts, ends),
        dates_name="starts",
    )
    return [_struct(each) for each in service.plan(asked, door=context.caller.door).dates]


def _dates(starts: object, ends: object) -> list[Date]:
    """The dates. Raises Refusal where an array is none, or has another length or something else in it."""
    first = _instants(starts, refusals.START, "starts")
    last = _instants(ends, refusals.END, "ends")
    if len(first) != len(last):
        raise refusals.bad_time(refusals.END, "ends", f"{len(last)} for {len(first)} starts", "one for each start")
    return [Date(*both) for both in zip(first, last, strict=True)]


def _instants(value: object, code: int, name: str) -> Sequence[int]:
    numbers = whole_numbers(value)
    if numbers is None:
        raise refusals.bad_time(code, name, "not an array of whole numbers", "an array of Unix seconds")
    if len(numbers) > MOST_DATES:
        raise too_many(len(numbers), name)
    return numbers


def _struct(each: PlannedDate) -> dict[str, object]:
    return {
        "start": each.start,
        "end": each.end,
        "status": str(each.status),
        "wanted": each.wanted,
        "possible": each.possible,
        "why": each.why,
        "collisions": [_collision(one) for one in each.collisions],
        "suggestions": [asdict(one) for one in each.suggestions],
        "searched": each.is_searched,
    }


def _collision(one: Collision) -> dict[str, object]:
    """In VCL, a reservation without an end ends in the far future, later than an <int> can say."""
    members = {name: value for name, value in asdict(one).items() if name != "is_hidden"}
    return members | {"end": min(one.end, _LAST_SECOND)}


PLAN_SERIES = Method(
    "XMLRPCplanBlockSeries",
    "The machines that could be allocated on each date of a series that nobody has booked yet, without taking any "
    f"from accepted classes, and what would help. starts and ends are arrays of Unix timestamps, at most {MOST_DATES}, "
    "one of each for a date. The answer is an array of structs, one for each date. Nothing is written.",
    (
        Form(
            _plan,
            "array",
            (
                ("imageid", "int"),
                ("usergroupid", "int"),
                ("machinecount", "int"),
                ("ignoreprivileges", "int"),
                ("starts", "array"),
                ("ends", "array"),
            ),
        ),
    ),
)
