"""What staff do about a class that would not be ready: "Put right now", "Allocate now", "Stop holding"."""

import html
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.test import Client
from django.urls import reverse

from blockalloc.allocation import block_time_actions, service
from blockalloc.contract.messages import FillCall
from blockalloc.models import BlockTime, Decision, Heartbeat, Watch
from blockalloc.site_time import site_zone
from blockalloc.store.claims import UPKEEP_HOLD
from tests.golden import tables
from tests.support.scoped import limit_to
from tests.support.sites.back_end_stage import C0, C1, C2, HOUR, MINUTE, OTHER_IMAGE, OTHER_NODE, at
from tests.support.sites.morning import BACK_END, END, START, Morning, morning

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]

# For tests of what pages say, on the same rows; many of them play a morning.
words = pytest.mark.once(on="sqlite")

MAINTENANCE, CLASS, LATE_CLASS = 10, 10, 20
SEVERAL, TODAY = reverse("admin:put_right"), reverse("admin:today")
LIST = reverse("admin:blockalloc_blocktime_changelist", query={"day": "all"})


def site_of(computers: int) -> Iterator[Morning]:
    with morning(computers=computers) as stage:
        stage.send("UPDATE computer SET currentimageid = %s, imagerevisionid = %s", OTHER_IMAGE, OTHER_IMAGE)
        stage.keeps = False
        yield stage


@pytest.fixture
def site() -> Iterator[Morning]:
    """Eight computers, of which the class wants four; keep_ready does not run."""
    yield from site_of(8)


@pytest.fixture
def full_site() -> Iterator[Morning]:
    """No more computers than the class wants."""
    yield from site_of(4)


@pytest.fixture
def wanda(client: Client) -> Client:
    """One of the staff who may do all."""
    user = StaffUser.objects.create_user("wanda", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="blockalloc"))
    client.force_login(user)
    return client


def as_text(response: object) -> str:
    """What a page says, as one reads it."""
    body = getattr(response, "content").decode()  # noqa: B009 - the type of responses of the test client is no public one
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def action(name: str, block_time: int = CLASS) -> str:
    return reverse("admin:blocktime_action", args=[block_time, name])


def asked(client: Client, name: str, block_time: int = CLASS) -> str:
    """What the page says on which the action is confirmed."""
    response = client.get(action(name, block_time))
    assert response.status_code == 200
    return as_text(response)


def buttons(client: Client, address: str = "") -> list[str]:
    """The buttons of the page on which "Put right now" is confirmed."""
    body = client.get(address or action("put-right")).content.decode()
    return re.findall(r">([^<]*)</(?:button|a)>", body.partition('<div class="buttons')[2].partition("</div>")[0])


def done(client: Client, name: str, block_time: int = CLASS, **form: str) -> str:
    """What the page says after the action was confirmed."""
    response = client.post(action(name, block_time), form, follow=True)
    assert response.status_code == 200
    return as_text(response)


def page_of_class(client: Client, block_time: int = CLASS) -> str:
    return as_text(client.get(reverse("admin:blockalloc_blocktime_change", args=[block_time])))


def last_record() -> Decision:
    return Decision.objects.order_by("-pk")[0]


def name(computer: int) -> str:
    return f"c{computer}"


# --- Put right now ------------------------------------------------------------------------------


