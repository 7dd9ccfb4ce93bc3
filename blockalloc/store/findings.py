"""The findings of a decision about each computer, in few bytes.

Computers are identified by their place in the roster, sorted by id: a list has one small number for each. Most of them
share their reason with others; what differs (the request that has a computer, and its times) is kept as columns of
numbers, sorted, as the steps from each to the next. All of it is JSON, compressed. Texts are kept too: a reader of
later years needs no rules of today.
"""

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import gcd
from typing import Any, NamedTuple

from scheduling.plan import Assignment, Machine, Plan
from scheduling.reasons import BlockTimeId, HostName, Instant, Reason, RequestId

_CHOSEN, _BEFORE, _FIRST_REASON = 0, 1, 2
_CHANGES = b',"chosen":'  # where the changes begin in a document
_LEVEL = 3  # of zlib: higher ones take longer than they save
# The kinds of figures as they are stored; records of earlier versions have the plain ones and instants only.
_NUMBER, _TEXT = "n", "s"
_TYPES: Mapping[str, type] = {"t": Instant, "r": RequestId, "b": BlockTimeId, "h": HostName}
_KINDS: Mapping[type, str] = {type_: kind for kind, type_ in _TYPES.items()} | {int: _NUMBER}
_TEXTS = frozenset({_TEXT, _KINDS[HostName]})


class Chosen(NamedTuple):
    """A computer that the call took: for which image, when its reload begins (Unix seconds), who loads it.

    `member` is on whose behalf it was taken, `adopted_request` their own reservation that joined the block (or 0),
    `already_loaded` whether the image was loaded then.
    """

    computer_id: int
    image_id: int
    reload_start: int
    management_node_id: int
    member: str
    adopted_request: int
    already_loaded: bool

    @classmethod
    def of(cls, machine: Machine, assignment: Assignment) -> "Chosen":
        """A computer of a machine that a plan has."""
        return cls(
            assignment.computer.id,
            assignment.image.id,
            machine.reload.start,
            assignment.management_node.id,
            machine.member.name,
            machine.adopted_request or 0,
            assignment.already_loaded,
        )


class Changes(NamedTuple):
    """The computers that a call took, and the ids of those that it gave up."""

    chosen: list[Chosen]
    given_up: Sequence[int]


@dataclass(frozen=True, slots=True)
class Findings:
    """The computers chosen, those that the block had before, and why each other one was excluded."""

    chosen: Sequence[Chosen]
    before: Sequence[int]
    reasons: Sequence[Reason]
    of_reason: Mapping[int, int]  # computer -> place in `reasons`

    def reason_of(self, computer_id: int) -> Reason | None:
        """Why the computer was left out; None when it was not, or was not there to be looked at."""
        place = self.of_reason.get(computer_id)
        return None if place is None else self.reasons[place]

    def by_reason(self) -> dict[Reason, list[int]]:
        """The computers left out, by reason."""
        reasons: dict[Reason, list[int]] = defaultdict(list)
        for computer_id, place in self.of_reason.items():
            reasons[self.reasons[place]].append(computer_id)
        return dict(reasons)

    def lost(self) -> dict[str, int]:
        """How many computers each rule took out."""
        counts = [0] * len(self.reasons)
        for place in self.of_reason.values():
            counts[place] += 1
        reasons: dict[str, int] = defaultdict(int)
        for reason, count in zip(self.reasons, counts, strict=True):
            if count:
                reasons[reason.rule] += count
        return dict(reasons)


def encode(
    computer_ids: Sequence[int],
    plan: Plan,
    machines: Sequence[Machine],
    before: Iterable[int],
    lost: Mapping[int, Reason],
    default_reason: Reason | None = None,
    given_up: Iterable[int] = (),
) -> bytes:
    """The findings about `computer_ids` (sorted) of a plan of which `machines` were taken.

    `before` are the computers that the block had before; `lost` are those that somebody else got meanwhile, and why;
    `default_reason` is that of computers that have none of their own (None: that of the plan); `given_up` are computers
    that the block had before and that it gave up.
    """
    taken = [(machine, assignment) for machine in machines for assignment in machine.assignments]
    why = {**plan.excluded, **lost}
    default_reason = default_reason or plan.default_reason
    table = _Table([default_reason, *why.values()])
    others = table.code_of[default_reason]
    code_of = {id_: table.code_of[reason] for id_, reason in why.items()}
    code_of |= dict.fromkeys(before, _BEFORE) | {each.computer.id: _CHOSEN for _, each in taken}
    document = {
        "texts": table.texts,
        "reasons": table.columns,
        "of": [code_of.get(id_, others) for id_ in computer_ids],
        "chosen": [Chosen.of(machine, assignment) for machine, assignment in taken],
        "given_up": sorted(given_up),
    }
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return zlib.compress(text.encode(), _LEVEL)


