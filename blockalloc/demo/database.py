"""Loads the demo site into a database, removes it, and distinguishes it from a real site."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, cast

from django.apps import apps
from django.contrib.auth.models import User as StaffUser
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from blockalloc.demo import MARK, TIME_FORMAT, build, next_monday
from blockalloc.demo.past_classes import closing_rows
from blockalloc.demo.rows import FIRST_ID, VCLSYSTEM, Row, Value
from blockalloc.demo.safeguard import NotTheDemo, require_demo
from blockalloc.models import ClassHeld
from blockalloc.schema import base_rows, columns
from blockalloc.site_time import instant_to_local, instant_to_utc, site_zone
from blockalloc.store.sql import placeholders

# The tables of a site's inventory. In the demo's, rows other than its own are somebody's work.
_INVENTORY = [
    "user",
    "usergroup",
    "image",
    "imagerevision",
    "schedule",
    "computer",
    "vmhost",
    "managementnode",
    "resource",
    "resourcegroup",
    "privnode",
    "resourcepriv",
    "userpriv",
]
# The tables of bookings, present and past: their rows belong to the computers and users of the site, no
# matter who wrote them. All of them are deleted when the demo is loaded anew.
_BOOKINGS = [
    "blockComputers",
    "blockRequest",
    "blockTimes",
    "blockWebDate",
    "blockWebTime",
    "computerloadlog",
    "log",
    "loginlog",
    "request",
    "reservation",
    "semaphore",
    "serverrequest",
    "sitemaintenance",
    "sublog",
    "xmlrpcLog",
]
# Tables without `id`: the column that says to which row theirs belong, and the table it refers to.
_LINKS = {
    "usergroupmembers": ("usergroupid", "usergroup"),
    "usergrouppriv": ("usergroupid", "usergroup"),
    "localauth": ("userid", "user"),
    "subimages": ("imagemetaid", "imagemeta"),
    "scheduletimes": ("scheduleid", "schedule"),
    "resourcegroupmembers": ("resourcegroupid", "resourcegroup"),
    "resourcemap": ("resourcegroupid1", "resourcegroup"),
}


@dataclass(frozen=True)
class Mark:
    """The demo site's row in `variable`: until when its dates are of use, and its last id by table."""

    current_until: datetime
    last_ids: Mapping[str, int]

    def stale(self, now: datetime) -> bool:
        """Whether the classes to try are over (`now` is an aware time)."""
        return instant_to_local(now) >= self.current_until


def read_mark() -> Mark | None:
    """The mark of the demo site in this database, None if this is no demo site."""
    rows = _select("SELECT `value` FROM `variable` WHERE `name` = %s", [MARK])
    if not rows:
        return None
    value = json.loads(rows[0][0])
    return Mark(datetime.fromisoformat(value["current_until"]), value["last_ids"])


def require_mark() -> Mark:
    """The mark of the demo site. Raises NotTheDemo if this process does not run the demo, or its database has no mark.

    Whatever acts on the site's rows asks for the mark first.
    """
    require_demo()
    mark = read_mark()
    if mark is None:
        raise NotTheDemo("this database has no demo site: run manage.py load_demo_site first")
    return mark


def load(now: datetime) -> None:
    """Put the demo site into the database in one transaction, in place of an older one.

    Raises NotTheDemo, and changes nothing, if this process does not run the demo, or if there are rows that are neither
    the demo's nor VCL's own.
    """
    require_demo()
    # Computers and VM hosts refer to each other: no order of the tables suits the foreign keys.
    with connection.constraint_checks_disabled(), transaction.atomic():
        mark = read_mark()
        strangers = _strangers(mark)
        if strangers:
            raise NotTheDemo(
                f"this database has rows that are not the demo's ({', '.join(strangers)}): nothing was changed. "
                f"The demo needs a database of its own: move {connection.settings_dict['NAME']} away, or name "
                "another in BLOCKALLOC_DEMO_DATABASE_URL"
            )
        if mark:
            _remove(mark)
        tables = build(now.astimezone(site_zone()))
        for table, rows in tables.items():
            _insert(table, rows)
        local = instant_to_local(now)
        ClassHeld.objects.bulk_create(closing_rows(tables, next_monday(local), local), batch_size=500)
        connection.check_constraints(table_names=list(tables))


