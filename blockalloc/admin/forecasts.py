"""What is foreseen of classes and series: columns and filters of lists, and a section of the page of a class."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blockalloc import clock
from blockalloc.admin.class_rows import class_row_of
from blockalloc.admin.counts import lacks_machines, number_of
from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, now
from blockalloc.forecasting.forecasts import STALE
from blockalloc.forecasting.freshness import CLOCKS_DIFFER
from blockalloc.models import BlockComputer, BlockRequest, BlockTime, Forecast, ForecastRun
from blockalloc.models.querysets import unexpired
from blockalloc.models.scope import Scope, scope_of
from blockalloc.pages.columns import column, fact, signal
from blockalloc.pages.linked import linked
from blockalloc.reports.forecasts import FOREIGN, NOT_CHECKED, Forecasts, Foreseen, needs_forecast
from blockalloc.reports.readiness import BlockTimeReadiness
from blockalloc.store.forecasts import InTheWayKept, Kept
from scheduling.readiness import ASKED_AHEAD
from scheduling.vcl_names import ACCEPTED

_TEXTS = "_blockalloc_foreseen"  # where a request caches those of a series


# --- Columns ----------------------------------------------------------------------------------------


@column("Foreseen")
def foreseen(time: BlockTime) -> str | None:
    """How many machines the class will have; nothing of one that has all of them, or has computers and is due."""
    text = str(getattr(time, "foreseen", ""))
    seen = class_row_of(time)
    is_due = seen.has_computers and time.start <= _due()
    if not text or seen.has_all or is_due or not _is_to_come(time):
        return None
    level, _, words = text.partition(":")
    if words == NOT_CHECKED and time.processed and not seen.has_computers:
        return None  # nobody will ask for any: it was released
    return signal(level, words) if level != "plain" else words


def texts_of(times: Iterable[BlockTime]) -> dict[int, str]:
    """Block time id -> "level:text" for the column `foreseen`, of those to come. Two statements at most."""
    to_come = {time.pk: time for time in times if _is_to_come(time)}
    found = Forecasts(clock.now(), Scope()).kept(to_come)  # numbers only: no name is shown
    return {id_: _text(time, found.get(id_)) for id_, time in to_come.items()}


def foreseen_of_series(request: HttpRequest) -> Case | Value:
    """The same for the block times of the page's block request, as a column: functions of columns get rows only."""
    key = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
    if not (key.isdecimal() and len(key) < 10):
        return Value("")
    if not hasattr(request, _TEXTS):
        times = BlockTime.objects.filter(blockRequest=int(key), end__gt=now()).select_related("blockRequest")
        columns = ("start", "end", "skip", "processed", "blockRequest__numMachines", "blockRequest__status")
        setattr(request, _TEXTS, texts_of(times.only(*columns, "blockRequest__expireTime")))
    whens = [When(pk=time, then=Value(text)) for time, text in getattr(request, _TEXTS).items()]
    return Case(*whens, default=Value(""), output_field=CharField()) if whens else Value("")


def _text(time: BlockTime, kept: Kept | None) -> str:
    as_it_is = (int(time.start.timestamp()), int(time.end.timestamp()), time.blockRequest.numMachines)
    if kept is None or not kept.is_of(*as_it_is):
        return f"plain:{NOT_CHECKED}"
    return f"{'watch' if kept.missing else 'plain'}:{kept.machines} of {kept.requested}"


def _is_to_come(time: BlockTime) -> bool:
    return time.start > now() and time.block_status.is_current_or_upcoming(clock.now())


@column("Forecast")
def foreseen_of_request(request: BlockRequest) -> str | None:
    """How many of the classes that nobody has asked for yet will be short; and how many were released."""
    classes, short = fact(request, "classes_foreseen"), fact(request, "classes_short")
    released, to_come = fact(request, "classes_released"), fact(request, "times_to_come")
    if not short and (request.status != ACCEPTED or not to_come):
        return None
    beside = f"{released} of {max(to_come, released)} released" if released else ""
    if short:
        return format_html(
            "{}{}", signal("watch", f"{short} of {classes} will be short"), f"; {beside}" if beside else ""
        )
    if not classes:
        return beside or (None if fact(request, "classes_checked") else NOT_CHECKED)
    return "; ".join(filter(None, (f"{classes} not allocated yet, none short", beside)))


def with_forecast(requests: QuerySet[BlockRequest]) -> QuerySet[BlockRequest]:
    """With the number of classes to come that have been looked at, of those that will be short, and of released ones.

    Nobody will ask for the computers of a released class: its forecast wants none.
    """
    all_ = _rows().filter(block_request_id=OuterRef("pk"), start__gt=_due())
    has_computers = Exists(BlockComputer.objects.filter(blockTime=OuterRef("pk")))
    rows = all_.filter(~Q(has_computers) | Q(machines__lt=F("wanted")), wanted__gt=0)
    return requests.annotate(
        classes_foreseen=number_of(rows, "block_request_id"),
        classes_checked=number_of(all_, "block_request_id"),
        classes_released=number_of(all_.filter(wanted=0), "block_request_id"),
        classes_short=number_of(rows.filter(machines__lt=F("wanted")), "block_request_id"),
    )


