"""What pages, reports and the demo site ask VCL's tables for, in words of the domain.

Moments are aware datetimes. `within(scope)` leaves the rows of blocks that the scope has, `visible_to(user)` those that
the person who is signed in may see.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from blockalloc.models.scope import Person, Scope, scope_of
from scheduling.state_ids import RELOAD
from scheduling.vcl_names import ACCEPTED, DELETED, REJECTED, RELOAD_USER

if TYPE_CHECKING:  # the models' modules import this one
    from blockalloc.models import (  # noqa: F401 - they stand in brackets, as text
        BlockComputer,
        BlockRequest,
        BlockTime,
        Decision,
        ImageRevision,
        Request,
        Reservation,
    )

_Row = TypeVar("_Row", bound=Model, covariant=True)
# Requests that never became a class.
_REFUSED = (REJECTED, DELETED)


def unexpired() -> Q:
    """The condition for block requests that have not expired (see `scheduling.block_status.is_expired`)."""
    return Q(expireTime__gte=timezone.now().replace(microsecond=0))


def loads_for_blocks(scope: Scope, request: str = "pk") -> Q:
    """The condition for VCL's requests, or for rows with a request's id in `request`: they load for such a block."""
    if not scope.is_limited:
        return Q()
    # The column reloadrequestid has no index: the way to the block is by the computer.
    computers = _rows_of("BlockComputer").within(scope)
    return Q(
        Exists(computers.filter(computer__reservation__request=OuterRef(request), reloadrequestid=OuterRef(request)))
    )


class OwnedQuerySet(QuerySet[_Row]):
    """Rows that belong to block requests, which have owners. `owner_affiliation` is the way to the owner's."""

    owner_affiliation: ClassVar[str]

    def within(self, scope: Scope) -> Self:
        """Those of block requests whose owner is in the scope."""
        if scope.affiliation_id is None:
            return self.all()
        return self.filter(**{self.owner_affiliation: scope.affiliation_id})

    def visible_to(self, user: Person) -> Self:
        """Those of block requests that the person may see."""
        return self.within(scope_of(user))


class BlockRequestQuerySet(OwnedQuerySet["BlockRequest"]):
    """Block requests."""

    owner_affiliation = "owner__affiliation"

    def unexpired(self) -> Self:
        """Those that have not expired by now."""
        return self.filter(unexpired())

    def unexpired_after(self, moment: datetime) -> Self:
        """Those that expire later than that, or will."""
        return self.filter(expireTime__gt=moment)


class BlockTimeQuerySet(OwnedQuerySet["BlockTime"]):
    """Block times."""

    owner_affiliation = "blockRequest__owner__affiliation"

    def accepted(self) -> Self:
        """Those whose block request is accepted."""
        return self.filter(blockRequest__status=ACCEPTED)

    def not_skipped(self) -> Self:
        """Those that are not marked to be skipped."""
        return self.filter(skip=0)

    def to_come(self, now: datetime) -> Self:
        """Those that are on at `now`, or begin later."""
        return self.filter(end__gt=now)

    def taking_place_between(self, first: datetime, last: datetime) -> Self:
        """Those that take place between two moments, at least in part; requests that were refused aside."""
        return self.filter(Q(start__lt=last, end__gt=first) & ~Q(blockRequest__status__in=_REFUSED))

    def without_computers(self) -> Self:
        """Those that have no computers."""
        return self.filter(blockcomputer__isnull=True)


class BlockComputerQuerySet(OwnedQuerySet["BlockComputer"]):
    """Computers that block times have."""

    owner_affiliation = "blockTime__blockRequest__owner__affiliation"

    def to_come(self, now: datetime) -> Self:
        """Those of block times that are on at `now`, or begin later."""
        return self.filter(blockTime__end__gt=now)

    def with_reload(self) -> Self:
        """With the times and the management node of each computer's reload, and the image's production revision.

        Reloads are found by number: VCL removes those that are done.
        """
        request = OuterRef("reloadrequestid")
        reloads = _rows_of("Request").filter(pk=request)
        reservations = _rows_of("Reservation").filter(request=request, computer=OuterRef("computer"))
        production = _rows_of("ImageRevision").in_production_for("image")
        return self.annotate(
            reload_start=Subquery(reloads.values("start")[:1]),
            reload_end=Subquery(reloads.values("end")[:1]),
            reload_node=Subquery(reservations.values("managementnode__hostname")[:1]),
            production_id=Subquery(production.values("pk")[:1]),
        )


class DecisionQuerySet(OwnedQuerySet["Decision"]):
    """Decision records, which keep the affiliation of the block request's owner."""

    owner_affiliation = "affiliation_id"


class ImageRevisionQuerySet(QuerySet["ImageRevision"]):
    """Image revisions."""

    def in_production_for(self, image: str) -> Self:
        """The production revision of the outer row's image, whose id is in the column `image` there."""
        return self.filter(image=OuterRef(image), production=1).order_by("-pk")


class RequestQuerySet(QuerySet["Request"]):
    """Requests of all kinds, which VCL keeps in one table."""

    def reloads(self) -> Self:
        """The reload reservations. The last state marks those that a back end is at, or has failed at."""
        return self.filter(
            Q(state=RELOAD) | Q(laststate=RELOAD),
            user__unityid=RELOAD_USER.unityid,
            user__affiliation__name=RELOAD_USER.affiliation,
        )

    def for_blocks_within(self, scope: Scope) -> Self:
        """Those that load for a block of the scope; without a limit all, also those that load for no block."""
        return self.filter(loads_for_blocks(scope))

    def for_blocks_visible_to(self, user: Person) -> Self:
        """The same for the blocks that the person may see."""
        return self.for_blocks_within(scope_of(user))


class ReservationQuerySet(QuerySet["Reservation"]):
    """Computers of requests."""

    def to_come(self, now: datetime) -> Self:
        """Those of requests that are on at `now`, or begin later."""
        return self.filter(request__end__gt=now)


def _rows_of(model: str) -> Any:
    """All rows of a model."""
    return apps.get_model("blockalloc", model)._default_manager.all()
