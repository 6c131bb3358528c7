"""No page, form or route takes a body beyond its limit, and whoever sends one gets an answer that says so."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from stockhook.testing.pages import GUARDED, Pages, open_pages
from stockhook.web.body_limit import LARGEST
from stockhook.web.login import LONGEST_NAME, called

FORM = "application/x-www-form-urlencoded"
PARTS = 'multipart/form-data; boundary="b"'


@pytest.fixture
def pages(tmp_path: Any) -> Pages:
    return open_pages(tmp_path, GUARDED)


def pieces(size: int) -> Iterator[bytes]:
    """Yield a body in pieces, whose length nobody has been told."""
    for _ in range(0, size, LARGEST // 8):
        yield b"x" * (LARGEST // 8)


@pytest.mark.parametrize(
    "path", ["/login", "/", "/items/SOAP/receive", "/api/v1/stock/receive", "/nothing", "/metrics"]
)
@pytest.mark.parametrize("media", [FORM, PARTS, "application/json"])
async def test_a_body_that_is_too_large_is_answered_with_413(ask: Any, path: str, media: str) -> None:
    answer = await ask(path, method="POST", body=b"name=" + b"x" * 2 * LARGEST, headers={"Content-Type": media})
    assert answer.code == 413
    assert f"the body has {2 * LARGEST + 5} bytes; at most {LARGEST} are read" in answer.body.decode()
    if path.startswith("/api"):
        assert msgspec.json.decode(answer.body)["type"] == "urn:stockhook:error:too-large"


async def test_a_body_that_comes_in_chunks_is_counted(http_client: AsyncHTTPClient, base_url: str) -> None:
    async def sent(size: int) -> HTTPResponse:
        async def produce(write: Any) -> None:
            for piece in pieces(size):
                await write(piece)

        return await http_client.fetch(f"{base_url}/login", method="POST", body_producer=produce, raise_error=False)

    assert (await sent(LARGEST + 1)).code == 413
    assert (await sent(LARGEST)).code == 400  # no name is in it


async def test_a_body_that_just_fits_is_read_whole(ask: Any) -> None:
    name, rest = b"name=Ann&password=wrong&more=", LARGEST
    body = name + b"x" * (rest - len(name))
    answer = await ask("/login", method="POST", body=body, headers={"Content-Type": FORM})
    assert answer.code == 403
    assert b"The password is wrong." in answer.body


class Endless(str):
    """A name that must not be gone through."""

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("it was looked at")

    def split(self, *_: Any) -> list[str]:  # type: ignore[override]
        raise AssertionError("it was looked at")


def test_a_name_that_is_far_too_long_is_not_looked_at() -> None:
    assert called(Endless("a" * 100_000)) == ""
    assert called("a" * LONGEST_NAME) == "a" * LONGEST_NAME
    assert called("  " + "a\u0308" * LONGEST_NAME + "  ") == "\u00e4" * LONGEST_NAME
