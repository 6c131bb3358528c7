"""Who asks on the admin listener, and what they may: persons by their session, programs by their token."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from stockhook.clock import Clock
from stockhook.config.tables import Admin
from stockhook.web.doorkeeper import Doorkeeper
from stockhook.web.sessions import HOURS, Session, Sessions

LOCAL: Final = "local"
"""Stands for a name where no password is asked for: whoever can reach the listener."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, as the ledger and the audit name them: ``web:NAME`` or ``api:NAME``.

    ``may_write``: the scope is write, not read. ``session`` is what a log-out ends; None where nobody logged in.
    """

    name: str
    may_write: bool = True
    session: Session | None = None


class Access:
    """Decides who is let in, as ``[admin]`` says; no password lets in everybody who reaches the listener.

    ``doorkeeper`` checks passwords, ``sessions`` is None without one. ``unkept`` are the sessions, by their ids, that
    were logged out here and that no store knows of yet.
    """

    def __init__(self, admin: Admin, clock: Clock) -> None:
        self._clock = clock
        self.doorkeeper = Doorkeeper(clock)
        self._ended: dict[str, float] = {}
        self.unkept: set[str] = set()
        self.sessions: Sessions | None = None
        self.renew(admin)

    def renew(self, admin: Admin) -> bool:
        """Go by these tables from now on; a password that is the same keeps its sessions, a new one ends them.

        Return whether all of it is in force: a password that is gone stays until a restart, since the listener may be
        one that everybody can reach.
        """
        self._tokens = admin.tokens
        if admin.password_hash is None:
            return self.sessions is None
        written = admin.password_hash.reveal()
        if self.sessions is None or self.sessions.password_hash != written:
            self.sessions = Sessions(written, self._clock, self._ended)
        return True

    @property
    def guarded(self) -> bool:
        """Tell whether one must log in."""
        return self.sessions is not None

    def person(self, cookie: str | None) -> Actor | None:
        """Return who holds the session of this cookie; without a password everybody is let in."""
        if self.sessions is None:
            return Actor(f"web:{LOCAL}")
        session = self.sessions.read(cookie)
        return Actor(f"web:{session.name}", session=session) if session else None

    def end(self, session: Session) -> None:
        """Have a session end now, for copies of its cookie as well."""
        self.unkept.add(session.id)
        self.recall((session.id,))

    def recall(self, sessions: Iterable[str]) -> None:
        """Let nobody in any more by these sessions, by their ids; forget those that are too old by now anyway."""
        now = self._clock.now().timestamp()
        for old in [known for known, at in self._ended.items() if at <= now - HOURS * 3600]:
            del self._ended[old]
        for session in sessions:
            self._ended.setdefault(session, now)

    def program(self, token: str | None, cookie: str | None) -> Actor | None:
        """Return who holds this token; without one the person who holds the session, so that their browser may ask."""
        if token is None:
            return Actor(f"api:{LOCAL}") if self.sessions is None else self.person(cookie)
        given = "sha256:" + hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        found = [known for known in self._tokens if hmac.compare_digest(known.hash, given)]
        return Actor(f"api:{found[0].name}", may_write=found[0].scope == "write") if found else None


def bearer(authorization: str | None) -> str | None:
    """Return the token of an Authorization header; None for a scheme other than Bearer, which a proxy may use."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else None
