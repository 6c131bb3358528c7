"""What each page says, of a shop in which something happened and of one in which nothing has yet."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from stockhook.channel import RawEvent
from stockhook.model import KitPolicy
from stockhook.operations import codes, items, locations
from stockhook.quantity import ONE
from stockhook.store import Read
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import array, envelope, kit, line, order_create, order_ship

DAY = "2026-12-01T12:00:00+00:00"


def ship(order_id: str, *lines: dict[str, Any], **facts: Any) -> bytes:
    return envelope(order_ship(order_id, lines, **facts))


async def test_the_list_of_plugins_says_what_each_offers(read: Any) -> None:
    page = await read("/plugins")
    assert "ultracart enabled channel ultracart" in page
    assert "memory enabled store memory" in page


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/deliveries", "Nothing has been delivered yet"),
        ("/events", "No event has come in yet"),
        ("/items", "There are no items yet. Add one above"),
        ("/problems", "No problem is open"),
        ("/search", "Type an order id"),
    ],
)
async def test_an_empty_list_says_so(read: Any, path: str, says: str) -> None:
    assert says in await read(path)


@pytest.mark.parametrize(
    "path", ["/deliveries?state=pending", "/events?order=X", "/items?q=X", "/problems?kind=no-items"]
)
async def test_a_filter_that_finds_nothing_leads_back(read: Any, path: str, pages: Pages) -> None:
    pages.shop.stock(SOAP=1)
    assert re.search(r"No \w+ matches\. Show", await read(path))


async def test_a_delivery_shows_its_events_and_headers_but_no_payload(read: Any, ask: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=10)
    body = array(
        order_ship("D-1", [line("SOAP", 1, shipped=DAY)], billing={"first_name": "Sample"}), order_create("D-2", [])
    )
    pages.shop.send(body)
    page = await read("/deliveries/1")
    assert "worked · received 2026-12-01 09:01 on channel shop" in page
    assert page.index("order_ship D-1 applied booked 1 of SOAP") < page.index("order_create")
    assert "Sample" not in page
    download = await ask("/deliveries/1/body")
    assert download.body == body
    assert download.headers["Content-Type"] == "application/octet-stream"
    assert download.headers["Content-Disposition"].startswith("attachment")


async def test_a_delivery_that_waits_says_when_its_turn_is(read: Any, pages: Pages) -> None:
    pages.shop.deliver(b"{}")
    page = await read("/deliveries/1")
    assert "pending" in page
    assert "It has not been taken apart yet" in page


async def test_an_event_says_what_was_taken_and_why(read: Any, pages: Pages) -> None:
    pages.shop.items("SOAP")
    pages.shop.receive(("SOAP", 2), lot="L1")
    pages.shop.clock.advance(timedelta(days=1))
    for lot in ("L2", "L3"):
        pages.shop.receive(("SOAP", 5), lot=lot)
    pages.shop.receive(("SOAP", 5), lot="OLD", expires_on=date(2026, 1, 1))
    (event,) = pages.shop.send(ship("D-1", line("SOAP", 4, shipped=DAY), shipping_date=DAY))
    page = await read(f"/events/{event.id}")
    assert "applied : all it says is booked booked 4 of SOAP" in page
    assert "4 of 4 SOAP" in page
    assert "Strategy fifo (version 1)" in page
    assert "1 MAIN L1 2 2 received 1 Dec 2026" in page
    assert "2 MAIN L2 5 2 received 2 Dec 2026" in page
    assert "3 MAIN L3 5 next received 2 Dec 2026" in page
    assert "Not offered: 1 unit expired on the ship date" in page
    assert "Run it again" in page


async def test_an_event_shows_what_was_booked_for_it_later(read: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=1)
    pages.shop.send(ship("D-1", line("SOAP", 3, shipped=DAY)))
    pages.shop.send(ship("D-2", line("unheard", 1, shipped=DAY)))
    assert "No stock was moved by this event" in await read("/events/2")
    pages.shop.clock.advance(timedelta(days=1))
    pages.shop.receive(("SOAP", 9), lot="L2")
    codes.alias(pages.shop.desk, "unheard", "SOAP")
    pages.shop.work()
    page = await read("/events/1")
    assert page.index("1 of 3 SOAP") < page.index("Booked for the order later") < page.index("2 of 2 SOAP")
    page = await read("/events/2")
    assert "Booked for the order later" in page
    assert "1 of 1 SOAP" in page
    assert "No stock was moved" not in page


async def test_an_events_payload_is_its_own_element_and_shown_when_it_is_asked_for(ask: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=10)
    elements = [
        order_ship(f"D-{n}", [line("SOAP", 1, shipped=DAY)], billing={"first_name": f"Sample{n}"}) for n in (1, 2)
    ]
    pages.shop.send(envelope(*elements))
    page = (await ask("/events/2")).body.decode()
    assert "Sample" not in page
    [asked] = re.findall(r'href="(/events/2\?payload=[^"#]*)', page)
    page = (await ask(asked)).body.decode()
    shown = page[page.index("<pre ") : page.index("</pre>")]
    assert "&#34;first_name&#34;: &#34;Sample2&#34;" in shown
    assert "Sample1" not in page
    assert "Sample2" not in page.replace(shown, "")


async def test_a_payload_is_taken_apart_with_no_view_of_the_store_open(
    ask: Any, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.shop.send(ship("D-1", line("SOAP", 1, shipped=DAY)))
    store, channel, open_views, seen = pages.settings.store, pages.settings.channels["shop"].channel, [0], []
    read, split = store.read, channel.split

    @contextmanager
    def counted() -> Iterator[Read]:
        with read() as view:
            open_views[0] += 1
            yield view
            open_views[0] -= 1

    def watched(body: bytes) -> Sequence[RawEvent]:
        seen.append(open_views[0])
        return split(body)

    monkeypatch.setattr(store, "read", counted)
    monkeypatch.setattr(channel, "split", watched)
    await ask("/events/1")
    assert seen == []
    await ask("/events/1?payload=yes")
    assert seen == [0]


async def test_a_body_that_cannot_be_split_is_shown_whole(read: Any, pages: Pages) -> None:
    pages.shop.send(b"\xff not json {")
    page = await read("/events/1?payload=yes")
    assert "failed : given up, or unreadable" in page
    assert r"\xff not json {" in page
    assert "The whole body of its delivery" in page


async def test_a_payload_that_was_removed_is_said_so(read: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=10)
    pages.shop.send(ship("D-1", line("SOAP", 1, shipped=DAY)))
    pages.shop.store.prune(pages.shop.clock.advance(timedelta(days=40)), 10)
    assert "The payload has been removed: its retention time was over" in await read("/events/1?payload=yes")
    page = await read("/deliveries/1")
    assert "The body has been removed" in page
    assert "Download" not in page


async def test_a_large_payload_is_cut_and_can_be_downloaded(read: Any, pages: Pages) -> None:
    pages.shop.send(b"x" * 600_000)
    assert "75712 more characters are left out here. Download the whole body" in await read("/events/1?payload=yes")
    assert "Download the body" in await read("/deliveries/1")


async def test_an_order_shows_its_lines_what_was_booked_and_what_is_owed(read: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=3, BOX=9)
    pages.shop.send(
        ship("D/1", *kit("SET", 2, [("SOAP", 4), ("BOX", 2)], index=1, shipped=DAY), line("UNHEARD", 1, shipped=DAY))
    )
    page = await read("/orders/ultracart:DEMO/D%2F1")
    assert "Order D/1" in page
    assert "SET kit 2" in page
    assert "SOAP part of a kit 4" in page
    assert "3 SOAP from unit 1" in page
    assert "1 owed" in page
    assert "someone to say what the code UNHEARD means" in page
    assert "Insufficient inventory" not in page
    assert "order_ship short" in page
    assert "Problem 1" in page


async def test_an_item_shows_its_units_and_a_running_balance(read: Any, pages: Pages) -> None:
    pages.shop.items("SOAP", "SET")
    pages.shop.receive(("SOAP", 5), lot="L1", expires_on=date(2026, 12, 24))
    pages.shop.clock.advance(timedelta(hours=1))
    pages.shop.receive(("SOAP", "2.5"), lot="L2")
    pages.shop.kit("GIFT", KitPolicy.PARENT, SOAP=2)
    codes.alias(pages.shop.desk, "soap-dozen", "SOAP", 12 * ONE)
    pages.shop.send(ship("D-1", line("SOAP", 5, shipped=DAY)))
    page = await read("/items/soap")
    assert "2.5 on hand" in page
    assert "2 MAIN L2" in page
    assert "MAIN L1" not in page
    assert "Part of GIFT" in page
    assert "soap-dozen (12 of it each)" in page
    assert "consumption 1 -5 2.5 order D-1 event 1" in page
    assert re.search(r"receipt 2 2\.5 7\.5 .* receipt 1 5 5 ", page)
    assert "MAIN L1 2026-12-24" in await read("/items/SOAP?empty=yes")
    assert "One is 2 SOAP . The kit itself is taken from stock." in await read("/items/GIFT")


async def test_a_kit_says_what_is_taken_and_what_is_wrong_with_it_until_it_is_mended(read: Any, pages: Pages) -> None:
    pages.shop.kit("SET", SOAP=2)
    pages.shop.stock(SET=5, SOAP=9)
    assert "One is 2 SOAP . Its parts are taken from stock. kit SET has 5 finished in stock" in await read("/items/SET")
    page = await read("/problems")
    assert "Kit to look at: SET kit SET has 5 finished in stock, and 9 of SOAP beside it; on channel shop" in page
    assert "No problem is open" not in page
    assert "Kit to look at" not in await read("/problems?state=closed")
    items.define_kit(pages.shop.desk, "SET", [("SOAP", 2 * ONE)], KitPolicy.STOCKED_FIRST)
    assert "Finished kits are taken from stock while there are any, and its parts for the rest." in await read(
        "/items/SET"
    )
    assert "No problem is open" in await read("/problems")


async def test_an_item_says_what_is_owed_and_where_nothing_is_taken_from(read: Any, pages: Pages) -> None:
    pages.shop.items("SOAP")
    locations.add(pages.shop.desk, "RETURNS", pickable=False)
    pages.shop.receive(("SOAP", 5), location="RETURNS")
    pages.shop.send(ship("D-1", line("SOAP", 2, shipped=DAY)))
    page = await read("/items/SOAP")
    assert "not taken from" in page
    assert re.search(r"Owed to orders Order Owed Since D-1 2 ", page)
    assert "nothing is taken from this location" in await read("/units/1")
    assert "SOAP 5 1 2" in await read("/items")


async def test_a_unit_shows_where_it_came_from_and_its_movements(read: Any, pages: Pages) -> None:
    pages.shop.items("SOAP")
    pages.shop.receive(("SOAP", 5), lot="L1", unit_cost=1_250_000, reference="PO-7", priority=3)
    pages.shop.send(ship("D-1", line("SOAP", 2, shipped=DAY)))
    page = await read("/units/1")
    assert "Unit 1 of SOAP 3 of 5 left, at MAIN" in page
    assert "Lot L1" in page
    assert "Unit cost 1.25" in page
    assert "Reference PO-7" in page
    assert "consumption -2 3 order D-1 event 1 worker" in page
    assert "receipt 5 5 PO-7 cli:test" in page


async def test_search_finds_whatever_a_person_has_in_hand(read: Any, pages: Pages) -> None:
    pages.shop.items("SOAP")
    items.add(pages.shop.desk, "PRESS", serial=True)
    pages.shop.receive(("SOAP", 5), lot="L1")
    pages.shop.receive(("PRESS", 1), serial="S-77")
    codes.ignore(pages.shop.desk, "CATALOG")
    pages.shop.send(ship("D-1", line("SOAP", 2, shipped=DAY), line("UNHEARD", 2, shipped=DAY)))
    assert "D-1 of ultracart:DEMO" in await read("/search?q=D-1")
    assert "Items SOAP" in await read("/search?q=soap")
    assert "unit 1 : 3 of SOAP at MAIN, lot L1" in await read("/search?q=L1")
    assert "serial S-77" in await read("/search?q=S-77")
    assert "CATALOG is ignored" in await read("/search?q=catalog")
    assert "2 in order D-1 , line 2" in await read("/search?q=UNHEARD")
    assert "Nothing is known by exactly these words" in await read("/search?q=nothing")


PERSON = {"first_name": "Sample", "last_name": "Personne", "address1": "1 Test Street", "email": "sample@example.com"}


async def test_who_bought_is_shown_on_the_events_page_alone(ask: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=1)
    lines = [line("SOAP", 3, shipped=DAY), line("UNHEARD", 1, shipped=DAY)]
    pages.shop.send(ship("D-1", *lines, billing=PERSON, shipping={**PERSON, "shipping_method": "UPS"}))
    paths = ["/", "/deliveries", "/deliveries/1", "/events", "/orders/ultracart:DEMO/D-1", "/items", "/items/SOAP"]
    paths += ["/units/1", "/problems", "/problems/1", "/plugins", "/search?q=D-1"]
    for path in paths:
        page = (await ask(path)).body.decode()
        assert not any(value in page for value in PERSON.values()), path
    assert "sample@example.com" not in (await ask("/events/1")).body.decode()
    assert "sample@example.com" in (await ask("/events/1?payload=yes")).body.decode()
    assert "Nothing is known by exactly these words" in (await ask("/search?q=Personne")).body.decode()
