"""A class's numbers are the same on every page, in every message and in every command.

Each door is asked for all classes of a site with every kind of trouble, and what it says in words is compared with what
is known of the site. Doors that leave numbers out are asked for those that they have.
"""

import html
import json
import re
from collections import Counter
from datetime import datetime
from io import StringIO
from typing import NamedTuple

import pytest
from django.contrib.auth.models import User as StaffUser
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from blockalloc.inspection.inspector import inspect
from blockalloc.models import BlockTime, CalendarFeed, Computer, Image, ImageMeta, News, SubImage
from blockalloc.monitoring import site_metrics
from blockalloc.monitoring.load_times import KeptLoadTimes
from blockalloc.notifications import wording
from blockalloc.notifications.observing import observe
from tests.support.cards import cards, markups
from tests.support.sites.staff_site import (
    DAY,
    HOUR,
    NOW,
    Site,
    add_image,
    list_url,
    page_url,
    state,
)
from tests.support.week_page import blocks_of_week

# The records of calls are written in transactions of their own.
pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = HOUR / 60
STATES = ("loaded", "loading", "waiting", "failed", "in use")


class Numbers(NamedTuple):
    """What is true of a class: machines, then its computers by state."""

    wanted: int
    allocated: int
    usable: int
    ready: int
    spares: int = 0
    late: int = 0
    computers: tuple[int, ...] = (0, 0, 0, 0, 0)  # as in STATES

    @property
    def missing(self) -> int:
        return self.wanted - self.usable


TRUE = {
    # One computer has failed, one was taken away; of the other two one is loaded.
    "short": Numbers(4, 3, 2, 1, computers=(1, 0, 1, 1, 0)),
    # Two heads and three nodes make one machine of three computers.
    "cluster": Numbers(2, 1, 1, 1, computers=(5, 0, 0, 0, 0)),
    # They hold its image, and another class has them before.
    "three days ahead": Numbers(2, 2, 2, 0, computers=(0, 0, 2, 0, 0)),
    "next on them": Numbers(2, 2, 2, 0, computers=(0, 0, 2, 0, 0)),
    "first on them": Numbers(2, 2, 2, 2, computers=(2, 0, 0, 0, 0)),
    # Nobody has it before, but everybody may.
    "tomorrow": Numbers(1, 1, 1, 0, computers=(1, 0, 0, 0, 0)),
    "spares": Numbers(2, 2, 2, 2, spares=1, computers=(2, 0, 0, 1, 0)),
    "late": Numbers(2, 2, 2, 1, late=1, computers=(1, 0, 1, 0, 0)),
    "on": Numbers(2, 2, 2, 2, computers=(1, 0, 0, 0, 1)),
    "failed only": Numbers(2, 2, 1, 1, computers=(1, 0, 0, 1, 0)),
    "no computers": Numbers(3, 0, 0, 0),
}
TODAY = TRUE.keys() - {"three days ahead", "tomorrow"}
SOON = TODAY  # they begin within six hours
TROUBLED = {"short", "cluster", "late", "failed only", "no computers", "spares"}


def in_state(name: str, computer: Computer) -> Computer:
    Computer.objects.filter(pk=computer.pk).update(state=state(name))
    return computer


