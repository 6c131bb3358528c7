"""Sessions: who logged in and when, in a signed cookie, so that they outlive a restart and a log-in needs no store."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from stockhook.clock import Clock
from stockhook.operations.log_outs import SESSION

HOURS: Final = SESSION // timedelta(hours=1)
"""Hours from a log-in to the end of its session."""


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in: the name that was given with it, and its own random id."""

    name: str
    id: str


class Sessions:
    """Makes and reads the cookies of one password.

    Their key is derived from the password's hash, so that a new password ends all of them. The cookie's name is too:
    browsers send the cookies of one host to all its ports, and two installations must not end each other's sessions.
    """

    def __init__(self, password_hash: str, clock: Clock, ended: Container[str] = ()) -> None:
        """Take the hash, the clock, and what tells which sessions were logged out, by their ids."""
        self.password_hash = password_hash
        self._key = _derived(password_hash, "sessions")
        self.cookie = f"stockhook_{_derived(password_hash, 'name of the cookie').hex()[:8]}"
        self._clock = clock
        self._ended = ended

    def begin(self, name: str) -> str:
        """Return the cookie of a new session."""
        from tornado.web import create_signed_value

        value = json.dumps([name, secrets.token_urlsafe(12)])
        return create_signed_value(self._key, self.cookie, value, version=2, clock=self._now).decode("ascii")

    def read(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie; None for one that is not ours, is too old, or was logged out."""
        if cookie is None or not cookie.isascii():
            return None
        from tornado.web import decode_signed_value

        found = decode_signed_value(
            self._key, self.cookie, cookie, max_age_days=HOURS / 24, clock=self._now, min_version=2
        )
        if found is None:
            return None
        name, session_id = json.loads(found)
        return None if session_id in self._ended else Session(name, session_id)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _derived(password_hash: str, purpose: str) -> bytes:
    """Return a key of 32 bytes for this purpose alone."""
    return hmac.digest(password_hash.encode(), f"stockhook {purpose}".encode(), hashlib.sha256)
