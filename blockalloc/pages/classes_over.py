"""Classes that are over: what came of each, in words, for "Today", "This week" and the page of a class."""

from dataclasses import dataclass
from datetime import datetime

from blockalloc.models import BlockTime, ClassHeld, Decision
from blockalloc.reports import past_classes
from blockalloc.reports.past_classes import PastClass
from blockalloc.site_time import site_zone

_OVER, _SKIPPED = "Over", "Skipped"


@dataclass(frozen=True, slots=True)
class Over:
    """A class that is over; times are Unix seconds.

    `label` is a word for it, `words` what came of it. `wanted`, `had` and `ready_at_start` are machines, None where
    nobody knows. A skipped class did not take place. `has_row_elsewhere`: it is no class of these hours if VCL shows it
    at others.
    """

    block_time_id: int
    name: str
    group: str
    image: str
    start: int
    end: int
    label: str
    words: str
    wanted: int | None
    had: int | None
    ready_at_start: int | None = None
    is_skipped: bool = False
    has_row_elsewhere: bool = False


def of_class(time: BlockTime, now: int) -> Over | None:
    """What came of a class whose hours are over; None where nothing is kept of it. Two statements at most."""
    if time.end.timestamp() > now:
        return None
    past = past_classes.read(Decision.objects.filter(block_time_id=time.pk), time.start, time.end, now).get(time.pk)
    at = datetime.fromtimestamp(now, site_zone())
    row = ClassHeld.objects.filter(pk=time.pk).over_between(time.start, time.end, at).first()
    found = by_closing_row(row, past, now) if row else by_decisions(past, now) if past else None
    return found if found and is_told_by(found, skip=bool(time.skip)) else None


def is_told_by(over: Over, *, skip: bool) -> bool:
    """Whether it is what to say of a class over which VCL's row has `skip`: they agree on whether it was skipped."""
    return not skip or over.is_skipped


def by_closing_row(row: ClassHeld, past: PastClass | None, now: int) -> Over:
    """A class that a look of keep_ready saw begin; `past` is what its decisions say, None when there are none."""
    taken_away = past.taken_away(now) if past else ""
    return Over(
        block_time_id=row.pk,
        name=row.block_name,
        group=row.user_group,
        image=row.image_name,
        start=int(row.start.timestamp()),
        end=int(row.end.timestamp()),
        label=_OVER,
        words="; ".join(filter(None, (taken_away, _counted(row)))),
        wanted=row.wanted,
        had=row.had,
        ready_at_start=row.ready_at_start,
    )


def by_decisions(past: PastClass, now: int) -> Over:
    """A class without a closing row."""
    words = past.words(now)
    return Over(
        block_time_id=past.block_time_id,
        name=past.name,
        group=past.group,
        image=past.image,
        start=past.start,
        end=past.end,
        label=_SKIPPED if past.is_skipped else _OVER,
        words=words.removeprefix("skipped ") if past.is_skipped else words,
        wanted=past.wanted,
        had=past.allocated,
        is_skipped=past.is_skipped,
        has_row_elsewhere=past.has_row,
    )


def _counted(row: ClassHeld) -> str:
    """`28 of 30 machines ready at the start, 29 five minutes later; 26 computers used at the peak, 21.4 in the mean`.

    The same number five minutes later is not worth a word.
    """
    parts = []
    if row.ready_at_start is not None:
        parts.append(f"{row.ready_at_start} of {row.wanted} machines ready at the start")
        if row.ready_after_five not in (None, row.ready_at_start):
            parts[-1] += f", {row.ready_after_five} five minutes later"
    elif row.ready_after_five is not None:
        parts.append(f"{row.ready_after_five} of {row.wanted} machines ready five minutes after the start")
    if row.used_at_peak:
        computers = f"{row.used_at_peak} computer{'' if row.used_at_peak == 1 else 's'}"
        parts.append(f"{computers} used at the peak, {row.used_in_the_mean or 0:.1f} in the mean")
    elif row.used_at_peak == 0:
        parts.append("nobody used it")
    return "; ".join(parts)
