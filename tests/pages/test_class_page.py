"""The page of a class: its head, what needs attention, its seats, the buttons, and its history."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User as StaffUser
from django.test import Client
from django.urls import reverse

from blockalloc.models import (
    BlockRequest,
    BlockTime,
    ClassHeld,
    Computer,
    Decision,
    Heartbeat,
    ImageMeta,
    SubImage,
    User,
    Watch,
)
from tests.support.cards import cards
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import DAY, HOUR, MONDAY, NOW, Site, add_image, page_url, revision, state, text

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(StaffUser.objects.create_superuser("root"))
    return client


def class_of(site: Site, machines: int, *states: str, start: timedelta = HOUR) -> BlockTime:
    """A class that begins in `start`, with computers that hold the image, in these states of VCL."""
    time = site.time(site.request("CS1", site.ubuntu, site.group("CS1"), machines), NOW + start, processed=1)
    for number, name in enumerate(states, 1):
        computer = site.computer(f"pc-{number}.cs.edu", site.ubuntu)
        Computer.objects.filter(pk=computer.pk).update(state=state(name))
        site.hold(time, computer)
    return time


def cluster(site: Site, machines: int, heads: int, nodes: int) -> BlockTime:
    """A class of machines of three computers each: a head and two nodes."""
    meta = ImageMeta.objects.create(subimages=1)
    hadoop = add_image("Hadoop", imagemeta=meta)
    for _ in range(2):
        SubImage.objects.create(imagemeta=meta, image=site.ubuntu)
    time = site.time(site.request("Hadoop", hadoop, None, machines), NOW + HOUR, processed=1)
    site.hold(time, *(site.computer(f"head-{n}.cs.edu", hadoop) for n in range(heads)))
    site.hold(time, *(site.computer(f"node-{n}.cs.edu", site.ubuntu) for n in range(nodes)), image=site.ubuntu)
    return time


def looked(**watch: Any) -> None:
    """keep_ready has just looked."""
    Heartbeat.objects.create(pk=1, at=NOW, host="mn0", milliseconds=1)
    if watch:
        Watch.objects.create(**{"first_seen": NOW - HOUR, **watch})


def page(client: Client, time: BlockTime) -> str:
    return client.get(page_url("blocktime", time.pk)).content.decode()


def part(client: Client, time: BlockTime, heading: str) -> str:
    """The text of the section with this heading; "" without one."""
    found = re.search(rf"<section[^>]*>\s*<h2[^>]*>{heading}</h2>(.*?)</section>", page(client, time), re.DOTALL)
    return plain(found[1]) if found else ""


def plain(markup: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", markup).split()))


def seats(client: Client, time: BlockTime) -> list[str]:
    """What a screen reader says of each tile."""
    tiles = re.findall(r'<(?:a|span) class="seat .*?</(?:a|span)>\s*</li>', page(client, time), re.DOTALL)
    return [plain(each).replace(" , ", ", ") for each in tiles]


def buttons(client: Client, time: BlockTime) -> dict[str, str]:
    """The buttons of the head by their titles, with their styles."""
    head = page(client, time).partition('aria-label="How it is"')[2].partition("</section>")[0]
    found = re.findall(r'<a class="button ?([a-z]*)" href="[^"]*">([^<]*)</a>', head)
    return {title: style for style, title in found}


def head_of(client: Client, time: BlockTime) -> str:
    """What the head says."""
    return plain(page(client, time).partition('aria-label="How it is"')[2].partition(">")[2].partition("</section>")[0])


# --- The head -------------------------------------------------------------------------------------


def test_the_title_of_a_tab_says_that_it_is_at_risk(viewer: Client, site: Site) -> None:
    time = class_of(site, 3, "available", "failed")
    assert "<title>At risk: CS1, Wed 25 Nov 13:00–15:00 |" in page(viewer, time)
    Computer.objects.update(state=state("available"))
    BlockRequest.objects.update(numMachines=2)
    assert "<title>CS1, Wed 25 Nov 13:00–15:00 |" in page(viewer, time)
    assert "Ready starts in 1 h 2 of 2 machines ready" in text(viewer, page_url("blocktime", time.pk))


def test_the_page_keeps_itself_up_to_date(viewer: Client, site: Site) -> None:
    found = page(viewer, class_of(site, 1, "available"))
    assert 'id="live" data-seconds="30"' in found
    assert "blockalloc/refresh.js" in found
    assert re.search(r'<section class="card hero good"[^>]* data-key="\d+" data-signal="good"', found)
    assert "<form" not in found.partition('id="content-main"')[2]


def test_what_the_number_leaves_out_stands_below_it(viewer: Client, site: Site) -> None:
    time = class_of(site, 2, "available", "available", "maintenance")
    assert "2 of 2 machines ready 2 of 2 machines and 1 spare allocated" in text(viewer, page_url("blocktime", time.pk))


def test_days_ahead_machines_are_allocated_and_none_is_ready(viewer: Client, site: Site) -> None:
    time = class_of(site, 1, "available", start=DAY)
    found = text(viewer, page_url("blocktime", time.pk))
    assert "1 of 1 machine allocated nothing counts as ready until 6 h before the start" in found


def test_words_of_vcl_have_plain_ones_beside_them(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS1", site.ubuntu, None, 5), MONDAY)
    found = text(viewer, page_url("blocktime", time.pk))
    assert "5 machines wanted, no computers yet VCL’s back end asks for its computers 6 h before the start" in found
    assert "not asked for yet" not in found
    assert "processed no VCL’s back end has not asked yet for its computers" in found
    assert "skip no the class takes place" in found


# --- What needs attention ---------------------------------------------------------------------------


def test_a_computer_that_failed_is_named_with_what_is_done(viewer: Client, site: Site) -> None:
    time = class_of(site, 2, "available", "maintenance")
    wrong = "pc-2 is in state maintenance"
    assert part(viewer, time, "What needs attention") == (
        f"{wrong} Nobody is looking for another computer: keep_ready is not running"
    )
    looked()
    assert part(viewer, time, "What needs attention") == f"{wrong} keep_ready looks for another computer every minute"
    Watch.objects.create(pk=time.pk, first_seen=NOW - HOUR, tried=NOW - 2 * MINUTE)
    assert part(viewer, time, "What needs attention") == (
        f"{wrong} keep_ready found no other computer at 11:58, and keeps looking"
    )


def test_long_before_the_start_keep_ready_does_not_look_yet(viewer: Client, site: Site) -> None:
    looked()
    time = class_of(site, 2, "available", "maintenance", start=DAY)
    assert "keep_ready looks after the class from 6 h before its start" in part(viewer, time, "What needs attention")


def test_spares_make_up_for_what_failed(viewer: Client, site: Site) -> None:
    time = class_of(site, 1, "available", "failed")
    assert part(viewer, time, "What needs attention") == "pc-2 is in state failed Spares make up for it"


def test_computers_in_the_same_trouble_share_a_line(viewer: Client, site: Site) -> None:
    time = class_of(site, 11, "available", *["failed"] * 10)
    names = " , ".join(f"pc-{number}" for number in range(2, 10))
    assert f"{names} and 2 more are in state failed" in part(viewer, time, "What needs attention")


def test_what_is_done_about_several_is_said_once(viewer: Client, site: Site) -> None:
    time = class_of(site, 4, "available", "vmhostinuse", "maintenance")
    assert part(viewer, time, "What needs attention") == (
        "pc-2 is in state vmhostinuse (VM host in use) pc-3 is in state maintenance "
        "1 machine is not allocated Nobody is looking for other computers: keep_ready is not running"
    )


def test_what_was_released_on_purpose_is_no_missing_machine(viewer: Client, site: Site) -> None:
    looked()
    time = class_of(site, 4, "available")
    said = part(viewer, time, "What needs attention")
    assert said == "3 machines are not allocated keep_ready looks for other computers every minute"
    Decision.objects.create(
        started=NOW - HOUR, action=Decision.RELEASE_SOME, outcome=Decision.DONE, block_time_id=time.pk, duration=1,
        wanted=2, parameters="{}",
    )  # fmt: skip
    found = part(viewer, time, "What needs attention")
    assert found == (
        "1 machine is not allocated keep_ready looks for another computer every minute "
        "2 machines are no longer asked for, since computers were released “Allocate now” asks for them again"
    )


def test_loads_that_end_after_the_start(viewer: Client, site: Site) -> None:
    time = class_of(site, 1, "available", start=2 * MINUTE)
    Computer.objects.update(currentimage=site.windows, imagerevision=revision(site.windows, 2))
    found = part(viewer, time, "What needs attention")
    late = r"^pc-1 will be ready about 12:\d\d, \d+ min after the start"
    assert re.search(rf"{late} keep_ready is not running, so it is not exchanged$", found)
    (seat,) = seats(viewer, time)
    assert re.search(r"^pc-1, waiting late, 12:\d\d$", seat)


def test_computers_that_others_have_before(viewer: Client, site: Site) -> None:
    first = class_of(site, 1, "available")
    second = site.time(site.request("CS2", site.ubuntu, None, 1), NOW + 5 * HOUR, processed=1)
    site.hold(second, Computer.objects.get(hostname="pc-1.cs.edu"))
    found = part(viewer, second, "Worth knowing")
    assert re.search(
        r"^pc-1 has the image now, but others use it until 15:00 Loaded again after them, by 1\d:\d\d$", found
    )
    assert seats(viewer, second) == ["pc-1, waiting others until 15:00"]
    assert part(viewer, first, "What needs attention") == ""


def test_a_class_that_is_over_needs_no_attention(viewer: Client, site: Site) -> None:
    time = class_of(site, 2, "failed", start=-3 * HOUR)
    assert part(viewer, time, "What needs attention") == ""


def test_a_class_that_is_over_says_what_came_of_it_as_today_does(viewer: Client, site: Site) -> None:
    """VCL's rows may be there for a while; what others do on the computers since says nothing of the class."""
    time = class_of(site, 3, "failed", "available", start=-3 * HOUR)
    assert head_of(viewer, time).startswith("Over 2 of 3 machines allocated")
    ClassHeld.objects.create(
        block_time_id=time.pk, block_request_id=time.blockRequest_id, block_name="CS1", start=time.start, end=time.end,
        image_id=site.ubuntu.pk, image_name="Ubuntu", owner="", user_group="", wanted=3, had=3, ready_at_start=2,
    )  # fmt: skip
    said = head_of(viewer, time)
    assert said.startswith("Over 3 of 3 machines allocated 2 of 3 machines ready at the start")
    assert "2 of 3 machines ready at the start" in text(viewer, reverse("admin:today"))
    assert not re.search(r"usable|late|missing|nothing is wrong", said)
    assert seats(viewer, time) == []
    assert 'class="segments"' not in page(viewer, time)


