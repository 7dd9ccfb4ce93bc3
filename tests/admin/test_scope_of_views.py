"""Who manages the blocks of one affiliation sees nothing of the others' in any view of a page: of a lab, a row opened.

The crawl of test_scope.py follows links; these are the addresses that forms make, and that links make of each other.
"""

from collections.abc import Iterator
from itertools import product

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from blockalloc.models import BlockRequest, BlockTime, Computer
from blockalloc.pages import labs
from tests.support.sites.accounts import OWN, manager, sign_in
from tests.support.sites.kept_forecast import forecast_run
from tests.support.sites.labs import lab
from tests.support.sites.staff_site import HOUR, MONDAY, PAGES, STRANGE, Site, TwoAffiliations, list_url

pytestmark = [pytest.mark.django_db, pytest.mark.once(on="sqlite")]


@pytest.fixture
def two(site: Site, settings: Settings) -> TwoAffiliations:
    """Their classes are at the same hours too, on the same computers, and in a series with ours in its name."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    two = TwoAffiliations(site)
    for time, of in zip([*two.others], two.own, strict=True):
        same = site.time(time.blockRequest, of.start + HOUR / 2, processed=1)
        site.hold(same, *two.shared)
        two.others.append(same)
    lab("Lab A", two.shared[0], images=(site.ubuntu,))
    lab("Lab B", two.shared[1], site.computer("more", site.ubuntu))
    forecast_run()
    return two


@pytest.fixture
def scoped(client: Client, two: TwoAffiliations) -> Client:
    manager("jdoe", "NCSU", OWN)
    assert sign_in(client, "jdoe@NCSU")
    return client


def of_timeline(known: list[str]) -> Iterator[str]:
    """The timeline of the days of the classes, of either kind of rows, with each row open."""
    opened = {
        "class": [*BlockTime.objects.values_list("pk", flat=True), *BlockRequest.objects.values_list("pk", flat=True)],
        "computer": [*Computer.objects.values_list("pk", flat=True)],
    }
    days = (f"{MONDAY:%Y-%m-%d}", f"{MONDAY - 24 * HOUR:%Y-%m-%d}")
    for by, zoom, day, of_lab in product(opened, ("hours", "day", "week"), days, ("", *known)):
        for open_ in ("", *opened[by]):
            query = {"by": by, "zoom": zoom, "day": day, "lab": of_lab, "open": open_}
            yield reverse("admin:timeline", query={name: value for name, value in query.items() if value})


def of_classes(known: list[str]) -> Iterator[str]:
    """The pages of classes and their lists, of each lab, with what is searched."""
    pages: list[tuple[str, dict[str, str]]]
    pages = [(name, {}) for name in ("today", "semester", "predictions", "plan_series")]
    weeks = (("week", {"from": f"{MONDAY + number * 7 * 24 * HOUR:%Y-%m-%d}"}) for number in (-1, 0, 1))
    for (name, query), of_lab in product((*pages, *weeks), ("", *known)):
        yield reverse(f"admin:{name}", query={**query, **({"lab": of_lab} if of_lab else {})})
    for model, of_lab, day in product(PAGES, ("", *known), ("", "all", "past")):
        query = {name: value for name, value in {"lab": of_lab, "day": day}.items() if value}
        yield list_url(model, **query)


def test_no_view_names_anything_of_the_others(scoped: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockalloc.clock.now", lambda: int(MONDAY.timestamp()) - 600)
    labs.forget()
    known = [f"{each}" for each in labs.known()]
    assert len(known) == 2
    said, leaks = "", []
    for address in (*of_timeline(known), *of_classes(known)):
        body = scoped.get(address, follow=True).content.decode()
        said += body if "timeline" in address else ""
        if STRANGE in body.lower():
            leaks.append(address)
    assert leaks == []
    assert "Overlaps:" in said
    assert "Another affiliation" in said
