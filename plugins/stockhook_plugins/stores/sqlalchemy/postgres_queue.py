"""Statements that the server works on while the next ones are written: psycopg's pipeline, with a mark behind each."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from psycopg import generators
from psycopg.pq import ConnStatus


@contextmanager
def queued(driver: Any) -> Iterator[Any]:
    """Open a queue, and at its end wait for the answers that are left.

    psycopg asks for them behind the last mark, by a message (Flush) that ends the server's time-out for silent
    transactions and begins no other: who was stopped between the queue and the commit would hold up the others. The
    mark alone brings the answers as well.
    """
    with driver.pipeline() as queue:
        queue._exit_gen = partial(_ended, queue)  # noqa: SLF001 - psycopg has no other way to end a queue by its mark
        yield queue


def _ended(queue: Any) -> Iterator[Any]:
    try:
        queue._enqueue_sync()  # noqa: SLF001 - as above
        yield from queue._communicate_gen()  # noqa: SLF001 - as above
    finally:
        if queue.pgconn.status == ConnStatus.OK:  # else nothing comes any more
            yield from queue._fetch_gen(flush=False)  # noqa: SLF001 - as above


def hand_over(driver: Any, queue: Any) -> None:
    """Send what is queued as a whole, and do not wait until it is done, as the queue's own ``sync`` does.

    Between a statement and the mark no time-out of the server counts.
    """
    queue._enqueue_sync()  # noqa: SLF001 - psycopg has no other way to end a part of a queue without waiting
    driver.wait(queue._communicate_gen())  # noqa: SLF001 - as above
    driver.wait(generators.send(driver.pgconn))
