"""What PostgreSQL and its driver report, in the words of ``stockhook.plugin``: unavailable, refused, bad booking."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from stockhook.plugin import BadBooking, Refused, StoreAway, StoreBroken, StoreUnavailable
from stockhook_plugins.stores.sqlalchemy.rows import Damaged


class ServerFaults:
    """Translates errors. Nothing breaks for good here: the server is restarted by others, and connections come back."""

    def __init__(self, name: str) -> None:
        self._name = name

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what is reported inside the block as an error of ours."""
        try:
            yield
        except DBAPIError as error:
            raise self._translate(error.orig) from error
        except psycopg.Error as error:
            raise self._translate(error) from error
        except NoConnection as error:
            raise StoreUnavailable(
                f"{self._name}: too many connections are in use at the same time; try again"
            ) from error
        except Damaged as error:
            raise StoreBroken(
                f"{self._name}: {error}. A newer stockhook may have written it, or somebody by hand; install that "
                "version, or restore a backup"
            ) from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise Refused(f"a value cannot be stored ({error}); nothing was written") from error
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"{self._name}: {error}") from error

    def _translate(self, error: BaseException | None) -> StoreUnavailable | Refused | BadBooking:
        words = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, psycopg.IntegrityError):
            return BadBooking(f"{self._name} refused what was to be written: {words}; nothing was written")
        if isinstance(error, psycopg.DataError):
            return Refused(f"a value cannot be stored ({words}); nothing was written")
        if isinstance(error, psycopg.errors.DiskFull):
            return StoreUnavailable(f"{self._name}: its disk is full; free some space, nothing has to be restarted")
        if isinstance(error, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)):
            return StoreUnavailable(f"{self._name}: others are writing to it ({words}); try again")
        if isinstance(error, psycopg.errors.OutOfMemory):
            words += ". If these are its locks, a larger max_locks_per_transaction helps, or a smaller [limits] batch"
        kind = StoreAway if isinstance(error, psycopg.OperationalError) else StoreUnavailable
        return kind(f"{self._name}: {words}")
