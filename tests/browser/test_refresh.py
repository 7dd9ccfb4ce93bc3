"""How pages keep themselves up to date: refresh.js in a real browser, against pages that are made up here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

import blockalloc

pytestmark = pytest.mark.once(on="sqlite")

SCRIPT = Path(blockalloc.__file__).parent / "static/blockalloc/refresh.js"
ADDRESS = "https://site.example/admin/today/"


class Server:
    """Answers what it is told to, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.minute = 0
        self.signals = {"7": "good Ready", "8": "good Ready"}
        self.status: int | None = 200  # None: it can't be reached
        self.live = True
        self.hidden_seconds = ""

    def answer(self, route: Route) -> None:
        if route.request.url.endswith("refresh.js"):
            route.fulfill(body=SCRIPT.read_text(), content_type="text/javascript")
            return
        self.asked += 1
        if self.status is None:
            route.abort("connectionrefused")
            return
        route.fulfill(status=self.status, body=self.page() if self.live else "<p>Sign in</p>", content_type="text/html")

    def page(self) -> str:
        rows = "".join(
            f'<tr data-key="{key}" data-signal="{signal}" data-announcement="class {key}: {signal}">'
            f'<td><a href="#">class {key}</a> <a href="?help={key}">help</a></td><td>{"wide " * 400}{signal}</td></tr>'
            for key, signal in self.signals.items()
        )
        risks = sum(signal.startswith("bad") for signal in self.signals.values())
        return f"""<!DOCTYPE html>
            <title>{f"({risks}) " if risks else ""}Today</title>
            <link rel="icon" id="icon" href="data:,{risks}">
            <style>
                body {{ height: 3000px }} td {{ white-space: nowrap }} .wide {{ overflow-x: auto; width: 200px }}
            </style>
            <script src="refresh.js" defer></script>
            <p id="stale" role="alert" hidden></p>
            <p id="changes" aria-live="polite"></p>
            <div id="live" data-seconds="30" {self.hidden_seconds}>
                <p class="updated"><time>08:{self.minute:02}:00</time></p>
                <div class="wide" id="table" tabindex="0"><table>{rows}</table></div>
                <details id="over"><summary>Over</summary>folded</details>
            </div>"""


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context()
    found = context.new_page()
    found.clock.install()
    found.route("**/*", server.answer)
    found.goto(ADDRESS)
    yield found
    context.close()


@pytest.fixture
def wait(page: Page, server: Server) -> Callable[[], None]:
    """Let half a minute pass, in which the server's clock goes on too, until the page tells what came of it."""

    def half_a_minute() -> None:
        server.minute += 1
        page.clock.run_for(30_000)
        well = server.status == 200 and server.live
        until(
            page, lambda: page.inner_text("time") == f"08:{server.minute:02}:00" if well else page.is_visible("#stale")
        )

    return half_a_minute


def until(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        page.wait_for_timeout(5)
    pytest.fail("nothing happened")


def test_the_page_is_exchanged_every_half_minute(page: Page, server: Server, wait: Callable[[], None]) -> None:
    page.clock.run_for(28_000)
    assert server.asked == 1
    server.minute = 1
    page.clock.run_for(3_000)
    until(page, lambda: page.inner_text("time") == "08:01:00")
    wait()
    assert server.asked == 3
    assert page.is_hidden("#stale")


def test_scroll_and_focus_stay(page: Page, server: Server, wait: Callable[[], None]) -> None:
    page.focus("tr[data-key='8'] a")
    page.evaluate("window.scrollTo(0, 300); document.getElementById('table').scrollLeft = 120")
    server.signals = {"8": "bad At risk", "7": "good Ready"}  # it goes up
    wait()
    assert page.evaluate("document.activeElement.textContent") == "class 8"
    assert page.evaluate("[window.scrollY, document.getElementById('table').scrollLeft]") == [300, 120]
    page.focus("#table")
    wait()
    assert page.evaluate("document.activeElement.id") == "table"


def test_only_signals_that_changed_are_announced(page: Page, server: Server, wait: Callable[[], None]) -> None:
    wait()
    assert page.inner_text("#changes") == ""
    server.signals = {"7": "bad At risk", "8": "good Ready"}
    wait()
    assert page.inner_text("#changes") == "class 7: bad At risk"


def test_the_focus_stays_on_the_same_link_of_a_class(page: Page, server: Server, wait: Callable[[], None]) -> None:
    page.focus("tr[data-key='8'] a:last-child")
    server.signals = {"8": "bad At risk", "7": "good Ready"}
    wait()
    assert page.evaluate("document.activeElement.getAttribute('href')") == "?help=8"


def test_a_fold_stays_open_and_keeps_the_focus(page: Page, wait: Callable[[], None]) -> None:
    page.click("summary")
    wait()
    assert page.evaluate("document.getElementById('over').open")
    assert page.evaluate("document.activeElement.textContent") == "Over"
    page.click("summary")
    wait()
    assert not page.evaluate("document.getElementById('over').open")


def test_the_title_and_the_icon_are_taken_over(page: Page, server: Server, wait: Callable[[], None]) -> None:
    icon = "document.getElementById('icon').getAttribute('href')"
    assert (page.title(), page.evaluate(icon)) == ("Today", "data:,0")
    server.signals = {"7": "bad At risk", "8": "bad At risk"}
    wait()
    assert (page.title(), page.evaluate(icon)) == ("(2) Today", "data:,2")


@pytest.mark.parametrize(
    ("status", "live", "words"),
    [
        (None, True, "the server cannot be reached"),
        (500, True, "the server answered with error 500"),
        (200, False, "you are no longer signed in"),
    ],
)
def test_a_refresh_that_fails_is_said_loudly(
    page: Page, server: Server, wait: Callable[[], None], status: int | None, live: bool, words: str
) -> None:
    server.status, server.live = status, live
    wait()
    assert page.is_visible("#stale")
    assert page.inner_text("#stale").startswith("This page is out of date: it shows 08:00:00, and ")
    assert words in page.inner_text("#stale")
    assert page.get_attribute("#live", "class") == "stale"
    wait()
    assert page.title() == "Out of date: Today"
    server.status, server.live = 200, True
    wait()
    assert page.is_hidden("#stale")
    assert page.get_attribute("#live", "class") == ""
    assert page.inner_text("time") == "08:03:00"
    assert page.title() == "Today"


_HIDE = """hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange')); }"""


def test_a_hidden_tab_asks_now_and_then_if_its_title_tells_something(page: Page, server: Server) -> None:
    server.hidden_seconds = 'data-hidden-seconds="120"'
    page.reload()
    page.evaluate(_HIDE, True)
    server.signals["7"] = "bad At risk"
    page.clock.run_for(110_000)
    page.wait_for_timeout(50)
    assert server.asked == 2
    page.clock.run_for(11_000)
    until(page, lambda: page.title() == "(1) Today")
    assert server.asked == 3


def test_a_hidden_tab_asks_for_nothing_and_is_fresh_when_it_is_seen_again(page: Page, server: Server) -> None:
    page.evaluate(_HIDE, True)
    page.clock.run_for(300_000)
    page.wait_for_timeout(50)
    assert server.asked == 1
    server.minute = 5
    page.evaluate(_HIDE, False)
    page.clock.run_for(1)
    until(page, lambda: page.inner_text("time") == "08:05:00")
    assert server.asked == 2
