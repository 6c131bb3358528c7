"""Every command that works on the store, on a real SQLite store, as a person types it."""

import json
import sqlite3
from pathlib import Path

import pytest
from house import House

from stockhook.testing.payloads import envelope, line, order_ship

SHIPPED = "2026-11-02T12:00:00-05:00"
ACCOUNT = "ultracart:DEMO"

EVENT_KEYS = [
    "id", "delivery_id", "channel", "account", "name", "order_id", "state", "reason", "attempts", "received_at",
    "finished_at",
]  # fmt: skip
STOCK_KEYS = [
    "unit_id", "sku", "location", "lot", "serial", "quantity", "held", "received_at", "expires_on", "unit_cost",
]  # fmt: skip
PROBLEM_KEYS = ["id", "kind", "subject", "state", "count", "first_seen", "last_seen", "text"]


def shipped(order_id: str, *lines: tuple[str, int]) -> bytes:
    return envelope(order_ship(order_id, [line(code, quantity, shipped=SHIPPED) for code, quantity in lines]))


def test_items_are_added_listed_and_imported(house: House) -> None:
    assert house.done("items", "add", "SOAP", "--name", "Lavender soap") == "added SOAP\n"
    assert house.json("items", "add", "CLOCK", "--serial") == {"sku": "CLOCK", "name": "", "serial": True, "due": 0}
    (house.folder / "items.csv").write_text("sku,name\nBOX,Box\nSOAP,Soap\n")
    assert house.json("items", "import", house.folder / "items.csv") == {
        "added": ["BOX"],
        "changed": ["SOAP"],
        "unchanged": 0,
        "due": 0,
    }
    house.done("items", "kit", "BOX", "SOAP=2", "CLOCK=0.5", "--policy", "components")
    plain = {"min_shelf_life_days": None, "retired": False, "reorder_at": None}
    assert house.json("items", "list") == [
        {"sku": "SOAP", "name": "Soap", "serial": False, **plain, "parts": [], "policy": None},
        {"sku": "CLOCK", "name": "", "serial": True, **plain, "parts": [], "policy": None},
        {
            "sku": "BOX",
            "name": "Box",
            "serial": False,
            **plain,
            "parts": [{"sku": "SOAP", "quantity": "2"}, {"sku": "CLOCK", "quantity": "0.5"}],
            "policy": "components",
        },
    ]
    assert "2 x SOAP, 0.5 x CLOCK" in house.done("items", "list")
    limited = house.run("items", "list", "--limit", "2")
    assert (len(limited.stdout.splitlines()), limited.stderr) == (
        3,
        "the newest 2; there are more: --limit N or --all\n",
    )


def test_bad_items_are_refused(stocked: House) -> None:
    assert "the item SOAP (Lavender soap) exists already" in stocked.refused("items", "add", "soap")
    assert "did you mean SOAP?" in stocked.refused("items", "alias", "X", "SOPA")
    assert "there is no channel 'shpo'" in stocked.refused("items", "ignore", "X", "--channel", "shpo")
    assert "cannot contain itself: SOAP > SOAP" in stocked.refused("items", "kit", "SOAP", "SOAP=1")
    assert "write it like SOAP=2" in stocked.refused("items", "kit", "SOAP", "BOX", code=2)
    assert "'x' is not a number" in stocked.refused("items", "alias", "X", "SOAP", "--factor", "x", code=2)
    assert "there is no file" in stocked.refused("items", "import", stocked.folder / "no.csv")


