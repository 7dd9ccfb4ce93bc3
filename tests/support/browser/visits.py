"""How the tests visit a page, and what they record of the console and the network."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import axe_playwright_python
from playwright.sync_api import ConsoleMessage, Page, Request, Response, ViewportSize

from tests.support.browser.monday_morning import MondayMorning

PHONE: ViewportSize = {"width": 390, "height": 844}
TABLET: ViewportSize = {"width": 768, "height": 1024}
DESK: ViewportSize = {"width": 1440, "height": 900}


class Visitor(Protocol):
    """Opens a page of someone who has signed in, by name; without one, of the demo site's superuser."""

    def __call__(self, name: str = ..., /) -> Page:
        """The page, still empty."""


# axe leaves out the rule about the size of targets (24 px; links in sentences are exempt) unless it is asked for.
ALL_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "rules": {"heading-order": {"enabled": True}, "target-size": {"enabled": True}},
}
# What depends on colours and on the width of the window.
RULES_OF_LOOKS = {"runOnly": ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]}
# `preload` would fetch style sheets again, from wrong places, which would count as noise.
_OPTIONS = {"resultTypes": ["violations"], "preload": False}
# Django's script makes these icons, on its pages for accounts and groups: their text is for the mouse only, and says
# what the field's own description says too.
_NOT_OURS = [("aria-prohibited-attr", ".help-tooltip")]
_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# Colours that change would be in between for a while.
_AT_ONCE = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { transition: none !important; }");
    document.adoptedStyleSheets = [sheet];
}"""


@dataclass
class Noise:
    """What went wrong behind the pages: errors and warnings of the console, requests that failed or left this machine.

    An `expected` status of a page itself (403, 404) is no error.
    """

    server: MondayMorning
    expected: int = 200
    heard: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Record everything that happens on the page from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.heard.append(f"script: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        the_page = f"status of {self.expected}" in message.text and "/static/" not in message.location.get("url", "")
        if message.type in ("error", "warning") and not the_page:
            self.heard.append(f"console: {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.server.url}/", "data:")):
            self.heard.append(f"request to {urlsplit(request.url).netloc}: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a download, or the next page was faster
            self.heard.append(f"failed: {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not (
            response.status == self.expected and response.request.is_navigation_request()
        ):
            self.heard.append(f"{response.status}: {response.url}")


def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """The rules of WCAG 2.2 AA that the page breaks as it is shown now, each with the element that breaks it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AT_ONCE)
        page.evaluate(_AXE)
    broken = page.evaluate("async (options) => (await axe.run(options)).violations", {**_OPTIONS, **rules})
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in broken
        for node in rule["nodes"]
        if not any(rule["id"] == id_ and place in str(node["target"]) for id_, place in _NOT_OURS)
    ]


def sign_in(page: Page, server: MondayMorning, name: str = "demo") -> None:
    """Sign in from the server's root, which redirects to the form."""
    page.goto(f"{server.url}/")
    page.get_by_label("Name (VCL: name or name@affiliation)").fill(name)
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    page.locator("#account").wait_for()


def menu(page: Page, entry: str) -> None:
    """Follow a link of the menu."""
    page.get_by_role("navigation", name="Staff pages").get_by_role("link", name=entry, exact=True).click()


def value(server: MondayMorning, sql: str, *parameters: object) -> Any:
    """The first value that a query gives."""
    with sqlite3.connect(server.database) as database:
        return database.execute(sql, parameters).fetchone()[0]
