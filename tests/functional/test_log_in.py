"""A running daemon that asks for a password: what it refuses at the start, who gets in, and what a reload changes."""

import signal
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from stockhook.password import hash_password
from stockhook.testing.daemon import Answer, RunningDaemon
from stockhook.testing.payloads import envelope, line, order_ship

PASSWORD = "correct horse battery"


def log_in(daemon: RunningDaemon, password: str = PASSWORD) -> Answer:
    form = urlencode({"name": "Ann", "password": password, "back": "/events"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-Proto": "https"}
    return daemon.request("POST", "/login", form, headers, base=daemon.admin)


def admin(daemon: RunningDaemon, path: str, *, method: str = "GET", **headers: str) -> Answer:
    form = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    return daemon.request(method, path, b"confirmed=yes" if form else None, headers | form, base=daemon.admin)


def test_pages_that_others_can_reach_are_not_served_without_a_password(tmp_path: Path) -> None:
    daemon = RunningDaemon(tmp_path)
    config = daemon.config.read_text()
    daemon.config.write_text(config.replace('[admin]\nlisten = "127.0.0.1:0"', '[admin]\nlisten = "0.0.0.0:0"'))
    done = daemon.stockhook("serve", code=78)
    assert done.err.startswith("admin.listen: 0.0.0.0:0 can be reached from other machines")
    assert "stockhook admin hash-password" in done.err


def test_a_person_and_a_program_get_in_and_a_new_password_ends_it(tmp_path: Path) -> None:
    daemon = RunningDaemon(tmp_path)
    token = daemon.stockhook("admin", "token", "erp", "--json").json
    written = f'\n[[admin.tokens]]\nname = "erp"\nhash = "{token["hash"]}"\n'

    def configure(password: str) -> None:
        daemon.configure(more=f'password_hash = "{hash_password(password)}"' + written)
        config = daemon.config.read_text()
        daemon.config.write_text(config.replace("[admin]", 'trusted_proxies = ["127.0.0.1"]\n[admin]', 1))

    configure(PASSWORD)
    with daemon:
        ships = envelope(order_ship("D-1", [line("NOBODY-KNOWS", 1)], linked=True))
        assert daemon.post(ships, headers={"X-Forwarded-For": "192.0.2.7"}).status == 200
        assert admin(daemon, "/events").headers["location"] == "/login?back=%2Fevents"
        assert admin(daemon, "/healthz").status == 200
        assert log_in(daemon, "wrong horse").status == 403

        entered = log_in(daemon)
        assert (entered.status, entered.headers["location"]) == (303, "/events")
        (cookie,) = SimpleCookie(entered.headers["set-cookie"]).values()
        assert cookie["secure"]
        session = f"{cookie.key}={cookie.value}"
        assert b"D-1" in admin(daemon, "/events", Cookie=session).body
        assert admin(daemon, "/events/1/replay", method="POST", Cookie=session).status == 303
        assert [entry["actor"] for entry in daemon.stockhook("audit", "list", "--json").json] == ["web:Ann"]
        (delivery,) = daemon.stockhook("deliveries", "list", "--json").json
        assert daemon.stockhook("deliveries", "show", str(delivery["id"]), "--json").json["peer"] == "192.0.2.7"

        assert admin(daemon, "/metrics").status == 401
        assert admin(daemon, "/metrics", Authorization=f"Bearer {token['token']}").status == 200

        (second,) = SimpleCookie(log_in(daemon).headers["set-cookie"]).values()
        left = f"{second.key}={second.value}"
        assert admin(daemon, "/logout", method="POST", Cookie=left).headers["location"] == "/login"

        daemon.restart()
        assert admin(daemon, "/events", Cookie=left).status == 303
        assert admin(daemon, "/events", Cookie=session).status == 200
        configure("another horse battery")
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: daemon.logged("reloaded"), what="the reload")
        assert admin(daemon, "/events", Cookie=session).status == 303
        assert log_in(daemon).status == 403
        assert log_in(daemon, "another horse battery").status == 303
        said = (tmp_path / "daemon.log").read_text()
    assert "logged in" in said
    for secret in (PASSWORD, "horse", token["token"], cookie.value, "$argon2id"):
        assert secret not in said
