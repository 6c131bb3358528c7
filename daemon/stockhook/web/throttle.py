"""How often one may be wrong: failed log-ins of one address, and of all together, in memory."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final, TypeVar

from stockhook.clock import Clock

T = TypeVar("T")

WINDOW: Final = 300.0
"""Seconds for which a wrong password counts."""

EACH: Final = 5
"""Wrong passwords of one address within the window; then it waits."""

TOGETHER: Final = 100
"""Wrong passwords of all addresses within the window; then everybody waits who has not got in from theirs before."""

_MOST: Final = 4096
"""Addresses that are remembered; the one that was quiet for longest is forgotten first."""


class Throttle:
    """Counts log-ins that failed; a guess at the password costs the same, whoever makes it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()
        self._together: deque[float] = deque(maxlen=TOGETHER)
        self._known: OrderedDict[str, None] = OrderedDict()

    def attempt(self, address: str) -> int:
        """Count an attempt as failed until ``passed``; or return the seconds to wait, and count nothing."""
        now, where = self._clock.monotonic(), _counted(address)
        each = self._failed.get(where) or deque(maxlen=EACH)
        waits = [_until_free(each, EACH, now)]
        if where not in self._known:
            waits.append(_until_free(self._together, TOGETHER, now))
        if max(waits) > 0:
            return int(max(waits)) + 1
        each.append(now)
        self._together.append(now)
        _remember(self._failed, where, each)
        return 0

    def passed(self, address: str) -> None:
        """Forget what this address got wrong: it is the password's owner's."""
        where = _counted(address)
        for at in self._failed.pop(where, ()):
            if at in self._together:
                self._together.remove(at)
        _remember(self._known, where, None)


def _counted(address: str) -> str:
    """Return what counts as one address: of IPv6 the network of one customer, who has 2**64 of them."""
    try:
        found = ip_address(address)
    except ValueError:
        return address  # a UNIX socket has none
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:  # how a socket for both writes an address of IPv4
        return str(found.ipv4_mapped)
    return str(ip_network((found, 64), strict=False))


def _until_free(failed: Iterable[float], most: int, now: float) -> float:
    """Return the seconds until fewer than ``most`` of these moments lie within the window."""
    within = [at for at in failed if at > now - WINDOW]
    return within[-most] + WINDOW - now if len(within) >= most else 0.0


def _remember(known: OrderedDict[str, T], where: str, value: T) -> None:
    known[where] = value
    known.move_to_end(where)
    while len(known) > _MOST:
        known.popitem(last=False)