@pytest.mark.parametrize(("values", "label"), [({"skip": 1}, "Skipped"), ({}, "Request requested")])
def test_a_class_that_does_not_take_place_lacks_nothing(
    values: dict[str, int], label: str, viewer: Client, site: Site
) -> None:
    request = site.request("CS1", site.ubuntu, None, 3, status="accepted" if values else "requested")
    time = site.time(request, NOW + HOUR, processed=1, **values)
    assert head_of(viewer, time).startswith(f"{label} 3 machines wanted Updated")


# --- The seats --------------------------------------------------------------------------------------


def test_each_machine_has_a_tile_by_name(viewer: Client, site: Site) -> None:
    time = class_of(site, 14, *["available"] * 10, "failed", "maintenance")
    found = seats(viewer, time)
    assert found[:2] == ["pc-1, loaded", "pc-2, loaded"]
    assert found[8:12] == ["pc-9, loaded", "pc-10, loaded", "pc-11, failed", "pc-12, failed maintenance"]
    assert found[12:] == ["no computer, missing"] * 2
    computer = Computer.objects.get(hostname="pc-1.cs.edu")
    assert f'href="{page_url("computer", computer.pk)}" title="pc-1.cs.edu"' in page(viewer, time)


def test_spares_are_those_that_are_farthest(viewer: Client, site: Site) -> None:
    assert seats(viewer, class_of(site, 2, "failed", "available", "available")) == [
        "pc-1, failed spare", "pc-2, loaded", "pc-3, loaded",
    ]  # fmt: skip


