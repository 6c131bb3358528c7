"""A stand-in for systemd: it hears what a daemon tells, and holds the sockets that it hands over."""

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass
class Manager:
    """Listens at ``$NOTIFY_SOCKET`` within its ``with`` block; ``told`` are the messages, oldest first.

    Each is a time (``time.monotonic``) and the variables of the message by name.
    """

    folder: Path
    watchdog: float = 0.0
    told: list[tuple[float, Mapping[str, str]]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What systemd puts into the environment of a service."""
        watched = {"WATCHDOG_USEC": str(int(self.watchdog * 1_000_000))} if self.watchdog else {}
        return {"NOTIFY_SOCKET": str(self.folder / "notify"), **watched}

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.folder / "notify"))
        self._thread = threading.Thread(target=self._listen, name="manager")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self.folder / "notify"))
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while message := self._socket.recv(65536):
            told = dict(line.split("=", 1) for line in message.decode().splitlines())
            self.told.append((time.monotonic(), told))

    def heard(self, name: str, since: float = 0.0) -> list[str]:
        """Return the values that a variable was given, oldest first."""
        return [message[name] for at, message in self.told if name in message and at >= since]


class Giver:
    """Holds listening sockets by name, and hands them over to each daemon that asks, as socket activation does.

    ``address`` is what ``altered_daemon.program(handed=...)`` is told.
    """

    def __init__(self, folder: Path, *names: str) -> None:
        self.address = folder / "giver"
        self.sockets = {name: socket.create_server(("127.0.0.1", 0), backlog=512) for name in names}

    def port(self, name: str) -> int:
        """Return the port of a socket."""
        port: int = self.sockets[name].getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._asked = socket.create_server(str(self.address), family=socket.AF_UNIX)
        self._thread = threading.Thread(target=self._give, name="giver", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asked.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._asked.close()
        for one in self.sockets.values():
            one.close()

    def _give(self) -> None:
        while True:
            try:
                daemon, _ = self._asked.accept()
            except OSError:
                return
            with daemon:
                descriptors = [one.fileno() for one in self.sockets.values()]
                socket.send_fds(daemon, [":".join(self.sockets).encode()], descriptors)
