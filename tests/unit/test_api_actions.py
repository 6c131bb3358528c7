"""What the JSON API does: each action of a person, with the answer that the command would print."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from described import check
from tornado.web import Application

from stockhook.model import Alias, Audit, Item, Location, Movement, MovementKind, Problem, ProblemState, Unit
from stockhook.quantity import ONE
from stockhook.testing import payloads
from stockhook.testing.pages import GUARDED, READ_TOKEN, WRITE_TOKEN, Pages, open_pages
from stockhook.web.api.route import PREFIX

DAY = "2026-11-30T10:00:00-05:00"
ORDER = "/orders/ultracart:DEMO/D-1/lines/1/correct"


@pytest.fixture
def app(pages: Pages) -> Application:
    pages.shop.items("SOAP")
    pages.shop.receive(("SOAP", 10), lot="L1", expires_on=date(2027, 1, 1))
    pages.shop.receive(("SOAP", 5), lot="L2", expires_on=date(2028, 1, 1))
    pages.shop.send(payloads.envelope(payloads.order_ship("D-1", [payloads.line("SOAP", 4, shipped=DAY)])))
    return pages.application()


async def test_goods_are_received_adjusted_moved_and_undone(post: Any, pages: Pages) -> None:
    goods = {"sku": "soap", "quantity": "2.5", "location": "MAIN", "lot": "L9", "expires_on": "2027-03-31"}
    received = await post("/stock/receive", goods | {"received_at": "2026-11-01T00:00:00+01:00", "unit_cost": "1.10"})
    assert (received["sku"], received["quantity"], received["unit_cost"]) == ("SOAP", "2.5", "1.1")
    assert received["received_at"] == "2026-10-31T23:00:00Z"
    unit = received["unit_id"]
    adjusted = await post(f"/units/{unit}/adjust", {"quantity": "-0.5", "reason": "Damaged"})
    assert (adjusted["quantity"], adjusted["change"]) == ("2", "-0.5")
    assert (await post("/locations", {"path": "BACK/1"}))["parents"] == ["BACK"]
    moved = await post(f"/units/{unit}/move", {"quantity": "1", "to": "BACK/1"})
    assert (moved["location"], moved["moved"], moved["from_quantity"]) == ("BACK/1", "1", "1")
    undone = await post(f"/movements/{adjusted['movement_id']}/undo", {"reason": "it was whole"})
    assert undone["quantity"] == "1.5"
    assert pages.shop.on_hand("SOAP") == int(13.5 * ONE)
    assert {row.actor for row in pages.shop.find(Movement, unit_id=unit)} == {"api:local"}
    assert len(pages.woken) == 5


async def test_units_and_lots_are_held_released_and_amended(post: Any) -> None:
    assert (await post("/units/2/hold", {"reason": "look at it"}))["changed"] == [2]
    assert (await post("/stock/release", {"lot": "l2", "reason": "good"}))["changed"] == [2]
    assert (await post("/stock/hold", {"lot": "L2", "reason": "bad"}))["units"][0]["held"] is True
    assert (await post("/units/2/release", {"reason": "good after all"}))["units"][0]["held"] is False
    amended = await post("/units/2/amend", {"reason": "misread", "lot": "L3", "unit_cost": "2", "priority": 4})
    assert (amended["lot"], amended["before"]) == ("L3", {"lot": "L2", "unit_cost": None, "priority": None})
    emptied = await post("/units/2/amend", {"reason": "unknown", "lot": None})
    assert (emptied["lot"], emptied["unit_cost"]) == (None, "2")


async def test_stock_is_counted_by_unit_and_by_place(post: Any, pages: Pages) -> None:
    held = await post("/stock/count", {"counts": [{"unit_id": 2, "quantity": "7"}]})
    assert held["counted"][0]["difference"] == "6"
    held = await post("/stock/count", {"counts": [{"sku": "SOAP", "location": "MAIN", "quantity": "0"}]})
    assert held["counted"][0]["expected"] == "17"
    assert pages.shop.on_hand("SOAP") == 0


async def test_a_code_is_mapped_and_ignored(post: Any, pages: Pages) -> None:
    pages.shop.send(payloads.envelope(payloads.order_ship("D-2", [payloads.line("BAR", 1, shipped=DAY)])))
    mapped = await post("/aliases", {"code": "bar", "sku": "SOAP", "factor": "2"})
    assert (mapped["sku"], mapped["factor"], mapped["due"]) == ("SOAP", "2", 1)
    pages.shop.work()
    assert pages.shop.booked("D-2") == {"SOAP": 2 * ONE}
    ignored = await post("/aliases", {"code": "WRAP", "sku": None, "channel": "shop"})
    assert (ignored["sku"], ignored["account"]) == (None, "ultracart:DEMO")
    assert {row.code for row in pages.shop.find(Alias)} == {"bar", "wrap"}
    assert (await post("/aliases", {"code": "W", "sku": None, "rebook": True}, 400))["parameter"] == "sku"


async def test_problems_are_waived_reopened_and_acknowledged(post: Any, pages: Pages) -> None:
    pages.shop.send(payloads.envelope(payloads.order_ship("D-3", [payloads.line("SOAP", 20, shipped=DAY)])))
    (problem,) = pages.shop.find(Problem, state=ProblemState.OPEN)
    waived = await post(f"/problems/{problem.id}/waive", {"quantity": "4", "reason": "sent by another"})
    assert (waived["quantity"], waived["owed"], waived["orders"]) == ("4", "5", ["ultracart:DEMO/D-3"])
    assert (await post(f"/problems/{problem.id}/reopen"))["owed"] == "9"
    assert (await post(f"/problems/{problem.id}/acknowledge", {}))["state"] == "acknowledged"
    told = await post(f"/problems/{problem.id}/acknowledge", {}, 422)
    assert (told["type"], told["detail"]) == (
        "urn:stockhook:error:refused",
        f"problem {problem.id} was acknowledged before",
    )


async def test_events_are_replayed_one_some_or_all_of_a_state(post: Any, pages: Pages) -> None:
    assert await post("/events/1/replay") == {"events": [1], "orders": [], "lost": []}
    pages.shop.work()
    assert (await post("/events/replay", {"ids": [1]}))["events"] == [1]
    pages.shop.work()
    assert (await post("/events/replay", {"state": "unchanged", "since": "2026-01-01T00:00:00Z"}))["events"] == [1]
    assert (await post("/events/replay", {"ids": [1], "state": "failed"}, 400))["parameter"] == "ids"
    await post("/events/99/replay", None, 404)
    assert pages.shop.booked("D-1") == {"SOAP": 4 * ONE}


@pytest.mark.parametrize(
    ("body", "consumed"),
    [
        ({"kind": "quantity", "quantity": "3", "reason": "one was left"}, "3"),
        ({"kind": "to-unit", "unit_id": 1, "reason": "the other box"}, "4"),
        ({"kind": "to-lot", "lot": "L1", "reason": "the other box"}, "4"),
        ({"kind": "returned", "quantity": "1", "reason": "came back"}, "4"),
    ],
)
async def test_a_line_is_corrected(post: Any, body: dict[str, Any], consumed: str) -> None:
    corrected = await post(ORDER, body)
    assert corrected["consumed"] == consumed
    assert corrected["movements"]


async def test_a_line_that_agrees_with_the_store_is_not_corrected(post: Any) -> None:
    for kind in ("accept", "refuse", "as-store"):
        assert (await post(ORDER, {"kind": kind, "reason": "x"}, 422))["type"] == "urn:stockhook:error:refused"
    assert (await post(ORDER, {"kind": "other", "reason": "x"}, 400))["parameter"] == "kind"


async def test_an_order_is_forgotten_but_what_is_booked_for_it(post: Any, pages: Pages) -> None:
    done = await post("/orders/ultracart:DEMO/D-1/forget")
    assert (done["payloads"], done["deliveries"], done["others"]) == (1, 1, [])
    with pages.settings.store.read() as view:
        assert view.body(1) is None
    assert pages.shop.booked("D-1") == {"SOAP": 4 * ONE}
    await post("/orders/ultracart:DEMO/nobody/forget", None, 404)


async def test_items_kits_and_locations_are_added(post: Any, pages: Pages) -> None:
    assert (await post("/items", {"sku": "BOX", "name": "Box"}))["due"] == 0
    kit = await post("/kits", {"sku": "BOX", "parts": [{"sku": "soap", "quantity": "2"}], "policy": "parent"})
    assert kit == {"sku": "BOX", "parts": [{"sku": "SOAP", "quantity": "2"}], "policy": "parent"}
    assert (await post("/locations", {"path": "MAIN/9", "pick_sequence": 3}))["pick_sequence"] == 3
    assert {"BOX", "SOAP"} == {row.sku for row in pages.shop.find(Item)}
    assert pages.shop.find(Location, path="MAIN/9")
    assert [row.actor for row in pages.shop.find(Audit)][:3] == ["api:local"] * 3


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "quantity"),
        ({"quantity": 1, "reason": "x"}, "quantity"),
        ({"quantity": "1e3", "reason": "x"}, "quantity"),
        ({"quantity": "0.1234567", "reason": "x"}, "quantity"),
        ({"quantity": "9999999999", "reason": "x"}, "quantity"),
        ({"quantity": "1", "reason": ""}, "reason"),
        ({"quantity": "1", "reason": "a\u0000b"}, "reason"),
        ({"quantity": "1", "reason": "x", "colour": "red"}, "colour"),
        ([], None),
        ("1", None),
    ],
)
async def test_a_body_that_is_wrong_is_told_where(post: Any, body: object, parameter: str | None) -> None:
    told = await post("/units/1/adjust", body, 400)
    assert (told["type"], told["parameter"]) == ("urn:stockhook:error:bad-request", parameter)


@pytest.mark.parametrize(
    ("body", "media", "status", "word"),
    [
        (b"", "application/json", 400, "bad-request"),
        (b"{", "application/json", 400, "bad-request"),
        (b"\xff", "application/json", 400, "bad-request"),
        (b'{"reason": "\\ud800"}', "application/json", 400, "bad-request"),
        (b"[" * 100_000, "application/json", 400, "bad-request"),
        (b'{"reason": "x"}', "text/plain", 415, "not-json"),
        (b'{"reason": "x"}', "application/x-www-form-urlencoded", 415, "not-json"),
        (b" " * 1_100_000, "application/json", 413, "too-large"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    ask: Any, pages: Pages, body: bytes, media: str, status: int, word: str
) -> None:
    address = f"{PREFIX}/units/1/hold"
    answer = await ask(address, method="POST", body=body, headers={"Content-Type": media})
    assert answer.code == status
    assert check("POST", address, answer)["type"] == f"urn:stockhook:error:{word}"
    assert not any(unit.held for unit in pages.shop.find(Unit))


async def test_a_page_of_another_site_cannot_act(ask: Any, pages: Pages) -> None:
    headers = {"Content-Type": "application/json", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = await ask(f"{PREFIX}/units/1/hold", method="POST", body='{"reason": "x"}', headers=headers)
    assert answer.code == 403
    assert json.loads(answer.body)["type"] == "urn:stockhook:error:forbidden"
    assert not any(unit.held for unit in pages.shop.find(Unit))


class TestTokens:
    """With a password, acting wants a token whose scope is write."""

    @pytest.fixture
    def pages(self, tmp_path: Path) -> Pages:
        return open_pages(tmp_path, GUARDED)

    async def test_one_that_may_only_read_does_nothing(self, post: Any, pages: Pages) -> None:
        body = {"reason": "x"}
        assert (await post("/units/1/hold", body, 401))["type"] == "urn:stockhook:error:no-token"
        told = await post("/units/1/hold", body, 403, Authorization=f"Bearer {READ_TOKEN}")
        assert told["type"] == "urn:stockhook:error:forbidden"
        assert not any(unit.held for unit in pages.shop.find(Unit))

    async def test_one_that_may_write_is_the_actor(self, post: Any, pages: Pages) -> None:
        await post("/units/1/adjust", {"quantity": "1", "reason": "found"}, Authorization=f"Bearer {WRITE_TOKEN}")
        assert pages.shop.find(Movement, kind=MovementKind.ADJUSTMENT)[0].actor == "api:erp"
