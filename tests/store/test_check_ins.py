"""When management nodes checked in: read right from either type of column, also when the clock is changed."""

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import override_settings

from blockalloc import check_ins
from blockalloc.models import ManagementNode
from blockalloc.site_time import site_zone
from blockalloc.store import rows, site_clock, times
from tests.golden import tables
from tests.support.sites.rows import IMAGE, NODE, USER_GROUP, SiteRows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="mariadb")]
ZONE = "America/New_York"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
# The night in which New York's summer time ends: 01:00 to 02:00 comes twice, from 05:00 and from 06:00 UTC.
FIRST = datetime(2026, 11, 1, 5, 2, tzinfo=UTC)
SECOND = datetime(2026, 11, 1, 6, 2, tzinfo=UTC)
# The last is just after its clocks were put forward.
MOMENTS = [NOON, FIRST, SECOND, datetime(2026, 3, 8, 7, 2, tzinfo=UTC)]


@pytest.fixture(params=["datetime", "timestamp"], autouse=True)
def column(request: pytest.FixtureRequest) -> Iterator[str]:
    """The type of the column: that of VCL 2.4.2 and 2.5, and that of 2.5.1. On SQLite there is one for both."""
    _make(request.param)
    with override_settings(TIME_ZONE=ZONE):
        tables.load(SiteRows(), ZONE)
        yield request.param
    _make("timestamp")


def _make(kind: str) -> None:
    if connection.vendor == "mysql":
        default = " DEFAULT 0" if kind == "timestamp" else ""
        with connection.cursor() as cursor:
            cursor.execute("UPDATE managementnode SET lastcheckin = NULL")
            cursor.execute(f"ALTER TABLE managementnode MODIFY lastcheckin {kind} NULL{default}")
        connection.close()  # the next one looks at the column anew


def check_in(at: float) -> None:
    """What vcld writes: the time that a node's clock shows, or the database's NOW()."""
    with connection.cursor() as cursor:
        moment = datetime.fromtimestamp(at, UTC)
        shown = moment.astimezone(site_zone()) if check_ins.are_local(connection) else moment
        cursor.execute("UPDATE managementnode SET lastcheckin = %s", [f"{shown:%Y-%m-%d %H:%M:%S}"])


def test_the_type_is_found_when_a_connection_is_made(column: str) -> None:
    connection.ensure_connection()
    assert check_ins.are_local(connection) == (connection.vendor == "mysql" and column == "datetime")


def test_it_is_known_before_the_first_statement_of_a_thread() -> None:
    """The values of a statement are made before there is a connection for it."""
    connection.ensure_connection()
    there: list[str] = []

    def first() -> None:
        there.append(times.check_in_limit(int(NOON.timestamp())))
        connection.close()

    with time_machine.travel(NOON, tick=False):
        here = times.check_in_limit(int(NOON.timestamp()))
        thread = threading.Thread(target=first)
        thread.start()
        thread.join()
    assert there == [here]


def test_a_check_in_of_just_now_is_one() -> None:
    for now, ago in itertools.product(MOMENTS, (0, 10, 250)):
        with time_machine.travel(now, tick=False):
            check_in(now.timestamp() - ago)
            (node,) = site_clock.read(int(now.timestamp())).nodes
            assert now.timestamp() - node.checked_in == ago, now
            model = ManagementNode.objects.get(pk=NODE)
            assert model.lastcheckin is not None
            assert (now - model.lastcheckin).total_seconds() == ago, now


def test_silence_is_seen_in_the_hour_that_comes_twice() -> None:
    later = SECOND + timedelta(minutes=8)
    with time_machine.travel(later, tick=False):
        check_in(later.timestamp() - 30 * 60)  # of the first occurrence, by a local time that is still to come
        (node,) = site_clock.read(int(later.timestamp())).nodes
        assert later.timestamp() - node.checked_in == 30 * 60


def test_new_blocks_go_to_nodes_that_are_alive() -> None:
    cases = ((0, True), (10, True), (299, True), (301, False), (86400, False))
    for now, (ago, alive) in itertools.product(MOMENTS, cases):
        with time_machine.travel(now, tick=False):
            check_in(now.timestamp() - ago)
            _, found = rows.for_new_block(IMAGE, USER_GROUP, int(now.timestamp()) - 300)
            if alive or now != SECOND:  # in the hour that comes twice silence is not seen by comparing
                assert (found.management_node_id == NODE) == alive, (now, ago)


def test_seconds_that_the_database_counted_are_the_same() -> None:
    for now in MOMENTS:
        with time_machine.travel(now, tick=False), connection.cursor() as cursor:
            check_in(now.timestamp() - 10)
            cursor.execute("SELECT lastcheckin FROM managementnode")
            (stored,) = cursor.fetchone()
            moment = times.wall_time(stored)
            assert moment is not None
            counted = int(moment.replace(tzinfo=UTC).timestamp())
            assert times.from_check_in_seconds(counted) == times.from_check_in(stored) == now.timestamp() - 10


def test_a_node_that_never_checked_in() -> None:
    for never in (None, "0000-00-00 00:00:00"):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE managementnode SET lastcheckin = %s", [never])
        assert site_clock.read(int(NOON.timestamp())).nodes == []
        assert ManagementNode.objects.get(pk=NODE).lastcheckin is None
        assert ManagementNode.objects.filter(lastcheckin=None).exists()
    assert times.from_check_in_seconds(None) is None


def test_models_write_and_find_it_as_vcl_does() -> None:
    node = ManagementNode.objects.get(pk=NODE)
    node.lastcheckin = NOON
    node.save()
    with time_machine.travel(NOON, tick=False):
        (read,) = site_clock.read(int(NOON.timestamp())).nodes
        assert read.checked_in == NOON.timestamp()
        assert ManagementNode.objects.filter(lastcheckin=NOON).exists()
        assert not ManagementNode.objects.filter(lastcheckin__gt=NOON).exists()
