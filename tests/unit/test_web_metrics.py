"""What Prometheus scrapes: names, values, and what it costs to ask a store for them."""

import re
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from sqlite_file import at, inside, raw

from stockhook.errors import StoreUnavailable
from stockhook.meters import Distribution, Meters
from stockhook.model import NoticeState, ProblemState
from stockhook.store import Measured
from stockhook.testing import factories as make
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.web.scrape import Scrape
from stockhook.web.standing import LedgerCount, stand


def scrape(pages: Pages, meters: Meters | None = None) -> Scrape:
    made = Scrape(pages.settings, pages.health, meters or pages.shop.worker._meters, pages.shop.clock)
    made.begin()
    return made


def values(scraped: Scrape) -> dict[str, float]:
    """Return each sample by its name and labels as written, buckets left out."""
    text = scraped.written("")[0].decode()
    return {
        name: float(value)
        for name, value in re.findall(r"^(stockhook_[^ ]*(?:{.*})?) (\S+)$", text, re.MULTILINE)
        if "_bucket" not in name
    }


async def test_a_scrape_is_answered_in_the_format_it_asks_for(ask: Any) -> None:
    plain = await ask("/metrics")
    assert (plain.code, plain.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert list(text_string_to_metric_families(plain.body.decode()))
    other = await ask("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert other.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert other.body.endswith(b"# EOF\n")


def test_names_units_and_help_follow_the_conventions(pages: Pages) -> None:
    families = list(text_string_to_metric_families(scrape(pages).written("")[0].decode()))
    ours = [family for family in families if not family.name.startswith("process_")]
    assert len(ours) > 20
    for family in ours:
        assert family.name.startswith("stockhook_")
        assert family.documentation.endswith(".")
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample.name
            assert set(sample.labels) <= {"outcome", "le", "channel", "state", "notifier", "kind"} or (
                family.name == "stockhook_build_info"
            )
        if any(word in family.name for word in ("wait", "commit_s", "batch_s", "oldest", "timestamp")):
            assert family.name.endswith("_seconds") or family.name == "stockhook_notices_waiting"
    assert any(family.name == "process_resident_memory_bytes" for family in families)


def test_each_scrape_is_of_its_own_daemon(pages: Pages) -> None:
    from prometheus_client import REGISTRY

    scrape(pages).written("")
    assert not any(name.startswith("stockhook") for name in REGISTRY._names_to_collectors)
    assert isinstance(scrape(pages)._exposition, CollectorRegistry | None)
    busy = Meters(stored=7)
    assert values(scrape(pages, busy))['stockhook_intake_requests_total{outcome="stored"}'] == 7
    assert values(scrape(pages))['stockhook_intake_requests_total{outcome="stored"}'] == 0


def test_what_the_worker_did_is_counted(pages: Pages) -> None:
    shop = pages.shop
    scraped = scrape(pages)
    shop.stock(SOAP=5)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2)])))
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2)])))
    shop.send(envelope(order_ship("D-2", [line("WHAT", 1)])))
    shop.send(envelope(order_ship("D-2", [line("WHAT", 2)])))  # with it the one before is looked at again
    found = values(scraped)
    assert found['stockhook_events_total{channel="shop",state="applied"}'] == 1
    assert found['stockhook_events_total{channel="shop",state="unchanged"}'] == 1
    assert found['stockhook_events_total{channel="shop",state="parked"}'] == 2
    assert found['stockhook_events_total{channel="shop",state="failed"}'] == 0, "or its first one is no increase"
    assert found['stockhook_movements_total{kind="receipt"}'] == 1
    assert found['stockhook_movements_total{kind="consumption"}'] == 1
    assert found['stockhook_problems_open{kind="unknown-item"}'] == 1
    assert found['stockhook_problems_open{kind="dead-letter"}'] == 0
    assert found['stockhook_events_open{state="parked"}'] == 2
    assert found['stockhook_notices_waiting{notifier="office"}'] == 1
    assert found["stockhook_worker_batch_seconds_count"] == found["stockhook_worker_batch_events_count"] == 4
    assert found["stockhook_event_wait_seconds_count"] == 4
    newest = shop.clock.now().timestamp()
    assert found['stockhook_last_delivery_timestamp_seconds{channel="shop"}'] == newest


