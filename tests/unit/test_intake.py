import asyncio
import hashlib
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest
from structlog.testing import capture_logs

from stockhook import intake
from stockhook.errors import StoreBroken, StoreUnavailable
from stockhook.intake import BYTES, LARGE, ROWS, Intake
from stockhook.store import Arrival, Store
from stockhook.testing.clock import START, ManualClock


class Disk:
    """A store that only appends: group by group, as fast as the test lets it."""

    def __init__(self) -> None:
        self.groups: list[list[Arrival]] = []
        self.errors: list[Exception] = []
        self.may = threading.Event()
        self.may.set()

    def append(self, arrivals: Sequence[Arrival]) -> list[int]:
        assert self.may.wait(60)
        if self.errors:
            raise self.errors.pop(0)
        self.groups.append(list(arrivals))
        return list(range(len(arrivals)))


@pytest.fixture
def disk() -> Disk:
    return Disk()


@asynccontextmanager
async def running(disk: Disk, in_flight: int = 1 << 30) -> AsyncIterator[Intake]:
    kept = Intake(cast("Store", disk), ManualClock(), in_flight)
    task = asyncio.ensure_future(kept.run())
    try:
        yield kept
    finally:
        disk.may.set()
        task.cancel()
        with suppress(asyncio.CancelledError, StoreBroken):
            await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(50):
        while not holds():
            await asyncio.sleep(0.001)


def keep(kept: Intake, body: bytes | memoryview = b"{}") -> asyncio.Future[None]:
    return kept.keep("shop", body, [("content-type", "application/json")], "192.0.2.1")


async def test_a_delivery_is_kept_as_it_came(disk: Disk) -> None:
    async with running(disk) as kept:
        await keep(kept, b'{"events": []}')
    ((arrival,),) = disk.groups
    assert arrival.body.data == b'{"events": []}'
    assert arrival.body.digest == arrival.delivery.digest == hashlib.sha256(arrival.body.data).digest()
    delivery = arrival.delivery
    assert (delivery.channel, delivery.peer, delivery.size) == ("shop", "192.0.2.1", 14)
    assert delivery.received_at == START
    assert delivery.due_at is None  # due at once, also when the clock is set back
    assert delivery.headers == (("content-type", "application/json"),)


async def test_nothing_is_answered_before_the_commit(disk: Disk) -> None:
    disk.may.clear()
    async with running(disk) as kept:
        stored = keep(kept)
        await asyncio.sleep(0.05)
        assert not stored.done()
        assert kept.quiet == 0
        disk.may.set()
        await stored
        await until(lambda: kept.quiet > 0)


async def test_what_gathers_while_one_commit_runs_is_the_next_one(disk: Disk) -> None:
    disk.may.clear()
    told: list[int] = []
    async with running(disk) as kept:
        kept.stored = lambda: told.append(len(disk.groups))
        first = keep(kept)
        await until(lambda: kept.committing_since is not None)
        others = [keep(kept, b"%d" % n) for n in range(50)]
        await asyncio.sleep(0.01)
        disk.may.set()
        await asyncio.gather(first, *others)
    assert [len(group) for group in disk.groups] == [1, 50]
    assert told == [1, 2]
    assert [arrival.body.data for arrival in disk.groups[1]] == [b"%d" % n for n in range(50)]


async def test_a_commit_takes_so_many_deliveries_and_no_more(disk: Disk) -> None:
    disk.may.clear()
    async with running(disk) as kept:
        stored = [keep(kept)]
        await until(lambda: kept.committing_since is not None)
        stored += [keep(kept, b"%d" % n) for n in range(ROWS + 3)]
        disk.may.set()
        await asyncio.gather(*stored)
    assert [len(group) for group in disk.groups] == [1, ROWS, 3]


