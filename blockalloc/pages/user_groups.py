"""The user groups whose names a person may know."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from blockalloc.models import BlockRequest, UserGroup
from blockalloc.models.scope import Scope


def within(scope: Scope) -> QuerySet[UserGroup]:
    """Those of the affiliation, and those of block requests in the scope."""
    groups = UserGroup.objects.select_related("affiliation").only("name", "affiliation__name")
    if scope.is_limited:
        theirs = BlockRequest.objects.within(scope).filter(group=OuterRef("pk"))
        groups = groups.filter(Q(affiliation=scope.affiliation_id) | Exists(theirs))
    return groups.order_by("name", "pk")
