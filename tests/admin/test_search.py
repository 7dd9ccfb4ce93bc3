"""The search of lists finds what Django's own would, and looks at few rows for it."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from blockalloc.admin.search import search
from blockalloc.models import BlockRequest, BlockTime, Computer, Decision, Image, Request
from tests.support.sites.staff_site import DAY, MONDAY, PAGES, Site, list_url

pytestmark = pytest.mark.django_db

WORDS = (
    "cs101", "CS101-PC0", "pc0 ubuntu", "pc1 ubuntu", "pc0 pc1", "ubuntu windows", "mn0", "mn1 math", "admin", "10.0.",
    '"Ubuntu 22"', "'Windows 1' math", "22 ubuntu", "%", "_", "nothing", "'", "math-pc1 windows mn0",
)  # fmt: skip


@pytest.fixture
def two_classes(site: Site) -> None:
    site.class_("CS101")
    site.node()
    site.class_("Math", MONDAY + DAY, computers=3)
    site.hold(site.class_("Both"), *Computer.objects.filter(hostname__in=["math-pc0", "cs101-pc1"]), image=site.windows)


@pytest.mark.parametrize("model", [BlockRequest, BlockTime, Computer, Image, Request])
def test_it_finds_what_djangos_own_search_does(two_classes: None, model: type[Model]) -> None:
    request = RequestFactory().get("/")
    request.user = StaffUser(is_superuser=True, is_active=True, is_staff=True)
    of_list = admin.site._registry[model]
    rows = model._default_manager.order_by("pk")
    found_some = 0
    for text in WORDS:
        djangos, _ = admin.ModelAdmin.get_search_results(of_list, request, rows, text)
        found = list(search(rows, of_list.search_fields, text).values_list("pk", flat=True))
        assert found == sorted(set(djangos.values_list("pk", flat=True))), text
        found_some += bool(found)
    assert found_some > 2


def test_decisions_are_searched_in_the_index_for_it(viewer: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert viewer.get(list_url("decision", q="two words")).status_code == 200
    statements = [query["sql"] for query in queries if "LIKE" in query["sql"]]
    assert statements
    explain = "EXPLAIN" if connection.vendor == "mysql" else "EXPLAIN QUERY PLAN"
    for sql in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {sql}")
            assert any("blockalloc_decision_search" in str(step) for step in cursor.fetchall())


@pytest.mark.parametrize("page", [*PAGES, "decision"])
def test_lists_look_up_the_keys_of_their_page_first(viewer: Client, two_classes: None, page: str) -> None:
    Decision.objects.create(started=MONDAY, action="skip", outcome="done", duration=1)
    with CaptureQueriesContext(connection) as queries:
        viewer.get(list_url(page))
    quote = connection.ops.quote_name
    table = admin.site._registry[
        {"blockrequest": BlockRequest, "blocktime": BlockTime, "computer": Computer, "image": Image}.get(
            page, Decision if page == "decision" else Request
        )
    ].opts.db_table
    keys = f"SELECT {quote(table)}.{quote('id')} AS {quote('pk')} FROM {quote(table)}"  # noqa: S608 - to compare with
    assert sum(query["sql"].startswith(keys) for query in queries) == 1
