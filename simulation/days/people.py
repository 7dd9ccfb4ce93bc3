"""The accounts of users: the one who has not been here for longest comes next."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from simulation.connections import Connection

_ACCOUNTS = "SELECT u.id, u.unityid, u.affiliationid FROM user u WHERE u.id IN ({marks}) ORDER BY u.id"


@dataclass(frozen=True, slots=True)
class Account:
    """A VCL account."""

    id: int
    unityid: str
    affiliation: int


class People:
    """The users with these ids, who take turns. Raises LookupError when there is none."""

    def __init__(self, connection: Connection, ids: Iterable[int]) -> None:
        wanted = list(ids)
        marks = ", ".join(["%s"] * len(wanted)) or "NULL"
        self._waiting = deque(Account(*row) for row in connection.send(_ACCOUNTS.format(marks=marks), wanted).rows)
        if not self._waiting:
            raise LookupError(f"table user has none of the ids {wanted[:5]} …: give the ids of users")

    def next(self) -> Account:
        """The one whose turn it is."""
        self._waiting.rotate(-1)
        return self._waiting[-1]
