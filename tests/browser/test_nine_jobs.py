"""The nine jobs of docs/staff.md ("Nine jobs"), each done from the page after the sign-in, with its clicks counted.

A click is one on a link, a button, a box or an entry of a list; to type and to submit what was typed is another one.
"""

import csv
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import WIDE
from tests.support.browser.monday_morning import EXAM, LAB, STUDIO, MondayMorning
from tests.support.browser.visits import Noise, sign_in, way

pytestmark = pytest.mark.once(on="sqlite")

UBUNTU, FINAL = "Ubuntu 22.04", "CS420 final exam"


@dataclass
class Staff:
    """One of the staff who has just signed in, and the clicks that they have made since."""

    page: Page
    clicks: int = 0

    def click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1

    def link(self, name: str, within: Locator | None = None) -> None:
        self.click((within or self.page).get_by_role("link", name=name, exact=True).first)

    def menu(self, entry: str) -> None:
        for step in way(self.page, entry):
            self.click(step)

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(option)
        self.clicks += 1

    def fill_in(self, button: str, **texts: str) -> None:
        """Type into fields, by their labels, and submit them."""
        for label, text in texts.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)
        self.click(self.page.get_by_role("button", name=button, exact=True))

    def downloaded(self, link: str) -> list[dict[str, str]]:
        with self.page.expect_download() as download:
            self.link(link)
        return list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))

    def card(self, name: str) -> Locator:
        """The class's card on Today."""
        return self.page.get_by_role("article", name=name, exact=True)

    def item(self, text: str) -> Locator:
        """The class in the columns of the week."""
        return self.page.locator("li.block").filter(has_text=text)

    def row(self, text: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=text)


@pytest.fixture(scope="module")
def morning(monday: MondayMorning, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MondayMorning]:
    """That Monday on a database of its own: what is mended here stays at risk for the other tests."""
    with MondayMorning(tmp_path_factory.mktemp("nine-jobs")) as server:
        with sqlite3.connect(monday.database) as theirs, sqlite3.connect(server.database) as ours:
            theirs.backup(ours)
        yield server.start({})


@pytest.fixture
def staff(browser: Browser, morning: MondayMorning) -> Iterator[Staff]:
    noise = Noise(morning)
    with browser.new_context(viewport=WIDE, base_url=morning.url) as context:
        context.set_default_timeout(8_000)
        page = context.new_page()
        noise.listen(page)
        sign_in(page, morning)
        the_heading(page, "Today, Monday 30 Nov")
        yield Staff(page)
    assert noise.heard == []


