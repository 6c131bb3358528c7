"""Talking to systemd: what the daemon is at (sd_notify(3)), and sockets it was handed (sd_listen_fds(3))."""

import os
import socket
import time
from collections.abc import Mapping
from typing import Final

_FIRST_FD: Final = 3


class Systemd:
    """Sends to ``$NOTIFY_SOCKET``; does nothing where there is none."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        ours = environment.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
        microseconds = int(environment.get("WATCHDOG_USEC", "0") or 0) if ours else 0
        self.watchdog_seconds = microseconds / 3_000_000 if microseconds else None
        """How often to pet the watchdog: a third of what systemd waits. None: it does not watch."""

    @property
    def heard(self) -> bool:
        """Tell whether there is somebody to talk to."""
        return bool(self._address)

    def starting(self, status: str, seconds: int) -> None:
        """Tell that start-up goes on, and ask for so many more seconds."""
        self._send(f"EXTEND_TIMEOUT_USEC={seconds * 1_000_000}\nSTATUS={status}")

    def status(self, status: str) -> None:
        """Tell in a few words what the daemon is at, for ``systemctl status``."""
        self._send(f"STATUS={status}")

    def ready(self, status: str) -> None:
        """Tell that start-up, or a reload, is done."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """Tell that a reload has begun; the stamp is required by newer versions and ignored by older ones."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Tell that the daemon is on its way out."""
        self._send("STOPPING=1\nSTATUS=answering what is under way")

    def alive(self) -> None:
        """Pet the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
            try:
                notify.sendto(message.encode(), self._address)
            except OSError:
                return  # systemd restarting must not stop the daemon


def handed_sockets(environment: Mapping[str, str] = os.environ) -> dict[str, list[socket.socket]]:
    """Return the listening sockets of socket activation by ``FileDescriptorName=``; an unnamed one is ``server``."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return {}
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, list[socket.socket]] = {}
    for n in range(int(environment.get("LISTEN_FDS", "0"))):
        handed = socket.socket(fileno=_FIRST_FD + n)
        handed.setblocking(False)
        name = names[n] if n < len(names) and names[n] in ("server", "admin") else "server"
        found.setdefault(name, []).append(handed)
    return found
