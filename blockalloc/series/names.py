"""The names of what a plan of a series is about, as far as a person may know them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from blockalloc.models import BlockTime, Request, ResourceGroup
from blockalloc.models.scope import Scope
from blockalloc.series.answer import Collision
from scheduling.remedies import InTheWay

HIDDEN = "of another affiliation"


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id; block times and requests only where the person may know them."""

    block_times: Mapping[int, str]
    requests: Mapping[int, str]
    groups: Mapping[int, str]

    def collision(self, booking: InTheWay) -> Collision:
        """A booking with its name. Ids of block times below 0 are other dates of the series."""
        if booking.kind == "block time" and booking.id < 0:
            name = "another date of this series"
            return Collision("date", -booking.id, name, booking.start, booking.end, booking.computers)
        names = self.block_times if booking.kind == "block time" else self.requests
        name = names.get(booking.id, HIDDEN)
        return Collision(
            booking.kind, booking.id, name, booking.start, booking.end, booking.computers, booking.id not in names
        )


def read(bookings: Iterable[InTheWay], groups: Collection[int], scope: Scope) -> Names:
    """The names of bookings and of resource groups: three statements at most."""
    ids: dict[str, set[int]] = {"block time": set(), "request": set()}
    for booking in bookings:
        ids[booking.kind].add(booking.id)
    return Names(
        _block_times({id_ for id_ in ids["block time"] if id_ > 0}, scope), _requests(ids["request"], scope),
        dict(ResourceGroup.objects.filter(pk__in=groups).values_list("pk", "name")) if groups else {},
    )  # fmt: skip


def _block_times(ids: Collection[int], scope: Scope) -> dict[int, str]:
    if not ids:
        return {}
    times = BlockTime.objects.within(scope).filter(pk__in=ids)
    return dict(times.values_list("pk", "blockRequest__name"))


def _requests(ids: Collection[int], scope: Scope) -> dict[int, str]:
    """Whose the requests are. Those of users of another affiliation stay hidden, as on the other pages."""
    if not ids:
        return {}
    requests = Request.objects.filter(pk__in=ids)
    if scope.is_limited:
        requests = requests.filter(user__affiliation=scope.affiliation_id)
    rows = requests.values_list("pk", "user__unityid", "user__affiliation__name")
    return {id_: f"{name}@{affiliation}" for id_, name, affiliation in rows}
