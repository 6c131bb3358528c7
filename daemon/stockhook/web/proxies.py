"""Proxies in front: whose word is taken about who asks and how, and the path under which they show the pages."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from tornado.httputil import HTTPHeaders

from stockhook.config.tables import Server
from stockhook.config.values import UNIX, Network

_SCHEMES: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Proxies:
    """The peers whose X-Forwarded-For and -Proto are believed, and the ``prefix`` of the addresses they pass on."""

    trusted: frozenset[Network] = frozenset()
    prefix: str = ""

    @classmethod
    def of(cls, server: Server) -> "Proxies":
        """Return what ``[server]`` says about them."""
        return cls(frozenset(server.trusted_proxies), server.path_prefix)

    def client(self, context: Any, headers: HTTPHeaders) -> str:
        """Return the address of who asks: the last one on the way here that is no proxy of ours.

        ``context`` is Tornado's, of the connection.
        """
        peer = str(getattr(context, "remote_ip", None) or "")
        if not self.trusted or not self._trusts_peer(context):
            return peer
        for passed in reversed(headers.get("X-Forwarded-For", "").split(",")):
            found = _address(passed)
            if found is None:
                return peer
            peer = str(found)
            if not self._trusts(found):
                return peer
        return peer

    def scheme(self, context: Any, headers: HTTPHeaders) -> str:
        """Return how the client asks, ``http`` or ``https``: as the proxy says, if it is one of ours."""
        own = str(getattr(context, "protocol", "http"))
        if not self.trusted or not self._trusts_peer(context):
            return own
        said = headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().casefold()
        return said if said in _SCHEMES else own

    def path(self, asked: str) -> str:
        """Return a path, with or without a query, as the daemon knows it: proxies may leave the prefix on it."""
        if not self.prefix or not asked.startswith(self.prefix):
            return asked
        rest = asked[len(self.prefix) :]
        if rest.startswith("/"):
            return rest
        return f"/{rest}" if not rest or rest.startswith("?") else asked

    def _trusts_peer(self, context: Any) -> bool:
        if getattr(context, "address_family", None) == socket.AF_UNIX:
            return UNIX in self.trusted
        found = _address(str(getattr(context, "remote_ip", "")))
        return found is not None and self._trusts(found)

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(network != UNIX and address in network for network in self.trusted)


def origin(url: str) -> str:
    """Return what browsers write for an address in the header Origin.

    A proxy that does not pass on the Host by which it was asked would make our own forms look like another site's.
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _address(written: str) -> IPv4Address | IPv6Address | None:
    """Return an address, which some proxies write with a port; None for what is none."""
    text = written.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
