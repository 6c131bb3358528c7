"""The main job, end to end: a shipped order comes in by HTTP and moves the stock that it used up, once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from promises import prove

from stockhook.model import Event, Item, Location, Notice, NoticeState, Problem, ProblemState, Unit
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE, text
from stockhook.testing.daemon import RunningDaemon, table
from stockhook.testing.mail import MailServer
from stockhook.testing.payloads import array, compressed, envelope, kit, line, order_ship

SHIPPED = "2026-11-01T12:00:00-05:00"
REFUNDED = "2026-10-31T12:00:00-04:00"

Start = Callable[..., RunningDaemon]


def stocked(daemon: RunningDaemon) -> RunningDaemon:
    """Receive ten of each item."""
    skus = ("SOAP", "LAMP", "BOX")
    with daemon.desk() as desk:
        made: list[Item | Location] = [*(Item(sku) for sku in skus), Location("MAIN"), Location("MAIN/FG")]
        receive(desk, [Receipt(sku, 10 * ONE, "MAIN/FG") for sku in skus], made=made)
    return daemon


def send(daemon: RunningDaemon, body: bytes) -> None:
    """Deliver a body and wait until it is worked."""
    assert daemon.post(body).status == 200
    daemon.until_idle()


def on_hand(daemon: RunningDaemon) -> dict[str, str]:
    with daemon.desk() as desk, desk.store.read() as view:
        return {str(total.by[0]): text(total.amount) for total in view.totals(Unit, ["sku"])}


def events(daemon: RunningDaemon) -> list[tuple[str, str | None]]:
    """Return state and reason of every event, oldest first."""
    with daemon.desk() as desk, desk.store.read() as view:
        return [(event.state.value, event.reason) for event in reversed(view.find(Event))]


def problems(daemon: RunningDaemon) -> dict[str, str]:
    """Return the open problems: the kinds, and what each is about."""
    with daemon.desk() as desk, desk.store.read() as view:
        return {row.kind: row.subject for row in view.find(Problem, {"state": ProblemState.OPEN})}


def verified(daemon: RunningDaemon) -> None:
    """Make sure that every promise that leaves a trace is kept."""
    with daemon.desk() as desk:
        prove(desk)


def office(server: MailServer) -> str:
    """Return the table of a notifier that mails to the server."""
    return table(
        "notifiers.office",
        {
            "type": "email",
            "host": "127.0.0.1",
            "port": server.port,
            "security": "none",
            "from": "stockhook@example.com",
            "to": ["stock@example.com"],
        },
    )


@pytest.mark.parametrize("shape", [envelope, array, compressed])
def test_a_shipped_order_moves_its_stock_once_however_often_it_comes(
    running: Start, shape: Callable[[Any], bytes]
) -> None:
    daemon = stocked(running())
    shipped = order_ship("D-1", [line("SOAP", 2, shipped=SHIPPED), line("LAMP", 1, shipped=SHIPPED)])
    send(daemon, shape(shipped))
    assert on_hand(daemon) == {"BOX": "10", "LAMP": "9", "SOAP": "8"}
    for again in (shape(shipped), envelope(shipped, shipped), array(shipped)):
        send(daemon, again)
    assert on_hand(daemon) == {"BOX": "10", "LAMP": "9", "SOAP": "8"}
    assert events(daemon) == [("applied", None), *[("unchanged", None)] * 4]
    verified(daemon)


def test_all_of_history_replayed_after_a_restart_changes_nothing(running: Start) -> None:
    daemon = stocked(running())
    shipped = order_ship("D-1", [line("SOAP", 2, shipped=SHIPPED)])
    send(daemon, envelope(shipped))
    send(daemon, array(shipped))
    daemon.restart()
    daemon.stockhook("events", "replay", "1", "2")
    daemon.until_idle()
    assert on_hand(daemon)["SOAP"] == "8"
    assert daemon.stockhook("verify", "--json").json["ok"] is True


def test_a_kit_counts_its_components_and_never_itself_as_well(running: Start) -> None:
    daemon = stocked(running())
    send(daemon, envelope(order_ship("D-1", kit("BOX", 2, [("SOAP", 4), ("LAMP", 2)], index=1, shipped=SHIPPED))))
    assert on_hand(daemon) == {"SOAP": "6", "LAMP": "8", "BOX": "10"}
    verified(daemon)


def test_an_unknown_code_waits_is_mailed_and_settles_by_itself_when_it_is_mapped(running: Start) -> None:
    with MailServer() as server:
        daemon = stocked(running(more=office(server)))
        send(daemon, envelope(order_ship("D-1", [line("SOAP-12PK", 2, shipped=SHIPPED)])))
        assert events(daemon) == [("parked", "unknown-item")]
        assert problems(daemon) == {"unknown-item": "ultracart:DEMO/SOAP-12PK"}
        assert on_hand(daemon)["SOAP"] == "10"
        daemon.until(lambda: server.mails, what="the mail")
        daemon.stockhook("items", "alias", "SOAP-12PK", "SOAP", "--factor", "3", "--channel", "shop")
        daemon.until_idle()
        assert on_hand(daemon)["SOAP"] == "4"
        assert events(daemon) == [("applied", None)]
        assert problems(daemon) == {}
        daemon.until(lambda: len(server.mails) == 2, what="the mail that it is settled")
        verified(daemon)
    opened, settled = server.mails
    assert opened["To"] == "stock@example.com"
    assert "SOAP-12PK" in opened["Subject"]
    text = str(opened.get_body(("plain",)))
    assert "D-1" in text
    assert "stockhook items alias" in text
    assert f"{daemon.admin}/" in text
    assert "Settled: " in settled["Subject"]


def test_a_shortage_is_taken_in_part_and_settles_when_goods_come_in(running: Start) -> None:
    daemon = stocked(running())
    send(daemon, envelope(order_ship("D-1", [line("SOAP", 13, shipped=SHIPPED), line("LAMP", 1, shipped=SHIPPED)])))
    assert on_hand(daemon) == {"SOAP": "0", "LAMP": "9", "BOX": "10"}
    assert events(daemon) == [("short", "insufficient-inventory")]
    assert problems(daemon) == {"insufficient-inventory": "SOAP"}
    daemon.stockhook("stock", "receive", "SOAP", "2", "--location", "MAIN/FG")
    assert problems(daemon) == {"insufficient-inventory": "SOAP"}
    daemon.stockhook("stock", "receive", "SOAP", "5", "--location", "MAIN/FG")
    daemon.until_idle()
    assert on_hand(daemon)["SOAP"] == "4"
    assert problems(daemon) == {}
    assert events(daemon) == [("applied", None)]
    verified(daemon)


def test_what_was_refunded_before_it_shipped_takes_nothing(running: Start) -> None:
    daemon = stocked(running())
    refunded = line("SOAP", 2, refunded=2, shipped=SHIPPED)
    send(daemon, envelope(order_ship("D-1", [refunded, line("LAMP", 1, shipped=SHIPPED)], refunded_at=REFUNDED)))
    assert on_hand(daemon) == {"SOAP": "10", "LAMP": "9", "BOX": "10"}
    assert problems(daemon) == {}
    verified(daemon)


def test_an_unreadable_body_is_kept_quarantined_and_reported_and_harms_no_other(running: Start) -> None:
    with MailServer() as server:
        daemon = stocked(running(more=office(server)))
        send(daemon, b'{"events":[{"order_ship":')
        send(daemon, envelope(order_ship("D-1", [line("SOAP", 2, shipped=SHIPPED)])))
        assert events(daemon) == [("failed", "quarantined"), ("applied", None)]
        assert list(problems(daemon)) == ["quarantined"]
        daemon.until(lambda: server.mails, what="the mail")
        verified(daemon)
    (mail,) = server.mails
    assert mail["Subject"] == "[stockhook] Unreadable delivery 1"


def test_an_event_set_aside_is_replayed_once_its_cause_is_gone(running: Start) -> None:
    daemon = stocked(running())
    send(daemon, envelope(order_ship("D-1", [line("SOAP", 2, shipped=SHIPPED)], merchant_id="OTHER")))
    assert events(daemon) == [("parked", "wrong-merchant")]
    assert on_hand(daemon)["SOAP"] == "10"
    config = daemon.config.read_text(encoding="utf-8")
    daemon.config.write_text(config.replace('merchant_id = "DEMO"', 'merchant_id = "OTHER"'), encoding="utf-8")
    daemon.restart()
    daemon.stockhook("events", "replay", "--state", "parked")
    daemon.until_idle()
    assert on_hand(daemon)["SOAP"] == "8"
    assert events(daemon) == [("applied", None)]
    assert problems(daemon) == {}
    verified(daemon)


def test_a_mail_server_that_is_down_delays_mail_and_nothing_else(running: Start) -> None:
    with MailServer(answers={"stock@example.com": "451 try again later"}) as server:
        daemon = stocked(running(more=office(server)))
        send(
            daemon, envelope(order_ship("D-1", [line("NEW", 1), line("SOAP", 2, shipped=SHIPPED)], shipping_date=None))
        )
        send(daemon, envelope(order_ship("D-2", [line("NEW", 1, shipped=SHIPPED), line("LAMP", 2, shipped=SHIPPED)])))
        assert on_hand(daemon) == {"SOAP": "8", "LAMP": "8", "BOX": "10"}

        def waiting() -> list[Notice]:
            with daemon.desk() as desk, desk.store.read() as view:
                return [notice for notice in view.find(Notice, {"state": NoticeState.WAITING}) if notice.attempts]

        notices = daemon.until(waiting, what="a mail that was refused")
        assert server.mails == []
        server.answers.clear()
        with daemon.desk() as desk, desk.store.write() as work:
            work.save([replace(notice, due_at=desk.clock.now()) for notice in notices])  # as if the wait were over
        daemon.until(lambda: server.mails, what="the mail")
        verified(daemon)


STRATEGY = """
from stockhook.plugin import Pick, PluginOptions, hookimpl


