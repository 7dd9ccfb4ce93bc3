"""What VCL's table `querylog` shows of its front end: a few rows of what may be the site's largest table.

The front end's log of its own statements has an index by user only, and no order by time. Read backwards, that index
gives a user's newest rows first; the users are those with the newest reservations in VCL's log.
"""

from typing import NamedTuple

from django.db import DatabaseError

from blockalloc.store import times
from blockalloc.store.sql import fetch

TABLE = "querylog"
_USERS = 5  # by their newest reservations
_NEWEST = 500  # rows of a user

_RESERVATIONS = """
SELECT l.userid, l.id FROM (SELECT id, userid, wasavailable FROM log ORDER BY id DESC LIMIT 500) l
WHERE l.wasavailable = 1 ORDER BY l.id DESC
"""
# The statement as the front end logs it, `REGEXP` with \' between letters: within SQL no release can have logged that.
_QUERIES = """
SELECT n.timestamp, n.query LIKE %s, n.query REGEXP %s
FROM (SELECT userid, timestamp, query FROM querylog WHERE userid <= %s ORDER BY userid DESC LIMIT %s) n
WHERE n.userid = %s
"""
_QUOTE_IN_A_WORD = r"[A-Za-z]\\'[A-Za-z]"


class QueryLog(NamedTuple):
    """`logged` is the newest reservation's id in VCL's log whose statements are logged.

    `prepared` is when the newest statement was logged that only a prepared statement can have logged, site time.
    """

    logged: int
    prepared: str


def read() -> QueryLog | None:
    """What shows that the log is on, and written by prepared statements; None when nothing does.

    For databases that have the table. An account that may not read it sees nothing.
    """
    try:
        users: dict[int, int] = {}
        for user, reservation in fetch(_RESERVATIONS):
            if len(users) < _USERS:
                users.setdefault(user, reservation)
        return _read(users)
    except DatabaseError:
        return None


def _read(users: dict[int, int]) -> QueryLog | None:
    """The same, of users and their newest reservations, newest first."""
    logged, prepared = None, ""
    for user, reservation in users.items():
        statement = f"UPDATE log SET requestid = %WHERE id = {reservation:d}"
        rows = fetch(_QUERIES, [statement, _QUOTE_IN_A_WORD, user, _NEWEST, user])
        if logged is None:
            if any(found for _, found, _ in rows):
                logged = reservation
            elif len(rows) < _NEWEST:
                return None  # it is not in the log: the log is off
        moments = [wall for at, _, by_prepared in rows if by_prepared and (wall := times.wall_time(at))]
        prepared = max([prepared, *map(times.stored_wall_time, moments)])
    return QueryLog(logged, prepared) if logged is not None and prepared else None
