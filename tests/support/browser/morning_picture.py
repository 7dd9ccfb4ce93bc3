"""The morning in fast motion as a picture: `python -m tests.support.browser.morning_picture` writes
docs/screenshots/morning.png, which moves, and morning-still.png, its last frame.

The frames are the page of the demo's class as the service makes it while `play_demo_morning` is played: every five
minutes, and whenever a computer of the class has changed. Only a clock is added to the bar, and what a script
would fetch ("What would help") is left out.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch
from urllib.parse import urlsplit

import django
import time_machine
from playwright.sync_api import Browser, Route, ViewportSize

from tests.support.browser.animated_png import Frame, animated, read
from tests.support.browser.chromium import chromium
from tests.support.browser.monday_morning import LOADED, ZONE
from tests.support.servers.live_server import ROOT

if TYPE_CHECKING:
    from django.test import Client

FOLDER = ROOT / "docs" / "screenshots"
MOVING, STILL = FOLDER / "morning.png", FOLDER / "morning-still.png"
WINDOW: ViewportSize = {"width": 1000, "height": 690}
_SHARPNESS = 1.5  # pixels for each of the window's, for screens of today
_EVERY = 5 * 60  # seconds between two frames while nothing happens
_SHOWN, _SHOWN_CHANGED, _SHOWN_LAST = 350, 1200, 5000  # milliseconds
_PLAYS = 3  # then it stands still: what moves without end keeps people from reading
_MOST_BYTES = 1_000_000
_HOST = "http://127.0.0.1"


class Look(NamedTuple):
    """The page at a moment, and whether a computer of the class has changed since the minute before."""

    html: str
    changed: bool


def main() -> None:
    """Play the morning, take the frames, write both pictures."""
    with _demo_site():
        looks = _play()
        with chromium() as browser:
            pictures = _take(browser, [look.html for look in looks])
    durations = [_SHOWN_CHANGED if look.changed else _SHOWN for look in looks[:-1]]
    frames = [Frame(read(png), shown) for png, shown in zip(pictures, [*durations, _SHOWN_LAST], strict=True)]
    moving = animated(frames, _PLAYS)
    if len(moving) > _MOST_BYTES:
        raise SystemExit(f"the picture has {len(moving) // 1000} kB: too many for a page that everybody opens first")
    MOVING.write_bytes(moving)
    STILL.write_bytes(animated(frames[-1:], 1))
    print(f"{MOVING.relative_to(ROOT)}: {len(frames)} frames, {len(moving) // 1000} kB")


@contextmanager
def _demo_site() -> Iterator[None]:
    """A demo site of its own, loaded on a Friday at noon, where the clock is stopped."""
    with tempfile.TemporaryDirectory() as directory:
        database = f"sqlite:///{Path(directory) / 'demo.sqlite3'}"
        ours = {"BLOCKALLOC_DEMO": "1", "BLOCKALLOC_DEMO_DATABASE_URL": database, "VCL_ALLOW_PLAIN_HTTP": "1"}
        settings = {"DJANGO_SETTINGS_MODULE": "vclsite.settings", "VCL_TIME_ZONE": ZONE.key}
        with patch.dict(os.environ, ours | settings):
            django.setup()  # what is imported in functions of this module needs it
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            with time_machine.travel(LOADED, tick=False):
                call_command("load_demo_site", stdout=StringIO())
                yield


def _play() -> list[Look]:
    """The page of the class, at each moment that the picture has."""
    from django.contrib.auth.models import User
    from django.test import Client

    from blockalloc.demo.morning import play

    staff = Client(SERVER_NAME="127.0.0.1")
    looks: list[Look] = []
    states: list[object] = []

    def look(now: int) -> None:
        if not states:
            staff.force_login(User.objects.get(username="demo"))  # whose session is on the copy, too
        state = _states()
        changed = bool(states) and state != states[-1]
        states.append(state)
        if changed or not now % _EVERY:
            looks.append(Look(_for_the_picture(_page(staff), now), changed))

    if not play(print, look):
        raise SystemExit("the class was not complete at its start: this is no picture to show")
    return looks


def _states() -> list[tuple[object, ...]]:
    """The computers of the class with their states."""
    from blockalloc.demo.rows import FIRST_ID
    from blockalloc.models import BlockComputer

    computers = BlockComputer.objects.filter(blockTime=FIRST_ID).order_by("computer")
    return list(computers.values_list("computer", "computer__state__name", "computer__currentimage"))


def _page(staff: "Client") -> str:
    from django.urls import reverse

    from blockalloc.demo.rows import FIRST_ID

    response = staff.get(reverse("admin:blockalloc_blocktime_change", args=[FIRST_ID]))
    if response.status_code != 200:
        raise SystemExit(f"the page of the class has status {response.status_code}")
    return response.content.decode()


def _for_the_picture(html: str, now: int) -> str:
    """The page with the time of day (of Unix seconds) in the bar, as the reader has no clock that runs as fast.

    The section that a script would fill is hidden: scripts do not run.
    """
    clock = f'<strong style="font-size: 20px; margin-right: 16px">{datetime.fromtimestamp(now, ZONE):%H:%M}</strong>'
    account, head = '<div id="user-tools">', "</head>"
    for place in (account, head):
        if html.count(place) != 1:
            raise SystemExit(f"the page has no {place}, where something is put")
    return html.replace(account, account + clock).replace(head, f"<style>#help {{ display: none }}</style>{head}")


def _take(browser: Browser, pages: Sequence[str]) -> list[bytes]:
    """A screenshot of each page. Scripts do not run: what they fetch later would be fetched from nobody."""
    pictures = []
    with browser.new_context(
        viewport=WINDOW, device_scale_factor=_SHARPNESS, java_script_enabled=False, color_scheme="light"
    ) as context:
        page = context.new_page()
        page.route("**/static/**", lambda route: route.fulfill(path=_static(urlsplit(route.request.url).path)))
        for number, html in enumerate(pages):
            address = f"{_HOST}/{number}"
            page.route(address, partial(_answer, html=html))
            page.goto(address)
            pictures.append(page.screenshot(animations="disabled"))
    return pictures


def _answer(route: Route, html: str) -> None:
    route.fulfill(body=html, content_type="text/html; charset=utf-8")


def _static(path: str) -> str:
    from django.contrib.staticfiles import finders

    return str(finders.find(path.removeprefix("/static/")))


if __name__ == "__main__":
    main()
