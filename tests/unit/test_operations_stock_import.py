import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.errors import NotFound, Refused
from stockhook.model import Audit, Item, Location, Movement, Unit
from stockhook.operations import locations
from stockhook.operations.calendar import moment
from stockhook.operations.spreadsheet import FORMULA, armoured, lines, rows, write_lines
from stockhook.operations.stock import receipts
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock_import import COLUMNS, export_stock, import_stock
from stockhook.operations.units import Selection, list_units
from stockhook.quantity import ONE, parse
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"
HEADER = "sku,name,location,quantity"


def sheet(tmp_path: Path, text: str | bytes, name: str = "stock.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(shop: Shop, path: Path, **how: bool) -> list[str]:
    with pytest.raises(Refused) as caught:
        import_stock(shop.desk, path, **how)
    assert shop.find(Unit) == []
    assert shop.find(Movement) == []
    assert shop.find(Audit) == []
    return str(caught.value).splitlines()


def test_rows_become_units_and_what_is_missing_is_made_and_listed(shop: Shop, tmp_path: Path) -> None:
    file = sheet(
        tmp_path,
        f"{HEADER},received_at,lot,expires_on,unit_cost,serial,pick_sequence,priority,reference\n"
        "SOAP,Lavender soap,MAIN/FG/A-01,10.5,2026-10-01,L1,2027-03-31,1.25,,7,3,PO-1\n"
        "\n"
        "CLOCK,Clock,MAIN/FG,1,2026-10-01T09:00:00-04:00,,,,S-1,,,\n",
    )
    done = import_stock(shop.desk, file)
    assert (done.units, done.quantity) == (2, parse("11.5"))
    assert done.items == (Item("SOAP", "Lavender soap"), Item("CLOCK", "Clock", serial=True))
    assert [place.path for place in done.locations] == ["MAIN", "MAIN/FG", "MAIN/FG/A-01"]
    assert {p.path: p.pick_sequence for p in shop.find(Location)} == {"MAIN": None, "MAIN/FG": None, "MAIN/FG/A-01": 7}
    clock, soap = shop.find(Unit)
    assert (soap.sku, soap.quantity, soap.lot, soap.expires_on) == ("SOAP", parse("10.5"), "L1", date(2027, 3, 31))
    assert (soap.unit_cost, soap.priority, soap.reference) == (parse("1.25"), 3, "PO-1")
    assert soap.received_at == datetime(2026, 10, 1, tzinfo=UTC)
    assert (clock.serial, clock.received_at) == ("S-1", datetime(2026, 10, 1, 13, tzinfo=UTC))


@pytest.mark.parametrize(
    "written",
    [
        b"\xef\xbb\xbf" + b"sku,name,location,quantity\nSOAP,Seife,MAIN,3\n",
        b"SKU; Name ;location;quantity\r\nSOAP;Seife;MAIN;3\r\n",
        b'"sku","name","location","quantity",,\n"SOAP","Seife","MAIN","3",,\n',
        b"quantity,location,name,sku\n 3 , MAIN ,Seife, SOAP\n\n\n",
        b"sku,name,location,quantity\nSOAP,'=Seife,MAIN,3",
    ],
)
def test_what_spreadsheets_write_is_read(shop: Shop, tmp_path: Path, written: bytes) -> None:
    import_stock(shop.desk, sheet(tmp_path, written))
    assert [(u.sku, u.location, u.quantity) for u in shop.find(Unit)] == [("SOAP", "MAIN", 3 * ONE)]
    assert shop.find(Item)[0].name in ("Seife", "=Seife")


def test_every_bad_row_is_named_with_its_line_and_nothing_is_booked(shop: Shop, tmp_path: Path) -> None:
    file = sheet(
        tmp_path,
        f"{HEADER},received_at,expires_on,unit_cost,pick_sequence\n"
        "GOOD,,MAIN,1,,,,\n"
        'BAD,"two\nlines",MAIN,n/a,,,,\n'
        ",,MAIN,1,,,,\n"
        "A,,,,,,,\n"
        "A,,MAIN,0,,,,\n"
        "A,,MAIN//X,1,tomorrow,2026-02-30,-1,1.5\n"
        "A,,MAIN,1,2026-10-01T09:00:00,,,\n"
        "A,,MAIN,1,,,,,7\n",
    )
    expected = [
        "line 3: name: the name 'two\\nlines' holds the character '\\n', which cannot be printed; leave it out",
        "line 3: quantity: 'n/a' is not a number; write it like 3 or 0.5",
        "line 5: sku is empty",
        "line 6: location is empty",
        "line 6: quantity is empty",
        "line 7: quantity: 0 cannot be received; a receipt is above 0",
        "line 8: location: 'MAIN//X' is not the path of a location; write it like MAIN/FG/A-01",
        "line 8: received_at: 'tomorrow' is not a moment; write it like 2026-12-01 or 2026-12-01T09:30:00Z",
        "line 8: expires_on: '2026-02-30' is not a day; write it like 2027-03-31",
        "line 8: unit_cost: the unit cost -1 is below 0",
        "line 9: received_at: '2026-10-01T09:00:00' does not say its offset from UTC; write it like",
        "line 10: has 9 cells where the header has 8; is one not in quotes?",
    ]
    *said, last = refused(shop, file)
    assert last == "nothing was changed: all rows are taken or none"
    assert len(said) == len(expected)
    for found, begins in zip(said, expected, strict=True):
        assert found.startswith(f"stock.csv {begins}")
    assert shop.find(Item) == []
    assert shop.find(Location) == []


@pytest.mark.parametrize("number", ["", "1,5", "1 000", "NaN", "Infinity", "1e400", "0.0000001", "-3", "=1+1", "٣x"])
def test_a_bad_number_is_never_zero(shop: Shop, tmp_path: Path, number: str) -> None:
    said = refused(shop, sheet(tmp_path, f'{HEADER}\nSOAP,,MAIN,"{number}"\n'))
    assert said[0].startswith("stock.csv line 2: quantity")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"", "stock.csv line 1: the column sku is missing"),
        (b"sku,name,location\n", "stock.csv line 1: the column quantity is missing"),
        (b"sku,name,location,quantity,lott\n", "stock.csv line 1: the column 'lott' is not known; did you mean lot?"),
        (b"sku,name,location,quantity,sku\n", "stock.csv line 1: the column sku is there twice"),
        (b"sku,name,location,quantity\n", "stock.csv has no rows below its header; nothing was changed"),
        (b"sku,name,location,quantity\nA,,MAIN,1\nS\xe4ge,,MAIN,1\n", "stock.csv line 3: not UTF-8; save the file"),
        (b"sku,name,location,quantity\nA,\0,MAIN,1\n", "stock.csv line 2: holds a zero byte"),
        (b'sku,name,location,quantity\nA,"x"y,MAIN,1\n', "stock.csv line 2: "),
        ("sku,name,location,quantity\nA,,MAIN,1\n".encode("utf-16"), "stock.csv line 1: not UTF-8"),
        (b'sku,name,location,quantity\n"' + b"x" * 200_000 + b'",,MAIN,1\n', "stock.csv line 2: field larger"),
    ],
)
def test_a_file_that_is_none_is_refused(shop: Shop, tmp_path: Path, written: bytes, said: str) -> None:
    assert refused(shop, sheet(tmp_path, written))[0].startswith(said)


