"""What staff come for, done as they do it: by what is to be read on the pages, with the mouse and with the keyboard."""

import csv
import re
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.monday_morning import ENGINEER, EVENING, EXAM, LAB, SIGNALS, TUTORIAL, VIEWER, MondayMorning
from tests.support.browser.places import time_of
from tests.support.browser.visits import Noise, Visitor, menu, sign_in, value

pytestmark = pytest.mark.once(on="sqlite")

COMPUTER_OF = """SELECT c.hostname FROM computer c JOIN blockComputers h ON h.computerid = c.id
JOIN blockTimes t ON t.id = h.blockTimeid JOIN blockRequest r ON r.id = t.blockRequestid WHERE r.name = ?"""
HELD_BY_THE_EXAM = re.compile(rf"held by {EXAM} \(block time \d+\) from Mon 30 Nov 07:\d\d to 10:30")


def the_heading(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


# --- From the sign-in to the record -------------------------------------------------------------


def test_from_the_sign_in_to_the_record(stranger: Page, monday: MondayMorning) -> None:
    page = stranger
    sign_in(page, monday)

    menu(page, "Today")
    expect(page).to_have_title(re.compile(r"^\(1\) Today, Monday 30 Nov"))
    card = page.get_by_role("article", name=LAB)
    expect(card).to_contain_text(re.compile(r"At risk.*starts in 20 min.*17 of 20 usable", re.DOTALL))
    expect(card).to_contain_text("3 of 20 machines missing (1 of them with a failed computer)")
    card.get_by_role("link", name=LAB).click()
    the_heading(page, f"{LAB}, Mon 30 Nov 09:00–11:00")
    expect(page.locator(".hero")).to_contain_text("17 of 20 machines usable, 6 ready")

    page.get_by_role("link", name="Why not more?").click()
    computer = value(monday, COMPUTER_OF, EXAM)
    page.get_by_label("Name of the computer").fill(computer.partition(".")[0])
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".verdict")).to_contain_text(HELD_BY_THE_EXAM)

    menu(page, "Classes")
    page.get_by_role("link", name=TUTORIAL).first.click()
    page.get_by_text("More actions").click()
    page.get_by_role("link", name="Release", exact=True).click()
    page.get_by_label("Why?").fill("the room is closed")
    the_heading(page, f"Release: {TUTORIAL}")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("omputers released: 8, reloads removed: 8")).not_to_have_count(0)
    done = page.get_by_role("region", name="History").get_by_role("listitem").first
    expect(done).to_contain_text(re.compile(r"Mon 30 Nov 08:40 demo released its computers done"))
    expect(done).to_contain_text("Through the staff’s pages, from 127.0.0.1")

    menu(page, "Decisions")
    last = page.locator("#result_list tbody tr").first
    expect(last).to_contain_text(re.compile(rf"{TUTORIAL}.*release.*done.*demo"))
    last.get_by_role("link").first.click()
    the_heading(page, f"Release: {TUTORIAL} of Thu 3 Dec 14:00, called Mon 30 Nov 08:40")


def test_the_same_with_the_keyboard_alone(stranger: Page, monday: MondayMorning) -> None:
    page = stranger
    page.goto(f"{monday.url}/")
    page.keyboard.type("demo")  # the field has the focus
    tab_to(page, "Password")
    page.keyboard.type("demo")
    page.keyboard.press("Enter")
    the_heading(page, "Today, Monday 30 Nov")

    enter(page, LAB)
    the_heading(page, f"{LAB}, Mon 30 Nov 09:00–11:00")
    enter(page, "Why not more?")
    the_heading(page, re.compile(f"Allocate: {LAB}"))
    tab_to(page, "Name of the computer")
    page.keyboard.type(value(monday, COMPUTER_OF, EXAM))
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_contain_text(HELD_BY_THE_EXAM)

    enter(page, "Today")
    the_heading(page, "Today, Monday 30 Nov")
    enter(page, EVENING)
    the_heading(page, re.compile(f"{EVENING}, Mon 30 Nov 18:00–"))
    enter(page, "More actions")
    enter(page, "Release")
    the_heading(page, f"Release: {EVENING}")
    tab_to(page, "Why?")
    page.keyboard.type("the room is closed")
    enter(page, "Release")
    expect(page.get_by_text("omputers released: 6, reloads removed: 6")).not_to_have_count(0)
    enter(page, "Decisions")
    the_heading(page, "Decisions")
    expect(page.locator("#result_list tbody tr").first).to_contain_text(re.compile(f"{EVENING}.*release.*done.*demo"))


