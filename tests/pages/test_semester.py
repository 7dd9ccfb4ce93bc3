"""The report of a semester: figures, groups, periods by the site's calendar, sorting, scopes, CSV."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import ClassHeld, Decision, ImageMeta, SubImage
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import DAY, HOUR, NEW_YORK, NOW, Site, page_url, text

pytestmark = pytest.mark.django_db

PAGE, CSV = reverse("admin:semester"), reverse("admin:semester_csv")


def held(key: int, start: datetime = NOW - 4 * HOUR, **values: Any) -> ClassHeld:
    """The closing row of a class of two hours: of 10 machines it had 8, 6 were ready; 5 computers were used."""
    usual: dict[str, Any] = {
        **{"block_request_id": 1, "block_name": "CS101", "image_id": 1, "image_name": "Ubuntu", "user_group": "CS101"},
        **{"owner": "odette@NCSU", "affiliation_id": 1, "end": start + 2 * HOUR, "wanted": 10, "had": 8},
        **{"ready_at_start": 6, "ready_after_five": 7, "used_at_peak": 5, "used_in_the_mean": 4.0, "closed": True},
    }
    return ClassHeld.objects.create(block_time_id=key, start=start, **{**usual, **values})


def table(client: Client, query: str = "") -> list[list[str]]:
    """The cells of the report's table, line by line, its sum last."""
    html = client.get(PAGE + query).content.decode()
    part = html[html.index('aria-label="Classes by') :]
    found = re.findall(r"<tr>(<th scope=\"row\">.*?)</tr>", part, re.DOTALL)
    return [[re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in found]


def names(client: Client, query: str = "") -> list[str]:
    return [row[0] for row in table(client, query)[:-1]]


def rows_of(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(CSV + query)
    assert answer.status_code == 200, answer.content
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


# --- Figures --------------------------------------------------------------------------------------
def test_one_class(viewer: Client) -> None:
    held(1)
    line = ["1", "1", "10", "8", "6 of 10", "60.0 %", "5", "2.0", "16.0", "8.0 of 16.0", "50.0 %"]
    assert table(viewer) == [["CS101", *line], ["All", *line]]
    assert "1 class held." in text(viewer, PAGE)
    assert "Machines and computers are summed over the classes" in text(viewer, PAGE)


def test_sums_of_several_classes(viewer: Client) -> None:
    held(1)
    held(2, NOW - DAY, wanted=4, had=4, ready_at_start=4, used_at_peak=4, used_in_the_mean=1.0)
    held(3, NOW - DAY, block_request_id=2, block_name="Math")
    first, second, total = table(viewer)
    assert first == ["CS101", "2", "1", "14", "12", "10 of 14", "71.4 %", "9", "4.0", "24.0", "10.0 of 24.0", "41.7 %"]
    assert second[0] == "Math"
    assert total == ["All", "3", "2", "24", "20", "16 of 24", "66.7 %", "14", "6.0", "40.0", "18.0 of 40.0", "45.0 %"]


def test_what_nobody_counted_is_in_no_share(viewer: Client) -> None:
    held(1)
    held(2, ready_at_start=None)
    held(3, used_at_peak=None, used_in_the_mean=None, closed=False)
    (line, _) = table(viewer)
    assert line == ["CS101", "3", "3", "30", "24", "12 of 20", "60.0 %", "10", "6.0", "48.0", "16.0 of 32.0", "50.0 %"]
    page = text(viewer, PAGE)
    assert "1 of them was not checked within two minutes of the start, and does not count" in page
    assert "Use was not counted for 1 of them." in page
    assert "Machines ready at the start (12 of 20) 60.0 %" in page
    assert "the other classes are left out of both numbers" in page


def test_of_nothing_counted_there_is_no_number(viewer: Client) -> None:
    held(1, ready_at_start=None, used_at_peak=None, used_in_the_mean=None)
    assert table(viewer)[0] == ["CS101", "1", "1", "10", "8", "–", "–", "–", "2.0", "16.0", "–", "–"]


def test_a_machine_of_a_cluster_has_several_computers(viewer: Client, site: Site) -> None:
    meta = ImageMeta.objects.create(subimages=1)
    for _ in range(3):
        SubImage.objects.create(imagemeta=meta, image=site.windows)
    site.ubuntu.imagemeta = meta
    site.ubuntu.save()
    held(1, image_id=site.ubuntu.pk, had=2, used_in_the_mean=4.0)
    assert table(viewer)[0][-3:] == ["4.0", "8.0 of 16.0", "50.0 %"]  # of eight computers


def test_classes_that_are_on_or_to_come_are_not_held(viewer: Client) -> None:
    held(1, NOW - HOUR)
    held(2, NOW + HOUR)
    assert "No class of this period is on record." in text(viewer, PAGE)


def test_decisions_tell_of_more_classes(viewer: Client, site: Site) -> None:
    def decide(key: int, **values: Any) -> None:
        usual = {"action": "allocate", "outcome": "success", "started": NOW - DAY, "duration": 1, "allocated": 3}
        usual |= {"block_start": NOW - 4 * HOUR, "block_end": NOW - 2 * HOUR, "affiliation_id": 1, "image_id": 1}
        Decision.objects.create(block_time_id=key, **{**usual, **values})

    held(1)
    decide(1)
    for _ in range(2):
        decide(2)
    decide(3, action="dry run")
    decide(4, allocated=0)
    decide(5, block_end=NOW + HOUR)
    decide(6, block_start=NOW - 400 * DAY, block_end=NOW - 400 * DAY)
    assert '<a href="?unseen=1">How many are there?</a>' in viewer.get(PAGE).content.decode()
    assert "According to the decisions on record, 1 more had machines" in text(viewer, f"{PAGE}?unseen=1")
    assert "According to the decisions on record there were no others" in text(viewer, f"{PAGE}?unseen=1&image=2")


# --- Groups and periods ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("by", "found"),
    [
        ("series", ["CS101", "Math"]),
        ("image", ["Ubuntu", "Windows"]),
        ("owner", ["odette@NCSU", "otto@NCSU"]),
        ("month", ["October 2026", "November 2026"]),
    ],
)
def test_groups(viewer: Client, by: str, found: list[str]) -> None:
    held(1, NOW - 40 * DAY, block_request_id=2, block_name="Math", owner="otto@NCSU")
    held(2)
    held(3, image_id=2, image_name="Windows")
    assert names(viewer, f"?by={by}") == found
    assert table(viewer, f"?by={by}")[-1][1] == "3"


def test_a_line_leads_to_what_it_consists_of(viewer: Client) -> None:
    held(1)
    for by, query in (
        ("series", "?by=month&amp;series=1"),
        ("image", "?by=month&amp;image=1"),
        ("owner", "?by=series&amp;owner=odette%40NCSU"),
        ("month", "?by=series&amp;from=2026-11-01&amp;to=2026-11-25"),
    ):
        page = viewer.get(f"{PAGE}?by={by}").content.decode()
        assert f'<th scope="row"><a href="{query}">' in page, by
        assert viewer.get(PAGE + query.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    ("query", "number"), [("series=1", 2), ("image=2", 1), ("owner=otto@NCSU", 1), ("series=9", 0)]
)
def test_only_one_series_image_or_owner(viewer: Client, query: str, number: int) -> None:
    held(1)
    held(2, owner="otto@NCSU")
    held(3, block_request_id=2, image_id=2, image_name="Windows")
    page = text(viewer, f"{PAGE}?{query}")
    assert f"{number} class{'' if number == 1 else 'es'} held" in page or not number
    assert "Only classes of" in page
    assert len(rows_of(viewer, f"?rows=classes&{query}")) == number


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_months_are_those_of_the_site(viewer: Client, settings: Any, zone: str) -> None:
    settings.TIME_ZONE = zone
    held(1, datetime(2026, 10, 31, 23, 0, tzinfo=NEW_YORK))  # in UTC and in Tokyo that is in November
    month = {"America/New_York": "October 2026", "Asia/Tokyo": "November 2026"}[zone]
    assert names(viewer, "?by=month") == [month]
    assert [row["month_id"] for row in rows_of(viewer, "?by=month")] == [f"{datetime.strptime(month, '%B %Y'):%Y-%m}"]


def test_days_are_those_of_the_site(viewer: Client) -> None:
    held(1, datetime(2026, 9, 1, 0, 0, tzinfo=NEW_YORK), block_name="first minute")
    held(2, datetime(2026, 9, 30, 23, 59, tzinfo=NEW_YORK), block_request_id=2, block_name="last minute")
    held(3, datetime(2026, 8, 31, 23, 59, tzinfo=NEW_YORK), block_request_id=3, block_name="before")
    held(4, datetime(2026, 10, 1, 0, 0, tzinfo=NEW_YORK), block_request_id=4, block_name="after")
    assert names(viewer, "?from=2026-09-01&to=2026-09-30") == ["first minute", "last minute"]


def test_the_report_of_nothing_else_is_of_six_months(viewer: Client) -> None:
    page = viewer.get(PAGE).content.decode()
    assert 'name="from" value="2026-06-01"' in page
    assert 'name="to" value="2026-11-25"' in page
    assert 'aria-current="true">Last six months</a>' in page
    assert "January to June 2026" in page
    assert (
        'aria-current="true">July to December 2026'
        in viewer.get(f"{PAGE}?from=2026-07-01&to=2026-12-31").content.decode()
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-13-01", "from: “2026-13-01” is not a date between 1971 and 9998, such as 2026-08-17."),
        ("from=x", "from: “x” is not a date"),
        ("to=0001-01-01", "to: “0001-01-01” is not a date"),
        ("to=9999-12-31", "to: “9999-12-31” is not a date"),
        ("from=2026-02-01&to=2026-01-01", "2026-02-01 to 2026-01-01 ends before it begins"),
        ("from=2020-01-01&to=2026-01-01", "is longer than five years"),
        ("by=teacher", "by: “teacher” is none of series, image, month, owner."),
        ("sort=color", "sort: “color” is none of name, -name,"),
        ("series=x", "series: “x” is no id, which is a number such as 101."),
        ("image=9999999999", "is no id"),
        ("unseen=2", "unseen: “2” is none of 1."),
    ],
)
def test_bad_input_is_named(viewer: Client, query: str, said: str) -> None:
    held(1)
    page = text(viewer, f"{PAGE}?{query}")
    assert said.removeprefix("from: ").removeprefix("to: ") in page
    assert "1 class held" in page
    answer = viewer.get(f"{CSV}?{query}")
    assert answer.status_code == 400
    assert said in answer.content.decode()


