"""A disk that is really full, a small one that was mounted for it."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from promises import check, finish
from sizes import times
from traffic import Traffic

MIB = 1 << 20
SIZE = 48 * MIB


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place), check=True)
    yield place
    subprocess.run(("umount", "--lazy", place), check=True)


def fill(file: Path) -> None:
    """Take all the space there is."""
    with file.open("ab", buffering=0) as left:
        for size in (MIB, 4096, 1):
            with suppress(OSError):
                while left.write(bytes(size)) == size:
                    pass
    assert os.statvfs(file).f_bavail == 0


@pytest.mark.needs("root")
def test_on_a_full_disk_it_asks_to_come_again_and_goes_on_once_there_is_space(
    small_disk: Path, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(store=small_disk)
    daemon = traffic.daemon
    daemon.start()
    for _ in range(times(2, 20)):
        with traffic.flowing():
            traffic.more(10)
            fill(small_disk / "filler")
            daemon.until(lambda: traffic.status == 503)
            time.sleep(1)
            assert daemon.request("GET", "/healthz").status == 200
            assert daemon.request("GET", "/readyz").status == 503
            assert daemon.request("GET", "/", base=daemon.admin).status == 200
            (small_disk / "filler").unlink()
            freed = time.monotonic()
            daemon.until(partial(traffic.acknowledged_since, freed))
            traffic.more(10)
        assert daemon.code is None
        check(traffic)
    finish(traffic)


@pytest.mark.needs("root")
def test_a_start_on_a_full_disk_loses_nothing_and_succeeds_once_there_is_space(
    small_disk: Path, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(store=small_disk)
    daemon = traffic.daemon
    daemon.start()
    with traffic.flowing():
        traffic.more(20)
        daemon.kill()
    fill(small_disk / "filler")
    with suppress(AssertionError):  # it may start, or be refused
        daemon.start()
    daemon.kill()
    assert "Traceback" not in daemon.complaints
    (small_disk / "filler").unlink()
    daemon.start()
    check(traffic)
    finish(traffic)
