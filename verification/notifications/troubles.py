"""Who does what, and when, so that a class gets into the trouble that was drawn for it."""

from collections.abc import Callable, Mapping
from typing import Any

from blockalloc.allocation import block_time_actions, service
from blockalloc.contract.messages import BlockAllocationCall, Caller
from simulation.back_end import states
from simulation.back_end.conditions import Result
from simulation.days.day import Day
from simulation.days.demand import Arrival
from simulation.days.people import People
from simulation.days.staff import Staff
from simulation.days.users import Users
from verification.notifications import site
from verification.notifications.week import ASKED_BEFORE, HOUR, MINUTE, Class, Trouble, Week

_STAFF = Caller(3, "vclsystem@Local")
_CONNECTS_AFTER = 30  # seconds until a user of a lab connects
_TAKEN = "SELECT b.computerid FROM blockComputers b WHERE b.blockTimeid = %s ORDER BY b.computerid LIMIT 2"


class Troubles:
    """Puts everything on the agenda of the days. `asks`: what a call of the service by staff goes through."""

    def __init__(self, week: Week, day: Day, asks: Callable[[Class, Callable[[], object]], object]) -> None:
        self._day, self._asks = day, asks
        self._send = day.front_end.connection.send
        self._staff = Staff(day, week.labs[0].node, 2 * HOUR)
        self._strangers = People(day.front_end.connection, site.strangers())
        self._seed = week.seed
        of = {each.lab.number: each for each in week.classes}
        failing = [each for each in of.values() if each.trouble is Trouble.FAILING]
        self._failing = {computer for each in failing for computer in each.lab.computers[-site.OUT_OF_ORDER :]}
        self._drawn = day.site.conditions.result
        day.site.conditions.result = self._result
        for each in week.classes:
            if each.trouble in _PLANS:
                _PLANS[each.trouble](self, each)

    def _result(self, computer: int, image: int, chance: Any) -> Result:
        return Result.FAILED if computer in self._failing else self._drawn(computer, image, chance)

    def _some_back(self, each: Class) -> None:
        self._day.at(each.start - 60 * MINUTE, lambda: self._bring_back(each))

    def _node(self, each: Class) -> None:
        self._day.stop_node(each.lab.node, each.start - 70 * MINUTE, each.start - 30 * MINUTE)

    def _node_late(self, each: Class) -> None:
        self._day.stop_node(each.lab.node, each.start - 70 * MINUTE, each.start + 5 * MINUTE)

    def _users(self, each: Class) -> None:
        """They come when the computers are the class's, and leave when it starts."""
        users = Users(self._day, self._strangers, each.lab.computers, self._seed)
        at = max(each.start - ASKED_BEFORE, self._day.now) + 10 * MINUTE
        for number in range(site.OUT_OF_ORDER + 1):
            came = at + number * MINUTE
            minutes = (each.start - came // 900 * 900) // MINUTE
            users.expect(Arrival(came, each.image, minutes, chosen_end=True, connects_after=_CONNECTS_AFTER))

    def _maintenance(self, each: Class) -> None:
        self._day.at(each.start - 50 * MINUTE, lambda: self._staff.maintain_some_of(each.id, site.OUT_OF_ORDER))

    def _maintenance_brief(self, each: Class) -> None:
        self._maintenance(each)
        self._day.at(each.start - 20 * MINUTE, lambda: self._bring_back(each))

    def _bring_back(self, each: Class) -> None:
        """Staff make the computers of the lab available that are in maintenance, or have failed."""
        marks = ", ".join(["%s"] * len(each.lab.computers))
        gone = [states.MAINTENANCE, states.FAILED]
        sql = f"SELECT c.id FROM computer c WHERE c.id IN ({marks}) AND c.stateid IN (%s, %s)"  # noqa: S608 - marks
        for (computer,) in self._send(sql, [*each.lab.computers, *gone]).rows:
            self._staff.change_state(computer, states.AVAILABLE)

    def _late(self, each: Class) -> None:
        self._day.at(each.known, lambda: site.insert_class(each))

    def _taken(self, each: Class) -> None:
        """What the back end does when reservations fail on two of its computers; staff put them right."""
        self._day.at(each.start - 45 * MINUTE, lambda: self._take(each))
        self._day.at(each.start - 25 * MINUTE, lambda: self._bring_back(each))

    def _take(self, each: Class) -> None:
        for (computer,) in self._send(_TAKEN, [each.id]).rows:
            self._send("DELETE FROM blockComputers WHERE computerid = %s", [computer])
            self._send("UPDATE computer SET stateid = %s WHERE id = %s", [states.FAILED, computer])

    def _away(self, each: Class) -> None:
        asked = max(each.start - ASKED_BEFORE, self._day.now)
        self._day.service.away = [*self._day.service.away, (asked - MINUTE, asked + 2 * MINUTE)]

    def _forecast(self, each: Class) -> None:
        call = BlockAllocationCall(each.image, each.start, each.end, each.seats, each.id, True, each.id, None)
        asked = each.start - 41 * HOUR
        self._day.at(asked, lambda: self._asks(each, lambda: service.allocate_block(call, _STAFF)))
        self._day.at(asked + 9 * HOUR, lambda: self._bring_back(each))

    def _skipped(self, each: Class) -> None:
        self._day.at(each.start - 3 * HOUR, lambda: self._staff.skip(each.id))

    def _released(self, each: Class) -> None:
        release = block_time_actions.release_block_time
        self._day.at(each.start - 3 * HOUR, lambda: self._asks(each, lambda: release(each.id, _STAFF)))

    def _rejected(self, each: Class) -> None:
        sql = "UPDATE blockRequest SET status = 'rejected' WHERE id = %s"
        self._day.at(each.start - 3 * HOUR, lambda: self._send(sql, [each.id]))


_PLANS: Mapping[Trouble, Callable[[Troubles, Class], None]] = {
    Trouble.SOME_BACK: Troubles._some_back,
    Trouble.NODE: Troubles._node,
    Trouble.NODE_LATE: Troubles._node_late,
    Trouble.USERS: Troubles._users,
    Trouble.MAINTENANCE: Troubles._maintenance,
    Trouble.MAINTENANCE_BRIEF: Troubles._maintenance_brief,
    Trouble.LATE: Troubles._late,
    Trouble.TAKEN: Troubles._taken,
    Trouble.AWAY: Troubles._away,
    Trouble.FORECAST: Troubles._forecast,
    Trouble.SKIPPED: Troubles._skipped,
    Trouble.RELEASED: Troubles._released,
    Trouble.REJECTED: Troubles._rejected,
}
