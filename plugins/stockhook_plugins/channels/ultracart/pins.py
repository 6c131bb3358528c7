"""What a line asks to be taken from: its EDI lots, and the item options whose labels the configuration names.

Of a line's options (ultracart.md 2.2) only the values of those labels are kept: the others may hold what a customer
wrote.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from stockhook_plugins.channels.ultracart.options import PinOptions
from stockhook_plugins.channels.ultracart.order import Item
from stockhook_plugins.channels.ultracart.word import word

_BETWEEN: Final = re.compile(r"[,;\r\n]")


class Pinned(NamedTuple):
    """Lots, serial numbers and locations that a line names, each once, in its order."""

    lots: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class Pins:
    """Reads them, by the labels of the item options that name them."""

    def __init__(self, options: PinOptions | None = None) -> None:
        """Take the labels, which compare without case; none leave the EDI lots."""
        options = options or PinOptions()
        named = (options.lot, options.serial, options.location)
        self._labels = {label.casefold(): place for place, label in enumerate(named) if label}

    def read(self, item: Item) -> Pinned:
        """Return what the line names; options of another shape than UltraCart's name nothing."""
        found: tuple[list[str], list[str], list[str]] = (list(_edi_lots(item)), [], [])
        if self._labels:
            for label, value in _options(item.options):
                place = self._labels.get(label.strip().casefold())
                if place is not None:
                    found[place].extend(_words(_BETWEEN.split(value)))
        return Pinned(*(tuple(dict.fromkeys(names)) for names in found)) if any(found) else _NOTHING


_NOTHING: Final = Pinned()


def _edi_lots(item: Item) -> Iterator[str]:
    lots = (item.edi.lots if item.edi else None) or ()
    return _words(str(lot.lot_number) for lot in lots if lot is not None and lot.lot_number is not None)


def _words(values: Iterable[str]) -> Iterator[str]:
    return (found for value in values if (found := word(value)) is not None)


def _options(raw: msgspec.Raw) -> Iterator[tuple[str, str]]:
    try:
        options = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # what a customer could have written must not keep an order from being booked
    for option in options if isinstance(options, list) else ():
        match option:
            case {"label": str(label), "value": str(value)}:
                yield label, value
            case {"label": str(label), "value": int(value)} if not isinstance(value, bool):
                yield label, str(value)