def test_a_file_that_is_not_there_or_a_folder_is_refused(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        import_stock(shop.desk, tmp_path / "nowhere.csv")
    with pytest.raises(Refused, match="cannot be read: Is a directory"):
        import_stock(shop.desk, tmp_path)


def test_a_file_imported_before_is_refused_with_the_date_unless_again(shop: Shop, tmp_path: Path) -> None:
    file = sheet(tmp_path, f"{HEADER}\nSOAP,,MAIN,3\n")
    import_stock(shop.desk, file)
    shop.clock.advance(timedelta(days=1))
    with pytest.raises(Refused, match=r"renamed.csv was imported on 2026-12-01 09:00 UTC by cli:test.*--again"):
        import_stock(shop.desk, file.rename(tmp_path / "renamed.csv"))
    assert shop.on_hand("SOAP") == 3 * ONE
    import_stock(shop.desk, tmp_path / "renamed.csv", again=True)
    assert shop.on_hand("SOAP") == 6 * ONE


@pytest.mark.parametrize("reached", ["_check", "_unit"])
def test_a_file_imported_by_two_at_the_same_time_is_booked_once(
    reached: str, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sheet(tmp_path, f"{HEADER}\nSOAP,,MAIN,3\n")
    plain = getattr(receipts, reached)

    def beside(*given: object) -> object:
        monkeypatch.undo()
        import_stock(shop.desk, file)
        return plain(*given)

    monkeypatch.setattr(receipts, reached, beside)
    with pytest.raises(Refused, match=r"stock\.csv was imported on"):
        import_stock(shop.desk, file)
    assert shop.on_hand("SOAP") == 3 * ONE
    assert len(shop.find(Audit)) == 1


def test_a_refused_file_may_be_imported_once_it_is_right(shop: Shop, tmp_path: Path) -> None:
    file = sheet(tmp_path, f"{HEADER}\nSOAP,,MAIN,3\n")
    assert refused(shop, file, create=False) == [
        "stock.csv line 2: there is no item SOAP; leave out --no-create to have it made",
        "stock.csv line 2: there is no location MAIN; leave out --no-create to have it made",
        "nothing was changed: all rows are taken or none",
    ]
    shop.items("SOAP")
    assert import_stock(shop.desk, file, create=False).units == 1


def test_serial_numbers_are_one_piece_each_and_once(shop: Shop, tmp_path: Path) -> None:
    shop.items("SOAP")
    import_stock(shop.desk, sheet(tmp_path, f"{HEADER},serial\nCLOCK,,MAIN,1,S-1\n"))
    file = sheet(
        tmp_path,
        f"{HEADER},serial\nCLOCK,,MAIN,1,S-2\nclock,,MAIN,1,S-2\nCLOCK,,MAIN,2,S-3\nCLOCK,,MAIN,1,\nCLOCK,,MAIN,1,S-1\n"
        "SOAP,,MAIN,1,S-4\n",
    )
    with pytest.raises(Refused) as caught:
        import_stock(shop.desk, file)
    assert str(caught.value).splitlines()[:-1] == [
        "stock.csv line 3: serial: S-2 of CLOCK is on line 2 as well",
        "stock.csv line 4: quantity: a piece with a serial number is 1, not 2",
        "stock.csv line 5: serial is empty, but CLOCK has serial numbers: one row for each piece",
        "stock.csv line 6: serial: S-1 of CLOCK is in stock already, as unit 1",
        "stock.csv line 7: serial: SOAP has no serial numbers",
    ]
    assert len(shop.find(Unit)) == 1


def test_the_pick_sequence_of_a_location_is_not_changed_in_passing(shop: Shop, tmp_path: Path) -> None:
    locations.add(shop.desk, "MAIN", pick_sequence=3)
    file = sheet(tmp_path, f"{HEADER},pick_sequence\nA,,MAIN,1,3\nA,,MAIN,1,4\nA,,B,1,1\nA,,B,1,2\n")
    assert refused_lines(shop, file) == [
        "stock.csv line 3: pick_sequence: MAIN has 3; change it with: stockhook locations set MAIN --pick-sequence 4",
        "stock.csv line 5: pick_sequence: a row above gives B the number 1",
    ]


def refused_lines(shop: Shop, file: Path) -> list[str]:
    with pytest.raises(Refused) as caught:
        import_stock(shop.desk, file)
    return str(caught.value).splitlines()[:-1]


def test_an_import_settles_what_was_owed_and_wakes_who_waited_for_a_new_item(shop: Shop, tmp_path: Path) -> None:
    shop.items("SOAP")
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2, shipped=SHIPPED), line("NEW", 1, shipped=SHIPPED)])))
    done = import_stock(shop.desk, sheet(tmp_path, f"{HEADER}\nSOAP,,MAIN,5\nNEW,,MAIN,5\n"))
    assert done.orders == 1
    shop.work()
    assert shop.booked("D-1") == {"SOAP": 2 * ONE, "NEW": ONE}
    assert shop.problems() == set()