def test_a_computer_of_another_image_is_no_missing_one(viewer: Client, site: Site) -> None:
    """Somebody has changed the image of the series since: what was allocated for the old one is still there."""
    time = cluster(site, 1, 1, 2)
    site.hold(time, site.computer("old.cs.edu", site.windows), image=site.windows)
    assert "lacks" not in part(viewer, time, "Machines")


@pytest.mark.parametrize(
    ("machines", "heads", "nodes", "expected"),
    [
        (2, 2, 4, "Machine 1 head-0 , loaded node-0 , loaded node-1 , loaded Machine 2 head-1 , loaded node-2"),
        (2, 1, 3, "Machine 2 lacks 2 computers node-2 , loaded"),
        (3, 1, 2, "Machine 2 missing Machine 3 missing"),
        (1, 2, 4, "Machine 2 spare head-1"),
    ],
)
def test_a_cluster_has_its_computers_inside(
    viewer: Client, site: Site, machines: int, heads: int, nodes: int, expected: str
) -> None:
    assert expected in part(viewer, cluster(site, machines, heads, nodes), "Machines")


def test_a_cluster_that_lacks_a_computer_has_as_many_missing_in_its_bar(viewer: Client, site: Site) -> None:
    assert "5 loaded 1 missing" in text(viewer, page_url("blocktime", cluster(site, 2, 2, 3).pk))


