"""What a stock keeper types, on a real store: what it answers, and what is refused with a sentence and no change."""

import pytest
from house import House

from stockhook.testing.payloads import envelope, line, order_ship

STOCK_KEYS = [
    "unit_id", "sku", "location", "lot", "serial", "quantity", "held", "received_at", "expires_on", "unit_cost",
]  # fmt: skip
WHY = ("--reason", "test")

REFUSED = {
    "move": [
        (("9", "1", "--to", "BACK"), "there is no unit 9"),
        (("1", "1", "--to", "BAKC"), "there is no location 'BAKC'; did you mean BACK?"),
        (("1", "1", "--to", "MAIN/FG"), "unit 1 lies at MAIN/FG already"),
        (("1", "11", "--to", "BACK"), "unit 1 holds 10 of SOAP: 11 cannot be moved"),
        (("1", "0", "--to", "BACK"), "give a quantity above 0"),
        (("2", "0.5", "--to", "BACK"), "unit 2 is one piece with the serial number C-1: move 1, not 0.5"),
    ],
    "adjust": [
        (("9", "+1", *WHY), "there is no unit 9"),
        (("1", "-11", *WHY), "unit 1 holds 10 of SOAP: -11 would leave it below zero"),
        (("1", "0", *WHY), "an adjustment by 0 changes nothing"),
        (("1", "+1", "--reason", " "), "an adjustment needs a reason"),
        (("2", "+1", *WHY), "CLOCK with the serial number C-1 is one piece"),
    ],
    "count": [
        (("9", "1"), "there is no unit 9"),
        (("SOPA", "1", "--location", "MAIN/FG"), "there is no item 'SOPA'; did you mean SOAP?"),
        (("SOAP", "1", "--location", "MAIM/FG"), "there is no location 'MAIM/FG'; did you mean MAIN/FG?"),
        (("SOAP", "1", "--location", "MAIN"), "SOAP lies below MAIN, not at it"),
        (("CLOCK", "3", "--location", "MAIN/FG"), "CLOCK has serial numbers, and 1 should be at MAIN/FG, not 3"),
        (("2", "2"), "unit 2 is one piece with a serial number: count 1 or 0, not 2"),
        (("1", "5", "--at", "2099-01-01T00:00:00Z"), "has not come yet"),
        (("--file", "nowhere.csv"), "there is no file nowhere.csv"),
    ],
    "amend": [
        (("9", "--lot", "L2", *WHY), "there is no unit 9"),
        (("1", *WHY), "nothing to amend; give --lot"),
        (("1", "--lot", "L1", *WHY), "unit 1 says so already"),
        (("1", "--lot", "L2", "--reason", ""), "an amendment needs a reason"),
        (("1", "--serial", "X", *WHY), "SOAP has no serial numbers"),
        (("2", "--clear", "serial", *WHY), "CLOCK has serial numbers: give unit 2 another one rather than none"),
    ],
    "undo": [
        (("99", *WHY), "there is no movement 99"),
        (("3", *WHY), "follows the order; change what is booked for it: stockhook orders correct D-1 LINE"),
        (("1", *WHY), "movement 1 put 12 of SOAP into unit 1, which holds 10 now: the rest has been used"),
        (("1", "--reason", ""), "an undo needs a reason"),
    ],
    "hold": [
        (("9", *WHY), "there is no unit 9"),
        (("--lot", "L9", *WHY), "there is no lot 'L9'; did you mean L1?"),
        (("1", "--reason", "x" * 300), "at most 200 characters are kept"),
    ],
    "release": [
        (("9", *WHY), "there is no unit 9"),
        (("--lot", "L9", *WHY), "there is no lot 'L9'; did you mean L1?"),
        (("1", "--reason", " "), "a release needs a reason"),
    ],
    "receive": [
        (("RETIRED", "1", "--location", "BACK"), "RETIRED is retired, no more of it is received; to take that back:"),
        (
            ("CLOCK", "1", "--location", "BACK", "--serial", "c-1"),
            "the serial number C-1 is in stock already, as unit 2",
        ),
    ],
}

