"""A sender over a raw connection, for tests of what no proper HTTP client would send, and a look at what was stored."""

import contextlib
import itertools
import socket
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from stockhook.model import Delivery, Event, EventState, Movement, Unit
from stockhook.operations.desk import Desk
from stockhook.quantity import Quantity
from stockhook.testing.daemon import TOKEN, RunningDaemon
from stockhook.testing.payloads import envelope, line, order_ship

PATH: Final = f"/webhooks/shop/{TOKEN}"
"""Where a ``RunningDaemon`` takes the webhooks of its channel."""

CLOSED: Final = b""
"""The answer of a daemon that closes the connection without a word."""

SHIPPED: Final = "2026-11-01T12:00:00-05:00"
"""When the goods of ``shipment`` left, as the store writes it."""

numbers: Final = itertools.count(1)
"""For order ids that are there once."""


def shipment(quantity: int = 1, order: str | None = None) -> bytes:
    """Return a body that ships so much of SOAP, for an order of its own."""
    return envelope(order_ship(order or f"D-{next(numbers)}", [line("SOAP", quantity, shipped=SHIPPED)]))


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
    """Return the status of an answer, 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def head(method: str = "POST", path: str = PATH, *fields: str) -> bytes:
    """Return the head of a request, up to the empty line."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: stock.example.com", *fields, "", ""]).encode("latin1")


def request(body: bytes, *fields: str) -> bytes:
    """Return a whole request that delivers a body."""
    return head("POST", PATH, f"Content-Length: {len(body)}", *fields) + body


def chunked(body: bytes, size: int = 65536) -> Iterator[bytes]:
    """Yield a body in chunks, the last and empty one included."""
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"


class Sender:
    """A raw connection to the daemon's webhook listener, and a look into its store."""

    def __init__(self, daemon: RunningDaemon, desk: Desk) -> None:
        """Take the daemon, and a desk that stays open as long as the sender is used."""
        self.daemon = daemon
        self.desk = desk
        where = urlsplit(daemon.server)
        self.address = (str(where.hostname), int(where.port or 0))

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(self.address, timeout=60)

    def exchange(self, *pieces: bytes) -> bytes:
        """Send the pieces, then read until the daemon has answered in full or closed; a cut connection is b""."""
        with self.connect() as connection, contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
            return read_answer(connection)
        return CLOSED

    def deliveries(self) -> int:
        """Return how many deliveries are stored."""
        with self.desk.store.read() as view:
            return sum(total.count for total in view.totals(Delivery))

    def events(self, delivery: int) -> list[Event]:
        """Return the events of a delivery, in its order."""
        with self.desk.store.read() as view:
            return sorted(view.find(Event, {"delivery_id": delivery}), key=lambda event: event.position)

    def newest(self) -> Delivery:
        """Return the delivery stored last."""
        with self.desk.store.read() as view:
            return view.find(Delivery, most=1)[0]

    def booked(self, order: str) -> Quantity:
        """Return how much has been taken for an order of ``shipment``."""
        with self.desk.store.read() as view:
            return -sum(total.amount for total in view.totals(Movement, where={"order_id": order}))

    def on_hand(self) -> int:
        """Return how much SOAP there is, in millionths."""
        with self.desk.store.read() as view:
            return sum(unit.quantity for unit in view.find(Unit, {"sku": "SOAP"}))

    def worked(self, delivery: int) -> list[Event]:
        """Wait until a delivery has been worked and return its events."""

        def events() -> list[Event]:
            found = self.events(delivery)
            return [] if any(event.state is EventState.PENDING for event in found) else found

        return self.daemon.until(events, what=f"delivery {delivery} to be worked")
