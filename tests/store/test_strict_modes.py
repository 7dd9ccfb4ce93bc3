"""Rows that we add are such that VCL can work on them on a server in strict SQL modes (docs/beside-vcl.md)."""

import pytest
from django.db import connection

from blockalloc.allocation import service
from tests.golden import tables
from tests.support.connections import another_connection
from tests.support.servers.kinds import STRICT
from tests.support.sites.class_site import CALLER, a_call, class_site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="mariadb")]
# What vcld and the front end do to a reload, its reservation and a block.
THEIRS = (
    "UPDATE request SET stateid = 14, laststateid = 19 WHERE stateid = 19",
    "UPDATE request SET end = '2026-03-02 12:30:00', preload = 0",
    "UPDATE reservation SET managementnodeid = managementnodeid, imagerevisionid = imagerevisionid",
    "UPDATE reservation SET lastcheck = '2026-03-02 12:00:00'",
    "UPDATE blockRequest SET processing = 1 - processing, status = 'completed'",
    "UPDATE blockTimes SET processed = 1 - processed",
    "UPDATE blockComputers SET imageid = imageid",
    "DELETE FROM reservation",
    "DELETE FROM request",
)


def test_vcl_changes_and_deletes_them_in_strict_modes() -> None:
    with class_site():
        assert service.allocate_block(a_call(), CALLER) == 4
        with another_connection() as cursor:
            if connection.vendor == "mysql":
                cursor.execute("SET sql_mode = %s, FOREIGN_KEY_CHECKS = 0", [STRICT])
            for statement in THEIRS:
                cursor.execute(statement)
                assert cursor.rowcount > 0, statement


def test_the_only_zero_date_in_them_is_the_one_in_vcls_own() -> None:
    with class_site():
        before = tables.read()
        assert service.allocate_block(a_call(), CALLER) == 4
        after = tables.read()
        zero = {
            (table, column)
            for table, rows in after.items()
            for row in rows
            if row not in before[table]
            for column, value in row.items()
            if value is None and column in ("lastcheck", "start", "end", "daterequested", "expireTime", "expires")
        }
    assert zero <= {("reservation", "lastcheck")}
