"""Queries of pages, reports and the demo site, in words of the domain.

Times are aware datetimes. `within(scope)` filters by a scope, `visible_to(user)` by the scope of the person who is
signed in, `in_lab(lab)` by the id of a resource group of computers (None: any; see `blockalloc.models.labs`).
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery

from blockalloc import clock
from blockalloc.models.labs import about_class_in_lab, class_in_lab, series_in_lab
from blockalloc.models.scope import Person, Scope, scope_of
from scheduling.state_ids import RELOAD
from scheduling.vcl_names import ACCEPTED, DELETED, REJECTED, RELOAD_USER

if TYPE_CHECKING:  # the models' modules import this one
    from blockalloc.models import (  # noqa: F401 - used in strings, as type parameters
        BlockComputer,
        BlockRequest,
        BlockTime,
        CalendarFeed,
        ClassHeld,
        Decision,
        ImageRevision,
        Message,
        Request,
        Reservation,
    )

_Row = TypeVar("_Row", bound=Model, covariant=True)
# Statuses of block requests that never take place.
_REFUSED = (REJECTED, DELETED)


def unexpired(request: str = "") -> Q:
    """The condition for block requests that have not expired (see `scheduling.block_status.is_expired`).

    `request`: the path to them, such as `blockRequest__`.
    """
    return Q(**{f"{request}expireTime__gte": datetime.fromtimestamp(clock.now(), UTC)})


def loads_for_blocks(scope: Scope, request: str = "pk") -> Q:
    """The condition that requests, or rows with their ids in the column `request`, load for block times in `scope`."""
    if not scope.is_limited:
        return Q()
    # The column reloadrequestid has no index: the query goes by the computer.
    computers = _rows_of("BlockComputer").within(scope)
    return Q(
        Exists(computers.filter(computer__reservation__request=OuterRef(request), reloadrequestid=OuterRef(request)))
    )


class OwnedQuerySet(QuerySet[_Row]):
    """Rows that belong to block requests. `owner_affiliation` is the path to the affiliation of the request's owner."""

    owner_affiliation: ClassVar[str]

    def within(self, scope: Scope) -> Self:
        """Rows of block requests whose owner is in the scope."""
        if scope.affiliation_id is None:
            return self.all()
        return self.filter(**{self.owner_affiliation: scope.affiliation_id})

    def visible_to(self, user: Person) -> Self:
        """Rows of block requests that the person may see."""
        return self.within(scope_of(user))


class BlockRequestQuerySet(OwnedQuerySet["BlockRequest"]):
    owner_affiliation = "owner__affiliation"

    def in_lab(self, lab: int | None) -> Self:
        """Block requests with classes of the lab, or without classes and for an image of it."""
        return self.all() if lab is None else self.filter(series_in_lab(lab))

    def unexpired(self) -> Self:
        """Block requests that have not expired by now."""
        return self.filter(unexpired())

    def unexpired_after(self, moment: datetime) -> Self:
        """Block requests that expire later than `moment`."""
        return self.filter(expireTime__gt=moment)


class BlockTimeQuerySet(OwnedQuerySet["BlockTime"]):
    owner_affiliation = "blockRequest__owner__affiliation"

    def in_lab(self, lab: int | None) -> Self:
        """Classes of the lab."""
        return self.all() if lab is None else self.filter(class_in_lab(lab))

    def accepted(self) -> Self:
        """Block times of accepted block requests."""
        return self.filter(blockRequest__status=ACCEPTED)

    def not_skipped(self) -> Self:
        """Block times that are not skipped."""
        return self.filter(skip=0)

    def unexpired(self) -> Self:
        """Block times of block requests that have not expired by now."""
        return self.filter(unexpired("blockRequest__"))

    def to_come(self, now: datetime) -> Self:
        """Block times that are on at `now`, or begin later."""
        return self.filter(end__gt=now)

    def taking_place_between(self, first: datetime, last: datetime) -> Self:
        """Block times that overlap the time between the two, without those of rejected and deleted block requests."""
        return self.filter(Q(start__lt=last, end__gt=first) & ~Q(blockRequest__status__in=_REFUSED))

    def without_computers(self) -> Self:
        """Block times without block computers."""
        return self.filter(blockcomputer__isnull=True)