def test_what_is_wrong_with_a_date_stands_at_its_field(viewer: Client) -> None:
    html = viewer.get(f"{PAGE}?from=x&to=2026-11-30").content.decode()
    assert 'id="from" name="from" aria-invalid="true" aria-describedby="from-problem"' in html
    assert '<span class="problem" id="from-problem">“x” is not a date between 1971 and 9998' in html
    assert "to-problem" not in html
    assert 'class="errorlist"' not in html
    html = viewer.get(f"{PAGE}?from=2026-02-01&to=2026-01-01&sort=color").content.decode()
    assert '<span class="problem" id="to-problem">2026-02-01 to 2026-01-01 ends before it begins' in html
    assert '<ul class="errorlist"><li>sort: “color” is none of' in html


def test_bad_input_is_text(viewer: Client) -> None:
    assert (
        "<script>alert"
        not in viewer.get(f"{PAGE}?by=<script>alert(1)</script>&owner=<script>alert(1)").content.decode()
    )


@pytest.mark.parametrize("year", ["1971-01-01", "9998-12-31"])
def test_the_ends_of_time(viewer: Client, year: str) -> None:
    assert viewer.get(f"{PAGE}?from={year}&to={year}").status_code == 200


# --- Sorting, drawing -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", "ABC"), ("-name", "CBA"), ("-wanted", "BAC"), ("wanted", "CAB"), ("-share", "ACB"), ("share", "CAB"),
        ("-short", "ACB"),
    ],
)  # fmt: skip
def test_sorting(viewer: Client, sort: str, order: str) -> None:
    held(1, block_request_id=1, block_name="A", wanted=10, had=9, ready_at_start=9)
    held(2, block_request_id=2, block_name="B", wanted=20, had=20, ready_at_start=None)
    held(3, block_request_id=3, block_name="C", wanted=8, had=7, ready_at_start=4)
    assert "".join(names(viewer, f"?sort={sort}")) == order
    assert [row["series"] for row in rows_of(viewer, f"?sort={sort}")] == list(order)


