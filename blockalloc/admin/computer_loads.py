"""The loads on a computer's page: the next one, and how the last ones went."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils.html import format_html

from blockalloc.models import BlockTime, Image, Request
from blockalloc.models.scope import Scope
from blockalloc.pages.columns import NOTHING, duration, link_to, moment
from blockalloc.pages.short_names import short_names
from blockalloc.site_time import site_zone
from blockalloc.store.load_history import Load, NextLoad
from scheduling.load_time.estimate import LONGEST, SHORTEST

# VCL's words for how a reservation ended, as staff read them.
_ENDINGS = {
    "deleted": "deleted by its user",
    "released": "released",
    "failed": "failed",
    "failedtest": "failed a test",
    "noack": "ready, but nobody came",
    "nologin": "ready, but nobody signed in",
    "timeout": "used until nobody was connected",
    "EOR": "used until the end",
    "none": "not recorded",
}


class Row(NamedTuple):
    """A line of the load history; `stuck` and `failed` mark what staff may have to look into."""

    start: str
    image: str
    took: str
    stuck: bool
    ending: str
    failed: bool


def row(load: Load) -> Row:
    """The line for a load."""
    image = link_to(Image, load.image_id, load.image or f"image {load.image_id}")
    stuck = load.seconds is not None and load.seconds >= LONGEST
    return Row(_at(load.start), image, _took(load), stuck, _ENDINGS.get(load.ending, load.ending), load.failed)


def summary(history: Sequence[Load]) -> str:
    """How many of the loads failed, as a sentence."""
    failed = sum(load.failed for load in history)
    over = sum(not load.at_work for load in history)
    if not over:
        return ""
    loads = f"the last {over} loads" if over > 1 else "the last load"
    return f"{failed} of {loads} failed." if failed else f"None of {loads} failed."


def next_load(load: NextLoad | None, now: int, scope: Scope) -> str:
    """The next load in words: its start, image, purpose and management node. `now` in Unix seconds."""
    if load is None:
        return "none planned"
    image = link_to(Image, load.image_id, load.image or f"image {load.image_id}")
    present = " (already on it)" if load.holds_it else ""
    node = f", by {short_names().of(load.node)}" if load.node else ""
    return format_html("{}, {}{}, {}{}", _start(load, now, scope), image, present, _purpose(load, scope), node)


def _start(load: NextLoad, now: int, scope: Scope) -> str:
    text = _at(load.start)
    if load.reload:
        late = "" if load.start > now else ", due and not begun"
        text = f"{text}, in progress" if load.begun else f"{text}{late}"
    visible = load.block_time_id is not None and _is_visible(load, scope)
    return link_to(Request, load.request_id, text) if load.reload and visible else text


def _purpose(load: NextLoad, scope: Scope) -> str:
    if not load.reload:
        return "for a user's reservation"
    if load.block_time_id is None:
        return "for no class"
    if not _is_visible(load, scope):
        return "for another affiliation's class"
    name = link_to(BlockTime, load.block_time_id, f"{load.block}, {_at(load.block_start)}")
    return format_html("for {}", name)


def _is_visible(load: NextLoad, scope: Scope) -> bool:
    return scope.affiliation_id in (None, load.affiliation_id)


def _took(load: Load) -> str:
    if load.ahead:
        return "loaded ahead"
    if load.at_work:
        return "in progress"
    if load.seconds is None:
        return NOTHING
    text = duration(max(load.seconds, 0))
    if load.failed:
        return text
    return f"{text}, no load was needed" if load.seconds <= SHORTEST else text


def _at(instant: int) -> str:
    return moment(datetime.fromtimestamp(instant, site_zone()))