@pytest.fixture
def of_class(site: Site) -> dict[str, BlockTime]:
    """The classes of TRUE."""

    def add(name: str, start: datetime, machines: int, image: Image = site.ubuntu) -> BlockTime:
        return site.time(site.request(name, image, site.group(name), machines), start, processed=1)

    made = {
        "short": add("short", NOW + 3 * HOUR, 4),
        "three days ahead": add("three days ahead", NOW + 3 * DAY, 2),
        "first on them": add("first on them", NOW + HOUR, 2),
        "next on them": add("next on them", NOW + 5 * HOUR, 2),
        "tomorrow": add("tomorrow", NOW + DAY, 1),
        "spares": add("spares", NOW + 2 * HOUR, 2),
        "late": add("late", NOW + 5 * MINUTE, 2),
        "on": add("on", NOW - HOUR, 2),
        "failed only": add("failed only", NOW + 4 * HOUR, 2),
        "no computers": add("no computers", NOW + 5.5 * HOUR, 3),
    }
    site.hold(made["short"], site.computer("short-1", site.ubuntu))
    site.hold(made["short"], site.computer("short-2", site.windows))
    site.hold(made["short"], in_state("failed", site.computer("short-3", site.windows)))
    meta = ImageMeta.objects.create(subimages=1)
    hadoop = add_image("Hadoop", imagemeta=meta)
    for _ in range(2):
        SubImage.objects.create(imagemeta=meta, image=site.ubuntu)
    made["cluster"] = add("cluster", NOW + 2 * HOUR, 2, hadoop)
    site.hold(made["cluster"], *(site.computer(f"head-{n}", hadoop) for n in range(2)))
    site.hold(made["cluster"], *(site.computer(f"node-{n}", site.ubuntu) for n in range(3)), image=site.ubuntu)
    shared = [site.computer(f"shared-{n}", site.ubuntu) for n in range(2)]
    for name in ("first on them", "next on them", "three days ahead"):
        for computer in shared:
            site.hold(made[name], computer)
    site.hold(made["tomorrow"], site.computer("tomorrow-1", site.ubuntu))
    for number in range(3):
        computer = site.computer(f"spares-{number}", site.ubuntu)
        site.hold(made["spares"], in_state("maintenance", computer) if number == 2 else computer)
    site.hold(made["late"], site.computer("late-1", site.ubuntu))
    site.hold(made["late"], site.computer("late-2", site.windows))
    site.hold(made["on"], site.computer("on-1", site.ubuntu))
    site.hold(made["on"], in_state("inuse", site.computer("on-2", site.ubuntu)))
    site.hold(made["failed only"], site.computer("failed-1", site.ubuntu))
    site.hold(made["failed only"], in_state("maintenance", site.computer("failed-2", site.ubuntu)))
    assert made.keys() == TRUE.keys()
    return made


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(StaffUser.objects.create_superuser("root"))
    return client


