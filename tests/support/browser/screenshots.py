"""Pictures of the pages: `python -m tests.support.browser.screenshots` writes docs/screenshots/*.png.

They show the demo site on a Monday at 8:40, with the clock stopped: run again, little changes where pages did not.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize

from tests.support.browser.chromium import chromium
from tests.support.browser.monday_morning import MondayMorning
from tests.support.browser.places import PLACES, address
from tests.support.browser.visits import sign_in, value
from tests.support.servers.live_server import ROOT

FOLDER = ROOT / "docs" / "screenshots"
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 800}


@dataclass(frozen=True)
class Picture:
    """A page (its name in PLACES), how much of it from the top, and in which window."""

    place: str
    height: int
    window: ViewportSize
    scheme: Literal["light", "dark"] = "light"


def _desk(place: str, height: int = 800) -> Picture:
    return Picture(place, height, DESK)


PICTURES = {
    "sign-in": _desk("signing in", 460),
    "menu": _desk("menu", 760),
    "today": _desk("today", 600),
    "today-dark": Picture("today", 600, DESK, "dark"),
    "today-phone": Picture("today", 800, PHONE),
    "week": _desk("this week"),
    "timeline": _desk("timeline of a day"),
    "timeline-week": _desk("timeline of a week"),
    "timeline-dark": Picture("timeline of a day", 800, DESK, "dark"),
    "timeline-phone": Picture("timeline of a day", 800, PHONE),
    "block-times": _desk("block times", 700),
    "block-time": _desk("block time that is short", 860),
    "block-time-released": _desk("block time that was released", 700),
    "release": _desk("to release", 700),
    "allocate": _desk("to allocate", 480),
    "put-right": _desk("to put right", 800),
    "dry-run": _desk("dry run", 1000),
    "block-request": _desk("block request", 900),
    "plan-series": _desk("plan of a series", 900),
    "decisions": _desk("decisions", 760),
    "decisions-of-a-computer": _desk("decisions about a computer", 660),
    "decision": _desk("decision, one computer", 1100),
    "computers": _desk("computers", 700),
    "computer": _desk("computer", 900),
    "load-times": _desk("load times", 900),
    "predictions": _desk("predictions", 620),
    "semester": _desk("semester", 900),
    "calendars": _desk("calendars", 700),
    "notifications": _desk("notifications", 560),
    "notification": _desk("notification that waits", 1060),
    "my-notifications": _desk("my notifications", 620),
    "unsubscribe": _desk("unsubscribing", 420),
}
# The mail that waits to be sent, as a mail program shows it.
_MAIL = "SELECT html FROM blockalloc_message WHERE sent IS NULL AND failed IS NULL"
MAILS = {
    "mail": Picture(_MAIL, 800, {"width": 700, "height": 800}),
    "mail-dark": Picture(_MAIL, 800, {"width": 700, "height": 800}, "dark"),
    "mail-phone": Picture(_MAIL, 800, PHONE),
}


def main() -> None:
    """Make all of them."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, chromium() as browser, MondayMorning(Path(place)) as server:
        server.open(people=False)
        for name, picture in PICTURES.items():
            _take(browser, server, picture, FOLDER / f"{name}.png")
        for name, picture in MAILS.items():
            _take_mail(browser, server, picture, FOLDER / f"{name}.png")


def _take(browser: Browser, server: MondayMorning, picture: Picture, path: Path) -> None:
    with browser.new_context(
        viewport={**picture.window, "height": picture.height}, color_scheme=picture.scheme, base_url=server.url
    ) as context:
        page = context.new_page()
        if picture.place != "signing in":
            sign_in(page, server)
        _open(page, server, picture.place)
        page.screenshot(path=path, animations="disabled")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


def _take_mail(browser: Browser, server: MondayMorning, picture: Picture, path: Path) -> None:
    """A mail, for which `picture` has the query in the place of a page."""
    with browser.new_context(viewport=picture.window, color_scheme=picture.scheme) as context:
        page = context.new_page()
        page.set_content(value(server, picture.place))
        page.screenshot(path=path, full_page=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


def _open(page: Page, server: MondayMorning, name: str) -> None:
    if name == "dry run":
        page.goto(address(server, PLACES["to try out"]))
        page.get_by_role("button", name="Dry run").click()
        page.get_by_role("heading", name="What would help").wait_for()
        return
    if name == "menu":
        page.locator("#more > summary").click()  # on Today, to which signing in leads
        return
    page.goto(address(server, PLACES[name]))
    page.wait_for_load_state("networkidle")  # what would help comes after the page


if __name__ == "__main__":
    main()
