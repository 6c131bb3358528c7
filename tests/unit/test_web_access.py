"""Who may ask what: every route of the application, asked by everybody there is."""

import asyncio
import re
import time
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from tornado.httpclient import HTTPResponse
from tornado.routing import PathMatches, Rule
from tornado.web import Application

from stockhook.model import Audit, LogOut
from stockhook.testing.pages import GUARDED, PASSWORD, READ_TOKEN, WRITE_TOKEN, Pages, open_pages
from stockhook.web.base import BaseHandler
from stockhook.web.login import LoginPage, LogoutAction
from stockhook.web.probes import ProbePage
from stockhook.web.program import ProgramHandler
from stockhook.web.static import StaticPage

IN = "let in"
LOG_IN = "led to the log-in page"

EXPECTED = {
    #            credential      a page        a program's GET and POST
    "nobody": (LOG_IN, 401, 401),
    "session": (IN, IN, IN),
    "read token": (LOG_IN, IN, 403),
    "write token": (LOG_IN, IN, IN),
    "wrong token": (LOG_IN, 401, 401),
    "empty token": (LOG_IN, 401, 401),
    "token and session": (IN, 401, 401),  # whoever sends a token means it
    "other scheme": (LOG_IN, 401, 401),
    "forged session": (LOG_IN, 401, 401),
}


class Echo(ProgramHandler):
    """Stands for what programs ask."""

    def get(self) -> None:
        self.finish(self.actor.name)

    post = get


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return open_pages(tmp_path, GUARDED)


@pytest.fixture
def app(pages: Pages) -> Application:
    app = pages.application()
    app.add_handlers(".*", [("/api/v1/echo", Echo, {"site": routes(app)[0].target_kwargs["site"]})])
    return app


def routes(app: Application) -> list[Rule]:
    return list(app.wildcard_router.rules)


def cookies(pages: Pages, name: str = "Ann") -> dict[str, str]:
    sessions = pages.access.sessions
    assert sessions
    return {"Cookie": f"{sessions.cookie}={sessions.begin(name)}"}


def credentials(pages: Pages, kind: str) -> dict[str, str]:
    session = cookies(pages)
    forged = session["Cookie"][:-1] + ("0" if session["Cookie"][-1] != "0" else "1")
    return {
        "nobody": {},
        "session": session,
        "read token": {"Authorization": f"Bearer {READ_TOKEN}"},
        "write token": {"Authorization": f"bearer  {WRITE_TOKEN} "},
        "wrong token": {"Authorization": f"Bearer {WRITE_TOKEN}x"},
        "empty token": {"Authorization": "Bearer"},
        "token and session": {"Authorization": "Bearer wrong", **session},
        "other scheme": {"Authorization": "Basic YTpi"},
        "forged session": {"Cookie": forged},
    }[kind]


def address(rule: Rule) -> str:
    """Return an address that the route answers to."""
    assert isinstance(rule.matcher, PathMatches)
    return re.sub(r"\((?:\?:)?([^()|]*)[^()]*\)", _sample, rule.matcher.regex.pattern.rstrip("$"))


def _sample(group: re.Match[str]) -> str:
    return {r"\d+": "1", r"[^/]+": "x", r"[\w.]+": "icon.svg"}.get(group[1], group[1])


def outcome(answer: HTTPResponse) -> object:
    if answer.code == 303 and answer.headers["Location"].startswith("/login"):
        return LOG_IN
    return answer.code if answer.code in {401, 403} else IN


@pytest.mark.parametrize("kind", EXPECTED)
async def test_every_route_lets_in_whom_it_should(ask: Any, app: Application, pages: Pages, kind: str) -> None:
    page, read, write = EXPECTED[kind]
    found = [(rule.target, address(rule)) for rule in routes(app)] + [(Echo, "/api/v1/echo"), (BaseHandler, "/nothing")]
    assert len(found) > 20
    for target, path in found:
        for method in ("GET", "POST"):
            more = {"body": b""} if method == "POST" else {}
            headers = credentials(pages, kind)
            answer = await ask(path, method=method, headers=headers, follow_redirects=False, **more)
            expected = page
            if issubclass(target, ProgramHandler):
                expected = read if method == "GET" else write
            elif target.PUBLIC:
                expected = LOG_IN if target is LogoutAction and method == "POST" else IN
            assert outcome(answer) == expected, (method, path, answer.code)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert answer.headers["Cache-Control"] == "no-store", path
            assert "Server" not in answer.headers, path


