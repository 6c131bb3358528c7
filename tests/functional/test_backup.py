"""Backups made under load, and daemons started on them: everything acknowledged before one began is in it."""

import json
import os
import pty
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from house import House
from promises import check, finish
from sizes import LONG, times
from sqlite_file import raw
from traffic import Reply, Traffic

from stockhook.testing.daemon import RunningDaemon

ROOT = Path(__file__).parents[2]
MIB = 1 << 20
LARGE = times(96, 1200) * MIB
"""Bytes of a large store; beyond 1 GiB lies a page that SQLite never uses."""
SHARE, SLOW = (99, 1.0) if LONG else (90, 5.0)
"""So many of 100 requests must be answered within so many seconds while a backup runs, on a shared machine."""
KEYS = ["file", "size", "began_at", "deliveries", "orders", "units", "movements", "store", "payload_days"]


@pytest.fixture
def traffic(daemon: RunningDaemon) -> Traffic:
    return Traffic((daemon,)).stock_up()


def enlarge(file: Path, size: int) -> None:
    """Make the file larger by bodies that belong to no delivery."""
    one = f"INSERT INTO body (digest, codec, size, data) VALUES (randomblob(32), '', 0, randomblob({MIB}))"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for _ in range(0, size, 32 * MIB):
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(32):
                connection.execute(one)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def slowest(replies: list[Reply], share: float) -> float:
    """Return the seconds within which this share of the requests was answered, in percent."""
    return sorted(reply.seconds for reply in replies)[round((len(replies) - 1) * share / 100)]


def restored(running: Callable[..., RunningDaemon], folder: Path, backup: Path) -> RunningDaemon:
    """Start another daemon on a backup that lies where it looks for its store."""
    assert backup == folder / "stockhook.db"
    return running(folder)


def test_a_daemon_started_on_a_backup_made_under_load_has_what_was_acknowledged_and_goes_on_from_there(
    daemon: RunningDaemon, running: Callable[..., RunningDaemon], traffic: Traffic, tmp_path: Path
) -> None:
    enlarge(daemon.folder / "stockhook.db", LARGE)
    (folder := tmp_path / "second").mkdir()
    with traffic.flowing():
        daemon.until(lambda: len(traffic.acknowledged) > 100)
        before = set(traffic.acknowledged)
        quiet, began = list(traffic.replies), time.monotonic()
        made = daemon.stockhook("backup", str(folder / "stockhook.db"), "--json").json
        ended, after = time.monotonic(), set(traffic.acknowledged)
        daemon.until(lambda: len(traffic.acknowledged) > len(after) + 50)
    daemon.kill()
    assert list(made) == KEYS
    assert made["size"] == (folder / "stockhook.db").stat().st_size > LARGE
    assert len(before) <= made["deliveries"]
    during = [reply for reply in traffic.replies if began <= reply.at <= ended]
    print(
        f"backup of {made['size'] // MIB} MiB in {ended - began:.1f} s; p99 before {slowest(quiet, 99) * 1000:.0f} ms, "
        f"during {slowest(during, 99) * 1000:.0f} ms, worst {slowest(during, 100) * 1000:.0f} ms of {len(during)}"
    )
    assert {reply.status for reply in during} == {200}
    assert len(during) > 20
    assert slowest(during, SHARE) < SLOW

    traffic.daemons = (restored(running, folder, folder / "stockhook.db"),)
    traffic.acknowledged = dict.fromkeys(name for name in traffic.wanted if name in before)
    check(traffic)
    assert raw(folder / "stockhook.db", "SELECT count(*) FROM shop_order")[0][0] <= len(traffic.wanted)
    traffic.acknowledged.clear()  # the store, or a person, sends everything once more
    finish(traffic)


def test_a_backup_of_a_daemon_started_on_a_backup_is_as_good(
    daemon: RunningDaemon, running: Callable[..., RunningDaemon], traffic: Traffic, tmp_path: Path
) -> None:
    with traffic.flowing():
        daemon.until(lambda: len(traffic.acknowledged) > 50)
    daemon.kill()
    last = daemon
    for name in ("second", "third"):
        (folder := tmp_path / name).mkdir()
        last.stockhook("backup", str(folder / "stockhook.db"))
        last.kill()
        last = restored(running, folder, folder / "stockhook.db")
        traffic.daemons = (last,)
        check(traffic)
    finish(traffic)


def test_a_person_reads_what_was_copied_how_to_start_on_it_and_what_is_in_it(stocked: House) -> None:
    said = stocked.done("backup", stocked.folder / "copy.db").splitlines()
    assert said[0].startswith(
        f"copied 0 deliveries, 0 orders, 1 unit and 1 movement to {stocked.folder}/copy.db: 0.3 MiB in "
    )
    assert said[2:4] == ["    [store]", f'    url = "sqlite:///{stocked.folder}/copy.db"']
    assert said[4].startswith("the payloads of the last 30 days, with customers' names and addresses, are in it")
    assert (stocked.folder / "copy.db").stat().st_mode & 0o777 == 0o600
    config = stocked.config.read_text() + "[retention]\npayload_days = 0\n"
    stocked.config.write_text(config.replace("stockhook.db", "copy.db"))
    assert "the payloads ever received" in stocked.done("backup", stocked.folder / "again.db")
    assert stocked.json("verify")["ok"]
    assert [unit["quantity"] for unit in stocked.json("stock", "list")] == ["10"]


