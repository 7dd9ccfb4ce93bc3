"""The log of refusals: one warning for each, with who called, from where, and why."""

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)

LONGEST_NAME, LONGEST_ADDRESS, _LONGEST_REASON = 100, 60, 300  # characters


def log_refusal(
    who: str, address: str, code: int, reason: str, method: str = "", more: Mapping[str, object] | None = None
) -> None:
    """Write the line of a refused call. `who` is the name that was claimed or proved, `method` the method's name.

    Any of them may have text of the caller's: control characters are escaped, long texts cut off. `more`: further
    members of the line in JSON.
    """
    called = f"{method}: " if method else ""
    who, address = plain(who, LONGEST_NAME), plain(address, LONGEST_ADDRESS)
    log.warning(
        "refused '%s' from %s: %s%s",
        who,
        address,
        called,
        plain(f"{code}, {reason}", _LONGEST_REASON),
        extra={"fields": {"user": who, "address": address, "outcome": "refused", "code": code, **(more or {})}},
    )


def plain(text: str, most: int) -> str:
    """`text` on one line, as Python would write it in quotes; escaped it may be longer, so it is cut after that."""
    return repr(text[:most])[1:-1][:most]
