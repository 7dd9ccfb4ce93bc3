"""A node that is cut off, crashes at a COMMIT, or comes back: the answers to its callers, and the rows left."""

import time
from collections.abc import Callable
from threading import Timer

import pytest
import time_machine
from django.conf import settings
from django.db import OperationalError, connection
from django.test import override_settings

from blockalloc.allocation import service
from blockalloc.contract.messages import Refusal
from tests.golden import tables
from tests.support.boundaries import Boundary, at_boundaries
from tests.support.sites.class_site import CALLER, NOW, a_call, computers_of
from verification.galera.nodes import SECONDS, Nodes

pytestmark = pytest.mark.django_db(transaction=True)
# The server can't be reached (Django connects anew when a COMMIT fails), is gone, was lost; the node lost its cluster.
_LOST = (2002, 2006, 2013, 1180)


def _allocate_with_crash(nodes: Nodes, commit: int, crash: Callable[[Boundary], None]) -> int | None:
    """A call on node 1, with `crash` called at its COMMIT of this number; the answer, None when there was none."""

    def work() -> int:
        commits = 0

        def visit(boundary: Boundary) -> None:
            nonlocal commits
            if boundary.sql != "COMMIT":
                return
            commits += not boundary.after
            if commits == commit:
                crash(boundary)

        with at_boundaries(visit):
            return service.allocate_block(a_call(), CALLER)

    try:
        return int(nodes.run(1, work).result(SECONDS))
    except OperationalError as error:
        if error.args[0] not in _LOST:
            raise
        return None


def _left() -> int:
    """The number of computers that a call has left; all of its rows must belong together."""
    rows = tables.read()
    computers = {(row["reloadrequestid"], row["computerid"]) for row in rows["blockComputers"]}
    assert computers == {(row["requestid"], row["computerid"]) for row in rows["reservation"]}
    assert {request for request, _ in computers} == {row["id"] for row in rows["request"]}
    return len(computers)


def _retry_completes(nodes: Nodes) -> None:
    """Once the claims of the lost call have expired, its retry on another node completes the block."""
    with time_machine.travel(NOW.timestamp() + settings.VCL_SEMAPHORE_SECONDS + 1, tick=False):
        assert nodes.allocate(2, a_call()).result(SECONDS) == 4
    assert _left_on(nodes, 0) == 4


def _left_on(nodes: Nodes, node: int) -> int:
    """The same on a node, when it has applied everything that was committed."""

    def work() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION wsrep_sync_wait = 1")
        return _left()

    return int(nodes.run(node, work).result(SECONDS))


@pytest.mark.parametrize("commit", [1, 2], ids=["claim", "confirm"])
def test_a_node_that_crashes_before_a_commit_leaves_nothing(nodes: Nodes, commit: int) -> None:
    def crash(boundary: Boundary) -> None:
        if not boundary.after:
            nodes.kill(1)

    with nodes.site():
        assert _allocate_with_crash(nodes, commit, crash) is None
        assert _left_on(nodes, 2) == 0
        _retry_completes(nodes)


@pytest.mark.parametrize("milliseconds", [0.0, 0.3, 0.6, 1.0])
def test_a_node_that_crashes_in_a_commit_leaves_all_or_nothing(nodes: Nodes, milliseconds: float) -> None:
    crashes = []

    def crash(boundary: Boundary) -> None:
        if not boundary.after:
            crashes.append(Timer(milliseconds / 1000, lambda: nodes.kill(1)))
            crashes[0].start()

    with nodes.site():
        answer = _allocate_with_crash(nodes, 2, crash)
        crashes[0].join()
        left = _left_on(nodes, 2)
        assert left in ([4] if answer == 4 else [0, 4])
        _retry_completes(nodes)


def test_a_node_that_is_cut_off_in_a_commit_leaves_all_or_nothing(nodes: Nodes) -> None:
    def cut_off(boundary: Boundary) -> None:
        if not boundary.after:
            nodes.isolate(1, alone=True)

    with nodes.site():
        try:
            answer = _allocate_with_crash(nodes, 2, cut_off)
            left = _left_on(nodes, 2)
            assert left in ([4] if answer == 4 else [0, 4])
            _retry_completes(nodes)
        finally:
            nodes.isolate(1, alone=False)
            nodes.cluster.wait_synced()
        assert _left_on(nodes, 1) == 4


def test_an_answered_call_survives_the_crash_of_its_node(nodes: Nodes) -> None:
    def work() -> int:
        answer = service.allocate_block(a_call(), CALLER)
        nodes.kill(1)
        return answer

    with nodes.site():
        assert nodes.run(1, work).result(SECONDS) == 4
        assert _left_on(nodes, 2) == 4


def test_a_connection_outlives_the_restart_of_its_node(nodes: Nodes) -> None:
    """As between two requests, a broken connection is replaced before the next call."""

    def work() -> int:
        assert service.allocate_block(a_call(2), CALLER) == 2
        nodes.kill(1)
        nodes.bring_back(1)
        connection.close_if_unusable_or_obsolete()
        return service.allocate_block(a_call(4), CALLER)

    with nodes.site():
        assert nodes.run(1, work).result(SECONDS) == 4


def test_a_node_that_is_cut_off_refuses_calls_as_busy_and_the_others_go_on(nodes: Nodes) -> None:
    with nodes.site(), override_settings(VCL_GUARD_WAIT_SECONDS=2):
        nodes.isolate(1, alone=True)
        try:
            deadline = time.monotonic() + SECONDS
            while nodes.cluster.nodes[1].status("wsrep_cluster_status") == "Primary":
                assert time.monotonic() < deadline
                time.sleep(0.1)
            begun = time.monotonic()
            with pytest.raises(Refusal) as refused:
                nodes.allocate(1, a_call()).result(SECONDS)
            assert refused.value.code == 205
            assert time.monotonic() - begun < 15  # far less than the default, 20
            assert nodes.allocate(2, a_call(2)).result(SECONDS) == 2
        finally:
            nodes.isolate(1, alone=False)
            nodes.cluster.wait_synced()
        assert nodes.allocate(1, a_call()).result(SECONDS) == 4
        nodes.cluster.wait_alike()
        assert len(computers_of()) == 4
