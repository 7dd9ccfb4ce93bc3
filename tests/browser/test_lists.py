"""Lists in a real browser: heads that stay, filters that fold, rows that stack."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.visits import Visitor

pytestmark = pytest.mark.once(on="sqlite")

CLASSES = "/admin/blockalloc/blocktime/?day=all"
_TOP_OF_HEAD = "() => document.querySelector('#result_list thead th').getBoundingClientRect().top"


def at(page: Page, width: int, address: str = CLASSES) -> Page:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(address)
    return page


def test_the_head_of_a_list_stays_in_view(visitor: Visitor) -> None:
    page = at(visitor(), 1440)
    head = page.get_by_role("columnheader", name="Machines", exact=True)
    assert page.evaluate(_TOP_OF_HEAD) > 100
    page.locator("#result_list tbody tr").last.scroll_into_view_if_needed()
    assert page.evaluate(_TOP_OF_HEAD) == 0
    expect(head).to_be_in_viewport()
    # It hides what goes below it, and what opens from the menu is above it.
    assert page.evaluate(
        """() => {
            const box = document.querySelector("#result_list thead th:nth-child(5)").getBoundingClientRect();
            return Boolean(document.elementFromPoint(box.left + 20, box.top + 8).closest("thead"));
        }"""
    )


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1180, 1440])
@pytest.mark.parametrize("model", ["blocktime", "blockrequest", "decision", "computer", "image", "request", "message"])
def test_nothing_of_a_list_is_cut_off(visitor: Visitor, model: str, width: int) -> None:
    page = at(visitor(), width, f"/admin/blockalloc/{model}/")
    beyond = page.evaluate(
        """() => [...document.querySelectorAll("#changelist *")].filter((element) => {
            const box = element.getBoundingClientRect();
            const around = document.querySelector("#changelist").getBoundingClientRect();
            return box.width > 1 && (box.right > around.right + 1 || box.left < around.left - 1);
        }).map((element) => element.outerHTML.slice(0, 100))"""
    )
    assert beyond == []


def test_filters_fold_on_a_phone_only(visitor: Visitor) -> None:
    page = at(visitor(), 390)
    status = page.get_by_label("Allocation", exact=True)
    expect(status).to_be_hidden()
    page.get_by_text("Filters", exact=False).first.click()
    expect(status).to_be_visible()
    at(page, 1440)
    expect(status).to_be_visible()
    expect(page.locator("#list-filters > summary")).to_be_hidden()


def test_what_is_chosen_is_taken_back_one_by_one(visitor: Visitor) -> None:
    page = at(visitor(), 1440)
    page.get_by_label("Allocation", exact=True).select_option("All machines allocated")
    page.get_by_role("button", name="Show").click()
    assert "image=" not in page.url  # fields that say nothing are left out
    chosen = page.get_by_role("list", name="Chosen")
    expect(chosen.get_by_role("link")).to_have_text(["Day: All", "Allocation: All machines allocated", "Clear all"])
    chosen.get_by_role("link", name="Allocation").click()
    expect(chosen.get_by_role("link")).to_have_text(["Day: All"])
    chosen.get_by_role("link").click()
    expect(chosen).to_have_count(0)


def test_on_a_phone_a_row_is_a_card_with_names_and_values(visitor: Visitor) -> None:
    page = at(visitor(), 390)
    card = page.locator("#result_list tbody tr").first
    expect(page.locator("#result_list thead")).to_be_hidden()
    box, cell = card.bounding_box(), card.locator(".field-machines").bounding_box()
    assert box is not None
    assert cell is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] <= cell["y"] <= box["y"] + box["height"]
    label = "(element) => getComputedStyle(element, '::before').content"
    assert card.locator(".field-machines").evaluate(label) == '"Machines"'