def _rows() -> QuerySet[Forecast]:
    """What is foreseen of classes to come; nothing once nobody has checked it for a while."""
    return Forecast.objects.filter(Exists(_current_runs()), start__gt=now())


def _due() -> datetime:
    """Classes that begin by then have been asked for, as a rule."""
    return now() + timedelta(seconds=ASKED_AHEAD)


def _current_runs() -> QuerySet[ForecastRun]:
    """The last run, if it counts: see forecasting.freshness."""
    first, last = now() - timedelta(seconds=STALE), now() + timedelta(seconds=CLOCKS_DIFFER)
    return ForecastRun.objects.filter(pk=1, problem="", checked__gt=first, checked__lte=last)


# --- Filters ----------------------------------------------------------------------------------------


class ForecastFilter(ChoiceFilter):
    """What is foreseen of classes to come that do not have all their machines yet."""

    title = "forecast"
    parameter_name = "forecast"

    def options(self) -> dict[str, Choice]:
        """Short, with all machines, or not checked."""
        open_ = Q(skip=0, blockRequest__status=ACCEPTED, start__gt=now()) & unexpired("blockRequest__")
        open_ &= lacks_machines()
        open_ &= ~Q(Exists(BlockComputer.objects.filter(blockTime=OuterRef("pk")))) | Q(start__gt=_due())
        rows = _rows().filter(pk=OuterRef("pk"))
        asked_in_vain = Q(processed=1) & ~Q(Exists(BlockComputer.objects.filter(blockTime=OuterRef("pk"))))
        return {
            ALL: Choice("All", Q()),
            "short": Choice("Short", open_ & Q(Exists(rows.filter(machines__lt=F("wanted"))))),
            "complete": Choice("All machines", open_ & Q(Exists(rows.filter(machines__gte=F("requested"))))),
            "not-checked": Choice("Not checked", open_ & ~Q(Exists(rows)) & ~asked_in_vain),
        }


class SeriesForecastFilter(ChoiceFilter):
    """What is foreseen of the classes of a series."""

    title = "forecast"
    parameter_name = "forecast"

    def options(self) -> dict[str, Choice]:
        """With classes that will be short, or all."""
        rows = _rows().filter(block_request_id=OuterRef("pk"), machines__lt=F("wanted"), start__gt=_due())
        return {ALL: Choice("All", Q()), "short": Choice("Short", Q(Exists(rows)))}


# --- The page of a class ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """What the page of a class says of the forecast.

    `foreseen` is None when nobody has looked at the class, for the reason `why_not`; `made` and `checked` are when the
    forecast was (Unix seconds).
    """

    foreseen: Foreseen | None
    why_not: str
    made: int = 0
    checked: int = 0

    @property
    def why(self) -> SafeString:
        """Why there will be no more machines, with links; "" for no reason."""
        return linked(self.foreseen.why, self.foreseen.links) if self.foreseen else SafeString("")

    @property
    def in_the_way(self) -> list[tuple[InTheWayKept, SafeString]]:
        """The bookings in the way, with what they are, linked."""
        found = self.foreseen
        return [(each, linked(_booking(each), found.links)) for each in found.in_the_way] if found else []


def section_of(class_: BlockTimeReadiness, request: HttpRequest) -> Section | None:
    """The section of a class; None for one that is not to come, or has all its machines. Four statements at most."""
    at = clock.now()
    if not needs_forecast(class_, at):
        return None
    forecasts = Forecasts(at, scope_of(request.user))
    found = forecasts.of_classes([class_]).get(class_.id)
    if found is None and (class_.readiness.computers or class_.readiness.signal.level != "plain"):
        return None  # somebody has asked, for another number of machines, or nobody will: it was released
    if found is None or forecasts.run is None:
        return Section(None, forecasts.why_not_checked(class_.start))
    return Section(found, "", forecasts.run.made, forecasts.run.checked)


def _booking(booking: InTheWayKept) -> str:
    """`class CS420 midterm exam`, `request 17 (anna@Local)`; `class of another affiliation`, without its id."""
    if booking.name == FOREIGN:
        return f"{'class' if booking.kind == 'block time' else 'reservation'} {FOREIGN}"
    if booking.kind == "block time":
        return f"class {booking.name or booking.id}"
    return f"request {booking.id}{f' ({booking.name})' if booking.name else ''}"
