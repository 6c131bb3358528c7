"""A whole shop on each store, driven at random, against a plain account of what the stock rules say must come out.

The account holds every snapshot that was ever delivered, and works out from scratch how much of each line must be
booked or owed. What the shop did on the way (in which order, in which batches, how often, through which crashes) may
make no difference, save that what was once booked as dated is never given back in silence.
"""

import atexit
import os
import random
import shutil
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
from account import AFTER, BEFORE, CODES, NEWEST, ORDERS, PARTS, Account, Element, Shown
from correcting import Correcting
from failing_store import FailingStore
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from postgres import Server, any_server
from promises import prove
from stock_keeping import StockKeeping
from told_persons import ANSWERS

from stockhook.budget import Budget
from stockhook.errors import StoreUnavailable
from stockhook.model import (
    Delivery,
    DeliveryState,
    Event,
    EventState,
    Movement,
    Order,
    OrderKey,
    Problem,
    ProblemState,
    Shortage,
    Unit,
    WaitKind,
)
from stockhook.operations.codes import alias, ignore
from stockhook.operations.events import replay as replay_events
from stockhook.operations.problems import waive
from stockhook.operations.stock.adjustments import adjust
from stockhook.outbox import Subscription
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.store import Range, Store
from stockhook.testing.payloads import array, compressed, envelope
from stockhook.testing.shop import Shop
from stockhook.worker import Worker
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.stores.sqlalchemy.store import SqlStore, SqlStoreOptions
from stockhook_plugins.strategies.received import Fifo

EXAMPLES = os.environ.get("STOCKHOOK_EXAMPLES")
"""How many runs each store gets; `make test-long` asks for many, the default takes a quarter of a minute."""