def words(client: Client, address: str) -> str:
    """What the page says, as one reads it."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def cells(row: str) -> list[str]:
    """The cells of a row of a table."""
    return [
        " ".join(html.unescape(re.sub(r"<[^>]*>", "", cell)).split())
        for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
    ]


def table(client: Client, address: str) -> list[list[str]]:
    """The rows of all tables of a page."""
    page = client.get(address).content.decode()
    return [cells(row) for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page, re.DOTALL)]


# --- Tables --------------------------------------------------------------------------------------


def test_today(root: Client, of_class: dict[str, BlockTime]) -> None:
    found, read = markups(root), cards(root)
    assert found.keys() == TODAY
    for name, markup in found.items():
        of = TRUE[name]
        assert of_card(markup) == [of.wanted, of.allocated, of.usable, of.ready, *of.computers], name
        computers = of.wanted * (3 if name == "cluster" else 1)  # that make up all its machines
        assert part(markup, "segment-words", r"\d+ missing") == (
            f"{computers - sum(of.computers)} missing" if of.allocated < of.wanted else ""
        )
        assert part(markup, "figure", r"\d+ spares?") == ("1 spare" if of.spares else ""), name
        says(read[name], of)
    assert {name for name, each in read.items() if each.startswith("Ready ")} == {
        name for name in TODAY if TRUE[name].ready >= TRUE[name].wanted and name not in TROUBLED
    }


def part(markup: str, name: str, pattern: str) -> str:
    """What is said in the part of a card with that CSS class; "" for nothing."""
    (inside,) = re.findall(rf'class="{name}".*?</(?:p|ul)>', markup, re.DOTALL)
    found = re.search(pattern, " ".join(re.sub(r"<[^>]*>", " ", inside).split()))
    return found.group() if found else ""


def of_card(markup: str) -> list[int]:
    """The machines of a card: wanted, allocated, usable and ready; then its computers, as in STATES.

    Its figure says how many are usable where some are not, and else how many are ready, of all that are allocated.
    Without computers, none of them is.
    """
    number, _, wanted, word = part(markup, "figure", r"\d+ of \d+ \w+").split()
    computers = [int(part(markup, "segment-words", rf"\d+ {state}\b").partition(" ")[0] or 0) for state in STATES]
    if word == "usable":
        more = [part(markup, "figure", rf"(?<= )\d+ {each}").partition(" ")[0] for each in ("allocated", "ready")]
        assert all(more) or not any(computers), markup
        allocated, ready = (int(each or 0) for each in more)
        return [int(wanted), allocated, int(number), ready, *computers]
    assert word == "ready", markup
    return [int(wanted), int(wanted), int(wanted), int(number), *computers]


def test_the_week(root: Client, of_class: dict[str, BlockTime]) -> None:
    """A class without computers has no more numbers than those of its machines: it says of no computer anything."""
    shown = {each.name: each for each in blocks_of_week(root, reverse("admin:week"))}
    assert shown.keys() == TRUE.keys()
    for name, of in TRUE.items():
        assert shown[name].number == figure(name)
        spares, late = f" and {of.spares} spare" if of.spares else "", f", {of.late} late" if of.late else ""
        plural = "" if of.wanted == 1 else "s"
        has = f"{of.allocated} of {of.wanted} machine{plural}{spares} allocated"
        machines = f"{has}, {of.usable} usable, {of.ready} ready{late}"
        numbers = re.search(r"(\d+ of \d+ machines?[^;:.]* allocated, [^;]*); computers: ([^.]*)\.", shown[name].more)
        assert (numbers is not None) is (sum(of.computers) > 0), name
        if numbers:
            assert numbers[1].endswith(machines), name
            states = {state: int(number) for number, state in re.findall(r"(\d+) ([a-z ]+)", numbers[2])}
            assert states == {state: number for state, number in zip(STATES, of.computers, strict=True) if number}
        says(shown[name].more, of)
        says(shown[name].short, of)
    assert {name for name, each in shown.items() if each.signal == "Ready"} == {
        name for name, of in TRUE.items() if of.ready >= of.wanted and name not in TROUBLED
    }


def says(text: str, of: Numbers) -> None:
    """Whatever a text says of machines is true."""
    for number, wanted in re.findall(r"(\d+) of (\d+) machines? missing", text):
        assert (int(number), int(wanted)) == (of.missing, of.wanted), text
    for number, wanted in re.findall(r"(\d+) of (\d+) machines? (?:is|are) usable", text):
        assert (int(number), int(wanted)) == (of.usable, of.wanted), text
    for number, wanted in re.findall(r"(\d+) of (\d+) machines? ready", text):
        assert (int(number), int(wanted)) == (of.ready, of.wanted), text
    for number in re.findall(r"all (\d+) machines ready", text):
        assert int(number) == of.wanted == of.ready, text
    assert not re.search(r"machines? can be had", text)


def test_the_list_of_classes(root: Client, of_class: dict[str, BlockTime]) -> None:
    for row in table(root, list_url("blocktime", day="all")):
        if row and row[0] in TRUE:
            compare_list(row[4], row[5], row[0])
    listed = {row[0] for row in table(root, list_url("blocktime", day="all")) if row}
    assert listed >= TRUE.keys()


def compare_list(machines: str, status: str, name: str) -> None:
    of = TRUE[name]
    assert machines.startswith(figure(name))
    for number, word in re.findall(r"(\d+) (allocated|ready|spares?)", machines.removeprefix(figure(name))):
        assert int(number) == getattr(of, "spares" if word.startswith("spare") else word), name
    assert ("spare" in machines) is (of.spares > 0)
    says(status, of)
    assert ("missing" in status or "no computers" in status) is (of.missing > 0 and name != "failed only")


def figure(name: str) -> str:
    """The number that "Today", the week and the lists show first."""
    of = TRUE[name]
    if of.missing or not any(of.computers):
        return f"{of.usable} of {of.wanted} usable"
    return f"{of.ready} of {of.wanted} ready" if name in SOON else f"{of.allocated} of {of.wanted} allocated"


def test_a_class_has_one_state_and_one_figure_wherever_it_is_shown(
    root: Client, of_class: dict[str, BlockTime]
) -> None:
    """On "Today", in the week, in the list, in its series, and on its own page, which says the figure in more words."""
    today, week = cards(root), {each.name: each for each in blocks_of_week(root, reverse("admin:week"))}
    listed = {row[0]: row for row in table(root, list_url("blocktime", day="all")) if row and row[0] in TRUE}
    for name, time in of_class.items():
        state_ = week[name].signal
        assert state_ in ("At risk", "Watch", "Ready", "On track"), name
        assert week[name].number == figure(name)
        assert listed[name][4].startswith(figure(name))
        assert listed[name][5].startswith(state_), name
        of_series = [row for row in table(root, page_url("blockrequest", time.blockRequest_id)) if len(row) == 4][-1]
        assert of_series[1].startswith(figure(name))
        assert of_series[2].startswith(state_), name
        page = root.get(page_url("blocktime", time.pk)).content.decode()
        assert re.search(rf'class="signal [a-z]+"[^>]*><svg.*?</svg>{state_}', page, re.DOTALL), name
        if name in TODAY:
            assert today[name].startswith(state_), name
            assert figure(name) in today[name]


@pytest.mark.parametrize(("status", "complete"), [("complete", True), ("short", False)])
def test_the_filters_of_the_list_count_machines(
    root: Client, of_class: dict[str, BlockTime], status: str, *, complete: bool
) -> None:
    listed = {row[0] for row in table(root, list_url("blocktime", day="all", status=status)) if row}
    assert listed & TRUE.keys() == {name for name, of in TRUE.items() if (of.allocated == of.wanted) is complete}


def test_the_page_of_a_series(root: Client, of_class: dict[str, BlockTime]) -> None:
    for name, time in of_class.items():
        rows = [row for row in table(root, page_url("blockrequest", time.blockRequest_id)) if len(row) == 4]
        (row,) = [row for row in rows if row[0] != "When"]
        compare_list(row[1], row[2], name)


def test_the_page_of_a_class(root: Client, of_class: dict[str, BlockTime]) -> None:
    for name, time in of_class.items():
        of, address = TRUE[name], page_url("blocktime", time.pk)
        page = words(root, address)
        assert head(page) == (of.wanted, of.allocated, of.usable, of.ready, of.spares, of.late), name
        says(page, of)
        counted = Counter(
            next(each for each in STATES if row[5].startswith(each))
            for row in table(root, address)
            if len(row) == 9 and row[0] != "Computer"
        )
        assert tuple(counted[each] for each in STATES) == of.computers, name
        assert Counter(seats(root, address)) == counted + Counter(missing=lacking(of, name)), name


def head(page: str) -> tuple[int, ...]:
    """What the head of the page of a class says in large letters, and below it: see `Numbers`."""
    if early := re.search(r"(\d+) machines? wanted, no computers", page):
        return int(early[1]), 0, 0, 0, 0, 0
    if none := re.search(r"0 of (\d+) machines?: no computers", page):
        return int(none[1]), 0, 0, 0, 0, 0
    large = re.search(r"(\d+) of (\d+) machines? (?:(ready|allocated)|usable, (\d+) ready)", page)
    assert large, page
    usable, wanted = int(large[1]), int(large[2])
    ready = usable if large[3] == "ready" else int(large[4] or 0)
    assert large[3] != "allocated" or "nothing counts as ready until 6 h before the start" in page
    small = re.search(r"(\d+) of \d+ machines?(?: and (\d+) spares?)? allocated", page)
    allocated, spares = (int(small[1]), int(small[2] or 0)) if small else (usable, 0)
    late = re.search(r"(\d+) machines? late", page)
    return wanted, allocated, usable, ready, spares, int(late[1]) if late else 0


def seats(client: Client, address: str) -> list[str]:
    """The words of the tiles."""
    page = client.get(address).content.decode()
    tiles = re.findall(r'class="seat .*?class="state"><svg.*?</svg>([a-z ]+)', page, re.DOTALL)
    return [tile.strip() for tile in tiles]


def lacking(of: Numbers, name: str) -> int:
    """The empty tiles: machines; of the cluster one is marked that lacks its head."""
    return 0 if name == "cluster" or not any(of.computers) else of.wanted - of.allocated


# --- Actions -------------------------------------------------------------------------------------


def test_pages_on_which_actions_are_confirmed(root: Client, of_class: dict[str, BlockTime]) -> None:
    for name, time in of_class.items():
        of = TRUE[name]
        page = words(root, reverse("admin:blocktime_action", args=[time.pk, "release"]))
        assert f": {of.allocated} of {of.wanted} machine" in page, name
        says(page, of)
        page = words(root, reverse("admin:blocktime_action", args=[time.pk, "put-right"]))
        says(page, of)
        loaded = re.findall(r"(\d+) loaded[.,]", page)
        assert [int(number) for number in loaded] == ([of.computers[0]] if of.computers[0] else []), name


def test_allocating_what_cannot_be_had_says_what_there_is(root: Client, of_class: dict[str, BlockTime]) -> None:
    """No computer of this site is a candidate, so nobody gets a further machine, and the class keeps what it has."""
    address = reverse("admin:blocktime_action", args=[of_class["cluster"].pk, "dry-run"])
    answer = root.post(address, {"privileges": "ignored"})
    page = " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())
    assert "would change nothing. The class would still have 1 of 2 machines" in page
    assert "Warning no further machine could be allocated: 1 of 2 machines (VCL: warning 14)" in page
    assert "At this time, 1 of 2 machines could be allocated." in page
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("allocate_block", "--block-time", str(of_class["cluster"].pk), "--ignore-privileges", stdout=out)
    text = out.getvalue()
    assert "The class has 1 of 2 machines now." in text
    assert "warning 14" not in text  # it would say the same again
    assert "Why not more: no further computer passes all rules for image Ubuntu 22.04" in text
    assert "unable to allocate any" not in text
    assert re.search(r"Block time \d+, cluster: .*, 1 of 2 machines\n", text)
    history = words(root, page_url("blocktime", of_class["cluster"].pk))
    assert "1 of 2 machines missing: asked for" in history
    assert "only 1 of 2 could be allocated" in history
    assert "no further machine could be allocated: 1 of 2 machines" in history
    decided = words(root, list_url("decision"))
    assert "unable to allocate any" not in decided
    assert "1 of 2 machines missing" in decided


# --- Messages ------------------------------------------------------------------------------------


def test_calendars(root: Client, of_class: dict[str, BlockTime]) -> None:
    feed = CalendarFeed.objects.create(key="k" * 43, made=NOW)
    answer = root.get(reverse("feed", args=[feed.key]), HTTP_HOST="testserver")
    events = {str(event["SUMMARY"]).partition(":")[0]: event for event in Calendar.from_ical(answer.content).events}
    assert {name: str(event["SUMMARY"]) for name, event in events.items()} == {
        name: f"{name}: {of.ready}/{of.wanted} ready" for name, of in TRUE.items()
    }
    for name, event in events.items():
        says(str(event["DESCRIPTION"]), TRUE[name])


def test_news(of_class: dict[str, BlockTime]) -> None:
    now = int(NOW.timestamp())
    observe(now)
    observe(now + 60)
    found = {news.block_name: news for news in News.objects.order_by("id")}
    assert {"short", "cluster", "failed only", "no computers"} <= found.keys()
    for name, news in found.items():
        of = TRUE[name]
        assert (news.wanted, news.usable, news.ready) == (of.wanted, of.usable, of.ready)
        says(f"{wording.headline(news)} {wording.in_short(news)} {news.why}", of)
        assert not wording.why(news).startswith(f"{of.missing} of")


# --- Commands ------------------------------------------------------------------------------------


def test_check_classes(of_class: dict[str, BlockTime]) -> None:
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("check_classes", stdout=out)
    text = out.getvalue()
    for figure in ("wanted", "allocated", "ready"):
        (number,) = re.findall(rf"\b{figure}=(\d+)", text)
        assert int(number) == sum(getattr(TRUE[name], figure) for name in SOON)
    lines = re.findall(
        r"(?:at risk|to watch): ([^(]*) \(.*?, (\d+) of (\d+) machines?(?: and (\d+) spares?)?, (\d+) ready"
        r"(?:, (\d+) late)?: (.*)", text,
    )  # fmt: skip
    assert {line[0] for line in lines} == TROUBLED
    for name, *numbers, why in lines:
        of = TRUE[name]
        assert [int(each or 0) for each in numbers] == [of.allocated, of.wanted, of.spares, of.ready, of.late]
        says(why, of)


def test_metrics(of_class: dict[str, BlockTime], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_metrics, "load_times", KeptLoadTimes())
    names = {str(time.pk): name for name, time in of_class.items()}
    (family,) = [family for family in site_metrics.read() if family.name == "blockalloc_class_machines"]
    for sample in family.samples:
        assert sample.value == getattr(TRUE[names[sample.labels["block_time"]]], sample.labels["state"])
    assert {names[sample.labels["block_time"]] for sample in family.samples} == SOON - {"on"}


def test_check_vcl(of_class: dict[str, BlockTime]) -> None:
    keys = {time.pk: name for name, time in of_class.items()}
    found = {
        keys[finding.subject["block_time"]]: (finding.subject["machines"], finding.subject["wanted"])
        for finding in inspect(int(NOW.timestamp()))
        if finding.kind == "short_class"
    }
    assert found == {
        name: (TRUE[name].allocated, TRUE[name].wanted) for name in SOON if TRUE[name].allocated < TRUE[name].wanted
    }


def test_keep_ready(of_class: dict[str, BlockTime]) -> None:
    """It counts computers: those that are ready are those that pages count as loaded or in use."""
    out = StringIO()
    call_command("keep_ready", "--json", stdout=out)
    looked = {each["name"]: each for each in json.loads(out.getvalue())["block_times"]}
    assert looked.keys() == SOON
    for name, each in looked.items():
        of = TRUE[name]
        assert each["wanted"] == of.wanted
        assert each["computers"] == sum(of.computers), name
        assert each["ready"] == of.computers[0] + of.computers[4], name
