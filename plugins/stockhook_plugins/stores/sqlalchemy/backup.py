"""A copy of an SQLite store made while it is in use: one snapshot, written beside its place, named when it is whole.

The pages are copied by SQLite's backup API, a few MiB a step, inside one read transaction. Without that transaction
the API would begin again whenever another connection commits, and under load never end. VACUUM INTO would hold a
snapshot as well, but tells nobody how far it is, and syncs nothing until its end: a gigabyte of unwritten pages is
then what the daemon's next commit waits behind.
"""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stockhook.plugin import Refused, StoreBroken
from stockhook_plugins.stores.sqlalchemy.database import rows

if TYPE_CHECKING:
    from stockhook_plugins.stores.sqlalchemy.sqlite import FileDatabase

_STEP: Final = 4 << 20  # bytes between two syncs of the copy
_SPARE: Final = 16 << 20  # bytes that must be left on the disk
_BESIDE: Final = ("-wal", "-shm", "-journal")
_LOCKS: Final = (".write", ".serve")
_PARTIAL: Final = ".stockhook-partial"
_OF_THE_SOURCE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY: Final = 0xFF  # the lower byte of an extended result code


def copy(database: "FileDatabase", target: Path, progress: Callable[[int, int], None]) -> None:
    """Write what is committed to ``target``, a new file with mode 0600; it has that name only once it is whole.

    On return file and name are on the disk. ``progress`` hears how many bytes of how many are copied. Raises Refused
    where ``target`` cannot be made, and StoreBroken for a store that is damaged.
    """
    _refuse(database.path, target)
    with _partial(target) as (handle, partial):
        try:
            _write(database, partial, handle, target, progress)
            os.fsync(handle)
            _name(partial, target)
            _sync(target.parent)
        except FileExistsError:
            raise _exists(target) from None
        except OSError as error:
            raise Refused(f"{target} cannot be written: {error.strerror}; there is no backup") from None


def _exists(target: Path) -> Refused:
    return Refused(f"{target} exists; a backup overwrites nothing, name a new file")


def _refuse(source: Path, target: Path) -> None:
    folder = target.parent
    if not folder.is_dir():
        raise Refused(f"{folder} is no folder that can be seen; make it first, or name another place for the backup")
    own = {file.with_name(file.name + end) for file in (source, source.resolve()) for end in ("", *_BESIDE, *_LOCKS)}
    if folder.resolve() / target.name in {file.parent.resolve() / file.name for file in own}:
        raise Refused(f"{target} belongs to the store itself; name a new file, best on another disk")
    if os.path.lexists(target):
        raise _exists(target)
    for end in _BESIDE:
        # SQLite would take it for a part of the copy, and replay it
        if os.path.lexists(remains := target.with_name(target.name + end)):
            raise Refused(f"{remains} is left of another database; remove it, or give the backup another name")


@contextmanager
def _partial(target: Path) -> Iterator[tuple[int, Path]]:
    """Yield a file beside the target, open and locked; it is gone after the block, and so is what a crash has left."""
    try:
        _clear(target.parent)
        handle, name = tempfile.mkstemp(_PARTIAL, f".{target.name}.", target.parent)
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror}") from None
    partial = Path(name)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not os.fstat(handle).st_nlink:  # another backup took it for a remnant before it was locked
            raise Refused(f"another backup began in {target.parent} at the same moment; try again")
        yield handle, partial
    finally:
        _remove(partial)
        os.close(handle)


def _clear(folder: Path) -> None:
    """Remove what backups left that were killed: files nobody holds a lock on any more."""
    for left in folder.glob(f".*{_PARTIAL}"):
        with suppress(OSError):
            handle = os.open(left, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(left)
            finally:
                os.close(handle)


def _remove(partial: Path) -> None:
    for end in ("", *_BESIDE):
        partial.with_name(partial.name + end).unlink(missing_ok=True)


def _name(partial: Path, target: Path) -> None:
    """Give the copy its name; raises FileExistsError if there is such a file by now."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, as on a memory stick
        if os.path.lexists(target):
            raise FileExistsError from None
        partial.rename(target)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)  # the name of a new file lasts only with its folder
    finally:
        os.close(handle)


def _write(
    database: "FileDatabase", partial: Path, handle: int, target: Path, progress: Callable[[int, int], None]
) -> None:
    with database.reading() as connection:
        with database.translated():
            # the snapshot: BEGIN alone opens none
            ((pages, size),) = rows(connection, "SELECT * FROM pragma_page_count(), pragma_page_size()")
        _refuse_too_large(pages * size, target)
        source: Any = connection.connection.driver_connection
        try:
            with closing(sqlite3.connect(partial, isolation_level=None)) as copied:
                _copy_pages(source, copied, handle, size, progress)
                copied.execute("PRAGMA journal_mode=DELETE")  # one file, whole by itself
                _prove(copied, database.path)
        except sqlite3.Error as error:
            raise _translated(error, database.path, target) from error


def _copy_pages(
    source: sqlite3.Connection, copied: sqlite3.Connection, handle: int, size: int, progress: Callable[[int, int], None]
) -> None:
    def synced(_: int, left: int, total: int) -> None:
        os.fdatasync(handle)
        progress((total - left) * size, total * size)

    for pragma in ("journal_mode=OFF", "synchronous=OFF"):  # until it has its name, the copy is nobody's loss
        copied.execute(f"PRAGMA {pragma}")
    source.backup(copied, pages=_STEP // size, progress=synced)


def _refuse_too_large(size: int, target: Path) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < size + _SPARE:
        raise Refused(
            f"{target.parent} has {free >> 20} MiB left, the store has {size >> 20} MiB; free some space, or name "
            "another place for the backup"
        )


def _prove(copied: sqlite3.Connection, source: Path) -> None:
    [(found,)] = copied.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise StoreBroken(f"{source} is damaged ({found}), and so would be a copy of it; keep the backups you have")


def _translated(error: sqlite3.Error, source: Path, target: Path) -> Refused | StoreBroken:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code in _OF_THE_SOURCE:
        return StoreBroken(f"{source} is damaged ({error}), and so would be a copy of it; keep the backups you have")
    if code == sqlite3.SQLITE_FULL:
        return Refused(f"{target} cannot be written: its disk is full; there is no backup")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return Refused(f"{source} could not be copied to {target}: {error} ({name}); there is no backup")