def runs(by_default: int) -> settings:
    return settings(
        max_examples=int(EXAMPLES or by_default),
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


BUDGET = Budget()


def listed(dated: st.SearchStrategy[bool]) -> st.SearchStrategy[tuple[Shown, ...]]:
    """Draw the lines of a snapshot."""
    one = st.builds(Shown, st.sampled_from(sorted(CODES)), st.integers(1, 4), st.just(0), dated)
    return st.lists(one, min_size=1, max_size=4, unique_by=lambda shown: shown.index).map(tuple)


def element(order_id: str, name: str, lines: tuple[Shown, ...], at: datetime, refunded: int) -> Element:
    if not refunded:
        return Element(order_id, name, NEWEST, None, lines)
    lines = tuple(replace(one, refunded=min(refunded, one.quantity)) for one in lines)
    return Element(order_id, name, NEWEST, at, lines)


elements_of_orders = st.builds(
    element,
    order_id=st.sampled_from(ORDERS),
    name=st.sampled_from(["order_ship", "order_ship", "order_ship", "order_update", "order_refund"]),
    lines=listed(st.just(False)) | listed(st.booleans()),
    at=st.sampled_from([BEFORE, AFTER]),
    refunded=st.sampled_from([0, 0, 0, 1, 3]),
)


class ShopMachine(Correcting, StockKeeping, RuleBasedStateMachine):
    """The rules; ``make_store`` says on what."""

    make_store: ClassVar[Any]
    elements = Bundle("elements")

    @initialize(policy=st.sampled_from([ShortagePolicy.PARTIAL, ShortagePolicy.NEGATIVE]), restocks=st.booleans())
    def open(self, policy: ShortagePolicy, restocks: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="stockhook-"))
        self.store = FailingStore(self.make_store(self.folder))
        self.store.open()
        self.account = Account()
        self.received = {"A": 0, "B": 0}
        self.adjusted = {"A": 0, "B": 0}
        self.unsettled: set[str] = set()
        self.mapped: set[str] = set()
        self.receipts = 0
        self.composed = 0
        self.quiet = True
        channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
        self.shop = Shop(
            self.store,  # type: ignore[arg-type] # it passes everything else on
            channel,
            Fifo(Fifo.Options()),
            rules=ChannelRules("shop", on_shortage=policy, restock_reasons=frozenset({"unwanted"} if restocks else ())),
            subscriptions={"office": Subscription()},
            budget=BUDGET,
        )
        self.shop.worker = Worker(self.shop.desk, {"shop": channel}, batch=3, planning=1.0)
        self.shop.items("A", "B")
        self.keep_places()
        self.shop.kit("SET", A=1, B=2)

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.quiesce()
            self.true_to_the_account()
            self.store.close()
            shutil.rmtree(self.folder)

    def quiesce(self) -> None:
        self.shop.work()
        self.quiet = True

    # --- what the store sends ---

    @rule(target=elements, element=elements_of_orders)
    def compose(self, element: Element) -> Element:
        """Have the store's truth move on; the event may be delivered now, later, often or never."""
        return self._now(element)

    @rule(target=elements, element=elements_of_orders, lazily=st.booleans())
    def happen(self, element: Element, lazily: bool) -> Element:
        """Have the store's truth move on and be told at once, as nearly always."""
        element = self._now(element)
        self._deliver([element], envelope, lazily)
        return element

    def _now(self, element: Element) -> Element:
        self.composed += 1
        return replace(element, as_of=NEWEST + timedelta(minutes=self.composed))

    @rule(
        chosen=st.lists(elements, min_size=1, max_size=5),
        shape=st.sampled_from([envelope, array, compressed]),
        lazily=st.booleans(),
    )
    def deliver(self, chosen: list[Element], shape: Any, lazily: bool) -> None:
        """Send, resend, reorder and re-batch: any events composed so far, in any order, each as often as it comes."""
        self._deliver(chosen, shape, lazily)

    def _deliver(self, chosen: list[Element], shape: Any, lazily: bool) -> None:
        number = self.shop.deliver(shape(*(element.written for element in chosen)))
        for position, element in enumerate(chosen):
            self.account.seen.append(((element.as_of, number, position), element))
        self.quiet = False
        if not lazily:
            self.quiesce()

    # --- what persons do ---

    @rule(sku=st.sampled_from("AB"), quantity=st.integers(1, 9))
    def receive(self, sku: str, quantity: int) -> None:
        self.receipts += 1
        self.shop.receive((sku, quantity), reference=f"receipt {self.receipts}")
        self.received[sku] += quantity * ONE
        self.unsettled.discard(sku)

    @rule(sku=st.sampled_from("AB"), quantity=st.integers(1, 9), fails=st.sampled_from(["before", "after"]))
    def receive_through_a_crash(self, sku: str, quantity: int, fails: str) -> None:
        self.receipts += 1
        self.store.fails = fails
        with pytest.raises(StoreUnavailable):
            self.shop.receive((sku, quantity), reference=f"receipt {self.receipts}")
        made = [unit for unit in self.shop.find(Unit, sku=sku) if unit.reference == f"receipt {self.receipts}"]
        assert len(made) == (fails == "after")
        if made:
            self.received[sku] += quantity * ONE
            self.unsettled.discard(sku)

    @rule(choice=st.randoms(use_true_random=False), quantity=st.sampled_from([-2, -1, 1, 3]), settle=st.booleans())
    def adjust(self, choice: random.Random, quantity: int, settle: bool) -> None:
        units = [unit for unit in self.shop.find(Unit, suspense=False) if unit.quantity + quantity * ONE >= 0]
        if units:
            unit = choice.choice(units)
            adjust(self.shop.desk, unit.id, quantity * ONE, "counted", settle=settle)
            self.adjusted[unit.sku] += quantity * ONE
            if quantity > 0 and not settle:
                self.unsettled.add(unit.sku)
                self.stays_on_the_shelf()

    @rule(code=st.sampled_from(["PACK", "JUNK"]))
    def map_code(self, code: str) -> None:
        if code == "JUNK":
            ignore(self.shop.desk, code)
        else:
            alias(self.shop.desk, code, "A", factor=2 * ONE)
        self.mapped.add(code)
        self.quiet = False

    @rule(choice=st.randoms(use_true_random=False), part=st.booleans())
    def waive(self, choice: random.Random, part: bool) -> None:
        short = self.shop.find(Problem, kind="insufficient-inventory", state=ProblemState.OPEN)
        if short:
            problem = choice.choice(short)
            owed = self.shop.owed(problem.subject)
            if owed:
                waive(self.shop.desk, problem.id, choice.randint(1, owed) if part else None, "lost")
                self.quiet = False

    @rule(choice=st.randoms(use_true_random=False), most=st.integers(1, 5))
    def replay(self, choice: random.Random, most: int) -> None:
        events = self.shop.find(Event)
        if events:
            replay_events(self.shop.desk, [one.id for one in choice.sample(events, min(most, len(events)))])
            self.quiet = False

    # --- what befalls the machine ---

    @precondition(lambda self: not self.quiet)
    @rule(fails=st.sampled_from(["before", "after"]), batches=st.integers(0, 2))
    def crash(self, fails: str, batches: int) -> None:
        """Lose a commit, or only the news of it, in the middle of the backlog; then start anew."""
        for _ in range(batches):
            self.shop.worker.step()
        self.store.fails = fails
        with suppress(StoreUnavailable):
            self.shop.worker.step()
        self.store.fails = None
        self.store.close()
        self.store.open()

    @rule()
    def work(self) -> None:
        self.quiesce()

    @rule()
    def time_passes(self) -> None:
        self.shop.clock.advance(timedelta(hours=7))

    @precondition(lambda self: self.quiet)
    @rule()
    def prune(self) -> None:
        self.shop.clock.advance(timedelta(days=31))
        self.store.prune(self.shop.clock.now() - timedelta(days=30), 1000)

    # --- what must hold ---

    @invariant()
    def sound(self) -> None:
        """Hold the ledger to itself, backlog or not."""
        if not hasattr(self, "shop"):
            return
        balances: dict[int, int] = {}
        moved = {"A": 0, "B": 0}
        suspense = {unit.id for unit in self.shop.find(Unit, suspense=True)}
        for movement in reversed(self.shop.find(Movement)):
            balances[movement.unit_id] = balances.get(movement.unit_id, 0) + movement.quantity
            assert balances[movement.unit_id] == movement.balance_after
            if movement.unit_id in suspense:
                continue
            assert movement.balance_after >= 0
            if movement.order_id is not None:
                moved[movement.sku] += movement.quantity
        assert {unit.id: unit.quantity for unit in self.shop.find(Unit)} == balances
        for sku, quantity in moved.items():
            assert self.shop.on_hand(sku) == self.received[sku] + self.adjusted[sku] + quantity
        for row in self.shop.find(Shortage):
            parts = (row.open, row.settled, row.withdrawn, row.waived, row.counted)
            assert row.quantity == sum(parts)
            assert min(parts) >= 0

    @invariant()
    def true_to_the_account(self) -> None:
        """Hold the books to the account whenever nothing is left to be worked."""
        if not hasattr(self, "shop") or not self.quiet:
            return
        if self.shop.find(Order, due_at=Range(high=self.shop.clock.now() + timedelta(days=1))):
            return  # what a receipt settled was refunded and came back: others are to be looked at again
        with self.store.read() as view:
            states = view.orders([OrderKey("ultracart:DEMO", order_id) for order_id in ORDERS])
        waiting: set[str] = set()
        for key, state in states.items():
            codes = {wait.subject for wait in state.waits if wait.kind is WaitKind.CODE}
            assert {wait.kind for wait in state.waits} <= {WaitKind.CODE}
            assert codes == {
                code.lower()
                for index, code in CODES.items()
                if code in {"PACK", "JUNK"} - self.mapped and self.account.target(key[1], index)
            }
            waiting |= codes
            for index, code in CODES.items():
                self._line_is_true(state, key[1], index, code)
            short = any(row.open for row in state.shortages)
            for one in self.shop.find(Event, order_id=key[1]):
                assert one.state not in {EventState.PENDING, EventState.FAILED}
                assert short or codes or one.state not in {EventState.SHORT, EventState.PARKED}
        self._problems_are_true(waiting)
        assert not self.shop.find(Delivery, state=DeliveryState.PENDING)
        prove(self.shop.desk, 30)

    def _line_is_true(self, state: Any, order_id: str, index: int, code: str) -> None:
        known = not ({code} & {"PACK", "JUNK"} - self.mapped)
        kits = len(PARTS[code]) > 1
        for sku, factor in PARTS[code].items():
            takes = [take for take in state.takes if (take.line, take.sku) == (index, sku) and not take.suspense]
            consumed = sum(take.remaining for take in takes)
            rows = [row for row in state.shortages if (row.line, row.sku) == (index, sku)]
            owed, waived = sum(row.open for row in rows), sum(row.waived + row.counted for row in rows)
            below = sum(take.suspended for take in state.takes if (take.line, take.sku) == (index, sku))
            assert below == (owed if self.shop.rules.on_shortage is ShortagePolicy.NEGATIVE else 0)
            wanted = self.account.wanted(order_id, index) * (factor if kits else 1) if known else 0
            assert owed == max(wanted - consumed - waived, 0), (order_id, code, sku, consumed, waived, wanted)
            ruled = self.account.highest.get((order_id, index), 0) * (factor if kits else 1)
            assert consumed + waived <= self.account.most(order_id, index) * factor * ONE + ruled
            assert all(0 <= take.returned <= take.remaining for take in takes)
            if not self.account.shipped(order_id, index) and not self.account.ever_dated(order_id, index):
                out = consumed - sum(take.returned for take in takes)
                assert out <= wanted, "an inferred shipment is taken back when dates come"

    def _problems_are_true(self, waiting: set[str]) -> None:
        opened = {(one.kind, one.subject) for one in self.shop.find(Problem, state=ProblemState.OPEN)}
        owed = {sku for sku in "AB" if self.shop.owed(sku)}
        assert {subject for kind, subject in opened if kind == "insufficient-inventory"} == owed
        unknown = {f"ultracart:DEMO/{code.upper()}" for code in waiting}
        assert {subject for kind, subject in opened if kind == "unknown-item"} == unknown
        for sku in owed - self.unsettled:
            assert self.offered(sku) == 0, "goods lie on the shelf while they are owed"


