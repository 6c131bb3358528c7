"""From the bytes of a delivery to its events, in every shape and with every accident."""

import base64
import contextlib
import gzip
import json
import time
import tracemalloc
import zlib
from datetime import UTC
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.plugin import RawEvent, Unreadable
from stockhook.testing.payloads import array, compressed, envelope, line, order_refund, order_ship
from stockhook_plugins.channels.ultracart.decode import split
from stockhook_plugins.channels.ultracart.inflate import inflate
from stockhook_plugins.channels.ultracart.repair import LARGEST, repair
from stockhook_plugins.channels.ultracart.snapshot import Reader

SAMPLES = Path(__file__).parents[1] / "samples"
SHIP = order_ship("DEMO-1", [line("LAMP-01", 2)])
REFUND = order_refund("DEMO-2", [line("SOAP", 1, refunded=1)])


def names(body):
    return [event.name for event in split(body)]


def packed(data):
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def body_with(name_of_customer):
    """Return a body of two elements with these bytes raw in a field that nobody needs."""
    order = b'{"order_ship": {"merchant_id": "DEMO", "order_id": "DEMO-%d", "first_name": %s}}'
    return b'{"events": [' + order % (1, b'"' + name_of_customer + b'"') + b", " + order % (2, b'"x"') + b"]}"


@pytest.mark.parametrize(
    "body",
    [
        envelope(SHIP, REFUND),
        array(SHIP, REFUND),
        envelope(SHIP | REFUND),
        array(SHIP | REFUND),
        json.dumps(SHIP | REFUND).encode(),
        b"\xef\xbb\xbf" + envelope(SHIP, REFUND),
        b" \r\n\t" + envelope(SHIP, REFUND) + b"\n",
        json.dumps({"events": SHIP | REFUND}).encode(),
        json.dumps({"request_id": 7, "events": [SHIP, REFUND], "more": [{}]}).encode(),
        compressed(SHIP, REFUND),
        json.dumps(packed(array(SHIP, REFUND))).encode(),
        json.dumps(packed(envelope(SHIP, REFUND))).encode(),
        json.dumps({"events": packed(envelope(SHIP, REFUND))}).encode(),
        json.dumps({"events": packed(json.dumps(SHIP | REFUND).encode())}).encode(),
        json.dumps({"events": packed(compressed(SHIP, REFUND))}).encode(),
        json.dumps({"events": base64.encodebytes(gzip.compress(array(SHIP, REFUND), mtime=0)).decode()}).encode(),
        gzip.compress(envelope(SHIP, REFUND), mtime=0),
        gzip.compress(compressed(SHIP, REFUND), mtime=0),
        gzip.compress(b"\xef\xbb\xbf" + array(SHIP, REFUND), mtime=0),
        gzip.compress(envelope(SHIP, REFUND)[:100], mtime=0)
        + gzip.compress(envelope(SHIP, REFUND)[100:], mtime=0)
        + b"\0" * 50,
    ],
)
def test_every_shape_holds_the_same_two_events_in_order(body):
    events = split(body)
    assert [event.name for event in events] == ["order_ship", "order_refund"]
    assert [msgspec.json.decode(event.payload) for event in events] == [
        msgspec.json.decode(msgspec.json.encode(each)) for each in (SHIP["order_ship"], REFUND["order_refund"])
    ]


@pytest.mark.parametrize("body", [b"[]", b'{"events": []}', b'{"events": null}', b"[{}]", compressed()])
def test_a_body_without_events_splits_into_none(body):
    assert split(body) == []


def test_the_published_webhook_samples_are_split():
    assert {path.name: names(path.read_bytes()) for path in SAMPLES.glob("webhook_*.json")} == {
        "webhook_order_create_bare_array_truncated.json": ["order_create"],
        "webhook_order_create_envelope.json": ["order_create"],
        "webhook_order_ship_bare_array.json": ["order_ship"],
        "webhook_order_ship_envelope.json": ["order_ship"],
    }


def test_unknown_event_names_are_kept_beside_known_ones():
    assert names(array(SHIP, {"order_teleported": {}})) == ["order_ship", "order_teleported"]
    assert names(json.dumps({"order_teleported": {}} | SHIP).encode()) == ["order_teleported", "order_ship"]


