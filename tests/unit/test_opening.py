"""How a daemon opens its store: one that is away is waited for, one that is broken is not, and systemd hears of it."""

import time
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from stockhook import opening
from stockhook.errors import Refused, StockhookError, StoreAway, StoreBroken, StoreTooNew, StoreUnavailable
from stockhook.opening import open_for_daemon
from stockhook.systemd import Systemd
from stockhook_plugins.stores.memory import MemoryStore

UNIT = Path(__file__).parents[2] / "systemd" / "stockhook.service"


class Hesitant(MemoryStore):
    """A store that raises these before it opens; ``tries`` counts."""

    def __init__(self, *raised: StockhookError) -> None:
        super().__init__()
        self.left: Iterator[StockhookError] = iter(raised)
        self.tries = 0

    def open(self) -> None:
        self.tries += 1
        for error in self.left:
            raise error
        super().open()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What systemd hears; nothing takes as long as it would."""
    heard: list[str] = []
    monkeypatch.setattr("stockhook.systemd.Systemd._send", lambda _, message: heard.append(message))
    monkeypatch.setattr(opening, "PAUSE", 0.01)
    return heard


async def test_a_store_that_is_away_is_waited_for_and_told_of_once(told: list[str]) -> None:
    store = Hesitant(*(StoreAway("the server is restarted") for _ in range(3)))
    with capture_logs() as logs:
        await open_for_daemon(store, Systemd({}))
    assert store.tries == 4
    assert [(each["log_level"], each["event"]) for each in logs] == [
        ("warning", "store is away, waiting for it"),
        ("info", "store is there"),
    ]
    assert logs[0]["error"] == "the server is restarted"
    assert len(told) == 3
    assert all(each.startswith("EXTEND_TIMEOUT_USEC=") and "STATUS=waiting for the store" in each for each in told)


async def test_a_store_that_stays_away_is_given_up_with_its_last_words(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "AWAY", 0.2)
    store = Hesitant(*(StoreAway(f"try {n}") for n in range(1, 1000)))
    with capture_logs() as logs, pytest.raises(StoreAway) as caught:
        await open_for_daemon(store, Systemd({}))
    assert str(caught.value) == f"try {store.tries}"
    assert store.tries == len(told) + 1 > 2
    assert [each["error"] for each in logs] == ["try 1"]


@pytest.mark.parametrize("kind", [StoreUnavailable, StoreBroken, StoreTooNew, Refused])
async def test_what_a_person_must_mend_is_not_waited_for(
    told: list[str], kind: Callable[[str], StockhookError]
) -> None:
    store = Hesitant(kind("mend it"))
    with capture_logs() as logs, pytest.raises(StockhookError, match="mend it"):
        await open_for_daemon(store, Systemd({}))
    assert (store.tries, told, logs) == (1, [], [])


async def test_a_store_that_takes_long_has_more_time_asked_for(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MORE", 0.03)
    store = Hesitant()
    monkeypatch.setattr(MemoryStore, "open", lambda _: time.sleep(0.1))
    await open_for_daemon(store, Systemd({}))
    assert told[0].endswith("\nSTATUS=opening the store, for 0 s so far")
    assert sum(message.startswith("EXTEND") for message in told) >= 2


def test_systemd_never_gives_up_a_daemon_whose_store_is_away() -> None:
    unit = RawConfigParser(strict=False, interpolation=None)
    unit.read(UNIT, encoding="utf-8")
    burst, interval = unit.getint("Unit", "StartLimitBurst"), unit.getint("Unit", "StartLimitIntervalSec")
    assert (burst - 1) * (opening.AWAY + unit.getint("Service", "RestartSec")) > interval
