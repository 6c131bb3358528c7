"""What the database reports, in the words of ``stockhook.plugin``: broken, unavailable, or refused."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from stockhook.plugin import BadBooking, Refused, StoreBroken, StoreUnavailable
from stockhook_plugins.stores.sqlalchemy.rows import Damaged

_BROKEN: Final = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PROTOCOL}
)
_NO_TEXT: Final = "Could not decode to UTF-8"
_PRIMARY: Final = 0xFF  # the lower byte of an extended result code; IOERR_SHMSIZE is a full disk by another name


class Faults:
    """Translates errors, and remembers when the store is broken: nothing is written after that (reliability.md 3.1)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._broken: str | None = None

    @property
    def broken(self) -> bool:
        """Tell whether the database has reported damage."""
        return self._broken is not None

    def check(self) -> None:
        """Raise StoreBroken once the database has reported damage."""
        if self._broken is not None:
            raise StoreBroken(self._broken)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what the database reports inside the block as an error of ours."""
        try:
            yield
        except DBAPIError as error:
            cause = error.orig
            raise (
                self._translate(cause) if isinstance(cause, sqlite3.Error) else StoreUnavailable(str(cause))
            ) from error
        except NoConnection as error:
            raise StoreUnavailable(f"{self._path}: too many views are open at the same time; try again") from error
        except sqlite3.Error as error:
            raise self._translate(error) from error
        except UnicodeDecodeError as error:  # SQLite names what it finds damaged, and the name is
            raise self._damaged("what SQLite reports of it is no text") from error
        except Damaged as error:
            raise self._damaged(str(error)) from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise Refused(f"a value cannot be stored ({error}); nothing was written") from error

    def _damaged(self, what: str) -> StoreBroken:
        self._broken = f"{self._path} is damaged: {what}. Nothing more is written. Check the disk and restore a backup"
        return StoreBroken(self._broken)

    def _translate(self, error: sqlite3.Error) -> StoreUnavailable | BadBooking:
        extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        code = sqlite3.SQLITE_FULL if extended == sqlite3.SQLITE_IOERR_SHMSIZE else extended & _PRIMARY
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if code in _BROKEN:
            self._broken = (
                f"{self._path}: {error} ({name}). Nothing more is written. Restart stockhook, so that it recovers "
                "what is on the disk; if this comes again, check the disk and restore a backup"
            )
            return StoreBroken(self._broken)
        if str(error).startswith(_NO_TEXT):  # what follows there is the text, which is nobody's business
            return self._damaged("a text in it is not what was written")
        if code == sqlite3.SQLITE_FULL:
            return StoreUnavailable(f"{self._path}: the disk is full; free some space, nothing has to be restarted")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreUnavailable(f"{self._path} is locked by a program that is not stockhook ({error}); close it")
        if code == sqlite3.SQLITE_CONSTRAINT:
            return BadBooking(f"{self._path} refused what was to be written: {error}; nothing was written")
        return StoreUnavailable(f"{self._path}: {error} ({name})")
