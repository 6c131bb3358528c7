import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import pytest
import structlog

from stockhook import log


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Configure logging into a buffer, and undo it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    buffer = io.StringIO()
    log.configure("info", buffer)
    yield buffer
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    logging.getLogger("tornado.access").disabled = False
    structlog.reset_defaults()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: io.StringIO) -> Iterator[TextIO]:
    """Open a stream that says it is the journal of systemd."""
    del lines  # it undoes what the test configures
    with (tmp_path / "journal").open("w") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        yield stream


def journal_lines(journal: TextIO) -> list[str]:
    journal.flush()
    return Path(journal.name).read_text().splitlines()


def only(lines: io.StringIO) -> dict[str, Any]:
    (line,) = lines.getvalue().splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_a_fact_is_one_json_line_with_its_fields_and_utc_time(lines: io.StringIO) -> None:
    log.get("stockhook.intake").info("delivery stored", delivery=7, channel="shop")
    found = only(lines)
    assert datetime.fromisoformat(found.pop("time")).utcoffset().total_seconds() == 0
    assert found == {
        "event": "delivery stored",
        "delivery": 7,
        "channel": "shop",
        "level": "info",
        "logger": "stockhook.intake",
    }


def test_what_libraries_log_looks_the_same(lines: io.StringIO) -> None:
    logging.getLogger("tornado.general").warning("Malformed HTTP message from %s", "::1")
    found = only(lines)
    assert (found["event"], found["level"], found["logger"]) == (
        "Malformed HTTP message from ::1",
        "warning",
        "tornado.general",
    )


def test_what_is_below_the_level_is_left_out(lines: io.StringIO) -> None:
    log.get("stockhook").debug("too much")
    logging.getLogger("tornado.general").debug("too much")
    logging.getLogger("alembic.runtime").info("too much")
    assert lines.getvalue() == ""


def test_context_bound_for_a_task_is_in_its_lines(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(delivery=7):
        log.get("stockhook").info("split")
    assert only(lines)["delivery"] == 7


def test_a_traceback_shows_no_local_variables(lines: io.StringIO) -> None:
    def fail(payload: str) -> None:
        raise ValueError(len(payload))

    try:
        fail("CANARY")
    except ValueError:
        log.get("stockhook").exception("event failed")
        logging.getLogger("asyncio").exception("task failed")
    first, second = map(json.loads, lines.getvalue().splitlines())
    assert first["exception"][0]["exc_type"] == second["exception"][0]["exc_type"] == "ValueError"
    assert first["exception"][0]["frames"][-1]["name"] == "fail"
    assert "CANARY" not in lines.getvalue().replace('fail(\\"CANARY\\")', "")


def test_the_token_of_a_target_url_is_struck_out_whoever_logs_it(lines: io.StringIO) -> None:
    logging.getLogger("tornado.application").error("Uncaught exception POST /webhooks/shop/CANARY?x=1 (::1)")
    logging.getLogger("tornado.access").error("500 POST /webhooks/shop/CANARY")
    log.get("stockhook").error("wrong", path="/webhooks/shop/CANARY")
    assert "CANARY" not in lines.getvalue()
    assert lines.getvalue().count("/webhooks/shop/***") == 2
    for line in lines.getvalue().splitlines():
        json.loads(line)


def test_a_value_cannot_forge_a_line(lines: io.StringIO) -> None:
    log.get("stockhook").info("item unknown", code='X\n{"event": "forged"}')
    assert only(lines)["code"].startswith("X\n")


def test_alike_facts_are_a_line_each_made_with_one_write(lines: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[str] = []
    write = lines.write
    monkeypatch.setattr(lines, "write", lambda text: writes.append(text) or write(text))
    earlier = datetime(2026, 12, 1, 8, tzinfo=UTC)
    facts = [
        {"order": "D-1", "delivery": 7},
        {"order": 'D-2\n{"event": "forged"}\u009b31m', "delivery": None, "time": earlier},
        {"order": "\udcff", "delivery": 8, "time": earlier},
    ]
    log.tell_each(log.get("stockhook.worker"), "event worked", facts, channel="shop")
    log.tell_each(log.get("stockhook.worker"), "event worked", [])
    assert len(writes) == 1
    assert lines.getvalue().isascii()
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(each.pop("order"), each.pop("delivery")) for each in found] == [
        (fact["order"], fact["delivery"]) for fact in facts
    ]
    assert [datetime.fromisoformat(each.pop("time")) == earlier for each in found] == [False, True, True]
    alike = {"event": "event worked", "channel": "shop", "level": "info", "logger": "stockhook.worker"}
    assert found == [alike] * 3


def test_a_token_is_struck_out_of_alike_facts_too(lines: io.StringIO) -> None:
    log.tell_each(log.get("stockhook"), "fact", [{"path": "/webhooks/shop/CANARY"}] * 2)
    assert "CANARY" not in lines.getvalue()
    assert [json.loads(line)["path"] for line in lines.getvalue().splitlines()] == ["/webhooks/shop/***"] * 2


def test_warnings_become_lines(lines: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old call", DeprecationWarning, stacklevel=1)
    assert "old call" in only(lines)["event"]


@pytest.mark.parametrize(
    ("level", "number"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3), ("critical", 2)]
)
def test_the_journal_is_told_the_priority_of_each_line(journal: TextIO, level: str, number: int) -> None:
    log.configure("debug", journal)
    getattr(log.get("stockhook"), level)("fact")
    (line,) = journal_lines(journal)
    assert line.startswith(f"<{number}>{{")
    assert json.loads(line[3:])["level"] == level


def test_the_journal_is_told_the_priority_of_alike_facts_too(journal: TextIO) -> None:
    log.configure("info", journal)
    log.tell_each(log.get("stockhook"), "fact", [{"delivery": 1}, {"delivery": 2}])
    assert [(line[:3], json.loads(line[3:])["delivery"]) for line in journal_lines(journal)] == [("<6>", 1), ("<6>", 2)]


def test_a_stream_that_only_resembles_the_journal_gets_no_priority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    with (tmp_path / "file").open("w") as stream:
        assert not log.is_journal(stream)
    assert not log.is_journal(io.StringIO())


def test_an_outage_is_told_once_when_it_begins_once_a_minute_and_once_when_it_ends(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(log.time, "monotonic", lambda: now)
    outage = log.Outage(log.get("stockhook"), "store away", "store back")
    outage.ended()
    for _ in range(150):
        outage.failed(OSError("no route"), deliveries=2)
        now += 1
    outage.ended()
    outage.ended()
    outage.failed(OSError("again"))
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(each["event"], each["level"], each.get("tries")) for each in told] == [
        ("store away", "warning", None),
        ("store away", "warning", 61),
        ("store away", "warning", 121),
        ("store back", "info", 150),
        ("store away", "warning", None),
    ]
    assert (told[0]["error"], told[0]["deliveries"], told[3]["seconds"]) == ("no route", 2, 150.0)