def test_headings_sort_and_say_so(viewer: Client) -> None:
    held(1)
    page = viewer.get(f"{PAGE}?sort=-wanted").content.decode()
    assert 'aria-sort="descending"><a href="?sort=wanted">Machines asked for</a>' in page
    assert '<a href="?sort=-had">Machines allocated</a>' in page
    assert 'aria-sort="ascending"><a href="?sort=-name">Series</a>' in viewer.get(PAGE).content.decode()


@pytest.mark.parametrize(("first", "unit", "bars"), [("2026-08-01", "week", 18), ("2025-12-01", "month", 12)])
def test_the_chart_has_a_bar_for_each_week_or_month(viewer: Client, first: str, unit: str, bars: int) -> None:
    held(1)
    held(2, NOW - 30 * DAY, wanted=20)
    page = viewer.get(f"{PAGE}?from={first}").content.decode()
    assert page.count("<g><title>") == bars
    assert page.count('<rect class="asked" x="') - 1 == page.count('<rect class="used" x="') == 2
    assert f"The {unit} in which most were asked for, 20, is that of" in page
    assert f'<h2 id="chart">{unit.capitalize()} by {unit}</h2>' in page
    assert "style=" not in page


def test_a_class_is_drawn_in_its_week(viewer: Client) -> None:
    held(1, datetime(2026, 11, 22, 23, 0, tzinfo=NEW_YORK))  # a Sunday
    held(2, datetime(2026, 11, 23, 0, 0, tzinfo=NEW_YORK), wanted=20)
    page = viewer.get(f"{PAGE}?from=2026-11-01").content.decode()
    assert "<title>16 Nov: 10 computers asked for, 8 allocated, 5 used at the peak</title>" in page
    assert "<title>23 Nov: 20 computers asked for" in page


