"""The daily summary: the classes of today and the coming week, how those of yesterday came, what was not delivered."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.urls import reverse

from blockalloc.models import BlockTime, ClassHeld, Message
from blockalloc.models.scope import Scope
from blockalloc.notifications import wording
from blockalloc.notifications.audience import Person
from blockalloc.notifications.composing import frame_of
from blockalloc.notifications.letter import Letter, Section
from blockalloc.notifications.week_ahead import week_ahead
from blockalloc.reports.readiness import BlockTimeReadiness, read
from blockalloc.reports.upkeep import heartbeat
from blockalloc.site_time import local_to_instant, site_zone
from scheduling.wording import plural

_DAY = timedelta(days=1)
_MOST_FAILED = 20  # messages; the page has them all
_LABELS = {"bad": "at risk: ", "watch": "to watch: "}
_NOT_LOOKED_AT = "nobody counted at the start"

Lines = list[tuple[str, str]]


def letter_of_summary(person: Person, day: date, key: str, at: int) -> Letter | None:
    """The summary of a day of the site's calendar for one recipient, of the classes in their scope.

    None when there is nothing to tell: no classes, no trouble. `at` (Unix seconds) is the moment whose state it tells.
    A fixed number of statements.
    """
    block_times = _today(person.scope, day, at)
    held = _yesterday(person.scope, day)
    failed = _failed(person, at)
    service = heartbeat(at)
    coming = week_ahead(person.scope, day, at)
    silent = [(f"{service.text}.", "")] if service is not None and service.level == "bad" else []
    if not (block_times or held or failed or silent or coming.short):
        return None
    frame = frame_of(person.key)
    sections = [
        (f"Today, {wording.day_name(_midnight(day), at)}", _lines_of_today(block_times, day)),
        (f"Yesterday, {wording.day_name(_midnight(day - _DAY), at)}", _lines_of_yesterday(held, day)),
        ("The coming week", coming.lines),
        ("Not delivered", failed),
        ("The service", silent),
    ]
    return Letter(
        key=key,
        kind=Message.SUMMARY,
        at=at,
        subject=_subject(day, at, block_times, held),
        opening=f"{_count_of_today(block_times)}{_count_of_yesterday(held)}{coming.in_short}.",
        sections=[Section(title, lines) for title, lines in sections if lines],
        reason=frame.reason,
        preferences=frame.preferences,
        unsubscribe=frame.unsubscribe,
    )


# --- Today ------------------------------------------------------------------------------------------
def _today(scope: Scope, day: date, at: int) -> list[BlockTimeReadiness]:
    """Those that take place on the day, by start."""
    times = BlockTime.objects.within(scope).accepted().not_skipped()
    of_day = times.filter(start__gte=_begin(day), start__lt=_begin(day + _DAY))
    return read(of_day, at, people=False)


def _lines_of_today(block_times: Sequence[BlockTimeReadiness], day: date) -> Lines:
    return [
        (
            f"{_hours(each.start, each.end, day)} {_named(each.block, each.group)}: "
            f"{_LABELS.get(each.readiness.signal.level, '')}{each.readiness.signal}",
            _address("admin:blockalloc_blocktime_change", each.id),
        )
        for each in block_times
    ]


def _count_of_today(block_times: Sequence[BlockTimeReadiness]) -> str:
    """`5 classes today, 1 at risk, 2 to watch`."""
    number = len(block_times)
    levels = Counter(each.readiness.signal.level for each in block_times)
    parts = [f"{number or 'No'} class{'' if number == 1 else 'es'} today"]
    if number:
        parts.append(f"{levels['bad'] or 'none'} at risk")
    if levels["watch"]:
        parts.append(f"{levels['watch']} to watch")
    return ", ".join(parts)


# --- Yesterday --------------------------------------------------------------------------------------
def _yesterday(scope: Scope, day: date) -> list[ClassHeld]:
    """Those that began on the day before, by start."""
    held = ClassHeld.objects.within(scope).filter(start__gte=_begin(day - _DAY), start__lt=_begin(day))
    return list(held.order_by("start", "pk"))


def _lines_of_yesterday(held: Sequence[ClassHeld], day: date) -> Lines:
    return [
        (
            f"{_hours(_seconds(each.start), _seconds(each.end), day - _DAY)} "
            f"{_named(each.block_name, each.user_group)}: {_came(each)}",
            "",
        )
        for each in held
    ]


def _came(held: ClassHeld) -> str:
    """`20 machines wanted, 18 allocated, 17 ready at the start, 18 five minutes later; 2 computers exchanged`."""
    parts = [f"{plural(held.wanted, 'machine')} wanted, {held.had} allocated"]
    if held.ready_at_start is None:
        parts.append(_NOT_LOOKED_AT)
    else:
        parts.append(f"{held.ready_at_start} ready at the start")
        if held.ready_after_five not in (None, held.ready_at_start):
            parts.append(f"{held.ready_after_five} five minutes later")
    done = [
        f"{plural(held.replaced, 'computer')} exchanged" if held.replaced else "",
        f"{held.loaded_again} loaded again" if held.loaded_again else "",
        f"{held.added} added" if held.added else "",
    ]
    return "; ".join(filter(None, [", ".join(parts), ", ".join(filter(None, done))]))


def _count_of_yesterday(held: Sequence[ClassHeld]) -> str:
    """`; yesterday 4 of 5 had all machines ready at the start`, of those of which it is known."""
    known = [each for each in held if each.ready_at_start is not None]
    good = sum((each.ready_at_start or 0) >= each.wanted for each in known)
    return f"; yesterday {good} of {len(known)} had all machines ready at the start" if known else ""


# --- What else --------------------------------------------------------------------------------------
def _failed(person: Person, at: int) -> Lines:
    """The messages that were given up within the last day, the latest first."""
    since = datetime.fromtimestamp(at, site_zone()) - _DAY
    given_up = Message.objects.within(person.scope, person.key).given_up().filter(failed__gte=since)
    rows = list(given_up.order_by("-failed", "-pk").values_list("pk", "subject", "problem")[: _MOST_FAILED + 1])
    lines = []
    for key, subject, problem in rows[:_MOST_FAILED]:
        why = f" ({problem})" if problem and not person.scope.is_limited else ""  # it may name the recipient
        lines.append((f"{subject}{why}", _address("admin:blockalloc_message_change", key)))
    if len(rows) > _MOST_FAILED:
        lines.append(("There are more.", _address("admin:blockalloc_message_changelist")))
    return lines


def _subject(day: date, at: int, block_times: Sequence[BlockTimeReadiness], held: Sequence[ClassHeld]) -> str:
    """`Mon 30 Nov: 5 classes today, 1 at risk`; on a day without classes, how those of yesterday came."""
    count = _count_of_today(block_times)
    yesterday = "" if block_times else _count_of_yesterday(held)
    return f"{day:%a} {day.day} {day:%b}: {count[0].lower()}{count[1:]}{yesterday}"


def _named(block: str, group: str) -> str:
    return wording.one_line(f"{block} ({group})" if group else block)


def _hours(start: int, end: int, day: date) -> str:
    """`09:00–11:00`; with a weekday for an end on another day."""
    moments = [datetime.fromtimestamp(each, site_zone()) for each in (start, end)]
    return "–".join(f"{moment:%H:%M}" if moment.date() == day else f"{moment:%a %H:%M}" for moment in moments)


def _begin(day: date) -> datetime:
    return local_to_instant(datetime(day.year, day.month, day.day))


def _midnight(day: date) -> int:
    return _seconds(_begin(day))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _address(name: str, *arguments: object) -> str:
    return f"{settings.VCL_SERVICE_URL}{reverse(name, args=arguments)}" if settings.VCL_SERVICE_URL else ""
