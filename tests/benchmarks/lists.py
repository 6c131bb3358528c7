"""How soon the JSON API answers a program that lists what a grown shop has: every list, first page and far behind."""

import http.client
import json
import random
import time
from collections.abc import Iterator
from urllib.parse import quote

import process
import scene
from bench import Bench, middle
from figure import Figure, Side

_SOON: float = 50.0
"""Milliseconds in which a list is to be answered, at the server."""

_BEHIND = 20
"""Pages that are turned before the one that is timed."""


def lists(bench: Bench) -> list[Figure]:
    """Ask for a page of each list, with filters that find many, few and nothing, others each time."""
    config, chance = bench.grown(), random.Random(1)
    past = bench.size.ledger // 10
    taken: dict[str, list[float]] = {}
    with process.daemon(config) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.admin, timeout=60)
        units = json.loads(_get(connection, "/api/v1/units?limit=1000"))["rows"]  # reads what a daemon reads once, too
        lots = sorted({row["lot"] or "" for row in units})
        for _ in range(bench.size.asked):
            sku, order = scene.sku(chance.randrange(scene.ITEMS)), f"DEMO-PAST-{chance.randrange(past):08}"
            for name, address in _addresses(sku, order, chance.choice(lots), chance.randrange(1, bench.size.ledger)):
                began = time.perf_counter()
                _get(connection, address)
                taken.setdefault(name, []).append((time.perf_counter() - began) * 1e3)
        for noun in ("movements", "events"):
            address = _far_behind(connection, noun)
            began = time.perf_counter()
            _get(connection, address)
            taken.setdefault(f"{noun}, far behind", []).append((time.perf_counter() - began) * 1e3)
        connection.close()
        bench.note_memory(server)
    slow = {name: _p95(times) for name, times in taken.items()}
    sides = tuple(Side(name, p50_ms=middle(times), note=f"p95 {slow[name]:.1f} ms") for name, times in taken.items())
    worst = max(slow, key=lambda name: slow[name])
    note = f"the slowest of {len(slow)}, {worst}; {bench.size.asked} asked for of each, 100 rows a page, over HTTP"
    return [Figure("p95 of the API's lists", slow[worst], "ms", most=_SOON, note=note, sides=sides)]


def _addresses(sku: str, order: str, lot: str, movement: int) -> Iterator[tuple[str, str]]:
    for noun in ("deliveries", "events", "orders", "items", "aliases", "kits", "locations", "stock", "units",
                 "movements", "problems", "audit"):  # fmt: skip
        yield noun, f"/api/v1/{noun}"
    asked = {
        "movements of an item": f"movements?sku={quote(sku)}",
        "movements of an order": f"movements?order_id={quote(order)}",
        "movements that reverse one": f"movements?reverses={movement}",
        "movements of a kind": "movements?kind=receipt",
        "movements of a rare kind": "movements?kind=transfer-out",
        "movements since": "movements?since=2026-01-01T00:00:00Z",
        "movements until": "movements?until=2025-01-01T00:00:00Z",
        "events of an order": f"events?order_id={quote(order)}",
        "events in a state": "events?state=failed",
        "stock of an item": f"stock?sku={quote(sku)}",
        "stock of a lot": f"stock?lot={quote(lot)}",
        "units of an item": f"units?sku={quote(sku)}",
        "orders by id": f"orders?order_id={quote(order)}",
    }
    for name, address in asked.items():
        yield name, f"/api/v1/{address}"


def _far_behind(connection: http.client.HTTPConnection, noun: str) -> str:
    """Return the address of a page far behind the first."""
    address = f"/api/v1/{noun}?limit=1000"
    following = address
    for _ in range(_BEHIND):
        cursor = json.loads(_get(connection, following))["next"]
        if cursor is None:
            break
        following = f"{address}&cursor={cursor}"
    return following


def _get(connection: http.client.HTTPConnection, address: str) -> bytes:
    connection.request("GET", address)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"{address} answers {answer.status}: {body[:200]!r}")
    return body


def _p95(times: list[float]) -> float:
    return sorted(times)[len(times) * 95 // 100]
