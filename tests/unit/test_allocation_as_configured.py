"""Rules, tiers, shelf life and pins from a configuration file to the book, with what the trace says of them."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stockhook.model import Allocation, Item, Location, Trace
from stockhook.quantity import ONE
from stockhook.testing.pages import open_pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop

DAY1 = "2026-11-01T12:00:00-05:00"
CONFIG = """
[channels.shop.distribution_centers]
WEST = ["WEST"]
VENDOR = "ignore"
[channels.shop.pins]
lot = "Lot"
serial = "Serial number"
location = "Pick from"
[allocation]
locations = ["MAIN", "WEST"]
strategy = { type = "single-lot", otherwise = "lifo" }
[[allocation.rules]]
item = "fresh-*"
strategy = { type = "fefo", min_shelf_life_days = 30 }
[[allocation.rules]]
item = "BOX"
strategy = { type = "chain", strategies = ["exact", { type = "single-unit", otherwise = "fifo" }] }
[[allocation.rules]]
item = "PIN"
strategy = { type = "pinned", otherwise = "fifo" }
[[allocation.rules]]
distribution_center = "VENDOR"
locations = ["MAIN"]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    found = open_pages(tmp_path, CONFIG).shop
    with found.store.write() as work:
        work.save([Location("MAIN"), Location("MAIN/A"), Location("WEST")])
    return found


def ship(shop: Shop, *lines: Any) -> list[tuple[Trace, dict[int, int]]]:
    """Ship an order and return of each decision its trace, and what was taken of which unit in whole units."""
    before = {row.id for row in shop.find(Allocation)}
    number = len(before) + 1
    shop.send(envelope(order_ship(f"D-{number}", lines)))
    made = [row for row in reversed(shop.find(Allocation)) if row.id not in before]
    return [(row.trace, {one.unit_id: one.taken // ONE for one in row.trace.taken}) for row in made]


def test_the_rule_is_chosen_for_each_line_and_told_in_the_trace(shop: Shop) -> None:
    shop.items("SOAP", "FRESH-1")
    shop.receive(("SOAP", 5), lot="A")
    shop.receive(("FRESH-1", 5), lot="B", expires_on=date(2027, 1, 1))
    shop.receive(("FRESH-1", 5), lot="C", expires_on=date(2026, 11, 30))
    [(soap, _), (fresh, taken)] = ship(shop, line("SOAP", 2, shipped=DAY1), line("FRESH-1", 2, shipped=DAY1))
    assert (soap.rule, soap.strategy, soap.configured) == ("the locations of [allocation]", "single-lot", None)
    assert soap.options == {"otherwise": "lifo", "inner": "fifo"}
    assert fresh.rule == "rule 1 (item fresh-*), the locations of [allocation]"
    assert (fresh.strategy, fresh.options) == ("fefo", {"min_shelf_life_days": 30})
    assert fresh.left_out == {"good for less than 30 days": 1}
    assert taken == {2: 2}


def test_what_must_cover_alone_is_offered_each_location_and_otherwise_runs_through_them(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 3), lot="A")
    shop.receive(("SOAP", 4), lot="B", location="WEST")
    shop.receive(("SOAP", 1), lot="C")
    [(alone, taken)] = ship(shop, line("SOAP", 4, shipped=DAY1))
    assert (alone.strategy, alone.configured, taken) == ("single-lot", None, {2: 4})
    [(split, taken)] = ship(shop, line("SOAP", 4, shipped=DAY1))
    assert (split.strategy, split.configured, taken) == ("lifo", "single-lot", {3: 1, 1: 3})


def test_a_chain_names_who_of_it_decided(shop: Shop) -> None:
    shop.items("BOX")
    for amount in (3, 7, 4):
        shop.receive(("BOX", amount))
    decided = [ship(shop, line("BOX", amount, shipped=DAY1))[0] for amount in (4, 5, 5)]
    assert [(trace.strategy, taken) for trace, taken in decided] == [
        ("exact", {3: 4}),
        ("single-unit", {2: 5}),
        ("fifo", {2: 2, 1: 3}),
    ]
    assert {trace.configured for trace, _ in decided} == {"chain"}
    assert decided[0][0].options["strategies"] == ["exact", {"type": "single-unit", "otherwise": "fifo"}]


def test_a_center_chooses_the_locations_unless_a_rule_does_and_an_ignored_one_stays_ignored(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 5))
    shop.receive(("SOAP", 5), location="WEST")
    [(west, taken)] = ship(shop, line("SOAP", 1, shipped=DAY1, center="WEST"))
    assert (west.rule, taken) == ("distribution center WEST", {2: 1})
    assert ship(shop, line("SOAP", 1, shipped=DAY1, center="VENDOR")) == []
    assert shop.on_hand("SOAP") == 9 * ONE


def test_an_item_may_ask_for_a_shelf_life_of_its_own(shop: Shop) -> None:
    shop.items("FRESH-2")
    with shop.store.write() as work:
        work.save([Item("FRESH-2", min_shelf_life_days=0)])
    shop.receive(("FRESH-2", 5), expires_on=date(2026, 11, 1))
    [(trace, taken)] = ship(shop, line("FRESH-2", 1, shipped=DAY1))
    assert (trace.left_out, taken) == ({}, {1: 1})


def option(label: str, value: str) -> dict[str, str]:
    return {"label": label, "value": value}


def test_what_a_line_names_is_taken_first_of_all_lines_and_from_where_it_says(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 2), lot="A")
    shop.receive(("SOAP", 2), lot="B")
    rows = ship(
        shop,
        line("SOAP", 2, shipped=DAY1),
        line("SOAP", 1, shipped=DAY1, options=[option("Lot", "a")]),
        line("SOAP", 1, shipped=DAY1, lots=["A"]),
    )
    assert [taken for _, taken in rows] == [{1: 1}, {1: 1}, {2: 2}]
    assert rows[0][0].left_out == {"not of the lot named": 1}


def test_a_serial_number_that_a_line_names_comes_before_a_lot_that_another_one_names(shop: Shop) -> None:
    with shop.store.write() as work:
        work.save([Item("LAMP", serial=True)])
    shop.receive(("LAMP", 1), serial="S-1", lot="A")
    shop.receive(("LAMP", 1), serial="S-2", lot="A")
    rows = ship(
        shop,
        line("LAMP", 1, shipped=DAY1, lots=["A"]),
        line("LAMP", 1, shipped=DAY1, options=[option("Serial number", "s-1")]),
    )
    assert [taken for _, taken in rows] == [{1: 1}, {2: 1}]
    assert rows[0][0].left_out == {"not of the serial number named": 1}


def test_a_location_that_a_line_names_is_for_the_strategy_pinned_to_go_by(shop: Shop) -> None:
    shop.items("PIN")
    shop.receive(("PIN", 2))
    shop.receive(("PIN", 2), location="MAIN/A")
    [(trace, taken)] = ship(shop, line("PIN", 3, shipped=DAY1, options=[option("Pick from", "main/a")]))
    assert (trace.strategy, trace.configured, taken) == ("pinned, then fifo", "pinned", {2: 2, 1: 1})
    assert trace.taken[0].why == "named by the line: at MAIN/A"
