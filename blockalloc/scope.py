"""Whose blocks somebody may see and act upon: all, or those whose owner is of one affiliation."""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Scope:
    """`affiliation_id` is a row of VCL's `affiliation`; None: blocks of all owners."""

    affiliation_id: int | None = None

    def of(self, path: str = "") -> Q:
        """The condition for rows of block requests, or of a table that reaches them by `path` ("blockRequest__")."""
        if self.affiliation_id is None:
            return Q()
        return Q((f"{path}owner__affiliation", self.affiliation_id))


def scope_of(user: AbstractBaseUser | AnonymousUser) -> Scope:
    """The scope of somebody who is signed in."""
    return Scope()
