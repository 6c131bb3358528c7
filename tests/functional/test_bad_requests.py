"""Requests that are too large, cut off, malformed or too many: nothing is stored, and there is room for others.

The rows are reliability.md (a) 30, 33 to 35 and 40.
"""

import contextlib
import select
import socket
import statistics
import time
from pathlib import Path

import pytest

from stockhook.testing.sender import (
    CLOSED,
    PATH,
    Sender,
    chunked,
    head,
    read_answer,
    request,
    shipment,
    status,
)

MEBIBYTE = 2**20
LIMIT = 10 * MEBIBYTE
ROOM = 32 * MEBIBYTE // 900_000
"""So many bodies of 900 KB may be on their way at once."""
GOOD = shipment()

pytestmark = pytest.mark.usefixtures("unharmed")


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
        told = 64 - ROOM  # at once, and not when all of it has come
        sender.daemon.until(lambda: len(select.select(waiting, [], [], 0)[0]) >= told, what="those too many to be told")
        for connection in waiting:
            connection.sendall(request(body)[450_000:])
        answers = [read_answer(connection) for connection in waiting]
    refused = [answer for answer in answers if status(answer) == 503]
    assert {status(answer) for answer in answers} == {200, 503}
    assert 64 - len(refused) == ROOM
    assert all(b"\r\nRetry-After: 5\r\n" in answer for answer in refused)


# Framing

SMUGGLED = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"


def chunks(data: bytes) -> bytes:
    return head("POST", PATH, "Transfer-Encoding: chunked") + data


def headline(words: str) -> bytes:
    return f"{words}\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}".encode("latin1")


