"""Large bodies, which are read to where they stay: whole, each by itself, and what follows is not theirs."""

import asyncio
import logging
from itertools import pairwise

import pytest
from doorway import Client, HeldStore, head, stored

from stockhook.buffers import LARGEST
from stockhook.intake import LARGE, Intake
from stockhook.web.intake import IntakeServer

SIZE = 60_000


@pytest.fixture(autouse=True)
def patient(app: IntakeServer) -> None:
    app.body = app.silence = 60


def digits(size: int, start: int = 0) -> bytes:
    """Return so many bytes of which no two places look alike."""
    return b"".join(b"%08d" % number for number in range(start, start + size // 8 + 1))[:size]


def bodies(store: HeldStore) -> list[bytes | None]:
    with store.read() as view:
        return [view.body(delivery.id) for delivery in sorted(stored(store), key=lambda one: one.id)]


async def answered(reader: asyncio.StreamReader) -> None:
    assert (await asyncio.wait_for(reader.readuntil(b"stored\n"), 30)).startswith(b"HTTP/1.1 200 OK\r\n")


async def until_reserved(intake: Intake, size: int) -> None:
    async with asyncio.timeout(30):
        while intake.in_flight != size:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("cuts", [(), (0,), (1,), (LARGE,), (SIZE - 1,), (1, 2, 30_000)])
async def test_a_body_that_comes_in_pieces_is_kept_as_it_came(
    client: Client, store: HeldStore, app: IntakeServer, cuts: tuple[int, ...]
) -> None:
    body = digits(SIZE)
    with_headers, *later = [body[begin:end] for begin, end in pairwise((0, *cuts, SIZE))]
    reader, writer = await client.connect(head(SIZE) + with_headers)
    for piece in later:
        await until_reserved(app.intake, SIZE)
        await asyncio.sleep(0.005)
        writer.write(piece)
    await answered(reader)
    assert bodies(store) == [body]
    await until_reserved(app.intake, 0)
    writer.close()


async def test_what_follows_a_large_body_at_once_is_the_next_request(client: Client, store: HeldStore) -> None:
    sent = [digits(LARGE + 1), b"{}", digits(SIZE, 7), digits(LARGE), digits(20_000, 3)]
    reader, writer = await client.connect(b"".join(head(len(body)) + body for body in sent))
    for _ in sent:
        await answered(reader)
    assert bodies(store) == sent
    writer.close()


async def test_bodies_that_are_read_to_the_same_memory_are_not_mixed_up(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    sent = [digits(size, size) for size in (SIZE, LARGE + 1, 80_000, 50_000)]
    reader, writer = await client.connect()
    for body in sent:
        writer.write(head(len(body)) + body)
        await answered(reader)
    assert bodies(store) == sent
    assert [len(memory) for memory in app.intake.buffers._spare] == [SIZE, 80_000]
    writer.close()


async def test_of_a_body_that_ends_too_soon_nothing_is_kept_nor_taken_for_a_request(
    client: Client, store: HeldStore, app: IntakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _, writer = await client.connect(head(SIZE) + b"\r\n\r\n" + head(2) + b"{}" + digits(30_000))
    await until_reserved(app.intake, SIZE)
    writer.close()
    await until_reserved(app.intake, 0)
    async with asyncio.timeout(30):
        while app.open:
            await asyncio.sleep(0.001)
    assert not app.busy
    assert stored(store) == []
    assert caplog.messages == []


async def test_a_sender_that_asks_before_it_sends_a_large_body_is_told_to_go_on(
    client: Client, store: HeldStore
) -> None:
    asks = head(SIZE).replace(b"Host: a", b"Host: a\r\nExpect: 100-continue")
    reader, writer = await client.connect(asks)
    told = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    assert told.startswith(b"HTTP/1.1 100 ")
    writer.write(digits(SIZE))
    await answered(reader)
    assert bodies(store) == [digits(SIZE)]
    writer.close()


@pytest.mark.parametrize("length", ["00060000", "0" * 15 + "60000", "0" * 30 + "60000"])
async def test_a_length_with_zeros_before_it_is_that_length(client: Client, store: HeldStore, length: str) -> None:
    request = head(SIZE).replace(b": 60000", f": {length}".encode())
    reader, writer = await client.connect(request + digits(SIZE) + head(2) + b"{}")
    await answered(reader)
    await answered(reader)
    assert bodies(store) == [digits(SIZE), b"{}"]
    writer.close()


@pytest.mark.parametrize("fields", ["Content-Length: 60000\r\nContent-Length: 2", "Transfer-Encoding: chunked"])
async def test_who_says_two_things_about_where_a_large_body_ends_is_refused(
    client: Client, store: HeldStore, fields: str
) -> None:
    request = head(SIZE).replace(b"Host: a", f"Host: a\r\n{fields}".encode())
    reader, writer = await client.connect(request + digits(SIZE) + head(2) + b"{}")
    assert (await asyncio.wait_for(reader.read(), 30)).startswith(b"HTTP/1.1 400 ")
    assert stored(store) == []
    writer.close()


async def test_a_body_too_large_for_a_buffer_is_kept_all_the_same(
    client: Client, store: HeldStore, app: IntakeServer
) -> None:
    app.limits = app.limits.model_copy(update={"body": 2 * LARGEST})
    body = digits(LARGEST + 1)
    assert (await client.post(body)).code == 200
    assert bodies(store) == [body]
    assert app.intake.buffers._spare == []
