"""The webhook listener's answers, in process: a real server and queue, a store that can be held up or made to fail."""

import asyncio
import builtins
import gc
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from stockhook.channel import Nothing, RawEvent, Request
from stockhook.config.tables import Limits
from stockhook.errors import NoSuchToken, Rejected, StoreUnavailable
from stockhook.health import Health
from stockhook.intake import Intake
from stockhook.model import Delivery
from stockhook.options import PluginOptions
from stockhook.store import Arrival
from stockhook.testing.clock import ManualClock
from stockhook.web.intake import IntakeServer
from stockhook.web.listener import Listener
from stockhook_plugins.stores.memory import MemoryStore

SHORT = 0.8
"""Seconds that headers and bodies may take here."""


class HeldStore(MemoryStore):
    """A store whose appends wait for ``go``, and then raise ``error`` if there is one."""

    def __init__(self) -> None:
        super().__init__(MemoryStore.Options())
        self.go = threading.Event()
        self.go.set()
        self.error: Exception | None = None
        self.commits: list[int] = []

    def append(self, arrivals: Sequence[Arrival]) -> list[int]:
        assert self.go.wait(50)
        if self.error:
            raise self.error
        self.commits.append(len(arrivals))
        return super().append(arrivals)


class Door:
    """A channel that lets in the token ``good``."""

    type: ClassVar[str] = "door"
    Options: ClassVar[builtins.type[PluginOptions]] = PluginOptions

    def __init__(self, options: PluginOptions) -> None:
        pass

    def authenticate(self, request: Request) -> None:
        match request.token:
            case "good":
                return
            case "locked":
                raise Rejected("no password")
            case "broken":
                raise RuntimeError("a plugin's own fault")
        raise NoSuchToken("no such token")

    def split(self, body: bytes) -> Sequence[RawEvent]:
        return []

    def read(self, event: RawEvent) -> Nothing:
        return Nothing("unknown-event")


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
    running: list[asyncio.Task[None]] = []
    io_loop.add_callback(lambda: running.append(asyncio.ensure_future(app.intake.run())))
    yield server

    async def end() -> None:
        server.stop()
        await server.close_all_connections()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    io_loop.run_sync(end)


