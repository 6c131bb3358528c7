"""What can go wrong with a request, as problem details (RFC 9457); ``type`` is a word that stays."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final

from msgspec import Meta, Struct

from stockhook.errors import NotFound, StockhookError, StoreUnavailable
from stockhook.operations.answers import AnswerLost, Busy, OtherRequest
from stockhook.web.base import PageError

TYPE: Final = "urn:stockhook:error:"
"""What each ``type`` begins with."""

MEANINGS: Final[Mapping[str, tuple[HTTPStatus, str]]] = {
    "bad-request": (HTTPStatus.BAD_REQUEST, "A parameter, a header or the body is not as described; see `parameter`."),
    "no-token": (HTTPStatus.UNAUTHORIZED, "A token is wanted, and there is none, or one that is not known."),
    "forbidden": (HTTPStatus.FORBIDDEN, "The token may only read, or the request comes from another site."),
    "not-found": (HTTPStatus.NOT_FOUND, "There is no such address, or nothing by the name that was given."),
    "method-not-allowed": (HTTPStatus.METHOD_NOT_ALLOWED, "The address does not answer to this method; see `Allow`."),
    "busy": (HTTPStatus.CONFLICT, "What was sent with this Idempotency-Key is being done at this moment."),
    "answer-lost": (
        HTTPStatus.CONFLICT,
        "What was sent with this Idempotency-Key was begun, and its answer was lost; it is not done again.",
    ),
    "too-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than any that is understood."),
    "not-json": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is not sent as `application/json`."),
    "refused": (HTTPStatus.UNPROCESSABLE_ENTITY, "The rules do not allow it; nothing was changed. `detail` says why."),
    "other-request": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The Idempotency-Key was used for another request within 24 hours; nothing was changed.",
    ),
    "internal": (HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong in stockhook itself; its log says what."),
    "unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "The store cannot be used right now; try again soon."),
}
"""The words, with the status each comes with and what it means."""

_OF_STATUS: Final = {status: word for word, (status, _) in reversed(tuple(MEANINGS.items()))}


class Fault(Struct, frozen=True, kw_only=True):
    """Problem details (RFC 9457): what went wrong, for programs by ``type``, for people by ``detail``."""

    type: Annotated[str, Meta(description="Stays the same; what each means is listed in the reference.")]
    title: str
    status: int
    detail: str
    parameter: Annotated[str | None, Meta(description="The parameter or the place in the body that is wrong.")]


class FaultError(PageError):
    """An answer other than the one asked for; ``word`` is one of ``MEANINGS``."""

    def __init__(self, word: str, detail: str, parameter: str | None = None) -> None:
        super().__init__(MEANINGS[word][0].value, detail)
        self.word = word
        self.parameter = parameter


def bad(parameter: str | None, detail: str) -> FaultError:
    """Return what to raise for a parameter, or a place in the body, that is not as described."""
    return FaultError("bad-request", detail, parameter)


def of_error(error: StockhookError) -> FaultError:
    """Return what to answer where an operation raised ``error``."""
    match error:
        case StoreUnavailable():
            return FaultError("unavailable", f"the store cannot be used right now: {error}; try again in a moment")
        case NotFound():
            return FaultError("not-found", str(error))
        case OtherRequest():
            return FaultError("other-request", str(error))
        case Busy():
            return FaultError("busy", str(error))
        case AnswerLost():
            return FaultError("answer-lost", str(error))
    return FaultError("refused", str(error))


def fault(status: int, detail: str, word: str | None = None, parameter: str | None = None) -> Fault:
    """Return the problem details of an answer with this status."""
    known = HTTPStatus(status)
    word = word or _OF_STATUS.get(known, "bad-request")
    return Fault(type=TYPE + word, title=known.phrase, status=status, detail=detail, parameter=parameter)
