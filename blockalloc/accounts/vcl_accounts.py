"""VCL's local accounts: the account of a name, the check of its password, and its rights to manage blocks.

Two doors use this: XML-RPC and the staff's pages. Names that nobody has, wrong passwords and accounts that VCL has
locked out take the same statements and the same hashing, and the doors answer all of them alike: nobody can find
out which accounts exist. Names are compared as VCL's database does, without regard to case, but no further: other
letters that it takes for the same (y and ü) are two here, for each spelling would have a lock-out of its own.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.crypto import salted_hmac

from blockalloc.accounts import lockout
from blockalloc.fields import fits_latin1
from blockalloc.models import LocalAuth, UserGroupMember

DEFAULT_AFFILIATION = "Local"

# Names of `usergroupprivtype`: rights that a user group gives its members.
MANAGES_ALL_BLOCKS = "Manage Block Allocations (global)"
MANAGES_BLOCKS_OF_AFFILIATION = "Manage Block Allocations (affiliation only)"


@dataclass(frozen=True, slots=True)
class Account:
    """A row of `localauth` with its user's name ("vclsystem@Local")."""

    user_id: int
    name: str
    passhash: str
    salt: str
    locked_out: bool

    @property
    def digest(self) -> str:
        """Changes with the password. It is keyed, so that nobody who reads it can try passwords on it."""
        return salted_hmac(
            "blockalloc.vcl_accounts", f"{self.passhash.lower()} {self.salt}", algorithm="sha256"
        ).hexdigest()


# Stands for an account that does not exist: no password has a hash of this form.
NOBODY = Account(0, "", "-" * 40, "-" * 8, locked_out=True)


@dataclass(frozen=True, slots=True)
class Manager:
    """An account that may sign in and manage blocks: of all owners, or of owners of its own affiliation."""

    name: str  # "jdoe@NCSU"
    affiliation_id: int
    affiliation: str
    all_blocks: bool
    digest: str  # that of the account


def full_name(user: str) -> str:
    """ "name@Affiliation", also of a name alone."""
    return user if "@" in user else f"{user}@{DEFAULT_AFFILIATION}"


def other_name(user: str) -> str:
    """The other way to write a name of affiliation Local: with the affiliation or without. "" for other names."""
    name, at, affiliation = user.rpartition("@")
    if not at:
        return full_name(user)
    return name if "@" not in name and lockout.folded(affiliation) == lockout.folded(DEFAULT_AFFILIATION) else ""


def find(user: str) -> Account:
    """The account of "name" or "name@Affiliation" in one statement; NOBODY when there is none."""
    wanted = full_name(user)
    name, _at, affiliation = wanted.rpartition("@")
    if not (fits_latin1(name) and fits_latin1(affiliation)):
        name = affiliation = ""  # exists nowhere; looked up all the same, to take the same work
    row = (
        LocalAuth.objects.filter(user__unityid__iexact=name, user__affiliation__name__iexact=affiliation)
        .values_list("user_id", "user__unityid", "user__affiliation__name", "passhash", "salt", "lockedout")
        .first()
    )
    if row is None or not name or not affiliation:
        return NOBODY
    user_id, unityid, affiliation, passhash, salt, lockedout = row
    stored_name = f"{unityid}@{affiliation}"
    # VCL's database takes more names for one than we do (y and ü): each would have a lock-out of its own.
    if lockout.folded(stored_name) != lockout.folded(wanted):
        return NOBODY
    return Account(user_id, stored_name, passhash, salt, locked_out=bool(lockedout))


def problem(account: Account, password: bytes | None) -> str:
    """Why the account and the password are refused, for the log; "" when they are not."""
    matches = _password_matches(account, password or b"")
    if account is NOBODY:
        return "unknown user, or one without a local account"
    if not password or not matches:
        return "wrong password"
    return "the account is locked out" if account.locked_out else ""


def manager(user_id: int) -> Manager | None:
    """The user's rights in VCL's tables now, in one statement; None for a user who may not manage blocks.

    None, too, for a user who does not exist (any more), has no local account or is locked out. The right must be that
    of a group of which the user is a member, as in VCL's front end.
    """
    row = _rights(LocalAuth.objects.filter(user=user_id)).first()
    # The same objects are made for nobody, to take the same work.
    return _manager(user_id, row or ("", 0, "", NOBODY.passhash, NOBODY.salt, False, False))


def managers(user_ids: Iterable[int]) -> dict[int, Manager]:
    """Those of the users who may manage blocks, by their ids, as `manager` finds them. One statement."""
    rows = _rights(LocalAuth.objects.filter(user__in=list(user_ids))).values_list("user_id", *_RIGHTS)
    found = {user_id: _manager(user_id, rights) for user_id, *rights in rows}
    return {user_id: each for user_id, each in found.items() if each is not None}


_RIGHTS = (
    "user__unityid",
    "user__affiliation_id",
    "user__affiliation__name",
    "passhash",
    "salt",
    "all_blocks",
    "own_blocks",
)


def _rights(accounts: QuerySet[LocalAuth]) -> QuerySet[LocalAuth, tuple[Any, ...]]:
    """The columns _RIGHTS of those accounts that are not locked out."""
    open_ = accounts.filter(lockedout=0)
    return open_.annotate(
        all_blocks=_has(MANAGES_ALL_BLOCKS), own_blocks=_has(MANAGES_BLOCKS_OF_AFFILIATION)
    ).values_list(*_RIGHTS)


def _manager(user_id: int, rights: Sequence[Any]) -> Manager | None:
    """The manager whose columns _RIGHTS these are; None for one without a right."""
    unityid, affiliation_id, affiliation, passhash, salt, all_blocks, own_blocks = rights
    account = Account(user_id, f"{unityid}@{affiliation}", passhash, salt, locked_out=False)
    candidate = Manager(account.name, affiliation_id, affiliation, bool(all_blocks), account.digest)
    return candidate if all_blocks or own_blocks else None


def _has(right: str) -> Exists:
    rows = UserGroupMember.objects.filter(user=OuterRef("user"), usergroup__usergrouppriv__userprivtype__name=right)
    return Exists(rows)


def _password_matches(account: Account, password: bytes) -> bool:
    """VCL's check: sha1(password + salt) in hex, of the bytes that were sent."""
    digest = hashlib.sha1(password + account.salt.encode()).hexdigest()  # noqa: S324 (VCL's format)
    return hmac.compare_digest(digest.encode(), account.passhash.lower().encode())
