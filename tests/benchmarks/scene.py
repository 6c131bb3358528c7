"""The shop that is measured: a configuration, items with lots to choose from, and the webhooks it is sent."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from stockhook import settings
from stockhook.clock import SystemClock
from stockhook.model import Item, Location
from stockhook.operations.desk import set_up
from stockhook.operations.stock import Receipt, receive
from stockhook.quantity import ONE
from stockhook.testing import payloads

CHANNEL = "shop"
TOKEN = "a-token-for-the-benchmark"
ITEMS = 60
UNITS = 10
UNIT_SIZE = 1_500
LINES = 3
_PLACE = b"DEMO-0000-00000000"
_SHAPES = 256

_CONFIG = """\
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "sqlite:///{database}"
[channels.shop]
type = "ultracart"
merchant_id = "DEMO"
token = "{token}"
"""


def sku(number: int) -> str:
    return f"SOAP-{number:02}"


def configure(folder: Path) -> Path:
    """Write a configuration whose database lies beside it; all else is as shipped."""
    folder.mkdir(parents=True)
    path = folder / "config.toml"
    path.write_text(_CONFIG.format(database=folder / "stock.db", token=TOKEN))
    path.chmod(0o600)
    return path


def stock(config: Path) -> None:
    """Receive ten lots of each item, each of which covers a part of what will be ordered."""
    loaded = settings.load(config)
    desk = set_up(loaded, SystemClock(), "bench")
    loaded.store.open()
    with desk.store.write() as work:
        work.save([*(Item(sku(number)) for number in range(ITEMS)), Location("MAIN/FG")])
    first = datetime(2026, 1, 5, tzinfo=UTC)
    receipts = [
        Receipt(sku(at % ITEMS), UNIT_SIZE * ONE, "MAIN/FG", first + timedelta(days=at // ITEMS), f"L{at:04}")
        for at in range(ITEMS * UNITS)
    ]
    receive(desk, receipts)
    loaded.store.close()


def bodies(run: int) -> Iterator[bytes]:
    """Make shipments of three lines, about 2 KB each, no two of them for the same order; ``run`` keeps runs apart."""
    chance = random.Random(run)
    shapes = [_shape(chance) for _ in range(_SHAPES)]
    for number in count():
        head, tail = shapes[number % _SHAPES]
        yield b"%sDEMO-%04d-%08d%s" % (head, run, number, tail)


def _shape(chance: random.Random) -> tuple[bytes, bytes]:
    shipped = f"2026-03-{chance.randint(2, 27):02}T{chance.randint(8, 18):02}:02:11-05:00"
    lines = [
        payloads.line(sku(number), chance.randint(1, 4), shipped=shipped)
        for number in chance.sample(range(ITEMS), LINES)
    ]
    head, tail = payloads.envelope(payloads.order_ship(_PLACE.decode(), lines)).split(_PLACE)
    return head, tail
