"""A stock person's day on the pages: goods in, a wrong lot, a reason looked up; with a mouse, and with keys alone."""

import pytest
from playwright.sync_api import Page, expect
from visiting import DAY, Visit, until

from stockhook.model import Unit
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship

pytestmark = pytest.mark.needs("chromium")

MOST_TABS = 80


@pytest.fixture
def pages(pages: Pages) -> Pages:
    """As everywhere here; and order D-3 took 3 of LAMP from lot L1, unit 3, where lot L2 is unit 4."""
    pages.shop.items("LAMP")
    pages.shop.receive(("LAMP", 10), lot="L1")
    pages.shop.receive(("LAMP", 10), lot="L2")
    pages.shop.send(envelope(order_ship("D-3", [line("LAMP", 3, shipped=DAY)])))
    return pages


def test_goods_are_received_and_a_shortage_closes(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/problems")
    task = page.locator("article", has_text="Insufficient inventory")
    task.get_by_text("Receive SALT", exact=True).click()
    task.get_by_label("Quantity").first.fill("5")
    task.get_by_role("button", name="Receive", exact=True).click()
    expect(page.locator("main")).to_contain_text("Nothing is booked yet")
    expect(page.locator("main")).to_contain_text("nothing of SALT is owed any more")
    assert pages.shop.owed("SALT") == 2 * ONE
    page.get_by_role("button", name="Receive", exact=True).first.click()
    expect(page.get_by_role("status")).to_contain_text("Received 5 of SALT")
    assert pages.shop.owed("SALT") == 0
    expect(page.locator("article", has_text="Insufficient inventory")).to_have_count(0)
    assert visit.complaints == []


def test_a_wrong_lot_is_corrected(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/")
    page.get_by_label("Search").fill("D-3")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Found for D-3")).to_be_visible()
    page.get_by_role("link", name="D-3", exact=True).first.click()
    expect(page.get_by_role("heading", name="Order D-3", exact=True)).to_be_visible()
    page.get_by_role("link", name="Correct line 1").click()
    expect(page.get_by_role("heading", name="Line 1 of order D-3")).to_be_visible()
    page.get_by_text("It was taken from another lot").click()
    form = page.get_by_role("form", name="It was taken from another lot")
    form.get_by_label("Lot").fill("L2")
    form.get_by_label("Reason").fill("the label says L2")
    form.get_by_role("button").click()
    expect(page.locator("main")).to_contain_text("3 LAMP taken from lot L2 instead of 3 from unit 3")
    page.get_by_role("button", name="Correct the lot").first.click()
    expect(page.get_by_role("status")).to_contain_text("taken from lot L2")
    assert {unit.id: unit.quantity for unit in pages.shop.find(Unit, sku="LAMP")} == {3: 10 * ONE, 4: 7 * ONE}
    assert visit.complaints == []


def test_why_a_unit_was_taken_is_found(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/items")
    page.get_by_role("link", name="LAMP").click()
    expect(page.get_by_role("heading", name="LAMP", exact=True)).to_be_visible()
    page.get_by_role("link", name="D-3", exact=True).click()
    why = page.locator("article.trace")
    expect(why).to_contain_text("Strategy fifo")
    expect(why.get_by_role("row", name="L1")).to_contain_text("received 1 Dec 2026")
    expect(why.get_by_role("row", name="L2")).to_contain_text("next")
    assert visit.complaints == []


@pytest.mark.parametrize("visit", [True], indirect=True)
def test_all_of_it_is_done_with_keys_alone(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/problems")
    tab_to(page, "summary", "Receive SALT")
    page.keyboard.press("Enter")
    tab_to(page, "input", "quantity")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    confirm(page, "Receive")
    expect(page.get_by_role("status")).to_contain_text("Received 5 of SALT")
    tab_to(page, "input", "sku")
    page.keyboard.type("SOAP")
    page.keyboard.press("Enter")
    confirm(page, "Map")
    expect(page.get_by_text("now means SOAP")).to_be_visible()
    until(lambda: pages.shop.booked("D-1") == {"SOAP": 2 * ONE})
    page.goto("/orders/ultracart:DEMO/D-3")
    tab_to(page, "a", "Correct line 1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/*/D-3/lines/1")
    tab_to(page, "summary", "It was taken from another lot")
    page.keyboard.press("Enter")
    tab_to(page, "input", "lot")
    page.keyboard.type("L2")
    page.keyboard.press("Tab")
    page.keyboard.type("the label says L2")
    page.keyboard.press("Enter")
    confirm(page, "Correct the lot")
    expect(page.get_by_role("status")).to_contain_text("taken from lot L2")
    assert {unit.id: unit.quantity for unit in pages.shop.find(Unit, sku="LAMP")} == {3: 10 * ONE, 4: 7 * ONE}
    page.goto("/events/3")
    tab_to(page, "button", "Run it again")
    page.keyboard.press("Enter")
    confirm(page, "Run it again")
    expect(page.get_by_text("runs again")).to_be_visible()
    assert visit.complaints == []


def confirm(page: Page, button: str) -> None:
    """Confirm, on the page that shows what would be done; a return key that was pressed twice has done nothing yet."""
    expect(page.get_by_text("Nothing is booked yet")).to_be_visible()
    expect(page.locator("h1")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "button", button)
    page.keyboard.press("Enter")


def tab_to(page: Page, tag: str, name: str) -> None:
    """Press the tab key until the focus is on an element of that tag, label, name or text.

    The page has to be there already: a key that is pressed while the one before it goes is lost.
    """
    page.wait_for_load_state()
    seen = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(e => [e.tagName.toLowerCase(), e.name || '', e.getAttribute('aria-label') || '', e.innerText || ''])"
            "(document.activeElement)"
        )
        if focused[0] == tag and name in (each.strip() for each in focused[1:]):
            return
        seen.append(focused)
    raise AssertionError(f"no {tag} {name} among {seen}")
