"""Paths of requests as log lines may have them."""

import logging
import re

# Their keys and signatures let anybody in who knows them. An address that was copied badly has most of it still.
_CALENDAR = re.compile(r"(?<=/)(?!(?:all|group|[0-9]+)/)[^/]+?(?=\.ics\Z|/|\Z)", re.DOTALL)
_FEEDS = "/feeds/"
_UNSUBSCRIBE = re.compile(r"(/notifications/unsubscribe/)[^/]+", re.DOTALL)


def without_signature(path: str) -> str:
    """The path, with a star in the place of what is secret in a calendar's address, or in one to unsubscribe at."""
    if path.startswith(_FEEDS):
        return _FEEDS + _CALENDAR.sub("*", path[len(_FEEDS) - 1 :])[1:]
    return _UNSUBSCRIBE.sub(r"\1*", path) if path.startswith("/notifications/") else path


class WithoutSignatures(logging.Filter):
    """Hides them in what Django says of requests that failed: it quotes the path."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: every record passes."""
        if isinstance(record.args, tuple):
            record.args = tuple(without_signature(each) if isinstance(each, str) else each for each in record.args)
        return True
