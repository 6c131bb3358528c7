"""The first page: whether all is well, what waits and since when, and what a newcomer does next."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from page_text import words

from stockhook.model import Order
from stockhook.operations.channels import target_url
from stockhook.testing import factories as make
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship

DAY = "2026-12-01T12:00:00+00:00"


def ship(order_id: str, *lines: dict[str, Any]) -> bytes:
    return envelope(order_ship(order_id, lines))


async def test_the_overview_tells_a_newcomer_what_to_do_next(read: Any) -> None:
    page = await read("/")
    assert "Ready for the first delivery" in page
    assert "http://127.0.0.1:8460/webhooks/shop/TOKEN" in page
    assert "stockhook demo" in page
    assert "Add your locations and items , and receive what there is on the page of each item" in page
    assert "stockhook stock import FILE.csv" in page
    assert "Store: memory" in page
    assert "shop none yet" in page
    assert "a-token-for-tests" not in page


def test_the_target_url_is_the_public_one_where_it_is_known(tmp_path: Path) -> None:
    pages = open_pages(tmp_path, '[server]\npublic_url = "https://stock.example.com"\n')
    assert target_url(pages.settings, "shop") == "https://stock.example.com/webhooks/shop/TOKEN"
    pages = open_pages(tmp_path, '[server]\nlisten = "unix:/run/stockhook.sock"\n')
    assert target_url(pages.settings, "shop") == "https://YOUR-HOST/webhooks/shop/TOKEN"


async def test_the_overview_says_that_all_is_well(read: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=10)
    pages.shop.send(ship("D-1", line("SOAP", 1, shipped=DAY)))
    page = await read("/")
    assert "All is well" in page
    assert "What to do next" not in page
    assert "nothing All that came in has been worked" in page
    assert "Open problems" not in page


async def test_the_overview_counts_what_waits_and_what_is_wrong(read: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=1)
    pages.shop.send(ship("D-1", line("SOAP", 3, shipped=DAY)))
    pages.shop.send(ship("D-2", line("UNHEARD", 1, shipped=DAY)))
    pages.shop.deliver(ship("D-3", line("SOAP", 1, shipped=DAY)))
    pages.shop.clock.advance(timedelta(minutes=7))
    page = await read("/")
    assert "2 problems to look at" in page
    assert "1 delivery the oldest since 7 minutes ago" in page
    assert "shop 7 minutes ago" in page
    assert re.search(r"short 1 parked 1 ", page)
    assert "Insufficient inventory: SOAP" in page
    assert "office 2" in page


async def test_the_overview_passes_on_failed_notices(read: Any, pages: Pages) -> None:
    with pages.shop.store.write() as work:
        work.save([make.notice(error="connection refused")])
    page = await read("/")
    assert "office 1 last try: connection refused" in page
    assert "Some notices could not be sent yet" in await read("/")


async def test_all_is_not_well_where_work_has_waited_for_long(read: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=10)
    pages.shop.send(ship("D-1", line("SOAP", 1, shipped=DAY)))
    with pages.shop.store.write() as work:
        work.save([replace(work.find(Order)[0], due_at=pages.shop.clock.now())])
    pages.shop.clock.advance(timedelta(minutes=14))
    page = await read("/")
    assert "All is well" in page
    assert "0 deliveries, 1 order the oldest since 14 minutes ago" in page
    pages.shop.clock.advance(timedelta(minutes=1))
    page = await read("/")
    assert "Some work has waited for long" in page
    assert "All is well" not in page
    with pages.shop.store.write() as work:
        work.save([replace(work.find(Order)[0], due_at=pages.shop.clock.now() + timedelta(minutes=9))])
    assert "All is well" in await read("/")


async def test_the_overview_says_of_when_it_is_and_can_stand_still(ask: Any, read: Any) -> None:
    assert "As of 09:00:00 UTC, renewed every five seconds: let it stand still" in await read("/")
    assert b'hx-trigger="every 5s"' in (await ask("/")).body
    assert "As of 09:00:00 UTC, and standing still: renew it again" in await read("/?still=yes")
    assert b"hx-trigger" not in (await ask("/?still=yes")).body


def test_plugins_that_failed_are_shown_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o755)
    (folder / "broken.py").write_text("import nothing_of_that_name\n")
    (folder / "broken.py").chmod(0o644)
    pages = open_pages(tmp_path, f'[plugins]\ndirectory = "{folder}"\n')
    from stockhook.web import templates
    from stockhook.web.overview import overview

    with pages.shop.store.read() as view:
        values = overview(view, pages.settings, pages.shop.clock.now())
    page = words(templates.render("overview.html", now=pages.shop.clock.now(), troubles={}, still=False, **values))
    assert (
        "Plugins that could not be loaded broken : ModuleNotFoundError: No module named 'nothing_of_that_name'" in page
    )
