"""PostgreSQL restarted, its connections cut, delayed and swallowed, and daemons that share it killed and stopped."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from altered_daemon import program
from postgres import OwnServer, Stop, libpq, own_server
from postgres_store import migrate
from promises import finish
from proxy import Proxy
from sizes import LONG, seeds, times
from traffic import Traffic

from stockhook.intake import DEADLINE
from stockhook.testing.daemon import RunningDaemon

BACK = 20.0
"""Seconds after which a delivery is stored again once the server takes connections."""
PATIENCE = 1
"""Seconds after which PostgreSQL ends a transaction whose daemon does nothing, where a test does not wait for 15."""
ENDED = "session of a process that has stopped was ended, for it held up the others"


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@pytest.fixture
def url(server: OwnServer) -> Iterator[str]:
    began = server.machine.log.stat().st_size
    with server.server.database() as url:
        yield url
    assert b"deadlock detected" not in server.machine.log.read_bytes()[began:]


@pytest.fixture
def trading(tmp_path: Path, url: str) -> Iterator[Callable[..., Traffic]]:
    """Start daemons on one database, the one of the test unless others are named, with stock to sell."""
    with ExitStack() as stack:

        def start(daemons: int = 1, seed: int = 20261121, url: str = url, **options: Any) -> Traffic:
            started = []
            for n in range(daemons):
                folder = tmp_path / str(n)
                folder.mkdir()
                started.append(stack.enter_context(RunningDaemon(folder, url=url, **options)))
            return Traffic(tuple(started), seed).stock_up()

        yield start


@pytest.fixture
def proxy(server: OwnServer) -> Iterator[Proxy]:
    with Proxy(server.machine.port) as proxy:
        yield proxy


@pytest.fixture
def proxied(server: OwnServer, proxy: Proxy, url: str) -> str:
    """The URL of the database behind the proxy."""
    return url.replace(f":{server.machine.port}/", f":{proxy.port}/")


def ask(url: str, statement: str) -> list[Any]:
    with psycopg.connect(libpq(url.partition("?")[0]), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def keeps_its_promises(traffic: Traffic) -> None:
    """Check the promises, and that the daemons bore it in silence."""
    finish(traffic)
    assert traffic.answers.keys() <= {200, 503}
    for daemon in traffic.daemons:
        assert daemon.code is None
        assert not [line for line in daemon.lines if line["level"] in ("error", "critical") or "exception" in line]


def stored_after(traffic: Traffic, moment: float) -> float:
    """Return how many seconds after a moment the first delivery was stored, and wait for it."""

    def found() -> list[float]:
        return [reply.at - moment for reply in traffic.replies if reply.status == 200 and reply.at > moment]

    return min(RunningDaemon.until(found, what="a delivery to be stored"))


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_restarted_under_load_nothing_is_lost_and_deliveries_are_stored_again_soon(
    seed: int, server: OwnServer, url: str, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(2, seed)
    ends = time.monotonic() + times(8, 120)
    starts = []
    with traffic.flowing():
        while time.monotonic() < ends:
            time.sleep(traffic.chance.uniform(5, 15) if LONG else traffic.chance.uniform(0.5, 2))
            server.stop(Stop.IMMEDIATE)
            time.sleep(traffic.chance.uniform(0, 1))
            server.start()
            starts.append(time.monotonic())
        stored_after(traffic, starts[-1])
    back = [stored_after(traffic, start) for start in starts]
    print(f"stored again after {[f'{seconds:.2f}' for seconds in back]} s, {traffic.answers}")
    keeps_its_promises(traffic)
    assert max(back) < BACK
    for daemon in traffic.daemons:  # a line when it begins and one when it ends, of each loop
        others = [line for line in daemon.lines if "request" not in line["event"] and "event" not in line["event"]]
        assert len(others) < 20 + 12 * len(starts)


def test_a_server_that_is_killed_and_recovers_has_all_that_was_acknowledged(
    server: OwnServer, url: str, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(2)
    with traffic.flowing():
        for _ in range(times(2, 20)):
            time.sleep(traffic.chance.uniform(0.5, 2))
            server.crash()
            server.start()
        stored_after(traffic, time.monotonic())
    keeps_its_promises(traffic)


@pytest.mark.parametrize("how", ["cut", "half-closed", "terminated"] if LONG else ["any"])
def test_connections_that_end_at_any_moment_cost_nothing_but_another_try(
    how: str, url: str, proxy: Proxy, proxied: str, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(2, url=proxied)
    kill = (
        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'stockhook' "
        "AND datname = current_database() ORDER BY random() LIMIT 1) AS one"
    )
    ends = time.monotonic() + times(4, 60)
    with traffic.flowing():
        while time.monotonic() < ends:
            time.sleep(traffic.chance.uniform(0.02, 0.3))
            match traffic.chance.choice(["cut", "half-closed", "terminated"]) if how == "any" else how:
                case "cut":
                    proxy.cut(traffic.chance.choice([1, 1, 1, 100]))
                case "half-closed":
                    proxy.half_close()
                case _:
                    ask(url, kill)
    keeps_its_promises(traffic)
    assert len(traffic.acknowledged) > 20


@pytest.mark.parametrize("drips", [False, True] if LONG else [True], ids=lambda drips: "dripping" if drips else "late")
def test_a_slow_line_makes_it_slow_and_nothing_else(
    drips: bool, url: str, proxy: Proxy, proxied: str, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(2, url=proxied)
    proxy.delay, proxy.drips = (0.002, True) if drips else (0.05, False)
    with traffic.flowing():
        time.sleep(times(2, 60))
    proxy.delay = 0.0
    keeps_its_promises(traffic)
    assert traffic.answers.keys() == {200}


def test_a_line_that_swallows_everything_is_answered_in_time_and_heals(
    proxy: Proxy, proxied: str, trading: Callable[..., Traffic]
) -> None:
    deadline = DEADLINE if LONG else 1.5
    traffic = trading(2, url=proxied, program=program(deadline=deadline))
    with traffic.flowing():
        for reset in (False, True):
            traffic.more(50)
            proxy.swallows = True
            began = time.monotonic()
            refused = traffic.answers[503] + 3 * traffic.senders
            patience = 3 * (deadline + 10) + 30  # each of the three that a sender hears may take that long
            RunningDaemon.until(lambda n=refused: traffic.answers[503] >= n, patience, "all to be told")  # type: ignore[misc]
            told = [reply for reply in traffic.replies if reply.at - reply.seconds > began]
            assert {reply.status for reply in told} == {503}
            # those who send wait ten seconds longer than 20
            assert max(reply.seconds for reply in told) < (deadline + 8 if LONG else 28)
            proxy.swallows = False
            if reset:
                proxy.cut()
            assert stored_after(traffic, time.monotonic()) < BACK
    keeps_its_promises(traffic)


def others_go_on(url: str, seconds: float) -> float:
    """Wait until events are worked by batches that begin from now on, and return after how many seconds they are.

    Raises AssertionError if that takes longer.
    """
    now, began = int(time.time() * 1_000_000), time.monotonic()
    worked = f"SELECT count(*) FROM event WHERE finished_at > {now}"
    RunningDaemon.until(lambda: ask(url, worked)[0][0] > 20, seconds, "the others to go on")
    return time.monotonic() - began


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_a_daemon_that_is_stopped_holds_up_the_others_for_a_while_and_doubles_nothing_when_it_goes_on(
    seed: int, server: OwnServer, url: str, trading: Callable[..., Traffic]
) -> None:
    patience = 15 if LONG else PATIENCE
    migrate(url)
    traffic = trading(4, seed, url=f"{url}?options=-c%20idle_in_transaction_session_timeout%3D{patience}s")
    cut = "idle-in-transaction timeout"
    before = server.machine.log.read_text(errors="replace").count(cut)
    rounds = 0
    waited = []
    with traffic.flowing():
        time.sleep(1)
        while server.machine.log.read_text(errors="replace").count(cut) == before or rounds < times(2, 10):
            rounds += 1
            assert rounds < 40, "no daemon was ever stopped in the middle of its work"
            stopped = traffic.chance.choice(traffic.daemons)
            stopped.signal(signal.SIGSTOP)
            try:
                # by the server after that long, by the others after two looks of theirs more
                waited.append(others_go_on(url, patience + (30 if LONG else 60)))
                time.sleep(traffic.chance.uniform(0, patience + 1))
            finally:
                stopped.signal(signal.SIGCONT)
            time.sleep(traffic.chance.uniform(0, 0.5))
    ended = sum(len(told(daemon, ENDED)) for daemon in traffic.daemons)
    print(f"went on after {[f'{seconds:.1f}' for seconds in waited]} s; {ended} sessions were ended by the others")
    keeps_its_promises(traffic)


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_daemons_killed_among_four_lose_nothing_and_double_nothing(
    seed: int, url: str, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(4, seed)
    with traffic.flowing():
        for _ in range(times(2, 25)):
            time.sleep(traffic.chance.uniform(0.1, 1))
            daemon = traffic.chance.choice(traffic.daemons)
            daemon.kill()
            daemon.start()
    keeps_its_promises(traffic)


def told(daemon: RunningDaemon, event: str) -> list[Any]:
    """Return the lines of the log that tell of an event, of a daemon that may not have begun to write."""
    return daemon.logged(event) if (daemon.folder / "daemon.log").exists() else []


def test_a_server_that_is_away_at_the_start_is_waited_for(server: OwnServer, url: str, tmp_path: Path) -> None:
    daemon = RunningDaemon(tmp_path, url=url)
    server.stop()
    with ThreadPoolExecutor() as pool:
        try:
            starting = pool.submit(daemon.start)
            daemon.until(lambda: told(daemon, "store is away, waiting for it"), what="the daemon to say so")
            time.sleep(2.5)
            assert daemon.running
            server.start()
            starting.result()
            assert daemon.request("GET", "/readyz").status == 200
            [away] = daemon.logged("store is away, waiting for it")
            assert str(server.machine.port) in away["error"]
            assert away["level"] == "warning"
            assert daemon.logged("store is there")
            assert server.machine.password not in str(daemon.lines)
            assert not [line for line in daemon.lines if line["level"] == "error"]
        finally:
            daemon.kill()
            if server.process.poll() is not None:
                server.start()


def test_a_server_that_stays_away_ends_the_start_with_a_sentence_and_commands_do_not_wait_for_it(
    server: OwnServer, url: str, tmp_path: Path
) -> None:
    daemon = RunningDaemon(tmp_path, url=url, program=program(away=3))
    server.stop()
    try:
        began = time.monotonic()
        with pytest.raises(AssertionError, match=r"ended with 1 before it listened: Error: .*refused"):
            daemon.start()
        assert time.monotonic() - began > 2
        refused = daemon.stockhook("stock", "list", code=1)
    finally:
        server.start()
    for words in (daemon.complaints, refused.err):
        assert words.startswith("Error: ")
        assert "Traceback" not in words
        assert str(server.machine.port) in words
        assert server.machine.password not in words
    assert "waiting" not in refused.err + refused.out
    with daemon:
        assert not [line for line in daemon.lines if line["level"] in ("warning", "error")]


def test_a_daemon_that_waits_for_its_server_ends_when_it_is_stopped(
    server: OwnServer, url: str, tmp_path: Path
) -> None:
    daemon = RunningDaemon(tmp_path, url=url)
    server.stop()
    with ThreadPoolExecutor() as pool:
        try:
            starting = pool.submit(daemon.start)
            daemon.until(lambda: told(daemon, "store is away, waiting for it"), what="the daemon to say so")
            assert daemon.terminate() == -signal.SIGTERM
            with pytest.raises(AssertionError, match="before it listened"):
                starting.result()
        finally:
            daemon.kill()
            server.start()


def test_a_daemon_whose_server_is_away_is_alive_but_not_ready(
    server: OwnServer, trading: Callable[..., Traffic]
) -> None:
    traffic = trading()
    [daemon] = traffic.daemons
    body = traffic.bodies[traffic.order()]
    server.stop(Stop.IMMEDIATE)
    try:
        daemon.until(lambda: daemon.request("GET", "/readyz").status == 503, what="the daemon to notice by itself")
        assert daemon.post(body).status == 503
        assert [daemon.request("GET", path).status for path in ("/healthz", "/readyz")] == [200, 503]
        assert daemon.request("GET", "/", base=daemon.admin).status == 503
    finally:
        server.start()
    assert daemon.post(body).status == 200
    daemon.until(lambda: daemon.request("GET", "/readyz").status == 200, what="the daemon to be ready")
    assert daemon.request("GET", "/", base=daemon.admin).status == 200
    finish(traffic)


@pytest.fixture
def narrow(server: OwnServer) -> Iterator[str]:
    """The URL of a database on a disk of its own, of few MiB."""
    disk = server.machine.folder / "narrow"
    disk.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk), check=True)
    try:
        shutil.chown(disk, server.machine.user)
        ask(server.machine.url, f"CREATE TABLESPACE narrow LOCATION '{disk}'")
        with server.server.database() as url:
            ask(server.machine.url, f"ALTER DATABASE {url.rpartition('/')[2]} SET TABLESPACE narrow")
            yield url
        ask(server.machine.url, "DROP TABLESPACE narrow")
    finally:
        subprocess.run(("umount", "--lazy", disk), check=True)


def fill_up(url: str) -> None:
    """Write until there is no room left; raises DiskFull."""
    while True:
        ask(url, "INSERT INTO other.filler SELECT md5(n::text) FROM generate_series(1, 1000) AS n")


@pytest.mark.needs("root")
def test_on_a_full_disk_deliveries_are_refused_and_stored_again_once_there_is_room(
    narrow: str, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(url=narrow)
    ask(narrow, "CREATE SCHEMA other")
    ask(narrow, "CREATE TABLE other.filler (data text)")
    with traffic.flowing():
        time.sleep(1)
        with pytest.raises(psycopg.errors.DiskFull):
            fill_up(narrow)
        RunningDaemon.until(lambda: traffic.answers[503] > 20, what="deliveries to be refused")
        began = time.monotonic()
        ask(narrow, "DROP TABLE other.filler")
        assert stored_after(traffic, began) < BACK
    [told] = traffic.daemon.logged("deliveries could not be stored")[:1]
    assert told["error"].endswith("its disk is full; free some space, nothing has to be restarted")
    keeps_its_promises(traffic)