MISUSED = {
    "move": [(("1", "1"), "Missing option '--to'"), (("1", "x", "--to", "BACK"), "'x' is not a number")],
    "adjust": [(("1", "+1"), "Missing option '--reason'"), (("0", "+1", *WHY), "0 is not in the range")],
    "count": [
        ((), "say what was counted, and how much"),
        (("SOAP", "1"), "'SOAP' is no number of a unit; of an item, say where it was counted: --location PATH"),
        (("1", "5", "--file", "c.csv"), "count from a file, or by hand"),
        (("9" * 30, "1"), "is no number of a unit"),
        (("1", "5", "--at", "soon"), "'soon' is not a moment"),
    ],
    "amend": [
        (("1", "--lot", "L2"), "Missing option '--reason'"),
        (("1", "--lot", "L2", "--clear", "lot", *WHY), "lot is both given and cleared"),
        (("1", "--clear", "quantity", *WHY), "'quantity' is not one of 'lot'"),
        (("1", "--expires-on", "soon", *WHY), "'soon' is not a day"),
    ],
    "undo": [(("1",), "Missing option '--reason'"), (("x", *WHY), "'x' is not a valid integer")],
    "hold": [(WHY, "name a unit by its number, or a lot"), (("1", "--lot", "L1", *WHY), "name a unit by its number")],
    "release": [(WHY, "name a unit by its number, or a lot"), (("1",), "Missing option '--reason'")],
}


@pytest.fixture
def shelf(house: House) -> House:
    """Unit 1: 10 of SOAP, lot L1, of which an order took 2. Unit 2: one CLOCK with a number."""
    house.done("items", "add", "SOAP")
    house.done("items", "add", "CLOCK", "--serial")
    house.done("items", "add", "RETIRED")
    house.done("items", "retire", "RETIRED")
    house.done("locations", "add", "MAIN/FG")
    house.done("locations", "add", "BACK")
    house.done("stock", "receive", "SOAP", "12", "--location", "MAIN/FG", "--lot", "L1", "--unit-cost", "1.50")
    house.done("stock", "receive", "CLOCK", "1", "--location", "MAIN/FG", "--serial", "C-1")
    house.play(envelope(order_ship("D-1", [line("SOAP", 2, shipped="2026-11-02T12:00:00-05:00")])))
    return house


@pytest.mark.parametrize("command", REFUSED)
def test_bad_input_is_refused_with_a_sentence_and_changes_nothing(shelf: House, command: str) -> None:
    for words, says in REFUSED[command]:
        assert says in shelf.refused("stock", command, *words), words
    for words, says in MISUSED.get(command, []):
        assert says in shelf.refused("stock", command, *words, code=2), words


def test_a_bad_file_of_counts_names_each_bad_row_and_books_none(shelf: House) -> None:
    file = shelf.folder / "counted.csv"
    for text, lines in {
        "unit_id,quantity\n1,5\n9,1\nx,1\n2,-1\n,3\n": (
            "line 4: unit_id: 'x'",
            "line 5: quantity: -1",
            "line 6: unit_id",
        ),
        "unit_id,quantity\n1,5\n9,1\n1,6\n": ("line 3: there is no unit 9", "line 4: unit 1 is counted twice"),
        "sku,location,quantity\nSOAP,MAIN/FG,5\nSOPA,MAIN/FG,5\n": ("line 3: there is no item 'SOPA'",),
        "sku,location,quantity\nSOAP,MAIN/FG,5\nsoap,MAIN/FG,6\n": ("line 3: SOAP at MAIN/FG is counted twice",),
        "sku,quantity\nSOAP,5\n": ("line 1: the column location is missing",),
        "sku,location,quantity\n": ("counted.csv has no rows below its header",),
    }.items():
        file.write_text(text)
        said = shelf.refused("stock", "count", "--file", file)
        for words in lines:
            assert f"counted.csv {words}" in said or words in said, said


