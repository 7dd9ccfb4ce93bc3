"""Every page: nothing goes wrong behind it, everybody can read and use it, on a phone as on a desk."""

from typing import NamedTuple

import pytest
from playwright.sync_api import Page

from tests.test_browser.conftest import PHONE, Visitor
from tests.test_browser.site import DEMO, EVENING, EXAM, LAB, SIGNALS, STUDIO, VIEWER, MondayMorning
from tests.test_browser.visits import Noise, value, violations


class Place(NamedTuple):
    """A page: its address below /admin/, the query that finds the key in it, who looks, the answer."""

    address: str
    key: str = ""
    who: str = DEMO
    status: int = 200


def time_of(name: str) -> str:
    """The query for the first block time of a name."""
    return f"SELECT t.id FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid WHERE r.name = '{name}' ORDER BY t.start"


def decision(action: str, name: str) -> str:
    """The query for the latest decision of a kind about a block."""
    return f"SELECT id FROM blockalloc_decision WHERE action = '{action}' AND block_name = '{name}' ORDER BY id DESC"


def request(name: str) -> str:
    """The query for the block request of a name."""
    return f"SELECT id FROM blockRequest WHERE name = '{name}'"


COMPUTER = "SELECT id FROM computer WHERE hostname = 'cs-22.example.edu'"
LOADING = "SELECT id FROM computer WHERE stateid = (SELECT id FROM state WHERE name = 'reloading')"
IMAGE = "SELECT id FROM image WHERE prettyname = 'Ubuntu 22.04'"
NEVER_LOADED = "SELECT id FROM image WHERE prettyname = 'Windows Server 2016 (VMware)'"
RELOAD = "SELECT reloadrequestid FROM blockComputers WHERE reloadrequestid > 0"
TO_DO = "blockalloc/blocktime/{}/do"

PLACES = {
    "signing in": Place("login/", who=""),
    "first page": Place(""),
    "first page of who may look": Place("", who=VIEWER),
    "today": Place("today/"),
    "this week": Place("week/"),
    "timeline of a day": Place("timeline/"),
    "timeline of a week": Place("timeline/?zoom=week&busy=1"),
    "timeline without computers": Place("timeline/?group=999999"),
    "calendars": Place("feeds/"),
    "block times": Place("blockalloc/blocktime/"),
    "block times, none": Place("blockalloc/blocktime/?q=nothing"),
    "block time that is short": Place("blockalloc/blocktime/{}/change/", time_of(LAB)),
    "block time that was released": Place("blockalloc/blocktime/{}/change/", time_of(STUDIO)),
    "block time that is on": Place("blockalloc/blocktime/{}/change/", time_of(EXAM), who=VIEWER),
    "block requests": Place("blockalloc/blockrequest/"),
    "block request": Place("blockalloc/blockrequest/{}/change/", request(SIGNALS)),
    "decisions": Place("blockalloc/decision/"),
    "decisions about a computer": Place("blockalloc/decision/?computer=cs-22"),
    "decision": Place("blockalloc/decision/{}/change/", decision("allocate", LAB)),
    "decision, one computer": Place("blockalloc/decision/{}/change/?computer=cs-22", decision("allocate", LAB)),
    "release": Place("blockalloc/decision/{}/change/", decision("release", STUDIO)),
    "computers": Place("blockalloc/computer/"),
    "computer": Place("blockalloc/computer/{}/change/", COMPUTER),
    "computer that loads": Place("blockalloc/computer/{}/change/", LOADING),
    "images": Place("blockalloc/image/"),
    "image": Place("blockalloc/image/{}/change/", IMAGE),
    "load times": Place("blockalloc/image/{}/load-times/", IMAGE),
    "load times of none": Place("blockalloc/image/{}/load-times/", NEVER_LOADED),
    "reloads": Place("blockalloc/request/"),
    "reload": Place("blockalloc/request/{}/change/", RELOAD),
    "to allocate": Place(f"{TO_DO}/allocate/", time_of(LAB)),
    "to try out": Place(f"{TO_DO}/dry-run/", time_of(LAB)),
    "to release": Place(f"{TO_DO}/release/", time_of(LAB)),
    "to skip": Place(f"{TO_DO}/skip/", time_of(EVENING)),
    "accounts": Place("auth/user/"),
    "account": Place("auth/user/{}/change/", "SELECT id FROM auth_user WHERE username = 'viewer'"),
    "new account": Place("auth/user/add/"),
    "groups": Place("auth/group/"),
    "new group": Place("auth/group/add/"),
    "own password": Place("password_change/"),
    "not there": Place("blockalloc/nothing/", status=404),
    "not allowed": Place("auth/user/", who=VIEWER, status=403),
}

# Each element that the Tab key reaches must look another way while it has the focus. Run after a Tab: what a script
# focuses then counts as reached by the keyboard.
_WITHOUT_FOCUS = """() => {
    const look = (element) => {
        const parts = [element, ...element.querySelectorAll("rect, text")];
        return JSON.stringify(parts.map((part) => {
            const style = getComputedStyle(part);
            return [style.outlineStyle !== "none" && style.outlineWidth, style.boxShadow, style.borderColor,
                style.backgroundColor, style.strokeWidth];
        }));
    };
    const reached = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
        .filter((element) => element.tabIndex >= 0 && !element.disabled && element.type !== "hidden" &&
            element.checkVisibility({ visibilityProperty: true }))
        .slice(0, 150);
    return reached.filter((element) => {
        document.activeElement.blur();
        const before = look(element);
        element.focus();
        return document.activeElement !== element || look(element) === before;
    }).map((element) => element.outerHTML.slice(0, 120));
}"""
_TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.right > innerWidth + 1 && !element.closest(".wide, .timeline, .scroll, .results");
}).slice(0, 5).map((element) => element.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_page_is_in_order(place: Place, visitor: Visitor, monday: MondayMorning, noise: Noise) -> None:
    noise.expected = place.status
    page = visitor(place.who)
    key = value(monday, place.key) if place.key else ""
    answer = page.goto(f"/admin/{place.address.format(key)}")
    assert answer is not None
    assert answer.status == place.status
    check(page, PHONE)


def test_the_result_of_a_dry_run_is_in_order(visitor: Visitor, monday: MondayMorning) -> None:
    page = visitor()
    page.goto(f"/admin/{TO_DO.format(value(monday, time_of(LAB)))}/dry-run/")
    page.get_by_role("button", name="Dry run").click()
    page.get_by_role("heading", name="What would help").wait_for()
    check(page, PHONE)


def check(page: Page, phone: dict[str, int]) -> None:
    """The page that is shown: wide and light, then narrow and dark."""
    assert page.get_by_role("heading", level=1).count() == 1
    assert fits(page)
    assert violations(page) == []
    page.keyboard.press("Tab")
    assert page.evaluate(_WITHOUT_FOCUS) == []
    page.set_viewport_size(phone)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="dark")
    assert fits(page), page.evaluate(_TOO_WIDE)
    assert violations(page) == []
    for seen in [*page.get_by_role("heading").all(), *page.get_by_role("button").all()]:
        if seen.is_visible():
            box = seen.bounding_box()
            assert box is not None
            assert box["x"] >= 0, seen


def fits(page: Page) -> bool:
    """Whether the page is no wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
