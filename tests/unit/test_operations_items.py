from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.errors import NotFound, Refused
from stockhook.model import Audit, Item, Kit, KitPolicy, Location, Order, Part
from stockhook.operations import items, locations
from stockhook.operations.due import make_due, pages, sweep
from stockhook.operations.item_import import import_items
from stockhook.operations.suggestions import did_you_mean, near, suggest
from stockhook.quantity import ONE
from stockhook.testing import factories
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop

SHIPPED = "2026-11-02T12:00:00-05:00"


def test_an_item_is_added_trimmed_and_with_an_audit_entry(shop: Shop) -> None:
    added = items.add(shop.desk, "  SOAP ", " Lavender soap ", serial=True)
    assert added.item == Item("SOAP", "Lavender soap", serial=True)
    assert shop.find(Item) == [added.item]
    (entry,) = shop.find(Audit)
    assert (entry.actor, entry.action, entry.subject) == ("cli:test", "items add", "SOAP")


def test_a_sku_that_exists_in_another_case_is_refused_by_its_name(shop: Shop) -> None:
    items.add(shop.desk, "Soap", "Lavender")
    with pytest.raises(Refused, match=r"the item Soap \(Lavender\) exists already"):
        items.add(shop.desk, "SOAP")
    assert len(shop.find(Item)) == 1


@pytest.mark.parametrize("sku", ["", "  ", "x" * 201, "A\nB", "A\x1b[31m"])
def test_a_sku_that_is_none_is_refused(shop: Shop, sku: str) -> None:
    with pytest.raises(Refused, match="sku"):
        items.add(shop.desk, sku)
    assert shop.find(Item) == []


def test_a_new_item_whose_sku_orders_wait_for_settles_them(shop: Shop) -> None:
    shop.send(envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED)])))
    assert shop.problems() == {"unknown-item"}
    assert items.add(shop.desk, "Soap").due == 1
    shop.work()
    assert shop.owed("Soap") == ONE
    assert shop.problems() == {"insufficient-inventory"}


def test_a_kit_is_saved_whole_in_place_of_the_one_before(shop: Shop) -> None:
    shop.items("GIFT", "SOAP", "BOX")
    items.define_kit(shop.desk, "gift", [("SOAP", 2 * ONE), ("BOX", ONE)], None)
    saved = items.define_kit(shop.desk, "GIFT", [("soap", 3 * ONE)], KitPolicy.PARENT)
    assert saved == Kit("GIFT", (Part("SOAP", 3 * ONE),), KitPolicy.PARENT)
    assert shop.find(Kit) == [saved]
    assert [kit for _, kit in items.list_items(shop.desk) if kit] == [saved]


def test_a_kit_with_bad_parts_is_refused_with_all_of_them(shop: Shop) -> None:
    shop.items("GIFT", "SOAP", "BOX")
    with pytest.raises(Refused) as refused:
        items.define_kit(shop.desk, "GIFT", [("SOPA", ONE), ("BOX", 0), ("SOAP", ONE), ("soap", ONE)], None)
    said = str(refused.value)
    assert "there is no item 'SOPA'; did you mean SOAP?" in said
    assert "0 of BOX is no part" in said
    assert "SOAP is listed twice" in said
    assert shop.find(Kit) == []


def test_a_kit_that_would_contain_itself_is_refused_with_the_ring(shop: Shop) -> None:
    shop.items("A", "B", "C")
    items.define_kit(shop.desk, "A", [("B", ONE)], None)
    items.define_kit(shop.desk, "B", [("C", ONE)], None)
    with pytest.raises(Refused, match=r"cannot contain itself: C > A > B > C"):
        items.define_kit(shop.desk, "C", [("A", ONE)], None)
    with pytest.raises(Refused, match="A > A"):
        items.define_kit(shop.desk, "A", [("A", ONE)], None)
    assert {kit.sku for kit in shop.find(Kit)} == {"A", "B"}