def test_all_bars_are_of_the_classes_whose_use_was_counted(viewer: Client, site: Site) -> None:
    meta = ImageMeta.objects.create(subimages=1)
    SubImage.objects.create(imagemeta=meta, image=site.windows)
    site.ubuntu.imagemeta = meta
    site.ubuntu.save()
    held(1, datetime(2026, 11, 23, 8, 0, tzinfo=NEW_YORK), image_id=site.ubuntu.pk)
    held(2, datetime(2026, 11, 23, 8, 0, tzinfo=NEW_YORK), used_at_peak=None, used_in_the_mean=None)
    page = viewer.get(PAGE).content.decode()
    assert "<title>23 Nov: 20 computers asked for, 16 allocated, 5 used at the peak</title>" in page
    assert "Without the 1 class whose use was not counted." in page
    cells = ("1", "20", "16", "5")
    assert "23 Nov</th>" + "".join(f'<td class="number">{cell}</td>' for cell in cells) in page


def test_without_use_counted_there_is_no_chart(viewer: Client) -> None:
    held(1, used_at_peak=None, used_in_the_mean=None)
    page = viewer.get(PAGE).content.decode()
    assert 'id="chart"' not in page
    assert 'id="groups"' in page


def test_names_are_escaped(viewer: Client) -> None:
    held(1, block_name="<script>alert(1)", owner="<script>alert(2)", image_name="<script>alert(3)")
    for by in ("series", "image", "owner", "month&series=1&image=1"):
        assert "<script>alert" not in viewer.get(f"{PAGE}?by={by}").content.decode()


