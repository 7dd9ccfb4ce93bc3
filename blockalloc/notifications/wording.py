"""The sentences of messages: about a class, for staff and for its owner. Times are in site time, with the weekday."""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from blockalloc.models import News
from blockalloc.site_time import site_zone
from scheduling.news.kinds import Kind
from scheduling.wording import plural

_HOW_MANY = re.compile(r"\A\d+ of \d+ machines? missing(?: \([^)]*\))?(?:: |; |\Z)")
_WILL_BE = " will be"
_LONGEST_SUBJECT = 120  # characters; mail programs show about 70
# In the subject of a message about several classes.
_OF_SEVERAL = {
    Kind.NOT_READY: "not ready at the start",
    Kind.SHORT: "lacking machines",
    Kind.AT_RISK: "may not be ready in time",
    Kind.FORESEEN: "going to lack machines",
    Kind.MENDED: "with all machines now",
    Kind.READY: "ready now",
    Kind.FORESEEN_OVER: "going to have all machines",
}
_FOR_STAFF = {
    Kind.SHORT: "On the page of the class, “Dry run” shows why other computers cannot be taken and what would help; "
    "“Put right now” takes what has become free.",
    Kind.AT_RISK: "On the page of the class, “Put right now” exchanges computers that will not be ready, or loads them "
    "again. It first shows what it would do.",
    Kind.NOT_READY: "The page of the class shows which computers are not ready, and why. “Put right now” exchanges "
    "them, or loads them again.",
    Kind.FORESEEN: "There is still time: move this class, or what is in its way, to another hour or day, ask for fewer "
    "machines, or put computers back in service. The page of the class says what would help, This week which other "
    "classes are affected.",
}
_FOR_OWNERS = {
    Kind.SHORT: "You need not do anything: machines are added as soon as some become free, and you will be told when "
    "the class has them all. If it cannot take place with fewer, please ask the staff of VCL.",
    Kind.AT_RISK: "You need not do anything: the machines are watched, and you will be told when they are all ready. "
    "It may help to have something prepared for the first minutes of the class.",
    Kind.NOT_READY: "Please begin with the machines that are ready. You will be told when they all are.",
    Kind.FORESEEN: "If the class cannot take place with fewer machines, please ask the staff of VCL soon: at another "
    "hour or on another day there may be enough. You will be told when it can have them all.",
}
_FOR_OWNERS_OF_NONE = (  # there is nothing to begin with
    "Machines are added as soon as some become free, and you will be told when the class has them all. If it cannot "
    "wait or be moved, please ask the staff of VCL."
)
NOTHING_TO_DO = "Nothing. All is well again."


