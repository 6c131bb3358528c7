"""The log's lines of requests to webhooks: gathered, written by a thread, and never in anybody's way."""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping, Sequence

import pytest
from structlog.testing import capture_logs

from stockhook import log
from stockhook.web import request_lines
from stockhook.web.request_lines import RequestLines


@pytest.fixture(autouse=True)
def level(caplog: pytest.LogCaptureFixture) -> None:
    """Have the log take what is told at the level info."""
    caplog.set_level(logging.INFO, "stockhook.web.request_lines")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gather for no time at all."""
    monkeypatch.setattr(request_lines, "EVERY", 0.0)


async def test_lines_are_written_by_themselves_and_the_last_ones_at_the_end() -> None:
    lines = RequestLines()
    with capture_logs() as logs:
        lines.add("POST", "shop", 200, time.monotonic() - 1, 7)
        while not logs:
            await asyncio.sleep(0.001)
        lines.add("POST", None, 404, time.monotonic(), None)
        await lines.close()
    told = [one for line in logs for one in line["each"]]
    assert [(one["channel"], one["status"], one["delivery"]) for one in told] == [("shop", 200, 7), (None, 404, None)]
    assert told[0]["ms"] >= 1000
    assert {line["event"] for line in logs} == {"request"}


async def test_a_log_that_takes_nothing_holds_up_nobody_and_what_it_could_not_take_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_lines, "MOST", 2)
    stuck, go = threading.Event(), threading.Event()
    tell = log.tell_each

    def slow(logger: log.Logger, event: str, facts: Sequence[Mapping[str, object]], **shared: object) -> None:
        stuck.set()
        assert go.wait(60)
        tell(logger, event, facts, **shared)

    monkeypatch.setattr(log, "tell_each", slow)
    lines = RequestLines()
    with capture_logs() as logs:
        lines.add("POST", "shop", 200, time.monotonic(), 1)
        while not stuck.is_set():
            await asyncio.sleep(0.001)
        for delivery in range(2, 7):
            lines.add("POST", "shop", 200, time.monotonic(), delivery)
        assert logs == []
        go.set()
        await lines.close()
    assert [one["delivery"] for line in logs for one in line.get("each", ())] == [1, 2, 3]
    assert [line["lines"] for line in logs if "lines" in line] == [3]


async def test_where_nobody_wants_to_hear_of_requests_nothing_is_gathered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "stockhook.web.request_lines")
    lines = RequestLines()
    with capture_logs() as logs:
        lines.add("POST", "shop", 200, time.monotonic(), 1)
        await lines.close()
    assert logs == []