def test_without_computers_there_are_no_seats(viewer: Client, site: Site) -> None:
    assert part(viewer, class_of(site, 3), "Machines") == ""


# --- The buttons ------------------------------------------------------------------------------------


def test_what_to_do_first_is_primary(root: Client, site: Site) -> None:
    found = buttons(root, class_of(site, 2, "available", "failed"))
    assert list(found)[:3] == ["Put right now", "Dry run", "Roster"]
    assert {title for title, style in found.items() if style == "primary"} == {"Put right now"}
    assert {title for title, style in found.items() if style == "danger"} == {"Release", "Release some", "Skip"}
    assert list(found)[-3:] == ["Release some", "Release", "Skip"]


@pytest.mark.parametrize(
    ("ago", "doubt", "style"),
    [(MINUTE, "", ""), (5 * MINUTE, "", "primary"), (MINUTE, "the clock is wrong", "primary")],
)
def test_put_right_now_comes_first_where_keep_ready_does_not_do_it(
    root: Client, site: Site, ago: timedelta, doubt: str, style: str
) -> None:
    Heartbeat.objects.create(pk=1, at=NOW - ago, host="mn0", milliseconds=1, doubt=doubt)
    found = buttons(root, class_of(site, 2, "available", "failed"))
    assert list(found)[:3] == ["Put right now", "Dry run", "Roster"]
    assert found["Put right now"] == style


def test_what_was_released_on_purpose_is_nothing_to_put_right(root: Client, site: Site) -> None:
    time = class_of(site, 4, "available")
    assert buttons(root, time)["Put right now"] == "primary"
    Decision.objects.create(
        started=NOW - HOUR, action=Decision.RELEASE_SOME, outcome=Decision.DONE, block_time_id=time.pk, duration=1,
        wanted=1, parameters="{}",
    )  # fmt: skip
    assert "primary" not in buttons(root, time).values()
    Computer.objects.update(state=state("failed"))
    assert buttons(root, time)["Put right now"] == "primary"


def test_a_class_without_computers_is_allocated_first(root: Client, site: Site) -> None:
    found = buttons(root, class_of(site, 2))
    assert found["Allocate now"] == "primary"
    assert not found.keys() & {"Put right now", "Stop holding", "Release", "Release some", "Roster"}


def test_what_is_well_or_far_ahead_has_no_primary_button(root: Client, site: Site) -> None:
    assert "primary" not in buttons(root, class_of(site, 1, "available")).values()
    assert "primary" not in buttons(root, site.time(site.request("CS2", site.ubuntu, None, 2), MONDAY)).values()


def test_what_is_over_offers_nothing_to_do(root: Client, site: Site) -> None:
    assert set(buttons(root, class_of(site, 2, "available", "failed", start=-3 * HOUR))) == {"Roster"}
    BlockTime.objects.update(skip=1)
    assert "More actions" not in page(root, BlockTime.objects.get())


def test_who_may_do_nothing_has_the_roster_only(viewer: Client, site: Site) -> None:
    time = class_of(site, 2, "available", "failed")
    assert buttons(viewer, time) == {"Roster": ""}
    assert "More actions" not in page(viewer, time)


# --- History ------------------------------------------------------------------------------------------


