"""Saying what is wrong with an event, without repeating anything of it but indexes, codes, quantities and dates."""

import re
from typing import Any, Final

import msgspec

from stockhook.plugin import BadEvent

_PATH: Final = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_LINE: Final = re.compile(r"\.items\[(?P<place>\d+)\]\.?(?P<field>.*)")
_SHOWN: Final = frozenset(
    ("item_index", "parent_item_index", "merchant_item_id", "quantity", "quantity_refunded", "shipped_dts")
)
_NUMBER: Final = re.compile(r"[-+]?[0-9.,]{0,9}(?:[eE][-+]?[0-9]{1,6})?|[-+]?(?:NaN|Infinity)")
_DATE: Final = re.compile(
    r"(?:[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-/.])[0-9]{1,2}\2[0-9]{4})(?:[T ][0-9:.,+\-Z ]{0,25})?"
)


def cut(value: object) -> str:
    """Return an odd value for a message: quoted if it is text, and no longer than 40 characters."""
    return repr(value[:40]) if isinstance(value, str) else str(value)[:40]


def odd(value: object) -> str:
    """Return what stands where a number or a date should, if it looks like one: else it may be about a person.

    A name, a mail address or a card number that slipped into such a field is only told by its length: the message is
    logged and mailed.
    """
    text = str(value)
    if _NUMBER.fullmatch(text) or _DATE.fullmatch(text):
        return cut(value)
    return f"({len(text)} characters, not repeated here)"


def bad_lines(event: str, text: str, line: object = None) -> BadEvent:
    """Return the error that parks an event; ``line`` is the index, or where there is none a word for the place."""
    where = event if line is None else f"{event}, line {line}"
    return BadEvent("bad-lines", f"{where}: {text}")


def misshapen(event: str, payload: bytes, error: Exception) -> BadEvent:
    """Return the error for a payload whose JSON is not that of an order."""
    if not isinstance(error, msgspec.ValidationError):
        return bad_lines(event, "the order is not JSON that can be read")
    found = _PATH.match(str(error))
    what = (found["what"] if found else str(error)).replace("`", "")
    path = (found["path"] if found else None) or ""
    line = _LINE.fullmatch(path)
    if line is None:
        return bad_lines(event, f"{path.removeprefix('.') or 'the order'}: {what}")
    item = _item(payload, int(line["place"]))
    index = item.get("item_index")
    known = index if isinstance(index, int | float) else f"at place {int(line['place']) + 1}"
    field = line["field"] or "the whole line"
    value = item.get(field) if field in _SHOWN else None
    show = cut if field == "merchant_item_id" else odd
    shown = f" is {show(value)}" if isinstance(value, str | int | float) else ""
    return bad_lines(event, f"{field}{shown}: {what}", known)


def _item(payload: bytes, place: int) -> dict[str, Any]:
    try:
        item = msgspec.json.decode(payload)["items"][place]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return {}
    return item if isinstance(item, dict) else {}
