"""A running daemon for tests: the real program in a process of its own, configured in a folder of the test."""

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from stockhook.clock import SystemClock
from stockhook.worker import ELSEWHERE

if TYPE_CHECKING:
    from stockhook.operations.desk import Desk

T = TypeVar("T")

TOKEN: Final = "a-token-for-tests-0123456789"  # noqa: S105 - guards nothing
"""The secret part of the target URL of the channel ``shop``."""

START_SECONDS: Final = 120.0
"""How long a daemon may take to listen before a test gives up; a machine under load is slow."""

SECONDS: Final = 60.0
"""How long a test waits for anything else before it gives up: a disk may stand still for seconds, more than once."""

_PROGRAM: Final = (sys.executable, "-c", "from stockhook.cli import main; main(prog_name='stockhook')")
_CONFIG: Final = """\
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
{more}
[store]
url = "{url}"
[channels.shop]
merchant_id = "DEMO"
token = "{token}"
{channel}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP request got back; ``headers`` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command ended with: its exit code, what it printed, what it complained of."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)


class RunningDaemon:
    """``stockhook serve`` on free ports within its ``with`` block, and commands that run beside it.

    ``more`` is TOML put among the tables of the configuration, ``channel`` goes into the table of its one channel,
    ``shop``, an UltraCart account of the merchant DEMO. ``environment`` is added to that of the test. ``program`` is
    the command that is started in place of ``stockhook``, such as a wrapper that alters it. ``url`` names the store, by
    default an SQLite file in the folder. ``server`` and ``admin`` are the base URLs of the two listeners. However the
    block ends, no process is left behind.
    """

    def __init__(
        self,
        folder: Path,
        *,
        more: str = "",
        channel: str = "",
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = _PROGRAM,
        url: str = "",
    ) -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder}/stockhook.db"
        self.program = tuple(program)
        self.config = folder / "config.toml"
        self.server = self.admin = ""
        self._environment = {**os.environ, **(environment or {}), "STOCKHOOK_CONFIG": str(self.config)}
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0
        self.configure(more=more, channel=channel)

    def configure(self, *, more: str = "", channel: str = "", token: str = TOKEN) -> None:
        """Write the configuration anew; it counts from the next start, or in part from a reload."""
        written = _CONFIG.format(more=more, url=self.url, token=token, channel=channel)
        self.config.write_text(written, encoding="utf-8")
        self.config.chmod(0o600)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    # --- the process ---

    def start(self) -> None:
        """Start the daemon and return once it listens; raises AssertionError with its own words if it does not."""
        assert not self.running, "the daemon runs already"
        with self._log.open("ab") as log, self._complaints.open("wb") as complaints:
            self._began = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*self.program, "serve"], env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=complaints
            )
        atexit.register(self.kill)
        self.until(lambda: self.logged("listening") or self.code is not None, START_SECONDS, "listening")
        assert self.logged("listening"), f"the daemon ended with {self.code} before it listened: {self.complaints}"
        addresses = self.logged("listening")[0]
        self.server, self.admin = addresses["server"], addresses["admin"]

    def kill(self) -> None:
        """End the process at once, as a crash would (SIGKILL), and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        atexit.unregister(self.kill)

    def terminate(self, seconds: float = SECONDS) -> int:
        """Ask the daemon to stop (SIGTERM), wait for it, and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def restart(self) -> None:
        """Stop the daemon as systemd would, and start it again."""
        self.terminate()
        self.start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        self.process.send_signal(number)

    def wait(self, seconds: float = SECONDS) -> int:
        """Wait until the process has ended by itself, and return its exit code."""
        code = self.process.wait(seconds)
        atexit.unregister(self.kill)
        return code

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process started last."""
        assert self._process is not None, "the daemon was never started"
        return self._process

    @property
    def running(self) -> bool:
        """Whether a process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """The exit code of the process, None while it runs."""
        return self.process.poll()

    # --- what it says ---

    @property
    def _log(self) -> Path:
        return self.folder / "daemon.log"

    @property
    def _complaints(self) -> Path:
        return self.folder / "daemon.err"

    @property
    def complaints(self) -> str:
        """What the process started last wrote to standard error."""
        return self._complaints.read_text(encoding="utf-8")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log of the process started last, line by line; a line still being written is left out."""
        with self._log.open("rb") as log:
            log.seek(self._began)
            return [json.loads(line) for line in log if line.endswith(b"\n")]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of the log that tell of ``event``."""
        return [line for line in self.lines if line["event"] == event]

    def memory(self, *, peak: bool = False) -> int:
        """Return how many bytes of memory the process has resident, or the most it ever had."""
        wanted = "VmHWM:" if peak else "VmRSS:"
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(wanted))

    # --- requests ---

    @property
    def path(self) -> str:
        """The path that the store posts to, token and all."""
        return f"/webhooks/shop/{TOKEN}"

    def post(self, body: bytes, path: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a body, as a delivery of the shop where no other path is given."""
        return self.request("POST", path or self.path, body, headers)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        base: str = "",
        seconds: float = SECONDS,
    ) -> Answer:
        """Make one request on a connection of its own; ``base`` is the base URL, that of the webhooks by default."""
        connection = self.connect(base, seconds)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, fields, answer.read())
        finally:
            connection.close()

    def connect(self, base: str = "", seconds: float = SECONDS) -> HTTPConnection:
        """Return a connection for several requests one after the other."""
        return HTTPConnection(urlsplit(base or self.server).netloc, timeout=seconds)

    # --- commands and the store ---

    def stockhook(self, *arguments: str, code: int | None = 0) -> Outcome:
        """Run a command on the same configuration; raises AssertionError if it ends with another exit code."""
        done = subprocess.run(  # noqa: S603 - our own program
            [*_PROGRAM, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * SECONDS,
            check=False,
        )
        words = f"stockhook {' '.join(arguments)} ended with {done.returncode}: {done.stderr}"
        assert code is None or done.returncode == code, words
        return Outcome(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def desk(self) -> Iterator["Desk"]:
        """Open the daemon's store beside it, as a command does, and yield what operations work with."""
        from stockhook import settings
        from stockhook.operations.desk import set_up

        loaded = settings.load(self.config)
        loaded.store.open()
        try:
            yield set_up(loaded, SystemClock(), "cli:test")
        finally:
            loaded.store.close()

    def until_idle(self, seconds: float = 2 * SECONDS) -> None:
        """Wait until nothing is due any more: all that was stored has been worked, or waits for another try.

        What is put off because another daemon has its order in hand is due in a moment, and waited for.
        """

        def idle() -> bool:
            assert self.code is None, f"the daemon ended with {self.code}: {self.complaints}"
            with desk.store.read() as view:
                return not view.due(desk.clock.now() + 10 * ELSEWHERE, 1)

        with self.desk() as desk:
            self.until(idle, seconds, "nothing due")

    @staticmethod
    def until(found: Callable[[], T], seconds: float = SECONDS, what: str = "it") -> T:
        """Ask again and again until the answer is true, and return it; raises AssertionError when it never is."""
        ends = time.monotonic() + seconds
        while not (answer := found()):
            assert time.monotonic() < ends, f"waited {seconds:g} s for {what}"
            time.sleep(0.02)
        return answer


def table(name: str, entries: Mapping[str, str | int | Sequence[str]]) -> str:
    """Return a table of TOML, to be part of a configuration."""
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in entries.items())])
