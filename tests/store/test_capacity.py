"""How many loads a site has at a time, and whether keep_ready runs there, by its rows."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings

from blockalloc.models import Heartbeat
from blockalloc.store import capacity
from blockalloc.store.sql import fetch_together
from scheduling.reloads.places import Capacity
from tests.golden import tables
from tests.support.commands import check_vcl
from tests.support.sites.class_site import NODE, NOW, ZONE, class_site

pytestmark = pytest.mark.django_db(transaction=True)
AT = int(NOW.timestamp())
PACKAGES = "VCL::Module::Provisioning::"
XCAT, VMWARE = 1, 7  # provisioning engines of every VCL site


@pytest.fixture(autouse=True)
def _site() -> Iterator[None]:
    """A site with one management node and computers that xCAT loads."""
    with class_site():
        change("UPDATE computer SET provisioningid = %s", XCAT)
        yield


def change(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def hostname() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT hostname FROM managementnode WHERE id = %s", [NODE])
        return str(cursor.fetchone()[0])


def variable(name: str, value: str, serialization: str = "none") -> None:
    row = {"name": name, "serialization": serialization, "value": value, "timestamp": "2026-03-02 08:00:00"}
    tables.insert("variable", [row], ZONE)


def read() -> Capacity:
    return capacity.read(AT).capacity


class TestLoads:
    def test_xcat_loads_ten_at_a_time_and_nothing_else_is_limited(self) -> None:
        assert read() == Capacity({NODE: 10}, frozenset({XCAT}), 4)

    def test_rows_of_variable_set_the_limit(self) -> None:
        variable("xcat|throttle", "7")
        variable("xcat|throttle|elsewhere", "3")
        variable("vcld|throttle", "2")
        assert read().node_limits == {NODE: 7}
        variable(f"{hostname()}|xcat|throttle", "6")
        assert read().node_limits == {NODE: 6}
        variable(f"xcat|throttle|{hostname()}", "--- 5\n", "yaml")
        assert read().node_limits == {NODE: 5}

    def test_a_long_value_is_no_number(self) -> None:
        variable("xcat|throttle", "1" * 100_000)
        assert read().node_limits == {NODE: 10}

    @pytest.mark.parametrize(
        ("package", "name", "limited"),
        [("xCAT", "bare_metal", {XCAT}), ("xCAT2", "xcat_2x", {XCAT}), ("libvirt", "xcat", set())],
    )
    def test_an_engine_is_xcats_by_its_perl_module(self, package: str, name: str, limited: set[int]) -> None:
        module = {"id": 99, "name": "m", "prettyname": "M", "description": "", "perlpackage": PACKAGES + package}
        tables.insert("module", [module], ZONE)
        change("UPDATE provisioning SET name = 'bare_metal' WHERE id = %s", XCAT)
        assert read().limited_engines == frozenset()
        change("UPDATE provisioning SET name = %s, moduleid = 99 WHERE id = %s", name, XCAT)
        assert read().limited_engines == frozenset(limited)

    def test_an_engine_without_computers_limits_nothing(self) -> None:
        change("UPDATE computer SET provisioningid = %s", VMWARE)
        assert read().limited_engines == frozenset()

    @pytest.mark.parametrize(("setting", "limit"), [(4, 4), (7, 7), (30, 7)])
    def test_the_setting_limits_all_loads_and_never_exceeds_xcats_own(self, setting: int, limit: int) -> None:
        variable("xcat|throttle", "7")
        with override_settings(VCL_LOADS_PER_NODE=setting, VCL_LOADS_PER_HOST=0):
            assert read() == Capacity({NODE: limit}, None, 0)

    def test_without_xcat_the_setting_alone_counts(self) -> None:
        change("UPDATE computer SET provisioningid = %s", VMWARE)
        with override_settings(VCL_LOADS_PER_NODE=30):
            assert read() == Capacity({NODE: 30}, None, 4)


class TestMending:
    def look(self, seconds_ago: int, doubt: str = "") -> bool:
        at = datetime.fromtimestamp(AT - seconds_ago, UTC)
        Heartbeat.objects.update_or_create(
            id=1, defaults={"at": at, "host": "here", "milliseconds": 5, "block_times": 1, "doubt": doubt}
        )
        return capacity.read(AT).is_mended

    def test_keep_ready_has_never_looked(self) -> None:
        assert not capacity.read(AT).is_mended

    def test_keep_ready_has_looked_lately(self) -> None:
        assert self.look(60)
        assert self.look(600)
        assert not self.look(601)

    def test_a_clock_that_is_a_little_ahead_is_no_reason(self) -> None:
        assert self.look(-30)
        assert not self.look(-3600)

    def test_keep_ready_that_changes_nothing_mends_nothing(self) -> None:
        assert not self.look(60, "the zone is in doubt")


def test_it_is_one_statement_alone_or_with_others() -> None:
    with CaptureQueriesContext(connection) as queries:
        alone = capacity.read(AT)
    assert len(queries) == 1
    (together,) = fetch_together([(capacity.select(), lambda rows: capacity.from_rows(rows, AT))])
    assert together == alone


def test_a_row_that_sets_no_limit_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    variable("xcat|throttle", "as many as you like")
    with caplog.at_level(logging.WARNING, logger="blockalloc"):
        assert read().node_limits == {NODE: 10}
        read()
    (record,) = caplog.records
    assert record.getMessage() == (
        "the row xcat|throttle of VCL's table variable is 'as many as you like', so that vcld takes 10: "
        "write a whole number above 0"
    )


def test_check_vcl_names_it() -> None:
    assert "load_limit" not in check_vcl("--kind", "load_limit", "--json")[1]
    variable("xcat|throttle", "many")
    variable("xcat|throttle|nobody", "5")
    status, text = check_vcl("--kind", "load_limit")
    assert status == 1
    assert "variable xcat|throttle is 'many', so that vcld takes 10: write a whole number above 0" in text
    assert "variable xcat|throttle|nobody names no management node" in text
