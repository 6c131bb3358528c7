"""Proxies in front: who is believed, and pages that stay under the path where a proxy shows them."""

import re
import socket
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from tornado.httputil import HTTPHeaders
from tornado.routing import PathMatches
from tornado.web import Application

from stockhook.config.tables import Server
from stockhook.config.values import OWN_WORDS
from stockhook.testing.pages import GUARDED, PASSWORD, Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.web.proxies import Proxies

PREFIX = "/stock/office"
DAY = "2026-12-01T12:00:00+00:00"


@dataclass
class Connection:
    remote_ip: str = "10.0.0.1"
    address_family: int = socket.AF_INET
    protocol: str = "http"


TRUSTED = Proxies.of(Server.model_validate({"trusted_proxies": ["10.0.0.0/8", "2001:db8::1"]}))
OVER_SOCKET = Proxies.of(Server.model_validate({"trusted_proxies": ["unix"]}))
SOCKET = Connection("0.0.0.0", socket.AF_UNIX)


@pytest.mark.parametrize(
    ("proxies", "connection", "passed", "client"),
    [
        (TRUSTED, Connection(), "192.0.2.7", "192.0.2.7"),
        (TRUSTED, Connection(), None, "10.0.0.1"),
        (TRUSTED, Connection(), "", "10.0.0.1"),
        # what the client itself has sent stands on the left, where nobody looks
        (TRUSTED, Connection(), "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        (TRUSTED, Connection(), "198.51.100.1, 192.0.2.7, 10.1.1.1", "192.0.2.7"),
        (TRUSTED, Connection(), "10.3.3.3, 10.1.1.1", "10.3.3.3"),
        (TRUSTED, Connection(), "192.0.2.7, nonsense, 10.1.1.1", "10.1.1.1"),
        (TRUSTED, Connection(), "192.0.2.7:4711", "192.0.2.7"),
        (TRUSTED, Connection(), "[2001:db8::7]:4711", "2001:db8::7"),
        (TRUSTED, Connection("::ffff:10.0.0.1", socket.AF_INET6), "2001:db8::7", "2001:db8::7"),
        (TRUSTED, Connection("2001:db8::1", socket.AF_INET6), "::ffff:192.0.2.7", "192.0.2.7"),
        (TRUSTED, Connection("192.0.2.9"), "198.51.100.1", "192.0.2.9"),
        (TRUSTED, SOCKET, "198.51.100.1", "0.0.0.0"),
        (OVER_SOCKET, SOCKET, "198.51.100.1", "198.51.100.1"),
        (OVER_SOCKET, Connection("127.0.0.1"), "198.51.100.1", "127.0.0.1"),
        (Proxies(), Connection("127.0.0.1"), "198.51.100.1", "127.0.0.1"),
    ],
)
def test_only_a_proxy_of_ours_says_who_asks(
    proxies: Proxies, connection: Connection, passed: str | None, client: str
) -> None:
    headers = HTTPHeaders() if passed is None else HTTPHeaders({"X-Forwarded-For": passed})
    assert proxies.client(connection, headers) == client


def test_forwarded_addresses_may_stand_in_several_headers() -> None:
    headers = HTTPHeaders()
    headers.add("X-Forwarded-For", "198.51.100.1")
    headers.add("X-Forwarded-For", "192.0.2.7")
    assert TRUSTED.client(Connection(), headers) == "192.0.2.7"


@pytest.mark.parametrize(
    ("connection", "said", "scheme"),
    [
        (Connection(), "https", "https"),
        (Connection(), "http, HTTPS", "https"),
        (Connection(), "https, http", "http"),
        (Connection(), "gopher", "http"),
        (Connection("192.0.2.9"), "https", "http"),
        (Connection("192.0.2.9", protocol="https"), "http", "https"),
    ],
)
def test_only_a_proxy_of_ours_says_how_the_client_asks(connection: Connection, said: str, scheme: str) -> None:
    assert TRUSTED.scheme(connection, HTTPHeaders({"X-Forwarded-Proto": said})) == scheme


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("/stock/events", "/events"),
        ("/stock", "/"),
        ("/stock/", "/"),
        ("/stock?said=x", "/?said=x"),
        ("/stockroom", "/stockroom"),
        ("/events", "/events"),
        ("/stock/stock", "/stock"),
        ("*", "*"),
    ],
)
def test_a_proxy_may_leave_the_prefix_on_or_take_it_off(asked: str, known: str) -> None:
    assert Proxies(prefix="/stock").path(asked) == known


