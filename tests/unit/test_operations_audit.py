from collections.abc import Iterator
from datetime import timedelta

import pytest

from stockhook.model import Audit, OrderKey
from stockhook.operations.audit import entries, of_order
from stockhook.testing.clock import ManualClock
from stockhook_plugins.stores.memory import MemoryStore

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
        ({"after": (4,), "most": 2}, [3, 2]),
        ({"after": (4,), "actor": "anna"}, [2, 1]),
        ({"since": ManualClock().advance(timedelta(days=4))}, [5, 4]),
    ],
)
def test_entries_are_chosen_by_whom_what_when_and_of_what(
    chosen: dict[str, object], found: list[int], store: MemoryStore
) -> None:
    with store.read() as view:
        assert [entry.id for entry in entries(view, **chosen)] == found  # type: ignore[arg-type]


def test_of_an_order_only_what_changed_its_booking_is_told_oldest_first(store: MemoryStore) -> None:
    with store.read() as view:
        assert [entry.id for entry in of_order(view, OrderKey("ultracart:DEMO", "D-1"))] == [2, 4]