def one_line(text: str) -> str:
    """The text without line breaks and control characters, for names that become part of a subject."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def when(instant: int, at: int) -> str:
    """`Mon 09:00`; `Mon 7 Dec 09:00` if that is a week or more from `at`, with the year if that is another one."""
    local, today = _local(instant), _local(at)
    near = abs((local.date() - today.date()).days) < 7
    return f"{local:%a %H:%M}" if near else f"{local:%a} {local.day} {local:%b}{_year(local, today)} {local:%H:%M}"


def hours(start: int, end: int, at: int) -> str:
    """`Monday 30 November, 09:00 to 11:00`."""
    begins, ends, today = _local(start), _local(end), _local(at)
    until = f"{ends:%H:%M}" if begins.date() == ends.date() else when(end, start)
    return f"{begins:%A} {begins.day} {begins:%B}{_year(begins, today)}, {begins:%H:%M} to {until}"


def day_name(instant: int, at: int) -> str:
    """`Monday 30 November`."""
    local = _local(instant)
    return f"{local:%A} {local.day} {local:%B}{_year(local, _local(at))}"


def why(news: News) -> str:
    """Why it is so. Of machines that are missing the headline says how many: only the reason is left of that."""
    text = news.why.strip()
    if news.kind == Kind.SHORT:
        return _HOW_MANY.sub("", text)
    return text


def headline(news: News) -> str:
    """What has happened, as a sentence."""
    all_, are = ("its machine", "is") if news.wanted == 1 else (f"all {news.wanted} machines", "are")
    match Kind(news.kind):
        case Kind.SHORT:
            return _sentence(_missing(news, " is", " are"))
        case Kind.AT_RISK:
            has = f"The class has {_of_wanted(news.usable, news)}, and " if news.usable < news.wanted else "The class "
            sure = "" if news.sureness is None else f" The chance that {all_} {are} ready is {_percent(news.sureness)}."
            return f"{has}may not be ready when it begins.{sure}"
        case Kind.NOT_READY:
            return f"The class began with {_ready(news)}."
        case Kind.MENDED:
            return f"The class has {all_} now."
        case Kind.READY:
            return _sentence(f"{all_} {are} ready now")
        case Kind.FORESEEN:
            return _sentence(f"{_missing(news, _WILL_BE, _WILL_BE)}, as things stand")
        case Kind.FORESEEN_OVER:
            return f"The class will have {all_}, as things stand."


def in_short(news: News) -> str:
    """The same in a few words, after the name of the class."""
    all_ = "its machine" if news.wanted == 1 else f"all {news.wanted} machines"
    match Kind(news.kind):
        case Kind.SHORT:
            return _missing(news)
        case Kind.AT_RISK:
            return "at risk"
        case Kind.NOT_READY:
            return f"began with {_ready(news)}"
        case Kind.MENDED:
            return f"has {all_} now"
        case Kind.READY:
            return f"{all_} ready now"
        case Kind.FORESEEN:
            return _missing(news, _WILL_BE, _WILL_BE)
        case Kind.FORESEEN_OVER:
            return f"will have {all_}"


def advice(news: News, *, for_staff: bool) -> str:
    """What the reader can do."""
    if not for_staff and news.kind == Kind.SHORT and not news.usable:
        return _FOR_OWNERS_OF_NONE
    return (_FOR_STAFF if for_staff else _FOR_OWNERS).get(Kind(news.kind), NOTHING_TO_DO)


def subject(latest: Sequence[News], at: int) -> str:
    """What the message is about: `CS101 lab Mon 09:00: 2 of 20 machines missing`, `3 classes Mon 09:00: ready now`.

    `latest` is the latest news of each class, by start.
    """
    starts = sorted({int(news.start.timestamp()) for news in latest})
    if len(latest) == 1:
        (news,) = latest
        text = f"{one_line(news.block_name)} {when(starts[0], at)}{_about(news)}"
    else:
        text = f"{len(latest)} classes {from_to(starts[0], starts[-1], at)}: {_counted(latest)}"
    return text if len(text) <= _LONGEST_SUBJECT else f"{text[: _LONGEST_SUBJECT - 1].rstrip()}…"


def opening(latest: Sequence[News]) -> str:
    """The first sentence of a message about several classes; "" for one."""
    return f"There is news about {len(latest)} classes, listed by their start." if len(latest) > 1 else ""


def _about(news: News) -> str:
    """What follows the class and its time: of one at risk, the first reason."""
    reason = one_line(news.why).partition("; ")[0]
    return f" at risk: {reason}" if news.kind == Kind.AT_RISK and reason else f": {in_short(news)}"


def from_to(first: int, last: int, at: int) -> str:
    """`Mon 09:00`, `Mon 09:00 to 13:00`, `Mon 09:00 to Tue 08:00`."""
    if first == last:
        return when(first, at)
    same_day = _local(first).date() == _local(last).date()
    return f"{when(first, at)} to {f'{_local(last):%H:%M}' if same_day else when(last, at)}"


def _counted(latest: Sequence[News]) -> str:
    order = list(_OF_SEVERAL)
    kinds = sorted((Kind(news.kind) for news in latest), key=order.index)
    numbers = [(kind, len(list(group))) for kind, group in groupby(kinds)]
    if len(numbers) == 1:
        return _OF_SEVERAL[numbers[0][0]]
    return ", ".join(f"{number} {_OF_SEVERAL[kind]}" for kind, number in numbers)


def _missing(news: News, one: str = "", several: str = "") -> str:
    """How many machines are missing, with the verb for one machine and for several; without, none."""
    number = news.wanted - news.usable
    if news.wanted == 1:
        return f"its machine{one} missing"
    if number == news.wanted:
        return f"all {news.wanted} machines{several} missing"
    return f"{number} of {news.wanted} machines{one if number == 1 else several} missing"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _ready(news: News) -> str:
    if news.ready is None:
        return "machines that were not all ready"
    return f"{_of_wanted(news.ready, news)} ready" if news.ready else "no machine ready"


def _of_wanted(number: int, news: News) -> str:
    return f"{number} of {plural(news.wanted, 'machine')}"


def _percent(share: float) -> str:
    """Never 100 % of what is not sure, nor 0 % of what may come true."""
    return "over 99 %" if share > 0.99 else "below 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def _local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, site_zone())


def _year(local: datetime, today: datetime) -> str:
    return "" if local.year == today.year else f" {local.year}"
