"""The pages that are measured: each list with each of its filters, each kind of page, the long ones."""

from collections.abc import Iterator
from datetime import timedelta

from django.urls import reverse

from bench.large_site import LARGEST, NOW, SEATS, Site, id_of
from blockalloc.models import BlockComputer, CalendarFeed, Decision, Request

_TODAY = f"{NOW:%Y-%m-%d}"
_IN_TWO_WEEKS = f"{NOW + timedelta(weeks=2):%Y-%m-%d}"
_IN_FOUR_WEEKS = f"{NOW + timedelta(weeks=4):%Y-%m-%d}"  # the classes have no computers yet: all are foreseen
# Of each list: words to search for, and the filters.
_LISTS = {
    "blocktime": (
        ("laboratory", "Class 017", "blade00-7", "no such thing"),
        ("day=all", "day=past", "day=this-week", f"day={_TODAY}", "day=all&p=80", *(
            f"day=all&status={status}" for status in ("complete", "short", "waiting", "skipped", "not-accepted")
        ), f"group={id_of(5)}", f"image={id_of(3)}", "day=all&o=3", "forecast=short", "forecast=not-checked",
            f"day={_IN_FOUR_WEEKS}", f"lab={id_of(2)}", f"day=all&lab={id_of(2)}"),
    ),
    "blockrequest": (
        ("laboratory", "user17"),
        ("open=all", "open=expired", "status=accepted", f"group={id_of(5)}", f"image={id_of(3)}", "o=1",
         "forecast=short", f"open=all&lab={id_of(2)}"),
    ),
    "computer": (
        ("vm03-17", "example", "MATLAB"),
        ("type=virtualmachine", f"state={8}", "block=yes", "block=no", "removed=all", "p=200", "o=5", "o=-6",
         f"lab={id_of(2)}"),
    ),
    "image": (("Ubuntu", "course 1"), ("blocks=yes", "blocks=no", "removed=all", "o=5", "o=-4")),
    "request": (
        ("vm03-17", "MATLAB", "mn3"),
        ("day=all", "day=past", "day=this-week", f"day={_TODAY}", f"node={id_of(3)}", "day=all&p=200"),
    ),
    "decision": (
        ("laboratory", "Class 017", "staff3", "no such thing"),
        (
            f"day={_TODAY}", f"day={_IN_TWO_WEEKS}", "computer=vm03-1700", f"day={_TODAY}&computer=vm03-1700",
            "called=day", "called=month", "action=allocate", "action=skip", "outcome=success", "outcome=refused",
            "outcome=short", f"block_time={id_of(40)}", "p=1000", "o=1", f"lab={id_of(2)}", "outcome=success&p=200",
        ),
    ),
}  # fmt: skip


def addresses(site: Site, *, limited: bool) -> Iterator[tuple[str, str]]:
    """(name, address) of each page; `limited` to the affiliation of block request 0."""
    yield from _of_lists(limited=limited)
    yield from _of_rows(site)
    yield from _of_our_pages()
    yield from _of_feeds()


def _of_lists(*, limited: bool) -> Iterator[tuple[str, str]]:
    for model, (words, filters) in _LISTS.items():
        url = reverse(f"admin:blockalloc_{model}_changelist")
        yield f"{model}s", url
        yield from ((f"{model}s, search {word!r}", f"{url}?q={word}&day=all") for word in words if model in _DATED)
        yield from ((f"{model}s, search {word!r}", f"{url}?q={word}") for word in words if model not in _DATED)
        yield from ((f"{model}s, {query}", f"{url}?{_last_page(query, limited=limited)}") for query in filters)
    csv = reverse("admin:decisions_csv")
    yield "decisions of a class day as CSV", f"{csv}?day={_TODAY}"


_DATED = ("blocktime", "request")


def _last_page(query: str, *, limited: bool) -> str:
    """An account that sees a third of the rows has a third of the pages."""
    name, _, page = query.rpartition("p=")
    return f"{name}p={int(page) // 4}" if limited and page.isdecimal() and name[-1:] in ("", "&") else query


def _of_rows(site: Site) -> Iterator[tuple[str, str]]:
    today = next(id_ for id_, place, start, _ in site.times if place % 3 == 0 and start.date() == NOW.date())
    large = next(id_ for id_, place, start, _ in site.times if place == LARGEST and start.date() == NOW.date())
    block_computer = BlockComputer.objects.filter(blockTime=today).order_by("computer")[0]
    most = BlockComputer.objects.filter(blockTime__blockRequest__owner__affiliation=site.affiliation(0))
    reload = Request.objects.filter(pk__in=most.filter(reloadrequestid__gt=0).values("reloadrequestid"))[0]
    explained = Decision.objects.filter(roster_id__isnull=False, affiliation_id=site.affiliation(0)).order_by("-pk")[0]
    plain = Decision.objects.filter(roster_id__isnull=True, affiliation_id=site.affiliation(0)).order_by("-pk")[0]
    for name, model, key in (
        ("block request with 84 times", "blockrequest", id_of(0)),
        ("block time", "blocktime", today),
        (f"block time with {SEATS} seats", "blocktime", large),
        ("computer", "computer", block_computer.computer_id),
        ("image", "image", site.image(0)),
        ("image that is seldom loaded", "image", site.images[-1]),
        ("reload", "request", reload.pk),
        ("decision with 10,000 computers", "decision", explained.pk),
        ("decision without findings", "decision", plain.pk),
    ):
        yield name, reverse(f"admin:blockalloc_{model}_change", args=[key])
    yield (
        "decision, one computer",
        f"{reverse('admin:blockalloc_decision_change', args=[explained.pk])}?computer=vm03-1700",
    )
    yield "decision's computers as CSV", reverse("admin:decision_csv", args=[explained.pk])
    yield "roster of a class", reverse("admin:roster", args=[large])
    yield "roster as CSV", reverse("admin:roster_csv", args=[today])
    yield "load times", reverse("admin:load_times", args=[site.image(0)])
    yield "load times, seldom loaded", reverse("admin:load_times", args=[site.images[-1]])


def _of_our_pages() -> Iterator[tuple[str, str]]:
    yield "today", reverse("admin:today")
    yield "week", reverse("admin:week")
    yield "week to come", f"{reverse('admin:week')}?from={_IN_TWO_WEEKS}"
    yield "week that is foreseen", f"{reverse('admin:week')}?from={_IN_FOUR_WEEKS}"
    timeline = reverse("admin:timeline")
    for query in (
        "", "zoom=day", "zoom=week", f"lab={id_of(3)}", f"lab={id_of(3)}&zoom=week", f"image={id_of(3)}",
        f"block={id_of(3)}&zoom=week", f"day={_IN_FOUR_WEEKS}", f"day={_IN_FOUR_WEEKS}&zoom=week",
        "by=computer", "by=computer&page=12", "by=computer&zoom=week", "by=computer&busy=1",
        "by=computer&busy=1&zoom=week", f"by=computer&image={id_of(3)}", f"by=computer&block={id_of(3)}",
        f"by=computer&lab={id_of(3)}&zoom=week",
    ):  # fmt: skip
        yield f"timeline {query}".strip(), f"{timeline}?{query}"


def _of_feeds() -> Iterator[tuple[str, str]]:
    yield "calendars", reverse("admin:feeds")
    for name, group in (("all", None), ("group", id_of(3))):
        feed, _ = CalendarFeed.objects.get_or_create(key=name.rjust(43, "k"), name=name, group_id=group, made=NOW)
        yield f"calendar, {name}", reverse("feed", args=[feed.key])
