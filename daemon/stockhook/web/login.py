"""Logging in and out: one password, and a name that the ledger and the audit keep."""

import unicodedata
from http import HTTPStatus
from typing import Final

from stockhook import log
from stockhook.web.access import LOCAL
from stockhook.web.base import RETRY_AFTER, BaseHandler, local_path
from stockhook.web.log_outs import LogOuts
from stockhook.web.sessions import HOURS, Sessions

logger = log.get(__name__)

LONGEST_NAME: Final = 40
"""Characters of a name."""

_LONGEST_WRITTEN: Final = 4 * LONGEST_NAME
"""Characters of a name as it is sent, with accents apart from their letters and blanks around it."""

_SIGNS: Final = frozenset(" ._-@'+")
"""What a name may have beside letters with their marks, and digits."""

_BAD_NAME: Final = (
    f"A name has at most {LONGEST_NAME} letters, digits, blanks and . _ - @ ' +, begins with a letter or a digit, and "
    f'is not "{LOCAL}". It is written beside all that you do.'
)
_WRONG: Final = "The password is wrong."
_CROWDED: Final = "Too many people log in at this moment. Try again in a few seconds."
_OFTEN: Final = "Too many wrong passwords. Nobody is asked again from where you are for {minutes}; then try again."
_LOST: Final = "You were logged out meanwhile, so what you sent was not done. Log in and send it again."


class LoginPage(BaseHandler):
    """Asks for the password and a name, and leads back to the page that was asked for."""

    PUBLIC = True

    def get(self) -> None:
        """Show the form."""
        back = local_path(self.get_query_argument("back", "/"))
        if self.site.access.person(self.session_cookie()):
            self.redirect(back, status=HTTPStatus.SEE_OTHER)
        else:
            self.form(HTTPStatus.OK, back, _LOST if self.get_query_argument("lost", "") else "")

    async def post(self) -> None:
        """Log in, or say why not; what is wrong is never told apart from what is nearly right."""
        back = local_path(self.get_body_argument("back", "/"))
        name = called(self.get_body_argument("name", ""))
        sessions, doorkeeper = self.site.access.sessions, self.site.access.doorkeeper
        if sessions is None:
            self.redirect(back, status=HTTPStatus.SEE_OTHER)
            return
        if not name:
            self.form(HTTPStatus.BAD_REQUEST, back, _BAD_NAME)
            return
        if doorkeeper.crowded:
            self.set_header("Retry-After", RETRY_AFTER)
            self.form(HTTPStatus.SERVICE_UNAVAILABLE, back, _CROWDED, name)
            return
        address = self.request.remote_ip or ""
        wait = doorkeeper.throttle.attempt(address)
        if wait:
            self.set_header("Retry-After", str(wait))
            minutes = "a minute" if wait <= 60 else f"{-(-wait // 60)} minutes"  # noqa: PLR2004 - seconds
            self.form(HTTPStatus.TOO_MANY_REQUESTS, back, _OFTEN.format(minutes=minutes), name)
        elif await doorkeeper.knows(sessions.password_hash, self.get_body_argument("password", "", strip=False)):
            doorkeeper.throttle.passed(address)
            logger.info("logged in", actor=f"web:{name}", peer=address)
            self.begin(sessions, name)
            self.redirect(back, status=HTTPStatus.SEE_OTHER)
        else:
            logger.warning("log-in refused: wrong password", peer=address)
            self.form(HTTPStatus.FORBIDDEN, back, _WRONG, name)

    def begin(self, sessions: Sessions, name: str) -> None:
        """Hand out the cookie of a new session."""
        self.set_cookie(
            sessions.cookie,
            sessions.begin(name),
            path=self.cookie_path,
            max_age=HOURS * 3600,
            httponly=True,
            samesite="Strict",
            secure=self.request.protocol == "https",
        )

    def form(self, status: HTTPStatus, back: str, said: str, name: str = "") -> None:
        """Answer with the form, and with what there is to say."""
        self.set_status(status)
        self.finish(self.filled("login.html", back=back, wrong=said, name=name, hours=HOURS))


class LogoutAction(BaseHandler):
    """The button that ends a session."""

    PUBLIC = True

    async def post(self) -> None:
        """End it, wherever a copy of its cookie may be, and for good."""
        access = self.site.access
        actor = access.person(self.session_cookie())
        if access.sessions and actor and actor.session:
            access.end(actor.session)
            await LogOuts(access, self.site.desk, self.site.actions).keep()
            self.clear_cookie(access.sessions.cookie, path=self.cookie_path)
            logger.info("logged out", actor=actor.name)
        self.redirect("/login", status=HTTPStatus.SEE_OTHER)


def called(written: str) -> str:
    """Return a name as it is kept, or nothing for one that cannot be.

    One that is far too long is not even looked at: whoever sends it has not logged in, and holds up the event loop.
    """
    if len(written) > _LONGEST_WRITTEN:
        return ""
    name = " ".join(unicodedata.normalize("NFC", written).split())
    kinds = [unicodedata.category(each)[0] for each in name]
    fits = all(kind in "LMN" or each in _SIGNS for kind, each in zip(kinds, name, strict=True))
    if not fits or len(name) > LONGEST_NAME or kinds[:1] not in (["L"], ["N"]) or name.casefold() == LOCAL:
        return ""
    return name
