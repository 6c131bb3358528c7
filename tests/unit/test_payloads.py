"""The bodies that tests, the demo and benchmarks send."""

import subprocess
import sys
from decimal import Decimal

import msgspec

from stockhook.testing.payloads import (
    array,
    compressed,
    envelope,
    kit,
    line,
    order,
    order_create,
    order_refund,
    order_reject,
    order_ship,
)

SHIPPED = "2026-03-03T14:02:11-05:00"


def test_lines_are_numbered_by_their_place_unless_they_say_otherwise():
    lines = [line("A", 1), line("B", 1, index=7), line("C", 1), *kit("D", 1, [("E", 2)], index=9)]
    assert [each["item_index"] for each in order("DEMO-1", lines)["items"]] == [1, 7, 3, 9, 10]


def test_what_is_not_so_is_left_out_as_the_store_does():
    assert not {"kit", "kit_component", "shipped_dts", "edi", "quantity_refunded"} & line("A", 1).keys()
    assert not {"items", "shipping", "payment", "refund_dts", "linked_shipment"} & order("DEMO-1", None).keys()


def test_each_element_is_named_by_its_event():
    made = [make("DEMO-1", [line("A", 1)]) for make in (order_create, order_ship, order_refund, order_reject)]
    assert [name for element in made for name in element] == [
        "order_create",
        "order_ship",
        "order_refund",
        "order_reject",
    ]
    assert made[3]["order_reject"]["current_stage"] == "Rejected"
    assert order_reject("DEMO-1", [], stage="Hold")["order_reject"]["current_stage"] == "Hold"


def test_quantities_are_written_exactly_and_texts_as_texts():
    body = array(order_ship("DEMO-1", [line("A", Decimal("0.10")), line("B", "2"), line("C", 3)]))
    assert b'"quantity":0.10,' in body
    assert b'"quantity":"2",' in body
    assert b'"quantity":3,' in body


def test_the_three_bodies_hold_the_same_elements_and_repeat_byte_by_byte():
    elements = [order_ship("DEMO-1", [line("A", 1)]), order_create("DEMO-2", None)]
    assert msgspec.json.decode(envelope(*elements)) == {"events": msgspec.json.decode(array(*elements))}
    assert compressed(*elements) == compressed(*elements)
    assert len(compressed(*elements)) < len(envelope(*elements))


def test_a_shipment_of_three_lines_has_about_the_size_of_a_real_one():
    lines = [line(code, 2, shipped=SHIPPED) for code in ("LAMP-01", "SOAP-A", "SOAP-B")]
    assert 1900 < len(envelope(order_ship("DEMO-0000000001", lines, shipping_date=SHIPPED))) < 2400


def test_building_bodies_needs_no_test_library():
    program = "import sys, stockhook.testing.payloads; print({'pytest', 'hypothesis', 'sqlalchemy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
