"""Whether a request comes from the store: the token in its path, and HTTP Basic where that is configured.

Secrets are compared as digests, and with every configured one, so that neither the time taken nor the text of a
refusal tells anything about them.
"""

import binascii
import hmac
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from stockhook.plugin import NoSuchToken, Rejected, Request, Secret

_SCHEME = "basic "


class Authentication:
    """The secrets of one channel, held as digests."""

    def __init__(self, tokens: Iterable[Secret], username: str | None, passwords: Iterable[Secret]) -> None:
        """Take one or two tokens and, for HTTP Basic, a user name (without ``:``) with one or two passwords."""
        self._tokens = [_digest(token.reveal()) for token in tokens]
        # user name and password as one text, as they are sent: a password may hold ":" and nothing needs to be cut
        self._credentials = [_digest(f"{username}:{password.reveal()}") for password in passwords]
        if not self._tokens:
            raise ValueError("a channel without a token would believe anyone")
        if username is not None and not self._credentials:
            raise ValueError("a user name without a password would believe anyone")

    def check(self, request: Request) -> None:
        """Return if the request may be believed; raises NoSuchToken for its path, Rejected for its credentials."""
        if not _matches(self._tokens, _digest(request.token)):
            raise NoSuchToken("no such webhook")
        if not self._credentials:
            return
        sent = list(_sent(request.headers))
        if not sent:
            raise Rejected("HTTP Basic credentials are required and none were sent")
        if not any([_matches(self._credentials, sha256(each).digest()) for each in sent]):  # noqa: C419 - no short cut
            raise Rejected("wrong HTTP Basic credentials")


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _matches(known: Iterable[bytes], found: bytes) -> bool:
    matched = False
    for each in known:
        matched |= hmac.compare_digest(each, found)
    return matched


def _sent(headers: Mapping[str, str]) -> Iterator[bytes]:
    """Yield ``user:password`` of each header that may carry it (ultracart.md 1.5)."""
    standard = headers.get("authorization", "").strip()
    if standard[: len(_SCHEME)].lower() == _SCHEME:
        yield _decoded(standard[len(_SCHEME) :])
    # the same credentials again, for web servers that keep Authorization from the program behind them
    spare = headers.get("x-authorization-basic", "").strip()
    if spare:
        yield _decoded(spare[len(_SCHEME) :] if spare[: len(_SCHEME)].lower() == _SCHEME else spare)


def _decoded(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text.strip().encode("ascii"), strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError are ValueErrors
        return b""  # no credentials have this digest: they hold at least the ":"