def test_a_definition_that_gives_a_kit_around_it_a_seventh_decimal_place_is_refused(shop: Shop) -> None:
    shop.items("A", "B", "C")
    items.define_kit(shop.desk, "A", [("B", ONE // 2)], None)
    with pytest.raises(Refused, match=r"A > B > C: 0.000001 x 0.5 has more than 6 decimal places; nothing was"):
        items.define_kit(shop.desk, "B", [("C", 1)], None)
    assert {kit.sku for kit in shop.find(Kit)} == {"A"}


def test_the_policy_of_a_kit_is_kept_with_it_and_in_the_audit(shop: Shop) -> None:
    shop.items("A", "B")
    items.define_kit(shop.desk, "A", [("B", 2 * ONE)], KitPolicy.STOCKED_FIRST)
    assert [kit.policy for kit in shop.find(Kit)] == [KitPolicy.STOCKED_FIRST]
    assert [entry.details for entry in shop.find(Audit)] == [{"part B": "2", "policy": "stocked-first"}]


def test_items_come_from_a_spreadsheet_all_or_none(shop: Shop, tmp_path: Path) -> None:
    items.add(shop.desk, "SOAP", "Soap")
    items.add(shop.desk, "BOX", "Box")
    file = tmp_path / "items.csv"
    file.write_text("sku;name;serial\nsoap;Lavender;\nCLOCK;Clock;yes\nBOX;;no\n")
    done = import_items(shop.desk, file)
    assert [item.sku for item in done.added] == ["CLOCK"]
    assert [(item.sku, item.name) for item in done.changed] == [("SOAP", "Lavender")]
    assert done.unchanged == 1
    assert {item.sku: item.serial for item in shop.find(Item)} == {"SOAP": False, "BOX": False, "CLOCK": True}

    file.write_text("sku,name,serial\nNEW,New,\n,Nameless,\nclock,,maybe\nnew,,\n")
    with pytest.raises(Refused) as refused:
        import_items(shop.desk, file)
    assert str(refused.value).splitlines()[:3] == [
        "items.csv line 3: sku is empty",
        "items.csv line 4: serial: 'maybe' is neither yes nor no",
        "items.csv line 5: sku: new is on line 2 as well",
    ]
    assert len(shop.find(Item)) == 3


def test_a_stocked_item_does_not_change_whether_it_has_serial_numbers(shop: Shop, tmp_path: Path) -> None:
    shop.stock(SOAP=3)
    file = tmp_path / "items.csv"
    file.write_text("sku,serial\nSOAP,yes\n")
    with pytest.raises(Refused, match=r"items.csv line 2: serial: SOAP has been stocked"):
        import_items(shop.desk, file)


def test_a_location_is_added_with_those_above_it(shop: Shop) -> None:
    added = locations.add(shop.desk, "MAIN/FG/A-01", pick_sequence=3)
    assert [place.path for place in added.parents] == ["MAIN", "MAIN/FG"]
    assert [place.path for place in locations.list_locations(shop.desk)] == ["MAIN/FG/A-01", "MAIN/FG", "MAIN"]
    with pytest.raises(Refused, match="the location MAIN/FG exists already"):
        locations.add(shop.desk, "main/fg")


def test_the_turn_of_a_location_is_no_endless_number(shop: Shop) -> None:
    for turn in (locations.MOST_SEQUENCE + 1, -locations.MOST_SEQUENCE - 1):
        with pytest.raises(Refused, match="too far from 0"):
            locations.add(shop.desk, "EAST", pick_sequence=turn)
    locations.add(shop.desk, "EAST", pick_sequence=locations.MOST_SEQUENCE)
    with pytest.raises(Refused, match="too far from 0"):
        locations.change(shop.desk, "EAST", pick_sequence=locations.MOST_SEQUENCE + 1)


@pytest.mark.parametrize("path", ["", "/MAIN", "MAIN/", "MAIN//FG", "MAIN/ FG", "A\tB", "x" * 201])
def test_a_path_that_is_none_is_refused(shop: Shop, path: str) -> None:
    with pytest.raises(Refused, match=r"MAIN/FG/A-01|cannot be printed|too long"):
        locations.add(shop.desk, path)
    assert shop.find(Location) == []


def test_the_next_batch_sees_a_changed_location(shop: Shop) -> None:
    shop.stock(SOAP=5)
    locations.change(shop.desk, "MAIN", pickable=False)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2, shipped=SHIPPED)])))
    assert shop.owed("SOAP") == 2 * ONE
    assert locations.change(shop.desk, "MAIN", pickable=True).due == 1
    shop.work()
    assert shop.booked("D-1") == {"SOAP": 2 * ONE}
    assert locations.change(shop.desk, "MAIN", pickable=True).due == 0


