"""The processes under measurement: daemons, the bare server, and the load that is put on them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene import CHANNEL, TOKEN

HERE = Path(__file__).parent
AS_SHIPPED = (str(Path(sys.executable).with_name("stockhook")), "serve", "--config")
PATH = f"/webhooks/{CHANNEL}/{TOKEN}"
_WAIT = 60.0


def altered(*options: str) -> tuple[str, ...]:
    """Return the command of a daemon of which one thing is altered."""
    return (sys.executable, str(HERE / "altered_daemon.py"), *options)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens; ``started`` is how many seconds that took."""

    process: subprocess.Popen[str]
    port: int
    started: float

    def peak_mib(self) -> float:
        """Return the most memory that the process has had resident so far, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [kib] = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(kib) / 1024


@contextmanager
def daemon(config: Path, command: tuple[str, ...] = AS_SHIPPED, **more: str) -> Iterator[Server]:
    """Run a daemon until the block ends; ``more`` is added to its environment."""

    def port(line: str) -> int | None:
        try:
            said = json.loads(line)
        except ValueError:
            return None
        return int(said["server"].rpartition(":")[2]) if said.get("event") == "listening" else None

    with _running((*command, str(config)), port, config.with_name("daemon.log"), more) as server:
        yield server


@contextmanager
def bare(folder: Path) -> Iterator[Server]:
    """Run the server that keeps nothing until the block ends."""
    command = (sys.executable, str(HERE / "bare_server.py"))
    with _running(command, int, folder / "bare.log", {}) as server:
        yield server


def load(server: Server, connections: int, *, run: int, seconds: float | None = None, requests: int = 0) -> Any:
    """Put load on a server for so long, or so many requests, and return what was measured (load.py)."""
    much = ("--seconds", str(seconds)) if seconds else ("--requests", str(requests))
    command = (sys.executable, HERE / "load.py", str(server.port), PATH, str(connections), *much, "--run", str(run))
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(done.stdout)
    if result["refused"]:
        raise SystemExit(f"{result['refused']} of {result['answered']} requests were refused: nothing was measured")
    return result


@contextmanager
def _running(command: tuple[str, ...], port: Any, log: Path, more: Mapping[str, str]) -> Iterator[Server]:
    began = time.perf_counter()
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **more}
        )
        assert process.stdout is not None
        try:
            yield Server(process, _port(process, port, log), time.perf_counter() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            rest, _ = process.communicate(timeout=_WAIT)
    troubles = [line for line in rest.splitlines() if '"level": "info"' not in line]
    if process.returncode not in (0, -signal.SIGTERM) or troubles:
        raise SystemExit("\n".join([f"{command[0]} ended with {process.returncode}:", *troubles, log.read_text()]))


def _port(process: subprocess.Popen[str], port: Any, log: Path) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        found = port(line)
        if found is not None:
            return int(found)
    raise SystemExit(f"{process.args} ended before it listened:\n{log.read_text()}")
