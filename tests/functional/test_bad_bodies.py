"""Bodies of an authenticated sender that make no sense: stored, answered with 200, set aside.

The rows are reliability.md (a) 31, 32 and 36 to 39.
"""

import base64
import gzip
import random
import zlib

import pytest
from sizes import times

from stockhook.model import Event, EventState
from stockhook.quantity import ONE
from stockhook.testing.payloads import array, envelope, line, order_ship
from stockhook.testing.sender import (
    PATH,
    SHIPPED,
    Sender,
    numbers,
    request,
    shipment,
    status,
)

MEBIBYTE = 2**20
LIMIT = 10 * MEBIBYTE
GOOD = shipment()

pytestmark = pytest.mark.usefixtures("unharmed")


# Bombs


def bomb(megabytes: int) -> bytes:
    """Return gzip data of that many MB, made of members so that it is quickly made."""
    member = gzip.compress(b" " * 20_000_000, mtime=0)
    return member * (megabytes // 20)


def test_a_gzip_bomb_by_header_is_stored_and_quarantined_at_once(sender: Sender) -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join([*(packed.compress(b" " * MEBIBYTE) for _ in range(200)), packed.flush()])
    assert len(data) < 210_000
    before = sender.daemon.memory(peak=True)
    answer = sender.exchange(request(data, "Content-Encoding: gzip"))
    assert status(answer) == 200
    (event,) = sender.worked(sender.newest().id)
    assert (event.name, event.state, event.reason) == ("unreadable", EventState.FAILED, "quarantined")
    assert "inflates to more than 64 MiB" in (event.text or "")
    assert sender.daemon.memory(peak=True) - before < 40 * MEBIBYTE


@pytest.mark.parametrize("frame", ['{"events":"%s"}', '"%s"', '{"order_ship":"%s"}', '[{"order_ship":"%s"}]'])
def test_a_gzip_bomb_inside_the_events_is_stored_and_set_aside(sender: Sender, frame: str) -> None:
    body = (frame % base64.b64encode(bomb(660)).decode()).encode()
    assert 700_000 < len(body) < 1_000_000
    before = sender.daemon.memory(peak=True)
    assert sender.daemon.post(body).status == 200
    (event,) = sender.worked(sender.newest().id)
    assert event.state in (EventState.FAILED, EventState.PARKED)
    assert sender.daemon.memory(peak=True) - before < 40 * MEBIBYTE


# Bodies


def lines(written: str) -> bytes:
    """Return an ``order_ship`` whose list of lines is written as it is."""
    frame = '{"events":[{"order_ship":{"merchant_id":"DEMO","order_id":"D-X%d","items":%s}}]}'
    return (frame % (next(numbers), written)).encode("utf-8", "surrogatepass")


def odd_line(**fields: str) -> bytes:
    """Return an ``order_ship`` of one line with fields written as they are."""
    whole = {"item_index": "1", "merchant_item_id": '"SOAP"', "quantity": "1", "shipped_dts": f'"{SHIPPED}"', **fields}
    return lines("[{" + ",".join(f'"{name}":{value}' for name, value in whole.items()) + "}]")


FAILED, PARKED, IGNORED, APPLIED = EventState.FAILED, EventState.PARKED, EventState.IGNORED, EventState.APPLIED

UNREADABLE = {
    "empty": b"",
    "blank": b" \r\n",
    "no JSON": b"hello",
    "a form": b"events=%5B%5D&a=b",
    "a bracket": b"{",
    "cut off": GOOD[:-20],
    "a number": b"17",
    "null": b"null",
    "a text": b'"text"',
    "an object of nothing known": b'{"a":1}',
    "not UTF-8": b'{"events":[\xff\xfe]}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "zero bytes": bytes(1000),
    "a text that is no gzip": b'{"events":"' + base64.b64encode(b"hello") + b'"}',
    "gzip cut off": gzip.compress(GOOD)[:-10],
    "nested 100,000 deep": b"[" * 100_000,
    "nested 100,000 deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "objects nested 100,000 deep": b'{"events":' * 100_000 + b"[]" + b"}" * 100_000,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_cannot_be_split_is_stored_answered_with_200_and_quarantined(sender: Sender, body: bytes) -> None:
    assert sender.daemon.post(body).status == 200
    delivery = sender.newest()
    assert delivery.size == len(body)
    (event,) = sender.worked(delivery.id)
    assert (event.name, event.state, event.reason) == ("unreadable", FAILED, "quarantined")
    with sender.desk.store.read() as view:
        assert view.body(delivery.id) == body


ODD = {
    "quantity NaN": odd_line(quantity="NaN"),
    "quantity Infinity": odd_line(quantity="-Infinity"),
    "quantity beyond all measure": odd_line(quantity="1e400"),
    "quantity of 5,000 digits": odd_line(quantity="9" * 5000),
    "quantity 2**63": odd_line(quantity=str(2**63)),
    "quantity negative": odd_line(quantity="-1"),
    "quantity missing": odd_line(quantity="null"),
    "quantity a list": odd_line(quantity="[1]"),
    "quantity of seven places": odd_line(quantity="0.0000001"),
    "an index of 5,000 digits": odd_line(item_index="9" * 5000),
    "an index 2**63": odd_line(item_index=str(2**63)),
    "a code with a zero character": odd_line(merchant_item_id='"SO\\u0000AP"'),
    "a code of a lone surrogate": odd_line(merchant_item_id='"\\ud800"'),
    "a code of a raw surrogate": odd_line(merchant_item_id='"\ud800"'),
    "a code of a megabyte": odd_line(merchant_item_id=f'"{"A" * MEBIBYTE}"'),
    "a date that never was": odd_line(shipped_dts='"2026-02-30T00:00:00Z"'),
    "a date of another age": odd_line(shipped_dts='"99999-01-01T00:00:00Z"'),
    "a line nested 100,000 deep": lines("[" * 100_000 + "]" * 100_000),
    "a key nested 100,000 deep": odd_line(tags="[" * 100_000 + "]" * 100_000),
    "a line that is no object": lines("[1]"),
    "the same index twice": lines(
        "[" + ",".join(['{"item_index":1,"merchant_item_id":"SOAP","quantity":1}'] * 2) + "]"
    ),
    "lines that are no list": lines('"none"'),
    "an order that is none": b'{"events":[{"order_ship":17}]}',
    "elements that are none": b"[1,2]",
    "an order without an id": b'{"events":[{"order_ship":{"merchant_id":"DEMO","items":[]}}]}',
    "another merchant": b'{"events":[{"order_ship":{"merchant_id":"OTHER","order_id":"D-1","items":[]}}]}',
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_an_event_that_makes_no_sense_is_stored_answered_with_200_and_set_aside(sender: Sender, body: bytes) -> None:
    before = sender.on_hand()
    assert sender.daemon.post(body).status == 200
    delivery = sender.newest()
    events = sender.worked(delivery.id)
    assert events
    assert {event.state for event in events} <= {FAILED, PARKED}
    assert all(event.text for event in events)
    assert sender.on_hand() == before


def test_a_byte_order_mark_and_doubled_keys_change_nothing(sender: Sender) -> None:
    before = sender.on_hand()
    body = odd_line(quantity='5,"quantity":2')
    assert sender.daemon.post(b"\xef\xbb\xbf" + body).status == 200
    (event,) = sender.worked(sender.newest().id)
    assert event.state is APPLIED
    assert sender.on_hand() == before - 2 * ONE


@pytest.mark.parametrize("name", ["order_teleport", "item_update", "", "ORDER_SHIP", "a" * 10_000, "<script>", "\x00"])
def test_an_event_of_an_unknown_name_is_stored_and_ignored(sender: Sender, name: str) -> None:
    assert sender.daemon.post(array({name: {"merchant_id": "DEMO", "order_id": "D-1", "x": [1]}})).status == 200
    (event,) = sender.worked(sender.newest().id)
    assert event.state is IGNORED


def test_one_bad_event_does_no_harm_to_its_neighbours(sender: Sender) -> None:
    before = sender.on_hand()
    good = [order_ship(f"D-{next(numbers)}", [line("SOAP", 1, shipped=SHIPPED)]) for _ in range(3)]
    bad = order_ship("D-BAD", [line("SOAP", -1, shipped=SHIPPED)])
    assert sender.daemon.post(envelope(good[0], bad, good[1], {"order_ship": 1}, good[2])).status == 200
    states = [event.state for event in sender.worked(sender.newest().id)]
    assert states == [APPLIED, PARKED, APPLIED, PARKED, APPLIED]
    assert sender.on_hand() == before - 3 * ONE


def test_damaged_bodies_of_all_kinds_are_stored_and_leave_the_worker_well(sender: Sender) -> None:
    chance = random.Random(20261121)
    before = sender.deliveries()
    connection = sender.daemon.connect()
    number = times(400, 10_000)
    for n in range(number):
        body = bytearray(envelope(order_ship(f"F-{n}", [line("SOAP", 1, shipped=SHIPPED), line("NONE", 2)])))
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(body))
            match chance.randrange(4):
                case 0:
                    body[at] = chance.randrange(256)
                case 1:
                    del body[at : at + chance.randrange(1, 40)]
                case 2:
                    body[at:at] = body[chance.randrange(len(body)) :][: chance.randrange(1, 40)]
                case 3:
                    body[at:at] = chance.choice([b'"', b"{", b"]", b"\\u0000", b"1e999", b"null", b"\xff", b"\\ud800"])
        connection.request("POST", PATH, bytes(body))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()
    assert sender.deliveries() == before + number
    sender.daemon.until_idle(times(30, 300))
    with sender.desk.store.read() as view:
        pending = view.find(Event, {"state": EventState.PENDING})
    assert pending == []
    assert not sender.daemon.logged("event failed")
    assert not sender.daemon.logged("batch cannot be booked, working its parts one by one")
