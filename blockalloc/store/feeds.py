"""Addresses of calendars: when they were read last, to the hour, and which are past. Instants are Unix seconds."""

import logging

from django.conf import settings
from django.db import DatabaseError, transaction

from blockalloc.models import CalendarFeed
from blockalloc.store.past import Past
from blockalloc.store.sql import execute, insert, waiting_at_most
from blockalloc.store.times import to_utc
from scheduling.windows import DAY, HOUR

log = logging.getLogger(__name__)

_TABLE = CalendarFeed._meta.db_table
_SECONDS_TO_WRITE = 1.0
_COLUMNS = ("key", "name", "group_id", "affiliation_id", "is_signed", "made", "made_by", "last_read", "revoked_by")


def note_read(feed: CalendarFeed, now: int) -> None:
    """Note that a calendar has been read at `now`, unless that was noted within the hour.

    A feed without a row, of the signed kind, gets one. What can't be written now is written at a later reading.
    """
    if feed.last_read is not None and feed.last_read.timestamp() > now - HOUR:
        return
    try:
        with waiting_at_most(lambda: _SECONDS_TO_WRITE), transaction.atomic():
            _note(feed, now)
    except DatabaseError as error:
        log.warning("that a calendar was read could not be noted: %s", error)


def past(now: int) -> Past:
    """The rows of addresses that were revoked VCL_DECISION_DAYS before `now`.

    A signed address would be answered again without its row.
    """
    before = to_utc(now - settings.VCL_DECISION_DAYS * DAY)
    return Past(_TABLE, "revoked < %s AND is_signed = 0", [before], since="revoked")


def _note(feed: CalendarFeed, now: int) -> None:
    at = to_utc(now)
    if feed.pk is None:
        row = [feed.key, "", feed.group_id, feed.affiliation_id, True, at, "", at, ""]
        insert(_TABLE, _COLUMNS, [row], if_new=True)
        return
    sql = f"UPDATE {_TABLE} SET last_read = %s WHERE id = %s AND (last_read IS NULL OR last_read <= %s)"
    execute(sql, [at, feed.pk, to_utc(now - HOUR)])
