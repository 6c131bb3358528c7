"""Both stores in the box pass the store's contract."""

from collections.abc import Iterator

import pytest

from stockhook.plugin import Store
from stockhook.testing import StoreContract
from stockhook_plugins.stores.memory import MemoryStore


class TestMemoryStore(StoreContract):
    copies = False

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = MemoryStore()
        store.open()
        yield store
        store.close()
