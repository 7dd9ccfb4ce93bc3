"""Calls on several nodes of a cluster at once: certification decides between them (SPEC 8.1)."""

import logging
from collections import Counter
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from blockalloc.models import IdempotencyKey
from blockalloc.store import claims, guard
from tests.golden import tables
from tests.support.sites.class_site import a_call, computers_of
from verification.galera.nodes import SECONDS, Nodes

pytestmark = pytest.mark.django_db(transaction=True)


def _computers() -> Counter[int]:
    return Counter(row["computerid"] for row in tables.read()["blockComputers"])


def test_the_same_key_on_two_nodes_at_the_same_moment_is_one_block(nodes: Nodes) -> None:
    with nodes.site(computers=40):
        for number in range(6):
            call = a_call(3, block_time=0, key=f"key {number}")
            assert nodes.allocate_at_once([(1, call), (2, call)]) == [3, 3]
        assert len(tables.read()["blockRequest"]) == 1 + 6
        assert IdempotencyKey.objects.count() == 6
        assert len(_computers()) == len(tables.read()["request"]) == 18


def test_one_block_time_on_three_nodes_at_once_is_filled_once(nodes: Nodes) -> None:
    with nodes.site(computers=40, machines=10):
        assert nodes.allocate_at_once([(node, a_call(10)) for node in range(3)]) == [10, 10, 10]
        assert len(computers_of()) == len(tables.read()["request"]) == 10


def test_blocks_at_the_same_hours_on_three_nodes_never_share_a_computer(nodes: Nodes) -> None:
    with nodes.site(computers=20, machines=4, blocks=6):
        answers = nodes.allocate_at_once([(number % 3, a_call(block_time=10 + number)) for number in range(6)])
        assert sum(answers) == 20
        assert len(_computers()) == 20
        assert set(_computers().values()) == {1}


def _pause_once(monkeypatch: pytest.MonkeyPatch, socket: str, pause: Callable[[], None]) -> None:
    """Let the first call on the node of this socket pause when it has claimed its computers, and not committed yet."""
    claim, pauses = claims.claim, [pause]

    def claim_and_pause(*arguments: Any) -> None:
        claim(*arguments)
        if connection.settings_dict["OPTIONS"]["unix_socket"] == socket and pauses:
            pauses.pop()()

    monkeypatch.setattr(claims, "claim", claim_and_pause)


def test_a_call_whose_facts_are_old_at_its_commit_reads_them_again(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It has read and claimed on one node; another call is made on another node, whole; then it commits."""
    claimed, other_is_done = Event(), Event()

    def pause() -> None:
        claimed.set()
        assert other_is_done.wait(SECONDS)

    with nodes.site(computers=8, machines=4, blocks=2), caplog.at_level(logging.WARNING):
        _pause_once(monkeypatch, nodes.cluster.nodes[1].socket, pause)
        slow = nodes.allocate(1, a_call())
        assert claimed.wait(SECONDS)
        assert nodes.allocate(2, a_call(block_time=11)).result(SECONDS) == 4
        other_is_done.set()
        assert slow.result(SECONDS) == 4
        nodes.cluster.wait_alike()
        assert computers_of(11) == [10, 11, 12, 13]
        assert computers_of(10) == [14, 15, 16, 17]
        assert "(1213, " in caplog.text


def test_a_guard_that_is_held_on_another_node_stops_no_call_and_its_holder_loses(nodes: Nodes) -> None:
    def hold() -> None:
        with transaction.atomic():
            guard._take()
            assert nodes.allocate(2, a_call()).result(SECONDS) == 4

    with nodes.site():
        with pytest.raises(OperationalError) as lost:
            nodes.run(1, hold).result(SECONDS)
        assert lost.value.args[0] == 1213
        assert computers_of() == [10, 11, 12, 13]
