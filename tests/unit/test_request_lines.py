"""The log's lines of requests to webhooks: gathered, and told together."""

import asyncio
import logging
import time

import pytest
from structlog.testing import capture_logs

from stockhook.web import request_lines
from stockhook.web.request_lines import RequestLines


@pytest.fixture(autouse=True)
def level(caplog: pytest.LogCaptureFixture) -> None:
    """Have the log take what is told at the level info."""
    caplog.set_level(logging.INFO, "stockhook.web.request_lines")


async def test_lines_are_told_together_by_themselves_and_the_last_ones_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_lines, "EVERY", 0.0)
    lines = RequestLines()
    with capture_logs() as logs:
        lines.add("POST", "shop", 200, time.monotonic() - 1, 7)
        lines.add("POST", "shop", 401, time.monotonic(), None)
        while not logs:
            await asyncio.sleep(0.001)
        lines.add("POST", None, 404, time.monotonic(), None)
        lines.close()
    told = [[(one["channel"], one["status"], one["delivery"]) for one in line["each"]] for line in logs]
    assert told == [[("shop", 200, 7), ("shop", 401, None)], [(None, 404, None)]]
    assert logs[0]["each"][0]["ms"] >= 1000
    assert {line["event"] for line in logs} == {"request"}


async def test_nothing_is_told_twice_nor_where_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_lines, "EVERY", 3600.0)
    lines = RequestLines()
    with capture_logs() as logs:
        lines.add("POST", "shop", 200, time.monotonic(), 7)
        lines.close()
        lines.close()
        RequestLines().close()
    assert [[one["delivery"] for one in line["each"]] for line in logs] == [[7]]


async def test_where_nobody_wants_to_hear_of_requests_nothing_is_gathered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "stockhook.web.request_lines")
    lines = RequestLines()
    with capture_logs() as logs:
        lines.add("POST", "shop", 200, time.monotonic(), 1)
        lines.close()
    assert logs == []
