"""The mail notifier against a real SMTP server: how it connects, what it sends, and what it does when refused."""

import asyncio
import ssl
import subprocess
import sys
import time
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError
from structlog.testing import capture_logs

from stockhook.plugin import Secret
from stockhook.testing.mail import MailServer
from stockhook.testing.notifier import HOSTILE, MESSAGE
from stockhook_plugins.notifiers.email.mail import compose
from stockhook_plugins.notifiers.email.notifier import EmailNotifier, MailRefusedError
from stockhook_plugins.notifiers.email.options import EmailOptions

PLAIN = {"host": "127.0.0.1", "security": "none", "from": "stockhook@example.com", "to": ["stock@example.com"]}


def options(**given: Any) -> EmailOptions:
    return EmailOptions.model_validate(PLAIN | given)


def notify(message: Any = MESSAGE, **given: Any) -> None:
    asyncio.run(EmailNotifier(options(**given)).notify(message))


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


@pytest.fixture
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


# What a mail says


def test_a_mail_names_what_happened_the_order_and_the_code_what_to_do_and_where() -> None:
    with MailServer() as server:
        notify(port=server.port)
    (mail,) = server.mails
    assert mail["Subject"] == "[stockhook] Unknown item SOAP-9 (order DEMO-0000012)"
    assert mail["From"] == "stockhook@example.com"
    assert mail["To"] == "stock@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] == "Tue, 01 Dec 2026 09:00:00 +0000"
    for text in (body(mail, "plain"), body(mail, "html")):
        assert MESSAGE.happened in text
        assert "stockhook items alias SOAP-9 SKU" in text
        assert "https://stock.example.com/problems#1" in text
        assert "shop" in text


def test_the_daily_word_is_a_mail_with_a_line_for_each_thing_and_what_strangers_wrote_is_inert() -> None:
    words = "Shipped: 2 of SOAP.\nOwed: 1 of <script>alert(1)</script>."
    told = replace(MESSAGE, about="summary", kind="summary", title="Summary of", subject="2026-12-01", happened=words)
    mail = compose(replace(told, channel=None, order_id=None), options())
    assert mail["Subject"] == "[stockhook] Summary of 2026-12-01"
    plain, html = body(mail, "plain"), body(mail, "html")
    assert words in plain.replace("\r\n", "\n")
    assert "Daily summary" in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    for text in (plain, html):
        assert "Seen" not in text
        assert "09:00 UTC" in text


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        (replace(MESSAGE, about="closed"), "[stockhook] Settled: Unknown item SOAP-9 (order DEMO-0000012)"),
        (replace(MESSAGE, about="again", count=12), "[stockhook] Unknown item SOAP-9 (12 times)"),
        (
            replace(MESSAGE, about="more", subject="and 55 more", count=55, order_id=None),
            "[stockhook] Unknown item and 55 more",
        ),
        (replace(MESSAGE, order_id=None), "[stockhook] Unknown item SOAP-9"),
        (replace(MESSAGE, subject="DEMO-0000012 line 2"), "[stockhook] Unknown item DEMO-0000012 line 2"),
        (replace(MESSAGE, subject="S" * 99, order_id=None), f"[stockhook] Unknown item {'S' * 79}…"),
    ],
)
def test_the_subject_says_the_most_in_one_line(message: Any, subject: str) -> None:
    assert compose(message, options())["Subject"] == subject


def test_a_settled_problem_asks_for_nothing() -> None:
    mail = compose(replace(MESSAGE, about="closed", advice="Nothing is left to do."), options())
    for kind in ("plain", "html"):
        assert "What to do" not in body(mail, kind)
        assert "Nothing is left to do." in body(mail, kind)


def test_a_message_tried_again_makes_the_same_message_id_and_another_message_another() -> None:
    first, again, other = (
        compose(each, options())["Message-ID"] for each in (MESSAGE, MESSAGE, replace(MESSAGE, id=2))
    )
    assert first == again
    assert first != other
    assert first.endswith("@example.com>")


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_strangers_wrote_breaks_out_nowhere(text: str) -> None:
    message = replace(MESSAGE, title=text, subject=text, happened=text, advice=text, order_id=text, channel=text)
    with MailServer() as server:
        notify(message, port=server.port)
    (mail,) = server.mails
    assert server.envelopes == [["stock@example.com"]]
    assert mail.keys() == compose(MESSAGE, options()).keys()
    assert "\n" not in mail["Subject"]
    assert "<script" not in body(mail, "html")
    assert "49" not in body(mail, "plain").replace(text, "")
    assert not set("\x00\x1b\u202e") & set(body(mail, "plain") + body(mail, "html") + mail["Subject"])


# How it gets there


def test_starttls_with_a_certificate_of_a_private_authority(certificate: ssl.SSLContext, ca_file: Path) -> None:
    with MailServer(tls=certificate) as server:
        notify(port=server.port, security="starttls", ca_file=str(ca_file))
    assert len(server.mails) == 1


def test_tls_from_the_start(certificate: ssl.SSLContext, ca_file: Path) -> None:
    with MailServer(tls=certificate, implicit=True) as server:
        notify(port=server.port, security="tls", ca_file=str(ca_file))
    assert len(server.mails) == 1


@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_a_certificate_nobody_vouches_for_is_refused(
    security: str, implicit: bool, certificate: ssl.SSLContext
) -> None:
    with (
        MailServer(tls=certificate, implicit=implicit) as server,
        pytest.raises(Exception, match=r"(?i)certificate verify failed"),
    ):
        notify(port=server.port, security=security)
    assert server.mails == []


