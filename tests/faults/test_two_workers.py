"""Two processes' worth of workers on one store, each with a store of its own: whose plan comes second is void.

``serve`` refuses a second daemon on one SQLite file, but commands book beside it, and many daemons share a PostgreSQL:
versions of orders and items are what holds then, and there locks as well.
"""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from promises import prove
from sizes import seeds

from stockhook import settings
from stockhook.operations.desk import Desk, set_up
from stockhook.quantity import ONE
from stockhook.testing import ManualClock
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook.worker import Worker

SHIPPED = "2026-11-01T12:00:00-05:00"
ORDERS = 40
CONFIG = '[store]\nurl = "{url}"\n[channels.shop]\nmerchant_id = "DEMO"\ntoken = "{token}"\n'


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[settings.Settings]]:
    """The same store, opened three times over."""
    config = tmp_path / "config.toml"
    url = f"sqlite:///{tmp_path}/stockhook.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    config.write_text(CONFIG.format(url=url, token="0123456789" * 4))
    with ExitStack() as stack:
        found = [settings.load(config) for _ in range(3)]
        for one in found:
            one.store.open()
            stack.callback(one.store.close)
        yield found


def work(worker: Worker, start: threading.Barrier, failed: list[BaseException]) -> None:
    start.wait()
    try:
        while worker.step():
            pass
    except BaseException as error:  # noqa: BLE001 - told in the test's own thread
        failed.append(error)


@pytest.mark.parametrize("seed", seeds(1, 20))
def test_workers_that_know_nothing_of_each_other_book_everything_once(
    seed: int, opened: list[settings.Settings]
) -> None:
    chance = random.Random(seed)
    one = opened[0]
    shop = Shop(one.store, one.channels["shop"].channel, one.strategy.strategy)
    shop.stock(SOAP=10_000, LAMP=10_000)
    wanted = {f"D-{n}": Counter(SOAP=chance.randint(1, 9), LAMP=chance.randint(1, 9)) for n in range(ORDERS)}
    history = [
        envelope(
            order_ship(
                name, [line(sku, amount, index=n, shipped=SHIPPED) for n, (sku, amount) in enumerate(goods.items(), 1)]
            )
        )
        for name, goods in wanted.items()
    ] * 2
    chance.shuffle(history)
    for body in history:
        shop.deliver(body)
    clock = ManualClock(shop.clock.now())
    desks: list[Desk] = [set_up(each, clock, "worker") for each in opened[1:]]
    start = threading.Barrier(len(desks))
    failed: list[BaseException] = []
    threads = [
        threading.Thread(
            target=work, args=(Worker(desk, {"shop": one.channels["shop"].channel}, batch=8), start, failed)
        )
        for desk in desks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    shop.work()
    assert {name: shop.booked(name) for name in wanted} == {
        name: {sku: amount * ONE for sku, amount in goods.items()} for name, goods in wanted.items()
    }
    sold = sum(itertools.chain.from_iterable(goods.values() for goods in wanted.values()))
    assert shop.on_hand("SOAP") + shop.on_hand("LAMP") == (20_000 - sold) * ONE
    prove(shop.desk)
