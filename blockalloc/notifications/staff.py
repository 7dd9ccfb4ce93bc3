"""The staff who can be written to: who they are, of which classes, and at which address.

Rights are those that VCL's tables and Django's give now: whoever may no longer manage blocks is no longer written to,
even if nobody has noticed it yet by ending a session.
"""

from typing import NamedTuple

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.models import User as StaffUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from blockalloc.accounts import vcl_accounts
from blockalloc.accounts.staff_accounts import manager_of
from blockalloc.models import StaffAccount, User
from blockalloc.models.scope import Scope, scope_of

VIEW = "blockalloc.view_blocktime"


class Staff(NamedTuple):
    """One of the staff: the key of their Recipient, and their mail address ("": there is none that can be used).

    `scope`: whose classes they may see; `affiliation` is its name, "" for all. `user_id` is the id of their account in
    VCL, None for an account of Django's.
    """

    key: str
    address: str
    scope: Scope = Scope()
    affiliation: str = ""
    user_id: int | None = None


def staff() -> list[Staff]:
    """All of them that have an address, those with accounts in VCL first. Four statements, however many they are."""
    return [each for each in (*_of_vcl(), *_of_django()) if each.address]


def member(key: str) -> Staff | None:
    """The one with this key; None for a key of nobody among the staff. Three statements at most."""
    kind, _, id_ = key.partition(":")
    if kind == "vcl":
        return next(iter(_of_vcl(int(id_))), None)
    if kind == "staff":
        return next(iter(_of_django(int(id_))), None)
    return None


def signed_in(user: AbstractBaseUser | AnonymousUser) -> Staff | None:
    """The one who is signed in; None for nobody. Two statements at most."""
    if not isinstance(user, StaffUser):
        return None
    manager = manager_of(user)
    if manager is None:
        return Staff(f"staff:{user.pk}", usable(user.email), scope_of(user))
    id_ = StaffAccount.objects.values_list("vcl_user_id", flat=True).get(user=user)
    email = User.objects.filter(pk=id_).values_list("email", flat=True).first()
    return _vcl_staff(id_, manager, email)


def usable(address: str | None) -> str:
    """The address if mail can be sent to it, "" otherwise: VCL has all sorts of texts in its columns."""
    try:
        validate_email((address or "").strip())
    except ValidationError:
        return ""
    return (address or "").strip()


def _of_vcl(user_id: int | None = None) -> list[Staff]:
    """Those with accounts in VCL who have signed in here once, or the one with this id."""
    links = StaffAccount.objects.filter(user__is_active=True, user__is_staff=True).order_by("vcl_user_id")
    if user_id is not None:
        links = links.filter(vcl_user_id=user_id)
    ids = list(links.values_list("vcl_user_id", flat=True))
    managers = vcl_accounts.managers(ids)
    emails = dict(User.objects.filter(pk__in=managers).values_list("pk", "email"))
    return [_vcl_staff(id_, managers[id_], emails.get(id_)) for id_ in ids if id_ in managers]


def _vcl_staff(user_id: int, manager: vcl_accounts.Manager, email: str | None) -> Staff:
    scope = Scope(None if manager.all_blocks else manager.affiliation_id)
    return Staff(f"vcl:{user_id}", usable(email), scope, manager.affiliation if scope.is_limited else "", user_id)


def _of_django(user_id: int | None = None) -> list[Staff]:
    """Django's own accounts that may see classes, or the one with this id."""
    allowed = StaffUser.objects.with_perm(VIEW, backend="django.contrib.auth.backends.ModelBackend")
    accounts = allowed.filter(is_staff=True, staffaccount__isnull=True).exclude(email="").order_by("pk")
    if user_id is not None:
        accounts = accounts.filter(pk=user_id)
    return [Staff(f"staff:{key}", usable(email)) for key, email in accounts.values_list("pk", "email")]
