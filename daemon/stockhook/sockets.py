"""The sockets the daemon listens on: bound to an address of the configuration, or handed over by systemd."""

import socket
from ipaddress import ip_address

from tornado.netutil import bind_sockets, bind_unix_socket

from stockhook.config.values import Address
from stockhook.errors import Refused


def refuse_reachable(handed: list[socket.socket]) -> None:
    """Raise Refused for an admin socket from systemd that other machines can reach; for where no password is set."""
    for one in handed:
        if one.family != socket.AF_UNIX and not ip_address(one.getsockname()[0]).is_loopback:
            raise Refused(
                f"systemd passed {one.getsockname()[0]} for the admin listener, which needs "
                "[admin] password_hash; without one ListenStream= must be a loopback address or a path"
            )


def bind(address: Address) -> list[socket.socket]:
    """Listen; raises Refused with the address where that cannot be."""
    try:
        if address.path:
            return [bind_unix_socket(address.path, mode=0o660)]
        return bind_sockets(address.port, address.host)
    except (OSError, ValueError) as error:  # ValueError: the path is a file that is no socket
        cause = getattr(error, "strerror", None) or error
        raise Refused(
            f"cannot listen on {address}: {cause}; stop the program that uses the address, or choose "
            "another one in the configuration"
        ) from None


def written(bound: socket.socket, address: Address) -> str:
    """Return the address of a listening socket: a base URL, or ``unix:`` and a path."""
    if address.path:
        return str(address)
    port = bound.getsockname()[1]
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"http://{host}:{port}"