class BlockComputerQuerySet(OwnedQuerySet["BlockComputer"]):
    owner_affiliation = "blockTime__blockRequest__owner__affiliation"

    def to_come(self, now: datetime) -> Self:
        """Computers of block times that are on at `now`, or begin later."""
        return self.filter(blockTime__end__gt=now)

    def with_reload(self) -> Self:
        """With the times and the management node of each computer's reload, and the image's production revision.

        A reload that VCL has deleted, since it is done, leaves NULLs.
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

    def in_lab(self, lab: int | None) -> Self:
        """Decisions about classes of the lab. The class may be gone: then its image counts."""
        return self.all() if lab is None else self.filter(about_class_in_lab(lab))


class ClassHeldQuerySet(OwnedQuerySet["ClassHeld"]):
    """Closing rows of classes, which keep the affiliation of the block request's owner."""

    owner_affiliation = "affiliation_id"

    def in_lab(self, lab: int | None) -> Self:
        """Classes of the lab. Their computers may be gone: then the image counts."""
        return self.all() if lab is None else self.filter(about_class_in_lab(lab))

    def over_between(self, first: datetime, last: datetime, now: datetime) -> Self:
        """Classes that are over at `now` and overlap the time between the two, by start."""
        return self.filter(start__lt=last, end__gt=first, end__lte=now).order_by("start", "pk")


class CalendarFeedQuerySet(OwnedQuerySet["CalendarFeed"]):
    """Addresses of calendars, which name the affiliation of the owners of their classes, None for any."""

    owner_affiliation = "affiliation_id"

    def revoked(self) -> Self:
        """Addresses that are no longer answered, the latest first."""
        return self.filter(revoked__isnull=False).order_by("-revoked", "-pk")

    def answered(self) -> Self:
        """Addresses that are not revoked."""
        return self.filter(revoked__isnull=True)


class MessageQuerySet(QuerySet["Message"]):
    """Messages to owners, to staff and to the site's addresses."""

    def within(self, scope: Scope, own_key: str = "") -> Self:
        """Messages about block requests in the scope alone, and those to the recipient with the key `own_key`.

        With a limited scope, none about something else, such as a daily summary of the whole site.
        """
        if not scope.is_limited:
            return self.all()
        notices = _rows_of("Notice").filter(message=OuterRef("pk"))
        inside = notices.filter(news__affiliation_id=scope.affiliation_id)
        outside = notices.exclude(news__affiliation_id=scope.affiliation_id)
        return self.filter(Q(recipient__key=own_key) | (Exists(inside) & ~Exists(outside)))

    def given_up(self) -> Self:
        """Messages that could not be delivered."""
        return self.filter(sent__isnull=True, failed__isnull=False)

    def waiting(self) -> Self:
        """Messages that are still to be sent."""
        return self.filter(sent__isnull=True, failed__isnull=True)


class ImageRevisionQuerySet(QuerySet["ImageRevision"]):
    def in_production_for(self, image: str) -> Self:
        """The production revision of the outer row's image, whose id is in the column `image` there."""
        return self.filter(image=OuterRef(image), production=1).order_by("-pk")


class RequestQuerySet(QuerySet["Request"]):
    """Requests of users and reload reservations, which are in one table."""

    def reloads(self) -> Self:
        """Reload reservations, including those that are loading or have failed, which show it by their last state."""
        return self.filter(
            Q(state=RELOAD) | Q(laststate=RELOAD),
            user__unityid=RELOAD_USER.unityid,
            user__affiliation__name=RELOAD_USER.affiliation,
        )

    def for_blocks_within(self, scope: Scope) -> Self:
        """Requests that load for a block time in the scope; with an unlimited scope, all, even for no block time."""
        return self.filter(loads_for_blocks(scope))

    def for_blocks_visible_to(self, user: Person) -> Self:
        """The same for the scope of the person."""
        return self.for_blocks_within(scope_of(user))


class ReservationQuerySet(QuerySet["Reservation"]):
    def to_come(self, now: datetime) -> Self:
        """Reservations of requests that are on at `now`, or begin later."""
        return self.filter(request__end__gt=now)


def _rows_of(model: str) -> Any:
    """All rows of a model."""
    return apps.get_model("blockalloc", model)._default_manager.all()
