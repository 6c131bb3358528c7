"""What answers programs: a token or a session lets in, and what goes wrong is told in JSON (RFC 9457)."""

from http import HTTPStatus
from typing import Any, Final

import msgspec

from stockhook.web.access import Actor, bearer
from stockhook.web.base import RETRY_AFTER, SENTENCES, BaseHandler, PageError

PROBLEM: Final = "application/problem+json"
"""The media type of what went wrong."""

_MISSING: Final = (
    "this address wants a token of [[admin.tokens]], sent as `Authorization: Bearer TOKEN`; "
    "`stockhook admin token NAME` makes one"
)
_UNKNOWN: Final = "no token of [[admin.tokens]] is this one; it may have been replaced"
_UNWANTED: Final = f"{_UNKNOWN}. No password is set, so none is asked for: leave the Authorization header out"
_READS_ONLY: Final = 'the token {name} may only read; this needs one whose scope is "write"'


class ProgramHandler(BaseHandler):
    """An answer for programs: GET and HEAD want the scope read, everything else write."""

    def admit(self) -> Actor:
        """Return who asks; raises PageError (401, 403) for no token, a wrong one, or one that may not do this."""
        token = bearer(self.request.headers.get("Authorization"))
        actor = self.site.access.program(token, self.session_cookie())
        if actor is None:
            unknown = _UNKNOWN if self.site.access.guarded else _UNWANTED
            raise PageError(HTTPStatus.UNAUTHORIZED, _MISSING if token is None else unknown)
        if not (actor.may_write or self.request.method in {"GET", "HEAD", "OPTIONS"}):
            raise PageError(HTTPStatus.FORBIDDEN, _READS_ONLY.format(name=actor.name.partition(":")[2]))
        return actor

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the problem details of RFC 9457, without internals."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        general = SENTENCES.get(status_code, "The request could not be answered.")
        self.problem(status_code, error.sentence if isinstance(error, PageError) else general)

    def problem(self, status: int, detail: str, **more: Any) -> None:
        """End the answer with problem details; ``more`` are members of its own."""
        self.set_status(status)
        if status == HTTPStatus.UNAUTHORIZED:
            self.set_header("WWW-Authenticate", 'Bearer realm="stockhook"')
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.set_header("Retry-After", RETRY_AFTER)
        self.set_header("Content-Type", PROBLEM)
        told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
        self.finish(msgspec.json.encode(told | more))
