"""A call waits for others, but never longer than it may: one deadline for all its waits together (SPEC 2.1, 205)."""

import threading
import time

import pytest
from django.db import connection
from django.test import override_settings

from blockalloc.allocation import service
from blockalloc.contract.messages import Refusal
from blockalloc.store import sql
from tests.golden import tables
from tests.support.connections import another_connection
from tests.support.sites.class_site import CALLER, a_call, class_site

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = 2  # seconds


def refused_after(seconds: int) -> tuple[int, float]:
    """The code of the refusal of a call that may wait so long, and the seconds that it took."""
    begun = time.monotonic()
    with override_settings(VCL_GUARD_WAIT_SECONDS=seconds), pytest.raises(Refusal) as refused:
        service.allocate_block(a_call(), CALLER)
    return refused.value.code, time.monotonic() - begun


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE blockalloc_guard SET n = n + 1",
        "INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid) "
        "VALUES (10, 10, 10, 10, '2020-01-01 00:00:00', 'front end')",
    ],
    ids=["the guard", "a row that a claim has to remove"],
)
def test_a_lock_held_for_too_long_is_fault_205_in_time_with_nothing_written(statement: str) -> None:
    with class_site():
        before = tables.read()
        with another_connection() as cursor:
            cursor.execute(statement)
            code, seconds = refused_after(WAIT)
        assert code == 205
        assert WAIT - 1 <= seconds < 15  # far less than the default, 20
        assert tables.read() == before
        assert service.allocate_block(a_call(), CALLER) == 4


def test_what_is_let_go_in_time_is_waited_for() -> None:
    with class_site(), another_connection() as cursor:
        cursor.execute("UPDATE blockalloc_guard SET n = n + 1")
        # The driver's own rollback: Django's connections stay in their thread.
        let_go = threading.Timer(1, cursor.db.connection.rollback)
        let_go.start()
        begun = time.monotonic()
        assert service.allocate_block(a_call(), CALLER) == 4
        assert time.monotonic() - begun >= 0.9
        let_go.join()


def test_a_statement_that_must_not_wait_says_so_wherever_it_is_sent() -> None:
    usual = "DELETE FROM semaphore"
    bounded = f"SET STATEMENT innodb_lock_wait_timeout = 0 FOR {usual}"
    assert sql._bounded(usual) == usual
    assert sql._bounded(usual, wait=False) == (bounded if connection.vendor == "mysql" else usual)
