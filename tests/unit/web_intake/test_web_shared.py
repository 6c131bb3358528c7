"""Webhooks and pages on one address."""

import asyncio
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from doorway import SHORT, Client, HeldStore, head, serving, stored
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from stockhook.testing.pages import GUARDED, PASSWORD, open_pages
from stockhook.web.intake import IntakeServer
from stockhook.web.listener import Listener
from stockhook.web.shared import SharedServer


@pytest.fixture
def http_server(
    io_loop: IOLoop, app: IntakeServer, _unused_port: tuple[Any, int], tmp_path: Path
) -> Iterator[HTTPServer]:
    """Serve both as the daemon does, but impatiently."""
    server = Listener(
        SharedServer(app, open_pages(tmp_path, GUARDED).application(), 1000, SHORT), max_body_size=1 << 40
    )
    server.conn_params.header_timeout = None
    server.add_socket(_unused_port[0])
    with serving(io_loop, server, app.intake):
        yield server


def asking(path: str, *, body: bytes = b"", method: str = "GET") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    form = "Content-Type: application/x-www-form-urlencoded\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{form}{length}\r\n".encode() + body


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    headers = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next((int(one.partition(":")[2]) for one in headers.split("\r\n") if one.startswith("Content-Length")), 0)
    await reader.readexactly(length)
    return int(headers.split()[1]), headers.encode()


async def test_one_connection_asks_for_either_in_turn(client: Client, store: HeldStore) -> None:
    reader, writer = await client.connect()
    for _ in range(3):
        writer.write(head(2) + b"{}")
        assert (await answered(reader))[0] == 200
        writer.write(asking("/events"))
        status, headers = await answered(reader)
        assert (status, b"/login?back=%2Fevents" in headers) == (303, True)
    assert len(stored(store)) == 3
    writer.close()


async def test_the_pages_ask_for_the_password_here_too(client: Client) -> None:
    form = f"name=Ann&password={PASSWORD.replace(' ', '+')}".encode()
    reader, writer = await client.connect(asking("/login", body=form, method="POST"))
    status, headers = await answered(reader)
    assert status == 303
    cookie = next(line for line in headers.decode().split("\r\n") if line.startswith("Set-Cookie: "))
    (session,) = SimpleCookie(cookie.removeprefix("Set-Cookie: ")).values()
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + f"{session.key}={session.value}".encode() + b"\r\n\r\n")
    assert (await answered(reader))[0] == 200
    writer.close()


@pytest.mark.parametrize(
    ("path", "status"), [("/webhooks/shop/wrong", 404), ("/webhooks", 404), ("/readyz", 200), ("/webhooksx", 303)]
)
async def test_the_webhooks_keep_their_addresses(client: Client, path: str, status: int) -> None:
    reader, writer = await client.connect(asking(path))
    assert (await answered(reader))[0] == status
    writer.close()


async def test_a_form_has_its_own_limits(client: Client, store: HeldStore) -> None:
    reader, writer = await client.connect(asking("/login", body=b"x" * 1001, method="POST"))
    assert b"200 OK" not in await reader.read()
    writer.close()
    slow, writer = await client.connect(asking("/login", body=b"x" * 900, method="POST")[:-10])
    assert await asyncio.wait_for(slow.read(), 50 * SHORT) == b""
    writer.close()
    assert (await client.post(b"x" * 50_000)).code == 200
    assert len(stored(store)) == 1


async def test_a_connection_that_says_nothing_is_cut_whatever_it_asked_before(
    client: Client, app: IntakeServer
) -> None:
    reader, writer = await client.connect(asking("/healthz"))
    assert (await answered(reader))[0] == 200
    writer.write(asking("/events"))
    assert (await answered(reader))[0] == 303
    assert await asyncio.wait_for(reader.read(), 50 * SHORT) == b""
    assert not app.open
    writer.close()
