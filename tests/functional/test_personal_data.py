"""Personal data of a payload stays in it: planted everywhere, it is looked for wherever else it could be."""

import json
import re
from base64 import b64encode
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from stockhook.model import Item, Location
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE
from stockhook.testing.daemon import TOKEN, Answer, RunningDaemon, table
from stockhook.testing.payloads import envelope, line, order_ship

SHIPPED = "2026-11-02T12:00:00-05:00"
PERSON = {
    "first_name": "Canaryfirst",
    "last_name": "Canarylast",
    "email": "canary.mail@example.com",
    "day_phone": "555-0142-7788",
    "address1": "17 Canary Street",
    "postal_code": "ZZ-90417",
}
PERSONAL: Any = {
    "billing": PERSON,
    "customer_profile": PERSON,
    "payment": {"credit_card": {"card_number": "4111111111111111", "card_number_token": "canary-card"}},
    "internal": {"merchant_notes": "canary notes"},
    "gift": {"gift_message": "canary gift"},
    "checkout": {"comments": "canary comment", "customer_ip_address": "203.0.113.77"},
    "Canary as a key": {"canary": ["canary"]},
}
CANARIES = ("canary", "555-0142", "zz-90417", "4111111111111111", "203.0.113.77")
GUARDED = {"merchant_id": "DEMO", "token": TOKEN, "username": "ultracart", "password": "correct horse battery"}
ADDRESS = re.compile(r"""(?:href|action|src|hx-[a-z]+)="([^"]*)\"""")


def ship(order_id: str, code: str, quantity: Any, **more: Any) -> dict[str, Any]:
    """Return a shipped order of one line that is full of personal data, in its proper places and in odd ones."""
    sold = line(code, quantity, description="canary description", options=[{"value": "canary option"}])
    element = order_ship(order_id, [sold | {"shipped_dts": SHIPPED} | more], **PERSONAL)
    element["order_ship"]["shipping"] |= PERSON | {"special_instructions": "canary instructions"}
    return element


def found(text: str) -> list[str]:
    """Return the canaries in a text, also where it is quoted as in an address."""
    plain = unquote(text.replace("+", " ")).lower()
    return [each for each in CANARIES if each in plain or each in text.lower()]


def around(text: str) -> str:
    """Return the first canary in a text with what stands around it."""
    place = next((place for each in CANARIES if (place := text.lower().find(each)) >= 0), 0)
    return text[max(0, place - 150) : place + 50]


def deliver(daemon: RunningDaemon) -> list[Answer]:
    """Post what a store may send on its good days and its bad ones, and return the answers."""
    wrong = b64encode(b"canary:canary-password").decode()
    good = envelope(ship("D-1", "SOAP", 2))
    odd = [
        ship("D-4", "SOAP", "canary quantity"),
        ship("D-5", "SOAP", 1, shipped_dts="canary date"),
        ship("D-6", "SOAP", {"canary": "canary"}),
        ship("D-8", "SOAP", "4111111111111111"),
        ship("D-9", "SOAP", 1, item_index="555-0142-7788"),
        {"order_ship": "canary order"},
        {"order_ship": {"order_id": "D-7", "merchant_id": "DEMO", "items": "canary items", **PERSONAL}},
        {"order_ship": {"merchant_id": "DEMO", **PERSONAL}},
    ]
    accepted = [
        good,
        envelope(ship("D-2", "NOBODY-KNOWS", 1)),
        envelope(ship("D-3", "SOAP", 99)),
        *(envelope(element) for element in odd),
        good[: good.index(b"Canarylast") + 4],
        b"canary \xff\x00",
        json.dumps("canary body").encode(),
    ]
    return [
        *(daemon.post(body) for body in accepted),
        daemon.post(good, f"{daemon.path}?mail=canary.mail@example.com"),
        daemon.post(good, "/webhooks/shop/canary-canary-canary-canary"),
        daemon.post(good, "/webhooks/canary/canary"),
        daemon.post(good, f"/webhooks/guarded/{TOKEN}", {"Authorization": f"Basic {wrong}"}),
        daemon.request("PUT", "/canary", good),
    ]


