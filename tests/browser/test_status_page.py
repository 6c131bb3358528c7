"""The status page as a person uses it: a real browser, clicks and keys."""

import pytest
from playwright.sync_api import expect
from visiting import Visit, until

from stockhook.model import Alias, Event, EventState
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages

pytestmark = pytest.mark.needs("chromium")


def test_an_unknown_code_is_mapped_and_what_waited_runs(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/")
    page.get_by_role("link", name="Problems", exact=True).click()
    expect(page.get_by_role("heading", name="Problems", exact=True)).to_be_visible()
    task = page.locator("article", has_text="Unknown item")
    task.get_by_label("It means the item").fill("SALT")
    task.get_by_label("It means the item").fill("")
    task.get_by_role("button", name="SOAP", exact=True).click()
    expect(page.locator("main")).to_contain_text("1 order waits for it, and is worked then")
    assert pages.shop.find(Alias) == []
    page.get_by_role("button", name="Map", exact=True).first.click()
    expect(page.get_by_role("status")).to_contain_text("now means SOAP")
    until(lambda: pages.shop.booked("D-1") == {"SOAP": 2 * ONE})
    page.goto("/problems")
    expect(page.locator("article", has_text="Insufficient inventory")).to_be_visible()
    expect(page.locator("article", has_text="Unknown item")).to_have_count(0)
    assert visit.complaints == []


def test_an_event_is_run_again_and_its_page_tells_how_it_ended(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/events")
    page.get_by_role("link", name="2", exact=True).click()
    page.get_by_role("button", name="Run it again").click()
    expect(page.get_by_text("It would end as")).to_be_visible()
    page.get_by_role("button", name="Run it again").click()
    expect(page.get_by_role("status")).to_contain_text("runs again")
    until(lambda: pages.shop.find(Event, id=2)[0].state is EventState.SHORT)
    if page.evaluate("typeof htmx") == "undefined":
        page.reload()
    expect(page.locator("#outcome:not([hx-get]) .sub")).to_contain_text("short")
    page.get_by_role("link", name="Show the payload").click()
    shown = page.locator("pre")
    expect(shown).to_be_visible()
    expect(shown).to_contain_text('"merchant_item_id": "SALT"')
    assert visit.complaints == []


@pytest.mark.parametrize("visit", [True], indirect=True)
def test_the_overview_tells_by_itself_what_is_new(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.clock.install()
    page.goto("/")
    expect(page.get_by_role("heading", name="2 problems to look at")).to_be_visible()
    page.locator("#live-parked").focus()
    expect(page.locator("#live-parked")).to_be_focused()
    pages.shop.send(b"unreadable")
    page.clock.run_for(6_000)
    expect(page.get_by_role("heading", name="3 problems to look at")).to_be_visible()
    expect(page.locator("#live-parked")).to_be_focused()
    expect(page.locator("#heard")).to_have_text("3 problems to look at")
    assert visit.complaints == []
    expect(page.get_by_role("alert")).to_have_count(0)
    page.route("**/*", lambda route: route.abort())
    page.clock.run_for(6_000)
    expect(page.get_by_role("alert")).to_contain_text("stockhook does not answer: what you see may be old")
    page.unroute("**/*")
    page.clock.run_for(6_000)
    expect(page.get_by_role("alert")).to_have_count(0)
