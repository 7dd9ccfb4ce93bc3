"""One browser and one server for all tests of this folder, and pages that nothing may go wrong on."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.test_browser.chromium import chromium
from tests.test_browser.site import MondayMorning
from tests.test_browser.visits import Noise, sign_in

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
Visitor = Callable[[str], Page]


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
def cookies(browser: Browser, monday: MondayMorning) -> Callable[[str], Any]:
    """What a browser keeps of someone who has signed in; "" for nobody."""
    kept: dict[str, Any] = {"": None}

    def of(name: str) -> Any:
        if name not in kept:
            with browser.new_context() as context:
                sign_in(context.new_page(), monday, name)
                kept[name] = context.storage_state()
        return kept[name]

    return of


@pytest.fixture
def noise(monday: MondayMorning) -> Iterator[Noise]:
    found = Noise(monday)
    yield found
    assert found.heard == []


@pytest.fixture
def visitor(
    browser: Browser, monday: MondayMorning, cookies: Callable[[str], Any], noise: Noise
) -> Iterator[Visitor]:
    """A page of someone who has signed in already."""
    contexts = []

    def of(name: str = "demo") -> Page:
        contexts.append(
            browser.new_context(storage_state=cookies(name), viewport=WIDE, base_url=monday.url, reduced_motion="reduce")
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(8_000)
        noise.listen(page)
        return page

    yield of
    for context in contexts:
        context.close()
