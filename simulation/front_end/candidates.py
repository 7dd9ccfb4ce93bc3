"""Which computers the front end tries for a reservation, and in which order: steps (a) and (b) of SPEC 8.7."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from simulation.front_end.session import FrontEnd, Step, Steps
from simulation.front_end.states import EXCLUDED_STATES, EXCLUDED_STATES_NOW, OCCUPIES

RESERVATION_MARGIN = 900  # seconds that reservations of a computer keep from one another


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for: an image for some hours (Unix seconds).

    `computers` are those that he may use and that can run the image, in the order of choice, and
    `node` manages all of them but those `without_node`. The computers of his own classes, those of
    the groups that he is a member of, need not be among them.
    """

    computers: Sequence[int]
    start: int
    end: int
    user: int
    image: int
    revision: int
    node: int
    without_node: Collection[int] = ()


# A LEFT JOIN gives a row for each semaphore of a computer: it passes when one of them is past.
_LIST = """
SELECT DISTINCT c.id, c.currentimageid, c.imagerevisionid
FROM computer c LEFT JOIN semaphore s ON s.computerid = c.id
WHERE c.id IN ({computers}) AND c.deleted = 0 AND c.stateid NOT IN ({states})
  AND (c.type != 'virtualmachine' OR c.vmhostid IS NOT NULL)
  AND (s.expires IS NULL OR s.expires < %s)
"""
_OWN = """
SELECT b.computerid FROM blockComputers b
JOIN blockTimes t ON t.id = b.blockTimeid
JOIN blockRequest w ON w.id = t.blockRequestid
JOIN computer c ON c.id = b.computerid
JOIN state s ON s.id = c.stateid
WHERE w.groupid IN (SELECT m.usergroupid FROM usergroupmembers m WHERE m.userid = %s)
  AND w.status = 'accepted' AND w.expireTime > %s AND t.start < %s AND t.`end` > %s
  AND c.currentimageid = %s AND s.name != 'failed'
ORDER BY s.name, b.computerid
"""
_RESERVED = f"""
SELECT DISTINCT r.computerid FROM reservation r JOIN request q ON q.id = r.requestid
WHERE q.start < %s AND q.`end` > %s AND {OCCUPIES}
"""  # noqa: S608 - put together from constants
_IN_BLOCKS = """
SELECT b.computerid FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
WHERE t.start < %s AND t.`end` > %s
"""


def candidates(front_end: FrontEnd, wish: Wish) -> Steps[list[int]]:
    """The computers to be tried, first those of the user's own classes.

    Those are the computers of block times of his groups at overlapping hours that hold the image, in
    any revision, have not failed and are not reserved then. Semaphores are not looked at for them.
    With none of these, the computers of all block times that overlap his hours are left out, from
    start to end of the time, whatever is loaded on them. With one or more, none is left out.

    A computer that is loading, or that has a reload to come, is no worse than any other.
    """
    start, end = front_end.local(wish.start), front_end.local(wish.end)
    margins = [front_end.local(wish.end + RESERVATION_MARGIN), front_end.local(wish.start - RESERVATION_MARGIN)]
    answer = yield Step("a", lambda now: (_listing(wish, now), [*wish.computers, front_end.utc(now)]))
    loaded = {computer: (image, revision) for computer, image, revision in answer.rows}
    listed = [computer for computer in wish.computers if computer in loaded]
    answer = yield Step("o", lambda now: (_OWN, [wish.user, front_end.local(now), end, start, wish.image]))
    own = list(dict.fromkeys(row[0] for row in answer.rows))
    answer = yield Step("b", lambda now: (_RESERVED, margins))
    reserved = {row[0] for row in answer.rows}
    own = [computer for computer in own if computer not in reserved]
    listed = [computer for computer in listed if computer not in reserved]
    if not own:
        answer = yield Step("B", lambda now: (_IN_BLOCKS, [end, start]))
        in_blocks = {row[0] for row in answer.rows}
        listed = [computer for computer in listed if computer not in in_blocks]
    listed.sort(key=lambda computer: loaded[computer] != (wish.image, wish.revision))  # stable
    return [computer for computer in dict.fromkeys([*own, *listed]) if computer not in wish.without_node]


def _listing(wish: Wish, now: int) -> str:
    """The statement that lists; `now` in Unix seconds."""
    states = EXCLUDED_STATES | (EXCLUDED_STATES_NOW if wish.start <= now else set())
    computers = ", ".join(["%s"] * len(wish.computers)) or "NULL"
    return _LIST.format(computers=computers, states=", ".join(map(str, sorted(states))))
