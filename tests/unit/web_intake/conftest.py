"""A real listener in process, with little room and less patience."""

from collections.abc import Iterator
from typing import Any

import pytest
from doorway import SHORT, Client, Door, HeldStore, serving
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from stockhook.config.tables import Limits
from stockhook.health import Health
from stockhook.intake import Intake
from stockhook.testing.clock import ManualClock
from stockhook.web.intake import IntakeServer
from stockhook.web.listener import Listener


@pytest.fixture
def store() -> Iterator[HeldStore]:
    store = HeldStore()
    store.open()
    yield store
    store.go.set()


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def app(io_loop: IOLoop, store: HeldStore, health: Health) -> IntakeServer:
    limits = Limits.model_validate({"body": 100_000, "in_flight": 150_000, "connections": 3})
    intake = Intake(store, ManualClock(), limits.in_flight)
    return IntakeServer(intake, {"shop": Door(Door.Options())}, health, limits, silence=SHORT, body=SHORT)


@pytest.fixture
def http_server(io_loop: IOLoop, app: IntakeServer, _unused_port: tuple[Any, int]) -> Iterator[HTTPServer]:
    """Serve as the daemon does, but impatiently."""
    server = Listener(app, max_body_size=1 << 40)
    server.add_socket(_unused_port[0])
    with serving(io_loop, server, app.intake):
        yield server


@pytest.fixture
def client(http_client: AsyncHTTPClient, http_port: int) -> Client:
    return Client(http_client, f"http://127.0.0.1:{http_port}", http_port)
