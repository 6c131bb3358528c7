"""What a daemon does by the clock."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from stockhook.errors import StoreUnavailable
from stockhook.model import Answered, LogOut, Problem, ProblemState
from stockhook.operations.log_outs import SESSION
from stockhook.refusals import Refusals
from stockhook.store import Footprint
from stockhook.testing.pages import Pages
from stockhook.upkeep import Upkeep
from stockhook.watch import Watch
from stockhook_plugins.stores.memory import MemoryStore

WANTED = 512 * 2**20


class Disk(MemoryStore):
    """A store that says how much its disk has left."""

    def __init__(self) -> None:
        super().__init__()
        self.free: int | None = WANTED
        self.asked = 0
        self.error: OSError | None = None

    def footprint(self) -> Footprint:
        self.asked += 1
        if self.error:
            raise self.error
        return Footprint(1, 1, self.free)


@pytest.fixture
def kept(pages: Pages) -> Callable[[MemoryStore], Upkeep]:
    def keep(store: MemoryStore) -> Upkeep:
        settings, desk = replace(pages.settings, store=store), replace(pages.shop.desk, store=store)
        return Upkeep(desk, settings, Watch(desk, settings, Refusals()), lambda: None, lambda: None)

    return keep


async def test_a_disk_with_less_room_than_config_wants_is_low_until_it_has_more(
    kept: Callable[[MemoryStore], Upkeep],
) -> None:
    disk = Disk()
    upkeep = kept(disk)
    with capture_logs() as lines:
        for free, low in ((WANTED, False), (WANTED - 1, True), (0, True), (WANTED, False)):
            disk.free = free
            await upkeep.look()
            assert upkeep.disk_low is low
            with disk.read() as view:
                opened = view.find(Problem, {"state": ProblemState.OPEN})
            assert [one.kind for one in opened] == ["disk-low"] * low  # told at once, not at the next look of the watch
    assert [line["event"] for line in lines] == ["disk is low", "disk has room again"]


async def test_two_loops_that_want_to_watch_do_so_one_after_the_other(
    kept: Callable[[MemoryStore], Upkeep], monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting, looks = threading.Barrier(2), []

    def look(_: Watch) -> bool:
        try:
            looks.append(meeting.wait(0.2))
        except threading.BrokenBarrierError:
            looks.append("alone")
            meeting.reset()
        return False

    monkeypatch.setattr(Watch, "look", look)
    upkeep = kept(MemoryStore())
    await asyncio.gather(upkeep.watch(), upkeep.watch())
    assert looks == ["alone", "alone"]


async def test_a_store_that_does_not_know_its_disk_is_asked_once(kept: Callable[[MemoryStore], Upkeep]) -> None:
    disk = Disk()
    disk.free = None
    upkeep = kept(disk)
    await upkeep.look()
    await upkeep.look()
    assert (disk.asked, upkeep.disk_low) == (1, False)
    await kept(MemoryStore()).look()


async def test_a_disk_that_cannot_be_looked_at_is_an_outage_and_no_end_of_the_loop(
    kept: Callable[[MemoryStore], Upkeep],
) -> None:
    disk = Disk()
    disk.error = OSError(5, "Input/output error")
    with pytest.raises(StoreUnavailable, match="Input/output error"):
        await kept(disk).look()


def test_the_room_is_an_option(tmp_path: Path) -> None:
    from stockhook.testing.pages import open_pages

    assert open_pages(tmp_path, '[limits]\ndisk_free = "1 GiB"\n').settings.limits.disk_free == 2**30


async def test_the_pruner_removes_what_is_kept_for_hours_alone(
    kept: Callable[[MemoryStore], Upkeep], pages: Pages
) -> None:
    store, now = MemoryStore(), pages.shop.clock.now()
    day, moment = timedelta(days=1), timedelta(seconds=1)
    young = [Answered("api:erp", "young", "d", now - day + moment), LogOut("young", now - SESSION + moment)]
    with store.write() as work:
        work.save([*young, Answered("api:erp", "old", "d", now - day - moment), LogOut("old", now - SESSION - moment)])
    await kept(store).prune()
    with store.read() as view:
        assert [*view.find(Answered), *view.find(LogOut)] == young
