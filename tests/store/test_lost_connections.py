"""A connection to the database that is lost costs one call, and none of those after it."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, connection

from blockalloc.allocation import service
from tests.golden import tables
from tests.support.sites.class_site import CALLER, a_call, class_site, computers_of

pytestmark = pytest.mark.django_db(transaction=True)


def _fails(monkeypatch: pytest.MonkeyPatch, name: str, at: int) -> Callable[[], bool]:
    """Lose the connection at the call number `at` of its method `name`. The result says whether that has happened."""
    usual, calls = getattr(connection, name), 0

    def lost(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == at:
            connection.errors_occurred = True
            if connection.vendor == "mysql":  # SQLite's is a file, which stays
                connection.connection.close()
            raise OperationalError(2006, "Server has gone away")
        return usual(*arguments, **options)

    monkeypatch.setattr(connection, name, lost)
    return lambda: calls >= at


# Django turns autocommit off and on again around each of the two transactions of a call.
@pytest.mark.parametrize(
    ("method", "at", "written"),
    [
        ("set_autocommit", 1, False),
        ("commit", 1, False),
        ("set_autocommit", 2, False),
        ("set_autocommit", 3, False),
        ("commit", 2, False),
        ("set_autocommit", 4, True),
    ],
)
def test_the_next_call_of_the_thread_works(
    method: str, at: int, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with class_site(computers=8):
        with monkeypatch.context() as patch:
            was_lost = _fails(patch, method, at)
            with pytest.raises(OperationalError):
                service.allocate_block(a_call(), CALLER)
            assert was_lost()
        assert not connection.in_atomic_block
        assert computers_of() == ([10, 11, 12, 13] if written else [])
        assert service.allocate_block(a_call(), CALLER) == 4


def test_a_commit_whose_outcome_is_unknown_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django connects again after a lost COMMIT; the node that it reaches may not be ready."""
    commit, answers = connection.commit, 0

    def lost() -> None:
        nonlocal answers
        commit()
        answers += 1
        if answers == 2:
            raise OperationalError(1047, "WSREP has not yet prepared node for application use")

    with class_site(computers=8):
        before = len(tables.read()["blockRequest"])
        monkeypatch.setattr(connection, "commit", lost)
        with pytest.raises(OperationalError):
            service.allocate_block(a_call(block_time=0), CALLER)
        assert len(tables.read()["blockRequest"]) == before + 1
