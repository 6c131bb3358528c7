"""What the worked cases of the stock rules (strategies.md section 8) are told with."""

from typing import Any

import pytest

from stockhook.rules import ChannelRules
from stockhook_plugins.channels.ultracart.channel import UltraCart

DAY1 = "2026-11-01T12:00:00-05:00"
DAY2 = "2026-11-02T12:00:00-05:00"
DAY3 = "2026-11-03T12:00:00-05:00"
DAY5 = "2026-11-05T12:00:00-05:00"
DAY6 = "2026-11-06T12:00:00-05:00"


def channel(merchant: str = "DEMO") -> UltraCart:
    return UltraCart(UltraCart.Options.model_validate({"merchant_id": merchant, "token": "t" * 32}))


def with_rules(**rules: Any) -> pytest.MarkDecorator:
    """Run the test in a shop with these rules of its channel."""
    return pytest.mark.parametrize("shop", [ChannelRules("shop", **rules)], indirect=True)