def check_in_management_nodes(now: datetime, mark: Mark) -> None:
    """Let the demo's management nodes report that they are alive, as a back end's would. Raises NotTheDemo."""
    require_demo()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE `managementnode` SET `lastcheckin` = %s WHERE `id` BETWEEN %s AND %s",
            [instant_to_utc(now).strftime(TIME_FORMAT), FIRST_ID, mark.last_ids["managementnode"]],
        )


def _strangers(mark: Mark | None) -> list[str]:
    """Name and count, table by table, the rows that are neither the demo's nor VCL's own."""
    counts = []
    last_ids = mark.last_ids if mark else {}
    for table in _INVENTORY if mark else [*_INVENTORY, *_BOOKINGS]:
        condition, parameters = _not_own(table, last_ids)
        number = _select(f"SELECT COUNT(*) FROM `{table}` WHERE {condition}", parameters)[0][0]  # noqa: S608 - names are our own
        if number:
            counts.append(f"{number} row{'s' * (number > 1)} of {table}")
    return counts


def _not_own(table: str, last_ids: Mapping[str, int]) -> tuple[str, list[int]]:
    """SQL condition, with its parameters, for the table's rows that are neither the demo's nor VCL's own."""
    if "id" not in columns(table):
        return "1 = 1", []
    own = [row["id"] for row in base_rows().get(table, [])]
    outside = "`id` NOT BETWEEN %s AND %s"
    if own:
        outside += f" AND `id` NOT IN ({', '.join(['%s'] * len(own))})"
    return outside, [FIRST_ID, last_ids.get(table, FIRST_ID - 1), *own]


def _remove(mark: Mark) -> None:
    """Remove the demo's rows, all bookings, and our own records of the calls that made them."""
    StaffUser.objects.filter(staffaccount__isnull=False).delete()  # their accounts of VCL are about to go
    own = [model._meta.db_table for model in apps.get_app_config("blockalloc").get_models()]
    records = [table for table in own if table.startswith("blockalloc_") and table != "blockalloc_guard"]
    with connection.cursor() as cursor:
        for table in [*records, *_BOOKINGS]:
            cursor.execute(f"DELETE FROM `{table}`")  # noqa: S608 - names are our own
        for table, (column, referred) in _LINKS.items():
            _delete(cursor, table, column, mark.last_ids[referred])
        cursor.execute("DELETE FROM `localauth` WHERE `userid` = %s", [VCLSYSTEM])
        for table in mark.last_ids.keys() - set(_BOOKINGS):
            _delete(cursor, table, "id", mark.last_ids[table])
        cursor.execute("DELETE FROM `variable` WHERE `name` = %s", [MARK])


def _delete(cursor: CursorWrapper, table: str, column: str, last: int) -> None:
    sql = f"DELETE FROM `{table}` WHERE `{column}` BETWEEN %s AND %s"  # noqa: S608 - names are our own
    cursor.execute(sql, [FIRST_ID, last])


def _insert(table: str, rows: list[Row]) -> None:
    """Insert the rows; a column that they leave out gets its default."""
    with connection.cursor() as cursor:
        for named, alike in groupby(rows, key=tuple):
            names = ", ".join(f"`{column}`" for column in named)
            values = [[_text(value) for value in row.values()] for row in alike]
            sql = f"INSERT INTO `{table}` ({names}) VALUES ({placeholders(len(named))})"  # noqa: S608 - names are our own
            cursor.executemany(sql, values)


def _text(value: Value) -> int | str | None:
    """The value as both databases take and compare it."""
    if isinstance(value, datetime):
        return value.strftime(TIME_FORMAT)
    return value.isoformat() if isinstance(value, date) else value


def _select(sql: str, parameters: Iterable[int | str]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return cast(list[tuple[Any, ...]], cursor.fetchall())