def field(written: str) -> bytes:
    return head("POST", PATH, written, "Content-Length: 2") + b"{}"


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
    "lengths in a list that differ": head("POST", PATH, "Content-Length: 2, 40") + b"{}" + b"x" * 38,
    "a length with a blank inside": head("POST", PATH, "Content-Length: 1 0") + b"1234567890",
    "a length with a fraction": head("POST", PATH, "Content-Length: 2.0") + b"{}",
    "a length with an exponent": head("POST", PATH, "Content-Length: 1e1") + b"1234567890",
    "a length in quotes": head("POST", PATH, 'Content-Length: "2"') + b"{}",
    "a length with a comma behind": head("POST", PATH, "Content-Length: 2,") + b"{}",
    "a length with a vertical tab": head("POST", PATH, "Content-Length: \x0b2") + b"{}",
    "chunks of a negative size": chunks(b"-2\r\n{}\r\n0\r\n\r\n"),
    "chunks with 0x": chunks(b"0x2\r\n{}\r\n0\r\n\r\n"),
    "chunks with an underscore": chunks(b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n"),
    "chunks beyond 64 bits": chunks(b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
    "chunks without a size": chunks(b"\r\n{}\r\n0\r\n\r\n"),
    "chunks with a blank before their size": chunks(b" 2\r\n{}\r\n0\r\n\r\n"),
    "chunks with a blank behind their size": chunks(b"2 \r\n{}\r\n0\r\n\r\n"),
    "chunks with an extension": chunks(b"2;a=b\r\n{}\r\n0\r\n\r\n"),
    "chunks shorter than told": chunks(b"3\r\n{}\r\n0\r\n\r\n"),
    "a chunk size without end": chunks(b"0" * 200 + b"2\r\n{}\r\n0\r\n\r\n"),
    "identity beside a length": head("POST", PATH, "Transfer-Encoding: identity", "Content-Length: 2") + b"{}",
    "chunked with a vertical tab": head("POST", PATH, "Transfer-Encoding: \x0bchunked") + b"2\r\n{}\r\n0\r\n\r\n",
    "chunked and something else": head("POST", PATH, "Transfer-Encoding: chunked, identity") + b"2\r\n{}\r\n0\r\n\r\n",
    "an empty transfer encoding": head("POST", PATH, "Transfer-Encoding:", "Content-Length: 2") + b"{}",
    "chunks in the older protocol": chunks(b"2\r\n{}\r\n0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a header without a colon": field("X-A"),
    "a blank in a header's name": field("X A: b"),
    "a tab before the colon": field("X-A\t: b"),
    "a control character in a header's name": field("X-\x01A: b"),
    "brackets in a header's name": field("X(A): b"),
    "a header's name beyond ASCII": field("X-\xc4: b"),
    "a carriage return alone in a header": field("X-A: b\rX-B: c"),
    "a control character in a header": field("X-A: b\x01c"),
    "a delete in a header": field("X-A: b\x7fc"),
    "a first header that is folded": headline(f"POST {PATH} HTTP/1.1\r\n X-A: b"),
    "a host with a blank": f"POST {PATH} HTTP/1.1\r\nHost: a b\r\nContent-Length: 2\r\n\r\n{{}}".encode(),
    "a host with a path": f"POST {PATH} HTTP/1.1\r\nHost: a/b\r\nContent-Length: 2\r\n\r\n{{}}".encode(),
    "a thousand headers": head("POST", PATH, *[f"X-{n}: {'y' * 20}" for n in range(1000)], "Content-Length: 2") + b"{}",
    "two blanks in the headline": headline(f"POST  {PATH} HTTP/1.1"),
    "a tab in the headline": headline(f"POST\t{PATH}\tHTTP/1.1"),
    "a blank before the headline": headline(f" POST {PATH} HTTP/1.1"),
    "a blank behind the headline": headline(f"POST {PATH} HTTP/1.1 "),
    "a zero byte in the headline": headline(f"POST {PATH}\0 HTTP/1.1"),
    "a protocol in small letters": headline(f"POST {PATH} http/1.1"),
    "half a protocol": headline(f"POST {PATH} HTTP/1"),
    "a protocol of three digits": headline(f"POST {PATH} HTTP/1.10"),
    "a protocol with a zero before": headline(f"POST {PATH} HTTP/01.1"),
    "the first protocol": headline(f"POST {PATH} HTTP/0.9"),
    "no path": headline("POST HTTP/1.1"),
    "a method with a colon": headline(f"PO:ST {PATH} HTTP/1.1"),
    "an empty headline with headers": b"\r\nHost: a\r\n\r\n",
    "a preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "a greeting of SSH": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a PROXY line": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + headline(f"POST {PATH} HTTP/1.1"),
    "mail": b"EHLO mail.example.com\r\nMAIL FROM:<a@example.com>\r\n\r\n",
    "nothing but zero bytes": bytes(20_000),
    "a line of a megabyte": b"x" * 1_000_000,
    "nothing but line ends": b"\r\n" * 40,
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_is_refused_and_nothing_is_stored(sender: Sender, data: bytes) -> None:
    before = sender.deliveries()
    answer = sender.exchange(data)
    assert answer == CLOSED or status(answer) == 400
    assert sender.deliveries() == before
    assert not sender.daemon.logged("Uncaught exception")


@pytest.mark.parametrize("digits", [19, 5000])
def test_a_length_beyond_all_measure_is_a_413(sender: Sender, digits: int) -> None:
    before = sender.deliveries()
    assert status(sender.exchange(head("POST", PATH, f"Content-Length: {'9' * digits}"))) in (400, 413)
    assert sender.deliveries() == before
    assert not sender.daemon.logged("Uncaught exception")


def test_the_older_protocol_needs_no_host(sender: Sender) -> None:
    body = shipment()
    old = f"POST {PATH} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert status(sender.exchange(old + body)) == 200


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
        answers = b""
        while answers.count(b"stored\n") < 2:
            answers += connection.recv(65536)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
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
    sender.daemon.until(lambda: sender.daemon.post(b" " * 1_000_000).status == 200, what="room")
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
        took = []
        for _ in range(5):
            began = time.monotonic()
            assert sender.daemon.post(shipment()).status == 200
            took.append(time.monotonic() - began)
        assert statistics.median(took) < 2
        descriptors = len(list(Path(f"/proc/{sender.daemon.process.pid}/fd").iterdir()))
        assert descriptors < 600  # 256 at a request and 256 silent, as shipped
    assert sender.daemon.request("GET", "/healthz").status == 200
