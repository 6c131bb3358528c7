"""``make bench``: the performance table, each figure beside its bar, every ratio measured in one run.

``python tests/benchmarks/run.py [--rows NAME,NAME] [--json] [--quick] [--long]``. It always prints; the exit code is 1
when a bar is missed. ``--quick`` does little of everything: it shows that the benchmark works, its figures say nothing.
``--long`` adds the soak of ten minutes.
"""

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import answers
import drain
import growth
import latency
import lists
import many_daemons
import measure
import pages
import peer
import plans
import soak
from bench import FULL, QUICK, Bench
from figure import Figure, as_json, table

EXPERIMENTS: Mapping[str, Callable[[Bench], list[Figure]]] = {
    "start": measure.start,
    "intake": measure.intake,
    "group-commit": measure.group_commit,
    "peer": peer.intake,
    "booked": peer.booked,
    "drain": drain.sqlite,
    "drain-postgres": drain.postgres,
    "daemons": many_daemons.shared,
    "daemons-apart": many_daemons.disjoint,
    "answers": answers.answers,
    "pages": pages.pages,
    "lists": lists.lists,
    "verify": answers.verify,
    "plans": plans.plans,
    "growth": growth.growth,
    "open-stream": latency.open_stream,
    "large": latency.large,
    "soak": soak.soak,
    "memory": measure.memory,
}
"""The rows by name, in the order in which they are measured; the memory of the daemons before it comes last."""

LONG = ("soak",)
"""What is left out unless it is asked for."""

PEERS = frozenset({"peer", "booked"})
"""What needs Redis and the peer's packages."""


def main() -> int:
    """Run the experiments and print the table."""
    parser = argparse.ArgumentParser(description="Measure stockhook against its peers.")
    parser.add_argument("--rows", help=f"only these, with commas between: {','.join(EXPERIMENTS)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="a smoke run; its figures say nothing")
    parser.add_argument("--long", action="store_true", help=f"also {', '.join(LONG)}")
    given = parser.parse_args()
    names = given.rows.split(",") if given.rows else [name for name in EXPERIMENTS if given.long or name not in LONG]
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"no rows are called {', '.join(unknown)}; there are {', '.join(EXPERIMENTS)}")
    if not PEERS.isdisjoint(names):
        peer.needed()  # rather now than after minutes of measuring, which would be lost
    began, busy = time.monotonic(), os.getloadavg()[0]
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="stockhook-bench-") as folder:
        bench = Bench(Path(folder), QUICK if given.quick else FULL)
        for name in names:
            if sys.stderr.isatty():
                print(f"measuring {name} ...", file=sys.stderr)
            figures += EXPERIMENTS[name](bench)
    machine = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}; load {busy:.1f} before the run, which took {time.monotonic() - began:.0f} s"
    )
    print(as_json(figures, machine) if given.json else f"{machine}\n\n{table(figures)}")
    return 0 if all(each.ok for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