def test_a_failed_try_is_a_retry_and_no_outcome(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = pages.shop
    scraped = scrape(pages)

    def broken(*_: object) -> Any:
        raise ValueError("of another kind")

    monkeypatch.setattr(shop.channel, "read", broken)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2)])))
    found = values(scraped)
    assert found["stockhook_event_retries_total"] == 1
    assert {found[name] for name in found if name.startswith("stockhook_events_total")} == {0}
    assert found['stockhook_events_open{state="pending"}'] == 1


def test_what_waits_is_counted_with_the_age_of_the_oldest(pages: Pages) -> None:
    shop = pages.shop
    shop.deliver(envelope(order_ship("D-1", [line("SOAP", 2)])))
    shop.deliver(envelope(order_ship("D-2", [line("SOAP", 2)])))
    found = values(scrape(pages))
    assert (found["stockhook_backlog_deliveries"], found["stockhook_backlog_oldest_seconds"]) == (2, 60)
    shop.work()
    found = values(scrape(pages))
    assert (found["stockhook_backlog_deliveries"], found["stockhook_backlog_oldest_seconds"]) == (0, 0)


def test_only_movements_since_the_beginning_are_counted_and_each_once(pages: Pages) -> None:
    shop = pages.shop
    shop.stock(SOAP=5)
    scraped = scrape(pages)
    assert {count for name, count in values(scraped).items() if "movements" in name} == {0}
    shop.stock(SOAP=5)
    for _ in range(2):
        assert values(scraped)['stockhook_movements_total{kind="receipt"}'] == 1
    shop.stock(SOAP=1)
    assert values(scraped)['stockhook_movements_total{kind="receipt"}'] == 2


def test_without_its_store_a_daemon_still_shows_what_it_counted(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    scraped = scrape(pages, Meters(stored=3))

    def away() -> Any:
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(pages.settings.store, "read", away)
    found = values(scraped)
    assert (found["stockhook_store_up"], found['stockhook_intake_requests_total{outcome="stored"}']) == (0, 3)
    assert "stockhook_backlog_deliveries" not in found


def test_a_distribution_counts_values_up_to_each_bound_and_above() -> None:
    found = Distribution((1, 2))
    for value in (0.5, 1, 1.5, 2, 7):
        found.add(value)
    assert (found.counts, found.sum, found.count) == ([2, 2, 1], 12, 5)


def test_nothing_is_asked_of_a_store_that_would_read_all_of_it(tmp_path: Any, pages: Pages) -> None:
    """Of 200 rows each, three are open: the database is asked how it would find what is counted."""
    path = tmp_path / "grown.db"
    store = at(path)
    store.open()
    assert isinstance(store, Measured)
    ledger = LedgerCount()
    statements: list[str] = []
    problem, notice = (ProblemState.OPEN, ProblemState.CLOSED), (NoticeState.WAITING, NoticeState.SENT)
    with store.write() as work:
        work.save([make.problem(subject=f"W-{n}", state=problem[n > 2]) for n in range(200)])
        work.save([make.notice(state=notice[n > 2]) for n in range(200)])
    database = inside(store)
    with database.reading() as connection:
        connection.connection.driver_connection.set_trace_callback(statements.append)
    found = stand(store, pages.settings, ledger, pages.shop.clock.now())
    assert (sum(found.problems.values()), sum(found.notices.values())) == (3, 3)
    assert found.footprint is not None
    assert found.footprint.database + (found.footprint.log or 0) > 0
    selects = [text for text in statements if text.startswith("SELECT")]
    assert len(selects) >= 8
    for text in selects:
        plan = [row[3] for row in raw(path, f"EXPLAIN QUERY PLAN {text}")]
        scanned = [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
        by_key = "DESC" in text and " LIMIT 1" in text
        assert by_key or all(re.search(r"INDEX (?:\w+_open|\w+_pending|\w+_waiting)$", each) for each in scanned), plan
    store.close()