def test_goods_are_moved_and_the_move_is_undone(shelf: House) -> None:
    moved = shelf.json("stock", "move", "1", "4", "--to", "BACK")
    assert list(moved) == [*STOCK_KEYS, "moved", "from_unit_id", "from_quantity", "movement_ids", "orders"]
    assert (moved["unit_id"], moved["lot"], moved["quantity"], moved["from_quantity"]) == (3, "L1", "4", "6")
    said = shelf.done("stock", "move", "3", "1", "--to", "MAIN/FG")
    assert said.startswith("moved 1 of SOAP from unit 3 at BACK, now 3, to unit 1 at MAIN/FG, now 7, by movements ")
    refused = shelf.refused("stock", "undo", moved["movement_ids"][1], *WHY)
    assert "put 4 of SOAP into unit 3, which holds 3 now: the rest has been used or moved on" in refused
    assert shelf.json("verify")["ok"] is True


def test_a_lot_is_held_and_released(shelf: House) -> None:
    held = shelf.json("stock", "hold", "--lot", "l1", "--reason", "recall")
    assert list(held) == ["changed", "units", "orders"]
    assert (held["changed"], [list(unit) for unit in held["units"]]) == ([1], [STOCK_KEYS])
    assert [row["held"] for row in shelf.json("stock", "list", "--sku", "SOAP")] == [True]
    assert "nothing changed: all of it was held before" in shelf.done("stock", "hold", "1", *WHY)
    shelf.play(envelope(order_ship("D-2", [line("SOAP", 3, shipped="2026-11-02T12:00:00-05:00")])))
    said = shelf.done("stock", "release", "--lot", "L1", "--reason", "good")
    assert said == "released unit 1 (7 of SOAP); looked again at 1 order that was owed goods\n"


def test_a_unit_is_amended(shelf: House) -> None:
    amended = shelf.json("stock", "amend", "1", "--lot", "L2", "--clear", "unit-cost", "--priority", "5", *WHY)
    assert list(amended) == [*STOCK_KEYS, "priority", "reference", "before", "orders"]
    assert (amended["lot"], amended["unit_cost"], amended["priority"]) == ("L2", None, 5)
    assert amended["before"] == {"lot": "L1", "unit_cost": "1.5", "priority": None}
    said = shelf.done("stock", "amend", "1", "--expires-on", "2027-03-31", *WHY)
    assert said == "unit 1 of SOAP: expires on 2027-03-31 (was -)\n"


def test_goods_are_counted_by_hand_and_from_a_file_and_a_count_is_taken_back(shelf: House) -> None:
    shelf.play(envelope(order_ship("D-2", [line("SOAP", 13, shipped="2026-11-02T12:00:00-05:00")])))
    counted = shelf.json("stock", "count", "soap", "4", "--location", "MAIN/FG")
    assert list(counted) == ["at", "counted", "ended", "orders"]
    assert (counted["ended"], counted["orders"]) == ("3", ["ultracart:DEMO/D-2"])
    one = counted["counted"][0]
    assert list(one) == ["sku", "location", "unit_id", "quantity", "expected", "difference", "units"]
    assert (one["sku"], one["unit_id"], one["expected"], one["difference"]) == ("SOAP", None, "0", "4")
    assert list(one["units"][0]) == [
        "unit_id", "sku", "location", "lot", "serial", "before", "change", "quantity", "movement_id",
    ]  # fmt: skip
    said = shelf.done("stock", "undo", one["units"][0]["movement_id"], "--reason", "the wrong shelf")
    assert said.startswith("unit 1 of SOAP: -4, now 0, by movement ")
    assert said.endswith("; 3 of SOAP are owed\n")

    file = shelf.folder / "counted.csv"
    file.write_bytes(b"\xef\xbb\xbfunit_id;quantity\r\n1;2.5\r\n2;0\r\n")
    said = shelf.done("stock", "count", "--file", file)
    assert said.startswith("unit 1 of SOAP: counted 2.5, the book had 0\nunit 2 of CLOCK: counted 0, the book had 1\n")
    assert [row["quantity"] for row in shelf.json("stock", "list", "--all")] == ["0", "2.5"]
    assert "3 that was owed to D-2 is owed no more" in shelf.done(
        "stock", "count", "SOAP", "1", "--location", "MAIN/FG"
    )
    assert shelf.json("verify")["ok"] is True


