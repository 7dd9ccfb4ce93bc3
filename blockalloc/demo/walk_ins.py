"""Classes that begin soon, whenever somebody looks: booked while the demo site runs."""

from datetime import UTC, datetime, time, timedelta

from django.db.models import Count, Q

from blockalloc.demo.database import require_mark
from blockalloc.demo.images import CENTOS, RHEL, UBUNTU
from blockalloc.demo.people import CS420
from blockalloc.models import BlockRequest, BlockTime, Image, ManagementNode, User, UserGroup
from blockalloc.site_time import instant_to_local, local_to_instant
from scheduling.vcl_names import ACCEPTED

NAME = "Walk-in lab"
_WITHIN = timedelta(hours=1)
_AHEAD = timedelta(minutes=20)  # at least: there has to be time for the loads
_QUARTER = timedelta(minutes=15)
_LENGTH = timedelta(minutes=45)
_IMAGES = (CENTOS, RHEL, UBUNTU)
_MACHINES = 12


def book_if_none_is_near(now: int) -> BlockTime | None:
    """Book a class that begins in 20 to 35 minutes, unless a class begins within the hour (`now`: Unix seconds).

    It is booked as a user of VCL's pages would book it: its computers are still to be asked for. Its image is the one
    that the fewest computers have, so that it needs loads. Raises NotTheDemo.
    """
    require_mark()
    moment = datetime.fromtimestamp(now, UTC)
    near = BlockTime.objects.accepted().not_skipped().filter(start__gt=moment, start__lte=moment + _WITHIN)
    return None if near.exists() else _book(moment)


def _book(moment: datetime) -> BlockTime:
    start = _next_quarter(instant_to_local(moment + _AHEAD))
    end = start + _LENGTH
    group = UserGroup.objects.get(name=CS420)
    request = BlockRequest.objects.create(
        name=NAME,
        image=_rarest_image(),
        numMachines=_MACHINES,
        group=group,
        repeating="list",
        owner=User.objects.get(usergroup=group),
        managementnode=ManagementNode.objects.earliest("pk"),
        expireTime=local_to_instant(datetime.combine(end.date(), time(23, 59, 59))),
        status=ACCEPTED,
    )
    return BlockTime.objects.create(blockRequest=request, start=local_to_instant(start), end=local_to_instant(end))


def _next_quarter(local: datetime) -> datetime:
    """The first quarter of an hour that is not before `local` (site time, naive)."""
    return local + (local.replace(hour=0, minute=0, second=0) - local) % _QUARTER


def _rarest_image() -> Image:
    loaded = Count("computer", filter=Q(computer__imagerevision__production=1))
    return Image.objects.filter(prettyname__in=_IMAGES).annotate(loaded=loaded).order_by("loaded", "pk")[0]
