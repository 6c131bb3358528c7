"""Clocks that jump: what waits is measured on the daemon's own clock, what is stored keeps its order."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from promises import check, finish
from sizes import times
from traffic import Traffic

from stockhook.model import Delivery, Movement
from stockhook.testing.daemon import RunningDaemon

pytestmark = pytest.mark.needs("gcc")

HOUR = 3600
KEEP = "[retention]\npayload_days = 0\n"
"""What came in 2020 is no payload of long ago."""


class Clock:
    """The wall clock of a daemon; the time that it measures its waits by goes on as ever."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._control = folder / "clock"
        self.environment = {"LD_PRELOAD": str(library), "SHIM": str(self._control)}
        self.set(0)

    def set(self, ahead: float) -> None:
        """Have the daemon's clock go so many seconds ahead of ours."""
        draft = self._control.with_suffix(".draft")
        draft.write_text(f"ahead {ahead:.0f}\n")
        draft.rename(self._control)

    @staticmethod
    def to(moment: datetime) -> float:
        """Return how many seconds a clock that shows this moment is ahead."""
        return moment.timestamp() - time.time()


@pytest.fixture
def clock(library: Path, tmp_path: Path) -> Clock:
    return Clock(library, tmp_path)


def jumps() -> list[float]:
    the_past, the_future = datetime(2020, 1, 1, tzinfo=UTC), datetime(2038, 1, 20, tzinfo=UTC)
    return [Clock.to(the_future), Clock.to(the_past), HOUR, -HOUR, 0]


def newest(traffic: Traffic) -> tuple[int, int]:
    with traffic.daemon.desk() as desk, desk.store.read() as view:
        return view.find(Delivery, most=1)[0].id, view.find(Movement, most=1)[0].id


def notices(daemon: RunningDaemon) -> list[int]:
    """Return which notices were told, in the order in which they were."""
    return [line["notice"] for line in daemon.lines if line["logger"] == "stockhook.notifiers.log"]


def quiet(traffic: Traffic) -> None:
    """Wait until the daemon is for half a second no busier than one that has little to do; a storm would not end."""
    stat = Path(f"/proc/{traffic.daemon.process.pid}/stat")

    def spent() -> float:
        fields = stat.read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def calm() -> bool:
        before, began = spent(), time.monotonic()
        time.sleep(0.5)
        return spent() - before < 0.5 * (time.monotonic() - began)

    traffic.daemon.until(calm, what="the daemon to be quiet")


def test_a_clock_that_jumps_while_it_runs_loses_nothing_and_starts_no_storm(
    clock: Clock, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(environment=clock.environment, more=f"{KEEP}[notifiers.log]\ntype = 'log'\n")
    daemon = traffic.daemon
    daemon.start()
    last = (0, 0)
    for ahead in jumps() * times(1, 20):
        clock.set(ahead)
        with traffic.flowing():
            traffic.more(40)  # three times as many run into the shortage that is to be told
        check(traffic)
        quiet(traffic)
        assert newest(traffic) > last
        last = newest(traffic)
    finish(traffic)
    assert traffic.answers.keys() == {200}
    assert not [line for line in daemon.lines if line["level"] in ("error", "critical")]
    daemon.until(lambda: notices(daemon), what="a notice")
    assert len(notices(daemon)) == len(set(notices(daemon))) < 20


def test_what_came_while_the_clock_was_wrong_is_worked_once_it_is_right(
    clock: Clock, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(environment=clock.environment, more=KEEP)
    for ahead in jumps()[: times(2, 5)]:
        clock.set(ahead)
        traffic.daemon.start()
        with traffic.flowing():
            time.sleep(0.3)
            traffic.daemon.kill()
        assert traffic.daemon.lines[-1]["time"][:4] == str(datetime.fromtimestamp(time.time() + ahead, UTC).year)
    clock.set(0)
    traffic.daemon.start()
    check(traffic)
    finish(traffic)
