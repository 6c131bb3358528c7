"""How soon each page of a grown shop is there: every address that can be opened, taken from the routes.

A new one cannot be forgotten: one that is not known here is asked for as it stands, and ends the run where that is not
an address.
"""

import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import quote

import process
import scene
from asking import Asking
from bench import Bench
from figure import Figure
from ledger import ACCOUNT
from tornado.web import RequestHandler

from stockhook.testing.pages import open_pages
from stockhook.web.api.handler import ApiHandler

_SOON: Final = 100.0
"""Milliseconds in which a page is to be there, at the server."""

_KEPT: Final = 40
"""One delivery in so many is young enough for its payload to be there still, at the least."""


@dataclass(frozen=True, slots=True)
class Past:
    """What there is to ask for: how many orders, each with its delivery and event, movements and units; a problem."""

    chance: random.Random
    orders: int
    movements: int
    units: int
    problem: int

    @property
    def sku(self) -> str:
        """An item."""
        return scene.sku(self.chance.randrange(scene.ITEMS))

    @property
    def order(self) -> str:
        """The id of an order."""
        return f"DEMO-PAST-{self.chance.randrange(self.orders):08}"

    @property
    def event(self) -> int:
        """An event, whose delivery has the same number."""
        return self.chance.randint(1, self.orders)

    @property
    def young(self) -> int:
        """An event whose payload is still there."""
        return self.chance.randint(self.orders - self.orders // _KEPT, self.orders)

    @property
    def unit(self) -> int:
        """A unit."""
        return self.chance.randint(1, self.units)

    @property
    def lot(self) -> str:
        """The lot of a unit that is used up, in a spelling of its own."""
        return f"{self.chance.choice('pP')}{self.chance.randint(1, self.units - scene.ITEMS * scene.UNITS):06}"

    @property
    def movement(self) -> int:
        """A movement."""
        return self.chance.randint(1, self.movements)

    @property
    def days(self) -> str:
        """Filters by day."""
        month = self.chance.randint(2, 11)
        return f"since=2025-{month - 1:02}-15&until=2025-{month:02}-15"


Made: TypeAlias = Callable[[Past], str]

_ORDER: Final[Made] = lambda past: f"/orders/{quote(ACCOUNT)}/{past.order}"  # noqa: E731 - two addresses begin so

PAGES: Final[Mapping[str, Mapping[str, Made]]] = {
    "/": {"the newest": lambda _: "/"},
    "/deliveries": {
        "the newest": lambda _: "/deliveries",
        "far behind": lambda past: f"/deliveries?before={past.event}",
        "of a channel, far behind": lambda past: f"/deliveries?channel=shop&before={past.event}",
        "in a state that none has": lambda past: f"/deliveries?state=pending&before={past.event}",
        "of some days": lambda past: f"/deliveries?{past.days}",
        "of an order": lambda past: f"/deliveries?order={past.order}",
        "with a code": lambda past: f"/deliveries?code={past.sku}",
        "with goods of a lot": lambda past: f"/deliveries?lot={past.lot}",
    },
    r"/deliveries/(\d+)": {"any": lambda past: f"/deliveries/{past.event}"},
    r"/deliveries/(\d+)/body": {"any": lambda past: f"/deliveries/{past.young}/body"},
    "/events": {
        "the newest": lambda _: "/events",
        "far behind": lambda past: f"/events?before={past.event}",
        "of an order": lambda past: f"/events?order={past.order}",
        "with a code": lambda past: f"/events?code={past.sku}",
        "with goods of a lot": lambda past: f"/events?lot={past.lot}",
        "in a state that many have": lambda past: f"/events?state=applied&before={past.event}",
        "in a state that none has": lambda _: "/events?state=failed",
        "for a reason that none has": lambda past: f"/events?reason=test-order&before={past.event}",
        "of some days, by all there is": lambda past: f"/events?state=applied&channel=shop&name=order_ship&{past.days}",
    },
    r"/events/(\d+)": {
        "any": lambda past: f"/events/{past.event}",
        "with its payload": lambda past: f"/events/{past.young}?payload=yes",
    },
    r"/events/(\d+)/dry-run": {"any": lambda past: f"/events/{past.young}/dry-run"},
    "/orders/([^/]+)/([^/]+)": {"any": _ORDER},
    r"/orders/([^/]+)/([^/]+)/lines/(\d+)": {"any": lambda past: f"{_ORDER(past)}/lines/{past.chance.randint(1, 3)}"},
    "/items": {
        "all": lambda _: "/items",
        "by a part of the name": lambda past: f"/items?q={past.chance.randrange(10)}",
    },
    "/locations": {"all": lambda _: "/locations", "by a part of the path": lambda _: "/locations?q=fg"},
    "/items/([^/]+)": {
        "any": lambda past: f"/items/{past.sku}",
        "its movements far behind": lambda past: f"/items/{past.sku}?before={past.movement}",
        "with units that are used up": lambda past: f"/items/{past.sku}?empty=yes",
    },
    "/items/([^/]+)/receive": {"any": lambda past: f"/items/{past.sku}/receive"},
    r"/units/(\d+)": {"any": lambda past: f"/units/{past.unit}"},
    "/problems": {"open": lambda _: "/problems", "all": lambda _: "/problems?state=all"},
    r"/problems/(\d+)": {"any": lambda past: f"/problems/{past.problem}"},
    "/channels": {"all": lambda _: "/channels"},
    "/audit": {
        "the newest": lambda _: "/audit",
        "of an order": lambda past: f"/audit?subject={past.order}",
        "by a person": lambda _: "/audit?actor=past",
        "by nobody": lambda _: "/audit?actor=nobody&action=stock",
        "far behind": lambda _: "/audit?before=60",
    },
    "/recall": {
        "of a lot": lambda past: f"/recall?lot={past.lot}",
        "of a unit that is in stock": lambda past: f"/recall?lot=l{past.chance.randrange(scene.ITEMS):04}",
    },
    r"/movements/(\d+)": {"any": lambda past: f"/movements/{past.movement}"},
    "/plugins": {"all": lambda _: "/plugins"},
    "/search": {
        "for an order": lambda past: f"/search?q={past.order}",
        "for an item": lambda past: f"/search?q={past.sku}",
        "for a lot": lambda past: f"/search?q={past.lot}",
        "for nothing that is there": lambda past: f"/search?q={past.order}-",
    },
    "/login": {"it": lambda _: "/login"},
    "/(?:healthz|readyz)": {"ready": lambda _: "/readyz"},
    "/metrics": {"it": lambda _: "/metrics"},
    r"/static/([\w.]+)": {"the style": lambda _: "/static/pico.min.css"},
    "/api": {"it": lambda _: "/api"},
}
"""What is asked for of each page, by the pattern of its route."""


def pages(bench: Bench) -> list[Figure]:
    """Ask for each page: first, last and deep ones, searched and filtered, others each time."""
    config, known = bench.grown(), {route: PAGES.get(route, {"it": partial(_itself, route)}) for route in routes()}
    with process.daemon(config) as server:
        asking = Asking(server.admin)
        past = past_of(bench, asking)
        for _ in range(bench.size.asked):
            for route, kinds in known.items():
                for kind, made in kinds.items():
                    asking.time(_named(route), kind, made(past))
        asking.close()
        bench.note_memory(server)
    return asking.figures("the page", _SOON)


def routes() -> Iterator[str]:
    """Yield the pattern of each address of the status page that a browser can open; the API has rows of its own."""
    with tempfile.TemporaryDirectory() as folder:
        rules = open_pages(Path(folder)).application().wildcard_router.rules
        for rule in rules:
            pattern = rule.matcher.regex.pattern.removesuffix("$")
            opened = rule.target.get is not RequestHandler.get and not issubclass(rule.target, ApiHandler)
            if opened and pattern not in PAGES and "(" in pattern:
                raise SystemExit(f"{pattern} is a page that is not measured: say in {__file__} what to ask for")
            if opened:
                yield pattern


def _itself(route: str, _past: Past) -> str:
    return route


def past_of(bench: Bench, asking: Asking) -> Past:
    """Return what there is to ask for in the grown shop of a daemon."""
    movements = json.loads(asking.get("/api/v1/movements?limit=1"))["rows"][0]["id"]
    units = json.loads(asking.get("/api/v1/units?limit=1"))["rows"][0]["unit_id"]
    [problem] = json.loads(asking.get("/api/v1/problems?limit=1"))["rows"]
    return Past(random.Random(1), bench.size.ledger // 10, movements, units, problem["id"])


def _named(route: str) -> str:
    """Return a route as a person writes it: with dots for what differs."""
    return re.sub(r"\([^)]*\)", "...", route.replace("(?:healthz|readyz)", "readyz"))
