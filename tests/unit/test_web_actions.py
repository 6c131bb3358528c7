"""The forms do what they say, by the operations that commands call too, and say what was done."""

import re
from typing import Any

import pytest
from page_text import words

from stockhook.model import Alias, Audit, Event, EventState, Item, Movement, Problem, ProblemState, Shortage
from stockhook.operations.stock.adjustments import adjust
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def unknown(pages: Pages) -> Pages:
    """A shop in which one order waits for the code ``soap.``."""
    pages.shop.stock(SOAP=10, SALT=10)
    pages.shop.send(envelope(order_ship("D-1", [line("soap.", 2, shipped=DAY)])))
    return pages


@pytest.fixture
def short(pages: Pages) -> Pages:
    """A shop in which two of SOAP are owed."""
    pages.shop.stock(SOAP=1)
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped=DAY)])))
    return pages


async def said(ask: Any, address: str, form: dict[str, str] | None = None) -> str:
    """Return what is said once it is done, by the words of a person who has seen what would be."""
    answer = await ask(address, {**(form or {}), "confirmed": "yes"})
    assert answer.code == 200
    found = re.search(r'role="(?:status|alert)">(.*?)</p>', answer.body.decode(), re.DOTALL)
    assert found is not None
    return found[1]


async def foretold(ask: Any, address: str, form: dict[str, str] | None = None) -> str:
    """Return the text of the page that says what would be done."""
    answer = await ask(address, form or {})
    assert answer.code == 200
    page = answer.body.decode()
    assert 'name="confirmed"' in page
    return words(page[page.index("Nothing is booked yet") :])


async def test_the_form_of_an_unknown_item_proposes_items_and_near_misses(ask: Any, unknown: Pages) -> None:
    page = (await ask("/problems")).body.decode()
    assert '<option value="SALT">' in page
    assert '<button class="secondary" name="sku" value="SOAP" formnovalidate>SOAP</button>' in page


async def test_mapping_a_code_lets_what_waited_run(ask: Any, unknown: Pages) -> None:
    words = await said(ask, "/problems/1/map", {"sku": "SOAP", "factor": "2"})
    assert words == "SOAP. now means 2 of SOAP. The order that waited is worked now."
    assert unknown.woken == [True]
    unknown.shop.work()
    assert unknown.shop.booked("D-1") == {"SOAP": 4 * ONE}
    assert unknown.shop.problems() == set()


async def test_mapping_shows_first_what_would_be_booked_and_does_nothing(ask: Any, unknown: Pages) -> None:
    before = [unknown.shop.find(record) for record in (Alias, Movement, Problem, Audit)]
    page = await foretold(ask, "/problems/1/map", {"sku": "soap", "factor": "2"})
    assert "SOAP. means 2 of SOAP from then on. 1 order waits for it, and is worked then." in page
    assert "consumption SOAP 1 MAIN ~ -4 6 D-1" in page
    assert "Problem 1 closes" in page
    assert [unknown.shop.find(record) for record in (Alias, Movement, Problem, Audit)] == before
    assert unknown.woken == []


async def test_mapping_tells_beforehand_what_would_be_owed(ask: Any, unknown: Pages) -> None:
    page = await foretold(ask, "/problems/1/map", {"sku": "SOAP", "factor": "6"})
    assert "Order D-1 : 2 of SOAP is owed" in page
    assert "Problem: " in page


@pytest.mark.parametrize("sku", ["SOAP.", "BAR"])
async def test_a_code_may_mean_an_item_that_is_added_with_it(ask: Any, unknown: Pages, sku: str) -> None:
    assert 'action="/problems/1/add"' in (await ask("/problems")).body.decode()
    before = [unknown.shop.find(record) for record in (Item, Alias, Movement, Shortage, Problem, Audit)]
    form = {"sku": sku, "name": "A bar", "serial": ""}
    page = await foretold(ask, "/problems/1/add", form)
    meaning = "" if sku == "SOAP." else "SOAP. means BAR from then on. "
    assert f"{sku} is an item from then on. {meaning}1 order waits for it, and is worked then." in page
    assert f"Order D-1 : 2 of {sku} is owed" in page
    assert [unknown.shop.find(record) for record in (Item, Alias, Movement, Shortage, Problem, Audit)] == before
    now = "" if sku == "SOAP." else "SOAP. now means BAR. "
    words = await said(ask, "/problems/1/add", form)
    assert words == f"{sku} is an item now. {now}The order that waited is worked now."
    unknown.shop.work()
    assert unknown.shop.owed(sku) == 2 * ONE
    assert {each.kind for each in unknown.shop.find(Problem, state=ProblemState.OPEN)} == {"insufficient-inventory"}
    assert unknown.shop.find(Item, sku=sku) == [Item(sku, "A bar")]


