"""The tree of locations on its page: shown, added to and changed once a person has seen what that does."""

from typing import Any

import pytest
from tornado.web import Application

from stockhook.model import Location
from stockhook.operations import locations
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.web.locations import PAGE

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def app(pages: Pages) -> Application:
    pages.shop.stock(SOAP=10)
    return pages.application()


async def test_a_location_is_added_with_those_above_it(ask: Any, done: Any, pages: Pages) -> None:
    assert 'href="/locations"' in (await ask("/items")).body.decode()
    told = "EAST/FG/A-01 is a location, and above it EAST, EAST/FG: orders take goods from it, in turn 5."
    asked, said = await done("/locations", path="EAST/FG/A-01", pickable="yes", pick_sequence="5")
    assert told in asked
    assert told in said
    assert '<td class="code">EAST/FG/A-01</td>' in (await ask("/locations")).body.decode()
    assert pages.shop.find(Location, path="EAST/FG/A-01") == [Location("EAST/FG/A-01", pick_sequence=5)]
    assert len(pages.shop.find(Location)) == 4
    await done("/locations", path="ATTIC")
    assert pages.shop.find(Location, path="ATTIC") == [Location("ATTIC", pickable=False)]


async def test_goods_where_orders_may_take_them_now_settle_what_is_owed(done: Any, pages: Pages) -> None:
    shop = pages.shop
    locations.add(shop.desk, "ATTIC", pickable=False)
    shop.receive(("SOAP", 5), location="ATTIC")
    shop.send(envelope(order_ship("D-1", [line("SOAP", 12, shipped=DAY)])))
    assert shop.owed("SOAP") == 2 * ONE
    asked, said = await done("/locations/set", path="ATTIC", pickable="yes")
    assert shop.find(Location, path="ATTIC") == [Location("ATTIC")]
    for page in (asked, said):
        assert "ATTIC: orders take goods from it. 1 order that waits for goods there is worked again." in page
    shop.work()
    assert shop.owed("SOAP") == 0


async def test_what_is_left_empty_of_a_location_stays(done: Any, pages: Pages) -> None:
    await done("/locations/set", path="MAIN", pick_sequence="-7")
    assert pages.shop.find(Location) == [Location("MAIN", pick_sequence=-7)]
    await done("/locations/set", path="MAIN", pickable="no")
    assert pages.shop.find(Location) == [Location("MAIN", pickable=False, pick_sequence=-7)]


@pytest.mark.parametrize(
    ("address", "form", "told"),
    [
        ("/locations", {"path": "main"}, "the location MAIN exists already; change it on the page of locations"),
        ("/locations", {"path": "EAST//FG"}, "is not the path of a location"),
        ("/locations", {"path": "EAST", "pick_sequence": "1.5"}, "1.5 is no turn"),
        ("/locations", {"path": "EAST", "pick_sequence": "999999999999"}, "is too large"),
        ("/locations/set", {"path": "MAIN"}, "nothing to change; say which"),
        ("/locations/set", {"path": "WEST", "pickable": "no"}, "there is no location &#39;WEST&#39;"),
    ],
)
async def test_what_cannot_be_is_refused(ask: Any, pages: Pages, address: str, form: dict[str, str], told: str) -> None:
    page = (await ask(address, form)).body.decode()
    assert told in page
    assert 'name="confirmed"' not in page
    assert pages.shop.find(Location) == [Location("MAIN")]


async def test_locations_are_listed_by_path_and_found_by_words_of_it(ask: Any, pages: Pages) -> None:
    paths = sorted(f"HALL/{n:03}" for n in range(PAGE + 3))
    with pages.shop.store.write() as work:
        work.save([Location(path) for path in paths])
    page = (await ask("/locations?q=hall")).body.decode()
    assert '<td class="code">MAIN</td>' not in page
    assert page.count('<td class="code">HALL/') == PAGE
    further = (await ask(f"/locations?q=hall&after={paths[PAGE - 1]}")).body.decode()
    assert further.count('<td class="code">HALL/') == 3
    assert "More</a>" in page
    assert "More</a>" not in further
    assert "No location matches" in (await ask("/locations?q=nowhere")).body.decode()
