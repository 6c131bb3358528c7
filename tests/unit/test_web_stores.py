"""The pages say the same whatever the store is."""

import re
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from stockhook.operations import codes
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import array, envelope, kit, line, order_create, order_ship

DAY = "2026-12-01T12:00:00+00:00"

PATHS = [
    "/",
    "/deliveries?state=worked&channel=shop",
    "/deliveries/1",
    "/events?state=short&channel=shop&order=D-1&name=order_ship",
    "/events?before=3",
    "/events/1",
    "/events/4",
    "/orders/ultracart:DEMO/D-1",
    "/items",
    "/items?q=sa",
    "/items/SOAP",
    "/items/SOAP?empty=yes&before=5",
    "/units/1",
    "/movements/1",
    "/orders/ultracart:DEMO/D-1/lines/1",
    "/channels",
    "/audit?subject=soap",
    "/recall?lot=L1",
    "/events/1/dry-run",
    "/problems",
    "/problems?state=all&kind=unknown-item",
    "/problems/1",
    "/plugins",
    "/search?q=D-1",
    "/search?q=L1",
]


def fill(pages: Pages) -> Pages:
    shop = pages.shop
    shop.items("SOAP", "SALT", "BOX")
    shop.receive(("SOAP", 3), ("BOX", 9), lot="L1")
    shop.receive(("SOAP", "0.5"), lot="L2")
    codes.alias(shop.desk, "soap-dozen", "SOAP", 12_000_000)
    shop.send(array(order_ship("D-1", [*kit("SET", 1, [("SOAP", 4), ("BOX", 2)], index=1, shipped=DAY)])))
    shop.send(envelope(order_create("D-2", [line("SALT", 1)]), order_ship("D-3", [line("salt.", 1, shipped=DAY)])))
    shop.send(b"unreadable")
    shop.deliver(b"{}")
    return pages


@pytest.fixture
def both(tmp_path: Path) -> Any:
    (tmp_path / "disk").mkdir()
    (tmp_path / "memory").mkdir()
    on_disk = f'[store]\ntype = "sqlalchemy"\nurl = "sqlite:///{tmp_path}/stockhook.db"\n'
    pages = [open_pages(tmp_path / "disk", store=on_disk), open_pages(tmp_path / "memory")]
    yield [fill(each) for each in pages]
    for each in pages:
        each.shop.store.close()


async def test_every_page_is_the_same_on_both_stores(both: list[Pages]) -> None:
    client = AsyncHTTPClient()
    shown: list[dict[str, str]] = []
    for pages in both:
        server = HTTPServer(pages.application())
        sock, port = bind_unused_port()
        server.add_socket(sock)
        answers = {path: await client.fetch(f"http://localhost:{port}{path}") for path in PATHS}
        shown.append({path: answer.body.decode() for path, answer in answers.items()})
        server.stop()
        await server.close_all_connections()
    for path in PATHS:
        disk, memory = (re.sub("Store: (sqlalchemy|memory)", "Store", each[path]) for each in shown)
        if path == "/plugins":  # which store is in use, and with which options
            disk, memory = (re.sub(r"(?s)<h2>What is in use</h2>.*", "", page) for page in (disk, memory))
        assert disk == memory, path
    client.close()
