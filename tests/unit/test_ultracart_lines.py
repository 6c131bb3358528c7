"""The lines of an order, their quantities, indexes, codes and dates, as a snapshot shows them."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.plugin import BadEvent, RawEvent
from stockhook.quantity import ONE
from stockhook.testing.payloads import kit, line, order
from stockhook_plugins.channels.ultracart.snapshot import Reader

CREATED = "2026-03-01T09:00:00-05:00"


def read(payload):
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Reader("DEMO", ZoneInfo("America/New_York")).read(RawEvent("order_ship", raw))


def read_lines(*lines, **facts):
    return read(order("DEMO-1", lines, **facts)).lines


def refused(payload):
    with pytest.raises(BadEvent) as caught:
        read(payload)
    assert caught.value.kind == "bad-lines"
    return str(caught.value)


def refused_line(**fields):
    """Return why an order whose second line has these fields is refused."""
    return refused(order("DEMO-1", [line("LAMP-01", 1, index=1), line("SOAP", 1, index=7) | fields]))


def test_what_is_wrong_is_told_with_the_order_so_that_a_person_finds_it_in_the_store():
    assert refused_line(quantity=-1).startswith("order_ship of order DEMO-1, line 7: quantity -1 ")
    assert refused_line(quantity=[]).startswith("order_ship of order DEMO-1, line 7: quantity")
    unreadable = refused(order("DEMO\x00", [line("SOAP", -1)]))
    assert unreadable.startswith("order_ship: order_id ")
    assert "\x00" not in unreadable


# --- dates


def test_times_become_utc_and_the_ship_date_stays_the_day_as_written():
    late = "2026-03-03T23:30:00-05:00"
    found = read(order("DEMO-1", [line("LAMP-01", 1, shipped=late)], shipping_date=late))
    assert found.shipping_date == found.lines[0].shipped_at == datetime(2026, 3, 4, 4, 30, tzinfo=UTC)
    assert found.ship_date == found.lines[0].ship_date == date(2026, 3, 3)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-03T14:02:11Z", datetime(2026, 3, 3, 14, 2, 11, tzinfo=UTC)),
        ("2026-03-03T14:02:11.5+00:00", datetime(2026, 3, 3, 14, 2, 11, 500_000, tzinfo=UTC)),
        (" 2026-03-03T14:02:11-0500 ", datetime(2026, 3, 3, 19, 2, 11, tzinfo=UTC)),
        ("2026-03-03T14:02:11", datetime(2026, 3, 3, 19, 2, 11, tzinfo=UTC)),
        ("2026-07-03T14:02:11", datetime(2026, 7, 3, 18, 2, 11, tzinfo=UTC)),
        ("2026-03-03", datetime(2026, 3, 3, 5, tzinfo=UTC)),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_dates_are_read_with_an_offset_without_one_and_blank(written, moment):
    [found] = read_lines(line("LAMP-01", 1, shipped_dts=written))
    assert found.shipped_at == moment


UNREADABLE_DATES = ["soon", "03/03/2026", "2026-02-30T00:00:00Z", 1772546531, True, [], {}, "0001-01-01T00:00:00+14:00"]


@pytest.mark.parametrize("written", UNREADABLE_DATES)
def test_a_line_whose_shipping_date_cannot_be_read_is_refused_so_that_no_shipment_is_lost(written):
    said = refused_line(shipped_dts=written)
    assert "line 7: shipped_dts" in said
    assert "2026-03-03T14:02:11-05:00" in said


@pytest.mark.parametrize("written", UNREADABLE_DATES)
def test_any_other_date_that_cannot_be_read_is_as_good_as_missing(written):
    found = read(
        order(
            "DEMO-1",
            [line("LAMP-01", 1, transmitted_to_distribution_center_dts=written)],
            created=CREATED,
            shipping={"shipping_date": written},
            payment={"payment_dts": written},
            refund_dts=written,
            reject_dts=written,
            current_stage_histories=[{"transition_dts": written}],
        )
    )
    assert found.as_of == datetime(2026, 3, 1, 14, tzinfo=UTC)
    assert (found.shipping_date, found.refunded_at, found.rejected) == (None, None, False)


# --- lines


def test_a_kit_and_its_components_keep_their_flags_and_parents():
    found = read_lines(*kit("GIFTSET", 2, [("SOAP-A", 2), ("SOAP-B", 4)], index=3))
    assert [(each.item_index, each.kit, each.component, each.parent_index) for each in found] == [
        (3, True, False, None),
        (4, False, True, 3),
        (5, False, True, 3),
    ]


@pytest.mark.parametrize(
    ("written", "millionths"),
    [
        ("1", ONE),
        ("1.0", ONE),
        ("0.5", ONE // 2),
        ('"2"', 2 * ONE),
        ('" 2.50 "', 2_500_000),
        ("0", 0),
        ("-0.0", 0),
        ("1e2", 100 * ONE),
        ("0.000001", 1),
        ("0.1000000000", 100_000),
        ("1000000000", 10**9 * ONE),
        ("1000000000.0", 10**9 * ONE),
    ],
)
def test_quantities_are_exact_however_they_are_written(written, millionths):
    payload = json.dumps(order("DEMO-1", [line("LAMP-01", "HERE", refunded="HERE")])).replace('"HERE"', written)
    [found] = read(payload.encode()).lines
    assert (found.quantity, found.quantity_refunded) == (millionths, millionths)
    assert type(found.quantity) is int


@pytest.mark.parametrize("field", ["quantity", "quantity_refunded"])
@pytest.mark.parametrize(
    "written",
    [
        *("-1", "-0.5", '"-2"', "0.0000001", "1000000001", "1e999999", "1e-999999", "9" * 50, "9" * 5000),
        "1." + "0" * 10_001 + "1",
        *('"NaN"', '"sNaN"', '"Infinity"', '"-Infinity"', '"two"', '""', "true", "[1]", "{}"),
    ],
)
def test_what_is_no_quantity_is_refused_naming_line_and_field(field, written):
    payload = json.dumps(order("DEMO-1", [line("LAMP-01", 1, index=7) | {field: "HERE"}]))
    said = refused(payload.replace('"HERE"', written).encode())
    assert f"{field}" in said
    assert "line 7" in said or "line at place 1" in said
    assert len(said) < 250


def test_a_missing_quantity_is_refused_and_a_missing_refund_is_none():
    assert "line 7: quantity is missing" in refused_line(quantity=None)
    assert read_lines(line("LAMP-01", 1, quantity_refunded=None))[0].quantity_refunded == 0


@given(st.decimals(min_value=0, max_value=10**9, places=6))
def test_any_quantity_of_six_places_is_read_as_written(amount):
    payload = json.dumps(order("DEMO-1", [line("LAMP-01", "HERE")])).replace('"HERE"', f"{amount:f}")
    [found] = read(payload.encode()).lines
    assert Decimal(found.quantity) == amount * ONE


@pytest.mark.parametrize(("written", "index"), [(0, 0), (1.0, 1), ("2", 2), (7, 7), (2**31 - 1, 2**31 - 1)])
def test_an_index_is_a_whole_number_however_it_is_written(written, index):
    [found] = read_lines(line("LAMP-01", 1, item_index=written, parent_item_index=written))
    assert (found.item_index, found.parent_index) == (index, index)


@pytest.mark.parametrize("field", ["item_index", "parent_item_index"])
@pytest.mark.parametrize("written", [1.5, -1, "x", "NaN", "sNaN", "Infinity", True, [], 2**31, 1e300, 10**30])
def test_what_is_no_index_is_refused(field, written):
    said = refused_line(**{field: written})
    assert field in said
    assert "line" in said


def test_a_line_without_an_index_is_refused_by_its_place():
    assert "line at place 2: item_index is missing" in refused_line(item_index=None)


def test_an_index_that_is_there_twice_is_refused():
    said = refused(order("DEMO-1", [line("A", 1, index=7), line("B", 1, index=7.0)]))
    assert "line 7: item_index is there twice" in said


def test_codes_are_trimmed_and_otherwise_left_alone():
    [found] = read_lines(line("  Baseball Bat ", 1))
    assert found.code == "Baseball Bat"
    assert read_lines(line("läMP/1 \U0001f9fc", 1))[0].code == "läMP/1 \U0001f9fc"


@pytest.mark.parametrize("code", [None, "", "  ", "A\x00B", "A\ufffdB", "x" * 201, 5, ["A"]])
def test_a_line_without_a_usable_code_is_refused(code):
    said = refused_line(merchant_item_id=code)
    assert "line 7: merchant_item_id" in said
    assert len(said) < 200


def test_lots_reason_and_center_are_trimmed_and_blanks_are_nothing():
    lots = [{"lot_number": " L-1 "}, {"lot_number": ""}, {"lot_number": None}, None, {"lot_number": 77}, {}]
    [found] = read_lines(
        line("LAMP-01", 1, edi={"lots": lots}, return_reason=" Defective ", distribution_center_code=" ")
    )
    assert (found.lots, found.return_reason, found.center) == (("L-1", "77"), "Defective", None)
    for edi in (None, {}, {"lots": None}, {"lots": []}):
        assert read_lines(line("LAMP-01", 1, edi=edi))[0].lots == ()


def test_no_text_that_a_database_could_not_hold_gets_through():
    [found] = read_lines(line("LAMP-01", 1, return_reason="a\x00b", center="x" * 10_000, lots=["\x00"]))
    assert (found.return_reason, len(found.center), found.lots) == ("a\ufffdb", 200, ("\ufffd",))


@pytest.mark.parametrize("fields", [{"kit": "Y"}, {"kit_component": 1}, {"edi": []}, {"edi": {"lots": "L"}}])
def test_a_field_of_another_type_is_refused_naming_line_and_field(fields):
    said = refused_line(**fields)
    assert f"line 7: {next(iter(fields))}" in said


@pytest.mark.parametrize("items", [{}, "none", [None], [[]], 5])
def test_items_that_are_no_list_of_lines_are_refused(items):
    assert "items" in refused(order("DEMO-1", None, items=items)) or items in ([None], [[]])


@pytest.mark.parametrize("field", ["quantity", "quantity_refunded", "item_index", "parent_item_index", "shipped_dts"])
@pytest.mark.parametrize("written", ["A Name", "one@example.com", "4111111111111111", "555-0142-7788", "999-99-9999"])
def test_what_may_be_about_a_person_is_not_repeated_where_a_number_or_a_date_should_be(field, written):
    said = refused_line(**{"item_index": 7, field: written})
    assert field in said
    assert written not in said


@pytest.mark.parametrize(
    ("field", "written"),
    [("quantity", "-1"), ("quantity", "0.1234567"), ("item_index", "1.5"), ("shipped_dts", "2026-02-30T10:00:00-05:00"),
     ("shipped_dts", "3/14/2026 10:00")],
)  # fmt: skip
def test_a_bad_number_or_date_is_repeated_as_it_was_written(field, written):
    assert written in refused_line(**{field: written})


def test_an_event_that_is_refused_still_says_which_order_it_is_about():
    with pytest.raises(BadEvent) as caught:
        read(order("DEMO-1", [line("SOAP", -1)]))
    assert (caught.value.account, caught.value.order_id) == ("ultracart:DEMO", "DEMO-1")
    with pytest.raises(BadEvent) as caught:
        read(order("ELSE-1", [line("SOAP", 1)], merchant_id="ELSE"))
    assert (caught.value.kind, caught.value.account) == ("wrong-merchant", "ultracart:ELSE")
