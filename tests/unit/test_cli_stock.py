"""``stockhook stock`` as a person types it, at the desk of a shop in memory."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from at_desk import at_desk

from stockhook.operations.stock.adjustments import adjust
from stockhook.quantity import ONE
from stockhook.testing.shop import Shop


def moved_on_the_last_of_march(shop: Shop) -> None:
    """Receive ten on 30 March, lose three in the last instant of the 31st, and two in the first one behind it."""
    shop.items("SOAP")
    shop.clock.advance(datetime(2027, 3, 30, 12, tzinfo=UTC) - shop.clock.now())
    shop.receive(("SOAP", 10))
    midnight = datetime(2027, 4, 1, tzinfo=UTC)
    for quantity, moment in ((-3, midnight - timedelta(microseconds=1)), (-2, midnight)):
        shop.clock.advance(moment - shop.clock.now())
        adjust(shop.desk, 1, quantity * ONE, "broken")
    shop.clock.advance(timedelta(hours=9))


def test_stock_as_of_a_day_holds_all_that_was_booked_on_it_and_says_of_which_moment_it_is(shop: Shop) -> None:
    moved_on_the_last_of_march(shop)
    for asked, moment, quantity in (
        ("2027-03-30", "2027-03-30 23:59:59Z", "10"),
        ("2027-03-31", "2027-03-31 23:59:59Z", "7"),
        ("2027-03-31T00:00:00Z", "2027-03-31 00:00:00Z", "10"),
        ("2027-04-01", "2027-04-01 09:00:00Z", "5"),
    ):
        heading, columns, unit = at_desk(shop.desk, "stock", "list", "--as-of", asked).stdout.splitlines()
        assert heading == f"as of {moment}, by the time of booking:"
        assert unit.split()[columns.split().index("quantity") - 1] == quantity, unit


def test_stock_of_a_day_without_any_is_not_told_to_be_received_now(shop: Shop) -> None:
    moved_on_the_last_of_march(shop)
    done = at_desk(shop.desk, "stock", "list", "--as-of", "2027-03-29")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "nothing was in stock as of 2027-03-29 23:59:59Z, by the time of booking\n"
    done = at_desk(shop.desk, "stock", "list", "--as-of", "2027-04-02")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "2027-04-02 23:59:59Z is in the future" in done.stderr


@pytest.mark.parametrize(
    "typed", ["receive SOAP -3 --location MAIN", "move 1 -3 --to MAIN", "count SOAP -3 --location MAIN", "count 1 -3"]
)
def test_a_quantity_below_zero_is_told_as_what_it_is(shop: Shop, typed: str) -> None:
    done = at_desk(shop.desk, "stock", *typed.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert "-3 is below zero, which is no quantity here" in done.stderr
    assert "stockhook stock adjust UNIT -3 --reason CODE" in done.stderr


def test_an_option_that_is_none_is_told_as_that_beside_a_quantity_below_zero(shop: Shop) -> None:
    done = at_desk(shop.desk, "stock", "receive", "SOAP", "--locaton", "MAIN", "-3")
    assert "--locaton" in done.stderr
    assert "below zero" not in done.stderr


def test_a_location_that_is_not_there_is_told_in_one_way(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 1))
    told = "Error: there is no location 'WEST/9'; add it with: stockhook locations add WEST/9\n"
    for typed in ("receive SOAP 1 --location WEST/9", "move 1 1 --to WEST/9", "list --location WEST/9"):
        done = at_desk(shop.desk, "stock", *typed.split())
        assert (done.exit_code, done.stderr) == (1, told), typed
    done = at_desk(shop.desk, "stock", "receive", "SOAP", 1, "--location", "MAIM")
    assert done.stderr == "Error: there is no location 'MAIM'; did you mean MAIN?\n"


def test_a_file_of_counts_with_other_columns_is_told_of_both_forms(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "counted.csv"
    by_place, by_unit = "sku, location, quantity", "unit_id, quantity"
    for header, columns in (("sku,quantity", f"{by_place}; or {by_unit}"), ("unit_id,n", f"{by_unit}; or {by_place}")):
        file.write_text(f"{header}\nSOAP,1\n")
        done = at_desk(shop.desk, "stock", "count", "--file", file)
        assert done.exit_code == 1
        assert done.stderr.endswith(f"\nthe first line names the columns: {columns}\n")