def test_items_are_set_and_retired(shelf: House) -> None:
    keys = ["sku", "name", "serial", "min_shelf_life_days", "retired", "reorder_at"]
    changed = shelf.json("items", "set", "soap", "--min-shelf-life", "30", "--name", "Soap")
    assert list(changed) == [*keys, "due"]
    assert (changed["name"], changed["min_shelf_life_days"]) == ("Soap", 30)
    assert shelf.json("items", "set", "soap", "--reorder-at", "2.5")["reorder_at"] == "2.5"
    assert shelf.done("items", "set", "soap", "--name", "Soap").endswith("; to be reordered at 2.5\n")
    assert "give 0 or more, or none" in shelf.refused("items", "set", "soap", "--reorder-at", "-1")
    assert shelf.json("items", "set", "soap", "--reorder-at", "none")["reorder_at"] is None
    said = shelf.done("items", "set", "SOAP", "--min-shelf-life", "none")
    assert said == "SOAP (Soap): the shelf life that the strategy asks for\n"
    assert "nothing to change" in shelf.refused("items", "set", "SOAP")
    assert "give 0 to 36500 days" in shelf.refused("items", "set", "SOAP", "--min-shelf-life", "40000")
    assert "'-1'" in shelf.refused("items", "set", "SOAP", "--min-shelf-life", "-1", code=2)
    assert "did you mean SOAP?" in shelf.refused("items", "set", "SOPA", "--name", "Soap")

    retired = shelf.json("items", "retire", "soap")
    assert (list(retired), retired["retired"], retired["in_stock"]) == ([*keys, "in_stock"], True, "10")
    assert "SOAP was retired before" in shelf.refused("items", "retire", "SOAP")
    file = shelf.folder / "more.csv"
    file.write_text("sku,name,location,quantity\nSOAP,,MAIN/FG,1\n")
    assert "line 2: sku: SOAP is retired" in shelf.refused("stock", "import", file)
    shelf.play(envelope(order_ship("D-3", [line("SOAP", 1, shipped="2026-11-02T12:00:00-05:00")])))
    assert shelf.json("stock", "list", "--sku", "SOAP")[0]["quantity"] == "9"
    assert shelf.done("items", "retire", "SOAP", "--undo") == "SOAP can be received again\n"
    shelf.done("stock", "import", file)


def test_an_item_is_renamed(shelf: House) -> None:
    assert shelf.json("items", "rename", "soap", "SOAP-LAV") == {
        "sku": "SOAP-LAV",
        "old_sku": "SOAP",
        "quantity": "10",
        "units": 1,
        "kits": [],
    }
    shelf.play(envelope(order_ship("D-2", [line("SOAP", 3, shipped="2026-11-02T12:00:00-05:00")])))
    assert [(row["sku"], row["quantity"], row["lot"]) for row in shelf.json("stock", "list")] == [
        ("SOAP-LAV", "7", "L1"),
        ("CLOCK", "1", None),
    ]
    assert "SOAP is retired, no more of it is received" in shelf.refused(
        "stock", "receive", "SOAP", "1", "--location", "BACK"
    )
    assert "two items cannot become one" in shelf.refused("items", "rename", "CLOCK", "SOAP-LAV")
    assert "did you mean CLOCK?" in shelf.refused("items", "rename", "CLOCKS", "WATCH")
    said = shelf.done("items", "rename", "SOAP-LAV", "SOAP")
    assert said == "SOAP-LAV is SOAP from now on: 7 in 1 unit went over\n"
    assert shelf.json("verify")["ok"] is True
