"""The rows of the database: a cheap digest after every request, and every row now and then."""

from collections import Counter
from dataclasses import dataclass

from django.db import connection

from tests.golden import tables
from tests.golden.tables import Row
from verification.fuzz.site import local

# Tables that a call may write, each with an expression whose sum changes with its rows.
_SUMS = {
    "blockRequest": "id + imageid + numMachines + COALESCE(groupid, 0) + processing + managementnodeid",
    "blockTimes": "id + blockRequestid + processed + skip",
    "blockWebDate": "blockRequestid",
    "blockWebTime": "blockRequestid + starthour + endhour",
    "request": "id + stateid + laststateid + userid",
    "reservation": "id + requestid + computerid + imageid + managementnodeid",
    "blockComputers": "blockTimeid + computerid + imageid + reloadrequestid",
    "semaphore": "computerid + imageid",
    "computer": "id + stateid + imagerevisionid",
    "blockalloc_idempotencykey": "id + answer",
}
_WRITTEN = {"blockRequest", "blockTimes", "blockWebDate", "blockWebTime", "request", "reservation", "blockComputers"}
KEYS = "blockalloc_idempotencykey"
Digest = dict[str, tuple[int, int]]


def digest() -> Digest:
    """Number of rows and check sum of each table that a call may write, in one statement."""
    parts = [f"SELECT '{table}', COUNT(*), COALESCE(SUM({what}), 0) FROM `{table}`" for table, what in _SUMS.items()]  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return {table: (int(count), int(total)) for table, count, total in cursor.fetchall()}


def added(before: Digest, after: Digest) -> dict[str, int]:
    """The number of rows that each table has gained."""
    return {table: after[table][0] - before[table][0] for table in after}


def machines_by_block_time() -> Counter[int]:
    """How many computers each block time has; a machine of the site's images is one computer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT blockTimeid, COUNT(*) FROM blockComputers GROUP BY blockTimeid")
        return Counter({int(block_time): int(count) for block_time, count in cursor.fetchall()})


def newest_block_time() -> int:
    """The highest id of a block time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(id) FROM blockTimes")
        return int(cursor.fetchone()[0])


def newest_times() -> list[int]:
    """Start and end of the block time with the highest id, as Unix seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT start, `end` FROM blockTimes ORDER BY id DESC LIMIT 1")
        return [local(str(stored)) for stored in cursor.fetchone()]


@dataclass(frozen=True, slots=True)
class Everything:
    """All rows of VCL's tables."""

    rows: dict[str, list[Row]]

    @classmethod
    def read(cls) -> "Everything":
        """As they are now. Claims come and go, and are watched by the digest."""
        return cls(tables.read())

    def damage(self, later: "Everything") -> list[str]:
        """Forbidden changes: a row that was there is changed or removed, or one is added to another table."""
        damage = []
        for table, rows in self.rows.items():
            old, new = _counted(rows), _counted(later.rows[table])
            if old - new:
                damage.append(f"{table}: {sum((old - new).values())} rows were changed or removed")
            if new - old and table not in _WRITTEN:
                damage.append(f"{table}: {sum((new - old).values())} rows were added")
        return damage


def _counted(rows: list[Row]) -> Counter[tuple[tuple[str, str], ...]]:
    return Counter(tuple(sorted((name, str(value)) for name, value in row.items())) for row in rows)