@pytest.mark.parametrize(("sku", "why"), [("soap", "the item SOAP exists already"), ("", "the sku is empty")])
async def test_an_item_that_is_there_is_not_added_for_a_code(ask: Any, unknown: Pages, sku: str, why: str) -> None:
    assert why in (await ask("/problems/1/add", {"sku": sku})).body.decode()
    assert why in await said(ask, "/problems/1/add", {"sku": sku})
    assert len(unknown.shop.find(Item)) == 2
    assert unknown.shop.find(Alias) == []


async def test_only_what_an_unknown_code_means_is_added(ask: Any, short: Pages) -> None:
    assert (await ask("/problems/1/add", {"sku": "BAR"})).code == 404


async def test_ignoring_shows_first_what_ends(ask: Any, unknown: Pages) -> None:
    page = await foretold(ask, "/problems/1/ignore", {"sku": ""})
    assert "SOAP. moves no stock from then on. 1 order waits for it, and is worked then." in page
    assert "Problem 1 closes" in page
    assert unknown.shop.find(Alias) == []


async def test_waiving_and_taking_it_back_show_first_what_they_would_do(ask: Any, short: Pages) -> None:
    page = await foretold(ask, "/problems/1/waive", {"quantity": "0.5", "reason": "sent from the shop"})
    assert "0.5 of SOAP is waived; 1.5 is still owed." in page
    assert "Order D-1 : 1.5 of SOAP is owed" in page
    assert short.shop.owed("SOAP") == 2 * ONE
    await said(ask, "/problems/1/waive", {"reason": "sent from the shop"})
    page = await foretold(ask, "/problems/1/reopen")
    assert "2 of SOAP is owed again." in page
    assert short.shop.owed("SOAP") == 0


async def test_a_waiver_tells_what_was_in_stock_for_the_same_order_and_was_taken(ask: Any, short: Pages) -> None:
    desk = short.shop.desk
    adjust(desk, 1, ONE, "found")
    told = "1 of SOAP is waived; nothing is owed any more. In stock for the same orders, and taken: 1 of SOAP."
    assert told in await foretold(ask, "/problems/1/waive", {"quantity": "1", "reason": "sent from the shop"})
    assert await said(ask, "/problems/1/waive", {"quantity": "1", "reason": "sent from the shop"}) == told


async def test_a_near_miss_maps_with_one_button_and_its_confirmation(ask: Any, unknown: Pages) -> None:
    # a browser sends the empty field of the form and then the button
    asked = (await ask("/problems/1/map", method="POST", body="sku=&factor=1&sku=SOAP")).body.decode()
    assert '<input type="hidden" name="sku" value="SOAP">' in asked
    answer = await ask("/problems/1/map", {"sku": "SOAP", "factor": "1", "confirmed": "yes"})
    assert answer.code == 200
    (alias,) = unknown.shop.find(Alias)
    assert (alias.sku, alias.factor, alias.account) == ("SOAP", ONE, "ultracart:DEMO")


async def test_mapping_to_what_is_no_item_is_refused_with_a_hint(ask: Any, unknown: Pages) -> None:
    words = "there is no item &#39;SOPA&#39;; did you mean SOAP?"
    assert words in (await ask("/problems/1/map", {"sku": "SOPA"})).body.decode()
    assert await said(ask, "/problems/1/map", {"sku": "SOPA"}) == words
    assert unknown.shop.find(Alias) == []
    assert unknown.woken == []


@pytest.mark.parametrize("factor", ["x", "0", "-1", "1.0000001", "NaN"])
async def test_a_factor_that_is_none_is_refused(ask: Any, unknown: Pages, factor: str) -> None:
    assert await said(ask, "/problems/1/map", {"sku": "SOAP", "factor": factor})
    assert unknown.shop.find(Alias) == []


async def test_ignoring_a_code_ends_the_waiting(ask: Any, unknown: Pages) -> None:
    assert "moves no stock from now on" in await said(ask, "/problems/1/ignore")
    unknown.shop.work()
    assert unknown.shop.booked("D-1") == {}
    assert unknown.shop.problems() == set()


async def test_a_notice_is_said_once_and_nothing_of_it_is_in_the_address(ask: Any, unknown: Pages) -> None:
    answer = await ask("/problems/1/ignore", {"confirmed": "yes"}, follow_redirects=False)
    assert answer.code == 303
    address = answer.headers["Location"]
    assert "soap" not in address.lower()
    assert "moves no stock" in (await ask(address)).body.decode()
    assert "moves no stock from now on" not in (await ask(address)).body.decode()


async def test_who_acts_is_kept(ask: Any, unknown: Pages) -> None:
    await said(ask, "/problems/1/map", {"sku": "SOAP"})
    (entry,) = unknown.shop.find(Audit, action="items alias")
    assert entry.actor == "web:local"


