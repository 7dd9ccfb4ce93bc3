"""What a decision found about each computer, in few bytes.

Computers are told by their place in the roster, sorted by id: a list has one small number for each. Most of them
share their reason with others; what differs (the request that has a computer, and its times) is kept as columns of
numbers, each beside the one before it. All of it is JSON, compressed. Texts are kept too: a reader of later years
needs no rules of today.
"""

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from scheduling.plan import Assignment, Machine, Plan
from scheduling.reasons import Instant, Reason

_CHOSEN, _HELD, _FIRST_REASON = 0, 1, 2
_LEVEL = 3  # of zlib: higher ones take longer than they save
_NUMBER, _INSTANT, _TEXT = "n", "t", "s"


class Chosen(NamedTuple):
    """A computer that the call took: for which image, when its reload begins (Unix seconds), who loads it.

    `member` is on whose behalf it was taken, `adopted_request` his own reservation that joined the block (or 0),
    `already_loaded` whether it held the image then.
    """

    computer_id: int
    image_id: int
    reload_start: int
    management_node_id: int
    member: str
    adopted_request: int
    already_loaded: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: the computers chosen, those that the block had before, and why each other one was left out."""

    chosen: Sequence[Chosen]
    held: Sequence[int]
    reasons: Sequence[Reason]
    of_reason: Mapping[int, int]  # computer -> place in `reasons`

    def reason_of(self, computer_id: int) -> Reason | None:
        """Why the computer was left out; None when it was not, or was not there to be looked at."""
        place = self.of_reason.get(computer_id)
        return None if place is None else self.reasons[place]

    def by_reason(self) -> dict[Reason, list[int]]:
        """The computers left out, by reason."""
        found: dict[Reason, list[int]] = defaultdict(list)
        for computer_id, place in self.of_reason.items():
            found[self.reasons[place]].append(computer_id)
        return dict(found)

    def lost(self) -> dict[str, int]:
        """How many computers each rule took out."""
        counts = [0] * len(self.reasons)
        for place in self.of_reason.values():
            counts[place] += 1
        found: dict[str, int] = defaultdict(int)
        for reason, count in zip(self.reasons, counts, strict=True):
            found[reason.rule] += count
        return dict(found)


def encode(
    computer_ids: Sequence[int],
    plan: Plan,
    machines: Sequence[Machine],
    held: Iterable[int],
    lost: Mapping[int, Reason],
) -> bytes:
    """The findings about `computer_ids` (sorted) of a plan of which `machines` were taken.

    `held` are the computers that the block had before; `lost` tells of computers that somebody else got meanwhile.
    """
    taken = [(machine, assignment) for machine in machines for assignment in machine.assignments]
    codes = _Codes()
    rest = codes.of(plan.rest)
    code_of = {id_: codes.of(reason) for id_, reason in plan.passed_over.items()}
    code_of |= {id_: codes.of(reason) for id_, reason in lost.items()}
    code_of |= dict.fromkeys(held, _HELD) | {found.computer.id: _CHOSEN for _, found in taken}
    document = {
        "texts": codes.texts(),
        "reasons": codes.columns(),
        "of": [code_of.get(id_, rest) for id_ in computer_ids],
        "chosen": [_chosen(machine, assignment) for machine, assignment in taken],
    }
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return zlib.compress(text.encode(), _LEVEL)


def decode(data: bytes, computer_ids: Sequence[int]) -> Findings:
    """What `encode` made of it; `computer_ids` are those of the roster, sorted."""
    document = json.loads(zlib.decompress(data))
    order, reasons = _reasons(document["texts"], document["reasons"])
    codes: list[int] = document["of"]
    return Findings(
        chosen=[Chosen(*row) for row in document["chosen"]],
        held=[id_ for id_, code in zip(computer_ids, codes, strict=True) if code == _HELD],
        reasons=reasons,
        of_reason={id_: order[code] for id_, code in zip(computer_ids, codes, strict=True) if code >= _FIRST_REASON},
    )


class _Codes:
    """Reasons by number, in the order in which they are met. Equal reasons have one number."""

    def __init__(self) -> None:
        self._by_object: dict[int, int] = {}  # computers with the same profile share the very object
        self._by_value: dict[Reason, int] = {}

    def of(self, reason: Reason) -> int:
        code = self._by_object.get(id(reason))
        if code is None:
            code = self._by_value.setdefault(reason, len(self._by_value) + _FIRST_REASON)
            self._by_object[id(reason)] = code
        return code

    def texts(self) -> list[list[str]]:
        """Each text once: its rule, its words, the kinds of its figures."""
        return [[rule, text, kinds] for rule, text, kinds in self._by_text()]

    def columns(self) -> list[list[list[Any]]]:
        """For each text the codes of its reasons and their figures, column by column."""
        return [
            [_steps(codes), *(_column(kind, column) for kind, column in zip(kinds, figures, strict=True))]
            for (_, _, kinds), rows in self._by_text().items()
            for codes, *figures in [list(zip(*rows, strict=True))]
        ]

    def _by_text(self) -> dict[tuple[str, str, str], list[tuple[Any, ...]]]:
        found: dict[tuple[str, str, str], list[tuple[Any, ...]]] = defaultdict(list)
        for (rule, text, figures), code in self._by_value.items():
            found[rule, text, "".join(map(_kind, figures))].append((code, *figures))
        return found


def _kind(figure: object) -> str:
    if isinstance(figure, Instant):
        return _INSTANT
    return _NUMBER if isinstance(figure, int) else _TEXT


def _column(kind: str, values: Sequence[Any]) -> list[Any]:
    return list(map(str, values)) if kind == _TEXT else _steps(values)


def _steps(values: Sequence[int]) -> list[int]:
    """Numbers as the steps from each to the next."""
    return [value - before for before, value in zip([0, *values], values, strict=False)]


def _sums(steps: Iterable[int]) -> list[int]:
    total, found = 0, []
    for step in steps:
        total += step
        found.append(total)
    return found


def _reasons(texts: list[list[str]], columns: list[list[list[Any]]]) -> tuple[dict[int, int], list[Reason]]:
    """The reasons, and the place of each code among them."""
    place: dict[int, int] = {}
    reasons: list[Reason] = []
    for (rule, text, kinds), (codes, *figures) in zip(texts, columns, strict=True):
        values = [_values(kind, column) for kind, column in zip(kinds, figures, strict=True)]
        for number, code in enumerate(_sums(codes)):
            place[code] = len(reasons)
            reasons.append(Reason(rule, text, tuple(column[number] for column in values)))
    return place, reasons


def _values(kind: str, column: list[Any]) -> list[Any]:
    if kind == _TEXT:
        return column
    return list(map(Instant, _sums(column))) if kind == _INSTANT else _sums(column)


def _chosen(machine: Machine, found: Assignment) -> Chosen:
    return Chosen(
        found.computer.id,
        found.image.id,
        machine.reload.start,
        found.management_node.id,
        machine.member.name,
        machine.adopted_request or 0,
        found.already_loaded,
    )