def decided(time: BlockTime, minutes: int, **values: Any) -> None:
    usual = {"action": Decision.ALLOCATE, "outcome": "success", "duration": 1, "door": "admin", "person": "anna@Local"}
    Decision.objects.create(**{"block_time_id": time.pk, "started": NOW - minutes * MINUTE, **usual, **values})


def test_the_head_of_a_released_class_says_once_that_it_has_no_computers(root: Client, site: Site) -> None:
    time = site.time(site.request("CS101", site.ubuntu, None, 4), NOW + DAY, processed=1)
    decided(time, 10, action=Decision.RELEASE, outcome=Decision.DONE, block_start=time.start, block_end=time.end)
    found = re.search(r'<p id="readiness"[^>]*>(.*?)</p>', page(root, time), re.DOTALL)
    assert found is not None
    assert plain(found[1]).startswith("released by anna@Local at 11:50")


def test_history_is_sentences_the_latest_first(root: Client, site: Site) -> None:
    time = class_of(site, 20, "available")
    decided(time, 30, door="XMLRPCblockAllocation", person="", caller="vclsystem@Local", address="10.20.9.1",
            wanted=20, allocated=18, text="no further computer passes all rules")  # fmt: skip
    decided(
        time, 20, door="keep_ready", action=Decision.KEEP_READY, person="", caller="system", wanted=20, allocated=20
    )
    decided(time, 10, action=Decision.RELEASE, outcome=Decision.DONE, address="10.1.2.3", text="reason: closed")
    assert part(root, time, "History") == (
        "Wed 25 Nov 11:50 anna@Local released its computers done reason: closed "
        "Through the staff’s pages, from 10.1.2.3 "
        "Wed 25 Nov 11:40 keep_ready looked after it: 20 of 20 machines success "
        "Wed 25 Nov 11:30 vclsystem@Local asked for computers: 18 of 20 machines 2 of 20 machines missing "
        "no further computer passes all rules Through XMLRPCblockAllocation, from 10.20.9.1 All decisions about it"
    )


def test_a_long_history_and_long_texts_are_folded(root: Client, site: Site) -> None:
    time = class_of(site, 1, "available")
    for number in range(8):
        decided(time, number, text="many words " * 40 if number == 0 else "")
    found = page(root, time)
    assert '<details class="fold" id="history-before"><summary>3 earlier</summary>' in found
    (summary,) = re.findall(r'<details class="long"><summary>(.*?)</summary>', found)
    assert len(summary) < 250
    assert summary.endswith(" …")
    assert "many words " * 39 in found


def test_the_table_of_computers_and_vcls_columns_are_folded(viewer: Client, site: Site) -> None:
    found = page(viewer, class_of(site, 1, "available"))
    assert re.search(r'<details class="fold card" id="computers"><summary><h2>Computers \(1\)</h2>', found)
    assert '<details class="fold card" id="inner"><summary><h2>VCL’s columns</h2>' in found


# --- Whom to tell -----------------------------------------------------------------------------------


def owner_of(client: Client, time: BlockTime) -> str:
    """What the page says of the owner, as markup."""
    (found,) = re.findall(r"<dt>Owner</dt><dd>(.*?)</dd>", page(client, time))
    return str(found)


def test_the_owner_has_a_name_and_a_mail_address(viewer: Client, site: Site) -> None:
    time = class_of(site, 1, "available")
    User.objects.filter(pk=time.blockRequest.owner_id).update(
        unityid="eeriksen", firstname="Elena", lastname="Eriksen", email="eeriksen@example.edu"
    )
    said = owner_of(viewer, time)
    assert plain(said).replace(" @", "@") == "Elena Eriksen eeriksen@Local eeriksen@example.edu"
    assert 'href="mailto:eeriksen@example.edu"' in said
    User.objects.update(preferredname="Ella")
    assert plain(owner_of(viewer, time)).startswith("Ella Eriksen ")


@pytest.mark.parametrize("address", ["", "none", "<script>@x"])
def test_what_is_no_mail_address_is_no_link(viewer: Client, site: Site, address: str) -> None:
    time = class_of(site, 1, "available")
    User.objects.filter(pk=time.blockRequest.owner_id).update(
        unityid="eeriksen", firstname="", lastname="", preferredname=None, email=address
    )
    assert plain(owner_of(viewer, time)).replace(" @", "@") == "eeriksen@Local"


