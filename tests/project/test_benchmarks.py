"""The benchmark works: every figure is measured, and a bar that is missed is told."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

ROWS = {
    "start,intake,group-commit,drain,large,plans,memory": {
        "start to listening",
        "intake to a bare Tornado handler",
        "group commit to one commit per request",
        "drain",
        "drain to a hand-written loop",
        "p99 of large messages while draining",
        "fewest-units to fifo, an opening stock",
        "fewest-units to fifo, receipts one by one",
        "peak memory",
    },
    "answers,pages,lists,verify,growth,open-stream,soak": {
        "p99 of stock list of one item",
        "p99 of orders show",
        "p99 of the overview page",
        "verify",
        "peak memory of verify",
        "a grown ledger to an empty one",
        "p99 of an open stream while draining",
        "growth of memory over a soak",
        "growth of open files over a soak",
        "requests cut over a soak",
        "write-ahead log over a soak",
    },
    "drain-postgres,daemons,daemons-apart": {
        "drain on PostgreSQL",
        "drain on PostgreSQL to a hand-written loop",
        "4 daemons to one, the same items",
        "4 daemons to one, items apart",
        "CPU of an event, four daemons to one",
        "deadlocks",
    },
}
"""The figures with a bar by what is asked for. Those of the peer need what only `make bench` installs."""

EACH = {"p95 of the page ": "/recall", "p95 of the API's list ": "/movements"}
"""How figures begin of which there is one for each page and each list, and one of these."""


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def figure() -> ModuleType:
    return loaded("figure")


def run(*options: str, **more: str) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, str(BENCHMARKS / "run.py"), *options)
    environment = {**os.environ, **more}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


@pytest.mark.parametrize("rows", ROWS)
def test_a_quick_run_measures_every_figure_that_has_a_bar(rows: str) -> None:
    done = run("--quick", "--json", "--rows", rows)
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    barred = {row["name"] for row in told["figures"] if row["least"] is not None or row["most"] is not None}
    several = {name for name in barred if name.startswith(tuple(EACH))}
    assert barred - several == ROWS[rows]
    assert several >= ({begin + one for begin, one in EACH.items()} if "pages,lists" in rows else set())
    measured = [row["name"] for row in told["figures"] if row["value"] > 0]
    assert set(measured) >= ROWS[rows] - {
        "deadlocks",
        "growth of memory over a soak",
        "growth of open files over a soak",
        "requests cut over a soak",
    }
    assert told["ok"] == all(row["ok"] for row in told["figures"])
    assert done.returncode == (0 if told["ok"] else 1)


def test_rows_that_are_not_there_are_named_together_with_those_that_are() -> None:
    done = run("--rows", "start,speed")
    assert done.returncode == 2
    assert "no rows are called speed; there are start, intake, " in done.stderr


def test_what_the_rows_of_the_peer_need_is_missed_before_anything_is_measured(tmp_path: Path) -> None:
    began = time.monotonic()
    done = run("--rows", "soak,booked", PATH=str(tmp_path))
    assert time.monotonic() - began < 60, "it has measured first"
    assert done.returncode == 1
    assert "need Redis: apt install redis-server" in done.stderr


def test_large_deliveries_that_are_written_into_the_same_memory_have_no_order_in_common() -> None:
    batches = loaded("scene").batches(7, 20_000)
    senders = [next(batches), next(batches)]
    sent = [bytes(next(sender)).decode() for sender in senders * 3]
    assert all(17_000 < len(body) <= 20_000 for body in sent)
    events = [event["order_ship"]["order_id"] for body in sent for event in json.loads(body)["events"]]
    assert len(events) == len(set(events)) == 54
    assert all(re.fullmatch(r"DEMO-0007-\d{8}", order) for order in events)


def test_a_figure_is_well_when_it_reaches_its_bar(figure: ModuleType) -> None:
    assert figure.Figure("drain", 2000, "events/s", least=2000).ok
    assert not figure.Figure("drain", 1999, "events/s", least=2000).ok
    assert figure.Figure("memory", 150, "MiB", most=150).ok
    assert not figure.Figure("memory", 151, "MiB", most=150).ok
    assert figure.Figure("told", 0, "").ok


def test_the_table_names_what_was_missed(figure: ModuleType) -> None:
    shown = figure.table([figure.Figure("drain", 912, "events/s", least=2000), figure.Figure("bare", 3403, "/s")])
    _, drain, bare = shown.splitlines()
    assert drain.split() == ["drain", "912", "events/s", "at", "least", "2,000", "MISSED"]
    assert bare.split() == ["bare", "3,403", "/s"]


def test_a_ratio_is_shown_with_its_rounds_and_with_what_it_is_made_of(figure: ModuleType) -> None:
    sides = (
        figure.Side("stockhook", 2000, p50_ms=1.5, p99_ms=12, mib=80.25),
        figure.Side("a peer", 1000, note="one of two"),
    )
    shown = figure.table([figure.Figure("to a peer", 2, least=1.5, spread=(1.75, 2.25), sides=sides, note="32 a time")])
    _, ratio, ours, theirs, note = [" ".join(line.split()) for line in shown.splitlines()]
    assert ratio == "to a peer 2.00 at least 1.50 ok 1.75 to 2.25"
    assert ours == "stockhook 2,000/s, p50 1.50 ms, p99 12.0 ms, 80.2 MiB"
    assert theirs == "a peer 1,000/s, one of two"
    assert note == "32 a time"
