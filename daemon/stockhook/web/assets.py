"""The files that pages load: style, script and icon, read out of the package itself."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

TYPES: Final = {
    "htmx.min.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "pico.min.css": "text/css; charset=utf-8",
    "stockhook.css": "text/css; charset=utf-8",
}
"""The files that are served, and nothing else of their folder."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to be served; ``digest`` is the short hash that its address carries."""

    data: bytes
    type: str
    digest: str


@cache
def asset(name: str) -> Asset:
    """Return the file of that name; raises KeyError for one that is not served."""
    kind = TYPES[name]
    data = (resources.files("stockhook.web") / "static" / name).read_bytes()
    return Asset(data, kind, hashlib.sha256(data).hexdigest()[:12])


def address(name: str) -> str:
    """Return the address of a file, with its digest, so that browsers may keep it for ever."""
    return f"/static/{name}?v={asset(name).digest}"
