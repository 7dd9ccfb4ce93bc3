"""The back end's statements on requests, reservations and computers. Each is committed at once."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from simulation.back_end import states
from simulation.back_end.times import SiteTimes, utc
from simulation.connections import Connection

RELOAD_USER = "vclreload"  # owner of the reloads that the back end inserts itself
_LIMITS = ("xcat|throttle|{host}", "{host}|xcat|throttle", "xcat|throttle")
_LIMIT = 10  # loads at once where no variable says otherwise
_AT_START, _PRELOAD, _COUNTDOWN = 60, 37 * 60, 12 * 60  # seconds before which nothing is due: see loop.check_time
_KEPT = 10_000  # rows that are remembered as they were last read

_OF_NODE = """
SELECT r.id, q.id, q.stateid, q.laststateid, q.preload, q.start, q.`end`
FROM reservation r JOIN request q ON q.id = r.requestid
WHERE r.managementnodeid = %s AND q.stateid NOT IN (14, 10) ORDER BY q.id, r.id
"""
_TASK = """
SELECT r.computerid, r.imageid, r.imagerevisionid, q.userid, c.stateid, c.type, p.name, c.vmhostid
FROM reservation r JOIN request q ON q.id = r.requestid JOIN computer c ON c.id = r.computerid
JOIN provisioning p ON p.id = c.provisioningid WHERE r.id = %s
"""
_COMPETITORS = """
SELECT r.id, q.id, q.stateid, q.laststateid, r.imagerevisionid, q.start, q.`end`
FROM reservation r JOIN request q ON q.id = r.requestid WHERE r.computerid = %s AND q.id <> %s ORDER BY q.id
"""
_TO_PENDING = "UPDATE request SET laststateid = %s, stateid = 14 WHERE id = %s AND stateid = %s"
_TO_END = "UPDATE request SET stateid = %s, laststateid = %s WHERE id = %s AND stateid <> 10"
_TO_NEXT = """
UPDATE request SET stateid = %s, laststateid = %s WHERE id = %s AND stateid = 14 AND laststateid = %s
"""
_IN_BLOCKS = """
SELECT b.blockTimeid FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
WHERE b.computerid = %s ORDER BY b.blockTimeid
"""
_NEXT_IMAGE = """
SELECT b.imageid, v.id FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
JOIN imagerevision v ON v.imageid = b.imageid AND v.production = 1
WHERE b.computerid = %s ORDER BY t.start, t.id LIMIT 1
"""
_LOG = """
INSERT INTO computerloadlog (reservationid, computerid, loadstateid, `timestamp`)
SELECT r.id, %s, %s, %s FROM reservation r WHERE r.id = %s
"""
_REQUEST = """
INSERT INTO request (stateid, laststateid, userid, preload, start, `end`, daterequested)
VALUES (%s, %s, %s, 0, %s, %s, %s)
"""
_RESERVATION = """
INSERT INTO reservation (requestid, computerid, imageid, imagerevisionid, managementnodeid) VALUES (%s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A reservation of a node as its loop reads it (times: Unix seconds)."""

    id: int
    request: int
    state: int
    last_state: int
    preload: int
    start: int
    end: int

    @property
    def quiet_until(self) -> int:
        """Before this instant the round need not look closer, unless the user has left without ending it."""
        if self.state in (states.RELOAD, states.NEW):
            return self.start - (_AT_START if self.preload else _PRELOAD)
        return self.end - _COUNTDOWN if self.state == states.INUSE else 0


@dataclass(frozen=True, slots=True)
class Competitor:
    """Another request's reservation of the same computer."""

    id: int
    request: int
    state: int
    last_state: int
    revision: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Task:
    """What a process knows of its reservation, read when it was forked and never again."""

    due: Due
    preload_only: bool
    node: int
    computer: int
    image: int
    revision: int
    user: int
    computer_state: int
    computer_type: str
    provisioning: str
    vm_host: int
    parts: tuple[int, ...]  # the ids of all reservations of the request

    @property
    def id(self) -> int:
        """The reservation's id."""
        return self.due.id

    @property
    def request(self) -> int:
        """The request's id."""
        return self.due.request

    @property
    def state(self) -> int:
        """The request's state before it went to `pending`."""
        return self.due.state

    @property
    def last_state(self) -> int:
        """The request's state before that."""
        return self.due.last_state

    @property
    def is_parent(self) -> bool:
        """Whether this is the reservation of its request that changes the request."""
        return self.due.id == self.parts[0]

    @property
    def is_cluster(self) -> bool:
        """Whether the request has several reservations."""
        return len(self.parts) > 1


class Rows:
    """The rows that the back end works on."""

    def __init__(self, connection: Connection, times: SiteTimes) -> None:
        self.connection = connection
        self.times = times
        self._load_states: dict[str, int] | None = None
        self._read: dict[tuple[Any, ...], tuple[int, Due]] = {}

    def check_in(self, node: int, now: int) -> None:
        """Record that the node is alive."""
        self.connection.send("UPDATE managementnode SET lastcheckin = %s WHERE id = %s", [utc(now), node])

    def of_node(self, node: int, now: int, absent: Container[int]) -> list[Due]:
        """The reservations of a node whose requests nobody works on, and for which something may be due at `now`.

        `absent`: requests whose users have left without ending them.
        """
        rows = self.connection.send(_OF_NODE, [node]).rows
        return [due for quiet_until, due in map(self._due, rows) if quiet_until <= now or due.request in absent]

    def _due(self, row: tuple[Any, ...]) -> tuple[int, Due]:
        """A row, which is mostly the same as in the last round, and until when nothing is due for it."""
        kept = self._read.get(row)
        if kept is None:
            id_, request, state, last, preload, start, end = row
            due = Due(id_, request, state, last, preload, self.times.instant(start), self.times.instant(end))
            if len(self._read) >= _KEPT:
                self._read.clear()
            kept = self._read[row] = (due.quiet_until, due)
        return kept

    def task(self, due: Due, node: int, *, preload_only: bool) -> Task | None:
        """What a process has to know of a reservation; None when it is gone."""
        row = self._one(_TASK, due.id)
        if row is None:
            return None
        computer, image, revision, user, state, type_, provisioning, host = row
        rows = self.connection.send("SELECT id FROM reservation WHERE requestid = %s ORDER BY id", [due.request]).rows
        parts = tuple(row[0] for row in rows)
        return Task(
            due, preload_only, node, computer, image, revision, user, state, type_, provisioning, host or 0, parts
        )

    def competitors(self, computer: int, request: int) -> list[Competitor]:
        """The reservations of a computer by other requests."""
        instant = self.times.instant
        return [
            Competitor(id_, other, state, last, revision, instant(start), instant(end))
            for id_, other, state, last, revision, start, end in self.connection.send(
                _COMPETITORS, [computer, request]
            ).rows
        ]

    # --- requests ---------------------------------------------------------------------------------

    def states(self, request: int) -> tuple[int, int] | None:
        """A request's state and last state; None when it is gone."""
        row: tuple[int, int] | None = self._one("SELECT stateid, laststateid FROM request WHERE id = %s", request)
        return row and (row[0], row[1])

    def is_deleted(self, request: int) -> bool:
        """Whether a request is gone, or its user has deleted it."""
        return states.DELETED in (self.states(request) or (states.DELETED,))

    def change_request(self, request: int, state: int, last_state: int) -> bool:
        """Bring a request from one state to the next; whether its state allowed it.

        To `pending` from `last_state` only; to `complete` and `failed` from any state; to all
        others while it is pending after `last_state`.
        """
        if state == states.PENDING:
            answer = self.connection.send(_TO_PENDING, [last_state, request, last_state])
        elif state in (states.COMPLETE, states.FAILED):
            answer = self.connection.send(_TO_END, [state, last_state, request])
        else:
            answer = self.connection.send(_TO_NEXT, [state, last_state, request, last_state])
        return answer.changed > 0

    def set_preload(self, request: int) -> None:
        """Remember that the request's preload was tried."""
        self.connection.send("UPDATE request SET preload = 1 WHERE id = %s", [request])

    def end_of(self, request: int) -> int | None:
        """The present end of a request; None when it is gone."""
        row = self._one("SELECT `end` FROM request WHERE id = %s", request)
        return None if row is None else self.times.instant(row[0])

    def delete_request(self, request: int) -> None:
        """Delete a finished request, its reservations and the log of their loads."""
        parts = "reservationid IN (SELECT id FROM reservation WHERE requestid = %s)"
        self.connection.send(f"DELETE FROM computerloadlog WHERE {parts}", [request])  # noqa: S608 - a constant
        self.connection.send("DELETE FROM reservation WHERE requestid = %s", [request])
        self.connection.send("DELETE FROM request WHERE id = %s", [request])

    def insert_reload(self, task: Task, image: int, revision: int, now: int) -> int:
        """Insert the reload after a user, from now to half an hour later; the new request's id."""
        user = self._one("SELECT id FROM user WHERE unityid = %s", RELOAD_USER)
        start, end = self.times.local(now), self.times.local(now + 1800)
        values = [states.RELOAD, task.last_state, user[0] if user else task.user, start, end, start]
        request = self.connection.send(_REQUEST, values).new_id
        self.connection.send(_RESERVATION, [request, task.computer, image, revision, task.node])
        return request

    # --- computers --------------------------------------------------------------------------------

    def computer_state(self, computer: int) -> int:
        """A computer's present state."""
        row = self._one("SELECT stateid FROM computer WHERE id = %s", computer)
        return row[0] if row else states.DELETED

    def set_computer(self, computer: int, state: int) -> None:
        """Set a computer's state."""
        self.connection.send("UPDATE computer SET stateid = %s WHERE id = %s", [state, computer])

    def loaded(self, computer: int) -> tuple[int, int]:
        """The image and the revision that are loaded on a computer."""
        return self._one("SELECT currentimageid, imagerevisionid FROM computer WHERE id = %s", computer) or (0, 0)

    def set_loaded(self, computer: int, image: int, revision: int) -> None:
        """Record what is loaded on a computer."""
        self.connection.send(
            "UPDATE computer SET currentimageid = %s, imagerevisionid = %s WHERE id = %s", [image, revision, computer]
        )

    def computers_of(self, request: int) -> list[int]:
        """The computers of a request's reservations."""
        rows = self.connection.send("SELECT computerid FROM reservation WHERE requestid = %s", [request]).rows
        return [row[0] for row in rows]

    def block_times_of(self, computer: int) -> list[int]:
        """The block times that have a computer, past or future."""
        return [row[0] for row in self.connection.send(_IN_BLOCKS, [computer]).rows]

    def remove_from_blocks(self, computer: int) -> None:
        """Take a computer out of every block time."""
        self.connection.send("DELETE FROM blockComputers WHERE computerid = %s", [computer])

    # --- images and settings ----------------------------------------------------------------------

    def production(self, image: int) -> int | None:
        """The production revision of an image."""
        row = self._one("SELECT id FROM imagerevision WHERE imageid = %s AND production = 1", image)
        return row[0] if row else None

    def reload_minutes(self, image: int) -> int:
        """How long an image takes to load, as its row says."""
        row = self._one("SELECT reloadtime FROM image WHERE id = %s", image)
        return row[0] if row else 0

    def next_image(self, computer: int) -> tuple[int, int]:
        """Image and revision after a user: as in the computer's earliest block time, else as loaded now."""
        return self._one(_NEXT_IMAGE, computer) or self.loaded(computer)

    def load_limit(self, node: int) -> int:
        """How many computers a node loads at once by xCAT."""
        row = self._one("SELECT hostname FROM managementnode WHERE id = %s", node)
        for name in _LIMITS:
            set_to = self._one("SELECT value FROM variable WHERE name = %s", name.format(host=row and row[0]))
            if set_to and set_to[0] not in ("", "0"):
                return int(set_to[0]) if set_to[0].isdecimal() else _LIMIT
        return _LIMIT

    def log_load(self, task: Task, step: str, now: int) -> None:
        """Log a step of a load, unless the reservation is gone."""
        if self._load_states is None:
            self._load_states = dict(self.connection.send("SELECT loadstatename, id FROM computerloadstate").rows)
        if step in self._load_states:
            values = [task.computer, self._load_states[step], self.times.local(now), task.id]
            self.connection.send(_LOG, values)

    def _one(self, sql: str, value: int | str) -> Any:
        rows = self.connection.send(sql, [value]).rows
        return rows[0] if rows else None
