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
    """What is wrong with a class, or is believed to be."""

    is_short: bool = False
    is_at_risk: bool = False
    is_late: bool = False

    @property
    def in_trouble(self) -> bool:
        """Whether anything is wrong."""
        return self != State()

    def is_like(self, other: "State") -> bool:
        """Whether both are the same to people: something is wrong or not, and machines are missing or not."""
        return (self.is_short, self.in_trouble) == (other.is_short, other.in_trouble)

    def after(self, what: What, missing: int) -> "State":
        """What it is after a change; `missing` machines are missing then."""
        is_short = self.is_short or missing > 0
        match what:
            case What.SHORT:
                return self._replace(is_short=True)
            case What.AT_RISK:
                return self._replace(is_at_risk=True, is_short=is_short)
            case What.NOT_READY:
                return self._replace(is_late=True, is_short=is_short)
            case What.MENDED:
                return self._replace(is_short=False)
            case What.READY:
                return State()


class Timed(NamedTuple):
    """A change that became so, or became known, at a time (Unix seconds); `missing` machines were missing then."""

    at: int
    what: What
    missing: int


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


def state_at(states: Iterable[tuple[int, State]], at: int) -> State:
    """What is so at a time (Unix seconds)."""
    return next((state for since, state in reversed(list(states)) if since <= at), State())
