"""The pages of channels, of the audit, of a recall, and of the options in use."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stockhook.model import Unit
from stockhook.operations import codes
from stockhook.operations.stock.adjustments import adjust
from stockhook.options import PluginOptions, masked
from stockhook.quantity import ONE, parse
from stockhook.secret import Secret
from stockhook.testing import factories as make
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship

DAY = "2026-12-01T12:00:00+00:00"
MORE = """
[server]
public_url = "https://stock.example.com"
[channels.shop.silence]
after = "6h"
hours = "Mon-Fri 08:00-18:00"
"""


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return open_pages(tmp_path, MORE)


async def test_a_channel_tells_how_to_connect_the_store_and_when_it_was_heard_of(
    ask: Any, read: Any, pages: Pages
) -> None:
    page = await read("/channels")
    assert "As target URL give https://stock.example.com/webhooks/shop/TOKEN" in page
    assert "item,shipping,linked_shipment" in page
    assert "Last delivery none yet" in page
    assert "after 6 hours of its business hours" in page
    whole = (await ask("/channels")).body.decode()
    assert 'readonly value="https://stock.example.com/webhooks/shop/TOKEN"' in whole
    assert '<details class="act" open>' in whole
    assert "a-token-for-tests" not in whole
    pages.shop.send(envelope(order_ship("D-1", [])))
    pages.shop.clock.advance(timedelta(minutes=3))
    page = await read("/channels")
    assert "Last delivery 3 minutes ago" in page
    assert b'<details class="act" open>' not in (await ask("/channels")).body


async def test_what_is_wrong_with_a_channel_stands_with_it(read: Any, pages: Pages) -> None:
    with pages.shop.store.write() as work:
        work.save([make.problem("channel-silent", "shop", text="nothing came for 7 hours")])
        work.save([make.problem("channel-silent", "other", text="of another one")])
    page = await read("/channels")
    assert "nothing came for 7 hours" in page
    assert "of another one" not in page


async def test_the_audit_is_filtered_and_paged(ask: Any, read: Any, pages: Pages) -> None:
    assert "Nothing has been changed by a person yet" in await read("/audit")
    pages.shop.stock(SOAP=100)
    for number in range(60):
        adjust(pages.shop.desk, 1, -ONE, f"lost no {number}")
    codes.alias(pages.shop.desk, "soap-12", "SOAP", 12 * ONE)
    page = (await ask("/audit?action=stock&actor=test")).body.decode()
    assert "lost no 59" in page
    assert "lost no 9<" not in page
    older = re.search(r'href="([^"]*)" rel="next"', page)
    assert older is not None
    page = await read("/audit" + older[1].replace("&amp;", "&"))
    assert "lost no 9 " in page
    assert "lost no 59" not in page
    assert "items alias" not in page
    assert "soap-12" in await read("/audit?subject=SOAP-12")
    assert "Nothing matches" in await read("/audit?actor=nobody")
    assert "lost no 59" in await read("/audit?since=2026-12-01")
    assert "Nothing matches" in await read("/audit?since=2027-01-01")


async def test_a_lot_is_followed_to_its_orders_and_held(ask: Any, read: Any, pages: Pages) -> None:
    pages.shop.items("SOAP")
    pages.shop.receive(("SOAP", 10), lot="L-7")
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped=DAY)])))
    assert b'href="/recall?lot=L-7"' in (await ask("/search?q=L-7")).body
    assert b'href="/recall?lot=L-7"' in (await ask("/units/1")).body
    page = await read("/recall?lot=l-7")
    assert "SOAP : 10 received, 3 shipped: 7 left ." in page
    assert "D-1 1 SOAP SOAP 2026-12-01 12:00 3 0 3 1" in page
    assert "is kept from all orders" in await read("/recall/hold", {"lot": "L-7", "reason": "recall"})
    assert not pages.shop.find(Unit)[0].held
    page = await read("/recall/hold", {"lot": "L-7", "reason": "recall", "confirmed": "yes"})
    assert "Lot L-7 is held: 1 unit more, 1 in all." in page
    assert "Hold all of lot" not in page
    assert pages.shop.find(Unit)[0].held


async def test_a_lot_is_released_as_a_whole_and_what_is_owed_of_it_is_seen_to_be_settled(
    read: Any, pages: Pages
) -> None:
    pages.shop.items("SOAP", "SALT")
    for sku in ("SOAP", "SALT"):
        pages.shop.receive((sku, 10), lot="L-7")
    assert "Release all of lot" not in await read("/recall?lot=L-7")
    await read("/recall/hold", {"lot": "L-7", "reason": "recall", "confirmed": "yes"})
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped=DAY)])))
    assert "Release all of lot L-7" in await read("/recall?lot=L-7")
    asked = await read("/recall/release", {"lot": "L-7", "reason": "laboratory: good"})
    assert "may be used for orders" in asked
    assert "nothing of SOAP is owed any more" in asked
    assert all(unit.held for unit in pages.shop.find(Unit))
    done = await read("/recall/release", {"lot": "L-7", "reason": "laboratory: good", "confirmed": "yes"})
    assert "Lot L-7 may be used for orders again: 2 units. The orders that were owed goods were looked at" in done
    assert not any(unit.held for unit in pages.shop.find(Unit))
    assert pages.shop.owed("SOAP") == 0


async def test_a_lot_that_nobody_knows_is_no_page(ask: Any, pages: Pages) -> None:
    answer = await ask("/recall?lot=L-9")
    assert answer.code == 404
    assert b"L-9" in answer.body


async def test_the_options_in_use_are_shown_and_secrets_are_not(ask: Any, read: Any, pages: Pages) -> None:
    page = await read("/plugins")
    assert "channels.shop : channel ultracart" in page
    assert "merchant_id DEMO" in page
    assert 'token ["****"]' in page
    assert "allocation.strategy : strategy fifo" in page
    assert b"a-token-for-tests" not in (await ask("/plugins")).body


def test_every_secret_of_options_is_masked_wherever_it_stands() -> None:
    class Inner(PluginOptions):
        key: Secret

    class Options(PluginOptions):
        token: Secret
        several: tuple[Secret, ...]
        by_name: dict[str, Secret]
        inner: Inner
        url: str
        count: int = 3
        nothing: str | None = None

    options = Options.model_validate(
        {
            "token": "hidden-1",
            "several": ["hidden-2"],
            "by_name": {"a": "hidden-3"},
            "inner": {"key": "hidden-4"},
            "url": "postgresql+psycopg://anna:hidden-5@db.example.com/stock",
        }
    )
    shown = masked(options)
    assert "hidden" not in str(shown)
    assert shown["url"] == "postgresql+psycopg://anna:****@db.example.com/stock"
    assert shown["inner"] == {"key": "****"}
    assert (shown["count"], shown["nothing"]) == (3, None)


@pytest.mark.parametrize("address", ["/orders/ultracart:DEMO/D-1", "/orders/ultracart:DEMO/D-1/lines/1"])
async def test_an_order_that_cannot_be_worked_has_its_page_and_says_why(read: Any, pages: Pages, address: str) -> None:
    shop = pages.shop
    shop.stock(SOAP=100)
    shop.send(envelope(order_ship("D-1", [line("THIRD", 1.5, shipped=DAY), line("SOAP", 2, index=2, shipped=DAY)])))
    codes.alias(shop.desk, "THIRD", "SOAP", parse("0.333333"))
    shop.work()
    page = await read(address)
    assert "what cannot be booked: 1.5 x 0.333333 has more than 6 decimal places" in page
