"""What the JSON API tells beyond lists and records: the overview, channels, plugins, recalls, dry runs, payloads."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from described import check
from tornado.web import Application

from stockhook.model import Delivery, Event, Movement, Order, Problem
from stockhook.testing import payloads
from stockhook.testing.pages import Pages, open_pages
from stockhook.web.api.route import PREFIX

DAY = "2026-11-30T10:00:00-05:00"
LINES = [payloads.line("SOAP", 4, shipped=DAY), payloads.line("SOAPP", 1, shipped=DAY)]
BODY = payloads.envelope(payloads.order_ship("DEMO-1", LINES))


@pytest.fixture
def app(pages: Pages) -> Application:
    pages.shop.items("SOAP")
    pages.shop.receive(("SOAP", 10), lot="L1")
    pages.shop.send(BODY)
    return pages.application()


async def test_a_dry_run_tells_what_an_event_would_book_and_books_nothing(get: Any, pages: Pages) -> None:
    pages.shop.receive(("SOAP", 1), lot="L2")
    (event,) = pages.shop.find(Event)
    before = pages.shop.find(Movement)
    told = await get(f"/events/{event.id}/dry-run")
    assert [each["id"] for each in told["events"]] == [event.id]
    assert (told["orders"][0]["order_id"], told["orders"][0]["movements"], told["shadow"]) == ("DEMO-1", [], False)
    assert [wait["subject"] for wait in told["orders"][0]["waits"]] == ["soapp"]
    assert pages.shop.find(Movement) == before
    assert (await get("/events/99/dry-run", 404))["detail"].startswith("there is no event 99")


async def test_a_dry_run_has_no_ids_of_what_is_not_booked_yet(get: Any, pages: Pages) -> None:
    pages.shop.send(payloads.envelope(payloads.order_ship("DEMO-2", [payloads.line("WAX", 2, shipped=DAY)])))
    pages.shop.items("WAX")
    pages.shop.receive(("WAX", 5))
    (event,) = pages.shop.find(Event, order_id="DEMO-2")
    (order,) = (await get(f"/events/{event.id}/dry-run"))["orders"]
    ((movement,), (allocation,)) = order["movements"], order["allocations"]
    assert (movement["id"], movement["allocation_id"], allocation["id"]) == (None, None, None)
    assert (movement["quantity"], movement["balance_after"], movement["unit_id"] is None) == ("-2", "3", False)
    assert allocation["trace"]["taken"][0]["taken"] == "2"


@pytest.mark.parametrize("asked", ["lot=l1", "unit=1"])
async def test_a_recall_adds_up_and_names_the_orders(get: Any, asked: str) -> None:
    told = await get(f"/recall?{asked}")
    assert [(each["order_id"], each["out"]) for each in told["orders"]] == [("DEMO-1", "4")]
    (sums,) = told["sums"]
    assert (sums["received"], sums["shipped"], sums["left"], sums["unexplained"]) == ("10", "4", "6", "0")
    held = "--lot l1" if asked == "lot=l1" else "1"
    assert told["hold"] == f"stockhook stock hold {held} --reason recall"


@pytest.mark.parametrize(
    ("asked", "status"), [("", 400), ("?lot=L1&unit=1", 400), ("?lot=L9", 404), ("?serial=S", 404)]
)
async def test_a_recall_is_of_one_thing_that_there_is(get: Any, asked: str, status: int) -> None:
    assert (await get(f"/recall{asked}", status))["detail"]


async def test_a_body_comes_as_it_was_sent(ask: Any, get: Any, pages: Pages) -> None:
    (delivery,) = pages.shop.find(Delivery)
    answer = await ask(f"{PREFIX}/deliveries/{delivery.id}/body")
    assert (answer.code, answer.body) == (200, BODY)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="deliveries-{delivery.id}-body"'
    check("GET", f"{PREFIX}/deliveries/{delivery.id}/body", answer)
    assert (await get("/deliveries/99/body", 404))["type"] == "urn:stockhook:error:not-found"


async def test_channels_tell_where_to_send_and_what_came_last(get: Any) -> None:
    (channel,) = (await get("/channels"))["rows"]
    assert (channel["name"], channel["type"], channel["silence"]) == ("shop", "ultracart", None)
    assert channel["target"].endswith("/webhooks/shop/TOKEN")
    assert channel["steps"]
    assert len(channel["deliveries"]) == 1


async def test_the_overview_tells_what_waits_and_since_when(get: Any, pages: Pages) -> None:
    told = await get("/overview")
    assert told["backlog"] == {"deliveries": 0, "orders": 0, "oldest_at": None, "oldest_seconds": None}
    assert (told["open_problems"], told["events"]["short"], told["events"]["failed"]) == (1, 1, 0)
    assert (len(told["hours"]), told["hours"][-1]["deliveries"]) == (24, 1)
    assert (len(told["days"]), told["days"][-1]["shipped"]) == (14, "4")
    assert told["channels"][0]["last_delivery_at"] is not None
    assert told["notices"] == [{"notifier": "office", "waiting": 1, "error": None}]
    pages.shop.deliver(BODY)
    pages.shop.clock.advance(timedelta(seconds=90))
    told = await get("/overview")
    assert (told["backlog"]["deliveries"], told["backlog"]["oldest_seconds"]) == (1, 90)


async def test_items_are_proposed_for_a_code_that_nobody_knows(get: Any, pages: Pages) -> None:
    (problem,) = pages.shop.find(Problem)
    assert await get(f"/problems/{problem.id}/suggestions") == {"code": "SOAPP", "items": ["SOAP"]}
    pages.shop.send(payloads.envelope(payloads.order_ship("DEMO-2", [payloads.line("SOAP", 40, shipped=DAY)])))
    short = next(each for each in pages.shop.find(Problem) if each.kind != problem.kind)
    assert "insufficient-inventory" in (await get(f"/problems/{short.id}/suggestions", 422))["detail"]


async def test_orders_are_found_by_code_by_lot_and_by_when_they_shipped(get: Any, pages: Pages) -> None:
    pages.shop.clock.advance(timedelta(hours=1))
    pages.shop.send(payloads.envelope(payloads.order_ship("DEMO-2", [payloads.line("WAX", 1, shipped=DAY)])))
    first, second = sorted(pages.shop.find(Order), key=lambda order: order.order_id)
    assert first.first_ship_at is not None
    assert second.first_ship_at is not None
    moment = second.first_ship_at.isoformat().replace("+00:00", "Z")

    async def named(asked: str) -> list[str]:
        return [row["order_id"] for row in (await get(f"/orders?{asked}"))["rows"]]

    assert await named("code=soapp") == ["DEMO-1"]
    assert await named("lot=l1") == ["DEMO-1"]
    assert await named("lot=l1&order_id=DEMO-2") == []
    assert await named(f"since={moment}") == ["DEMO-2"]
    assert await named(f"until={moment}") == ["DEMO-1"]


class TestPlugins:
    @pytest.fixture
    def pages(self, tmp_path: Path) -> Pages:
        folder = tmp_path / "plugins"
        folder.mkdir(mode=0o755)
        (folder / "broken.py").write_text("import nothing_there\n")
        return open_pages(tmp_path, f'[plugins]\ndirectory = "{folder}"\n')

    async def test_they_tell_what_they_offer_and_why_one_failed(self, get: Any) -> None:
        held = {row["name"]: row for row in (await get("/plugins"))["rows"]}
        assert "channel ultracart" in held["ultracart"]["offers"]
        assert (held["broken"]["status"], "nothing_there" in held["broken"]["error"]) == ("failed", True)
        assert (await get("/overview"))["failed_plugins"] == ["broken"]
