"""Bodies that go, from records in dicts: by their age, or because somebody wants them gone."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from stockhook.plugin import Range, model
from stockhook_plugins.stores.layers import Committed, Layer


def old(layer: Layer, before: datetime) -> list[model.Body]:
    """Return the bodies that no delivery has which came since then."""
    young = {row.digest for row in layer.select(model.Delivery, {"received_at": Range(low=before)})}
    return [row for row in layer.select(model.Body, {}) if row.digest not in young]


def unneeded(layer: Layer, digests: Collection[bytes]) -> list[model.Body]:
    """Return those of these bodies that no delivery needs which is still to be worked."""
    pending = layer.select(model.Delivery, {"state": model.DeliveryState.PENDING})
    gone = set(digests) - {row.digest for row in pending}
    return [row for row in layer.select(model.Body, {}) if row.digest in gone]


def drop(rows: Committed, writer: AbstractContextManager[Any], which: Callable[[Layer], list[model.Body]]) -> int:
    """Remove what ``which`` chooses in one commit, and return how many that were."""
    layer = Layer(rows)
    with writer, rows.mutex:
        gone = which(layer)
        for row in gone:
            layer.drop(row)
        layer.commit()
    return len(gone)
