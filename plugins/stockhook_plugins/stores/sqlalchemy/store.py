"""The store as the daemon sees it; what it is made of is imported when it is opened, so that start-up stays quick."""

import builtins
import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, cast

from pydantic import ValidationError, field_validator

from stockhook.plugin import (
    Arrival,
    Chunk,
    Footprint,
    PluginOptions,
    Progress,
    Read,
    Refused,
    Secret,
    StoreUnavailable,
    Work,
    untold,
)

if TYPE_CHECKING:
    from stockhook_plugins.stores.sqlalchemy.database import Database
    from stockhook_plugins.stores.sqlalchemy.reading import Reading
    from stockhook_plugins.stores.sqlalchemy.session import Session

_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = "postgresql+psycopg://"
_POLL: Final = 1.0  # seconds between two looks at what other processes did


def _size(path: Path) -> int:
    """Return how many bytes a file has; 0 for one that is not there, such as the log of a store that is not open."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class SqlStoreOptions(PluginOptions):
    """Where the store is.

    ``url`` is ``sqlite:///`` and a path (with four slashes it is absolute), or
    ``postgresql+psycopg://USER@HOST:PORT/DATABASE``. ``password`` is PostgreSQL's, where it asks for one.
    """

    url: str = "sqlite:////var/lib/stockhook/stockhook.db"
    password: Secret | None = None

    @field_validator("url")
    @classmethod
    def _is_known(cls, url: str) -> str:
        if url.startswith(("postgresql", "postgres:")):
            return _server(url)
        path = url.removeprefix(_SQLITE)
        if path == url or not path or path.startswith(":memory:"):
            raise ValueError(
                f"{url.partition(':')[0]!r} is neither sqlite:///PATH nor {_POSTGRES}USER@HOST/DATABASE; write it like "
                "sqlite:////var/lib/stockhook/stockhook.db"
            )
        if "?" in path:
            raise ValueError("sqlite:///PATH takes no ?parameters")
        return url


def _server(url: str) -> str:
    """Return the url of a server with its driver; nothing of what may be a password is told of one that is wrong."""
    scheme, _, rest = url.partition("://")
    where, _, database = rest.partition("/")
    example = f"write it like {_POSTGRES}stockhook@localhost:5432/stockhook"
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg") or not database.partition("?")[0]:
        raise ValueError(example)
    host = where.rpartition("@")[2]
    port = host.rpartition("]")[2].rpartition(":")
    if where.count("@") > 1 or (port[1] and not port[2].isdecimal()):
        raise ValueError(f"{example}; other characters in a password are written as %40 for @, %3A for : and so on")
    return f"{_POSTGRES}{rest}"


class SqlStore:
    """One SQLite file with its log and two lock files beside it, or a PostgreSQL database that daemons share."""

    type: ClassVar[str] = "sqlalchemy"
    Options: ClassVar[builtins.type[PluginOptions]] = SqlStoreOptions

    def __init__(self, options: SqlStoreOptions | None = None) -> None:
        self._options = options or SqlStoreOptions()
        self._open: Session | None = None
        self._closing = threading.Event()
        self._told = threading.local()

    @property
    def path(self) -> Path | None:
        """The SQLite file, None where there is none."""
        url = self._options.url
        return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None

    def open(self) -> None:
        """Connect, prove that commits last, and bring the tables up to date."""
        from stockhook_plugins.stores.sqlalchemy.session import Session

        self._closing.clear()
        session = Session(self._database())
        session.open()
        self._open = session
        self._told = threading.local()

    def unprepared(self) -> str | None:
        """Return why opening it would make or change something, or None."""
        from stockhook_plugins.stores.sqlalchemy import schema

        try:
            if self.path is not None and not (self.path.exists() and self.path.stat().st_size):
                return f"{self.path} holds no store yet; a daemon makes it when it starts"
        except OSError as error:
            raise StoreUnavailable(f"{self.path} cannot be read: {error.strerror}") from error
        database = self._database()
        try:
            database.open()
            return schema.behind(database)
        finally:
            database.close()

    def _database(self) -> "Database":
        if self.path is not None:
            from stockhook_plugins.stores.sqlalchemy.sqlite import FileDatabase

            return FileDatabase(self.path)
        try:
            from stockhook_plugins.stores.sqlalchemy.postgres import ServerDatabase
        except ImportError as error:
            raise StoreUnavailable(
                f"PostgreSQL needs the package psycopg, which is not installed ({error}). Beside "
                "stockhook: pip install 'psycopg[binary]>=3.2'"
            ) from None
        password = self._options.password
        return ServerDatabase(self._options.url, None if password is None else password.reveal())

    def serve(self) -> None:
        """Claim an SQLite file until ``close``; raises Refused while another daemon does. A server serves many."""
        self._session.serve()

    def leads(self, job: str) -> bool:
        """Tell whether this process is the one to run ``job``, of all that share the store."""
        return self._session.leads(job)

    def close(self) -> None:
        """Leave the store tidy, close it, and let another daemon serve."""
        self._closing.set()
        session, self._open = self._open, None
        if session is not None:
            session.close()

    @property
    def _session(self) -> "Session":
        if self._open is None:
            raise StoreUnavailable("the store is not open")
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
        """Wait until another process has changed the store; each thread is told once.

        An SQLite file is asked about once a second, and its write-ahead log folded in while nothing is written;
        PostgreSQL tells by itself.
        """
        end = time.monotonic() + seconds
        while True:
            session = self._session
            changes = session.changes()
            if changes != getattr(self._told, "changes", 0):
                self._told.changes = changes
                return True
            left = end - time.monotonic()
            session.rest(min(max(left, 0), _POLL), self._closing)
            if left <= 0 or self._closing.is_set():
                return False

    def prune(self, before: datetime, most: int) -> int:
        """Remove at most ``most`` bodies that no delivery since ``before`` has."""
        return self._session.prune(before, most)

    def erase(self, digests: Collection[bytes]) -> int:
        """Remove these bodies, but for those that are still to be worked."""
        return self._session.erase(digests)

    def backup(self, path: Path, progress: Progress = untold) -> dict[str, str]:
        """Copy the store to a new file with mode 0600; raises Refused where that cannot be, or for PostgreSQL."""
        target = path.absolute()
        self._session.backup(target, progress)
        return {"url": f"{_SQLITE}{target}"}

    def footprint(self) -> Footprint:
        """Return how large file and log are, or the database on its server."""
        if self.path is None:
            return Footprint(self._session.size())
        log = self.path.with_name(f"{self.path.name}-wal")
        disk = os.statvfs(self.path.parent)
        return Footprint(_size(self.path), _size(log), disk.f_bavail * disk.f_frsize)

    def integrity(self) -> str | None:
        """Return the first damage that the database finds, or None."""
        return self._session.integrity()

    def other(self, url: str) -> "SqlStore":
        """Return the store at ``url``; raises Refused for this one."""
        try:
            options = SqlStoreOptions.model_validate({"url": url})
        except ValidationError as error:
            raise Refused("; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())) from None
        other = SqlStore(options)
        file = self.path and self.path.resolve()
        if options.url == self._options.url or (file and other.path and other.path.resolve() == file):
            raise Refused("that is the store itself; name another, empty one")
        return other

    def dump(self, view: Read) -> Iterator[Chunk]:
        """Yield all rows that a view of this store shows."""
        return self._session.dump(cast("Reading", view))

    def fill(self, chunks: Iterable[Chunk]) -> None:
        """Insert all rows of another store in one commit; raises Refused where there are some already."""
        self._session.fill(chunks)
