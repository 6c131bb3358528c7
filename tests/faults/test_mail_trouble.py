"""Mail servers that are down, refuse, drip, hang or cut: messages wait and come later, once; nothing else waits."""

from collections import Counter
from collections.abc import Iterator

import pytest
from altered_daemon import program
from mail_trouble import STEPS, TroubledMailServer
from promises import check
from sizes import LONG
from traffic import SHIPPED, Traffic

from stockhook.testing.daemon import RunningDaemon, table
from stockhook.testing.payloads import envelope, line, order_ship

SECONDS = 1.0
"""How long a mail may take."""
HURRY = 0.25
"""Seconds until a mail that was not taken is tried again."""
TROUBLES = [
    *((step, "451 come again") for step in STEPS),
    *((step, "554 never") for step in STEPS),
    *((step, "hang") for step in STEPS),
    *((step, "drip") for step in STEPS),
    *((step, "cut") for step in STEPS),
    ("connect", "no words of this protocol"),
    ("end", "999 what is this"),
]
FEW = [
    ("connect", "451 come again"),
    ("MAIL", "451 come again"),
    ("RCPT", "451 come again"),
    ("RCPT", "554 never"),
    ("DATA", "451 come again"),
    ("end", "451 come again"),
    ("connect", "hang"),
    ("end", "hang"),
    ("EHLO", "drip"),
    ("end", "cut"),
    ("connect", "no words of this protocol"),
]


@pytest.fixture(scope="module")
def mail() -> Iterator[TroubledMailServer]:
    with TroubledMailServer() as server:
        yield server


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory, mail: TroubledMailServer) -> Iterator[Traffic]:
    office: dict[str, str | int | list[str]] = {"type": "email", "host": "127.0.0.1", "port": mail.port}
    office |= {"security": "none", "from": "stockhook@example.com", "to": ["stock@example.com"]}
    each: dict[str, str | int | list[str]] = {"per_hour": 1000}  # orders of one kind of problem are told one by one
    notifiers = [
        f"{table('notifiers.office', office | each)}\ntimeout = {SECONDS}",
        table("notifiers.journal", {"type": "log"} | each),
    ]
    folder = tmp_path_factory.mktemp("daemon")
    with RunningDaemon(folder, more="\n".join(notifiers), program=program(hurry=HURRY)) as daemon:
        yield Traffic((daemon,)).stock_up()


def linked(traffic: Traffic) -> str:
    """Ship an order that a person must be told of once, and return its id."""
    name = f"MAIL-{len(traffic.wanted)}-X"
    traffic.wanted[name] = Counter(SOAP=1)
    traffic.bodies[name] = envelope(order_ship(name, [line("SOAP", 1, shipped=SHIPPED)], linked=True))
    assert traffic.daemon.post(traffic.bodies[name]).status == 200
    traffic.acknowledged[name] = None
    return name


def mails(mail: TroubledMailServer, order: str) -> int:
    """Return how many mails tell of an order."""
    return sum(order in str(found.get_body()) for found in mail.mails)


def told(daemon: RunningDaemon, order: str) -> bool:
    """Tell whether the other notifier has told of an order."""
    return any(order in str(line_) for line_ in daemon.lines if line_["event"] == "notice" or "kind" in line_)


def tried(daemon: RunningDaemon) -> int:
    """Return how often a mail was not taken."""
    return sum(line_["notifier"] == "office" for line_ in daemon.logged("notice not sent"))


@pytest.mark.parametrize("trouble", TROUBLES if LONG else FEW, ids=" ".join)
def test_a_mail_that_is_not_taken_comes_later_and_once(
    trouble: tuple[str, str], traffic: Traffic, mail: TroubledMailServer
) -> None:
    daemon = traffic.daemon
    before, met = tried(daemon), mail.met
    mail.trouble = trouble
    order = linked(traffic)
    daemon.until(lambda: told(daemon, order), what="the other notifier")
    check(traffic)
    daemon.until(lambda: tried(daemon) > before and mail.met > met, what="the trouble")
    assert mails(mail, order) == 0
    mail.trouble = None
    daemon.until(lambda: mails(mail, order), what="the mail")
    again = linked(traffic)
    daemon.until(lambda: mails(mail, again), what="another mail")
    assert mails(mail, order) == 1
    assert not [line_ for line_ in daemon.lines if line_["level"] in ("error", "critical")]


def test_while_the_mail_server_is_down_all_that_is_to_be_told_waits_and_the_page_says_so(
    traffic: Traffic, mail: TroubledMailServer
) -> None:
    daemon = traffic.daemon
    mail.down()
    orders = [linked(traffic) for _ in range(5)]
    with traffic.flowing():
        daemon.until(lambda: b"notifier office fails" in page(daemon), what="the page to say so")
    daemon.until(lambda: all(told(daemon, order) for order in orders), what="the other notifier")
    check(traffic)
    daemon.restart()
    check(traffic)
    mail.up()
    daemon.until(lambda: all(mails(mail, order) for order in orders), what="the mails")
    daemon.until(lambda: b"notifier office fails" not in page(daemon), what="the page to be well again")
    assert [mails(mail, order) for order in orders] == [1] * 5


def page(daemon: RunningDaemon) -> bytes:
    return daemon.request("GET", "/", base=daemon.admin).body