def test_a_computer_in_maintenance_is_exchanged(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    site.set(C1, stateid=MAINTENANCE)
    before = tables.read()
    text = asked(wanda, "put-right")
    assert "dry run: nothing has been changed yet" in text
    assert "would then have 4 of 4 machines" in text
    assert f"{name(C1)} give up it is in state maintenance" in text
    new = f"{name(C0 + 4)} take its load begins at"
    assert new in text
    assert buttons(wanda) == ["Put right now", "Cancel"]
    assert "Its other computers stay as they are: 3 expected in time." in text
    assert tables.read() == before
    assert Decision.objects.count() == 1

    what = f"iven up: {name(C1)} (it is in state maintenance); taken: {name(C0 + 4)}"
    assert f"G{what}; 4 of 4 machines." in done(wanda, "put-right")
    assert site.block_computers(CLASS) == [C0, C2, C0 + 3, C0 + 4]
    record = last_record()
    assert (record.action, record.person, record.door, record.outcome) == ("keep ready", "wanda", "admin", "success")
    assert (record.had, record.allocated, record.wanted) == (3, 4, 4)
    assert f"g{what}" in page_of_class(wanda)
    assert "1 computer exchanged" in page_of_class(wanda)
    assert "Nothing has to be done. 4 of 4 machines are usable." in asked(wanda, "put-right")


@words
def test_what_cannot_be_exchanged_stays_as_the_best_hope(full_site: Morning, wanda: Client) -> None:
    full_site.until("09:00", since="07:55")
    full_site.set(C1, stateid=MAINTENANCE)
    text = asked(wanda, "put-right")
    assert "Nothing would change: the class would still have 3 of 4 machines ." in text
    assert "Why not more no further computer passes all rules" in text
    assert "dry run" not in text
    assert buttons(wanda) == ["Back to the class"]
    assert ". What would help" in text
    assert f"{name(C1)} keep: no other computer could be allocated it is in state maintenance" in text
    assert "3 of 4 machines; no further computer passes all rules" in done(wanda, "put-right")
    assert full_site.block_computers(CLASS) == [C0, C1, C2, C0 + 3]
    assert (last_record().had, last_record().allocated, last_record().action) == (3, 3, "keep ready")
    page = page_of_class(wanda)
    assert f"{name(C1)} is in state maintenance: 3 of 4 machines are usable" in page


def test_a_computer_that_lost_its_reload_is_loaded_again(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    reload = site.send("SELECT reloadrequestid FROM blockComputers WHERE computerid = %s", C2)[0][0]
    site.send("DELETE FROM reservation WHERE requestid = %s", reload)
    site.send("DELETE FROM request WHERE id = %s", reload)
    why = "it does not hold the image, and nothing will load it"
    assert re.search(rf"{name(C2)} load again, its load begins at 13:\d\d {why}", asked(wanda, "put-right"))
    assert f"Loaded again: {name(C2)} ({why}); 4 of 4 machines." in done(wanda, "put-right")
    assert "1 loaded again" in page_of_class(wanda)
    site.until("14:00")
    assert site.ready() == 4


def test_one_that_cannot_be_loaded_again_does_not_count(full_site: Morning, wanda: Client) -> None:
    full_site.until("09:00", since="07:55")
    reload = full_site.send("SELECT reloadrequestid FROM blockComputers WHERE computerid = %s", C2)[0][0]
    full_site.send("UPDATE reservation SET managementnodeid = %s WHERE requestid = %s", OTHER_NODE, reload)
    full_site.send("DELETE FROM request WHERE id = %s", reload)
    full_site.send("UPDATE managementnode SET lastcheckin = '2026-03-02 12:00:00'")
    text = asked(wanda, "put-right")
    why = "it cannot be loaded again: no management node that may load it has checked in lately"
    assert "Nothing would change: the class would still have 3 of 4 machines ." in text
    assert f"{name(C2)} keep: no other computer could be allocated {why}" in text
    assert "The class has 3 of 4 machines now." in done(wanda, "allocate")
    assert (last_record().allocated, last_record().wanted) == (3, 4)
    assert f"no other computer for: {name(C2)} ({why})" in last_record().text


def test_what_others_have_reserved_is_said_without_names(
    site: Morning, wanda: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.until("09:00", since="07:55")
    request = site.user(C2, start=START + 5 * MINUTE, end=END)
    site.send("UPDATE request SET userid = 1 WHERE id = %s", request)
    unityid = site.send("SELECT unityid FROM user WHERE id = 1")[0][0]
    affiliation = BlockTime.objects.get(pk=CLASS).blockRequest.owner.affiliation_id
    assert affiliation is not None
    limit_to(affiliation, monkeypatch)
    for text in (asked(wanda, "put-right"), as_text(wanda.get(SEVERAL))):
        assert f"somebody (request {request}) has reserved it from Mon 2 Mar 14:05 to 16:00" in text
        assert unityid not in text
    limit_to(affiliation + 1, monkeypatch)
    assert wanda.get(action("put-right")).status_code == 404
    assert f"request {request}" not in as_text(wanda.get(SEVERAL))
    wanda.post(SEVERAL, {"block_time": [CLASS]})
    assert C2 in site.block_computers(CLASS)


@words
def test_a_user_who_stays_is_waited_for(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    request = site.use(C2, START - 3 * HOUR, START, image=OTHER_IMAGE)
    text = asked(wanda, "put-right")
    assert "Nothing has to be done" in text
    assert f"{name(C2)} nothing yet" in text
    assert f"(request {request}) has reserved it" in text
    site.until("13:39")
    assert re.search(rf"{name(C2)} give up \S+@\S+ \(request {request}\) has reserved it", asked(wanda, "put-right"))
    done(wanda, "put-right")
    assert C2 not in site.block_computers(CLASS)


def test_a_class_that_the_back_end_never_asked_for_is_filled(site: Morning, wanda: Client) -> None:
    site.down = True
    site.until("08:30", since="07:55")
    assert "would then have 4 of 4 machines" in asked(wanda, "put-right")
    assert "Taken: c10, c11 and 2 more; 4 of 4 machines." in done(wanda, "put-right")
    assert len(site.block_computers(CLASS)) == 4


@words
def test_fewer_that_were_asked_for_stay_fewer(site: Morning, wanda: Client) -> None:
    service.allocate(FillCall(CLASS, True, machines=3), BACK_END)
    site.down = True
    site.until("09:00", since="08:00")
    assert "Nothing has to be done. 3 of 4 machines are usable; the last call asked for 3." in asked(wanda, "put-right")
    site.set(C0, stateid=MAINTENANCE)
    done(wanda, "put-right")
    assert site.block_computers(CLASS) == [C1, C2, C0 + 3]
    assert "only 3 asked for" in page_of_class(wanda)


def test_released_stays_released_until_somebody_allocates(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    block_time_actions.release_block_time(CLASS, BACK_END)
    assert "Its computers were released" in asked(wanda, "put-right")
    assert buttons(wanda) == ["Back to the class"]
    assert "Its computers were released" in done(wanda, "put-right")
    assert site.block_computers(CLASS) == []
    assert "The class has 4 of 4 machines now." in done(wanda, "allocate")


@words
def test_in_the_second_half_of_a_class_it_is_too_late(site: Morning, wanda: Client) -> None:
    site.until("15:10", since="07:55")
    site.set(C1, stateid=MAINTENANCE)
    text = asked(wanda, "put-right")
    assert "would be ready after the middle of the class. 3 of 4 machines are usable." in text
    assert f"{name(C1)} nothing it is in state maintenance" in text
    assert "would be ready after the middle of the class" in done(wanda, "put-right")
    assert C1 in site.block_computers(CLASS)


@words
def test_a_class_that_does_not_take_place_is_not_offered_it(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    BlockTime.objects.filter(pk=CLASS).update(skip=1)
    assert (
        action("put-right")
        not in wanda.get(reverse("admin:blockalloc_blocktime_change", args=[CLASS])).content.decode()
    )
    assert "The class does not take place: it is skipped." in asked(wanda, "put-right")


def test_a_refusal_is_on_record(site: Morning, wanda: Client) -> None:
    """Between the confirmation page and the claim somebody has changed the series."""
    site.until("09:00", since="07:55")
    site.set(C1, stateid=MAINTENANCE)
    site.send("UPDATE computer SET imagerevisionid = 9 WHERE id = %s", C0)
    site.send("UPDATE image SET deleted = 1 WHERE id = 10")
    before = site.block_computers(CLASS)
    assert "Nothing was done: image" in done(wanda, "put-right")
    assert (last_record().action, last_record().outcome) == ("keep ready", "refused")
    assert site.block_computers(CLASS) == before


# --- Allocate now, and its dry run --------------------------------------------------------------


def test_allocate_exchanges_failed_computers(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    site.set(C1, stateid=MAINTENANCE)
    text = done(wanda, "dry-run")
    assert "would give the class 4 of 4 machines" in text
    assert "1 computer of the class would not be ready" in text
    assert f"{name(C1)} give up it is in state maintenance" in text
    assert "1 computer not expected to be ready in time" in text
    assert C1 in site.block_computers(CLASS)

    text = done(wanda, "allocate")
    what = f"iven up: {name(C1)} (it is in state maintenance); taken: {name(C0 + 4)}"
    assert f"The class has 4 of 4 machines now. G{what}." in text
    assert site.block_computers(CLASS) == [C0, C2, C0 + 3, C0 + 4]
    record = last_record()
    assert (record.action, record.had, record.allocated, record.text) == ("allocate", 3, 4, f"g{what}")


def test_allocate_never_counts_a_failed_computer(full_site: Morning, wanda: Client) -> None:
    full_site.until("09:00", since="07:55")
    full_site.set(C1, stateid=MAINTENANCE)
    text = done(wanda, "dry-run")
    assert "“Allocate now” would change nothing. The class would still have 3 of 4 machines" in text
    assert f"{name(C1)} keep: no other computer could be allocated" in text
    text = done(wanda, "allocate")
    number, why = "The class has 3 of 4 machines now", f"No other computer for: {name(C1)} (it is in state maintenance)"
    assert f"{number}. {why}. Why not more: no further computer passes all rules" in text
    assert (last_record().had, last_record().allocated) == (3, 3)
    decision = reverse("admin:blockalloc_decision_change", args=[last_record().pk])
    assert "4 computers already in the class" in as_text(wanda.get(decision))


@words
def test_allocate_in_the_second_half_does_not_count_it_either(full_site: Morning, wanda: Client) -> None:
    full_site.until("15:10", since="07:55")
    full_site.set(C1, stateid=MAINTENANCE)
    assert "The class has 3 of 4 machines now." in done(wanda, "allocate")


def test_allocate_of_a_complete_class_changes_nothing(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    before = site.block_computers(CLASS)
    assert "The class has 4 of 4 machines now." in done(wanda, "allocate")
    assert site.block_computers(CLASS) == before
    assert last_record().text == ""


@words
def test_ten_minutes_before_the_start_it_has_what_could_still_be_had(site: Morning, wanda: Client) -> None:
    site.down = True
    site.until("13:50", since="07:55")
    assert "Warning 13: possibly insufficient time" in done(wanda, "allocate")
    site.until("14:12")
    assert site.ready() == 4


# --- Words --------------------------------------------------------------------------------------


@words
def test_what_keep_ready_could_not_do_explains_the_class(full_site: Morning, wanda: Client) -> None:
    full_site.keeps = True
    full_site.until("09:00", since="07:55")
    full_site.send("DELETE FROM blockComputers WHERE computerid = %s", C1)
    full_site.set(C1, stateid=MAINTENANCE)
    full_site.until("09:01")
    why = "looked at again by keep_ready at 09:01, only 3 of 4 could be allocated (no further computer passes all rules"
    assert f"1 of 4 machines missing: {why}" in page_of_class(wanda)
    assert "Why not more?" in page_of_class(wanda)


def test_a_computer_that_was_given_up_does_not_count_as_taken_away(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    site.set(C1, stateid=MAINTENANCE)
    done(wanda, "put-right")
    site.send("DELETE FROM blockComputers WHERE computerid = %s", C2)
    text = page_of_class(wanda)
    assert f"{name(C2)} was taken away since" in text
    assert f"{name(C1)} was taken away" not in text


def test_the_decision_says_what_was_given_up(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    site.set(C1, stateid=MAINTENANCE)
    done(wanda, "put-right")
    address = reverse("admin:blockalloc_decision_change", args=[last_record().pk])
    text = as_text(wanda.get(f"{address}?computer={name(C1)}"))
    assert f"{name(C1)} : given up: it is in state maintenance" in text
    assert "1 computer not expected to be ready in time" in text
    assert "8 at the site 7 expected to be ready in time 1 excluded" in text  # the funnel
    csv = wanda.get(reverse("admin:decision_csv", args=[last_record().pk])).getvalue().decode()
    assert f"{name(C1)},given up: it is in state maintenance" in csv


@words
@pytest.mark.parametrize(
    ("word", "in_words"), [("keep ready", "put right (keep ready)"), ("holding", "stop or set holds")]
)
def test_decisions_can_be_filtered_by_it(word: str, in_words: str, site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    site.set(C1, stateid=MAINTENANCE)
    done(wanda, "put-right")
    done(wanda, "stop-holding")
    address = reverse("admin:blockalloc_decision_changelist", query={"action": word})
    body = wanda.get(address).content.decode()
    assert re.findall(r'<td class="field-what[^>]*>([^<]*)', body) == [in_words]
    assert in_words.capitalize() in as_text(wanda.get(address))


# --- Holds --------------------------------------------------------------------------------------


def holds(site: Morning) -> int:
    """How many holds of keep_ready there are."""
    sql = "SELECT COUNT(*) FROM semaphore WHERE procid LIKE %s"
    return int(site.send(sql, f"{UPKEEP_HOLD}%")[0][0])


@words
def test_holds_are_stopped_and_set_again(site: Morning, wanda: Client) -> None:
    site.keeps = True
    site.until("13:35", since="07:55")
    assert holds(site) > 0
    assert "it holds c1" in page_of_class(wanda)
    assert "Held now: c1" in asked(wanda, "stop-holding")
    assert "hold-again" not in wanda.get(page_address()).content.decode()
    assert "Its computers are no longer held while they load." in done(wanda, "stop-holding")
    assert holds(site) == 0
    assert (last_record().action, last_record().person) == ("holding", "wanda")
    text = page_of_class(wanda)
    assert "its computers are not held while they load: stopped by wanda at 13:35" in text
    assert action("stop-holding") not in wanda.get(page_address()).content.decode()
    site.until("13:37")
    assert holds(site) == 0

    assert "Its computers are held again while they load." in done(wanda, "hold-again")
    site.until("13:38")
    assert holds(site) > 0
    assert "stopped by" not in page_of_class(wanda).partition("History")[0]


def page_address() -> str:
    return reverse("admin:blockalloc_blocktime_change", args=[CLASS])


@words
def test_stopped_holds_say_nothing_about_computers_that_are_missing(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    done(wanda, "stop-holding")
    site.send("DELETE FROM blockComputers WHERE computerid = %s", C1)
    assert f"1 of 4 machines missing: {name(C1)} was taken away since" in page_of_class(wanda)


# --- The heartbeat ------------------------------------------------------------------------------


@words
@pytest.mark.parametrize(
    ("clock", "doubt", "level", "text"),
    [
        ("08:59:40", "", "quiet", "keep_ready looked 20 s ago."),
        ("08:48", "", "signal bad", "keep_ready has not looked for 12 min."),
        (
            "08:59:40",
            "the clock is off",
            "signal bad",
            "keep_ready looked 20 s ago and changes nothing: the clock is off.",
        ),
        (None, "", "signal watch", "keep_ready has never run: nobody puts right what goes wrong before a class."),
    ],
)
def test_when_keep_ready_looked_last(
    clock: str | None, doubt: str, level: str, text: str, site: Morning, wanda: Client
) -> None:
    site.until("09:00", since="07:55")
    Heartbeat.objects.all().delete()
    if clock:
        moment = datetime.fromtimestamp(at(clock), site_zone())
        Heartbeat.objects.create(pk=1, at=moment, host="mgmt", milliseconds=5, doubt=doubt)
    body = wanda.get(TODAY).content.decode()
    assert f'<span class="{level}">{text}' in body
    words = text.rstrip(".")
    assert (words in page_of_class(wanda)) == bool(clock)


# --- Lists --------------------------------------------------------------------------------------


def two_classes(site: Morning) -> None:
    """Two classes at the same hours; a computer of each is in maintenance."""
    site.block_time(LATE_CLASS, START, END)
    site.until("09:00", since="07:55")
    for block_time in (CLASS, LATE_CLASS):
        site.set(site.block_computers(block_time)[0], stateid=MAINTENANCE)


def broken(site: Morning, block_time: int) -> bool:
    sql = """SELECT COUNT(*) FROM blockComputers b JOIN computer c ON c.id = b.computerid
    WHERE b.blockTimeid = %s AND c.stateid = %s"""
    return bool(site.send(sql, block_time, MAINTENANCE)[0][0])


def test_several_are_put_right_from_one_page(site: Morning, wanda: Client) -> None:
    two_classes(site)
    body = wanda.get(SEVERAL).content.decode()
    assert re.findall(r'name="block_time" value="(\d+)" checked', body) == [str(CLASS), str(LATE_CLASS)]
    assert body.count("it is in state maintenance") == 2
    response = wanda.post(SEVERAL, {"block_time": [LATE_CLASS, "x", "9" * 30]}, follow=True)
    assert "Block 20, 2026-03-02 14:00–16:00: given up: " in as_text(response)
    assert (broken(site, CLASS), broken(site, LATE_CLASS)) == (True, False)
    assert re.findall(r'name="block_time" value="(\d+)" checked', wanda.get(SEVERAL).content.decode()) == [str(CLASS)]
    assert buttons(wanda, SEVERAL) == ["Put right now", "Cancel"]
    wanda.post(SEVERAL, {"block_time": [CLASS]})
    assert "Nothing has to be done for the classes" in as_text(wanda.get(SEVERAL))


@words
def test_several_for_which_nothing_would_change_have_no_button_to_do_it(full_site: Morning, wanda: Client) -> None:
    full_site.until("09:00", since="07:55")
    full_site.set(C1, stateid=MAINTENANCE)
    text = as_text(wanda.get(SEVERAL))
    assert "1 class in the next hours would not be ready as things stand. Nothing can be put right for it" in text
    assert buttons(wanda, SEVERAL) == ["Back to Today"]
    assert 'name="block_time"' not in wanda.get(SEVERAL).content.decode()


def test_a_class_that_the_back_end_is_about_to_ask_for_is_left_to_it(site: Morning, wanda: Client) -> None:
    site.down = True
    site.until("08:01", since="07:55")
    assert site.block_computers(CLASS) == []
    assert "Nothing has to be done for" in as_text(wanda.get(SEVERAL))
    site.until("08:10")
    assert "would then have 4 of 4 machines" in as_text(wanda.get(SEVERAL))


@words
def test_the_page_for_several_has_its_permission(site: Morning, client: Client) -> None:
    two_classes(site)
    user = StaffUser.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    assert client.get(SEVERAL).status_code == 403
    assert client.post(SEVERAL, {"block_time": [CLASS]}).status_code == 403
    assert broken(site, CLASS)
    for page in (TODAY, LIST, page_address()):
        assert "Put right now" not in client.get(page).content.decode()


@words
def test_lists_lead_to_it(site: Morning, wanda: Client) -> None:
    two_classes(site)
    assert wanda.get(TODAY).content.decode().count(action("put-right")) == 1
    body = wanda.get(LIST).content.decode()
    assert SEVERAL in body
    assert action("put-right") in body
    site.until("14:00")
    wanda.post(SEVERAL, {"block_time": [CLASS, LATE_CLASS]})
    site.until("14:20")
    assert action("put-right") not in wanda.get(LIST).content.decode()


def test_what_is_remembered_of_a_class_is_not_needed(site: Morning, wanda: Client) -> None:
    site.until("09:00", since="07:55")
    assert not Watch.objects.exists()
    assert 'id="upkeep"' not in wanda.get(page_address()).content.decode()


# --- An image that fails to load ----------------------------------------------------------------


@words
def test_an_image_that_fails_to_load_is_named_and_goes_on_when_staff_say_so(site: Morning, wanda: Client) -> None:
    site.keeps = True
    site.failing = {C0 + number: 1 for number in range(8)}
    site.until("14:05", since="07:55")
    assert site.ready() == 0
    assert "held back by keep_ready at " in page_of_class(wanda)
    text = asked(wanda, "put-right")
    assert "The class would then have" in text
    assert buttons(wanda)[0] == "Put right now"
    done(wanda, "put-right")
    site.failing = {}
    site.until("14:30")
    assert site.ready() > 0
