"""Compares what people believe who read only their messages with what was so."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from verification.notifications.changes import State, Timed, What, course_of, state_at
from verification.notifications.reader import Told
from verification.notifications.readers import Reader
from verification.notifications.truth import Course
from verification.notifications.week import MINUTE, ZONE

_SOON_AFTER_VCL = 10 * MINUTE
LATEST = 2 * MINUTE  # after a change, until when everybody has to know of it


@dataclass
class Verdict:
    """Of one reader. `delays`: seconds from changes to the message by which they are known. `wrong`: in words."""

    reader: Reader
    changes: Counter[What] = field(default_factory=Counter)
    messages_of_classes: Counter[int] = field(default_factory=Counter)
    delays: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def is_wrong(self, block_time: int, at: int, text: str) -> None:
        """Note something."""
        local = datetime.fromtimestamp(at, ZONE)
        self.wrong.append(f"{self.reader.name}, class {block_time}, {local:%a %H:%M:%S}: {text}")


def judge(reader: Reader, courses: dict[int, Course]) -> Verdict:
    """What a reader knew of their classes, and how often they were told."""
    verdict = Verdict(reader)
    ids = [each.id for each in reader.messages]
    verdict.wrong += [f"{reader.name}: {id_} came twice" for id_, times in Counter(ids).items() if times > 1]
    of_classes, by_vcl = (_by_class(told) for told in (reader.told, reader.told_by_vcl))
    for message in reader.news:
        verdict.messages_of_classes.update(message.classes())
    for block_time, all_told in of_classes.items():
        if block_time not in reader.remit:
            verdict.is_wrong(block_time, all_told[0].at, "it is none of theirs")
    for block_time in sorted(reader.remit):
        course = courses.get(block_time, Course())
        _judge_class(verdict, block_time, course, of_classes[block_time], by_vcl[block_time])
    return verdict


def _by_class(all_told: Sequence[Told]) -> dict[int, list[Told]]:
    of_classes: dict[int, list[Told]] = defaultdict(list)
    for told in all_told:
        of_classes[told.block_time].append(told)
    return of_classes


def _judge_class(
    verdict: Verdict, block_time: int, course: Course, told: Sequence[Told], by_vcl: Sequence[Told]
) -> None:
    verdict.changes.update(each.what for each in course.changes)
    messages = verdict.messages_of_classes[block_time]
    if messages > len(course.changes):
        verdict.is_wrong(block_time, told[-1].at, f"{messages} messages for {len(course.changes)} changes")
    _judge_what_was_told(verdict, block_time, course, told)
    for each in told:
        if any(_is_repeated(each, of_vcl) for of_vcl in by_vcl):
            verdict.is_wrong(block_time, each.at, f"“{each.what}” is told, which VCL has told them")
    was = course_of(Timed(each.at, each.what, each.missing) for each in course.changes)
    known = sorted([*told, *by_vcl], key=lambda each: each.at)
    believed = course_of(Timed(each.at, each.what, each.missing) for each in known)
    for at, until, state in _stretches(was, course.closed):
        delay = _known_after(believed, state, at)
        if delay is None and until - at > LATEST:
            verdict.is_wrong(block_time, at, f"it is {_in_words(state)}, and nothing says so")
        elif delay is not None:
            verdict.delays.append(delay)


def _is_repeated(told: Told, by_vcl: Told) -> bool:
    """Whether VCL has told the same, just before, of a call that was answered.

    VCL also mails that there is no machine when nobody answers; of that the service knows nothing.
    """
    soon = 0 <= told.at - by_vcl.at < _SOON_AFTER_VCL
    return soon and by_vcl.usable > 0 and told.what is by_vcl.what and told.missing == by_vcl.missing


def _judge_what_was_told(verdict: Verdict, block_time: int, course: Course, all_told: Sequence[Told]) -> None:
    """Each thing that was told was so just before, in that order, and was told once."""
    changes, left = course.changes, list(course.changes)
    for told in all_told:
        found = [each for each in left if each.what is told.what and told.at - LATEST <= each.at <= told.at]
        if not found:
            again = any(each.what is told.what and each.at <= told.at for each in changes)
            odd = "not so just before" if not again else "not so just before, or told again, or out of order"
            verdict.is_wrong(block_time, told.at, f"“{told.what}” is told, which was {odd}")
            continue
        change = found[0]
        left = left[left.index(change) + 1 :]
        numbers = {each.missing for each in found} | _lacked(course, told.at)
        if told.is_latest and told.what is What.SHORT and told.missing not in numbers:
            verdict.is_wrong(
                block_time, told.at, f"{told.missing} machines are told to be missing, and {change.missing} are"
            )


def _lacked(course: Course, at: int) -> set[int]:
    """How many machines a class lacked just before: two looks have to see a shortage, and it may grow in between."""
    return {missing for seen, missing in course.lacked if at - LATEST <= seen <= at}


def _stretches(was: Sequence[tuple[int, State]], closed: int | None) -> Iterator[tuple[int, int, State]]:
    """From when until when what was so; the end of the last stretch is far away unless the class was closed."""
    last = 2**40 if closed is None else closed
    for number, (at, state) in enumerate(was, 1):
        yield at, was[number][0] if number < len(was) else last, state


def _known_after(believed: Sequence[tuple[int, State]], state: State, at: int) -> int | None:
    """After how many seconds it is believed that something is so which is so from `at` on; None: not soon enough."""
    if state_at(believed, at).is_like(state):
        return 0
    return next((since - at for since, is_ in believed if at < since <= at + LATEST and is_.is_like(state)), None)


def _in_words(state: State) -> str:
    words = {"short": state.is_short, "at risk": state.is_at_risk, "late": state.is_late}
    return " and ".join(word for word, is_so in words.items() if is_so) or "all well again"
