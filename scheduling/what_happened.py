"""What happened to a block time that lacks machines, or that is skipped: what is on record of it, in words.

Facts in, words out. How bad it is, `readiness` says.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scheduling.ready_computer import BlockFacts
from scheduling.wording import at, computers, plural

NO_RECORD = (
    "no call for it is on record here: the service could not be reached when the back end asked, "
    "or another one was asked"
)


_ALLOCATE, _KEEP_READY, HELD_BACK = "allocate", "keep ready", "held back"
_RELEASE_SOME = "release some"
_CALLS = (_ALLOCATE, _KEEP_READY, HELD_BACK)  # for machines


class Call(NamedTuple):
    """A call on record about a block time. `at` is its time (Unix seconds), `person` who made it, "" for a program.

    `action` is "allocate", "keep ready" (of keep_ready, or of a person who had it done), "held back" (keep_ready loads
    nothing more, for the reason in `why`), "release", "release some", "skip" or "unskip". After one of the first two
    the block time had `allocated` of the `wanted` machines; after "release some", which took away so many `computers`,
    it was to have `wanted`. `why` says why there were not more, or why the call came to nothing: then it is not `done`.
    `reason`: what the person gave for a release or a skip.
    """

    at: int
    action: str
    done: bool
    person: str = ""
    wanted: int = 0
    allocated: int = 0
    why: str = ""
    reason: str = ""
    computers: int = 0


class Gone(NamedTuple):
    """A computer that the block time had and has no longer. `failed`: its state is that after a failed load."""

    hostname: str
    failed: bool


class Record(NamedTuple):
    """What is on record of a block time: its calls in their order, and the computers that it had and has no longer.

    Computers that it had before the last release are not among these: what became of them is known.
    """

    calls: Sequence[Call] = ()
    gone: Sequence[Gone] = ()

    @property
    def last_done(self) -> Call | None:
        """The last call that came to something."""
        return next((call for call in reversed(self.calls) if call.done), None)

    @property
    def is_released(self) -> bool:
        """Whether somebody took its computers away on purpose, and nobody has asked for others since."""
        last = self.last_done
        return last is not None and (last.action in ("release", "skip") or _leaves_nothing(last))

    @property
    def is_released_for_good(self) -> bool:
        """Whether nobody asks for computers any more until somebody allocates again: a release does that (SPEC 9.1)."""
        last = self.last_done
        return last is not None and (last.action == "release" or _leaves_nothing(last))

    @property
    def released_some(self) -> Sequence[Call]:
        """The releases of some of its computers since somebody asked for machines last, the oldest first."""
        since = takewhile(lambda call: call.action in (_KEEP_READY, HELD_BACK, _RELEASE_SOME), reversed(self._done))
        return [call for call in since if call.action == _RELEASE_SOME][::-1]

    def machines(self, wanted: int) -> int:
        """Of the machines that its request wants, those that it is to have after releases of some computers."""
        return min([wanted, *(call.wanted for call in self.released_some)])

    @property
    def last_but_releases(self) -> Call | None:
        """The last call that came to something, releases of some computers aside."""
        return next((call for call in reversed(self._done) if call.action != _RELEASE_SOME), None)

    @property
    def _done(self) -> Sequence[Call]:
        return [call for call in self.calls if call.done]

    def without_people(self) -> "Record":
        """The same without names and the reasons that people gave, for readers who need not know who it was."""
        return self._replace(calls=[call._replace(person="", reason="") for call in self.calls])


def _leaves_nothing(call: Call) -> bool:
    return call.action == _RELEASE_SOME and not call.wanted


EMPTY = Record()


def skipped(record: Record, now: int, zone: ZoneInfo) -> str:
    """Of a block time that is skipped: by whom and when, where that is known. VCL's own pages leave no record."""
    last = record.last_done
    return "skipped" if last is None or last.action != "skip" else f"skipped{_by_and_why(last, now, zone)}"