def test_what_is_at_risk_is_two_clicks_from_being_mended(stranger: Page, monday: MondayMorning) -> None:
    """From the sign-in: Today says what would help, a click leads to where it is done, another one does it."""
    page = stranger
    sign_in(page, monday)
    the_heading(page, "Today, Monday 30 Nov")
    card = page.get_by_role("article", name=LAB)
    expect(card).to_contain_text("+3 put cs-07 and cs-31 (failed), lib-05 (maintenance) back in service")
    offer = card.locator(".offer").filter(has_text=EXAM)
    expect(offer).to_contain_text(re.compile(r"\+3 .* holds 50 computers, .* 40 min after its start: release 3"))
    offer.get_by_role("link", name=f"Release 3 from {EXAM}").click()
    the_heading(page, f"Release some: {EXAM}")
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(3)
    expect(page.get_by_role("button", name="Release some")).to_be_enabled()


def test_a_roster_is_copied(visitor: Visitor, monday: MondayMorning) -> None:
    page = visitor()
    page.goto(f"/admin/blockalloc/blocktime/{value(monday, *time_of(EXAM))}/roster/")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("50 lines copied|The table is selected"))


# What the element that has the focus is called, and whether one sees that it has it.
_FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element);
    const name = element.labels?.length ? element.labels[0].textContent : element.value || element.textContent;
    return [name.replace(/:\\s*$/, "").trim(), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0];
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of that name has the focus; everything on the way shows that it has."""
    for _ in range(150):
        page.keyboard.press("Tab")
        found, seen = page.evaluate(_FOCUSED)
        assert seen, f"one does not see that {found!r} has the focus"
        if found == name:
            return
    pytest.fail(f"the Tab key does not reach {name!r}")


def enter(page: Page, name: str) -> None:
    """Go to something by Tab and press Enter."""
    tab_to(page, name)
    page.keyboard.press("Enter")


# --- Who may do and see what --------------------------------------------------------------------


def test_who_may_not_act_is_offered_nothing(visitor: Visitor, monday: MondayMorning, noise: Noise) -> None:
    page = visitor(VIEWER)
    page.goto("/admin/")
    menu(page, "Today")
    page.get_by_role("link", name=LAB).click()
    the_heading(page, f"{LAB}, Mon 30 Nov 09:00–11:00")
    for action in ("Allocate now", "Dry run", "Put right now", "Release", "Release some", "Skip", "Stop holding"):
        expect(page.get_by_role("link", name=action, exact=True)).to_have_count(0)
    noise.expected = 403
    for action in (
        "allocate",
        "dry-run",
        "put-right",
        "release",
        "release-some",
        "skip",
        "unskip",
        "stop-holding",
        "hold-again",
    ):
        answer = page.goto(f"/admin/blockalloc/blocktime/{value(monday, *time_of(LAB))}/do/{action}/")
        assert answer is not None
        assert answer.status == 403


def test_an_account_of_vcl_sees_the_blocks_of_its_affiliation(
    stranger: Page, monday: MondayMorning, noise: Noise
) -> None:
    page = stranger
    sign_in(page, monday, ENGINEER)
    page.locator("#account > summary").click()
    expect(page.get_by_text(f"Signed in as {ENGINEER}, classes of Engineering only.")).to_be_visible()
    menu(page, "Today")
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_role("article", name=SIGNALS)).to_be_visible()
    menu(page, "Series")
    expect(page.locator("#result_list tbody th")).to_have_text([re.compile("^ENG240")] * 2)
    menu(page, "Decisions")
    expect(page.locator("#result_list tbody tr")).to_have_count(3)
    assert LAB not in page.content()
    menu(page, "Timeline")
    expect(page.get_by_role("link", name=re.compile(SIGNALS)).first).to_be_visible()
    assert "CS101" not in page.content()
    noise.expected = 404
    answer = page.goto(f"{monday.url}/admin/blockalloc/blocktime/{value(monday, *time_of(LAB))}/change/")
    assert answer is not None
    assert answer.status == 404


# --- Single pages -------------------------------------------------------------------------------


def test_a_dry_run_tells_what_is_missing_and_what_would_help(visitor: Visitor) -> None:
    page = visitor()
    page.goto("/admin/today/")
    page.get_by_role("link", name=LAB).click()
    page.get_by_role("link", name="Dry run").click()
    page.get_by_role("button", name="Dry run").click()
    expect(
        page.get_by_text("“Allocate now” would change nothing. The class would still have 17 of 20 machines")
    ).to_be_visible()
    expect(page.get_by_text("Nothing was changed.")).to_be_visible()
    funnel = page.get_by_role("region", name="From all computers to those of the class")
    steps = funnel.locator(".step")
    expect(steps.first).to_contain_text(re.compile(r"120\s*at the site"))
    expect(steps.last).to_contain_text(re.compile(r"18\s*free of other classes\s*49 excluded"))
    expect(funnel.get_by_text("Mon 30 Nov 07:").first).to_be_hidden()
    steps.last.locator("summary").click()
    expect(funnel.get_by_text("Mon 30 Nov 07:").first).to_be_visible()
    expect(page.get_by_text("all 20 could be allocated for the same length of time")).to_be_visible()
    expect(page.get_by_role("region", name="In the way")).to_contain_text(EXAM)
    page.get_by_role("link", name="The record of this dry run").click()
    the_heading(page, f"Dry run: {LAB} of Mon 30 Nov 09:00, called Mon 30 Nov 08:40")


@pytest.mark.parametrize("zoom", ["06–22", "24 hours", "Week"])
def test_a_bar_of_the_timeline_leads_to_its_block_time(visitor: Visitor, zoom: str) -> None:
    page = visitor()
    page.goto("/admin/")
    menu(page, "Timeline")
    page.get_by_role("link", name=zoom, exact=True).click()
    timeline = page.get_by_role("region", name="Timeline")
    bar = timeline.get_by_role("link", name=re.compile(f"^{SIGNALS}, Mon 30 Nov")).first
    bar.locator("rect").first.click()  # its text may be beside it
    the_heading(page, f"{SIGNALS}, Mon 30 Nov 09:30–11:30")


def test_the_timeline_shows_the_computers_of_a_class(visitor: Visitor) -> None:
    page = visitor()
    page.goto("/admin/timeline/")
    expect(page.get_by_role("region", name="Timeline").get_by_text("Overlaps:").first).to_be_visible()
    row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=SIGNALS, exact=True))
    row.get_by_role("link", name="14 computers , show each").click()
    expect(row.get_by_role("listitem")).to_have_count(14)
    row.get_by_role("listitem").first.get_by_role("link").first.click()
    the_heading(page, re.compile("^eng-"))


def test_now_is_in_view_on_a_phone(visitor: Visitor) -> None:
    page = visitor()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/admin/timeline/")
    for now in page.locator("line.now").all():
        box = now.bounding_box()
        assert box is not None
        assert 0 < box["x"] < 390
    assert page.evaluate("scrollX + document.querySelector('.timeline').scrollLeft") == 0
    assert page.get_by_role("region", name="Timeline").get_by_role("listitem").first.bounding_box()["y"] < 500  # type: ignore[index]


def test_decisions_about_a_computer(visitor: Visitor, monday: MondayMorning) -> None:
    page = visitor()
    page.goto("/admin/")
    menu(page, "Decisions")
    computer = value(monday, COMPUTER_OF, EXAM)
    box = page.get_by_role("textbox", name="computer")
    box.fill(computer)
    box.press("Enter")
    rows = page.locator("#result_list tbody tr")
    expect(rows.filter(has_text=LAB).filter(has_text="vclsystem@Local")).to_contain_text(HELD_BY_THE_EXAM)
    of_the_exam = rows.filter(has=page.locator(".field-class_").filter(has_text=EXAM))
    expect(of_the_exam).to_contain_text("chosen")


def test_lists_are_downloaded_as_csv(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor()
    page.goto("/admin/blockalloc/decision/?q=midterm")
    decisions = downloaded(page, "Export as CSV", tmp_path / "decisions.csv")
    assert [(row["action"], row["block_name"]) for row in decisions] == [("allocate", EXAM)]
    page.locator("#result_list tbody tr").get_by_role("link").first.click()
    computers = downloaded(page, "All computers as CSV", tmp_path / "computers.csv")
    assert len(computers) == 120
    assert "chosen" in {row["finding"] for row in computers}


def downloaded(page: Page, link: str, path: Path) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    download.value.save_as(path)
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_today_keeps_itself_up_to_date_and_says_when_it_cannot(
    stranger: Page, monday: MondayMorning, noise: Noise
) -> None:
    page = stranger
    sign_in(page, monday)
    page.clock.install()
    page.goto("/admin/today/")
    row = page.get_by_role("article", name=EXAM)
    expect(row).to_contain_text("Ready")
    computer = value(monday, COMPUTER_OF, EXAM)
    set_state(monday, computer, "failed")
    page.clock.run_for(31_000)
    expect(row).to_contain_text("At risk")
    expect(page.locator("#changes")).to_contain_text(f"{EXAM}, 08:00–10:30: At risk")
    set_state(monday, computer, "available")
    page.clock.run_for(31_000)
    expect(row).to_contain_text("Ready")

    expect(page.get_by_role("alert")).to_have_count(0)
    page.context.set_offline(True)
    page.clock.run_for(31_000)
    expect(page.get_by_role("alert")).to_have_text(
        "This page is out of date: it shows 08:40:00, and the server cannot be reached. Trying again every 30 s."
    )
    page.context.set_offline(False)
    assert all("ERR_INTERNET_DISCONNECTED" in each for each in noise.heard), noise.heard
    noise.heard.clear()
    page.clock.run_for(31_000)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_page_of_a_class_keeps_itself_up_to_date(stranger: Page, monday: MondayMorning) -> None:
    """What one has opened stays open, and the seat that has the focus keeps it."""
    page = stranger
    sign_in(page, monday)
    page.clock.install()
    page.goto("/admin/today/")
    page.get_by_role("link", name=EXAM).first.click()
    expect(page).to_have_title(re.compile(f"^{EXAM}, Mon 30 Nov 08:00–10:30"))
    page.get_by_text("VCL’s columns").click()
    computer = value(monday, COMPUTER_OF, EXAM)
    seat = page.get_by_role("link", name=f"{computer.partition('.')[0]}, ")
    seat.focus()
    set_state(monday, computer, "failed")
    page.clock.run_for(31_000)
    expect(seat).to_contain_text("failed")
    expect(seat).to_be_focused()
    expect(page.locator("#inner")).to_have_attribute("open", "")
    expect(page).to_have_title(re.compile(f"^At risk: {EXAM}"))
    expect(page.locator("#changes")).to_contain_text(f"{EXAM}: At risk")
    expect(page.get_by_role("region", name="What needs attention")).to_contain_text("is in state failed")
    set_state(monday, computer, "available")
    page.clock.run_for(31_000)
    expect(seat).to_contain_text("loaded")


def set_state(monday: MondayMorning, computer: str, state: str) -> None:
    """Let a computer be in a state, as a back end would write it."""
    with sqlite3.connect(monday.database) as database:
        database.execute(
            "UPDATE computer SET stateid = (SELECT id FROM state WHERE name = ?) WHERE hostname = ?", [state, computer]
        )


# --- A calendar for somebody ----------------------------------------------------------------------


def test_an_address_is_made_copied_and_revoked(stranger: Page, monday: MondayMorning) -> None:
    page = stranger
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, monday)
    menu(page, "Calendars")
    page.get_by_label("Name", exact=True).fill("Berta")
    page.get_by_label("Classes", exact=True).select_option("CS101@Local")
    page.get_by_role("button", name="Create").click()
    line = page.get_by_role("row").filter(has_text="Berta")
    line.get_by_role("button", name="Copy the address of Berta").click()
    expect(line.get_by_role("button")).to_have_text("Copied")
    address = page.evaluate("navigator.clipboard.readText()")
    assert address.startswith(f"{monday.url}/feeds/")
    expect(line.get_by_role("link", name=address, exact=True)).to_be_visible()
    assert line.get_by_role("link", name="Subscribe to Berta").get_attribute("href") == address.replace(
        "http", "webcal"
    )
    assert "SUMMARY:CS101" in page.request.get(address).text()

    page.get_by_label("Address", exact=True).fill(address)
    page.get_by_role("button", name="Find it").click()
    the_heading(page, "Revoke the calendar address “Berta”")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The address “Berta” was revoked: it no longer works.")).to_be_visible()
    assert page.request.get(address).status == 404


def test_what_last_semester_used_by_series_and_by_month(visitor: Visitor, monday: MondayMorning) -> None:
    page = visitor()
    page.goto(monday.url)
    menu(page, "Semester")
    page.get_by_role("link", name=SIGNALS).click()
    expect(page.get_by_text(f"Only classes of series {SIGNALS}")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="October 2026")).to_contain_text("%")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export each class").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert {row["class"] for row in rows} == {SIGNALS}
    assert 40 < len(rows) < 60
