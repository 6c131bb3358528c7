"""The commands that answer questions about the past and about what would be, as a person types them."""

from house import House

from stockhook.testing.payloads import envelope, line, order_ship

SHIPPED = "2026-11-02T12:00:00-05:00"
ACCOUNT = "ultracart:DEMO"


def shipped(order_id: str, *lines: tuple[str, int]) -> bytes:
    return envelope(order_ship(order_id, [line(code, quantity, shipped=SHIPPED) for code, quantity in lines]))


def test_a_recall_adds_up_and_says_how_to_stop_what_is_left(stocked: House) -> None:
    stocked.play(shipped("D-1", ("SOAP", 2)))
    said = stocked.done("recall", "l1")
    assert "SOAP, lot L1: 10 received - 2 shipped = 8 left" in said
    assert "8 of it may still be taken; to stop that: stockhook stock hold --lot l1 --reason recall" in said
    found = stocked.json("recall", "L1")
    assert [(one["order_id"], one["item_index"], one["out"], one["units"]) for one in found["orders"]] == [
        ("D-1", 1, "2", [1])
    ]
    assert found["sums"][0] == {
        "sku": "SOAP",
        "lots": ["L1"],
        "received": "10",
        "shipped": "2",
        "reversed": "0",
        "returned": "0",
        "adjusted": "0",
        "counted": "0",
        "moved": "0",
        "left": "8",
        "unexplained": "0",
    }
    assert stocked.json("recall", "--unit", 1)["orders"] == found["orders"]
    assert "did you mean L1" in stocked.refused("recall", "L11")
    assert "name a lot, or --unit U, or --serial S" in stocked.refused("recall", code=2)
    assert "name a lot" in stocked.refused("recall", "L1", "--unit", 1, code=2)


def test_a_dry_run_tells_what_would_be_booked_and_writes_nothing(stocked: House) -> None:
    body = stocked.folder / "ship.json"
    body.write_bytes(shipped("D-1", ("SOAP", 12), ("BOX", 1)))
    before = stocked.book()
    said = stocked.done("events", "dry-run", body)
    assert "dry run: nothing was written\n" in said
    assert "order_ship of D-1: would be short (unknown-item): waits until BOX is mapped to an item; " in said
    assert f"\n\norder {ACCOUNT}/D-1\n" in said
    assert "took 10 of 12 SOAP by fifo" in said
    found = stocked.json("events", "dry-run", body)
    assert [event["state"] for event in found["events"]] == ["short"]
    (row,) = found["orders"][0]["movements"]
    assert (row["id"], row["quantity"], row["balance_after"]) == (None, "-10", "0")
    assert found["orders"][0]["waits"] == [{"kind": "code", "subject": "box"}]
    assert {row["kind"] for row in found["problems"]} == {"unknown-item", "insufficient-inventory"}
    assert stocked.book() == before
    stocked.play(body.read_bytes())
    before = stocked.book()
    assert "event 1, order_ship of D-1: would be" in stocked.done("events", "dry-run", 1)
    assert stocked.book() == before
    assert "there is no event 9" in stocked.refused("events", "dry-run", 9)
    assert "there is no file" in stocked.refused("events", "dry-run", stocked.folder / "none")
    assert "--channel goes with a file" in stocked.refused("events", "dry-run", 1, "--channel", "shop", code=2)


def test_shadow_mode_is_told_loudly_and_books_nothing(stocked: House) -> None:
    assert "SHADOW" not in stocked.done("check")
    with stocked.config.open("a") as config:
        config.write("[allocation]\nshadow = true\n")
    assert "SHADOW MODE on: nothing is booked for orders\n" in stocked.done("check")
    assert {"what": "shadow", "name": "on: nothing is booked for orders"} in stocked.json("check")["checked"]
    stocked.play(shipped("D-1", ("SOAP", 2)))
    (event,) = stocked.json("events", "list", "--state", "ignored")
    assert event["reason"] == "shadow"
    assert "would take 2 of SOAP from unit 1 (received" in stocked.done("events", "show", event["id"])
    assert stocked.json("stock", "list")[0]["quantity"] == "10"
    said = stocked.done("events", "dry-run", event["id"])
    assert "dry run: in shadow mode the daemon books none of this\n" in said
    assert "took 2 of 2 SOAP" in said
    assert stocked.json("events", "dry-run", event["id"])["shadow"] is True


def test_what_if_sets_two_strategies_side_by_side(stocked: House) -> None:
    stocked.done("stock", "receive", "SOAP", "10", "--location", "MAIN/FG", "--lot", "L2", "--unit-cost", "2.50")
    stocked.play(shipped("D-1", ("SOAP", 4)))
    before = stocked.book()
    said = stocked.done("what-if", "--strategy", "lifo", "--since", "2020-01-01")
    assert said.startswith("1 need planned again since 2020-01-01 00:00:00Z, 3 movements read\n")
    assert [row.split() for row in said.splitlines() if "left value" in row] == [["left", "value", "34", "30"]]
    assert "left of units that end up differently" in said
    found = stocked.json("what-if", "--strategy", "fefo", "--since", "2020-01-01", "--option", "min_shelf_life_days=30")
    assert (found["present"]["strategy"], found["other"]["strategy"], found["as_booked"]) == ("fifo", "fefo", 1)
    assert found["remains"] == []
    assert found["present"] == {
        "strategy": "fifo",
        "takes": 1,
        "units_touched": 1,
        "taken": "4",
        "taken_cost": "6",
        "taken_without_cost": "0",
        "taken_past_date": "0",
        "fewest_days_left": None,
        "owed": "0",
        "left": "16",
        "left_value": "34",
        "left_without_cost": "0",
        "left_past_date": "0",
        "left_past_date_value": "0",
        "units_left": 2,
        "units_opened": 1,
        "unapplied": "0",
    }
    assert stocked.book() == before


def test_what_if_refuses_what_makes_no_sense(stocked: House) -> None:
    asked = ["what-if", "--since", "2020-01-01", "--strategy"]
    assert "did you mean fefo" in stocked.refused(*asked, "fefoo")
    assert "strategy.min_shelf_life: unknown option" in stocked.refused(*asked, "fefo", "--option", "min_shelf_life=3")
    assert "is no option; write it like" in stocked.refused(*asked, "fefo", "--option", "min_shelf_life", code=2)
    late = stocked.refused("what-if", "--since", "2999-01-01", "--strategy", "fefo")
    assert "2999-01-01 00:00:00Z is in the future" in late