def test_a_server_that_offers_no_starttls_gets_no_mail_in_the_clear() -> None:
    with MailServer() as server, pytest.raises(Exception, match="STARTTLS"):
        notify(port=server.port, security="starttls")
    assert server.mails == []


def test_it_logs_in_where_a_user_name_is_given(certificate: ssl.SSLContext, ca_file: Path) -> None:
    with MailServer(tls=certificate, login=("shop", "s3cret")) as server:
        notify(port=server.port, security="starttls", ca_file=str(ca_file), username="shop", password="s3cret")
    assert len(server.mails) == 1


def test_a_wrong_password_is_named_but_not_shown(certificate: ssl.SSLContext, ca_file: Path) -> None:
    with (
        MailServer(tls=certificate, login=("shop", "s3cret")) as server,
        pytest.raises(
            MailRefusedError, match=rf"127.0.0.1:{server.port} refused user name or password \(535\)"
        ) as caught,
    ):
        notify(port=server.port, security="starttls", ca_file=str(ca_file), username="shop", password="wr0ng")
    assert "wr0ng" not in str(caught.value)
    assert server.mails == []


# When it is refused


def test_a_server_that_is_down_is_an_error_with_its_address() -> None:
    with pytest.raises(OSError, match=r"127\.0\.0\.1.*\b1\b"):
        notify(port=1)


def test_a_slow_server_is_given_up_in_time() -> None:
    with MailServer(delay=60) as server:
        before = time.monotonic()
        with pytest.raises(TimeoutError, match=rf"127.0.0.1:{server.port} did not take the mail within 0.3 s"):
            notify(port=server.port, timeout=0.3)
        assert time.monotonic() - before < 30


def test_a_mail_refused_for_every_recipient_is_not_sent() -> None:
    with (
        MailServer(answers={"stock@example.com": "550 no such user"}) as server,
        pytest.raises(MailRefusedError, match=r"refused every recipient: stock@example\.com \(550 no such user\)"),
    ):
        notify(port=server.port)


def test_one_recipient_refused_for_good_keeps_the_mail_from_nobody_else_and_is_logged() -> None:
    answers = {"gone@example.com": "550 no such user"}
    with MailServer(answers=answers) as server, capture_logs() as lines:
        notify(port=server.port, to=["gone@example.com", "stock@example.com"])
    assert server.envelopes == [["stock@example.com"]]
    assert [line["event"] for line in lines] == ["mail refused for good"]


def test_one_recipient_refused_for_now_is_tried_again_and_the_others_are_not_mailed_twice() -> None:
    answers = {"later@example.com": "451 come back later"}
    with MailServer(answers=answers) as server:
        notifier = EmailNotifier(options(port=server.port, to=["later@example.com", "stock@example.com"]))
        with pytest.raises(MailRefusedError, match=r"refused for now: later@example\.com"):
            asyncio.run(notifier.notify(MESSAGE))
        server.answers.clear()
        asyncio.run(notifier.notify(MESSAGE))
    assert server.envelopes == [["stock@example.com"], ["later@example.com"]]
    assert server.mails[0]["Message-ID"] == server.mails[1]["Message-ID"]


# Its options


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_is_the_usual_one_unless_given(security: str, port: int) -> None:
    assert options(security=security).port_used == port
    assert options(security=security, port=2525).port_used == 2525


def test_mail_is_encrypted_unless_asked_otherwise() -> None:
    given = {name: value for name, value in PLAIN.items() if name != "security"}
    assert EmailOptions.model_validate(given).security == "starttls"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"to": []}, "at least 1 item"),
        ({"to": ["nobody"]}, "'nobody' is no mail address"),
        ({"to": ["a@example.com, b@example.com"]}, "is no mail address"),
        ({"from": "a@example.com\r\nBcc: b@example.com"}, "is no mail address"),
        ({"host": ""}, "is no host name"),
        ({"host": "smtp://mail.example.com"}, "is no host name"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"security": "ssl"}, "'starttls', 'tls' or 'none'"),
        ({"username": "shop"}, "username and password belong together"),
        ({"password": "s3cret"}, "username and password belong together"),
        ({"host": "mail.example.com", "username": "u", "password": "p"}, "would send the password in the clear"),
        ({"ca_file": "/nowhere.pem"}, "has no meaning"),
        ({"security": "tls", "ca_file": "/nowhere.pem"}, "ca_file /nowhere.pem is not there"),
        ({"timeout": 600}, "less than or equal to 25"),
        ({"recipient": "a@example.com"}, "Extra inputs are not permitted"),
    ],
)
def test_an_option_that_cannot_work_is_refused_with_what_to_do(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        options(**given)


def test_a_password_over_loopback_needs_no_encryption() -> None:
    assert options(host="localhost", username="u", password="p").password == Secret("p")


def test_with_a_folder_mails_are_written_as_files_and_sent_to_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    given = {"folder": folder, "from": "stockhook@example.com", "to": ["stock@example.com"]}
    asyncio.run(EmailNotifier(EmailOptions.model_validate(given)).notify(MESSAGE))
    (written,) = folder.iterdir()
    mail = message_from_bytes(written.read_bytes(), policy=policy.default)
    assert mail["To"] == "stock@example.com"
    assert mail["Message-ID"] == compose(MESSAGE, EmailOptions.model_validate(given))["Message-ID"]


def test_registering_loads_neither_the_mail_nor_the_template_library() -> None:
    check = (
        "import sys, stockhook_plugins.notifiers.email as p; p.stockhook_register_notifiers();"
        "print([m for m in ('aiosmtplib', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
