"""What the JSON API changes of items and of locations that exist."""

from typing import Any
from urllib.parse import quote

import pytest
from tornado.web import Application

from stockhook.model import Audit, Item, Location
from stockhook.quantity import ONE
from stockhook.testing import payloads
from stockhook.testing.pages import Pages

DAY = "2026-11-30T10:00:00-05:00"


@pytest.fixture
def app(pages: Pages) -> Application:
    pages.shop.stock(SOAP=10)
    return pages.application()


async def test_what_is_given_of_an_item_is_changed_and_the_rest_stays(post: Any, pages: Pages) -> None:
    changed = await post("/items/soap/set", {"name": "Lavender soap", "min_shelf_life_days": 30, "reorder_at": "2.5"})
    assert (changed["sku"], changed["name"], changed["min_shelf_life_days"]) == ("SOAP", "Lavender soap", 30)
    assert (changed["reorder_at"], changed["due"]) == ("2.5", 0)
    assert (await post("/items/SOAP/set", {"name": ""}))["reorder_at"] == "2.5"
    emptied = await post("/items/SOAP/set", {"reorder_at": None, "min_shelf_life_days": None})
    assert (emptied["name"], emptied["reorder_at"], emptied["min_shelf_life_days"]) == ("", None, None)
    assert (await post("/items/SOAP/set", {"reorder_at": "0"}))["reorder_at"] == "0"
    assert pages.shop.find(Item) == [Item("SOAP", reorder_at=0)]
    assert {row.actor for row in pages.shop.find(Audit, action="items set")} == {"api:local"}


@pytest.mark.parametrize(
    ("body", "status", "parameter"),
    [
        ({}, 422, None),
        ({"reorder_at": "-1"}, 400, "reorder_at"),
        ({"reorder_at": "0.1234567"}, 400, "reorder_at"),
        ({"min_shelf_life_days": 36_501}, 400, "min_shelf_life_days"),
        ({"name": None}, 400, "name"),
        ({"sku": "SALT"}, 400, "sku"),
    ],
)
async def test_a_change_that_is_none_is_refused(
    post: Any, pages: Pages, body: object, status: int, parameter: str | None
) -> None:
    assert (await post("/items/SOAP/set", body, status))["parameter"] == parameter
    assert pages.shop.find(Item) == [Item("SOAP")]


async def test_an_item_is_retired_and_taken_up_again(post: Any, pages: Pages) -> None:
    retired = await post("/items/soap/retire")
    assert (retired["sku"], retired["retired"], retired["in_stock"]) == ("SOAP", True, "10")
    assert "was retired before" in (await post("/items/SOAP/retire", None, 422))["detail"]
    assert (await post("/items/SOAP/unretire"))["retired"] is False
    assert pages.shop.find(Item) == [Item("SOAP")]


async def test_an_item_gets_another_sku_and_its_goods_go_over(post: Any, pages: Pages) -> None:
    renamed = await post("/items/soap/rename", {"sku": "SOAP/LAV"})
    assert renamed == {"sku": "SOAP/LAV", "old_sku": "SOAP", "quantity": "10", "units": 1, "kits": []}
    assert pages.shop.on_hand("SOAP/LAV") == 10 * ONE
    assert (await post(f"/items/{quote('soap/lav', safe='')}/set", {"name": "Lavender"}))["sku"] == "SOAP/LAV"
    await post("/items/nothing/rename", {"sku": "SOAP"}, 404)


async def test_a_location_that_becomes_pickable_has_what_waits_worked(post: Any, pages: Pages) -> None:
    place = await post("/locations", {"path": "MAIN/BACK", "pickable": False})
    address = f"/locations/{quote(place['path'], safe='')}/set"
    pages.shop.receive(("SOAP", 5), location="MAIN/BACK")
    pages.shop.send(payloads.envelope(payloads.order_ship("D-1", [payloads.line("SOAP", 12, shipped=DAY)])))
    assert pages.shop.owed("SOAP") == 2 * ONE
    changed = await post(address, {"pick_sequence": 7})
    assert (changed["pickable"], changed["pick_sequence"], changed["due"]) == (False, 7, 0)
    assert (await post(address, {"pickable": True}))["due"] == 1
    pages.shop.work()
    assert pages.shop.owed("SOAP") == 0
    assert pages.shop.find(Location, path="MAIN/BACK") == [Location("MAIN/BACK", pick_sequence=7)]
    await post(address, {}, 422)
    await post("/locations/NOWHERE/set", {"pickable": False}, 404)
