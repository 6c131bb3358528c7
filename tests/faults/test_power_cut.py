"""Power cuts: of the store's files only what had been synced is left, and that is enough."""

import time
from collections.abc import Callable

import broken_builds
import pytest
from altered_daemon import program
from disk import Disk
from promises import check, finish, lost
from sizes import seeds, times
from traffic import Traffic

pytestmark = pytest.mark.needs("gcc")

CUTS = times(4, 6)


def cut(disk: Disk, traffic: Traffic) -> set[str]:
    """Run the daemon under load, cut its power, and return what was acknowledged and is not there any more."""
    disk.settle()
    traffic.daemon.start()
    before = len(traffic.acknowledged)
    with traffic.flowing():
        traffic.daemon.until(lambda: len(traffic.acknowledged) > before)
        time.sleep(traffic.chance.uniform(0.0, 0.5))
        disk.cut_power(traffic.daemon)
    return lost(traffic)


@pytest.mark.parametrize("seed", seeds(1, 17))
def test_a_power_cut_takes_nothing_that_was_acknowledged(
    seed: int, disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(seed=seed, environment=disk.environment)
    for _ in range(CUTS):
        assert cut(disk, traffic) == set(), traffic
    traffic.daemon.start()
    check(traffic)
    finish(traffic)
    assert len(traffic.acknowledged) > 20


def test_a_daemon_that_leaves_out_the_sync_at_a_commit_does_lose_what_it_acknowledged(
    disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(environment={**disk.environment, broken_builds.NAME: "no-sync"}, program=program())
    assert any(cut(disk, traffic) for _ in range(5)), "power cuts take nothing: the test above proves nothing"
