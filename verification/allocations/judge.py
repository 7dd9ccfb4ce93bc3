"""The judge of a campaign: compares the rows with the answers that the callers got.

Nothing of the service is used here, only rows, journals and the planned calls.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from verification.allocations.calls import Call
from verification.allocations.journal import Attempt
from verification.allocations.site import HOST_RAM, LICENCES, LICENSED, VIRTUAL, VM_RAM
from verification.allocations.worker import BUSY

Row = dict[str, Any]
RELOAD = 19
KEY_REUSED = 204


@dataclass(frozen=True)
class Evidence:
    """All that a campaign leaves behind. `keys` are the remembered idempotency keys."""

    before: dict[str, list[Row]]
    after: dict[str, list[Row]]
    keys: Sequence[Mapping[str, Any]]
    calls: Sequence[Sequence[Call]]
    attempts: Sequence[Attempt]

    @cached_property
    def requests(self) -> dict[int, Row]:
        """The requests by their ids."""
        return {row["id"]: row for row in self.after["request"]}

    @cached_property
    def times(self) -> dict[int, Row]:
        """The block times by their ids."""
        return {row["id"]: row for row in self.after["blockTimes"]}

    @cached_property
    def blocks(self) -> dict[int, Row]:
        """The block requests by their ids."""
        return {row["id"]: row for row in self.after["blockRequest"]}

    @cached_property
    def computers_of(self) -> dict[int, Counter[int]]:
        """How many computers each block time has for each image."""
        counts: dict[int, Counter[int]] = defaultdict(Counter)
        for row in self.after["blockComputers"]:
            counts[row["blockTimeid"]][row["imageid"]] += 1
        return counts

    def images_of(self, image_id: int) -> Counter[int]:
        """The images of one machine, with how many computers need each."""
        image = next(row for row in self.after["image"] if row["id"] == image_id)
        parts = [row["imageid"] for row in self.after["subimages"] if row["imagemetaid"] == image["imagemetaid"]]
        return Counter([image_id, *parts])

    def machines(self, block_time: int) -> int:
        """Whole machines of a block time."""
        images = self.images_of(self.blocks[self.times[block_time]["blockRequestid"]]["imageid"])
        return min(self.computers_of[block_time][image] // number for image, number in images.items())

    def call_of(self, attempt: Attempt) -> Call:
        """The call that was made."""
        return self.calls[attempt.worker][attempt.call]


@dataclass
class Verdict:
    """What is wrong, in words; empty lists when all is well."""

    double_bookings: list[str] = field(default_factory=list)
    partial_calls: list[str] = field(default_factory=list)
    lost_calls: list[str] = field(default_factory=list)
    wrong_answers: list[str] = field(default_factory=list)
    inspection: list[str] = field(default_factory=list)  # what check_vcl finds

    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any(vars(self).values())


def judge(evidence: Evidence) -> Verdict:
    """Judge the evidence by all rules."""
    return Verdict(
        [*computers_twice(evidence), *over_limits(evidence)],
        [*halves(evidence), *too_many_machines(evidence), *half_blocks(evidence)],
        [*lost_fills(evidence), *lost_keys(evidence)],
        [*wrong_answers(evidence), *answers_that_go_back(evidence)],
    )


# --- No computer is promised twice ------------------------------------------------------------
def computers_twice(evidence: Evidence) -> Iterator[str]:
    """A computer is with one block from the start of its reload to the end of the block."""
    uses: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for row in evidence.after["blockComputers"]:
        time, reload = evidence.times[row["blockTimeid"]], evidence.requests.get(row["reloadrequestid"])
        begin = min(time["start"], reload["start"]) if reload else time["start"]
        uses[row["computerid"]].append((begin, time["end"], time["id"]))
    for computer, spans in uses.items():
        spans.sort()
        busy_until, holder = "", 0
        for begin, end, block_time in spans:
            if begin < busy_until:
                yield f"computer {computer} is in block times {holder} and {block_time}"
            if end > busy_until:
                busy_until, holder = end, block_time


def over_limits(evidence: Evidence) -> Iterator[str]:
    """No image is on more computers at a time than it may be, no VM host promises more memory than it has."""
    hosts = {row["id"]: row["vmhostid"] for row in evidence.after["computer"]}
    licences: list[tuple[str, str]] = []
    memory: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in evidence.after["blockComputers"]:
        time, reload = evidence.times[row["blockTimeid"]], evidence.requests.get(row["reloadrequestid"])
        if row["imageid"] == LICENSED:
            licences.append((time["start"], time["end"]))
        if row["imageid"] == VIRTUAL:
            memory[hosts[row["computerid"]]].append((reload["start"] if reload else time["start"], time["end"]))
    if _peak(licences) > LICENCES:
        yield f"the licensed image is on {_peak(licences)} computers at a time, at most {LICENCES}"
    for host, spans in memory.items():
        if _peak(spans) * VM_RAM >= HOST_RAM:
            yield f"VM host {host} has {_peak(spans)} VMs at a time"


def _peak(spans: Iterable[tuple[str, str]]) -> int:
    """How many of the spans there are at the same time, at most."""
    count = most = 0
    # At the same moment an end comes before a start.
    for _, change in sorted([(end, -1) for _, end in spans] + [(start, 1) for start, _ in spans]):
        count += change
        most = max(most, count)
    return most


# --- No call is partial -----------------------------------------------------------------------
def halves(evidence: Evidence) -> Iterator[str]:
    """Each reload request has its reservations, each of these its computer in a block, and the other way round."""
    loads = Counter((row["requestid"], row["computerid"], row["imageid"]) for row in evidence.after["reservation"])
    computers = Counter(
        (row["reloadrequestid"], row["computerid"], row["imageid"]) for row in evidence.after["blockComputers"]
    )
    if loads != computers:
        stray, missing = list(loads - computers), list(computers - loads)
        yield f"reservations without a block {stray}, blocks without a reservation {missing}"
    ours = {id_ for id_, row in evidence.requests.items() if row["stateid"] == RELOAD}
    if ours != {request for request, _, _ in loads}:
        yield f"reload requests and reservations differ: {sorted(ours ^ {request for request, _, _ in loads})}"


def too_many_machines(evidence: Evidence) -> Iterator[str]:
    """Whole machines, and never more than wanted."""
    for block_time, count in evidence.computers_of.items():
        block = evidence.blocks[evidence.times[block_time]["blockRequestid"]]
        whole = {count[image] / number for image, number in evidence.images_of(block["imageid"]).items()}
        if len(whole) > 1 or not whole.pop().is_integer():
            yield f"block time {block_time} has parts of machines: {dict(count)}"
        if evidence.machines(block_time) > block["numMachines"]:
            yield f"block time {block_time} has {evidence.machines(block_time)} of {block['numMachines']} machines"


def half_blocks(evidence: Evidence) -> Iterator[str]:
    """A new block has one block time, the rows of VCL's web form, and a machine."""
    for table in ("blockTimes", "blockWebDate", "blockWebTime"):
        count = Counter(row["blockRequestid"] for row in evidence.after[table])
        for id_ in _new_blocks(evidence):
            if count[id_] != 1:
                yield f"new block request {id_} has {count[id_]} rows in {table}"
    with_machines = {evidence.times[time]["blockRequestid"] for time in evidence.computers_of}
    for id_ in _new_blocks(evidence) - with_machines:
        yield f"new block request {id_} has no machine"


