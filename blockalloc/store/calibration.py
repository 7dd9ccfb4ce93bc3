"""What was said of classes that have begun, how they began, and the loads that keep_ready saw. Unix seconds."""

from datetime import UTC, datetime
from typing import NamedTuple

from blockalloc.models import ClassHeld, Image, ManagementNode, SeenLoad
from blockalloc.models.scope import Scope
from scheduling.calibration import ClassSaid
from scheduling.load_time.changes import ImageLoad
from scheduling.windows import DAY

_LOADED_BEFORE = DAY  # a class's loads begin at most so long before it


class Past(NamedTuple):
    """The classes that began in the period, and the loads that did."""

    classes: list[ClassSaid]
    loads: list[ImageLoad]


def read(now: int, days: int, scope: Scope, image_id: int | None = None) -> Past:
    """The last `days` days, of one image or of all; loads for classes in the scope. Four statements."""
    since = now - days * DAY
    images = dict(Image.objects.values_list("id", "prettyname"))
    nodes = dict(ManagementNode.objects.values_list("id", "hostname"))
    classes = ClassHeld.objects.within(scope).filter(start__gte=_moment(since), start__lte=_moment(now))
    loads = SeenLoad.objects.filter(begun__gte=_moment(since - _LOADED_BEFORE), begun__lte=_moment(now))
    if scope.is_limited:
        loads = loads.filter(block_time_id__in=ClassHeld.objects.within(scope).values("pk"))
    if image_id is not None:
        classes, loads = classes.filter(image_id=image_id), loads.filter(image_id=image_id)
    nodes_of: dict[int, set[str]] = {}
    seen = []
    columns = ("image_id", "node_id", "block_time_id", "begun", "at_work", "over", "outcome")
    for image, node, block_time, begun, at_work, over, outcome in loads.order_by("pk").values_list(*columns):
        if node is not None and block_time is not None:
            nodes_of.setdefault(block_time, set()).add(nodes.get(node, f"management node {node}"))
        if begun >= _moment(since):
            name = images.get(image, f"image {image}")
            seen.append(ImageLoad(name, _seconds(begun), _seconds(at_work), over and _seconds(over), outcome))
    columns = ("pk", "image_id", "image_name", "had", "ready_at_start", "said_at_allocation", "said_last")
    said = [
        ClassSaid(images.get(image, name), had, ready, first, last, frozenset(nodes_of.get(block_time, ())))
        for block_time, image, name, had, ready, first, last in classes.order_by("pk").values_list(*columns)
    ]
    return Past(said, seen)


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
