"""Withdraws reloads that have not begun (SPEC 8.15), in the caller's transaction that holds the guard.

A management node may take a reload up at any moment, without asking: the statements themselves decide which have not
begun.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from blockalloc.store import times
from blockalloc.store.sql import Value, execute, fetch, listed_ids
from scheduling.state_ids import RELOAD
from scheduling.vcl_names import RELOAD_USER
from scheduling.withdrawal import HEAD_START, HEAD_START_OF_PRELOAD, is_withdrawable

ReloadOf = tuple[int, int]  # request, computer

_WAITING = f"""
stateid = %s AND laststateid = %s AND start > CASE WHEN preload = 0 THEN %s ELSE %s END
AND userid = (SELECT u.id FROM user u JOIN affiliation a ON a.id = u.affiliationid
              WHERE u.unityid = '{RELOAD_USER.unityid}' AND a.name = '{RELOAD_USER.affiliation}')
"""


class _Waiting(NamedTuple):
    """A row of _READ: a reservation of a request, or a request without any."""

    request_id: int
    start: times.Stored
    preload: int
    reservation_id: int | None
    computer_id: int | None
    is_named: int  # by a block computer


_READ = f"""
SELECT request.id, request.start, request.preload, v.id, v.computerid,
       EXISTS (SELECT 1 FROM blockComputers b WHERE b.reloadrequestid = request.id)
FROM request LEFT JOIN reservation v ON v.requestid = request.id
WHERE request.id IN ({{requests}}) AND {_WAITING}
ORDER BY request.id, v.id
"""
# A number in `reloadrequestid` that no block is said to have may be in another one's row all the same.
_DELETE_REQUESTS = f"""
DELETE FROM request
WHERE id IN ({{requests}}) AND {_WAITING}
  AND NOT EXISTS (SELECT 1 FROM blockComputers b WHERE b.reloadrequestid = request.id)
"""
_DELETE_RESERVATIONS = f"""
DELETE FROM reservation
WHERE id IN ({{reservations}})
  AND requestid IN (SELECT id FROM request WHERE id IN ({{requests}}) AND {_WAITING})
  AND NOT EXISTS (SELECT 1 FROM blockComputers b
                  WHERE b.reloadrequestid = reservation.requestid AND b.computerid = reservation.computerid)
"""
_LEFT = """
SELECT q.id, v.computerid FROM request q LEFT JOIN reservation v ON v.requestid = q.id WHERE q.id IN ({requests})
"""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What came of it: how many requests were removed, how many reservations of clusters' requests that stay, and the
    reloads that were left: they have begun or may have, are somebody else's, or a block computer names them.
    """

    requests: int
    reservations: int
    left: frozenset[ReloadOf]


def withdraw(reloads: Collection[ReloadOf], now: int) -> Withdrawn:
    """Remove the reloads of these computers that have not begun and that no block computer names (any more).

    Of a cluster's request only the reservation of that computer goes; the request itself with the last of them. `now`
    is the time of the transaction. What is gone already does not count.
    """
    if not reloads:
        return Withdrawn(0, 0, frozenset())
    wanted: dict[int, set[int]] = defaultdict(set)
    for request, computer in reloads:
        wanted[request].add(computer)
    limits: list[Value] = [
        RELOAD,
        RELOAD,
        *(times.to_local(now + ahead) for ahead in (HEAD_START_OF_PRELOAD, HEAD_START)),
    ]
    waiting: dict[int, dict[int, int | None]] = defaultdict(dict)  # request -> its reservations -> their computers
    named = set()
    for row in map(_Waiting._make, fetch(_READ.format(requests=listed_ids(wanted)), limits)):
        if is_withdrawable(times.from_local(row.start) or 0, row.preload, now):
            waiting[row.request_id] |= {row.reservation_id: row.computer_id} if row.reservation_id is not None else {}
            named |= {row.request_id} if row.is_named else set()
    whole = [id_ for id_, computers in waiting.items() if id_ not in named and set(computers.values()) <= wanted[id_]]
    parts = [
        reservation
        for id_ in waiting.keys() - set(whole)
        for reservation, computer in waiting[id_].items()
        if computer in wanted[id_]
    ]
    requests = _delete_requests(whole, limits)
    reservations = 0
    if parts:
        sql = _DELETE_RESERVATIONS.format(reservations=listed_ids(parts), requests=listed_ids(waiting))
        reservations = execute(sql, limits)
    return Withdrawn(requests, reservations, _left(wanted))


def _delete_requests(ids: Collection[int], limits: Sequence[Value]) -> int:
    if not ids:
        return 0
    listed = listed_ids(ids)
    deleted = execute(_DELETE_REQUESTS.format(requests=listed), limits)
    if deleted:  # the foreign key has deleted these, where the database has it
        execute(
            f"DELETE FROM reservation WHERE requestid IN ({listed}) "
            "AND NOT EXISTS (SELECT 1 FROM request q WHERE q.id = reservation.requestid)"
        )
    return deleted


def _left(wanted: dict[int, set[int]]) -> frozenset[ReloadOf]:
    """What is still there: a request without reservations is of all computers that were asked for."""
    left: set[ReloadOf] = set()
    for id_, computer in fetch(_LEFT.format(requests=listed_ids(wanted))):
        left |= {(id_, each) for each in wanted[id_] if computer in (None, each)}
    return frozenset(left)
