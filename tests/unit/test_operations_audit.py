from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from stockhook.batch import Policies
from stockhook.choice import Choices
from stockhook.model import Audit, OrderKey
from stockhook.operations import audit
from stockhook.operations.audit import entries, of_order
from stockhook.operations.desk import Desk
from stockhook.strategy import method
from stockhook.testing.clock import START, ManualClock
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DONE = [
    ("cli:anna", "stock adjust", "unit 7"),
    ("web:anna", "orders correct", "ultracart:DEMO/D-1"),
    ("cli:bert", "orders correct", "ultracart:DEMO/D-12"),
    ("cli:bert", "rebook", "ultracart:DEMO/D-1"),
    ("api:erp", "items alias", "SOAP-12PK"),
]


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store, clock = MemoryStore(), ManualClock()
    store.open()
    with store.write() as work:
        work.save([Audit(0, clock.advance(timedelta(days=1)), *one, "why") for one in DONE])
    yield store
    store.close()


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"actor": "anna"}, [2, 1]),
        ({"actor": "CLI:Bert"}, [4, 3]),
        ({"actor": "bert", "action": "orders"}, [3]),
        ({"subject": "d-1"}, [4, 3, 2]),
        ({"subject": "soap"}, [5]),
        ({"most": 2}, [5, 4]),
        ({"after": 4, "most": 2}, [3, 2]),
        ({"after": 4, "actor": "anna"}, [2, 1]),
        ({"since": ManualClock().advance(timedelta(days=4))}, [5, 4]),
    ],
)
def test_entries_are_chosen_by_whom_what_when_and_of_what(
    chosen: dict[str, object], found: list[int], store: MemoryStore
) -> None:
    with store.read() as view:
        assert [entry.id for entry in entries(view, **chosen).rows] == found  # type: ignore[arg-type]


def test_of_an_order_only_what_changed_its_booking_is_told_oldest_first(store: MemoryStore) -> None:
    with store.read() as view:
        assert [entry.id for entry in of_order(view, OrderKey("ultracart:DEMO", "D-1"))] == [2, 4]


@pytest.mark.parametrize("since", [None, START])
def test_a_page_looks_at_no_more_entries_than_it_may_and_says_where_to_go_on(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, since: datetime | None
) -> None:
    monkeypatch.setattr(audit, "LOOKED_AT", 2)
    pages: list[tuple[list[int], int | None]] = []
    after: int | None = None
    with store.read() as view:
        while not pages or after is not None:
            found = entries(view, action="orders", since=since, after=after, most=1)
            after = found.last
            pages.append(([entry.id for entry in found.rows], after))
    assert pages == [([], 4), ([3], 3), ([2], None)]


def test_what_is_older_than_is_asked_for_is_not_gone_through(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "LOOKED_AT", 2)
    with store.read() as view:
        found = entries(view, since=START + timedelta(days=3, hours=12), actor="nobody")
    assert found == audit.Entries((), None)


def test_a_list_of_the_whole_audit_goes_as_far_back_as_it_takes(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "LOOKED_AT", 2)
    desk = Desk(store, Policies({}, Choices(method(Fifo(Fifo.Options())))), {}, ManualClock(), "cli:anna")
    assert [entry.id for entry in audit.list_audit(desk, actor="anna")] == [2, 1]
    assert [entry.id for entry in audit.list_audit(desk, most=3)] == [5, 4, 3]
    assert audit.list_audit(desk, subject="nothing") == []