def test_elements_that_are_no_objects_become_broken_events_among_their_siblings():
    body = b'{"events": [null, {"order_ship": {}}, 5, "text", [1], {"order_refund": null}]}'
    assert split(body) == [
        RawEvent("broken-element", b"null"),
        RawEvent("order_ship", b"{}"),
        RawEvent("broken-element", b"5"),
        RawEvent("broken-element", b'"text"'),
        RawEvent("broken-element", b"[1]"),
        RawEvent("order_refund", b"null"),
    ]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"null", "neither object, list nor text"),
        (b"42", "neither object, list nor text"),
        (b"{}", "without events"),
        (b'{"event": []}', "without events"),
        ((SAMPLES / "rest_error_order_does_not_exist.json").read_bytes(), "without events"),
        ((SAMPLES / "rest_order_get_shipping_department.json").read_bytes(), "without events"),
        ((SAMPLES / "item_expanded_distribution_center.json").read_bytes(), "without events"),
        (b'{"events": 5}', "neither object, list nor text"),
        (b'{"events": true}', "neither object, list nor text"),
        (b'{"events": {"a": 1}}', "without events"),
        (b'{"events": "text"}', "not base64 of gzip"),
        (b'{"events": "\xc3\xa9"}', "not base64 of gzip"),
        (json.dumps({"events": base64.b64encode(envelope(SHIP)).decode()}).encode(), "not base64 of gzip"),
        (b'"H4sI"', "breaks off"),
        (b"<order/>", "not JSON"),
        (b"order_ship=1", "not JSON"),
        (envelope(SHIP)[:-1], "not JSON"),
        (envelope(SHIP)[:200], "not JSON"),
        (envelope(SHIP) + b"x", "not JSON"),
        (envelope(SHIP) * 2, "not JSON"),
        (b"\xff\xfe" + envelope(SHIP), "not JSON"),
        (envelope(SHIP).decode().encode("utf-16"), "not JSON"),
        (b"\x1f\x8b", "breaks off"),
        (b"\x1f\x8bgarbage", "damaged"),
        (gzip.compress(envelope(SHIP), mtime=0)[:-9], "breaks off"),
        (gzip.compress(envelope(SHIP), mtime=0)[:-8] + b"\0" * 8, "damaged"),
        (gzip.compress(envelope(SHIP), mtime=0) + b"tail", "something else"),
        (gzip.compress(gzip.compress(gzip.compress(b"[" * 10, mtime=0), mtime=0), mtime=0), "not JSON"),
        (b'{"events":' * 9 + b"[]" + b"}" * 9, "too many times"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b'[{"order_ship":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "nested too deeply"),
        (b"[" + b"{}," * 1_100_000 + b"{}]", "more than 1000000 parts"),
    ],
)
def test_what_cannot_be_split_is_unreadable_and_says_why(body, cause):
    with pytest.raises(Unreadable, match=cause) as caught:
        split(body)
    assert len(str(caught.value)) < 200


def test_gzip_in_gzip_more_often_than_any_proxy_does_it_is_unreadable():
    body = envelope(SHIP)
    for _ in range(9):
        body = gzip.compress(body, mtime=0)
    with pytest.raises(Unreadable, match="too many times"):
        split(body)


@pytest.mark.parametrize(
    "accident",
    [b"\xff\xfe", b"\\ud83d", b"\\udc00\\ud83d", b"\\ud83d\\\\u1234", b"line\nbreak", b"\x00", b"\\u0000", b"a\tb"],
)
def test_an_odd_character_in_a_customers_name_holds_up_nothing(accident):
    reader = Reader("DEMO", UTC)
    assert [reader.read(event).order_id for event in split(body_with(accident))] == ["DEMO-1", "DEMO-2"]


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"9" * 5000, b"1e999999"])
def test_an_odd_number_somewhere_holds_up_nothing(literal):
    body = body_with(b"x").replace(b'"x"', literal, 1)
    assert names(body) == ["order_ship", "order_ship"]


def test_of_a_key_that_is_there_twice_the_last_counts():
    [event] = split(b'{"events": [1], "events": [{"order_ship": 1, "order_ship": {"order_id": "B"}}]}')
    assert event == RawEvent("order_ship", b'{"order_id": "B"}')


