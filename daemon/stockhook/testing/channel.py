"""What every channel must hold, to be subclassed by the tests of a channel plugin."""

import dataclasses
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any, Final

import pytest

from stockhook.plugin import (
    BadEvent,
    Channel,
    NoSuchToken,
    Nothing,
    PluginOptions,
    RawEvent,
    Rejected,
    Request,
    Unreadable,
    model,
)

_DEEP: Final = 100_000
_LONGEST_MESSAGE: Final = 500
_MUTATIONS: Final = 400

GARBAGE: Final[Sequence[bytes]] = (
    b"",
    b" ",
    b"\x00",
    b"\xff\xfe\xfd",
    b"\xef\xbb\xbf",
    b"null",
    b"0",
    b'""',
    b'"text"',
    b"{}",
    b"[]",
    b"[null]",
    b"[[]]",
    b"NaN",
    b"[Infinity]",
    b'{"a": NaN}',
    b'{"\\ud800": "\\udfff"}',
    b'{"a": "\\u0000", "a": 2}',
    b"[" * _DEEP,
    b"[" * _DEEP + b"]" * _DEEP,
    b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": 1e999999}',
    b"\x1f\x8b",
    b"\x1f\x8b\x08\x00" + b"\x00" * 40,
    b"<order/>",
    b"a=1&b=2",
)
"""Bodies that no store sends and that anyone who knows the token may."""

