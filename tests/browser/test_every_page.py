"""Every page: nothing goes wrong behind it, everybody can read and use it, on a phone as on a desk."""

import pytest
from playwright.sync_api import Page

from tests.support.browser.monday_morning import MondayMorning
from tests.support.browser.places import PLACES, Place, address
from tests.support.browser.visits import ALL_RULES, PHONE, RULES_OF_LOOKS, Noise, Visitor, violations

pytestmark = pytest.mark.once(on="sqlite")

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


# Headings and buttons that one would have to scroll sideways for, those in tables that scroll apart.
_OUT_OF_SIGHT = """() => [...document.querySelectorAll("h1, h2, h3, button, input[type=submit], .button")]
    .filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width > 1 && (box.left < 0 || box.right > innerWidth) && !element.closest("[tabindex='0']");
    }).map((element) => element.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_page_is_in_order(place: Place, visitor: Visitor, monday: MondayMorning, noise: Noise) -> None:
    noise.expected = place.status
    page = visitor(place.who)
    answer = page.goto(address(monday, place))
    assert answer is not None
    assert answer.status == place.status
    check(page)


def test_the_result_of_a_dry_run_is_in_order(visitor: Visitor, monday: MondayMorning) -> None:
    page = visitor()
    page.goto(address(monday, PLACES["to try out"]))
    page.get_by_role("button", name="Dry run").click()
    page.get_by_role("heading", name="What would help").wait_for()
    check(page)


def check(page: Page) -> None:
    """The page that is shown: wide and light, then narrow and dark."""
    assert page.get_by_role("heading", level=1).count() == 1
    assert fits(page)
    assert violations(page, ALL_RULES) == []
    page.keyboard.press("Tab")
    assert page.evaluate(_WITHOUT_FOCUS) == []
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    assert fits(page), page.evaluate(_TOO_WIDE)
    assert violations(page, RULES_OF_LOOKS) == []
    assert page.evaluate(_OUT_OF_SIGHT) == []


def fits(page: Page) -> bool:
    """Whether the page is no wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
