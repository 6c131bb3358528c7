"""Lays a message out as a mail: plain text, and HTML that reads well on a phone."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape

from stockhook.plugin import Message
from stockhook_plugins.notifiers.email.options import EmailOptions

_LONGEST_NAME = 80


def compose(message: Message, options: EmailOptions) -> EmailMessage:
    """Return the mail for a message.

    Nothing in the message can break out of its place: what is not printable becomes a space, headers are built by
    the email package, HTML is escaped. ``Message-ID`` and ``Date`` are those of the message, so that a mail sent twice
    is recognised.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = options.from_
    mail["To"] = ", ".join(options.to)
    mail["Subject"] = f"[stockhook] {_headline(message)}{_circumstances(message)}"
    mail["Date"] = format_datetime(message.at)
    domain = options.from_.rpartition("@")[2]
    mail["Message-ID"] = f"<stockhook.{message.id}.{message.at:%Y%m%d%H%M%S%f}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    facts = {
        "about": message.about,
        "headline": _headline(message),
        "title": _line(message.title),
        "subject": _line(message.subject),
        "facts": _facts(message),
        "advice": _clean(message.advice),
        "happened": _clean(message.happened),
        "link": _clean(message.link or "").strip(),
    }
    mail.set_content(_templates().get_template("problem.txt").render(facts))
    mail.add_alternative(_templates().get_template("problem.html").render(facts), subtype="html")
    return mail


def _headline(message: Message) -> str:
    settled = "Settled: " if message.about == "closed" else ""
    return f"{settled}{_line(message.title)} {_line(message.subject)}".rstrip()


def _circumstances(message: Message) -> str:
    order = _line(message.order_id or "")
    if message.about == "again":
        return f" ({message.count} times)"
    return f" (order {order})" if order and order not in _line(message.subject) else ""


def _facts(message: Message) -> list[tuple[str, str]]:
    if message.about == "summary":
        return [("Until", _moment(message))]
    found = [
        ("About", _line(message.subject)),
        ("Order", _line(message.order_id or "")),
        ("Channel", _line(message.channel or "")),
        ("Seen", "" if message.about == "more" else "once" if message.count == 1 else f"{message.count} times"),
        ("When", _moment(message)),
    ]
    return [(name, value) for name, value in found if value]


def _moment(message: Message) -> str:
    return f"{message.at.day} {message.at:%b %Y, %H:%M} UTC"


def _line(text: str) -> str:
    """Return the text as one printable line of bearable length."""
    line = " ".join(_clean(text).split())
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"


def _clean(text: str) -> str:
    """Return the text without control characters, marks that turn the direction of writing, and half characters."""
    return "".join(mark if mark.isprintable() or mark == "\n" else " " for mark in text)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    folder = files("stockhook_plugins.notifiers.email") / "templates"

    def read(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    return Environment(
        loader=FunctionLoader(read),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