def _new_blocks(evidence: Evidence) -> set[int]:
    return set(evidence.blocks) - {row["id"] for row in evidence.before["blockRequest"]}


# --- Answers are true -------------------------------------------------------------------------
def lost_fills(evidence: Evidence) -> Iterator[str]:
    """A block time has as many machines as its best answer said; more only by a call that lost its answer."""
    for block_time, attempts in _by(evidence, lambda call: call.block_time or None).items():
        answered = max((attempt.value for attempt in attempts if attempt.kind == "answer"), default=0)
        open_ = [evidence.call_of(attempt).machines for attempt in _unanswered(attempts)]
        has = evidence.machines(block_time)
        if not answered <= has <= max([answered, *open_]):
            yield f"block time {block_time} has {has} machines; answered: {answered}, unanswered calls for {open_}"


def lost_keys(evidence: Evidence) -> Iterator[str]:
    """A key that was answered is one block with as many machines; a key that was not has one block or none."""
    remembered = {row["key"]: row for row in evidence.keys}
    if len(remembered) < len(evidence.keys):
        yield "a key is remembered twice"
    gone = [row["key"] for row in evidence.keys if row["block_time_id"] not in evidence.times]
    if gone:
        yield f"keys of blocks that do not exist: {gone}"
        return
    created = Counter(evidence.times[row["block_time_id"]]["blockRequestid"] for row in evidence.keys)
    if set(created) != _new_blocks(evidence) or set(created.values()) - {1}:
        yield f"blocks and keys differ: {sorted(_new_blocks(evidence) ^ set(created))}, {created.most_common(1)}"
    for key, attempts in _by(evidence, lambda call: None if call.reuses else call.key).items():
        answers = {attempt.value for attempt in attempts if attempt.kind == "answer" and attempt.value}
        kept = remembered.get(str(key))
        has = evidence.machines(kept["block_time_id"]) if kept else 0
        if kept and kept["answer"] != has:
            yield f"key {key} remembers {kept['answer']}, its block has {has}"
        if answers and answers != {has}:
            yield f"key {key} was answered {answers}, its block has {has}"
        if has and not answers and not _unanswered(attempts):
            yield f"key {key} was never answered, and has a block"


