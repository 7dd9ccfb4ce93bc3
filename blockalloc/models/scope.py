"""Whose blocks somebody may see and act upon: all, or those whose owner is of one affiliation.

Query sets take it from the person who is signed in: `BlockTime.objects.visible_to(user)`.
"""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import IntegerField, Value

_ATTRIBUTE = "_blockalloc_scope"
Person = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class Scope:
    """`affiliation_id` is a row of VCL's `affiliation`; None: blocks of all owners."""

    affiliation_id: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there may be blocks that are not to be seen."""
        return self.affiliation_id is not None

    def as_column(self) -> Value:
        """The affiliation as a column of a query, NULL for no limit: columns of pages look at rows only."""
        return Value(self.affiliation_id, output_field=IntegerField())


NOTHING = Scope(0)  # ids begin at 1


def scope_of(user: Person) -> Scope:
    """The scope of somebody who is signed in. Django's own accounts see all blocks. Takes no query."""
    if not user.is_authenticated:
        return NOTHING
    found = getattr(user, _ATTRIBUTE, None)
    return found if isinstance(found, Scope) else Scope()


def limit(user: AbstractBaseUser, scope: Scope) -> None:
    """Give the user a scope, for as long as the object lives (a request)."""
    setattr(user, _ATTRIBUTE, scope)
