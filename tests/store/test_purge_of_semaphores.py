"""Our own expired semaphore rows are purged in each look of keep_ready, and nobody has to wait for that."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError

from blockalloc.store import claims
from blockalloc.store.sql import waiting_at_most
from tests.support.connections import another_connection
from tests.support.sites.class_site import NOW, class_site, put_semaphore, semaphore_procids
from tests.support.statements import Send, around_statements

pytestmark = pytest.mark.django_db(transaction=True)
AT = int(NOW.timestamp())


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Computers 10 to 15. It is eight o'clock."""
    with class_site():
        yield


def test_what_is_expired_and_ours() -> None:
    for computer, expires in ((10, -1), (11, 0), (12, 60)):
        put_semaphore(computer, f"blockalloc:{expires}", expires)
        put_semaphore(computer, f"blockalloc-held:{expires}", expires)
        put_semaphore(computer, f"front end {expires}", expires)
    assert claims.purge_expired(AT) == 2
    assert len(semaphore_procids()) == 7
    assert {"blockalloc:-1", "blockalloc-held:-1"}.isdisjoint(semaphore_procids())
    assert claims.purge_expired(AT) == 0


def test_a_row_that_somebody_has_locked_is_left_to_the_next_time() -> None:
    """A front end that waits for our row must not meet one of ours that waits for its own."""
    put_semaphore(10, "blockalloc:1", -1)
    with another_connection() as other:
        other.execute("UPDATE semaphore SET procid = 'blockalloc:2' WHERE computerid = 10")
        with waiting_at_most(lambda: 0.2):
            assert claims.purge_expired(AT) == 0
    assert semaphore_procids() == ["blockalloc:1"]
    assert claims.purge_expired(AT) == 1


def test_other_errors_are_raised() -> None:
    def lost(_send: Send) -> None:
        raise OperationalError(2013, "Lost connection to server during query")

    put_semaphore(10, "blockalloc:1", -1)
    with around_statements("DELETE FROM semaphore", lost), pytest.raises(OperationalError):
        claims.purge_expired(AT)
