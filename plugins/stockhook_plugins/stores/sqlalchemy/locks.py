"""Locks between processes on files beside the database, by flock: they end with the process, whatever happens."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from stockhook.plugin import Refused, StoreUnavailable

PATIENCE: Final = 30.0  # seconds that a writer waits for another process
ANSWER: Final = 5.0  # seconds that deliveries wait for it: their senders do, and whoever asks whether the daemon hangs
_POLL: Final = 0.001  # seconds between two tries


def opened(path: Path) -> int:
    """Open a file of the store, made with mode 0600 where it is missing, and return its descriptor.

    One that root makes goes to whoever owns the folder: a command run as root before the first start must not shut out
    the user the daemon runs as. Raises StoreUnavailable.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        folder = path.parent.stat()
        if folder.st_uid != 0 and os.fstat(handle).st_uid == os.geteuid() == 0:
            os.fchown(handle, folder.st_uid, folder.st_gid)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be opened: {error.strerror}") from None
    return handle


class FileLock:
    """An exclusive lock on one file, for one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = -1

    def open(self) -> None:
        """Open the file, made where it is missing."""
        self._handle = opened(self.path)

    def close(self) -> None:
        """Close the file and with it release the lock."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def take(self) -> bool:
        """Take the lock if it is free, and tell whether it was."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextmanager
    def held(self, patience: float = PATIENCE) -> Iterator[None]:
        """Hold the lock; raises StoreUnavailable if another process keeps it for longer than ``patience`` seconds."""
        end = time.monotonic() + patience
        while not self.take():
            if time.monotonic() > end:
                raise StoreUnavailable(
                    f"another process has held {self.path} for {patience:g} s; is a command or a backup hanging?"
                )
            time.sleep(_POLL)
        try:
            yield
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def note(self) -> bytes:
        """Return what was written into the file."""
        return os.pread(self._handle, 1000, 0)

    def write_note(self, text: bytes) -> None:
        """Write this into the file, for whoever finds it."""
        os.pwrite(self._handle, text, 0)
        os.ftruncate(self._handle, len(text))
        os.fsync(self._handle)


class Turn:
    """Whose turn it is to write: one thread of one process.

    Nothing but this is held while another process has its turn, so that waiting for it does not look like hanging.
    """

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock
        self._threads = threading.Lock()

    @contextmanager
    def taken(self, patience: float = PATIENCE) -> Iterator[None]:
        """Wait for one's turn; raises StoreUnavailable after ``patience`` seconds."""
        end = time.monotonic() + patience
        if not self._threads.acquire(timeout=patience):
            raise StoreUnavailable(
                f"the store has been busy for {patience:g} s: either another process holds {self._lock.path}, or the "
                "disk hangs"
            )
        try:
            with self._lock.held(max(0.0, end - time.monotonic())):
                yield
        finally:
            self._threads.release()

    @contextmanager
    def free(self) -> Iterator[bool]:
        """Take one's turn if nobody else has it, and tell whether that is so."""
        if not self._threads.acquire(blocking=False):
            yield False
            return
        try:
            if self._lock.take():
                with self._lock.held():
                    yield True
            else:
                yield False
        finally:
            self._threads.release()


def served(path: Path) -> FileLock:
    """Return a lock on ``path`` that this process holds from now on; raises Refused while another daemon has it."""
    lock = FileLock(path)
    lock.open()
    if not lock.take():
        who = lock.note().decode(errors="replace").strip()
        lock.close()
        raise Refused(f"another stockhook daemon ({who}) serves this store: it holds {path}; stop it first")
    lock.write_note(b"process %d" % os.getpid())
    return lock
