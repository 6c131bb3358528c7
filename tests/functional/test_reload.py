"""A reload by signal: tokens are rotated while deliveries come in and not one request fails, and so are passwords."""

import signal
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import trustme

from stockhook.testing.daemon import TOKEN, RunningDaemon, table
from stockhook.testing.mail import MailServer
from stockhook.testing.payloads import envelope, line, order_ship

NEW = "another-token-for-tests-9876543210"


def test_tokens_are_rotated_under_load_without_a_failed_request(daemon: RunningDaemon) -> None:
    answers: Counter[int] = Counter()
    over = threading.Event()

    def send() -> None:
        connection = daemon.connect()
        while not over.is_set():
            connection.request("POST", daemon.path, envelope(order_ship("D-1", [])))
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1
        connection.close()

    sender = threading.Thread(target=send)
    sender.start()
    reloads = 0
    try:
        daemon.until(lambda: answers[200] > 20, what="deliveries to be answered")
        config = daemon.config.read_text(encoding="utf-8")
        for token in (f'["{NEW}", "{TOKEN}"]', f'["{TOKEN}", "{NEW}"]'):
            daemon.config.write_text(config.replace(f'token = "{TOKEN}"', f"token = {token}"), encoding="utf-8")
            daemon.signal(signal.SIGHUP)
            reloads += 1
            daemon.until(lambda n=reloads: len(daemon.logged("reloaded")) == n, what="the reload")  # type: ignore[misc]
        assert daemon.post(b"{}", f"/webhooks/shop/{NEW}").status == 200
        daemon.config.write_text("[channels", encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: daemon.logged("reload refused, the old configuration stays"), what="the refusal")
    finally:
        over.set()
        sender.join()
    assert answers.keys() == {200}
    daemon.config.write_text(config.replace(TOKEN, NEW), encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: daemon.post(b"{}").status == 404, what="the old token to be refused")
    assert daemon.post(b"{}", f"/webhooks/shop/{NEW}").status == 200
    written = "\n".join(map(str, daemon.lines))
    assert TOKEN not in written
    assert NEW not in written


def test_a_new_password_of_the_mail_server_is_used_for_the_next_mail(
    running: Callable[..., RunningDaemon], tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with MailServer(login=("stockhook", "the new password"), tls=tls) as mail:
        office: dict[str, str | int | list[str]] = {"type": "email", "host": "127.0.0.1", "port": mail.port}
        office |= {"ca_file": str(tmp_path / "ca.pem"), "from": "stockhook@example.com", "to": ["stock@example.com"]}
        office |= {"username": "stockhook", "password": "the old password"}
        daemon = running(more=table("notifiers.office", office))

        def ship(order: str) -> None:
            assert daemon.post(envelope(order_ship(order, [line("SOAP", 1)], linked=True))).status == 200

        ship("D-1")
        daemon.until(lambda: daemon.logged("notice not sent"), what="the old password to be refused")
        assert mail.mails == []
        office["password"] = "the new password"
        daemon.configure(more=table("notifiers.office", office))
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: daemon.logged("reloaded"), what="the reload")
        ship("D-2")
        daemon.until(lambda: any("D-2" in str(each.get_body()) for each in mail.mails), what="the mail")
    written = "\n".join(map(str, daemon.lines))
    assert "the old password" not in written
    assert "the new password" not in written
