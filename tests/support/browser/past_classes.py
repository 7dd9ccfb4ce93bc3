"""The weeks before the moment: what was said of each class, how it began, the loads for it; calendars that are read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from blockalloc.demo.images import MATLAB, OFFICE, UBUNTU
from blockalloc.models import BlockRequest, CalendarFeed, ClassHeld, Image, ManagementNode, SeenLoad
from tests.support.browser.monday_morning import LAB, MOMENT

WEEKS = 11
_IMAGES = (UBUNTU, OFFICE, UBUNTU, MATLAB)
# What was said at the allocation and half an hour before: of most classes enough, of few little.
_SAID = ((0.986, 0.994), (0.991, 0.998), (0.972, 0.99), (0.984, 0.985), (0.93, 0.988), (0.987, 0.91), (0.62, 0.55))
_SEATS, _LOADS = 20, 3  # machines of a class; how many of them had to be loaded
_MINUTES, _SLOWER = {UBUNTU: 6, OFFICE: 11, MATLAB: 14}, 4  # Office takes so much longer since its new revision


def add_past_classes() -> None:
    """Two classes on each weekday; of every fourteenth two machines were late."""
    images = {name: Image.objects.get(prettyname=name) for name in _IMAGES}
    nodes = list(ManagementNode.objects.order_by("pk"))
    owner = BlockRequest.objects.get(name=LAB).owner
    for number, start in enumerate(_starts()):
        image = images[_IMAGES[number % len(_IMAGES)]]
        at_allocation, last = _SAID[number * 5 % len(_SAID)]
        closing_row = ClassHeld.objects.create(
            block_time_id=1_000_000 + number,
            block_request_id=1_000_000 + number % 10,
            block_name=f"CS{101 + number % 10} programming",
            image_id=image.pk,
            image_name=image.prettyname,
            user_group="CS101@Local",
            owner=str(owner),
            affiliation_id=owner.affiliation_id,
            start=start,
            end=start + timedelta(hours=2),
            wanted=_SEATS,
            had=_SEATS,
            ready_at_start=_SEATS - 2 if number % 14 == 4 else _SEATS,
            ready_after_five=_SEATS,
            said_at_allocation=at_allocation,
            said_last=last,
            closed=True,
        )
        _add_loads(closing_row, nodes[number % len(nodes)])


def add_feeds() -> None:
    """Addresses of calendars: two that are read, one that is new, one that was revoked; and one of before 0.4."""
    made = MOMENT - timedelta(days=20)
    group = BlockRequest.objects.get(name=LAB).group_id
    feeds: tuple[dict[str, Any], ...] = (
        {"name": "Screen in the lab", "last_read": MOMENT.replace(minute=0)},
        {"name": "Anna, CS101", "group_id": group, "last_read": MOMENT - timedelta(days=3)},
        {"name": "New assistant", "group_id": group, "made_by": "viewer"},
        {"name": "Old assistant", "group_id": group, "revoked": MOMENT - timedelta(days=1), "revoked_by": "demo"},
        {"is_signed": True, "group_id": group, "made_by": "", "last_read": MOMENT - timedelta(hours=2)},
    )
    for number, values in enumerate(feeds):
        key = f"signed/{group}/any" if "is_signed" in values else f"{number}{'demo-key-' * 5}"[:43]
        CalendarFeed.objects.create(key=key, **{"made": made, "made_by": "demo", **values})


def _starts() -> Iterator[datetime]:
    for week in range(WEEKS, 0, -1):
        for day in range(5):
            for hour in (10, 14):
                yield MOMENT.replace(hour=hour, minute=0) + timedelta(days=day - 7 * week)


def _add_loads(closing_row: ClassHeld, node: ManagementNode) -> None:
    for number in range(_LOADS):
        begun = closing_row.start - timedelta(minutes=40 - number)
        minutes: float = _MINUTES[closing_row.image_name] + closing_row.pk % 7 / 10 + number / 10
        if closing_row.image_name == OFFICE and MOMENT - begun < timedelta(days=14):
            minutes += _SLOWER
        SeenLoad.objects.create(
            request_id=closing_row.pk * 10 + number,
            computer_id=number + 1,
            hostname=f"cs-{number + 1:02}.example.edu",
            image_id=closing_row.image_id,
            revision_id=1,
            node_id=node.pk,
            block_time_id=closing_row.pk,
            begun=begun,
            begun_is_exact=True,
            at_work=begun + timedelta(minutes=minutes - 1),  # keep_ready looked once a minute
            over=begun + timedelta(minutes=minutes),
            outcome=SeenLoad.LOADED,
        )
