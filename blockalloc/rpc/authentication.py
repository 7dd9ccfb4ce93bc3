"""Authentication: VCL's headers X-User, X-Pass and X-APIVERSION, checked against its local accounts (vcl_accounts).

Every refusal of a name or password looks the same to the caller and takes the same work, so that
nobody can find out which accounts exist. The reason is in the log. Too many refusals lock the caller
out (blockalloc.accounts.lockout): no credentials are checked then, right or wrong.
"""

from django.conf import settings
from django.http import HttpRequest

from blockalloc.accounts import lockout, vcl_accounts
from blockalloc.contract.messages import Caller
from blockalloc.rpc.wire import RequestRefused

ACCESS_DENIED = 3
UNKNOWN_VERSION = 7
UNSUPPORTED_VERSION = 8
NOT_ON_THE_LIST = 34
LOCKED_OUT = 207
NOT_ON_THE_LIST_TEXT = "access denied for managing block allocations"


def sign_in(request: HttpRequest, address: str) -> Caller:
    """The caller of `request`. Raises RequestRefused (faults 3, 7, 8, 207) when the headers don't authenticate one."""
    user = claimed_user(request)
    if not user:
        raise _denied("no X-User header")
    _check_version(request.headers.get("X-APIVERSION", "").strip())
    attempt = begin_attempt(user, address)
    account = vcl_accounts.find(user)
    password = request.headers.get("X-Pass")
    problem = vcl_accounts.problem(account, None if password is None else _bytes(password))
    if password is None and account is not vcl_accounts.NOBODY:
        problem = "no X-Pass header"
    if problem:
        attempt.failed()
        raise _denied(problem)
    attempt.succeeded()
    return Caller(user_id=account.user_id, name=account.name, address=address)


def begin_attempt(user: str, address: str) -> lockout.Attempt:
    """An attempt of `user` to sign in. Raises RequestRefused (fault 207) when user or address is locked out."""
    attempt = lockout.begin("VCL", vcl_accounts.full_name(user), address)
    if attempt.seconds_to_wait:
        raise RequestRefused(LOCKED_OUT, f"X-User, X-Pass: {lockout.refusal(attempt.seconds_to_wait)}")
    return attempt


def may_manage_blocks(caller: Caller) -> bool:
    """Whether the caller is on the site's block-API list. Names compare as in VCL's database: any case."""
    return caller.name.casefold() in {name.casefold() for name in settings.VCL_BLOCK_API_USERS}


def claimed_user(request: HttpRequest) -> str:
    """The X-User header, as UTF-8 if it is that, else as latin-1. "" when there is none."""
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


def _bytes(header: str) -> bytes:
    """The bytes of a header on the wire: WSGI hands them over decoded as latin-1."""
    return header.encode("latin-1", "replace")
