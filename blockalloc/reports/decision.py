"""The findings of a decision record, as text and in the order in which people read them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from blockalloc.contract.hostnames import matching
from blockalloc.models import Decision, Image, ManagementNode
from blockalloc.site_time import site_zone
from blockalloc.store.decisions import NamedFindings
from scheduling.funnel import NOT_NEEDED, Stage, able, funnel, is_about_time
from scheduling.reasons import BlockTimeId, Instant, Reason, RequestId
from scheduling.reloads.outlook import in_full, in_words

CHOSEN, HAD_BEFORE = "chosen", "already in the class"
UNKNOWN = "no computer had exactly this name then: enter the full name"
_REASONS_SHOWN, _NAMES_SHOWN = 30, 12  # of a rule, of a reason; the export has all
_BOOKINGS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ChosenRow:
    """A computer that was chosen; `on_behalf_of` is the member whose access counted."""

    computer_id: int
    computer: str
    image: str
    already_loaded: bool
    reload_start: datetime
    management_node: str
    on_behalf_of: str
    adopted_request: int


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """A reason, the number of computers that it excluded, and the first of them: ids and names."""

    text: str
    computers: int
    first: Sequence[tuple[int, str]]

    @property
    def more(self) -> int:
        """The number of computers whose names are not shown."""
        return self.computers - len(self.first)


@dataclass(frozen=True, slots=True)
class Step:
    """A rule with the computers that it excluded, and how many it left over.

    `label` describes those that are left, `title` those that are excluded. `is_about_time`: it asks whether a computer
    is free then, not whether it can run the image. `takes_most`: no other rule about the time excluded more; where none
    excluded any, no other rule at all.
    """

    rule: str
    label: str
    title: str
    computers: int
    left: int
    reasons: Sequence[ReasonRow]
    more: int  # reasons that are not shown
    is_about_time: bool
    takes_most: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of a decision, as a page shows them.

    `steps` lead from all `computers` of the site to those of the class; `able` of them can run the image. `had_before`
    are the computers of before the call, by name: ids and names. `bookings` are those with the most of the excluded
    computers ("block time 4711"), and how many they have.
    """

    computers: int
    able: int
    steps: Sequence[Step]
    chosen: Sequence[ChosenRow]
    had_before: Sequence[tuple[int, str]]
    bookings: Sequence[tuple[str, int]]

    @property
    def texts(self) -> list[str]:
        """The reasons in words, after the bookings."""
        return [text for text, _ in self.bookings] + [reason.text for step in self.steps for reason in step.reasons]

    @property
    def left(self) -> int:
        """The computers of the class."""
        return self.steps[-1].left if self.steps else self.computers

    @property
    def is_complete(self) -> bool:
        """Whether computers were left over that the class did not need."""
        return any(step.rule == NOT_NEEDED for step in self.steps)

    @property
    def has_loads(self) -> bool:
        """Whether any of the chosen computers is to be loaded."""
        return any(not row.already_loaded for row in self.chosen)

    @property
    def most(self) -> Step | None:
        """The step that took most."""
        return next((step for step in self.steps if step.takes_most), None)

    @property
    def first_load(self) -> datetime | None:
        """When the first reload begins."""
        return min((row.reload_start for row in self.chosen), default=None)

    @property
    def on_behalf_of(self) -> str:
        """On whose behalf most of the chosen computers were taken."""
        return Counter(row.on_behalf_of for row in self.chosen).most_common(1)[0][0] if self.chosen else ""

    @property
    def has_exceptions(self) -> bool:
        """Whether some were taken on behalf of somebody else."""
        return any(row.on_behalf_of != self.on_behalf_of for row in self.chosen)

    @property
    def has_several_images(self) -> bool:
        """Whether the chosen computers are to have different images, as those of a cluster."""
        return len({row.image for row in self.chosen}) > 1


def verdict(recorded: NamedFindings, name: str) -> str:
    """The finding about a computer, by its name at that time, in upper or lower case, with or without its domain."""
    ids = matching(recorded.names, name)
    if not ids:
        return UNKNOWN
    return "; ".join(dict.fromkeys(_verdict(recorded, id_) for id_ in ids))


def all_verdicts(recorded: NamedFindings) -> Iterator[tuple[str, str]]:
    """Each computer of the site by name, and the finding about it."""
    for id_, name in sorted(recorded.names.items(), key=lambda item: item[1]):
        yield name, _verdict(recorded, id_)


