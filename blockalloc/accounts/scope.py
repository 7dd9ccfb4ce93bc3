"""Whose blocks somebody may see and act upon: all, or those whose owner is of one affiliation."""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, IntegerField, OuterRef, Q, Value

from blockalloc.models import BlockComputer

_ATTRIBUTE = "_blockalloc_scope"


@dataclass(frozen=True, slots=True)
class Scope:
    """`affiliation_id` is a row of VCL's `affiliation`; None: blocks of all owners."""

    affiliation_id: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there may be blocks that are not to be seen."""
        return self.affiliation_id is not None

    def of(self, path: str = "") -> Q:
        """The condition for rows of block requests, or of a table that reaches them by `path` ("blockRequest__")."""
        if self.affiliation_id is None:
            return Q()
        return Q((f"{path}owner__affiliation", self.affiliation_id))

    def of_reloads(self, request: str = "pk") -> Q:
        """The condition for VCL's requests, or for what has their id in `request`: they load for such a block."""
        if self.affiliation_id is None:
            return Q()
        # The column reloadrequestid has no index: the way to the block is by the computer.
        held = BlockComputer.objects.filter(
            self.of("blockTime__blockRequest__"),
            computer__reservation__request=OuterRef(request),
            reloadrequestid=OuterRef(request),
        )
        return Q(Exists(held))

    def as_column(self) -> Value:
        """The affiliation as a column of a query, NULL for no limit: columns of pages look at rows only."""
        return Value(self.affiliation_id, output_field=IntegerField())


NOTHING = Scope(0)  # ids begin at 1


def scope_of(user: AbstractBaseUser | AnonymousUser) -> Scope:
    """The scope of somebody who is signed in. Django's own accounts see all blocks. Takes no query."""
    if not user.is_authenticated:
        return NOTHING
    found = getattr(user, _ATTRIBUTE, None)
    return found if isinstance(found, Scope) else Scope()


def limit(user: AbstractBaseUser, scope: Scope) -> None:
    """Give the user a scope, for as long as the object lives (a request)."""
    setattr(user, _ATTRIBUTE, scope)
