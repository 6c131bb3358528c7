"""Power cuts: of the store's files only what had been synced is left, and that is enough."""

import time
from collections.abc import Callable

import broken_builds
import pytest
from altered_daemon import program
from disk import Disk
from promises import check, finish, lost, none_lost
from sizes import seeds, times
from traffic import Traffic

pytestmark = pytest.mark.needs("gcc")

CUTS = times(4, 6)


def cut(disk: Disk, traffic: Traffic) -> None:
    """Run the daemon under load and cut its power."""
    disk.settle()
    traffic.daemon.start()
    before = len(traffic.acknowledged)
    with traffic.flowing():
        traffic.daemon.until(lambda: len(traffic.acknowledged) > before)
        time.sleep(traffic.chance.uniform(0.0, 0.5))
        disk.cut_power(traffic.daemon)


@pytest.mark.parametrize("seed", seeds(1, 17))
def test_a_power_cut_takes_nothing_that_was_acknowledged(
    seed: int, disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(seed=seed, environment=disk.environment)
    for _ in range(CUTS):
        cut(disk, traffic)
        none_lost(traffic)
    traffic.daemon.start()
    check(traffic)
    finish(traffic)
    assert len(traffic.acknowledged) > 20


def test_a_daemon_that_leaves_out_the_sync_at_a_commit_does_lose_what_it_acknowledged(
    disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(environment={**disk.environment, broken_builds.NAME: "no-sync"}, program=program())
    for _ in range(5):
        cut(disk, traffic)
        if lost(traffic):
            return
    raise AssertionError("power cuts take nothing: the test above proves nothing")
