"""What users do on the rows: they sign in, reserve, connect, extend, and leave."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from simulation.back_end import states
from simulation.back_end.conditions import Visit
from simulation.back_end.events import Event, What
from simulation.days.day import Day
from simulation.days.demand import Arrival, Departure
from simulation.days.log_rows import Got, LogRows
from simulation.days.people import Account, People
from simulation.front_end.candidates import Wish
from simulation.front_end.ending import end_reservation
from simulation.front_end.extending import extend
from simulation.front_end.reserving import Reserving

_WARNED = 9 * 60  # seconds before the end: by then they have read the warning that it is near
_ALIVE = 300  # seconds for which a management node counts as alive since it checked in

_NODE = """
SELECT m.id, COUNT(r.id) AS loads FROM managementnode m LEFT JOIN reservation r ON r.managementnodeid = m.id
WHERE m.stateid <> %s AND m.lastcheckin > %s GROUP BY m.id ORDER BY loads, m.id LIMIT 1
"""
_PRODUCTION = "SELECT v.id FROM imagerevision v WHERE v.imageid = %s AND v.production = 1"
_END = "SELECT q.`end` FROM request q WHERE q.id = %s AND q.stateid IN (%s, %s) AND q.laststateid IN (%s, %s)"
_FREE = """
SELECT c.id FROM computer c WHERE c.id IN ({marks}) AND c.stateid = %s
  AND c.id NOT IN (SELECT r.computerid FROM reservation r) ORDER BY c.id
"""
_REQUEST = """
INSERT INTO request (stateid, laststateid, userid, start, `end`, daterequested) VALUES (%s, %s, %s, %s, %s, %s)
"""
_RESERVATION = """
INSERT INTO reservation (requestid, computerid, imageid, imagerevisionid, managementnodeid) VALUES (%s, %s, %s, %s, %s)
"""
_SEATED = "UPDATE computer SET stateid = %s, currentimageid = %s, imagerevisionid = %s WHERE id = %s"


@dataclass
class Tally:
    """How users fared."""

    came: int = 0
    refused: int = 0
    extended: int = 0
    not_extended: int = 0
    requests: set[int] = field(default_factory=set)

    @property
    def served(self) -> int:
        """How many got a computer."""
        return self.came - self.refused


class Users:
    """Users of a kind: `computers` are the ones that they may use.

    Whose image runs best on which of them differs: everybody has an order of choice of their own, drawn by `seed`.
    """

    def __init__(self, day: Day, people: People, computers: Sequence[int], seed: int = 0) -> None:
        self.tally = Tally()
        self._day = day
        self._people = people
        self._computers = computers
        self._seed = seed
        self._rows = LogRows(day.front_end)
        day.watchers.append(self._see)

    def expect(self, arrival: Arrival, account: Account | None = None) -> None:
        """Somebody will come."""
        self._day.at(arrival.at, lambda: self.come(arrival, account))

    def come(self, arrival: Arrival, account: Account | None = None) -> Got:
        """Somebody signs in and reserves for now; what they do later is put on the agenda."""
        day, account = self._day, account or self._people.next()
        self.tally.came += 1
        self._rows.sign_in(account, day.now - 60)
        wish = self._wish(arrival, account)
        got = Got(None, None)
        if wish is not None:
            session = Reserving(day.front_end, wish, f"user-{self.tally.came}-{account.id}-{day.now}")
            session.finish()
            got = Got(session.computer, session.request)
            self._rows.reserve(wish, got, day.now)
        if got.request is None:
            self.tally.refused += 1
        else:
            self.tally.requests.add(got.request)
            self._plan(arrival, got.request)
        return got

    def seat(self, arrivals: Sequence[Arrival], chance: Random) -> None:
        """Give users who have come earlier computers that are free, with their images, as if they had them since."""
        day, local = self._day, self._day.front_end.local
        marks = ", ".join(["%s"] * len(self._computers))
        rows = day.front_end.connection.send(_FREE.format(marks=marks), [*self._computers, states.AVAILABLE]).rows
        free = [row[0] for row in rows]
        chance.shuffle(free)
        send = day.front_end.connection.send
        for arrival, computer in zip(arrivals, free, strict=False):
            account = self._people.next()
            wish = self._wish(arrival, account)
            if wish is None:
                continue
            hours = [local(wish.start), local(wish.end), local(arrival.at)]
            request = send(_REQUEST, [states.INUSE, states.RESERVED, account.id, *hours]).new_id
            send(_RESERVATION, [request, computer, wish.image, wish.revision, wish.node])
            send(_SEATED, [states.INUSE, wish.image, wish.revision, computer])
            day.site.tainted.add(computer)
            self.tally.requests.add(request)
            self._rows.sign_in(account, arrival.at - 60)
            self._rows.reserve(wish, Got(computer, request), arrival.at)
            if arrival.departure is Departure.WALKS_AWAY:
                day.site.absent[request] = arrival.leaves_at
            self._plan(arrival, request)

    def _see(self, event: Event) -> None:
        """Log what the back end does to their reservations."""
        if event.request in self.tally.requests:
            if event.what is What.USER_READY:
                self._rows.load(event.request, event.at)
            elif event.what is What.USER_TIMED_OUT:
                ending = {"did not connect": "nologin", "left": "timeout"}.get(event.detail, "EOR")
                self._rows.leave(event.request, event.at, ending)
            elif event.what is What.RESERVATION_FAILED:
                self._rows.leave(event.request, event.at, "failed")

    def _wish(self, arrival: Arrival, account: Account) -> Wish | None:
        """The wish for an image; None: no management node is alive."""
        front_end = self._day.front_end
        send = front_end.connection.send
        alive = [states.MAINTENANCE, front_end.utc(self._day.now - _ALIVE)]
        nodes = send(_NODE, alive).rows
        ((revision,),) = send(_PRODUCTION, [arrival.image]).rows
        if not nodes:
            return None
        order = Random(f"{self._seed} {arrival.at} {account.id}").sample(self._computers, len(self._computers))
        return Wish(order, *arrival.hours, user=account.id, image=arrival.image, revision=revision, node=nodes[0][0])

    def _plan(self, arrival: Arrival, request: int) -> None:
        """What they will do."""
        day = self._day
        stay = arrival.leaves_at - arrival.at
        walks = arrival.departure is Departure.WALKS_AWAY
        day.visits[request] = Visit(arrival.connects_after, max(60, stay) if walks else None)
        if arrival.departure is Departure.ENDS:
            day.at(arrival.leaves_at, lambda: self._end(request))
        elif arrival.extends:
            day.at(arrival.hours[1] - _WARNED, lambda: self._extend(request, arrival.extends))

    def _end(self, request: int) -> None:
        if end_reservation(self._day.front_end, request).finish():
            self._rows.leave(request, self._day.now, "released")

    def _extend(self, request: int, minutes: int) -> None:
        front_end = self._day.front_end
        in_use = [request, states.INUSE, states.PENDING, states.INUSE, states.RESERVED]
        rows = front_end.connection.send(_END, in_use).rows
        if not rows:
            return  # it failed, or they did not come
        end = front_end.instant(rows[0][0]) + 60 * minutes
        if extend(front_end, request, end, f"user-extends-{request}").finish():
            self._rows.extend(request, end)
            self.tally.extended += 1
        else:
            self.tally.not_extended += 1
