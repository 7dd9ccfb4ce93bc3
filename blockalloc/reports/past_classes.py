"""Classes that are over, by what their decisions say: VCL removes its own rows a minute after the end (SPEC 9).

A closing row says more of a class, but there is none where keep_ready did not run at its start, or where the class had
been skipped by then. Instants are Unix seconds.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, Max, OuterRef, Q
from django.db.models.functions import Coalesce

from blockalloc.models import BlockTime, Decision
from blockalloc.models.querysets import DecisionQuerySet
from blockalloc.site_time import site_zone
from scheduling.wording import at

_LONGEST = timedelta(days=7)  # no class is longer; without a limit, all older records would be read through
_SAY_NOTHING = (Decision.DRY_RUN, Decision.HOLDING)
_IN_VAIN = (Decision.REFUSED, Decision.FAILED)
_COLUMNS = (
    *("block_time_id", "block_name", "user_group", "image_name", "block_start", "block_end", "started"),
    *("action", "outcome", "person", "wanted", "allocated", "has_row"),
)


class PastClass(NamedTuple):
    """A class that is over, and the last call about it.

    `action` and `person` are those of the last call that came to something, `at` its time; "" for the action when all
    calls were in vain. `wanted` and `allocated` are machines, None where the call does not say. `has_row`: VCL has its
    block time still, though perhaps at other hours.
    """

    block_time_id: int
    name: str
    group: str
    image: str
    start: int
    end: int
    at: int
    action: str
    person: str
    wanted: int | None
    allocated: int | None
    has_row: bool

    @property
    def is_skipped(self) -> bool:
        """Whether it was skipped on the staff's pages, and nobody took that back."""
        return self.action == Decision.SKIP

    def taken_away(self, now: int) -> str:
        """`released by anna@Local at 08:12`; "" when its computers were not taken away on purpose."""
        word = {Decision.RELEASE: "released", Decision.SKIP: "skipped"}.get(self.action)
        if word is None:
            return ""
        by = f" by {self.person}" if self.person else ""
        return f"{word}{by} {at(self.at, now, site_zone())}"

    def words(self, now: int) -> str:
        """What can be told of it where nobody counted: `20 of 20 machines allocated, nobody counted`."""
        if taken := self.taken_away(now):
            return taken
        if not self.action:
            return "asked for in vain, nobody counted"
        if self.action == Decision.UNSKIP:
            return "not asked for again after it was skipped, nobody counted"
        if self.allocated is None:
            return "nobody counted"
        of = "" if self.wanted is None else f" of {self.wanted}"
        machines = "machine" if (self.allocated if self.wanted is None else self.wanted) == 1 else "machines"
        return f"{self.allocated}{of} {machines} allocated, nobody counted"


def read(decisions: DecisionQuerySet, first: datetime, last: datetime, now: int) -> dict[int, PastClass]:
    """The classes that are over at `now` and overlap the time between the two, by the ids of their block times.

    Those of which the latest of these `decisions` has other hours were moved, and are not among them. One statement at
    most: of times to come there is nothing to read.
    """
    over_by = _moment(now)
    if first >= over_by:
        return {}
    about = decisions.filter(
        block_start__gt=first - _LONGEST, block_start__lt=min(last, over_by), block_end__gt=first,
        block_end__lte=over_by, block_time_id__isnull=False,
    ).exclude(action__in=_SAY_NOTHING)  # fmt: skip
    # Of keep_ready, those that say how many machines the class has.
    done = ~Q(outcome__in=_IN_VAIN) & ~Q(action=Decision.KEEP_READY, allocated__isnull=True)
    newest = about.order_by().values("block_time_id").annotate(newest=Coalesce(Max("pk", filter=done), Max("pk")))
    later = Decision.objects.filter(block_time_id=OuterRef("block_time_id"), pk__gt=OuterRef("pk"))
    moved = later.filter(block_start__isnull=False).exclude(block_start=OuterRef("block_start"))
    rows = Decision.objects.filter(~Exists(moved), pk__in=newest.values("newest")).annotate(
        has_row=Exists(BlockTime.objects.filter(pk=OuterRef("block_time_id")))
    )
    ordered = rows.order_by("block_start", "block_time_id").values_list(*_COLUMNS)
    return {each.block_time_id: each for each in (_past_class(*values) for values in ordered)}


def _past_class(
    block_time_id: int, name: str, group: str, image: str, start: datetime, end: datetime, started: datetime,
    action: str, outcome: str, person: str, wanted: int | None, allocated: int | None, has_row: bool,
) -> PastClass:  # fmt: skip
    action = "" if outcome in _IN_VAIN else Decision.ALLOCATE if action == Decision.KEEP_READY else action
    hours = _seconds(start), _seconds(end), _seconds(started)
    return PastClass(block_time_id, name, group, image, *hours, action, person, wanted, allocated, bool(has_row))


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
