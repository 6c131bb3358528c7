"""The write-ahead log: bounded under load, also behind a reader that keeps an old view; large, it delays no start."""

import base64
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from altered_daemon import program
from promises import check, finish
from sizes import times
from sqlite_file import reading
from traffic import Traffic

LIMIT = 1 << 20
LARGE = times(16, 500) << 20
"""How large a log a daemon is killed with; folded in as it should be, it has less than 70 MiB."""
START = 30.0
"""Seconds in which a daemon listens all the same: six times what a machine with nothing else to do may take."""
SLACK = 1 << 20
"""What a few commits of the worker add before the limit is looked at."""


@contextmanager
def watching(log: Path) -> Iterator[list[int]]:
    """Note the size of a file again and again during the block."""
    sizes = [log.stat().st_size]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            sizes.append(log.stat().st_size)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield sizes
    finally:
        over.set()
        watcher.join()


def test_the_log_is_folded_in_at_its_limit_and_again_once_a_reader_that_kept_it_has_gone(
    trading: Callable[..., Traffic],
) -> None:
    traffic = trading(program=program(wal_limit=LIMIT))
    daemon = traffic.daemon
    log = daemon.folder / "stockhook.db-wal"
    daemon.start()
    with traffic.flowing():
        traffic.more(20)
        with watching(log) as sizes:
            time.sleep(times(1, 60))
            daemon.until(lambda: max(sizes) > LIMIT / 2 and sizes[-1] < LIMIT / 2, what="the log to be folded in")
        assert max(sizes) < LIMIT + SLACK
        with reading(daemon.folder / "stockhook.db"), watching(log) as sizes:
            daemon.until(lambda: sizes[-1] > 3 * LIMIT)
        daemon.until(lambda: log.stat().st_size < LIMIT / 2)
    assert traffic.answers.keys() == {200}
    assert not [line for line in daemon.lines if line["level"] in ("error", "critical")]
    check(traffic)
    finish(traffic)


def test_the_log_is_folded_in_when_there_is_nothing_else_to_do(trading: Callable[..., Traffic]) -> None:
    traffic = trading()
    daemon = traffic.daemon
    log = daemon.folder / "stockhook.db-wal"
    daemon.start()
    with traffic.flowing(), reading(daemon.folder / "stockhook.db"):
        traffic.more(10)
        assert log.stat().st_size > 0
    daemon.until(lambda: log.stat().st_size == 0)
    check(traffic)


def test_a_daemon_starts_at_once_on_a_large_log_and_has_all_that_is_in_it(trading: Callable[..., Traffic]) -> None:
    traffic = trading()
    daemon = traffic.daemon
    log = daemon.folder / "stockhook.db-wal"
    as_shipped, daemon.program = daemon.program, program(wal_limit=1 << 40)
    daemon.start()
    with traffic.flowing():
        traffic.more(20)
        while log.stat().st_size < LARGE:
            padding = base64.b64encode(random.randbytes(2 << 20)).decode()
            assert daemon.post(json.dumps({"events": [{"of_no_concern": {"padding": padding}}]}).encode()).status == 200
        daemon.kill()
    assert log.stat().st_size >= LARGE
    daemon.program = as_shipped
    began = time.monotonic()
    daemon.start()
    assert time.monotonic() - began < START
    finish(traffic)
    daemon.until(lambda: log.stat().st_size == 0)
