"""The classes of the page "Today" as cards: those that need a look, those that go well, those that are over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import F, Max
from django.urls import reverse
from django.utils.safestring import SafeString

from blockalloc.models import Decision
from blockalloc.models.querysets import DecisionQuerySet
from blockalloc.pages.block_days import OfDay, announced, can_be_helped, can_be_put_right, hours_of, signal_of
from blockalloc.pages.class_figure import NEEDS_A_LOOK, Figure, figure, to_come
from blockalloc.pages.classes_over import Over
from blockalloc.pages.linked import linked
from blockalloc.pages.segments import Segments, segments
from blockalloc.reports.forecasts import Foreseen
from blockalloc.reports.readiness import BlockTimeReadiness, most_urgent_first
from blockalloc.site_time import site_zone
from scheduling.class_numbers import ClassNumbers
from scheduling.readiness import Level
from scheduling.wording import of_wanted, plural, span

_LARGE = 6  # cards: when many need a look, the others are as compact as those that go well


class Countdown(NamedTuple):
    """How long until the start, or the end: `starts in`, `20 min`."""

    what: str
    span: str


@dataclass(frozen=True, slots=True)
class Card:
    """A class that is on or to come.

    `label` is its signal in a word or two, `words` say what is wrong; `level` is the CSS class of the signal.
    `sentence` are the words with links to the classes that they name, without a number that the card shows large.
    `to_come`: what is ready and when the others are, of one that needs a look, "" for nothing to add.
    `hint`: why it is to be watched though it lacks nothing, "" otherwise. `address` is the page of the class,
    `why_short` that of the decision which could not give it more machines, "" for none.
    """

    block_time_id: int
    block: str
    group: str
    image: str
    level: Level
    label: str
    words: str
    sentence: SafeString
    hours: str
    countdown: Countdown
    figure: Figure
    bar: Segments
    address: str
    to_come: str = ""
    hint: str = ""
    why_short: str = ""
    can_be_put_right: bool = False
    can_be_helped: bool = False

    @property
    def needs_a_look(self) -> bool:
        """Whether it is at risk or to be watched."""
        return self.level in NEEDS_A_LOOK

    @property
    def is_urgent(self) -> bool:
        """Whether to put it right is what to do first where keep_ready does not: it is at risk, or lacks machines."""
        return self.level == "bad" or self.figure.word == "usable"

    @property
    def announcement(self) -> str:
        """The text that screen readers get when the signal changes."""
        return announced(self.block, self.hours, self.label, self.words)


@dataclass(frozen=True, slots=True)
class Line:
    """A class that is over, or does not take place. `machines`: what it had; "" where `words` say it, or nobody knows.

    `address` is the page about it, "" for none.
    """

    block_time_id: int
    block: str
    group: str
    image: str
    label: str
    words: str
    hours: str
    machines: str
    address: str

    @property
    def announcement(self) -> str:
        """The text that screen readers get when the signal changes."""
        return announced(self.block, self.hours, self.label, self.words)


class Cards(NamedTuple):
    """The classes of a day: at risk and to be watched, the others on and to come, and those that are over.

    `first` are the most urgent ones, `further` those that need a look too when there are many. `summary` says how many
    of the last there are: `Over: 3 classes`.
    """

    first: Sequence[Card]
    further: Sequence[Card]
    others: Sequence[Card]
    closed: Sequence[Line]
    summary: str

    def of(self, level: Level) -> int:
        """How many classes that are on or to come are of a level."""
        return sum(each.level == level for each in (*self.first, *self.further, *self.others))


def cards(of_day: OfDay, day: date, now: int, decisions: DecisionQuerySet) -> Cards:
    """The classes of a day, those at risk first. `decisions`: those that the person may see. One statement at most."""
    times = most_urgent_first(of_day.block_times, now)
    open_ = [each for each in times if each.is_current_or_upcoming(now)]
    short = [each.id for each in open_ if each.readiness.numbers.missing and each.readiness.signal.level == "bad"]
    why, foreseen = why_short(decisions, short), of_day.forecast.foreseen
    found = [_card(each, day, now, foreseen.get(each.id), why.get(each.id, "")) for each in open_]
    closed = [(each.start, _closed(each, day, now)) for each in times if not each.is_current_or_upcoming(now)]
    closed += [(each.start, _over(each, day, address)) for each, address in of_day.over]
    closed.sort(key=lambda each: (each[0], each[1].block_time_id))
    lines = [line for _, line in closed]
    first = [each for each in found if each.needs_a_look]
    others = [each for each in found if not each.needs_a_look]
    return Cards(first[:_LARGE], first[_LARGE:], others, lines, _summary(lines))


def why_short(decisions: DecisionQuerySet, ids: Collection[int]) -> dict[int, str]:
    """Block time -> the page of its last allocation, if that gave it fewer machines than it wants. One statement."""
    if not ids:
        return {}
    allocations = Decision.objects.filter(
        block_time_id__in=ids, action__in=(Decision.ALLOCATE, Decision.KEEP_READY), allocated__isnull=False
    )
    last = allocations.order_by().values("block_time_id").annotate(last=Max("pk")).values("last")
    found = decisions.filter(pk__in=last, allocated__lt=F("wanted")).values_list("block_time_id", "pk")
    return {id_: reverse("admin:blockalloc_decision_change", args=[key]) for id_, key in found if id_ is not None}


# --- A class that is on or to come ------------------------------------------------------------------


def _card(each: BlockTimeReadiness, day: date, now: int, foreseen: Foreseen | None, why: str) -> Card:
    label, words = signal_of(each, now)
    sentence = _without_figure(words, each.readiness.numbers) if each.readiness.signal.level == "good" else words
    return Card(
        block_time_id=each.id,
        block=each.block,
        group=each.group,
        image=each.image,
        level=each.readiness.signal.level,
        label=label,
        words=words,
        sentence=linked(sentence, foreseen.links if foreseen else {}),
        hours=hours_of(_local(each.start), _local(each.end), day),
        countdown=_countdown(each, now),
        figure=figure(each, foreseen),
        bar=_bar(each, foreseen),
        address=reverse("admin:blockalloc_blocktime_change", args=[each.id]),
        to_come=to_come(each),
        hint=_hint(each),
        why_short=why,
        can_be_put_right=can_be_put_right(each, now),
        can_be_helped=can_be_helped(each, now),
    )


def _countdown(each: BlockTimeReadiness, now: int) -> Countdown:
    left = each.readiness.left
    return Countdown("starts in", span(left)) if left > 0 else Countdown("on now, ends in", span(each.end - now))


def _bar(each: BlockTimeReadiness, foreseen: Foreseen | None) -> Segments:
    """Its computers; nothing for a class that nobody had to ask for yet, which lacks none."""
    if not each.readiness.computers and (foreseen or each.readiness.signal.level == "plain"):
        return Segments((), 0)
    return segments(each.readiness.numbers, each.per_machine)


def _without_figure(words: str, of: ClassNumbers) -> str:
    """The words of a class that goes well, without the number that stands large above them.

    `4 of 6 machines ready, all by 08:58` becomes `all ready by 08:58`, and `all 6 machines ready` nothing.
    """
    wanted = of.wanted
    all_ready = "the machine is ready" if wanted == 1 else f"all {plural(wanted, 'machine')} ready"
    begun = f"{of_wanted(of.ready, wanted)} ready, all by "
    if words.startswith(begun):
        return f"all ready by {words.removeprefix(begun)}"
    return words.removeprefix(all_ready).lstrip(",; ")


def _hint(each: BlockTimeReadiness) -> str:
    """Why a class is watched that lacks nothing: it is less sure than it should be that its loads end in time."""
    sure = each.readiness.sureness
    if sure is None or sure.ready >= sure.target or each.readiness.numbers.missing:
        return ""
    if each.readiness.signal.level not in NEEDS_A_LOOK or sure.words not in each.readiness.signal.words:
        return ""
    loads = each.readiness.numbers.count("loading", "waiting", "overdue", "booked before")
    what = f"{plural(loads, 'load')} may end late" if loads else "a computer may fail"
    return f"No machine is missing: {what}. It should be {100 * sure.target:.0f} % sure."


# --- Those that are over ------------------------------------------------------------------------------


def _closed(each: BlockTimeReadiness, day: date, now: int) -> Line:
    """A class that was skipped or not accepted; or one that is over, of which nobody has kept anything."""
    label, words = signal_of(each, now)
    of = each.readiness.numbers
    return Line(
        block_time_id=each.id,
        block=each.block,
        group=each.group,
        image=each.image,
        label=label,
        words=words,
        hours=hours_of(_local(each.start), _local(each.end), day),
        machines=f"{of_wanted(of.allocated, of.wanted)} allocated" if of.allocated else plural(of.wanted, "machine"),
        address=reverse("admin:blockalloc_blocktime_change", args=[each.id]),
    )


def _over(over: Over, day: date, address: str) -> Line:
    machines = "" if over.had is None or over.wanted is None else of_wanted(over.had, over.wanted)
    return Line(
        block_time_id=over.block_time_id,
        block=over.name,
        group=over.group,
        image=over.image,
        label=over.label,
        words=over.words,
        hours=hours_of(_local(over.start), _local(over.end), day),
        machines=f"{machines} allocated" if machines and f"{machines} allocated" not in over.words else "",
        address=address,
    )


def _summary(lines: Sequence[Line]) -> str:
    """`Over: 3 classes`; `Over: 3 classes; skipped or not accepted: 1`."""
    over = sum(each.label == "Over" for each in lines)
    rest = len(lines) - over
    parts = [
        f"Over: {over} class{'' if over == 1 else 'es'}" if over else "",
        f"skipped or not accepted: {rest}" if rest else "",
    ]
    text = "; ".join(filter(None, parts))
    return text[:1].upper() + text[1:]


def _local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, site_zone())
