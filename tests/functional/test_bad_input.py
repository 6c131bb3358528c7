"""What a hostile or broken sender can do to the whole daemon: it answers clearly, loses nothing and lives on.

The rows are those of reliability.md (a) 30 to 41. After each of them the daemon must still book a good event, with
its memory within bounds.
"""

import base64
import contextlib
import gzip
import itertools
import random
import select
import socket
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stockhook.model import Delivery, Event, EventState, Item, Location, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.stock import Receipt, receive
from stockhook.quantity import ONE
from stockhook.testing.daemon import TOKEN, RunningDaemon
from stockhook.testing.payloads import array, envelope, line, order_ship

MEBIBYTE = 2**20
LIMIT = 10 * MEBIBYTE
MEMORY = 256 * MEBIBYTE
"""What the daemon may have resident at most through all of this."""

PATH = f"/webhooks/shop/{TOKEN}"
SHIPPED = "2026-11-01T12:00:00-05:00"
GOOD = envelope(order_ship("D-GOOD", [line("SOAP", 1, shipped=SHIPPED)]))
CLOSED = b""

numbers = itertools.count(1)


def shipment(code: str = "SOAP", quantity: int = 1) -> bytes:
    return envelope(order_ship(f"D-{next(numbers)}", [line(code, quantity, shipped=SHIPPED)]))


class Sender:
    """A raw connection to the daemon's webhook listener, and a look into its store."""

    def __init__(self, daemon: RunningDaemon, desk: Desk) -> None:
        self.daemon = daemon
        self.desk = desk
        where = urlsplit(daemon.server)
        self.address = (str(where.hostname), int(where.port or 0))

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=20)

    def exchange(self, *pieces: bytes) -> bytes:
        """Send the pieces, then read until the daemon has answered in full or closed; a cut connection is b""."""
        with self.connect() as connection, contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
            return read_answer(connection)
        return CLOSED

    def deliveries(self) -> int:
        with self.desk.store.read() as view:
            return sum(total.count for total in view.totals(Delivery))

    def events(self, delivery: int) -> list[Event]:
        with self.desk.store.read() as view:
            return sorted(view.find(Event, {"delivery_id": delivery}), key=lambda event: event.position)

    def newest(self) -> Delivery:
        with self.desk.store.read() as view:
            return view.find(Delivery, most=1)[0]

    def on_hand(self) -> int:
        with self.desk.store.read() as view:
            return sum(unit.quantity for unit in view.find(Unit, {"sku": "SOAP"}))

    def worked(self, delivery: int) -> list[Event]:
        """Wait until a delivery has been worked and return its events."""

        def events() -> list[Event]:
            found = self.events(delivery)
            return [] if any(event.state is EventState.PENDING for event in found) else found

        return self.daemon.until(events, what=f"delivery {delivery} to be worked")


