"""`orders correct`, what `orders show` tells of it, and `audit list`, on a SQLite store, as a person types them."""

import json

from house import House

from stockhook.testing.payloads import envelope, line, order_ship

DAY1 = "2026-11-01T12:00:00-05:00"
DAY2 = "2026-11-02T12:00:00-05:00"
ACCOUNT = "ultracart:DEMO"


def shipped(quantity: int, code: str = "SOAP", created: str = DAY1) -> bytes:
    return envelope(order_ship("D-1", [line(code, quantity, shipped=DAY1)], created=created))


def left(house: House) -> str:
    """How much SOAP there is."""
    return str(sum(int(unit["quantity"]) for unit in house.json("stock", "list", "--sku", "SOAP")))


def problems(house: House) -> list[str]:
    return [problem["kind"] for problem in house.json("problems", "list")]


def test_a_correction_is_shown_with_who_why_and_from_where(stocked: House) -> None:
    stocked.done("stock", "receive", "SOAP", "5", "--location", "MAIN/FG", "--lot", "L2")
    stocked.play(shipped(3))
    done = stocked.json("orders", "correct", f"{ACCOUNT}/D-1", 1, "--to-lot", "L2", "--reason", "read off the box")
    assert [(move["kind"], move["unit_id"], move["quantity"]) for move in done["movements"]] == [
        ("reversal", 1, "3"),
        ("consumption", 2, "-3"),
    ]
    stocked.done("orders", "correct", "D-1", 1, "--returned", "1", "--reason", "did not fit")
    stocked.done("orders", "correct", "D-1", 1, "--quantity", "2", "--reason", "as packed")
    stocked.done("orders", "correct", "D-1", 1, "--to-unit", "1", "--instead-of", "2", "--reason", "after all")
    order = stocked.json("orders", "show", "D-1")
    (shown,) = order["lines"]
    assert (shown["consumed"], shown["returned"], shown["ruling"], shown["refused"]) == ("2", "1", "-1", [])
    assert [(take["unit_id"], take["remaining"], take["returned"]) for take in shown["takes"]] == [
        (1, "0", "0"),
        (2, "1", "1"),
        (1, "1", "0"),
    ]
    assert shown["takes"][2]["strategy"] == "correction"
    assert [entry["details"]["kind"] for entry in order["corrections"]] == ["source", "returned", "quantity", "source"]
    said = stocked.done("orders", "show", "D-1")
    for words in (
        "line 1: a person ruled 1 less than the store says",
        "in place of 1 from unit 2, by a person's word",
        "history: line 1: 3 SOAP taken from lot L2 instead of 3 from unit 1, by cli:",
        "given back",
        "did not fit",
    ):
        assert words in said
    listed = stocked.json("audit", "list", "--subject", "d-1")
    assert [entry["reason"] for entry in listed] == ["after all", "as packed", "did not fit", "read off the box"]
    assert list(listed[0]) == ["id", "at", "actor", "action", "subject", "reason", "details"]
    actor = listed[0]["actor"]
    everything = stocked.json("audit", "list")
    assert len(everything) > len(listed)
    assert stocked.json("audit", "list", "--actor", actor.partition(":")[2].upper(), "--all") == everything
    assert stocked.json("audit", "list", "--actor", "nobody") == []
    newest = stocked.run("audit", "list", "--action", "orders", "--limit", 1, "--json")
    assert (json.loads(newest.stdout), newest.stderr[:12]) == (listed[:1], "the newest 1")
    assert stocked.json("audit", "list", "--since", "2999-01-01T00:00:00Z") == []
    assert "kind source, line 1" in stocked.done("audit", "list", "--limit", "9", "--subject", "D-1")


def test_a_conflict_is_accepted_or_refused_from_what_the_problem_says(stocked: House) -> None:
    stocked.done("items", "add", "LAMP")
    stocked.done("stock", "receive", "LAMP", 5, "--location", "MAIN/FG")
    stocked.play(shipped(2), shipped(2, "LAMP", DAY2))
    assert "orders correct D-1 1 --accept" in stocked.run("problems", "list").stderr
    said = stocked.done("orders", "correct", "D-1", 1, "--refuse", "--reason", "it was soap")
    assert said == "line 1: refused that SOAP is LAMP now, it stays booked as SOAP\n"
    assert (problems(stocked), left(stocked)) == ([], "8")
    assert "line 1: a person refused that it is LAMP" in stocked.done("orders", "show", "D-1")
    stocked.done("orders", "correct", "D-1", 1, "--accept", "--reason", "it was a lamp after all")
    assert (problems(stocked), left(stocked)) == ([], "10")


def test_what_makes_no_sense_is_refused_and_changes_nothing(stocked: House) -> None:
    stocked.play(shipped(2))
    why = ("--reason", "why not")
    for options, code, said in (
        ((*why,), 2, "give exactly one of --to-unit, --to-lot"),
        (("--accept", "--quantity", "1", *why), 2, "there is --quantity and --accept"),
        (("--quantity", "1"), 2, "Missing option '--reason'"),
        (("--quantity", "1", "--sku", "SOAP", *why), 2, "--sku goes with --to-lot or --returned, not with --quantity"),
        (("--returned", "1", "--instead-of", "1", *why), 2, "--instead-of goes with --to-unit or --to-lot"),
        (("--quantity", "one", *why), 2, "'one' is not a number"),
        (("--to-lot", "L1", *why), 1, "line 1 of order D-1 was taken from lot L1 already"),
        (("--returned", "3", *why), 1, "2 of SOAP left for line 1 of order D-1 and have not come back"),
        (("--accept", *why), 1, "there is nothing to accept or refuse"),
        (("--quantity", "1", "--reason", " "), 1, "a correction needs a reason"),
    ):
        assert said in stocked.refused("orders", "correct", "D-1", 1, *options, code=code)
    assert "order D-1 has no line 7, only 1" in stocked.refused("orders", "correct", "D-1", 7, "--accept", *why)


def test_an_order_is_forgotten_with_its_payload_and_keeps_what_is_booked(stocked: House) -> None:
    stocked.play(shipped(3))
    before = stocked.json("orders", "show", "D-1")
    assert stocked.json("orders", "forget", "D-1") == {
        "account": ACCOUNT,
        "order_id": "D-1",
        "payloads": 1,
        "deliveries": 1,
        "others": [],
    }
    assert stocked.done("orders", "forget", "D-1").startswith("0 payloads of D-1 removed; its facts and what is booked")
    assert stocked.json("orders", "show", "D-1")["lines"] == before["lines"]
    stocked.done("events", "replay", "1")
    stocked.play()
    assert stocked.json("orders", "show", "D-1")["lines"] == before["lines"]
    assert stocked.json("verify")["ok"] is True
    assert [entry["action"] for entry in stocked.json("audit", "list")][:2] == ["events replay", "orders forget"]
