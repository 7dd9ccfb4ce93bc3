"""What is kept of what people were told, and how news is written."""

from dataclasses import replace

import pytest
from django.db import connection

from blockalloc.models import News, Standing
from blockalloc.store import news
from blockalloc.store.news import About, Item, Kept
from scheduling.news import standing as rules
from scheduling.news.kinds import Kind
from tests.support.sites.class_site import START, class_site

pytestmark = pytest.mark.django_db

NOW = START - 3600
TOLD = rules.Standing(START, short=2, troubled=NOW, at_risk=NOW + 60, not_ready=NOW + 120, held=True, begun=True)
FRESH = rules.Standing(START)
ABOUT = About(10, 10, "block", "image", "class@Local", 1, "admin@Local", 1, 4, 0, 0, 0, "")


def test_a_standing_comes_back_as_it_was_written() -> None:
    assert news.kept(10) is None
    assert news.change(10, None, TOLD)
    assert news.kept(10) == Kept(TOLD, 0)
    assert news.change(10, Kept(TOLD, 0), FRESH)
    assert news.kept(10) == Kept(FRESH, 1)


def test_a_standing_is_changed_only_as_it_was_read() -> None:
    assert news.change(10, Kept(FRESH), TOLD)
    assert not news.change(10, Kept(FRESH), FRESH)  # it had none when it was read
    assert news.change(10, Kept(TOLD, 0), FRESH)
    assert not news.change(10, Kept(TOLD, 0), replace(TOLD, short=5))
    assert news.kept(10) == Kept(FRESH, 1)


def test_what_is_added_replaces_nothing() -> None:
    news.change(10, None, TOLD)
    news.add({10: FRESH, 11: FRESH})
    news.add({})
    assert (news.kept(10), news.kept(11)) == (Kept(TOLD, 0), Kept(FRESH, 0))


def test_what_is_forgotten_leaves_the_start() -> None:
    news.change(10, None, TOLD)
    news.forget(10)
    news.forget(11)
    assert news.kept(10) == Kept(rules.Standing(START, begun=True), 1)
    assert Standing.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_observed_are_classes_that_are_near_and_later_ones_that_were_told_of() -> None:
    with class_site(blocks=6):
        local = {
            10: "2026-03-02 05:00:00", 11: "2026-03-02 14:00:00", 12: "2026-03-03 07:00:00",
            13: "2026-03-03 07:00:00", 14: "2026-03-05 07:00:00", 15: "2026-03-02 14:00:00",
        }  # fmt: skip
        with connection.cursor() as cursor:
            for id_, start in local.items():
                cursor.execute("UPDATE blockTimes SET start = %s WHERE id = %s", [start, id_])
                end = "2026-03-02 07:59:59" if id_ == 10 else "2026-03-07 00:00:00"
                cursor.execute("UPDATE blockTimes SET `end` = %s WHERE id = %s", [end, id_])
            cursor.execute("UPDATE blockTimes SET skip = 1 WHERE id = 15")
        for id_ in (10, 13, 14):
            news.change(id_, None, replace(FRESH, short=1))
        at_eight = START - 6 * 3600
        observed = news.observed(at_eight, 6 * 3600)
        assert sorted(observed) == [11, 13]
        assert observed[11] == Kept(FRESH)
        assert observed[13] == Kept(replace(FRESH, short=1), 0)


def test_news_is_written_in_its_order() -> None:
    news.write([], NOW)
    news.write([Item(kind, ABOUT, START, START + 60, 4, 3) for kind in Kind], NOW)
    assert [*News.objects.order_by("id").values_list("kind", flat=True)] == [str(kind) for kind in Kind]
    assert {each.at.timestamp() for each in News.objects.all()} == {NOW}


def test_texts_that_are_longer_than_their_columns_are_cut() -> None:
    long = ABOUT._replace(block="b" * 500, image="\ud800" * 500, group="g" * 500, owner="ö" * 500)
    news.write([Item(Kind.SHORT, long, START, START, 4, 3, why="w" * 90_000, tried="☎" * 90_000)], NOW)
    written = News.objects.get()
    assert (len(written.block_name), len(written.image_name), len(written.owner)) == (80, 80, 190)
    assert (len(written.why), len(written.tried)) == (2000, 2000)