def test_a_location_that_does_not_exist_is_not_changed(shop: Shop) -> None:
    locations.add(shop.desk, "MAIN/FG")
    with pytest.raises(NotFound, match="did you mean MAIN/FG"):
        locations.change(shop.desk, "MAIN/FH", pickable=False)
    with pytest.raises(Refused, match="nothing to change"):
        locations.change(shop.desk, "MAIN/FG")


@pytest.mark.parametrize(
    "written", ["soap 12pk", "SOAP12PK", "SOAP_12PK", "SOAP-12KP", "SAOP-12PK", "SOAP-12P", "SOPE-12PK"]
)
def test_near_misses_differ_by_case_signs_or_few_slips(written: str) -> None:
    assert near(written, ["BOX", "SOAP-12PK", "CANDLE-12PK"]) == ["SOAP-12PK"]


def test_nothing_far_away_is_suggested() -> None:
    assert near("SOAP", ["CANDLE", "BOX", "S"]) == []
    assert near("", ["A"]) == []
    assert did_you_mean([]) == ""


@given(st.text(min_size=1, max_size=12), st.lists(st.text(max_size=12), max_size=5))
def test_a_code_is_always_its_own_nearest_name(code: str, others: list[str]) -> None:
    folded = "".join(code.split())
    if folded:
        assert code in near(code, [*others, code], most=10)


def test_suggestions_reach_items_by_the_aliases_that_look_alike(shop: Shop) -> None:
    shop.items("SOAP")
    with shop.store.write() as work:
        work.save([factories.alias("LAVENDER-BAR", "SOAP")])
    with shop.store.read() as view:
        assert suggest(view, "lavender bar") == ["SOAP"]


def test_pages_yield_everything_once_newest_first(shop: Shop) -> None:
    shop.items(*(f"I{n:03}" for n in range(25)))
    with shop.store.read() as view:
        found = list(pages(view, Item, None, 10))
        assert [len(page) for page in found] == [10, 10, 5]
        assert [item.sku for page in found for item in page] == [f"I{n:03}" for n in reversed(range(25))]
        assert list(pages(view, Kit)) == []


def test_the_sweep_makes_due_only_what_waits_for_a_code_that_resolves(shop: Shop) -> None:
    shop.send(envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED)])))
    shop.send(envelope(order_ship("D-2", [line("BOX", 1, shipped=SHIPPED)])))
    assert sweep(shop.desk) == 0
    shop.items("SOAP")
    assert sweep(shop.desk) == 1
    assert sweep(shop.desk) == 0, "it is due already"
    assert [order.order_id for order in shop.find(Order) if order.due_at] == ["D-1"]


def test_an_order_that_is_not_kept_is_not_made_due(shop: Shop) -> None:
    with shop.store.write() as work:
        assert make_due(shop.desk, work, {factories.order("NO").key}) == 0


def test_the_sweep_brings_back_what_a_clock_that_was_wrong_has_put_off(shop: Shop) -> None:
    shop.items("SOAP")
    shop.send(envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED)])))
    now = shop.clock.now()
    with shop.store.write() as work:
        work.save([replace(work.find(Order)[0], due_at=now + timedelta(days=3650))])
    for hours in (1, 48):
        body = envelope(order_ship(f"L-{hours}", [line("SOAP", 1, shipped=SHIPPED)]))
        shop.store.append([factories.arrival(body, due_at=now + timedelta(hours=hours))])
    with shop.store.read() as view:
        assert not view.due(now, 10)
    assert sweep(shop.desk) == 2
    assert sweep(shop.desk) == 0
    with shop.store.read() as view:
        due = view.due(now, 10)
        assert [key.order_id for key in due.orders] == ["D-1"]
        assert len(due.deliveries) == 1
