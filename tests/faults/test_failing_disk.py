"""A disk that reports errors: the daemon ends rather than guess what was written, or waits where waiting helps."""

import errno
import random
import time
from collections.abc import Callable
from functools import partial

import pytest
from altered_daemon import program
from disk import Disk
from promises import check, finish
from sizes import seeds, times
from sqlite_file import reading
from traffic import Traffic

pytestmark = pytest.mark.needs("gcc")

FAULTS = [(kind, number) for number in range(1, 61) for kind in ("sync", "write")]


def fail(disk: Disk, kind: str, first: int, last: int, error: int = errno.EIO) -> None:
    print(f"{kind} {first} to {last} fails with {errno.errorcode[error]}")
    (disk.fail_syncs if kind == "sync" else disk.fail_writes)(first, last, error)


def clear_end(traffic: Traffic) -> None:
    """The daemon has ended by itself, and the end of its log tells a person why, and what to do."""
    assert traffic.daemon.wait() == 1
    last = traffic.daemon.lines[-1]
    assert last["event"] == "stopped, to be started again", last
    assert "stockhook.db: disk I/O error (SQLITE_IOERR" in last["error"]
    assert "Restart stockhook" in last["error"]
    assert not [line for line in traffic.daemon.lines if "exception" in line]
    assert traffic.daemon.complaints == ""


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_after_one_failed_write_or_sync_nothing_is_acknowledged_and_a_restart_recovers(
    seed: int, disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(seed=seed, environment=disk.environment)
    traffic.daemon.start()
    for kind, number in random.Random(seed).sample(FAULTS, times(4, 12)):
        with traffic.flowing():
            time.sleep(0.1)
            fail(disk, kind, number, number)
            clear_end(traffic)
        struck = disk.struck[0].at
        assert not traffic.acknowledged_since(struck)
        assert traffic.answers.keys() <= {200, 503}
        disk.well()
        traffic.daemon.start()
        check(traffic)
    finish(traffic)


def test_after_a_failed_sync_nothing_more_is_written(disk: Disk, trading: Callable[..., Traffic]) -> None:
    traffic = trading(environment=disk.environment)
    traffic.daemon.start()
    with traffic.flowing():
        disk.fail_sync_and_watch(30)
        clear_end(traffic)
    [failed] = [strike for strike in disk.struck if strike.kind == "sync"]
    assert len(disk.struck) > 30
    assert [strike for strike in disk.struck if strike.at > failed.at] == []


def test_a_disk_that_fails_while_nothing_happens_is_noticed_when_the_log_is_folded_in(
    disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(environment=disk.environment)
    traffic.daemon.start()
    with reading(traffic.daemon.folder / "stockhook.db"):  # so that something is left to fold in
        with traffic.flowing():
            traffic.more(20)
        time.sleep(1)  # no command may run meanwhile: it would fold the log in itself
        disk.fail_syncs(1)  # before the reader goes, or all may be folded in by then
    clear_end(traffic)
    disk.well()
    traffic.daemon.start()
    finish(traffic)


def test_a_store_that_cannot_be_opened_is_refused_with_a_sentence(disk: Disk, trading: Callable[..., Traffic]) -> None:
    daemon = trading(environment=disk.environment).daemon
    disk.fail_writes(1)
    refused = daemon.stockhook("serve", code=1)
    assert refused.err.startswith("Error: ")
    assert "disk I/O error" in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_without_space_it_asks_to_come_again_stays_up_and_goes_on_by_itself(
    seed: int, disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(seed=seed, environment=disk.environment)
    daemon = traffic.daemon
    daemon.start()
    for number in random.Random(seed).sample(range(1, 61), times(2, 20)):
        with traffic.flowing():
            time.sleep(0.1)
            fail(disk, "write", number, 0, errno.ENOSPC)
            daemon.until(lambda: disk.struck)
            struck = disk.struck[0].at
            time.sleep(0.5)
            answer = daemon.post(traffic.bodies["D-0"])
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) > 0
            assert daemon.request("GET", "/healthz").status == 200
            assert daemon.request("GET", "/readyz").status == 503
            assert not traffic.acknowledged_since(struck)
            disk.well()
            freed = time.monotonic()
            daemon.until(partial(traffic.acknowledged_since, freed))
        assert daemon.code is None
        assert daemon.logged("deliveries could not be stored")[0]["error"].endswith("nothing has to be restarted")
        check(traffic)
    assert daemon.request("GET", "/readyz").status == 200
    finish(traffic)


@pytest.mark.parametrize("number", random.Random(5).sample(range(1, 61), times(1, 20)))
def test_one_write_without_space_is_forgotten(number: int, disk: Disk, trading: Callable[..., Traffic]) -> None:
    traffic = trading(environment=disk.environment)
    traffic.daemon.start()
    with traffic.flowing():
        fail(disk, "write", number, number, errno.ENOSPC)
        traffic.daemon.until(lambda: disk.struck)
        time.sleep(0.5)
    assert traffic.daemon.code is None
    finish(traffic)


def test_without_space_for_the_index_of_the_log_it_waits_as_well(disk: Disk, trading: Callable[..., Traffic]) -> None:
    traffic = trading(environment=disk.environment, program=program(wal_limit=1 << 26))  # as behind a reader that stays
    daemon = traffic.daemon
    daemon.start()
    disk.fail_writes(1, error=errno.ENOSPC, end="-shm")
    name, chance = traffic.order(), random.Random(1)
    plain = traffic.bodies[name]

    def post() -> int:
        padding = chance.randbytes(450_000).hex().encode()
        status = daemon.post(plain.replace(b"{", b'{"padding": "' + padding + b'", ', 1)).status
        if status == 200:
            traffic.acknowledged[name] = None
        return status

    statuses = [post() for _ in range(50)]  # the index has to grow at 16 MiB of log
    assert set(statuses) == {200, 503}, (statuses, daemon.lines[-1])
    assert daemon.code is None
    disk.well()
    assert post() == 200
    finish(traffic)
