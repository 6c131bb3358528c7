"""An SQLite store in a file of its own: opened here, in another process, or read behind its back."""

import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from stockhook_plugins.stores.sqlalchemy import SqlStore
from stockhook_plugins.stores.sqlalchemy.sqlite import FileDatabase


def at(path: Path) -> SqlStore:
    return SqlStore(SqlStore.Options.model_validate({"url": f"sqlite:///{path}"}))


def inside(store: SqlStore) -> FileDatabase:
    return store._session._database


def run(path: Path, code: str, expect: int = 0) -> str:
    """Run code in another process, with ``store`` made for the path."""
    head = f"""
        import os, sys
        from stockhook.testing import factories as make
        from stockhook_plugins.stores.sqlalchemy import SqlStore
        store = SqlStore(SqlStore.Options(url="sqlite:///{path}"))
    """
    text = textwrap.dedent(head) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == expect, done.stderr
    return done.stdout


def raw(path: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(statement).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


@contextmanager
def reading(database: Path) -> Iterator[None]:
    """Hold a view of now, as a slow page or a program of somebody else would: nothing newer is folded in meanwhile."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM delivery").fetchall()
        yield
        reader.execute("COMMIT")
