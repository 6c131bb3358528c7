"""The plugin folder: what lies in it runs with our rights, so nobody else may be able to write there."""

import os
import stat
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path


class Untrusted(Exception):
    """A file or folder that others could change, or that is not there; the text names it."""


def check_folder(folder: Path) -> None:
    """Return if ``folder``, and every package installed in it, is safe to load from; raises Untrusted."""
    if not folder.is_dir():
        raise Untrusted(f"{folder} is not a folder")
    check(folder)
    for base, folders, files in os.walk(folder):
        inner = Path(base)
        for name in folders:
            check(inner / name)
        for name in files if inner != folder else ():
            check(inner / name)


def check(path: Path) -> None:
    """Return if only root and we may write to ``path``; raises Untrusted."""
    try:
        status = path.stat()
    except OSError as error:
        raise Untrusted(f"{path} cannot be read: {error.strerror}") from None
    if status.st_uid not in {0, os.geteuid()}:
        raise Untrusted(f"{path} belongs to user {status.st_uid}; it must belong to root or to the user of stockhook")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Untrusted(f"{path} may be written by others; take that away with: chmod go-w {path}")


def plugin_files(folder: Path) -> Iterator[Path]:
    """Yield the ``*.py`` files of ``folder`` by name; not those beginning with ``_``, nor what pip has put there."""
    installed = {
        file.parts[0]
        for distribution in distributions(path=[str(folder)])
        for file in distribution.files or ()
        if len(file.parts) == 1
    }
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith("_") and path.name not in installed:
            yield path