def _unanswered(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Calls that lost an answer and never got one."""
    answered = {(attempt.worker, attempt.call) for attempt in attempts if attempt.kind == "answer"}
    lost = [attempt for attempt in attempts if attempt.kind in ("lost", "broken")]
    return [attempt for attempt in lost if (attempt.worker, attempt.call) not in answered]


def wrong_answers(evidence: Evidence) -> Iterator[str]:
    """Calls are answered with what they asked for at most, or refused as they have to be, and never fail."""
    for attempt in evidence.attempts:
        call = evidence.call_of(attempt)
        if attempt.kind == "broken":
            yield f"{call}: {attempt.text}"
        if attempt.kind == "answer" and not 0 <= attempt.value <= call.machines:
            yield f"{call} was answered {attempt.value}"
        if attempt.kind == "answer" and call.reuses:
            yield f"{call} has a key that was used otherwise, and was answered {attempt.value}"
        if attempt.kind == "refused" and attempt.value not in (BUSY, KEY_REUSED if call.reuses else BUSY):
            yield f"{call} was refused: {attempt.value} {attempt.text}"


def answers_that_go_back(evidence: Evidence) -> Iterator[str]:
    """A call that begins after another one was answered gets at least that answer."""
    fills = _by(evidence, lambda call: call.block_time or None)
    keys = _by(evidence, lambda call: None if call.reuses else call.key)
    for attempts in (*fills.values(), *keys.values()):
        answers = [attempt for attempt in attempts if attempt.kind == "answer"]
        for later in answers:
            known = max((earlier.value for earlier in answers if earlier.ended < later.begun), default=0)
            if later.value < min(known, evidence.call_of(later).machines):
                yield f"{evidence.call_of(later)} was answered {later.value}, {known} had been answered before"


def _by(evidence: Evidence, subject: Any) -> dict[Any, list[Attempt]]:
    """The attempts by what they are about."""
    result: dict[Any, list[Attempt]] = defaultdict(list)
    for attempt in evidence.attempts:
        about = subject(evidence.call_of(attempt))
        if about is not None:
            result[about].append(attempt)
    return result