def test_the_sum_counts_what_is_not_shown(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockalloc.pages.semester.SHOWN", 2)
    for key in range(1, 6):
        held(key, block_request_id=key)
    assert len(table(viewer)) == 3
    assert table(viewer)[-1][1] == "5"
    assert "3 more lines are in the CSV" in text(viewer, PAGE)
    assert len(rows_of(viewer)) == 5


# --- CSV ------------------------------------------------------------------------------------------
def test_csv_of_groups(viewer: Client) -> None:
    held(1)
    held(2, used_at_peak=None, used_in_the_mean=None, ready_at_start=None)
    assert rows_of(viewer) == [
        {
            **{"series": "CS101", "series_id": "1", "classes": "2", "classes_short": "2", "machines_asked_for": "20"},
            **{"machines_allocated": "16", "machines_ready_at_start": "6", "machines_asked_for_where_looked_at": "10"},
            **{"share_ready_at_start": "0.6", "computers_used_at_peak": "5", "class_hours": "4.0"},
            **{"machine_hours": "32.0", "computer_hours_where_counted": "16.0", "computer_hours_used": "8.0"},
            **{"utilisation": "0.5", "classes_not_looked_at": "1", "classes_use_not_counted": "1"},
        }
    ]


def test_csv_of_classes(viewer: Client) -> None:
    held(7, block_name="=HYPERLINK(1)", ready_after_five=None, asked_by="XML-RPC, vcl@Local")
    answer = viewer.get(f"{CSV}?rows=classes")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="classes-2026-06-01-2026-11-25.csv"' in answer["Content-Disposition"]
    (row,) = rows_of(viewer, "?rows=classes")
    assert (row["start"], row["end"]) == ("2026-11-25 08:00:00", "2026-11-25 10:00:00")
    assert (row["class"], row["block_time_id"], row["asked_by"]) == ("'=HYPERLINK(1)", "7", "XML-RPC, vcl@Local")
    assert (row["machines_ready_at_start"], row["machines_ready_after_5_min"]) == ("6", "")
    assert (row["computers_used_at_peak"], row["computers_used_in_the_mean"]) == ("5", "4.0")


def test_unknown_rows_are_refused(viewer: Client) -> None:
    answer = viewer.get(f"{CSV}?rows=people")
    assert (answer.status_code, answer.content.decode()) == (400, "rows: “people” is none of groups, classes.")


def test_the_page_leads_to_the_csv_of_the_same_report(viewer: Client) -> None:
    held(1)
    page = viewer.get(f"{PAGE}?by=owner&sort=-had").content.decode()
    assert f'<a class="button small" href="{CSV}?by=owner&amp;sort=-had">Export as CSV</a>' in page
    assert f'<a class="button small" href="{CSV}?by=owner&amp;sort=-had&amp;rows=classes">Export each class</a>' in page


# --- Who sees it ----------------------------------------------------------------------------------
def test_only_classes_within_the_scope(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    held(1, block_name="ours", affiliation_id=7)
    held(2, block_name="theirs", block_request_id=2, owner="stranger@Other", affiliation_id=8)
    held(3, block_name="nobodys", block_request_id=3, affiliation_id=None)
    Decision.objects.create(
        block_time_id=9, action="allocate", outcome="success", allocated=3, started=NOW, duration=1, affiliation_id=8,
        block_start=NOW - 4 * HOUR, block_end=NOW - 2 * HOUR,
    )  # fmt: skip
    assert names(viewer) == ["nobodys", "ours", "theirs"]
    limit_to(7, monkeypatch)
    for by in ("series", "image", "month", "owner"):
        page = viewer.get(f"{PAGE}?by={by}&unseen=1").content.decode()
        body = b"".join(viewer.get(f"{CSV}?by={by}&rows={rows}").getvalue() for rows in ("groups", "classes"))
        for word in ("theirs", "nobodys", "stranger", "more had machines"):
            assert word not in page, by
            assert word.encode() not in body, by
        assert table(viewer, f"?by={by}")[-1][1] == "1"
    assert "1 class held" not in text(viewer, f"{PAGE}?series=2")
    assert "theirs" not in text(viewer, f"{PAGE}?series=2")


def test_it_needs_the_permission(client: Client) -> None:
    client.force_login(StaffUser.objects.create_user("other", is_staff=True))
    assert [client.get(url).status_code for url in (PAGE, CSV)] == [403, 403]
    client.logout()
    assert [client.get(url).status_code for url in (PAGE, CSV)] == [302, 302]


def test_series_and_images_lead_to_it(viewer: Client, site: Site) -> None:
    request = site.request("CS101", site.ubuntu, None, 1)
    assert f'href="{PAGE}?series={request.pk}"' in viewer.get(page_url("blockrequest", request.pk)).content.decode()
    assert f'href="{PAGE}?image={site.ubuntu.pk}"' in viewer.get(page_url("image", site.ubuntu.pk)).content.decode()


@pytest.mark.parametrize("query", ["", "?by=month", "?by=month&from=2025-01-01", "?by=owner&image=1&unseen=1"])
def test_queries_do_not_grow(viewer: Client, query: str) -> None:
    counts = []
    for number in (1, 30):
        for each in range(number):
            start = NOW - timedelta(days=each + 1)
            held(1000 * number + each, start, block_request_id=each, owner=f"owner {each}")
        for url in (PAGE, CSV):
            with CaptureQueriesContext(connection) as queries:
                viewer.get(url + query).getvalue() if url == CSV else viewer.get(url + query)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 7
    assert NOW.astimezone(UTC) > ClassHeld.objects.latest("start").start
