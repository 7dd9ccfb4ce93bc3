"""How many machines a block time is to have: as many as the last call on record asked for (SPEC 9.1)."""

from collections.abc import Iterable
from typing import NamedTuple


class RecordedCall(NamedTuple):
    """A call about a block time that came to something, as it is on record.

    `action` is "allocate", "release", "release some", "skip" or "unskip", or "keep ready" where spares were taken or
    given back. An allocation has the machines that it asked for, "release some" those that were to be left. `spares`:
    how many were taken, below 0 for given back.
    """

    action: str
    machines: int = 0
    ignore_privileges: bool = True
    spares: int = 0


class Target(NamedTuple):
    """The machines that a block time is to have, and whether privileges are ignored when computers are chosen.

    `is_released`: staff have taken its computers away, and nobody has allocated since. `spares`: how many it has got
    besides since then; some of their computers may be lost by now, or be needed in place of others.
    """

    machines: int
    ignore_privileges: bool
    is_released: bool = False
    spares: int = 0


def target(calls: Iterable[RecordedCall], machines: int) -> Target:
    """The target by the calls on record, in their order; `machines` are those of the block request."""
    wanted = Target(machines, ignore_privileges=True)
    for call in calls:
        if call.action == "allocate":
            spares = wanted.spares + call.spares
            wanted = Target(min(call.machines, machines), call.ignore_privileges, spares=spares)
        elif call.action == "keep ready":
            wanted = wanted._replace(spares=max(wanted.spares + call.spares, 0))
        elif call.action == "release some" and call.machines:
            fewer, spares = min(call.machines, wanted.machines), max(wanted.spares + call.spares, 0)
            wanted = wanted._replace(machines=fewer, spares=spares)
        elif call.action in ("release", "release some", "skip"):
            wanted = Target(0, ignore_privileges=True, is_released=True)
        elif call.action == "unskip":  # what was before it no longer counts
            wanted = Target(machines, ignore_privileges=True)
    return wanted
