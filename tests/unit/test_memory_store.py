"""What is particular to the store in memory, and to the clock that stands still."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stockhook.model import Item, Unit
from stockhook.plugin import PluginOptions, Refused
from stockhook.testing import ManualClock
from stockhook.testing import factories as make
from stockhook_plugins.stores.memory import MemoryStore, stockhook_register_stores


def test_it_is_registered_under_its_name_and_takes_no_options() -> None:
    [store] = stockhook_register_stores()
    assert store.type == "memory"
    assert store.Options.model_validate({}) == PluginOptions()
    with pytest.raises(ValueError, match="url"):
        store.Options.model_validate({"url": "x"})


def test_close_wakes_whoever_waits() -> None:
    store = MemoryStore()
    store.open()
    thread = threading.Thread(target=store.wait, args=(120,))
    thread.start()
    start = time.monotonic()
    store.close()
    thread.join(60)
    assert time.monotonic() - start < 60


def test_a_backup_is_refused_with_what_to_choose_instead(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="sqlalchemy"):
        MemoryStore().backup(tmp_path / "copy")
    assert not list(tmp_path.iterdir())


def test_two_views_of_different_moments_stay_apart() -> None:
    store = MemoryStore()
    with store.read() as first:
        with store.write() as work:
            work.save([make.item(name="1")])
        with store.read() as second:
            with store.write() as work:
                work.save([make.item(name="2"), make.item("SALT")])
                work.book([make.receipt()])
            assert first.find(Item) == []
            assert [item.name for item in second.find(Item)] == ["1"]
            assert second.find(Unit) == []
    with store.read() as third:
        assert [item.name for item in third.find(Item)] == ["2", ""]


def test_the_memory_store_stays_small() -> None:
    import stockhook_plugins.stores.memory as module

    assert len(Path(module.__file__).read_text(encoding="utf-8").splitlines()) < 300


def test_the_clock_moves_only_when_it_is_told() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    assert (clock.now(), clock.monotonic()) == (datetime(2026, 1, 1, tzinfo=UTC), 0.0)
    assert clock.advance(timedelta(minutes=2)) == clock.now() == datetime(2026, 1, 1, 0, 2, tzinfo=UTC)
    assert clock.monotonic() == 120.0
