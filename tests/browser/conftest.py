"""One browser and one server for all tests of this folder, and pages that nothing may go wrong on."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tests.support.browser.chromium import chromium
from tests.support.browser.monday_morning import DEMO, MondayMorning
from tests.support.browser.visits import Noise, Visitor, sign_in

WIDE: ViewportSize = {"width": 1280, "height": 800}


# Of the package, not of the session: beside Playwright's loop Django refuses to use a database in this process.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="package")
def monday(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MondayMorning]:
    with MondayMorning(tmp_path_factory.mktemp("monday")) as server:
        yield server.open(people=True)


@pytest.fixture(scope="package")
def signed_in(browser: Browser, monday: MondayMorning) -> Iterator[Callable[[str], BrowserContext]]:
    """The browser of someone who has signed in; "" for nobody."""
    kept: dict[str, BrowserContext] = {}

    def of(name: str) -> BrowserContext:
        if name not in kept:
            kept[name] = browser.new_context(viewport=WIDE, base_url=monday.url)
            kept[name].set_default_timeout(8_000)
            if name:
                page = kept[name].new_page()
                sign_in(page, monday, name)
                page.close()
        return kept[name]

    yield of
    for context in kept.values():
        context.close()


@pytest.fixture
def noise(monday: MondayMorning) -> Iterator[Noise]:
    found = Noise(monday)
    yield found
    assert found.heard == []


@pytest.fixture
def visitor(signed_in: Callable[[str], BrowserContext], noise: Noise) -> Iterator[Visitor]:
    """A page of someone who has signed in already."""
    pages = []

    def of(name: str = DEMO) -> Page:
        pages.append(signed_in(name).new_page())
        noise.listen(pages[-1])
        return pages[-1]

    yield of
    for page in pages:
        page.close()


@pytest.fixture
def stranger(browser: Browser, monday: MondayMorning, noise: Noise) -> Iterator[Page]:
    """A page of somebody who has not signed in, in a browser of their own."""
    with browser.new_context(viewport=WIDE, base_url=monday.url) as context:
        context.set_default_timeout(8_000)
        page = context.new_page()
        noise.listen(page)
        yield page
