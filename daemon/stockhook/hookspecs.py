"""The hooks a plugin may implement. All are called once, at start; config then picks by ``type``."""

from collections.abc import Sequence

import pluggy

from stockhook.channel import Channel
from stockhook.notifier import Notifier
from stockhook.store import Store
from stockhook.strategy import Strategy

hookspec = pluggy.HookspecMarker("stockhook")


@hookspec
def stockhook_register_channels() -> Sequence[type[Channel]]:
    """Return the classes of channels this plugin offers; ``[channels.NAME] type = ...`` picks one."""
    raise AssertionError


@hookspec
def stockhook_register_strategies() -> Sequence[type[Strategy]]:
    """Return the classes of strategies this plugin offers; ``[allocation] strategy = ...`` picks one."""
    raise AssertionError


@hookspec
def stockhook_register_stores() -> Sequence[type[Store]]:
    """Return the classes of stores this plugin offers; ``[store] type = ...`` picks one."""
    raise AssertionError


@hookspec
def stockhook_register_notifiers() -> Sequence[type[Notifier]]:
    """Return the classes of notifiers this plugin offers; ``[notifiers.NAME] type = ...`` picks one."""
    raise AssertionError
