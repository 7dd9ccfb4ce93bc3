"""Every page: nothing goes wrong behind it, everybody can read and use it, on a phone as on a desk."""

import os
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.support.browser.monday_morning import MondayMorning
from tests.support.browser.places import PLACES, Place, address
from tests.support.browser.visits import (
    ALL_RULES,
    DESK,
    PHONE,
    RULES_OF_LOOKS,
    TABLET,
    Noise,
    Visitor,
    violations,
)

pytestmark = pytest.mark.once(on="sqlite")

# All six pairs of widths and schemes, instead of the three that differ most: `make test-looks`.
THOROUGH = bool(os.environ.get("EVERY_LOOK"))
Scheme = Literal["light", "dark"]
_OTHER_LOOKS: tuple[tuple[ViewportSize, Scheme], ...] = (
    (DESK, "dark"),
    (TABLET, "dark"),
    (TABLET, "light"),
    (PHONE, "light"),
)

# Elements that the Tab key reaches; each must look another way while it has the focus, and nothing may cover it whole
# (WCAG 2.4.11: heads that stick, bars). Run after a Tab: what a script focuses then counts as reached by the keyboard.
_FOCUS_IS_LOST = """() => {
    const look = (element) => {
        const parts = [element, ...element.querySelectorAll("rect, text")];
        return JSON.stringify(parts.map((part) => {
            const style = getComputedStyle(part);
            return [style.outlineStyle !== "none" && style.outlineWidth, style.boxShadow, style.borderColor,
                style.backgroundColor, style.strokeWidth];
        }));
    };
    const isCovered = (element) => {
        const box = element.getBoundingClientRect();
        const at = (x, y) => document.elementFromPoint(box.left + x * box.width, box.top + y * box.height);
        const own = (top) => top && (element.contains(top) || (top.closest("label")?.control === element));
        const points = [[0.5, 0.5], [0.1, 0.2], [0.9, 0.2], [0.1, 0.8], [0.9, 0.8], [0.5, 0.1]];
        return !points.some(([x, y]) => own(at(x, y)));
    };
    const reached = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
        .filter((element) => element.tabIndex >= 0 && !element.disabled && element.type !== "hidden" &&
            element.checkVisibility({ visibilityProperty: true }))
        .slice(0, 150);
    const lost = [];
    for (const element of reached) {
        document.activeElement.blur();
        const before = look(element);
        element.focus();
        if (document.activeElement !== element || look(element) === before) lost.push(["not seen", element]);
        else if (isCovered(element)) lost.push(["covered", element]);
    }
    return lost.map(([why, element]) => `${why}: ${element.outerHTML.slice(0, 120)}`);
}"""
_TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.right > innerWidth + 1 && !element.closest(".wide, .timeline, .scroll, .results");
}).slice(0, 5).map((element) => element.outerHTML.slice(0, 120))"""


# Headings and buttons that one would have to scroll sideways for, those in tables that scroll apart.
_OUT_OF_SIGHT = """() => [...document.querySelectorAll("h1, h2, h3, button, input[type=submit], .button")]
    .filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width > 1 && (box.left < 0 || box.right > innerWidth) && !element.closest("[tabindex='0']") &&
            element.checkVisibility({ visibilityProperty: true });
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
    """The page that is shown: on a desk and light; on a tablet; on a phone and dark."""
    shown(page, DESK, "light")
    assert page.get_by_role("heading", level=1).count() == 1
    assert violations(page, ALL_RULES) == []
    page.keyboard.press("Tab")
    assert page.evaluate(_FOCUS_IS_LOST) == []
    shown(page, TABLET, "light")
    shown(page, PHONE, "dark")
    assert violations(page, RULES_OF_LOOKS) == []
    page.keyboard.press("Tab")
    assert page.evaluate(_FOCUS_IS_LOST) == []
    for window, scheme in _OTHER_LOOKS if THOROUGH else ():
        shown(page, window, scheme)
        assert violations(page, RULES_OF_LOOKS) == []


def shown(page: Page, window: ViewportSize, scheme: Scheme) -> None:
    """Show the page in this window: it is no wider, and its headings and buttons are in it."""
    page.set_viewport_size(window)
    page.emulate_media(color_scheme=scheme)
    page.evaluate("scrollTo(0, 0)")  # where the keyboard has been, heads that stick would be over what is behind them
    assert fits(page), page.evaluate(_TOO_WIDE)
    assert page.evaluate(_OUT_OF_SIGHT) == []


def fits(page: Page) -> bool:
    """Whether the page is no wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