def ask(daemon: RunningDaemon, path: str, method: str = "GET") -> Answer:
    """Ask the admin listener, as a form whose foretelling has been seen."""
    form = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    return daemon.request(method, path, b"confirmed=yes" if form else None, form, base=daemon.admin)


def mails(folder: Path) -> list[str]:
    """Return each mail as its reader sees it: all headers, and the text of each part."""
    read = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]
    return [
        "\n".join([*map(str, mail.items()), *(str(part.get_content()) for part in mail.iter_parts())]) for mail in read
    ]


def test_personal_data_stays_in_the_stored_payload(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    office = {"type": "email", "from": "stockhook@example.com", "to": ["stock@example.com"], "folder": str(folder)}
    more = "\n".join(['[log]\nlevel = "debug"', table("notifiers.office", office), table("channels.guarded", GUARDED)])
    with RunningDaemon(tmp_path, more=more) as daemon:
        with daemon.desk() as desk:
            receive(desk, [Receipt("SOAP", 10 * ONE, "MAIN")], made=[Item("SOAP"), Location("MAIN")])
        refusals = deliver(daemon)
        daemon.until_idle()
        assert ask(daemon, "/events/1/replay", "POST").status == 303
        daemon.until_idle()

        said = {f"answer {place}": str((answer.headers, answer.body)) for place, answer in enumerate(refusals)}
        commands = [
            ("events", "dry-run", "1", "--json"),
            ("orders", "show", "D-1"),
            ("orders", "show", "D-1", "--json"),
            ("verify", "--json"),
            ("check",),
        ]
        for command in commands:
            done = daemon.stockhook(*command)
            said[" ".join(command)] = done.out + done.err
        said["/metrics"] = ask(daemon, "/metrics").body.decode()
        assert "stockhook_" in said["/metrics"]

        errors = ["/nothing", "/events/999", "/orders/ultracart:DEMO/D-99", "/api/v1/events/999", "/api/v1/nothing"]
        for path in [*errors, "/api/v1/events/1/dry-run", "/api/v1/orders/ultracart:DEMO/D-1"]:
            answer = ask(daemon, path)
            assert path not in errors or answer.status == 404, path
            said[path] = str((answer.headers, answer.body))
        pages = ["/", "/deliveries", "/deliveries/1", "/problems", "/problems/1", "/channels", "/items", "/audit"]
        pages += [f"/events/{number}" for number in range(1, 8)]
        for path in [*pages, "/events", "/orders/ultracart:DEMO/D-1", "/events/1/dry-run"]:
            answer = ask(daemon, path)
            assert answer.status == 200, path
            page = answer.body.decode()
            addresses = ADDRESS.findall(page)
            assert addresses
            said[f"addresses of {path}"] = " ".join([*addresses, answer.headers.get("location", "")])
            said[f"page {path}"] = page
        for path in ("/search?q=canary.mail%40example.com", "/orders/canary/canary", "/api/v1/orders/canary/canary"):
            ask(daemon, path)  # what a person typed is theirs to see, but not for the log
        assert found(ask(daemon, "/events/1?payload=yes").body.decode()) == list(CANARIES), (
            "they are not even in the payload"
        )

        problems = {each["kind"] for each in daemon.stockhook("problems", "list", "--json").json}
        assert problems >= {"unknown-item", "insufficient-inventory", "bad-lines", "quarantined"}
        daemon.until(lambda: problems == {path.stem.split("-", 2)[2] for path in folder.glob("*.eml")}, what="mails")
        for place, mail in enumerate(mails(folder)):
            said[f"mail {place}"] = mail
        command_line = Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()
        said["the process list"] = command_line.decode()
        assert daemon.terminate() == 0
        said |= {f"log line {place}": json.dumps(each) for place, each in enumerate(daemon.lines)}
        said["standard error"] = daemon.complaints
        assert any(each["level"] == "debug" for each in daemon.lines)
    assert [(where, around(text)) for where, text in said.items() if found(text)] == []
