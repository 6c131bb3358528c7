"""Fills the pages' templates: escaped by default, strict about what is missing, read out of the package itself."""

import re
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from stockhook import quantity
from stockhook.web import assets
from stockhook.web.phrases import on_page
from stockhook.web.segments import segment

if TYPE_CHECKING:
    import jinja2

NONE: Final = "\N{EN DASH}"
"""Stands where there is nothing to show."""

STATES: Final = {
    "pending": "not worked yet, or waiting for its next try",
    "applied": "all it says is booked",
    "unchanged": "it said nothing new",
    "short": "booked in part: stock is missing, or a line waits",
    "parked": "nothing booked: it waits for a person, or for a cause to go",
    "ignored": "moves no stock, by rule",
    "superseded": "a newer state of the order has taken its place",
    "failed": "given up, or unreadable",
    "worked": "each of its events has been looked at",
    "open": "needs someone",
    "acknowledged": "closed by a person",
    "closed": "its cause is gone",
    "waiting": "not sent yet",
}
"""What each state means, for whoever hovers over it."""

_AGES: Final = ((86400 * 2, 86400, "days"), (3600 * 2, 3600, "hours"), (120, 60, "minutes"), (2, 1, "seconds"))


_ADDRESS: Final = re.compile(r'(\s(?:href|src|action|formaction|hx-(?:get|post|put|delete|push-url))=")/(?!/)')
"""Where a page names an address of its own; a text in the page has its quotes escaped, and never looks like it."""


def render(template: str, prefix: str = "", **values: Any) -> bytes:
    """Return the filled page; half a surrogate pair, which no encoding has, is written out.

    Templates write addresses as the daemon knows them; here ``prefix``, the path under which a proxy shows the pages,
    is put before all of them.
    """
    page = environment().get_template(template).render(**values)
    if prefix:
        page = _ADDRESS.sub(rf"\g<1>{prefix}/", page)
    return page.encode("utf-8", "backslashreplace")


@cache
def environment() -> "jinja2.Environment":
    """Return the one environment of all pages; compiled templates stay in its memory."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "age": age,
        "told": lambda text: commands(on_page(text)),
        "commands": commands,
        "quantity": amount,
        "signed": signed,
        "size": size,
        "state": state,
        "time": time,
        "or_none": or_none,
    }
    made.globals |= {
        "item_path": item_path,
        "order_path": order_path,
        "static": assets.address,
        "states": STATES,
        "said": None,
        "path": "",
        "person": "",
    }
    return made


def _source(name: str) -> str | None:
    found = resources.files("stockhook.web") / "templates" / name
    return found.read_text("utf-8") if found.is_file() else None


def amount(value: quantity.Quantity | None) -> str:
    """Return a quantity as people write it, with a true minus sign."""
    return NONE if value is None else quantity.text(value).replace("-", "\N{MINUS SIGN}")


def signed(value: quantity.Quantity) -> str:
    """Return a change of a quantity, its sign always written."""
    return f"{'+' if value > 0 else ''}{amount(value)}"


def time(value: datetime | None) -> Markup:
    """Return a moment as a ``<time>`` in UTC, to the minute; the second is in its title."""
    if value is None:
        return Markup(NONE)  # noqa: S704 - a constant
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        value.isoformat(), f"{value:%Y-%m-%d %H:%M:%S}", f"{value:%Y-%m-%d %H:%M}"
    )


def age(value: datetime | None, now: datetime) -> Markup:
    """Return how long ago a moment was, in words, with the moment in its title."""
    if value is None:
        return Markup(NONE)  # noqa: S704 - a constant
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        value.isoformat(), f"{value:%Y-%m-%d %H:%M:%S}", words(now - value)
    )


def words(passed: timedelta) -> str:
    """Return a duration since then in words: ``3 minutes ago``."""
    seconds = int(passed.total_seconds())
    for least, each, unit in _AGES:
        if seconds >= least:
            return f"{seconds // each} {unit} ago"
    return "just now"


def commands(text: str) -> Markup:
    """Return a text with what stands between backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    shown = [part if place % 2 == 0 else Markup("<code>{}</code>").format(part) for place, part in enumerate(parts)]
    return Markup("").join(shown)


def state(value: str) -> Markup:
    """Return a state as a word in its colour, its meaning in the title."""
    return Markup('<span class="state {}" title="{}">{}</span>').format(value, STATES.get(value, ""), value)


def size(count: int) -> str:
    """Return a number of bytes as people write it."""
    if count < 1024:  # noqa: PLR2004 - a KiB
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 2**20 else f"{count / 2**20:.1f} MiB"


def or_none(value: str | date | None) -> str:
    """Return a text or a day, or a dash where there is none."""
    return NONE if value is None or value == "" else str(value)


def item_path(sku: str) -> str:
    """Return the address of an item's page."""
    return f"/items/{segment(sku)}"


def order_path(account: str, order_id: str) -> str:
    """Return the address of an order's page."""
    return f"/orders/{segment(account, ':')}/{segment(order_id)}"