def read_answer(connection: socket.socket) -> bytes:
    """Read one answer, its body included."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(field[15:]) for field in head.lower().split(b"\r\n") if field.startswith(b"content-length:")), 0)
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def head(method: str = "POST", path: str = PATH, *fields: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: stock.example.com", *fields, "", ""]).encode("latin1")


def request(body: bytes, *fields: str) -> bytes:
    return head("POST", PATH, f"Content-Length: {len(body)}", *fields) + body


def chunked(body: bytes, size: int = 65536) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    guarded = f"""
[channels.guarded]
merchant_id = "DEMO"
token = "{TOKEN}"
username = "ultracart"
password = "correct horse battery"
"""
    folder: Path = tmp_path_factory.mktemp("bad-input")
    with RunningDaemon(folder, more=guarded) as daemon, daemon.desk() as desk:
        receive(desk, [Receipt("SOAP", 100_000 * ONE, "MAIN")], made=[Item("SOAP"), Location("MAIN")])
        yield Sender(daemon, desk)


@pytest.fixture(autouse=True)
def good_events_are_booked_afterwards(sender: Sender) -> Iterator[None]:
    yield
    sender.daemon.until_idle()
    before = sender.on_hand()
    assert sender.daemon.post(shipment()).status == 200
    sender.daemon.until(lambda: sender.on_hand() == before - ONE, what="a good event to be booked")
    assert sender.daemon.memory(peak=True) < MEMORY


# Size


def test_a_body_of_900_kib_is_taken(sender: Sender) -> None:
    body = GOOD + b" " * (921_600 - len(GOOD))
    assert sender.daemon.post(body).status == 200
    assert sender.newest().size == 921_600
    assert len(sender.worked(sender.newest().id)) == 1


def test_a_body_of_exactly_the_limit_is_taken(sender: Sender) -> None:
    assert sender.daemon.post(GOOD + b" " * (LIMIT - len(GOOD))).status == 200
    assert sender.newest().size == LIMIT


@pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT])
@pytest.mark.parametrize("chunks", [False, True])
def test_a_sender_that_writes_all_before_it_reads_gets_its_413(sender: Sender, size: int, chunks: bool) -> None:
    before = sender.deliveries()
    body = b"x" * size
    if chunks:
        answer = sender.exchange(head("POST", PATH, "Transfer-Encoding: chunked"), *chunked(body))
    else:
        answer = sender.exchange(request(body))
    assert status(answer) == 413
    assert answer.endswith(b"a delivery may have at most 10485760 bytes\n")
    assert b"connection: close" in answer.lower()
    assert sender.deliveries() == before


@pytest.mark.parametrize("chunks", [False, True])
def test_a_sender_that_listens_gets_its_413_while_it_is_still_sending(sender: Sender, chunks: bool) -> None:
    framing = "Transfer-Encoding: chunked" if chunks else f"Content-Length: {4 * LIMIT}"
    with sender.connect() as connection:
        connection.sendall(head("POST", PATH, framing))
        sent = 0
        while not select.select([connection], [], [], 0)[0]:
            assert sent <= 2 * LIMIT, "all was taken without a word"
            piece = b"x" * 65536
            connection.sendall(b"10000\r\n" + piece + b"\r\n" if chunks else piece)
            sent += len(piece)
        assert status(read_answer(connection)) == 413


def test_a_sender_of_an_endless_body_is_cut_off_in_the_end(sender: Sender) -> None:
    with sender.connect() as connection:
        connection.sendall(head("POST", PATH, "Transfer-Encoding: chunked"))
        piece = b"100000\r\n" + b"x" * MEBIBYTE + b"\r\n"
        with pytest.raises(ConnectionError):  # noqa: PT012 - any of the pieces may be the one too many
            for _ in range(200):
                connection.sendall(piece)


def test_a_connection_whose_request_was_too_large_is_closed(sender: Sender) -> None:
    with sender.connect() as connection:
        connection.sendall(request(b"x" * (LIMIT + 1)))
        assert status(read_answer(connection)) == 413
        assert connection.recv(1) == b""


def test_what_is_announced_and_not_sent_takes_no_memory(sender: Sender) -> None:
    before = sender.daemon.memory()
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(sender.connect())
            connection.sendall(head("POST", PATH, f"Content-Length: {LIMIT}") + b"x" * 100)
        time.sleep(0.2)
        assert sender.daemon.memory() - before < 4 * MEBIBYTE


def test_more_at_once_than_there_is_room_for_is_told_to_come_again(sender: Sender) -> None:
    body = b" " * 900_000
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(sender.connect()) for _ in range(64)]
        for connection in waiting:
            connection.sendall(request(body)[:450_000])
        time.sleep(0.5)
        for connection in waiting:
            connection.sendall(request(body)[450_000:])
        answers = [read_answer(connection) for connection in waiting]
    refused = [answer for answer in answers if status(answer) == 503]
    assert {status(answer) for answer in answers} == {200, 503}
    assert 64 - len(refused) == 32 * MEBIBYTE // 900_000
    assert all(b"\r\nRetry-After: 5\r\n" in answer for answer in refused)


# Bombs


def bomb(megabytes: int) -> bytes:
    """Return gzip data of that many MB, made of members so that it is quickly made."""
    member = gzip.compress(b" " * 20_000_000, mtime=0)
    return member * (megabytes // 20)


def test_a_gzip_bomb_by_header_is_stored_and_quarantined_at_once(sender: Sender) -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join([*(packed.compress(b" " * MEBIBYTE) for _ in range(200)), packed.flush()])
    assert len(data) < 210_000
    before = sender.daemon.memory(peak=True)
    answer = sender.exchange(request(data, "Content-Encoding: gzip"))
    assert status(answer) == 200
    (event,) = sender.worked(sender.newest().id)
    assert (event.name, event.state, event.reason) == ("unreadable", EventState.FAILED, "quarantined")
    assert "inflates to more than 64 MiB" in (event.text or "")
    assert sender.daemon.memory(peak=True) - before < 40 * MEBIBYTE


@pytest.mark.parametrize("frame", ['{"events":"%s"}', '"%s"', '{"order_ship":"%s"}', '[{"order_ship":"%s"}]'])
def test_a_gzip_bomb_inside_the_events_is_stored_and_set_aside(sender: Sender, frame: str) -> None:
    body = (frame % base64.b64encode(bomb(660)).decode()).encode()
    assert 700_000 < len(body) < 1_000_000
    before = sender.daemon.memory(peak=True)
    assert sender.daemon.post(body).status == 200
    (event,) = sender.worked(sender.newest().id)
    assert event.state in (EventState.FAILED, EventState.PARKED)
    assert sender.daemon.memory(peak=True) - before < 40 * MEBIBYTE


# Framing

SMUGGLED = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
MALFORMED = {
    "both lengths": head("POST", PATH, "Content-Length: 6", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED,
    "two lengths that differ": head("POST", PATH, "Content-Length: 2", "Content-Length: 40") + b"{}" + SMUGGLED,
    "a length with a plus": head("POST", PATH, "Content-Length: +5") + b"12345",
    "a negative length": head("POST", PATH, "Content-Length: -1") + SMUGGLED,
    "a length in hexadecimal": head("POST", PATH, "Content-Length: 0x2") + b"{}",
    "a length with an underscore": head("POST", PATH, "Content-Length: 1_0") + b"1234567890",
    "a length in superscript": head("POST", PATH, "Content-Length: \xb2") + b"{}",
    "no length where one is due": head("POST", PATH, "Content-Length:") + b"{}",
    "chunks of no number": head("POST", PATH, "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
    "chunks with a sign": head("POST", PATH, "Transfer-Encoding: chunked") + b"+2\r\n{}\r\n0\r\n\r\n",
    "chunks longer than told": head("POST", PATH, "Transfer-Encoding: chunked") + b"1\r\n{}\r\n0\r\n\r\n",
    "a last chunk without its end": head("POST", PATH, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\nX: y\r\n\r\n",
    "an unknown transfer encoding": head("POST", PATH, "Transfer-Encoding: gzip, chunked") + b"2\r\n{}\r\n0\r\n\r\n",
    "chunked twice": head("POST", PATH, "Transfer-Encoding: chunked, chunked") + b"2\r\n{}\r\n0\r\n\r\n",
    "a blank before the colon": head("POST", PATH, "Transfer-Encoding : chunked") + b"2\r\n{}\r\n0\r\n\r\n",
    "a folded header": head("POST", PATH, "X-A: b", " c", "Content-Length: 2") + b"{}",
    "a header without a name": head("POST", PATH, ": b", "Content-Length: 2") + b"{}",
    "a zero byte in a header": head("POST", PATH, "X-A: b\0c", "Content-Length: 2") + b"{}",
    "no host": f"POST {PATH} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode(),
    "two hosts": head("POST", PATH, "Host: another", "Content-Length: 2") + b"{}",
    "another protocol": f"POST {PATH} HTTP/3.0\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}".encode(),
    "no protocol": f"POST {PATH}\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}".encode(),
    "a headline of too many words": f"POST {PATH} x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}".encode(),
    "headers over 16 KiB": head("POST", PATH, "X-A: " + "b" * 20_000, "Content-Length: 2") + b"{}",
    "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(200) + b"\r\n\r\n",
    "nothing but line ends": b"\r\n" * 40,
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_is_refused_and_nothing_is_stored(sender: Sender, data: bytes) -> None:
    before = sender.deliveries()
    with sender.connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answers == CLOSED or status(answers) == 400
        assert b" 200 OK" not in answers
    assert sender.deliveries() == before
    assert not sender.daemon.logged("Uncaught exception")


@pytest.mark.parametrize("digits", [19, 5000])
def test_a_length_beyond_all_measure_is_a_413(sender: Sender, digits: int) -> None:
    before = sender.deliveries()
    assert status(sender.exchange(head("POST", PATH, f"Content-Length: {'9' * digits}"))) in (400, 413)
    assert sender.deliveries() == before
    assert not sender.daemon.logged("Uncaught exception")


def test_equal_lengths_twice_are_one(sender: Sender) -> None:
    body = shipment()
    twice = [f"Content-Length: {len(body)}"] * 2
    assert status(sender.exchange(head("POST", PATH, *twice) + body)) == 200


def test_chunks_of_one_byte_each_make_one_body(sender: Sender) -> None:
    body = shipment()
    data = b"".join(chunked(body, 1))
    assert status(sender.exchange(head("POST", PATH, "Transfer-Encoding: chunked"), data)) == 200
    assert sender.newest().size == len(body)


def test_two_requests_in_one_packet_are_two_deliveries(sender: Sender) -> None:
    before = sender.deliveries()
    with sender.connect() as connection:
        connection.sendall(request(shipment()) + request(shipment()))
        assert [status(read_answer(connection)) for _ in range(2)] == [200, 200]
    assert sender.deliveries() == before + 2


def test_who_asks_first_is_told_to_go_on(sender: Sender) -> None:
    body = shipment()
    with sender.connect() as connection:
        connection.sendall(head("POST", PATH, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        assert status(read_answer(connection)) == 100
        connection.sendall(body)
        assert status(read_answer(connection)) == 200


@pytest.mark.parametrize(
    ("path", "length", "expected"), [(PATH + "x", 10, 404), (PATH, LIMIT + 1, 413), ("/webhooks/shop/", 10, 404)]
)
def test_who_asks_first_is_refused_before_it_sends(sender: Sender, path: str, length: int, expected: int) -> None:
    answer = sender.exchange(head("POST", path, f"Content-Length: {length}", "Expect: 100-continue"))
    assert status(answer) == expected


def test_a_body_cut_off_in_the_middle_is_not_stored_and_gives_its_room_back(sender: Sender) -> None:
    before = sender.deliveries()
    for _ in range(10):
        with sender.connect() as connection:
            connection.sendall(head("POST", PATH, f"Content-Length: {LIMIT}") + b"{" * 1000)
    sender.daemon.until(lambda: sender.daemon.post(b" " * 1_000_000).status == 200, 5, "room")
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(sender.connect())
            connection.sendall(head("POST", PATH, f"Content-Length: {LIMIT}") + b"{" * 1000)
        assert sender.daemon.post(b" " * 1_000_000).status == 200
    assert sender.newest().size == 1_000_000
    assert sender.deliveries() - before == 2


def test_a_sender_that_leaves_before_its_answer_may_be_stored_and_nothing_breaks(sender: Sender) -> None:
    for _ in range(20):
        with sender.connect() as connection:
            connection.sendall(request(shipment()))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert not sender.daemon.logged("Uncaught exception")


# Connections


def test_a_flood_of_silent_connections_shuts_nobody_out(sender: Sender) -> None:
    with contextlib.ExitStack() as stack:
        for n in range(700):
            connection = stack.enter_context(sender.connect())
            if n % 2:
                connection.sendall(b"POST /webhooks/")
        began = time.monotonic()
        assert sender.daemon.post(shipment()).status == 200
        assert time.monotonic() - began < 2
        descriptors = len(list(Path(f"/proc/{sender.daemon.process.pid}/fd").iterdir()))
        assert descriptors < 350
    assert sender.daemon.request("GET", "/healthz").status == 200


# Who, where, how


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/shop/",
        "/webhooks/shop",
        f"/webhooks/shop/{TOKEN}x",
        f"/webhooks/shop/{TOKEN[:-1]}",
        f"/webhooks/shop/{TOKEN}/",
        f"/webhooks/shop/%61{TOKEN[1:]}",
        f"/webhooks/SHOP/{TOKEN}",
        f"/webhooks/other/{TOKEN}",
        f"//webhooks/shop/{TOKEN}",
        f"/webhooks/../webhooks/shop/{TOKEN}",
        f"/webhooks/shop/{'x' * 12_000}",
        "/webhooks/shop/\xff\xfe",
        "/webhooks/shop/..",
        f"http://stock.example.com/webhooks/shop/{TOKEN}",
        "*",
        "/",
        "/metrics",
        "/events",
        "/api/v1/events",
    ],
)
def test_another_path_is_404_and_nothing_is_stored(sender: Sender, path: str) -> None:
    before = sender.deliveries()
    body = shipment()
    assert status(sender.exchange(head("POST", path, f"Content-Length: {len(body)}") + body)) == 404
    assert sender.deliveries() == before


def test_a_query_behind_the_token_is_ignored(sender: Sender) -> None:
    assert sender.daemon.post(shipment(), f"{PATH}?source=ultracart").status == 200


CREDENTIALS = {
    "missing": None,
    "empty": "",
    "only the scheme": "Basic",
    "not base64": "Basic !!!!",
    "no colon": "Basic " + base64.b64encode(b"ultracart").decode(),
    "another password": "Basic " + base64.b64encode(b"ultracart:wrong").decode(),
    "another user": "Basic " + base64.b64encode(b"root:correct horse battery").decode(),
    "an empty password": "Basic " + base64.b64encode(b"ultracart:").decode(),
    "more than the password": "Basic " + base64.b64encode(b"ultracart:correct horse battery staple").decode(),
    "another scheme": "Bearer " + base64.b64encode(b"ultracart:correct horse battery").decode(),
    "garbage": "\xff\xfe\x01",
    "ten thousand bytes": "Basic " + base64.b64encode(b"ultracart:" + b"x" * 7_500).decode(),
}


@pytest.mark.parametrize("given", CREDENTIALS.values(), ids=CREDENTIALS.keys())
@pytest.mark.parametrize("field", ["Authorization", "X-Authorization-Basic"])
def test_wrong_credentials_are_401_and_nothing_is_stored(sender: Sender, given: str | None, field: str) -> None:
    before = sender.deliveries()
    body = shipment()
    fields = [f"Content-Length: {len(body)}", *([] if given is None else [f"{field}: {given}"])]
    answer = sender.exchange(head("POST", f"/webhooks/guarded/{TOKEN}", *fields) + body)
    assert status(answer) in ((401, 400) if given == CREDENTIALS["garbage"] else (401,))
    assert sender.deliveries() == before


def test_the_right_credentials_are_taken_and_not_kept(sender: Sender) -> None:
    written = "Basic " + base64.b64encode(b"ultracart:correct horse battery").decode()
    fields = {"Authorization": written, "X-Authorization-Basic": written, "Cookie": "a=b", "X-Kept": "yes"}
    assert sender.daemon.post(shipment(), f"/webhooks/guarded/{TOKEN}", fields).status == 200
    kept = {name.lower(): value for name, value in sender.newest().headers}
    assert kept["x-kept"] == "yes"
    assert not {"authorization", "x-authorization-basic", "cookie"} & kept.keys()


def test_credentials_over_the_size_of_all_headers_are_refused(sender: Sender) -> None:
    before = sender.deliveries()
    answer = sender.exchange(head("POST", f"/webhooks/guarded/{TOKEN}", "Authorization: Basic " + "QQ" * 20_000))
    assert status(answer) in (0, 400, 431)
    assert sender.deliveries() == before


def test_a_thousand_failures_do_not_shut_the_right_one_out(sender: Sender) -> None:
    connection = sender.daemon.connect()
    for _ in range(1000):
        connection.request("POST", f"/webhooks/shop/{'x' * 40}", b"{}")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 404
    connection.request("POST", PATH, shipment())
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_405_and_names_the_right_one(sender: Sender, method: str) -> None:
    before = sender.deliveries()
    answer = sender.exchange(head(method, PATH, "Content-Length: 2") + b"{}")
    assert status(answer) == 405
    assert b"\r\nAllow: POST\r\n" in answer
    assert sender.deliveries() == before


@pytest.mark.parametrize(("path", "expected"), [(PATH, 405), ("/", 404), ("/healthz", 200)])
def test_an_answer_to_head_has_no_body_and_the_connection_goes_on(sender: Sender, path: str, expected: int) -> None:
    with sender.connect() as connection:
        connection.sendall(head("HEAD", path))
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += connection.recv(65536)
        assert status(data) == expected
        connection.sendall(request(shipment()))
        assert status(read_answer(connection)) == 200


# Bodies


def lines(written: str) -> bytes:
    """Return an ``order_ship`` whose list of lines is written as it is."""
    frame = '{"events":[{"order_ship":{"merchant_id":"DEMO","order_id":"D-X%d","items":%s}}]}'
    return (frame % (next(numbers), written)).encode("utf-8", "surrogatepass")


def odd_line(**fields: str) -> bytes:
    """Return an ``order_ship`` of one line with fields written as they are."""
    whole = {"item_index": "1", "merchant_item_id": '"SOAP"', "quantity": "1", "shipped_dts": f'"{SHIPPED}"', **fields}
    return lines("[{" + ",".join(f'"{name}":{value}' for name, value in whole.items()) + "}]")


FAILED, PARKED, IGNORED, APPLIED = EventState.FAILED, EventState.PARKED, EventState.IGNORED, EventState.APPLIED

UNREADABLE = {
    "empty": b"",
    "blank": b" \r\n",
    "no JSON": b"hello",
    "a form": b"events=%5B%5D&a=b",
    "a bracket": b"{",
    "cut off": GOOD[:-20],
    "a number": b"17",
    "null": b"null",
    "a text": b'"text"',
    "an object of nothing known": b'{"a":1}',
    "not UTF-8": b'{"events":[\xff\xfe]}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "zero bytes": bytes(1000),
    "a text that is no gzip": b'{"events":"' + base64.b64encode(b"hello") + b'"}',
    "gzip cut off": gzip.compress(GOOD)[:-10],
    "nested 100,000 deep": b"[" * 100_000,
    "nested 100,000 deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "objects nested 100,000 deep": b'{"events":' * 100_000 + b"[]" + b"}" * 100_000,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_cannot_be_split_is_stored_answered_with_200_and_quarantined(sender: Sender, body: bytes) -> None:
    assert sender.daemon.post(body).status == 200
    delivery = sender.newest()
    assert delivery.size == len(body)
    (event,) = sender.worked(delivery.id)
    assert (event.name, event.state, event.reason) == ("unreadable", FAILED, "quarantined")
    with sender.desk.store.read() as view:
        assert view.body(delivery.id) == body


ODD = {
    "quantity NaN": odd_line(quantity="NaN"),
    "quantity Infinity": odd_line(quantity="-Infinity"),
    "quantity beyond all measure": odd_line(quantity="1e400"),
    "quantity of 5,000 digits": odd_line(quantity="9" * 5000),
    "quantity 2**63": odd_line(quantity=str(2**63)),
    "quantity negative": odd_line(quantity="-1"),
    "quantity missing": odd_line(quantity="null"),
    "quantity a list": odd_line(quantity="[1]"),
    "quantity of seven places": odd_line(quantity="0.0000001"),
    "an index of 5,000 digits": odd_line(item_index="9" * 5000),
    "an index 2**63": odd_line(item_index=str(2**63)),
    "a code with a zero character": odd_line(merchant_item_id='"SO\\u0000AP"'),
    "a code of a lone surrogate": odd_line(merchant_item_id='"\\ud800"'),
    "a code of a raw surrogate": odd_line(merchant_item_id='"\ud800"'),
    "a code of a megabyte": odd_line(merchant_item_id=f'"{"A" * MEBIBYTE}"'),
    "a date that never was": odd_line(shipped_dts='"2026-02-30T00:00:00Z"'),
    "a date of another age": odd_line(shipped_dts='"99999-01-01T00:00:00Z"'),
    "a line nested 100,000 deep": lines("[" * 100_000 + "]" * 100_000),
    "a key nested 100,000 deep": odd_line(tags="[" * 100_000 + "]" * 100_000),
    "a line that is no object": lines("[1]"),
    "the same index twice": lines(
        "[" + ",".join(['{"item_index":1,"merchant_item_id":"SOAP","quantity":1}'] * 2) + "]"
    ),
    "lines that are no list": lines('"none"'),
    "an order that is none": b'{"events":[{"order_ship":17}]}',
    "elements that are none": b"[1,2]",
    "an order without an id": b'{"events":[{"order_ship":{"merchant_id":"DEMO","items":[]}}]}',
    "another merchant": b'{"events":[{"order_ship":{"merchant_id":"OTHER","order_id":"D-1","items":[]}}]}',
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_an_event_that_makes_no_sense_is_stored_answered_with_200_and_set_aside(sender: Sender, body: bytes) -> None:
    before = sender.on_hand()
    assert sender.daemon.post(body).status == 200
    delivery = sender.newest()
    events = sender.worked(delivery.id)
    assert events
    assert {event.state for event in events} <= {FAILED, PARKED}
    assert all(event.text for event in events)
    assert sender.on_hand() == before


def test_a_byte_order_mark_and_doubled_keys_change_nothing(sender: Sender) -> None:
    before = sender.on_hand()
    body = odd_line(quantity='5,"quantity":2')
    assert sender.daemon.post(b"\xef\xbb\xbf" + body).status == 200
    (event,) = sender.worked(sender.newest().id)
    assert event.state is APPLIED
    assert sender.on_hand() == before - 2 * ONE


@pytest.mark.parametrize("name", ["order_teleport", "item_update", "", "ORDER_SHIP", "a" * 10_000, "<script>", "\x00"])
def test_an_event_of_an_unknown_name_is_stored_and_ignored(sender: Sender, name: str) -> None:
    assert sender.daemon.post(array({name: {"merchant_id": "DEMO", "order_id": "D-1", "x": [1]}})).status == 200
    (event,) = sender.worked(sender.newest().id)
    assert event.state is IGNORED


def test_one_bad_event_does_no_harm_to_its_neighbours(sender: Sender) -> None:
    before = sender.on_hand()
    good = [order_ship(f"D-{next(numbers)}", [line("SOAP", 1, shipped=SHIPPED)]) for _ in range(3)]
    bad = order_ship("D-BAD", [line("SOAP", -1, shipped=SHIPPED)])
    assert sender.daemon.post(envelope(good[0], bad, good[1], {"order_ship": 1}, good[2])).status == 200
    states = [event.state for event in sender.worked(sender.newest().id)]
    assert states == [APPLIED, PARKED, APPLIED, PARKED, APPLIED]
    assert sender.on_hand() == before - 3 * ONE


def test_damaged_bodies_of_all_kinds_are_stored_and_leave_the_worker_well(sender: Sender) -> None:
    chance = random.Random(20261121)
    before = sender.deliveries()
    connection = sender.daemon.connect()
    for n in range(400):
        body = bytearray(envelope(order_ship(f"F-{n}", [line("SOAP", 1, shipped=SHIPPED), line("NONE", 2)])))
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(body))
            match chance.randrange(4):
                case 0:
                    body[at] = chance.randrange(256)
                case 1:
                    del body[at : at + chance.randrange(1, 40)]
                case 2:
                    body[at:at] = body[chance.randrange(len(body)) :][: chance.randrange(1, 40)]
                case 3:
                    body[at:at] = chance.choice([b'"', b"{", b"]", b"\\u0000", b"1e999", b"null", b"\xff", b"\\ud800"])
        connection.request("POST", PATH, bytes(body))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()
    assert sender.deliveries() == before + 400
    sender.daemon.until_idle()
    with sender.desk.store.read() as view:
        pending = view.find(Event, {"state": EventState.PENDING})
    assert pending == []
    assert not sender.daemon.logged("event failed")
    assert not sender.daemon.logged("batch cannot be booked, working its parts one by one")