_PIECES: Final[Sequence[bytes]] = (
    *(b"null", b"true", b"NaN", b"-1", b"1e400", b"0.1234567", b'"x"', b'""', b"[]", b"{}", b"9" * 50),
    *(b"\x00", b"\xff", b"\\", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\ud83d", b"\\u0000"),
)


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Return ``body`` with a few accidents: bytes lost, doubled, cut off, swapped, or something odd written in."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(body) + 1)
        end = min(len(body), start + chance.choice((0, 1, 1, 2, 5, 20, 200)))
        middle = chance.choice(
            (b"", chance.choice(_PIECES), chance.choice(_PIECES), body[start:end] * 2, body[start:end][::-1])
        )
        body = body[:start] + middle + (b"" if chance.random() < 0.05 else body[end:])  # noqa: PLR2004 - one in twenty
    return body


class ChannelContract:
    """Subclass it as ``Test...`` and give it the three fixtures."""

    @pytest.fixture
    def channel(self) -> Channel:
        """Return the channel under test, made with valid options."""
        pytest.fail("give the contract a fixture `channel`")

    @pytest.fixture
    def request_believed(self) -> Request:
        """Return a request that the channel must believe."""
        pytest.fail("give the contract a fixture `request_believed`")

    @pytest.fixture
    def bodies(self) -> Sequence[bytes]:
        """Return some bodies as the store sends them; at least one holds an order with lines."""
        pytest.fail("give the contract a fixture `bodies`")

    def test_its_class_has_a_type_and_options(self, channel: Channel) -> None:
        """Config picks the class by ``type`` and validates its table with ``Options``."""
        assert channel.type
        assert isinstance(channel.type, str)
        assert issubclass(channel.Options, PluginOptions)
        assert channel.Options.model_config["extra"] == "forbid"

    def test_the_right_credentials_are_believed(self, channel: Channel, request_believed: Request) -> None:
        """It returns nothing and raises nothing, each time."""
        for _ in range(2):
            channel.authenticate(request_believed)

    def test_a_wrong_token_is_an_unknown_path(self, channel: Channel, request_believed: Request) -> None:
        """It answers as if there were no such webhook, and does not repeat the token."""
        token = request_believed.token
        for wrong in ("", token[:-1], token + "x", token.swapcase(), "é", "\udcff", "\x00", "x" * 100_000):
            if wrong == token:
                continue
            with pytest.raises(NoSuchToken) as caught:
                channel.authenticate(dataclasses.replace(request_believed, token=wrong))
            assert token not in str(caught.value)
            assert len(str(caught.value)) <= _LONGEST_MESSAGE

    def test_garbage_in_a_header_is_rejected_or_not_looked_at(
        self, channel: Channel, request_believed: Request
    ) -> None:
        """Whatever stands in a header, the answer is yes or Rejected."""
        for name in ("authorization", "x-authorization-basic", "content-type", *request_believed.headers):
            for value in (
                "",
                " ",
                ":",
                "Basic",
                "Basic ",
                "Basic =",
                "Basic \x00",
                "é",
                "\udcff",
                "Bearer x",
                "x" * 70_000,
            ):
                headers = {**request_believed.headers, name: value}
                try:
                    channel.authenticate(dataclasses.replace(request_believed, headers=headers))
                except Rejected as rejected:
                    assert len(str(rejected)) <= _LONGEST_MESSAGE  # noqa: PT017 - either outcome is right

    def test_the_samples_are_understood(self, channel: Channel, bodies: Sequence[bytes]) -> None:
        """Each can be split and read, and one at least is an order with lines, else nothing here is proved."""
        read = [channel.read(event) for body in bodies for event in channel.split(body)]
        for found in read:
            _check(found, channel.type)
        assert any(isinstance(found, model.Snapshot) and found.lines for found in read)

    def test_the_same_body_always_says_the_same(self, channel: Channel, bodies: Sequence[bytes]) -> None:
        """Splitting and reading keep no state, in one thread as in several."""
        alone = [_outcome(channel, body) for body in bodies]
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(lambda body: _outcome(channel, body), [*bodies, *reversed(bodies)]))
        assert together == [*alone, *reversed(alone)]

    def test_garbage_is_unreadable_or_understood(self, channel: Channel) -> None:
        """A body that no store would send never makes anything but Unreadable, BadEvent or a proper result."""
        for body in GARBAGE:
            _outcome(channel, body)

    def test_damaged_bodies_are_unreadable_or_understood(self, channel: Channel, bodies: Sequence[bytes]) -> None:
        """The same holds for the samples with accidents of any kind."""
        chance = random.Random(20_260_302)  # noqa: S311 - the same accidents in every run
        for body in bodies:
            for _ in range(_MUTATIONS // len(bodies)):
                _outcome(channel, mutated(body, chance))


def _outcome(channel: Channel, body: bytes) -> list[Any]:
    """Return what the daemon would see of a body, after checking that it is fit to be seen."""
    try:
        events = list(channel.split(body))
    except Unreadable as unreadable:
        _check_text(unreadable)
        return [str(unreadable)]
    return [(event.name, _read(channel, event)) for event in events]


def _read(channel: Channel, event: RawEvent) -> Any:
    assert isinstance(event.name, str)
    try:
        found = channel.read(event)
    except BadEvent as bad:
        assert bad.kind in {"bad-lines", "wrong-merchant"}  # noqa: PT017 - either outcome is right
        _check_text(bad)
        return bad.kind, str(bad)
    _check(found, channel.type)
    return found


def _check_text(error: Exception) -> None:
    assert str(error).strip()
    assert len(str(error)) <= _LONGEST_MESSAGE, "a message that may repeat the body"


def _check(found: model.Snapshot | Nothing, channel_type: str) -> None:
    """Check what a store, or the rules above it, could not bear."""
    for value in _values(found):
        assert not isinstance(value, float), "quantities are whole millionths, never floats"
        if isinstance(value, datetime):
            assert value.utcoffset() == timedelta(0), "times are aware and in UTC"
        if isinstance(value, str):
            assert "\x00" not in value, "no database takes a text with NUL"
            value.encode()
    if isinstance(found, Nothing):
        assert found.reason in {"not-a-shipment", "unknown-event"}
        return
    assert found.account.startswith(f"{channel_type}:")
    assert found.order_id
    lines = found.lines or ()
    assert len({line.item_index for line in lines}) == len(lines), "a line index is there twice"
    for line in lines:
        assert line.code == line.code.strip() != ""
        assert type(line.item_index) is int
        assert type(line.quantity) is int
        assert line.quantity >= 0
        assert type(line.quantity_refunded) is int
        assert line.quantity_refunded >= 0
        assert line.ship_date is None or type(line.ship_date) is date


def _values(found: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            yield from _values(getattr(found, field.name))
    elif isinstance(found, tuple):
        for each in found:
            yield from _values(each)
    else:
        yield found
