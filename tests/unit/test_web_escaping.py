"""What strangers wrote is text on every page, never markup."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from page_text import words

from stockhook.model import Audit, Binding, Booking, EventState, How, Part, Wait, WaitKind
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.pages import GUARDED, PASSWORD, Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship

EVIL = "\"'><script src=//evil.example></script><img src=x onerror=alert(1)>{{7*30011}}"


class Tags(HTMLParser):
    """Collects the tags of a page, and its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def evil(pages: Pages) -> Pages:
    """A shop in which every field that a stranger may fill holds markup."""
    store = pages.shop.store
    store.append([make.arrival(EVIL.encode(), channel=EVIL, peer=EVIL, headers=((EVIL, EVIL),))])
    unit = make.unit(EVIL, location=EVIL, lot=EVIL, serial=EVIL, reference=EVIL)
    named = {"account": EVIL, "order_id": EVIL}
    receipt = make.movement(unit.id, unit.quantity, sku=EVIL, reason=EVIL, reference=EVIL, actor=EVIL)
    event = make.event(
        channel=EVIL, account=EVIL, name=EVIL, order_id=EVIL, reason=EVIL, text=EVIL, state=EventState.PARKED
    )
    trace = make.trace(rule=EVIL, strategy=EVIL, version=EVIL, options={EVIL: EVIL}, left_out={EVIL: 1})
    binding = Binding(EVIL, How.PLAIN, (Part(EVIL, ONE),))
    with store.write() as work:
        work.save(
            [
                make.item(EVIL, name=EVIL),
                make.alias(EVIL, EVIL, account=EVIL),
                make.kit(EVIL, (EVIL, ONE)),
                make.location(EVIL, pickable=False),
                make.problem("unknown-item", EVIL, text=EVIL, order_id=EVIL, account=EVIL, event_id=1),
                make.problem("insufficient-inventory", EVIL, text=EVIL),
                make.problem(EVIL, EVIL, text=EVIL),
                make.problem("channel-silent", "shop", text=EVIL),
                make.notice(notifier=EVIL, error=EVIL),
                Audit(0, make.START, EVIL, EVIL, EVIL, EVIL, {EVIL: EVIL}),
            ]
        )
        work.book([Booking(units=(unit,), movements=(receipt,))])
        work.book(
            [
                Booking(
                    order=make.order(EVIL, account=EVIL, channel=EVIL, stage=EVIL, history=(EVIL,)),
                    lines=(make.line(EVIL, account=EVIL, code=EVIL, center=EVIL, binding=binding),),
                    waits=tuple(Wait(EVIL, EVIL, kind, EVIL) for kind in WaitKind),
                    events=(event,),
                    allocations=(make.allocation(**named, sku=EVIL, event_id=event.id, trace=trace),),
                    movements=(make.movement(1, sku=EVIL, **named, line=0, event_id=event.id, actor=EVIL),),
                    shortages=(make.shortage(**named, sku=EVIL, reason=EVIL, actor=EVIL),),
                    items={EVIL: 1},
                )
            ]
        )
    return pages


PATHS = [
    "/",
    "/deliveries",
    "/deliveries/1",
    "/events",
    "/events/1",
    "/events/1?payload=yes",
    "/orders/{evil}/{evil}",
    "/items",
    "/items/{evil}",
    "/units/1",
    "/movements/1",
    "/orders/{evil}/{evil}/lines/0",
    "/items/{evil}/receive",
    "/locations",
    "/locations?q={evil}&after={evil}",
    "/problems",
    "/problems/1",
    "/problems/2",
    "/audit",
    "/audit?subject={evil}&actor={evil}&action={evil}&since={evil}",
    "/recall?lot={evil}",
    "/recall?serial={evil}",
    "/events/1/dry-run",
    "/problems/3",
    "/channels",
    "/api",
    "/plugins",
    "/search?q={evil}",
    "/events?order={evil}&state={evil}&channel={evil}&before={evil}",
    "/items?q={evil}&after={evil}",
    "/items/{evil}?before={evil}",
    "/problems?kind={evil}&state={evil}",
    "/nothing/{evil}",
    "/?said={evil}",
]


@pytest.mark.parametrize("path", PATHS)
async def test_markup_in_every_field_is_inert(ask: Any, evil: Pages, path: str) -> None:
    from urllib.parse import quote

    answer = await ask(path.replace("{evil}", quote(EVIL, safe="")))
    assert answer.code in {200, 400, 404}
    page = answer.body.decode()
    if "?" not in path and path not in {"/plugins", "/api", "/nothing/{evil}"}:
        assert "&lt;script src=//evil.example&gt;" in page
    require_inert(page)


