"""The notifiers in the box pass the notifier's contract; mail goes through a real SMTP server."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from stockhook.plugin import Notifier
from stockhook.testing import NotifierContract
from stockhook.testing.mail import MailServer
from stockhook.testing.notifier import MESSAGE
from stockhook_plugins.notifiers.email.notifier import EmailNotifier
from stockhook_plugins.notifiers.email.options import EmailOptions
from stockhook_plugins.notifiers.log import LogNotifier


def email(port: int) -> EmailNotifier:
    options = {"host": "127.0.0.1", "port": port, "security": "none", "from": "a@example.com", "to": ["b@example.com"]}
    return EmailNotifier(EmailOptions.model_validate(options))


class TestEmail(NotifierContract):
    @pytest.fixture
    def server(self) -> Iterator[MailServer]:
        with MailServer() as server:
            yield server

    @pytest.fixture
    def notifier(self, server: MailServer) -> Notifier:
        return email(server.port)

    @pytest.fixture
    def arrived(self, server: MailServer) -> Callable[[], Sequence[str]]:
        def texts() -> list[str]:
            bodies = [(mail["Subject"], mail.get_body(("plain",))) for mail in server.mails]
            return [f"{subject}\n{body.get_content()}" for subject, body in bodies if body is not None]

        return texts

    @pytest.fixture
    def unreachable(self) -> Notifier:
        return email(1)


class TestLog(NotifierContract):
    always_reaches = True

    @pytest.fixture
    def lines(self) -> Iterator[list[Any]]:
        with capture_logs() as lines:
            yield lines

    @pytest.fixture
    def notifier(self, lines: list[Any]) -> Notifier:
        return LogNotifier(LogNotifier.Options())

    @pytest.fixture
    def arrived(self, lines: list[Any]) -> Callable[[], Sequence[str]]:
        return lambda: [str(line) for line in lines]

    def test_a_message_is_one_warning_with_its_fields(self, notifier: Notifier, lines: list[Any]) -> None:
        asyncio.run(notifier.notify(MESSAGE))
        (line,) = lines
        assert line["log_level"] == "warning"
        assert line["event"] == "problem opened"
        assert (line["kind"], line["subject"], line["order"]) == ("unknown-item", "SOAP-9", "DEMO-0000012")