@pytest.mark.parametrize("kind", ["session", "write token"])
async def test_no_route_does_what_another_site_has_a_browser_send(
    ask: Any, app: Application, pages: Pages, kind: str
) -> None:
    for rule in routes(app):
        headers = {**credentials(pages, kind), "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        answer = await ask(address(rule), method="POST", headers=headers, body=b"", follow_redirects=False)
        assert answer.code == 403, rule


def test_what_everybody_may_ask_is_a_short_list(app: Application) -> None:
    public = {rule.target for rule in routes(app) if rule.target.PUBLIC}
    assert public == {LoginPage, LogoutAction, ProbePage, StaticPage}


async def test_a_page_asked_for_without_a_session_is_found_again(ask: Any) -> None:
    answer = await ask("/events?state=short&order=A%2FB", follow_redirects=False)
    back = parse_qs(urlsplit(answer.headers["Location"]).query)["back"]
    assert back == ["/events?state=short&order=A%2FB"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "onward"), [("/events?state=short&q=1", "/events?state=short&amp;q=1"), ("//evil.example/", "/")]
)
async def test_a_link_in_a_mail_goes_on_from_our_own_page(ask: Any, path: str, onward: str) -> None:
    """The cookie is not sent with a link of another site; with what follows from our own page it is."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = await ask(path, headers=headers, follow_redirects=False)
    assert answer.code == 200
    assert f'content="0; url={onward}"' in answer.body.decode()
    assert b"evil" not in answer.body
    after = await ask(path, headers={**headers, "Sec-Fetch-Site": "same-origin"}, follow_redirects=False)
    assert outcome(after) == LOG_IN


async def test_what_was_sent_without_a_session_is_said_to_be_lost(ask: Any) -> None:
    answer = await ask("/problems/1/acknowledge", {})
    assert urlsplit(answer.effective_url).path == "/login"
    assert b"was not done. Log in and send it again." in answer.body


async def test_a_part_of_a_page_has_the_whole_page_lead_to_the_log_in(ask: Any) -> None:
    answer = await ask("/", headers={"HX-Request": "true"}, follow_redirects=False)
    assert (answer.code, answer.body) == (200, b"")
    assert answer.headers["HX-Redirect"] == "/login?back=%2F"


async def test_any_host_name_will_do_where_one_must_log_in(ask: Any, pages: Pages) -> None:
    answer = await ask("/events", headers={"Host": "stock.example.com", **cookies(pages)})
    assert answer.code == 200


async def test_a_refused_program_is_told_in_problem_details(ask: Any) -> None:
    missing = await ask("/api/v1/echo")
    assert missing.headers["WWW-Authenticate"] == 'Bearer realm="stockhook"'
    assert missing.headers["Content-Type"] == "application/problem+json"
    told = msgspec.json.decode(missing.body)
    assert (told["status"], told["title"], told["type"]) == (401, "Unauthorized", "about:blank")
    assert "stockhook admin token" in told["detail"]
    reads = await ask("/api/v1/echo", {}, headers={"Authorization": f"Bearer {READ_TOKEN}"})
    assert "the token dashboard may only read" in msgspec.json.decode(reads.body)["detail"]
    wrong = await ask("/api/v1/echo", headers={"Authorization": "Bearer SECRET"})
    assert b"SECRET" not in wrong.body


@pytest.mark.parametrize(
    ("kind", "actor"), [("read token", "api:dashboard"), ("write token", "api:erp"), ("session", "web:Ann")]
)
async def test_a_program_acts_under_its_own_name(ask: Any, pages: Pages, kind: str, actor: str) -> None:
    answer = await ask("/api/v1/echo", headers=credentials(pages, kind))
    assert answer.body.decode() == actor


async def test_what_a_person_does_is_kept_under_their_name(ask: Any, pages: Pages) -> None:
    pages.shop.send(b"unreadable")
    answer = await ask("/problems/1/acknowledge", {}, headers=cookies(pages, "Zoë"))
    assert b"Log out" in answer.body
    assert "Zoë" in answer.body.decode()
    with pages.shop.store.read() as view:
        assert [entry.actor for entry in view.find(Audit)] == ["web:Zoë"]


class TestWithoutAPassword:
    """Whoever reaches the listener is let in, and tokens are looked at all the same."""

    @pytest.fixture
    def pages(self, tmp_path: Path) -> Pages:
        return open_pages(tmp_path, "[[admin.tokens]]" + GUARDED.split("[[admin.tokens]]")[1])

    @pytest.mark.parametrize(
        ("headers", "status", "body"),
        [
            ({}, 200, b"api:local"),
            ({"Authorization": f"Bearer {READ_TOKEN}"}, 200, b"api:dashboard"),
            ({"Authorization": "Bearer wrong"}, 401, b""),
        ],
    )
    async def test_a_program_needs_no_token_but_not_a_wrong_one(
        self, ask: Any, headers: dict[str, str], status: int, body: bytes
    ) -> None:
        answer = await ask("/api/v1/echo", headers=headers)
        assert answer.code == status
        assert body in answer.body

    async def test_there_is_nothing_to_log_in_to(self, ask: Any) -> None:
        for form in (None, {"name": "Ann", "password": PASSWORD, "back": "/events"}):
            answer = await ask("/login?back=/events", form)
            assert (answer.code, urlsplit(answer.effective_url).path) == (200, "/events")
            assert b"Log out" not in answer.body


class TestLoggingIn:
    """The form, the cookie, and its end."""

    @staticmethod
    async def log_in(ask: Any, password: str = PASSWORD, name: str = "Ann", **more: Any) -> HTTPResponse:
        form = {"name": name, "password": password, "back": more.pop("back", "/")}
        answer = await ask("/login", form, follow_redirects=False, **more)
        assert isinstance(answer, HTTPResponse)
        return answer

    async def test_the_right_password_opens_the_pages(self, ask: Any) -> None:
        answer = await self.log_in(ask, back="/events?state=short")
        assert (answer.code, answer.headers["Location"]) == (303, "/events?state=short")
        (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
        assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/", True, "Strict")
        assert (cookie["max-age"], cookie["secure"]) == ("43200", "")
        assert (await ask("/events", headers={"Cookie": f"{cookie.key}={cookie.value}"})).code == 200

    async def test_a_wrong_password_does_not(self, ask: Any) -> None:
        for wrong in ("", PASSWORD + " ", PASSWORD.upper(), "x" * 5000, "\ud800"):
            answer = await self.log_in(ask, wrong.encode("utf-8", "surrogatepass").decode("latin-1"))
            assert answer.code == 403
            assert b"The password is wrong." in answer.body
            assert "Set-Cookie" not in answer.headers

    @pytest.mark.parametrize("name", ["", " ", "local", "LOCAL", "a" * 41, "a:b", "<b>", "a\u202eb", ".a", "a/b"])
    async def test_a_name_that_cannot_stand_in_the_ledger_is_refused(self, ask: Any, name: str) -> None:
        answer = await self.log_in(ask, name=name)
        assert answer.code == 400
        assert b"A name has at most 40 letters" in answer.body

    @pytest.mark.parametrize(
        "name", ["A", "Zoë", "Ann-Kathrin O'Neil", "office@example.com", "अनुष्का", "  J.  ", "a" * 40]
    )
    async def test_names_of_people_are_taken(self, ask: Any, name: str) -> None:
        assert (await self.log_in(ask, name=name)).code == 303

    @pytest.mark.parametrize(
        "back",
        ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "events", "", "/logout", "/login?x"],
    )
    async def test_no_log_in_leads_to_another_site(self, ask: Any, back: str) -> None:
        assert (await self.log_in(ask, back=back)).headers["Location"] == "/"
        page = await ask("/login", method="GET")
        assert b'name="back" value="/"' in page.body

    async def test_wrong_passwords_are_counted_and_then_not_looked_at(self, ask: Any) -> None:
        for _ in range(5):
            assert (await self.log_in(ask, "wrong")).code == 403
        answer = await self.log_in(ask)
        assert answer.code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 301
        assert b"Too many wrong passwords." in answer.body

    async def test_more_than_a_few_at_once_are_sent_away_uncounted(self, ask: Any, pages: Pages) -> None:
        pages.access.doorkeeper._one._calls = 9
        for _ in range(6):
            answer = await self.log_in(ask)
            assert (answer.code, answer.headers["Retry-After"]) == (503, "5")
        pages.access.doorkeeper._one._calls = 8
        assert (await self.log_in(ask)).code == 303

    async def test_passwords_are_checked_one_at_a_time(self, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        under_way: list[int] = []
        most = 0

        def slow(_written: str, _password: str) -> bool:
            nonlocal most
            under_way.append(1)
            most = max(most, len(under_way))
            time.sleep(0.02)
            under_way.pop()
            return True

        monkeypatch.setattr("stockhook.web.doorkeeper.matches", slow)
        answers = await asyncio.gather(*(self.log_in(ask) for _ in range(5)))
        assert {answer.code for answer in answers} == {303}
        assert most == 1

    async def test_whoever_is_in_is_led_on(self, ask: Any, pages: Pages) -> None:
        answer = await ask("/login?back=/items", headers=cookies(pages), follow_redirects=False)
        assert (answer.code, answer.headers["Location"]) == (303, "/items")

    async def test_a_log_out_ends_every_copy_of_the_cookie(self, ask: Any, pages: Pages) -> None:
        mine, other = cookies(pages), cookies(pages)
        answer = await ask("/logout", {}, headers=mine, follow_redirects=False)
        assert (answer.code, answer.headers["Location"]) == (303, "/login")
        (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
        assert (cookie.value, cookie["path"]) == ("", "/")
        assert (await ask("/events", headers=mine, follow_redirects=False)).code == 303
        assert (await ask("/events", headers=other, follow_redirects=False)).code == 200
        assert len(pages.shop.find(LogOut)) == 1, "or a restart would let the first one in again"

    async def test_the_form_is_shown_while_the_store_is_away(self, ask: Any, pages: Pages) -> None:
        pages.shop.store.close()
        assert (await ask("/login")).code == 200
        assert (await self.log_in(ask)).code == 303
