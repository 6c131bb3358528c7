"""What the log says of requests to the admin listener."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from stockhook.model import EventState, Order
from stockhook.operations.codes import alias
from stockhook.operations.events import replay
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship


async def test_each_request_is_one_line_with_its_route_and_nothing_of_what_was_asked_for(ask: Any) -> None:
    with capture_logs() as lines:
        await ask("/search?q=jane@example.com")
        await ask("/orders/ultracart:DEMO/JANE-1")
        await ask("/nothing/here?q=jane")
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in requests] == [
        ("GET", "/search", 200),
        ("GET", "/orders/([^/]+)/([^/]+)", 404),
        ("GET", None, 404),
    ]
    assert all(line["ms"] >= 0 and line["log_level"] == "info" for line in requests)
    assert {type(line["status"]) for line in requests} == {int}, "a word of Python in a log of text"
    assert "jane" not in str(lines).casefold()


async def test_what_machines_ask_for_all_the_time_is_told_at_the_level_debug(ask: Any) -> None:
    with capture_logs() as lines:
        for address in ("/healthz", "/readyz", "/metrics", "/static/stockhook.css"):
            assert (await ask(address)).code == 200
    assert [line["log_level"] for line in lines if line["event"] == "request"] == ["debug"] * 4


def outcomes(lines: Sequence[Mapping[str, Any]]) -> list[tuple[int, str, str, str | None]]:
    told = [one for each in lines if each["event"] == "event worked" for one in each["each"]]
    assert not {"text", "body", "payload"} & {key for one in told for key in one}
    return [(one["delivery"], one["order"], one["state"], one["reason"]) for one in told]


def test_what_becomes_of_each_event_is_told_with_its_delivery_and_order_and_not_its_payload(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stockhook.operations.outcomes")
    pages.shop.stock(SOAP=5)
    bodies = [order_ship("D-1", [line("SOAP", 1)]), order_ship("D-2", [line("WHAT", 1)])]
    with capture_logs() as lines:
        pages.shop.send(envelope(*bodies))
    assert outcomes(lines) == [(1, "D-1", "applied", None), (1, "D-2", "parked", "unknown-item")]
    caplog.set_level(logging.WARNING, "stockhook.operations.outcomes")
    with capture_logs() as lines:
        pages.shop.send(envelope(order_ship("D-3", [line("SOAP", 1)])))
    assert lines == []


def test_an_event_that_waits_for_something_else_than_before_is_told_and_counted_and_one_that_waits_on_is_not(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stockhook.operations.outcomes")
    shop, counted = pages.shop, pages.shop.worker._meters.events
    shop.stock(SOAP=1)
    shop.send(envelope(order_ship("D-1", [line("WHAT", 1), line("NOPE", 3)])))
    for code, why in (("NOPE", "unknown-item"), ("WHAT", "insufficient-inventory")):
        alias(shop.desk, code, "SOAP")
        with capture_logs() as lines:
            shop.work()
        assert outcomes(lines) == [(1, "D-1", "short", why)]
    with shop.store.write() as work:
        work.save([replace(order, due_at=shop.clock.now()) for order in shop.find(Order)])
    with capture_logs() as lines:
        assert shop.work() == 1
    assert outcomes(lines) == []
    assert counted == {("shop", EventState.PARKED): 1, ("shop", EventState.SHORT): 2}
    replay(shop.desk, [1])
    with capture_logs() as lines:
        shop.work()
    assert outcomes(lines) == [(1, "D-1", "short", "insufficient-inventory")]  # who asked for it is answered


async def test_an_event_of_which_a_person_settles_a_part_is_told(
    post: Any, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stockhook.operations.outcomes")
    pages.shop.items("SOAP")
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3)])))
    for told in ([(1, "D-1", "short", "insufficient-inventory")], []):
        with capture_logs() as lines:
            await post("/stock/receive", {"sku": "SOAP", "quantity": "1", "location": "MAIN"})
        assert outcomes(lines) == told


async def test_an_event_that_a_person_settles_is_told_and_one_that_a_form_only_tries_is_not(
    ask: Any, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stockhook.operations.outcomes")
    pages.shop.stock(SOAP=1)
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3)])))
    pages.shop.send(envelope(order_ship("D-2", [line("SOAP", 9)])))
    form = {"quantity": "2", "location": "MAIN"}
    with capture_logs() as lines:
        assert (await ask("/items/SOAP/receive", form)).code == 200
    assert outcomes(lines) == []
    with capture_logs() as lines:
        assert (await ask("/items/SOAP/receive", {**form, "confirmed": "yes"})).code == 200
    assert outcomes(lines) == [(1, "D-1", "applied", None)]
