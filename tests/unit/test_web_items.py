"""An item's own settings on its page: shown, changed once a person has seen what that does, and taken back."""

from typing import Any

import pytest
from tornado.web import Application

from stockhook.model import Audit, Item
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def app(pages: Pages) -> Application:
    pages.shop.stock(SOAP=10)
    return pages.application()


async def test_settings_are_shown_and_come_filled_into_their_form(ask: Any, pages: Pages) -> None:
    with pages.shop.store.write() as work:
        work.save([Item("SOAP", "Lavender soap", min_shelf_life_days=30, reorder_at=5 * ONE // 2)])
    page = (await ask("/items/SOAP")).body.decode()
    assert "someone is told at 2.5" in page
    assert "at least 30 days" in page
    for name, value in (("name", "Lavender soap"), ("min_shelf_life_days", "30"), ("reorder_at", "2.5")):
        assert f'name="{name}" value="{value}"' in page


async def test_settings_are_changed_once_they_are_confirmed(done: Any, pages: Pages) -> None:
    told = "SOAP (Lavender soap): good for at least 30 days when sent; someone is told when no more than 2.5 is left."
    asked, said = await done("/items/soap/set", name="Lavender soap", min_shelf_life_days="30", reorder_at="2.5")
    assert told in asked
    assert told in said
    assert pages.shop.find(Item) == [Item("SOAP", "Lavender soap", min_shelf_life_days=30, reorder_at=5 * ONE // 2)]
    _, said = await done("/items/SOAP/set", reorder_at="0", name="Lavender soap")
    assert "someone is told when no more than 0 is left" in said
    assert pages.shop.find(Item) == [Item("SOAP", "Lavender soap", reorder_at=0)]
    assert [row.details for row in pages.shop.find(Audit, action="items set")][:1] == [
        {"min_shelf_life_days": "as the strategy says", "reorder_at": "0"}
    ]
    _, said = await done("/items/SOAP/set", reorder_at="0", name="Lavender soap")
    assert "Nothing of SOAP was changed" in said


@pytest.mark.parametrize(
    ("field", "written", "told"),
    [
        ("reorder_at", "-1", "a mark below 0 is never reached"),
        ("reorder_at", "many", "many"),
        ("min_shelf_life_days", "1.5", "1.5 is no number of days"),
        ("min_shelf_life_days", "99999", "cannot be"),
    ],
)
async def test_a_setting_that_cannot_be_is_refused_and_can_be_put_right(
    ask: Any, pages: Pages, field: str, written: str, told: str
) -> None:
    page = (await ask("/items/SOAP/set", {field: written})).body.decode()
    assert told in page
    assert f'name="{field}" value="{written}"' in page
    assert 'name="confirmed"' not in page
    assert pages.shop.find(Item) == [Item("SOAP")]


async def test_an_item_is_retired_and_taken_up_again(ask: Any, done: Any, pages: Pages) -> None:
    asked, said = await done("/items/SOAP/retire")
    assert "SOAP is retired: no more of it is received; the 10 in stock are used up." in asked
    assert "retired: no more of it is received" in said
    assert 'action="/items/SOAP/receive"' not in (await ask("/items/SOAP")).body.decode()
    again = (await ask("/items/SOAP/retire", {})).body.decode()
    assert "SOAP was retired before" in again
    assert "/unretire" not in again
    await done("/items/SOAP/unretire")
    assert pages.shop.find(Item) == [Item("SOAP")]


async def test_an_item_gets_another_sku_and_its_goods_are_seen_to_go_over(read: Any, done: Any, pages: Pages) -> None:
    asked, said = await done("/items/SOAP/rename", sku="LAVENDER")
    assert "SOAP is LAVENDER from now on; 10 in 1 unit goes over." in asked
    assert "transfer-in LAVENDER a new one" in asked
    assert "SOAP is LAVENDER from now on" in said
    assert pages.shop.on_hand("LAVENDER") == 10 * ONE
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 30, shipped=DAY)])))
    refused = await read("/items/LAVENDER/rename", {"sku": "SOAP"})
    assert "LAVENDER is owed to 1 order" in refused


async def test_nothing_is_changed_of_an_item_that_is_not_there(ask: Any) -> None:
    for verb in ("set", "rename", "retire", "unretire"):
        assert (await ask(f"/items/NOTHING/{verb}", {"sku": "X", "name": "x"})).code == 404


async def test_an_item_is_added_and_what_waited_for_its_sku_is_worked(ask: Any, done: Any, pages: Pages) -> None:
    pages.shop.send(envelope(order_ship("D-1", [line("LAMP", 2, shipped=DAY)])))
    assert 'action="/items"' in (await ask("/items")).body.decode()
    asked, said = await done("/items", sku="LAMP", name="Desk lamp", serial="yes")
    told = "LAMP, each piece of which has a serial number, is an item. 1 order waits for it by this SKU, and is worked."
    assert told in asked
    assert told in said
    assert "LAMP Desk lamp 0 on hand" in said
    assert pages.shop.find(Item, sku="LAMP") == [Item("LAMP", "Desk lamp", serial=True)]
    pages.shop.work()
    assert pages.shop.owed("LAMP") == 2 * ONE


@pytest.mark.parametrize(
    ("sku", "told"), [("soap", "the item SOAP exists already"), ("", "the sku is empty"), ("L" * 201, "too long")]
)
async def test_an_item_that_cannot_be_added_is_refused(ask: Any, pages: Pages, sku: str, told: str) -> None:
    page = (await ask("/items", {"sku": sku, "name": "x"})).body.decode()
    assert told in page
    assert 'name="confirmed"' not in page
    assert pages.shop.find(Item) == [Item("SOAP")]
