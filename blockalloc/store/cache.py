"""The cache that all workers share: Django's database cache, made safe for counting failed sign-ins.

What differs: nothing that is read is run, an error is an error, and nobody's entries make way for others'.
"""

import base64
import io
import logging
import pickle
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NoReturn, cast

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, OperationalError, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constants import OnConflict
from django.utils import timezone

from blockalloc.store.sql import placeholders

log = logging.getLogger(__name__)

_DEADLOCK, _TRIES = 1213, 4
ADDS_PER_PURGE = 200  # so that few wait for a purge, and expired entries never outnumber live ones by much


class PlainValueCache(DatabaseCache):
    """Django's database cache for plain values: numbers, texts, lists and dicts of them.

    Django's own unpickles what it finds, and a pickle can run code: VCL's database is written by many programs
    on many machines, none of which is to run code here. Its `add` counts the table's rows each time, which makes
    every failed sign-in slow after many, takes all errors for "somebody else has it", and makes room by removing
    what still counts. Here `add` is one statement, raises DatabaseError, and removes only what is past.
    """

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        """The values of those `keys` that are there and not expired, in one statement.

        Raises pickle.UnpicklingError for a value that is not plain, DatabaseError when the table can't be read.
        """
        wanted = {self.make_and_validate_key(key, version=version): key for key in keys}
        if not wanted:
            return {}
        connection = connections[router.db_for_read(self.cache_model_class)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT cache_key, value FROM {self._name(connection)} "
                f"WHERE cache_key IN ({placeholders(len(wanted))}) AND expires >= %s",
                [*wanted, _column(connection, timezone.now())],
            )
            return {wanted[key]: _plain(value) for key, value in cursor.fetchall()}

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Whether the entry is ours now: of callers at the same moment, one gets it. Raises DatabaseError."""
        name = self.make_and_validate_key(key, version=version)
        connection = connections[router.db_for_write(self.cache_model_class)]
        table, now = self._name(connection), _column(connection, timezone.now())
        ends = self.get_backend_timeout(timeout)
        never = datetime.max.replace(tzinfo=UTC)
        expires = _column(connection, never if ends is None else datetime.fromtimestamp(ends, UTC))
        packed = base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii")
        insert = connection.ops.insert_statement(on_conflict=OnConflict.IGNORE)
        with connection.cursor() as cursor:
            _send(cursor, f"{insert} {table} (cache_key, value, expires) VALUES (%s, %s, %s)", [name, packed, expires])
            if cursor.rowcount == 1:
                self._purge_now_and_then(connection, now)
                return True
            _send(
                cursor,
                f"UPDATE {table} SET value = %s, expires = %s WHERE cache_key = %s AND expires < %s",
                [packed, expires, name, now],
            )
            return bool(cursor.rowcount == 1)

    def full_groups(self, prefix: str, length: int, least: int, now: int) -> int:
        """How many groups of keys have so many entries that have not expired at `now` (Unix seconds).

        A group has the keys with `prefix` and the same `length` characters behind it. One statement.
        """
        begin = self.make_and_validate_key(prefix)
        connection = connections[router.db_for_read(self.cache_model_class)]
        moment = _column(connection, datetime.fromtimestamp(now, UTC))
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(*) FROM (SELECT SUBSTR(cache_key, 1, %s) AS name FROM {self._name(connection)} "
                "WHERE cache_key LIKE %s AND expires > %s GROUP BY name HAVING COUNT(*) >= %s) AS filled",
                [len(begin) + length, f"{begin}%", moment, least],
            )
            return int(cursor.fetchone()[0])

    def _purge_now_and_then(self, connection: BaseDatabaseWrapper, now: Any) -> None:
        """Remove what is past. That it fails, since others are at it, must cost no entry."""
        if random.randrange(ADDS_PER_PURGE) or connection.in_atomic_block:
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {self._name(connection)} WHERE expires < %s", [now])
        except DatabaseError as error:
            log.warning("entries of the cache that are past were not removed: %s", error)

    def _name(self, connection: BaseDatabaseWrapper) -> str:
        return connection.ops.quote_name(self._table)  # type: ignore[attr-defined] # the stubs leave it out


def _column(connection: BaseDatabaseWrapper, moment: datetime) -> Any:
    """A moment as Django's class keeps it: UTC, in whole seconds."""
    return connection.ops.adapt_datetimefield_value(moment.replace(microsecond=0))


def _send(cursor: Any, sql: str, params: list[Any]) -> None:
    """Run a statement that stands alone; one that is lost to a deadlock with others at the table is run again."""
    for left in reversed(range(_TRIES)):
        try:
            cursor.execute(sql, params)
            return
        except OperationalError as error:
            if error.args[:1] != (_DEADLOCK,) or not left:
                raise


def shared() -> PlainValueCache:
    """The cache that all workers share, with what Django's classes don't have."""
    return cast(PlainValueCache, caches["default"])


class _PlainUnpickler(pickle.Unpickler):
    """Reads pickles that name no class and no function."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"the cache holds plain values only, not {module}.{name}")


def _plain(value: str) -> Any:
    return _PlainUnpickler(io.BytesIO(base64.b64decode(value))).load()
