"""The write-ahead log: it stays within bounds under load, also behind a reader that holds on to an old view."""

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
        time.sleep(0.5)
        with watching(log) as sizes:
            time.sleep(times(2, 60))
        assert max(sizes) < LIMIT + SLACK
        assert min(sizes) < LIMIT / 2
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
    with traffic.flowing():
        time.sleep(0.3)
        with reading(daemon.folder / "stockhook.db"):
            time.sleep(0.3)
    assert log.stat().st_size > 0
    daemon.until(lambda: log.stat().st_size == 0, 10)
    check(traffic)