def test_an_alias_settles_what_waits_and_lists_what_was_booked_otherwise(stocked: House) -> None:
    stocked.play(shipped("D-1", ("PACK", 1)))
    mapped = stocked.json("items", "alias", "pack", "SOAP", "--factor", "3", "--channel", "shop")
    assert mapped == {
        "code": "pack",
        "account": ACCOUNT,
        "sku": "SOAP",
        "factor": "3",
        "due": 1,
        "booked": [],
        "rebooked": [],
    }
    stocked.play()
    assert stocked.json("stock", "list")[0]["quantity"] == "7"
    said = stocked.done("items", "alias", "PACK", "SOAP", "--factor", "2", "--channel", "shop")
    assert "booked under another meaning, and left as they are:" in said
    assert "3 x SOAP" in said
    rebooked = stocked.json("items", "alias", "PACK", "SOAP", "--factor", "2", "--channel", "shop", "--rebook")
    assert rebooked["rebooked"] == [f"{ACCOUNT}/D-1"]
    assert rebooked["booked"] == [
        {"account": ACCOUNT, "order_id": "D-1", "item_index": 1, "code": "PACK", "meant": "3 x SOAP"}
    ]
    assert stocked.json("stock", "list")[0]["quantity"] == "8"
    stocked.play(shipped("D-2", ("WRAP", 1)))
    assert "1 order that waited for it" in stocked.done("items", "ignore", "WRAP")
    stocked.play()
    assert stocked.json("problems", "list") == []


def test_locations_are_added_and_set(house: House) -> None:
    assert house.json("locations", "add", "MAIN/FG", "--pick-sequence", "5", "--pickable", "no") == {
        "path": "MAIN/FG",
        "pickable": False,
        "pick_sequence": 5,
        "parents": ["MAIN"],
    }
    assert house.done("locations", "set", "MAIN/FG", "--pickable", "yes") == "MAIN/FG: pickable, pick sequence 5\n"
    assert house.json("locations", "list") == [
        {"path": "MAIN/FG", "pickable": True, "pick_sequence": 5},
        {"path": "MAIN", "pickable": True, "pick_sequence": None},
    ]
    assert "exists already" in house.refused("locations", "add", "main")
    assert "without a leading slash" in house.refused("locations", "add", "/MAIN")
    assert "did you mean MAIN" in house.refused("locations", "set", "MIAN", "--pickable", "no")
    assert "nothing to change" in house.refused("locations", "set", "MAIN")
    assert "'maybe' is neither yes nor no" in house.refused("locations", "set", "MAIN", "--pickable", "maybe", code=2)


def test_stock_is_received_listed_adjusted_and_undone(stocked: House) -> None:
    received = stocked.json(
        "stock", "receive", "soap", "2.5", "--location", "MAIN/FG", "--expires-on", "2027-03-31", "--received-at",
        "2026-10-01T09:00:00-04:00",
    )  # fmt: skip
    assert list(received) == [*STOCK_KEYS, "movement_id", "received", "orders"]
    assert (received["quantity"], received["expires_on"], received["received_at"]) == (
        "2.5",
        "2027-03-31",
        "2026-10-01T13:00:00Z",
    )
    listed = stocked.json("stock", "list")
    assert [list(row) for row in listed] == [STOCK_KEYS] * 2
    assert [(row["unit_id"], row["quantity"], row["lot"], row["unit_cost"]) for row in listed] == [
        (2, "2.5", None, None),
        (1, "10", "L1", "1.5"),
    ]
    adjusted = stocked.json("stock", "adjust", "1", "-10", "--reason", "broken")
    assert (adjusted["change"], adjusted["quantity"], adjusted["owed"]) == ("-10", "0", "0")
    assert [row["unit_id"] for row in stocked.json("stock", "list")] == [2]
    assert [row["unit_id"] for row in stocked.json("stock", "list", "--all")] == [2, 1]
    movement = adjusted["movement_id"]
    assert "unit 1 of SOAP: +10, now 10" in stocked.done("stock", "undo", movement, "--reason", "was not")
    assert "was undone before" in stocked.refused("stock", "undo", movement, "--reason", "again")
    assert stocked.done("stock", "adjust", "1", "+3", "--reason", "found").startswith("unit 1 of SOAP: +3, now 13")
    assert "unit 2 of SOAP: -2.5, now 0" in stocked.done("stock", "undo", received["movement_id"], "--reason", "twice")
    assert stocked.json("stock", "list", "--as-of", "2020-01-01", "--all") == []


