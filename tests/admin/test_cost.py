"""Lists and pages take few queries, whatever the number of rows."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blockalloc.models import (
    BlockTime,
    Computer,
)
from tests.support.sites.staff_site import ADMIN, DAY, MONDAY, PAGES, Site, add_image, list_url, page_url

pytestmark = pytest.mark.django_db


def queries_of(client: Client, url: str) -> int:
    client.get(url)  # the first request may fill caches
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def more(site: Site, round_: int, again: BlockTime | None) -> BlockTime:
    """Blocks, images, nodes; and more computers for the block time that is looked at."""
    site.node()
    add_image(f"Image {round_}")
    made = [site.class_(f"Class {round_}-{number}", computers=2) for number in range(3)]
    time = again or made[0]
    extra = [site.virtual(f"extra{round_}-{number}", site.windows) for number in range(4)]
    site.hold(time, *extra)
    for number in range(4):
        site.time(time.blockRequest, MONDAY + (round_ * 4 + number + 1) * DAY)
        site.hold(site.time(made[1].blockRequest, MONDAY + (round_ * 4 + number + 1) * DAY), *extra)
        site.reserve(site.ubuntu, MONDAY, MONDAY, *extra, state_id=13, laststate_id=13, user_id=ADMIN)
    return time


def _list(page: str) -> Callable[[BlockTime], str]:
    return lambda _time: list_url(page)


ADDRESSES: dict[str, Callable[[BlockTime], str]] = {
    **{f"list of {page}": _list(page) for page in PAGES},
    "search": lambda time: list_url("blocktime", q="class"),
    "filters": lambda time: list_url("blocktime", day="next-week", status="short", image=time.blockRequest.image_id),
    "block request": lambda time: page_url("blockrequest", time.blockRequest_id),
    "block time": lambda time: page_url("blocktime", time.pk),
    "computer": lambda time: page_url("computer", Computer.objects.get(hostname="extra1-0").pk),
    "image": lambda time: page_url("image", time.blockRequest.image_id),
    "reload": lambda time: page_url("request", time.blockcomputer_set.order_by("computer")[0].reloadrequestid),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_queries_do_not_grow_with_rows(viewer: Client, site: Site, address: str) -> None:
    time = more(site, 1, None)
    url = ADDRESSES[address](time)
    before = queries_of(viewer, url)
    more(site, 2, time)
    assert queries_of(viewer, url) == before
    assert before < 20