class Found(HTMLParser):
    """The addresses on a page: all, and those that may be asked for without doing anything."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.all: list[str] = []
        self.pages: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.all += [value for name, value in attrs if value and value.startswith(("/", "?")) and name != "value"]
        self.pages += [values[name] for name in ("href", "src", "hx-get") if name in values]
        if tag == "form" and values.get("method", "get") == "get" and "action" in values:
            self.pages.append(values["action"])


class TestUnderAPrefix:
    """The pages behind a proxy that shows them at a path of its own."""

    @pytest.fixture
    def pages(self, tmp_path: Path) -> Pages:
        pages = open_pages(tmp_path, f'[server]\npath_prefix = "{PREFIX}/"\ntrusted_proxies = ["127.0.0.1"]' + GUARDED)
        pages.shop.stock(SOAP=10, SALT=1)
        for number, code in enumerate(("soap.", "SALT", "SOAP", '"/items/x" href="/y"')):
            pages.shop.send(envelope(order_ship(f"D-{number}", [line(code, 2, shipped=DAY)])))
        pages.shop.send(b"unreadable")
        return pages

    @pytest.fixture
    def app(self, pages: Pages) -> Application:
        return pages.application()

    @pytest.fixture
    def session(self, pages: Pages) -> dict[str, str]:
        assert pages.access.sessions
        return {"Cookie": f"{pages.access.sessions.cookie}={pages.access.sessions.begin('Ann')}"}

    async def test_the_reference_names_addresses_as_programs_ask_for_them(
        self, ask: Any, session: dict[str, str]
    ) -> None:
        page = (await ask(f"{PREFIX}/api", headers=session)).body.decode()
        assert f"GET {PREFIX}/api/v1/events" in page
        assert "GET /api/v1" not in page
        assert f">{PREFIX}/api/v1/openapi.json<" in page

    async def test_no_address_on_any_page_leads_out_of_it(self, ask: Any, session: dict[str, str]) -> None:
        waiting, seen = [f"{PREFIX}/"], set()
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            assert path.startswith(PREFIX), path
            answer = await ask(path, headers=session)
            assert answer.code in {200, 400}, path  # 400: a form's page, asked for without what it wants to know
            if not answer.headers["Content-Type"].startswith("text/html"):
                continue
            found = Found(answer.body)
            assert [each for each in found.all if not each.startswith((f"{PREFIX}/", "?"))] == [], path
            addresses = [urljoin(path, each) for each in found.pages if not each.startswith(("#", "data:"))]
            waiting += [each.partition("#")[0] for each in addresses if not urlsplit(each).netloc]
        kinds = {path.removeprefix(PREFIX).split("?")[0].split("/")[1] for path in seen}
        assert kinds >= {
            "",
            "problems",
            "events",
            "deliveries",
            "items",
            "units",
            "orders",
            "plugins",
            "search",
            "static",
        }

    async def test_what_an_action_says_is_shown_behind_the_prefix(self, ask: Any, session: dict[str, str]) -> None:
        answer = await ask(f"{PREFIX}/events/1/replay", {"confirmed": "yes"}, headers=session, follow_redirects=False)
        assert answer.code == 303
        assert answer.headers["Location"].startswith(f"{PREFIX}/events/1?said=")

    async def test_who_is_not_in_is_led_to_the_log_in_and_back(self, ask: Any) -> None:
        answer = await ask(f"{PREFIX}/events?state=short", follow_redirects=False)
        assert answer.headers["Location"] == f"{PREFIX}/login?back=%2Fevents%3Fstate%3Dshort"
        part = await ask(f"{PREFIX}/", headers={"HX-Request": "true"})
        assert part.headers["HX-Redirect"] == f"{PREFIX}/login?back=%2F"
        form = {"name": "Ann", "password": PASSWORD, "back": "/events?state=short"}
        done = await ask(f"{PREFIX}/login", form, follow_redirects=False)
        assert done.headers["Location"] == f"{PREFIX}/events?state=short"
        (cookie,) = SimpleCookie(done.headers["Set-Cookie"]).values()
        assert cookie["path"] == PREFIX

    async def test_an_error_page_leads_back_behind_the_prefix(self, ask: Any, session: dict[str, str]) -> None:
        answer = await ask(f"{PREFIX}/nothing", headers=session)
        assert answer.code == 404
        assert f'href="{PREFIX}/"' in answer.body.decode()

    @pytest.mark.parametrize(("said", "secure"), [("https", True), ("http", ""), ("", "")])
    async def test_the_cookie_is_for_tls_alone_where_the_proxy_has_it(
        self, ask: Any, said: str, secure: object
    ) -> None:
        form = {"name": "Ann", "password": PASSWORD}
        headers = {"X-Forwarded-Proto": said}
        done = await ask(f"{PREFIX}/login", form, headers=headers, follow_redirects=False)
        (cookie,) = SimpleCookie(done.headers["Set-Cookie"]).values()
        assert cookie["secure"] == secure

    async def test_whoever_guesses_behind_the_proxy_shuts_out_nobody_else(self, ask: Any) -> None:
        form = {"name": "Ann", "password": "wrong"}
        guess = {"X-Forwarded-For": "198.51.100.1"}
        codes = [(await ask("/login", form, headers=guess)).code for _ in range(6)]
        assert codes == [403] * 5 + [429]
        other = await ask("/login", form, headers={"X-Forwarded-For": "192.0.2.7"})
        assert other.code == 403


class TestBehindAnotherName:
    """A proxy that asks by a name of its own: the browser's address is told by ``[admin] public_url``."""

    @pytest.fixture
    def pages(self, tmp_path: Path) -> Pages:
        guarded = GUARDED.replace("[admin]", '[admin]\npublic_url = "https://Stock.example.com/stock"')
        return open_pages(tmp_path, guarded)

    @pytest.fixture
    def app(self, pages: Pages) -> Application:
        return pages.application()

    @pytest.mark.parametrize(
        ("origin", "code"),
        [("https://stock.example.com", 303), ("http://stock.example.com", 403), ("https://evil.example", 403)],
    )
    async def test_its_own_forms_are_believed(self, ask: Any, origin: str, code: int) -> None:
        form = {"name": "Ann", "password": PASSWORD}
        headers = {"Host": "backend:8461", "Origin": origin}
        assert (await ask("/login", form, headers=headers, follow_redirects=False)).code == code


