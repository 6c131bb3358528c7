"""What systemd is told, and what it hands over, against a real socket of its kind."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockhook.systemd import Systemd, handed_sockets


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket that systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(60)
        yield listening


def heard(manager: socket.socket) -> dict[str, str]:
    return dict(line.split("=", 1) for line in manager.recv(4096).decode().splitlines())


def test_start_and_stop_are_told_in_one_message_each(manager: socket.socket) -> None:
    systemd = Systemd({"NOTIFY_SOCKET": manager.getsockname()})
    systemd.ready("listening on http://127.0.0.1:8460")
    assert heard(manager) == {"READY": "1", "STATUS": "listening on http://127.0.0.1:8460"}
    systemd.stopping()
    assert heard(manager)["STOPPING"] == "1"
    systemd.alive()
    assert heard(manager) == {"WATCHDOG": "1"}


def test_a_reload_carries_the_stamp_that_newer_versions_require(manager: socket.socket) -> None:
    before = time.monotonic_ns() // 1000
    Systemd({"NOTIFY_SOCKET": manager.getsockname()}).reloading()
    told = heard(manager)
    assert told["RELOADING"] == "1"
    assert before <= int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000


def test_an_abstract_socket_is_reached_as_well() -> None:
    name = f"stockhook-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(60)
        Systemd({"NOTIFY_SOCKET": f"@{name}"}).ready("well")
        assert heard(listening)["READY"] == "1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all"])
def test_without_systemd_nothing_is_told_and_nothing_fails(address: str) -> None:
    systemd = Systemd({"NOTIFY_SOCKET": address})
    systemd.ready("well")
    systemd.reloading()
    systemd.stopping()


@pytest.mark.parametrize(
    ("given", "seconds"), [({"WATCHDOG_USEC": "30000000"}, 10.0), ({"WATCHDOG_USEC": ""}, None), ({}, None)]
)
def test_the_watchdog_is_petted_three_times_in_its_period(given: dict[str, str], seconds: float | None) -> None:
    assert Systemd(given).watchdog_seconds == seconds


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    assert Systemd({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid() + 1)}).watchdog_seconds is None
    assert Systemd({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}).watchdog_seconds == 10.0


def test_sockets_handed_to_another_process_are_left_alone() -> None:
    assert handed_sockets({"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1"}) == {}
    assert handed_sockets({"LISTEN_FDS": "1"}) == {}
    assert handed_sockets({}) == {}


PROGRAM = """
import json, os, sys
os.dup2(int(sys.argv[1]), 100), os.dup2(int(sys.argv[2]), 101)
os.dup2(100, 3), os.dup2(101, 4)
os.environ["LISTEN_PID"] = str(os.getpid())  # as systemd does after its fork
from stockhook.systemd import handed_sockets
found = {name: [(one.getsockname()[1], one.getblocking()) for one in all] for name, all in handed_sockets().items()}
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("admin:server", {"admin": [0], "server": [1]}),
        ("server:server", {"server": [0, 1]}),
        (None, {"server": [0, 1]}),
        ("stockhook.socket:admin", {"server": [0], "admin": [1]}),
    ],
)
def test_handed_sockets_are_found_by_their_names(names: str | None, expected: dict[str, list[int]]) -> None:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [one.getsockname()[1] for one in sockets]
    numbers = [one.fileno() for one in sockets]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, numbers)],
        env={**os.environ, "LISTEN_FDS": "2", **({"LISTEN_FDNAMES": names} if names else {})},
        pass_fds=numbers,
        capture_output=True,
        text=True,
        check=True,
    )
    for one in sockets:
        one.close()
    assert json.loads(done.stdout) == {
        name: [[ports[place], False] for place in places] for name, places in expected.items()
    }
