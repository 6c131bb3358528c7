"""What every answer of the admin listener has in common: who may ask, its headers, and how it fails."""

import ipaddress
import re
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode

from tornado.web import HTTPError, RequestHandler

from stockhook import log
from stockhook.errors import NotFound, StockhookError, StoreUnavailable
from stockhook.web import templates
from stockhook.web.access import Actor
from stockhook.web.body_limit import too_large
from stockhook.web.site import Site
from stockhook.web.threads import Threads

logger = log.get(__name__)

R = TypeVar("R")

RETRY_AFTER: Final = "5"
"""Seconds after which to try again where the store cannot be used, the same is being done, or many log in."""

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; "
    "img-src 'self' data:"  # Pico draws its arrows and ticks from data: addresses in its own style sheet
)

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with it browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_METHODS: Final = ("get", "head", "post")

SENTENCES: Final = {
    400: "The request could not be understood.",
    403: "The request came from another site than these pages, so nothing was done.",
    404: "There is no such page. The address may be mistyped, or belong to another installation.",
    405: "This address does not answer to that kind of request.",
    500: "Something went wrong in stockhook itself; the daemon's log says what.",
}
"""What a status means, where nothing better is known."""

_WRONG_HOST: Final = (
    "These pages answer to this machine's own names only: localhost, 127.0.0.1 or [::1]. To see them from elsewhere, "
    "forward the port, for example with ssh -L, and open them as localhost; or set a password ([admin] password_hash)."
)


