"""The log of refusals: one warning for each, with who called, from where, and why."""

import logging

log = logging.getLogger(__name__)

_LONGEST_NAME, _LONGEST_ADDRESS, _LONGEST_REASON = 100, 60, 300


def log_refusal(who: str, address: str, reason: str, method: str = "") -> None:
    """Write the line of a refused call. `who` is the name that was claimed or proved, `method` the method's name.

    Any of them may have text of the caller's: control characters are escaped, long texts cut off.
    """
    called = f"{method}: " if method else ""
    log.warning(
        "refused '%s' from %s: %s%s",
        _plain(who, _LONGEST_NAME),
        _plain(address, _LONGEST_ADDRESS),
        called,
        _plain(reason, _LONGEST_REASON),
    )


def _plain(text: str, most: int) -> str:
    """`text` on one line, as Python would write it in quotes; escaped it may be longer, so it is cut after that."""
    return repr(text[:most])[1:-1][:most]
