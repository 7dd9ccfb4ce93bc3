"""Mails as a mail program shows them: read on a phone as on a desk, light and dark, and they load nothing."""

from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.support.browser.monday_morning import MondayMorning
from tests.support.browser.visits import ALL_RULES, PHONE, value, violations

pytestmark = pytest.mark.once(on="sqlite")

NEWEST = "SELECT html FROM blockalloc_message WHERE html <> '' ORDER BY id DESC"
_TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE["width"], 700])
def test_a_mail_is_in_order(
    width: int, scheme: Literal["light", "dark"], browser: Browser, monday: MondayMorning
) -> None:
    html = value(monday, NEWEST)
    assert html.count("<h1") == 3
    requested: list[str] = []
    with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
        page = context.new_page()
        page.on("request", lambda request: requested.append(request.url))
        page.set_content(html)
        assert violations(page, ALL_RULES) == []
        assert not page.evaluate(_TOO_WIDE)
    assert requested == []


def test_a_mail_can_be_read_without_its_head(browser: Browser, monday: MondayMorning) -> None:
    """Some mail programs leave out the head, and all style sheets with it."""
    head, body = value(monday, NEWEST).split("</head>")
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.set_content(f"{head.partition('<style>')[0]}</head>{body}")
        assert violations(page, ALL_RULES) == []
        assert not page.evaluate(_TOO_WIDE)
