"""The scope of a person: the owners whose block requests they may see and act upon, all or those of one affiliation.

Query sets take it from the person who is signed in: `BlockTime.objects.visible_to(user)`.
"""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import IntegerField, Value

_ATTRIBUTE = "_blockalloc_scope"
Person = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class Scope:
    """`affiliation_id` is the id of a row of VCL's `affiliation`; None: all owners."""

    affiliation_id: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether block requests may be hidden from the person."""
        return self.affiliation_id is not None

    def as_column(self) -> Value:
        """The affiliation as a column of a query, NULL for no limit: functions of columns get rows only."""
        return Value(self.affiliation_id, output_field=IntegerField())


NOTHING = Scope(0)  # ids begin at 1


def scope_of(user: Person) -> Scope:
    """The scope of a person; unlimited for Django's own accounts. Takes no query."""
    if not user.is_authenticated:
        return NOTHING
    scope = getattr(user, _ATTRIBUTE, None)
    return scope if isinstance(scope, Scope) else Scope()


def limit(user: AbstractBaseUser, scope: Scope) -> None:
    """Set the scope of a user, for the lifetime of the object (a request)."""
    setattr(user, _ATTRIBUTE, scope)