def report(recorded: NamedFindings) -> Report:
    """The report for a page. Takes two statements, for the names of management nodes and images."""
    findings = recorded.findings
    nodes = ManagementNode.objects.only("hostname").in_bulk({row.management_node_id for row in findings.chosen})
    images = Image.objects.only("prettyname").in_bulk({row.image_id for row in findings.chosen})
    chosen = [
        ChosenRow(
            computer_id=row.computer_id,
            computer=recorded.names.get(row.computer_id, f"computer {row.computer_id}"),
            image=images[row.image_id].prettyname if row.image_id in images else f"image {row.image_id}",
            already_loaded=row.already_loaded,
            reload_start=datetime.fromtimestamp(row.reload_start, site_zone()),
            management_node=_node(nodes, row.management_node_id),
            on_behalf_of=row.member,
            adopted_request=row.adopted_request,
        )
        for row in findings.chosen
    ]
    lost = findings.lost()
    return Report(
        computers=len(recorded.names),
        able=able(len(recorded.names), lost),
        steps=_steps(recorded, funnel(len(recorded.names), lost)),
        chosen=sorted(chosen, key=lambda row: (row.reload_start, row.computer)),
        had_before=_by_name((id_, recorded.names.get(id_, f"computer {id_}")) for id_ in findings.before),
        bookings=_bookings(recorded),
    )


def said(decision: Decision) -> str:
    """How sure it was, by this decision, that the class is ready at its start; "" where nothing was said of it."""
    if decision.ready is None or decision.block_start is None:
        return ""
    start, machines = int(decision.block_start.timestamp()), decision.allocated or 0
    words = in_words(decision.ready, decision.late or 0.0, machines, start, site_zone())
    return in_full(words, decision.minutes or 0)


def _by_name(computers: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    return sorted(computers, key=lambda each: each[1])


def _verdict(recorded: NamedFindings, computer_id: int) -> str:
    reason = recorded.findings.reason_of(computer_id)
    if reason is not None:
        return reason.describe(site_zone())
    return HAD_BEFORE if computer_id in recorded.findings.before else CHOSEN


def _node(nodes: dict[int, ManagementNode], id_: int) -> str:
    return nodes[id_].hostname if id_ in nodes else f"node {id_}"


def _bookings(recorded: NamedFindings) -> list[tuple[str, int]]:
    found: Counter[str] = Counter()
    for reason, ids in recorded.findings.by_reason().items():
        if isinstance(about := reason.about, BlockTimeId | RequestId):
            found[f"{about.kind} {about}"] += len(ids)
    return found.most_common(_BOOKINGS_SHOWN)


def _steps(recorded: NamedFindings, stages: Sequence[Stage]) -> list[Step]:
    by_rule: dict[str, list[tuple[Reason, list[int]]]] = {}
    for reason, ids in recorded.findings.by_reason().items():
        by_rule.setdefault(reason.rule, []).append((reason, ids))
    most = _most(stages)
    return [_step(recorded, stage, by_rule[stage.rule], takes_most=stage.rule == most) for stage in stages]


def _most(stages: Sequence[Stage]) -> str:
    """The rule that excluded most; "" for none. Those about the time count first: other plans can change them."""
    counted = [stage for stage in stages if stage.rule != NOT_NEEDED]
    at_the_time = [stage for stage in counted if is_about_time(stage.rule)]
    return max(at_the_time or counted, key=lambda stage: stage.lost).rule if counted else ""


def _step(recorded: NamedFindings, stage: Stage, found: list[tuple[Reason, list[int]]], *, takes_most: bool) -> Step:
    reasons = sorted(_but_for_times(found), key=lambda item: (-len(item[1]), item[0]))
    shown = [
        ReasonRow(
            reason.describe(site_zone()), len(ids), _by_name((id_, recorded.names[id_]) for id_ in ids)[:_NAMES_SHOWN]
        )
        for reason, ids in reasons[:_REASONS_SHOWN]
    ]
    title = "not needed" if stage.rule == NOT_NEEDED else f"not {stage.label}"
    more, about_time = len(reasons) - len(shown), is_about_time(stage.rule)
    return Step(stage.rule, stage.label, title, stage.lost, stage.left, shown, more, about_time, takes_most)


def _but_for_times(reasons: Iterable[tuple[Reason, list[int]]]) -> list[tuple[Reason, list[int]]]:
    """With those as one that differ only in their times: from the earliest start to the latest end.

    The computers of a class begin to load one after another, so each is held from another minute on.
    """
    alike: dict[tuple[str, str, tuple[object, ...]], list[tuple[Reason, list[int]]]] = {}
    for reason, ids in reasons:
        rest = tuple(None if isinstance(figure, Instant) else figure for figure in reason.figures)
        alike.setdefault((reason.rule, reason.text, rest), []).append((reason, ids))
    return [
        (_over_all([reason for reason, _ in group]), [id_ for _, ids in group for id_ in ids])
        for group in alike.values()
    ]


def _over_all(reasons: Sequence[Reason]) -> Reason:
    """One for all of them: its first time is the earliest there, each other one the latest."""
    places = [place for place, figure in enumerate(reasons[0].figures) if isinstance(figure, Instant)]
    figures = list(reasons[0].figures)
    for place in places:
        times = [figure for each in reasons if isinstance(figure := each.figures[place], Instant)]
        figures[place] = min(times) if place == places[0] else max(times)
    return reasons[0]._replace(figures=tuple(figures))
