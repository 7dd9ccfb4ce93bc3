"""What would help, on pages: words, links, who sees which of them."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.allocation import block_time_actions
from blockalloc.models import BlockRequest, BlockTime, Heartbeat
from tests.golden import tables
from tests.support.scoped import limit_to
from tests.support.sites.accounts import make_user
from tests.support.sites.back_end_stage import IMAGE, MINUTE
from tests.support.sites.kept_forecast import forecast_run, foresee
from tests.support.sites.morning import BACK_END, END
from tests.support.sites.still_morning import CLASS, FAILED_STATE, MAINTENANCE, StillMorning, still_morning

pytestmark = [pytest.mark.django_db(transaction=True)]

EXAM = 40
HELP = reverse("admin:what_would_help", args=[CLASS])
PAGE = reverse("admin:blockalloc_blocktime_change", args=[CLASS])
VCL = "https://vcl.example.edu/vcl/index.php"
SignIn = Callable[..., Client]


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """Two of the four computers of a class have failed; an exam that nobody uses has 14 to 16, and 17 is free."""
    with still_morning("13:00") as stage:
        stage.block_time(EXAM, stage.now - 40 * MINUTE, END, name="CS420 <exam>", numMachines=3)
        stage.add_block_computers(EXAM, 14, 15, 16)
        for computer in (14, 15, 16):
            stage.set(computer, currentimageid=IMAGE, imagerevisionid=IMAGE)
        stage.allocate()
        for computer in (10, 11):
            stage.set(computer, stateid=MAINTENANCE)
        yield stage


@pytest.fixture
def sign_in(client: Client) -> SignIn:
    """Sign in as one of the staff with these permissions besides that to look."""

    def signed_in(*codenames: str) -> Client:
        user = StaffUser.objects.create_user("wanda", is_staff=True)
        names = ["view_blocktime", *(f"{name}_blocktime" for name in codenames)]
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        client.force_login(user)
        return client

    return signed_in


def offers(client: Client, address: str = HELP) -> list[str]:
    """The offers of a page, as text."""
    page = client.get(address).content.decode()
    found = re.findall(r"<li>(.*?)</li>", page.partition('<ol class="offers">')[2].partition("</ol>")[0], re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", each)).split()) for each in found]


def links(client: Client, address: str = HELP) -> list[str]:
    page = client.get(address).content.decode()
    return [html.unescape(each) for each in re.findall(r'class="button small[^"]*" href="([^"]+)"', page)]


def test_they_are_ranked_and_say_what_they_bring(site: StillMorning, sign_in: SignIn) -> None:
    found = offers(sign_in("put_right", "release"))
    assert found[0].startswith("+")
    assert "Put right now" in found[0]
    assert [each for each in found if "back in service" in each]
    (idle,) = (each for each in found if "CS420" in each)
    words = "CS420 <exam> holds 3 computers, none in use 40 min after its start"
    assert re.search(rf"\+(\d) {words}: release \1 Release \1 from CS420 <exam>$", idle)


def test_computers_out_of_service_come_after_the_buttons_with_their_states(site: StillMorning, sign_in: SignIn) -> None:
    for computer in (12, 13, 17):
        site.set(computer, stateid=FAILED_STATE if computer == 12 else MAINTENANCE)
    found = offers(sign_in("put_right", "release"))
    (place,) = (number for number, each in enumerate(found) if "back in service" in each)
    assert "Release" in found[place - 1]
    assert re.search(r"put c12 \(failed\), c10 , c11 and c13 \(maintenance\) back in service", found[place])


def styles(client: Client, address: str) -> list[str]:
    """The styles of the buttons of offers, the first one first."""
    return re.findall(r'class="button small ?([^"]*)"', client.get(address).content.decode())


@pytest.mark.parametrize("part", ["row", "all"])
def test_the_first_button_is_primary_unless_the_page_that_asks_has_one(
    part: str, site: StillMorning, sign_in: SignIn
) -> None:
    for computer in (10, 11):
        site.set(computer, stateid=FAILED_STATE)
    site.send("DELETE FROM blockComputers WHERE blockTimeid = %s AND computerid IN (10, 11)", CLASS)
    client = sign_in("release")
    assert styles(client, f"{HELP}?part={part}") == ["primary danger"]
    assert styles(client, f"{HELP}?part={part}&plain=1") == ["danger"]


def test_a_page_on_which_put_right_now_comes_first_asks_for_plain_offers(site: StillMorning, sign_in: SignIn) -> None:
    """Once keep_ready is at work, which does the same every minute, the first offer is the primary button."""
    client = sign_in("put_right", "release")
    for address in (PAGE, reverse("admin:today")):
        page = client.get(address).content.decode()
        assert re.search(r'<a [^>]*class="button primary"[^>]*>Put right now</a>', page)
        assert re.search(r" data-help[^ >]* data-plain>", page)
    Heartbeat.objects.create(pk=1, at=datetime.fromtimestamp(site.now, UTC), host="mn0", milliseconds=1)
    for address in (PAGE, reverse("admin:today")):
        page = client.get(address).content.decode()
        assert re.search(r'<a [^>]*class="button"[^>]*>Put right now</a>', page)
        assert 'class="button primary"' not in page
        assert "data-plain" not in page


def test_the_buttons_lead_to_the_actions(site: StillMorning, sign_in: SignIn, settings: Settings) -> None:
    settings.VCL_FRONT_END_URL = VCL
    client = sign_in("put_right", "release")
    found = links(client)
    assert reverse("admin:blocktime_action", args=[CLASS, "put-right"]) in found
    assert f"{VCL}?mode=computer" in found
    (some,) = (each for each in found if "release-some" in each)
    assert some.startswith(f"{reverse('admin:blocktime_action', args=[EXAM, 'release-some'])}?choose=1")
    page = client.get(some).content.decode()
    assert page.count(" checked>") == len(some.partition("=")[2].split(","))
    boxes = re.findall(r'<input type="checkbox"[^>]*>', page)
    assert " checked" in boxes[0], "what is ticked is in view"


def test_what_is_released_for_a_class_puts_it_right(site: StillMorning, sign_in: SignIn) -> None:
    client = sign_in("put_right", "release")
    (some,) = (each for each in links(client) if "release-some" in each)
    page = client.get(some).content.decode()
    assert f'Then <a href="{PAGE}">' in page
    assert "is put right</strong>: it could then have 4 of 4 machines." in page
    assert "None of its 3 computers is in use 40 min after its start." in page
    others = client.post(some, {"computer": ["14", "15", "16"]}).content.decode()
    assert "is put right</strong>: it takes the machines that it lacks." in others, "no plan was made for these"
    chosen = re.findall(r'name="computer" value="(\d+)"[^>]* checked>', page)
    answer = client.post(some, {"reason": "nobody came", "computer": chosen}, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert [level.level_tag for level in answer.context["messages"]] == ["success", "success"]
    assert "; 4 of 4 machines." in answer.content.decode()
    assert {int(each) for each in chosen} < {*computers_of(site)}


@pytest.fixture
def days_ahead(site: StillMorning) -> BlockTime:
    """The class begins in days, and nobody has asked for its computers yet."""
    site.send("DELETE FROM blockComputers WHERE blockTimeid = %s", CLASS)
    site.send("DELETE FROM reservation WHERE computerid BETWEEN 10 AND 13")
    row, days = BlockTime.objects.get(pk=CLASS), timedelta(days=4)
    BlockTime.objects.filter(pk=CLASS).update(processed=0, start=row.start + days, end=row.end + days)
    made = datetime.fromtimestamp(site.now, UTC)
    forecast_run(made=made, checked=made, until=made + timedelta(days=28))
    return BlockTime.objects.get(pk=CLASS)


def test_no_offer_brings_more_than_will_be_missing(days_ahead: BlockTime, sign_in: SignIn) -> None:
    """Of a class for which nobody has asked yet, that is what the forecast sees it lack."""
    client = sign_in("put_right")
    assert offers(client)[0].startswith("+4 take 4 computers that are free now, ahead of its turn")
    assert "0 of 4 machines are usable now." in client.get(HELP).content.decode()
    foresee(days_ahead, 3)
    assert offers(client)[0].startswith("+1 take 4 computers that are free now, ahead of its turn")
    assert "3 of 4 machines are foreseen." in client.get(HELP).content.decode()
    assert '<strong class="gain">+1</strong>' in client.get(f"{HELP}?part=row").content.decode()


def test_a_class_that_will_have_all_needs_no_offer(days_ahead: BlockTime, sign_in: SignIn) -> None:
    client = sign_in("put_right")
    foresee(days_ahead, 4)
    page = client.get(HELP).content.decode()
    assert offers(client) == []
    assert "Nothing needs to be done. 4 of 4 machines are foreseen." in page
    assert "No machine will be missing." in client.get(f"{HELP}?part=all").content.decode()


def test_what_was_released_is_offered_whatever_is_foreseen(days_ahead: BlockTime, sign_in: SignIn) -> None:
    block_time_actions.release_block_time(CLASS, BACK_END)
    foresee(days_ahead, 0, wanted=0)
    assert offers(sign_in("allocate"))[0] == "+4 allocate again what was released Allocate now"


def test_who_may_not_put_right_releases_only(site: StillMorning, sign_in: SignIn) -> None:
    client = sign_in("release")
    (some,) = (each for each in links(client) if "release-some" in each)
    assert "Then <a" not in client.get(some).content.decode()
    before = computers_of(site)
    answer = client.post(some, {"reason": "nobody came", "computer": "14"}, follow=True)
    assert answer.redirect_chain == [(reverse("admin:blockalloc_blocktime_change", args=[EXAM]), 302)]
    assert computers_of(site) == before


def computers_of(site: StillMorning) -> list[int]:
    return [id_ for (id_,) in site.send("SELECT computerid FROM blockComputers WHERE blockTimeid = %s", CLASS)]


def test_without_permission_or_address_there_are_words_only(site: StillMorning, sign_in: SignIn) -> None:
    client = sign_in()
    assert links(client) == []
    assert len(offers(client)) >= 3


def test_the_exam_of_another_affiliation_has_neither_name_nor_link(
    site: StillMorning, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_user("odette", "NCSU")
    BlockRequest.objects.filter(pk=10).update(owner=owner)
    assert owner.affiliation_id is not None
    client = sign_in("put_right", "release")
    limit_to(owner.affiliation_id, monkeypatch)
    page = client.get(HELP).content.decode()
    assert "a class of another affiliation holds 3 computers" in page
    assert "CS420" not in page
    assert not [each for each in links(client) if "release-some" in each]
    assert client.get(reverse("admin:what_would_help", args=[EXAM])).status_code == 404


def test_the_page_of_the_class_leads_to_them(site: StillMorning, sign_in: SignIn) -> None:
    """A script puts them into the page: plans take their time."""
    client = sign_in("put_right", "release")
    page = client.get(PAGE).content.decode()
    assert f'<a href="{HELP}" data-help="all" data-plain>What would help</a>' in page
    assert "blockalloc/help.js" in page
    part = client.get(f"{HELP}?part=all").content.decode()
    assert "<html" not in part
    assert offers(client, f"{HELP}?part=all") == offers(client)
    assert HELP not in client.get(reverse("admin:blockalloc_blocktime_change", args=[EXAM])).content.decode()


def test_a_dry_run_has_them(site: StillMorning, sign_in: SignIn) -> None:
    client = sign_in("put_right", "release", "dry_run")
    page = client.post(reverse("admin:blocktime_action", args=[CLASS, "dry-run"])).content.decode()
    assert "back in service" in page.partition('<ol class="offers">')[2]
    assert "CS420 &lt;exam&gt;" in page


def test_today_asks_for_the_first_two_of_them(site: StillMorning, sign_in: SignIn) -> None:
    client = sign_in("put_right")
    today = client.get(reverse("admin:today")).content.decode()
    assert f'<a class="button" href="{HELP}" data-help data-plain>What would help</a>' in today
    line = client.get(f"{HELP}?part=row").content.decode()
    assert line.count('<li class="offer">') == 2
    assert "<html" not in line
    assert "Put right now" in line


def test_nothing_is_changed(site: StillMorning, sign_in: SignIn) -> None:
    client = sign_in("put_right", "release")
    before = tables.read()
    client.get(HELP)
    client.get(PAGE)
    assert tables.read() == before


def test_a_class_that_needs_nothing_or_is_over(site: StillMorning, sign_in: SignIn) -> None:
    client = sign_in()
    assert (
        "Nothing needs to be done. 3 of 3 machines are usable now."
        in client.get(reverse("admin:what_would_help", args=[EXAM])).content.decode()
    )
    site.go("17:00")
    assert "The class is over or will not take place." in client.get(HELP).content.decode()


def test_the_statements_are_as_many_for_many_computers(sign_in: SignIn) -> None:
    counts = []
    client = sign_in()
    for computers in (8, 40):
        with still_morning("13:00", computers=computers) as stage:
            for computer in range(12, 10 + computers):
                stage.set(computer, stateid=MAINTENANCE)
            stage.allocate()
            client.get(HELP)  # what a process remembers for some minutes is read once
            with CaptureQueriesContext(connection) as queries:
                client.get(HELP)
            counts.append(len(queries))
    assert counts[0] == counts[1]
