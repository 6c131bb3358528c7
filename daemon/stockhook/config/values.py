"""The values of options that need more than a plain TOML type: byte sizes, addresses, names, times, locations."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainValidator

from stockhook.hours import Hours, parse_clock, parse_duration, parse_hours
from stockhook.password import is_hash
from stockhook.secret import Secret, stands_in

_UNITS: Final = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}
_LARGEST_SIZE: Final = 2**40
_LARGEST_PORT: Final = 65535
_WILDCARDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


def parse_size(value: Any) -> int:
    """Return the number of bytes that ``"10 MiB"``, ``"500 kB"`` or a whole number writes; raises ValueError."""
    match = re.fullmatch(r"(\d{1,15}) ?([a-z]{0,3})", value.strip().casefold()) if isinstance(value, str) else None
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif match and match[2] in _UNITS:
        size = int(match[1]) * _UNITS[match[2]]
    else:
        raise ValueError('expected a size like "10 MiB", "500 kB" or a number of bytes')
    if not 0 < size <= _LARGEST_SIZE:
        raise ValueError("expected a size from 1 byte to 1024 GiB")
    return size


Size = Annotated[int, BeforeValidator(parse_size)]
"""Bytes, written as a number or with a unit: ``"10 MiB"``."""

Count = Annotated[int, Field(strict=True, ge=1)]
"""A whole number from 1 on."""


Days = Annotated[int, Field(strict=True, ge=0, le=36_525)]
"""A number of days, at most a hundred years of them."""


def parse_pattern(value: Any) -> str:
    """Return a code, or a pattern of codes, without the blanks around it; raises ValueError."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError('expected a code in quotes, like "SOAP" or, of items, "SOAP-*"')
    return value.strip()


Pattern = Annotated[str, PlainValidator(parse_pattern)]
"""A code, or several with ``*`` and ``?``."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener waits: ``host`` and ``port``, or the ``path`` of a UNIX socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> bool:
        """Tell whether only this machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def is_same(self, other: "Address") -> bool:
        """Tell whether both are one listener; port 0 is a free port and never the same one."""
        return self == other and self.overlaps(other)

    def overlaps(self, other: "Address") -> bool:
        """Tell whether both could not be listened on at once; port 0 is a free port and never the same one."""
        if self.path or other.path:
            return self.path == other.path
        same_host = self.host == other.host or bool({self.host, other.host} & _WILDCARDS)
        return same_host and self.port == other.port != 0


def parse_address(value: Any) -> Address:
    """Return the address that ``"HOST:PORT"``, ``"[::1]:PORT"`` or ``"unix:/path"`` writes; raises ValueError."""
    if isinstance(value, Address):
        return value
    text = value if isinstance(value, str) else ""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/") or "\0" in path:
            raise ValueError('expected a full path behind "unix:", like "unix:/run/stockhook/http.sock"')
        return Address(path=path)
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})", text)
    if not match or int(match[3]) > _LARGEST_PORT:
        raise ValueError('expected "HOST:PORT", "[::1]:PORT" or "unix:/path"; "0.0.0.0:PORT" is every address')
    if match[1]:
        try:
            ipaddress.IPv6Address(match[1])
        except ValueError:
            raise ValueError("expected an IPv6 address between the brackets") from None
    return Address(host=(match[1] or match[2]).casefold(), port=int(match[3]))


Listen = Annotated[Address, PlainValidator(parse_address)]
"""An address to listen on."""


def parse_folder(value: Any) -> Path:
    """Return the path of a folder; raises ValueError."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError('expected the path of a folder, like "/etc/stockhook/plugins"')
    return Path(value)


Folder = Annotated[Path, PlainValidator(parse_folder)]
"""A folder; a relative path is one beside the configuration file."""


def parse_public_url(value: Any) -> str:
    """Return an http(s) URL without a slash at its end; raises ValueError."""
    parts = urlsplit(value) if isinstance(value, str) else None
    good = parts and parts.scheme in {"http", "https"} and parts.hostname
    if not parts or not good or parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", value):
        raise ValueError('expected an address like "https://stock.example.com"')
    return str(value).rstrip("/")


PublicUrl = Annotated[str, PlainValidator(parse_public_url)]
"""How the world reaches the listener."""


def parse_password_hash(value: Any) -> Secret:
    """Return the hash of a password, wherever it is kept; raises ValueError for anything that is none."""
    found = Secret.resolve(value)
    if not (is_hash(found.reveal()) or stands_in(value)):
        raise ValueError(
            'expected a hash like "$argon2id$v=19$...", in single or double quotes; `stockhook admin hash-password` '
            "makes one of a password"
        )
    return found


PasswordHash = Annotated[Secret, PlainValidator(parse_password_hash)]
"""The argon2id hash of the password of the pages."""


def parse_token_name(value: Any) -> str:
    """Return the name of a token, which becomes part of the ledger; raises ValueError."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", value) or value == "local":
        raise ValueError('expected a name of at most 64 letters, digits, - and _, other than "local"')
    return value


