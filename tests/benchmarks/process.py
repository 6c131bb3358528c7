"""The processes under measurement: daemons, their peers, and the load that is put on them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
from scene import CHANNEL, TOKEN

T = TypeVar("T")

HERE = Path(__file__).parent
PROGRAM = str(Path(sys.executable).with_name("stockhook"))
AS_SHIPPED = (PROGRAM, "serve", "--config")
PATH = f"/webhooks/{CHANNEL}/{TOKEN}"
_WAIT = 60.0

Found = Any
"""What a load has measured (load.py, open_loop.py)."""


def altered(*options: str) -> tuple[str, ...]:
    """Return the command of a daemon of which one thing is altered."""
    return (sys.executable, str(HERE / "altered_daemon.py"), *options)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens; ``started`` is how many seconds that took, ``admin`` the port of a daemon's pages."""

    process: "subprocess.Popen[bytes]"
    port: int
    started: float
    admin: int = 0

    def peak_mib(self) -> float:
        """Return the most memory that the process has had resident so far, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [kib] = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(kib) / 1024

    def resident_mib(self) -> float:
        """Return the memory that the process has resident now, in MiB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20


def mib(*processes: "subprocess.Popen[bytes]") -> float:
    """Return what processes and their children have in memory now, in MiB; shared pages count once."""
    found = 0.0
    for each in [each for one in processes for each in _family(one.pid)]:
        with suppress(psutil.NoSuchProcess):  # a fork for one job may be over by now
            found += float(each.memory_full_info().pss)
    return found / 2**20


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children so far, the ended ones included."""
    spent = 0.0
    for at, each in enumerate(_family(pid)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system
        if not at:
            spent += times.children_user + times.children_system
    return spent


def _family(pid: int) -> list[psutil.Process]:
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


@contextmanager
def daemon(config: Path, command: tuple[str, ...] = AS_SHIPPED, **more: str) -> Iterator[Server]:
    """Run a daemon until the block ends; ``more`` is added to its environment."""
    with daemons(1, config, command, **more) as [server]:
        yield server


@contextmanager
def daemons(number: int, config: Path, command: tuple[str, ...] = AS_SHIPPED, **more: str) -> Iterator[list[Server]]:
    """Run so many daemons until the block ends, all started at once."""
    began = time.perf_counter()
    outputs = [config.with_name(f"daemon-{time.time_ns()}-{at}.out") for at in range(number)]
    with ExitStack() as stack:
        processes = [stack.enter_context(running((*command, str(config)), output, more)) for output in outputs]
        yield [
            Server(process, ports[0], time.perf_counter() - began, ports[1])
            for process, output in zip(processes, outputs, strict=True)
            if (ports := told(process, output, _daemon_ports))
        ]
    lines = [line for output in outputs for line in output.read_text().splitlines()]
    troubles = [line for line in lines if not line.startswith("{") or json.loads(line).get("level") != "info"]
    if troubles:
        raise SystemExit("\n".join(["the daemon has complained:", *troubles[:20]]))


def _daemon_ports(line: str) -> tuple[int, int] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if said.get("event") != "listening":
        return None
    webhooks, pages = (int(said[name].rpartition(":")[2]) for name in ("server", "admin"))
    return webhooks, pages


@contextmanager
def bare(folder: Path) -> Iterator[Server]:
    """Run the server that keeps nothing until the block ends."""
    began = time.perf_counter()
    output = folder / "bare.out"
    with running((sys.executable, str(HERE / "bare_server.py")), output) as process:
        yield Server(process, told(process, output, int), time.perf_counter() - began)


@contextmanager
def running(
    command: Sequence[str], output: Path, more: Mapping[str, str] | None = None, *, stop: int = signal.SIGTERM
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a program until the block ends; what it prints goes to a file, and is shown where it ends badly.

    It may keep what it compiles of its modules: pip leaves an installed daemon, as it does the peers, compiled.
    """
    environment = {**os.environ, **(more or {}), "PYTHONDONTWRITEBYTECODE": ""}
    with output.open("wb") as written:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=written, stderr=written, env=environment)
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(_WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.returncode not in (0, -stop):
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{output.read_text()}")


def told(process: "subprocess.Popen[bytes]", output: Path, read: Callable[[str], T | None]) -> T:
    """Wait until a line that a process prints says something to ``read``, and return that."""
    ends = time.monotonic() + _WAIT
    while time.monotonic() < ends:
        over = process.poll() is not None
        for line in output.read_text().splitlines(keepends=True):
            found = read(line) if line.endswith("\n") else None
            if found is not None:
                return found
        if over:
            break
        time.sleep(0.005)
    raise SystemExit(f"{process.args!r} does not listen:\n{output.read_text()}")


def load(
    server: Server,
    connections: int,
    *,
    run: int,
    seconds: float | None = None,
    requests: int = 0,
    size: int = 0,
    others: "Sequence[subprocess.Popen[bytes]]" = (),
) -> Found:
    """Put load on a server for so long, or so many requests, and return what was measured.

    ``cpu_ms`` is the processor time for each request, of the server and of the ``others`` that it needs.
    """
    family = {server.process.pid, *(other.pid for other in others)}
    before = sum(map(cpu_seconds, family))
    much = ("--seconds", str(seconds)) if seconds else ("--requests", str(requests))
    words = (str(server.port), PATH, str(connections), *much, "--run", str(run), "--size", str(size))
    done = subprocess.run((sys.executable, HERE / "load.py", *words), stdout=subprocess.PIPE, check=True)
    spent = sum(map(cpu_seconds, family)) - before
    found = measured(done.stdout)
    return {**found, "cpu_ms": spent / found["answered"] * 1e3}


def measured(printed: bytes) -> Found:
    """Return what a load has measured; a request that was refused or cut spoils it."""
    result = json.loads(printed)
    if failed := result["refused"] + result.get("cut", 0):
        raise SystemExit(f"{failed} requests were refused or cut, {result['answered']} answered: nothing was measured")
    return result
