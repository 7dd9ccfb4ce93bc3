"""What VCL logs about a user: `loginlog` when they sign in, `log` and `sublog` when they reserve and leave."""

from dataclasses import dataclass

from simulation.days.people import Account
from simulation.front_end.candidates import Wish
from simulation.front_end.session import FrontEnd

_LOGIN = """
INSERT INTO loginlog (user, authmech, affiliationid, `timestamp`, passfail, remoteIP)
VALUES (%s, 'Local Account', %s, %s, 1, '10.1.0.1')
"""
_LOG = """
INSERT INTO log (userid, nowfuture, start, initialend, finalend, wasavailable, ending, imageid, requestid)
VALUES (%s, 'now', %s, %s, %s, %s, 'none', %s, %s)
"""
_OF_REQUEST = "UPDATE request SET logid = %s WHERE id = %s"
_HOST = "SELECT v.computerid FROM computer c JOIN vmhost v ON v.id = c.vmhostid WHERE c.id = %s"
_OWN_BLOCK = """
SELECT w.id, t.start, t.`end` FROM blockComputers b
JOIN blockTimes t ON t.id = b.blockTimeid JOIN blockRequest w ON w.id = t.blockRequestid
WHERE b.computerid = %s AND t.start < %s AND t.`end` > %s
  AND w.groupid IN (SELECT m.usergroupid FROM usergroupmembers m WHERE m.userid = %s)
ORDER BY t.start LIMIT 1
"""
_SUBLOG = """
INSERT INTO sublog (logid, imageid, imagerevisionid, computerid, managementnodeid, hostcomputerid, blockRequestid,
                    blockStart, blockEnd)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_LOADED = "UPDATE log SET loaded = %s WHERE requestid = %s AND loaded IS NULL"
_ENDED = "UPDATE log SET finalend = %s, ending = %s WHERE requestid = %s AND ending = 'none'"
_EXTENDED = "UPDATE log SET finalend = %s WHERE requestid = %s"


@dataclass(frozen=True, slots=True)
class Got:
    """The result of a reservation; None, None: nothing was available."""

    computer: int | None
    request: int | None


class LogRows:
    """Writes them, as the front end does: with its own clock."""

    def __init__(self, front_end: FrontEnd) -> None:
        self._front_end = front_end
        self._send = front_end.connection.send

    def sign_in(self, account: Account, at: int) -> None:
        """Somebody signed in (Unix seconds)."""
        self._send(_LOGIN, [account.unityid, account.affiliation, self._front_end.utc(at)])

    def reserve(self, wish: Wish, got: Got, at: int) -> None:
        """Somebody reserved for now: `log.start` is the time when they did, or the start that was not available."""
        local = self._front_end.local
        start, end = local(at if got.computer else wish.start), local(wish.end)
        values = [wish.user, start, end, end, int(got.computer is not None), wish.image, got.request]
        log = self._send(_LOG, values).new_id
        if got.computer is None:
            return
        self._send(_OF_REQUEST, [log, got.request])
        host = self._send(_HOST, [got.computer]).rows
        block = self._send(_OWN_BLOCK, [got.computer, end, local(wish.start), wish.user]).rows
        row = [log, wish.image, wish.revision, got.computer, wish.node, host[0][0] if host else None]
        self._send(_SUBLOG, [*row, *(block[0] if block else (None, None, None))])

    def load(self, request: int, at: int) -> None:
        """The computer is ready for its user: written by the back end."""
        self._send(_LOADED, [self._front_end.local(at), request])

    def extend(self, request: int, end: int) -> None:
        """A reservation is to end later than it was."""
        self._send(_EXTENDED, [self._front_end.local(end), request])

    def leave(self, request: int, at: int, ending: str) -> None:
        """A reservation is over; `ending` is VCL's word for how."""
        self._send(_ENDED, [self._front_end.local(at), ending, request])