async def test_a_commit_takes_no_further_delivery_once_it_holds_so_many_bytes(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert BYTES >= 1 << 20
    monkeypatch.setattr(intake, "BYTES", 1000)
    disk.may.clear()
    async with running(disk) as kept:
        stored = [keep(kept)]
        await until(lambda: kept.committing_since is not None)
        stored += [keep(kept, b"%0400d" % n) for n in range(5)]
        disk.may.set()
        await asyncio.gather(*stored)
    assert [len(group) for group in disk.groups] == [1, 3, 2]


async def test_a_large_body_is_compressed_and_keeps_its_digest_and_size(disk: Disk) -> None:
    body = b"x" * (LARGE + 1)
    async with running(disk) as kept:
        await keep(kept, body)
        await keep(kept, body[:-1])
    (large,), (small,) = disk.groups
    assert (large.body.codec, small.body.codec) == ("zlib", "identity")
    assert zlib.decompress(large.body.data) == body
    assert (large.body.size, large.delivery.size) == (LARGE + 1, LARGE + 1)
    assert large.body.digest == hashlib.sha256(body).digest()


async def test_memory_of_a_large_body_is_free_for_another_once_the_body_is_compressed(disk: Disk) -> None:
    async with running(disk) as kept:
        disk.may.clear()
        memory = kept.buffers.take(LARGE + 1)
        memory[:] = b"x" * (LARGE + 1)
        stored = keep(kept, memory)
        await until(lambda: bool(kept._queue) or kept.committing_since is not None)
        again = kept.buffers.take(LARGE + 1)
        assert again.obj is memory.obj
        again[:] = b"y" * (LARGE + 1)
        disk.may.set()
        await stored
    ((arrival,),) = disk.groups
    assert zlib.decompress(arrival.body.data) == b"x" * (LARGE + 1)


@pytest.mark.parametrize("error", [StoreUnavailable("the disk is full"), OSError("no space left on device")])
async def test_a_commit_that_fails_is_answered_and_the_next_one_is_made(disk: Disk, error: Exception) -> None:
    disk.errors = [error]
    async with running(disk) as kept:
        with pytest.raises(StoreUnavailable, match=str(error)):
            await keep(kept)
        await until(lambda: kept.quiet > 0)
        assert kept.failing
        await keep(kept)
        await until(lambda: kept.quiet > 0)
        assert not kept.failing
    assert len(disk.groups) == 1


async def test_every_delivery_of_a_group_that_fails_is_told(disk: Disk) -> None:
    disk.may.clear()
    async with running(disk) as kept:
        first = keep(kept)
        await until(lambda: kept.committing_since is not None)
        others = [keep(kept), keep(kept)]
        disk.errors = [StoreUnavailable("full"), StoreUnavailable("full")]
        disk.may.set()
        outcomes = await asyncio.gather(first, *others, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 3


async def test_a_broken_store_ends_it_and_is_answered_as_unavailable(disk: Disk) -> None:
    disk.errors = [StoreBroken("the file is damaged")]
    kept = Intake(cast("Store", disk), ManualClock(), 1 << 20)
    task = asyncio.ensure_future(kept.run())
    with pytest.raises(StoreUnavailable, match="damaged"):
        await keep(kept)
    with pytest.raises(StoreBroken):
        await task


async def test_who_waits_too_long_is_told_to_come_again_and_is_stored_all_the_same(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "DEADLINE", 0.1)
    disk.may.clear()
    async with running(disk) as kept:
        with pytest.raises(StoreUnavailable, match="has not answered within"):
            await keep(kept)
        disk.may.set()
        await until(lambda: kept.quiet > 0)
        assert [len(group) for group in disk.groups] == [1]
        monkeypatch.setattr(intake, "DEADLINE", 60)
        await keep(kept)


async def test_a_request_that_went_away_harms_no_other_of_its_group(disk: Disk) -> None:
    disk.may.clear()
    async with running(disk) as kept:
        stored = [keep(kept), keep(kept), keep(kept)]
        stored[1].cancel()
        disk.may.set()
        await asyncio.gather(stored[0], stored[2])
    assert sum(map(len, disk.groups)) == 3


async def test_room_is_reserved_and_given_back(disk: Disk) -> None:
    async with running(disk, in_flight=100) as kept:
        assert kept.reserve(60)
        assert not kept.reserve(41)
        assert kept.reserve(40)
        kept.release(60)
        assert kept.in_flight == 40
        assert kept.reserve(60)


async def test_one_body_larger_than_all_the_room_may_come_alone(disk: Disk) -> None:
    async with running(disk, in_flight=100) as kept:
        assert kept.reserve(500)
        assert not kept.reserve(1)


async def test_a_failed_commit_keeps_senders_away_only_for_a_while(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockhook.intake.FAILING", 60)
    disk.errors = [StoreUnavailable("the disk is full")]
    async with running(disk) as kept:
        with pytest.raises(StoreUnavailable):
            await keep(kept)
        await until(lambda: kept.quiet > 0)
        assert kept.failing
        monkeypatch.setattr("stockhook.intake.FAILING", 0.05)
        await until(lambda: not kept.failing)


class Shut(Disk):
    """A store that somebody else keeps, or does not."""

    def __init__(self) -> None:
        super().__init__()
        self.shut: Exception | None = None
        self.asked = 0

    def append(self, arrivals: Sequence[Arrival]) -> list[int]:
        self.asked += 1
        if self.shut:
            raise self.shut
        return super().append(arrivals)


@asynccontextmanager
async def looking(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Intake, asyncio.Task[None]]]:
    monkeypatch.setattr("stockhook.intake.TRY", 0.001)
    async with running(disk) as kept:
        task = asyncio.create_task(kept.look())
        yield kept, task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_store_that_takes_no_commit_is_found_out_before_a_delivery_comes_and_for_as_long_as_it_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stockhook.intake.FAILING", 0)
    disk = Shut()
    with capture_logs() as lines:
        async with looking(disk, monkeypatch) as (kept, _):
            await until(lambda: disk.asked > 3)
            assert not kept.failing
            disk.shut = StoreUnavailable("another process holds it")
            await until(lambda: kept.failing)
            asked = disk.asked
            await until(lambda: disk.asked > asked + 3)
            assert kept.failing
            disk.shut = None
            await until(lambda: not kept.failing)
    assert [line["event"] for line in lines] == ["deliveries could not be stored", "deliveries are stored again"]


async def test_a_commit_that_was_made_says_more_than_what_was_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Shut()
    async with looking(disk, monkeypatch) as (kept, task):
        disk.shut = StoreUnavailable("another process holds it")
        await until(lambda: kept.failing)
        task.cancel()
        disk.shut = None
        await keep(kept)
        assert not kept.failing


async def test_a_store_found_broken_ends_the_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Shut()
    disk.shut = StoreBroken("the file is damaged")
    async with looking(disk, monkeypatch) as (_, task):
        with pytest.raises(StoreBroken):
            await task


@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 10_000, LARGE])
async def test_the_digest_is_that_of_the_whole_body_whatever_its_size(disk: Disk, size: int) -> None:
    body = bytes(n % 251 for n in range(size))
    async with running(disk) as kept:
        await keep(kept, body)
    ((arrival,),) = disk.groups
    assert arrival.body.data == body
    assert arrival.body.digest == hashlib.sha256(body).digest()