def test_bad_stock_is_refused(stocked: House) -> None:
    receive = ("stock", "receive", "SOAP")
    assert "'1,5' is not a number" in stocked.refused(*receive, "1,5", "--location", "MAIN/FG", code=2)
    assert "Missing option '--location'" in stocked.refused(*receive, "1", code=2)
    assert "there is no location 'NO'" in stocked.refused(*receive, "1", "--location", "NO")
    assert "give a quantity above 0" in stocked.refused(*receive, "0", "--location", "MAIN/FG")
    assert "is not a day" in stocked.refused(*receive, "1", "--location", "MAIN/FG", "--expires-on", "31.3.", code=2)
    assert "the text is empty" in stocked.refused(*receive, "1", "--location", "MAIN/FG", "--lot", " ", code=2)
    assert "no item" in stocked.refused("stock", "receive", "NO", "1", "--location", "MAIN/FG")
    assert "below zero" in stocked.refused("stock", "adjust", "1", "-11", "--reason", "x")
    assert "changes nothing" in stocked.refused("stock", "adjust", "1", "0", "--reason", "x")
    assert "there is no unit 9" in stocked.refused("stock", "adjust", "9", "1", "--reason", "x")
    assert "Missing option '--reason'" in stocked.refused("stock", "adjust", "1", "-1", code=2)
    assert "there is no movement 9" in stocked.refused("stock", "undo", "9", "--reason", "x")
    assert "no location 'NO'" in stocked.refused("stock", "list", "--location", "NO")