def in_memory(_folder: Path) -> Store:
    return MemoryStore()


def in_sqlite(folder: Path) -> Store:
    return SqlStore(SqlStoreOptions(url=f"sqlite:///{folder / 'stockhook.db'}"))


DATABASES = ExitStack()
atexit.register(DATABASES.close)


@cache
def server() -> Server:
    return DATABASES.enter_context(any_server())


def in_postgres(_folder: Path) -> Store:
    return SqlStore(SqlStoreOptions(url=DATABASES.enter_context(server().database())))


class OnMemory(ShopMachine):
    make_store = staticmethod(in_memory)


class OnSqlite(ShopMachine):
    make_store = staticmethod(in_sqlite)


class OnPostgres(ShopMachine):
    make_store = staticmethod(in_postgres)


class TestOnMemory(OnMemory.TestCase):  # type: ignore[misc,valid-type] # hypothesis makes it
    settings = runs(150)

    def runTest(self) -> None:  # noqa: N802 - unittest's name
        """Run the machine, which is worth little where what persons ask is always refused, or never."""
        ANSWERS.clear()
        super().runTest()
        assert all(ANSWERS[what, how] for what in ("undo", "correct") for how in ("done", "refused")), ANSWERS


TestOnSqlite = OnSqlite.TestCase
TestOnSqlite.settings = runs(30)
TestOnPostgres = OnPostgres.TestCase
TestOnPostgres.settings = runs(10)