def test_a_backup_that_cannot_be_is_refused_with_a_sentence(stocked: House, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"mine")
    for name, said in {
        "there": "exists; a backup overwrites nothing",
        "stockhook.db": "belongs to the store itself",
        "stockhook.db-wal": "belongs to the store itself",
        "missing/copy.db": "make it first",
    }.items():
        assert said in stocked.refused("backup", tmp_path / name)
    assert (tmp_path / "there").read_bytes() == b"mine"
    assert "is a directory" in stocked.refused("backup", tmp_path, code=2)
    stocked.config.write_text(stocked.config.read_text().replace("[store]\nurl =", '[store]\ntype = "memory"\n#'))
    assert "type memory" in stocked.refused("backup", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_a_terminal_shows_how_far_the_copy_is(stocked: House) -> None:
    enlarge(stocked.folder / "stockhook.db", 32 * MIB)
    master, slave = pty.openpty()
    seen = bytearray()

    def read() -> None:
        while True:
            try:
                seen.extend(os.read(master, 4096))
            except OSError:
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    program = "from stockhook.cli import main; main(prog_name='stockhook')"
    command = [sys.executable, "-c", program, "backup", str(stocked.folder / "copy.db")]
    environment = {**os.environ, "STOCKHOOK_CONFIG": str(stocked.config), "TERM": "xterm"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=slave, timeout=120, check=False)
    os.close(slave)
    reader.join(60)
    os.close(master)
    assert done.returncode == 0
    assert b"copying, MiB" in seen
    assert b"copying" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_backup_that_is_ended_leaves_no_file_of_its_name(stocked: House, number: signal.Signals) -> None:
    enlarge(stocked.folder / "stockhook.db", 96 * MIB)
    (folder := stocked.folder / "backups").mkdir()
    # it syncs often, and so has not ended before it is ended, however late that is
    small_steps = "from stockhook_plugins.stores.sqlalchemy import backup; backup._STEP = 1 << 16"
    program = f"{small_steps}; from stockhook.cli import main; main(prog_name='stockhook')"
    command = [sys.executable, "-c", program, "backup", str(folder / "copy.db")]
    environment = {**os.environ, "STOCKHOOK_CONFIG": str(stocked.config)}

    def begun() -> bool:
        with suppress(FileNotFoundError):  # what SQLite has beside the copy comes and goes
            return any(one.stat().st_size for one in folder.iterdir())
        return False

    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        RunningDaemon.until(begun, what="the copy to begin")
        running.send_signal(number)
        said = running.communicate(timeout=60)[1].decode()
    assert running.returncode != 0
    assert "Traceback" not in said
    assert not (folder / "copy.db").exists()
    assert number is signal.SIGKILL or list(folder.iterdir()) == []
    stocked.done("backup", folder / "copy.db")
    assert [file.name for file in folder.iterdir()] == ["copy.db"]


# --- the nightly one


def commands(name: str) -> list[str]:
    """Return the command of each line ``name=`` of the unit, as systemd hands it to the shell."""
    lines = (ROOT / "systemd" / "stockhook-backup.service").read_text().splitlines()
    found = [shlex.split(line.removeprefix(f"{name}=")) for line in lines if line.startswith(f"{name}=")]
    assert all(words[:2] == ["/bin/sh", "-c"] for words in found)
    return [words[2].replace("\\\\", "\\").replace("$$", "$").replace("%%", "%") for words in found]


def test_the_nightly_backup_keeps_the_newest_ones_and_nothing_else_goes(stocked: House) -> None:
    (folder := stocked.folder / "backups of stock").mkdir()
    old = [f"stockhook-2026010{day}T031500Z.db" for day in (1, 2, 3, 4)]
    others = ["stockhook.db", "stockhook-20260101T031500Z.db.txt", "note"]
    for name in (*old, *others):
        (folder / name).write_bytes(b"")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "STOCKHOOK_CONFIG": str(stocked.config),
        "FOLDER": str(folder),
        "KEEP": "3",
    }
    for command in (*commands("ExecStart"), *commands("ExecStartPost")):
        done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    left = sorted(file.name for file in folder.iterdir() if file.name not in others)
    assert left[:2] == old[2:]
    assert [file for file in folder.iterdir() if file.stat().st_size] == [folder / left[2]]
    assert {file.name for file in folder.iterdir()} == {*left, *others}
    assert json.loads(stocked.done("verify", "--json"))["ok"]