async def test_nobody_else_pretends_to_be_elsewhere_or_to_use_tls(tmp_path: Path) -> None:
    from tornado.httpserver import HTTPServer
    from tornado.netutil import bind_sockets
    from tornado.simple_httpclient import SimpleAsyncHTTPClient

    server = HTTPServer(open_pages(tmp_path, GUARDED).application())
    (bound,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(bound)
    client = SimpleAsyncHTTPClient(force_instance=True)
    address = f"http://127.0.0.1:{bound.getsockname()[1]}/login"
    for number in range(6):
        answer = await client.fetch(
            address,
            method="POST",
            body="name=Ann&password=wrong",
            headers={"X-Forwarded-For": f"192.0.2.{number}", "X-Forwarded-Proto": "https"},
            raise_error=False,
        )
    assert answer.code == 429
    client.close()
    server.stop()
    await server.close_all_connections()


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("trusted_proxies", '["proxy.example.com"]', "trusted_proxies[0]: expected an address like"),
        ("trusted_proxies", '["0.0.0.0/0"]', "0.0.0.0/0 is everybody"),
        ("trusted_proxies", "[10]", "expected an address like"),
        ("path_prefix", '"stock"', 'path_prefix: expected a path like "/stock"'),
        ("path_prefix", '"//evil.example"', "expected a path"),
        ("path_prefix", '"/a/../b"', "expected a path"),
        ("path_prefix", "'/a\"b'", "expected a path"),
        ("path_prefix", "1", "expected a path"),
        ("path_prefix", '"/events"', 'expected a path that begins otherwise than "/events"'),
        ("path_prefix", '"/items/shop/"', 'expected a path that begins otherwise than "/items"'),
    ],
)
def test_what_no_proxy_can_be_is_refused(option: str, value: str, expected: str) -> None:
    import tomllib

    from stockhook.config.document import examine

    document = tomllib.loads(f'[channels.shop]\ntoken = "x"\n[server]\n{option} = {value}')
    (problem,) = examine(document, Path("config.toml"))[1]
    assert problem.startswith(f"server.{option}")
    assert expected in problem


def test_the_words_that_no_prefix_begins_with_are_those_of_our_addresses(tmp_path: Path) -> None:
    """A proxy may have taken the prefix away or not: with one like /items nobody could tell."""
    rules = open_pages(tmp_path).application().wildcard_router.rules
    firsts = [rule.matcher.regex.pattern[1:].split("/")[0] for rule in rules if isinstance(rule.matcher, PathMatches)]
    words = {word for first in firsts for word in re.findall(r"[a-z]+", first)}
    assert {"items", "api", "readyz"} < words
    assert words | {"webhooks"} == OWN_WORDS
