"""A daemon in a process of its own, for the tests that ask the whole of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from house import TOKEN as HOUSE_TOKEN
from house import House
from promises import prove

from stockhook.model import Item, Location
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE
from stockhook.testing.daemon import TOKEN, RunningDaemon, table
from stockhook.testing.sender import Sender, numbers, shipment

MEMORY = 256 * 2**20
"""What a daemon may have resident at most through everything that a sender does to it."""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., RunningDaemon]]:
    """Start daemons with the options of ``RunningDaemon``; all of them are gone at the end of the test."""
    with ExitStack() as stack:

        def start(folder: Path = tmp_path, **options: Any) -> RunningDaemon:
            return stack.enter_context(RunningDaemon(folder, **options))

        yield start


@pytest.fixture
def daemon(running: Callable[..., RunningDaemon]) -> RunningDaemon:
    """A daemon with nothing but its defaults."""
    return running()


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    """A sender to a daemon with plenty of SOAP and a second channel, ``guarded``, that wants a password as well."""
    guarded = {"merchant_id": "DEMO", "token": TOKEN, "username": "ultracart", "password": "correct horse battery"}
    folder = tmp_path_factory.mktemp("daemon")
    with RunningDaemon(folder, more=table("channels.guarded", guarded)) as daemon, daemon.desk() as desk:
        receive(desk, [Receipt("SOAP", 100_000 * ONE, "MAIN")], made=[Item("SOAP"), Location("MAIN")])
        yield Sender(daemon, desk)
        prove(desk)


@pytest.fixture
def unharmed(sender: Sender) -> Iterator[None]:
    """Make sure that after the test a good event is booked, nothing has gone wrong inside and memory is bounded."""
    yield
    sender.daemon.until_idle()
    order = f"good-{next(numbers)}"  # what the test did not wait for may still come in beside it
    assert sender.daemon.post(shipment(order=order)).status == 200
    sender.daemon.until(lambda: sender.booked(order) == ONE, what="a good event to be booked")
    assert sender.daemon.memory(peak=True) < MEMORY
    assert not [line for line in sender.daemon.lines if line["level"] in ("error", "critical")]


@pytest.fixture
def house(tmp_path: Path) -> House:
    store = f'[store]\nurl = "sqlite:///{tmp_path / "stockhook.db"}"\n'
    (tmp_path / "config.toml").write_text(
        f'[server]\nlisten = "127.0.0.1:1"\n{store}[channels.shop]\nmerchant_id = "DEMO"\ntoken = "{HOUSE_TOKEN}"\n'
    )
    return House(tmp_path)


@pytest.fixture
def stocked(house: House) -> House:
    house.done("items", "add", "SOAP", "--name", "Lavender soap")
    house.done("locations", "add", "MAIN/FG")
    house.done("stock", "receive", "SOAP", "10", "--location", "MAIN/FG", "--lot", "L1", "--unit-cost", "1.50")
    return house
