"""A faulty disk for a daemon under test: gcc builds a library that is put before it (tests/faults/shim.c)."""

import errno
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stockhook.testing.daemon import RunningDaemon

SOURCE = Path(__file__).parent.parent / "faults" / "shim.c"
FOR_EVER = 0


def build(folder: Path) -> Path:
    """Build the library and return its path."""
    library = folder / "faulty_disk.so"
    command = ("gcc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl", "-lpthread")
    subprocess.run(command, check=True)
    return library


@dataclass(frozen=True, slots=True)
class Strike:
    """One operation that failed (``sync``, ``write``) or was ``held``, when (``time.monotonic``), and on which file."""

    at: float
    kind: str
    number: int
    path: Path


class Disk:
    """The disk under the SQLite store in ``folder``; it works well until told otherwise.

    ``environment`` is what a ``RunningDaemon`` needs to have it. A new fault takes the place of the one before, also
    while the daemon runs, and counts from then on.
    """

    def __init__(self, library: Path, folder: Path) -> None:
        self.folder = folder
        self._control = folder / "disk"
        self._shadow = folder / "shadow"
        self.environment = {"LD_PRELOAD": str(library), "SHIM": str(self._control)}
        self.well()

    def well(self) -> None:
        """Have no fault from now on."""
        self._say()

    def slow(self, milliseconds: int) -> None:
        """Have each sync take so much longer."""
        self._say(f"delay {milliseconds}")

    def hang(self) -> None:
        """Have no sync end before the next word to this disk."""
        self._say("hold 1")

    def fail_syncs(self, first: int, last: int = FOR_EVER, error: int = errno.EIO) -> None:
        """Have the syncs from the ``first`` to the ``last`` fail, counted from now."""
        self._say(f"sync {first} {last} {error}")

    def fail_sync_and_watch(self, number: int) -> None:
        """Have one sync fail, and note each write, which succeeds, as struck as well."""
        self._say(f"sync {number} {number} {errno.EIO}", f"write 1 {FOR_EVER} 0")

    def fail_writes(self, first: int, last: int = FOR_EVER, error: int = errno.EIO, end: str = "") -> None:
        """Have whatever changes a file fail, likewise; only files of the store that end so."""
        self._say(f"write {first} {last} {error}", end=end)

    def _say(self, *words: str, end: str = "") -> None:
        Path(f"{self._control}.log").unlink(missing_ok=True)
        draft = self._control.with_suffix(".draft")
        draft.write_text("\n".join([f"under {self.folder / 'stockhook.db'}{end}", *words, ""]))
        draft.rename(self._control)

    @property
    def struck(self) -> list[Strike]:
        """What has failed or was held since the last word to this disk."""
        log = Path(f"{self._control}.log")
        words = [line.split(" ", 3) for line in log.read_text().splitlines()] if log.exists() else []
        return [Strike(float(at), kind, int(number), Path(path)) for at, kind, number, path in words]

    # --- power cuts

    @property
    def files(self) -> list[Path]:
        """The files of the store."""
        return sorted(self.folder.glob("stockhook.db*"))

    def settle(self) -> None:
        """Take all that is there as safely on the disk, and keep what is synced from now on; no daemon runs."""
        shutil.rmtree(self._shadow, ignore_errors=True)
        self._shadow.mkdir()
        for file in self.files:
            shutil.copy(file, self._shadow)
        self._say(f"shadow {self._shadow}")

    def cut_power(self, daemon: RunningDaemon) -> None:
        """End the daemon, and leave of the store what had been synced by then."""
        daemon.kill()
        for file in self.files:
            file.unlink()
        for kept in self._shadow.glob("stockhook.db*"):
            if kept.suffix != ".draft":
                shutil.copy(kept, self.folder)
