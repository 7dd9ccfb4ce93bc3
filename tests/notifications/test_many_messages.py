"""What a round reads where a recipient has had thousands of messages."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from blockalloc import clock
from blockalloc.models import Message, Recipient
from blockalloc.store import lanes
from blockalloc.store.sql import fetch

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.once(on="mariadb"),
    pytest.mark.skipif(connection.vendor != "mysql", reason="MariaDB counts the rows that it reads"),
]

SENT, MOST_READ = 6000, 10
TEXT = 9000 * "x"


def rows_read() -> int:
    """The rows that this connection has asked the storage engine for."""
    return sum(int(value) for _, value in fetch("SHOW SESSION STATUS LIKE 'Handler_read%%'"))


@pytest.mark.parametrize("waiting", [0, 6000])
def test_the_next_message_is_found_without_those_that_were_sent(waiting: int) -> None:
    now = datetime.fromtimestamp(clock.now(), UTC)
    recipient = Recipient.objects.create(key="mail:a@b.c", channel="mail", address="a@b.c", used=now)
    messages = [
        Message(
            recipient=recipient, key=f"news-{n}", kind="news", text=TEXT, created=now, sent=now if n < SENT else None
        )
        for n in range(SENT + waiting)
    ]
    Message.objects.bulk_create(messages, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE blockalloc_message")
        cursor.fetchall()
    before = rows_read()
    message = lanes.next_message(recipient.pk)
    assert rows_read() - before <= MOST_READ
    assert (message.key if message else None) == (f"news-{SENT}" if waiting else None)