def the_heading(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_the_computers_of_mondays_class(staff: Staff) -> None:
    staff.link(LAB)
    expect(staff.page.get_by_role("region", name="Machines")).to_contain_text(re.compile(r"cs-57.*failed"))
    assert staff.clicks == 1


def test_the_computers_of_a_class_of_another_day(staff: Staff) -> None:
    staff.menu("This week")
    staff.link("CS101 tutorial", staff.page.get_by_role("listitem").filter(has_text="14:00"))
    the_heading(staff.page, "CS101 tutorial, Thu 3 Dec 14:00–15:30")
    expect(staff.page.get_by_role("region", name="Machines").get_by_role("link", name="cs-")).not_to_have_count(0)
    assert staff.clicks == 2


def test_why_it_has_only_18_of_20_and_what_helps(staff: Staff) -> None:
    staff.link(LAB)
    expect(staff.page.locator("ol.offers")).to_contain_text(f"{EXAM} holds 50 computers")
    staff.link("Why not more?")
    expect(staff.page.get_by_text("Excluded computers that are booked")).to_contain_text(
        re.compile(rf"49 for {EXAM} \(block time \d+\)")
    )
    assert staff.clicks == 2


def test_next_weeks_conflict(staff: Staff) -> None:
    expect(staff.page.get_by_role("region", name="What is foreseen")).to_contain_text(
        "Ubuntu 22.04: 70 wanted, 67 usable"
    )
    assert staff.clicks == 0
    staff.link("Mon 7 Dec 09:00")
    expect(staff.item(FINAL)).to_contain_text(f"47 of 50 machines foreseen: {LAB} has 20 of the computers")
    assert staff.clicks == 1


def test_who_released_a_class(staff: Staff) -> None:
    staff.menu("This week")
    expect(staff.item(STUDIO).filter(has_text="13:00").first).to_contain_text("released by demo at 08:20")
    assert staff.clicks == 1
    staff.menu("Decisions")
    expect(staff.row("release").filter(has_text=STUDIO)).to_contain_text(re.compile(r"Tue 1 Dec 13:00.*demo"))


def test_a_series_of_20_dates_is_planned(staff: Staff) -> None:
    staff.menu("Plan a series")
    expect(staff.page.get_by_label("Mon", exact=True)).to_be_checked()  # as the first day is a Monday
    staff.fill_in("Check the dates", Image=UBUNTU, Machines="40", From="09:00", To="11:00", Weeks="20")
    result = staff.page.get_by_role("region", name=f"{UBUNTU}, 40 machines")
    expect(result).to_contain_text("19 of 20 dates possible")
    expect(result.get_by_role("listitem").first).to_contain_text(f"collides with {FINAL} and {LAB}")
    assert staff.clicks == 2


def test_what_an_image_was_used_for(staff: Staff) -> None:
    staff.menu("Semester")
    staff.link("Image")
    staff.link(UBUNTU)
    expect(staff.row("October 2026").first).to_contain_text("%")
    months = staff.downloaded("Export as CSV")
    assert staff.clicks == 4
    assert {"June 2026", "October 2026"} <= {row["month"] for row in months}


def test_what_a_series_used(staff: Staff) -> None:
    staff.menu("Semester")
    staff.link(LAB)
    classes = staff.downloaded("Export each class")
    assert staff.clicks == 3
    assert {row["class"] for row in classes} == {LAB}


def test_a_calendar_is_made_and_revoked(staff: Staff) -> None:
    page = staff.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    staff.menu("Calendars")
    staff.choose("Classes", "CS101@Local")
    staff.fill_in("Create", Name="Lab desk")
    staff.click(staff.row("Lab desk").get_by_role("button", name="Copy the address of Lab desk"))
    assert staff.clicks == 5
    expect(staff.row("Lab desk").get_by_role("button")).to_have_text("Copied")
    address = page.evaluate("navigator.clipboard.readText()")
    assert f"SUMMARY:{LAB}" in page.request.get(address).text()
    staff.click(staff.row("Lab desk").get_by_role("link", name="Revoke"))
    staff.click(page.get_by_role("button", name="Revoke"))
    expect(page.get_by_text("The address “Lab desk” was revoked: it no longer works.")).to_be_visible()
    assert page.request.get(address).status == 404
    assert staff.clicks == 7


def test_mails_come_without_a_click_and_are_chosen_with_four(staff: Staff) -> None:
    staff.menu("My notifications")
    events = staff.page.locator("fieldset").filter(has_text="Tell me when").get_by_role("checkbox")
    expect(events).to_have_count(7)
    for event in events.all():
        expect(event).to_be_checked()
    staff.click(staff.page.get_by_label("A daily summary"))
    staff.fill_in("Save")
    expect(staff.page.get_by_text("From now on you get what you chose.")).to_be_visible()
    assert staff.clicks == 4


def test_what_is_at_risk_is_mended_with_two_clicks(staff: Staff) -> None:
    """It comes last: then it is mended."""
    expect(staff.card(LAB)).to_contain_text("At risk")
    staff.link(f"Release 3 from {EXAM}", staff.card(LAB).locator(".offer").filter(has_text=EXAM))
    staff.fill_in("Release some", **{"Why?": "nobody uses them"})
    the_heading(staff.page, f"{LAB}, Mon 30 Nov 09:00–11:00")
    expect(staff.page.locator(".hero")).to_contain_text("20 of 20 machines usable")
    assert staff.clicks == 2
    staff.menu("Today")
    expect(staff.card(LAB)).not_to_contain_text("At risk")