def test_what_is_exported_can_be_imported_elsewhere(shop: Shop, tmp_path: Path) -> None:
    shop.items("SOAP", "=EVIL")
    shop.receive(("SOAP", "3.25"), lot="-5", expires_on=date(2027, 1, 1), unit_cost=parse("0.1"), reference="@ref")
    shop.receive(("=EVIL", 1), priority=-2)
    shop.receive(("SOAP", 1))
    adjust(shop.desk, 3, -ONE, "broken")
    written = list(export_stock(shop.desk))
    table = list(csv.reader(io.StringIO("".join(written))))
    assert table[0] == list(COLUMNS)
    assert [row[0] for row in table[1:]] == ["'=EVIL", "SOAP"]
    assert (table[2][5], table[2][11]) == ("'-5", "'@ref")
    assert len(list(export_stock(shop.desk, everything=True))) == 4

    store = MemoryStore()
    store.open()
    other = Shop(store, shop.channel, Fifo(Fifo.Options()))
    import_stock(other.desk, sheet(tmp_path, "".join(written)))
    mine = [
        (u.sku, u.quantity, u.lot, u.expires_on, u.unit_cost, u.reference, u.priority) for u in list_units(shop.desk)
    ]
    theirs = [
        (u.sku, u.quantity, u.lot, u.expires_on, u.unit_cost, u.reference, u.priority) for u in list_units(other.desk)
    ]
    assert sorted(theirs, key=str) == sorted(mine, key=str)


