"""Paths of requests as log lines may have them."""

import logging
import re

# Their signatures let anybody in who knows them.
_CALENDAR = re.compile(r"(/feeds/.+/)[^/]+\.ics", re.DOTALL)
_UNSUBSCRIBE = re.compile(r"(/notifications/unsubscribe/)[^/]+", re.DOTALL)


def without_signature(path: str) -> str:
    """The path, with a star in the place of the signature of a calendar's address, or of one to unsubscribe at."""
    if path.startswith("/feeds/"):
        return _CALENDAR.sub(r"\1*.ics", path)
    return _UNSUBSCRIBE.sub(r"\1*", path) if path.startswith("/notifications/") else path


class WithoutSignatures(logging.Filter):
    """Hides them in what Django says of requests that failed: it quotes the path."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: every record passes."""
        if isinstance(record.args, tuple):
            record.args = tuple(without_signature(each) if isinstance(each, str) else each for each in record.args)
        return True
