"""The shop that is measured: a configuration, items with lots to choose from, and the webhooks it is sent."""

import random
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice
from pathlib import Path

from stockhook import settings
from stockhook.clock import SystemClock
from stockhook.model import Item, Location
from stockhook.operations.desk import set_up
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE
from stockhook.testing import factories, payloads

CHANNEL = "shop"
TOKEN = "a-token-for-the-benchmark"
ITEMS = 60
UNITS = 10
UNIT_SIZE = 1_500
LINES = 3
LARGE = 900_000
"""Bytes of a message at the store's ceiling: a batch of events."""

_PLACE = b"DEMO-0000-00000000"
_SHAPES = 256
_GROUP = 256

_CONFIG = """\
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "{url}"
[channels.shop]
type = "ultracart"
merchant_id = "DEMO"
token = "{token}"
"""


def sku(number: int) -> str:
    return f"SOAP-{number:02}"


def configure(folder: Path, url: str | None = None) -> Path:
    """Write a configuration; without a URL its database is an SQLite file beside it. All else is as shipped."""
    folder.mkdir(parents=True)
    path = folder / "config.toml"
    path.write_text(_CONFIG.format(url=url or f"sqlite:///{folder / 'stock.db'}", token=TOKEN))
    path.chmod(0o600)
    return path


def stock(config: Path, pieces: int = UNIT_SIZE, items: int = ITEMS, units: int = UNITS) -> None:
    """Receive ten lots of each item, or so many, each of which covers a part of what will be ordered."""
    loaded = settings.load(config)
    desk = set_up(loaded, SystemClock(), "bench")
    loaded.store.open()
    with desk.store.write() as work:
        work.save([*(Item(sku(number)) for number in range(items)), Location("MAIN/FG")])
    first = datetime(2026, 1, 5, tzinfo=UTC)
    receipts = [
        Receipt(sku(at % items), pieces * ONE, "MAIN/FG", first + timedelta(days=at // items), f"L{at:04}")
        for at in range(items * units)
    ]
    receive(desk, receipts)
    loaded.store.close()


def backlog(config: Path, arriving: Iterator[bytes], number: int) -> None:
    """Keep so many deliveries as a daemon would have kept them, to be worked by one that starts later."""
    loaded = settings.load(config)
    loaded.store.open()
    bodies = islice(arriving, number)
    while group := list(islice(bodies, _GROUP)):
        now = datetime.now(UTC)
        loaded.store.append([factories.arrival(body, channel=CHANNEL, received_at=now) for body in group])
    loaded.store.close()


def bodies(run: int, apart: int = 0) -> Iterator[bytes]:
    """Make deliveries of one shipment of three lines, about 2 KB, no two with the same order; ``run`` keeps runs apart.

    With ``apart`` no delivery has an item in common with so many before it: that takes three times as many items.
    """
    shapes = _shapes(run, apart)
    for number in count():
        head, tail = shapes[number % len(shapes)]
        yield b"%sDEMO-%04d-%08d%s" % (head, run, number, tail)


def batches(run: int, size: int) -> Iterator[Iterator[memoryview]]:
    """Make, for one sender after the other, deliveries of so many shipments as come near ``size`` bytes.

    No two of them all have the same order. A sender's delivery is gone when he asks for the next one: it is written
    into the same memory, and only the numbers of the orders are new. To put 900 KB together anew takes longer than to
    send them, and fresh memory costs the kernel as much again; on two cores all of that would be taken from the server
    that is measured, whichever that is.
    """
    opening, closing = payloads.envelope({}).split(b"{}")
    cut = cycle((head.removeprefix(opening), tail.removesuffix(closing)) for head, tail in _shapes(run))
    each = sum(map(len, next(cut))) + len(_PLACE) + len(b",")
    turns = count()
    while True:
        body = opening + b",".join(_PLACE.join(next(cut)) for _ in range(size // each)) + closing
        yield _renewed(memoryview(bytearray(body)), [found.start() for found in re.finditer(_PLACE, body)], run, turns)


def _renewed(body: memoryview, places: list[int], run: int, turns: Iterator[int]) -> Iterator[memoryview]:
    for at in places:
        body[at : at + len(_PLACE)] = b"DEMO-%04d-%08d" % (run, 0)
    ends = [slice(at + len(_PLACE) - 8, at + len(_PLACE)) for at in places]
    for turn in turns:
        for number, end in enumerate(ends, turn * len(ends)):
            body[end] = b"%08d" % number
        yield body


def _shapes(run: int, apart: int = 0) -> list[tuple[bytes, bytes]]:
    chance = random.Random(run)
    if apart:
        return [_shape(chance, range(LINES * at, LINES * (at + 1))) for at in range(apart)]
    return [_shape(chance, chance.sample(range(ITEMS), LINES)) for _ in range(_SHAPES)]


def _shape(chance: random.Random, numbers: Sequence[int]) -> tuple[bytes, bytes]:
    shipped = f"2026-03-{chance.randint(2, 27):02}T{chance.randint(8, 18):02}:02:11-05:00"
    lines = [payloads.line(sku(number), chance.randint(1, 4), shipped=shipped) for number in numbers]
    head, tail = payloads.envelope(payloads.order_ship(_PLACE.decode(), lines)).split(_PLACE)
    return head, tail