def why_short(block: BlockFacts, allocated: int, record: Record, now: int, zone: ZoneInfo) -> list[str]:
    """Why the block time has only `allocated` machines, or none; nothing when nobody has asked for any so far."""
    last = record.last_done
    asked = next((call for call in reversed(record.calls) if call.done and call.action == _ALLOCATE), None)
    texts = [
        *_last(block, last, asked, record, now, zone),
        *_taken_away(allocated, last, record.gone),
        *_refused(record, now, zone),
    ]
    is_asked = block.processed or allocated > 0
    return texts or ([NO_RECORD] if is_asked and (last is None or last.action == "unskip") else [])


def _last(
    block: BlockFacts, last: Call | None, asked: Call | None, record: Record, now: int, zone: ZoneInfo
) -> list[str]:
    """What the last call that came to something explains."""
    if last is None or last.action == "unskip":  # what was before it no longer counts
        return []
    if some := record.released_some:
        released = [f"{plural(call.computers, 'computer')} released{_by_and_why(call, now, zone)}" for call in some]
        other = record.last_but_releases
        is_short = other is not None and other.action in _CALLS and other.allocated < other.wanted
        return [*released, *(_last(block, other, asked, EMPTY, now, zone) if is_short else ())]
    if last.action in (_ALLOCATE, _KEEP_READY):
        return _of_allocation(block, last, asked, now, zone)
    if last.action == HELD_BACK:
        return [f"held back by keep_ready {at(last.at, now, zone)} ({last.why})"]
    by_and_why = _by_and_why(last, now, zone)
    if last.action == "release":
        return [f"released{by_and_why}"]
    return [f"released when it was skipped{by_and_why}"]


def _of_allocation(block: BlockFacts, last: Call, asked: Call | None, now: int, zone: ZoneInfo) -> list[str]:
    """What an allocation explains. `asked`: the last call that said how many machines are wanted."""
    if last.allocated < last.wanted:
        number = f"only {last.allocated} of {last.wanted}" if last.allocated else "none"
        had = f"{number} could be allocated"
        return [f"{_asked(last)} {at(last.at, now, zone)}, {had}{f' ({last.why})' if last.why else ''}"]
    if last.wanted >= block.machines:
        return []
    return [f"only {last.wanted} {_asked(asked)} {at(asked.at, now, zone)}" if asked else f"only {last.wanted} wanted"]


def _taken_away(allocated: int, last: Call | None, gone: Sequence[Gone]) -> list[str]:
    """The computers that the block time had and lost, or how many machines where nobody knows which."""
    texts = []
    if failed := [each.hostname for each in gone if each.failed]:
        texts.append(f"{_were(failed)} taken away after {'a failed load' if len(failed) == 1 else 'failed loads'}")
    if others := [each.hostname for each in gone if not each.failed]:
        texts.append(f"{_were(others)} taken away since")
    counted = (_ALLOCATE, _KEEP_READY, _RELEASE_SOME)
    if not texts and last is not None and last.action in counted and last.allocated > allocated:
        lost = last.allocated - allocated
        texts.append(f"{plural(lost, 'machine')} that it had {'was' if lost == 1 else 'were'} taken away since")
    return texts


def _refused(record: Record, now: int, zone: ZoneInfo) -> list[str]:
    """The last call for computers that failed, unless one has succeeded since."""
    since = list(takewhile(lambda call: not call.done, reversed(record.calls)))
    last = next((call for call in since if call.action in (_ALLOCATE, _KEEP_READY)), None)
    if last is None:
        return []
    return [f"{_asked(last)} {at(last.at, now, zone)} in vain ({last.why})"]


def _asked(call: Call) -> str:
    if call.action != _KEEP_READY:
        return f"asked for{_who(call)}"
    return f"put right{_who(call)}" if call.person else "looked at again by keep_ready"


def _by_and_why(call: Call, now: int, zone: ZoneInfo) -> str:
    """Who did it, when, and why: ` by anna@Local at 08:12: the room is closed`."""
    return f"{_who(call)} {at(call.at, now, zone)}{f': {call.reason}' if call.reason else ''}"


def _who(call: Call) -> str:
    return f" by {call.person}" if call.person else ""


def _were(names: Sequence[str]) -> str:
    return f"{computers(names)} {'was' if len(names) == 1 else 'were'}"