class PageError(HTTPError):
    """An answer other than the page asked for; ``sentence`` tells a person why and what to do."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status)
        self.sentence = sentence


class LogInFirst(HTTPError):
    """Who asks has to log in; ``lost``: what was sent is not done and has to be sent again."""

    def __init__(self, back: str, *, lost: bool) -> None:
        super().__init__(HTTPStatus.SEE_OTHER)
        self.back = back
        self.lost = lost


class BaseHandler(RequestHandler):
    """An answer of the admin listener; ``site`` is given in the list of routes.

    It is for persons who have logged in, unless a class says otherwise; ``actor`` is who asks, and None where
    ``PUBLIC`` lets in everybody.
    """

    PUBLIC: ClassVar[bool] = False

    def initialize(self, site: Site) -> None:
        """Take what every page works with."""
        self.site = site
        self.admitted: Actor | None = None

    def set_default_headers(self) -> None:
        """Set what every answer has, errors included."""
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Let in, or refuse: without a password, what was sent to another name than this machine's (DNS rebinding).

        What is too large was not kept, so nobody can be asked who sent it.
        """
        guarded = self.site.access.guarded
        if not guarded and not self._over_unix_socket() and not is_loopback(self.request.host_name):
            raise PageError(HTTPStatus.FORBIDDEN, _WRONG_HOST)
        if reason := too_large(self.request):
            raise PageError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Nothing was done: {reason}.")
        if not self.PUBLIC:
            self.admitted = self.admit()

    def admit(self) -> Actor:
        """Return who asks; raises LogInFirst for someone who has no session."""
        actor = self.site.access.person(self.session_cookie())
        if actor is None:
            asked = self.request.method in {"GET", "HEAD"}
            raise LogInFirst((self.request.uri or "/") if asked else "/", lost=not asked)
        return actor

    @property
    def actor(self) -> Actor:
        """Who asks; of an answer that is not public alone."""
        assert self.admitted is not None
        return self.admitted

    @property
    def person(self) -> str:
        """Who has logged in, for the head of each page; empty for nobody."""
        session = self.admitted.session if self.admitted else None
        return session.name if session else ""

    def session_cookie(self) -> str | None:
        """Return the cookie that may hold a session."""
        sessions = self.site.access.sessions
        return self.get_cookie(sessions.cookie) if sessions else None

    @property
    def cookie_path(self) -> str:
        """Where cookies are sent to: these pages alone."""
        return self.site.settings.server.path_prefix or "/"

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:  # noqa: FBT001, FBT002 - Tornado's
        """Lead to another address of these pages, written as the daemon knows it, or elsewhere."""
        super().redirect(self.link(url), permanent, status)

    def link(self, path: str) -> str:
        """Return an address of these pages as the world knows it: behind the prefix of the proxy."""
        return self.site.settings.server.path_prefix + path if path.startswith("/") else path

    def filled(self, template: str, **values: Any) -> bytes:
        """Return the filled page, with what the head of each page shows."""
        prefix = self.site.settings.server.path_prefix
        return templates.render(template, prefix, person=self.person, path=self.request.path, **values)

    @property
    def asked_for(self) -> str:
        """What was asked for, as logs name it: without the address, whose query holds what a person searched for."""
        return type(self).__name__

    async def in_thread(self, work: Callable[[], R], threads: Threads | None = None) -> R:
        """Run ``work`` in a thread, with the context of the request; what stockhook raises becomes the answer.

        What may book, and so wait for whoever writes, takes no thread from what only reads.
        """
        reads = self.request.method in {"GET", "HEAD"}
        threads = threads or (self.site.reads if reads else self.site.actions)
        try:
            return await threads.run(work, ending=self.site.ending)
        except StockhookError as error:
            if isinstance(error, StoreUnavailable):
                logger.warning("request could not be answered", asked_for=self.asked_for, error=str(error))
            raise self.answer_to(error) from error

    def answer_to(self, error: StockhookError) -> PageError:
        """Return what to answer where ``error`` was raised."""
        match error:
            case StoreUnavailable():
                sentence = f"The store cannot be used right now: {error}. Nothing was lost; try again in a moment."
                return PageError(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
            case NotFound():
                return PageError(HTTPStatus.NOT_FOUND, str(error))
        return PageError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a page that says what went wrong, without internals."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, LogInFirst):
            self._lead_to_log_in(error)
            return
        if status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            self.set_header("Retry-After", RETRY_AFTER)
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self._methods()))  # RFC 9110, 15.5.6
        general = SENTENCES.get(status_code, "The request could not be answered.")
        sentence = error.sentence if isinstance(error, PageError) else general
        title = HTTPStatus(status_code).phrase
        self.finish(self.filled("error.html", status=status_code, title=title, sentence=sentence))

    def _methods(self) -> list[str]:
        """Return the methods that this address answers to."""
        own = [name for name in _METHODS if getattr(type(self), name) is not getattr(RequestHandler, name)]
        return [name.upper() for name in own if name != "head" or "get" in own]

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what no rule foresaw."""
        if not isinstance(value, HTTPError):
            logger.error("page failed", page=self.asked_for, exc_info=(typ, value, tb))

    def _lead_to_log_in(self, error: LogInFirst) -> None:
        """Lead to the log-in page, and from there back; a part of a page that asks by itself has the page go there."""
        if self._came_by_link():
            # Browsers keep our cookie to requests that begin on our own pages; a link in a mail begins elsewhere.
            path = local_path(error.back)
            self.set_status(HTTPStatus.OK)
            self.finish(self.filled("onward.html", onward=path, refresh=self.link(path)))
            return
        address = "/login?" + urlencode({"back": error.back, **({"lost": "yes"} if error.lost else {})})
        if self.request.headers.get("HX-Request"):
            self.set_status(HTTPStatus.OK)
            self.set_header("HX-Redirect", self.link(address))
            self.finish()
        else:
            self.redirect(address, status=HTTPStatus.SEE_OTHER)

    def _came_by_link(self) -> bool:
        """Tell whether a browser follows a link of another site."""
        asked = self.request.headers.get
        return asked("Sec-Fetch-Site") == "cross-site" and asked("Sec-Fetch-Mode") == "navigate"

    def _over_unix_socket(self) -> bool:
        context = getattr(self.request.connection, "context", None)
        return getattr(context, "address_family", None) == socket.AF_UNIX


class NotFoundPage(BaseHandler):
    """Answers what no route knows."""

    def prepare(self) -> None:
        """Answer 404 to whoever is let in."""
        super().prepare()
        raise HTTPError(HTTPStatus.NOT_FOUND)


def local_path(written: str) -> str:
    """Return a path of these pages, as written or ``/``: no other site, and no way back to the log-in itself."""
    fits = re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", written)
    return written if fits and not re.match(r"/log(?:in|out)\b", written) else "/"


def is_loopback(host: str) -> bool:
    """Tell whether a Host header, without its port, is a name that only this machine answers to."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
