"""What a store sends, from several senders at once, and what was promised for it: the load of every test of faults."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from stockhook.model import Item, Location
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE
from stockhook.testing.daemon import RunningDaemon
from stockhook.testing.payloads import array, envelope, kit, line, order_ship

SHIPPED = "2026-11-01T12:00:00-05:00"
PLENTY = 1_000_000
SCARCE = 50
AGAIN = 0.03
"""Seconds after which an order is sent once more; the store takes minutes."""
STOCK = {"SOAP": PLENTY, "LAMP": PLENTY, "BOX": PLENTY, "RARE": SCARCE}
"""What there is of each item before the first order."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request got back, when (``time.monotonic``), and how many seconds it took."""

    status: int
    at: float
    seconds: float


@dataclass
class Traffic:
    """Senders that post orders, note what was acknowledged, and send the rest again, as the store does.

    ``daemons`` are sent to in turn; all of them have one store. ``wanted`` is what each order asks for by sku,
    ``broken`` counts the connections that ended without an answer, by the name of the error.
    """

    daemons: tuple[RunningDaemon, ...]
    seed: int = 20261121
    senders: int = 6
    pace: float = 0.005
    """Seconds that a sender rests between two orders."""
    wanted: dict[str, Counter[str]] = field(default_factory=dict, repr=False)
    bodies: dict[str, bytes] = field(default_factory=dict, repr=False)
    acknowledged: dict[str, None] = field(default_factory=dict, repr=False)
    replies: list[Reply] = field(default_factory=list, repr=False)
    broken: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _over: threading.Event = field(default_factory=threading.Event, repr=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        print(f"seed {self.seed}")

    @property
    def daemon(self) -> RunningDaemon:
        """The daemon, or the first of several."""
        return self.daemons[0]

    @property
    def answers(self) -> Counter[int]:
        """How often each status was answered."""
        return Counter(reply.status for reply in self.replies)

    def acknowledged_since(self, moment: float) -> bool:
        """Tell whether anything has been acknowledged since this moment (``time.monotonic``)."""
        return any(reply.status == 200 and reply.at - reply.seconds > moment for reply in self.replies)

    @property
    def status(self) -> int:
        """The status that was answered last, 0 before the first answer."""
        return self.replies[-1].status if self.replies else 0

    def more(self, count: int) -> None:
        """Wait until so many more orders have been acknowledged."""
        wanted = len(self.acknowledged) + count
        self.daemon.until(lambda: len(self.acknowledged) >= wanted, what=f"{count} more orders to be acknowledged")

    @property
    def left(self) -> list[str]:
        """The orders that were never acknowledged."""
        return [name for name in self.wanted if name not in self.acknowledged]

    def stock_up(self) -> "Traffic":
        """Receive what the orders will ask for, and return itself."""
        with self.daemon.desk() as desk:
            receipts = [Receipt(sku, quantity * ONE, "MAIN") for sku, quantity in STOCK.items()]
            receive(desk, receipts, made=[*(Item(sku) for sku in (*STOCK, "SET")), Location("MAIN")])
        return self

    def order(self) -> str:
        """Think of an order, plain lines, a kit, perhaps something scarce, and return its id."""
        name = f"D-{len(self.wanted)}"
        soap, lamp, rare = self.chance.randint(1, 5), self.chance.randint(1, 3), self.chance.randint(0, 1)
        lines = [
            line("SOAP", soap, index=1, shipped=SHIPPED),
            *kit("SET", 1, [("LAMP", lamp), ("BOX", 1)], index=2, shipped=SHIPPED),
            *([line("RARE", rare, index=9, shipped=SHIPPED)] if rare else []),
        ]
        shape = self.chance.choice([envelope, array])
        self.wanted[name] = Counter({"SOAP": soap, "LAMP": lamp, "BOX": 1, **({"RARE": 1} if rare else {})})
        self.bodies[name] = shape(order_ship(name, lines))
        return name

    def post(self, connection: HTTPConnection, daemon: RunningDaemon, name: str) -> int:
        """Post an order and return the status; what is acknowledged is noted before anything else happens."""
        began = time.monotonic()
        connection.request("POST", daemon.path, self.bodies[name])
        answer = connection.getresponse()
        answer.read()
        ended = time.monotonic()
        with self._lock:
            self.replies.append(Reply(answer.status, ended, ended - began))
            if answer.status == 200:
                self.acknowledged[name] = None
        return answer.status

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Have all senders send during the block, whatever becomes of the daemons; they connect again and again."""
        self._over.clear()
        threads = [
            threading.Thread(target=self._send, args=(self.daemons[n % len(self.daemons)], self._next), daemon=True)
            for n in range(self.senders)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def send_rest(self, seconds: float = 120.0) -> None:
        """Send what was never acknowledged until all of it is; raises AssertionError if that takes longer."""
        self._over.clear()
        left = self.left
        end = threading.Timer(seconds, self._over.set)
        end.start()
        try:
            self._send(self.daemon, lambda: left.pop() if left else None)
        finally:
            end.cancel()
        assert not self.left, f"after {seconds:g} s {len(self.left)} orders are still not acknowledged"

    def _next(self) -> str | None:
        """Return an order to send: a new one, now and then one that is acknowledged already or never was."""
        with self._lock:
            if self._over.is_set():
                return None
            again = self.chance.random()
            if again < 0.1 and self.acknowledged:
                return self.chance.choice(list(self.acknowledged)[-100:])
            if again < 0.2 and len(self.wanted) > len(self.acknowledged):
                return self.chance.choice(self.left[-100:])
            return self.order()

    def _send(self, daemon: RunningDaemon, following: Callable[[], str | None]) -> None:
        """Send one order after the other, each until it is acknowledged."""
        name = following()
        while name is not None and not self._over.is_set():
            connection = daemon.connect()
            try:
                connection.connect()
                while name is not None and not self._over.is_set():
                    if self.post(connection, daemon, name) == 200:
                        self._over.wait(self.pace)
                        name = following()
                    else:
                        self._over.wait(AGAIN)
            except (OSError, HTTPException) as error:
                with self._lock:
                    self.broken[type(error).__name__] += 1
                self._over.wait(AGAIN)
            finally:
                connection.close()
