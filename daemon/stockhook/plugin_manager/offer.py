"""Checks a class that a plugin offers, before anything relies on it."""

import inspect
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from stockhook.channel import Channel
from stockhook.notifier import Notifier
from stockhook.options import PluginOptions
from stockhook.store import Store
from stockhook.strategy import Strategy


class BadOffer(Exception):
    """What a plugin offers is not what the interface asks for; the text says what is wrong."""


class Kind(StrEnum):
    """What a plugin can offer."""

    CHANNEL = "channel"
    STRATEGY = "strategy"
    STORE = "store"
    NOTIFIER = "notifier"

    @property
    def interface(self) -> type:
        """The interface that classes of this kind have."""
        return {"channel": Channel, "strategy": Strategy, "store": Store, "notifier": Notifier}[self.value]


def check_class(kind: Kind, offered: Any) -> str:
    """Return the type name of a class fit for its kind; raises BadOffer."""
    if not inspect.isclass(offered):
        raise BadOffer(f"expected {kind} classes, found {type(offered).__name__}")
    where = f"{offered.__module__}.{offered.__qualname__}"
    name = getattr(offered, "type", None)
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
        raise BadOffer(f"{where}.type: expected a name in small letters, digits and -, found {name!r}")
    options = getattr(offered, "Options", None)
    if not (inspect.isclass(options) and issubclass(options, PluginOptions)):
        raise BadOffer(f"{where}.Options: expected a subclass of stockhook.plugin.PluginOptions")
    if kind is Kind.STRATEGY and not isinstance(getattr(offered, "version", None), str):
        raise BadOffer(f"{where}.version: expected a text; traces name the version that chose")
    for method, model in interface_methods(kind):
        _check_method(f"{where}.{method}", getattr(offered, method, None), model)
    return name


def interface_methods(kind: Kind) -> Iterator[tuple[str, Any]]:
    """Yield the methods that a class of ``kind`` must have, by name, as the interface declares them."""
    for name, method in vars(kind.interface).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            yield name, method


def _check_method(where: str, method: Any, model: Any) -> None:
    if not callable(method) or method is model:
        raise BadOffer(f"{where}: this method is missing")
    if inspect.iscoroutinefunction(method) != inspect.iscoroutinefunction(model):
        wanted = "an async def" if inspect.iscoroutinefunction(model) else "a plain def, not async"
        raise BadOffer(f"{where}: expected {wanted}")
    names = list(inspect.signature(model).parameters)
    try:
        inspect.signature(method).bind(*names)
    except TypeError:
        raise BadOffer(f"{where}: expected it to take ({', '.join(names)})") from None