class Client:
    def __init__(self, client: AsyncHTTPClient, base: str, port: int) -> None:
        self.client = client
        self.base = base
        self.port = port

    def post(self, body: bytes = b"{}", token: str = "good", **more: Any) -> asyncio.Future[HTTPResponse]:
        address = f"{self.base}/webhooks/shop/{token}"
        return asyncio.ensure_future(self.client.fetch(address, method="POST", body=body, raise_error=False, **more))

    async def get(self, path: str, method: str = "GET") -> HTTPResponse:
        return await self.client.fetch(
            self.base + path, method=method, raise_error=False, allow_nonstandard_methods=True
        )

    async def connect(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        return reader, writer


@pytest.fixture
def client(http_client: AsyncHTTPClient, http_port: int) -> Client:
    return Client(http_client, f"http://127.0.0.1:{http_port}", http_port)


def head(length: int, token: str = "good") -> bytes:
    return f"POST /webhooks/shop/{token} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()


def stored(store: MemoryStore) -> list[Delivery]:
    with store.read() as view:
        return view.find(Delivery)


async def test_the_answer_comes_after_the_commit_and_not_before(client: Client, store: HeldStore) -> None:
    store.go.clear()
    answer = client.post(b'{"a":1}')
    await asyncio.sleep(1.5 * SHORT)  # longer than a body may take
    assert not answer.done()
    store.go.set()
    assert (await answer).code == 200
    (delivery,) = stored(store)
    with store.read() as view:
        assert view.body(delivery.id) == b'{"a":1}'


async def test_what_arrives_during_a_commit_is_the_next_commit(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    store.go.clear()
    first = client.post(b"1")
    while app.intake.committing_since is None:
        await asyncio.sleep(0.01)
    rest = [client.post(str(n).encode()) for n in (2, 30)]
    while len(app.intake._queue) < 2:
        await asyncio.sleep(0.01)
    store.go.set()
    assert {(await answer).code for answer in (first, *rest)} == {200}
    assert store.commits == [1, 2]


async def test_what_could_not_be_stored_is_a_503_that_says_when_to_come_again(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    store.error = StoreUnavailable("the disk is full")
    answer = await client.post()
    assert (answer.code, answer.headers["Retry-After"]) == (503, "5")
    assert app.intake.failing
    store.error = None
    assert (await client.post()).code == 200
    assert not app.intake.failing


async def test_a_channel_that_fails_to_authenticate_is_a_503_and_its_token_is_not_logged(client: Client) -> None:
    with capture_logs() as logs:
        answer = await client.post(token="broken")
    assert (answer.code, answer.headers["Retry-After"]) == (503, "5")
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert line["channel"] == "shop"
    assert "/webhooks/" not in str(line)


@pytest.mark.parametrize(("token", "code"), [("other", 404), ("", 404), ("locked", 401)])
async def test_who_is_not_let_in_is_told_so_and_leaves_nothing(
    client: Client, store: HeldStore, app: IntakeServer, token: str, code: int
) -> None:
    answer = await client.post(token=token)
    assert answer.code == code
    assert ("WWW-Authenticate" in answer.headers) == (code == 401)
    assert stored(store) == []
    assert app.intake.in_flight == 0


@pytest.mark.parametrize("path", ["/", "/webhooks/other/good", "/webhooks/shop/good/", "/metrics"])
async def test_nothing_else_is_there(client: Client, path: str) -> None:
    assert (await client.get(path)).code == 404


async def test_only_a_post_is_taken(client: Client) -> None:
    answer = await client.get("/webhooks/shop/good")
    assert (answer.code, answer.headers["Allow"]) == (405, "POST")


async def test_the_probes_say_what_is_wrong_in_a_word(client: Client, health: Health) -> None:
    assert [(await client.get(path)).code for path in ("/healthz", "/readyz")] == [200, 200]
    health.ready = lambda: "store unavailable"
    assert [(await client.get(path)).code for path in ("/healthz", "/readyz")] == [200, 503]
    assert (await client.get("/readyz")).body == b"store unavailable\n"
    health.alive = lambda: "writer blocked"
    assert [(await client.get(path)).code for path in ("/healthz", "/readyz")] == [503, 503]
    assert (await client.get("/healthz", "HEAD")).body == b""


async def test_headers_are_kept_without_credentials_and_bodies_as_they_came(client: Client, store: HeldStore) -> None:
    secrets = ("Authorization", "X-Authorization-Basic", "Cookie", "Proxy-Authorization")
    body = bytes(range(256)) * 100
    await client.post(body, headers={**dict.fromkeys(secrets, "secret"), "User-Agent": "UltraCart"})
    (delivery,) = stored(store)
    assert ("User-Agent", "UltraCart") in delivery.headers
    assert "secret" not in str(delivery.headers)
    assert (delivery.channel, delivery.peer, delivery.size) == ("shop", "127.0.0.1", len(body))
    with store.read() as view:
        assert view.body(delivery.id) == body


async def test_a_body_that_never_ends_is_cut_in_time_and_gives_its_room_back(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    reader, writer = await client.connect(head(90_000) + b"{")
    while app.intake.in_flight != 90_000:
        await asyncio.sleep(0.01)
    assert await asyncio.wait_for(reader.read(), 30) == b""
    assert app.intake.in_flight == 0
    assert stored(store) == []
    writer.close()


async def test_a_refused_body_that_never_ends_is_cut_in_time_too(client: Client) -> None:
    reader, writer = await client.connect(head(90_000, "other") + b"{")
    answer = await asyncio.wait_for(reader.read(), 30)
    assert answer.startswith(b"HTTP/1.1 404 ")
    writer.close()


@pytest.mark.parametrize("data", [b"", b"POST /webhooks/shop/good HT", head(2)[:-2]])
async def test_headers_that_never_end_are_cut_in_time(client: Client, data: bytes) -> None:
    reader, writer = await client.connect(data)
    assert await asyncio.wait_for(reader.read(), 30) == b""
    writer.close()


async def test_more_bytes_at_once_than_there_is_room_for_wait_outside(client: Client, app: IntakeServer) -> None:
    _, writer = await client.connect(head(90_000) + b"{")
    while app.intake.in_flight != 90_000:
        await asyncio.sleep(0.01)
    answer = await client.post(b" " * 70_000)
    assert (answer.code, answer.headers["Retry-After"]) == (503, "5")
    assert (await client.post(b" " * 50_000)).code == 200
    writer.close()


async def test_one_body_may_always_come_in_however_small_the_room(io_loop: IOLoop, store: HeldStore) -> None:
    intake = Intake(store, ManualClock(), 10)
    assert intake.reserve(1000)
    assert not intake.reserve(1)
    intake.release(1000)
    assert intake.reserve(1)


async def test_silent_connections_make_room_and_busy_ones_do_not(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    app.silence = 60
    silent = [await client.connect() for _ in range(6)]
    assert (await client.post()).code == 200
    assert await asyncio.wait_for(silent[0][0].read(), 30) == b""
    store.go.clear()
    waiting = [await client.connect(head(2) + b"{}") for _ in range(3)]
    await asyncio.sleep(0.4)
    answer = await client.post()
    assert (answer.code, answer.headers["Connection"]) == (503, "close")
    store.go.set()
    for reader, writer in waiting:
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        writer.close()
    for _, writer in silent:
        writer.close()


async def test_as_many_connections_as_may_be_busy_are_silent_and_neither_ended_nor_in_the_way(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    app.silence = 60
    silent = [await client.connect() for _ in range(3)]
    store.go.clear()
    answers = [client.post() for _ in range(3)]
    while len(app.busy) < 3:
        await asyncio.sleep(0.01)
    store.go.set()
    assert [(await answer).code for answer in answers] == [200] * 3
    for reader, writer in silent:
        writer.write(head(2) + b"{}")
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        writer.close()


async def test_there_are_never_more_connections_than_twice_what_may_be_busy(client: Client, app: IntakeServer) -> None:
    app.silence = 60
    new = [await client.connect() for _ in range(7)]
    assert await asyncio.wait_for(new[0][0].read(), 30) == b""
    assert len(app.open) == 6
    for _, writer in new:
        writer.close()


async def test_draining_finishes_what_has_begun_and_refuses_what_is_new(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    store.go.clear()
    waiting = client.post()
    reader, writer = await client.connect(head(2) + b"{")
    await asyncio.sleep(0.1)
    drained = asyncio.ensure_future(app.drain())
    await asyncio.sleep(0.05)
    refused = await client.post()
    assert (refused.code, refused.headers["Connection"]) == (503, "close")
    assert not drained.done()
    store.go.set()
    assert (await waiting).code == 200
    assert not drained.done()
    writer.write(b"}")
    assert (await asyncio.wait_for(reader.read(), 30)).startswith(b"HTTP/1.1 200 OK\r\n")
    await asyncio.wait_for(drained, 30)
    assert len(stored(store)) == 2
    writer.close()


async def test_a_sender_that_leaves_during_the_commit_harms_nothing(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    store.go.clear()
    _, writer = await client.connect(head(2) + b"{}")
    await asyncio.sleep(0.4)
    writer.transport.abort()
    await asyncio.sleep(0.4)
    with capture_logs() as logs:
        store.go.set()
        assert (await client.post()).code == 200
    assert logs == []
    assert (len(stored(store)), app.intake.in_flight, app.busy) == (2, 0, set())


async def test_the_usual_answer_is_complete_and_no_byte_longer(client: Client) -> None:
    reader, writer = await client.connect((head(2) + b"{}") * 3)
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\n\r\nstored\n"
    assert await asyncio.wait_for(reader.readexactly(3 * len(answer)), 30) == 3 * answer
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), SHORT / 4)
    writer.close()


async def test_a_sender_that_wants_the_connection_closed_gets_its_answer_and_that(client: Client) -> None:
    reader, writer = await client.connect(head(2).replace(b"Host", b"Connection: close\r\nHost") + b"{}")
    answer = await asyncio.wait_for(reader.read(), 30)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\nstored\n")
    writer.close()


async def test_an_old_sender_is_told_whether_its_connection_stays(client: Client) -> None:
    old = head(2).replace(b"HTTP/1.1", b"HTTP/1.0")
    reader, writer = await client.connect(old.replace(b"Host", b"Connection: keep-alive\r\nHost") + b"{}")
    answer = await asyncio.wait_for(reader.readuntil(b"stored\n"), 30)
    assert b"\r\nConnection: Keep-Alive\r\n" in answer
    writer.write(old + b"{}")
    answer = await asyncio.wait_for(reader.read(), 30)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nstored\n")
    writer.close()


async def test_a_connection_in_use_is_not_taken_for_a_silent_one(client: Client) -> None:
    reader, writer = await client.connect()
    for _ in range(6):
        await asyncio.sleep(SHORT / 4)
        writer.write(head(2) + b"{}")
        assert (await asyncio.wait_for(reader.readuntil(b"stored\n"), 30)).startswith(b"HTTP/1.1 200 OK\r\n")
    assert await asyncio.wait_for(reader.read(), 30) == b""
    writer.close()


async def test_a_request_that_was_answered_is_gone_without_the_garbage_collector(
    client: Client, app: IntakeServer
) -> None:
    reader, writer = await client.connect()
    while not app.open:
        await asyncio.sleep(0.01)
    gc.disable()
    try:
        request = weakref.ref(next(iter(app.open.values())))
        writer.write(head(2) + b"{}")
        assert (await asyncio.wait_for(reader.readuntil(b"stored\n"), 30)).startswith(b"HTTP/1.1 200 OK\r\n")
        async with asyncio.timeout(30):
            while request() is not None:
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
    writer.close()


async def test_an_intake_that_has_ended_lets_nobody_wait(client: Client, store: HeldStore, app: IntakeServer) -> None:
    store.error = ValueError("nobody expected this")
    answers = [client.post() for _ in range(3)]
    assert {(await asyncio.wait_for(answer, 30)).code for answer in answers} == {503}
    assert (await asyncio.wait_for(client.post(), 30)).code == 503


async def test_connections_that_were_cut_leave_room_for_others(client: Client, app: IntakeServer) -> None:
    async def until(count: int) -> None:
        while len(app.open) != count:
            await asyncio.sleep(0.005)

    for _ in range(5):
        _, writer = await client.connect(b"POST /webhooks/shop/good HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        await asyncio.wait_for(until(1), 30)
        writer.close()
        await asyncio.wait_for(until(0), 30)
    assert (await client.post(headers={"Connection": "close"})).code == 200
    await asyncio.wait_for(until(0), 30)
