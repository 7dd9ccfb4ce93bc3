"""The cache that all workers share: Django's database cache, of which nothing read is ever run."""

import base64
import io
import pickle
from collections.abc import Iterable
from typing import Any, NoReturn

from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router
from django.utils import timezone


class PlainValueCache(DatabaseCache):
    """Django's database cache for plain values: numbers, texts, lists and dicts of them.

    Django's own unpickles what it finds, and a pickle can run code. VCL's database is written by many
    programs on many machines, none of which is to run code here.
    """

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        """The values of those `keys` that are there and not expired, in one statement.

        Raises pickle.UnpicklingError for a value that is not plain, DatabaseError when the table can't be read.
        """
        wanted = {self.make_and_validate_key(key, version=version): key for key in keys}
        if not wanted:
            return {}
        # Our table, our router's choice, and expiry as Django's class stores it: UTC, in whole seconds.
        connection = connections[router.db_for_read(self.cache_model_class)]
        now = connection.ops.adapt_datetimefield_value(timezone.now().replace(microsecond=0))
        places = ", ".join(["%s"] * len(wanted))
        table = connection.ops.quote_name(self._table)  # type: ignore[attr-defined] # the stubs leave it out
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT cache_key, value FROM {table} WHERE cache_key IN ({places}) AND expires >= %s",
                [*wanted, now],
            )
            return {wanted[key]: _plain(value) for key, value in cursor.fetchall()}


class _PlainUnpickler(pickle.Unpickler):
    """Reads pickles that name no class and no function."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"the cache holds plain values only, not {module}.{name}")


def _plain(value: str) -> Any:
    return _PlainUnpickler(io.BytesIO(base64.b64decode(value))).load()
