"""The kit for plugin authors: contracts to subclass, and builders of what plugins are given.

What is exported here is imported when it is first used: ``stockhook.testing.payloads`` costs the demo no pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stockhook.testing.channel import ChannelContract
    from stockhook.testing.clock import ManualClock
    from stockhook.testing.daemon import RunningDaemon
    from stockhook.testing.notifier import NotifierContract
    from stockhook.testing.store import StoreContract
    from stockhook.testing.strategy import StrategyContract

__all__ = ["ChannelContract", "ManualClock", "NotifierContract", "RunningDaemon", "StoreContract", "StrategyContract"]

_HOMES = {
    "ChannelContract": "stockhook.testing.channel",
    "ManualClock": "stockhook.testing.clock",
    "NotifierContract": "stockhook.testing.notifier",
    "RunningDaemon": "stockhook.testing.daemon",
    "StoreContract": "stockhook.testing.store",
    "StrategyContract": "stockhook.testing.strategy",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
