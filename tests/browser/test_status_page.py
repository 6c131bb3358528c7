"""The status page as a person uses it: a real browser, clicks and keys."""

import pytest
from visiting import Visit, until

from stockhook.model import Event, EventState
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages

pytestmark = pytest.mark.needs("chromium")


def test_an_unknown_code_is_mapped_and_what_waited_runs(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/")
    page.get_by_role("link", name="Problems", exact=True).click()
    task = page.locator("article", has_text="Unknown item")
    task.get_by_label("It means the item").fill("SALT")
    task.get_by_label("It means the item").fill("")
    task.get_by_role("button", name="SOAP", exact=True).click()
    assert "now means SOAP" in page.get_by_role("status").inner_text()
    until(lambda: pages.shop.booked("D-1") == {"SOAP": 2 * ONE})
    page.get_by_role("link", name="Problems", exact=True).click()
    assert page.locator("article", has_text="Unknown item").count() == 0
    assert visit.complaints == []


def test_an_event_is_run_again_and_its_page_tells_how_it_ended(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/events")
    page.get_by_role("link", name="2", exact=True).click()
    page.get_by_role("button", name="Run it again").click()
    assert "runs again" in page.get_by_role("status").inner_text()
    until(lambda: pages.shop.find(Event, id=2)[0].state is EventState.SHORT)
    if page.evaluate("typeof htmx") == "undefined":
        page.reload()
    page.locator("#outcome:not([hx-get])").wait_for()
    assert "short" in page.locator("#outcome .sub").inner_text()
    page.get_by_text("The element of the delivery").click()
    assert '"merchant_item_id": "SALT"' in page.locator("pre").inner_text()
    assert visit.complaints == []


@pytest.mark.parametrize("visit", [True], indirect=True)
def test_the_overview_tells_by_itself_what_is_new(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.clock.install()
    page.goto("/")
    page.get_by_role("heading", name="2 problems to look at").wait_for()
    page.locator("#live-parked").focus()
    pages.shop.send(b"unreadable")
    page.clock.run_for(6_000)
    page.get_by_role("heading", name="3 problems to look at").wait_for()
    assert page.evaluate("document.activeElement.id") == "live-parked"
    assert visit.complaints == []
