"""What the kept forecast says of classes and days, in words; names within the scope of the person who reads them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

from blockalloc.forecasting.freshness import ago, checked_ago, is_current
from blockalloc.models import BlockTime, Request
from blockalloc.models.scope import Scope
from blockalloc.reports.readiness import BlockTimeReadiness
from blockalloc.reports.upkeep import Line
from blockalloc.site_time import local_to_instant, site_zone
from blockalloc.store import forecasts as store
from blockalloc.store.background import Background
from blockalloc.store.forecasts import InTheWayKept, Kept, Run
from scheduling.readiness import ASKED_AHEAD, Signal
from scheduling.wording import plural

FOREIGN = "of another affiliation"
NOT_CHECKED = "not checked"

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a class to come will get: of the `wanted` machines `machines`; its block request is for `requested`.

    `level`: "watch" when machines will be missing, "good" otherwise. `in_the_way` are bookings of computers that it
    could have had, those that the person may not see without a name; `links` the ids of the classes that `words` name,
    by name.
    """

    block_time_id: int
    start: int
    end: int
    wanted: int
    machines: int
    fit: int
    requested: int
    level: Literal["good", "watch"]
    words: str
    why: str = ""
    in_the_way: Sequence[InTheWayKept] = ()
    links: Mapping[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """How many machines it will lack."""
        return max(self.wanted - self.machines, 0)

    @property
    def number(self) -> str:
        """`48 of 50 machines`."""
        return f"{self.machines} of {plural(self.requested, 'machine')}"


class DayChecked(NamedTuple):
    """A day of the site's calendar, and whether the forecast covers it."""

    day: date
    is_checked: bool


class Forecasts:
    """The kept forecast as somebody with `scope` reads it at `now` (Unix seconds).

    A forecast that nobody has checked for a while says nothing: neither of classes nor of days. `with_short`: what is
    read of any classes is read together with those that will be short, for a page that shows both.
    """

    def __init__(
        self, now: int, scope: Scope, *, with_short: bool = False, background: Background | None = None
    ) -> None:
        self.now, self.scope = now, scope
        self._background = background
        self._with_short = with_short
        self._short: list[Kept] | None = None
        self._seen: set[tuple[str, int]] = set()  # bookings of which is known whether the person may see them
        self._may_see: set[tuple[str, int]] = set()

    @cached_property
    def run(self) -> Run | None:
        """The last forecast. One statement, once; none if `background` has it."""
        return self._background.run if self._background else store.last_run()

    @property
    def until(self) -> int:
        """Up to when classes have been looked at (Unix seconds); `now` where nothing is to be believed."""
        return self.run.until if self.run is not None and self.problem == "" else self.now

    @property
    def problem(self) -> str:
        """Why the forecast says nothing, in words; "" when it does."""
        run = self.run
        if run is None or not run.made:
            return "no forecast has been made"
        if run.problem:
            return "the last forecast failed"
        return "" if is_current(run, self.now) else f"the forecast was last checked {checked_ago(run, self.now)}"

    def state(self) -> Line:
        """When it was checked and how far it goes, or why it says nothing."""
        if self.problem:
            return Line("watch", f"{NOT_CHECKED} ahead: {self.problem}")
        checked = ago(self.now - (self.run.checked if self.run else 0))
        return Line("plain", f"forecast checked {checked}, up to {self._last_day}")

    @property
    def _last_day(self) -> str:
        """The day on which the last class begins that it covers: `Tue 30 Mar 2027`."""
        last, today = (datetime.fromtimestamp(each, site_zone()) for each in (self.until - 1, self.now))
        return f"{last:%a} {last.day} {last:%b}{'' if last.year == today.year else f' {last.year}'}"

    def why_not_checked(self, start: int) -> str:
        """Why nothing is foreseen of a class that begins then."""
        if self.problem:
            return self.problem
        if start >= self.until:
            return f"the forecast ends on {self._last_day}"
        return "the class was made or changed after the last forecast"

    def days(self, first: date, number: int) -> list[DayChecked]:
        """`number` days from `first` on, and whether they were looked at to their end."""
        return [
            DayChecked(day, not self.problem and _midnight(day + _DAY) <= self.until)
            for day in (first + each * _DAY for each in range(number))
        ]

    def kept(self, ids: Collection[int]) -> dict[int, Kept]:
        """The rows of those that have been looked at: numbers, and reasons with everybody's names. Two statements."""
        if not ids or self.problem:
            return {}
        if not self._with_short or self._short is not None:
            return store.of_block_times(ids)
        wanted, rows = set(ids), store.of_block_times_and_short(ids, self.now, self.until)
        self._short = [row for row in rows if row.missing and self.now <= row.start < self.until]
        self._look_at(rows)
        return {row.block_time_id: row for row in rows if row.block_time_id in wanted}

    def short(self) -> list[Kept]:
        """The classes to come that will lack machines, by start. One statement at most."""
        if self._short is None:
            self._short = store.short_between(self.now, self.until) if not self.problem else []
        return self._short

    def of_block_times(self, ids: Collection[int]) -> dict[int, Foreseen]:
        """What is foreseen of those that have been looked at. Two statements, and two more in a limited scope."""
        return {each.block_time_id: each for each in self.in_words(self.kept(ids).values())}

    def of_classes(self, classes: Iterable[BlockTimeReadiness]) -> dict[int, Foreseen]:
        """The same for those of the classes that are to come and do not have all machines yet, as they are now."""
        to_come = {each.id: each for each in classes if needs_forecast(each, self.now)}
        as_they_are = {id_: (each.start, each.end, each.readiness.wanted) for id_, each in to_come.items()}
        return self.of_those(as_they_are)

    def of_those(self, as_they_are: Mapping[int, tuple[int, int, int]]) -> dict[int, Foreseen]:
        """The same of block times (ids) that begin and end then, and whose block requests are for so many machines."""
        kept = self.kept(as_they_are)
        return {
            each.block_time_id: each
            for each in self.in_words(row for id_, row in kept.items() if row.is_of(*as_they_are[id_]))
        }

    def numbers_of_short(self, classes: Iterable[BlockTimeReadiness]) -> dict[int, str]:
        """`48 of 50`, for those of the classes that nobody has asked for yet and that will be short. Two statements."""
        kept = self.short()
        asked = {each.id: each for each in classes if needs_forecast(each, self.now) and not each.readiness.computers}
        return {
            each.block_time_id: f"{each.machines} of {each.requested}"
            for each in kept
            if (now := asked.get(each.block_time_id)) and each.is_of(now.start, now.end, now.readiness.wanted)
        }

    def in_words(self, rows: Iterable[Kept]) -> list[Foreseen]:
        """Kept rows in words. Two statements at most, none in an unlimited scope."""
        rows = list(rows)
        self._look_at(rows)
        return [self._in_words(row) for row in rows]

    def _look_at(self, rows: Iterable[Kept]) -> None:
        """Find out which of the bookings that the rows name the person may see."""
        new = {(each.kind, each.id) for row in rows for each in row.in_the_way} - self._seen
        self._seen |= new
        self._may_see.update(self._visible(new))

    def _visible(self, bookings: Collection[tuple[str, int]]) -> Collection[tuple[str, int]]:
        """Those bookings (kind, id) that the person may see."""
        if not self.scope.is_limited or not bookings:
            return bookings
        ids = {kind: [id_ for each, id_ in bookings if each == kind] for kind in ("request", "block time")}
        users = Request.objects.filter(pk__in=ids["request"], user__affiliation=self.scope.affiliation_id)
        times = BlockTime.objects.within(self.scope).filter(pk__in=ids["block time"])
        return {
            *(("request", id_) for id_ in users.values_list("pk", flat=True)),
            *(("block time", id_) for id_ in times.values_list("pk", flat=True)),
        }

    def _in_words(self, row: Kept) -> Foreseen:
        visible = self._may_see
        bookings = [each if (each.kind, each.id) in visible else each._replace(name=FOREIGN) for each in row.in_the_way]
        why = "; ".join(filter(None, [_lowered(row), _why_for(row, bookings)]))
        # Of classes with one name the first is meant: it has the most computers.
        links = {each.name: each.id for each in reversed(bookings) if each.kind == "block time" and _is_named(each)}
        return Foreseen(
            block_time_id=row.block_time_id,
            start=row.start,
            end=row.end,
            wanted=row.wanted,
            machines=row.machines,
            fit=row.fit,
            requested=row.requested,
            level="watch" if row.machines < row.wanted else "good",
            words=_words(row, why),
            why=why,
            in_the_way=bookings,
            links=links,
        )


def needs_forecast(block_time: BlockTimeReadiness, now: int) -> bool:
    """Whether a forecast says most of what the class will have: it is to come, and does not have all machines yet.

    Once it has computers and is due, readiness says more.
    """
    ready = block_time.readiness
    is_due = bool(ready.computers) and ready.left <= ASKED_AHEAD
    to_come = block_time.start > now and block_time.is_current_or_upcoming(now)
    return to_come and ready.allocated < ready.wanted and not is_due


def with_outlook(block_time: BlockTimeReadiness, foreseen: Foreseen | None) -> BlockTimeReadiness:
    """With what is foreseen in its signal: to be watched if it will be short, when nothing worse is said of it."""
    ready = block_time.readiness
    if foreseen is None or ready.computers:  # what became of the call for them says more
        return block_time
    if ready.released >= foreseen.requested:  # nobody will ask for any, as its signal says
        return block_time
    old = ready.signal
    if foreseen.missing and old.level == "plain":
        new = Signal("watch", (foreseen.words, *old.words))
    else:
        new = Signal(old.level, (*old.words, foreseen.words), old.is_risk)
    return replace(block_time, readiness=replace(ready, signal=new))


def _words(row: Kept, why: str) -> str:
    if row.machines >= row.requested:
        return f"all {row.wanted} machines foreseen" if row.wanted != 1 else "its machine is foreseen"
    foreseen = f"{row.machines} of {plural(row.requested, 'machine')} foreseen"
    return f"{foreseen}: {why}" if why else foreseen


def _why_for(row: Kept, bookings: Sequence[InTheWayKept]) -> str:
    """The reason as it is kept, said anew if it names a booking whose name is left out in `bookings`."""
    for shown, named in zip(bookings, row.in_the_way, strict=True):
        if row.why == _why(named._replace(name=named.name or f"{named.kind} {named.id}")):
            return _why(shown) if shown != named else row.why
    both = zip(bookings, row.in_the_way, strict=True)
    hidden = next((shown for shown, named in both if shown != named and named.name and named.name in row.why), None)
    return _why(hidden) if hidden else row.why


def _is_named(booking: InTheWayKept) -> bool:
    return booking.name not in ("", FOREIGN)


def _lowered(row: Kept) -> str:
    """That somebody has asked for fewer machines than the block request wants, or released some."""
    if row.wanted >= row.requested:
        return ""
    return f"it is to have no more than {row.wanted}" if row.wanted else "it is to have none"


def _why(booking: InTheWayKept) -> str:
    """Why there are no more, said anew of a booking that may have no name."""
    what = "a class" if booking.kind == "block time" else "a user"
    name = f"{what} {FOREIGN}" if booking.name == FOREIGN else booking.name
    return f"{name} has {booking.computers} of the computers"


def _midnight(day: date) -> int:
    return int(local_to_instant(datetime(day.year, day.month, day.day)).timestamp())
