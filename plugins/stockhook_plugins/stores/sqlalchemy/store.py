"""The store as the daemon sees it; what it is made of is imported when it is opened, so that start-up stays quick."""

import builtins
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import field_validator

from stockhook.plugin import Arrival, PluginOptions, Progress, Read, StoreUnavailable, Work, untold

if TYPE_CHECKING:
    from stockhook_plugins.stores.sqlalchemy.locks import FileLock
    from stockhook_plugins.stores.sqlalchemy.session import Session

_SQLITE: Final = "sqlite:///"
_POLL: Final = 1.0  # seconds between two looks at what other processes did


class SqlStoreOptions(PluginOptions):
    """Where the store is. ``url`` is ``sqlite:///`` and a path: with four slashes it is absolute."""

    url: str = "sqlite:////var/lib/stockhook/stockhook.db"

    @field_validator("url")
    @classmethod
    def _is_a_file(cls, url: str) -> str:
        path = url.removeprefix(_SQLITE)
        if path == url or not path or path.startswith(":memory:"):
            raise ValueError(
                f"{url.partition(':')[0]!r} is not sqlite:///PATH, and this version keeps its store in an SQLite file "
                "only; write it like sqlite:////var/lib/stockhook/stockhook.db"
            )
        if "?" in path:
            raise ValueError("sqlite:///PATH takes no ?parameters")
        return url


class SqlStore:
    """One SQLite file, its write-ahead log beside it, and two lock files: ``.write`` and ``.serve``."""

    type: ClassVar[str] = "sqlalchemy"
    Options: ClassVar[builtins.type[PluginOptions]] = SqlStoreOptions

    def __init__(self, options: SqlStoreOptions | None = None) -> None:
        self.path = Path((options or SqlStoreOptions()).url.removeprefix(_SQLITE))
        self._open: Session | None = None
        self._serving: FileLock | None = None
        self._closing = threading.Event()
        self._told = threading.local()

    def open(self) -> None:
        """Connect, prove that commits last, and bring the tables up to date."""
        from stockhook_plugins.stores.sqlalchemy.session import Session

        self._closing.clear()
        session = Session(self.path)
        session.open()
        self._open = session
        self._told = threading.local()

    def serve(self) -> None:
        """Hold ``PATH.serve`` until ``close``; raises Refused while another daemon does."""
        from stockhook_plugins.stores.sqlalchemy.locks import served

        self._serving = served(self.path.with_name(self.path.name + ".serve"))

    def close(self) -> None:
        """Fold the write-ahead log into the file, close it, and let another daemon serve."""
        self._closing.set()
        session, self._open = self._open, None
        if session is not None:
            session.close()
        if self._serving is not None:
            self._serving.close()
            self._serving = None

    @property
    def _session(self) -> "Session":
        if self._open is None:
            raise StoreUnavailable(f"the store {self.path} is not open")
        return self._open

    def append(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Keep deliveries in one commit and return their ids."""
        return self._session.append(arrivals)

    def read(self) -> AbstractContextManager[Read]:
        """Open a consistent view."""
        return self._session.read()

    def write(self) -> AbstractContextManager[Work]:
        """Open a unit of work."""
        return self._session.write()

    def wait(self, seconds: float) -> bool:
        """Wait until another process has changed the store, asking about once a second; each thread is told once.

        While nothing is written here it folds the write-ahead log into the file.
        """
        end = time.monotonic() + seconds
        while True:
            session = self._session
            changes = session.changes()
            if changes != getattr(self._told, "changes", 0):
                self._told.changes = changes
                return True
            session.idle()
            left = end - time.monotonic()
            if left <= 0 or self._closing.wait(min(left, _POLL)):
                return False

    def prune(self, before: datetime, most: int) -> int:
        """Remove at most ``most`` bodies that no delivery since ``before`` has."""
        return self._session.prune(before, most)

    def backup(self, path: Path, progress: Progress = untold) -> dict[str, str]:
        """Copy the store to a new file with mode 0600; raises Refused where that cannot be."""
        target = path.absolute()
        self._session.backup(target, progress)
        return {"url": f"{_SQLITE}{target}"}

    def integrity(self) -> str | None:
        """Return the first damage that SQLite finds in its file, or None."""
        return self._session.integrity()
