"""The changes that matter to people, and what somebody knows who has been told some of them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class What(StrEnum):
    """What changes for people."""

    SHORT = "short"
    AT_RISK = "at risk"
    NOT_READY = "not ready at the start"
    MENDED = "mended"
    READY = "ready"


class State(NamedTuple):
    """What is wrong with a class, or is believed to be. `missing` machines, 0 for none; at risk; late."""

    missing: int = 0
    is_at_risk: bool = False
    is_late: bool = False

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return self == State()

    def after(self, what: What, missing: int = 0) -> "State":
        """What it is after a change; `missing` machines are missing then."""
        match what:
            case What.SHORT:
                return self._replace(missing=missing)
            case What.AT_RISK:
                return self._replace(is_at_risk=True)
            case What.NOT_READY:
                return self._replace(is_late=True)
            case What.MENDED:
                return self._replace(missing=0)
            case What.READY:
                return State()


class Timed(NamedTuple):
    """A change that became so, or became known, at a time (Unix seconds)."""

    at: int
    what: What
    missing: int = 0


def course_of(changes: Iterable[Timed]) -> list[tuple[int, State]]:
    """From when on what is so; of changes at the same second only what is so after the last one."""
    states: list[tuple[int, State]] = []
    now = State()
    for change in changes:
        now = now.after(change.what, change.missing)
        if states and states[-1][0] == change.at:
            states.pop()
        states.append((change.at, now))
    return states
