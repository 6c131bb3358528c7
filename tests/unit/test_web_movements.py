"""A movement has a page that tells why it was, and takes it back."""

from typing import Any

import pytest

from stockhook.model import Movement, MovementKind
from stockhook.operations import locations
from stockhook.operations.stock.transfers import move
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def booked(pages: Pages) -> Pages:
    """A shop with 10 of SOAP received by movement 1, of which movement 2 took 3 for an order."""
    pages.shop.stock(SOAP=10)
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped=DAY)])))
    return pages


async def test_what_an_order_took_is_explained_and_not_taken_back_here(ask: Any, read: Any, booked: Pages) -> None:
    page = await read("/movements/2")
    assert "-3 of SOAP , 7 left behind it" in page
    assert "Why this unit" in page
    assert "It follows its order" in page
    assert b"/movements/2/undo" not in (await ask("/movements/2")).body
    assert "follows the order" in await read("/movements/2/undo", {"reason": "no"})


async def test_a_move_is_taken_back_whole_once_that_is_confirmed(read: Any, booked: Pages) -> None:
    locations.add(booked.shop.desk, "WEST")
    moved = move(booked.shop.desk, 1, 2 * ONE, "WEST")
    address = f"/movements/{moved.out.id}"
    assert "Undo movement" in await read(address)
    page = await read(f"{address}/undo", {"reason": "wrong shelf"})
    assert "reversal SOAP 1 MAIN" in page
    assert booked.shop.find(Movement)[0].kind is MovementKind.TRANSFER_IN
    page = await read(f"{address}/undo", {"reason": "wrong shelf", "confirmed": "yes"})
    assert f"Took movement {moved.out.id} back (+2); unit 1 of SOAP holds 7 now." in page
    assert "Undo movement" not in page
    assert "Answered by" in page
    assert {row.reason for row in booked.shop.find(Movement, kind=MovementKind.REVERSAL)} == {"wrong shelf"}


async def test_what_has_been_used_cannot_be_taken_back(read: Any, booked: Pages) -> None:
    assert "the rest has been used" in await read("/movements/1/undo", {"reason": "never came"})
    assert "needs a reason" in await read("/movements/1/undo", {"reason": " "})
    assert booked.shop.on_hand("SOAP") == 7 * ONE


async def test_a_movement_that_is_not_there_is_no_page(ask: Any, booked: Pages) -> None:
    assert (await ask("/movements/99")).code == 404


@pytest.mark.parametrize("address", ["/units/1", "/items/SOAP", "/events/1", "/orders/ultracart:DEMO/D-1"])
async def test_every_list_of_movements_leads_to_them(ask: Any, booked: Pages, address: str) -> None:
    assert b'href="/movements/2"' in (await ask(address)).body


async def test_why_a_unit_was_taken_is_said_in_words(read: Any, booked: Pages) -> None:
    booked.shop.receive(("SOAP", 2), lot="L2")
    booked.shop.send(envelope(order_ship("D-2", [line("SOAP", 10, shipped=DAY)])))
    page = await read("/orders/ultracart:DEMO/D-2")
    assert (
        "Took 7 of the 7 in unit 1 at MAIN, because: received 1 Dec 2026; then 2 of the 2 in unit 2 of lot L2" in page
    )
    assert "The other 1 could not be found." in page
