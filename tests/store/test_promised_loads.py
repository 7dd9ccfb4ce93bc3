"""How long the image of a reservation takes to load comes with the reservation."""

import pytest
from django.db import connection

from blockalloc.store import promises
from blockalloc.store.sql import fetch
from tests.support.sites.class_site import END, FIRST_COMPUTER, IMAGE, NOW, START, class_site, reserve

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_reloadtime_of_the_image() -> None:
    now = int(NOW.timestamp())
    with class_site():
        reserve(FIRST_COMPUTER, "2026-03-02 13:00:00", "2026-03-02 13:30:00")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE image SET reloadtime = 23 WHERE id = %s", [IMAGE])
        select = promises.select(START - 3600, END, now, "call")
        read = promises.from_rows(fetch(select.sql, select.params), now, now, "call")
    assert [row.reload_minutes for row in read.reservations] == [23]
