"""``make bench``: the performance table, each figure beside its bar, all measured in one run.

``python tests/benchmarks/run.py [--json] [--quick]``. It always prints; the exit code is 1 when a bar is missed.
``--quick`` does little of everything: it shows that the benchmark works, its figures say nothing.
"""

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from pathlib import Path

import measure
from figure import Figure, as_json, table

_EXPERIMENTS = (measure.start, measure.intake, measure.group_commit, measure.drain, measure.memory)


def main() -> int:
    """Run all experiments and print the table."""
    parser = argparse.ArgumentParser(description="Measure stockhook against its peers.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="a smoke run; its figures say nothing")
    given = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="stockhook-bench-") as folder:
        sizes = (1, 0.5, 200, 1) if given.quick else (5, 3.0, 20_000, 7)
        bench = measure.Bench(Path(folder), *sizes)
        for experiment in _EXPERIMENTS:
            if sys.stderr.isatty():
                print(f"measuring {experiment.__name__.replace('_', ' ')} ...", file=sys.stderr)
            figures += experiment(bench)
    machine = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )
    print(as_json(figures, machine) if given.json else f"{machine}\n\n{table(figures)}")
    return 0 if all(each.ok for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
