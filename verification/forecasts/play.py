"""Makes a forecast, lets the days pass with VCL's back end, which asks for each class in its time, and compares.

Loads succeed, nodes stay as they are, and classes that are over are cleared: what a forecast takes for granted.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from xmlrpc.client import Fault

import time_machine
from django.test import override_settings

from blockalloc import clock
from blockalloc.store import forecast_facts, site_clock
from scheduling.forecast.engine import forecast
from scheduling.forecast.facts import ClassForecast
from simulation.back_end.conditions import Conditions
from simulation.back_end.loop import BackEnds
from simulation.back_end.site import Site
from tests.golden.replay import in_process, make_call
from tests.support.connections import DjangoConnection
from tests.support.sites.rows import NODE
from verification.forecasts import site
from verification.forecasts.days import BEGIN, DAY, DAYS, LOAD_MINUTES, MINUTE, ZONE, Days

_ROUND = 5 * MINUTE  # between two rounds of the back end


@dataclass(frozen=True)
class Played:
    """What became of the classes of some days, and what is wrong."""

    number: int
    classes: int
    short: int
    wrong: list[str]


@contextmanager
def stage(policy: str) -> Iterator[None]:
    """The settings of the days; the database server's clock, which is the real one, counts for theirs."""
    with (
        override_settings(TIME_ZONE=str(ZONE), VCL_ALLOW_PLAIN_HTTP=True, VCL_RELOAD_POLICY=policy),
        patch.object(site_clock, "database_ahead", lambda: 0),
    ):
        yield


def play(number: int) -> Played:
    """Play the days of this number on the database that Django uses; all its rows are replaced."""
    days = Days(number)
    with stage(days.policy), time_machine.travel(BEGIN, tick=False) as traveller:
        site.load(days)
        foreseen = {each.asked.block.block_time_id: each for each in forecast(_facts())}
        happened = _Days(traveller).pass_until(days.end)
    wrong = list(_wrong(days, foreseen, happened))
    return Played(number, len(days.classes), sum(each.missing > 0 for each in foreseen.values()), wrong)


def _facts() -> Any:
    return forecast_facts.read(BEGIN, BEGIN + (DAYS + 1) * DAY)


def _wrong(days: Days, foreseen: Mapping[int, ClassForecast], happened: Mapping[int, int]) -> Iterator[str]:
    for each in days.classes:
        said, came = foreseen[each.id].machines if each.id in foreseen else None, happened.get(each.id)
        if said != came:
            yield f"class {each.id} of {each.machines} at {site.local(each.start)}: {said} foreseen, {came} came"


class _Days:
    """The back end on its days; `answers` has the machines that each class was given."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self.answers: dict[int, int] = {}
        conditions = Conditions(load_seconds=lambda _computer, image, _chance: LOAD_MINUTES.get(image, 5) * MINUTE)
        self._back_ends = BackEnds(Site(DjangoConnection(), ZONE, self._process, conditions), [NODE])

    def pass_until(self, end: int) -> Mapping[int, int]:
        """Let rounds follow one another until then (Unix seconds); block time -> the machines that it was given."""
        for now in range(BEGIN, end + _ROUND, _ROUND):
            self._traveller.move_to(now)
            self._back_ends.round(clock.now())
        return self.answers

    def _process(self, block_time: int, ignore: int) -> Any:
        answer = make_call(in_process, "XMLRPCprocessBlockTime", [block_time, ignore])
        if isinstance(answer, Fault):
            raise answer
        assert isinstance(answer, dict)
        self.answers[block_time] = answer.get("allocated", 0)
        return answer
