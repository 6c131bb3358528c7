"""A record as a row: fields by their names, written as JSON has them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import fields as fields_of

from stockhook.quantity import ONE
from stockhook.rows.dry_run import WouldBeEvent, WouldBeMovement
from stockhook.rows.received import EventRow
from stockhook.rows.stock import MovementRow
from stockhook.rows.values import Amount, Moment, Row, row_of
from stockhook.testing import factories as make

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Box:
    name: str
    weight: int
    cost: int | None
    packed: datetime
    sent: datetime | None
    holds: tuple[str, ...]


class PartRow(Row, frozen=True, kw_only=True):
    name: str


class BoxRow(Row, frozen=True, kw_only=True):
    name: str
    weight: Amount
    cost: Amount | None
    packed: Moment
    sent: Moment | None
    holds: list[str]


class BoxOfParts(Row, frozen=True, kw_only=True):
    name: str
    holds: list[PartRow]


BOX = Box("B-1", ONE // 2, 7 * ONE, NOON.astimezone(timezone(timedelta(hours=5))), NOON, ("SOAP", "SALT"))


def test_quantities_become_text_times_utc_and_sequences_lists() -> None:
    row = row_of(BoxRow, BOX)
    assert row == BoxRow(name="B-1", weight="0.5", cost="7", packed=NOON, sent=NOON, holds=["SOAP", "SALT"])
    assert row.packed.utcoffset() == timedelta(0)


def test_what_is_absent_stays_absent() -> None:
    row = row_of(BoxRow, Box("B-2", 0, None, NOON, None, ()))
    assert (row.weight, row.cost, row.sent, row.holds) == ("0", None, None, [])


def test_what_is_given_stands_whatever_the_record_says() -> None:
    assert row_of(BoxRow, BOX, name="other", weight="9").weight == "9"
    assert row_of(BoxRow, BOX, name="other").name == "other"
    assert row_of(BoxRow, BOX).name == "B-1"


def test_a_field_that_the_record_lacks_is_an_error() -> None:
    with pytest.raises(AttributeError, match="weight"):
        row_of(BoxRow, PartRow(name="B-3"))


def test_rows_within_a_row_are_never_taken_from_the_record_as_they_are() -> None:
    with pytest.raises(TypeError, match="holds"):
        row_of(BoxOfParts, BOX)
    assert row_of(BoxOfParts, BOX, holds=[PartRow(name="SOAP")]).holds == [PartRow(name="SOAP")]


@pytest.mark.parametrize(("booked", "would_be"), [(MovementRow, WouldBeMovement), (EventRow, WouldBeEvent)])
def test_what_would_be_is_told_as_what_is_with_ids_that_may_be_absent(booked: type[Row], would_be: type[Row]) -> None:
    told = {field.name: field.type for field in fields_of(would_be)}
    ids = {field.name for field in fields_of(booked) if told[field.name] != field.type}
    assert "id" in ids
    assert all(told[name] == int | None for name in ids)


def test_a_movement_is_told_with_all_its_ids() -> None:
    movement = make.movement(id=5, quantity=-ONE)
    assert (row_of(MovementRow, movement).id, row_of(MovementRow, movement).quantity) == (5, "-1")
