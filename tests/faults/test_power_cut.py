"""Power cuts: of the store's files only what had been synced is left, and that is enough."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from disk import Disk
from promises import check, finish, lost
from sizes import seeds
from traffic import Traffic

pytestmark = pytest.mark.needs("gcc")

CUTS = 6
HASTY = (sys.executable, str(Path(__file__).parent / "hasty_daemon.py"))


def cut(disk: Disk, traffic: Traffic) -> set[str]:
    """Run the daemon under load, cut its power, and return what was acknowledged and is not there any more."""
    disk.settle()
    traffic.daemon.start()
    with traffic.flowing():
        time.sleep(traffic.chance.uniform(0.05, 0.6))
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
    assert len(traffic.acknowledged) > 100


def test_a_daemon_that_leaves_out_the_sync_at_a_commit_does_lose_what_it_acknowledged(
    disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(environment=disk.environment, program=HASTY)
    assert any(cut(disk, traffic) for _ in range(5)), "power cuts take nothing: the test above proves nothing"