FORMS = [
    ("/items/{evil}/receive", {"quantity": "1", "location": EVIL, "lot": EVIL, "reference": EVIL}),
    ("/items/{evil}/receive", {"quantity": EVIL, "location": EVIL}),
    ("/items/{evil}/count", {"quantity": "2", "location": EVIL}),
    ("/units/1/amend", {"lot": f"{EVIL}!", "reference": EVIL, "unit_cost": EVIL, "reason": EVIL}),
    ("/units/1/amend", {"lot": f"{EVIL}!", "received_at": "2026-12-01", "reason": EVIL}),
    ("/items", {"sku": f"{EVIL}!", "name": EVIL}),
    ("/items/{evil}/set", {"name": EVIL, "reorder_at": EVIL}),
    ("/items/{evil}/set", {"name": f"{EVIL}!", "reorder_at": "1"}),
    ("/items/{evil}/rename", {"sku": f"{EVIL}!"}),
    ("/items/{evil}/retire", {}),
    ("/units/1/adjust", {"quantity": "-1", "reason": EVIL}),
    ("/units/1/move", {"quantity": "1", "location": f"{EVIL}/nowhere"}),
    ("/units/1/hold", {"reason": EVIL}),
    ("/orders/{evil}/{evil}/lines/0/quantity", {"quantity": EVIL, "reason": EVIL}),
    ("/orders/{evil}/{evil}/lines/0/unit", {"unit": EVIL, "reason": EVIL}),
    ("/orders/{evil}/{evil}/lines/0/lot", {"lot": EVIL, "reason": EVIL}),
    ("/orders/{evil}/{evil}/lines/0/lot", {"lot": EVIL, "quantity": "1", "reason": EVIL}),
    ("/orders/{evil}/{evil}/lines/0/returned", {"quantity": "1", "location": EVIL, "reason": EVIL}),
    ("/orders/{evil}/{evil}/lines/0/quantity", {"quantity": "2", "reason": EVIL}),
    ("/orders/{evil}/{evil}/lines/0/as-store", {"reason": EVIL}),
    ("/movements/1/undo", {"reason": EVIL}),
    ("/recall/hold", {"lot": EVIL, "reason": EVIL}),
    ("/recall/release", {"lot": EVIL, "reason": EVIL}),
    ("/events/replay", {"order": EVIL, "state": EVIL}),
    ("/events/replay", {"order": EVIL}),
    ("/problems/1/map", {"code": EVIL, "sku": f"{EVIL}?", "reason": EVIL}),
    ("/problems/1/add", {"sku": f"{EVIL}+", "name": EVIL}),
    ("/locations", {"path": f"{EVIL}+", "pick_sequence": EVIL}),
    ("/locations", {"path": EVIL.replace("/", "")}),
    ("/locations/set", {"path": EVIL, "pickable": EVIL, "pick_sequence": "1"}),
    ("/problems/1/ignore", {"reason": EVIL}),
    ("/problems/2/waive", {"reason": EVIL}),
]


