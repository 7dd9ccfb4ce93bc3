"""What is known of keep_ready: when it looked last, and what it does about a block time."""

from typing import NamedTuple

from django.utils import timezone

from blockalloc.forecasting.freshness import ago
from blockalloc.models import Decision, Heartbeat, Semaphore, Watch
from blockalloc.site_time import site_zone
from blockalloc.store.background import Background
from blockalloc.store.claims import UPKEEP_HOLD
from scheduling import wording
from scheduling.windows import MINUTE
from scheduling.wording import at, plural, span

SILENT = 3 * MINUTE  # it looks once a minute, and its holds live for 75 s


class Line(NamedTuple):
    """A line for a page, and how bad it is: a level of signals."""

    level: str
    text: str


class BlockTimeUpkeep(NamedTuple):
    """What keep_ready does about a block time, line by line. `holds_stopped`: staff have stopped its holds.

    `is_alive`: it looks at the site and may change something. `tried`: when it last looked for a computer and found
    none (Unix seconds), None where it never did.
    """

    lines: list[Line]
    holds_stopped: bool
    is_alive: bool = False
    tried: int | None = None


NEVER = Line("plain", "keep_ready has never run")
NEVER_AND_MISSED = Line("watch", f"{NEVER.text}: nobody puts right what goes wrong before a class")
NOTHING = BlockTimeUpkeep([], holds_stopped=False)


def heartbeat(now: int) -> Line | None:
    """When keep_ready looked last, at `now` (Unix seconds); None when it never did. One statement."""
    last = Heartbeat.objects.filter(pk=1).values_list("at", "doubt").first()
    return _in_words(int(last[0].timestamp()), last[1], now) if last else None


def heartbeat_of(background: Background, now: int) -> Line | None:
    """The same of what was read together with the last forecast."""
    return None if background.looked_at is None else _in_words(background.looked_at, background.doubt, now)


def _in_words(looked_at: int, doubt: str, now: int) -> Line:
    seconds = max(now - looked_at, 0)
    if seconds > SILENT:
        return Line("bad", f"keep_ready has not looked for {span(seconds)}")
    if doubt:
        return Line("bad", f"keep_ready looked {ago(seconds)} and changes nothing: {doubt}")
    return Line("plain", f"keep_ready looked {ago(seconds)}")


def looked(now: int, *, is_missed: bool) -> Line:
    """The same, for a page that always says something. `is_missed`: there are classes that it would look after.

    Where it never ran, that is to be watched as soon as a class is near, and nothing to be said loudly before.
    """
    return heartbeat(now) or (NEVER_AND_MISSED if is_missed else NEVER)


def is_at_work(line: Line | None) -> bool:
    """Whether keep_ready looks at the site and may change something, by the line that says when it looked last."""
    return line is not None and line.level == "plain" and line != NEVER


def of_block_time(block_time_id: int, now: int) -> BlockTimeUpkeep:
    """What keep_ready does about a block time that is on or to come. Four statements at most."""
    looked = heartbeat(now)
    watch = Watch.objects.filter(pk=block_time_id).first()
    stopped = watch.holds_stopped if watch else None
    lines = [looked] if looked else []
    if watch is not None and (text := _done(watch)):
        lines.append(Line("plain", text))
    if stopped:
        lines.append(Line("watch", _stopped(block_time_id, int(stopped.timestamp()), now)))
    elif names := held_computers(block_time_id):
        lines.append(Line("plain", f"it holds {wording.computers(names)} while they load"))
    tried = int(watch.tried.timestamp()) if watch and watch.tried else None
    return BlockTimeUpkeep(lines, stopped is not None, is_at_work(looked), tried)


def held_computers(block_time_id: int) -> list[str]:
    """The names of the computers of a block time that keep_ready holds now. One statement."""
    rows = Semaphore.objects.filter(
        procid__startswith=UPKEEP_HOLD,
        expires__gte=timezone.now(),
        computer__blockcomputer__blockTime=block_time_id,
    )
    return list(rows.order_by("computer__hostname").values_list("computer__hostname", flat=True).distinct())


def _done(watch: Watch) -> str:
    parts = [
        f"{plural(watch.replaced, 'computer')} exchanged" if watch.replaced else "",
        f"{watch.loaded_again} loaded again" if watch.loaded_again else "",
        f"{watch.added} added" if watch.added else "",
    ]
    return ", ".join(filter(None, parts))


def _stopped(block_time_id: int, since: int, now: int) -> str:
    """That the holds were stopped, by whom and when."""
    done = Decision.objects.filter(block_time_id=block_time_id, action=Decision.HOLDING, outcome=Decision.DONE)
    person = done.order_by("-pk").values_list("person", flat=True).first()
    who = f" by {person}" if person else ""
    return f"its computers are not held while they load: stopped{who} {at(since, now, site_zone())}"
