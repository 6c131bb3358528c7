"""``stockhook serve`` with one thing altered, to measure what that thing is worth.

``python tests/benchmarks/altered_daemon.py [--no-worker] [--group N] [--slow-commit MS] CONFIG``
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any

from stockhook import cli, daemon, intake
from stockhook.store import Arrival
from stockhook.worker_loop import WorkerLoop


class Idle(WorkerLoop):
    """A worker loop that works nothing."""

    async def run(self) -> None:
        """Wait for the end."""
        await asyncio.Event().wait()


class SlowIntake(intake.Intake):
    """An intake whose store takes its time for each commit."""

    milliseconds = 0.0

    def __init__(self, store: Any, *rest: Any) -> None:
        super().__init__(store, *rest)
        keep = store.append

        def append(arrivals: Sequence[Arrival]) -> list[int]:
            time.sleep(self.milliseconds / 1000)
            kept: list[int] = keep(arrivals)
            return kept

        store.append = append


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--no-worker", action="store_true")
    parser.add_argument("--group", type=int, default=intake.ROWS)
    parser.add_argument("--slow-commit", type=float, default=0.0)
    given = parser.parse_args()
    if given.no_worker:
        daemon.WorkerLoop = Idle
    if given.slow_commit:
        SlowIntake.milliseconds = given.slow_commit
        daemon.Intake = SlowIntake
    intake.ROWS = given.group
    sys.argv = ["stockhook", "--config", given.config, "serve"]
    cli.main()


if __name__ == "__main__":
    main()
