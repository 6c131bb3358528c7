"""People receive goods, map codes and replay events while two daemons work the same orders: nobody is turned away."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from postgres import libpq
from promises import prove
from sizes import seeds, times

from stockhook import settings
from stockhook.channel import Channel
from stockhook.model import Event
from stockhook.operations import codes, events
from stockhook.operations.desk import Desk, set_up
from stockhook.operations.due import sweep
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE
from stockhook.store import FOREVER
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook.worker import Worker

SHIPPED = "2026-11-01T12:00:00-05:00"
SKUS = ("SOAP", "LAMP", "BOX", "WAX")
CONFIG = '[store]\nurl = "{url}"\n[channels.shop]\nmerchant_id = "DEMO"\ntoken = "{token}"\n'


@pytest.fixture
def opened(postgres_url: str, tmp_path: Path) -> Iterator[Callable[[], settings.Settings]]:
    """Open the store of the test, once for each daemon and person."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(url=postgres_url, token="0123456789" * 4))
    with ExitStack() as stack:

        def one() -> settings.Settings:
            loaded = settings.load(config)
            loaded.store.open()
            stack.callback(loaded.store.close)
            return loaded

        yield one


@dataclass
class Day:
    """What happens at the same time; each has a store of its own, and ends when the day is over."""

    shop: Shop
    channel: Channel
    seed: int
    wanted: dict[str, dict[str, int]]
    received: Counter[str]
    over: threading.Event = field(default_factory=threading.Event)

    def daemon(self, desk: Desk) -> None:
        """Work what is due."""
        worker = Worker(desk, {"shop": self.channel}, batch=8)
        while worker.step() or not self.over.is_set():
            time.sleep(0.01)

    def receiver(self, desk: Desk) -> None:
        """Receive goods, which settles what is owed."""
        chance = random.Random(self.seed)
        while not self.over.is_set():
            goods = {sku: chance.randint(1, 5) for sku in chance.sample(SKUS, 2)}
            receive(desk, [Receipt(sku, amount * ONE, "MAIN") for sku, amount in goods.items()])
            self.received.update(goods)

    def replayer(self, desk: Desk) -> None:
        """Have events worked again, those that are in the hands of a daemon among them."""
        chance = random.Random(self.seed)
        while not self.over.is_set():
            with desk.store.read() as view:
                known = [event.id for event in view.find(Event, most=FOREVER)]
            events.replay(desk, chance.sample(known, min(5, len(known))))
            time.sleep(0.02)

    def sender(self, _: Desk) -> None:
        """Ship orders; LAMP under a code that nobody knows at first."""
        for number, (name, goods) in enumerate(self.wanted.items()):
            named = {"LICHT" if sku == "LAMP" else sku: amount for sku, amount in goods.items()}
            lines = [line(code, amount, index=n, shipped=SHIPPED) for n, (code, amount) in enumerate(named.items(), 1)]
            self.shop.deliver(envelope(order_ship(name, lines)))
            if number % 7 == 0:
                time.sleep(0.02)

    def mapper(self, desk: Desk) -> None:
        """Say what the code means, when orders wait for it."""
        time.sleep(1)
        codes.alias(desk, "LICHT", "LAMP")


@pytest.mark.parametrize("seed", seeds(1, 20))
def test_receipts_aliases_and_replays_beside_two_daemons_are_booked_once_and_never_refused(
    seed: int, opened: Callable[[], settings.Settings], postgres_url: str
) -> None:
    first = opened()
    channel = first.channels["shop"].channel
    shop = Shop(first.store, channel, first.strategy.strategy)
    shop.stock(**dict.fromkeys(SKUS, 20))
    chance = random.Random(seed)
    wanted = {f"D-{n}": {sku: chance.randint(1, 3) for sku in chance.sample(SKUS, 2)} for n in range(times(100, 400))}
    day = Day(shop, channel, seed, wanted, Counter(dict.fromkeys(SKUS, 20)))
    with ThreadPoolExecutor(6) as threads:

        def begin(what: Callable[[Desk], None]) -> Future[None]:
            return threads.submit(what, set_up(opened(), shop.clock, "cli:test"))

        once = [begin(what) for what in (day.sender, day.mapper)]
        all_day = [begin(what) for what in (day.daemon, day.daemon, day.receiver, day.replayer)]
        try:
            for each in once:
                each.result()
            time.sleep(1)
        finally:
            day.over.set()
        for each in all_day:
            each.result()
    shop.receive(*((sku, 1000) for sku in SKUS))
    shop.clock.advance(timedelta(hours=2))
    sweep(shop.desk)  # an order that was planned before the code was mapped, and booked after, waits for this
    shop.work()
    assert {name: shop.booked(name) for name in wanted} == {
        name: {sku: amount * ONE for sku, amount in goods.items()} for name, goods in wanted.items()
    }
    sold: Counter[str] = Counter()
    for goods in wanted.values():
        sold.update(goods)
    assert {sku: shop.on_hand(sku) for sku in SKUS} == {
        sku: (day.received[sku] + 1000 - sold[sku]) * ONE for sku in SKUS
    }
    prove(shop.desk)
    with psycopg.connect(libpq(postgres_url)) as connection:
        asked = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert connection.execute(asked).fetchall() == [(0,)]
