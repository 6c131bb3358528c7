"""A line that was booked wrongly is put right on its page, shown first, with who and why."""

import re
from typing import Any

import pytest

from stockhook.model import Audit, Movement, Unit
from stockhook.operations.stock.holds import hold
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, kit, line, order_ship

DAY = "2026-12-01T12:00:00+00:00"
LINE = "/orders/ultracart:DEMO/D-1/lines/1"
WHY = {"reason": "as the label says"}


@pytest.fixture
def booked(pages: Pages) -> Pages:
    """A shop in which order D-1 took 3 of SOAP from lot L1, unit 1; lot L2 is unit 2."""
    pages.shop.items("SOAP", "SALT")
    pages.shop.receive(("SOAP", 10), lot="L1")
    pages.shop.receive(("SOAP", 10), lot="L2")
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped=DAY)])))
    return pages


def left(pages: Pages) -> dict[int, int]:
    return {unit.id: unit.quantity // ONE for unit in pages.shop.find(Unit)}


async def test_the_order_leads_to_what_can_be_corrected_of_each_line(ask: Any, read: Any, booked: Pages) -> None:
    page = (await ask("/orders/ultracart:DEMO/D-1")).body.decode()
    assert f'href="{LINE}" aria-label="Correct line 1"' in page
    page = await read(LINE)
    assert "Left, says the store 3 SOAP" in page
    assert "Booked 3 SOAP from unit 1 (lot L1)" in page
    assert "It was taken from another unit" in page
    assert "It was taken from another lot" in page
    assert "Another quantity left" in page
    assert "Some of it came back" in page
    assert "The store is right" not in page


async def test_the_order_says_who_corrected_it_and_why_and_waits_for_a_code_as_the_store_wrote_it(
    read: Any, booked: Pages
) -> None:
    booked.shop.send(envelope(order_ship("D-2", [line("Lo-9", 1, shipped=DAY)])))
    assert "someone to say what the code Lo-9 means" in await read("/orders/ultracart:DEMO/D-2")
    await read(f"{LINE}/quantity", {"quantity": "2", "confirmed": "yes", **WHY})
    page = await read("/orders/ultracart:DEMO/D-1")
    assert re.search(r"web:\S* orders correct as the label says .*line 1", page)


async def test_one_order_that_gets_what_a_correction_gives_back_is_one(read: Any, booked: Pages) -> None:
    booked.shop.send(envelope(order_ship("D-2", [line("SOAP", 18, shipped=DAY)])))
    done = await read(f"{LINE}/quantity", {"quantity": "2", "confirmed": "yes", **WHY})
    assert "; 1 other order that is owed goods was looked at." in done


async def test_an_order_is_read_once_for_its_page(read: Any, booked: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[Any] = []
    with booked.shop.store.read() as view:
        reader = type(view)
    orders = reader.orders
    monkeypatch.setattr(reader, "orders", lambda self, keys: sought.append(keys) or orders(self, keys))
    for address in ("/orders/ultracart:DEMO/D-1", LINE):
        await read(address)
    assert len(sought) == 2


async def test_a_wrong_lot_is_shown_then_corrected(read: Any, booked: Pages) -> None:
    page = await read(f"{LINE}/lot", {"lot": "L2", **WHY})
    assert "Line 1: 3 SOAP taken from lot L2 instead of 3 from unit 1." in page
    assert "reversal SOAP 1 MAIN L1 +3 10 D-1" in page
    assert "consumption SOAP 2 MAIN L2 -3 7 D-1" in page
    assert left(booked) == {1: 7, 2: 10}
    page = await read(f"{LINE}/lot", {"lot": "L2", "confirmed": "yes", **WHY})
    assert "3 SOAP taken from lot L2" in page
    assert left(booked) == {1: 10, 2: 7}
    (entry,) = booked.shop.find(Audit, action="orders correct")
    assert (entry.actor, entry.reason) == ("web:local", "as the label says")
    assert booked.woken == [True]


async def test_another_unit_is_chosen_from_those_that_hold_some(ask: Any, read: Any, booked: Pages) -> None:
    page = (await ask(LINE)).body.decode()
    assert '<option value="2">unit 2: 10 of SOAP at MAIN, lot L2</option>' in page
    await read(f"{LINE}/unit", {"unit": "2", "confirmed": "yes", **WHY})
    assert left(booked) == {1: 10, 2: 7}


async def test_a_unit_that_is_held_is_not_offered(ask: Any, booked: Pages) -> None:
    hold(booked.shop.desk, "laboratory", unit_id=2)
    page = (await ask(LINE)).body.decode()
    assert '<option value="2">' not in page
    assert '<option value="L2">' not in page


async def test_only_what_was_taken_from_one_of_several_units_is_corrected(ask: Any, read: Any, booked: Pages) -> None:
    booked.shop.receive(("SALT", 2))
    booked.shop.receive(("SALT", 2))
    booked.shop.receive(("SALT", 9))
    booked.shop.send(envelope(order_ship("D-2", [line("SALT", 4, shipped=DAY)])))
    address = LINE.replace("D-1", "D-2")
    assert '<option value="4">only that from unit 4</option>' in (await ask(address)).body.decode()
    await read(f"{address}/unit", {"unit": "5", "instead_of": "4", "confirmed": "yes", **WHY})
    assert left(booked) == {1: 7, 2: 10, 3: 0, 4: 2, 5: 7}


async def test_another_quantity_left_and_the_store_is_right_after_all(read: Any, booked: Pages) -> None:
    page = await read(f"{LINE}/quantity", {"quantity": "2", "confirmed": "yes", **WHY})
    assert "Line 1 corrected from 3 to 2" in page
    assert "a person ruled 1 less than the store says" in page
    assert left(booked) == {1: 8, 2: 10}
    assert "The store is right" in page
    assert "booked as the store says, 3" in await read(f"{LINE}/as-store", {"confirmed": "yes", **WHY})
    assert left(booked) == {1: 7, 2: 10}


async def test_goods_came_back(read: Any, booked: Pages) -> None:
    page = await read(f"{LINE}/returned", {"quantity": "1", **WHY})
    assert "return SOAP 1 MAIN L1 +1 8 D-1" in page
    await read(f"{LINE}/returned", {"quantity": "1", "confirmed": "yes", **WHY})
    assert booked.shop.returned("D-1") == {"SOAP": ONE}


@pytest.mark.parametrize(("way", "taken"), [("accept", {"SALT": 3}), ("refuse", {"SOAP": 3})])
async def test_a_line_that_the_store_calls_something_else_now_is_decided(
    read: Any, booked: Pages, way: str, taken: dict[str, int]
) -> None:
    assert "(not what is booked)" not in await read(LINE)
    booked.shop.receive(("SALT", 5))
    booked.shop.send(envelope(order_ship("D-1", [line("SALT", 3, shipped="2026-12-01T13:00:00+00:00")])))
    page = await read(LINE)
    assert "(not what is booked)" in page
    assert "It was SALT that left" in page
    assert "It was SOAP that left" in page
    await read(f"{LINE}/{way}", {"confirmed": "yes", **WHY})
    assert booked.shop.booked("D-1") == {sku: quantity * ONE for sku, quantity in taken.items()}
    assert booked.shop.problems() == set()


@pytest.mark.parametrize(
    ("way", "given", "why"),
    [
        ("quantity", {"quantity": "2", "reason": ""}, "a correction needs a reason"),
        ("quantity", {"quantity": "", **WHY}, "give a quantity"),
        ("quantity", {"quantity": "3", **WHY}, "nothing to correct"),
        ("unit", {"unit": "", **WHY}, "there is no unit 0"),
        ("unit", {"unit": "1", **WHY}, "was taken from unit 1 already"),
        ("lot", {"lot": "L9", **WHY}, "there are no goods of lot L9"),
        ("returned", {"quantity": "4", **WHY}, "so 4 cannot have"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    read: Any, booked: Pages, way: str, given: dict[str, str], why: str
) -> None:
    newest = booked.shop.find(Movement)[0]
    assert why in await read(f"{LINE}/{way}", given)
    assert why in await read(f"{LINE}/{way}", {**given, "confirmed": "yes"})
    assert booked.shop.find(Movement)[0] == newest


async def test_what_the_page_does_not_offer_cannot_be_shown(ask: Any, booked: Pages) -> None:
    answer = await ask(f"{LINE}/accept", WHY)
    assert answer.code == 404
    assert b"cannot be corrected about this line as it is now" in answer.body
    assert (await ask(f"{LINE}/nonsense", WHY)).code == 404


@pytest.mark.parametrize("address", [LINE.replace("lines/1", "lines/7"), LINE.replace("D-1", "D-9")])
async def test_a_line_that_is_not_there_is_no_page(ask: Any, booked: Pages, address: str) -> None:
    assert (await ask(address)).code == 404
    assert (await ask(f"{address}/quantity", {"quantity": "1", **WHY})).code == 404


async def test_a_kit_says_which_of_its_lines_take_stock(read: Any, booked: Pages) -> None:
    booked.shop.receive(("SALT", 5))
    parts = kit("SET", 1, [("SOAP", 1), ("SALT", 1)], index=1, shipped=DAY)
    booked.shop.send(envelope(order_ship("D-3", parts)))
    page = await read(LINE.replace("D-1", "D-3"))
    assert "its parts do" in page
    assert "Booked 1 SALT from unit 3" in await read(LINE.replace("D-1", "D-3").replace("lines/1", "lines/3"))


async def test_a_problem_of_a_line_leads_to_where_it_is_corrected(ask: Any, booked: Pages) -> None:
    booked.shop.receive(("SALT", 5))
    booked.shop.send(envelope(order_ship("D-1", [line("SALT", 3, shipped="2026-12-01T13:00:00+00:00")])))
    booked.shop.send(envelope(order_ship("D-4", [line("nothing", 3, shipped=DAY)])))
    page = (await ask("/problems")).body.decode()
    assert page.count("Correct the line") == 1
    assert f'href="{LINE}">Correct the line</a>' in page
