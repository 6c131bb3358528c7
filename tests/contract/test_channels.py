"""The UltraCart channel keeps what every channel must."""

import base64
from collections.abc import Sequence
from pathlib import Path

import pytest

from stockhook.plugin import BadEvent, Channel, Nothing, RawEvent, Request, Unreadable
from stockhook.testing import ChannelContract
from stockhook.testing.channel import GARBAGE, _check, mutated
from stockhook.testing.payloads import compressed, line, order_ship
from stockhook_plugins.channels.ultracart import stockhook_register_channels
from stockhook_plugins.channels.ultracart.channel import UltraCart

SAMPLES = Path(__file__).parents[1] / "samples"
TOKEN = "a-token-of-32-characters-or-so-1"
BASIC = base64.b64encode(b"store:pass:word").decode()


class TestUltraCart(ChannelContract):
    @pytest.fixture
    def channel(self) -> Channel:
        return UltraCart(
            UltraCart.Options.model_validate(
                {"merchant_id": "DEMO", "token": TOKEN, "username": "store", "password": ["older", "pass:word"]}
            )
        )

    @pytest.fixture
    def request_believed(self) -> Request:
        return Request(token=TOKEN, headers={"authorization": f"Basic {BASIC}"}, peer="203.0.113.7")

    @pytest.fixture
    def bodies(self) -> Sequence[bytes]:
        samples = sorted(SAMPLES.glob("webhook_*.json"))
        return [path.read_bytes() for path in samples] + [compressed(order_ship("DEMO-1", [line("LAMP-01", 2)]))]


def test_the_bundled_channel_is_registered_by_its_type() -> None:
    assert [offered.type for offered in stockhook_register_channels()] == ["ultracart"]


class _Careless:
    """A channel with one fault at a time, to prove that the contract finds each."""

    type = "ultracart"
    Options = UltraCart.Options

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": TOKEN}))
        self.calls = 0

    def authenticate(self, request: Request) -> None:
        if self.fault != "believes anyone":
            self.channel.authenticate(request)

    def split(self, body: bytes) -> Sequence[RawEvent]:
        if self.fault == "raises something else":
            body.decode()
        try:
            return self.channel.split(body)
        except Unreadable:
            if self.fault == "repeats the body":
                raise Unreadable(f"cannot read {body!r}") from None
            raise

    def read(self, event: RawEvent) -> object:
        self.calls += 1
        try:
            found = self.channel.read(event)
        except BadEvent as bad:
            if self.fault == "invents a problem kind":
                raise BadEvent("strange", str(bad)) from None
            raise
        if self.fault == "keeps state" and self.calls % 2:
            return Nothing("unknown-event")
        if self.fault == "never an order":
            return Nothing("unknown-event")
        return found


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        ("believes anyone", "test_a_wrong_token_is_an_unknown_path"),
        ("raises something else", "test_garbage_is_unreadable_or_understood"),
        ("repeats the body", "test_garbage_is_unreadable_or_understood"),
        ("invents a problem kind", "test_damaged_bodies_are_unreadable_or_understood"),
        ("keeps state", "test_the_same_body_always_says_the_same"),
        ("never an order", "test_the_samples_are_understood"),
    ],
)
def test_the_contract_finds_a_careless_channel(fault: str, test: str) -> None:
    given = {
        "channel": _Careless(fault),
        "request_believed": Request(TOKEN, {}, "203.0.113.7"),
        "bodies": [path.read_bytes() for path in sorted(SAMPLES.glob("webhook_*.json"))],
    }
    check = getattr(ChannelContract, test)
    wanted = check.__code__.co_varnames[1 : check.__code__.co_argcount]
    with pytest.raises((AssertionError, pytest.fail.Exception, UnicodeDecodeError)):
        check(ChannelContract(), **{name: given[name] for name in wanted})


def test_garbage_and_accidents_of_the_contract_are_not_all_alike() -> None:
    import random

    body = (SAMPLES / "webhook_order_ship_envelope.json").read_bytes()
    chance = random.Random(1)
    assert len({mutated(body, chance) for _ in range(200)}) > 150
    assert len(set(GARBAGE)) == len(GARBAGE)
    with pytest.raises(AssertionError):
        _check(Nothing("no-reason-of-ours"), "ultracart")
