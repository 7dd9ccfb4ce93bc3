"""Staff who sign in with their VCL accounts (settings.AUTHENTICATION_BACKENDS).

Django's accounts are searched for a name first. One name is one account: a VCL user with the name of a Django account
signs in as "name@Affiliation"; and if a Django account has that name too, not at all, for nobody gets
another's account. At the first sign-in a Django account is created, without a usable password and linked to the VCL
user's id (StaffAccount), for Django's sessions need one. It has no rights of its own: they are read from VCL's
tables at each request, in two statements. A right that ends there ends all sessions, for good.

What can be distinguished by time or statements, beside Django's own check (one hash for every name, see ModelBackend):

- Unknown name, wrong password, locked account, an account that may not manage blocks, one whose name a Django
  account has, and the right passwords of the last three: nothing. All take the same three statements and one hash.
- Names alone and names with an affiliation count differently for the lock-out; that reveals only what was typed.
- The right password of a Django account that is not staff is refused without our three statements. Anybody who
  sees that has the password.
- A Django password stored by another hasher: as in Django, by the time which that hasher takes. This service
  stores no such passwords.
"""

import logging
from typing import Any, NamedTuple

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.models import User as StaffUser
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from blockalloc.accounts import vcl_accounts
from blockalloc.accounts.lockout import folded
from blockalloc.accounts.vcl_accounts import Account, Manager
from blockalloc.fields import fits_latin1
from blockalloc.models import StaffAccount
from blockalloc.models.scope import Scope, limit

log = logging.getLogger(__name__)

PERMISSIONS = frozenset(
    f"blockalloc.{name}"
    for name in (
        "view_blockrequest",
        "view_blocktime",
        "view_computer",
        "view_image",
        "view_request",
        "view_decision",
        "view_message",
        "send_again_message",
        "change_calendarfeed",
        "allocate_blocktime",
        "dry_run_blocktime",
        "release_blocktime",
        "skip_blocktime",
        "put_right_blocktime",
        "hold_blocktime",
    )
)
_MANAGER = "_vcl_manager"
_REFUSAL = "_vcl_refusal"


class VclAccountBackend(BaseBackend):
    """Local accounts of VCL whose user group may manage block allocations."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_kwargs: Any
    ) -> StaffUser | None:
        """The staff account of VCL's "name" or "name@Affiliation", created if need be. None when sign-in is refused."""
        if username is None or password is None:
            return None
        name = username if fits_latin1(username) else ""  # nobody's; looked up all the same, to take the same work
        account = vcl_accounts.find(name)
        problem = vcl_accounts.problem(account, password.encode("utf-8", "replace"))
        manager = vcl_accounts.manager(account.user_id)
        rows = AccountRows.read(name, account)
        obstacle = _obstacle(account, manager, rows)
        problem = problem or obstacle
        user = None if problem else _sign_in(account, rows)
        if user is None or manager is None:
            if request is not None:
                setattr(request, _REFUSAL, problem or "another staff account took the name at the same moment")
            return None
        return _with(user, manager)

    def get_user(self, user_id: int) -> StaffUser | None:
        """The user of a session, with the rights that they have now. None ends the session: nothing brings it back."""
        link = StaffAccount.objects.select_related("user").filter(user_id=user_id).first()
        if link is None or not link.digest:
            return None
        manager = vcl_accounts.manager(link.vcl_user_id)
        on = link.user.is_active and link.user.is_staff
        if manager is None or not on or not constant_time_compare(manager.digest, link.digest):
            # Unless a sign-in has changed it at this moment.
            StaffAccount.objects.filter(pk=link.pk, digest=link.digest).update(digest="")
            log.warning(
                "sessions of %r ended: the account, its password or its rights have changed",
                link.user.username,
            )
            return None
        return _with(link.user, manager)

    def get_all_permissions(self, user_obj: AbstractBaseUser | AnonymousUser, obj: Any = None) -> set[str]:
        """The same for all who may manage blocks; the scope says which blocks."""
        may = obj is None and user_obj.is_active and manager_of(user_obj) is not None
        return set(PERMISSIONS) if may else set()

    def has_module_perms(self, user_obj: AbstractBaseUser | AnonymousUser, app_label: str) -> bool:
        """Ours only: nothing of Django's accounts."""
        return app_label == "blockalloc" and bool(self.get_all_permissions(user_obj))


