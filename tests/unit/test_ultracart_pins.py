"""What a line asks to be taken from, and that nothing else of its options is kept."""

from typing import Any

import msgspec
import pytest

from stockhook.plugin import RawEvent, model
from stockhook.testing.payloads import line, order
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions

PINS = {"lot": "Lot", "serial": "Serial number", "location": "Pick from"}


def channel(pins: dict[str, str] | None = None) -> UltraCart:
    table = {"merchant_id": "DEMO", "token": "t" * 32, "pins": PINS if pins is None else pins}
    return UltraCart(UltraCartOptions.model_validate(table))


def read(options: Any, pins: dict[str, str] | None = None, **more: Any) -> model.SnapshotLine:
    payload = msgspec.json.encode(order("D-1", [line("LAMP", 1, options=options, **more)]))
    found = channel(pins).read(RawEvent("order_ship", payload))
    assert isinstance(found, model.Snapshot)
    assert found.lines
    return found.lines[0]


def option(label: Any, value: Any, **more: Any) -> dict[str, Any]:
    return {"label": label, "value": value, "hidden": False, "additional_dimension_application": "none", **more}


def test_lots_serial_numbers_and_locations_are_read_by_the_labels_named() -> None:
    found = read([option("Lot", "L7"), option(" serial NUMBER ", " S-1 "), option("Pick from", "MAIN/A")])
    assert (found.lots, found.serials, found.places) == (("L7",), ("S-1",), ("MAIN/A",))


def test_one_value_may_name_several_and_each_counts_once() -> None:
    found = read([option("Serial number", "S-1, S-2;S-3\r\nS-1"), option("Serial number", 77), option("Lot", "L1")])
    assert found.serials == ("S-1", "S-2", "S-3", "77")


def test_lots_of_edi_and_of_options_come_together() -> None:
    assert read([option("Lot", "L2,L1")], lots=["L1"]).lots == ("L1", "L2")


def test_nothing_of_other_options_is_kept() -> None:
    found = read([option("Engraving", "For Alma"), option("Lot number", "L1"), option("Lot", "")])
    assert (found.lots, found.serials, found.places) == ((), (), ())
    assert "Alma" not in str(found)


@pytest.mark.parametrize("pins", [{}, {"location": "Where"}])
def test_without_its_label_a_value_names_nothing(pins: dict[str, str]) -> None:
    found = read([option("Lot", "L7"), option("Serial number", "S"), option("Pick from", "MAIN")], pins, lots=["L1"])
    assert (found.lots, found.serials, found.places) == (("L1",), (), ())


@pytest.mark.parametrize(
    "options",
    [None, [], {}, "Lot", [None], ["Lot"], [{}], [option(7, "L")], [option("Lot", None)], [option("Lot", True)]],
)
def test_options_of_another_shape_name_nothing_and_keep_no_order_back(options: Any) -> None:
    assert read(options).lots == ()


def test_options_that_cannot_be_read_name_nothing() -> None:
    payload = msgspec.json.encode(order("D-1", [line("LAMP", 1, options=["@"])]))
    for broken in (b"[" * 500 + b"]" * 500, b'"\xff"'):
        found = channel().read(RawEvent("order_ship", payload.replace(b'"@"', broken)))
        assert isinstance(found, model.Snapshot)
        assert found.lines
        assert found.lines[0].lots == ()


def test_two_pins_of_one_label_are_refused() -> None:
    with pytest.raises(ValueError, match="lot, serial and location need different labels"):
        channel({"lot": "Number", "serial": "number"})
