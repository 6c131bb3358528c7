"""A stream that is never waited for: a thread writes what is put into it, and what finds no room is counted."""

import os
import threading
import time
from typing import Final, TextIO

import structlog

MOST: Final = 8 * 1024 * 1024
"""Characters that may wait while what they are written to takes none."""

_PAUSE: Final = 0.1
_END: Final = ord("\n")


class Spool:
    """Stands before a stream as what a log is written to; nobody waits for one that is full, slow or gone.

    It writes past the stream's own buffer and lock, so that a write that never ends holds up no end of the process.
    """

    def __init__(self, stream: TextIO) -> None:
        """Take a stream that has a descriptor; raises OSError for one that has none."""
        stream.flush()
        self._number = stream.fileno()
        self._pending: list[str] = []
        self._size = self._left_out = 0
        self._writing = self._torn = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Take lines to be written; those that find no room are told in a line of their own, once there is some."""
        with self._changed:
            if self._size + len(text) > MOST and threading.current_thread() is not self._thread:
                self._left_out += text.count("\n")
            else:
                self._pending.append(text)
                self._size += len(text)
                self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Do nothing: nobody waits, see ``settle``."""

    def fileno(self) -> int:
        """Return the descriptor that is written to."""
        return self._number

    def settle(self, seconds: float) -> bool:
        """Wait until all is written, for so many seconds at most; tell whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending and not self._writing, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._pending)
                text, self._pending, self._writing = "".join(self._pending), [], True
            lost = self._lost(text.encode(errors="backslashreplace"))
            with self._changed:
                self._size -= len(text)
                left_out = 0 if lost else self._left_out
                self._left_out += lost - left_out
            if left_out:
                structlog.stdlib.get_logger(__name__).warning("lines left out, the log took none", lines=left_out)

    def _lost(self, data: bytes) -> int:
        """Write lines, and return how many of them the stream did not take, or not whole."""
        rest = memoryview(b"\n" + data if self._torn else data)  # else it would go on in a line that broke off
        while rest:
            try:
                count = os.write(self._number, rest)
            except BlockingIOError:
                time.sleep(_PAUSE)
            except OSError:  # gone, or its disk is full: there is nowhere to say so
                return bytes(rest[-len(data) :]).count(b"\n")
            else:
                self._torn = rest[count - 1] != _END
                rest = rest[count:]
        return 0
