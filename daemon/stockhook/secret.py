"""Secrets in the configuration: written in place, or taken from the environment, a file, or a systemd credential."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_STAND_INS: Final = ContextVar("stand_ins", default=False)


@contextmanager
def stand_ins() -> Iterator[None]:
    """Within, a secret that is not to be had here is replaced by a random text.

    For commands beside the daemon, which neither send nor receive: a systemd credential is the daemon's alone.
    """
    before = _STAND_INS.set(True)
    try:
        yield
    finally:
        _STAND_INS.reset(before)


def stands_in(value: Any) -> bool:
    """Tell whether a random text may stand here for what a config value names, which then says nothing about it."""
    return _STAND_INS.get() and not isinstance(value, str)


class _Absent(ValueError):
    """The place that holds a secret cannot be read here."""


class Secret:
    """A text that is never printed: a string, {env = "NAME"}, {file = "PATH"} or {credential = "NAME"}."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(****)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let config models take secrets in each of their spellings."""
        return core_schema.no_info_plain_validator_function(cls.resolve)

    @classmethod
    def resolve(cls, value: Any) -> "Secret":
        """Return the secret that a config value names; raises ValueError naming what is missing."""
        try:
            return cls._found(value)
        except _Absent:
            if _STAND_INS.get():
                return cls(secrets.token_urlsafe(32))
            raise

    @classmethod
    def _found(cls, value: Any) -> "Secret":
        match value:
            case Secret():
                return value
            case str() if value:
                return cls(value)
            case {"env": str(name)} if len(value) == 1:
                found = os.environ.get(name)
                if not found:
                    raise _Absent(f"the environment variable {name} is not set")
                return cls(found)
            case {"file": str(name)} if len(value) == 1:
                return cls._from_file(Path(name), f"the file {name}")
            case {"credential": str(name)} if len(value) == 1:
                directory = os.environ.get("CREDENTIALS_DIRECTORY")
                if not directory:
                    raise _Absent(f"credential {name}: $CREDENTIALS_DIRECTORY is not set; does systemd run this?")
                return cls._from_file(Path(directory) / name, f"credential {name}")
        raise ValueError('expected a text, { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }')

    @classmethod
    def _from_file(cls, path: Path, what: str) -> "Secret":
        try:
            found = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _Absent(f"{what} cannot be read: {error}") from None
        if not found:
            raise _Absent(f"{what} is empty")
        return cls(found)