@given(
    (st.text(max_size=8) | st.text("a;'\" =+-@\t", max_size=8))
    .map(lambda cell: cell.replace("\0", "").replace("\r", "").strip())
    .filter(lambda c: "\n" not in c)
)
def test_no_cell_that_we_write_is_taken_for_a_formula_and_each_is_read_back(cell: str) -> None:
    written = "".join(lines(("sku",), [(armoured(f"{cell}"),), ("end",)]))
    first, *_ = list(csv.reader(io.StringIO(written)))[1:]
    assert not (first and first[0].startswith(FORMULA))
    for part in re.split(r"[;\t\r\n]", written.partition("\n")[2])[1:]:  # as a spreadsheet with a decimal comma does
        assert not part.strip('" ').startswith(("=", "+", "-", "@"))
    found = rows(written.encode(), ("sku",), (), "x.csv")
    if cell and not (cell.startswith("'") and cell[1:].startswith(FORMULA)):
        assert found[0].text("sku") == cell


def test_a_file_we_write_is_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert write_lines(path, ["a\n", "b\n"]) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused, match="exists"):
        write_lines(path, ["c\n"])
    assert path.read_text() == "a\nb\n"
    with pytest.raises(Refused, match="cannot be written"):
        write_lines(tmp_path / "no" / "folder.csv", [])


def test_stock_as_of_a_moment_is_what_the_book_said_then(shop: Shop) -> None:
    shop.items("SOAP")
    before = shop.clock.now()
    shop.clock.advance(timedelta(hours=1))
    shop.receive(("SOAP", 10), received_at=moment("2026-01-01"))
    received = shop.clock.now()
    shop.clock.advance(timedelta(hours=1))
    adjust(shop.desk, 1, -10 * ONE, "broken")
    assert list_units(shop.desk) == []
    assert [unit.quantity for unit in list_units(shop.desk, Selection(everything=True))] == [0]
    assert [unit.quantity for unit in list_units(shop.desk, as_of=received)] == [10 * ONE]
    assert list_units(shop.desk, Selection(everything=True), as_of=before) == []


def test_units_are_listed_by_item_and_by_subtree(shop: Shop) -> None:
    shop.items("SOAP", "BOX")
    for path in ("MAIN/FG/A", "MAIN/FG/B", "MAIN/FG2"):
        locations.add(shop.desk, path)
        shop.receive(("SOAP", 1), location=path)
    shop.receive(("BOX", 1), location="MAIN/FG/A")
    assert [u.location for u in list_units(shop.desk, Selection("soap", "MAIN/FG"))] == ["MAIN/FG/B", "MAIN/FG/A"]
    assert len(list_units(shop.desk, most=3)) == 3
    with pytest.raises(NotFound, match="did you mean SOAP"):
        list_units(shop.desk, Selection("SOPA"))
    with pytest.raises(NotFound, match="did you mean MAIN/FG2"):
        list_units(shop.desk, Selection(location="MAIN/FG3"))
