"""How soon the JSON API answers a program that lists what a grown shop has: every list, first page and far behind.

The lists are taken from the API's routes; one that is not known here is asked for without filters.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

import process
from asking import Asking
from bench import Bench
from figure import Figure
from pages import Past, past_of

from stockhook.web.api.route import PREFIX
from stockhook.web.api.routes import ROUTES

_SOON: Final = 50.0
"""Milliseconds in which a list is to be answered, at the server."""

_TURNED: Final = 20
"""Pages of the most rows that are turned to get far behind."""

FILTERS: Final[Mapping[str, Mapping[str, Callable[[Past], str]]]] = {
    "/deliveries": {
        "in a state": lambda _: "state=pending",
        "of an order": lambda past: f"order_id={past.order}",
        "with a code": lambda past: f"code={past.sku}",
        "with goods of a lot": lambda past: f"lot={past.lot}",
    },
    "/events": {
        "of an order": lambda past: f"order_id={past.order}",
        "with a code": lambda past: f"code={past.sku}",
        "with goods of a lot": lambda past: f"lot={past.lot}",
        "in a state": lambda _: "state=failed",
        "for a reason": lambda _: "reason=test-order",
        "since": lambda _: "since=2026-01-01T00:00:00Z",
        "until": lambda past: f"until=2025-{past.chance.randint(1, 12):02}-01T00:00:00Z",
    },
    "/orders": {
        "by id": lambda past: f"order_id={past.order}",
        "of a channel": lambda _: "channel=shop",
        "of a channel that none has": lambda _: "channel=none",
        "of an account": lambda _: "account=none",
    },
    "/items": {"retired ones": lambda _: "retired=true"},
    "/stock": {
        "of an item": lambda past: f"sku={quote(past.sku)}",
        "of a lot": lambda past: f"lot={past.lot}",
        "in a location": lambda _: "location=MAIN/FG",
        "as of a moment": lambda past: f"as_of=2025-{past.chance.randint(1, 12):02}-15T12:00:00Z",
        "of an item, as of a moment": lambda past: f"sku={past.sku}&as_of=2026-03-15T12:00:00Z",
        "empty ones too": lambda _: "all=true",
    },
    "/units": {"of an item": lambda past: f"sku={quote(past.sku)}", "of a lot": lambda past: f"lot={past.lot}"},
    "/movements": {
        "of an item": lambda past: f"sku={quote(past.sku)}",
        "of a unit": lambda past: f"unit_id={past.unit}",
        "of an order": lambda past: f"order_id={past.order}",
        "of an event": lambda past: f"event_id={past.event}",
        "that reverse one": lambda past: f"reverses={past.movement}",
        "of a kind": lambda _: "kind=receipt",
        "of a rare kind": lambda _: "kind=transfer-out",
        "since": lambda _: "since=2026-01-01T00:00:00Z",
        "until": lambda past: f"until=2025-{past.chance.randint(1, 12):02}-01T00:00:00Z",
    },
    "/problems": {"of a kind": lambda _: "kind=unknown-item", "of all": lambda _: "all=true"},
    "/audit": {
        "of an order": lambda past: f"subject={past.order}",
        "by a person": lambda _: "actor=past",
        "by nobody": lambda _: "actor=nobody&action=stock",
    },
}
"""What is asked for of each list besides."""


def lists(bench: Bench) -> list[Figure]:
    """Ask for a page of each list, with filters that find many, few and nothing, others each time."""
    config = bench.grown()
    with process.daemon(config) as server:
        asking = Asking(server.admin)
        past = past_of(bench, asking)
        behind = {path: _far_behind(asking, path) for path in paths()}
        for _ in range(bench.size.asked):
            for path, addresses in behind.items():
                asking.time(path, "the first page", PREFIX + path)
                if addresses:
                    asking.time(path, "far behind", past.chance.choice(addresses))
                for kind, made in FILTERS.get(path, {}).items():
                    asking.time(path, kind, f"{PREFIX}{path}?{made(past)}")
        asking.close()
        bench.note_memory(server)
    return asking.figures("the API's list", _SOON)


def paths() -> Iterator[str]:
    """Yield the path of each list of the API, as its routes have it, behind what all of them begin with."""
    for route in ROUTES:
        if "page" not in route.takes:
            continue
        if route.in_path:
            raise SystemExit(f"{route.path} is a list that is not measured: say in {__file__} what to ask for")
        yield route.path


def _far_behind(asking: Asking, path: str) -> list[str]:
    """Return the addresses of pages far behind the first, where there are so many rows."""
    address, found = f"{PREFIX}{path}?limit=1000", []
    following = address
    for _ in range(_TURNED):
        cursor = json.loads(asking.get(following))["next"]
        if cursor is None:
            break
        following = f"{address}&cursor={cursor}"
        found.append(f"{PREFIX}{path}?cursor={cursor}")
    return found[len(found) // 2 :]