def test_signs_in_an_address_stay_a_part_of_it(viewer: Client, site: Site) -> None:
    time = class_of(site, 1, "available")
    User.objects.update(email="a?cc=b&c@example.edu", firstname="<b>", lastname="E")
    said = owner_of(viewer, time)
    assert 'href="mailto:a%3Fcc%3Db%26c@example.edu"' in said
    assert plain(said).startswith("<b> E ")
    assert "<b>" not in said


# --- VCL's notes ------------------------------------------------------------------------------------


def test_a_computer_that_failed_has_the_notes_of_vcl_beside_it(viewer: Client, site: Site) -> None:
    time = class_of(site, 3, "available", "failed", "maintenance")
    Computer.objects.filter(hostname="pc-1.cs.edu").update(notes="of no interest")
    Computer.objects.filter(hostname="pc-2.cs.edu").update(notes="admin 2026-11-25 08:00:00@<b>Power\nsupply</b>")
    found = part(viewer, time, "What needs attention")
    assert "pc-2 is in state failed VCL’s notes: admin 2026-11-25 08:00:00@<b>Power supply</b>" in found
    assert "of no interest" not in found
    assert found.count("VCL’s notes") == 1


def test_of_long_notes_the_beginning_is_shown_and_of_several_computers_their_names(viewer: Client, site: Site) -> None:
    time = class_of(site, 3, "available", "failed", "failed")
    Computer.objects.filter(hostname="pc-2.cs.edu").update(notes="x" * 121)
    Computer.objects.filter(hostname="pc-3.cs.edu").update(notes="y" * 120)
    found = part(viewer, time, "What needs attention")
    assert f"VCL’s notes on pc-2: {'x' * 119}… VCL’s notes on pc-3: {'y' * 120}" in found
    assert "x" * 120 not in found


def test_who_sees_one_affiliation_only_is_shown_no_notes(
    viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VCL names in them who put a computer into maintenance."""
    time = class_of(site, 2, "available", "failed")
    Computer.objects.update(notes="admin 2026-11-25 08:00:00@Power supply")
    affiliation = time.blockRequest.owner.affiliation_id
    assert affiliation is not None
    limit_to(affiliation, monkeypatch)
    assert "pc-2 is in state failed" in part(viewer, time, "What needs attention")
    assert "Power supply" not in page(viewer, time)


# --- When the others are ready ----------------------------------------------------------------------


def to_load(hostname: str, site: Site) -> None:
    """Let the computer have another image, so that it waits for its reload."""
    Computer.objects.filter(hostname=hostname).update(
        currentimage=site.windows, imagerevision=revision(site.windows, 2)
    )


def test_a_class_in_trouble_says_what_is_ready_and_when_the_others_are(viewer: Client, site: Site) -> None:
    time = class_of(site, 4, "available", "available", "available", "failed", start=2 * HOUR)
    for name in ("pc-2.cs.edu", "pc-3.cs.edu"):
        to_load(name, site)
    said = r"1 ready now, 2 more by 1[2-4]:\d\d"
    assert re.search(rf"3 of 4 machines usable, 1 ready {said}; 4 of 4 machines allocated", head_of(viewer, time))
    assert re.search(said, cards(viewer)["CS1"])
    Computer.objects.filter(state=state("failed")).update(state=state("available"))
    assert "ready now" not in head_of(viewer, time)
    assert "all ready by" in cards(viewer)["CS1"]


def test_what_is_ready_after_the_start_is_said_apart(viewer: Client, site: Site) -> None:
    time = class_of(site, 2, "available", "available", start=2 * MINUTE)
    to_load("pc-2.cs.edu", site)
    assert re.search(r"1 ready now, 1 more after the start, by 12:\d\d; 1 machine late", head_of(viewer, time))
    BlockTime.objects.update(start=NOW - MINUTE)
    assert re.search(r"1 ready now, 1 more by 12:\d\d", head_of(viewer, time))


def test_of_a_class_that_has_nothing_to_come_nothing_is_said(viewer: Client, site: Site) -> None:
    time = class_of(site, 3, "available", "failed")
    assert "ready now" not in head_of(viewer, time)
    Computer.objects.update(state=state("failed"))
    assert "ready now" not in head_of(viewer, time)