def test_stock_is_imported_and_exported(stocked: House, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("sku,name,location,quantity\nBOX,Box,WEST/A,4\nSOAP,,MAIN/FG,1\n")
    assert "there is no item BOX" in stocked.refused("stock", "import", file, "--no-create")
    assert stocked.json("stock", "import", file) == {
        "units": 2,
        "quantity": "5",
        "items": ["BOX"],
        "locations": ["WEST", "WEST/A"],
        "orders": 0,
    }
    assert "import it with --again" in stocked.refused("stock", "import", file)
    file.write_text("sku,name,location,quantity\nBOX,Box,WEST/A,\nBOX,Box,WEST/A,x\n")
    said = stocked.refused("stock", "import", file)
    assert "more.csv line 2: quantity is empty" in said
    assert "more.csv line 3: quantity: 'x' is not a number" in said

    written = tmp_path / "out.csv"
    result = stocked.run("stock", "export", "--output", written)
    assert (result.exit_code, result.stderr) == (0, f"3 units written to {written}\n")
    assert written.stat().st_mode & 0o777 == 0o600
    assert written.read_text() == stocked.done("stock", "export").replace("\r\n", "\n")
    assert "exists; name another file" in stocked.refused("stock", "export", "-o", written)


def test_events_deliveries_and_orders_are_shown(stocked: House) -> None:
    stocked.play(shipped("D-1", ("SOAP", 4)), b"unreadable")
    listed = stocked.json("events", "list")
    assert [list(row) for row in listed] == [EVENT_KEYS] * 2
    assert [(row["name"], row["state"], row["reason"]) for row in listed] == [
        ("unreadable", "failed", "quarantined"),
        ("order_ship", "applied", None),
    ]
    assert [row["order_id"] for row in stocked.json("events", "list", "--order", "D-1")] == ["D-1"]
    assert stocked.json("events", "list", "--state", "parked") == []
    shown = stocked.json("events", "show", "1")
    assert list(shown) == [*EVENT_KEYS, "text", "payload_kept", "movements", "allocations"]
    assert [m["quantity"] for m in shown["movements"]] == ["-4"]
    assert shown["allocations"][0]["trace"]["taken"][0]["taken"] == "4"
    assert "\nline 1: took 4 of 4 SOAP by fifo" in stocked.done("events", "show", "1")

    deliveries = stocked.json("deliveries", "list")
    assert [row["id"] for row in deliveries] == [2, 1]
    assert stocked.json("deliveries", "list", "--state", "pending", "--channel", "shop") == []
    shown = stocked.json("deliveries", "show", "1")
    assert (shown["payload_kept"], [event["order_id"] for event in shown["event_list"]]) == (True, ["D-1"])
    assert "order_ship" in stocked.done("deliveries", "show", "1")

    order = stocked.json("orders", "show", f"{ACCOUNT}/D-1")
    (only,) = order["lines"]
    assert (only["code"], only["consumed"], only["owed"], only["how"]) == ("SOAP", "4", "0", "plain")
    assert [(take["unit_id"], take["lot"], take["location"]) for take in only["takes"]] == [(1, "L1", "MAIN/FG")]
    assert "L1" in stocked.done("orders", "show", "D-1")

    assert "there is no event 9" in stocked.refused("events", "show", "9")
    assert "there is no delivery 9" in stocked.refused("deliveries", "show", "9")
    assert "did you mean D-1?" in stocked.refused("orders", "show", "D-2")
    assert "'lost' is not one of" in stocked.refused("events", "list", "--state", "lost", code=2)


def test_an_order_that_is_short_and_waits_says_so(stocked: House) -> None:
    stocked.play(shipped("D-1", ("SOAP", 12), ("NEW", 1)))
    order = stocked.json("orders", "show", "D-1")
    assert order["waits"] == [{"kind": "code", "subject": "new"}]
    assert [(row["owed"], row["how"]) for row in order["lines"]] == [("2", "plain"), ("0", None)]
    assert [row["open"] for row in order["lines"][0]["shortages"]] == ["2"]
    said = stocked.done("orders", "show", "D-1")
    assert "\nshortages\n" in said
    assert "\nwaits for code new\n" in said
    assert "\\n" not in said


def test_events_are_replayed_and_book_nothing_twice(stocked: House) -> None:
    stocked.play(shipped("D-1", ("SOAP", 4)), b"unreadable")
    assert stocked.json("events", "replay", "1", "2") == {"events": [1, 2], "orders": [], "lost": []}
    assert [row["state"] for row in stocked.json("events", "list")] == ["pending", "pending"]
    stocked.play()
    assert stocked.json("stock", "list")[0]["quantity"] == "6"
    assert stocked.done("events", "replay", "--state", "failed").startswith("1 event will be worked again")
    assert stocked.done("events", "replay", "--state", "failed", "--since", "2200-01-01").startswith("0 events")
    assert "there is no event 9" in stocked.refused("events", "replay", "9")
    for words in ((), ("1", "--state", "failed"), ("1", "--since", "2026-01-01")):
        assert "Usage" in stocked.refused("events", "replay", *words, code=2)


def test_problems_are_listed_waived_reopened_and_acknowledged(stocked: House) -> None:
    stocked.play(shipped("D-1", ("SOAP", 15)), shipped("D-2", ("NEW", 1)), b"unreadable")
    listed = stocked.json("problems", "list")
    assert [list(row) for row in listed] == [PROBLEM_KEYS] * 3
    by_kind = {row["kind"]: row for row in listed}
    short = by_kind["insufficient-inventory"]["id"]
    assert (by_kind["unknown-item"]["subject"], by_kind["quarantined"]["state"]) == (f"{ACCOUNT}/NEW", "open")
    advised = stocked.run("problems", "list")
    assert "stockhook items alias NEW SKU" in advised.stderr

    waived = stocked.json("problems", "waive", short, "--quantity", "2", "--reason", "lost")
    assert list(waived) == [*PROBLEM_KEYS, "quantity", "owed", "orders"]
    assert (waived["state"], waived["quantity"], waived["owed"]) == ("open", "2", "3")
    assert "3 of SOAP are owed, not 4" in stocked.refused(
        "problems", "waive", short, "--quantity", "4", "--reason", "x"
    )
    assert "needs a reason" in stocked.refused("problems", "waive", short, "--reason", "")
    assert "problem 1 is closed" in stocked.done("problems", "waive", short, "--reason", "lost").replace(
        str(short), "1"
    )
    assert "5 of SOAP is owed again; 5 still owed" in stocked.done("problems", "reopen", short)
    assert "nothing of it was waived" in stocked.refused("problems", "reopen", short)

    quarantined = by_kind["quarantined"]["id"]
    assert stocked.json("problems", "acknowledge", quarantined)["state"] == "acknowledged"
    assert "acknowledged before" in stocked.refused("problems", "acknowledge", quarantined)
    assert "only what is owed" in stocked.refused("problems", "waive", quarantined, "--reason", "x")
    assert quarantined not in [row["id"] for row in stocked.json("problems", "list")]
    assert quarantined in [row["id"] for row in stocked.json("problems", "list", "--all")]
    assert stocked.json("problems", "list", "--kind", "bad-plan") == []
    assert "there is no problem 99" in stocked.refused("problems", "acknowledge", "99")
    assert stocked.json("verify")["ok"] is True


def test_verify_says_what_holds_and_fails_when_something_does_not(stocked: House) -> None:
    stocked.play(shipped("D-1", ("SOAP", 15)))
    found = stocked.json("verify")
    assert list(found) == ["ok", "checks"]
    assert [list(check) for check in found["checks"]] == [["name", "ok", "detail"]] * len(found["checks"])
    names = {"journal", "difference", "balances", "chain", "below-zero", "kits", "plans", "waiting", "problems"}
    assert names | {"retention", "integrity"} == {check["name"] for check in found["checks"] if check["ok"]}
    with sqlite3.connect(stocked.folder / "stockhook.db") as connection:
        connection.execute("update unit set quantity = 7000000")
    connection.close()
    failed = stocked.run("verify")
    assert failed.exit_code == 1
    assert "NOT OK  balances    unit 1 of SOAP has 7, its movements sum to 0" in failed.stdout
    asked = stocked.run("verify", "--json")
    assert (asked.exit_code, json.loads(asked.stdout)["ok"]) == (1, False)
    assert [check["name"] for check in stocked.json("verify", "--only", "kits", "--only", "chain")["checks"]] == [
        "chain",
        "kits",
    ]
    assert "'gold' is not one of 'journal'" in stocked.run("verify", "--only", "gold").stderr


def test_verify_tells_the_same_of_a_history_that_is_long_enough_for_two_processes(
    stocked: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked.play(shipped("D-1", ("SOAP", 15)), shipped("D-2", ("SOAP", 1)))
    whole = stocked.json("verify")
    monkeypatch.setattr("stockhook.cli.verify.LONG", 2)
    assert stocked.json("verify") == whole
    with sqlite3.connect(stocked.folder / "stockhook.db") as connection:
        connection.execute("update order_line set quantity = quantity + 1000000 where order_id = 'D-2'")
    connection.close()
    assert "order ultracart:DEMO/D-2: 1 of SOAP have shipped" in stocked.run("verify").stdout
    monkeypatch.setattr("stockhook.cli.verify._PROGRAM", ("-c", "raise SystemExit(1)"))
    assert "order ultracart:DEMO/D-2: 1 of SOAP have shipped" in stocked.run("verify").stdout


def test_a_bad_configuration_is_told_before_anything_else(house: House) -> None:
    house.config.write_text("[nonsense]\n")
    for words in (("items", "list"), ("stock", "list"), ("verify",), ("send", house.config), ("problems", "list")):
        assert house.run(*words).exit_code == 78


def test_lists_without_anything_say_what_to_do_next(house: House) -> None:
    said = {name: house.run(name, "list").stderr for name in ("items", "locations", "stock", "problems", "events")}
    assert "stockhook items add" in said["items"]
    assert "locations add" in said["locations"]
    assert "stock receive" in said["stock"]
    assert said["problems"] == "no open problems\n"
    assert said["events"] == "no such event\n"