def test_repair_changes_odd_values_alone():
    assert repair(rb'{"a": "\ud83d\ude00 \\ud83d \ud83d!", "b": [NaN, -Infinity, "NaN \" NaN"]}') == (
        '{"a": "\\ud83d\\ude00 \\\\ud83d \ufffd!", "b": ["NaN", "-Infinity", "NaN \\" NaN"]}'.encode()
    )
    assert repair(b'"\xff\x00\n\\u0000"') == '"\ufffd\ufffd \\u0000"'.encode()


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_repair_finds_nothing_to_do_in_proper_json(value):
    assert repair(json.dumps(value, ensure_ascii=False).encode()) is None
    assert repair(json.dumps(value).encode()) is None


@given(st.binary(max_size=300) | st.text(alphabet='\\"uNaInfity-d8c0,:[]{} \n', max_size=300).map(str.encode))
def test_repair_takes_any_bytes_and_once_is_enough(data):
    repaired = repair(data)
    if repaired is not None:
        repaired.decode()
        assert repair(repaired) is None


def test_repair_is_linear_in_what_is_never_closed_and_leaves_large_bodies_alone():
    started = time.process_time()
    repair(b'"' + b'\\"' * 1_000_000)
    repair(b'"' + b"\\u" * 1_000_000)
    assert time.process_time() - started < 5
    assert repair(b"\xff" * (LARGEST + 1)) is None


def bomb(size):
    """Return gzip data of ``size`` zeros without ever holding them."""
    stream = zlib.compressobj(9, wbits=31)
    block = bytes(1024 * 1024)
    return b"".join(stream.compress(block) for _ in range(size // len(block))) + stream.flush()


@pytest.mark.parametrize("inside_base64", [False, True])
def test_a_bomb_is_refused_at_once_without_filling_the_memory(inside_base64):
    data = bomb(200 * 1024 * 1024)
    body = json.dumps({"events": base64.b64encode(data).decode()}).encode() if inside_base64 else data
    assert len(body) < 1_000_000
    tracemalloc.start()
    try:
        started = time.process_time()
        with pytest.raises(Unreadable, match="more than 64 MiB"):
            split(body)
        took = time.process_time() - started
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert took < 2
    assert peak < 8 * 1024 * 1024


def test_the_bound_holds_over_all_layers_and_members_together(monkeypatch):
    data = b"x" * 100
    assert inflate(gzip.compress(data, mtime=0), 100) == data
    assert inflate(gzip.compress(data[:40], mtime=0) + gzip.compress(data[40:], mtime=0), 100) == data
    for too_much in (
        gzip.compress(data, mtime=0),
        gzip.compress(data[:40], mtime=0) + gzip.compress(data[40:], mtime=0),
    ):
        with pytest.raises(Unreadable, match="more than"):
            inflate(too_much, 99)
    monkeypatch.setattr("stockhook_plugins.channels.ultracart.decode.MOST", 2 * len(compressed(SHIP)))
    with pytest.raises(Unreadable, match="more than"):
        split(gzip.compress(compressed(SHIP), mtime=0))


def test_no_number_of_members_makes_inflating_slow():
    started = time.process_time()
    with pytest.raises(Unreadable, match="something else"):
        inflate(gzip.compress(b"", mtime=0) * 200_000)
    assert time.process_time() - started < 2
    assert inflate(gzip.compress(b"x", mtime=0) * 999) == b"x" * 999


@given(st.binary(max_size=200), st.integers(1, 3), st.data())
def test_inflating_gives_back_what_was_packed_wherever_members_are_cut(data, members, draw):
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), min_size=members, max_size=members)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert inflate(b"".join(gzip.compress(piece, mtime=0) for piece in pieces)) == data


@given(st.binary(max_size=500) | st.text(max_size=500).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_events_or_unreadable(data):
    for body in (
        data,
        b"\x1f\x8b" + data,
        gzip.compress(data, mtime=0),
        json.dumps(packed(data)).encode(),
        b"[" + data + b"]",
    ):
        with contextlib.suppress(Unreadable):
            assert all(isinstance(event, RawEvent) for event in split(body))
