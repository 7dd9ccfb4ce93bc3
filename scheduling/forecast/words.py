"""Why a class will lack machines, in one line of plain words."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from scheduling.forecast.facts import ClassForecast
from scheduling.funnel import STAGES
from scheduling.reasons import Instant, Reason
from scheduling.rules import RULES
from scheduling.wording import plural

_ABOUT_COMPUTERS = frozenset({rule.__name__ for rule in RULES}) | {"management_node"}  # what `fit` has counted
_NO_COMPUTER = "no_computer"


def why(made: ClassForecast, names: Mapping[int, str], zone: ZoneInfo) -> str:
    """The reason, without the numbers of machines; "" where none is missing.

    `names` are those of the blocks of block times.
    """
    if not made.missing:
        return ""
    reason = made.stopped_by
    if reason is not None and reason.rule != _NO_COMPUTER:
        return described(reason, zone)
    if made.fit < made.wanted:
        return f"{plural(made.fit, 'computer') if made.fit else 'no computer'} can run the image"
    return _in_the_way(made, names) or _excluded(made) or "no further computer could be allocated"


def described(reason: Reason, zone: ZoneInfo) -> str:
    """A reason, its times by the day of the week: `site maintenance from Mon 08:00 to 12:00`."""
    days: list[str] = []
    figures = []
    for figure in reason.figures:
        if isinstance(figure, Instant):
            local = datetime.fromtimestamp(figure, zone)
            day, clock = f"{local:%a}", f"{local:%H:%M}"
            figures.append(clock if days and days[-1] == f"{local:%x}" else f"{day} {clock}")
            days.append(f"{local:%x}")
        else:
            figures.append(str(figure))
    return reason.text.format(*figures)


def _in_the_way(made: ClassForecast, names: Mapping[int, str]) -> str:
    """Which booking has most of the computers."""
    if not made.in_the_way:
        return ""
    most = made.in_the_way[0]
    if most.kind == "block time":
        return f"{names.get(most.id) or f'block time {most.id}'} has {most.computers} of the computers"
    requests = [each for each in made.in_the_way if each.kind == "request"]
    computers = sum(each.computers for each in requests)
    return (
        f"{plural(len(requests), 'reservation')} {'has' if len(requests) == 1 else 'have'} {computers} of the computers"
    )


def _excluded(made: ClassForecast) -> str:
    """Which rule excludes most of the computers that can run the image."""
    others = {rule: number for rule, number in made.lost.items() if rule in STAGES and rule not in _ABOUT_COMPUTERS}
    others.pop(_NO_COMPUTER, None)
    if not others:
        return ""
    rule, number = max(others.items(), key=lambda each: (each[1], each[0]))
    return f"{plural(number, 'computer')} {'is' if number == 1 else 'are'} not {STAGES[rule]}"
