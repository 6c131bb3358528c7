"""A disk that takes its time: gcc builds a library (tests/faults/shim.c) that slows each fsync of the daemon.

Where there is no gcc, or SQLite is built into Python so that the library does not reach it, the daemon's store waits
that long in each commit instead; which of the two it was is part of the figure's note.
"""

import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "faults" / "shim.c"
MILLISECONDS = 5
_PROBE = """
import sqlite3, sys, time
found = sqlite3.connect(sys.argv[1], isolation_level=None)
found.execute("PRAGMA synchronous=FULL")
found.execute("CREATE TABLE t (n)")
began = time.perf_counter()
found.execute("INSERT INTO t VALUES (1)")
print(time.perf_counter() - began)
"""


@dataclass(frozen=True, slots=True)
class SlowDisk:
    """How a daemon is slowed: options of the altered daemon, variables of its environment, and both in words."""

    options: tuple[str, ...]
    words: str
    environment: dict[str, str] = field(default_factory=dict)


def slow_disk(folder: Path) -> SlowDisk:
    """Return a way that works here."""
    compiler = shutil.which("gcc")
    if compiler is not None:
        library, control = folder / "slow_disk.so", folder / "slow_disk"
        command = (compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl", "-lpthread")
        if subprocess.run(command, check=False).returncode == 0:
            control.write_text(f"under {folder}/\ndelay {MILLISECONDS}\n")
            way = {"LD_PRELOAD": str(library), "SHIM": str(control)}
            if _reaches_sqlite(folder, way):
                return SlowDisk((), f"LD_PRELOAD before fsync of SQLite {sqlite3.sqlite_version}", way)
    return SlowDisk(("--slow-commit", str(MILLISECONDS)), "a wait in each append, no gcc or SQLite is built in")


def _reaches_sqlite(folder: Path, way: dict[str, str]) -> bool:
    done = subprocess.run(
        (sys.executable, "-c", _PROBE, folder / "probe.db"), env=way, stdout=subprocess.PIPE, text=True, check=False
    )
    return done.returncode == 0 and float(done.stdout) >= MILLISECONDS / 1000
