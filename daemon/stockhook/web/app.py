"""The application of the admin listener: pages, JSON API and metrics."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import Application

from stockhook.health import Health
from stockhook.meters import Meters
from stockhook.operations.desk import Desk
from stockhook.operations.outcomes import telling
from stockhook.operations.volume import Volume
from stockhook.settings import Settings
from stockhook.web.access import Access
from stockhook.web.api.routes import endpoints
from stockhook.web.base import NotFoundPage
from stockhook.web.body_limit import LimitedBody
from stockhook.web.proxies import Proxies, origin
from stockhook.web.requests import told
from stockhook.web.routes import ROUTES
from stockhook.web.scrape import Scrape
from stockhook.web.site import Site


def admin_application(
    desk: Desk,
    settings: Settings,
    health: Health,
    access: Access,
    wake: Callable[[], None] = lambda: None,
    scrape: Scrape | None = None,
    volume: Volume | None = None,
    ending: Callable[[], bool] = lambda: False,
) -> Application:
    """Return the application of the admin listener; its store must be open while it serves.

    ``access`` knows who may ask. ``wake`` is called on the event loop after each action, so that the daemon's loops
    look at once. ``scrape`` writes ``/metrics``; without it, nothing has been counted. ``volume`` may know already what
    the charts show. Once ``ending`` tells that the daemon ends, what still waits for a thread is refused.
    """
    scrape = scrape or Scrape(settings, health, Meters(), desk.clock)
    desk = replace(desk, store=telling(desk.store))
    site = {"site": Site(desk, settings, health, access, wake, scrape, volume=volume or Volume(), ending=ending)}
    return ProxiedApplication(
        Proxies.of(settings.server),
        [*((address, handler, site) for address, handler in ROUTES), *endpoints(site)],
        default_handler_class=NotFoundPage,
        default_handler_args=site,
        cross_origin_protection=True,
        trusted_origins=[origin(url) for url in [settings.admin.public_url] if url],
        log_function=told,
    )


class ProxiedApplication(Application):
    """Tornado's application; its handlers see who asks, how, and for what, as if no proxy were between."""

    def __init__(self, proxies: Proxies, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._proxies = proxies

    def find_handler(self, request: HTTPServerRequest, **named: Any) -> Any:
        """Put the request right before its route is looked up."""
        context = getattr(request.connection, "context", None)
        request.remote_ip = self._proxies.client(context, request.headers)
        request.protocol = self._proxies.scheme(context, request.headers)
        if request.uri is not None:
            request.uri = self._proxies.path(request.uri)
            request.path = request.uri.partition("?")[0]
        return LimitedBody(request, super().find_handler(request, **named))