async def test_replaying_an_event_works_it_again_and_books_nothing_twice(ask: Any, unknown: Pages) -> None:
    unknown.shop.send(envelope(order_ship("D-2", [line("SALT", 2, shipped=DAY)])))
    assert "runs again" in await said(ask, "/events/2/replay")
    assert unknown.shop.find(Event, id=2)[0].state is EventState.PENDING
    assert 'hx-get="/events/2"' in (await ask("/events/2")).body.decode()
    unknown.shop.work()
    assert unknown.shop.booked("D-2") == {"SALT": 2 * ONE}
    assert 'hx-get="/events/2"' not in (await ask("/events/2")).body.decode()


async def test_running_an_event_again_shows_first_what_it_would_book(ask: Any, unknown: Pages) -> None:
    with unknown.shop.store.write() as work:
        work.save([make.alias("SOAP.", "SOAP")])
    page = await foretold(ask, "/events/1/replay")
    assert "It would end as applied" in page
    assert "consumption SOAP 1 -2" in page
    assert unknown.shop.find(Event, id=1)[0].state is EventState.PARKED
    assert unknown.woken == []


async def test_an_event_of_which_nothing_is_left_cannot_be_replayed(ask: Any, pages: Pages) -> None:
    with pages.shop.store.write() as work:
        work.save([make.event(id=0, delivery_id=9, state=EventState.FAILED)])
    assert "Nothing can be worked" in await foretold(ask, "/events/1/replay")
    assert "cannot run again" in await said(ask, "/events/1/replay")


async def test_waiving_needs_a_reason_and_ends_what_is_owed(ask: Any, short: Pages) -> None:
    assert "needs a reason" in await said(ask, "/problems/1/waive", {"reason": "  "})
    assert short.shop.owed("SOAP") == 2 * ONE
    words = await said(ask, "/problems/1/waive", {"quantity": "0.5", "reason": "sent from the shop"})
    assert words == "0.5 of SOAP is waived; 1.5 is still owed."
    assert "nothing is owed any more" in await said(ask, "/problems/1/waive", {"reason": "sent from the shop"})
    assert short.shop.owed("SOAP") == 0
    assert short.shop.find(Shortage)[0].reason == "sent from the shop"
    assert short.shop.problems() == set()


async def test_what_was_waived_can_be_taken_back(ask: Any, short: Pages) -> None:
    await said(ask, "/problems/1/waive", {"reason": "wrong shelf"})
    assert "Take back what was waived" in (await ask("/problems/1")).body.decode()
    assert await said(ask, "/problems/1/reopen") == "Problem 1 is open. 2 of SOAP is owed again."
    assert short.shop.owed("SOAP") == 2 * ONE


async def test_wherever_a_person_reads_of_what_is_owed_it_says_how_much_that_is(ask: Any, short: Pages) -> None:
    short.shop.send(envelope(order_ship("D-2", [line("SOAP", 4, shipped=DAY)])))
    owed = b"6 of SOAP could not be found, and are still owed to 2 orders (D-1, D-2). The last: order D-2 shipped 4"
    for address in ("/problems", "/problems/1", "/items/SOAP", "/api/v1/problems", "/api/v1/problems/1"):
        assert owed in (await ask(address)).body, address


async def test_only_where_something_was_waived_it_can_be_taken_back(ask: Any, short: Pages) -> None:
    async def offered(back: str = "/problems/1") -> bool:
        return 'action="/problems/1/reopen"' in (await ask(back)).body.decode()

    assert not await offered()
    await said(ask, "/problems/1/waive", {"quantity": "0.5", "reason": "wrong shelf"})
    assert not await offered()  # the rest is owed, and is what one is asked for
    short.shop.receive(("SOAP", 5))
    assert await offered()
    await said(ask, "/problems/1/reopen")
    assert short.shop.problems() == set()
    assert not await offered()
    assert not await offered("/problems?state=all")


async def test_acknowledging_closes_a_problem_by_a_persons_word(ask: Any, pages: Pages) -> None:
    pages.shop.send(b"unreadable")
    page = (await ask("/problems")).body.decode()
    assert "Run event 1 again" in page
    assert await said(ask, "/problems/1/acknowledge") == "Problem 1 is acknowledged."
    assert pages.shop.find(Problem)[0].state is ProblemState.ACKNOWLEDGED
    assert await said(ask, "/problems/1/acknowledge") == "problem 1 was acknowledged before"


@pytest.mark.parametrize("action", ["map", "ignore", "acknowledge", "waive", "reopen"])
async def test_an_action_on_a_problem_that_does_not_exist_is_refused(ask: Any, pages: Pages, action: str) -> None:
    answer = await ask(f"/problems/7/{action}", {"sku": "SOAP", "reason": "because"})
    assert b"here is no problem 7" in answer.body
    assert pages.woken == []


@pytest.mark.parametrize("action", ["map", "ignore"])
async def test_only_an_unknown_item_can_be_mapped(ask: Any, short: Pages, action: str) -> None:
    answer = await ask(f"/problems/1/{action}", {"sku": "SOAP"})
    assert b"is not about an unknown code" in answer.body
    assert short.shop.find(Alias) == []
