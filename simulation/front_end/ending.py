"""A user ends a reservation: "Delete reservation", or "End reservation" when it has begun."""

from simulation.front_end.session import FrontEnd, Session, Step, Steps
from simulation.front_end.states import DELETED, IN_USE, NEW, PENDING, RESERVED

_READ = "SELECT q.stateid, q.laststateid, q.start FROM request q WHERE q.id = %s"
_UPDATE = f"UPDATE request SET stateid = {DELETED}, laststateid = %s WHERE id = %s"  # noqa: S608 - a constant
_RESERVATIONS = "DELETE FROM reservation WHERE requestid = %s"
_REQUEST = "DELETE FROM request WHERE id = %s"

# A request's state and last state -> the last state of the deleted one. While the back end works on a request it is
# pending, after the state that it was in.
_BECOMES = {(NEW, NEW): RESERVED, (PENDING, NEW): RESERVED, (RESERVED, NEW): RESERVED, (PENDING, RESERVED): RESERVED,
            (IN_USE, RESERVED): IN_USE, (PENDING, IN_USE): IN_USE}  # fmt: skip


def end_reservation(front_end: FrontEnd, request: int) -> Session[bool]:
    """End a request of a user; False: there is none, or it is over.

    One that has begun becomes `deleted`, and the back end does the rest; one to come is removed with its reservations.
    """
    return Session(front_end, _steps(front_end, request))


def _steps(front_end: FrontEnd, request: int) -> Steps[bool]:
    answer = yield Step("request", lambda now: (_READ, [request]))
    if not answer.rows:
        return False
    ((state, last_state, start),) = answer.rows
    if front_end.instant(start) >= int(front_end.clock()):
        yield Step("reservations", lambda now: (_RESERVATIONS, [request]))
        yield Step("request", lambda now: (_REQUEST, [request]))
        return True
    becomes = _BECOMES.get((state, last_state), state)
    if becomes not in (RESERVED, IN_USE):
        return False
    yield Step("update", lambda now: (_UPDATE, [becomes, request]))
    return True
