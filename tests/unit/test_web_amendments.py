"""What was written down wrong about a unit is put right on its page."""

import re
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest
from tornado.web import Application

from stockhook.model import Audit, Item, Unit
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship

CAME = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


@pytest.fixture
def app(pages: Pages) -> Application:
    pages.shop.items("SOAP")
    pages.shop.receive(("SOAP", 10), lot="L6", expires_on=date(2027, 3, 31), received_at=CAME, unit_cost=2 * ONE)
    return pages.application()


@pytest.fixture
def form(ask: Any) -> Any:
    """Return what the page of a unit has in its form, by the names of the fields."""

    async def found(unit_id: int = 1) -> dict[str, str]:
        page = (await ask(f"/units/{unit_id}")).body.decode()
        start = page.index(f'action="/units/{unit_id}/amend"')
        fields = re.findall(r'<input name="(\w+)" value="([^"]*)"', page[start : page.index("</form>", start)])
        return {name: unescape(value) for name, value in fields}

    return found


@pytest.fixture
def amend(read: Any) -> Any:
    """Send the form, and (with ``confirmed``) its confirmation; return what a person reads then, in one line."""

    async def sent(given: dict[str, str], *, confirmed: bool = False, unit_id: int = 1) -> str:
        more = {"confirmed": "yes"} if confirmed else {}
        return str(await read(f"/units/{unit_id}/amend", given | more))

    return sent


async def test_the_form_comes_filled_in_with_what_is_known(form: Any) -> None:
    assert await form() == {
        "lot": "L6",
        "expires_on": "2027-03-31",
        "received_at": "2026-11-01 08:30",
        "unit_cost": "2",
        "priority": "",
        "reference": "",
        "reason": "",
    }


async def test_what_is_written_otherwise_is_shown_first_and_then_changed(form: Any, amend: Any, pages: Pages) -> None:
    before = pages.shop.find(Unit)
    given = {**await form(), "lot": "L7", "unit_cost": "", "priority": "3", "reason": "misread the label"}
    told = "Unit 1 of SOAP: Lot L7 (was L6), Unit cost none (was 2), Priority 3 (was none)."
    asked = await amend(given)
    assert "Nothing is booked yet" in asked
    assert told in asked
    assert pages.shop.find(Unit) == before
    assert told in await amend(given, confirmed=True)
    (unit,) = pages.shop.find(Unit)
    assert (unit.lot, unit.unit_cost, unit.priority, unit.expires_on) == ("L7", None, 3, date(2027, 3, 31))
    assert unit.received_at == CAME
    (entry,) = pages.shop.find(Audit, action="stock amend")
    assert (entry.actor, entry.reason) == ("web:local", "misread the label")
    assert "unit 1 says so already" in await amend(await form() | {"reason": "again"})


async def test_the_moment_of_receipt_is_in_utc_unless_it_says_otherwise(form: Any, amend: Any, pages: Pages) -> None:
    for written, hour in (("2026-11-01 09:30", 9), ("2026-11-01T09:30:00+02:00", 7)):
        await amend({**await form(), "received_at": written, "reason": "late"}, confirmed=True)
        assert pages.shop.find(Unit)[0].received_at == CAME.replace(hour=hour)


@pytest.mark.parametrize(
    ("field", "written", "told"),
    [
        ("expires_on", "soon", "'soon' is not a day"),
        ("received_at", "soon", "'soon' is not a moment"),
        ("received_at", "", "needs the moment it came in"),
        ("received_at", "0001-01-01 00:00+14:00", "is not a moment"),
        ("unit_cost", "-1", "below 0"),
        ("priority", "1.5", "1.5 is no priority"),
        ("lot", "L" * 201, "too long"),
        ("reason", "", "reason"),
    ],
)
async def test_what_cannot_be_is_refused_and_stays_in_the_form(
    form: Any, amend: Any, pages: Pages, field: str, written: str, told: str
) -> None:
    before = pages.shop.find(Unit)
    page = await amend({**await form(), "lot": "L7", "reason": "misread", field: written})
    assert told in page
    assert "Nothing is booked yet" not in page
    assert pages.shop.find(Unit) == before


async def test_goods_that_may_be_used_only_now_are_seen_to_settle_what_is_owed(
    form: Any, amend: Any, pages: Pages
) -> None:
    with pages.shop.store.write() as work:
        work.save([Item("SOAP", min_shelf_life_days=365)])
    day = "2026-12-01T12:00:00+00:00"
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped=day)])))
    assert pages.shop.owed("SOAP") == 3 * ONE
    given = {**await form(), "expires_on": "2029-03-31", "reason": "misread the year"}
    asked = await amend(given)
    assert "The orders that were owed goods were looked at again." in asked
    assert "Order D-1 : nothing of SOAP is owed any more" in asked
    await amend(given, confirmed=True)
    assert pages.shop.owed("SOAP") == 0


async def test_only_a_piece_has_a_serial_number_to_put_right(form: Any, amend: Any, pages: Pages) -> None:
    with pages.shop.store.write() as work:
        work.save([Item("LAMP", serial=True)])
    pages.shop.receive(("LAMP", 1), serial="S-1")
    assert "serial" not in await form()
    given = {**await form(2), "serial": "S-2", "reason": "misread"}
    assert "Serial number S-2 (was S-1)" in await amend(given, confirmed=True, unit_id=2)
    assert pages.shop.find(Unit, id=2)[0].serial == "S-2"