@pytest.mark.parametrize(("path", "form"), FORMS)
async def test_markup_that_a_person_writes_is_inert_where_it_is_shown_back(
    ask: Any, evil: Pages, path: str, form: dict[str, str]
) -> None:
    from urllib.parse import quote

    for given in (form, {**form, "confirmed": "yes"}):
        answer = await ask(path.replace("{evil}", quote(EVIL, safe="")), given)
        assert answer.code in {200, 404}
        require_inert(answer.body.decode())


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/items/{evil}/receive", {"quantity": "1", "location": EVIL, "lot": EVIL, "reference": EVIL}),
        ("/items/{evil}/set", {"name": f"{EVIL}!", "reorder_at": "1"}),
        ("/items/{evil}/retire", {}),
        ("/problems/1/map", {"sku": EVIL}),
        ("/problems/1/ignore", {}),
        ("/problems/2/waive", {"reason": EVIL}),
        ("/events/1/replay", {}),
        ("/events/replay", {"order": EVIL}),
    ],
)
async def test_what_is_asked_once_more_repeats_markup_as_text(
    ask: Any, evil: Pages, path: str, form: dict[str, str]
) -> None:
    from urllib.parse import quote

    page = (await ask(path.replace("{evil}", quote(EVIL, safe="")), form)).body.decode()
    assert 'name="confirmed"' in page
    assert "&lt;script src=//evil.example&gt;" in page
    require_inert(page)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/items/{evil}/count", {"quantity": "2", "location": EVIL}),
        ("/items/{evil}/rename", {"sku": f"{EVIL}!"}),
        ("/units/1/adjust", {"quantity": "-1", "reason": EVIL}),
        ("/units/1/move", {"quantity": "1", "location": f"{EVIL}!"}),
        ("/units/1/count", {"quantity": "3"}),
        ("/units/1/hold", {"reason": EVIL}),
        ("/units/1/amend", {"lot": f"{EVIL}!", "received_at": "2026-11-30", "reason": EVIL}),
        ("/recall/hold", {"lot": EVIL, "reason": EVIL}),
        ("/movements/1/undo", {"reason": EVIL}),
    ],
)
async def test_what_is_done_to_goods_repeats_markup_as_text_before_and_after(
    ask: Any, pages: Pages, path: str, form: dict[str, str]
) -> None:
    from urllib.parse import quote

    pages.shop.items(EVIL)
    with pages.shop.store.write() as work:
        work.save([make.location(EVIL), make.location(f"{EVIL}!")])
    pages.shop.receive((EVIL, 9), location=EVIL, lot=EVIL, reference=EVIL)
    address = path.replace("{evil}", quote(EVIL, safe=""))
    asked = (await ask(address, form)).body.decode()
    assert 'name="confirmed"' in asked
    done = (await ask(address, {**form, "confirmed": "yes"})).body.decode()
    assert 'role="status"' in done
    assert '<p class="said bad"' not in done
    for page in (asked, done):
        assert "&lt;script src=//evil.example&gt;" in page
        require_inert(page)


async def test_a_correction_repeats_markup_as_text_before_and_after_it_is_done(ask: Any, pages: Pages) -> None:
    pages.shop.items("SOAP")
    pages.shop.receive(("SOAP", 10), lot="L1")
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped="2026-12-01T12:00:00+00:00")])))
    pages.shop.receive(("SOAP", 10), lot=EVIL)
    address, form = "/orders/ultracart:DEMO/D-1/lines/1", {"lot": EVIL, "reason": EVIL}
    asked = (await ask(f"{address}/lot", form)).body.decode()
    assert 'name="confirmed"' in asked
    done = (await ask(f"{address}/lot", {**form, "confirmed": "yes"})).body.decode()
    for page in (asked, done, *[(await ask(path)).body.decode() for path in (address, "/movements/3", "/audit")]):
        require_inert(page)
    assert "&lt;script src=//evil.example&gt;" in asked
    assert "&lt;script src=//evil.example&gt;" in done


class TestLogIn:
    @pytest.fixture
    def pages(self, tmp_path: Path) -> Pages:
        return open_pages(tmp_path, GUARDED)

    async def test_markup_is_inert_in_the_name_and_in_the_way_back(self, ask: Any, evil: Pages) -> None:
        from urllib.parse import quote

        back = "/" + EVIL.replace(" ", "/")
        for name, password in [(EVIL, PASSWORD), ("Ann", EVIL)]:
            answer = await ask("/login", {"name": name, "password": password, "back": back})
            assert answer.code in {400, 403}
            require_inert(answer.body.decode())
        page = (await ask(f"/login?back={quote(back, safe='')}")).body.decode()
        assert "&lt;script/src=//evil.example&gt;" in page
        require_inert(page)


def require_inert(page: str) -> None:
    assert "210077" not in page
    for tag, attributes in Tags(page).found:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        if tag == "script":
            assert str(attributes["src"]).startswith(("/static/htmx.min.js", "/static/live.js"))
        if tag in {"img", "link", "form"}:
            target = attributes.get("src") or attributes.get("href") or attributes.get("action") or ""
            assert target.startswith("/")
        if tag == "a":
            assert re.match(r"[/?#]", str(attributes["href"])), attributes


async def test_links_to_names_with_markup_lead_there(ask: Any, evil: Pages) -> None:
    page = (await ask("/items")).body.decode()
    found = [attributes["href"] for tag, attributes in Tags(page).found if tag == "a"]
    address = next(link for link in found if link and link.startswith("/items/"))
    assert "9 on hand" in words((await ask(address)).body)


async def test_half_a_surrogate_pair_is_written_out(ask: Any, pages: Pages) -> None:
    with pages.shop.store.write() as work:
        work.save([make.item("SOAP", name="half \ud800 pair")])
    answer = await ask("/items")
    assert answer.code == 200
    assert rb"half \ud800 pair" in answer.body