TokenName = Annotated[str, PlainValidator(parse_token_name)]
"""What a program is called in the ledger and the audit: ``api:NAME``."""


def parse_token_hash(value: Any) -> str:
    """Return the hash of a token in lower case; raises ValueError, also for a token itself."""
    if not isinstance(value, str) or not re.fullmatch(r"sha256:[0-9A-Fa-f]{64}", value):
        raise ValueError('expected "sha256:" and 64 hex digits; `stockhook admin token NAME` makes a token and both')
    return value.lower()


TokenHash = Annotated[str, PlainValidator(parse_token_hash)]
"""The SHA-256 of a token; of 256 random bits that is as good as a slow hash."""


UNIX: Final = "unix"
"""Stands among networks for whoever comes over a UNIX socket."""

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network | Literal["unix"]


def parse_network(value: Any) -> Network:
    """Return the network that ``"10.0.0.7"`` or ``"10.0.0.0/8"`` writes, or ``"unix"``; raises ValueError."""
    if value == UNIX:
        return UNIX
    try:
        found = ipaddress.ip_network(value.strip() if isinstance(value, str) else "", strict=False)
    except ValueError:
        raise ValueError('expected an address like "10.0.0.7", a network like "10.0.0.0/8", or "unix"') from None
    if found.prefixlen == 0:
        raise ValueError(f"{found} is everybody, and whoever asks could then write any address; name the proxy alone")
    return found


TrustedNetwork = Annotated[Network, PlainValidator(parse_network)]
"""Peers that are believed: an address, a network, or whoever comes over a UNIX socket."""


OWN_WORDS: Final = frozenset({
    "api", "audit", "channels", "deliveries", "events", "healthz", "items", "locations", "login", "logout", "metrics",
    "movements", "orders", "plugins", "problems", "readyz", "recall", "search", "static", "units", "webhooks",
})  # fmt: skip
"""The first words of our own addresses: a path that begins with one may be whole, or have lost its prefix."""


def parse_prefix(value: Any) -> str:
    """Return a path without a slash at its end, empty for none; raises ValueError."""
    text = value.rstrip("/") if isinstance(value, str) else None
    if text is None or not re.fullmatch(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*", text):
        raise ValueError('expected a path like "/stock", of letters, digits and . _ ~ -')
    first = text[1:].partition("/")[0]
    if first in OWN_WORDS:
        raise ValueError(f'expected a path that begins otherwise than "/{first}", which is an address of its own here')
    return text


PathPrefix = Annotated[str, PlainValidator(parse_prefix)]
"""The path under which a proxy shows what is served."""


def parse_moment(value: Any) -> datetime:
    """Return a TOML date-time that has an offset; raises ValueError."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("expected a time with an offset, without quotes, like 2026-12-01T00:00:00Z")
    return value


Moment = Annotated[datetime, PlainValidator(parse_moment)]
"""A moment, never a time of nowhere."""


Duration = Annotated[timedelta, PlainValidator(parse_duration)]
"""A time, written like ``"6h"``."""

ClockTime = Annotated[time, PlainValidator(parse_clock)]
"""A time of day, written like ``"07:30"``."""

BusinessHours = Annotated[Hours, PlainValidator(parse_hours)]
"""Hours of a week, written like ``"Mon-Fri 08:00-18:00"``."""


def parse_zone(value: Any) -> ZoneInfo:
    """Return the time zone of that name; raises ValueError."""
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError):
        raise ValueError('expected the name of a time zone, like "America/New_York" or "UTC"') from None


Zone = Annotated[ZoneInfo, PlainValidator(parse_zone)]
"""A time zone of the system's database."""


def parse_reason(value: Any) -> str:
    """Return a reason as the store writes it, trimmed; raises ValueError for none."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError('expected a reason as the store writes it, like "DamagedInShipping"')
    return value.strip()


Reason = Annotated[str, PlainValidator(parse_reason)]
"""A code that a merchant has chosen for why goods come back; compared without case."""


def parse_location(value: Any) -> str:
    """Return a location path such as ``MAIN/FG``; raises ValueError."""
    if not isinstance(value, str) or any(not part or part != part.strip() for part in value.split("/")):
        raise ValueError('expected a location path like "MAIN/FG"')
    return value


LocationPath = Annotated[str, PlainValidator(parse_location)]
"""The path of a location."""
