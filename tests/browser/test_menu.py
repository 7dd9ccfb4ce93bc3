"""The menu above every page, with its panels: by mouse and by keyboard, at all widths."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.visits import ALL_RULES, DESK, PHONE, RULES_OF_LOOKS, TABLET, Visitor, violations

pytestmark = pytest.mark.once(on="sqlite")

# What is in sight of an open panel, or can be scrolled to: its links are all in the window's width.
_BESIDE = """() => [...document.querySelectorAll("details.panel[open] :is(a, button)")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.left < 0 || box.right > innerWidth || box.height < 24;
}).map((element) => element.textContent)"""


@pytest.mark.parametrize("panel", ["more", "account"])
def test_an_open_panel_is_in_order(panel: str, visitor: Visitor) -> None:
    page = _today(visitor)
    page.locator(f"#{panel} > summary").click()
    assert violations(page, ALL_RULES) == []
    for window in (TABLET, PHONE):
        page.set_viewport_size(window)
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(_BESIDE) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page, RULES_OF_LOOKS) == []


def test_a_panel_is_used_by_keyboard(visitor: Visitor) -> None:
    """Enter opens it, Escape closes it and goes back to its name, Tab walks through it and closes it at its end."""
    page = _today(visitor)
    more, account = page.locator("#more"), page.locator("#account")
    more.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(more.get_by_role("link", name="Reloads")).to_be_visible()
    page.keyboard.press("Tab")
    expect(more.get_by_role("link").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(more.locator("summary")).to_be_focused()
    expect(more).not_to_have_attribute("open", "")
    page.keyboard.press("Enter")
    more.get_by_role("link").last.focus()
    page.keyboard.press("Tab")
    expect(account.locator("summary")).to_be_focused()
    expect(more).not_to_have_attribute("open", "")


def test_one_panel_is_open_at_a_time(visitor: Visitor) -> None:
    page = _today(visitor)
    more, account = page.locator("#more"), page.locator("#account")
    more.locator("summary").click()
    account.locator("summary").click()
    expect(account).to_have_attribute("open", "")
    expect(more).not_to_have_attribute("open", "")
    page.get_by_role("heading", level=1).click()
    expect(account).not_to_have_attribute("open", "")


def test_the_bar_says_where_one_is(visitor: Visitor) -> None:
    """On a page below an entry too; where the bar has no entry for it, "More" is marked instead."""
    page = _today(visitor)
    bar = page.get_by_role("navigation", name="Staff pages")
    expect(bar.locator("> a[aria-current=page]")).to_have_text("Today")
    page.goto("/admin/blockalloc/image/")
    page.locator("#result_list tbody th a").first.click()
    page.locator("#more > summary").click()
    expect(page.locator(".all-pages a[aria-current=true] strong")).to_have_text("Images")
    marked = page.locator("#more > summary").evaluate("(element) => getComputedStyle(element).backgroundColor")
    page.goto("/admin/today/")
    assert page.locator("#more > summary").evaluate("(element) => getComputedStyle(element).backgroundColor") != marked


def test_the_skip_link_is_above_the_bar(visitor: Visitor) -> None:
    page = _today(visitor)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    skip.click()  # fails where something covers it
    expect(page.locator("#content-start")).to_be_focused()


def test_colours_are_chosen_with_a_button(visitor: Visitor) -> None:
    page = _today(visitor)
    page.get_by_role("button", name="Toggle theme (current theme: auto)").click()
    page.get_by_role("button", name="Toggle theme (current theme: dark)").click()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Toggle theme (current theme: light)").click()
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) != light


def _today(visitor: Visitor) -> Page:
    page = visitor()
    page.set_viewport_size(DESK)
    page.goto("/admin/today/")
    return page