class LastLot:
    type = "last-lot"
    version = "1"
    Options = PluginOptions

    def __init__(self, options):
        pass

    def plan(self, need, units):
        left, takes = need.quantity, []
        for unit in sorted(units, key=lambda unit: unit.lot or "", reverse=True):
            taken = min(left, unit.available)
            if taken:
                takes.append(Pick(unit.id, taken, f"lot {unit.lot} is the last"))
                left -= taken
        return takes


@hookimpl
def stockhook_register_strategies():
    return [LastLot]
"""


def test_a_strategy_in_the_plugins_folder_decides_what_is_taken(running: Start, tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir(mode=0o755)
    (plugins / "last_lot.py").write_text(STRATEGY, encoding="utf-8")
    (plugins / "last_lot.py").chmod(0o644)
    more = table("plugins", {"directory": str(plugins)}) + "\n" + table("allocation", {"strategy": "last-lot"})
    daemon = running(more=more)
    with daemon.desk() as desk:
        lots = [Receipt("SOAP", 2 * ONE, "MAIN", lot=lot) for lot in ("L1", "L3", "L2")]
        receive(desk, lots, made=[Item("SOAP"), Location("MAIN")])
    send(daemon, envelope(order_ship("D-1", [line("SOAP", 3, shipped=SHIPPED)])))
    units = daemon.stockhook("stock", "list", "--all", "--json").json
    assert {unit["lot"]: unit["quantity"] for unit in units} == {"L1": "2", "L2": "1", "L3": "0"}
    shown = daemon.stockhook("orders", "show", "D-1", "--json").json
    assert [take["why"] for take in shown["lines"][0]["takes"]] == ["lot L3 is the last", "lot L2 is the last"]
    verified(daemon)
