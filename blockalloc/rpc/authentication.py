"""Who calls: VCL's headers X-User, X-Pass and X-APIVERSION, checked against its local accounts (vcl_accounts).

Every refusal of a name or password looks the same from outside and takes the same work, so that
nobody can find out from here which accounts exist. Why it was refused is in the log. Too many of
them lock out (blockalloc.accounts.lockout): then nothing is checked, whoever asks.
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
    """The caller of `request`. Raises RequestRefused (faults 3, 7, 8, 207) when the headers don't prove one."""
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


def _bytes(header: str) -> bytes:
    """The bytes of a header on the wire: WSGI hands them over decoded as latin-1."""
    return header.encode("latin-1", "replace")
