"""Every address of the API in one list."""

from collections.abc import Mapping
from typing import Any, Final

from stockhook.operations.desk import Desk
from stockhook.web.api import (
    aliases,
    audit,
    channels,
    corrections,
    deliveries,
    downloads,
    events,
    items,
    kits,
    locations,
    movements,
    orders,
    overview,
    plugins,
    problems,
    recall,
    stock,
    units,
)
from stockhook.web.api.document import document
from stockhook.web.api.handler import Endpoint, NoEndpoint
from stockhook.web.api.route import Route, Routes

_NOUNS: Final = (
    overview,
    deliveries,
    events,
    orders,
    corrections,
    items,
    aliases,
    kits,
    locations,
    stock,
    units,
    movements,
    recall,
    problems,
    channels,
    plugins,
    audit,
    downloads,
)

_own: Final = Routes()


@_own.get("/openapi.json")
def show_description(desk: Desk) -> dict[str, Any]:
    """Describe this API, as OpenAPI 3.1."""
    del desk
    return dict(document(ROUTES))


ROUTES: Final[tuple[Route, ...]] = (*(route for noun in _NOUNS for route in noun.routes.all), *_own.all)
"""All routes, in the order in which the description has them."""


def by_pattern() -> Mapping[str, Mapping[str, Route]]:
    """Return the routes by the regular expression of their address, and then by method."""
    found: dict[str, dict[str, Route]] = {}
    for route in sorted(ROUTES, key=lambda route: route.path.replace("{", "\x7f")):  # words before parameters
        found.setdefault(route.pattern, {})[route.method] = route
    return found


def endpoints(site: Mapping[str, Any]) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the addresses of the API as an application takes them; what none of them knows comes last."""
    sheets = {route.path.removesuffix(".csv"): route for route in ROUTES if route.download}
    known = []
    for pattern, routes in by_pattern().items():
        listing = routes["GET"].path if "GET" in routes else ""
        known.append((pattern, Endpoint, {**site, "routes": routes, "sheet": sheets.get(listing)}))
    return [*known, (r"/api(?:/.*)?", NoEndpoint, dict(site))]