def decode(data: bytes, computer_ids: Sequence[int], only: Mapping[int, int] | None = None) -> Findings:
    """What `encode` made of it; `computer_ids` are those of the roster, sorted.

    `only`: of the findings about computers, those about these (id -> its place among `computer_ids`), which takes a
    fraction of the time.
    """
    document = json.loads(zlib.decompress(data))
    codes: list[int] = document["of"]
    if only is None:
        of_computer = list(zip(computer_ids, codes, strict=True))
    else:
        of_computer = [(id_, codes[place]) for id_, place in only.items()]
    return Findings(
        chosen=[Chosen(*row) for row in document["chosen"]],
        before=[id_ for id_, code in of_computer if code == _BEFORE],
        reasons=_reasons(document["texts"], document["reasons"]),
        of_reason={id_: code - _FIRST_REASON for id_, code in of_computer if code >= _FIRST_REASON},
    )


def decode_chosen(data: bytes) -> list[Chosen]:
    """Of what `encode` made, the computers that the call took: for that no roster is needed."""
    return decode_changes(data).chosen


def decode_changes(data: bytes) -> "Changes":
    """Of what `encode` made, the computers that changed: for that no roster is needed."""
    document = _tail(zlib.decompress(data))
    # Records of earlier versions know of none that was given up.
    return Changes([Chosen(*row) for row in document["chosen"]], document.get("given_up", []))


@lru_cache(maxsize=4096)
def changed_ids(data: bytes) -> tuple[Sequence[int], Sequence[int]]:
    """The same as ids: the computers that the call took, and those that it gave up.

    Records don't change, and pages that refresh themselves read the same ones again and again.
    """
    document = _tail(zlib.decompress(data))
    return [row[0] for row in document["chosen"]], document.get("given_up", ())


def _tail(text: bytes) -> dict[str, Any]:
    """The document from "chosen" on: what comes before is long, and says nothing of changes.

    In no text of the document is a quotation mark that is not escaped, and only names have a colon behind them.
    """
    place = text.rfind(_CHANGES)
    document: dict[str, Any] = json.loads(b"{" + text[place + 1 :] if place >= 0 else text)
    return document


class _Table:
    """Different reasons, by their texts; those with the same text sorted by their figures.

    `texts` has each text once: its rule, its words, the kinds of its figures. `columns` has for each text the
    number of its reasons and their figures, column by column. A reason's code is its place in this order.
    """

    def __init__(self, reasons: Iterable[Reason]) -> None:
        by_text: dict[tuple[str, str, str], list[Reason]] = defaultdict(list)
        for reason in dict.fromkeys(reasons):
            by_text[reason.rule, reason.text, "".join(map(_kind, reason.figures))].append(reason)
        self.texts = [list(key) for key in by_text]
        self.columns: list[list[Any]] = []
        self.code_of: dict[Reason, int] = {}
        for (_, _, kinds), alike in by_text.items():
            alike.sort(key=_figures_of if _TEXTS.isdisjoint(kinds) else _words_of)
            self.code_of |= {reason: code for code, reason in enumerate(alike, _FIRST_REASON + len(self.code_of))}
            columns = zip(*map(_figures_of, alike), strict=True)
            self.columns.append([len(alike), *(_packed(*column) for column in zip(kinds, columns, strict=True))])


def _figures_of(reason: Reason) -> tuple[Any, ...]:
    return reason.figures


def _words_of(reason: Reason) -> tuple[str, ...]:
    """The figures as texts: others than numbers can't be compared with each other as they are."""
    return tuple(map(str, reason.figures))


def _kind(figure: object) -> str:
    return _KINDS.get(type(figure), _TEXT)


def _packed(kind: str, values: Sequence[Any]) -> list[Any]:
    """A column: texts as they are; numbers as their unit (times are whole minutes) and the steps from each to the next.

    Sorted ones have small steps, most of them the same.
    """
    if kind in _TEXTS:
        return list(map(str, values))
    steps = [value - before for before, value in zip([0, *values], values, strict=False)]
    unit = gcd(*steps) or 1
    return [unit, *(step // unit for step in steps)]


def _unpacked(kind: str, column: list[Any]) -> list[Any]:
    values = column
    if kind not in _TEXTS:
        unit, *steps = column
        values = [unit * total for total in accumulate(steps)]
    return list(map(_TYPES[kind], values)) if kind in _TYPES else values


def _reasons(texts: list[list[str]], columns: list[list[Any]]) -> list[Reason]:
    """The reasons, in the order of their codes."""
    reasons: list[Reason] = []
    for (rule, text, kinds), (number, *packed) in zip(texts, columns, strict=True):
        figures = [_unpacked(kind, column) for kind, column in zip(kinds, packed, strict=True)]
        reasons += (Reason(rule, text, row) for row in (zip(*figures, strict=True) if figures else [()] * number))
    return reasons
