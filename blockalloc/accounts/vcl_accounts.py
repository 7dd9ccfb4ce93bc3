"""VCL's local accounts: whose a name is, whether the password is right, what the account may do with blocks.

Two doors ask here: callers over XML-RPC and staff. Names that nobody has, wrong passwords and accounts that VCL has
locked out take the same statements and the same hashing, and the doors answer all of them alike: nobody can find
out which accounts exist. Names are compared as VCL's database does, without regard to case, but no further: what
else it takes for one letter (y and ü) are two here, for each spelling would have a lock-out of its own.
"""

import hashlib
import hmac
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
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
        """Changes with the password. It is keyed: who reads it somewhere can't try passwords on it."""
        return salted_hmac(
            "blockalloc.vcl_accounts", f"{self.passhash.lower()} {self.salt}", algorithm="sha256"
        ).hexdigest()


# Stands for an account that does not exist: no password has a hash of this form.
NOBODY = Account(0, "", "-" * 40, "-" * 8, locked_out=True)


@dataclass(frozen=True, slots=True)
class Manager:
    """An account that gets in and may manage blocks: of all owners, or of those of its own affiliation."""

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
        name = affiliation = ""  # exists nowhere; asked for all the same, to take the same work
    row = (
        LocalAuth.objects.filter(user__unityid__iexact=name, user__affiliation__name__iexact=affiliation)
        .values_list("user_id", "user__unityid", "user__affiliation__name", "passhash", "salt", "lockedout")
        .first()
    )
    if row is None or not name or not affiliation:
        return NOBODY
    user_id, unityid, affiliation, passhash, salt, lockedout = row
    found = f"{unityid}@{affiliation}"
    # VCL's database takes more names for one than we do (y and ü): each would have a lock-out of its own.
    if lockout.folded(found) != lockout.folded(wanted):
        return NOBODY
    return Account(user_id, found, passhash, salt, locked_out=bool(lockedout))


def problem(account: Account, password: bytes | None) -> str:
    """Why the account and the password don't let anybody in, for the log; "" when they do."""
    matches = _password_matches(account, password or b"")
    if account is NOBODY:
        return "unknown user, or one without a local account"
    if not password or not matches:
        return "wrong password"
    return "the account is locked out" if account.locked_out else ""


def manager(user_id: int) -> Manager | None:
    """What VCL's tables say of the user now, in one statement; None for whoever may not manage blocks.

    None, too, for one that does not exist (any more), has no local account or is locked out. The right must be one
    of a group whose member the user is, as VCL's front end has it.
    """
    row = (
        LocalAuth.objects.filter(user=user_id, lockedout=0)
        .annotate(all_blocks=_has(MANAGES_ALL_BLOCKS), own_blocks=_has(MANAGES_BLOCKS_OF_AFFILIATION))
        .values_list(
            "user__unityid",
            "user__affiliation_id",
            "user__affiliation__name",
            "passhash",
            "salt",
            "all_blocks",
            "own_blocks",
        )
        .first()
    )
    # Nobody's is made, too, to take the same work.
    none = ("", 0, "", NOBODY.passhash, NOBODY.salt, False, False)
    unityid, affiliation_id, affiliation, passhash, salt, all_blocks, own_blocks = row or none
    account = Account(user_id, f"{unityid}@{affiliation}", passhash, salt, locked_out=False)
    found = Manager(account.name, affiliation_id, affiliation, bool(all_blocks), account.digest)
    return found if all_blocks or own_blocks else None


def _has(right: str) -> Exists:
    held = UserGroupMember.objects.filter(user=OuterRef("user"), usergroup__usergrouppriv__userprivtype__name=right)
    return Exists(held)


def _password_matches(account: Account, password: bytes) -> bool:
    """VCL's check: sha1(password + salt) in hex, of the bytes that were sent."""
    digest = hashlib.sha1(password + account.salt.encode()).hexdigest()  # noqa: S324 (VCL's format)
    return hmac.compare_digest(digest.encode(), account.passhash.lower().encode())
