"""One line of log for each request to the admin listener: by its route, as an address holds what a person typed."""

import re
from typing import Final

from tornado.routing import PathMatches
from tornado.web import RequestHandler

from stockhook import log

logger = log.get(__name__)

_OFTEN: Final = ("/(?:healthz|readyz)", "/metrics", "/static/")
"""Routes that machines ask for all the time; told at the level debug."""


def told(handler: RequestHandler) -> None:
    """Log a request that has been answered: method, route, status, milliseconds; never the address."""
    route = _route(handler)
    tell = logger.debug if route is not None and route.startswith(_OFTEN) else logger.info
    tell(
        "request",
        listener="admin",
        method=handler.request.method,
        route=route,
        status=int(handler.get_status()),
        ms=round(1000 * handler.request.request_time(), 1),
    )


def _route(handler: RequestHandler) -> str | None:
    """Return the pattern of the route, as the list of routes has it; None where there is none."""
    for rule in handler.application.wildcard_router.rules:
        matcher = rule.matcher
        if rule.target is type(handler) and isinstance(matcher, PathMatches):
            regex: re.Pattern[str] = matcher.regex
            if regex.match(handler.request.path):
                return regex.pattern.removesuffix("$")
    return None
