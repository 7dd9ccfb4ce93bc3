"""How far messages have come, in words, for the pages about them."""

from blockalloc.models import LoopSeen, Message
from blockalloc.reports.upkeep import Line
from scheduling.windows import MINUTE
from scheduling.wording import span

LOOP = "notify"  # the name of the loop that sends them
_SILENT = 3 * MINUTE


def state(message: Message) -> Line:
    """Whether it is sent, waits or was given up."""
    if message.sent:
        return Line("good", "sent")
    if message.failed:
        return Line("bad", "failed")
    if message.attempts:
        return Line("watch", f"waits, tried {message.attempts}×")
    return Line("plain", "waits")


def sender(now: int) -> Line:
    """When `notify` has last been seen, at `now` (Unix seconds). One statement."""
    at = LoopSeen.objects.filter(pk=LOOP).values_list("at", flat=True).first()
    if at is None:
        return Line("watch", "notify has never run: nothing is sent")
    ago = max(now - int(at.timestamp()), 0)
    if ago > _SILENT:
        return Line("bad", f"notify has not been seen for {span(ago)}: nothing is sent")
    return Line("plain", f"notify was at work {span(ago)} ago")
