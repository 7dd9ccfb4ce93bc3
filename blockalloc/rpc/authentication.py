"""Who calls: VCL's headers X-User, X-Pass and X-APIVERSION, checked against its local accounts.

Every refusal of a name or password looks the same from outside and takes the same work, so that
nobody can find out from here which accounts exist. Why it was refused is in the log. Too many of
them lock out (blockalloc.lockout): then nothing is checked, whoever asks.
"""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from blockalloc import lockout
from blockalloc.calls import Caller
from blockalloc.fields import fits_latin1
from blockalloc.models import LocalAuth
from blockalloc.rpc.wire import RequestRefused

ACCESS_DENIED = 3
UNKNOWN_VERSION = 7
UNSUPPORTED_VERSION = 8
NOT_ON_THE_LIST = 34
LOCKED_OUT = 207
NOT_ON_THE_LIST_TEXT = "access denied for managing block allocations"

DEFAULT_AFFILIATION = "Local"


@dataclass(frozen=True, slots=True)
class _Account:
    """A row of `localauth` with its user's name."""

    user_id: int
    name: str
    passhash: str
    salt: str
    locked_out: bool


# Stands for an account that does not exist: no password has a hash of this form.
_NOBODY = _Account(0, "", "-" * 40, "-" * 8, locked_out=True)


def sign_in(request: HttpRequest, address: str) -> Caller:
    """The caller of `request`. Raises RequestRefused (faults 3, 7, 8, 207) when the headers don't prove one."""
    user = claimed_user(request)
    if not user:
        raise _denied("no X-User header")
    _check_version(request.headers.get("X-APIVERSION", "").strip())
    attempt = lockout.begin("VCL", _full_name(user), address)
    if attempt.seconds_to_wait:
        raise RequestRefused(LOCKED_OUT, f"X-User, X-Pass: {lockout.refusal(attempt.seconds_to_wait)}")
    account = _find(user)
    problem = _problem(account, request.headers.get("X-Pass"))
    if problem:
        attempt.failed()
        raise _denied(problem)
    attempt.succeeded()
    return Caller(user_id=account.user_id, name=account.name, address=address)


def _problem(account: _Account, password: str | None) -> str:
    """Why the account and the password don't let anybody in, for the log; "" when they do."""
    matches = _password_matches(account, password or "")
    if account is _NOBODY:
        return "unknown user, or one without a local account"
    if password is None:
        return "no X-Pass header"
    if not password or not matches:
        return "wrong password"
    return "the account is locked out" if account.locked_out else ""


def may_manage_blocks(caller: Caller) -> bool:
    """Whether the caller is on the site's block-API list. Names compare as in VCL's database: any case."""
    return caller.name.casefold() in {name.casefold() for name in settings.VCL_BLOCK_API_USERS}


def claimed_user(request: HttpRequest) -> str:
    """The X-User header as it was meant. "" when there is none."""
    header = _bytes(request.headers.get("X-User", ""))
    try:
        return header.decode("utf-8").strip()
    except UnicodeDecodeError:
        return header.decode("latin-1").strip()


def _check_version(version: str) -> None:
    if version == "1":
        raise RequestRefused(UNSUPPORTED_VERSION, "Unsupported API version: send X-APIVERSION: 2")
    if version != "2":
        raise RequestRefused(UNKNOWN_VERSION, "Unknown API version: send X-APIVERSION: 2")


def _denied(reason: str) -> RequestRefused:
    return RequestRefused(ACCESS_DENIED, "Access denied", reason)


def _full_name(user: str) -> str:
    """ "name@Affiliation", also of a name alone."""
    return user if "@" in user else f"{user}@{DEFAULT_AFFILIATION}"


def _find(user: str) -> _Account:
    """The account of "name" or "name@Affiliation" in one statement; _NOBODY when there is none."""
    wanted = _full_name(user)
    name, _at, affiliation = wanted.rpartition("@")
    if not (fits_latin1(name) and fits_latin1(affiliation)):
        name = affiliation = ""  # exists nowhere; asked for all the same, to take the same work
    row = (
        LocalAuth.objects.filter(user__unityid__iexact=name, user__affiliation__name__iexact=affiliation)
        .values_list("user_id", "user__unityid", "user__affiliation__name", "passhash", "salt", "lockedout")
        .first()
    )
    if row is None or not name or not affiliation:
        return _NOBODY
    user_id, unityid, affiliation, passhash, salt, lockedout = row
    found = f"{unityid}@{affiliation}"
    # VCL's database takes more names for one than we do (y and ü): each would have a lock-out of its own.
    if lockout.folded(found) != lockout.folded(wanted):
        return _NOBODY
    return _Account(user_id, found, passhash, salt, locked_out=bool(lockedout))


def _password_matches(account: _Account, password: str) -> bool:
    """VCL's check: sha1(password + salt) in hex, of the bytes that were sent."""
    digest = hashlib.sha1(_bytes(password) + account.salt.encode()).hexdigest()  # noqa: S324 (VCL's format)
    return hmac.compare_digest(digest.encode(), account.passhash.lower().encode())


def _bytes(header: str) -> bytes:
    """The bytes of a header on the wire: WSGI hands them over decoded as latin-1."""
    return header.encode("latin-1", "replace")