def manager_of(user: AbstractBaseUser | AnonymousUser) -> Manager | None:
    """The VCL account with which somebody has signed in; None for Django's own accounts."""
    manager = getattr(user, _MANAGER, None)
    return manager if isinstance(manager, Manager) else None


def refusal(request: HttpRequest) -> str:
    """Why the sign-in with a VCL account was refused, for the log; "" when none was tried."""
    return str(getattr(request, _REFUSAL, ""))


def is_linked(user: AbstractBaseUser) -> bool:
    """Whether the staff account is linked to a VCL user."""
    return StaffAccount.objects.filter(user_id=user.pk).exists()


class _Row(NamedTuple):
    """The columns of a staff account that matter here. No model instance: creating one takes measurable time."""

    key: int
    username: str
    is_on: bool
    vcl_user_id: int | None


class AccountRows(NamedTuple):
    """The staff accounts that matter to a sign-in: the account's own, and others with one of its names."""

    own: _Row | None
    others: list[_Row]

    @classmethod
    def read(cls, name: str, account: Account) -> "AccountRows":
        """Read them, in one statement."""
        wanted = account.name or vcl_accounts.full_name(name)
        names = Q(username__iexact=name) | Q(username__iexact=wanted)
        values = StaffUser.objects.filter(names | Q(staffaccount__vcl_user_id=account.user_id)).values_list(
            "pk", "username", "is_active", "is_staff", "staffaccount__vcl_user_id"
        )
        rows = [_Row(key, username, active and staff, linked) for key, username, active, staff, linked in values]
        own = next((row for row in rows if row.vcl_user_id == account.user_id), None)
        return cls(own, [row for row in rows if row is not own])


def _obstacle(account: Account, manager: Manager | None, rows: AccountRows) -> str:
    """Why even the right password is refused; "" when it is not."""
    if manager is None or manager.digest != account.digest:
        return "its user groups may not manage block allocations"
    if any(row.vcl_user_id is None for row in rows.others):
        return f"a Django account has the name; the name in VCL is {account.name}"
    return "its staff account is switched off" if rows.own and not rows.own.is_on else ""


def _sign_in(account: Account, rows: AccountRows) -> StaffUser | None:
    """The account's staff account, created or updated; None when somebody else's took the name at the same moment."""
    try:
        with transaction.atomic():
            for row in rows.others:
                _give_up_name(row, account)
            return _renew(rows.own, account) if rows.own else _make(account)
    except IntegrityError:  # the account signs in twice at this moment, or somebody else's takes the name
        own = AccountRows.read(account.name, account).own
        return _renew(own, account) if own and own.is_on else None


def _make(account: Account) -> StaffUser:
    user = StaffUser(username=account.name, is_staff=True)
    user.set_unusable_password()
    user.save(force_insert=True)
    StaffAccount.objects.create(user=user, vcl_user_id=account.user_id, digest=account.digest)
    log.info("staff account made for %r, VCL user %d", account.name, account.user_id)
    return user


def _renew(row: _Row, account: Account) -> StaffUser:
    """Update the staff account after a change of name or password in VCL, or the end of its sessions."""
    link = StaffAccount.objects.select_related("user").get(user_id=row.key)
    user = link.user
    if user.username != account.name:
        user.username = account.name
        user.save(update_fields=["username"])
    if link.digest != account.digest:
        # Django's sessions have a hash of this, so earlier sessions can't come back with the new digest.
        user.set_unusable_password()
        user.save(update_fields=["password"])
        link.digest = account.digest
        link.save(update_fields=["digest"])
    return user


def _give_up_name(row: _Row, account: Account) -> None:
    """Rename the staff account of a VCL user whose name another VCL user has now. It stays, with its history."""
    if folded(row.username) == folded(account.name):
        name = f"{row.username} (VCL user {row.vcl_user_id})"
        StaffUser.objects.filter(pk=row.key).update(username=name)


def _with(user: StaffUser, manager: Manager) -> StaffUser:
    """The user with what VCL gives it, and nothing else."""
    limit(user, Scope(None if manager.all_blocks else manager.affiliation_id))
    setattr(user, _MANAGER, manager)
    # Never from Django's tables, whatever is in them: ModelBackend finds its answers here, and queries no database.
    user.is_superuser = False
    for cache in ("_user_perm_cache", "_group_perm_cache"):
        setattr(user, cache, set())
    return user
