"""The webhook listener's answers, in process: a real server and queue, a store that can be held up or made to fail."""

import asyncio
import logging

import pytest
from doorway import SHORT, Client, HeldStore, head, stored
from structlog.testing import capture_logs

from stockhook.errors import StoreUnavailable
from stockhook.health import Health
from stockhook.web.intake import IntakeServer


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


async def test_each_answer_is_told_to_the_log_with_its_delivery(
    client: Client, app: IntakeServer, store: HeldStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stockhook.web.request_lines")
    with capture_logs() as logs:
        assert (await client.post()).code == 200
        refused = await client.post(token="wrong-and-private")
        assert (await client.get("/healthz")).code == 200
        assert (await client.get("/elsewhere-and-private")).code == 404
        app.lines.close()
    requests = [line for line in logs if line["event"] == "request"]
    probes = [line for line in requests if "each" not in line]
    assert [(line["log_level"], line["route"]) for line in probes] == [("debug", "probe")]
    told = [one for line in requests for one in line.get("each", ())]
    assert [(one["method"], one["channel"], one["status"], one["delivery"]) for one in told] == [
        ("POST", "shop", 200, stored(store)[0].id),
        ("POST", "shop", refused.code, None),
        ("GET", None, 404, None),
    ]
    assert all(one["ms"] >= 0 for one in told)
    assert "private" not in str(logs)


async def test_refusals_are_counted_for_who_tells_a_person_and_no_others(client: Client, app: IntakeServer) -> None:
    for _ in range(4):
        assert (await client.post(token="locked")).code == 401
        assert (await client.post(token="unknown")).code == 404
    assert (await client.post()).code == 200
    assert (await client.post(token="locked")).code == 401
    assert app.refusals.take() == []  # the right credentials came between
    for _ in range(4):
        await client.post(token="locked")
    assert [(alarm.channel, alarm.right_path) for alarm in app.refusals.take()] == [("shop", True)]
    await client.get("/webhooks/none/good", "POST")
    assert set(app.refusals._channels) == {"shop"}


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


async def test_draining_finishes_what_has_begun_and_refuses_what_is_new(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    app.silence = app.body = 60
    store.go.clear()
    waiting = client.post()
    reader, writer = await client.connect(head(2) + b"{")
    while len(app.busy) < 2:
        await asyncio.sleep(0.01)
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
    while not app.busy:
        await asyncio.sleep(0.01)
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


async def test_an_intake_that_has_ended_lets_nobody_wait(client: Client, store: HeldStore, app: IntakeServer) -> None:
    store.error = ValueError("nobody expected this")
    answers = [client.post() for _ in range(3)]
    assert {(await asyncio.wait_for(answer, 30)).code for answer in answers} == {503}
    assert (await asyncio.wait_for(client.post(), 30)).code == 503
