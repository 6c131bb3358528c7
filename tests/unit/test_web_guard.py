"""Who may ask, what every answer carries, and how it fails."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.netutil import bind_unix_socket

from stockhook.errors import BadBooking, BadQuantity, NotFound, Refused, StockhookError, StoreUnavailable
from stockhook.testing.pages import Pages
from stockhook.web.assets import TYPES, asset
from stockhook.web.base import is_loopback

PATHS = ["/", "/deliveries", "/events", "/items", "/problems", "/plugins", "/search", "/nothing", "/static/nothing.js"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "::1"])
def test_loopback_names_are_ours(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "example.com", "localhost.example.com", "10.0.0.1", "0.0.0.0", "127.0.0.1.example.com", "[", "2130706433"],
)
def test_other_names_are_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("path", [*PATHS, "/healthz", "/static/pico.min.css"])
async def test_another_host_name_is_refused_with_a_sentence(ask: Any, path: str) -> None:
    answer = await ask(path, headers={"Host": "stock.example.com:8461"})
    assert answer.code == 403
    assert b"this machine&#39;s own names only" in answer.body


async def test_a_unix_socket_needs_no_loopback_name(pages: Pages, tmp_path: Path) -> None:
    import socket

    server = HTTPServer(pages.application())
    path = str(tmp_path / "admin.sock")
    server.add_socket(bind_unix_socket(path))
    stream = IOStream(socket.socket(socket.AF_UNIX))
    await stream.connect(path)  # type: ignore[arg-type]
    await stream.write(b"GET / HTTP/1.1\r\nHost: pages.example.com\r\nConnection: close\r\n\r\n")
    answer = await stream.read_until_close()
    server.stop()
    await server.close_all_connections()
    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:1"},
    ],
)
async def test_a_form_of_another_site_is_refused(ask: Any, pages: Pages, headers: dict[str, str]) -> None:
    pages.shop.send(b"unreadable")
    answer = await ask("/problems/1/acknowledge", {}, headers=headers)
    assert answer.code == 403
    assert b"came from another site" in answer.body
    assert pages.shop.problems() == {"quarantined"}


async def test_our_own_forms_are_believed(ask: Any, pages: Pages, base_url: str) -> None:
    pages.shop.send(b"unreadable")
    answer = await ask("/problems/1/acknowledge", {}, headers={"Origin": base_url, "Sec-Fetch-Site": "same-origin"})
    assert answer.code == 200
    assert pages.shop.problems() == set()


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_carries_the_headers_that_keep_it_safe(ask: Any, path: str) -> None:
    headers = (await ask(path)).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
    assert {policy[name] for name in ("frame-ancestors", "base-uri")} == {"'none'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Server" not in headers
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/events/99",
        "/events/0",
        "/events/99999999999999999999999",
        "/deliveries/99",
        "/deliveries/99/body",
        "/units/99",
        "/problems/99",
        "/items/NOTHING",
        "/orders/ultracart:DEMO/NOTHING",
        "/static/../app.py",
        "/static/README.md",
    ],
)
async def test_what_does_not_exist_is_a_page_of_its_own(ask: Any, path: str) -> None:
    answer = await ask(path)
    assert answer.code == 404
    assert b"To the overview" in answer.body


async def test_an_action_has_no_page(ask: Any) -> None:
    answer = await ask("/events/1/replay")
    assert answer.code == 405
    assert b"To the overview" in answer.body


@contextmanager
def _broken(pages: Pages, error: Exception) -> Iterator[None]:
    def read() -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages.shop.store, "read", read)
        yield


async def test_what_no_rule_foresaw_shows_no_internals(ask: Any, pages: Pages, caplog: Any) -> None:
    with _broken(pages, RuntimeError("secret detail")), caplog.at_level(logging.CRITICAL):
        answer = await ask("/items?q=Sample+Person")
    assert answer.code == 500
    assert b"secret detail" not in answer.body
    assert b"Traceback" not in answer.body
    assert b"log says what" in answer.body


async def test_a_store_that_cannot_be_reached_is_said_so(ask: Any, pages: Pages) -> None:
    with _broken(pages, StoreUnavailable("the disk is full")):
        answer = await ask("/events")
    assert (answer.code, answer.headers["Retry-After"]) == (503, "5")
    assert b"the disk is full" in answer.body


@pytest.mark.parametrize("path", ["/items/a%00b", "/orders/a%00/b", "/orders/a/b%00/lines/1", "/items/%00/receive"])
@pytest.mark.parametrize("form", [None, {"quantity": "1"}])
async def test_the_store_is_not_asked_for_a_name_with_a_zero_byte(
    ask: Any, pages: Pages, path: str, form: dict[str, str] | None
) -> None:
    with _broken(pages, AssertionError("the store was asked")):
        answer = await ask(path, form)
    assert answer.code == 404
    assert b"holds a zero byte" in answer.body


@pytest.mark.parametrize(("error", "status"), [(BadBooking, 422), (BadQuantity, 422), (Refused, 422), (NotFound, 404)])
async def test_a_page_that_meets_a_rule_says_which(
    ask: Any, pages: Pages, error: type[StockhookError], status: int
) -> None:
    with _broken(pages, error("1.5 x 0.333333 has more than 6 decimal places")):
        answer = await ask("/events")
    assert answer.code == status
    assert b"1.5 x 0.333333 has more than 6 decimal places" in answer.body


async def test_the_probes_answer_here_too(ask: Any, pages: Pages) -> None:
    assert (await ask("/healthz")).body == b"ok\n"
    pages.health.ready = lambda: "store"
    answer = await ask("/readyz")
    assert (answer.code, answer.body) == (503, b"store\n")
    assert (await ask("/healthz", method="HEAD")).code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/events", "GET, HEAD"),
        ("DELETE", "/problems/1/acknowledge", "POST"),
        ("DELETE", "/items", "GET, HEAD, POST"),
    ],
)
async def test_a_method_that_is_not_answered_to_is_told_which_are(
    ask: Any, method: str, path: str, allowed: str
) -> None:
    answer = await ask(path, method=method, body="" if method == "POST" else None)
    assert (answer.code, answer.headers["Allow"]) == (405, allowed)


async def test_pages_answer_to_head(ask: Any) -> None:
    answer = await ask("/events", method="HEAD")
    assert (answer.code, answer.body) == (200, b"")


@pytest.mark.parametrize("name", sorted(TYPES))
async def test_files_are_kept_for_ever_under_the_address_of_their_digest(ask: Any, name: str) -> None:
    answer = await ask(f"/static/{name}?v={asset(name).digest}")
    assert answer.body == (resources.files("stockhook.web") / "static" / name).read_bytes()
    assert answer.headers["Content-Type"] == TYPES[name]
    assert "immutable" in answer.headers["Cache-Control"]
    assert "immutable" not in (await ask(f"/static/{name}?v=other")).headers["Cache-Control"]


def test_vendored_files_are_those_that_their_table_names() -> None:
    folder = resources.files("stockhook.web") / "static"
    table = (folder / "README.md").read_text()
    assert re.search(r'version:"([\d.]+)"', (folder / "htmx.min.js").read_text())[1] in table  # type: ignore[index]
    assert re.search(r"Pico CSS \S+ v([\d.]+)", (folder / "pico.min.css").read_text())[1] in table  # type: ignore[index]
    assert "Zero-Clause BSD" in (folder / "htmx-LICENSE").read_text()
    assert "MIT License" in (folder / "pico-LICENSE.md").read_text()


@pytest.mark.parametrize("template", [file.name for file in (resources.files("stockhook.web") / "templates").iterdir()])
def test_no_template_holds_script_or_style_of_its_own(template: str) -> None:
    text = (resources.files("stockhook.web") / "templates" / template).read_text()
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:|hx-on|\| *safe", text)
    assert not re.search(r"https?://", text)
